"""What several mappings say of one order, joined into one request; and where they contradict.

Each mapping of a run makes a fragment of an order. Fragments of one key are joined: members in the
API's order, all lines, all changes. Two fragments that say different things of one member are a
finding, never a choice.
"""

from collections.abc import Sequence

import polars as pl

from pipeline.group.fragments import LINE_ROWS, LINES, MEMBER, MOMENT
from pipeline.mapping.plan import Mode, Plan, Sending
from pipeline.model.catalogue import SHAPES
from pipeline.model.findings import FINDING_SCHEMA
from pipeline.model.origin import KEY, ORIGIN, ORIGIN_SCHEMA
from pipeline.model.tables import WHEN_LINES, FieldTable

_CHANGES = (
    "change_type", "change_subject", "change_body", "change_replay", "change_row", "change_plan",
)  # fmt: skip


def contradictions(pieces: Sequence[tuple[Plan, pl.DataFrame]]) -> pl.DataFrame:
    """R303 where a later mapping says another thing of an order's member than an earlier one.

    The finding stands at the order's first row in the later mapping. No value is quoted: a member
    may be a whole address.
    """
    found = []
    for later, (plan, frame) in enumerate(pieces):
        for _, before in pieces[:later]:
            shared = [c for c in frame.columns if _is_said(c) and c in before.columns]
            if not shared:
                continue
            both = frame.select(*ORIGIN, KEY, *shared).join(
                before.select(KEY, *shared), on=KEY, suffix="_before"
            )
            for column in shared:
                differ = both.filter(pl.col(column) != pl.col(f"{column}_before"))
                if differ.height:
                    found.append(_contradiction(differ, column.removeprefix(MEMBER), plan))
    return pl.concat(found) if found else pl.DataFrame(schema=FINDING_SCHEMA)


def _is_said(column: str) -> bool:
    return column.startswith(MEMBER) or column == "order_number"


def _contradiction(rows: pl.DataFrame, member: str, plan: Plan) -> pl.DataFrame:
    leaf = next(f for f in plan.order.leaves() if f.target.split(".")[0] == member)
    made = {
        "code": "R303", "column": leaf.column, "target": member, "value": "another value",
        "detail": "another value", "mapping": plan.name, "mapping_line": leaf.line,
    }  # fmt: skip
    return rows.select(
        *ORIGIN,
        *(
            pl.lit(made.get(n)).cast(t).alias(n)
            for n, t in FINDING_SCHEMA.items()
            if n not in ORIGIN
        ),
    )


def doubled_lines(parts: Sequence[tuple[FieldTable, Plan]]) -> pl.DataFrame:
    """R302 for line ids that two mappings give to one order; within one mapping `check` judges."""
    with_lines = [(table, plan) for table, plan in parts if plan.lines is not None]
    if len(with_lines) < 2:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    taken = []
    for nth, (table, plan) in enumerate(with_lines):
        field = next(f for f in plan.fields() if f.target == "articles_order.line_item_id")
        taken.append(
            table.rows.filter(pl.col(WHEN_LINES)).select(
                *ORIGIN, KEY, pl.col(field.slot).alias("value"), pl.lit(nth).alias("nth"),
                pl.lit(field.column).alias("column"), pl.lit(plan.name).alias("mapping"),
                pl.lit(field.line).alias("mapping_line"),
            ).filter(pl.col(KEY).is_not_null() & pl.col("value").is_not_null())
        )  # fmt: skip
    lines = pl.concat(taken)
    by = [KEY, "value"]
    twice = lines.filter(pl.col("nth") > pl.col("nth").min().over(by)).with_columns(
        pl.lit("R302").alias("code"), pl.lit("articles_order.line_item_id").alias("target"),
        pl.lit("2").alias("detail"),
    )  # fmt: skip
    return twice.select(pl.col(n).cast(t).alias(n) for n, t in FINDING_SCHEMA.items())


def joined(pieces: Sequence[tuple[Plan, pl.DataFrame]]) -> pl.DataFrame:
    """One row per order: the members of all mappings in the API's order, lines, all changes."""
    if not pieces:
        return _no_orders()
    names = [field.name for field in SHAPES["order"].fields]
    frames = [_one(plan, frame) for plan, frame in pieces]
    stacked = pl.concat(frames, how="diagonal")
    if len(frames) > 1:
        lists = [*_CHANGES, "addresses", LINE_ROWS]
        firsts = [c for c in stacked.columns if c not in {KEY, LINES, "quantity", *lists}]
        quantity = pl.col("quantity").drop_nulls()
        stacked = stacked.group_by(KEY, maintain_order=True).agg(
            *(pl.col(name).drop_nulls().first() for name in firsts),
            *(pl.col(name).drop_nulls().explode() for name in lists),
            pl.when(pl.col(LINES).is_not_null().any())
            .then(pl.col(LINES).drop_nulls().str.join(","))
            .alias(LINES),
            pl.when(quantity.len() > 0).then(quantity.sum()).alias("quantity"),
        )
    # rows that update an order though their mapping makes orders (`orphans: keep`): as in `_one`
    only_updated = pl.col("may_create").is_null() & pl.col("lines_always").is_null()
    stacked = stacked.with_columns(
        pl.when(~only_updated).then(pl.col(name)).alias(name) for name in (LINES, LINE_ROWS)
    )
    pairs = [
        pl.concat_str(pl.lit(f'"{name}":'), pl.col(MEMBER + name))
        for name in names
        if MEMBER + name in stacked.columns
    ]
    inner = pl.concat_str(pairs, separator=",", ignore_nulls=True) if pairs else pl.lit("")
    return stacked.select(
        KEY, *ORIGIN, "order_number", inner.alias("members"),
        pl.when(pl.col(LINES).is_not_null()).then(
            pl.concat_str(pl.lit("["), pl.col(LINES), pl.lit("]"))).alias(LINES),
        "may_create", "lines_always", LINE_ROWS, "addresses", *_CHANGES, "quantity", "value", "currency",
        "country", "ordered_at",
    )  # fmt: skip


_ROW_TYPE = pl.Struct(ORIGIN_SCHEMA)
_LISTS: dict[str, pl.DataType] = {
    "change_type": pl.List(pl.String),
    "change_subject": pl.List(pl.String),
    "change_body": pl.List(pl.String),
    "change_replay": pl.List(pl.String),
    "change_row": pl.List(_ROW_TYPE),
    "change_plan": pl.List(pl.UInt32),
}
_OTHERS: dict[str, pl.DataType] = {
    LINES: pl.String(),
    LINE_ROWS: pl.List(_ROW_TYPE),
    "quantity": pl.Int64(),
}


def _one(plan: Plan, frame: pl.DataFrame) -> pl.DataFrame:
    """A fragment with all columns; lines that this mapping would never send are left out."""
    missing = {n: t for n, t in (_LISTS | _OTHERS).items() if n not in frame.columns}
    full = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in missing.items())
    always = plan.lines is not None and plan.lines.send is Sending.ALWAYS
    if plan.mode is Mode.UPDATE_ONLY and not always:
        full = full.with_columns(
            pl.lit(None, pl.String).alias(LINES), pl.lit(None, pl.List(_ROW_TYPE)).alias(LINE_ROWS)
        )
    return full.with_columns(
        _true_or_null(holds=plan.mode is Mode.CREATE_OR_UPDATE and plan.belongs is None).alias(
            "may_create"
        ),
        _true_or_null(holds=always).alias("lines_always"),
        *(pl.col(name).fill_null([]) for name in _LISTS),
    )


def _true_or_null(*, holds: bool) -> pl.Expr:
    """Null, so that the first value of several fragments is what one of them says."""
    return pl.lit(value=True) if holds else pl.lit(None, pl.Boolean)


def _no_orders() -> pl.DataFrame:
    columns: dict[str, pl.DataType] = {
        KEY: pl.String(), **ORIGIN_SCHEMA, "order_number": pl.String(), "members": pl.String(),
        LINES: pl.String(), "may_create": pl.Boolean(), "lines_always": pl.Boolean(), LINE_ROWS: pl.List(_ROW_TYPE),
        "addresses": pl.List(_ROW_TYPE), **_LISTS, "quantity": pl.Int64(),
        "value": pl.Decimal(38, 2), "currency": pl.String(),
        "country": pl.String(), "ordered_at": MOMENT,
    }  # fmt: skip
    return pl.DataFrame(schema=columns)
