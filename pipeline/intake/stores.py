"""What a server with files is to us: folders are listed, files are read piece by piece and moved."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.model.stops import SourceUnusable

__all__ = ["Changed", "Entry", "Facts", "ServerUnusable", "Store", "free_name"]

# What tells the versions of a file apart; it goes into plans, so it is written as JSON.
Facts = tuple[int | str, ...]


class Changed(Exception):  # noqa: N818 - it names what happens
    """A file is not the one that was listed any more."""


class ServerUnusable(SourceUnusable):
    """A server cannot be reached, does not let us in or has no such folder: not one file is to blame."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a folder: its version, its size in bytes, and when it was changed, in seconds."""

    facts: Facts
    size: int
    changed_s: int


class Store(Protocol):
    """A server with files. Paths begin with a slash; what goes wrong there is said in words.

    All of these raise ServerUnusable.
    """

    no_folder: str  # what to do about a folder that is not there

    def folder(self, path: str, beginning: str) -> Mapping[str, Entry] | None:
        """The files in a folder whose names begin so, without its folders; None if there is no such folder."""
        ...

    def file(self, path: str) -> Entry | None:
        """Look at a file; None if there is none."""
        ...

    def pieces(self, path: str, was: Entry) -> Iterator[bytes]:
        """Read the version of a file that was listed.

        Raises:
            Changed: it is another version now, or has become one while it was read.
            SourceUnusable: it is gone, or this file may not be read.
        """
        ...

    def move(self, path: str, into: str, was: Sequence[int | str]) -> str:
        """Move a file to a folder, over no other file, if it is the version that was read; gives its new path.

        Raises:
            NotArchived: it is gone, is another version by now, or cannot be moved.
        """
        ...


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name under which a file can be put beside others.

    >>> free_name("orders.csv.gz", {"orders.csv.gz", "orders.2.csv.gz"}.__contains__)
    'orders.3.csv.gz'
    """
    stem, dot, ending = name.partition(".")
    number, free = 1, name
    while is_taken(free):
        number += 1
        free = f"{stem}.{number}{dot}{ending}"
    return free
