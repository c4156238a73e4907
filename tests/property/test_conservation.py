"""Rows in = rows accounted for, whatever stands in them and however they are laid out."""

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.golden.product import Product, Ran, product

pytestmark = pytest.mark.thorough

MAPPING = """\
version: 1
name: conservation
source:
  files: "*.csv"
  delimiter: ";"
  decimal: ","
rows:
  key: order
  skip: "kind = 'TEST'"
order:
  order_number: order
  destination_country_iso3: country
  recipient_email: email
lines:
  when: "kind = 'LINE'"
  fields:
    line_item_id: line
    article_name: article
    quantity: qty
    unit_price: price
trackings:
  key: parcel
  when: "kind = 'PARCEL'"
  fields:
    tracking_number: parcel
    courier: {value: gls}
    articles: {line_item_id: line, quantity: qty}
"""
PACKED = """\
version: 1
name: packed
source: {files: "*.csv", delimiter: ";"}
rows:
  key: order
  skip: "sku = 'POST'"
  explode:
    item: {from: items, split: "|", parts: ":", names: [sku, qty]}
    note: {from: notes, split: ","}
derive: {n: {row_number: order}}
order:
  order_number: order
  destination_country_iso3: {value: DEU}
  recipient_email: {from: email}
lines:
  fields: {line_item_id: {template: "{order}-{n}"}, sku: sku, quantity: qty, article_name: note}
"""
COLUMNS = ("order", "kind", "line", "article", "qty", "price", "parcel", "email", "country")
Row = tuple[str, ...]

FAULTS = {
    "order": ["", "A9"],
    "kind": ["TEST", "NOTE"],
    "line": ["", "1", "9"],
    "qty": ["", "1,5", "-1", "two"],
    "price": ["", "1.000,00", "0,1234567"],
    "email": ["a.example.com", "", "other@example.com"],
    "country": ["D", "", "AT"],
}
articles = st.sampled_from(["Cup", 'Pot; 2" "x"', "two\nlines", "cr\r\nlf", "Straße", ""])


@st.composite
def nights(draw: st.DrawFn) -> list[Row]:
    """Whole orders with lines and parcels, then a few spoilt cells, doubled and moved rows."""
    table: list[list[str]] = []
    for number in draw(st.lists(st.sampled_from(["A1", "A2", "Ä 3", "A4"]), unique=True)):
        person = [f"{number[-1]}@example.com", "DE"]
        for line in range(1, draw(st.integers(1, 4))):
            cells = [number, "LINE", str(line), draw(articles), "2", "9,90", ""]
            table.append(cells + person)
            if draw(st.booleans()):
                parcel = f"{number}-{draw(st.integers(1, 2))}"
                table.append([number, "PARCEL", str(line), "", "1", "", parcel, *person])
    faults = st.tuples(st.integers(0, 99), st.sampled_from(sorted(FAULTS)), st.integers(0, 9))
    for row, column, which in draw(st.lists(faults, max_size=3)) if table else ():
        spoilt = FAULTS[column]
        table[row % len(table)][COLUMNS.index(column)] = spoilt[which % len(spoilt)]
    for row in draw(st.lists(st.integers(0, 99), max_size=2)) if table else ():
        table.append(list(table[row % len(table)]))
    moved = draw(st.permutations(table)) if draw(st.booleans()) else table
    return [tuple(cells) for cells in moved]


calm = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product(tmp_path_factory.mktemp("conservation")) as fresh:
        yield fresh


def _text(table: Sequence[Row]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerows([COLUMNS, *table])
    return out.getvalue().encode()


def _planned(made: Product, *files: bytes, mapping: str = MAPPING) -> Ran:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mapping.yaml").write_text(mapping, encoding="utf-8")
        for number, content in enumerate(files):
            (folder / f"{number}.csv").write_bytes(content)
        return made.plan([folder / "mapping.yaml"], [folder])


def _unordered(ran: Ran) -> list[str]:
    """The payloads without the order that rows have in the file, and without operation ids."""
    bodies = []
    for payload in ran.payloads:
        body = json.loads(payload)
        body.get("articles_order", []).sort(key=lambda line: str(line["line_item_id"]))
        for change in body.get("mutations", []):
            del change["operation_id"]
            change["tracking"].get("articles", []).sort(key=json.dumps)
        body.get("mutations", []).sort(
            key=lambda change: str(change["tracking"]["tracking_number"])
        )
        bodies.append(json.dumps(body, sort_keys=True))
    return sorted(bodies)


def _held(ran: Ran) -> list[str]:
    return sorted(ran.orders.filter(ran.orders["outcome"] == "held_back")["key"].to_list())


@calm
@given(table=nights())
def test_every_row_has_one_outcome_and_every_order_too(made: Product, table: list[Row]) -> None:
    ran = _planned(made, _text(table))

    outcomes = Counter(ran.rows["outcome"].to_list())
    assert ran.rows.height == len(table)
    assert outcomes["filtered"] == sum(row[1] == "TEST" for row in table)
    keys = {row[0] for row in table if row[1] != "TEST"} - {""}
    assert sorted(ran.orders["key"].to_list()) == sorted(keys)
    assert len(ran.payloads) == ran.orders.height - sum(
        outcome in {"held_back", "nothing_to_send"} for outcome in ran.orders["outcome"]
    )


@calm
@given(table=nights())
def test_an_order_is_held_if_and_only_if_one_of_its_rows_is_faulty(
    made: Product, table: list[Row]
) -> None:
    ran = _planned(made, _text(table))

    faulty = ran.rows.filter(ran.rows["outcome"] == "own_problem")["key"].drop_nulls().unique()
    assert _held(ran) == sorted(faulty.to_list())
    held = ran.rows.filter(ran.rows["key"].is_in(faulty.to_list()))["outcome"].to_list()
    assert "accepted" not in held


@calm
@given(table=nights(), random=st.randoms(use_true_random=False))
def test_shuffled_rows_make_the_same_orders(
    made: Product, table: list[Row], random: object
) -> None:
    shuffled = list(table)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    before, after = _planned(made, _text(table)), _planned(made, _text(shuffled))

    assert _held(after) == _held(before)
    assert _unordered(after) == _unordered(before)


@calm
@given(table=nights(), cut=st.integers(0, 24))
def test_two_files_make_the_same_orders_as_one(made: Product, table: list[Row], cut: int) -> None:
    whole = _planned(made, _text(table))
    parted = _planned(made, _text(table[:cut]), _text(table[cut:]))

    assert parted.payloads == whole.payloads
    assert parted.rows["outcome"].to_list() == whole.rows["outcome"].to_list()


@calm
@given(table=nights())
def test_lines_of_findings_are_those_of_the_csv_module(made: Product, table: list[Row]) -> None:
    text = _text(table)
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=";")
    starts = [1]
    starts += [reader.line_num + 1 for _ in reader]

    ran = _planned(made, text)

    assert sorted(ran.rows["_line"].to_list()) == starts[1:-1]


ITEMS = st.lists(
    st.sampled_from(
        ["CUP:1", "CUP:1", "POT:2", " LID : 3", "POST:1", "", " ", "CUP:two", "CUP", "A:1:2"]
    ),
    max_size=4,
)
NOTES = st.sampled_from(["", "", "red", "red,blue", "a,b,c", ",", "x,,z"])


@st.composite
def packed_nights(draw: st.DrawFn) -> list[tuple[str, str, str, str]]:
    """Rows with items in a cell: order, e-mail, items, notes."""
    numbers = st.sampled_from(["A1", "A1", "A2", "A3", "A4", ""])
    emails = st.sampled_from(["jo@example.com"] * 9 + ["x"])
    return draw(st.lists(st.tuples(numbers, emails, ITEMS.map("|".join), NOTES), max_size=8))


def _parts(cell: str, by: str) -> list[str]:
    """The items of a cell, as the documentation has it: those that are missing at its end are none."""
    parts = [part.strip() for part in cell.split(by)]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _soundly_packed(items: str, notes: str) -> bool:
    there, noted = _parts(items, "|"), _parts(notes, ",")
    return (
        not (there and noted and len(there) != len(noted))
        and all(not item or item.count(":") == 1 for item in there)
        and "CUP:two" not in there
    )


@calm
@given(table=packed_nights())
def test_a_row_with_several_items_is_accounted_for_once_and_all_of_them_are_lines(
    made: Product, table: list[tuple[str, str, str, str]]
) -> None:
    text = "order;email;items;notes\n" + "".join(";".join(row) + "\n" for row in table)

    ran = _planned(made, text.encode(), mapping=PACKED)

    # a row without any text is none, so that only delimiters are left out by the reader
    there = [line for line, row in enumerate(table, start=2) if any(cell.strip() for cell in row)]
    assert ran.rows["_line"].to_list() == there
    assert ran.rows["_segment"].to_list() == [0] * len(there)
    faulty = {
        row[0] for line, row in enumerate(table, start=2)
        if line in there and (row[1] == "x" or not _soundly_packed(row[2], row[3]))
    }  # fmt: skip
    assert set(_held(ran)) == faulty - {""}
    lines: dict[str, list[tuple[str, str]]] = {}
    for number, _, items, notes in table:
        if number in faulty:
            continue
        noted = _parts(notes, ",")
        for at, item in enumerate(_parts(items, "|") or [""] * len(noted)):
            sku, _, qty = (part.strip() for part in item.partition(":"))
            if sku != "POST" and (item or (noted and noted[at])):
                lines.setdefault(number, []).append((sku, qty))
    for payload in ran.payloads:
        body = json.loads(payload)
        told = [
            (line.get("sku", ""), str(line.get("quantity", "")))
            for line in body.get("articles_order", [])
        ]
        assert told == lines.get(body["order_number"], [])


@calm
@given(tail=st.binary(max_size=300))
def test_any_bytes_are_accounted_for_or_stop_the_run(made: Product, tail: bytes) -> None:
    ran = _planned(made, _text([]) + tail)

    assert all(ran.rows["outcome"].is_not_null()) if ran.rows.width else ran.findings
