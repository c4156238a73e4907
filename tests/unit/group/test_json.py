"""Bodies are JSON whatever stands in the cells; what is absent is not there at all."""

import json
from unicodedata import category

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.compare import compare
from pipeline.group import payload
from tests.unit.convert.tables import IDENTITY, grouped

TEXT = (
    f"order:\n{IDENTITY}  customer_number: C\n  external_reference: E\n  tags: [T]\n"
    "  additional_attributes: {note: N, other: O}\n"
    "lines: {fields: {line_item_id: L, sku: S, article_name: A}}\n"
)
NASTY = [
    ':null,"x":null', '{"a":null}', '"', '\\', '\\"', "\\u0041", "tab\there", "a\nb\r\nc", "\x00", "\x01",
    "\x1e", "\x1f", "\x7f", "\x85", "\u2028\u2029", "😀", "👩‍👩‍👧", "e\u0301", "\ufeff", "</script>", "null", "ä" * 50,
    ",", "[]", "{}", "%s", "\ud7ff", "\U0010ffff",
]  # fmt: skip


def body(number: str, text: str) -> bytes:
    row = {"No": number, "C": text, "T": text, "N": text, "L": "1", "S": text, "A": text}
    (sent,) = compare(grouped((TEXT, [row])).orders, 1618, {}, {})["body"].to_list()
    assert isinstance(sent, bytes)
    return sent


INVISIBLE = ("Cc", "Cf", "Zl", "Zp")


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_any_text_comes_back_from_the_body_as_it_was(text: str) -> None:
    inside = f"a{text}z"  # kept whole: cells are trimmed at their ends

    # an order number with characters that cannot be seen is held (R327)
    number = "".join(each for each in f"o{inside}" if category(each) not in INVISIBLE)

    made = json.loads(body(number, inside))

    assert made["order_number"] == number
    assert made["customer_number"] == inside
    assert made["tags"] == [inside]
    assert made["additional_attributes"] == [{"key": "note", "value": inside}]
    assert made["articles_order"] == [{"line_item_id": "1", "sku": inside, "article_name": inside}]


def test_what_is_absent_is_not_written() -> None:
    made = json.loads(body("1", ""))

    assert set(made) == {
        "account",
        "order_number",
        "destination_country_iso3",
        "recipient_email",
        "articles_order",
    }
    assert made["articles_order"] == [{"line_item_id": "1"}]


def test_body_is_utf8_without_escapes_that_are_not_needed() -> None:
    assert "zäß€😀z".encode() in body("1", "zäß€😀z")


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_quoted_is_what_json_reads_back(texts: list[str]) -> None:
    made = pl.Series("t", texts).to_frame().select(payload.quoted(pl.col("t"))).to_series()

    assert [json.loads(each) for each in made.to_list()] == texts
