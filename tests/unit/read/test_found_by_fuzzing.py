"""What `tests.fuzz.delimited` has found."""

from pathlib import Path

import pytest

from pipeline.mapping.plan import Repair, Source
from pipeline.model.origin import LINE
from pipeline.model.stops import SourceUnusable
from pipeline.read import read_batches


def codes(folder: Path, content: bytes, source: Source) -> list[tuple[int, str, str | None]]:
    """Lines, codes and values of the findings."""
    path = folder / "mutant.csv"
    path.write_bytes(content)
    batches = list(read_batches(path, source, file=0, columns=["a"]))
    return [
        row for each in batches for row in each.findings.rows.select(LINE, "code", "value").rows()
    ]


def test_a_byte_that_cannot_be_read_does_not_disturb_the_search_for_footers(tmp_path: Path) -> None:
    source = Source(footer="Total")

    found = codes(tmp_path, b"a,b\n1,M\x81ller\nTotal\x81,1\n", source)

    assert [(line, code) for line, code, _ in found] == [
        (2, "R102"), (3, "R110"), (3, "R113"),
    ]  # fmt: skip


def test_what_stands_around_a_stray_quote_may_begin_and_end_within_a_character(
    tmp_path: Path,
) -> None:
    source = Source(delimiter="+|")
    for blanks in range(4):  # so that the cut falls on each byte of a character
        row = f'1+|{" " * blanks}{"€" * 12}"{"€" * 12}'

        found = codes(tmp_path, f"a+|b\n{row}\n".encode(), source)

        assert [(line, code) for line, code, _ in found] == [(2, "R103")]
        assert '€"€' in str(found[0][2])


def test_a_record_that_is_cut_off_within_a_quoted_cell_is_not_filled_up(tmp_path: Path) -> None:
    source = Source(repair=Repair(too_many=True, too_few=True))

    found = codes(tmp_path, b'a,b,c\n1,"2\n3,4\n5,6"\n7,8,9\n10\n', source)

    told = [(line, code) for line, code, _ in found]
    assert told == [(2, "R101"), (3, "R101"), (4, "R103"), (6, "R109")]


@pytest.mark.parametrize("row", [
    '1,"a text\nof some\n\nlines",x,y',  # a cell too many
    '1,"a text\nof some\nlines "with" quotes\nof its own",x',
    '1,"a text\nof some lines that never end',
])  # fmt: skip
@pytest.mark.parametrize("window", [8, 1 << 20])
def test_lines_of_a_text_in_a_record_that_is_torn_are_not_filled_up_to_rows(
    tmp_path: Path, row: str, window: int
) -> None:
    path = tmp_path / "mutant.csv"
    path.write_text(f"a,b,c\n0,0,0\n{row}\n2,2,2\n3\n4,4,4\n5,5,5\n6,6,6\n", encoding="utf-8")
    source = Source(repair=Repair(too_few=True))

    batches = read_batches(path, source, file=0, columns=["a"], batch_bytes=window)

    read = [key for each in batches for key in each.raw.rows.get_column("a")]
    assert read == ["0", "2", "3", "4", "5", "6"]


def test_a_table_of_one_column_has_no_stand_in_for_its_delimiter(tmp_path: Path) -> None:
    source = Source(delimiter="+|", record_end="&|\r\n")
    path = tmp_path / "mutant.csv"
    path.write_bytes(b"a&|\r\nb\r\nc&|\r\n")

    [batch] = read_batches(path, source, file=0, columns=["a"])

    assert batch.raw.rows.get_column("a").to_list() == ["b\r\nc"]


def test_a_delimiter_that_could_stand_in_for_others_does_not(tmp_path: Path) -> None:
    path = tmp_path / "mutant.csv"
    path.write_bytes(b"a\n^\x01\nb\n")

    [batch] = read_batches(path, Source(delimiter="\x01", escape="^"), file=0, columns=["a"])

    assert batch.raw.rows.get_column("a").to_list() == ["\x01", "b"]


def test_a_carriage_return_does_not_tear_rows_between_which_a_line_has_ended(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mutant.csv"
    for between, wrong in ((b"\r\r\n\r", []), (b"\r\r", [2, 4])):
        path.write_bytes(b"a,b\r\n1" + between + b"3,4\r\n")
        for size in (8, 1 << 20):
            batches = list(read_batches(path, Source(), file=0, columns=["a"], batch_bytes=size))
            torn = [
                line for each in batches
                for line, code in each.findings.rows.select(LINE, "code").rows() if code == "R106"
            ]  # fmt: skip
            assert torn == wrong


@pytest.mark.parametrize(
    "rows", [b"1\n2,x,y,z,w\n", b"2,x,y,z,w\r\n1\r\n", b"1,2\n3,4,5\n6,7,8,9\n"]
)
def test_rows_whose_missing_and_surplus_cells_make_up_for_each_other_are_all_told(
    tmp_path: Path, rows: bytes
) -> None:
    path = tmp_path / "mutant.csv"
    path.write_bytes(b"a,b,c\n0,0,0\n" + rows)

    [batch] = read_batches(path, Source(), file=0, columns=["a"])  # not each column is wanted

    assert batch.raw.rows.get_column("a").to_list() in (["0"], ["0", "3"])
    assert batch.findings.rows.get_column("code").to_list() == ["R101", "R101"]


def test_rows_that_two_stray_quotes_swallow_are_held_also_where_one_of_them_is_faulty_or_blank(
    tmp_path: Path,
) -> None:
    for odd in (b"3,Cid,Ulm,DE\n", b"\n", b"3,Cid\n", b""):
        rows = b'1,"Ann,Rome\n2,Bob,Paris\n' + odd + b'4,Dan,Bonn\n5,Eve",Oslo\n6,Fay,Graz\n'

        found = codes(tmp_path, b"a,b,c\n" + rows, Source())

        lines = [2, 3, *[4] * odd.startswith(b"3"), 4 + odd.count(b"\n"), 5 + odd.count(b"\n")]
        assert [(line, code) for line, code, _ in found] == [(line, "R107") for line in lines]


def test_several_rows_are_joined_without_a_pattern_that_they_must_fit(tmp_path: Path) -> None:
    path = tmp_path / "mutant.csv"
    path.write_bytes(b"a,b,c\n1,x, y,2\n3,z,4\n5,v, w,6\n")

    [batch] = read_batches(path, Source(repair=Repair(join=("b",))), file=0, columns=["a", "b"])

    assert batch.raw.rows.select("a", "b").rows() == [("1", "x, y"), ("3", "z"), ("5", "v, w")]


@pytest.mark.parametrize("end", [b"", b'",3\n4,5,6\n'])
def test_a_record_of_a_million_lines_is_none_whether_or_not_it_ends(
    tmp_path: Path, end: bytes
) -> None:
    path = tmp_path / "mutant.csv"
    path.write_bytes(b'a,b,c\n0,0,0\n1,"' + b"\n" * 1_100_000 + end)
    for size in (1 << 17, 1 << 24):  # each line takes memory of its own, however short it is
        with pytest.raises(
            SourceUnusable, match="longer than 64 MiB, or than 1,048,576 lines"
        ) as told:
            list(read_batches(path, Source(), file=0, columns=["a"], batch_bytes=size))
        assert told.value.place == "mutant.csv:3"
