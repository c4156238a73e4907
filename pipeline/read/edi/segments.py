"""Bytes of one interchange syntax to segments: offset arrays, no text is copied.

`mark` holds the position of the separator behind every element, the tag included; `first[i]` says
where the marks of segment i begin. So element e of segment i (the tag is element 0) lies between
two neighbours of `mark`, for all segments at once. Components are found the same way, from `part`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.model.edi.envelope import NONE, Delimiters
from pipeline.model.edi.tags import TAG_CODES, TAG_MAX, TAG_TABLE
from pipeline.read.edi.separators import BLANKS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Octets = NDArray[np.uint8]

_NEWLINE, _RETURN = 0x0A, 0x0D
# Blanks between segments that are skipped together; a longer stretch is skipped one by one.
_STEPS = 4
_FEW = 16  # texts that are cut out one by one sooner than all at once


@dataclass(frozen=True)
class Segments:
    """Segments in file order.

    `data` is UTF-8. `start` is the first byte of the tag, `stop` the terminator's position. `tag`
    is an id of `pipeline.model.edi.tags`, 0 for a tag that no table knows. `ordinal` is the number
    of the first segment in the file, from 1, `line_base` the physical line on which `data` begins.
    """

    data: bytes
    delimiters: Delimiters
    start: Ints
    mark: Ints
    first: Ints
    tag: Octets
    ordinal: int
    line_base: int
    escapes: bool
    part: Ints
    part_first: Ints

    @property
    def count(self) -> int:
        """The number of segments."""
        return len(self.start)

    @cached_property
    def octets(self) -> Octets:
        """The data as an array."""
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def elements(self) -> Ints:
        """The number of elements of each segment, the tag not counted."""
        return np.diff(self.first) - 1

    @cached_property
    def stop(self) -> Ints:
        """The position of each segment's terminator."""
        return self.mark[self.first[1:] - 1]

    def bounds(self, at: Ints, element: int, component: int = 0) -> tuple[Ints, Ints]:
        """Where an element lies in each of the segments `at`: first byte, byte after the last.

        `element` counts from 1, `component` too; component 0 is the whole element. What a segment
        does not have is empty (both numbers equal).
        """
        there = self.elements[at] >= element
        if there.all():
            return self.bounds_at(at, element, component)
        index = self.first[at] + np.where(there, element, 0)
        begin = self.mark[index - 1] + 1
        end = self.mark[index]
        if component:
            begin, end = self._component(index, begin, end, component)
        begin = np.where(there, begin, end)
        return begin, end

    def bounds_at(self, at: Ints, element: Ints | int, component: int = 0) -> tuple[Ints, Ints]:
        """As `bounds`, with an element of its own for each segment; each must have it."""
        index = self.first[at] + element
        begin, end = self.mark[index - 1] + 1, self.mark[index]
        if component:
            return self._component(index, begin, end, component)
        return begin, end

    def _component(self, index: Ints, begin: Ints, end: Ints, number: int) -> tuple[Ints, Ints]:
        lowest = self.part_first[index]
        count = self.part_first[index + 1] - lowest
        if not len(self.part):
            return (begin, end) if number == 1 else (end, end)
        top = len(self.part) - 1
        if number > 1:
            before = self.part[np.minimum(lowest + number - 2, top)] + 1
            begin = np.where(count >= number - 1, before, end)
        after = self.part[np.minimum(lowest + number - 1, top)]
        end = np.where(count >= number, after, end)
        return begin, end

    @cached_property
    def _newlines(self) -> Ints:
        return np.flatnonzero(self.octets == _NEWLINE)

    def lines(self, at: Ints) -> Ints:
        """The physical lines, from 1, on which segments begin."""
        return self.line_base + np.searchsorted(self._newlines, self.start[at])

    def components(self, at: Ints, element: int) -> Ints:
        """The number of components of an element in each of the segments (0 where it is missing)."""
        there = self.elements[at] >= element
        index = self.first[at] + np.where(there, element, 0)
        return np.where(there, self.part_first[index + 1] - self.part_first[index] + 1, 0)

    @cached_property
    def _whole(self) -> pl.Series:
        """The data as one value: a literal of bytes would be copied each time it is used."""
        return pl.Series([self.data], dtype=pl.Binary)

    def texts(self, begin: Ints, end: Ints) -> pl.Series:
        """The texts between positions, release characters taken away."""
        if len(begin) <= _FEW:
            some = zip(begin.tolist(), end.tolist(), strict=True)
            return pl.Series("text", [self.plain(low, high) for low, high in some], pl.String)
        table = pl.DataFrame({"begin": begin, "size": end - begin})
        text = table.select(
            pl.lit(self._whole).bin.slice(pl.col("begin"), pl.col("size"))
            .cast(pl.String).alias("text")
        ).to_series()  # fmt: skip
        if self.escapes:
            release = re.escape(chr(self.delimiters.release))
            text = text.str.replace_all(f"(?s){release}(.)", "${1}")
        return text

    def text(self, at: int, element: int, component: int = 0) -> str:
        """One element's text; "" where the segment has no such element."""
        edges = self._edges(at, element)
        if not component:
            return self.plain(edges[0] + 1, edges[-1]) if edges else ""
        if component >= len(edges):
            return ""
        return self.plain(edges[component - 1] + 1, edges[component])

    def parts(self, at: int, element: int) -> tuple[str, ...]:
        """One element's components; none where the segment has no such element."""
        edges = self._edges(at, element)
        return tuple(self.plain(low + 1, high) for low, high in pairwise(edges))

    def _edges(self, at: int, element: int) -> list[int]:
        """The separators around and in an element of one segment."""
        index = int(self.first[at]) + element
        if index >= self.first[at + 1]:
            return []
        inside = self.part[self.part_first[index] : self.part_first[index + 1]].tolist()
        return [int(self.mark[index - 1]), *inside, int(self.mark[index])]

    def plain(self, begin: int, end: int) -> str:
        """The text between two positions, release characters taken away."""
        text = self.data[begin:end].decode()
        if self.escapes:
            release = re.escape(chr(self.delimiters.release))
            text = re.sub(f"{release}(.)", r"\1", text, flags=re.DOTALL)
        return text

    def tag_text(self, at: int) -> str:
        """A segment's tag as it is written."""
        return self.data[self.start[at] : self.mark[self.first[at]]].decode()

    def equal(self, begin: Ints, end: Ints, literal: bytes) -> Bools:
        """Tell where the text between positions is exactly `literal`."""
        same: Bools = (end - begin) == len(literal)
        for position, byte in enumerate(literal):
            at = np.flatnonzero(same)
            same[at] = self.octets[begin[at] + position] == byte
        return same

    def among(self, begin: Ints, end: Ints, literals: Iterable[bytes]) -> Bools:
        """Tell where the text between positions is one of `literals`, of 1 to 7 bytes each."""
        packed = np.array([int.from_bytes(b"\1" + each, "big") for each in literals], np.int64)
        size = end - begin
        same: Bools = (
            size < 8
        )  # bytes of the number; the first one tells texts of other sizes apart
        value = np.ones(len(begin), np.int64)
        for position in range(int(size[same].max(initial=0))):
            more = np.flatnonzero(same & (size > position))
            value[more] = (value[more] << 8) | self.octets[begin[more] + position]
        same &= np.isin(value, packed)
        return same

    def numbers(self, begin: Ints, end: Ints) -> Ints:
        """The texts as whole numbers without sign; -1 where one is empty or has other characters."""
        size = end - begin
        value = np.zeros(len(begin), np.int64)
        good = (size > 0) & (size <= 18)
        for position in range(int(size[good].max()) if good.any() else 0):
            more = np.flatnonzero(good & (size > position))
            digit = self.octets[begin[more] + position].astype(np.int64) - 0x30
            wrong = (digit < 0) | (digit > 9)
            good[more[wrong]] = False
            value[more] = value[more] * 10 + digit
        value[~good] = -1
        return value


@dataclass(frozen=True, slots=True)
class Split:
    r"""What `split` found: arrays as in `Segments`, and what is odd about the segments.

    `ends` are the positions of the terminators themselves: where `\r\n` ends segments, one behind
    the last mark. `used` is the number of bytes that complete segments take. `empty` are the
    segments without a byte, `blanks` those before which more than a line end stands.
    """

    start: Ints
    mark: Ints
    first: Ints
    tag: Octets
    part: Ints
    part_first: Ints
    ends: Ints
    used: int
    empty: Ints
    blanks: Ints
    escapes: bool


def split(data: bytes, delimiters: Delimiters) -> Split:
    """Find all complete segments of a piece of text.

    One pass finds the separators, the rest is arithmetic on their positions. A separator behind a
    release character that is not itself released is text (ISO 9735 §5).
    """
    text = np.frombuffer(data, np.uint8)
    wanted = (text == delimiters.segment) | (text == delimiters.element)
    components = delimiters.component != NONE and bytes([delimiters.component]) in data
    if components:
        wanted |= text == delimiters.component
    escapes = delimiters.release != NONE and bytes([delimiters.release]) in data
    if escapes:
        wanted[_released(text, delimiters.release)] = False
    found = np.flatnonzero(wanted)
    kind = text[found]
    if components:
        is_part = kind == delimiters.component
        part = found[is_part]
        among = np.flatnonzero(~is_part)
        mark = found[among]
        kind = kind[among]
        # parts before a mark: its place among all separators, less the marks before it
        part_first = np.zeros(len(mark) + 1, np.int64)
        part_first[1:] = among - np.arange(len(mark))
    else:
        part = np.empty(0, np.int64)
        mark = found
        part_first = np.zeros(len(mark) + 1, np.int64)
    last = np.flatnonzero(kind == delimiters.segment)
    if not len(last):
        return _nothing(escapes=escapes)
    # what stands behind the last terminator is no segment
    mark, part_first = mark[: last[-1] + 1], part_first[: last[-1] + 2]
    part = part[: part_first[-1]]
    ends = mark[last]
    begin = np.empty(len(last), np.int64)
    begin[0] = 0
    begin[1:] = ends[:-1] + 1
    start, blanks = _without_blanks(data, begin, delimiters)
    mark = _without_return(text, mark, last, start, delimiters.segment)
    stop = mark[last]
    first = np.empty(len(last) + 1, np.int64)
    first[0] = 0
    first[1:] = last + 1
    empty = start >= stop
    tag = _tags(text, start, mark[first[:-1]])
    return Split(
        start, mark, first, tag, part, part_first, ends, int(ends[-1]) + 1,
        np.flatnonzero(empty), blanks, escapes,
    )  # fmt: skip


def whole(found: Split, trailers: Octets) -> Split:
    """Only what lies before and in the last of some trailers (tag ids)."""
    ends = np.flatnonzero(np.isin(found.tag, trailers))
    if not len(ends):
        return _nothing(escapes=found.escapes)
    count = int(ends[-1]) + 1
    marks = int(found.first[count])
    return replace(
        found, start=found.start[:count], mark=found.mark[:marks], first=found.first[: count + 1],
        tag=found.tag[:count], part_first=found.part_first[: marks + 1],
        ends=found.ends[:count], used=int(found.ends[count - 1]) + 1, empty=found.empty[found.empty < count],
        blanks=found.blanks[found.blanks < count],
    )  # fmt: skip


def without(found: Split, drop: Bools) -> Split:
    """The same without some segments: they leave no marks and no components."""
    sizes = np.diff(found.first)
    keep_mark = np.repeat(~drop, sizes)
    first = np.zeros(int(np.count_nonzero(~drop)) + 1, np.int64)
    np.cumsum(sizes[~drop], out=first[1:])
    marks = len(keep_mark)
    parts = np.diff(found.part_first[: marks + 1])
    keep_part = np.repeat(keep_mark, parts)
    part_first = np.zeros(int(first[-1]) + 1, np.int64)
    np.cumsum(parts[keep_mark], out=part_first[1:])
    return replace(
        found, start=found.start[~drop], mark=found.mark[:marks][keep_mark], first=first,
        tag=found.tag[~drop], ends=found.ends[~drop],
        part=found.part[: len(keep_part)][keep_part], part_first=part_first, empty=np.empty(0, np.int64), blanks=np.empty(0, np.int64),
    )  # fmt: skip


def _nothing(*, escapes: bool) -> Split:
    none = np.empty(0, np.int64)
    return Split(none, none, np.zeros(1, np.int64), np.empty(0, np.uint8), none,
                 np.zeros(1, np.int64), none, 0, none, none, escapes)  # fmt: skip


def _released(text: Octets, release: int) -> Ints:
    """The positions of characters that a release character in front makes text."""
    at = np.flatnonzero(text == release)
    begins = np.ones(len(at), np.bool_)
    begins[1:] = np.diff(at) != 1
    run = np.maximum.accumulate(np.where(begins, np.arange(len(at)), 0))
    active = at[(np.arange(len(at)) - run) % 2 == 0]
    after: Ints = active + 1
    return after[after < len(text)]


def _without_blanks(data: bytes, begin: Ints, delimiters: Delimiters) -> tuple[Ints, Ints]:
    """Step over line ends and other blanks before tags; gives the starts and the odd ones."""
    text = np.frombuffer(data, np.uint8)
    blank = np.zeros(256, np.bool_)
    blank[list(BLANKS)] = True
    for mark in (delimiters.element, delimiters.component, delimiters.segment, delimiters.release):
        if mark != NONE:
            blank[mark] = False
    start = begin.copy()
    todo = np.flatnonzero(blank[text[start]])
    steps = 0
    while len(todo) and steps < _STEPS:
        start[todo] += 1
        todo = todo[blank[text[start[todo]]]]
        steps += 1
    if len(todo):
        pattern = re.compile(b"[" + re.escape(bytes(np.flatnonzero(blank).tolist())) + b"]*")
        for index in todo.tolist():
            found = pattern.match(data, int(start[index]))
            start[index] = found.end() if found is not None else start[index]
    # \n and \r\n are how lines end; anything else between segments deserves a word
    size = start - begin
    odd = size > 2
    one = np.flatnonzero(size == 1)
    odd[one] = ~np.isin(text[begin[one]], (_NEWLINE, _RETURN))
    two = np.flatnonzero(size == 2)
    odd[two] = (text[begin[two]] != _RETURN) | (text[begin[two] + 1] != _NEWLINE)
    return start, np.flatnonzero(odd)


def _without_return(text: Octets, mark: Ints, last: Ints, start: Ints, segment: int) -> Ints:
    r"""Where \n ends segments, a \r before it belongs to the line end, not to the last element."""
    if segment != _NEWLINE:
        return mark
    stop = mark[last]
    cut = (stop > start) & (text[np.maximum(stop - 1, 0)] == _RETURN)
    if not cut.any():
        return mark
    mark = mark.copy()
    mark[last[cut]] -= 1
    return mark


def _tags(text: Octets, start: Ints, stop: Ints) -> Octets:
    """The ids of the tags; two or three characters, as one number."""
    size = stop - start
    top = len(text) - 1
    code = text[np.minimum(start, top)].astype(np.uint32) << 16
    code |= text[np.minimum(start + 1, top)].astype(np.uint32) << 8
    third = text[np.minimum(start + 2, top)]
    code |= np.where(size == TAG_MAX, third, 0).astype(np.uint32)
    slot = ((code >> 4) & 0x3F000) | ((code >> 2) & 0xFC0) | (code & 0x3F)
    tag: Octets = TAG_TABLE[slot]
    wrong = (TAG_CODES[tag] != code) | (size < TAG_MAX - 1) | (size > TAG_MAX)
    tag[wrong] = 0
    return tag
