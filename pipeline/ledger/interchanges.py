"""What the ledger knows of EDI: interchanges that were taken over, and what was answered.

One transaction per method. Control numbers are committed before anybody sees them: after a crash
some are lost, and none is ever given twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import datetime

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import HandedOver, InterchangeKey, ReceivedInterchange
from pipeline.ledger.session import Session
from pipeline.ledger.statements import WRITE_SIZE, chunked, lookups, run_seq

_KEY = ("syntax", "sender", "receiver", "reference", "sha256")


def put_interchanges(
    session: Session, connection: sa.Connection, run_id: str,
    taken: Iterable[tuple[InterchangeKey, str]],
) -> None:  # fmt: skip
    """Record interchanges and the names of their files, inside a transaction; the first stays."""
    run = run_seq(connection, run_id)
    endpoint = connection.execute(sa.select(t.run.c.endpoint).where(t.run.c.seq == run)).scalar()
    insert = session.store.insert(t.interchange).on_conflict_do_nothing()
    at = session.now()
    for some in chunked(taken, WRITE_SIZE):
        connection.execute(
            insert,
            [
                dict(zip(_KEY, astuple(key), strict=True))
                | {"endpoint": endpoint, "file": file, "run": run, "at": at}
                for key, file in some
            ],
        )


def received(
    session: Session, endpoint: int, references: Sequence[str]
) -> list[ReceivedInterchange]:
    """Give the interchanges with these references that were taken over, oldest first."""
    table = t.interchange.c
    query = (
        sa.select(*(table[name] for name in _KEY), table.file, t.run.c.id, table.at)
        .join(t.run, t.run.c.seq == table.run)
        .order_by(table.at, table.run)
    )
    found = []
    with session.transaction() as connection:
        for some in lookups(references):
            rows = connection.execute(
                query.where(table.endpoint == endpoint, table.reference.in_(some))
            )
            found += [
                ReceivedInterchange(
                    InterchangeKey(*row[:5]), row[5], row[6], datetime.fromisoformat(row[7])
                )
                for row in rows
            ]
    return found


def next_control_number(
    session: Session, syntax: str, ours: str, theirs: str, *, first: int
) -> int:
    """Give a control number that was never given before, and commit that it is used."""
    insert = session.store.insert(t.control_number)
    last = t.control_number.c.last
    statement = insert.values(syntax=syntax, ours=ours, theirs=theirs, last=first)
    with session.transaction() as connection:
        return int(
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["syntax", "ours", "theirs"],
                    set_={"last": sa.case((last + 1 < first, first), else_=last + 1)},
                ).returning(last)
            ).scalar_one()
        )


def handed_over(session: Session, endpoint: int, sha256: Sequence[str]) -> set[HandedOver]:
    """Give the acknowledgements that answered interchanges of files with these hashes."""
    table = t.acknowledgement.c
    query = sa.select(*(table[name] for name in _KEY), table.kind, table.verdict, table.name)
    found = set()
    with session.transaction() as connection:
        for some in lookups(sha256):
            rows = connection.execute(
                query.where(table.endpoint == endpoint, table.sha256.in_(some))
            )
            found |= {HandedOver(InterchangeKey(*row[:5]), row[5], row[6], row[7]) for row in rows}
    return found


def put_acknowledgement(session: Session, run_id: str, given: HandedOver) -> None:
    """Record that an acknowledgement of a run is handed over from now on."""
    insert = session.store.insert(t.acknowledgement).on_conflict_do_nothing()
    with session.transaction() as connection:
        run = run_seq(connection, run_id)
        endpoint = sa.select(t.run.c.endpoint).where(t.run.c.seq == run).scalar_subquery()
        connection.execute(
            insert.values(
                endpoint=endpoint, **dict(zip(_KEY, astuple(given.key), strict=True)),
                kind=given.kind, verdict=given.verdict, name=given.name, run=run,
                at=session.now(),
            )
        )  # fmt: skip
