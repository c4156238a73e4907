"""What an order says compares however it is written, and its marks tell when it differs."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.marks import Marker, changed, code, every_path, read, written
from pipeline.model.saying import order_says, tracking_says

LINE = {"line_item_id": "L1", "sku": "S1", "quantity": 2}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"order_total_amount": "12.50"}, {"order_total_amount": 12.5}),
        ({"order_total_amount": "0.00"}, {"order_total_amount": "-0"}),
        ({"order_total_amount": "100.00"}, {"order_total_amount": "1E+2"}),
        ({"order_date": "2026-07-01T10:00:00+02:00"}, {"order_date": "2026-07-01T08:00:00Z"}),
        ({"recipient_email": "_unset"}, {"recipient_email": None}),
        ({"tags": ["b", "a"]}, {"tags": ["a", "b"]}),
        ({}, {"shipping_address": {}, "tags": [], "channel": "", "has_multiple_shipments": None}),
        (
            {"additional_attributes": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]},
            {"additional_attributes": [{"value": "2", "key": "b"}, {"value": "1", "key": "a"}]},
        ),
        (
            {"articles_order": [LINE, LINE | {"line_item_id": "L2", "weight_unit": "g"}]},
            {"articles_order": [LINE | {"line_item_id": "L2", "original_quantity": 9}, LINE]},
        ),
        (
            {"additional_recipients": [{"email": "a@example.com", "name": "A"}]},
            {"additional_recipients": [{"name": "A", "email": "a@example.com", "phone": None}]},
        ),
        ({"payments": [{"kind": "card", "of": {"a": 1}}]}, {"payments": [{"of": {"a": 1, "b": None}, "kind": "card"}]}),
        ({}, {"account": "1618", "external_id": "x", "mutations": [{}], "trackings": [{}], "new": 1}),
    ],
)  # fmt: skip
def test_two_ways_to_write_one_thing_say_the_same(
    ours: dict[str, object], theirs: dict[str, object]
) -> None:
    assert order_says(ours) == order_says(theirs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"shipping_address": {"postal_code": "01067"}}, {"shipping_address": {"postal_code": "1067"}}),
        ({"order_date": "2026-07-01T10:00:00+02:00"}, {"order_date": "2026-07-01T10:00:00Z"}),
        ({"has_multiple_shipments": False}, {}),
        ({"articles_order": [LINE]}, {"articles_order": [LINE, LINE]}),
        ({"articles_order": [LINE | {"quantity": 0}]}, {"articles_order": [LINE | {"quantity": None}]}),
        ({"customer_number": "12.50"}, {"customer_number": "12.5"}),
        ({"order_total_amount": "1e999999"}, {"order_total_amount": "1e999998"}),
    ],
)  # fmt: skip
def test_what_differs_does_not_say_the_same(
    one: dict[str, object], other: dict[str, object]
) -> None:
    assert order_says(one) != order_says(other)


def test_a_tracking_says_nothing_of_the_checkpoints_that_its_courier_adds() -> None:
    told = {"tracking_number": "P1", "courier": "dhl-germany", "articles": [LINE]}
    there = told | {"checkpoints": [{"status_code": "x"}], "shipping_weight_unit": "g"}
    assert tracking_says(told) == tracking_says(there)


def test_no_two_fields_have_one_code() -> None:
    codes = [code(path) for path in every_path()]
    assert len(set(codes)) == len(codes) > 100


def test_marks_tell_what_changed_and_what_is_told_no_more() -> None:
    marker = Marker(b"key")
    first = marker.marks("A1", {"channel": "web", "tags": "a", "timezone": "UTC"})
    second = marker.marks("A1", {"channel": "shop", "timezone": "UTC"})
    before = read(written(first))

    assert changed(second, before) == ["channel", "tags"]

    after = read(written(second, before))
    assert after.now == second
    assert after.earlier == {"tags": first["tags"]}  # parcelLab has it still
    assert changed(second, after) == []
    assert changed(first, after) == ["channel"]


def test_marks_of_two_orders_or_ledgers_do_not_compare() -> None:
    said = {"recipient_email": "jo@example.com"}
    made = [Marker(key).marks(number, said) for key in (b"a", b"b") for number in ("A1", "A2")]
    assert len({mark["recipient_email"] for mark in made}) == 4


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["articles_order", "line_item_id", "tags", "order_date", "city",
                                       "shipping_address", "payments", "order_total_amount"]), inner, max_size=5),
    max_leaves=20,
))  # fmt: skip
def test_whatever_a_server_answers_can_be_read(answer: object) -> None:
    try:
        text = orjson.dumps(answer)
    except TypeError:  # larger than 64 bits: no answer that we read has it
        return
    order = {"articles_order": orjson.loads(text), "shipping_address": orjson.loads(text)}
    said = order_says(order | (orjson.loads(text) if isinstance(answer, dict) else {}))
    assert all(said.values())
    assert read(written(Marker(b"k").marks("A1", said))).now.keys() <= set(every_path())
