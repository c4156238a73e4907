"""Write the EDI samples: interchanges of an invented 3PL, and what is wrong with them.

    python samples/edi/generate.py           writes the folders edi-* beside this one
    python samples/edi/generate.py --check   proves that they are its output

The bookkeeping (`planted.csv`, `expected.json`) is the generator's own: it never calls the product,
and it counts segments and lines while it writes them.
"""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

SAMPLES = Path(__file__).parent.parent
SEED = "3PL Beispiel 2026-11-20"
ARTICLES = [
    ("COAT-BLUE-M", "Coat, blue, M"),
    ("SCARF-RED", "Scarf, red"),
    ("GLOVES-L", "Gloves, L"),
    ("HAT-GREY", "Hat, grey"),
    ("SOCKS-3", "Three pairs of socks"),
]
FIRST = ["Dana", "Luc", "Erika", "Jo", "Mia", "Noah", "Ada", "Theo", "Ines", "Pau"]
LAST = ["Sample", "Modele", "Beispiel", "Muster", "Ejemplo", "Esempio"]
CITIES = [("Springfield", "IL", "62704"), ("Dayton", "OH", "45402"), ("Salem", "OR", "97301")]
TOWNS = [("Berlin", "12207"), ("Köln", "50667"), ("Dresden", "01067"), ("Kiel", "24103")]
# how the 3PL writes a carrier, and its key
CARRIERS = [("UPSN", "", "ups"), ("FDEG", "", "fedex"), ("NA", "DHL Paket", "dhl-germany")]

Facts = dict[str, Any]


def _random(topic: str) -> Random:
    return Random(f"{SEED} {topic}")  # noqa: S311 - invented goods, no secrets


@dataclass
class Book:
    """What is in the files of a sample: findings planted, orders that go out, orders that do not."""

    planted: list[dict[str, str]] = field(default_factory=list)
    sent: dict[str, Facts] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)

    def parcel(self, order: str, number: str, courier: str) -> dict[str, int]:
        """Note a parcel; gives its articles, to be filled."""
        parcels = self.sent.setdefault(order, {}).setdefault("parcels", {})
        return parcels.setdefault(number, {"courier": courier, "articles": {}})["articles"]  # type: ignore[no-any-return]


@dataclass
class Writer:
    """One file, a segment to a line."""

    name: str
    book: Book
    end: str
    element: str
    lines: list[str] = field(default_factory=list)
    unnumbered: int = 0  # lines that are no segments: UNA
    encoding: str = "ascii"
    messages: int = 0
    interchanges: int = 0

    def add(self, *elements: str | int) -> int:
        """Write a segment; gives its ordinal. Empty elements at the end are left out."""
        self.lines.append(self.element.join(map(str, elements)).rstrip(self.element) + self.end)
        return len(self.lines) - self.unnumbered

    def plant(
        self, code: str, segment: int, column: str, value: str = "", order: str = "", note: str = ""
    ) -> None:
        """Note a finding at a segment."""
        self.book.planted.append(
            {"file": self.name, "segment": str(segment), "line": str(segment + self.unnumbered),
             "column": column, "value": value, "code": code, "order_number": order, "note": note}
        )  # fmt: skip

    def content(self) -> bytes:
        """The file."""
        return "".join(f"{line}\n" for line in self.lines).encode(self.encoding)

    def facts(self) -> Facts:
        """What the file consists of."""
        return {
            "segments": len(self.lines) - self.unnumbered,
            "messages": self.messages,
            "interchanges": self.interchanges,
        }


class X12(Writer):
    """An X12 file."""

    def __init__(self, name: str, book: Book) -> None:
        super().__init__(name, book, "~", "*")
        self.control = 900
        self.in_interchange = self.in_group = 0

    @contextmanager
    def interchange(
        self, sender: str, receiver: str, *, cut: bool = False, reference: str | None = None
    ) -> Iterator[int]:
        """An interchange; `cut` leaves its trailer out, `reference` is what that says instead."""
        self.control += 1
        self.interchanges += 1
        number = f"{self.control:09}"
        self.in_interchange = 0
        head = self.add("ISA", "00", " " * 10, "00", " " * 10, "ZZ", sender.ljust(15), "ZZ",
                        receiver.ljust(15), "261120", "0215", "U", "00401", number, "0", "P", ">")  # fmt: skip
        yield head
        if not cut:
            at = self.add("IEA", self.in_interchange, reference or number)
            if reference:
                self.plant("E106", at, "IEA*02", reference, note="control number of another one")
        else:
            self.plant("E104", head, "", number, note="cut off")

    @contextmanager
    def group(self, kind: str, *, declared: int | None = None) -> Iterator[None]:
        """A group; `declared` is how many messages its trailer says."""
        self.in_interchange += 1
        self.in_group = 0
        number = self.control * 10 + self.in_interchange
        self.add("GS", kind, "EXAMPLE3PL", "EXAMPLESHOP", "20261120", "0215", number, "X", "004010")
        yield
        at = self.add("GE", self.in_group if declared is None else declared, number)
        if declared is not None:
            self.plant("E108", at, "GE*01", str(declared), note="messages declared")

    @contextmanager
    def message(
        self, kind: str, *, declared: int = 0, reference: str = "", order: str = ""
    ) -> Iterator[int]:
        """`declared` is added to the right number of segments."""
        self.in_group += 1
        self.messages += 1
        number = f"{self.messages:04}"
        head = self.add("ST", kind, number)
        yield head
        count = len(self.lines) - self.unnumbered - head + 2 + declared
        at = self.add("SE", count, reference or number)
        if declared:
            self.plant("E110", at, "SE*01", str(count), order, "segments declared")
        if reference:
            self.plant("E106", at, "SE*02", reference, order, "reference of another message")


class Edifact(Writer):
    """An EDIFACT file; with `una` its separators are announced."""

    def __init__(self, name: str, book: Book, *, una: bool = True, after: int = 7000) -> None:
        super().__init__(name, book, "'", "+", encoding="iso-8859-1")
        self.control = after  # the control number before the first one
        self.in_interchange = 0
        if una:
            self.lines.append("UNA:+.? '")
            self.unnumbered = 1

    @contextmanager
    def interchange(
        self, sender: str, receiver: str, *, declared: int | None = None, cut: bool = False
    ) -> Iterator[int]:
        """An interchange; `cut` leaves its trailer out, `declared` is how many messages that says."""
        self.control += 1
        self.interchanges += 1
        self.in_interchange = 0
        head = self.add("UNB", "UNOC:3", sender, receiver, "261120:0215", self.control)
        yield head
        if cut:
            self.plant("E104", head, "", str(self.control), note="cut off")
            return
        at = self.add("UNZ", self.in_interchange if declared is None else declared, self.control)
        if declared is not None:
            self.plant("E105", at, "UNZ+1", str(declared), note="messages declared")

    @contextmanager
    def message(
        self, kind: str, *, declared: int = 0, reference: str = "", order: str = ""
    ) -> Iterator[int]:
        """A message; `declared` is added to the right number of segments."""
        self.in_interchange += 1
        self.messages += 1
        head = self.add("UNH", self.messages, f"{kind}:D:96A:UN")
        yield head
        count = len(self.lines) - self.unnumbered - head + 2 + declared
        at = self.add("UNT", count, reference or self.messages)
        if declared:
            self.plant("E110", at, "UNT+1", str(count), order, "segments declared")
        if reference:
            self.plant("E106", at, "UNT+2", reference, order, "reference of another message")


@dataclass(frozen=True)
class Order:
    """An order and its lines: number, article, pieces."""

    number: str
    name: str
    city: tuple[str, ...]
    lines: tuple[tuple[int, str, str, int], ...]
    carrier: tuple[str, str, str]

    def line_id(self, line: int) -> str:
        """The id that the mappings give a line."""
        return f"{self.number}-{line}"


def _orders(random: Random, prefix: str, count: int, cities: list[tuple[str, ...]]) -> list[Order]:
    made = []
    for index in range(count):
        articles = random.sample(ARTICLES, random.randint(1, 3))
        lines = tuple(
            (position, sku, text, random.randint(1, 4))
            for position, (sku, text) in enumerate(articles, 1)
        )
        name = f"{random.choice(FIRST)} {random.choice(LAST)}"
        made.append(
            Order(
                f"{prefix}{index + 1:03}",
                name,
                random.choice(cities),
                lines,
                random.choice(CARRIERS),
            )
        )
    return made


class Numbers:
    """Parcel numbers and SSCCs, each once."""

    def __init__(self) -> None:
        self.next = 100

    def parcel(self, courier: str) -> str:
        """A number as this courier writes them."""
        self.next += 1
        return f"1Z999AA1{self.next:010}" if courier == "ups" else f"77123{self.next:07}"

    def sscc(self) -> str:
        """18 digits, the last one as GS1 has it."""
        self.next += 1
        digits = f"34012345{self.next:09}"
        total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits))
        return digits + str(-total % 10)


# -- the night at the 3PL: 940 in, 945 out ------------------------------------------------------


def night() -> tuple[dict[str, Writer], Book]:
    """A shop releases 80 orders (940); the 3PL tells what it sent (945), in four interchanges."""
    random, book, numbers = _random("945"), Book(), Numbers()
    orders = _orders(random, "WH-7000", 80, CITIES)
    release = X12("release.edi", Book())
    with release.interchange("EXAMPLESHOP", "EXAMPLE3PL"), release.group("OW"):
        for order in orders:
            _released(release, order)
    advice = X12("advice.edi", book)
    with advice.interchange("EXAMPLE3PL", "EXAMPLESHOP"):
        for dock in (orders[:30], orders[30:60]):
            with advice.group("SW"):
                for order in dock:
                    _advised(advice, order, numbers)
    with advice.interchange("EXAMPLE3PL", "EXAMPLESHOP"), advice.group("SW"):
        for order, fault in zip(orders[60:74], FAULTS_945, strict=True):
            fault(advice, order, numbers)
    with advice.interchange("EXAMPLE3PL", "EXAMPLESHOP"):
        with advice.group("SW", declared=4):
            for order in orders[74:76]:
                _advised(advice, order, numbers, held=True)
        with advice.group("SW"):
            _advised(advice, orders[76], numbers)
    with advice.interchange("EXAMPLE3PL", "EXAMPLESHOP", reference="000000999"), advice.group("SW"):
        _advised(advice, orders[77], numbers, held=True)
    with advice.interchange("EXAMPLE3PL", "EXAMPLESHOP", cut=True), advice.group("SW"):
        for order in orders[78:]:
            _advised(advice, order, numbers, held=True)
    return {"release.edi": release, "advice.edi": advice}, book


def _released(file: X12, order: Order) -> None:
    with file.message("940"):
        file.add("W05", "N", order.number, f"PO-{order.number[3:]}")
        file.add("N1", "ST", order.name)
        file.add("N3", "12 Elm Street")
        city, state, code = order.city
        file.add("N4", city, state, code, "US")
        mail = order.name.lower().replace(" ", ".")
        file.add("PER", "DC", "", "EM", f"{mail}@example.com")
        file.add("G62", "02", "20261124")
        for line, sku, text, pieces in order.lines:
            file.add("LX", line)
            file.add("W01", pieces, "EA", "", "SK", sku)
            file.add("G69", text)
        file.add("W76", sum(line[3] for line in order.lines))


@contextmanager
def _advice(
    file: X12, order: Order, *, declared: int = 0, reference: str = "", shipped: str = "20261119",
    number: str | None = None, report: str = "F", scac: str | None = None, party: bool = True,
) -> Iterator[int]:  # fmt: skip
    """The head of a 945; what is inside is written by the caller. Gives the ordinal of its W06."""
    with file.message("945", declared=declared, reference=reference, order=order.number):
        named = order.number if number is None else number
        at = file.add("W06", report, named, shipped, f"SHP-{order.number[3:]}")
        if party:
            file.add("N1", "ST", order.name)
            file.add("N4", *order.city, "US")
        code, name, _ = order.carrier
        file.add("W27", "M", code if scac is None else scac, name if scac is None else "")
        yield at


def _carton(
    file: X12, order: Order, index: int, numbers: Numbers, *, held: bool = False, unit: str = "EA",
    pieces: str | None = None,
) -> int:  # fmt: skip
    """A carton with one line of the order; gives the ordinal of its W12, which is the row's."""
    line, sku, _, ordered = order.lines[index]
    number = numbers.parcel(order.carrier[2])
    file.add("LX", line)
    file.add("MAN", "CP", number)
    file.add("MAN", "GM", f"00{numbers.sscc()}")
    told = str(ordered) if pieces is None else pieces
    at = file.add("W12", "CC", ordered, told, 0, unit, "", "SK", sku)
    if held:
        file.book.held.add(order.number)
    else:
        file.book.parcel(order.number, number, order.carrier[2])[order.line_id(line)] = ordered
    return at


def _advised(file: X12, order: Order, numbers: Numbers, *, held: bool = False) -> None:
    with _advice(file, order):
        for index in range(len(order.lines)):
            _carton(file, order, index, numbers, held=held)
        file.add("W03", sum(line[3] for line in order.lines), 4, "LB")


def _unknown_carrier(file: X12, order: Order, numbers: Numbers) -> None:
    plain = Order(order.number, order.name, order.city, order.lines, ("NITE", "", "none"))
    with _advice(file, plain):
        at = _carton(file, plain, 0, numbers, held=True)
        file.plant("R401", at, "carrier", "NITE", order.number, "a carrier that nobody knows")


def _case(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order):
        at = _carton(file, order, 0, numbers, held=True, unit="CA")
        file.plant("R401", at, "unit", "CA", order.number, "counted in cases")


def _no_number(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order, number=""):
        at = _carton(file, order, 0, numbers, held=True)
        file.plant("R209", at, "order_no", "", "", "no order number")
    file.book.held.discard(order.number)  # nobody knows which one it is


def _in_words(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order):
        at = _carton(file, order, 0, numbers, held=True, pieces="two")
        file.plant("E303", at, "W12*03", "two", order.number, "a quantity in words")
        file.plant("R201", at, "qty", "two", order.number, "a quantity in words")


def _bad_day(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order, shipped="20261132") as head:
        file.plant("E306", head, "W06*03", "20261132", order.number, "a day that is none")
        at = _carton(file, order, 0, numbers, held=True)
        file.plant("R202", at, "shipped", "20261132", order.number, "a day that is none")


def _too_few_segments(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order, declared=2):
        _carton(file, order, 0, numbers, held=True)


def _other_reference(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order, reference="9999"):
        _carton(file, order, 0, numbers, held=True)


def _no_report(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order, report="") as head:
        file.plant("E301", head, "W06*01", "", order.number, "mandatory element")
        _carton(file, order, 0, numbers, held=True)


def _no_party(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order, party=False) as head:
        # noticed where the next segment stands instead
        file.plant("E201", head + 1, "", "N1", order.number, "mandatory loop")
        _carton(file, order, 0, numbers, held=True)


def _two_numbers(file: X12, order: Order, numbers: Numbers) -> None:
    line, sku, _, ordered = order.lines[0]
    first, second = (numbers.parcel(order.carrier[2]) for _ in range(2))
    with _advice(file, order):
        file.add("LX", line)
        file.add("MAN", "CP", first)
        at = file.add("MAN", "CP", second)
        file.plant("E307", at, "carton_number", second, order.number, "two parcels, one content")
        file.add("W12", "CC", ordered, ordered, 0, "EA", "", "SK", sku)
    file.book.parcel(order.number, first, order.carrier[2])[order.line_id(line)] = ordered
    file.book.parcel(order.number, second, order.carrier[2])


def _foreign_segment(file: X12, order: Order, numbers: Numbers) -> None:
    with _advice(file, order):
        _carton(file, order, 0, numbers)
        at = file.add("ZZ9", "X")
        file.plant("E202", at, "", "ZZ9", order.number, "no such segment")


def _not_shipped(file: X12, order: Order, numbers: Numbers) -> None:
    """A line of which nothing was sent is in no parcel, and a carton of such lines is none."""
    line, sku, _, ordered = order.lines[0]
    number = numbers.parcel(order.carrier[2])
    with _advice(file, order):
        file.add("LX", line)
        file.add("MAN", "CP", number)
        file.add("W12", "CL", ordered, 0, ordered, "EA", "", "SK", sku)


def _head_only(file: X12, order: Order, numbers: Numbers) -> None:
    """Some 3PLs tell the number and nothing of the lines."""
    number = numbers.parcel(order.carrier[2])
    code, name, courier = order.carrier
    with file.message("945"):
        file.add("W06", "F", order.number, "20261119", f"SHP-{order.number[3:]}")
        file.add("N1", "ST", order.name)
        file.add("N4", *order.city, "US")
        file.add("N9", "2I", number)
        file.add("W27", "M", code, name)
    file.book.parcel(order.number, number, courier)


def _two_faults(file: X12, order: Order, numbers: Numbers) -> None:
    """A message that is rejected is not judged row by row, but each finding in it is told."""
    with _advice(file, order, declared=-1, shipped="20260230") as head:
        file.plant("E306", head, "W06*03", "20260230", order.number, "a day that is none")
        _carton(file, order, 0, numbers, held=True)


FAULTS_945: list[Callable[[X12, Order, Numbers], None]] = [
    _unknown_carrier, _case, _no_number, _in_words, _bad_day, _too_few_segments, _other_reference,
    _no_report, _no_party, _two_numbers, _foreign_segment, _not_shipped, _head_only, _two_faults,
]  # fmt: skip


# -- 856: several orders in a shipment, cartons ---------------------------------------------------


def cartons() -> tuple[dict[str, Writer], Book]:
    """Shipments with several orders; pick and pack, pallets, packs below items; planted faults."""
    random, book, numbers = _random("856"), Book(), Numbers()
    orders = _orders(random, "WH-7100", 26, CITIES)
    file = X12("asn.edi", book)
    with file.interchange("EXAMPLE3PL", "EXAMPLESHOP"), file.group("SH"):
        for first in range(0, 12, 4):
            _notice(file, orders[first : first + 4], numbers, pallets=first == 4)
        _notice(file, orders[12:14], numbers, packs_below=True)
    with file.interchange("EXAMPLE3PL", "EXAMPLESHOP"), file.group("SH"):
        with file.message("856", order=orders[14].number):  # its parent comes never
            file.add("BSN", "00", "SHP-F1", "20261119", "2210", "0001")
            file.add("HL", 1, "", "S")
            _carrier(file, orders[14])
            file.add("HL", 2, 1, "O")
            file.add("PRF", orders[14].number)
            at = file.add("HL", 3, 8, "P")
            file.plant("E205", at, "HL*02", "8", orders[14].number, "no such level")
            file.add("MAN", "CP", numbers.parcel("ups"))
            book.held.add(orders[14].number)
        with file.message("856", order=orders[15].number):  # two levels with one number
            file.add("BSN", "00", "SHP-F2", "20261119", "2210", "0001")
            file.add("HL", 1, "", "S")
            _carrier(file, orders[15])
            file.add("HL", 2, 1, "O")
            file.add("PRF", orders[15].number)
            file.add("HL", 3, 2, "P")
            file.add("MAN", "CP", numbers.parcel("ups"))
            at = file.add("HL", 3, 2, "P")
            file.plant("E206", at, "HL*01", "3", orders[15].number, "two levels of one number")
            file.add("MAN", "CP", numbers.parcel("ups"))
            book.held.add(orders[15].number)
        _notice(file, orders[16:18], numbers, total=9)
        _notice(file, orders[18:20], numbers, declared=1)
        _notice(file, orders[20:22], numbers, bad_unit=True)
        _notice(file, orders[22:24], numbers)
    with file.interchange("EXAMPLE3PL", "EXAMPLESHOP", cut=True), file.group("SH"):
        _notice(file, orders[24:], numbers, held=True)
    return {"asn.edi": file}, book


def _carrier(file: X12, order: Order) -> None:
    code, name, _ = order.carrier
    file.add("TD5", "B", "2", code, "M", name)


_Item = tuple[int, str, int, str]  # line, article, pieces, unit


def _item_in_pack(
    file: X12, level: int, above: int, item: _Item, number: str, numbers: Numbers
) -> int:
    """A carton and in it an item; gives the ordinal of the innermost level."""
    line, sku, pieces, unit = item
    file.add("HL", level + 1, above, "P")
    file.add("MAN", "CP", number)
    file.add("MAN", "GM", f"00{numbers.sscc()}")
    at = file.add("HL", level + 2, level + 1, "I")
    file.add("LIN", line, "SK", sku)
    file.add("SN1", "", pieces, unit)
    return at


def _packs_of_item(
    file: X12, level: int, above: int, item: _Item, number: str, _numbers: Numbers
) -> int:
    """An item and below it its carton."""
    line, sku, pieces, unit = item
    file.add("HL", level + 1, above, "I")
    file.add("LIN", line, "SK", sku)
    file.add("SN1", "", pieces, unit)
    at = file.add("HL", level + 2, level + 1, "P")
    file.add("SN1", "", pieces, unit)
    file.add("MAN", "CP", number)
    return at


def _notice(
    file: X12, orders: list[Order], numbers: Numbers, *, pallets: bool = False,
    packs_below: bool = False, total: int = 0, declared: int = 0, bad_unit: bool = False,
    held: bool = False,
) -> None:  # fmt: skip
    """One shipment by one carrier; `total` is added to the right number of levels."""
    held = held or bool(total) or bool(declared)
    carrier = orders[0]
    book = file.book
    with file.message("856", declared=declared, order=orders[0].number):
        file.add("BSN", "00", f"SHP-{orders[0].number[3:]}", "20261119", "2210", "0001")
        level = 1
        file.add("HL", 1, "", "S")
        _carrier(file, carrier)
        file.add("DTM", "011", "20261119")
        file.add("N1", "ST", carrier.name)
        file.add("N4", *carrier.city, "US")
        for order in orders:
            level += 1
            at_order = level
            file.add("HL", level, 1, "O")
            file.add("PRF", order.number)
            above = at_order
            if pallets:
                level += 1
                above = level
                file.add("HL", level, at_order, "T")
                file.add("MAN", "GM", f"00{numbers.sscc()}")
            for line, sku, _, ordered in order.lines:
                number = numbers.parcel(carrier.carrier[2])
                line_id = order.line_id(line)
                unit = "CA" if bad_unit and order is orders[-1] and line == 1 else "EA"
                item = (line, sku, ordered, unit)
                write = _packs_of_item if packs_below else _item_in_pack
                at = write(file, level, above, item, number, numbers)
                level += 2
                if unit == "CA":
                    file.plant("R401", at, "unit", "CA", order.number, "counted in cases")
                    book.held.add(order.number)
                if held:
                    book.held.add(order.number)
                elif order.number not in book.held:
                    book.parcel(order.number, number, carrier.carrier[2])[line_id] = ordered
        at = file.add("CTT", level + total)
        if total:
            file.plant(
                "E207", at, "CTT*01", str(level + total), orders[0].number, "levels declared"
            )


# -- DESADV: pallets, cartons, SSCC -----------------------------------------------------------------


def pallets() -> tuple[dict[str, Writer], Book]:
    """Despatch advices with cartons on pallets; the carrier tracks the SSCC of the carton."""
    random, book, numbers = _random("DESADV"), Book(), Numbers()
    carriers = [("DHL", "", "dhl-germany"), ("GLS", "", "gls"), ("UPSN:172:182", "", "ups")]
    orders = [
        Order(each.number, each.name, each.city, each.lines, random.choice(carriers))
        for each in _orders(random, "WH-7200", 16, TOWNS)
    ]
    file = Edifact("despatch.edi", book)
    with file.interchange("EXAMPLEWEST:ZZ", "EXAMPLESHOP:ZZ"):
        for order in orders[:8]:
            _despatched(file, order, numbers)
    with file.interchange("EXAMPLEWEST:ZZ", "EXAMPLESHOP:ZZ"):
        _despatched(file, orders[8], numbers, carrier="4000000000019::9")
        _despatched(file, orders[9], numbers, pieces="1,5,2")
        _despatched(file, orders[10], numbers, above="7")
        _despatched(file, orders[11], numbers, total=5)
        _despatched(file, orders[12], numbers, reference="99")
        _despatched(file, orders[13], numbers)
    with file.interchange("EXAMPLEWEST:ZZ", "EXAMPLESHOP:ZZ", declared=3):
        _despatched(file, orders[14], numbers, held=True)
    with file.interchange("EXAMPLEWEST:ZZ", "EXAMPLESHOP:ZZ", cut=True):
        _despatched(file, orders[15], numbers, held=True)
    return {"despatch.edi": file}, book


def _despatched(
    file: Edifact, order: Order, numbers: Numbers, *, carrier: str = "", pieces: str = "",
    above: str = "", total: int = 0, reference: str = "", held: bool = False,
) -> None:  # fmt: skip
    held = held or bool(carrier or pieces or above or total or reference)
    with file.message("DESADV", reference=reference, order=order.number):
        file.add("BGM", "351", f"DES-{order.number[3:]}", 9)
        file.add("DTM", "137:202611192200:203")
        file.add("DTM", "11:20261119:102")
        file.add("RFF", f"ON:{order.number}")
        town, code = order.city
        file.add("NAD", "DP", "", "", order.name, "Lindenweg 4", town, "", code, "DE")
        file.add("TDT", "20", "", "30", "", carrier or order.carrier[0])
        file.add("CPS", 1)
        file.add("CPS", 2, 1)
        file.add("PAC", 1, "", "201")
        file.add("PCI", "33E")
        file.add("GIN", "BJ", numbers.sscc())
        for line, sku, _, ordered in order.lines:
            first = line == 1
            at = file.add("CPS", line + 2, above if above and first else 2)
            if above and first:
                file.plant("E205", at, "CPS+2", above, order.number, "no such level")
            file.add("PAC", 1, "", "CT")
            file.add("PCI", "33E")
            number = numbers.sscc()
            file.add("GIN", "BJ", number)
            row = file.add("LIN", line, "", f"400638133{line:04}:EN")
            file.add("PIA", 1, f"{sku}:SA")
            told = pieces if pieces and first else ordered
            at = file.add("QTY", f"12:{told}:PCE")
            if carrier:
                file.plant("R401", row, "carrier", carrier.partition(":")[0], order.number,
                           "a carrier that nobody knows")  # fmt: skip
            if pieces and first:
                file.plant("E303", at, "QTY+1.2", pieces, order.number, "two decimal marks")
                file.plant("R201", row, "qty", pieces, order.number, "two decimal marks")
            if held:
                file.book.held.add(order.number)
            else:
                parcel = file.book.parcel(order.number, number, order.carrier[2])
                parcel[order.line_id(line)] = ordered
        at = file.add("CNT", f"2:{len(order.lines) + total}")
        if total:
            file.plant("E207", at, "CNT+1.2", str(len(order.lines) + total), order.number,
                       "lines declared")  # fmt: skip


# -- ORDERS, and ORDCHG after it ---------------------------------------------------------------------


def changed() -> tuple[dict[str, Writer], Book]:
    """Orders, and what the buyer changes in them the day after."""
    random, book = _random("ORDERS"), Book()
    orders = _orders(random, "WH-7300", 14, TOWNS)
    first = Edifact("orders.edi", book)
    with first.interchange("EXAMPLESHOP:ZZ", "EXAMPLEWEST:ZZ"):
        for order in orders[:10]:
            _ordered(first, order)
        _ordered(first, orders[10], shifted=True)
        _ordered(first, orders[11], unit="CT")
        _ordered(first, orders[12], declared=1)
    with first.interchange("EXAMPLESHOP:ZZ", "EXAMPLEWEST:ZZ", cut=True):
        _ordered(first, orders[13], held=True)
    second = Edifact("changes.edi", book, una=False, after=7100)
    with second.interchange("EXAMPLESHOP:ZZ", "EXAMPLEWEST:ZZ"):
        for number, order in enumerate(orders[:6]):
            _changed(second, order, ("cancel", "add", "change", "remove", "replace", "odd")[number])
    return {"orders.edi": first, "changes.edi": second}, book


def _ordered(
    file: Edifact, order: Order, *, shifted: bool = False, unit: str = "PCE", declared: int = 0,
    held: bool = False,
) -> None:  # fmt: skip
    """An ORDERS; `shifted` leaves the place of the region out, so that zip and country move."""
    held = held or shifted or unit != "PCE" or bool(declared)
    lines: dict[str, int] = {}
    with file.message("ORDERS", declared=declared, order=order.number):
        file.add("BGM", "220", order.number, 9)
        file.add("DTM", "137:202611191759:203")
        file.add("RFF", f"CR:WEB-{order.number[3:]}")
        town, code = order.city
        region = () if shifted else ("",)
        file.add("NAD", "DP", "", "", order.name, "Lindenweg 4", town, *region, code, "DE")
        file.add("CTA", "DL")
        mail = order.name.lower().replace(" ", ".")
        file.add("COM", f"{mail}@example.com:EM")
        file.add("CUX", "2:EUR:9")
        for line, sku, text, ordered in order.lines:
            row = file.add("LIN", line, "", f"400638133{line:04}:EN")
            file.add("PIA", 1, f"{sku}:SA")
            file.add("IMD", "F", "", f":::{text}")
            file.add("QTY", f"21:{ordered}:{unit}")
            file.add("PRI", "AAA:19.95")
            lines[order.line_id(line)] = ordered
            if unit != "PCE":
                file.plant("R401", row, "unit", unit, order.number, "counted in cartons")
            if shifted and line == 1:
                file.plant("R301", row, "country", "", order.number, "an element is missing")
                file.plant("R313", row, "country", "", order.number, "an element is missing")
        file.add("UNS", "S")
        file.add("CNT", f"2:{len(order.lines)}")
    if held:
        file.book.held.add(order.number)
    else:
        file.book.sent[order.number] = {"lines": lines}


def _changed(file: Edifact, order: Order, what: str) -> None:
    line, sku, _, _ = order.lines[0]
    row = {
        "add": ("add_line_item", order.line_id(9), 1),
        "change": ("change_line_item_quantity", order.line_id(line), 5),
        "remove": ("change_line_item_quantity", order.line_id(line), 0),
        "replace": ("replace_line_item", order.line_id(line), 2),
        "cancel": ("cancel_order", "", 0),
    }.get(what)
    with file.message("ORDCHG", order=order.number):
        file.add("BGM", "230", f"CHG-{order.number[3:]}", 1 if what == "cancel" else 4)
        file.add("DTM", "137:20261120:102")
        file.add("RFF", f"ON:{order.number}")
        if what != "cancel":
            action = {"add": 1, "remove": 2, "change": 3, "replace": 3, "odd": 27}[what]
            number = 9 if what == "add" else line
            at = file.add("LIN", number, action, "4006381339999:EN")
            if what in {"add", "replace"}:
                file.add("PIA", 3 if what == "replace" else 1, f"{sku}-NEW:SA")
            if what != "remove":
                file.add("QTY", f"21:{row[2] if row else 1}:PCE")
            if what == "odd":
                file.plant("R401", at, "action", "27", order.number, "nobody agreed on it")
        file.add("UNS", "S")
    if row is not None:
        file.book.sent.setdefault(f"{order.number} changed", {})["changes"] = [list(row)]


# -- events ------------------------------------------------------------------------------------------


def events_214() -> tuple[dict[str, Writer], Book]:
    """What a carrier reports, X12."""
    book, numbers = Book(), Numbers()
    file = X12("events.edi", book)
    with file.interchange("EXCA", "EXAMPLESHOP"), file.group("QM"):
        for index in range(8):
            _reported(
                file, f"WH-7400{index:02}", numbers, ["AF", "X4", "AJ", "D1"][: index % 4 + 1]
            )
        _reported(file, "WH-740008", numbers, ["AF", "QQ"])
        _reported(file, "WH-740009", numbers, ["AF"], scac="NITE")
        _reported(file, "", numbers, ["AF"])
        _reported(file, "WH-740011", numbers, ["AF"], zone="MT")
        _reported(file, "WH-740012", numbers, ["AF"], day="20261301")
        _reported(file, "WH-740013", numbers, ["AF"], declared=1)
        _reported(file, "WH-740014", numbers, ["D1"])
    with file.interchange("EXCA", "EXAMPLESHOP", cut=True), file.group("QM"):
        _reported(file, "WH-740015", numbers, ["D1"], held=True)
    return {"events.edi": file}, book


def _reported(
    file: X12, order: str, numbers: Numbers, codes: list[str], *, scac: str = "UPSN",
    zone: str = "LT", day: str = "20261120", declared: int = 0, held: bool = False,
) -> None:  # fmt: skip
    number = numbers.parcel("ups") if scac == "UPSN" else "55512345"
    bad = held or not order or bool(declared) or (scac, zone, day) != ("UPSN", "LT", "20261120")
    with file.message("214", declared=declared, order=order):
        file.add("B10", number, "", scac)
        if order:
            file.add("L11", order, "PO")
        file.add("LX", 1)
        for hour, code in enumerate(codes, 8):
            at = file.add("AT7", code, "NS", "", "", day, f"{hour:02}30", zone)
            file.add("MS1", "Dayton", "OH", "US")
            if code == "QQ":
                bad = True
                file.plant("R401", at, "status", code, order, "nobody agreed on it")
            if scac != "UPSN":
                file.plant("R401", at, "carrier", scac, order, "a carrier that nobody knows")
            if not order:
                file.plant("R209", at, "order_no", "", "", "no order number")
            if zone != "LT":
                file.plant("R401", at, "zone", zone, order, "two zones have this name")
            if day != "20261120":
                file.plant("E306", at, "AT7*05", day, order, "a day that is none")
                file.plant("R202", at, "day", f"{day}{hour:02}30", order, "a day that is none")
    if bad:
        file.book.held |= {order} - {""}
    else:
        file.book.parcel(order, number, "ups")
        file.book.sent[order]["parcels"][number]["events"] = codes


def events_iftsta() -> tuple[dict[str, Writer], Book]:
    """What a carrier reports, EDIFACT: several consignments in a message."""
    book = Book()
    file = Edifact("events.edi", book, una=False)
    with file.interchange("DPD", "EXAMPLESHOP:ZZ"):
        _status(file, "WH-75000", [["12"], ["12", "48"], ["12", "48", "21"]])
        _status(file, "WH-75001", [["12"], ["12", "888"]])
        _status(file, "WH-75002", [["12", "21"]], carrier="NACHTKURIER")
        _status(file, "WH-75003", [["21"]], time="202611209930")
        _status(file, "WH-75004", [["21"]], declared=-1)
        _status(file, "WH-75005", [["21"]])
    with file.interchange("DPD", "EXAMPLESHOP:ZZ", declared=9):
        _status(file, "WH-75006", [["21"]], held=True)
    return {"events.edi": file}, book


def _status(
    file: Edifact, prefix: str, consignments: list[list[str]], *, carrier: str = "DPD",
    time: str = "", declared: int = 0, held: bool = False,
) -> None:  # fmt: skip
    with file.message("IFTSTA", declared=declared, order=f"{prefix}0"):
        file.add("BGM", "23", f"ST-{prefix[3:]}", 9)
        file.add("DTM", "137:202611201900:203")
        file.add("NAD", "CA", carrier)
        for index, codes in enumerate(consignments):
            order, number = f"{prefix}{index}", f"0123{prefix[3:]}{index:05}"
            bad = held or bool(time) or bool(declared) or carrier != "DPD"
            file.add("CNI", index + 1, f"CONS-{prefix[3:]}{index}")
            for hour, code in enumerate(codes, 8):
                at = file.add("STS", 1, code)
                file.add("RFF", f"ON:{order}")
                file.add("RFF", f"CN:{number}")
                told = time or f"20261120{hour:02}15"
                when = file.add("DTM", f"334:{told}:203")
                file.add("LOC", 14, ":::Köln")
                if code == "888":
                    bad = True
                    file.plant("R401", at, "status", code, order, "nobody agreed on it")
                if carrier != "DPD":
                    file.plant("R401", at, "carrier", carrier, order, "a carrier that nobody knows")
                if time:
                    file.plant("E306", when, "DTM+1.2", time, order, "an hour that is none")
                    file.plant("R202", at, "happened", time, order, "an hour that is none")
            if bad:
                file.book.held.add(order)
            else:
                file.book.parcel(order, number, "dpd-de")
                file.book.sent[order]["parcels"][number]["events"] = codes


# -- writing -----------------------------------------------------------------------------------------

CASES: dict[str, Callable[[], tuple[dict[str, Writer], Book]]] = {
    "edi-945-night": night,
    "edi-856-cartons": cartons,
    "edi-desadv-pallets": pallets,
    "edi-orders-ordchg": changed,
    "edi-214-events": events_214,
    "edi-iftsta-events": events_iftsta,
}


def build() -> dict[str, bytes]:
    """Every file by its path below `samples`."""
    made: dict[str, bytes] = {}
    for folder, case in CASES.items():
        files, book = case()
        for name, file in files.items():
            made[f"{folder}/{name}"] = file.content()
        table = io.StringIO(newline="")
        columns = ["file", "segment", "line", "column", "value", "code", "order_number", "note"]
        writer = csv.DictWriter(table, columns, lineterminator="\n")
        writer.writeheader()
        order = list(files)
        writer.writerows(
            sorted(
                book.planted, key=lambda p: (order.index(p["file"]), int(p["segment"]), p["code"])
            )
        )
        made[f"{folder}/planted.csv"] = table.getvalue().encode()
        facts = {
            "files": {name: file.facts() for name, file in files.items()},
            "held_orders": sorted(book.held),
            "sent": book.sent,
        }
        made[f"{folder}/expected.json"] = (json.dumps(facts, indent=1) + "\n").encode()
    return made


def main() -> int:
    """Write all files, or with --check compare them."""
    made = build()
    if "--check" in sys.argv:
        stale = [name for name, data in made.items() if (SAMPLES / name).read_bytes() != data]
        sys.stdout.writelines(f"{name} is not what the generator writes\n" for name in stale)
        return 1 if stale else 0
    for name, data in made.items():
        (SAMPLES / name).parent.mkdir(exist_ok=True)
        (SAMPLES / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
