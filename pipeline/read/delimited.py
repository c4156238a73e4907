"""Delimited or fixed-width text to batches of records that keep their physical line, strictly and without a guess.

The file is read in windows: decoded to UTF-8, searched for records (`records`), and the good ones
are handed to Polars in one piece, which only takes apart what is known to be well formed
(`windows`). The faulty ones are taken apart one by one (`cells`), and each brings a finding.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.mapping.plan import Source
from pipeline.model.findings import Findings
from pipeline.model.origin import FILE, LINE, ORIGIN_SCHEMA, SEGMENT
from pipeline.model.tables import RawTable
from pipeline.read.batch import Batch
from pipeline.read.cells import around, cell_at, split_cells
from pipeline.read.decoding import MARK, MARKED_CHARACTER, REPLACED, bytes_of, shown, undecodable
from pipeline.read.encodings import settled
from pipeline.read.formulas import restore
from pipeline.read.header import OUR_COLUMNS, Header, find_columns, load_header
from pipeline.read.left_out import Suspicion, Tally, mended
from pipeline.read.parted import good_cells
from pipeline.read.records import Fault, Records
from pipeline.read.spelling import Spelling
from pipeline.read.trailer import told_apart
from pipeline.read.typed import Told, TypedRecords
from pipeline.read.windows import WINDOW_BYTES, Window, windows

_MARKED_BYTES = re.compile(MARK.pattern.decode("latin-1"))
_LINE_BREAKS = re.compile("\r\n|\r|\n")
# Said of a record of a file of ours that can be read only because we have put its quotes right.
UNTOUCHED = ", and nobody has confirmed the row: correct it, or empty its _import_rule"
# Programs drop a NUL byte by themselves, so that it is gone tells of nobody who has looked.
WITHOUT_NUL = (
    " when it was written, and nobody has confirmed the row without it: if it is right, "
    "empty its _import_rule"
)
# Many short records with few of the wanted cells must not grow out of a small window: 16 bytes a
# cell in Polars, and as much again while faulty ones are taken apart.
_CELLS_AT_ONCE = 8_000_000


@dataclass(frozen=True, slots=True)
class _Reading:
    """What stays the same for all windows of a file."""

    source: Source
    spelling: Spelling
    header: Header
    columns: tuple[str, ...]
    positions: list[int]
    file: int
    name: str
    typed: TypedRecords | None = None


def read_header(path: Path, source: Source, *, name: str | None = None) -> tuple[str, ...]:
    """Read the names of the export's columns, in file order, without those that we appended.

    A fixed-width file has those that the mapping says; only the header that it declares is looked for.

    Columns that share a name have others besides, by which a mapping can tell them apart.

    `name` is how messages call the file; without it they use the name of `path`.

    Raises:
        SourceEmpty: the file has no header.
        SourceUnusable: the file or its header cannot be read as the mapping declares.
    """
    called = name or path.name
    header = load_header(path, settled(path, source, called), called)
    return (*header.names, *header.numbered)


def read_batches(
    path: Path,
    source: Source,
    *,
    file: int,
    columns: Sequence[str],
    batch_bytes: int = WINDOW_BYTES,
    name: str | None = None,
) -> Iterator[Batch]:
    """Read a delimited or fixed-width file without interpreting a single value.

    The header is judged at once, the records while the batches are taken. Memory depends on
    `batch_bytes`, not on the file; how the records are cut into batches changes nothing else.

    Returns:
        Batches: `raw` and `faulty` with the origin columns (`_file` is `file`, `_line` the
        physical line where the record starts, `_segment` 0) and one String column per wanted
        column, "" for an empty cell, never null.

    Raises:
        SourceEmpty: the file has no header.
        SourceUnusable: the file cannot be read as the mapping declares, lacks a wanted column, or
            has a quote that is never closed. Then nothing of the file may be used, not even the
            batches that came before.
    """
    called = name or path.name
    source = settled(path, source, called)
    header = load_header(path, source, called)
    wanted = tuple(dict.fromkeys(columns))
    positions = find_columns(header, wanted, called)
    spelling = Spelling.of(source)
    typed = (
        None
        if source.records is None
        else TypedRecords(source, source.records, spelling, wanted, called)
    )
    reading = _Reading(source, spelling, header, wanted, positions, file, called, typed)
    return _batches(path, reading, batch_bytes)


def _batches(path: Path, reading: _Reading, batch_bytes: int) -> Iterator[Batch]:
    wide = len(reading.columns) + len(ORIGIN_SCHEMA)
    at_once = max(1, _CELLS_AT_ONCE // (wide + (reading.typed.width if reading.typed else 0)))
    declared = reading.source.skip_lines or reading.source.find_header
    before = reading.header.before if declared else 0
    suspicion = Suspicion(reading.source, reading.spelling, reading.header)
    of_blanks = reading.spelling.layout is not None
    tally = Tally(reading.file, before, suspicion, of_blanks=of_blanks)
    # a file of ours has only rows to correct, and no trailer
    source = replace(reading.source, trailer=None) if reading.header.ours else reading.source
    columns = dict(zip(reading.columns, reading.positions, strict=True))
    every = windows(
        path, reading.source, reading.header, name=reading.name, batch_bytes=batch_bytes,
        at_once=columns if source.trailer is None else None,
    )  # fmt: skip
    for window, trailer in told_apart(every, source, reading.spelling):
        tally.take(window)
        found = mended(window, reading.file)
        count = len(window.records.line)
        for begin in range(0, count, at_once):
            records = window.records.part(begin, begin + at_once)
            end = window.open_end if begin + at_once >= count else None
            if window.cells is not None:
                cells = window.cells.slice(begin, at_once)
                raw = _origin(reading.file, records.line + window.line).hstack(cells)
                yield Batch(RawTable(raw), RawTable(raw.clear()), Findings.none(), open_end=end)
                continue
            if reading.typed is not None:
                told = reading.typed.tell(window.text, records, window.line)
                tally.ignore(told.ignored + window.line)
                yield replace(_batch_of(told, window, reading), open_end=end)
                continue
            batch = replace(_batch(window.text, records, window.line, reading), open_end=end)
            if found is not None:
                batch = replace(batch, findings=batch.findings + Findings.of(found))
                found = None
            yield batch
        if trailer is not None or (window.open_end is not None and not count):
            none = _batch(window.text, window.records.part(0, 0), window.line, reading)
            yield replace(none, trailer=trailer, open_end=window.open_end)
    findings = Findings.of(tally.findings())
    if len(findings):
        empty = pl.DataFrame(schema=ORIGIN_SCHEMA | dict.fromkeys(reading.columns, pl.String()))
        yield Batch(RawTable(empty), RawTable(empty), findings)


def _batch(window: bytes, records: Records, line: int, reading: _Reading) -> Batch:
    good = records.fault == Fault.NONE
    raw = _origin(reading.file, records.line[good] + line).hstack(
        good_cells(
            window, records.where(good), reading.spelling, reading.header,
            dict(zip(reading.columns, reading.positions, strict=True)), reading.name,
        )
    )  # fmt: skip
    if good.all():
        return Batch(RawTable(raw), RawTable(raw.clear()), Findings.none())
    faulty, findings = _faulty_cells(window, records, line, reading)
    return Batch(RawTable(raw), RawTable(faulty), Findings.of(findings))


def _batch_of(told: Told, window: Window, reading: _Reading) -> Batch:
    """The batch of records of several types."""
    records, bad = told.records, told.records.fault != Fault.NONE
    cells = told.cells.select(reading.columns)
    rows = _origin(reading.file, records.line + window.line).hstack(cells)
    raw, faulty = rows.filter(pl.Series(~bad)), rows.filter(pl.Series(bad))
    problems: list[tuple[str, str | None, str | None, str | None]] = []
    for at in np.flatnonzero(bad).tolist():
        fault = Fault(int(records.fault[at]))
        if at in told.problems and fault != Fault.LENGTH:
            value, says = told.problems[at]
            problems.append((fault.code, None, value, says or None))
            continue
        body = reading.spelling.body(window.text[int(records.start[at]) : int(records.stop[at])])
        text = reading.spelling.worked(body)
        problem = _judged(text, fault, int(records.cells[at]), reading)[1]
        detail = told.problems[at][1] if at in told.problems else problem[3]
        problems.append((problem[0], None, problem[2], detail))
    what = pl.DataFrame(
        problems, dict.fromkeys(("code", "column", "value", "detail"), pl.String()), orient="row"
    )
    findings = Findings.of(faulty.select(list(ORIGIN_SCHEMA)).hstack(what))
    return Batch(RawTable(raw), RawTable(faulty), findings)


def _origin(file: int, lines: NDArray[np.int64]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            FILE: np.full(len(lines), file, np.uint32),
            LINE: lines.astype(np.uint32),
            SEGMENT: np.zeros(len(lines), np.uint32),
        },
        schema=ORIGIN_SCHEMA,
    )


def _faulty_cells(
    window: bytes, records: Records, line: int, reading: _Reading
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take faulty records apart as well as can be, and say of each what is wrong with it."""
    at = np.flatnonzero(records.fault != Fault.NONE)
    origin = _origin(reading.file, records.line[at] + line)
    cells: list[list[str]] = []
    problems: list[tuple[str, str | None, str | None, str | None]] = []
    for start, stop, found, kind in zip(
        records.start[at].tolist(),
        records.stop[at].tolist(),
        records.cells[at].tolist(),
        records.fault[at].tolist(),
        strict=True,
    ):
        text = reading.spelling.worked(reading.spelling.body(window[start:stop]))
        row, problem = _judged(text, Fault(kind), found, reading)
        if reading.header.ours:
            row = [restore(cell) for cell in row]
        cells.append(
            [row[position] if position < len(row) else "" for position in reading.positions]
        )
        problems.append(problem)
    table = pl.DataFrame(cells, dict.fromkeys(reading.columns, pl.String()), orient="row")
    what = pl.DataFrame(
        problems, dict.fromkeys(("code", "column", "value", "detail"), pl.String()), orient="row"
    )
    return origin.hstack(table), origin.hstack(what)


def _judged(
    text: str, fault: Fault, found: int, reading: _Reading
) -> tuple[list[str], tuple[str, str | None, str | None, str | None]]:
    """Give the cells of one faulty record, and code, column, value and detail of its finding."""
    column, value, detail = None, None, None
    spelling = reading.spelling
    if fault == Fault.BYTE:
        at = _undecoded(text, spelling)
        column = _column(reading, cell_at(text, at, spelling))
        value, detail = _bad_byte(text, at, reading), reading.source.encoding
        text = shown(text)
    cells = split_cells(text, spelling)
    if fault == Fault.NUL and "\0" in text:
        column = _column(reading, cell_at(text, text.index("\0"), spelling))
    elif fault in (Fault.QUOTE, Fault.OPEN) and cells.fault is not None:
        column = _column(reading, cells.fault_cell or 0)
        value = shown(spelling.told(around(text, cells.fault)))
    elif fault in (Fault.NUL, Fault.QUOTE, Fault.OPEN):
        record = _own_text(text, reading)
        value = around(record, max(record.find(reading.source.quote or ""), 0))
        detail = WITHOUT_NUL if fault == Fault.NUL else UNTOUCHED
    elif fault == Fault.CELLS:
        own = len(reading.header.names) if reading.header.ours else reading.header.width
        value, detail = str(found - reading.header.width + own), f"{own} in the header"
        lines = len(_LINE_BREAKS.split(spelling.told(text)))
        if reading.source.record_end is not None and lines > 1:
            # where the file has mixed ends, several rows have become one
            value += f" on {lines:,} lines up to `record_end`"
    elif fault == Fault.LENGTH:
        value, detail = _own_text(text, reading), _of_length(text, reading)
    elif fault in (
        Fault.BREAK, Fault.SWALLOWED, Fault.UNCLEAR, Fault.TYPE, Fault.ORPHAN, Fault.BELOW,
    ):  # fmt: skip
        value, detail = _own_text(text, reading), UNTOUCHED if reading.header.ours else None
    unmarked = spelling.plain and MARKED_CHARACTER.search(text) is None
    values = cells.values if unmarked else [shown(each) for each in cells.values]
    return values, (fault.code, column, value, detail)


def _own_text(text: str, reading: _Reading) -> str:
    """The record as it stands in the file; of a file of ours without the columns that we have appended."""
    spelling, header = reading.spelling, reading.header
    if not header.ours:
        return shown(spelling.told(text))
    cells = zip(split_cells(text, spelling).values, header.cells, strict=False)
    own = [restore(cell) for cell, name in cells if not name.startswith(OUR_COLUMNS)]
    return shown(reading.source.delimiter.join(own))


def _of_length(text: str, reading: _Reading) -> str:
    """How long a line is, and how long it should be."""
    layout = reading.spelling.layout
    if layout is None:
        return f"another length than the others of its file{UNTOUCHED}"
    line = reading.spelling.told(text)
    has = f"{len(line):,} character{'' if len(line) == 1 else 's'}"
    if layout.trimmed and len(line) < layout.least:
        if not line.endswith(" "):
            return f"{has} and no line end behind it: the file may be cut off here"
        return f"{has} and a blank at its end, so more than blanks are missing"
    if layout.most is None:
        return f"{has}, the columns need at least {layout.least:,}"
    return f"{has}, {'declared are' if layout.declared else 'the columns have'} {layout.least:,}"


def _undecoded(text: str, spelling: Spelling) -> int:
    """Where the first byte stands that could not be read, or its usual stand-in."""
    found = (MARKED_CHARACTER if spelling.plain else _MARKED_BYTES).search(text)
    replaced = REPLACED if spelling.plain else REPLACED.encode().decode("latin-1")
    return found.start() if found else max(text.find(replaced), 0)


def _bad_byte(text: str, at: int, reading: _Reading) -> str:
    """The byte that could not be read, and the how-manieth of its line it is."""
    spelling = reading.spelling
    byte = undecodable(spelling.told(text[at:])) or "U+FFFD"
    before = _LINE_BREAKS.split(spelling.told(text[:at]))
    place = bytes_of(before[-1], reading.source.encoding) + 1
    line = f" of line {len(before)} of the record" if len(before) > 1 else ""
    return f"{byte} (byte {place}{line})"


def _column(reading: _Reading, position: int) -> str | None:
    cells = reading.header.cells
    return cells[position] or None if position < len(cells) else None
