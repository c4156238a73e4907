"""What an EDI file consists of: interchanges, groups, messages, and what is odd about them.

`read.edi` fills these in; `acknowledge` answers them.
"""

from dataclasses import dataclass, field

import polars as pl

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.delimiters import NONE as NONE
from pipeline.model.edi.delimiters import Delimiters as Delimiters

# One row per message of a file, in order. `interchange` and `group` count from 0 in the file, -1
# is none. `begin` and `end` are ordinals of its header and trailer, `end` 0 without a trailer.
# `declared` is the trailer's segment count, -1 where it says none. `identifier` is the type with all
# that UNH 2 says of it ("ORDERS:D:96A:UN", by the interchange's component separator); X12: the type.
MESSAGE_SCHEMA: dict[str, pl.DataType] = {
    "message": pl.UInt32(),
    "interchange": pl.Int32(),
    "group": pl.Int32(),
    "type": pl.String(),
    "identifier": pl.String(),
    "version": pl.String(),
    "reference": pl.String(),
    "line": pl.UInt32(),
    "begin": pl.UInt32(),
    "end": pl.UInt32(),
    "declared": pl.Int64(),
    "counted": pl.Int64(),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something odd about the file at a line and segment (ordinal 0: before the first)."""

    code: str
    line: int
    segment: int
    value: str = ""
    detail: str = ""
    column: str | None = None
    message: int = -1  # number of the message in the file, from 0; -1: not of one message


@dataclass(frozen=True, slots=True)
class LineTotals:
    """How many lines messages declare (CTT, CNT), and how many they have; `differing` are wrong."""

    declared: int = 0
    counted: int = 0
    differing: int = 0
    messages: int = 0

    def __add__(self, other: "LineTotals") -> "LineTotals":
        """Add up two parts of a file."""
        return LineTotals(
            self.declared + other.declared, self.counted + other.counted,
            self.differing + other.differing, self.messages + other.messages,
        )  # fmt: skip


@dataclass(slots=True)
class Group:
    """A functional group: GS to GE, UNG to UNE."""

    interchange: int
    line: int
    segment: int
    functional: str  # GS01, UNG 1
    sender: str
    receiver: str
    reference: str  # GS06, UNG 5
    version: str  # GS08, UNG 8
    values: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...] = ()  # the components of each of `values`
    declared: int = -1
    counted: int = 0
    closed: bool = False
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class Interchange:
    """An interchange: ISA to IEA, UNB to UNZ. `values` are the header's elements as text."""

    syntax: Syntax
    delimiters: Delimiters
    line: int
    segment: int
    sender: str
    sender_qualifier: str
    receiver: str
    receiver_qualifier: str
    reference: str  # ISA13, UNB 5
    version: str  # ISA12; UNB 1, such as UNOC:3
    date: str
    time: str
    test: bool  # ISA15 is T; UNB 11 is 1
    ack_wanted: bool  # ISA14; UNB 9
    values: tuple[str, ...]
    charset: str = ""
    parts: tuple[tuple[str, ...], ...] = ()  # the components of each of `values`
    groups: int = 0
    messages: int = 0
    declared: int = -1
    closed: bool = False
    end_line: int = 0
    end_segment: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Envelopes:
    """What a file consists of; `problems` are all, those of `interchanges` and `groups` too.

    `cut` are the ordinals of fragments of segments with which open interchanges end.
    """

    interchanges: tuple[Interchange, ...]
    groups: tuple[Group, ...]
    messages: pl.DataFrame
    problems: tuple[Problem, ...]
    segments: int
    cut: frozenset[int] = frozenset()


def place_of(syntax: Syntax, tag: str, element: int, component: int = 0) -> str:
    """An element's place as people of the field write it.

    >>> place_of(Syntax.X12, "REF", 2), place_of(Syntax.EDIFACT, "DTM", 1, 2)
    ('REF*02', 'DTM+1.2')
    """
    if syntax is Syntax.X12:
        return f"{tag}*{element:02}" + (f"-{component}" if component else "")
    return f"{tag}+{element}" + (f".{component}" if component else "")
