"""mapping init: a commented mapping of an EDI file, from what the file has.

A line is written where the file has values for it and its meaning is settled; all else is a comment
with the reason, so that nothing is guessed at run time. What the API or the language demands is
written in any case: its rows are held, by name, until a person decides.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.model.edi.candidates import (
    CONFIRMED,
    COURIERS,
    EVENTS,
    WEIGHT_UNITS,
    Courier,
    Purpose,
)
from pipeline.model.edi.definition import Syntax
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.read import SourceEmpty, open_edi
from pipeline.report.masking import mask, pii_of
from pipeline.report.visible import visible
from pipeline.run.evidence import Column, Evidence, Way, gather, readable_types

_WIDTH = 44  # where comments begin, unless the line is longer
_CODES_SHOWN = 40
_OTHERS_SHOWN = 30
_FORMS = {"6": "%y%m%d", "8": "%Y%m%d", "12": "%Y%m%d%H%M", "14": "%Y%m%d%H%M%S"}
_DATES = "%Y%m%d"
_NUMBERS = frozenset({"qty", "qty_left", "price", "weight"})
_NO_VALUE = "nothing in this file"
_ZONE = "set source.timezone first: the times of this file have no offset"


class NoSuchMessage(StopRun):
    """The file has no message of the type that was asked for (exit 2)."""


class NotDelimited(StopRun):
    """Delimited text, for which nothing is proposed yet (exit 2)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping for one type of message, as text."""

    type: str
    text: str


def propose(
    path: Path, name: str, *, message: str | None = None, timezone: str | None = None
) -> list[Proposal]:
    """Propose a mapping for each type of message in a file, or for the one that is named.

    Raises:
        NotDelimited: the file is no EDI.
        NoSuchMessage: it has no such message.
        SourceUnusable: it cannot be read, or has no message that makes orders.
    """
    try:
        reading = open_edi(path, name)
    except SourceUnusable as error:
        if error.code != "E101" or isinstance(error, SourceEmpty):
            raise
        raise NotDelimited(
            f"no interchange begins in {name}; `mapping init` for delimited text is not built yet",
            help="copy one of mappings/ or docs/mapping.md to begin with",
        ) from None
    kinds = readable_types(reading)
    there = reading.envelopes.messages.get_column("type").unique(maintain_order=True).to_list()
    if not kinds:
        raise SourceUnusable(
            f"{name} has no message that a mapping can read"
            + (f"; it has {', '.join(map(visible, there[:12]))}" if there else ""),
            help="docs/mapping.md lists the messages that can be read",
        )
    if message is not None:
        chosen = [kind for kind in kinds if kind.type == message.upper()]
        if not chosen:
            raise NoSuchMessage(
                f"{name} has no message {message} that a mapping can read",
                help=f"it has {', '.join(kind.type for kind in kinds)}",
            )
        kinds = chosen
    return [
        Proposal(kind.type, _Sheet(gather(reading, kind), name, timezone).text()) for kind in kinds
    ]


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the mapping; `active` is False where it is a comment as a whole."""

    text: str
    comment: str = ""
    active: bool = True

    def written(self) -> str:
        text = self.text
        if not self.active:
            indent = len(text) - len(text.lstrip())
            text = f"{text[:indent]}# {text[indent:]}"
        return f"{text.ljust(_WIDTH)}  # {self.comment}" if self.comment else text


class _Sheet:
    """One mapping in the making: the targets come first, they say which columns are used."""

    def __init__(self, evidence: Evidence, name: str, timezone: str | None) -> None:
        self.found = evidence
        self.columns = evidence.columns
        self.name = name
        self.timezone = timezone
        self.used: set[str] = set()
        self.lookups: list[_Line] = []
        self.wants_zone = False

    def text(self) -> str:
        targets = {
            Purpose.CREATE: self._creating, Purpose.SHIP: self._shipping,
            Purpose.STATUS: self._reporting, Purpose.CHANGE: self._changing,
        }[self.found.candidates.purpose]()  # fmt: skip
        lookups = [_Line("lookups:"), *self.lookups] if self.lookups else []
        if lookups and not any(line.active for line in self.lookups):
            lookups[0] = _Line("lookups:", active=False)
        blocks = [self._head(), self._source(), self._extract(), lookups, *targets]
        return "\n\n".join(
            "\n".join(line.written() for line in block) for block in blocks if block
        ) + "\n"  # fmt: skip

    # -- what the file has ----------------------------------------------------------------------

    def _column(self, name: str) -> Column | None:
        return self.columns.get(name)

    def _has(self, name: str) -> bool:
        column = self._column(name)
        return column is not None and column.rows > 0

    def _there(self, name: str) -> bool:
        """Whether a column is written: it has values, or the mapping cannot do without it."""
        column = self._column(name)
        return column is not None and (column.rows > 0 or column.candidate.needed)

    def _everywhere(self, name: str) -> bool:
        column = self._column(name)
        return column is not None and column.rows == self.found.rows

    # -- the head -------------------------------------------------------------------------------

    def _head(self) -> list[_Line]:
        found, message = self.found, self.found.message
        faulty = f"; {found.faulty:,} of them in messages with errors" if found.faulty else ""
        update = found.candidates.purpose is not Purpose.CREATE
        return [
            _Line(f"# Proposed by `pipeline mapping init` from {visible(self.name)}:"),
            _Line(f"# {_counted(found.messages, 'message')} {message.type} ({message.name}),"
                  f" {_counted(found.rows, 'row')}{faulty}."),
            _Line("# What the file leaves open is a comment. Read it line by line, then try it with"),
            _Line("# `pipeline mapping check` and `pipeline plan`, which send nothing."),
            _Line("version: 1"),
            _Line(f"name: {message.syntax.value}-{message.type.lower()}"),
            _Line(f"description: {_named(message.syntax)} {message.type}, {message.name}; {found.candidates.purpose}"),
            _Line("mode: update_only", "orders that the ledger does not know are not created")
            if update else _Line("mode: create_or_update"),
        ]  # fmt: skip

    def _source(self) -> list[_Line]:
        message = self.found.message
        word = "transaction" if message.syntax is Syntax.X12 else "message"
        lines = [
            _Line("source:"),
            _Line(f"  format: {message.syntax.value}"),
            _Line(f'  {word}: "{message.type}"'),
            _Line('  files: "*.edi"', "which files of a folder this mapping reads", active=False),
            _Line(f'  dates: "{_DATES}"'),
        ]
        commas, points = (
            sum(getattr(self.columns[name], sign) for name in _NUMBERS & set(self.columns))
            for sign in ("commas", "points")
        )
        if commas:
            why = f"{_counted(commas, 'number')} with a comma, {points:,} with a point"
            lines.append(_Line('  decimal: ","', why, active=not points))
        lines.append(self._zone())
        return lines

    def _zone(self) -> _Line:
        column = self._column("event_zone")
        codes = [] if column is None else column.codes.most_common(6)
        said = "; AT7-07, which is not used, says " + ", ".join(
            f"{visible(code)} ({_counted(count, 'row')})" for code, count in codes
        ) if codes else ""  # fmt: skip
        if self.timezone is not None:
            used = "" if self.wants_zone else "no time is used"
            return _Line(f"  timezone: {self.timezone}", (used + said).lstrip("; "))
        return _Line("  timezone: Europe/Berlin", f"of times in the file, which have no offset{said}",
                     active=False)  # fmt: skip

    # -- extract --------------------------------------------------------------------------------

    def _extract(self) -> list[_Line]:
        lines = [_Line("extract:", f"one row per {' or '.join(self.found.message.rows)}")]
        each = [name for name in self.used if self.columns[name].several]
        if each:
            lines.append(_Line(f"  each: [{', '.join(sorted(each))}]", "a row per value"))
        lines.append(_Line("  columns:"))
        for name, column in self.columns.items():
            lines += self._extracted(name, column)
        if self.found.others:
            lines.append(_Line("    # Also in this file; nothing above asks for it:"))
        for path, count in self.found.others[:_OTHERS_SHOWN]:
            lines.append(_Line(f"    {json.dumps(path)}", _counted(count, "time"), active=False))
        more = len(self.found.others) - _OTHERS_SHOWN
        if more > 0:
            lines.append(_Line(f"    # and {more} more; `pipeline edi show` lists all segments"))
        return lines

    def _extracted(self, name: str, column: Column) -> list[_Line]:
        active = name in self.used
        sure = [way for way in column.ways if way.rows and not way.unsure]
        unsure = [
            way for way in column.ways
            if way.unsure and (way.first or (way.rows and column.candidate.several))
        ]  # fmt: skip
        first = json.dumps(column.ways[0].path)
        if not sure and active and unsure:
            lines = [_Line(f"    {name}:"), _Line(f"      - {first}", f"{_NO_VALUE}, but needed")]
            return lines + [self._way(column, way, "      - ", active=False) for way in unsure]
        if not sure and not unsure:
            why = f"{_NO_VALUE}, but needed" if active else _NO_VALUE
            return [_Line(f"    {name}: {first}", why, active=active)]
        if len(sure) + len(unsure) == 1:
            return [self._way(column, (sure or unsure)[0], f"    {name}: ", active=active)]
        lines = [_Line(f"    {name}:", active=active)]
        lines += [self._way(column, way, "      - ", active=active) for way in sure]
        return lines + [self._way(column, way, "      - ", active=False) for way in unsure]

    def _way(self, column: Column, way: Way, before: str, *, active: bool = True) -> _Line:
        told = [f"{way.rows:,} of {_counted(self.found.rows, 'row')}"]
        if way.example:
            shown = mask(way.example, pii_of(column.candidate.field))
            told.append(f"such as {shown}")
        if way.several and not column.candidate.several:
            told.append(f"several values in {_counted(way.several, 'place')}, the first is used")
        if way.unsure:
            told.append(way.unsure)
        return _Line(f"{before}{json.dumps(way.path)}", "; ".join([", ".join(told[:2]), *told[2:]]),
                     active=active)  # fmt: skip

    # -- values ---------------------------------------------------------------------------------

    def _plain(self, indent: str, field: str, name: str, why: str = "") -> list[_Line]:
        """A field whose value is a column; with `why` it stays a comment."""
        if name not in self.columns:
            return []
        return self._valued(indent, field, name, (name,), why)

    def _valued(
        self, indent: str, field: str, value: str, names: Iterable[str], why: str = ""
    ) -> list[_Line]:
        lacking = [name for name in names if not self._there(name)]
        if lacking:
            return [_Line(f"{indent}{field}: {value}", f"no {' and no '.join(lacking)} in this file", active=False)]  # fmt: skip
        if why:
            return [_Line(f"{indent}{field}: {value}", why, active=False)]
        self.used.update(names)
        return [_Line(f"{indent}{field}: {value}")]

    def _date(self, indent: str, field: str, name: str, why: str = "") -> list[_Line]:
        column = self._column(name)
        if column is None:
            return []
        forms = {form for form in column.forms if form in _FORMS}
        others = sum(column.forms.values()) - sum(column.forms[form] for form in forms)
        if forms <= {"8"}:
            value = name
        elif forms <= {"8", "12", "14"}:
            value = f"{{from: {name}, do: [{{slice: [0, 8]}}]}}"
        else:
            value = _by_length(name, forms)
        if column.rows and not forms:
            why = why or "its values have no form that is known here"
        lines = self._valued(indent, field, value, (name,), why)
        return _noted(lines, f"{_counted(others, 'value')} in another form" if others else "")

    def _moment(self, indent: str, field: str, name: str) -> list[_Line]:
        """A date with time; without an offset it needs the time zone."""
        column = self._column(name)
        if column is None:
            return []
        forms = {form for form in column.forms if form in _FORMS}
        others = sum(column.forms.values()) - sum(column.forms[form] for form in forms)
        why = "" if self.timezone else _ZONE
        if column.rows and not forms:
            why = "its values have no form that is known here"
        value = name if forms <= {"8"} else _by_length(name, forms)
        self.wants_zone = self.wants_zone or (column.rows > 0 and not why)
        lines = self._valued(indent, field, value, (name,), why)
        return _noted(lines, f"{_counted(others, 'value')} in another form" if others else "")

    def _line_id(self) -> tuple[str, tuple[str, ...], str]:
        """The key of a line: its value, its columns, and a remark; no columns: there is none."""
        article = next((name for name in ("sku", "barcode") if self._has(name)), "")
        creates = self.found.candidates.purpose is Purpose.CREATE
        if self._has("line_no"):
            if creates and self.found.repeated and article:
                remark = f"{_counted(self.found.repeated, 'line number')} stand twice in an order"
                names = ("order_no", "line_no", article)
                return f'{{template: "{{order_no}}-{{line_no}}-{{{article}}}"}}', names, remark
            remark = "" if creates else "as in the mapping that makes the order's lines"
            return '{template: "{order_no}-{line_no}"}', ("order_no", "line_no"), remark
        if article:
            remark = f"no line numbers in this file: a {article} must not stand twice in an order"
            return f'{{template: "{{order_no}}-{{{article}}}"}}', ("order_no", article), remark
        return "", (), ""

    def _id_where_there(self) -> tuple[str, tuple[str, ...], str]:
        """The same, for rows of which some are no lines: those get none."""
        value, names, remark = self._line_id()
        if names and not self._everywhere(names[1]):
            value = f'{value[:-1]}, when: "{names[1]} IS NOT NULL"}}'
        return value, names, remark

    # -- lookups --------------------------------------------------------------------------------

    def _table(
        self,
        table: str,
        says: str,
        codes: Counter[str],
        known: Mapping[str, tuple[str, str]],
        *,
        active: bool = True,
    ) -> None:
        """A lookup of the codes seen; `known` gives the value ("" for none) and a remark."""
        shown = codes.most_common(_CODES_SHOWN)
        rows: list[_Line] = []
        for code, count in shown:
            value, remark = known.get(code, ("", ""))
            told = "; ".join(filter(None, (_counted(count, "row"), remark)))
            line = f"    {json.dumps(code, ensure_ascii=False)}: {value or '?'}"
            rows.append(_Line(line if code.isprintable() else f"    {visible(line)}", told,
                              active=active and bool(value) and code.isprintable()))  # fmt: skip
        if len(codes) > len(shown):
            rows.append(_Line(f"    # and {len(codes) - len(shown)} more"))
        if not any(row.active for row in rows):
            # the language has no empty tables, and no code is written like this
            rows.insert(0, _Line('    "<code>": "<key>"', "replace this line", active=active))
        self.lookups.append(_Line(f"  {table}:", says, active=active))
        self.lookups += rows

    def _courier(self, indent: str) -> list[_Line]:
        column = self.columns["carrier"]
        known = {code: _known_courier(courier) for code, courier in COURIERS.items()}
        says = "parcelLab's key of each carrier; what is not listed is rejected (R401)"
        self._table("couriers", says, column.codes, known)
        lines = self._valued(
            indent, "courier", "{from: carrier, do: [upper], lookup: couriers}", ("carrier",)
        )
        if not column.rows:
            return _noted(lines, "no carrier in this file; for one and the same: {value: ups}")
        return lines

    # -- targets --------------------------------------------------------------------------------

    def _cancelling(self) -> str:
        """The condition that a message takes back what it would otherwise say."""
        codes = [f"'{code}'" for code in self.found.candidates.cancelling]
        return f"function = {codes[0]}" if len(codes) == 1 else f"function IN ({', '.join(codes)})"

    def _rows(self) -> list[_Line]:
        """Which rows are left out: cancellations must not pass for orders or parcels."""
        if not self.found.candidates.cancelling:
            return []
        if not self._has("function"):
            return [_Line("rows:", active=False),
                    _Line(f'  skip: "{self._cancelling()}"', "no function in this file", active=False)]  # fmt: skip
        self.used.add("function")
        codes = self.columns["function"].codes
        seen = ", ".join(f"{visible(code)} ({_counted(count, 'row')})" for code, count in codes.most_common(6))  # fmt: skip
        return [_Line("rows:"), _Line(f'  skip: "{self._cancelling()}"', f"cancellations; in this file: {seen}")]  # fmt: skip

    def _order_number(self) -> list[_Line]:
        return [_Line("order:"), *self._plain("  ", "order_number", "order_no")]

    def _address(self) -> list[_Line]:
        found = self.found
        why = ""
        lacking = [name for name in ("street", "city", "zip", "country") if not self._has(name)]
        if lacking:
            why = f"an address needs all of street, city, zip, country; {', '.join(lacking)}: {_NO_VALUE}"
        elif found.incomplete:
            why = f"an address needs street, city, zip and country; {found.incomplete:,} of {_counted(found.address_rows, 'row')} lack one"
        parts = [("address_line", "street"), ("address_line_extra", "street_extra"),
                 ("postal_code", "zip"), ("city", "city"), ("country_iso3", "country"),
                 ("phone", "phone")]  # fmt: skip
        if found.message.syntax is Syntax.X12:
            parts.insert(4, ("region_code", "region"))
        lines = [_Line("  shipping_address:", why, active=not why)]
        for field, name in parts:
            if why:
                lines.append(_Line(f"    {field}: {name}", active=False))
            else:
                lines += self._plain("    ", field, name)
        if not why:
            self.used.add("country")
        lines.append(_Line("    last_name: recipient", "first and last name stand in one text", active=False))  # fmt: skip
        return lines

    def _creating(self) -> list[list[_Line]]:
        order = self._order_number()
        country = self._plain("  ", "destination_country_iso3", "country")
        if not self._has("country"):
            hint = "orders are held (R301) until it comes from somewhere; if all go to one: {value: USA}"
            country = _noted(country, hint)
        order += country
        if self._has("email"):
            order += self._valued("  ", "recipient_email", "{from: email, default: _unset}", ("email",))  # fmt: skip
        else:
            order.append(_Line("  recipient_email: {value: _unset}", "no e-mail of the recipient in this file"))  # fmt: skip
        order += self._plain("  ", "recipient_name", "recipient")
        order += self._moment("  ", "order_date", "ordered")
        order += self._plain("  ", "order_currency", "currency")
        order += self._plain("  ", "customer_number", "customer_ref",
                             "is it a number of the customer, or of the customer's order?")  # fmt: skip
        order += self._date("  ", "announced_delivery_date", "wanted",
                            "the day that was asked for is not the day that is promised")  # fmt: skip
        order += self._plain("  ", "delivery_method", "carrier",
                             "must be configured in the account under this name")  # fmt: skip
        order += self._address()
        return [self._rows(), order, self._lines()]

    def _lines(self) -> list[_Line]:
        if "line_no" not in self.columns:
            return []
        value, names, remark = self._line_id()
        if not names:
            return [
                _Line("lines:", "no line number and no article number in this file", active=False)
            ]
        lines = [_Line("lines:")]
        if not self._everywhere(names[1]):
            rows = self.found.rows - self.columns[names[1]].rows
            lines.append(
                _Line(f'  when: "{names[1]} IS NOT NULL"', f"{_counted(rows, 'row')} without")
            )
        lines.append(_Line("  fields:"))
        lines += _noted(self._valued("    ", "line_item_id", value, names), remark)
        lines += self._article("    ")
        lines += self._quantity("    ")
        lines += self._plain("    ", "unit_price", "price")
        return lines

    def _article(self, indent: str) -> list[_Line]:
        lines = self._plain(indent, "sku", "sku")
        lines += self._plain(indent, "barcode", "barcode")
        lines += self._plain(indent, "barcode", "case_code", "the code of a case, not of a piece")
        return lines + self._plain(indent, "article_name", "article")

    def _parcel(self) -> list[_Line]:
        """What identifies a parcel."""
        lines = [_Line("trackings:"), _Line("  key: tracking"),
                 _Line('  when: "tracking IS NOT NULL"'), _Line("  fields:")]  # fmt: skip
        number = self._plain("    ", "tracking_number", "tracking")
        if not self._has("tracking"):
            number = _noted(number, "no tracking number in this file: no parcel is sent")
        return lines + number + self._courier("    ")

    def _shipping(self) -> list[list[_Line]]:
        lines = self._parcel()
        indent = "    "
        lines += self._plain(indent, "external_reference", "sscc",
                             "identifies a parcel without a tracking number")  # fmt: skip
        lines += self._plain(indent, "delivery_number", "ship_id")
        lines += self._date(indent, "announced_send_date", "shipped")
        lines += self._date(indent, "announced_delivery_date", "expected")
        lines += self._plain(indent, "recipient_postal_code", "zip")
        lines += self._plain(indent, "destination_country_iso3", "country")
        lines += self._plain(indent, "recipient_name", "recipient",
                             "only where it is the customer and not a shop")  # fmt: skip
        lines += self._plain(indent, "recipient_email", "email",
                             "only where it is the customer and not a shop")  # fmt: skip
        lines += self._weight(indent)
        lines += self._articles(indent)
        return [self._rows(), self._order_number(), lines]

    def _weight(self, indent: str) -> list[_Line]:
        if "weight" not in self.columns:
            return []
        units = self.columns["weight_unit"].codes
        why = "is it the weight of one parcel?"
        if any(code not in WEIGHT_UNITS for code in units):
            why = f"units in this file: {', '.join(visible(code) for code in units)}"
        pairs = ", ".join(
            f"{json.dumps(code)}: {WEIGHT_UNITS[code]}" for code in units if code in WEIGHT_UNITS
        )
        lines = self._plain(indent, "shipping_weight_total", "weight", why)
        table = "{from: weight_unit, lookup: units}"
        lines += self._valued(indent, "shipping_weight_unit", table, ("weight_unit",), f"with lookups: {{units: {{{pairs}}}}}")  # fmt: skip
        return lines

    def _articles(self, indent: str) -> list[_Line]:
        value, names, remark = self._id_where_there()
        if not names:
            return [_Line(f"{indent}articles:", "no line number and no article number in this file",
                          active=False)]  # fmt: skip
        lines = [_Line(f"{indent}articles:")]
        deeper = f"{indent}  "
        lines += _noted(self._valued(deeper, "line_item_id", value, names), remark)
        lines += self._article(deeper)
        shared = "parcels that share their lines: how much is in each is not said"
        lines += self._quantity(deeper, shared if self.columns["tracking"].several else "")
        return lines

    def _quantity(self, indent: str, why: str = "") -> list[_Line]:
        column = self.columns["qty"]
        parts = column.points + column.commas
        return _noted(
            self._plain(indent, "quantity", "qty", why),
            f"{_counted(parts, 'value')} with decimals; it takes whole numbers" if parts else "",
        )

    # -- events ---------------------------------------------------------------------------------

    def _reporting(self) -> list[list[_Line]]:
        lines = self._parcel()
        value, names = self._event_time()
        if not self._has("event"):
            return [self._order_number(), [*lines, _Line("    checkpoints:", "no event in this file", active=False)]]  # fmt: skip
        ready = bool(self.timezone and value)
        why = "" if ready else (_ZONE if value else "no time of the events in this file")
        codes = self.columns["event"].codes
        words = EVENTS[self.found.message.syntax]
        self._table("statuses", "parcelLab's status of each event; what is not listed is rejected (R401)",
                    codes, {code: ("", word.lower()) for code, word in words.items()}, active=ready)  # fmt: skip
        said = {code: (json.dumps(word), "") for code, word in words.items()}
        known = any(code in said for code in codes)
        if known:
            self._table("words", "what an event is called; others by their code", codes, said, active=ready)  # fmt: skip
        message = "{from: event, do: [upper], lookup: words, unknown: keep}" if known else "event"
        block = [
            ("status_code", "{from: event, do: [upper], lookup: statuses}"), ("courier_status", "event"),
            ("message", message), ("event_timestamp", value or "event_at"),
        ]  # fmt: skip
        lines.append(_Line("    checkpoints:", why, active=ready))
        lines += [_Line(f"      {field}: {given}", active=ready) for field, given in block]
        if ready:
            self.used.update(("event", *names))
            self.wants_zone = True
        return [self._order_number(), lines]

    def _event_time(self) -> tuple[str, tuple[str, ...]]:
        """The time of an event: its value and the columns in it, "" where the file has none."""
        if "event_at" in self.columns:
            column = self.columns["event_at"]
            forms = {form for form in column.forms if form in _FORMS}
            if not forms:
                return "", ()
            return ("event_at" if forms == {"8"} else _by_length("event_at", forms)), ("event_at",)
        forms = {form for form in self.columns["event_date"].forms if form in ("6", "8")}
        if not forms:
            return "", ()
        if not self._has("event_time"):
            return _by_length("event_date", forms), ("event_date",)
        cases = [
            f'{{when: "LENGTH(event_date) = {size} AND event_time IS NOT NULL", '
            f'template: "{{event_date}}{{event_time}}", do: [{{slice: [0, {int(size) + 4}]}}], '
            f'format: "{_FORMS[size]}%H%M"}}'
            for size in sorted(forms)
        ]
        if not self._everywhere("event_time"):
            cases += [f'{{when: "LENGTH(event_date) = {size}", from: event_date, format: "{_FORMS[size]}"}}'
                      for size in sorted(forms)]  # fmt: skip
        names = ("event_date", "event_time")
        if len(cases) == 1:
            size = next(iter(forms))
            return (f'{{template: "{{event_date}}{{event_time}}", do: [{{slice: [0, {int(size) + 4}]}}], '
                    f'format: "{_FORMS[size]}%H%M"}}'), names  # fmt: skip
        return f"{{cases: [{', '.join(cases)}]}}", names

    # -- changes --------------------------------------------------------------------------------

    def _changing(self) -> list[list[_Line]]:
        x12 = self.found.message.syntax is Syntax.X12
        removed, added = ("DI", "AI") if x12 else ("2", "1")
        lines: list[_Line] = []
        lines += self._mutation("cancel_order", f'when_all: "{self._cancelling()}"', ("function",), [
            _Line("      cancelled_reason: {value: customer}", "customer, inventory, payment or other", active=False),
        ])  # fmt: skip
        value, names, remark = self._line_id()
        if not names:
            lines.append(_Line("  # no line number and no article number in this file: no line can be changed"))  # fmt: skip
            return [self._order_number(), self._mutations(lines)]
        whose = ("line_action", *names)
        line_id = _noted([_Line(f"      line_item_id: {value}")], remark)
        lines += self._mutation("change_line_item_quantity", f"when: \"line_action = '{removed}'\"", whose, [
            *line_id, _Line("      quantity: {value: 0}", f"{removed}: the line is taken out"),
        ])  # fmt: skip
        amounts, why = (
            (
                "IN ('QI', 'QD', 'PQ', 'CA')",
                "senders differ on which quantity is the new one, that of POC-03 or of POC-04",
            )
            if x12
            else ("= '3'", "")
        )
        lines += self._mutation("change_line_item_quantity", f'when: "line_action {amounts}"',
                                (*whose, "qty"), [*line_id, _Line("      quantity: qty")], why)  # fmt: skip
        lines += self._mutation("add_line_item", f"when: \"line_action = '{added}'\"", whose, [
            _Line("      line_item:"), _Line(f"        line_item_id: {value}"),
            *(_Line(f"        {field}: {name}") for field, name in
              (("sku", "sku"), ("barcode", "barcode"), ("article_name", "article"),
               ("quantity", "qty"), ("unit_price", "price")) if self._has(name)),
        ])  # fmt: skip
        handled = {removed, added} | (set() if x12 else {"3"})
        lines += self._left_over("function", set(self.found.candidates.cancelling))
        lines += self._left_over("line_action", handled)
        return [self._order_number(), self._mutations(lines)]

    def _mutation(
        self, type_: str, condition: str, names: Sequence[str], fields: Sequence[_Line],
        why: str = "",
    ) -> list[_Line]:  # fmt: skip
        lacking = [name for name in names if not self._there(name)]
        if lacking:
            why = f"no {' and no '.join(lacking)} in this file"
        active = not why
        if active:
            self.used.update(names)
            written = " ".join(line.text for line in fields if line.active)
            self.used.update(name for name in self.columns if f": {name} " in f"{written} ")
        lines = [_Line(f"  - type: {type_}", why, active=active),
                 _Line(f"    {condition}", active=active)]  # fmt: skip
        if any(line.active for line in fields):
            lines.append(_Line("    fields:", active=active))
        elif fields:
            lines.append(_Line("    fields:", active=False))
        return lines + [_Line(line.text, line.comment, active and line.active) for line in fields]

    def _left_over(self, name: str, handled: set[str]) -> list[_Line]:
        """Codes on which nothing acts."""
        column = self._column(name)
        codes = [] if column is None else [(code, count) for code, count in column.codes.most_common(_CODES_SHOWN) if code not in handled]  # fmt: skip
        return [
            _Line(f"  # {name} {visible(code)}, {_counted(count, 'row')}: nothing here acts on it")
            for code, count in codes
        ]

    def _mutations(self, lines: list[_Line]) -> list[_Line]:
        active = any(line.active and not line.text.lstrip().startswith("#") for line in lines)
        return [_Line("mutations:", active=active), *lines]


def _known_courier(courier: Courier) -> tuple[str, str]:
    """The key to write, "" for none, and what to say of it."""
    if not courier.sure:
        return "", f"{courier.key}? the code is no standard"
    return (
        courier.key,
        "" if courier.key in CONFIRMED else "is this parcelLab's key? it is not confirmed",
    )


def _by_length(name: str, forms: Iterable[str]) -> str:
    """A value whose format depends on its number of digits."""
    listed = sorted(forms, key=int)
    if len(listed) == 1:
        return f'{{from: {name}, format: "{_FORMS[listed[0]]}"}}'
    cases = (f'{{when: "LENGTH({name}) = {form}", from: {name}, format: "{_FORMS[form]}"}}' for form in listed)  # fmt: skip
    return f"{{cases: [{', '.join(cases)}]}}"


def _noted(lines: list[_Line], remark: str) -> list[_Line]:
    """The lines, with a remark behind what the first one says."""
    if not lines or not remark:
        return lines
    first = lines[0]
    comment = f"{first.comment}; {remark}" if first.comment else remark
    return [_Line(first.text, comment, first.active), *lines[1:]]


def _counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> _counted(1, "row"), _counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _named(syntax: Syntax) -> str:
    return "X12" if syntax is Syntax.X12 else "EDIFACT"
