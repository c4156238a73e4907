"""Seals: what became of each order of a run, as one digest, made when the run ends (FAULTS S20, L2).

Each seal is made on top of the one before, so that none can be changed or taken out of the middle
without all later ones failing. Who can write the file can make them all again: they show damage and
edits by hand, not an attacker who knows this program, unless the last one is kept elsewhere.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import orjson
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import RunState

_BATCH = 1000  # rows that are written as one JSON text; part of the format
_FIRST = ""  # what the first seal stands on
_seal, _order, _run = t.seal.c, t.run_order.c, t.run.c


class SealKind(StrEnum):
    """Why a seal was made."""

    ENDED = "ended"
    PURGED = "purged"  # the rows of the run were removed on purpose


@dataclass(frozen=True, slots=True)
class Seal:
    """One line of the chain; `chain` is the digest of it and of all before it."""

    n: int
    run: int
    run_id: str
    kind: str
    ended_at: str | None
    orders: int
    digest: str
    chain: str


def put_seal(connection: sa.Connection, run: int, kind: SealKind) -> None:
    """Seal a run as it stands in this transaction."""
    if connection.dialect.name == "postgresql":  # the chain has one end, whoever writes at it
        connection.exec_driver_sql("LOCK TABLE seal IN EXCLUSIVE MODE")
    last = connection.execute(
        sa.select(_seal.n, _seal.chain).order_by(_seal.n.desc()).limit(1)
    ).first()
    n, before = (1, _FIRST) if last is None else (last.n + 1, last.chain)
    orders, digest = digest_of(connection, run)
    run_id, ended_at = connection.execute(
        sa.select(_run.id, _run.ended_at).where(_run.seq == run)
    ).one()
    made = Seal(n, run, run_id, kind.value, ended_at, orders, digest, "")
    connection.execute(
        sa.insert(t.seal).values(
            n=n, run=run, kind=made.kind, ended_at=ended_at, orders=orders, digest=digest,
            chain=chained(before, made),
        )
    )  # fmt: skip


def chained(before: str, seal: Seal) -> str:
    """Give the digest of a seal on top of the one before."""
    said = [before, seal.n, seal.run_id, seal.kind, seal.ended_at, seal.orders, seal.digest]
    return hashlib.sha256(orjson.dumps(said)).hexdigest()


def digest_of(connection: sa.Connection, run: int) -> tuple[int, str]:
    """Count the orders of a run, and give the digest of them and of what is known of the run."""
    hashed = hashlib.sha256()
    # one that was interrupted may be given up later, and is the same run
    state = sa.case(
        (_run.state == RunState.ABANDONED.value, RunState.INTERRUPTED.value), else_=_run.state
    )
    facts = connection.execute(
        sa.select(
            _run.id, t.endpoint.c.base_url, t.endpoint.c.account, _run.fingerprint, _run.profile,
            state, _run.started_at, _run.ended_at, _run.exit_code, _run.totals,
        )
        .join(t.endpoint, t.endpoint.c.id == _run.endpoint)
        .where(_run.seq == run)
    ).one()  # fmt: skip
    hashed.update(orjson.dumps(tuple(facts)))
    columns = [column for column in _order if column.name != "run"]
    rows = connection.execute(
        sa.select(*columns)
        .where(_order.run == run)
        .order_by(_order.partition, _order.key, _order.version),
        execution_options={"stream_results": True},
    )
    count = 0
    for batch in rows.partitions(_BATCH):
        hashed.update(orjson.dumps([tuple(row) for row in batch]))
        count += len(batch)
    return count, hashed.hexdigest()


def seals(connection: sa.Connection) -> Iterator[Seal]:
    """Give the chain, from its beginning; the run's id is "" where the run is not there."""
    rows = connection.execute(
        sa.select(
            _seal.n, _seal.run, sa.func.coalesce(_run.id, ""), _seal.kind, _seal.ended_at,
            _seal.orders, _seal.digest, _seal.chain,
        )
        .outerjoin(t.run, _run.seq == _seal.run)
        .order_by(_seal.n)
    )  # fmt: skip
    return (Seal(*row) for row in rows)
