"""Parsers that others wrote read our acknowledgements, and understand what we mean."""

import io
import re
import shutil
from pathlib import Path

import pytest

from pipeline.acknowledge import Kind
from tests.unit.acknowledge.received import edifact, orders, purchase_order, receive, x12

pyx12 = pytest.importorskip("pyx12")
document = pytest.importorskip("pyx12.x12n_document")
params = pytest.importorskip("pyx12.params")
collection = pytest.importorskip("pydifact.segmentcollection")

_X12 = {
    "accepted": x12(purchase_order()),
    "noted": x12(purchase_order("0002", "PO1*1*2*EA*9.5**SK*A1~XYZ*1~PO1*2*x*EAS~")),
    "rejected": x12(purchase_order(), "ST*850*0002~PO1*1*2*EA~SE*3*0002~"),
    "truncated": x12(purchase_order())[:-40],
    "unknown type": x12("ST*810*0001~BIG*20260301*I1~SE*3*0001~"),
}
# pyx12 knows only the kinds of groups and messages that health care uses
_HEALTH_CARE = re.compile(
    r'(<element xid="(?:AK101|AK201|ISA05|ISA07)">.*?)<valid_codes.*?</valid_codes>', re.DOTALL
)


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The definitions of pyx12 without the code lists of health care."""
    folder = tmp_path_factory.mktemp("pyx12") / "map"
    shutil.copytree(Path(pyx12.__file__).parent / "map", folder)
    for path in (*folder.glob("99[79].*.xml"), *folder.glob("x12.control.*.xml")):
        path.write_text(_HEALTH_CARE.sub(r"\1", path.read_text("utf-8")), "utf-8")
    return folder


def _valid_for_pyx12(text: bytes, definitions: Path) -> bool:
    valid: bool = document.x12n_document(
        params.params(), io.StringIO(text.decode()), None, None, map_path=str(definitions)
    )
    return valid


@pytest.mark.parametrize("kind", [Kind.X12_997, Kind.X12_999, Kind.TA1])
@pytest.mark.parametrize("case", _X12)
def test_pyx12_finds_them_valid(case: str, kind: Kind, definitions: Path, tmp_path: Path) -> None:
    (answer,) = receive(_X12[case], tmp_path).answers(kind)
    assert _valid_for_pyx12(answer.text, definitions)


def test_pyx12_would_tell_if_they_were_not_valid(definitions: Path, tmp_path: Path) -> None:
    (answer,) = receive(_X12["noted"], tmp_path).answers(Kind.X12_997)
    for wrong in ((b"AK9*E", b"AK9*Z"), (b"AK5*E*5~", b""), (b"AK4*2**6*x", b"AK4*2")):
        assert not _valid_for_pyx12(answer.text.replace(*wrong), definitions)


@pytest.mark.filterwarnings("ignore::pydifact.exceptions.MissingImplementationWarning")
def test_pydifact_reads_the_same_values(tmp_path: Path) -> None:
    unb = "UNB+UNOC:3+AC?+ME?:1:ZZ+5412345000013:14+260308:2301+REF7'"
    text = edifact(orders(), orders("M2", "LIN+1'QTY+21:x'ZZZ+1'"), unb=unb)
    (answer,) = receive(text, tmp_path).answers(Kind.CONTRL)
    read = collection.Interchange.from_str(answer.text.decode())
    assert (read.sender, read.recipient) == (["5412345000013", "14"], ["AC+ME:1", "ZZ"])
    assert read.control_reference == "42"
    (message,) = read.get_messages()
    assert (message.type, message.reference_number) == ("CONTRL", "1")
    assert [[segment.tag, *segment.elements] for segment in message.segments] == [
        ["UCI", "REF7", ["AC+ME:1", "ZZ"], ["5412345000013", "14"], "7"],
        ["UCM", "M2", ["ORDERS", "D", "96A", "UN", "EAN008"], "7"],
        ["UCS", "5"],
        ["UCD", "37", ["2", "2"]],
        ["UCS", "6", "15"],
    ]
