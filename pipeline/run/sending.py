"""The second half of a run: what lies ready goes out, partition by partition."""

import asyncio
import math
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import polars as pl

from pipeline import __version__
from pipeline.ledger import Lease, Ledger, Undecided
from pipeline.model.endpoint import Endpoint, Pace
from pipeline.model.orders import Intent, Operation, Replay, Submission
from pipeline.model.outcomes import OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.model.traffic import Traffic
from pipeline.report.summary import counted
from pipeline.run.folder import RunFolder
from pipeline.run.halt import Halt
from pipeline.run.heartbeat import CountedJournal
from pipeline.run.prepare import PREPARED_SCHEMA
from pipeline.run.request import Events
from pipeline.send import Delivered, Gate, OrderClient, Progress, deliver
from pipeline.send import listening as listening_there

_CHUNK = 500  # submissions that are made Python objects at a time
_LOOK_AGAIN_S = 0.5
_LEASE_OF_DEADLINES = 2.0  # a lease is at least so many times as long as a request may take
_DECIDED = Undecided()
_OPEN = [OrderOutcome.NOT_ATTEMPTED.value, OrderOutcome.UNKNOWN.value]


def send_all(
    ledger: Ledger, run_id: str, folder: RunFolder, partitions: int, *, endpoint: Endpoint,
    pace: Pace, events: Events, halt: Halt, clock: Callable[[], datetime], until: datetime | None,
    traffic: Traffic, intent: Intent = Intent.UPSERT, joined: bool = False,
    undecided: Undecided = _DECIDED,
) -> StopRun | None:  # fmt: skip
    """Send what is open in each partition; gives the reason if the run could not go on.

    Outcomes are in the ledger and only there; `traffic` counts what went over the line. Who has
    joined a run begins at its other end. Where an older version of an order may still arrive,
    nothing goes out until that has become unlikely (CONTRACT §8).
    """
    waiting = waiting_orders(ledger, run_id, folder)
    if not waiting.len():
        return None
    started = time.monotonic()
    try:
        return asyncio.run(
            _send(
                ledger, run_id, folder, partitions, waiting, endpoint, pace, events, halt, clock,
                until, traffic, intent, joined, undecided,
            )
        )  # fmt: skip
    finally:
        traffic.sending_s += time.monotonic() - started


def waiting_orders(ledger: Ledger, run_id: str, folder: RunFolder) -> pl.Series:
    """The numbers of the orders that have a request and no definite answer yet."""
    orders = ledger.orders(run_id)
    still = orders.filter(pl.col("outcome").is_in(_OPEN)).select("order_number")
    requests = folder.scan("prepared", PREPARED_SCHEMA).select("order_number").collect()
    # those that --limit or --only-order left out have no request
    return still.join(requests, on="order_number", how="semi").get_column("order_number")


def unrepeatable_orders(ledger: Ledger, run_id: str, folder: RunFolder) -> list[str]:
    """Those of the waiting orders whose request has an operation that must not be sent twice."""
    replay = pl.element().struct.field("replay")
    found = (
        folder.scan("prepared", PREPARED_SCHEMA)
        .filter(pl.col("operations").list.eval(replay == Replay.READ_BACK.value).list.any())
        .select("order_number")
        .collect()
        .get_column("order_number")
    )
    return found.filter(found.is_in(waiting_orders(ledger, run_id, folder).to_list())).to_list()


async def _send(
    ledger: Ledger, run_id: str, folder: RunFolder, partitions: int, waiting: pl.Series,
    endpoint: Endpoint, pace: Pace, events: Events, halt: Halt, clock: Callable[[], datetime],
    until: datetime | None, traffic: Traffic, intent: Intent, joined: bool,  # noqa: FBT001 - private
    undecided: Undecided,
) -> StopRun | None:  # fmt: skip
    stop = halt.watch(asyncio.get_running_loop())
    watchers = [asyncio.create_task(_say_stop(stop, halt, events))]
    if until is not None:
        watchers.append(asyncio.create_task(_watch_time(until, clock, halt)))
    gate = Gate(
        pace, clock=time.monotonic, sleep=asyncio.sleep, random=random_share, traffic=traffic
    )
    lease = Lease(max(pace.lease_s, _LEASE_OF_DEADLINES * pace.deadline_s), pace.deadline_s)
    total, done = waiting.len(), 0
    so_far: Counter[str] = Counter()
    agent = f"pipeline/{__version__}"
    try:
        await listening_there(endpoint.base_url)
        await _settled(undecided, gate, stop, events, clock)
        async with OrderClient(endpoint, pace, user_agent=agent) as client:
            left = deque(reversed(range(partitions)) if joined else range(partitions))
            with_others: dict[int, frozenset[str]] = {}
            while left and not stop.is_set():
                partition = left.popleft()
                ready = _ready(folder, partition, waiting, with_others.pop(partition, None))
                if ready is None:  # another process has sent all of it and concluded the run
                    break

                def tell(progress: Progress, before: int = done) -> None:
                    note = progress.waiting or f"{progress.per_s:.1f}/s"
                    events.stage("send", before + progress.done, total, note, so_far)

                if ready.height:
                    delivered = await deliver(
                        submissions(ready.reverse() if joined else ready), client=client,
                        journal=CountedJournal(ledger.journal(run_id, partition, lease), so_far),
                        gate=gate, stop=stop, total=ready.height, on_progress=tell,
                        intent=intent,
                    )  # fmt: skip
                    done += delivered.settled
                    _note(events, partition, delivered)
                    if delivered.stopped is not None:
                        return delivered.stopped
                    if delivered.elsewhere:
                        with_others[partition] = delivered.elsewhere
                if not left and with_others:
                    # what others have is theirs until it is settled, or until their lease ends
                    count = sum(map(len, with_others.values()))
                    note = (
                        f"{counted(count, 'order')} with another process; if it has died they are ours "
                        f"after {lease.length_s:.0f} s"
                    )
                    events.stage("send", done, total, note)
                    left.extend(with_others)
                    await gate.pause(_LOOK_AGAIN_S, stop)
    finally:
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        halt.over()
    return None


def _note(events: Events, partition: int, delivered: Delivered) -> None:
    if delivered.settled or delivered.requests:  # not each time that we look what others have left
        events.say("debug", "partition sent", partition=partition,
                   settled=delivered.settled, requests=delivered.requests)  # fmt: skip


async def _say_stop(stop: asyncio.Event, halt: Halt, events: Events) -> None:
    await stop.wait()
    if halt.reason is not None:
        events.say("warning", "stopping", reason=halt.reason)


def random_share() -> float:
    """Give a number from 0 up to 1 that nobody can foresee."""
    return secrets.SystemRandom().random()


async def _settled(
    undecided: Undecided, gate: Gate, stop: asyncio.Event, events: Events,
    clock: Callable[[], datetime],
) -> None:  # fmt: skip
    """Wait until an older version of an order would have arrived; at most `late_s`."""
    if not undecided.orders:
        return
    late_s = gate.pace.late_s
    passed_s = 0.0  # a run that was killed may have asked until just now
    if undecided.asked_until is not None:
        passed_s = (clock() - undecided.asked_until).total_seconds()
    wait_s = min(late_s, late_s - passed_s)
    if wait_s <= 0:
        return
    events.say(
        "info", "waiting: an older version may be stored late", orders=len(undecided.orders),
        seconds=math.ceil(wait_s),
    )  # fmt: skip
    await gate.pause(wait_s, stop)


async def _watch_time(until: datetime, clock: Callable[[], datetime], halt: Halt) -> None:
    while clock() < until:  # in small steps: the wall clock may jump (FAULTS P11)
        left = (until - clock()).total_seconds()
        await asyncio.sleep(max(0.05, min(left, 5.0)))
    halt.deadline_passed = True
    halt.tell()


def _ready(
    folder: RunFolder, partition: int, waiting: pl.Series, only: frozenset[str] | None
) -> pl.DataFrame | None:
    """The requests of a partition that are to be sent; None when they are no longer there."""
    numbers = waiting if only is None else pl.Series(sorted(only), dtype=pl.String)
    wanted = pl.DataFrame({"order_number": numbers})
    try:
        ready = pl.read_parquet(folder.part("prepared", partition))
    except FileNotFoundError:
        return None
    return ready.join(wanted, on="order_number", how="semi", maintain_order="left")


def submissions(ready: pl.DataFrame, size: int = _CHUNK) -> Iterator[Sequence[Submission]]:
    """Requests as they are sent, `size` at a time; `ready` has the columns of PREPARED_SCHEMA."""
    for some in ready.iter_slices(size):
        yield [
            Submission(
                number, content, body,
                tuple(Operation(o["type"], o["subject"], o["operation_id"], Replay(o["replay"]))
                      for o in operations),
            )
            for number, content, body, operations in zip(
                *(some.get_column(n).to_list()
                  for n in ("order_number", "content_sha256", "body", "operations")),
                strict=True,
            )
        ]  # fmt: skip
