"""verify: what parcelLab has against what it was told; only GET, and what differs is named."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.model.stops import StopRun
from pipeline.run import Result, verify
from pipeline.sandbox import FaultSchedule
from pipeline.send import Gate
from tests.databases import BOTH
from tests.run.conftest import ORDERS_YAML, PARCELS_YAML, Warehouse, order_row


def check(
    warehouse: Warehouse, name: str | None = None, share: float = 1.0, *, forget: bool = False
) -> Result:
    """Verify, and prove that nothing was sent for it."""
    before = len(warehouse.sandbox.puts())
    result = verify(warehouse.settings, name, share, warehouse.told, forget=forget)
    assert len(warehouse.sandbox.puts()) == before
    return result


def found(result: Result) -> list[tuple[str, str | None, str]]:
    told = result.summary["read_back"]
    assert isinstance(told, dict)
    return [(e["order_number"], e["field"], e["kind"]) for e in told["differences"]]


def change(
    warehouse: Warehouse, number: str, *, trackings: tuple[dict[str, object], ...] | None = None,
    **fields: object,
) -> None:  # fmt: skip
    """Change an order behind our back, as somebody in the portal might."""
    sandbox = warehouse.sandbox

    def alter() -> None:
        storage = sandbox._sandbox.storage
        order = storage.find(sandbox.account, number)
        assert order is not None
        kept = order.trackings if trackings is None else trackings
        storage.save(replace(order, fields=order.fields | fields, trackings=kept), [], None)

    sandbox._ask(alter)


def play(warehouse: Warehouse, *rules: dict[str, object]) -> None:
    warehouse.sandbox.play(FaultSchedule.of([{"methods": ["GET"]} | rule for rule in rules]))


@BOTH
def test_orders_that_arrived_as_they_were_told_are_no_difference(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"), order_row("A1", 2), order_row("A2", name="Zoë 李"))
    warehouse.parcels(("A1", "P1", "dhl-germany"))
    warehouse.run()

    result = check(warehouse)

    assert (result.exit_code, found(result)) == (0, [])
    assert result.text.startswith("AS TOLD: run ")
    assert "2 orders compared, as they were told" in result.text


def test_a_field_that_was_changed_is_named_and_its_value_is_not(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    run = warehouse.run()
    change(warehouse, "A1", recipient_name="Somebody Else", recipient_email="secret@example.com")

    result = check(warehouse)

    assert result.exit_code == 8
    assert found(result) == [
        ("A1", "recipient_email", "different"), ("A1", "recipient_name", "different"),
    ]  # fmt: skip
    assert result.report is not None
    assert run.report is not None
    assert result.report == run.report
    page = result.report.read_text("utf-8")
    assert "2 orders compared, 1 differs" in page
    assert "recipient_email" in page
    document = json.loads(result.report.with_name("summary.json").read_text("utf-8"))
    assert document["read_back"]["differing"] == 1
    for text in (result.text, page, json.dumps(document)):
        assert "secret@" not in text
        assert "Somebody" not in text


def test_an_order_that_is_gone_is_missing(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run()
    warehouse.sandbox.reset()

    result = check(warehouse)

    assert result.exit_code == 8
    assert found(result) == [("A1", None, "missing"), ("A2", None, "missing")]


@BOTH
def test_lines_and_parcels_that_are_gone_or_too_many(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(*(order_row(number) for number in ("A1", "A2", "A3")))
    warehouse.parcels(("A3", "00340434161094021501", "dhl-germany"))
    warehouse.run()
    line = {"line_item_id": "A1-1", "sku": "SKU-1", "quantity": 2}
    change(warehouse, "A1", articles_order=[line, line | {"line_item_id": "X"}])
    change(warehouse, "A2", articles_order=[])
    change(warehouse, "A3", trackings=())

    result = check(warehouse)

    assert found(result) == [
        ("A1", "articles_order", "extra"), ("A2", "articles_order", "missing"),
        ("A3", "tracking dhl-germany …1501", "missing"),
    ]  # fmt: skip


def test_another_way_to_write_the_same_is_no_difference(warehouse: Warehouse) -> None:
    text = ORDERS_YAML.replace(
        "  recipient_name: {from: name}",
        '  recipient_name: {from: name}\n  order_total_amount: {value: "12.50"}\n'
        '  order_date: {value: "2026-01-02T10:00:00+01:00"}\n  tags: [{value: b}, {value: a}]',
    )  # fmt: skip
    (warehouse.folder / "orders.yaml").write_text(text, encoding="utf-8")
    warehouse.orders(order_row("A1"), order_row("A1", 2))
    warehouse.run()
    [put] = warehouse.sandbox.puts()
    lines = json.loads(put.body)["articles_order"]
    change(
        warehouse, "A1", order_total_amount="12.5", order_date="2026-01-02T09:00:00Z",
        tags=["a", "b"], articles_order=[each | {"status": "pending"} for each in lines[::-1]],
        channel="web", client_key=None,
    )  # fmt: skip

    result = check(warehouse)

    assert (result.exit_code, found(result)) == (0, [])


@pytest.mark.thorough
def test_what_an_older_run_told_is_compared_with_what_the_newer_one_told(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", name="Jo"))
    first = warehouse.run()
    warehouse.orders(order_row("A1", name="Joanna"))
    warehouse.run()

    assert check(warehouse, first.run_id).exit_code == 0

    change(warehouse, "A1", articles_order=[])  # the second run has not sent them again
    assert found(check(warehouse)) == [("A1", "articles_order", "missing")]


@pytest.mark.thorough
def test_a_quantity_that_a_change_has_moved_is_no_difference(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    warehouse.orders(order_row("A1", cut=1))
    warehouse.run()

    assert check(warehouse).exit_code == 0


def test_numbers_that_fit_no_path_are_read_through_the_list(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(number) for number in ("A/1", "A.2", "info-3")))
    warehouse.run()

    assert check(warehouse).exit_code == 0

    change(warehouse, "A/1", recipient_name="Else")
    assert found(check(warehouse)) == [("A/1", "recipient_name", "different")]


def test_a_sample_is_the_same_every_time_and_no_more_is_read(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(40)))
    warehouse.run()

    first, again = check(warehouse, share=0.25), check(warehouse, share=0.25)

    assert first.summary["read_back"]["chosen"] == 10  # type: ignore[index]
    assert "10 orders compared, as they were told, a sample of 40 that arrived" in first.text
    assert first.text == again.text
    assert sum(each.method == "GET" for each in warehouse.sandbox.requests()) == 20


@pytest.mark.thorough
def test_a_busy_api_is_waited_for_and_a_broken_answer_asked_again(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(6)))
    warehouse.run()
    play(
        warehouse, {"fault": "http_429", "on": [1], "retry_after": 1},
        {"fault": "http_5xx", "on": [2, 3]}, {"fault": "captive_200", "on": [4]},
        {"fault": "cut_answer", "on": [5]},
    )  # fmt: skip

    result = check(warehouse)

    assert (result.exit_code, found(result)) == (0, [])


def test_an_order_that_cannot_be_read_is_named_and_is_no_difference(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run()
    warehouse.paced(attempts=2, concurrency=1)
    play(warehouse, {"fault": "http_5xx", "status": 500, "from_nth": 2})

    result = check(warehouse)

    assert result.exit_code == 5
    assert "AS TOLD SO FAR" in result.text
    assert "A2: status 500" in result.text


def test_a_refused_token_stops_at_once(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run()
    play(warehouse, {"fault": "http_401"})

    assert check(warehouse).exit_code == 6


def test_a_run_of_which_nothing_arrived_has_nothing_to_read(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", mail="nobody"))
    warehouse.run()

    result = check(warehouse)

    assert result.exit_code == 0
    assert "no order arrived in this run" in result.text


@pytest.mark.thorough
def test_without_a_name_the_last_run_in_which_an_order_arrived_is_read(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"))
    came = warehouse.run()
    warehouse.orders(order_row("A2", mail="nobody"))
    assert warehouse.run().exit_code == 3

    result = check(warehouse)

    assert (result.run_id, result.exit_code) == (came.run_id, 0)
    assert "1 order compared" in result.text


def test_a_run_that_is_not_there_is_named(warehouse: Warehouse) -> None:
    with pytest.raises(StopRun, match="there is no run yet"):
        check(warehouse)
    warehouse.orders(order_row("A1"))
    warehouse.run()
    with pytest.raises(StopRun, match="there is no run nope"):
        check(warehouse, "nope")


def test_orders_of_an_older_format_are_only_looked_for(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run()
    with sqlite3.connect(warehouse.settings.ledger) as ledger:
        ledger.execute("UPDATE known_order SET marks = NULL")
    change(warehouse, "A1", recipient_name="Else")

    result = check(warehouse)

    assert result.exit_code == 0
    assert "of 2 only that they are there" in result.text


def test_the_ledger_keeps_no_value_of_an_order(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", mail="canary@example.com", name="Canary Bird"))
    warehouse.run()
    check(warehouse)

    stored = Path(warehouse.settings.ledger).read_bytes()
    assert b"canary" not in stored.lower()


@pytest.mark.thorough
def test_what_differs_is_sent_again_by_the_next_import_once_it_is_forgotten(
    warehouse: Warehouse,
) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(*(order_row(number) for number in ("A1", "A2", "A3", "A4")))
    warehouse.parcels(("A3", "P3", "dhl-germany"))
    warehouse.run()
    change(warehouse, "A2", recipient_name="Else")
    change(warehouse, "A3", trackings=())
    gone = warehouse.sandbox._sandbox.storage
    warehouse.sandbox._ask(
        lambda: gone._connection.execute("DELETE FROM orders WHERE order_number = 'A1'")
    )
    assert warehouse.run().summary["orders"]["unchanged"] == 4  # type: ignore[index]
    told = check(warehouse)
    assert "verify 2" in told.text
    assert "--forget" in told.text

    forgotten = check(warehouse, forget=True)
    assert forgotten.exit_code == 8
    assert "The next import of these orders sends them again." in forgotten.text
    before = len(warehouse.sandbox.puts())
    warehouse.run()

    assert sorted(put.order_number for put in warehouse.sandbox.puts()[before:]) == [
        "A1",
        "A2",
        "A3",
    ]
    assert check(warehouse).exit_code == 0


@pytest.mark.thorough
def test_n10_an_older_version_that_may_still_arrive_is_said_and_then_found(
    warehouse: Warehouse,
) -> None:
    """No client can keep a server from storing it late; it must not go unnoticed (CONTRACT §8)."""
    warehouse.paced(attempts=1)
    warehouse.orders(order_row("A1", name="old"), order_row("A2"))
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "http_5xx", "order_number": "A1"}]))
    assert warehouse.run().exit_code == 5
    warehouse.sandbox.play(FaultSchedule())
    warehouse.orders(order_row("A1", name="new"), order_row("A2"))

    newer = warehouse.run()

    assert newer.exit_code == 0
    said = f"Make sure:  pipeline verify {newer.run_id}\n"
    assert newer.text.endswith(said)
    assert "Of 1 order an older version was sent without an answer before" in newer.text
    change(warehouse, "A1", recipient_name="old")  # the server stores it after all
    assert check(warehouse, newer.run_id).exit_code == 8
    # once it has an answer nothing is left to be said
    warehouse.orders(order_row("A1", name="newest"), order_row("A2"))
    assert "Make sure" not in warehouse.run().text


@pytest.mark.thorough
def test_n10_a_newer_version_waits_until_the_older_one_would_have_arrived(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONTRACT §8: after an unclear outcome the next version waits for a settle time."""
    waits: list[float] = []

    async def pause(_gate: Gate, seconds: float, _halted: object) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Gate, "pause", pause)
    warehouse.paced(attempts=1, late_s=30.0)
    warehouse.orders(order_row("A1", name="old"), order_row("A2"))
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "http_5xx", "order_number": "A1"}]))
    assert warehouse.run().exit_code == 5
    warehouse.sandbox.play(FaultSchedule())
    assert waits == []
    warehouse.orders(order_row("A2", name="another"))
    assert warehouse.run().exit_code == 0
    assert waits == []  # of A2 everything is known

    warehouse.orders(order_row("A1", name="new"))
    assert warehouse.run().exit_code == 0

    assert len(waits) == 1
    assert 0 < waits[0] <= 30


def test_what_was_told_a_moment_ago_may_be_shown_late(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run()
    play(warehouse, {"fault": "http_404", "order_number": "A1", "on": [1, 2]})

    result = check(warehouse)

    assert (result.exit_code, found(result)) == (0, [])
    assert "2 orders compared" in result.text


GIFT = """\
  - type: add_line_item
    when: "cut = 'gift'"
    fields: {line_item: {line_item_id: {template: "{no}-G"}, sku: sku}}
"""


@pytest.mark.thorough
def test_an_order_that_seemed_to_be_missing_does_not_get_its_lines_twice(
    warehouse: Warehouse,
) -> None:
    mapping = ORDERS_YAML.replace("cut IS NOT NULL", "cut = '1'") + GIFT
    (warehouse.folder / "orders.yaml").write_text(mapping, encoding="utf-8")
    warehouse.orders(order_row("A1", cut="gift"))
    warehouse.run()
    play(warehouse, {"fault": "http_404", "order_number": "A1"})
    assert check(warehouse, forget=True).exit_code == 8
    play(warehouse)
    before = len(warehouse.sandbox.puts())

    assert warehouse.run().exit_code == 0

    (put,) = warehouse.sandbox.puts()[before:]
    assert "mutations" not in json.loads(put.body)
