"""What the API says reaches the cell it is about; what stops a run leaves it resumable."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pipeline.sandbox import FaultSchedule
from tests.run.conftest import PARCELS_YAML, Warehouse, order_row
from tests.run.test_import import outcomes, warned


def play(warehouse: Warehouse, *rules: dict[str, object]) -> None:
    warehouse.sandbox.play(FaultSchedule.of(list(rules)))


@pytest.mark.parametrize(
    ("attr", "line", "column"),
    [
        ("recipient_email", 2, "mail"),
        ("articles_order.1.sku", 4, "sku"),
        ("articles_order.1.quantity", 4, "qty"),
        ("mutations.1.tracking.courier", 3, "carrier"),
    ],
)
def test_a_refusal_names_file_line_and_column_of_its_cell(
    warehouse: Warehouse, attr: str, line: int, column: str
) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"), order_row("A2"), order_row("A1", 2))
    warehouse.parcels(("A1", "P1", "dhl-germany"), ("A1", "P2", "dhl-germany"))
    play(
        warehouse,
        {"fault": "http_400_a", "order_number": "A1", "attr": attr, "detail": "is not good"},
    )

    result = warehouse.run()

    assert result.exit_code == 3
    assert outcomes(result.summary)["refused"] == 1
    [record] = [r for r in warehouse.rejections(result) if r["rule"] == "A401"]
    file = "parcels.csv" if column == "carrier" else "orders.csv"
    assert (record["file"], record["line"], record["column"]) == (file, line, column)
    assert "is not good" in str(record["message"])
    assert record["api"]["attr"] == attr  # type: ignore[index]


@pytest.mark.thorough
@pytest.mark.parametrize("shape", ["http_400_a", "http_400_b", "http_400_c"])
def test_all_shapes_of_a_refusal_are_told_in_the_apis_words(
    warehouse: Warehouse, shape: str
) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    play(warehouse, {"fault": shape, "order_number": "A1"})

    result = warehouse.run()

    assert outcomes(result.summary) == {
        "seen": 2, "ready": 2, "created": 1, "refused": 1, "arrived": 1, "missing": 1,
    }  # fmt: skip
    assert [r["order_number"] for r in warehouse.rejections(result)][:1] == ["A1"]


def test_a_failed_change_is_not_success(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2", cut=9))
    play(warehouse, {"fault": "mutation_fail", "order_number": "A2"})

    result = warehouse.run()

    assert result.exit_code == 3
    assert outcomes(result.summary)["partly_applied"] == 1
    # and the next run tries it again, because it was never acknowledged
    play(warehouse)
    assert outcomes(warehouse.run().summary)["updated"] == 1


def test_a_refused_token_stops_the_run_and_the_same_command_finishes_it(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(30)))
    warehouse.paced(concurrency=2)
    play(warehouse, {"fault": "http_401", "on": list(range(11, 200))})

    stopped = warehouse.run()

    assert stopped.exit_code == 6
    assert outcomes(stopped.summary)["not_attempted"] >= 18
    assert outcomes(stopped.summary).get("refused") is None
    play(warehouse)
    again = warehouse.run()
    assert again.run_id == stopped.run_id
    assert again.exit_code == 0
    assert outcomes(again.summary) == {"seen": 30, "ready": 30, "created": 30, "arrived": 30}
    assert len({put.order_number for put in warehouse.sandbox.puts()}) == 30


def test_sigterm_finishes_what_is_in_flight_and_resume_sends_the_rest(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(60)))
    warehouse.paced(concurrency=2, rate_per_s=60.0)

    def stop_once(done: int) -> None:
        if done >= 5:
            warehouse.told.on_send = None
            os.kill(os.getpid(), signal.SIGTERM)

    warehouse.told.on_send = stop_once

    stopped = warehouse.run()

    assert stopped.exit_code == 143
    made = outcomes(stopped.summary)
    assert made["created"] == len(warehouse.sandbox.puts()) < 60
    assert made.get("unknown") is None
    warehouse.paced(rate_per_s=None)
    rest = warehouse.resume()
    assert (rest.run_id, rest.exit_code) == (stopped.run_id, 0)
    assert len(warehouse.sandbox.puts()) == 60


@pytest.mark.thorough
def test_a_resumed_run_does_not_send_what_a_newer_run_has_replaced(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", name="Old"), order_row("A2"))
    play(warehouse, {"fault": "http_401"})
    old = warehouse.run()
    play(warehouse)
    warehouse.orders(order_row("A1", name="New"))
    warehouse.run()

    resumed = warehouse.resume(old.run_id)

    assert outcomes(resumed.summary)["superseded"] == 1
    assert resumed.summary["rows"]["superseded"] == 1  # type: ignore[index]
    stored = warehouse.sandbox.order("A1")
    assert stored is not None
    assert stored["recipient_name"] == "New"


def test_an_answer_that_never_comes_is_unclear_and_the_next_run_clears_it(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.paced(attempts=2)
    play(warehouse, {"fault": "reset_applied", "order_number": "A1"})

    first = warehouse.run()

    assert first.exit_code == 5
    assert outcomes(first.summary)["unknown"] == 1
    play(warehouse)
    second = warehouse.run()
    assert second.exit_code == 0
    assert outcomes(second.summary)["arrived"] == 2


def test_no_output_holds_the_token_or_the_customer(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.orders(
        order_row("A1", mail="canary.person@example.com", name="Canary Person"),
        order_row("A2", mail="canary person@example", name="Canary Person"),
    )
    play(warehouse, {"fault": "http_400_a", "order_number": "A1", "attr": "recipient_email",
                     "detail": '"canary.person@example.com" is not allowed'})  # fmt: skip

    result = warehouse.run()

    assert result.report is not None
    shown = [
        result.report,
        result.report.with_name("summary.json"),
        result.report.with_name("summary.txt"),
    ]
    ledger = list(warehouse.settings.home.glob("ledger.db*"))
    for path in [*shown, *ledger]:
        content = path.read_bytes()
        assert warehouse.sandbox.token.encode() not in content, path
        assert b"canary" not in content.lower(), path
    assert "canary" not in json.dumps([e[2] for e in warehouse.told.events], default=str).lower()
    for path in [*tmp_path.glob("reports/**/*"), *warehouse.settings.home.rglob("*")]:
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_sandbox_that_is_not_there_is_told_at_once(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    away = replace(warehouse.settings.endpoint, base_url="http://127.0.0.1:9")
    warehouse.settings = replace(warehouse.settings, endpoint=away)

    result = warehouse.run()

    assert result.exit_code == 5
    assert result.stopped is not None
    assert result.stopped.message == "nothing listens at http://127.0.0.1:9"
    assert "pipeline sandbox" in result.stopped.help


def test_an_order_that_an_update_does_not_find_is_said_to_be_missing_at_parcellab(
    warehouse: Warehouse,
) -> None:
    """The API asks for what only a new order needs, of an order that nobody wants to create."""
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"))
    warehouse.parcels(("A1", "P1", "gls"), ("A3", "P3", "gls"))

    result = warehouse.run()

    found = [r for r in warehouse.rejections(result) if r["order_number"] == "A3"]
    assert {r["rule"] for r in found} == {"A404"}
    assert found[0]["message"] == (
        "parcelLab does not know the order: destination_country_iso3: "
        "This field is required to create an order."
    )
    assert "import the order first" in str(found[0]["suggestion"])
    assert (found[0]["file"], found[0]["column"], found[0]["mapping"]) == (
        "parcels.csv",
        "",
        "parcels",
    )
    assert "1 order  A404  Order not found  " in result.text
    assert result.summary["balances"] is True
    assert warehouse.open_items() == {"A3": "A404"}


def test_a_value_that_is_refused_in_an_update_is_no_missing_order(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.parcels(("A3", "P3", "gls"))
    attr = "destination_country_iso3"
    play(warehouse, {"fault": "http_400_a", "order_number": "A3", "attr": attr, "detail": "odd"})

    result = warehouse.run()

    rules = [(r["order_number"], r["rule"]) for r in warehouse.rejections(result)]
    assert rules == [("A3", "A401")]


GIFTS_YAML = """\
version: 1
name: gifts
mode: update_only
source: {files: "gifts*.csv", delimiter: ";"}
rows: {key: no}
order: {order_number: no, client_key: shop}
mutations:
  - type: add_line_item
    fields: {line_item: {line_item_id: {template: "{no}-G"}, sku: sku}}
"""


@pytest.mark.thorough
def test_a_refusal_says_nothing_of_an_earlier_request_without_answer(warehouse: Warehouse) -> None:
    """The line was added by the first request; a refusal of the next one must not forget that."""
    (warehouse.folder / "orders.yaml").write_text(GIFTS_YAML, encoding="utf-8")
    gifts = warehouse.folder / "gifts.csv"
    order = {"account": 1618, "order_number": "A1", "destination_country_iso3": "DEU",
             "recipient_email": "jo@example.com"}  # fmt: skip
    httpx.put(
        f"{warehouse.sandbox.base_url}/v4/track/orders/", json=order,
        headers={"Authorization": f"Parcellab-API-Token {warehouse.sandbox.token}"},
    ).raise_for_status()  # fmt: skip
    warehouse.paced(attempts=1)
    gifts.write_text("no;shop;sku\nA1;one;G\n", encoding="utf-8")
    play(warehouse, {"fault": "reset_applied"})
    assert outcomes(warehouse.run().summary)["unknown"] == 1

    gifts.write_text("no;shop;sku\nA1;bad;G\n", encoding="utf-8")
    play(warehouse, {"fault": "http_400_a", "attr": "client_key"})
    assert outcomes(warehouse.run().summary)["refused"] == 1
    play(warehouse)
    gifts.write_text("no;shop;sku\nA1;two;G\n", encoding="utf-8")
    assert outcomes(warehouse.run().summary)["updated"] == 1

    bodies = [json.loads(put.body) for put in warehouse.sandbox.puts()]
    assert sum("mutations" in body for body in bodies) == 1


@pytest.mark.thorough
def test_a_line_that_was_added_is_not_added_again_when_it_is_told_otherwise(
    warehouse: Warehouse,
) -> None:
    """A server that appends has it twice then, and no answer was lost (CONTRACT §6)."""
    (warehouse.folder / "orders.yaml").write_text(GIFTS_YAML, encoding="utf-8")
    gifts = warehouse.folder / "gifts.csv"
    made = {"destination_country_iso3": "DEU", "recipient_email": "jo@example.com"}
    httpx.put(
        f"{warehouse.sandbox.base_url}/v4/track/orders/",
        json={"account": 1618, "order_number": "A1", **made},
        headers={"Authorization": f"Parcellab-API-Token {warehouse.sandbox.token}"},
    ).raise_for_status()
    gifts.write_text("no;shop;sku\nA1;one;G\n", encoding="utf-8")
    assert warehouse.run().exit_code == 0

    gifts.write_text("no;shop;sku\nA1;two;Gift in red\n", encoding="utf-8")
    second = warehouse.run()

    bodies = [json.loads(put.body) for put in warehouse.sandbox.puts()]
    assert sum("mutations" in body for body in bodies) == 1
    assert bodies[-1]["client_key"] == "two"
    assert warned(second.summary) == ["R326"]
    told = len(bodies)
    assert warned(warehouse.run().summary) == []
    assert len(warehouse.sandbox.puts()) == told
