"""Corrected rows: which mapping reads them, what they correct, and what became of the others.

A corrected file says in `_import_run` and `_import_line` which row of which run each of its rows
was. The run is in the ledger, its rows are in its folder: so it is known which rows a person has
removed, and which orders have rows in other files.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.config import Settings
from pipeline.ledger import PLANNED_SCHEMA, Ledger, RunRecord
from pipeline.ledger import RunState as LedgerState
from pipeline.mapping.plan import NUMBER, TEXT_FORMATS, Source
from pipeline.mapping_file import taken_apart
from pipeline.model.origin import FILE, LINE, place
from pipeline.model.outcomes import (
    ARRIVED_ORDERS,
    MUTATION_SCHEMA,
    REPORTED_FINDING_SCHEMA,
    ROW_SCHEMA,
    OrderOutcome,
)
from pipeline.model.stops import StopRun
from pipeline.model.tables import SourceFile
from pipeline.read import read_header, read_ours, recognise, source_of, writable
from pipeline.report.corrections import affected
from pipeline.report.facts import Correcting, RunFacts, RunState, RunTables
from pipeline.report.summary import counted
from pipeline.run.corrected import MESSAGES_ENDING
from pipeline.run.folder import RunFolder
from pipeline.run.request import Options, elsewhere, typed
from pipeline.run.source import Job, compiled

RETRIED = "retried"  # the folder of the table below
# Which order each row of a corrected file was of, as far as the run before knew.
RETRIED_SCHEMA: dict[str, pl.DataType] = {
    FILE: pl.UInt32(),
    LINE: pl.UInt32(),
    "was": pl.String(),
}
_NAMED = 10  # lines or orders that a sentence names
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls


class RetryRefused(StopRun):
    """These files cannot be retried, or not without others (exit 2)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be retried: the mapping of each file, and how the runs before were.

    `joined` are the files that are joined to these rows, as they are now, each with its mapping.
    `backfill` and `create_only` say whether one of them was.
    """

    mappings: Mapping[Path, Path]
    joined: Mapping[Path, Path] = field(default_factory=dict)
    backfill: bool = False
    mapping_named: bool = False
    create_only: bool = False

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
            "--old-orders": options.old_orders if options.old_orders == "warn" else None,
        }
        words = [str(file) for file in self.mappings]
        if self.mapping_named:
            words += ["-m", str(self.each_mapping[0])]
        if options.backfill:
            words.append("--backfill")
        if options.create_only:
            words.append("--create-only")
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
    joined: dict[Path, Path] = {}
    backfill = create_only = False
    for file in dict.fromkeys(files):
        befores = list(_runs_of(file, ledger, endpoint, settings, named=bool(mappings)))
        # the ledger says it, for the folder of the run may be gone
        backfill |= any(before.record.options.get("backfill") for before in befores)
        create_only |= any(before.record.options.get("create_only") for before in befores)
        if mappings:
            if len(mappings) > 1:
                raise RetryRefused("several mappings are named for corrected files", code="C141",
                                   help="retry the files of each mapping on their own, or leave out -m: "
                                   "the run that wrote a file knows its mapping")  # fmt: skip
            if compiled(mappings).get(mappings[0]) is None:
                raise RetryRefused(f"{mappings[0]} has several sources, and it is not said which of them {file} is of",
                                   code="C141", help="leave out -m: the run that wrote a file knows its source")  # fmt: skip
            found[file] = mappings[0]
            continue
        chosen = dict.fromkeys(_mapping_of(file, before) for before in befores)
        if len(chosen) > 1:
            raise RetryRefused(f"{file} has rows of runs with different mappings", code="C141",
                               help="make a file of the rows of each run, or name the mapping with -m")  # fmt: skip
        found[file] = next(iter(chosen))
        for before in befores:
            joined |= _joined_to(found[file], before)
    return Asked(found, joined, backfill, mapping_named=bool(mappings), create_only=create_only)


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
    if file.is_dir():
        _refuse_folder(file, settings)
    form = recognise(file, file.name)
    if form is None:
        _refuse_workbook(file)
        _refuse_messages(file)
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


def _refuse_workbook(file: Path) -> None:
    with file.open("rb") as opened:
        begin = opened.read(len(_WORKBOOKS[0]))
    if begin in _WORKBOOKS:
        saved = file.with_suffix(".csv")
        raise RetryRefused(
            f"{file} is a workbook, and retry takes CSV", code="C140",
            help='in Excel, File > Save As > "CSV UTF-8 (Comma delimited)"; in LibreOffice, File > Save As > '
            f'"Text CSV", character set "Unicode (UTF-8)". Then: pipeline retry {shlex.quote(str(saved))}',
        )  # fmt: skip


def _refuse_folder(folder: Path, settings: Settings) -> None:
    files = sorted(folder.glob("*.csv")) or sorted((folder / "rejected").glob("*.csv"))
    names = [str(each) for each in files[:_NAMED]]
    how = f"name the files in it: {typed(settings, 'retry', *names)}"
    raise RetryRefused(
        f"{folder} is a folder, and retry takes files", code="C140",
        help=how if files else "name the files of the folder rejected/ beside a report",
    )  # fmt: skip


def _refuse_messages(file: Path) -> None:
    if file.name.endswith(MESSAGES_ENDING):
        raise RetryRefused(
            f"{file} lists EDI messages, and nobody corrects these by hand", code="C140",
            help="ask the sender for these messages again; import what comes with `pipeline run`",
        )  # fmt: skip


def _not_ours(file: Path, *, has_column: bool) -> StopRun:
    what = "no row of it names a run" if has_column else "it has no column _import_run"
    return RetryRefused(
        f"nobody knows which run {file} corrects: {what}", code="C140",
        help="retry takes the files in rejected/ of a report with the columns _import_… still in "
        "them; another file is imported with `pipeline run -m MAPPING FILE`",
    )  # fmt: skip


def _inputs_of(file: Path, form: Source | None, run: str) -> list[str]:
    """The names of input files that the rows of a run say they are of."""
    if form is None:
        return []
    ours = read_ours(file, form, name=file.name).filter(pl.col("run") == run)
    return ours.get_column("file").drop_nulls().unique(maintain_order=True).to_list()


def _joined_to(mapping: Path, before: _Before) -> dict[Path, Path]:
    """The files that are joined to rows of a mapping with several sources, where they lay then.

    What is wrong in one of them is corrected there, so it is read as it is now.

    Raises:
        RetryRefused: one of them is gone.
    """
    whole = taken_apart(mapping)[0]
    paths = {each["name"]: Path(each["path"]) for each in before.facts["mappings"]}
    joined = {each["name"] for each in before.facts["mappings"] if each.get("joined")}
    found = {}
    for file in before.facts["files"]:
        name = file["mapping"]
        if name not in joined or taken_apart(paths[name])[0] != whole or file.get("aside"):
            continue
        place = Path(file["path"])
        if not place.is_file():
            raise RetryRefused(
                f"{place}, which is joined to these rows, is gone", code="C141",
                help="put it back, or import the whole orders with `pipeline run`: what has arrived is not sent twice",
            )  # fmt: skip
        found[place] = paths[name]
    return found


def _mapping_of(file: Path, before: _Before) -> Path:
    """The mapping that read these rows: by the file's name, by `_import_file`, else by its columns."""
    paths = {each["name"]: Path(each["path"]) for each in before.facts["mappings"]}
    index = next(
        (e["index"] for e in before.facts.get("corrected", []) if e["name"] == file.name), None
    )
    if index is not None:
        named = next(e["mapping"] for e in before.facts["files"] if e["index"] == index)
        return paths[named]
    form = recognise(file, file.name)
    inputs = {e["name"]: e["mapping"] for e in before.facts["files"]}
    of = {inputs[each] for each in _inputs_of(file, form, before.record.id) if each in inputs}
    if len(of) == 1:
        return paths[of.pop()]
    there = set(read_header(file, form, name=file.name)) if form is not None else set()
    # how far numbered columns go differs from file to file
    wanted = {
        name: {e["column"] for e in before.facts["fields"] if e["mapping"] == name and NUMBER not in e["column"]}
        - {""}
        for name in paths
    }  # fmt: skip
    of_text = {
        e["mapping"]
        for e in before.facts["files"]
        if e.get("form", {}).get("format") in TEXT_FORMATS
    }
    fitting = [name for name in paths if name in of_text and wanted[name] <= there]
    if len(fitting) != 1 and len(of_text) == 1:
        fitting = list(of_text)
    if len(fitting) != 1:
        raise RetryRefused(f"run {before.record.id} had several mappings that may read {file}",
                           code="C141", help=f"name one with -m: {', '.join(map(str, paths.values()))}")  # fmt: skip
    return paths[fitting[0]]


# -- what the rows were ---------------------------------------------------------------------------


@dataclass(slots=True)
class Retried:
    """What corrected files have to do with the runs that wrote them.

    `sentences` are for the report, the first of them says all in short; `warnings` are for who waits
    at the terminal, `rows` is RETRIED_SCHEMA.
    """

    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RETRIED_SCHEMA))
    orders: set[str] = field(default_factory=set)  # that the runs before knew by these rows
    overtaken: set[str] = field(default_factory=set)  # that came in another run since
    compared: bool = False  # with what the runs before have kept
    left_out: list[str] = field(default_factory=list)  # rows, as lines of the files they were of
    not_retried: list[str] = field(default_factory=list)  # orders of which no row is left
    unsent: dict[str, int] = field(
        default_factory=dict
    )  # of runs that a guard stopped: still ready


@dataclass(frozen=True, slots=True)
class _File:
    """A corrected file of this run with the rows of one run before: `ours` as `read_ours` gives it."""

    source: SourceFile
    form: Source
    ours: pl.DataFrame

    @property
    def name(self) -> str:
        """How the files that a run has written are called in its folder."""
        return Path(self.source.name).name


def compare_with_before(jobs: Sequence[Job], ledger: Ledger, endpoint: int, home: Path) -> Retried:
    """Tell which rows are retried, which are left out, and refuse half an order.

    Raises:
        RetryRefused: an order has rows in a file that is not among these, or it is not known which
            rows these are.
    """
    found = Retried()
    runs, added = _by_run(jobs)
    for run, files in runs.items():
        found.sentences += [
            f"{file.source.name}: {counted(file.ours.height, 'row')} of run {run}."
            for file in files
        ]
        folder = RunFolder(home / "runs" / run)
        facts = folder.facts()
        record = ledger.run(run)
        if not facts or record is None:
            found.warnings.append(
                f"run {run} is not known here: whether rows of it were removed is not known"
            )
            continue
        since = ledger.overtaken(run)
        found.overtaken |= since
        found.compared = True
        tables = _tables(folder, ledger, run)
        _compare(found, facts, affected(tables), files)
        if record.state is LedgerState.NOT_SENT:
            ready = tables.orders.filter(pl.col("outcome") == OrderOutcome.NOT_ATTEMPTED.value)
            found.unsent[run] = len(set(ready.get_column("order_number")) - since - found.orders)
    still = {item.order_number for item in ledger.open_items(endpoint)}
    _sum_up(found, runs, added, [each for each in found.not_retried if each in still])
    return found


def _by_run(jobs: Sequence[Job]) -> tuple[dict[str, list[_File]], dict[str, int]]:
    """The rows of each run before, and how many rows a person has added to each file."""
    runs: dict[str, list[_File]] = {}
    added: dict[str, int] = {}
    for job in jobs:
        for source, snapshot in job.files:
            form = job.source_of(source.index)
            ours = read_ours(snapshot.path, form, name=source.name)
            fresh = ours.get_column("run").null_count()
            if fresh and fresh < ours.height:
                added[source.name] = fresh
            for (run,), rows in ours.drop_nulls("run").group_by("run", maintain_order=True):
                runs.setdefault(str(run), []).append(_File(source, form, rows))
    return runs, added


def _sum_up(
    found: Retried, runs: Mapping[str, Sequence[_File]], added: Mapping[str, int], still: Sequence[str]
) -> None:  # fmt: skip
    """Say all in one sentence, and the details behind it."""
    files = {file.source.index for each in runs.values() for file in each}
    rows = sum(file.ours.height for each in runs.values() for file in each)
    of = f"run {next(iter(runs))}" if len(runs) == 1 else f"{len(runs)} runs"
    told = [f"{counted(rows, 'row')} in {counted(len(files), 'file')}"]
    if added:
        told.append(f"{sum(added.values()):,} added")
        found.sentences += [
            f"{name}: {counted(rows, 'row')} added." for name, rows in added.items()
        ]
    if found.left_out:
        told.append(f"{len(found.left_out):,} left out")
        listed = _named(found.left_out)
        found.sentences.append(f"Left out: {listed}.")
        found.warnings.append(f"{counted(len(found.left_out), 'row')} left out: {listed}")
    if still:
        told.append(f"not retried and still open: {_named(still)}")
    for run, ready in found.unsent.items():
        if ready:
            waits = "waits" if ready == 1 else "wait"
            left = f"that run sent nothing, {counted(ready, 'more order')} of it {waits} for `pipeline run`"
            told.append(left if len(runs) == 1 else left.replace("that run", run))
            found.warnings.append(f"run {run}: {left}")
    found.sentences.insert(0, f"Retry of {of}: {', '.join(told)}.")


def _named(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED:,} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more


def _tables(folder: RunFolder, ledger: Ledger, run: str) -> RunTables:
    return RunTables(
        rows=folder.scan("rows", ROW_SCHEMA), orders=ledger.orders(run),
        mutations=pl.DataFrame(schema=MUTATION_SCHEMA),
        findings=pl.DataFrame(schema=REPORTED_FINDING_SCHEMA),
    )  # fmt: skip


def _compare(
    found: Retried, facts: Mapping[str, Any], rows: pl.DataFrame, files: Sequence[_File]
) -> None:
    """Hold the rows of the files against those that could be corrected of one run."""
    rows = rows.select(
        FILE, pl.col(LINE).cast(pl.Int64).alias("line"), "key",
        pl.coalesce("order_number", "key").alias("was"),
    ).unique(maintain_order=True)  # fmt: skip
    placed = {file.source.index: _placed(file, facts, rows) for file in files}
    here = pl.concat(
        each.select(
            FILE,
            "line",
            pl.lit(source, pl.UInt32).alias("_source"),
            pl.col("_line").cast(pl.UInt32),
        )
        for source, each in placed.items()
    )
    _refuse_twice(here, facts, {file.source.index: file.source.name for file in files})
    homes = {_home(file, facts, placed[file.source.index]) for file in files}
    written_for = homes.union(*(_merged(file, facts, placed[file.source.index]) for file in files))
    there = rows.join(here, on=[FILE, "line"], how="inner")
    removed = (
        rows.filter(pl.col(FILE).is_in(sorted(written_for)))
        .join(here, on=[FILE, "line"], how="anti")
        .sort(FILE, "line")
    )
    # an order of which a row was removed has not arrived as a whole under another number
    whole = there.join(removed, on="was", how="anti", maintain_order="left")
    found.rows = pl.concat(
        [
            found.rows,
            whole.select(pl.col("_source").alias(FILE), pl.col("_line").alias(LINE), "was"),
        ]
    )
    found.orders |= set(there.get_column("was").drop_nulls())
    _refuse_halves(rows, there, homes, facts)
    doubt = _doubt(here, there, facts["run_id"])
    if doubt and removed.height:
        said = f"{doubt}: whether rows were left out is not known"
        found.sentences.append(f"{said}.")
        found.warnings.append(said)
        return
    names = _names(facts)
    found.left_out += [
        place(names[index], line) + (f" ({was})" if was else "")
        for index, line, was in removed.select(FILE, "line", "was").iter_rows()
    ]
    gone = removed.drop_nulls("was").join(there.drop_nulls("was"), on="was", how="anti")
    found.not_retried += gone.get_column("was").unique(maintain_order=True).to_list()


def _doubt(here: pl.DataFrame, there: pl.DataFrame, run: str) -> str:
    """Say what rows have in `_import_line` that tells nothing; "" where each has a line of its own.

    `here` are all rows, `there` those that are at a line that could be corrected. A row that stands
    twice may be a copy; then again a person may have filled down the number of the first.
    """
    unnumbered = here.get_column("line").null_count()
    told = (
        (unnumbered, "no number in _import_line"),
        (here.height - unnumbered - there.height, "a number in _import_line that no row to correct had"),
        (there.height - there.unique([FILE, "line"]).height, "the number of another row in _import_line"),
    )  # fmt: skip
    parts = [(number, what) for number, what in told if number]
    if not parts:
        return ""
    (first, what), *more = parts
    has = "has" if first == 1 else "have"
    listed = [f"{counted(first, 'row')} of run {run} {has} {what}"]
    return ", ".join([*listed, *(f"{counted(number, 'row')} {what}" for number, what in more)])


def _names(facts: Mapping[str, Any]) -> dict[int, str]:
    return {each["index"]: each["name"] for each in facts["files"]}


def _placed(file: _File, facts: Mapping[str, Any], rows: pl.DataFrame) -> pl.DataFrame:
    """Add to the rows of a file which input of the run before each of them is of: `_file`.

    Raises:
        RetryRefused: a row names a file that the run has not read, or nothing tells which it is of.
    """
    known = _written_names(facts, file.form)
    written = known.get_column("file").to_list()
    # names that differ only by characters that the file cannot have tell nothing
    known = known.unique("file", keep="none")
    ours = file.ours.join(known, on="file", how="left", maintain_order="left")
    strange = ours.filter(~pl.col("file").is_in(written))
    if strange.height:
        # what stands there instead may be a cell of the order: ledger, index and mail keep these words
        raise RetryRefused(
            f"_import_file names no file that run {facts['run_id']} has read",
            code="C140", place=place(file.source.name, strange.item(0, "_line")),
            help=f"write what stood there, such as {_named(written)}",
        )  # fmt: skip
    nameless = pl.col(FILE).is_null()
    if ours.select(nameless.any()).item():
        index = _index_of(file, ours.filter(nameless), facts, rows)
        ours = ours.with_columns(pl.col(FILE).fill_null(pl.lit(index, pl.UInt32)))
    return ours


def _written_names(facts: Mapping[str, Any], form: Source) -> pl.DataFrame:
    """How the inputs of a run are called in files of ours: as they are, and as their form can have it.

    A file that a person has saved in another form keeps the words of the first one.
    """
    found = {
        (word.strip(), each["index"])
        for each in facts["files"]
        for source in (form, source_of(each.get("form", {})))
        if source.encoding  # that of EDI is in the file; no row of ours is of it
        for word in writable([each["name"]], source)
    }
    schema = {"file": pl.String(), FILE: pl.UInt32()}
    return pl.DataFrame(sorted(found), schema, orient="row")


def _home(file: _File, facts: Mapping[str, Any], placed: pl.DataFrame) -> int:
    """The input whose rows a file was written for: what is not in it has been removed from it."""
    named = [e["index"] for e in facts.get("corrected", []) if e["name"] == file.name]
    return int(named[0] if named else placed.get_column(FILE).mode(maintain_order=True)[0])


def _merged(file: _File, facts: Mapping[str, Any], placed: pl.DataFrame) -> set[int]:
    """The inputs whose files a person has put together under a name that the run did not give."""
    if any(each["name"] == file.name for each in facts.get("corrected", [])):
        return set()
    return set(placed.get_column(FILE).unique().to_list())


def _index_of(file: _File, ours: pl.DataFrame, facts: Mapping[str, Any], rows: pl.DataFrame) -> int:
    """Which input rows without `_import_file` are of: by the file's name, else the one with all lines.

    Raises:
        RetryRefused: several have them, or none: lines of one file would be taken for another's.
    """
    named = [e["index"] for e in facts.get("corrected", []) if e["name"] == file.name]
    if named:
        return int(named[0])
    indices = [e["index"] for e in facts["files"] if e["mapping"] == file.source.mapping]
    lines = rows.join(ours, on="line", how="semi")
    hits = dict(lines.group_by(FILE).agg(pl.col("line").n_unique()).iter_rows())
    number = ours.get_column("line").drop_nulls().n_unique()
    fitting = [index for index in indices if hits.get(index, 0) == number]
    if len(indices) > 1 and len(fitting) != 1:
        names = [e["name"] for e in facts.get("corrected", []) if e["kind"] == Correcting.ROWS]
        raise RetryRefused(
            f"which input of run {facts['run_id']} {file.source.name} corrects is not known by its name",
            code="C140", help=f"give it the name that it had: {', '.join(names)}",
        )  # fmt: skip
    return int((fitting or indices or [0])[0])


def _refuse_twice(here: pl.DataFrame, facts: Mapping[str, Any], files: Mapping[int, str]) -> None:
    """A row that stands in two files would be imported twice; within one, a person has copied it."""
    twice = (
        here.drop_nulls("line").group_by(FILE, "line")
        .agg(pl.col("_source").unique().sort())
        .filter(pl.col("_source").list.len() > 1).sort(FILE, "line")
    )  # fmt: skip
    if not twice.height:
        return
    index, line, sources = twice.row(0)
    more = f" and {counted(twice.height - 1, 'more row')}" if twice.height > 1 else ""
    raise RetryRefused(
        f"line {line} of {_names(facts)[index]}{more} of run {facts['run_id']} stands in "
        f"{' and '.join(files[each] for each in sources)}",
        code="C142", help="take it out of one of them, or retry one of the files only",
    )  # fmt: skip


def _refuse_halves(
    rows: pl.DataFrame, retried: pl.DataFrame, homes: set[int], facts: Mapping[str, Any]
) -> None:
    """An order goes out whole or not at all, so all files with rows of it are needed."""
    elsewhere = (
        rows.filter(~pl.col(FILE).is_in(sorted(homes)))
        .join(retried, on=[FILE, "line"], how="anti")
        .join(retried.select("key").drop_nulls().unique(), on="key", how="semi")
    )
    if not elsewhere.height:
        return
    needed = elsewhere.get_column(FILE).unique().sort().to_list()
    names = _names(facts)
    beside = {
        e["index"]: e["name"] for e in facts.get("corrected", []) if e["kind"] == Correcting.ROWS
    }
    order = elsewhere.row(0, named=True)["was"]
    shown = ", ".join(names[index] for index in needed)
    number = elsewhere.get_column("key").n_unique()
    what = f"order {order}" + (f" and {counted(number - 1, 'more order')}" if number > 1 else "")
    have = "have" if number > 1 else "has"
    if all(index in beside for index in needed):
        folder = Path(facts.get("rejected_folder", ""))
        paths = [shlex.quote(str(folder / beside[index])) for index in needed]
        how = f"name these files too: {' '.join(paths)}"
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
