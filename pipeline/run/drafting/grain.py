"""What a row of a file is: an order, a line of one, or a parcel; and how columns behave within an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

_KEY = "_key"  # no column of a mapping begins so


class Grain(StrEnum):
    """What a row is."""

    ORDER = "one row per order"
    LINE = "one row per order line"
    PARCEL = "one row per parcel"


@dataclass(frozen=True, slots=True)
class Within:
    """How a column behaves in the orders that have several rows.

    `differing` are orders whose rows have different values; `partly` those that have the value on some
    rows only; `without` orders (of all) that have none at all.
    """

    differing: int
    partly: int
    without: int


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a sample by one column; `several` are those with more than one row."""

    key: str
    count: int
    several: int
    rows: int
    keyless: int
    columns: Mapping[str, Within]

    def settled(self, column: str) -> bool:
        """Whether no order has two values of a column."""
        return not self.columns[column].differing


def orders(rows: pl.DataFrame, key: str, nulls: Sequence[str]) -> Orders:
    """Group rows by a column; `nulls` are words for nothing."""
    nothing = ["", *nulls]
    filled = rows.filter(~pl.col(key).is_in(nothing))
    kept = [name for name in rows.columns if name != key]
    values = filled.select(
        pl.col(key).alias(_KEY),
        *(pl.when(~pl.col(name).is_in(nothing)).then(pl.col(name)).alias(name) for name in kept),
    )
    grouped = values.group_by(_KEY).agg(
        pl.len().alias("_rows"),
        *(pl.struct(pl.col(name).drop_nulls().n_unique().alias("n"), pl.col(name).count().alias("there")).first().alias(name)
          for name in kept),
    ) if kept else values.group_by(_KEY).agg(pl.len().alias("_rows"))  # fmt: skip
    made: dict[str, Within] = {key: Within(0, 0, 0)}
    for name in kept:
        number, there = pl.col(name).struct.field("n"), pl.col(name).struct.field("there")
        row = grouped.select(
            (number > 1).sum().alias("differing"),
            ((there > 0) & (there < pl.col("_rows"))).sum().alias("partly"),
            (there == 0).sum().alias("without"),
        ).row(0)
        made[name] = Within(*map(int, row))
    return Orders(
        key, grouped.height, int(grouped.select((pl.col("_rows") > 1).sum()).item()), rows.height,
        rows.height - filled.height, made,
    )  # fmt: skip


def distinct_in(rows: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether no two rows agree in all of some columns, rows without any of them aside."""
    filled = rows.filter(pl.all_horizontal(pl.col(each) != "" for each in columns))
    return not filled.is_empty() and filled.select(columns).unique().height == filled.height
