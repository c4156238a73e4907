"""Entries: what a ledger says as of the end of a run stays the same, whatever comes after it."""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.ledger import CauseCount, Figures, Ledger, OpenItem, RunStart, RunState, cause_hash
from pipeline.ledger.schema import HISTORY_TABLES
from tests.databases import BOTH, Database

FIRST = dt.datetime(2026, 11, 18, 2, tzinfo=dt.UTC)


class Nights:
    """A ledger over nights: every run begins a day after the one before."""

    def __init__(self, location: str) -> None:
        self.now = FIRST
        self.ledger = Ledger.open(location, clock=lambda: self.now)
        self.endpoint = self.ledger.endpoint("https://api.parcellab.com", 1618)

    def begin(self, run_id: str, *mappings: str) -> None:
        self.ledger.begin_run(
            RunStart(
                id=run_id, endpoint=self.endpoint, fingerprint=run_id, profile="prod",
                started_at=self.now, mappings=dict.fromkeys(mappings or ("wms",), "ab"),
            )
        )  # fmt: skip

    def end(self, run_id: str, missing: dict[str, str], *arrived: str, causes: str = "") -> int:
        entry = self.ledger.enter(
            run_id,
            figures=figures(len(missing)),
            causes=[CauseCount(each, "R301", "Mail", "mail", 2, 1) for each in causes],
            missing=missing.items(),
            arrived=arrived,
        )
        self.now += dt.timedelta(days=1)
        return entry

    def run(self, run_id: str, missing: dict[str, str], *arrived: str, causes: str = "") -> int:
        self.begin(run_id)
        return self.end(run_id, missing, *arrived, causes=causes)

    def as_of(self, run_id: str) -> list[tuple[str, str, str, int, str | None]]:
        entry = self.ledger.entry_of(run_id)
        assert entry is not None
        return [shown(item) for item in self.ledger.items_as_of(run_id, entry)]

    def closed(self, run_id: str) -> list[tuple[str, str | None]]:
        entry = self.ledger.entry_of(run_id)
        assert entry is not None
        return [(i.order_number, i.reason) for i in self.ledger.closed_items(run_id, entry)]


def figures(missing: int) -> Figures:
    return Figures(
        state="finished", verdict="PARTLY IMPORTED", files=1, rows=20, rejected=missing, orders=10,
        arrived=10 - missing, missing=missing, out_of_date=0, unclear=0, causes=1,
    )  # fmt: skip


def shown(item: OpenItem) -> tuple[str, str, str, int, str | None]:
    return item.order_number, item.code, item.opened_run, item.runs, item.last_run


@pytest.fixture
def nights(database: Database) -> Iterator[Nights]:
    made = Nights(database.location)
    yield made
    made.ledger.close()


@BOTH
def test_a_missing_order_is_carried_from_run_to_run_until_it_arrives(nights: Nights) -> None:
    nights.run("r1", {"A1": "R301", "A2": "A401"})
    nights.run("r2", {"A1": "R302"}, "A2", "A7")

    (item,) = nights.ledger.open_items(nights.endpoint)
    assert shown(item) == ("A1", "R302", "r1", 2, "r2")
    assert item.opened_at == FIRST
    assert nights.closed("r2") == [("A2", "arrived")]
    assert nights.closed("r1") == []


@BOTH
def test_a_run_that_ends_twice_counts_its_items_once(nights: Nights) -> None:
    nights.begin("r1")
    first = nights.end("r1", {"A1": "R301"})
    second = nights.end("r1", {"A1": "R301", "A2": "A401"})

    assert nights.as_of("r1") == [("A1", "R301", "r1", 1, "r1"), ("A2", "A401", "r1", 1, "r1")]
    assert [i.order_number for i in nights.ledger.items_as_of("r1", first)] == ["A1"]
    assert nights.ledger.entry_of("r1") == second == nights.ledger.last_entry()


@BOTH
def test_what_was_open_as_of_a_run_stays_so_whatever_comes_later(nights: Nights) -> None:
    nights.run("r1", {"A1": "R301", "A2": "A401", "A3": "R301"})
    nights.run("r2", {"A1": "R302", "A4": "R301"}, "A2")
    before = nights.as_of("r1"), nights.as_of("r2"), nights.closed("r2")

    nights.ledger.close_items(nights.endpoint, ["A3"], "cancelled by phone")
    nights.run("r3", {"A4": "A401", "A2": "R301"}, "A1")

    assert (nights.as_of("r1"), nights.as_of("r2"), nights.closed("r2")) == before
    assert before[0][0] == ("A1", "R301", "r1", 1, "r1")
    assert nights.as_of("r3") == [("A4", "A401", "r2", 2, "r3"), ("A2", "R301", "r3", 1, "r3")]
    assert nights.closed("r3") == [("A1", "arrived"), ("A3", "cancelled by phone")]


@BOTH
def test_an_interrupted_run_that_ends_after_a_newer_one_does_not_change_its_past(
    nights: Nights,
) -> None:
    nights.begin("r1")
    nights.end("r1", {"A1": "R301"}, causes="a")
    nights.run("r2", {"A9": "R301"}, causes="ab")
    at_r2 = nights.ledger.entry_of("r2")
    assert at_r2 is not None
    nights.end("r1", {"A1": "R301", "A2": "A401"}, "A9", causes="abc")

    assert [item[0] for item in nights.as_of("r2")] == ["A1", "A9"]
    assert [item[0] for item in nights.as_of("r1")] == ["A1", "A2"]
    runs = nights.ledger.past_runs("r2", as_of=at_r2, since=FIRST)
    causes = nights.ledger.causes_at([run.entry for run in runs if run.entry])
    assert [(entry, cause.cause) for entry, cause in causes] == [(1, "a"), (2, "a"), (2, "b")]
    resumed = nights.ledger.past_runs("r1", as_of=nights.ledger.last_entry(), since=FIRST)
    assert [(run.id, run.entry) for run in resumed] == [("r1", 3), ("r2", 2)]


@BOTH
def test_past_runs_are_those_of_the_endpoint_with_their_figures(nights: Nights) -> None:
    nights.run("r1", {"A1": "R301"})
    nights.begin("r2", "wms", "parcels")  # has crashed
    nights.now += dt.timedelta(days=1)
    entry = nights.run("r3", {})
    other = nights.ledger.endpoint("https://api.parcellab.com", 1)
    nights.ledger.begin_run(
        RunStart(id="x", endpoint=other, fingerprint="", profile="p", started_at=nights.now)
    )

    runs = nights.ledger.past_runs("r3", as_of=entry, since=FIRST)
    assert [(run.id, run.figures) for run in runs] == [
        ("r1", figures(1)), ("r2", None), ("r3", figures(0)),
    ]  # fmt: skip
    assert runs[1].mappings == {"wms", "parcels"}
    later = nights.ledger.past_runs("r3", as_of=entry, since=FIRST + dt.timedelta(days=1))
    assert [run.id for run in later] == ["r2", "r3"]
    assert [run.id for run in nights.ledger.latest_runs(2)] == ["x", "r3"]


@BOTH
def test_causes_are_found_by_name(nights: Nights) -> None:
    entries = [nights.run("r1", {}, causes="ab"), nights.run("r2", {}, causes="bc")]
    found = nights.ledger.causes_at(entries, causes=["b", "z"])
    assert [(entry, cause.cause) for entry, cause in found] == [(1, "b"), (2, "b")]
    assert nights.ledger.causes_at([], causes=["b"]) == []


@BOTH
def test_open_items_are_counted_per_endpoint(nights: Nights) -> None:
    nights.run("r1", {"A1": "R301", "A2": "R301"})
    nights.run("r2", {"A3": "R301"}, "A1")
    (count,) = nights.ledger.open_counts()
    assert (count.account, count.count, count.oldest, count.profile) == (1618, 2, FIRST, "prod")


@BOTH
def test_an_item_closed_by_a_person_opens_again_as_a_new_one(nights: Nights) -> None:
    nights.run("r1", {"A1": "R301"})
    nights.ledger.close_items(nights.endpoint, ["A1"], "sold in the shop")
    assert nights.ledger.open_items(nights.endpoint) == []
    nights.run("r2", {"A1": "R301"})
    (item,) = nights.ledger.open_items(nights.endpoint)
    assert shown(item) == ("A1", "R301", "r2", 1, "r2")
    assert nights.closed("r2") == [("A1", "sold in the shop")]


SUMMARY = {
    "version": 1,
    "verdict": "PARTLY IMPORTED",
    "run": {"state": "finished"},
    "files": [{}, {}],
    "rows": {"read": 20, "rejected": 3},
    "orders": {"seen": 10, "arrived": 8, "missing": 1, "out_of_date": 1, "unknown": 0},
    "causes": [
        {"key": "R301|Mail|mail||wms", "code": "R301", "column": "Mail", "target": "mail",
         "unit": "rows", "count": 3, "orders": 2},
        {"key": "other", "code": "", "column": "", "target": "", "unit": "orders", "count": 1,
         "orders": 1},
    ],
}  # fmt: skip


def test_a_ledger_of_format_2_is_upgraded_with_its_history(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old_format(path)

    with Ledger.read(path, clock=lambda: FIRST) as ledger:  # looking needs no upgrade
        assert ledger.run("r3") is not None
    with Ledger.open(path, clock=lambda: FIRST) as ledger:
        endpoint = ledger.endpoint("https://api.parcellab.com", 1618)
        first, last = ledger.entry_of("r1"), ledger.entry_of("r3")
        assert (first, ledger.entry_of("r2"), last) == (1, 2, 3)
        assert [shown(i) for i in ledger.items_as_of("r1", 1)] == [
            ("A1", "R301", "r1", 1, "r1"), ("A2", "A401", "r1", 1, "r1"),
        ]  # fmt: skip
        assert [shown(i) for i in ledger.items_as_of("r3", 3)] == [("A1", "R301", "r1", 3, "r3")]
        assert [i.order_number for i in ledger.closed_items("r3", 3)] == ["A2"]
        assert [i.order_number for i in ledger.open_items(endpoint)] == ["A1"]
        runs = ledger.past_runs("r3", as_of=3, since=FIRST)
        assert [run.figures and run.figures.arrived for run in runs] == [8, None, 8]
        [found] = ledger.causes_at([1], causes=[cause_hash("R301|Mail|mail||wms")])
        assert (found[1].code, found[1].column, found[1].rows, found[1].orders) == (
            "R301", "Mail", 3, 2,
        )  # fmt: skip
        ledger.enter("r3", missing=[("A1", "R301")], arrived=[])
        assert ledger.entry_of("r3") == 4
        assert [item.runs for item in ledger.open_items(endpoint)] == [3]


def old_format(path: Path) -> None:
    """A ledger as version 2 left it: r1 and r3 with a report, r2 stopped before its files were read."""
    with Ledger.open(path, clock=lambda: FIRST) as ledger:
        endpoint = ledger.endpoint("https://api.parcellab.com", 1618)
        for number, totals in enumerate((SUMMARY, {}, SUMMARY), start=1):
            at = FIRST + dt.timedelta(days=number)
            ledger.begin_run(
                RunStart(id=f"r{number}", endpoint=endpoint, fingerprint="", profile="prod", started_at=at)
            )  # fmt: skip
            ledger.finish_run(
                f"r{number}", state=RunState.FINISHED, exit_code=3, ended_at=at,
                totals=json.dumps(totals),
            )  # fmt: skip
    old = sqlite3.connect(path)
    for table in reversed(HISTORY_TABLES):
        old.execute(f"DROP TABLE {table.name}")
    opened = "2026-11-19T02:00:00.000+00:00"
    old.executemany(
        "INSERT INTO open_item (endpoint, order_number, code, opened_run, opened_at, last_run, runs,"
        " closed_run, closed_at, reason) VALUES (1, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
        [
            ("A1", "R301", opened, 3, 3, None, None, None),
            ("A2", "A401", opened, 1, 1, 3, opened, "arrived"),
        ],
    )
    old.execute("PRAGMA user_version = 2")
    old.commit()
    old.close()
