"""Our finding codes as the codes of acknowledgements, by the level that a fault concerns.

X12: note codes of TA1 (element I18), and errors of a group (716), a message (718), a segment (720)
and an element (723). EDIFACT: syntax error codes (0085), each only at the levels where ISO 9735-4
annex A allows it. A finding that is not here is nothing that a sender could have done better, or
a mere oddity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """What a fault concerns, from the outside inwards."""

    INTERCHANGE = 0
    GROUP = 1
    MESSAGE = 2
    SEGMENT = 3
    ELEMENT = 4


@dataclass(frozen=True, slots=True)
class Row:
    """How a fault is written in X12 and in EDIFACT.

    `tag` and `element` say where an envelope fault lies in EDIFACT (0013 and 0098). The place of
    an element counts the tag as 1 there (0098), so UNZ 2 has place 3. 0: not one element.
    """

    x12: str
    edifact: str
    tag: str = ""
    element: int = 0


# Only the interchange is told of: X12 has no such code for groups and messages.
DUPLICATE = Row("025", "26", "UNB", 6)

ROWS: Mapping[tuple[str, Level], Row] = {
    # TA1 note code, UCI
    ("E104", Level.INTERCHANGE): Row("023", "13", "UNZ"),
    ("E105", Level.INTERCHANGE): Row("021", "29", "UNZ", 2),
    ("E106", Level.INTERCHANGE): Row("001", "28", "UNZ", 3),
    ("E114", Level.INTERCHANGE): DUPLICATE,
    ("E115", Level.INTERCHANGE): Row("024", "33"),
    ("E121", Level.INTERCHANGE): Row("006", "23", "UNB", 3),
    ("E122", Level.INTERCHANGE): Row("020", "25", "UNB", 12),
    ("E124", Level.INTERCHANGE): Row("017", "2", "UNB", 2),
    # AK9, UCF
    ("E106", Level.GROUP): Row("4", "28", "UNE", 3),
    ("E107", Level.GROUP): Row("3", "13", "UNE"),
    ("E108", Level.GROUP): Row("5", "29", "UNE", 2),
    ("E123", Level.GROUP): Row("1", "17", "UNG", 2),
    ("E124", Level.GROUP): Row("2", "17", "UNG", 8),
    # AK5 or IK5, UCM
    ("E106", Level.MESSAGE): Row("3", "28", "UNT", 3),
    ("E109", Level.MESSAGE): Row("2", "13", "UNT"),
    ("E110", Level.MESSAGE): Row("4", "29", "UNT", 2),
    ("E123", Level.MESSAGE): Row("1", "17", "UNH", 3),
    ("E124", Level.MESSAGE): Row("1", "17", "UNH", 3),
    # AK3 or IK3, UCS
    ("E118", Level.SEGMENT): Row("8", "21"),
    ("E201", Level.SEGMENT): Row("3", "13"),
    ("E202", Level.SEGMENT): Row("6", "15"),
    ("E203", Level.SEGMENT): Row("7", "15"),
    ("E204", Level.SEGMENT): Row("5", "35"),
    # AK4 or IK4, UCD
    ("E205", Level.ELEMENT): Row("7", "12"),
    ("E206", Level.ELEMENT): Row("7", "12"),
    ("E207", Level.ELEMENT): Row("7", "12"),
    ("E301", Level.ELEMENT): Row("1", "13"),
    ("E302", Level.ELEMENT): Row("5", "39"),
    ("E303", Level.ELEMENT): Row("6", "37"),
    ("E304", Level.ELEMENT): Row("7", "12"),
    ("E305", Level.ELEMENT): Row("3", "16"),
    ("E306", Level.ELEMENT): Row("8", "12"),
}

# What the same finding is called where the tables say more of it.
UNRECOGNISED_TAG = Row("1", "15")
LOOP_TOO_OFTEN = Row("4", "36")
TOO_SHORT = Row("4", "40")
NO_DATE = Row("8", "12")
NO_TIME = Row("9", "12")

# A message of a type that no mapping can read, or of none.
NOT_SUPPORTED = Row("1", "14", "UNH", 3)
NO_TYPE = Row("6", "13", "UNH", 3)

# An error that has no row of its own still has to be told: by level, the most general code.
UNSPECIFIED: Mapping[Level, Row] = {
    Level.INTERCHANGE: Row("024", "18"),
    Level.GROUP: Row("", "18"),
    Level.MESSAGE: Row("5", "18"),
    Level.SEGMENT: Row("8", "18"),
    Level.ELEMENT: Row("8", "18"),
}

# Findings about a file, not about one of its interchanges: nobody is answered for them. An
# interchange whose header cannot be read (E102) names nobody who could be.
UNANSWERED = frozenset({"E101", "E102", "E111"})

# Errors that lie beside the messages of an interchange and reject none of them.
NOTED = frozenset({"E115"})
