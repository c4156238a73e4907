"""Rows with several items in a whole run: one row of the file in all that is counted, told and corrected."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import Result
from pipeline.run import spool as spooling
from pipeline.sandbox import FaultSchedule
from tests.run.conftest import Warehouse
from tests.run.test_again import retry_run

CELLS_YAML = """\
version: 1
name: cells
source:
  files: "cells*.csv"
  delimiter: ";"
rows:
  explode:
    item: {from: Items, split: "|", parts: ":", names: [sku, qty]}
    parcel: {from: Parcels, split: "|"}
  number: n
order:
  order_number: No
  destination_country_iso3: Land
  recipient_email: Mail
lines:
  when: "sku IS NOT NULL"
  fields: {line_item_id: {template: "{No}-{n}"}, sku: sku, quantity: qty}
trackings:
  key: parcel
  when: "parcel IS NOT NULL"
  fields: {tracking_number: parcel, courier: {value: gls}, articles: {line_item_id: {template: "{No}-{n}"}}}
"""
WIDE_YAML = """\
version: 1
name: wide
source: {files: "wide*.csv", delimiter: ";"}
rows:
  unpivot: {sku: "Item {n} SKU", qty: "Item {n} Qty", to: "Item {n} To"}
  number: n
order:
  order_number: No
  destination_country_iso3: Land
  recipient_email: Mail
lines:
  fields: {line_item_id: {template: "{No}-{n}"}, sku: sku, quantity: qty, article_name: to}
"""
HEAD = "No;Land;Mail;Items;Parcels\n"


def row(number: str, items: str, parcels: str = "", mail: str = "jo@example.com") -> str:
    return f"{number};DE;{mail};{items};{parcels}\n"


def night(warehouse: Warehouse, *rows: str) -> None:
    (warehouse.folder / "orders.yaml").unlink(missing_ok=True)
    (warehouse.folder / "cells.yaml").write_text(CELLS_YAML, encoding="utf-8")
    (warehouse.folder / "cells.csv").write_text(HEAD + "".join(rows), encoding="utf-8")


def bodies(warehouse: Warehouse) -> dict[str, dict[str, object]]:
    return {put.order_number: json.loads(put.body) for put in warehouse.sandbox.puts()}


def corrected(warehouse: Warehouse, result: Result) -> Path:
    [path] = warehouse.corrected(result).values()
    return path


def skus(body: dict[str, object]) -> list[tuple[object, object]]:
    lines = body["articles_order"]
    assert isinstance(lines, list)
    return [(line["line_item_id"], line.get("sku")) for line in lines]


NIGHT = (
    row("A1", "CUP:2|LID:1", "T1|T2"),
    row("A2", "CUP:two|LID:x|POT:1"),
    row("A2", "CUP:1", "T3"),
    row("A3", ""),
    row("A4", "CUP"),
    row("A5", "CUP:1|CUP:1"),
    row("A5", "CUP:1|CUP:1"),
    row("A6", "CUP:1|LID:1", mail="x"),
)


def test_a_row_is_one_row_in_every_figure_and_its_items_are_lines(warehouse: Warehouse) -> None:
    night(warehouse, *NIGHT)

    result = warehouse.run()

    rows = result.summary["rows"]
    assert isinstance(rows, dict)
    assert (rows["read"], rows["accepted"], rows["rejected"], rows["skipped"]) == (8, 3, 4, 1)
    sent = bodies(warehouse)
    assert list(sent) == ["A1", "A3", "A5"]
    assert skus(sent["A1"]) == [("A1-1", "CUP"), ("A1-2", "LID")]
    assert "articles_order" not in sent["A3"]
    assert skus(sent["A5"]) == [("A5-1", "CUP"), ("A5-2", "CUP")]
    changes = sent["A1"]["mutations"]
    assert isinstance(changes, list)
    assert [each["tracking"]["tracking_number"] for each in changes] == ["T1", "T2"]
    assert changes[1]["tracking"]["articles"] == [{"line_item_id": "A1-2"}]


def test_what_is_wrong_is_told_of_the_column_of_the_file_with_the_item(
    warehouse: Warehouse,
) -> None:
    night(warehouse, *NIGHT)

    result = warehouse.run()

    told = [
        (each["line"], each["segment"], each["rule"], each["column"], each["raw"], each["primary"])
        for each in warehouse.rejections(result)
    ]
    assert told == [
        (3, 0, "R201", "Items", "two", True),
        (3, 0, "R201", "Items", "x", False),
        (4, 0, "R302", "No", "A2-1", True),
        (6, 0, "R119", "Items", "CUP", True),
        (9, 0, "R310", "Mail", "x", True),
    ]
    words = [str(each["message"]) for each in warehouse.rejections(result)]
    assert words[0] == '"two" is not a number written like 1234.56 (item 1 of 3)'
    assert words[1].endswith("(item 2 of 3)")
    assert "(item" not in words[2] + words[4]
    assert result.report is not None
    page = result.report.read_text(encoding="utf-8")
    assert "(item 1 of 3)" in page


def test_a_rejected_row_comes_back_once_as_it_was_and_is_retried(warehouse: Warehouse) -> None:
    night(warehouse, *NIGHT)
    path = corrected(warehouse, warehouse.run())

    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), delimiter=";"))
    assert [(r["No"], r["Items"], r["_import_line"]) for r in rows] == [
        ("A2", "CUP:two|LID:x|POT:1", "3"), ("A2", "CUP:1", "4"), ("A4", "CUP", "6"),
        ("A6", "CUP:1|LID:1", "9"),
    ]  # fmt: skip
    assert "(item 1 of 3)" in rows[0]["_import_problem"]
    assert "(item 2 of 3)" in rows[0]["_import_problem"]
    text = path.read_text(encoding="utf-8")
    for wrong, right in (
        ("two", "2"),
        (":x", ":1"),
        (";CUP;", ";CUP:4;"),
        (";x;", ";x@example.com;"),
    ):
        text = text.replace(wrong, right)
    # the ids of the lines of both rows would be the same
    path.write_text(text.replace("CUP:1;T3", ";T3"), encoding="utf-8")

    result = warehouse.retry(path)

    assert result.exit_code == 0, result.text
    assert skus(bodies(warehouse)["A2"]) == [("A2-1", "CUP"), ("A2-2", "LID"), ("A2-3", "POT")]
    assert warehouse.open_items() == {}


def test_numbered_columns_go_as_far_as_each_file_has_them(warehouse: Warehouse) -> None:
    (warehouse.folder / "orders.yaml").unlink()
    (warehouse.folder / "wide.yaml").write_text(WIDE_YAML, encoding="utf-8")
    first = [f"Item {n} {what}" for n in (1,) for what in ("SKU", "Qty", "To")]
    second = [f"Item {n} {what}" for n in (1, 2, 10) for what in ("SKU", "Qty", "To")]
    for name, head, rows in (
        ("wide_1.csv", first, ["W1;DE;a@example.com;CUP;1;Ann"]),
        ("wide_2.csv", second, ["W2;DE;b@example.com;CUP;1;;;;;POT;2;Ben",
                                "W3;DE;b@example.com;;;;;;;LID;two;Cem"]),
    ):  # fmt: skip
        names = ";".join(["No", "Land", "Mail", *head])
        (warehouse.folder / name).write_text("\n".join([names, *rows, ""]), encoding="utf-8")

    result = warehouse.run()

    sent = bodies(warehouse)
    assert skus(sent["W1"]) == [("W1-1", "CUP")]
    assert skus(sent["W2"]) == [("W2-1", "CUP"), ("W2-10", "POT")]
    [problem] = warehouse.rejections(result)
    assert (problem["file"], problem["line"], problem["column"], problem["raw"]) == (
        "wide_2.csv", 3, "Item 10 Qty", "two",
    )  # fmt: skip


@pytest.mark.thorough
def test_an_answer_of_the_api_leads_to_the_item(warehouse: Warehouse) -> None:
    (warehouse.folder / "orders.yaml").unlink()
    (warehouse.folder / "wide.yaml").write_text(WIDE_YAML, encoding="utf-8")
    (warehouse.folder / "wide.csv").write_text(
        "No;Land;Mail;Item 1 SKU;Item 1 Qty;Item 1 To;Item 2 SKU;Item 2 Qty;Item 2 To\n"
        "W1;DE;a@example.com;CUP;1;;LID;7;\n",
        encoding="utf-8",
    )
    (warehouse.folder / "cells.yaml").write_text(CELLS_YAML, encoding="utf-8")
    (warehouse.folder / "cells.csv").write_text(
        HEAD + row("A0", "POT:1") + row("A1", "CUP:2|LID:3", "T1|T2"), encoding="utf-8"
    )
    places = {"W1": "articles_order.1.quantity", "A1": "mutations.1.tracking.tracking_number"}
    warehouse.sandbox.play(
        FaultSchedule.of(
            [{"fault": "http_400_a", "order_number": n, "attr": attr} for n, attr in places.items()]
        )
    )

    result = warehouse.run()

    told = {
        each["order_number"]: (
            each["file"],
            each["line"],
            each["segment"],
            each["column"],
            each["raw"],
        )
        for each in warehouse.rejections(result)
    }
    assert told == {
        "W1": ("wide.csv", 2, 0, "Item 2 Qty", "7"),
        "A1": ("cells.csv", 3, 0, "Parcels", "T2"),
    }
    # what was refused goes out again from the run's own copies
    warehouse.sandbox.play(FaultSchedule())
    again = retry_run(warehouse, result.run_id)
    assert again.exit_code == 0, again.text
    assert skus(bodies(warehouse)["W1"]) == [("W1-1", "CUP"), ("W1-2", "LID")]


def test_partitions_change_nothing(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    night(
        warehouse,
        *NIGHT,
        *(row(f"B{n}", f"CUP:{n}|LID:1|POT:{n % 7 or 'none'}") for n in range(40)),
    )
    whole = warehouse.plan()
    monkeypatch.setattr(spooling, "PARTITION_BYTES", 500)

    parted = warehouse.plan()

    assert parted.summary["rows"] == whole.summary["rows"]
    assert parted.summary["orders"] == whole.summary["orders"]
    told = [[r | {"run": ""} for r in warehouse.rejections(each)] for each in (whole, parted)]
    assert told[0] == told[1]


SOURCES_YAML = """\
version: 1
name: two
source: {delimiter: ";"}
sources:
  orders: {files: "o*.csv", key: No, rows: {explode: {item: {from: Items, split: "|", parts: ":", names: [sku, qty]}}, number: n}}
  parcels: {files: "p*.csv", belongs_to: orders, key: No, rows: {explode: {parcel: {from: Parcels, split: ","}}}}
  customers: {files: "c*.csv", joins: orders, key: Id, on: Customer}
order: {order_number: No, destination_country_iso3: Land, recipient_email: customers.Mail}
lines:
  fields: {line_item_id: {template: "{No}-{n}"}, sku: sku, quantity: qty}
trackings:
  source: parcels
  key: parcel
  fields: {tracking_number: parcel, courier: {value: gls}}
"""


@pytest.mark.thorough
def test_rows_of_several_sources_have_items_of_their_own(warehouse: Warehouse) -> None:
    (warehouse.folder / "orders.yaml").unlink()
    for name, text in {
        "two.yaml": SOURCES_YAML,
        "o.csv": "No;Land;Customer;Items\nA1;DE;K1;CUP:1|LID:2\nA2;DE;K9;CUP:1|LID:y\nA3;DE;K1;\n",
        "p.csv": "No;Parcels\nA1;T1,T2\nA7;T3,T4\nA3;T5\n",
        "c.csv": "Id;Mail\nK1;ann@example.com\n",
    }.items():
        (warehouse.folder / name).write_text(text, encoding="utf-8")

    result = warehouse.run()

    sent = bodies(warehouse)
    assert skus(sent["A1"]) == [("A1-1", "CUP"), ("A1-2", "LID")]
    changes = sent["A1"]["mutations"]
    assert isinstance(changes, list)
    assert [each["tracking"]["tracking_number"] for each in changes] == ["T1", "T2"]
    assert list(sent) == ["A1", "A3"]
    # a row is told of once, however many items it has
    told = [(r["line"], r["rule"], r["column"]) for r in warehouse.rejections(result)]
    assert told == [(3, "R333", "Customer"), (3, "R201", "Items"), (3, "R330", "No")]


def test_equal_items_of_a_parcel_are_several_articles(warehouse: Warehouse) -> None:
    text = CELLS_YAML.replace(CELLS_YAML[CELLS_YAML.index("lines:") :], """\
trackings:
  key: Parcels
  fields: {tracking_number: Parcels, courier: {value: gls}, articles: {line_item_id: sku, quantity: qty}}
""").replace("    parcel: {from: Parcels, split: \"|\"}\n  number: n\n", "")  # fmt: skip
    night(warehouse, row("A1", "CUP:1|CUP:1|LID:1", "T1"), row("A1", "CUP:1|POT:1", "T1"))
    (warehouse.folder / "cells.yaml").write_text(text, encoding="utf-8")

    result = warehouse.run()

    assert result.exit_code == 0, result.text
    changes: Any = bodies(warehouse)["A1"]["mutations"]
    [change] = changes
    articles = [(each["line_item_id"], each["quantity"]) for each in change["tracking"]["articles"]]
    # what another row says of the parcel again is the same article
    assert articles == [("CUP", 1), ("CUP", 1), ("LID", 1), ("POT", 1)]
