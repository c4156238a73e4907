"""mapping init: a commented mapping of an EDI file, from what the file has.

A line is written where the file has values for it and its meaning is settled; all else is a comment
with the reason, so that nothing is guessed at run time. What the API or the language demands is
written in any case: its rows are held, by name, until a person decides.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from pipeline.mapping.compile import Compiled, compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.trials import Trial
from pipeline.model.edi.candidates import EVENTS, WEIGHT_UNITS, ZONES, Purpose
from pipeline.model.edi.definition import Syntax
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.read import Reading, SourceEmpty, is_error, open_edi
from pipeline.report.visible import visible
from pipeline.run.evidence import gather, readable_types
from pipeline.run.example import SEGMENTS_MAX, example
from pipeline.run.payload_text import as_yaml, without_run
from pipeline.run.sheet import CODES_SHOWN, FORMS, NO_ZONE, Line, Sheet, by_length, counted, noted
from pipeline.run.trial import come_of

_TRIED = 5  # messages of which one is looked for that goes through
_CUSTOMER = "only where it is the customer and not a shop"
_NO_LINES = "no line number and no article number in this file"
_ARTICLE = (("sku", "sku"), ("barcode", "barcode"), ("article_name", "article"))


class NoSuchMessage(StopRun):
    """The file has no message of the type that was asked for (exit 2)."""


class NoInterchange(StopRun):
    """The file is no EDI: what delimited text may be is another module's (exit 2)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping for one type of message, as text; `damage` says what is wrong with the file."""

    type: str
    text: str
    damage: tuple[str, ...] = ()


def propose(
    path: Path, name: str, *, message: str | None = None, timezone: str | None = None
) -> list[Proposal]:
    """Propose a mapping for each type of message in a file, or for the one that is named.

    Raises:
        NoInterchange: the file is no EDI.
        NoSuchMessage: it has no such message.
        SourceUnusable: it cannot be read, or has no message that makes orders.
    """
    try:
        reading = open_edi(path, name)
    except SourceUnusable as error:
        if error.code != "E101" or isinstance(error, SourceEmpty):
            raise
        raise NoInterchange(
            f"no interchange begins in {name}",
            help="without --message it is read as delimited text",
        ) from None
    kinds = readable_types(reading)
    there = reading.envelopes.messages.get_column("type").unique(maintain_order=True).to_list()
    if not kinds:
        damaged = any(is_error(problem) for problem in reading.envelopes.problems)
        raise SourceUnusable(
            f"{name} has no message that a mapping can read"
            + (f"; it has {', '.join(map(visible, there[:12]))}" if there else ""),
            help=f"it is damaged: `pipeline edi show {name} --problems` says where" if damaged
            else "docs/mapping.md lists the messages that can be read",
        )  # fmt: skip
    if message is not None:
        chosen = [kind for kind in kinds if kind.type == message.upper()]
        if not chosen:
            raise NoSuchMessage(
                f"{name} has no message {message} that a mapping can read",
                help=f"it has {', '.join(kind.type for kind in kinds)}",
            )
        kinds = chosen
    return [_proposal(reading, Sheet(gather(reading, kind), name, timezone)) for kind in kinds]


def _proposal(reading: Reading, sheet: Sheet) -> Proposal:
    text = _text(sheet)
    test = "\n".join(line.written() for line in _test(reading, sheet, text))
    return Proposal(
        sheet.found.message.type, f"{text}\n{test}\n" if test else text, tuple(sheet.damage())
    )


# -- the test ---------------------------------------------------------------------------------


def _test(reading: Reading, sheet: Sheet, text: str) -> list[Line]:
    """A message of the file as a test, best one that goes through; empty where none is fit."""
    compiled = _compiled(text)
    tried: list[tuple[list[str], list[object]]] = []
    for rows in islice(_examples(reading, sheet), _TRIED):
        tried.append((rows, _come_of(compiled, rows)))
        if tried[-1][1]:
            break
    if not tried:
        return []
    rows, orders = tried[-1] if tried[-1][1] else tried[0]
    lines = [
        Line("tests:"),
        Line(f"  # A message of {visible(sheet.name)}, rebuilt: people, places, order and parcel numbers are invented."),
        Line(f"  - name: {json.dumps(f'a message of {visible(sheet.name)}', ensure_ascii=False)}"),
        Line("    rows: |"), *(Line(f"      {row}") for row in rows),
    ]  # fmt: skip
    if not orders:
        return [*lines, Line("    # it fails until the mapping makes something of this message, and"),
                Line("    # says nothing of what: add what must come of it under `orders`"),
                Line("    expect: {rejected: []}")]  # fmt: skip
    return [*lines, Line("    # what the mapping above makes of it now: is it what you mean?"),
            Line("    expect:"), Line("      orders:"),
            *(Line(f"        {each}") for each in as_yaml(orders))]  # fmt: skip


def _compiled(text: str) -> Compiled | None:
    """The proposal; None where a person has to replace something first."""
    try:
        return compile_mapping(text, "proposed.yaml")
    except MappingRefused as refused:
        if any(mistake.code != "M217" for mistake in refused.mistakes):
            raise
        return None


def _examples(reading: Reading, sheet: Sheet) -> Iterator[list[str]]:
    """The messages of the file that an import would use and that are short enough, rebuilt."""
    found, messages = sheet.found, reading.envelopes.messages
    syntax = found.message.syntax
    theirs = [i for i, each in enumerate(reading.envelopes.interchanges) if each.syntax is syntax]
    mine = messages.filter(type=found.message.type).filter(
        pl.col("interchange").is_in(theirs) & (pl.col("counted") <= SEGMENTS_MAX)
    )
    for number in mine.get_column("message"):
        if number not in found.rejected:
            yield example(reading, number, syntax, found.kept)


def _come_of(compiled: Compiled | None, rows: Sequence[str]) -> list[object]:
    """The payloads of a message without what belongs to a run; empty where a row is rejected."""
    if compiled is None:
        return []
    trial = Trial("", "\n".join(rows) + "\n", None, (), None, (), exact=False, line=1)
    payloads, rejected = come_of(Path("proposed.yaml"), compiled, trial)
    return [] if rejected else [without_run(each) for each in payloads]


def _text(sheet: Sheet) -> str:
    sections = {
        Purpose.CREATE: _creating, Purpose.SHIP: _shipping,
        Purpose.STATUS: _reporting, Purpose.CHANGE: _changing,
    }  # fmt: skip
    return sheet.text(sections[sheet.found.candidates.purpose](sheet))


def _order_number(sheet: Sheet) -> list[Line]:
    return [Line("order:"), *sheet.plain("  ", "order_number", "order_no")]


def _cancels(sheet: Sheet) -> str:
    """The condition that a message takes back what it would otherwise say; "" where nothing says so."""
    if not sheet.has("function"):
        return ""
    sheet.used.add("function")
    codes = [f"'{code}'" for code in sheet.found.candidates.cancelling]
    return f"function = {codes[0]}" if len(codes) == 1 else f"function IN ({', '.join(codes)})"


def _seen(sheet: Sheet) -> str:
    codes = sheet.columns["function"].codes.most_common(6)
    return "in this file: " + ", ".join(
        f"{visible(code)} ({counted(n, 'row')})" for code, n in codes
    )


def _cancelled(sheet: Sheet) -> list[Line]:
    """The mutation of a message that takes its order back."""
    condition = _cancels(sheet)
    if not condition:
        return [
            Line("  - type: cancel_order", "no function of the message in this file", active=False)
        ]
    return [
        Line("  - type: cancel_order", _seen(sheet)),
        Line(f'    when_all: "{condition}"'),
        Line("    fields:", active=False),
        Line("      cancelled_reason: {value: customer}", "customer, inventory, payment or other",
             active=False),
    ]  # fmt: skip


def _mutations(lines: list[Line]) -> list[Line]:
    return [Line("mutations:", active=any(line.active for line in lines)), *lines]


# -- orders -----------------------------------------------------------------------------------


def _creating(sheet: Sheet) -> list[list[Line]]:
    order = _order_number(sheet)
    country = sheet.plain("  ", "destination_country_iso3", "country")
    if not sheet.has("country"):
        hint = (
            "orders are held (R301) until it comes from somewhere; if all go to one: {value: USA}"
        )
        country = noted(country, hint)
    order += country
    if sheet.has("email"):
        email = "{from: email, do: [lower], default: _unset}"
        order += sheet.valued("  ", "recipient_email", email, ("email",))
    else:
        why = "no e-mail of the recipient in this file"
        order.append(Line("  recipient_email: {value: _unset}", why))
    order += sheet.plain("  ", "recipient_name", "recipient")
    order += sheet.moment("  ", "order_date", "ordered")
    order += sheet.plain("  ", "order_currency", "currency")
    order += sheet.plain("  ", "external_reference", "customer_ref",
                         "must not stand at two orders of the account")  # fmt: skip
    order += sheet.date("  ", "announced_delivery_date", "wanted",
                        "the day that was asked for is not the day that is promised")  # fmt: skip
    if "tracking" not in sheet.columns:
        order += sheet.plain("  ", "delivery_method", "carrier",
                             "must be configured in the account under this name")  # fmt: skip
    order += _address(sheet)
    parcels = _parcels_of_new(sheet) if "tracking" in sheet.columns else []
    return [order, _lines(sheet), parcels, _mutations(_cancelled(sheet))]


def _address(sheet: Sheet) -> list[Line]:
    found = sheet.found
    why = ""
    lacking = [name for name in ("street", "city", "zip", "country") if not sheet.has(name)]
    if lacking:
        why = f"it needs street, city, zip and country; no {', '.join(lacking)} in this file"
    elif found.incomplete:
        why = (
            "it needs street, city, zip and country;"
            f" {found.incomplete:,} of {counted(found.address_rows, 'row')} lack one"
        )
    parts = [("address_line", "street"), ("address_line_extra", "street_extra"),
             ("postal_code", "zip"), ("city", "city"), ("country_iso3", "country"),
             ("phone", "phone")]  # fmt: skip
    if found.message.syntax is Syntax.X12:
        parts.insert(4, ("region_code", "region"))
    lines = [Line("  shipping_address:", why, active=not why)]
    for field, name in parts:
        if why:
            lines.append(Line(f"    {field}: {name}", active=False))
        else:
            lines += sheet.plain("    ", field, name)
    named = "first and last name stand in one text"
    return [*lines, Line("    last_name: recipient", named, active=False)]


def _lines(sheet: Sheet) -> list[Line]:
    if "line_no" not in sheet.columns:
        return []
    value, names, remark = sheet.line_id()
    if not names:
        return [Line("lines:", _NO_LINES, active=False)]
    lines = [Line("lines:")]
    if sheet.found.lines < sheet.found.rows:
        rows = counted(sheet.found.rows - sheet.found.lines, "row")
        lines.append(Line(f'  when: "{sheet.line()[0]} IS NOT NULL"', f"{rows} without"))
    lines.append(Line("  fields:"))
    lines += noted(sheet.valued("    ", "line_item_id", value, names), remark)
    for field, name in _ARTICLE:
        lines += sheet.plain("    ", field, name)
    lines += sheet.plain("    ", "barcode", "case_code", "the code of a case, not of a piece")
    lines += sheet.quantity("    ")
    return lines + sheet.plain("    ", "unit_price", "price")


def _parcels_of_new(sheet: Sheet) -> list[Line]:
    """Parcels of a message that creates their order: their labels are printed already."""
    if not (sheet.has("tracking") and sheet.has("carrier")):
        return [Line("trackings:", "no parcel with its carrier in this file", active=False)]
    lines = _parcel(sheet)[0]
    lines += sheet.plain("    ", "identifiers_consignment", "ship_id")
    return lines + _recipient(sheet)


# -- parcels ----------------------------------------------------------------------------------


def _parcel(sheet: Sheet, *, shipped: bool = False) -> tuple[list[Line], str]:
    """What identifies a parcel, and the value of its courier.

    With `shipped`, a line of which nothing was shipped makes no parcel.
    """
    cancels = _cancels(sheet) if sheet.found.candidates.cancelling else ""
    condition = "tracking IS NOT NULL"
    if shipped:
        condition += " AND COALESCE(qty, 1) > 0"
    if cancels:
        condition += f" AND (function IS NULL OR NOT {cancels})"
    number = sheet.plain("    ", "tracking_number", "tracking")
    if not sheet.has("tracking"):
        number = noted(number, "no tracking number in this file: no parcel is sent")
    courier = sheet.courier_value()
    written = sheet.valued("    ", "courier", courier, ("carrier",))
    if not sheet.has("carrier"):
        written = noted(written, "no carrier in this file; for one and the same: {value: ups}")
    lines = [Line("trackings:"), Line("  key: tracking"), Line(f'  when: "{condition}"'),
             Line("  fields:"), *number, *written]  # fmt: skip
    return lines, courier


def _recipient(sheet: Sheet) -> list[Line]:
    lines = sheet.plain("    ", "recipient_postal_code", "zip")
    return lines + sheet.plain("    ", "destination_country_iso3", "country")


def _shipping(sheet: Sheet) -> list[list[Line]]:
    lines, courier = _parcel(sheet, shipped=sheet.has("qty"))
    indent = "    "
    lines += sheet.plain(indent, "external_reference", "sscc",
                         "identifies a parcel that has no tracking number")  # fmt: skip
    lines += sheet.plain(indent, "delivery_number", "ship_id")
    lines += sheet.date(indent, "announced_send_date", "shipped")
    lines += sheet.date(indent, "announced_delivery_date", "expected")
    lines += _recipient(sheet)
    lines += sheet.plain(indent, "recipient_name", "recipient", _CUSTOMER)
    lines += sheet.plain(indent, "recipient_email", "email", _CUSTOMER)
    lines += _weight(sheet)
    lines += _articles(sheet)
    sections = [_order_number(sheet), lines]
    cancels = _cancels(sheet) if sheet.found.candidates.cancelling else ""
    if cancels:
        sections.append(_mutations([
            Line("  - type: cancel_tracking", _seen(sheet)),
            Line(f'    when: "tracking IS NOT NULL AND {cancels}"'),
            Line("    fields:"),
            Line(f"      tracking: {{tracking_number: tracking, courier: {courier}}}"),
        ]))  # fmt: skip
    return sections


def _weight(sheet: Sheet) -> list[Line]:
    if "weight" not in sheet.columns:
        return []
    units = sheet.columns["weight_unit"].codes
    pairs = ", ".join(
        f"{json.dumps(code)}: {WEIGHT_UNITS[code]}" for code in units if code in WEIGHT_UNITS
    )
    value = "{from: weight_unit, lookup: weights}"
    lines = sheet.plain(
        "    ", "shipping_weight_total", "weight", "is it the weight of one parcel?"
    )
    return lines + sheet.valued("    ", "shipping_weight_unit", value, ("weight_unit",),
                                f"with lookups: weights: {{{pairs}}}")  # fmt: skip


def _articles(sheet: Sheet) -> list[Line]:
    value, names, remark = sheet.line_id()
    if not names:
        return [Line("    articles:", _NO_LINES, active=False)]
    inside = sheet.inside()
    lines = [Line("    articles:")]
    condition = f", when: {inside}}}"
    written = sheet.valued("      ", "line_item_id", value[:-1] + condition, names)
    lines += noted(written, remark)
    for field, name in _ARTICLE:
        if name in sheet.columns:
            lines += sheet.valued("      ", field, f"{{from: {name}{condition}", (name,))
    lines += sheet.plain("      ", "barcode", "case_code", "the code of a case, not of a piece")
    return lines + sheet.quantity("      ", when=inside)


# -- events -----------------------------------------------------------------------------------


def _reporting(sheet: Sheet) -> list[list[Line]]:
    lines, _ = _parcel(sheet)
    if not sheet.has("event"):
        lines.append(Line("    checkpoints:", "no event in this file", active=False))
        return [_order_number(sheet), lines]
    found = sheet.found
    timed = _has_time(sheet)
    ready = bool(sheet.timezone) and timed
    why = "" if ready else (NO_ZONE if timed else "no time of the events in this file")
    codes = sheet.columns["event"].codes
    words = EVENTS[found.message.syntax]
    says = "parcelLab's status of each event; what is not listed is rejected (R401)"
    hints = {code: ("", word.lower()) for code, word in words.items()}
    sheet.table("statuses", says, codes, hints, active=ready)
    message = "event"
    if any(code in words for code in codes):
        said = {code: (json.dumps(word), "") for code, word in words.items()}
        sheet.table(
            "words", "what an event is called; others by their code", codes, said, active=ready
        )
        message = "{from: event, do: [upper], lookup: words, unknown: keep}"
    block = [
        ("status_code", "{from: event, do: [upper], lookup: statuses}"),
        ("courier_status", "event"), ("message", message),
        ("event_timestamp", _event_time(sheet, active=ready) if timed else "event_at"),
    ]  # fmt: skip
    lines.append(Line("    checkpoints:", why, active=ready))
    lines += [Line(f"      {field}: {given}", active=ready) for field, given in block]
    skip: list[Line] = []
    if ready:
        sheet.used.add("event")
        sheet.wants_zone = True
        if not sheet.everywhere("event"):
            rows = counted(found.rows - sheet.columns["event"].rows, "row")
            skip = [Line("rows:"), Line('  skip: "event IS NULL"', f"{rows} without an event")]
    return [skip, _order_number(sheet), lines]


def _has_time(sheet: Sheet) -> bool:
    """Whether events have a time in a form that can be read."""
    if "event_at" in sheet.columns:
        return any(form in FORMS for form in sheet.columns["event_at"].forms)
    return any(form in ("6", "8") for form in sheet.columns["event_date"].forms)


def _event_time(sheet: Sheet, *, active: bool) -> str:
    """The time of an event; adds what has to be derived for it."""
    if "event_at" in sheet.columns:
        forms = {form for form in sheet.columns["event_at"].forms if form in FORMS}
        names = ["event_at"]
        value = "event_at" if forms == {"8"} else by_length("event_at", forms)
    else:
        names = ["event_date"] + [name for name in ("event_time", "event_zone") if sheet.has(name)]
        value = _of_parts(sheet, names, active=active)
    if active:
        sheet.used.update(names)
    return value


def _of_parts(sheet: Sheet, names: Sequence[str], *, active: bool) -> str:
    """A time of date, time and zone (AT7-05 to -07), each row by the parts that it has."""
    forms = sorted({form for form in sheet.columns["event_date"].forms if form in ("6", "8")})
    parts = ["event_date"]
    if "event_time" in names:
        sheet.derive("clock", "{from: event_time, do: [{slice: [0, 4]}]}", active=active)
        parts.append("clock")
    if "event_zone" in names:
        known = {code: (json.dumps(offset), "" if offset else "the time of the place, taken in source.timezone")
                 for code, offset in ZONES.items()}  # fmt: skip
        sheet.table("zones", 'offset of each zone; "" is source.timezone; what is not listed is rejected (R401)',
                    sheet.columns["event_zone"].codes, known, empty='""', active=active)  # fmt: skip
        value = "{from: event_zone, do: [upper], lookup: zones}"
        sheet.derive("from_utc", value, active=active)
        parts.append("from_utc")
    template = "".join(f"{{{part}}}" for part in parts)
    sheet.derive("moment", f'{{template: "{template}"}}', active=active)
    cases = []
    for form in forms:
        cases.append((f"LENGTH(moment) = {form}", FORMS[form]))
        if "event_time" in names:
            cases.append((f"LENGTH(moment) = {int(form) + 4}", f"{FORMS[form]}%H%M"))
        if "event_time" in names and "event_zone" in names:
            cases.append((f"LENGTH(moment) = {int(form) + 9}", f"{FORMS[form]}%H%M%z"))
    listed = (f'{{when: "{when}", from: moment, format: "{form}"}}' for when, form in cases)
    return f"{{cases: [{', '.join(listed)}]}}"


# -- changes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Actions:
    """What the codes of a line's action mean (POC-02; LIN 2, 1229)."""

    removed: str
    added: str
    changed: str
    unsure: str = ""


_ACTIONS: Mapping[Syntax, _Actions] = {
    Syntax.X12: _Actions(
        "= 'DI'", "= 'AI'", "IN ('QI', 'QD', 'PQ', 'CA')",
        "senders differ on which quantity is the new one, that of POC-03 or of POC-04",
    ),
    Syntax.EDIFACT: _Actions("= '2'", "= '1'", "= '3'"),
}  # fmt: skip


def _changing(sheet: Sheet) -> list[list[Line]]:
    actions = _ACTIONS[sheet.found.message.syntax]
    lines = _cancelled(sheet)
    value, names, remark = sheet.line_id()
    whose = ("line_action", *names)
    if not names or not sheet.has("line_action"):
        why = "no line can be changed: no number or no action of a line in this file"
        lines.append(Line(f"  {why}", active=False))
        return [_order_number(sheet), _mutations(lines)]
    line_id = noted([Line(f"      line_item_id: {value}")], remark)
    sheet.used.update(whose)
    lines += _mutation(sheet, "change_line_item_quantity", actions.removed,
                       [*line_id, Line("      quantity: {value: 0}", "the line is taken out")])  # fmt: skip
    if actions.unsure or not sheet.has("qty"):
        why = actions.unsure or "no qty in this file"
        fields = [*line_id, Line("      quantity: qty")]
        changed = _mutation(sheet, "change_line_item_quantity", actions.changed, fields)
        commented = [Line(each.text, each.comment, active=False) for each in changed]
        lines += noted(commented, why)
    else:
        fields = [*line_id, *sheet.quantity("      ")]
        lines += _mutation(sheet, "change_line_item_quantity", actions.changed, fields)
    fields = [Line("      line_item:"), Line(f"        line_item_id: {value}")]
    for field, name in _ARTICLE:
        fields += sheet.plain("        ", field, name)
    fields += [*sheet.quantity("        "), *sheet.plain("        ", "unit_price", "price")]
    lines += _mutation(sheet, "add_line_item", actions.added, fields)
    lines += _left_over(sheet, lines)
    return [_order_number(sheet), _mutations(lines)]


def _mutation(sheet: Sheet, type_: str, condition: str, fields: Sequence[Line]) -> list[Line]:
    """A change of the lines with an action, unless their order is cancelled as a whole."""
    cancels = _cancels(sheet)
    if cancels:
        condition += f" AND (function IS NULL OR NOT {cancels})"
    return [Line(f"  - type: {type_}"), Line(f'    when: "line_action {condition}"'),
            Line("    fields:"), *fields]  # fmt: skip


def _left_over(sheet: Sheet, lines: Sequence[Line]) -> list[Line]:
    """Codes on which nothing acts."""
    handled = {
        name: " ".join(line.text for line in lines if line.active and f'"{name} ' in line.text)
        for name in ("function", "line_action")
    }
    return [
        Line(f"  {name} {visible(code)}, {counted(count, 'row')}: nothing here acts on it", active=False)
        for name, conditions in handled.items()
        for code, count in sheet.columns[name].codes.most_common(CODES_SHOWN)
        if f"'{code}'" not in conditions
    ]  # fmt: skip
