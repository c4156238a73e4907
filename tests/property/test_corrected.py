"""Files with corrected rows: reversible for any cells and any way of writing, and inert in a spreadsheet."""

import csv
import io
import re
import tempfile
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.mapping.plan import Source
from pipeline.model.stops import SourceUnusable
from pipeline.read import (
    OURS,
    Rewriter,
    pick_records,
    read_batches,
    read_header,
    read_ours,
    read_outer,
)
from tests.property.test_read import ENCODINGS, encodable, written

pytestmark = pytest.mark.thorough

RUN = "2026-11-20T0205-wms"
Rows = list[list[str]]

risky = st.one_of(
    st.builds(
        lambda head, tail: head + tail,
        st.text(st.sampled_from("'=+-@\t\r\n \x00\u200b\ufeff\u00a0\uff1d\uff0b\uff0d\uff205.,"), max_size=4)
        .map(lambda text: text.replace("\0", "")),
        st.sampled_from(["", "1", "12,5", "HYPERLINK(1)", "cmd|' /C calc'!A0", '"', ";", "x\ny"]),
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> tuple[Rows, Source, bytes, int]:
    """Draw rows (header first), how they are written, their bytes, and the size of a batch."""
    source = Source(
        encoding=draw(st.sampled_from([*ENCODINGS, "utf-8-sig", "iso8859-1", "gb18030"])),
        delimiter=draw(st.sampled_from(",;\t|")),
        quote=draw(st.sampled_from(['"', '"', "'", None])),
        trim=False,
    )
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(risky, min_size=width, max_size=width), max_size=6))
    names = [f"{name}{at}" for at, name in enumerate(draw(st.lists(risky, min_size=width, max_size=width)))]  # fmt: skip
    clean = [[encodable(cell, source.encoding) for cell in row] for row in [names, *rows]]
    if source.quote is None:
        clean = [[re.sub(rf"[\r\n{source.delimiter}]", "", cell) for cell in row] for row in clean]
        clean = [row for row in clean if any(row)]  # of delimiters alone it would be no row
        line_end = draw(st.sampled_from(["\n", "\r\n"]))
        text = "".join(source.delimiter.join(row) + line_end for row in clean)
    else:
        clean = [row for row in clean if row != [""]]
        text = written(clean, source, draw(st.sampled_from(["\n", "\r\n"])), quote_all=True)
    mark = "\ufeff" if draw(st.booleans()) and source.encoding in ("utf-8", "utf-16-le") else ""
    if text.startswith("\ufeff"):
        mark = "\ufeff"  # the first name's own is kept only behind another
    return clean, source, (mark + text).encode(source.encoding), draw(st.integers(1, 60))


def rewrite(
    path: Path, source: Source, lines: list[int], into: Path, batch_bytes: int,
    rules: dict[int, str] | None = None,
) -> None:  # fmt: skip
    """Write some records of a file as the end of a run does; `rules` are the codes by line."""
    about = pl.DataFrame(
        {
            "_line": lines,
            OURS[0]: "=in.csv",
            OURS[1]: lines,
            OURS[2]: [(rules or {}).get(line, "R201") for line in lines],
            OURS[3]: '"=1" is not a number; …',
            OURS[4]: "=fix\nit",
            OURS[5]: "",
            OURS[6]: RUN,
        },
        schema={"_line": pl.Int64, **dict.fromkeys(OURS, pl.String), OURS[1]: pl.Int64},
    )
    rewriter = Rewriter(source, read_outer(path, source, name="x"))
    wanted = np.array(lines, np.int64)
    with into.open("wb") as out:
        out.write(rewriter.header())
        for picked in pick_records(path, source, wanted, name="x", batch_bytes=batch_bytes):
            out.write(rewriter.records(picked, about))


def cells_of(path: Path, source: Source) -> tuple[tuple[str, ...], Rows, list[int]]:
    """Read names, good records and the lines of faulty ones."""
    names = read_header(path, source)
    batches = list(read_batches(path, source, file=0, columns=[name for name in names if name]))
    rows = [list(row[3:]) for batch in batches for row in batch.raw.rows.rows()]
    return names, rows, [line for batch in batches for line in batch.faulty.rows["_line"]]


# What is not assigned, or private, is shown as a box.
_UNSEEN = ("Cc", "Cf", "Zs", "Zl", "Zp")


def a_spreadsheet_would_run(cell: str) -> bool:
    """Judge by the first character that can be seen; written apart from the product's own rule."""
    if cell[:1] in ("\t", "\r", "\n") and cell:
        return True
    seen = next((c for c in cell if not (c.isspace() or unicodedata.category(c) in _UNSEEN)), "")
    signed = seen and unicodedata.normalize("NFKC", seen) in "=+-@"
    return bool(signed) and re.fullmatch(r"[+-]\d+([.,]\d+)*", cell, re.ASCII) is None


@given(files(), st.data())
@settings(max_examples=400, deadline=None)
@example(([["a"], ["=1"]], Source(trim=False), b"a\n=1\n", 8), None)
def test_what_is_written_for_correction_is_read_back_as_the_same_cells_and_is_inert(
    file: tuple[Rows, Source, bytes, int], data: st.DataObject | None
) -> None:
    rows, source, content, batch_bytes = file
    with tempfile.TemporaryDirectory() as folder:
        path, once, twice = (Path(folder) / name for name in ("in", "once", "twice"))
        path.write_bytes(content)
        if not rows:
            return
        all_lines = [
            line
            for batch in read_batches(path, source, file=0, columns=[])
            for line in batch.raw.rows["_line"]
        ]
        assert len(all_lines) == len(rows) - 1
        chosen = [data is None or data.draw(st.booleans()) for _ in all_lines]
        expected = [row for row, wanted in zip(rows[1:], chosen, strict=True) if wanted]
        lines = [line for line, wanted in zip(all_lines, chosen, strict=True) if wanted]

        rewrite(path, source, lines, once, batch_bytes)
        names, found, faulty = cells_of(once, source)
        text = once.read_bytes().decode(source.encoding).removeprefix("\ufeff")
        marks = read_ours(once, source, name="once")

        assert (list(names), found, faulty) == (rows[0], expected, [])
        assert marks["line"].to_list() == lines
        assert set(marks["run"]) <= {RUN}
        assert set(marks["file"]) <= {"=in.csv"}
        seen = csv.reader(
            io.StringIO(text, newline=""), delimiter=source.delimiter,
            quotechar=source.quote or '"', strict=True,
            quoting=csv.QUOTE_NONE if source.quote is None else csv.QUOTE_MINIMAL,
        )  # fmt: skip
        assert [cell for row in seen for cell in row if a_spreadsheet_would_run(cell)] == []

        # a file of a retry is corrected like any other: our columns are made anew
        again = [line for batch in read_batches(once, source, file=0, columns=[]) for line in batch.raw.rows["_line"]]  # fmt: skip
        rewrite(once, source, again, twice, batch_bytes)
        assert cells_of(twice, source) == (names, found, [])
        assert twice.read_bytes().count(b"_") == once.read_bytes().count(b"_") or not again


@given(
    st.lists(st.lists(st.sampled_from(["a", "=b", "", '"c', 'd"', "e\x81"]), max_size=5), max_size=6),
    st.sampled_from(["cp1252", "utf-8", "utf-16"]),
)  # fmt: skip
@example([["a", '"c', "a"], ['d"']], "cp1252")  # cut at its line end, the first has three cells
@settings(max_examples=200, deadline=None)
def test_a_record_that_cannot_be_read_stays_wrong_until_it_is_corrected(
    rows: Rows, encoding: str
) -> None:
    source = Source(encoding=encoding, delimiter=";", trim=False)
    text = "x;y;z\n" + "".join(";".join(row) + "\n" for row in rows)
    content = (
        text.encode(encoding)
        if encoding == "utf-16"
        else text.replace("\x81", "\ue000").encode(encoding, "replace").replace(b"?", b"\x81")
        if encoding == "cp1252"
        else text.encode("utf-8").replace("\x81".encode(), b"\x81")
    )
    with tempfile.TemporaryDirectory() as folder:
        path, once = Path(folder) / "in", Path(folder) / "once"
        path.write_bytes(content)
        try:
            batches = list(read_batches(path, source, file=0, columns=["x", "y", "z"]))
        except SourceUnusable:  # its last quote is never closed
            return
        faulty = pl.concat([b.findings.rows for b in batches]) if batches else pl.DataFrame()
        lines = sorted({line for b in batches for line in [*b.raw.rows["_line"], *b.faulty.rows["_line"]]})  # fmt: skip
        wrong = [
            row for row in faulty.iter_rows(named=True) if row["code"] in ("R101", "R102", "R103")
        ]
        rules = {row["_line"]: row["code"] for row in wrong}

        rewrite(path, source, lines, once, 1 << 20, rules)
        after = [b.findings.rows for b in read_batches(once, source, file=0, columns=["x"])]
        codes = [code for found in after for code in found["code"]]

        assert len(codes) >= len(wrong)
        assert codes.count("R102") == [row["code"] for row in wrong].count("R102")
        assert read_ours(once, source, name="once")["line"].to_list() == lines


def save(path: Path, rows: Rows) -> None:
    """Write all rows as a spreadsheet does."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)


def test_what_a_spreadsheet_fills_up_does_not_pass_as_a_whole_record(tmp_path: Path) -> None:
    source = Source(delimiter=";", trim=False)
    path, once = tmp_path / "in", tmp_path / "once"
    path.write_bytes(b"a;b;c\n1;2;3\n4;5\n6;7;8;9\n")
    rewrite(path, source, [2, 3, 4], once, 1 << 20)
    rows = list(csv.reader(io.StringIO(once.read_text(encoding="utf-8")), delimiter=";"))
    longest = max(map(len, rows))
    filled = [row + [""] * (longest - len(row)) for row in rows]
    save(once, filled)

    [batch] = read_batches(once, source, file=0, columns=["a", "c"])

    assert read_header(once, source) == ("a", "b", "c")
    assert batch.raw.rows.rows() == [(0, 2, 0, "1", "3")]
    told = batch.findings.rows.select("_line", "code", "value", "detail").rows()
    assert told == [(3, "R101", "2", "3 in the header"), (4, "R101", "4", "3 in the header")]

    # the cell that was missing is put in, the one too many is taken out
    fixed = [
        row[:longest] for row in (filled[0], filled[1], ["", *filled[2]], [*filled[3][1:], ""])
    ]
    save(once, fixed)
    [batch] = read_batches(once, source, file=0, columns=["a", "c"])
    assert batch.raw.rows.rows() == [(0, 2, 0, "1", "3"), (0, 3, 0, "", "5"), (0, 4, 0, "7", "9")]
    assert read_ours(once, replace(source), name="once")["line"].to_list() == [2, 3, 4]
