"""A mapping in the making: what is written, what stays a comment, and which columns are used.

Targets come first; they say which columns are extracted. `proposing` knows what the targets are.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.model.edi.candidates import (
    CONFIRMED,
    COURIERS,
    PIECES,
    Courier,
    Purpose,
)
from pipeline.model.edi.definition import Syntax
from pipeline.model.rules import RULES
from pipeline.report.masking import mask, pii_of
from pipeline.report.visible import visible
from pipeline.run.evidence import FIRST, LINE_IDS, LINE_KEYS, Column, Evidence, Way, simple

_WIDTH = 44  # where comments begin, unless the line is longer
CODES_SHOWN = 40
_OTHERS_SHOWN = 30
_ERRORS_SHOWN = 8  # kinds of errors of a damaged file
FORMS = {"6": "%y%m%d", "8": "%Y%m%d", "12": "%Y%m%d%H%M", "14": "%Y%m%d%H%M%S"}
_DATES = "%Y%m%d"
_NUMBERS = frozenset({"qty", "qty_left", "price", "weight"})
_NO_VALUE = "nothing in this file"
NO_ZONE = "set source.timezone first: the times of this file have no offset"
# Columns that say nothing where they are not used.
_INNER = frozenset({"item_level", "above_pack", "qty_of_pack"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the mapping; `active` is False where it is a comment as a whole."""

    text: str
    comment: str = ""
    active: bool = True

    def written(self) -> str:
        """The line as it stands in the file."""
        text = self.text
        if not self.active:
            indent = len(text) - len(text.lstrip())
            text = f"{text[:indent]}# {text[indent:]}"
        return f"{text.ljust(_WIDTH)}  # {self.comment}" if self.comment else text


class Sheet:
    """One mapping; `text` puts it together when its targets are known."""

    def __init__(self, evidence: Evidence, name: str, timezone: str | None) -> None:
        self.found = evidence
        self.columns = evidence.columns
        self.name = name
        self.timezone = timezone
        self.used: set[str] = set()
        self.wants_zone = False
        self._lookups: list[Line] = []
        self._derived: dict[str, Line] = {}
        self._whole: list[str] = []  # columns that expressions calculate with
        self._first_number = False

    def text(self, targets: Iterable[Sequence[Line]]) -> str:
        """The whole mapping; each of `targets` is a section."""
        written = list(targets)
        blocks = [
            self._head(), self._source(), self._extract(), _section("lookups", self._lookups),
            _section("derive", list(self._derived.values())), *written,
        ]  # fmt: skip
        texts = ("\n".join(line.written() for line in block) for block in blocks if block)
        return "\n\n".join(texts) + "\n"

    def derive(self, name: str, value: str, comment: str = "", *, active: bool = True) -> None:
        """Add a derived column; those that it uses stand above it."""
        self._derived.setdefault(name, Line(f"  {name}: {value}", comment, active))

    # -- what the file has ----------------------------------------------------------------------

    def column(self, name: str) -> Column | None:
        """What the file has of a column; None where the message has no such candidate."""
        return self.columns.get(name)

    def has(self, name: str) -> bool:
        """Whether the file has values of a column."""
        column = self.column(name)
        return column is not None and column.rows > 0

    def there(self, name: str) -> bool:
        """Whether a column is written: it has values, or the mapping cannot do without it."""
        column = self.column(name)
        return column is not None and (column.rows > 0 or column.candidate.needed)

    def everywhere(self, name: str) -> bool:
        """Whether every row has a value of a column."""
        column = self.column(name)
        return column is not None and column.rows == self.found.rows

    # -- the head -------------------------------------------------------------------------------

    def damage(self) -> list[str]:
        """What is wrong with the file, and what the proposal is made of then; empty for a sound one."""
        found = self.found
        if not found.errors:
            return []
        number, whole, kind = len(found.rejected), found.messages, found.message.type
        used = f"none of its {counted(whole, 'message')}" if number == whole else (
            f"{whole - number:,} of its {whole:,} messages"
        )  # fmt: skip
        told = [f"THE FILE HAS ERRORS. An import would use {used} {kind}:"]
        counts = Counter(each.code for each in found.errors)
        first = {each.code: each for each in reversed(found.errors)}
        for code in list(dict.fromkeys(each.code for each in found.errors))[:_ERRORS_SHOWN]:
            at = first[code]
            place = (
                f"line {at.line:,}, segment {at.segment:,}" if at.segment else f"line {at.line:,}"
            )
            also = f", and {counted(counts[code] - 1, 'time')} more" if counts[code] > 1 else ""
            told.append(f"  {code} {RULES[code].title}: {place}{also}")
        if number:
            told.append("This is from what could be read, rejected messages too: make it again from a sound file.")  # fmt: skip
        return told

    def _head(self) -> list[Line]:
        found, message = self.found, self.found.message
        faulty = f"; {found.faulty:,} of them in messages with errors" if found.faulty else ""
        update = found.candidates.purpose is not Purpose.CREATE
        return [
            Line(f"# Proposed by `pipeline mapping init` from {visible(self.name)}:"),
            Line(f"# {counted(found.messages, 'message')} {message.type} ({message.name}),"
                  f" {counted(found.rows, 'row')}{faulty}."),
            *(Line(f"# {each}") for each in self.damage()),
            Line("# What the file leaves open is a comment. Read it line by line, then try it with"),
            Line("# `pipeline mapping check` and `pipeline plan`, which send nothing."),
            Line("version: 1"),
            Line(f"name: {message.syntax.value}-{message.type.lower()}"),
            Line(f"description: {_named(message.syntax)} {message.type}, {message.name}; {found.candidates.purpose}"),
            Line("mode: update_only", "orders that the ledger does not know are not created")
            if update else Line("mode: create_or_update"),
        ]  # fmt: skip

    def _source(self) -> list[Line]:
        message = self.found.message
        word = "transaction" if message.syntax is Syntax.X12 else "message"
        lines = [
            Line("source:"),
            Line(f"  format: {message.syntax.value}"),
            Line(f'  {word}: "{message.type}"'),
            Line('  files: "*.edi"', "which files of a folder this mapping reads", active=False),
            Line(f'  dates: "{_DATES}"'),
        ]
        if self._whole:
            whole = ", ".join(f"{name}: integer" for name in self._whole)
            lines.append(Line(f"  columns: {{{whole}}}"))
        commas, points = (
            sum(getattr(self.columns[name], sign) for name in _NUMBERS & set(self.columns))
            for sign in ("commas", "points")
        )
        if commas:
            why = f"{counted(commas, 'number')} with a comma, {points:,} with a point"
            lines.append(Line('  decimal: ","', why, active=not points))
        lines.append(self._zone())
        return lines

    def _zone(self) -> Line:
        if self.timezone is not None:
            return Line(
                f"  timezone: {self.timezone}", "" if self.wants_zone else "no time is used"
            )
        why = "of times in the file, which have no offset"
        return Line("  timezone: Europe/Berlin", why, active=False)

    # -- extract --------------------------------------------------------------------------------

    def _extract(self) -> list[Line]:
        lines = [Line("extract:", f"one row per {' or '.join(self.found.message.rows)}")]
        each = [name for name in self.used if self.columns[name].several]
        if each:
            lines.append(Line(f"  each: [{', '.join(sorted(each))}]", "a row per value"))
        lines.append(Line("  columns:"))
        for name, column in self.columns.items():
            if name in self.used or name not in _INNER:
                lines += self._extracted(name, column)
            if name == "tracking" and self._first_number:
                lines += self._first_of(column)
        if self.found.others:
            lines.append(Line("    # Also in this file; nothing above asks for it:"))
        for path, count in self.found.others[:_OTHERS_SHOWN]:
            lines.append(Line(f"    {json.dumps(path)}", counted(count, "time"), active=False))
        more = len(self.found.others) - _OTHERS_SHOWN
        if more > 0:
            lines.append(Line(f"    # and {more} more; `pipeline edi show` lists all segments"))
        return lines

    def _extracted(self, name: str, column: Column) -> list[Line]:
        active = name in self.used
        sure = [way for way in column.ways if way.rows and not way.unsure]
        unsure = [
            way for way in column.ways
            if way.unsure and (way.first or (way.rows and column.candidate.several))
        ]  # fmt: skip
        first = json.dumps(column.ways[0].path)
        if not sure and active and unsure:
            lines = [Line(f"    {name}:"), Line(f"      - {first}", f"{_NO_VALUE}, but needed")]
            return lines + [self._way(column, way, "      - ", active=False) for way in unsure]
        if not sure and not unsure:
            why = f"{_NO_VALUE}, but needed" if active else _NO_VALUE
            return [Line(f"    {name}: {first}", why, active=active)]
        if len(sure) + len(unsure) == 1:
            return [self._way(column, (sure or unsure)[0], f"    {name}: ", active=active)]
        lines = [Line(f"    {name}:", active=active)]
        lines += [self._way(column, way, "      - ", active=active) for way in sure]
        return lines + [self._way(column, way, "      - ", active=False) for way in unsure]

    def _first_of(self, column: Column) -> list[Line]:
        """The first of several numbers in one place, which tells what is inside."""
        paths = [simple(way.path) for way in column.ways if way.rows and not way.unsure]
        return [
            Line("    first_number:", "of several numbers in one place: what is inside is told with it"),
            *(Line(f"      - {json.dumps(path)}") for path in dict.fromkeys(paths)),
        ]  # fmt: skip

    def _way(self, column: Column, way: Way, before: str, *, active: bool = True) -> Line:
        told = [f"{way.rows:,} of {counted(self.found.rows, 'row')}"]
        if way.example:
            shown = mask(way.example, pii_of(column.candidate.field))
            told.append(f"such as {shown}")
        if way.several and not column.candidate.several:
            told.append(f"several values in {counted(way.several, 'place')}, the first is used")
        if way.unsure:
            told.append(way.unsure)
        return Line(f"{before}{json.dumps(way.path)}", "; ".join([", ".join(told[:2]), *told[2:]]),
                     active=active)  # fmt: skip

    # -- values ---------------------------------------------------------------------------------

    def plain(self, indent: str, field: str, name: str, why: str = "") -> list[Line]:
        """A field whose value is a column; with `why` it stays a comment."""
        if name not in self.columns:
            return []
        return self.valued(indent, field, name, (name,), why)

    def valued(
        self, indent: str, field: str, value: str, names: Iterable[str], why: str = ""
    ) -> list[Line]:
        """A field and its value; a comment where one of its columns has no values, or with `why`."""
        lacking = [name for name in names if not self.there(name)]
        if lacking:
            return [Line(f"{indent}{field}: {value}", f"no {' and no '.join(lacking)} in this file", active=False)]  # fmt: skip
        if why:
            return [Line(f"{indent}{field}: {value}", why, active=False)]
        self.used.update(names)
        return [Line(f"{indent}{field}: {value}")]

    def date(self, indent: str, field: str, name: str, why: str = "") -> list[Line]:
        """A day, in the form that its values have."""
        column = self.column(name)
        if column is None:
            return []
        forms = {form for form in column.forms if form in FORMS}
        others = sum(column.forms.values()) - sum(column.forms[form] for form in forms)
        if forms <= {"8"}:
            value = name
        elif forms <= {"8", "12", "14"}:
            value = f"{{from: {name}, do: [{{slice: [0, 8]}}]}}"
        else:
            value = by_length(name, forms)
        if column.rows and not forms:
            why = why or "its values have no form that is known here"
        lines = self.valued(indent, field, value, (name,), why)
        return noted(lines, f"{counted(others, 'value')} in another form" if others else "")

    def moment(self, indent: str, field: str, name: str) -> list[Line]:
        """A date with time; without an offset it needs the time zone."""
        column = self.column(name)
        if column is None:
            return []
        forms = {form for form in column.forms if form in FORMS}
        others = sum(column.forms.values()) - sum(column.forms[form] for form in forms)
        why = "" if self.timezone else NO_ZONE
        if column.rows and not forms:
            why = "its values have no form that is known here"
        value = name if forms <= {"8"} else by_length(name, forms)
        self.wants_zone = self.wants_zone or (column.rows > 0 and not why)
        lines = self.valued(indent, field, value, (name,), why)
        return noted(lines, f"{counted(others, 'value')} in another form" if others else "")

    def line(self) -> tuple[str, tuple[str, ...]]:
        """What says that a row has a line, and the extracted columns in it; "" where nothing does."""
        key = self._line_key()
        if key == FIRST:
            there = tuple(name for name in LINE_KEYS if self.has(name))
            self.derive("line", f"{{first_of: [{', '.join(there)}]}}")
            return "line", there
        return (key[0], key[:1]) if key else ("", ())

    def _line_key(self) -> tuple[str, ...]:
        """The first of LINE_IDS that every line has and that tells the lines of each order apart.

        Where none does, the first that every line has; the rows in question are then held (R302).
        """
        there = [name for name in LINE_KEYS if self.has(name)]
        if not there:
            return ()
        covering = {
            name for name in there if len(there) == 1 or self.columns[name].rows == self.found.lines
        }
        keys = [
            key for key in LINE_IDS
            if {*key} <= covering or (key == FIRST and there[0] not in covering)
        ]  # fmt: skip
        return next((key for key in keys if not self.found.clashes.get(key)), keys[0])

    def line_id(self) -> tuple[str, tuple[str, ...], str]:
        """The key of a line: its value, its extracted columns, and a remark; no columns: there is none."""
        name, columns = self.line()
        if not name:
            return "", (), ""
        key = self._line_key()
        creates = self.found.candidates.purpose is Purpose.CREATE
        columns = ("order_no", *columns, *key[1:])
        template = "-".join(f"{{{each}}}" for each in ("order_no", name, *key[1:]))
        told = []
        if self.has("line_no") and key != ("line_no",) and key != FIRST:
            told.append(self._clash(("line_no",)))
        if self.found.clashes.get(key):
            told.append(f"{self._clash(key)}: such rows are held (R302)")
        if name in ("sku", "barcode"):
            why = "" if self.has("line_no") else "no line numbers in this file: "
            told.append(f"{why}a {name} must not stand twice in an order")
        if not creates and (name not in ("sku", "barcode") or self.has("line_no")):
            told.append("as in the mapping that makes the order's lines")
        return f'{{template: "{template}"}}', columns, "; ".join(told)

    def _clash(self, key: tuple[str, ...]) -> str:
        """How often what a line is called by does not tell it from another."""
        number = counted(self.found.clashes.get(key, 0), "time")
        name = " with ".join(key)
        if self.found.candidates.purpose is Purpose.CREATE:
            return f"the same {name} stands twice in an order, {number}"
        return f"the same {name} stands for several articles of an order, {number}"

    def quantity(self, indent: str, *, when: str = "") -> list[Line]:
        """How many pieces; the unit says how many are in one."""
        name, value = "quantity", "qty"
        names = ["qty"]
        told = ""
        condition = f", when: {when}" if when else ""
        if self.has("qty"):
            self.whole("qty")
        if self.has("qty") and self.has("unit"):
            self._pieces()
            names.append("unit")
            value = f'{{sql: "qty * pieces"{condition}}}'
            if self.found.packs_below:
                # SN1 of the item counts all packs below it, that of the pack what is in this one
                names += ["item_level", "above_pack", "qty_of_pack"]
                self.whole("qty_of_pack")
                also = f"{when} AND " if when else ""
                value = (
                    f'{{cases: [{{when: "{also}above_pack = item_level", sql: "qty_of_pack * pieces"}}, '
                    f'{{sql: "qty * pieces"{condition}}}]}}'
                )
                names = [each for each in names if each in self.columns]
        elif when:
            value = f"{{from: qty{condition}}}"
        if self.has("qty") and not self.has("unit"):
            told = "no unit in this file: are they pieces?"
        column = self.columns["qty"]
        parts = column.points + column.commas
        decimals = (
            f"{counted(parts, 'value')} with decimals; it takes whole numbers" if parts else ""
        )
        lines = self.valued(indent, name, value, names)
        return noted(lines, "; ".join(filter(None, (told, decimals)))) if self.has("qty") else lines

    def whole(self, name: str) -> None:
        """Declare a column as whole numbers, so that expressions can calculate with it."""
        if name not in self._whole:
            self._whole.append(name)

    def _pieces(self) -> None:
        if "pieces" in self._derived:
            return
        known = {code: (f'"{number}"', "") for code, number in PIECES.items()}
        says = "pieces in each unit; what is not listed is rejected (R401)"
        self.table("units", says, self.columns["unit"].codes, known, empty='"1"')
        self.derive("pieces", '{from: unit, do: [upper], lookup: units, as: integer, default: "1"}')

    def inside(self) -> str:
        """A derived column that says whether a row's article is in its parcel."""
        name, columns = self.line()
        self.used.update(columns)
        parts = [f"{name} IS NOT NULL"]
        if self.has("qty"):
            self.used.add("qty")
            self.whole("qty")
            parts.append("COALESCE(qty, 1) > 0")
        if self.columns["tracking"].several:
            self._first_number = True
            parts.append("tracking = first_number")
        self.derive("inside", f'{{sql: "{" AND ".join(parts)}"}}')
        return "inside"

    # -- lookups --------------------------------------------------------------------------------

    def table(
        self,
        table: str,
        says: str,
        codes: Counter[str],
        known: Mapping[str, tuple[str, str]],
        *,
        empty: str = '"<key>"',
        active: bool = True,
    ) -> None:
        """Add a lookup of the codes seen; `known` gives the value ("" for none) and a remark."""
        shown = codes.most_common(CODES_SHOWN)
        rows: list[Line] = []
        for code, count in shown:
            value, remark = known.get(code, ("", ""))
            told = "; ".join(filter(None, (counted(count, "row"), remark)))
            line = f"    {json.dumps(code, ensure_ascii=False)}: {value or '?'}"
            rows.append(Line(line if code.isprintable() else f"    {visible(line)}", told,
                              active=active and bool(value) and code.isprintable()))  # fmt: skip
        if len(codes) > len(shown):
            rows.append(Line(f"    # and {len(codes) - len(shown)} more"))
        if not any(row.active for row in rows):
            # the language has no empty tables, and no code is written like this
            rows.insert(0, Line(f'    "<code>": {empty}', "replace this line", active=active))
        self._lookups.append(Line(f"  {table}:", says, active=active))
        self._lookups += rows

    def courier_value(self) -> str:
        """The courier by the code of the carrier; adds the table."""
        known = {code: _known_courier(courier) for code, courier in COURIERS.items()}
        says = "parcelLab's key of each carrier; what is not listed is rejected (R401)"
        self.table("couriers", says, self.columns["carrier"].codes, known)
        return "{from: carrier, do: [upper], lookup: couriers}"


def _section(name: str, lines: list[Line]) -> list[Line]:
    return [Line(f"{name}:", active=any(line.active for line in lines)), *lines] if lines else []


def _known_courier(courier: Courier) -> tuple[str, str]:
    """The key to write, "" for none, and what to say of it."""
    if not courier.sure:
        return "", f"{courier.key}? the code is no standard"
    return (
        courier.key,
        "" if courier.key in CONFIRMED else "is this parcelLab's key? it is not confirmed",
    )


def by_length(name: str, forms: Iterable[str]) -> str:
    """A value whose format depends on its number of digits."""
    listed = sorted(forms, key=int)
    if len(listed) == 1:
        return f'{{from: {name}, format: "{FORMS[listed[0]]}"}}'
    cases = (f'{{when: "LENGTH({name}) = {form}", from: {name}, format: "{FORMS[form]}"}}' for form in listed)  # fmt: skip
    return f"{{cases: [{', '.join(cases)}]}}"


def noted(lines: list[Line], remark: str) -> list[Line]:
    """The lines, with a remark behind what the first one says."""
    if not lines or not remark:
        return lines
    first = lines[0]
    comment = f"{first.comment}; {remark}" if first.comment else remark
    return [Line(first.text, comment, first.active), *lines[1:]]


def counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _named(syntax: Syntax) -> str:
    return "X12" if syntax is Syntax.X12 else "EDIFACT"
