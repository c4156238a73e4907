"""How far a run is, for who asks from another terminal: a small file in its folder, and counts.

`progress.json` is written whole or not at all, every two seconds at most. It holds numbers and words
of ours, nothing of a file. That it cannot be written is no reason to end a run: the ledger has the truth.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.ledger import Begun, FailedAttempt, Journal, Ledger
from pipeline.model.orders import Outcome, Submission

PROGRESS = "progress.json"
_EVERY_S = 2.0
_YEARS = timedelta(days=3650)  # an end that is further away is none


class Heartbeat:
    """Writes how far the run of a folder is."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._path = folder / PROGRESS
        self._clock = clock
        self._stage = ""
        self._began_s = 0.0
        self._began_at = 0
        self._wrote_s = 0.0

    def beat(
        self, stage: str, done: int, total: int | None, note: str, so_far: Mapping[str, int]
    ) -> None:
        """Note how far a stage is; called often, written now and then."""
        now_s = time.monotonic()
        if stage != self._stage:
            self._stage, self._began_s, self._began_at, self._wrote_s = stage, now_s, done, 0.0
        if now_s - self._wrote_s < _EVERY_S:
            return
        self._wrote_s = now_s
        lasted_s = now_s - self._began_s
        per_s = (done - self._began_at) / lasted_s if lasted_s > 0 else 0.0
        at = self._clock()
        self._write({
            "at": at.isoformat(timespec="seconds"),
            "pid": os.getpid(),
            "stage": stage,
            "done": done,
            "total": total,
            "per_s": round(per_s, 2),
            "ends_at": ends_at(at, done, total, per_s),
            "waiting": None if note.endswith("/s") else note or None,
            "so_far": dict(so_far),
        })  # fmt: skip

    def _write(self, progress: Mapping[str, object]) -> None:
        beside = self._path.with_suffix(".tmp")
        with suppress(OSError):
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(progress, file)
            beside.replace(self._path)


def ends_at(at: datetime, done: int, total: int | None, per_s: float) -> str | None:
    """When a stage will be done at this rate; None where nobody can tell."""
    if total is None or per_s <= 0:
        return None
    left = (total - done) / per_s
    return (
        None
        if left > _YEARS.total_seconds()
        else (at + timedelta(seconds=left)).isoformat(timespec="seconds")
    )


def progress_of(folder: Path) -> dict[str, Any] | None:
    """What the run of a folder said last of how far it is; None where it has said nothing."""
    try:
        read = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None


def how_far(folder: Path, ledger: Ledger, run_id: str) -> dict[str, object]:
    """How far a run at work is, for `status`: its own words, and its orders by the ledger.

    Returns:
        dict: `stage`, `done`, `total`, `per_s`, `ends_at`, `waiting` and `at` as the run said last (None
        where it has said nothing yet, or is at work on another machine), and `orders`: how many of
        the whole run there are by what became of them.
    """
    said = progress_of(folder) or {}
    names = ("stage", "done", "total", "per_s", "ends_at", "waiting", "at")
    return {name: said.get(name) for name in names} | {"orders": ledger.outcome_counts(run_id)}


def preparing_run(home: Path, ledger: Ledger) -> dict[str, object] | None:
    """A run that is at work and has not told the ledger of itself yet, with how far it is.

    The newest folder with a word of its own, of which the ledger knows nothing; the caller has seen
    that somebody holds the lock.
    """
    said = sorted((home / "runs").glob(f"*/{PROGRESS}"), key=_written_at, reverse=True)
    for path in said:
        name = path.parent.name
        progress = progress_of(path.parent)
        if progress is not None and ledger.run(name) is None:
            return {"id": name, **progress}
    return None


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it has just gone
        return 0.0


class CountedJournal:
    """A journal that counts what it has recorded, by outcome, into `so_far`."""

    def __init__(self, journal: Journal, so_far: Counter[str]) -> None:
        self._journal = journal
        self._so_far = so_far

    def commit(
        self, *, sending: Sequence[Submission] = (),
        settled: Sequence[tuple[Submission, Outcome]] = (), failed: Sequence[FailedAttempt] = (),
    ) -> Begun:  # fmt: skip
        """Record it, then count it."""
        begun = self._journal.commit(sending=sending, settled=settled, failed=failed)
        self._so_far.update(outcome.outcome.value for _, outcome in settled)
        return begun

    @property
    def due(self) -> bool:
        """Whether it must be committed soon."""
        return self._journal.due

    @property
    def valid(self) -> bool:
        """Whether what was recorded as being sent may still go out."""
        return self._journal.valid
