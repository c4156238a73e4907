"""Findings quote the cell as it stands in the file, not what was made of it."""

from collections.abc import Sequence

import polars as pl

from pipeline.model.origin import ORIGIN
from pipeline.model.rules import RULES, Stage
from pipeline.run.spool import Share

# Rules judge converted values; earlier stages have the cell itself at hand.
_JUDGED = [code for code, rule in RULES.items() if rule.stage is Stage.RULES]


def with_cells(findings: pl.DataFrame, shares: Sequence[Share]) -> pl.DataFrame:
    """Put the source cell into `value` where one column is behind the judged field.

    `findings` has the columns of `FINDING_SCHEMA`, others are kept. A value made of several
    columns stays as it was made: no single cell says it.
    """
    for share in shares:
        for column, targets in _single(share).items():
            at = (
                pl.col("code").is_in(_JUDGED)
                & pl.col("value").is_not_null()
                & (pl.col("mapping") == share.plan.name)
                & (pl.col("column") == column)
                & pl.col("target").is_in(targets)
            )
            if not findings.select(at.any()).item():
                continue
            cell = pl.col(column).str.strip_chars() if share.plan.source.trim else pl.col(column)
            cells = share.raw.rows.select(*ORIGIN, cell.alias("_cell"))
            wanted = findings.filter(at).select(ORIGIN).unique()
            quoted = cells.join(wanted, on=ORIGIN, how="semi")
            findings = (
                findings.join(quoted, on=ORIGIN, how="left", maintain_order="left")
                .with_columns(
                    pl.when(at)
                    .then(pl.coalesce("_cell", "value"))
                    .otherwise("value")
                    .alias("value")
                )
                .drop("_cell")
            )
    return findings


def _single(share: Share) -> dict[str, list[str]]:
    """Column → the targets that it alone feeds."""
    fed: dict[str, list[str]] = {}
    there = {*share.plan.reads, *(share.plan.pieces.names if share.plan.pieces else ())}
    for field in share.plan.fields():
        if len(field.columns) == 1 and field.column in there:
            fed.setdefault(field.column, []).append(field.target)
    return fed
