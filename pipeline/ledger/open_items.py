"""Orders that stay missing, carried from run to run until they arrive (REPORT §0.5)."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import OpenItem
from pipeline.ledger.session import WRITE_SIZE, chunked, lookups, run_seq

_ARRIVED = "arrived"
_item = t.open_item.c


def update_open_items(
    connection: sa.Connection,
    run_id: str,
    missing: Iterable[tuple[str, str]],
    arrived: Iterable[str],
    at: str,
) -> None:
    """Open, carry on and close the items of a run's endpoint."""
    run = run_seq(connection, run_id)
    endpoint = connection.execute(
        sa.select(t.run.c.endpoint).where(t.run.c.seq == run)
    ).scalar_one()
    is_open = (_item.endpoint == endpoint, _item.closed_run.is_(None))
    for numbers in chunked(arrived, WRITE_SIZE):
        for some in lookups(numbers):
            connection.execute(
                sa.update(t.open_item)
                .where(*is_open, _item.order_number.in_(some))
                .values(closed_run=run, closed_at=at, reason=_ARRIVED)
            )
    for pairs in chunked(missing, WRITE_SIZE):
        causes = dict(pairs)
        known: set[str] = set()
        for some in lookups(list(causes)):
            known.update(
                connection.execute(
                    sa.select(_item.order_number).where(*is_open, _item.order_number.in_(some))
                ).scalars()
            )
        _carry_on(connection, run, [(n, c) for n, c in causes.items() if n in known], is_open)
        fresh = [
            {
                "endpoint": endpoint,
                "order_number": number,
                "code": code,
                "opened_run": run,
                "opened_at": at,
                "last_run": run,
                "runs": 1,
            }
            for number, code in causes.items()
            if number not in known
        ]
        if fresh:
            connection.execute(sa.insert(t.open_item), fresh)


def _carry_on(
    connection: sa.Connection,
    run: int,
    causes: list[tuple[str, str]],
    is_open: tuple[sa.ColumnElement[bool], ...],
) -> None:
    if not causes:
        return
    connection.execute(
        sa.update(t.open_item)
        .where(*is_open, _item.order_number == sa.bindparam("number"), _item.last_run != run)
        .values(code=sa.bindparam("cause"), last_run=run, runs=_item.runs + 1),
        [{"number": number, "cause": code} for number, code in causes],
    )


def open_items(connection: sa.Connection, endpoint: int, closed_in: str | None) -> list[OpenItem]:
    """Give the open items of an endpoint, oldest first, or those that one run closed."""
    opened, closed = t.run.alias("opened"), t.run.alias("closed")
    wanted = _item.closed_run.is_(None) if closed_in is None else closed.c.id == closed_in
    rows = connection.execute(
        sa.select(
            _item.order_number,
            _item.code,
            opened.c.id,
            _item.opened_at,
            _item.runs,
            closed.c.id,
            _item.closed_at,
            _item.reason,
        )
        .join(opened, opened.c.seq == _item.opened_run)
        .outerjoin(closed, closed.c.seq == _item.closed_run)
        .where(_item.endpoint == endpoint, wanted)
        .order_by(_item.id)
    )
    return [
        OpenItem(number, code, first, _moment(at), runs, last, _moment(end) if end else None, why)
        for number, code, first, at, runs, last, end, why in rows
    ]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
