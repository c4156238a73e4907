"""Files on their way into a run: packed, half-written, imported before, bad beside good ones."""

import zipfile

import pytest

from pipeline.run import PlanStale
from tests.run.conftest import HEADER, Warehouse, order_row


def zipped(warehouse: Warehouse, **members: str) -> None:
    with zipfile.ZipFile(warehouse.folder / "night.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)


# -- packed -------------------------------------------------------------------------------------


def test_members_of_an_archive_are_files_of_the_run(warehouse: Warehouse) -> None:
    zipped(
        warehouse, orders_1=HEADER + order_row("A1"), orders_2=HEADER + order_row("A2", qty="x"),
        parcels="no;parcel;carrier\nA1;P1;dhl\n", stock="sku\nS\n",
    )  # fmt: skip

    result = warehouse.run(max_reject_rate=None)

    assert result.exit_code == 3
    assert [each["order_number"] for each in warehouse.sandbox.orders()] == ["A1"]
    [rejected] = warehouse.rejections(result)
    assert (rejected["file"], rejected["line"]) == ("night.zip/orders_2.csv", 2)
    assert list(warehouse.corrected(result)) == ["night.zip-orders_2.rejected.csv"]


def test_a_plan_of_an_archive_is_stale_when_the_archive_changes(warehouse: Warehouse) -> None:
    zipped(warehouse, orders=HEADER + order_row("A1"))
    plan = warehouse.plan().plan
    assert plan is not None
    assert [path.suffix for path in (plan / "snapshots").iterdir()] == [".input"]
    zipped(warehouse, orders=HEADER + order_row("A1", name="New"))
    with pytest.raises(PlanStale, match=r"night\.zip/orders\.csv has changed or is gone"):
        warehouse.run_plan(plan)
