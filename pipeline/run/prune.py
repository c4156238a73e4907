"""Removing what is old: reports and the folders of runs hold customers' data, so they do not stay.

The ledger keeps its numbers, hashes and order numbers: it is what makes a repeated run send nothing.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.config import Settings
from pipeline.ledger import Ledger, RunRecord, RunState
from pipeline.run.accounts import report_folder
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder, written
from pipeline.run.index import write_index
from pipeline.run.look import no_ledger

_OVER = (RunState.FINISHED, RunState.ABANDONED, RunState.NOT_SENT)
_EVERY = 2**31 - 1  # runs


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, or would be, and which old runs are kept because they are not over."""

    reports: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    plans: tuple[Path, ...] = ()
    logs: tuple[Path, ...] = ()
    kept: tuple[str, ...] = ()


def prune(settings: Settings, age: timedelta, *, only_look: bool = False) -> Pruned:
    """Remove reports, folders of runs, plans and crash logs that are older than `age`.

    A run counts from its end. One that can still be resumed is kept, whatever its age; so is what
    this ledger does not know.

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
        found = Pruned(
            reports=tuple(_there(report_folder(settings.reports, run.id) for run in over)),
            folders=tuple(_there(settings.home / "runs" / run.id for run in over)),
            plans=tuple(_old_plans(settings.home / "plans", before)),
            logs=tuple(_old_logs(settings.home / "logs", before)),
            kept=tuple(run.id for run in old if _still_open(run, settings)),
        )
        if not only_look:
            for folder in (*found.reports, *found.folders, *found.plans):
                with written(folder):
                    shutil.rmtree(folder)
            for log in found.logs:
                with written(log):
                    log.unlink()
            if found.reports and ledger.keeps_history():
                write_index(settings, ledger)
    return found


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
