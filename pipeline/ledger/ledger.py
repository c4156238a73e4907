"""The narrow face of the ledger: knowledge per endpoint, runs, and the partitions of a run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl
import sqlalchemy as sa

from pipeline.ledger import entries, knowledge, partitions, runs, sources
from pipeline.ledger import schema as t
from pipeline.ledger.claims import Lease
from pipeline.ledger.extract import exported
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
    moment_text,
    run_seq,
)
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
        return runs.endpoint_id(self._session, base_url, account)

    def endpoint_of(self, run_id: str) -> tuple[str, int]:
        """Give base_url and account of a run that the ledger knows."""
        with self._session.transaction() as connection:
            return runs.endpoint_of(connection, run_id)

    def is_first(self, run_id: str) -> bool:
        """Tell whether no other run of the endpoint has sent anything before, as far as is known."""
        with self._session.transaction() as connection:
            return runs.is_first(connection, run_id)

    def endpoints_of(self, account: int) -> dict[str, int]:
        """Give the endpoints that the ledger has of an account, by their base URLs."""
        with self._session.transaction() as connection:
            return runs.endpoints_of(connection, account)

    def find_endpoint(self, base_url: str, account: int) -> int | None:
        """Give the id of an endpoint that the ledger knows, or None; for who only reads."""
        with self._session.transaction() as connection:
            return runs.find_endpoint(connection, base_url, account)

    def begin_run(
        self, run: RunStart, interchanges: Sequence[tuple[InterchangeKey, str]] = ()
    ) -> None:
        """Record a new run, and write its id where others look who holds the lock.

        `interchanges` are those that the run takes over, with the names of their files.
        """
        with self._session.transaction() as connection:
            runs.put_run(connection, run)
            put_interchanges(self._session, connection, run.id, interchanges)
        self._session.name_run(run.id)

    def resume_run(self, run_id: str) -> None:
        """Record that an interrupted run goes on."""
        with self._session.transaction() as connection:
            seq = run_seq(connection, run_id)
            runs.change_run(connection, seq, RunState.RUNNING, ended_at=None, exit_code=None)
        self._session.name_run(run_id)

    def finish_run(
        self, run_id: str, *, state: RunState, exit_code: int, ended_at: datetime, totals: str
    ) -> None:
        """Record how a run ended, and seal what became of its orders; `totals` is JSON text."""
        with self._session.transaction() as connection:
            seq = run_seq(connection, run_id)
            runs.change_run(
                connection, seq, state, exit_code=exit_code, ended_at=moment_text(ended_at),
                totals=totals,
            )  # fmt: skip
            put_seal(connection, seq, SealKind.ENDED)

    def break_run(self, run_id: str, *, exit_code: int, ended_at: datetime) -> None:
        """Record that a run ended without its report; one that has ended otherwise keeps that."""
        with self._session.transaction() as connection:
            runs.change_run(
                connection, run_seq(connection, run_id), RunState.INTERRUPTED, of=RunState.RUNNING,
                exit_code=exit_code, ended_at=moment_text(ended_at),
            )  # fmt: skip

    def abandon_run(self, run_id: str) -> None:
        """Record that a run cannot go on; it is not offered for resuming any more."""
        with self._session.transaction() as connection:
            seq = run_seq(connection, run_id)
            for open_state in (RunState.RUNNING, RunState.INTERRUPTED):
                runs.change_run(connection, seq, RunState.ABANDONED, of=open_state)

    def unfinished(self, endpoint: int, fingerprint: str) -> RunRecord | None:
        """Give the latest run of the same input if it did not finish: a crash or an early stop."""
        with self._session.transaction() as connection:
            return runs.unfinished(connection, endpoint, fingerprint)

    def unfinished_runs(self, endpoint: int) -> list[RunRecord]:
        """Give all runs of an endpoint that did not finish, newest first."""
        with self._session.transaction() as connection:
            return runs.unfinished_runs(connection, endpoint)

    def run(self, run_id: str) -> RunRecord | None:
        """Give one run, or None."""
        with self._session.transaction() as connection:
            return runs.run_of_id(connection, run_id)

    def runs(self, limit: int) -> list[RunRecord]:
        """Give the latest runs, newest first (in order of beginning, not of the wall clock)."""
        with self._session.transaction() as connection:
            return runs.records(connection, limit=limit)

    def last_run(self) -> RunRecord | None:
        """Give the latest run, or None."""
        return next(iter(self.runs(1)), None)

    def last_sent(self) -> RunRecord | None:
        """Give the latest run that was not stopped before sending, or None."""
        with self._session.transaction() as connection:
            return runs.last_sent(connection)

    # --- knowledge of an endpoint -------------------------------------------------------------

    def known(self, endpoint: int, order_numbers: Sequence[str]) -> dict[str, KnownOrder]:
        """Give what is known of those of the orders that the API has ever acknowledged."""
        with self._session.transaction() as connection:
            return knowledge.known_orders(connection, endpoint, order_numbers)

    def operations(
        self, endpoint: int, order_numbers: Sequence[str]
    ) -> dict[str, dict[str, AckedOperation]]:
        """Give, per order and subject, the last operation that the API has acknowledged."""
        with self._session.transaction() as connection:
            return knowledge.acked_operations(connection, endpoint, order_numbers)

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
        partitions.plan_partition(self._session, run_id, partition, orders, digest)

    def supersede(self, run_id: str, order_numbers: Sequence[str]) -> None:
        """Record that open orders of a run are not sent: a newer run has sent a newer version."""
        with self._session.transaction() as connection:
            knowledge.supersede(connection, run_id, order_numbers)

    def doubt(self, endpoint: int, order_numbers: Sequence[str]) -> None:
        """Note that orders may have got operations that must not be sent twice (FAULTS L3).

        They are read back before they are sent, as after a crash.
        """
        knowledge.doubt(self._session, endpoint, order_numbers)

    def may_have_got(self, endpoint: int, order_numbers: Sequence[str]) -> set[str]:
        """Give those of the orders that were acknowledged at an endpoint, or may have arrived there."""
        with self._session.transaction() as connection:
            return knowledge.may_have_got(connection, endpoint, order_numbers)

    def overtaken(self, run_id: str) -> set[str]:
        """Give the orders that a newer run of the endpoint has sent, or found to be there already.

        Newer by the sequence of the ledger: the wall clock may have been set back (FAULTS P11). An
        order that the newer run was sending when it ended counts, for its version may have arrived.
        """
        with self._session.transaction() as connection:
            return knowledge.overtaken(connection, run_id)

    def undecided(self, run_id: str) -> Undecided:
        """Give the open orders of a run of which an older version may still arrive (FAULTS N10).

        A request of it had no answer in a run that did not finish, and no other has had one since.
        """
        with self._session.transaction() as connection:
            return knowledge.undecided(connection, run_id)

    def partitions(self, run_id: str) -> list[PartitionState]:
        """Give how far each planned partition of a run came, by number."""
        with self._session.transaction() as connection:
            return partitions.partition_states(connection, run_id)

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
        with self._session.transaction() as connection:
            return partitions.orders_of(connection, run_id)

    def outcome_counts(self, run_id: str) -> dict[str, int]:
        """Count the orders of a run by outcome, without holding any of them; may be at work."""
        with self._session.transaction() as connection:
            return partitions.outcome_counts(connection, run_id)

    def mutations(self, run_id: str) -> pl.DataFrame:
        """Give what became of each mutation of a run, as `MUTATION_SCHEMA`."""
        with self._session.transaction() as connection:
            return partitions.mutations_of(connection, run_id)

    def problems(self, run_id: str) -> pl.DataFrame:
        """Give the complaints of the API about the orders of a run, as `PROBLEM_SCHEMA`."""
        with self._session.transaction() as connection:
            return partitions.problems_of(connection, run_id)

    # --- counts and items that reports build on -----------------------------------------------

    def put_finding_counts(
        self, run_id: str, partition: int, counts: Iterable[FindingCount]
    ) -> None:
        """Record the finding counts of a partition; they replace earlier ones of it."""
        with self._session.transaction() as connection:
            partitions.put_finding_counts(connection, run_id, partition, counts)

    def finding_counts(self, run_id: str) -> list[FindingCount]:
        """Give the finding counts of a run, summed over its partitions, most orders first."""
        with self._session.transaction() as connection:
            return partitions.finding_counts(connection, run_id)

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
