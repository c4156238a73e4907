"""SQL: nothing outside the list reaches Polars, what is on the list works, and no row can stop it."""

import re
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.mapping.sql import (
    AGGREGATES,
    CASTS,
    FUNCTIONS,
    KEYWORDS,
    RESERVED,
    Expression,
    Names,
    SqlMistake,
    compile_sql,
)

DECIMAL = pl.Decimal(38, 12)
SCHEMA = {"n": pl.Int64(), "p": DECIMAL, "d": pl.Date(), "b": pl.Boolean()}
COLUMNS = ["A", "B", "Größe", "a b", 'q"t', "x.y", "Order", *SCHEMA]
NAMES = Names(COLUMNS, SCHEMA)

PIECES = st.sampled_from(
    ["A", "B", "n", "p", '"a b"', "'x'", "''", "'it''s'", "1", "2.5", "0", "(", ")", ",", "=", "<>",
     "+", "-", "*", "/", "%", "||", "--", "/*", "*/", ";", ".", "::", "$$", "`A`", "[1]", "{", "\\",
     "\u00a0", "\u2003", "\u200b", "ｒｅａｄ＿ｃｓｖ", "ѕelect", "read_csv", "READ_PARQUET",
     '"read_csv"', "('/etc/hostname')", "(SELECT * FROM x)", "E'\\''", "X'41'", "'open", '"open',
     *sorted(KEYWORDS), *sorted(RESERVED), *sorted(FUNCTIONS), *sorted(AGGREGATES), *sorted(CASTS)]
)  # fmt: skip
SOUP = st.one_of(
    st.lists(PIECES, max_size=12).map(" ".join),
    st.lists(PIECES, max_size=8).map("".join),
    st.text(max_size=30),
)

ALLOWED = KEYWORDS | set(FUNCTIONS)


@settings(max_examples=400, deadline=None)
@given(SOUP)
@example("A IN (SELECT c FROM read_csv('/etc/hostname'))")
@example("\"read_csv\"('/etc/hostname')")
@example("A IN (TABLE x)")
@example("read_csv\u00a0('/etc/hostname')")
def test_nothing_outside_the_list_reaches_polars(sql: str) -> None:
    reached: list[str] = []
    parse = pl.sql_expr

    def spy(text: str) -> pl.Expr:
        reached.append(text)
        return parse(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.mapping.sql.pl.sql_expr", spy)
        try:
            made = compile_sql(sql, NAMES, condition=False)
        except SqlMistake:  # and no other kind of exception
            made = None
    for text in reached:
        bare = _without_quoted(text)
        assert not set(";`$[]{}.:\\@#") & set(re.sub(r"[0-9]\.[0-9]", "", bare)), text
        assert "--" not in bare
        assert "/*" not in bare
        for word in bare.replace("(", " ( ").split():
            if word[0].isalpha():
                assert word.upper() in ALLOWED or word in COLUMNS, text
    if made is not None:
        assert set(made.columns) <= set(COLUMNS)
        assert set(made.columns) == set(parse(sql).meta.root_names())


def _without_quoted(text: str) -> str:
    """The text with its strings and quoted columns taken out, and operators set apart."""
    kept, quote = [], ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
            kept.append(" ")
        else:
            kept.append(f" {char} " if char in "=<>+*%|,()" else char)
    return "".join(kept).replace("/", " / ").replace("- ", " - ")


FRAME = pl.DataFrame(
    {"A": ["abc ", "", None], "B": ["b", "x", "y"], "n": [3, -2, None], "p": ["2.5", "-1", None],
     "d": [date(2026, 11, 20), date(2026, 1, 1), None], "b": [True, False, None]}
).with_columns(pl.col("p").cast(DECIMAL))  # fmt: skip

WORKS = {
    "ABS": ("ABS(n)", [3, 2, None]),
    "CEIL": ("CEIL(p)", [3, -1, None]),
    "COALESCE": ("COALESCE(A, B)", ["abc ", "", "y"]),
    "CONCAT": ("CONCAT(A, B)", ["abc b", "x", "y"]),
    "CONCAT_WS": ("CONCAT_WS('-', A, B)", ["abc -b", "-x", "y"]),
    "DATE_PART": ("DATE_PART('year', d)", [2026, 2026, None]),
    "ENDS_WITH": ("ENDS_WITH(A, ' ')", [True, False, None]),
    "FLOOR": ("FLOOR(p)", [2, -1, None]),
    "GREATEST": ("GREATEST(n, 0)", [3, 0, 0]),
    "IF": ("IF(b, A, B)", ["abc ", "x", "y"]),
    "IFNULL": ("IFNULL(n, 7)", [3, -2, 7]),
    "LEAST": ("LEAST(n, 0)", [0, -2, 0]),
    "LEFT": ("LEFT(A, 2)", ["ab", "", None]),
    "LENGTH": ("LENGTH(A)", [4, 0, None]),
    "LOWER": ("LOWER('ÄB')", ["äb"]),
    "LTRIM": ("LTRIM('  x ')", ["x "]),
    "MOD": ("MOD(n, 2)", [1, 0, None]),
    "NULLIF": ("NULLIF(A, '')", ["abc ", None, None]),
    "REPLACE": ("REPLACE(A, 'b', '')", ["ac ", "", None]),
    "RIGHT": ("RIGHT(A, 2)", ["c ", "", None]),
    "ROUND": ("ROUND(p, 0)", [3, -1, None]),
    "RTRIM": ("RTRIM(A)", ["abc", "", None]),
    "SIGN": ("SIGN(n)", [1, -1, None]),
    "STARTS_WITH": ("STARTS_WITH(A, 'a')", [True, False, None]),
    "STRPOS": ("STRPOS(B, 'x')", [0, 1, 0]),
    "SUBSTR": ("SUBSTR(A, 2, 2)", ["bc", "", None]),
    "TRIM": ("TRIM(A)", ["abc", "", None]),
    "UPPER": ("UPPER(A)", ["ABC ", "", None]),
}


def value_of(sql: str, frame: pl.DataFrame = FRAME) -> list[object]:
    made = compile_sql(sql, NAMES, condition=False)
    return frame.lazy().select(made.expr.alias("made")).collect().to_series().to_list()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_of_the_list_works(name: str) -> None:
    sql, values = WORKS[name]
    assert value_of(sql) == values
    assert FUNCTIONS[name].startswith(f"{name}(")


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("A = 'x' OR B <> 'b'", [False, True, True]),
        ("A <> 'abc '", [False, True, None]),  # empty is unknown, not different
        ("A IS NULL", [False, False, True]),
        ("NOT b", [False, True, None]),
        ("n IN (1, 3)", [True, False, None]),
        ("n NOT IN (1, 3)", [False, True, None]),
        ("n BETWEEN -2 AND 0", [False, True, None]),
        ("B LIKE '_' AND B LIKE '%b%'", [True, False, False]),
        ("B ILIKE 'B'", [True, False, False]),
        ("A REGEXP '^a[a-z]+ $'", [True, False, None]),
        ("CASE WHEN n > 0 THEN 'up' ELSE 'down' END", ["up", "down", "down"]),
        ("p * 1.19", [Decimal("2.975"), Decimal("-1.19"), None]),
        ("p / NULLIF(n + 2, 0)", [Decimal("0.5"), None, None]),
        ("n / 8", [Decimal("0.375"), Decimal("-0.25"), None]),
        ("n % 2", [1, 0, None]),
        ("A || '-' || B", ["abc -b", "-x", None]),
        ("d IS NOT NULL AND TRUE", [True, True, False]),
    ],
)
def test_operators_and_empty_cells(sql: str, values: list[object]) -> None:
    assert value_of(sql) == values


@pytest.mark.parametrize("name", COLUMNS)
def test_each_column_can_be_named_in_double_quotes(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    assert compile_sql(f"{quoted} IS NULL", NAMES, condition=True).columns == (name,)


def test_numbers_too_large_to_multiply_are_told_by_row() -> None:
    huge = pl.DataFrame({"p": ["999999999999999999", "2", None], "n": [1, 2, 3]}).with_columns(
        pl.col("p").cast(DECIMAL)
    )
    made = compile_sql("p * p", NAMES, condition=False)
    assert made.fails is not None
    rows = huge.lazy().select(made.expr.alias("value"), made.fails.alias("fails")).collect().rows()
    assert rows == [(None, True), (Decimal(4), False), (None, False)]


def test_whole_numbers_do_not_wrap() -> None:
    frame = pl.DataFrame({"n": [10**18, 2]})
    assert value_of("n * n", frame) == [10**36, 4]


def test_a_long_condition_is_compiled_and_a_very_long_one_refused() -> None:
    made = compile_sql(" OR ".join(["A = 'x'"] * 150), NAMES, condition=True)
    assert isinstance(made, Expression)
    with pytest.raises(SqlMistake, match="too long"):
        compile_sql(" OR ".join(["A = 'x'"] * 500), NAMES, condition=True)


@pytest.mark.parametrize(
    "sql", ["NOT " * 499 + "b", "- " * 900 + "n", "(" * 900, "((((" * 400 + "A"]
)
def test_deep_nesting_is_refused_before_the_parser_recurses(sql: str) -> None:
    with pytest.raises(SqlMistake) as caught:
        compile_sql(sql, NAMES, condition=False)
    assert caught.value.code == "M301"


@pytest.mark.parametrize(
    ("sql", "positions"),
    [
        ("STRPOS(A, '-')", [5, 0, 0, 0, 3]),
        ("STRPOS(A, '.')", [0, 2, 0, 0, 0]),
        ("STRPOS(A, 'b(')", [0, 0, 3, 0, 0]),
        ("STRPOS(A, '\u2019') + STRPOS(LOWER(A || '-'), '-')", [5, 4, 5, 0, 3]),
        ("STRPOS(A || '''-', '''-')", [7, 4, 5, 0, 4]),
        ("SUBSTR(A, STRPOS(A, '-') + 1, 10)", ["1", "a.c", "a'b(", None, ""]),
    ],
)
def test_a_position_counts_characters_and_what_is_looked_for_is_no_pattern(
    sql: str, positions: list[object]
) -> None:
    cells = pl.DataFrame({"A": ["Jörg-1", "a.c", "a'b(", None, "😀x-"]})
    assert value_of(sql, cells) == positions


@pytest.mark.parametrize(
    ("sql", "start", "length"),
    [("STRPOS(A, B)", 10, 1), ("STRPOS(A, UPPER('x'))", 10, 5), ("STRPOS(A, '')", 10, 2),
     ("STRPOS(A)", 0, 6), ("STRPOS()", 0, 6), ("STRPOS(STRPOS(A, 'x') || A, 'x')", 7, 6)],
)  # fmt: skip
def test_a_position_is_that_of_a_fixed_text(sql: str, start: int, length: int) -> None:
    # a cell with "(" in it would stop a run, and one of 200,000 characters take it minutes
    with pytest.raises(SqlMistake) as caught:
        compile_sql(sql, NAMES, condition=False)
    assert (caught.value.code, caught.value.start, caught.value.length) == ("M301", start, length)


@pytest.mark.parametrize(
    "sql", ["A + B", "n = 'x'", "d > '2026-01-01'", "REPLACE(A, B, 'x')", "A REGEXP '('", "NOT A"]
)
def test_types_that_do_not_fit_are_found_without_rows(sql: str) -> None:
    with pytest.raises(SqlMistake) as caught:
        compile_sql(sql, NAMES, condition=False)
    assert caught.value.code == "M305"


@pytest.mark.parametrize(
    ("sql", "says"),
    [("NOT A", "the types in this expression do not fit together: A is text"),
     ("n = 'x'", "the types in this expression do not fit together: n is an integer"),
     ("ABS(A) > n", "the types in this expression do not fit together: A is text, n is an integer"),
     ("A REGEXP '('", "a pattern in this expression is not valid"),
     ("A =", "this expression cannot be read"),
     ("SIGN()", "this expression cannot be read, or a function has other arguments than it takes")],
)  # fmt: skip
def test_what_does_not_work_is_said_in_words_of_the_mapping(sql: str, says: str) -> None:
    with pytest.raises(SqlMistake) as caught:
        compile_sql(sql, NAMES, condition=False)
    assert caught.value.message == says
    assert caught.value.hint


def test_without_a_header_any_name_is_a_column_but_no_word_of_sql() -> None:
    assert compile_sql("Foo = 'x'", Names(None), condition=True).columns == ("Foo",)
    for word in ("SELECT", "TABLE", "VALUES", "FROM", "UNNEST"):
        with pytest.raises(SqlMistake):
            compile_sql(f"Foo IN ({word} x)", Names(None), condition=True)
