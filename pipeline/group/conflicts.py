"""Rows that disagree about a value of their order or of their tracking (R303)."""

from collections.abc import Sequence

import polars as pl

from pipeline.mapping.plan import Conflicts, FieldPlan, ListPlan, ObjectPlan, Plan
from pipeline.model.field import Kind, Pii
from pipeline.model.findings import FINDING_SCHEMA
from pipeline.model.origin import KEY, ORIGIN
from pipeline.model.tables import TRACKING_KEY, WHEN_LINES, WHEN_TRACKINGS, FieldTable


def conflicts(table: FieldTable, plan: Plan) -> pl.DataFrame:
    """R303 for each cell that differs from the first value of its order or tracking.

    Empty cells never disagree: many exports fill the order's cells on its first row only
    (FORMATS §1). With `rows.conflicts: first` nothing is found.
    """
    if plan.conflicts is Conflicts.FIRST:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    found = _differing(table.rows, plan.order, [KEY], plan)
    if plan.trackings is not None:
        taken = table.rows.filter(pl.col(WHEN_TRACKINGS))
        found += _differing(taken, plan.trackings.tracking, [KEY, TRACKING_KEY], plan)
    return pl.concat(found) if found else pl.DataFrame(schema=FINDING_SCHEMA)


def strangers(parts: Sequence[tuple[FieldTable, Plan]]) -> pl.DataFrame:
    """R321 for each parcel line that names no line of its order, over mappings.

    A mapping that has lines of its own is judged by `check`; this looks at parcels of one mapping
    and lines of another. Orders without any line in this run are left alone: parcelLab has theirs.
    """
    lines = [
        table.rows.filter(pl.col(WHEN_LINES)).select(
            KEY, pl.col(f"{plan.lines.item.slot}.line_item_id").alias("id")
        )
        for table, plan in parts
        if plan.lines is not None
    ]
    if not lines:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    there = pl.concat(lines).drop_nulls()
    found = []
    for table, plan in parts:
        if plan.lines is not None or plan.trackings is None or plan.trackings.articles is None:
            continue
        field = next(f for f in plan.trackings.articles.leaves() if f.name == "line_item_id")
        named = table.rows.select(*ORIGIN, KEY, pl.col(field.slot).alias("id")).drop_nulls("id")
        strange = named.join(there.select(KEY).unique(), on=KEY, how="semi", maintain_order="left")
        strange = strange.join(there, on=[KEY, "id"], how="anti", maintain_order="left")
        made = {
            "code": pl.lit("R321"), "column": pl.lit(field.column), "target": pl.lit(field.target),
            "value": pl.col("id"), "detail": pl.lit(None, pl.String), "mapping": pl.lit(plan.name),
            "mapping_line": pl.lit(field.line),
        }  # fmt: skip
        found.append(
            strange.select(
                *ORIGIN, *(expr.cast(FINDING_SCHEMA[n]).alias(n) for n, expr in made.items())
            )
        )
    return pl.concat(found) if found else pl.DataFrame(schema=FINDING_SCHEMA)


def _agreeing(part: ObjectPlan) -> list[FieldPlan]:
    """The fields of which a group has one value; lists of texts and aggregates gather rows."""
    gathered = {
        leaf.slot
        for member in part.members
        if isinstance(member, ListPlan) and member.kind in {Kind.TEXTS, Kind.CHOICES}
        for leaf in member.leaves()
    }
    return [
        leaf
        for leaf in part.leaves()
        if not leaf.constant and leaf.aggregate is None and leaf.slot not in gathered
    ]


def _differing(
    rows: pl.DataFrame, part: ObjectPlan, by: list[str], plan: Plan
) -> list[pl.DataFrame]:
    fields = _agreeing(part)
    rows = rows.filter(pl.col(KEY).is_not_null())
    if not fields or not rows.height:
        return []
    # Nearly all orders agree on every row: one hash per row finds the few groups worth a look.
    slots = [field.slot for field in fields]
    hashed = rows.select(*by, pl.struct(slots).hash().alias("hash"))
    uneven = hashed.group_by(by).agg(pl.col("hash").n_unique()).filter(pl.col("hash") > 1)
    if not uneven.height:
        return []
    suspects = rows.join(
        uneven.select(by), on=by, how="semi", nulls_equal=True, maintain_order="left"
    )
    found = []
    for field in fields:
        first = pl.col(field.slot).drop_nulls().first().over(by)
        differ = suspects.filter(pl.col(field.slot) != first).select(*ORIGIN, *by, field.slot)
        if differ.height:
            firsts = suspects.group_by(by).agg(
                pl.col(field.slot).drop_nulls().first().alias("first")
            )
            found.append(
                _findings(differ.join(firsts, on=by, how="left", nulls_equal=True), field, plan)
            )
    return found


def _findings(rows: pl.DataFrame, field: FieldPlan, plan: Plan) -> pl.DataFrame:
    # The other row's value is not masked on its way to a reader, so people's data stays out of it.
    other = (
        pl.col("first").cast(pl.String) if field.field.pii is Pii.NONE else pl.lit("another value")
    )
    made = {
        "code": pl.lit("R303"),
        "column": pl.lit(field.column),
        "target": pl.lit(field.target),
        "value": pl.col(field.slot).cast(pl.String),
        "detail": other,
        "mapping": pl.lit(plan.name),
        "mapping_line": pl.lit(field.line),
    }
    return rows.select(
        *ORIGIN, *(expr.cast(FINDING_SCHEMA[name]).alias(name) for name, expr in made.items())
    )
