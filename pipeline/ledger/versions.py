"""The format of a ledger: how it comes to be, how it is upgraded, and which one is refused."""

from collections.abc import Callable

import sqlalchemy as sa

from pipeline.ledger.schema import METADATA, VERSION
from pipeline.ledger.stops import LedgerUnusable
from pipeline.ledger.upgrade import add_edi, add_history, add_marks_and_sharing

# Version n is reached from n - 1 by MIGRATIONS[n - 1]; all that are due run in one transaction. The
# first makes the tables as they are now, and the others add only what is not there.
MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (
    METADATA.create_all, add_edi, add_history, add_marks_and_sharing,
)  # fmt: skip

APPLICATION_ID = 0x70697065  # "pipe": another program's database is refused
_VERSION_TABLE = "ledger_version"  # on PostgreSQL


def migrate(connection: sa.Connection) -> None:
    """Bring a ledger to the format of this program, in one transaction."""
    with connection.begin():
        for step in MIGRATIONS[version_of(connection) :]:
            step(connection)
        _set_version(connection, VERSION)


def refuse_newer(found: int, place: str) -> None:
    """Refuse a ledger that a newer program has written (FAULTS D8).

    Raises:
        LedgerUnusable: it is newer.
    """
    if found > VERSION:
        raise LedgerUnusable(
            f"the ledger at {place} has format {found}, this program knows formats up to {VERSION}",
            help="use the newer version of this program that wrote it",
        )


def version_of(connection: sa.Connection) -> int:
    """Give the format of a ledger, 0 for one that is not there yet; inside a transaction."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if not sa.inspect(connection).has_table(_VERSION_TABLE):
        return 0
    return connection.exec_driver_sql("SELECT max(version) FROM ledger_version").scalar() or 0


def _set_version(connection: sa.Connection, version: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {version:d}")
        return
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS ledger_version (version integer)")
    connection.execute(
        sa.text("INSERT INTO ledger_version VALUES (:version)"), {"version": version}
    )
