"""What no mapping may exceed, so that one from somewhere else costs bounded time and memory (FAULTS S3).

The limits lie far above what an export needs; they are known before a cell is read. Most of them
count. How long a value can become has to be reckoned: a template that names a column twice doubles it, and thirty of them in a
row make a thousand million of it; so do steps that replace a letter by ten. Lengths are counted in
cells, and fixed text in pieces of 100 characters, for which a long cell stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, prod
from typing import NamedTuple

import re2  # type: ignore[import-untyped]

from pipeline.mapping.document import Data, Path
from pipeline.mapping.sql import FUNCTIONS, KEYWORDS, SqlMistake, Token, last_argument, lex
from pipeline.mapping.templates import TemplateMistake, parts_of

VALUE_MAX = 200  # cells: far more than an export has columns with text
TOTAL_MAX = 5_000  # of all values of a row together
TEMPLATE_PARTS_MAX = 100
CASES_MAX = 200  # one condition each; a table holds longer lists
NESTED_MAX = 4  # values inside values, each of which is needed several times
STEPS_MAX = 20  # of one value
VALUES_MAX = 600  # of a mapping; the API has 150 fields
COLUMNS_MAX = 300  # in `source.columns`
PROGRAMS_MAX = 100_000  # instructions of all patterns; `[a-z]{1,900}` has 1,803
SQL_MAX = 50_000  # characters of all expressions
_NESTING = frozenset({"cases", "first_of"})
TOO_LONG = "this value can become many times as long as the cells of a row"
_PIECE = 100  # characters

_NO_COLUMN = KEYWORDS | frozenset(FUNCTIONS)

_PIECES = "and fixed text counts by 100 characters"

Growths = Mapping[str, float]  # of derived columns, in cells; every other column is one


class Excess(NamedTuple):
    """What is too much, and what to do (M230)."""

    message: str
    hint: str


@dataclass(slots=True)
class Spent:
    """What a mapping has used of its bounds; `growths` are of derived columns."""

    growths: dict[str, float] = field(default_factory=dict)
    cells: float = 0.0
    values: int = 0
    characters: int = 0
    instructions: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether a bound was passed that counts: what follows is not judged any more."""
        return (
            self.values > VALUES_MAX
            or self.characters > SQL_MAX
            or self.instructions > PROGRAMS_MAX
        )

    def on_value(
        self, data: Data, path: Path, lookups: Mapping[str, Mapping[str, str]]
    ) -> Excess | None:
        """Count a whole value in; gives what is too much, each kind of it once."""
        self.values += 1
        if self.values == VALUES_MAX + 1:
            return Excess(f"a mapping has at most {VALUES_MAX} values", "split it into several")
        made = growth(data, self.growths, lookups)
        self.cells += made if made <= VALUE_MAX else 0.0
        if path[:1] == ("derive",):
            self.growths[str(path[-1])] = made if made <= VALUE_MAX else 0.0
        if made > VALUE_MAX:
            return Excess(TOO_LONG, f"a value is at most {VALUE_MAX} cells long, {_PIECES}")
        if self.cells > TOTAL_MAX:
            self.cells = 0.0
            text = "all values of a row together can become too long"
            return Excess(text, f"they are at most {TOTAL_MAX:,} cells long, {_PIECES}")
        return None

    def on_expression(self, sql: str) -> Excess | None:
        """Count an expression in; gives what is too much."""
        before = self.characters
        self.characters += len(sql)
        if before <= SQL_MAX < self.characters:
            text = "the expressions of this mapping are too long together"
            return Excess(text, f"at most {SQL_MAX:,} characters; `lookups` hold long lists")
        if of_expression(sql, self.growths) > VALUE_MAX:
            return Excess(TOO_LONG, f"a text is at most {VALUE_MAX} times as long as a cell")
        return self.on_patterns(_patterns_in(sql))

    def on_patterns(self, patterns: Iterable[str]) -> Excess | None:
        """Count patterns in, as often as they are used; gives what is too much."""
        before = self.instructions
        for pattern in patterns:
            if self.instructions <= PROGRAMS_MAX:
                self.instructions += _instructions(pattern)
        if before <= PROGRAMS_MAX < self.instructions:
            text = "the patterns of this mapping are too large together"
            return Excess(
                text, "`{1,900}` is as large as 900 of them: write `+`, and `slice` first"
            )
        return None


def _patterns_in(sql: str) -> list[str]:
    try:
        tokens = lex(sql)
    except SqlMistake:
        return []
    pairs = pairwise(tokens)
    return [text.text[1:-1] for word, text in pairs if word.upper == "REGEXP" and text.kind == "text"]  # fmt: skip


def _instructions(pattern: str) -> int:
    options = re2.Options()
    options.log_errors = False  # what is no pattern is a mistake where it stands
    try:
        return int(re2.compile(pattern, options).programsize)
    except re2.error:
        return 0


def too_nested(path: Path) -> bool:
    """Whether a value stands too deep inside others."""
    return sum(step in _NESTING for step in path) > NESTED_MAX


def growth(data: Data, columns: Growths, lookups: Mapping[str, Mapping[str, str]]) -> float:
    """How many cells long what a VALUE makes can be; what it has wrong counts as nothing.

    >>> growth({"template": "{A}-{B}"}, {"A": 8.0}, {}), growth({"value": "x" * 200}, {}, {})
    (9.01, 2.0)
    """
    if isinstance(data, str):
        return columns.get(data, 1.0)
    if not isinstance(data, dict):
        return 0.0
    made = _cleaned(_picked(data, columns, lookups), data.get("do"))
    if isinstance(data.get("lookup"), str):
        table = lookups.get(str(data["lookup"]), {})
        longest = max(map(len, table.values()), default=0) / _PIECE
        made = max(longest, made) if data.get("unknown") == "keep" else longest
    return max(made, _fixed(data.get("default")))


def of_expression(sql: str, columns: Growths) -> float:
    """How many cells long the text of an SQL expression can be.

    >>> of_expression("CONCAT(A, A, B)", {}), of_expression("REPLACE(A, 'x', 'yyyy')", {})
    (3.0, 4.0)
    """
    try:
        tokens = lex(sql)
    except SqlMistake:
        return 0.0
    named = [_of_token(token, columns) for token in tokens]
    joins = any(token.text == "||" or token.upper in {"CONCAT", "CONCAT_WS"} for token in tokens)
    base = sum(named) if joins else max(named, default=0.0)
    return base * prod(_of_replace(tokens, i) for i, t in enumerate(tokens) if t.upper == "REPLACE")


def _of_token(token: Token, columns: Growths) -> float:
    if token.kind == "text":
        return (len(token.text) - 2) / _PIECE
    named = token.kind == "column" or (token.kind == "word" and token.upper not in _NO_COLUMN)
    return columns.get(token.name, 1.0) if named else 0.0


def _of_replace(tokens: Sequence[Token], at: int) -> float:
    """The factor of one REPLACE; what is not plain text there may be a whole cell."""
    last = last_argument(tokens, at + 1)
    if last < 3 or last >= len(tokens):
        return 1.0
    new, old = tokens[last], tokens[last - 2]
    if new.kind != "text" or [token.text for token in tokens[last + 1 : last + 2]] != [")"]:
        return float(_PIECE)
    length = len(new.text) - 2
    if old.kind != "text":
        return 1.0 + length
    return max(1.0, length / (len(old.text) - 2)) if len(old.text) > 2 else 1.0 + length


def _picked(
    data: dict[str, Data], columns: Growths, lookups: Mapping[str, Mapping[str, str]]
) -> float:
    found = 0.0
    if isinstance(data.get("from"), str):
        found = columns.get(str(data["from"]), 1.0)
    found = max(found, _fixed(data.get("value")))
    if isinstance(data.get("template"), str):
        found = max(found, _of_template(str(data["template"]), columns))
    if isinstance(data.get("sql"), str):
        found = max(found, of_expression(str(data["sql"]), columns))
    for key in ("first_of", "cases"):
        items = data.get(key)
        for item in items if isinstance(items, list) else ():
            found = max(found, growth(item, columns, lookups))
    return found


def _fixed(text: Data | None) -> float:
    return len(text) / _PIECE if isinstance(text, str) else 0.0


def _of_template(template: str, columns: Growths) -> float:
    try:
        literals, names = parts_of(template)
    except TemplateMistake:
        return 0.0
    if len(names) > TEMPLATE_PARTS_MAX:
        return inf
    return sum(columns.get(name, 1.0) for name in names) + sum(map(len, literals)) / _PIECE


def _cleaned(made: float, steps: Data | None) -> float:
    for each in steps if isinstance(steps, list) else ():
        match each:
            case {"replace": [str(old), str(new)]} if old:
                made *= max(1.0, len(new) / len(old))
            case {"pad_left": [str(length), *_]} if length.isdecimal():
                made = max(made, min(int(length), 1_000) / _PIECE) if len(length) < 7 else made
    return made
