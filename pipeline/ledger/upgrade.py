"""What a ledger of an older format has to be told when it is opened: format 2 had no entries.

Each of its runs gets the entry that it would have made, out of the summary that was kept of it, so
that the first report of the new format already knows for how many nights a cause is there.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.entries import add_entry, put_causes
from pipeline.ledger.records import CauseCount, Figures, ItemEvent, cause_hash
from pipeline.ledger.statements import WRITE_SIZE, chunked

_QUOTING = ("causes", "warnings", "notes", "owners")  # members of a summary that quote cells


def add_edi(connection: sa.Connection) -> None:
    """Format 1 to 2."""
    t.METADATA.create_all(connection, tables=t.EDI_TABLES)


def add_history(connection: sa.Connection) -> None:
    """Format 2 to 3: entries of the runs that have a summary or have touched an open item."""
    t.METADATA.create_all(connection, tables=t.HISTORY_TABLES)
    item, run = t.open_item.c, t.run.c
    touched = sa.union(
        sa.select(item.opened_run), sa.select(item.last_run),
        sa.select(item.closed_run).where(item.closed_run.is_not(None)),
    )  # fmt: skip
    ended = sa.func.coalesce(run.ended_at, run.started_at)
    rows = connection.execute(
        sa.select(run.seq, run.endpoint, ended, run.totals)
        .where(sa.or_(run.totals.is_not(None), run.seq.in_(touched)))
        .order_by(ended, run.seq)
    ).all()
    entries = {}
    for seq, endpoint, at, totals in rows:
        document = orjson.loads(totals) if totals else {}
        if document:  # a run with --pii show had values in its examples; format 3 keeps none
            kept = {name: each for name, each in document.items() if name not in _QUOTING}
            text = orjson.dumps(kept).decode()
            connection.execute(sa.update(t.run).where(run.seq == seq).values(totals=text))
        entry = add_entry(connection, endpoint, at, seq, _figures(document))
        put_causes(connection, entry, _causes(document))
        entries[seq] = entry
    _add_events(connection, entries)


def add_marks_and_sharing(connection: sa.Connection) -> None:
    """Format 3 to 4."""
    _add_marks(connection)
    added = (*t.SHARING_TABLES, *t.SEAL_TABLES, *t.PROFILE_TABLES)
    t.METADATA.create_all(connection, tables=added)


def _add_marks(connection: sa.Connection) -> None:
    """Marks of what was told; orders get theirs when they are next acknowledged."""
    t.METADATA.create_all(connection, tables=t.READ_BACK_TABLES)
    for table in t.MARKED_TABLES:
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        if "marks" not in there:  # a new ledger has been made as it is now
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN marks TEXT")


def _add_events(connection: sa.Connection, entries: Mapping[int, int]) -> None:
    items = connection.execute(sa.select(t.open_item)).mappings().all()
    events: dict[tuple[int, int], dict[str, Any]] = {}
    for item in items:
        told = [
            (item["opened_run"], ItemEvent.OPENED, 1),
            (item["last_run"], ItemEvent.AGAIN, item["runs"]),
        ]
        if item["closed_run"] is not None:
            told.append((item["closed_run"], ItemEvent.CLOSED, item["runs"]))
        for seq, kind, runs in told:
            if kind is ItemEvent.AGAIN and seq == item["opened_run"]:
                continue
            key = (item["id"], entries[seq])
            events[key] = {
                "item": key[0], "entry": key[1], "kind": kind.value, "code": item["code"], "runs": runs,
            }  # fmt: skip
    for some in chunked(events.values(), WRITE_SIZE):
        connection.execute(sa.insert(t.item_event), some)


def _figures(document: Mapping[str, Any]) -> Figures | None:
    """The numbers of a summary.json of version 1; None where the run had no report."""
    if document.get("version") != 1:
        return None
    orders = document["orders"]
    return Figures(
        state=document["run"]["state"],
        verdict=document["verdict"],
        files=len(document["files"]),
        rows=document["rows"]["read"],
        rejected=document["rows"]["rejected"],
        orders=orders["seen"],
        arrived=orders["arrived"],
        missing=orders["missing"],
        out_of_date=orders["out_of_date"],
        unclear=orders["unknown"],
        causes=len(document["causes"]),
    )


def _causes(document: Mapping[str, Any]) -> list[CauseCount]:
    found = {}
    for each in document.get("causes", ()):
        cause = cause_hash(each["key"])
        rows = 0 if each["unit"] == "orders" else each["count"]
        found[cause] = CauseCount(
            cause, each["code"], each["column"], each["target"], rows, each["orders"]
        )
    return list(found.values())
