"""What PostgreSQL does for many orders in one statement; each way there and back costs sending time.

`SETTLE` records answers and lets their orders go; `MARK_SENDING` records what is about to go out.
SQLite does the same one statement after the other (`pipeline.ledger.journal`): it has no way to go.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pipeline.ledger import schema as t
from pipeline.ledger.statements import given
from pipeline.ledger.states import ACKNOWLEDGED, SENDING, UNCLEAR, before
from pipeline.ledger.told import UNREMEMBERED, unremembered
from pipeline.model.outcomes import OrderOutcome

Columns = sa.sql.base.ReadOnlyColumnCollection[str, sa.ColumnElement[Any]]

_order, _claim, _known = t.run_order.c, t.claim.c, t.known_order.c
# Not named as columns: SQLAlchemy would set those, too.
_ENDPOINT = sa.bindparam("this_endpoint", type_=sa.BigInteger)
_RUN = sa.bindparam("this_run", type_=sa.BigInteger)
_PARTITION = sa.bindparam("this_partition", type_=sa.Integer)
_WORKER = sa.bindparam("this_worker", type_=sa.BigInteger)
_NUMBERS = sa.any_(sa.bindparam("number", type_=postgresql.ARRAY(sa.Text)))

# What is told of each order that is settled, in columns. `external` is the server's id of it.
_GIVEN: Mapping[str, type[sa.types.TypeEngine[Any]]] = {
    "number": sa.Text,
    "becomes": sa.Text,
    "http_status": sa.Integer,
    "more_attempts": sa.Integer,
    "cause": sa.Text,
    "warned": sa.Integer,
    "sha256": sa.Text,
    "external": sa.Text,
}


def _of_partition(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.run == _RUN, table.c.partition == _PARTITION)


def _settle() -> sa.Select[str]:
    rows = given(**_GIVEN)
    # Orders are locked first and claims then, by everybody, each in the order of their numbers.
    # The planner asks for the numbers in both only if they are two questions.
    locked = (
        sa.select(_order.order_number)
        .where(_of_partition(t.run_order), _order.order_number == _NUMBERS)
        .order_by(_order.order_number)
        .with_for_update()
        .cte("locked")
    )
    held = (
        sa.select(_claim.order_number)
        .where(
            _claim.endpoint == _ENDPOINT, _claim.worker == _WORKER,
            _claim.order_number == _NUMBERS,
            _claim.order_number.in_(sa.select(locked.c.order_number)),
        )
        .order_by(_claim.order_number)
        .with_for_update()
        .cte("held")
    )  # fmt: skip
    ours = sa.select(rows).join(held, held.c.order_number == rows.c.number).cte("ours").c
    of_earlier_try = [
        sa.delete(table)
        .where(_of_partition(table), table.c.order_number == ours.number)
        .cte(f"no_{table.name}")
        for table in (t.run_mutation, t.run_problem)
    ]
    settled = (
        sa.update(t.run_order)
        .where(
            _of_partition(t.run_order), _order.order_number == ours.number,
            _order.outcome == SENDING,
        )
        .values(
            outcome=ours.becomes, status=ours.http_status, code=ours.cause, warnings=ours.warned,
            attempts=_order.attempts + ours.more_attempts,
        )
        .cte("settled")
    )  # fmt: skip
    our_claim = sa.and_(
        _claim.endpoint == _ENDPOINT, _claim.worker == _WORKER, _claim.order_number == ours.number
    )
    unclear = ours.becomes.in_(UNCLEAR)
    freed = sa.delete(t.claim).where(our_claim, ~unclear).cte("freed")
    # Its request may still be at work there: nobody takes it before that has ended.
    soon = sa.func.clock_timestamp() + seconds(sa.bindparam("request_s", type_=sa.Float))
    kept = sa.update(t.claim).where(our_claim, unclear).values(until=soon).cte("kept")
    return sa.select(held.c.order_number).add_cte(
        *of_earlier_try, settled, _acknowledge(ours), freed, kept
    )


def _acknowledge(ours: Columns) -> sa.CTE:
    fully = ours.becomes != OrderOutcome.PARTLY_APPLIED.value
    told = {
        "endpoint": _ENDPOINT,
        "order_number": ours.number,
        "content_sha256": ours.sha256,
        "fully_applied": fully,
        "external_id": ours.external,
        "updated_at": sa.bindparam("now", type_=sa.Text),
        "marks": sa.literal(UNREMEMBERED),
    }
    chosen = sa.select(*told.values()).where(ours.becomes.in_(ACKNOWLEDGED)).order_by(ours.number)
    insert = postgresql.insert(t.known_order).from_select(list(told), chosen)
    return insert.on_conflict_do_update(
        index_elements=["endpoint", "order_number"], set_=told_anew(insert.excluded)
    ).cte("acknowledged")


def told_anew(fresh: Columns) -> dict[str, sa.ColumnElement[Any]]:
    """What changes of a known order when a newer request of it is acknowledged."""
    return {
        "content_sha256": fresh.content_sha256,
        "fully_applied": fresh.fully_applied,
        "external_id": sa.func.coalesce(fresh.external_id, _known.external_id),
        "updated_at": fresh.updated_at,
        "marks": unremembered(t.known_order),
    }


def _mark_sending() -> sa.Select[str]:
    sending = (
        sa.update(t.run_order)
        .where(
            _of_partition(t.run_order), _order.order_number == _NUMBERS,
            _order.outcome.in_(before(SENDING)),
        )
        .values(outcome=SENDING, attempts=_order.attempts + 1)
        .cte("sending")
    )  # fmt: skip
    # From here on nobody knows which payload the server has, until one is acknowledged.
    untold = (
        sa.update(t.known_order)
        .where(_known.endpoint == _ENDPOINT, _known.order_number == _NUMBERS)
        .values(fully_applied=False)
        .cte("untold")
    )
    doubt = t.in_doubt.c
    return (
        sa.select(doubt.order_number)
        .where(doubt.endpoint == _ENDPOINT, doubt.order_number == _NUMBERS)
        .add_cte(sending, untold)
    )


def seconds(length: float | sa.ColumnElement[float]) -> sa.ColumnElement[object]:
    """Give an interval of the database."""
    return sa.func.make_interval(0, 0, 0, 0, 0, 0, length)


SETTLE = _settle()  # gives the orders that are still ours; nothing is written of the others
MARK_SENDING = _mark_sending()  # gives those of the orders that are in doubt
