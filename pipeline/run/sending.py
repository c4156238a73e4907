"""The second half of a run: what lies ready goes out, partition by partition."""

import asyncio
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType

import polars as pl

from pipeline import __version__
from pipeline.ledger import Ledger
from pipeline.model.endpoint import Endpoint, Pace
from pipeline.model.orders import Operation, Replay, Submission
from pipeline.model.outcomes import OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.run.folder import RunFolder
from pipeline.run.request import Events
from pipeline.send import Gate, OrderClient, Progress, deliver
from pipeline.send import listening as listening_there

_CHUNK = 500  # submissions that are made Python objects at a time
_OPEN = [OrderOutcome.NOT_ATTEMPTED.value, OrderOutcome.UNKNOWN.value]


@dataclass(slots=True)
class Halt:
    """Why sending should end early: a signal, a time, or nothing yet."""

    signal: int | None = None
    deadline_passed: bool = False
    _event: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _until: datetime | None = field(default=None)

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self.signal is not None or self.deadline_passed

    def tell(self) -> None:
        """Wake the event loop, from whatever thread or signal handler."""
        if self._loop is not None and self._event is not None:
            self._loop.call_soon_threadsafe(self._event.set)

    def watch(self, loop: asyncio.AbstractEventLoop) -> asyncio.Event:
        """Give the event that `deliver` watches."""
        self._loop, self._event = loop, asyncio.Event()
        if self.asked:
            self._event.set()
        return self._event

    def over(self) -> None:
        """The event loop has ended."""
        self._loop = self._event = None


@contextmanager
def listening(halt: Halt, events: Events) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a halt; a second SIGINT ends the process at once (FAULTS P3, P4)."""

    def heard(number: int, frame: FrameType | None) -> None:
        if halt.signal is not None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.default_int_handler(number, frame)
        halt.signal = number
        events.say("warning", "stopping", reason=signal.Signals(number).name)
        halt.tell()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def send_all(
    ledger: Ledger, run_id: str, folder: RunFolder, partitions: int, *, endpoint: Endpoint,
    pace: Pace, events: Events, halt: Halt, clock: Callable[[], datetime], until: datetime | None,
    listen: Callable[[Halt, Events], AbstractContextManager[None]] = listening,
) -> StopRun | None:  # fmt: skip
    """Send what is open in each partition; gives the reason if the run could not go on.

    Outcomes are in the ledger and only there.
    """
    open_numbers = _open_orders(ledger, run_id)
    total = open_numbers.len()
    if not total:
        return None
    with listen(halt, events):
        return asyncio.run(
            _send(ledger, run_id, folder, partitions, open_numbers, endpoint, pace, events, halt,
                  clock, until)
        )  # fmt: skip


def _open_orders(ledger: Ledger, run_id: str) -> pl.Series:
    orders = ledger.orders(run_id)
    return orders.filter(pl.col("outcome").is_in(_OPEN)).get_column("order_number")


async def _send(
    ledger: Ledger, run_id: str, folder: RunFolder, partitions: int, open_numbers: pl.Series,
    endpoint: Endpoint, pace: Pace, events: Events, halt: Halt, clock: Callable[[], datetime],
    until: datetime | None,
) -> StopRun | None:  # fmt: skip
    stop = halt.watch(asyncio.get_running_loop())
    watchers = [asyncio.create_task(_watch_time(until, clock, halt))] if until is not None else []
    gate = Gate(pace, clock=time.monotonic, sleep=asyncio.sleep, random=_random)
    total, done = open_numbers.len(), 0
    agent = f"pipeline/{__version__}"
    try:
        await listening_there(endpoint.base_url)
        async with OrderClient(endpoint, pace, user_agent=agent) as client:
            for partition in range(partitions):
                if stop.is_set():
                    break
                ready = _ready(folder, partition, open_numbers)
                if not ready.height:
                    continue

                def tell(progress: Progress, before: int = done) -> None:
                    note = progress.waiting or f"{progress.per_s:.1f}/s"
                    events.stage("send", before + progress.done, total, note)

                delivered = await deliver(
                    _submissions(ready), client=client, journal=ledger.journal(run_id, partition),
                    gate=gate, stop=stop, total=ready.height, on_progress=tell,
                )  # fmt: skip
                done += delivered.settled
                if delivered.stopped is not None:
                    return delivered.stopped
    finally:
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        halt.over()
    return None


def _random() -> float:
    return secrets.SystemRandom().random()


async def _watch_time(until: datetime, clock: Callable[[], datetime], halt: Halt) -> None:
    while clock() < until:  # in small steps: the wall clock may jump (FAULTS P11)
        left = (until - clock()).total_seconds()
        await asyncio.sleep(max(0.05, min(left, 5.0)))
    halt.deadline_passed = True
    halt.tell()


def _ready(folder: RunFolder, partition: int, open_numbers: pl.Series) -> pl.DataFrame:
    path = folder.part("prepared", partition)
    wanted = pl.DataFrame({"order_number": open_numbers})
    return pl.read_parquet(path).join(wanted, on="order_number", how="semi", maintain_order="left")


def _submissions(ready: pl.DataFrame) -> Iterator[Sequence[Submission]]:
    for some in ready.iter_slices(_CHUNK):
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
