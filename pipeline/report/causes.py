"""Problems by cause: every rejected row under exactly one, every failed order under exactly one.

REPORT §3. A cause is a code with its column and target, the mapping and its line, and, for the API's
answers, its words with everything that varies replaced by "…". The groups of rows add up to the rejected rows because they
are made from the rejected rows; a row that has no recorded cause stays out and breaks the balance.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import polars as pl

from pipeline.model.origin import FILE, LINE, ORIGIN
from pipeline.model.outcomes import REJECTED_ROWS, OrderOutcome, RowOutcome
from pipeline.model.rules import RULES, STAGE_ORDER, Rule, Severity, Stage, fix_of
from pipeline.report.cases import Case, Quoting, examples, samples
from pipeline.report.facts import RunFacts, RunTables
from pipeline.report.messages import FileNote, about_files, about_rows, edi_findings, per_message
from pipeline.report.owners import owner_of
from pipeline.report.totals import Explained
from pipeline.report.visible import WORDS_CUT, visible

GROUPS_MAX = 200
SAMPLED_ROWS = 100  # in the page without script; with it, the page lists all
SAMPLED_ORDERS = 50
PATH_CUT = 200  # characters of the paths of a column
SEVERAL = "Several"
NO_REASON = "no reason was recorded"

PROBLEM_ORDERS = (
    OrderOutcome.REFUSED,
    OrderOutcome.PARTLY_APPLIED,
    OrderOutcome.UNKNOWN,
    OrderOutcome.NOT_ATTEMPTED,
)
CODE_OF_OUTCOME = {
    OrderOutcome.REFUSED: "A403",
    OrderOutcome.PARTLY_APPLIED: "A201",
    OrderOutcome.UNKNOWN: "U001",
    OrderOutcome.NOT_ATTEMPTED: "N001",
}
_LATE = (Stage.API, Stage.NETWORK)
ROW_CODES = tuple(
    code
    for code, rule in RULES.items()
    if rule.severity is Severity.ERROR and rule.stage not in (*_LATE, Stage.GROUP, Stage.FILE)
)
ORDER_CODES = tuple(
    code for code, rule in RULES.items() if rule.severity is Severity.ERROR and rule.stage in _LATE
)
WARNING_CODES = tuple(code for code, rule in RULES.items() if rule.severity is not Severity.ERROR)
_TOLD = ("code", "column", "target", "words")
CAUSE = (*_TOLD, "mapping", "mapping_line")


class Unit(StrEnum):
    """What a cause counts."""

    ROWS = "rows"
    ORDERS = "orders"
    SEGMENTS = "segments"  # what is odd in EDI messages lies at segments, often above all rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause with all it stopped.

    `key` is the same in every run, `anchor` only names the cause inside one page. `count` is the
    number of rows with the problem itself, of orders or of segments, by `unit`; `held` counts the fine rows that
    were held back with them; `orders` the distinct orders concerned. `words` are the API's, with
    what varies replaced by "…". `path` is where an EDI message has the column. `apart` names the
    mapping, or its line, where another cause of the run differs in nothing else.
    """

    anchor: str
    key: str
    unit: Unit
    code: str
    title: str
    column: str
    target: str
    words: str
    owner: str
    severity: Severity
    count: int
    held: int
    orders: int
    why: str
    fix: str
    mapping_place: str
    path: str
    apart: str
    examples: tuple[Case, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerShare:
    """What one owner must fix: rows rejected, orders failed, distinct orders that wait for it."""

    owner: str
    rows: int
    failed_orders: int
    orders: int
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """What was rejected, one by one, with the number of its cause in `_cause`.

    `rows` have a problem of their own, `held` were held back with one of those, which stands at
    `_with_file` and `_with_line`; `orders` failed, `outcome` says how. `further` are the other
    errors of rows, `answers` what else is said of orders. Values are as in the files.
    """

    rows: pl.DataFrame
    held: pl.DataFrame
    orders: pl.DataFrame
    further: pl.DataFrame
    answers: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """All causes of a run; `explained` is what they account for.

    `notes` are about files: problems that belong to no row. `listed` is for the page alone.
    """

    rows: tuple[Cause, ...]
    orders: tuple[Cause, ...]
    warnings: tuple[Cause, ...]
    owners: tuple[OwnerShare, ...]
    explained: Explained
    listed: Listed = field(repr=False, compare=False)
    notes: tuple[FileNote, ...] = ()

    @property
    def lost(self) -> tuple[str, ...]:
        """What is missing of the files and cannot be counted, each once."""
        return tuple(dict.fromkeys(each.lost for each in self.notes if each.lost))

    @property
    def warned(self) -> int:
        """How many warnings there are, of rows and of files; what is as it was asked for is none."""
        of_files = (each.count for each in self.notes if each.severity is Severity.WARNING)
        of_rows = (each.count for each in self.warnings if each.severity is not Severity.INFO)
        return sum(of_rows) + sum(of_files)

    @property
    def ranked(self) -> tuple[Cause, ...]:
        """The causes of rows and of answers in the one order in which they are shown anywhere."""
        return tuple(sorted((*self.rows, *self.orders), key=_rank))


def _rank(cause: Cause) -> tuple[object, ...]:
    """Most orders first, then most rows with the problem, then most rows held; the rest last."""
    weight = (-cause.orders, -cause.count, -cause.held)
    told = (cause.code, cause.column, cause.target, cause.words, cause.key)
    return (not cause.code, *weight, *told)


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Findings with the ordinal of their cause in `_cause`, and the causes with their counts."""

    findings: pl.DataFrame
    causes: pl.DataFrame

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that name their cause in full, with its ordinal instead."""
        numbers = self.causes.select(*CAUSE, "_cause")
        return rows.join(numbers, on=CAUSE, how="left", nulls_equal=True).drop(CAUSE)


def find_causes(
    facts: RunFacts, tables: RunTables, quoting: Quoting, owners: Mapping[str, str]
) -> Causes:
    """Group what was rejected, refused, left unclear or warned of, by cause."""
    describe = _Describer(quoting, owners, facts)
    tables = _by_file(tables, facts)
    findings = tables.findings.lazy()
    rejected = (
        tables.rows.lazy()
        .filter(pl.col("outcome").is_in(REJECTED_ROWS))
        .collect(engine="streaming")
    )
    of_rows = findings.filter(pl.col("code").is_in(ROW_CODES)).collect()
    of_orders = findings.filter(pl.col("code").is_in(ORDER_CODES)).collect()
    own = _worded(_own_problems(rejected, of_rows), facts)
    held = _held(rejected, own)
    by_row = _group(own, held.group_by(CAUSE).len("held"))
    waiting = _failed_orders(tables.orders, of_orders, planned=facts.unsent)
    by_order = _group(_worded(waiting, facts))
    edi = edi_findings(findings, rejected, tables.messages)
    odd = about_rows(findings.filter(pl.col("code").is_in(WARNING_CODES)).collect(), edi)
    warned = _group(_worded(odd, facts))
    folded = _Grouped(per_message(by_row.findings, edi), by_row.causes)
    rows = describe(folded, of_rows, Unit.ROWS, "c", SAMPLED_ROWS, edi.errors)
    orders = describe(by_order, of_orders, Unit.ORDERS, "a", SAMPLED_ORDERS)
    further = (of_rows.filter(~pl.col("primary").fill_null(value=False)), _besides(of_orders))
    return Causes(
        rows=rows,
        orders=orders,
        warnings=describe(warned, warned.findings.clear(), Unit.ROWS, "w", 0),
        owners=_shares(rows, orders, by_row.findings, by_order.findings),
        explained=Explained(
            rows=sum(each.count + each.held for each in rows),
            orders_with_problem=waiting.height,
            orders=sum(each.count for each in orders),
        ),
        listed=Listed(by_row.findings, by_row.numbered(held), by_order.findings, *further),
        notes=about_files(edi, tables.rows, quoting, owners),
    )


def _by_file(tables: RunTables, facts: RunFacts) -> RunTables:
    """Give a file that several mappings read one ordinal, so that its errors meet its rows."""
    first = {index: whole for index, whole in facts.first_ordinals.items() if index != whole}
    if not first:
        return tables
    file = pl.col(FILE).replace(first)
    return replace(
        tables,
        rows=tables.rows.with_columns(file),
        findings=tables.findings.with_columns(file),
        orders=tables.orders.with_columns(file),
        messages=tables.messages.with_columns(file).sort(FILE, "begin"),
    )


def _own_problems(rejected: pl.DataFrame, of_rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a problem of their own, each with its primary finding."""
    primary = of_rows.filter(pl.col("primary")).unique(ORIGIN, keep="first", maintain_order=True)
    return (
        rejected.filter(pl.col("outcome") == RowOutcome.OWN_PROBLEM)
        .drop("code", "outcome")
        .join(primary.drop("key", "order_number"), on=ORIGIN)
        .sort(ORIGIN)
    )


def _held(rejected: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Rows held back with their order, each with the cause of the order's first faulty row."""
    stage = pl.col("code").replace_strict(
        {code: STAGE_ORDER[rule.stage] for code, rule in RULES.items()}, return_dtype=pl.Int8
    )
    first = (
        own.filter(pl.col("key").is_not_null())
        .sort(stage, *ORIGIN)
        .unique("key", keep="first", maintain_order=True)
    )
    return (
        rejected.filter(pl.col("outcome") == RowOutcome.HELD)
        .select(*ORIGIN, "key", "order_number")
        .join(
            first.select(
                "key", *CAUSE, pl.col(FILE).alias("_with_file"), pl.col(LINE).alias("_with_line")
            ),
            on="key",
        )
    )


def _failed_orders(orders: pl.DataFrame, of_orders: pl.DataFrame, *, planned: bool) -> pl.DataFrame:
    """The orders that the API refused, partly applied or did not confirm, each with one finding."""
    concerned = [
        outcome
        for outcome in PROBLEM_ORDERS
        if not (planned and outcome is OrderOutcome.NOT_ATTEMPTED)
    ]
    said = (
        _by_weight(of_orders)
        .unique("key", keep="first", maintain_order=True)
        .drop(*ORIGIN, "order_number")
    )
    fallback = pl.col("outcome").replace_strict(CODE_OF_OUTCOME, default=None)
    recorded = pl.when(pl.col("code_of_order").is_in(ORDER_CODES)).then("code_of_order")
    return (
        orders.filter(pl.col("outcome").is_in(concerned))
        .select(
            *ORIGIN,
            "key",
            "order_number",
            "outcome",
            "status",
            "attempts",
            pl.col("code").alias("code_of_order"),
        )
        .join(said, on="key", how="left")
        .with_columns(
            pl.coalesce("code", recorded, fallback).alias("code"),
            pl.when(pl.col("code").is_null())
            .then(pl.lit(NO_REASON))
            .otherwise("detail")
            .alias("detail"),
        )
        .with_columns(pl.coalesce("target", "api_attr").alias("target"))
        .sort(ORIGIN)
    )


def _besides(of_orders: pl.DataFrame) -> pl.DataFrame:
    """What is said of orders besides the one finding under which they stand."""
    return _by_weight(of_orders).filter(pl.int_range(pl.len()).over("key") > 0)


def _by_weight(of_orders: pl.DataFrame) -> pl.DataFrame:
    return of_orders.sort("primary", descending=True, nulls_last=True, maintain_order=True)


def _worded(findings: pl.DataFrame, facts: RunFacts) -> pl.DataFrame:
    """Add `words`: the API's message without what varies; null for our own rules.

    The ordinals in the API's paths vary too: "mutations.0.tracking" becomes "mutations.tracking".
    What was not tried is one cause, for whatever reason: nobody needs to fix it. An error of a file
    is none of the mapping that read it, unless it is about a column, which has a path there.
    """
    late = pl.col("code").is_in((*ORDER_CODES, "A202"))
    untried = pl.col("code") == CODE_OF_OUTCOME[OrderOutcome.NOT_ATTEMPTED]
    words = (
        pl.col("detail")
        .str.replace_all(r""""[^"]*"|'[^']*'|“[^”]*”|`[^`]*`""", "…")
        .str.replace_all(r"[\w.:/@+-]*\d[\w.:/@+-]*", "…")
        .str.replace_all(r"…(?:[\s,]*…)+", "…")
        .str.slice(0, WORDS_CUT)
    )
    paths = ["\x1f".join(pair) for pair in facts.paths]
    at_path = pl.concat_str("mapping", "column", separator="\x1f").is_in(paths)
    of_mapping = ~pl.col("code").str.starts_with("E") | at_path.fill_null(value=False)
    return findings.with_columns(
        pl.when(of_mapping & ~untried).then("mapping").alias("mapping"),
        pl.when(of_mapping & ~untried).then("mapping_line").alias("mapping_line"),
        pl.when(late & ~untried).then(words).alias("words"),
        pl.when(~untried).then("column").alias("column"),
        pl.when(untried)
        .then(None)
        .when(late)
        .then(pl.col("target").str.replace_all(r"\.\d+(\.|$)", "${1}"))
        .otherwise("target")
        .alias("target"),
    )


def _group(worded: pl.DataFrame, held: pl.DataFrame | None = None) -> _Grouped:
    """Number the causes, in the order of `_rank`; at most GROUPS_MAX of them.

    `_nth` counts the lines of one mapping that have causes which differ in nothing else.
    """
    counted = worded.group_by(CAUSE).agg(
        pl.len().alias("count"), pl.col("key").drop_nulls().n_unique().alias("orders")
    )
    if held is None:
        counted = counted.with_columns(pl.lit(0).alias("held"))
    else:
        counted = counted.join(held, on=CAUSE, how="left", nulls_equal=True)
    causes = (
        counted.with_columns(
            pl.col("held").fill_null(0),
            pl.col("mapping_line").rank("dense").over(*_TOLD, "mapping").alias("_nth"),
        )
        .sort("orders", "count", "held", *CAUSE, descending=[True] * 3 + [False] * len(CAUSE))
        .with_row_index("_cause")
        .with_columns(pl.col("_cause").clip(0, GROUPS_MAX - 1))
    )
    return _Grouped(
        worded.join(
            causes.select(*CAUSE, "_cause"),
            on=CAUSE,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        ),
        causes,
    )


@dataclass(frozen=True, slots=True)
class _Describer:
    """Makes the causes of one kind, with examples, and cases for the page to list."""

    quoting: Quoting
    owners: Mapping[str, str]
    facts: RunFacts

    def __call__(
        self, grouped: _Grouped, further: pl.DataFrame, unit: Unit, letter: str, sampled: int,
        errors: pl.DataFrame | None = None,
    ) -> tuple[Cause, ...]:  # fmt: skip
        """Describe them in their order; `errors` are those of EDI messages."""
        example_of = examples(grouped.findings, self.quoting)
        cases_of = samples(grouped.findings, further, self.quoting, sampled, errors)
        made: list[Cause] = []
        for (ordinal,), part in grouped.causes.group_by("_cause", maintain_order=True):
            number = int(str(ordinal))
            shown = example_of.get(number, ())
            made.append(
                self._cause(part, unit, f"{letter}{number + 1}", shown, cases_of.get(number, ()))
            )
        return _told_apart(made)

    def _cause(
        self, part: pl.DataFrame, unit: Unit, anchor: str, shown: tuple[Case, ...],
        cases: tuple[Case, ...],
    ) -> Cause:  # fmt: skip
        row = part.row(0, named=True)
        single = part.height == 1
        code = str(row["code"]) if single else ""
        rule = RULES.get(code)
        column, target, words = (str(row[name] or "") if single else "" for name in _TOLD[1:])
        place = ":".join(str(row[name]) for name in ("mapping", "mapping_line") if row[name])
        path = self.facts.paths.get((row["mapping"], column), "")
        fix = fix_of(code, target) if rule else "see `rejections.jsonl.gz`"
        return Cause(
            anchor=anchor,
            key=_key(row) if single else "other",
            unit=_unit_of(rule) or unit,
            code=code,
            title=rule.title if rule else f"Other problems ({part.height:,} kinds)",
            column=visible(column),
            target=visible(target),
            words=visible(words, limit=WORDS_CUT),
            owner=owner_of(code, column, target, self.owners) if single else SEVERAL,
            severity=rule.severity if rule else Severity.ERROR,
            count=int(part["count"].sum()),
            held=int(part["held"].sum()),
            orders=int(part["orders"].sum()),
            why=rule.why if rule else "",
            fix=fix.replace("{value}", shown[0].value if shown else "…"),
            # an error of the file itself is no matter of the mapping
            mapping_place=visible(place if row["mapping"] and single and code[:1] != "E" else ""),
            path=visible(path, limit=PATH_CUT),
            apart="",
            examples=shown,
            cases=cases,
        )


def _unit_of(rule: Rule | None) -> Unit | None:
    """What findings of a rule count themselves; None where they count as what they are found in."""
    if rule is None:
        return None
    if rule.stage in _LATE:
        return Unit.ORDERS
    odd_in_edi = rule.code.startswith("E") and rule.severity is not Severity.ERROR
    return Unit.SEGMENTS if odd_in_edi else None


def _key(row: Mapping[str, Any]) -> str:
    """Name a cause the same in every run, also after lines were added above in the mapping."""
    mapping = row["mapping"] or ""
    nth = f"#{row['_nth']}" if (row["_nth"] or 1) > 1 else ""
    return "|".join((*(str(row[name] or "") for name in _TOLD), mapping + nth))


def _told_apart(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Say of causes that differ in nothing that is shown which mapping, or line of it, they are of."""

    def shown(cause: Cause) -> tuple[str, ...]:
        return (cause.code, cause.column, cause.target, cause.words, cause.path)

    def mapping(cause: Cause) -> str:
        return cause.mapping_place.partition(":")[0]

    alike = Counter(shown(each) for each in causes)
    lines = Counter((*shown(each), mapping(each)) for each in causes)
    return tuple(
        replace(
            each,
            apart=each.mapping_place if lines[(*shown(each), mapping(each))] > 1 else mapping(each),
        )
        if alike[shown(each)] > 1
        else each
        for each in causes
    )


def _shares(
    rows: tuple[Cause, ...],
    orders: tuple[Cause, ...],
    row_findings: pl.DataFrame,
    order_findings: pl.DataFrame,
) -> tuple[OwnerShare, ...]:
    """Sum up per owner; who has most orders waiting stands first, "Automatic" last."""
    shares = []
    for owner in dict.fromkeys(each.owner for each in (*rows, *orders)):
        of_rows = tuple(each for each in rows if each.owner == owner)
        of_orders = tuple(each for each in orders if each.owner == owner)
        waiting = pl.concat([_keys(row_findings, of_rows), _keys(order_findings, of_orders)])
        shares.append(
            OwnerShare(
                owner=owner,
                rows=sum(each.count + each.held for each in of_rows),
                failed_orders=sum(each.count for each in of_orders),
                orders=waiting.n_unique(),
                causes=tuple(sorted((*of_rows, *of_orders), key=_rank)),
            )
        )
    automatic = RULES["U001"].owner.value
    return tuple(sorted(shares, key=lambda each: (each.owner == automatic, -each.orders)))


def _keys(findings: pl.DataFrame, causes: tuple[Cause, ...]) -> pl.Series:
    numbers = [int(each.anchor[1:]) - 1 for each in causes]
    return findings.filter(pl.col("_cause").is_in(numbers))["key"].drop_nulls()
