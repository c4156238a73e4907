"""X12 acknowledgements: 997 and 999 for groups, TA1 for the interchange (X12.20, X12.5 §3.6)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from pipeline.acknowledge.codes import Level
from pipeline.acknowledge.verdicts import Fault, GroupVerdict, InterchangeVerdict, MessageVerdict
from pipeline.acknowledge.writing import Segments, charset_of
from pipeline.model.edi.envelope import NONE, Delimiters, Interchange

_GUIDE_999 = "005010X231A1"
_CONTROL_999 = "00501"  # the first interchange version that may carry a 999
_CONTEXT_FROM = "005010"  # AK1 and AK2 name version and guide from here on
_CENTURY_FROM = "004010"  # GS04 has eight digits from here on
_REPETITION_FROM = "00402"
_GUIDE = re.compile(r"(\d{6})X\d+.*")
_VERSION = re.compile(r"00[2-8]\d\d")
_TYPE = re.compile(r"[A-Z0-9]{3}")
_USAGES = ("P", "T", "I")  # ISA15: production, test, information
_FAULTS_MAX = 5  # AK502 to AK506, AK905 to AK909
_ELEMENTS_MAX = 99  # AK4 in one AK3
_COPY_MAX = 99  # AK404
_LOOP_MAX = 4  # AK303; six from 004010 on


@dataclass(frozen=True, slots=True)
class Form:
    """What tells a 997 and a 999 apart: type, guide, and the names of their segments."""

    type: str
    guide: str
    segment: str
    element: str
    result: str


FORM_997 = Form("997", "", "AK3", "AK4", "AK5")
FORM_999 = Form("999", _GUIDE_999, "IK3", "IK4", "IK5")


def groups_to_answer(verdict: InterchangeVerdict) -> list[GroupVerdict]:
    """The groups of an interchange that hold more than acknowledgements."""
    return [group for group in verdict.groups if not group.acknowledges]


def write_groups(
    form: Form, verdict: InterchangeVerdict, now: datetime, control: Iterator[int],
    delimiters: Delimiters | None,
) -> bytes:  # fmt: skip
    """Answer the groups of an interchange, one ST for each."""
    number = next(control)
    out = _Interchange(verdict.interchange, now, number, delimiters, form.guide)
    answered: dict[tuple[str, str, str], list[GroupVerdict]] = {}
    for group in groups_to_answer(verdict):
        answered.setdefault(_header(group, form), []).append(group)
    for place, ((ours, theirs, version), groups) in enumerate(answered.items()):
        group_number = str(next(control) if place else number)
        date = now.strftime("%Y%m%d" if version[:6] >= _CENTURY_FROM else "%y%m%d")
        out.add("GS", "FA", ours, theirs, date, now.strftime("%H%M"), group_number, "X", version)
        for count, group in enumerate(groups, start=1):
            _write_set(out, group, form, f"{count:04}")
        out.add("GE", str(len(groups)), group_number)
    return out.closed(len(answered))


def write_ta1(
    verdict: InterchangeVerdict, now: datetime, control: Iterator[int],
    delimiters: Delimiters | None,
) -> bytes:  # fmt: skip
    """Answer an interchange as a whole."""
    theirs = verdict.interchange
    out = _Interchange(theirs, now, next(control), delimiters, "")
    faults = sorted(verdict.faults, key=lambda fault: not fault.rejects)
    result = "R" if verdict.rejected else "E" if faults else "A"
    note = faults[0].row.x12 if faults else "000"
    out.add("TA1", theirs.reference.zfill(9), theirs.date, theirs.time, result, note)
    return out.closed(0)


class _Interchange(Segments):
    """Our interchange, from ISA on; sender and receiver change places."""

    def __init__(
        self, theirs: Interchange, now: datetime, number: int, configured: Delimiters | None,
        guide: str,
    ) -> None:  # fmt: skip
        version = theirs.version if _VERSION.fullmatch(theirs.version) else "00401"
        version = max(version, _CONTROL_999) if guide else version
        delimiters = _with_repetition(configured or theirs.delimiters, version)
        super().__init__(delimiters, charset_of(theirs))
        self._number = f"{number:09}"
        usage = theirs.values[14].strip() if len(theirs.values) > 14 else ""
        mark = chr(delimiters.repetition) if delimiters.repetition != NONE else "U"
        fixed = (
            ("00", 2), ("", 10), ("00", 2), ("", 10),
            (theirs.receiver_qualifier, 2), (theirs.receiver, 15),
            (theirs.sender_qualifier, 2), (theirs.sender, 15),
        )  # fmt: skip
        element = chr(delimiters.element)
        head = ["ISA", *(self.clean(text)[:size].ljust(size) for text, size in fixed)]
        head += [now.strftime("%y%m%d"), now.strftime("%H%M"), mark, version, self._number, "0"]
        head += [usage if usage in _USAGES else "P", chr(delimiters.component)]
        self.raw(element.join(head) + chr(delimiters.segment))

    def closed(self, groups: int) -> bytes:
        """The whole, with its trailer."""
        self.add("IEA", str(groups), self._number)
        return self.encoded()


def _with_repetition(delimiters: Delimiters, version: str) -> Delimiters:
    """ISA11 must be a separator from version 00402 on; before it is the letter U."""
    if version < _REPETITION_FROM:
        return replace(delimiters, repetition=NONE)
    taken = {delimiters.element, delimiters.component, delimiters.segment}
    if delimiters.repetition != NONE and delimiters.repetition not in taken:
        return delimiters
    return replace(delimiters, repetition=next(mark for mark in b"^!%&" if mark not in taken))


def _header(verdict: GroupVerdict, form: Form) -> tuple[str, str, str]:
    """Our code, theirs, and the version of the group that answers."""
    group = verdict.group
    version = form.guide or _GUIDE.sub(r"\1", group.version) or "004010"
    return group.receiver, group.sender, version


def _write_set(out: _Interchange, verdict: GroupVerdict, form: Form, number: str) -> None:
    """Write one 997 or 999, from ST to SE."""
    first = out.count
    group = verdict.group
    context = bool(form.guide) or _has_context(group.version)
    out.add("ST", form.type, number, form.guide)
    out.add("AK1", group.functional, group.reference or "0", group.version if context else "")
    for message in verdict.messages:
        guide = message.version if context else ""
        kind = message.type if _TYPE.fullmatch(message.type) else "000"
        out.add("AK2", kind, message.reference or "0000", guide)
        _write_faults(out, message, form)
        out.add(form.result, _result(message), *_message_codes(message))
    accepted = sum(not message.rejected for message in verdict.messages)
    received = len(verdict.messages)
    declared = group.declared if group.declared >= 0 else received
    out.add("AK9", _group_result(verdict, accepted), str(declared), str(received), str(accepted),
            *_group_codes(verdict))  # fmt: skip
    out.add("SE", str(out.count - first + 1), number)


def _has_context(version: str) -> bool:
    return version[:6].isdigit() and version[:6] >= _CONTEXT_FROM


def _write_faults(out: _Interchange, message: MessageVerdict, form: Form) -> None:
    """AK3 for each segment at fault, AK4 for its elements."""
    inside = sorted(
        (fault for fault in message.faults if fault.level > Level.MESSAGE),
        key=lambda fault: (fault.position, fault.level, fault.element, fault.component),
    )
    for (position, level), at_segment in groupby(
        inside, key=lambda each: (each.position, each.level)
    ):
        faults = list(at_segment)
        if level is Level.SEGMENT:
            for fault in faults:
                loop = fault.loop[:_LOOP_MAX]
                out.add(form.segment, _tag(fault.tag), str(position), loop, fault.row.x12)
            continue
        out.add(form.segment, _tag(faults[0].tag), str(position), faults[0].loop[:_LOOP_MAX], "8")
        for fault in faults[:_ELEMENTS_MAX]:
            place = (str(fault.element), str(fault.component) if fault.component else "")
            out.add(form.element, place, "", fault.row.x12, out.copy_of(fault.value, _COPY_MAX))


def _tag(text: str) -> str:
    """A tag of two or three characters, as AK301 takes it."""
    return "".join(each if each.isalnum() else "." for each in text[:3]).ljust(2, ".")


def _result(message: MessageVerdict) -> str:
    if message.rejected:
        return "R"
    return "E" if message.faults else "A"


def _message_codes(message: MessageVerdict) -> list[str]:
    codes = _codes(message.at(Level.MESSAGE))
    if any(fault.level > Level.MESSAGE for fault in message.faults) and "5" not in codes:
        codes.append("5")  # one or more segments in error
    return codes[:_FAULTS_MAX]


def _group_result(verdict: GroupVerdict, accepted: int) -> str:
    received = len(verdict.messages)
    if verdict.rejected or (received and not accepted):
        return "R"
    if accepted < received:
        return "P"
    return "E" if verdict.faults or any(each.faults for each in verdict.messages) else "A"


def _group_codes(verdict: GroupVerdict) -> list[str]:
    return _codes(iter(verdict.faults))[:_FAULTS_MAX]


def _codes(faults: Iterator[Fault]) -> list[str]:
    return list(dict.fromkeys(fault.row.x12 for fault in faults if fault.row.x12))
