"""A file to pieces of whole messages, each with one set of separators.

The file is read in windows. A piece ends behind the last trailer (SE, GE, IEA, UNT, UNE, UNZ) of
its window, so that memory depends on the window and on the largest message, not on the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Delimiters, Problem
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read.decoding import KEEP_BYTES, MARK
from pipeline.read.edi.segments import Ints, Segments, Split, split, without
from pipeline.read.edi.separators import (
    BLANKS,
    BOM,
    HEADER_MAX,
    Begin,
    next_begin,
    read_begin,
)

WINDOW = 4 << 20
MESSAGE_MAX = 64 << 20  # bytes; a message is held in memory whole

_TRAILERS = np.array([TAG_IDS[t] for t in ("SE", "GE", "IEA", "UNT", "UNE", "UNZ")], np.uint8)
_INTERCHANGE_ENDS = frozenset({TAG_IDS["IEA"], TAG_IDS["UNZ"]})
_HEADERS = (b"ISA", b"UNA", b"UNB")
_BLANK_BYTES = bytes(BLANKS)


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
class Pieces:
    """The pieces of an open file, in order; `encoding` "" means: as the file itself declares."""

    file: BinaryIO
    encoding: str = ""
    window: int = WINDOW
    message_max: int = MESSAGE_MAX
    line: int = 1
    ordinal: int = 0
    found: bool = False
    problems: list[Problem] = field(default_factory=list)
    _buffer: bytes = b""
    _ended: bool = False
    _after_refusal: bool = False

    def __iter__(self) -> Iterator[Piece]:
        while True:
            begin = self._next_interchange()
            if begin is None:
                return
            if begin.delimiters is not None:
                yield from self._run(begin.delimiters)

    def rest(self) -> tuple[Problem, ...]:
        """The problems found since the last piece."""
        said = tuple(self.problems)
        self.problems.clear()
        return said

    # -- windows ----------------------------------------------------------------------------

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size and not self._ended:
            more = self.file.read(size - len(self._buffer))
            self._ended = not more
            self._buffer += more

    def _drop(self, size: int) -> None:
        self.line += self._buffer.count(b"\n", 0, size)
        self._buffer = self._buffer[size:]

    def _say(self, code: str, value: str = "", detail: str = "", *, at: int = 0) -> None:
        line = self.line + self._buffer.count(b"\n", 0, at)
        self.problems.append(Problem(code, line, self.ordinal, value[:200], detail))

    # -- from one interchange to the next ---------------------------------------------------

    def _next_interchange(self) -> Begin | None:
        """Go to the next header that says its separators; None at the end of the file."""
        self._fill(self.window)
        if self.line == 1 and not self.found and self._buffer.startswith(BOM):
            self._say("E116")
            self._buffer = self._buffer[len(BOM) :]
        at = next_begin(self._buffer, 0)
        while at < 0 and not self._ended:
            self._junk(max(0, len(self._buffer) - HEADER_MAX))
            self._fill(self.window)
            at = next_begin(self._buffer, 0)
        if at < 0:
            self._junk(len(self._buffer))
            return None
        self._junk(at)
        self._fill(HEADER_MAX)
        begin = read_begin(self._buffer, 0)
        self.found = True
        self._say_header(begin, 0)
        self._after_refusal = begin.delimiters is None
        # a header that cannot be read is stepped over; what follows is nobody's
        self._drop(begin.body if begin.delimiters is not None else 3)
        return begin

    def _junk(self, size: int) -> None:
        junk = self._buffer[:size].strip(_BLANK_BYTES)
        if junk and not self._after_refusal:
            at = self._buffer.index(junk[:1])
            self._say("E111", junk[:80].decode("utf-8", "replace"), str(len(junk)), at=at)
            self._after_refusal = not self._ended  # one word for one stretch
        self._drop(size)

    def _say_header(self, begin: Begin, at: int) -> None:
        for code, value, detail in begin.problems:
            self._say(code, value, detail, at=at)

    # -- one interchange, or several with the same separators ---------------------------------

    def _run(self, delimiters: Delimiters) -> Iterator[Piece]:
        self._after_refusal = False
        size = self.window
        heard = 0  # headers before this position were looked at already
        while True:
            self._fill(size)
            stop, final = self._extent(delimiters, heard)
            raw = self._buffer[:stop]
            if not final:
                raw = raw[: raw.rfind(delimiters.segment) + 1]
            text, charset, odd = _as_utf8(raw, self.encoding or delimiters.charset)
            open_end = _unterminated(text, delimiters) if final else b""
            if open_end:
                text = text.rstrip(_BLANK_BYTES) + bytes([delimiters.segment])
            found = split(text, delimiters)
            if not final:
                found = _whole(found)
                if not len(found.start):
                    if len(self._buffer) >= self.message_max:
                        yield self._too_large()
                        return
                    heard, size = stop, 2 * len(self._buffer) + 1
                    continue
            heard, size = 0, self.window
            if open_end:
                self._say_open_end(found, open_end)
            piece = self._piece(text, found, delimiters, charset, odd)
            yield piece
            self._drop(stop if final else _raw_size(raw, text, found.used))
            if final:
                return

    def _extent(self, delimiters: Delimiters, heard: int) -> tuple[int, bool]:
        """How far the separators hold: up to a header with others, or the end of the file."""
        places = []
        for word in _HEADERS:
            at = self._buffer.find(word, max(1, heard - HEADER_MAX))
            while at >= 0:
                places.append(at)
                at = self._buffer.find(word, at + 1)
        for at in sorted(places):
            if next_begin(self._buffer[at : at + 8], 0) != 0:
                continue
            if at + HEADER_MAX > len(self._buffer) and not self._ended:
                return at, False
            before = self._buffer[max(0, at - 256) : at].rstrip(_BLANK_BYTES)
            terminated = not before or before[-1] == delimiters.segment
            if delimiters.segment in _BLANK_BYTES:
                terminated = self._buffer[at - 1] in (delimiters.segment, 0x0A)
            begin = read_begin(self._buffer, at)
            if terminated and begin.delimiters == delimiters:
                if at >= heard:
                    self._say_header(begin, at)
            elif terminated or (begin.delimiters is not None and not begin.problems):
                return at, True
        return len(self._buffer), self._ended

    def _say_open_end(self, found: Split, text: bytes) -> None:
        self.problems.append(
            Problem("E117", self.line + self._buffer.count(b"\n", 0, found.used),
                    self.ordinal + len(found.start), text[:80].decode("utf-8", "replace"))
        )  # fmt: skip

    def _too_large(self) -> Piece:
        self._say("E119", str(self.message_max >> 20))
        nothing = split(b"", Delimiters(Syntax.X12, 1, 2, 3))
        piece = self._piece(
            b"", nothing, Delimiters(Syntax.X12, 1, 2, 3), "", np.empty(0, np.int64)
        )
        self._drop(len(self._buffer))
        self._ended = True
        self._after_refusal = True
        return piece

    def _piece(
        self, text: bytes, found: Split, delimiters: Delimiters, charset: str, odd: Ints
    ) -> Piece:
        lines = _Lines(text, self.line)
        for position in found.empty[found.empty < len(found.start)].tolist():
            at = int(found.start[position])
            self.problems.append(Problem("E112", lines.at(at), self.ordinal + position + 1))
        if len(found.blanks):
            index = int(found.blanks[0])
            at = int(found.start[index])
            self.problems.append(
                Problem("E113", lines.at(at), self.ordinal + index + 1, str(len(found.blanks)))
            )
        drop = np.zeros(len(found.start), np.bool_)
        drop[found.empty] = True
        if b"UNA" in text:
            unknown = np.flatnonzero(found.tag == 0)
            drop[[i for i in unknown.tolist() if text.startswith(b"UNA", found.start[i])]] = True
        if drop.any():
            found = without(found, drop)
        count = len(found.start)
        segments = Segments(
            text, delimiters, found.start, found.mark, found.first, found.tag,
            self.ordinal + 1, self.line, found.escapes, found.part, found.part_first, found.bound, found.is_mark,
        )  # fmt: skip
        self.ordinal += count
        undecodable = np.unique(np.searchsorted(found.start, odd, side="right") - 1)
        return Piece(segments, self.rest(), undecodable[undecodable >= 0], charset)


class _Lines:
    """Physical lines of positions in a text that begins on line `base`."""

    def __init__(self, text: bytes, base: int) -> None:
        self._text, self._base = text, base

    def at(self, position: int) -> int:
        return self._base + self._text.count(b"\n", 0, position)


def _whole(found: Split) -> Split:
    """Only what lies before and in the last trailer."""
    ends = np.flatnonzero(np.isin(found.tag, _TRAILERS))
    count = int(ends[-1]) + 1 if len(ends) else 0
    marks = int(found.first[count])
    return Split(
        found.start[:count], found.mark[:marks], found.first[: count + 1], found.tag[:count],
        found.part, found.part_first[: marks + 1], found.bound, found.is_mark, int(found.mark[marks - 1]) + 1 if count else 0,
        found.empty[found.empty < count], found.blanks[found.blanks < count], found.escapes,
    )  # fmt: skip


def _unterminated(text: bytes, delimiters: Delimiters) -> bytes:
    """What stands behind the last terminator, if it is more than blanks."""
    end = text.rfind(delimiters.segment) + 1
    return text[end:].strip(_BLANK_BYTES)


def _as_utf8(raw: bytes, charset: str) -> tuple[bytes, str, Ints]:
    """Text as UTF-8, what it was read as, and the positions of characters that cannot be right.

    Besides bytes that the character set lacks, these are characters of a text that declares a
    one-byte character set and is well-formed UTF-8: read as declared, names would change silently.
    """
    none = np.empty(0, np.int64)
    if raw.isascii():
        return raw, charset or "utf-8", none
    charset = charset or "utf-8"
    text = raw.decode(charset, KEEP_BYTES).encode("utf-8", "surrogatepass")
    odd = [found.start() for found in MARK.finditer(text)] if b"\xed" in text else []
    if not odd and charset.startswith("iso-8859") and _is_utf8(raw):
        data = np.frombuffer(text, np.uint8)
        return text, charset, np.flatnonzero(data >= 0xC0)
    return text, charset, np.array(odd, np.int64)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _raw_size(raw: bytes, text: bytes, used: int) -> int:
    """How many bytes of the file the first `used` bytes of the text stand for."""
    if raw is text or used == len(text):
        return used if raw is text else len(raw)
    # terminators are ASCII and no other character has their byte: the n-th one is the n-th one
    return _nth(raw, text[used - 1], text.count(text[used - 1 : used], 0, used))


def _nth(raw: bytes, byte: int, number: int) -> int:
    at = np.flatnonzero(np.frombuffer(raw, np.uint8) == byte)
    return int(at[number - 1]) + 1
