"""One writer at a time, and nothing after a failed commit."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from pipeline.ledger.records import Clock
from pipeline.ledger.statements import moment_text
from pipeline.ledger.stops import LedgerUnusable
from pipeline.ledger.store import Store, explained


class Session:
    """The open store, used by any thread but by one at a time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._guard = threading.Lock()
        self._broken: LedgerUnusable | None = None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Give the connection inside one transaction: all of it is done, or none.

        Raises:
            LedgerUnusable: the database failed, now or in an earlier transaction. A failed commit
                counts as not done and the connection is not used again (FAULTS P8).
        """
        with self._guard:
            if self._broken is not None:
                raise self._broken
            try:
                with explained(self.store.place), self.store.connection.begin():
                    yield self.store.connection
            except LedgerUnusable as unusable:
                self._broken = unusable
                raise

    def compact(self) -> None:
        """Leave nothing in the files of the database but what its tables have.

        Raises:
            LedgerUnusable: the database failed, such as for want of room: it is written anew.
        """
        with self._guard:
            if self._broken is not None:
                raise self._broken
            with explained(self.store.place):
                self.store.compact()

    def close(self) -> None:
        """Close the connection and let the lock go; a second call does nothing more."""
        with self._guard:
            self._broken = LedgerUnusable(f"the ledger at {self.store.place} is closed already")
            self.store.close()

    def now(self) -> str:
        """The present moment as the tables hold it."""
        return moment_text(self._clock())
