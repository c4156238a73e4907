"""What a message says of itself at its end, against what is in it (CTT, CNT; EDI.md §3, §9)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Problem, place_of
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read.edi.problems import Limit
from pipeline.read.edi.structure import Bodies, count_of


@dataclass(frozen=True, slots=True)
class Total:
    """A declared number of segments: any of `counted` may be what the sender counts.

    The number stands in `element` (component `component`) of `tag`; with `qualifier` only where
    the element's first component is that.
    """

    tag: str
    element: int
    component: int
    qualifier: str
    counted: tuple[str, ...]


# 856: the standard counts HL, many senders count items. CNT qualifier 2: number of line items.
_TOTALS: Mapping[tuple[Syntax, str], Total] = {
    (Syntax.X12, "850"): Total("CTT", 1, 0, "", ("PO1",)),
    (Syntax.X12, "860"): Total("CTT", 1, 0, "", ("POC",)),
    (Syntax.X12, "856"): Total("CTT", 1, 0, "", ("HL", "LIN")),
    (Syntax.EDIFACT, "ORDERS"): Total("CNT", 1, 2, "2", ("LIN",)),
    (Syntax.EDIFACT, "ORDCHG"): Total("CNT", 1, 2, "2", ("LIN",)),
    (Syntax.EDIFACT, "DESADV"): Total("CNT", 1, 2, "2", ("LIN",)),
}


def check_totals(bodies: Bodies) -> Iterator[Problem]:
    """Say which messages declare another number of lines than they have (E207)."""
    total = _TOTALS.get((bodies.grammar.message.syntax, bodies.grammar.message.type))
    if total is None:
        return
    segments = bodies.segments
    places = np.flatnonzero(bodies.tag == TAG_IDS[total.tag])
    if total.qualifier:
        qualified = segments.bounds(bodies.at[places], 1, 1)
        places = places[segments.equal(*qualified, total.qualifier.encode())]
    if not len(places):
        return
    declared = segments.numbers(*segments.bounds(bodies.at[places], total.element, total.component))
    message = bodies.message[places]
    right = np.zeros(len(places), np.bool_)
    for tag in total.counted:
        right |= declared == count_of(bodies, tag)[message]
    counted = count_of(bodies, total.counted[0])[message]
    column = place_of(segments.delimiters.syntax, total.tag, total.element, total.component)
    limit = Limit()
    wrong = np.flatnonzero(~right)
    number = bodies.number[message[wrong]]
    chosen = limit.choose("E207", segments, bodies.at[places[wrong]], number)
    for index in wrong[chosen].tolist():
        at = int(bodies.at[places[index]])
        yield Problem(
            "E207", int(segments.lines(np.array([at]))[0]), segments.ordinal + at,
            segments.text(at, total.element, total.component), str(counted[index]), column,
            int(bodies.number[message[index]]),
        )  # fmt: skip
    yield from limit.rest()
