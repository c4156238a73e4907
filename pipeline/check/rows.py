"""The rows as they are judged: numbered, and with what is already known of their columns."""

from collections.abc import Iterable, Sequence

import polars as pl

from pipeline.check.demands import Failed
from pipeline.mapping.plan import FieldPlan
from pipeline.model.findings import Findings
from pipeline.model.origin import KEY, ORIGIN

ROW = "_row"  # position in the table, so that the first row of an order can be told
_KNOWN = "_known."  # before a source column: whether an earlier stage found an error in it


def prepared(rows: pl.DataFrame, known: Findings) -> pl.DataFrame:
    """Number the rows and put beside each the columns in which it has errors already."""
    errors = known.errors().rows.filter(pl.col("column") != "")
    numbered = rows.with_row_index(ROW)
    if errors.is_empty():
        return numbered
    # A Boolean column per faulty source column: 30 fields ask it in 0.002 s (1 million rows), a list
    # of names per row in 0.1 s.
    faulty = errors.group_by(ORIGIN).agg(
        (pl.col("column") == column).any().alias(_KNOWN + column)
        for column in errors["column"].unique().sort()
    )
    return numbered.join(faulty, on=ORIGIN, how="left", maintain_order="left")


def without_dropped(rows: pl.DataFrame, failed: Iterable[Failed]) -> pl.DataFrame:
    """Empty the cells that are not sent after all: what requires them must see them empty."""
    emptied: dict[str, pl.Expr] = {}
    for each in failed:
        if each.demand.drops and each.cases.height:
            slot = each.demand.slot
            gone = pl.col(ROW).is_in(each.cases[ROW].implode())
            emptied[slot] = pl.when(~gone).then(emptied.get(slot, pl.col(slot))).alias(slot)
    return rows.with_columns(*emptied.values())


def section(
    rows: pl.DataFrame,
    fields: Sequence[FieldPlan],
    *,
    when: str | None = None,
    by: Sequence[str] = (),
    also: Sequence[pl.Expr] = (),
) -> pl.DataFrame:
    """Tell which fields are filled: one Boolean column per slot, with the address.

    Args:
        rows: as `prepared` gives them.
        fields: the fields in question. A cell that an earlier stage refused counts as filled.
        when: Boolean column of the rows that matter.
        by: judge groups of rows instead of rows: filled is what any row of the group fills, and
            the address is that of the group's first row. Rows without order key have no group.
        also: further Boolean expressions to carry, joined by "any" too.
    """
    # a row without key belongs to no order, so no rule of an order judges it (R209 says enough)
    of_orders = rows.filter(pl.col(KEY).is_not_null())
    chosen = of_orders if when is None else of_orders.filter(pl.col(when))
    filled = [*(_filled(field, chosen).alias(field.slot) for field in fields), *also]
    if not by:
        return chosen.select(ROW, *ORIGIN, *filled)
    groups = (
        chosen.select(ROW, *(pl.col(name).alias(f"_by.{name}") for name in by), *filled)
        .group_by(f"_by.{name}" for name in by)
        .agg(pl.col(ROW).min(), pl.exclude(ROW).any())
    )
    return groups.join(chosen.select(ROW, *ORIGIN), on=ROW, how="left")


def _filled(field: FieldPlan, rows: pl.DataFrame) -> pl.Expr:
    has_value = pl.col(field.slot).is_not_null()
    refused = [name for column in field.columns if (name := _KNOWN + column) in rows.columns]
    return has_value | pl.any_horizontal(refused).fill_null(value=False) if refused else has_value
