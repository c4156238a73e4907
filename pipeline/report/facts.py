"""What a report is made of: the facts of the run and its four tables, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from pipeline.ledger import ReadBack
from pipeline.model.tables import SourceFile
from pipeline.model.traffic import Traffic
from pipeline.report.history import History
from pipeline.report.interchanges import KEPT_MESSAGE_SCHEMA, Claim, Interchange


class RunState(StrEnum):
    """How far the run went.

    PLANNED means that nothing was sent on purpose, NOT_SENT that a safety stop came before sending.
    """

    FINISHED = "finished"
    STOPPED = "stopped"
    PLANNED = "planned"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class MappingUsed:
    """One mapping of the run: its name and the first characters of its hash."""

    name: str
    short_hash: str


class Correcting(StrEnum):
    """Rows go back in by `retry`, a workbook has the same rows to work in, messages are a list to read."""

    ROWS = "rows"
    WORKBOOK = "workbook"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedFile:
    """A file with what is to be corrected of the input file `index`: `name` stands beside the page.

    `units` are rows, or messages of an EDI file, as `kind` tells; `sha256` is
    that of the file as it was written, so that a change of it is seen. `edi_rows` are those rows whose
    orders have rows in an EDI file too, for which `retry` is refused; `edi_orders` names the first of them.
    """

    index: int
    name: str
    units: int
    orders: int
    kind: Correcting
    sha256: str
    edi_rows: int = 0
    edi_orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run besides its tables.

    `records` holds, per ordinal of a file, how many records the reader counted: it is the side of
    the accounting that no outcome table can know. `zone` is the IANA zone in which the page writes
    its times. `settings` are shown as they are, so no secret may be among them. `chosen_by` names
    the options that left orders out, as they were typed ("--limit 10"). `paths` says, by mapping
    and column, where in an EDI message the column stands; `lines`, by ordinal of the file, how many
    lines EDI messages declare (CTT, CNT) and have. `history` is None for a plan, which is no run of the
    ledger. `corrected` are the files beside the page for who corrects rows, `retry_command` what is
    typed with their names, `rejected_folder` where they lay when they were written. `retried` says of
    which runs the rows of this one are corrections, its first sentence in short, and `again` what is
    typed after a safety stop of such a run; `advice` says what to do after one of any run; `resume_command` is what goes on with a run that stopped. `index` is where the page of all runs is, seen from this
    one; "" where there is none. `missing` are files that were expected and are not there, by ordinals behind those of
    the files; `checked` says what of trailers was held against the files, and holds.

    `read_back` is what was found when orders of the run were read back, if they were; `foretold` is what a plan
    would do with its orders (`pipeline.run.foretold`).

    Raises:
        ValueError: a time has no offset, or `zone` is not an IANA name.
    """

    run_id: str
    title: str
    mappings: tuple[MappingUsed, ...]
    profile: str
    account: str
    production: bool
    host: str
    started_at: datetime
    ended_at: datetime
    zone: str
    state: RunState
    files: tuple[SourceFile, ...]
    records: Mapping[int, int]
    version: str
    stop_reason: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    chosen_by: str | None = None
    paths: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))
    interchanges: tuple[Interchange, ...] = ()
    lines: Mapping[int, Claim] = field(default_factory=lambda: MappingProxyType({}))
    history: History | None = None
    corrected: tuple[CorrectedFile, ...] = ()
    retried: tuple[str, ...] = ()
    traffic: Traffic | None = None  # None where nothing was sent
    retry_command: str = "pipeline retry"
    read_back: ReadBack | None = None
    foretold: Mapping[str, Any] | None = None
    rejected_folder: str = ""
    again: str = ""
    advice: str = ""
    resume_command: str = ""
    index: str = "../index.html"
    missing: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    checked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.started_at.utcoffset() is None or self.ended_at.utcoffset() is None:
            raise ValueError("the times of a run need an offset")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError(f"{self.zone!r} is not an IANA time zone") from unknown

    @property
    def planned(self) -> bool:
        """Nothing was sent on purpose: a plan or a dry run."""
        return self.state is RunState.PLANNED

    @property
    def unsent(self) -> bool:
        """Nothing left this machine: an order that was not tried is no failure of its own."""
        return self.state in (RunState.PLANNED, RunState.NOT_SENT)

    def file_name(self, index: int) -> str:
        """Name the file of that ordinal; an ordinal without a file is written as its number."""
        names = (each.name for each in self.files if each.index == index)
        return next(names, self.missing.get(index, f"file {index}"))

    @property
    def first_ordinals(self) -> Mapping[int, int]:
        """The first ordinal of each file: one that several mappings read has one for each."""
        first: dict[tuple[str, str], int] = {}
        return {
            each.index: first.setdefault((each.name, each.sha256), each.index)
            for each in self.files
        }


@dataclass(frozen=True, slots=True)
class RunTables:
    """The outcome tables of a run, with exactly the schemas of `pipeline.model.outcomes`.

    `rows` and `findings` may be lazy scans of Parquet; they are aggregated, and only what was rejected is
    held. `messages` are those of EDI files, as KEPT_MESSAGE_SCHEMA, by file and place.
    """

    rows: pl.LazyFrame | pl.DataFrame
    orders: pl.DataFrame
    mutations: pl.DataFrame
    findings: pl.LazyFrame | pl.DataFrame
    messages: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KEPT_MESSAGE_SCHEMA))
