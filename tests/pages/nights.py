"""Nights with very many rejections, made of expressions alone; `bench/report.py` measures them too."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl

from pipeline.model.outcomes import (
    MUTATION_SCHEMA,
    ORDER_SCHEMA,
    REPORTED_FINDING_SCHEMA,
    ROW_SCHEMA,
)
from pipeline.report.facts import RunFacts, RunTables
from pipeline.report.summary import Summary, summarise
from tests.unit.report.runs import RunBuilder, facts_of

_PRIMARY = pl.lit(value=True)
# code, column, target, detail, and what the value is made of: a text, or a prefix of distinct ones
_FAULTS = (
    ("R301", "E-Mail", "recipient_email", None, ("",)),
    ("R401", "Land", "destination_country_iso3", "countries", ("D", "Deutschl.", "Oesterreich")),
    ("R201", "VK-Preis", "articles_order.unit_price", "1.234,56", ("12,5O", "9,9O", "n/a", "--")),
    ("R202", "Datum", "order_date", "%d.%m.%Y", ("2026-11-19", "19.11.26", "31.11.2026")),
    ("R205", "Menge", "articles_order.quantity", None, ("two", "1,5", "?")),
    ("R310", "E-Mail", "recipient_email", None, ("jana@", "m eier@web.de", "k.unde@gmx", "none")),
    ("R301", "Land", "destination_country_iso3", None, ("",)),
    ("R401", "Spediteur", "courier", "couriers", ("FEDEX", "UPS Express")),
)


@dataclass(frozen=True, slots=True)
class Values:
    """How the night's order numbers and values are: in sequence and few, or all different."""

    random_orders: int = 0  # characters; 0: in sequence
    random_values: int = 0  # characters; 0: few distinct ones


TYPICAL = Values()
RANDOM_ORDERS = Values(random_orders=12)
RANDOM_VALUES = Values(random_orders=12, random_values=12)
WORST = Values(random_orders=20, random_values=40)


def night(rejections: int, values: Values = TYPICAL) -> tuple[RunFacts, RunTables]:
    """A night with so many rejected rows (an even number), as many accepted ones, and refused orders."""
    orders = pl.DataFrame({"k": pl.int_range(rejections, eager=True, dtype=pl.Int64)}).with_columns(
        _numbers(rejections, values),
        (pl.col("k").hash(3).rank("ordinal") <= rejections // 2).alias("faulty"),
        _pick("k", 17).alias("fault"),
    )
    rows = (
        orders.with_columns(pl.lit([0, 1]).alias("j"))
        .explode("j")
        .with_columns(
            (pl.col("k") * 2 // rejections).cast(pl.UInt32).alias("_file"),
            (pl.col("k") * 2 + pl.col("j") + 2).cast(pl.UInt32).alias("_line"),
            pl.lit(0, pl.UInt32).alias("_segment"),
            # of three faulty orders, one has two faulty rows
            (pl.col("faulty") & ((pl.col("j") == 0) | (pl.col("k") % 3 == 0))).alias("own"),
        )
        .with_columns(
            pl.when("own").then(pl.lit("own_problem")).when("faulty").then(pl.lit("held"))
            .otherwise(pl.lit("accepted")).alias("outcome")
        )
    )  # fmt: skip
    refused = (~pl.col("faulty") & (pl.col("k").hash(9) % 50 == 1)).alias("refused")
    first = rows.filter(pl.col("j") == 0).with_columns(refused)
    findings = pl.concat([_faults(rows.filter("own"), values), _refusals(first.filter("refused"))])
    outcome = (
        pl.when("faulty").then(pl.lit("held_back")).when("refused").then(pl.lit("refused"))
        .otherwise(pl.lit("created"))
    )  # fmt: skip
    table = first.with_columns(
        outcome.alias("outcome"),
        pl.lit(value=False).alias("known"),
        pl.lit(2, pl.UInt32).alias("rows"),
        pl.lit(2, pl.UInt32).alias("lines"),
        pl.lit(4, pl.Int64).alias("quantity"),
        pl.lit(Decimal("19.90")).cast(pl.Decimal(38, 2)).alias("value"),
        pl.lit("EUR").alias("currency"),
        pl.when("faulty").then(0).otherwise(1).cast(pl.UInt32).alias("attempts"),
        pl.when("refused").then(400).cast(pl.Int32).alias("status"),
    )
    tables = RunTables(
        rows=_as(rows, ROW_SCHEMA),
        orders=_as(table, ORDER_SCHEMA),
        mutations=pl.DataFrame(schema=MUTATION_SCHEMA),
        findings=findings,
    )
    records = dict(rows.group_by("_file").len("n").sort("_file").iter_rows())
    return facts_of(RunBuilder(), records=records), tables


def summary_of(rejections: int, values: Values = TYPICAL) -> Summary:
    """The summary of such a night."""
    return summarise(*night(rejections, values))


def _numbers(count: int, values: Values) -> pl.Expr | pl.Series:
    if values.random_orders:
        return _noise(count, values.random_orders).alias("key")
    return pl.format("WH-{}", pl.col("k") + 40_000_000).alias("key")


def _pick(column: str, seed: int) -> pl.Expr:
    """An uneven choice among the faults: the first are frequent, the last rare."""
    hashed = pl.col(column).hash(seed) % (1 << 16)
    return (hashed * hashed // (1 << 16) * len(_FAULTS) // (1 << 16)).cast(pl.UInt8)


def _noise(count: int, length: int) -> pl.Series:
    """Texts of so many letters and digits, always the same ones."""
    signs = np.array(list("0123456789abcdefghijklmnopqrstuvwxyz"))
    drawn = np.random.default_rng(length).integers(0, len(signs), (count, length))
    return pl.Series(signs[drawn].view(f"<U{length}").ravel().tolist(), dtype=pl.String)


def _faults(rows: pl.DataFrame, values: Values) -> pl.DataFrame:
    made = []
    for number, (code, column, target, detail, texts) in enumerate(_FAULTS):
        part = rows.filter(pl.col("fault") == number)
        value = pl.lit(texts[0])
        for at, text in enumerate(texts[1:], start=1):
            value = (
                pl.when(pl.col("k").hash(5) % len(texts) == at).then(pl.lit(text)).otherwise(value)
            )
        if values.random_values and texts[0]:
            value = pl.lit(_noise(part.height, values.random_values))
        made.append(
            part.with_columns(
                pl.lit(code).alias("code"), pl.lit(column).alias("column"),
                pl.lit(target).alias("target"), pl.lit(detail, pl.String).alias("detail"),
                value.alias("value"), _PRIMARY.alias("primary"),
                pl.lit("wms.yaml").alias("mapping"),
                pl.lit(40 + number, pl.UInt32).alias("mapping_line"),
            )
        )  # fmt: skip
    return _as(pl.concat(made), REPORTED_FINDING_SCHEMA)


def _refusals(orders: pl.DataFrame) -> pl.DataFrame:
    said = orders.with_columns(
        pl.lit("A401").alias("code"),
        pl.lit("Region").alias("column"),
        pl.lit("shipping_address.region_code").alias("target"),
        pl.lit("BAY").alias("value"),
        pl.format('"BAY{}" is not a valid choice.', pl.col("k") % 40).alias("detail"),
        pl.lit(400, pl.Int32).alias("api_status"),
        pl.lit("invalid_choice").alias("api_code"),
        pl.lit("shipping_address.region_code").alias("api_attr"),
        _PRIMARY.alias("primary"),
    )
    return _as(said, REPORTED_FINDING_SCHEMA)


def _as(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    there = {**{name: name for name in frame.columns}, "order_number": "key"}
    return frame.select(
        (pl.col(there[name]) if name in there else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )
