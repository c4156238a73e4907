"""`--create-only` as a whole: what is known is not sent, and the mode is a fact of the run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.run import Options, PlanStale, again
from pipeline.sandbox import FaultRule, FaultSchedule
from tests.run.conftest import PARCELS_YAML, order_row

if TYPE_CHECKING:
    from pipeline.run import Result
    from tests.run.conftest import Warehouse


def requests(warehouse: Warehouse) -> list[tuple[str, str | None]]:
    return [(each.method, each.order_number) for each in warehouse.sandbox.requests()]


def orders_of(result: Result) -> dict[str, int]:
    found = result.summary["orders"]
    assert isinstance(found, dict)
    return {name: n for name, n in found.items() if n}


def test_new_orders_are_created_and_known_ones_are_not_sent_at_all(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    assert warehouse.run(create_only=True).exit_code == 0
    assert {method for method, _ in requests(warehouse)} == {"POST"}

    warehouse.orders(order_row("A1", name="Changed"), order_row("A2"), order_row("A3"))
    before = len(requests(warehouse))
    result = warehouse.run(create_only=True)

    assert requests(warehouse)[before:] == [("POST", "A3")]
    assert result.exit_code == 0
    assert orders_of(result) == {
        "seen": 3, "ready": 3, "created": 1, "unchanged": 1, "left_alone": 1, "arrived": 2,
    }  # fmt: skip
    stored = {each["order_number"]: each for each in warehouse.sandbox.orders()}
    assert stored["A1"]["recipient_name"] == "Jo Doe"
    warnings = result.summary["warnings"]
    assert isinstance(warnings, list)
    (warning,) = warnings
    assert (warning["code"], warning["count"], warning["owner"]) == ("A405", 1, "Automatic")
    # it was asked for, every night: nobody needs a mail about it
    assert result.text.startswith(
        "ALL IMPORTED: 2 of 3 orders arrived (1 already delivered before), 1 existed already and was"
    )
    assert "warning" not in result.text
    assert result.report is not None
    assert "<summary>1 note: nothing was held back" in result.report.read_text(encoding="utf-8")
    assert result.summary["balances"] is True


def test_an_order_of_somebody_else_is_left_alone_and_remembered(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", mail="theirs@example.com"))
    warehouse.run()
    ours = warehouse.settings.home / "another.db"
    warehouse.settings = replace(warehouse.settings, ledger=str(ours))
    warehouse.orders(order_row("A1"), order_row("A2"))
    before = len(requests(warehouse))
    result = warehouse.run(create_only=True)
    assert result.exit_code == 0
    assert orders_of(result)["left_alone"] == orders_of(result)["created"] == 1
    assert sorted(requests(warehouse)[before:]) == [("GET", "A1"), ("POST", "A1"), ("POST", "A2")]
    assert "left alone" in result.text
    assert warehouse.open_items() == {}

    before = len(requests(warehouse))
    assert warehouse.run(create_only=True).exit_code == 0
    assert requests(warehouse)[before:] == []


def test_an_update_only_mapping_updates_nothing(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML)
    warehouse.orders(order_row("A1"))
    warehouse.parcels(("A1", "P1", "dhl"), ("B9", "P2", "dhl"))
    result = warehouse.run(create_only=True)
    assert result.exit_code == 0
    assert orders_of(result)["created"] == 1
    assert orders_of(result)["left_alone"] == 1
    (stored,) = warehouse.sandbox.orders()
    assert [each["tracking_number"] for each in stored["trackings"]] == ["P1"]
    assert {method for method, _ in requests(warehouse)} == {"POST"}


def test_a_plan_says_it_and_is_sent_so(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    warehouse.orders(order_row("A1", name="Changed"), order_row("A2"))
    planned = warehouse.plan(create_only=True)
    assert "1 left alone: --create-only updates no order" in planned.text
    assert planned.plan is not None
    before = len(requests(warehouse))
    assert warehouse.run_plan(planned.plan).exit_code == 0
    assert requests(warehouse)[before:] == [("POST", "A2")]


def test_a_plan_that_updates_is_refused_where_nothing_may_be_updated(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    planned = warehouse.plan()
    assert planned.plan is not None
    with pytest.raises(PlanStale, match="none is ever updated"):
        warehouse.run_plan(planned.plan, create_only=True)


def test_resume_keeps_the_mode_and_looks_up_what_may_have_arrived(warehouse: Warehouse) -> None:
    warehouse.paced(concurrency=1, attempts=1, outage_failures=1, outage_stop_s=0.0)
    warehouse.orders(*(order_row(f"A{n}") for n in range(3)))
    warehouse.sandbox.play(
        FaultSchedule((FaultRule(fault="reset_applied", on=(2,), methods=("POST",)),))
    )
    first = warehouse.run(create_only=True)
    assert first.exit_code == 5
    assert orders_of(first)["unknown"] == 1
    warehouse.sandbox.play(FaultSchedule())
    warehouse.settings = replace(
        warehouse.settings, pace=replace(warehouse.settings.pace, attempts=6)
    )

    before = len(requests(warehouse))
    done = warehouse.resume()
    assert done.exit_code == 0
    assert orders_of(done)["created"] == 3
    assert requests(warehouse)[before:] == [("GET", "A1"), ("POST", "A2")]


def test_the_mode_is_part_of_what_makes_two_commands_the_same_work(warehouse: Warehouse) -> None:
    warehouse.paced(concurrency=1, attempts=1, outage_failures=1, outage_stop_s=0.0)
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.sandbox.play(
        FaultSchedule((FaultRule(fault="http_5xx", on=(2,), status=500, methods=("POST",)),))
    )
    first = warehouse.run(create_only=True)
    assert first.exit_code == 5
    warehouse.sandbox.play(FaultSchedule())
    second = warehouse.run()
    assert second.run_id != first.run_id
    assert Options().create_only is False
    kept = warehouse.settings.home / "runs" / first.run_id / "run.json"
    assert json.loads(kept.read_text())["create_only"] is True


@pytest.mark.thorough
def test_what_was_refused_is_created_by_retry_and_never_updated(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    rule = FaultRule(fault="http_400_a", order_numbers=("A2",), methods=("POST",))
    warehouse.sandbox.play(FaultSchedule((rule,)))
    first = warehouse.run(create_only=True)
    assert orders_of(first)["refused"] == 1
    warehouse.sandbox.play(FaultSchedule())

    before = len(requests(warehouse))
    done = again(warehouse.settings, first.run_id, (), (), Options(), warehouse.told)
    assert done.exit_code == 0
    assert requests(warehouse)[before:] == [("POST", "A2")]
