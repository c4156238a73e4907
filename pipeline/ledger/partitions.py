"""The orders of a run, partition by partition: what was planned, and what became of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.frames import frame
from pipeline.ledger.records import PLANNED_SCHEMA, FindingCount, PartitionState
from pipeline.ledger.session import Session
from pipeline.ledger.statements import WRITE_SIZE, chunked, run_seq
from pipeline.ledger.states import ANSWERED, OPEN, SENDING
from pipeline.model.outcomes import MUTATION_SCHEMA, ORDER_SCHEMA, OrderOutcome

PROBLEM_SCHEMA: dict[str, pl.DataType] = {
    "order_number": pl.String(),
    "code": pl.String(),
    "detail": pl.String(),
    "attr": pl.String(),
    "api_code": pl.String(),
    "status": pl.Int32(),
}

_MANY_NEW = 1000  # rows that the planner of a database should know of
_order = t.run_order.c

# --- what is planned ------------------------------------------------------------------------


def plan_partition(
    session: Session, run_id: str, partition: int, orders: pl.DataFrame, digest: str
) -> None:
    """Record every order of a partition, as `Ledger.plan_partition` says."""
    with session.transaction() as connection:
        run = run_seq(connection, run_id)
        _put_partition(session, connection, run, partition, digest)
        insert = session.store.insert(t.run_order)
        planned = [name for name in PLANNED_SCHEMA if name not in ("key",)]
        upsert = insert.on_conflict_do_update(
            index_elements=["run", "partition", "key", "version"],
            set_={name: insert.excluded[name] for name in planned},
            where=sa.and_(*(_order.outcome != answer for answer in ANSWERED)),
        )
        for some in _planned_rows(orders, run, partition).iter_slices(WRITE_SIZE):
            connection.execute(upsert, some.to_dicts())
        if orders.height > _MANY_NEW:
            session.store.analyse(connection, t.run_order)


def _put_partition(
    session: Session, connection: sa.Connection, run: int, partition: int, digest: str
) -> None:
    insert = session.store.insert(t.run_partition)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["run", "partition"], set_={"digest": insert.excluded.digest}
        ),
        {"run": run, "partition": partition, "digest": digest},
    )


def _planned_rows(orders: pl.DataFrame, run: int, partition: int) -> pl.DataFrame:
    superseded = pl.col("outcome") == OrderOutcome.SUPERSEDED.value
    rows = orders.select(
        pl.lit(run).alias("run"),
        pl.lit(partition).alias("partition"),
        pl.when(superseded)
        .then(superseded.cum_sum().over("key"))
        .otherwise(0)
        .cast(pl.Int32)
        .alias("version"),
        *(pl.col(name) for name in PLANNED_SCHEMA if name != "value"),
        pl.col("value").cast(pl.String),
    )
    if rows.select("key", "version").is_duplicated().any():
        raise ValueError("two orders of a partition have the same key and neither is superseded")
    return rows


def partition_states(connection: sa.Connection, run_id: str) -> list[PartitionState]:
    """Give how far each planned partition of a run came, by number."""
    run = run_seq(connection, run_id)
    counted = (
        sa.select(
            _order.partition,
            sa.func.count().label("orders"),
            sa.func.sum(sa.case((_order.outcome.in_(OPEN), 1), else_=0)).label("open"),
        )
        .where(_order.run == run)
        .group_by(_order.partition)
        .subquery()
    )
    rows = connection.execute(
        sa.select(
            t.run_partition.c.partition,
            t.run_partition.c.digest,
            sa.func.coalesce(counted.c.orders, 0),
            sa.func.coalesce(counted.c.open, 0),
        )
        .outerjoin(counted, counted.c.partition == t.run_partition.c.partition)
        .where(t.run_partition.c.run == run)
        .order_by(t.run_partition.c.partition)
    )
    return [PartitionState(*row) for row in rows]


# --- what became of it ----------------------------------------------------------------------


def orders_of(connection: sa.Connection, run_id: str) -> pl.DataFrame:
    """Give the orders of a run as `ORDER_SCHEMA`; what a crash left half sent is `unknown`."""
    columns: dict[str, sa.ColumnElement[Any]] = {name: _order[name] for name in ORDER_SCHEMA}
    sending = _order.outcome == SENDING
    columns["outcome"] = sa.case((sending, OrderOutcome.UNKNOWN.value), else_=_order.outcome).label(
        "outcome"
    )
    columns["code"] = sa.case((sending, "U001"), else_=_order.code).label("code")
    by = (_order.partition, _order.key, _order.version)
    return _frame(connection, run_id, t.run_order, list(columns.values()), by, ORDER_SCHEMA)


def outcome_counts(connection: sa.Connection, run_id: str) -> dict[str, int]:
    """Count the orders of a run by outcome, without holding any of them; may be at work."""
    rows = connection.execute(
        sa.select(_order.outcome, sa.func.count())
        .where(_order.run == run_seq(connection, run_id))
        .group_by(_order.outcome)
    )
    counts = {outcome: int(number) for outcome, number in rows}
    under_way = counts.pop(SENDING, 0)
    return counts | ({"sending": under_way} if under_way else {})


def mutations_of(connection: sa.Connection, run_id: str) -> pl.DataFrame:
    """Give what became of each mutation of a run, as `MUTATION_SCHEMA`."""
    return _parts(connection, run_id, t.run_mutation, MUTATION_SCHEMA)


def problems_of(connection: sa.Connection, run_id: str) -> pl.DataFrame:
    """Give the complaints of the API about the orders of a run, as `PROBLEM_SCHEMA`."""
    return _parts(connection, run_id, t.run_problem, PROBLEM_SCHEMA)


def _parts(
    connection: sa.Connection, run_id: str, table: sa.Table, schema: dict[str, pl.DataType]
) -> pl.DataFrame:
    column = table.c
    by = (column.partition, column.order_number, column.ordinal)
    return _frame(connection, run_id, table, [column[name] for name in schema], by, schema)


def _frame(
    connection: sa.Connection,
    run_id: str,
    table: sa.Table,
    columns: Sequence[sa.ColumnElement[Any]],
    by: Sequence[sa.ColumnElement[Any]],
    schema: dict[str, pl.DataType],
) -> pl.DataFrame:
    run = run_seq(connection, run_id)
    query = sa.select(*columns).where(table.c.run == run).order_by(*by)
    return frame(connection.execute(query), schema)


# --- what was found -------------------------------------------------------------------------


def put_finding_counts(
    connection: sa.Connection, run_id: str, partition: int, counts: Iterable[FindingCount]
) -> None:
    """Record the finding counts of a partition; they replace earlier ones of it."""
    table = t.finding_count
    run = run_seq(connection, run_id)
    connection.execute(sa.delete(table).where(table.c.run == run, table.c.partition == partition))
    for some in chunked(counts, WRITE_SIZE):
        connection.execute(
            sa.insert(table),
            [
                {
                    "run": run,
                    "partition": partition,
                    "code": each.code,
                    "column": each.column,
                    "target": each.target,
                    "file": each.file,
                    "rows": each.rows,
                    "orders": each.orders,
                }
                for each in some
            ],
        )


def finding_counts(connection: sa.Connection, run_id: str) -> list[FindingCount]:
    """Give the finding counts of a run, summed over its partitions, most orders first."""
    count = t.finding_count.c
    what = (count.code, count.column, count.target, count.file)
    orders = sa.func.sum(count.orders)
    rows = connection.execute(
        sa.select(*what, sa.func.sum(count.rows), orders)
        .where(count.run == run_seq(connection, run_id))
        .group_by(*what)
        .order_by(orders.desc(), *what)
    )
    return [FindingCount(*row[:4], int(row[4]), int(row[5])) for row in rows]
