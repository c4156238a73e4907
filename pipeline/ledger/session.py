"""One writer at a time, nothing after a failed commit, and once more after a lost connection."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa

from pipeline.ledger.database import Store, explained
from pipeline.ledger.records import Clock
from pipeline.ledger.statements import moment_text
from pipeline.ledger.stops import LedgerCut, LedgerLocked, LedgerUnusable

_TRIES = 5

Given = ParamSpec("Given")
Result = TypeVar("Result")
Kind = TypeVar("Kind", bound=type)


class Session:
    """The open store, used by any thread but by one at a time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._guard = threading.Lock()
        self._broken: LedgerUnusable | LedgerLocked | None = None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Give the connection inside one transaction: all of it is done, or none.

        Raises:
            LedgerCut: the connection was lost and nothing of it is stored; it may be done again.
            LedgerUnusable: the database failed, now or in an earlier transaction. A failed commit
                counts as not done and the connection is not used again (FAULTS P8).
        """
        with self._guard:
            if self._broken is not None:
                raise self._broken
            try:
                with explained(self.store.place), self.store.transaction() as connection:
                    yield connection
            except LedgerCut:
                raise
            except (LedgerUnusable, LedgerLocked) as unusable:
                self._broken = unusable
                raise

    @contextmanager
    def looking(self) -> Iterator[Store]:
        """Give the store for its locks and names, outside of any transaction."""
        with self._guard:
            if self._broken is not None:
                raise self._broken
            with explained(self.store.place):
                yield self.store

    def compact(self) -> None:
        """Leave nothing in the files of the database but what its tables have.

        Raises:
            LedgerUnusable: the database failed, such as for want of room: it is written anew.
        """
        with self.looking() as store:
            store.compact()

    def name_run(self, run_id: str) -> None:
        """Write where others look who works here; it is for people, so it may fail."""
        with suppress(LedgerCut), self.looking() as store:
            store.name_run(run_id)

    def close(self) -> None:
        """Close the connection and let the lock go; a second call does nothing more."""
        with self._guard:
            self._broken = LedgerUnusable(f"the ledger at {self.store.place} is closed already")
            self.store.close()

    def now(self) -> str:
        """The present moment as the tables hold it."""
        return moment_text(self._clock())


def again_after_a_cut(
    method: Callable[Given, Result],
) -> Callable[Given, Result]:
    """Do a method of one transaction again when the connection was lost before it was stored."""

    @functools.wraps(method)
    def tried(*arguments: Given.args, **named: Given.kwargs) -> Result:
        # what can be read only once must be there for the next try, too
        kept: Any = [list(a) if isinstance(a, Iterator) else a for a in arguments]
        also: Any = {n: list(a) if isinstance(a, Iterator) else a for n, a in named.items()}
        for _ in range(_TRIES - 1):
            try:
                return method(*kept, **also)
            except LedgerCut:
                continue
        return method(*kept, **also)

    return tried


def each_again_after_a_cut(kind: Kind) -> Kind:
    """Make every public method of a class one that is done again after a lost connection."""
    for name, method in list(vars(kind).items()):
        if not name.startswith("_") and callable(method) and name != "close":
            setattr(kind, name, again_after_a_cut(method))
    return kind
