"""What was told, as marks, and what was found when it was read back (`pipeline.model.marks`)."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import Difference, Found, ReadBack, ToldOrder
from pipeline.ledger.session import Session
from pipeline.ledger.statements import WRITE_SIZE, chunked, lookups, run_seq
from pipeline.model.marks import Marker, Marks, read, written
from pipeline.model.orders import Submission
from pipeline.model.saying import order_says, tracking_says

_TRACKING = "add_tracking"
_NUMBERS = ("arrived", "chosen", "compared", "differing", "missing", "unread", "unmarked")


def marker(connection: sa.Connection) -> Marker | None:
    """Give what makes the marks of this ledger; None where it has made none yet."""
    key = connection.execute(sa.select(t.mark_key.c.key)).scalar()
    return None if key is None else Marker(bytes.fromhex(key))


def own_marker(session: Session) -> Marker:
    """The same for a writer, who makes the key where there is none."""
    with session.transaction() as connection:
        made = marker(connection)
        if made is None:
            insert = session.store.insert(t.mark_key).on_conflict_do_nothing()
            connection.execute(insert, {"id": 1, "key": secrets.token_hex(32)})
            made = marker(connection)
        assert made is not None  # noqa: S101 - it has just been written
        return made


# -- after an order was acknowledged ----------------------------------------------------------------

# Stands before the marks of what was told last while those of the newest request are not made yet.
# Making them takes longer than recording the answer, so it is done at the end of a run, not while
# requests wait for it. What has no marks after it was told by a run whose end never came.
UNREMEMBERED = "?"  # no character of base64


def unremembered(table: sa.Table) -> sa.ColumnElement[str]:
    """The marks of an order that has just been acknowledged again."""
    marks = table.c.marks
    return sa.case(
        (marks.is_(None), UNREMEMBERED),
        (sa.func.substr(marks, 1, 1) == UNREMEMBERED, marks),
        else_=sa.literal(UNREMEMBERED).concat(marks),
    )


def remember(session: Session, endpoint: int, submissions: Sequence[Submission]) -> int:
    """Make the marks of those of the requests that were acknowledged last and have none; gives how many.

    A request that is not the last one acknowledged of its order is left alone.
    """
    maker = own_marker(session)
    sent = {each.order_number: each for each in submissions}
    with session.transaction() as connection:
        stale = _stale(connection, endpoint, list(sent))
        orders, parcels = [], []
        for number, (sha256, earlier) in stale.items():
            submission = sent[number]
            if submission.content_sha256 != sha256:
                continue
            body = orjson.loads(submission.body)
            now = maker.marks(number, order_says(body))
            orders.append({"e": endpoint, "n": number, "marks": written(now, earlier)})
            parcels += [
                {"e": endpoint, "n": number, "s": subject, "o": operation, "marks": text}
                for subject, operation, text in _trackings(maker, submission, body)
            ]
        for table, rows in ((_REMEMBER_ORDER, orders), (_REMEMBER_TRACKING, parcels)):
            if rows:
                connection.execute(table, rows)
    return len(orders)


_known, _acked = t.known_order.c, t.acked_operation.c
_REMEMBER_ORDER = (
    sa.update(t.known_order)
    .where(_known.endpoint == sa.bindparam("e"), _known.order_number == sa.bindparam("n"))
    .values(marks=sa.bindparam("marks"))
)
_REMEMBER_TRACKING = (
    sa.update(t.acked_operation)
    .where(
        _acked.endpoint == sa.bindparam("e"), _acked.order_number == sa.bindparam("n"),
        _acked.subject == sa.bindparam("s"), _acked.operation_id == sa.bindparam("o"),
    )
    .values(marks=sa.bindparam("marks"))
)  # fmt: skip


def _stale(
    connection: sa.Connection, endpoint: int, order_numbers: Sequence[str]
) -> dict[str, tuple[str, Marks | None]]:
    """Hash of the last payload, and the marks before it, of orders that wait for theirs."""
    found: dict[str, tuple[str, Marks | None]] = {}
    for numbers in lookups(order_numbers):
        rows = connection.execute(
            sa.select(_known.order_number, _known.content_sha256, _known.marks).where(
                _known.endpoint == endpoint, _known.order_number.in_(numbers),
                sa.func.substr(_known.marks, 1, 1) == UNREMEMBERED,
            )
        )  # fmt: skip
        for number, sha256, text in rows:
            earlier = text.removeprefix(UNREMEMBERED)
            found[number] = (sha256, read(earlier) if earlier else None)
    return found


def _trackings(
    maker: Marker, submission: Submission, body: Mapping[str, object]
) -> list[tuple[str, str, str]]:
    """Subject, operation and marks of each tracking of a request."""
    mutations = body.get("mutations")
    if not isinstance(mutations, list):
        return []
    return [
        (each.subject, each.operation_id,
         written(maker.marks(owner_of(submission.order_number, each.subject), tracking_says(told))))
        for each, mutation in zip(submission.operations, mutations, strict=True)
        if each.type == _TRACKING and isinstance(told := mutation.get("tracking"), dict)
    ]  # fmt: skip


def owner_of(order_number: str, subject: str) -> str:
    """Whose fields the marks of a tracking are of."""
    return f"{order_number}\x1f{subject}"


# -- when it is compared ---------------------------------------------------------------------------


def told_orders(
    connection: sa.Connection, endpoint: int, order_numbers: Sequence[str]
) -> dict[str, ToldOrder]:
    """What each order was told last, with its changes; None for marks that an older format has not."""
    known, acked = t.known_order.c, t.acked_operation.c
    found: dict[str, ToldOrder] = {}
    for numbers in lookups(order_numbers):
        rows = connection.execute(
            sa.select(
                known.order_number, known.content_sha256, known.marks, known.updated_at
            ).where(known.endpoint == endpoint, known.order_number.in_(numbers))
        )
        for number, sha256, text, at in rows:
            marks = None if text is None or text.startswith(UNREMEMBERED) else read(text)
            found[number] = ToldOrder(number, sha256, marks, datetime.fromisoformat(at), {})
        changes = connection.execute(
            sa.select(acked.order_number, acked.subject, acked.marks).where(
                acked.endpoint == endpoint, acked.order_number.in_(numbers)
            )
        )
        for number, subject, text in changes:
            if number in found:
                found[number].changes[subject] = None if text is None else read(text)
    return found


def put_read_back(session: Session, run_id: str, told: ReadBack) -> None:
    """Record how the orders of a run were read back; what an earlier time found is replaced."""
    with session.transaction() as connection:
        run = run_seq(connection, run_id)
        for table in (t.read_back_finding, t.read_back):
            connection.execute(sa.delete(table).where(table.c.run == run))
        connection.execute(
            sa.insert(t.read_back).values(
                run=run, at=told.at.isoformat(timespec="milliseconds"), share=told.share,
                **{name: getattr(told, name) for name in _NUMBERS},
            )
        )  # fmt: skip
        for some in chunked(told.differences, WRITE_SIZE):
            connection.execute(
                sa.insert(t.read_back_finding),
                [
                    {"run": run, "order_number": each.order_number, "field": each.field,
                     "kind": each.kind.value}
                    for each in some
                ],
            )  # fmt: skip


def read_back_of(connection: sa.Connection, run_id: str) -> ReadBack | None:
    """Give how the orders of a run were read back last; None where they never were."""
    run = run_seq(connection, run_id)
    row = (
        connection.execute(sa.select(t.read_back).where(t.read_back.c.run == run))
        .mappings()
        .first()
    )
    if row is None:
        return None
    finding = t.read_back_finding.c
    rows = connection.execute(
        sa.select(finding.order_number, finding.field, finding.kind)
        .where(finding.run == run)
        .order_by(finding.order_number, finding.field)
    )
    return ReadBack(
        at=datetime.fromisoformat(row["at"]), share=row["share"],
        **{name: int(row[name]) for name in _NUMBERS},
        differences=tuple(Difference(number, field, Found(kind)) for number, field, kind in rows),
    )  # fmt: skip


def forget(connection: sa.Connection, endpoint: int, order_numbers: Iterable[str]) -> None:
    """Let go of the marks of orders: nothing of what was told can be compared any more."""
    for numbers in lookups(list(order_numbers)):
        for table in t.MARKED_TABLES:
            connection.execute(
                sa.update(table)
                .where(table.c.endpoint == endpoint, table.c.order_number.in_(numbers))
                .values(marks=None)
            )


def distrust(
    connection: sa.Connection, endpoint: int, missing: Sequence[str], differing: Sequence[str],
    changes: Sequence[str],
) -> None:  # fmt: skip
    """Let the next import send orders again that are not there as they were told.

    A missing order is as good as never told; a differing one is sent again even if nothing changed, and
    with its parcels and its cancellation where those are among what differs (`changes`): these may
    be sent twice (CONTRACT §6).
    """
    for numbers in lookups(missing):
        for table in (t.known_order, t.acked_operation, t.in_doubt):
            connection.execute(
                sa.delete(table).where(
                    table.c.endpoint == endpoint, table.c.order_number.in_(numbers)
                )
            )
        # should it be there after all when it is sent, none of its lines is added a second time
        connection.execute(
            sa.insert(t.in_doubt),
            [{"endpoint": endpoint, "order_number": number} for number in numbers],
        )
    for numbers in lookups(differing):
        connection.execute(
            sa.update(t.known_order)
            .where(_known.endpoint == endpoint, _known.order_number.in_(numbers))
            .values(fully_applied=False)
        )
    safe = sa.or_(*(_acked.subject.startswith(f"{kind}|", autoescape=True) for kind in _SAFE))
    for numbers in lookups(changes):
        connection.execute(
            sa.delete(t.acked_operation).where(
                _acked.endpoint == endpoint, _acked.order_number.in_(numbers), safe
            )
        )


_SAFE = ("add_tracking", "cancel_order")
