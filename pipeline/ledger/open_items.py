"""Orders that stay missing, carried from run to run until they arrive (REPORT §0.5).

`open_item` is how things are now; `item_event` is how they came to be so, entry by entry.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import ItemEvent, OpenItem
from pipeline.ledger.statements import WRITE_SIZE, chunked, lookups, run_seq

_ARRIVED = "arrived"
_item, _event, _entry = t.open_item.c, t.item_event.c, t.entry.c


def update_open_items(
    connection: sa.Connection,
    entry: int,
    missing: Iterable[tuple[str, str]],
    arrived: Iterable[str],
) -> None:
    """Open, carry on and close the items of the endpoint of a run's entry."""
    endpoint, run, at = connection.execute(
        sa.select(_entry.endpoint, _entry.run, _entry.at).where(_entry.id == entry)
    ).one()
    for numbers in chunked(arrived, WRITE_SIZE):
        close_items(connection, entry, numbers, _ARRIVED)
    for pairs in chunked(missing, WRITE_SIZE):
        causes = dict(pairs)
        known = _open(connection, endpoint, list(causes))
        open_already = {item["order_number"] for item in known}
        _carry_on(
            connection, entry, run, [item for item in known if item["last_run"] != run], causes
        )
        fresh = [
            {
                "endpoint": endpoint,
                "order_number": number,
                "code": code,
                "opened_run": run,
                "opened_at": at,
                "last_run": run,
                "runs": 1,
            }
            for number, code in causes.items()
            if number not in open_already
        ]
        if fresh:
            connection.execute(sa.insert(t.open_item), fresh)
            opened = _open(connection, endpoint, [str(each["order_number"]) for each in fresh])
            _tell(connection, entry, ItemEvent.OPENED, opened)


def close_items(connection: sa.Connection, entry: int, numbers: Sequence[str], reason: str) -> None:
    """Close those of the orders that are open items of the entry's endpoint."""
    endpoint, run, at = connection.execute(
        sa.select(_entry.endpoint, _entry.run, _entry.at).where(_entry.id == entry)
    ).one()
    found = _open(connection, endpoint, numbers)
    for some in chunked(found, WRITE_SIZE):
        connection.execute(
            sa.update(t.open_item)
            .where(_item.id == sa.bindparam("item"))
            .values(closed_run=run, closed_at=at, reason=reason),
            [{"item": each["id"]} for each in some],
        )
    _tell(connection, entry, ItemEvent.CLOSED, found)


def _open(connection: sa.Connection, endpoint: int, numbers: Sequence[str]) -> list[dict[str, Any]]:
    """The open items of these orders."""
    query = sa.select(_item.id, _item.order_number, _item.code, _item.last_run, _item.runs).where(
        _item.endpoint == endpoint, _item.closed_at.is_(None)
    )
    found: list[dict[str, Any]] = []
    for some in lookups(numbers):
        rows = connection.execute(query.where(_item.order_number.in_(some)))
        found += [dict(row) for row in rows.mappings()]
    return found


def _carry_on(
    connection: sa.Connection,
    entry: int,
    run: int,
    items: Sequence[dict[str, Any]],
    causes: dict[str, str],
) -> None:
    again = [
        each | {"code": causes[each["order_number"]], "runs": each["runs"] + 1} for each in items
    ]
    if not again:
        return
    connection.execute(
        sa.update(t.open_item)
        .where(_item.id == sa.bindparam("item"))
        .values(code=sa.bindparam("cause"), last_run=run, runs=sa.bindparam("times")),
        [{"item": e["id"], "cause": e["code"], "times": e["runs"]} for e in again],
    )
    _tell(connection, entry, ItemEvent.AGAIN, again)


def _tell(
    connection: sa.Connection, entry: int, kind: ItemEvent, items: Sequence[dict[str, Any]]
) -> None:
    for some in chunked(items, WRITE_SIZE):
        connection.execute(
            sa.insert(t.item_event),
            [
                {"item": e["id"], "entry": entry, "kind": kind.value, "code": e["code"], "runs": e["runs"]}
                for e in some
            ],
        )  # fmt: skip


def open_items(connection: sa.Connection, endpoint: int) -> list[OpenItem]:
    """Give the items that are open at an endpoint now, oldest first."""
    opened, last = t.run.alias("opened"), t.run.alias("last")
    rows = connection.execute(
        sa.select(
            _item.order_number, _item.code, opened.c.id.label("opened_run"), _item.opened_at,
            _item.runs, last.c.id.label("last_run"),
        )
        .join(opened, opened.c.seq == _item.opened_run)
        .join(last, last.c.seq == _item.last_run)
        .where(_item.endpoint == endpoint, _item.closed_at.is_(None))
        .order_by(_item.id)
    )  # fmt: skip
    return [_as_item(row) for row in rows.mappings()]


def latest_items(
    connection: sa.Connection, endpoint: int, numbers: Sequence[str]
) -> dict[str, OpenItem]:
    """Give the latest item of each of these orders that ever was one, open or closed."""
    opened, last, closed = t.run.alias("opened"), t.run.alias("last"), t.run.alias("closed")
    query = (
        sa.select(
            _item.order_number, _item.code, opened.c.id.label("opened_run"), _item.opened_at,
            _item.runs, last.c.id.label("last_run"), closed.c.id.label("closed_run"),
            _item.closed_at, _item.reason,
        )
        .join(opened, opened.c.seq == _item.opened_run)
        .join(last, last.c.seq == _item.last_run)
        .outerjoin(closed, closed.c.seq == _item.closed_run)
        .where(_item.endpoint == endpoint)
        .order_by(_item.id)
    )  # fmt: skip
    return {
        row["order_number"]: _as_item(row)
        for some in lookups(numbers)
        for row in connection.execute(query.where(_item.order_number.in_(some))).mappings()
    }


def items_as_of(connection: sa.Connection, run_id: str, as_of: int) -> list[OpenItem]:
    """Give the items that were open at a run's endpoint at an entry, oldest first."""
    later = sa.select(_event.item).where(
        _event.entry > as_of, _event.kind == ItemEvent.CLOSED.value
    )
    query = _at_entry(as_of).where(
        _item.endpoint == _endpoint_of(connection, run_id),
        sa.or_(_item.closed_at.is_(None), _item.id.in_(later)),
        _event.kind != ItemEvent.CLOSED.value,
    )
    return [_as_item(row) for row in connection.execute(query).mappings()]


def closed_items(connection: sa.Connection, run_id: str, as_of: int) -> list[OpenItem]:
    """Give the items that a run closed, or a person between the run before it and that run.

    Both are as of an entry of the run.
    """
    seq = run_seq(connection, run_id)
    endpoint = _endpoint_of(connection, run_id)
    before = (
        sa.select(sa.func.coalesce(sa.func.max(_entry.id), 0))
        .where(_entry.endpoint == endpoint, _entry.id < as_of, _entry.run != seq)
        .scalar_subquery()
    )
    by_person = sa.and_(_entry.run.is_(None), _entry.id > before)
    closed_at = sa.select(_entry.id).where(
        _entry.endpoint == endpoint, _entry.id <= as_of, sa.or_(_entry.run == seq, by_person)
    )
    query = _at_entry(as_of).where(
        _event.kind == ItemEvent.CLOSED.value, _event.entry.in_(closed_at)
    )
    return [_as_item(row) for row in connection.execute(query).mappings()]


def _endpoint_of(connection: sa.Connection, run_id: str) -> int:
    seq = run_seq(connection, run_id)
    return int(
        connection.execute(sa.select(t.run.c.endpoint).where(t.run.c.seq == seq)).scalar_one()
    )


def _at_entry(as_of: int) -> sa.Select[Any]:
    """Select items, each with what the last entry up to `as_of` says of it; oldest first."""
    opened, last, closed = t.run.alias("opened"), t.run.alias("last"), t.run.alias("closed")
    inner, missed = t.item_event.alias("inner_event"), t.item_event.alias("missed")
    at = (
        sa.select(sa.func.max(inner.c.entry))
        .where(inner.c.item == _item.id, inner.c.entry <= as_of)
        .correlate(t.open_item)
        .scalar_subquery()
    )
    last_missed = (
        sa.select(sa.func.max(missed.c.entry))
        .where(
            missed.c.item == _item.id,
            missed.c.entry <= as_of,
            missed.c.kind != ItemEvent.CLOSED.value,
        )
        .correlate(t.open_item)
        .scalar_subquery()
    )
    told, seen = t.entry.alias("told"), t.entry.alias("seen")
    gone = _event.kind == ItemEvent.CLOSED.value
    return (
        sa.select(
            _item.order_number, _event.code, opened.c.id.label("opened_run"), _item.opened_at,
            _event.runs, last.c.id.label("last_run"), sa.case((gone, closed.c.id)).label("closed_run"),
            sa.case((gone, told.c.at)).label("closed_at"), sa.case((gone, _item.reason)).label("reason"),
        )
        .select_from(t.open_item)
        .join(t.item_event, sa.and_(_event.item == _item.id, _event.entry == at))
        .join(told, told.c.id == _event.entry)
        .join(seen, seen.c.id == last_missed)
        .join(opened, opened.c.seq == _item.opened_run)
        .outerjoin(last, last.c.seq == seen.c.run)
        .outerjoin(closed, closed.c.seq == told.c.run)
        .order_by(_item.id)
    )  # fmt: skip


def _as_item(row: sa.RowMapping) -> OpenItem:
    closed = row.get("closed_at")
    return OpenItem(
        order_number=row["order_number"],
        code=row["code"],
        opened_run=row["opened_run"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        runs=row["runs"],
        closed_run=row.get("closed_run"),
        closed_at=datetime.fromisoformat(closed) if closed else None,
        reason=row.get("reason"),
        last_run=row["last_run"],
    )
