"""The log of a run: every event at debug level, in its folder, for as long as the folder is kept.

One JSON object per line. Events carry counts, names and codes, never a value or a payload (S10).
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pipeline.config import Settings
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder
from pipeline.run.heartbeat import Heartbeat
from pipeline.run.request import Events

_HEARTBEAT_S = 30.0


def logged_apart(settings: Settings, events: Events) -> "LoggedEvents":
    """Pass on the events of what is no run, and write them down as a crash log: there are none else.

    The file is made by its first event; `report prune` removes it like the others.
    """
    at = clock()
    logs = settings.home / "logs"
    with suppress(OSError):  # where no folder can be made, the first event says so
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LoggedEvents(events, logs / f"crash-{at:%Y%m%dT%H%M%S}-{os.getpid()}.log", clock)


def logged(events: Events, folder: RunFolder) -> "LoggedEvents":
    """Pass on the events of a run, write them down, and let others see how far it is."""
    return LoggedEvents(
        events, folder.path / "run.log", clock, Heartbeat(folder.path, clock), run=folder.path.name
    )


class LoggedEvents:
    """Passes events on and writes them down, each with the run that it is of."""

    def __init__(
        self, events: Events, path: Path, clock: Callable[[], datetime],
        heart: Heartbeat | None = None, *, run: str | None = None,
    ) -> None:  # fmt: skip
        self._events = events
        self._run: dict[str, object] = {} if run is None else {"run": run}
        self._path = path
        self._clock = clock
        self._heart = heart
        self._broken = False
        self._stage = ""
        self._waiting = ""
        self._spoke_s = 0.0

    def stage(
        self, name: str, done: int, total: int | None, note: str = "",
        so_far: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Write down where a stage begins or begins to wait, and every 30 s how far it is."""
        waiting = "" if note.endswith("/s") else note
        now_s = time.monotonic()
        changed = name != self._stage or bool(waiting) != bool(self._waiting)
        if changed or now_s - self._spoke_s >= _HEARTBEAT_S:
            self._stage, self._spoke_s = name, now_s
            self._write(
                "debug",
                name,
                {"done": done, "total": total, "waiting": waiting or None} | dict(so_far or {}),
            )
        self._waiting = waiting
        if self._heart is not None:
            self._heart.beat(name, done, total, note, so_far or {})
        self._events.stage(name, done, total, note, so_far)

    def say(self, level: str, event: str, **fields: object) -> None:
        """Write the event down."""
        self._write(level, event, fields)
        self._events.say(level, event, **{**fields, **self._run})

    def confirm(self, question: str, expected: str) -> bool:
        """Write down what was asked and whether a person agreed."""
        agreed = self._events.confirm(question, expected)
        self._write("info", "confirm", {"question": question, "agreed": agreed})
        return agreed

    def _write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        if self._broken:
            return
        line = {
            "time": self._clock().isoformat(timespec="milliseconds"),
            "level": level,
            "event": event,
            **self._run,
        }
        text = json.dumps(line | {k: v for k, v in fields.items() if v is not None}, default=str)
        try:
            handle = os.open(
                self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600
            )
            try:
                os.write(handle, text.encode() + b"\n")
            finally:
                os.close(handle)
        except OSError as error:
            # what a full disk means for the run is decided where the run writes, not here
            self._broken = True
            self._events.say(
                "warning", "no log", text=f"{self._path} cannot be written: {error.strerror}"
            )
