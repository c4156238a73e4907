"""What a plan would do with each order: `+` new, `~` changed, `=` unchanged, `!` held back (CLI §2).

For an order that is known and goes out again the fields are named that say something else than it was
told last; the ledger has marks of these and no values. Only such orders become Python objects.
"""

import gzip
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any, cast

import orjson
import polars as pl

from pipeline.compare import COMPARED_SCHEMA
from pipeline.ledger import Ledger, ToldOrder
from pipeline.model.marks import Marker, changed
from pipeline.model.origin import place
from pipeline.model.outcomes import OrderOutcome
from pipeline.model.saying import order_says
from pipeline.report.files import replacing
from pipeline.run.folder import RunFolder, written

LISTED = 300  # orders that the page lists
FILE = "plan.jsonl.gz"
OLD = timedelta(days=30)
_SLICE = 2000
_LINES = "articles_order"
_KEPT_BACK = "R325"
_ORDER_DATE = '"order_date":"([^"]*)"'  # no other object of the API has such a member

_SYMBOLS = {
    OrderOutcome.NOT_ATTEMPTED.value: "+",
    OrderOutcome.UNCHANGED.value: "=",
    OrderOutcome.HELD_BACK.value: "!",
}
_NOTHING = "."  # nothing to send, not chosen, overtaken by a later row
# In which order they are worth a look.
_RANK = {"~": 0, "!": 1, "+": 2, "=": 3, _NOTHING: 4}


@dataclass(slots=True)
class Foretold:
    """What is foreseen: how many of each symbol, which fields change how often, the first orders.

    `unknown_fields` counts changed orders that an older version told: nobody knows what changes.
    `old_with_address` counts orders to be sent that are older than 30 days and have an e-mail address.
    """

    symbols: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    unknown_fields: int = 0
    old_with_address: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)

    def as_facts(self) -> dict[str, Any]:
        """For run.json, which is part of the plan."""
        return {
            "symbols": dict(self.symbols),
            "fields": dict(self.fields.most_common()),
            "unknown_fields": self.unknown_fields,
            "old_with_address": self.old_with_address,
            "old_days": OLD.days,
            "orders": self.listed,
        }


def foretell(folder: RunFolder, ledger: Ledger, endpoint: int, now: datetime) -> Foretold:
    """Tell of every order, into plan.jsonl.gz of the plan, and the gist of it.

    Raises:
        DiskUnusable: it cannot be written.
    """
    facts = folder.facts()
    names = {each["index"]: each["name"] for each in facts["files"]}
    told = Foretold()
    path = folder.path / FILE
    # no name and no time in the header: the same plan gives the same bytes
    with (
        written(path), replacing(path) as out,
        gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed,
    ):  # fmt: skip
        for partition in range(int(facts["partitions"])):
            for orders in _of_partition(folder, partition, ledger, endpoint, names, now):
                _count(told, orders)
                orders.write_ndjson(cast("IO[bytes]", packed))
    told.listed = sorted(told.listed, key=lambda each: _RANK[each["what"]])[:LISTED]
    return told


_TOLD_SCHEMA: dict[str, pl.DataType] = {
    "what": pl.String(),
    "order_number": pl.String(),
    "fields": pl.List(pl.String),
    "changes": pl.List(pl.String),
    "code": pl.String(),
    "place": pl.String(),
    "rows": pl.UInt32(),
    "old_with_address": pl.Boolean(),
}


def _of_partition(
    folder: RunFolder, partition: int, ledger: Ledger, endpoint: int, names: Mapping[int, str],
    now: datetime,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """The orders of a partition in file order, as _TOLD_SCHEMA, some at a time."""
    planned = pl.read_parquet(folder.part("planned", partition))
    prepared = pl.read_parquet(folder.part("prepared", partition))
    findings = folder.part("findings", partition)
    kept_back = set(
        pl.scan_parquet(findings).filter(pl.col("code") == _KEPT_BACK).select("order_number")
        .collect().to_series().to_list()
    ) if findings.exists() else set()  # fmt: skip
    bodies = prepared.select(
        "order_number", "body", pl.col("operations").list.eval(pl.element().struct.field("type"))
        .list.unique(maintain_order=True).alias("changes"), _old(now).alias("old"),
    ).with_columns(
        pl.when("old").then(_has_address()).otherwise(pl.lit(value=False)).alias("old_with_address")
    )  # fmt: skip
    both = planned.join(bodies, on="order_number", how="left", maintain_order="left")
    for orders in both.iter_slices(_SLICE):
        yield _told(orders, _changed_fields(orders, ledger, endpoint, kept_back), names)


def _old(now: datetime) -> pl.Expr:
    """Whether the order is older than 30 days; False where it says no date."""
    day = pl.col("body").cast(pl.String).str.extract(_ORDER_DATE).str.head(10)
    then = day.str.to_date("%Y-%m-%d", strict=False)
    return (then < (now - OLD).date()).fill_null(value=False)


def _has_address() -> pl.Expr:
    address = pl.col("body").cast(pl.String).str.json_path_match("$.recipient_email")
    return (address.is_not_null() & (address != "_unset")).fill_null(value=False)


def _changed_fields(
    orders: pl.DataFrame, ledger: Ledger, endpoint: int, kept_back: set[str]
) -> dict[str, list[str] | None]:
    """The fields of each known order that goes out, which say something else now."""
    goes = orders.filter(pl.col("known") & pl.col("body").is_not_null())
    numbers = goes.get_column("order_number").to_list()
    marker = ledger.marker() if numbers else None
    known = ledger.told(endpoint, numbers) if numbers else {}
    return {
        number: _fields(body, known.get(number), marker, kept_back=number in kept_back)
        for number, body in zip(numbers, goes.get_column("body").to_list(), strict=True)
    }


def _fields(
    body: bytes, told: ToldOrder | None, marker: Marker | None, *, kept_back: bool
) -> list[str] | None:
    """None where an older version told the order, so that nobody knows."""
    if told is None or told.marks is None or marker is None:
        return None
    order = orjson.loads(body)
    found = changed(marker.marks(told.order_number, order_says(order)), told.marks)
    if _LINES not in order:  # they are not said again, which changes nothing
        found = [path for path in found if not path.startswith(f"{_LINES}.")]
    return [*found, f"{_LINES} (not sent, {_KEPT_BACK})"] if kept_back else found


def _told(
    orders: pl.DataFrame, fields: Mapping[str, list[str] | None], names: Mapping[int, str]
) -> pl.DataFrame:
    goes = pl.col("outcome") == OrderOutcome.NOT_ATTEMPTED.value
    symbol = pl.col("outcome").replace_strict(_SYMBOLS, default=_NOTHING, return_dtype=pl.String)
    places = [
        place(names.get(file, f"file {file}"), line or 0, segment or 0)
        for file, line, segment in orders.select("_file", "_line", "_segment").iter_rows()
    ]
    numbers = orders.get_column("order_number").to_list()
    return orders.with_columns(
        pl.when(goes & pl.col("known")).then(pl.lit("~")).otherwise(symbol).alias("what"),
        pl.coalesce("order_number", "key").alias("order_number"),
        pl.Series("fields", [fields.get(n) for n in numbers], pl.List(pl.String)),
        pl.Series("place", places, pl.String),
        pl.col("old_with_address").fill_null(value=False),
    ).select(pl.col(name).cast(dtype) for name, dtype in _TOLD_SCHEMA.items())  # fmt: skip


def _count(told: Foretold, orders: pl.DataFrame) -> None:
    told.symbols.update(dict(orders.get_column("what").value_counts().iter_rows()))
    fields = orders.get_column("fields").explode().drop_nulls()
    told.fields.update(dict(fields.value_counts().iter_rows()))
    unknown = (pl.col("what") == "~") & pl.col("fields").is_null()
    told.unknown_fields += orders.filter(unknown).height
    told.old_with_address += int(orders.get_column("old_with_address").sum())
    for what in _RANK:
        room = LISTED - sum(each["what"] == what for each in told.listed)
        if room > 0 and what not in ("=", _NOTHING):
            told.listed += orders.filter(pl.col("what") == what).head(room).to_dicts()


def sample_of(folder: RunFolder, number: int) -> list[bytes]:
    """The first finished requests, as they would go out."""
    schema = {name: COMPARED_SCHEMA[name] for name in ("order_number", "body")}
    found = folder.scan("prepared", schema).select("body").head(number).collect()
    return found.to_series().to_list()
