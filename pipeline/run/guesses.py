"""Which order a record seems to belong to that could not be read.

A guess holds the rest of the order back, and names it in the report. Rows lie in partitions by
their key, so a guess may look at nothing but the record and the beginning of the input: the same
file must give the same for partitions of any size.
"""

import polars as pl

from pipeline.convert import orders_of
from pipeline.mapping.compiler import KEY_JOINT
from pipeline.mapping.plan import Plan
from pipeline.model.origin import KEY, ORIGIN
from pipeline.model.tables import RawTable
from pipeline.read import Batch

# Of these records some cells may stand in other columns than the header says.
SHIFTED = ("R101", "R103", "R112")
SAMPLE_ROWS = 50_000  # what order numbers look like shows in the first readable rows


class Guesses:
    """The guesses of one mapping; takes its batches in the order of the files."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._kinds: pl.Series | None = None

    def of(self, batch: Batch) -> pl.DataFrame:
        """ORIGIN, `_key` and order_number of the records of a batch that could not be read.

        The rest of a cell with a line break in it is a record too, and what stands where the number
        should be may be a street or an e-mail address. Where cells may be shifted, a number must be
        made of the same kinds of characters as one that could be read. Where the key has several
        parts, another key, in whatever partition, may have the same number: then it is none.
        """
        if self._kinds is None and batch.raw.rows.height:
            self._kinds = self._kinds_of(batch)
        faulty = batch.faulty.rows.select(ORIGIN)
        if not faulty.height:
            return faulty.with_columns(
                pl.lit(None, pl.String).alias(name) for name in (KEY, "order_number")
            )
        guessed = orders_of(batch.faulty, self._plan)
        alone = ~pl.col(KEY).str.contains(KEY_JOINT, literal=True)
        made = faulty.hstack(
            guessed.select(KEY, pl.when(alone).then("order_number").alias("order_number"))
        )
        if self._kinds is None or not len(self._kinds):
            return made
        torn = batch.findings.rows.filter(pl.col("code").is_in(SHIFTED)).select(ORIGIN).unique()
        shifted = made.join(
            torn.with_columns(pl.lit(value=True).alias("_shifted")),
            on=ORIGIN, how="left", maintain_order="left",
        )  # fmt: skip
        fits = pl.col("_shifted").is_null() | kinds(pl.col("order_number")).is_in(
            self._kinds.implode()
        )
        return shifted.select(
            *ORIGIN, KEY, pl.when(fits).then("order_number").alias("order_number")
        )

    def _kinds_of(self, batch: Batch) -> pl.Series:
        """What the order numbers of the first rows are made of; those that cannot be made are none."""
        first = RawTable(batch.raw.rows.head(SAMPLE_ROWS))
        numbers = orders_of(first, self._plan).select(pl.col("order_number").drop_nulls().unique())
        return numbers.select(kinds(pl.col("order_number"))).to_series().unique()


def kinds(number: pl.Expr) -> pl.Expr:
    """What a number is made of: letters (as "a"), digits (as "9"), and its other characters."""
    classes = number.str.replace_all(r"\p{L}", "a").str.replace_all(r"\p{N}", "9")
    return classes.str.split("").list.unique().list.sort().list.join("")
