"""Fixed text is judged when the mapping is compiled, so that it cannot fail on every row of a night."""

from collections.abc import Callable, Collection, Mapping

from pipeline.model import codes
from pipeline.model.field import Field, Kind

_LISTS: Mapping[Kind, Callable[[], Collection[str]]] = {
    Kind.CURRENCY: codes.currencies,
    Kind.LANGUAGE: codes.languages,
    Kind.ZONE: codes.time_zones,
}


def likely(text: object, kind: Kind) -> str:
    """What a text that is no country was probably meant to be, or ""."""
    near = codes.nearest_country(str(text)) if kind is Kind.COUNTRY else None
    return f"did you mean {near}?" if near else ""


def unfit(value: object, field: Field | None) -> str:
    """What a fixed text should be instead, or "" where it may stand in the field.

    >>> from pipeline.model.catalogue import SHAPES
    >>> unfit("stone", SHAPES["line_item"].field("weight_unit"))
    'one of: kg, g, lbs, oz'
    """
    if field is None or not isinstance(value, str) or value in field.literals:
        return ""
    if field.choices:
        return "" if value in field.choices else f"one of: {', '.join(field.choices)}"
    if field.kind in _LISTS and value not in _LISTS[field.kind]():
        near = codes.nearest(value, _LISTS[field.kind]())
        return f"did you mean {near}?" if near else f"it is a code of a {field.kind.value}"
    listed = field.kind is Kind.TEXTS
    longest = field.item_max_length if listed else field.max_length
    if longest is not None and len(value) > longest:
        return f"at most {longest} characters"
    return ""
