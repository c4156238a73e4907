"""How fast, how often, how many at a time: what a struggling server gets to see of the sender."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pipeline.ledger import Begun, Journal, Ledger
from pipeline.model.endpoint import Pace
from pipeline.sandbox import FaultSchedule, running_sandbox
from pipeline.send import ApiAway
from pipeline.send.budget import ANSWER_REWARD, LATE_COST, REFILL_PER_S, RETRY_COST, TOKENS
from tests.faults.conftest import deliver_all, utc
from tests.faults.test_each_fault import PASSING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.model.orders import Outcome, Submission
    from pipeline.send import Kind
    from tests.faults.conftest import Answer, Asked, Wire, World


def orders(wire: Wire, count: int) -> list[Submission]:
    return [wire.order(f"A{n}") for n in range(count)]


class Capacity:
    """A server that works on so many orders at a time and says 429 or 503 to the others."""

    def __init__(self, wire: Wire, capacity: int, refusal: str) -> None:
        self.wire = wire
        self.capacity = capacity
        self.refusal = refusal
        self.working = 0
        self.most = 0
        self.refused: list[int] = []  # which requests

    def __call__(self, _asked: Asked, n: int) -> Answer:
        if self.working >= self.capacity:
            self.refused.append(n)
            made: Answer = self.wire.raw(self.refusal)
            return made
        return self._work

    async def _work(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.working += 1
        self.most = max(self.most, self.working)
        try:
            await asyncio.sleep(0.02)
        finally:
            self.working -= 1
        await self.wire.stored()(asked, writer)


@pytest.mark.parametrize("refusal", ["429 Too Many Requests", "503 Away"])
def test_without_a_declared_rate_it_stays_near_what_the_server_can_take(
    world: World, wire: Wire, refusal: str
) -> None:
    world.paced(concurrency=32)
    server = Capacity(wire, 6, refusal)
    done = world.deliver(server, orders(wire, 240))
    assert set(done.outcomes().values()) == {"updated"}
    late = [n for n in server.refused if n > 100]
    assert len(late) <= 20  # it knows by now
    assert server.most == 6
    assert 3 <= world.gate.limit.now <= 8
    assert world.gate.limit.highest <= 32


def test_never_more_in_flight_than_the_maximum(world: World, wire: Wire) -> None:
    world.paced(concurrency=3)

    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        await wire.stored()(asked, writer)

    done = world.deliver(lambda *_: slow, orders(wire, 100))
    assert set(done.outcomes().values()) == {"updated"}
    assert done.server.busiest == 3


def test_with_room_it_goes_up_to_the_maximum(world: World, wire: Wire) -> None:
    world.paced(concurrency=12)

    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)  # long enough for all of them to be there, also on a busy machine
        await wire.stored()(asked, writer)

    done = world.deliver(lambda *_: slow, orders(wire, 150))
    assert done.server.busiest == 12
    assert world.gate.traffic.in_flight_max == 12


def test_versions_of_an_order_stay_apart_and_in_order_while_the_limit_moves(
    world: World, wire: Wire
) -> None:
    world.paced(concurrency=16)
    busy, reset = wire.raw("503 Away"), wire.reset

    def script(_asked: Asked, n: int) -> Answer:
        answer: Answer = busy if n % 7 == 3 else reset if n % 11 == 5 else wire.stored()
        return answer

    versions = [wire.order(f"A{n}", recipient_name=f"v{v}") for v in range(4) for n in range(12)]
    done = world.deliver(script, versions)
    assert set(done.outcomes().values()) == {"updated"}
    assert done.server.overlaps == 0
    for n in range(12):
        names = [each.payload["recipient_name"] for each in done.server.puts(f"A{n}")]
        assert names == sorted(names)
        assert set(names) == {"v0", "v1", "v2", "v3"}


@pytest.mark.thorough
@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_g3_after_a_crash_at_most_twice_the_concurrency_is_unconfirmed(
    world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    world.paced(concurrency=concurrency)
    commit = Journal.commit
    open_now: set[str] = set()
    most: list[int] = []

    def watched(
        self: Journal,
        *,
        sending: Sequence[Submission] = (),
        settled: Sequence[tuple[Submission, Outcome]] = (),
        **rest: object,
    ) -> Begun:
        done = commit(self, sending=sending, settled=settled, **rest)  # type: ignore[arg-type]
        open_now.difference_update(each.order_number for each, _ in settled)
        open_now.update(each.order_number for each in sending)
        most.append(len(open_now))
        return done

    monkeypatch.setattr(Journal, "commit", watched)
    done = world.deliver(lambda *_: wire.stored(), orders(wire, 300))
    assert set(done.outcomes().values()) == {"updated"}
    assert max(most) <= 2 * concurrency

    most.clear()
    world.paced(rate_per_s=2.0).planned = False
    again = [wire.order(f"B{n}") for n in range(40)]
    world.deliver(lambda *_: wire.stored(), again)
    assert max(most) <= 2 * min(concurrency, 2)  # two seconds' worth


def test_a_wish_to_wait_is_for_the_whole_client(world: World, wire: Wire) -> None:
    world.paced(concurrency=8)
    busy = wire.raw("429 Too Many Requests", Retry_After="20")
    done = world.deliver(lambda _, n: busy if n == 30 else wire.stored(), orders(wire, 100))
    said = done.server.asked[30].at
    assert set(done.outcomes().values()) == {"updated"}
    in_between = [each for each in done.server.asked[31:] if each.at < said + 20]
    assert len(in_between) <= 8  # only what was in flight
    assert world.gate.traffic.held_s == pytest.approx(20)
    assert world.gate.traffic.throttles == 1


def test_the_wait_before_another_try_is_anything_from_nothing_to_twice_as_long_as_before(
    world: World, wire: Wire
) -> None:
    world.deliver(lambda *_: wire.stored(), orders(wire, 1))
    gate = world.gate
    for share in (0.0, 0.25, 1.0):  # full jitter: the whole range, not a range around the middle
        gate._random = lambda share=share: share  # type: ignore[misc]
        longest = [0.5, 1, 2, 4, 8, 16, 20, 20]
        assert [gate.backoff_s(n) for n in range(1, 9)] == [share * each for each in longest]


def test_the_breaker_lets_one_probe_through_at_a_time_and_closes_at_the_first_answer(
    world: World, wire: Wire
) -> None:
    world.paced(concurrency=8)
    probes: list[float] = []

    def script(asked: Asked, _: int) -> Answer:
        if world.gate.open:
            probes.append(asked.at)
        answer: Answer = wire.raw("500 Error") if asked.at < 1150 else wire.stored()
        return answer

    done = world.deliver(script, orders(wire, 120))
    assert set(done.outcomes().values()) == {"updated"}
    assert len([each for each in done.server.asked if each.at < 1150]) <= 20 + 8 + len(probes)
    probes = [at for at in probes if at > probes[0] + 1]  # others were in flight when it opened
    assert len(probes) >= 3
    # the server sees each of them a little late: they are counted
    assert len(probes) <= (probes[-1] - probes[0]) / 30 + 2
    assert world.gate.traffic.outage_s >= 120
    assert not world.gate.open


def test_n4_ten_minutes_of_outage_cost_few_requests_whatever_the_concurrency(
    world: World, wire: Wire
) -> None:
    world.paced(concurrency=64)
    done = world.deliver(lambda *_: wire.reset, orders(wire, 400))
    assert isinstance(done.delivered.stopped, ApiAway)
    assert done.delivered.stopped.exit_code == 5
    assert len(done.server.asked) <= 60
    assert Counter(done.outcomes().values())["unknown"] <= 40


@pytest.mark.thorough
def test_when_most_orders_fail_for_ever_retries_get_slow_and_the_others_arrive(
    world: World, wire: Wire
) -> None:
    world.paced(concurrency=8, outage_failures=10_000)  # what the breaker does is seen elsewhere
    world.random = lambda: 0.01  # back-off alone would be slow enough
    poison = wire.raw("500 Error")
    done = world.deliver(
        lambda asked, _: poison if int(asked.number[1:]) % 5 < 3 else wire.stored(),
        orders(wire, 150),
    )
    assert done.delivered.stopped is None
    assert Counter(done.outcomes().values()) == {"unknown": 90, "updated": 60}
    # every retry is paid for: by the bucket, by an answer, or by waiting
    retries = world.gate.traffic.retries
    # on a busy machine an attempt may run out of time before the server has seen it
    assert 90 * 5 - 10 < len(done.server.puts()) - 150 <= retries
    assert retries >= 90 * 5
    lasted_s = world.clock.now() - 1000
    assert retries * RETRY_COST <= TOKENS + 60 * ANSWER_REWARD + lasted_s * REFILL_PER_S
    assert world.gate.traffic.slowed_s > 0


@pytest.mark.thorough
def test_orders_that_always_fail_are_not_what_the_api_is_judged_by(
    world: World, wire: Wire
) -> None:
    """Five of six orders fail for ever; probes with those would say that the API is away."""
    world.paced(concurrency=4)
    poison = wire.raw("500 Error")
    done = world.deliver(
        lambda asked, _: wire.stored() if int(asked.number[1:]) % 6 == 0 else poison,
        orders(wire, 42),
    )
    assert Counter(done.outcomes().values()) == {"updated": 7, "unknown": 35}


@pytest.mark.parametrize("fault", ["stall", "reset"])
def test_a_time_out_costs_more_than_a_reset_and_says_that_the_server_is_busy(
    world: World, wire: Wire, fault: str
) -> None:
    world.paced(concurrency=1, deadline_s=5.0, read_s=0.2)
    answer = getattr(wire, fault)
    tokens: list[float] = []

    def script(_asked: Asked, n: int) -> Answer:
        tokens.append(world.gate.budget.tokens)
        made: Answer = answer if n == 0 else wire.stored()
        return made

    world.random = lambda: 0.2  # of half a second, in which it refills
    world.deliver(script, orders(wire, 1))
    cost = LATE_COST if fault == "stall" else RETRY_COST
    assert tokens == [TOKENS, pytest.approx(TOKENS - cost + 0.1 * REFILL_PER_S)]
    assert world.gate.limit.cuts == (1 if fault == "stall" else 0)


@pytest.mark.thorough
def test_every_fault_that_passes_meets_each_transport(
    tmp_path: Path, wire: Wire, kind: Kind
) -> None:
    """One order per fault of the sandbox, struck at its first attempt: all arrive at the second."""
    pace = Pace(concurrency=8, deadline_s=1.5, read_s=1.0)

    rules = [
        {"fault": fault, "order_number": fault, "times": 1, **details}
        for fault, details in PASSING.items()
    ]
    with (
        running_sandbox() as sandbox,
        Ledger.open(tmp_path / "s" / "ledger.db", clock=utc) as ledger,
    ):
        sandbox.play(FaultSchedule.of(rules))
        more = {"account": sandbox.account, "destination_country_iso3": "DEU"}
        submissions = [wire.order(fault, **more) for fault in PASSING]
        outcomes = deliver_all(
            sandbox, ledger, submissions, pace=pace, kind=kind, random=lambda: 0.5
        )
        assert set(outcomes.values()) <= {"created", "updated"}, ledger.problems("r")
        assert {each["order_number"] for each in sandbox.orders()} == set(PASSING)
        met = {each.fault for each in sandbox.requests() if each.fault}
        assert met == set(PASSING)
        assert sandbox.violations() == []
