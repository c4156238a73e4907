"""Files that have been imported, moved out of the way: by rename, over nothing, and only what was read."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from pipeline.model.stops import SourceUnusable

__all__ = [
    "CHANGED",
    "GONE",
    "NotArchived",
    "archive_file",
    "as_not_archived",
    "facts_of_file",
    "size_of",
]


CHANGED = "it is not the file that was read: it has changed since"
GONE = "it is gone"


class NotArchived(Exception):  # noqa: N818 - it names what happens; the run is not concerned
    """A file stays where it is; the text says why."""


@contextmanager
def as_not_archived() -> Iterator[None]:
    """Say of a file that cannot be moved that it is gone, or what its server says."""
    try:
        yield
    except FileNotFoundError:
        raise NotArchived(GONE) from None
    except SourceUnusable as error:
        raise NotArchived(error.message) from error


def facts_of_file(status: os.stat_result) -> tuple[int, ...]:
    """What tells one version of a file from another: device, inode, size, time of change."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def size_of(facts: Sequence[int]) -> int:
    """The size of a file in bytes, by its facts."""
    return facts[2]


def archive_file(file: Path, into: Path, was: Sequence[int]) -> Path:
    """Move a file into a folder, if it is still the one that was read; gives its new place.

    `was` are its facts from when it was read. Where a file of its name lies in the folder already, a
    number tells the two apart.

    Raises:
        NotArchived: it is gone, is another one by now, or cannot be moved.
    """
    try:
        if facts_of_file(file.lstat()) != tuple(was):
            raise NotArchived(CHANGED)
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = _reserved(into, file.name)
    except FileNotFoundError:
        raise NotArchived(GONE) from None
    except OSError as error:
        raise NotArchived(error.strerror or str(error)) from error
    try:
        file.rename(place)  # over our own empty file, and no other
    except OSError as error:
        place.unlink()
        if error.errno == errno.EXDEV:
            raise NotArchived(
                "the archive is on another file system; a rename needs it on the same one"
            ) from error
        raise NotArchived(error.strerror or str(error)) from error
    if facts_of_file(place.lstat()) != tuple(was):  # replaced in the very moment
        os.link(place, file)  # not over what may have come since
        place.unlink()
        raise NotArchived(CHANGED)
    return place


def _reserved(into: Path, name: str) -> Path:
    """Make an empty file of a name that is free: `orders.csv`, else `orders.2.csv`."""
    stem, dot, ending = name.partition(".")
    for number in count(1):
        place = into / (name if number == 1 else f"{stem}.{number}{dot}{ending}")
        try:
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return place
    raise AssertionError  # there is always another number
