"""Looking after the ledger: is it whole, how large is it, what does it know, what of it may go."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pipeline.config import Settings
from pipeline.ledger import EXPORT_COLUMNS, Complaint, Inspection, Ledger, LedgerSize, OldRun
from pipeline.model.stops import StopRun
from pipeline.read.formulas import defuse
from pipeline.report.files import replacing
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder, owner_name, written
from pipeline.run.look import no_ledger
from pipeline.run.plans import run_of
from pipeline.run.request import RunUnknown

_GROWTH = timedelta(days=30)


class FileThere(StopRun):
    """A file that would be written over (exit 2)."""

    exit_code = 2


def check_ledger(settings: Settings, seal: str | None) -> Inspection:
    """Look for damage and for what does not agree, in the ledger and in the folders of its runs.

    `seal` is one that an earlier check gave and that was kept elsewhere. Nothing is written.

    Raises:
        RunUnknown: there is no ledger yet.
        LedgerUnusable: it cannot be read at all.
    """
    if no_ledger(settings):
        raise _none_yet(settings)
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        found = ledger.check(seal=seal)
        if not any(each.check in ("pages", "links") for each in found.complaints):
            found.add("folders", _unknown_runs(settings, ledger))
    return found


def _none_yet(settings: Settings) -> RunUnknown:
    return RunUnknown(
        f"there is no ledger at {settings.ledger}", code="C132",
        help="the first `pipeline run` makes it; `ledger` in pipeline.toml says where it lies",
    )  # fmt: skip


def _unknown_runs(settings: Settings, ledger: Ledger) -> Iterator[Complaint]:
    """Runs that have sent and that the ledger does not know: an older copy of it was put back."""
    runs = settings.home / "runs"
    owner = owner_name(settings.ledger)
    for path in sorted(runs.iterdir()) if runs.is_dir() else ():
        folder = RunFolder(path)
        mine = path.is_dir() and not path.is_symlink() and folder.owner == owner
        if mine and folder.facts().get("begun") and ledger.run(path.name) is None:
            yield Complaint(
                "folders", f"run {path.name} has begun, and the ledger does not know it",
                str(path), "the ledger is older than this run, or its last commits were lost: put back the "
                "newer one. Without it the run's orders are sent again when they are imported again",
            )  # fmt: skip


# --- how large it is ------------------------------------------------------------------------------


def ledger_sizes(settings: Settings) -> LedgerSize:
    """Count the ledger's rows and bytes, and how it grew in the last 30 days.

    Raises:
        RunUnknown: there is no ledger yet.
    """
    if no_ledger(settings):
        raise _none_yet(settings)
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        return ledger.sizes(since=clock() - _GROWTH)


# --- what it knows --------------------------------------------------------------------------------


def exported(settings: Settings, name: str | None, outcomes: Sequence[str]) -> Iterator[str]:
    """Give the orders of the profile's account as CSV, piece by piece, its header first.

    `name` is a run or the folder of a plan that was sent; without it all runs are meant.

    Raises:
        RunUnknown: there is no ledger or no such run.
    """
    if no_ledger(settings):
        raise _none_yet(settings)
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        run: str | None = None
        if name is None:
            wanted = settings.endpoint
            endpoint = ledger.find_endpoint(wanted.base_url, wanted.account)
        else:
            record = run_of(ledger, name)
            run, endpoint = record.id, record.endpoint
        yield ",".join(EXPORT_COLUMNS) + "\n"
        if endpoint is None:
            return
        for batch in ledger.exported(endpoint, run, outcomes):
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(
                [defuse(cell) if isinstance(cell, str) else cell for cell in row] for row in batch
            )
            yield text.getvalue()


def export_to(path: Path, settings: Settings, name: str | None, outcomes: Sequence[str]) -> int:
    """Write the same to a new file, which only this user may read; gives how many orders.

    Raises:
        FileThere: what somebody wrote is not written over.
        DiskUnusable: it cannot be written; nothing is left of it.
    """
    if path.exists() or path.is_symlink():
        raise FileThere(
            f"{path} exists already", code="C114", place="--out",
            help="remove the file first, or name another one",
        )  # fmt: skip
    rows = -1  # the header is none
    with written(path), replacing(path) as out:
        for piece in exported(settings, name, outcomes):
            out.write(piece.encode())
            rows += piece.count("\n")
    return rows


# --- what of it may go ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Thinned:
    """Runs whose rows were removed, or would be, and old ones whose rows stay, with the reason."""

    gone: tuple[OldRun, ...] = ()
    kept: tuple[OldRun, ...] = ()


def thin_ledger(settings: Settings, age: timedelta, *, only_look: bool = True) -> Thinned:
    """Remove the rows of runs that ended longer ago than `age` from the ledger.

    A run whose folder is still there keeps them: its report can be made again. What is known of each
    order stays, so that nothing is sent twice.

    Raises:
        RunUnknown: there is no ledger yet.
        LedgerLocked: a run is at work.
    """
    if no_ledger(settings):
        raise _none_yet(settings)
    before = clock() - age

    def needs(run: str) -> str:
        there = (settings.home / "runs" / run).is_dir()
        return "its folder is there; `pipeline report prune` removes it first" if there else ""

    if only_look:
        with Ledger.read(settings.ledger, clock=clock) as ledger:
            return _thinned(ledger.old_runs(before=before, needs=needs))
    with Ledger.open(settings.ledger, clock=clock) as ledger:
        found = _thinned(ledger.old_runs(before=before, needs=needs))
        for each in found.gone:
            ledger.remove_rows(each.run)
        if found.gone:
            ledger.compact()
    return found


def _thinned(old: Sequence[OldRun]) -> Thinned:
    return Thinned(
        tuple(each for each in old if not each.kept), tuple(each for each in old if each.kept)
    )
