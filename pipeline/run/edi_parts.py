"""An EDI file's parts on disk: each whole or not there, and nothing written over."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config import BadConfig
from pipeline.read.edi.batches import Reading
from pipeline.read.edi.parts import By, Envelope, Item, LeftOut, items, left_out, safe_name
from pipeline.run.folder import written

_HELD = 8 << 20  # bytes of open parts that are held before they are written


@dataclass(slots=True)
class Part:
    """One file: where it is, and what is in it. `messages` counts by type."""

    path: Path
    interchanges: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """What was written, and what was not."""

    written: tuple[Part, ...]
    left_out: tuple[LeftOut, ...]


def take_apart(reading: Reading, into: Path, by: By) -> Parts:
    """Write the messages of an EDI file as files of their own, each with a complete envelope.

    The file must have been opened with the encoding `pipeline.read.edi.parts.BYTES`. All parts are written beside their place first; they appear together, or not at all where one
    cannot be made. Files get mode 0600, a new folder 0700: they hold customers' data.

    Raises:
        BadConfig: a file of the same name is there already (C114), or `into` is no folder.
        DiskUnusable: `into` cannot be written.
    """
    if into.exists() and not into.is_dir():
        raise BadConfig(f"{into} is not a folder", help="name a folder for --into", code="C114")
    with written(into):
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".parts-", dir=into))
        try:
            parts = _Writer(beside, into, safe_name(reading.path.stem)).write(
                items(reading, by), by
            )
            _refuse_existing(parts)
            for part in parts:
                _move(beside / part.path.name, part.path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Parts(tuple(parts), tuple(left_out(reading)))


def _refuse_existing(parts: Iterable[Part]) -> None:
    for part in parts:
        if part.path.exists():
            raise _exists(part.path)


def _exists(path: Path) -> BadConfig:
    return BadConfig(
        f"{path} exists already",
        help="nothing is written over: remove it, or name another folder for --into",
        code="C114",
    )


def _move(beside: Path, path: Path) -> None:
    """Rename, but never onto a file that came meanwhile."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise _exists(path) from None
        beside.replace(path)


@dataclass(slots=True)
class _Open:
    """A part that is being written: the envelopes that are open, and how much is in them."""

    part: Part
    interchange: int = -1
    group: int = -1
    envelope: Envelope | None = None
    group_envelope: Envelope | None = None
    groups: int = 0
    messages: int = 0
    in_group: int = 0
    held: list[bytes] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Put an item into its envelopes, which are closed and opened as needed."""
        if item.interchange != self.interchange:
            self.close()
            self.held.append(item.envelope.header)
            self.envelope, self.interchange = item.envelope, item.interchange
            self.part.interchanges += 1
        if item.group != self.group:
            self.close_group()
            if item.group_envelope is not None:
                self.held.append(item.group_envelope.header)
                self.groups += 1
            self.group_envelope, self.group = item.group_envelope, item.group
        self.held.append(item.body)
        if item.is_message:
            self.part.messages[item.type] += 1
            self.messages += 1
            self.in_group += 1

    def close_group(self) -> None:
        """Write the trailer of the open group, if there is one."""
        if self.group_envelope is not None:
            self.held.append(self.group_envelope.close(self.in_group))
        self.group_envelope, self.group, self.in_group = None, -1, 0

    def close(self) -> None:
        """Write the trailers of what is open; UNZ counts groups where there are any."""
        self.close_group()
        if self.envelope is not None:
            x12 = self.envelope.trailer == b"IEA"
            self.held.append(
                self.envelope.close(self.groups if x12 or self.groups else self.messages)
            )
        self.envelope, self.interchange, self.groups, self.messages = None, -1, 0, 0


class _Writer:
    def __init__(self, beside: Path, into: Path, stem: str) -> None:
        self._beside, self._into, self._stem = beside, into, stem
        self._taken: set[str] = set()
        self._open: dict[tuple[object, ...], _Open] = {}
        self._size = 0

    def write(self, cut: Iterator[Item], by: By) -> list[Part]:
        """Write all items; gives the parts in the order of their beginnings."""
        parts: list[Part] = []
        together = by in (By.TYPE, By.PARTNER)  # the others are finished when the next one begins
        for item in cut:
            place = self._open.get(item.key)
            if place is None:
                if not together:
                    self._finish()
                place = self._open[item.key] = _Open(Part(self._path(item.name)))
                parts.append(place.part)
            place.add(item)
            self._size += len(item.body)
            if self._size > _HELD:
                self._flush()
        self._finish()
        return parts

    def _path(self, name: tuple[str, ...]) -> Path:
        base = ".".join((self._stem, *(safe_name(word) for word in name)))
        called, number = base, 1
        while called.casefold() in self._taken:
            number += 1
            called = f"{base}-{number}"
        self._taken.add(called.casefold())
        return self._into / f"{called}.edi"

    def _finish(self) -> None:
        for place in self._open.values():
            place.close()
        self._flush()
        self._open.clear()

    def _flush(self) -> None:
        for place in self._open.values():
            if not place.held:
                continue
            data = b"".join(place.held)
            place.held.clear()
            place.part.size += len(data)
            path = self._beside / place.part.path.name
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(path, flags, 0o600), "ab") as file:
                file.write(data)
        self._size = 0
