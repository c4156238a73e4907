"""A run among its nights: what a report says of the nights before, and that it says so for ever."""

import datetime as dt
import json
from collections.abc import Callable

import pytest

from pipeline.ledger import Ledger
from pipeline.run import Result, report
from tests.run.conftest import Warehouse, order_row

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
        report(warehouse.settings, run.run_id, "mask")
        assert report_bytes(warehouse, run) == before


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
