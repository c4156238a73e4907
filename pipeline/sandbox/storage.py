"""What the sandbox remembers: orders, their mutations, and every PUT it accepted, in SQLite.

One connection, used by one thread at a time. A PUT is one transaction that ends before its answer
begins, so a client that is killed at any moment finds each accepted PUT in `put_log`.
"""

import base64
import binascii
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pipeline.sandbox.orders import Order, details
from pipeline.sandbox.payloads import encode

DATABASE_NAME = "sandbox.db"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    order_number TEXT NOT NULL,
    external_id TEXT NOT NULL UNIQUE,
    external_reference TEXT,
    fields TEXT NOT NULL,
    trackings TEXT NOT NULL,
    UNIQUE (account, order_number)
);
CREATE INDEX IF NOT EXISTS orders_reference ON orders (account, external_reference);
CREATE TABLE IF NOT EXISTS mutations (
    sequence INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL,
    mutation TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS mutations_order ON mutations (external_id, sequence);
CREATE TABLE IF NOT EXISTS tracking_keys (
    account INTEGER NOT NULL,
    courier TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    external_id TEXT NOT NULL,
    PRIMARY KEY (account, courier, tracking_number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS put_log (
    sequence INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    order_number TEXT NOT NULL,
    received_at TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    status INTEGER NOT NULL,
    fault TEXT,
    body BLOB NOT NULL
);
"""
_TABLES = ("orders", "mutations", "tracking_keys", "put_log")
_ORDER_COLUMNS = "account, order_number, external_id, fields, trackings"


@dataclass(frozen=True, slots=True)
class PutRecord:
    """One PUT that was stored.

    `status` is what the store made of it (201 created, 200 updated); `fault` names the fault that
    spoilt the answer, if one did.
    """

    sequence: int
    account: int
    order_number: str
    received_at: str
    sha256: str
    status: int
    fault: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class NewPut:
    """A PUT about to be stored."""

    received_at: str
    sha256: str
    status: int
    fault: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for; an empty `accounts` finds nothing."""

    accounts: Sequence[int]
    order_number: str | None = None
    external_reference: str | None = None
    ordering: str = "created"
    cursor: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list with the cursors of its neighbours."""

    orders: list[Order]
    next: str | None
    previous: str | None


class BadCursorError(ValueError):
    """A cursor that this list never gave out."""


class Storage:
    """The sandbox's memory; see the module."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, directory: Path | None) -> Self:
        """Open the database in `directory`, or a fresh one in memory.

        Raises:
            sqlite3.DatabaseError: the file is not a database, or cannot be opened.
        """
        place = ":memory:"
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            place = str(directory / DATABASE_NAME)
        # Opened by one thread and used by the server's; never by two at once.
        connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # Safe against a killed process; only a power cut can lose the last commits.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return cls(connection)

    def close(self) -> None:
        """Close the database; a second call does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, account: int, order_number: str) -> Order | None:
        """Return the order with this number."""
        return self._one("account = ? AND order_number = ?", (account, order_number))

    def find_external(self, external_id: str) -> Order | None:
        """Return the order with this external_id."""
        return self._one("external_id = ?", (external_id,))

    def holder_of_reference(self, account: int, external_reference: str) -> str | None:
        """Return the external_id of the order that has this external_reference."""
        return self._holder(
            "SELECT external_id FROM orders WHERE account = ? AND external_reference = ?",
            (account, external_reference),
        )

    def holder_of_tracking(self, account: int, courier: str, tracking_number: str) -> str | None:
        """Return the external_id of the first order that got this tracking."""
        return self._holder(
            "SELECT external_id FROM tracking_keys"
            " WHERE account = ? AND courier = ? AND tracking_number = ?",
            (account, courier, tracking_number),
        )

    def mutations(self, external_id: str) -> list[dict[str, Any]]:
        """Return every mutation the order ever got, oldest first."""
        rows = self._connection.execute(
            "SELECT mutation FROM mutations WHERE external_id = ? ORDER BY sequence", (external_id,)
        )
        return [json.loads(row[0]) for row in rows]

    def save(self, order: Order, mutations: Sequence[dict[str, Any]], put: NewPut | None) -> None:
        """Store an order, its new mutations and the PUT they came with, all or nothing."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO orders"
                " (account, order_number, external_id, external_reference, fields, trackings)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (account, order_number) DO UPDATE SET"
                " external_reference = excluded.external_reference,"
                " fields = excluded.fields, trackings = excluded.trackings",
                (
                    order.account,
                    order.order_number,
                    order.external_id,
                    order.fields.get("external_reference"),
                    encode(order.fields),
                    encode(order.trackings),
                ),
            )
            self._save_mutations(order, mutations)
            if put is not None:
                self._connection.execute(
                    "INSERT INTO put_log"
                    " (account, order_number, received_at, sha256, status, fault, body)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        order.account,
                        order.order_number,
                        put.received_at,
                        put.sha256,
                        put.status,
                        put.fault,
                        put.body,
                    ),
                )

    def _save_mutations(self, order: Order, mutations: Sequence[dict[str, Any]]) -> None:
        if not mutations:
            return
        self._connection.executemany(
            "INSERT INTO mutations (external_id, mutation) VALUES (?, ?)",
            [(order.external_id, encode(mutation)) for mutation in mutations],
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO tracking_keys VALUES (?, ?, ?, ?)",
            [
                (order.account, tracking["courier"], tracking["tracking_number"], order.external_id)
                for tracking in order.trackings
                if tracking.get("courier") and tracking.get("tracking_number")
            ],
        )

    def page(self, query: Query) -> Page:
        """Return one page of orders.

        Raises:
            BadCursorError: the cursor is not one of this list's.
        """
        column, descending = _sort_column(query.ordering)
        cursor = _Cursor.read(query.cursor)
        backwards = cursor is not None and cursor.backwards
        where, values = _filters(query)
        if cursor is not None:
            comparison = "<" if descending != backwards else ">"
            where += f" AND ({column}, id) {comparison} (?, ?)"
            values += [cursor.value, cursor.id]
        direction = "DESC" if descending != backwards else "ASC"
        rows = self._connection.execute(
            f"SELECT {_ORDER_COLUMNS}, id, {column} FROM orders WHERE {where}"  # noqa: S608 - names come from this module
            f" ORDER BY {column} {direction}, id {direction} LIMIT ?",
            [*values, query.limit + 1],
        ).fetchall()
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        if backwards:
            rows.reverse()
        has_next = more if not backwards else True
        has_previous = more if backwards else cursor is not None
        return Page(
            [_order(row) for row in rows],
            _Cursor(rows[-1][6], rows[-1][5], backwards=False).text if rows and has_next else None,
            _Cursor(rows[0][6], rows[0][5], backwards=True).text if rows and has_previous else None,
        )

    def orders(self) -> list[Order]:
        """Return every order, oldest first."""
        rows = self._connection.execute(f"SELECT {_ORDER_COLUMNS} FROM orders ORDER BY id")  # noqa: S608 - a constant
        return [_order(row) for row in rows]

    def puts(self) -> list[PutRecord]:
        """Return every PUT that was stored, in the order of storing."""
        rows = self._connection.execute(
            "SELECT sequence, account, order_number, received_at, sha256, status, fault, body"
            " FROM put_log ORDER BY sequence"
        )
        return [PutRecord(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return the number of rows in each table."""
        return {
            table: self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - a constant
            for table in _TABLES
        }

    def reset(self) -> None:
        """Forget everything."""
        with self._transaction():
            for table in _TABLES:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _one(self, where: str, values: tuple[object, ...]) -> Order | None:
        row = self._connection.execute(
            f"SELECT {_ORDER_COLUMNS} FROM orders WHERE {where}",  # noqa: S608 - a constant
            values,
        ).fetchone()
        return None if row is None else _order(row)

    def _holder(self, statement: str, values: tuple[object, ...]) -> str | None:
        row = self._connection.execute(statement, values).fetchone()
        return None if row is None else str(row[0])


def read_puts(directory: Path) -> list[PutRecord]:
    """Return the PUTs a sandbox stored in `directory`, also after it or its client was killed.

    Raises:
        FileNotFoundError: no sandbox ever kept its data there.
    """
    path = directory / DATABASE_NAME
    if not path.exists():
        raise FileNotFoundError(f"{path}: no sandbox kept its data here")
    with Storage.open(directory) as storage:
        return storage.puts()


def read_orders(directory: Path) -> list[dict[str, Any]]:
    """Return the orders a sandbox stored in `directory`, with their mutations and trackings.

    Raises:
        FileNotFoundError: no sandbox ever kept its data there.
    """
    path = directory / DATABASE_NAME
    if not path.exists():
        raise FileNotFoundError(f"{path}: no sandbox kept its data here")
    with Storage.open(directory) as storage:
        return [details(order, storage.mutations(order.external_id)) for order in storage.orders()]


def _order(row: Sequence[Any]) -> Order:
    return Order(row[0], row[1], row[2], json.loads(row[3]), tuple(json.loads(row[4])))


def _sort_column(ordering: str) -> tuple[str, bool]:
    # An ordering the list does not know is ignored, as Django REST framework does.
    descending = ordering.startswith("-")
    return ("order_number" if ordering.lstrip("-") == "order_number" else "id"), descending


def _filters(query: Query) -> tuple[str, list[Any]]:
    places = ", ".join("?" for _ in query.accounts)
    where, values = f"account IN ({places})", list[Any](query.accounts)
    if query.order_number is not None:
        where += " AND order_number = ?"
        values.append(query.order_number)
    if query.external_reference is not None:
        where += " AND external_reference = ?"
        values.append(query.external_reference)
    return where, values


@dataclass(frozen=True, slots=True)
class _Cursor:
    value: str | int
    id: int
    backwards: bool

    @property
    def text(self) -> str:
        raw = json.dumps([self.value, self.id, self.backwards]).encode()
        return base64.urlsafe_b64encode(raw).decode()

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        if text is None:
            return None
        try:
            value, row_id, backwards = json.loads(base64.b64decode(text, b"-_", validate=True))
        except (binascii.Error, ValueError, TypeError, RecursionError) as error:
            raise BadCursorError("Invalid cursor") from error
        numbers = [number for number in (value, row_id) if isinstance(number, int)]
        shapes = isinstance(value, str | int) and isinstance(row_id, int)
        fits = all(-(2**63) <= number < 2**63 for number in numbers)
        if not shapes or not isinstance(backwards, bool) or not fits:
            raise BadCursorError("Invalid cursor")
        return cls(value, row_id, backwards)
