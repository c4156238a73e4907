"""The catalogue as a page for people: docs/fields.md.

Write it anew from the top of the checkout with

    python -m pipeline.model.catalogue.page > docs/fields.md
"""

import sys
from collections.abc import Iterator

from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Field, Kind, Pii, Shape, Use

_INTRODUCTION = """\
# Fields of the Order API

This page is made from `pipeline/model/catalogue`; change the rows there, not this text.

How to read it:

- **kind**: what is sent. `money` and `amount` are decimals written as text, `integer` and `number`
  are JSON numbers, `datetime` carries an offset, `country` is ISO 3166-1 alpha-3. A kind in
  brackets names the section with its members.
- **use**: `always`, `on create` (a new order is refused without it), `inside the object` (needed
  when its object is sent), `recommended`, or `optional`. *Server* marks fields that only the server
  writes: they stand in answers and a mapping cannot name them.
- **limits**: lengths count characters, not bytes. *Identity A* needs all fields marked A, *B* needs
  the field marked B; one of the two identifies a parcel.
- **person**: what the value tells about someone, and so how reports mask it. An object or a list
  that holds personal data is `free` as a whole.
"""


def field_table() -> str:
    """Give the whole page: every shape with a table of its fields, in the order of payloads."""
    return "\n".join(line for part in _parts() for line in part) + "\n"


def _parts() -> Iterator[list[str]]:
    yield _INTRODUCTION.splitlines()
    for shape in SHAPES.values():
        yield _section(shape)


def _section(shape: Shape) -> list[str]:
    return [
        "",
        f"## {shape.name}",
        "",
        shape.doc,
        "",
        "| field | kind | use | limits | person | what it is |",
        "|---|---|---|---|---|---|",
        *(_row(field) for field in shape.fields),
    ]


def _row(field: Field) -> str:
    cells = (
        f"`{field.name}`",
        _kind(field),
        "*server*" if field.server_owned else _use(field),
        "; ".join(limits(field)),
        "" if field.pii is Pii.NONE else field.pii.value,
        field.doc,
    )
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _use(field: Field) -> str:
    return "" if field.use is Use.OPTIONAL else field.use.value


def _kind(field: Field) -> str:
    """The kind, with links to the sections of its members."""
    names = field.shapes or ((field.shape,) if field.shape else ())
    if not names:
        return field.kind.value
    return f"{field.kind.value} ({', '.join(f'[{name}](#{name})' for name in names)})"


def limits(field: Field) -> Iterator[str]:
    """The limits of a field in words, each apart."""
    if length := _span(field.min_length, field.max_length):
        yield f"{length} character{'' if length.endswith(' 1') else 's'}"
    if length := _span(field.item_min_length, field.item_max_length):
        yield f"each {length} characters"
    if field.minimum is not None:
        yield f"from {field.minimum}"
    if field.choices:
        some = "some of" if field.kind is Kind.CHOICES else ""
        yield " ".join(filter(None, (some, _code(*field.choices))))
    if field.literals:
        yield f"or {_code(*field.literals)}"
    if field.pattern:
        yield f"pattern {_code(field.pattern)}"
    if field.default is not None:
        yield f"default {_code(_json(field.default))}"
    if field.nullable:
        yield "may be null"
    if field.identity:
        yield f"identity {field.identity}"


def _span(least: int | None, most: int | None) -> str:
    if least is not None and least == most:
        return f"{least}"
    if least is not None and most is not None:
        return f"{least} to {most}"
    if most is not None:
        return f"at most {most}"
    return f"at least {least}" if least is not None else ""


def _code(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _json(value: str | bool) -> str:  # noqa: FBT001 - a default value, not a switch
    return value if isinstance(value, str) else str(value).lower()


if __name__ == "__main__":
    sys.stdout.write(field_table())
