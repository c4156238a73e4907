"""Chosen records of a delimited file with all of their cells: for files that people correct."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.mapping.plan import Source
from pipeline.read.cells import split_cells
from pipeline.read.decoding import shown
from pipeline.read.encodings import settled
from pipeline.read.formulas import restore
from pipeline.read.header import (
    OUR_CHECK,
    OUR_COLUMNS,
    OUR_FILE,
    OUR_LINE,
    OUR_RULE,
    OUR_RUN,
    RUN_NAME,
    Header,
    load_header,
    open_source,
)
from pipeline.read.layout import Layout
from pipeline.read.parted import good_cells
from pipeline.read.records import Fault
from pipeline.read.spelling import Spelling
from pipeline.read.typed import Told, TypedRecords
from pipeline.read.windows import WINDOW_BYTES, windows

# In the order in which they are written; the run stands last, and its name tells the place of all.
OURS = (
    OUR_FILE, OUR_LINE, OUR_RULE, f"{OUR_COLUMNS}problem", f"{OUR_COLUMNS}fix", OUR_CHECK, OUR_RUN,
)  # fmt: skip
_BOM = "\ufeff"
_NAME = re.compile(RUN_NAME)


@dataclass(frozen=True, slots=True)
class Picked:
    """Some of the chosen records, each in exactly one of the two.

    `rows` has `_line` and the cells under the numbers of their positions. `faulty` are the lines
    and cells of records that could not be read: they may have more or fewer cells than the header,
    and a byte that the encoding does not have is U+DC00 + byte, as in `decoding`.
    """

    rows: pl.DataFrame
    faulty: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def lines(self) -> tuple[int, int]:
        """The first and the last of the lines."""
        ends = [line for line, _ in (*self.faulty[:1], *self.faulty[-1:])]
        if self.rows.height:
            ends += [int(self.rows["_line"][0]), int(self.rows["_line"][-1])]
        return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class Outer:
    """How a file is written, beyond what its mapping says: header cells, line end, mark."""

    names: tuple[str, ...]
    positions: tuple[int, ...]
    line_end: str
    marked: bool


def read_outer(path: Path, source: Source, *, name: str) -> Outer:
    """Read the header as it is, without our own columns, and how the lines end.

    `marked` tells whether the text begins with a byte order mark that the encoding does not write
    by itself.

    Raises:
        SourceUnusable: the header cannot be read.
    """
    source = settled(path, source, name)
    header = load_header(path, replace(source, trim=False), name)
    positions = _own(header, Layout.of(source))
    with open_source(path, name) as file:
        begin = file.read(64)
    decoder = codecs.getincrementaldecoder(source.encoding)("replace")
    return Outer(
        tuple(header.cells[at] for at in positions), tuple(positions), header.line_end,
        decoder.decode(begin).startswith(_BOM),
    )  # fmt: skip


def pick_records(
    path: Path, source: Source, lines: NDArray[np.int64], *, name: str, batch_bytes: int = WINDOW_BYTES
) -> Iterator[Picked]:  # fmt: skip
    """Read the records that start on `lines` (sorted) of a file, in the order of the file.

    Raises:
        SourceUnusable: the file cannot be read as the mapping declares.
    """
    source = settled(path, source, name)
    header = load_header(path, replace(source, trim=False), name)
    spelling = Spelling.of(source)
    typed = None
    if source.records is not None:
        typed = TypedRecords(source, source.records, spelling, header.cells, name)
    positions = _own(header, spelling.layout)
    columns = {str(number): position for number, position in enumerate(positions)}
    for window in windows(path, source, header, name=name, batch_bytes=batch_bytes):
        if typed is not None:
            told = typed.tell(window.text, window.records, window.line)
            if np.isin(told.records.line + window.line, lines).any():
                yield _picked(told, lines, window.line, columns)
            continue
        at = window.records.line + window.line
        chosen = np.isin(at, lines, assume_unique=True)
        if not chosen.any():
            continue
        good = chosen & (window.records.fault == Fault.NONE)
        cells = good_cells(window.text, window.records.where(good), spelling, header, columns, name)
        rows = pl.DataFrame({"_line": at[good]}, schema={"_line": pl.Int64()}).hstack(cells)
        bad = window.records.where(chosen & ~good)
        faulty = tuple(
            (line, _own_cells(_split(window.text[start:stop], spelling), header, spelling.layout))
            for line, start, stop in zip(
                (bad.line + window.line).tolist(), bad.start.tolist(), bad.stop.tolist(), strict=True
            )
        )  # fmt: skip
        yield Picked(rows, faulty)


def _picked(told: Told, lines: NDArray[np.int64], line: int, columns: Mapping[str, int]) -> Picked:
    """Records of several types as one table, in which the corrected file has them.

    A faulty one has its cells in the columns of its type, as well as is known.
    """
    at = told.records.line + line
    chosen = np.isin(at, lines, assume_unique=True)
    good = pl.Series(chosen & (told.records.fault == Fault.NONE))
    bad = chosen & (told.records.fault != Fault.NONE)
    named = told.cells.rename(dict(zip(told.cells.columns, columns, strict=True)))
    rows = named.insert_column(0, pl.Series("_line", at, pl.Int64)).filter(good)
    faulty = zip(at[bad].tolist(), told.cells.filter(pl.Series(bad)).iter_rows(), strict=True)
    return Picked(rows, tuple(faulty))


def read_ours(path: Path, source: Source, *, name: str) -> pl.DataFrame:
    """Read which row of which file and run each record of a file of ours was.

    Returns:
        `_line` (here), `line` (then, null where the cell has no number), `file` (as `writable` wrote
        its name; null where there is none, as in files of older versions) and `run` (null where
        the cell names none); a row per record.

    Raises:
        SourceUnusable: the file cannot be read as the mapping declares.
    """
    source = settled(path, source, name)
    header = load_header(path, source, name)
    spelling = Spelling.of(source)
    wanted = {
        ours: header.cells.index(ours)
        for ours in (OUR_FILE, OUR_LINE, OUR_RUN) if ours in header.cells
    }  # fmt: skip
    names = dict.fromkeys((OUR_FILE, OUR_LINE, OUR_RUN), pl.String())
    schema = {"_line": pl.Int64(), **names}
    parts = [pl.DataFrame(schema=schema)]
    for window in windows(path, source, header, name=name):
        good = window.records.fault == Fault.NONE
        records, bad = window.records.where(good), window.records.where(~good)
        cells = good_cells(window.text, records, spelling, header, wanted, name)
        lines = pl.DataFrame({"_line": records.line + window.line}, schema={"_line": pl.Int64()})
        of_faulty = [
            (line + window.line, *_ours_of(_split(window.text[start:stop], spelling), header))
            for line, start, stop in zip(
                bad.line.tolist(), bad.start.tolist(), bad.stop.tolist(), strict=True
            )
        ]
        parts += [lines.hstack(cells), pl.DataFrame(of_faulty, schema, orient="row")]
    run, file = (pl.col(name).str.strip_chars() for name in (OUR_RUN, OUR_FILE))
    return (
        pl.concat(parts, how="diagonal")
        .sort("_line")
        .select(
            "_line",
            pl.col(OUR_LINE).str.strip_chars().cast(pl.Int64, strict=False).alias("line"),
            pl.when(file != "").then(file).alias("file"),
            pl.when(run.str.contains(RUN_NAME)).then(run).alias("run"),
        )
    )


def _own(header: Header, layout: Layout | None) -> list[int]:
    """The positions of the export's own cells, that of a trailing delimiter included.

    Of fixed-width text they are the columns: what lies between them has no name.
    """
    if layout is not None and not header.ours:
        return [at for at, name in enumerate(header.cells) if name]
    end = header.cells.index(OUR_RUN) if header.ours else header.width
    return [
        at
        for at, name in enumerate(header.cells)
        if not name.startswith(OUR_COLUMNS) and (name or at < end)
    ]


def _split(record: bytes, spelling: Spelling) -> list[str]:
    return split_cells(spelling.worked(spelling.body(record)), spelling).values


def _own_cells(cells: list[str], header: Header, layout: Layout | None) -> tuple[str, ...]:
    """The cells of a faulty record without ours, which stand behind its own."""
    if layout is not None:
        return tuple(layout.cells(cells))
    if not header.ours:
        return tuple(cells)
    found = [restore(cell) for cell in cells]
    run = _run_at(found)
    count = sum(name.startswith(OUR_COLUMNS) for name in header.cells)
    return tuple(found if run < 0 else found[: max(run + 1 - count, 0)])


def _ours_of(cells: list[str], header: Header) -> tuple[str, ...]:
    """The file, the line and the run that a faulty record names: ours keep their places to the run's."""
    run = _run_at(cells)
    if run < 0 or not header.ours:
        return "", "", ""
    shift = run - header.cells.index(OUR_RUN)
    at = {
        name: header.cells.index(name) + shift
        for name in (OUR_FILE, OUR_LINE)
        if name in header.cells
    }
    found = {name: restore(shown(cells[place])) for name, place in at.items() if place >= 0}
    return found.get(OUR_FILE, ""), found.get(OUR_LINE, ""), cells[run]


def _run_at(cells: list[str]) -> int:
    """Where the name of a run stands; -1 for nowhere."""
    return next((at for at in range(len(cells) - 1, -1, -1) if _NAME.match(cells[at])), -1)
