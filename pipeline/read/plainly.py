"""Windows that Polars alone reads right, and the scan that proves it before it is asked.

Without a quote, a NUL, an undecodable byte or a carriage return by itself, every line is a record and every
delimiter is one. If besides there are just as many delimiters as so many rows have, and no row lacks its
last cell, then each has its number of cells. Lines that are no rows (empty ones, the header again) make a
window go the careful way, and so does everything else that is not proven.
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
    """Tell whether nothing in a window needs care; the cells of single rows are not counted yet."""
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
    found = np.count_nonzero(data == marks.delimiter)
    return bool(found == len(ends) * (header.width - 1))


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
    """Let Polars read a plain window as it is; None where a row lacks cells, and another has too many."""
    last = header.width - 1
    try:
        cells = pl.read_csv(
            window,
            has_header=False,
            schema={str(position): pl.String() for position in range(header.width)},
            columns=sorted({*columns.values(), last}),
            separator=chr(spelling.marks.delimiter),
            quote_char=None,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        return None
    if cells.height != window.count(b"\n") or cells.get_column(str(last)).null_count():
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
