"""Interchanges, groups and messages: who sent what to whom, and whether all of it is here.

Every trailer repeats the reference of its header and says how much lies between (X12.6 §3.4,
ISO 9735-1 §8). Nothing is read from a message before its whole interchange is known to be whole,
so this is a pass of its own; it looks at headers and trailers only.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import (
    MESSAGE_SCHEMA,
    Envelopes,
    Group,
    Interchange,
    Problem,
    place_of,
)
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read.edi.pieces import Piece
from pipeline.read.edi.segments import Bools, Ints, Octets, Segments

HEADERS = {"ISA": Syntax.X12, "UNB": Syntax.EDIFACT}
_GROUPS = ("GS", "UNG")
_MESSAGE_BEGIN = np.array([TAG_IDS["ST"], TAG_IDS["UNH"]], np.uint8)
_MESSAGE_END = np.array([TAG_IDS["SE"], TAG_IDS["UNT"]], np.uint8)
_OUTER = ("ISA", "UNB", "GS", "UNG", "GE", "UNE", "IEA", "UNZ", "TA1")
_ENVELOPE = np.zeros(256, np.bool_)
for _tag in (*_OUTER, "ST", "UNH", "SE", "UNT"):
    _ENVELOPE[TAG_IDS[_tag]] = True
_IS_OUTER = np.zeros(256, np.bool_)
for _tag in _OUTER:
    _IS_OUTER[TAG_IDS[_tag]] = True
_NAMES = {TAG_IDS[tag]: tag for tag in _OUTER}


class EnvelopeReader:
    """Takes the pieces of a file in order; `finish` gives the result."""

    def __init__(self) -> None:
        self._interchanges: list[Interchange] = []
        self._groups: list[Group] = []
        self._interchange: Interchange | None = None
        self._group: Group | None = None
        self._frames: list[pl.DataFrame] = []
        self._problems: list[Problem] = []
        self._messages = 0
        self._segments = 0
        self._strays = 0
        self._place = (1, 0)

    def take(self, piece: Piece) -> None:
        """Take the next piece."""
        self._problems += piece.problems
        segments = piece.segments
        at = np.flatnonzero(_ENVELOPE[segments.tag])
        tags = segments.tag[at]
        outer = np.flatnonzero(_IS_OUTER[tags])
        starts = np.flatnonzero(np.isin(tags, _MESSAGE_BEGIN))
        first = self._messages
        self._bodies(segments, at, tags, starts)
        interchange = np.full(len(starts), -1, np.int64)
        group = np.full(len(starts), -1, np.int64)
        # the messages between two headers or trailers of interchanges and groups
        cuts = np.searchsorted(starts, outer).tolist()
        low = 0
        for index, cut in zip(outer.tolist(), cuts, strict=True):
            self._belong(interchange, group, low, cut)
            low = cut
            self._outer(segments, int(at[index]), _NAMES[int(tags[index])], piece.charset)
        self._belong(interchange, group, low, len(starts))
        self._strays_of(segments, at, tags)
        if len(starts):
            self._frames.append(
                self._described(segments, at, tags, starts, interchange, group, first)
            )
        self._segments += segments.count
        if segments.count:
            last = np.array([segments.count - 1])
            self._place = (int(segments.lines(last)[0]), segments.ordinal + segments.count - 1)

    def finish(self, rest: Iterable[Problem] = ()) -> Envelopes:
        """Close what is open and give the whole; `rest` are problems behind the last piece."""
        self._problems += rest
        self._close_group(None)
        self._close_interchange(None)
        frames = self._frames or [pl.DataFrame(schema=MESSAGE_SCHEMA)]
        if not self._interchanges and not any(p.code == "E102" for p in self._problems):
            self._problems.append(Problem("E101", 1, 0))
        return Envelopes(
            tuple(self._interchanges), tuple(self._groups), pl.concat(frames),
            tuple(self._problems), self._segments,
        )  # fmt: skip

    # -- messages ---------------------------------------------------------------------------

    def _bodies(self, segments: Segments, at: Ints, tags: Octets, starts: Ints) -> None:
        """Count the messages, and say which have no trailer, or a trailer of no message."""
        ends = np.isin(tags, _MESSAGE_END)
        after = np.minimum(starts + 1, len(tags) - 1)
        unclosed = starts[~(ends[after] & (after > starts))]
        for index in unclosed.tolist():
            number = self._messages + int(np.searchsorted(starts, index))
            self._say(segments, int(at[index]), "E109", message=number,
                      value=segments.text(int(at[index]), 1), column=segments.tag_text(int(at[index])))  # fmt: skip
        lone = np.flatnonzero(ends)
        if len(lone):
            before = np.isin(tags[np.maximum(lone - 1, 0)], _MESSAGE_BEGIN) & (lone > 0)
            for index in lone[~before].tolist():
                self._say(segments, int(at[index]), "E115", segments.tag_text(int(at[index])))
        self._messages += len(starts)

    def _described(
        self, segments: Segments, at: Ints, tags: Octets, starts: Ints, interchange: Ints,
        group: Ints, first: int,
    ) -> pl.DataFrame:  # fmt: skip
        begin = at[starts]
        after = np.minimum(starts + 1, len(tags) - 1)
        closed = np.isin(tags[after], _MESSAGE_END) & (after > starts)
        next_outer = np.append(at, segments.count)[starts + 1]
        end = np.where(closed, at[after], next_outer - 1)
        x12 = tags[starts] == TAG_IDS["ST"]
        type_begin, type_end = _either(x12, segments.bounds(begin, 1), segments.bounds(begin, 2, 1))
        whole = _either(x12, segments.bounds(begin, 1), segments.bounds(begin, 2))
        version_begin, version_end = _either(
            x12, segments.bounds(begin, 3), segments.bounds(begin, 2, 2)
        )
        release_begin, release_end = segments.bounds(begin, 2, 3)
        reference = _either(x12, segments.bounds(begin, 2), segments.bounds(begin, 1))
        version = segments.texts(version_begin, version_end)
        if not x12.all():
            # UNH 2: type:version:release, together the directory D:96A
            release = segments.texts(release_begin, release_end)
            version = pl.select(
                pl.when(pl.lit(pl.Series(x12))).then(version).otherwise(version + release)
            ).to_series()
        declared = np.where(closed, segments.numbers(*segments.bounds(end, 1)), -1)
        counted = end - begin + 1
        wrong = np.flatnonzero(closed & (declared != counted))
        for index in wrong.tolist():
            self._say(segments, int(end[index]), "E110", segments.text(int(end[index]), 1),
                      str(counted[index]), _column(segments, int(end[index]), 1), first + index)  # fmt: skip
        ref_begin, ref_end = reference
        differ = closed & ~_same(segments, ref_begin, ref_end, *segments.bounds(end, 2))
        for index in np.flatnonzero(differ).tolist():
            self._say(segments, int(end[index]), "E106", segments.text(int(end[index]), 2),
                      segments.plain(int(ref_begin[index]), int(ref_end[index])),
                      _column(segments, int(end[index]), 2), first + index)  # fmt: skip
        return pl.DataFrame(
            {
                "message": np.arange(first, first + len(starts)),
                "interchange": interchange,
                "group": group,
                "type": segments.texts(type_begin, type_end),
                "identifier": segments.texts(*whole),
                "version": version,
                "reference": segments.texts(ref_begin, ref_end),
                "line": segments.lines(begin),
                "begin": begin + segments.ordinal,
                "end": np.where(closed, end + segments.ordinal, 0),
                "declared": declared,
                "counted": counted,
            }
        ).cast(pl.Schema(MESSAGE_SCHEMA))

    def _belong(self, interchange: Ints, group: Ints, low: int, high: int) -> None:
        if self._interchange is not None:
            interchange[low:high] = len(self._interchanges) - 1
            self._interchange.messages += high - low
        if self._group is not None:
            group[low:high] = len(self._groups) - 1
            self._group.counted += high - low

    def _strays_of(self, segments: Segments, at: Ints, tags: Octets) -> None:
        """Segments that lie in no message and are no envelope: one word for each stretch."""
        inside = np.zeros(segments.count + 1, np.int8)
        begin = at[np.isin(tags, _MESSAGE_BEGIN)]
        order = np.append(at, segments.count)
        stop = order[np.searchsorted(order, begin) + 1]
        inside[begin] += 1
        inside[stop] -= 1
        lone = np.flatnonzero((np.cumsum(inside)[:-1] == 0) & ~_ENVELOPE[segments.tag])
        if not len(lone):
            return
        begins = np.ones(len(lone), np.bool_)
        begins[1:] = np.diff(lone) != 1
        for index in lone[begins].tolist():
            self._say(segments, int(index), "E115", segments.tag_text(int(index)))

    # -- interchanges and groups --------------------------------------------------------------

    def _outer(self, segments: Segments, at: int, tag: str, charset: str) -> None:
        match tag:
            case "ISA" | "UNB":
                self._close_group(None)
                self._close_interchange(None)
                self._interchange = _interchange(segments, at, tag, charset)
                self._interchanges.append(self._interchange)
            case "GS" | "UNG":
                self._close_group(None)
                self._group = _group(segments, at, tag, len(self._interchanges) - 1)
                self._groups.append(self._group)
                if self._interchange is None:
                    self._say(segments, at, "E115", tag)
                else:
                    self._interchange.groups += 1
            case "GE" | "UNE":
                if self._group is None:
                    self._say(segments, at, "E115", tag)
                else:
                    self._close_group((segments, at))
            case "IEA" | "UNZ":
                self._close_group(None)
                if self._interchange is None:
                    self._say(segments, at, "E115", tag)
                else:
                    self._close_interchange((segments, at))
            case (
                _
            ):  # TA1 answers an interchange of ours; it is read by the acknowledgement's reader
                pass

    def _close_group(self, trailer: tuple[Segments, int] | None) -> None:
        group, self._group = self._group, None
        if group is None:
            return
        if trailer is None:
            group.problems.append(Problem("E107", group.line, group.segment, group.reference))
        else:
            group.closed = True
            segments, at = trailer
            group.declared = _number(segments.text(at, 1))
            group.problems += _trailer(
                segments, at, group.declared, group.counted, group.reference, "E108"
            )
        self._problems += group.problems

    def _close_interchange(self, trailer: tuple[Segments, int] | None) -> None:
        interchange, self._interchange = self._interchange, None
        if interchange is None:
            return
        if trailer is None:
            interchange.problems.append(
                Problem("E104", interchange.line, interchange.segment, interchange.reference)
            )
        else:
            segments, at = trailer
            interchange.closed = True
            interchange.declared = _number(segments.text(at, 1))
            interchange.end_line = int(segments.lines(np.array([at]))[0])
            interchange.end_segment = segments.ordinal + at
            x12 = interchange.syntax is Syntax.X12
            counted = interchange.groups if x12 or interchange.groups else interchange.messages
            interchange.problems += _trailer(
                segments, at, interchange.declared, counted, interchange.reference, "E105"
            )
        self._problems += interchange.problems

    def _say(
        self, segments: Segments, at: int, code: str, value: str = "", detail: str = "",
        column: str | None = None, message: int = -1,
    ) -> None:  # fmt: skip
        line = int(segments.lines(np.array([at]))[0])
        self._problems.append(
            Problem(code, line, segments.ordinal + at, value, detail, column, message)
        )


def _either(
    first: Bools,
    one: tuple[Ints, Ints],
    other: tuple[Ints, Ints],
) -> tuple[Ints, Ints]:
    return np.where(first, one[0], other[0]), np.where(first, one[1], other[1])


def _same(segments: Segments, begin: Ints, end: Ints, low: Ints, high: Ints) -> Bools:
    """Tell where two texts are the same; a difference of leading zeros is none."""
    same: Bools = (end - begin) == (high - low)
    size = end - begin
    for position in range(int(size[same].max()) if same.any() else 0):
        at = np.flatnonzero(same & (size > position))
        same[at] = segments.octets[begin[at] + position] == segments.octets[low[at] + position]
    for index in np.flatnonzero(~same).tolist():
        one = segments.plain(int(begin[index]), int(end[index]))
        other = segments.plain(int(low[index]), int(high[index]))
        same[index] = equal_references(one, other)
    return same


def equal_references(one: str, other: str) -> bool:
    """Tell whether two control references are the same; blanks around and leading zeros apart.

    >>> equal_references("000000905", "905"), equal_references("A1", "A2")
    (True, False)
    """
    one, other = one.strip(), other.strip()
    if one.isdigit() and other.isdigit():
        return int(one) == int(other)
    return one == other


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 18 else -1


def _trailer(
    segments: Segments, at: int, declared: int, counted: int, reference: str, code: str
) -> list[Problem]:
    line = int(segments.lines(np.array([at]))[0])
    ordinal = segments.ordinal + at
    said = []
    if declared != counted:
        said.append(
            Problem(
                code, line, ordinal, segments.text(at, 1), str(counted), _column(segments, at, 1)
            )
        )
    if not equal_references(segments.text(at, 2), reference):
        said.append(
            Problem(
                "E106", line, ordinal, segments.text(at, 2), reference, _column(segments, at, 2)
            )
        )
    return said


def _column(segments: Segments, at: int, element: int) -> str:
    return place_of(segments.delimiters.syntax, segments.tag_text(at), element)


def _values(segments: Segments, at: int) -> tuple[str, ...]:
    return tuple(segments.text(at, number) for number in range(1, int(segments.elements[at]) + 1))


def _interchange(segments: Segments, at: int, tag: str, charset: str) -> Interchange:
    def text(element: int, component: int = 0) -> str:
        return segments.text(at, element, component).strip()

    line, ordinal = int(segments.lines(np.array([at]))[0]), segments.ordinal + at
    values = _values(segments, at)
    if tag == "ISA":
        return Interchange(
            Syntax.X12, segments.delimiters, line, ordinal, text(6), text(5), text(8), text(7),
            text(13), text(12), text(9), text(10), text(15) == "T", text(14) == "1", values, charset,
        )  # fmt: skip
    return Interchange(
        Syntax.EDIFACT, segments.delimiters, line, ordinal, text(2, 1), text(2, 2), text(3, 1),
        text(3, 2), text(5, 1), text(1), text(4, 1), text(4, 2), text(11) == "1", text(9) == "1",
        values, charset,
    )  # fmt: skip


def _group(segments: Segments, at: int, tag: str, interchange: int) -> Group:
    def text(element: int, component: int = 0) -> str:
        return segments.text(at, element, component).strip()

    line, ordinal = int(segments.lines(np.array([at]))[0]), segments.ordinal + at
    values = _values(segments, at)
    if tag == "GS":
        return Group(
            interchange, line, ordinal, text(1), text(2), text(3), text(6), text(8), values
        )
    return Group(interchange, line, ordinal, text(1), text(2, 1), text(3, 1), text(5),
                 text(7, 1) + text(7, 2), values)  # fmt: skip
