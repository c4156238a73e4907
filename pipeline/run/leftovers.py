"""What dead processes left behind: customers' data that no run will ever use again.

Called with the lock of the ledger held, so no process that uses this ledger is at work. A folder
of another ledger is left alone, and so is one whose run has begun: it may be resumed.
"""

from collections.abc import Iterator
from pathlib import Path

from pipeline.ledger import Ledger, RunState
from pipeline.run.folder import REFUSED, TRANSIENT, RunFolder
from pipeline.run.refused import forget_arrived

_OVER = (RunState.FINISHED, RunState.ABANDONED, RunState.NOT_SENT)


def sweep(home: Path, ledger: Ledger, owner: str) -> int:
    """Remove folders whose run or plan never came about, and what finished runs forgot to remove.

    The copies of inputs with refused orders go when none of these waits any more.

    Returns:
        How many folders were removed.
    """
    removed = 0
    for folder in _folders(home / "runs"):
        left = any((folder.path / name).exists() for name in (*TRANSIENT, REFUSED))
        if not left or folder.owner != owner:
            continue
        record = ledger.run(folder.path.name)
        if record is not None and record.state in _OVER:
            forget_arrived(folder, ledger, record)
            folder.clean()
        elif record is None and not folder.facts().get("begun"):
            folder.remove()
            removed += 1
    for folder in _folders(home / "plans"):
        if folder.owner == owner and unfinished_plan(folder):
            folder.remove()
            removed += 1
    return removed


def unknown_since(home: Path, ledger: Ledger, owner: str) -> list[str]:
    """The newest runs that have begun with this ledger and are not in it: it is a new or an older one.

    Looked at from the newest on, down to the first that is known: what came before was told then.
    """
    found: list[str] = []
    for folder in reversed([*_folders(home / "runs")]):
        if folder.owner != owner or not folder.facts().get("begun"):
            continue
        if ledger.run(folder.path.name) is not None:
            break
        found.append(folder.path.name)
    return found


def unfinished_plan(folder: RunFolder) -> bool:
    """Tell whether the process that made a plan ended before the plan was whole."""
    return folder.owner is not None and "plan" not in folder.facts()


def _folders(path: Path) -> Iterator[RunFolder]:
    if path.is_dir():
        yield from (
            RunFolder(each)
            for each in sorted(path.iterdir())
            if each.is_dir() and not each.is_symlink()
        )
