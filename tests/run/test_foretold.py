"""What a plan would do with each order: sign, changed fields, caution; and finished requests."""

import gzip
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.run import Result
from pipeline.sandbox import FaultSchedule
from tests.databases import BOTH
from tests.run.conftest import ORDERS_YAML, PARCELS_YAML, Warehouse, order_row


def orders_of(result: Result) -> dict[str, tuple[str, list[str] | None, list[str]]]:
    assert result.plan is not None
    packed = (result.plan / "plan.jsonl.gz").read_bytes()
    lines = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    return {e["order_number"]: (e["what"], e["fields"], e["changes"] or []) for e in lines}


def page_of(result: Result) -> str:
    assert result.report is not None
    return result.report.read_text("utf-8")


@BOTH
def test_each_order_has_its_sign_and_changed_ones_their_fields(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(*(order_row(number) for number in ("A1", "A2", "A3", "A4")))
    warehouse.run()
    warehouse.orders(
        order_row("A1"), order_row("A2", name="Else", country="AT"), order_row("A3"),
        order_row("B1"), order_row("A4", mail="wrong"),
    )  # fmt: skip
    warehouse.parcels(("A3", "P1", "dhl-germany"))

    result = warehouse.plan()

    assert orders_of(result) == {
        "A1": ("=", None, []),
        "A2": ("~", ["destination_country_iso3", "recipient_name"], []),
        "A3": ("~", [], ["add_tracking"]),
        "B1": ("+", None, []),
        "A4": ("!", None, []),
    }
    assert "  + 1 new order   ~ 2 changed   = 1 unchanged   ! 1 held back (1 row)\n" in result.text
    assert "  ~ A2  destination_country_iso3, recipient_name\n" in result.text
    assert "  ~ A3  add_tracking\n" in result.text
    page = page_of(result)
    assert "What would be sent" in page
    assert "destination_country_iso3, recipient_name" in page
    assert result.summary["foretold"]["symbols"] == {"~": 2, "=": 1, "+": 1, "!": 1}  # type: ignore[index]
    assert "Else" not in page
    assert warehouse.sandbox.puts() != []
    run = warehouse.run_plan(Path(str(result.plan)))
    assert run.exit_code == 3
    assert "What would be sent" not in page_of(run)


@pytest.mark.thorough
def test_a_field_that_is_told_no_more_is_named_once(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", name="Jo"))
    warehouse.run()
    warehouse.orders(order_row("A1", name=""))
    assert orders_of(warehouse.plan())["A1"] == ("~", ["recipient_name"], [])
    warehouse.run()
    warehouse.orders(order_row("A1", name="", country="AT"))
    assert orders_of(warehouse.plan())["A1"] == ("~", ["destination_country_iso3"], [])


def test_lines_that_changed_and_are_not_sent_are_said_so(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    warehouse.orders(order_row("A1", qty=5))
    [told] = orders_of(warehouse.plan()).values()
    assert told == ("~", ["articles_order (not sent, R325)"], [])


@pytest.mark.thorough
def test_an_order_that_was_not_wholly_confirmed_is_sent_again(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", cut=1))
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "mutation_fail"}]))
    warehouse.run()
    result = warehouse.plan()
    assert orders_of(result)["A1"] == ("~", [], ["change_line_item_quantity"])


@pytest.mark.thorough
def test_of_orders_that_an_older_version_told_the_fields_are_not_known(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    with sqlite3.connect(warehouse.settings.ledger) as ledger:
        ledger.execute("UPDATE known_order SET marks = NULL")
    warehouse.orders(order_row("A1", name="Else"))

    result = warehouse.plan()

    assert orders_of(result)["A1"] == ("~", None, [])
    assert (
        "  ~ A1  fields not known: told by an older version, or by a run that has not ended"
        in result.text
    )


def test_old_orders_with_an_address_are_a_caution(warehouse: Warehouse) -> None:
    text = ORDERS_YAML.replace(
        "order:\n", 'order:\n  order_date: {from: day, format: "%Y-%m-%d %H:%M%z"}\n'
    )  # fmt: skip
    (warehouse.folder / "orders.yaml").write_text(text, encoding="utf-8")
    now = datetime.now(UTC)  # noqa: TID251 - the tests' own clock
    days = {"A1": 400, "A2": 31, "A3": 1, "A4": 400}
    rows = [
        order_row(number, mail="_unset" if number == "A4" else "jo@example.com").strip()
        + f";{now - timedelta(days=age):%Y-%m-%d %H:%M}+0000\n"
        for number, age in days.items()
    ]
    header = "no;pos;sku;qty;country;mail;name;cut;day\n"
    (warehouse.folder / "orders.csv").write_text(header + "".join(rows), encoding="utf-8")

    result = warehouse.plan()

    words = (
        "2 orders are older than 30 days and have an e-mail address; parcelLab may write to these customers: "
        "import orders of the past with `--backfill`"
    )
    assert f"! caution: {words}\n" in result.text
    assert words in page_of(result)
    warehouse.run()
    assert "caution" not in warehouse.plan().text  # nothing of them goes out


def test_finished_requests_are_printed_with_people_masked(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(3)))

    masked = warehouse.plan(sample=2)
    shown = warehouse.plan(sample=1, pii="show")
    hidden = warehouse.plan(sample=1, pii="none")

    assert masked.text.count('"order_number": "A') == 2
    assert '"recipient_email": "j…@e….com"' in masked.text
    assert '"sku": "SKU-1"' in masked.text
    assert "jo@example.com" not in masked.text
    assert '"recipient_email": "jo@example.com"' in shown.text
    listed = hidden.summary["sample"]
    assert isinstance(listed, list)
    [request] = listed
    assert request["order_number"] == "A0"
    assert request["articles_order"][0]["sku"] == "(not shown)"


def test_the_page_lists_changed_orders_before_new_ones(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("Z1"))
    warehouse.run()
    warehouse.orders(*(order_row(f"A{n:03}") for n in range(400)), order_row("Z1", name="X"))

    result = warehouse.plan()

    page = page_of(result)
    assert '<th scope="row" class="key">Z1</th>' in page
    assert "and 101 more in plan.jsonl.gz" in page
