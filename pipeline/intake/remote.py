"""Files on servers, fetched to be read here; archived there."""

import os
import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from pipeline.intake.archives import is_zip
from pipeline.intake.archiving import NotArchived, as_not_archived
from pipeline.intake.assignment import claims
from pipeline.intake.finding import unfinished_name
from pipeline.intake.s3 import S3Store
from pipeline.intake.sftp import SftpStore
from pipeline.intake.snapshots import write_copy
from pipeline.intake.stillness import STILL_WRITTEN, Readiness
from pipeline.intake.stores import Changed, Entry, Facts, ServerUnusable, Store
from pipeline.model.likeness import nearest
from pipeline.model.stops import SourceUnusable

__all__ = ["Fetched", "Remote", "Servers", "is_remote", "refuse_unknown_scheme"]

_SFTP, _S3 = "sftp", "s3"
_EXAMPLES = {_SFTP: "sftp://host/folder/*.csv", _S3: "s3://bucket/folder/*.csv"}
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<slashes>//?)")
_MAGIC = "*?["
_NAME_MAX = 255  # bytes, of a file here
# What is no part of a path as it stands in a URL, and what `urlsplit` leaves out without a word.
_CONTROLS = {code: f"%{code:02X}" for code in (*range(32), 127)}
_QUOTED = _CONTROLS | {ord("?"): "%3F", ord("#"): "%23"}
_WRITTEN = _CONTROLS | {ord("%"): "%25"}


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server; `facts` tell its versions apart."""

    url: str
    facts: Facts


@dataclass(slots=True)
class Fetched:
    """Where the files of a server lie here; those still being written there; those that cannot be used."""

    folder: Path
    files: dict[Path, Remote] = field(default_factory=dict)
    unfinished: dict[Path, str] = field(default_factory=dict)
    refused: dict[Path, SourceUnusable] = field(default_factory=dict)


def is_remote(argument: str) -> bool:
    """Tell whether an argument means files on a server.

    >>> is_remote("sftp://wms@files.example.com/out/*.csv"), is_remote("s3://shop/"), is_remote("out/")
    (True, True, False)
    """
    return argument.partition("://")[0] in _EXAMPLES and "://" in argument


def refuse_unknown_scheme(argument: str) -> None:
    """Refuse a URL of a server that we cannot ask; no word of it is repeated but its scheme.

    Raises:
        SourceUnusable: it has another scheme than those we know, or one that is not written as they are.
    """
    found = _SCHEME.match(argument)
    if found is None or is_remote(argument) or os.path.lexists(argument):
        return
    scheme, known = found["scheme"], found["scheme"].lower() in _EXAMPLES
    if known:
        raise SourceUnusable(
            f"a URL that begins with {found[0]} is none of ours",
            help=f"did you mean {_EXAMPLES[scheme.lower()]}?",
        )
    if found["slashes"] == "//":
        near = nearest(scheme.lower(), list(_EXAMPLES))
        meant = f"did you mean {_EXAMPLES[near]}? else " if near else ""
        raise SourceUnusable(
            f"files of {scheme}:// cannot be fetched: the schemes are {' and '.join(_EXAMPLES)}",
            help=f"{meant}fetch them by other means, and name the folder that they are in",
        )


class Servers:
    """The servers that files come from, each connected to once, and what was fetched from them.

    Args:
        s3_endpoint: URL of the store that s3:// means; None for what the chain of AWS says.
    """

    def __init__(self, s3_endpoint: str | None = None) -> None:
        self._s3_endpoint = s3_endpoint
        self._stores: dict[tuple[str, str], Store] = {}
        self._seen: set[str] = set()

    def fetch(
        self, argument: str, patterns: Sequence[str | None], readiness: Readiness, into: Path
    ) -> Fetched:
        """Fetch the files that some mapping reads: of a folder, of a glob in a folder, or one file.

        They are written piece by piece under their own names. Files whose names say that they are
        not finished, and markers, are there by name only. No file is fetched twice.

        Raises:
            SourceUnusable: the server cannot be reached or does not let us in, there is no such
                folder or file, or the URL has a secret in it.
            SnapshotFailed: a file cannot be written here.
            ExtraMissing: the library for such a server is not installed.
        """
        url = _parsed(argument)
        store = self._store(url)
        folder, wanted, listed = _listed(store, url, argument)
        into.mkdir(parents=True, mode=0o700)
        fetched = Fetched(into)
        meant = self._meant(listed, wanted, patterns, readiness, into)
        if wanted and not any(_is_wanted(name, wanted, listed) for name in listed):
            raise SourceUnusable(
                f"no file matches {argument}", help="check the folder and the name"
            )
        _let_settle(list(meant.values()), readiness)
        for name, entry in meant.items():
            remote = Remote(_url(url, posixpath.join(folder, name)), entry.facts)
            if remote.url not in self._seen:
                self._seen.add(remote.url)
                _take(store, posixpath.join(folder, name), entry, remote, fetched)
        return fetched

    def facts(self, url: str) -> Facts | None:
        """What tells the versions of a file on a server apart; None where it is gone."""
        parts = _parsed(url)
        entry = self._store(parts).file(unquote(parts.path))
        return None if entry is None else entry.facts

    def archive(self, url: str, folder: str, was: Sequence[int | str], markers: Readiness) -> str:
        """Move a file into a folder beside it, with its markers, if it is the one that was read; gives its new URL.

        Raises:
            NotArchived: it is gone, is another one by now, or cannot be moved.
        """
        parts = _parsed(url)
        path = unquote(parts.path)
        into = posixpath.join(posixpath.dirname(path), folder)
        with as_not_archived():
            store = self._store(parts)
            place = store.move(path, into, was)
        for marker in markers.markers_of(Path(path)):
            _move_marker(store, marker.as_posix(), into)
        return _url(parts, place)

    def _store(self, url: SplitResult) -> Store:
        key = (url.scheme, url.netloc)
        if key not in self._stores:
            self._stores[key] = (
                SftpStore(url) if url.scheme == _SFTP else S3Store(url.netloc, self._s3_endpoint)
            )
        return self._stores[key]

    @staticmethod
    def _meant(
        listed: Mapping[str, Entry], wanted: str, patterns: Sequence[str | None],
        readiness: Readiness, into: Path,
    ) -> dict[str, Entry]:  # fmt: skip
        """The files to fetch, by name; those that are no files yet are put there by name."""
        meant = {}
        for name in sorted(listed):
            by_name_only = readiness.is_marker(Path(name)) or unfinished_name(name) is not None
            if by_name_only and (not wanted or name == wanted or not unfinished_name(name)):
                if _is_name(name):
                    (into / name).touch(0o600)
            elif _is_wanted(name, wanted, listed) if wanted else _read(name, patterns):
                meant[name] = listed[name]
        return meant


def _listed(store: Store, url: SplitResult, argument: str) -> tuple[str, str, Mapping[str, Entry]]:
    """The folder, the glob of names in it ("" for all), and the files that may be meant or be markers of these."""
    folder, wanted = _folder_and_name(url)
    if not wanted and not folder.endswith("/") and store.file(folder) is not None:
        folder, wanted = posixpath.split(folder)
    # A marker begins as its file does, at least up to the file's first dot.
    beginning = re.split(r"[*?\[.]", wanted, maxsplit=1)[0]
    listed = store.folder(folder, beginning)
    if listed is None:
        raise SourceUnusable(f"{argument} does not exist", help=store.no_folder)
    return folder, wanted, listed


def _take(store: Store, path: str, entry: Entry, remote: Remote, fetched: Fetched) -> None:
    """Fetch one file, or note why not."""
    name = posixpath.basename(path)
    if not _is_name(name):
        local = fetched.folder / f"{name[:40].replace(chr(0), '?')}…"
        fetched.refused[local] = SourceUnusable(
            f"{local.name} cannot be fetched: no file here can have its name",
            help="have it sent under a shorter name",
        )
        return
    local = fetched.folder / name
    try:
        write_copy(store.pieces(path, entry), local, name)
    except Changed:
        fetched.unfinished[local] = STILL_WRITTEN
    except ServerUnusable:
        raise
    except SourceUnusable as refused:
        fetched.refused[local] = refused
    else:
        os.utime(local, (entry.changed_s, entry.changed_s))
        fetched.files[local] = remote


def _move_marker(store: Store, marker: str, into: str) -> None:
    try:
        there = store.file(marker)
        if there is not None:
            store.move(marker, into, there.facts)
    except (SourceUnusable, NotArchived):  # the file itself is moved, and that is what counts
        return


def _let_settle(entries: Sequence[Entry], readiness: Readiness) -> None:
    """Wait as long as the freshest of the files needs; whether it has changed is seen afterwards."""
    ages = [max(0.0, readiness.now() - entry.changed_s) for entry in entries]
    rest_s = max((readiness.stable_s - age for age in ages), default=0.0)
    if readiness.stable_s and rest_s > 0:
        readiness.wait(rest_s)


# -- URLs and names --------------------------------------------------------------------------------


def _parsed(argument: str) -> SplitResult:
    # No word of a URL that is none is repeated: `sftp://wms:pass/word@host` has a port "pass".
    try:
        url = urlsplit(argument.translate(_QUOTED))
        _ = None if url.scheme == _S3 else url.port  # it is judged when it is asked for
    except ValueError:
        scheme = argument.partition("://")[0]
        raise SourceUnusable(
            f"an {scheme}:// URL is not one: it has no such host, or no such port",
            help=f"write {_EXAMPLES[scheme]}; passwords and keys have no place in it",
        ) from None
    if url.scheme == _S3:  # the store judges the bucket's name
        if "//" in unquote(url.path):  # to a store that is a folder without a name
            raise SourceUnusable(
                "an object whose key has // in it cannot be read",  # no word of it is repeated
                help="write one / between two folders, or have the object put elsewhere",
            )
        return url if url.path else url._replace(path="/")
    if url.password is not None:
        raise SourceUnusable(
            f"{_SFTP}://{url.hostname}: a password has no place in a URL",
            help="log in with a key: ~/.ssh/config says which",
        )
    if not url.hostname or not url.path:
        raise SourceUnusable(f"{argument} names no server and folder", help=_EXAMPLES[url.scheme])
    return url


def _folder_and_name(url: SplitResult) -> tuple[str, str]:
    """The folder, and the glob of names in it; "" for all of a folder, or for a file."""
    path = unquote(url.path)
    folder, name = posixpath.split(path)
    if any(mark in folder for mark in _MAGIC):
        raise SourceUnusable(
            f"{_url(url, path)}: only the name of a file may be a pattern",
            help="name each folder on its own",
        )
    return (folder, name) if any(mark in name for mark in _MAGIC) else (path, "")


def _url(url: SplitResult, path: str) -> str:
    """Write the URL of a file so that a person reads its name in it, and `_parsed` its path."""
    return f"{url.scheme}://{url.netloc}{path.translate(_WRITTEN)}"


def _is_wanted(name: str, wanted: str, listed: Collection[str]) -> bool:
    """Tell whether a file is meant by a name or a glob: `orders[1].csv` is a name where a file has it."""
    if wanted in listed and not fnmatchcase(wanted, wanted):
        return name == wanted
    return fnmatchcase(name, wanted)


def _is_name(name: str) -> bool:
    return "\0" not in name and len(os.fsencode(name)) <= _NAME_MAX


def _read(name: str, patterns: Sequence[str | None]) -> bool:
    return is_zip(Path(name)) or any(each is None or claims(each, Path(name)) for each in patterns)
