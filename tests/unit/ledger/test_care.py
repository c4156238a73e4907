"""What `ledger stats`, `export` and `purge` ask of the ledger, on both databases."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pipeline.ledger import EXPORT_COLUMNS, Ledger, RunState
from pipeline.model.outcomes import OrderOutcome
from tests.databases import BOTH, Database
from tests.unit.ledger.test_check import found, night
from tests.unit.ledger.test_ledger import NOW, begin, clock, plan, sent, sub

pytestmark = BOTH
LATER = NOW + timedelta(days=1)


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with Ledger.open(database.location, clock=clock) as opened:
        yield opened


def export(
    ledger: Ledger, endpoint: int, run: str | None = None, *outcomes: str
) -> list[tuple[object, ...]]:
    return [row for batch in ledger.exported(endpoint, run, outcomes) for row in batch]


def test_export_gives_each_order_of_each_run_with_what_is_known_of_it(ledger: Ledger) -> None:
    endpoint = night(ledger)
    rows = export(ledger, endpoint)
    assert len(EXPORT_COLUMNS) == len(rows[0])
    at = "2026-11-20T12:00:00.000+00:00"
    assert rows == [
        ("A1", "h1", 0, "created", 200, "r1", at, "x"),
        ("A2", "h1", 0, "created", 200, "r1", at, None),
        ("A3", "h1", 0, "refused", 200, "r1", None, None),
        ("A1", "h2", 0, "updated", 200, "r2", at, "x"),
        ("A4", "h1", 0, "unknown", None, "r2", None, None),
    ]
    assert export(ledger, endpoint, "r2", "unknown") == rows[-1:]
    assert export(ledger, endpoint, None, "refused", "updated") == rows[2:4]
    assert export(ledger, endpoint + 1) == []


def test_sizes_count_rows_bytes_and_growth(ledger: Ledger) -> None:
    night(ledger)
    size = ledger.sizes(since=NOW - timedelta(days=30))
    assert {each.name: each.rows for each in size.tables}["run_order"] == 5
    assert all(each.size_bytes for each in size.tables)
    (endpoint,) = size.endpoints
    assert (endpoint.orders_known, endpoint.runs, endpoint.open_items) == (2, 2, 1)
    (day,) = size.growth
    assert (day.day, day.runs, day.orders, day.created) == ("2026-11-20", 2, 5, 2)
    assert day.size_bytes
    assert ledger.sizes(since=LATER).growth == []


def test_rows_go_from_the_old_end_only(ledger: Ledger, database: Database) -> None:
    endpoint = night(ledger)
    begin(ledger, "r3", "h")
    ledger.plan_partition("r3", 0, plan({"order_number": "A2", "content_sha256": "h3"}), "d")
    sent(ledger, sub("A2", "h3"), OrderOutcome.UPDATED, run_id="r3")
    ledger.finish_run("r3", state=RunState.FINISHED, exit_code=0, ended_at=NOW, totals="{}")

    def judged(reason: str = "") -> dict[str, str]:
        return {e.run: e.kept for e in ledger.old_runs(before=LATER, needs=lambda _: reason)}

    behind = "an older run keeps its own, {}, and must not undo what this one sent"
    # the open item was missing last in r2, which can be resumed
    assert judged() == {"r1": "", "r3": behind.format("r2")}
    assert judged("needed") == {"r1": "needed", "r3": behind.format("r1")}
    assert ledger.old_runs(before=NOW, needs=lambda _: "") == []

    ledger.abandon_run("r2")
    assert judged()["r2"] == "orders that are open items were missing in it last"
    ledger.close_items(endpoint, ["A3"], "x")
    assert judged() == {"r1": "", "r2": "", "r3": ""}

    before = ledger.known(endpoint, ["A1", "A2"])
    for run in judged():
        ledger.remove_rows(run)
    assert judged() == {}
    assert ledger.is_purged("r3")
    assert export(ledger, endpoint) == []
    assert ledger.known(endpoint, ["A1", "A2"]) == before
    assert len(ledger.latest_items(endpoint, ["A3"])) == 1
    assert ledger.run("r1") is not None
    assert found(database.location) == []
