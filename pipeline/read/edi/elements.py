"""Elements against the tables: what is missing, too long, of the wrong type, or no known code.

Every element and component of a piece is measured at once, by a rule number made of tag, element
and component. Only what breaks a rule is looked at one by one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.model.edi import edifact, x12
from pipeline.model.edi.definition import Element, Segment, Syntax, Type
from pipeline.model.edi.envelope import Problem, place_of
from pipeline.model.edi.tags import TAG_IDS, TAGS
from pipeline.read.edi.segments import Bools, Ints, Segments
from pipeline.read.edi.structure import Bodies

# A rule number is ((tag * _ELEMENTS) + element) * _PARTS + component; what lies beyond is unbounded.
_ELEMENTS = 32
_PARTS = 8
_SAME_PROBLEM_MAX = 20
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
        self.most = np.full(len(TAGS), _UNBOUNDED, np.int64)
        self.needed = np.zeros(len(TAGS), np.int64)
        self.codes: dict[int, frozenset[str]] = {}
        self.names: dict[int, Element] = {}
        for tag, segment in SEGMENTS[syntax].items():
            self._segment(TAG_IDS[tag], segment)

    def _segment(self, tag: int, segment: Segment) -> None:
        if segment.elements:
            self.most[tag] = len(segment.elements)
        for number, element in enumerate(segment.elements[: _ELEMENTS - 1], start=1):
            if element.must:
                self.needed[tag] = number
            base = (tag * _ELEMENTS + number) * _PARTS
            parts = element.parts or (element,)
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
    segments = bodies.segments
    syntax = segments.delimiters.syntax
    rules = _rules(syntax)
    said: Counter[tuple[int, str]] = Counter()
    found: list[Problem] = []
    number = _message_of(bodies)
    for problem in _problems(segments, rules, number):
        key = (problem.message, problem.code)
        said[key] += 1
        if said[key] <= _SAME_PROBLEM_MAX:
            found.append(problem)
    return sorted(found, key=lambda problem: problem.segment)


def _message_of(bodies: Bodies) -> Ints:
    """The message's number for each segment of the piece, -1 for those of other messages."""
    number = np.full(bodies.segments.count, -1, np.int64)
    number[bodies.at] = bodies.number[bodies.message]
    return number


def _problems(segments: Segments, rules: _Rules, number: Ints) -> Iterator[Problem]:
    yield from _counts(segments, rules, number)
    begin, end, rule, segment = _measured(segments)
    size = end - begin
    mine = number[segment] >= 0
    too_short = (size < rules.low[rule]) & ((size > 0) | rules.must[rule])
    wrong = mine & ((size > rules.high[rule]) | too_short)
    for index in np.flatnonzero(wrong).tolist():
        yield from _length(segments, rules, number, begin, end, rule, segment, index)
    typed = np.flatnonzero(mine & (rules.kind[rule] > 0) & (size > 0))
    bad, dates = _bad_types(segments, rules.kind[rule[typed]], begin[typed], end[typed])
    for code, some in (("E303", typed[bad]), ("E306", typed[dates])):
        for index in some.tolist():
            yield _problem(segments, number, segment, rule, begin, end, index, code, rules)
    yield from _codes(segments, rules, number, begin, end, rule, segment, mine)


def _measured(segments: Segments) -> tuple[Ints, Ints, NDArray[np.int64], Ints]:
    """Every element (X12) or component (EDIFACT): first and last byte, rule number, segment."""
    counts = np.diff(segments.first)
    segment = np.repeat(np.arange(segments.count), counts)
    total = len(segment)
    element = np.arange(total) - np.repeat(segments.first[:-1], counts)
    end = segments.mark[:total]
    begin = np.empty(total, np.int64)
    begin[0] = 0
    begin[1:] = end[:-1] + 1
    rule = (
        segments.tag[segment].astype(np.int64) * _ELEMENTS + np.minimum(element, _ELEMENTS - 1)
    ) * _PARTS
    keep = np.flatnonzero(element > 0)
    begin, end, rule, segment = begin[keep], end[keep], rule[keep], segment[keep]
    if segments.delimiters.syntax is Syntax.X12 or not len(segments.part):
        return begin, end, rule, segment
    low = segments.part_first[:total][keep]
    pieces = segments.part_first[1 : total + 1][keep] - low + 1
    first = np.zeros(len(pieces), np.int64)
    np.cumsum(pieces[:-1], out=first[1:])
    owner = np.repeat(np.arange(len(pieces)), pieces)
    component = np.arange(len(owner)) - first[owner]
    top = len(segments.part) - 1
    at = low[owner] + component
    is_last = component == pieces[owner] - 1
    is_first = component == 0
    part_begin = np.where(is_first, begin[owner], segments.part[np.clip(at - 1, 0, top)] + 1)
    part_end = np.where(is_last, end[owner], segments.part[np.minimum(at, top)])
    return part_begin, part_end, rule[owner] + np.minimum(component, _PARTS - 1), segment[owner]


def _counts(segments: Segments, rules: _Rules, number: Ints) -> Iterator[Problem]:
    """Segments with more elements than the table has, or that end before a mandatory one."""
    elements = segments.elements
    mine = number >= 0
    for at in np.flatnonzero(mine & (elements > rules.most[segments.tag])).tolist():
        name = segments.tag_text(at)
        yield _at(
            segments, number, at, "E305", str(elements[at]), str(rules.most[segments.tag[at]]), name
        )
    for at in np.flatnonzero(mine & (elements < rules.needed[segments.tag])).tolist():
        tag = int(segments.tag[at])
        for missing in range(int(elements[at]) + 1, int(rules.needed[tag]) + 1):
            rule = (tag * _ELEMENTS + missing) * _PARTS
            if rules.must[rule]:
                place = place_of(segments.delimiters.syntax, TAGS[tag], missing)
                yield _at(segments, number, at, "E301", "", rules.names[rule].name, place)


def _length(
    segments: Segments, rules: _Rules, number: Ints, begin: Ints, end: Ints, rule: Ints,
    segment: Ints, index: int,
) -> Iterator[Problem]:  # fmt: skip
    if begin[index] == end[index]:
        yield _problem(segments, number, segment, rule, begin, end, index, "E301", rules)
        return
    # limits are in characters, positions in bytes
    size = len(segments.plain(int(begin[index]), int(end[index])))
    number_of = int(rule[index])
    if not rules.low[number_of] <= size <= rules.high[number_of]:
        detail = f"{rules.low[number_of]} to {rules.high[number_of]}"
        yield _problem(segments, number, segment, rule, begin, end, index, "E302", rules, detail)


def _bad_types(
    segments: Segments, kind: NDArray[np.uint8], begin: Ints, end: Ints
) -> tuple[Bools, Bools]:
    """Which numbers, dates and times are none: wrong characters, and dates that do not exist."""
    size = end - begin
    wrong = np.zeros(len(begin), np.bool_)
    marks = np.zeros(len(begin), np.int64)
    top = len(segments.octets) - 1
    for position in range(int(size.max()) if len(size) else 0):
        more = np.flatnonzero(size > position)
        byte = segments.octets[np.minimum(begin[more] + position, top)]
        digit = (byte >= 0x30) & (byte <= 0x39)
        number = kind[more] <= _NUMERIC[Type.DECIMAL]
        sign = number & (position == 0) & ((byte == 0x2D) | (byte == 0x2B))
        mark = (kind[more] == _NUMERIC[Type.DECIMAL]) & ((byte == 0x2E) | (byte == 0x2C))
        marks[more[mark]] += 1
        wrong[more[~(digit | sign | mark)]] = True
    wrong |= marks > 1
    dates = _no_dates(segments, kind, begin, size, wrong)
    return wrong, dates


def _no_dates(
    segments: Segments, kind: NDArray[np.uint8], begin: Ints, size: Ints, wrong: Bools
) -> Bools:
    bad = np.zeros(len(begin), np.bool_)
    date = np.flatnonzero((kind == _NUMERIC[Type.DATE]) & ~wrong)
    bad[date[~np.isin(size[date], (6, 8))]] = True
    date = date[np.isin(size[date], (6, 8))]
    last = begin[date] + size[date]
    year = segments.numbers(begin[date], last - 4)
    month, day = segments.numbers(last - 4, last - 2), segments.numbers(last - 2, last)
    days = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    exists = (month >= 1) & (month <= 12)
    longest = days[np.where(exists, month, 0)]
    century = np.where(size[date] == 6, year + 2000, year)
    leap = (century % 4 == 0) & ((century % 100 != 0) | (century % 400 == 0))
    longest = longest - ((month == 2) & ~leap)
    bad[date[~(exists & (day >= 1) & (day <= longest))]] = True
    time = np.flatnonzero((kind == _NUMERIC[Type.TIME]) & ~wrong)
    bad[time[~np.isin(size[time], (4, 6, 7, 8))]] = True
    time = time[np.isin(size[time], (4, 6, 7, 8))]
    hour = segments.numbers(begin[time], begin[time] + 2)
    minute = segments.numbers(begin[time] + 2, begin[time] + 4)
    bad[time[(hour > 24) | (minute > 59)]] = True
    return bad


def _codes(
    segments: Segments, rules: _Rules, number: Ints, begin: Ints, end: Ints, rule: Ints,
    segment: Ints, mine: Bools,
) -> Iterator[Problem]:  # fmt: skip
    for wanted, codes in rules.codes.items():
        tag = wanted // (_ELEMENTS * _PARTS)
        if not (segments.tag == tag).any():
            continue
        at = np.flatnonzero((rule == wanted) & mine & (end > begin))
        known = np.zeros(len(at), np.bool_)
        for code in codes:
            known |= segments.equal(begin[at], end[at], code.encode())
        for index in at[~known].tolist():
            detail = ", ".join(sorted(codes))
            yield _problem(
                segments, number, segment, rule, begin, end, index, "E304", rules, detail
            )


def _problem(
    segments: Segments, number: Ints, segment: Ints, rule: Ints, begin: Ints, end: Ints, index: int,
    code: str, rules: _Rules, detail: str = "",
) -> Problem:  # fmt: skip
    at, wanted = int(segment[index]), int(rule[index])
    element = wanted // _PARTS % _ELEMENTS
    component = wanted % _PARTS
    definition = rules.names[wanted]
    syntax = segments.delimiters.syntax
    composite = (wanted - component) in rules.names and (wanted - component + 1) in rules.names
    place = place_of(syntax, segments.tag_text(at), element, component + 1 if composite else 0)
    value = segments.plain(int(begin[index]), int(end[index]))
    return _at(segments, number, at, code, value, detail or definition.name, place)


def _at(
    segments: Segments, number: Ints, at: int, code: str, value: str, detail: str, column: str
) -> Problem:
    line = int(segments.lines(np.array([at]))[0])
    return Problem(code, line, segments.ordinal + at, value, detail, column, int(number[at]))
