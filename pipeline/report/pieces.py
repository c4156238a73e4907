"""Texts cut into the pieces that the page prints differently."""

import re
from dataclasses import dataclass

from pipeline.report.causes import Cause

Prose = tuple[tuple[bool, str], ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a cause is about: the column to look at, and the API field, split where lines break.

    `path` is where EDI messages have the column, `apart` the mapping where only that tells causes apart.
    """

    column: str
    target: tuple[str, ...]
    path: str = ""
    apart: str = ""

    @property
    def told(self) -> bool:
        """There is anything to say."""
        return bool(self.column or self.target or self.apart)


def subject(cause: Cause) -> Subject:
    """Give column and field of a cause; a field that is called like its column is left out."""
    target = "" if cause.target == cause.column else cause.target
    return Subject(cause.column, breakable(target), cause.path, cause.apart)


def prose(text: str) -> Prose:
    """Begin a text with a capital and split it at its backticks: (is code, text).

    >>> prose("set `rows.skip` in the mapping")
    ((False, 'Set '), (True, 'rows.skip'), (False, ' in the mapping'))
    """
    pieces = begun(text).split("`")
    return tuple((at % 2 == 1, piece) for at, piece in enumerate(pieces) if piece)


def begun(text: str) -> str:
    """Begin a text with a capital, unless its first word is a name."""
    return text if text.startswith("parcelLab") else text[:1].upper() + text[1:]


def breakable(name: str) -> tuple[str, ...]:
    """Split a field name where a line may break.

    >>> breakable("shipping_address.region_code")
    ('shipping_', 'address.', 'region_', 'code')
    """
    return tuple(re.findall(r"[^._]*[._]|[^._]+", name))
