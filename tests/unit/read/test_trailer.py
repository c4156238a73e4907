"""The last record of a file is told apart where the mapping declares a trailer, however it is cut."""

from pathlib import Path

import pytest

from pipeline.mapping.plan import Repair, Source
from pipeline.model.origin import LINE
from pipeline.read import TrailerRecord, read_batches

SOURCE = Source(delimiter=";", trailer="T")


def read(
    folder: Path, text: str, source: Source = SOURCE, batch_bytes: int = 1 << 20
) -> tuple[list[int], list[tuple[int, str]], list[TrailerRecord]]:
    """The lines of good records, lines and codes of the others, and the trailers."""
    path = folder / "orders.csv"
    path.write_bytes(text.encode(source.encoding))
    batches = list(read_batches(path, source, file=0, columns=["a"], batch_bytes=batch_bytes))
    return (
        [line for each in batches for line in each.raw.rows.get_column(LINE).to_list()],
        [row for each in batches for row in each.findings.rows.select(LINE, "code").rows()],
        [each.trailer for each in batches if each.trailer is not None],
    )


@pytest.mark.parametrize("batch_bytes", [1, 5, 9, 1 << 20])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\r\n", "\n\r\n"])
def test_the_last_record_is_the_trailer_wherever_the_file_is_cut(
    tmp_path: Path, batch_bytes: int, end: str
) -> None:
    lines, faulty, trailers = read(
        tmp_path, f"a;b\n1;x\nT;y\n2;z\nT;3;9,5{end}", SOURCE, batch_bytes
    )

    assert (lines, faulty) == ([2, 3, 4], [])
    assert trailers == [TrailerRecord(5, ("T", "3", "9,5"))]


def test_a_file_without_one_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, "a;b\n1;x\nX;3\n") == ([2, 3], [], [])


def test_without_a_word_the_record_is_what_it_looks_like(tmp_path: Path) -> None:
    plain = Source(delimiter=";")

    assert read(tmp_path, "a;b\n1;x\nT;3;9\n", plain) == ([2], [(3, "R101")], [])


def test_of_a_header_and_a_trailer_no_row_is_left(tmp_path: Path) -> None:
    assert read(tmp_path, 'a;b\n "T";0\n'.replace(" ", "")) == (
        [],
        [],
        [TrailerRecord(2, ("T", "0"))],
    )


def test_cells_are_taken_apart_as_those_of_data(tmp_path: Path) -> None:
    _, _, trailers = read(tmp_path, 'a;b\n1;x\n"T"; 3 ;"9;5 ""EUR"""\n')

    assert trailers == [TrailerRecord(3, ("T", "3", '9;5 "EUR"'))]


def test_the_encoding_is_that_of_the_file(tmp_path: Path) -> None:
    source = Source(delimiter=";", encoding="utf-16", trailer="Σ")

    assert read(tmp_path, "a;b\n1;x\nΣ;1\n", source)[2] == [TrailerRecord(3, ("Σ", "1"))]


def test_a_file_of_ours_has_rows_to_correct_and_no_trailer(tmp_path: Path) -> None:
    header = "a;b;_import_file;_import_line;_import_rule;_import_run"
    row = "T;x;orders.csv;3;R201;2026-11-20T0205-wms"

    lines, _, trailers = read(tmp_path, f"{header}\n{row}\n")

    assert (lines, trailers) == ([2], [])


def test_lines_behind_it_that_the_source_leaves_out_do_not_hide_it(tmp_path: Path) -> None:
    source = Source(delimiter=";", trailer="T", footer="created by", comment="#")

    lines, faulty, trailers = read(tmp_path, "a;b\n1;x\nT;1\n# end\n;\ncreated by wms\n", source, 5)

    assert lines == [2]
    assert [code for _, code in faulty] == ["R110"] * len(faulty)
    assert trailers == [TrailerRecord(3, ("T", "1"))]


def test_a_trailer_is_not_filled_up_like_a_row(tmp_path: Path) -> None:
    source = Source(delimiter=";", trailer="T", repair=Repair(too_few=True))

    assert read(tmp_path, "a;b\n1;x\nT\n", source) == ([2], [], [TrailerRecord(3, ("T",))])


def test_delimiters_of_several_characters_and_other_ends_of_records(tmp_path: Path) -> None:
    source = Source(delimiter="+|", record_end="&|\r\n", quote=None, trailer="T")

    lines, _, trailers = read(tmp_path, "a+|b&|\r\n1+|x&|\r\nT+|1+|9&|\r\n", source)

    assert (lines, trailers) == ([2], [TrailerRecord(3, ("T", "1", "9"))])
