"""Each complaint of the API leads to the file, line, column and cell that its value came from."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Settings
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.run import Options, Result, report, run
from pipeline.run import spool as spooling
from pipeline.run.tracing import way
from tests.run.conftest import Told
from tests.run.scripted import Answers, answering

# One order has four rows: two in shop_1.csv, one in shop_2.csv, and one in parcels.csv for each
# parcel and article. What the first row leaves out, a later one says.
SHOP_YAML = """\
version: 1
name: shop
source:
  files: "shop_*.csv"
  delimiter: ";"
  null_values: ["", "NULL"]
  columns: {qty: integer, price: decimal}
derive:
  line: {template: "{no}-{pos}"}
rows: {key: no}
order:
  order_number: no
  destination_country_iso3: land
  recipient_email: {from: mail, do: [lower]}
  recipient_name: {template: "{first} {last}"}
  shipping_address: {address_line: street, postal_code: zip, city: city, country_iso3: land}
  additional_recipients:
    - {role: {value: payer, when: "payer IS NOT NULL"}, email: payer}
    - {role: {value: installer, when: "installer IS NOT NULL"}, email: installer}
  payments:
    - {method: pay, due: {from: paydue, as: date}}
  tags: [{template: "wh:{wh}"}, {from: tag}]
  additional_attributes: {gift: gift, floor: floor, "a.b": note}
  order_total_amount: {sql: "price * qty", aggregate: sum}
  order_tax_amount: {from: tax, aggregate: max, as: decimal}
  channel: {value: web}
lines:
  fields:
    line_item_id: line
    sku: sku
    quantity: qty
    unit_price: price
    tags: [{from: color}, {from: size}]
    additional_attributes: {engraving: engraving}
mutations:
  - type: change_line_item_quantity
    when: "cut IS NOT NULL"
    fields: {line_item_id: line, quantity: cut, reason: why}
  - type: change_line_item_quantity
    when: "gone IS NOT NULL"
    fields: {line_item_id: line, quantity: gone}
  - type: add_line_item
    when: "extra IS NOT NULL"
    fields: {line_item: {line_item_id: extra, sku: extrasku}}
  - type: replace_line_item
    when: "old IS NOT NULL"
    fields: {old_line_item_id: old, new_line_item: {line_item_id: newid, sku: newsku}}
  - type: cancel_tracking
    when: "back IS NOT NULL"
    fields: {tracking: {tracking_number: back, courier: {value: ups}}}
  - type: cancel_order
    when_any: "stop IS NOT NULL"
    fields: {cancelled_reason: {from: stop}}
"""
COLUMNS = [
    "no", "pos", "land", "mail", "first", "last", "street", "zip", "city", "payer", "installer",
    "pay", "paydue", "wh", "tag", "gift", "floor", "note", "tax", "sku", "qty", "price", "color",
    "size", "engraving", "cut", "why", "gone", "extra", "extrasku", "old", "newid", "newsku",
    "back", "stop",
]  # fmt: skip
PARCELS_YAML = """\
version: 1
name: parcels
mode: update_only
source: {files: "parcels.csv", delimiter: ",", timezone: UTC}
rows: {key: order}
order: {order_number: order, client_key: client}
trackings:
  key: parcel
  fields:
    tracking_number: parcel
    courier: carrier
    delivery_method: service
    recipient_name: to
    tags: [{from: tag1}, {from: tag2}]
    articles: {line_item_id: line, quantity: pieces, sku: item}
    checkpoints:
      status_code: code
      message: says
      event_timestamp: {from: at, format: "%Y-%m-%d %H:%M"}
      courier_status: code
    additional_fields: {dock: dock, "7": bay}
"""
PARCEL_COLUMNS = [
    "order", "client", "parcel", "carrier", "service", "to", "tag1", "tag2", "line", "pieces",
    "item", "code", "says", "at", "dock", "bay",
]  # fmt: skip


def _orders(number: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The rows of an order in the files of the shop and in that of the parcels."""
    shop = [
        {"pos": "1", "land": "DE", "mail": "NULL", "first": "Jo", "last": "Doe", "street": "",
         "wh": "W1", "gift": "", "floor": "", "tax": "1.00", "sku": "S1", "qty": "1",
         "price": "1.50", "color": "red", "size": "L", "cut": "0", "why": "sold out"},
        {"pos": "2", "mail": "Jo@Example.com", "street": "Weg 1", "zip": "04109", "city": "Leipzig",
         "land": "DE", "wh": "W1", "tag": "new", "installer": "fit@example.com", "floor": "3",
         "note": "n", "tax": "9.00", "sku": "S2", "qty": "2", "price": "2.50", "size": "M",
         "engraving": "J.D.", "gone": "0", "extra": "X1", "extrasku": "XS"},
        {"pos": "3", "land": "DE", "wh": "W2", "tag": "new", "pay": "visa", "paydue": "2026-12-01",
         "tax": "3.00", "sku": "S3", "qty": "3", "price": "3.50", "color": "blue", "size": "blue",
         "old": "O1", "newid": "N1", "newsku": "NS", "back": "T9", "stop": "customer"},
    ]  # fmt: skip
    parcels = [
        {"client": "", "parcel": "P1", "carrier": "dhl-germany", "to": "", "tag1": "", "line": "@1",
         "pieces": "1", "item": "S1", "code": "", "dock": ""},
        {"client": "acme", "parcel": "P2", "carrier": "ups", "to": "Jo", "line": "@3", "pieces": "3",
         "item": "S3"},
        {"parcel": "P1", "carrier": "dhl-germany", "service": "express", "to": "Jo Doe",
         "tag2": "T", "line": "@2", "pieces": "2", "item": "S2", "code": "OutForDelivery",
         "says": "on its way", "at": "2026-11-20 07:00", "dock": "D4", "bay": "B2"},
    ]  # fmt: skip
    shop = [each | {"no": number} for each in shop]
    parcels = [
        each | {"order": number, "line": each["line"].replace("@", f"{number}-")}
        for each in parcels
    ]
    return shop, parcels


# path → file, row within the order's rows of that file, column, the cell as it stands there
CELLS = {
    "recipient_email": ("shop_1.csv", 1, "mail", "Jo@Example.com"),
    "recipient_email.non_field_errors": ("shop_1.csv", 1, "mail", "Jo@Example.com"),
    "recipient_name": ("shop_1.csv", 0, "first", "Jo Doe"),
    "destination_country_iso3": ("shop_1.csv", 0, "land", "DE"),
    "shipping_address.postal_code": ("shop_1.csv", 1, "zip", "04109"),
    "shipping_address.address_line": ("shop_1.csv", 1, "street", "Weg 1"),
    "shipping_address": ("shop_1.csv", 0, "", None),
    "shipping_address.region_code": ("shop_1.csv", 0, "", None),
    # the first recipient is not there, so the first of the request is the second of the mapping
    "additional_recipients.0.email": ("shop_1.csv", 1, "installer", "fit@example.com"),
    "additional_recipients[0].email": ("shop_1.csv", 1, "installer", "fit@example.com"),
    "payments.0.due": ("shop_2.csv", 0, "paydue", "2026-12-01"),
    "tags.0": ("shop_1.csv", 0, "wh", "W1"),
    "tags.1": ("shop_2.csv", 0, "wh", "W2"),
    "tags.2": ("shop_1.csv", 1, "tag", "new"),
    # `gift` is empty, so `floor` is the first that was sent
    "additional_attributes.0.value": ("shop_1.csv", 1, "floor", "3"),
    "additional_attributes.1": ("shop_1.csv", 1, "note", "n"),
    "order_total_amount": ("shop_1.csv", 0, "price", "17.00"),
    "order_tax_amount": ("shop_1.csv", 1, "tax", "9.00"),
    "channel": ("shop_1.csv", 0, "", "web"),
    "client_key": ("parcels.csv", 1, "client", "acme"),
    "articles_order.0.sku": ("shop_1.csv", 0, "sku", "S1"),
    "articles_order.2.unit_price": ("shop_2.csv", 0, "price", "3.50"),
    "articles_order.1.line_item_id": ("shop_1.csv", 1, "no", None),
    "articles_order.0.tags.1": ("shop_1.csv", 0, "size", "L"),
    "articles_order.1.tags.0": ("shop_1.csv", 1, "size", "M"),
    "articles_order.2.tags.0": ("shop_2.csv", 0, "color", "blue"),
    "articles_order.1.additional_attributes.0.value": ("shop_1.csv", 1, "engraving", "J.D."),
    "articles_order.1": ("shop_1.csv", 1, "", None),
    "articles_order.1.no_such_field": ("shop_1.csv", 1, "", None),
    "articles_order.77.sku": ("shop_1.csv", 0, "sku", None),
    "mutations.6.tracking.courier": ("parcels.csv", 0, "carrier", "dhl-germany"),
    "mutations.6.tracking.delivery_method": ("parcels.csv", 2, "service", "express"),
    "mutations.6.tracking.recipient_name": ("parcels.csv", 2, "to", "Jo Doe"),
    "mutations.6.tracking.articles.0.sku": ("parcels.csv", 0, "item", "S1"),
    "mutations.6.tracking.articles.1.quantity": ("parcels.csv", 2, "pieces", "2"),
    "mutations.6.tracking.checkpoints.0.message": ("parcels.csv", 2, "says", "on its way"),
    "mutations.6.tracking.tags.0": ("parcels.csv", 2, "tag2", "T"),
    "mutations.6.tracking.additional_fields.dock": ("parcels.csv", 2, "dock", "D4"),
    "mutations.6.tracking.additional_fields.7": ("parcels.csv", 2, "bay", "B2"),
    "mutations.7.tracking.tracking_number": ("parcels.csv", 1, "parcel", "P2"),
    "mutations.7.tracking": ("parcels.csv", 1, "", None),
    "mutations.0.quantity": ("shop_1.csv", 0, "cut", "0"),
    "mutations.0.reason": ("shop_1.csv", 0, "why", "sold out"),
    # a second entry of the same type has columns of its own
    "mutations.1.quantity": ("shop_1.csv", 1, "gone", "0"),
    "mutations.2.line_item.sku": ("shop_1.csv", 1, "extrasku", "XS"),
    "mutations.3.old_line_item_id": ("shop_2.csv", 0, "old", "O1"),
    "mutations.3.new_line_item.sku": ("shop_2.csv", 0, "newsku", "NS"),
    "mutations.4.tracking.tracking_number": ("shop_2.csv", 0, "back", "T9"),
    "mutations.5.cancelled_reason": ("shop_2.csv", 0, "stop", "customer"),
    "mutations.5": ("shop_2.csv", 0, "stop", "customer"),
    "mutations": ("shop_1.csv", 0, "", None),
    "mutations.99999999999999999999.x": ("shop_1.csv", 0, "", None),
    "no_such_field": ("shop_1.csv", 0, "", None),
    "": ("shop_1.csv", 0, "", None),
}


class Shop:
    """The files of a shop, a server that answers as it is told, and runs between the two."""

    def __init__(self, folder: Path, answers: Answers) -> None:
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.answers = answers
        self.lines: dict[tuple[str, str], list[int]] = {}
        home = folder / "home"
        self.settings = Settings(
            profile="sandbox",
            endpoint=Endpoint(base_url=answers.base_url, account=1618, token=Secret("t")),
            pace=Pace(), home=home, reports=folder / "reports", ledger=str(home / "ledger.db"),
            timezone="UTC",
        )  # fmt: skip
        (self.inbox / "shop.yaml").write_text(SHOP_YAML, encoding="utf-8")
        (self.inbox / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")

    def write(self, numbers: list[str]) -> None:
        """Write the rows of these orders, and remember their lines."""
        written: dict[str, list[str]] = {
            "shop_1.csv": [";".join(COLUMNS)], "shop_2.csv": [";".join(COLUMNS)],
            "parcels.csv": [",".join(PARCEL_COLUMNS)],
        }  # fmt: skip
        for number in numbers:
            shop, parcels = _orders(number)
            for name, rows, columns, joint in (
                ("shop_1.csv", shop[:2], COLUMNS, ";"), ("shop_2.csv", shop[2:], COLUMNS, ";"),
                ("parcels.csv", parcels, PARCEL_COLUMNS, ","),
            ):  # fmt: skip
                for row in rows:
                    written[name].append(joint.join(row.get(column, "") for column in columns))
                    self.lines.setdefault((number, name), []).append(len(written[name]))
        for name, texts in written.items():
            (self.inbox / name).write_text("\n".join(texts) + "\n", encoding="utf-8")

    def run(self) -> Result:
        # the shop's mapping first, as its rows are the first of an order
        mappings = [self.inbox / "shop.yaml", self.inbox / "parcels.yaml"]
        return run(self.settings, mappings, [str(self.inbox)], Options(), Told())


def records(result: Result) -> list[dict[str, Any]]:
    assert result.report is not None
    packed = result.report.with_name("rejections.jsonl.gz").read_bytes()
    return [json.loads(line) for line in gzip.decompress(packed).splitlines()]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with answering() as answers:
        yield Shop(tmp_path, answers)


def refused(attr: str | None, detail: str = "is not good") -> tuple[int, object]:
    return 400, {
        "type": "client_error",
        "errors": [{"code": "invalid", "detail": detail, "attr": attr}],
    }


@pytest.mark.parametrize(
    "partition_bytes", [spooling.PARTITION_BYTES, pytest.param(2000, marks=pytest.mark.thorough)]
)
def test_every_path_of_a_refusal_leads_to_its_cell(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, partition_bytes: int
) -> None:
    monkeypatch.setattr(spooling, "PARTITION_BYTES", partition_bytes)
    number_of = {attr: f"C{nth:02}" for nth, attr in enumerate(CELLS)}
    shop.write(list(number_of.values()))
    shop.answers.refusals = {number: refused(attr) for attr, number in number_of.items()}

    result = shop.run()

    assert result.exit_code == 3
    of_number = {each["order_number"]: each for each in records(result)}
    found = {}
    for attr, number in number_of.items():
        file, row, column, value = CELLS[attr]
        if attr == "articles_order.1.line_item_id":
            value = f"{number}-2"
        record = of_number[number]
        said = (record["file"], record["line"], record["column"], record["raw"])
        if said != (file, shop.lines[number, file][row], column, value):
            found[attr] = (said, (file, shop.lines[number, file][row], column, value))
    assert found == {}


def test_the_value_that_was_sent_is_the_one_that_the_cell_gave(shop: Shop) -> None:
    shop.write(["A1"])
    shop.answers.refusals = {"A1": refused("recipient_email")}

    shop.run()

    # what the table takes for granted of the request
    body = shop.answers.bodies["A1"]
    assert body["recipient_email"] == "jo@example.com"
    assert body["additional_recipients"] == [{"role": "installer", "email": "fit@example.com"}]
    assert body["tags"] == ["wh:W1", "wh:W2", "new"]
    assert [each["key"] for each in body["additional_attributes"]] == ["floor", "a.b"]
    assert [each["type"] for each in body["mutations"]] == [
        "change_line_item_quantity", "change_line_item_quantity", "add_line_item",
        "replace_line_item", "cancel_tracking", "cancel_order", "add_tracking", "add_tracking",
    ]  # fmt: skip
    assert [each["line_item_id"] for each in body["articles_order"]] == ["A1-1", "A1-2", "A1-3"]
    assert body["articles_order"][2]["tags"] == ["blue"]


def test_the_report_made_again_says_the_same_of_answers(shop: Shop) -> None:
    shop.write(["A1", "A2"])
    shop.answers.refusals = {"A1": refused("shipping_address.postal_code")}
    result = shop.run()
    assert result.report is not None
    before = {
        path.name: path.read_bytes() for path in result.report.parent.iterdir() if path.is_file()
    }
    (shop.inbox / "shop.yaml").write_text("name: gone\n", encoding="utf-8")

    report(shop.settings, result.run_id, "mask", Told())

    after = {
        path.name: path.read_bytes() for path in result.report.parent.iterdir() if path.is_file()
    }
    assert after == before
    # the page has the cell masked, and the records have it as it is
    page = before["report.html"].decode()
    assert "04…" in page
    assert "04109" not in page
    assert records(result)[0]["raw"] == "04109"


def test_with_another_mapping_since_the_place_is_still_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.send.attempts._READ_PAUSE_S", 0.01)  # the order is read back
    shop.write(["A1"])
    shop.settings = replace(shop.settings, pace=replace(shop.settings.pace, attempts=1))
    shop.answers.refusals = {"A1": (401, {"detail": "no"})}
    assert shop.run().exit_code == 6
    text = SHOP_YAML.replace("channel: {value: web}", "channel: {value: shop}")
    (shop.inbox / "shop.yaml").write_text(text, encoding="utf-8")
    shop.answers.refusals = {"A1": refused("articles_order.2.unit_price")}
    from pipeline.run import resume

    result = resume(shop.settings, None, Options(), Told())

    [record] = records(result)
    assert (record["file"], record["line"], record["column"]) == ("shop_2.csv", 2, "price")
    assert record["raw"] is None


@pytest.mark.parametrize(
    ("attr", "section", "item", "path"),
    [
        ("recipient_email", "order", None, ("recipient_email",)),
        ("articles_order.12.sku", "line", 12, ("sku",)),
        ("articles_order[12].sku", "line", 12, ("sku",)),
        ("articles_order", "order", None, ("articles_order",)),
        ("articles_order.first.sku", "order", None, ("articles_order", "first", "sku")),
        ("articles_order.²", "order", None, ("articles_order", "²")),
        ("mutations.0", "change", 0, ()),
        ("mutations.0.non_field_errors", "change", 0, ()),
        ("..", "order", None, ("",)),
    ],
)
def test_a_path_is_taken_apart(
    attr: str, section: str, item: int | None, path: tuple[str, ...]
) -> None:
    made = way(attr)

    assert (made.section, made.item, made.path) == (section, item, path)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (
            400,
            {"type": "client_error", "errors": [
                {"code": "blank", "detail": "No zip.", "attr": "shipping_address.postal_code"},
                {"code": "invalid", "detail": "No price.", "attr": "articles_order.2.unit_price"},
                {"code": "odd", "detail": "Odd.", "attr": None}]},
            [("A401", "shop_1.csv", 3, "zip", "No zip."), ("A401", "shop_2.csv", 2, "price", "No price."),
             ("A402", "shop_1.csv", 2, "", "Odd.")],
        ),
        (400, {"detail": "account missing"}, [("A402", "shop_1.csv", 2, "", "account missing")]),
        (400, {"type": "x", "errors": [], "detail": "why"}, [("A402", "shop_1.csv", 2, "", "why")]),
        (
            400,
            {"success": False, "message": "no", "errors": {
                "recipient_email": ["bad", "worse"],
                "articles_order": [{}, {"sku": ["unknown"]}],
                "shipping_address": {"city": [{"message": "no such city", "code": "city"}]}}},
            [("A401", "shop_1.csv", 3, "mail", "bad; worse"), ("A401", "shop_1.csv", 3, "sku", "unknown"),
             ("A401", "shop_1.csv", 3, "city", "no such city")],
        ),
        (
            400,
            {"recipient_email": ["not good"], "non_field_errors": ["all bad"]},
            [("A401", "shop_1.csv", 3, "mail", "not good"), ("A402", "shop_1.csv", 2, "", "all bad")],
        ),
        (
            404,
            {"type": "client_error", "errors": [
                {"code": "not_found", "detail": "No such key.", "attr": "client_key"}]},
            [("A404", "parcels.csv", 3, "client", "No such key.")],
        ),
        (422, {"surprise": "x"}, [("A403", "shop_1.csv", 2, "", '422: {"surprise": "x"}')]),
        (400, ["odd"], [("A403", "shop_1.csv", 2, "", '400: ["odd"]')]),
    ],
    ids=["list", "detail", "empty list", "field map", "bare field map", "404", "unknown", "no object"],
)  # fmt: skip
def test_all_shapes_of_a_refusal_are_traced(
    shop: Shop, status: int, answer: object, told: list[tuple[str, str, int, str, str]]
) -> None:
    # one after the other: if the very first answer is 404, the address of the API is wrong
    shop.settings = replace(shop.settings, pace=Pace(concurrency=1))
    shop.write(["A0", "A1"])
    shop.answers.refusals = {"A1": (status, answer)}

    result = shop.run()

    assert result.exit_code == 3
    made = sorted(records(result), key=lambda each: str(each["message"]))
    expected = sorted(told, key=lambda each: each[4])
    assert {each["order_number"] for each in made} == {"A1"}
    shift = {"shop_1.csv": 2, "shop_2.csv": 1, "parcels.csv": 3}  # rows of the order before
    assert sorted(
        (each["rule"], each["file"], each["line"] - shift[each["file"]], each["column"])
        for each in made
    ) == sorted(each[:4] for each in expected)
    for _, _, _, _, words in expected:
        assert sum(words in each["message"] for each in made) == 1, words
    assert sum(each["primary"] for each in made) == 1
    assert result.summary["orders"]["refused"] == 1  # type: ignore[index]
    assert result.summary["balances"] is True


def test_failed_changes_and_warnings_lead_to_their_cells(shop: Shop) -> None:
    shop.write(["A1", "A2", "A3"])
    failed = {"success": False, "message": "No."}
    shop.answers.results = {
        "A1": {
            0: failed | {"errors": {"quantity": "2 are shipped"}},
            2: failed
            | {"errors": {"line_item.sku": ["unknown"], "line_item.line_item_id": ["taken"]}},
            3: failed | {"errors": {"mutations.3.old_line_item_id": "gone"}},
            5: failed,
            6: failed | {"errors": {"tracking": {"delivery_method": ["not configured"]}}},
        },
        "A2": {7: {"warnings": ['Unrecognized field "x" was dropped', "and another"]}},
    }

    result = shop.run()

    made = [
        (each["rule"], each["file"], each["line"], each["column"], each["raw"])
        for each in records(result)
    ]
    assert sorted(made) == [
        ("A201", "parcels.csv", 4, "service", "express"),
        ("A201", "shop_1.csv", 2, "cut", "0"),
        ("A201", "shop_1.csv", 3, "extra", "X1"),
        ("A201", "shop_1.csv", 3, "extrasku", "XS"),
        ("A201", "shop_2.csv", 2, "old", "O1"),
        ("A201", "shop_2.csv", 2, "stop", "customer"),
    ]
    orders: dict[str, int] = result.summary["orders"]  # type: ignore[assignment]
    assert (orders["partly_applied"], orders["created"], orders["arrived"]) == (1, 2, 3)
    mutations: list[dict[str, Any]] = result.summary["mutations"]  # type: ignore[assignment]
    changes = {str(each["type"]): each for each in mutations}
    assert {kind: each["failed"] for kind, each in changes.items()} == {
        "add_line_item": 1, "add_tracking": 1, "cancel_order": 1, "cancel_tracking": 0,
        "change_line_item_quantity": 1, "replace_line_item": 1,
    }  # fmt: skip
    assert sum(each["succeeded"] for each in changes.values()) == 3 * 8 - 5
    assert result.exit_code == 3
    assert result.report is not None
    page = result.report.read_text(encoding="utf-8")
    assert "was dropped" in page
    assert result.summary["balances"] is True


@pytest.mark.thorough
def test_words_that_attack_the_tracing_stay_words(shop: Shop) -> None:
    """A server may say anything; a report is made all the same."""
    odd = [
        "articles_order.-1.sku", "articles_order.1e3.sku", "mutations.².x", "mutations..x", "[", "a" * 5000,
        "articles_order." + "9" * 400, "mutations.0." + "x." * 300, "tags.999999999", "\\x00.\\x1b", "${1}",
        "additional_attributes.999999999.value", "order_number.0.0", "shipping_address.0",
    ]  # fmt: skip
    shop.write([f"B{nth}" for nth in range(len(odd))])
    shop.answers.refusals = {f"B{nth}": refused(attr) for nth, attr in enumerate(odd)}

    result = shop.run()

    assert result.exit_code == 3
    assert result.summary["orders"]["refused"] == len(odd)  # type: ignore[index]
    assert result.summary["balances"] is True
    assert len(records(result)) == len(odd)


def test_of_very_many_complaints_about_one_order_a_hundred_are_kept(shop: Shop) -> None:
    shop.write(["A1"])
    errors = [{"code": "x", "detail": f"{nth}", "attr": "tags"} for nth in range(5000)]
    shop.answers.refusals = {"A1": (400, {"type": "client_error", "errors": errors})}

    assert len(records(shop.run())) == 100
