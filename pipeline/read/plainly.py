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


def is_plain(window: bytes, spelling: Spelling, header: Header) -> bool:
    """Tell whether nothing in a window needs care."""
    if not spelling.plain or header.ours or header.width < 2 or len(window) > RECORD_MAX:
        return False
    marks = spelling.marks
    if (marks.quote is not None and marks.quote in window) or b"\0" in window:
        return False
    if b"\xed" in window and MARK.search(window):
        return False
    returns = window.count(b"\r")
    if returns and returns != window.count(b"\r\n"):
        return False
    data = np.frombuffer(window, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    if not len(ends) or not _begins_rows(window, data, ends, header, marks.delimiter):
        return False
    return _has_width(data, ends, header.width, marks.delimiter)


def _has_width(
    data: NDArray[np.uint8], ends: NDArray[np.int64], width: int, delimiter: int
) -> bool:
    """Tell whether each line has the delimiters of a row: they are counted off, and must lie in its bounds."""
    at = np.flatnonzero(data == delimiter)
    of_row = width - 1
    if len(at) != len(ends) * of_row:
        return False
    first, last = at[::of_row], at[of_row - 1 :: of_row]
    return bool((last < ends).all() and (first[1:] > ends[:-1]).all())


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
    window: bytes, spelling: Spelling, header: Header, columns: Mapping[str, int]
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
    if cells.height != window.count(b"\n"):
        return None
    return cells.select(pl.col(str(position)).alias(name) for name, position in columns.items())


def plain_records(window: bytes, width: int) -> Records:
    """The records of a plain window, whose places in it nobody needs."""
    count = window.count(b"\n")
    line = np.arange(count)
    nowhere = np.broadcast_to(np.int64(0), (count,))
    none = np.zeros(0, np.int64)
    return Records(
        line=line, next_line=line + 1, start=nowhere, stop=nowhere,
        cells=np.broadcast_to(np.int64(width), (count,)),
        fault=np.broadcast_to(np.uint8(0), (count,)), lines=count, size=len(window), too_long=-1,
        left_out=LeftOut(none, none, none, np.zeros(0, np.uint8)),
    )  # fmt: skip
