"""`ledger purge`: the rows of old runs go; what keeps an order from being sent twice stays.

What is known of each order, acknowledged operations and
orders in doubt, open items, entries, interchanges, control numbers and seals are never touched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import RunState
from pipeline.ledger.seals import SealKind, put_seal
from pipeline.ledger.statements import moment_text, run_seq

RUN_TABLES = (
    t.run_order, t.run_mutation, t.run_problem, t.attempt, t.finding_count, t.run_partition,
    t.read_back_finding, t.read_back,
)  # fmt: skip
_OVER = (RunState.FINISHED.value, RunState.ABANDONED.value, RunState.NOT_SENT.value)
_run, _item = t.run.c, t.open_item.c


@dataclass(frozen=True, slots=True)
class OldRun:
    """An old run with rows; `kept` says why its rows stay, "" if they may go."""

    run: str
    endpoint: int
    ended_at: str
    rows: int
    kept: str = ""


def old_runs(
    connection: sa.Connection, before: datetime, needs: Callable[[str], str]
) -> list[OldRun]:
    """Judge the runs that were over before a moment and have rows, oldest first.

    `needs` gives for the id of a run why somebody else needs its rows, or "". Rows only go from the old
    end of an account's runs: what a newer run has sent must not be sent in an older version again, by
    `resume` or `retry` of an older run, and that is seen by the newer run's rows.
    """
    ended = sa.func.coalesce(_run.ended_at, _run.started_at)
    rows = connection.execute(
        sa.select(_run.seq, _run.id, _run.endpoint, _run.state, ended).order_by(_run.seq)
    ).all()
    waiting = set(
        connection.execute(sa.select(_item.last_run).where(_item.closed_at.is_(None))).scalars()
    )
    found: list[OldRun] = []
    first: dict[int, str] = {}  # the oldest run of each endpoint that keeps its rows
    for seq, run, endpoint, state, at in rows:
        over = state in _OVER
        count = _rows_of(connection, seq)
        if over and not count:
            continue
        kept = ""
        if endpoint in first:
            kept = f"an older run keeps its own, {first[endpoint]}, and must not undo what this one sent"
        elif not over:
            kept = "it can be resumed"
        elif at >= moment_text(before):
            kept = "it is not that old"
        elif seq in waiting:
            kept = "orders that are open items were missing in it last"
        else:
            kept = needs(run)
        if kept:
            first.setdefault(endpoint, run)
        if over and at < moment_text(before):
            found.append(OldRun(run, endpoint, at, count, kept))
    return found


def _rows_of(connection: sa.Connection, seq: int) -> int:
    return sum(
        connection.execute(
            sa.select(sa.func.count()).select_from(table).where(table.c.run == seq)
        ).scalar_one()
        for table in RUN_TABLES
    )


def remove_rows(connection: sa.Connection, run_id: str) -> None:
    """Remove the rows of a run, and seal that it was done on purpose."""
    seq = run_seq(connection, run_id)
    for table in RUN_TABLES:
        connection.execute(sa.delete(table).where(table.c.run == seq))
    put_seal(connection, seq, SealKind.PURGED)


def is_purged(connection: sa.Connection, run_id: str) -> bool:
    """Tell whether the rows of a run were removed."""
    if not sa.inspect(connection).has_table(t.seal.name):  # of an older format
        return False
    seal = t.seal.c
    query = (
        sa.select(seal.kind)
        .join(t.run, _run.seq == seal.run)
        .where(_run.id == run_id)
        .order_by(seal.n.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() == SealKind.PURGED.value
