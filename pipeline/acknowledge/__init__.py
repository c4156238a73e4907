"""What a partner is told about an interchange: 997, 999, TA1 and CONTRL.

An acknowledgement speaks of syntax, of what the messages' definitions demand: an accepted message
may still have rows that a mapping or the Order API refuses. Those are told in the report.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from pipeline.acknowledge.contrl import can_answer, write_contrl
from pipeline.acknowledge.verdicts import (
    GroupVerdict,
    InterchangeVerdict,
    MessageVerdict,
    verdicts,
)
from pipeline.acknowledge.x12 import (
    FORM_997,
    FORM_999,
    groups_to_answer,
    write_groups,
    write_ta1,
)
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Delimiters, Envelopes, Interchange, Problem

__all__ = ["Acknowledgement", "Control", "Kind", "acknowledge"]

Control = Callable[[Interchange], int]

CONTROL_MAX = 999_999_999  # ISA13 and GS06 have nine digits


class Kind(StrEnum):
    """The acknowledgements that a partner may want."""

    X12_997 = "997"
    X12_999 = "999"
    TA1 = "TA1"
    CONTRL = "CONTRL"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An interchange of ours that answers `interchange`, an index in the envelopes.

    `name` is a file name, `control` the number in its header. `accepted` and `rejected` count the
    messages that it speaks of.
    """

    kind: Kind
    name: str
    text: bytes
    interchange: int
    control: int
    accepted: int
    rejected: int


def acknowledge(
    envelopes: Envelopes,
    problems: Iterable[Problem],
    *,
    kinds: Collection[Kind],
    now: datetime,
    control: Control,
    interchanges: Collection[int] | None = None,
    delimiters: Delimiters | None = None,
) -> list[Acknowledgement]:
    """Write the acknowledgements of one file.

    Args:
        envelopes: what the file consists of, with the problems of its envelopes.
        problems: everything found inside its messages (`read.edi.batches.judge`), and what was
            found about partners (E114, E121-E124); problems of the envelopes may be among them.
        kinds: what the partner wants; nothing where it is empty. TA1 is also written where ISA14
            is 1 and any acknowledgement is wanted. Kinds of the other syntax do no harm.
        now: date and time of the answer, aware; written as it is, so in the zone that it has.
        control: gives the next control number for the sender of an interchange, 1 to 999,999,999.
            It is called once for each acknowledgement, and once more for every further group in
            it, and never for one that is not written.
        interchanges: indices of those to answer; None means all. For files of several partners.
        delimiters: separators that the partner wants; None means those of its interchange.

    Messages of a type that is none of ours are rejected as not supported.

    Returns:
        In the order of the interchanges, for each TA1, 997, 999, or CONTRL. Nothing for
        interchanges that hold only acknowledgements, that have no readable header (E102), or that
        do not name their sender and receiver.

    Raises:
        ValueError: `now` is naive, or `control` gives a number outside of its range.
    """
    if now.tzinfo is None:
        raise ValueError("the time of an acknowledgement needs a time zone")
    written: list[Acknowledgement] = []
    for verdict in verdicts(envelopes, problems):
        if interchanges is None or verdict.number in interchanges:
            written += _answers(verdict, kinds, now, control, delimiters)
    return written


def _answers(
    verdict: InterchangeVerdict, kinds: Collection[Kind], now: datetime, control: Control,
    delimiters: Delimiters | None,
) -> Iterator[Acknowledgement]:  # fmt: skip
    for kind in _wanted(verdict, kinds):
        numbers = _Numbers(control, verdict.interchange)
        text = _WRITERS[kind](verdict, now, numbers, delimiters)
        messages = list(_messages(verdict))
        rejected = sum(message.rejected for message in messages)
        yield Acknowledgement(
            kind, _name(kind, verdict.interchange.sender, numbers.first), text, verdict.number,
            numbers.first, len(messages) - rejected, rejected,
        )  # fmt: skip


_Writer = Callable[
    [InterchangeVerdict, datetime, Iterator[int], Delimiters | None], bytes
]  # fmt: skip
_WRITERS: Mapping[Kind, _Writer] = {
    Kind.CONTRL: write_contrl,
    Kind.TA1: write_ta1,
    Kind.X12_997: partial(write_groups, FORM_997),
    Kind.X12_999: partial(write_groups, FORM_999),
}


def _wanted(verdict: InterchangeVerdict, kinds: Collection[Kind]) -> Iterator[Kind]:
    """The kinds to write for an interchange."""
    theirs = verdict.interchange
    if theirs.syntax is Syntax.EDIFACT:
        if Kind.CONTRL in kinds and can_answer(verdict):
            yield Kind.CONTRL
        return
    wanted = [kind for kind in (Kind.X12_997, Kind.X12_999) if kind in kinds]
    groups = groups_to_answer(verdict)
    if not (theirs.sender and theirs.receiver):
        return
    if verdict.duplicate:
        # nothing below the interchange may be told: its messages may have been accepted before
        if wanted or Kind.TA1 in kinds:
            yield Kind.TA1
        return
    # a whole interchange without groups brings TA1 only; a broken one may have lost its groups
    answerable = bool(groups) or (not verdict.groups and verdict.rejected)
    if answerable and (Kind.TA1 in kinds or (wanted and theirs.ack_wanted)):
        yield Kind.TA1
    if groups:
        yield from wanted


def _messages(verdict: InterchangeVerdict) -> Iterator[MessageVerdict]:
    """The messages that an answer speaks of."""
    if verdict.interchange.syntax is Syntax.EDIFACT:
        yield from verdict.messages
    groups: Iterable[GroupVerdict] = groups_to_answer(verdict)
    for group in groups:
        yield from group.messages


class _Numbers:
    """The control numbers of one acknowledgement; `first` is the one in its header."""

    def __init__(self, control: Control, interchange: Interchange) -> None:
        self._control, self._interchange = control, interchange
        self.first = 0

    def __iter__(self) -> "_Numbers":
        return self

    def __next__(self) -> int:
        number = self._control(self._interchange)
        if not 1 <= number <= CONTROL_MAX:
            raise ValueError(f"control number {number} is not between 1 and {CONTROL_MAX}")
        self.first = self.first or number
        return number


def _name(kind: Kind, partner: str, number: int) -> str:
    safe = re.sub(r"[^A-Za-z0-9-]+", "_", partner).strip("_") or "unknown"
    return f"{kind}-{safe[:40]}-{number:09}.edi"
