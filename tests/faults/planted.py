"""The command with a bug planted in it: what the fault tools must find before they judge us (G12).

python -m tests.faults.planted BUG ARGUMENTS…      as `python -m pipeline ARGUMENTS…`
"""

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import orjson
import polars as pl
import sqlalchemy as sa

from pipeline.ledger import Begun, Journal, Ledger, LedgerUnusable
from pipeline.ledger import schema as t
from pipeline.ledger.states import SENDING
from pipeline.model.orders import Outcome, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome
from pipeline.report import files
from pipeline.report.rejections import records as _records
from pipeline.send import Gate, OrderClient, attempts
from pipeline.send.job import Job
from pipeline.send.replies import Done, TryAgain
from pipeline.send.replies import judge as _judge
from pipeline.send.reply import NoReply, Reply

_deliver = importlib.import_module("pipeline.send.deliver")
_put, _commit = OrderClient.put, Journal.commit
_write_sending, _plan_partition = Journal._write_sending, Ledger.plan_partition

Asked = Any  # what stands for a function of ours takes whatever that takes


async def _believes_unsent(self: OrderClient, body: bytes, **more: Asked) -> Reply | NoReply:
    payload = orjson.loads(body)
    if not payload["order_number"].endswith("3"):
        return await _put(self, body, **more)
    results = [{**each, "result": {"success": True}} for each in payload.get("mutations", ())]
    answer = {"order_number": payload["order_number"], "external_id": "x", "mutations": results}
    return Reply(200, orjson.dumps(answer), {})


async def _sends_twice(self: OrderClient, body: bytes, **more: Asked) -> Reply | NoReply:
    await _put(self, body, **more)
    return await _put(self, body, **more)


async def _sends_at_once(self: OrderClient, body: bytes, **more: Asked) -> Reply | NoReply:
    first, _ = await asyncio.gather(_put(self, body, **more), _put(self, body, **more))
    return first


def _ignores_refusal(submission: Submission, reply: Asked, **more: Asked) -> object:
    if isinstance(reply, Reply) and reply.status in (401, 403):
        return TryAgain("refused", ambiguous=False, status=reply.status)
    return _judge(submission, reply, **more)


def _status_alone(submission: Submission, reply: Asked, **more: Asked) -> object:
    if isinstance(reply, Reply) and reply.status == 200:
        done = (MutationOutcome.SUCCEEDED,) * len(submission.operations)
        number = submission.order_number
        return Done(Outcome(number, OrderOutcome.UPDATED, attempts=1, status=200, mutations=done))
    return _judge(submission, reply, **more)


def _drops_an_order(
    self: Ledger, run_id: str, partition: int, orders: pl.DataFrame, *rest: Asked
) -> None:
    _plan_partition(self, run_id, partition, orders.filter(pl.col("order_number") != "A5"), *rest)


def _names_nobody(*told: Asked, **more: Asked) -> pl.DataFrame:
    return _records(*told, **more).head(0)


def _records_before_sending(self: Journal, connection: sa.Connection, sending: Asked) -> Asked:
    doubtful = _write_sending(self, connection, sending)
    connection.execute(
        sa.update(t.run_order).where(t.run_order.c.outcome == SENDING).values(outcome="updated")
    )
    return doubtful


def _swallows_failed_commits(self: Journal, **step: Asked) -> Begun:
    try:
        return _commit(self, **step)
    except LedgerUnusable:
        return Begun()


@contextmanager
def _writes_in_place(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as out:
        yield out


def _takes_everything(self: Asked, _settled: int) -> list[Submission]:
    chosen: list[Submission] = []
    kept: list[Submission] = []
    while (taken := self._source.take(self._wake.set)) is not None:
        self._choose(taken, chosen, kept)
    return chosen


class _OneThread(Executor):
    """Does at once, and in this thread, what it is given."""

    def __init__(self, *_: Asked, **__: Asked) -> None:
        pass

    def submit(self, call: Callable[..., Any], /, *told: Asked, **more: Asked) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*told, **more))
        except BaseException as error:  # noqa: BLE001 - an executor hands on whatever comes
            done.set_exception(error)
        return done


# What stands where while a bug is planted: owner, name, replacement.
BUGS: Mapping[str, tuple[tuple[object, str, Callable[..., Any] | property], ...]] = {
    "believes_unsent": ((OrderClient, "put", _believes_unsent),),
    "sends_twice": ((OrderClient, "put", _sends_twice),),
    "sends_at_once": ((OrderClient, "put", _sends_at_once),),
    "ignores_wait": ((Gate, "hold", lambda *_: None),),
    "ignores_refusal": ((attempts, "judge", _ignores_refusal),),
    "status_alone": ((attempts, "judge", _status_alone),),
    "drops_an_order": ((Ledger, "plan_partition", _drops_an_order),),
    "names_nobody": ((files, "records", _names_nobody),),
    "sends_old_after_new": ((Ledger, "overtaken", lambda *_: set()),),
    "reads_nothing_back": ((Job, "unsafe", property(lambda _: frozenset())),),
    "records_before_sending": ((Journal, "_write_sending", _records_before_sending),),
    "swallows_failed_commits": ((Journal, "commit", _swallows_failed_commits),),
    "writes_in_place": ((files, "replacing", _writes_in_place),),
    # No bug: the sweep needs all writes of the ledger in one thread.
    "one_thread": ((_deliver, "ThreadPoolExecutor", _OneThread),),
    "takes_everything": ((_deliver._Delivery, "_next", _takes_everything),),
}


@contextmanager
def planted(bug: str) -> Iterator[None]:
    """Have a bug, or several with commas between them, for the length of a `with` block."""
    listed = [each for name in bug.split(",") for each in BUGS[name]]
    patches = [patch.object(owner, name, made) for owner, name, made in listed]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


if __name__ == "__main__":
    from pipeline.__main__ import main

    with planted(sys.argv.pop(1)):
        main()
