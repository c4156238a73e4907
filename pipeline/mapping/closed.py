"""Comparisons with a looked-up column that cannot be true: its table never gives that text (W118)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from pipeline.mapping.document import Data
from pipeline.mapping.mistakes import did_you_mean
from pipeline.mapping.sql import lex

_LISTED = 8


@dataclass(frozen=True, slots=True)
class Foreign:
    """A text that a column never has; `start` counts characters of the expression from 0."""

    message: str
    hint: str
    start: int
    length: int


def closed_by(
    data: Data, lookups: Mapping[str, Mapping[str, str]]
) -> tuple[str, Collection[str]] | None:
    """The table that a VALUE is looked up in, and the texts that it then can have; None where it can have others."""
    if not isinstance(data, dict) or data.get("unknown") == "keep" or "as" in data:
        return None
    name = data.get("lookup")
    table = lookups.get(name) if isinstance(name, str) else None
    if not table:
        return None
    default = data.get("default")
    given = [default] if isinstance(default, str) else []
    return str(name), frozenset((*table.values(), *given))


def foreign_texts(sql: str, closed: Mapping[str, tuple[str, Collection[str]]]) -> Iterator[Foreign]:
    """The texts that an expression asks a looked-up column for, and that it never has."""
    if not closed:
        return
    tokens = lex(sql)
    for (left, sign), right in zip(pairwise(tokens), tokens[2:], strict=False):
        column, text = (right, left) if left.kind == "text" else (left, right)
        if column.kind not in {"column", "word"} or sign.text != "=" or text.kind != "text":
            continue
        if column.name not in closed:
            continue
        table, values = closed[column.name]
        asked = text.text[1:-1].replace("''", "'")
        if asked and asked not in values:
            there = sorted(values)
            more = f" and {len(there) - _LISTED} more" if len(there) > _LISTED else ""
            near = did_you_mean(asked, there)
            hint = f"it gives: {', '.join(there[:_LISTED])}{more}"
            message = f'lookups.{table} never gives "{asked}", so this is true for no row'
            yield Foreign(message, f"{near}; {hint}" if near else hint, text.start, len(text.text))
