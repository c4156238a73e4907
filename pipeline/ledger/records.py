"""Plain values that go into the ledger and come out of it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import polars as pl

from pipeline.model.marks import Marks
from pipeline.model.outcomes import ORDER_SCHEMA

Clock = Callable[[], datetime]  # gives the present moment, aware, UTC

# What `Ledger.plan_partition` takes: one row per order of the partition. The outcome is
# `not_attempted` for an order that is to be sent, otherwise its final one.
PLANNED_SCHEMA: dict[str, pl.DataType] = {
    **{
        name: dtype
        for name, dtype in ORDER_SCHEMA.items()
        if name not in ("status", "attempts", "warnings")
    },
    "content_sha256": pl.String(),
}


class RunState(StrEnum):
    """How far a run came. RUNNING without a process behind it is a crash."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"  # stopped early; can be resumed
    FINISHED = "finished"
    ABANDONED = "abandoned"  # what it had prepared is gone; a newer run does its work
    NOT_SENT = "not_sent"  # stopped before sending: it is over, and nothing of it left this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """What is known of a run when it begins.

    `fingerprint` is the hash of all that makes the input: files, mappings, options. Two runs with
    equal fingerprints do the same work, so the second one resumes the first.
    """

    id: str
    endpoint: int
    fingerprint: str
    profile: str
    started_at: datetime
    options: Mapping[str, object] = field(default_factory=dict)
    mappings: Mapping[str, str] = field(default_factory=dict)  # name -> sha256
    files: Sequence[Mapping[str, object]] = ()
    state: RunState = RunState.RUNNING  # NOT_SENT for a run that must never be resumed


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as the ledger remembers it. `totals` is the JSON text given to `finish_run`."""

    id: str
    endpoint: int
    fingerprint: str
    profile: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    totals: str | None
    options: Mapping[str, object]
    mappings: Mapping[str, str]
    files: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Undecided:
    """Orders of which an older version may still arrive, and when the last run that asked ended.

    `asked_until` is None where such a run was killed, and nobody knows when it asked last.
    """

    orders: tuple[str, ...] = ()
    asked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order the API has acknowledged.

    `fully_applied`: the last payload sent was acknowledged with all its mutations, so a payload
    with the same hash need not be sent. It is False from the moment on at which another payload
    goes out until that one is acknowledged: nobody knows which of the two the server has.
    """

    content_sha256: str
    fully_applied: bool
    external_id: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AckedOperation:
    """The last acknowledged operation of a subject; `generation` counts its distinct ones from 1."""

    operation_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class PartitionState:
    """How far a partition came. `open_orders` still have to be sent or sent again."""

    partition: int
    digest: str
    orders: int
    open_orders: int


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt without a usable answer: which of the order's attempts it was, and what happened."""

    order_number: str
    n: int
    what: str


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How many rows and orders of a partition have a finding; no values, no addresses."""

    code: str
    column: str
    target: str
    file: int
    rows: int
    orders: int


class ItemEvent(StrEnum):
    """What an entry says of an open item."""

    OPENED = "opened"
    AGAIN = "again"  # missing in one more run
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An order that is missing at the endpoint, carried from report to report until it arrives."""

    order_number: str
    code: str
    opened_run: str
    opened_at: datetime
    runs: int  # runs in which it was missing
    closed_run: str | None = None  # None also for an item that a person closed
    closed_at: datetime | None = None
    reason: str | None = None
    last_run: str | None = None  # the latest run in which it was missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers of a run that are compared from night to night."""

    state: str  # how far the run went, as its report says: finished, stopped, not_sent
    verdict: str
    files: int
    rows: int
    rejected: int
    orders: int
    arrived: int
    missing: int
    out_of_date: int
    unclear: int
    causes: int
    new_causes: int | None = None  # None: there was nothing to compare with


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How many rows and orders a cause had in a run; `cause` is a hash of its key."""

    cause: str
    code: str
    column: str
    target: str
    rows: int
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run as an entry of the ledger tells of it.

    `entry` and `figures` are None for a run that ended without a report. `state`, `ended_at` and
    `exit_code` are as they are now, all else is as of the entry.
    """

    id: str
    endpoint: int
    profile: str
    started_at: datetime
    mappings: frozenset[str]
    entry: int | None
    figures: Figures | None
    state: RunState
    ended_at: datetime | None
    exit_code: int | None
    stopped: str | None  # why nothing was sent
    retry: bool = False  # of corrected rows: no night of its own


@dataclass(frozen=True, slots=True)
class OpenCount:
    """How many items are open at an endpoint, and since when the oldest is."""

    base_url: str
    account: int
    count: int
    oldest: datetime
    profile: str  # of the latest run there


@dataclass(frozen=True, slots=True)
class InterchangeKey:
    """Which interchange it is, and in which file (by the hash of its bytes) it was."""

    syntax: str
    sender: str
    receiver: str
    reference: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ReceivedInterchange:
    """An interchange that a run took over."""

    key: InterchangeKey
    file: str
    run: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An acknowledgement that was given out; `verdict` is a hash of what it is about."""

    key: InterchangeKey
    kind: str
    verdict: str
    name: str


@dataclass(frozen=True, slots=True)
class ToldOrder:
    """What an order was told last, as marks; None where it was told by an older version of us.

    `changes` are the acknowledged operations by subject, with the marks of a tracking.
    """

    order_number: str
    content_sha256: str
    marks: Marks | None
    at: datetime
    changes: dict[str, Marks | None]


class Found(StrEnum):
    """How a field that was read back is not as it was told."""

    MISSING = "missing"  # told, and not there
    DIFFERENT = "different"
    EXTRA = "extra"  # there, and not told


@dataclass(frozen=True, slots=True)
class Difference:
    """What was found of one field; `field` is "" for an order that is not there at all."""

    order_number: str
    field: str
    kind: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """How the orders of a run were read back: once, and as of then.

    Of `arrived` orders `chosen` were to be read, a `share` of them; `compared` were, of which
    `differing` are not as they were told and `missing` are not there; `unread` had no usable
    answer. Of `unmarked` ones only their being there is known: an older version told them.
    """

    at: datetime
    share: float
    arrived: int
    chosen: int
    compared: int
    differing: int
    missing: int
    unread: int
    unmarked: int = 0
    differences: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class TriedOnce:
    """An attempt without a usable answer: which one of the order, when, and what happened."""

    n: int
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What the API said of an order in a run, scrubbed of the order's own values."""

    code: str
    detail: str
    attr: str | None
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderInRun:
    """How one order went in one run; `mutations` are (type, outcome) of its last request.

    `read_back` is what differed when orders of the run were read back last.
    """

    run: str
    started_at: datetime
    key: str
    outcome: str
    code: str | None
    status: int | None
    attempts: int
    content_sha256: str | None
    tries: Sequence[TriedOnce] = ()
    mutations: Sequence[tuple[str, str]] = ()
    answers: Sequence[OrderAnswer] = ()
    read_back: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class OrderItem:
    """An open item that an order is, or was until `closed_at`: by a run, or by a person."""

    code: str
    opened_run: str
    opened_at: datetime
    runs: int
    closed_run: str | None
    closed_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNight:
    """What a run saw of one source: counts, names of columns and ISO codes of countries, no cells.

    `files` is a hash of the files' hashes: the same files again are the same night. `columns` are
    those of the header, in its order; () where there is none. `empty` is the share of rows with
    nothing in a column that the mapping reads, `countries` the number of orders by destination.
    """

    at: datetime
    files: str
    rows: int
    orders: int
    columns: tuple[str, ...] = ()
    empty: Mapping[str, float] = field(default_factory=dict)
    countries: Mapping[str, int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Give the night as JSON values."""
        return {
            "at": self.at.isoformat(), "files": self.files, "rows": self.rows,
            "orders": self.orders, "columns": list(self.columns), "empty": dict(self.empty),
            "countries": dict(self.countries),
        }  # fmt: skip

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Give back the night that was made plain."""
        return cls(
            at=datetime.fromisoformat(plain["at"]), files=plain["files"], rows=plain["rows"],
            orders=plain["orders"], columns=tuple(plain.get("columns", ())), empty=plain["empty"],
            countries=plain["countries"],
        )  # fmt: skip


def cause_hash(key: str) -> str:
    """Give the name of a cause in the ledger: its key may hold words of the API."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
