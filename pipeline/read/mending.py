"""Records with too many or too few cells that a rule of the mapping makes readable, and no other rule.

A surplus delimiter becomes plain text in place, so everything that reads the record afterwards (also
for the file with the rows to correct) sees the same cells. What cannot be told for certain stays R101.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.mapping.converters import COLUMN_KINDS, ConverterMistake, convert_text
from pipeline.mapping.plan import Repair, Source
from pipeline.read.header import Header
from pipeline.read.parted import good_cells
from pipeline.read.records import Fault, Records
from pipeline.read.spelling import JOINED, Spelling

_BLANK = ord(" ")
_SURPLUS_MAX = 64  # empty cells too many at the end of a record


class How(StrEnum):
    """What was put right."""

    DROPPED = "dropped"
    FILLED = "filled"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class Repaired:
    """Records (their lines in the window) that were put right in one way; `column` of those joined."""

    how: How
    lines: NDArray[np.int64]
    column: str | None = None
    values: tuple[str, ...] = ()

    def without(self, line: int) -> "Repaired":
        """Leave a record out."""
        kept = self.lines != line
        values = tuple(v for v, keep in zip(self.values, kept, strict=False) if keep)
        return replace(self, lines=self.lines[kept], values=values)


class Mender:
    """Puts the records of a file right, as far as `source.repair` says."""

    def __init__(self, source: Source, header: Header, spelling: Spelling, name: str) -> None:
        """Begin a file; nothing is put right in a file of ours, where a person does it."""
        self._repair = source.repair or Repair()
        self._source = source
        self._header = header
        self._spelling = spelling
        self._name = name
        self._torn = False  # the last record that is not too short breaks off in a quoted cell
        self._join = [
            header.cells.index(each) for each in self._repair.join if each in header.cells
        ]

    def mend(self, window: bytes, records: Records) -> tuple[bytes, Records, tuple[Repaired, ...]]:
        """Give the window and its records with what could be put right, and what that was."""
        done: list[Repaired] = []
        fault = records.fault.copy()
        cut_off = self._cut_off(window, records)
        wrong = (fault == Fault.CELLS) & ~cut_off
        width = self._header.width
        if self._repair.too_few:
            short = wrong & (records.cells < width)
            few = np.flatnonzero(short & ~self._behind_torn(short, cut_off & (fault != Fault.NONE)))
            fault[few] = Fault.NONE
            done.append(Repaired(How.FILLED, records.line[few]))
        if self._repair.too_many:
            many = self._empty_at_the_end(
                window, records, np.flatnonzero(wrong & (records.cells > width))
            )
            fault[many] = Fault.NONE
            done.append(Repaired(How.DROPPED, records.line[many]))
        records = replace(records, fault=fault)
        if self._join:
            window, records, joined = self._joined(window, records)
            done += joined
        return window, records, tuple(each for each in done if len(each.lines))

    def _cut_off(self, window: bytes, records: Records) -> NDArray[np.bool_]:
        """Those of the records that are only the first line of a cell that goes on."""
        quote = self._spelling.marks.quote
        if quote is None or quote not in window:
            return np.zeros(len(records.start), np.bool_)
        before = np.append(0, np.cumsum(np.frombuffer(window, np.uint8) == quote))
        odd: NDArray[np.bool_] = (before[records.stop] - before[records.start]) % 2 == 1
        return odd

    def _behind_torn(self, short: NDArray[np.bool_], torn: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which short records stand directly behind a torn one: they may be lines of the text in its cell."""
        last = np.maximum.accumulate(np.where(short, -1, np.arange(len(short))))
        behind = np.where(last < 0, self._torn, torn[last])
        if len(behind):
            self._torn = bool(behind[-1])
        return behind

    def _empty_at_the_end(
        self, window: bytes, records: Records, at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Those of the records whose surplus cells are the last ones, with nothing in them."""
        data = np.frombuffer(window, np.uint8)
        surplus = records.cells[at] - self._header.width
        at, surplus = at[surplus <= _SURPLUS_MAX], surplus[surplus <= _SURPLUS_MAX]
        end = records.stop[at] - 1
        end -= ((data[end] == ord("\n")) & (data[np.maximum(end - 1, 0)] == ord("\r"))).astype(
            np.int64
        )
        fits = np.ones(len(at), np.bool_)
        for nth in range(1, int(surplus.max(initial=0)) + 1):
            fits &= (surplus < nth) | (data[end - nth] == self._spelling.marks.delimiter)
        return at[fits]

    def _joined(self, window: bytes, records: Records) -> tuple[bytes, Records, list[Repaired]]:
        """Join surplus cells where the file's own way of writing says which are one.

        In a text a delimiter has a blank behind it, between cells it has none. So there must be as
        many with a blank behind them as are too many, all of them in one of the named columns; and
        the cells that come of it must have the declared types and patterns.
        """
        changed = np.frombuffer(window, np.uint8).copy()
        chosen: dict[int, int] = {}
        places: dict[int, list[int]] = {}
        many = (records.fault == Fault.CELLS) & (records.cells > self._header.width)
        for at in np.flatnonzero(many).tolist():
            found = self._within_one(changed, records, at)
            if found is not None:
                chosen[at], places[at] = found
                changed[places[at]] = JOINED
        if not chosen:
            return window, records, []
        which = np.fromiter(chosen, np.int64)
        cells = records.cells.copy()
        cells[which] = self._header.width
        joined = replace(records, cells=cells).where(which)
        columns = {str(place): place for place in range(self._header.width)}
        table = good_cells(
            changed.tobytes(), joined, self._spelling, self._header, columns, self._name
        )
        fits = self._fits(table)
        for each in which[~fits].tolist():
            changed[places[each]] = self._spelling.marks.delimiter
        fault = records.fault.copy()
        fault[which[fits]] = Fault.NONE
        cells[which[~fits]] = records.cells[which[~fits]]
        done = []
        for place in sorted({chosen[each] for each in which[fits].tolist()}):
            of = np.array([chosen[each] == place for each in which.tolist()]) & fits
            values = tuple(table.filter(pl.Series(of)).get_column(str(place)))
            done.append(
                Repaired(How.JOINED, records.line[which[of]], self._header.cells[place], values)
            )
        return changed.tobytes(), replace(records, fault=fault, cells=cells), done

    def _within_one(
        self, data: NDArray[np.uint8], records: Records, at: int
    ) -> tuple[int, list[int]] | None:
        """The column that has all surplus delimiters, and where they are."""
        start, stop = int(records.start[at]), int(records.stop[at])
        record = data[start:stop]
        quote = self._spelling.marks.quote
        if quote is not None and (record == quote).any():
            return None
        delimiters = np.flatnonzero(record[:-1] == self._spelling.marks.delimiter)
        surplus = int(records.cells[at]) - self._header.width
        prose = np.flatnonzero(record[delimiters + 1] == _BLANK)
        if len(prose) != surplus or int(prose[-1]) - int(prose[0]) + 1 != surplus:
            return None
        if int(prose[0]) not in self._join:
            return None
        return int(prose[0]), (start + delimiters[prose]).tolist()

    def _fits(self, table: pl.DataFrame) -> NDArray[np.bool_]:
        """Whether the cells of each row have the declared types and patterns."""
        checks = []
        for name, declared in self._source.columns.items():
            if name in self._header.cells:
                cell = self._cell(name)
                try:
                    made = convert_text(cell, COLUMN_KINDS[declared], self._source)
                except ConverterMistake:
                    continue  # the compiler has said so
                if made.reason is not None:
                    checks.append(cell.is_null() | made.reason.is_null())
        for name, pattern in self._repair.fits.items():
            if name in self._header.cells:
                checks.append(self._cell(name).fill_null("").str.contains(f"^(?:{pattern})$"))
        if not checks:
            return np.ones(table.height, np.bool_)
        return table.select(pl.all_horizontal(*checks)).to_series().to_numpy()

    def _cell(self, name: str) -> pl.Expr:
        cell = pl.col(str(self._header.cells.index(name)))
        # stripped in any case: with and without `trim` the same records must be found good
        cell = cell.str.strip_chars()
        return pl.when(~cell.is_in(self._source.nothing(name))).then(cell)
