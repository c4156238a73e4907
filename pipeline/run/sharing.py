"""Several processes that share the sending of one run; a ledger in PostgreSQL only.

The first holds the endpoint while it prepares, and shares it while it sends. Whoever is asked to
send the same plan, or to resume the same run, then sends what the others have not claimed. The one
that finds nothing left to do concludes the run; the others say what it has said.
"""

import time
from collections.abc import Callable
from enum import Enum

from pipeline.ledger import Ledger, LedgerLocked, RunRecord, RunState
from pipeline.run.halt import Halt

PATIENCE_S = 30.0  # until another process has begun the run that it prepares
_LOOK_S = 0.2
_CONCLUDING_S = 10.0  # for who has to go: that another process does not conclude at this moment


class Role(Enum):
    """What is left to do for a process that sends nothing any more."""

    CONCLUDE = "conclude"
    OVER = "over"  # another process has concluded the run
    LEAVE = "leave"  # others go on with it


def hold(ledger: Ledger, endpoint: int) -> None:
    """Keep others from working at an endpoint.

    Raises:
        LedgerLocked: another process works there.
    """
    if not ledger.hold(endpoint):
        raise locked(ledger)


def locked(ledger: Ledger) -> LedgerLocked:
    """Say who works at an endpoint."""
    return LedgerLocked(
        f"another run is at work for this account: {ledger.holder() or 'it has not said its name'}",
        help="wait until it has ended; to share its work, send the same plan with `pipeline run "
        "PLAN`, or name the run: `pipeline resume RUN`",
    )


def join(
    ledger: Ledger, endpoint: int, halt: Halt, at_work: Callable[[], RunRecord | None]
) -> RunRecord | None:
    """Join the run at work; None when we are alone after all, and hold the endpoint.

    Args:
        ledger: The ledger.
        endpoint: The endpoint at which another process works.
        halt: Ends the wait.
        at_work: Gives the run that is to be joined, or None if it is not there, or not yet.

    Raises:
        LedgerLocked: what is at work there is another run, or does not begin.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not halt.asked:
        record = at_work()
        if record is not None and record.id in ledger.sessions_at_work(endpoint):
            if ledger.share(endpoint):
                ledger.name_run(record.id)
                return record
            deadline = time.monotonic() + PATIENCE_S  # it still prepares, or concludes
        if ledger.hold(endpoint):
            return None
        if record is None and time.monotonic() > deadline:
            break
        time.sleep(_LOOK_S)
    raise locked(ledger)


def part(
    ledger: Ledger, endpoint: int, run_id: str, halt: Halt, *, early: bool,
    nothing_open: Callable[[], bool],
) -> Role:  # fmt: skip
    """Find out what is left to do, once this process has nothing to send.

    Who concludes holds the concluding key. `early`: this process was stopped before its time, and
    others may have hours to go.
    """
    concluding = -endpoint
    deadline = time.monotonic() + _CONCLUDING_S
    while True:
        if ledger.hold(concluding):
            if _over(ledger, run_id):
                ledger.leave(concluding)
                return Role.OVER
            if nothing_open() or ledger.hold(endpoint):
                return Role.CONCLUDE
            ledger.leave(concluding)
            ledger.leave(endpoint)
            if early or halt.asked:
                return Role.LEAVE
        elif (early or halt.asked) and time.monotonic() > deadline:
            return Role.LEAVE
        time.sleep(_LOOK_S)


def _over(ledger: Ledger, run_id: str) -> bool:
    record = ledger.run(run_id)
    return record is None or record.state is not RunState.RUNNING
