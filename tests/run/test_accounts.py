"""The accounts of whole runs: of none, of one, of very many causes, stopped, and tampered with."""

import json

import polars as pl
import pytest

from pipeline.run import Result
from tests.run.conftest import Warehouse, order_row
from tests.run.test_answers import play


def said(result: Result) -> tuple[str, str]:
    """The page and the text of a run."""
    assert result.report is not None
    text = result.report.with_name("summary.txt").read_text(encoding="utf-8")
    return result.report.read_text(encoding="utf-8"), text


def orders_of(result: Result) -> dict[str, int]:
    made = result.summary["orders"]
    assert isinstance(made, dict)
    return {name: number for name, number in made.items() if number}


@pytest.mark.parametrize("kind", ["rows", "findings"])
def test_a_table_that_was_tampered_with_does_not_balance_and_ends_with_1(
    warehouse: Warehouse, kind: str
) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(9)), order_row("B", qty="two"))

    def tamper(_: int) -> None:
        warehouse.told.on_send = None
        [path] = (warehouse.settings.home / "runs").glob(f"*/{kind}/part-*.parquet")
        pl.read_parquet(path).slice(1).write_parquet(path)

    warehouse.told.on_send = tamper

    result = warehouse.run()

    assert result.exit_code == 1
    page, text = said(result)
    assert "DOES NOT BALANCE" in text
    assert "<title>✖ DOES NOT BALANCE" in page
    assert 'class="verdict bad"' in page
    assert result.summary["balances"] is False
    assert "≠" in page


def test_a_run_of_one_row_has_a_whole_report(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))

    result = warehouse.run()

    page, text = said(result)
    assert result.exit_code == 0
    assert text.startswith("ALL IMPORTED")
    assert "The order arrived in parcelLab." in page
    assert orders_of(result) == {"seen": 1, "ready": 1, "created": 1, "arrived": 1}


def test_a_run_without_a_row_says_that_there_was_no_order(warehouse: Warehouse) -> None:
    warehouse.orders()

    result = warehouse.run()

    page, _ = said(result)
    assert result.exit_code == 0
    assert "There was no order in the files." in page
    assert result.summary["balances"] is True
    assert orders_of(result) == {}


@pytest.mark.thorough
def test_three_hundred_causes_are_at_most_two_hundred_groups_that_add_up(
    warehouse: Warehouse,
) -> None:
    warehouse.paced(concurrency=8)
    numbers = [f"A{n}" for n in range(300)]
    # some arrive first: a run of which nothing does is stopped
    warehouse.orders(*(order_row(f"B{n}") for n in range(9)), *(order_row(n) for n in numbers))
    letters = "abcdefghijklmnopqrstuvwxyz"
    refusals: list[dict[str, object]] = [
        {"fault": "http_400_a", "order_number": number, "attr": "recipient_email",
         "detail": f"is {letters[n // 26]}{letters[n % 26]} odd"}
        for n, number in enumerate(numbers)
    ]  # fmt: skip
    play(warehouse, *refusals)

    result = warehouse.run()

    page, _ = said(result)
    assert result.exit_code == 3
    causes = result.summary["causes"]
    assert isinstance(causes, list)
    assert len(causes) == 200
    assert sum(each["count"] for each in causes) == 300
    assert "Other problems (101 kinds)" in page
    assert result.summary["balances"] is True
    assert len(warehouse.rejections(result)) == 300


@pytest.mark.parametrize("stage", ["guard", "token", "deadline"])
def test_a_run_that_is_stopped_at_any_stage_balances(warehouse: Warehouse, stage: str) -> None:
    rows = [order_row(f"A{n}", qty="two" if stage == "guard" and n < 10 else 1) for n in range(20)]
    warehouse.orders(*rows)
    if stage == "token":
        play(warehouse, {"fault": "http_401", "on": list(range(6, 100))})
    options: dict[str, object] = {}
    if stage == "deadline":
        from tests.run.conftest import at

        options["until"] = at("2020-01-01T00:00:00+00:00")

    result = warehouse.run(**options)

    page, text = said(result)
    made = orders_of(result)
    assert result.exit_code == {"guard": 7, "token": 6, "deadline": 5}[stage]
    assert result.summary["balances"] is True
    assert "DOES NOT BALANCE" not in text
    assert ("STOPPED" in page.split("</title>")[0]) is True
    assert made["seen"] == 20
    assert made.get("held_back", 0) + made["ready"] == 20
    assert json.dumps(result.summary)
