"""EDIFACT CONTRL: what became of an interchange (ISO 9735-4; syntax version 3: UNSM CONTRL D.3).

Each fault is told once, at the lowest level that can name it. A level is acknowledged by the one
above it, so only what has faults is named. A rejected level says so for all below it.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from pipeline.acknowledge.codes import Level
from pipeline.acknowledge.verdicts import (
    ACKNOWLEDGEMENTS,
    Fault,
    GroupVerdict,
    InterchangeVerdict,
    MessageVerdict,
)
from pipeline.acknowledge.writing import Segments, charset_of
from pipeline.model.edi.envelope import NONE, Delimiters, Group, Interchange

_REJECTED, _ACKNOWLEDGED = "4", "7"  # 0083
_VERSION_4 = "4"
_IDENTIFIERS = {_VERSION_4: ("CONTRL", "4", "1", "UN")}  # S009
_IDENTIFIER_3 = ("CONTRL", "D", "3", "UN")
_SEGMENTS_MAX, _ELEMENTS_MAX = 999, 99  # segment group 2, UCD
_TOO_MANY_CONSTITUENTS = "16"
_MISSING = "13"
_TEST_AT = 11  # UNB 11, 0035
_DEFAULT_MARKS = ":+.? '"
_LEVEL_B_ELEMENT = 0x1D  # the separators of level B are control characters and need no UNA


def can_answer(verdict: InterchangeVerdict) -> bool:
    """Tell whether an interchange names who sent it, to whom, and its reference.

    Without one of these no valid CONTRL can be made (ISO 9735-4 §5.3.4). Interchanges that hold
    only CONTRL are not answered.
    """
    theirs = verdict.interchange
    types = {message.type for message in _all_messages(verdict)}
    named = bool(theirs.reference and theirs.sender and theirs.receiver)
    return named and not (types and types <= ACKNOWLEDGEMENTS)


def write_contrl(
    verdict: InterchangeVerdict, now: datetime, control: Iterator[int],
    delimiters: Delimiters | None,
) -> bytes:  # fmt: skip
    """Answer an interchange."""
    theirs = verdict.interchange
    marks = delimiters or theirs.delimiters
    syntax = tuple(theirs.values[0].split(chr(theirs.delimiters.component)))
    version = syntax[1] if len(syntax) > 1 else ""
    number = str(next(control))
    out = Segments(marks, charset_of(theirs))
    advice = _advice(marks)
    if advice:
        out.raw(advice)
    prepared = (now.strftime("%Y%m%d" if version == _VERSION_4 else "%y%m%d"), now.strftime("%H%M"))
    sender, receiver = _party(theirs, 1), _party(theirs, 2)
    test = [""] * (_TEST_AT - 6) + ["1"] if theirs.test else []
    out.add("UNB", syntax, receiver, sender, prepared, number, *test)
    first = out.count
    out.add("UNH", "1", _IDENTIFIERS.get(version, _IDENTIFIER_3))
    out.add("UCI", theirs.reference, sender, receiver, *_action(verdict.faults))
    if not verdict.rejected:
        for message in verdict.messages:
            _write_message(out, message, theirs, version)
        for group in verdict.groups:
            _write_group(out, group, theirs, version)
    out.add("UNT", str(out.count - first + 1), "1")
    out.add("UNZ", "1", number)
    return out.encoded()


def _advice(marks: Delimiters) -> str:
    """UNA, or "" where the separators are the default ones."""
    decimal = marks.decimal
    release = chr(marks.release) if marks.release != NONE else " "
    repetition = chr(marks.repetition) if marks.repetition != NONE else " "
    text = f"{chr(marks.component)}{chr(marks.element)}{decimal}{release}{repetition}"
    text += chr(marks.segment)
    return "" if text == _DEFAULT_MARKS or marks.element == _LEVEL_B_ELEMENT else "UNA" + text


def _party(theirs: Interchange, element: int) -> tuple[str, ...]:
    """S002 or S003 as received: identification, qualifier, internal addresses."""
    name, qualifier = (
        (theirs.sender, theirs.sender_qualifier)
        if element == 1
        else (theirs.receiver, theirs.receiver_qualifier)
    )
    parts = theirs.values[element].split(chr(theirs.delimiters.component))
    # a released separator within is text: then only what is known for sure is repeated
    whole = parts[0].strip() == name and len(parts) <= 4  # S002 has four
    return (name, qualifier, *(parts[2:] if whole else ()))


def _action(faults: list[Fault]) -> Iterator[str | tuple[str, ...]]:
    """0083 and, for the gravest fault, 0085, 0013 and S011."""
    yield _REJECTED if any(fault.rejects for fault in faults) else _ACKNOWLEDGED
    if faults:
        row = min(faults, key=lambda fault: not fault.rejects).row
        yield row.edifact
        yield row.tag
        yield (str(row.element),) if row.element else ""


def _all_messages(verdict: InterchangeVerdict) -> Iterator[MessageVerdict]:
    yield from verdict.messages
    for group in verdict.groups:
        yield from group.messages


def _write_group(out: Segments, verdict: GroupVerdict, theirs: Interchange, version: str) -> None:
    group = verdict.group
    if verdict.acknowledges or not (
        verdict.faults or any(message.faults for message in verdict.messages)
    ):
        return
    out.add("UCF", group.reference, _application(group, theirs, 1), _application(group, theirs, 2),
            *_action(verdict.faults))  # fmt: skip
    if not verdict.rejected:
        for message in verdict.messages:
            _write_message(out, message, theirs, version)


def _application(group: Group, theirs: Interchange, element: int) -> tuple[str, ...]:
    """S006 or S007 as received."""
    name = group.sender if element == 1 else group.receiver
    parts = group.values[element].split(chr(theirs.delimiters.component))
    return (name, *(parts[1:2] if parts[0].strip() == name else ()))


def _write_message(
    out: Segments, message: MessageVerdict, theirs: Interchange, version: str
) -> None:
    if message.type in ACKNOWLEDGEMENTS or not message.faults:
        return
    parts = message.identifier.split(chr(theirs.delimiters.component))
    identifier = tuple(parts[: 7 if version == _VERSION_4 else 5])
    own = list(message.at(Level.MESSAGE))
    # faults below may reject it: then the action says so, and the codes stand below
    action: list[str | tuple[str, ...]] = [*_action(own)]
    action[0] = _REJECTED if message.rejected else _ACKNOWLEDGED
    out.add("UCM", message.reference, identifier, *action)
    inside = sorted(
        (fault for fault in message.faults if fault.level > Level.MESSAGE),
        key=lambda fault: (_reported_at(fault), fault.level, fault.element, fault.component),
    )
    written = 0
    for position, at_segment in groupby(inside, key=_reported_at):
        for code, elements in _by_segment(list(at_segment)):
            if written == _SEGMENTS_MAX:
                return
            written += 1
            out.add("UCS", str(position), code)
            for fault in elements[:_ELEMENTS_MAX]:
                # 0098 counts the tag as 1
                place = (str(fault.element + 1), str(fault.component) if fault.component else "")
                out.add("UCD", fault.row.edifact, place)


def _reported_at(fault: Fault) -> int:
    """0096: the segment itself; for a missing one the last before its place."""
    missing = fault.level is Level.SEGMENT and fault.row.edifact == _MISSING
    return fault.position - missing


def _by_segment(faults: list[Fault]) -> Iterator[tuple[str, list[Fault]]]:
    """One UCS for each fault of a segment as a whole, then one for its elements."""
    elements = []
    for fault in faults:
        if fault.level is Level.SEGMENT or fault.row.edifact == _TOO_MANY_CONSTITUENTS:
            yield fault.row.edifact, []
        else:
            elements.append(fault)
    if elements:
        yield "", elements
