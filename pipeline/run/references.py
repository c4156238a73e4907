"""Files whose columns are joined to the rows of others: customers, products.

    customers.csv ─read once, before all others─▶ key → cells and their address
    orders.csv ─batch by batch─▶ its rows with the columns `customers.Name`, and where these stand

Each row of such a file has one outcome like every other: it was joined to a row, or nothing needed it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.convert import looked_up_in, references_in
from pipeline.mapping.plan import Join, Plan
from pipeline.model.findings import FINDING_SCHEMA, Findings
from pipeline.model.origin import FILE, KEY, LINE, ORIGIN, SEGMENT
from pipeline.model.outcomes import ROW_SCHEMA, RowOutcome
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.model.tables import RawTable

ROWS_MAX = 2_000_000  # of a file that is held in memory; about 1 GB with ten columns


class ReferenceTooLarge(StopRun):
    """A file to join is too large to be held in memory (exit 4)."""

    exit_code = SourceUnusable.exit_code


_AT = "_at."  # before a label: the file and line of the row that was joined
_CLASH = "_clash."  # before a label: the lines of rows that differ under one key


def extra_columns(plan: Plan) -> dict[str, pl.DataType]:
    """What the rows of a plan have beside the cells of their own file."""
    made: dict[str, pl.DataType] = {name: pl.String() for name in plan.joined}
    for join in plan.joins:
        made |= {
            join.on: pl.String(), f"{_AT}{join.label}.file": pl.UInt32(),
            f"{_AT}{join.label}.line": pl.UInt32(), f"{_CLASH}{join.label}": pl.String(),
        }  # fmt: skip
    return made


@dataclass(slots=True)
class Reference:
    """The rows of one reference plan, by their key.

    `rows` has ORIGIN and what became of them as far as that is known already, `found` KEY, ORIGIN, the
    cells and `clash`: the lines of rows that differ under this key.
    """

    plan: Plan
    rows: pl.DataFrame
    found: pl.DataFrame
    findings: Findings
    used: list[pl.DataFrame] = field(default_factory=list)


def refuse_too_many(plan: Plan, rows: int) -> None:
    """Refuse a file to join that is too large to be held in memory.

    Raises:
        ReferenceTooLarge: it has more rows than ROWS_MAX.
    """
    if rows > ROWS_MAX:
        raise ReferenceTooLarge(
            f"the source {plan.name} has more than {ROWS_MAX:,} rows, and what is joined is held in memory",
            help="ask for a file with the rows that the night's orders name, or have the files joined before",
        )  # fmt: skip


def read_reference(
    plan: Plan, raw: RawTable, faulty: pl.DataFrame, findings: Findings, names: Sequence[str]
) -> Reference:
    """Judge the rows of a reference file and find them by their key.

    Rows that say the same of one key are told once (R319); where they differ (R335) none counts, nor
    where one of them cannot be read: nobody knows what it says. `faulty` are such rows, ORIGIN and KEY as
    it seems to be; `names` are those of the run's files, by their ordinals.
    """
    taken = references_in(raw, plan)
    keyed = taken.rows.filter(pl.col(KEY).is_not_null())
    agrees = [pl.col(name).eq_missing(pl.col(name).first().over(KEY)) for name in plan.reads]
    several = keyed.filter(pl.col(KEY).is_duplicated()).with_columns(
        pl.int_range(pl.len()).over(KEY).alias("_nth"), pl.struct(FILE, LINE).first().over(KEY).alias("_first"),
        pl.all_horizontal(pl.lit(value=True), *agrees).alias("_agrees"),
    )  # fmt: skip
    later = several.filter(pl.col("_nth") > 0)
    same, other = later.filter("_agrees"), later.filter(~pl.col("_agrees"))
    clashes = other.unique(KEY, keep="first", maintain_order=True).select(
        KEY, pl.format("{}, where {} and {} differ", pl.lit(plan.part), _place("_first", names), _place(None, names))
        .alias("clash"),
    )  # fmt: skip
    found = keyed.unique(KEY, keep="first", maintain_order=True)
    unread = faulty.drop_nulls(KEY).unique(KEY, keep="first", maintain_order=True).select(
        KEY, pl.format("{}, where {} cannot be read", pl.lit(plan.part), _place(None, names)).alias("clash")
    )  # fmt: skip
    clashes = pl.concat([clashes, unread.join(clashes, on=KEY, how="anti", maintain_order="left")])
    found = found.join(clashes, on=KEY, how="left", maintain_order="left").with_columns(
        pl.when(pl.col("clash").is_null()).then(pl.col(name)).alias(name) for name in plan.reads
    )
    fates = [
        (taken.filtered, RowOutcome.FILTERED, None),
        (same, RowOutcome.DUPLICATE, None),
        (other, RowOutcome.OWN_PROBLEM, "R335"),
        (faulty, RowOutcome.OWN_PROBLEM, None),
        (taken.rows.filter(pl.col(KEY).is_null()), RowOutcome.OWN_PROBLEM, None),
        (found, None, None),
    ]
    rows = pl.concat(
        frame.select(
            *ORIGIN, pl.lit(fate.value if fate else None, pl.String).alias("outcome"),
            pl.lit(code, pl.String).alias("code"),
        )
        for frame, fate, code in fates
    )  # fmt: skip
    told = findings + taken.findings + _twice(same, other, plan, names)
    first = told.errors().rows.unique(ORIGIN, keep="first", maintain_order=True)
    coded = rows.join(first.select(*ORIGIN, pl.col("code").alias("own")), on=ORIGIN, how="left")
    rows = coded.with_columns(pl.coalesce("code", "own").alias("code")).drop("own")
    return Reference(plan, rows, found, told)


def _place(of: str | None, names: Sequence[str]) -> pl.Expr:
    """The address of a row, or of the one that a column leads to, as messages write it."""
    file, line = (
        (pl.col(FILE), pl.col(LINE))
        if of is None
        else (pl.col(of).struct.field(FILE), pl.col(of).struct.field(LINE))
    )
    return pl.format("{}:{}", file.replace_strict(
        list(range(len(names))), list(names), default="", return_dtype=pl.String), line)  # fmt: skip


def _twice(same: pl.DataFrame, other: pl.DataFrame, plan: Plan, names: Sequence[str]) -> Findings:
    """R319 for rows that stand there again, R335 for those that say another thing of their key."""
    first = pl.col("_first").struct.field(LINE).cast(pl.String)
    here = pl.col("_first").struct.field(FILE) == pl.col(FILE)
    before = (
        pl.when(here).then(pl.concat_str(pl.lit("line "), first)).otherwise(_place("_first", names))
    )
    return Findings.of(
        *(
            frame.select(
                *ORIGIN, pl.lit(code).alias("code"),
                pl.lit(", ".join(plan.key_columns) if code == "R335" else "").alias("column"),
                pl.lit("").alias("target"),
                (pl.col(KEY) if code == "R335" else pl.lit(None, pl.String)).alias("value"),
                before.alias("detail"), pl.lit(plan.name).alias("mapping"),
            )
            for frame, code in ((same, "R319"), (other, "R335"))
        )
    )  # fmt: skip


class References:
    """The reference files of a run, by the names of their plans."""

    def __init__(self) -> None:
        self._known: dict[str, Reference] = {}

    def add(self, reference: Reference) -> None:
        """Take up a file that was read."""
        self._known[reference.plan.name] = reference

    def joined(self, rows: pl.DataFrame, plan: Plan) -> pl.DataFrame:
        """Put the cells of reference files beside rows, with `extra_columns`."""
        if not plan.joins:
            return rows
        rows = rows.hstack(looked_up_in(RawTable(rows), plan))
        for join in plan.joins:
            rows = self._with(rows, join)
        return rows.select(pl.exclude(*extra_columns(plan)), *extra_columns(plan))

    def _with(self, rows: pl.DataFrame, join: Join) -> pl.DataFrame:
        reference = self._known[join.reference]
        at = {FILE: f"{_AT}{join.label}.file", LINE: f"{_AT}{join.label}.line"}
        found = reference.found.select(
            KEY, *(pl.col(name).alias(to) for name, to in at.items()),
            pl.col("clash").alias(f"{_CLASH}{join.label}"),
            *(pl.col(name).alias(join.named(name)) for name in join.columns),
        )  # fmt: skip
        made = rows.join(found, left_on=join.on, right_on=KEY, how="left", maintain_order="left")
        used = made.select(pl.col(to).alias(name) for name, to in at.items()).drop_nulls().unique()
        reference.used.append(used)
        return made

    def accounts(self) -> tuple[pl.DataFrame, Findings]:
        """What became of each row of the reference files (ROW_SCHEMA), and what was found in them."""
        frames = [pl.DataFrame(schema=ROW_SCHEMA)]
        findings = Findings.none()
        for reference in self._known.values():
            used = pl.concat([pl.DataFrame(schema={FILE: pl.UInt32(), LINE: pl.UInt32()}),
                              *reference.used]).unique()  # fmt: skip
            marked = reference.rows.join(
                used.with_columns(pl.lit(value=True).alias("_used")), on=[FILE, LINE], how="left"
            )
            fate = pl.when("_used").then(pl.lit(RowOutcome.JOINED.value)).otherwise(
                pl.lit(RowOutcome.NOT_NEEDED.value)
            )  # fmt: skip
            frames.append(
                marked.select(
                    *ORIGIN, pl.lit(None, pl.String).alias("key"),
                    pl.lit(None, pl.String).alias("order_number"),
                    pl.coalesce("outcome", fate).alias("outcome"), "code",
                ).cast(pl.Schema(ROW_SCHEMA))
            )  # fmt: skip
            findings = findings + reference.findings
        return pl.concat(frames).sort(ORIGIN), findings


# -- what rows lack, and where a cell stands --------------------------------------------------------


def not_found(raw: pl.DataFrame, plan: Plan) -> Findings:
    """R333, or R334 with `orphans: keep`, for rows that name what the joined file does not have.

    `raw` are the rows that count, as they were spooled.
    """
    found = []
    for join in plan.joins:
        clash, line = pl.col(f"{_CLASH}{join.label}"), pl.col(f"{_AT}{join.label}.line")
        missing = raw.filter(pl.col(join.on).is_not_null() & (line.is_null() | clash.is_not_null()))
        code = pl.lit("R334") if join.keep else pl.lit("R333")
        found.append(
            missing.select(
                *ORIGIN, pl.when(clash.is_null()).then(code).otherwise(pl.lit("R333")).alias("code"),
                pl.lit(", ".join(join.on_columns)).alias("column"), pl.lit("").alias("target"),
                pl.col(join.on).alias("value"), pl.coalesce(clash, pl.lit(join.label)).alias("detail"),
                pl.lit(plan.name).alias("mapping"), pl.lit(join.line).alias("mapping_line"),
            )
        )  # fmt: skip
    return Findings.of(*found)


def hidden_by(missing: Findings, plan: Plan) -> Findings:
    """The cells that are not there because of these, so that none of them is reported for itself."""
    lacking = missing.rows.filter(pl.col("code") == "R333")
    return Findings.of(
        *(
            lacking.with_columns(pl.lit(name).alias("column"))
            for name in plan.joined
            if lacking.height
        )
    )


def cells_elsewhere(
    findings: pl.DataFrame, raw: pl.DataFrame, plan: Plan, names: Sequence[str]
) -> pl.DataFrame:
    """R336 at the cells of joined files that findings of a plan's rows are about; FINDING_SCHEMA.

    The order is held at its own row; the cell to correct stands in the other file.
    """
    made = [pl.DataFrame(schema=FINDING_SCHEMA)]
    errors = Findings(
        findings.filter(pl.col("mapping") == plan.name).select(FINDING_SCHEMA.keys())
    ).errors().rows  # fmt: skip
    for join in plan.joins:
        told = errors.filter(pl.col("column").str.starts_with(f"{join.label}."))
        if not told.height:
            continue
        at = [f"{_AT}{join.label}.file", f"{_AT}{join.label}.line"]
        placed = told.join(raw.select(*ORIGIN, *at), on=ORIGIN, how="inner", maintain_order="left")
        made.append(
            placed.drop_nulls(at).select(
                pl.col(at[0]).alias(FILE), pl.col(at[1]).alias(LINE),
                pl.lit(0, pl.UInt32).alias(SEGMENT), pl.lit("R336").alias("code"),
                pl.col("column").str.slice(len(join.label) + 1).alias("column"), "target", "value",
                pl.format("{} ({})", _place(None, names), pl.col("code")).alias("detail"),
                pl.lit(join.reference).alias("mapping"), pl.lit(None, pl.UInt32).alias("mapping_line"),
            )
        )  # fmt: skip
    once = pl.concat(made).unique([*ORIGIN, "column"], keep="first", maintain_order=True)
    return once.with_columns(pl.lit(value=False).alias("primary"))


def with_places(
    findings: pl.DataFrame, raw: pl.DataFrame, plan: Plan, names: Sequence[str]
) -> pl.DataFrame:
    """Say at the end of `detail` where the cell of a joined file stands that a finding is about.

    Without it a person would look for the cell in the file of the row that is held.
    """
    for join in plan.joins:
        mine = (pl.col("mapping") == plan.name) & pl.col("column").str.starts_with(f"{join.label}.")
        if not findings.select(mine.fill_null(value=False).any()).item():
            continue
        at = [f"{_AT}{join.label}.file", f"{_AT}{join.label}.line"]
        name = pl.col(at[0]).replace_strict(
            list(range(len(names))), list(names), default=None, return_dtype=pl.String
        )
        told = pl.format("{} (in {}:{})", pl.col("detail").fill_null(""), name, pl.col(at[1]))
        findings = (
            findings.join(raw.select(*ORIGIN, *at), on=ORIGIN, how="left", maintain_order="left")
            .with_columns(
                pl.when(mine & pl.col(at[1]).is_not_null())
                .then(told.str.strip_chars_start())
                .otherwise("detail")
                .alias("detail")
            )
            .drop(at)
        )
    return findings


def joined_at(row: Mapping[str, Any], plan: Plan, names: Sequence[str]) -> dict[str, str]:
    """Where the cells stand that are joined to a spooled row, by their columns: `customers.csv:4`."""
    return {
        join.named(column): f"{names[row[f'{_AT}{join.label}.file']]}:{row[f'{_AT}{join.label}.line']}"
        for join in plan.joins for column in join.columns
        if row.get(f"{_AT}{join.label}.line") is not None
    }  # fmt: skip


def named_by(
    rows: pl.DataFrame, plan: Plan, reference: Plan, at: tuple[int, int, int]
) -> pl.DataFrame:
    """Those of some spooled rows that the row of a reference file is joined to."""
    mine = pl.any_horizontal(
        pl.lit(value=False),
        *(
            (pl.col(f"{_AT}{join.label}.file") == at[0]) & (pl.col(f"{_AT}{join.label}.line") == at[1])
            for join in plan.joins
            if join.reference == reference.name
        ),
    )  # fmt: skip
    return rows.filter(mine.fill_null(value=False))
