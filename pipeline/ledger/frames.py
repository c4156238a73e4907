"""Query results as Polars frames, in batches, so that a million rows cost no million dicts."""

from typing import Any

import polars as pl
import sqlalchemy as sa

_BATCH = 50_000


def frame(rows: sa.CursorResult[Any], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Give all rows of a result as a frame of exactly that schema, column by position."""
    read = {name: _as_stored(dtype) for name, dtype in schema.items()}
    parts = [
        pl.DataFrame([tuple(row) for row in batch], schema=read, orient="row")
        for batch in rows.partitions(_BATCH)
    ]
    stacked = pl.concat(parts) if parts else pl.DataFrame(schema=read)
    return stacked.cast(dict(schema))  # type: ignore[arg-type]


def _as_stored(dtype: pl.DataType) -> pl.DataType:
    return pl.String() if isinstance(dtype, pl.Decimal) else dtype
