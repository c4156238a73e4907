"""What a run is asked to do, what it answers, and whom it tells on the way."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipeline.model.stops import StopRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of one run (CLI §2).

    `max_reject_rate` is a share of the orders; it guards runs of at least `GUARD_ORDERS` orders.
    """

    limit: int | None = None
    only_orders: tuple[str, ...] = ()
    backfill: bool = False
    max_orders: int | None = None
    max_reject_rate: float | None = 0.2
    min_rows: int | None = None
    partial_ok: bool = False
    fail_on_empty: bool = False
    until: datetime | None = None
    pii: str = "mask"
    new_ledger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended. `text` is for people, `summary` for programs."""

    run_id: str
    exit_code: int
    text: str
    summary: dict[str, object] = field(default_factory=dict)
    report: Path | None = None
    plan: Path | None = None
    stopped: StopRun | None = None


class Events(Protocol):
    """Whom a run tells how far it is, and asks before it sends to production."""

    def stage(self, name: str, done: int, total: int | None, note: str = "") -> None:
        """How far a stage is; `name` is read, validate or send. Called often."""

    def say(self, level: str, event: str, **fields: object) -> None:
        """One event worth a line in a log."""

    def confirm(self, question: str, expected: str) -> bool:
        """Whether a person typed what was expected, or agreed beforehand."""


def resume_command(run_id: str, profile: str) -> str:
    """What to type to go on with a run.

    >>> resume_command("2026-11-20T0205-wms", "prod")
    'pipeline resume 2026-11-20T0205-wms --profile prod'
    """
    return f"pipeline resume {run_id}" + ("" if profile == "sandbox" else f" --profile {profile}")


class GuardTripped(StopRun):
    """A safety stop before the first request; a person decides (exit 7)."""

    exit_code = 7


class PlanStale(StopRun):
    """What was planned is no longer what is there (exit 2)."""

    exit_code = 2


class LedgerInOrder(StopRun):
    """`--new-ledger` was given for a ledger that is not damaged (exit 2)."""

    exit_code = 2


class RunUnknown(StopRun):
    """There is no such run, or nothing of it is left to do (exit 2)."""

    exit_code = 2
