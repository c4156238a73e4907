"""What an order says, field by field, however it is written: the form in which two orders compare.

The same function reads what we send and what parcelLab gives back, so both sides pass the same
rules. Nothing (absent, null, "", an empty list or object, the documented default) is no field.
Numbers are compared as numbers, moments as moments, lists that are sets without their order; text
is text: "01067" is not "1067". What the server owns, and what the catalogue does not know, is left
out (CONTRACT §5).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from types import MappingProxyType

from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Field, Kind

# The server keeps these of an order itself, or the request is found by them.
_NOT_SAID = frozenset({"account", "order_number", "external_id", "mutations", "trackings"})
# A courier goes on adding checkpoints to a parcel.
_GROWING = frozenset({"checkpoints"})
_BETWEEN = "\x1e"
_NUMBER_MAX = 40  # digits; what is longer is compared as text
_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.AMOUNT})
_LINE_ID = "line_item_id"
_SIMPLE = re.compile(r"(?!-?0(?:\.0*)?$)-?(?:0|[1-9]\d{0,18})(?:\.\d{1,18})?", re.ASCII).fullmatch

Said = dict[str, str]


def order_says(order: Mapping[str, object]) -> Said:
    r"""Each field of an order that says something, by its path, in a form that compares.

    Lines are read by column: `articles_order.sku` holds the SKUs of all lines, by line id.

    >>> order_says({"order_number": "A1", "order_total_amount": "12.50", "tags": ["b", "a"]})
    {'order_total_amount': '12.5', 'tags': 'a\x1eb'}
    >>> order_says({"shipping_address": {"city": "Köln", "region_code": None}})
    {'shipping_address.city': 'Köln'}
    """
    said: Said = {}
    _read(order, _readers("order"), said)
    return said


def tracking_says(tracking: Mapping[str, object]) -> Said:
    """The same of a tracking; its checkpoints are left out, for the courier goes on adding some.

    >>> tracking_says({"courier": "dhl-germany", "shipping_weight_unit": "g", "checkpoints": []})
    {'courier': 'dhl-germany'}
    """
    said: Said = {}
    _read(tracking, _readers("tracking"), said)
    return said


@cache
def paths(shape: str) -> tuple[str, ...]:
    """All paths that an order or a tracking can have, in the order of the catalogue."""
    return tuple(_paths(shape, ""))


def _paths(shape: str, before: str) -> Iterator[str]:
    for name, field in _fields(shape).items():
        if (field.kind is Kind.OBJECT and field.shape) or _by_column(field):
            yield from _paths(str(field.shape), f"{before}{name}.")
        else:
            yield before + name


@cache
def _fields(shape: str) -> Mapping[str, Field]:
    """The fields of a shape that are compared, by name."""
    out = _NOT_SAID if shape == "order" else _GROWING if shape == "tracking" else frozenset()
    return MappingProxyType({
        field.name: field
        for field in SHAPES[shape].fields
        if field.name not in out and not field.server_owned
    })  # fmt: skip


def _by_column(field: Field) -> bool:
    """Whether a field is a list of things with an id of their own."""
    return (
        field.kind is Kind.OBJECTS
        and field.shape is not None
        and SHAPES[field.shape].field(_LINE_ID) is not None
    )


Write = Callable[[object], str]
Deep = Callable[[object, Said], None]
# How a field is read: its path, how its value is written (None: text as it is), what is as good as
# none, and, where it has fields of its own, what reads these.
Reader = tuple[str, Write | None, tuple[object, ...], Deep | None]


@cache
def _readers(shape: str, before: str = "") -> Mapping[str, Reader]:
    """How each field of a shape is read, by name: built once, for it is asked for every order."""
    made: dict[str, Reader] = {}
    for name, field in _fields(shape).items():
        path = before + name
        deep: Deep | None = None
        if field.kind is Kind.OBJECT and field.shape:
            deep = partial(_read_object, path, _readers(field.shape, f"{path}."))
        elif _by_column(field):
            deep = partial(_read_columns, path, _readers(str(field.shape)))
        none = (*field.literals, *(() if field.default is None else (field.default,)))
        made[name] = (path, _WRITERS.get(field.kind), none, deep)
    return MappingProxyType(made)


def _read(given: Mapping[str, object], readers: Mapping[str, Reader], said: Said) -> None:
    """Read an object; this runs for each order that is acknowledged, so it does little."""
    for name, value in given.items():
        reader = readers.get(name)
        if value is None or reader is None:
            continue
        path, write, none, deep = reader
        if deep is not None:
            deep(value, said)
        elif write is None and type(value) is str:
            if value and value not in none:
                said[path] = value
        else:
            text = (write or _plain)(value)
            if text and not (none and _as_good_as(value, none)):
                said[path] = text


def _as_good_as(value: object, none: tuple[object, ...]) -> bool:
    """Whether a value is a default or a word for none; False is a default, and 0 is none."""
    return any(value is each or (value == each and value != 0) for each in none)


def _read_object(path: str, readers: Mapping[str, Reader], value: object, said: Said) -> None:
    if isinstance(value, Mapping):
        _read(value, readers, said)
    elif text := _json(value):
        said[path] = text


def _read_columns(path: str, readers: Mapping[str, Reader], value: object, said: Said) -> None:
    """The lines by column, in the order of their ids: a list may come back in any order."""
    rows: list[Said] = []
    for line in value if isinstance(value, list) else ():
        if isinstance(line, Mapping):
            row: Said = {}
            _read(line, readers, row)
            rows.append(row)
    rows.sort(key=lambda row: row.get(_LINE_ID, ""))
    for name in dict.fromkeys([name for row in rows for name in row]):
        said[f"{path}.{name}"] = _BETWEEN.join([row.get(name, "") for row in rows])


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return _json(value)


def _number(value: object) -> str:
    text = value if type(value) is str else _plain(value)
    if _SIMPLE(text):  # as nearly all are written; Decimal takes ten times as long
        return text if "." not in text else text.rstrip("0").rstrip(".")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or len(text) > _NUMBER_MAX or abs(number.adjusted()) > _NUMBER_MAX:
        return text
    return format(number.normalize() + 0, "f")  # minus zero is zero


def _moment(value: object) -> str:
    text = _plain(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(UTC).isoformat() if moment.tzinfo else text


def _set(value: object) -> str:
    """A list whose order says nothing."""
    if not isinstance(value, list):
        return _plain(value)
    return _BETWEEN.join(sorted(_plain(each) for each in value if each not in (None, "")))


def _attributes(value: object) -> str:
    if not isinstance(value, list):
        return _plain(value)
    pairs = [each for each in value if isinstance(each, Mapping)]
    return _BETWEEN.join(
        sorted(
            f"{_plain(each.get('key'))}={_plain(each.get('value'))}"
            for each in pairs
            if each.get("value") not in (None, "")
        )
    )


def _objects(value: object) -> str:
    """A list of objects without ids: a set of what they say."""
    if not isinstance(value, list):
        return _plain(value)
    return _BETWEEN.join(sorted(_json(each) for each in value))


def _json(value: object) -> str:
    """Anything else, with its members in order and without those that say nothing."""
    made = _said(value)
    return "" if made is None else json.dumps(made, sort_keys=True, ensure_ascii=False)


def _said(value: object) -> object:
    if isinstance(value, Mapping):
        members = {name: _said(each) for name, each in value.items()}
        return {name: each for name, each in members.items() if each is not None} or None
    if isinstance(value, list):
        return [_said(each) for each in value] or None
    return None if value == "" else value


_WRITERS: Mapping[Kind, Callable[[object], str]] = MappingProxyType({
    **dict.fromkeys(_NUMBERS, _number),
    Kind.DATETIME: _moment,
    Kind.TEXTS: _set,
    Kind.CHOICES: _set,
    Kind.ATTRIBUTES: _attributes,
    Kind.OBJECTS: _objects,
    Kind.FREE_OBJECTS: _objects,
    Kind.OBJECT: _json,
    Kind.FREE_OBJECT: _json,
})  # fmt: skip
