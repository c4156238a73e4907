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


def _planned(made: Product, *files: bytes) -> Ran:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
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


@calm
@given(tail=st.binary(max_size=300))
def test_any_bytes_are_accounted_for_or_stop_the_run(made: Product, tail: bytes) -> None:
    ran = _planned(made, _text([]) + tail)

    assert all(ran.rows["outcome"].is_not_null()) if ran.rows.width else ran.findings
