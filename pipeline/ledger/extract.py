"""`ledger export`: what the ledger says of each order, row by row, in bounded memory."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.session import Session
from pipeline.ledger.statements import run_seq
from pipeline.ledger.states import SENDING
from pipeline.model.outcomes import OrderOutcome

COLUMNS = (
    "order_number", "content_sha256", "version", "outcome", "status", "run", "updated_at",
    "external_id",
)  # fmt: skip
_BATCH = 10_000
_order, _run, _known = t.run_order.c, t.run.c, t.known_order.c


def exported(
    session: Session, endpoint: int, run_id: str | None, outcomes: Sequence[str]
) -> Iterator[list[tuple[object, ...]]]:
    """Give the orders of an endpoint's runs in batches of `COLUMNS`, oldest run first.

    `version` counts superseded older versions of an order from 1; 0 is the order itself. `updated_at` and
    `external_id` are those of the last acknowledgement, by any run. What a crash left half sent is unknown.
    """
    sending = _order.outcome == SENDING
    outcome = sa.case((sending, OrderOutcome.UNKNOWN.value), else_=_order.outcome)
    known = sa.and_(_known.endpoint == _run.endpoint, _known.order_number == _order.order_number)
    query = (
        sa.select(
            _order.order_number, _order.content_sha256, _order.version, outcome, _order.status,
            _run.id, _known.updated_at, _known.external_id,
        )
        .join(t.run, _run.seq == _order.run)
        .outerjoin(t.known_order, known)
        .where(_run.endpoint == endpoint)
        .order_by(_order.run, _order.partition, _order.key, _order.version)
    )  # fmt: skip
    if outcomes:
        also = (SENDING,) if OrderOutcome.UNKNOWN.value in outcomes else ()
        query = query.where(_order.outcome.in_((*outcomes, *also)))
    with session.transaction() as connection:
        if run_id is not None:
            query = query.where(_order.run == run_seq(connection, run_id))
        rows = connection.execute(query, execution_options={"stream_results": True})
        for batch in rows.partitions(_BATCH):
            yield [tuple(row) for row in batch]
