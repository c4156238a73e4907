"""Files with records of several types on the whole way: held whole, written as one table, read again."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.run.conftest import Warehouse
from tests.run.test_import import outcomes

MAPPING = """\
version: 1
name: records
source:
  files: "orders*.txt"
  delimiter: ";"
  timezone: Europe/Berlin
  columns: {ordered: date}
  records:
    types:
      H: {names: [type, no, ordered, country, mail]}
      L: {names: [type, pos, sku, qty], under: H, inherits: [no, ordered]}
order:
  order_number: no
  destination_country_iso3: country
  recipient_email: mail
lines:
  when: "record = 'L'"
  fields:
    line_item_id: {template: "{no}-{pos}"}
    sku: sku
    article_name: sku
    quantity: qty
"""
TEXT = """\
H;A1;2026-11-19;DE;jo@example.com
L;1;SKU-1;2
L;2;SKU-2;1
H;A2;2026-11-19;DE;ada@example.com;x
L;1;SKU-1;2
L;2;SKU-2;1
H;A3;19.11.2026;DE;bo@example.com
L;1;SKU-1;2
H;A4;2026-11-19;DE;cy@example.com
L;1;SKU-1
L;2;SKU-2;1
H;A5;2026-11-19;DE;di@example.com
L;1;SKU-1;1
X;2;SKU-2;1
"""


@pytest.fixture
def typed(warehouse: Warehouse) -> Warehouse:
    (warehouse.folder / "orders.yaml").write_text(MAPPING, encoding="utf-8")
    (warehouse.folder / "orders_1.txt").write_text(TEXT, encoding="utf-8")
    return warehouse


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline=""), delimiter=";"))


def save(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.thorough
def test_orders_are_held_whole_and_come_back_as_one_table(typed: Warehouse) -> None:
    result = typed.run(max_reject_rate=None)

    assert outcomes(result.summary)["created"] == 1
    [path] = typed.corrected(result).values()
    rows = rows_of(path)
    assert list(rows[0])[:9] == [
        "record", "type", "no", "ordered", "country", "mail", "pos", "sku", "qty",
    ]  # fmt: skip
    assert [(row["_import_line"], row["_import_rule"], row["no"]) for row in rows] == [
        ("4", "R101", "A2"), ("5", "R116", "A2"), ("6", "R116", "A2"),
        ("7", "R202", "A3"), ("8", "H001", "A3"),  # the date is told where it stands, and once
        ("9", "H001", "A4"), ("10", "R101", "A4"), ("11", "H001", "A4"),
        ("12", "H001", "A5"), ("13", "H001", "A5"), ("14", "R114", "A5"),
    ]  # fmt: skip
    assert sorted(typed.open_items()) == ["A2", "A3", "A4", "A5"]

    # as they are, they stay held: nobody has said that a guess is right
    untouched = typed.retry(path)
    assert untouched.exit_code == 3
    assert sorted(typed.open_items()) == ["A2", "A3", "A4", "A5"]

    # nor is a row passed over whose type is none
    rows[10] |= {"record": "LL", "_import_rule": ""}
    save(path, rows)
    assert typed.retry(path).exit_code == 3
    assert typed.open_items()["A5"] == "R114"

    for row in rows:
        if row["_import_rule"] in ("R101", "R116", "R114"):
            row["_import_rule"] = ""
        if row["ordered"] == "19.11.2026":
            row["ordered"] = "2026-11-19"
    rows[6]["qty"] = "1"
    rows[10] |= {"record": "L", "type": "L", "pos": "2", "sku": "SKU-2", "qty": "1"}
    save(path, rows)
    retried = typed.retry(path)

    assert (retried.exit_code, typed.open_items()) == (0, {}), typed.rejections(retried)
    sent = {put.order_number: json.loads(put.body) for put in typed.sandbox.puts()}
    assert {number: len(body["articles_order"]) for number, body in sent.items()} == {
        "A1": 2, "A2": 2, "A3": 1, "A4": 2, "A5": 2,
    }  # fmt: skip


def test_what_no_rule_allows_is_told_at_its_own_record_once(typed: Warehouse) -> None:
    (typed.folder / "orders.yaml").write_text(
        MAPPING.replace("inherits: [no, ordered]", "inherits: [no, ordered, mail]"),
        encoding="utf-8",
    )
    (typed.folder / "orders_1.txt").write_text(
        "H;A1;2026-11-19;DE;no mail\nL;1;SKU-1;2\nL;2;SKU-2;1\n", encoding="utf-8"
    )

    result = typed.run(max_reject_rate=None)

    told = [(each["line"], each["rule"]) for each in typed.rejections(result)]
    assert told == [(1, "R310"), (2, "H001"), (3, "H001")]
