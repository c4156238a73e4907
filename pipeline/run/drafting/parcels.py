"""The section `trackings`: parcels with their couriers, and what is in them."""

from pipeline.model.edi.candidates import COURIERS
from pipeline.model.field import Kind
from pipeline.run.drafting import values
from pipeline.run.drafting.choosing import Draft
from pipeline.run.drafting.facts import SHIP, Claim
from pipeline.run.drafting.flow import bare, there, value
from pipeline.run.drafting.lines import has_lines, line_id, quantity, weight
from pipeline.run.drafting.names import Meaning
from pipeline.run.drafting.order import country_claim, recipient_name
from pipeline.run.drafting.values import Value
from pipeline.run.sheet import Line

_LINE = ("", "item")
_PARCEL = ("", "parcel", "ship", "order")


def tracking_claim(draft: Draft) -> tuple[Claim | None, str]:
    """The column of the parcels' numbers."""
    claims = [
        each
        for each in draft.facts.claims("tracking_number", _PARCEL)
        if each.column != draft.facts.key
    ]
    if not claims:
        found = [name for name in draft.facts.looks if _proves_parcels(draft, name)]
        if len(found) == 1:
            return Claim(found[0], Meaning("tracking_number", "", 2)), ""
    return draft.one(claims)


def _proves_parcels(draft: Draft, name: str) -> bool:
    found = draft.facts.looks[name]
    proved = sum(found.schemes.get(each, 0) for each in ("ups", "s10", "sscc"))
    return (
        name not in draft.facts.used
        and found.filled > 0
        and proved >= 0.9 * min(found.filled, 2000)
    )


def trackings(draft: Draft) -> list[Line]:
    """The parcels, where the file has their numbers and couriers."""
    number, doubt = tracking_claim(draft)
    if number is None:
        return []
    courier, unsure = _courier(draft, number)
    found = draft.facts.looks[number.column]
    doubt = (
        doubt
        or (unsure if courier is None else "")
        or (courier.doubt if courier is not None else "")
    )
    key = [number.column, *(courier.columns if courier is not None else ())]
    active = not doubt
    listed = ", ".join(map(bare, key))
    lines = [Line("trackings:", doubt, active=active)]
    lines.append(
        Line(f"  key: {bare(key[0]) if len(key) == 1 else f'[{listed}]'}", "one parcel each")
    )
    if found.filled < found.rows:
        lines.append(Line(f"  when: {there(number.column)}", draft.facts.filled(number.column)))
    lines.append(Line("  fields:"))
    blanks = any(" " in text for text, _ in found.top)
    bared = found.share("mark") > 0
    told = _schemes(draft, number.column)
    written = value(
        number.column, do=['{replace: [" ", ""]}', "upper"] if blanks else ["bare"] if bared else ()
    )
    lines.append(
        draft.put(
            "trackings",
            "    ",
            "tracking_number",
            Value(written, (number.column,), told),
            active=active,
        )
    )
    if courier is not None:
        lines.append(draft.put("trackings", "    ", "courier", courier, active=active))
    else:
        lines.append(Line("    courier: ?", unsure))
    lines += _of_parcel(draft)
    lines += _articles(draft, number.column)
    return lines if active else draft.set_aside("trackings", lines)


def _schemes(draft: Draft, column: str) -> str:
    found = draft.facts.looks[column]
    names = {
        "ups": "UPS (1Z, check digit right)",
        "s10": "postal items (S10, check digit right)",
        "sscc": "SSCC with a right check digit",
    }
    told = [
        f"{number:,} of {found.filled:,} are {names[each]}"
        for each, number in found.schemes.items()
        if number > 0.1 * found.filled
    ]
    return "; ".join(told)


def _courier(draft: Draft, number: Claim) -> tuple[Value | None, str]:
    claims = [
        each
        for each in draft.facts.claims("courier", (*_PARCEL, "send"), weakest=2)
        if each.column != number.column
    ]
    claim, doubt = draft.one(claims)
    if claim is not None and not doubt:
        made = values.courier(draft.facts, claim, draft.tables)
        return made, ""
    found = draft.facts.looks[number.column]
    if found.filled and found.schemes.get("ups", 0) >= found.filled:
        return Value(
            "{value: ups}",
            (),
            f"all {found.filled:,} numbers are UPS's: 1Z with a right check digit",
        ), ""
    named = [
        each for each in draft.facts.looks if each != number.column and _names_couriers(draft, each)
    ]
    if claim is None and len(named) == 1:
        proved = Claim(named[0], Meaning("courier", "", 2))
        return values.courier(draft.facts, proved, draft.tables), ""
    weak = draft.facts.claims("courier", _PARCEL, weakest=1)
    if claim is None and weak:
        claim = weak[0]
        return None, f"it needs the courier; is it {bare(claim.column)}?"
    return None, doubt or "it needs the courier, and no column of this file has it"


def _of_parcel(draft: Draft) -> list[Line]:
    lines = draft.simple(
        "trackings", "    ", "courier_service_level", "courier_service_level", _PARCEL
    )
    lines += draft.simple("trackings", "    ", "recipient_postal_code", "postal_code", SHIP)
    if not draft.creates:
        lines += recipient_name(draft, "trackings", "    ", SHIP)
        claim, doubt = country_claim(draft)
        if claim is not None:
            made = values.country(draft.facts, claim, draft.tables)
            lines.append(
                draft.put(
                    "trackings",
                    "    ",
                    "destination_country_iso3",
                    Value(made.text, made.columns, made.remark, made.doubt or doubt),
                )
            )
    lines += draft.simple("trackings", "    ", "delivery_number", "delivery_number", ("",))
    lines += draft.simple(
        "trackings", "    ", "identifiers_consignment", "identifiers_consignment", ("",)
    )
    lines += draft.dated(
        "trackings", "    ", "announced_send_date", "announced_send_date", ("",), Kind.DATE
    )
    lines += draft.simple("trackings", "    ", "warehouse", "warehouse", ("",))
    lines += weight(
        draft,
        "trackings",
        "    ",
        "shipping_weight_total",
        "shipping_weight_unit",
        ("parcel", "ship", ""),
    )
    lines += draft.number("trackings", "    ", "shipping_cost_total", "shipping_cost", ("",))
    lines += draft.simple("trackings", "    ", "status_link", "status_link", _PARCEL)
    return lines


def _articles(draft: Draft, number: str) -> list[Line]:
    """What is in a parcel, where rows name lines."""
    called = line_id(draft)
    if not (has_lines(draft) or called.columns) or called.columns == () or number in called.columns:
        return []
    where = (
        f"as in the mapping that makes the order's lines{'; ' + called.remark if called.remark else ''}"
        if not draft.creates
        else called.remark
    )
    lines = [
        Line("    articles:"),
        draft.put("trackings.articles", "      ", "line_item_id", called, where),
    ]
    lines += list(draft.simple("trackings.articles", "      ", "sku", "sku", _LINE))
    return lines + quantity(draft, "trackings.articles", "      ")


def _names_couriers(draft: Draft, name: str) -> bool:
    """Whether all values of a column are words for couriers, whatever the column is called."""
    found = draft.facts.looks[name]
    return 0 < found.distinct <= len(found.top) and all(
        text.upper() in COURIERS or text in values.KEYS for text, _ in found.top
    )
