"""Fixed-width text: where a line is cut into cells, and whether it has the length for it.

A line is cut by putting a byte that no UTF-8 text has between the characters where a column begins or
ends. So from there on it is delimited text (`spelling`), with one cell for each column and one without
a name for what lies between two of them; taking these bytes out again gives the text of the file.

Characters are counted, never bytes, and after decoding: in a window of ASCII alone they are the same. A
character is a code point; a byte that cannot be decoded counts as one.

Which lengths a line may have:

* exactly `length`, without it as many characters as the columns have: where one is lost or has come in, all
  cells behind it are wrong ones, and the length of the line is the only thing that tells;
* any more, where the last column goes on to the end of the line and no `length` is declared;
* with `short_lines: trimmed` also fewer, if the line does not end with a blank: whoever cuts off blanks
  cuts off all of them, so a short line with a blank at its end has lost something else. Nor may it be the
  last of the file and have no end: then the file may be cut off there.

All other lines are findings (R112). A cell that only seems to be in its column would be worse.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.mapping.plan import Position, Source
from pipeline.read.records import Fault, Records, find_lines

CUT = 0xFF
LF_WITHIN, CR_WITHIN = 0xFE, 0xFD  # line breaks in records that end without one
_BLANK, _LF, _CR = 0x20, 0x0A, 0x0D
MARK_OF_END = b"\x1a"  # Ctrl-Z, behind the last line
_AFTER_LAST = b"\r\n" + MARK_OF_END  # what may stand behind the last record where none has an end

# A text that begins here begins with a line.
_MARK_OF_END = re.compile(rb"(?:\A|(?<=[\r\n]))\x1a+\Z")

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """The cells of a line: `borders` are the characters before each but the first, `names` what they are called.

    What no column has, between two of them or behind the last, is a cell with the name "". `least` and `most` are
    how many characters a line has, `most` None where it may have any number; with `declared` the source
    says so itself. With `endless`, records of `most` characters stand behind each other.
    """

    borders: tuple[int, ...]
    names: tuple[str, ...]
    least: int
    most: int | None
    declared: bool
    trimmed: bool
    endless: bool

    @staticmethod
    def of(source: Source) -> "Layout | None":
        """The layout of a source; None for delimited text."""
        if source.format != "fixed":
            return None
        called = {each.first - 1: each.name for each in source.positions}
        ends = [each.first - 1 if each.last is None else each.last for each in source.positions]
        # records of several types are cut by their own positions (`typed`)
        open_end = source.records is not None or any(each.last is None for each in source.positions)
        least = source.length or max(ends, default=0)
        most = None if open_end and source.length is None else least
        starts = sorted({0, *called, *ends, *([] if most is None else [most])})
        return Layout(
            borders=tuple(starts[1:]), names=tuple(called.get(at, "") for at in starts if at != most),
            least=least, most=most, declared=source.length is not None, trimmed=source.trimmed,
            endless=source.record_end == "",
        )  # fmt: skip

    # -- the text of a window -------------------------------------------------------------------

    def cut(self, text: bytes) -> bytes:
        """Cut lines (whole ones, or records without ends) into cells; the inverse only leaves bytes out."""
        if self.endless:
            text = text.replace(b"\n", bytes((LF_WITHIN,))).replace(b"\r", bytes((CR_WITHIN,)))
            return self._records_cut(text)
        data = np.frombuffer(text, np.uint8)
        lines = find_lines(text, data)
        if text.isascii():
            places = _where(lines.start, lines.size, self.borders)
        else:
            begins = _begins(data)
            inner = np.flatnonzero(~begins)  # mostly few, so looked up sooner than the others
            first, stop = lines.start, lines.start + lines.size
            first = first - np.searchsorted(inner, first)
            size = stop - np.searchsorted(inner, stop) - first
            places = np.flatnonzero(begins)[_where(first, size, self.borders)]
        return _with(data, places, np.broadcast_to(np.uint8(CUT), places.shape))

    def _records_cut(self, text: bytes) -> bytes:
        data = np.frombuffer(text, np.uint8)
        size = self.least
        first = None if text.isascii() else np.append(np.flatnonzero(_begins(data)), len(data))
        count = (len(data) if first is None else len(first) - 1) // size
        within = [at for at in self.borders if at < size]
        ends = np.arange(count, dtype=np.int64)[:, None] * size
        places = (ends + np.array([*within, size])).ravel()
        marks = np.tile(np.array([*[CUT] * len(within), _LF], np.uint8), count)
        return _with(data, places if first is None else first[places], marks)

    def complete(self, text: bytes) -> int:
        """Of records without ends, give the size of the leading part that is made of whole ones."""
        if text.isascii():
            return len(text) // self.least * self.least
        first = np.append(np.flatnonzero(_begins(np.frombuffer(text, np.uint8))), len(text))
        return int(first[(len(first) - 1) // self.least * self.least])

    def without_mark_of_end(self, text: bytes) -> bytes:
        """The end of a file without Ctrl-Z where that is a line: so DOS ended its files."""
        return _MARK_OF_END.sub(b"", text)

    def left(self, rest: bytes) -> int:
        """How many characters of a record stand behind the last one, a line end or Ctrl-Z not counted."""
        return len(rest.strip(_AFTER_LAST).decode("utf-8", "surrogatepass"))

    def prefix(self, text: str) -> bytes:
        """The beginning of a line, cut."""
        at = [0, *(border for border in self.borders if border < len(text)), len(text)]
        pieces = (text[a:b].encode() for a, b in pairwise(at))
        return bytes((CUT,)).join(pieces)

    # -- records --------------------------------------------------------------------------------

    def judged(
        self, window: bytes, records: Records, *, unended: bool = False
    ) -> NDArray[np.uint8]:
        """The faults of records, with those of their length; `unended`: the last one has no end in the file."""
        count, last = self._lengths(window, records)
        wrong = count < self.least
        if self.trimmed:
            blank = last == _BLANK
            if unended and len(blank):
                blank[-1] |= int(records.stop[-1]) == len(window)
            wrong &= blank
        if self.most is not None:
            wrong |= count > self.most
        return np.where(wrong, np.uint8(Fault.LENGTH), records.fault)

    def whole(self, window: bytes, records: Records) -> Bools:
        """Which records are certainly whole lines: never those that may be of any length."""
        if self.most is None:
            return np.zeros(len(records.line), np.bool_)
        count, _ = self._lengths(window, records)
        whole: Bools = (count >= self.least) & (records.fault == Fault.NONE)
        return whole

    def blank(self, text: bytes, start: Ints, size: Ints) -> Bools:
        """Which lines have nothing but blanks in them."""
        data = np.frombuffer(text, np.uint8)
        found = size > 0
        found[found] = data[start[found]] == _BLANK
        if found.any():
            table = np.ones(256, np.uint8)
            table[[_BLANK, CUT, _LF, _CR]] = 0
            found &= np.add.reduceat(table[data], start, dtype=np.uint32) == 0
        return found

    def cells(self, values: Sequence[str]) -> list[str]:
        """Of the cells of a line those that are columns, also of a line that is too short for some."""
        return [
            values[at] if at < len(values) else "" for at, name in enumerate(self.names) if name
        ]

    def _lengths(self, window: bytes, records: Records) -> tuple[Ints, Bytes]:
        """The number of characters of each record, and the last byte of it."""
        if not len(records.line):
            return np.zeros(0, np.int64), np.zeros(0, np.uint8)
        data = np.frombuffer(window, np.uint8)
        stop = records.stop.copy()
        stop -= data[stop - 1] == _LF
        if not self.endless:
            stop -= (stop > records.start) & (data[np.maximum(stop - 1, 0)] == _CR)
        count = stop - records.start - (records.cells - 1)
        if not window.isascii():
            inner = np.flatnonzero(~_begins(data))
            count -= np.searchsorted(inner, stop) - np.searchsorted(inner, records.start)
        return count, data[np.maximum(stop - 1, 0)]


def cells_of(line: str, positions: Sequence[Position]) -> tuple[str, ...]:
    """Cut one line.

    >>> cells_of("T0002  44.50", (Position("rows", 2, 5), Position("Amount", 6, None)))
    ('0002', '  44.50')
    """
    return tuple(line[each.first - 1 : each.last] for each in positions)


def _begins(data: Bytes) -> Bools:
    """Which bytes begin a character, the ones of ours included."""
    begins: Bools = (data & 0xC0) != 0x80  # RFC 3629: all others are 10xxxxxx
    return begins


def _where(begin: Ints, size: Ints, borders: Sequence[int]) -> Ints:
    """Where the borders of each line are, of those that it reaches beyond."""
    at = np.array(borders, np.int64)
    return (begin[:, None] + at)[size[:, None] > at]


def _with(data: Bytes, places: Ints, marks: Bytes) -> bytes:
    """Put bytes before places, which are in order."""
    made = np.empty(len(data) + len(places), np.uint8)
    new = places + np.arange(len(places))
    old = np.ones(len(made), np.bool_)
    old[new] = False
    made[new] = marks
    made[old] = data
    return made.tobytes()
