"""trace: an order's whole history, also after its folders are gone, and never a value of it."""

import json
import shutil
from datetime import UTC

import pytest

from pipeline.model.stops import StopRun
from pipeline.run import verify
from pipeline.run.folder import RunFolder
from pipeline.run.order_history import OrderHistory, order_history
from pipeline.run.order_words import as_document, in_words
from pipeline.sandbox import FaultSchedule
from tests.databases import BOTH
from tests.run.conftest import PARCELS_YAML, Warehouse, order_row


def story(warehouse: Warehouse, number: str) -> tuple[OrderHistory, str]:
    found = order_history(warehouse.settings, number)
    return found, in_words(found, UTC)


@BOTH
def test_an_order_is_followed_through_all_runs_that_saw_it(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1", mail="wrong"), order_row("A2"))
    first = warehouse.run()
    warehouse.orders(order_row("A1"), order_row("A1", 2), order_row("A2"))
    warehouse.parcels(("A1", "P1", "dhl-germany"))
    warehouse.sandbox.play(FaultSchedule.of([
        {"fault": "http_5xx", "status": 503, "order_number": "A1", "times": 1},
    ]))  # fmt: skip
    second = warehouse.run()

    found, text = story(warehouse, "A1")

    assert [visit.seen.run for visit in found.visits] == [first.run_id, second.run_id]
    held, sent = found.visits
    assert (held.seen.outcome, held.seen.code) == ("held_back", "R310")
    assert held.places == ("orders.csv:2",)
    assert held.findings == (("R310", "orders.csv:2", "mail"),)
    assert (sent.seen.outcome, sent.seen.attempts, sent.seen.status) == ("created", 2, 201)
    assert [each.what for each in sent.seen.tries] == ["status 503"]
    assert list(sent.seen.mutations) == [("add_tracking", "succeeded")]
    assert sent.places == ("orders.csv:2", "orders.csv:3", "parcels.csv:2")
    assert [name for name, _ in sent.mappings] == ["orders", "parcels"]
    [item] = found.items
    assert (item.code, item.opened_run, item.closed_run) == ("R310", first.run_id, second.run_id)
    assert found.next_step.startswith("nothing: it has arrived.")
    assert "  attempt   1 at " in text
    assert "was open    R310" in text


def test_an_answer_of_parcellab_is_quoted_and_the_next_step_named(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.sandbox.play(FaultSchedule.of([
        {"fault": "http_400_a", "attr": "delivery_method", "detail": "is not configured"},
    ]))  # fmt: skip
    warehouse.run()

    found, text = story(warehouse, "A1")

    assert "  parcelLab A401 delivery_method: is not configured" in text
    assert "has never confirmed this order" in text
    assert "open item   A401" in text
    assert found.next_step.startswith("mend what parcelLab refused (A401, ")
    assert "`pipeline explain A401`" in found.next_step


@pytest.mark.parametrize("folder", ["kept", "gone"])
def test_an_order_that_an_update_does_not_find_is_told_as_the_report_does(
    warehouse: Warehouse, folder: str
) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"))
    warehouse.parcels(("A1", "P1", "gls"), ("A3", "P3", "gls"))
    result = warehouse.run()
    if folder == "gone":
        shutil.rmtree(warehouse.settings.home / "runs" / result.run_id)

    found, text = story(warehouse, "A3")

    assert "  refused [A404]" in text
    assert "  parcelLab A404 destination_country_iso3: This field is required" in text
    assert "A401" not in text
    assert found.next_step.startswith(
        "import the order first, or check its number; an `update_only`"
    )
    assert f"then `pipeline retry {result.run_id}" in found.next_step
    assert "`pipeline explain A404`" in found.next_step


def test_what_was_read_back_is_part_of_the_history(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run()
    verify(warehouse.settings, None, 1.0, warehouse.told)
    assert ": as it was told" in story(warehouse, "A1")[1]
    warehouse.sandbox.reset()
    verify(warehouse.settings, None, 1.0, warehouse.told)

    found, text = story(warehouse, "A1")

    assert "the whole order missing: told, and not there" in text
    assert found.next_step == "look at it in parcelLab: what was read back is not what it was told"


def test_no_value_of_an_order_is_in_its_history(warehouse: Warehouse) -> None:
    warehouse.orders(
        order_row("A1", mail="canary@", name="Canary Bird"), order_row("A2", name="Canary")
    )
    warehouse.run()
    for number in ("A1", "A2"):
        found, text = story(warehouse, number)
        assert "canary" not in (text + json.dumps(as_document(found))).lower()


def test_a_pruned_folder_is_told_and_the_ledger_goes_on(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    run = warehouse.run()
    RunFolder(warehouse.settings.home / "runs" / run.run_id).remove()

    found, text = story(warehouse, "A1")

    assert "rows      not known any more: the folder of this run has been removed" in text
    assert found.visits[0].seen.outcome == "created"
    assert as_document(found)["runs"][0]["folder"] is False  # type: ignore[index]


def test_an_unfinished_run_is_to_be_finished(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.paced(attempts=1, outage_failures=1, outage_stop_s=0.01)
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "http_5xx"}]))
    run = warehouse.run()
    assert run.exit_code == 5

    assert story(warehouse, "A1")[0].next_step == f"finish the run: pipeline resume {run.run_id}"


def test_an_order_that_nobody_has_seen_is_no_history(warehouse: Warehouse) -> None:
    with pytest.raises(StopRun, match="has seen an order A9"):
        order_history(warehouse.settings, "A9")
    warehouse.orders(order_row("A1"))
    warehouse.run()
    with pytest.raises(StopRun, match="has seen an order A9"):
        order_history(warehouse.settings, "A9")
