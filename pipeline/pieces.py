"""Rows that hold several items become a row for each, and are rows of the file again afterwards.

    rows ─take_apart─▶ pieces ─convert─▶ ─check─▶ ─group─▶ orders and findings of pieces ─whole─▶ of rows

A piece has the address of its row, with a number in the upper bits of `_segment`: that of the item in
its cell, from 1, or one more than that of the numbered columns. A row without items stays as it is, with
0. So between the two functions every stage sees rows as ever, and before and behind them a row of the
file is one row: it is read, held, told of and corrected as one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.mapping.plan import PieceColumn, PiecesPlan, Plan, Source, numbered
from pipeline.model.findings import Findings
from pipeline.model.origin import COPIES_MAX, COPY_BITS, FILE, LINE, ORIGIN, SEGMENT, SEGMENTS_MAX
from pipeline.model.outcomes import RowOutcome
from pipeline.model.tables import RawTable

_ROW = "_row"  # which row a piece is of
_NTH = "_nth"  # the number of a piece in its row
_PER_NUMBER = "R117"  # more items than an address has room for
_UNEVEN = "R118"
_MISSHAPEN = "R119"
_MASKS = (
    0xFDD0  # the first of 32 code points that Unicode leaves to programs: they stand in no text
)


@dataclass(frozen=True, slots=True)
class Apart:
    """What becomes of rows: pieces, and rows that could not be taken apart.

    `raw` has the columns of the rows and those of `PiecesPlan.names`; `faulty` has the rows as they
    were; of each there is a finding (R117, R118, R119) in `findings`.
    """

    raw: RawTable
    faulty: RawTable
    findings: Findings


def take_apart(raw: RawTable, plan: Plan) -> Apart:
    """Make a row of each item of each row, in their order; a row without any stays one.

    An item of which nothing is filled is none, and its number is not given to the next one.
    """
    pieces = plan.pieces
    if pieces is None or not raw.rows.height:
        absent = [pl.lit(None, pl.String).alias(name) for name in (pieces.names if pieces else ())]
        faulty = RawTable(raw.rows.clear())
        return Apart(RawTable(raw.rows.with_columns(absent)), faulty, Findings.none())
    rows = raw.rows.with_row_index(_ROW)
    taken, found = (_of_columns if pieces.numbered else _of_cells)(rows, pieces, plan.source)
    parted, misshapen = _parts(taken, pieces, plan.source)
    found = pl.concat([found, misshapen], how="diagonal")
    bad = found.select(_ROW).unique()
    if bad.height:
        parted = parted.join(bad, on=_ROW, how="anti", maintain_order="left")
    none = rows.select(_ROW).join(
        pl.concat([parted.select(_ROW), bad]), on=_ROW, how="anti", maintain_order="left"
    )
    every = pl.concat([parted, none], how="diagonal").sort(_ROW, _NTH)
    at = every.get_column(_ROW)
    nth = every.get_column(_NTH).fill_null(0)
    texts = [name for name in pieces.names if name != pieces.number]
    made = raw.rows[at].with_columns(
        pl.select(_address(pl.lit(nth))).to_series().alias(SEGMENT),
        *every.select(texts).get_columns(),
    )
    if pieces.number is not None:
        told = pl.lit(nth) - (1 if pieces.numbered else 0)
        text = pl.when(pl.lit(nth) > 0).then(told).cast(pl.String)
        made = made.with_columns(pl.select(text).to_series().alias(pieces.number))
    unusable = raw.rows[bad.sort(_ROW).get_column(_ROW)]
    return Apart(RawTable(made), RawTable(unusable), _told(found, rows, plan))


def _cleaned(text: pl.Expr, source: Source, *columns: str) -> pl.Expr:
    """A cell as `convert` sees it: what means nothing in one of its columns is null."""
    bare = text.str.strip_chars() if source.trim else text
    nothing = {token for column in columns for token in source.nothing(column)}
    return pl.when(~bare.is_in(sorted(nothing))).then(bare)


def _of_cells(
    rows: pl.DataFrame, pieces: PiecesPlan, source: Source
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The items of cells, in step; and the rows whose cells cannot be (`_ROW`, code, column, detail)."""
    lists = []
    for column in pieces.columns:
        # a delimiter that ends the cell begins no item
        blank = r"\s*" if source.trim else ""
        ends = rf"(?:{blank}{re.escape(column.split or '')})+{blank}$"
        text = _masked(_cleaned(pl.col(column.source), source, column.source), column).str.replace(
            ends, ""
        )
        lists.append(
            pl.when(text != "").then(text.str.split(column.split or "")).alias(column.name)
        )
    names = [column.name for column in pieces.columns]
    counts = rows.select(_ROW, *lists).with_columns(
        pl.max_horizontal(pl.col(name).list.len() for name in names).alias("_most"),
        pl.min_horizontal(pl.col(name).list.len() for name in names).alias("_least"),
    )
    found = pl.concat([_uneven(counts, pieces), _too_many(counts, pieces)], how="diagonal")
    most = pl.col("_most")
    good = counts.filter(most.is_not_null() & (most == pl.col("_least")) & (most <= COPIES_MAX))
    nothing = pl.lit(None, pl.String).repeat_by(most)
    apart = good.select(
        _ROW, pl.int_ranges(1, most.cast(pl.Int64) + 1).alias(_NTH),
        *(pl.coalesce(name, nothing).alias(name) for name in names),
    ).explode(_NTH, *names)  # fmt: skip
    return apart.filter(_there(names, source)), found


def _too_many(counts: pl.DataFrame, pieces: PiecesPlan) -> pl.DataFrame:
    return counts.filter(pl.col("_most") > COPIES_MAX).select(
        _ROW, pl.lit(_PER_NUMBER).alias("code"), pl.lit(pieces.columns[0].name).alias("column"),
        pl.col("_most").cast(pl.String).alias("detail"),
    )  # fmt: skip


def _uneven(counts: pl.DataFrame, pieces: PiecesPlan) -> pl.DataFrame:
    """R118, with how many items each cell has."""
    uneven = counts.filter((pl.col("_most") != pl.col("_least")) & (pl.col("_most") <= COPIES_MAX))
    said = pl.concat_str(
        [
            pl.concat_str(pl.lit(f"{column.source} "), pl.col(column.name).list.len().cast(pl.String))
            for column in pieces.columns
        ],
        separator=", ", ignore_nulls=True,
    )  # fmt: skip
    return uneven.select(
        _ROW, pl.lit(_UNEVEN).alias("code"), pl.lit(pieces.columns[0].name).alias("column"),
        said.alias("detail"),
    )  # fmt: skip


def _there(names: list[str], source: Source) -> pl.Expr:
    return pl.any_horizontal(_cleaned(pl.col(name), source, name).is_not_null() for name in names)


def _of_columns(
    rows: pl.DataFrame, pieces: PiecesPlan, source: Source
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The groups of numbered columns that have something in them."""
    names = [column.name for column in pieces.columns]
    columns = {each.name: numbered(each.source, rows.columns) for each in pieces.columns}
    groups = []
    for number in sorted({number for some in columns.values() for number in some}):
        texts = [
            (_masked(_numbered_cell(columns[each.name][number], source), each)
             if number in columns[each.name] else pl.lit(None, pl.String)).alias(each.name)
            for each in pieces.columns
        ]  # fmt: skip
        group = rows.select(_ROW, pl.lit(number + 1, pl.Int64).alias(_NTH), *texts)
        groups.append(group.filter(_there(names, source)))
    shape = {_ROW: pl.UInt32(), _NTH: pl.Int64(), **dict.fromkeys(names, pl.String())}
    every = pl.concat([pl.DataFrame(schema=shape), *groups])
    return every.sort(_ROW, _NTH), pl.DataFrame(schema={_ROW: pl.UInt32()})


def _numbered_cell(column: str, source: Source) -> pl.Expr:
    """What stands in it; null where that means nothing in this column of the file alone."""
    cell = pl.col(column)
    if column not in source.null_values_of:
        return cell
    return pl.when(_cleaned(cell, source, column).is_not_null()).then(cell)


# -- parts ------------------------------------------------------------------------------------


def _parts(
    taken: pl.DataFrame, pieces: PiecesPlan, source: Source
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add the parts of items; and what of them is not as the mapping says (R119)."""
    found = []
    for column in pieces.columns:
        if column.parts is None:
            continue
        text = _cleaned(pl.col(column.name), source, column.name)
        made, wrong = (_by_key if column.keys else _in_order)(text, column)
        taken = taken.with_columns(made)
        bad = taken.filter(wrong.is_not_null()).select(
            _ROW, _NTH, pl.lit(_MISSHAPEN).alias("code"), pl.lit(column.name).alias("column"),
            _plain(pl.col(column.name), column, written=True).alias("value"), wrong.alias("detail"),
        )  # fmt: skip
        # one is enough to have the row corrected
        found.append(bad.unique(_ROW, keep="first", maintain_order=True))
    plain = [
        _plain(pl.col(name), column).alias(name)
        for column in pieces.columns if column.escape is not None
        for name in column.made
    ]  # fmt: skip
    nothing = pl.DataFrame(schema={_ROW: pl.UInt32()})
    return taken.with_columns(plain), pl.concat([nothing, *found], how="diagonal")


def _masked(text: pl.Expr, column: PieceColumn) -> pl.Expr:
    """Escaped delimiters as code points that no delimiter is, so that nothing is divided by them."""
    if column.escape is None:
        return text
    escaped = [column.escape + character for character in column.reserved]
    return text.str.replace_many(escaped, [chr(_MASKS + i) for i in range(len(escaped))])


def _plain(text: pl.Expr, column: PieceColumn, *, written: bool = False) -> pl.Expr:
    """The delimiters that `_masked` hid; as they are `written`, or as they are meant."""
    if column.escape is None:
        return text
    before = column.escape if written else ""
    meant = [before + character for character in column.reserved]
    return text.str.replace_many([chr(_MASKS + i) for i in range(len(meant))], meant)


def _in_order(text: pl.Expr, column: PieceColumn) -> tuple[list[pl.Expr], pl.Expr]:
    parts = text.str.split(column.parts or "")
    count, named = parts.list.len(), len(column.names)
    made = [
        parts.list.get(place, null_on_oob=True).alias(name)
        for place, name in enumerate(column.names)
    ]
    wrong = count != named
    says = f", not {named}"
    if column.rest is not None:
        left = parts.list.slice(named).list.join(column.parts or "")
        made.append(pl.when(count > named).then(left).alias(column.rest))
        wrong, says = count < named, f", not {named} or more"
    told = pl.concat_str(
        count.cast(pl.String), pl.when(count == 1).then(pl.lit(" part")).otherwise(pl.lit(" parts")),
        pl.lit(says),
    )  # fmt: skip
    return made, pl.when(wrong).then(told)


def _by_key(text: pl.Expr, column: PieceColumn) -> tuple[list[pl.Expr], pl.Expr]:
    between, mark = re.escape(column.parts or ""), re.escape(column.mark)
    made, seen, twice = [], [], pl.lit(None, pl.String)
    for name, key in column.keys:
        begin = rf"(?s)(?:^|{between})\s*{re.escape(key)}\s*{mark}"
        made.append(text.str.extract(rf"{begin}\s*(.*?)\s*(?:{between}|$)", 1).alias(name))
        count = text.str.count_matches(begin)
        seen.append(count > 0)
        twice = (
            pl.when(count > 1).then(pl.lit(f"its part {key}{column.mark} twice")).otherwise(twice)
        )
    none = text.is_not_null() & ~pl.any_horizontal(seen)
    listed = ", ".join(f"{key}{column.mark}" for _, key in column.keys)
    return made, pl.when(none).then(pl.lit(f"none of the parts {listed}")).otherwise(twice)


# -- findings ---------------------------------------------------------------------------------


def _told(found: pl.DataFrame, rows: pl.DataFrame, plan: Plan) -> Findings:
    """The findings of rows that could not be taken apart; they quote the cell, or the item."""
    pieces = plan.pieces
    if not found.height or pieces is None:
        return Findings.none()
    lacking = {_NTH: pl.Int64(), "value": pl.String()}
    full = found.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in lacking.items()
        if name not in found.columns
    )
    rows = rows[full.get_column(_ROW)]
    cells = [
        pl.when(full.get_column("column") == column.name).then(pl.col(column.source))
        for column in pieces.columns if column.split is not None
    ]  # fmt: skip
    placed = rows.select(
        FILE, LINE, pl.lit(full.get_column(_NTH).fill_null(0)).alias(_NTH),
        full.get_column("code"), full.get_column("column"), full.get_column("detail"),
        pl.coalesce(full.get_column("value"), *cells).alias("value"),
        pl.lit(plan.name).alias("mapping"),
        full.get_column("column").replace_strict(
            [column.name for column in pieces.columns], [column.line for column in pieces.columns],
            return_dtype=pl.UInt32,
        ).alias("mapping_line"),
    ).with_columns(_address(pl.col(_NTH)).alias(SEGMENT))  # fmt: skip
    return Findings.of(whole_findings(named(placed, plan, rows.columns)))


def named(
    findings: pl.DataFrame, plan: Plan, columns: Sequence[str], pieces: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Give findings about columns of pieces the names of the columns that a person finds in the file.

    Args:
        findings: with ORIGIN, `column`, `detail` and `mapping`.
        plan: those of its mapping are meant.
        columns: of the file, as far as they are read.
        pieces: the rows of `take_apart`; with them `detail` says which of how many items it is.
    """
    known = plan.pieces
    if known is None:
        return findings
    mine = pl.col("mapping") == plan.name
    about = mine & pl.col("column").is_in(known.names)
    if not findings.select(about.any()).item():
        return findings
    nth = pl.col(SEGMENT) // _STEP
    if pieces is not None and not known.numbered:
        findings = _counted(findings, about & (nth > 0), nth, pieces)
    shown = pl.col("column")
    for name in known.names:
        source = known.source_of(name) or name
        real: pl.Expr = pl.lit(source)
        if known.numbered:
            there = numbered(source, columns)
            first = next(iter(there.values()), source)
            real = (nth.cast(pl.Int64) - 1).replace_strict(
                list(there), list(there.values()), default=first, return_dtype=pl.String
            )
        shown = pl.when(mine & (pl.col("column") == name)).then(real).otherwise(shown)
    return findings.with_columns(shown.alias("column"))


def _counted(
    findings: pl.DataFrame, about: pl.Expr, nth: pl.Expr, pieces: pl.DataFrame
) -> pl.DataFrame:
    there = pieces.join(findings.select(FILE, LINE).unique(), on=[FILE, LINE], how="semi")
    many = there.group_by(FILE, LINE).agg((pl.col(SEGMENT) // _STEP).max().alias("_many"))
    said = pl.format("(item {} of {})", nth, "_many")
    detail = pl.concat_str("detail", said, separator=" ", ignore_nulls=True)
    return (
        findings.join(many, on=[FILE, LINE], how="left", maintain_order="left")
        .with_columns(pl.when(about).then(detail).otherwise("detail").alias("detail"))
        .drop("_many")
    )


# -- rows again -------------------------------------------------------------------------------


_STEP = 1 << COPY_BITS
_WEIGHT = [
    RowOutcome.OWN_PROBLEM.value,
    RowOutcome.HELD.value,
    RowOutcome.ACCEPTED.value,
    RowOutcome.DUPLICATE.value,
    RowOutcome.FILTERED.value,
]


def _address(nth: pl.Expr) -> pl.Expr:
    return (nth.cast(pl.UInt32) * _STEP).cast(pl.UInt32)


def of_row(segment: pl.Expr) -> pl.Expr:
    """The address of a piece as that of its row; those of EDI stay as they are.

    Rows of EDI have the ordinal of a segment below the number of the copy, rows of text have 0.
    """
    return pl.when(segment & SEGMENTS_MAX == 0).then(pl.lit(0, pl.UInt32)).otherwise(segment)


def whole_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """ROW_SCHEMA of pieces as that of rows: what weighs most of its pieces becomes of a row."""
    if not _has_pieces(rows):
        return rows
    weight = pl.col("outcome").replace_strict(
        _WEIGHT, list(range(len(_WEIGHT))), default=len(_WEIGHT), return_dtype=pl.UInt8
    )
    return (
        rows.with_columns(of_row(pl.col(SEGMENT)).alias("_whole"), weight.alias("_weight"))
        .sort(FILE, LINE, "_whole", "_weight", SEGMENT)
        .unique([FILE, LINE, "_whole"], keep="first", maintain_order=True)
        .with_columns(pl.col("_whole").alias(SEGMENT))
        .select(rows.columns)
    )


def whole_findings(findings: pl.DataFrame, rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Findings of pieces as those of rows: what is the same for several pieces is told once.

    With `rows` (of `whole_rows`) a row has one primary finding, and none says that it is held where it
    has a problem of its own.
    """
    if not _has_pieces(findings):
        return findings
    piece = (pl.col(SEGMENT) & SEGMENTS_MAX == 0) & (pl.col(SEGMENT) > 0)
    told = findings.with_columns(piece.alias("_piece"), of_row(pl.col(SEGMENT)).alias(SEGMENT))
    if rows is not None:
        own = rows.filter(pl.col("outcome") == RowOutcome.OWN_PROBLEM.value).select(
            *ORIGIN, pl.lit(value=True).alias("_own")
        )
        told = told.join(own, on=ORIGIN, how="left", maintain_order="left")
        told = told.filter(~((pl.col("code") == "H001") & pl.col("_own").fill_null(value=False)))
        first = pl.col("primary").cast(pl.UInt32).cum_sum().over(ORIGIN) == 1
        told = told.drop("_own").with_columns((pl.col("primary") & first).alias("primary"))
    says = [name for name in findings.columns if name != "primary"]
    several = told.select(pl.col("_piece").any().over(ORIGIN)).to_series()
    once = told.filter(several).unique(says, keep="first", maintain_order=True)
    every = pl.concat([told.filter(~several), once]).drop("_piece")
    return every.sort(ORIGIN, maintain_order=True)


def whole_orders(orders: pl.DataFrame) -> pl.DataFrame:
    """Orders (ready or held) whose address is that of the row of their first piece."""
    return orders.with_columns(of_row(pl.col(SEGMENT)).alias(SEGMENT))


def _has_pieces(frame: pl.DataFrame) -> bool:
    piece = (pl.col(SEGMENT) & SEGMENTS_MAX == 0) & (pl.col(SEGMENT) > 0)
    return bool(frame.select(piece.any()).item())
