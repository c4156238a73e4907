"""What `send` writes: one transaction for each step of sending (FAULTS §3)."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from pipeline.ledger import schema as t
from pipeline.ledger.records import FailedAttempt
from pipeline.ledger.session import Session
from pipeline.ledger.statements import lookups, run_seq
from pipeline.ledger.told import marks_before, order_marks, own_marker, tracking_marks
from pipeline.model.orders import Outcome, Replay, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome

Settled = Sequence[tuple[Submission, Outcome]]

# An order in one of these states is still to be sent, or to be sent again.
OPEN = (t.SENDING, OrderOutcome.NOT_ATTEMPTED.value, OrderOutcome.UNKNOWN.value)

_ACKNOWLEDGED = (OrderOutcome.CREATED, OrderOutcome.UPDATED, OrderOutcome.PARTLY_APPLIED)
# After these the server either has the operations and says so, or has refused them.
_DEFINITE = (*_ACKNOWLEDGED, OrderOutcome.REFUSED, OrderOutcome.LEFT_ALONE)
_WARNINGS = ("A202", "A405")


class Journal:
    """The write-ahead record of one partition that is being sent; made by `Ledger.journal`."""

    def __init__(self, session: Session, run_id: str, partition: int) -> None:
        self._session = session
        self._partition = partition
        self._marker = own_marker(session)
        with session.transaction() as connection:
            self._run = run_seq(connection, run_id)
            self._endpoint = int(
                connection.execute(
                    sa.select(t.run.c.endpoint).where(t.run.c.seq == self._run)
                ).scalar_one()
            )

    def commit(
        self,
        *,
        sending: Sequence[Submission] = (),
        settled: Settled = (),
        failed: Sequence[FailedAttempt] = (),
    ) -> frozenset[str]:
        """Write, in ONE transaction, what has been settled and what is about to be sent.

        Only after it returns may a byte of `sending` leave. An order whose rows are left in state
        `sending` by a crash reads as `unknown`.

        Returns:
            The orders of `sending` that are in doubt: an earlier attempt carried operations that
            must not be applied twice (Replay.READ_BACK), and no answer settled it. They must be
            read back before they are sent.

        Raises:
            LedgerUnusable: nothing of it is stored; nothing more may be sent.
        """
        with self._session.transaction() as connection:
            if failed:
                self._write_failed(connection, failed)
            if settled:
                self._write_settled(connection, settled)
            return self._write_sending(connection, sending) if sending else frozenset()

    def _of_partition(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.run == self._run, table.c.partition == self._partition)

    def _write_sending(
        self, connection: sa.Connection, sending: Sequence[Submission]
    ) -> frozenset[str]:
        doubtful: set[str] = set()
        for numbers in lookups([each.order_number for each in sending]):
            connection.execute(
                sa.update(t.run_order)
                .where(
                    self._of_partition(t.run_order),
                    t.run_order.c.order_number.in_(numbers),
                    t.run_order.c.outcome.in_(OPEN),
                )
                .values(outcome=t.SENDING, attempts=t.run_order.c.attempts + 1)
            )
            # From here on nobody knows which payload the server has, until one is acknowledged.
            connection.execute(
                sa.update(t.known_order)
                .where(self._of_endpoint(t.known_order), t.known_order.c.order_number.in_(numbers))
                .values(fully_applied=False)
            )
            doubtful.update(
                connection.execute(
                    sa.select(t.in_doubt.c.order_number).where(
                        self._of_endpoint(t.in_doubt), t.in_doubt.c.order_number.in_(numbers)
                    )
                ).scalars()
            )
        unsafe = [
            {"endpoint": self._endpoint, "order_number": each.order_number}
            for each in sending
            if each.order_number not in doubtful
            and any(operation.replay is Replay.READ_BACK for operation in each.operations)
        ]
        if unsafe:
            connection.execute(sa.insert(t.in_doubt), unsafe)
        return frozenset(doubtful)

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
            for some in lookups(numbers):
                connection.execute(
                    sa.delete(table).where(
                        self._of_partition(table), table.c.order_number.in_(some)
                    )
                )
        connection.execute(_SETTLE, [self._settled_order(outcome) for _, outcome in settled])
        problems = [row for _, outcome in settled for row in self._problems(outcome)]
        if problems:
            connection.execute(sa.insert(t.run_problem), problems)
        mutations = [row for pair in settled for row in self._mutations(*pair)]
        if mutations:
            connection.execute(sa.insert(t.run_mutation), mutations)
        acknowledged = [pair for pair in settled if pair[1].outcome in _ACKNOWLEDGED]
        if acknowledged:
            self._write_known(connection, acknowledged)
        self._write_found(
            connection, [each for _, each in settled if each.outcome is OrderOutcome.LEFT_ALONE]
        )
        self._write_operations(connection, settled)
        done = [
            submission.order_number
            for submission, outcome in settled
            if outcome.outcome in _DEFINITE
            and any(operation.replay is Replay.READ_BACK for operation in submission.operations)
        ]
        for some in lookups(done):
            connection.execute(
                sa.delete(t.in_doubt).where(
                    self._of_endpoint(t.in_doubt), t.in_doubt.c.order_number.in_(some)
                )
            )

    def _settled_order(self, outcome: Outcome) -> dict[str, object]:
        causes = [problem.code for problem in outcome.problems if problem.code not in _WARNINGS]
        return {
            "r": self._run,
            "p": self._partition,
            "n": outcome.order_number,
            "to": outcome.outcome.value,
            "http": outcome.status,
            # `sending` has counted one attempt already
            "more": outcome.attempts - 1,
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
        insert = self._session.store.insert(t.known_order)
        fresh = insert.excluded
        at = self._session.now()
        # what parcelLab has just created was never told anything before
        before = marks_before(
            connection, self._endpoint,
            [each.order_number for _, each in acknowledged if each.outcome is not OrderOutcome.CREATED],
        )  # fmt: skip
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["endpoint", "order_number"],
                set_={
                    "content_sha256": fresh.content_sha256,
                    "fully_applied": fresh.fully_applied,
                    "external_id": sa.func.coalesce(fresh.external_id, t.known_order.c.external_id),
                    "updated_at": fresh.updated_at,
                    "marks": fresh.marks,
                },
            ),
            [
                {
                    "endpoint": self._endpoint,
                    "order_number": outcome.order_number,
                    "content_sha256": submission.content_sha256,
                    "fully_applied": outcome.outcome is not OrderOutcome.PARTLY_APPLIED,
                    "external_id": outcome.external_id,
                    "updated_at": at,
                    "marks": order_marks(self._marker, submission, before),
                }
                for submission, outcome in acknowledged
            ],
        )

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
                "marks": marks.get(operation.subject),
            }
            for submission, outcome in settled
            if outcome.mutations
            for marks in (tracking_marks(self._marker, submission),)
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
                    "marks": insert.excluded.marks,
                    "generation": known.generation
                    + sa.case((known.operation_id == insert.excluded.operation_id, 0), else_=1),
                },
            ),
            rows,
        )


_SETTLE = (
    sa.update(t.run_order)
    .where(
        t.run_order.c.run == sa.bindparam("r"),
        t.run_order.c.partition == sa.bindparam("p"),
        t.run_order.c.order_number == sa.bindparam("n"),
        t.run_order.c.outcome == t.SENDING,
    )
    .values(
        outcome=sa.bindparam("to"),
        status=sa.bindparam("http"),
        attempts=t.run_order.c.attempts + sa.bindparam("more"),
        code=sa.bindparam("cause"),
        warnings=sa.bindparam("warned"),
    )
)
