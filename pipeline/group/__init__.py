"""Rows to orders: whole or not at all (PRODUCT §2.6).

fields + findings ─conflicts─▶ held keys ─▶ row outcomes
                            └▶ the other rows ─fragments of each mapping─▶ one Orders table
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from pipeline.group.conflicts import conflicts, strangers
from pipeline.group.fragments import fragments, gathered
from pipeline.group.joining import contradictions, doubled_lines, joined
from pipeline.mapping.plan import Plan
from pipeline.model.findings import Findings
from pipeline.model.origin import KEY, ORIGIN, place
from pipeline.model.outcomes import ROW_SCHEMA, RowOutcome
from pipeline.model.rules import RULES, STAGE_ORDER
from pipeline.model.tables import TRACKING_KEY, WHEN_LINES, FieldTable

__all__ = ["Grouped", "Part", "group"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one mapping made of its rows of a partition.

    `findings` are those of read, convert and check. `filtered`, `repeated` and `faulty` hold ORIGIN
    and `_key` of rows that are not in `table`: skipped by the mapping, repetitions, and records
    that the reader could not read; `faulty` has an order_number too. Key and number of the latter
    are a best guess, used only to hold orders back and to name them.
    """

    plan: Plan
    table: FieldTable
    findings: Findings
    filtered: pl.DataFrame
    repeated: pl.DataFrame
    faulty: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Grouped:
    """The orders of a partition.

    `orders`: one row per order that is not held: `_key`, ORIGIN of the first row, order_number,
    members (JSON members without braces), lines (JSON list or null), may_create (null: all of its
    mappings are `update_only`), line_rows, addresses (all rows), the lists change_type,
    change_subject, change_body, change_replay, change_row, change_plan, the
    control totals quantity, value, currency, and country (alpha-3) and ordered_at (UTC).
    `held`: `_key`, ORIGIN, order_number (null where no row shows it), rows, code, control totals.
    `rows`: ROW_SCHEMA; every row of the partition once.
    `findings`: all, H001 included, with `key`, and `primary` marking the cause of each row.
    """

    orders: pl.DataFrame
    held: pl.DataFrame
    rows: pl.DataFrame
    findings: pl.DataFrame


def group(parts: Sequence[Part], names: Sequence[str], *, backfill: bool = False) -> Grouped:
    """Group rows into orders; an order with one faulty row is held with all of its rows.

    `names` are the files' names by the ordinal in `_file`.
    """
    everything = _every_row(parts)
    numbered, claimed = _order_numbers(parts)
    found = Findings.of(
        *(part.findings.rows for part in parts),
        *(conflicts(part.table, part.plan) for part in parts),
        strangers([(part.table, part.plan) for part in parts]),
        doubled_lines([(part.table, part.plan) for part in parts]),
        claimed,
    )
    made, pieces = _settled(parts, names, everything, numbered, found, backfill=backfill)
    contrary = contradictions(pieces)
    if contrary.height:  # rare: the orders concerned are held, and all is settled once more
        found = found + Findings.of(contrary)
        made, pieces = _settled(parts, names, everything, numbered, found, backfill=backfill)
    return replace(made, orders=joined(pieces))


def _settled(
    parts: Sequence[Part], names: Sequence[str], everything: pl.DataFrame, numbered: pl.DataFrame,
    found: Findings, *, backfill: bool,
) -> tuple[Grouped, list[tuple[Plan, pl.DataFrame]]]:  # fmt: skip
    """Hold what the findings hold; give the outcome and the fragments of the orders that go on."""
    causes = _causes(found, everything, parts)
    held_keys = causes.filter(pl.col(KEY).is_not_null()).group_by(KEY, maintain_order=True).first()
    rows = _outcomes(everything, causes, held_keys, numbered)
    findings = _with_held(found, rows, held_keys, names)
    pieces = []
    for part in parts:
        free = _free(part, held_keys, found)
        if free.height:
            pieces.append((part.plan, fragments(free, part.plan, backfill)))
    made = Grouped(
        orders=pl.DataFrame(),
        held=_held(rows, held_keys, parts),
        rows=rows,
        findings=_marked(findings, everything, causes, numbered),
    )
    return made, pieces


def _every_row(parts: Sequence[Part]) -> pl.DataFrame:
    """ORIGIN, `_key` and what is known of each row so far (null: it is in a table)."""
    frames = []
    for part in parts:
        frames.append(part.table.rows.select(*ORIGIN, KEY, pl.lit(None, pl.String).alias("fate")))
        for frame, fate in (
            (part.filtered, RowOutcome.FILTERED),
            (part.repeated, RowOutcome.DUPLICATE),
            (part.faulty, RowOutcome.OWN_PROBLEM),
        ):
            frames.append(frame.select(*ORIGIN, KEY, pl.lit(fate.value).alias("fate")))
    return pl.concat(frames)


def _order_numbers(parts: Sequence[Part]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`_key` → order number, where a row shows it; and R320 where two keys make one number."""
    frames = []
    for part in parts:
        leaf = next(leaf for leaf in part.plan.order.leaves() if leaf.name == "order_number")
        frames.append(
            part.table.rows.select(
                *ORIGIN, KEY, pl.col(leaf.slot).alias("order_number"),
                pl.lit(part.plan.name).alias("mapping"), pl.lit(leaf.column).alias("column"),
                pl.lit(leaf.line).alias("mapping_line"),
            ).filter(pl.col(KEY).is_not_null() & pl.col("order_number").is_not_null())
        )  # fmt: skip
    first = pl.concat(frames).unique(subset=[KEY], keep="first", maintain_order=True)
    sure = first.select(KEY, "order_number")
    keys = pl.col(KEY).str.replace_all("\x1f", ", ", literal=True)
    claims = first.filter(pl.col("order_number").is_duplicated()).select(
        *ORIGIN, pl.lit("R320").alias("code"), "column", pl.lit("order_number").alias("target"),
        pl.col("order_number").alias("value"),
        pl.when(pl.int_range(pl.len()).over("order_number") == 0)
        .then(keys.last().over("order_number")).otherwise(keys.first().over("order_number"))
        .alias("detail"),
        "mapping", "mapping_line",
    )  # fmt: skip
    return pl.concat([sure, _guessed(parts, sure)]), claims


def _guessed(parts: Sequence[Part], sure: pl.DataFrame) -> pl.DataFrame:
    """`_key` → order number of orders that only unreadable records show; no number twice."""
    named = pl.col(KEY).is_not_null() & pl.col("order_number").is_not_null()
    return (
        pl.concat([part.faulty.filter(named).select(KEY, "order_number") for part in parts])
        .join(sure, on=KEY, how="anti", maintain_order="left")
        .join(sure, on="order_number", how="anti", maintain_order="left")
        .unique(KEY, keep="first", maintain_order=True)
        .unique("order_number", keep="first", maintain_order=True)
    )


def _causes(found: Findings, everything: pl.DataFrame, parts: Sequence[Part]) -> pl.DataFrame:
    """The primary error of each faulty row: earliest stage first, then in order of the fields."""
    errors = found.errors().rows
    codes = list(RULES)
    stages = [STAGE_ORDER[RULES[code].stage] for code in codes]
    targets = {
        leaf.target: rank
        for part in reversed(parts)
        for rank, leaf in enumerate(part.plan.fields())
    }
    stage = pl.col("code").replace_strict(codes, stages, return_dtype=pl.UInt32)
    field = pl.col("target").replace_strict(
        list(targets), list(targets.values()), default=-1, return_dtype=pl.Int32
    )
    ranked = errors.with_columns(stage.alias("_stage"), field.alias("_field"))
    primary = ranked.sort(*ORIGIN, "_stage", "_field", maintain_order=True).unique(
        subset=ORIGIN, keep="first", maintain_order=True
    )
    return primary.join(
        everything.select(*ORIGIN, KEY), on=ORIGIN, how="left", maintain_order="left"
    ).select(*ORIGIN, KEY, "code", "target", "column")


def _outcomes(
    everything: pl.DataFrame, causes: pl.DataFrame, held: pl.DataFrame, numbered: pl.DataFrame
) -> pl.DataFrame:
    """ROW_SCHEMA for each row; rows of orders that go on are `accepted` for now."""
    own = causes.select(*ORIGIN, pl.col("code").alias("own"))
    rows = (
        everything.join(own, on=ORIGIN, how="left", maintain_order="left")
        .join(
            held.select(KEY, pl.lit(value=True).alias("held")),
            on=KEY,
            how="left",
            maintain_order="left",
        )
        .join(numbered, on=KEY, how="left", maintain_order="left")
    )
    outcome = (
        pl.when(pl.col("own").is_not_null())
        .then(pl.lit(RowOutcome.OWN_PROBLEM.value))
        .when(pl.col("fate").is_not_null())
        .then(pl.col("fate"))
        .when(pl.col("held"))
        .then(pl.lit(RowOutcome.HELD.value))
        .otherwise(pl.lit(RowOutcome.ACCEPTED.value))
    )
    code = pl.when(outcome == RowOutcome.HELD.value).then(pl.lit("H001")).otherwise(pl.col("own"))
    return rows.select(
        *ORIGIN, pl.col(KEY).alias("key"), "order_number", outcome.alias("outcome"), code.alias("code")
    ).cast(pl.Schema(ROW_SCHEMA)).sort(ORIGIN)  # fmt: skip


def _with_held(
    found: Findings, rows: pl.DataFrame, held: pl.DataFrame, names: Sequence[str]
) -> Findings:
    """Add H001 for each row that is held because of another one."""
    waiting = rows.filter(pl.col("outcome") == RowOutcome.HELD.value)
    if not waiting.height:
        return found
    causes = held.select(
        pl.col(KEY).alias("key"),
        pl.struct(*ORIGIN, "code")
        .map_batches(lambda cells: _places(cells, names), return_dtype=pl.String)
        .alias("detail"),
    )
    notes = waiting.select(*ORIGIN, "key", "code").join(causes, on="key", how="left")
    return found + Findings.of(notes.drop("key"))


def _places(cells: pl.Series, names: Sequence[str]) -> pl.Series:
    """One place per held order; small next to the rows, and `place` is the one way to write it."""
    return pl.Series(
        [
            f"{place(names[cell['_file']], cell['_line'], cell['_segment'])} ({cell['code']})"
            for cell in cells.to_list()
        ],
        dtype=pl.String,
    )


def _free(part: Part, held: pl.DataFrame, found: Findings) -> pl.DataFrame:
    """The rows of orders that go on, with the cells emptied that a warning said are left out."""
    rows = part.table.rows
    if rows.get_column(KEY).has_nulls():
        rows = rows.filter(pl.col(KEY).is_not_null())
    if held.height:
        rows = rows.join(held, on=KEY, how="anti", maintain_order="left")
    dropped = found.rows.filter((pl.col("code") == "R324") & (pl.col("mapping") == part.plan.name))
    for field in part.plan.fields():
        if not field.drop_on_error:
            continue
        cells = dropped.filter(pl.col("target") == field.target).select(*ORIGIN).unique()
        if cells.height:
            marked = cells.with_columns(pl.lit(value=True).alias("_out"))
            rows = rows.join(marked, on=ORIGIN, how="left", maintain_order="left").with_columns(
                pl.when(pl.col("_out").is_null()).then(pl.col(field.slot)).alias(field.slot)
            ).drop("_out")  # fmt: skip
    return rows


def _held(rows: pl.DataFrame, held: pl.DataFrame, parts: Sequence[Part]) -> pl.DataFrame:
    """One row per held order, with what its readable rows add to the control totals."""
    orders = (
        rows.join(held.select(pl.col(KEY).alias("key"), pl.col("code").alias("cause")), on="key")
        .filter(pl.col("outcome").is_in([RowOutcome.OWN_PROBLEM.value, RowOutcome.HELD.value]))
        .group_by("key", maintain_order=True)
        .agg(*(pl.col(name).first() for name in ORIGIN), pl.col("order_number").first(),
             pl.len().cast(pl.UInt32).alias("rows"), pl.col("cause").first().alias("code"))
        .rename({"key": KEY})
    )  # fmt: skip
    controls = pl.concat([_controls(part, held) for part in parts]).group_by(KEY).agg(
        pl.col("lines", "quantity", "trackings").sum(), pl.col("value", "currency").drop_nulls().first()
    )  # fmt: skip
    return orders.join(controls, on=KEY, how="left", maintain_order="left")


def _controls(part: Part, held: pl.DataFrame) -> pl.DataFrame:
    """Control totals of the held orders of one mapping, from the cells that could be read."""
    plan = part.plan
    fields = {leaf.target: leaf for leaf in plan.fields()}
    quantity, value, currency = (
        fields.get(target)
        for target in ("articles_order.quantity", "order_total_amount", "order_currency")
    )
    summed = pl.lit(None, pl.Int64) if quantity is None else pl.col(quantity.slot).sum()
    amount = pl.lit(None) if value is None else gathered(value)
    lines = pl.lit(0) if plan.lines is None else pl.col(WHEN_LINES).sum()
    parcels = pl.lit(0) if plan.trackings is None else pl.col(TRACKING_KEY).drop_nulls().n_unique()
    code = (
        pl.lit(None, pl.String) if currency is None else pl.col(currency.slot).drop_nulls().first()
    )
    return (
        part.table.rows.join(held.select(KEY), on=KEY, how="semi", maintain_order="left")
        .group_by(KEY)
        .agg(
            lines.cast(pl.UInt32).alias("lines"), summed.alias("quantity"),
            parcels.cast(pl.UInt32).alias("trackings"),
            amount.cast(pl.Decimal(38, 2)).alias("value"), code.alias("currency"),
        )
    )  # fmt: skip


def _marked(
    findings: Findings, everything: pl.DataFrame, causes: pl.DataFrame, numbered: pl.DataFrame
) -> pl.DataFrame:
    """Findings with the key and number of their order, the primary one of each row marked."""
    first = causes.select(*ORIGIN, "code", "target", "column", pl.lit(value=True).alias("primary"))
    keyed = findings.rows.join(
        everything.select(*ORIGIN, pl.col(KEY).alias("key")),
        on=ORIGIN,
        how="left",
        maintain_order="left",
    ).join(numbered.rename({KEY: "key"}), on="key", how="left", maintain_order="left")
    by = [*ORIGIN, "code", "target", "column"]
    marked = keyed.join(first, on=by, how="left", nulls_equal=True, maintain_order="left")
    alone = (pl.col("code") == "H001") | pl.col("primary").fill_null(value=False)
    return marked.with_columns(alone.alias("primary")).sort(ORIGIN, maintain_order=True)
