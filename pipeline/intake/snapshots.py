"""A private copy of each input file, so that a run reads one version and no other (FAULTS I2, I3)."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.intake.archives import Member, is_zip, member_bytes
from pipeline.intake.archiving import facts_of_file, size_of
from pipeline.intake.finding import refusal
from pipeline.intake.packing import (
    NOT_UNPACKED,
    PIECE,
    RATIO_MAX,
    UNPACKED_MAX,
    Limits,
    expected_content,
    packing_of,
    unpacked,
    unpacked_name,
)
from pipeline.intake.workbooks import is_workbook
from pipeline.model.stops import SourceUnusable, StopRun

__all__ = [
    "ArchiveCopy",
    "Snapshot",
    "SnapshotFailed",
    "copy_archive",
    "take_member",
    "take_snapshot",
    "write_copy",
]


class SnapshotFailed(StopRun):
    """The copy could not be written: disk full, no right to write (exit 11)."""

    exit_code = 11


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy that nobody else changes.

    `name` is how messages call the file, `original` where it came from, `path` the copy (unpacked).
    `sha256` and `size_bytes` are those of the original's own bytes, packed if it was. Of a member of
    a zip archive they are those of its content, `original` is the archive and `archive_sha256` its hash.
    `facts` are those of the original (`facts_of_file`).
    """

    name: str
    original: Path
    path: Path
    sha256: str
    size_bytes: int
    archive_sha256: str | None = None
    facts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ArchiveCopy:
    """A copy of a zip archive; `limits` count what all of its members come to."""

    original: Path
    path: Path
    sha256: str
    limits: Limits
    facts: tuple[int, ...]


def take_snapshot(
    original: Path,
    into: Path,
    *,
    ordinal: int,
    name: str | None = None,
    unpacked_max: int = UNPACKED_MAX,
    ratio_max: int = RATIO_MAX,
) -> Snapshot:
    """Copy a file for this user's eyes only, hash it on the way, and unpack it by its name's ending.

    The copy's name comes from `ordinal`, never from the original's. `name` is how messages call the
    file; without it they use its base name.

    Raises:
        SourceUnusable: the file is no regular file, may not be read, changes, is no export, or
            unpacks to more than the limits allow.
        SnapshotFailed: the copy cannot be written. No part of it is left.
    """
    called = name or original.name
    packing = packing_of(original.name)
    if is_zip(original) or original.name.lower().endswith(NOT_UNPACKED):
        raise SourceUnusable(
            f"{called} is an archive of a kind that is not unpacked",
            help="unpack it first; .gz, .bz2, .xz, .zst and .zip are unpacked here",
        )
    limits = Limits(unpacked_max, ratio_max)

    def content(pieces: Iterator[bytes]) -> Iterator[bytes]:
        if packing is not None:
            pieces = unpacked(pieces, packing, called, limits)
        if is_workbook(unpacked_name(original.name)):
            return pieces
        return expected_content(pieces, called, was_packed=packing is not None)

    path, sha256, facts = _copied(original, into / f"{ordinal:06d}.input", called, content)
    return Snapshot(called, original, path, sha256, size_of(facts), facts=facts)


def copy_archive(
    original: Path,
    into: Path,
    *,
    ordinal: int,
    name: str | None = None,
    unpacked_max: int = UNPACKED_MAX,
    ratio_max: int = RATIO_MAX,
) -> ArchiveCopy:
    """Copy a zip archive as `take_snapshot` copies a file, but packed as it is.

    Raises:
        SourceUnusable, SnapshotFailed: as there.
    """
    called = name or original.name
    path, sha256, facts = _copied(
        original, into / f"{ordinal:06d}.packed", called, lambda pieces: pieces
    )
    return ArchiveCopy(
        original, path, sha256, Limits(unpacked_max, ratio_max, packed=size_of(facts)), facts
    )


def take_member(
    archive: ArchiveCopy, member: Member, into: Path, *, ordinal: int, name: str
) -> Snapshot:
    """Unpack a member of an archive that has been copied.

    Raises:
        SourceUnusable: the member is encrypted, damaged, packed again, no export, or more than the
            limits allow.
        SnapshotFailed: the copy cannot be written. No part of it is left.
    """
    digest, size = hashlib.sha256(), 0

    def hashed() -> Iterator[bytes]:
        nonlocal size
        for piece in member_bytes(archive.path, member, name, archive.limits):
            digest.update(piece)
            size += len(piece)
            yield piece

    pieces = hashed()
    if not is_workbook(member.name):
        pieces = expected_content(pieces, name, was_packed=True)
    path = write_copy(pieces, into / f"{ordinal:06d}.input", name)
    return Snapshot(
        name, archive.original, path, digest.hexdigest(), size, archive.sha256, archive.facts
    )


def _copied(
    original: Path, path: Path, called: str,
    content: Callable[[Iterator[bytes]], Iterator[bytes]],
) -> tuple[Path, str, tuple[int, ...]]:  # fmt: skip
    """Write what `content` makes of a file's bytes; gives the hash of these, and the facts of the file."""
    with _opened(original, called) as source:
        before = os.fstat(source.fileno())
        digest = hashlib.sha256()
        write_copy(content(_read(source, before.st_size, digest.update, called)), path, called)
        after = facts_of_file(os.fstat(source.fileno()))
        if not after == facts_of_file(before) == _facts_by_name(original):
            path.unlink()
            raise SourceUnusable(
                f"{called} changed while being read",
                help="run again when nobody writes to it any more",
            )
    return path, digest.hexdigest(), facts_of_file(before)


def _facts_by_name(original: Path) -> tuple[int, ...] | None:
    """Look at what stands under the file's name now: another file may have taken its place, or none."""
    try:
        return facts_of_file(original.stat())
    except OSError:
        return None


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


def _read(
    source: BinaryIO, size: int, seen: Callable[[bytes], None], called: str
) -> Iterator[bytes]:
    """Read no more than the file had when it was opened: one that grows on and on has no end."""
    left = size
    try:
        while left > 0 and (piece := source.read(min(PIECE, left))):
            left -= len(piece)
            seen(piece)
            yield piece
    except OSError as error:
        raise SourceUnusable(
            f"{called} cannot be read: {error.strerror}", help="check the disk or the network share"
        ) from error


def write_copy(pieces: Iterator[bytes], path: Path, called: str) -> Path:
    """Write a new file for this user's eyes only; gives its path.

    Raises:
        SnapshotFailed: it cannot be written. No part of it is left, whatever is raised.
    """
    into = path.parent
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
