"""Interchanges, groups and messages: who sent what to whom, and whether all of it is here.

Every trailer repeats the reference of its header and says how much lies between (X12.6 §3.4,
ISO 9735-1 §8). Nothing is read from a message before its whole interchange is known to be whole,
so this is a pass of its own; it looks at headers and trailers only.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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
from pipeline.model.stops import SourceUnusable
from pipeline.read.edi.causes import place
from pipeline.read.edi.pieces import Piece
from pipeline.read.edi.problems import Limit
from pipeline.read.edi.segments import Bools, Ints, Octets, Segments
from pipeline.read.edi.separators import PADDING

HEADERS = {"ISA": Syntax.X12, "UNB": Syntax.EDIFACT}
PROBLEMS_MAX = 100_000  # of the envelopes of one file; beyond it is not worth reading

# A tag of the other syntax is a segment like any other.
_OUTER = {
    Syntax.X12: ("ISA", "GS", "GE", "IEA", "TA1"),
    Syntax.EDIFACT: ("UNB", "UNG", "UNE", "UNZ"),
}
_MESSAGE = {Syntax.X12: ("ST", "SE"), Syntax.EDIFACT: ("UNH", "UNT")}
_NAMES = {TAG_IDS[tag]: tag for tags in _OUTER.values() for tag in tags}


def _set(tags: Iterable[str]) -> Bools:
    """Tags as a table by their ids."""
    member = np.zeros(256, np.bool_)
    member[[TAG_IDS[tag] for tag in tags]] = True
    return member


_IS_OUTER = {syntax: _set(tags) for syntax, tags in _OUTER.items()}
_IS_ENVELOPE = {syntax: _set((*tags, *_MESSAGE[syntax])) for syntax, tags in _OUTER.items()}
_BEGIN = {syntax: TAG_IDS[begin] for syntax, (begin, _) in _MESSAGE.items()}
_END = {syntax: TAG_IDS[end] for syntax, (_, end) in _MESSAGE.items()}

_SHOWN = 80
_REFERENCE_MAX = 35  # what is longer is compared one by one


@dataclass(frozen=True, slots=True)
class _Headers:
    """The envelope segments of a piece.

    `at` are their indices, `tags` their tag ids, `starts` and `ends` the places in `at` of message
    headers and trailers; `closed` tells which headers have a trailer right behind them in `at`.
    `number` is the number in the file of the piece's first message.
    """

    segments: Segments
    at: Ints
    tags: Octets
    starts: Ints
    ends: Ints
    closed: Bools
    number: int

    @staticmethod
    def of(segments: Segments, number: int) -> "_Headers":
        syntax = segments.delimiters.syntax
        at = np.flatnonzero(_IS_ENVELOPE[syntax][segments.tag])
        tags = segments.tag[at]
        starts = np.flatnonzero(tags == _BEGIN[syntax])
        ends = np.flatnonzero(tags == _END[syntax])
        closed = np.append(tags, 0)[starts + 1] == _END[syntax]
        return _Headers(segments, at, tags, starts, ends, closed, number)

    def stops(self) -> Ints:
        """The index behind each message: of what comes behind its trailer, or of the next envelope."""
        behind = np.append(self.at, self.segments.count)[self.starts + 1]
        return behind + self.closed


class EnvelopeReader:
    """Takes the pieces of a file in order; `finish` gives the result. `name` is the file's."""

    def __init__(self, name: str = "the file") -> None:
        self._name = name
        self._interchanges: list[Interchange] = []
        self._groups: list[Group] = []
        self._interchange: Interchange | None = None
        self._group: Group | None = None
        self._frames: list[pl.DataFrame] = []
        self._problems: list[Problem] = []
        self._pending: list[Problem] = []
        self._limit = Limit()
        self._messages = 0
        self._segments = 0

    def take(self, piece: Piece) -> None:
        """Take the next piece.

        Raises:
            SourceUnusable: the file has more problems than are worth listing.
        """
        self._problems += piece.problems
        segments = piece.segments
        headers = _Headers.of(segments, self._messages)
        self._messages += len(headers.starts)
        outer = np.flatnonzero(_IS_OUTER[segments.delimiters.syntax][headers.tags])
        interchange = np.full(len(headers.starts), -1, np.int64)
        group = np.full(len(headers.starts), -1, np.int64)
        # the messages between two headers or trailers of interchanges and groups
        cuts = np.searchsorted(headers.starts, outer).tolist()
        low = 0
        for index, cut in zip(outer.tolist(), cuts, strict=True):
            self._belong(interchange, group, low, cut)
            low = cut
            tag = _NAMES[int(headers.tags[index])]
            self._outer(segments, int(headers.at[index]), tag, piece.charset)
        self._belong(interchange, group, low, len(headers.starts))
        self._unclosed(headers)
        self._strays(headers)
        self._lonely(headers, interchange, group)
        self._undecodable(piece)
        if len(headers.starts):
            self._frames.append(self._described(headers, interchange, group))
        self._segments += segments.count
        self._listed(self._pending)
        self._pending.clear()

    def finish(self, rest: Iterable[Problem] = ()) -> Envelopes:
        """Close what is open and give the whole; `rest` are problems behind the last piece."""
        self._problems += rest
        self._close_group(None)
        self._close_interchange(None)
        self._problems += self._limit.rest()
        frames = self._frames or [pl.DataFrame(schema=MESSAGE_SCHEMA)]
        return Envelopes(
            tuple(self._interchanges), tuple(self._groups), pl.concat(frames),
            tuple(sorted(self._problems, key=place)), self._segments,
        )  # fmt: skip

    # -- messages ---------------------------------------------------------------------------

    def _unclosed(self, headers: _Headers) -> None:
        """Say which messages have no trailer, and which trailers have no message."""
        segments = headers.segments
        for index in np.flatnonzero(~headers.closed).tolist():
            at = int(headers.at[headers.starts[index]])
            element = 2 if segments.delimiters.syntax is Syntax.X12 else 1
            self._say(segments, at, "E109", segments.text(at, element),
                      column=segments.tag_text(at), message=headers.number + index)  # fmt: skip
        lone = np.setdiff1d(headers.ends, headers.starts[headers.closed] + 1)
        for index in lone.tolist():
            at = int(headers.at[index])
            self._say(segments, at, "E115", segments.tag_text(at))

    def _strays(self, headers: _Headers) -> None:
        """Segments that lie in no message and are no envelope: one word for each stretch."""
        segments = headers.segments
        inside = np.zeros(segments.count + 1, np.int8)
        inside[headers.at[headers.starts]] += 1
        np.subtract.at(inside, headers.stops(), 1)
        envelope = _IS_ENVELOPE[segments.delimiters.syntax][segments.tag]
        lone = np.flatnonzero((np.cumsum(inside)[:-1] == 0) & ~envelope)
        begins = np.ones(len(lone), np.bool_)
        begins[1:] = np.diff(lone) != 1
        for at in lone[begins].tolist():
            self._say(segments, at, "E115", segments.tag_text(at)[:_SHOWN])

    def _lonely(self, headers: _Headers, interchange: Ints, group: Ints) -> None:
        """Messages outside of interchanges, and X12 ones outside of groups."""
        lonely = interchange < 0
        if headers.segments.delimiters.syntax is Syntax.X12:
            lonely |= group < 0
        for index in np.flatnonzero(lonely).tolist():
            at = int(headers.at[headers.starts[index]])
            tag = headers.segments.tag_text(at)
            self._say(headers.segments, at, "E115", tag, message=headers.number + index)

    def _undecodable(self, piece: Piece) -> None:
        """Bytes outside of messages that the character set does not have; inside, see `judge`."""
        segments = piece.segments
        envelope = _IS_OUTER[segments.delimiters.syntax][segments.tag[piece.undecodable]]
        for at in piece.undecodable[envelope].tolist():
            text = segments.plain(int(segments.start[at]), int(segments.stop[at]))
            self._say(segments, at, "E118", text[:_SHOWN], piece.charset, segments.tag_text(at))

    def _described(self, headers: _Headers, interchange: Ints, group: Ints) -> pl.DataFrame:
        segments, first = headers.segments, headers.number
        x12 = segments.delimiters.syntax is Syntax.X12
        begin = headers.at[headers.starts]
        closed = headers.closed
        end = headers.stops() - 1
        declared = np.where(closed, segments.numbers(*segments.bounds(end, 1)), -1)
        counted = end - begin + 1
        for index in np.flatnonzero(closed & (declared != counted)).tolist():
            text = segments.text(int(end[index]), 1)
            declared[index] = _number(text)  # with blanks around
            if declared[index] == counted[index]:
                continue
            self._say(segments, int(end[index]), "E110", text, str(counted[index]), _column(segments, int(end[index]), 1), first + index)  # fmt: skip
        kind, version, reference = _named(segments, begin)
        differ = np.flatnonzero(closed)
        low, high = reference[0][differ], reference[1][differ]
        differ = differ[~_same(segments, low, high, *segments.bounds(end[differ], 2))]
        for index in differ.tolist():
            self._say(segments, int(end[index]), "E106", segments.text(int(end[index]), 2),
                      segments.plain(int(reference[0][index]), int(reference[1][index])),
                      _column(segments, int(end[index]), 2), first + index)  # fmt: skip
        return pl.DataFrame(
            {
                "message": np.arange(first, first + len(begin)),
                "interchange": interchange,
                "group": group,
                "type": kind,
                "identifier": segments.texts(*segments.bounds(begin, 1 if x12 else 2)),
                "version": version,
                "reference": segments.texts(*reference),
                "line": segments.lines(begin),
                "begin": begin + segments.ordinal,
                "end": np.where(closed, end + segments.ordinal, 0),
                "declared": declared,
                "counted": counted,
            },
            schema=MESSAGE_SCHEMA,
        )

    def _belong(self, interchange: Ints, group: Ints, low: int, high: int) -> None:
        if self._interchange is not None:
            interchange[low:high] = len(self._interchanges) - 1
            self._interchange.messages += high - low
        if self._group is not None:
            group[low:high] = len(self._groups) - 1
            self._group.counted += high - low

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
                inside = len(self._interchanges) - 1 if self._interchange is not None else -1
                self._group = _group(segments, at, tag, inside)
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
            case _:  # TA1 answers an interchange of ours
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
        self._pending.append(
            Problem(code, line, segments.ordinal + at, value, detail, column, message)
        )
        if len(self._pending) > PROBLEMS_MAX:
            self._listed(self._pending)

    def _listed(self, problems: Iterable[Problem]) -> None:
        """Take problems: all that reject something, the others up to a limit."""
        self._problems += (
            problem
            for problem in sorted(problems, key=place)
            if problem.message >= 0 or self._limit.admit(problem)
        )
        if len(self._problems) > PROBLEMS_MAX:
            raise SourceUnusable(
                f"{self._name} has more than {PROBLEMS_MAX:,} faults in its envelopes",
                help="look at the first with `pipeline edi show`; ask the partner for the file again",
            )


def _named(segments: Segments, begin: Ints) -> tuple[pl.Series, pl.Series, tuple[Ints, Ints]]:
    """Type and version of messages that begin at some segments, and where their references lie."""
    if segments.delimiters.syntax is Syntax.X12:
        kind = segments.texts(*segments.bounds(begin, 1))
        return kind, segments.texts(*segments.bounds(begin, 3)), segments.bounds(begin, 2)
    kind = segments.texts(*segments.bounds(begin, 2, 1))
    # UNH 2: type:version:release, together the directory D:96A
    version = segments.texts(*segments.bounds(begin, 2, 2))
    release = segments.texts(*segments.bounds(begin, 2, 3))
    return kind, version + release, segments.bounds(begin, 1)


def _same(segments: Segments, begin: Ints, end: Ints, low: Ints, high: Ints) -> Bools:
    """Tell where two texts are the same; a difference of leading zeros is none."""
    same: Bools = ((end - begin) == (high - low)) & (end - begin <= _REFERENCE_MAX)
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
    one, other = one.strip(PADDING), other.strip(PADDING)
    if one.isascii() and one.isdigit() and other.isascii() and other.isdigit():
        return (one.lstrip("0") or "0") == (other.lstrip("0") or "0")
    return one == other


def _number(text: str) -> int:
    text = text.strip(PADDING)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else -1


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


def _parts(segments: Segments, at: int) -> tuple[tuple[str, ...], ...]:
    """As `_values`, by components: with release characters gone they cannot be told apart later."""
    return tuple(segments.parts(at, number) for number in range(1, int(segments.elements[at]) + 1))


def _interchange(segments: Segments, at: int, tag: str, charset: str) -> Interchange:
    def text(element: int, component: int = 0) -> str:
        return segments.text(at, element, component).strip(PADDING)

    line, ordinal = int(segments.lines(np.array([at]))[0]), segments.ordinal + at
    values = _values(segments, at)
    if tag == "ISA":
        return Interchange(
            Syntax.X12, segments.delimiters, line, ordinal, text(6), text(5), text(8), text(7),
            text(13), text(12), text(9), text(10), text(15) == "T", text(14) == "1", values, charset,
        )  # fmt: skip
    return Interchange(
        Syntax.EDIFACT, segments.delimiters, line, ordinal, text(2, 1), text(2, 2), text(3, 1),
        text(3, 2), text(5), text(1), text(4, 1), text(4, 2), text(11) == "1", text(9) == "1",
        values, charset, _parts(segments, at),
    )  # fmt: skip


def _group(segments: Segments, at: int, tag: str, interchange: int) -> Group:
    def text(element: int, component: int = 0) -> str:
        return segments.text(at, element, component).strip(PADDING)

    line, ordinal = int(segments.lines(np.array([at]))[0]), segments.ordinal + at
    values = _values(segments, at)
    if tag == "GS":
        return Group(
            interchange, line, ordinal, text(1), text(2), text(3), text(6), text(8), values
        )
    return Group(interchange, line, ordinal, text(1), text(2, 1), text(3, 1), text(5),
                 text(7, 1) + text(7, 2), values, _parts(segments, at))  # fmt: skip
