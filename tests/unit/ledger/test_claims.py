"""Claims: no order with two processes, none given up too early, none kept for ever."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from pipeline.ledger import Begun, Journal, Lease, Ledger
from pipeline.ledger import claims as claiming
from pipeline.ledger import schema as t
from pipeline.ledger.stops import LedgerCut
from pipeline.model.orders import Operation, Outcome, Replay
from pipeline.model.outcomes import OrderOutcome
from tests.databases import POSTGRESQL, Database
from tests.unit.ledger.test_ledger import begin, clock, plan, sub

pytestmark = POSTGRESQL

LEASE = Lease(600, 200)  # no machine is so slow that it ends by itself
UNSAFE = Operation("add_line_item", "l", "id", Replay.READ_BACK)


@dataclass
class Two:
    """Two processes at one ledger, as two connections."""

    first: Ledger
    second: Ledger
    endpoint: int
    passed_s: float = 0.0

    def journals(self, run_id: str = "r1", lease: Lease = LEASE) -> tuple[Journal, Journal]:
        return self.first.journal(run_id, 0, lease), self.second.journal(run_id, 0, lease)

    def time_passes(self, seconds: float) -> None:
        """Let time pass for both clocks, that of the processes and that of the database."""
        self.passed_s += seconds
        earlier = t.claim.c.until - sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        with self.second._session.transaction() as connection:
            connection.execute(sa.update(t.claim).values(until=earlier))

    def outcomes(self, run_id: str = "r1") -> list[str]:
        return self.first.orders(run_id)["outcome"].to_list()


@pytest.fixture
def two(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    with ExitStack() as stack:
        first = stack.enter_context(Ledger.open(database.location, clock=clock, shared=True))
        endpoint = begin(first)
        first.plan_partition("r1", 0, plan(*({"order_number": f"A{n}"} for n in range(6))), "d")
        first.let_others_in()
        second = stack.enter_context(Ledger.open(database.location, clock=clock, shared=True))
        both, real = Two(first, second, endpoint), claiming.now_s
        monkeypatch.setattr(claiming, "now_s", lambda: real() + both.passed_s)
        yield both


def settled(number: str, outcome: OrderOutcome = OrderOutcome.CREATED, **more: object) -> list:  # type: ignore[type-arg]
    return [(sub(number), Outcome(number, outcome, attempts=1, status=200, **more))]  # type: ignore[arg-type]


def test_d2_an_order_is_with_one_process_at_a_time(two: Two) -> None:
    one, other = two.journals()
    assert one.commit(sending=[sub("A0"), sub("A1")]) == Begun()
    begun = other.commit(sending=[sub("A1"), sub("A2")])
    assert begun == Begun(elsewhere=frozenset({"A1"}))
    one.commit(settled=settled("A1"))
    assert other.commit(sending=[sub("A1")]) == Begun(over=frozenset({"A1"}))
    assert two.outcomes()[:3] == ["unknown", "created", "unknown"]


def test_d2_an_order_of_another_run_is_not_sent_at_the_same_time_and_never_the_older_version_last(
    two: Two,
) -> None:
    begin(two.first, "r2")
    two.first.plan_partition("r2", 0, plan({"order_number": "A0"}, {"order_number": "A1"}), "d")
    old, _ = two.journals()
    _, new = two.journals("r2")
    assert old.commit(sending=[sub("A0")]) == Begun()
    assert new.commit(sending=[sub("A0"), sub("A1")]).elsewhere == {"A0"}
    assert old.commit(sending=[sub("A1")]) == Begun(elsewhere=frozenset({"A1"}))
    new.commit(settled=settled("A1"))
    assert old.commit(sending=[sub("A1")]) == Begun(over=frozenset({"A1"}))
    assert two.outcomes()[1] == "superseded"
    old.commit(settled=settled("A0"))
    assert new.commit(sending=[sub("A0")]) == Begun()


def test_d3_what_a_dead_process_has_claimed_goes_to_another_after_the_lease_and_is_in_doubt(
    two: Two,
) -> None:
    one, other = two.journals()
    assert one.commit(sending=[sub("A0", "h1", UNSAFE), sub("A1")]) == Begun()
    assert other.commit(sending=[sub("A0", "h1", UNSAFE)]).elsewhere == {"A0"}
    two.time_passes(LEASE.length_s + 1)
    begun = other.commit(sending=[sub("A0", "h1", UNSAFE), sub("A1")])
    assert begun == Begun(doubtful=frozenset({"A0"}), unclear=frozenset({"A0", "A1"}))


def test_p5_a_process_that_slept_too_long_sends_nothing_and_its_late_answer_is_not_written(
    two: Two,
) -> None:
    one, other = two.journals()
    one.commit(sending=[sub("A0"), sub("A1"), sub("A2")])
    assert (one.valid, one.due) == (True, False)
    two.time_passes(LEASE.length_s + 1)
    assert (one.valid, one.due) == (False, True)
    other.commit(sending=[sub("A0"), sub("A1")])
    other.commit(settled=settled("A1", OrderOutcome.UPDATED))

    begun = one.commit(settled=settled("A0", OrderOutcome.REFUSED))

    assert begun.lost == {"A0", "A1"}
    assert one.valid  # it still has A2, which nobody else wanted
    assert two.outcomes()[:3] == ["unknown", "updated", "unknown"]
    other.commit(settled=settled("A0"))
    assert two.outcomes()[0] == "created"


def test_p5_a_process_that_froze_in_a_transaction_does_not_keep_its_orders(two: Two) -> None:
    one, other = two.journals()
    one.commit(sending=[sub("A0")])
    with pytest.raises(LedgerCut), two.first._session.transaction() as connection:  # noqa: PT012
        connection.exec_driver_sql("SELECT 1 FROM run_order FOR UPDATE")
        assert other.commit(sending=[sub("A0")]).elsewhere == {"A0"}
        two.time_passes(LEASE.length_s + 1)
        begun, tries = other.commit(sending=[sub("A0")]), 100
        while begun.elsewhere and tries:  # the server ends the frozen session in its own time
            time.sleep(0.05)
            begun, tries = other.commit(sending=[sub("A0")]), tries - 1
        assert begun == Begun(unclear=frozenset({"A0"}))
        connection.exec_driver_sql("SELECT 1")
    assert one.commit(settled=settled("A0")).lost == {"A0"}
    assert two.outcomes()[0] == "unknown"


def test_claims_are_kept_as_long_as_they_are_renewed(two: Two) -> None:
    one, other = two.journals()
    one.commit(sending=[sub("A0")])
    for _ in range(20):
        two.time_passes(LEASE.length_s / 10)
        if one.due:
            assert one.commit() == Begun()
        assert one.valid
        assert other.commit(sending=[sub("A0")]).elsewhere == {"A0"}


def test_an_order_whose_request_may_still_be_at_work_is_not_free_at_once(two: Two) -> None:
    one, other = two.journals()
    one.commit(sending=[sub("A0"), sub("A1")])
    one.commit(
        settled=[*settled("A0", OrderOutcome.UNKNOWN), *settled("A1", OrderOutcome.NOT_ATTEMPTED)]
    )
    assert other.commit(sending=[sub("A0"), sub("A1")]) == Begun(elsewhere=frozenset({"A0"}))
    two.time_passes(LEASE.request_s + 1)
    assert other.commit(sending=[sub("A0")]) == Begun(unclear=frozenset({"A0"}))


def test_p11_leases_are_of_the_database_s_clock(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two.journals()
    one.commit(sending=[sub("A0")])
    monkeypatch.setattr(claiming, "now_s", lambda: 1e9)
    assert other.commit(sending=[sub("A0")]).elsewhere == {"A0"}
