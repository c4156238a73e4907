"""The narrow face of the ledger: knowledge per endpoint, runs, and the partitions of a run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import polars as pl
import sqlalchemy as sa

from pipeline.ledger import entries, sources
from pipeline.ledger import schema as t
from pipeline.ledger.claims import Lease
from pipeline.ledger.extract import exported
from pipeline.ledger.frames import frame
from pipeline.ledger.inspection import Inspection, inspect
from pipeline.ledger.interchanges import (
    handed_over,
    next_control_number,
    put_acknowledgement,
    put_interchanges,
    received,
)
from pipeline.ledger.journal import Journal
from pipeline.ledger.of_order import items_of_order, order_in_runs
from pipeline.ledger.open_items import (
    close_items,
    closed_items,
    items_as_of,
    latest_items,
    open_items,
    update_open_items,
)
from pipeline.ledger.records import (
    PLANNED_SCHEMA,
    AckedOperation,
    CauseCount,
    Clock,
    Figures,
    FindingCount,
    HandedOver,
    InterchangeKey,
    KnownOrder,
    OpenCount,
    OpenItem,
    OrderInRun,
    OrderItem,
    PartitionState,
    PastRun,
    ReadBack,
    ReceivedInterchange,
    RunRecord,
    RunStart,
    RunState,
    SourceNight,
    ToldOrder,
    Undecided,
)
from pipeline.ledger.seals import SealKind, put_seal
from pipeline.ledger.session import Session, each_again_after_a_cut
from pipeline.ledger.sizes import LedgerSize, sizes
from pipeline.ledger.statements import (
    MANY_SIZE,
    WRITE_SIZE,
    among,
    chunked,
    lookups,
    moment_text,
    run_seq,
)
from pipeline.ledger.states import ANSWERED, OPEN, OVERTAKING, SENDING, UNCLEAR, before
from pipeline.ledger.store import open_store
from pipeline.ledger.thinning import OldRun, is_purged, old_runs, remove_rows
from pipeline.ledger.told import (
    distrust,
    forget,
    marker,
    put_read_back,
    read_back_of,
    remember,
    told_orders,
)
from pipeline.model.marks import Marker
from pipeline.model.orders import Submission
from pipeline.model.outcomes import MUTATION_SCHEMA, ORDER_SCHEMA, OrderOutcome

PROBLEM_SCHEMA: dict[str, pl.DataType] = {
    "order_number": pl.String(),
    "code": pl.String(),
    "detail": pl.String(),
    "attr": pl.String(),
    "api_code": pl.String(),
    "status": pl.Int32(),
}


@each_again_after_a_cut
class Ledger:
    """All that must survive the process. Any thread may call it; calls run one after another.

    Every method raises `LedgerUnusable` when the database fails; from then on nothing is written.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def open(cls, location: str | Path, *, clock: Clock, shared: bool = False) -> Self:
        """Open the ledger at a path or PostgreSQL URL for a run, and hold its lock until `close`.

        A ledger that does not exist is made; one that is damaged never is replaced. With `shared`,
        others may write beside us in PostgreSQL; whether they do is for `hold` and `share` to say.

        Raises:
            LedgerLocked: another run holds it.
            LedgerUnusable: damaged, newer than this program, or not writable.
        """
        return cls(Session(open_store(location, clock=clock, writable=True, shared=shared), clock))

    @classmethod
    def read(cls, location: str | Path, *, clock: Clock) -> Self:
        """Open an existing ledger for reading only, without lock: for `status` and `report`.

        Raises:
            LedgerUnusable: there is none, or it is newer than this program.
        """
        return cls(Session(open_store(location, clock=clock, writable=False), clock))

    def close(self) -> None:
        """Close the database and let the lock go."""
        self._session.close()

    def compact(self) -> None:
        """Leave no old value in the files: of rows that were deleted or replaced long ago, too."""
        self._session.compact()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def check(self, *, seal: str | None = None) -> Inspection:
        """Look for damage and for what does not agree; `seal` is one that was kept elsewhere."""
        return inspect(self._session, seal)

    def sizes(self, *, since: datetime) -> LedgerSize:
        """Count rows and bytes, and what the runs since a moment have added."""
        with self._session.transaction() as connection:
            return sizes(connection, since)

    def exported(
        self, endpoint: int, run_id: str | None, outcomes: Sequence[str]
    ) -> Iterator[list[tuple[object, ...]]]:
        """Give what is known of the orders of runs, in batches of `EXPORT_COLUMNS`."""
        return exported(self._session, endpoint, run_id, outcomes)

    def old_runs(self, *, before: datetime, needs: Callable[[str], str]) -> list[OldRun]:
        """Judge the runs that were over before a moment and have rows; `needs` says who needs them."""
        with self._session.transaction() as connection:
            return old_runs(connection, before, needs)

    def remove_rows(self, run_id: str) -> None:
        """Remove what there is of each order of a run; what is known of the orders stays."""
        with self._session.transaction() as connection:
            remove_rows(connection, run_id)

    def is_purged(self, run_id: str) -> bool:
        """Tell whether the rows of a run were removed by `remove_rows`."""
        with self._session.transaction() as connection:
            return is_purged(connection, run_id)

    # --- who else works here ------------------------------------------------------------------

    @property
    def alone(self) -> bool:
        """Whether no other process has this ledger open for writing; always so with SQLite."""
        return self._session.store.alone

    @property
    def after_a_loss(self) -> bool:
        """Whether the ledger before this one was given up, so what it has sent is not known."""
        return self._session.store.after_a_loss

    def note_loss(self) -> None:
        """Remember that others have sent what this ledger does not know; with PostgreSQL until it is closed."""
        with self._session.looking() as store:
            store.note_loss()

    def let_others_in(self) -> None:
        """From now on other processes may write in this ledger, where the database allows it."""
        with self._session.looking() as store:
            store.let_others_in()

    def hold(self, endpoint: int) -> bool:
        """Keep others from working at an endpoint; False when one does. Always so with SQLite."""
        with self._session.looking() as store:
            return store.hold(endpoint)

    def share(self, endpoint: int) -> bool:
        """Work at an endpoint with others; False when one of them holds it for himself."""
        with self._session.looking() as store:
            return store.share(endpoint)

    def leave(self, endpoint: int) -> None:
        """Work at an endpoint no more."""
        with self._session.looking() as store:
            store.leave(endpoint)

    def at_work(self, endpoint: int | None = None) -> bool:
        """Tell whether another process works in this ledger right now, or at one endpoint of it."""
        with self._session.looking() as store:
            return store.at_work(endpoint)

    def server(self) -> tuple[str, bool]:
        """Give the database in words, and whether commits survive a power cut there."""
        with self._session.looking() as store:
            return store.server()

    def works_on(self, record: RunRecord) -> bool:
        """Tell whether another process works on a run right now, as far as it can be seen."""
        runs = self.sessions_at_work(record.endpoint)
        return record.id in runs if runs else self.at_work(record.endpoint)

    def sessions_at_work(self, endpoint: int) -> list[str]:
        """Give the run that each other process works on at an endpoint; none with SQLite."""
        with self._session.looking() as store:
            return store.sessions_at_work(endpoint)

    def name_run(self, run_id: str) -> None:
        """Write where others look what this process works on."""
        self._session.name_run(run_id)

    def holder(self) -> str:
        """Who else works in this ledger, in words; "" where nobody can be seen."""
        with self._session.looking() as store:
            return store.holder()

    # --- runs -------------------------------------------------------------------------------

    def endpoint(self, base_url: str, account: int) -> int:
        """Give the id of one account at one API; knowledge is kept apart for each."""
        wanted = (t.endpoint.c.base_url == base_url, t.endpoint.c.account == account)
        with self._session.transaction() as connection:
            known = connection.execute(sa.select(t.endpoint.c.id).where(*wanted)).scalar()
            if known is not None:
                return int(known)
            insert = self._session.store.insert(t.endpoint)  # another process may be doing the same
            connection.execute(
                insert.values(base_url=base_url, account=account).on_conflict_do_nothing()
            )
            return int(connection.execute(sa.select(t.endpoint.c.id).where(*wanted)).scalar_one())

    def endpoint_of(self, run_id: str) -> tuple[str, int]:
        """Give base_url and account of a run that the ledger knows."""
        query = (
            sa.select(t.endpoint.c.base_url, t.endpoint.c.account)
            .join(t.run, t.run.c.endpoint == t.endpoint.c.id)
            .where(t.run.c.id == run_id)
        )
        with self._session.transaction() as connection:
            base_url, account = connection.execute(query).one()
        return str(base_url), int(account)

    def is_first(self, run_id: str) -> bool:
        """Tell whether no other run of the endpoint has sent anything before, as far as is known."""
        run = t.run.c
        with self._session.transaction() as connection:
            seq = run_seq(connection, run_id)
            mine = sa.select(run.endpoint).where(run.seq == seq).scalar_subquery()
            others = sa.select(run.seq).where(
                run.endpoint == mine, run.seq != seq, run.state != RunState.NOT_SENT.value
            )
            return connection.execute(others.limit(1)).first() is None

    def endpoints_of(self, account: int) -> dict[str, int]:
        """Give the endpoints that the ledger has of an account, by their base URLs."""
        query = sa.select(t.endpoint.c.base_url, t.endpoint.c.id)
        with self._session.transaction() as connection:
            rows = connection.execute(query.where(t.endpoint.c.account == account))
            return {base_url: int(endpoint) for base_url, endpoint in rows}

    def find_endpoint(self, base_url: str, account: int) -> int | None:
        """Give the id of an endpoint that the ledger knows, or None; for who only reads."""
        wanted = (t.endpoint.c.base_url == base_url, t.endpoint.c.account == account)
        with self._session.transaction() as connection:
            return connection.execute(sa.select(t.endpoint.c.id).where(*wanted)).scalar()

    def begin_run(
        self, run: RunStart, interchanges: Sequence[tuple[InterchangeKey, str]] = ()
    ) -> None:
        """Record a new run, and write its id where others look who holds the lock.

        `interchanges` are those that the run takes over, with the names of their files.
        """
        with self._session.transaction() as connection:
            connection.execute(
                sa.insert(t.run).values(
                    id=run.id,
                    endpoint=run.endpoint,
                    fingerprint=run.fingerprint,
                    profile=run.profile,
                    state=run.state.value,
                    started_at=moment_text(run.started_at),
                    options=_json(run.options),
                    mappings=_json(run.mappings),
                    files=_json(list(run.files)),
                )
            )
            put_interchanges(self._session, connection, run.id, interchanges)
        self._session.name_run(run.id)

    def resume_run(self, run_id: str) -> None:
        """Record that an interrupted run goes on."""
        with self._session.transaction() as connection:
            connection.execute(
                sa.update(t.run)
                .where(t.run.c.seq == run_seq(connection, run_id))
                .values(state=RunState.RUNNING.value, ended_at=None, exit_code=None)
            )
        self._session.name_run(run_id)

    def finish_run(
        self, run_id: str, *, state: RunState, exit_code: int, ended_at: datetime, totals: str
    ) -> None:
        """Record how a run ended, and seal what became of its orders; `totals` is JSON text."""
        with self._session.transaction() as connection:
            run = run_seq(connection, run_id)
            connection.execute(
                sa.update(t.run)
                .where(t.run.c.seq == run)
                .values(
                    state=state.value,
                    exit_code=exit_code,
                    ended_at=moment_text(ended_at),
                    totals=totals,
                )
            )
            put_seal(connection, run, SealKind.ENDED)

    def break_run(self, run_id: str, *, exit_code: int, ended_at: datetime) -> None:
        """Record that a run ended without its report; one that has ended otherwise keeps that."""
        self._end_run(
            run_id,
            RunState.RUNNING,
            RunState.INTERRUPTED,
            exit_code=exit_code,
            ended_at=moment_text(ended_at),
        )

    def abandon_run(self, run_id: str) -> None:
        """Record that a run cannot go on; it is not offered for resuming any more."""
        self._end_run(run_id, RunState.RUNNING, RunState.ABANDONED)
        self._end_run(run_id, RunState.INTERRUPTED, RunState.ABANDONED)

    def _end_run(self, run_id: str, now: RunState, then: RunState, **values: object) -> None:
        with self._session.transaction() as connection:
            connection.execute(
                sa.update(t.run)
                .where(t.run.c.seq == run_seq(connection, run_id), t.run.c.state == now.value)
                .values(state=then.value, **values)
            )

    def unfinished(self, endpoint: int, fingerprint: str) -> RunRecord | None:
        """Give the latest run of the same input if it did not finish: a crash or an early stop."""
        found = self._runs(
            (
                t.run.c.endpoint == endpoint,
                t.run.c.fingerprint == fingerprint,
                t.run.c.state != RunState.NOT_SENT.value,
            ),
            limit=1,
        )
        return found[0] if found and found[0].state.value in _UNFINISHED else None

    def unfinished_runs(self, endpoint: int) -> list[RunRecord]:
        """Give all runs of an endpoint that did not finish, newest first."""
        return self._runs(
            (t.run.c.endpoint == endpoint, t.run.c.state.in_(_UNFINISHED)), limit=_ALL
        )

    def run(self, run_id: str) -> RunRecord | None:
        """Give one run, or None."""
        return next(iter(self._runs((t.run.c.id == run_id,), limit=1)), None)

    def runs(self, limit: int) -> list[RunRecord]:
        """Give the latest runs, newest first (in order of beginning, not of the wall clock)."""
        return self._runs((), limit=limit)

    def last_run(self) -> RunRecord | None:
        """Give the latest run, or None."""
        return next(iter(self.runs(1)), None)

    def last_sent(self) -> RunRecord | None:
        """Give the latest run that was not stopped before sending, or None."""
        return next(iter(self._runs((t.run.c.state != RunState.NOT_SENT.value,), limit=1)), None)

    def _runs(self, where: tuple[sa.ColumnElement[bool], ...], *, limit: int) -> list[RunRecord]:
        query = sa.select(t.run).where(*where).order_by(t.run.c.seq.desc())
        query = query if limit == _ALL else query.limit(limit)
        with self._session.transaction() as connection:
            return [_run_record(row) for row in connection.execute(query).mappings()]

    # --- knowledge of an endpoint -------------------------------------------------------------

    def known(self, endpoint: int, order_numbers: Sequence[str]) -> dict[str, KnownOrder]:
        """Give what is known of those of the orders that the API has ever acknowledged."""
        known = t.known_order.c
        query = sa.select(
            known.order_number,
            known.content_sha256,
            known.fully_applied,
            known.external_id,
            known.updated_at,
        )
        found: dict[str, KnownOrder] = {}
        with self._session.transaction() as connection:
            for numbers in chunked(order_numbers, MANY_SIZE):
                rows = connection.execute(
                    query.where(
                        known.endpoint == endpoint, among(connection, known.order_number, numbers)
                    )
                ).all()
                for number, sha256, applied, external_id, at in rows:
                    found[number] = KnownOrder(
                        sha256, applied, external_id, datetime.fromisoformat(at)
                    )
        return found

    def operations(
        self, endpoint: int, order_numbers: Sequence[str]
    ) -> dict[str, dict[str, AckedOperation]]:
        """Give, per order and subject, the last operation that the API has acknowledged."""
        acked = t.acked_operation.c
        query = sa.select(acked.order_number, acked.subject, acked.operation_id, acked.generation)
        found: dict[str, dict[str, AckedOperation]] = {}
        with self._session.transaction() as connection:
            for numbers in chunked(order_numbers, MANY_SIZE):
                rows = connection.execute(
                    query.where(
                        acked.endpoint == endpoint, among(connection, acked.order_number, numbers)
                    )
                )
                for number, subject, operation_id, generation in rows:
                    acknowledged = AckedOperation(operation_id, generation)
                    found.setdefault(number, {})[subject] = acknowledged
        return found

    # --- the partitions of a run --------------------------------------------------------------

    def plan_partition(
        self, run_id: str, partition: int, orders: pl.DataFrame, digest: str
    ) -> None:
        """Record, in one transaction, every order of a partition and what is to become of it.

        An order that has an answer of the API in this run keeps it; otherwise the plan stands.

        Args:
            run_id: The run.
            partition: Its number.
            orders: The columns of `PLANNED_SCHEMA`, one row per order; of the rows with one key
                all but one must be `superseded`.
            digest: Tells a later process whether it planned the same.

        Raises:
            ValueError: two orders have the same key and neither is superseded.
        """
        with self._session.transaction() as connection:
            run = run_seq(connection, run_id)
            self._put_partition(connection, run, partition, digest)
            insert = self._session.store.insert(t.run_order)
            planned = [name for name in PLANNED_SCHEMA if name not in ("key",)]
            upsert = insert.on_conflict_do_update(
                index_elements=["run", "partition", "key", "version"],
                set_={name: insert.excluded[name] for name in planned},
                where=sa.and_(*(t.run_order.c.outcome != answer for answer in ANSWERED)),
            )
            for some in _planned_rows(orders, run, partition).iter_slices(WRITE_SIZE):
                connection.execute(upsert, some.to_dicts())
            if orders.height > _MANY_NEW:
                self._session.store.analyse(connection, t.run_order)

    def _put_partition(
        self, connection: sa.Connection, run: int, partition: int, digest: str
    ) -> None:
        insert = self._session.store.insert(t.run_partition)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["run", "partition"], set_={"digest": insert.excluded.digest}
            ),
            {"run": run, "partition": partition, "digest": digest},
        )

    def supersede(self, run_id: str, order_numbers: Sequence[str]) -> None:
        """Record that open orders of a run are not sent: a newer run has sent a newer version."""
        with self._session.transaction() as connection:
            run = run_seq(connection, run_id)
            for numbers in lookups(order_numbers):
                connection.execute(
                    sa.update(t.run_order)
                    .where(
                        t.run_order.c.run == run,
                        t.run_order.c.order_number.in_(numbers),
                        t.run_order.c.outcome.in_(before(OrderOutcome.SUPERSEDED.value)),
                    )
                    .values(outcome=OrderOutcome.SUPERSEDED.value)
                )

    def doubt(self, endpoint: int, order_numbers: Sequence[str]) -> None:
        """Note that orders may have got operations that must not be sent twice (FAULTS L3).

        They are read back before they are sent, as after a crash.
        """
        rows = [{"endpoint": endpoint, "order_number": number} for number in order_numbers]
        known = self._session.store.insert(t.in_doubt).on_conflict_do_nothing()
        with self._session.transaction() as connection:
            for some in chunked(rows, WRITE_SIZE):
                connection.execute(known, some)

    def may_have_got(self, endpoint: int, order_numbers: Sequence[str]) -> set[str]:
        """Give those of the orders that were acknowledged at an endpoint, or may have arrived there."""
        found: set[str] = set()
        with self._session.transaction() as connection:
            for numbers in chunked(order_numbers, MANY_SIZE):
                for table in (t.known_order, t.in_doubt):
                    query = sa.select(table.c.order_number).where(
                        table.c.endpoint == endpoint,
                        among(connection, table.c.order_number, numbers),
                    )
                    found.update(connection.execute(query).scalars())
        return found

    def overtaken(self, run_id: str) -> set[str]:
        """Give the orders that a newer run of the endpoint has sent, or found to be there already.

        Newer by the sequence of the ledger: the wall clock may have been set back (FAULTS P11). An
        order that the newer run was sending when it ended counts, for its version may have arrived.
        """
        mine, newer = t.run.alias("mine"), t.run.alias("newer")
        query = (
            sa.select(t.run_order.c.order_number)
            .distinct()
            .select_from(mine)
            .join(newer, sa.and_(newer.c.endpoint == mine.c.endpoint, newer.c.seq > mine.c.seq))
            .join(t.run_order, t.run_order.c.run == newer.c.seq)
            .where(mine.c.id == run_id, t.run_order.c.outcome.in_(OVERTAKING))
        )
        with self._session.transaction() as connection:
            return {number for number in connection.execute(query).scalars() if number is not None}

    def undecided(self, run_id: str) -> Undecided:
        """Give the open orders of a run of which an older version may still arrive (FAULTS N10).

        A request of it had no answer in a run that did not finish, and no other has had one since.
        """
        order, run = t.run_order.c, t.run.c
        with self._session.transaction() as connection:
            seq = run_seq(connection, run_id)
            endpoint = connection.execute(
                sa.select(run.endpoint).where(run.seq == seq)
            ).scalar_one()
            older = connection.execute(
                sa.select(run.seq, run.ended_at).where(
                    run.endpoint == endpoint, run.seq < seq, run.state.in_(_UNFINISHED)
                )
            )
            rows = sa.select(order.order_number, order.content_sha256)
            unclear = {
                (number, sha256): ended_at
                for each, ended_at in older.all()
                for number, sha256 in connection.execute(
                    rows.where(order.run == each, order.outcome.in_(UNCLEAR))
                )
            }
            if not unclear:
                return Undecided()
            numbers = {number for number, _ in unclear}
            mine = [
                number
                for number, sha256 in connection.execute(
                    rows.where(order.run == seq, order.outcome.in_(OPEN))
                )
                if number in numbers and (number, sha256) not in unclear
            ]
        known = self.known(endpoint, mine)
        found = {n for n in mine if n not in known or not known[n].fully_applied}
        ends = [ended_at for (number, _), ended_at in unclear.items() if number in found]
        last = max(ends) if ends and None not in ends else None
        return Undecided(
            tuple(sorted(found)), None if last is None else datetime.fromisoformat(last)
        )

    def partitions(self, run_id: str) -> list[PartitionState]:
        """Give how far each planned partition of a run came, by number."""
        order = t.run_order.c
        with self._session.transaction() as connection:
            run = run_seq(connection, run_id)
            counted = (
                sa.select(
                    order.partition,
                    sa.func.count().label("orders"),
                    sa.func.sum(sa.case((order.outcome.in_(OPEN), 1), else_=0)).label("open"),
                )
                .where(order.run == run)
                .group_by(order.partition)
                .subquery()
            )
            rows = connection.execute(
                sa.select(
                    t.run_partition.c.partition,
                    t.run_partition.c.digest,
                    sa.func.coalesce(counted.c.orders, 0),
                    sa.func.coalesce(counted.c.open, 0),
                )
                .outerjoin(counted, counted.c.partition == t.run_partition.c.partition)
                .where(t.run_partition.c.run == run)
                .order_by(t.run_partition.c.partition)
            )
            return [PartitionState(*row) for row in rows]

    def journal(self, run_id: str, partition: int, lease: Lease | None = None) -> Journal:
        """Give what `send` writes while it sends one partition."""
        return Journal(self._session, run_id, partition, lease or Lease())

    # --- EDI ----------------------------------------------------------------------------------

    def received(self, endpoint: int, references: Sequence[str]) -> list[ReceivedInterchange]:
        """Give the interchanges with these references that runs took over, oldest first."""
        return received(self._session, endpoint, references)

    def next_control_number(self, syntax: str, ours: str, theirs: str, *, first: int = 1) -> int:
        """Give a control number between two parties that was never given before; at least `first`."""
        return next_control_number(self._session, syntax, ours, theirs, first=first)

    def handed_over(self, endpoint: int, sha256: Sequence[str]) -> set[HandedOver]:
        """Give the acknowledgements that answered files with these hashes."""
        return handed_over(self._session, endpoint, sha256)

    def put_acknowledgement(self, run_id: str, given: HandedOver) -> None:
        """Record that an acknowledgement is handed over from now on."""
        put_acknowledgement(self._session, run_id, given)

    # --- what became of a run -----------------------------------------------------------------

    def orders(self, run_id: str) -> pl.DataFrame:
        """Give the orders of a run as `ORDER_SCHEMA`; what a crash left half sent is `unknown`."""
        order = t.run_order.c
        columns: dict[str, sa.ColumnElement[Any]] = {name: order[name] for name in ORDER_SCHEMA}
        sending = order.outcome == SENDING
        columns["outcome"] = sa.case(
            (sending, OrderOutcome.UNKNOWN.value), else_=order.outcome
        ).label("outcome")
        columns["code"] = sa.case((sending, "U001"), else_=order.code).label("code")
        return self._frame(
            run_id,
            t.run_order,
            list(columns.values()),
            (order.partition, order.key, order.version),
            ORDER_SCHEMA,
        )

    def outcome_counts(self, run_id: str) -> dict[str, int]:
        """Count the orders of a run by outcome, without holding any of them; may be at work."""
        order = t.run_order.c
        with self._session.transaction() as connection:
            rows = connection.execute(
                sa.select(order.outcome, sa.func.count())
                .where(order.run == run_seq(connection, run_id))
                .group_by(order.outcome)
            )
            counts = {outcome: int(number) for outcome, number in rows}
        under_way = counts.pop(SENDING, 0)
        return counts | ({"sending": under_way} if under_way else {})

    def mutations(self, run_id: str) -> pl.DataFrame:
        """Give what became of each mutation of a run, as `MUTATION_SCHEMA`."""
        mutation = t.run_mutation.c
        return self._frame(
            run_id,
            t.run_mutation,
            [mutation[name] for name in MUTATION_SCHEMA],
            (mutation.partition, mutation.order_number, mutation.ordinal),
            MUTATION_SCHEMA,
        )

    def problems(self, run_id: str) -> pl.DataFrame:
        """Give the complaints of the API about the orders of a run, as `PROBLEM_SCHEMA`."""
        problem = t.run_problem.c
        return self._frame(
            run_id,
            t.run_problem,
            [problem[name] for name in PROBLEM_SCHEMA],
            (problem.partition, problem.order_number, problem.ordinal),
            PROBLEM_SCHEMA,
        )

    def _frame(
        self,
        run_id: str,
        table: sa.Table,
        columns: Sequence[sa.ColumnElement[Any]],
        order: Sequence[sa.ColumnElement[Any]],
        schema: dict[str, pl.DataType],
    ) -> pl.DataFrame:
        with self._session.transaction() as connection:
            run = run_seq(connection, run_id)
            query = sa.select(*columns).where(table.c.run == run).order_by(*order)
            return frame(connection.execute(query), schema)

    # --- counts and items that reports build on -----------------------------------------------

    def put_finding_counts(
        self, run_id: str, partition: int, counts: Iterable[FindingCount]
    ) -> None:
        """Record the finding counts of a partition; they replace earlier ones of it."""
        table = t.finding_count
        with self._session.transaction() as connection:
            run = run_seq(connection, run_id)
            connection.execute(
                sa.delete(table).where(table.c.run == run, table.c.partition == partition)
            )
            for some in chunked(counts, WRITE_SIZE):
                connection.execute(
                    sa.insert(table),
                    [
                        {
                            "run": run,
                            "partition": partition,
                            "code": each.code,
                            "column": each.column,
                            "target": each.target,
                            "file": each.file,
                            "rows": each.rows,
                            "orders": each.orders,
                        }
                        for each in some
                    ],
                )

    def finding_counts(self, run_id: str) -> list[FindingCount]:
        """Give the finding counts of a run, summed over its partitions, most orders first."""
        count = t.finding_count.c
        what = (count.code, count.column, count.target, count.file)
        orders = sa.func.sum(count.orders)
        with self._session.transaction() as connection:
            rows = connection.execute(
                sa.select(*what, sa.func.sum(count.rows), orders)
                .where(count.run == run_seq(connection, run_id))
                .group_by(*what)
                .order_by(orders.desc(), *what)
            )
            return [FindingCount(*row[:4], int(row[4]), int(row[5])) for row in rows]

    # --- entries: how things stood at the end of each run ---------------------------------------

    def enter(
        self,
        run_id: str,
        *,
        figures: Figures | None = None,
        causes: Iterable[CauseCount] = (),
        missing: Iterable[tuple[str, str]] = (),
        arrived: Iterable[str] = (),
    ) -> int:
        """Record, in one transaction, how things stand at the end of a run; gives the entry.

        Opens an item for each missing (order number, cause code) and closes those that arrived. A
        run that ends again after it was resumed makes another entry and counts its items once.
        """
        with self._session.transaction() as connection:
            run = run_seq(connection, run_id)
            endpoint = connection.execute(
                sa.select(t.run.c.endpoint).where(t.run.c.seq == run)
            ).scalar_one()
            entry = entries.add_entry(connection, endpoint, self._session.now(), run, figures)
            entries.put_causes(connection, entry, causes)
            update_open_items(connection, entry, missing, arrived)
            return entry

    def close_items(self, endpoint: int, order_numbers: Sequence[str], reason: str) -> None:
        """Close open items for a reason of a person's; they open again if a run misses them."""
        with self._session.transaction() as connection:
            entry = entries.add_entry(connection, endpoint, self._session.now(), None, None)
            close_items(connection, entry, order_numbers, reason)

    def open_items(self, endpoint: int) -> list[OpenItem]:
        """Give the items that are open at an endpoint now, oldest first."""
        with self._session.transaction() as connection:
            return open_items(connection, endpoint)

    def latest_items(self, endpoint: int, order_numbers: Sequence[str]) -> dict[str, OpenItem]:
        """Give the latest item, open or closed, of those orders that ever were one."""
        with self._session.transaction() as connection:
            return latest_items(connection, endpoint, order_numbers)

    def keeps_history(self) -> bool:
        """Tell whether the ledger has entries: one that is only read may be of an older format."""
        with self._session.transaction() as connection:
            return sa.inspect(connection).has_table(t.entry.name)

    def entry_of(self, run_id: str) -> int | None:
        """Give the latest entry of a run; None for a run that ended without a report, or not yet."""
        with self._session.transaction() as connection:
            return entries.entry_of(connection, run_id)

    def last_entry(self) -> int:
        """Give the latest entry of all, 0 before the first: "as of" it is now."""
        with self._session.transaction() as connection:
            return entries.last_entry(connection)

    def past_runs(self, run_id: str, *, as_of: int, since: datetime) -> list[PastRun]:
        """Give the runs of a run's endpoint since a moment, that run included, oldest first."""
        with self._session.transaction() as connection:
            return entries.past_runs(connection, run_id, as_of, since)

    def latest_runs(self, limit: int) -> list[PastRun]:
        """Give the latest runs of all endpoints with their figures, newest first."""
        with self._session.transaction() as connection:
            return entries.latest_runs(connection, limit)

    def causes_at(
        self, of: Sequence[int], *, causes: Sequence[str] | None = None
    ) -> list[tuple[int, CauseCount]]:
        """Give (entry, cause) for the causes of entries; only those named, if any are."""
        with self._session.transaction() as connection:
            return list(entries.causes_at(connection, of, causes))

    def items_as_of(self, run_id: str, as_of: int) -> list[OpenItem]:
        """Give the items that were open at a run's endpoint at an entry, oldest first."""
        with self._session.transaction() as connection:
            return items_as_of(connection, run_id, as_of)

    def closed_items(self, run_id: str, as_of: int) -> list[OpenItem]:
        """Give the items closed by a run up to an entry of it, or by a person just before it."""
        with self._session.transaction() as connection:
            return closed_items(connection, run_id, as_of)

    def open_counts(self) -> list[OpenCount]:
        """Count the open items of each endpoint that has any."""
        with self._session.transaction() as connection:
            return entries.open_counts(connection)

    # --- what is usual of a source --------------------------------------------------------------

    def source_nights(self, endpoint: int, mapping: str) -> dict[str, tuple[SourceNight, ...]]:
        """Give what the last runs saw of each source of a mapping, oldest first."""
        with self._session.transaction() as connection:
            return sources.nights_of(connection, endpoint, mapping)

    def learn_source(self, endpoint: int, mapping: str, source: str, night: SourceNight) -> None:
        """Keep what a run saw of a source; the same files once more replace their own night."""
        with self._session.transaction() as connection:
            sources.learn(connection, endpoint, mapping, source, night)

    # --- what was told, and what is there ---------------------------------------------------------

    def keeps_marks(self) -> bool:
        """Tell whether this ledger can say what was told: one of an older format cannot yet."""
        with self._session.transaction() as connection:
            return sa.inspect(connection).has_table(t.read_back.name)

    def marker(self) -> Marker | None:
        """Give what makes marks that compare with those of this ledger; None where it has none."""
        with self._session.transaction() as connection:
            return marker(connection)

    def told(self, endpoint: int, order_numbers: Sequence[str]) -> dict[str, ToldOrder]:
        """Give what those of the orders that the API has acknowledged were told last."""
        with self._session.transaction() as connection:
            return told_orders(connection, endpoint, order_numbers)

    def remember(self, endpoint: int, submissions: Sequence[Submission]) -> int:
        """Make marks of what was told by those requests that were acknowledged and have none yet."""
        return remember(self._session, endpoint, submissions)

    def put_read_back(self, run_id: str, told: ReadBack) -> None:
        """Record how the orders of a run were read back; what an earlier time found is replaced."""
        put_read_back(self._session, run_id, told)

    def read_back(self, run_id: str) -> ReadBack | None:
        """Give how the orders of a run were read back last; None where they never were."""
        with self._session.transaction() as connection:
            return read_back_of(connection, run_id)

    def distrust(
        self,
        endpoint: int,
        missing: Sequence[str],
        differing: Sequence[str],
        changes: Sequence[str],
    ) -> None:
        """Let the next import send orders again that were read back and are not as they were told.

        `changes` are those whose parcels or cancellation are to be sent again too.
        """
        with self._session.transaction() as connection:
            distrust(connection, endpoint, missing, differing, changes)

    def order_in_runs(self, endpoint: int, order_number: str) -> list[OrderInRun]:
        """Give how an order went in each run of an endpoint that saw it, oldest first."""
        with self._session.transaction() as connection:
            return order_in_runs(connection, endpoint, order_number)

    def items_of_order(self, endpoint: int, order_number: str) -> list[OrderItem]:
        """Give the open items that an order is or was, oldest first."""
        with self._session.transaction() as connection:
            return items_of_order(connection, endpoint, order_number)

    def forget_marks(self, endpoint: int, order_numbers: Sequence[str]) -> None:
        """Let go of what can be compared of orders, such as when somebody asks to be forgotten."""
        with self._session.transaction() as connection:
            forget(connection, endpoint, order_numbers)


_UNFINISHED = (RunState.RUNNING.value, RunState.INTERRUPTED.value)
_MANY_NEW = 1000  # rows that the planner of a database should know of
_ALL = -1  # SQLite and PostgreSQL are asked without a limit


def _planned_rows(orders: pl.DataFrame, run: int, partition: int) -> pl.DataFrame:
    superseded = pl.col("outcome") == OrderOutcome.SUPERSEDED.value
    rows = orders.select(
        pl.lit(run).alias("run"),
        pl.lit(partition).alias("partition"),
        pl.when(superseded)
        .then(superseded.cum_sum().over("key"))
        .otherwise(0)
        .cast(pl.Int32)
        .alias("version"),
        *(pl.col(name) for name in PLANNED_SCHEMA if name != "value"),
        pl.col("value").cast(pl.String),
    )
    if rows.select("key", "version").is_duplicated().any():
        raise ValueError("two orders of a partition have the same key and neither is superseded")
    return rows


def _run_record(row: sa.RowMapping) -> RunRecord:
    ended = row["ended_at"]
    return RunRecord(
        id=row["id"],
        endpoint=row["endpoint"],
        fingerprint=row["fingerprint"],
        profile=row["profile"],
        state=RunState(row["state"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
        exit_code=row["exit_code"],
        totals=row["totals"],
        options=orjson.loads(row["options"]),
        mappings=orjson.loads(row["mappings"]),
        files=orjson.loads(row["files"]),
    )


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
