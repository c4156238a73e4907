"""OPEN FIRST: the stages in order. Makes the clock, the ledger and the folders; knows the way.

    open_jobs ─▶ spool ─▶ prepare (convert, check, group, compare) ─▶ guard ─▶ send_all ─▶ report
    └──────────────────────── plan ────────────────────────────────┘

`flow` has the way of each verb.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.config import Settings
from pipeline.report.visible import named
from pipeline.run.bookkeeping import (
    Thinned,
    check_ledger,
    export_to,
    exported,
    ledger_sizes,
    thin_ledger,
)
from pipeline.run.flow import Flow
from pipeline.run.items import close_open_items, open_items
from pipeline.run.look import index, letter_of, report, status, written_report
from pipeline.run.metrics import metered
from pipeline.run.notices import send_letter, told
from pipeline.run.prune import Pruned, prune, shortened
from pipeline.run.purge import STAYS, Purged, purge
from pipeline.run.request import (
    GUARD_ORDERS,
    LEAST_ROWS,
    Events,
    GuardTripped,
    Options,
    PlanElsewhere,
    PlanStale,
    Result,
    RunUnknown,
    resume_command,
)
from pipeline.run.verifying import verify

__all__ = [
    "GUARD_ORDERS",
    "LEAST_ROWS",
    "STAYS",
    "Events",
    "GuardTripped",
    "Options",
    "PlanElsewhere",
    "PlanStale",
    "Pruned",
    "Purged",
    "Result",
    "RunUnknown",
    "Thinned",
    "again",
    "check_ledger",
    "close_open_items",
    "export_to",
    "exported",
    "index",
    "ledger_sizes",
    "letter_of",
    "open_items",
    "plan",
    "prune",
    "purge",
    "report",
    "resume",
    "resume_command",
    "retry",
    "run",
    "run_plan",
    "send_letter",
    "shortened",
    "status",
    "thin_ledger",
    "verify",
    "written_report",
]


def run(
    settings: Settings,
    mappings: Sequence[Path],
    inputs: Sequence[str],
    options: Options,
    events: Events,
) -> Result:
    """Import files: prepare all of it, then send it, then report.

    Running the same command again after an interruption finishes the interrupted run; running it
    after a finished one sends nothing.

    Raises:
        StopRun: it could not begin; nothing was sent.
    """
    title = ", ".join(named(path.stem) for path in mappings)
    flow = Flow(settings, options, events)
    return _to_the_end(
        settings,
        events,
        title,
        lambda: flow.run(mappings, inputs),
        mapping=title.replace(", ", ","),
    )


def _to_the_end(
    settings: Settings, events: Events, title: str, run: Callable[[], Result], mapping: str = ""
) -> Result:
    """Run; write its numbers where they are wanted, and tell of it."""
    return told(settings, events, title, metered(settings, events, mapping, run))


def plan(
    settings: Settings, mappings: Sequence[Path], inputs: Sequence[str], options: Options, events: Events,
    *, out: Path | None = None,
) -> Result:  # fmt: skip
    """Prepare everything and report what a run would do. Sends nothing.

    Raises:
        StopRun: a file or mapping cannot be used.
    """
    return Flow(settings, options, events).plan(mappings, inputs, out)


def run_plan(settings: Settings, plan: Path, options: Options, events: Events) -> Result:
    """Send exactly what was planned.

    Raises:
        PlanElsewhere: it was made for another profile.
        PlanStale: a file, a mapping, the program or the ledger has changed since.
        StopRun: it could not begin; nothing was sent.
    """
    flow = Flow(settings, options, events)
    return _to_the_end(settings, events, named(plan.name), lambda: flow.run_plan(plan))


def resume(settings: Settings, name: str | None, options: Options, events: Events) -> Result:
    """Finish a run that was interrupted, the latest one if none is named.

    `name` is the id of a run, or the folder of the plan that it sends.

    Raises:
        RunUnknown: there is no such run, or nothing of it is open. Where none is named and none is
            unfinished, the result says so (exit 0).
        StopRun: it could not begin; nothing was sent.
    """
    flow = Flow(settings, options, events)
    title = f"resume {name or ''}".rstrip()
    return _to_the_end(settings, events, title, lambda: flow.resume(name))


def again(
    settings: Settings, run: str, causes: Sequence[str], owners: Sequence[str], options: Options,
    events: Events,
) -> Result:  # fmt: skip
    """Send again what the API refused of a run, from the copies that the run kept of its files.

    `causes` are codes and `owners` who mends them; without any, all refused orders. What a newer run
    has sent since is left out; where nothing is left, the result says so (exit 0).

    Raises:
        RunUnknown: there is no such run, or it has not finished.
        NotAgain: no refused order has such a cause, or the copies are gone.
        StopRun: it could not begin; nothing was sent.
    """
    flow = Flow(settings, options, events)
    return _to_the_end(settings, events, f"retry {run}", lambda: flow.again(run, causes, owners))


def retry(
    settings: Settings,
    files: Sequence[Path],
    mappings: Sequence[Path],
    options: Options,
    events: Events,
) -> Result:
    """Import corrected rows, with the mappings of the runs that wrote the files.

    Open items of orders that arrive are closed, those of wrong order numbers that were corrected
    too. Without `mappings` those of the runs before are used.

    Raises:
        RetryRefused: nobody knows which run a file is of, or an order has rows in other files.
        StopRun: it could not begin; nothing was sent.
    """
    flow = Flow(settings, options, events)
    return _to_the_end(settings, events, "retry", lambda: flow.retry(files, mappings))
