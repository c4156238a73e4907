"""Why a run should end early, and the signals that ask for it (FAULTS P3, P4)."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A signal that ends the process at once: nothing was sent yet, or it is the second one."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@dataclass(slots=True)
class Halt:
    """Why sending should end early: a signal, a time, or nothing yet.

    `gentle` is set once the run is in the ledger: from then on the first signal lets requests in
    flight end and the report be written. Before that a signal ends the process at once.
    """

    signal: int | None = None
    deadline_passed: bool = False
    gentle: bool = False
    _event: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self.signal is not None or self.deadline_passed

    @property
    def reason(self) -> str | None:
        """The name of the signal, if it was one."""
        return None if self.signal is None else signal.Signals(self.signal).name

    def tell(self) -> None:
        """Wake the event loop, from whatever thread or signal handler."""
        if self._loop is not None and self._event is not None:
            self._loop.call_soon_threadsafe(self._event.set)

    def watch(self, loop: asyncio.AbstractEventLoop) -> asyncio.Event:
        """Give the event that `deliver` watches."""
        self._loop, self._event = loop, asyncio.Event()
        if self.asked:
            self._event.set()
        return self._event

    def over(self) -> None:
        """The event loop has ended."""
        self._loop = self._event = None


@contextmanager
def listening(halt: Halt) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a halt, or into `Interrupted` when that cannot wait.

    The handler prints nothing: it may have interrupted somebody who prints.
    """

    def heard(number: int, _frame: FrameType | None) -> None:
        if not halt.gentle or halt.signal is not None:
            raise Interrupted(number)
        halt.signal = number
        halt.tell()

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals; whoever owns it decides
        return
    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
