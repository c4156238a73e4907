"""How many retries a whole run may make, so that retries never multiply an outage (FAULTS §2).

A bucket of tokens, as in botocore's `retries/quota.py`. There an empty bucket means "fail now"; an
import that runs at night has time instead, and an order that fails now would only be tried again
by the next run. So an empty bucket slows down: retries wait until they are paid for, while orders
that have not been tried yet go on. Nothing is given up for it.
"""

from collections.abc import Callable

TOKENS = 500.0
RETRY_COST = 5.0
LATE_COST = 10.0  # a server that does not answer in time is worse off than one that says no
# What an order's answer gives back besides what its own retries took: it pays for one retry of
# another. A server of which 79 % of the answers fail is then still worked with (FAULTS G5).
ANSWER_REWARD = RETRY_COST
# Without any answer, so that a bucket that orders without end have emptied does not stay empty.
REFILL_PER_S = 2 * RETRY_COST


class Budget:
    """The retries that a run has left. It may go into debt; a retry waits until that is paid."""

    def __init__(self, clock: Callable[[], float], tokens: float = TOKENS) -> None:
        self._clock = clock
        self._full = tokens
        self._tokens = tokens
        self._at = clock()

    def take(self, cost: float) -> float:
        """Pay for a retry; gives the seconds until it is paid for, 0 while there are tokens."""
        self._refill()
        self._tokens -= cost
        return max(0.0, -self._tokens / REFILL_PER_S)

    def give(self, tokens: float) -> None:
        """Put tokens back, up to what the bucket holds."""
        self._refill()
        self._tokens = min(self._full, self._tokens + tokens)

    @property
    def overdrawn(self) -> bool:
        """Whether retries wait for tokens."""
        return self.tokens < 0

    @property
    def tokens(self) -> float:
        """What is in the bucket now; less than 0 is debt."""
        self._refill()
        return self._tokens

    def _refill(self) -> None:
        now = self._clock()
        if self._tokens < self._full:
            refilled = self._tokens + (now - self._at) * REFILL_PER_S
            self._tokens = min(self._full, refilled)
        self._at = now
