"""What went over the line: requests by status, how long answers took, what was waited for."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

NO_ANSWER = 0  # among the statuses: the request went out, or tried to, and no whole answer came
_STEP = math.log(1.02)  # each class of times is 2 % wide, so quantiles are right to 1 %
_SHORTEST_S = 1e-5
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(slots=True)
class Latencies:
    """Times from request to whole answer, counted in classes that are 2 % wide; mergeable.

    >>> times = Latencies()
    >>> for ms in range(1, 101):
    ...     times.add(ms / 1000)
    >>> [round(times.quantile(q), 3) for q in (0.5, 0.9, 0.99)], times.longest_s
    ([0.05, 0.089, 0.099], 0.1)
    """

    classes: Counter[int] = field(default_factory=Counter)
    count: int = 0
    total_s: float = 0.0
    longest_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.classes[round(math.log(max(seconds, _SHORTEST_S)) / _STEP)] += 1
        self.count += 1
        self.total_s += seconds
        self.longest_s = max(self.longest_s, seconds)

    def quantile(self, share: float) -> float:
        """Give the time in seconds that this share of the answers took at most; 0 for none."""
        left = math.ceil(self.count * share)
        for place in sorted(self.classes):
            left -= self.classes[place]
            if left <= 0:
                return min(math.exp(place * _STEP), self.longest_s)
        return self.longest_s


@dataclass(slots=True)
class Traffic:
    """Counted while sending; a run that is resumed goes on counting from what it had kept.

    `statuses` counts answers by HTTP status, NO_ANSWER among them, reads included. `retries` are
    orders sent again without an answer to keep, `throttles` answers that only asked to wait.
    `held_s` is how long the server asked the client to wait, `outage_s` how long only probes went
    out, `slowed_s` how long retries, taken together, had to wait for the budget. Bytes are those of
    bodies. `sending_s` is how long all of it took.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    reads: int = 0
    retries: int = 0
    throttles: int = 0
    held_s: float = 0.0
    outage_s: float = 0.0
    slowed_s: float = 0.0
    sent_bytes: int = 0
    received_bytes: int = 0
    in_flight_max: int = 0
    sending_s: float = 0.0
    latencies: Latencies = field(default_factory=Latencies)

    @property
    def requests(self) -> int:
        """All requests, answered or not."""
        return self.statuses.total()

    @property
    def unanswered(self) -> int:
        """Requests without a whole answer."""
        return self.statuses[NO_ANSWER]

    def answers(self) -> Iterator[tuple[int, int]]:
        """Give how many answers had which status."""
        return ((status, n) for status, n in sorted(self.statuses.items()) if status != NO_ANSWER)

    def request(self, status: int, sent: int, received: int) -> None:
        """Count a request and its answer."""
        self.statuses[status] += 1
        self.sent_bytes += sent
        self.received_bytes += received

    def as_json(self) -> dict[str, Any]:
        """Give all of it so that `of_json` can go on counting."""
        return {
            **{name: getattr(self, name) for name in _NUMBERS},
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "latencies": {
                "classes": {str(place): n for place, n in sorted(self.latencies.classes.items())},
                "total_s": self.latencies.total_s,
                "longest_s": self.latencies.longest_s,
            },
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any] | None) -> Self:
        """Go on from what was kept; from nothing where there is nothing."""
        made = cls()
        if not kept:
            return made
        for name in _NUMBERS:
            setattr(made, name, kept[name])
        made.statuses.update({int(status): n for status, n in kept["statuses"].items()})
        times = kept["latencies"]
        made.latencies.classes.update({int(place): n for place, n in times["classes"].items()})
        made.latencies.count = made.latencies.classes.total()
        made.latencies.total_s, made.latencies.longest_s = times["total_s"], times["longest_s"]
        return made


_NUMBERS = (
    "reads", "retries", "throttles", "held_s", "outage_s", "slowed_s", "sent_bytes",
    "received_bytes", "in_flight_max", "sending_s",
)  # fmt: skip
