"""Files on an SFTP server, moved there by rename.

Who logs in and how is the user's ssh configuration: `~/.ssh/config`, keys, agent. The server must be
one of `~/.ssh/known_hosts`. The extra `sftp` brings fsspec's file system over asyncssh.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult

from pipeline.intake.archiving import CHANGED, NotArchived, as_not_archived
from pipeline.intake.packing import PIECE
from pipeline.intake.stores import Changed, Entry, ServerUnusable, free_name
from pipeline.intake.workbooks import ExtraMissing
from pipeline.model.stops import SourceUnusable

__all__ = ["SftpStore"]

_CONNECT_S = 30
_ALIVE_S = 15  # a server that answers nothing for three times as long is gone


class SftpStore:
    """A connection to an SFTP server."""

    no_folder = "check the folder"

    def __init__(self, url: SplitResult) -> None:
        """Connect.

        Raises:
            ServerUnusable: the server cannot be reached or does not let us in.
            ExtraMissing: sshfs is not installed.
        """
        try:
            from fsspec.asyn import sync_wrapper
            from sshfs import SSHFileSystem
        except ImportError:
            raise ExtraMissing(
                "files on an SFTP server need sshfs, which is not installed",
                help="pip install 'pipeline[sftp]'",
            ) from None

        class FileSystem(SSHFileSystem):  # type: ignore[misc]
            """Renames as SFTP itself does, which fails where a file of the new name is there."""

            async def _rename_to_new(self, old: str, new: str) -> None:
                async with self._pool.get() as channel:
                    await channel.rename(old, new)

            rename_to_new = sync_wrapper(_rename_to_new)

        self._host = url.hostname
        named = {"username": url.username} if url.username else {}
        with self._said():
            self._files = FileSystem(
                url.hostname, **named, port=url.port or (),
                known_hosts=(),  # those of the user: sshfs would trust every server
                password=None, connect_timeout=_CONNECT_S, keepalive_interval=_ALIVE_S,
                # names in bytes of another system, as files here have them (os.fsdecode)
                sftp_client_kwargs={"path_errors": "surrogateescape"}, skip_instance_cache=True,
            )  # fmt: skip

    def folder(self, path: str, beginning: str) -> Mapping[str, Entry] | None:
        """The files in a folder whose names begin so; None if there is no such folder."""
        try:
            with self._said():
                listed = self._files.ls(path, detail=True)
        except FileNotFoundError:
            return None
        named = {PurePosixPath(each["name"]).name: each for each in listed}
        return {
            name: _entry(each)
            for name, each in named.items()
            if each["type"] == "file" and name.startswith(beginning)
        }

    def file(self, path: str) -> Entry | None:
        """Look at a file; None if there is none."""
        try:
            with self._said():
                info = self._files.info(path)
        except FileNotFoundError:
            return None
        return _entry(info) if info["type"] == "file" else None

    def pieces(self, path: str, was: Entry) -> Iterator[bytes]:
        """Read the version of a file that was listed."""
        left, name = was.size, posixpath.basename(path)
        try:
            with self._said(), self._opened(path) as source:
                while left > 0 and (piece := source.read(min(PIECE, left))):
                    left -= len(piece)
                    yield piece
            now = self.file(path)
        except FileNotFoundError:
            now = None
        if now is None:
            raise SourceUnusable(
                f"{name} is gone: it went away after the folder was listed",
                help="run again, or ask its sender",
            )
        if now.facts != was.facts:
            raise Changed

    @as_not_archived()
    def move(self, path: str, into: str, was: Sequence[int | str]) -> str:
        """Rename a file into a folder, over no other file, if it is the version that was read."""
        with self._said():
            if _entry(self._files.info(path)).facts != tuple(was):
                raise NotArchived(CHANGED)
            self._files.makedirs(into, exist_ok=True)
            there = {PurePosixPath(each["name"]).name for each in self._files.ls(into, detail=True)}
            place = posixpath.join(into, free_name(posixpath.basename(path), there.__contains__))
            self._files.rename_to_new(path, place)
            if _entry(self._files.info(place)).facts != tuple(was):
                self._files.rename_to_new(place, path)
                raise NotArchived(CHANGED)
        return place

    def _opened(self, path: str) -> Any:  # noqa: ANN401 - a file of fsspec
        try:
            return self._files.open(path, "rb")
        except PermissionError as error:
            raise SourceUnusable(
                f"{posixpath.basename(path)} cannot be fetched: permission is denied",
                help="this user may not read it there; ask who runs the server",
            ) from error

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say in words what goes wrong; a file that is not there is the caller's."""
        import asyncssh
        from fsspec.exceptions import FSTimeoutError

        try:
            yield
        except FileNotFoundError:
            raise
        except asyncssh.HostKeyNotVerifiable as error:
            raise ServerUnusable(
                f"the key of {self._host} is not known: {error.reason}",
                help="check the key with who runs the server, and add it to ~/.ssh/known_hosts",
            ) from error
        except (asyncssh.Error, FSTimeoutError, OSError) as error:
            words = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise ServerUnusable(
                f"sftp://{self._host} cannot be read: {words}",
                help="try `sftp` with the same user and host; keys and users come from ~/.ssh/config",
            ) from error


def _entry(info: dict[str, Any]) -> Entry:
    changed = info.get("mtime")
    size, changed_s = int(info["size"]), 0 if changed is None else int(changed.timestamp())
    return Entry((size, changed_s), size, changed_s)
