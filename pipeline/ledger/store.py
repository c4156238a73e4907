"""Where the tables live: the one module that knows SQLite from PostgreSQL.

A store is one open connection with its lock. All statements elsewhere are SQLAlchemy Core; what
differs between the databases (pragmas, version, lock, upsert, files) is here.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.ledger.lock import FileLock, held
from pipeline.ledger.records import Clock
from pipeline.ledger.schema import METADATA, VERSION
from pipeline.ledger.stops import LedgerDamaged, LedgerLocked, LedgerUnusable
from pipeline.ledger.upgrade import add_edi, add_history, add_marks

# Version n is reached from n - 1 by MIGRATIONS[n - 1]; all that are due run in one transaction. The
# first makes the tables as they are now, and the others add only what is not there.
MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (
    METADATA.create_all, add_edi, add_history, add_marks,
)  # fmt: skip

_APPLICATION_ID = 0x70697065  # "pipe": another program's database is refused
_RECOVER = (
    "nothing was sent; put back a copy of the ledger, or start a new one with "
    "`pipeline run --new-ledger`, which sends every order again"
)


@dataclass(frozen=True, slots=True)
class Store:
    """An open database: its one connection, its upsert, and how to name its lock and close it."""

    connection: sa.Connection
    insert: Callable[[sa.Table], Any]  # the dialect's own insert, for on_conflict_do_update
    place: str
    name_run: Callable[[str | None], None]
    close: Callable[[], None]
    at_work: Callable[[], bool]  # whether any process holds the lock
    compact: Callable[[], None]  # leave nothing in the files but what the tables have


def open_store(location: str | Path, *, clock: Clock, writable: bool) -> Store:
    """Open the database at a path or a PostgreSQL URL, with its lock when `writable`.

    Raises:
        LedgerLocked: another run holds it.
        LedgerUnusable: damaged, newer than this program, or not writable.
    """
    text = str(location)
    if text.startswith(("postgresql:", "postgresql+")):
        return _open_postgresql(text, writable=writable)
    path = Path(text.removeprefix("sqlite:///"))
    return _open_sqlite(path, clock=clock) if writable else _read_sqlite(path)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn a failure of the database into the words of FAULTS P7, P8 and L1."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise _unusable(error, place) from error


def _unusable(error: Exception, place: str) -> LedgerUnusable:
    words = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
    if "disk is full" in words or "No space left" in words:
        return LedgerUnusable(
            f"disk full writing the ledger at {place}",
            help="free some space and run the same command again; what was delivered is recorded",
        )
    if "malformed" in words or "not a database" in words or "damaged" in words:
        return LedgerDamaged(f"ledger damaged at {place} ({words})", help=_RECOVER)
    return LedgerUnusable(
        f"cannot use the ledger at {place}: {words}",
        help="the ledger needs a local disk that this user may write; then run the command again",
    )


def set_aside(location: str | Path, *, clock: Clock) -> Path | None:
    """Move a damaged ledger to another name, so that the next `open` makes a new one.

    Returns:
        Its new name; None when the ledger is in order or not there, and nothing was moved.

    Raises:
        LedgerLocked: another run holds it.
        LedgerUnusable: it is not damaged, but cannot be used either.
    """
    try:
        open_store(location, clock=clock, writable=True).close()
    except LedgerDamaged:
        path = Path(str(location).removeprefix("sqlite:///"))
    else:
        return None
    lock = FileLock(_lock_path(path), clock=clock)
    lock.take()
    try:
        aside = path.with_name(f"{path.name}.damaged-{clock():%Y%m%dT%H%M%S}")
        with explained(str(path)):
            # in this order: a crash in between leaves a ledger that is refused as damaged
            for end in ("", "-shm", "-wal"):
                part = path.with_name(path.name + end)
                if part.exists():
                    part.rename(aside.with_name(aside.name + end))
        return aside
    finally:
        lock.release()


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


# --- SQLite ---------------------------------------------------------------------------------


def _open_sqlite(path: Path, *, clock: Clock) -> Store:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnusable(
            f"cannot make the folder of the ledger {path.parent}: {error.strerror}",
            help="it must be a folder in which this user may write; `ledger` in pipeline.toml names another",
        ) from error
    lock = FileLock(_lock_path(path), clock=clock)
    lock.take()
    try:
        with explained(str(path)):
            _refuse_what_is_no_ledger(path)
            if not path.exists():
                _create_sqlite(path)
            connection = _connect(_for_writing(path), "BEGIN IMMEDIATE")
    except BaseException:
        lock.release()
        raise
    try:
        with explained(str(path)):
            _judge_sqlite(connection, path)
    except BaseException:
        _close(connection)
        lock.release()
        raise

    def close() -> None:
        _close(connection)
        lock.release()

    return Store(
        connection, sqlite.insert, str(path), lock.name_run, close, lambda: True,
        lambda: _compact_sqlite(connection),
    )  # fmt: skip


def _compact_sqlite(connection: sa.Connection) -> None:
    """Write the database anew: earlier versions of this program left old values in free pages."""
    raw = connection.connection.driver_connection
    if raw is None:
        raise sqlite3.ProgrammingError("the connection is closed")
    raw.execute("VACUUM")  # not in a transaction
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _read_sqlite(path: Path) -> Store:
    if not path.exists():
        raise LedgerUnusable(
            f"there is no ledger at {path}", help="the first `pipeline run` makes it"
        )
    uri = f"file:{quote(str(path))}?mode=ro"
    with explained(str(path)):
        connection = _connect(lambda: sqlite3.connect(uri, uri=True, **_SETTINGS), "BEGIN")
    try:
        with explained(str(path)):
            with connection.begin():
                found = _version(connection)
            _refuse_version(found, str(path))
    except BaseException:
        _close(connection)
        raise
    return Store(
        connection, sqlite.insert, str(path), _no_name, lambda: _close(connection),
        lambda: held(_lock_path(path)), _nothing_to_compact,
    )  # fmt: skip


_SETTINGS: dict[str, Any] = {
    "timeout": 5.0,
    "isolation_level": None,  # we begin transactions ourselves, so that DDL is part of them
    "check_same_thread": False,  # `send` commits from a thread of its own; `Ledger` serialises
}


def _for_writing(path: Path) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(path, **_SETTINGS)
        try:
            for pragma, value, expected in _PRAGMAS:
                _set_pragma(connection, path, pragma, value, expected)
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


_PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("busy_timeout", "5000", 5000),
    ("foreign_keys", "ON", 1),
    ("cache_size", "-65536", -65536),
    # what is deleted or replaced is overwritten: nothing of it stays in free pages (FAULTS S9)
    ("secure_delete", "ON", 1),
)


def _set_pragma(
    connection: sqlite3.Connection, path: Path, pragma: str, value: str, expected: object
) -> None:
    # Read back: `synchronous=FULLL` is taken without a word and means NORMAL (FAULTS P9).
    connection.execute(f"PRAGMA {pragma} = {value}")
    (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    if found != expected:
        raise LedgerUnusable(
            f"the ledger at {path} cannot run with {pragma} = {value}, it says {found}",
            help="keep the ledger on a local disk, or use PostgreSQL for shared use",
        )


def _connect(connect: Callable[[], sqlite3.Connection], begin: str) -> sa.Connection:
    # Parameters hold customers' order numbers: an error must not print them (FAULTS S10).
    engine = sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.pool.StaticPool, hide_parameters=True
    )
    sa.event.listen(engine, "begin", lambda opened: opened.exec_driver_sql(begin))
    return engine.connect()


def _refuse_what_is_no_ledger(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise LedgerUnusable(f"the ledger at {path} is not a plain file")
    if path.exists():
        if path.stat().st_size == 0:
            raise LedgerDamaged(f"ledger damaged at {path} (the file is empty)", help=_RECOVER)
        return
    if path.with_name(path.name + "-wal").exists():
        raise LedgerDamaged(
            f"ledger damaged at {path} (the file is gone, its journal is still there)",
            help=_RECOVER,
        )


def _create_sqlite(path: Path) -> None:
    """Make a complete ledger under another name first: a crash leaves none or a whole one."""
    unfinished = path.with_name(f"{path.name}.new")
    for leftover in (unfinished, *(Path(f"{unfinished}-{end}") for end in ("wal", "shm"))):
        leftover.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = _connect(_for_writing(unfinished), "BEGIN IMMEDIATE")
    try:
        with connection.begin():
            connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
        _migrate(connection)
    finally:
        _close(connection)
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _judge_sqlite(connection: sa.Connection, path: Path) -> None:
    with connection.begin():
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if verdict != "ok":
            raise LedgerDamaged(f"ledger damaged at {path} (quick_check: {verdict})", help=_RECOVER)
        if connection.exec_driver_sql("PRAGMA application_id").scalar() != _APPLICATION_ID:
            raise LedgerUnusable(
                f"the database at {path} is not a ledger of this program", help=_RECOVER
            )
        found = _version(connection)
    _refuse_version(found, str(path))
    if found < VERSION:
        _migrate(connection)


def _close(connection: sa.Connection) -> None:
    # A connection whose commit failed cannot be rolled back cleanly; closing it does the same.
    with suppress(sa.exc.SQLAlchemyError):
        connection.close()
    connection.engine.dispose()


# --- versions -------------------------------------------------------------------------------


def _migrate(connection: sa.Connection) -> None:
    with connection.begin():
        for step in MIGRATIONS[_version(connection) :]:
            step(connection)
        _set_version(connection, VERSION)


def _refuse_version(found: int, place: str) -> None:
    if found > VERSION:
        raise LedgerUnusable(
            f"the ledger at {place} has format {found}, this program knows formats up to {VERSION}",
            help="use the newer version of this program that wrote it",
        )


def _version(connection: sa.Connection) -> int:
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS ledger_version (version integer)")
    return connection.exec_driver_sql("SELECT max(version) FROM ledger_version").scalar() or 0


def _set_version(connection: sa.Connection, version: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {version:d}")
    else:
        connection.execute(
            sa.text("INSERT INTO ledger_version VALUES (:version)"), {"version": version}
        )


# --- PostgreSQL -----------------------------------------------------------------------------

_ADVISORY_KEY = _APPLICATION_ID


def _open_postgresql(url: str, *, writable: bool) -> Store:
    engine_url = sa.make_url(url)
    if engine_url.drivername == "postgresql":
        engine_url = engine_url.set(drivername="postgresql+psycopg")
    place = engine_url.render_as_string(hide_password=True)
    with explained(place):
        connection = sa.create_engine(
            engine_url, poolclass=sa.pool.StaticPool, hide_parameters=True
        ).connect()
    try:
        with explained(place):
            if writable:
                _lock_postgresql(connection)
            with connection.begin():
                found = _version(connection)
            _refuse_version(found, place)
            if writable and found < VERSION:
                _migrate(connection)
    except BaseException:
        _close(connection)
        raise

    def name_run(run_id: str | None) -> None:
        with connection.begin():
            connection.execute(
                sa.text("SELECT set_config('application_name', :name, false)"),
                {"name": f"pipeline run {run_id or '-'} pid {os.getpid()}"[:63]},
            )

    def at_work() -> bool:
        with connection.begin():
            found = connection.execute(
                sa.text(
                    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = :key AND granted"
                ),
                {"key": _ADVISORY_KEY},
            ).first()
        return found is not None

    return Store(
        connection, postgresql.insert, place, name_run, lambda: _close(connection), at_work,
        _nothing_to_compact,
    )  # fmt: skip


def _lock_postgresql(connection: sa.Connection) -> None:
    """Take a session lock: it ends with the connection, as the file lock with the process."""
    with connection.begin():
        taken = connection.execute(
            sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_KEY}
        ).scalar()
        if taken:
            return
        holder = connection.execute(
            sa.text(
                "SELECT a.application_name || ' from ' || coalesce(host(a.client_addr), 'here')"
                " || ' since ' || a.backend_start FROM pg_locks l"
                " JOIN pg_stat_activity a ON a.pid = l.pid"
                " WHERE l.locktype = 'advisory' AND l.objid = :key AND l.granted"
            ),
            {"key": _ADVISORY_KEY},
        ).scalar()
    raise LedgerLocked(
        f"another run is using this ledger: {holder or 'it has not said its name yet'}",
        help="wait until it has ended; its lock ends with its connection",
    )


def _nothing_to_compact() -> None:
    """Who only reads leaves nothing behind; what PostgreSQL keeps of old rows its own VACUUM removes."""


def _no_name(_run_id: str | None) -> None:
    """Readers hold no lock, so there is no name to write."""
