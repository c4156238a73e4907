"""What a run can do without: files to correct, the page of all runs, a notification.

By the time they are made it is settled what became of every order, and an error that comes again
each time must not keep a run open for ever. So whatever goes wrong with one of them ends here as
a warning, and only with them: the report is no byproduct.
"""

import traceback
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.model.stops import StopRun
from pipeline.run.request import Events


class Byproduct:
    """Lets one of them fail without the run: a warning, and the traceback in the log of the run.

    Used as a context; `failed` says afterwards how it went. What is no `Exception`, such as a signal,
    goes through.
    """

    def __init__(self, what: str, events: Events, *, again: str) -> None:
        """Name it as the subject of a sentence, and what to type or do to have it after all."""
        self.failed = False
        self._what = what
        self._events = events
        self._again = again

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Tell of an error, and take it away."""
        if not isinstance(error, Exception):
            return False
        self.failed = True
        if isinstance(error, StopRun):
            why = error.message
        else:
            self._events.say("debug", "traceback", of=self._what, frames=frames(error))
            why = _bug(error)
        self._events.say(
            "warning", "warning",
            text=f"{self._what} could not be made: {why}; all else stands. To make up for it: {self._again}",
        )  # fmt: skip
        return True


def _bug(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return f"internal error {type(error).__name__} in {place}, a bug of the program"


def frames(error: BaseException) -> str:
    """Write a traceback without the words of its exceptions, which may quote a cell (FAULTS S10)."""
    parts = []
    each: BaseException | None = error
    while each is not None:
        parts.append(f"{type(each).__name__}\n{''.join(traceback.format_tb(each.__traceback__))}")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "caused by ".join(parts)
