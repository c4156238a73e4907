"""`mapping check MAPPING FILE` for EDI: what of a mapping finds nothing in a file."""

import re
from pathlib import Path

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import Weight
from pipeline.read import open_edi
from pipeline.run.fitting import Fit, fit
from tests.run.interchanges import FILES

MAPPING = """\
version: 1
name: advice
mode: update_only
source: {{format: {format}, {word}: "{message}"}}
extract:
  columns:
{columns}
order: {{order_number: order_no}}
trackings:
  key: tracking
  fields: {{tracking_number: tracking, courier: {{value: ups}}}}
"""


def fitted(folder: Path, text: str, message: str = "945", **columns: str) -> Fit:
    """How a mapping with these columns fits a file."""
    (folder / "night.edi").write_text(text, encoding="utf-8")
    edifact = message.isalpha()
    known = {"order_no": "RFF[1.1=ON].1.2", "tracking": "GIN[1=BJ].2"} if edifact else {
        "order_no": "W06.2", "tracking": "MAN[1=CP].2"}  # fmt: skip
    mapping = MAPPING.format(
        format="edifact" if edifact else "x12", word="message" if edifact else "transaction",
        message=message,
        columns="\n".join(f"    {name}: {path}" for name, path in (known | columns).items()),
    )  # fmt: skip
    return fit(
        compile_mapping(mapping, "m.yaml"), "m.yaml", open_edi(folder / "night.edi", "n.edi")
    )


def test_a_mapping_that_fits(tmp_path: Path) -> None:
    assert fitted(tmp_path, FILES["945"]) == Fit((), {"945": 1}, rows=2)


def test_no_message_that_the_mapping_reads(tmp_path: Path) -> None:
    (mistake,) = fitted(tmp_path, FILES["856"] + FILES["850"]).mistakes
    assert (mistake.code, mistake.weight, mistake.line) == ("M407", Weight.ERROR, 4)
    assert mistake.message == "n.edi has no X12 message 945"
    assert mistake.help == "it has 856 (1), 850 (1)"
    (other,) = fitted(tmp_path, FILES["DESADV"]).mistakes
    assert other.help == "it is EDIFACT; it has DESADV (1)"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("W27.3", "values are in W27.1 (mode of transport), W27.2 (carrier (SCAC))"),
        ("W12[1=CC].9", "values are in W12.2 (quantity ordered), W12.3 (quantity shipped), "
         "W12.5 (unit of measure), W12.7 (kind of product code 1), W12.8 (product code 1)"),
        ("MAN[1=CP].5", "did you mean MAN.2 (number 1)?"),
        ("MAN[1=GM].2", "no MAN has GM; there it has CP"),
        ('"W12[*=VN|VP].+1"', "no W12 has VN or VP; there it has SK"),
        ('"N1[1=CN]>N4.3"', "no N1 has CN; there it has ST"),
        ("G62[1=11].2", "there is no G62 in these messages"),
    ],
)  # fmt: skip
def test_an_empty_column_says_what_is_there_instead(path: str, hint: str, tmp_path: Path) -> None:
    found = fitted(tmp_path, FILES["945"], odd=path)
    (mistake,) = found.mistakes
    assert (mistake.code, mistake.weight, mistake.line) == ("W105", Weight.WARNING, 9)
    assert mistake.message == (
        'column "odd" is empty in all 2 rows of n.edi: its path finds nothing'
    )
    assert mistake.help == hint


def test_components_of_edifact(tmp_path: Path) -> None:
    (mistake,) = fitted(tmp_path, FILES["DESADV"], "DESADV", odd="NAD[1=DP].4.2").mistakes
    assert "NAD.4.1 (Name 1), NAD.5.1 (Street 1)" in mistake.help
    (other,) = fitted(tmp_path, FILES["DESADV"], "DESADV", odd="RFF[1.1=DQ].1.2").mistakes
    assert other.help.startswith("no RFF has DQ; there it has ON")


def test_a_path_beside_one_with_values_is_told_and_no_warning(tmp_path: Path) -> None:
    found = fitted(tmp_path, FILES["945"], sku='["W12[*=VN].+1", "W12[*=SK].+1"]')
    assert (found.mistakes, found.idle) == ((), ("W12[*=VN].+1",))
    (mistake,) = fitted(tmp_path, FILES["945"], odd="[W12.9, W12.10]").mistakes
    assert mistake.message.endswith("its 2 paths find nothing")


def test_rows_of_rejected_messages_count(tmp_path: Path) -> None:
    bad = re.sub(r"SE\*[0-9]+", "SE*99", FILES["945"])
    found = fitted(tmp_path, bad)
    assert (found.rows, found.rejected, found.mistakes) == (2, 2, ())
