"""Each finding about envelopes and syntax, at its place and in its words (E101 to E120)."""

from pathlib import Path

import pytest

from pipeline.model.stops import SourceUnusable
from pipeline.read import open_edi
from pipeline.read.edi import envelopes as envelopes_module
from pipeline.read.edi import pieces as pieces_module
from pipeline.read.header import SourceEmpty
from tests.edi.reading import Said, read, said
from tests.edi.samples import DESADV, ORDER_850, SHIPPED_945, Marks, edifact, x12

WAREHOUSE = x12(("945", SHIPPED_945))  # 21 segments: ISA, GS, ST, 15, SE, GE, IEA
NOTICE = edifact(("DESADV", DESADV))  # 26 segments; the UNA is line 1 and no segment


def lines_less(text: str, *lines: int) -> str:
    """A text without some of its lines, which count from 1."""
    kept = [line for number, line in enumerate(text.splitlines(keepends=True), 1) if number not in lines]  # fmt: skip
    return "".join(kept)


def test_whole_interchanges_are_said_nothing_about() -> None:
    assert said(WAREHOUSE) == []
    assert said(NOTICE) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(WAREHOUSE.replace("*905", "*906").replace("00905~\nGS", "00905~\nGS").replace("IEA*1*000000905", "IEA*1*000000906"), [("E106", 21, 21, "000000906", "000000905", "IEA*02")], id="IEA02"),
        pytest.param(WAREHOUSE.replace("IEA*1*", "IEA*2*"), [("E105", 21, 21, "2", "1", "IEA*01")], id="IEA01"),
        pytest.param(WAREHOUSE.replace("GE*1*1", "GE*2*1"), [("E108", 20, 20, "2", "1", "GE*01")], id="GE01"),
        pytest.param(WAREHOUSE.replace("GE*1*1", "GE*1*7"), [("E106", 20, 20, "7", "1", "GE*02")], id="GE02"),
        pytest.param(WAREHOUSE.replace("SE*17*", "SE*18*"), [("E110", 19, 19, "18", "17", "SE*01")], id="SE01"),
        pytest.param(WAREHOUSE.replace("SE*17*0001", "SE*17*0002"), [("E106", 19, 19, "0002", "0001", "SE*02")], id="SE02"),
        pytest.param(NOTICE.replace("UNT+24+", "UNT+23+"), [("E110", 26, 25, "23", "24", "UNT+1")], id="UNT1"),
        pytest.param(NOTICE.replace("UNT+24+1", "UNT+24+x"), [("E106", 26, 25, "x", "1", "UNT+2")], id="UNT2"),
        pytest.param(NOTICE.replace("UNZ+1", "UNZ+0"), [("E105", 27, 26, "0", "1", "UNZ+1")], id="UNZ1"),
        pytest.param(NOTICE.replace("UNZ+1+4711", "UNZ+1+4712"), [("E106", 27, 26, "4712", "4711", "UNZ+2")], id="UNZ2"),
        pytest.param(lines_less(WAREHOUSE, 21), [("E104", 1, 1, "000000905", "", None)], id="no IEA"),
        pytest.param(lines_less(NOTICE, 27), [("E104", 2, 1, "4711", "", None)], id="no UNZ"),
        pytest.param(lines_less(WAREHOUSE, 20), [("E107", 2, 2, "1", "", None)], id="no GE"),
        pytest.param(lines_less(WAREHOUSE, 19), [("E109", 3, 3, "0001", "", "ST")], id="no SE"),
        pytest.param(lines_less(NOTICE, 26), [("E109", 3, 2, "1", "", "UNH")], id="no UNT"),
        pytest.param(lines_less(WAREHOUSE, 18), [("E110", 18, 18, "17", "16", "SE*01")], id="a segment less"),
        pytest.param(lines_less(WAREHOUSE, 3), [("E115", 3, 3, "W06", "", None), ("E115", 18, 18, "SE", "", None), ("E108", 19, 19, "1", "0", "GE*01")], id="no ST"),
        pytest.param(lines_less(WAREHOUSE, 2), [("E115", 2, 2, "ST", "", None), ("E115", 19, 19, "GE", "", None), ("E105", 20, 20, "1", "0", "IEA*01")], id="no GS"),
        pytest.param(WAREHOUSE.replace("G62*", "~G62*"), [("E112", 9, 9, "", "", None)], id="empty segment"),
        pytest.param(WAREHOUSE.replace("G62*", "  G62*").replace("LX*", "\tLX*"), [("E113", 9, 9, "3", "", None)], id="indented"),
        pytest.param("\ufeff" + WAREHOUSE, [("E116", 1, 0, "", "", None)], id="byte order mark"),
        pytest.param(WAREHOUSE.rstrip("~\n"), [("E117", 21, 21, "IEA*1*000000905", "", None)], id="no last terminator"),
        pytest.param("Betreff: EDI\n\n" + WAREHOUSE, [("E111", 1, 0, "Betreff: EDI", "12", None)], id="junk before"),
        pytest.param(WAREHOUSE + "-- \nLager", [("E111", 22, 21, "-- \nLager", "9", None)], id="junk behind"),
        pytest.param(WAREHOUSE + "?\n" + NOTICE, [("E111", 22, 21, "?", "1", None)], id="junk between"),
        pytest.param(WAREHOUSE.replace("LAGER          *", "LAGER*"), [("E103", 1, 1, "96", "106", None)], id="short ISA"),
        pytest.param(WAREHOUSE.replace("00401*", "01401*"), [("E120", 1, 1, "01401", "00200 to 00801", None)], id="ISA12"),
        pytest.param(NOTICE.replace("UNOC:3", "UNOC:7"), [("E120", 2, 1, "UNOC:7", "syntax versions 1 to 4", None)], id="syntax version"),
        pytest.param(WAREHOUSE + WAREHOUSE.replace("*P*>~", "*P*~~"), [("E102", 22, 21, WAREHOUSE[:104] + "~~", "two separators are the same character", None)], id="ISA without component separator"),
        pytest.param(WAREHOUSE + "UNA:+.? '\nBGM+1'\n", [("E102", 22, 21, "UNA:+.? '\nBGM", "UNA is not followed by UNB", None)], id="UNA without UNB"),
    ],
)  # fmt: skip
def test_each_fault_is_said_at_its_place(text: str, expected: list[Said]) -> None:
    envelopes = {f"E1{number:02}" for number in range(26)}

    assert [each for each in said(text) if each[0] in envelopes] == expected
    assert [each for each in said(text, window=64) if each[0] in envelopes] == expected


@pytest.mark.parametrize(
    ("text", "size"), [(WAREHOUSE, 21), (NOTICE, 26), (WAREHOUSE + NOTICE + WAREHOUSE, 68)]
)
def test_a_byte_order_mark_or_line_ends_change_no_count(text: str, size: int) -> None:
    for each in (text, "\ufeff" + text, text.replace("\n", "\r\n"), text.replace("\n", "")):
        assert read(each.encode()).envelopes.segments == size


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x15", "\x1c", "|"])
def test_any_character_may_end_segments(end: str) -> None:
    marks = Marks(segment=end[:1], between=end[1:])
    text = x12(("945", SHIPPED_945), marks=marks)
    if end == "\r\n":  # the terminator is \r, the \n an end of line
        assert "\r\nGS" in text

    assert said(text) == []
    assert read(text.encode()).envelopes.segments == 21


def test_bytes_that_a_character_set_lacks_are_said() -> None:
    latin = NOTICE.replace("Erika", "Jörg").encode("iso-8859-1")

    assert said(latin) == []
    assert read(latin).pieces[0].segments.text(6, 4) == "Jörg Muster"
    ascii_only = latin.replace(b"UNOC", b"UNOA")
    assert said(ascii_only) == [
        ("E118", 8, 7, "NAD+DP+4711::92++J\ufffdrg Muster+Hauptstr. 5+6+Berlin++10115+DE", "ascii", "NAD")
    ]  # fmt: skip


@pytest.mark.parametrize("window", [1, 128, 200, 700])
def test_odd_bytes_of_a_message_are_not_said_of_the_message_before(window: int) -> None:
    """A window may end between two messages, with the odd byte behind its last whole segment."""
    odd = [segment.replace("Erika", "Jörg") for segment in DESADV]
    text = edifact(("DESADV", DESADV), ("DESADV", odd), charset="UNOA")

    found = said(text.encode("iso-8859-1"), window)

    assert [each[:3] for each in found] == [("E118", 32, 31)]


def test_utf_8_that_is_declared_as_latin_1_is_said() -> None:
    assert [each[:3] for each in said(NOTICE.replace("Erika", "Jörg"))] == [("E118", 8, 7)]
    assert said(NOTICE.replace("Erika", "Jörg").replace("UNOC", "UNOW")) == []


def test_a_hostile_file_makes_few_findings() -> None:
    text = WAREHOUSE.replace("G62*", "~" * 5000 + "G62*")

    assert [each[:4] for each in said(text) if each[0] != "E112"] == [("E125", 9, 9, "4,980")]
    assert len(said(text)) == 21
    assert said(text, window=500) == said(text)


def test_a_message_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces_module, "SEPARATORS_MAX", 40)
    text = x12(("850", ORDER_850)) + WAREHOUSE

    assert [each[:4] for each in said(text, window=300)] == [("E119", 1, 0, "64")]


def test_more_faults_than_anybody_reads_refuse_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes_module, "PROBLEMS_MAX", 3)

    with pytest.raises(SourceUnusable, match="more than 3 faults in its envelopes"):
        read(lines_less(WAREHOUSE, 19).replace("ST*945", "ST*945*1~\nST*945*2~\nST*945*3~\nST*945").encode())  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (WAREHOUSE.encode("utf-16"), "it is UTF-16: save it as UTF-8"),
        (WAREHOUSE.encode("utf-16-le"), "it looks like UTF-16 or UTF-32: save it as UTF-8"),
        (b"\n\n\n", "nothing but blanks is at its beginning"),
        (b"a;b;c\n1;2;3\n", 'it begins with "a;b;c 1;2;3"'),
        (b"PK\x03\x04abc", "it is a ZIP archive or an Excel file"),
        (WAREHOUSE.encode("cp037"), "it is X12 in EBCDIC: have it sent in ASCII"),
    ],
)
def test_what_is_no_edi_is_refused_with_what_it_looks_like(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "night.edi"
    path.write_bytes(content)

    with pytest.raises(SourceUnusable) as stop:
        open_edi(path, "night.edi")

    assert stop.value.code == "E101"
    assert stop.value.message == f"night.edi:1: no ISA, UNA or UNB is found; {words}"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "night.edi"
    path.touch()

    with pytest.raises(SourceEmpty):
        open_edi(path, "night.edi")


def test_separators_behind_the_last_segment_are_no_part_of_it() -> None:
    # in the type check of elements, such a separator once counted as a segment of its own
    assert said(NOTICE + "UNA:+") == [("E111", 28, 26, "UNA:+", "5", None)]
