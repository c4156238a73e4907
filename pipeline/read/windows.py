"""A file's text window by window, with the records in it and what is wrong with each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.mapping.plan import Source
from pipeline.read.cells import marks_of
from pipeline.read.decoding import MARK, REPLACED, Utf8Stream
from pipeline.read.formulas import restored
from pipeline.read.guessed import GUESSED, TORN, check_of
from pipeline.read.header import (
    OUR_CHECK,
    OUR_COLUMNS,
    OUR_RULE,
    OUR_RUN,
    RUN_NAME,
    Header,
    never_ends,
    open_source,
    with_last_line_end,
)
from pipeline.read.records import RECORD_MAX, Fault, Records, complete, find_records

WINDOW_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a file as UTF-8; its line 0 is line `line` of the file, counted from 1."""

    text: bytes
    records: Records
    line: int


def windows(
    path: Path, source: Source, header: Header, *, name: str, batch_bytes: int = WINDOW_BYTES
) -> Iterator[Window]:
    """Go through all records behind the header; how the file is cut changes none of them.

    Raises:
        SourceUnusable: the file cannot be read as the mapping declares, or has a quote that is
            never closed.
    """
    marks = marks_of(source)
    skip = header.size
    line = header.next_line
    text = b""
    with open_source(path, name) as opened:
        stream = Utf8Stream(opened, source.encoding, name=name)
        while not stream.ended():
            text += stream.read(max(batch_bytes, len(text)))
            if stream.ended():
                text = with_last_line_end(text)
            if skip:
                skip, text = max(skip - len(text), 0), text[skip:]
            window = text[: complete(text, ended=stream.ended())]
            records = find_records(window, marks, width=header.width)
            _check_length(records, len(text), line, name)
            judged = replace(records, fault=_with_bytes_judged(window, records))
            if header.ours:
                judged = _as_they_were(window, judged, source, header, name)
            yield Window(window, judged, line)
            line += records.lines
            text = text[records.size :]
    if text:
        raise never_ends(name, line, ended=True)


def _check_length(records: Records, size: int, line: int, name: str) -> None:
    """Refuse records beyond the limit, wherever the windows happen to cut the file."""
    if records.too_long >= 0:
        raise never_ends(name, line + records.too_long, ended=False)
    if size - records.size > RECORD_MAX:
        raise never_ends(name, line + records.lines, ended=False)


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


def _as_they_were(
    window: bytes, records: Records, source: Source, header: Header, name: str
) -> Records:
    """Find records of files of ours that only look corrected, because a spreadsheet has saved them.

    A record with too many or too few cells is written as it is, with our cells behind its own. A
    spreadsheet fills up all records to one length; then only the place of our last cell tells that
    there are still too many or too few. A byte that cannot be read may have become U+FFFD. And cells
    that are a guess are none that anybody has looked at (`guessed`).
    """
    good = np.flatnonzero(records.fault == Fault.NONE)
    if not len(good):
        return records
    everywhere = {str(position): position for position in range(header.width)}
    cells = good_cells(window, records.where(good), source, header, everywhere, name)
    run = header.cells.index(OUR_RUN)
    named = {
        position: pl.col(str(position)).str.contains(RUN_NAME) for position in everywhere.values()
    }
    elsewhere = pl.coalesce(
        pl.when(is_name).then(pl.lit(position, pl.Int64))
        for position, is_name in named.items() if position != run
    )  # fmt: skip
    found = cells.select(pl.when(~named[run]).then(elsewhere - run)).to_series()
    shifted = found.is_not_null().to_numpy()
    fault, counts = records.fault.copy(), records.cells.copy()
    if OUR_RULE in header.cells and header.names:
        own = [str(at) for at, name in enumerate(header.cells) if not name.startswith(OUR_COLUMNS)]
        replaced = pl.any_horizontal(pl.col(own).str.contains(REPLACED, literal=True))
        unread = pl.col(str(header.cells.index(OUR_RULE))) == "R102"
        fault[good[cells.select(replaced & unread).to_series().to_numpy()]] = Fault.BYTE
        for at, untouched in _untouched(cells, header, own):
            fault[good[at]] = untouched
    fault[good[shifted]] = Fault.CELLS
    counts[good[shifted]] += found.drop_nulls().to_numpy()
    return replace(records, fault=fault, cells=counts)


def _untouched(cells: pl.DataFrame, header: Header, own: list[str]) -> Iterator[tuple[int, Fault]]:
    """The records that are as they were guessed, by their index; they are few."""
    rule = str(header.cells.index(OUR_RULE))
    check = str(header.cells.index(OUR_CHECK)) if OUR_CHECK in header.cells else None
    faults = GUESSED | TORN
    asked = cells.with_row_index("at").filter(pl.col(rule).str.strip_chars().is_in(list(faults)))
    for row in asked.iter_rows(named=True):
        code = row[rule].strip()
        written = row[check].strip() if check else ""
        # without its check, as in files of older versions, only an empty rule tells of a person
        unsaid = not written and code in GUESSED
        if unsaid or (written and written == check_of([row[name] for name in own])):
            yield row["at"], faults[code]


def good_cells(
    window: bytes, records: Records, source: Source, header: Header,
    columns: Mapping[str, int], name: str,
) -> pl.DataFrame:  # fmt: skip
    """Let Polars take well-formed records apart, and hold it to their number.

    `columns` are the positions of the wanted cells by the names they get. The cells of files that
    we have written are as they were before we wrote them (`formulas`).
    """
    if not len(records.start):
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
    width = header.width
    quote = source.quote
    # Polars eats a byte order mark at the beginning of a text, also where it belongs to a cell:
    # a record of our own goes first, and is dropped.
    first = source.delimiter.encode() * (width - 1) + b"x\n"
    cells = pl.read_csv(
        first + _in_one_piece(window, records.start, records.stop),
        has_header=False,
        schema={str(position): pl.String() for position in range(width)},
        columns=sorted(set(columns.values())) or [0],
        separator=source.delimiter,
        quote_char=quote if quote is not None and quote.encode() in window else None,
        empty_string_is_null=False,
    ).slice(1)
    if cells.height != len(records.start):
        raise RuntimeError(f"{name}: {len(records.start)} records became {cells.height} rows")
    picked = {column: pl.col(str(position)) for column, position in columns.items()}
    if header.ours:
        picked = {column: restored(cell) for column, cell in picked.items()}
    return cells.select(cell.alias(column) for column, cell in picked.items())


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
