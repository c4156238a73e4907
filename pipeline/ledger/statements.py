"""What many statements need: how much goes into one, and how a moment and a run are written."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from pipeline.ledger import schema as t

Item = TypeVar("Item")

LOOKUP_SIZE = 500  # values in one IN list
WRITE_SIZE = 4000  # rows in one executemany


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
