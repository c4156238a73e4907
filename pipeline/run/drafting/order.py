"""The section `order`: the order itself, who gets it, and where it goes."""

from collections.abc import Sequence

import polars as pl

from pipeline.model.field import Kind
from pipeline.run.drafting import values
from pipeline.run.drafting.choosing import Draft
from pipeline.run.drafting.facts import OWN, SHIP, Claim
from pipeline.run.drafting.flow import bare, template
from pipeline.run.drafting.key import numbers_of_orders
from pipeline.run.drafting.names import Meaning, folded, meanings
from pipeline.run.drafting.values import Value
from pipeline.run.sheet import Line, counted

_PARCEL = ("", "parcel", "ship", "order")
_BILL = ("bill",)
_CURRENCY = {"$": "USD", "£": "GBP", "€": "EUR"}
_CREATED = frozenset(
    [
        "created",
        "createdat",
        "createddate",
        "createdon",
        "datecreated",
        "erstelltam",
        "datecreation",
        "fechacreacion",
    ]
)
_ACCOUNT = "must be known in the account under this name"
_ADDRESS = (
    ("company_name", "company_name"), ("address_line_extra", "street_extra"), ("postal_code", "postal_code"),
    ("city", "city"), ("country_iso3", "country"), ("region_code", "region_code"), ("phone", "phone"),
)  # fmt: skip


def order(draft: Draft) -> list[Line]:
    """The fields of the order."""
    lines = [Line("order:"), *_order_number(draft)]
    if draft.creates:
        lines += _country(draft) + _email(draft)
    elif draft.facts.claims("tracking_number", _PARCEL):
        return lines
    else:
        lines += _email_of_known(draft)
    lines += recipient_name(draft, "order", "  ", SHIP)
    lines += draft.simple(
        "order",
        "  ",
        "external_reference",
        "external_reference",
        why="must not stand at two orders of the account",
    )
    claim, doubt = draft.one(draft.facts.claims("language_iso2", OWN))
    if claim is not None:
        made = values.language(draft.facts, claim)
        lines.append(
            draft.put(
                "order",
                "  ",
                "language_iso2",
                Value(made.text, made.columns, made.remark, made.doubt or doubt),
            )
        )
    lines += _ordered(draft)
    lines += draft.simple("order", "  ", "customer_number", "customer_number", settled=True)
    lines += draft.simple("order", "  ", "invoice_number", "invoice_number", settled=True)
    lines += draft.simple("order", "  ", "payment_method", "payment_method", settled=True)
    lines += draft.simple("order", "  ", "channel", "channel", settled=True)
    lines += draft.simple("order", "  ", "client_key", "client_key", why=_ACCOUNT)
    lines += draft.simple("order", "  ", "delivery_method", "delivery_method", why=_ACCOUNT)
    lines += draft.simple("order", "  ", "timezone", "timezone", settled=True)
    lines += _amounts(draft)
    for name in (
        "announced_delivery_date",
        "announced_delivery_date_min",
        "announced_delivery_date_max",
    ):
        lines += draft.dated("order", "  ", name, name, ("", "ship"), Kind.DATE, settled=True)
    lines += draft.simple("order", "  ", "order_status", "order_status", settled=True, weakest=1)
    lines += _address(draft, "shipping_address", SHIP)
    lines += _address(draft, "billing_address", _BILL)
    return lines


def _ordered(draft: Draft) -> list[Line]:
    """When it was ordered; a date of creation beside parcels may be theirs."""
    claims = draft.facts.claims("order_date", OWN, weakest=1)
    unclear = (
        claims
        and folded(claims[0].column) in _CREATED
        and draft.facts.claims("tracking_number", _PARCEL)
    )
    doubt = "of the order, or of the parcel?" if unclear else ""
    return draft.dated(
        "order", "  ", "order_date", "order_date", OWN, Kind.DATETIME, settled=True, why=doubt
    )


def _email_of_known(draft: Draft) -> list[Line]:
    """The address of orders that exist; `_unset` would take away the one that they have."""
    claim, doubt = email_claim(draft)
    if claim is None:
        return []
    made = values.email(draft.facts, claim, default=False)
    return [
        draft.put(
            "order",
            "  ",
            "recipient_email",
            Value(made.text, made.columns, made.remark, made.doubt or doubt),
        )
    ]


def _order_number(draft: Draft) -> list[Line]:
    key = draft.facts.key
    remark = ""
    if draft.facts.orders.keyless:
        remark = (
            f"{counted(draft.facts.orders.keyless, 'row')} without one: they are rejected (R209)"
        )
    looks = draft.facts.looks
    others = [each for each in numbers_of_orders(looks) if each != key and not meanings(each)]
    if others and not meanings(key):
        listed = " or ".join(map(bare, others[:3]))
        remark = "; ".join(filter(None, (f"or is it {listed}?", remark)))
        draft.facts.told.update(others)
    return [draft.put("order", "  ", "order_number", Value(bare(key), (key,), remark))]


def country_claim(draft: Draft) -> tuple[Claim | None, str]:
    """The column of the country to which the order goes."""
    claims = draft.facts.claims("country", SHIP)
    if not claims:
        found = draft.facts.nameless("country")
        if len(found) == 1:
            return Claim(found[0], Meaning("country", "", 2)), ""
        claims = draft.facts.claims("country", _BILL)
        if claims:
            return claims[0], claims[0].doubt
    return draft.one(claims)


def _country(draft: Draft) -> list[Line]:
    claim, _ = country_claim(draft)
    if claim is None:
        return []
    made = values.country(draft.facts, claim, draft.tables)
    remark = made.remark
    if claim.meaning.role == "bill":
        remark = "; ".join(filter(None, ("of the bill: the file has no other", remark)))
    differs = draft.facts.disagreement(claim.column)
    return [
        draft.put(
            "order",
            "  ",
            "destination_country_iso3",
            made,
            "; ".join(filter(None, (remark, differs and f"{differs} (R303)"))),
        )
    ]


def email_claim(draft: Draft) -> tuple[Claim | None, str]:
    """The column of the customer's e-mail address."""
    claims = draft.facts.claims("email", (*SHIP, "bill"))
    if not claims:
        found = draft.facts.nameless("email")
        if len(found) == 1:
            return Claim(found[0], Meaning("email", "", 2)), ""
    return draft.one(claims)


def _email(draft: Draft) -> list[Line]:
    claim, doubt = email_claim(draft)
    if claim is None or doubt:
        why = "no column of e-mail addresses in this file" if claim is None else ""
        lines = [Line("  recipient_email: {value: _unset}", why)]
        if claim is not None:
            made = values.email(draft.facts, claim, default=False)
            lines.append(
                draft.put(
                    "order", "  ", "recipient_email", Value(made.text, made.columns, "", doubt)
                )
            )
        return lines
    within = draft.facts.orders.columns[claim.column]
    made = values.email(draft.facts, claim, default=bool(within.without))
    remark = made.remark
    if within.differing:
        remark = "; ".join(
            filter(None, (remark, f"{draft.facts.disagreement(claim.column)} (R303)"))
        )
    return [draft.put("order", "  ", "recipient_email", made, remark)]


def recipient_name(draft: Draft, section: str, indent: str, roles: Sequence[str]) -> list[Line]:
    """Who gets it: a whole name, or first and last name together."""
    claim, doubt = draft.one(draft.facts.claims("name", roles))
    first, _ = draft.one(draft.facts.claims("first_name", roles))
    last, _ = draft.one(draft.facts.claims("last_name", roles))
    if first is not None and last is None and _is_last(draft, claim, first):
        last, claim = claim, None  # Vorname;Name
    both = first is not None and last is not None and first.meaning.role == last.meaning.role
    if claim is not None and not doubt and not draft.facts.agrees(claim.column):
        doubt = f"{draft.facts.disagreement(claim.column)}: is it the name of an article?"
    if claim is not None and claim.column != draft.facts.key and not (both and doubt):
        return [
            draft.put(
                section,
                indent,
                "recipient_name",
                Value(
                    values.cell(draft.facts, claim.column),
                    (claim.column,),
                    draft.facts.filled(claim.column),
                    doubt,
                ),
            )
        ]
    if both and first is not None and last is not None:
        made = Value(template(first.column, last.column, between=" "), (first.column, last.column))
        return [draft.put(section, indent, "recipient_name", made)]
    return []


def _is_last(draft: Draft, name: Claim | None, first: Claim) -> bool:
    """Whether a column `Name` beside one of given names has the family names: they are not in it, too."""
    if name is None or name.doubt or name.meaning.role != first.meaning.role:
        return False
    rows = draft.facts.sample.rows.filter(
        (pl.col(name.column) != "") & (pl.col(first.column) != "")
    )
    within = rows.select(pl.col(name.column).str.contains(pl.col(first.column), literal=True).sum())
    return rows.height > 0 and int(within.item() or 0) < 0.5 * rows.height


def _last_name(draft: Draft, section: str, roles: Sequence[str]) -> list[Line]:
    """The family name where only `Name` says it."""
    first, _ = draft.one(draft.facts.claims("first_name", roles))
    name, doubt = draft.one(draft.facts.claims("name", roles))
    if first is None or name is None or doubt or not _is_last(draft, name, first):
        return []
    return [draft.put(section, "    ", "last_name", values.plain(draft.facts, name))]


def _amounts(draft: Draft) -> list[Line]:
    lines: list[Line] = []
    for name in (
        "order_total_amount",
        "order_net_amount",
        "order_tax_amount",
        "order_discount_amount",
    ):
        lines += draft.number("order", "  ", name, name, OWN, settled=True, weakest=1)
    claim, doubt = draft.one(draft.facts.claims("order_currency", (*OWN, "item")))
    if claim is not None:
        made = values.currency(draft.facts, claim)
        lines.append(
            draft.put(
                "order",
                "  ",
                "order_currency",
                Value(made.text, made.columns, made.remark, made.doubt or doubt),
            )
        )
    elif any(line.active for line in lines):
        sign = _sign(draft)
        seen = f"; its amounts have {sign}" if sign else ""
        lines.append(
            Line(
                f"  order_currency: {{value: {_CURRENCY.get(sign, 'EUR')}}}",
                f"no column of currencies{seen}: which one is it?",
                active=False,
            )
        )
    return lines


def _sign(draft: Draft) -> str:
    """The sign of a currency at the amounts of a file, "" where there is none."""
    texts = [text for found in draft.facts.looks.values() if found.share("symbol") > 0.5 for text, _ in found.top]  # fmt: skip
    return next((each for each in _CURRENCY if any(each in text for text in texts)), "")


def _address(draft: Draft, name: str, roles: Sequence[str]) -> list[Line]:
    """An address, where its four parts are there for whom it is."""
    wanted = ("street", "postal_code", "city", "country")
    role = next(
        (
            each
            for each in roles
            if any(c.meaning.role == each for c in draft.facts.claims("street", roles))
        ),
        None,
    )
    if role is None:
        return []
    near = (
        (role, "", *([each for each in roles if each != role] if role != "bill" else ()))
        if role != "bill"
        else ("bill",)
    )
    parts = {each: draft.facts.claims(each, near) for each in wanted}
    lacking = [
        each.replace("_", " ") for each, claims in parts.items() if not claims or claims[0].doubt
    ]
    section = f"order.{name}"
    why = (
        f"it needs street, postal code, city and country; no {' and no '.join(lacking)} in this file"
        if lacking
        else ""
    )
    if why:
        lines = [Line(f"  {name}:", why, active=False)]
    else:
        empty = _incomplete(draft, [parts[each][0].column for each in wanted])
        lines = [Line(f"  {name}:", empty)]
    for part in ("first_name", "last_name"):
        lines += _part(draft, section, part, part, near, lacking)
    if not lacking and not draft.facts.claims("last_name", near):
        lines += _last_name(draft, section, near)
    street = _street(draft, near)
    if street is not None:
        lines.append(draft.put(section, "    ", "address_line", street, active=not lacking))
    for part, concept in _ADDRESS:
        if concept == "country":
            claims = parts["country"]
            if claims:
                lines.append(
                    draft.put(
                        section,
                        "    ",
                        part,
                        values.country(draft.facts, claims[0], draft.tables),
                        active=not lacking,
                    )
                )
        else:
            lines += _part(draft, section, part, concept, near, lacking)
    return lines


def _part(
    draft: Draft,
    section: str,
    part: str,
    concept: str,
    roles: Sequence[str],
    lacking: Sequence[str],
) -> list[Line]:
    claim, doubt = draft.one(draft.facts.claims(concept, roles))
    if claim is None or (claim.column == draft.facts.key):
        return []
    found = draft.facts.looks[claim.column]
    if concept == "region_code" and found.filled and found.share("region") < 0.8 and not doubt:
        doubt = "its values are no codes of ISO 3166-2"
    made = Value(
        values.cell(draft.facts, claim.column),
        (claim.column,),
        draft.facts.filled(claim.column),
        doubt,
    )
    return [draft.put(section, "    ", part, made, active=not lacking)]


def _street(draft: Draft, roles: Sequence[str]) -> Value | None:
    claims = draft.facts.claims("street", roles)
    if not claims:
        return None
    street = claims[0].column
    houses = [each for each in draft.facts.claims("house_number", roles) if not each.doubt]
    if houses:
        return Value(template(street, houses[0].column, between=" "), (street, houses[0].column))
    return Value(bare(street), (street,), draft.facts.filled(street))


def _incomplete(draft: Draft, columns: Sequence[str]) -> str:
    """How many orders have a part of an address and lack another."""
    rows = draft.facts.sample.rows
    without = [draft.facts.orders.columns[each].without for each in columns]
    if max(without) == min(without) or rows.is_empty():
        return ""
    return f"{counted(max(without) - min(without), 'order')} with parts of it only: they are held (R313)"
