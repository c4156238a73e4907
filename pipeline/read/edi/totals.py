"""What a message says of itself at its end, against what is in it (CTT, CNT; EDI.md §3, §9)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import LineTotals, Problem, place_of
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read.edi.problems import Limit
from pipeline.read.edi.structure import Bodies, count_of

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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


# More lines than any file has: sums of declared numbers stay numbers that JSON can hold.
_LINES_MAX = 10**9


@dataclass(frozen=True, slots=True)
class _Declared:
    """Each total that some messages declare: where, by whom, and whether it is right.

    `places` and `message` are indices into the arrays of the bodies; `counted` is what was counted
    the way that is declared, where one is.
    """

    total: Total
    places: Ints
    message: Ints
    declared: Ints
    counted: Ints
    right: Bools


def _declared(bodies: Bodies) -> _Declared | None:
    total = _TOTALS.get((bodies.grammar.message.syntax, bodies.grammar.message.type))
    if total is None:
        return None
    segments = bodies.segments
    places = np.flatnonzero(bodies.tag == TAG_IDS[total.tag])
    if total.qualifier:
        qualified = segments.bounds(bodies.at[places], 1, 1)
        places = places[segments.equal(*qualified, total.qualifier.encode())]
    if not len(places):
        return None
    declared = segments.numbers(*segments.bounds(bodies.at[places], total.element, total.component))
    message = bodies.message[places]
    right = np.zeros(len(places), np.bool_)
    for tag in total.counted:
        right |= declared == count_of(bodies, tag)[message]
    counted = np.where(right, declared, count_of(bodies, total.counted[0])[message])
    return _Declared(total, places, message, declared, counted, right)


def line_totals(bodies: Bodies) -> LineTotals:
    """Add up the lines that messages declare and have; what is no number declares none."""
    found = _declared(bodies)
    if found is None:
        return LineTotals()
    return LineTotals(
        int(found.declared.clip(0, _LINES_MAX).sum()), int(found.counted.sum()),
        int((~found.right).sum()), len(found.places),
    )  # fmt: skip


def check_totals(bodies: Bodies) -> Iterator[Problem]:
    """Say which messages declare another number of lines than they have (E207)."""
    found = _declared(bodies)
    if found is None:
        return
    segments, total, places = bodies.segments, found.total, found.places
    column = place_of(segments.delimiters.syntax, total.tag, total.element, total.component)
    limit = Limit()
    wrong = np.flatnonzero(~found.right)
    number = bodies.number[found.message[wrong]]
    chosen = limit.choose("E207", segments, bodies.at[places[wrong]], number)
    for index in wrong[chosen].tolist():
        at = int(bodies.at[places[index]])
        yield Problem(
            "E207", int(segments.lines(np.array([at]))[0]), segments.ordinal + at,
            segments.text(at, total.element, total.component), str(found.counted[index]), column,
            int(bodies.number[found.message[index]]),
        )  # fmt: skip
    yield from limit.rest()
