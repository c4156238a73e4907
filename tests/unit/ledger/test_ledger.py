import datetime as dt
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipeline.ledger import (
    PLANNED_SCHEMA,
    FailedAttempt,
    FindingCount,
    Ledger,
    LedgerLocked,
    LedgerUnusable,
    PartitionState,
    RunStart,
    RunState,
)
from pipeline.model.orders import Operation, Outcome, Problem, Replay, Submission
from pipeline.model.outcomes import (
    MUTATION_SCHEMA,
    ORDER_SCHEMA,
    MutationOutcome,
    OrderOutcome,
)
from tests.databases import BOTH, Database

pytestmark = BOTH

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return NOW


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with Ledger.open(database.location, clock=clock) as opened:
        yield opened


def begin(ledger: Ledger, run_id: str = "r1", fingerprint: str = "f") -> int:
    endpoint = ledger.endpoint("https://api.parcellab.com", 1618)
    ledger.begin_run(
        RunStart(
            id=run_id,
            endpoint=endpoint,
            fingerprint=fingerprint,
            profile="prod",
            started_at=NOW,
            options={"rate": 5},
            mappings={"wms": "ab"},
            files=[{"name": "a.csv"}],
        )
    )
    return endpoint


def plan(*rows: Mapping[str, object]) -> pl.DataFrame:
    base = {
        "_file": 0,
        "_line": 2,
        "_segment": 0,
        "outcome": "not_attempted",
        "known": False,
        "rows": 1,
        "lines": 1,
        "quantity": 3,
        "value": Decimal("12.50"),
        "currency": "EUR",
        "trackings": 0,
        "content_sha256": "h1",
    }
    full = [{**base, "key": row["order_number"], **row} for row in rows]
    return pl.DataFrame(full, schema=PLANNED_SCHEMA)


def sub(number: str, sha256: str = "h1", *operations: Operation) -> Submission:
    return Submission(number, sha256, b"{}", operations)


def sent(
    ledger: Ledger,
    submission: Submission,
    outcome: OrderOutcome,
    *,
    run_id: str = "r1",
    **more: object,
) -> None:
    journal = ledger.journal(run_id, 0)
    journal.commit(sending=[submission])
    answer = Outcome(submission.order_number, outcome, attempts=1, status=200, **more)  # type: ignore[arg-type]
    journal.commit(settled=[(submission, answer)])


def test_a_run_is_remembered_and_found_again_while_it_is_not_finished(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    assert ledger.unfinished(endpoint, "f") == ledger.run("r1")
    assert ledger.unfinished(endpoint, "g") is None
    ledger.finish_run("r1", state=RunState.INTERRUPTED, exit_code=5, ended_at=NOW, totals="{}")
    left = ledger.unfinished(endpoint, "f")
    assert left is not None
    assert left.exit_code == 5
    ledger.resume_run("r1")
    ledger.finish_run("r1", state=RunState.FINISHED, exit_code=0, ended_at=NOW, totals='{"a":1}')
    assert ledger.unfinished(endpoint, "f") is None
    found = ledger.last_run()
    assert found is not None
    assert (found.options, found.mappings, found.totals) == ({"rate": 5}, {"wms": "ab"}, '{"a":1}')
    assert (found.files, found.started_at, found.ended_at) == ([{"name": "a.csv"}], NOW, NOW)
    assert ledger.runs(5) == [found]
    assert ledger.run("r9") is None


def test_the_plan_is_in_the_table_of_orders_with_its_totals(ledger: Ledger) -> None:
    begin(ledger)
    orders = plan(
        {"order_number": "A1"},
        {"order_number": None, "key": "k2", "outcome": "held_back", "code": "R301"},
        {"order_number": "A1", "outcome": "superseded"},
        {"order_number": "A1", "outcome": "superseded", "_line": 9},
    )
    ledger.plan_partition("r1", 0, orders, "digest")
    ledger.plan_partition("r1", 0, orders, "digest")
    found = ledger.orders("r1")
    assert dict(found.schema) == ORDER_SCHEMA
    assert found["outcome"].to_list() == ["not_attempted", "superseded", "superseded", "held_back"]
    assert found["value"].to_list() == [Decimal("12.50")] * 4
    assert ledger.partitions("r1") == [PartitionState(0, "digest", orders=4, open_orders=1)]


def test_two_orders_with_one_key_are_refused(ledger: Ledger) -> None:
    begin(ledger)
    with pytest.raises(ValueError, match="same key"):
        ledger.plan_partition("r1", 0, plan({"order_number": "A"}, {"order_number": "A"}), "d")
    assert ledger.orders("r1").is_empty()


def test_an_answer_of_this_run_survives_a_new_plan_and_the_rest_does_not(ledger: Ledger) -> None:
    begin(ledger)
    orders = plan({"order_number": "A1"}, {"order_number": "A2"}, {"order_number": "A3"})
    ledger.plan_partition("r1", 0, orders, "d")
    sent(ledger, sub("A1"), OrderOutcome.CREATED)
    sent(ledger, sub("A2"), OrderOutcome.UNKNOWN, problems=(Problem("U001", "cut"),))
    ledger.plan_partition("r1", 0, orders.with_columns(outcome=pl.lit("not_attempted")), "d")
    found = ledger.orders("r1").sort("key")
    assert found["outcome"].to_list() == ["created", "not_attempted", "not_attempted"]
    sent(ledger, sub("A2"), OrderOutcome.UPDATED)
    second = ledger.orders("r1").sort("key").row(1, named=True)
    assert (second["outcome"], second["code"], second["attempts"]) == ("updated", None, 2)
    assert ledger.problems("r1").is_empty()


def test_everything_of_an_outcome_is_recorded_in_one_commit(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    ledger.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
    operations = (
        Operation("add_tracking", "t", "id-1", Replay.SAFE),
        Operation("add_line_item", "l", "id-2", Replay.READ_BACK),
    )
    submission = sub("A1", "h1", *operations)
    journal = ledger.journal("r1", 0)
    assert journal.commit(sending=[submission]).doubtful == frozenset()
    assert ledger.orders("r1")["outcome"].to_list() == ["unknown"]
    assert ledger.orders("r1")["code"].to_list() == ["U001"]
    begun = journal.commit(sending=[submission])  # as a process after a crash does
    assert begun.doubtful == begun.unclear == {"A1"}
    outcome = Outcome(
        "A1",
        OrderOutcome.PARTLY_APPLIED,
        attempts=3,
        status=201,
        external_id="e-1",
        problems=(Problem("A202", "w", "mutations.0"), Problem("A201", "no", "mutations.1", "c")),
        mutations=(MutationOutcome.SUCCEEDED, MutationOutcome.FAILED),
    )
    failed = [FailedAttempt("A1", 1, "reset")]
    journal.commit(settled=[(submission, outcome)], failed=failed)
    row = ledger.orders("r1").row(0, named=True)
    assert (row["outcome"], row["code"], row["status"]) == ("partly_applied", "A201", 201)
    assert (row["attempts"], row["warnings"]) == (4, 1)
    assert dict(ledger.mutations("r1").schema) == MUTATION_SCHEMA
    assert ledger.mutations("r1")["outcome"].to_list() == ["succeeded", "failed"]
    assert ledger.problems("r1").row(1) == ("A1", "A201", "no", "mutations.1", "c", 201)
    known = ledger.known(endpoint, ["A1", "A2"])
    assert list(known) == ["A1"]
    assert (known["A1"].content_sha256, known["A1"].fully_applied) == ("h1", False)
    assert (known["A1"].external_id, known["A1"].updated_at) == ("e-1", NOW)
    assert ledger.operations(endpoint, ["A1"])["A1"].keys() == {"t"}
    assert journal.commit(sending=[submission]).doubtful == frozenset()


def test_a_payload_counts_as_applied_only_until_another_one_goes_out(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    ledger.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
    sent(ledger, sub("A1"), OrderOutcome.CREATED)
    assert ledger.known(endpoint, ["A1"])["A1"].fully_applied
    begin(ledger, "r2")
    ledger.plan_partition("r2", 0, plan({"order_number": "A1", "content_sha256": "h2"}), "d")
    ledger.journal("r2", 0).commit(sending=[sub("A1", "h2")])
    assert not ledger.known(endpoint, ["A1"])["A1"].fully_applied


def test_a_generation_counts_the_different_operations_of_a_subject(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    ledger.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
    for operation_id in ("id-1", "id-1", "id-2"):
        ledger.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
        operation = Operation("add_tracking", "t", operation_id, Replay.SAFE)
        with ledger._session.transaction() as connection:
            connection.exec_driver_sql("UPDATE run_order SET outcome = 'not_attempted'")
        sent(
            ledger,
            sub("A1", "h1", operation),
            OrderOutcome.UPDATED,
            mutations=(MutationOutcome.SUCCEEDED,),
        )
    acknowledged = ledger.operations(endpoint, ["A1"])["A1"]["t"]
    assert (acknowledged.operation_id, acknowledged.generation) == ("id-2", 2)


def test_endpoints_know_nothing_of_each_other(ledger: Ledger) -> None:
    begin(ledger)
    ledger.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
    sent(ledger, sub("A1"), OrderOutcome.CREATED)
    other = ledger.endpoint("https://api.parcellab.com", 1619)
    assert ledger.known(other, ["A1"]) == {}
    assert ledger.endpoint("https://api.parcellab.com", 1619) == other


def test_findings_are_counted_per_partition_and_summed(ledger: Ledger) -> None:
    begin(ledger)
    count = FindingCount("R301", "Mail", "recipient_email", 0, rows=3, orders=2)
    ledger.put_finding_counts("r1", 0, [count])
    ledger.put_finding_counts("r1", 0, [count])
    ledger.put_finding_counts("r1", 1, [count])
    assert ledger.finding_counts("r1") == [
        FindingCount("R301", "Mail", "recipient_email", 0, rows=6, orders=4)
    ]


def test_after_a_failed_commit_nothing_is_written_any_more(ledger: Ledger) -> None:
    begin(ledger)
    with pytest.raises(LedgerUnusable), ledger._session.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")
    with pytest.raises(LedgerUnusable):
        ledger.endpoint("https://y", 1)


# --- several processes ----------------------------------------------------------------------

CHILD = """
import datetime as dt, sys, time
sys.path.insert(0, sys.argv[2])
from pipeline.ledger import Lease, Ledger
from pipeline.model.orders import Operation, Replay, Submission
ledger = Ledger.open(sys.argv[1], clock=lambda: dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
ledger.resume_run("r1")
unsafe = Operation("add_line_item", "l", "id", Replay.READ_BACK)
ledger.journal("r1", 0, Lease(0.4, 0.1)).commit(sending=[Submission("A1", "h2", b"{}", (unsafe,))])
print("sending", flush=True)
time.sleep(60)
"""


@pytest.fixture
def sending_child(database: Database) -> Iterator[subprocess.Popen[str]]:
    with Ledger.open(database.location, clock=clock) as opened:
        begin(opened)
        opened.plan_partition("r1", 0, plan({"order_number": "A1"}, {"order_number": "A2"}), "d")
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, database.location, root], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "sending\n"
        yield child
        child.kill()


def test_d1_a_second_run_is_told_who_holds_the_ledger(
    database: Database, sending_child: subprocess.Popen[str]
) -> None:
    with pytest.raises(LedgerLocked) as raised:
        Ledger.open(database.location, clock=clock)
    assert raised.value.exit_code == 10
    assert f"run r1 by pid {sending_child.pid} on " in str(raised.value)
    assert " since 2026-11-2" in str(raised.value)


def test_p1_after_kill_9_the_next_run_knows_what_was_being_sent(
    database: Database, sending_child: subprocess.Popen[str]
) -> None:
    sending_child.send_signal(signal.SIGKILL)
    sending_child.wait()
    time.sleep(0.5)  # a lease of the child, where there are leases
    with Ledger.open(database.location, clock=clock) as opened:
        found = opened.orders("r1").sort("key")
        assert found["outcome"].to_list() == ["unknown", "not_attempted"]
        assert opened.partitions("r1")[0].open_orders == 2
        journal = opened.journal("r1", 0)
        unsafe = Operation("add_line_item", "l", "id", Replay.READ_BACK)
        begun = journal.commit(sending=[sub("A1", "h2", unsafe), sub("A2")])
        assert begun.doubtful == begun.unclear == {"A1"}


def test_threads_take_turns(ledger: Ledger) -> None:
    begin(ledger)
    threads = [
        threading.Thread(target=lambda: [ledger.endpoint("https://z", n) for n in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.endpoint("https://z", 49) == ledger.endpoint("https://z", 49)
