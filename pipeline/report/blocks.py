"""The rejected rows and failed orders one by one, packed into the page (REPORT §5).

The page has one record per rejected row, with a problem of its own or held with another row, and
one per failed order: so the records of a cause are as many as the cause counts. They are sorted by
cause and lie in blocks of BLOCK_ROWS records; each block is base64 of gzip of JSON, column by
column, so that a browser unpacks only what it shows. Values are masked once per distinct finding
before they come here; no step here runs once per row in Python.

Columns of a block; one value instead of a list where all records have the same:

- `f` ordinal of the file, `l` line and `s` segment as differences to the record before
- `o` order numbers, each once, by first occurrence; a whole number instead of a text is what is to
  be added to the digits at the end of the one before. `oi` index into `o`, as differences
- `v` values, `m` sentences, `a` further problems, each once; `vi`, `mi`, `ai` indices into them.
  VALUE in a sentence stands for the value of the record
- `w` for held rows: the line of the row they wait for, less their own; 0 for others
"""

import gzip
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl

from pipeline.model.origin import FILE, LINE, ORIGIN, SEGMENT, SEGMENTS_MAX
from pipeline.model.outcomes import OrderOutcome, RowOutcome
from pipeline.report.cases import Quoting, quotas
from pipeline.report.causes import PROBLEM_ORDERS, Causes
from pipeline.report.visible import all_visible

BLOCK_ROWS = 20_000
BUDGET = 10_000_000  # bytes of base64 in one page
VALUE = "\x01"  # `visible` writes no control character, so no text has one
ORDER_CUT = 300
FURTHER = 3  # other problems of a row that are named
_PROBED = 20_000  # records that tell how many bytes one takes
KINDS: tuple[RowOutcome | OrderOutcome, ...] = (
    RowOutcome.OWN_PROBLEM,
    RowOutcome.HELD,
    *PROBLEM_ORDERS,
)
_KIND_NAMES = tuple(each.value for each in KINDS)
_FINDING = ("code", "column", "target", "value", "detail", "mapping")
ORDER_WORDS = {
    OrderOutcome.REFUSED: "refused",
    OrderOutcome.PARTLY_APPLIED: "partly applied",
    OrderOutcome.UNKNOWN: "unclear",
    OrderOutcome.NOT_ATTEMPTED: "not tried",
}


@dataclass(frozen=True, slots=True)
class Run:
    """Records in a row that have one cause and one kind: `embedded` of them, out of `whole`.

    `cause` is the place of the cause in `Causes.ranked`, `kind` that in KINDS.
    """

    cause: int
    kind: int
    embedded: int
    whole: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """The packed records; `runs` say, in their order, what they are."""

    runs: tuple[Run, ...]
    packed: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes that the blocks take in the page."""
        return sum(map(len, self.packed))

    @property
    def embedded(self) -> int:
        """Records in the blocks."""
        return sum(each.embedded for each in self.runs)

    @property
    def whole(self) -> int:
        """Records that there are."""
        return sum(each.whole for each in self.runs)


def pack(causes: Causes, quoting: Quoting, *, budget: int) -> Blocks:
    """Pack the rejected rows and failed orders of a run.

    What does not fit in `budget` bytes is left out, of every cause and kind the same number, so
    that one with few records is there whole before one with many gets more.
    """
    records = _records(causes)
    limit = records.height
    if limit > 2 * _PROBED:
        probe = _packed(_sample(records, _PROBED), causes, quoting)
        # a little less than it tells, for packing twice takes longer than a few records are worth
        limit = min(limit, int(_PROBED * budget * 0.9 / sum(map(len, probe))))
    while True:
        kept = _sample(records, limit)
        packed = _packed(kept, causes, quoting)
        size = sum(map(len, packed))
        if size <= budget or not limit:
            return Blocks(_runs(records, kept), packed)
        limit = min(limit * 19 // 20, int(limit * budget / size))


# -- which records there are -------------------------------------------------------------------


def _records(causes: Causes) -> pl.DataFrame:
    """All records, sorted: `_at` is the place of their cause, `_kind` that in KINDS."""
    listed = causes.listed
    at = {each.anchor: number for number, each in enumerate(causes.ranked)}

    def ranked(letter: str) -> pl.Expr:
        places = {int(anchor[1:]) - 1: n for anchor, n in at.items() if anchor[0] == letter}
        return pl.col("_cause").replace_strict(places, return_dtype=pl.UInt16).alias("_at")

    kinds = {name: number for number, name in enumerate(_KIND_NAMES)}
    frames = (
        listed.rows.with_columns(ranked("c"), pl.lit(0, pl.UInt8).alias("_kind")),
        listed.held.with_columns(
            ranked("c"), pl.lit(1, pl.UInt8).alias("_kind"), pl.lit("H001").alias("code")
        ),
        listed.orders.with_columns(
            ranked("a"),
            pl.col("outcome").replace_strict(kinds, return_dtype=pl.UInt8).alias("_kind"),
        ),
    )
    shared = ("_at", "_kind", *ORIGIN, "key", "order_number", *_FINDING)
    own = ("status", "attempts", "_with_file", "_with_line")
    return pl.concat(
        [each.select(*(_there(each, name) for name in (*shared, *own))) for each in frames],
        how="vertical_relaxed",
    ).sort("_at", "_kind", *ORIGIN, maintain_order=True)


def _there(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in frame.columns else pl.lit(None).alias(name)


def _sample(records: pl.DataFrame, limit: int) -> pl.DataFrame:
    """The first records of every cause and kind, `limit` at most in all."""
    if limit >= records.height:
        return records
    sizes = records.group_by("_at", "_kind").len("size").sort("_at", "_kind")
    share = sizes.select("_at", "_kind").with_columns(
        pl.Series("_share", quotas(sizes["size"].to_list(), limit), dtype=pl.UInt32)
    )
    return (
        records.join(share, on=["_at", "_kind"], maintain_order="left")
        .filter(pl.int_range(pl.len()).over("_at", "_kind") < pl.col("_share"))
        .drop("_share")
    )


def _runs(records: pl.DataFrame, kept: pl.DataFrame) -> tuple[Run, ...]:
    both = ["_at", "_kind"]
    embedded = kept.group_by(both).len("embedded")
    counted = records.group_by(both).len("whole").join(embedded, on=both, how="left").sort(both)
    return tuple(
        Run(cause, kind, embedded or 0, whole)
        for cause, kind, whole, embedded in counted.iter_rows()
    )


# -- what they say -----------------------------------------------------------------------------


def _packed(records: pl.DataFrame, causes: Causes, quoting: Quoting) -> tuple[str, ...]:
    worded = _worded(records, causes, quoting)
    return tuple(
        _block(worded.slice(start, BLOCK_ROWS)) for start in range(0, worded.height, BLOCK_ROWS)
    )


def _worded(records: pl.DataFrame, causes: Causes, quoting: Quoting) -> pl.DataFrame:
    """Add `v`, `m`, `a` and `w`; what the values say is asked once per distinct finding."""
    mixed = [number for number, each in enumerate(causes.ranked) if not each.code]
    told = records.with_columns(
        pl.col("_at").is_in(mixed).alias("_mixed"),
        pl.col("_kind").replace_strict(dict(enumerate(_KIND_NAMES)), return_dtype=pl.String),
    )
    subject = (*_FINDING, "_kind", "status", "attempts", "_mixed")
    held = told["_kind"] == RowOutcome.HELD.value
    distinct = told.filter(~held).select(subject).unique(maintain_order=True)
    quoted = [_quoted(each, quoting) for each in distinct.iter_rows(named=True)]
    said = distinct.with_columns(
        pl.Series("v", [value for value, _ in quoted], dtype=pl.String),
        pl.Series("m", [sentence for _, sentence in quoted], dtype=pl.String),
    )
    in_file = (pl.col(SEGMENT) == 0) & (pl.col("_with_file") == pl.col(FILE))
    lines = pl.col("_with_line").cast(pl.Int64) - pl.col(LINE)
    return (
        told.join(said, on=subject, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.when(in_file).then(lines).alias("w"))
        .pipe(_waiting, quoting)
        .pipe(_with_further, causes, quoting)
        .with_columns(
            pl.coalesce("order_number", "key")
            .map_batches(lambda numbers: all_visible(numbers, limit=ORDER_CUT), pl.String)
            .alias("o")
        )
    )


def _quoted(finding: Mapping[str, Any], quoting: Quoting) -> tuple[str, str]:
    """Value and sentence of one finding; of an order with what became of it."""
    value = quoting.value(finding)
    says = quoting.says(finding, value=VALUE if value else "")
    if finding["_mixed"]:
        says = " ".join(filter(None, (finding["code"], quoting.column(finding), says)))
    if finding["_kind"] in ORDER_WORDS:
        parts = [ORDER_WORDS[OrderOutcome(finding["_kind"])]]
        parts += [f"HTTP {finding['status']}"] if finding["status"] else []
        parts += [f"{finding['attempts']:,} attempts"] if (finding["attempts"] or 0) > 1 else []
        says = f"{', '.join(parts)}: {says}"
    return value, says


def _waiting(records: pl.DataFrame, quoting: Quoting) -> pl.DataFrame:
    """Say of held rows which row they wait for, where a difference of lines does not."""
    held = pl.col("_kind") == RowOutcome.HELD.value
    place = ("_with_file", "_with_line")
    elsewhere = records.filter(held & pl.col("w").is_null()).select(place).unique()
    if not elsewhere.height:
        return records
    texts = [
        f"held back with {quoting.place({FILE: file, LINE: line, SEGMENT: 0})}"
        for file, line in elsewhere.iter_rows()
    ]
    said = elsewhere.with_columns(pl.Series("_waits", texts, dtype=pl.String))
    return records.join(said, on=place, how="left", maintain_order="left").with_columns(
        pl.when(held & pl.col("w").is_null()).then("_waits").otherwise("m").alias("m")
    )


def _with_further(records: pl.DataFrame, causes: Causes, quoting: Quoting) -> pl.DataFrame:
    """Add `a`: what else is wrong with a row or an order, the first FURTHER of it in words."""
    own = records.filter(pl.col("_kind") == RowOutcome.OWN_PROBLEM.value)
    failed = records.filter(pl.col("_kind").is_in([each.value for each in PROBLEM_ORDERS]))
    of_rows = causes.listed.further.join(own, on=ORIGIN, how="semi")
    of_orders = causes.listed.answers.drop(ORIGIN).join(failed.select("key", *ORIGIN), on="key")
    found = pl.concat([each.select(*ORIGIN, *_FINDING) for each in (of_rows, of_orders)])
    distinct = found.select(_FINDING).unique(maintain_order=True)
    texts = [quoting.briefly(each) for each in distinct.iter_rows(named=True)]
    said = distinct.with_columns(pl.Series("_says", texts, dtype=pl.String))
    more = pl.format("{} and {} more", "a", pl.col("_n") - FURTHER)
    told = (
        found.join(said, on=_FINDING, nulls_equal=True, maintain_order="left")
        .group_by(ORIGIN, maintain_order=True)
        .agg(pl.col("_says").head(FURTHER).str.join("; ").alias("a"), pl.len().alias("_n"))
        .select(*ORIGIN, pl.when(pl.col("_n") > FURTHER).then(more).otherwise("a").alias("a"))
    )
    return records.join(told, on=ORIGIN, how="left", maintain_order="left")


# -- bytes -------------------------------------------------------------------------------------


def _block(part: pl.DataFrame) -> str:
    numbers = {
        "f": _steady(part[FILE]),
        "l": _steps(part[LINE]),
        "s": _steps(part[SEGMENT] & SEGMENTS_MAX),
        "w": _steady(part["w"].fill_null(0)),
    }
    orders, order_of = _dictionary(part["o"].fill_null(""))
    columns: dict[str, object] = {
        "n": part.height,
        **numbers,
        "o": _counted_on(orders),
        "oi": _steps(order_of),
    }
    for name in ("v", "m", "a"):
        texts, index = _dictionary(part[name].fill_null(""))
        columns |= {name: texts.to_list(), f"{name}i": _steady(index)}
    return packed_json(columns)


def packed_json(document: object) -> str:
    """Base64 of gzip of JSON: a text that cannot end the script element in which it lies."""
    # no name and no time in the header: the same document gives the same bytes
    packed = gzip.compress(orjson.dumps(document), compresslevel=6, mtime=0)
    return b64encode(packed).decode("ascii")


def _dictionary(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The distinct texts by first occurrence, and which of them each text is."""
    distinct = texts.unique(maintain_order=True).alias("text")
    numbered = distinct.to_frame().with_row_index("index")
    index = (
        texts.alias("text")
        .to_frame()
        .join(numbered, on="text", how="left", nulls_equal=True, maintain_order="left")
    )
    return distinct, index["index"]


def _steady(numbers: pl.Series) -> object:
    """The numbers, or the one number that all of them are."""
    return numbers[0] if numbers.n_unique() == 1 else numbers.to_list()


def _steps(numbers: pl.Series) -> object:
    """The first number and what is to be added for each further one; 0 where all are 0."""
    if not numbers.max():
        return 0
    signed = numbers.cast(pl.Int64)
    return (signed - signed.shift(fill_value=0)).to_list()


def _counted_on(orders: pl.Series) -> Sequence[str | int | None]:
    """Order numbers, as the difference to the one before where only the digits at the end differ."""
    digits = r"^(.*?)([0-9]{1,15})$"
    parts = (
        orders.alias("text")
        .to_frame()
        .select(
            "text",
            pl.col("text").str.extract(digits, 1).alias("head"),
            pl.col("text").str.extract(digits, 2).alias("tail"),
        )
    )
    follows = (pl.col("head") == pl.col("head").shift()) & (
        pl.col("tail").str.len_chars() == pl.col("tail").str.len_chars().shift()
    )
    step = pl.col("tail").cast(pl.Int64).diff()
    made = parts.select("text", pl.when(follows).then(step).alias("step"))
    return [text if step is None else step for text, step in _pairs(made)]


def _pairs(frame: pl.DataFrame) -> Iterable[tuple[Any, Any]]:
    return zip(frame["text"].to_list(), frame["step"].to_list(), strict=True)
