"""A ledger in PostgreSQL: locks that other machines see, and a connection that may be lost.

Locks are advisory and belong to the session, so they end with the process as a file lock does.
Their key is the schema, so several ledgers can live in one database, and an endpoint, or 0 for the
whole ledger. Whoever writes holds 0 (shared, or alone while tables change or rows are purged), and
an endpoint: alone while a run is prepared or concluded, shared while its orders are sent.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from importlib.util import find_spec

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pipeline.ledger import schema as t
from pipeline.ledger.claims import session_name
from pipeline.ledger.database import Store, explained
from pipeline.ledger.schema import METADATA, VERSION
from pipeline.ledger.stops import (
    LedgerAbsent,
    LedgerCut,
    LedgerLocked,
    LedgerUnusable,
    PooledSession,
)
from pipeline.ledger.versions import migrate, refuse_newer, version_of

PATIENCE_S = 30.0  # how long a server may be away, or another process busy, before we give up
_FIRST_WAIT_S, _LAST_WAIT_S = 0.05, 1.0
_BRIEFLY_S = 1.0
_KNOWN_AFTER = 20  # transactions of a process; the tables have rows by then
_WHOLE = 0  # the key of the whole ledger; endpoints count from 1

# A peer that is gone without a word is noticed in seconds, not after the kernel's two hours.
_CONNECTING = {
    "connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5",
    "keepalives_count": "3", "tcp_user_timeout": "20000",
}  # fmt: skip
_SESSION = (
    "SET synchronous_commit = on",  # an acknowledged commit is on disk, whatever the server's default
    "SET lock_timeout = '30s'",
    # a process that is frozen in a transaction must not keep its rows from the others (FAULTS P5)
    "SET idle_in_transaction_session_timeout = '15s'",
    "SET TIME ZONE 'UTC'",
    # the plan that was good for an empty table reads all of it once it has grown
    "SET plan_cache_mode = force_custom_plan",
)
_GONE = ("25P03", "57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006")
_CLASH = ("40001", "40P01", "55P03")  # serialisation, deadlock, lock timeout


class _Mode(Enum):
    """How a lock is held; the value ends the names of the server's functions."""

    ALONE = ""
    SHARED = "_shared"


class PostgresStore(Store):
    """One connection to PostgreSQL, made anew when it is lost, with the locks of this process."""

    def __init__(self, engine: sa.Engine, place: str, *, writable: bool) -> None:
        self._engine = engine
        self._writable = writable
        self._held: dict[int, _Mode] = {}
        self._name = f"pid {os.getpid()} on {socket.gethostname()}"
        self._run: str | None = None
        self._serial = 0
        self._lost = False
        self._backend = 0
        self._schema = 0
        super().__init__(self._connect(), postgresql.insert, place, self._end)

    # --- the connection -------------------------------------------------------------------------

    def _connect(self) -> sa.Connection:
        connection = self._engine.connect()
        try:
            with connection.begin():
                for statement in _SESSION:
                    connection.exec_driver_sql(statement)
                if not self._writable:
                    connection.exec_driver_sql("SET default_transaction_read_only = on")
                self._backend, schema = connection.execute(
                    sa.text("SELECT pg_backend_pid(), hashtext('pipeline ' || current_schema())")
                ).one()
        except BaseException:
            close(connection)
            raise
        if schema is None:
            close(connection)
            raise LedgerUnusable(
                "the schema in the URL of the ledger is not there",
                help="make it first, or leave search_path out of the URL",
            )
        self._schema = schema
        return connection

    def _end(self) -> None:
        if self.worker is not None and not self._lost:
            with suppress(sa.exc.SQLAlchemyError), self.connection.begin():
                self.connection.execute(sa.delete(t.worker).where(t.worker.c.id == self.worker))
        close(self.connection)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Give the connection inside one transaction; a lost connection is made anew first.

        Raises:
            LedgerCut: the connection was lost, or another process was in the way. Nothing of it
                is stored; the same may be done again.
            LedgerUnusable: the server stayed away.
        """
        if self._lost:
            self._reconnect()
        begun = self.connection.begin()
        try:
            yield self.connection
            self._mark()
        except BaseException as error:
            with suppress(sa.exc.SQLAlchemyError):
                begun.rollback()
            self._judge(error)
            raise
        try:
            begun.commit()
        except sa.exc.DBAPIError as error:
            if not _is_gone(error):
                raise
            self._lost = True
            self._reconnect()
            if not self._was_stored():
                raise self._cut() from error
        if self._serial == _KNOWN_AFTER:
            self._look_at_what_there_is()

    def _judge(self, error: BaseException) -> None:
        if isinstance(error, sa.exc.DBAPIError):
            if _is_gone(error):
                self._lost = True
                raise self._cut() from error
            if getattr(error.orig, "sqlstate", None) in _CLASH:
                raise LedgerCut(
                    f"another process was in the way in the ledger at {self.place}",
                    help="run the same command again",
                ) from error

    def _cut(self) -> LedgerCut:
        return LedgerCut(
            f"the connection to the ledger at {self.place} was lost",
            help="run the same command again when the server is back; what was delivered is recorded",
        )

    def _mark(self) -> None:
        """Count this transaction, in itself: a commit without an answer can be looked up."""
        if self.worker is not None:
            self._serial += 1
            self.connection.execute(_MARK, {"worker": self.worker, "serial": self._serial})

    def _look_at_what_there_is(self) -> None:
        """Tell the planner what the tables hold now, which it would find out in a minute or so.

        Until then it takes one endpoint for a two-hundredth of all, and reads every order of it.
        """
        try:
            with self.connection.begin():
                self.analyse(self.connection, *_FILLED)
        except sa.exc.DBAPIError as error:  # only slower; the next transaction connects again
            self._lost = self._lost or _is_gone(error)

    def _was_stored(self) -> bool:
        """Tell whether the commit that got no answer was done; waits for one still under way."""
        if self.worker is None:
            return True  # it only read
        with self.connection.begin():
            return self._last_serial() == self._serial

    def _last_serial(self) -> int:
        found = self.connection.execute(_LOOK_UP, {"worker": self.worker}).scalar()
        if found is None:
            raise LedgerUnusable(
                f"another process has taken over the ledger at {self.place} while the connection "
                "was lost",
                help="run the same command again",
            )
        return int(found)

    def _reconnect(self) -> None:
        """Connect again, with the same name and the same locks.

        Raises:
            LedgerUnusable: the server stays away, or others have taken what we held.
        """
        deadline = time.monotonic() + PATIENCE_S
        wait_s = _FIRST_WAIT_S
        close(self.connection)
        dead = self._backend
        while True:
            try:
                self.connection = self._connect()
                break
            except sa.exc.DBAPIError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LAST_WAIT_S)
        self._lost = False
        if self.worker is None:
            return
        with self.connection.begin():
            # Our old session may not have noticed yet that nobody listens; it holds our locks.
            self.connection.execute(_END_BACKEND, {"pid": dead, "name": session_name(self.worker)})
            self._last_serial()
        self._name_session()
        held, self._held = self._held, {}
        for key, mode in held.items():
            if not self._take_in_time(key, mode):
                raise LedgerLocked(
                    f"another process has begun to work in the ledger at {self.place} while the "
                    "connection was lost",
                    help="run the same command again when it has ended",
                )

    # --- locks ----------------------------------------------------------------------------------

    def open_for_writing(self, *, shared: bool) -> None:
        """Take the ledger, bring it to the format of this program, and get a number.

        Raises:
            LedgerLocked: another process has it, or its format is older than others can use.
            LedgerUnusable: it is newer than this program, or no ledger.
            PooledSession: locks would not hold.
        """
        self._refuse_pooling()
        modes = (_Mode.ALONE, _Mode.SHARED) if shared else (_Mode.ALONE,)
        if not self._take_in_time(_WHOLE, *modes, patience_s=PATIENCE_S if shared else _BRIEFLY_S):
            raise self._locked()
        if self.alone:
            self._bring_up()
        else:
            with self.connection.begin():
                found = version_of(self.connection)
            refuse_newer(found, self.place)
            if found < VERSION:
                raise self._locked()
        with self.connection.begin():
            self.worker = self.connection.execute(
                sa.insert(t.worker).values(name=self._said(), serial=0).returning(t.worker.c.id)
            ).scalar_one()
        self._name_session()

    def _bring_up(self) -> None:
        with self.connection.begin():
            found = version_of(self.connection)
            refuse_newer(found, self.place)
            if not found:
                self._refuse_foreign_tables()
        if found < VERSION:
            migrate(self.connection)
        with self.connection.begin():  # nobody else is there: these are of dead processes
            self.connection.execute(sa.delete(t.worker))

    def _refuse_foreign_tables(self) -> None:
        found = set(sa.inspect(self.connection).get_table_names()) & set(METADATA.tables)
        if found:
            raise LedgerUnusable(
                f"the database at {self.place} is not a ledger of this program: it has a table "
                f"{min(found)} already",
                help="give the ledger a database or a schema of its own",
            )

    def _refuse_pooling(self) -> None:
        """Refuse a pooler that gives each transaction another session (FAULTS D7).

        Session locks taken there would be held by a connection that others use, too.
        """
        with self._engine.connect() as second, second.begin():
            # a pool of one session would let us wait for ever, so the second question comes last
            moved = _backend(second) == self._backend or self._now_elsewhere()
        if moved:
            raise PooledSession(
                f"the ledger at {self.place} is behind a pooler that changes sessions between "
                "transactions, so its locks would not hold",
                help="connect to PostgreSQL itself, or set pool_mode = session for this database",
            )

    def _now_elsewhere(self) -> bool:
        with self.connection.begin():
            return _backend(self.connection) != self._backend

    def _take(self, key: int, mode: _Mode) -> bool:
        with self.connection.begin():
            taken = self._call("pg_try_advisory_lock", key, mode)
        if taken:
            before = self._held.get(key)
            self._held[key] = mode
            if before is not None:
                self._unlock(key, before)
        return taken

    def _take_in_time(self, key: int, *modes: _Mode, patience_s: float = PATIENCE_S) -> bool:
        deadline = time.monotonic() + patience_s
        while not any(self._take(key, mode) for mode in modes):
            if time.monotonic() > deadline:
                return False
            time.sleep(_FIRST_WAIT_S)
        return True

    def _unlock(self, key: int, mode: _Mode) -> None:
        with self.connection.begin():
            self._call("pg_advisory_unlock", key, mode)

    def _call(self, function: str, key: int, mode: _Mode) -> bool:
        named = getattr(sa.func, function + mode.value)
        schema = sa.cast(self._schema, sa.Integer)
        return bool(self.connection.scalar(sa.select(named(schema, sa.cast(key, sa.Integer)))))

    @property
    def alone(self) -> bool:
        """Whether no other process has this ledger open for writing."""
        return self._held.get(_WHOLE) is _Mode.ALONE

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """For statements that write nothing: a lost connection may be tried again."""
        if self._lost:
            self._reconnect()
        try:
            yield
        except sa.exc.DBAPIError as error:
            self._judge(error)
            raise

    def let_others_in(self) -> None:
        """From now on other processes may work in this ledger, too."""
        if self.alone:
            with self._watched():
                self._take(_WHOLE, _Mode.SHARED)

    def hold(self, endpoint: int) -> bool:
        """Keep everybody else from working at an endpoint; False when somebody does already."""
        with self._watched():
            return self._held.get(endpoint) is _Mode.ALONE or self._take(endpoint, _Mode.ALONE)

    def share(self, endpoint: int) -> bool:
        """Let others work at an endpoint beside us; False when somebody holds it for himself."""
        with self._watched():
            return self._held.get(endpoint) is _Mode.SHARED or self._take(endpoint, _Mode.SHARED)

    def leave(self, endpoint: int) -> None:
        """Work at an endpoint no more."""
        with self._watched():
            if (mode := self._held.pop(endpoint, None)) is not None:
                self._unlock(endpoint, mode)

    # --- who is there ---------------------------------------------------------------------------

    def name_run(self, run_id: str | None) -> None:
        """Write where others look who works here."""
        self._run = run_id
        with self._watched(), self.connection.begin():
            self.connection.execute(
                sa.update(t.worker)
                .where(t.worker.c.id == self.worker)
                .values(name=self._said(), run=run_id)
            )

    def _said(self) -> str:
        return f"run {self._run or '-'} by {self._name}"

    def _name_session(self) -> None:
        if self.worker is None:
            return
        name = session_name(self.worker)
        with self.connection.begin():
            self.connection.execute(
                sa.text("SELECT set_config('application_name', :name, false)"), {"name": name}
            )

    def at_work(self, endpoint: int | None = None) -> bool:
        """Tell whether another process works here, or at one endpoint."""
        with self._watched(), self.connection.begin():
            found = self.connection.execute(_OTHERS, self._which(endpoint)).first()
        return found is not None

    def holder(self) -> str:
        """Who works here, in words; "" where nobody can be seen."""
        with self.connection.begin():
            if not version_of(self.connection):
                return ""
            rows = self.connection.execute(_NAMES, self._which(None)).scalars()
            return ", ".join(sorted(set(rows)))

    def analyse(self, connection: sa.Connection, *tables: sa.Table) -> None:
        """Tell the planner of many new rows at once: autovacuum comes a minute too late.

        Until it knows, it reads the whole partition for every group of orders.
        """
        for table in tables:
            # one that another process is looking at need not be waited for
            connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {table.name}")

    def server(self) -> tuple[str, bool]:
        """The server in words, and whether it keeps what it has acknowledged through a power cut."""
        with self._watched(), self.connection.begin():
            version, fsync = self.connection.exec_driver_sql(
                "SELECT current_setting('server_version'), current_setting('fsync')"
            ).one()
        return f"PostgreSQL {version.split()[0]}", fsync == "on"

    def sessions_at_work(self, endpoint: int) -> list[str]:
        """The runs that other processes work on at an endpoint, one for each process."""
        with self._watched(), self.connection.begin():
            rows = self.connection.execute(_RUNS, self._which(endpoint)).scalars()
            return [run for run in rows if run is not None]

    def _which(self, endpoint: int | None) -> dict[str, int]:
        first, last = (_WHOLE, 2**31 - 1) if endpoint is None else (endpoint, endpoint)
        return {"schema": self._schema & 0xFFFFFFFF, "first": first, "last": last}

    def _locked(self) -> LedgerLocked:
        return LedgerLocked(
            f"another run is using this ledger: {self.holder() or 'it has not said its name yet'}",
            help="wait until it has ended; its lock ends with its connection",
        )


def open_postgresql(url: str, *, writable: bool, shared: bool) -> Store:
    """Open the ledger at a URL.

    Raises:
        LedgerLocked: another process holds it.
        LedgerUnusable: it cannot be reached, is newer than this program, or is no ledger.
    """
    if find_spec("psycopg") is None:
        raise LedgerUnusable(
            "a ledger in PostgreSQL needs the driver psycopg, which is not installed",
            help="pip install 'pipeline[postgres]'",
        )
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # its words may quote the password
        raise LedgerUnusable(
            "the URL of the ledger cannot be read",
            help="it is written postgresql://USER@HOST:5432/DATABASE; the password is better in "
            "~/.pgpass, in the URL its : / @ # ? % are %3A %2F %40 %23 %3F %25",
        ) from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    given = {name: value for name, value in _CONNECTING.items() if name not in parsed.query}
    place = parsed.set(query={}).render_as_string(hide_password=True).replace("+psycopg", "", 1)
    # Parameters hold customers' order numbers: an error must not print them (FAULTS S10).
    engine = sa.create_engine(
        parsed, poolclass=sa.pool.NullPool, hide_parameters=True, connect_args=given
    )
    with explained(place):
        store = PostgresStore(engine, place, writable=writable)
        try:
            if writable:
                store.open_for_writing(shared=shared)
            else:
                _refuse_to_read(store)
        except BaseException:
            close(store.connection)
            raise
    return store


def _refuse_to_read(store: PostgresStore) -> None:
    with store.connection.begin():
        found = version_of(store.connection)
    if not found:
        raise LedgerAbsent(
            f"there is no ledger at {store.place}", help="the first `pipeline run` makes it"
        )
    refuse_newer(found, store.place)


def close(connection: sa.Connection) -> None:
    """Close a connection, also one that is broken."""
    with suppress(sa.exc.SQLAlchemyError):
        connection.close()


def _backend(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def _is_gone(error: sa.exc.DBAPIError) -> bool:
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _GONE


_FILLED = (t.run_order, t.known_order, t.in_doubt, t.claim)  # while orders are sent
_MARK = (
    sa.update(t.worker)
    .where(t.worker.c.id == sa.bindparam("worker"))
    .values(serial=sa.bindparam("serial"))
)
# The lock on the row waits for a transaction of our old session that has not ended yet.
_LOOK_UP = (
    sa.select(t.worker.c.serial).where(t.worker.c.id == sa.bindparam("worker")).with_for_update()
)
_END_BACKEND = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :pid AND application_name = :name AND pid <> pg_backend_pid()"
)
_LOCKS = (
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid{}"
    " WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND l.classid::bigint = :schema AND l.objid::bigint BETWEEN :first AND :last"
    " AND l.pid <> pg_backend_pid()"
)
_OTHERS = sa.text("SELECT 1" + _LOCKS.format(""))
_WORKER = " JOIN worker w ON a.application_name = 'pipeline w' || w.id"
_RUNS = sa.text("SELECT w.run" + _LOCKS.format(_WORKER))
_NAMES = sa.text(
    "SELECT w.name || ' since ' || to_char(a.backend_start, 'YYYY-MM-DD HH24:MI TZ')"
    + _LOCKS.format(_WORKER)
)
