"""Pieces of YAML: names, texts and values on one line."""

import json
import re
from collections.abc import Sequence

from pipeline.mapping.sql import AGGREGATES, CASTS, FUNCTIONS, KEYWORDS, RESERVED

_WORD = re.compile(r"[^\W\d_]\w*")
_OF_SQL = KEYWORDS | RESERVED | AGGREGATES | CASTS | frozenset(FUNCTIONS)
_PLAIN = re.compile(r"[^\W_](?:[\w./()+-]| (?=[\w./()&+-]))*[\w./()+-]|[^\W_]")


def bare(text: str) -> str:
    """Write a text as YAML takes it anywhere, in quotes only where it needs them.

    >>> bare("Ship To - Name"), bare("a: b"), bare("#"), bare("Preis, netto"), bare("N° Commande")
    ('Ship To - Name', '"a: b"', '"#"', '"Preis, netto"', '"N° Commande"')
    """
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def template(*columns: str, between: str = "-") -> str:
    """Write a template of columns.

    >>> template("Order", "Pos")
    '{template: "{Order}-{Pos}"}'
    """
    text = between.join(f"{{{each}}}" for each in columns)
    return f"{{template: {json.dumps(text, ensure_ascii=False)}}}"


def value(column: str, *, do: Sequence[str] = (), **keys: str) -> str:
    """Write a value of a column with steps and further keys; a bare word where there are none.

    >>> value("Land"), value("Mail", do=["lower"], default="_unset")
    ('Land', '{from: Mail, do: [lower], default: _unset}')
    """
    parts = [f"do: [{', '.join(do)}]"] if do else []
    parts += [
        f"{key}: {text if key in ('default', 'lookup', 'unknown', 'as') else json.dumps(text)}"
        for key, text in keys.items()
    ]
    return f"{{from: {bare(column)}, {', '.join(parts)}}}" if parts else bare(column)


def sql_name(column: str) -> str:
    """Write a column in an expression, in double quotes where its name needs them.

    >>> sql_name("PosID"), sql_name("Order Date"), sql_name("Order"), sql_name("left")
    ('PosID', '"Order Date"', '"Order"', '"left"')
    """
    if _WORD.fullmatch(column) and column.upper() not in _OF_SQL:
        return column
    return '"' + column.replace('"', '""') + '"'


def there(column: str) -> str:
    """Write the condition that a column has a value, as a YAML text.

    >>> print(there("Paket-Nr"), there("PosID"))
    '"Paket-Nr" IS NOT NULL' PosID IS NOT NULL
    """
    if sql_name(column) == column:
        return f"{column} IS NOT NULL"
    return "'" + f"{sql_name(column)} IS NOT NULL".replace("'", "''") + "'"
