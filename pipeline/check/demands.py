"""Demands on columns, judged by Pandera; what fails comes back with its row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from pipeline.mapping.converters import dtype_of
from pipeline.mapping.plan import FieldPlan
from pipeline.model.origin import ORIGIN

if TYPE_CHECKING:
    from pandera.api.polars.types import PolarsData

_NO_TEXT = pl.lit(None, pl.String)
# `nearest` takes 0.5 ms (languages) to 5 ms (time zones) a text. A column with more than this many
# wrong texts is wrong as a whole (another code list, a shifted column): no guess would help.
_GUESSES_MAX = 100


@dataclass(frozen=True, slots=True)
class Guess:
    """How to find out what a wrong text may have meant."""

    of: pl.Expr
    nearest: Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one column of a judged frame must be like, and how to report where it is not.

    `passes` is Boolean; null passes, since an empty cell is a matter of presence alone. With `on`
    it judges that column; without, it joins several columns and is judged as a column of its own.
    `slot` ranks the finding among the plan's fields. `known_by` are source columns: an error that
    an earlier stage found there on the same row already says what is wrong. `drops` says that the
    cell is left out instead of holding the order back.
    """

    code: str
    passes: pl.Expr
    slot: str
    target: str
    on: str | None = None
    column: pl.Expr = field(default_factory=lambda: _NO_TEXT)
    value: pl.Expr = field(default_factory=lambda: _NO_TEXT)
    detail: pl.Expr = field(default_factory=lambda: _NO_TEXT)
    guess: Guess | None = None
    line: int
    known_by: tuple[str, ...] = ()
    drops: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The rows that fail a demand: origin and everything the judged frame numbers them by."""

    demand: Demand
    cases: pl.DataFrame


def demand_on(
    made: FieldPlan,
    code: str,
    passes: pl.Expr,
    *,
    on: str | None = None,
    value: pl.Expr | None = None,
    detail: pl.Expr | str | None = None,
    guess: Guess | None = None,
    drops: bool = False,
) -> Demand:
    """A demand about one field: its column, target, line and value in one go."""
    return Demand(
        code=code, passes=passes, slot=made.slot, target=made.target, on=on,
        column=pl.lit(made.column), value=_NO_TEXT if value is None else value,
        detail=pl.lit(detail, pl.String) if detail is None or isinstance(detail, str) else detail,
        guess=guess, line=made.line, known_by=made.columns, drops=drops,
    )  # fmt: skip


def shown(made: FieldPlan) -> pl.Expr:
    """The converted value as text, decimals without idle zeros."""
    text = pl.col(made.slot).cast(pl.String)
    if isinstance(dtype_of(made.kind), pl.Decimal):
        return text.str.strip_chars_end("0").str.strip_chars_end(".")
    return text


def judge(frame: pl.DataFrame, demands: Sequence[Demand]) -> list[Failed]:
    """Let Pandera judge the demands on a frame that has the origin columns.

    Returns:
        One entry per demand that fails somewhere; its `cases` have the origin columns, `_row` where
        the frame has it, `column`, `value` and `detail`.

    Raises:
        RuntimeError: a check did not run; the row would pass unseen otherwise.
    """
    if frame.is_empty() or not demands:
        return []
    numbered = frame.with_row_index("index").with_columns(
        demand.passes.alias(_judged(number, demand))
        for number, demand in enumerate(demands)
        if demand.on is None
    )
    return [
        Failed(demands[number], _cases(numbered, demands[number], index))
        for number, index in _failures(numbered, demands)
    ]


def _judged(number: int, demand: Demand) -> str:
    return f"_verdict.{number}" if demand.on is None else demand.on


def _failures(frame: pl.DataFrame, demands: Sequence[Demand]) -> list[tuple[int, pl.DataFrame]]:
    """The positions in the frame at which each demand fails, by the demand's number."""
    # 0.3 s to import, and a run with nothing to judge has no need of it
    import pandera.polars as pa
    from pandera.config import ValidationDepth, config_context
    from pandera.errors import SchemaErrors

    # An expression per check on the typed column itself: 1 million rows, 24 length checks and 20 %
    # of cells failing take 0.20 s, against 0.37 s with a Boolean column made for every check.
    checks: dict[str, list[pa.Check]] = {}
    for number, demand in enumerate(demands):
        name = _judged(number, demand)
        passes = pl.col(name) if demand.on is None else demand.passes
        checks.setdefault(name, []).append(
            pa.Check(_verdict_of(passes), name=demand.code, error=str(number))
        )
    schema = pa.DataFrameSchema(
        {name: pa.Column(None, listed, nullable=True) for name, listed in checks.items()}
    )
    # stated, because PANDERA_VALIDATION_ENABLED in the environment would let everything pass
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as errors:
            found: pl.DataFrame = errors.failure_cases
        else:
            return []
    broken = found.filter(pl.col("index").is_null())
    if broken.height:
        raise RuntimeError(f"a check did not run: {broken['failure_case'][0]}")
    # Pandera lists case by case, check after check: cutting at the changes takes 0.04 s for 4.8
    # million cases of 24 checks, a filter per check 0.2 s.
    runs = found["check"].rle().struct.unnest()
    ends = runs["len"].cum_sum()
    return [
        (int(check), found.slice(end - length, length).select(pl.col("index").cast(pl.UInt32)))
        for check, length, end in zip(runs["value"], runs["len"], ends, strict=True)
    ]


def _verdict_of(passes: pl.Expr) -> "Callable[[PolarsData], pl.LazyFrame]":
    return lambda data: data.lazyframe.select(passes)


def _cases(frame: pl.DataFrame, demand: Demand, index: pl.DataFrame) -> pl.DataFrame:
    """Give the failing positions their address and words; `frame` is the very frame judged."""
    words = [
        demand.column.alias("column"),
        demand.value.alias("value"),
        demand.detail.alias("detail"),
    ]
    guess = demand.guess
    if guess is not None:
        words.append(guess.of.alias("_asked"))
    needed = sorted({name for word in words for name in word.meta.root_names()})
    names = [name for name in ("index", "_row", *ORIGIN, *needed) if name in frame.columns]
    cases = (
        frame.select(*dict.fromkeys(names))
        .join(index, on="index", maintain_order="right")
        .select(*(name for name in ("_row", *ORIGIN) if name in names), *words)
    )
    return cases if guess is None else _guessed(cases, guess)


def _guessed(cases: pl.DataFrame, guess: Guess) -> pl.DataFrame:
    """Add "did you mean" to the details, asking once per distinct text."""
    asked = cases["_asked"].value_counts(sort=True)["_asked"].head(_GUESSES_MAX).to_list()
    guesses = {text: f"; did you mean {meant}?" for text in asked if (meant := guess.nearest(text))}
    said = pl.col("_asked").replace_strict(guesses, default="", return_dtype=pl.String)
    return cases.with_columns(pl.col("detail").fill_null("") + said).drop("_asked")
