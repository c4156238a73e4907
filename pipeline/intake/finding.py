"""Input files by name, folder or glob; what is no finished, regular file stays where it is."""

import glob
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pipeline.intake.assignment import claims
from pipeline.model.likeness import nearest
from pipeline.model.stops import SourceUnusable

__all__ = ["EMPTY", "Found", "find_files", "refusal"]

EMPTY = "is empty (0 bytes)"  # why a file is left alone

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
    """The files to read, and those left alone with the reason ("is hidden"); sorted by path."""

    files: tuple[Path, ...]
    left_alone: Mapping[Path, str]


def find_files(arguments: Sequence[str], patterns: Sequence[str | None] = ()) -> Found:
    """Find the files that arguments mean: files, folders (without the folders in them), globs.

    `patterns` are the `source.files` globs of the mappings, None for a mapping without one: of a
    folder only the files that some mapping reads are taken; without patterns, all. Hidden and unfinished files
    are left alone even when they are named; so are empty ones (FAULTS I9) beside any that are not.

    Raises:
        SourceUnusable: a named file does not exist or is no regular file, or a glob means nothing.
    """
    files: dict[Path, Path] = {}
    empty: dict[Path, Path] = {}
    left: dict[Path, str] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            candidates, named = sorted(path.iterdir()), False
        elif os.path.lexists(path):
            candidates, named = [path], True
        else:
            candidates, named = _expanded(argument), False
        for candidate in candidates:
            reason = _unfinished(candidate.name) or refusal(candidate)
            if reason is None and path.is_dir() and not _is_read(candidate, patterns):
                reason = "is meant by no mapping's `source.files`"
            if reason is None:
                among = empty if _is_empty(candidate) else files
                among.setdefault(candidate.resolve(), candidate)
            elif named and not _unfinished(candidate.name):
                raise SourceUnusable(
                    f"{candidate} {reason}", help="name a regular file, or the folder it lies in"
                )
            else:
                left.setdefault(candidate, reason)
    if files:
        left |= dict.fromkeys(empty.values(), EMPTY)
    found = files or empty  # their reader says what is wrong with them
    return Found(tuple(sorted(found.values())), MappingProxyType(dict(sorted(left.items()))))


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
