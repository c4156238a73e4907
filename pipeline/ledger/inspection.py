"""`ledger check`: whether the ledger is whole, and whether its tables agree with each other.

Nothing is trusted and nothing is written. Each check is one transaction, so that a run at work goes on.
What each of them proves and what not is in docs/ledger.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import ItemEvent, RunState
from pipeline.ledger.seals import SealKind, chained, digest_of, seals
from pipeline.ledger.session import Session
from pipeline.ledger.states import OPEN, SENDING
from pipeline.ledger.stops import LedgerDamaged
from pipeline.ledger.versions import version_of
from pipeline.model.outcomes import MutationOutcome, OrderOutcome

_SHOWN = 20  # complaints of one check; the rest is counted

PUT_BACK = (
    "put back a copy of the ledger from before, or move it aside and begin a new one: "
    "`pipeline run --new-ledger` sends every order again"
)
_ASK = (
    "find out who has changed the ledger; `pipeline verify RUN` compares the orders with parcelLab, "
    "and a copy of the ledger from before shows what it was"
)
_SEND_AGAIN = "the next import that has the order sends it, for nothing says that it is there"

_ACKNOWLEDGED = tuple(
    each.value for each in (OrderOutcome.CREATED, OrderOutcome.UPDATED, OrderOutcome.PARTLY_APPLIED)
)
_WHOLE = (OrderOutcome.CREATED.value, OrderOutcome.UPDATED.value)
_OVER = (RunState.FINISHED.value, RunState.NOT_SENT.value)
_order, _run, _known = t.run_order.c, t.run.c, t.known_order.c


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, where it is, and what to do about it."""

    check: str
    what: str
    where: str
    fix: str


@dataclass(slots=True)
class Inspection:
    """What was found. `left_out` are checks that were not made, with the reason; `seal` is the last."""

    made: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    runs: int = 0
    sealed: int = 0
    seal: str | None = None

    def add(self, check: str, found: Iterator[Complaint]) -> None:
        """Note what a check has found; no more of it than anybody reads."""
        self.made.append(check)
        self.complaints += islice(found, _SHOWN)
        more = sum(1 for _ in found)
        if more:
            self.complaints.append(
                Complaint(check, f"and {more:,} more of the same kind", "", "as above")
            )


Check = Callable[[sa.Connection], Iterator[Complaint]]


def file_checks(connection: sa.Connection) -> dict[str, Check]:
    """What the database itself can say of its file."""
    if connection.dialect.name != "sqlite":
        return {}
    return {"pages": _pages, "links": _links}


def is_current(connection: sa.Connection) -> bool:
    """Tell whether the ledger has the tables of this program."""
    return version_of(connection) == t.VERSION and sa.inspect(connection).has_table(t.seal.name)


# --- the file -------------------------------------------------------------------------------------


def _pages(connection: sa.Connection) -> Iterator[Complaint]:
    try:
        for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(100)").all():
            if line != "ok":
                yield Complaint("pages", str(line), "the file of the ledger", PUT_BACK)
    except sa.exc.DatabaseError as error:
        yield Complaint("pages", str(error.orig), "the file of the ledger", PUT_BACK)


def _links(connection: sa.Connection) -> Iterator[Complaint]:
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Complaint(
            "links", f"a row belongs to one of {parent} that is not there",
            f"table {table}, row {row}", PUT_BACK,
        )  # fmt: skip


# --- the tables -------------------------------------------------------------------------------------

_WORDS: tuple[tuple[sa.Column[Any], frozenset[str]], ...] = (
    (_run.state, frozenset(RunState)),
    (_order.outcome, frozenset({*OrderOutcome, SENDING})),
    (t.run_mutation.c.outcome, frozenset(MutationOutcome)),
    (t.item_event.c.kind, frozenset(ItemEvent)),
    (t.seal.c.kind, frozenset(SealKind)),
)


def _words(connection: sa.Connection) -> Iterator[Complaint]:
    """Each outcome and state is one that this program writes."""
    for column, known in _WORDS:
        rows = connection.execute(
            sa.select(column, sa.func.count()).where(column.not_in(sorted(known))).group_by(column)
        )
        for word, count in rows:
            yield Complaint(
                "words", f"{count:,} rows have {column.name} {word!r}, which there is none of",
                f"table {column.table.name}", _ASK,
            )  # fmt: skip


def _runs(connection: sa.Connection) -> Iterator[Complaint]:
    """A run that is over has an end, a code, and no order that is still to be sent."""
    over = _run.state.in_(_OVER)
    rows = connection.execute(
        sa.select(_run.id, _run.state).where(
            over, sa.or_(_run.ended_at.is_(None), _run.exit_code.is_(None))
        )
    )
    for run, state in rows:
        yield Complaint("runs", f"it is {state} and has no end or no exit code", f"run {run}", _ASK)
    unsent = connection.execute(
        sa.select(_run.id, _run.state, _order.outcome, sa.func.count(), sa.func.min(_order.key))
        .join(t.run_order, _order.run == _run.seq)
        .where(
            sa.or_(
                sa.and_(_run.state == RunState.FINISHED.value, _order.outcome.in_(OPEN)),
                sa.and_(_run.state == RunState.NOT_SENT.value, _order.outcome == SENDING),
            )
        )
        .group_by(_run.id, _run.state, _order.outcome)
    )
    for run, state, outcome, count, key in unsent:
        yield Complaint(
            "runs", f"it is {state}, and {count:,} of its orders are {outcome}, such as {key}",
            f"run {run}", _ASK,
        )  # fmt: skip


def _partitions(connection: sa.Connection) -> Iterator[Complaint]:
    """Every order is in a partition that was planned, and no partition is left out."""
    part = t.run_partition.c
    mine = sa.and_(part.run == _order.run, part.partition == _order.partition)
    rows = connection.execute(
        sa.select(_run.id, _order.partition, sa.func.count())
        .join(t.run_order, _order.run == _run.seq)
        .where(~sa.exists().where(mine))
        .group_by(_run.id, _order.partition)
    )
    for run, number, count in rows:
        yield Complaint(
            "partitions", f"{count:,} orders are in partition {number}, which was never planned",
            f"run {run}", PUT_BACK,
        )  # fmt: skip
    last, count = sa.func.max(part.partition), sa.func.count()
    rows = connection.execute(
        sa.select(_run.id, last, count)
        .join(t.run_partition, part.run == _run.seq)
        .where(_run.state == RunState.FINISHED.value)
        .group_by(_run.id)
        .having(last + 1 != count)
    )
    for run, number, there in rows:
        yield Complaint(
            "partitions",
            f"of its {number + 1} partitions {there} are there",
            f"run {run}",
            PUT_BACK,
        )


def _totals(connection: sa.Connection) -> Iterator[Complaint]:
    """What the report of a run has counted is what its rows count."""
    latest = _latest_seals()
    reported = connection.execute(
        sa.select(_run.seq, _run.id, _run.totals)
        .join(latest, latest.c.run == _run.seq)
        .join(t.seal, t.seal.c.n == latest.c.n)
        .where(
            _run.totals.is_not(None), t.seal.c.kind == SealKind.ENDED.value,
            t.seal.c.ended_at == _run.ended_at,
        )
        .order_by(_run.seq)
    ).all()  # fmt: skip
    for seq, run, text in reported:
        told = orjson.loads(text).get("orders") or {}
        rows = connection.execute(
            sa.select(_order.outcome, sa.func.count())
            .where(_order.run == seq)
            .group_by(_order.outcome)
        )
        counted = {outcome: int(number) for outcome, number in rows}
        unclear = OrderOutcome.UNKNOWN.value
        counted[unclear] = counted.get(unclear, 0) + counted.pop(SENDING, 0)
        for outcome in OrderOutcome:
            said, there = told.get(outcome.value), counted.get(outcome.value, 0)
            if said is not None and said != there:
                yield Complaint(
                    "totals", f"its report counted {said:,} orders {outcome.value}, the table has {there:,}",
                    f"run {run}", _ASK,
                )  # fmt: skip


def _latest_seals() -> sa.Subquery:
    seal = t.seal.c
    return sa.select(seal.run, sa.func.max(seal.n).label("n")).group_by(seal.run).subquery()


def _orders(connection: sa.Connection) -> Iterator[Complaint]:
    """What is known of an order is what its last run was answered."""
    there = sa.and_(_known.endpoint == _run.endpoint, _known.order_number == _order.order_number)
    # what `verify` did not find at parcelLab is forgotten on purpose
    read = t.read_back_finding.c
    missed = sa.and_(read.order_number == _order.order_number, read.field == "")
    rows = connection.execute(
        sa.select(_run.id, _order.order_number, _order.outcome)
        .join(t.run, _run.seq == _order.run)
        .where(
            _order.outcome.in_(_ACKNOWLEDGED), ~sa.exists().where(there), ~sa.exists().where(missed)
        )
    )
    for run, number, outcome in rows:
        yield Complaint(
            "orders", f"order {number} was {outcome} in run {run}, and is not among the known ones",
            "table known_order", _SEND_AGAIN,
        )  # fmt: skip
    # what a purged run has sent is not there to compare with
    purged = (
        sa.select(sa.func.coalesce(sa.func.max(t.seal.c.run), 0))
        .where(t.seal.c.kind == SealKind.PURGED.value)
        .scalar_subquery()
    )
    asked = (
        sa.select(
            _run.id, _run.seq, _run.endpoint, _order.order_number, _order.outcome,
            _order.content_sha256,
            sa.func.row_number()
            .over(partition_by=(_run.endpoint, _order.order_number), order_by=_run.seq.desc())
            .label("place"),
        )
        .join(t.run, _run.seq == _order.run)
        .where(_order.outcome.in_((*_ACKNOWLEDGED, OrderOutcome.REFUSED.value, SENDING)))
        .subquery()
    )  # fmt: skip
    rows = connection.execute(
        sa.select(asked.c.id, asked.c.order_number, asked.c.outcome)
        .join(
            t.known_order,
            sa.and_(
                _known.endpoint == asked.c.endpoint, _known.order_number == asked.c.order_number
            ),
        )
        .where(
            asked.c.place == 1,
            asked.c.seq > purged,
            _known.fully_applied,
            sa.or_(
                asked.c.outcome.not_in(_WHOLE),
                asked.c.content_sha256.is_distinct_from(_known.content_sha256),
            ),
        )
    )
    for run, number, outcome in rows:
        said = "another payload" if outcome in _WHOLE else f"it was {outcome}"
        yield Complaint(
            "orders",
            f"order {number} is held to be in parcelLab as it was sent last, but in run {run} {said}",
            "table known_order",
            f"an unchanged order would not be sent again. `pipeline trace {number}` shows what is known; {_ASK}",
        )


def _items(connection: sa.Connection) -> Iterator[Complaint]:
    """An open item is as its last entry says."""
    item, event = t.open_item.c, t.item_event.c
    last = sa.select(event.item, sa.func.max(event.entry).label("entry")).group_by(event.item)
    latest = last.subquery()
    closed = event.kind == ItemEvent.CLOSED.value
    rows = connection.execute(
        sa.select(item.order_number, item.closed_at, event.kind)
        .join(latest, latest.c.item == item.id)
        .join(t.item_event, sa.and_(event.item == item.id, event.entry == latest.c.entry))
        .where(
            sa.or_(
                sa.and_(item.closed_at.is_(None), closed),
                # format 2 had no entries of items that a person closed
                sa.and_(item.closed_run.is_not(None), ~closed),
                event.runs != item.runs,
                event.code != item.code,
            )
        )
    )
    for number, closed_at, kind in rows:
        now = "open" if closed_at is None else "closed"
        yield Complaint(
            "items", f"order {number} is {now}, its last entry says {kind}, or another cause or count",
            "table open_item", _ASK,
        )  # fmt: skip
    lost = ~sa.exists().where(_run.seq == item.opened_run)
    for (number,) in connection.execute(sa.select(item.order_number).where(lost)):
        yield Complaint(
            "items", f"order {number} was missing first in a run that is not there",
            "table open_item", PUT_BACK,
        )  # fmt: skip


def _entries(connection: sa.Connection) -> Iterator[Complaint]:
    """Entries are only added: none is gone, and none is of another endpoint than its run."""
    entry, event = t.entry.c, t.item_event.c
    rows = connection.execute(
        sa.select(entry.id, _run.id)
        .join(t.run, _run.seq == entry.run)
        .where(_run.endpoint != entry.endpoint)
    )
    for number, run in rows:
        yield Complaint("entries", f"entry {number} is of another account than its run", f"run {run}",
                        _ASK)  # fmt: skip
    if connection.dialect.name == "sqlite":  # a server's numbers have gaps, these do not
        for table, column in ((t.entry, entry.id), (t.run, _run.seq)):
            count, last = connection.execute(
                sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(column), 0))
            ).one()
            if count != last:
                yield Complaint(
                    "entries", f"of {last:,} rows that were written {last - count:,} are gone",
                    f"table {table.name}", PUT_BACK,
                )  # fmt: skip
    before = sa.func.lag(event.runs).over(partition_by=event.item, order_by=event.entry)
    counted = sa.select(event.item, event.entry, event.runs, before.label("before")).subquery()
    rows = connection.execute(
        sa.select(counted.c.item, counted.c.entry).where(counted.c.runs < counted.c.before)
    )
    for number, at in rows:
        yield Complaint(
            "entries", f"open item {number} was missing in fewer runs at entry {at} than before",
            "table item_event", _ASK,
        )  # fmt: skip


def _chain(connection: sa.Connection) -> Iterator[Complaint]:
    """Each seal stands on the one before."""
    before, n = "", 0
    for seal in seals(connection):
        n += 1
        if seal.n != n:
            yield Complaint("chain", f"seal {n} is gone", "table seal", _ASK)
            n = seal.n
        elif chained(before, seal) != seal.chain:
            yield Complaint(
                "chain", f"seal {seal.n}, of run {seal.run_id or seal.run}, does not follow from the one before",
                "table seal", _ASK,
            )  # fmt: skip
        before = seal.chain


def _sealed(connection: sa.Connection) -> Iterator[Complaint]:
    """The orders of a run that is over are as they were at its end."""
    kept = list(seals(connection))
    latest = {seal.run: seal for seal in kept}
    rows = connection.execute(sa.select(_run.seq, _run.id, _run.state, _run.ended_at)).all()
    for seq, run, state, ended_at in rows:
        seal = latest.get(seq)
        if seal is None:
            first = next((each for each in kept if each.kind == SealKind.ENDED.value), None)
            later = first is not None and seq > first.run and (ended_at or "") > str(first.ended_at)
            if state in _OVER and later:
                yield Complaint("seals", "it is over and has no seal", f"run {run}", _ASK)
            continue
        if state not in _OVER and (ended_at is None or seal.ended_at != ended_at):
            continue  # it was resumed and has not ended since, or without a word
        orders, digest = digest_of(connection, seq)
        if digest != seal.digest:
            number = (
                "" if orders == seal.orders else f", {seal.orders:,} orders then and {orders:,} now"
            )
            yield Complaint(
                "seals", f"it is not as it was when it ended ({seal.ended_at}{number})",
                f"run {run}", _ASK,
            )  # fmt: skip


TABLE_CHECKS: dict[str, Check] = {
    "words": _words, "runs": _runs, "partitions": _partitions, "totals": _totals, "orders": _orders,
    "items": _items, "entries": _entries, "chain": _chain, "seals": _sealed,
}  # fmt: skip


def known_seal(connection: sa.Connection, chain: str) -> bool:
    """Tell whether a seal that was kept elsewhere is one of the chain."""
    return bool(connection.execute(sa.select(t.seal.c.n).where(t.seal.c.chain == chain)).scalar())


def summed(connection: sa.Connection) -> tuple[int, int, str | None]:
    """Give how many runs there are, how many are sealed, and the last seal."""
    seal = t.seal.c
    runs = connection.execute(sa.select(sa.func.count()).select_from(t.run)).scalar_one()
    sealed = connection.execute(sa.select(sa.func.count(seal.run.distinct()))).scalar_one()
    last = connection.execute(sa.select(seal.chain).order_by(seal.n.desc()).limit(1)).scalar()
    return runs, sealed, last


# --- all of it --------------------------------------------------------------------------------------


def inspect(session: Session, expected: str | None) -> Inspection:
    """Make every check that can be made now; `expected` is a seal that was kept elsewhere.

    Raises:
        LedgerUnusable: it cannot be read at all.
    """
    found = Inspection()
    with session.looking() as store:
        at_work = store.at_work()
    with session.transaction() as connection:
        first = file_checks(connection)
        format_ = version_of(connection)
        current = is_current(connection)
    if not first:
        found.left_out |= dict.fromkeys(
            ("pages", "links", "journal"), "the server looks after its files"
        )
    else:
        _journal(session, found, at_work=at_work)
    whole = all(_make(session, found, name, check) for name, check in first.items())
    if found.complaints or not whole:
        found.left_out |= dict.fromkeys(TABLE_CHECKS, "the file is damaged")
        return found
    if not current:
        found.left_out |= dict.fromkeys(
            TABLE_CHECKS, f"the ledger is of format {format_}, which the next run upgrades"
        )
        return found
    if at_work:
        found.notes.append("a run is at work: it is judged when it has ended")
    for name, check in TABLE_CHECKS.items():
        if not _make(session, found, name, check):
            return found
    with session.transaction() as connection:
        found.runs, found.sealed, found.seal = summed(connection)
        if expected is not None and not known_seal(connection, expected):
            found.complaints.append(
                Complaint("chain", f"the seal {expected} is not among those of the ledger",
                          "table seal", _ASK)
            )  # fmt: skip
    return found


def _make(session: Session, found: Inspection, name: str, check: Check) -> bool:
    """Make one check; False when the file turned out to be damaged, so that no other can be made."""
    try:
        with session.transaction() as connection:
            found.add(name, check(connection))
    except LedgerDamaged as damaged:
        found.complaints.append(
            Complaint(name, damaged.message, "the file of the ledger", PUT_BACK)
        )
        left = [each for each in TABLE_CHECKS if each not in (*found.made, name)]
        found.left_out |= dict.fromkeys(left, "the file is damaged")
        return False
    return True


def _journal(session: Session, found: Inspection, *, at_work: bool) -> None:
    if at_work:
        found.left_out["journal"] = "a run is at work"
        return
    found.made.append("journal")
    with session.looking() as store:
        try:
            store.refuse_lost_journal()
        except LedgerDamaged as damaged:
            found.complaints.append(
                Complaint("journal", damaged.message, "the file of the ledger", damaged.help)
            )
