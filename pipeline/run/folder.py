"""The folder of a run: what each stage leaves there for the next, and for the report.

    snapshots/   private copies of the input files         until the run has finished
    spool/       raw rows, spread by the hash of the key   until the partition is prepared
    prepared/    the requests of each partition            until the run has finished
    planned/     what is to become of each order           until the run has finished
    envelopes/   EDI envelopes and what was found in them   until the run has finished
    retried/     which orders the rows of corrected files were of   until the run has finished
    cells/       the rows as they were read, by mapping     until the run has finished
    answers/     what the API said, traced to cells         from the end of the run on
    rows/ findings/ trace/ messages/                       for the report, as long as it is kept
    refused/     copies of inputs with orders that the API refused, until these arrive
    acks/        acknowledgements of EDI files
    run.json     facts of the run that are not in the ledger
    progress.json   how far it is, while it is at work
    run.log      what happened and when: events, no values
    reports.json where its report was written to, for who removes it one day
    owner.json   which ledger knows of it, from the first moment on

All of it holds customers' data: folder 0700, files 0600 (FAULTS S9).
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.model.stops import StopRun

REFUSED = "refused"
TRANSIENT = ("snapshots", "spool", "prepared", "planned", "envelopes", "retried", "cells")
LASTING = ("rows", "findings", "trace", "messages", "answers")
SEALED = ("prepared", "planned", "envelopes", *LASTING)

_REPORTS = "reports.json"
_DISK = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EFBIG,
    errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG,
})  # fmt: skip
_ROOM = "make room or give this user the right to write there, then run the same command again"


class DiskUnusable(StopRun):
    """A folder of ours cannot be written: disk full, no right to write (exit 11)."""

    exit_code = 11


def owner_name(ledger: str) -> str:
    """The name of a ledger in the folders it knows of; no password of a URL stands in it."""
    return ledger.rpartition("@")[2] if "://" in ledger else str(Path(ledger).absolute())


@contextmanager
def written(place: Path) -> Iterator[None]:
    """Say in words when files of ours cannot be written (FAULTS P7, P8).

    Raises:
        DiskUnusable: the disk is full, broken, read-only, or not ours; or memory has run out.
    """
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        number, words = _of_the_system(error)
        if number not in _DISK:
            raise
        raise DiskUnusable(f"cannot write to {place}: {words}", help=_ROOM) from error
    except MemoryError as error:
        raise DiskUnusable(
            "out of memory", help="free memory, or import fewer files at a time"
        ) from error


def _of_the_system(error: Exception) -> tuple[int | None, str]:
    """The number and words of the system's error; Polars tells them in its own text only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno, error.strerror or ""
    found = re.search(r"([A-Z][\w /-]+) \(os error (\d+)\)", str(error))
    return (int(found[2]), found[1]) if found else (None, "")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run under `.pipeline/runs/<run>/` or of one plan."""

    path: Path

    def make(self, owner: str = "") -> None:
        """Make the folder and its parts; `owner` is the ledger that knows of it, if any does.

        Raises:
            DiskUnusable: it cannot be made.
        """
        with written(self.path):
            # the mode of `mkdir` is that of the last folder only
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.mkdir(exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
            self._write_json("owner.json", {"ledger": owner})
            for name in (*TRANSIENT, *LASTING):
                (self.path / name).mkdir(exist_ok=True, mode=0o700)

    def part(self, kind: str, partition: int) -> Path:
        """The Parquet file of one partition."""
        return self.path / kind / f"part-{partition:05d}.parquet"

    def write(self, kind: str, partition: int, frame: pl.DataFrame) -> None:
        """Write one table of one partition, whole or not at all."""
        path = self.part(kind, partition)
        beside = path.with_suffix(".tmp")
        frame.write_parquet(beside, compression="zstd", compression_level=1)
        beside.chmod(0o600)
        beside.replace(path)

    def scan(self, kind: str, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        """All partitions of one table; empty where there is none."""
        parts = sorted((self.path / kind).glob("part-*.parquet"))
        if not parts:
            return pl.LazyFrame(schema=dict(schema))
        return pl.scan_parquet(parts)

    def cells_of(self, mapping: str) -> Path:
        """The folder of the rows that a mapping has read; made where it is not there."""
        path = self.path / "cells" / mapping
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def cells(self, mapping: str, partition: int) -> pl.LazyFrame | None:
        """The rows that a mapping has read in a partition; None where they are no longer there."""
        parts = sorted((self.path / "cells" / mapping).glob(f"part-{partition:05d}*.parquet"))
        return pl.scan_parquet(parts) if parts else None

    # -- run.json ---------------------------------------------------------------------------

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write run.json, whole or not at all.

        Raises:
            DiskUnusable: it cannot be written.
        """
        with written(self.path):
            self._write_json("run.json", facts)

    def facts(self) -> dict[str, Any]:
        """Read run.json; {} where there is none, or none that can be read."""
        return self._read_json("run.json")

    @property
    def owner(self) -> str | None:
        """The ledger that knows of this folder; None where the folder does not say."""
        return self._read_json("owner.json").get("ledger")

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        path = self.path / name
        beside = path.with_suffix(".tmp")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o600)
        beside.replace(path)

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            read = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # a half of it tells as little as none
            return {}
        return read if isinstance(read, dict) else {}

    # -- what lies ready --------------------------------------------------------------------

    def seal(self) -> dict[str, str]:
        """Flush what was prepared to disk, and give the hash of each of its files.

        A run that the ledger knows must find its requests again, also after a power cut.
        """
        found = {}
        with written(self.path):
            for kind in SEALED:
                folder = self.path / kind
                for path in sorted(folder.glob("part-*.parquet")):
                    with path.open("rb") as file:
                        found[f"{kind}/{path.name}"] = hashlib.file_digest(
                            file, "sha256"
                        ).hexdigest()
                        os.fsync(file.fileno())
                _sync(folder)
            _sync(self.path)
            _sync(self.path.parent)
        return found

    def broken(self) -> str | None:
        """Say what is gone or changed of what was prepared; None when all of it is as it was."""
        facts = self.facts()
        if not facts.get("partitions") or "sealed" not in facts:
            return "its run.json is gone"
        sealed: Mapping[str, str] = facts["sealed"]
        for name, sha256 in sealed.items():
            try:
                with (self.path / name).open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                return f"{name} is gone"
            if found != sha256:
                return f"{name} is not what it was"
        return None

    # -- the end ----------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """What only an unfinished run needs has been removed."""
        return not (self.path / "cells").exists()

    def clean(self) -> None:
        """Remove what only an unfinished run needs, but for that of which something has still to be made.

        That is `owed` in run.json: its end stands, but `pipeline report build` has something to make.
        """
        owed = self.facts().get("owed", ())
        for name in TRANSIENT:
            if name not in owed:
                shutil.rmtree(self.path / name, ignore_errors=True)
        (self.path / "progress.json").unlink(missing_ok=True)

    # -- where its report is ----------------------------------------------------------------

    def note_report(self, folder: Path) -> None:
        """Remember where a report of the run goes; told before it is written there.

        Raises:
            DiskUnusable: it cannot be written down.
        """
        known = self._read_json(_REPORTS).get("folders", [])
        if str(folder.absolute()) not in known:
            with written(self.path):
                self._write_json(_REPORTS, {"folders": [*known, str(folder.absolute())]})

    def reports(self) -> tuple[Path, ...]:
        """The folders to which reports of the run went, first to last; some may be gone."""
        told = self._read_json(_REPORTS).get("folders", [])
        # what is removed one day has the name of the run, whatever the file says
        return tuple(path for path in map(Path, told) if path.name == self.path.name)

    def remove(self) -> None:
        """Remove everything; for runs that came to nothing."""
        shutil.rmtree(self.path, ignore_errors=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
