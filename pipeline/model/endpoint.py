"""Where orders go and how fast: plain values that `config` makes and `send` and `ledger` use."""

from dataclasses import dataclass
from enum import StrEnum


class AuthScheme(StrEnum):
    """The three ways the documents write the Authorization header (CONTRACT K1)."""

    PARCELLAB_RAW = "parcellab-raw"
    PARCELLAB_ENCODED = "parcellab-encoded"
    BEARER = "bearer"


class Secret:
    """A text that prints as dots; only `reveal` gives it (STYLE §2.17).

    >>> print(Secret("abc"), repr(Secret("abc")))
    ••• Secret(•••)
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the secret itself; call it where the header is made and nowhere else."""
        return self._text

    def __str__(self) -> str:
        return "•••"

    def __repr__(self) -> str:
        return "Secret(•••)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One account at one API. The ledger keeps the knowledge of each endpoint apart."""

    base_url: str  # without path, such as https://product-api.parcellab.com
    account: int
    token: Secret
    auth: AuthScheme = AuthScheme.PARCELLAB_RAW
    production: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How requests are spread and when to give up (FAULTS §4.5)."""

    concurrency: int = 32  # at most; fewer are in flight where the server takes fewer
    rate_per_s: float | None = None
    connect_s: float = 10.0
    read_s: float = 30.0
    deadline_s: float = 60.0  # one request in total, however slowly it drips
    # Orders of a process that died go to another one after so long (PostgreSQL only); at least
    # twice `deadline_s`, so that its last request has ended by then.
    lease_s: float = 120.0
    # After a request without an answer a newer version of its order waits so long, in case that it
    # is stored late (CONTRACT §8).
    late_s: float = 30.0
    attempts: int = 6  # of one order
    order_s: float = 300.0  # all attempts of one order
    outage_failures: int = 20  # straight failures before the breaker opens
    outage_probe_s: float = 30.0
    outage_stop_s: float = 600.0
    wait_max_s: float = 900.0  # a longer Retry-After stops the run
