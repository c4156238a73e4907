"""When the next request may go out: rate, the server's wishes, and the breaker (FAULTS N1-N4)."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from pipeline.model.endpoint import Pace
from pipeline.model.stops import StopRun
from pipeline.model.traffic import Traffic
from pipeline.send.budget import Budget
from pipeline.send.limit import Limit
from pipeline.send.stops import ApiAway, EveryOrderRefused

Monotonic = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

SAME_REFUSALS = 50
_BACKOFF_FIRST_S = 0.5
_BACKOFF_MAX_S = 20.0
_SLICE_S = 1.0


class Gate:
    """One gate for all requests of a client; it lives as long as the client, over partitions.

    `waiting` says in words why nothing goes out at the moment, for the progress line. `limit` says
    how many requests may be in flight, `budget` how many retries there may be, and `traffic` counts.
    """

    def __init__(
        self, pace: Pace, *, clock: Monotonic, sleep: Sleep, random: Callable[[], float],
        traffic: Traffic | None = None,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._held_until = 0.0
        self._next_slot = 0.0
        self._failures = 0
        self._failing_since: float | None = None
        self._open = False
        self._opened = 0.0
        self._next_probe = 0.0
        self._refused = 0
        self._refusal: object = None
        self.waiting = ""
        self.pace = pace
        self.limit = Limit(pace.concurrency)
        self.budget = Budget(clock)
        self.traffic = traffic or Traffic()
        self.answers = 0  # definite ones, of the Order API

    def now(self) -> float:
        """The present moment of the monotonic clock."""
        return self._clock()

    def free(self) -> bool:
        """Tell whether a request may go out now without asking further; the quick way through."""
        return (
            not self._open
            and self.pace.rate_per_s is None
            and (not self._held_until or self._clock() >= self._held_until)
        )

    async def pass_through(self, halted: asyncio.Event, give_way: Callable[[], bool]) -> bool:
        """Wait until a request may go out; False when sending has ended meanwhile.

        False also while only probes go out and another order is to be the probe.
        """
        while not halted.is_set() and not (self._open and give_way()):
            wait_s, why = self._wait()
            if wait_s <= 0:
                self.waiting = ""
                return True
            self.waiting = why
            await self.pause(wait_s, halted)
        return False

    def _wait(self) -> tuple[float, str]:
        now = self._clock()
        if now < self._held_until:
            left = self._held_until - now
            return left, f"waiting {math.ceil(left)} s (rate limit)"
        if self._open and now < self._next_probe:
            # In slices: an answer to the probe lets everybody through at once.
            return min(_SLICE_S, self._next_probe - now), "API unreachable, probing"
        if self.pace.rate_per_s is not None:
            if now < self._next_slot:
                return self._next_slot - now, ""
            self._next_slot = max(now, self._next_slot) + 1 / self.pace.rate_per_s
        if self._open:
            self._next_probe = now + self.pace.outage_probe_s
        return 0.0, ""

    async def pause(self, seconds: float, halted: asyncio.Event) -> None:
        """Sleep, but not longer than sending goes on."""
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        ending = asyncio.ensure_future(halted.wait())
        try:
            await asyncio.wait((sleeping, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            ending.cancel()

    def backoff_s(self, failures: int) -> float:
        """Give the wait before the next try of an order that failed so often: full jitter."""
        longest = min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** (failures - 1))
        return self._random() * longest

    def answered(self) -> None:
        """Note a definite answer: the API is there."""
        self.answers += 1
        self._failures = 0
        self._failing_since = None
        if self._open:
            self._open = False
            self.traffic.outage_s += self._clock() - self._opened

    def refused(self, why: object) -> StopRun | None:
        """Note a refusal; a stop when the first 50 answers are all this one (FAULTS N21)."""
        if self._refused == 0:
            self._refusal = why
        if why != self._refusal or self._refused + 1 != self.answers:
            return None
        self._refused += 1
        if self._refused < SAME_REFUSALS:
            return None
        return EveryOrderRefused(
            f"each of the first {SAME_REFUSALS} orders was refused for the same reason; stopped",
            help="the report shows the API's words; mend the mapping or the set-up, then run again",
        )

    def hold(self, after_s: float | None) -> StopRun | None:
        """Hold every request back as the server asks; a stop when it asks for too long."""
        if after_s is None:
            return None
        if after_s > self.pace.wait_max_s:
            return ApiAway(
                f"the server asks to wait {after_s:.0f} s; stopped",
                help=f"run the same command again in {after_s / 60:.0f} minutes",
            )
        now = self._clock()
        until = max(self._held_until, now + after_s)
        self.traffic.held_s += until - max(self._held_until, now)
        self._held_until = until
        return None

    def throttled(self) -> StopRun | None:
        """Note that the server was busy; a stop when it has been so, and only so, for long."""
        return self._too_long("the API only asks to wait")

    def failed(self) -> StopRun | None:
        """Note a try without usable answer; opens the breaker, and stops the run in the end."""
        self._failures += 1
        stop = self._too_long("the API is unreachable")
        if not self._open and self._failures >= self.pace.outage_failures:
            self._open = True
            self._opened = self._clock()
            self._next_probe = self._opened + self.pace.outage_probe_s
        return stop if self._open else None

    def retry_after_s(self, failures: int, cost: float) -> tuple[float, float]:
        """Pay for a retry; gives the back-off, and what it must wait besides for the budget."""
        backoff_s = self.backoff_s(failures)
        slowed_s = max(0.0, self.budget.take(cost) - backoff_s)
        self.traffic.retries += 1
        self.traffic.slowed_s += slowed_s
        return backoff_s, slowed_s

    def closing(self) -> None:
        """Count an outage that lasts until the end."""
        if self._open:
            now = self._clock()
            self.traffic.outage_s += now - self._opened
            self._opened = now
        self.traffic.in_flight_max = max(self.traffic.in_flight_max, self.limit.highest)

    @property
    def why_slow(self) -> str:
        """Why nothing goes out, or so little, in words; empty while all is well."""
        if not self.waiting and self.budget.overdrawn:
            return "too many retries, going slowly"
        return self.waiting

    @property
    def open(self) -> bool:
        """Whether the breaker is open: only probes go out."""
        return self._open

    def _too_long(self, what: str) -> StopRun | None:
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        lasted = now - self._failing_since
        if lasted < self.pace.outage_stop_s:
            return None
        return ApiAway(
            f"{what}, for {lasted / 60:.0f} min now; stopped",
            help="run the same command again when the API is back; nothing is lost",
        )
