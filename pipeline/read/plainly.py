"""Windows that Polars alone reads right, and the scan that proves it before it is asked.

Without a quote, a NUL, an undecodable byte or a carriage return by itself, every line is a record and every
delimiter is one. If besides each line has as many delimiters as a row has, then each has its number of
cells: that is counted here, for Polars tells of no row with too many or too few cells while it reads only
some of the columns. Lines that are no rows (empty ones, the header again) make a window go the careful way,
and so does everything else that is not proven.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.read.decoding import MARK
from pipeline.read.header import Header
from pipeline.read.records import RECORD_MAX, LeftOut, Records
from pipeline.read.spelling import Spelling

_BOM = "\ufeff".encode()


def plain_rows(window: bytes, spelling: Spelling, header: Header) -> int:
    """Give the number of rows of a window in which nothing needs care, else 0."""
    if not spelling.plain or header.ours or header.width < 2 or len(window) > RECORD_MAX:
        return 0
    marks = spelling.marks
    if (marks.quote is not None and marks.quote in window) or b"\0" in window:
        return 0
    if b"\xed" in window and MARK.search(window):
        return 0
    data = np.frombuffer(window, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    if b"\r" in window:
        before_feeds = np.count_nonzero(data[ends - 1] == ord("\r"))
        if np.count_nonzero(data == ord("\r")) != before_feeds:
            return 0
    if not len(ends) or not _begins_rows(window, data, ends, header, marks.delimiter):
        return 0
    return len(ends) if _has_width(data, ends, header.width, marks.delimiter) else 0


def _has_width(
    data: NDArray[np.uint8], ends: NDArray[np.int64], width: int, delimiter: int
) -> bool:
    """Tell whether each line has as many delimiters as a row.

    They are counted line by line in 16 bits, which is fast; a line with 65,536 more shows in all of them.
    """
    is_delimiter = data == delimiter
    if np.count_nonzero(is_delimiter) != len(ends) * (width - 1):
        return False
    starts = np.append(0, ends[:-1] + 1)
    return bool((np.add.reduceat(is_delimiter, starts, dtype=np.uint16) == width - 1).all())


def _begins_rows(
    window: bytes, data: NDArray[np.uint8], ends: NDArray[np.int64], header: Header, delimiter: int
) -> bool:
    """Tell whether no line is empty, made of delimiters alone, or perhaps the header; by how it begins."""
    firsts = np.zeros(256, np.bool_)
    firsts[data[ends[:-1] + 1]] = True
    firsts[data[0]] = True
    if firsts[ord("\n")] or firsts[ord("\r")] or firsts[_BOM[0]]:
        return False
    starts = []
    if firsts[delimiter]:
        nothing = bytes((delimiter,)) * (header.width - 1)
        starts += [nothing + b"\n", nothing + b"\r"]
    if header.body and firsts[header.body[0]]:
        starts.append(header.body)
    return not any(window.startswith(each) or b"\n" + each in window for each in starts)


def plain_cells(
    window: bytes, rows: int, spelling: Spelling, header: Header, columns: Mapping[str, int]
) -> pl.DataFrame | None:
    """Let Polars read a plain window as it is; None where it does not read a row of each line."""
    cells = pl.read_csv(
        window,
        has_header=False,
        schema={str(position): pl.String() for position in range(header.width)},
        columns=sorted(set(columns.values())) or [0],
        separator=chr(spelling.marks.delimiter),
        quote_char=None,
        empty_string_is_null=False,
    )
    if cells.height != rows:
        return None
    return cells.select(pl.col(str(position)).alias(name) for name, position in columns.items())


def plain_records(window: bytes, count: int, width: int) -> Records:
    """The records of a plain window, whose places in it nobody needs."""
    line = np.arange(count)
    nowhere = np.broadcast_to(np.int64(0), (count,))
    none = np.zeros(0, np.int64)
    return Records(
        line=line, next_line=line + 1, start=nowhere, stop=nowhere,
        cells=np.broadcast_to(np.int64(width), (count,)),
        fault=np.broadcast_to(np.uint8(0), (count,)), lines=count, size=len(window), too_long=-1,
        left_out=LeftOut(none, none, none, np.zeros(0, np.uint8)),
    )  # fmt: skip
