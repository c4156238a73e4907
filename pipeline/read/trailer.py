"""The trailer of a file: a last record that is no data and says what the file should hold."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pipeline.mapping.plan import Source
from pipeline.read.batch import TrailerRecord
from pipeline.read.cells import split_cells
from pipeline.read.decoding import shown
from pipeline.read.layout import cells_of
from pipeline.read.spelling import Spelling
from pipeline.read.windows import Window


def told_apart(
    windows: Iterator[Window], source: Source, spelling: Spelling
) -> Iterator[tuple[Window, TrailerRecord | None]]:
    """Take the last record out of its window if its first cell is that of a trailer.

    Of fixed-width text it is the beginning of the line that tells it, and its length does not matter.

    Only the last record of the file can be one: another that begins so is data. A window with
    records waits until the next one with records is there, so two of them are in memory.
    """
    if source.trailer is None:
        for window in windows:
            yield window, None
        return
    waiting: list[Window] = []
    for window in windows:
        if len(window.records.line):
            for each in waiting:
                yield each, None
            waiting = []
        waiting.append(window)
    for each in waiting:
        yield _apart(each, spelling, source)


def _cells(record: str, spelling: Spelling, source: Source) -> tuple[str, ...]:
    """The cells of a record; of fixed width first what it begins with, then what a trailer has."""
    if spelling.layout is None:
        return tuple(shown(cell).strip() for cell in split_cells(record, spelling).values)
    line, mark = shown(spelling.told(record)), source.trailer or ""
    cells = cells_of(line, source.trailer_cells)
    return (line[: len(mark)], *(cell.strip() for cell in cells))


def _apart(
    window: Window, spelling: Spelling, source: Source
) -> tuple[Window, TrailerRecord | None]:
    records = window.records
    if not len(records.line):
        return window, None
    body = spelling.body(window.text[int(records.start[-1]) : int(records.stop[-1])])
    cells = _cells(spelling.worked(body), spelling, source)
    if cells[0] != source.trailer:
        return window, None
    left = np.arange(len(records.line)) < len(records.line) - 1
    trailer = TrailerRecord(int(records.line[-1]) + window.line, cells)
    # what a repair has made of it is nothing that anybody needs to know
    repairs = tuple(each.without(int(records.line[-1])) for each in window.repairs)
    return replace(window, records=records.where(left), repairs=repairs), trailer
