"""What must be there: fields of a new order, whole addresses, identities, parts of objects."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import polars as pl

from pipeline.check.demands import Demand, Failed, judge
from pipeline.check.rows import section
from pipeline.mapping.plan import (
    FieldPlan,
    ListPlan,
    Member,
    Mode,
    ObjectPlan,
    Plan,
    Scope,
    TrackingsPlan,
)
from pipeline.model.field import Use
from pipeline.model.origin import KEY

# Names, a country or a phone alone are no address: it is left out, not refused (CONTRACT K9).
_MAKE_AN_ADDRESS: Final = frozenset({"address_line", "address_line_extra", "postal_code", "city"})
_ADDRESS: Final = "address"
_PARCEL: Final = "_key.trackings"  # where convert has made it, else the identity serves
_OLD: Final = "_old"  # the ledger knows the order


def judge_presence(plan: Plan, rows: pl.DataFrame, existing: Collection[str]) -> list[Failed]:
    """Judge R301, R313, R314 and R315 in all sections of the plan."""
    # what an order must have is judged where it is made
    failed = _judge_orders(plan, rows, existing) if plan.belongs is None else []
    if plan.lines is not None:
        frame = section(rows, plan.lines.item.leaves(), when="_when.lines")
        failed += judge(frame, list(_parts(plan.lines.item, _all_rows())))
    if plan.trackings is not None:
        failed += _judge_trackings(plan.trackings, rows)
    for mutation in plan.mutations:
        # what all rows of an order ask for together is filled by any of them
        by = () if mutation.scope is Scope.ROW else (KEY,)
        frame = section(
            rows, mutation.body.leaves(), when=f"_when.mutations.{mutation.index}", by=by
        )
        addresses = [_whole(each) for each in _addresses(mutation.body)]
        failed += judge(frame, [*_parts(mutation.body, _all_rows()), *addresses])
    return failed


def _all_rows() -> pl.Expr:
    return pl.lit(value=True)


def _judge_orders(plan: Plan, rows: pl.DataFrame, existing: Collection[str]) -> list[Failed]:
    """Values of the order may stand on any of its rows, so an order is judged as a whole."""
    own = [member for member in plan.order.members if isinstance(member, FieldPlan)]
    number = next((made for made in own if made.name == "order_number"), None)
    known = pl.lit(value=False)
    if number is not None and existing:
        numbers = pl.Series(list(existing), dtype=pl.String).implode()
        known = pl.col(number.slot).is_in(numbers).fill_null(value=False)
    also = [known.alias(_OLD)]
    required = [made for made in own if made.field.use in {Use.ALWAYS, Use.CREATE}]
    addresses = _addresses(plan.order)
    fields = [*required, *(made for each in addresses for made in each.leaves())]
    frame = section(rows, list({made.slot: made for made in fields}.values()), by=(KEY,), also=also)
    demands = [_whole(each) for each in addresses]
    for made in required:
        if made.field.use is Use.ALWAYS:
            demands.append(_filled(made, "R315", pl.col(made.slot)))
        elif plan.mode is Mode.CREATE_OR_UPDATE:
            demands.append(_filled(made, "R301", pl.col(made.slot) | pl.col(_OLD)))
    return judge(frame, demands)


def _judge_trackings(sent: TrackingsPlan, rows: pl.DataFrame) -> list[Failed]:
    when = "_when.trackings"
    nested = [each for each in (sent.articles, sent.checkpoints) if each is not None]
    leaves = [*sent.tracking.leaves(), *(made for each in nested for made in each.leaves())]
    demands = list(_parts(sent.tracking, _all_rows()))
    for each in nested:
        demands += _parts(each, _any_filled(each))
    failed = judge(section(rows, leaves, when=when), demands)
    addresses = _addresses(sent.tracking)
    if not addresses:
        return failed
    # the rows of one parcel fill its address together, like the rows of an order
    by = [_PARCEL]
    if _PARCEL not in rows.columns:
        by = [made.slot for group in _identity(sent.tracking) for made in group if made]
    fields = [made for each in addresses for made in each.leaves()]
    parcels = section(rows, fields, when=when, by=(KEY, *by))
    return failed + judge(parcels, [_whole(each) for each in addresses])


def _filled(made: FieldPlan, code: str, passes: pl.Expr) -> Demand:
    """A demand that already counts cells with known errors as filled, so nothing else hides it."""
    return Demand(
        code=code, passes=passes, slot=made.slot, target=made.target,
        column=pl.lit(made.column), line=made.line,
    )  # fmt: skip


def _any_filled(part: ObjectPlan | ListPlan) -> pl.Expr:
    """Whether a row fills any part but fixed text, which is there for every row."""
    slots = [made.slot for made in part.leaves() if not made.constant]
    return pl.any_horizontal(slots) if slots else pl.lit(value=False)


def _parts(part: ObjectPlan, sent: pl.Expr) -> Iterator[Demand]:
    """R315 for the required parts of an object and of those in it, R314 for a tracking's identity.

    `sent` tells on which rows the object is sent. Addresses are judged as a whole (`_whole`).
    """
    if part.shape is not None and any(field.identity for field in part.shape.fields):
        yield _identified(part, sent)
    for member in part.members:
        if isinstance(member, FieldPlan):
            if member.field.use in {Use.INSIDE, Use.ALWAYS}:
                yield _filled(member, "R315", ~sent | pl.col(member.slot))
            continue
        for inner in _inner(member):
            field = part.shape.field(inner.name) if part.shape is not None else None
            always = field is not None and field.use is Use.INSIDE
            yield from _parts(inner, sent if always else _any_filled(inner))


def _inner(member: ObjectPlan | ListPlan) -> list[ObjectPlan]:
    items: Sequence[Member] = member.items if isinstance(member, ListPlan) else [member]
    return [
        item
        for item in items
        if isinstance(item, ObjectPlan) and item.shape is not None and item.shape.name != _ADDRESS
    ]


def _addresses(root: ObjectPlan) -> list[ObjectPlan]:
    found: list[ObjectPlan] = []
    for member in root.members:
        if isinstance(member, ObjectPlan) and member.shape is not None:
            found += [member] if member.shape.name == _ADDRESS else _addresses(member)
    return found


def _named(part: ObjectPlan) -> dict[str, FieldPlan]:
    return {member.name: member for member in part.members if isinstance(member, FieldPlan)}


def _identity(part: ObjectPlan) -> list[list[FieldPlan | None]]:
    """The ways to identify a tracking, each as the fields it needs; None for one not mapped."""
    named = _named(part)
    groups: dict[str, list[FieldPlan | None]] = {}
    for field in part.shape.fields if part.shape is not None else ():
        if field.identity is not None:
            groups.setdefault(field.identity, []).append(named.get(field.name))
    return list(groups.values())


def _identified(part: ObjectPlan, sent: pl.Expr) -> Demand:
    ways = _identity(part)
    mapped = [made for way in ways for made in way if made is not None]
    whole = [
        pl.all_horizontal(made.slot for made in way if made is not None)
        for way in ways
        if None not in way
    ]
    passes = pl.any_horizontal(whole) if whole else pl.lit(value=False)
    return _lacking("R314", part, mapped, ~sent | passes)


def _whole(address: ObjectPlan) -> Demand:
    """R313: an address with some of its required parts but not all."""
    named = _named(address)
    shape = address.shape
    required = [] if shape is None else [f.name for f in shape.fields if f.use is Use.INSIDE]
    hints = [named[name].slot for name in _MAKE_AN_ADDRESS if name in named]
    there = {name: pl.col(named[name].slot) for name in required if name in named}
    absent = pl.lit(value=False)
    complete = pl.all_horizontal(there.get(name, absent) for name in required)
    passes = ~pl.any_horizontal(hints) | complete if hints else pl.lit(value=True)
    parts = [pl.when(~there.get(name, absent)).then(pl.lit(name)) for name in required]
    detail = pl.concat_str(parts, separator=", ", ignore_nulls=True) if parts else None
    mapped = [named[name] for name in required if name in named]
    return _lacking("R313", address, mapped, passes, detail)


def _lacking(
    code: str,
    part: ObjectPlan,
    mapped: list[FieldPlan],
    passes: pl.Expr,
    detail: pl.Expr | None = None,
) -> Demand:
    """A demand on an object, reported at the column of the first part that is empty."""
    first = mapped[0] if mapped else part.leaves()[0]
    empty = [pl.when(~pl.col(made.slot)).then(pl.lit(made.column)) for made in mapped]
    return Demand(
        code=code, passes=passes, slot=first.slot, target=part.target, line=part.line,
        column=pl.coalesce(*empty, pl.lit(first.column)),
        detail=pl.lit(None, pl.String) if detail is None else detail,
    )  # fmt: skip
