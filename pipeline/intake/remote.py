"""Files on an SFTP server, fetched to be read here; archived there by rename.

Who logs in and how is the user's ssh configuration: `~/.ssh/config`, keys, agent. The server must be
one of `~/.ssh/known_hosts`. The extra `sftp` brings fsspec's file system over asyncssh.
"""

import os
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from pipeline.intake.archives import is_zip
from pipeline.intake.archiving import NotArchived
from pipeline.intake.assignment import claims
from pipeline.intake.finding import unfinished_name
from pipeline.intake.packing import PIECE
from pipeline.intake.stillness import STILL_WRITTEN, Readiness
from pipeline.intake.workbooks import ExtraMissing
from pipeline.model.stops import SourceUnusable

__all__ = ["Fetched", "Remote", "archive_remote", "fetch", "is_remote", "remote_facts"]

_SCHEME = "sftp://"
_CONNECT_S = 30
_ALIVE_S = 15  # a server that answers nothing for three times as long is gone
_MAGIC = "*?["


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server; `facts` are its size and its time of change, in seconds."""

    url: str
    facts: tuple[int, ...]


@dataclass(slots=True)
class Fetched:
    """Where the files of a server lie here, and those that are still being written there."""

    folder: Path
    files: dict[Path, Remote] = field(default_factory=dict)
    unfinished: dict[Path, str] = field(default_factory=dict)


class _Store(Protocol):
    """What is used of fsspec's file system."""

    def ls(self, path: str, *, detail: bool) -> list[dict[str, Any]]: ...
    def info(self, path: str) -> dict[str, Any]: ...
    def open(self, path: str, mode: str) -> Any: ...  # noqa: ANN401 - a file of fsspec
    def makedirs(self, path: str, *, exist_ok: bool) -> None: ...
    def rename_to_new(self, old: str, new: str) -> None: ...


def is_remote(argument: str) -> bool:
    """Tell whether an argument means files on a server.

    >>> is_remote("sftp://wms@files.example.com/out/*.csv"), is_remote("out/")
    (True, False)
    """
    return argument.startswith(_SCHEME)


def fetch(
    argument: str, patterns: Sequence[str | None], readiness: Readiness, into: Path
) -> Fetched:
    """Fetch the files that some mapping reads: of a folder, of a glob in a folder, or one file.

    They are written piece by piece under their own names. Files whose names say that they are
    not finished, and markers, are there by name only.

    Raises:
        SourceUnusable: the server cannot be reached or does not let us in, there is no such
            folder or file, or the URL has a password in it.
        ExtraMissing: sshfs is not installed.
    """
    url = _parsed(argument)
    folder, wanted = _folder_and_name(url)
    into.mkdir(parents=True, mode=0o700)
    fetched = Fetched(into)
    with _opened(url) as store:
        try:
            if not wanted and store.info(folder)["type"] != "directory":
                folder, wanted = posixpath.split(folder)
            listed = store.ls(folder, detail=True)
        except FileNotFoundError:
            raise SourceUnusable(f"{argument} does not exist", help="check the folder") from None
        entries = {
            PurePosixPath(each["name"]).name: each for each in listed if each["type"] == "file"
        }
        meant = []
        for name in sorted(entries):
            by_name_only = readiness.is_marker(Path(name)) or unfinished_name(name) is not None
            if by_name_only and (not wanted or name == wanted or not unfinished_name(name)):
                (into / name).touch(0o600)
            elif fnmatchcase(name, wanted) if wanted else _read(name, patterns):
                meant.append(name)
        if wanted and not any(wanted == name or fnmatchcase(name, wanted) for name in entries):
            raise SourceUnusable(
                f"no file matches {argument}", help="check the folder and the name"
            )
        before = {name: _facts(entries[name]) for name in meant}
        _let_settle(list(before.values()), readiness)
        for name in meant:
            path = posixpath.join(folder, name)
            local = into / name
            _copy(store, path, local, before[name][0])
            if _facts(store.info(path)) != before[name]:
                local.unlink()
                fetched.unfinished[local] = STILL_WRITTEN
                continue
            os.utime(local, (before[name][1], before[name][1]))
            fetched.files[local] = Remote(_url(url, path), before[name])
    return fetched


def remote_facts(url: str) -> tuple[int, ...] | None:
    """What tells the versions of a file on a server apart; None where it is gone."""
    parts = _parsed(url)
    with _opened(parts) as store:
        try:
            return _facts(store.info(unquote(parts.path)))
        except FileNotFoundError:
            return None


def archive_remote(url: str, folder: str, was: Sequence[int]) -> str:
    """Rename a file into a folder beside it, if it is still the one that was read; gives its new URL.

    Raises:
        NotArchived: it is gone, is another one by now, or cannot be renamed.
    """
    parts = _parsed(url)
    path = unquote(parts.path)
    try:
        with _opened(parts) as store:
            if _facts(store.info(path)) != tuple(was):
                raise NotArchived("it is not the file that was read: it has changed since")
            into = posixpath.join(posixpath.dirname(path), folder)
            store.makedirs(into, exist_ok=True)
            place = _free(store, into, posixpath.basename(path))
            store.rename_to_new(path, place)
            if _facts(store.info(place)) != tuple(was):
                store.rename_to_new(place, path)
                raise NotArchived("it is not the file that was read: it has changed since")
    except FileNotFoundError:
        raise NotArchived("it is gone") from None
    except SourceUnusable as error:
        raise NotArchived(error.message) from error
    return _url(parts, place)


# -- the server ------------------------------------------------------------------------------------


@contextmanager
def _opened(url: SplitResult) -> Iterator[_Store]:
    """Connect; what goes wrong there is said in words."""
    try:
        import asyncssh
        from fsspec.asyn import sync_wrapper
        from fsspec.exceptions import FSTimeoutError
        from sshfs import SSHFileSystem
    except ImportError:
        raise ExtraMissing(
            "files on an SFTP server need sshfs, which is not installed",
            help="pip install 'pipeline[sftp]'",
        ) from None

    class Store(SSHFileSystem):  # type: ignore[misc]
        """Renames as SFTP itself does, which fails where a file of the new name is there."""

        async def _rename_to_new(self, old: str, new: str) -> None:
            async with self._pool.get() as channel:
                await channel.rename(old, new)

        rename_to_new = sync_wrapper(_rename_to_new)

    named = {"username": url.username} if url.username else {}
    try:
        store = Store(
            url.hostname, **named, port=url.port or (),
            known_hosts=(),  # those of the user: sshfs would trust every server
            password=None, connect_timeout=_CONNECT_S, keepalive_interval=_ALIVE_S,
            skip_instance_cache=True,
        )  # fmt: skip
        yield store
    except FileNotFoundError:
        raise
    except asyncssh.HostKeyNotVerifiable as error:
        raise SourceUnusable(
            f"the key of {url.hostname} is not known: {error.reason}",
            help="check the key with who runs the server, and add it to ~/.ssh/known_hosts",
        ) from error
    except (asyncssh.Error, FSTimeoutError, OSError) as error:
        words = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise SourceUnusable(
            f"{_SCHEME}{url.hostname} cannot be read: {words}",
            help="try `sftp` with the same user and host; keys and users come from ~/.ssh/config",
        ) from error


def _copy(store: _Store, path: str, local: Path, size: int) -> None:
    number = os.open(local, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as copy, store.open(path, "rb") as source:
        while size > 0 and (piece := source.read(min(PIECE, size))):
            copy.write(piece)
            size -= len(piece)


def _let_settle(facts: Sequence[tuple[int, ...]], readiness: Readiness) -> None:
    """Wait as long as the freshest of the files needs; whether it has changed is seen afterwards."""
    ages = [max(0.0, readiness.now() - changed) for _, changed in facts]
    rest_s = max((readiness.stable_s - age for age in ages), default=0.0)
    if readiness.stable_s and rest_s > 0:
        readiness.wait(rest_s)


def _facts(info: dict[str, Any]) -> tuple[int, ...]:
    changed = info.get("mtime")
    return (int(info["size"]), 0 if changed is None else int(changed.timestamp()))


def _free(store: _Store, into: str, name: str) -> str:
    there = {PurePosixPath(each["name"]).name for each in store.ls(into, detail=True)}
    stem, dot, ending = name.partition(".")
    number, free = 1, name
    while free in there:
        number += 1
        free = f"{stem}.{number}{dot}{ending}"
    return posixpath.join(into, free)


# -- URLs ------------------------------------------------------------------------------------------


def _parsed(argument: str) -> SplitResult:
    url = urlsplit(argument.replace("?", "%3F").replace("#", "%23"))
    if url.password is not None:
        raise SourceUnusable(
            f"{_SCHEME}{url.hostname}: a password has no place in a URL",
            help="log in with a key: ~/.ssh/config says which",
        )
    if not url.hostname or not url.path:
        raise SourceUnusable(
            f"{argument} names no server and folder", help="sftp://host/folder/*.csv"
        )
    return url


def _folder_and_name(url: SplitResult) -> tuple[str, str]:
    """The folder, and the glob of names in it; "" for all of a folder, or for a file."""
    path = unquote(url.path)
    folder, name = posixpath.split(path)
    if any(mark in folder for mark in _MAGIC):
        raise SourceUnusable(
            f"{_SCHEME}{url.hostname}{path}: only the name of a file may be a pattern",
            help="name each folder on its own",
        )
    return (folder, name) if any(mark in name for mark in _MAGIC) else (path, "")


def _url(url: SplitResult, path: str) -> str:
    return f"{_SCHEME}{url.netloc}{path}"


def _read(name: str, patterns: Sequence[str | None]) -> bool:
    return is_zip(Path(name)) or any(each is None or claims(each, Path(name)) for each in patterns)
