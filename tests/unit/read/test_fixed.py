"""Text of fixed width: cut by characters, and only where a line has the length for it."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.mapping.plan import Position, Source
from pipeline.model.origin import LINE
from pipeline.model.stops import SourceUnusable
from pipeline.read import (
    TrailerRecord,
    corrected_form,
    form_of,
    read_batches,
    read_header,
    source_of,
)

AT = (Position("a", 1, 3), Position("b", 5, 8), Position("c", 9, 10))
SOURCE = Source(format="fixed", quote=None, positions=AT, trim=False)
OPEN = replace(SOURCE, positions=(*AT[:2], Position("c", 9, None)))
WINDOWS = [1, 7, 1 << 20]

Good = list[tuple[int, str, str, str]]
Told = list[tuple[int, str, str | None, str | None]]


def read(
    folder: Path, text: str | bytes, source: Source = SOURCE, batch_bytes: int = 1 << 20
) -> tuple[Good, Told, list[TrailerRecord]]:
    """Good rows with their lines, what is told of others, and the trailers."""
    path = folder / "orders.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(source.encoding))
    batches = list(
        read_batches(path, source, file=0, columns=["a", "b", "c"], batch_bytes=batch_bytes)
    )
    told = ("code", "value", "detail")
    return (
        [row for each in batches for row in each.raw.rows.select(LINE, "a", "b", "c").rows()],
        [row for each in batches for row in each.findings.rows.select(LINE, *told).rows()],
        [each.trailer for each in batches if each.trailer is not None],
    )


def refused(folder: Path, text: str, source: Source, batch_bytes: int = 1 << 20) -> SourceUnusable:
    """The words with which a file is refused."""
    with pytest.raises(SourceUnusable) as caught:
        read(folder, text, source, batch_bytes)
    return caught.value


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "utf-8-sig"])
def test_characters_are_counted_and_no_bytes(
    tmp_path: Path, encoding: str, batch_bytes: int
) -> None:
    source = replace(SOURCE, encoding=encoding)

    found = read(tmp_path, 'abc-defghi\r\nübc;d€fg"€\r\n', source, batch_bytes)

    assert found == ([(1, "abc", "defg", "hi"), (2, "übc", "d€fg", '"€')], [], [])


def test_characters_beyond_the_first_plane_are_one_each(tmp_path: Path) -> None:
    assert read(tmp_path, "📦漢字-defghi\n")[0] == [(1, "📦漢字", "defg", "hi")]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
def test_a_line_of_another_length_is_never_shifted(tmp_path: Path, batch_bytes: int) -> None:
    good, told, _ = read(
        tmp_path, "abc-defghi\nabc-deghi\nabc-defgghi\nü\nxyz-1234  \n", SOURCE, batch_bytes
    )

    assert good == [(1, "abc", "defg", "hi"), (5, "xyz", "1234", "  ")]
    assert told == [
        (2, "R112", "abc-deghi", "9 characters, the columns have 10"),
        (3, "R112", "abc-defgghi", "11 characters, the columns have 10"),
        (4, "R112", "ü", "1 character, the columns have 10"),
    ]


def test_the_sentence_of_a_line_of_another_length(tmp_path: Path) -> None:
    path = tmp_path / "orders.txt"
    path.write_text("abc-deghi\n")
    [batch] = read_batches(path, replace(SOURCE, length=12), file=0, columns=["a"])

    assert batch.findings.sentences(["orders.txt"]) == [
        "orders.txt:1: the line has 9 characters, declared are 12: abc-deghi [R112]"
    ]
    assert batch.faulty.rows["a"].to_list() == ["abc"]


def test_of_a_declared_length_the_rest_of_the_line_is_nobodys(tmp_path: Path) -> None:
    good, told, _ = read(
        tmp_path, "abc-defghiXX\nabc-defghi\nabc-defghi  \n", replace(SOURCE, length=12)
    )

    assert good == [(1, "abc", "defg", "hi"), (3, "abc", "defg", "hi")]
    assert [row[:2] for row in told] == [(2, "R112")]


def test_the_last_column_may_go_on_to_the_end_of_the_line(tmp_path: Path) -> None:
    good, told, _ = read(tmp_path, "abc-defghi jkl\nabc-defgh\nabc-defg\nabc-def\n", OPEN)

    assert good == [(1, "abc", "defg", "hi jkl"), (2, "abc", "defg", "h"), (3, "abc", "defg", "")]
    assert told == [(4, "R112", "abc-def", "7 characters, the columns need at least 8")]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
def test_short_lines_are_read_only_where_that_is_declared(tmp_path: Path, batch_bytes: int) -> None:
    trimmed = replace(SOURCE, trimmed=True)

    good, told, _ = read(
        tmp_path, "abc-defghi\nabc-d\nab\nabc \nabc-defghij\n", trimmed, batch_bytes
    )

    assert good == [(1, "abc", "defg", "hi"), (2, "abc", "d", ""), (3, "ab", "", "")]
    assert told == [
        (4, "R112", "abc ", "4 characters and a blank at its end, so more than blanks are missing"),
        (5, "R112", "abc-defghij", "11 characters, the columns have 10"),
    ]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("source", [SOURCE, replace(SOURCE, trimmed=True), OPEN])
def test_a_lone_carriage_return_in_a_line_makes_no_rows(
    tmp_path: Path, source: Source, batch_bytes: int
) -> None:
    good, told, _ = read(
        tmp_path, "abc-d\refghi\nabc-defghi\nabc-defghi\rabc-d\n", source, batch_bytes
    )

    assert good == [(3, "abc", "defg", "hi")]
    assert [row[:2] for row in told] == [(1, "R106"), (2, "R106"), (4, "R106"), (5, "R106")]


def test_a_lone_carriage_return_between_whole_lines_ends_one(tmp_path: Path) -> None:
    good, told, _ = read(tmp_path, "abc-defghi\nabc-1234hi\rabc-5678hi\n")

    assert [row[2] for row in good] == ["defg", "1234", "5678"]
    assert told == []


def test_lines_may_end_with_a_carriage_return(tmp_path: Path) -> None:
    assert [row[0] for row in read(tmp_path, "abc-defghi\rabc-defghi\r")[0]] == [1, 2]


def test_bytes_that_cannot_be_read_hold_their_line(tmp_path: Path) -> None:
    source = replace(SOURCE, encoding="cp1252")
    path = tmp_path / "orders.txt"
    path.write_bytes(b"abc-d\x81fghi\nab\0-defghi\nabc-defghi\nabc-d\x81f\n")

    [batch] = read_batches(path, source, file=0, columns=["a"])

    told = batch.findings.rows.select(LINE, "code", "column", "value").rows()
    assert told == [
        (1, "R102", "b", "0x81 (byte 6)"), (2, "R105", "a", None),
        # its cells stay wrong when the byte is put right
        (4, "R112", None, "abc-d\ufffdf"),
    ]  # fmt: skip
    assert batch.raw.rows[LINE].to_list() == [3]


def test_what_is_no_row_is_counted(tmp_path: Path) -> None:
    source = replace(SOURCE, comment="# no", footer="END[0-9]", skip_lines=1)

    good, told, _ = read(
        tmp_path, "above\n\n          \n # \n# no row\nabc-defghi\nEND7\n   \n", source
    )

    assert [row[0] for row in good] == [6]
    assert told == [
        (4, "R112", " # ", "3 characters, the columns have 10"),
        (1, "R110", "1", "line before the header"), (5, "R110", "1", "comment line"),
        (7, "R110", "1", "footer line"), (3, "R110", "2", "lines of nothing but blanks"),
    ]  # fmt: skip


def test_a_header_is_found_by_its_names_in_their_places(tmp_path: Path) -> None:
    source = replace(SOURCE, find_header=("a", "c"))
    text = "report of a c\n\na   ?   c\nabc-defghi\na   ?   c\nabc-defghi\n"

    good, told, _ = read(tmp_path, text, source)

    assert [row[0] for row in good] == [4, 6]
    assert [row[:3] for row in told] == [(1, "R110", "2"), (5, "R111", "1")]
    path = tmp_path / "orders.txt"
    assert read_header(path, source) == ("a", "", "b", "c")


def test_a_header_that_has_moved_refuses_the_file(tmp_path: Path) -> None:
    stop = refused(tmp_path, "a   c  b  \nabc-defghi\n", replace(SOURCE, find_header=("a", "c")))

    assert stop.message == 'no line of the first 100 has the names "a", "c" at their positions'
    assert stop.help == (
        'a line has the others, but not "c": correct `find_header` or `positions` of `source` in the mapping, '
        "or ask for the file again"
    )


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("length", [None, 10])
def test_a_trailer_has_its_own_places(tmp_path: Path, length: int | None, batch_bytes: int) -> None:
    cells = (Position("rows", 2, 5), Position("b", 6, None))
    source = replace(SOURCE, trailer="T", trailer_cells=cells, length=length)

    good, told, trailers = read(
        tmp_path, "abc-defghi\nT12-defghi\nT0002  44,50 EUR\n\n", source, batch_bytes
    )

    assert ([row[0] for row in good], told) == ([1, 2], [])
    assert trailers == [TrailerRecord(3, ("T", "0002", "44,50 EUR"))]


ENDLESS = replace(SOURCE, length=10, record_end="")


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\x1a", "\r\n\x1a"])
def test_records_without_line_ends_are_counted(tmp_path: Path, end: str, batch_bytes: int) -> None:
    good, told, _ = read(tmp_path, f"abc-defghiübc-d€fg€!          {end}", ENDLESS, batch_bytes)

    assert good == [(1, "abc", "defg", "hi"), (2, "übc", "d€fg", "€!")]
    assert told == [(3, "R110", "1", "line of nothing but blanks")]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
def test_records_without_line_ends_may_be_of_a_host(tmp_path: Path, batch_bytes: int) -> None:
    source = replace(
        ENDLESS, encoding="cp037", trailer="T", trailer_cells=(Position("rows", 2, 5),)
    )

    good, _, trailers = read(tmp_path, "abc-defghiübc-d[fg]!T0002     ", source, batch_bytes)

    assert good == [(1, "abc", "defg", "hi"), (2, "übc", "d[fg", "]!")]
    assert trailers == [TrailerRecord(3, ("T", "0002"))]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("text", ["abc-defghiübc-d€fg€", "abc-defghiübc-d€fg€!!"])
def test_records_without_line_ends_that_do_not_add_up_refuse_the_file(
    tmp_path: Path, text: str, batch_bytes: int
) -> None:
    stop = refused(tmp_path, text, ENDLESS, batch_bytes)

    assert "stand behind the last whole record of 10" in stop.message
    assert (stop.code, stop.place) == ("R112", f"orders.txt:{len(text) // 10 + 1}")


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_where_none_are_declared_refuse_the_file(
    tmp_path: Path, end: str, batch_bytes: int
) -> None:
    stop = refused(tmp_path, f"abc-defghi{end}übc-d€fg€!{end}abc-defghi{end}", ENDLESS, batch_bytes)

    assert "a line break stands in a record" in stop.message
    assert "leave `record_end` out" in (stop.help or "")
    assert stop.place == "orders.txt:2"


def test_no_rows_are_no_fault(tmp_path: Path) -> None:
    assert read(tmp_path, "") == ([], [], [])
    assert read(tmp_path, "", ENDLESS) == ([], [], [])


def test_a_line_of_two_megabytes(tmp_path: Path) -> None:
    source = replace(SOURCE, positions=(*AT, Position("d", 2_000_000, 2_000_003)))
    text = f"abc-defghi{'ü' * 1_999_989}wxyz\n"

    good, told, _ = read(tmp_path, f"{text}abc\n{text}", source, 1 << 16)

    assert [row[:2] for row in good] == [(1, "abc"), (3, "abc")]
    assert told == [(2, "R112", "abc", "3 characters, the columns have 2,000,003")]


def test_a_form_is_kept_and_read_again() -> None:
    for source in (OPEN, replace(SOURCE, length=12, trimmed=True), ENDLESS):
        kept = replace(source, trim=True)
        assert source_of(form_of(source)) == kept


def test_rows_to_correct_are_delimited() -> None:
    assert form_of(corrected_form(replace(ENDLESS, encoding="cp1252"))) == {
        "format": "csv", "encoding": "cp1252", "delimiter": ",", "quote": '"',
    }  # fmt: skip


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("end", ["\x85", "\n", "\r\x85"])
def test_a_line_of_a_host_ends_with_either_of_its_line_ends(
    tmp_path: Path, end: str, batch_bytes: int
) -> None:
    """Without it an open range would take the rest of the file as its text."""
    good, told, _ = read(
        tmp_path, f"abc-defghi{end}abc-defghi and more{end}", replace(OPEN, encoding="cp037"), batch_bytes
    )  # fmt: skip
    assert good == [(1, "abc", "defg", "hi"), (2, "abc", "defg", "hi and more")]
    assert told == []


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("source", [SOURCE, OPEN, replace(SOURCE, trimmed=True)])
def test_a_mark_of_the_end_is_no_row(tmp_path: Path, source: Source, batch_bytes: int) -> None:
    one = (1, "abc", "defg", "hi")
    for end in ("\n\x1a", "\r\n\x1a\x1a"):
        assert read(tmp_path, f"abc-defghi{end}", source, batch_bytes) == ([one], [], [])
    assert read(tmp_path, "\x1a", source, batch_bytes) == ([], [], [])
    with_trailer = replace(source, trailer="T", trailer_cells=(Position("rows", 2, 2),))
    _, told, trailers = read(tmp_path, "abc-defghi\nT1\n\x1a", with_trailer, batch_bytes)
    assert (told, trailers) == ([], [TrailerRecord(2, ("T", "1"))])


@pytest.mark.parametrize("batch_bytes", WINDOWS)
def test_a_short_last_line_without_an_end_may_be_cut_off(tmp_path: Path, batch_bytes: int) -> None:
    source = replace(SOURCE, trimmed=True)
    good, told, _ = read(tmp_path, "abc-de\nabc-de", source, batch_bytes)
    assert good == [(1, "abc", "de", "")]
    says = "6 characters and no line end behind it: the file may be cut off here"
    assert told == [(2, "R112", "abc-de", says)]
    whole, told, _ = read(tmp_path, "abc-de\nabc-defghi", source, batch_bytes)
    assert (len(whole), told) == (2, [])


def test_rows_of_a_host_are_corrected_in_utf_8() -> None:
    assert form_of(corrected_form(replace(ENDLESS, encoding="cp037"))) == {
        "format": "csv", "encoding": "utf-8-sig", "delimiter": ",", "quote": '"',
    }  # fmt: skip


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize("source", [SOURCE, OPEN])
def test_carriage_returns_end_lines_also_where_the_last_has_none(
    tmp_path: Path, source: Source, batch_bytes: int
) -> None:
    one, two = (1, "abc", "defg", "hi"), (2, "übc", "d€fg", "€!")
    assert read(tmp_path, "abc-defghi\rübc-d€fg€!", source, batch_bytes) == ([one, two], [], [])
    good, told, _ = read(tmp_path, "abc-defghi\rübc-d€fg€!\n", OPEN, batch_bytes)
    assert (good, [row[:2] for row in told]) == ([], [(1, "R106"), (2, "R106")])
