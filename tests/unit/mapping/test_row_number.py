"""`row_number`: the number of a row in its order, where an export has no id of its lines."""

import polars as pl
import pytest

from pipeline.convert import convert
from pipeline.model.origin import FILE
from pipeline.model.tables import RawTable
from tests.unit.mapping.bench import codes, compiled, mapping, raw, through

DERIVED = '{n: {row_number: order}, id: {template: "{Nr}-{n}"}}'
LINES = "{send: always, fields: {line_item_id: id, sku: A}}"
ROWS = "{key: Nr, skip: \"A = 'x'\"}"
NUMBERED = mapping(rows=ROWS, derive=DERIVED, lines=LINES)


def test_rows_of_an_order_are_numbered_wherever_they_stand_and_skipped_ones_are_not_counted() -> (
    None
):
    table, found = through(
        NUMBERED, {"Nr": "7", "A": "a"}, {"Nr": "8", "A": "b"}, {"Nr": "7", "A": "x"},
        {"Nr": "7", "A": "c"},
    )  # fmt: skip

    assert table["lines.line_item_id"] == ["7-1", "8-1", "7-2"]
    assert found == []


def test_numbers_are_integers_that_expressions_calculate_with() -> None:
    fields = '{line_item_id: id, quantity: {sql: "n * 2"}}'
    text = mapping(rows=ROWS, derive=DERIVED, lines=f"{{send: always, fields: {fields}}}")

    table, _ = through(text, {"Nr": "7", "A": "a"}, {"Nr": "7", "A": "b"})

    assert table["lines.quantity"] == [2, 4]


def test_equal_rows_are_two_lines_in_one_file_and_one_in_two() -> None:
    plan = compiled(NUMBERED).plan
    rows = raw([{"Nr": "7", "A": "a"}] * 2, plan.reads).rows
    again = rows.with_columns(pl.lit(1, pl.UInt32).alias(FILE))

    made = convert(RawTable(pl.concat([rows, again])), plan)

    assert made.table.rows.get_column("lines.line_item_id").to_list() == ["7-1", "7-2"]
    assert made.findings.rows.select("_file", "_line", "code", "detail").rows() == [
        (1, 2, "R319", "line 2"),
        (1, 3, "R319", "line 3"),
    ]


@pytest.mark.parametrize(
    ("sections", "code"),
    [
        ({"derive": "{n: {row_number: order}}"}, "M102"),  # rows.key is missing
        ({"derive": "{n: {row_number: file}}", "rows": "{key: Nr}"}, "M104"),
        ({"derive": "{n: {first_of: [{row_number: order}]}}", "rows": "{key: Nr}"}, "M103"),
        ({"derive": '{n: {row_number: order}, k: {template: "{n}"}}', "rows": "{key: k}"}, "M201"),
        (
            {"derive": "{n: {row_number: order}, k: A}", "rows": "{key: Nr, skip: k = '1'}"},
            "M302",
        ),
    ],
)
def test_what_the_number_needs_is_a_mistake_where_it_is_not_there(
    sections: dict[str, str], code: str
) -> None:
    lines = '{send: always, fields: {line_item_id: {template: "{n}"}, sku: A}}'
    assert codes(mapping(lines=lines, **sections)) == [code]


def test_a_field_takes_the_number_from_a_derived_column_only() -> None:
    assert codes(mapping("channel: {row_number: order}", rows="{key: Nr}")) == ["M103"]
