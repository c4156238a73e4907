"""Courier codes that a mapping writes, held against those that the account has.

parcelLab takes any text as a courier and cannot follow a parcel whose courier it does not know.
Which ones an account has, only a person knows: `couriers` in pipeline.toml.
"""

from collections.abc import Collection, Iterator

from pipeline.mapping.compile import Compiled
from pipeline.mapping.document import Data, Path
from pipeline.mapping.mistakes import MISTAKES, Mistake, Weight, did_you_mean

_FIELD = "courier"


def unlisted_couriers(compiled: Compiled, couriers: Collection[str]) -> list[Mistake]:
    """Warn of each fixed text and each value of a lookup table that is no courier of the account (W111)."""
    if not couriers:
        return []
    document = compiled.document
    mistakes = []
    for text, at in dict.fromkeys(_written(compiled)):
        if text and text not in couriers:
            place = document.place(at)
            hint = did_you_mean(text, couriers) or MISTAKES["W111"].fix
            said = f'the account has no courier "{text}"'
            mistakes.append(
                Mistake("W111", said, place.line, place.column, place.length, hint, Weight.WARNING)
            )
    return mistakes


def _written(compiled: Compiled) -> Iterator[tuple[str, Path]]:
    data = compiled.document.data
    for section in ("trackings", "mutations"):
        if section in data:
            yield from _in_fields(data[section], (section,), compiled)


def _in_fields(data: Data, at: Path, compiled: Compiled) -> Iterator[tuple[str, Path]]:
    if isinstance(data, dict):
        for name, inner in data.items():
            if name == _FIELD:
                yield from _in_value(inner, (*at, name), compiled)
            else:
                yield from _in_fields(inner, (*at, name), compiled)
    elif isinstance(data, list):
        for number, inner in enumerate(data):
            yield from _in_fields(inner, (*at, number), compiled)


def _in_value(data: Data, at: Path, compiled: Compiled) -> Iterator[tuple[str, Path]]:
    """The texts that a VALUE can give, as far as they stand in the mapping."""
    if not isinstance(data, dict):
        return
    table = data.get("lookup")
    if isinstance(table, str):
        inline = compiled.document.values
        for key, value in compiled.lookups.get(table, {}).items():
            row: Path = ("lookups", table, key)
            yield value, row if row in inline else (*at, "lookup")
    for key in ("value", "default"):
        text = data.get(key)
        # what is looked up is no courier yet
        if isinstance(text, str) and (key == "default" or table is None):
            yield text, (*at, key)
    for key in ("cases", "first_of"):
        items = data.get(key)
        if isinstance(items, list) and table is None:
            for number, item in enumerate(items):
                yield from _in_value(item, (*at, key, number), compiled)
