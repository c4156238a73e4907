"""Polars SQL for conditions and small arithmetic, behind an allow-list lexer (MAPPING §0.3, §1).

`pl.sql_expr("x IN (SELECT c FROM read_csv('/etc/hostname'))")` opens the file while it parses, so
nothing reaches Polars before every token is known to be harmless: 'strings', "columns", numbers,
operators, the keywords and functions listed here.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from pipeline.mapping.mistakes import did_you_mean

KEYWORDS = frozenset(
    {"AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE", "BETWEEN", "CASE", "WHEN", "THEN",
     "ELSE", "END", "TRUE", "FALSE", "REGEXP"}
)  # fmt: skip
FUNCTIONS = frozenset(
    {"ABS", "CEIL", "COALESCE", "CONCAT", "CONCAT_WS", "DATE_PART", "FLOOR", "GREATEST", "IF",
     "IFNULL", "LEAST", "LEFT", "LENGTH", "LOWER", "LTRIM", "MOD", "NULLIF", "REPLACE", "RIGHT",
     "ROUND", "RTRIM", "SIGN", "STARTS_WITH", "ENDS_WITH", "STRPOS", "SUBSTR", "TRIM", "UPPER"}
)  # fmt: skip
AGGREGATES = frozenset(
    {"SUM", "MIN", "MAX", "AVG", "MEAN", "COUNT", "FIRST", "LAST", "MEDIAN", "STDDEV", "VARIANCE",
     "ARRAY_AGG", "STRING_AGG", "QUANTILE_CONT"}
)  # fmt: skip
CASTS = frozenset({"CAST", "TRY_CAST", "STRPTIME", "TIMESTAMP", "DATE", "CONVERT"})

_TOKEN = re.compile(
    r"""(?P<blank>\s+)
      | (?P<text>'(?:[^']|'')*')
      | (?P<column>"(?:[^"]|"")*")
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<operator><=|>=|<>|!=|\|\||-(?!-)|/(?!\*)|[+*%<>=(),])""",
    re.VERBOSE,
)


RESERVED = frozenset(
    {"SELECT", "FROM", "WHERE", "JOIN", "UNION", "WITH", "OVER", "GROUP", "ORDER", "HAVING",
     "LIMIT", "EXISTS", "ANY", "ALL", "INTERVAL", "PARTITION", "WINDOW", "TABLE", "VALUES"}
)  # fmt: skip


class SqlMistake(Exception):  # noqa: N818 - the compiler turns it into a Mistake with a place
    """What is wrong with an expression; `start` and `length` count characters inside it."""

    def __init__(self, code: str, message: str, start: int, length: int, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.length = length
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and the columns that it reads, in order of appearance."""

    sql: str
    columns: tuple[str, ...]
    expr: pl.Expr


def compile_sql(
    sql: str, columns: Collection[str] | None, schema: Mapping[str, pl.DataType], *, condition: bool
) -> Expression:
    """Compile one row-wise expression.

    Args:
        sql: the text of the expression.
        columns: the names it may use; None when the header is not known, then any.
        schema: the types of those names; String for those that are missing.
        condition: the result must be Boolean.

    Raises:
        SqlMistake: M301 to M306.
    """
    used = _lex(sql, columns)
    types = {name: schema.get(name, pl.String()) for name in used}
    try:
        expr = pl.sql_expr(sql)
        made = pl.DataFrame(schema=types).lazy().select(expr.alias("made")).collect()
    except PolarsError as error:
        said = str(error).split("\n")[0][:160]
        fix = "text columns that hold numbers or dates are declared under source.columns"
        code = "M301" if "parse" in said.lower() or "syntax" in said.lower() else "M305"
        raise SqlMistake(code, f"this expression does not work: {said}", 0, len(sql), fix) from None
    if condition and made.schema["made"] != pl.Boolean:
        raise SqlMistake(
            "M306", "a condition must be true or false", 0, len(sql), "compare: Status = 'NEU'"
        )
    return Expression(sql, tuple(used), expr)


def _lex(sql: str, columns: Collection[str] | None) -> list[str]:
    """Check every token; give the columns in order of appearance."""
    used: dict[str, None] = {}
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None:
            hint = "text needs single quotes: 'STORNO'"
            raise SqlMistake("M301", f'"{sql[at]}" has no meaning here', at, 1, hint)
        token, kind = match.group(), match.lastgroup
        at = match.end()
        called = sql[at:].lstrip().startswith("(")
        if kind == "column":
            if called:  # "read_csv"('/etc/hostname') would be a call too
                raise SqlMistake("M301", "a quoted name is a column", match.start(), len(token))
            _known(token[1:-1].replace('""', '"'), match.start(), len(token), columns, quoted=True)
            used[token[1:-1].replace('""', '"')] = None
        elif kind == "word":
            if _is_column(token, match.start(), called=called, columns=columns):
                used[token] = None
    return list(used)


def _is_column(word: str, start: int, *, called: bool, columns: Collection[str] | None) -> bool:
    upper = word.upper()
    if upper in KEYWORDS:
        return False
    if upper in RESERVED:
        message = f"{upper} is not part of the language"
        raise SqlMistake("M301", message, start, len(word), "an expression sees one row only")
    if called:
        _allowed(upper, word, start)
        return False
    _known(word, start, len(word), columns, quoted=False)
    return True


def _allowed(upper: str, word: str, start: int) -> None:
    if upper in FUNCTIONS:
        return
    if upper in CASTS:
        message = "CAST and STRPTIME stop the whole file at the first bad row"
        fix = "declare the type under source.columns: bad cells are then rejected one by one"
        raise SqlMistake("M303", message, start, len(word), fix)
    if upper in AGGREGATES:
        message = "this expression mixes rows (an aggregate such as SUM or MAX)"
        raise SqlMistake(
            "M304", message, start, len(word), "use `aggregate: sum` on an order field"
        )
    hint = did_you_mean(upper, FUNCTIONS) or f"there are: {', '.join(sorted(FUNCTIONS))}"
    raise SqlMistake("M301", f'"{word}" is not a function of the language', start, len(word), hint)


def _known(
    name: str, start: int, length: int, columns: Collection[str] | None, *, quoted: bool
) -> None:
    if columns is None or name in columns:
        return
    if quoted:
        hint = did_you_mean(name, columns)
        also = f"text needs single quotes: '{name}'. Double quotes mean a column"
        hint = f"{hint} Or: {also}" if hint else also
    else:
        hint = did_you_mean(name, columns) or f"for text write '{name}'"
    raise SqlMistake("M302", f'unknown column "{name}" in this expression', start, length, hint)
