"""Where the tables live: a SQLite file, which one process at a time uses, or PostgreSQL."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from pipeline.ledger import schema as t
from pipeline.ledger.database import RECOVER, Store, explained
from pipeline.ledger.lock import FileLock, held
from pipeline.ledger.records import Clock, RunState
from pipeline.ledger.schema import VERSION
from pipeline.ledger.stops import LedgerAbsent, LedgerDamaged, LedgerUnusable
from pipeline.ledger.versions import APPLICATION_ID, migrate, refuse_newer, version_of

SMALL = 64 << 20  # bytes of a ledger that is read whole each time it is opened: under 0.1 s


def is_remote(location: str | Path) -> bool:
    """Tell whether a ledger is a PostgreSQL URL rather than a path."""
    return str(location).startswith(("postgresql:", "postgresql+"))


def open_store(
    location: str | Path, *, clock: Clock, writable: bool, shared: bool = False
) -> Store:
    """Open the database at a path or a PostgreSQL URL, with its lock when `writable`.

    With `shared` other processes may work in it at the same time, where the database allows that.

    Raises:
        LedgerLocked: another process holds it.
        LedgerUnusable: damaged, newer than this program, or not writable.
    """
    if is_remote(location):
        from pipeline.ledger.postgresql import open_postgresql

        return open_postgresql(str(location), writable=writable, shared=shared)
    path = Path(str(location).removeprefix("sqlite:///"))
    return _open_sqlite(path, clock=clock) if writable else _read_sqlite(path)


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
            _note_loss(path)
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


def _loss_path(path: Path) -> Path:
    return path.with_name(path.name + ".lost")


_LOSS = """\
The ledger before this one was given up, or a newer copy of it is gone, so nobody knows which changes were
sent. As long as this file is here, changes that must not be made twice are read back before they are sent (docs/ledger.md).
"""


def _note_loss(path: Path) -> None:
    """Say beside the ledger, durably and before it goes, that what it knew is lost (FAULTS L3)."""
    handle = os.open(_loss_path(path), os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    try:
        os.write(handle, _LOSS.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync_folder(path.parent)


# --- SQLite ---------------------------------------------------------------------------------


def _open_sqlite(path: Path, *, clock: Clock) -> Store:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnusable(
            f"cannot make the folder of the ledger {path.parent}: {error.strerror}",
            help="it must be a folder in which this user may write, on a disk with room (`ledger` in "
            "pipeline.toml names another); then run the same command again",
        ) from error
    lock = FileLock(_lock_path(path), clock=clock)
    lock.take()
    try:
        with explained(str(path), opening=True):
            _refuse_what_is_no_ledger(path)
            journal = has_journal(path)
            if not path.exists():
                _create_sqlite(path)
            _refuse_read_only(path)
            connection = _connect(_for_writing(path), "BEGIN IMMEDIATE")
    except BaseException:
        lock.release(undone=True)
        raise
    try:
        with explained(str(path), opening=True):
            _judge_sqlite(connection, path, whole=journal or path.stat().st_size <= SMALL)
            if not journal:
                with connection.begin():
                    refuse_lost_journal(connection, path, lock.left)
    except BaseException:
        _close(connection)
        lock.release(undone=True)
        raise

    def close() -> None:
        _close(connection)
        lock.release()

    return Store(
        connection, sqlite.insert, str(path), close, name_run=lock.name_run, at_work=lambda: True,
        compact=lambda: _compact_sqlite(connection), after_a_loss=_loss_path(path).exists(),
        note_loss=lambda: _note_loss(path),
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
        raise LedgerAbsent(
            f"there is no ledger at {path}", help="the first `pipeline run` makes it"
        )
    uri = f"file:{quote(str(path))}?mode=ro"
    with explained(str(path)):
        _refuse_what_is_no_ledger(path)
        connection = _connect(lambda: sqlite3.connect(uri, uri=True, **_SETTINGS), "BEGIN")
    try:
        with explained(str(path)):
            with connection.begin():
                found = version_of(connection)
            refuse_newer(found, str(path))
    except BaseException:
        _close(connection)
        raise
    return Store(
        connection, sqlite.insert, str(path), lambda: _close(connection),
        at_work=lambda: held(_lock_path(path)),
        refuse_lost_journal=lambda: _look_for_journal(connection, path),
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
            raise LedgerDamaged(f"ledger damaged at {path} (the file is empty)", help=RECOVER)
        return
    if path.with_name(path.name + "-wal").exists():
        raise LedgerDamaged(
            f"ledger damaged at {path} (the file is gone, its journal is still there)",
            help=RECOVER,
        )


def _refuse_read_only(path: Path) -> None:
    # SQLite opens such a file for reading without a word, and `BEGIN IMMEDIATE` succeeds. The file is
    # asked by its name: to open and close it would end the locks that SQLite has on it. What SQLite
    # lays beside it gets the rights that the file has then, and keeps them.
    for end in ("", "-wal", "-shm"):
        part = path.with_name(path.name + end)
        if part.exists() and not os.access(part, os.W_OK):
            raise LedgerUnusable(
                f"cannot use the ledger at {path}: this user may not write {part.name}",
                help="give this user the right to write it, or run as the user who owns it; then run the "
                "command again",
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
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(connection)
        _settle_journal(connection, unfinished)
    finally:
        _close(connection)
    unfinished.rename(path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _settle_journal(connection: sa.Connection, path: Path) -> None:
    """Bring all of the journal into the file, and raise if that fails.

    Closing does the same and says nothing when the disk is full; the file would then be renamed
    without its tables.
    """
    driver: Any = connection.connection.driver_connection
    (busy, *_) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise LedgerUnusable(
            f"cannot make the ledger at {path}: another program has it open",
            help="close that program, then run the same command again",
        )


def has_journal(path: Path) -> bool:
    """Tell whether a ledger that nobody has open was not closed: closing takes its journal in."""
    journal = path.with_name(f"{path.name}-wal")
    return journal.exists() and journal.stat().st_size > 0


def refuse_lost_journal(connection: sa.Connection, path: Path, left: str) -> None:
    """Refuse a ledger whose last commits are gone with its journal (FAULTS L2).

    `left` is what the lock of a process still says that did not close the ledger; there is no journal.

    Raises:
        LedgerDamaged: the run that it names was at work.
    """
    words = left.split()
    if len(words) < 2 or words[1] == "-":
        return
    run = words[1]
    state = connection.execute(sa.select(t.run.c.state).where(t.run.c.id == run)).scalar()
    if state is None or state == RunState.RUNNING.value:
        raise LedgerDamaged(
            f"ledger damaged at {path}: run {run} was cut off, and the journal {path.name}-wal with its "
            "last commits is gone",
            help="nothing was sent; put the journal back. If another program has opened the ledger since, "
            f"such as sqlite3, nothing is missing; if not, orders that run {run} has sent are sent "
            f"again. To go on in either case, remove {_lock_path(path)}",
        )


def _look_for_journal(connection: sa.Connection, path: Path) -> None:
    """The same for who only reads, while nobody is at work."""
    lock = _lock_path(path)
    if has_journal(path) or not lock.is_file():
        return
    left = lock.read_text("utf-8", "replace")
    try:
        with connection.begin():
            refuse_lost_journal(connection, path, left)
    except LedgerDamaged:
        if not held(lock):  # else it is what a run has written that has just begun
            raise


def _judge_sqlite(connection: sa.Connection, path: Path, *, whole: bool) -> None:
    """Refuse what is damaged or no ledger of this program, and upgrade an old one.

    All of it is read only where it is `whole`: after an end that was none, or where that costs
    nothing. SQLite itself refuses a file that is cut off, and a damaged page when it is read.
    """
    with connection.begin():
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() if whole else "ok"
        if verdict != "ok":
            raise LedgerDamaged(f"ledger damaged at {path} (quick_check: {verdict})", help=RECOVER)
        if connection.exec_driver_sql("PRAGMA application_id").scalar() != APPLICATION_ID:
            raise LedgerUnusable(
                f"the database at {path} is not a ledger of this program", help=RECOVER
            )
        found = version_of(connection)
    refuse_newer(found, str(path))
    if found < VERSION:
        migrate(connection)


def _close(connection: sa.Connection) -> None:
    # A connection whose commit failed cannot be rolled back cleanly; closing it does the same.
    with suppress(sa.exc.SQLAlchemyError):
        connection.close()
    connection.engine.dispose()
