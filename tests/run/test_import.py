"""The main job through every stage, against a real server on loopback."""

import json

import pytest

from pipeline.model.stops import StopRun
from pipeline.run import PlanStale
from tests.databases import BOTH
from tests.run.conftest import NOTHING_OPEN, PARCELS_YAML, Warehouse, order_row

pytestmark = BOTH


def outcomes(summary: dict[str, object]) -> dict[str, int]:
    orders = summary["orders"]
    assert isinstance(orders, dict)
    return {name: count for name, count in orders.items() if count}


def warned(summary: dict[str, object]) -> list[str]:
    causes = summary["warnings"]
    assert isinstance(causes, list)
    return [cause["code"] for cause in causes]


def test_new_orders_are_created_and_the_second_run_sends_nothing(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A1", 2), order_row("A2"))

    first, second = warehouse.run(), warehouse.run()

    assert first.exit_code == second.exit_code == 0
    assert outcomes(first.summary) == {"seen": 2, "ready": 2, "created": 2, "arrived": 2}
    assert outcomes(second.summary) == {"seen": 2, "ready": 2, "unchanged": 2, "arrived": 2}
    assert len(warehouse.sandbox.puts()) == 2
    assert second.summary["rows"]["already_done"] == 3  # type: ignore[index]


def test_one_faulty_row_holds_its_order_and_no_other(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A1", 2, country="Germany"), order_row("A2"))

    result = warehouse.run()

    assert result.exit_code == 3
    assert outcomes(result.summary) == {
        "seen": 2, "held_back": 1, "ready": 1, "created": 1, "arrived": 1, "missing": 1,
    }  # fmt: skip
    records = warehouse.rejections(result)
    assert [
        (r["line"], r["rule"], r["column"], r["raw"]) for r in records if r["rule"] != "H001"
    ] == [(3, "R203", "country", "Germany")]
    assert [order["order_number"] for order in warehouse.sandbox.orders()] == ["A2"]


def test_a_held_order_arrives_once_its_row_is_corrected(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", country="Germany"))
    assert warehouse.run().exit_code == 3
    warehouse.orders(order_row("A1", country="DE"))

    assert warehouse.run().exit_code == 0
    assert warehouse.sandbox.order("A1") is not None


def test_rows_of_two_files_and_two_mappings_make_one_request(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"), name="orders-1.csv")
    warehouse.orders(order_row("A1", 2), name="orders-2.csv")
    warehouse.parcels(("A1", "P1", "dhl-germany"), ("A1", "P2", "dhl-germany"))

    result = warehouse.run()

    [put] = warehouse.sandbox.puts()
    body = json.loads(put.body)
    assert [line["line_item_id"] for line in body["articles_order"]] == ["A1-1", "A1-2"]
    assert [m["tracking"]["tracking_number"] for m in body["mutations"]] == ["P1", "P2"]
    assert result.exit_code == 0


def test_parcels_of_a_later_night_do_not_send_the_lines_again(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.parcels(("A1", "P1", "dhl-germany"))

    warehouse.run()

    body = json.loads(warehouse.sandbox.puts()[-1].body)
    assert "articles_order" not in body
    assert body["mutations"][0]["type"] == "add_tracking"


def test_a_change_that_was_acknowledged_is_not_sent_with_the_next_one(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"))
    warehouse.parcels(("A1", "P1", "dhl-germany"))
    warehouse.run()
    warehouse.parcels(("A1", "P1", "dhl-germany"), ("A1", "P2", "dhl-germany"))

    warehouse.run()

    body = json.loads(warehouse.sandbox.puts()[-1].body)
    assert [m["tracking"]["tracking_number"] for m in body["mutations"]] == ["P2"]


def test_a_record_that_cannot_be_read_holds_the_order_it_seems_to_belong_to(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"), order_row("A1", 2, name="Doe; Jo"), order_row("A2"))

    result = warehouse.run()

    assert [order["order_number"] for order in warehouse.sandbox.orders()] == ["A2"]
    [record] = [r for r in warehouse.rejections(result) if r["rule"] == "R101"]
    assert (record["line"], record["order_number"]) == (3, "A1")
    assert result.summary["balances"] is True


def test_many_partitions_give_the_same_orders_as_one(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [order_row(f"A{n % 40}", n // 40 + 1, name="" if n % 7 else "Jo") for n in range(120)]
    warehouse.orders(*rows)
    planned = warehouse.plan()
    monkeypatch.setattr("pipeline.run.spool.PARTITION_BYTES", 700)

    spooled = warehouse.plan()
    sent = warehouse.run()

    assert spooled.plan is not None
    assert len(list((spooled.plan / "prepared").iterdir())) > 5
    assert outcomes(planned.summary) == outcomes(spooled.summary)
    assert outcomes(sent.summary) == {"seen": 40, "ready": 40, "created": 40, "arrived": 40}
    assert sent.summary["balances"] is True


def test_a_plan_sends_nothing_and_a_run_sends_exactly_the_plan(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2", country="Germany"))

    planned = warehouse.plan()

    assert planned.exit_code == 3
    assert planned.plan is not None
    assert warehouse.sandbox.puts() == []
    assert "+ 1 new order " in planned.text
    sent = warehouse.run_plan(planned.plan)
    assert outcomes(sent.summary)["created"] == 1
    assert len(warehouse.sandbox.puts()) == 1


@pytest.mark.parametrize("moved", ["file", "mapping", "ledger"])
def test_a_plan_is_refused_when_the_world_has_moved(warehouse: Warehouse, moved: str) -> None:
    warehouse.orders(order_row("A1"))
    planned = warehouse.plan()
    assert planned.plan is not None
    match moved:
        case "file":
            warehouse.orders(order_row("A1"), order_row("A2"))
        case "mapping":
            path = warehouse.folder / "orders.yaml"
            path.write_text(path.read_text() + "# touched\n")
        case _:
            warehouse.orders(order_row("A9"))
            warehouse.run()
            warehouse.orders(order_row("A1"))

    with pytest.raises(PlanStale, match=r"the plan is stale: .* after planning"):
        warehouse.run_plan(planned.plan)


def test_a_run_that_would_hold_too_much_back_stops_before_the_first_request(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(
        *(order_row(f"A{n}", country="DE" if n > 10 else "Germany") for n in range(30))
    )

    stopped = warehouse.run()

    assert stopped.exit_code == 7
    assert stopped.stopped is not None
    assert stopped.stopped.message.startswith("11 of 30 orders (36.7%) would be held back")
    assert warehouse.sandbox.puts() == []


def test_guards_on_rows_and_orders(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))

    few, many = warehouse.run(min_rows=3), warehouse.run(max_orders=1)

    assert few.exit_code == many.exit_code == 7
    assert "at least 3 were expected" in few.text
    assert "at most 1 are allowed" in many.text
    assert warehouse.sandbox.puts() == []


def test_a_backfill_is_confirmed_and_silences_every_parcel(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"))
    warehouse.parcels(("A1", "P1", "dhl-germany"))
    warehouse.told.agree = False
    refused = warehouse.run(backfill=True)
    assert (refused.exit_code, warehouse.sandbox.puts()) == (7, [])
    assert "not confirmed" in refused.text
    warehouse.told.agree = True

    warehouse.run(backfill=True)

    [put] = warehouse.sandbox.puts()
    assert json.loads(put.body)["mutations"][0]["tracking"]["notifications_inactive"] is True


@pytest.mark.thorough
def test_a_limited_run_leaves_the_rest_for_the_next(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(5)))

    first = warehouse.run(limit=2)
    rest = warehouse.run()

    assert (first.exit_code, outcomes(first.summary)["not_chosen"]) == (0, 3)
    assert outcomes(rest.summary) == {
        "seen": 5, "ready": 5, "created": 3, "unchanged": 2, "arrived": 5,
    }  # fmt: skip


def test_one_order_can_be_chosen(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(5)))

    warehouse.run(only_orders=("A3",))

    assert [order["order_number"] for order in warehouse.sandbox.orders()] == ["A3"]


def test_a_header_without_rows_is_nothing_to_do(warehouse: Warehouse) -> None:
    warehouse.orders()

    assert warehouse.run().exit_code == 0
    assert warehouse.run(fail_on_empty=True).exit_code == 9


def test_there_is_nothing_to_resume_after_a_finished_run(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()

    assert warehouse.resume_says() == NOTHING_OPEN


def test_a_finished_run_keeps_no_payload(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()

    kept = {p.name for p in (warehouse.settings.home / "runs").glob("*/*")}
    tables = {"rows", "findings", "trace", "messages", "answers"}
    assert kept == {*tables, "run.json", "run.log", "owner.json", "reports.json"}
    assert all(
        b"jo@example.com" not in p.read_bytes()
        for p in warehouse.settings.home.rglob("*")
        if p.is_file()
    )


def test_the_first_problem_stops_the_command_with_words_for_a_person(warehouse: Warehouse) -> None:
    (warehouse.folder / "orders.csv").write_text("no;pos;sku;qty;land;mail;name;cut\n")

    with pytest.raises(StopRun) as stop:
        warehouse.run()

    assert stop.value.exit_code == 4
    assert (
        stop.value.message
        == f"orders.csv does not have the columns that {warehouse.mappings[0]} names"
    )
    assert "its header is: no, pos, sku, qty, land" in stop.value.help


@pytest.mark.thorough
def test_changed_lines_of_a_known_order_are_told_when_they_are_not_sent(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    warehouse.orders(order_row("A1"), order_row("A1", 2))

    grown = warehouse.run()

    assert warned(grown.summary) == ["R325"]
    # told once: the next night nothing has changed
    assert warehouse.run().summary["verdict"] == "NOTHING NEW"


@pytest.mark.thorough
def test_a_night_without_lines_is_no_change_of_lines(warehouse: Warehouse) -> None:
    parcels = warehouse.folder / "parcels.yaml"
    warehouse.orders(order_row("A1"))
    warehouse.run()
    parcels.write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.parcels(("A1", "P1", "dhl-germany"))
    (warehouse.folder / "orders.csv").unlink()
    warehouse.run()
    parcels.unlink()
    warehouse.orders(order_row("A1"))

    again = warehouse.run()

    assert again.exit_code == 0
    assert warned(again.summary) == []


def test_a_plan_of_updates_creates_nothing_and_says_what_must_exist(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run(limit=1)
    (warehouse.folder / "orders.yaml").unlink()
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.parcels(("A1", "P1", "gls"), ("A2", "P2", "gls"), ("A3", "P3", "gls"))

    planned = warehouse.plan()

    assert planned.text.startswith(
        "  + 0 new orders   ~ 1 changed   = 0 unchanged   ! 0 held back\n"
        "  2 orders not known here; update_only: they must exist at parcelLab\n"
    )
    assert "Send it: " in planned.text


def test_orders_of_both_kinds_of_mappings_are_new(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"))
    warehouse.parcels(("A1", "P1", "gls"), ("A3", "P3", "gls"))

    planned = warehouse.plan()

    assert planned.text.startswith(
        "  + 1 new order   ~ 0 changed   = 0 unchanged   ! 0 held back\n"
        "  1 order not known here; update_only: it must exist at parcelLab\n"
    )
