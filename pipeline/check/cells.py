"""What one cell must be like: lengths, words, codes, amounts, as its catalogue row says."""

import re
from collections.abc import Collection, Iterator
from functools import partial
from typing import Final

import polars as pl

from pipeline.check.demands import Demand, Failed, Guess, demand_on, judge, shown
from pipeline.check.emails import refused_emails
from pipeline.check.rows import ROW
from pipeline.mapping.converters import dtype_of
from pipeline.mapping.plan import Aggregate, FieldPlan, ListPlan, Member, ObjectPlan, Plan
from pipeline.model.catalogue.patterns import INVISIBLE, NOT_BLANK
from pipeline.model.codes import (
    currencies,
    languages,
    nearest,
    region_codes,
    regions,
    time_zones,
)
from pipeline.model.field import Field, Kind
from pipeline.model.origin import KEY, ORIGIN
from pipeline.model.rules import RULES

# Kinds whose closed list says more than a length: "EURO" is reported as no currency and not, a
# second time, as too long.
_LISTED: Final = frozenset(
    {Kind.COUNTRY, Kind.CURRENCY, Kind.LANGUAGE, Kind.ZONE, Kind.CHOICE, Kind.CHOICES}
)
# The server drops an unknown region here instead of refusing the order (CONTRACT K10).
_TOLERANT: Final = frozenset({"billing_address"})
_WEB = r"^(?i:https?)://(?:[^\s/?#@]*@)?(?:[^\s/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#]\S*)?$"
_BEYOND: Final = 10**15  # more than any limit, and 10^11 of it still fit into a decimal
_JOINED = frozenset({Aggregate.SUM, Aggregate.MIN, Aggregate.MAX})


def cell_demands(plan: Plan, rows: pl.DataFrame) -> list[Demand]:
    """All demands on single cells, region codes included.

    `rows` are asked for the distinct texts of e-mail fields, which no expression can judge alone.
    """
    demands: list[Demand] = []
    for made in plan.fields():
        if not _joined(made):
            demands += [_softened(demand, made) for demand in _demands(made, rows)]
    for address in _objects(plan):
        demands += [_softened(demand, made) for demand, made in _region_demands(address)]
    return demands


def judge_sums(plan: Plan, rows: pl.DataFrame) -> list[Failed]:
    """Judge what an order's rows are joined to (`aggregate: sum`), once per order."""
    joined = [made for made in plan.fields() if _joined(made)]
    demands = [demand for made in joined for demand in _number_demands(made)]
    if not demands:
        return []
    orders = (
        rows.filter(pl.col(KEY).is_not_null())
        .group_by(KEY)
        .agg(pl.col(ROW).min(), *(_aggregated(made) for made in joined))
        .join(rows.select(ROW, *ORIGIN), on=ROW, how="left")
    )
    return judge(orders, demands)


def _joined(made: FieldPlan) -> bool:
    """Whether what is sent is a number that stands in no single row."""
    return made.aggregate in _JOINED and dtype_of(made.kind) != pl.String


def _aggregated(made: FieldPlan) -> pl.Expr:
    cell = pl.col(made.slot)
    match made.aggregate:
        case Aggregate.MIN:
            return cell.min()
        case Aggregate.MAX:
            return cell.max()
        case _:
            # cut first: a sum that overflows a decimal wraps around without a word (polars 2.1)
            return cell.clip(-_BEYOND, _BEYOND).sum()


def _softened(demand: Demand, made: FieldPlan) -> Demand:
    """With `on_error: null` a cell that breaks its own rule is left out, with a warning."""
    if not made.drop_on_error:
        return demand
    title = RULES[demand.code].title
    return demand_on(
        made, "R324", demand.passes, on=demand.on, value=demand.value,
        detail=f"{title[:1].lower()}{title[1:]} ({demand.code})", drops=True,
    )  # fmt: skip


def _demands(made: FieldPlan, rows: pl.DataFrame) -> Iterator[Demand]:
    if dtype_of(made.kind) == pl.String:
        yield from _word_demands(made)
        yield from _text_demands(made)
        yield from _code_demands(made)
        yield from _form_demands(made, rows)
    else:
        yield from _number_demands(made)


def _on(
    made: FieldPlan, code: str, passes: pl.Expr, detail: str = "", guess: Guess | None = None
) -> Demand:
    """A demand on the field's own column; the catalogue's literals always pass."""
    if made.field.literals:
        passes = passes | pl.col(made.slot).is_in(made.field.literals)
    return demand_on(
        made, code, passes, on=made.slot, value=shown(made), detail=detail, guess=guess
    )


def _word_demands(made: FieldPlan) -> Iterator[Demand]:
    field = made.field
    if field.choices:
        words = (*field.choices, *field.literals)
        yield _on(made, "R306", pl.col(made.slot).is_in(words), ", ".join(words))


def _limits(field: Field) -> tuple[int | None, int | None]:
    if field.kind in {Kind.TEXTS, Kind.CHOICES}:
        return field.item_min_length, field.item_max_length
    return field.min_length, field.max_length


def _text_demands(made: FieldPlan) -> Iterator[Demand]:
    text, field = pl.col(made.slot), made.field
    low, high = _limits(field)
    if field.kind not in _LISTED:
        if high is not None:
            yield _on(made, "R304", text.str.len_chars() <= high, str(high))
        if field.pattern == NOT_BLANK:
            visible = "of a text with a visible character"
            yield _on(made, "R323", text.str.contains(NOT_BLANK), visible)
        if field.looked_up:
            yield _on(made, "R327", ~text.str.contains(INVISIBLE))
        if low is not None:
            yield _on(made, "R305", text.str.len_chars() >= low, str(low))
    # what a country is on the wire, its conversion guarantees
    if field.pattern not in {None, NOT_BLANK} and made.kind is not Kind.COUNTRY:
        pattern = str(field.pattern)
        yield _on(made, "R323", text.str.contains(pattern), pattern)


def _code_demands(made: FieldPlan) -> Iterator[Demand]:
    listed = {
        Kind.CURRENCY: ("R307", currencies),
        Kind.LANGUAGE: ("R308", languages),
        Kind.ZONE: ("R309", time_zones),
    }.get(made.field.kind)
    if listed is not None:
        code, options = listed
        text = pl.col(made.slot)
        yield _on(made, code, text.is_in(sorted(options())), "", _guess(text, options()))


def _guess(text: pl.Expr, options: Collection[str]) -> Guess:
    return Guess(text, partial(nearest, options=options))


def _form_demands(made: FieldPlan, rows: pl.DataFrame) -> Iterator[Demand]:
    match made.field.kind:
        case Kind.EMAIL:
            refused = refused_emails(rows[made.slot]).implode()
            yield _on(made, "R310", ~pl.col(made.slot).is_in(refused))
        case Kind.URL:
            yield _on(made, "R317", pl.col(made.slot).str.contains(_WEB))
        case _:
            pass


def _number_demands(made: FieldPlan) -> Iterator[Demand]:
    number, field = pl.col(made.slot), made.field
    digits = _whole_digits(field) if field.kind is Kind.MONEY else None
    if digits is not None:
        end = pl.lit(10**digits)
        yield _on(made, "R311", (number < end) & (number > -end), str(digits))
    if field.minimum is not None and made.kind is not Kind.BOOLEAN:
        yield _on(made, "R312", number >= field.minimum, str(field.minimum))


def _whole_digits(field: Field) -> int | None:
    """How many digits the field's pattern takes before the dot, or None when it sets no end."""
    if field.pattern is None:
        return None
    most = 26  # what a decimal with 12 places can hold at all
    fits = [n for n in range(1, most + 1) if re.search(field.pattern, f"{'9' * n}.00")]
    return max(fits) if fits and max(fits) < most else None


def _objects(plan: Plan) -> Iterator[ObjectPlan]:
    roots = [plan.order, *(mutation.body for mutation in plan.mutations)]
    if plan.lines is not None:
        roots.append(plan.lines.item)
    if plan.trackings is not None:
        roots.append(plan.trackings.tracking)
    for root in roots:
        yield from _nested(root)


def _nested(member: Member) -> Iterator[ObjectPlan]:
    if isinstance(member, ObjectPlan):
        yield member
        for inner in member.members:
            yield from _nested(inner)
    elif isinstance(member, ListPlan):
        for item in member.items:
            yield from _nested(item)


def _region_demands(address: ObjectPlan) -> Iterator[tuple[Demand, FieldPlan]]:
    """A region is judged against the country of its own address."""
    fields = [member for member in address.members if isinstance(member, FieldPlan)]
    country = next((made for made in fields if made.field.kind is Kind.COUNTRY), None)
    if country is None or address.name in _TOLERANT:
        return
    for made in fields:
        if made.field.kind is Kind.REGION:
            both = pl.concat_str(country.slot, made.slot, separator=":")
            demand = demand_on(
                made, "R316", both.is_in(sorted(region_codes())), value=shown(made),
                detail=pl.col(country.slot), guess=Guess(both, _nearest_region),
            )  # fmt: skip
            yield demand, made


def _nearest_region(asked: str) -> str | None:
    country, _, region = asked.partition(":")
    return nearest(region, regions(country))
