"""Marks of what was told: kept with the answer, merged with what was told before, forgotten on demand."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import orjson
import polars as pl
import pytest

from pipeline.ledger import (
    PLANNED_SCHEMA,
    Difference,
    FailedAttempt,
    Found,
    Ledger,
    ReadBack,
    RunStart,
    RunState,
)
from pipeline.ledger.schema import MARKED_TABLES, READ_BACK_TABLES
from pipeline.model.orders import Operation, Outcome, Problem, Replay, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome
from tests.databases import BOTH, Database
from tests.unit.ledger.test_ledger import plan

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ADD = Operation(
    "add_tracking", "add_tracking|dhl|P1", "0b8f3d0e-6f0a-4c57-9b7c-6a2d9d5f1a11", Replay.SAFE
)


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with Ledger.open(database.location, clock=lambda: NOW) as opened:
        yield opened


def begin(ledger: Ledger, run_id: str = "r1") -> int:
    endpoint = ledger.endpoint("https://api.parcellab.com", 1618)
    ledger.begin_run(
        RunStart(id=run_id, endpoint=endpoint, fingerprint="f", profile="prod", started_at=NOW)
    )
    return endpoint


def tell(ledger: Ledger, outcome: OrderOutcome, *operations: Operation, **body: object) -> None:
    text = orjson.dumps(body)
    submission = Submission("A1", sha256(text).hexdigest(), text, operations)
    answer = Outcome(
        "A1", outcome, attempts=1, status=200,
        mutations=(MutationOutcome.SUCCEEDED,) * len(operations),
    )  # fmt: skip
    run_id = f"told{len(ledger.runs(99))}"  # an order is sent once in a run
    begin(ledger, run_id)
    ledger.plan_partition(run_id, 0, plan({"order_number": "A1"}), "d")
    journal = ledger.journal(run_id, 0)
    journal.commit(sending=[submission])
    journal.commit(settled=[(submission, answer)])
    ledger.remember(1, [submission])


@BOTH
def test_marks_are_kept_with_the_answer_and_merged_with_what_was_told_before(
    ledger: Ledger,
) -> None:
    endpoint = begin(ledger)
    tell(ledger, OrderOutcome.CREATED, channel="web", articles_order=[{"line_item_id": "L1"}])
    first = ledger.told(endpoint, ["A1", "A2"])
    assert first.keys() == {"A1"}
    tell(ledger, OrderOutcome.REFUSED, channel="refused")
    assert ledger.told(endpoint, ["A1"]) == first

    tracking = {"type": "add_tracking", "tracking": {"courier": "dhl", "tracking_number": "P1"}}
    tell(ledger, OrderOutcome.UPDATED, ADD, channel="shop", mutations=[tracking])

    [told] = ledger.told(endpoint, ["A1"]).values()
    assert told.marks is not None
    assert first["A1"].marks is not None
    assert set(told.marks.now) == {"channel"}
    assert told.marks.now["channel"] != first["A1"].marks.now["channel"]
    assert set(told.marks.earlier) == {"articles_order.line_item_id"}
    parcel = told.changes[ADD.subject]
    assert parcel is not None
    assert set(parcel.now) == {"courier", "tracking_number"}


def test_an_order_costs_few_bytes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    address = dict.fromkeys(("first_name", "last_name", "address_line", "postal_code", "city"), "x")
    with Ledger.open(path, clock=lambda: NOW) as ledger:
        begin(ledger)
        tell(ledger, OrderOutcome.CREATED, channel="web", shipping_address=address)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT length(marks) FROM known_order").fetchall() == [(6 * 7,)]


@BOTH
def test_marks_are_forgotten_on_demand(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    tell(ledger, OrderOutcome.CREATED, channel="web")
    ledger.forget_marks(endpoint, ["A1"])
    assert ledger.told(endpoint, ["A1"])["A1"].marks is None


@BOTH
def test_what_was_read_back_replaces_what_was_found_before(ledger: Ledger) -> None:
    begin(ledger)
    assert ledger.read_back("r1") is None
    first = ReadBack(
        at=NOW, share=0.5, arrived=4, chosen=2, compared=2, differing=1, missing=1, unread=0,
        differences=(Difference("A1", "", Found.MISSING), Difference("A2", "tags", Found.DIFFERENT)),
    )  # fmt: skip
    ledger.put_read_back("r1", first)
    assert ledger.read_back("r1") == first
    again = ReadBack(
        at=NOW, share=1.0, arrived=4, chosen=4, compared=4, differing=0, missing=0, unread=0
    )
    ledger.put_read_back("r1", again)
    assert ledger.read_back("r1") == again


def test_a_ledger_of_format_3_is_upgraded_and_knows_no_marks_of_its_orders(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path, clock=lambda: NOW) as ledger:
        endpoint = begin(ledger)
        tell(ledger, OrderOutcome.CREATED, channel="web")
        ledger.finish_run("r1", state=RunState.FINISHED, exit_code=0, ended_at=NOW, totals="{}")
    old = sqlite3.connect(path)
    for table in reversed(READ_BACK_TABLES):
        old.execute(f"DROP TABLE {table.name}")
    for table in MARKED_TABLES:
        old.execute(f"ALTER TABLE {table.name} DROP COLUMN marks")
    old.execute("PRAGMA user_version = 3")
    old.commit()
    old.close()

    with Ledger.read(path, clock=lambda: NOW) as ledger:  # looking needs no upgrade
        assert not ledger.keeps_marks()
        assert ledger.run("r1") is not None
    with Ledger.open(path, clock=lambda: NOW) as ledger:
        assert ledger.keeps_marks()
        assert ledger.marker() is None
        assert ledger.told(endpoint, ["A1"])["A1"].marks is None
        tell(ledger, OrderOutcome.UPDATED, channel="web")
        assert ledger.told(endpoint, ["A1"])["A1"].marks is not None


@BOTH
def test_an_order_is_followed_through_runs_by_number_or_key(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    begin(ledger, "r2")
    held = planned("A1", number=None, outcome="held_back", code="R301")
    ledger.plan_partition("r1", 0, held, "d")
    ledger.plan_partition("r2", 0, planned("A1"), "d")
    ledger.plan_partition("r2", 1, planned("A2"), "d")
    submission = Submission("A1", "h", b"{}", ())
    journal = ledger.journal("r2", 0)
    journal.commit(sending=[submission])
    journal.commit(failed=[FailedAttempt("A1", 1, "status 503")])
    refusal = Problem("A401", "is not configured", "delivery_method", "invalid")
    answer = Outcome("A1", OrderOutcome.REFUSED, attempts=2, status=400, problems=(refusal,))
    journal.commit(settled=[(submission, answer)])
    ledger.enter("r2", missing=[("A1", "A401")], arrived=[])

    first, second = ledger.order_in_runs(endpoint, "A1")

    assert (first.run, first.outcome, first.code) == ("r1", "held_back", "R301")
    assert (second.run, second.outcome, second.attempts, second.status) == ("r2", "refused", 2, 400)
    assert [(each.n, each.what) for each in second.tries] == [(1, "status 503")]
    assert [(each.attr, each.detail) for each in second.answers] == [
        ("delivery_method", "is not configured")
    ]
    [item] = ledger.items_of_order(endpoint, "A1")
    assert (item.code, item.opened_run, item.closed_at) == ("A401", "r2", None)
    assert ledger.order_in_runs(endpoint, "A9") == []
    assert ledger.outcome_counts("r2") == {"refused": 1, "not_attempted": 1}
    ledger.journal("r2", 1).commit(sending=[Submission("A2", "h", b"{}", ())])
    assert ledger.outcome_counts("r2") == {"refused": 1, "sending": 1}


def planned(key: str, *, number: str | None = "", **more: object) -> pl.DataFrame:
    row = {
        "_file": 0, "_line": 2, "_segment": 0, "key": key, "outcome": "not_attempted", "known": False,
        "order_number": key if number == "" else number, "rows": 1, "lines": 1, "quantity": 1,
        "value": Decimal("1.00"), "currency": "EUR", "trackings": 0, "content_sha256": "h",
    }  # fmt: skip
    return pl.DataFrame([row | more], schema=PLANNED_SCHEMA)


@BOTH
def test_only_the_last_acknowledged_request_is_remembered(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    first = Submission("A1", "h1", b'{"channel":"web","timezone":"UTC"}', ())
    newer = Submission("A1", "h2", b'{"channel":"shop"}', ())
    for run_id, submission in (("one", first), ("two", newer)):
        begin(ledger, run_id)
        ledger.plan_partition(run_id, 0, planned("A1"), "d")
        journal = ledger.journal(run_id, 0)
        journal.commit(sending=[submission])
        answer = Outcome("A1", OrderOutcome.UPDATED, attempts=1, status=200)
        journal.commit(settled=[(submission, answer)])
    assert ledger.told(endpoint, ["A1"])["A1"].marks is None  # its run has not ended

    assert ledger.remember(endpoint, [first]) == 0
    assert ledger.remember(endpoint, [newer]) == 1
    assert ledger.remember(endpoint, [newer]) == 0  # it is remembered already

    marks = ledger.told(endpoint, ["A1"])["A1"].marks
    assert marks is not None
    assert set(marks.all) == {"channel"}
