"""Which bytes separate what in an interchange."""

from dataclasses import dataclass, field

from pipeline.model.edi.definition import Syntax

NONE = -1  # no such separator in this interchange


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The separators of one interchange as byte values; NONE where it has no such separator.

    `decimal` is the decimal mark as text, `charset` the encoding that the interchange declares, ""
    where it declares none (X12). `advice` is UNA as it is written, b"" without one; separators
    with and without it are the same.
    """

    syntax: Syntax
    element: int
    component: int
    segment: int
    repetition: int = NONE
    release: int = NONE
    decimal: str = "."
    charset: str = ""
    advice: bytes = field(default=b"", compare=False)
