"""Removing what is old: reports and the folders of runs hold customers' data, so they do not stay.

The ledger keeps its numbers, hashes and order numbers: it is what makes a repeated run send nothing.
"""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.config import Settings
from pipeline.ledger import Ledger, RunRecord, RunState
from pipeline.report.summary import counted
from pipeline.run.accounts import report_folders
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder, written
from pipeline.run.index import INDEX, renew_index
from pipeline.run.look import no_ledger
from pipeline.run.request import Events

_OVER = (RunState.FINISHED, RunState.ABANDONED, RunState.NOT_SENT)
_EVERY = 2**31 - 1  # runs
_NAMED = 5  # orders of a run


@dataclass(frozen=True, slots=True)
class Awaited:
    """A run in which orders were last missing that are open items still: their rows are there alone."""

    run: str
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, or would be.

    `kept` are old runs that are not over. `awaited` are those with the rows of open items: kept too,
    unless `including_open`.
    """

    reports: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    plans: tuple[Path, ...] = ()
    logs: tuple[Path, ...] = ()
    kept: tuple[str, ...] = ()
    awaited: tuple[Awaited, ...] = ()
    including_open: bool = False


def prune(
    settings: Settings, age: timedelta, events: Events, *, only_look: bool = False,
    including_open: bool = False,
) -> Pruned:  # fmt: skip
    """Remove reports, folders of runs, plans and crash logs that are older than `age`.

    A run counts from its end. One that can still be resumed is kept, whatever its age; so is one with
    the rows of open items, unless `including_open`, and what this ledger does not know.

    Raises:
        LedgerLocked: a run is at work.
        DiskUnusable: something cannot be removed.
    """
    if no_ledger(settings):
        return Pruned()
    before = clock() - age
    with Ledger.open(settings.ledger, clock=clock) as ledger:
        old = [run for run in ledger.runs(_EVERY) if (run.ended_at or run.started_at) < before]
        over = [run for run in old if run.state in _OVER]
        awaited = tuple(_awaited(settings, ledger, over))
        stay = set() if including_open else {each.run for each in awaited}
        gone = [run for run in over if run.id not in stay]
        found = Pruned(
            reports=tuple(place for run in gone for place in _reports(settings, run)),
            folders=tuple(_there(settings.home / "runs" / run.id for run in gone)),
            plans=tuple(_old_plans(settings.home / "plans", before)),
            logs=tuple(_old_logs(settings.home / "logs", before)),
            kept=tuple(run.id for run in old if _still_open(run, settings)),
            awaited=awaited, including_open=including_open,
        )  # fmt: skip
        for each in awaited if including_open else ():
            orders = counted(len(each.orders), "open item")
            text = f"the rows of {orders} go with run {each.run}: {shortened(each.orders)}"
            events.say("warning", "warning", text=text)
        if not only_look:
            _remove(settings, ledger, found, events)
    return found


def _remove(settings: Settings, ledger: Ledger, found: Pruned, events: Events) -> None:
    for folder in (*found.reports, *found.folders, *found.plans):
        with written(folder):
            shutil.rmtree(folder)
    for log in found.logs:
        with written(log):
            log.unlink()
    # wherever reports were, the page of all runs beside them has links to them
    for place in dict.fromkeys(folder.parent for folder in found.reports):
        if (place / INDEX).exists():
            renew_index(replace(settings, reports=place), ledger, events)


def _reports(settings: Settings, run: RunRecord) -> Iterator[Path]:
    folder = RunFolder(settings.home / "runs" / run.id)
    return _there(iter(report_folders(settings, folder)))


def _awaited(settings: Settings, ledger: Ledger, runs: Sequence[RunRecord]) -> Iterator[Awaited]:
    """Those of the runs with anything to remove in which open items were missing last."""
    orders: dict[str | None, list[str]] = defaultdict(list)
    for endpoint in dict.fromkeys(run.endpoint for run in runs):
        for item in ledger.open_items(endpoint):
            orders[item.last_run].append(item.order_number)
    for run in runs:
        there = any(_reports(settings, run)) or (settings.home / "runs" / run.id).is_dir()
        if there and run.id in orders:
            yield Awaited(run.id, tuple(orders[run.id]))


def shortened(orders: Sequence[str]) -> str:
    """Name some of many orders.

    >>> shortened(["A1", "A2"]), shortened([f"A{n}" for n in range(7)])
    ('A1, A2', 'A0, A1, A2, A3, A4 and 2 more')
    """
    more = f" and {len(orders) - _NAMED:,} more" if len(orders) > _NAMED else ""
    return ", ".join(orders[:_NAMED]) + more


def _still_open(run: RunRecord, settings: Settings) -> bool:
    return run.state not in _OVER and (settings.home / "runs" / run.id).is_dir()


def _there(folders: Iterator[Path]) -> Iterator[Path]:
    """Folders that are there; a link leads to somewhere that is not ours."""
    yield from (each for each in folders if each.is_dir() and not each.is_symlink())


def _old_plans(plans: Path, before: datetime) -> Iterator[Path]:
    """Plans made before a moment; a plan of one night is stale by the next anyway."""
    if not plans.is_dir():
        return
    for folder in _there(each for each in sorted(plans.iterdir())):
        made = RunFolder(folder).facts().get("started_at")
        if made is not None and datetime.fromisoformat(made) < before:
            yield folder


def _old_logs(logs: Path, before: datetime) -> Iterator[Path]:
    """Crash logs: a traceback may quote a cell."""
    for log in sorted(logs.glob("crash-*.log")) if logs.is_dir() else ():
        if datetime.fromtimestamp(log.stat().st_mtime, UTC) < before:
            yield log
