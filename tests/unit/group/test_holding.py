"""Whole or not at all: which orders are held, and what their rows are told."""

import polars as pl

from tests.unit.convert.tables import IDENTITY, grouped, payloads

ORDERS = (
    f"order:\n{IDENTITY}  customer_number: C\n  tags: [T, {{value: fix}}]\n"
    "lines: {fields: {line_item_id: L, sku: S, quantity: Q}}\n"
)


def rows(*told: str) -> list[dict[str, str]]:
    """Rows written as "number line quantity [customer] [tag]"."""
    return [dict(zip(("No", "L", "Q", "C", "T"), text.split(), strict=False)) for text in told]


def outcomes(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return frame.select("_line", "outcome", "code").rows()


def test_one_faulty_row_holds_all_rows_of_its_order_and_no_other() -> None:
    made = grouped((ORDERS, rows("1 1 2", "2 1 2", "1 2 two", "1 3 1")))

    assert outcomes(made.rows) == [
        (2, "held", "H001"), (3, "accepted", None), (4, "own_problem", "R201"), (5, "held", "H001"),
    ]  # fmt: skip
    assert made.orders["order_number"].to_list() == ["2"]
    assert made.held.select("order_number", "rows", "code", "lines").rows() == [("1", 3, "R201", 3)]


def test_held_rows_name_the_place_of_the_cause() -> None:
    made = grouped((ORDERS, rows("1 1 2", "1 2 two")))

    held = made.findings.filter(pl.col("code") == "H001")
    assert held.select("_line", "detail").rows() == [(2, "file0.csv:3 (R201)")]


def test_row_that_could_not_be_read_holds_the_order_that_it_seems_to_belong_to() -> None:
    made = grouped((ORDERS, rows("1 1 2", "2 1 2")), unread=[(9, "2"), (10, None)])

    assert made.orders["order_number"].to_list() == ["1"]
    assert outcomes(made.rows) == [
        (2, "accepted", None), (3, "held", "H001"), (9, "own_problem", "R101"),
        (10, "own_problem", "R101"),
    ]  # fmt: skip


def test_order_of_unreadable_rows_only_has_the_number_that_these_show() -> None:
    made = grouped((ORDERS, rows("1 1 2", "2 1 2")), unread=[(9, "3"), (10, "2")])

    assert made.held.select("_key", "order_number").rows() == [("2", "2"), ("3", "3")]


def test_unreadable_row_never_gives_its_order_the_number_of_another_one() -> None:
    text = "rows: {key: [No, C]}\n" + ORDERS

    made = grouped((text, rows("1 1 2 c1")), unread=[(9, "1")])

    assert made.orders["order_number"].to_list() == ["1"]
    assert made.held.select("_key", "order_number").rows() == [("1", None)]


def test_row_without_key_belongs_to_no_order_and_holds_none() -> None:
    made = grouped((ORDERS, [*rows("1 1 2"), {"L": "2", "Q": "1"}]))

    assert outcomes(made.rows) == [(2, "accepted", None), (3, "own_problem", "R209")]
    assert len(payloads(made.orders)[0]["articles_order"]) == 1


def test_rows_that_disagree_hold_their_order_and_quote_the_first_value() -> None:
    text = ORDERS.replace("customer_number", "channel")

    made = grouped((text, rows("1 1 2 c1", "1 2 2", "1 3 2 c2")))

    found = made.findings.filter(pl.col("code") == "R303")
    assert found.select("_line", "column", "value", "detail").rows() == [(4, "C", "c2", "c1")]
    assert made.orders.height == 0


def test_first_value_counts_where_the_mapping_says_so() -> None:
    made = grouped(("rows: {key: No, conflicts: first}\n" + ORDERS, rows("1 1 2 c1", "1 2 2 c2")))

    assert payloads(made.orders)[0]["customer_number"] == "c1"


def test_value_that_only_a_later_row_has_is_the_value_of_the_order() -> None:
    made = grouped((ORDERS, rows("1 1 2", "1 2 2 c2")))

    assert payloads(made.orders)[0]["customer_number"] == "c2"


def test_repeated_and_skipped_rows_of_a_held_order_keep_their_outcome() -> None:
    text = "rows: {key: No, skip: \"T = 'x'\"}\n" + ORDERS

    made = grouped((text, rows("1 1 2", "1 1 2", "1 2 two", "1 4 1 c x")))

    assert [outcome for _, outcome, _ in outcomes(made.rows)] == [
        "held", "duplicate", "own_problem", "filtered",
    ]  # fmt: skip


def test_cause_of_a_row_is_the_earliest_stage_then_the_first_field() -> None:
    text = ORDERS.replace("jo@example.com", "x").replace("{value: x}", "E")

    made = grouped((text, [{"No": "1", "L": "1", "Q": "two", "E": "nobody"}]))

    primary = made.findings.filter(pl.col("primary"))
    assert primary.select("_line", "code").rows() == [(2, "R201")]
    assert set(made.findings["code"]) == {"R201", "R310"}


def test_two_keys_with_one_order_number_hold_both_orders() -> None:
    text = "rows: {key: K}\n" + ORDERS

    made = grouped((text, [{"K": "a", "No": "1", "L": "1"}, {"K": "b", "No": "1", "L": "2"}]))

    assert made.orders.height == 0
    found = made.findings.filter(pl.col("code") == "R320")
    assert found.select("_line", "value", "detail").rows() == [(2, "1", "b"), (3, "1", "a")]


def test_optional_cell_that_is_wrong_is_left_out_and_its_order_goes() -> None:
    weight = "quantity: Q, weight: {from: W, on_error: null}, weight_unit: {value: kg}"
    text = ORDERS.replace("quantity: Q", weight)

    made = grouped((text, [{"No": "1", "L": "1", "Q": "1", "W": "heavy"}]))

    assert payloads(made.orders)[0]["articles_order"] == [
        {"line_item_id": "1", "weight_unit": "kg", "quantity": 1}
    ]


def test_nothing_becomes_no_orders() -> None:
    made = grouped((ORDERS, []))

    assert (made.orders.height, made.held.height, made.rows.height, made.findings.height) == (
        0,
    ) * 4
