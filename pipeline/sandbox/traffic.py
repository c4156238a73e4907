"""Requests as they pass: a log, the attempts per order, and orders that were in flight twice."""

from collections import Counter, deque
from dataclasses import dataclass, field

from pipeline.sandbox.wire import Wire

_LOG_LENGTH = 500_000

# Account and order number; an account that is no integer is on its way to a refusal.
Key = tuple[int | str, str]


@dataclass(slots=True)
class RequestRecord:
    """One request that came in, stored or not; `status` is None when no answer was completed.

    `answered_s` is when the answer, or what stood for one, was out; `retry_after_s` how long it asked
    everybody to wait from then on.
    """

    ordinal: int
    method: str
    arrived_s: float
    order_number: str | None = None
    status: int | None = None
    fault: str | None = None
    answered_s: float | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """CONCURRENT_SAME_ORDER: a request of an order came while another of it was in flight.

    `first` and `second` are the ordinals of the requests; `first` was there when `second` came.
    """

    account: int | str
    order_number: str
    first: int
    second: int


@dataclass(slots=True, eq=False)
class Flight:
    """A write between the end of its body and the end of its answer."""

    key: Key
    record: RequestRecord
    wire: Wire
    already_up: list["Flight"]


@dataclass(slots=True)
class Traffic:
    """The traffic of one sandbox since its start or its last reset."""

    log: deque[RequestRecord] = field(default_factory=lambda: deque(maxlen=_LOG_LENGTH))
    violations: list[Violation] = field(default_factory=list)
    _ordinals: Counter[str] = field(default_factory=Counter)
    _attempts: Counter[Key] = field(default_factory=Counter)
    _up: dict[Key, list[Flight]] = field(default_factory=dict)

    def arrive(self, method: str, now_s: float) -> RequestRecord:
        """Note a request whose headers are in."""
        self._ordinals[method] += 1
        record = RequestRecord(self._ordinals[method], method, now_s)
        self.log.append(record)
        return record

    def attempt(self, key: Key) -> int:
        """Count one more request for an order and return how many that makes."""
        self._attempts[key] += 1
        return self._attempts[key]

    def take_off(self, key: Key, record: RequestRecord, wire: Wire) -> Flight:
        """Note that a write of this order is in flight."""
        up = self._up.setdefault(key, [])
        flight = Flight(key, record, wire, list(up))
        up.append(flight)
        return flight

    def judge(self, flight: Flight) -> None:
        """Note a violation for each write of the order that was up before and not given up.

        Called a few turns of the event loop after `take_off`: a client that gave up a request and
        sent it again has closed the first connection by then, and is not to blame.
        """
        for other in flight.already_up:
            if not other.wire.is_over:
                account, order_number = flight.key
                self.violations.append(
                    Violation(account, order_number, other.record.ordinal, flight.record.ordinal)
                )
        flight.already_up.clear()

    def land(self, flight: Flight) -> None:
        """Note that a write is over."""
        up = self._up[flight.key]
        up.remove(flight)
        if not up:
            del self._up[flight.key]
