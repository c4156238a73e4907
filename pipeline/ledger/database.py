"""What the two databases have in common: a store, and words for what can go wrong with it.

A store is one open connection with its lock. All statements elsewhere are SQLAlchemy Core; what
differs between the databases (pragmas, locks, upsert, files, lost connections) is in `store` for
SQLite and in `postgresql`.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.stops import LedgerDamaged, LedgerUnusable

RECOVER = (
    "nothing was sent; put back a copy of the ledger, or start a new one with "
    "`pipeline run --new-ledger`, which sends every order again"
)


class Store:
    """An open database that one process uses at a time.

    `insert` is the dialect's own, for on_conflict_do_update. `worker` is the number under which
    this process claims orders; None where it need not, for it is alone. `after_a_loss`: the ledger
    before it was given up, with what it knew.
    """

    worker: int | None = None

    def __init__(
        self,
        connection: sa.Connection,
        insert: Callable[[sa.Table], Any],
        place: str,
        close: Callable[[], None],
        *,
        name_run: Callable[[str | None], None] = lambda _: None,
        at_work: Callable[[], bool] = lambda: False,
        compact: Callable[[], None] = lambda: None,
        refuse_lost_journal: Callable[[], None] = lambda: None,
        after_a_loss: bool = False,
        note_loss: Callable[[], None] = lambda: None,
    ) -> None:
        self.after_a_loss = after_a_loss
        self._note_loss = note_loss
        self.connection = connection
        self.insert = insert
        self.place = place
        self._close = close
        self._name_run = name_run
        self._at_work = at_work
        self._compact = compact
        self._refuse_lost_journal = refuse_lost_journal

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Give the connection inside one transaction."""
        with self.connection.begin():
            yield self.connection

    def name_run(self, run_id: str | None) -> None:
        """Write where others look who holds the lock."""
        self._name_run(run_id)

    def analyse(self, connection: sa.Connection, *tables: sa.Table) -> None:
        """Tell the planner of the database of many new rows, where it does not look itself."""

    def compact(self) -> None:
        """Leave nothing in the files but what the tables have.

        Who only reads leaves nothing behind; what PostgreSQL keeps of old rows its own VACUUM
        removes.
        """
        self._compact()

    def note_loss(self) -> None:
        """Remember that a ledger before this one, or a newer copy of it, is gone."""
        self._note_loss()
        self.after_a_loss = True

    def refuse_lost_journal(self) -> None:
        """Say, for who only reads, whether the last commits of a run that was killed are gone.

        Raises:
            LedgerDamaged: they are (FAULTS L2).
        """
        self._refuse_lost_journal()

    def close(self) -> None:
        """Close the connection and let the lock go."""
        self._close()

    # --- who else works here: on SQLite nobody, for the file lock is held ---------------------

    @property
    def alone(self) -> bool:
        """Whether no other process has this ledger open for writing."""
        return True

    def let_others_in(self) -> None:
        """From now on other processes may work in this ledger, too."""

    def hold(self, endpoint: int) -> bool:  # noqa: ARG002 - the face of all stores
        """Keep everybody else from working at an endpoint; False when somebody does already."""
        return True

    def share(self, endpoint: int) -> bool:  # noqa: ARG002
        """Let others work at an endpoint beside us; False when somebody holds it for himself."""
        return True

    def leave(self, endpoint: int) -> None:
        """Work at an endpoint no more."""

    def at_work(self, endpoint: int | None = None) -> bool:  # noqa: ARG002
        """Tell whether any process works here, or at one endpoint."""
        return self._at_work()

    def server(self) -> tuple[str, bool]:
        """The database in words, and whether it keeps what is committed through a power cut."""
        return "SQLite", True

    def sessions_at_work(self, endpoint: int) -> list[str]:  # noqa: ARG002
        """The runs that other processes work on at an endpoint, one for each process."""
        return []

    def holder(self) -> str:
        """Who works here, in words; "" where nobody can be seen."""
        return ""


@contextmanager
def explained(place: str, *, opening: bool = False) -> Iterator[None]:
    """Turn a failure of the database into the words of FAULTS P7, P8 and L1."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise unusable(error, place, opening=opening) from error


def unusable(error: Exception, place: str, *, opening: bool = False) -> LedgerUnusable:
    """Say in words what the database has complained about."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else None
    state = getattr(original, "sqlstate", None)
    words = str(original or error).strip()
    if "disk is full" in words or "No space left" in words or state == _DISK_FULL:
        return LedgerUnusable(
            f"disk full writing the ledger at {place}",
            help="free some space and run the same command again; what was delivered is recorded",
        )
    if "malformed" in words or "not a database" in words or "damaged" in words:
        return LedgerDamaged(
            f"ledger damaged at {place} ({words})", help=RECOVER if opening else _STOPPED
        )
    if "://" in place:  # the server's first line says it; more may quote a row
        words, _, _ = words.partition("\n")
    elif words in _NOT_OPEN:
        words += _why_not(place)
    return LedgerUnusable(
        f"cannot use the ledger at {place}: {words}",
        help=_advice(str(state), words) if "://" in place else _OF_A_FILE,
    )


def _why_not(file: str) -> str:
    """Ask the system why a file cannot be opened: SQLite does not say."""
    try:
        os.close(os.open(file, os.O_RDWR))
    except OSError as error:
        return f" ({error.strerror})"
    return ""


def _advice(state: str, words: str) -> str:
    said = next((advice for part, advice in _ADVICE.items() if part in words), None)
    return _HELP.get(state) or said or _OF_A_SERVER


_STOPPED = (
    "nothing more is sent; `pipeline ledger check` says what is damaged. Put back a copy of the ledger, "
    "or start a new one with `pipeline run --new-ledger`, which sends every order again"
)
_OF_A_FILE = "the ledger needs a local disk that this user may write; then run the command again"
_OF_A_SERVER = (
    "is the server there, and is the address right? then run the same command again, what was "
    "delivered is recorded"
)
_NOT_OPEN = ("unable to open database file", "attempt to write a readonly database")
_DISK_FULL = "53100"
_HELP = {  # by SQLSTATE
    "3F000": "make the schema first, or leave search_path out of the URL",
    "42501": "give this user the right to make tables in the schema and to use them",
}
_ADVICE = {  # by what a server says that lets nobody in; such an error has no SQLSTATE
    "password authentication failed": "the server refuses the password; `ledger` or PIPELINE_LEDGER names it",
    "no password supplied": "the server asks for a password: ~/.pgpass, PGPASSWORD, or the URL in PIPELINE_LEDGER has it",
    "no pg_hba.conf entry": "the server does not let this user in from here (pg_hba.conf)",
    'role "': "make the user first: createuser NAME",
    'database "': "make the database first: createdb NAME",
    "too many": "raise max_connections, or end other connections",
}
