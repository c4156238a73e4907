"""One writer at a time, and nothing after a failed commit."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import Clock
from pipeline.ledger.stops import LedgerUnusable
from pipeline.ledger.store import Store, explained

Item = TypeVar("Item")

LOOKUP_SIZE = 500  # values in one IN list
WRITE_SIZE = 4000  # rows in one executemany


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

    def close(self) -> None:
        """Close the connection and let the lock go; a second call does nothing more."""
        with self._guard:
            self._broken = LedgerUnusable(f"the ledger at {self.store.place} is closed already")
            self.store.close()

    def now(self) -> str:
        """The present moment as the tables hold it."""
        return moment_text(self._clock())


def moment_text(moment: datetime) -> str:
    """Write a moment the way the tables hold it."""
    return moment.isoformat(timespec="milliseconds")


def run_seq(connection: sa.Connection, run_id: str) -> int:
    """Give the small number of a run.

    Raises:
        KeyError: there is no such run.
    """
    seq = connection.execute(sa.select(t.run.c.seq).where(t.run.c.id == run_id)).scalar()
    if seq is None:
        raise KeyError(f"the ledger has no run {run_id!r}")
    return int(seq)


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut items into lists of at most `size`."""
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def lookups(order_numbers: Sequence[str]) -> Iterator[list[str]]:
    """Cut order numbers into lists that fit into one statement."""
    return chunked(order_numbers, LOOKUP_SIZE)
