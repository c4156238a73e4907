"""The trailer of a file: a last record that is no data and says what the file should hold."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pipeline.mapping.plan import Source
from pipeline.read.batch import TrailerRecord
from pipeline.read.cells import split_cells
from pipeline.read.decoding import text_of
from pipeline.read.windows import Window


def told_apart(
    windows: Iterator[Window], source: Source
) -> Iterator[tuple[Window, TrailerRecord | None]]:
    """Take the last record out of its window if its first cell is that of a trailer.

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
        yield _apart(each, source, source.trailer)


def _apart(window: Window, source: Source, mark: str) -> tuple[Window, TrailerRecord | None]:
    records = window.records
    if not len(records.line):
        return window, None
    text = text_of(window.text[int(records.start[-1]) : int(records.stop[-1])]).rstrip("\r\n")
    cells = tuple(cell.strip() for cell in split_cells(text, source).values)
    if cells[0] != mark:
        return window, None
    left = np.arange(len(records.line)) < len(records.line) - 1
    trailer = TrailerRecord(int(records.line[-1]) + window.line, cells)
    return replace(window, records=records.where(left)), trailer
