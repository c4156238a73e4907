"""Delimited text to batches of records that keep their physical line, strictly and without a guess.

The file is read in windows: decoded to UTF-8, searched for records (`records`), and the good ones
are handed to Polars in one piece, which only takes apart what is known to be well formed. The
faulty ones are taken apart one by one (`cells`), and each brings a finding.
"""

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
from pipeline.read.cells import around, cell_at, marks_of, split_cells
from pipeline.read.decoding import MARK, MARKED_CHARACTER, Utf8Stream, shown, text_of, undecodable
from pipeline.read.header import (
    Header,
    find_columns,
    load_header,
    never_ends,
    open_source,
    with_last_line_end,
)
from pipeline.read.records import RECORD_MAX, Fault, Marks, Records, complete, find_records

_CODES = {Fault.CELLS: "R101", Fault.BYTE: "R102", Fault.QUOTE: "R103", Fault.NUL: "R105"}
# Many short records with few of the wanted cells must not grow out of a small window: 16 bytes a
# cell in Polars, and as much again while faulty ones are taken apart.
_CELLS_AT_ONCE = 8_000_000


@dataclass(frozen=True, slots=True)
class _Reading:
    """What stays the same for all windows of a file."""

    source: Source
    marks: Marks
    header: Header
    columns: tuple[str, ...]
    positions: list[int]
    file: int
    name: str


def read_header(path: Path, source: Source, *, name: str | None = None) -> tuple[str, ...]:
    """Read the names of the export's columns, in file order, without those that we appended.

    `name` is how messages call the file; without it they use the name of `path`.

    Raises:
        SourceEmpty: the file has no header.
        SourceUnusable: the file or its header cannot be read as the mapping declares.
    """
    return load_header(path, source, name or path.name).names


def read_batches(
    path: Path,
    source: Source,
    *,
    file: int,
    columns: Sequence[str],
    batch_bytes: int = 16 << 20,
    name: str | None = None,
) -> Iterator[Batch]:
    """Read a delimited file without interpreting a single value.

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
    header = load_header(path, source, called)
    wanted = tuple(dict.fromkeys(columns))
    positions = find_columns(header, wanted, called)
    reading = _Reading(source, marks_of(source), header, wanted, positions, file, called)
    return _batches(path, reading, batch_bytes)


def _batches(path: Path, reading: _Reading, batch_bytes: int) -> Iterator[Batch]:
    skip = reading.header.size
    line = reading.header.next_line
    at_once = max(1, _CELLS_AT_ONCE // (len(reading.columns) + len(ORIGIN_SCHEMA)))
    text = b""
    with open_source(path, reading.name) as opened:
        stream = Utf8Stream(opened, reading.source.encoding, name=reading.name)
        while not stream.ended():
            text += stream.read(max(batch_bytes, len(text)))
            if stream.ended():
                text = with_last_line_end(text)
            if skip:
                skip, text = max(skip - len(text), 0), text[skip:]
            window = text[: complete(text, ended=stream.ended())]
            records = find_records(window, reading.marks, width=reading.header.width)
            _check_length(records, len(text), line, reading.name)
            records = replace(records, fault=_with_bytes_judged(window, records))
            for begin in range(0, len(records.line), at_once):
                yield _batch(window, records.part(begin, begin + at_once), line, reading)
            line += records.lines
            text = text[records.size :]
    if text:
        raise never_ends(reading.name, line, ended=True)


def _check_length(records: Records, size: int, line: int, name: str) -> None:
    """Refuse records beyond the limit, wherever the windows happen to cut the file."""
    if records.too_long >= 0:
        raise never_ends(name, line + records.too_long, ended=False)
    if size - records.size > RECORD_MAX:
        raise never_ends(name, line + records.lines, ended=False)


def _batch(window: bytes, records: Records, line: int, reading: _Reading) -> Batch:
    good = records.fault == Fault.NONE
    raw = _origin(reading.file, records.line[good] + line).hstack(
        _good_cells(window, records.start[good], records.stop[good], reading)
    )
    if good.all():
        return Batch(RawTable(raw), RawTable(raw.clear()), Findings.none())
    faulty, findings = _faulty_cells(window, records, line, reading)
    return Batch(RawTable(raw), RawTable(faulty), Findings.of(findings))


def _with_bytes_judged(window: bytes, records: Records) -> NDArray[np.uint8]:
    """Add the faults of bytes to those of shape; an undecodable byte is the likeliest cause of all."""
    fault = records.fault.copy()
    if b"\0" in window:
        zeros = np.flatnonzero(np.frombuffer(window, np.uint8) == 0)
        fault[_records_at(records, zeros)] = Fault.NUL
    if b"\xed" in window:
        marked = np.array([found.start() for found in MARK.finditer(window)], np.int64)
        fault[_records_at(records, marked)] = Fault.BYTE
    return fault


def _records_at(records: Records, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    decided = positions[positions < records.size]
    return np.searchsorted(records.start, decided, side="right") - 1


def _origin(file: int, lines: NDArray[np.int64]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            FILE: np.full(len(lines), file, np.uint32),
            LINE: lines.astype(np.uint32),
            SEGMENT: np.zeros(len(lines), np.uint32),
        },
        schema=ORIGIN_SCHEMA,
    )


def _good_cells(
    window: bytes, start: NDArray[np.int64], stop: NDArray[np.int64], reading: _Reading
) -> pl.DataFrame:
    """Let Polars take well-formed records apart, and hold it to their number."""
    if not len(start):
        return pl.DataFrame(schema=dict.fromkeys(reading.columns, pl.String()))
    width = reading.header.width
    quote = reading.source.quote
    # Polars eats a byte order mark at the beginning of a text, also where it belongs to a cell:
    # a record of our own goes first, and is dropped.
    first = reading.source.delimiter.encode() * (width - 1) + b"x\n"
    cells = pl.read_csv(
        first + _in_one_piece(window, start, stop),
        has_header=False,
        schema={str(position): pl.String() for position in range(width)},
        columns=sorted(set(reading.positions)) or [0],
        separator=reading.source.delimiter,
        quote_char=quote if quote is not None and quote.encode() in window else None,
        empty_string_is_null=False,
    ).slice(1)
    if cells.height != len(start):
        raise RuntimeError(f"{reading.name}: {len(start)} records became {cells.height} rows")
    return cells.select(
        pl.col(str(position)).alias(column)
        for position, column in zip(reading.positions, reading.columns, strict=True)
    )


def _in_one_piece(window: bytes, start: NDArray[np.int64], stop: NDArray[np.int64]) -> bytes:
    r"""Put records together that other records or empty lines may separate, with \n or \r\n as end."""
    if b"\r" in window:
        data = np.frombuffer(window, np.uint8)
        ends = stop[data[stop - 1] == ord("\r")] - 1
        if len(ends):
            changed = data.copy()
            changed[ends] = ord("\n")
            window = changed.tobytes()
    gaps = np.flatnonzero(stop[:-1] != start[1:])
    begins = start[np.append(0, gaps + 1)].tolist()
    ends_at = stop[np.append(gaps, len(stop) - 1)].tolist()
    view = memoryview(window)
    return b"".join(view[begin:end] for begin, end in zip(begins, ends_at, strict=True))


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
        text = text_of(window[start:stop]).rstrip("\r\n")
        row, problem = _judged(text, Fault(kind), found, reading)
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
    if fault == Fault.BYTE:
        marked = MARKED_CHARACTER.search(text)
        column = _column(reading, cell_at(text, marked.start() if marked else 0, reading.source))
        value, detail = undecodable(text), reading.source.encoding
        text = shown(text)
    cells = split_cells(text, reading.source)
    if fault == Fault.NUL:
        column = _column(reading, cell_at(text, text.index("\0"), reading.source))
    elif fault == Fault.QUOTE:
        column = _column(reading, cells.fault_cell or 0)
        value = around(text, cells.fault or 0)
    elif fault == Fault.CELLS:
        value, detail = str(found), str(reading.header.width)
    return cells.values, (_CODES[fault], column, value, detail)


def _column(reading: _Reading, position: int) -> str | None:
    cells = reading.header.cells
    return cells[position] or None if position < len(cells) else None
