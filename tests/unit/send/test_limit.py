"""The limit on its own: answers are told to it as a server with a true capacity would give them."""

from __future__ import annotations

import asyncio
import heapq
import random
from dataclasses import dataclass, field
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.send.limit import Limit


@dataclass
class Server:
    """A server in simulated time, and a client that always has something to send.

    It works on `capacity` requests at a time, each for `work_s`. `refuses`: it answers the others
    at once with 429; else they wait in its queue. `moody`: the share that it refuses without reason.
    """

    limit: Limit
    capacity: int
    work_s: float = 0.1
    refuses: bool = True
    noise: float = 0.0
    moody: float = 0.0
    now: float = 0.0
    done: int = 0
    busy: int = 0
    seen: list[tuple[float, int]] = field(default_factory=list)
    _ends: list[tuple[float, int, float, int, bool]] = field(default_factory=list)
    _n: int = 0
    _working: int = 0
    _free_at: list[float] = field(default_factory=list)
    _dice: random.Random = field(default_factory=lambda: random.Random(5))  # noqa: S311

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            while self.limit.in_flight < self.limit.now:
                self._send()
            if self._ends[0][0] > until:
                break
            self._end()
        self.now = until

    def _send(self) -> None:
        with pytest.raises(StopIteration):  # there is room: it does not wait
            self.limit.enter().send(None)
        self._n += 1
        work_s = self.work_s * (1 + self._dice.uniform(-self.noise, self.noise))
        refused = self.refuses and self._working >= self.capacity
        refused = refused or self._dice.random() < self.moody
        if refused:
            ends = self.now + 0.01
        elif self.refuses or len(self._free_at) < self.capacity:
            ends = self.now + work_s
        else:
            ends = max(heapq.heappop(self._free_at), self.now) + work_s
        if not refused:
            self._working += 1
            if not self.refuses:
                heapq.heappush(self._free_at, ends)
        heapq.heappush(self._ends, (ends, self._n, self.now, self.limit.round, refused))

    def _end(self) -> None:
        self.now, _, began, sent_in, refused = heapq.heappop(self._ends)
        if refused:
            self.busy += 1
            self.limit.busy(sent_in)
        else:
            self._working -= 1
            self.done += 1
            self.limit.answered(self.now - began, sent_in)
        self.limit.leave()
        self.seen.append((self.now, self.limit.now))

    def allowed_since(self, since: float) -> list[int]:
        return [allowed for at, allowed in self.seen if at >= since]


def test_it_begins_with_four_and_doubles_until_the_maximum() -> None:
    limit = Limit(32)
    assert limit.now == 4
    server = Server(limit, capacity=100)
    server.run(0.15)
    assert limit.now == 8
    server.run(0.5)
    assert limit.now == 32


def test_with_a_maximum_below_four_it_begins_there() -> None:
    assert Limit(1).now == 1
    assert Limit(3).now == 3


@pytest.mark.parametrize("capacity", [1, 3, 7, 20])
def test_it_finds_what_a_server_that_refuses_can_take(capacity: int) -> None:
    server = Server(Limit(64), capacity=capacity)
    server.run(30)
    before, busy = server.done, server.busy
    server.run(60)
    could = 60 / server.work_s * capacity
    assert server.done - before >= 0.75 * could
    # it asks for more now and then, and hardly ever too much
    assert server.busy - busy <= 0.1 * (server.done - before)
    assert max(server.allowed_since(30)) <= capacity + 2


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("capacity", [2, 8, 20])
def test_it_finds_what_a_server_that_queues_can_take(capacity: int, noise: float) -> None:
    server = Server(Limit(200), capacity=capacity, refuses=False, noise=noise)
    server.run(60)
    before = server.done
    server.run(120)
    could = 120 / server.work_s * capacity
    assert server.done - before >= 0.75 * could
    # what it makes wait stays in proportion: not even twice the time of an idle server on average
    assert mean(server.allowed_since(60)) <= 2.5 * capacity + 4


def test_a_queue_of_our_own_making_never_becomes_the_usual() -> None:
    server = Server(Limit(256), capacity=4, refuses=False)
    server.run(600)
    assert max(server.allowed_since(300)) <= 4 * 4


def test_it_goes_down_when_the_server_can_do_less_and_up_again_when_it_can_do_more() -> None:
    server = Server(Limit(64), capacity=32)
    server.run(20)
    assert mean(server.allowed_since(15)) >= 20
    server.capacity = 4
    server.run(10)
    assert max(server.allowed_since(25)) <= 6
    server.capacity = 32
    server.run(60)
    assert mean(server.allowed_since(80)) >= 20


def test_a_wave_of_refusals_counts_once() -> None:
    limit = Limit(16)
    sent_in = limit.round

    async def wave() -> None:
        for _ in range(4):
            await limit.enter()
        for _ in range(4):
            limit.busy(sent_in)
            limit.leave()

    asyncio.run(wave())
    assert (limit.now, limit.cuts) == (2, 1)


def test_a_slow_straggler_means_nothing() -> None:
    limit = Limit(8)
    for n in range(300):
        limit.answered(30.0 if n % 20 == 0 else 0.1, limit.round)
    assert limit.cuts == 0


def test_a_server_that_is_slower_for_good_is_the_usual_one_after_a_while() -> None:
    server = Server(Limit(16), capacity=100)
    server.run(30)
    server.work_s = 0.6
    server.run(600)
    assert mean(server.allowed_since(500)) >= 8


@pytest.mark.parametrize("moody", [0.05, 0.25, 0.5])
def test_a_server_that_is_busy_whatever_we_do_is_worked_with(moody: float) -> None:
    server = Server(Limit(32), capacity=100, moody=moody)
    server.run(600)
    assert mean(server.allowed_since(300)) >= 16


def test_a_moody_server_has_a_capacity_too() -> None:
    server = Server(Limit(64), capacity=10, moody=0.1)
    server.run(300)
    before, busy = server.done, server.busy
    server.run(300)
    assert server.done - before >= 0.35 * 300 / server.work_s * server.capacity
    assert server.busy - busy <= 0.2 * (server.done - before)


def test_a_mood_that_has_passed_is_forgotten() -> None:
    server = Server(Limit(64), capacity=10, moody=0.4)
    server.run(300)
    server.moody = 0.0
    server.run(300)
    busy, done = server.busy, server.done
    server.run(300)
    assert server.busy - busy <= 0.1 * (server.done - done)


class Turns:
    """Workers that take turns by a limit, and what was true meanwhile."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.running = 0
        self.over = 0
        self.order: list[int] = []

    async def work(self, name: int) -> None:
        await self.limit.enter()
        self.running += 1
        self.over += self.running > self.limit.most
        self.order.append(name)
        try:
            await asyncio.sleep(0)
        finally:
            self.running -= 1
            self.limit.leave()


def test_who_waits_longest_is_next() -> None:
    async def run() -> list[int]:
        turns = Turns(Limit(2))
        await asyncio.gather(*(turns.work(n) for n in range(20)))
        assert turns.limit.in_flight == 0
        return turns.order

    assert asyncio.run(run()) == list(range(20))


@given(
    st.integers(1, 12),
    st.lists(st.sampled_from(["start", "cancel", "busy", "answered", "step"]), max_size=150),
)
def test_never_more_than_the_maximum_whatever_is_cancelled(most: int, steps: list[str]) -> None:
    async def run() -> None:
        limit = Limit(most)
        turns = Turns(limit)
        tasks: list[asyncio.Task[None]] = []
        for n, step in enumerate(steps):
            if step == "start":
                tasks.append(asyncio.create_task(turns.work(n)))
            elif step == "cancel" and tasks:
                tasks[n % len(tasks)].cancel()
            elif step == "busy":
                limit.busy(limit.round)
            elif step == "answered":
                limit.answered(0.1, limit.round)
            else:
                await asyncio.sleep(0)
            assert limit.in_flight <= most
            assert 1 <= limit.now <= most
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limit.in_flight == 0
        assert turns.over == 0
        # nobody is forgotten: whoever comes now gets in
        await asyncio.wait_for(asyncio.gather(*(turns.work(n) for n in range(5))), 1)

    asyncio.run(run())
