"""What is no mistake of a mapping and seldom meant: warnings (MAPPING §4)."""

from collections.abc import Container, Mapping, Sequence

import polars as pl

from pipeline.mapping.columns import Scope
from pipeline.mapping.document import Path
from pipeline.mapping.language import ExplodeDoc, MappingDoc, UnpivotDoc
from pipeline.mapping.mistakes import MISTAKES, Weight
from pipeline.mapping.plan import (
    TEXT_PREFIX,
    ColumnPlan,
    FieldPlan,
    Mode,
    MutationPlan,
    ObjectPlan,
    Sending,
)
from pipeline.mapping.records import warn_of_lines
from pipeline.model.field import Use

_LINE_IDS = frozenset({"line_item_id", "old_line_item_id"})  # of a line that is there already


def warn(scope: Scope, doc: MappingDoc, order: ObjectPlan | None, *, alone: bool) -> None:
    """Note what is never used, never sent, or without a value.

    `alone` says that the mapping has one source; the lookup tables of several are judged together.
    """
    _of_unused(scope, doc, alone=alone)
    updates_only = doc.mode is Mode.UPDATE_ONLY
    if doc.lines is not None:
        warn_of_lines(scope, doc.source, "lines", doc.lines.when)
    if doc.lines and doc.lines.send is Sending.ON_CREATE and updates_only:
        remark(scope, "W103", "these lines are never sent: no order is new", ("lines",))
    for leaf in order.members if order is not None else ():
        if not isinstance(leaf, FieldPlan):
            continue
        if leaf.field.use is Use.CREATE and not updates_only and _is_open(doc, leaf.name):
            text = (
                f"{leaf.name} is required to create an order, and has no value without its `when`"
            )
            remark(scope, "W102", text, ("order", leaf.name))
        if leaf.name == "order_number" and leaf.constant and not doc.rows.key:
            remark(scope, "W104", "all rows form one order", ("order", leaf.name))


def remark(scope: Scope, code: str, text: str, path: Path) -> None:
    """Note a warning at a key."""
    scope.mistake(code, text, path, MISTAKES[code].fix, key=True, weight=Weight.WARNING)


def warn_of_numbers(
    scope: Scope, derived: Sequence[ColumnPlan], mutations: Sequence[MutationPlan]
) -> None:
    """Note changes that say by `row_number` which line they are of: the next file may number otherwise."""
    numbered: set[str] = set()
    for column in derived:
        if column.numbers or numbered & _named(column.value):
            numbered.add(column.name)
    for mutation in mutations:
        for leaf in mutation.body.leaves():
            if leaf.name in _LINE_IDS and numbered & _named(leaf.value):
                text = f"the line that {mutation.type} concerns is told by the number of its row"
                at: Path = ("mutations", mutation.index, "fields", leaf.name)
                remark(scope, "W115", text, at)


def _named(value: pl.Expr) -> set[str]:
    """The columns that a value is made of."""
    return {name.removeprefix(TEXT_PREFIX) for name in value.meta.root_names()}


def _of_unused(scope: Scope, doc: MappingDoc, *, alone: bool) -> None:
    extracted = doc.extract.columns if doc.extract is not None else {}
    columns = scope.used_columns
    for section, names, used, what in (
        ("lookups", doc.lookups if alone else (), scope.used_lookups, "lookup table"),
        ("derive", doc.derive, columns, "derived column"),
        ("source.columns", doc.source.columns, columns, "declared column"),
        ("extract.columns", extracted, columns, "extracted column"),
        ("rows.explode", _unused_pieces(doc.rows.explode, columns), (), "column of pieces"),
        ("rows.unpivot", _unused_pieces(doc.rows.unpivot, columns), (), "column of pieces"),
    ):
        for name in names:
            if name not in used:
                at = (*section.split("."), name)
                remark(scope, "W101", f"the {what} {name} is never used", at)


def _unused_pieces(
    given: Mapping[str, ExplodeDoc] | Mapping[str, UnpivotDoc], used: Container[str]
) -> list[str]:
    """Columns of pieces of which neither the text nor any part is used."""
    return [
        name
        for name, doc in given.items()
        if not any(each in used for each in (name, *doc.names, *doc.keys, doc.rest))
    ]


def _is_open(doc: MappingDoc, name: str) -> bool:
    """Whether a field of the order has no value where a condition does not hold."""
    data = doc.order.get(name)
    if not isinstance(data, dict):
        return False
    cases = data.get("cases")
    last = cases[-1] if isinstance(cases, list) and cases else None
    without_else = isinstance(last, dict) and "when" in last and "default" not in data
    return "when" in data or without_else
