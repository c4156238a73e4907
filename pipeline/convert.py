"""Text to typed fields: one pass over the rows, a value and a reason per field (PRODUCT §2.5).

    raw cells ─trim, empty is null─▶ columns ─declared types, derive─▶ key, skip ─▶ fields

No row is dropped without being named: rows that the mapping skips and rows that repeat another
one are handed on by address.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from pipeline.mapping.plan import (
    KEY_COLUMN,
    Aggregate,
    ColumnPlan,
    FieldPlan,
    MutationPlan,
    ObjectPlan,
    Plan,
    Scope,
)
from pipeline.mapping.values import TEXT_PREFIX, WHY_PREFIX
from pipeline.model import codes
from pipeline.model.findings import Findings
from pipeline.model.origin import FILE, KEY, LINE, MESSAGE, ORIGIN, SEGMENT
from pipeline.model.rules import RULES
from pipeline.model.tables import (
    TRACKING_KEY,
    WHEN_LINES,
    WHEN_TRACKINGS,
    FieldTable,
    RawTable,
    when_mutation,
)

SKIPPED = "_skipped"


@dataclass(frozen=True, slots=True)
class Converted:
    """What `convert` makes of a table.

    `table` holds the rows that are to be sent. `filtered` and `repeated` hold ORIGIN and `_key` of
    the rows that `rows.skip` names and of exact repetitions of an earlier row.
    """

    table: FieldTable
    findings: Findings
    filtered: pl.DataFrame
    repeated: pl.DataFrame


def keys(raw: RawTable, plan: Plan) -> pl.Series:
    """The order key of each row, in order; null where it is empty.

    Used alone to spread raw rows over partitions before anything else is made of them.
    """
    key = plan.key.cast(pl.String).alias(KEY)
    # lazy: only the columns that the key needs are made
    return _columns(raw.rows, plan).select(key).collect().to_series()


def orders_of(raw: RawTable, plan: Plan) -> pl.DataFrame:
    """The order that each row seems to belong to, in order: `_key` and `order_number`.

    For records that no order is made of: enough to hold their order back and to say which it is.
    Null where it is empty, cannot be made, or holds what no order number may (a byte that is not
    valid, a binary zero, too many characters).
    """
    leaf = next(leaf for leaf in plan.order.leaves() if leaf.name == "order_number")
    number = leaf.value.cast(pl.String)
    fits = number.str.len_chars() <= leaf.field.max_length
    spoilt = number.str.contains(r"\p{C}|\x{FFFD}")
    return (
        _columns(raw.rows, plan)
        .select(
            plan.key.cast(pl.String).alias(KEY),
            pl.when(fits & ~spoilt).then(number).alias("order_number"),
        )
        .collect()
    )


def seen(raw: RawTable, plan: Plan) -> pl.DataFrame:
    """The rows as the expressions of the mapping see them, for people who ask how a value came about.

    Returns:
        ORIGIN, `_key`, the columns that the mapping reads and derives, `_skipped` (`rows.skip` names
        the row), and of rows that are not skipped, `_when.<section>`.
    """
    frame = _columns(raw.rows, plan).with_columns(plan.key.cast(pl.String).alias(KEY)).collect()
    skip = plan.skip if plan.skip is not None else pl.lit(value=False)
    frame = frame.with_columns(skip.alias(SKIPPED))
    taken = frame.filter(~pl.col(SKIPPED)).with_columns(_conditions(plan))
    return pl.concat([taken, frame.filter(SKIPPED)], how="diagonal").sort(ORIGIN)


def convert(raw: RawTable, plan: Plan) -> Converted:
    """Make typed fields of the cells.

    Returns:
        Converted: `table` has ORIGIN, `_key`, `_when.<section>`, `_key.trackings` and one column
        per field, named by its slot; findings are R2xx, R401, R319 and R324.
    """
    frame = _columns(raw.rows, plan).with_columns(plan.key.cast(pl.String).alias(KEY)).collect()
    filtered = _empty(frame)
    if plan.skip is not None:
        skipped = frame.select(plan.skip.alias("skip")).to_series()
        filtered = frame.filter(skipped).select(*ORIGIN, KEY)
        frame = frame.filter(~skipped)
    repeated, notes = _repeated(frame, plan)
    if repeated.height:
        frame = frame.join(repeated, on=ORIGIN, how="anti", maintain_order="left")
    frame = frame.with_columns(_conditions(plan))
    fields = plan.fields()
    gates = _gates(plan)
    reasons = [
        _gated(f.reason, gates.get(f.slot)).is_not_null() for f in fields if f.reason is not None
    ]
    reasons += [pl.col(WHY_PREFIX + c.name).is_not_null() for c in _failing(plan)]
    reasons += [pl.col(KEY).is_null(), _of_no_type(plan)]
    made = frame.lazy().select(
        *ORIGIN,
        *_of_message(frame),
        KEY,
        pl.any_horizontal(reasons).alias("_bad"),
        *_section_columns(plan),
        *(_value(f, plan, gates.get(f.slot)).alias(f.slot) for f in fields),
    ).collect()  # fmt: skip
    bad = frame.filter(made.get_column("_bad"))
    findings = Findings.of(
        notes.rows,
        # most tables have no such row, and asking each field for its own takes longer than all else
        *(_column_findings(bad, plan) if bad.height else ()),
        *(_field_findings(bad, plan, gates) if bad.height else ()),
    )
    table = FieldTable(made.drop("_bad"))
    findings = at_its_own_record(_once(findings), frame, plan)
    return Converted(table, findings, filtered, repeated)


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """The rows of a reference file: ORIGIN, `_key` and each cell as text, empty ones null.

    `filtered` are those that are skipped, `findings` say why a key could not be made.
    """

    rows: pl.DataFrame
    filtered: pl.DataFrame
    findings: Findings


def references_in(raw: RawTable, plan: Plan) -> ReferenceRows:
    """Make the keys of rows that are joined to others; their cells stay text until then."""
    frame = _columns(raw.rows, plan).with_columns(plan.key.cast(pl.String).alias(KEY)).collect()
    filtered = _empty(frame)
    if plan.skip is not None:
        skipped = frame.select(plan.skip.alias("skip")).to_series()
        filtered, frame = frame.filter(skipped).select(*ORIGIN, KEY), frame.filter(~skipped)
    # a bad cell of a declared column matters in the rows that it is joined to, and is found there
    of_key = replace(plan, typed=())
    found = Findings.of(*_column_findings(frame.filter(pl.col(KEY).is_null()), of_key))
    typed = {column.name for column in plan.typed}
    cells = (pl.col(TEXT_PREFIX + n if n in typed else n).alias(n) for n in plan.reads)
    return ReferenceRows(frame.select(*ORIGIN, KEY, *cells), filtered, found)


def looked_up_in(raw: RawTable, plan: Plan) -> pl.DataFrame:
    """What each row names in the files that are joined to it, in order; a column for each."""
    names = [join.on for join in plan.joins]
    return _columns(raw.rows, plan).select(pl.col(name).cast(pl.String) for name in names).collect()


def _empty(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.clear().select(*ORIGIN, KEY)


def _columns(rows: pl.DataFrame, plan: Plan) -> pl.LazyFrame:
    """Trim, make empty cells null, then declared types, then derived columns in order."""
    typed = {column.name for column in plan.typed}
    cells = []
    of_pieces = plan.pieces.names if plan.pieces is not None else ()
    for name in (*plan.reads, *of_pieces):
        # the key of a row is asked for before its pieces are made, and before anything is joined
        cell = pl.col(name) if name in rows.columns else pl.lit(None, pl.String)
        text = cell.str.strip_chars() if plan.source.trim else cell
        value = pl.when(~text.is_in(plan.source.nothing(name))).then(text)
        cells.append(value.alias(TEXT_PREFIX + name if name in typed else name))
    lazy = rows.lazy().select(*ORIGIN, *_of_message(rows), *cells)
    if plan.typed:
        lazy = lazy.with_columns(_made(plan.typed))
    for column in plan.derived:
        lazy = lazy.with_columns(_made([column]))
        if not column.kind.is_text:
            text = pl.col(column.name).cast(pl.String)
            lazy = lazy.with_columns(text.alias(TEXT_PREFIX + column.name))
    return lazy


def _of_message(rows: pl.DataFrame) -> list[str]:
    return [MESSAGE] if MESSAGE in rows.columns else []


def _made(columns: Iterable[ColumnPlan]) -> list[pl.Expr]:
    made = []
    for column in columns:
        made.append(column.value.alias(column.name))
        if column.reason is not None:
            made.append(column.reason.alias(WHY_PREFIX + column.name))
    return made


def _failing(plan: Plan) -> list[ColumnPlan]:
    return [column for column in (*plan.typed, *plan.derived) if column.reason is not None]


def _conditions(plan: Plan) -> list[pl.Expr]:
    """Which rows take part in each section."""
    made = []
    always = pl.lit(value=True)
    if plan.lines is not None:
        when = plan.lines.when if plan.lines.when is not None else always
        made.append(_of_piece(when, plan.lines.item.leaves(), plan).alias(WHEN_LINES))
    if plan.trackings is not None:
        when = plan.trackings.when if plan.trackings.when is not None else always
        when = _of_piece(when, plan.trackings.tracking.leaves(), plan, plan.trackings.key_columns)
        made.append(when.alias(WHEN_TRACKINGS))
        made.append(pl.when(when).then(plan.trackings.key).alias(TRACKING_KEY))
        made += [
            _of_piece(when, part.leaves(), plan).alias(_when_nested(part))
            for part in (plan.trackings.articles, plan.trackings.checkpoints) if part is not None
        ]  # fmt: skip
    for mutation in plan.mutations:
        when = _mutation_condition(mutation)
        if mutation.scope is Scope.ROW and mutation.type != "cancel_order":
            when = _of_piece(when, mutation.body.leaves(), plan)
        made.append(when.alias(when_mutation(mutation.index)))
    return made


def _when_nested(part: ObjectPlan) -> str:
    """Whether a row says something of the articles, or of the checkpoints, of its parcel."""
    return f"_when.{part.slot}"


def _of_piece(
    when: pl.Expr, leaves: Iterable[FieldPlan], plan: Plan, columns: Iterable[str] = ()
) -> pl.Expr:
    """A condition that does not hold for a row without items, where items are what it is about."""
    if plan.pieces is None:
        return when
    used = {*columns, *(name for leaf in leaves for name in leaf.columns)}
    return when & (pl.col(SEGMENT) > 0) if used & {*plan.pieces.names} else when


def _mutation_condition(mutation: MutationPlan) -> pl.Expr:
    if mutation.when is None:
        return pl.lit(value=True)
    match mutation.scope:
        case Scope.ALL:
            return mutation.when.all().over(KEY)
        case Scope.ANY:
            return mutation.when.any().over(KEY)
        case Scope.ROW:
            return mutation.when


def _once_a_row(value: pl.Expr, field: FieldPlan, plan: Plan) -> pl.Expr:
    """A value that is added up: what a row has but once counts once, and not for each of its pieces."""
    pieces = plan.pieces
    if pieces is None or field.aggregate is not Aggregate.SUM or {*pieces.names} & {*field.columns}:
        return value
    return pl.when(pl.int_range(pl.len()).over(FILE, LINE) == 0).then(value)


def _section_columns(plan: Plan) -> list[str]:
    names = [WHEN_LINES] if plan.lines is not None else []
    names += [WHEN_TRACKINGS, TRACKING_KEY] if plan.trackings is not None else []
    return names + [when_mutation(mutation.index) for mutation in plan.mutations]


def _gates(plan: Plan) -> dict[str, str]:
    """Slot → the Boolean column that must be true for the field to have a value."""
    gates: dict[str, str] = {}

    def gate(part: ObjectPlan | None, column: str) -> None:
        for leaf in part.leaves() if part is not None else ():
            gates[leaf.slot] = column

    if plan.lines is not None:
        gate(plan.lines.item, WHEN_LINES)
    if plan.trackings is not None:
        gate(plan.trackings.tracking, WHEN_TRACKINGS)
        for part in (plan.trackings.articles, plan.trackings.checkpoints):
            if part is not None:
                gate(part, _when_nested(part))
    for mutation in plan.mutations:
        gate(mutation.body, when_mutation(mutation.index))
    return gates


def _value(field: FieldPlan, plan: Plan, gate: str | None) -> pl.Expr:
    """The value of a row; the default only where no row of its order, or parcel, has one.

    Rows that continue an order leave its cells blank (FORMATS §1): a default in each of them would
    disagree with the row that has the value.
    """
    value = _gated(field.value, gate)
    if field.fill is None:
        return _once_a_row(value, field, plan)
    of = [KEY] if gate is None else [KEY, TRACKING_KEY]
    none = value.is_null().all().over(of)
    if field.reason is not None:
        none = none & field.reason.is_null()
    filled = pl.when(none).then(_gated(field.fill, gate)).otherwise(value)
    return _once_a_row(filled, field, plan)


def _gated(expr: pl.Expr, gate: str | None) -> pl.Expr:
    return expr if gate is None else pl.when(pl.col(gate)).then(expr)


# -- findings -------------------------------------------------------------------------------


def _column_findings(bad: pl.DataFrame, plan: Plan) -> list[pl.DataFrame]:
    """Cells of declared and derived columns that are not what the mapping says, and empty keys."""
    found = []
    # the field that the cell was meant for says whether its value may be shown, and what it is for
    fields = plan.fields()[::-1]
    feeds = {name: field.target for field in fields for name in field.columns}
    # rather the field that is made of it than one with a condition on it
    feeds |= {field.column: field.target for field in fields if field.column}
    for column in _failing(plan):
        rows = bad.filter(pl.col(WHY_PREFIX + column.name).is_not_null())
        if not rows.height:
            continue
        name = column.columns[0] if column.columns else column.name
        raw = TEXT_PREFIX + name if TEXT_PREFIX + name in rows.columns else name
        code = pl.col(WHY_PREFIX + column.name)
        found.append(
            rows.select(
                *ORIGIN, code.alias("code"), pl.lit(name).alias("column"), pl.lit(feeds.get(name, "")).alias("target"),
                pl.col(raw).alias("value"), _detail(code, column.details).alias("detail"),
                pl.lit(plan.name).alias("mapping"), pl.lit(column.line).alias("mapping_line"),
            )
        )  # fmt: skip
    strange = bad.filter(_of_no_type(plan))
    if strange.height and plan.source.records is not None:
        name = plan.source.records.column
        found.append(
            strange.select(
                *ORIGIN, pl.lit("R114").alias("code"), pl.lit(name).alias("column"), pl.lit("").alias("target"),
                pl.concat_str(pl.lit('"'), pl.col(name).fill_null(""), pl.lit('"')).alias("value"),
                pl.lit(plan.name).alias("mapping"),
            )
        )  # fmt: skip
    keyless = bad.filter(pl.col(KEY).is_null())
    if WHY_PREFIX + KEY_COLUMN in keyless.columns:  # it is told already why there is no key
        keyless = keyless.filter(pl.col(WHY_PREFIX + KEY_COLUMN).is_null())
    if keyless.height:
        named = ", ".join(plan.key_columns)
        found.append(
            keyless.select(
                *ORIGIN, pl.lit("R209").alias("code"), pl.lit(named).alias("column"),
                pl.lit("order_number").alias("target"), pl.lit(plan.name).alias("mapping"),
            )
        )  # fmt: skip
    return found


def _of_no_type(plan: Plan) -> pl.Expr:
    """Whether a record is of a type that is not declared: the reader has seen it, but of corrected rows a person writes it."""
    types = plan.source.records
    if types is None:
        return pl.lit(value=False)
    codes = [each.code for each in types.types if not each.ignored]
    return ~pl.col(types.column).str.strip_chars().is_in(codes).fill_null(value=False)


def _field_findings(bad: pl.DataFrame, plan: Plan, gates: dict[str, str]) -> list[pl.DataFrame]:
    found = []
    for field in plan.fields():
        if field.reason is None:
            continue
        rows = bad.select(
            *ORIGIN,
            _gated(field.reason, gates.get(field.slot)).alias("code"),
            field.raw.cast(pl.String).alias("value"),
        ).filter(pl.col("code").is_not_null())
        if rows.height:
            found.append(_field_rows(rows, field, plan))
    return found


def _field_rows(rows: pl.DataFrame, field: FieldPlan, plan: Plan) -> pl.DataFrame:
    code = pl.col("code")
    detail = _detail(code, field.details)
    if rows.filter(code == "R203").height:
        values = rows.filter(code == "R203").get_column("value").drop_nulls().unique().to_list()
        near = {value: codes.nearest_country(value) for value in values}
        hints = {value: f"; did you mean {word}?" for value, word in near.items() if word}
        hint = pl.col("value").replace_strict(
            list(hints), list(hints.values()), default="", return_dtype=pl.String
        )
        detail = pl.when(code == "R203").then(hint).otherwise(detail)
    if field.drop_on_error:
        titles = {c: f"{rule.title[:1].lower()}{rule.title[1:]} ({c})" for c, rule in RULES.items()}
        detail = code.replace_strict(list(titles), list(titles.values()), return_dtype=pl.String)
        code = pl.lit("R324")
    return rows.select(
        *ORIGIN, code.alias("code"), pl.lit(field.column).alias("column"),
        pl.lit(field.target).alias("target"), "value", detail.alias("detail"),
        pl.lit(plan.name).alias("mapping"), pl.lit(field.line).alias("mapping_line"),
    )  # fmt: skip


def _detail(code: pl.Expr, details: Mapping[str, str]) -> pl.Expr:
    """What the sentence of each code needs besides the value."""
    if not details:
        return pl.lit(None, pl.String)
    return code.replace_strict(
        list(details), list(details.values()), default=None, return_dtype=pl.String
    )


def _once(findings: Findings) -> Findings:
    """One country cell feeds three targets: a cell's problem is told once (MAPPING §7)."""
    told = findings.rows.unique(
        subset=[*ORIGIN, "column", "code"], keep="first", maintain_order=True
    )
    return Findings(told)


def at_its_own_record(findings: Findings, frame: pl.DataFrame, plan: Plan) -> Findings:
    """A cell that is repeated on the records below its own is told where it stands, and once.

    `frame` has ORIGIN, `_key` and the type of each record. Those below are held with their order. Rows without a key are in no order: each of them is told.
    """
    types = plan.source.records
    inherited = {name for each in types.types for name in each.inherits} if types else set()
    if types is None or not inherited or not len(findings):
        return findings
    by_type = {
        each.code: list(inherited.intersection(each.inherits)) for each in types.types if each.inherits
    }  # fmt: skip
    of_row = frame.select(*ORIGIN, KEY, pl.col(types.column).alias("_type"))
    told = findings.rows.join(of_row, on=ORIGIN, how="left", maintain_order="left")
    repeated = pl.any_horizontal(
        pl.lit(value=False),
        *((pl.col("_type") == code) & pl.col("column").is_in(names) for code, names in by_type.items()),
    )  # fmt: skip
    same = [FILE, KEY, "column", "code", "value"]
    first = pl.struct(LINE).first().over(same, order_by=LINE) == pl.struct(LINE)
    told = told.filter(~repeated.fill_null(value=False) | pl.col(KEY).is_null() | first)
    return Findings(told.drop(KEY, "_type"))


# -- repeated rows --------------------------------------------------------------------------


def _repeated(frame: pl.DataFrame, plan: Plan) -> tuple[pl.DataFrame, Findings]:
    """Rows whose mapped cells all equal those of an earlier row of the same order (R319).

    Only where rows carry something of their own (lines, articles, row-wise changes): elsewhere
    equal rows are how a file says the same thing of an order twice. Of EDI a row repeats one of
    another message: two equal segments of one message are two pieces, each with its serial number.
    """
    own = plan.lines is not None or (
        plan.trackings is not None and plan.trackings.articles is not None
    )
    if not own or frame.height < 2:
        return _empty(frame), Findings.none()
    typed = {column.name for column in plan.typed}
    cells = [TEXT_PREFIX + name if name in typed else name for name in plan.reads]
    # numbered rows of one file are never the same; those of the same order in another file are
    cells += [column.name for column in plan.derived if column.numbers]
    # a row repeats another one with all of its pieces; equal items of one row are several
    cells += [SEGMENT] if plan.pieces is not None else []
    # The hash only finds candidates; equality of the cells decides.
    hashes = frame.select(pl.struct(KEY, *cells).hash().alias("hash")).to_series()
    twins = frame.filter(hashes.is_duplicated() & frame.get_column(KEY).is_not_null())
    if not twins.height:
        return _empty(frame), Findings.none()
    same = [KEY, *cells]
    if MESSAGE in twins.columns:
        nth = pl.int_range(pl.len()).over(*same, FILE, MESSAGE)
        twins = twins.with_columns(nth.alias("_nth"))
        same.append("_nth")
    groups = twins.with_columns(
        pl.struct(FILE, LINE).first().over(same).alias("first"),
        pl.int_range(pl.len()).over(same).alias("nth"),
    ).filter(pl.col("nth") > 0)
    line = pl.col("first").struct.field(LINE).cast(pl.String)
    notes = groups.select(
        *ORIGIN, pl.lit("R319").alias("code"), pl.lit("").alias("column"),
        pl.lit("").alias("target"), pl.concat_str(pl.lit("line "), line).alias("detail"),
        pl.lit(plan.name).alias("mapping"),
    )  # fmt: skip
    return groups.select(*ORIGIN, KEY), Findings.of(notes)
