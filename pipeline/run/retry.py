"""Corrected rows: which mapping reads them, what they correct, and what became of the others.

A corrected file says in `_import_run` and `_import_line` which row of which run each of its rows
was. The run is in the ledger, its rows are in its folder: so it is known which rows a person has
removed, and which orders have rows in other files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.config import Settings
from pipeline.intake import Snapshot
from pipeline.ledger import PLANNED_SCHEMA, Ledger, RunRecord
from pipeline.model.origin import FILE, LINE
from pipeline.model.outcomes import (
    ARRIVED_ORDERS,
    MUTATION_SCHEMA,
    REPORTED_FINDING_SCHEMA,
    ROW_SCHEMA,
    OrderOutcome,
)
from pipeline.model.stops import StopRun
from pipeline.model.tables import SourceFile
from pipeline.read import read_header, read_ours, recognise
from pipeline.report.corrections import affected
from pipeline.report.facts import Correcting, RunFacts, RunState, RunTables
from pipeline.report.summary import counted
from pipeline.run.folder import RunFolder
from pipeline.run.request import Options, elsewhere, typed
from pipeline.run.source import Job

RETRIED = "retried"  # the folder of the table below
# Which order each row of a corrected file was of, as far as the run before knew.
RETRIED_SCHEMA: dict[str, pl.DataType] = {
    FILE: pl.UInt32(),
    LINE: pl.UInt32(),
    "was": pl.String(),
}
_NAMED = 10  # lines or orders that a sentence names


class RetryRefused(StopRun):
    """These files cannot be retried, or not without others (exit 2)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be retried: the mapping of each file, and whether the runs before were backfills."""

    mappings: Mapping[Path, Path]
    backfill: bool = False
    mapping_named: bool = False

    @property
    def each_mapping(self) -> list[Path]:
        """Every mapping once, in the order of the files."""
        return list(dict.fromkeys(self.mappings.values()))

    def words(self, options: Options, unless: Sequence[str]) -> list[str]:
        """What is typed behind `pipeline retry` for the same again, but with the option `unless`."""
        share = options.max_reject_rate
        guards = {
            "--max-orders": None if options.max_orders is None else str(options.max_orders),
            "--max-reject-rate": None if share is None else f"{share * 100:g}%",
        }
        words = [str(file) for file in self.mappings]
        if self.mapping_named:
            words += ["-m", str(self.each_mapping[0])]
        if options.backfill:
            words.append("--backfill")
        for flag, value in guards.items():
            if value is not None and flag not in unless:
                words += [flag, value]
        return [*words, *unless]


def asked(
    files: Sequence[Path],
    mappings: Sequence[Path],
    ledger: Ledger,
    endpoint: int,
    settings: Settings,
) -> Asked:
    """Find the mapping of each corrected file, through the run that wrote it.

    With one mapping given, it reads all files; a file of a run of another account is refused all
    the same.

    Raises:
        RetryRefused: nobody knows which run or mapping a file is of, or its run was elsewhere.
        SourceUnusable: a file cannot be read.
    """
    found: dict[Path, Path] = {}
    backfill = False
    for file in dict.fromkeys(files):
        befores = list(_runs_of(file, ledger, endpoint, settings, named=bool(mappings)))
        backfill |= any(before.facts.get("backfill") for before in befores)
        if mappings:
            if len(mappings) > 1:
                raise RetryRefused("several mappings are named for corrected files", code="C141",
                                   help="retry the files of each mapping on their own, or leave out -m: "
                                   "the run that wrote a file knows its mapping")  # fmt: skip
            found[file] = mappings[0]
            continue
        chosen = dict.fromkeys(_mapping_of(file, before) for before in befores)
        if len(chosen) > 1:
            raise RetryRefused(f"{file} has rows of runs with different mappings", code="C141",
                               help="make a file of the rows of each run, or name the mapping with -m")  # fmt: skip
        found[file] = next(iter(chosen))
    return Asked(found, backfill, mapping_named=bool(mappings))


@dataclass(frozen=True, slots=True)
class _Before:
    """A run that wrote corrected rows; `facts` are those of its folder, {} where that is gone."""

    record: RunRecord
    folder: RunFolder
    facts: Mapping[str, Any]


def _runs_of(
    file: Path, ledger: Ledger, endpoint: int, settings: Settings, *, named: bool
) -> Iterator[_Before]:
    """The runs that a corrected file names; with a mapping named, those that are known here."""
    form = recognise(file, file.name)
    runs: list[str] = []
    if form is not None:
        ours = read_ours(file, form, name=file.name)
        runs = ours.get_column("run").drop_nulls().unique(maintain_order=True).to_list()
    if not runs and not named:
        raise _not_ours(file, has_column=form is not None)
    for run in runs:
        record = ledger.run(run)
        if record is None and named:
            continue
        if record is None:
            raise RetryRefused(f"{file} is of run {run}, which this ledger does not know", code="C132",
                               help="use the ledger of that run, or name the mapping with -m")  # fmt: skip
        if record.endpoint != endpoint:
            again = typed(settings, "retry", str(file), profile=record.profile)
            says, how = elsewhere(settings, record.profile, ledger.endpoint_of(run), again)
            raise RetryRefused(f"{file} is of run {run}, which {says}", code="C133", help=how)
        folder = RunFolder(settings.home / "runs" / run)
        facts = folder.facts()
        if not facts and not named:
            raise RetryRefused(f"the folder of run {run} is gone, so the mapping of {file} is not known",
                               code="C134", help="name the mapping with -m")  # fmt: skip
        yield _Before(record, folder, facts)


def _not_ours(file: Path, *, has_column: bool) -> StopRun:
    with file.open("rb") as opened:
        packed = opened.read(4) in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
    if packed:
        return RetryRefused(f"{file} is a workbook", code="C140",
                            help="save it as CSV (UTF-8) in the spreadsheet, and retry that file")  # fmt: skip
    what = "no row of it names a run" if has_column else "it has no column _import_run"
    return RetryRefused(
        f"nobody knows which run {file} corrects: {what}", code="C140",
        help="retry takes the files in rejected/ of a report with the columns _import_… still in "
        "them; another file is imported with `pipeline run -m MAPPING FILE`",
    )  # fmt: skip


def _mapping_of(file: Path, before: _Before) -> Path:
    """The mapping that read these rows: by the name of the file, else by its columns."""
    paths = {each["name"]: Path(each["path"]) for each in before.facts["mappings"]}
    index = next(
        (e["index"] for e in before.facts.get("corrected", []) if e["name"] == file.name), None
    )
    if index is not None:
        named = next(e["mapping"] for e in before.facts["files"] if e["index"] == index)
        return paths[named]
    form = recognise(file, file.name)
    there = set(read_header(file, form, name=file.name)) if form is not None else set()
    wanted = {name: {e["column"] for e in before.facts["fields"] if e["mapping"] == name} - {""}
              for name in paths}  # fmt: skip
    delimited = {
        e["mapping"] for e in before.facts["files"] if e.get("form", {}).get("format") == "csv"
    }
    fitting = [name for name in paths if name in delimited and wanted[name] <= there]
    if len(fitting) != 1 and len(delimited) == 1:
        fitting = list(delimited)
    if len(fitting) != 1:
        raise RetryRefused(f"run {before.record.id} had several mappings that may read {file}",
                           code="C141", help=f"name one with -m: {', '.join(map(str, paths.values()))}")  # fmt: skip
    return paths[fitting[0]]


# -- what the rows were ---------------------------------------------------------------------------


@dataclass(slots=True)
class Retried:
    """What corrected files have to do with the runs that wrote them.

    `sentences` are for the report, `warnings` for who waits at the terminal, `rows` is
    RETRIED_SCHEMA.
    """

    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RETRIED_SCHEMA))
    orders: set[str] = field(default_factory=set)  # that the runs before knew by these rows
    overtaken: set[str] = field(default_factory=set)  # that came in another run since
    compared: bool = False  # with what the runs before have kept


@dataclass(frozen=True, slots=True)
class _File:
    """A corrected file of this run with the rows of one run before: `ours` has `_line` and `line`."""

    source: SourceFile
    snapshot: Snapshot
    ours: pl.DataFrame


def compare_with_before(jobs: Sequence[Job], ledger: Ledger, home: Path) -> Retried:
    """Tell which rows are retried, which are left out, and refuse half an order.

    Raises:
        RetryRefused: an order has rows in a file that is not among these.
    """
    found = Retried()
    for run, files in _by_run(jobs, found).items():
        folder = RunFolder(home / "runs" / run)
        facts = folder.facts()
        if not facts or ledger.run(run) is None:
            found.warnings.append(
                f"run {run} is not known here: whether rows of it were removed is not known"
            )
            continue
        found.overtaken |= ledger.overtaken(run)
        found.compared = True
        _compare(found, run, facts, affected(_tables(folder, ledger, run)), files)
    return found


def _by_run(jobs: Sequence[Job], found: Retried) -> dict[str, list[_File]]:
    runs: dict[str, list[_File]] = {}
    for job in jobs:
        for source, snapshot in job.files:
            ours = read_ours(snapshot.path, job.source_of(source.index), name=source.name)
            fresh = ours.get_column("run").null_count()
            if fresh and fresh < ours.height:
                found.sentences.append(f"{source.name}: {counted(fresh, 'row')} added.")
            for (run,), rows in ours.drop_nulls("run").group_by("run", maintain_order=True):
                runs.setdefault(str(run), []).append(_File(source, snapshot, rows))
    return runs


def _tables(folder: RunFolder, ledger: Ledger, run: str) -> RunTables:
    return RunTables(
        rows=folder.scan("rows", ROW_SCHEMA), orders=ledger.orders(run),
        mutations=pl.DataFrame(schema=MUTATION_SCHEMA),
        findings=pl.DataFrame(schema=REPORTED_FINDING_SCHEMA),
    )  # fmt: skip


def _compare(
    found: Retried, run: str, facts: Mapping[str, Any], rows: pl.DataFrame, files: Sequence[_File]
) -> None:
    """Hold the rows of the files against those that could be corrected of one run."""
    rows = rows.select(
        FILE, pl.col(LINE).cast(pl.Int64).alias("line"), "key",
        pl.coalesce("order_number", "key").alias("was"),
    ).unique(maintain_order=True)  # fmt: skip
    present = []
    given = set()
    was, gone = [], []
    for file in files:
        index = _index_of(file, facts, rows)
        given.add(index)
        mine = rows.filter(pl.col(FILE) == index)
        there = mine.join(file.ours, on="line", how="inner")
        present.append(there)
        found.sentences.append(
            f"{file.source.name}: {counted(file.ours.height, 'row')} of run {run}."
        )
        removed = mine.join(file.ours, on="line", how="anti").sort("line")
        if removed.height:
            words = f"Removed from {file.source.name}: {_listed(removed)}."
            found.sentences.append(words)
            found.warnings.append(words[0].lower() + words[1:-1])
        gone.append(removed.select("was"))
        was.append(there.select(
            pl.lit(file.source.index, pl.UInt32).alias(FILE), pl.col("_line").cast(pl.UInt32).alias(LINE), "was"
        ))  # fmt: skip
    # an order of which a row was removed has not arrived as a whole under another number
    whole = pl.concat(was).join(pl.concat(gone), on="was", how="anti", maintain_order="left")
    found.rows = pl.concat([found.rows, whole])
    retried = pl.concat(present)
    found.orders |= set(retried.get_column("was").drop_nulls())
    _refuse_halves(rows, retried, given, facts)
    _say_left_out(found, rows.filter(pl.col(FILE).is_in(sorted(given))), retried)


def _index_of(file: _File, facts: Mapping[str, Any], rows: pl.DataFrame) -> int:
    """Which input of the run before the rows are from: by name, else the one that has all of the lines.

    Raises:
        RetryRefused: several have them, or none: lines of one file would be taken for another's.
    """
    named = [
        e["index"] for e in facts.get("corrected", []) if e["name"] == Path(file.source.name).name
    ]
    if named:
        return int(named[0])
    indices = [e["index"] for e in facts["files"] if e["mapping"] == file.source.mapping]
    lines = rows.join(file.ours, on="line", how="semi")
    hits = dict(lines.group_by(FILE).agg(pl.col("line").n_unique()).iter_rows())
    number = file.ours.get_column("line").drop_nulls().n_unique()
    fitting = [index for index in indices if hits.get(index, 0) == number]
    if len(indices) > 1 and len(fitting) != 1:
        names = [e["name"] for e in facts.get("corrected", []) if e["kind"] == Correcting.ROWS]
        raise RetryRefused(
            f"which input of run {facts['run_id']} {file.source.name} corrects is not known by its name",
            code="C140", help=f"give it the name that it had: {', '.join(names)}",
        )  # fmt: skip
    return int((fitting or indices or [0])[0])


def _refuse_halves(
    rows: pl.DataFrame, retried: pl.DataFrame, given: set[int], facts: Mapping[str, Any]
) -> None:
    """An order goes out whole or not at all, so all files with rows of it are needed."""
    elsewhere = rows.filter(~pl.col(FILE).is_in(sorted(given))).join(
        retried.select("key").drop_nulls().unique(), on="key", how="semi"
    )
    if not elsewhere.height:
        return
    needed = elsewhere.get_column(FILE).unique().sort().to_list()
    names = {e["index"]: e["name"] for e in facts["files"]}
    beside = {
        e["index"]: e["name"] for e in facts.get("corrected", []) if e["kind"] == Correcting.ROWS
    }
    order = elsewhere.row(0, named=True)["was"]
    shown = ", ".join(names[index] for index in needed)
    number = elsewhere.get_column("key").n_unique()
    what = f"order {order}" + (f" and {counted(number - 1, 'more order')}" if number > 1 else "")
    have = "have" if number > 1 else "has"
    if all(index in beside for index in needed):
        how = f"name these files too: {', '.join(beside[index] for index in needed)}"
    else:
        how = "an EDI file cannot be corrected as rows: import the corrected files and the new EDI file together with `pipeline run`"
    raise RetryRefused(f"{what} of run {facts['run_id']} {have} rows in {shown} too", code="C142", help=how)  # fmt: skip


def refuse_over_arrived(folder: RunFolder, retried: Retried) -> None:
    """Corrected rows do not go over an order that has arrived without them, or since (FAULTS G4).

    Raises:
        RetryRefused: they would replace it with an older version, or with a part of it.
    """
    numbers = (
        folder.scan("planned", PLANNED_SCHEMA)
        .filter(pl.col("known") & (pl.col("outcome") == OrderOutcome.NOT_ATTEMPTED.value))
        .select("order_number").collect().get_column("order_number").drop_nulls().sort().to_list()
    )  # fmt: skip
    over = [n for n in numbers if n in retried.overtaken or n not in retried.orders]
    if retried.compared and over:
        several = len(over) > 1
        more = f" and {counted(len(over) - 1, 'more order')}" if several else ""
        have, it = ("have", "them") if several else ("has", "it")
        their, orders = ("their", "orders") if several else ("its", "order")
        raise RetryRefused(
            f"order {over[0]}{more} {have} arrived without these rows; they would replace {it}",
            code="C142", help=f"remove {their} rows; import the whole {orders} with `pipeline run`",
        )  # fmt: skip


def _say_left_out(found: Retried, rows: pl.DataFrame, retried: pl.DataFrame) -> None:
    """Name the orders of which no row is left."""
    gone = rows.drop_nulls("was").join(retried.drop_nulls("was"), on="was", how="anti")
    orders = gone.get_column("was").unique(maintain_order=True).to_list()
    if orders:
        more = f" and {len(orders) - _NAMED:,} more" if len(orders) > _NAMED else ""
        named = ", ".join(orders[:_NAMED])
        found.sentences.append(f"Not retried, and still open: {named}{more}.")


def _listed(removed: pl.DataFrame) -> str:
    shown = [
        f"line {line}" + (f" ({was})" if was else "")
        for line, was in removed.select("line", "was").head(_NAMED).iter_rows()
    ]
    more = removed.height - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def renumbered(folder: RunFolder, facts: RunFacts, tables: RunTables) -> list[str]:
    """The numbers of orders all of whose rows have arrived under other numbers, corrected ones.

    Their items are done: the order that was missing under a wrong number is there.
    """
    if facts.state is RunState.NOT_SENT:
        return []
    orders = tables.orders
    was = folder.scan(RETRIED, RETRIED_SCHEMA).drop_nulls("was")
    now = tables.rows.lazy().select(FILE, LINE, "order_number")
    numbered = was.join(now, on=[FILE, LINE], how="left").select("was", "order_number").collect()
    if not numbered.height:
        return []
    arrived = orders.filter(
        pl.col("outcome").is_in([each.value for each in ARRIVED_ORDERS])
    ).get_column("order_number")
    same = orders.get_column("order_number").drop_nulls()
    done = numbered.group_by("was").agg(
        pl.col("order_number").is_in(arrived.implode()).fill_null(value=False).all().alias("done")
    )
    found: list[str] = (
        done.filter(pl.col("done") & ~pl.col("was").is_in(same.implode()))
        .get_column("was").sort().to_list()
    )  # fmt: skip
    return found
