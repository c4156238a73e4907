"""Everything that the ledger knows of one order: each run that saw it, and how it went there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import Difference, Found, OrderAnswer, OrderInRun, OrderItem, TriedOnce
from pipeline.ledger.states import SENDING
from pipeline.model.outcomes import OrderOutcome

_order, _part = t.run_order.c, t.run_partition.c
_UNKNOWN = OrderOutcome.UNKNOWN.value


def order_in_runs(connection: sa.Connection, endpoint: int, number: str) -> list[OrderInRun]:
    """Give the runs of an endpoint that saw an order, oldest first.

    It is found by its number, or by its key where no row showed a number.
    """
    places = connection.execute(
        sa.select(t.run.c.id, t.run.c.seq, t.run.c.started_at, _part.partition)
        .join(t.run_partition, _part.run == t.run.c.seq)
        .where(t.run.c.endpoint == endpoint)
        .order_by(t.run.c.seq, _part.partition)
    ).all()
    seen: dict[tuple[Any, ...], OrderInRun] = {}
    # Each partition is asked by itself, as the indexes are: a ledger has many orders and few
    # partitions, and in one question SQLite would rather read all orders of every run.
    for run, seq, started_at, partition in places:
        here = (_order.run == seq, _order.partition == partition)
        for column in (_order.order_number, _order.key):
            for row in connection.execute(_ALL.where(*here, column == number)).mappings():
                at = (seq, partition, row["key"], row["version"])
                if at not in seen:
                    seen[at] = _in_run(connection, run, started_at, row)
    return [seen[at] for at in sorted(seen)]


_ALL = sa.select(t.run_order)


def _in_run(
    connection: sa.Connection, run_id: str, started_at: str, row: sa.RowMapping
) -> OrderInRun:
    sending = row["outcome"] == SENDING
    run, partition, number = row["run"], row["partition"], row["order_number"]
    return OrderInRun(
        run=run_id,
        started_at=datetime.fromisoformat(started_at),
        key=row["key"],
        outcome=_UNKNOWN if sending else row["outcome"],
        code="U001" if sending else row["code"],
        status=row["status"],
        attempts=row["attempts"],
        content_sha256=row["content_sha256"],
        tries=tuple(_tries(connection, run, number)),
        mutations=tuple(_mutations(connection, run, partition, number)),
        answers=tuple(_answers(connection, run, partition, number)),
        read_back=tuple(_read_back(connection, run, number)),
    )


def _tries(connection: sa.Connection, run: int, number: str | None) -> list[TriedOnce]:
    tried = t.attempt.c
    rows = connection.execute(
        sa.select(tried.n, tried.at, tried.what)
        .where(tried.run == run, tried.order_number == number)
        .order_by(tried.id)
    )
    return [TriedOnce(n, datetime.fromisoformat(at), what) for n, at, what in rows]


def _mutations(
    connection: sa.Connection, run: int, partition: int, number: str | None
) -> Sequence[tuple[str, str]]:
    made = t.run_mutation.c
    rows = connection.execute(
        sa.select(made.type, made.outcome)
        .where(made.run == run, made.partition == partition, made.order_number == number)
        .order_by(made.ordinal)
    )
    return [(kind, outcome) for kind, outcome in rows]


def _answers(
    connection: sa.Connection, run: int, partition: int, number: str | None
) -> list[OrderAnswer]:
    said = t.run_problem.c
    rows = connection.execute(
        sa.select(said.code, said.detail, said.attr, said.status)
        .where(said.run == run, said.partition == partition, said.order_number == number)
        .order_by(said.ordinal)
    )
    return [OrderAnswer(*row) for row in rows]


def _read_back(connection: sa.Connection, run: int, number: str | None) -> list[Difference]:
    found = t.read_back_finding.c
    rows = connection.execute(
        sa.select(found.field, found.kind)
        .where(found.run == run, found.order_number == number)
        .order_by(found.field)
    )
    return [Difference(str(number), field, Found(kind)) for field, kind in rows]


def items_of_order(connection: sa.Connection, endpoint: int, number: str) -> list[OrderItem]:
    """Give the open items that an order is or was, oldest first."""
    item = t.open_item.c
    opened, closed = t.run.alias("opened"), t.run.alias("closed")
    rows = connection.execute(
        sa.select(
            item.code,
            opened.c.id,
            item.opened_at,
            item.runs,
            closed.c.id,
            item.closed_at,
            item.reason,
        )
        .join(opened, opened.c.seq == item.opened_run)
        .outerjoin(closed, closed.c.seq == item.closed_run)
        .where(item.endpoint == endpoint, item.order_number == number)
        .order_by(item.id)
    )
    return [
        OrderItem(
            code, run, datetime.fromisoformat(at), runs, closed_run,
            datetime.fromisoformat(closed_at) if closed_at else None, reason,
        )
        for code, run, at, runs, closed_run, closed_at, reason in rows
    ]  # fmt: skip
