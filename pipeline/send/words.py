"""Words of the API before they may be stored or shown (FAULTS S6, S10, S21).

They are untrusted: control characters are made visible, the length is limited, and whatever they
quote of the order's personal data is masked.
"""

import re
from collections.abc import Iterator
from functools import cache

import orjson

from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Pii

WORDS_MAX = 500

# Of these, each word alone tells about a person too: "Mustermann" of "Max Mustermann".
_SPLIT = (Pii.NAME, Pii.STREET, Pii.CITY, Pii.FREE)
_PART_MIN = 3


@cache
def _personal_keys() -> dict[str, Pii]:
    return {
        field.name: field.pii
        for shape in SHAPES.values()
        for field in shape.fields
        if field.pii is not Pii.NONE
    }


class Scrubber:
    """Masks the personal data of one order in words; reads the payload only when there are words."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._pattern: re.Pattern[str] | None = None

    def __call__(self, words: object) -> str:
        """Give words that may be stored: masked, printable, at most 500 characters."""
        text = words if isinstance(words, str) else orjson.dumps(words).decode()
        if self._pattern is None:
            self._pattern = _pattern(personal_values(self._body))
        return visible(self._pattern.sub(lambda found: mask(found[0]), text))


def visible(text: str) -> str:
    r"""Cut a text at 500 characters and make what does not print visible.

    >>> visible("a\x1b[31mb")
    'a⟨U+001B⟩[31mb'
    """
    if len(text) <= WORDS_MAX and text.isprintable():
        return text
    shown = "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in text[:WORDS_MAX])
    return shown if len(shown) <= WORDS_MAX else shown[: WORDS_MAX - 1] + "…"


def mask(text: str) -> str:
    """Replace letters and digits, keep the shape.

    >>> mask("Max.M12@example.com")
    'Xxx.X00@xxxxxxx.xxx'
    """
    return "".join(_masked(c) for c in text)


def _masked(char: str) -> str:
    if char.isdigit():
        return "0"
    if not char.isalpha():
        return char
    return "X" if char.isupper() else "x"


def personal_values(body: bytes) -> set[str]:
    """Give the personal texts of a payload, whole and in words."""
    found: set[str] = set()
    for pii, text in _walk(orjson.loads(body), Pii.NONE):
        found.add(text)
        if pii in _SPLIT:
            found.update(part for part in re.split(r"[\s,;/]+", text) if len(part) >= _PART_MIN)
    found.discard("")
    return found


def _walk(value: object, pii: Pii) -> Iterator[tuple[Pii, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, _personal_keys().get(key, pii))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, pii)
    elif pii is not Pii.NONE and value is not None and not isinstance(value, bool):
        yield pii, str(value).strip()


def _pattern(values: set[str]) -> re.Pattern[str]:
    if not values:
        return re.compile(r"(?!)")
    longest_first = sorted(values, key=len, reverse=True)
    # Short values stand alone in words or they are something else.
    forms = (
        re.escape(value) if len(value) > _PART_MIN else rf"(?<!\w){re.escape(value)}(?!\w)"
        for value in longest_first
    )
    return re.compile("|".join(forms), re.IGNORECASE)
