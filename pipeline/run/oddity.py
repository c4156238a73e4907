"""What is odd about a file as a whole: it belongs to none of its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.model.origin import ORIGIN


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something to be said of a source or a file; `says` in words, without cells."""

    code: str
    source: str
    file: int
    says: str
    column: str | None = None
    line: int = 0


def as_findings(found: Sequence[Oddity], shape: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The oddities as findings about files: their line is 0, unless they are of one."""
    rows = {
        ORIGIN[0]: [each.file for each in found],
        ORIGIN[1]: [each.line for each in found],
        "code": [each.code for each in found],
        "column": [each.column for each in found],
        "detail": [each.says for each in found],
    }
    made = pl.DataFrame(rows, schema={name: shape[name] for name in rows})
    return made.select(
        (pl.col(name) if name in rows else pl.lit(0 if name in ORIGIN else None))
        .cast(dtype)
        .alias(name)
        for name, dtype in shape.items()
    )
