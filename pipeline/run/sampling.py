"""mapping check MAPPING --sample FILE for text: what the first rows of a file say about a mapping.

The rows go through `convert` and `check` as in a run; what a run would reject is told per column,
with how often and where first. So is what the mapping never reads, and what is never there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import polars as pl

from pipeline.check import check
from pipeline.convert import convert, references_in, seen
from pipeline.mapping.compile import Compiled
from pipeline.mapping.converters import ConverterMistake, convert_text
from pipeline.mapping.document import Data
from pipeline.mapping.document import Path as At
from pipeline.mapping.mistakes import MISTAKES, Mistake, Weight
from pipeline.mapping.plan import Plan, Source
from pipeline.model.field import Kind, Pii
from pipeline.model.findings import ERROR_CODES, Findings
from pipeline.model.origin import KEY, LINE, ORIGIN
from pipeline.model.rules import RULES, Stage
from pipeline.model.tables import RawTable
from pipeline.pieces import named, take_apart, whole_findings
from pipeline.read import read_batches, settled
from pipeline.report.masking import mask, pii_of
from pipeline.report.visible import visible
from pipeline.run.conditions import Never, never_true
from pipeline.run.references import References, extra_columns, read_reference
from pipeline.run.sample_files import SampleFile

ROWS = 10_000  # of a file that are looked at
_WINDOW = 1 << 20  # bytes
_LISTED = 12  # names that a message lists
_CODE_SHOWN = 24  # characters of a code that is quoted
_CODED = frozenset({Pii.NONE, Pii.FREE})  # what fields tell that are not about a person
_OFTEN = 0.1  # of the rows: more than slips
_STAGES = frozenset({Stage.CONVERT, Stage.LOOKUP, Stage.RULES})
# What depends on more than a cell: on the ledger, or on rows that may stand behind the sample.
_OF_ORDERS = frozenset({"R301", "R302", "R303", "R313", "R314", "R315", "R318", "R321", "R322"})
# The notations that are tried when cells do not fit the declared one.
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d.%m.%y", "%m/%d/%y", "%Y/%m/%d", "%d-%m-%Y")  # fmt: skip
_TIMES = ("T%H:%M:%S%z", "T%H:%M:%S", " %H:%M:%S", " %H:%M")


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a file, as text and as what is found wrong with them."""

    rows: pl.DataFrame
    faulty: Findings
    found: Findings
    never: Sequence[Never] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """How many of the rows of a file that were looked at a run would reject, `rows` of `of`."""

    file: str
    rows: int
    of: int


def fit_rows(
    compiled: Compiled, path: Path, file: str, source: Source, header: Sequence[str],
    rejected: list[Rejected] | None = None,
) -> list[Mistake]:  # fmt: skip
    """Hold a mapping against the first rows of a delimited or fixed-width file, called `file`.

    Gives W107 per column and reason, W108 where rows cannot be read, W109 for columns that are
    always empty, W110 for columns of the file that the mapping never uses.

    Raises:
        SourceUnusable: the file cannot be read as the mapping declares.
    """
    return _fit(compiled, SampleFile(path, file, path, source, tuple(header)), _Beside(), rejected)


def fit_sources(
    compiled: Compiled, files: Sequence[SampleFile], rejected: list[Rejected] | None = None
) -> list[Mistake]:
    """Hold the sources of a mapping against the first rows of their files, as `fit_rows` does.

    Columns of a reference file without a sample are taken as empty, and not judged.

    Raises:
        SourceUnusable: a file cannot be read as the mapping declares.
    """
    given = {each.part: each for each in files}
    beside = _Beside()
    mistakes: list[Mistake] = []
    # reference files stand last, and are needed first
    for plan in compiled.plans[::-1]:
        file = given.get(plan.part)
        if file is not None:
            mistakes += _fit(compiled.of_part(plan.part), file, beside, rejected)
    return mistakes


class _Beside:
    """The rows of reference files that were looked at, for the rows that they are joined to."""

    def __init__(self) -> None:
        self._references = References()
        self._known: set[str] = set()

    def add(self, plan: Plan, raw: RawTable, name: str) -> None:
        none = raw.rows.clear().select(ORIGIN).with_columns(pl.lit(None, pl.String).alias(KEY))
        self._references.add(read_reference(plan, raw, none, Findings.none(), [name]))
        self._known.add(plan.name)

    def joined(self, rows: pl.DataFrame, plan: Plan) -> pl.DataFrame:
        """Rows with the columns of reference files; those that are not known are empty."""
        known = tuple(join for join in plan.joins if join.reference in self._known)
        unknown = replace(plan, joins=tuple(join for join in plan.joins if join not in known))
        rows = self._references.joined(rows, replace(plan, joins=known))
        empty = [pl.lit(None, dtype).alias(name) for name, dtype in extra_columns(unknown).items()]
        return rows.with_columns(empty)


def _fit(
    compiled: Compiled, of: SampleFile, beside: _Beside, rejected: list[Rejected] | None
) -> list[Mistake]:
    file = Path(of.name).name
    sample = _sample(compiled.plan, of.path, file, of.source, beside)
    told = _Told(compiled, file, sample.rows.height + _records(sample.faulty))
    header = of.header
    if rejected is not None:
        unfit = sample.found.rows.filter(pl.col("code").is_in(_of_cells())).get_column(LINE)
        bad = unfit.n_unique() + _records(sample.faulty)
        rejected.append(Rejected(file, bad, sample.rows.height + _records(sample.faulty)))
    mistakes = [*told.unused(header), *told.unreadable(sample.faulty)]
    if sample.rows.height:
        mistakes += [*told.empty(sample.rows), *told.rejected(sample), *told.never(sample)]
    return mistakes


def _sample(plan: Plan, path: Path, file: str, source: Source, beside: _Beside) -> Sample:
    source = settled(path, source, file)
    batches = read_batches(
        path, source, file=0, columns=plan.own_reads, batch_bytes=_WINDOW, name=file
    )
    frames, faulty, rows = [], [], 0
    for batch in islice(batches, ROWS):
        frames.append(batch.raw.rows)
        faulty.append(batch.findings.rows)
        rows += batch.raw.rows.height + batch.faulty.rows.height
        if rows >= ROWS:
            break
    if not frames:
        return Sample(pl.DataFrame(), Findings.none(), Findings.none())
    raw = pl.concat(frames).head(ROWS)
    last = raw.get_column(LINE).max() if raw.height else None
    unread = pl.concat(faulty)
    if last is not None:
        unread = unread.filter(pl.col(LINE) <= last)
    plan = replace(plan, source=source)
    if plan.is_reference:
        beside.add(plan, RawTable(raw), file)
        return Sample(
            raw, Findings(unread), Findings(named(_of_keys(plan, raw), plan, raw.columns))
        )
    apart = take_apart(RawTable(beside.joined(raw, plan)), plan)
    unread = pl.concat([unread, apart.findings.rows])
    made = convert(apart.raw, plan)
    numbers = made.table.rows
    existing = (
        numbers.get_column("order.order_number").drop_nulls().cast(pl.String).unique().to_list()
        if "order.order_number" in numbers.columns
        else []
    )
    judged = check(made.table, made.findings, plan, existing=existing)
    every = Findings.of(made.findings.rows, judged.rows).rows
    found = whole_findings(named(every, plan, raw.columns))
    # those that cannot be taken apart are counted with the findings
    readable = raw.join(
        apart.faulty.rows.select(ORIGIN), on=ORIGIN, how="anti", maintain_order="left"
    )
    never = never_true(seen(apart.raw, plan), plan)
    return Sample(readable, Findings(unread), Findings(found), never)


def _of_keys(plan: Plan, raw: pl.DataFrame) -> pl.DataFrame:
    """What is wrong with the keys of a reference file; its cells are judged where they are joined."""
    return references_in(RawTable(raw), plan).findings.rows.with_columns(
        pl.lit(plan.name).alias("mapping")
    )


def _records(faulty: Findings) -> int:
    return faulty.rows.filter(pl.col("code").is_in(ERROR_CODES)).get_column(LINE).n_unique()


def _of_cells() -> list[str]:
    """The codes for which a run rejects a row because of its own cells."""
    return [code for code in ERROR_CODES if RULES[code].stage in _STAGES and code not in _OF_ORDERS]


class _Told:
    """What is found, in words and with its place in the mapping."""

    def __init__(self, compiled: Compiled, file: str, rows: int) -> None:
        self._plan = compiled.plan
        self._document = compiled.document
        self._lookups = compiled.lookups
        self._file = file
        self._rows = rows
        part = compiled.plan.part
        self._source: At = ("sources", part) if part else ("source",)
        self._fields = {field.target: field for field in compiled.plan.fields()[::-1]}

    def unused(self, header: Sequence[str]) -> Iterator[Mistake]:
        """One warning that lists the columns of the file which nothing is made of."""
        reads = self._plan.own_reads
        used = {name.partition("#")[0] if name not in header else name for name in reads}
        used |= {name.rpartition("#")[0] for name in reads if name in header}
        named = [name for name in dict.fromkeys(header) if name and not name.startswith("_")]
        left = [
            name for name in named
            if name not in used and not (name.rpartition("#")[0] in named and "#" in name)
        ]  # fmt: skip
        if left:
            what = "1 column" if len(left) == 1 else f"{len(left)} columns"
            text = f"{what} of {self._file} {'is' if len(left) == 1 else 'are'} never used: {_listed(left)}"
            hint = "nothing to do, if no field of the API is meant to have them"
            yield self._mistake("W110", text, self._source, hint, key=True)

    def unreadable(self, faulty: Findings) -> Iterator[Mistake]:
        """Rows that the reader rejects, per reason."""
        for (code,), rows in _groups(faulty.rows.filter(pl.col("code").is_in(ERROR_CODES)), "code"):
            rule = RULES[code]
            lines = rows.get_column(LINE).unique().sort()
            text = (
                f"{lines.len():,} of {self._rows:,} rows of {self._file} cannot be read: "
                f"{_small(rule.title)} ({code}), the first in line {lines[0]:,}"
            )
            yield self._mistake("W108", text, self._source, rule.fix, key=True)

    def empty(self, rows: pl.DataFrame) -> Iterator[Mistake]:
        """Columns that have a value in no row."""
        for name in self._plan.own_reads:
            if rows.get_column(name).str.strip_chars().is_in(self._plan.source.nothing(name)).all():
                field = next((f for f in self._plan.fields() if name in f.columns), None)
                at: At = (*self._source, "columns", name)
                if at not in self._document.keys:
                    at = self._document.key_on(field.line) if field is not None else self._source
                text = f'column "{name}" is empty in all {rows.height:,} rows of {self._file}'
                hint = "nothing to do, if other files have values there"
                yield self._mistake("W109", text, at, hint, key=True)

    def rejected(self, sample: Sample) -> Iterator[Mistake]:
        """Cells that a run would reject, per column and reason."""
        found = sample.found.rows.filter(pl.col("code").is_in([*_of_cells(), "R324"]))
        for (_, code, target), rows in _groups(found, "column", "code", "target"):
            yield self._cells(code, target, rows, sample)

    def never(self, sample: Sample) -> Iterator[Mistake]:
        """Conditions that no row meets."""
        for each in sample.never:
            text = f"{each.name}: `{each.word}` is true for 0 of {each.rows:,} rows of {self._file}"
            at = self._condition(each)
            yield self._mistake("W117", text, at, MISTAKES["W117"].fix, key=at[-1:] != (each.word,))

    def _condition(self, never: Never) -> At:
        """Where a condition is written; the first key of its line where that cannot be told."""
        line = never.clause.line
        for at, place in self._document.keys.items():
            if place.line == line and at[-1] == never.word and self._text(at) == never.clause.said:
                return at
        return self._document.key_on(line)

    def _text(self, at: At) -> Data | None:
        found: Data = self._document.data
        for step in at:
            if isinstance(found, dict):
                found = found.get(str(step), "")
            elif isinstance(found, list) and isinstance(step, int):
                found = found[step]
            else:
                return None
        return found

    def _cells(self, code: str, target: str, rows: pl.DataFrame, sample: Sample) -> Mistake:
        first = rows.sort(LINE).row(0, named=True)
        column = first["column"] or ""
        shown = self._shown(first["value"] or "", code, column, target)
        rule = RULES[code]
        why = first["detail"] if code == "R324" else f"{_small(rule.title)} ({code})"
        of = f'column "{column}"' if column else target
        lines = rows.get_column(LINE).n_unique()
        text = (
            f"{lines:,} of {sample.rows.height:,} cells of {of}: {why}; "
            f"the first is in line {first[LINE]:,}" + (f', "{shown}"' if shown else "")
        )
        at = self._document.key_on(first["mapping_line"]) if first["mapping_line"] else self._key()
        if code == "R401":
            lacking = rows.get_column("value").drop_nulls().unique(maintain_order=True).to_list()
            table = str(first["detail"])
            listed = _listed([self._shown(each, code, column, target) for each in lacking])
            hint = f"add to lookups.{table}: {listed}"
            field = self._fields.get(target)
            typed = field is not None and (field.kind is Kind.COUNTRY or not field.kind.is_text)
            if (
                field is not None
                and typed
                and _all_fit(_texts(rows), field.kind, self._plan.source)
            ):
                hint += "; or write `unknown: keep`, for without the table they fit as they are"
        else:
            often = lines > sample.rows.height * _OFTEN
            hint = self._notation(code, column, target, rows, often=often) or rule.fix
        return self._mistake("W107", text, at, hint, key=True)

    def _shown(self, text: str, code: str, column: str, target: str) -> str:
        """A cell as a message quotes it: masked, but what is looked up in a table is a code."""
        feeds = {each.target for each in self._plan.fields() if column in each.columns}
        personal = any(pii_of(each) not in _CODED for each in {*feeds, target})
        if code != "R401" or personal or "@" in text:
            return mask(text, pii_of(target))
        return visible(text, limit=_CODE_SHOWN)

    def _notation(
        self, code: str, column: str, target: str, rows: pl.DataFrame, *, often: bool
    ) -> str:
        """Another way of writing that all cells have which do not fit; "" where there is none.

        That numbers are written in another way than declared is believed where it is so `often`.
        """
        texts = _texts(rows)
        field = self._fields.get(target)
        kind = field.kind if field is not None else Kind.NUMBER
        declared = next((each.kind for each in self._plan.typed if each.name == column), kind)
        source = self._plan.source
        if code == "R202":
            moments = [] if declared is Kind.DATE else [d + t for d in _DATES for t in _TIMES]
            forms = [*moments, *_DATES]
            fits = [form for form in forms if _all_fit(texts, declared, source, [form])]
            if fits:
                own = field is not None and field.trail is not None and any(
                    "%" in stage.word for stage in field.trail.stages
                )  # fmt: skip
                where = "`format` of the field" if own else "`source.dates`"
                return f"they are all written as {' or '.join(fits)}: write it in {where}"
        if often and code in {"R201", "R205"}:
            marks = {".": ",", ",": "."}
            other = marks[source.decimal]
            for thousands in (None, source.decimal):
                turned = replace(source, decimal=other, thousands=thousands)
                if _all_fit(texts, declared, turned):
                    grouped = f' and `thousands: "{thousands}"`' if thousands else ""
                    return f'they all fit `decimal: "{other}"`{grouped} of source'
        return ""

    def _key(self) -> At:
        """Where the mapping says which rows form an order."""
        at: At = (*self._source, "key") if self._plan.part else ("rows", "key")
        return at if at in self._document.keys else ("order", "order_number")

    def _mistake(self, code: str, text: str, at: At, hint: str, *, key: bool) -> Mistake:
        place = self._document.key_place(at) if key else self._document.place(at)
        return Mistake(code, text, place.line, place.column, place.length, hint, Weight.WARNING)


def _all_fit(texts: pl.DataFrame, kind: Kind, source: Source, forms: Sequence[str] = ()) -> bool:
    if source.timezone is None:  # the format is asked for, not the zone
        source = replace(source, timezone="UTC")
    try:
        made = convert_text(pl.col("text").str.strip_chars(), kind, source, forms)
    except ConverterMistake:
        return False
    value = made.value if made.reason is None else pl.when(made.reason.is_null()).then(made.value)
    return texts.height > 0 and texts.select(value.is_not_null().all()).item() is True


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.get_column("value").drop_nulls().to_frame("text")


def _groups(rows: pl.DataFrame, *by: str) -> Iterator[tuple[tuple[str, ...], pl.DataFrame]]:
    for key, group in rows.group_by(list(by), maintain_order=True):
        yield tuple(str(part or "") for part in key), group


def _small(title: str) -> str:
    return f"{title[:1].lower()}{title[1:]}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:_LISTED])
    return shown + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
