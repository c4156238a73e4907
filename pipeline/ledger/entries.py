"""Entries: how things stood at the end of each run, so that a report can be made again as of then.

Entries are only added. What a later run, a resumed one or a person did is another entry, so every
question here is asked *as of* an entry and has the same answer for ever.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import CauseCount, Figures, OpenCount, PastRun, RunState
from pipeline.ledger.statements import LOOKUP_SIZE, WRITE_SIZE, chunked, moment_text, run_seq

_entry = t.entry.c


def add_entry(
    connection: sa.Connection, endpoint: int, at: str, run: int | None, figures: Figures | None
) -> int:
    """Add an entry and give its number."""
    return int(
        connection.execute(
            sa.insert(t.entry)
            .values(endpoint=endpoint, run=run, at=at, figures=_as_text(figures))
            .returning(_entry.id)
        ).scalar_one()
    )


def put_causes(connection: sa.Connection, entry: int, causes: Iterable[CauseCount]) -> None:
    """Record the causes that a run had at an entry."""
    for some in chunked(causes, WRITE_SIZE):
        connection.execute(sa.insert(t.run_cause), [{"entry": entry} | asdict(c) for c in some])


def entry_of(connection: sa.Connection, run_id: str) -> int | None:
    """Give the latest entry of a run, or None."""
    mine = _entry.run == run_seq(connection, run_id)
    return connection.execute(sa.select(sa.func.max(_entry.id)).where(mine)).scalar()


def last_entry(connection: sa.Connection) -> int:
    """Give the latest entry of all, 0 before the first."""
    return connection.execute(sa.select(sa.func.max(_entry.id))).scalar() or 0


def past_runs(connection: sa.Connection, run_id: str, as_of: int, since: datetime) -> list[PastRun]:
    """Give the runs of a run's endpoint that had begun by then, that run included, oldest first."""
    seq = run_seq(connection, run_id)
    endpoint = sa.select(t.run.c.endpoint).where(t.run.c.seq == seq).scalar_subquery()
    query, latest = _with_entry(_entry.id <= as_of)
    rows = connection.execute(
        query.where(
            t.run.c.endpoint == endpoint,
            t.run.c.started_at >= moment_text(since),
            # one that began later can have ended before this one was resumed
            sa.or_(t.run.c.seq <= seq, latest.c.id.is_not(None)),
        ).order_by(t.run.c.seq)
    )
    return [_past_run(row) for row in rows.mappings()]


def latest_runs(connection: sa.Connection, limit: int) -> list[PastRun]:
    """Give the latest runs of all endpoints as they are now, newest first."""
    query, _ = _with_entry(sa.true())
    rows = connection.execute(query.order_by(t.run.c.seq.desc()).limit(limit))
    return [_past_run(row) for row in rows.mappings()]


def _with_entry(condition: sa.ColumnElement[bool]) -> tuple[sa.Select[Any], sa.Subquery]:
    """Select runs, each with the latest of its entries that meet a condition."""
    latest = (
        sa.select(_entry.run, sa.func.max(_entry.id).label("id"))
        .where(_entry.run.is_not(None), condition)
        .group_by(_entry.run)
        .subquery()
    )
    run = t.run.c
    query = (
        sa.select(
            run.id, run.endpoint, run.profile, run.started_at, run.mappings, run.state,
            run.ended_at, run.exit_code, run.options, latest.c.id.label("entry"), _entry.figures,
        )
        .outerjoin(latest, latest.c.run == run.seq)
        .outerjoin(t.entry, _entry.id == latest.c.id)
    )  # fmt: skip
    return query, latest


def causes_at(
    connection: sa.Connection, entries: Sequence[int], causes: Sequence[str] | None
) -> Iterator[tuple[int, CauseCount]]:
    """Give the causes of entries, only those named if any are: (entry, cause)."""
    cause = t.run_cause.c
    columns = [cause[field.name] for field in fields(CauseCount)]
    for some in chunked(entries, LOOKUP_SIZE):
        query = sa.select(cause.entry, *columns).where(cause.entry.in_(some))
        if causes is not None:
            query = query.where(cause.cause.in_(causes))
        for entry, *rest in connection.execute(query.order_by(cause.entry, cause.cause)):
            yield entry, CauseCount(*rest)


def open_counts(connection: sa.Connection) -> list[OpenCount]:
    """Count the open items of each endpoint that has any."""
    item, run = t.open_item.c, t.run.c
    profile = (
        sa.select(run.profile)
        .where(run.endpoint == item.endpoint)
        .order_by(run.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(
            t.endpoint.c.base_url, t.endpoint.c.account, sa.func.count(), sa.func.min(item.opened_at),
            profile,
        )
        .join(t.endpoint, t.endpoint.c.id == item.endpoint)
        .where(item.closed_at.is_(None))
        .group_by(item.endpoint, t.endpoint.c.base_url, t.endpoint.c.account)
        .order_by(item.endpoint)
    )  # fmt: skip
    return [
        OpenCount(base_url, account, count, datetime.fromisoformat(oldest), named or "")
        for base_url, account, count, oldest, named in rows
    ]


def _past_run(row: sa.RowMapping) -> PastRun:
    ended = row["ended_at"]
    options = orjson.loads(row["options"])
    return PastRun(
        id=row["id"],
        endpoint=row["endpoint"],
        profile=row["profile"],
        started_at=datetime.fromisoformat(row["started_at"]),
        mappings=frozenset(orjson.loads(row["mappings"])),
        entry=row["entry"],
        figures=_as_figures(row["figures"]),
        state=RunState(row["state"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
        exit_code=row["exit_code"],
        stopped=options.get("stopped"),
        retry=bool(options.get("retry")),
    )


def _as_text(figures: Figures | None) -> str | None:
    return None if figures is None else orjson.dumps(asdict(figures)).decode()


def _as_figures(text: str | None) -> Figures | None:
    return None if text is None else Figures(**orjson.loads(text))
