"""Erasing what is kept of one order: a person has asked to be forgotten (FAULTS S10).

What the program keeps of people stands in the folders of runs, in reports and in plans; it goes. The
ledger keeps the order number, hashes and answers, so that the order is not sent again by mistake; the
reports keep the order number and what became of it, for their totals must stay true.
"""

import csv
import hashlib
import io
import mmap
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.config import Settings
from pipeline.ledger import Ledger, RunRecord, RunState
from pipeline.mapping.plan import TEXT_FORMATS
from pipeline.model.findings import FINDING_SCHEMA
from pipeline.model.origin import FILE, LINE, ORIGIN
from pipeline.model.outcomes import ROW_SCHEMA
from pipeline.model.stops import StopRun
from pipeline.read import corrected_form, source_of, writable
from pipeline.read.formulas import restore
from pipeline.read.header import OUR_FILE, OUR_LINE, OUR_RUN
from pipeline.report.files import replacing
from pipeline.report.interchanges import located
from pipeline.run.accounts import report_folders
from pipeline.run.clock import clock
from pipeline.run.corrected import FOLDER
from pipeline.run.folder import REFUSED, RunFolder, written
from pipeline.run.interchanges import kept_messages
from pipeline.run.look import no_ledger, report
from pipeline.run.request import Events

ERASED = "(erased)"
STAYS = (
    "the order number, hashes and answers in the ledger: without them the order could be sent again",
    "the order number and what became of it in the reports: their totals count it",
    "input files, acknowledgements and copies in folders of your own, and what parcelLab has",
)
_OVER = (RunState.FINISHED, RunState.ABANDONED, RunState.NOT_SENT)
_EVERY = 2**31 - 1  # runs


class OrderNotPurged(StopRun):
    """Nothing is kept of the order, or a run that has it can be resumed (exit 2)."""

    exit_code = 2


@dataclass(slots=True)
class Purged:
    """What was done: runs whose tables and reports were cleaned, files changed or removed."""

    runs: list[str] = field(default_factory=list)
    changed: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    look_at: list[Path] = field(default_factory=list)  # copies of people that name the order


def purge(
    settings: Settings, order_number: str, events: Events, *, only_look: bool = False
) -> Purged:
    """Erase the values of an order from everything that this ledger's runs have left.

    Raises:
        OrderNotPurged: no run has it, or one that can be resumed does; nothing was changed.
        LedgerLocked: a run is at work.
        DiskUnusable: something cannot be written; the same command again finishes it.
    """
    done = Purged()
    if not no_ledger(settings):
        with Ledger.open(settings.ledger, clock=clock) as ledger:
            runs = list(_holding(settings, ledger, order_number))
            _refuse_open(runs, order_number)
            for record, folder, rows in runs:
                done.runs.append(record.id)
                with written(folder.path):
                    if not only_look:
                        # copies of whole inputs that an abandoned or killed run left, or that were
                        # kept for what its end owes
                        folder.write_facts(folder.facts() | {"owed": []})
                        folder.clean()
                        ledger.forget_marks(record.endpoint, [order_number])
                    _remove_copies(folder, rows, order_number, done, only_look=only_look)
                    _erase_findings(folder, rows, order_number, done, only_look=only_look)
                counted: set[str] = set()
                for reports in report_folders(settings, folder):
                    with written(reports):
                        _erase_rows(
                            folder, reports, rows, order_number, done, counted, only_look=only_look
                        )
            for path in _elsewhere(settings, order_number):
                done.removed.append(path)
                if not only_look:
                    with written(path):
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
            if not only_look:
                ledger.compact()
        # the pages are made again from the tables, which hold nothing of the order any more
        for run in done.runs if not only_look else ():
            done.changed += _pages_again(settings, run, events)
    if not (done.runs or done.removed):
        raise OrderNotPurged(
            f"nothing is kept of an order {order_number}, besides what the ledger may know of it",
            help="check the order number; it is written as in the reports", code="C119",
        )  # fmt: skip
    return done


def _pages_again(settings: Settings, run: str, events: Events) -> Iterator[Path]:
    for place in report_folders(settings, RunFolder(settings.home / "runs" / run)):
        if (place / "report.html").exists():
            yield report(replace(settings, reports=place.parent), run, "mask", events)


def _holding(
    settings: Settings, ledger: Ledger, number: str
) -> Iterator[tuple[RunRecord, RunFolder, pl.DataFrame]]:
    """The runs that have rows of the order, with the addresses of these."""
    for record in ledger.runs(_EVERY):
        folder = RunFolder(settings.home / "runs" / record.id)
        if folder.path.is_dir() and not folder.path.is_symlink():
            rows = _rows_of(folder, number)
            if rows.height:
                yield record, folder, rows


def _rows_of(folder: RunFolder, number: str) -> pl.DataFrame:
    mine = (pl.col("key") == number) | (pl.col("order_number") == number)
    return folder.scan("rows", ROW_SCHEMA).filter(mine).select(ORIGIN).unique().collect()


def _refuse_open(runs: Sequence[tuple[RunRecord, RunFolder, pl.DataFrame]], number: str) -> None:
    still = [record.id for record, _, _ in runs if record.state not in _OVER]
    if still:
        raise OrderNotPurged(
            f"run {still[0]} has order {number} and can be resumed; nothing was erased",
            help=f"finish it first: pipeline resume {still[0]}", code="C132",
        )  # fmt: skip


def _remove_copies(
    folder: RunFolder, rows: pl.DataFrame, number: str, done: Purged, *, only_look: bool
) -> None:
    """Remove the copies of inputs for `retry RUN` that have the order, each as a whole.

    They are what was sent, byte by byte, so nothing is cut out of them; those of other inputs stay.
    """
    indices = set(rows.get_column(FILE).to_list())
    mine = {e["snapshot"] for e in folder.facts().get("files", []) if e["index"] in indices}
    for copy in sorted((folder.path / REFUSED).glob("*")):
        if copy.name in mine or _names(copy, number):
            done.removed.append(copy)
            if not only_look:
                copy.unlink()
    if not only_look and not any((folder.path / REFUSED).glob("*")):
        shutil.rmtree(folder.path / REFUSED, ignore_errors=True)


def _erase_findings(
    folder: RunFolder, rows: pl.DataFrame, number: str, done: Purged, *, only_look: bool
) -> None:
    """Take out what findings quote: the values, and the words that may quote a second cell.

    Findings of an EDI message stand at its segments, not at the row's, so all of the message count.
    """
    messages = kept_messages(folder)
    held = located(rows, messages).select(FILE, "_message").drop_nulls().unique()
    kinds = ("findings", "answers")
    for path in sorted(p for kind in kinds for p in (folder.path / kind).glob("part-*.parquet")):
        table = pl.read_parquet(path)
        mine = _same(table, rows, ORIGIN) | _same(
            located(table, messages), held, (FILE, "_message")
        )
        for name in {"key", "order_number"} & set(table.columns):
            mine |= (table.get_column(name) == number).fill_null(value=False)
        mine &= table.get_column("value").is_not_null() | table.get_column("detail").is_not_null()
        erased = [
            pl.when(mine & pl.col(name).is_not_null()).then(pl.lit(ERASED)).otherwise(name)
            .cast(FINDING_SCHEMA[name]).alias(name)
            for name in ("value", "detail")
        ]  # fmt: skip
        cleaned = table.with_columns(erased)
        if cleaned.equals(table):
            continue
        done.changed.append(path)
        if not only_look:
            with replacing(path) as out:
                cleaned.write_parquet(out, compression="zstd", compression_level=1)


def _same(table: pl.DataFrame, wanted: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """Which rows of a table are among those wanted, by these columns."""
    marked = wanted.select(names).unique().with_columns(pl.lit(value=True).alias("_mine"))
    joined = table.select(names).join(marked, on=list(names), how="left", maintain_order="left")
    return joined.get_column("_mine").fill_null(value=False)


def _erase_rows(
    folder: RunFolder, reports: Path, rows: pl.DataFrame, number: str, done: Purged,
    counted: set[str], *, only_look: bool,
) -> None:  # fmt: skip
    """Take the rows of the order out of the files that people correct.

    `counted` are files whose new numbers of rows are noted already: a resumed run may have written
    them to two places.
    """
    kept = folder.facts()
    ours: dict[str, dict[str, Any]] = {each["name"]: each for each in kept.get("corrected", [])}
    for path in sorted((reports / FOLDER).glob("*")):
        entry = ours.get(path.name)
        if entry is None:
            if _names(path, number):
                done.look_at.append(path)
            continue
        left = _left_of(path, kept, entry, rows, number)
        if left is None:  # other people's rows, and somebody's work, are in it too
            done.look_at.append(path)
            continue
        if not left.cut:
            continue
        (done.changed if left.rows else done.removed).append(path)
        if only_look:
            continue
        if not left.rows:
            path.unlink()
            continue
        with replacing(path) as out:
            out.write(left.content)
        # the page says how many rows are in the file
        sha256 = hashlib.sha256(left.content).hexdigest()
        fewer = max(0, int(entry["orders"]) - left.cut)
        if path.name not in counted:
            counted.add(path.name)
            entry |= {"units": left.rows, "orders": fewer, "sha256": sha256}
            entry |= _beside_edi(kept, entry, rows, number)
    if not only_look and ours:
        folder.write_facts(kept)


def _beside_edi(
    kept: Mapping[str, Any], entry: Mapping[str, Any], rows: pl.DataFrame, number: str
) -> dict[str, Any]:
    """What a file says without the order of rows whose orders are in EDI files too."""
    edi = [
        each["index"]
        for each in kept["files"]
        if each.get("form", {}).get("format") not in TEXT_FORMATS
    ]
    if not rows.get_column(FILE).is_in(edi).any():
        return {}
    gone = len(_lines(kept, rows, int(entry["index"])))
    return {
        "edi_rows": max(0, entry.get("edi_rows", 0) - gone),
        "edi_orders": [each for each in entry.get("edi_orders", []) if each != number],
    }


def _lines(kept: Mapping[str, Any], rows: pl.DataFrame, index: int) -> set[int]:
    """The lines of the order in an input file, which several mappings may have read."""
    file = next(each for each in kept["files"] if each["index"] == index)
    same = [each["index"] for each in kept["files"]
            if (each["name"], each["sha256"]) == (file["name"], file["sha256"])]  # fmt: skip
    return set(rows.filter(pl.col(FILE).is_in(same)).get_column(LINE).to_list())


@dataclass(frozen=True, slots=True)
class _Left:
    """A file without the order: its bytes and rows; `cut` is 1 where the order was in it."""

    content: bytes
    rows: int
    cut: int


_NOTHING = _Left(b"", 0, 1)  # of a workbook or a list of messages
_ALL = _Left(b"", 0, 0)  # of a file that the order is not in


def _left_of(
    path: Path, kept: Mapping[str, Any], entry: Mapping[str, Any], rows: pl.DataFrame, number: str
) -> _Left | None:
    """What of a file stays; its rows may have been moved there from another."""
    mine = bool(_lines(kept, rows, int(entry["index"])))
    if path.suffix == ".csv":
        there = mine or _names(path, number)
        return _without(path, kept, entry, rows, number) if there else _ALL
    return _NOTHING if mine else _ALL


def _without(
    path: Path, kept: Mapping[str, Any], entry: Mapping[str, Any], rows: pl.DataFrame, number: str
) -> _Left | None:
    """The file without the rows of the order, the rest to the byte.

    None where it is no longer as it was written, so that the rows cannot be told apart.
    """
    file = next(each for each in kept["files"] if each["index"] == entry["index"])
    source = corrected_form(source_of(file["form"]))
    lines: dict[str, set[int]] = {}
    for each in kept["files"]:
        name = writable([each["name"]], source)[0].strip()
        lines.setdefault(name, set()).update(_lines(kept, rows, each["index"]))
    own = writable([file["name"]], source)[0].strip()
    try:
        text = path.read_bytes().decode(source.encoding, "surrogateescape")
        records = list(_records(text, source.delimiter, source.quote))
        (_, header), *rest = records
        places = _Places.of(header)
        left = [raw for raw, cells in rest
                if not places.is_of(cells, kept["run_id"], lines, own, number)]  # fmt: skip
        packed = "".join([records[0][0], *left]).encode(source.encoding, "surrogateescape")
    except (ValueError, IndexError, UnicodeError, csv.Error):
        return None
    return _Left(packed, len(left), int(len(left) < len(rest)))


@dataclass(frozen=True, slots=True)
class _Places:
    """Where our cells stand, seen from the run's; in a record that could not be read all are shifted."""

    line: int
    file: int | None  # files of older versions do not name their input

    @classmethod
    def of(cls, header: Sequence[str]) -> "_Places":
        run = header.index(OUR_RUN)
        file = header.index(OUR_FILE) - run if OUR_FILE in header else None
        return cls(header.index(OUR_LINE) - run, file)

    def is_of(
        self, cells: Sequence[str], run: str, lines: Mapping[str, set[int]], own: str, number: str
    ) -> bool:
        """Whether a record is of the order; `lines` are the order's, by the file that they are of."""
        at = max((n for n, cell in enumerate(cells) if cell.strip() == run), default=-1)
        line = cells[at + self.line].strip() if at + self.line >= 0 else ""
        if not line.isdecimal():  # a person has added it
            return any(number in cell for cell in cells)
        file = "" if self.file is None else restore(cells[at + self.file]).strip()
        known = lines.get(file or own)
        return any(number in cell for cell in cells) if known is None else int(line) in known


def _records(text: str, delimiter: str, quote: str | None) -> Iterator[tuple[str, list[str]]]:
    """Records with their text as it stands and their cells."""
    raw = list(io.StringIO(text, newline=""))
    reader = csv.reader(
        iter(raw), delimiter=delimiter, quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )  # fmt: skip
    begin = 0
    for cells in reader:
        yield "".join(raw[begin : reader.line_num]), cells
        begin = reader.line_num


def _elsewhere(settings: Settings, number: str) -> Iterator[Path]:
    """Plans that have the order, and crash logs that name it."""
    plans = settings.home / "plans"
    for folder in sorted(plans.iterdir()) if plans.is_dir() else ():
        if (
            folder.is_dir()
            and not folder.is_symlink()
            and _rows_of(RunFolder(folder), number).height
        ):
            yield folder
    for log in sorted((settings.home / "logs").glob("crash-*.log")):
        if _names(log, number):
            yield log


def _names(path: Path, number: str) -> bool:
    """Whether a file has the order number in it, in one of the encodings of exports."""
    if not path.is_file() or path.is_symlink():
        return False
    if not path.stat().st_size:  # nothing to map
        return False
    words = [number.encode(each, "replace") for each in ("utf-8", "utf-16-le")]
    # a copy of an input may be larger than the memory
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return any(content.find(word) >= 0 for word in words)
