"""Rows of one mapping to one fragment per order: JSON members, lines, changes, control totals.

A fragment is what one mapping contributes to an order; `group` joins the fragments of all mappings
of a run into one payload per order.
"""

import polars as pl

from pipeline.group import payload
from pipeline.mapping.plan import (
    Aggregate,
    FieldPlan,
    ListPlan,
    MutationPlan,
    ObjectPlan,
    Plan,
    Scope,
    TrackingsPlan,
)
from pipeline.model.field import Kind
from pipeline.model.orders import Replay
from pipeline.model.origin import FILE, KEY, LINE, MESSAGE, ORIGIN, SEGMENT, SEGMENTS_MAX
from pipeline.model.tables import TRACKING_KEY, WHEN_LINES, WHEN_TRACKINGS, when_mutation

MOMENT = pl.Datetime("us", "UTC")
MEMBER = "m."  # prefix of the columns that hold the JSON of an order's members

# Columns of a fragment beside KEY and the members.
LINES = "lines"  # JSON of the line items, joined by commas
LINE_ROWS = "line_rows"  # the address of each line
MUTATIONS = "mutations"  # list of MUTATION structs

_SAFE, _READ_BACK = pl.lit(Replay.SAFE.value), pl.lit(Replay.READ_BACK.value)


def fragments(rows: pl.DataFrame, plan: Plan, backfill: bool) -> pl.DataFrame:  # noqa: FBT001 - a fact
    """One row per order key: its members, lines, changes and control totals.

    `rows` are rows of a FieldTable in file order, none of them of an order that is held.
    """
    zone, lazy = plan.source.timezone, rows.lazy()
    pieces = [_orders(lazy, plan, zone)]
    if plan.trackings is not None:
        told_in = [FILE, MESSAGE] if MESSAGE in rows.columns else _row_of_items(plan)
        pieces.append(_trackings(lazy, plan.trackings, zone, backfill=backfill, told_in=told_in))
    pieces += [_mutations(lazy, mutation, zone) for mutation in plan.mutations]
    if plan.lines is not None:
        pieces.append(_lines(lazy, plan, zone))
    # together, because each alone leaves a core idle
    orders, *parts = pl.collect_all(pieces)
    if plan.lines is not None:
        orders = orders.join(parts.pop(), on=KEY, how="left", maintain_order="left")
    changes = [part for part in parts if part.height]
    if changes:
        listed = pl.concat(changes).group_by(KEY, maintain_order=True).agg(pl.exclude(KEY))
        packed = listed.select(KEY, *(pl.col(name) for name in listed.columns if name != KEY))
        orders = orders.join(packed, on=KEY, how="left", maintain_order="left")
    return orders


def gathered(leaf: FieldPlan) -> pl.Expr:
    """The one value of a field over the rows of a group: its aggregate, else the first value."""
    column = pl.col(leaf.slot).drop_nulls()
    match leaf.aggregate:
        case None | Aggregate.FIRST:
            return column.first()
        case Aggregate.SUM:
            # the sum of no value is no value, not zero
            return pl.when(column.len() > 0).then(column.sum())
        case Aggregate.MIN:
            return column.min()
        case Aggregate.MAX:
            return column.max()


def _gathered(part: ObjectPlan) -> list[pl.Expr]:
    """How the rows of a group become one row: first values, lists of texts, aggregates."""
    listed = {
        item.slot
        for member in part.members
        if isinstance(member, ListPlan) and member.kind in {Kind.TEXTS, Kind.CHOICES}
        for item in member.items
        if isinstance(item, FieldPlan)
    }
    made = []
    for leaf in part.leaves():
        if leaf.slot in listed:
            texts = pl.col(leaf.slot).drop_nulls().unique(maintain_order=True)
            made.append(texts.alias(leaf.slot))
        else:
            made.append(gathered(leaf).alias(leaf.slot))
    return made


def _orders(rows: pl.LazyFrame, plan: Plan, zone: str | None) -> pl.LazyFrame:
    gathered = rows.group_by(KEY, maintain_order=True).agg(
        *(pl.col(name).first() for name in ORIGIN),
        pl.struct(ORIGIN).alias("addresses"),
        *_gathered(plan.order),
    )
    members = [
        payload.member(part, zone).alias(MEMBER + part.name)
        for part in plan.order.members
        if part.name != "order_number"
    ]
    known = {leaf.target: leaf.slot for leaf in plan.order.leaves()}
    value, currency = known.get("order_total_amount"), known.get("order_currency")
    country, ordered = known.get("destination_country_iso3"), known.get("order_date")
    return gathered.select(
        KEY,
        *ORIGIN,
        "addresses",
        pl.col(known["order_number"]).alias("order_number"),
        *members,
        (pl.col(value) if value else pl.lit(None)).cast(pl.Decimal(38, 2)).alias("value"),
        (pl.col(currency) if currency else pl.lit(None)).cast(pl.String).alias("currency"),
        (pl.col(country) if country else pl.lit(None)).cast(pl.String).alias("country"),
        (pl.col(ordered) if ordered else pl.lit(None)).cast(MOMENT).alias("ordered_at"),
    )


def _lines(rows: pl.LazyFrame, plan: Plan, zone: str | None) -> pl.LazyFrame:
    assert plan.lines is not None  # noqa: S101 - the caller asks for plans with lines
    taken = rows.filter(pl.col(WHEN_LINES))
    quantity = next(
        (f.slot for f in plan.lines.item.leaves() if f.target == "articles_order.quantity"), None
    )
    return (
        taken.select(
            KEY,
            pl.struct(ORIGIN).alias("row"),
            payload.json_object(plan.lines.item, zone).alias("line"),
            (pl.col(quantity) if quantity else pl.lit(None, pl.Int64)).alias("quantity"),
        )
        .filter(pl.col("line").is_not_null())
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("line").str.join(",").alias(LINES),
            pl.col("row").alias(LINE_ROWS),
            pl.col("quantity").sum(),
        )
    )


def _change(
    kind: str, subject: pl.Expr, body: pl.Expr, replay: pl.Expr, plan: int | None = None
) -> list[pl.Expr]:
    """The columns of one change, as they are gathered into lists per order.

    `plan` is the place of the mutation in the mapping; None for what `trackings` makes.
    """
    return [
        pl.lit(kind).alias("change_type"),
        pl.concat_str(pl.lit(f"{kind}|"), subject.fill_null("")).alias("change_subject"),
        body.alias("change_body"),
        replay.alias("change_replay"),
        pl.struct(ORIGIN).alias("change_row"),
        pl.lit(plan, pl.UInt32).alias("change_plan"),
    ]


def _row_of_items(plan: Plan) -> list[str]:
    """The columns that tell a row of the file, if the articles of parcels are items of its cells."""
    articles = plan.trackings.articles if plan.trackings is not None else None
    if plan.pieces is None or articles is None:
        return []
    used = {name for leaf in articles.leaves() for name in leaf.columns}
    return [FILE, LINE] if used & {*plan.pieces.names} else []


def _trackings(
    rows: pl.LazyFrame, plan: TrackingsPlan, zone: str | None, *, backfill: bool, told_in: list[str]
) -> pl.LazyFrame:
    """One add_tracking per distinct key, in order of appearance.

    `told_in` are columns that tell a message, or a row, whose equal articles are several.
    """
    taken = rows.filter(pl.col(WHEN_TRACKINGS))
    nested: dict[str, pl.Expr] = {}
    made: list[pl.Expr] = []
    for name, part in (("articles", plan.articles), ("checkpoints", plan.checkpoints)):
        if part is not None:
            made.append(payload.json_object(part, zone).alias(f"_{name}"))
            nested[name] = pl.col(f"_{name}").drop_nulls().unique(maintain_order=True).str.join(",")
    taken = taken.with_columns(made)
    if told_in and plan.articles is not None:
        # two equal lines of one message are two; told again in another message they are the same two
        same = [KEY, TRACKING_KEY, *told_in, "_articles"]
        # the copies of an EDI segment are one line; rows of text have their items in the bits above
        segment = pl.col(SEGMENT) & SEGMENTS_MAX if MESSAGE in told_in else pl.col(SEGMENT)
        nth = segment.rank("dense").over(same)
        taken = taken.with_columns(nth.alias("_nth"))
        told = pl.struct("_articles", "_nth").filter(pl.col("_articles").is_not_null())
        once = told.unique(maintain_order=True).struct.field("_articles")
        nested["articles"] = once.str.join(",")
    grouped = taken.group_by(KEY, TRACKING_KEY, maintain_order=True).agg(
        *(pl.col(name).first() for name in ORIGIN),
        *_gathered(plan.tracking),
        *(expr.alias(f"_{name}") for name, expr in nested.items()),
    )
    lists: dict[str, pl.Expr] = {
        name: pl.when(pl.col(f"_{name}") != "").then(
            pl.concat_str(pl.lit("["), pl.col(f"_{name}"), pl.lit("]"))
        )
        for name in nested
    }
    if backfill:  # whatever the mapping says: `compare` adds it, as true
        lists["notifications_inactive"] = pl.lit(None, pl.String)
    inner = payload.members(plan.tracking, zone, lists)
    body = pl.concat_str(pl.lit('"tracking":{'), inner, pl.lit("}"))
    return grouped.select(KEY, *_change("add_tracking", _identity(plan.tracking), body, _SAFE))


def _identity(tracking: ObjectPlan) -> pl.Expr:
    """What tells a tracking of an order from its others (CONTRACT §5.4)."""
    slots = {leaf.name: pl.col(leaf.slot) for leaf in tracking.leaves()}
    both = [slots[name] for name in ("courier", "tracking_number") if name in slots]
    pair = pl.concat_str(both, separator="|") if len(both) > 1 else pl.lit(None, pl.String)
    return pl.coalesce(pair, slots.get("external_reference", pl.lit(None, pl.String)))


def _mutations(rows: pl.LazyFrame, mutation: MutationPlan, zone: str | None) -> pl.LazyFrame:
    taken = rows.filter(pl.col(when_mutation(mutation.index)))
    slots = {leaf.name: pl.col(leaf.slot) for leaf in mutation.body.leaves()}
    replay: pl.Expr = _SAFE
    if mutation.type == "cancel_order":
        # one for the order; values come from the first row that has them
        taken = taken.group_by(KEY, maintain_order=True).agg(
            *(pl.col(name).first() for name in ORIGIN), *_gathered(mutation.body)
        )
        subject = pl.lit("")
    elif mutation.type == "cancel_tracking":
        tracking = next(m for m in mutation.body.members if isinstance(m, ObjectPlan))
        subject = _identity(tracking)
    elif mutation.type == "change_line_item_quantity":
        subject = slots["line_item_id"]
        if "current_quantity" in slots:
            replay = (
                pl.when(slots["current_quantity"].is_not_null()).then(_READ_BACK).otherwise(_SAFE)
            )
    else:
        name = "old_line_item_id" if mutation.type == "replace_line_item" else "line_item_id"
        subject, replay = slots[name], _READ_BACK
    made = taken.select(
        KEY,
        *_change(
            mutation.type, subject, payload.members(mutation.body, zone), replay, mutation.index
        ),
    )
    if mutation.scope is Scope.ROW and mutation.type != "cancel_order":
        # the same change told on two rows is one change
        same = [KEY, "change_subject", "change_body"]
        made = made.unique(subset=same, keep="first", maintain_order=True)
    return made
