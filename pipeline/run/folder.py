"""The folder of a run: what each stage leaves there for the next, and for the report.

    snapshots/   private copies of the input files         until the run has finished
    spool/       raw rows, spread by the hash of the key   until the partition is prepared
    prepared/    the requests of each partition            until the run has finished
    planned/     what is to become of each order           until the run has finished
    rows/ findings/ trace/                                 for the report, as long as it is kept
    run.json     facts of the run that are not in the ledger

All of it holds customers' data: folder 0700, files 0600 (FAULTS S9).
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

TRANSIENT = ("snapshots", "spool", "prepared", "planned")
LASTING = ("rows", "findings", "trace")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run under `.pipeline/runs/<run>/` or of one plan."""

    path: Path

    def make(self) -> None:
        """Make the folder and its parts."""
        for name in (*TRANSIENT, *LASTING):
            (self.path / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)

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

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write run.json, whole or not at all."""
        path = self.path / "run.json"
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps(facts, indent=1, sort_keys=True), encoding="utf-8")
        beside.chmod(0o600)
        beside.replace(path)

    def facts(self) -> dict[str, Any]:
        """Read run.json; {} where there is none."""
        path = self.path / "run.json"
        if not path.exists():
            return {}
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return read

    def clean(self) -> None:
        """Remove what only an unfinished run needs."""
        for name in TRANSIENT:
            shutil.rmtree(self.path / name, ignore_errors=True)

    def remove(self) -> None:
        """Remove everything; for runs that came to nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
