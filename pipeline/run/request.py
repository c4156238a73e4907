"""What a run is asked to do, what it answers, and whom it tells on the way."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipeline.config import SANDBOX, Settings
from pipeline.model.notice import Letter
from pipeline.model.stops import StopRun
from pipeline.notify import Told

# A share says little about a handful of orders, so the default one counts from here on only.
GUARD_ORDERS = 20
LEAST_ROWS = 100  # the same for usual rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of one run (CLI §2).

    `max_reject_rate` is a share of the orders of the files; it guards runs of at least
    `reject_rate_from` orders, which is 1 when a person has set the share. `max_row_drop` is a share
    of the usual rows of a source; it guards those that usually have at least `row_drop_from`.
    `drift` and `old_orders` are warn, stop or off; so is `expectations`, and None leaves it to the
    mappings.
    """

    limit: int | None = None
    only_orders: tuple[str, ...] = ()
    backfill: bool = False
    create_only: bool = False  # never update: what parcelLab has already is left alone
    max_orders: int | None = None
    max_reject_rate: float | None = 0.2
    reject_rate_from: int = GUARD_ORDERS
    max_row_drop: float | None = 0.8
    row_drop_from: int = LEAST_ROWS
    drift: str = "warn"
    old_orders: str = "off"
    expectations: str | None = None
    min_rows: int | None = None
    partial_ok: bool = False
    fail_on_empty: bool = False
    until: datetime | None = None
    pii: str = "mask"
    new_ledger: bool = False
    accept_duplicates: bool = False
    chosen_words: str | None = None  # what chose the orders, where no option of the command did
    sample: int = 0  # finished requests that a plan prints
    xlsx: bool = False  # a workbook beside each file of rows to correct
    by_partner: bool = False  # the mappings are those of the partners, each for its own files

    @property
    def chosen_by(self) -> str | None:
        """The options that choose among the orders, as they are typed.

        >>> Options(limit=10, only_orders=("A1", "A2")).chosen_by
        '--limit 10 --only-order A1 --only-order A2'
        """
        if self.chosen_words is not None:
            return self.chosen_words
        words = [] if self.limit is None else ["--limit", str(self.limit)]
        for number in self.only_orders:
            words += ["--only-order", number]
        return shlex.join(words) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended. `text` is for people, `summary` for programs, `told` how it was told."""

    run_id: str
    exit_code: int
    text: str
    summary: dict[str, object] = field(default_factory=dict)
    report: Path | None = None
    plan: Path | None = None
    stopped: StopRun | None = None
    letter: Letter | None = None  # where somebody may have to be told
    told: Sequence[Told] = ()


class Events(Protocol):
    """Whom a run tells how far it is, and asks before it sends to production."""

    def stage(
        self, name: str, done: int, total: int | None, note: str = "",
        so_far: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """How far a stage is; `name` is read, validate, send or verify. Called often.

        `so_far` counts orders by what became of them, while they are sent.
        """

    def say(self, level: str, event: str, **fields: object) -> None:
        """One event worth a line in a log."""

    def confirm(self, question: str, expected: str) -> bool:
        """Whether a person typed what was expected, or agreed beforehand."""


def typed(settings: Settings, *words: str, profile: str | None = None) -> str:
    """Give a command that means the same when it is copied: profile and configuration file named.

    `profile` is that of the run that is meant, where it is not that of the settings.
    """
    named = profile or settings.profile
    line = ["pipeline", *words]
    if named != SANDBOX or named != settings.profile or settings.profile_named:
        line += ["--profile", named]
    if settings.config is not None:
        line += ["--config", str(settings.config)]
    return shlex.join(line)


def report_command(settings: Settings, *words: str) -> str:
    """Give what to type to make a report or the page of all runs where these settings have them."""
    where = ("--report-dir", str(settings.reports)) if settings.reports_named else ()
    return typed(settings, "report", *words, *where)


def kind_of_run(options: Mapping[str, object]) -> tuple[str, ...]:
    """Give the options that say what an import may do, of those that the ledger has of a run.

    Who imports its files again needs them: parcels of the past must not be told loud.

    >>> kind_of_run({"backfill": True, "limit": 3})
    ('--backfill',)
    """
    flags = {"--backfill": "backfill", "--create-only": "create_only"}
    return tuple(flag for flag, name in flags.items() if options.get(name))


def resume_command(settings: Settings, run_id: str, profile: str | None = None) -> str:
    """Give what to type to go on with a run."""
    return typed(settings, "resume", run_id, profile=profile)


def elsewhere(
    settings: Settings, profile: str, there: tuple[str, int], command: str
) -> tuple[str, str]:
    """Say that a run belongs to another endpoint than the settings', and which keys lead back to it.

    `profile` and `there` (base_url and account) are the run's, `command` is what is typed for it.
    """
    here = settings.endpoint
    keys = ((f'base_url = "{there[0]}"', here.base_url != there[0]),
            (f"account = {there[1]}", here.account != there[1]))  # fmt: skip
    changed = " and ".join(key for key, differs in keys if differs)
    place = f"[profile.{profile}] of {settings.config or 'pipeline.toml'}"
    if profile != settings.profile:
        says = f"belongs to the endpoint of profile {profile}: account {there[1]} at {there[0]}"
        return says, f"{command}\nwith {changed} in {place}"
    says = (
        f"belongs to account {there[1]} at {there[0]}; "
        f"profile {profile} has account {here.account} at {here.base_url}"
    )
    return says, f"set {changed} in {place}, or import the files again with `pipeline run`"


class GuardTripped(StopRun):
    """A safety stop before the first request; a person decides (exit 7).

    `unless` is the option with which the same command goes on, as it is typed.
    """

    exit_code = 7

    def __init__(self, message: str, *, help: str, code: str, unless: tuple[str, ...]) -> None:  # noqa: A002 - as StopRun calls it
        super().__init__(message, help=help, code=code)
        self.unless = unless


class PlanStale(StopRun):
    """What was planned is no longer what is there (exit 2)."""

    exit_code = 2


class PlanElsewhere(StopRun):
    """A plan of one profile is never sent unasked under another (exit 2)."""

    exit_code = 2


class LedgerInOrder(StopRun):
    """`--new-ledger` was given for a ledger that is not damaged (exit 2)."""

    exit_code = 2


class RunUnknown(StopRun):
    """There is no such run, or nothing of it is left to do (exit 2)."""

    exit_code = 2
