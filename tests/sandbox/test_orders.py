"""Merging and mutating, without HTTP."""

from typing import Any

import pytest

from pipeline.sandbox import mutations, orders
from pipeline.sandbox.orders import Order

NOW = "2026-11-20T12:00:00+00:00"
LINE = {"line_item_id": "L1", "order_item_id": "O1", "quantity": 6}
PARCEL = {"courier": "ups", "tracking_number": "1Z"}


def order(**fields: object) -> Order:
    return Order(1618, "A1", "id", fields)


def apply(before: Order, mutation: dict[str, Any]) -> tuple[Order, bool]:
    after, result = mutations.apply(before, mutation, now=NOW)
    return after, result.success


def change(quantity: int, **more: object) -> dict[str, Any]:
    kind = "change_line_item_quantity"
    return {"type": kind, "line_item_id": "L1", "quantity": quantity} | more


# --- merge ----------------------------------------------------------------------------------------


def test_named_fields_replace_and_others_stay() -> None:
    merged = orders.merge(
        order(channel="web", tags=["a"]), {"tags": ["b"], "recipient_name": "Max"}
    )

    assert merged.fields == {"channel": "web", "tags": ["b"], "recipient_name": "Max"}


@pytest.mark.parametrize(
    ("field", "before", "sent"),
    [
        ("shipping_address", {"city": "Berlin", "phone": "1"}, {"city": "Bonn"}),
        ("shipping_address", {"city": "Berlin"}, {}),
        ("articles_order", [{"line_item_id": "L1"}], []),
        ("additional_attributes", [{"key": "a"}], [{"key": "b"}]),
        ("payments", [{"a": 1}], [{"b": 2}]),
        ("order_total_amount", "5.00", None),
        ("has_multiple_shipments", True, None),
    ],
)
def test_objects_lists_and_nulls_are_taken_whole(field: str, before: object, sent: object) -> None:
    assert orders.merge(order(**{field: before}), {field: sent}).fields == {field: sent}


def test_identity_mutations_and_unknown_keys_are_no_fields() -> None:
    body = {"account": 1, "order_number": "B", "mutations": [], "reference": "R", "trackings": []}

    assert orders.merge(order(), body) == order()


def test_merging_changes_neither_the_order_nor_the_body() -> None:
    billing = {"country_iso3": "DEU", "region_code": "ZZ9"}
    before, body = order(channel="web"), {"billing_address": billing}

    merged = orders.merge(before, body)

    assert merged.fields["billing_address"] == {"country_iso3": "DEU"}
    assert before == order(channel="web")
    assert body == {"billing_address": {"country_iso3": "DEU", "region_code": "ZZ9"}}


# --- lines ----------------------------------------------------------------------------------------


def test_the_first_quantity_is_remembered_over_several_changes() -> None:
    after = order(articles_order=[LINE])
    for quantity in (4, 2):
        after, _ = apply(after, change(quantity, reason="stock"))

    assert after.lines == [
        LINE
        | {
            "quantity": 2,
            "original_quantity": 6,
            "change_reason": "stock",
            "updated_at": NOW,
        }
    ]


def test_a_line_that_zero_cancelled_can_come_back() -> None:
    cancelled, _ = apply(order(articles_order=[LINE]), change(0))
    again, success = apply(cancelled, change(3))

    assert cancelled.lines[0]["status"] == "cancelled"
    assert success
    assert (again.lines[0]["status"], again.lines[0]["quantity"]) == ("pending", 3)


@pytest.mark.parametrize(
    ("tracking", "lowest"),
    [
        ({"articles": [{"line_item_id": "L1", "quantity": 4}]}, 4),
        ({"articles": [{"line_item_id": "other", "order_item_id": "O1", "quantity": 4}]}, 4),
        ({"articles": [{"line_item_id": "L1"}, {"line_item_id": "L1"}]}, 2),
        ({"articles": [{"line_item_id": "L2", "quantity": 4}]}, 0),
        ({"articles": [{"line_item_id": "L1", "quantity": 4}], "is_return": True}, 0),
        ({"articles": [{"line_item_id": "L1", "quantity": 4}], "cancelled_date": NOW}, 0),
    ],
)
def test_shipped_pieces_cannot_be_taken_back(tracking: dict[str, Any], lowest: int) -> None:
    before = Order(1618, "A1", "id", {"articles_order": [LINE]}, (PARCEL | tracking,))

    assert apply(before, change(lowest))[1]
    if lowest:
        assert apply(before, change(lowest - 1)) == (before, False)


def test_a_line_with_shipped_pieces_cannot_be_replaced() -> None:
    parcel = PARCEL | {"articles": [{"line_item_id": "L1", "quantity": 1}]}
    before = Order(1618, "A1", "id", {"articles_order": [LINE]}, (parcel,))
    new = {"line_item_id": "L2", "quantity": 1}

    assert apply(
        before, {"type": "replace_line_item", "old_line_item_id": "L1", "new_line_item": new}
    ) == (before, False)


@pytest.mark.parametrize(
    ("old", "new"), [("nope", "L9"), ("L1", "L2")], ids=["old-unknown", "new-exists"]
)
def test_a_failed_replacement_changes_nothing(old: str, new: str) -> None:
    before = order(articles_order=[LINE, {"line_item_id": "L2"}])
    mutation = {
        "type": "replace_line_item",
        "old_line_item_id": old,
        "new_line_item": {"line_item_id": new},
    }

    assert apply(before, mutation) == (before, False)


# --- trackings ------------------------------------------------------------------------------------


def add(**tracking: object) -> dict[str, Any]:
    return {"type": "add_tracking", "tracking": tracking}


def trackings_after(*sent: dict[str, Any]) -> list[dict[str, Any]]:
    after = order()
    for mutation in sent:
        after, success = apply(after, mutation)
        assert success
    return list(after.trackings)


def test_a_reference_finds_the_tracking_that_got_its_number_later() -> None:
    first, number = add(external_reference="S1"), add(external_reference="S1", **PARCEL)

    assert trackings_after(first, number) == [{"external_reference": "S1"} | PARCEL]
    assert trackings_after(first, number, add(external_reference="S1", warehouse="W")) == [
        {"external_reference": "S1", "warehouse": "W"} | PARCEL
    ]


def test_another_number_with_the_same_reference_is_another_parcel() -> None:
    other = PARCEL | {"tracking_number": "2Z"}

    found = trackings_after(
        add(external_reference="S1", **PARCEL), add(external_reference="S1", **other)
    )

    assert [tracking["tracking_number"] for tracking in found] == ["1Z", "2Z"]


def test_the_same_number_of_another_courier_is_another_parcel() -> None:
    assert len(trackings_after(add(**PARCEL), add(**PARCEL | {"courier": "gls"}))) == 2


def test_cancelling_a_tracking_keeps_the_first_date() -> None:
    cancel = {"type": "cancel_tracking", "tracking": PARCEL}
    dated = {
        "type": "cancel_tracking",
        "tracking": PARCEL | {"cancelled_date": "2030-01-01T00:00:00Z"},
    }

    assert trackings_after(add(**PARCEL), cancel, dated) == [PARCEL | {"cancelled_date": NOW}]
    assert trackings_after(add(**PARCEL), dated)[0]["cancelled_date"] == "2030-01-01T00:00:00Z"


def test_cancelling_an_order_takes_the_date_it_is_given() -> None:
    date = "2026-01-01T00:00:00Z"

    after, _ = apply(order(), {"type": "cancel_order", "cancelled_date": date})

    assert after.fields == {"order_status": "Cancelled", "cancelled_date": date}


def test_every_mutation_leaves_the_order_it_got_as_it_was() -> None:
    before = Order(1618, "A1", "id", {"articles_order": [dict(LINE)]}, (dict(PARCEL),))
    for mutation in (
        add(**PARCEL, warehouse="W"),
        {"type": "cancel_tracking", "tracking": PARCEL},
        {"type": "cancel_order"},
        change(0),
        {"type": "add_line_item", "line_item": {"line_item_id": "L2"}},
        {"type": "replace_line_item", "old_line_item_id": "L1", "new_line_item": {"line_item_id": "L3"}},
    ):  # fmt: skip
        after, success = apply(before, mutation)
        assert success
        assert after != before

    assert before == Order(1618, "A1", "id", {"articles_order": [LINE]}, (PARCEL,))
