"""Which request meets which fault: rules that can be written down, and the drawing of them.

The same rules, seed and requests give the same faults. A draw by probability depends on the order
number and on how often that order was tried, never on which of 64 requests happened to be first.
"""

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a fault does, in words; whether the order is stored; whether it strikes at the head.

    A fault that strikes at the head does so as soon as the headers are in, before any order number
    is known.
    """

    name: str
    effect: str
    applied: bool
    at_head: bool


_AT_HEAD = ("reset_early", "reset_mid_body")
_NOT_STORED = {
    "http_429": "429 with Retry-After in seconds (`retry_after`, default 1)",
    "http_429_date": "429 with Retry-After as an HTTP date",
    "http_429_bare": "429 without Retry-After",
    "http_429_long": "429 with Retry-After 86400",
    "http_5xx": "`status`, default drawn from 500, 502 and 503, with HTML",
    "maintenance": "503 with HTML and Retry-After in seconds (`retry_after`, default 1)",
    "late_apply": "504 at once; the order is stored `delay_s` (default 0.5) later",
    "http_401": "401, token refused",
    "http_403": "403, permission denied",
    "http_404": "404, not found",
    "http_408": "408, request timeout",
    "http_413": "413, body too large",
    "http_400_a": "400 `{type, errors[]}` at `attr` (default recipient_email)",
    "http_400_b": "400 `{detail}`",
    "http_400_c": "400 `{success, message, errors{}}` at `attr`",
    "http_400_html": "400 with an HTML page",
    "redirect_301": "301 to `location`",
    "redirect_302": "302 to `location`",
    "redirect_307": "307 to `location`",
    "redirect_308": "308 to `location`",
    "captive_200": "200 with the HTML of a captive portal",
    "list_200": "200 with a JSON list",
    "reset_early": "connection reset before the body is read",
    "reset_mid_body": "connection reset inside the body",
    "fin_no_answer": "connection closed without an answer",
    "stall": "no answer and no close until the client gives up",
    "garbage": "bytes that are not HTTP, then the connection is closed",
}
_STORED = {
    "http_504_applied": "504 with HTML, although the order is stored",
    "empty_200": "200 without a body",
    "empty_204": "204",
    "bad_json": "a complete answer whose JSON breaks off",
    "gzip_lie": "`Content-Encoding: gzip` before a body that is not",
    "other_order": "the answer names another order",
    "no_results": "the answer leaves out the last mutation",
    "huge_answer": "the answer carries 2 MB of blanks before its JSON",
    "mutation_fail": "mutations (`mutations`: indices, default all) are not applied",
    "warn": "each mutation's result carries a warning",
    "reset_applied": "connection reset after the order is stored",
    "cut_answer": "connection closed in the middle of the answer",
    "length_lie": "two Content-Length headers that differ",
    "interim_flood": "2,000 times `102 Processing` before the answer",
    "endless": "a chunked answer that never ends",
    "drip": "the answer comes byte by byte, `delay_s` (default 0.05) apart",
    "slow": "the answer comes `delay_s` (default 1) late",
}

KINDS: dict[str, FaultKind] = {
    name: FaultKind(name, effect, applied=name in _STORED, at_head=name in _AT_HEAD)
    for name, effect in (_NOT_STORED | _STORED).items()
}

# Faults that a retry gets past, or that need none but patience; profiles draw from these only, so
# that a correct client ends at zero loss.
_TRANSIENT = (
    "http_429",
    "http_5xx",
    "reset_early",
    "reset_mid_body",
    "reset_applied",
    "fin_no_answer",
    "cut_answer",
    "bad_json",
    "http_504_applied",
    "captive_200",
    "slow",
    "drip",
)
_PATIENCE = {"slow": 0.2, "drip": 0.0005}  # seconds; a profile is about faults, not about waiting
_PROFILE_SHARES = {"flaky": 0.31, "storm": 0.79}
_OUTAGE = "outage"
_SELECTORS = ("order_numbers", "on", "attempts", "methods")


class BadFaultError(ValueError):
    """A fault schedule says something the sandbox does not know; the text names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One rule: which requests, and what happens to them.

    All selectors that are given must hold.

    Attributes:
        fault: a name of `KINDS`.
        order_numbers: only these orders.
        on: only the n-th requests (from 1) among those that the other selectors match.
        from_nth: only from the n-th request (from 1) on among those that the other selectors match.
        attempts: only the n-th requests (from 1) for an order.
        probability: this share of the matching requests, drawn with `seed`.
        times: at most so often.
        after_s: not before so many seconds after the start.
        until_s: not later than so many seconds after the start.
        methods: HTTP methods the rule is for.
    """

    fault: str
    order_numbers: tuple[str, ...] = ()
    on: tuple[int, ...] = ()
    from_nth: int = 1
    attempts: tuple[int, ...] = ()
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    after_s: float | None = None
    until_s: float | None = None
    methods: tuple[str, ...] = ("PUT",)
    retry_after: float = 1
    status: int | None = None
    delay_s: float | None = None
    location: str = "/elsewhere/"
    attr: str = "recipient_email"
    detail: str = "Refused by a fault rule of the sandbox."
    mutations: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.fault not in KINDS:
            raise BadFaultError(f'unknown fault "{self.fault}"{_nearest(self.fault, KINDS)}')
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise BadFaultError(f"{self.fault}: probability {self.probability} is not from 0 to 1")
        if self.attempts and KINDS[self.fault].at_head and not self.order_numbers:
            raise BadFaultError(
                f"{self.fault} strikes before the order is known; select it by `on` or by"
                " `order_number`, not by `attempts` alone"
            )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read one rule; `order_number` may be a string or a list, `between` is [after, until].

        Raises:
            BadFaultError: a key or a fault is not known, or a value has the wrong type.
        """
        try:
            return cls(**cls._values(document))
        except (TypeError, ValueError) as error:
            if isinstance(error, BadFaultError):
                raise
            raise BadFaultError(f"fault rule {json.dumps(dict(document))}: {error}") from error

    @classmethod
    def _values(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(document)
        if "order_number" in values:
            numbers = values.pop("order_number")
            values["order_numbers"] = [numbers] if isinstance(numbers, str) else numbers
        if "between" in values:
            values["after_s"], values["until_s"] = values.pop("between")
        known = [part.name for part in fields(cls)]
        for name in values:
            if name not in known:
                raise BadFaultError(f'unknown key "{name}" in a fault rule{_nearest(name, known)}')
        for name in (*_SELECTORS, "mutations"):
            if name in values:
                values[name] = tuple(values[name])
        if "fault" not in values:
            raise BadFaultError('a fault rule needs the key "fault"')
        return values

    def as_json(self) -> dict[str, Any]:
        """Return the rule as `from_json` reads it, without what is left at its default."""
        shown = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if value != part.default:
                shown[part.name] = list(value) if isinstance(value, tuple) else value
        return shown

    @property
    def kind(self) -> FaultKind:
        """What the fault does."""
        return KINDS[self.fault]

    @property
    def strikes_at_head(self) -> bool:
        """Whether the rule can be judged, and must strike, before the body is read."""
        return self.kind.at_head and not self.order_numbers

    def fails_mutation(self, index: int) -> bool:
        """Tell whether the rule makes the mutation at this index fail."""
        return self.fault == "mutation_fail" and (not self.mutations or index in self.mutations)

    def covers(self, method: str, order_number: str | None, elapsed_s: float) -> bool:
        """Tell whether method, order and time are the rule's."""
        return (
            method in self.methods
            and (not self.order_numbers or order_number in self.order_numbers)
            and (self.after_s is None or elapsed_s >= self.after_s)
            and (self.until_s is None or elapsed_s <= self.until_s)
        )


@dataclass(frozen=True, slots=True)
class FaultSchedule:
    """Rules in order; the first that strikes decides."""

    rules: tuple[FaultRule, ...] = ()

    @classmethod
    def of(cls, rules: Iterable[FaultRule | Mapping[str, Any]]) -> Self:
        """Return the schedule of these rules, each a `FaultRule` or its JSON."""
        return cls(
            tuple(
                rule if isinstance(rule, FaultRule) else FaultRule.from_json(rule) for rule in rules
            )
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a JSON list of rules, or an object with the list under `rules`.

        Raises:
            BadFaultError: the text is not JSON, or a rule is not one.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise BadFaultError(f"the fault schedule is not JSON: {error}") from error
        rules = document.get("rules") if isinstance(document, dict) else document
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise BadFaultError("a fault schedule is a JSON list of rules")
        return cls.of(rules)

    @classmethod
    def profile(cls, name: str, *, seed: int = 0) -> Self:
        """Return `flaky` (31 % of the requests faulted), `storm` (79 %) or `outage` (all are 503).

        The first two consist of faults that pass only.

        Raises:
            BadFaultError: there is no such profile.
        """
        if name == _OUTAGE:
            return cls((FaultRule(fault="http_5xx", status=503),))
        if name not in _PROFILE_SHARES:
            known = (*_PROFILE_SHARES, _OUTAGE)
            raise BadFaultError(f'unknown profile "{name}"{_nearest(name, known)}')
        share = _PROFILE_SHARES[name] / len(_TRANSIENT)
        # The rules are asked one after the other: each takes its share of what is left over.
        return cls(
            tuple(
                FaultRule(
                    fault=fault,
                    probability=share / (1 - place * share),
                    seed=seed * len(_TRANSIENT) + place,
                    retry_after=0.05,
                    delay_s=_PATIENCE.get(fault),
                )
                for place, fault in enumerate(_TRANSIENT)
            )
        )

    def as_text(self) -> str:
        """Return the schedule as `from_text` reads it."""
        return json.dumps([rule.as_json() for rule in self.rules], indent=1)


@dataclass(slots=True)
class FaultDraw:
    """The state of a schedule while it is being played."""

    schedule: FaultSchedule = field(default_factory=FaultSchedule)
    _seen: Counter[int] = field(default_factory=Counter)
    _struck: Counter[int] = field(default_factory=Counter)

    def at_head(self, method: str, ordinal: int, elapsed_s: float) -> FaultRule | None:
        """Return the rule that strikes before the body is read.

        Args:
            method: of the request.
            ordinal: how many requests of this method came before, plus one.
            elapsed_s: since the start.
        """
        for place, rule in enumerate(self.schedule.rules):
            mine = rule.strikes_at_head and rule.covers(method, None, elapsed_s)
            if mine and self._strikes(place, rule, f"#{ordinal}"):
                return rule
        return None

    def at_body(
        self, method: str, order_number: str | None, attempt: int, elapsed_s: float
    ) -> FaultRule | None:
        """Return the rule that strikes a request whose order is known.

        Args:
            method: of the request.
            order_number: of the body; None when it cannot be told.
            attempt: how many requests came for this order before, plus one.
            elapsed_s: since the start.
        """
        for place, rule in enumerate(self.schedule.rules):
            if rule.strikes_at_head or not rule.covers(method, order_number, elapsed_s):
                continue
            if rule.attempts and attempt not in rule.attempts:
                continue
            if self._strikes(place, rule, f"{order_number}/{attempt}"):
                return rule
        return None

    def _strikes(self, place: int, rule: FaultRule, request: str) -> bool:
        self._seen[place] += 1
        if self._seen[place] < rule.from_nth or (rule.on and self._seen[place] not in rule.on):
            return False
        if rule.times is not None and self._struck[place] >= rule.times:
            return False
        if rule.probability is not None and draw(rule.seed, rule.fault, request) >= (
            rule.probability
        ):
            return False
        self._struck[place] += 1
        return True


def draw(seed: int, *about: str) -> float:
    """Return a number from 0 to 1 that depends on nothing but its arguments."""
    digest = blake2b("\0".join((str(seed), *about)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
