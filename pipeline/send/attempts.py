"""One attempt of one order, and what follows from its answer (STYLE §2.18)."""

import asyncio
from typing import Any, Protocol, TypeGuard

from pipeline.model.orders import Intent, Outcome
from pipeline.model.outcomes import OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.model.traffic import NO_ANSWER
from pipeline.send.budget import ANSWER_REWARD, LATE_COST, RETRY_COST
from pipeline.send.client import OrderClient
from pipeline.send.gate import Gate
from pipeline.send.job import Job
from pipeline.send.readback import Unreadable, applied, confirms, otherwise, stored
from pipeline.send.replies import Done, Stop, TryAgain, hindrance, judge, refused
from pipeline.send.reply import NoReply, Reply
from pipeline.send.stops import AuthRefused

_READS = 3  # a read right after a write may be old: three reads over 10 s (CONTRACT §8)
_READ_PAUSE_S = 5.0
_ASIDE_S = 5.0


class Desk(Protocol):
    """Where attempts report to."""

    def settle(self, job: Job, outcome: Outcome) -> None:
        """The order has its outcome."""

    def failed(self, job: Job, words: str) -> None:
        """One attempt had no usable answer."""

    def retry(self, job: Job, after_s: float) -> None:
        """The order is to be tried again after so many seconds."""

    def untried(self) -> bool:
        """Whether there is an order that has not failed yet."""

    async def claimed(self, job: Job) -> bool:
        """Whether the order may go out: no other process can have taken it."""

    def halt(self, stopped: StopRun | None, *, cut: bool = False) -> None:
        """Nothing new may be sent; `cut`: what is in flight is not believed any more."""


def _never() -> bool:
    return False


def _says_it_exists(reply: Reply | NoReply) -> TypeGuard[Reply]:
    """Tell whether the order may exist: 400 is documented, 409 is what others would say."""
    return isinstance(reply, Reply) and reply.status in (400, 409)


class Attempts:
    """Makes attempts; keeps nothing about an order outside its job."""

    def __init__(
        self, client: OrderClient, gate: Gate, halted: asyncio.Event, desk: Desk, intent: Intent
    ) -> None:
        self._client = client
        self._creates = intent is Intent.CREATE
        self._write = client.post if self._creates else client.put
        self._gate = gate
        self._halted = halted
        self._desk = desk
        self._stop: StopRun | None = None
        self.requests = 0

    async def make(self, job: Job) -> None:
        """Send the order once, after reading it back where that is needed."""
        if not await self._let_through(job):
            return
        # the look was a request of its own: the order waits for its turn again
        if job.read_first and not (await self._looked_up(job) and await self._let_through(job)):
            return
        if not await self._desk.claimed(job):
            self._leave(job)
            return
        job.attempts += 1
        sent_in = self._gate.limit.round
        started = self._gate.now()
        job.in_flight = True
        reply = await self._write(job.current.body)
        job.in_flight = False
        lasted_s = self._gate.now() - started
        job.spent_s += lasted_s
        self._count(reply, len(job.current.body), lasted_s)
        if self._creates and _says_it_exists(reply) and await self._exists(job, reply.status):
            self._gate.limit.answered(lasted_s, sent_in)
            return
        match judge(job.current, reply, first=not self._gate.answers):
            case Done(outcome):
                self._gate.limit.answered(lasted_s, sent_in)
                self._done(job, outcome)
            case TryAgain() as again:
                if again.busy:
                    self._gate.limit.busy(sent_in)
                # what is in conflict each time is refused in the end, in the API's own words
                job.refusal = None
                if isinstance(reply, Reply) and reply.status == 409:
                    job.refusal = refused(job.current, reply)
                await self._again(job, again)
            case Stop(stop, crossed):
                # Neither refused nor stored as far as anyone can tell, unless the token was bad.
                job.ambiguous = job.ambiguous or crossed
                self._halt(stop, cut=crossed)
                self._desk.settle(job, job.unanswered(self.why_stopped(stop)))

    def _count(self, reply: Reply | NoReply, sent: int, lasted_s: float) -> None:
        self.requests += 1
        traffic = self._gate.traffic
        if isinstance(reply, NoReply):
            traffic.request(NO_ANSWER, sent, 0)
        else:
            traffic.request(reply.status, sent, len(reply.body))
            traffic.latencies.add(lasted_s)

    async def _get(self, job: Job) -> Reply | NoReply:
        started = self._gate.now()
        reply = await self._client.get(job.submission.order_number)
        self._gate.traffic.reads += 1
        self._count(reply, 0, self._gate.now() - started)
        match hindrance(reply):
            case Stop(AuthRefused() as stop) if isinstance(reply, Reply) and reply.status == 401:
                self._halt(stop)  # 403 may say no more than that this token must not read
            case TryAgain() as again:
                held = self._gate.hold(again.after_s)
                if held is not None:
                    self._halt(held)
        return reply

    async def _let_through(self, job: Job) -> bool:
        """Wait until a request of the order may go out; False when it is put aside, or settled."""
        if await self._may_send(job):
            return True
        if self._halted.is_set():
            self._leave(job)
        else:
            self._look_first(job)
            self._desk.retry(job, _ASIDE_S)
        return False

    def _look_first(self, job: Job) -> None:
        """To create is never safe to do again unseen, nor are some changes (CONTRACT §6)."""
        job.read_first = job.ambiguous and (self._creates or bool(job.unsafe))

    def _leave(self, job: Job) -> None:
        """Nothing more is sent: settle the order as it is."""
        self._desk.settle(job, job.unanswered(self.why_stopped(self._stop)))

    async def _may_send(self, job: Job) -> bool:
        if self._halted.is_set():
            return False
        if self._gate.free():
            return True
        # What fails whatever the API does must not be what tells whether the API is back.
        give_way = self._desk.untried if job.failures else _never
        return await self._gate.pass_through(self._halted, give_way)

    async def _may_read(self) -> bool:
        """Wait until an answer may be made sure of; nobody else could do that in its place."""
        if self._halted.is_set():
            return False
        return self._gate.free() or await self._gate.pass_through(self._halted, _never)

    def why_stopped(self, stop: StopRun | None) -> str:
        """Say why an order has no answer."""
        return f"the run stopped: {stop.message}" if stop else "the run was stopped"

    def _halt(self, stop: StopRun, *, cut: bool = False) -> None:
        if isinstance(stop, AuthRefused):
            stop = AuthRefused(
                f"{stop.message}, after {self._gate.answers} answers; "
                f"the header was written as {self._client.auth_form}",
                help=stop.help,
            )
        self._stop = self._stop or stop
        self._desk.halt(stop, cut=cut)

    def _answered(self, job: Job) -> None:
        """The API has said what became of an order, or shown it: its retries were worth it."""
        self._gate.answered()
        self._gate.budget.give(job.paid + ANSWER_REWARD)

    def _done(self, job: Job, outcome: Outcome) -> None:
        self._answered(job)
        self._desk.settle(job, job.answered(outcome))
        if outcome.outcome is OrderOutcome.REFUSED:
            cause = outcome.problems[0]
            stop = self._gate.refused((outcome.status, cause.code, cause.attr, cause.api_code))
            if stop is not None:
                self._halt(stop)

    async def _again(self, job: Job, again: TryAgain) -> None:
        job.ambiguous = job.ambiguous or again.ambiguous
        self._look_first(job)
        job.status, job.words = again.status, again.words
        self._desk.failed(job, again.words)
        if again.unconfirmed and await self._confirmed(job, again.status):
            return
        stop = self._gate.hold(again.after_s)
        if again.throttled:
            self._throttled(job, again, stop)
            return
        stop = stop or self._gate.failed()
        job.failures += 1
        exhausted = self._exhausted(job)
        if again.foreign and not self._gate.answers and (exhausted or self._gate.open):
            stop = again.foreign
        self._go_on(job, stop, cost=LATE_COST if again.late else RETRY_COST)

    def _throttled(self, job: Job, again: TryAgain, stop: StopRun | None) -> None:
        job.throttles += 1
        self._gate.traffic.throttles += 1
        if not again.after_s:  # "in 0 seconds" is no time to wait either
            self._gate.hold(self._gate.backoff_s(job.throttles))
        # The whole client waits, so this costs nothing of the budget.
        self._go_on(job, stop or self._gate.throttled(), cost=None)

    def _exhausted(self, job: Job) -> bool:
        pace = self._gate.pace
        return job.failures >= pace.attempts or job.spent_s >= pace.order_s

    def _go_on(self, job: Job, stop: StopRun | None, *, cost: float | None) -> None:
        if stop is not None:
            self._halt(stop)
            self._desk.settle(job, job.unanswered(self.why_stopped(stop)))
        elif self._exhausted(job) and job.refusal is not None and not job.ambiguous:
            self._done(job, job.refusal)
        elif self._exhausted(job):
            self._desk.settle(job, job.unanswered(f"gave up after {job.attempts} attempts"))
        elif cost is None:
            self._desk.retry(job, 0.0)
        else:
            backoff_s, slowed_s = self._gate.retry_after_s(job.failures, cost)
            job.paid += cost
            job.spent_s += backoff_s  # what the budget adds is not this order's fault
            self._desk.retry(job, backoff_s + slowed_s)

    # --- reading back -------------------------------------------------------------------------

    async def _looked_up(self, job: Job) -> bool:
        """Look once what is there; False when the order is not to be sent now.

        Between two looks the order stands aside, so that it keeps nobody from sending.
        """
        reply = await self._get(job)
        hindered = hindrance(reply)
        if self._halted.is_set():
            self._leave(job)
            return False
        if isinstance(hindered, TryAgain) and hindered.throttled:
            self._throttled(job, hindered, None)
            return False
        found = stored(job.submission.order_number, reply)
        if isinstance(found, Unreadable):
            job.looks = 0
            self._not_readable(job, found.words, again=found.again)
            return False
        job.looks += 1
        last = job.looks == _READS
        if self._creates:
            if found.order is not None and self._is_ours(job, found.order, last=last):
                return False
            sure = last
        else:
            if found.order is not None:
                job.found(applied(job.submission, found.order) & job.unsafe)
                job.doubtful = otherwise(job.submission, found.order) & job.unsafe
            sure = last or not job.unsafe
            if sure:
                job.found_otherwise()
        if not sure:
            self._desk.retry(job, _READ_PAUSE_S)
            return False
        job.looks, job.read_first = 0, False
        return True

    def _is_ours(self, job: Job, order: dict[str, Any], *, last: bool) -> bool:
        """Settle an order that was to be created and is there; False to look once more."""
        outcome = job.exists(order, job.status)
        # a tracking may be seen a little later than the order (CONTRACT §8)
        if outcome.outcome is OrderOutcome.PARTLY_APPLIED and not last:
            return False
        self._answered(job)
        self._desk.settle(job, outcome)
        return True

    async def _exists(self, job: Job, status: int) -> bool:
        """Look whether an order was refused because it exists; settle it when it does."""
        for read in range(_READS):
            if read:
                await self._gate.pause(_READ_PAUSE_S, self._halted)
            if not await self._may_read():  # the next run finds out
                self._leave(job)
                return True
            found = stored(job.submission.order_number, await self._get(job))
            if isinstance(found, Unreadable) and found.again and not self._halted.is_set():
                continue
            if isinstance(found, Unreadable) or found.order is None:
                return False
            self._answered(job)
            self._desk.settle(job, job.exists(found.order, status))
            return True
        return False

    def _not_readable(self, job: Job, words: str, *, again: bool) -> None:
        job.words = f"could not be read back: {words}"
        if not again:
            self._desk.settle(job, job.unanswered("not sent again, it might be done twice"))
            return
        stop = self._gate.failed()
        job.failures += 1
        self._go_on(job, stop, cost=RETRY_COST)

    async def _confirmed(self, job: Job, status: int | None) -> bool:
        """Read an order back whose answer was empty; settle it when all of it is there (K29)."""
        if not await self._may_read():
            return False
        found = stored(job.submission.order_number, await self._get(job))
        if isinstance(found, Unreadable) or found.order is None:
            return False
        if not confirms(job.submission, found.order):
            return False
        self._answered(job)
        self._desk.settle(job, job.confirmed(status))
        return True
