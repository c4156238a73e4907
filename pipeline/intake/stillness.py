"""Whether senders have finished with their files: left alone for a while, or said so by a marker."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.intake.archiving import facts_of_file

__all__ = ["AT_ONCE", "STILL_WRITTEN", "Readiness"]

STILL_WRITTEN = "is still being written"


@dataclass(frozen=True, slots=True)
class Readiness:
    """When a file counts as finished.

    It must not have been written to for `stable_s` seconds: a fresher one is watched until then. With
    `marker`, an ending such as ".done", its sender must have put a file beside it that has its
    name with this ending, or its name with this one instead of its own ending.
    """

    stable_s: float = 0.0
    marker: str | None = None
    now: Callable[[], float] = lambda: 0.0
    wait: Callable[[float], None] = lambda _: None

    def is_marker(self, file: Path) -> bool:
        """Tell whether a file only says of another one that it is finished."""
        return self.marker is not None and file.name.endswith(self.marker)

    def markers_of(self, file: Path) -> tuple[Path, ...]:
        """Where the marker of a file may stand."""
        if self.marker is None:
            return ()
        return (file.with_name(file.name + self.marker), file.with_name(file.stem + self.marker))

    def unfinished(self, files: Sequence[Path]) -> dict[Path, str]:
        """Watch files together; gives those that are not finished, with the reason."""
        found = {
            file: f"has no {file.name}{self.marker} beside it"
            for file in files
            if self.marker is not None and not any(map(os.path.lexists, self.markers_of(file)))
        }
        seen = {file: _facts(file) for file in files if file not in found}
        fresh = {file: self._left_s(facts) for file, facts in seen.items()}
        rest_s = max(fresh.values(), default=0.0)
        if rest_s > 0:
            self.wait(rest_s)
        changed = (file for file, left_s in fresh.items() if left_s and _facts(file) != seen[file])
        return found | dict.fromkeys(changed, STILL_WRITTEN)

    def _left_s(self, facts: tuple[int, ...] | None) -> float:
        """How long a file has to be watched. A time in the future tells nothing of when it was written."""
        if facts is None or not self.stable_s:  # whoever copies it says what is wrong with it
            return 0.0
        age_s = max(0.0, self.now() - facts[-1] / 1e9)
        return max(0.0, self.stable_s - age_s)


AT_ONCE = Readiness()


def _facts(file: Path) -> tuple[int, ...] | None:
    try:
        return facts_of_file(file.stat())
    except OSError:
        return None
