"""Compares what was planned, what the server holds and what is claimed; names the orders that differ.

It shares no code with what it judges: the plan is what the input was made from, the server's side is
the sandbox's record, and the ledger and the report are read as data. Definitions are those of
FAULTS §1 (G1 to G9) and of Jepsen's set checker (§2): acknowledged and not there is lost, there and
never planned is unexpected, unknown but there is recovered (counted, not a fault).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from pipeline.sandbox import PutRecord, RequestRecord, RunningSandbox, Violation

DELIVERED = frozenset({"created", "updated", "unchanged"})
_SENDING = "sending"
_UNKNOWN = ("unknown", _SENDING)
_UNSAFE = ("add_line_item", "replace_line_item")
_REFUSED = (401, 403)
# An answer takes so long, on a busy machine, from the server's last byte to the client's next step.
SLACK_S = 0.25
_SHOWN = 10


class Kind(StrEnum):
    """What can be wrong; each is a broken promise of its own."""

    LOST = "lost"  # the command ended with 0, and the server does not hold an order it did not name
    FALSE_SUCCESS = "false success"  # said to have arrived, and the server never accepted it
    SILENT = "silent"  # neither arrived nor named
    MISREPORTED = "misreported"  # the report says something else than the ledger
    UNBALANCED = "unbalanced"  # the rows or orders of the report do not add up (G9)
    UNEXPECTED = "unexpected"  # stored, and nobody planned it
    REDUNDANT = "redundant"  # sent again more often than a crash can excuse (G3)
    DOUBLED = "doubled"  # a change that must not be repeated went out twice
    CONCURRENT = "concurrent"  # two requests of one order in flight (G4)
    STALE = "stale"  # an older version after a newer one (G4)
    EARLY = "early"  # a request before the Retry-After had ended (G6)
    AFTER_REFUSAL = "after refusal"  # a new request after the token was refused (G6)


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise; `order_number` is "" where it is no single order's."""

    kind: Kind
    order_number: str
    detail: str


@dataclass(frozen=True, slots=True)
class Version:
    """What one version of the input asks of an order.

    Attributes:
        fields: members of the body by which a version is told from the others.
        lines: line ids with their quantity in the end.
        trackings: parcel numbers that must be there once.
    """

    fields: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict)
    trackings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Planned:
    """What was planned: the versions of each order, oldest first, and the newest file's rows.

    `rejected` are orders whose rows are faulty: they must be named and never be sent.
    """

    orders: Mapping[str, Sequence[Version]]
    rejected: frozenset[str] = frozenset()
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds. `requests` and `violations` end with its process, the rest does not."""

    puts: Sequence[PutRecord]
    orders: Mapping[str, Mapping[str, Any]]
    requests: Sequence[RequestRecord] = ()
    violations: Sequence[Violation] = ()

    @classmethod
    def by(cls, sandbox: RunningSandbox) -> "Held":
        """Ask a sandbox that is running."""
        orders = {str(order["order_number"]): order for order in sandbox.orders()}
        return cls(sandbox.puts(), orders, sandbox.requests(), sandbox.violations())


@dataclass(frozen=True, slots=True)
class RunClaim:
    """What the ledger says of one run, older runs first; outcomes are the raw words of its table.

    `version` is the place, in `Planned`, of the input that the run was about.
    """

    run: str
    version: int
    state: str
    outcomes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """What the report of a run says: its summary.json, and the orders its rejections name."""

    run: str
    summary: Mapping[str, Any]
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """All broken promises, and how many orders were looked at."""

    findings: tuple[Finding, ...]
    counts: Mapping[str, int]

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings

    def kinds(self) -> set[Kind]:
        """Which promises were broken."""
        return {finding.kind for finding in self.findings}

    def of(self, kind: Kind) -> list[str]:
        """Which orders broke one promise."""
        return [finding.order_number for finding in self.findings if finding.kind is kind]

    def __str__(self) -> str:
        told = " ".join(f"{name}={count}" for name, count in self.counts.items())
        if self.ok:
            return f"ok {told}"
        lines = []
        for kind, count in Counter(finding.kind for finding in self.findings).items():
            some = [each for each in self.findings if each.kind is kind][:_SHOWN]
            lines.append(f"{kind.upper()} {count}")
            lines += [f"  {each.order_number or '-'}: {each.detail}" for each in some]
        return "\n".join([*lines, told])


def verify(
    planned: Planned,
    held: Held,
    runs: Sequence[RunClaim],
    report: Report | None = None,
    *,
    exit_code: int | None = None,
    redundant_max: int = 0,
    concurrency: int = 16,
) -> Verdict:
    """Judge; everything that can be told at this moment is told.

    Args:
        planned: what the input asks for.
        held: what the server has.
        runs: what the ledger says, oldest run first.
        report: of the newest run, when it has one.
        exit_code: of the command that has just ended by itself; None for one that was killed. 0
            claims that every order of the newest version has arrived, but those the report names.
        redundant_max: accepted requests that a crash excuses (G3: 2 x concurrency for each).
        concurrency: requests that may be on their way when the server says no.
    """
    found: list[Finding] = []
    found += _false_success(planned, held, runs)
    if exit_code == 0:
        found += _lost(planned, held, report.named if report is not None else frozenset())
    if exit_code is not None:
        found += _silent(planned, runs, report)
    if report is not None:
        found += _misreported(runs, report)
        found += _unbalanced(planned, report)
    found += _unexpected(planned, held)
    found += _redundant(planned, held, redundant_max)
    found += _doubled(held)
    found += _stale(planned, held)
    found += [
        Finding(Kind.CONCURRENT, each.order_number, f"requests {each.first} and {each.second}")
        for each in held.violations
    ]
    found += early(held.requests, concurrency)
    return Verdict(tuple(found), _counts(planned, held, runs))


# --- what is there --------------------------------------------------------------------------


def carried(versions: Sequence[Version], body: Mapping[str, Any]) -> frozenset[int]:
    """Tell which versions a body or a stored order carries; several when they are the same."""
    return frozenset(
        place
        for place, version in enumerate(versions)
        if all(body.get(name) == value for name, value in version.fields.items())
    )


def missing_of(version: Version, order: Mapping[str, Any] | None) -> str | None:
    """Say what of a version the stored order lacks; None when it holds all of it, once."""
    if order is None:
        return "not there"
    for name, value in version.fields.items():
        if order.get(name) != value:
            return f"{name} is another"
    lines = [
        (line["line_item_id"], line.get("quantity")) for line in order.get("articles_order", [])
    ]
    for line, quantity in version.lines.items():
        if lines.count((line, quantity)) != 1:
            return f"line {line} is not there once with quantity {quantity}"
    parcels = [each.get("tracking_number") for each in order.get("trackings", [])]
    for number in version.trackings:
        if parcels.count(number) != 1:
            return f"parcel {number} is there {parcels.count(number)} times"
    return None


def _accepted(planned: Planned, held: Held) -> dict[str, list[tuple[frozenset[int], PutRecord]]]:
    found: dict[str, list[tuple[frozenset[int], PutRecord]]] = {}
    for put in held.puts:
        versions = planned.orders.get(put.order_number, ())
        carries = carried(versions, orjson.loads(put.body))
        found.setdefault(put.order_number, []).append((carries, put))
    return found


def _claims(runs: Sequence[RunClaim]) -> dict[str, RunClaim]:
    """The newest version of each order that is said to have arrived."""
    newest: dict[str, RunClaim] = {}
    for run in runs:
        for number, outcome in run.outcomes.items():
            if outcome in DELIVERED and (
                number not in newest or newest[number].version <= run.version
            ):
                newest[number] = run
    return newest


def _false_success(planned: Planned, held: Held, runs: Sequence[RunClaim]) -> Iterator[Finding]:
    accepted = _accepted(planned, held)
    for number, run in _claims(runs).items():
        versions = planned.orders.get(number, ())
        if run.version >= len(versions):
            yield Finding(Kind.FALSE_SUCCESS, number, f"run {run.run} has it, no input does")
            continue
        sent = [carries for carries, _ in accepted.get(number, ())]
        wanted = carried(versions, versions[run.version].fields)
        if not any(carries & wanted for carries in sent):
            yield Finding(
                Kind.FALSE_SUCCESS, number, f"run {run.run} says so, the server never accepted it"
            )
            continue
        lacks = [missing_of(each, held.orders.get(number)) for each in versions[run.version :]]
        if all(lacks):
            yield Finding(Kind.FALSE_SUCCESS, number, f"run {run.run} says so, but {lacks[0]}")


def _lost(planned: Planned, held: Held, named: frozenset[str]) -> Iterator[Finding]:
    for number, versions in planned.orders.items():
        if number in named:  # said to be missing: that is no claim
            continue
        lack = missing_of(versions[-1], held.orders.get(number))
        if lack is not None:
            yield Finding(Kind.LOST, number, lack)


def _unexpected(planned: Planned, held: Held) -> Iterator[Finding]:
    for number, puts in _accepted(planned, held).items():
        if number not in planned.orders:
            yield Finding(
                Kind.UNEXPECTED, number, "no input has this order, or its rows are faulty"
            )
        elif not all(carries for carries, _ in puts):
            yield Finding(Kind.UNEXPECTED, number, "a body that no version of the input makes")


# --- what is said -----------------------------------------------------------------------------


def _silent(planned: Planned, runs: Sequence[RunClaim], report: Report | None) -> Iterator[Finding]:
    newest = runs[-1] if runs else None
    known = newest.outcomes if newest is not None else {}
    for number in (*planned.orders, *planned.rejected):
        if number not in known:
            yield Finding(Kind.SILENT, number, "the ledger does not have it in the newest run")
        elif (
            report is not None
            and newest is not None
            and report.run == newest.run
            and known[number] not in DELIVERED
            and number not in report.named
        ):
            yield Finding(Kind.SILENT, number, f"{known[number]}, and the report does not name it")


def _misreported(runs: Sequence[RunClaim], report: Report) -> Iterator[Finding]:
    run = next((each for each in runs if each.run == report.run), None)
    if run is None:
        yield Finding(Kind.MISREPORTED, "", f"the ledger knows no run {report.run}")
        return
    ledger = Counter(_UNKNOWN[0] if each in _UNKNOWN else each for each in run.outcomes.values())
    said: Mapping[str, int] = report.summary["orders"]
    for outcome, count in ledger.items():
        if said.get(outcome, 0) != count:
            yield Finding(
                Kind.MISREPORTED, "",
                f"{outcome}: the report says {said.get(outcome, 0)}, the ledger {count}",
            )  # fmt: skip
    arrived = sum(ledger[outcome] for outcome in (*DELIVERED, "partly_applied"))
    if said["arrived"] != arrived:
        yield Finding(Kind.MISREPORTED, "", f"arrived: {said['arrived']}, the ledger has {arrived}")
    for number in sorted(report.named):
        if run.outcomes.get(number) in DELIVERED:
            yield Finding(Kind.MISREPORTED, number, "named as missing, the ledger says it arrived")


def _unbalanced(planned: Planned, report: Report) -> Iterator[Finding]:
    rows, orders = report.summary["rows"], report.summary["orders"]
    parts = rows["accepted"] + rows["rejected"] + rows["skipped"]
    if rows["read"] != parts:
        yield Finding(Kind.UNBALANCED, "", f"{rows['read']} rows read, {parts} accounted for")
    if planned.rows is not None and rows["read"] != planned.rows:
        yield Finding(
            Kind.UNBALANCED, "", f"{rows['read']} rows read, the input has {planned.rows}"
        )
    seen = len(planned.orders) + len(planned.rejected)
    if orders["seen"] != seen:
        yield Finding(Kind.UNBALANCED, "", f"{orders['seen']} orders seen, the input has {seen}")
    if not report.summary["balances"]:
        yield Finding(Kind.UNBALANCED, "", "the report says itself that it does not add up")


# --- what was sent ----------------------------------------------------------------------------


def _redundant(planned: Planned, held: Held, excused: int) -> list[Finding]:
    """Tell what was accepted again although its first answer came whole."""
    found = []
    for number, puts in _accepted(planned, held).items():
        clean: set[frozenset[int]] = set()
        for carries, put in puts:
            if carries in clean:
                found.append(
                    Finding(Kind.REDUNDANT, number, f"accepted again (PUT {put.sequence})")
                )
            elif put.fault is None:
                clean.add(carries)
    return found if len(found) > excused else []


def redundant(planned: Planned, held: Held) -> int:
    """Count what a crash made be sent again."""
    return len(_redundant(planned, held, -1))


def _doubled(held: Held) -> Iterator[Finding]:
    for number, order in held.orders.items():
        ids = Counter(
            mutation["operation_id"]
            for mutation in order.get("mutations", [])
            if mutation["type"] in _UNSAFE
        )
        for operation, times in ids.items():
            if times > 1:
                yield Finding(Kind.DOUBLED, number, f"operation {operation} went out {times} times")


def _stale(planned: Planned, held: Held) -> Iterator[Finding]:
    for number, puts in _accepted(planned, held).items():
        newest = -1
        for carries, put in puts:
            if not carries or put.fault == "late_apply":  # the server did that by itself
                continue
            if max(carries) < newest:
                yield Finding(
                    Kind.STALE,
                    number,
                    f"version {max(carries)} after {newest} (PUT {put.sequence})",
                )
            newest = max(newest, min(carries))


def early(requests: Sequence[RequestRecord], concurrency: int) -> Iterator[Finding]:
    """Tell which requests came while the server had asked everybody to wait (G6).

    What was on its way when the answer went out may arrive: at most one for each connection.
    """
    for asked in requests:
        if asked.retry_after_s is None or asked.answered_s is None:
            continue
        until = asked.answered_s + asked.retry_after_s
        inside = [each for each in requests if asked.answered_s < each.arrived_s < until]
        late = [each for each in inside if each.arrived_s > asked.answered_s + SLACK_S]
        for each in late or (inside if len(inside) > 2 * concurrency else ()):
            yield Finding(
                Kind.EARLY, each.order_number or "",
                f"request {each.ordinal} came {each.arrived_s - asked.answered_s:.2f} s after one "
                f"that asked to wait {asked.retry_after_s:g} s",
            )  # fmt: skip


def after_refusal(requests: Iterable[RequestRecord], concurrency: int) -> list[Finding]:
    """Tell which requests of ONE process came after its token was refused (G6)."""
    sent = list(requests)
    refused = [each.answered_s for each in sent if each.status in _REFUSED and each.answered_s]
    if not refused:
        return []
    first = min(refused)
    after = [each for each in sent if each.arrived_s > first]
    late = [each for each in after if each.arrived_s > first + SLACK_S]
    return [
        Finding(
            Kind.AFTER_REFUSAL, each.order_number or "",
            f"request {each.ordinal} came {each.arrived_s - first:.2f} s after the refusal",
        )
        for each in (late or (after if len(after) > concurrency else ()))
    ]  # fmt: skip


def _counts(planned: Planned, held: Held, runs: Sequence[RunClaim]) -> dict[str, int]:
    outcomes = runs[-1].outcomes if runs else {}
    open_orders = [number for number, each in outcomes.items() if each in _UNKNOWN]
    there = sum(
        missing_of(versions[-1], held.orders.get(number)) is None
        for number, versions in planned.orders.items()
    )
    return {
        "orders": len(planned.orders),
        "there": there,
        "unknown": len(open_orders),
        "recovered": sum(number in held.orders for number in open_orders),
        "puts": len(held.puts),
        "requests": sum(each.method == "PUT" for each in held.requests),
    }
