"""Expressions put together: parts of a template, cases, the first value that is there."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.mapping.converters import as_text, dtype_of
from pipeline.mapping.plan import Aggregate
from pipeline.mapping.trail import Trail
from pipeline.model.field import Kind

_NOTHING = pl.lit(None, pl.String)


@dataclass(frozen=True, slots=True)
class Picked:
    """What a value starts from, before steps, lookup and conversion.

    `text` is the value as text, `raw` what a finding quotes. `typed` marks expressions, whose type
    is their own.
    """

    value: pl.Expr
    dtype: pl.DataType
    raw: pl.Expr
    columns: tuple[str, ...]
    text: pl.Expr
    reason: pl.Expr | None = None
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    constant: bool = False
    typed: bool = False
    trail: Trail | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled VALUE; see `FieldPlan` for its parts.

    `value` has the default where there is one; `bare` is the value without it, and `fill` the
    default alone, for fields of which several rows have one value.
    """

    value: pl.Expr
    kind: Kind
    raw: pl.Expr
    columns: tuple[str, ...]
    reason: pl.Expr | None = None
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    constant: bool = False
    drop_on_error: bool = False
    aggregate: Aggregate | None = None
    bare: pl.Expr | None = None
    fill: pl.Expr | None = None
    trail: Trail | None = None


def merge(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All names, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for group in groups for name in group))


def details_of(items: Iterable[Value]) -> dict[str, str]:
    """What sentences need, per code; two tables or formats of one code are both named."""
    texts: dict[str, dict[str, None]] = {}
    for item in items:
        for code, text in item.details.items():
            texts.setdefault(code, {})[text] = None
    return {code: " or ".join(each) for code, each in texts.items()}


def all_of(reasons: Sequence[pl.Expr | None]) -> pl.Expr | None:
    """The first reason that applies, or None where nothing can go wrong."""
    given = [reason for reason in reasons if reason is not None]
    if not given:
        return None
    return given[0] if len(given) == 1 else pl.coalesce(given)


def join(parts: Sequence[pl.Expr], literals: Sequence[str]) -> pl.Expr:
    """Join texts; a literal between two parts is written only where both sides have text.

    `literals` has one entry more than `parts`. The first literal stands before whatever follows,
    the last one only after a last part that is not empty; all parts empty make null.
    """
    pieces: list[pl.Expr] = [pl.lit(literals[0])] if literals[0] else []
    before = pl.lit(value=False)
    for i, (part, literal) in enumerate(zip(parts, literals[:-1], strict=True)):
        if i and literal:
            pieces.append(pl.when(before & part.is_not_null()).then(pl.lit(literal)))
        pieces.append(part)
        before = before | part.is_not_null()
    if literals[-1]:
        pieces.append(pl.when(parts[-1].is_not_null()).then(pl.lit(literals[-1])))
    return pl.when(before).then(pl.concat_str(pieces, ignore_nulls=True))


def first_found(items: Sequence[Value]) -> Value:
    """The first value that is there. A faulty one is a fault, not a reason to try the next."""
    items = _alike(items)
    raw, reason = items[-1].raw, _why(items[-1])
    for item in reversed(items[:-1]):
        taken = item.value.is_not_null() | _why(item).is_not_null()
        raw = pl.when(taken).then(item.raw).otherwise(raw)
        reason = pl.when(taken).then(_why(item)).otherwise(reason)
    fails = any(item.reason is not None for item in items)
    value = pl.coalesce([item.value for item in items])
    return Value(
        pl.when(reason.is_null()).then(value) if fails else value, items[0].kind, raw,
        merge(item.columns for item in items), reason if fails else None, details_of(items),
        all(item.constant for item in items),
    )  # fmt: skip


def chosen(branches: Sequence[tuple[pl.Expr | None, Value]]) -> Value:
    """The first case whose condition holds; a condition of None always does."""
    tests = [test if test is not None else pl.lit(value=True) for test, _ in branches]
    items = _alike([made for _, made in branches])
    value: pl.Expr = pl.lit(None, dtype_of(items[0].kind))
    raw = reason = _NOTHING
    for test, made in reversed(list(zip(tests, items, strict=True))):
        value = pl.when(test).then(made.value).otherwise(value)
        raw = pl.when(test).then(made.raw).otherwise(raw)
        reason = pl.when(test).then(_why(made)).otherwise(reason)
    fails = any(made.reason is not None for made in items)
    return Value(value, items[0].kind, raw, merge(made.columns for made in items),
                 reason if fails else None, details_of(items))  # fmt: skip


def _why(made: Value) -> pl.Expr:
    return made.reason if made.reason is not None else _NOTHING


def _alike(items: Sequence[Value]) -> list[Value]:
    """Values of one kind; of several kinds, their texts."""
    if len({dtype_of(item.kind) for item in items}) == 1:
        return list(items)
    return [
        dataclasses.replace(item, kind=Kind.TEXT, value=as_text(item.value, dtype_of(item.kind)))
        for item in items
    ]
