"""The rows that somebody asks for, by a line of a file or the number of an order; for `mapping show`."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipeline.convert import orders_of
from pipeline.mapping.mistakes import did_you_mean
from pipeline.mapping.plan import Plan
from pipeline.model.origin import FILE, KEY, LINE, ORIGIN, SEGMENT, SEGMENTS_MAX
from pipeline.model.stops import StopRun
from pipeline.model.tables import SourceFile
from pipeline.read import Batch
from pipeline.run.guesses import Guesses
from pipeline.run.source import Job
from pipeline.run.spool import batches_of

_COMPARED_MAX = 10_000  # order numbers that are compared with one that is not there
Address = tuple[int, int, int]


class NoSuchRow(StopRun):
    """No row of the file begins on that line (exit 2)."""

    exit_code = 2


class NoSuchOrder(StopRun):
    """No row of the files has that order number (exit 2)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class RowAsked:
    """The row that begins on a line; `file` is the name of one of several, or of its source."""

    line: int
    segment: int | None = None
    file: str = ""


@dataclass(slots=True)
class Located:
    """The rows of one job that are asked for, where they are; and what comes near, for those who mistype.

    `alone` are readable rows without a key, `faulty` the records that could not be read, each with
    its findings.
    """

    plan: Plan
    addresses: list[Address] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    alone: list[pl.DataFrame] = field(default_factory=list)
    faulty: list[pl.DataFrame] = field(default_factory=list)
    findings: list[pl.DataFrame] = field(default_factory=list)
    before: int | None = None
    after: int | None = None
    known: dict[str, None] = field(default_factory=dict)
    _guesses: Guesses | None = None

    def note(self, batch: Batch, wanted: pl.Expr) -> None:
        """Take what is wanted of a batch; the condition sees ORIGIN, `_key` and order_number."""
        rows = batch.raw.rows
        if self.plan.is_reference:  # its rows are of no order
            numberless = [pl.lit(None, pl.String).alias(name) for name in (KEY, "order_number")]
            mine = rows.select(*ORIGIN, *numberless).filter(wanted)
            guessed = batch.faulty.rows.select(*ORIGIN, *numberless).filter(wanted)
        else:
            if self._guesses is None:
                self._guesses = Guesses(self.plan)
            mine = rows.select(ORIGIN).hstack(orders_of(batch.raw, self.plan)).filter(wanted)
            guessed = self._guesses.of(batch).filter(wanted)
        self.addresses += [*addresses(mine), *addresses(guessed)]
        self.keys |= set(mine.get_column(KEY).drop_nulls())
        self.alone.append(rows.join(mine.filter(pl.col(KEY).is_null()), on=ORIGIN, how="semi"))
        self.faulty.append(guessed)
        self.findings.append(batch.findings.rows.join(guessed, on=ORIGIN, how="semi"))

    def near(self, batch: Batch, line: int) -> None:
        """Note where the rows around a line begin."""
        lines = [*batch.raw.rows.get_column(LINE), *batch.faulty.rows.get_column(LINE)]
        before, after = [n for n in lines if n < line], [n for n in lines if n > line]
        if before:
            self.before = max(before)
        if after and self.after is None:
            self.after = min(after)

    def numbers(self, batch: Batch) -> None:
        """Note the order numbers that there are, or the keys of orders, some of them."""
        if len(self.known) < _COMPARED_MAX:
            name = "order_number" if self.plan.belongs is None else KEY
            found = orders_of(batch.raw, self.plan).get_column(name)
            self.known |= dict.fromkeys(found.drop_nulls().unique(maintain_order=True))


def addresses(rows: pl.DataFrame) -> list[Address]:
    """The addresses of rows, in order."""
    return [(row[0], row[1], row[2]) for row in rows.select(ORIGIN).rows()]


def row_of(jobs: Sequence[Job], asked: RowAsked) -> tuple[Job, Located]:
    """Find a row in the file that is meant.

    Raises:
        NoSuchRow: none begins there, or it is not clear in which file.
    """
    job, source = _file_of(jobs, asked)
    snapshot = next(snapshot for each, snapshot in job.files if each is source)
    found = Located(job.plan)
    for batch in batches_of(job, source, snapshot):
        at = (pl.col(LINE) == asked.line) & (pl.col(FILE) == source.index)
        if asked.segment is not None:
            at = at & (pl.col(SEGMENT) & SEGMENTS_MAX == asked.segment)
        found.note(batch, at)
        found.near(batch, asked.line)
        if found.addresses and job.plan.extract is None:
            break
    if not found.addresses:
        raise _no_row(source.name, asked, found)
    return job, found


def _file_of(jobs: Sequence[Job], asked: RowAsked) -> tuple[Job, SourceFile]:
    files = [(job, source) for job in jobs for source, _ in job.files]
    if not asked.file and len(files) == 1:
        return files[0]
    names = [source.name for _, source in files]
    said = asked.file
    if not said:
        raise NoSuchRow(
            f"line {asked.line} of which file? {len(files)} are named", code="C144",
            help=f"name it with the line: --row {names[0]}:{asked.line}",
        )  # fmt: skip
    ways = (
        [each for each in files if each[1].name == said],
        [each for each in files if Path(each[1].name).name == said],
        [each for each in files if each[0].plan.part == said],
    )
    for meant in ways:
        if len(meant) == 1:
            return meant[0]
    known = [*names, *(job.plan.part for job in jobs if job.plan.part)]
    raise NoSuchRow(
        f"{asked.file} is none of the files that are named", code="C144",
        help=did_you_mean(said, known) or f"one of: {', '.join(names)}",
    )  # fmt: skip


def order_of(jobs: Sequence[Job], number: str) -> list[Located]:
    """Find the rows of an order, in each job that makes something, the one that makes orders first.

    Where that one does not know the number, rows of the others are found that have it as their key.

    Raises:
        NoSuchOrder: the files have none of this number.
    """
    making = [job for job in jobs if not job.plan.is_reference]
    every: list[Located] = []
    keys: set[str] = set()
    for job in making:
        found = Located(job.plan)
        for source, snapshot in job.files:
            for batch in batches_of(job, source, snapshot):
                named = (pl.col(KEY) == number) | (pl.col("order_number") == number)
                if keys:
                    named = pl.col(KEY).is_in(sorted(keys))
                found.note(batch, named.fill_null(value=False))
                found.numbers(batch)
        every.append(found)
        keys |= found.keys
    if not any(each.addresses for each in every):
        names = [source.name for job in making for source, _ in job.files]
        raise _no_order(names, number, list(dict.fromkeys(n for each in every for n in each.known)))
    return every


def _no_row(name: str, asked: RowAsked, found: Located) -> NoSuchRow:
    at = f"line {asked.line}" + (f", segment {asked.segment}" if asked.segment is not None else "")
    if found.before is not None and found.after is not None:
        help_text = f"the rows around it begin on line {found.before} and on line {found.after}"
    elif found.before is not None:
        help_text = f"its last row begins on line {found.before}"
    else:
        first = found.after
        help_text = "it has no rows" if first is None else f"its first row begins on line {first}"
    return NoSuchRow(f"no row of {name} begins on {at}", code="C144", help=help_text)


def _no_order(names: Sequence[str], number: str, known: Sequence[str]) -> NoSuchOrder:
    near = difflib.get_close_matches(number, known, n=1, cutoff=0.6)
    some = ", ".join(known[:3])
    of = "it has" if len(names) == 1 else "they have"
    otherwise = f"{of} orders such as {some}" if some else f"{of} no orders"
    return NoSuchOrder(
        f"no row of {', '.join(names)} is of order {number}", code="C119",
        help=f"did you mean {near[0]}?" if near else otherwise,
    )  # fmt: skip
