"""Arithmetic that no row can stop: numbers too large to multiply become null, and are named.

Polars raises where a decimal product does not fit, and takes the whole column with it. A batch
that raises is halved until the rows that cannot be calculated stand alone; they are rare, so the
halving costs nothing on good data.
"""

from collections.abc import Mapping
from functools import partial

import polars as pl
from polars.exceptions import PolarsError


def guarded(
    expr: pl.Expr, columns: Mapping[str, pl.DataType], dtype: pl.DataType
) -> tuple[pl.Expr, pl.Expr]:
    """The expression with null where it cannot be calculated, and whether that is so.

    `columns` are what it reads, and the types in which it calculates; `dtype` is what it gives.

    >>> frame = pl.DataFrame({"a": [2, 10**17]}).select(pl.col("a").cast(pl.Decimal(38, 12)))
    >>> value, fails = guarded(pl.col("a") * pl.col("a"), frame.schema, pl.Decimal(38, 12))
    >>> frame.select(value.cast(pl.Int64).alias("value"), fails.alias("fails")).rows()
    [(4, False), (None, True)]
    """
    cells = pl.struct(pl.col(name).cast(kind) for name, kind in columns.items())
    value = cells.map_batches(
        partial(_values, expr, dtype), return_dtype=dtype, is_elementwise=True
    )
    fails = cells.map_batches(partial(_fails, expr), return_dtype=pl.Boolean, is_elementwise=True)
    return value, fails


def _values(expr: pl.Expr, dtype: pl.DataType, cells: pl.Series) -> pl.Series:
    frame = cells.struct.unnest()
    try:
        return frame.select(expr.cast(dtype).alias(cells.name)).to_series()
    except PolarsError:
        if frame.height < 2:
            return pl.Series(cells.name, [None] * frame.height, dtype)
        half = frame.height // 2
        parts = (cells[:half], cells[half:])
        return pl.concat([_values(expr, dtype, part) for part in parts])


def _fails(expr: pl.Expr, cells: pl.Series) -> pl.Series:
    frame = cells.struct.unnest()
    try:
        frame.select(expr)
    except PolarsError:
        if frame.height < 2:
            return pl.Series(cells.name, [True] * frame.height, pl.Boolean)
        half = frame.height // 2
        return pl.concat([_fails(expr, part) for part in (cells[:half], cells[half:])])
    return pl.Series(cells.name, [False], pl.Boolean).new_from_index(0, frame.height)
