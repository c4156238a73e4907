"""A file to pieces of whole messages, each with one set of separators.

The file is read in windows. A piece ends behind the last trailer (SE, GE, IEA, UNT, UNE, UNZ) of
its window, so that memory depends on the window and on the largest message, not on the file.
Nothing that is said may depend on where a window happens to end.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Delimiters, Problem
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read.decoding import KEEP_BYTES, MARK
from pipeline.read.edi.problems import Limit
from pipeline.read.edi.segments import Bools, Ints, Segments, Split, split, whole, without
from pipeline.read.edi.separators import (
    BEGIN_SIZE,
    BLANK_BYTES,
    BOM,
    HEADER_MAX,
    Begin,
    may_begin,
    oddities,
    read_begin,
)

WINDOW = 4 << 20
MESSAGE_MAX = 64 << 20  # bytes; a message is held in memory whole
SEPARATORS_MAX = 8 << 20  # in one message: some dozen bytes are held for each
HEADERS_MAX = 10_000  # headers of one file that are not readable or change the separators

TRAILERS = {
    Syntax.X12: np.array([TAG_IDS[tag] for tag in ("SE", "GE", "IEA")], np.uint8),
    Syntax.EDIFACT: np.array([TAG_IDS[tag] for tag in ("UNT", "UNE", "UNZ")], np.uint8),
}
_HEADER = {Syntax.X12: TAG_IDS["ISA"], Syntax.EDIFACT: TAG_IDS["UNB"]}
_INTERCHANGE_END = {Syntax.X12: TAG_IDS["IEA"], Syntax.EDIFACT: TAG_IDS["UNZ"]}
_WORDS = (b"ISA", b"UNA", b"UNB")
_WORD = 3  # bytes of a word
_SHOWN = 80
_MARKED = re.compile(MARK.pattern + rb"[\x80-\xbf]")
_UNA_STOP = 8  # where the terminator of UNA stands in it


@dataclass(frozen=True, slots=True)
class Piece:
    """Some segments and the problems seen while finding them.

    `undecodable` are indices of segments with bytes that their character set does not have;
    `charset` is what they were read as.
    """

    segments: Segments
    problems: tuple[Problem, ...]
    undecodable: Ints
    charset: str


@dataclass(slots=True)
class _Words:
    """Where the next words stand that may begin an interchange; only ever asked onwards."""

    clear: int = 0
    places: deque[int] = field(default_factory=deque)

    def next(self, buffer: bytes, at: int, stop: int, base: int) -> int:
        """The first of them from `at` on that begins before `stop`, or -1.

        `base` is the buffer's place in the file. What was searched is not searched again.
        """
        end = base + len(buffer) - _WORD + 1
        if end > self.clear:
            low = max(self.clear - base, at)
            self.places += [base + place for place in places_of(buffer, _WORDS, low)]
            self.clear = end
        while self.places and self.places[0] < base + stop:
            place = self.places[0] - base
            if place >= at and may_begin(buffer, place):
                return place
            self.places.popleft()  # each is looked at once, however many a file has
        return -1


def places_of(text: bytes, words: Iterable[bytes], low: int) -> list[int]:
    """Where words of three bytes stand in a text from position `low` on, in order.

    Two bytes are compared at once, all of a text with each alignment: several times as fast as
    `find`, and this is done for every byte of a file.

    >>> places_of(b"UNB+x'UNA:ISA", (b"ISA", b"UNA"), 1)
    [6, 10]
    """
    octets = np.frombuffer(text, np.uint8)
    found = []
    for shift in (0, 1):
        size = (len(text) - low - shift) // 2
        if size <= 0:
            continue
        both = np.frombuffer(text, np.uint16, size, low + shift)
        for pair in sorted({word[:2] for word in words}):
            at = np.flatnonzero(both == np.frombuffer(pair, np.uint16)[0])
            at = at * 2 + (low + shift)
            at = at[at + 2 < len(text)]
            thirds = [word[2] for word in words if word[:2] == pair]
            found += at[np.isin(octets[at + 2], thirds)].tolist()
    return sorted(found)


@dataclass(slots=True)
class _Junk:
    """Bytes outside of interchanges, put together over windows: one word for one stretch."""

    first: int = -1
    last: int = 0
    line: int = 0
    text: bytes = b""

    def add(self, buffer: bytes, begin: int, end: int, base: int, line: int) -> None:
        if self.first >= 0:
            self.text += buffer[begin : min(end, begin + _SHOWN)]
        else:
            kept = buffer[begin:end].lstrip(BLANK_BYTES)
            if not kept:
                return
            self.first = base + end - len(kept)
            self.line = line + buffer.count(b"\n", begin, end - len(kept))
            self.text = kept[:_SHOWN]
        kept = buffer[begin:end].rstrip(BLANK_BYTES)
        if kept:
            self.last = base + begin + len(kept)
        self.text = self.text[:_SHOWN]


@dataclass(slots=True)
class Pieces:
    """The pieces of an open file, in order; `encoding` "" means: as the file itself declares.

    `line` and `ordinal` are the physical line of the next byte and the number of segments before.
    """

    file: BinaryIO
    encoding: str = ""
    window: int = WINDOW
    message_max: int = MESSAGE_MAX
    line: int = 1
    ordinal: int = 0
    found: bool = False
    problems: list[Problem] = field(default_factory=list)
    _buffer: bytes = b""
    _at: int = 0
    _base: int = 0
    _ended: bool = False
    _headers: int = 0
    _silent: bool = False  # behind a refusal, what follows is not looked at
    _ended_well: bool = False  # the last segment closed an interchange
    _words: _Words = field(default_factory=_Words)
    _junk: _Junk = field(default_factory=_Junk)
    _limit: Limit = field(default_factory=Limit)
    _blanks: Problem | None = None
    _blanks_count: int = 0

    def __post_init__(self) -> None:
        self.window = max(self.window, 2 * BEGIN_SIZE)  # a smaller one would never move on

    def __iter__(self) -> Iterator[Piece]:
        self._fill(self.window)
        if self._buffer.startswith(BOM):
            self._say(Problem("E116", 1, 0))
            self._at = len(BOM)
        while True:
            begin = self._next_interchange()
            if begin is None:
                return
            if begin.delimiters is not None:
                yield from self._run(begin.delimiters)

    def rest(self) -> tuple[Problem, ...]:
        """The problems found since the last piece, and what is said at the end."""
        if self._blanks is not None:
            self.problems.append(self._blanks_said(self._blanks))
            self._blanks = None
        return (*self._said(), *self._limit.rest())

    # -- windows ----------------------------------------------------------------------------

    def _fill(self, size: int) -> None:
        """Have `size` bytes behind the present place, if the file has them."""
        lacking = self._at + size - len(self._buffer)
        if lacking <= 0 or self._ended:
            return
        read = [self._buffer[self._at :]]
        self._base += self._at
        self._at = 0
        lacking = max(lacking, self.window)
        while lacking > 0 and not self._ended:
            more = self.file.read(lacking)
            self._ended = not more
            lacking -= len(more)
            read.append(more)
        self._buffer = b"".join(read)

    def _known(self) -> int:
        """How far the buffer tells whether an interchange may begin."""
        return len(self._buffer) if self._ended else max(0, len(self._buffer) - BEGIN_SIZE + 1)

    def _go(self, to: int) -> None:
        self.line += self._buffer.count(b"\n", self._at, to)
        self._at = to

    def _said(self) -> tuple[Problem, ...]:
        said = tuple(self.problems)
        self.problems.clear()
        return said

    def _say(self, problem: Problem) -> None:
        if self._limit.admit(problem):
            self.problems.append(problem)

    # -- from one interchange to the next ---------------------------------------------------

    def _next_interchange(self) -> Begin | None:
        """Go to the next header that says its separators; None at the end of the file."""
        while True:
            self._fill(self.window)
            stop = self._known()
            at = self._words.next(self._buffer, self._at, stop, self._base)
            if at >= 0 or self._ended:
                break
            self._skip(max(self._at, stop))
        self._skip(at if at >= 0 else stop)
        self._say_junk()
        if at < 0:
            return None
        self._fill(HEADER_MAX)
        self.found = True
        self._headers += 1
        begin = read_begin(self._buffer, self._at)
        if self._headers > HEADERS_MAX:
            why = f"it is number {self._headers:,} with separators of its own; the rest is not read"
            self.problems.append(Problem("E102", self.line, self.ordinal, begin.shown, why))
            self._stop()
            return None
        self._silent = begin.delimiters is None
        if begin.delimiters is None:
            self._say(Problem("E102", self.line, self.ordinal, begin.shown, begin.why))
            self._go(self._at + _WORD)  # what follows is nobody's
        else:
            self._go(begin.body)
        return begin

    def _skip(self, to: int) -> None:
        if not self._silent:
            self._junk.add(self._buffer, self._at, to, self._base, self.line)
        self._go(to)

    def _say_junk(self) -> None:
        junk, self._junk = self._junk, _Junk()
        if junk.first >= 0:
            text = junk.text.strip(BLANK_BYTES).decode("utf-8", "replace")
            size = f"{junk.last - junk.first:,}"
            self._say(Problem("E111", junk.line, self.ordinal, text, size))

    # -- one interchange, or several with the same separators ---------------------------------

    def _run(self, delimiters: Delimiters) -> Iterator[Piece]:
        size = self.window
        self._ended_well = False
        heard = (
            self._base + self._at + 1
        )  # headers before this place of the file have these separators
        while True:
            self._fill(size)
            stop, final, heard = self._extent(delimiters, heard, self._at + size)
            raw = self._buffer[self._at : stop]
            if self._too_large(raw, delimiters):
                return
            if not final:
                raw = raw[: raw.rfind(delimiters.segment) + 1]
            text, charset, odd = _as_utf8(raw, self.encoding or delimiters.charset)
            found = split(text, delimiters)
            if final:
                text, found = self._closed(text, found, delimiters)
            else:
                found = whole(found, TRAILERS[delimiters.syntax])
            if final or len(found.start):
                yield self._piece(text, found, delimiters, charset, odd)
                self._go(stop if final else self._at + _raw_size(raw, text, found.used))
                size = self.window
            else:
                size = 2 * size + HEADER_MAX
            if final:
                return

    def _extent(self, delimiters: Delimiters, heard: int, limit: int) -> tuple[int, bool, int]:
        """How far the separators hold: up to a header with others, or the end of the file.

        Gives the place, whether the separators end there, and how far headers were looked at.
        """
        buffer = self._buffer
        stop = min(len(buffer), limit)
        known = min(self._known(), limit)
        next_at = max(heard - self._base, self._at)
        while (at := self._words.next(buffer, next_at, known, self._base)) >= 0:
            if at + HEADER_MAX > len(buffer) and not self._ended:
                return at, False, self._base + at
            begin = read_begin(buffer, at)
            if not self._terminated(delimiters, at):
                # a header glued to what stands before: only if nothing speaks against it
                if begin.delimiters is not None:
                    return at, True, self._base + at
                next_at = at + 1
            elif begin.delimiters == delimiters:
                next_at = begin.body + 1
            else:
                return at, True, self._base + at
        final = self._ended and stop == len(buffer)
        return stop, final, self._base + max(known, next_at)

    def _terminated(self, delimiters: Delimiters, at: int) -> bool:
        """Tell whether a segment terminator stands before a place, blanks apart."""
        before = self._buffer[max(self._at, at - 256) : at]
        if delimiters.segment in BLANK_BYTES:
            return not before or before[-1] in (delimiters.segment, 0x0A)
        before = before.rstrip(BLANK_BYTES)
        return not before or before[-1] == delimiters.segment

    def _closed(self, text: bytes, found: Split, delimiters: Delimiters) -> tuple[bytes, Split]:
        """Take what stands behind the last terminator for a segment, or for junk behind the end."""
        rest = text[found.used :]
        open_end = rest.strip(BLANK_BYTES)
        if not open_end:
            return text, found
        shown = open_end[:_SHOWN].decode("utf-8", "replace")
        line = self.line + text.count(b"\n", 0, found.used + len(rest) - len(rest.lstrip(BLANK_BYTES)))  # fmt: skip
        una = _service_strings(text, found, delimiters, open_end)
        kept = np.flatnonzero(_has_bytes(found) & ~una)
        count = len(kept)
        end = _INTERCHANGE_END[delimiters.syntax]
        ended = bool(found.tag[kept[-1]] == end) if count else self._ended_well
        if ended and not may_begin(open_end, 0):
            self._say(Problem("E111", line, self.ordinal + count, shown, f"{len(open_end):,}"))
            return text[: found.used], found
        self._say(Problem("E117", line, self.ordinal + count + 1, shown))
        text = text.rstrip(BLANK_BYTES)
        release = bytes([delimiters.release]) if delimiters.release >= 0 else b""
        if release and (len(text) - len(text.rstrip(release))) % 2:
            text += release  # a release character at the very end releases nothing
        text += bytes([delimiters.segment])
        return text, split(text, delimiters)

    def _too_large(self, raw: bytes, delimiters: Delimiters) -> bool:
        marks = (delimiters.segment, delimiters.element, delimiters.component)
        if len(raw) <= min(self.message_max, SEPARATORS_MAX) or len(raw) <= self.window:
            return False
        if len(raw) <= self.message_max and sum(map(raw.count, marks)) <= SEPARATORS_MAX:
            return False
        self._say(Problem("E119", self.line, self.ordinal, str(self.message_max >> 20)))
        self._stop()
        return True

    def _stop(self) -> None:
        """Read no further."""
        self._ended = self._silent = True
        self._buffer, self._at = b"", 0

    # -- one piece --------------------------------------------------------------------------

    def _piece(
        self, text: bytes, found: Split, delimiters: Delimiters, charset: str, odd: Ints
    ) -> Piece:
        keep = _has_bytes(found) & ~_service_strings(text, found, delimiters)
        before: Ints = np.cumsum(keep) - keep  # segments that count, before each
        newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == 0x0A)
        self._say_empty(found, before, newlines)
        self._hear_blanks(found, before, newlines, keep)
        if not keep.all():
            found = without(found, ~keep)
        segments = Segments(
            text, delimiters, found.start, found.mark, found.first, found.tag,
            self.ordinal + 1, self.line, found.escapes, found.part, found.part_first,
        )  # fmt: skip
        for at in np.flatnonzero(found.tag == _HEADER[delimiters.syntax]).tolist():
            start, stop = int(found.start[at]), int(segments.stop[at])
            line = self.line + int(np.searchsorted(newlines, start))
            for code, value, detail in oddities(text, start, stop, delimiters):
                self._say(Problem(code, line, self.ordinal + 1 + at, value, detail))
        self.ordinal += segments.count
        if segments.count:
            self._ended_well = bool(segments.tag[-1] == _INTERCHANGE_END[delimiters.syntax])
        odd = odd[odd < found.used]  # what lies behind is of the next piece, or junk
        undecodable = np.unique(np.searchsorted(found.start, odd, side="right") - 1)
        undecodable = undecodable[undecodable >= 0]
        if not self.encoding and charset.startswith("iso-8859") and not text.isascii():
            undecodable = np.union1d(undecodable, _utf8_in_disguise(segments, charset))
        return Piece(segments, self._said(), undecodable, charset)

    def _say_empty(self, found: Split, before: Ints, newlines: Ints) -> None:
        room = self._limit.room("E112")
        for number, position in enumerate(found.empty[: room + 1].tolist()):
            line = self.line + int(np.searchsorted(newlines, found.start[position]))
            problem = Problem("E112", line, self.ordinal + 1 + int(before[position]))
            if number < room:
                self._say(problem)
            else:
                self._limit.leave_out(problem, len(found.empty) - room)

    def _hear_blanks(self, found: Split, before: Ints, newlines: Ints, keep: Bools) -> None:
        """Count segments with blanks before them: one finding for the file, at the first."""
        blanks = found.blanks[keep[found.blanks]]
        if not len(blanks):
            return
        self._blanks_count += len(blanks)
        if self._blanks is None:
            first = int(blanks[0])
            line = self.line + int(np.searchsorted(newlines, found.start[first]))
            self._blanks = Problem("E113", line, self.ordinal + 1 + int(before[first]))

    def _blanks_said(self, first: Problem) -> Problem:
        return Problem(first.code, first.line, first.segment, f"{self._blanks_count:,}")


def _has_bytes(found: Split) -> Bools:
    keep = np.ones(len(found.start), np.bool_)
    keep[found.empty] = False
    return keep


def _service_strings(
    text: bytes, found: Split, delimiters: Delimiters, behind: bytes = b""
) -> Bools:
    """Which segments are UNA before a UNB with the same separators: they count as no segment.

    `behind` is what follows the last segment.
    """
    una = np.zeros(len(found.start), np.bool_)
    if delimiters.syntax is Syntax.X12 or not (found.tag == 0).any():
        return una
    size = found.ends - found.start
    last = TAG_IDS["UNB"] if behind.startswith(b"UNB") else 0
    follows = np.append(found.tag[1:], last)[: len(size)] == TAG_IDS["UNB"]
    for at in np.flatnonzero((found.tag == 0) & (size == _UNA_STOP) & follows).tolist():
        start = int(found.start[at])
        if may_begin(text, start):
            una[at] = read_begin(text, start).delimiters == delimiters
    return una


def _as_utf8(raw: bytes, charset: str) -> tuple[bytes, str, Ints]:
    """Text as UTF-8, what it was read as, and where bytes stood that it does not have.

    For each of those stands U+FFFD; it has three bytes in UTF-8, as the mark of `decoding` has.
    """
    none = np.empty(0, np.int64)
    charset = charset or "utf-8"
    if raw.isascii():
        return raw, charset, none
    text = raw.decode(charset, KEEP_BYTES).encode("utf-8", "surrogatepass")
    odd = [found.start() for found in MARK.finditer(text)] if b"\xed" in text else []
    if odd:
        text = _MARKED.sub(b"\xef\xbf\xbd", text)
    return text, charset, np.array(odd, np.int64)


def _utf8_in_disguise(segments: Segments, charset: str) -> Ints:
    """The segments of messages that declare a one-byte character set and are well-formed UTF-8.

    Read as declared, names would change without a word. A message is looked at as a whole, as two
    letters may look like UTF-8 by chance.
    """
    octets, stops = segments.octets, segments.stop
    high = np.flatnonzero(octets >= 0xC0)
    holder = np.searchsorted(segments.start, high, side="right") - 1
    high, holder = high[holder >= 0], holder[holder >= 0]
    trailer = np.isin(segments.tag, TRAILERS[segments.delimiters.syntax])
    stretch: Ints = (np.cumsum(trailer) - trailer)[holder]
    # in UTF-8 no byte beyond ASCII stands alone, in names they nearly always do: few are left
    after = np.minimum(high + 2 + (octets[high] >= 0xE0), len(octets) - 1)
    alone = (octets[np.maximum(high - 1, 0)] < 0x80) & (octets[after] < 0x80)
    clear = np.zeros(int(stretch.max(initial=0)) + 1, np.bool_)
    clear[stretch[alone]] = True
    holder, first = np.unique(holder[~clear[stretch]], return_index=True)
    stretch = stretch[~clear[stretch]][first]
    wrong = []
    for number in np.unique(stretch).tolist():
        mine = holder[stretch == number]
        text = b"\n".join(
            segments.data[begin:end]
            for begin, end in zip(segments.start[mine], stops[mine], strict=True)
        )
        if _is_utf8(text.decode().encode(charset, "replace")):
            wrong.append(mine)
    return np.concatenate(wrong) if wrong else np.empty(0, np.int64)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return not raw.isascii()


def _raw_size(raw: bytes, text: bytes, used: int) -> int:
    """How many bytes of the file the first `used` bytes of the text stand for."""
    if raw is text or used == len(text):
        return used if raw is text else len(raw)
    # terminators are ASCII and no other character has their byte: the n-th one is the n-th one
    return _nth(raw, text[used - 1], text.count(text[used - 1 : used], 0, used))


def _nth(raw: bytes, byte: int, number: int) -> int:
    at = np.flatnonzero(np.frombuffer(raw, np.uint8) == byte)
    return int(at[number - 1]) + 1
