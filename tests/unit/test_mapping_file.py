"""What a mapping may read: files in its folder and below, of bounded size, that are files."""

import os
from pathlib import Path

import pytest

from pipeline import mapping_file
from pipeline.mapping.mistakes import MappingRefused, Mistake
from pipeline.mapping_file import MappingMissing, read_mapping
from pipeline.run.trial import try_mapping

MAPPING = """\
version: 1
name: m
mode: update_only
source: {}
lookups:
  t: {file: FILE, key: code, value: courier}
order: {order_number: {from: Nr, lookup: t}}
"""
TABLE = b"code,courier\nA,ups\n"


def refused(folder: Path, name: str = "t.csv", **more: str) -> Mistake:
    """The one mistake that a lookup file makes."""
    text = MAPPING.replace("FILE", name + "".join(f", {k}: {v}" for k, v in more.items()))
    (folder / "m.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(MappingRefused) as caught:
        read_mapping(folder / "m.yaml")
    (mistake,) = caught.value.mistakes
    assert (mistake.code, mistake.line, mistake.column) == ("M206", 6, 13)
    assert str(folder) not in mistake.message
    return mistake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The mapping's folder, beside which a secret lies."""
    (tmp_path / "secret.csv").write_bytes(b"code,courier\nSECRET,ups\n")
    made = tmp_path / "mappings"
    (made / "tables").mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "../secret.csv",
        "/etc/passwd",
        "tables/../../secret.csv",
        "~/x.csv",
        "C:/x.csv",
        '"a\\\\b.csv"',
    ],
)
def test_a_name_cannot_lead_out_of_the_folder(name: str, folder: Path) -> None:
    assert "does not lie in the folder of the mapping" in refused(folder, name).message


def test_neither_can_a_link(folder: Path) -> None:
    (folder / "t.csv").symlink_to(folder.parent / "secret.csv")
    assert refused(folder).message.endswith("cannot be read: a link leads out of the folder of the mapping")  # fmt: skip
    (folder / "out").symlink_to(folder.parent)
    assert "a link leads out" in refused(folder, "out/secret.csv").message


def test_a_link_that_stays_inside_is_followed(folder: Path) -> None:
    (folder / "tables" / "real.csv").write_bytes(TABLE)
    (folder / "t.csv").symlink_to("tables/real.csv")
    (folder / "m.yaml").write_text(MAPPING.replace("FILE", "t.csv"), encoding="utf-8")
    outer = folder.parent / "link"
    outer.symlink_to(folder)
    assert read_mapping(outer / "m.yaml")[0].lookups == {"t": {"A": "ups"}}


def test_what_is_no_file_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "t.csv")
    assert refused(folder).message.endswith("cannot be read: it is not a regular file")
    assert refused(folder, "tables").message.endswith("cannot be read: it is not a regular file")


def test_a_file_that_is_too_large_is_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping_file, "LOOKUP_MAX", 1_000_000)
    (folder / "t.csv").write_bytes(b"x" * 1_000_001)
    assert refused(folder).message.endswith("cannot be read: it is larger than 1 MB")


@pytest.mark.parametrize(
    ("content", "says", "hint"),
    [
        (b"", 'has no column "code"', "it has: "),
        (b"code,courier\n", "has no rows", "it needs a header and a row for each key"),
        (b"code,curier\nA,b\n", 'has no column "courier"', 'did you mean "curier"?'),
        (b"code;courier\nA;b\n", "has only one column with delimiter ','", 'set `delimiter: ";"` beside `file:`'),
        (b"code,courier\nA,b\nA,c\n", '"A" a second meaning (first in line 2)', "keep one of the two rows"),
        (b"code,courier\nA\n", "t.csv:2 has 1 columns, the header 2", "its delimiter is set by `delimiter:`"),
        (b"code,courier\nA,\xfc\n", "is not in utf-8", "set `encoding:` beside `file:`"),
        (b'code,courier\nA,"b\n', "is not readable as CSV", "every quote needs its partner"),
        (b"code,courier\n,b\n", 'has no "code"', "every row needs its key"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_says_why(
    content: bytes, says: str, hint: str, folder: Path
) -> None:
    (folder / "t.csv").write_bytes(content)
    mistake = refused(folder)
    assert says in mistake.message
    assert hint in mistake.help


def test_patterns_are_bounded(folder: Path) -> None:
    rows = "".join(f"a{n}.*,ups\n" for n in range(5_001))
    (folder / "t.csv").write_text(f"code,courier\n{rows}")
    assert "has 5,001 patterns, at most 5,000" in refused(folder, match="pattern").message
    (folder / "t.csv").write_text('code,courier\n"(a{1000}){1000}",ups\n')
    assert "the pattern" in refused(folder, match="pattern").message


def test_a_mapping_that_is_no_file_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "m.yaml")
    with pytest.raises(MappingMissing, match="it is not a regular file"):
        read_mapping(folder / "m.yaml")


def test_a_mapping_that_is_too_large_is_not_read_to_its_end(folder: Path) -> None:
    (folder / "m.yaml").write_bytes(b"# \xc3\xa4\n" * 250_000)
    with pytest.raises(MappingRefused) as caught:
        read_mapping(folder / "m.yaml")
    assert [each.code for each in caught.value.mistakes] == ["M003"]


def test_the_file_of_a_test_lies_in_the_folder_too(folder: Path) -> None:
    (folder / "in.csv").symlink_to(folder.parent / "secret.csv")
    tests = "tests: [{name: t, file: in.csv, expect: {orders: []}}]\n"
    text = MAPPING.replace("lookups:\n  t: {file: FILE, key: code, value: courier}\n", "")
    (folder / "m.yaml").write_text(text.replace("{from: Nr, lookup: t}", "code") + tests)
    (tried,) = try_mapping(folder / "m.yaml")
    assert "a link leads out of the folder of the mapping" in str(tried.differences)
    assert "SECRET" not in str(tried)
