"""Rows of files that belong to orders of another file: whose they are, and what has no counterpart.

    lines, shipments ─the key of their rows─▶ the orders that the other source makes

All rows of a key lie in one partition, so what is not there is in none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from pipeline.mapping.plan import Belonging, FieldPlan, Orphans, Plan
from pipeline.model.findings import Findings
from pipeline.model.origin import KEY, ORIGIN
from pipeline.model.tables import FieldTable


@dataclass(frozen=True, slots=True)
class Beside:
    """What one plan has in a partition after `convert`; the frames are those of `group.Part`."""

    plan: Plan
    table: FieldTable
    findings: Findings
    filtered: pl.DataFrame
    repeated: pl.DataFrame
    faulty: pl.DataFrame


def put_beside(taken: Sequence[Beside]) -> list[Beside]:
    """Give the rows that belong to orders the numbers of these; find what has no counterpart.

    Rows of orders that the mapping leaves out are left out with them. R330 and R331 stand at rows of
    no order, R332 at the first row of an order that lacks rows of another file.
    """
    makers = {each.plan.name: each for each in taken}
    made: list[Beside] = []
    lacking: dict[str, Findings] = {}
    for each in taken:
        belongs = each.plan.belongs
        maker = makers.get(belongs.to) if belongs is not None else None
        if belongs is None or maker is None:
            made.append(each)
            continue
        settled = _settled(each, belongs, maker)
        made.append(settled)
        if belongs.required:
            before = lacking.get(maker.plan.name, Findings.none())
            lacking[maker.plan.name] = before + _lacking(maker, settled)
    return [
        replace(each, findings=each.findings + lacking[each.plan.name])
        if each.plan.name in lacking
        else each
        for each in made
    ]


def _number(plan: Plan) -> FieldPlan:
    return next(leaf for leaf in plan.order.leaves() if leaf.name == "order_number")


def _keys(*frames: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame.select(KEY) for frame in frames]).drop_nulls().unique()


def _settled(each: Beside, belongs: Belonging, maker: Beside) -> Beside:
    there = _keys(maker.table.rows, maker.repeated, maker.faulty)
    left_out = _keys(maker.filtered).join(there, on=KEY, how="anti")
    numbers = (
        maker.table.rows.select(KEY, pl.col(_number(maker.plan).slot).alias("_number"))
        .drop_nulls()
        .unique(KEY, keep="first", maintain_order=True)
    )
    own = _keys(each.table.rows, each.repeated)
    strange = own.join(there, on=KEY, how="anti").join(left_out, on=KEY, how="anti")
    gone = left_out if belongs.orphans is not Orphans.SKIP else pl.concat([left_out, strange])
    rows, repeated = each.table.rows, each.repeated
    orphans = rows.join(strange, on=KEY, how="semi", maintain_order="left")
    out = [
        frame.join(gone, on=KEY, how="semi", maintain_order="left") for frame in (rows, repeated)
    ]
    stay = [
        frame.join(gone, on=KEY, how="anti", maintain_order="left") for frame in (rows, repeated)
    ]
    slot = _number(each.plan).slot
    number = pl.col("_number")
    if belongs.orphans is Orphans.KEEP:
        kept = pl.col(KEY).is_in(strange.get_column(KEY).implode())
        number = pl.coalesce("_number", pl.when(kept).then(pl.col(KEY)))
    numbered = (
        stay[0]
        .join(numbers, on=KEY, how="left", maintain_order="left")
        .with_columns(number.cast(rows.schema[slot]).alias(slot))
        .drop("_number")
    )
    return replace(
        each, table=FieldTable(numbered), repeated=stay[1],
        filtered=pl.concat([each.filtered, *(frame.select(*ORIGIN, KEY) for frame in out)]),
        findings=each.findings + _of_no_order(orphans, each.plan, belongs, maker.plan),
    )  # fmt: skip


def _of_no_order(orphans: pl.DataFrame, plan: Plan, belongs: Belonging, maker: Plan) -> Findings:
    code = {Orphans.REJECT: "R330", Orphans.SKIP: "R331"}.get(belongs.orphans)
    if code is None or not orphans.height:
        return Findings.none()
    return Findings.of(
        orphans.select(
            *ORIGIN, pl.lit(code).alias("code"), pl.lit(", ".join(plan.key_columns)).alias("column"),
            pl.lit("order_number").alias("target"), _shown().alias("value"),
            pl.lit(maker.part).alias("detail"), pl.lit(plan.name).alias("mapping"),
            pl.lit(_number(plan).line).alias("mapping_line"),
        )
    )  # fmt: skip


def _lacking(maker: Beside, each: Beside) -> Findings:
    there = _keys(each.table.rows, each.repeated, each.faulty)
    alone = (
        maker.table.rows.filter(pl.col(KEY).is_not_null())
        .unique(KEY, keep="first", maintain_order=True)
        .join(there, on=KEY, how="anti", maintain_order="left")
    )
    if not alone.height:
        return Findings.none()
    return Findings.of(
        alone.select(
            *ORIGIN, pl.lit("R332").alias("code"),
            pl.lit(", ".join(maker.plan.key_columns)).alias("column"),
            pl.lit("").alias("target"), _shown().alias("value"), pl.lit(each.plan.part).alias("detail"),
            pl.lit(maker.plan.name).alias("mapping"),
        )
    )  # fmt: skip


def _shown() -> pl.Expr:
    return pl.col(KEY).str.replace_all("\x1f", ", ", literal=True)
