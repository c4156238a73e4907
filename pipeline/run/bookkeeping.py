"""Looking after the ledger: is it whole, how large is it, what does it know, what of it may go."""

from collections.abc import Iterator

from pipeline.config import Settings
from pipeline.ledger import Complaint, Inspection, Ledger
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder, owner_name
from pipeline.run.look import no_ledger
from pipeline.run.request import RunUnknown


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
