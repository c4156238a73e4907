"""What a run says while it works: bars for a person, lines for a log (CLI §5)."""

import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, Self

from pipeline.cli.console import LEVELS, Console
from pipeline.model.stops import StopRun

if TYPE_CHECKING:
    from rich.progress import TaskID

HEARTBEAT_S = 30.0
_NUMBERS = re.compile(r"[\d,]+")
_LOOK_S = 0.2
_DOING: Mapping[str, str] = {
    "read": "reading", "validate": "validating", "send": "sending",
    "verify": "reading back",
    "remember": "remembering",
}  # fmt: skip


_TOLD = ("created", "updated", "partly_applied", "refused", "unknown")


class NotConfirmed(StopRun):
    """There is nobody to ask (exit 2: a schedule lacks an option)."""

    exit_code = 2


class Events(Protocol):
    """What `run` tells and asks while it works."""

    def stage(
        self, name: str, done: int, total: int | None, note: str = "",
        so_far: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Tell how far a stage is; called often."""

    def say(self, level: str, event: str, **fields: object) -> None:
        """Tell that the state changed."""

    def confirm(self, question: str, expected: str) -> bool:
        """Ask a person to type `expected`; False when they type something else."""


class Lines:
    """Plain lines: one per change of state, and one every 30 s while a stage goes on."""

    def __init__(self, console: Console, *, approve: bool) -> None:
        self._console = console
        self._approve = approve
        self._stage = ""
        self._began_s = 0.0
        self._began_at = 0
        self._spoke_s = 0.0
        self._waiting = ""
        self._said, self._said_s = "", 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Nothing is kept open."""

    def stage(
        self, name: str, done: int, total: int | None, note: str = "",
        so_far: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Print a line if the last one is 30 s old, or if sending has begun to wait."""
        now_s = time.monotonic()
        if name != self._stage:
            self._stage, self._began_s, self._began_at, self._spoke_s = name, now_s, done, now_s
        waiting = "" if note.endswith("/s") else note
        if waiting and not self._waiting and self._is_news(waiting, now_s):
            self._console.log("WARN", "waiting", {"text": waiting})
        self._waiting = waiting
        if now_s - self._spoke_s < HEARTBEAT_S:
            return
        rate = (done - self._began_at) / max(now_s - self._began_s, 1e-9)
        self._spoke_s = now_s
        fields: dict[str, object] = {
            "text": f"{_DOING.get(name, name)} {done}{'' if total is None else f'/{total}'}",
            "rate": f"{rate:.1f}/s",
            **_counted(so_far),
            "eta": self._eta(done, total, rate),
            "waiting": waiting or None,
        }
        self._console.log("INFO", _DOING.get(name, name), fields)

    def _is_news(self, waiting: str, now_s: float) -> bool:
        """Whether a wait was not said of late: one that ends and begins again each second is one."""
        kind = _NUMBERS.sub("#", waiting)
        if kind == self._said and now_s - self._said_s < HEARTBEAT_S:
            return False
        self._said, self._said_s = kind, now_s
        return True

    def _eta(self, done: int, total: int | None, rate: float) -> str | None:
        if total is None or rate <= 0:
            return None
        left = timedelta(seconds=min((total - done) / rate, 3e9))
        ends = self._console.now() + left
        return f"{ends:%H:%M:%S}" if left < timedelta(hours=12) else f"{ends:%Y-%m-%dT%H:%M}"

    def say(self, level: str, event: str, **fields: object) -> None:
        """Print a line."""
        self._console.run = str(fields.get("run") or self._console.run)
        self._console.log(_level(level), event, fields)

    def confirm(self, question: str, expected: str) -> bool:
        """Ask on the terminal."""
        return _ask(self._console, question, expected, approve=self._approve)


class Bars:
    """One bar per stage; warnings stand above them."""

    def __init__(self, console: Console, *, approve: bool) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = console
        self._approve = approve
        self._tasks: dict[str, TaskID] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        rich = RichConsole(
            file=sys.stderr, no_color=not console.paints(sys.stderr), highlight=False, markup=False
        )
        self._progress: Progress = Progress(
            TextColumn("{task.description:<10}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=rich,
        )
        # The live display draws on stderr; stdout stays what a command prints as its result.
        self._progress.live._redirect_stdout = False  # noqa: SLF001

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._progress.stop()

    def stage(
        self, name: str, done: int, total: int | None, note: str = "",
        so_far: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Move the bar of the stage."""
        task = self._tasks.get(name)
        if task is None:
            words = _DOING.get(name, name).capitalize()
            task = self._progress.add_task(words, total=total, rate="", note="")
            self._tasks[name] = task
            self._seen[name] = (done, time.monotonic())
        first, since_s = self._seen[name]
        rate = (done - first) / max(time.monotonic() - since_s, 1e-9)
        shown = f"{rate:,.1f}/s" if done > first else ""
        waiting = "" if note.endswith("/s") else self._console.safe(note)
        counts = " ".join(f"{word} {number:,}" for word, number in _counted(so_far).items())
        said = "  ".join(part for part in (counts, waiting) if part)
        self._progress.update(task, completed=done, total=total, rate=shown, note=said)

    def say(self, level: str, event: str, **fields: object) -> None:
        """Print warnings; the rest only with -v, since the bars and the result say it."""
        weight = _level(level)
        self._console.run = str(fields.get("run") or self._console.run)
        if weight in ("WARN", "ERROR") or self._console.look.verbose:
            with self._apart():
                self._console.log(weight, event, fields)

    def confirm(self, question: str, expected: str) -> bool:
        """Ask on the terminal, with the bars out of the way."""
        with self._apart():
            return _ask(self._console, question, expected, approve=self._approve)

    @contextmanager
    def _apart(self) -> Iterator[None]:
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()


def _counted(so_far: Mapping[str, int] | None) -> dict[str, int]:
    """What became of the orders so far, as far as it is told: the rest is in the report."""
    return {word: so_far[word] for word in _TOLD if so_far and so_far.get(word)}


def events_for(console: Console, *, approve: bool) -> Lines | Bars:
    """Choose bars when a person looks at stderr, else lines."""
    return (Bars if console.interactive() else Lines)(console, approve=approve)


def _level(word: str) -> str:
    upper = {"WARNING": "WARN", "CRITICAL": "ERROR"}.get(word.upper(), word.upper())
    return upper if upper in LEVELS else "INFO"


def _ask(console: Console, question: str, expected: str, *, approve: bool) -> bool:
    if approve:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotConfirmed(
            f"there is no terminal to ask: {question}",
            help="add --yes, or set auto_approve = true in the profile",
            code="C110",
        )
    console.note(question.rstrip())
    with _interruptible():
        sys.stderr.write(console.safe(f"Type {expected} to go on: "))
        sys.stderr.flush()
        # A read that begins just after a signal was noted sleeps through it: so none begins too early.
        while os.name == "posix" and not select.select([sys.stdin], [], [], _LOOK_S)[0]:
            pass
        answer = sys.stdin.readline()
    return answer.strip() == expected


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end a prompt, although `run` catches it to end its requests in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
