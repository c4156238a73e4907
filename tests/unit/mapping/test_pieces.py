"""`rows.explode` and `rows.unpivot`: what a mapping may say of them, and what becomes of rows."""

from typing import Any

import polars as pl
import pytest

from pipeline.convert import convert
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.model.origin import COPY_BITS, LINE, SEGMENT
from pipeline.model.tables import RawTable
from pipeline.pieces import take_apart
from tests.unit.mapping.bench import compiled, mapping, raw

HEADER = ["Nr", "Items", "Skus", "Qtys", "Item 1 SKU", "Item 1 Qty", "Item 2 SKU", "Item 2 Qty"]
USED = "{send: always, fields: {line_item_id: sku}}"


def written(rows: str, lines: str = USED, **sections: str) -> str:
    return mapping(rows=rows, lines=lines, **sections)


def refused(text: str, header: list[str] | None = None) -> list[tuple[str, int, str, str]]:
    """Code, column, message and hint of each mistake."""
    try:
        compile_mapping(text, "m.yaml", header=header or HEADER)
    except MappingRefused as mistakes:
        return [(m.code, m.column, m.message, m.help) for m in mistakes.mistakes]
    return []


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ('{explode: {sku: {from: Item, split: "|"}}}', "M201", 'unknown column "Item"'),
        ("{explode: {sku: {from: Items}}}", "M102", 'the key "split" is missing here'),
        ('{explode: {Items: {from: Skus, split: "|"}, sku: {from: Items, split: "|"}}}', "M203",
         'a column "Items" exists already'),
        ('{explode: {a: {from: Items, split: "|", parts: ":", names: [sku, sku]}}}', "M203",
         'a column "sku" exists already'),
        ('{explode: {sku: {from: Items, split: "|"}}, number: sku}', "M203",
         'a column "sku" exists already'),
        ('{explode: {sku: {from: Items, split: "|"}}, number: _n}', "M202", '"_n" starts with an underscore'),
        ('{explode: {sku: {from: Items, split: "|", parts: ":"}}}', "M102", "the parts have no names"),
        ('{explode: {sku: {from: Items, split: "|", names: [a]}}}', "M215",
         "`names` has no effect without `parts`"),
        ('{explode: {b: {from: Items, split: "|", parts: ":", names: [a], keys: {sku: S}}}}', "M103",
         "parts are named by their order or by their keys, not by both"),
        ('{explode: {sku: {from: Items, split: "|", parts: ":", keys: {a: A}, rest: r}}}', "M215",
         "`rest` has no effect without `names`"),
        ('{explode: {sku: {from: Items, split: "|", parts: ":", names: [a], mark: "="}}}', "M215",
         "`mark` has no effect without `keys`"),
        ('{unpivot: {sku: "Item SKU"}}', "M103", '"Item SKU" names no numbered columns'),
        ('{unpivot: {sku: "Item {n} Sku"}}', "M201", 'no column is called as "Item {n} Sku"'),
        ('{unpivot: {sku: "Item {n} SKU"}, explode: {a: {from: Skus, split: "|"}}}', "M103",
         "the pieces of a row stand in cells or in numbered columns, not in both"),
        ('{unpivot: {sku: "Item {n} SKU", a: "Item {n} Qty"}, number: Nr}', "M203",
         'a column "Nr" exists already'),
        ("{number: n}", "M215", "`number` has no effect without pieces"),
        ('{explode: {sku: {from: Items, split: "|"}}, key: [Nr, sku]}', "M221",
         '"sku" differs from piece to piece of a row, and an order has whole rows'),
    ],
)  # fmt: skip
def test_a_mistake_is_said(rows: str, code: str, says: str) -> None:
    found = refused(written(rows))

    assert (code, says) in [(each[0], each[2]) for each in found]
    assert all(each[3] for each in found)


def test_numbers_that_one_of_the_columns_lacks_are_a_mistake_at_it() -> None:
    text = written('{unpivot: {sku: "Item {n} SKU", qty: "Item {n} Qty"}}')

    [(code, _, says, _)] = refused(text, ["Nr", "Item 1 SKU", "Item 2 SKU", "Item 1 Qty"])

    assert (code, says) == ("M201", 'the columns of "qty" have no number 2, which others have')


def test_edi_has_a_word_of_its_own_for_pieces() -> None:
    text = """\
version: 1
name: m
mode: update_only
source: {format: x12, transaction: "945"}
extract: {columns: {Nr: W06.2}}
rows: {explode: {a: {from: Nr, split: ","}}}
order: {order_number: Nr, channel: a}
"""

    assert [each[0] for each in refused(text)] == ["M215"]


def test_an_order_number_of_a_piece_is_refused_through_derived_columns_too() -> None:
    text = """\
version: 1
name: m
mode: update_only
source: {}
rows: {explode: {a: {from: Items, split: "|"}}}
derive: {b: {from: a, do: [upper]}}
order: {order_number: b}
"""

    assert [each[0] for each in refused(text)] == ["M221"]


def test_the_columns_to_read_are_those_of_the_file() -> None:
    plan = compiled(written('{explode: {sku: {from: Items, split: "|"}}, number: n}'), HEADER).plan
    wide = written('{unpivot: {sku: "Item {n} SKU"}}')

    assert plan.reads == ("Items", "Nr")
    assert compiled(wide, HEADER).plan.reads == ("Item 1 SKU", "Item 2 SKU", "Nr")
    assert compiled(wide).plan.reads == ("Nr",)  # no header, so nobody knows how far they go


def test_what_is_never_used_of_a_piece_is_told() -> None:
    text = mapping(rows='{explode: {a: {from: Items, split: "|", parts: ":", names: [b, c]}}}')

    [warning] = compile_mapping(text, "m.yaml", header=HEADER).warnings

    assert (warning.code, warning.message) == ("W101", "the column of pieces a is never used")


# -- rows ---------------------------------------------------------------------------------------


def apart(rows: str, *cells: dict[str, str], source: str = "") -> tuple[list[Any], list[Any]]:
    """The pieces as (line, number, texts), and the findings as (line, code, column, detail)."""
    header = sorted({name for row in cells for name in row} | {"Nr"})
    plan = compile_mapping(mapping(rows=rows, source=source), "m.yaml", header=header).plan
    made = take_apart(raw(cells, plan.reads), plan)
    assert plan.pieces is not None
    texts = made.raw.rows.select(
        LINE, pl.col(SEGMENT) // (1 << COPY_BITS), *plan.pieces.names
    ).rows()
    found = made.findings.rows.select(LINE, "code", "column", "detail").rows()
    assert made.faulty.rows.height == len(found)
    return texts, found


SPLIT = '{explode: {sku: {from: A, split: "|"}}}'


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("x|y", [(1, "x"), (2, "y")]),
        ("x", [(1, "x")]),
        ("x|y|", [(1, "x"), (2, "y")]),
        ("x| | ", [(1, "x")]),
        ("x||z", [(1, "x"), (3, "z")]),
        ("|x", [(2, "x")]),
        ("", [(0, None)]),
        (" | ", [(0, None)]),
        ("-|-", [(0, None)]),  # "-" is nothing here
        ("x|-|z", [(1, "x"), (3, "z")]),
        ("x|x", [(1, "x"), (2, "x")]),
    ],
)
def test_a_cell_has_as_many_pieces_as_items_and_a_row_at_least_one(
    cell: str, items: list[tuple[int, str | None]]
) -> None:
    texts, found = apart(SPLIT, {"A": cell}, {"A": "other"}, source='null_values: ["", "-"]')

    assert texts == [*((2, *item) for item in items), (3, 1, "other")]
    assert found == []


@pytest.mark.parametrize(("by", "cell"), [('"\\n"', "x\ny\n"), ('", "', "x, y"), ('"<br>"', "x<br>y"), ('"."', "x.y"), ('"\\t"', "x\ty")])  # fmt: skip
def test_items_stand_apart_by_any_text(by: str, cell: str) -> None:
    texts, _ = apart(f"{{explode: {{sku: {{from: A, split: {by}}}}}}}", {"A": cell})

    assert texts == [(2, 1, "x"), (2, 2, "y")]


def test_cells_go_in_step_and_an_empty_one_says_nothing() -> None:
    rows = '{explode: {sku: {from: A, split: "|"}, qty: {from: B, split: ","}}, number: n}'

    texts, found = apart(
        rows, {"A": "x|y", "B": "1,2"}, {"A": "x|y", "B": ""}, {"A": "x|y|z", "B": "1,2"},
        {"A": "x||z", "B": "1,2,"}, {"A": "|y", "B": "1,2"}, {"A": "", "B": ""},
    )  # fmt: skip

    assert texts == [
        (2, 1, "x", "1", "1"), (2, 2, "y", "2", "2"),
        (3, 1, "x", None, "1"), (3, 2, "y", None, "2"),
        (6, 1, "", "1", "1"), (6, 2, "y", "2", "2"),
        (7, 0, None, None, None),
    ]  # fmt: skip
    assert found == [(4, "R118", "A", "A 3, B 2"), (5, "R118", "A", "A 3, B 2")]


def test_more_items_than_an_address_has_room_for_are_a_finding_and_nothing_is_used() -> None:
    texts, found = apart(SPLIT, {"A": "|".join(["x"] * 255)}, {"A": "|".join(["x"] * 256)})

    assert [text[:2] for text in texts] == [(2, n) for n in range(1, 256)]
    assert found == [(3, "R117", "A", "256")]


PARTS = '{explode: {item: {from: A, split: ";", parts: "|", names: [sku, qty]}}}'


def test_parts_have_names_and_each_item_has_as_many() -> None:
    texts, found = apart(PARTS, {"A": "x|1;y|2"}, {"A": "x|1;y"}, {"A": "x|1|red"}, {"A": "x|"})

    assert texts == [(2, 1, "x|1", "x", "1"), (2, 2, "y|2", "y", "2"), (5, 1, "x|", "x", "")]
    assert found == [(3, "R119", "A", "1 part, not 2"), (4, "R119", "A", "3 parts, not 2")]


def test_the_rest_is_what_stands_behind_the_named_parts() -> None:
    rows = '{explode: {item: {from: A, split: ";", parts: "|", names: [sku, qty], rest: more}}}'

    texts, found = apart(rows, {"A": "x|1;y|2|red|XL"}, {"A": "x"})

    assert [text[3:] for text in texts] == [("x", "1", None), ("y", "2", "red|XL")]
    assert found == [(3, "R119", "A", "1 part, not 2 or more")]


@pytest.mark.parametrize(
    ("item", "parts"),
    [
        ("sku:x|qty:1", ("x", "1")),
        ("qty : 1 | sku: a:b ", ("a:b", "1")),
        ("sku:x", ("x", None)),
        ("sku:|qty:1", ("", "1")),
        ("other:z|sku:x|my sku:y", ("x", None)),
        ("sku:two\nlines|qty:1", ("two\nlines", "1")),
        ("sku.x|qty:1", (None, "1")),
        ("x|1", "none of the parts sku:, qty:"),
        ("sku:x|qty:1|qty:2", "its part qty: twice"),
    ],
)
def test_parts_may_say_what_they_are(item: str, parts: object) -> None:
    rows = '{explode: {item: {from: A, split: ";", parts: "|", keys: {s: sku, q: qty}}}}'

    texts, found = apart(rows, {"A": f"sku:first|qty:9;{item}"})

    assert found or texts[1][3:] == parts
    assert not found or found == [(2, "R119", "A", parts)]


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        (r"sku:A\;B|qty:1", [("A;B", "1")]),
        (r"sku:A\|B|qty:1", [("A|B", "1")]),
        (r"sku:A\:B|qty:1;sku:C", [("A:B", "1"), ("C", None)]),
        (r"sku:A\B|qty:\1", [(r"A\B", r"\1")]),  # nothing is divided there
        (r"sku:A\\;sku:B", [("A\\;sku:B", None)]),  # a backslash is not escaped itself
        (r"sku\:A", "none of the parts sku:, qty:"),
    ],
)
def test_what_is_escaped_divides_nothing(cell: str, parts: object) -> None:
    keys = "keys: {s: sku, q: qty}, escape: '\\'"
    rows = f'{{explode: {{item: {{from: A, split: ";", parts: "|", {keys}}}}}}}'

    texts, found = apart(rows, {"A": cell})

    assert found == ([] if isinstance(parts, list) else [(2, "R119", "A", parts)])
    assert found or [text[3:] for text in texts] == parts


def test_numbered_cells_have_escapes_too_and_without_parts_they_would_do_nothing() -> None:
    rows = '{unpivot: {item: {from: "Item {n}", parts: ":", names: [sku, qty], escape: "!"}}}'
    texts, found = apart(rows, {"Item 1": "a!:b:2", "Item 2": "c:1"})

    assert [text[3:] for text in texts] == [("a:b", "2"), ("c", "1")]
    assert found == []
    assert refused(written('{unpivot: {sku: {from: "Item {n} SKU", escape: "!"}}}'))[0][:1] == (
        "M215",
    )


WIDE = '{unpivot: {sku: "Item {n} SKU", qty: "Item {n} Qty"}, number: n}'


def test_what_means_nothing_is_said_by_column_of_the_file_or_of_the_pieces() -> None:
    cells = {"Item 1 SKU": "-", "Item 1 Qty": "0", "Item 2 SKU": "-", "Item 2 Qty": "0"}
    of_file = 'null_values: {"Item 1 SKU": ["-"], "Item 1 Qty": ["0"]}'
    of_pieces = 'null_values: {sku: ["-"], qty: ["0"]}'

    assert [text[1] for text in apart(WIDE, cells, source=of_file)[0]] == [3]
    assert [text[1] for text in apart(WIDE, cells, source=of_pieces)[0]] == [0]
    assert apart(SPLIT, {"A": "x|-|y"}, source='null_values: {A: ["-"], sku: ["-"]}')[0] == [
        (2, 1, "x"),
        (2, 3, "y"),
    ]


def test_a_number_that_two_columns_have_is_a_mistake() -> None:
    header = ["Nr", "Item 1 SKU", "Item 01 SKU", "Item 2 SKU"]

    [(code, _, says, _)] = refused(written('{unpivot: {sku: "Item {n} SKU"}}'), header)

    assert (code, says) == (
        "M201",
        'of "Item {n} SKU" 2 columns have the number 1: Item 01 SKU, Item 1 SKU',
    )


def test_numbered_columns_become_rows_with_their_number() -> None:
    texts, found = apart(
        WIDE,
        {"Item 1 SKU": "x", "Item 1 Qty": "1", "Item 2 SKU": "y", "Item 2 Qty": "2"},
        {"Item 2 SKU": "y"},
        {"Item 1 SKU": " "},
    )

    # an address counts from 1, and columns may be numbered from 0
    assert texts == [
        (2, 2, "x", "1", "1"), (2, 3, "y", "2", "2"), (3, 3, "y", "", "2"), (4, 0, None, None, None),
    ]  # fmt: skip
    assert found == []


def test_a_finding_names_the_numbered_column() -> None:
    rows = '{unpivot: {item: {from: "Item {n}", parts: ":", names: [sku, qty]}}}'

    _, found = apart(rows, {"Item 0": "x:1", "Item 10": "y"})

    assert found == [(2, "R119", "Item 10", "1 part, not 2")]


# -- behind them --------------------------------------------------------------------------------


def through(rows: str, lines: str, *cells: dict[str, str], **sections: str) -> pl.DataFrame:
    plan = compiled(written(rows, lines, **sections)).plan
    made = convert(take_apart(raw(cells, plan.reads), plan).raw, plan)
    return made.table.rows


def test_a_row_without_items_is_no_line_and_other_lines_are() -> None:
    sku = "{send: always, fields: {line_item_id: sku}}"
    own = "{send: always, fields: {line_item_id: Line}}"

    assert through(SPLIT, sku, {"A": "x|y"}, {"A": ""})["_when.lines"].to_list() == [
        True,
        True,
        False,
    ]
    assert through(SPLIT, own, {"A": "x", "Line": "1"}, {"Line": "2"})["_when.lines"].to_list() == [True, True]  # fmt: skip


def test_a_parcel_of_a_row_without_items_has_no_articles() -> None:
    article = '{line_item_id: {template: "{Nr}-{n}"}, quantity: {value: 1}}'
    fields = f"{{tracking_number: P, courier: {{value: gls}}, articles: {article}}}"
    text = mapping(rows=SPLIT[:-1] + ", number: n}", trackings=f"{{key: P, fields: {fields}}}")
    plan = compiled(text).plan
    cells = [{"Nr": "1", "P": "T1", "A": "x|y"}, {"Nr": "2", "P": "T2"}]

    table = convert(take_apart(raw(cells, plan.reads), plan).raw, plan).table.rows

    assert table["trackings.tracking_number"].to_list() == ["T1", "T1", "T2"]
    assert table["trackings.articles.line_item_id"].to_list() == ["1-1", "1-2", None]
    assert table["trackings.articles.quantity"].to_list() == [1, 1, None]


def test_what_a_row_has_once_is_added_up_once() -> None:
    order = "{order_number: Nr, order_total_amount: {from: T, aggregate: sum}}"
    text = (
        "version: 1\nname: m\nmode: update_only\nsource: {}\n"
        f"rows: {SPLIT[:-1]}, skip: \"sku = 'free'\"}}\norder: {order}\nlines: {USED}\n"
    )
    plan = compiled(text).plan
    cells = {"Nr": "1", "A": "free|x|y", "T": "2.50"}

    made = convert(take_apart(raw([cells, cells | {"A": "z"}], plan.reads), plan).raw, plan)

    totals = made.table.rows["order.order_total_amount"].drop_nulls().cast(pl.String).to_list()
    assert [float(total) for total in totals] == [2.5, 2.5]
    assert made.filtered.height == 1


def test_equal_items_of_a_row_are_several_and_a_row_that_stands_there_twice_is_one() -> None:
    plan = compiled(written(SPLIT)).plan
    cells = [{"Nr": "1", "A": "x|x"}, {"Nr": "1", "A": "x|x"}, {"Nr": "1", "A": "x"}]

    made = convert(take_apart(raw(cells, plan.reads), plan).raw, plan)

    assert made.table.rows.get_column(LINE).to_list() == [2, 2, 4]
    assert made.repeated.get_column(LINE).to_list() == [3, 3]


def test_pieces_have_types_and_derived_columns() -> None:
    text = written(
        SPLIT, "{send: always, fields: {line_item_id: up, quantity: {sql: \"q * 2\"}}}",
        derive="{up: {from: sku, do: [upper]}, q: {from: sku, do: [digits], as: integer}}",
    )  # fmt: skip
    plan = compiled(text).plan

    made = convert(take_apart(raw([{"A": "x1|y2"}], plan.reads), plan).raw, plan)

    assert made.table.rows.select("lines.line_item_id", "lines.quantity").rows() == [("X1", 2), ("Y2", 4)]  # fmt: skip


def test_a_million_pieces_are_made_without_a_loop_over_rows() -> None:
    plan = compiled(
        written(PARTS, "{send: always, fields: {line_item_id: sku, quantity: qty}}")
    ).plan
    few = raw([{"Nr": "1", "A": "x|1;y|2;z|3"}], plan.reads).rows
    many = pl.concat([few] * 100_000, rechunk=True).with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias(LINE)
    )

    made = take_apart(RawTable(many), plan)

    assert made.raw.rows.height == 300_000
    assert made.raw.rows["sku"].head(4).to_list() == ["x", "y", "z", "x"]
