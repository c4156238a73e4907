"""What `send` writes: one transaction for each step of sending (FAULTS §3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from pipeline.ledger import schema as t
from pipeline.ledger.claims import Claims, Lease, Taken, now_s
from pipeline.ledger.records import FailedAttempt
from pipeline.ledger.session import Session, again_after_a_cut
from pipeline.ledger.statements import among, for_each, run_seq
from pipeline.ledger.states import ACKNOWLEDGED, ANSWERED, FOLLOWS, SENDING, UNCLEAR, before
from pipeline.ledger.together import told_anew
from pipeline.ledger.told import UNREMEMBERED
from pipeline.model.orders import Outcome, Replay, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome

Settled = Sequence[tuple[Submission, Outcome]]

_WARNINGS = ("A202", "A405")


@dataclass(frozen=True, slots=True)
class Begun:
    """What a commit has found out. Orders of `sending` may go out unless they are out of reach.

    `doubtful`: an earlier attempt carried operations that must not be applied twice
    (Replay.READ_BACK), and no answer settled it; they must be read back before they are sent.
    `unclear`: an earlier attempt of the order may have arrived. With several processes at work:
    `elsewhere`: another process has the order now. `over`: it has its outcome, or a newer version
    was sent. `lost`: orders that were ours and that another process may have taken meanwhile; what
    is told of them later is not written.
    """

    doubtful: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()

    @property
    def out_of_reach(self) -> frozenset[str]:
        """The orders that must not be sent, at least not now."""
        return self.elsewhere | self.over


class Journal:
    """The write-ahead record of one partition that is being sent; made by `Ledger.journal`."""

    def __init__(self, session: Session, run_id: str, partition: int, lease: Lease) -> None:
        self._session = session
        self._partition = partition
        with session.transaction() as connection:
            self._run = run_seq(connection, run_id)
            self._endpoint = int(
                connection.execute(
                    sa.select(t.run.c.endpoint).where(t.run.c.seq == self._run)
                ).scalar_one()
            )
        self._doubted: set[str] = set()  # orders that had a request without answer before us
        worker = session.store.worker
        self._claims = (
            None if worker is None else Claims(worker, self._endpoint, self._run, partition, lease)
        )

    @property
    def due(self) -> bool:
        """Whether `commit` is to be called soon, if only to keep the claims of what is under way."""
        return self._claims is not None and self._claims.due

    @property
    def valid(self) -> bool:
        """Whether a request may go out: nobody else can have taken its order before it ends."""
        return self._claims is None or self._claims.valid

    @again_after_a_cut
    def commit(
        self,
        *,
        sending: Sequence[Submission] = (),
        settled: Settled = (),
        failed: Sequence[FailedAttempt] = (),
    ) -> Begun:
        """Write, in ONE transaction, what has been settled and what is about to be sent.

        Only after it returns may a byte of `sending` leave. An order whose rows are left in state
        `sending` by a crash reads as `unknown`.

        Raises:
            LedgerUnusable: nothing of it is stored; nothing more may be sent.
        """
        if self._claims is not None:
            return self._commit_as_one_of_several(self._claims, sending, settled, failed)
        with self._session.transaction() as connection:
            if failed:
                self._write_failed(connection, failed)
            if settled:
                self._write_settled(connection, settled)
            if not sending:
                return Begun()
            unclear = self._unclear(connection, sending)
            doubtful = self._write_sending(connection, sending)
        return Begun(doubtful=doubtful, unclear=unclear)

    def _commit_as_one_of_several(
        self, claims: Claims, sending: Sequence[Submission], settled: Settled,
        failed: Sequence[FailedAttempt],
    ) -> Begun:  # fmt: skip
        asked, lost, gone, mine = now_s(), set[str](), set[str](), set[str]()
        taken, doubtful = Taken(), frozenset[str]()
        numbers = [outcome.order_number for _, outcome in settled]
        with self._session.transaction() as connection:
            if failed:
                self._write_failed(connection, failed)
            if settled:
                rows = [
                    self._settled_order(outcome)
                    | {"sha256": submission.content_sha256, "external": outcome.external_id}
                    for submission, outcome in settled
                ]
                held = claims.settle(connection, rows, self._session.now())
                ours = [pair for pair in settled if pair[1].order_number in held]
                self._write_details(connection, ours)
                lost |= set(numbers) - held
            due = claims.due
            if due:
                asked, gone = claims.renew(connection)
            if sending:
                wanted = {each.order_number: each for each in sending}
                taken = claims.take(connection, list(wanted))
                mine = set(wanted) - taken.elsewhere - taken.over
                if mine:
                    doubtful = frozenset(claims.mark_sending(connection, sorted(mine)))
                    self._doubt(connection, [wanted[n] for n in sorted(mine)], doubtful)
        claims.released(numbers)
        if due:
            gone -= set(numbers)
            claims.renewed(asked, gone)
            lost |= gone
        if sending:
            claims.believe(asked, mine)
        return Begun(
            doubtful, frozenset(taken.unclear), frozenset(taken.elsewhere), frozenset(taken.over),
            frozenset(lost),
        )  # fmt: skip

    def _unclear(self, connection: sa.Connection, sending: Sequence[Submission]) -> frozenset[str]:
        """The orders of which an earlier process did not know whether they arrived."""
        order = t.run_order.c
        query = sa.select(order.order_number).where(
            self._of_partition(t.run_order),
            among(connection, order.order_number, [each.order_number for each in sending]),
            order.outcome.in_(UNCLEAR),
        )
        return frozenset(n for n in connection.execute(query).scalars() if n is not None)

    def _of_partition(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.run == self._run, table.c.partition == self._partition)

    def _write_sending(
        self, connection: sa.Connection, sending: Sequence[Submission]
    ) -> frozenset[str]:
        numbers = [each.order_number for each in sending]
        connection.execute(
            sa.update(t.run_order)
            .where(
                self._of_partition(t.run_order),
                among(connection, t.run_order.c.order_number, numbers),
                t.run_order.c.outcome.in_(before(SENDING)),
            )
            .values(outcome=SENDING, attempts=t.run_order.c.attempts + 1)
        )
        # From here on nobody knows which payload the server has, until one is acknowledged.
        connection.execute(
            sa.update(t.known_order)
            .where(
                self._of_endpoint(t.known_order),
                among(connection, t.known_order.c.order_number, numbers),
            )
            .values(fully_applied=False)
        )
        doubtful = frozenset(
            connection.execute(
                sa.select(t.in_doubt.c.order_number).where(
                    self._of_endpoint(t.in_doubt),
                    among(connection, t.in_doubt.c.order_number, numbers),
                )
            ).scalars()
        )
        self._doubt(connection, sending, doubtful)
        return doubtful

    def _doubt(
        self, connection: sa.Connection, sending: Sequence[Submission], doubtful: frozenset[str]
    ) -> None:
        """Note which orders must be read back before they are sent again, if they get no answer."""
        unsafe = [
            {"endpoint": self._endpoint, "order_number": each.order_number}
            for each in sending
            if each.order_number not in doubtful
            and any(operation.replay is Replay.READ_BACK for operation in each.operations)
        ]
        if unsafe:
            # another run's process may just have written the same
            connection.execute(
                self._session.store.insert(t.in_doubt).on_conflict_do_nothing(), unsafe
            )
        self._doubted |= doubtful

    def _of_endpoint(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return table.c.endpoint == self._endpoint

    def _write_failed(self, connection: sa.Connection, failed: Sequence[FailedAttempt]) -> None:
        at = self._session.now()
        connection.execute(
            sa.insert(t.attempt),
            [
                {
                    **self._order(each.order_number),
                    "n": each.n,
                    "at": at,
                    "what": each.what,
                }
                for each in failed
            ],
        )

    def _order(self, order_number: str) -> dict[str, object]:
        return {"run": self._run, "partition": self._partition, "order_number": order_number}

    def _write_settled(self, connection: sa.Connection, settled: Settled) -> None:
        numbers = [outcome.order_number for _, outcome in settled]
        for table in (t.run_mutation, t.run_problem):  # of an earlier try to send it
            connection.execute(
                sa.delete(table).where(
                    self._of_partition(table), among(connection, table.c.order_number, numbers)
                )
            )
        for_each(
            connection,
            _SETTLE,
            [
                self._settled_order(outcome) | {"r": self._run, "p": self._partition}
                for _, outcome in settled
            ],
        )
        acknowledged = [pair for pair in settled if pair[1].outcome.value in ACKNOWLEDGED]
        if acknowledged:
            self._write_known(connection, acknowledged)
        self._write_details(connection, settled)

    def _write_details(self, connection: sa.Connection, settled: Settled) -> None:
        """What most orders have nothing of."""
        problems = [row for _, outcome in settled for row in self._problems(outcome)]
        if problems:
            connection.execute(sa.insert(t.run_problem), problems)
        mutations = [row for pair in settled for row in self._mutations(*pair)]
        if mutations:
            connection.execute(sa.insert(t.run_mutation), mutations)
        self._write_found(
            connection, [each for _, each in settled if each.outcome is OrderOutcome.LEFT_ALONE]
        )
        self._write_operations(connection, settled)
        done = [
            submission.order_number
            for submission, outcome in settled
            if self._is_certain(outcome)
            and any(operation.replay is Replay.READ_BACK for operation in submission.operations)
        ]
        if done:
            connection.execute(
                sa.delete(t.in_doubt).where(
                    self._of_endpoint(t.in_doubt),
                    among(connection, t.in_doubt.c.order_number, done),
                )
            )

    def _is_certain(self, outcome: Outcome) -> bool:
        """Tell whether it is known of every change of an order whether it was made.

        A refusal says nothing of an earlier request that had no answer: that one may have been taken.
        """
        if MutationOutcome.UNKNOWN in outcome.mutations:
            return False
        first = outcome.attempts == 1 and outcome.order_number not in self._doubted
        return outcome.outcome.value in (ANSWERED if first else ACKNOWLEDGED)

    def _settled_order(self, outcome: Outcome) -> dict[str, object]:
        if outcome.outcome.value not in FOLLOWS[SENDING]:
            raise ValueError(f"an order that is being sent cannot become {outcome.outcome.value}")
        causes = [problem.code for problem in outcome.problems if problem.code not in _WARNINGS]
        return {
            "number": outcome.order_number,
            "becomes": outcome.outcome.value,
            "http_status": outcome.status,
            # `sending` has counted one attempt already
            "more_attempts": outcome.attempts - 1,
            "cause": causes[0] if causes else None,
            "warned": len(outcome.problems) - len(causes),
        }

    def _problems(self, outcome: Outcome) -> Iterable[dict[str, object]]:
        for ordinal, problem in enumerate(outcome.problems):
            yield {
                **self._order(outcome.order_number),
                "ordinal": ordinal,
                "code": problem.code,
                "detail": problem.detail,
                "attr": problem.attr,
                "api_code": problem.api_code,
                "status": outcome.status,
            }

    def _mutations(self, submission: Submission, outcome: Outcome) -> Iterable[dict[str, object]]:
        results = outcome.mutations or (MutationOutcome.NOT_ATTEMPTED,) * len(submission.operations)
        for ordinal, (operation, result) in enumerate(
            zip(submission.operations, results, strict=True)
        ):
            yield {
                **self._order(outcome.order_number),
                "ordinal": ordinal,
                "type": operation.type,
                "outcome": result.value,
            }

    def _write_known(self, connection: sa.Connection, acknowledged: Settled) -> None:
        at = self._session.now()
        rows = [
            {
                "endpoint": self._endpoint,
                "order_number": outcome.order_number,
                "content_sha256": submission.content_sha256,
                "fully_applied": outcome.outcome is not OrderOutcome.PARTLY_APPLIED,
                "external_id": outcome.external_id,
                "updated_at": at,
                "marks": UNREMEMBERED,
            }
            for submission, outcome in acknowledged
        ]
        for_each(connection, _ACKNOWLEDGE, rows)

    def _write_found(self, connection: sa.Connection, found: Sequence[Outcome]) -> None:
        """Remember orders that somebody else has made: that they exist, and nothing else."""
        if not found:
            return
        at = self._session.now()
        connection.execute(
            self._session.store.insert(t.known_order).on_conflict_do_nothing(),
            [
                {
                    "endpoint": self._endpoint,
                    "order_number": outcome.order_number,
                    "content_sha256": "",  # of no payload: we never told it anything
                    "fully_applied": False,
                    "updated_at": at,
                }
                for outcome in found
            ],
        )

    def _write_operations(self, connection: sa.Connection, settled: Settled) -> None:
        rows = [
            {
                "endpoint": self._endpoint,
                "order_number": outcome.order_number,
                "subject": operation.subject,
                "operation_id": operation.operation_id,
                "generation": 1,
            }
            for submission, outcome in settled
            if outcome.mutations
            for operation, result in zip(submission.operations, outcome.mutations, strict=True)
            if result is MutationOutcome.SUCCEEDED
        ]
        if not rows:
            return
        insert = self._session.store.insert(t.acked_operation)
        known = t.acked_operation.c
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["endpoint", "order_number", "subject"],
                set_={
                    "operation_id": insert.excluded.operation_id,
                    "marks": sa.case(
                        (known.operation_id == insert.excluded.operation_id, known.marks),
                        else_=sa.null(),
                    ),
                    "generation": known.generation
                    + sa.case((known.operation_id == insert.excluded.operation_id, 0), else_=1),
                },
            ),
            rows,
        )


_insert_known = sqlite.insert(t.known_order)
_ACKNOWLEDGE = _insert_known.on_conflict_do_update(
    index_elements=["endpoint", "order_number"], set_=told_anew(_insert_known.excluded)
)
_order = t.run_order.c
_SETTLE = (
    sa.update(t.run_order)
    .where(
        _order.run == sa.bindparam("r"),
        _order.partition == sa.bindparam("p"),
        _order.order_number == sa.bindparam("number"),
        _order.outcome == SENDING,
    )
    .values(
        outcome=sa.bindparam("becomes"),
        status=sa.bindparam("http_status"),
        attempts=_order.attempts + sa.bindparam("more_attempts"),
        code=sa.bindparam("cause"),
        warnings=sa.bindparam("warned"),
    )
)
