"""What many statements need: how much goes into one, and how a moment and a run are written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.compiler import SQLCompiler

from pipeline.ledger import schema as t

Item = TypeVar("Item")

LOOKUP_SIZE = 500  # values in one IN list
MANY_SIZE = 10_000  # values of one `among`
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


def any_of(column: sa.ColumnElement[str], values: Sequence[str]) -> sa.ColumnElement[bool]:
    """What `among` asks for on PostgreSQL."""
    return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(sa.Text)))


def among(
    connection: sa.Connection, column: sa.ColumnElement[str], values: Sequence[str]
) -> sa.ColumnElement[bool]:
    """Ask for rows whose column is one of many values, which travel as one parameter.

    At 100,000 orders of 10 million four times as fast as lists of 500 (`bench/ledger.py`).
    """
    if connection.dialect.name == "postgresql":
        return any_of(column, values)
    listed = sa.func.json_each(orjson.dumps(values).decode()).table_valued("value")
    return column.in_(sa.select(listed.c.value))


def given(**types: type[sa.types.TypeEngine[Any]]) -> sa.TableValuedAlias:
    """Rows that travel as one array for each column, which `in_columns` gives; PostgreSQL only."""
    arrays = [sa.bindparam(name, type_=postgresql.ARRAY(kind)) for name, kind in types.items()]
    columns = [sa.column(name, kind()) for name, kind in types.items()]
    return sa.func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


def for_each(
    connection: sa.Connection, statement: sa.UpdateBase, rows: Sequence[Mapping[str, object]]
) -> None:
    """Do a statement of SQLite for each row, which has a value for each of its parameters.

    SQLAlchemy looks at each value of each row on the way, ten times as long as SQLite takes to write
    it. `statement` is made once: its text is kept.
    """
    text, names, fixed = _in_order(statement, connection.dialect)
    connection.exec_driver_sql(
        text, [tuple(row[n] if n in row else fixed[n] for n in names) for row in rows]
    )


@lru_cache(maxsize=16)
def _in_order(
    statement: sa.UpdateBase, dialect: sa.Dialect
) -> tuple[str, Sequence[str], Mapping[str, object]]:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type
    return str(compiled), compiled.positiontup or (), compiled.params


def in_columns(rows: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """Turn rows of the same names into columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def lookups(order_numbers: Sequence[str]) -> Iterator[list[str]]:
    """Cut order numbers into lists that fit into one statement."""
    return chunked(order_numbers, LOOKUP_SIZE)
