"""Who may send an order when several processes are at work (FAULTS D2, D3, P5).

A claim is a row of the database, for one order of an endpoint whatever run it is of. It holds until
a moment of the database's own clock; a process that dies lets go of its claims by and by. Every
transaction locks rows of `run_order` first and claims then, each in the order of the numbers, so
that no two of them wait for each other.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pipeline.ledger import schema as t
from pipeline.ledger.statements import any_of, in_columns
from pipeline.ledger.states import OPEN, OVERTAKING, SENDING, UNCLEAR, before
from pipeline.ledger.together import MARK_SENDING, SETTLE, seconds
from pipeline.model.outcomes import OrderOutcome

_order, _claim = t.run_order.c, t.claim.c
_RENEWALS = 4  # in the length of a lease


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a claim holds, and how long the longest request takes.

    Nothing is sent in the last `request_s` of a lease: when another process may take an order, our
    request has ended.
    """

    length_s: float = 120.0
    request_s: float = 60.0


@dataclass(slots=True)
class Taken:
    """What became of orders that were to be claimed; those in none of these sets are ours."""

    unclear: set[str] = field(default_factory=set)  # ours, but a request of them may have arrived
    elsewhere: set[str] = field(default_factory=set)  # another process has them now
    over: set[str] = field(default_factory=set)  # they have their outcome, or a newer version


class Claims:
    """The claims of one process at one endpoint, for one partition of a run."""

    def __init__(self, worker: int, endpoint: int, run: int, partition: int, lease: Lease) -> None:
        self._worker = worker
        self._endpoint = endpoint
        self._run = run
        self._partition = partition
        self._lease = lease
        self._believed: set[str] = set()
        self._renewed = now_s()

    # --- the lease, by our own clock ------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether it is time to renew what we have."""
        return bool(self._believed) and self._age_s >= self._lease.length_s / _RENEWALS

    @property
    def valid(self) -> bool:
        """Whether a request that begins now ends before anybody else may take its order."""
        return self._age_s < self._lease.length_s - self._lease.request_s

    @property
    def _age_s(self) -> float:
        return now_s() - self._renewed

    # --- statements -----------------------------------------------------------------------------

    def renew(self, connection: sa.Connection) -> tuple[float, set[str]]:
        """Renew all claims; gives the moment before, and which we have no longer."""
        asked = now_s()
        mine = sa.and_(_claim.endpoint == self._endpoint, _claim.worker == self._worker)
        there = connection.execute(
            sa.select(_claim.order_number)
            .where(mine)
            .order_by(_claim.order_number)
            .with_for_update()
        ).scalars()
        lost = self._believed - set(there)
        connection.execute(sa.update(t.claim).where(mine).values(until=self._until))
        return asked, lost

    def renewed(self, asked: float, lost: set[str]) -> None:
        """Note a renewal that is committed."""
        self._renewed = asked
        self._believed -= lost

    def take(self, connection: sa.Connection, numbers: Sequence[str]) -> Taken:
        """Claim those orders that are open, that nobody else has, and that nothing has overtaken."""
        taken = Taken()
        with_others = sa.and_(
            _claim.worker != self._worker, _claim.until >= sa.func.clock_timestamp()
        )
        found = connection.execute(
            sa.select(_order.order_number, _order.outcome, with_others)
            .select_from(t.run_order)
            .outerjoin(t.claim, self._claim_of_order)
            .where(self._open(numbers))
            .order_by(_order.order_number)
            .with_for_update(skip_locked=True, of=t.run_order)
        ).all()
        outcomes = {number: outcome for number, outcome, _ in found if number is not None}
        self._look_at_the_rest(connection, set(numbers) - outcomes.keys(), taken)
        mine = self._claim(connection, [number for number, _, others in found if not others])
        taken.elsewhere |= outcomes.keys() - mine
        overtaken = self._overtaken(connection, sorted(mine))
        if overtaken:
            self._supersede(connection, sorted(overtaken))
            taken.over |= overtaken
            mine -= overtaken
        taken.unclear = {number for number in mine if outcomes[number] in UNCLEAR}
        return taken

    def believe(self, asked: float, numbers: set[str]) -> None:
        """Note claims that are committed, and a moment before they were made."""
        if not self._believed:
            self._renewed = asked
        self._believed |= numbers

    def settle(
        self, connection: sa.Connection, rows: Sequence[Mapping[str, object]], now: str
    ) -> set[str]:
        """Record what became of orders and let them go; gives those that were still ours.

        One whose request may still be at work there is free only when that has ended. What another
        process has taken meanwhile is not written. `rows` has the columns of `SETTLE`.
        """
        places = self._places | {"now": now, "request_s": self._lease.request_s}
        return set(connection.execute(SETTLE, places | in_columns(rows)).scalars())

    def mark_sending(self, connection: sa.Connection, numbers: Sequence[str]) -> set[str]:
        """Record that claimed orders are about to be sent; gives those that are in doubt."""
        places = self._places | {"number": list(numbers)}
        return set(connection.execute(MARK_SENDING, places).scalars())

    def released(self, numbers: Sequence[str]) -> None:
        """Note orders that are let go."""
        self._believed.difference_update(numbers)

    # --- parts ----------------------------------------------------------------------------------

    @property
    def _places(self) -> dict[str, object]:
        return {
            "this_endpoint": self._endpoint, "this_run": self._run,
            "this_partition": self._partition, "this_worker": self._worker,
        }  # fmt: skip

    @property
    def _until(self) -> sa.ColumnElement[object]:
        return sa.func.clock_timestamp() + seconds(self._lease.length_s)

    def _mine(self, numbers: Sequence[str]) -> sa.ColumnElement[bool]:
        return sa.and_(
            _order.run == self._run,
            _order.partition == self._partition,
            any_of(_order.order_number, numbers),
        )

    def _open(self, numbers: Sequence[str]) -> sa.ColumnElement[bool]:
        return sa.and_(self._mine(numbers), _order.outcome.in_(before(SENDING)))

    def _claims(self, numbers: Sequence[str]) -> sa.ColumnElement[bool]:
        return sa.and_(
            _claim.endpoint == self._endpoint,
            _claim.worker == self._worker,
            any_of(_claim.order_number, numbers),
        )

    @property
    def _claim_of_order(self) -> sa.ColumnElement[bool]:
        return sa.and_(
            _claim.endpoint == self._endpoint, _claim.order_number == _order.order_number
        )

    def _look_at_the_rest(self, connection: sa.Connection, rest: set[str], taken: Taken) -> None:
        """Tell orders that somebody has locked from those that are over."""
        if rest:
            query = sa.select(_order.order_number).where(self._open(sorted(rest)))
            locked = {n for n in connection.execute(query).scalars() if n is not None}
            self._unlock(connection, sorted(locked))
            taken.elsewhere |= locked
            taken.over |= rest - locked

    def _unlock(self, connection: sa.Connection, numbers: Sequence[str]) -> None:
        """End sessions that have locked orders for longer than their lease: of a frozen process.

        It finds its connection lost when it goes on, and its claims with it.
        """
        query = sa.select(_claim.worker).distinct()
        query = query.where(
            _claim.endpoint == self._endpoint,
            any_of(_claim.order_number, numbers),
            _claim.worker != self._worker,
            _claim.until < sa.func.clock_timestamp(),
        )
        for worker in connection.execute(query).scalars().all() if numbers else ():
            connection.execute(_END_SESSION, {"name": session_name(worker)})

    def _claim(self, connection: sa.Connection, numbers: Sequence[str]) -> set[str]:
        if not numbers:
            return set()
        # One parameter for all of them: a statement of so many rows takes longer to write than to do.
        given = sa.func.unnest(sa.literal(list(numbers), postgresql.ARRAY(sa.Text)))
        insert = postgresql.insert(t.claim).from_select(
            ["endpoint", "order_number", "worker", "run", "until"],
            sa.select(
                sa.literal(self._endpoint),
                given.column_valued("number"),
                sa.literal(self._worker),
                sa.literal(self._run),
                self._until,
            ),
        )
        fresh = insert.excluded
        free = sa.or_(_claim.until < sa.func.clock_timestamp(), _claim.worker == self._worker)
        return set(
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["endpoint", "order_number"],
                    set_={"worker": fresh.worker, "run": fresh.run, "until": fresh.until},
                    where=free,
                ).returning(_claim.order_number)
            ).scalars()
        )

    def _overtaken(self, connection: sa.Connection, numbers: Sequence[str]) -> set[str]:
        newer = sa.select(t.run.c.seq).where(
            t.run.c.endpoint == self._endpoint, t.run.c.seq > self._run
        )
        runs = connection.execute(newer).scalars().all()
        if not runs or not numbers:
            return set()
        query = sa.select(_order.order_number).where(
            _order.run.in_(runs),
            any_of(_order.order_number, numbers),
            _order.outcome.in_(OVERTAKING),
        )
        return {number for number in connection.execute(query).scalars() if number is not None}

    def _supersede(self, connection: sa.Connection, numbers: Sequence[str]) -> None:
        connection.execute(
            sa.update(t.run_order)
            .where(self._mine(numbers), _order.outcome.in_(OPEN))
            .values(outcome=OrderOutcome.SUPERSEDED.value)
        )
        connection.execute(sa.delete(t.claim).where(self._claims(numbers)))


_END_SESSION = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = :name AND state LIKE 'idle in transaction%'"
)


def session_name(worker: int) -> str:
    """Give the name that the session of a process has on the server."""
    return f"pipeline w{worker}"


def now_s() -> float:
    """A clock that goes on while the machine sleeps, where there is one (FAULTS P5)."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
