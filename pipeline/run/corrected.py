"""What must be corrected of a run, as files for people: `rejected/` beside its report (REPORT §6).

Written from the snapshots before these are removed, each whole or not at all. They hold customers'
data as it is: folder 0700, files 0600.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

import polars as pl

from pipeline.intake import BREAK, holds_a_sheet, unpacked_name
from pipeline.mapping.plan import TEXT_FORMATS, Source
from pipeline.model.origin import FILE, LINE
from pipeline.model.stops import SourceUnusable
from pipeline.read import (
    OURS,
    Rewriter,
    corrected_form,
    pick_records,
    read_outer,
    source_of,
)
from pipeline.report.corrections import EDI_ORDERS_NAMED, affected, message_list, rows_told
from pipeline.report.facts import CorrectedFile, Correcting, RunFacts, RunTables
from pipeline.report.files import replacing, sync_folder
from pipeline.report.rejections import rejected_findings
from pipeline.run.byproduct import Byproduct
from pipeline.run.folder import RunFolder, written
from pipeline.run.request import Events
from pipeline.run.workbook import TooLarge, write_workbook

FOLDER = "rejected"
MESSAGES_ENDING = ".messages.txt"
_NAME_MAX = 100  # characters of a name; file systems take 255 bytes
_UNSAFE = re.compile(r"[^\w.\-]+")


@dataclass(slots=True)
class Corrections:
    """The files of a run as run.json keeps them, and whether all are there that should be."""

    files: list[CorrectedFile]
    whole: bool = True

    def as_facts(self) -> dict[str, Any]:
        """What run.json keeps."""
        return {"corrected": [asdict(each) for each in self.files]}


def write_corrected(
    folder: RunFolder, reports: Path, facts: RunFacts, tables: RunTables, *,
    owners: Mapping[str, str], events: Events, again: str, workbooks: bool = False,
) -> Corrections:  # fmt: skip
    """Write the files of a run under `reports`.

    A file that somebody has changed since it was written stays as it is, and the new one gets
    another name. Where a file cannot be written in its own form again, a warning says so; so it does
    where one cannot be written at all, with `again` to make up for it. With `workbooks` there is one
    beside each file of rows.
    """
    made = Corrections([])
    with Byproduct("the files with rows to correct", events, again=again) as all_of_them:
        writer = _writer(folder, reports, facts, tables, owners, events, workbooks=workbooks)
        for index, ordinals in _files(facts).items() if writer.needed else ():
            name = facts.file_name(index)
            what = f"the rows to correct of {name}"
            with Byproduct(what, events, again=again) as one, written(reports):
                for each in writer.write(index, ordinals):
                    made.files.append(each)
            if one.failed:  # what an earlier part of the run has written is there still
                there = {each.name for each in made.files}
                before = [each for each in facts.corrected if each.index == index]
                made.files += [each for each in before if each.name not in there]
                made.whole = False
    made.whole = made.whole and not all_of_them.failed
    return made


def _writer(
    folder: RunFolder, reports: Path, facts: RunFacts, tables: RunTables,
    owners: Mapping[str, str], events: Events, *, workbooks: bool,
) -> "_Writer":  # fmt: skip
    kept = folder.facts()
    rows = affected(tables)
    findings = rejected_findings(tables, planned=facts.unsent).join(
        rows.select(FILE, LINE).unique(), on=[FILE, LINE], how="semi", maintain_order="left"
    )
    return _Writer(
        folder=folder, facts=facts, tables=tables, owners=owners, events=events, rows=rows,
        told=rows_told(findings, facts, owners), kept=kept, workbooks=workbooks,
        names=_Names(reports / FOLDER, kept.get("corrected", [])),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """All that the files of one run are written from."""

    folder: RunFolder
    facts: RunFacts
    tables: RunTables
    owners: Mapping[str, str]
    events: Events
    rows: pl.DataFrame  # of all orders that can be corrected
    told: pl.DataFrame  # what is said of them
    kept: Mapping[str, Any]  # run.json
    names: "_Names"
    workbooks: bool

    @property
    def needed(self) -> bool:
        """Whether any file may have something to correct."""
        return self.rows.height > 0 or bool(self.facts.interchanges)

    def write(self, index: int, ordinals: list[int]) -> Iterator[CorrectedFile]:
        """Write what is to be corrected of an input file, and give each file that is written."""
        file = next(each for each in self.kept["files"] if each["index"] == index)
        if "form" not in file:  # an older version began this run
            return
        if file["form"]["format"] not in TEXT_FORMATS:
            yield from self._messages(index, file["name"], ordinals)
            return
        if any(m.get("joined") for m in self.kept["mappings"] if m["name"] == file["mapping"]):
            return  # it is corrected where it lies, and read from there
        mine = self.rows.filter(pl.col(FILE).is_in(ordinals))
        if not mine.height:
            return
        copy = _Copy(self.folder.path / "snapshots" / file["snapshot"], file["name"], _source(file))
        about = _about(
            mine, self.told.filter(pl.col(FILE) == index), self.facts.run_id, file["name"]
        )
        path = self.names.free(index, file["name"], ".rejected.csv")
        try:
            _put(path, lambda out: copy.write(about, out))
        except (SourceUnusable, UnicodeError) as error:
            self._warn(f"the rows to correct of {file['name']} cannot be written: {error}")
            return
        orders = mine.get_column("key").drop_nulls().n_unique()
        beside = self._beside_edi(mine)
        yield replace(
            _made(path, index, about.height, orders, Correcting.ROWS),
            edi_rows=beside.select(LINE).n_unique(),
            edi_orders=tuple(beside.get_column("order").unique(maintain_order=True).head(EDI_ORDERS_NAMED + 1)),
        )  # fmt: skip
        if not self.workbooks:
            return
        book = self.names.free(index, file["name"], ".rejected.xlsx")
        try:
            _put(
                book,
                lambda out: write_workbook(
                    path, corrected_form(copy.source), out, at=self.facts.started_at
                ),
            )
        except TooLarge as error:
            self._warn(f"no workbook with the rows to correct of {file['name']}: {error}")
            return
        yield _made(book, index, about.height, orders, Correcting.WORKBOOK)

    def _beside_edi(self, mine: pl.DataFrame) -> pl.DataFrame:
        """Those of the rows whose orders have rows in an EDI file too: nobody can correct all of these."""
        edi = [
            e["index"]
            for e in self.kept["files"]
            if e.get("form", {}).get("format") not in TEXT_FORMATS
        ]
        keys = self.rows.filter(pl.col(FILE).is_in(edi)).select("key").drop_nulls().unique()
        return mine.join(keys, on="key", how="semi", maintain_order="left").with_columns(
            pl.coalesce("order_number", "key").alias("order")
        )

    def _messages(self, index: int, name: str, ordinals: list[int]) -> Iterator[CorrectedFile]:
        listed = message_list(ordinals, self.rows, self.tables, self.facts, self.owners)
        if not listed.messages:
            return
        path = self.names.free(index, name, MESSAGES_ENDING)
        _put(path, lambda out: out.write(listed.text.encode()))
        yield _made(path, index, listed.messages, listed.orders, Correcting.MESSAGES)

    def _warn(self, text: str) -> None:
        self.events.say("warning", "warning", text=text)


def still_there(facts: RunFacts, reports: Path) -> RunFacts:
    """Leave out the files that are no longer beside the page: no link may lead nowhere."""
    there = [each for each in facts.corrected if (reports / FOLDER / each.name).is_file()]
    return replace(facts, corrected=tuple(there))


@dataclass(frozen=True, slots=True)
class _Copy:
    """The private copy of a delimited file, and how it is written."""

    path: Path
    name: str
    source: Source

    def write(self, about: pl.DataFrame, out: IO[bytes]) -> None:
        """Write the rows that `about` tells of, in the order of the file, below its header."""
        rewriter = Rewriter(self.source, read_outer(self.path, self.source, name=self.name))
        lines = about.get_column("_line").to_numpy()
        out.write(self._broken(rewriter.header()))
        for picked in pick_records(self.path, self.source, lines, name=self.name):
            out.write(self._broken(rewriter.records(picked, about)))

    def _broken(self, text: bytes) -> bytes:
        """Give the cells of a sheet their line breaks again; such cells are quoted."""
        return text.replace(BREAK.encode(), b"\n") if holds_a_sheet(self.name) else text


class _Names:
    """Names of files in a folder; `before` are those that an earlier part of the run has written."""

    def __init__(self, folder: Path, before: list[dict[str, Any]]) -> None:
        self._folder = folder
        self._before = {each["name"]: each for each in before}
        self._taken: set[str] = set()

    def free(self, index: int, file: str, ending: str) -> Path:
        """Choose a name like that of the input file, without folders or odd characters in it."""
        stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", unpacked_name(file))
        base = (
            _UNSAFE.sub("-", stem.removesuffix(ending.rpartition(".")[0])).strip("-.")[:_NAME_MAX]
            or "file"
        )
        number = 1
        while True:
            name = f"{base}{'' if number == 1 else f'-{number}'}{ending}"
            if name.lower() not in self._taken and self._may_write(index, self._folder / name):
                self._taken.add(name.lower())
                return self._folder / name
            number += 1

    def _may_write(self, index: int, path: Path) -> bool:
        """What nobody has changed may be written anew."""
        if not path.exists():
            return True
        written = self._before.get(path.name)
        return (
            written is not None and written["index"] == index and _sha256(path) == written["sha256"]
        )


def _put(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (path.parent.parent, path.parent):
        folder.chmod(0o700)
    with replacing(path) as out:
        fill(out)
    sync_folder(path.parent)


def _made(path: Path, index: int, units: int, orders: int, kind: Correcting) -> CorrectedFile:
    return CorrectedFile(
        index=index, name=path.name, units=units, orders=orders, kind=kind, sha256=_sha256(path)
    )


def _about(rows: pl.DataFrame, told: pl.DataFrame, run: str, name: str) -> pl.DataFrame:
    """`_line` and the names of OURS, one row per line; nothing is said of rows without a problem."""
    file, line, rule, problem, fix, check, of_run = OURS
    return (
        rows.select(LINE).unique(maintain_order=True)
        .join(told.select(LINE, "rule", "problem", "fix"), on=LINE, how="left", maintain_order="left")
        .select(
            pl.col(LINE).cast(pl.Int64), pl.lit(name).alias(file),
            pl.col(LINE).cast(pl.Int64).alias(line),
            pl.col("rule").alias(rule), pl.col("problem").alias(problem), pl.col("fix").alias(fix),
            pl.lit("").alias(check), pl.lit(run).alias(of_run),
        )
    )  # fmt: skip


def _source(file: Mapping[str, Any]) -> Source:
    return replace(source_of(file["form"]), trim=False)


def _files(facts: RunFacts) -> dict[int, list[int]]:
    """The ordinals of each file by its first one: several mappings may read an EDI file."""
    found: dict[int, list[int]] = {}
    for index, first in facts.first_ordinals.items():
        found.setdefault(first, []).append(index)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
