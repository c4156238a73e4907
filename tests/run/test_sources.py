"""Several files that make orders together: run, retried, in partitions, and with a file missing."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.model.stops import SourceUnusable
from pipeline.run import spool
from tests.run.conftest import Warehouse

SAMPLE = Path(__file__).parents[2] / "samples" / "header-lines-shipments"

_SHIPMENTS = """\
  shipments:
    files: "ship_*.csv"
    belongs_to: orders
    key: {from: Auftrag, do: [{regex: "^#?0*(.+)$"}]}
    orphans: keep                             # a parcel of an order of an earlier night
"""


@pytest.fixture
def night(warehouse: Warehouse) -> Warehouse:
    """The sample's files and mapping in the folder of the warehouse, and nothing else."""
    for old in warehouse.folder.glob("*.yaml"):
        old.unlink()
    for file in (*SAMPLE.glob("*.csv"), SAMPLE / "mapping.yaml"):
        shutil.copy(file, warehouse.folder / file.name)
    return warehouse


def _sent(warehouse: Warehouse) -> dict[str, str]:
    return {put.order_number: put.body.decode() for put in warehouse.sandbox.puts()}


def test_each_row_of_each_file_is_accounted_for_and_the_rest_arrives_by_a_retry(
    night: Warehouse,
) -> None:
    first = night.run(max_reject_rate=None)

    assert first.summary["balances"] is True
    said = {str(each["column"]): str(each["message"]) for each in night.rejections(first)}
    assert said["customers.Country"].endswith("(in customers.csv:4)")
    assert set(_sent(night)) == {"121", "123"}  # and 99 is an update of what is not there
    files = night.corrected(first)
    assert not any("customers" in name for name in files)

    # what is wrong in a joined file is corrected there, the rest in the files of the run
    customers = night.folder / "customers.csv"
    customers.write_text(
        customers.read_text().replace("Narnia", "NO").replace("K-4,Di S", "K-9,Di S")
    )
    orders = next(path for name, path in files.items() if name.startswith("orders"))
    lines = next(path for name, path in files.items() if name.startswith("lines"))
    rows = orders.read_text("utf-8-sig").splitlines(keepends=True)
    orders.write_text(
        "".join(row for row in rows if not row.lstrip('"').startswith("124")), "utf-8"
    )
    second = night.retry(orders, lines, max_reject_rate=None)

    assert second.summary["balances"] is True
    assert {"125", "126"} <= set(_sent(night))
    assert json.loads(_sent(night)["126"])["destination_country_iso3"] == "NOR"


@pytest.mark.thorough
def test_many_partitions_give_the_same_as_one(
    night: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = night.plan(max_reject_rate=None)
    monkeypatch.setattr(spool, "PARTITION_BYTES", 60)
    many = night.plan(max_reject_rate=None)

    assert many.summary["rows"] == one.summary["rows"]
    assert many.summary["orders"] == one.summary["orders"]
    assert many.summary["balances"] is True


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("orders_20261119.csv", "all rows of lines would be of no order"),
        ("lines_20261119.csv", "each order needs a row of it"),
        ("customers.csv", "its columns are joined to the rows of orders"),
    ],
)
def test_a_source_without_a_file_is_said_once(night: Warehouse, gone: str, says: str) -> None:
    (night.folder / gone).unlink()

    with pytest.raises(SourceUnusable, match=says):
        night.plan(max_reject_rate=None)


@pytest.mark.thorough
def test_a_night_without_parcels_is_none_to_stop_for(night: Warehouse) -> None:
    (night.folder / "ship_20261119.csv").unlink()

    assert night.plan(max_reject_rate=None).summary["balances"] is True


def test_files_of_several_sources_are_skipped_together_or_not_at_all(night: Warehouse) -> None:
    night.settings = replace(night.settings, imported="skip")
    night.run(max_reject_rate=None)
    for name, row in (("orders", "200;19.11.2026;k-1"), ("lines", "200;1;GOODS;CUP-1;2;9,90")):
        file = night.folder / f"{name}_20261119.csv"
        file.write_text(f"{file.read_text().splitlines()[0]}\n{row}\n")

    night.run(max_reject_rate=None)  # with the customers of the night before

    assert "200" in _sent(night)
    before = len(night.sandbox.puts())
    assert "not read again [R122]" in night.run(max_reject_rate=None).text
    assert len(night.sandbox.puts()) == before


def test_a_row_to_join_that_cannot_be_read_leaves_its_key_in_doubt(night: Warehouse) -> None:
    customers = night.folder / "customers.csv"
    customers.write_text(customers.read_text() + "k-1,Ada Example,new@example.com,DE,one,more\n")

    result = night.plan(max_reject_rate=None)

    told = next(each for each in night.rejections(result) if each["order_number"] == "121")
    assert (told["rule"], told["file"], told["line"]) == ("R333", "orders_20261119.csv", 2)
    assert "customers.csv:8 cannot be read" in str(told["message"])
    assert result.summary["balances"] is True


def test_a_row_that_another_file_says_otherwise_names_that_file(night: Warehouse) -> None:
    mapping = night.folder / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace('"customers.csv"', '"customers*.csv"'))
    more = "CustomerNo,Name,Mail,Country\nK-1,Ada Example,new@example.com,DE\n"
    (night.folder / "customers_2.csv").write_text(more)

    rejected = night.rejections(night.plan(max_reject_rate=None))

    told = next(each for each in rejected if each["file"] == "customers_2.csv")
    assert told["rule"] == "R335"
    assert str(told["message"]).endswith("than customers.csv:2")


def test_rows_of_no_order_never_replace_the_lines_of_one_that_is_there(night: Warehouse) -> None:
    night.run(max_reject_rate=None)
    mapping = night.folder / "mapping.yaml"
    text = mapping.read_text()
    made_of_lines = """\
trackings:
  source: lines
  key: parcel
  when: "parcel IS NOT NULL"
  fields: {tracking_number: parcel, courier: {value: ups}}
"""
    text = text[: text.index("trackings:")].replace(
        "    key: order_no", "    key: order_no\n    orphans: keep"
    )
    text = "".join(
        line
        for line in text.splitlines(keepends=True)
        if "couriers" not in line and line != "lookups:\n"
    )
    mapping.write_text(text.replace(_SHIPMENTS, "") + made_of_lines)
    (night.folder / "ship_20261119.csv").unlink()
    for name, rows in (
        ("orders", "OrderNo;Date;customer_no\n200;19.11.2026;k-1\n"),
        ("lines", "order_ref;pos;kind;sku;qty;price;parcel\n200;1;GOODS;CUP-1;2;9,90;\n"
                  "121;7;GOODS;CUP-1;2;9,90;1Z12345E0205271688\n"),
    ):  # fmt: skip
        (night.folder / f"{name}_20261119.csv").write_text(rows)
    night.settings = replace(night.settings, ledger=f"{night.settings.ledger}.new")

    night.run(max_reject_rate=None)

    told = json.loads(_sent(night)["121"])
    assert told["mutations"]
    assert "articles_order" not in told


def test_every_row_has_one_outcome(night: Warehouse) -> None:
    from tests.golden.test_samples import _lines

    told = _lines(SAMPLE / "expected" / "findings.jsonl")
    result = night.plan(max_reject_rate=None)

    rows = result.summary["rows"]
    assert isinstance(rows, dict)
    assert rows["read"] == rows["accepted"] + rows["rejected"] + rows["skipped"] == 21
    assert Counter(each["code"] for each in told)["H001"] == 2
