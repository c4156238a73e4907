"""The tables of docs/mapping.md, made from the code, so that the page cannot lie.

Fill them anew from the top of the checkout with

    python -m pipeline.mapping.page < docs/mapping.md > new.md && mv new.md docs/mapping.md
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping

from pydantic import BaseModel

from pipeline.mapping.converters import FALSE_WORDS, TRUE_WORDS
from pipeline.mapping.extract import readable, standings
from pipeline.mapping.formats import LETTERS
from pipeline.mapping.language import (
    ExpectationDoc,
    ExplodeDoc,
    PartDoc,
    RecordsDoc,
    RecordTypeDoc,
    RepairDoc,
    SourceDoc,
    TrailerDoc,
)
from pipeline.mapping.mistakes import MISTAKES
from pipeline.mapping.plan import ColumnType
from pipeline.mapping.sql import FUNCTIONS, KEYWORDS
from pipeline.mapping.steps import EXPLAINED
from pipeline.mapping.trials import RULE_WORDS
from pipeline.mapping.values import KINDS_FOR_AS
from pipeline.model.edi.definition import Message, Syntax

_BLOCK = re.compile(r"<!-- table: (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    cells = (" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {line} |\n" for line in cells)


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _keys(model: type[BaseModel], besides: type[BaseModel] = BaseModel) -> str:
    """The keys of a model, without those of another that it is made from."""

    def default(value: object) -> str:
        if value in (None, {}, []) or isinstance(value, BaseModel):
            return ""
        return f"`{'true' if value is True else json.dumps(value) if isinstance(value, list) else value}`"

    return _table(
        ("key", "required", "default", ""),
        (
            (f"`{info.alias or name}`", "yes" if info.is_required() else "no", "" if info.is_required() else default(info.default), info.description or "")
            for name, info in model.model_fields.items() if name not in besides.model_fields
        ),
    )  # fmt: skip


def _levels() -> str:
    def row(message: Message) -> tuple[str, ...]:
        return (
            f"{message.syntax.upper()} `{message.type}`", message.name, _code(message.rows),
            _code(standings(message)),
        )  # fmt: skip

    messages = (row(message) for syntax in Syntax for message in readable(syntax).values())
    return _table(("message", "", "rows", "levels, from outside"), messages)


TABLES: Mapping[str, Callable[[], str]] = {
    "source": lambda: _keys(SourceDoc),
    "sources": lambda: _keys(PartDoc, besides=SourceDoc),
    "expect": lambda: _keys(ExpectationDoc),
    "trailer": lambda: _keys(TrailerDoc),
    "repair": lambda: _keys(RepairDoc),
    "records": lambda: _keys(RecordsDoc),
    "recordtype": lambda: _keys(RecordTypeDoc),
    "explode": lambda: _keys(ExplodeDoc),
    "levels": _levels,
    "steps": lambda: _table(
        ("step", "does"), ((f"`{written}`", does) for written, does in EXPLAINED.values())
    ),
    "types": lambda: (
        f"`source.columns`: {_code(ColumnType)}. `as`: {_code(KINDS_FOR_AS)}.\n\n"
        f"Yes is written {_code(TRUE_WORDS)}; no is written {_code(FALSE_WORDS)}; "
        "capitals do not matter.\n"
    ),
    "letters": lambda: _table(
        ("letter", "reads"), ((f"`{name}`", letter.reads) for name, letter in LETTERS.items())
    ),
    "functions": lambda: (
        f"Words: {_code(sorted(KEYWORDS))}.\n\n"
        + _table(
            ("function",), ((f"`{text.replace(': ', '`: ', 1)}",) for text in FUNCTIONS.values())
        )
    ),
    "rules": lambda: ", ".join(f"`{word}` {code}" for word, code in RULE_WORDS.items()) + ".\n",
    "mistakes": lambda: _table(
        ("code", "what", "why", "what to do"),
        ((row.code, row.title, row.why, row.fix) for row in MISTAKES.values()),
    ),
}


def filled(page: str) -> str:
    r"""The page with every table between its marks made anew.

    >>> filled("<!-- table: types -->\nold\n<!-- end -->").splitlines()[2][:36]
    '`source.columns`: `integer`, `decima'
    """

    def made(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- table: {name} -->\n\n{TABLES[name]()}\n<!-- end -->"

    return _BLOCK.sub(made, page)


if __name__ == "__main__":
    sys.stdout.write(filled(sys.stdin.read()))
