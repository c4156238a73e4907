"""Input files by name, folder or glob; what is no finished, regular file stays where it is."""

import glob
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from pipeline.intake.archives import Member, is_zip, members_meant
from pipeline.intake.assignment import claims
from pipeline.model.likeness import nearest
from pipeline.model.stops import SourceUnusable

__all__ = ["EMPTY", "Found", "find_files", "refusal"]

EMPTY = "is empty (0 bytes)"  # why a file is left alone
NOT_MEANT = "is meant by no mapping's `source.files`"

_UNFINISHED = (".part", ".tmp", ".filepart", "~")
_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a FIFO"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISCHR, "is a device"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, and those left alone with the reason ("is hidden"); sorted by path.

    `members` says which of the files are not on the disk but in a zip archive.
    """

    files: tuple[Path, ...]
    left_alone: Mapping[Path, str]
    members: Mapping[Path, Member] = field(default_factory=dict)

    @property
    def least_parts(self) -> Mapping[Path, int]:
        """How many parts a name needs so that it tells the archive of a file, too."""
        return {
            file: len(PurePosixPath(member.name).parts) + 1
            for file, member in self.members.items()
            if file != member.archive
        }


def find_files(arguments: Sequence[str], patterns: Sequence[str | None] = ()) -> Found:
    """Find the files that arguments mean: files, folders (without the folders in them), globs.

    `patterns` are the `source.files` globs of the mappings, None for a mapping without one: of a
    folder only the files that some mapping reads are taken; without patterns, all. Hidden and unfinished files
    are left alone even when they are named; so are empty ones (FAULTS I9) beside any that are not. Of a zip
    archive those members are files that some mapping means, or its only one.

    Raises:
        SourceUnusable: a named file does not exist or is no regular file, a glob means nothing, or a
            zip archive is damaged or does not say which member is meant.
    """
    search = _Search(patterns)
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            for each in sorted(path.iterdir()):
                search.take(each, in_folder=True)
        elif os.path.lexists(path):
            search.take(path, named=True)
        else:
            for each in _expanded(argument):
                search.take(each)
    return search.found()


class _Search:
    """What has been found so far; each file once, whatever names it has."""

    def __init__(self, patterns: Sequence[str | None]) -> None:
        self._patterns = patterns
        self._files: dict[Path, Path] = {}
        self._empty: dict[Path, Path] = {}
        self._left: dict[Path, str] = {}
        self._members: dict[Path, Member] = {}

    def take(self, file: Path, *, named: bool = False, in_folder: bool = False) -> None:
        """Look at a file that an argument names, or that lies in a folder, or that a glob means."""
        reason = _unfinished(file.name) or refusal(file)
        if reason is not None and named and not _unfinished(file.name):
            raise SourceUnusable(
                f"{file} {reason}", help="name a regular file, or the folder it lies in"
            )
        if reason is None:
            reason = (
                self._unzipped(file, in_folder=in_folder)
                if is_zip(file)
                else self._taken(file, in_folder=in_folder)
            )
        if reason is not None:
            self._left.setdefault(file, reason)

    def _taken(self, file: Path, *, in_folder: bool) -> str | None:
        if in_folder and not _is_read(file, self._patterns):
            return NOT_MEANT
        among = self._empty if _is_empty(file) else self._files
        among.setdefault(file.resolve(), file)
        return None

    def _unzipped(self, archive: Path, *, in_folder: bool) -> str | None:
        whole = not in_folder or not self._patterns
        members = members_meant(archive, self._patterns, whole=whole)
        if members is None:
            return NOT_MEANT
        self._members |= members
        for each in members:
            self._files.setdefault(each.resolve(), each)
        return None

    def found(self) -> Found:
        """Give all of it."""
        if self._files:
            self._left |= dict.fromkeys(self._empty.values(), EMPTY)
        files = self._files or self._empty  # their reader says what is wrong with them
        return Found(
            tuple(sorted(files.values())), MappingProxyType(dict(sorted(self._left.items()))),
            {file: self._members[file] for file in files.values() if file in self._members},
        )  # fmt: skip


def refusal(path: Path) -> str | None:
    """Say why a file is not read, or None if it is a regular one; opens nothing.

    A symbolic link is followed only within its folder: what lies in an inbox must not make us
    read another place (FAULTS I4).
    """
    try:
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "is a link to nothing" if path.is_symlink() else "does not exist"
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        return f"cannot be looked at: {error}"
    if path.is_symlink() and not target.is_relative_to(path.parent.resolve()):
        return "is a symbolic link that leaves its folder"
    if stat.S_ISREG(mode):
        return None
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "is not a regular file")


def _unfinished(name: str) -> str | None:
    if name.startswith("."):
        return "is hidden"
    return "looks unfinished" if name.lower().endswith(_UNFINISHED) else None


def _is_empty(file: Path) -> bool:
    try:
        return file.stat().st_size == 0
    except OSError:  # whoever copies it says what is wrong
        return False


def _is_read(file: Path, patterns: Sequence[str | None]) -> bool:
    return not patterns or any(pattern is None or claims(pattern, file) for pattern in patterns)


def _expanded(argument: str) -> list[Path]:
    if not glob.has_magic(argument):
        raise _missing(Path(argument))
    hits = sorted(Path(hit) for hit in glob.glob(argument))  # noqa: PTH207 - any folder, not one
    if not hits:
        raise SourceUnusable(f"no file matches {argument}", help="check the folder and the pattern")
    return hits


def _missing(path: Path) -> SourceUnusable:
    folder = path.parent
    if not folder.is_dir():
        return SourceUnusable(f"{path} does not exist", help=f"there is no folder {folder}")
    try:
        there = [each.name for each in folder.iterdir()]
    except PermissionError:
        there = []
    near = nearest(path.name, there)
    meant = f"did you mean {folder / near}?" if near else f"nothing in {folder} has a similar name"
    return SourceUnusable(f"{path} does not exist", help=meant)
