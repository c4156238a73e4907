"""A private copy of each input file, so that a run reads one version and no other (FAULTS I2, I3)."""

import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.intake.finding import refusal
from pipeline.model.stops import SourceUnusable, StopRun

__all__ = ["Snapshot", "SnapshotFailed", "take_snapshot"]

UNPACKED_MAX = 16 << 30  # bytes
# Text exports pack 5 to 50 times smaller; a gzip bomb about 1,000 times (FAULTS I10).
RATIO_MAX = 200

_PIECE = 1 << 20
_RATIO_FROM = 8 << 20  # unpacked bytes below which the ratio says nothing yet and harms nobody
_GZIP = 16 + zlib.MAX_WBITS
_NOT_UNPACKED = (".zip", ".7z", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".rar")


class SnapshotFailed(StopRun):
    """The copy could not be written: disk full, no right to write (exit 11)."""

    exit_code = 11


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy that nobody else changes.

    `name` is how messages call the file, `original` where it came from, `path` the copy (unpacked).
    `sha256` and `size_bytes` are those of the original's own bytes, packed if it was.
    """

    name: str
    original: Path
    path: Path
    sha256: str
    size_bytes: int


def take_snapshot(
    original: Path,
    into: Path,
    *,
    ordinal: int,
    settle: Callable[[], None] | None = None,
    name: str | None = None,
    unpacked_max: int = UNPACKED_MAX,
    ratio_max: int = RATIO_MAX,
) -> Snapshot:
    """Copy a file for this user's eyes only, hash it on the way, and unpack it if it is a .gz.

    The copy's name comes from `ordinal`, never from the original's. `settle` waits a little; a file
    that changes meanwhile is still being written. `name` is how messages call the file; without
    it they use its base name.

    Raises:
        SourceUnusable: the file is no regular file, may not be read, changes, or unpacks to more
            than the limits allow.
        SnapshotFailed: the copy cannot be written. No part of it is left.
    """
    called = name or original.name
    if original.name.lower().endswith(_NOT_UNPACKED):
        raise SourceUnusable(
            f"{called} is an archive of a kind that is not unpacked",
            help="unpack it first; only .gz is unpacked here",
        )
    with _opened(original, called) as source:
        before = os.fstat(source.fileno())
        if settle is not None:
            settle()
            if _identity(original, called) != _facts(before):
                raise SourceUnusable(
                    f"{called} is still being written",
                    help="run again when its sender has finished, or have it sent under a name "
                    "ending in .part and renamed at the end",
                )
        digest = hashlib.sha256()
        pieces = _read(source, digest.update, called)
        if original.name.lower().endswith(".gz"):
            pieces = _unpacked(pieces, called, unpacked_max=unpacked_max, ratio_max=ratio_max)
        path = _written(pieces, into, ordinal, called)
        after = _facts(os.fstat(source.fileno()))
        if not after == _facts(before) == _identity(original, called):
            path.unlink()
            raise SourceUnusable(
                f"{called} changed while being read",
                help="run again when nobody writes to it any more",
            )
    return Snapshot(called, original, path, digest.hexdigest(), before.st_size)


def _facts(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _identity(original: Path, called: str) -> tuple[int, ...]:
    """Look at what stands under the file's name now: another file may have taken its place."""
    try:
        return _facts(original.stat())
    except OSError as error:
        raise SourceUnusable(
            f"{called} vanished while being read", help="run again when it is back"
        ) from error


@contextmanager
def _opened(original: Path, called: str) -> Iterator[BinaryIO]:
    reason = refusal(original)
    if reason is not None:
        raise SourceUnusable(f"{called} {reason}", help="name a regular file")
    # O_NONBLOCK: should a FIFO have taken the file's place since, opening it must not wait.
    flags = os.O_RDONLY | sum(
        getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY", "O_CLOEXEC")
    )
    try:
        number = os.open(original.resolve(), flags)
    except OSError as error:
        raise SourceUnusable(
            f"{called} cannot be opened: {error.strerror}",
            help="check that this user may read it and that no other program locks it",
        ) from error
    with os.fdopen(number, "rb", buffering=0) as source:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise SourceUnusable(f"{called} is not a regular file", help="name a regular file")
        yield source


def _read(source: BinaryIO, seen: Callable[[bytes], None], called: str) -> Iterator[bytes]:
    try:
        while piece := source.read(_PIECE):
            seen(piece)
            yield piece
    except OSError as error:
        raise SourceUnusable(
            f"{called} cannot be read: {error.strerror}", help="check the disk or the network share"
        ) from error


def _unpacked(
    pieces: Iterator[bytes], called: str, *, unpacked_max: int, ratio_max: int
) -> Iterator[bytes]:
    """Unpack gzip, which may have several members, and give up as soon as a limit is passed."""
    packed, unpacked = 0, 0
    member = None
    try:
        for piece in pieces:
            packed += len(piece)
            rest = piece
            while rest:
                if member is None:
                    rest = rest.lstrip(b"\0")  # padding between members and at the end
                    if not rest:
                        break
                    member = zlib.decompressobj(_GZIP)
                text = member.decompress(rest, _PIECE)
                unpacked += len(text)
                _check_limits(called, packed, unpacked, unpacked_max, ratio_max)
                yield text
                rest = member.unconsumed_tail
                if member.eof:
                    rest, member = member.unused_data, None
    except zlib.error as error:
        raise SourceUnusable(
            f"{called} is not readable as gzip: {error}", help="ask for the file again"
        ) from error
    if member is not None or (not unpacked and not packed):
        raise SourceUnusable(
            f"{called} is cut off: its gzip data has no end", help="ask for the file again"
        )


def _check_limits(
    called: str, packed: int, unpacked: int, unpacked_max: int, ratio_max: int
) -> None:
    if unpacked > unpacked_max:
        raise SourceUnusable(
            f"{called} unpacks to more than {unpacked_max} bytes",
            help="ask for smaller files; if the size is right, unpack it first",
        )
    if unpacked > _RATIO_FROM and unpacked > ratio_max * packed:
        raise SourceUnusable(
            f"{called} unpacks to more than {ratio_max} times its size, which no export does",
            help="ask its sender; if the file is right, unpack it first",
        )


def _written(pieces: Iterator[bytes], into: Path, ordinal: int, called: str) -> Path:
    path = into / f"{ordinal:06d}.input"
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        into.chmod(0o700)
        number = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
        )
    except OSError as error:
        raise _not_written(called, path, error) from error
    complete = False
    try:
        with os.fdopen(number, "wb") as copy:
            for piece in pieces:
                copy.write(piece)
        complete = True
    except OSError as error:
        raise _not_written(called, path, error) from error
    finally:
        if not complete:
            path.unlink(missing_ok=True)
    return path


def _not_written(called: str, path: Path, error: OSError) -> SnapshotFailed:
    return SnapshotFailed(
        f"no copy of {called} can be written to {path}: {error.strerror}",
        help="make room or give this user the right to write there, then run the same command again",
    )
