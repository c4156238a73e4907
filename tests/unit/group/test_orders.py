"""What one payload is made of: order, lines, parcels, changes, of one mapping or several."""

from typing import Any

import polars as pl

from tests.unit.convert.tables import IDENTITY, grouped, payloads

LINES = "lines: {fields: {line_item_id: L, sku: S, quantity: Q}}\n"
PARCELS = """\
trackings:
  key: P
  when: "P IS NOT NULL"
  fields:
    tracking_number: P
    courier: {value: gls}
    articles: {line_item_id: L, quantity: Q}
"""


def one(text: str, *rows: dict[str, str]) -> dict[str, Any]:
    """The payload of the only order, operation ids taken out."""
    (payload,) = payloads(grouped((text, rows)).orders)
    for change in payload.get("mutations", []):
        del change["operation_id"]
    return payload


def test_rows_of_an_order_need_not_be_neighbours() -> None:
    rows = [{"No": n, "L": str(i), "S": "s", "Q": "1"} for i, n in enumerate("121323")]

    made = payloads(grouped((f"order:\n{IDENTITY}{LINES}", rows)).orders)

    lines = {p["order_number"]: [x["line_item_id"] for x in p["articles_order"]] for p in made}
    assert lines == {"1": ["0", "2"], "2": ["1", "4"], "3": ["3", "5"]}


def test_tags_of_all_rows_are_gathered_without_repetition() -> None:
    text = f"order:\n{IDENTITY}  tags: [A, {{template: 'w:{{B}}'}}]\n"

    made = one(
        text,
        {"No": "1", "A": "x", "B": "1"},
        {"No": "1", "A": "y"},
        {"No": "1", "A": "x", "B": "1"},
    )

    assert made["tags"] == ["x", "y", "w:1"]


def test_order_without_any_tag_has_no_list() -> None:
    assert "tags" not in one(f"order:\n{IDENTITY}  tags: [A]\n", {"No": "1"})


def test_attributes_without_value_are_left_out_and_types_are_kept() -> None:
    text = (
        f"order:\n{IDENTITY}  additional_attributes:\n"
        "    gift: {from: G, as: boolean}\n    count: {from: N, as: integer}\n    note: T\n"
    )

    made = one(text, {"No": "1", "G": "ja", "N": "7"})

    assert made["additional_attributes"] == [
        {"key": "gift", "value": True},
        {"key": "count", "value": 7},
    ]


def test_address_that_only_has_a_name_and_a_country_is_none() -> None:
    text = (
        f"order:\n{IDENTITY}  shipping_address: {{first_name: F, address_line: A, city: O, "
        "postal_code: Z, country_iso3: C}\n"
    )

    assert "shipping_address" not in one(text, {"No": "1", "F": "Jo", "C": "DE"})


def test_aggregates_gather_all_rows() -> None:
    text = (
        f"order:\n{IDENTITY}  order_total_amount: {{from: A, aggregate: sum}}\n"
        "  order_currency: {value: EUR}\n"
        "  announced_delivery_date_min: {from: D, aggregate: min}\n"
        "  announced_delivery_date_max: {from: D, aggregate: max}\n"
    )

    made = one(
        text,
        {"No": "1", "A": "0,10", "D": "02.01.2026"},
        {"No": "1", "A": "0,20", "D": "01.02.2026"},
    )

    assert made["order_total_amount"] == "0.30"
    assert made["announced_delivery_date_min"] == "2026-01-02"
    assert made["announced_delivery_date_max"] == "2026-02-01"


def test_sum_of_no_value_is_no_value() -> None:
    text = f"order:\n{IDENTITY}  order_total_amount: {{from: A, aggregate: sum}}\n"

    assert "order_total_amount" not in one(text, {"No": "1"}, {"No": "1"})


def test_amounts_have_two_decimals_at_least_and_as_many_as_they_need() -> None:
    text = f"order:\n{IDENTITY}lines: {{fields: {{line_item_id: L, unit_price: A}}}}\n"
    written = ["1", "1,5", "1,50", "1,255", "1,123456", "100", "0", "-2,10", "1.000,00"]

    made = one(text, *({"No": "1", "L": str(i), "A": a} for i, a in enumerate(written)))

    assert [line["unit_price"] for line in made["articles_order"]] == [
        "1.00", "1.50", "1.50", "1.255", "1.123456", "100.00", "0.00", "-2.10", "1000.00",
    ]  # fmt: skip


def test_numbers_are_written_without_idle_zeros() -> None:
    text = f"order:\n{IDENTITY}lines: {{fields: {{line_item_id: L, weight: W, weight_unit: {{value: kg}}}}}}\n"
    written = ["1", "10", "100,0", "0,250", "1.000,5"]

    made = one(text, *({"No": "1", "L": str(i), "W": w} for i, w in enumerate(written)))

    assert [line["weight"] for line in made["articles_order"]] == [1, 10, 100, 0.25, 1000.5]


def test_moments_carry_the_offset_of_the_source() -> None:
    text = f"order:\n{IDENTITY}  order_date: {{from: A, format: '%d.%m.%Y %H:%M'}}\n"

    assert (
        one(text, {"No": "1", "A": "01.07.2026 12:00"})["order_date"] == "2026-07-01T12:00:00+02:00"
    )
    assert (
        one(text, {"No": "1", "A": "01.12.2026 12:00"})["order_date"] == "2026-12-01T12:00:00+01:00"
    )


def test_a_parcel_gathers_its_articles_and_an_order_its_parcels() -> None:
    rows = [
        {"No": "1", "L": "1", "S": "s", "Q": "1", "P": "p1"},
        {"No": "1", "L": "2", "S": "s", "Q": "2", "P": "p2"},
        {"No": "1", "L": "3", "S": "s", "Q": "3", "P": "p1"},
        {"No": "1", "L": "4", "S": "s", "Q": "4"},
    ]

    made = one(f"order:\n{IDENTITY}{LINES}{PARCELS}", *rows)

    sent = [
        (m["tracking"]["tracking_number"], [a["line_item_id"] for a in m["tracking"]["articles"]])
        for m in made["mutations"]
    ]
    assert sent == [("p1", ["1", "3"]), ("p2", ["2"])]
    assert {m["type"] for m in made["mutations"]} == {"add_tracking"}


def test_in_a_backfill_the_mapping_has_no_say_about_notifications() -> None:
    rows = [{"No": "1", "L": "1", "S": "s", "Q": "1", "P": "p1"}]
    parcels = PARCELS + "    notifications_inactive: {value: false}\n"
    text = f"order:\n{IDENTITY}{LINES}{parcels}"

    backfill = payloads(grouped((text, rows), backfill=True).orders)[0]["mutations"][0]["tracking"]
    night = payloads(grouped((text, rows)).orders)[0]["mutations"][0]["tracking"]

    assert night.pop("notifications_inactive") is False
    assert backfill == night


def test_mutations_come_in_the_order_of_the_mapping_and_the_same_one_once() -> None:
    text = (
        "mode: update_only\norder:\n  order_number: No\nmutations:\n"
        "  - {type: change_line_item_quantity, when: \"S = 'q'\", fields: {line_item_id: L, quantity: Q}}\n"
        "  - {type: cancel_order, when_any: \"S = 'c'\", fields: {cancelled_reason: {value: other}}}\n"
    )
    rows = [{"No": "1", "S": s, "L": "1", "Q": "2"} for s in "cqqx"]

    assert one(text, *rows)["mutations"] == [
        {"type": "change_line_item_quantity", "line_item_id": "1", "quantity": 2},
        {"type": "cancel_order", "cancelled_reason": "other"},
    ]


UPDATES = "mode: update_only\norder:\n  order_number: No\n" + PARCELS


def test_two_mappings_make_one_order() -> None:
    made = grouped(
        (f"order:\n{IDENTITY}{LINES}", [{"No": "1", "L": "1", "S": "s", "Q": "1"}]),
        (UPDATES, [{"No": "1", "L": "1", "Q": "1", "P": "p1"}]),
    )

    (payload,) = payloads(made.orders)
    assert list(payload) == [
        "account", "order_number", "destination_country_iso3", "recipient_email",
        "articles_order", "mutations",
    ]  # fmt: skip


def test_faulty_row_of_one_mapping_holds_the_order_of_both() -> None:
    made = grouped(
        (f"order:\n{IDENTITY}{LINES}", [{"No": "1", "L": "1", "S": "s", "Q": "one"}]),
        (UPDATES, [{"No": "1", "L": "1", "Q": "1", "P": "p1"}]),
    )

    assert made.orders.height == 0
    assert made.rows.select("_file", "outcome").rows() == [(0, "own_problem"), (1, "held")]
    held = made.findings.filter(pl.col("code") == "H001")["detail"].to_list()
    assert held == ["file0.csv:2 (R201)"]


def test_parcel_of_one_mapping_must_name_a_line_of_the_other() -> None:
    made = grouped(
        (f"order:\n{IDENTITY}{LINES}", [{"No": "1", "L": "1", "S": "s", "Q": "1"}]),
        (
            UPDATES,
            [
                {"No": "1", "L": "2", "Q": "1", "P": "p1"},
                {"No": "9", "L": "2", "Q": "1", "P": "p2"},
            ],
        ),
    )

    found = made.findings.filter(pl.col("code") == "R321")
    assert found.select("_file", "_line", "value").rows() == [(1, 2, "2")]
    assert made.orders["order_number"].to_list() == ["9"]


def test_order_of_the_first_mapping_gives_the_value_where_both_have_one() -> None:
    text = f"order:\n{IDENTITY}  customer_number: C\n"

    made = grouped((text, [{"No": "1"}]), (text, [{"No": "1", "C": "late"}]))

    assert payloads(made.orders)[0]["customer_number"] == "late"
