"""Elements against the tables: what is missing, too long, of the wrong type, or no known code.

Every element and component of a piece is measured at once, by a rule number made of tag, element
and component. Only what breaks a rule is looked at one by one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.model.edi import edifact, x12
from pipeline.model.edi.definition import Element, Segment, Syntax, Type
from pipeline.model.edi.envelope import Problem, place_of
from pipeline.model.edi.tags import TAG_IDS, TAGS
from pipeline.read.edi.dates import no_date, no_period, no_time
from pipeline.read.edi.problems import Limit
from pipeline.read.edi.segments import Bools, Ints, Segments
from pipeline.read.edi.structure import Bodies

# A rule number is ((tag * _ELEMENTS) + element) * _PARTS + component; what lies beyond is unbounded.
_ELEMENTS = 32
_PARTS = 8
_SHOWN = 200
_TAG = 10
_CONTROL = 0x20  # the first character that is none
_NUMBER_MAX = 40  # characters; a longer one is none
_NUMERIC = {Type.WHOLE: 1, Type.DECIMAL: 2, Type.DATE: 3, Type.TIME: 4}
_UNBOUNDED = 32_000

SEGMENTS: Mapping[Syntax, Mapping[str, Segment]] = {
    Syntax.X12: x12.SEGMENTS,
    Syntax.EDIFACT: edifact.SEGMENTS,
}


class _Rules:
    """The limits of every rule number of a syntax, as arrays."""

    def __init__(self, syntax: Syntax) -> None:
        size = len(TAGS) * _ELEMENTS * _PARTS
        self.low = np.zeros(size, np.int16)
        self.high = np.full(size, _UNBOUNDED, np.int16)
        self.must = np.zeros(size, np.bool_)
        self.kind = np.zeros(size, np.uint8)
        self.parts = np.full(size, _UNBOUNDED, np.int16)
        self.most = np.full(len(TAGS), _UNBOUNDED, np.int64)
        self.needed = np.zeros(len(TAGS), np.int64)
        self.codes: dict[int, frozenset[str]] = {}
        self.names: dict[int, Element] = {}
        for tag, segment in SEGMENTS[syntax].items():
            self._segment(TAG_IDS[tag], segment)
        self.least = np.where(self.must, np.maximum(self.low, 1), self.low)

    def _segment(self, tag: int, segment: Segment) -> None:
        if segment.elements:
            self.most[tag] = len(segment.elements)
        for number, element in enumerate(segment.elements[: _ELEMENTS - 1], start=1):
            if element.must:
                self.needed[tag] = number
            base = (tag * _ELEMENTS + number) * _PARTS
            parts = element.parts or (element,)
            self.parts[base] = len(parts)
            for offset, part in enumerate(parts[:_PARTS]):
                needed = part.must and (element.must or not element.parts)
                self._rule(base + offset, part, must=needed)

    def _rule(self, rule: int, element: Element, *, must: bool) -> None:
        self.names[rule] = element
        self.must[rule] = must
        if element.type is Type.COMPOSITE:
            return
        self.low[rule] = element.low
        self.high[rule] = min(element.high, _UNBOUNDED)
        self.kind[rule] = _NUMERIC.get(element.type, 0)
        if element.codes:
            self.codes[rule] = element.codes


@cache
def _rules(syntax: Syntax) -> _Rules:
    return _Rules(syntax)


def check_elements(bodies: Bodies) -> list[Problem]:
    """Check every element of the messages' segments (E301-E306)."""
    checks = _Checks(bodies)
    return sorted(checks.found(), key=lambda problem: problem.segment)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Elements (X12) or components (EDIFACT) of a piece: where they end, and their rule numbers.

    Tags are among them, as element 0 that no rule limits. `last` is the place of each segment's
    last value. What is wanted of few is worked out when it is asked for.
    """

    end: Ints
    rule: Ints
    last: Ints

    def begin(self, index: Ints) -> Ints:
        """Where some begin; those of the first value, a tag, are not known."""
        begin: Ints = self.end[index - 1] + 1
        return begin

    def segment(self, index: Ints) -> Ints:
        """The segments of some."""
        return np.searchsorted(self.last, index)


class _Checks:
    """The checks of the messages of one type in a piece."""

    def __init__(self, bodies: Bodies) -> None:
        self._segments = bodies.segments
        self._rules = _rules(bodies.segments.delimiters.syntax)
        # the message's number for each segment of the piece, -1 for those of other messages
        self._number = np.full(bodies.segments.count, -1, np.int64)
        self._number[bodies.at] = bodies.number[bodies.message]
        self._all = _measured(bodies.segments)
        self._limit = Limit()

    def found(self) -> Iterator[Problem]:
        yield from self._too_many()
        yield from self._too_few()
        all_, rules = self._all, self._rules
        size = np.diff(all_.end, prepend=-1) - 1
        # most of what is too short is empty, and may be
        short = np.flatnonzero(size < rules.least[all_.rule])
        empty = size[short] == 0
        missing = short[empty & rules.must[all_.rule[short]]]
        yield from self._said("E301", self._mine(missing))
        long = np.flatnonzero(size > rules.high[all_.rule])
        yield from self._lengths(self._mine(np.union1d(short[~empty], long)))
        typed = self._mine(np.flatnonzero((rules.kind[all_.rule] > 0) & (size > 0)))
        bad, dates = _bad_types(
            self._segments, rules.kind[all_.rule[typed]], all_.begin(typed), all_.end[typed]
        )
        yield from self._said("E303", typed[bad])
        yield from self._said("E306", typed[dates])
        yield from self._codes(size)
        yield from self._controls()
        if self._segments.delimiters.syntax is Syntax.EDIFACT:
            yield from self._dates()
        yield from self._limit.rest()

    def _mine(self, index: Ints) -> Ints:
        """Those of some values that stand in the messages."""
        mine: Ints = index[self._number[self._all.segment(index)] >= 0]
        return mine

    def _too_many(self) -> Iterator[Problem]:
        """Segments and composites with more parts than the table has."""
        segments, rules = self._segments, self._rules
        most = rules.most[segments.tag]
        at = np.flatnonzero((self._number >= 0) & (segments.elements > most))
        for place in self._chosen("E305", at):
            yield self._at(place, "E305", str(segments.elements[place]), str(most[place]),
                           segments.tag_text(place))  # fmt: skip
        if segments.delimiters.syntax is Syntax.X12 or not len(segments.part):
            return
        count = np.diff(segments.part_first[: len(segments.mark) + 1]) + 1
        many = np.flatnonzero(count > 1)
        segment = np.searchsorted(segments.first, many, side="right") - 1
        element = many - segments.first[segment]
        base = _base(segments.tag[segment], element)
        wrong = (count[many] > rules.parts[base]) & (self._number[segment] >= 0)
        places = np.flatnonzero(wrong)
        for index in places[self._limit.choose(
            "E305", segments, segment[places], self._number[segment[places]]
        )].tolist():  # fmt: skip
            at_ = int(segment[index])
            column = place_of(
                segments.delimiters.syntax, segments.tag_text(at_), int(element[index])
            )
            yield self._at(
                at_, "E305", str(count[many[index]]), str(rules.parts[base[index]]), column
            )

    def _too_few(self) -> Iterator[Problem]:
        """Segments that end before a mandatory element."""
        segments, rules = self._segments, self._rules
        at = np.flatnonzero((self._number >= 0) & (segments.elements < rules.needed[segments.tag]))
        for place in self._chosen("E301", at):
            tag = int(segments.tag[place])
            for missing in range(int(segments.elements[place]) + 1, int(rules.needed[tag]) + 1):
                rule = (tag * _ELEMENTS + missing) * _PARTS
                if rules.must[rule]:
                    column = place_of(segments.delimiters.syntax, TAGS[tag], missing)
                    yield self._at(place, "E301", "", rules.names[rule].name, column)

    def _lengths(self, index: Ints) -> Iterator[Problem]:
        # limits are in characters, positions in bytes
        all_, rules = self._all, self._rules
        texts = self._segments.texts(all_.begin(index), all_.end[index])
        size = texts.str.len_chars().to_numpy()
        rule = all_.rule[index]
        wrong = np.flatnonzero((size < rules.low[rule]) | (size > rules.high[rule]))
        yield from self._said("E302", index[wrong])

    def _codes(self, size: Ints) -> Iterator[Problem]:
        all_, segments = self._all, self._segments
        for rule, codes in self._rules.codes.items():
            index = self._places(rule)
            index = self._mine(index[size[index] > 0])
            begin, end = all_.begin(index), all_.end[index]
            odd = ~segments.among(begin, end, (code.encode() for code in codes))
            yield from self._said("E304", index[odd], ", ".join(sorted(codes)))

    def _controls(self) -> Iterator[Problem]:
        """Elements with line ends or other control characters: of a file that was wrapped."""
        segments = self._segments
        at = np.flatnonzero(segments.octets < _CONTROL)
        if not segments.escapes:
            # nearly all are line ends right behind a terminator
            at = at[segments.octets[np.maximum(at - 1, 0)] != segments.delimiters.segment]
        holder = np.searchsorted(segments.start, at, side="right") - 1
        at, holder = at[holder >= 0], holder[holder >= 0]
        inside = (at < segments.stop[holder]) & (self._number[holder] >= 0)
        at, holder = at[inside], holder[inside]
        place = np.searchsorted(segments.mark, at)
        # a separator may be a control character itself
        no_mark = segments.mark[place] != at
        no_mark &= segments.octets[at] != segments.delimiters.component
        place, holder = place[no_mark], holder[no_mark]
        place, first = np.unique(place, return_index=True)
        holder = holder[first]
        for chosen in self._limit.choose(
            "E303", segments, holder, self._number[holder]
        ).tolist():  # fmt: skip
            segment = int(holder[chosen])
            element = int(place[chosen] - segments.first[segment])
            column = place_of(
                segments.delimiters.syntax, segments.tag_text(segment)[:_TAG], element
            )
            value = segments.text(segment, element)[:_SHOWN] if element else ""
            yield self._at(segment, "E303", value, "without control characters", column)

    def _places(self, rule: int) -> Ints:
        """Where the values with a rule number stand among all."""
        segments = self._segments
        element, part = rule // _PARTS % _ELEMENTS, rule % _PARTS
        at = np.flatnonzero(segments.tag == rule // (_ELEMENTS * _PARTS))
        index = (segments.first[at] + element)[segments.elements[at] >= element]
        if segments.delimiters.syntax is Syntax.X12:
            return index if part == 0 else index[:0]
        low = segments.part_first[index]
        there: Ints = (index + low + part)[segments.part_first[index + 1] - low >= part]
        return there

    def _dates(self) -> Iterator[Problem]:
        """DTM: 2380 against its format 2379."""
        segments = self._segments
        at = np.flatnonzero((segments.tag == TAG_IDS["DTM"]) & (self._number >= 0))
        begin, end = segments.bounds(at, 1, 2)
        wrong = no_period(segments, begin, end, *segments.bounds(at, 1, 3))
        for place in self._chosen("E306", at[wrong]):
            yield self._at(place, "E306", segments.text(place, 1, 2),
                           f"format {segments.text(place, 1, 3)}", "DTM+1.2")  # fmt: skip

    # -- what is said -------------------------------------------------------------------------

    def _chosen(self, code: str, at: Ints) -> list[int]:
        chosen: list[int] = at[
            self._limit.choose(code, self._segments, at, self._number[at])
        ].tolist()
        return chosen

    def _said(self, code: str, index: Ints, detail: str = "") -> Iterator[Problem]:
        """Problems at elements; without a `detail` the element's name, or its lengths (E302)."""
        at = self._all.segment(index)
        for place in index[
            self._limit.choose(code, self._segments, at, self._number[at])
        ].tolist():  # fmt: skip
            rule = int(self._all.rule[place])
            lengths = f"{self._rules.low[rule]} to {self._rules.high[rule]}"
            yield self._problem(code, place, lengths if code == "E302" else detail)

    def _problem(self, code: str, index: int, detail: str) -> Problem:
        segments, rules = self._segments, self._rules
        here = np.array([index])
        at, wanted = int(self._all.segment(here)[0]), int(self._all.rule[index])
        element, component = wanted // _PARTS % _ELEMENTS, wanted % _PARTS
        base = wanted - component
        part = component + 1 if base in rules.names and base + 1 in rules.names else 0
        column = place_of(segments.delimiters.syntax, segments.tag_text(at), element, part)
        value = segments.plain(int(self._all.begin(here)[0]), int(self._all.end[index]))
        return self._at(at, code, value[:_SHOWN], detail or rules.names[wanted].name, column)

    def _at(self, at: int, code: str, value: str, detail: str, column: str) -> Problem:
        segments = self._segments
        line = int(segments.lines(np.array([at]))[0])
        number = int(self._number[at])
        return Problem(code, line, segments.ordinal + at, value, detail, column, number)


def _base(tag: NDArray[np.uint8], element: Ints) -> Ints:
    """The rule numbers of elements' first components."""
    return (tag.astype(np.int64) * _ELEMENTS + np.minimum(element, _ELEMENTS - 1)) * _PARTS


def _measured(segments: Segments) -> _Measured:
    """Measure every element or component of a piece."""
    counts = np.diff(segments.first)
    place = np.arange(int(segments.first[-1]))
    rule = np.repeat(segments.tag.astype(np.int64) * _ELEMENTS, counts)
    element = place - np.repeat(segments.first[:-1], counts)
    rule += np.minimum(element, _ELEMENTS - 1, out=element)
    rule *= _PARTS
    mark, last = segments.mark[: len(place)], segments.first[1:] - 1
    if segments.delimiters.syntax is Syntax.X12 or not len(segments.part):
        return _Measured(mark, rule, last)
    before = segments.part_first[: len(place) + 1]
    parts = np.diff(before) + 1
    end = np.empty(len(place) + int(before[-1]), np.int64)
    between = np.ones(len(end), np.bool_)
    between[place + before[1:]] = False
    end[place + before[1:]] = mark
    end[between] = segments.part[: int(before[-1])]
    component = np.arange(len(end)) - np.repeat(place + before[:-1], parts)
    rule = np.repeat(rule, parts)
    rule += np.minimum(component, _PARTS - 1, out=component)
    return _Measured(end, rule, last + before[1:][last])


def _bad_types(
    segments: Segments, kind: NDArray[np.uint8], begin: Ints, end: Ints
) -> tuple[Bools, Bools]:
    """Which numbers, dates and times are none: wrong characters, and dates that do not exist."""
    size = end - begin
    wrong = size > _NUMBER_MAX
    marks = np.zeros(len(begin), np.int64)
    for position in range(int(size[~wrong].max()) if not wrong.all() else 0):
        more = np.flatnonzero((size > position) & ~wrong)
        byte = segments.octets[begin[more] + position]
        digit = (byte >= 0x30) & (byte <= 0x39)
        number = kind[more] <= _NUMERIC[Type.DECIMAL]
        sign = number & (position == 0) & ((byte == 0x2D) | (byte == 0x2B))
        mark = (kind[more] == _NUMERIC[Type.DECIMAL]) & ((byte == 0x2E) | (byte == 0x2C))
        marks[more[mark]] += 1
        wrong[more[~(digit | sign | mark)]] = True
    wrong |= marks > 1
    dates = np.zeros(len(begin), np.bool_)
    for of_kind, sizes, missing in (
        (Type.DATE, (6, 8), no_date),
        (Type.TIME, (4, 6, 7, 8), no_time),
    ):
        at = np.flatnonzero((kind == _NUMERIC[of_kind]) & ~wrong)
        fits = np.isin(size[at], sizes)
        dates[at[~fits]] = True
        at = at[fits]
        dates[at] = missing(segments, begin[at], end[at])
    return wrong, dates
