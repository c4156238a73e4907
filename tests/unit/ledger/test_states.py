"""Every step of an order that the table allows is taken by the ledger, and no other one."""

from collections.abc import Iterator

import pytest

from pipeline.ledger import Ledger
from pipeline.ledger.states import (
    ACKNOWLEDGED,
    ANSWERED,
    FOLLOWS,
    OPEN,
    OVERTAKING,
    SENDING,
    STATES,
    UNCLEAR,
    before,
)
from pipeline.model.orders import Outcome
from pipeline.model.outcomes import ARRIVED_ORDERS, OrderOutcome
from tests.databases import BOTH, Database
from tests.unit.ledger.test_ledger import begin, clock, plan, sub

SUPERSEDED = OrderOutcome.SUPERSEDED.value


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with Ledger.open(database.location, clock=clock) as opened:
        begin(opened)
        opened.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
        yield opened


def put(ledger: Ledger, state: str) -> None:
    """Bring the one order into a state, and let its claim go."""
    with ledger._session.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM claim")
        connection.exec_driver_sql("UPDATE run_order SET outcome = %s" % f"'{state}'")  # noqa: UP031, S608 - of our own table


def state(ledger: Ledger) -> str:
    with ledger._session.transaction() as connection:
        return str(connection.exec_driver_sql("SELECT outcome FROM run_order").scalar_one())


def test_the_table_knows_every_outcome_and_none_besides() -> None:
    assert set(FOLLOWS) == set(STATES) == {SENDING, *OrderOutcome}
    assert set().union(*FOLLOWS.values()) <= set(STATES)
    # what has an answer or never needs one stays as it is
    assert {now for now in STATES if FOLLOWS[now]} == set(OPEN)
    assert set(ACKNOWLEDGED) < set(ANSWERED)
    assert set(ARRIVED_ORDERS) == {*ACKNOWLEDGED, OrderOutcome.UNCHANGED.value}
    assert set(UNCLEAR) < set(OPEN)
    assert not set(OVERTAKING) & {"not_attempted", "held_back", SUPERSEDED}


@BOTH
def test_only_what_the_table_allows_is_being_sent(ledger: Ledger) -> None:
    journal = ledger.journal("r1", 0)
    for now in STATES:
        put(ledger, now)
        journal.commit(sending=[sub("A1")])
        assert state(ledger) == (SENDING if now in before(SENDING) else now)


@BOTH
def test_only_what_the_table_allows_is_superseded(ledger: Ledger) -> None:
    for now in STATES:
        put(ledger, now)
        ledger.supersede("r1", ["A1"])
        assert state(ledger) == (SUPERSEDED if now in before(SUPERSEDED) else now)


@BOTH
def test_only_what_the_table_allows_comes_of_an_order_that_is_being_sent(ledger: Ledger) -> None:
    for then in OrderOutcome:
        journal = ledger.journal("r1", 0)
        put(ledger, "not_attempted")
        journal.commit(sending=[sub("A1")])
        settled = [(sub("A1"), Outcome("A1", then, attempts=1))]
        if then.value in FOLLOWS[SENDING]:
            journal.commit(settled=settled)
            assert state(ledger) == then.value
        else:
            with pytest.raises(ValueError, match="cannot become"):
                journal.commit(settled=settled)
            assert state(ledger) == SENDING


@BOTH
def test_an_outcome_is_written_only_once(ledger: Ledger) -> None:
    journal = ledger.journal("r1", 0)
    for now in set(STATES) - {SENDING}:
        journal.commit(sending=[sub("A1")])
        put(ledger, now)
        journal.commit(settled=[(sub("A1"), Outcome("A1", OrderOutcome.REFUSED, attempts=1))])
        assert state(ledger) == now


@BOTH
def test_a_new_plan_leaves_answers_alone_and_nothing_else(ledger: Ledger) -> None:
    for now in STATES:
        put(ledger, now)
        ledger.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
        assert state(ledger) == (now if now in ANSWERED else "not_attempted")
