"""One run at a time per ledger file: a kernel lock, which dies with its process (FAULTS D1)."""

import fcntl
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from pipeline.ledger.records import Clock
from pipeline.ledger.stops import LedgerLocked, LedgerUnusable

# Who only asks whether the lock is held (`held`) holds it for a moment himself.
_TRIES = 5
_BETWEEN_S = 0.05
_ROOM = "make room or give this user the right to write there, then run the same command again"


class FileLock:
    """An exclusive lock on a file, held from `take` to `release` or to the end of the process.

    The file tells who holds it, as text; the text is for people, only the kernel's lock counts. It
    is empty again after `release`: what `left` then says is of a process that ended without.
    """

    left = ""  # found by `take`

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._since = clock().isoformat(timespec="seconds")
        self._handle: int | None = None

    def take(self) -> None:
        """Take the lock or say who has it.

        Raises:
            LedgerLocked: another process holds it.
            LedgerUnusable: the lock file cannot be made or written.
        """
        try:
            handle = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise LedgerUnusable(
                f"cannot write the lock of the ledger at {self._path}: {error.strerror}",
                help=_ROOM,
            ) from error
        try:
            _take(handle)
        except OSError as error:
            holder = os.pread(handle, 500, 0).decode("utf-8", "replace").strip()
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise LedgerUnusable(
                    f"the ledger's folder {self._path.parent} does not support locks: {error.strerror}",
                    help="keep the ledger on a local disk, or use PostgreSQL for shared use",
                ) from error
            raise LedgerLocked(
                f"another run is using this ledger: {holder or 'it has not said its name yet'}",
                help="wait until it has ended; its lock ends with it, there is nothing to delete",
            ) from error
        self._handle = handle
        self.left = os.pread(handle, 500, 0).decode("utf-8", "replace")
        self.name_run(None)

    def name_run(self, run_id: str | None) -> None:
        """Write who holds the lock: run id, pid, host and since when."""
        self._say(
            f"run {run_id or '-'} by pid {os.getpid()} on {socket.gethostname()} since {self._since}\n"
        )

    def _say(self, text: str) -> None:
        if self._handle is None:
            return
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, text.encode(), 0)
        except OSError as error:
            raise LedgerUnusable(
                f"cannot write the lock of the ledger at {self._path}: {error.strerror}",
                help=_ROOM,
            ) from error

    def release(self, *, undone: bool = False) -> None:
        """Let the lock go; the file stays, since deleting it would let two holders in.

        With `undone` it says again what it said before: what was found then is found again.
        """
        if self._handle is not None:
            with suppress(LedgerUnusable):
                self._say(self.left if undone else "")
            os.close(self._handle)
            self._handle = None


def held(path: Path) -> bool:
    """Tell whether a process holds the lock at a path."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LedgerUnusable(
            f"cannot read the lock of the ledger at {path}: {error.strerror}",
            help="give this user the right to read there",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _take(handle: int) -> None:
    for _ in range(_TRIES - 1):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_BETWEEN_S)
        else:
            return
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
