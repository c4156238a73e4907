"""Answers traced to cells: what the API says of a request leads to a file, a line and a column.

An answer names a path of the request ("articles_order.2.unit_price"). The places of lines and
changes are kept (`TRACE_SCHEMA`). Within them, and for all else of the order, the rows of the orders
with answers are converted once more, and the path is followed through the plan of their mapping to
the row whose cell the request has its value from: the first that says something is not always the
first of the order. The cells lie in the run's folder until it has finished; without them, or where
the mapping has changed since, the place is the first row, and the column that of the field.

    path ─▶ Way: order, line or change ─▶ its rows ─▶ Member of the plan ─▶ row, column, value
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.compare import TRACE_SCHEMA
from pipeline.convert import convert
from pipeline.group import payload
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.plan import Aggregate, FieldPlan, ListPlan, Member, Mode, ObjectPlan, Plan
from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Kind, Use
from pipeline.model.findings import FINDING_SCHEMA
from pipeline.model.origin import KEY, ORIGIN, ORIGIN_SCHEMA, SEGMENT
from pipeline.model.outcomes import REPORTED_FINDING_SCHEMA, OrderOutcome
from pipeline.model.tables import TRACKING_KEY, WHEN_TRACKINGS, RawTable, when_mutation
from pipeline.pieces import named, of_row, take_apart
from pipeline.run.folder import RunFolder
from pipeline.run.source import MappingMissing, read_mapping

_ORDINAL_MAX = 9  # digits; what is longer counts nothing that was sent
# Values that are no text are quoted as the request has them.
_WRITTEN = frozenset({
    Kind.INTEGER, Kind.BOOLEAN, Kind.NUMBER, Kind.MONEY, Kind.AMOUNT, Kind.DATE, Kind.DATETIME,
})  # fmt: skip
_ON_CREATE = [field.name for field in SHAPES["order"].fields if field.use is Use.CREATE]
_NAMED = ("column", "mapping", "mapping_line")
_FOUND_SCHEMA: dict[str, pl.DataType] = {
    "nth": pl.UInt32(),
    **ORIGIN_SCHEMA,
    **{name: FINDING_SCHEMA[name] for name in ("column", "target", "value", *_NAMED[1:])},
    "given": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Way:
    """A path of the API, taken apart: `item` counts the lines or changes of the request."""

    section: str
    item: int | None
    path: tuple[str, ...]


def way(attr: str) -> Way:
    """Take a path apart.

    >>> way("shipping_address.postal_code")
    Way(section='order', item=None, path=('shipping_address', 'postal_code'))
    >>> way("mutations[0].tracking.courier")
    Way(section='change', item=0, path=('tracking', 'courier'))
    """
    steps = re.sub(r"\[(\w+)\]", r".\1", attr).strip(".").split(".")
    if len(steps) > 1 and steps[-1] == "non_field_errors":
        del steps[-1]
    section = {"articles_order": "line", "mutations": "change"}.get(steps[0])
    if section is None or len(steps) < 2 or _ordinal(steps[1]) is None:
        return Way("order", None, tuple(steps))
    return Way(section, _ordinal(steps[1]), tuple(steps[2:]))


def _ordinal(step: str) -> int | None:
    known = step.isascii() and step.isdigit() and len(step) <= _ORDINAL_MAX
    return int(step) if known else None


def traced(problems: pl.DataFrame, orders: pl.DataFrame, folder: RunFolder) -> pl.DataFrame:
    """The API's complaints as findings with the file, line, column and cell that they are about.

    Args:
        problems: PROBLEM_SCHEMA of the ledger.
        orders: ORDER_SCHEMA, all of the run.
        folder: of the run.
    """
    if not problems.height:
        return pl.DataFrame(schema=REPORTED_FINDING_SCHEMA)
    kept = folder.facts()
    asked = _asked(problems, orders, folder)
    found = pl.concat(list(_of_cells(asked, kept, folder)))
    names = ("column", "target", "value", *_NAMED[1:])
    both = _with_columns(asked, kept).join(found, on="nth", how="left", suffix="_found")
    known = pl.col("given").is_not_null()
    joined = both.sort("nth").with_columns(
        *(pl.coalesce(f"{name}_found", name).alias(name) for name in (*ORIGIN, "target")),
        *(
            pl.when(known).then(f"{name}_found").otherwise(name).alias(name)
            for name in names
            if name != "target"
        ),
    )
    first = pl.int_range(pl.len()).over("order_number") == 0
    joined = joined.with_columns(of_row(pl.col(SEGMENT)).alias(SEGMENT))
    return _not_there(joined, kept).select(
        *ORIGIN, "code", pl.col("column").fill_null(""), "target", "value",
        "detail", "mapping", "mapping_line", "key", "order_number", first.alias("primary"),
        pl.col("status").alias("api_status"), "api_code", pl.col("attr").alias("api_attr"),
    ).select(
        pl.col(name).cast(dtype) for name, dtype in REPORTED_FINDING_SCHEMA.items()
    )  # fmt: skip


def untraced(problems: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """The API's complaints as findings of the first rows of their orders; takes as `traced` does."""
    answered = orders.filter(pl.col("outcome") != OrderOutcome.HELD_BACK.value)
    found = problems.join(
        answered.select("order_number", *ORIGIN, "key"), on="order_number", how="left",
        maintain_order="left",
    ).with_columns(
        pl.lit("").alias("column"),
        (pl.int_range(pl.len()).over("order_number") == 0).alias("primary"),
        pl.col("status").alias("api_status"), pl.col("attr").alias("api_attr"),
    )  # fmt: skip
    return found.select(
        (pl.col(name) if name in found.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in REPORTED_FINDING_SCHEMA.items()
    )


def _asked(problems: pl.DataFrame, orders: pl.DataFrame, folder: RunFolder) -> pl.DataFrame:
    """Each complaint with its order, its way, and the row of its line or change, else the first."""
    traces = (
        folder.scan("trace", TRACE_SCHEMA)
        .join(problems.lazy().select("order_number").unique(), on="order_number", how="semi")
        .collect()
    )
    if "change_plans" not in traces.columns:  # an older version prepared this run
        traces = traces.with_columns(
            pl.lit(None, TRACE_SCHEMA["change_plans"]).alias("change_plans")
        )
    # the number of a held order may be a guess; an answer is never about one
    answered = orders.filter(pl.col("outcome") != OrderOutcome.HELD_BACK.value)
    item = pl.col("item")
    kind = pl.col("change_types").list.get(item, null_on_oob=True)
    row = (
        pl.when(pl.col("section") == "line").then(pl.col("line_rows").list.get(item, null_on_oob=True))
        .when(pl.col("section") == "change").then(pl.col("change_rows").list.get(item, null_on_oob=True))
    )  # fmt: skip
    inner = pl.col("path").list.join(".").str.replace_all(r"\.\d+(\.|$)", "${1}")
    change = pl.concat_str(
        pl.lit("mutations"), kind, pl.when(inner != "").then(inner),
        separator=".", ignore_nulls=True,
    )  # fmt: skip
    line = pl.concat_str(
        pl.lit("articles_order"), pl.when(inner != "").then(inner), separator=".", ignore_nulls=True
    )
    return (
        problems.with_row_index("nth")
        .join(answered.select("order_number", *ORIGIN, "key"), on="order_number", how="left",
              maintain_order="left")
        .join(traces, on="order_number", how="left", maintain_order="left")
        .join(_ways(problems.get_column("attr")), on="attr", how="left", maintain_order="left")
        .with_columns(
            kind.alias("kind"),
            pl.col("change_plans").list.get(item, null_on_oob=True).alias("plan"),
            row.alias("row"),
            pl.when(pl.col("section") == "change").then(change)
            .when(pl.col("section") == "line").then(line)
            .otherwise(inner).fill_null("").alias("target"),
            # the sentence of A403 quotes the status
            pl.when(pl.col("code") == "A403").then(pl.col("status").cast(pl.String)).alias("value"),
        )
        .with_columns(
            pl.col("row").is_not_null().alias("placed"),
            *(pl.coalesce(pl.col("row").struct.field(name), name).alias(name) for name in ORIGIN),
        )
    )  # fmt: skip


def _ways(attrs: pl.Series) -> pl.DataFrame:
    """Each path once, taken apart; a request has few."""
    distinct = attrs.drop_nulls().unique(maintain_order=True).to_list()
    ways = [way(attr) for attr in distinct]
    return pl.DataFrame(
        {
            "attr": distinct,
            "section": [each.section for each in ways],
            "item": [each.item for each in ways],
            "path": [each.path for each in ways],
        },
        schema={"attr": pl.String, "section": pl.String, "item": pl.Int64,
                "path": pl.List(pl.String)},
    )  # fmt: skip


# -- without the cells ------------------------------------------------------------------------


def _with_columns(asked: pl.DataFrame, kept: Mapping[str, Any]) -> pl.DataFrame:
    """Add the column that feeds `target`, of the mapping of the file, else of the first that has it.

    The first row of an order may lie in a file whose mapping says nothing of the field.
    """
    fields = _fields(kept)
    of_file = {each["index"]: each["mapping"] for each in kept["files"]}
    own = pl.col("_file").replace_strict(of_file, default=None, return_dtype=pl.String)
    first = fields.unique("target", keep="first", maintain_order=True)
    both = (
        asked.with_columns(own.alias("_mapping"))
        .join(fields.with_columns(pl.col("mapping").alias("_mapping")), on=["_mapping", "target"],
              how="left", maintain_order="left")
        .join(first, on="target", how="left", suffix="_first", maintain_order="left")
    )  # fmt: skip
    there = pl.col("mapping").is_not_null()
    return both.with_columns(
        pl.when(there).then(pl.col(name)).otherwise(pl.col(f"{name}_first")).alias(name)
        for name in _NAMED
    )


def _fields(kept: Mapping[str, Any]) -> pl.DataFrame:
    """Mapping and target → source column and line."""
    rows = [
        {
            "target": f["target"],
            "column": f["column"],
            "mapping": f["mapping"],
            "mapping_line": f["line"],
        }
        for f in kept.get("fields", [])
    ]
    schema = {n: FINDING_SCHEMA[n] for n in ("target", *_NAMED)}
    made = pl.DataFrame(rows, schema=schema)
    return made.unique(["mapping", "target"], keep="first", maintain_order=True)


def _not_there(named: pl.DataFrame, kept: Mapping[str, Any]) -> pl.DataFrame:
    """Say A404 where parcelLab asks for what only a new order needs, and nobody wants to create one.

    An `update_only` mapping names orders that must exist: the file has nothing to add to it.
    """
    updates = [m["name"] for m in kept["mappings"] if m.get("mode") == Mode.UPDATE_ONLY.value]
    missing = (
        (pl.col("code") == "A401")
        & (pl.col("api_code") == "required")
        & pl.col("target").is_in(_ON_CREATE)
        & pl.col("_mapping").is_in(updates)
    )
    made = {
        "code": pl.lit("A404"),
        "detail": pl.concat_str("target", pl.lit(": "), "detail"),
        "target": pl.lit(""),
        "column": pl.lit(""),
        "mapping": pl.col("_mapping"),
        "mapping_line": pl.lit(None, pl.UInt32),
        "value": pl.lit(None, pl.String),
    }
    return named.with_columns(
        pl.when(missing).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in made.items()
    )


# -- with them --------------------------------------------------------------------------------


def _of_cells(
    asked: pl.DataFrame, kept: Mapping[str, Any], folder: RunFolder
) -> Iterator[pl.DataFrame]:
    """What the cells say of the complaints, partition by partition (_FOUND_SCHEMA)."""
    yield pl.DataFrame(schema=_FOUND_SCHEMA)
    plans = list(_plans(kept))
    with_way = asked.filter(pl.col("section").is_not_null() & pl.col("key").is_not_null())
    if not plans or not with_way.height:
        return
    for partition in range(int(kept.get("partitions", 0))):
        rows = folder.part("rows", partition)
        if not rows.exists():
            continue
        of_orders = (
            pl.scan_parquet(rows)
            .join(with_way.lazy().select("key").unique(), on="key", how="semi")
            .select(*ORIGIN, "key")
            .collect()
        )
        if not of_orders.height:
            continue
        tables = [
            made for plan in plans if (made := _converted(plan, of_orders, folder, partition))
        ]
        here = with_way.join(of_orders.select("key").unique(), on="key", how="semi")
        yield from _followed(here, tables)


def _plans(kept: Mapping[str, Any]) -> Iterator[Plan]:
    """The plans of the run's mappings, as far as these are still what they were."""
    for mapping in kept.get("mappings", []):
        try:
            compiled, sha256 = read_mapping(Path(mapping["path"]))
        except (MappingMissing, MappingRefused):
            continue
        if sha256 == mapping["sha256"]:
            yield compiled.plan


@dataclass(frozen=True, slots=True)
class _Table:
    """What a mapping makes of the rows of the orders with answers; both frames in file order."""

    plan: Plan
    cells: pl.DataFrame
    fields: pl.DataFrame


def _converted(
    plan: Plan, addresses: pl.DataFrame, folder: RunFolder, partition: int
) -> _Table | None:
    cells = folder.cells(plan.name, partition)
    if cells is None:
        return None
    raw = cells.join(addresses.lazy(), on=ORIGIN, how="semi").sort(ORIGIN).collect()
    if not raw.height:
        return None
    if plan.pieces is not None:
        # without a header the plan does not know how far the columns were numbered
        reads = tuple(name for name in raw.columns if name not in (*ORIGIN, "key"))
        plan = replace(plan, reads=reads)
        raw = take_apart(RawTable(raw), plan).raw.rows
    return _Table(plan, raw, convert(RawTable(raw), plan).table.rows)


def _followed(asked: pl.DataFrame, tables: Sequence[_Table]) -> Iterator[pl.DataFrame]:
    """Follow all ways; those that differ in nothing but the order go together."""
    alike = ["section", "kind", "plan", "path"]
    for (section, kind, nth, path), part in asked.group_by(alike, maintain_order=True):
        found = [
            made
            for table in tables
            for one in _in_table(table, str(section), kind, nth, list(path), part)
            for made in (named(one, table.plan, table.cells.columns),)
        ]
        if found:
            # what two mappings say of an order is the same, or one of them says nothing
            each = pl.concat(found).sort("nth", ~pl.col("given"), maintain_order=True)
            yield each.unique("nth", keep="first", maintain_order=True)


def _in_table(
    table: _Table, section: str, kind: object, nth: object, path: Sequence[str], asked: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    plan = table.plan
    if section == "order":
        rows = asked.select("nth", "key").join(
            table.fields, left_on="key", right_on=KEY, maintain_order="left_right"
        )
        yield from _resolved(table, plan.order, path, rows)
        return
    placed = asked.filter("placed")
    rows = placed.select("nth", *ORIGIN).join(table.fields, on=ORIGIN, maintain_order="left")
    if not rows.height:
        return
    if section == "line":
        if plan.lines is not None:
            yield from _resolved(table, plan.lines.item, path, rows)
    elif kind == "add_tracking":
        yield from _in_tracking(table, path, rows)
    elif nth is not None and int(str(nth)) < len(plan.mutations):
        mutation = plan.mutations[int(str(nth))]
        if mutation.type == "cancel_order":
            there = table.fields.filter(when_mutation(mutation.index))
            rows = rows.select("nth", KEY).join(there, on=KEY, maintain_order="left_right")
        yield from _resolved(table, mutation.body, path, rows)


def _in_tracking(table: _Table, path: Sequence[str], rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Follow a way in a tracking, which several rows may have made together."""
    trackings = table.plan.trackings
    if trackings is None or (path and path[0] != "tracking"):
        return
    inner = path[1:]
    of_key = rows.select("nth", KEY, TRACKING_KEY).join(
        table.fields.filter(WHEN_TRACKINGS), on=[KEY, TRACKING_KEY], maintain_order="left_right"
    )
    nested = {"articles": trackings.articles, "checkpoints": trackings.checkpoints}
    entries = nested.get(inner[0]) if inner else None
    if entries is None:
        yield from _resolved(table, trackings.tracking, inner, of_key)
        return
    at = _ordinal(inner[1]) if len(inner) > 1 else None
    if at is None:
        return
    # as `group` gathers them: what is told twice is one entry
    json = payload.json_object(entries, table.plan.source.timezone)
    each = (
        of_key.with_columns(json.alias("_json"))
        .filter(pl.col("_json").is_not_null())
        .unique(["nth", "_json"], keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("nth") == at)
    )
    yield from _resolved(table, entries, inner[2:], each)


def _resolved(
    table: _Table, part: ObjectPlan, path: Sequence[str], rows: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Follow a path inside an object; `rows` are those that made it, with `nth`, in file order."""
    member, rest = _member(part, path)
    if member is None or not rows.height:
        return
    if isinstance(member, FieldPlan):
        yield _of_leaf(table, member, rows)
        return
    at = _ordinal(rest[0]) if rest else None
    if isinstance(member, ObjectPlan) or at is None:
        yield from _of_whole(table, member, rows)
    elif member.kind in {Kind.TEXTS, Kind.CHOICES}:
        yield from _of_text(table, member, at, rows)
    else:
        for item, those in _items(member, at, rows):
            if isinstance(item, FieldPlan):
                yield _of_leaf(table, item, those)
            else:
                yield from _resolved(table, item, rest[1:], those)


def _member(part: ObjectPlan, path: Sequence[str]) -> tuple[Member | None, Sequence[str]]:
    """The member that a path leads to, and what of the path is left: an ordinal and more."""
    if not path:
        return part, ()
    # the names of a free table are the mapping's own, and may have dots
    name, rest = (".".join(path), ()) if part.shape is None else (path[0], path[1:])
    found = next((each for each in part.members if each.name == name), None)
    if isinstance(found, ObjectPlan):
        return _member(found, rest)
    return found, rest


def _items(
    part: ListPlan, at: int, rows: pl.DataFrame
) -> Iterator[tuple[FieldPlan | ObjectPlan, pl.DataFrame]]:
    """The item at a place of a list, and the rows for which it is that: absent ones are not sent."""
    there = [
        pl.col(item.slot).is_not_null() if isinstance(item, FieldPlan) else payload.present(item)
        for item in part.items
    ]
    if not there:
        return
    listed = (
        rows.group_by("nth", maintain_order=True)
        .agg(each.any().alias(str(place)) for place, each in enumerate(there))
        .select(
            "nth",
            pl.concat_list(pl.when(str(place)).then(place) for place in range(len(there)))
            .list.drop_nulls().list.get(at, null_on_oob=True).alias("place"),
        )
    )  # fmt: skip
    for place, item in enumerate(part.items):
        those = rows.join(listed.filter(pl.col("place") == place), on="nth", how="semi")
        if those.height:
            yield item, those


def _of_text(table: _Table, part: ListPlan, at: int, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The cell behind a text of a list; a text that is there already is not sent again."""
    leaves = part.leaves()
    texts = [
        rows.select("nth", *ORIGIN, pl.col(leaf.slot).cast(pl.String).alias("_text"),
                    pl.lit(place).alias("_place"))
        for place, leaf in enumerate(leaves)
    ]  # fmt: skip
    if not texts:
        return
    one = (
        pl.concat(texts)
        .filter(pl.col("_text").is_not_null())
        .unique(["nth", "_text"], keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("nth") == at)
    )
    for place, leaf in enumerate(leaves):
        here = one.filter(pl.col("_place") == place).select("nth", *ORIGIN)
        those = rows.join(here, on=["nth", *ORIGIN], how="semi", maintain_order="left")
        if those.height:
            yield _of_leaf(table, leaf, those)


def _of_whole(
    table: _Table, part: ObjectPlan | ListPlan, rows: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """An object or a list as a whole: its first row, and its column where all of it has one."""
    leaves = part.leaves()
    if not leaves:
        return
    if len({leaf.column for leaf in leaves if leaf.column}) == 1:
        only = next(leaf for leaf in leaves if leaf.column)
        made = _of_leaf(table, only, rows)
    else:
        says = pl.any_horizontal(pl.col(leaf.slot).is_not_null() for leaf in leaves)
        made = _found(table.plan, leaves[0], _giver(rows, says)).with_columns(
            pl.lit("").alias("column"), pl.lit(None, pl.String).alias("value")
        )
    line = part.line if isinstance(part, ObjectPlan) else leaves[0].line
    # the path itself is the target, not one of the fields
    yield made.with_columns(
        pl.lit(None, pl.String).alias("target"), pl.lit(line, pl.UInt32).alias("mapping_line")
    )


def _of_leaf(table: _Table, leaf: FieldPlan, rows: pl.DataFrame) -> pl.DataFrame:
    """The cell behind a field: that of the row whose value the request has."""
    value = pl.col(leaf.slot)
    if leaf.aggregate in {Aggregate.MIN, Aggregate.MAX}:
        rows = rows.sort(
            leaf.slot, descending=leaf.aggregate is Aggregate.MAX, nulls_last=True,
            maintain_order=True,
        )  # fmt: skip
    elif leaf.aggregate is Aggregate.SUM:
        rows = rows.with_columns(pl.when(value.is_not_null()).then(value.sum().over("nth")))
    text = value.cast(pl.String)
    if leaf.kind in _WRITTEN:
        text = payload.scalar(value, leaf.kind, table.plan.source.timezone).str.strip_chars('"')
    giver = _giver(rows, value.is_not_null()).with_columns(text.alias("value"))
    found = _found(table.plan, leaf, giver)
    single = len(leaf.columns) == 1 and leaf.column in table.cells.columns
    if not single or leaf.aggregate is Aggregate.SUM:
        return found
    cell = pl.col(leaf.column)
    cell = cell.str.strip_chars() if table.plan.source.trim else cell
    cells = table.cells.select(*ORIGIN, cell.alias("_cell"))
    return found.join(cells, on=ORIGIN, how="left", maintain_order="left").select(
        pl.coalesce("_cell", "value").alias("value") if name == "value" else name
        for name in _FOUND_SCHEMA
    )


def _giver(rows: pl.DataFrame, says: pl.Expr) -> pl.DataFrame:
    """The first row that says something, of each; else the first, with `given` false."""
    return (
        rows.with_columns(says.alias("given"))
        .sort("nth", ~pl.col("given"), maintain_order=True)
        .unique("nth", keep="first", maintain_order=True)
    )


def _found(plan: Plan, leaf: FieldPlan, rows: pl.DataFrame) -> pl.DataFrame:
    made = rows.with_columns(
        pl.lit(leaf.column).alias("column"), pl.lit(leaf.target).alias("target"),
        pl.lit(plan.name).alias("mapping"), pl.lit(leaf.line).alias("mapping_line"),
        *(() if "value" in rows.columns else (pl.lit(None, pl.String).alias("value"),)),
    )  # fmt: skip
    return made.select(pl.col(name).cast(dtype) for name, dtype in _FOUND_SCHEMA.items())
