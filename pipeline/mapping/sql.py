"""Polars SQL for conditions and small arithmetic, behind an allow-list lexer (MAPPING §0.3, §1).

`pl.sql_expr("x IN (SELECT c FROM read_csv('/etc/hostname'))")` opens the file while it parses, so
nothing reaches Polars before every token is known to be harmless: 'strings', "columns", numbers,
operators, the keywords and functions listed here. After it, the columns that Polars reads must be
exactly those that the lexer saw.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise

import polars as pl
from polars.exceptions import PanicException, PolarsError

from pipeline.mapping.converters import DECIMAL
from pipeline.mapping.guard import guarded
from pipeline.mapping.mistakes import did_you_mean

LATER_HINT = "a derived column can be used below its own line only"
LENGTH_MAX = 2_000
DEPTH_MAX = 20  # parentheses; each NOT and sign nests too, and the parser recurses

KEYWORDS = frozenset(
    {"AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE", "BETWEEN", "CASE", "WHEN", "THEN",
     "ELSE", "END", "TRUE", "FALSE", "REGEXP"}
)  # fmt: skip
FUNCTIONS: Mapping[str, str] = {
    "ABS": "ABS(n): without its sign",
    "CEIL": "CEIL(n): the next whole number",
    "COALESCE": "COALESCE(a, b, …): the first that is not empty",
    "CONCAT": "CONCAT(a, b, …): joined; empty parts are left out",
    "CONCAT_WS": "CONCAT_WS('-', a, b, …): joined with a text between",
    "DATE_PART": "DATE_PART('year', d): also 'month', 'day', 'hour' …",
    "ENDS_WITH": "ENDS_WITH(a, 'x'): true or false",
    "FLOOR": "FLOOR(n): the whole number before",
    "GREATEST": "GREATEST(a, b, …): the largest",
    "IF": "IF(condition, a, b): a where it holds, else b",
    "IFNULL": "IFNULL(a, b): b where a is empty",
    "LEAST": "LEAST(a, b, …): the smallest",
    "LEFT": "LEFT(a, n): the first n characters",
    "LENGTH": "LENGTH(a): how many characters",
    "LOWER": "LOWER(a): in small letters",
    "LTRIM": "LTRIM(a): without blanks before",
    "MOD": "MOD(n, 2): the rest of a division",
    "NULLIF": "NULLIF(a, b): empty where a equals b",
    "REPLACE": "REPLACE(a, 'x', 'y'): every x becomes y",
    "RIGHT": "RIGHT(a, n): the last n characters",
    "ROUND": "ROUND(n, 2): to so many decimals",
    "RTRIM": "RTRIM(a): without blanks after",
    "SIGN": "SIGN(n): -1, 0 or 1",
    "STARTS_WITH": "STARTS_WITH(a, 'x'): true or false",
    "STRPOS": "STRPOS(a, 'x'): the character at which the text x begins, from 1; 0 for nowhere",
    "SUBSTR": "SUBSTR(a, 2, 3): from the 2nd character, 3 of them",
    "TRIM": "TRIM(a): without blanks around",
    "UPPER": "UPPER(a): in capitals",
}
AGGREGATES = frozenset(
    {"SUM", "MIN", "MAX", "AVG", "MEAN", "COUNT", "FIRST", "LAST", "MEDIAN", "STDDEV", "VARIANCE",
     "ARRAY_AGG", "STRING_AGG", "QUANTILE_CONT"}
)  # fmt: skip
CASTS = frozenset({"CAST", "TRY_CAST", "STRPTIME", "TIMESTAMP", "DATE", "CONVERT"})
RESERVED = frozenset(
    {"ALL", "ANALYZE", "ANY", "ARRAY", "AS", "ASC", "AT", "BINARY", "BY", "CLUSTER", "COLLATE",
     "CREATE", "CROSS", "CUBE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "DELETE",
     "DESC", "DESCRIBE", "DISTINCT", "DISTRIBUTE", "DIV", "DROP", "ESCAPE", "EXCEPT", "EXCLUDE",
     "EXISTS", "EXPLAIN", "EXTRACT", "FETCH", "FILTER", "FROM", "FULL", "GLOB", "GROUP", "GROUPING",
     "HAVING", "IGNORE", "INSERT", "INTERSECT", "INTERVAL", "INTO", "ISNULL", "JOIN", "LAMBDA",
     "LATERAL", "LIMIT", "MATCH", "MERGE", "MINUS", "NATURAL", "NOTNULL", "OFFSET", "ON", "ORDER",
     "OUTER", "OVER", "OVERLAPS", "PARTITION", "PIVOT", "POSITION", "PREWHERE", "PRIOR", "QUALIFY",
     "RESPECT", "RLIKE", "ROLLUP", "ROW", "SAMPLE", "SELECT", "SET", "SETTINGS", "SIMILAR", "SOME",
     "SORT", "STRUCT", "SYMMETRIC", "TABLE", "TO", "TOP", "UNION", "UNKNOWN", "UNNEST", "UNPIVOT",
     "UPDATE", "USING", "VALUES", "VIEW", "WHERE", "WINDOW", "WITH", "WITHIN", "XOR"}
)  # fmt: skip

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
      | (?P<text>'(?:[^']|'')*')
      | (?P<column>"(?:[^"]|"")*")
      | (?P<number>[0-9]+(?:\.[0-9]+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<operator><=|>=|<>|!=|\|\||-(?!-)|/(?!\*)|[+*%<>=(),])""",
    re.VERBOSE,
)
_ARITHMETIC = frozenset({"*", "/", "%", "MOD"})


class SqlMistake(Exception):  # noqa: N818 - the compiler turns it into a Mistake with a place
    """What is wrong with an expression; `start` and `length` count characters inside it."""

    def __init__(self, code: str, message: str, start: int, length: int, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.length = length
        self.hint = hint
        self.others: tuple[SqlMistake, ...] = ()  # further names that the same expression has wrong


@dataclass(frozen=True, slots=True)
class Token:
    """One token other than a blank; `text` is as written, `start` counts characters from 0."""

    kind: str
    text: str
    start: int

    @property
    def upper(self) -> str:
        """The word as keywords and functions are compared."""
        return self.text.upper() if self.kind == "word" else self.text

    @property
    def name(self) -> str:
        """The column that the token would name."""
        return self.text[1:-1].replace('""', '"') if self.kind == "column" else self.text

    def mistake(self, message: str, hint: str = "", code: str = "M301") -> SqlMistake:
        """A mistake at this token."""
        return SqlMistake(code, message, self.start, len(self.text), hint)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression, its type, and the columns that it reads in order of appearance.

    `fails` is true for rows whose numbers are too large to be calculated with; their value is null.
    """

    sql: str
    columns: tuple[str, ...]
    expr: pl.Expr
    dtype: pl.DataType
    fails: pl.Expr | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The columns that an expression may use.

    `all` is None when the header is not known: then every name may, except those in `later`, which
    are derived further down. `schema` holds the types of those that are not text.
    """

    all: Collection[str] | None
    schema: Mapping[str, pl.DataType] = field(default_factory=dict)
    later: Collection[str] = ()

    def dtype(self, name: str) -> pl.DataType:
        """The type in which expressions see a column."""
        return self.schema.get(name, pl.String())


def compile_sql(sql: str, names: Names, *, condition: bool) -> Expression:
    """Compile one row-wise expression; a `condition` must be true or false.

    Raises:
        SqlMistake: M301 to M306.
    """
    tokens = lex(sql)
    used = columns_of(tokens, names)
    _shape(tokens)
    _sums(tokens, names)
    dtypes = {name: names.dtype(name) for name in used}
    expr = _parsed(sql, used, tokens)
    made = _tried(sql, expr, dtypes)
    if condition and made != pl.Boolean:
        raise SqlMistake(
            "M306", "a condition must be true or false", 0, len(sql), "compare: Status = 'NEU'"
        )
    numeric = any(dtype.is_numeric() for dtype in dtypes.values())
    if numeric and any(token.upper in _ARITHMETIC for token in tokens):
        divides = any(token.text == "/" for token in tokens)
        wide, made = _widened(sql, expr, dtypes, made, divides=divides)
        expr, fails = guarded(expr, wide, made)
        return Expression(sql, tuple(used), expr, made, fails)
    return Expression(sql, tuple(used), expr, made)


# -- before Polars sees it --------------------------------------------------------------------


def lex(sql: str) -> list[Token]:
    """Take an expression apart; every token is of a kind that may be there.

    Raises:
        SqlMistake: M301 for a character or a combination that has no meaning here.
    """
    if len(sql) > LENGTH_MAX:
        hint = f"at most {LENGTH_MAX:,} characters; `lookups` and `cases` hold long lists"
        raise SqlMistake("M301", "this expression is too long", 0, len(sql), hint)
    tokens: list[Token] = []
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None:
            raise _meaningless(sql, at)
        token = Token(str(match.lastgroup), match.group(), at)
        if token.kind in {"text", "column"} and tokens and _touches(tokens[-1], at):
            # E'…', X'…' and the like are literals of other kinds
            raise token.mistake(
                "a quoted text cannot follow a word directly", "put a blank between"
            )
        at = match.end()
        if token.kind != "blank":
            tokens.append(token)
    return tokens


def _touches(before: Token, at: int) -> bool:
    return before.kind in {"word", "number"} and before.start + len(before.text) == at


def _meaningless(sql: str, at: int) -> SqlMistake:
    hint = "text needs single quotes: 'STORNO'"
    if sql[at] in "'\"":
        return SqlMistake("M301", "a quote is not closed", at, len(sql) - at, hint)
    if sql[at : at + 2] in {"--", "/*"}:
        return SqlMistake("M301", "an expression has no comments", at, 2, "write - -x with a blank")
    if sql[at] == ";":
        hint = "an expression sees one row only"
    return SqlMistake("M301", f'"{sql[at]}" has no meaning here', at, 1, hint)


def columns_of(tokens: Sequence[Token], names: Names) -> list[str]:
    """The columns that are named, in order; every other word is a keyword or a function.

    Raises:
        SqlMistake: M301 to M304 for a word that is neither.
    """
    used: dict[str, None] = {}
    wrong: dict[str, SqlMistake] = {}
    for i, token in enumerate(tokens):
        called = i + 1 < len(tokens) and tokens[i + 1].text == "("
        try:
            if token.kind == "column":
                if called:  # "read_csv"('/etc/hostname') would be a call too
                    raise token.mistake(
                        "a quoted name is a column", "functions stand without quotes"
                    )
                _known(token, token.name, names)
                used[token.name] = None
            elif token.upper not in KEYWORDS and _is_column(token, names, called=called):
                used[token.text] = None
        except SqlMistake as error:
            wrong.setdefault(token.name, error)
            if error.code != "M302":  # what follows may not be what it seems
                break
    if wrong:
        first, *others = wrong.values()
        first.others = tuple(others)
        raise first
    return list(used)


def _is_column(token: Token, names: Names, *, called: bool) -> bool:
    if token.kind != "word":
        return False
    if token.upper in RESERVED:
        hint = "an expression sees one row only"
        if names.all is None or token.text in names.all:
            hint = f'a column of that name is written "{token.text}" with double quotes'
        raise token.mistake(f"{token.upper} is not part of the language", hint)
    if not called:
        _known(token, token.text, names)
        return True
    if token.upper in CASTS:
        message = "CAST and STRPTIME stop the whole file at the first bad row"
        fix = "declare the column, such as source.columns: {Qty: integer}, and leave this out: bad cells are then rejected one by one"
        raise token.mistake(message, fix, "M303")
    if token.upper in AGGREGATES:
        message = "this expression mixes rows (an aggregate such as SUM or MAX)"
        raise token.mistake(message, "use `aggregate: sum` on an order field", "M304")
    if token.upper not in FUNCTIONS:
        hint = did_you_mean(token.upper, FUNCTIONS) or f"there are: {', '.join(FUNCTIONS)}"
        raise token.mistake(f'"{token.text}" is not a function of the language', hint)
    return False


def _known(token: Token, name: str, names: Names) -> None:
    message = f'unknown column "{name}" in this expression'
    if name in names.later:
        raise token.mistake(message, LATER_HINT, "M302")
    if names.all is None or name in names.all:
        return
    near = did_you_mean(name, names.all, parts=token.kind == "word")
    if token.kind == "column":
        fixed = f"text needs single quotes: '{name}'. Double quotes mean a column"
        raise token.mistake(message, f"{fixed}; {near}" if near else fixed, "M302")
    raise token.mistake(message, near or f"for text write '{name}'", "M302")


def _shape(tokens: Sequence[Token]) -> None:
    """What the tokens must be together: balanced, not too deep, no division that can hit zero."""
    depth = nested = 0
    for i, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "operator" else 0
        nested += token.upper in {"NOT", "-", "+", "CASE"}
        if depth < 0:
            raise token.mistake("this parenthesis was never opened", "remove it")
        if depth > DEPTH_MAX or nested > LENGTH_MAX // DEPTH_MAX:
            raise token.mistake("this expression is nested too deeply", "derive parts of it first")
        following = tokens[i + 1 : i + 2]
        if token.text in {"/", "%"} and token.kind == "operator":
            _divisor(tokens, i + 1, token)
        elif token.upper == "MOD" and following and following[0].text == "(":
            _divisor(tokens, last_argument(tokens, i + 1), token)
        elif token.upper == "REGEXP" and not (following and following[0].kind == "text"):
            raise token.mistake("REGEXP takes a fixed pattern", "REGEXP '^[0-9]+$'")
    if depth:
        opened = next(token for token in tokens if token.text == "(")
        raise opened.mistake("a parenthesis is not closed", "add )")


def _sums(tokens: Sequence[Token], names: Names) -> None:
    """Polars joins texts by +, so columns that were not declared would give 1 + 2 = 12."""
    for i, token in enumerate(tokens):
        if token.text != "+" or token.kind != "operator":
            continue
        for near in (*tokens[max(0, i - 1) : i], *tokens[i + 1 : i + 2]):
            called = near.kind == "word" and tokens[i + 2 : i + 3] and tokens[i + 2].text == "("
            if _is_text(near, names) and not called:
                hint = "declare numbers under source.columns; texts are joined by ||"
                raise near.mistake(f"{near.text} is text, and + adds numbers", hint, "M305")


def _is_text(token: Token, names: Names) -> bool:
    if token.kind == "text":
        return True
    name = token.text[1:-1].replace('""', '"') if token.kind == "column" else token.text
    named = token.kind == "column" or (token.kind == "word" and token.upper not in KEYWORDS)
    return named and names.dtype(name) == pl.String


def _divisor(tokens: Sequence[Token], at: int, operator: Token) -> None:
    """A division by zero stops Polars, so a divisor is a number, or NULLIF(…, 0)."""
    if at < len(tokens):
        first = tokens[at]
        if first.kind == "number" and float(first.text) != 0:
            return
        if first.upper == "NULLIF" and at + 1 < len(tokens) and tokens[at + 1].text == "(":
            last = last_argument(tokens, at + 1)
            inside = tokens[last : last + 2]
            if [token.text for token in inside] == ["0", ")"]:
                return
    hint = "divide by a number, or by NULLIF(…, 0), which gives nothing for zero"
    raise operator.mistake("a division by zero would stop the run", hint)


def last_argument(tokens: Sequence[Token], opened: int) -> int:
    """Where the last argument of the call whose parenthesis stands at `opened` begins."""
    depth, last = 0, opened + 1
    for i in range(opened, len(tokens)):
        text = tokens[i].text if tokens[i].kind == "operator" else ""
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth == 0:
            break
        if text == "," and depth == 1:
            last = i + 1
    return last


def _with_positions(sql: str, tokens: Sequence[Token]) -> str:
    """The expression for Polars, each STRPOS made of what counts characters.

    That of Polars takes its second argument for a pattern, so that `.` stands anywhere and a cell with
    `(` in it stops the whole file, and counts bytes, so that behind an umlaut all are one too many.

    Raises:
        SqlMistake: M301, what is looked for is no fixed text, or a position is looked for in a text
            that is made with another one, which would multiply the expression.
    """
    made, behind = "", 0
    for at, (word, after) in enumerate(pairwise(tokens)):
        if word.upper != "STRPOS" or after.text != "(":
            continue
        last, end = _position_in(tokens, at)
        text = f"({sql[after.start + 1 : tokens[last - 1].start]})"
        before = f"SPLIT_PART({text}, {tokens[last].text}, 1)"
        made += sql[behind : word.start]
        made += (
            f"(CASE WHEN {text} IS NULL OR {before} = {text} THEN 0 ELSE LENGTH({before}) + 1 END)"
        )
        behind = tokens[end].start + 1
    return made + sql[behind:]


def _position_in(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """Where the text stands that the call at `at` looks for, and where its parenthesis is closed."""
    hint = "STRPOS(Name, '-')"
    word, last = tokens[at], last_argument(tokens, at + 1)
    if last <= at + 3:  # no comma, or nothing before it
        raise word.mistake("STRPOS takes a text, and what it looks for in it", hint)
    sought = tokens[last]
    if sought.kind != "text" or len(sought.text) == 2 or tokens[last + 1].text != ")":
        raise sought.mistake("STRPOS looks for a fixed text", hint)
    for inner in tokens[at + 1 : last]:
        if inner.upper == "STRPOS":
            raise inner.mistake("a STRPOS stands inside of another", "derive the inner one first")
    return last, last + 1


# -- after it ---------------------------------------------------------------------------------


def _parsed(sql: str, used: Collection[str], tokens: Sequence[Token]) -> pl.Expr:
    written = _with_positions(sql, tokens)
    try:
        expr = pl.sql_expr(written)
        read = set(expr.meta.root_names())
    except (PolarsError, PanicException):
        raise _unreadable(sql, tokens) from None
    try:  # in parentheses nothing can trail behind, such as an alias
        pl.sql_expr(f"({written})")
    except (PolarsError, PanicException):
        hint = "conditions are joined by AND or OR, texts by ||"
        raise SqlMistake("M301", "this is more than one expression", 0, len(sql), hint) from None
    if read != set(used):
        names = ", ".join(f'"{name}"' for name in sorted(set(used) ^ read))
        hint = "a column whose name SQL reads as something else is written in double quotes"
        raise SqlMistake("M301", f"not all of this is one expression: {names}", 0, len(sql), hint)
    return expr


# Three rows, because some functions work on one row and not on several.
_SAMPLES: Mapping[type[pl.DataType], list[object]] = {
    pl.String: ["", "a1", None],
    pl.Int64: [0, -3, None],
    pl.Int128: [0, -3, None],
    pl.Decimal: [0, -3, None],
    pl.Boolean: [False, True, None],
    pl.Date: [date(1900, 1, 1), date(2026, 11, 20), None],
    pl.Datetime: [datetime(1900, 1, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC), None],
}
_RESULTS = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Null)


def _tried(sql: str, expr: pl.Expr, dtypes: Mapping[str, pl.DataType]) -> pl.DataType:
    """Evaluate it once, so that it cannot fail on the rows of the night; gives its type."""
    samples = [
        pl.Series(name, _SAMPLES[dtype.base_type()], dtype, strict=False)
        for name, dtype in dtypes.items()
    ]
    try:
        made = pl.DataFrame(samples).lazy().select(expr.alias("made")).collect().schema["made"]
    except (PolarsError, PanicException) as error:
        raise _unfitting(sql, dtypes, error) from None
    if not made.is_numeric() and not isinstance(made, _RESULTS):
        message = f"this expression gives a {str(made).split('(', maxsplit=1)[0].lower()}"
        raise SqlMistake(
            "M305", message, 0, len(sql), "a value is text, a number, a date or yes/no"
        )
    return made


def _widened(
    sql: str, expr: pl.Expr, dtypes: Mapping[str, pl.DataType], made: pl.DataType, *, divides: bool
) -> tuple[Mapping[str, pl.DataType], pl.DataType]:
    """Whole numbers in a type that calculates exactly, where the expression can take it.

    64 bits wrap silently where they are multiplied, and are binary fractions where they are divided:
    of 1234567891 cents these would make 12345678.910000000149.
    """
    for kind in (DECIMAL, pl.Int128()) if divides else (pl.Int128(),):
        wide = {n: kind if dtype == pl.Int64 else dtype for n, dtype in dtypes.items()}
        try:
            return wide, _tried(sql, expr, wide)
        except SqlMistake:
            continue
    return dtypes, made


# Types as `source.columns` names them.
_TYPE_NAMES: Mapping[type[pl.DataType], str] = {
    pl.String: "text",
    pl.Int64: "an integer",
    pl.Int128: "an integer",
    pl.Decimal: "a decimal",
    pl.Boolean: "a boolean",
    pl.Date: "a date",
    pl.Datetime: "a datetime",
}


def _unreadable(sql: str, tokens: Sequence[Token]) -> SqlMistake:
    """What the parser does not take; its own words speak of its insides."""
    called = dict.fromkeys(token.upper for token in tokens if token.upper in FUNCTIONS)
    if called:
        message = "this expression cannot be read, or a function has other arguments than it takes"
        return SqlMistake("M301", message, 0, len(sql), "; ".join(FUNCTIONS[f] for f in called))
    hint = "something is missing or too much; docs/mapping.md lists what there is"
    return SqlMistake("M301", "this expression cannot be read", 0, len(sql), hint)


def _unfitting(sql: str, dtypes: Mapping[str, pl.DataType], error: BaseException) -> SqlMistake:
    """What cannot be calculated, by the types of its columns as the mapping declares them."""
    if "regex" in str(error):
        hint = "look-around and back-references are not offered"
        return SqlMistake("M305", "a pattern in this expression is not valid", 0, len(sql), hint)
    kinds = {name: _TYPE_NAMES[dtype.base_type()] for name, dtype in dtypes.items()}
    said = ", ".join(f"{name} is {kind}" for name, kind in kinds.items())
    texts = [name for name, kind in kinds.items() if kind == "text"]
    message = "the types in this expression do not fit together"
    if texts:
        each = f"{{{', '.join(f'{name}: decimal' for name in texts)}}}"
        hint = f"what holds numbers or dates is declared, such as source.columns: {each}"
    else:
        hint = "texts go with texts and numbers with numbers; functions of text take text"
    return SqlMistake("M305", f"{message}: {said}" if said else message, 0, len(sql), hint)
