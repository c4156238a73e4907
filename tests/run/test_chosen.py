"""`--limit` and `--only-order`: what is left out is an outcome of its own, and everything adds up."""

from dataclasses import replace

import pytest

from pipeline.run.prepare import OrderUnknown
from tests.run.conftest import Warehouse, order_row
from tests.run.test_import import outcomes


def five(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(5)))


def test_a_limit_counts_in_the_plan(warehouse: Warehouse) -> None:
    five(warehouse)

    planned = warehouse.plan(limit=2)

    assert planned.text.startswith(
        "  + 2 new orders   ~ 0 changed   = 0 unchanged   ! 0 held back\n"
        "  3 not chosen (--limit 2)\n"
    )
    assert "2 of 5 orders would be sent, 0 held back, 3 not chosen (--limit 2)." in planned.text
    assert planned.exit_code == 0
    assert outcomes(planned.summary) == {
        "seen": 5, "ready": 2, "not_attempted": 2, "missing": 2, "not_chosen": 3,
    }  # fmt: skip


def test_a_limit_counts_in_the_question(warehouse: Warehouse) -> None:
    five(warehouse)
    endpoint = replace(warehouse.settings.endpoint, production=True)
    warehouse.settings = replace(warehouse.settings, profile="prod", endpoint=endpoint)

    warehouse.run(limit=2)

    assert warehouse.told.questions == [
        f"Send 2 orders to parcelLab account 1618 at {warehouse.sandbox.base_url} (PRODUCTION)?"
    ]


def test_what_is_not_chosen_is_neither_missing_nor_a_problem(warehouse: Warehouse) -> None:
    five(warehouse)

    sent = warehouse.run(limit=2, max_orders=2)

    assert sent.exit_code == 0
    assert outcomes(sent.summary) == {
        "seen": 5, "ready": 2, "created": 2, "arrived": 2, "not_chosen": 3,
    }  # fmt: skip
    assert sent.text.startswith(
        "ALL IMPORTED: 2 of 5 orders arrived, 3 not chosen (--limit 2).\nReport: "
    )
    assert sent.summary["causes"] == []
    assert warehouse.rejections(sent) == []
    assert sent.summary["balances"] is True
    rows = sent.summary["rows"]
    assert isinstance(rows, dict)
    assert (rows["accepted"], rows["skipped"], rows["not_chosen"]) == (2, 3, 3)
    assert sent.report is not None
    assert sent.report.with_name("orders-missing.txt").read_text() == ""
    page = sent.report.read_text()
    assert "not chosen (--limit 2)" in page
    assert "N001" not in page


@pytest.mark.thorough
def test_the_limit_moves_on_with_each_run(warehouse: Warehouse) -> None:
    five(warehouse)
    seen = [outcomes(warehouse.run(limit=2).summary).get("not_chosen", 0) for _ in range(3)]
    assert seen == [3, 1, 0]
    assert len(warehouse.sandbox.puts()) == 5


def test_a_chosen_order_that_was_delivered_is_nothing_new(warehouse: Warehouse) -> None:
    five(warehouse)
    warehouse.run(only_orders=("A3",))

    again = warehouse.run(only_orders=("A3",))

    assert again.text.startswith(
        "NOTHING NEW: 1 of 5 orders already delivered, 4 not chosen (--only-order A3).\n"
    )


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_an_order_that_is_in_no_file(warehouse: Warehouse, verb: str) -> None:
    five(warehouse)

    with pytest.raises(OrderUnknown) as stopped:
        getattr(warehouse, verb)(only_orders=("A1", "A33"))

    assert stopped.value.exit_code == 2
    assert stopped.value.message == "--only-order A33: no such order is in the files"
    assert stopped.value.help.startswith("did you mean A3")
    assert warehouse.sandbox.puts() == []


def test_a_chosen_order_that_is_held_back_is_known(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", country="Germany"), order_row("A2"))

    held = warehouse.run(only_orders=("A1",), max_reject_rate=None)

    assert outcomes(held.summary) == {"seen": 2, "held_back": 1, "missing": 1, "not_chosen": 1}
    assert held.exit_code == 3


@pytest.mark.thorough
def test_changed_lines_of_an_order_that_is_not_chosen_are_no_warning(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run()
    warehouse.orders(order_row("A1", name="Jane", qty=7), order_row("A2", name="Jane", qty=7))

    sent = warehouse.run(only_orders=("A1",))

    assert outcomes(sent.summary)["not_chosen"] == 1
    warnings = sent.summary["warnings"]
    assert isinstance(warnings, list)
    [warned] = warnings
    assert (warned["code"], warned["count"]) == ("R325", 1)


@pytest.mark.thorough
def test_the_numbers_of_a_plan_add_up(warehouse: Warehouse) -> None:
    five(warehouse)
    warehouse.run(limit=1)
    assert "1 of 5 orders would be sent, 0 held back, 1 already delivered, 3 not chosen" in (
        warehouse.plan(limit=1).text
    )
