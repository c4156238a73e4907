"""Telling people how a run ended, once its report is written and its ledger is closed.

Whatever happens here changes neither the exit code nor the report: it is a warning in the log and
in the text of the run.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from zoneinfo import ZoneInfo

from pipeline.config import Settings
from pipeline.model.notice import Letter, Notify, When
from pipeline.model.stops import StopRun
from pipeline.notify import Told, tell
from pipeline.report.mail import Unreported, unreported_letter
from pipeline.run.byproduct import Byproduct
from pipeline.run.clock import clock
from pipeline.run.log import LoggedEvents
from pipeline.run.request import Events, Result, typed
from pipeline.run.verdict import NAMES

# The run that holds the lock tells of itself; a stop of this kind is no news of the night.
_LOCKED = 10


def due(notify: Notify | None, *, problem: bool) -> bool:
    """Whether a run is to be told."""
    if notify is None or notify.when is When.NEVER:
        return False
    return problem or notify.when is When.ALWAYS


def told(settings: Settings, events: Events, title: str, run: Callable[[], Result]) -> Result:
    """Run, then tell of it.

    Args:
        settings: they say who is told.
        events: what is told of the telling.
        title: what the run is called where it gets no report.
        run: the run itself.

    Raises:
        StopRun: the run did; it has been told, too.
    """
    with _stops_told(settings, events, title):
        result = run()
    letter = result.letter
    if (
        letter is None
        or settings.notify is None
        or not due(settings.notify, problem=letter.problem)
    ):
        return result
    log = settings.home / "runs" / result.run_id / "run.log"
    if log.exists():
        events = LoggedEvents(events, log, clock, run=result.run_id)
    found: Sequence[Told] = (Told("notification", ok=False, says="not sent: internal error"),)
    with Byproduct(
        "the notification", events, again=typed(settings, "report", "mail", result.run_id)
    ):
        found = send_letter(settings.notify, letter, events)
    warnings = "".join(f"  warning: {each.by} {each.says}\n" for each in found if not each.ok)
    return replace(result, text=result.text + warnings, told=found)


def send_letter(notify: Notify, letter: Letter, events: Events) -> Sequence[Told]:
    """Send a letter over every route, and say how it went."""
    try:
        found = tell(notify, letter, at=clock(), sleep=time.sleep)
    except KeyboardInterrupt:  # the run is over: its verdict stands
        found = (Told("notification", ok=False, says="not sent: interrupted"),)
    for each in found:
        if each.ok:
            events.say("info", "notified", by=each.by, how=each.says)
        else:
            events.say("warning", "not notified", text=f"{each.by} {each.says}")
    return found


@contextmanager
def _stops_told(settings: Settings, events: Events, title: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        stop = error if isinstance(error, StopRun) else None
        code = stop.exit_code if stop else 1
        if settings.notify is not None and code != _LOCKED and due(settings.notify, problem=True):
            # the words of a bug may quote a cell (FAULTS S10)
            says = stop.message if stop else f"internal error: {type(error).__name__}"
            # what is told of a stop must not take its place
            with Byproduct(
                "the notification", events, again="look at pipeline status, and tell people by hand"
            ):
                letter = unreported_letter(
                    Unreported(
                        title=title, profile=settings.profile,
                        production=settings.endpoint.production,
                        day=clock().astimezone(ZoneInfo(settings.timezone)).date(), says=says,
                        exit_code=code, exit_name=NAMES.get(code, "unknown"),
                    )
                )  # fmt: skip
                send_letter(settings.notify, letter, events)
        raise
