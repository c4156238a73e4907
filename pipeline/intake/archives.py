"""Zip archives: which of their members are input files, and each of them unpacked within limits."""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pipeline.intake.assignment import claims
from pipeline.intake.packing import PIECE, ZIP, Limits, is_packed
from pipeline.model.stops import SourceUnusable

__all__ = ["Member", "is_zip", "member_bytes", "members_meant"]

MEMBERS_MAX = 10_000
_DIRECTORY_MAX = 8 << 20  # bytes of the list of members, which is in memory as a whole
_NAMED_MAX = 10  # members that a message names
_ENCRYPTED = 0x1
# The other methods of zipfile unpack as much as there is at once, whatever is asked for.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a zip archive, by the name that it has there."""

    archive: Path
    name: str


def is_zip(file: Path) -> bool:
    """Tell whether a file says of itself that it is a zip archive."""
    return file.name.lower().endswith(ZIP)


def members_meant(
    archive: Path, patterns: Sequence[str | None], *, whole: bool
) -> dict[Path, Member] | None:
    """Choose the members that mappings mean; each stands under the archive's path and its own name.

    `patterns` are the mappings' `source.files`. Without a pattern that means a member, the only member
    of the archive stands under the archive's own path, if the archive itself is meant: `whole` says
    so of one that a person has named.

    Returns:
        None where no mapping means anything of it.

    Raises:
        SourceUnusable: it is damaged or hostile, or has several members and nothing says which is meant.
    """
    called = archive.name
    with _opened(archive, called) as zipped:
        members = _files(zipped, called)
    globs = [pattern for pattern in patterns if pattern is not None]
    meant = {
        archive / name: Member(archive, name)
        for name in members
        if any(claims(pattern, Path(name)) for pattern in globs)
    }
    if meant:
        return meant
    if not (whole or None in patterns or any(claims(pattern, archive) for pattern in globs)):
        return None
    if not members:
        raise SourceUnusable(f"{called} has no file in it", help="ask for the file again")
    if len(members) > 1:
        more = f" and {len(members) - _NAMED_MAX} more" if len(members) > _NAMED_MAX else ""
        raise SourceUnusable(
            f"{called} has several files: {', '.join(members[:_NAMED_MAX])}{more}",
            help="say in `source.files` of a mapping which of them it reads",
        )
    return {archive: Member(archive, members[0])}


def member_bytes(copy: Path, member: Member, called: str, limits: Limits) -> Iterator[bytes]:
    """Unpack a member of an archive's copy; `limits` are those of the archive as a whole.

    Raises:
        SourceUnusable: it is encrypted, packed again or in another way, damaged, or too much.
    """
    with _opened(copy, called) as zipped:
        try:
            info = zipped.getinfo(member.name)
        except KeyError:
            raise SourceUnusable(
                f"{called} changed while being read",
                help="run again when nobody writes to it any more",
            ) from None
        _refuse(info, called)
        with _told(called), zipped.open(info) as unpacking:
            while piece := unpacking.read(PIECE):
                limits.unpacked += len(piece)
                limits.check(called)
                yield piece


def _refuse(info: zipfile.ZipInfo, called: str) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise SourceUnusable(
            f"{called} is encrypted", help="unpack it first, or have it sent without a password"
        )
    if is_packed(info.filename):
        raise SourceUnusable(
            f"{called} is packed again", help="only one level is unpacked: unpack the archive first"
        )
    if info.compress_type not in _METHODS:
        raise SourceUnusable(
            f"{called} is packed in a way that is not unpacked here (method {info.compress_type})",
            help="pack it with Deflate, which every zip program does unless told otherwise, or use .zst",
        )


def _files(zipped: zipfile.ZipFile, called: str) -> list[str]:
    """The names of the files in it, sorted; those that systems and people hide are left out."""
    infos = zipped.infolist()
    if len(infos) > MEMBERS_MAX:
        raise _too_many(called)
    found = []
    for info in infos:
        name = info.filename
        if _leads_out(name) or stat.S_ISLNK(info.external_attr >> 16):
            raise SourceUnusable(
                f"{called} has a member that leads out of it: {name}",
                help="ask its sender; a usual archive has no such name",
            )
        parts = PurePosixPath(name).parts
        hidden = any(part.startswith(".") for part in parts) or "__MACOSX" in parts
        if not (info.is_dir() or hidden):
            found.append(name)
    if len(set(found)) < len(found):
        raise SourceUnusable(
            f"{called} has several members of one name", help="ask for the file again"
        )
    return sorted(found)


def _leads_out(name: str) -> bool:
    """Tell whether a name is no plain path within the archive.

    >>> [_leads_out(name) for name in ("a/b.csv", "/etc/x", "../x", "a/../../x", "C:x")]
    [False, True, True, True, True]
    """
    return bool(
        name.startswith("/") or "\\" in name or ".." in name.split("/") or _DRIVE.match(name)
    )


class _Measured(io.RawIOBase):
    """A file of which nobody reads much at once: the list of members may be as long as it likes."""

    def __init__(self, file: IO[bytes], called: str) -> None:
        self._file = file
        self._called = called

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY_MAX:
            raise _too_many(self._called)
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


@contextmanager
def _opened(path: Path, called: str) -> Iterator[zipfile.ZipFile]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceUnusable(
            f"{called} cannot be opened: {error.strerror}",
            help="check that this user may read it and that no other program locks it",
        ) from error
    with file:
        begins = file.read(4)
        try:
            zipped = zipfile.ZipFile(_Measured(file, called))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            if begins[:2] in (b"", b"PK"):
                raise SourceUnusable(
                    f"{called} is cut off: its zip data has no end", help="ask for the file again"
                ) from error
            raise SourceUnusable(
                f"{called} is not readable as zip: {error}", help="ask for the file again"
            ) from error
        with zipped:
            yield zipped


@contextmanager
def _told(called: str) -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise SourceUnusable(
            f"{called} is cut off: its zip data has no end", help="ask for the file again"
        ) from error
    # ValueError: of a name that is not in the encoding it claims; RuntimeError: of flags of rare kinds
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError) as error:
        raise SourceUnusable(
            f"{called} is not readable as zip: {error}", help="ask for the file again"
        ) from error


def _too_many(called: str) -> SourceUnusable:
    return SourceUnusable(
        f"{called} has more than {MEMBERS_MAX} members", help="ask for smaller archives"
    )
