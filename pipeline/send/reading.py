"""Read orders back, many at a time, and change nothing: as patient and as polite as sending is."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.model.stops import StopRun
from pipeline.send.budget import ANSWER_REWARD, RETRY_COST
from pipeline.send.client import OrderClient
from pipeline.send.gate import Gate
from pipeline.send.readback import Stored, Unreadable, stored
from pipeline.send.replies import Stop, TryAgain, hindrance
from pipeline.send.reply import NoReply, Reply

_REPORT_S = 1.0

OnOrder = Callable[[str, Stored | Unreadable], None]
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading ended: how many orders had their answer, and why not all of them had."""

    read: int
    stopped: StopRun | None


async def read_orders(
    order_numbers: Sequence[str], *, client: OrderClient, gate: Gate, stop: asyncio.Event,
    on_order: OnOrder, on_progress: OnProgress,
) -> Reading:  # fmt: skip
    """Ask for each order once; again where the answer says nothing, as often as an order is sent.

    `on_order` gets each order as it is there, or why it could not be read. When `stop` is set,
    nothing new is asked for.
    """
    reader = _Reader(client, gate, stop, on_order)
    return await reader.all(order_numbers, on_progress)


@dataclass(slots=True)
class _Reader:
    client: OrderClient
    gate: Gate
    halted: asyncio.Event
    on_order: OnOrder
    done: int = 0
    stopped: StopRun | None = None

    async def all(self, order_numbers: Sequence[str], on_progress: OnProgress) -> Reading:
        waiting = iter(order_numbers)
        workers = [
            asyncio.create_task(self._work(waiting))
            for _ in range(min(self.gate.pace.concurrency, len(order_numbers)))
        ]
        try:
            left = set(workers)
            while left:
                _, left = await asyncio.wait(left, timeout=_REPORT_S)
                on_progress(self.done, len(order_numbers), self.gate.why_slow)
        finally:
            for worker in workers:
                worker.cancel()
            ended = await asyncio.gather(*workers, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        return Reading(self.done, self.stopped)

    async def _work(self, waiting: Iterator[str]) -> None:
        for number in waiting:
            found = await self._one(number)
            if found is None:
                return
            self.done += 1
            self.on_order(number, found)

    async def _one(self, number: str) -> Stored | Unreadable | None:
        """The order; None when reading has ended."""
        failures = throttles = 0
        while await self._may_ask():
            reply = await self._get(number)
            hindered = hindrance(reply)
            if isinstance(hindered, Stop):
                self._halt(hindered.stop)
                return None
            if hindered is not None and hindered.throttled:
                throttles += 1
                if self._throttled(hindered, throttles):
                    return None
                continue
            found = stored(number, reply) if hindered is None else _silent(hindered)
            if not (isinstance(found, Unreadable) and found.again):
                self.gate.answered()
                self.gate.budget.give(failures * RETRY_COST + ANSWER_REWARD)
                return found
            failures += 1
            if self._failed(hindered):
                return None
            if failures >= self.gate.pace.attempts:
                return found
            await self.gate.pause(sum(self.gate.retry_after_s(failures, RETRY_COST)), self.halted)
        return None

    async def _get(self, number: str) -> Reply | NoReply:
        """Ask once, among as many at a time as the server can answer."""
        limit = self.gate.limit
        await limit.enter()
        try:
            sent_in, started = limit.round, self.gate.now()
            reply = await self.client.get(number)
            hindered = hindrance(reply)
            if hindered is None:
                limit.answered(self.gate.now() - started, sent_in)
            elif isinstance(hindered, TryAgain) and hindered.busy:
                limit.busy(sent_in)
        finally:
            limit.leave()
        return reply

    def _throttled(self, asked: TryAgain, times: int) -> bool:
        """Wait as the server asks, all of us; whether that ends the reading."""
        wait_s = asked.after_s or self.gate.backoff_s(times)  # 0 seconds are none, too
        return self._halt(self.gate.hold(wait_s) or self.gate.throttled())

    def _failed(self, hindered: TryAgain | None) -> bool:
        held = self.gate.hold(hindered.after_s) if hindered is not None else None
        return self._halt(held or self.gate.failed())

    async def _may_ask(self) -> bool:
        if self.halted.is_set():
            return False
        return self.gate.free() or await self.gate.pass_through(self.halted, _never)

    def _halt(self, stop: StopRun | None) -> bool:
        """End the reading, if there is a reason to; gives whether there is."""
        if stop is None:
            return False
        if self.stopped is None:
            self.stopped = stop
        self.halted.set()
        return True


def _never() -> bool:
    return False


def _silent(hindered: TryAgain) -> Unreadable:
    return Unreadable(hindered.words, again=True)
