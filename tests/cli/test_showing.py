"""mapping show: each value of a row with the cells and stages that made it."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.cli.conftest import Call

MAPPING = """\
version: 1
name: wms
source:
  delimiter: ";"
  decimal: ","
  thousands: "."
  dates: "%d.%m.%Y"
  timezone: Europe/Berlin
  columns: {Menge: integer, Preis: decimal}
lookups:
  countries: {D: DEU, A: AUT}
derive:
  plz:
    cases:
      - {when: "Land = 'D'", from: PLZ, do: [{pad_left: [5, "0"]}]}
      - {from: PLZ}
  phone: {first_of: [Mobil, Tel]}
rows: {key: Nr, skip: "Typ = 'TEST'"}
order:
  order_number: Nr
  destination_country_iso3: {from: Land, lookup: countries}
  recipient_email: {from: EMail, do: [strip, lower], default: _unset}
  external_reference: plz
  order_total_amount: {sql: "Preis * Menge", aggregate: sum}
  order_currency: {value: EUR}
  order_date: Datum
  customer_number: phone
  channel: {from: Typ, when: "Typ <> 'B2C'"}
lines:
  fields: {line_item_id: {template: "{Nr}-{Pos}"}, quantity: Menge}
mutations:
  - type: cancel_order
    when_all: "Typ = 'STORNO'"
"""
ROWS = """\
Nr;Pos;Typ;Land;EMail;PLZ;Mobil;Tel;Menge;Preis;Datum
1001;1;B2C;D;Jo@Example.com;1067;;030 1;2;1.299,00;19.11.2026
1001;2;B2C;D;jo@example.com;1067;;030 1;1;49,90;19.11.2026
1002;1;TEST;D;;;;;1;1,00;19.11.2026
1003;1;B2C;X;a@example.com;1010;1;;1;1,00;31.11.2026
1003;2;B2C;A;a@example.com;1010;1;;1;1,00;30.11.2026
1004;1;B2C
"""


@pytest.fixture
def wms(folder: Path) -> Path:
    (folder / "wms.yaml").write_text(MAPPING)
    (folder / "orders.csv").write_text(ROWS)
    return folder


def test_each_value_has_its_cells_its_stages_and_the_line_of_the_mapping(
    call: Call, wms: Path
) -> None:
    assert wms.is_dir()
    said = call("mapping", "show", "wms.yaml", "orders.csv", "--row", "2")
    assert said.code == 0
    assert (
        said.out
        == """\
orders.csv:2  order 1001  goes on
  derive
    plz    case 1 (Land = 'D'): PLZ="1067" → pad_left [5, 0] → 01067   wms.yaml:13
    phone  first_of, number 2: Tel="030 1" → 030 1   wms.yaml:17
  order
    order_number              Nr="1001" → 1001   wms.yaml:20
    external_reference        plz="01067" → 01067   wms.yaml:23
    destination_country_iso3  Land="D" → lookup countries → DEU   wms.yaml:21
    recipient_email           EMail="Jo@Example.com" → strip → lower → jo@example.com   wms.yaml:22
    customer_number           phone="030 1" → 030 1   wms.yaml:27
    order_total_amount        Preis="1.299,00", Menge="2" → sql Preis * Menge "2598" → 2598.00 (of this row; sum over the order)   wms.yaml:24
    order_currency            value EUR → EUR   wms.yaml:25
    order_date                Datum="19.11.2026" → as datetime → 2026-11-19T00:00:00+01:00   wms.yaml:26
    channel                   Typ="B2C" → nothing, when "Typ <> 'B2C'" is false   wms.yaml:28
  lines
    articles_order.line_item_id  Nr="1001", Pos="1" → template {Nr}-{Pos} → 1001-1   wms.yaml:30
    articles_order.quantity      Menge="2" → 2   wms.yaml:30
  mutations.0 (cancel_order): not this row, when_all "Typ = 'STORNO'" is false   wms.yaml:33
"""
    )


def test_what_cannot_be_converted_says_its_code(call: Call, wms: Path) -> None:
    assert wms.is_dir()
    said = call("mapping", "show", "wms.yaml", "orders.csv", "--row", "5").out
    assert said.startswith("orders.csv:5  order 1003  rejected\n  error[R401]: ")
    assert 'destination_country_iso3  Land="X" → lookup countries → nothing [R401]   ' in said
    assert 'order_date                Datum="31.11.2026" → as datetime → nothing [R202]' in said
    assert "case 2 (otherwise): PLZ" in said


@pytest.mark.parametrize(
    ("row", "begins"),
    [
        (
            "4",
            "orders.csv:4  order 1002  left out: rows.skip \"Typ = 'TEST'\" is true (wms.yaml:18)",
        ),
        ("6", "orders.csv:6  order 1003  held back: because of orders.csv:5 (R202)\n  derive"),
        ("7", "orders.csv:7  order 1004  could not be read\n  error[R101]: "),
    ],
)
def test_rows_that_are_not_sent_say_why(call: Call, wms: Path, row: str, begins: str) -> None:
    assert wms.is_dir()
    assert call("mapping", "show", "wms.yaml", "orders.csv", "--row", row).out.startswith(begins)


def test_an_order_has_all_of_its_rows_and_the_request_they_make(call: Call, wms: Path) -> None:
    assert wms.is_dir()
    command = ("mapping", "show", "-m", "wms.yaml", "orders.csv", "--order", "1001")
    said = call(*command).out
    rows, _, request = said.partition("\norder 1001: would be sent\n")
    assert [line for line in rows.splitlines() if line.startswith("orders.csv:")] == [
        "orders.csv:2  order 1001  goes on", "orders.csv:3  order 1001  goes on",
    ]  # fmt: skip
    body = json.loads(request)
    assert body["order_total_amount"] == "2647.90"
    assert "→ 2598.00 (of this row; sum over the order: 2647.90)   " in rows
    assert "→ 49.90 (of this row; sum over the order: 2647.90)   " in rows
    assert [line["quantity"] for line in body["articles_order"]] == [2, 1]
    assert "account" not in body
    known = call(*command, "--existing", "--json").json()
    assert "articles_order" not in known["payloads"]["1001"]
    (first, _) = known["rows"]
    (country,) = (f for f in first["fields"] if f["target"] == "destination_country_iso3")
    assert country == {
        "section": "order", "target": "destination_country_iso3", "value": '"DEU"', "codes": [],
        "line": 21, "aggregate": "",
        "story": {
            "taken": [], "cells": [{"name": "Land", "text": "D", "place": ""}], "absent": "",
            "stages": [{"word": "lookup countries", "value": "DEU"},
                       {"word": "as country", "value": "DEU"}],
        },
    }  # fmt: skip


def test_a_held_order_makes_no_request(call: Call, wms: Path) -> None:
    assert wms.is_dir()
    said = call("mapping", "show", "wms.yaml", "orders.csv", "--order", "1003").out
    assert said.endswith("\n\norder 1003: held back\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("wms.yaml", "orders.csv", "--row", "1"), "[C144]: no row of orders.csv begins on line 1\n  help: its first row begins on line 2"),
        (("wms.yaml", "orders.csv", "--row", "99"), "begins on line 99\n  help: its last row begins on line 7"),
        (("wms.yaml", "orders.csv", "--order", "101"), "[C119]: no row of orders.csv is of order 101\n  help: did you mean 1001?"),
        (("wms.yaml", "orders.csv", "--row", "2:x"), "is no line such as 41"),
        (("wms.yaml", "orders.csv"), "say which one: --row LINE, or --order NR"),
        (("orders.csv", "--row", "2"), "say which mapping reads orders.csv"),
        (("wms.yaml", "order.csv", "--row", "2"), "did you mean orders.csv?"),
    ],
)  # fmt: skip
def test_what_is_not_there_says_what_is(
    call: Call, wms: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert wms.is_dir()
    said = call("mapping", "show", *arguments)
    assert (said.code, says in said.err) == (2, True), said.err


def test_a_line_within_a_row_leads_to_the_rows_around_it(call: Call, wms: Path) -> None:
    text = ROWS.replace("Jo@Example.com", '"Jo@\nExample.com"')
    (wms / "orders.csv").write_text(text)
    said = call("mapping", "show", "wms.yaml", "orders.csv", "--row", "3")
    assert "help: the rows around it begin on line 2 and on line 4" in said.err


def test_a_row_of_edi_is_named_by_its_line_and_has_the_paths_of_its_columns(
    call: Call, folder: Path
) -> None:
    (folder / "asn.yaml").write_text("""\
version: 1
name: asn
mode: update_only
source: {format: x12, transaction: "856", dates: "%Y%m%d"}
extract: {columns: {order_no: "O/PRF.1", tracking: "P/MAN[1=CP].2"}}
order: {order_number: order_no}
trackings: {key: tracking, fields: {tracking_number: tracking, courier: {value: ups}}}
""")
    segments = """\
ISA*00*          *00*          *ZZ*W              *ZZ*S              *261119*2215*U*00401*000000001*0*P*>~
GS*SH*W*S*20261119*2215*1*X*004010~ST*856*0001~BSN*00*S1*20261119*2210*0001~
HL*1**S~HL*2*1*O~PRF*A1~
HL*3*2*P~MAN*CP*1Z1~HL*4*2*P~MAN*CP*1Z2~
SE*10*0001~GE*1*1~IEA*1*000000001~
"""
    (folder / "asn.edi").write_text(segments)
    both = call("mapping", "show", "asn.yaml", "asn.edi", "--row", "4").out
    assert both.count("asn.edi:4 (segment ") == 2
    one = call("mapping", "show", "asn.yaml", "asn.edi", "--row", "4:10").out
    assert one.startswith("asn.edi:4 (segment 10)  order A1  goes on\n  columns\n")
    assert '    tracking  "1Z2"  P/MAN[1=CP].2\n' in one
    assert '    tracking.tracking_number  tracking="1Z2" → 1Z2   asn.yaml:7\n' in one
    order = call("mapping", "show", "asn.yaml", "asn.edi", "--order", "A1", "--json").json()
    assert len(order["payloads"]["A1"]["mutations"]) == 2


ITEMS = """\
version: 1
name: items
source: {columns: {qty: integer}}
rows: {explode: {item: {from: Items, split: "|", parts: ":", names: [sku, qty]}}, number: n}
order: {order_number: Nr, destination_country_iso3: {value: DEU}, recipient_email: {value: _unset}}
lines: {fields: {line_item_id: {template: "{Nr}-{n}"}, sku: sku, quantity: qty}}
"""
WIDE = ITEMS.replace(
    'explode: {item: {from: Items, split: "|", parts: ":", names: [sku, qty]}}',
    'unpivot: {sku: "Item {n}", qty: "Qty {n}"}',
)


@pytest.mark.parametrize(
    ("mapping", "rows"),
    [
        (ITEMS, "Nr,Items\nA1,CUP:1|LID:two\nA2,CUP\n"),
        (WIDE, "Nr,Item 1,Qty 1,Item 2,Qty 2\nA1,CUP,1,LID,two\n"),
    ],
    ids=["explode", "unpivot"],
)
def test_each_item_of_a_row_is_shown_and_has_its_own_findings(
    call: Call, folder: Path, mapping: str, rows: str
) -> None:
    (folder / "items.yaml").write_text(mapping)
    (folder / "items.csv").write_text(rows)

    said = call("mapping", "show", "items.yaml", "items.csv", "--row", "2").out

    first, second = said.split("\n\n")[:2]
    assert first.startswith("items.csv:2 (item 1)  order A1  rejected")
    assert second.startswith("items.csv:2 (item 2)  order A1  rejected")
    assert 'qty="1" → 1  ' in first
    assert 'qty="two" → as integer → nothing [R201]' in second


def test_a_row_whose_items_are_written_otherwise_says_so(call: Call, folder: Path) -> None:
    (folder / "items.yaml").write_text(ITEMS)
    (folder / "items.csv").write_text("Nr,Items\nA1,CUP:1\nA2,CUP\n")

    for asked in (("--row", "3"), ("--order", "A2")):
        said = call("mapping", "show", "items.yaml", "items.csv", *asked).out
        assert said.startswith("items.csv:3  order A2  could not be read\n  error[R119]")


# -- several files --------------------------------------------------------------------------------

SEVERAL = Path(__file__).parents[2] / "samples/header-lines-shipments"
ORDERS, LINES, PARCELS = (f"{name}_20261119.csv" for name in ("orders", "lines", "ship"))
FILES = (ORDERS, LINES, PARCELS, "customers.csv")


@pytest.fixture
def several(folder: Path) -> Path:
    for name in ("mapping.yaml", *FILES):
        (folder / name).write_bytes((SEVERAL / name).read_bytes())
    return folder


def test_an_order_has_its_rows_of_all_files_and_the_places_of_joined_cells(
    call: Call, several: Path
) -> None:
    assert several.is_dir()
    said = call("mapping", "show", "mapping.yaml", *FILES, "--order", "123").out

    rows, _, request = said.partition("\norder 123: would be sent\n")
    assert [line for line in rows.splitlines() if line[:1].strip()] == [
        f"{ORDERS}:3 (orders)  order 123  goes on",
        f"{LINES}:3 (lines)  order 123  goes on",
        f"{LINES}:4 (lines)  order 123  goes on",
        f"{LINES}:5 (lines)  order 123  left out: rows.skip \"kind = 'FREIGHT'\" is true (mapping.yaml:18)",
        f"{PARCELS}:3 (shipments)  order 123  goes on",
    ]
    for line in (
        '    customers.on  customer_no="K-2" → upper → K-2   mapping.yaml:29\n',
        '    shipments.key  Auftrag="00123" → regex ^#?0*(.+)$ → 123   mapping.yaml:22\n',
        '    destination_country_iso3  customers.Country="AT" (customers.csv:3) → as country → AUT   mapping.yaml:40\n',
    ):
        assert line in rows
    expected = map(json.loads, (SEVERAL / "expected/orders.jsonl").read_text().splitlines())
    (run,) = (order for order in expected if order["order_number"] == "123")
    del run["account"], run["mutations"][0]["operation_id"]  # a run adds them
    assert json.loads(request) == run


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("777", [f'{LINES}:6 (lines)  rejected\n  error[R330]: ', 'no row of orders has the key "777"', "order 777: held back"]),
        ("99", [f"{PARCELS}:4 (shipments)  order 99  goes on", "order 99: would be sent"]),
        ("125", ["error[R333]", "customers.Country=(empty) → nothing [R333]", "held back: because of orders_20261119.csv:5 (R333)"]),
        ("126", ['customers.Country="Narnia" (customers.csv:4) → as country → nothing [R203]']),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_shown_with_its_finding(
    call: Call, several: Path, number: str, told: list[str]
) -> None:
    assert several.is_dir()
    said = call("mapping", "show", "mapping.yaml", *FILES, "--order", number).out
    assert [part for part in told if part not in said] == [], said


@pytest.mark.parametrize(
    ("files", "row", "told", "note"),
    [
        (FILES, f"{LINES}:3", f"{LINES}:3 (lines)  order 123  goes on\n", ""),
        ((ORDERS, "customers.csv"), f"{ORDERS}:4", f"{ORDERS}:4 (orders)  order 124  goes on\n", "not named: files of lines, shipments; what"),
        ((PARCELS,), "4", f"{PARCELS}:4 (shipments)  goes on\n", "not named: files of orders, lines, customers; what"),
        (FILES, "customers:2", f"customers.csv:2 (customers)  joined to {ORDERS}:2, {ORDERS}:4\n  cells\n", ""),
        (FILES, "customers:4", f"joined to {ORDERS}:6\n  warning[R336]: ", ""),
        (FILES, "customers:5", "customers.csv:5 (customers)  not needed\n", ""),
        (FILES, "customers:7", "customers.csv:7 (customers)  rejected\n  error[R335]: ", ""),
    ],
)  # fmt: skip
def test_a_row_of_several_files_is_shown_as_far_as_the_files_tell(
    call: Call, several: Path, files: tuple[str, ...], row: str, told: str, note: str
) -> None:
    assert several.is_dir()
    said = call("mapping", "show", "mapping.yaml", *files, "--row", row)
    assert (said.code, told in said.out, note in said.err) == (0, True, True), said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((*FILES, "--row", "3"), f"line 3 of which file? 4 are named\n  help: name it with the line: --row {ORDERS}:3"),
        ((ORDERS, "customers.csv", "--row", "nix.txt:3"), "[C144]: nix.txt is none of the files that are named\n  help: one of: orders_"),
        ((*FILES, "--order", "099"), "is of order 099\n  help: did you mean 99?"),
        ((ORDERS, "--row", "2"), "[C112]: no file of the source customers is named, and its columns are joined to the rows of orders\n  help: name customers.csv too: "),
        ((ORDERS, "customers.csv", "--order", "123"), "no file of the source lines is named, and each order needs a row of it"),
        ((ORDERS, "kunden.csv", "--order", "123"), "reads \"customers.csv\"; say which one it is, such as lines=kunden.csv"),
        ((ORDERS, "custmers=kunden.csv", "--order", "123"), "has no source custmers\n  help: did you mean \"customers\"?"),
        ((ORDERS, "customers=kundn.csv", "--order", "123"), "file kundn.csv does not exist\n  help: did you mean kunden.csv?"),
    ],
)  # fmt: skip
def test_files_that_say_too_little_are_asked_for(
    call: Call, several: Path, arguments: tuple[str, ...], says: str
) -> None:
    (several / "kunden.csv").write_bytes((several / "customers.csv").read_bytes())
    said = call("mapping", "show", "mapping.yaml", *arguments)
    assert (said.code, says in said.err) == (2, True), said.err


def test_a_file_may_be_named_for_its_source(call: Call, several: Path) -> None:
    (several / "customers.csv").rename(several / "kunden.csv")
    files = (ORDERS, LINES, PARCELS, "customers=kunden.csv")
    said = call("mapping", "show", "-m", "mapping.yaml", *files, "--order", "121", "--json").json()
    assert said["files"] == [ORDERS, LINES, PARCELS, "kunden.csv"]
    (order, line, parcel) = said["rows"]
    assert [each["source"] for each in (order, line, parcel)] == ["orders", "lines", "shipments"]
    (mail,) = (each for each in order["fields"] if each["target"] == "recipient_email")
    assert mail["story"]["cells"] == [
        {"name": "customers.Mail", "text": "ada@example.com", "place": "kunden.csv:2"}
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("orders.csv", "more.csv", "--row", "2"), "wms.yaml reads one FILE, and 2 are named"),
        (("lines=orders.csv", "--row", "2"), "wms.yaml has no source lines\n  help: it reads one file: name orders.csv alone"),
    ],
)  # fmt: skip
def test_a_mapping_of_one_file_says_so(
    call: Call, wms: Path, arguments: tuple[str, ...], says: str
) -> None:
    (wms / "more.csv").write_text(ROWS)
    said = call("mapping", "show", "wms.yaml", *arguments)
    assert (said.code, says in said.err) == (2, True), said.err


def test_the_row_of_one_file_may_have_its_name(call: Call, wms: Path) -> None:
    assert wms.is_dir()
    said = call("mapping", "show", "wms.yaml", "orders.csv", "--row", "orders.csv:2").out
    assert said.startswith("orders.csv:2  order 1001  goes on\n")


def test_a_key_of_several_columns_items_of_rows_and_products_joined_to_lines(
    call: Call, folder: Path
) -> None:
    (folder / "m.yaml").write_text("""\
version: 1
name: m
mode: update_only
sources:
  orders: {files: "orders*.csv", key: [Shop, Nr]}
  lines:
    files: "lines*.csv"
    belongs_to: orders
    key: [Shop, Nr]
    rows: {explode: {item: {from: Items, split: "|", parts: ":", names: [sku, qty]}}}
  products: {files: "products.csv", joins: lines, key: Sku, on: Main, orphans: keep}
order: {order_number: {template: "{Shop}-{Nr}"}}
lines:
  source: lines
  send: always
  fields: {line_item_id: {template: "{Main}-{sku}"}, article_name: products.Name, quantity: qty}
""")
    (folder / "orders1.csv").write_text("Shop,Nr\nX,1\n")
    (folder / "orders2.csv").write_text("Shop,Nr\nY,1\n")
    (folder / "lines.csv").write_text(
        "Shop,Nr,Items,Main\nX,1,A:1|B:2,P1\nX,1,C:1,P9\nQ,1,A:1,P1\nY,1,E,P2\n"
    )
    (folder / "products.csv").write_text("Sku,Name\nP1,Pot\nP2,Pan\n")

    def show(*asked: str) -> str:
        files = ("orders1.csv", "orders2.csv", "lines.csv", "products.csv")
        return call("mapping", "show", "m.yaml", *files, *asked).out

    order = show("--order", "X-1")
    assert "lines.csv:2 (item 2) (lines)  order X-1  goes on\n" in order
    assert 'products.Name="Pot" (products.csv:2) → Pot' in order
    assert "products.Name=(empty) → nothing [R334]" in order
    assert order.count('"line_item_id"') == 3
    assert show("--row", "products:2").startswith(
        "products.csv:2 (products)  joined to lines.csv:2, lines.csv:4\n"
    )
    assert "joined to rows that could not be taken apart\n" in show("--row", "products:3")
    with ZipFile(folder / "night.zip", "w") as archive:
        for name in ("orders2.csv", "lines.csv", "products.csv"):
            archive.write(folder / name, name)
    packed = call("mapping", "show", "m.yaml", "night.zip", "--order", "Y-1").out
    assert packed.startswith("night.zip/orders2.csv:2 (orders)  order Y-1  held back: because of ")
    held = show("--order", "Y-1")
    assert "orders2.csv:2 (orders)  order Y-1  held back: because of lines.csv:5 (R119)" in held
    assert "lines.csv:5 (lines)  could not be read\n  error[R119]" in held
