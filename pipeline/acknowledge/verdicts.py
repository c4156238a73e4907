"""Problems of a file to verdicts on its interchanges, groups and messages.

An error rejects its message; one of a group or interchange rejects all that is in it, as the
reader does (`read.edi.batches`). A warning leaves the message accepted, and is still told.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from pipeline.acknowledge.codes import (
    DUPLICATE,
    LOOP_TOO_OFTEN,
    NO_DATE,
    NO_TIME,
    NO_TYPE,
    NOT_SUPPORTED,
    NOTED,
    ROWS,
    TOO_SHORT,
    UNANSWERED,
    UNRECOGNISED_TAG,
    UNSPECIFIED,
    Level,
    Row,
)
from pipeline.model.edi import edifact, x12
from pipeline.model.edi.definition import Element, Loop, Message, Segment, Syntax, Type, Use
from pipeline.model.edi.envelope import Envelopes, Group, Interchange, Problem
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.rules import RULES, Severity

ACKNOWLEDGEMENTS = frozenset({"997", "999", "CONTRL"})

_SEGMENTS: Mapping[Syntax, Mapping[str, Segment]] = {
    Syntax.X12: x12.SEGMENTS,
    Syntax.EDIFACT: edifact.SEGMENTS,
}
_GROUP_CODES = frozenset({"E107", "E108"})
_NAMES_SEGMENT = frozenset({"E201", "E202", "E203", "E204"})  # their value is a tag
_GROUP_TAGS = frozenset({"GS", "GE", "UNG", "UNE"})
# REF*02, SVC*01-2, DTM+1.2: how `place_of` writes an element's place
_PLACE = re.compile(r"(?s)(?P<tag>.*?)[*+](?P<element>\d+)(?:[-.](?P<component>\d+))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a level; `position` counts segments of the message from its header, 1.

    `tag` is the segment's, for an envelope fault the service segment's. `element` and `component`
    count from 1, 0 is none; `value` is what stands there.
    """

    level: Level
    row: Row
    rejects: bool
    position: int = 0
    tag: str = ""
    loop: str = ""
    element: int = 0
    component: int = 0
    value: str = ""


@dataclass(slots=True)
class MessageVerdict:
    """What becomes of a message; `faults` are its own, in the order of its segments.

    `by_envelope` means that it is rejected for what is around it.
    """

    type: str
    identifier: str
    version: str
    reference: str
    faults: list[Fault] = field(default_factory=list)
    by_envelope: bool = False

    @property
    def rejected(self) -> bool:
        """Whether nothing of it is used."""
        return self.by_envelope or any(fault.rejects for fault in self.faults)

    def at(self, level: Level) -> Iterator[Fault]:
        """The faults of one level."""
        return (fault for fault in self.faults if fault.level is level)


@dataclass(slots=True)
class GroupVerdict:
    """What becomes of a group."""

    group: Group
    faults: list[Fault] = field(default_factory=list)
    messages: list[MessageVerdict] = field(default_factory=list)
    by_envelope: bool = False

    @property
    def rejected(self) -> bool:
        """Whether nothing of it is used."""
        return self.by_envelope or any(fault.rejects for fault in self.faults)

    @property
    def acknowledges(self) -> bool:
        """Whether it holds acknowledgements, which are never acknowledged themselves."""
        types = {message.type for message in self.messages}
        return self.group.functional == "FA" or bool(types and types <= ACKNOWLEDGEMENTS)


@dataclass(slots=True)
class InterchangeVerdict:
    """What becomes of an interchange; `messages` are those that lie in no group."""

    number: int
    interchange: Interchange
    faults: list[Fault] = field(default_factory=list)
    groups: list[GroupVerdict] = field(default_factory=list)
    messages: list[MessageVerdict] = field(default_factory=list)

    @property
    def rejected(self) -> bool:
        """Whether nothing of it is used."""
        return any(fault.rejects for fault in self.faults)

    @property
    def duplicate(self) -> bool:
        """Whether its reference was used before."""
        return any(fault.row is DUPLICATE for fault in self.faults)


def verdicts(envelopes: Envelopes, problems: Iterable[Problem]) -> list[InterchangeVerdict]:
    """Judge every interchange of a file, in order.

    `problems` may repeat those of the envelopes. A problem that belongs to no interchange is left
    out.
    """
    judged = [
        InterchangeVerdict(number, each) for number, each in enumerate(envelopes.interchanges)
    ]
    groups = [GroupVerdict(each) for each in envelopes.groups]
    for group in groups:
        if group.group.interchange >= 0:
            judged[group.group.interchange].groups.append(group)
    messages = list(_messages(envelopes.messages))
    where = _Places(envelopes)
    _lay_faults(_told(envelopes, problems), where, judged, groups, messages)
    _lay_missing_trailers(envelopes, groups, messages)
    for message, interchange, at in zip(messages, where.interchanges, where.groups, strict=True):
        if interchange >= 0:
            _judge_type(message, judged[interchange].interchange.syntax)
            (groups[at] if at >= 0 else judged[interchange]).messages.append(message)
    for verdict in judged:
        _pass_down(verdict)
    return judged


def _lay_faults(
    problems: Iterable[Problem], where: "_Places", judged: list[InterchangeVerdict],
    groups: list[GroupVerdict], messages: list[MessageVerdict],
) -> None:  # fmt: skip
    """Give each problem to the message, group or interchange that it is about."""
    for problem in problems:
        number = where.message(problem)
        if number >= 0:
            interchange = where.interchanges[number]
            if interchange >= 0:
                syntax, message = judged[interchange].interchange.syntax, messages[number]
                position = where.position(problem, number)
                message.faults += _fault_inside(problem, syntax, message.type, position)
        elif (at := where.group(problem)) >= 0:
            groups[at].faults += _fault_around(problem, Level.GROUP)
        elif (at := where.interchange(problem)) >= 0:
            judged[at].faults += _fault_around(problem, Level.INTERCHANGE)


def _lay_missing_trailers(
    envelopes: Envelopes, groups: Iterable[GroupVerdict], messages: Iterable[MessageVerdict]
) -> None:
    """Say what is open, also where a finding about what is around it says so for all of it."""
    for group in groups:
        _lay_once(group.faults, Level.GROUP, "E107", missing=not group.group.closed)
    for message, end in zip(messages, envelopes.messages.get_column("end"), strict=True):
        _lay_once(message.faults, Level.MESSAGE, "E109", missing=end == 0)


def _lay_once(faults: list[Fault], level: Level, code: str, *, missing: bool) -> None:
    row = ROWS[code, level]
    if missing and not any(fault.row is row for fault in faults):
        faults.append(Fault(level, row, rejects=True))


def _told(envelopes: Envelopes, problems: Iterable[Problem]) -> list[Problem]:
    """Every problem that somebody is answered for, once, in the order of the file."""
    told = [*envelopes.problems, *problems]
    for interchange in envelopes.interchanges:
        told += interchange.problems
    for group in envelopes.groups:
        told += group.problems
    answered = (each for each in dict.fromkeys(told) if each.code not in UNANSWERED)
    return sorted(answered, key=lambda each: each.segment)


def _messages(table: pl.DataFrame) -> Iterator[MessageVerdict]:
    wanted = table.select("type", "identifier", "version", "reference").fill_null("")
    for kind, identifier, version, reference in wanted.iter_rows():
        yield MessageVerdict(kind, identifier, version, reference)


def _judge_type(message: MessageVerdict, syntax: Syntax) -> None:
    if message.type not in ACKNOWLEDGEMENTS and (syntax, message.type) not in MESSAGES:
        row = NOT_SUPPORTED if message.type else NO_TYPE
        message.faults.append(Fault(Level.MESSAGE, row, rejects=True))


def _pass_down(verdict: InterchangeVerdict) -> None:
    """A rejection of what is around rejects what is in it."""
    for group in verdict.groups:
        group.by_envelope = verdict.rejected
        for message in group.messages:
            message.by_envelope = group.rejected
    for message in verdict.messages:
        message.by_envelope = verdict.rejected


class _Places:
    """Where the envelopes of a file begin, to find what a problem belongs to."""

    def __init__(self, envelopes: Envelopes) -> None:
        self._interchange_begins = [each.segment for each in envelopes.interchanges]
        self._group_begins = [each.segment for each in envelopes.groups]
        self._begins = envelopes.messages.get_column("begin").to_list()
        self._counted = envelopes.messages.get_column("counted").to_list()
        self.interchanges: list[int] = envelopes.messages.get_column("interchange").to_list()
        self.groups: list[int] = envelopes.messages.get_column("group").to_list()

    def position(self, problem: Problem, message: int) -> int:
        """Which segment of a message a problem is at, its header being 1."""
        begin: int = self._begins[message]
        return problem.segment - begin + 1

    def message(self, problem: Problem) -> int:
        """The number of the problem's message; -1 where it has none."""
        if problem.message >= 0 or problem.code in NOTED:
            return problem.message
        at = bisect_right(self._begins, problem.segment) - 1
        inside = at >= 0 and problem.segment < self._begins[at] + self._counted[at]
        return at if inside else -1

    def group(self, problem: Problem) -> int:
        """The group that a problem is about; -1 where it is about none."""
        tag = re.split(r"[*+]", problem.column or "")[0]
        at = bisect_right(self._group_begins, problem.segment) - 1
        if at < 0:
            return -1
        about = problem.code in _GROUP_CODES or tag in _GROUP_TAGS
        own_header = self._group_begins[at] == problem.segment and problem.code not in NOTED
        return at if about or own_header else -1

    def interchange(self, problem: Problem) -> int:
        """The interchange that a problem lies in; -1 before the first."""
        return bisect_right(self._interchange_begins, problem.segment) - 1


def _is_error(problem: Problem) -> bool:
    return RULES[problem.code].severity is Severity.ERROR


def _fault_around(problem: Problem, level: Level) -> Iterator[Fault]:
    row = ROWS.get((problem.code, level))
    rejects = _is_error(problem) and problem.code not in NOTED
    if row is None and rejects:
        row = UNSPECIFIED[level]
    if row is not None:
        yield Fault(level, row, rejects=rejects)


def _fault_inside(problem: Problem, syntax: Syntax, message: str, position: int) -> Iterator[Fault]:
    """The fault of a problem in a message; none for an oddity that no code tells."""
    code, rejects, place = problem.code, _is_error(problem), _place(problem)
    if (row := ROWS.get((code, Level.MESSAGE))) is not None:
        yield Fault(Level.MESSAGE, row, rejects=rejects)
        return
    tag, element, component = place
    loop = _loop_of(MESSAGES.get((syntax, message)), tag)
    if (row := ROWS.get((code, Level.ELEMENT))) is not None and element:
        definition = _definition(syntax, tag, element, component)
        yield Fault(
            Level.ELEMENT, _narrowed(row, problem, definition), rejects, position, tag, loop,
            element, component, "" if code == "E305" else problem.value,
        )  # fmt: skip
    elif (row := ROWS.get((code, Level.SEGMENT))) is not None:
        row = _of_segment(row, code, tag, syntax, message)
        yield Fault(Level.SEGMENT, row, rejects, position, tag, loop)
    elif rejects:
        level = Level.SEGMENT if tag else Level.MESSAGE
        yield Fault(level, UNSPECIFIED[level], rejects, position, tag, loop)


def _place(problem: Problem) -> tuple[str, int, int]:
    """The segment, element and component that a problem in a message is about; 0 is none."""
    column = problem.column or ""
    if problem.code == "E305":
        # the first element too many, behind the last that the segment has
        return column, int(problem.detail) + 1, 0
    found = _PLACE.fullmatch(column)
    if found is not None:
        return found["tag"], int(found["element"]), int(found["component"] or 0)
    return column or (problem.value if problem.code in _NAMES_SEGMENT else ""), 0, 0


def _of_segment(row: Row, code: str, tag: str, syntax: Syntax, message: str) -> Row:
    if code == "E202" and tag not in _SEGMENTS[syntax]:
        return UNRECOGNISED_TAG
    definition = MESSAGES.get((syntax, message))
    if code == "E204" and definition is not None and _only_begins_loops(definition, tag):
        return LOOP_TOO_OFTEN
    return row


def _narrowed(row: Row, problem: Problem, definition: Element | None) -> Row:
    """The row of an element's fault with what its definition adds: too short, no date, no time."""
    if definition is None:
        return row
    if problem.code == "E302":
        return TOO_SHORT if len(problem.value) < definition.low else row
    if problem.code in {"E303", "E306"}:
        return {Type.DATE: NO_DATE, Type.TIME: NO_TIME}.get(definition.type, row)
    return row


def _definition(syntax: Syntax, tag: str, element: int, component: int) -> Element | None:
    segment = _SEGMENTS[syntax].get(tag)
    if segment is None or not 1 <= element <= len(segment.elements):
        return None
    found = segment.elements[element - 1]
    if found.parts:
        at = max(component, 1)
        return found.parts[at - 1] if at <= len(found.parts) else None
    return found


def _only_begins_loops(message: Message, tag: str) -> bool:
    """Tell whether every place of a segment in a message is the beginning of a loop."""
    return bool(_places(message).get(tag)) and all(begins for _, begins in _places(message)[tag])


def _loop_of(message: Message | None, tag: str) -> str:
    """The loop that a segment belongs to; "" for none, or where it may stand in several."""
    loops = {loop for loop, _ in _places(message).get(tag, ())} if message is not None else set()
    return loops.pop() if len(loops) == 1 else ""


@cache
def _places(message: Message) -> Mapping[str, list[tuple[str, bool]]]:
    """For each segment of a message, the loops it stands in and whether it begins them."""
    found: dict[str, list[tuple[str, bool]]] = {}
    _collect(message.parts, "", found)
    return found


def _collect(
    parts: tuple[Use | Loop, ...], loop: str, found: dict[str, list[tuple[str, bool]]]
) -> None:
    for number, part in enumerate(parts):
        if isinstance(part, Loop):
            _collect(part.parts, part.name, found)
        else:
            found.setdefault(part.tag, []).append((loop, bool(loop) and number == 0))
