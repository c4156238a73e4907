"""What may become of an order of a run, step by step: the one place that says so (FAULTS §3).

    plan ──▶ held_back, nothing_to_send, unchanged, not_chosen, superseded      never sent
         └─▶ not_attempted ──▶ sending ──▶ created, updated, partly_applied, refused, left_alone
                   ▲             │  ▲ └──▶ unknown ──▶ sending, superseded
                   └─────────────┘  └ again, after a crash

`sending` is in the table only while a request may be under way, or after a crash. An order of which
nobody knows whether it arrived never becomes `not_attempted` again.
"""

from collections.abc import Mapping

from pipeline.model.outcomes import OrderOutcome

SENDING = "sending"

_CREATED, _UPDATED = OrderOutcome.CREATED.value, OrderOutcome.UPDATED.value
_PARTLY, _REFUSED = OrderOutcome.PARTLY_APPLIED.value, OrderOutcome.REFUSED.value
_UNTRIED, _UNKNOWN = OrderOutcome.NOT_ATTEMPTED.value, OrderOutcome.UNKNOWN.value
_LEFT_ALONE = OrderOutcome.LEFT_ALONE.value
_SUPERSEDED = OrderOutcome.SUPERSEDED.value

# The server has said that it has the order, with all or with some of its changes.
ACKNOWLEDGED = (_CREATED, _UPDATED, _PARTLY)
# The server has said what became of it: final in this run, and a new plan of it changes nothing.
ANSWERED = (*ACKNOWLEDGED, _REFUSED, _LEFT_ALONE)
# Still to be sent, or to be sent again.
OPEN = (SENDING, _UNTRIED, _UNKNOWN)
# Nobody knows whether a request of it has arrived.
UNCLEAR = (SENDING, _UNKNOWN)
# What a newer run says of an order whose older version must not be sent any more (FAULTS G4).
OVERTAKING = (*ANSWERED, *UNCLEAR, OrderOutcome.UNCHANGED.value)

STATES = (SENDING, *(outcome.value for outcome in OrderOutcome))

FOLLOWS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(STATES, frozenset()),
    _UNTRIED: frozenset({SENDING, _SUPERSEDED}),
    _UNKNOWN: frozenset({SENDING, _SUPERSEDED}),
    SENDING: frozenset({SENDING, *ANSWERED, _UNKNOWN, _UNTRIED, _SUPERSEDED}),
}


def before(state: str) -> tuple[str, ...]:
    """Give the states that a state may follow, for the condition of a statement.

    >>> before("unknown")
    ('sending',)
    """
    return tuple(now for now in STATES if state in FOLLOWS[now])
