"""Deliver orders: bounded, recorded before and after, retried by kind (FAULTS §3, §4.5, §4.6)."""

import asyncio
import math
from collections import deque
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from pipeline.ledger import Begun, FailedAttempt
from pipeline.model.orders import Intent, Outcome, Submission
from pipeline.model.stops import StopRun
from pipeline.send.attempts import Attempts
from pipeline.send.client import OrderClient
from pipeline.send.gate import Gate
from pipeline.send.job import Job

GRACE_S = 10.0  # what is in flight may take so long after a stop (FAULTS P3)
_GROUP_S = 0.1
_REPORT_S = 1.0
_GROUP_SIZE = 50
_AHEAD = 16  # recorded as being sent at least, twice: a commit for each few orders is dear
_RETRYING_MAX = 16  # times the concurrency: orders that wait for another try

Submissions = Iterable[Sequence[Submission]] | AsyncIterable[Sequence[Submission]]


class Journal(Protocol):
    """Where each step is recorded before the next one is made; `ledger.Journal` is one."""

    def commit(
        self,
        *,
        sending: Sequence[Submission] = (),
        settled: Sequence[tuple[Submission, Outcome]] = (),
        failed: Sequence[FailedAttempt] = (),
    ) -> Begun:
        """Record all of it durably, or raise `StopRun`; says what may not go out, or not so."""

    @property
    def due(self) -> bool:
        """Whether it must be committed soon, also when there is nothing new."""

    @property
    def valid(self) -> bool:
        """Whether what was recorded as being sent may still go out."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far sending is. `waiting` says why nothing goes out, or is empty."""

    done: int
    total: int
    per_s: float
    waiting: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """How sending ended. What became of each order stands in the ledger, and only there.

    `elsewhere`: orders that another process had when it was their turn.
    """

    settled: int
    requests: int
    stopped: StopRun | None
    elsewhere: frozenset[str] = frozenset()


async def deliver(
    submissions: Submissions,
    *,
    client: OrderClient,
    journal: Journal,
    gate: Gate,
    stop: asyncio.Event,
    total: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    grace_s: float = GRACE_S,
    intent: Intent = Intent.UPSERT,
) -> Delivered:
    """Send every submission once it is recorded as being sent, and record what became of it.

    At most one request of an order is in flight; a second submission of it waits. When `stop` is
    set, nothing new goes out, and what is in flight has `grace_s` to end.

    Returns:
        How it ended; `stopped` is the reason if the run cannot go on. Orders that were not taken
        from `submissions` by then keep the outcome that the plan gave them.
    """
    delivery = _Delivery(_Source(submissions), client, journal, gate, total, on_progress, intent)
    return await delivery.run(stop, grace_s)


class _Source:
    """Submissions one by one, of a list of lists or of a stream; `more` is set when some came."""

    def __init__(self, submissions: Submissions) -> None:
        self._waiting: deque[Submission] = deque()
        self._lists: Iterator[Sequence[Submission]] | None = None
        self._stream: AsyncIterator[Sequence[Submission]] | None = None
        if isinstance(submissions, AsyncIterable):
            self._stream = aiter(submissions)
        else:
            self._lists = iter(submissions)
        self._coming: asyncio.Task[None] | None = None
        self.exhausted = False

    def take(self, on_more: Callable[[], None]) -> Submission | None:
        """Give the next submission if it is there; otherwise call `on_more` when one is."""
        while not self._waiting and self._lists is not None and not self.exhausted:
            some = next(self._lists, None)
            self.exhausted = some is None
            self._waiting.extend(some or ())
        if self._waiting:
            return self._waiting.popleft()
        if self._stream is not None and self._coming is None and not self.exhausted:
            self._coming = asyncio.create_task(self._await_more(self._stream))
            self._coming.add_done_callback(lambda _: on_more())
        return None

    async def _await_more(self, stream: AsyncIterator[Sequence[Submission]]) -> None:
        some = await anext(stream, None)
        self.exhausted = some is None
        self._waiting.extend(some or ())

    @property
    def ready(self) -> bool:
        """Whether the next submission can be taken without waiting, as far as is known."""
        return not self.exhausted and self._coming is None

    def look(self) -> None:
        """Let go of a finished wait; raise what the stream raised."""
        if self._coming is not None and self._coming.done():
            coming, self._coming = self._coming, None
            coming.result()

    async def close(self) -> None:
        """End a wait that nobody needs any more."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)


class _Delivery:
    """The state of one call of `deliver`."""

    def __init__(
        self,
        source: _Source,
        client: OrderClient,
        journal: Journal,
        gate: Gate,
        total: int,
        on_progress: Callable[[Progress], None] | None,
        intent: Intent,
    ) -> None:
        self._creating = intent is Intent.CREATE
        self._source = source
        self._journal = journal
        self._gate = gate
        self._total = total
        self._on_progress = on_progress
        self._concurrency = gate.pace.concurrency
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._jobs: dict[str, Job] = {}  # by order number: recorded as sending, not yet settled
        self._unwritten: set[str] = set()  # settled, but not yet recorded so
        self._deferred: list[Submission] = []
        self._retries: set[asyncio.Task[None]] = set()
        self._settled: list[tuple[Submission, Outcome]] = []
        self._failed: list[FailedAttempt] = []
        self._elsewhere: set[str] = set()
        self._wake = asyncio.Event()
        self._recorded = asyncio.Event()
        self._halted = asyncio.Event()
        self._cut = False
        self._stopped: StopRun | None = None
        self._crash: BaseException | None = None
        self._done = 0
        self._started = gate.now()
        self._limit = gate.limit
        self._attempts = Attempts(client, gate, self._halted, self, intent)

    # --- what an attempt reports --------------------------------------------------------------

    def settle(self, job: Job, outcome: Outcome) -> None:
        """The order has its outcome."""
        number = job.submission.order_number
        if self._jobs.pop(number, None) is None:
            return
        self._unwritten.add(number)
        self._settled.append((job.submission, outcome))
        if len(self._settled) >= min(_GROUP_SIZE, self._ahead // 2) or not self._jobs:
            self._wake.set()
        elif len(self._settled) == 1:
            asyncio.get_running_loop().call_later(_GROUP_S, self._wake.set)

    def failed(self, job: Job, words: str) -> None:
        """One attempt had no usable answer."""
        self._failed.append(FailedAttempt(job.submission.order_number, job.attempts, words))

    def retry(self, job: Job, after_s: float) -> None:
        """Try the order again later, without keeping a worker."""
        if after_s <= 0:
            self._queue.put_nowait(job)
            return
        task = asyncio.create_task(self._queue_later(job, after_s))
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)
        self._wake.set()

    def untried(self) -> bool:
        """Whether there is an order that has not failed yet: under way, or the next one to be."""
        return self._source.ready or any(not job.failures for job in self._jobs.values())

    async def claimed(self, job: Job) -> bool:
        """Wait until it is sure that nobody else sends the order; False when it is not to be sent."""
        while not self._journal.valid and not self._halted.is_set():
            self._recorded.clear()
            self._wake.set()
            await self._recorded.wait()
        return self._jobs.get(job.submission.order_number) is job and self._journal.valid

    async def _queue_later(self, job: Job, after_s: float) -> None:
        await self._gate.pause(after_s, self._halted)
        self._queue.put_nowait(job)

    def halt(self, stopped: StopRun | None, *, cut: bool = False) -> None:
        """Send nothing new from now on; `cut`: do not wait for what is in flight either."""
        if self._stopped is None:
            self._stopped = stopped
        self._cut = self._cut or cut
        self._halted.set()
        self._wake.set()
        self._recorded.set()

    # --- the loop -----------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, grace_s: float) -> Delivered:
        """Feed the workers and record, until all is settled or sending has ended."""
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        workers = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        for worker in workers:
            worker.add_done_callback(self._ended)
        watcher = asyncio.create_task(self._watch(stop, grace_s))
        try:
            await self._write(pool)
            if self._cut:
                await _end([*workers, *self._retries])
                self._settle_the_rest()
                await self._write(pool)
        except StopRun as unusable:
            self.halt(unusable)
        finally:
            await _end([watcher, *workers, *self._retries])
            await self._source.close()
            pool.shutdown()
            self._gate.closing()
        if self._crash is not None:
            raise self._crash
        return Delivered(
            self._done, self._attempts.requests, self._stopped, frozenset(self._elsewhere)
        )

    async def _work(self) -> None:
        while True:
            job = await self._queue.get()
            await self._limit.enter()
            try:
                await self._attempts.make(job)
            finally:
                self._limit.leave()

    def _ended(self, worker: asyncio.Task[None]) -> None:
        if not worker.cancelled() and worker.exception() is not None:
            self._crash = worker.exception()
            self._wake.set()

    async def _watch(self, stop: asyncio.Event, grace_s: float) -> None:
        stopping = asyncio.create_task(stop.wait())
        halting = asyncio.create_task(self._halted.wait())
        try:
            await asyncio.wait((stopping, halting), return_when=asyncio.FIRST_COMPLETED)
            self.halt(None)
            await asyncio.sleep(grace_s)
            self.halt(None, cut=True)
        finally:
            stopping.cancel()
            halting.cancel()

    async def _write(self, pool: ThreadPoolExecutor) -> None:
        """Record what is settled and what comes next, in one commit each time, until done."""
        loop = asyncio.get_running_loop()
        while self._crash is None:
            self._wake.clear()
            self._source.look()
            settled, self._settled = self._settled, []
            failed, self._failed = self._failed, []
            sending = [] if self._halted.is_set() else self._next(len(settled))
            if settled or failed or sending or self._journal.due:
                begun = await loop.run_in_executor(
                    pool,
                    partial(self._journal.commit, sending=sending, settled=settled, failed=failed),
                )
                self._unwritten.difference_update(each.order_number for each, _ in settled)
                self._done += len(settled)
                self._begin(sending, begun)
                self._report()
                if self._settled or self._deferred or begun.out_of_reach:
                    continue
            if self._finished():
                return
            await self._woken()

    def _begin(self, sending: Sequence[Submission], begun: Begun) -> None:
        """Queue what may go out, and let go of what other processes have."""
        for number in begun.lost | begun.out_of_reach:
            self._jobs.pop(number, None)
        self._elsewhere |= begun.elsewhere
        self._done += len(begun.over)
        for submission in sending:
            number = submission.order_number
            if number in begun.out_of_reach:
                continue
            job = self._jobs[number]
            job.ambiguous = number in begun.unclear
            creating_again = self._creating and job.ambiguous
            if number in begun.doubtful or creating_again:
                job.doubt()
            self._queue.put_nowait(job)
        self._recorded.set()

    async def _woken(self) -> None:
        while not self._wake.is_set() and not self._journal.due:
            try:
                async with asyncio.timeout(_REPORT_S):
                    await self._wake.wait()
            except TimeoutError:
                self._report()

    def _finished(self) -> bool:
        if self._cut:
            return True
        nothing_left = self._halted.is_set() or (self._source.exhausted and not self._deferred)
        return nothing_left and not self._jobs and not self._settled

    def _next(self, settled: int) -> list[Submission]:
        """Take orders so that at most twice the concurrency is unconfirmed after a crash (G3)."""
        unconfirmed = len(self._jobs) + len(self._unwritten) - settled - len(self._retries)
        room = 2 * self._ahead - unconfirmed
        if self._gate.open and self._jobs:
            # An outage must not burn through the orders: one, to see whether the API is back.
            room = 0 if any(not job.failures for job in self._jobs.values()) else 1
        elif len(self._retries) > _RETRYING_MAX * self._concurrency:
            return []
        chosen: list[Submission] = []
        kept: list[Submission] = []
        for submission in self._deferred:
            self._choose(submission, chosen, kept)
        while len(chosen) < room:
            taken = self._source.take(self._wake.set)
            if taken is None:
                break
            self._choose(taken, chosen, kept)
        self._deferred = kept
        return chosen

    @property
    def _ahead(self) -> int:
        ahead = max(self._limit.now, min(_AHEAD, self._concurrency))
        rate = self._gate.pace.rate_per_s
        # what waits for its turn by the rate for long would be unclear after a crash, unsent
        return ahead if rate is None else min(ahead, max(1, math.ceil(rate)))

    def _choose(
        self, submission: Submission, chosen: list[Submission], kept: list[Submission]
    ) -> None:
        number = submission.order_number
        if number in self._jobs or number in self._unwritten:
            kept.append(submission)
            return
        self._jobs[number] = Job(submission)
        chosen.append(submission)

    def _settle_the_rest(self) -> None:
        for job in list(self._jobs.values()):
            self.settle(job, job.unanswered(self._attempts.why_stopped(self._stopped)))

    def _report(self) -> None:
        if self._on_progress is not None:
            lasted = self._gate.now() - self._started
            self._on_progress(
                Progress(
                    self._done,
                    self._total,
                    self._done / lasted if lasted > 0 else 0.0,
                    self._gate.why_slow,
                )
            )


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
