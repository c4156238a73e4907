"""Any small file from bytes to payloads: nothing lost, nothing split, always JSON the API takes.

What "the same" means when rows are shuffled: the same orders are held, and the bodies of the others
are equal once the lists that follow the rows of the file (lines, changes, a parcel's articles, tags)
are sorted. Operation ids are left out, as the id of a parcel covers its list of articles as written;
values of the order that differ between its rows do not matter, because such an order is held.
Between partition sizes the bodies are the same byte by byte.
"""

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.model.outcomes import REJECTED_ROWS, SKIPPED_ROWS, RowOutcome
from pipeline.model.stops import StopRun
from pipeline.run import prepare as preparing
from pipeline.run.folder import LASTING, TRANSIENT, RunFolder
from pipeline.run.request import Options
from pipeline.run.source import open_jobs
from pipeline.run.spool import PARTITION_BYTES, spool

pytestmark = pytest.mark.thorough

CONTRACT = Path(__file__).parents[1] / "contract" / "openapi" / "order-api.openapi.json"
MAPPING = """\
version: 1
name: rows
source: {delimiter: ";", decimal: ",", dates: "%d.%m.%Y", timezone: Europe/Berlin,
         columns: {qty: integer, price: decimal}}
lookups: {couriers: {D: dhl-germany, G: gls}}
derive: {ref: {template: "{order}/{shop}"}}
rows: {key: [order, shop], skip: "kind = 'TEST'"}
order:
  order_number: ref
  destination_country_iso3: country
  recipient_email: mail
  recipient_name: {template: "{first} {last}"}
  order_total_amount: {sql: "price * qty", aggregate: sum}
  order_date: {from: at, format: "%d.%m.%Y %H:%M", on_error: null}
  announced_delivery_date: due
  shipping_address: {first_name: first, address_line: street, postal_code: zip, city: city, country_iso3: country}
  tags: [tag, {value: express, when: "kind = 'EXP'"}]
  additional_attributes: {note: note, gift: {from: gift, as: boolean}}
lines:
  when: "line IS NOT NULL"
  fields: {line_item_id: line, article_name: note, quantity: qty, unit_price: price}
trackings:
  key: [parcel, carrier]
  when: "parcel IS NOT NULL"
  fields:
    tracking_number: parcel
    courier: {from: carrier, lookup: couriers}
    articles: {line_item_id: line, quantity: qty}
mutations:
  - {type: cancel_order, when_all: "kind = 'STOP'", fields: {cancelled_reason: {value: other}}}
  - {type: change_line_item_quantity, when: "kind = 'SHORT'", fields: {line_item_id: line, quantity: qty}}
"""
FINE: Mapping[str, Sequence[str]] = {
    "order": ["A1", "A2", "Ä3"], "shop": ["x", "y"], "kind": ["NEW", "NEW", "EXP", "SHORT", "STOP"],
    "country": ["DE"], "mail": ["jo@example.com"], "first": ["Jo"], "last": ["Öz"], "street": ["Weg 1", ""],
    "zip": ["01067"], "city": ["Ort"], "line": ["1", "2", "3", "4", "5"], "qty": ["1", "2"],
    "price": ["9,90", "0,5"], "at": ["01.07.2026 12:00"], "due": ["02.07.2026"], "tag": ["", "t", "u"],
    "note": ["", "mug"], "gift": ["", "ja"], "parcel": ["", "", "P1", "P2"], "carrier": ["D", "G"],
}  # fmt: skip
DIRT = ("", " ", "two", "-1", "1,5", "99999999999999999999", "XX", "29.02.2026", "25.10.2026 02:30", "TEST",
        ':null,"a":null', '"', '\\"', "a\nb", "x;y", "\u2028", "😀", "\x00", "\x1f", "x" * 300)  # fmt: skip
LISTS = ("articles_order", "mutations", "articles", "tags")
Row = dict[str, str]


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """A few orders whose rows lie anywhere, with some dirt, and rows that stand there twice."""
    rows = draw(
        st.lists(
            st.fixed_dictionaries({n: st.sampled_from(v) for n, v in FINE.items()}), max_size=12
        )
    )
    for row in rows:  # values of the order mostly agree
        row |= {name: FINE[name][0] for name in ("street", "note", "gift")}
    spots = st.tuples(st.integers(0, 11), st.sampled_from(list(FINE)), st.sampled_from(DIRT))
    for at, column, dirt in draw(st.lists(spots, max_size=5)):
        if rows:
            rows[at % len(rows)] = rows[at % len(rows)] | {column: dirt}
    twice = draw(st.lists(st.integers(0, 11), max_size=2))
    return rows + [rows[at % len(rows)] for at in twice if rows]


def text(rows: Sequence[Row], *, sloppy: bool = False) -> bytes:
    """The rows as a file; `sloppy` writes cells as they are, so that quotes and joints break records."""
    out = io.StringIO(newline="")
    if sloppy:
        out.write(
            "\n".join(";".join(row) for row in (list(FINE), *(r.values() for r in rows))) + "\n"
        )
    else:
        writer = csv.DictWriter(out, list(FINE), delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return out.getvalue().encode()


class NothingKnown:
    def known(self, order_numbers: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def operations(self, order_numbers: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002
        return {}


@dataclass(frozen=True, slots=True)
class Made:
    """What lies ready: bodies by order number, the rows, the keys of held orders, records read."""

    bodies: dict[str, bytes]
    rows: pl.DataFrame
    held: list[str]
    read: int


def made_of(content: bytes, partition_bytes: int = PARTITION_BYTES) -> Made:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "rows.yaml").write_text(MAPPING, encoding="utf-8")
        (Path(name) / "rows.csv").write_bytes(content)
        folder = RunFolder(Path(name) / "run")
        for part in (*TRANSIENT, *LASTING):
            (folder.path / part).mkdir(parents=True)
        jobs = open_jobs(
            [Path(name) / "rows.yaml"], [f"{name}/rows.csv"], folder, lambda _: None
        ).jobs
        spooled = spool(jobs, folder, lambda _: None, partition_bytes)
        preparing.prepare(
            jobs, spooled, folder, NothingKnown(), 1618, Options(), lambda *_: None,
            now=datetime(2026, 11, 20, tzinfo=UTC),
        )  # fmt: skip
        prepared = folder.scan("prepared", preparing.PREPARED_SCHEMA).collect()
        planned = folder.scan("planned", {}).collect()
        return Made(
            dict(prepared.select("order_number", "body").iter_rows()),
            folder.scan("rows", {}).collect().sort("_line"),
            sorted(planned.filter(pl.col("outcome") == "held_back")["key"].to_list()),
            sum(spooled.records.values()),
        )


@cache
def contract() -> jsonschema_rs.Validator:
    document = json.loads(CONTRACT.read_text(encoding="utf-8"))
    schema = {
        "$ref": "#/components/schemas/PatchedOrderRequest",
        "components": document["components"],
    }
    return jsonschema_rs.validator_for(schema)


def unordered(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """The JSON with the lists sorted that follow the rows of the file, and without operation ids."""
    if isinstance(part, dict):
        return {
            name: sorted(unordered(value), key=json.dumps) if name in LISTS else unordered(value)
            for name, value in part.items()
            if name != "operation_id"
        }
    return [unordered(item) for item in part] if isinstance(part, list) else part


def orders(made: Made) -> dict[str, Any]:
    return {number: unordered(json.loads(body)) for number, body in made.bodies.items()}


calm = settings(max_examples=20, deadline=None)


def ends(content: bytes) -> bool:
    """Whether the run stops before it begins, because no one can say where a record ends."""
    try:
        made_of(content)
    except StopRun:
        return True
    return False


@calm
@given(rows=tables(), sloppy=st.booleans())
def test_every_row_has_exactly_one_outcome(rows: list[Row], sloppy: bool) -> None:  # noqa: FBT001
    content = text(rows, sloppy=sloppy)
    assume(not sloppy or not ends(content))

    made = made_of(content)

    counted = Counter(RowOutcome(outcome) for outcome in made.rows["outcome"].to_list())
    rejected = sum(counted[outcome] for outcome in REJECTED_ROWS)
    skipped = sum(counted[outcome] for outcome in SKIPPED_ROWS)
    assert made.read == counted[RowOutcome.ACCEPTED] + rejected + skipped
    assert made.rows.select("_file", "_line", "_segment").is_unique().all()
    if not sloppy:
        assert made.read == len(rows)


@calm
@given(rows=tables())
def test_every_body_is_json_that_the_api_takes(rows: list[Row]) -> None:
    for number, body in made_of(text(rows)).bodies.items():
        payload = json.loads(body)

        contract().validate(payload)
        assert payload["order_number"] == number
        assert None not in payload.values()


@calm
@given(rows=tables(), data=st.data())
def test_shuffled_rows_make_the_same_orders(rows: list[Row], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))

    before, after = made_of(text(rows)), made_of(text(shuffled))

    assert after.held == before.held
    assert orders(after) == orders(before)


@calm
@given(rows=tables(), sloppy=st.booleans())
def test_size_of_partitions_changes_nothing(rows: list[Row], sloppy: bool) -> None:  # noqa: FBT001
    content = text(rows, sloppy=sloppy)
    assume(not sloppy or not ends(content))

    whole, parted = made_of(content), made_of(content, max(200, len(content) // 5))

    assert parted.bodies == whole.bodies
    assert parted.rows.equals(whole.rows)
    assert parted.held == whole.held
