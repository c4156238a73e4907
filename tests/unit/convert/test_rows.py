"""What `convert` does with whole rows: keys, skipped and repeated rows, conditions."""

from decimal import Decimal

import polars as pl

from pipeline.convert import keys
from tests.unit.convert.tables import IDENTITY, converted, planned, raw, told

LINES = "lines: {fields: {line_item_id: L, sku: S, quantity: Q}}\n"


def test_rows_share_a_key_when_all_its_columns_agree() -> None:
    text = f"rows: {{key: [No, Shop]}}\norder:\n{IDENTITY}"
    rows = [{"No": "1", "Shop": "a"}, {"No": " 1", "Shop": "a "}, {"No": "1", "Shop": "b"}]

    made = converted(text, *rows).table.rows["_key"].to_list()

    assert made[0] == made[1] != made[2]
    plan = planned(text)
    assert keys(raw(plan, rows), plan).to_list() == made


def test_key_of_several_columns_is_empty_when_one_of_them_is() -> None:
    made = converted(f"rows: {{key: [No, Shop]}}\norder:\n{IDENTITY}", {"No": "1"}, {"Shop": "a"})

    assert made.table.rows["_key"].to_list() == [None, None]
    assert told(made.findings.rows) == [
        (2, "R209", "No, Shop", None),
        (3, "R209", "No, Shop", None),
    ]


def test_key_can_be_a_derived_column() -> None:
    text = (
        "derive: {order: {from: No, do: [{slice: [0, 2]}]}}\nrows: {key: order}\n"
        f"order:\n{IDENTITY}".replace("order_number: No", "order_number: order")
    )
    rows = [{"No": "A1-1"}, {"No": "A1-2"}, {"No": ""}]
    plan = planned(text)

    assert keys(raw(plan, rows), plan).to_list() == ["A1", "A1", None]


def test_skipped_rows_are_named_and_bring_no_findings() -> None:
    text = f"rows: {{key: No, skip: \"T = 'X'\"}}\norder:\n{IDENTITY}  order_total_amount: A\n"

    made = converted(text, {"No": "1", "T": "X", "A": "bad"}, {"No": "2", "A": "1"}, {"T": "X"})

    assert made.table.rows["_key"].to_list() == ["2"]
    assert made.filtered.rows() == [(0, 2, 0, "1"), (0, 4, 0, None)]
    assert not len(made.findings)


def test_row_that_repeats_another_one_is_left_out_with_a_note() -> None:
    row = {"No": "1", "L": "1", "S": "s", "Q": "2"}

    made = converted(f"order:\n{IDENTITY}{LINES}", row, row | {"Q": "3"}, row, row)

    assert made.table.rows["_line"].to_list() == [2, 3]
    assert made.repeated.rows() == [(0, 4, 0, "1"), (0, 5, 0, "1")]
    assert made.findings.rows.select("_line", "code", "detail").rows() == [
        (4, "R319", "line 2"), (5, "R319", "line 2"),
    ]  # fmt: skip


def test_rows_that_differ_in_unmapped_columns_only_repeat_each_other() -> None:
    row = {"No": "1", "L": "1", "S": "s", "Q": "2"}

    made = converted(f"order:\n{IDENTITY}{LINES}", row | {"Note": "a"}, row | {"Note": "b"})

    assert made.repeated.height == 1


def test_rows_without_key_do_not_repeat_each_other() -> None:
    made = converted(f"order:\n{IDENTITY}{LINES}", {"L": "1"}, {"L": "1"})

    assert made.repeated.height == 0
    assert [code for _, code, _, _ in told(made.findings.rows)] == ["R209", "R209"]


def test_equal_rows_of_a_mapping_without_lines_say_the_same_twice() -> None:
    made = converted(f"order:\n{IDENTITY}", {"No": "1"}, {"No": "1"})

    assert made.table.rows.height == 2
    assert not len(made.findings)


def test_condition_of_a_section_decides_about_values_and_findings() -> None:
    text = f"order:\n{IDENTITY}" + LINES.replace("{fields", "{when: \"S != 'GIFT'\", fields")

    made = converted(
        text,
        {"No": "1", "L": "1", "S": "GIFT", "Q": "many"},
        {"No": "1", "L": "2", "S": "s", "Q": "1"},
    )

    assert made.table.rows["_when.lines"].to_list() == [False, True]
    assert made.table.rows["lines.line_item_id"].to_list() == [None, "2"]
    assert not len(made.findings)


CANCEL = "mutations:\n  - type: cancel_order\n    {when}: \"S = 'C'\"\n    fields: {{cancelled_reason: {{value: other}}}}\n"


def conditions(when: str) -> list[bool]:
    text = f"mode: update_only\norder:\n  order_number: No\n{CANCEL.format(when=when)}"
    rows = [("1", "C"), ("1", "C"), ("2", "C"), ("2", "N"), ("3", ""), ("2", "C")]
    made = converted(text, *({"No": number, "S": status} for number, status in rows))
    return made.table.rows["_when.mutations.0"].to_list()


def test_when_all_holds_where_all_rows_of_the_order_do() -> None:
    assert conditions("when_all") == [True, True, False, False, False, False]


def test_when_any_holds_where_one_row_of_the_order_does() -> None:
    assert conditions("when_any") == [True, True, True, True, False, True]


def test_key_of_parcels_is_empty_where_their_condition_fails() -> None:
    text = (
        "mode: update_only\norder:\n  order_number: No\n"
        "trackings:\n  key: [P, C]\n  when: \"S = 'out'\"\n  fields: {tracking_number: P, courier: C}\n"
    )

    made = converted(
        text, {"No": "1", "P": "p", "C": "gls", "S": "out"}, {"No": "1", "P": "p", "C": "gls"}
    )

    parcels = made.table.rows["_key.trackings"]
    assert parcels.is_null().to_list() == [False, True]
    assert made.table.rows["trackings.tracking_number"].to_list() == ["p", None]


def test_no_row_is_lost_and_addresses_stay() -> None:
    text = f"rows: {{key: No, skip: \"S = 'x'\"}}\norder:\n{IDENTITY}{LINES}"
    rows = [
        {"No": str(n % 3), "L": str(n % 4), "S": "x" if n % 5 == 0 else "s", "Q": "1"}
        for n in range(40)
    ]

    made = converted(text, *rows)

    seen = pl.concat(
        frame.select("_line") for frame in (made.table.rows, made.filtered, made.repeated)
    )
    assert sorted(seen["_line"].to_list()) == list(range(2, 42))


def test_table_of_no_rows_stays_one() -> None:
    made = converted(f"order:\n{IDENTITY}{LINES}")

    assert made.table.rows.height == 0
    assert not len(made.findings)


def test_a_faulty_cell_is_told_with_the_field_that_it_is_for() -> None:
    """The column stands in the condition of an earlier field, too."""
    text = (
        "source: {columns: {Q: integer}}\n" + f"order:\n{IDENTITY}"
        'lines: {fields: {line_item_id: {from: L, when: "Q > 0"}, sku: S, quantity: Q}}\n'
    )
    head = "version: 1\nname: little\n"

    made = converted(head + text, {"No": "1", "L": "1", "S": "s", "Q": "two"})

    assert made.findings.rows.select("column", "target").rows() == [
        ("Q", "articles_order.quantity")
    ]


def test_a_default_fills_an_order_of_which_no_row_has_a_value() -> None:
    text = f"order:\n{IDENTITY}  channel: {{from: C, default: web}}\n"
    rows = [
        {"No": "1", "C": ""}, {"No": "1", "C": "app"}, {"No": "2", "C": ""}, {"No": "2", "C": ""},
    ]  # fmt: skip

    made = converted(text, *rows)

    assert made.table.rows["order.channel"].to_list() == [None, "app", "web", "web"]
    assert not len(made.findings)


def test_a_default_of_a_parcel_fills_the_parcel_and_that_of_a_line_the_line() -> None:
    text = (
        f"order:\n{IDENTITY}"
        "trackings:\n  key: P\n  when: P IS NOT NULL\n  fields:\n    tracking_number: P\n"
        "    courier: {from: C, default: dpd-de}\n"
        "    articles: {line_item_id: L, sku: {from: S, default: none}}\n"
    )
    rows = [
        {"No": "1", "P": "x", "C": "", "L": "1", "S": "a"},
        {"No": "1", "P": "x", "C": "gls", "L": "2", "S": ""},
        {"No": "1", "P": "y", "C": "", "L": "3", "S": "b"},
        {"No": "1", "P": "", "C": "ups", "L": "", "S": ""},
    ]

    table = converted(text, *rows).table.rows

    assert table["trackings.courier"].to_list() == [None, "gls", "dpd-de", None]
    assert table["trackings.articles.sku"].to_list() == ["a", "none", "b", None]


def test_a_default_is_added_up_where_rows_are() -> None:
    text = f"order:\n{IDENTITY}  order_total_amount: {{from: T, default: '1.00', aggregate: sum}}\n"

    made = converted(text, {"No": "1", "T": "2,50"}, {"No": "1", "T": ""})

    assert made.table.rows["order.order_total_amount"].to_list() == [Decimal("2.50"), Decimal("1")]
