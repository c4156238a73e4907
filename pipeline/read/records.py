r"""Where the records of delimited text begin and end, found over whole windows at once.

The rules are RFC 4180's, read strictly: a quote opens a cell only at its start, a quote inside is
doubled, and after a closing quote stands a delimiter or a line end. A line end is \n, \r\n or a
single \r. A line with nothing in it is no record.

Lines that are none of the export's rows (comments, footers, a header that stands there again, rows of
nothing but delimiters) are told apart where a record may begin, and nowhere else.

A record whose quotes or whose number of cells are wrong cannot be trusted to end where its quotes
say. It ends at the first line end after its start, and the next line is a new beginning; so a
stray quote spoils its own record and never swallows the rows after it.

How it is done without walking through the text: each line is judged twice, as if it began outside
and as if it began inside a quoted cell. A line with an even number of quotes leaves that state as
it was; only lines with an odd number open or close a record of several lines, and only these are
walked through, one after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

# Longer records are no records but a sign of a wrong delimiter or of a quote that is never closed.
RECORD_MAX = 64 << 20
LINES_MAX = 1 << 20  # of a record: each takes memory of its own, however short it is

_LF, _CR = 10, 13


# Delimiters inside of a quoted cell that would make a whole row of each of its lines: from six on,
# that is no coincidence any more, but rows that two stray quotes have swallowed.
_SWALLOWED = 6
# With fewer columns any line of text may look like a row.
_TELLING_WIDTH = 3


class Fault(IntEnum):
    """What is wrong with a record.

    This module finds CELLS, QUOTE, OPEN and SWALLOWED, `layout` LENGTH, `typed` TYPE, ORPHAN and BELOW,
    and `windows` the others.
    """

    NONE = 0
    CELLS = 1
    BYTE = 2
    QUOTE = 3
    OPEN = 4
    NUL = 5
    BREAK = 6
    SWALLOWED = 7
    UNCLEAR = 8
    LENGTH = 9
    TYPE = 10
    ORPHAN = 11
    BELOW = 12

    @property
    def code(self) -> str:
        """The code of its finding."""
        return _CODES.get(self.value, f"R10{self.value}")


_CODES = {
    Fault.LENGTH.value: "R112", Fault.TYPE.value: "R114", Fault.ORPHAN.value: "R115",
    Fault.BELOW.value: "R116",
}  # fmt: skip


class Kind(IntEnum):
    """What a line is that is left out."""

    NONE = 0
    COMMENT = 1
    FOOTER = 2
    HEADER = 3
    EMPTY = 4  # nothing but delimiters, or blanks where the width is fixed
    IGNORED = 5  # a record of a type that is ignored (`typed`)


@dataclass(frozen=True, slots=True)
class Marks:
    """The bytes with a meaning; `quote` is None where nothing is quoted.

    `ends` are the bytes that end a line; where a line feed is the only one, a carriage return
    before it or in its place does, too.
    """

    delimiter: int
    quote: int | None
    ends: tuple[int, ...] = (10,)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines that are no records, as arrays of the same length; `kind` is a `Kind`."""

    line: Ints
    start: Ints
    stop: Ints
    kind: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a window, as arrays of the same length, in file order.

    `line` is the index of the physical line in the window where a record starts, `next_line` that
    of the line after it; `start` and `stop` are its bytes with its line end, `cells` the number of
    cells found, `fault` a `Fault`.
    `lines` and `size` tell how much of the window is decided; the rest begins with a record that
    is still open: it waits for more text. `too_long` is the line of the first record that is
    longer than it may be, or that took more text than that to be judged; -1 without one.
    """

    line: Ints
    next_line: Ints
    start: Ints
    stop: Ints
    cells: Ints
    fault: NDArray[np.uint8]
    lines: int
    size: int
    too_long: int
    left_out: LeftOut

    def part(self, begin: int, end: int) -> "Records":
        """Give some of the records, by their index."""
        return self._some(slice(begin, end))

    def where(self, chosen: Bools | Ints) -> "Records":
        """Give those of the records that a mask or indices choose."""
        return self._some(chosen)

    def _some(self, some: slice | Bools | Ints) -> "Records":
        return replace(
            self,
            line=self.line[some],
            next_line=self.next_line[some],
            start=self.start[some],
            stop=self.stop[some],
            cells=self.cells[some],
            fault=self.fault[some],
        )


@dataclass(frozen=True, slots=True)
class Lines:
    """Physical lines, as arrays: first byte, first byte of the next line, and bytes without the line end."""

    start: Ints
    stop: Ints
    size: Ints


@dataclass(frozen=True, slots=True)
class _Judged:
    """What each line is, seen from outside and from inside a quoted cell."""

    odd: Bools
    delimiters: Ints  # whatever they do
    cells_outside: Ints  # delimiters that separate cells
    cells_inside: Ints
    bad_outside: Bools  # a quote stands where none may be
    bad_inside: Bools


def complete(text: bytes, *, ended: bool) -> int:
    r"""Give the size of the leading part of `text` that ends with a line end for certain.

    A \r at the very end does not count, unless the file has ended: a \n may follow it.

    >>> complete(b"a\nb", ended=False), complete(b"a\rb\r", ended=False), complete(b"ab\r", ended=True)
    (2, 2, 3)
    """
    limit = len(text) - 1 if text.endswith(b"\r") and not ended else len(text)
    after_lf = text.rfind(b"\n", 0, limit) + 1
    return max(after_lf, text.rfind(b"\r", after_lf, limit) + 1)


def find_records(
    text: bytes,
    marks: Marks,
    *,
    width: int | None,
    longest: int = RECORD_MAX,
    kinds: Callable[[bytes, Ints, Ints], NDArray[np.uint8]] | None = None,
    final: bool = False,
) -> Records:
    r"""Find the records of `text`, which ends with a line end (or is empty).

    `width` is the number of cells each record must have; None accepts any. `longest` is the
    number of bytes that a record may have. `kinds` gives a `Kind` for each line (start and size)
    that is none if it does not stand inside of a quoted cell. `final` tells that no more text may
    be waited for: a quote that is not closed then spoils its own record only, if what follows is
    plainly made of rows.

    >>> found = find_records(b'a,b\n\n"c\n",d\ne\n', Marks(ord(","), ord('"')), width=2)
    >>> found.line.tolist(), found.cells.tolist(), found.fault.tolist()
    ([0, 2, 4], [2, 2, 1], [0, 0, 1])
    """
    data = np.frombuffer(text, np.uint8)
    lines = find_lines(text, data, marks.ends)
    count = len(lines.start)
    ends = np.arange(1, count + 1)  # index of the line after the record that starts here
    fault = np.zeros(count, np.uint8)
    starts = lines.size > 0
    decided = count
    reach = lines.stop - lines.start
    kind = np.zeros(count, np.uint8)
    if kinds is not None:
        kind = kinds(text, lines.start, lines.size)
    if marks.quote is None or marks.quote not in text:
        delimiters = _count_per_line(data == marks.delimiter, lines)
        cells = delimiters + 1
    else:
        judged = _judge(data, lines, marks)
        delimiters = judged.delimiters
        cells = judged.cells_outside + 1
        fault[judged.bad_outside] = Fault.QUOTE
        if judged.odd.any():
            walk = _Walk(judged, lines, width, kind > 0, longest, starts, ends, cells, fault, reach)
            decided = _join_lines(walk, final=final)
    kind[(delimiters == lines.size) & (kind == Kind.NONE)] = Kind.EMPTY
    if width is not None:
        fault[(cells != width) & (fault == Fault.NONE)] = Fault.CELLS
    begin = starts[:decided]
    at = np.flatnonzero(begin & (kind[:decided] == Kind.NONE))
    too_long = at[(reach[at] > longest) | (ends[at] - at > LINES_MAX)]
    out = np.flatnonzero(begin & (kind[:decided] != Kind.NONE))
    return Records(
        line=at,
        next_line=ends[at],
        start=lines.start[at],
        stop=lines.stop[ends[at] - 1],
        cells=cells[at],
        fault=fault[at],
        lines=decided,
        size=int(lines.stop[decided - 1]) if decided else 0,
        too_long=int(too_long[0]) if len(too_long) else -1,
        left_out=LeftOut(out, lines.start[out], lines.stop[out], kind[out]),
    )


def find_lines(text: bytes, data: Bytes, ends: tuple[int, ...] = (_LF,)) -> Lines:
    """Find the physical lines of text; what stands behind the last end is in none."""
    if b"\r" not in text or len(ends) > 1:
        is_end = data == ends[0]
        for end in ends[1:]:
            is_end |= data == end
        stop = np.flatnonzero(is_end) + 1
        width_of_end = np.ones(len(stop), np.int64)
    else:
        is_end = data == _LF
        crs = np.flatnonzero(data == _CR)
        followed = data[np.minimum(crs + 1, len(data) - 1)] == _LF
        is_end[crs[~followed]] = True
        stop = np.flatnonzero(is_end) + 1
        crlf = (data[stop - 1] == _LF) & (stop > 1) & (data[np.maximum(stop - 2, 0)] == _CR)
        width_of_end = 1 + crlf.astype(np.int64)
    start = np.zeros(len(stop), np.int64)
    start[1:] = stop[:-1]
    return Lines(start, stop, stop - start - width_of_end)


def _count_per_line(what: Bools, lines: Lines) -> Ints:
    if not len(lines.start):
        return np.zeros(0, np.int64)
    # Narrow sums are several times faster; no line holds more delimiters than it has bytes.
    narrow = (lines.stop - lines.start).max() <= np.iinfo(np.uint16).max
    count = np.add.reduceat(what, lines.start, dtype=np.uint16 if narrow else np.uint32)
    return count.astype(np.int64)


def _judge(data: Bytes, lines: Lines, marks: Marks) -> _Judged:
    """Judge each line from outside and from inside, whatever the state it is really read in.

    First every quote of the window is numbered: even ones open, odd ones close. Where a line
    begins with an odd number of quotes before it, that view is the one from inside, else the one
    from outside; the other view is the same with opening and closing exchanged.
    """
    at = np.flatnonzero((data == marks.delimiter) | (data == marks.quote))
    is_quote = data[at] == marks.quote
    quotes_before = np.zeros(len(at) + 1, np.int32)
    np.cumsum(is_quote, out=quotes_before[1:])
    opens = (quotes_before[:-1] & 1) == 0
    first = np.searchsorted(at, lines.start)
    bounds = np.append(first, len(at))
    swapped = (quotes_before[first] & 1) == 1

    quotes = np.diff(quotes_before[bounds]).astype(np.int64)
    delimiters = np.diff(bounds) - quotes
    separating = _sum_between(~is_quote & opens, bounds)
    outside = np.where(swapped, delimiters - separating, separating)

    before, after = _beside(data, at[is_quote], marks)
    opens = opens[is_quote]
    quote_bounds = quotes_before[bounds]
    bad = _sum_between(~np.where(opens, before, after), quote_bounds) > 0
    bad_swapped = _sum_between(~np.where(opens, after, before), quote_bounds) > 0
    return _Judged(
        odd=(quotes & 1) == 1,
        delimiters=delimiters,
        cells_outside=outside,
        cells_inside=delimiters - outside,
        bad_outside=np.where(swapped, bad_swapped, bad),
        bad_inside=np.where(swapped, bad, bad_swapped),
    )


def _beside(data: Bytes, at: Ints, marks: Marks) -> tuple[Bools, Bools]:
    """Tell of each quote whether it may open a cell by what is before it, and close by what is after.

    The text ends with a line end: so each quote has a byte after it, and the one at 0, whose byte
    before is taken from the end, stands after a line end as it should. A quote beside a quote is a
    doubled one, and fits: which of the two is first follows from their numbers.
    """
    fits = np.zeros(256, np.bool_)
    fits[[marks.delimiter, marks.quote or 0, _CR, *marks.ends]] = True
    return fits[data[at - 1]], fits[data[at + 1]]


def _sum_between(what: Bools, bounds: NDArray[np.integer]) -> Ints:
    total = np.zeros(len(what) + 1, np.int32)
    np.cumsum(what, out=total[1:])
    sums: Ints = np.diff(total[bounds].astype(np.int64))
    return sums


@dataclass(frozen=True, slots=True)
class _Walk:
    """What is known of each line where records are joined, and what that writes: the last five, in place."""

    judged: _Judged
    lines: Lines
    width: int | None
    no_row: Bools
    longest: int
    starts: Bools
    ends: Ints
    cells: Ints
    fault: NDArray[np.uint8]
    reach: Ints


@dataclass(frozen=True, slots=True)
class _Openers:
    """Lines with an odd number of quotes, each as if it opened a record: arrays of the same length.

    The next of them closes it (`close`), unless a quote stands where none may be (`spoil`, the first
    such line); both are the number of lines where there is none. `simple` are those of whose record
    nothing more needs to be known.
    """

    line: Ints
    close: Ints
    spoil: Ints
    cells: Ints
    opens: Bools
    reach: Ints
    swallowed: Bools
    simple: Bools


def _find_openers(walk: _Walk) -> _Openers:
    judged, lines, count = walk.judged, walk.lines, len(walk.starts)
    line = np.flatnonzero(judged.odd)
    close = np.append(line[1:], count)
    bad = np.append(np.flatnonzero(judged.bad_inside), count)
    spoil = bad[np.searchsorted(bad, line, side="right")]
    inner = np.append(0, np.cumsum(judged.cells_inside))
    cells = walk.cells[line] + inner[np.minimum(close + 1, count)] - inner[line + 1]
    opens = ~judged.bad_outside[line] & ~walk.no_row[line]
    judged_at = np.minimum(np.minimum(close, spoil), count - 1)
    reach = lines.stop[judged_at] - lines.start[line]
    swallowed = _have_swallowed(walk, line, close)
    simple = opens & (close < np.minimum(spoil, count)) & (reach <= walk.longest) & ~swallowed
    if walk.width is not None:
        simple &= cells == walk.width
    return _Openers(line, close, spoil, cells, opens, reach, swallowed, simple)


def _join_lines(walk: _Walk, *, final: bool) -> int:
    """Join the lines of records that run over several, in place; give how many lines are decided.

    A line with an odd number of quotes opens a cell. The next odd line closes it, if every quote
    up to there fits; otherwise the line is a faulty record by itself and the next odd line gets
    its own chance to open one.
    """
    found = _find_openers(walk)
    walk.reach[found.line[found.opens]] = found.reach[found.opens]
    joins: list[range] = []
    others: dict[Fault, list[int]] = {Fault.CELLS: [], Fault.QUOTE: [], Fault.OPEN: []}
    swallowed: list[int] = []
    decided = len(walk.starts)
    index, end_of_run = 0, _ends_of_runs(found.simple)
    while index < len(found.line):
        at, index = index, end_of_run.item(index)
        if index > at:
            joins.append(range(at, index, 2))
            continue
        index = at + 1
        if not found.opens.item(at):
            continue
        fault = _fault_at(walk, found, at, final=final)
        if fault is None:
            decided = found.line.item(at)
            break
        if fault == Fault.NONE:
            joins.append(range(at, index))
            index += 1
        elif fault == Fault.SWALLOWED:
            swallowed.append(at)
            index += 1
        else:
            others[fault].append(at)
    for fault, spoilt in others.items():
        walk.fault[found.line[spoilt]] = fault
    walk.cells[found.line[others[Fault.CELLS]]] = found.cells[others[Fault.CELLS]]
    walk.reach[found.line[others[Fault.OPEN]]] = 0  # nothing beyond its line is of it
    for at in swallowed:
        walk.fault[found.line[at] : found.close[at] + 1] = Fault.SWALLOWED
        walk.reach[found.line[at]] = 0
    _join(walk, found, joins)
    return decided


def _fault_at(walk: _Walk, found: _Openers, at: int, *, final: bool) -> Fault | None:
    """What is wrong with the record that a line opens; None where that has to wait for more text."""
    line, close, spoil = found.line.item(at), found.close.item(at), found.spoil.item(at)
    never = close == len(walk.starts) == spoil
    if never and not final:
        return None
    if (never or found.reach.item(at) > walk.longest) and _rows_follow(walk, line):
        return Fault.OPEN
    if never:
        return None
    if spoil <= close:
        return Fault.QUOTE
    if walk.width is not None and found.cells.item(at) != walk.width:
        return Fault.CELLS
    return Fault.SWALLOWED if found.swallowed.item(at) else Fault.NONE


def _join(walk: _Walk, found: _Openers, joins: list[range]) -> None:
    """Make one record of each of the openers and of all its lines."""
    runs = [np.arange(run.start, run.stop, run.step) for run in joins]
    at = np.concatenate([np.zeros(0, np.int64), *runs])
    line, close = found.line[at], found.close[at]
    walk.cells[line] = found.cells[at]
    walk.ends[line] = close + 1
    depth = np.zeros(len(walk.starts) + 1, np.int8)  # 1 within a record, after its first line
    depth[line + 1] += 1
    depth[close + 1] -= 1
    walk.starts[:] &= np.cumsum(depth[:-1]) == 0


def _ends_of_runs(simple: Bools) -> Ints:
    """Give of each line where a run of simple records that begins with it ends: every second line.

    One line opens and the next closes; so records of several lines one after the other are taken at
    once. Where a line opens no simple record, its run ends with itself.
    """
    ends = np.arange(len(simple))
    for first in (0, 1):
        others = np.append(np.flatnonzero(~simple[first::2]), len(simple[first::2]))
        runs = ends[first::2]
        runs[:] = first + 2 * others[np.searchsorted(others, np.arange(len(runs)))]
    return ends


def _rows_follow(walk: _Walk, line: int) -> bool:
    """Tell whether most of what follows a quote that is not closed are whole rows.

    Otherwise the file is cut off inside of the quoted cell, and all that follows is the cell's.
    """
    if walk.width is None or walk.width < _TELLING_WIDTH:
        return False
    end = int(np.searchsorted(walk.lines.stop, walk.lines.start[line] + walk.longest, "right"))
    behind = slice(line + 1, end)
    whole = ~walk.judged.bad_outside[behind] & ~walk.judged.odd[behind]
    whole &= walk.judged.cells_outside[behind] == walk.width - 1
    there = int(np.count_nonzero((walk.lines.size[behind] > 0) & ~walk.no_row[behind]))
    return 2 * int(np.count_nonzero(whole)) > there


def _have_swallowed(walk: _Walk, line: Ints, close: Ints) -> Bools:
    """Tell of each record whether its lines have as many delimiters as a whole row, each by itself.

    Then two stray quotes have made one record of rows that nobody would miss. Some of these rows may
    be faulty themselves; of narrow tables, where any line of a text may look like a row, none.
    """
    if walk.width is None:
        return np.zeros(len(line), np.bool_)
    last = np.minimum(close, len(walk.starts) - 1)
    whole_before = np.append(0, np.cumsum(walk.judged.delimiters == walk.width - 1))
    there_before = np.append(0, np.cumsum(walk.lines.size > 0))
    whole = whole_before[last + 1] - whole_before[line]
    there = there_before[last + 1] - there_before[line]
    most = whole == there if walk.width < _TELLING_WIDTH else 2 * whole > there
    swallowed: Bools = most & ((whole - 1) * (walk.width - 1) >= _SWALLOWED)
    return swallowed
