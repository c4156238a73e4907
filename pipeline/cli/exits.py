"""Exit codes: the verdict of a command in one number (CLI §3, PRODUCT §2.2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """The codes; their names stand in `--json`. Further ones may come: not 0 is a failure."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    PARTIAL = 3
    INPUT = 4
    UNFINISHED = 5
    AUTH = 6
    GUARD = 7
    MISMATCH = 8
    EMPTY = 9
    LOCKED = 10
    LEDGER = 11
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says, and what a scheduler should do about it."""

    says: str
    then: str


MEANINGS = {
    Exit.OK: Meaning("everything read is in parcelLab, or there was nothing to do", "nothing"),
    Exit.INTERNAL: Meaning("a bug, or totals that do not balance", "page someone"),
    Exit.USAGE: Meaning(
        "bad option, configuration or mapping, stale plan, no token; nothing was sent",
        "correct the set-up",
    ),
    Exit.PARTIAL: Meaning(
        "finished; some rows or orders were rejected, refused or partly applied",
        "read the report; --partial-ok makes it 0",
    ),
    Exit.INPUT: Meaning(
        "a file is missing, cannot be read, or is not as the mapping declares; a run sends the orders of its other files",
        "ask for the file again",
    ),
    Exit.UNFINISHED: Meaning(
        "stopped early: API away, rate limit or --until; the state is saved",
        "pipeline resume (safe to schedule)",
    ),
    Exit.AUTH: Meaning("the API refused the token; stopped at once", "renew the token"),
    Exit.GUARD: Meaning(
        "safety stop: reject rate, number of rows or orders, or not confirmed", "a person decides"
    ),
    Exit.MISMATCH: Meaning("reading back found differences", "look"),
    Exit.EMPTY: Meaning("nothing to import, with --fail-on-empty", "is the export missing?"),
    Exit.LOCKED: Meaning("another run holds the lock", "nothing"),
    Exit.LEDGER: Meaning("the ledger or its disk cannot be used", "look at the disk"),
    Exit.INTERRUPTED: Meaning(
        "Ctrl-C: requests in flight ended, the state is saved", "pipeline resume"
    ),
    Exit.TERMINATED: Meaning(
        "SIGTERM: requests in flight ended, the state is saved", "pipeline resume"
    ),
}

# When several apply, the first of these is given.
PRECEDENCE = (
    Exit.INTERNAL,
    Exit.USAGE,
    Exit.LEDGER,
    Exit.AUTH,
    Exit.LOCKED,
    Exit.INTERRUPTED,
    Exit.TERMINATED,
    Exit.GUARD,
    Exit.UNFINISHED,
    Exit.INPUT,
    Exit.PARTIAL,
    Exit.MISMATCH,
    Exit.EMPTY,
    Exit.OK,
)


def name_of(code: int) -> str:
    """Name a code the way `--json` does.

    >>> name_of(3), name_of(77)
    ('partial', 'unknown')
    """
    if code in (Exit.INTERRUPTED, Exit.TERMINATED):
        return "signal"
    try:
        return Exit(code).name.lower()
    except ValueError:
        return "unknown"


def worst(codes: Iterable[Exit]) -> Exit:
    """Give the code that wins when several apply.

    >>> worst([Exit.OK, Exit.PARTIAL, Exit.AUTH]).name
    'AUTH'
    """
    found = set(codes)
    return next((code for code in PRECEDENCE if code in found), Exit.OK)
