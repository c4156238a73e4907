"""A run among its nights: what a report says of the nights before, and that it says so for ever."""

import datetime as dt
import gzip
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.ledger.schema import HISTORY_TABLES
from pipeline.model.schedule import Schedule
from pipeline.model.stops import StopRun
from pipeline.run import Result, RunUnknown, close_open_items, index, report
from pipeline.sandbox import FaultSchedule
from tests.run.conftest import PARCELS_YAML, Warehouse, order_row

Night = Callable[..., Result]
FIRST = dt.datetime(2026, 11, 16, 2, 5, tzinfo=dt.UTC)  # a Monday


class Now(dt.datetime):
    """The wall clock of the tests."""

    moment = FIRST

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        cls.moment += dt.timedelta(milliseconds=1, microseconds=7)
        return cls.moment.astimezone(tz)


@pytest.fixture
def night(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Import rows on a night, counted from 1."""
    monkeypatch.setattr("pipeline.run.clock.datetime", Now)

    def run(number: int, *rows: str, **options: object) -> Result:
        Now.moment = FIRST + dt.timedelta(days=number - 1)
        warehouse.orders(*rows)
        return warehouse.run(**options)

    return run


def story(warehouse: Warehouse, result: Result) -> dict[str, object]:
    """What the summary of a run says of its nights."""
    path = warehouse.settings.reports / result.run_id / "summary.json"
    document: dict[str, object] = json.loads(path.read_text())["history"]
    return document


def report_bytes(warehouse: Warehouse, result: Result) -> dict[str, bytes]:
    folder = warehouse.settings.reports / result.run_id
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def bad_country(number: str) -> str:
    return order_row(number, country="Germany")


def bad_quantity(number: str) -> str:
    return order_row(number, qty="two")


@pytest.mark.thorough
def test_the_report_of_an_earlier_run_is_made_again_to_the_byte(
    warehouse: Warehouse, night: Night
) -> None:
    good = [order_row(f"G{n}") for n in range(4)]
    runs = [
        night(1, *good, bad_country("A1"), bad_country("A2")),
        night(2, *good, bad_country("A1"), order_row("A2"), bad_quantity("A3")),
    ]
    written = [report_bytes(warehouse, run) for run in runs]

    with Ledger.open(warehouse.settings.ledger, clock=Now.now) as ledger:
        ledger.close_items(1, ["A3"], "cancelled")
    runs.append(night(3, *good, order_row("A1"), bad_country("A4"), bad_quantity("A5")))
    written.append(report_bytes(warehouse, runs[2]))

    for run, before in zip(runs, written, strict=True):
        report(warehouse.settings, run.run_id, "mask", warehouse.told)
        assert report_bytes(warehouse, run) == before


@pytest.mark.thorough
def test_a_cause_is_new_then_some_nights_old_and_back_after_a_while(night: Night) -> None:
    seen = []
    for number, rows in enumerate(
        ([bad_country("A")], [bad_country("A"), bad_quantity("B")], [bad_country("A")],
         [bad_country("A"), bad_quantity("C")]), start=1,
    ):  # fmt: skip
        result = night(number, order_row(f"G{number}"), *rows)
        causes = result.summary["causes"]
        assert isinstance(causes, list)
        seen.append({each["code"]: each["lifecycle"] for each in causes})
    assert seen == [
        {"R203": None},
        {"R203": "2 nights", "R201": "new"},
        {"R203": "3 nights"},
        {"R203": "4 nights", "R201": "back after 2 nights"},
    ]


def test_missing_orders_roll_forward_until_they_arrive_or_are_closed(
    warehouse: Warehouse, night: Night
) -> None:
    night(1, order_row("G1"), *map(bad_country, ("A1", "A2", "A3")))
    second = night(2, order_row("G2"), bad_country("A1"), order_row("A2"))
    assert story(warehouse, second)["still_missing"] == {
        "orders": 2, "seen_again": 1, "oldest": "2026-11-16",
    }  # fmt: skip
    assert story(warehouse, second)["resolved"] == {"arrived": 1, "closed": 0}
    close_open_items(warehouse.settings, ["A3"], "cancelled", warehouse.told)
    third = night(3, order_row("G3"), order_row("A1"))
    assert story(warehouse, third)["still_missing"] == {
        "orders": 0,
        "seen_again": 0,
        "oldest": None,
    }
    assert story(warehouse, third)["resolved"] == {"arrived": 1, "closed": 1}
    assert "2 orders resolved since the last run" in third.text


@pytest.mark.thorough
def test_an_interrupted_run_resumed_after_a_newer_one_leaves_its_report_alone(
    warehouse: Warehouse, night: Night
) -> None:
    night(1, order_row("G1"), bad_country("A1"))
    Now.moment = FIRST + dt.timedelta(days=1)
    warehouse.orders(order_row("G2"), bad_country("A2"), name="orders.csv")
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "http_401"}]))
    stopped = warehouse.run()
    assert stopped.exit_code == 6
    warehouse.sandbox.play(FaultSchedule())
    newer = night(3, order_row("G3"), bad_quantity("A1"))
    before = report_bytes(warehouse, newer)
    Now.moment = FIRST + dt.timedelta(days=3)
    assert warehouse.resume(stopped.run_id).exit_code == 3
    report(warehouse.settings, newer.run_id, "mask", warehouse.told)
    assert report_bytes(warehouse, newer) == before


@pytest.mark.thorough
def test_the_page_of_all_runs_is_written_anew_after_each_run(
    warehouse: Warehouse, night: Night
) -> None:
    page = warehouse.settings.reports / "index.html"
    first = night(1, order_row("G1"), bad_country("A1"))
    assert f'href="{first.run_id}/report.html"' in page.read_text()
    assert "1 open item of profile sandbox" in page.read_text()
    warehouse.settings = replace(
        warehouse.settings, schedule=Schedule(profile="sandbox", days=frozenset(range(7)))
    )
    second = night(4, order_row("G1"), order_row("A1"))
    text = page.read_text()
    assert (
        text.index(second.run_id)
        < text.index("No run recorded for 2 nights")
        < text.index(first.run_id)
    )
    assert "open item" not in text
    (warehouse.folder / "orders.csv").unlink()
    warehouse.run()
    assert "no files" in page.read_text()
    (warehouse.folder / "orders.csv").write_text("a;b\n1;2\n")
    with pytest.raises(StopRun):
        warehouse.run()
    assert "STOPPED BEFORE SENDING" in page.read_text()
    assert (page.stat().st_mode & 0o777) == 0o600


@pytest.mark.thorough
def test_a_record_says_since_which_night_its_order_is_missing(
    warehouse: Warehouse, night: Night
) -> None:
    def seen(result: Result) -> dict[str, str]:
        assert result.report is not None
        path = result.report.with_name("rejections.jsonl.gz")
        lines = gzip.decompress(path.read_bytes()).splitlines()
        return {each["order_number"]: each["first_seen"] for each in map(json.loads, lines)}

    assert seen(night(1, order_row("G1"), bad_country("A1"))) == {"A1": "2026-11-16"}
    second = night(3, order_row("G1"), bad_country("A1"), bad_quantity("A2"))
    assert seen(second) == {"A1": "2026-11-16", "A2": "2026-11-18"}
    night(4, order_row("A1"), order_row("A2"))
    again = night(5, bad_country("A1"), bad_country(""))
    assert seen(again) == {"A1": "2026-11-20", None: None}  # it had arrived in between
    report(warehouse.settings, second.run_id, "mask", warehouse.told)
    assert seen(second) == {"A1": "2026-11-16", "A2": "2026-11-18"}
    assert set(seen(warehouse.plan()).values()) == {None}


def test_a_retry_that_is_refused_is_named_as_one_and_says_nothing_of_the_night(
    warehouse: Warehouse, night: Night
) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.parcels(("A1", "P1", "dhl-germany"))
    first = night(1, bad_quantity("A1"), order_row("G1"))
    page = warehouse.settings.reports / "index.html"
    verdict = headline(page)
    half = warehouse.corrected(first)["orders.rejected.csv"]

    with pytest.raises(StopRun, match="has rows in parcels"):
        warehouse.retry(half)

    text = page.read_text()
    assert "has rows in parcels.csv too" in text
    assert '<span class="badge">retry</span>' in text
    assert headline(page) == verdict
    assert "✖ PARTLY IMPORTED" in verdict


def headline(page: Path) -> str:
    found = re.search(r'<div class="verdict.*?</div>', page.read_text(), re.DOTALL)
    assert found is not None
    return found[0]


def test_a_first_night_without_a_run_is_shown_before_there_is_a_ledger(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.run.clock.datetime", Now)
    Now.moment = FIRST
    with pytest.raises(RunUnknown):
        index(warehouse.settings)
    warehouse.settings = replace(
        warehouse.settings,
        schedule=Schedule(profile="prod", days=frozenset(range(7)), by=dt.time(2)),
    )
    assert "No run recorded for tonight, Mon 16 Nov" in index(warehouse.settings).read_text()
    with Ledger.open(warehouse.settings.ledger, clock=Now.now):
        pass
    assert "No run recorded for tonight, Mon 16 Nov" in index(warehouse.settings).read_text()


def test_a_page_of_all_runs_that_cannot_be_written_is_a_warning(
    warehouse: Warehouse, night: Night
) -> None:
    (warehouse.settings.reports / "index.html").mkdir(parents=True)
    result = night(1, order_row("G1"))
    assert result.exit_code == 0
    warnings = [fields["text"] for level, _, fields in warehouse.told.events if level == "warning"]
    assert any(
        "the page of all runs could not be made: cannot write to" in str(text) for text in warnings
    )


def test_a_safety_stop_is_a_night_and_opens_no_items(warehouse: Warehouse, night: Night) -> None:
    night(1, order_row("G1"), bad_country("A1"))
    stopped = night(2, order_row("G2"), bad_country("A2"), min_rows=100)
    assert stopped.exit_code == 7
    assert story(warehouse, stopped)["still_missing"] == {
        "orders": 1, "seen_again": 0, "oldest": "2026-11-16",
    }  # fmt: skip
    assert "R203  Country" in stopped.text
    assert "2 nights" in stopped.text
    with Ledger.read(warehouse.settings.ledger, clock=Now.now) as ledger:
        assert [item.order_number for item in ledger.open_items(1)] == ["A1"]


def test_a_ledger_of_format_2_tells_the_first_report_after_its_upgrade_what_it_knows(
    warehouse: Warehouse, night: Night
) -> None:
    before = night(1, order_row("G1"), bad_country("A1"))
    with sqlite3.connect(warehouse.settings.ledger) as old:
        for table in reversed(HISTORY_TABLES):
            old.execute(f"DROP TABLE {table.name}")
        old.execute("PRAGMA user_version = 2")
    old.close()

    page = report(
        warehouse.settings, before.run_id, "mask", warehouse.told
    )  # reads only, and upgrades nothing
    assert "1 of 2 orders is missing" in page.read_text()
    with pytest.raises(RunUnknown, match="of an older format"):
        index(warehouse.settings)
    after = night(2, order_row("G2"), bad_country("A1"))

    assert "2 nights" in after.text
    assert story(warehouse, after)["still_missing"] == {
        "orders": 1, "seen_again": 1, "oldest": "2026-11-16",
    }  # fmt: skip
    assert f'href="{before.run_id}/report.html"' in index(warehouse.settings).read_text()
