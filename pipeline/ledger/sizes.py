"""`ledger stats`: how many rows and bytes the ledger has, per table and per endpoint, and how it grows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.statements import moment_text
from pipeline.model.outcomes import OrderOutcome

_order, _run, _known, _item = t.run_order.c, t.run.c, t.known_order.c, t.open_item.c
# Rows that each order of a run, and each order that is known, bring with them.
_PER_RUN = ("run_order", "run_mutation", "run_problem", "attempt")
_PER_KNOWN = ("known_order", "acked_operation", "in_doubt")


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table with its indexes; `size_bytes` is None where the database cannot say."""

    name: str
    rows: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class EndpointSize:
    """What there is of one account; `oldest` and `latest` are when its runs began."""

    base_url: str
    account: int
    orders_known: int
    runs: int
    oldest: str | None
    latest: str | None
    open_items: int


@dataclass(frozen=True, slots=True)
class Growth:
    """One day (UTC) on which runs began; `size_bytes` is what their rows take on average."""

    day: str
    runs: int
    orders: int
    created: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class LedgerSize:
    """All of it. `bytes_per_known_order` and `bytes_per_sent_order` are averages with indexes."""

    size_bytes: int | None
    tables: Sequence[TableSize]
    endpoints: Sequence[EndpointSize]
    growth: Sequence[Growth]
    bytes_per_known_order: float | None
    bytes_per_sent_order: float | None


def sizes(connection: sa.Connection, since: datetime) -> LedgerSize:
    """Count everything; the growth is that of the runs since a moment."""
    taken, whole = _bytes(connection)
    there = set(sa.inspect(connection).get_table_names())
    tables = [
        TableSize(
            table.name,
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one(),
            taken.get(table.name),
        )
        for table in t.METADATA.sorted_tables
        if table.name in there  # one of an older format has fewer
    ]
    known, sent = _average(tables, _PER_KNOWN), _average(tables, _PER_RUN)
    return LedgerSize(
        whole, tables, _endpoints(connection), _growth(connection, since, known, sent), known, sent
    )


def _bytes(connection: sa.Connection) -> tuple[Mapping[str, int], int | None]:
    """Bytes of each table with its indexes, and of all of it."""
    if connection.dialect.name == "postgresql":
        size = sa.func.pg_total_relation_size
        taken = {
            name: int(connection.execute(sa.select(size(sa.func.quote_ident(name)))).scalar_one())
            for name in sa.inspect(connection).get_table_names()
        }
        return taken, sum(taken.values())
    pages, of = (
        int(connection.exec_driver_sql(f"PRAGMA {asked}").scalar_one())
        for asked in ("page_count", "page_size")
    )
    found: dict[str, int] = defaultdict(int)
    modules = connection.exec_driver_sql("PRAGMA module_list").scalars().all()
    if "dbstat" in modules:  # SQLite may be built without it
        pairs = connection.exec_driver_sql("SELECT name, tbl_name FROM sqlite_master").all()
        table_of: dict[str, str] = {str(name): str(table) for name, table in pairs}
        # its number of pages, for `pgsize` goes over at 2 GiB
        rows = connection.exec_driver_sql("SELECT name, pageno FROM dbstat WHERE aggregate = 1")
        for name, count in rows:
            found[table_of.get(name, name)] += int(count) * of
    return found, pages * of


def _average(tables: Sequence[TableSize], names: Sequence[str]) -> float | None:
    """Bytes per row of the first of these tables, with what belongs to it in the others."""
    named = {table.name: table for table in tables}
    first = named[names[0]]
    taken = [named[name].size_bytes for name in names if name in named]
    if not first.rows or any(size is None for size in taken):
        return None
    return sum(size or 0 for size in taken) / first.rows


def _endpoints(connection: sa.Connection) -> list[EndpointSize]:
    known = dict(_counted(connection, _known.endpoint))
    waiting = dict(_counted(connection, _item.endpoint, _item.closed_at.is_(None)))
    rows = connection.execute(
        sa.select(
            t.endpoint.c.id, t.endpoint.c.base_url, t.endpoint.c.account, sa.func.count(_run.seq),
            sa.func.min(_run.started_at), sa.func.max(_run.started_at),
        )
        .outerjoin(t.run, _run.endpoint == t.endpoint.c.id)
        .group_by(t.endpoint.c.id, t.endpoint.c.base_url, t.endpoint.c.account)
        .order_by(t.endpoint.c.id)
    )  # fmt: skip
    return [
        EndpointSize(
            base_url, account, known.get(key, 0), runs, oldest, latest, waiting.get(key, 0)
        )
        for key, base_url, account, runs, oldest, latest in rows
    ]


def _counted(
    connection: sa.Connection, column: sa.ColumnElement[int], *where: sa.ColumnElement[bool]
) -> list[tuple[int, int]]:
    rows = connection.execute(sa.select(column, sa.func.count()).where(*where).group_by(column))
    return [(int(key), int(count)) for key, count in rows]


def _growth(
    connection: sa.Connection, since: datetime, known: float | None, sent: float | None
) -> list[Growth]:
    day = sa.func.substr(_run.started_at, 1, len("2026-11-20"))
    created = sa.case((_order.outcome == OrderOutcome.CREATED.value, 1), else_=0)
    rows = connection.execute(
        sa.select(
            day, sa.func.count(_run.seq.distinct()), sa.func.count(_order.key),
            sa.func.coalesce(sa.func.sum(created), 0),
        )
        .outerjoin(t.run_order, _order.run == _run.seq)
        .where(_run.started_at >= moment_text(since))
        .group_by(day)
        .order_by(day)
    )  # fmt: skip
    return [
        Growth(
            on, runs, orders, int(new),
            None if sent is None else round(orders * sent + int(new) * (known or 0.0)),
        )
        for on, runs, orders, new in rows
    ]  # fmt: skip
