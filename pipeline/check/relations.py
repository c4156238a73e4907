"""What rows of one order owe each other: unique lines, agreeing changes, parcels of known lines."""

from collections.abc import Collection, Iterator
from typing import Final

import polars as pl

from pipeline.check.demands import Demand, Failed, demand_on, judge, shown
from pipeline.check.rows import ROW
from pipeline.mapping.plan import (
    FieldPlan,
    ListPlan,
    Member,
    MutationPlan,
    ObjectPlan,
    Plan,
    Scope,
    Sending,
)
from pipeline.model.field import Kind
from pipeline.model.origin import KEY, ORIGIN

_ID: Final = "line_item_id"
# By what a change tells which thing it changes; the tracking of cancel_tracking by its identity.
_SUBJECTS: Final = {
    "change_line_item_quantity": (_ID,),
    "replace_line_item": ("old_line_item_id",),
    "add_line_item": (_ID,),
    "cancel_tracking": ("courier", "tracking_number", "external_reference"),
}
# What says which article a line is; of the rest, such as quantity or lot, a line may have several.
_ARTICLE: Final = ("product_id", "variant_id", "sku", "barcode")
_PART_END: Final = "\x1f"  # cannot stand in a cell that was read as text


def judge_relations(plan: Plan, rows: pl.DataFrame, existing: Collection[str]) -> list[Failed]:
    """Judge R302, R318, R321 and R322."""
    return [
        *_judge_line_ids(plan, rows),
        *_judge_article_ids(plan, rows),
        *_judge_articles(plan, rows, existing),
        *_judge_changes(plan, rows),
        *judge(rows, list(_spans(plan))),
    ]


def _field(part: ObjectPlan, name: str) -> FieldPlan | None:
    return next((made for made in part.leaves() if made.name == name), None)


def _judge_line_ids(plan: Plan, rows: pl.DataFrame) -> list[Failed]:
    """R302: one line id on several rows of an order."""
    made = _field(plan.lines.item, _ID) if plan.lines is not None else None
    if made is None:
        return []
    lines = rows.filter(
        pl.col("_when.lines") & pl.col(KEY).is_not_null() & pl.col(made.slot).is_not_null()
    )
    repeated = (
        lines.group_by(KEY, made.slot)
        .agg(pl.len().alias("_rows"), pl.col(ROW).min().alias("_first"))
        .filter(pl.col("_rows") > 1)
    )
    frame = lines.select(ROW, *ORIGIN, KEY, made.slot).join(repeated, on=[KEY, made.slot])
    demand = demand_on(
        made, "R302", pl.col(ROW) == pl.col("_first"), value=shown(made),
        detail=pl.col("_rows").cast(pl.String),
    )  # fmt: skip
    return judge(frame, [demand])


def _judge_article_ids(plan: Plan, rows: pl.DataFrame) -> list[Failed]:
    """R302: one line id for different articles of an order's parcels.

    The same line may be in several parcels, or twice in one (two lots); then its article is the
    same, as far as the rows name one.
    """
    articles = plan.trackings.articles if plan.trackings is not None else None
    made = _field(articles, _ID) if articles is not None else None
    if articles is None or made is None:
        return []
    slots = [field.slot for field in articles.leaves() if field.name in _ARTICLE]
    line = [KEY, made.slot]
    told = rows.filter(
        pl.col("_when.trackings") & pl.all_horizontal(pl.col(line).is_not_null())
    ).select(ROW, *ORIGIN, *line, *slots)
    # nearly all lines name one article: only those with several are looked at row by row
    several = told.select(*line, *slots).unique().filter(pl.struct(line).is_duplicated())
    if several.is_empty():
        return []
    agrees = (
        (pl.col(slot) == pl.col(slot).drop_nulls().first().over(line)).fill_null(value=True)
        for slot in slots
    )
    judged = told.join(
        several.select(line).unique(), on=line, how="semi", maintain_order="left"
    ).with_columns(
        pl.all_horizontal(agrees).alias("_agrees"), pl.len().over(line).alias("_rows")
    )  # fmt: skip
    demand = demand_on(
        made, "R302", pl.col("_agrees"), value=shown(made), detail=pl.col("_rows").cast(pl.String)
    )
    return judge(judged, [demand])


def _judge_articles(plan: Plan, rows: pl.DataFrame, existing: Collection[str]) -> list[Failed]:
    """R321: a parcel holds a line that the order lacks (CONTRACT K47)."""
    lines, sent = plan.lines, plan.trackings
    if lines is None or sent is None or sent.articles is None:
        return []
    own, article = _field(lines.item, _ID), _field(sent.articles, _ID)
    if own is None or article is None:
        return []
    frame = rows.filter(
        pl.col("_when.trackings") & pl.col(KEY).is_not_null() & pl.col(article.slot).is_not_null()
    )
    number = _field(plan.order, "order_number")
    if lines.send is Sending.ON_CREATE and number is not None and existing:
        # The lines of an order that exists are not sent but stored already; which ones, only
        # parcelLab knows.
        stored = pl.Series(list(existing), dtype=pl.String).implode()
        frame = frame.filter(~pl.col(number.slot).is_in(stored).fill_null(value=False))
    added = [
        (f"_when.mutations.{each.index}", made) for each in plan.mutations for made in _added(each)
    ]
    ids = pl.concat(
        rows.filter(pl.col(when)).select(KEY, pl.col(made.slot).alias(article.slot))
        for when, made in [("_when.lines", own), *added]
    ).unique()
    marked = frame.select(*ORIGIN, KEY, article.slot).join(
        ids.with_columns(pl.lit(value=True).alias("_known_line")),
        on=[KEY, article.slot],
        how="left",
    )
    passes = pl.col("_known_line").is_not_null()
    return judge(marked, [demand_on(article, "R321", passes, value=shown(article))])


def _added(mutation: MutationPlan) -> list[FieldPlan]:
    """The id of the line that a mutation brings into the order."""
    if mutation.type not in {"add_line_item", "replace_line_item"}:
        return []
    made = _field(mutation.body, _ID)
    return [] if made is None else [made]


def _judge_changes(plan: Plan, rows: pl.DataFrame) -> list[Failed]:
    """R318: two rows of an order ask for different changes of one thing."""
    by_type: dict[str, list[MutationPlan]] = {}
    for mutation in plan.mutations:
        if mutation.scope is Scope.ROW and mutation.type in _SUBJECTS:
            by_type.setdefault(mutation.type, []).append(mutation)
    return [failed for listed in by_type.values() for failed in _judge_type(listed, rows)]


def _judge_type(mutations: list[MutationPlan], rows: pl.DataFrame) -> list[Failed]:
    frames = [_asked(mutation, rows) for mutation in mutations]
    asked = pl.concat(frames)
    thing = [KEY, "_subject"]
    first = pl.col("_body").first().over(thing, order_by=[ROW, "_index"])
    judged = asked.filter(pl.all_horizontal(pl.col(thing).is_not_null())).with_columns(
        (pl.col("_body") == first).alias("_agrees")
    )
    demands = (_change_demand(mutation) for mutation in mutations)
    return judge(judged, [demand for demand in demands if demand is not None])


def _change_demand(mutation: MutationPlan) -> Demand | None:
    subjects = _subjects(mutation)
    if not subjects:
        return None
    return Demand(
        code="R318",
        passes=pl.col("_agrees") | (pl.col("_index") != mutation.index),
        slot=subjects[0].slot,
        target=mutation.body.target,
        column=pl.lit(subjects[0].column),
        value=pl.col("_subject"),
        line=mutation.line,
        known_by=tuple(column for made in mutation.body.leaves() for column in made.columns),
    )


def _subjects(mutation: MutationPlan) -> list[FieldPlan]:
    leaves = mutation.body.leaves()
    names = _SUBJECTS[mutation.type]
    return [made for name in names for made in leaves if made.name == name]


def _asked(mutation: MutationPlan, rows: pl.DataFrame) -> pl.DataFrame:
    """What a mutation asks for, row by row: its subject and its body as text."""
    leaves = sorted(mutation.body.leaves(), key=lambda made: made.target)
    body = [
        pl.concat_str(pl.lit(f"{made.target}="), pl.col(made.slot).cast(pl.String))
        for made in leaves
    ]
    subject = [pl.col(made.slot) for made in _subjects(mutation)]
    return rows.filter(pl.col(f"_when.mutations.{mutation.index}")).select(
        ROW,
        *ORIGIN,
        KEY,
        pl.lit(mutation.index).alias("_index"),
        _joined(subject, " ").alias("_subject"),
        _joined(body, _PART_END).fill_null("").alias("_body"),
    )


def _joined(parts: list[pl.Expr], separator: str) -> pl.Expr:
    """Join what is there; null when nothing is."""
    if not parts:
        return pl.lit(None, pl.String)
    some = pl.any_horizontal(part.is_not_null() for part in parts)
    return pl.when(some).then(pl.concat_str(parts, separator=separator, ignore_nulls=True))


def _spans(plan: Plan) -> Iterator[Demand]:
    """R322: a span of dates that ends before it starts, for every pair `…_min` and `…_max`."""
    roots = [plan.order, *(mutation.body for mutation in plan.mutations)]
    if plan.trackings is not None:
        roots.append(plan.trackings.tracking)
    for root in roots:
        yield from _spans_in(root)


def _spans_in(part: Member) -> Iterator[Demand]:
    if isinstance(part, ListPlan):
        for item in part.items:
            yield from _spans_in(item)
    if not isinstance(part, ObjectPlan):
        return
    named = {made.name: made for made in part.members if isinstance(made, FieldPlan)}
    for name, start in named.items():
        end = named.get(f"{name.removesuffix('_min')}_max")
        if name.endswith("_min") and end is not None and start.kind is end.kind is Kind.DATE:
            detail = pl.concat_str(pl.lit(f"{end.name} "), shown(end))
            passes = pl.col(start.slot) <= pl.col(end.slot)
            yield demand_on(start, "R322", passes, value=shown(start), detail=detail)
    for member in part.members:
        yield from _spans_in(member)
