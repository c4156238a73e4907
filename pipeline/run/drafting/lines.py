"""The section `lines`: what was ordered, where the file has it and tells the lines of an order apart."""

from collections.abc import Iterator, Sequence

import polars as pl

from pipeline.run.drafting import values
from pipeline.run.drafting.choosing import Draft
from pipeline.run.drafting.facts import Claim
from pipeline.run.drafting.flow import bare, template, there
from pipeline.run.drafting.grain import Grain, distinct_in
from pipeline.run.drafting.values import Value
from pipeline.run.sheet import Line, counted

_LINE = ("", "item")
_PARCEL = ("", "parcel", "ship", "order")


def has_lines(draft: Draft) -> bool:
    """Whether a file has anything of lines."""
    wanted = (
        "line_item_id",
        "sku",
        "quantity",
        "article_name",
        "barcode",
        "product_id",
        "unit_price",
    )
    return any(
        claim.column != draft.facts.key
        for each in wanted
        for claim in draft.facts.claims(each, _LINE)
    )


def line_id(draft: Draft) -> Value:
    """What a line is called by; with a doubt where nothing tells the lines of an order apart."""
    key, rows = draft.facts.key, draft.facts.sample.rows
    for claim in draft.facts.claims("line_item_id", ("", "item", "order")):
        if claim.column == key or claim.doubt or not draft.facts.looks[claim.column].filled:
            continue
        remark = draft.facts.filled(claim.column)
        again = _again(draft, claim.column)
        if again:
            if again > 0.5 * draft.facts.looks[claim.column].filled:
                continue
            remark = (
                f"{counted(again, 'row')} with the number of another of its order (R302, R319)"
                + (f"; {remark}" if remark else "")
            )
        if _alone(draft, claim.column):
            return Value(bare(claim.column), (claim.column,), remark)
        return Value(template(key, claim.column), (key, claim.column), remark)
    codes = _codes(draft)
    for concept in ("sku", "variant_id", "barcode", "product_id"):
        coded = [codes] if codes is not None and concept == "sku" else []
        for claim in (*draft.facts.claims(concept, _LINE), *coded):
            found = draft.facts.looks[claim.column]
            if (
                found.filled == found.rows
                and found.rows
                and (distinct_in(rows, [key, claim.column]))
            ):
                why = f"no line numbers in this file: a {concept} must not stand twice in an order"
                return Value(template(key, claim.column), (key, claim.column), why)
    if draft.facts.orders.several:
        name = next(
            each for each in ("n", "row_n", "row_in_order") if each not in draft.facts.looks
        )
        why = "no column tells the lines of an order apart; docs/mapping.md#row-number"
        draft.derived = [
            Line("derive:"), Line(f"  {name}: {{row_number: order}}", why), Line(""),
            Line("rows:"), Line(f"  key: {bare(key)}"),
        ]  # fmt: skip
        return Value(template(key, name), (key,), "")
    return Value("?", (), "", "nothing in this file tells the lines of an order apart")


def _codes(draft: Draft) -> Claim | None:
    """A column of articles whose values are codes, where no column is called so."""
    claims = [] if draft.facts.claims("sku", _LINE) else draft.facts.claims("sku", _LINE, weakest=1)
    if claims and claims[0].column != draft.facts.key and draft.facts.looks[claims[0].column].share("code") >= 0.8:  # fmt: skip
        return claims[0]
    return None


def _again(draft: Draft, column: str) -> int:
    """How many rows are called as another one of their order."""
    rows = draft.facts.sample.rows
    filled = rows.filter((rows[column] != "") & (rows[draft.facts.key] != ""))
    return filled.height - filled.select(draft.facts.key, column).unique().height


def _alone(draft: Draft, column: str) -> bool:
    """Whether a column tells lines apart without the order number."""
    found = draft.facts.looks[column]
    unique = found.distinct >= 0.98 * found.filled
    return (
        unique
        and found.filled > 1
        and (min(found.widths, default=0) >= 5 or _holds_key(draft, column))
    )


def _holds_key(draft: Draft, column: str) -> bool:
    key = draft.facts.key
    rows = draft.facts.sample.rows.filter((pl.col(column) != "") & (pl.col(key) != ""))
    starts = rows.select(pl.col(column).str.starts_with(pl.col(key))).to_series()
    return bool(starts.len() and starts.all())


def lines(draft: Draft) -> list[Line]:
    """The line items, where the file has some and tells them apart."""
    if not has_lines(draft) or (
        not draft.creates and draft.facts.claims("tracking_number", _PARCEL)
    ):
        return []
    called = line_id(draft)
    active = not called.doubt
    head = [Line("lines:", called.doubt, active=active)]
    if not draft.creates:
        head.append(
            Line(
                "  send: always",
                "the header of these orders is in another file; read both in one run",
            )
        )
    empty = _rows_without(draft, called)
    if empty:
        head.append(
            Line(f"  when: {there(called.columns[-1])}", f"{counted(empty, 'row')} without")
        )
    head.append(Line("  fields:", active=active))
    body = [draft.put("lines", "    ", "line_item_id", called)]
    lines = [
        *head,
        *body,
        *article(draft, "lines", "    "),
        *quantity(draft, "lines", "    "),
        *_prices(draft),
        *_more(draft),
    ]
    return lines if active else draft.set_aside("lines", lines)


def _rows_without(draft: Draft, line_id: Value) -> int:
    if not line_id.columns:
        return 0
    found = draft.facts.looks[line_id.columns[-1]]
    return found.rows - found.filled


def article(draft: Draft, section: str, indent: str) -> Iterator[Line]:
    """What article a line is of."""
    codes = _codes(draft)
    if codes is not None:
        made = Value(bare(codes.column), (codes.column,), "codes, by their look")
        yield draft.put(section, indent, "sku", made)
    for name in ("sku", "barcode", "article_name", "product_id", "variant_id"):
        lines = draft.simple(section, indent, name, name, _LINE)
        if (
            lines
            and lines[0].active
            and draft.hits.get(f"{section}.{name}") == draft.hits.get(f"{section}.sku")
            and name != "sku"
        ):
            continue
        yield from lines


def quantity(draft: Draft, section: str, indent: str) -> list[Line]:
    """How many pieces, which are whole ones."""
    claim, doubt = draft.one(draft.facts.claims("quantity", _LINE, weakest=2))
    if claim is None:
        return []
    found = draft.facts.looks[claim.column]
    parts = found.counts.get("1.5", 0) + found.counts.get("1,5", 0)
    if parts > found.filled / 2 and not doubt:
        doubt = f"{counted(parts, 'value')} with decimals; it takes whole numbers"
    remark = (
        f"{counted(parts, 'value')} with decimals; it takes whole numbers"
        if parts and not doubt
        else draft.facts.filled(claim.column)
    )
    return [
        draft.put(
            section,
            indent,
            "quantity",
            Value(bare(claim.column), (claim.column,), remark, doubt),
        )
    ]


def _prices(draft: Draft) -> list[Line]:
    lines = draft.number("lines", "    ", "unit_price", "unit_price", _LINE, weakest=1)
    lines += draft.number("lines", "    ", "unit_price_original", "unit_price_original", _LINE)
    lines += draft.number("lines", "    ", "tax_amount", "line_tax_amount", _LINE)
    return lines


def _more(draft: Draft) -> list[Line]:
    lines: list[Line] = []
    for name in (
        "article_category",
        "article_brand",
        "size",
        "color",
        "harmonized_system_code",
    ):
        lines += draft.simple("lines", "    ", name, name, _LINE)
    for name in ("article_store_url", "article_image_url"):
        lines += draft.simple("lines", "    ", name, name, _LINE)
    claim, doubt = draft.one(draft.facts.claims("origin_country", _LINE))
    if claim is not None:
        made = values.country(draft.facts, claim, draft.tables)
        lines.append(
            draft.put(
                "lines",
                "    ",
                "origin_country_iso3",
                Value(made.text, made.columns, made.remark, made.doubt or doubt),
            )
        )
    if draft.grain is Grain.LINE and not draft.facts.claims("tracking_number", _PARCEL):
        lines += weight(draft, "lines", "    ", "weight", "weight_unit", ("item", ""))
    return lines


def weight(
    draft: Draft, section: str, indent: str, name: str, unit_name: str, roles: Sequence[str]
) -> list[Line]:
    """A weight with its unit; without one it is a comment, for grams would be assumed."""
    claim, doubt = draft.one(draft.facts.claims("weight", roles))
    if claim is None:
        return []
    made = values.amount(draft.facts, claim)
    unit = values.weight_unit(
        draft.facts, claim, draft.facts.claims("weight_unit", (*roles, "item", "parcel", ""))
    )
    if unit is None and not doubt:
        doubt = "its unit is not known, and without one grams are assumed"
    lines = [
        draft.put(
            section,
            indent,
            name,
            Value(made.text, made.columns, made.remark, made.doubt or doubt),
        )
    ]
    if unit is not None:
        lines.append(draft.put(section, indent, unit_name, unit, active=lines[0].active))
    return lines
