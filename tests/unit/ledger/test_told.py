"""Marks of what was told: kept with the answer, merged with what was told before, forgotten on demand."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from pipeline.ledger import Difference, Found, Ledger, ReadBack, RunStart, RunState
from pipeline.ledger.schema import MARKED_TABLES, READ_BACK_TABLES
from pipeline.model.orders import Operation, Outcome, Replay, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ADD = Operation(
    "add_tracking", "add_tracking|dhl|P1", "0b8f3d0e-6f0a-4c57-9b7c-6a2d9d5f1a11", Replay.SAFE
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path, clock=lambda: NOW) as opened:
        yield opened


def begin(ledger: Ledger, run_id: str = "r1") -> int:
    endpoint = ledger.endpoint("https://api.parcellab.com", 1618)
    ledger.begin_run(
        RunStart(id=run_id, endpoint=endpoint, fingerprint="f", profile="prod", started_at=NOW)
    )
    return endpoint


def tell(ledger: Ledger, outcome: OrderOutcome, *operations: Operation, **body: object) -> None:
    submission = Submission("A1", "h", orjson.dumps(body), operations)
    answer = Outcome(
        "A1", outcome, attempts=1, status=200,
        mutations=(MutationOutcome.SUCCEEDED,) * len(operations),
    )  # fmt: skip
    ledger.journal("r1", 0).commit(settled=[(submission, answer)])


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


def test_an_order_costs_few_bytes(path: Path, ledger: Ledger) -> None:
    begin(ledger)
    address = dict.fromkeys(("first_name", "last_name", "address_line", "postal_code", "city"), "x")
    tell(ledger, OrderOutcome.CREATED, channel="web", shipping_address=address)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT length(marks) FROM known_order").fetchall() == [(6 * 7,)]


def test_marks_are_forgotten_on_demand(ledger: Ledger) -> None:
    endpoint = begin(ledger)
    tell(ledger, OrderOutcome.CREATED, channel="web")
    ledger.forget_marks(endpoint, ["A1"])
    assert ledger.told(endpoint, ["A1"])["A1"].marks is None


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


def test_a_ledger_of_format_3_is_upgraded_and_knows_no_marks_of_its_orders(path: Path) -> None:
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
