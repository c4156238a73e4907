"""How many requests may be in flight: found by trying, between one and the maximum.

Additive increase, multiplicative decrease, as TCP does: one more per round of answers; less when
the server says that it is busy, does not answer in time, or answers ever more slowly.

What happens as often when a request is alone does not happen because of too many: a server that
answers slower, or that says now and then that it is busy whatever we do, is worked with as it is.
"""

import asyncio
from collections import deque
from statistics import median

_FIRST = 4.0
_BUSY = 0.7  # what is left after 429 and the like (RFC 9438 §4.6, botocore's adaptive mode)
# What is left after slower answers. Times _SLOWER it is less than 1, so a queue that we have made
# ourselves can never become, step by step, what counts as usual.
_SLOW = 0.5
_SLOWER = 1.5
_SLOWER_BY_S = 0.05  # what an event loop, a disk or a network may add without meaning anything
_WINDOW = 30  # answers at least whose median is compared: one straggler says nothing
_WINDOW_FIRST = 4  # while it doubles: a later one would be slow by our own requests already
_SLOW_WINDOWS = 2
_ALONE = 2.0  # fewer than so many in flight do not wait for each other
_CAREFUL = 0.05  # the step, in place of 1, to where it was busy the last time
_PAST = 1.1
_EXCUSES = 1.5  # of the share that is busy alone: chance makes some waves worse than others
_EXCUSED_MAX = 8.0
_FADES = 0.999  # per answer: what was found alone is found anew after a thousand or so


class Limit:
    """The number of requests that may be in flight, and those that wait for their turn.

    `round` changes with each decrease: what was sent before it says nothing of how it is now.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.in_flight = 0
        self.round = 0
        self.cuts = 0
        self.highest = 0
        self._allowed = min(_FIRST, float(most))
        self._begins = True  # until the first decrease it doubles per round of answers
        self._slow = 0  # windows one after the other that were slow; one alone is an accident
        self._busy_at: float | None = None
        self._busy_alone = 0.0  # the share of busy answers that had nothing to do with us
        self._excused = 0.0
        self._seen_alone = self._seen_busy = 0
        self._usual_s: float | None = None
        self._window: list[float] = []
        self._enough = _WINDOW_FIRST
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def now(self) -> int:
        """How many may be in flight now."""
        return int(self._allowed)

    async def enter(self) -> None:
        """Wait for one's turn; `leave` ends it."""
        if self.in_flight < int(self._allowed):
            self.in_flight += 1
            self.highest = max(self.highest, self.in_flight)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # it was our turn, and nobody takes it
            raise

    def leave(self) -> None:
        """End one's turn, and let in who waits as far as there is room."""
        self.in_flight -= 1
        while self._waiting and self.in_flight < int(self._allowed):
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                self.highest = max(self.highest, self.in_flight)
                turn.set_result(None)

    def answered(self, lasted_s: float, sent_in: int) -> None:
        """Note a usable answer after so long, to a request that was sent in that round."""
        if sent_in != self.round:
            return
        self._count(busy=False)
        full = self.in_flight >= int(self._allowed)
        if full and not self._slow and self._allowed < self.most:
            self._more()
        self._window.append(lasted_s)
        if len(self._window) >= self._enough:
            self._compare(median(self._window))
            self._window = []
            self._enough = max(_WINDOW_FIRST if self._begins else _WINDOW, int(self._allowed))

    def busy(self, sent_in: int) -> None:
        """Note that the server has too much to do, by its answer or by none in time."""
        if sent_in != self.round:  # of the same wave, which has been answered for already
            return
        self._count(busy=True)
        if self._excused >= 1.0:
            self._excused -= 1.0
            return
        self._busy_at = min(self._allowed, float(max(1, self.in_flight)))
        self._less(self._busy_at * _BUSY)

    def _more(self) -> None:
        step = 1.0 if self._begins else 1.0 / self._allowed
        if self._busy_at is not None:
            if self._allowed >= self._busy_at * _PAST:
                self._busy_at = None  # it can do more than it could
            elif int(self._allowed + 1) >= int(self._busy_at):
                step = _CAREFUL / self._allowed
        self._allowed = min(float(self.most), self._allowed + step)

    def _count(self, *, busy: bool) -> None:
        """Learn how often it is busy when a request is alone, and excuse as much later on."""
        if self._allowed >= _ALONE:
            self._excused = min(_EXCUSED_MAX, self._excused + self._busy_alone * _EXCUSES)
            self._busy_alone *= _FADES
            return
        self._seen_alone += 1
        self._seen_busy += busy
        if self._seen_alone >= _WINDOW:
            self._busy_alone = self._seen_busy / self._seen_alone
            self._seen_alone = self._seen_busy = 0
            self._excused = _EXCUSED_MAX if self._busy_alone else 0.0
            self._begins = self._begins or bool(self._busy_alone)

    def _less(self, allowed: float) -> None:
        self._allowed = max(1.0, allowed)
        self._begins = False
        self._window, self._enough = [], max(_WINDOW, int(self._allowed))
        self.round += 1
        self.cuts += 1

    def _compare(self, took_s: float) -> None:
        usual_s = took_s if self._usual_s is None else min(took_s, self._usual_s)
        slow = took_s > usual_s * _SLOWER + _SLOWER_BY_S
        self._slow = self._slow + 1 if slow else 0
        if self._slow >= _SLOW_WINDOWS and self._allowed < _ALONE:
            # It is not because of us: the server has become slower, and that is the usual now.
            usual_s, self._slow, self._begins = took_s, 0, True
        elif self._slow >= _SLOW_WINDOWS:
            self._less(self._allowed * _SLOW)
        self._usual_s = usual_s
