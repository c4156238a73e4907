"""What is known of the orders of an endpoint, and of which of them nobody can be sure."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import AckedOperation, KnownOrder, Undecided
from pipeline.ledger.runs import UNFINISHED
from pipeline.ledger.session import Session
from pipeline.ledger.statements import MANY_SIZE, WRITE_SIZE, among, chunked, lookups, run_seq
from pipeline.ledger.states import OPEN, OVERTAKING, UNCLEAR, before
from pipeline.model.outcomes import OrderOutcome

_order, _run, _known, _acked = t.run_order.c, t.run.c, t.known_order.c, t.acked_operation.c


def known_orders(
    connection: sa.Connection, endpoint: int, order_numbers: Sequence[str]
) -> dict[str, KnownOrder]:
    """Give what is known of those of the orders that the API has ever acknowledged."""
    query = sa.select(
        _known.order_number, _known.content_sha256, _known.fully_applied, _known.external_id,
        _known.updated_at,
    ).where(_known.endpoint == endpoint)  # fmt: skip
    found: dict[str, KnownOrder] = {}
    for numbers in chunked(order_numbers, MANY_SIZE):
        rows = connection.execute(query.where(among(connection, _known.order_number, numbers)))
        for number, sha256, applied, external_id, at in rows.all():
            found[number] = KnownOrder(sha256, applied, external_id, datetime.fromisoformat(at))
    return found


def acked_operations(
    connection: sa.Connection, endpoint: int, order_numbers: Sequence[str]
) -> dict[str, dict[str, AckedOperation]]:
    """Give, per order and subject, the last operation that the API has acknowledged."""
    query = sa.select(
        _acked.order_number, _acked.subject, _acked.operation_id, _acked.generation
    ).where(_acked.endpoint == endpoint)
    found: dict[str, dict[str, AckedOperation]] = {}
    for numbers in chunked(order_numbers, MANY_SIZE):
        rows = connection.execute(query.where(among(connection, _acked.order_number, numbers)))
        for number, subject, operation_id, generation in rows:
            found.setdefault(number, {})[subject] = AckedOperation(operation_id, generation)
    return found


# --- orders that were sent, or may have been ------------------------------------------------


def doubt(session: Session, endpoint: int, order_numbers: Sequence[str]) -> None:
    """Note that orders may have got operations that must not be sent twice (FAULTS L3).

    They are read back before they are sent, as after a crash.
    """
    rows = [{"endpoint": endpoint, "order_number": number} for number in order_numbers]
    known = session.store.insert(t.in_doubt).on_conflict_do_nothing()
    with session.transaction() as connection:
        for some in chunked(rows, WRITE_SIZE):
            connection.execute(known, some)


def may_have_got(
    connection: sa.Connection, endpoint: int, order_numbers: Sequence[str]
) -> set[str]:
    """Give those of the orders that were acknowledged at an endpoint, or may have arrived there."""
    found: set[str] = set()
    for numbers in chunked(order_numbers, MANY_SIZE):
        for table in (t.known_order, t.in_doubt):
            query = sa.select(table.c.order_number).where(
                table.c.endpoint == endpoint, among(connection, table.c.order_number, numbers)
            )
            found.update(connection.execute(query).scalars())
    return found


# --- versions of an order in several runs ---------------------------------------------------


def overtaken(connection: sa.Connection, run_id: str) -> set[str]:
    """Give the orders that a newer run of the endpoint has sent, or found to be there already.

    Newer by the sequence of the ledger: the wall clock may have been set back (FAULTS P11). An
    order that the newer run was sending when it ended counts, for its version may have arrived.
    """
    mine, newer = t.run.alias("mine"), t.run.alias("newer")
    query = (
        sa.select(_order.order_number)
        .distinct()
        .select_from(mine)
        .join(newer, sa.and_(newer.c.endpoint == mine.c.endpoint, newer.c.seq > mine.c.seq))
        .join(t.run_order, _order.run == newer.c.seq)
        .where(mine.c.id == run_id, _order.outcome.in_(OVERTAKING))
    )
    return {number for number in connection.execute(query).scalars() if number is not None}


def supersede(connection: sa.Connection, run_id: str, order_numbers: Sequence[str]) -> None:
    """Record that open orders of a run are not sent: a newer run has sent a newer version."""
    run = run_seq(connection, run_id)
    for numbers in lookups(order_numbers):
        connection.execute(
            sa.update(t.run_order)
            .where(
                _order.run == run,
                _order.order_number.in_(numbers),
                _order.outcome.in_(before(OrderOutcome.SUPERSEDED.value)),
            )
            .values(outcome=OrderOutcome.SUPERSEDED.value)
        )


def undecided(connection: sa.Connection, run_id: str) -> Undecided:
    """Give the open orders of a run of which an older version may still arrive (FAULTS N10).

    A request of it had no answer in a run that did not finish, and no other has had one since.
    """
    seq = run_seq(connection, run_id)
    endpoint = connection.execute(sa.select(_run.endpoint).where(_run.seq == seq)).scalar_one()
    rows = sa.select(_order.order_number, _order.content_sha256)
    unclear = {
        (number, sha256): ended_at
        for older, ended_at in connection.execute(
            sa.select(_run.seq, _run.ended_at).where(
                _run.endpoint == endpoint, _run.seq < seq, _run.state.in_(UNFINISHED)
            )
        ).all()
        for number, sha256 in connection.execute(
            rows.where(_order.run == older, _order.outcome.in_(UNCLEAR))
        )
    }
    if not unclear:
        return Undecided()
    numbers = {number for number, _ in unclear}
    mine = [
        number
        for number, sha256 in connection.execute(
            rows.where(_order.run == seq, _order.outcome.in_(OPEN))
        )
        if number in numbers and (number, sha256) not in unclear
    ]
    known = known_orders(connection, endpoint, mine)
    found = {n for n in mine if n not in known or not known[n].fully_applied}
    ends = [ended_at for (number, _), ended_at in unclear.items() if number in found]
    last = max(ends) if ends and None not in ends else None
    return Undecided(tuple(sorted(found)), None if last is None else datetime.fromisoformat(last))
