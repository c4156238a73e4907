"""Input files by name, folder or glob; what is no finished, regular file stays where it is."""

import glob
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TypeVar

from pipeline.intake.archives import Member, is_zip, members_meant
from pipeline.intake.assignment import claims
from pipeline.intake.stillness import AT_ONCE, Readiness
from pipeline.model.likeness import nearest
from pipeline.model.stops import SourceUnusable

__all__ = [
    "EMPTY",
    "LOOKS_UNFINISHED",
    "NOT_MEANT",
    "Found",
    "find_files",
    "finished_name",
    "refusal",
    "unfinished_name",
]

EMPTY = "is empty (0 bytes)"  # why a file is left alone
LOOKS_UNFINISHED = "looks unfinished"
NOT_MEANT = "is meant by no mapping's `source.files`"

_HIDDEN, _FOLDER = "is hidden", "is a folder"
_UNSEEN = "cannot be looked at"
_UNFINISHED = (".part", ".tmp", ".filepart", "~")
_KINDS = (
    (stat.S_ISDIR, _FOLDER),
    (stat.S_ISFIFO, "is a FIFO"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISCHR, "is a device"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, in the order in which they are read: by path.

    `left_alone` are those that are no input, with the reason ("is hidden"); `unfinished` those that a
    later run may take ("is still being written"), as far as some mapping means them; `refused` those that were meant and cannot be used.
    `members` says which of the files are not on the disk but in a zip archive.
    """

    files: tuple[Path, ...]
    left_alone: Mapping[Path, str]
    unfinished: Mapping[Path, str] = field(default_factory=dict)
    refused: Mapping[Path, SourceUnusable] = field(default_factory=dict)
    members: Mapping[Path, Member] = field(default_factory=dict)

    @property
    def least_parts(self) -> Mapping[Path, int]:
        """How many parts a name needs so that it tells the archive of a file, too."""
        return {
            file: len(PurePosixPath(member.name).parts) + 1
            for file, member in self.members.items()
            if file != member.archive
        }

    @property
    def meant(self) -> tuple[Path, ...]:
        """The files to read, and those that would be if they could."""
        return (*self.files, *self.unfinished, *self.refused)


def find_files(
    arguments: Sequence[str],
    patterns: Sequence[str | None] = (),
    readiness: Readiness = AT_ONCE,
) -> Found:
    """Find the files that arguments mean: files, folders (without the folders in them), globs.

    `patterns` are the `source.files` globs of the mappings, None for a mapping without one: of a
    folder only the files that some mapping reads are taken; without patterns, all. Hidden and unfinished files
    are left alone even when they are named; so are empty ones (FAULTS I9) beside any that are not. Of a zip
    archive those members are files that some mapping means, or its only one.

    Raises:
        SourceUnusable: a named file does not exist, or a glob means nothing.
    """
    search = _Search(patterns, readiness)
    for argument in arguments:
        try:
            search.take_argument(argument)
        except (
            OSError
        ) as error:  # a folder that this user may not look into, a name that is too long
            search.refuse(Path(argument), f"{_UNSEEN}: {error.strerror}")
    return search.found()


class _Search:
    """What has been found so far; each file once, whatever names it has."""

    def __init__(self, patterns: Sequence[str | None], readiness: Readiness) -> None:
        self._patterns = patterns
        self._readiness = readiness
        self._candidates: dict[Path, tuple[Path, bool]] = {}  # by what they resolve to
        self._left: dict[Path, str] = {}
        self._unfinished: dict[Path, str] = {}
        self._refused: dict[Path, SourceUnusable] = {}

    def take_argument(self, argument: str) -> None:
        """Look at what a file, a folder or a glob means."""
        path = Path(argument)
        if path.is_dir():
            for each in sorted(path.iterdir()):
                self.take(each, in_folder=True)
        elif os.path.lexists(path):
            self.take(path, named=True)
        else:
            for each in _expanded(argument):
                self.take(each)

    def take(self, file: Path, *, named: bool = False, in_folder: bool = False) -> None:
        """Look at a file that an argument names, or that lies in a folder, or that a glob means."""
        reason = unfinished_name(file.name)
        if reason == _HIDDEN:
            self._left.setdefault(file, reason)
        elif reason is not None and in_folder and not self._will_be_read(finished_name(file)):
            self._left.setdefault(file, NOT_MEANT)
        elif reason is not None:
            self._unfinished.setdefault(file, reason)
        elif self._readiness.is_marker(file):
            return
        elif (reason := refusal(file)) is None:
            self._candidates.setdefault(file.resolve(), (file, in_folder))
        elif named or (reason != _FOLDER and self._claimed(file)):
            self.refuse(file, reason)
        else:
            self._left.setdefault(file, reason)

    def refuse(self, file: Path, reason: str) -> None:
        """Say why something that was meant cannot be read."""
        hint = "name a regular file, or the folder it lies in"
        if reason.startswith(_UNSEEN):
            hint = "check its name, and that this user may look into its folder"
        self._refused.setdefault(file, SourceUnusable(f"{file} {reason}", help=hint))

    def _claimed(self, file: Path) -> bool:
        return any(pattern is not None and claims(pattern, file) for pattern in self._patterns)

    def _will_be_read(self, file: Path) -> bool:
        """Tell whether some mapping reads a file that is not finished, by the name that it will have."""
        return is_zip(file) or _is_read(file, self._patterns)

    def found(self) -> Found:
        """Give all of it, when the files have been watched for as long as is asked for."""
        meant = {}
        for file, in_folder in self._candidates.values():
            if in_folder and not is_zip(file) and not _is_read(file, self._patterns):
                self._left.setdefault(file, NOT_MEANT)
            else:
                meant[file] = in_folder
        self._unfinished |= self._readiness.unfinished(list(meant))
        files: list[Path] = []
        members: dict[Path, Member] = {}
        for file, in_folder in meant.items():
            if file in self._unfinished:
                continue
            inside = self._unzipped(file, in_folder=in_folder) if is_zip(file) else {}
            members |= inside
            files += inside or ([] if is_zip(file) else [file])
        empty = [file for file in files if file not in members and _is_empty(file)]
        if len(empty) < len(files):
            files = [file for file in files if file not in empty]
            self._unfinished |= dict.fromkeys(empty, EMPTY)
        return Found(
            tuple(sorted(files)), _in_order(self._left), _in_order(self._unfinished),
            _in_order(self._refused), members,
        )  # fmt: skip

    def _unzipped(self, archive: Path, *, in_folder: bool) -> dict[Path, Member]:
        whole = not in_folder or not self._patterns
        try:
            members = members_meant(archive, self._patterns, whole=whole)
        except SourceUnusable as refused:
            self._refused[archive] = refused
            return {}
        if members is None:
            self._left.setdefault(archive, NOT_MEANT)
        return members or {}


_Told = TypeVar("_Told")


def _in_order(told: Mapping[Path, _Told]) -> Mapping[Path, _Told]:
    return MappingProxyType(dict(sorted(told.items())))


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
        return f"{_UNSEEN}: {getattr(error, 'strerror', None) or error}"
    if path.is_symlink() and not target.is_relative_to(path.parent.resolve()):
        return "is a symbolic link that leaves its folder"
    if stat.S_ISREG(mode):
        return None
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "is not a regular file")


def finished_name(file: Path) -> Path:
    """Give the name that an unfinished file will have.

    >>> finished_name(Path("in/orders.csv.part")).name
    'orders.csv'
    """
    ending = next((each for each in _UNFINISHED if file.name.lower().endswith(each)), "")
    return file.with_name(file.name.removesuffix(file.name[-len(ending) :])) if ending else file


def unfinished_name(name: str) -> str | None:
    """Say why a file of this name is left alone, or None."""
    if name.startswith("."):
        return _HIDDEN
    return LOOKS_UNFINISHED if name.lower().endswith(_UNFINISHED) else None


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
