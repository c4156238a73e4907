"""Rows to partitions: whole orders only, so that memory is bounded by the partition (PRODUCT §3).

A small input is one partition in memory. A large one is read once in bounded batches, and each
batch is spread by the hash of the order key over Parquet files; then each partition is taken up on
its own. Rows of an order may lie anywhere in the file, or in several files.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from pathlib import Path

import polars as pl

from pipeline.convert import keys, orders_of
from pipeline.intake import Snapshot, holds_a_sheet, with_breaks
from pipeline.mapping.expected import as_total
from pipeline.mapping.plan import Plan, Source
from pipeline.model.edi.envelope import LineTotals, Problem
from pipeline.model.findings import Findings
from pipeline.model.origin import FILE, KEY, MESSAGE, ORIGIN
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.model.tables import RawTable, SourceFile
from pipeline.pieces import take_apart
from pipeline.read import Batch, TrailerRecord, read_batches, read_edi_batches
from pipeline.run.folder import RunFolder
from pipeline.run.guesses import Guesses
from pipeline.run.references import References, extra_columns, read_reference, refuse_too_many
from pipeline.run.source import Job

PARTITION_BYTES = 64 << 20  # of input text; about ten times as much memory while it is prepared
SPOOL_SEED = 1618  # any fixed number: the same input makes the same partitions


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a column, and the number of its cells that are no number."""

    value: Decimal = Decimal(0)
    unread: int = 0

    def __add__(self, other: "Total") -> "Total":
        return Total(self.value + other.value, self.unread + other.unread)


@dataclass(frozen=True, slots=True)
class Share:
    """What one mapping has in one partition; `faulty` holds ORIGIN, `_key`, order_number.

    Where the mapping makes several rows of one, `raw` has these (`pipeline.pieces`).
    """

    plan: Plan
    raw: RawTable
    faulty: pl.DataFrame
    findings: Findings


@dataclass(frozen=True, slots=True)
class Spooled:
    """The partitions of a run and the number of records of each file, as the reader counted.

    Each partition can be taken once. `problems` is what was found inside the messages of EDI files,
    by the ordinal of the file, and `lines` what these declare of their lines. `empty` counts, by
    file and column, the rows with nothing in a column that the mapping reads, out of `read` rows. `failed` says why files
    could not be read to their end; nothing of these is in a partition.
    `references` are the files that were joined to others; their rows are in no partition.
    `trailers` are those that were found, `open_ends` the last lines of files that end within it, and `totals` the sums of columns and how many cells were no
    number, by file and column.
    """

    count: int
    records: dict[int, int]
    take: Callable[[int], list[Share]]
    problems: dict[int, list[Problem]] = field(default_factory=dict)
    lines: dict[int, LineTotals] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    empty: dict[int, Counter[str]] = field(default_factory=dict)
    trailers: dict[int, TrailerRecord] = field(default_factory=dict)
    totals: dict[int, dict[str, Total]] = field(default_factory=dict)
    failed: dict[int, StopRun] = field(default_factory=dict)
    open_ends: dict[int, int] = field(default_factory=dict)
    references: References = field(default_factory=References)


@dataclass(frozen=True, slots=True)
class _Noted:
    """What is noted of each file while it is read, by its ordinal."""

    records: dict[int, int] = field(default_factory=dict)
    problems: dict[int, list[Problem]] = field(default_factory=dict)
    lines: dict[int, LineTotals] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    empty: dict[int, Counter[str]] = field(default_factory=dict)
    trailers: dict[int, TrailerRecord] = field(default_factory=dict)
    totals: dict[int, dict[str, Total]] = field(default_factory=dict)
    failed: dict[int, StopRun] = field(default_factory=dict)
    open_ends: dict[int, int] = field(default_factory=dict)

    def take(self, file: int, batch: Batch, job: Job) -> None:
        rows = batch.raw.rows
        if batch.trailer is not None:
            self.trailers[file] = batch.trailer
        if batch.open_end is not None:
            self.open_ends[file] = batch.open_end
        expects = job.plan.expects
        if expects is not None and expects.trailer is not None:
            totals = self.totals.setdefault(file, {})
            for column, _ in expects.trailer.totals:
                totals[column] = totals.get(column, Total()) + _summed(
                    rows, column, job.source_of(file)
                )
        self.read[file] = self.read.get(file, 0) + rows.height
        cells = pl.exclude(*ORIGIN, MESSAGE)
        counted = rows.select(((cells == "") | cells.is_null()).sum())
        self.empty.setdefault(file, Counter()).update(
            dict(zip(counted.columns, counted.row(0), strict=True))
        )
        self.records[file] += batch.raw.rows.height + batch.faulty.rows.height
        if batch.problems:
            self.problems.setdefault(file, []).extend(batch.problems)
        if batch.lines.messages:
            self.lines[file] = self.lines.get(file, LineTotals()) + batch.lines

    def fail(self, file: int, why: StopRun) -> None:
        """Forget what was noted of a file that cannot be read to its end."""
        self.failed[file] = why
        self.records[file] = 0
        self.read.pop(file, None)
        self.empty.pop(file, None)

    def without_failed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Leave out what was read of such files."""
        return frame.filter(~pl.col(FILE).is_in(list(self.failed))) if self.failed else frame


def _summed(rows: pl.DataFrame, column: str, source: Source) -> "Total":
    made = as_total(pl.col(column), source, column)
    unread = pl.lit(0) if made.reason is None else made.reason.is_not_null().sum()
    value, bad = rows.select(made.value.sum().alias("sum"), unread.alias("unread")).row(0)
    return Total(value or Decimal(0), bad)


def spool(
    jobs: Sequence[Job], folder: RunFolder, progress: Callable[[int], None],
    partition_bytes: int, only: Collection[str] | None = None, *, strict: bool = True,
) -> Spooled:  # fmt: skip
    """Read all files once; `progress` is called with the rows read so far.

    A delimited file that cannot be read to its end is left out as a whole, unless it is the only one
    or all must be read (`strict`). Of EDI nothing is left out: its envelopes were judged already.

    With `only`, the rows of delimited files are taken whose order has one of these keys; messages of
    EDI files are always read as a whole, for they are accounted for as such.

    Raises:
        SourceUnusable: a file cannot be read to its end, and is not left out.
    """
    size = sum(snapshot.path.stat().st_size for job in jobs for _, snapshot in job.files)
    partitions = max(1, -(-size // partition_bytes))
    return (
        _in_memory(jobs, folder, progress, only, strict=strict)
        if partitions == 1
        else _on_disk(jobs, folder, partitions, progress, only, strict=strict)
    )


def _batches(
    job: Job, noted: _Noted, progress: Callable[[int], None], only: Collection[str] | None,
    references: References, *, strict: bool,
) -> Iterator[tuple[RawTable, pl.DataFrame, Findings]]:  # fmt: skip
    guesses = Guesses(job.plan) if not job.plan.is_reference else None
    for source, snapshot in job.files:
        noted.records[source.index] = 0
        batches = batches_of(job, source, snapshot)
        while (batch := _next(batches, job, source, noted, strict=strict)) is not None:
            guessed = (
                guesses.of(batch)
                if guesses is not None
                else batch.faulty.rows.select(ORIGIN).with_columns(keys(batch.faulty, job.plan))
            )
            if only is not None and job.plan.extract is None and guesses is not None:
                batch, guessed = _of_orders(batch, guessed, job.plan, only)
            noted.take(source.index, batch, job)
            progress(sum(noted.records.values()))
            rows = references.joined(batch.raw.rows, job.plan)
            yield RawTable(rows), guessed, batch.findings


def _references(
    jobs: Sequence[Job], noted: _Noted, progress: Callable[[int], None], *, strict: bool
) -> References:
    """Read the files whose columns are joined to others, before these."""
    read = References()
    names = [source.name for job in jobs for source, _ in job.files]
    for job in (each for each in jobs if each.plan.is_reference):
        raws, faulties, findings = (
            [_no_rows(job.plan)],
            [_no_faults().select(*ORIGIN, KEY)],
            Findings.none(),
        )
        for raw, faulty, found in _batches(job, noted, progress, None, read, strict=strict):
            raws.append(raw.rows)
            faulties.append(faulty)
            findings = findings + found
            refuse_too_many(job.plan, sum(each.height for each in raws))
        raw = RawTable(noted.without_failed(pl.concat(raws)))
        faulty = noted.without_failed(pl.concat(faulties))
        findings = _named(Findings(noted.without_failed(findings.rows)), job.plan)
        read.add(read_reference(job.plan, raw, faulty, findings, names))
    return read


def _next(
    batches: Iterator[Batch], job: Job, source: SourceFile, noted: _Noted, *, strict: bool
) -> Batch | None:
    try:
        return next(batches, None)
    except StopRun as why:
        if strict or job.plan.extract is not None or why.exit_code != SourceUnusable.exit_code:
            raise
        noted.fail(source.index, why)
        return None


def _making(jobs: Sequence[Job]) -> list[Job]:
    """The jobs whose rows become orders, or parts of them."""
    return [job for job in jobs if not job.plan.is_reference]


def _something_is_left(jobs: Sequence[Job], noted: _Noted) -> None:
    indexes = [source.index for job in jobs for source, _ in job.files]
    if noted.failed and len(noted.failed) == len(indexes):
        raise noted.failed[indexes[0]]


def _of_orders(
    batch: Batch, guessed: pl.DataFrame, plan: Plan, only: Collection[str]
) -> tuple[Batch, pl.DataFrame]:
    """What of a batch belongs to some orders."""
    wanted = pl.Series(sorted(only), dtype=pl.String)
    rows = batch.raw.rows.filter(
        keys(batch.raw, plan).is_in(wanted.implode()).fill_null(value=False)
    )
    mine = guessed.filter(pl.col(KEY).is_in(wanted.implode()).fill_null(value=False))
    faulty = batch.faulty.rows.join(mine, on=ORIGIN, how="semi", maintain_order="left")
    addresses = pl.concat([rows.select(ORIGIN), faulty.select(ORIGIN)])
    findings = batch.findings.rows.join(addresses, on=ORIGIN, how="semi", maintain_order="left")
    left = replace(batch, raw=RawTable(rows), faulty=RawTable(faulty), findings=Findings(findings))
    return left, mine


def batches_of(job: Job, source: SourceFile, snapshot: Snapshot) -> Iterator[Batch]:
    """The batches of a file in its own format."""
    if job.plan.extract is not None:
        yield from read_edi_batches(
            job.readings[source.index], job.plan.extract, file=source.index,
            columns=job.plan.reads, portion=job.portions.get(source.index),
        )  # fmt: skip
        return
    lacking = _lacking(job, source.index)
    for batch in read_batches(
        snapshot.path,
        job.source_of(source.index),
        file=source.index,
        columns=[name for name in job.plan.own_reads if name not in lacking],
        name=source.name,
    ):
        full = _with_empty(batch, lacking, job.plan.own_reads) if lacking else batch
        yield _of_a_sheet(full) if holds_a_sheet(source.name) else full


def _lacking(job: Job, file: int) -> list[str]:
    """The numbered columns that other files of the mapping have, and this one has not."""
    pieces, header = job.plan.pieces, job.headers.get(file)
    if pieces is None or not pieces.numbered or header is None:
        return []
    return [name for name in job.plan.own_reads if name not in header]


def _with_empty(batch: Batch, lacking: Sequence[str], order: Sequence[str]) -> Batch:
    empty = [pl.lit("").alias(name) for name in lacking]
    raw, faulty = (
        RawTable(table.rows.with_columns(empty).select(*ORIGIN, *order))
        for table in (batch.raw, batch.faulty)
    )
    return replace(batch, raw=raw, faulty=faulty)


def _of_a_sheet(batch: Batch) -> Batch:
    raw, faulty = with_breaks(batch.raw.rows), with_breaks(batch.faulty.rows)
    return replace(batch, raw=RawTable(raw), faulty=RawTable(faulty))


def _named(findings: Findings, plan: Plan) -> Findings:
    return Findings(findings.rows.with_columns(pl.lit(plan.name).alias("mapping")))


def _in_memory(
    jobs: Sequence[Job], folder: RunFolder, progress: Callable[[int], None],
    only: Collection[str] | None, *, strict: bool,
) -> Spooled:  # fmt: skip
    noted = _Noted()
    shares = []
    references = _references(jobs, noted, progress, strict=strict)
    for job in _making(jobs):
        raws, faulties, findings = [_no_rows(job.plan)], [_no_faults()], Findings.none()
        for raw, faulty, found in _batches(job, noted, progress, only, references, strict=strict):
            raws.append(raw.rows)
            faulties.append(faulty)
            findings = findings + found
        raw = RawTable(noted.without_failed(pl.concat(raws)))
        faulty = noted.without_failed(pl.concat(faulties))
        findings = _named(Findings(noted.without_failed(findings.rows)), job.plan)
        folder.cells_of(job.plan.name)
        folder.write(f"cells/{job.plan.name}", 0, raw.rows)
        shares.append(Share(job.plan, raw, faulty, findings))
    _something_is_left(jobs, noted)

    def take(_partition: int) -> list[Share]:
        taken = [apart(share) for share in shares]
        shares.clear()  # the one who takes the rows is the one who can let go of them
        return taken

    return Spooled(
        1, noted.records, take, noted.problems, noted.lines, noted.read, noted.empty, noted.trailers,
        noted.totals, noted.failed, noted.open_ends, references,
    )  # fmt: skip


def apart(share: Share) -> Share:
    """Make a row of each item; rows that cannot be taken apart are as good as unreadable."""
    if share.plan.pieces is None:
        return share
    made = take_apart(share.raw, share.plan)
    told = made.faulty.rows.select(ORIGIN).hstack(orders_of(made.faulty, share.plan))
    return replace(
        share, raw=made.raw, findings=share.findings + made.findings,
        faulty=pl.concat([share.faulty, told.select(share.faulty.columns)]),
    )  # fmt: skip


def _no_rows(plan: Plan) -> pl.DataFrame:
    origin = {name: pl.UInt32() for name in ORIGIN}
    if plan.extract is not None:
        origin[MESSAGE] = pl.UInt32()
    own: dict[str, pl.DataType] = {name: pl.String() for name in plan.own_reads}
    beside = {} if plan.is_reference else extra_columns(plan)
    return pl.DataFrame(schema={**origin, **own, **beside})


def _no_faults() -> pl.DataFrame:
    origin = {name: pl.UInt32() for name in ORIGIN}
    return pl.DataFrame(schema=origin | {KEY: pl.String(), "order_number": pl.String()})


class _Spool:
    """Tables spread over files: those of one partition, mapping and kind lie together."""

    def __init__(self, path: Path, partitions: int) -> None:
        self._path = path
        self._partitions = partitions
        self._written: dict[tuple[int, str, str], list[Path]] = defaultdict(list)
        self._names = count()

    def put(self, mapping: str, kind: str, frame: pl.DataFrame, key: pl.Series) -> None:
        """Spread the rows by the hash of their key; those without one go to the first partition."""
        shares = (key.hash(seed=SPOOL_SEED) % self._partitions).fill_null(0).alias("share")
        for (share,), rows in frame.group_by(shares, maintain_order=True):
            path = self._path / f"{next(self._names):07d}.parquet"
            rows.write_parquet(path, compression="lz4", statistics=False)
            self._written[int(str(share)), mapping, kind].append(path)

    def take(
        self, partition: int, mapping: str, kind: str, empty: pl.DataFrame,
        keep: Path | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Read what lies there and remove it, or move it to `keep`; `empty` where there is nothing."""
        paths = self._written.pop((partition, mapping, kind), [])
        if not paths:
            return empty
        frame = pl.read_parquet(paths)
        for path in paths:
            if keep is None:
                path.unlink()
            else:
                path.chmod(0o600)
                path.rename(keep / f"part-{partition:05d}-{path.name}")
        return frame


def _on_disk(
    jobs: Sequence[Job], folder: RunFolder, partitions: int, progress: Callable[[int], None],
    only: Collection[str] | None, *, strict: bool,
) -> Spooled:  # fmt: skip
    noted = _Noted()
    files = _Spool(folder.path / "spool", partitions)
    references = _references(jobs, noted, progress, strict=strict)
    for job in _making(jobs):
        name = job.plan.name
        for raw, faulty, found in _batches(job, noted, progress, only, references, strict=strict):
            if raw.rows.height:
                files.put(name, "raw", raw.rows, keys(raw, job.plan))
            if faulty.height:
                files.put(name, "faulty", faulty, faulty.get_column(KEY))
            if len(found):  # some belong to no row, and come with none
                keyed = found.rows.join(faulty, on=ORIGIN, how="left", maintain_order="left")
                found_of = keyed.select(found.rows.columns)
                files.put(name, "findings", found_of, keyed.get_column(KEY))
    _something_is_left(jobs, noted)

    def take(partition: int) -> list[Share]:
        shares = []
        for job in _making(jobs):
            name = job.plan.name
            kept = folder.cells_of(name)
            raw = files.take(partition, name, "raw", _no_rows(job.plan), kept)
            faulty = files.take(partition, name, "faulty", _no_faults())
            found = files.take(partition, name, "findings", Findings.none().rows)
            raw, faulty, found = map(noted.without_failed, (raw, faulty, found))
            findings = _named(Findings(found), job.plan)
            shares.append(apart(Share(job.plan, RawTable(raw), faulty, findings)))
        return shares

    return Spooled(
        partitions, noted.records, take, noted.problems, noted.lines, noted.read, noted.empty, noted.trailers,
        noted.totals, noted.failed, noted.open_ends, references,
    )  # fmt: skip
