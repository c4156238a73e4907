"""Each kind of VALUE of the language on a real little table (MAPPING §2)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.convert.tables import HEAD, IDENTITY, converted, told


def cell(field: str, row: dict[str, str], extra: str = "") -> tuple[Any, list[str]]:
    """The value of an order field on a single row, and the codes of the findings."""
    name = field.split(":")[0]
    made = converted(f"{extra}order:\n{IDENTITY}  {field}\n", {"No": "A1"} | row)
    return made.table.rows.item(0, f"order.{name}"), made.findings.rows["code"].to_list()


@pytest.mark.parametrize(
    ("field", "row", "expected"),
    [
        ("customer_number: C", {"C": "  007 "}, "007"),
        ("customer_number: C", {"C": "   "}, None),
        ("customer_number: {value: fixed}", {}, "fixed"),
        ("customer_number: {from: C, default: none}", {"C": ""}, "none"),
        ("customer_number: {from: C, default: none}", {"C": "x"}, "x"),
        ("customer_number: {template: '{A}-{B}'}", {"A": "1", "B": "2"}, "1-2"),
        ("customer_number: {template: '{A}-{B}'}", {"A": "1"}, "1"),
        ("customer_number: {template: '{A}-{B}'}", {"B": "2"}, "2"),
        ("customer_number: {template: '{A}-{B}'}", {}, None),
        ("customer_number: {template: '{A}, {B} {C}'}", {"A": "1", "C": "3"}, "1 3"),
        ("customer_number: {template: 'K{A}'}", {"A": "1"}, "K1"),
        ("customer_number: {template: 'K{A}'}", {}, None),
        ("customer_number: {template: '{A} kg'}", {"A": "1"}, "1 kg"),
        ("customer_number: {first_of: [A, B]}", {"B": "2"}, "2"),
        ("customer_number: {first_of: [A, B]}", {"A": "1", "B": "2"}, "1"),
        ("customer_number: {first_of: [A, B, {value: z}]}", {}, "z"),
        ("customer_number: {cases: [{when: \"A = 'x'\", value: one}, {from: B}]}", {"A": "x"}, "one"),
        ("customer_number: {cases: [{when: \"A = 'x'\", value: one}, {from: B}]}", {"B": "b"}, "b"),
        ("customer_number: {cases: [{when: \"A = 'x'\", value: one}]}", {"A": "y"}, None),
        ("customer_number: {from: A, when: \"B = 'j'\"}", {"A": "1", "B": "j"}, "1"),
        ("customer_number: {from: A, when: \"B = 'j'\"}", {"A": "1", "B": ""}, None),
        ("customer_number: {from: A, do: [upper, {pad_left: [4, '0']}]}", {"A": "x1"}, "00X1"),
        ("customer_number: {from: A, do: [{slice: [0, 2]}]}", {"A": "abcdef"}, "ab"),
        ("customer_number: {from: A, do: [{replace: [' ', '']}, lower]}", {"A": "A B"}, "ab"),
        ("customer_number: {from: A, do: [collapse]}", {"A": "a   b"}, "a b"),
        ("customer_number: {from: A, do: [digits]}", {"A": "a-1 2"}, "12"),
        ("customer_number: {from: A, do: [{regex: '([0-9]+)'}]}", {"A": "no 12"}, "12"),
        ("order_total_amount: A", {"A": "1.234,50"}, Decimal("1234.50")),
        ("order_total_amount: A", {"A": "-0,5"}, Decimal("-0.5")),
        ("announced_delivery_date: A", {"A": "29.02.2028"}, date(2028, 2, 29)),
        ("announced_delivery_date: {from: A, format: '%Y/%m/%d'}", {"A": "2026/01/02"}, date(2026, 1, 2)),
        ("order_date: {from: A, format: '%d.%m.%Y %H:%M'}", {"A": "01.07.2026 12:00"},
         datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("order_date: {from: A, format: '%d.%m.%Y %H:%M'}", {"A": "01.12.2026 12:00"},
         datetime(2026, 12, 1, 11, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_value_makes_of_a_row_what_the_mapping_says(
    field: str, row: dict[str, str], expected: object
) -> None:
    assert cell(field, row) == (expected, [])


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("order_total_amount: A", "12,345", "R204"),
        ("order_total_amount: A", "12.34", "R201"),
        ("order_total_amount: A", "twelve", "R201"),
        ("announced_delivery_date: A", "29.02.2026", "R202"),
        ("announced_delivery_date: A", "01.01.0026", "R202"),
        ("order_date: {from: A, format: '%d.%m.%Y %H:%M'}", "29.03.2026 02:30", "R207"),
        ("order_date: {from: A, format: '%d.%m.%Y %H:%M'}", "25.10.2026 02:30", "R207"),
        ("customer_number: {from: A, do: [{regex: '^([0-9]+)$'}]}", "12a", "R208"),
    ],
)
def test_cell_that_is_no_value_is_null_and_told_with_its_text(
    field: str, text: str, code: str
) -> None:
    made = converted(f"order:\n{IDENTITY}  {field}\n", {"No": "A1", "A": text})

    assert made.table.rows.item(0, f"order.{field.split(':')[0]}") is None
    assert told(made.findings.rows) == [(2, code, "A", text)]


@pytest.mark.parametrize(("which", "hour"), [("earliest", 0), ("latest", 1)])
def test_hour_that_occurs_twice_is_taken_as_the_source_says(which: str, hour: int) -> None:
    head = HEAD.format(name="little").replace("}\n", f", ambiguous: {which}}}\n")
    field = "  order_date: {from: A, format: '%d.%m.%Y %H:%M'}\n"

    made = converted(f"{head}order:\n{IDENTITY}{field}", {"No": "1", "A": "25.10.2026 02:30"})

    assert made.table.rows.item(0, "order.order_date") == datetime(
        2026, 10, 25, hour, 30, tzinfo=UTC
    )
    assert not len(made.findings)


LOOKUP = "lookups: {words: {a: Alpha, b: Beta}}\n"


def test_lookup_gives_the_word_of_the_table() -> None:
    assert cell("customer_number: {from: A, lookup: words}", {"A": "b"}, LOOKUP) == ("Beta", [])


def test_lookup_refuses_what_is_not_in_the_table() -> None:
    assert cell("customer_number: {from: A, lookup: words}", {"A": "c"}, LOOKUP) == (None, ["R401"])


def test_lookup_keeps_what_is_not_in_the_table_when_told_so() -> None:
    field = "customer_number: {from: A, lookup: words, unknown: keep}"

    assert cell(field, {"A": "c"}, LOOKUP) == ("c", [])


def test_empty_cell_is_not_looked_up() -> None:
    assert cell("customer_number: {from: A, lookup: words}", {"A": ""}, LOOKUP) == (None, [])


def test_sql_sees_declared_columns_typed() -> None:
    head = HEAD.format(name="little").replace("}\n", ", columns: {Q: integer, P: decimal}}\n")
    text = f"{head}order:\n{IDENTITY}  order_total_amount: {{sql: 'Q * P', aggregate: sum}}\n"

    made = converted(text, {"No": "1", "Q": "3", "P": "1.000,10"})

    assert made.table.rows.item(0, "order.order_total_amount") == Decimal("3000.30")


def test_bad_cell_of_a_declared_column_is_told_once_for_all_its_uses() -> None:
    head = HEAD.format(name="little").replace("}\n", ", columns: {Q: integer}}\n")
    text = (
        f"{head}order:\n{IDENTITY}  order_total_amount: {{sql: 'Q * 2'}}\n"
        "lines: {fields: {line_item_id: L, sku: L, quantity: Q}}\n"
    )

    made = converted(text, {"No": "1", "L": "1", "Q": "two"}, {"No": "1", "L": "2", "Q": "2"})

    assert told(made.findings.rows) == [(2, "R201", "Q", "two")]
    assert made.table.rows["lines.quantity"].to_list() == [None, 2]


def test_bad_country_feeds_three_targets_and_is_told_once() -> None:
    text = (
        "order:\n  order_number: No\n  destination_country_iso3: C\n  recipient_email: E\n"
        "  shipping_address: {address_line: S, city: S, postal_code: S, country_iso3: C}\n"
    )

    made = converted(text, {"No": "1", "C": "Germny"})

    assert told(made.findings.rows) == [(2, "R203", "C", "Germny")]
    assert made.findings.rows["detail"].to_list() == ["; did you mean DEU?"]


def test_value_that_may_be_lost_is_a_warning_and_empty() -> None:
    made = converted(
        f"order:\n{IDENTITY}  announced_delivery_date: {{from: A, on_error: null}}\n",
        {"No": "1", "A": "soon"},
    )

    assert told(made.findings.rows) == [(2, "R324", "A", "soon")]
    assert not len(made.findings.errors())


def test_derived_columns_build_upon_each_other() -> None:
    text = (
        "derive:\n  first: {from: A, do: [upper]}\n  second: {template: '{first}-{B}'}\n"
        "  third: {cases: [{when: \"second = 'X-1'\", value: hit}, {from: second}]}\n"
        f"order:\n{IDENTITY}  customer_number: third\n  external_reference: second\n"
    )

    made = converted(text, {"No": "1", "A": "x", "B": "1"}, {"No": "2", "A": "y", "B": "1"})

    assert made.table.rows["order.customer_number"].to_list() == ["hit", "Y-1"]
    assert made.table.rows["order.external_reference"].to_list() == ["X-1", "Y-1"]


def test_bad_derived_cell_is_told_at_its_source_column() -> None:
    text = f"derive:\n  n: {{from: A, as: integer}}\norder:\n{IDENTITY}  customer_number: {{sql: 'n + 1'}}\n"

    made = converted(text, {"No": "1", "A": "1"}, {"No": "2", "A": "1,5"})

    assert told(made.findings.rows) == [(3, "R205", "A", "1,5")]
    assert made.table.rows["order.customer_number"].to_list() == ["2", None]
