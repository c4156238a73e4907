"""The columns of the EDI tables: elements, segments, and messages as nested loops of segments.

The rows stand beside this module: `x12` and `edifact` for segments, one module per message in
`messages`. A new message or segment is a row there; reader, checks, acknowledgements and
`pipeline edi show` follow.
"""

from dataclasses import dataclass
from enum import StrEnum


class Syntax(StrEnum):
    """The two ways of writing EDI."""

    X12 = "x12"
    EDIFACT = "edifact"


class Type(StrEnum):
    """What an element may hold (X12.5 §3.5.1, ISO 9735-1 §10)."""

    TEXT = "AN"
    CODE = "ID"
    WHOLE = "N0"  # digits, with a leading minus where negative
    DECIMAL = "R"  # digits with an explicit decimal mark
    DATE = "DT"  # CCYYMMDD, or YYMMDD
    TIME = "TM"  # HHMM, HHMMSS, HHMMSSD, HHMMSSDD
    COMPOSITE = "C"


@dataclass(frozen=True, slots=True)
class Element:
    """One element, or one component of a composite; lengths in characters.

    `codes` are the only values allowed, empty where any is; listed only where a wrong code would
    change what we send. `parts` are the components of a composite.
    """

    name: str
    type: Type = Type.TEXT
    low: int = 1
    high: int = 80
    must: bool = False
    codes: frozenset[str] = frozenset()
    parts: "tuple[Element, ...]" = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment by its tag; elements in order, the tag not counted."""

    tag: str
    name: str
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A segment's place in a message: whether it must stand there, and how often it may."""

    tag: str
    must: bool = False
    most: int = 1


@dataclass(frozen=True, slots=True)
class Loop:
    """Segments that repeat together; the first part is the segment that begins each repetition.

    `level` marks the loops that make the tree of rows (HL, CPS, LIN, LX, PO1): columns are looked
    up along it. The others (N1, NAD, TDT) belong to the level they stand in.
    """

    name: str
    most: int
    parts: "tuple[Use | Loop, ...]"
    must: bool = False
    level: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A transaction set or message between its header (ST, UNH) and its trailer (SE, UNT).

    `rows` names the innermost level whose instances become rows when a mapping does not say.
    """

    syntax: Syntax
    type: str
    name: str
    parts: tuple[Use | Loop, ...]
    rows: tuple[str, ...] = ()


def must(tag: str, most: int = 1) -> Use:
    """A mandatory segment."""
    return Use(tag, must=True, most=most)


def may(tag: str, most: int = 1) -> Use:
    """An optional segment."""
    return Use(tag, must=False, most=most)


def loop(name: str, most: int, *parts: Use | Loop, must: bool = False, level: bool = False) -> Loop:
    """A loop; a mandatory one must occur at least once."""
    return Loop(name, most, parts, must, level)
