"""retry RUN: what the API refused goes out again once the reason is mended, and nothing else does."""

import gzip
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.model.stops import StopRun
from pipeline.run import Options, Result, again, purge, verify
from pipeline.sandbox import FaultSchedule
from tests.databases import BOTH
from tests.run.conftest import ORDERS_YAML, PARCELS_YAML, Warehouse, order_row
from tests.run.inbox import PARCELS_945, Inbox, interchange, order, parcel
from tests.run.test_import import outcomes


def refuse(warehouse: Warehouse, *numbers: str, attr: str = "delivery_method") -> None:
    rules = [{"fault": "http_400_a", "order_number": n, "attr": attr} for n in numbers]
    warehouse.sandbox.play(FaultSchedule.of(rules))


def retry_run(
    warehouse: Warehouse, run: str, *, causes: tuple[str, ...] = (), owners: tuple[str, ...] = (),
    **options: object,
) -> Result:  # fmt: skip
    chosen = Options(**options)  # type: ignore[arg-type]
    return again(warehouse.settings, run, causes, owners, chosen, warehouse.told)


def kept(warehouse: Warehouse, run: str) -> list[str]:
    folder = warehouse.settings.home / "runs" / run / "refused"
    return sorted(path.name for path in folder.glob("*"))


@pytest.fixture
def refused(warehouse: Warehouse) -> Result:
    """A night with A1 arrived, A2 refused and A3 held back; its file is gone since."""
    warehouse.orders(
        order_row("A1"), order_row("A2"), order_row("A2", 2), order_row("A3", mail="x")
    )
    refuse(warehouse, "A2")
    result = warehouse.run()
    assert outcomes(result.summary)["refused"] == 1
    (warehouse.folder / "orders.csv").unlink()
    refuse(warehouse)
    return result


def test_the_end_of_a_run_and_its_page_say_how_refused_orders_go_out_again(
    warehouse: Warehouse, refused: Result
) -> None:
    command = f"pipeline retry {refused.run_id}"
    said = f"Once the mapping or the account is mended, what parcelLab refused: {command}\n"
    assert said in refused.text
    assert refused.report is not None
    page = refused.report.read_text(encoding="utf-8")
    assert f"<code>{command}</code> sends again what parcelLab refused." in page
    arrived = retry_run(warehouse, refused.run_id)
    assert "what parcelLab refused:" not in arrived.text


@BOTH
def test_refused_orders_arrive_and_their_items_close(warehouse: Warehouse, refused: Result) -> None:
    assert warehouse.open_items() == {"A2": "A401", "A3": "R310"}

    result = retry_run(warehouse, refused.run_id)

    assert (result.exit_code, outcomes(result.summary)) == (
        0, {"seen": 1, "ready": 1, "created": 1, "arrived": 1},
    )  # fmt: skip
    assert [put.order_number for put in warehouse.sandbox.puts()] == ["A1", "A2"]
    order = warehouse.sandbox.order("A2")
    assert order is not None
    assert len(order["articles_order"]) == 2
    assert warehouse.open_items() == {"A3": "R310"}
    assert (
        f"Sent again: 1 order of run {refused.run_id} that parcelLab refused (A401)." in result.text
    )
    # and once more: nothing is left
    once_more = retry_run(warehouse, refused.run_id)
    assert (once_more.exit_code, once_more.run_id) == (0, "")
    assert "a newer run has sent the order of run" in once_more.text


@pytest.mark.thorough
def test_copies_are_kept_only_for_refused_orders_and_only_until_they_arrive(
    warehouse: Warehouse, refused: Result
) -> None:
    assert len(kept(warehouse, refused.run_id)) == 1
    retry_run(warehouse, refused.run_id)
    warehouse.orders(order_row("B1"))
    good = warehouse.run()
    assert kept(warehouse, good.run_id) == []
    assert kept(warehouse, refused.run_id) == []  # the next run has swept them


def test_the_mapping_is_read_as_it_is_now(warehouse: Warehouse, refused: Result) -> None:
    text = ORDERS_YAML.replace("recipient_name: {from: name}", 'recipient_name: {value: "Mended"}')
    (warehouse.folder / "orders.yaml").write_text(text, encoding="utf-8")

    assert retry_run(warehouse, refused.run_id).exit_code == 0

    order = warehouse.sandbox.order("A2")
    assert order is not None
    assert order["recipient_name"] == "Mended"


def test_a_cause_or_an_owner_chooses(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(number) for number in ("A1", "A2", "A3")))
    warehouse.sandbox.play(FaultSchedule.of([
        {"fault": "http_400_a", "order_number": "A1", "attr": "delivery_method"},
        {"fault": "http_400_b", "order_number": "A2"},
        {"fault": "http_400_a", "order_number": "A3", "attr": "recipient_name"},
    ]))  # fmt: skip
    run = warehouse.run().run_id
    refuse(warehouse)

    first = retry_run(warehouse, run, owners=("parcellab set-up",))
    assert [put.order_number for put in warehouse.sandbox.puts()] == ["A1"]
    assert "(parcellab set-up)" in first.text
    retry_run(warehouse, run, causes=("a402",))
    assert [put.order_number for put in warehouse.sandbox.puts()] == ["A1", "A2"]
    with pytest.raises(StopRun, match="--cause A999: no refused order of run") as caught:
        retry_run(warehouse, run, causes=("A999",))
    assert "A401, A402" in caught.value.help
    with pytest.raises(StopRun, match="--owner Nobody"):
        retry_run(warehouse, run, owners=("Nobody",))


@BOTH
def test_never_an_older_version_over_a_newer_one(warehouse: Warehouse, refused: Result) -> None:
    warehouse.orders(order_row("A2", name="Newer"))
    warehouse.run()

    result = retry_run(warehouse, refused.run_id)

    assert (result.exit_code, result.run_id) == (0, "")
    assert "nothing to send again: a newer run has sent the order" in result.text
    order = warehouse.sandbox.order("A2")
    assert order is not None
    assert order["recipient_name"] == "Newer"


@pytest.mark.thorough
def test_an_order_of_two_files_goes_out_with_both(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.parcels(("A1", "P1", "dhl-germany"), ("A2", "P2", "dhl-germany"))
    refuse(warehouse, "A1")
    run = warehouse.run().run_id
    for name in ("orders.csv", "parcels.csv"):
        (warehouse.folder / name).unlink()
    refuse(warehouse)

    result = retry_run(warehouse, run)

    assert result.exit_code == 0
    order = warehouse.sandbox.order("A1")
    assert order is not None
    assert [each["tracking_number"] for each in order["trackings"]] == ["P1"]


@pytest.mark.thorough
def test_what_is_refused_again_can_be_retried_again(warehouse: Warehouse, refused: Result) -> None:
    refuse(warehouse, "A2")
    second = retry_run(warehouse, refused.run_id)
    assert second.exit_code == 3
    assert warehouse.open_items() == {"A2": "A401", "A3": "R310"}
    refuse(warehouse)

    left = retry_run(warehouse, refused.run_id).text
    assert "a newer run has sent the order" in left
    assert f"; 1 order is still missing, last in run {second.run_id}: retry that" in left
    assert retry_run(warehouse, second.run_id).exit_code == 0
    assert warehouse.open_items() == {"A3": "R310"}


def test_without_the_copies_the_file_itself_is_used_or_asked_for(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    refuse(warehouse, "A1")
    run = warehouse.run().run_id
    for copy in (warehouse.settings.home / "runs" / run / "refused").glob("*"):
        copy.unlink()
    refuse(warehouse)
    warehouse.orders(order_row("A1", name="Another"))
    with pytest.raises(
        StopRun, match=r"the copy of orders\.csv that run .* read is gone"
    ) as caught:
        retry_run(warehouse, run)
    assert "pipeline run -m" in caught.value.help

    warehouse.orders(order_row("A1"))  # as it was
    assert retry_run(warehouse, run).exit_code == 0


def test_what_a_backfill_was_is_typed_again_as_a_backfill(warehouse: Warehouse) -> None:
    """The commands that a message names are copied; parcels of the past must not be told loud."""
    warehouse.orders(order_row("A1"))
    refuse(warehouse, "A1")
    run = warehouse.run(backfill=True).run_id
    folder = warehouse.settings.home / "runs" / run
    shutil.rmtree(folder / "refused")
    warehouse.orders(order_row("A1", name="Another"))
    with pytest.raises(StopRun) as caught:
        retry_run(warehouse, run)
    assert "--backfill orders.csv" in caught.value.help
    shutil.rmtree(folder)
    with pytest.raises(StopRun) as caught:
        retry_run(warehouse, run)
    assert "`pipeline run --backfill`" in caught.value.help


def test_runs_that_cannot_be_retried_say_why(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    good = warehouse.run().run_id
    assert retry_run(warehouse, good).text == (
        f"nothing to send again: parcelLab refused no order of run {good}\n"
    )
    with pytest.raises(StopRun, match="there is no run nope"):
        retry_run(warehouse, "nope")
    warehouse.orders(order_row("A2"))
    warehouse.paced(attempts=1, outage_failures=1, outage_stop_s=0.01)
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "http_5xx"}]))
    open_run = warehouse.run().run_id
    with pytest.raises(StopRun, match="has not finished") as caught:
        retry_run(warehouse, open_run)
    assert caught.value.help == f"finish it first: pipeline resume {open_run}"


def test_a_failed_change_is_tried_again(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", cut=1))
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "mutation_fail"}]))
    run = warehouse.run().run_id
    refuse(warehouse)

    result = retry_run(warehouse, run, causes=("A201",))

    assert (result.exit_code, outcomes(result.summary)["updated"]) == (0, 1)


@pytest.mark.thorough
def test_an_interrupted_retry_is_finished_by_the_same_command(
    warehouse: Warehouse, refused: Result
) -> None:
    pace = warehouse.settings.pace
    warehouse.paced(attempts=1, outage_failures=1, outage_stop_s=0.01)
    warehouse.sandbox.play(FaultSchedule.of([{"fault": "http_5xx"}]))
    assert retry_run(warehouse, refused.run_id).exit_code == 5
    warehouse.paced(
        attempts=pace.attempts,
        outage_failures=pace.outage_failures,
        outage_stop_s=pace.outage_stop_s,
    )
    refuse(warehouse)

    left = warehouse.resume()

    assert left.exit_code == 0
    assert warehouse.open_items() == {"A3": "R310"}


@pytest.mark.thorough
def test_the_copies_of_a_packed_file_are_read(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    plain = warehouse.folder / "orders.csv"
    (warehouse.folder / "orders.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    text = ORDERS_YAML.replace('"orders*.csv"', '"orders*.csv*"')
    (warehouse.folder / "orders.yaml").write_text(text, encoding="utf-8")
    refuse(warehouse, "A1")
    run = warehouse.run().run_id
    (warehouse.folder / "orders.csv.gz").unlink()
    refuse(warehouse)
    assert retry_run(warehouse, run).exit_code == 0


def test_purge_removes_the_copies_too(warehouse: Warehouse, refused: Result) -> None:
    purge(warehouse.settings, "A1", warehouse.told)
    assert kept(warehouse, refused.run_id) == []
    left = [
        p
        for p in Path(warehouse.settings.home).rglob("*")
        if p.is_file() and b"jo@example" in p.read_bytes()
    ]
    assert left == []
    with Ledger.read(warehouse.settings.ledger, clock=lambda: datetime.now(UTC)) as ledger:  # noqa: TID251
        assert ledger.told(1, ["A1"])["A1"].marks is None


@pytest.mark.thorough
def test_a_refused_order_of_an_edi_file_goes_out_again_and_nobody_is_answered_twice(
    warehouse: Warehouse,
) -> None:
    inbox = Inbox(warehouse)
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_945, encoding="utf-8")
    bodies = [("850", order("A1")), ("850", order("A2")), ("945", parcel("A2", "P2"))]
    inbox.send(interchange(*bodies))
    inbox.agree('[partner.acme]\nsyntax = "x12"\nid = "ACME"\nacks = ["997"]\n')
    refuse(warehouse, "A2")
    first = inbox.run_with("orders.yaml", "parcels.yaml")
    assert outcomes(first.summary)["refused"] == 1
    assert len(first.summary["acknowledgements"]) > 0  # type: ignore[arg-type]
    (warehouse.folder / "in.edi").unlink()
    refuse(warehouse)

    result = retry_run(warehouse, first.run_id)

    assert result.exit_code == 0
    assert [put.order_number for put in warehouse.sandbox.puts()] == ["A1", "A2"]
    stored = warehouse.sandbox.order("A2")
    assert stored is not None
    assert [each["tracking_number"] for each in stored["trackings"]] == ["P2"]
    assert "acknowledgements" not in result.summary
    assert warehouse.open_items() == {}
    assert verify(warehouse.settings, result.run_id, 1.0, warehouse.told).exit_code == 0
