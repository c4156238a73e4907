"""Write the nightly sample: two exports of an invented warehouse, and what is wrong with them.

    python samples/nightly/generate.py           writes the files beside this one
    python samples/nightly/generate.py --check   proves that they are its output

The bookkeeping (`planted.csv`, `expected.json`) is the generator's own: it never calls the product,
and it takes line numbers from the bytes that it wrote.
"""

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

HERE = Path(__file__).parent
ORDERS_FILE = "auftraege_2026-11-20.csv"
SHIPMENTS_FILE = "sendungen_2026-11-20.csv"
SEED = "Lagerhaus Nord 2026-11-20"
ORDERS = 770

ORDER_COLUMNS = [
    "AuftragsNr",
    "PosID",
    "Typ",
    "Status",
    "Lager",
    "Versandart",
    "KundenNr",
    "Vorname",
    "Nachname",
    "Strasse",
    "HausNr",
    "PLZ",
    "Ort",
    "Region",
    "Land",
    "Sprache",
    "Zeitzone",
    "EMail",
    "Telefon",
    "Bestellt",
    "Wunschtermin",
    "LieferungVon",
    "LieferungBis",
    "Waehrung",
    "Rabatt",
    "SKU",
    "Bezeichnung",
    "Menge",
    "StornoMenge",
    "StornoGrund",
    "Einzelpreis",
    "Gewicht",
    "GewEinheit",
    "Geschenk",
    "KST",
    "BildURL",
    "Hinweis",
    "Lfd",
]
SHIPMENT_COLUMNS = [
    "Auftrag",
    "Lieferschein",
    "Paket",
    "Frachtfuehrer",
    "PosID",
    "SKU",
    "Menge",
    "Versanddatum",
    "GewichtKg",
    "EmpfPLZ",
    "Lager",
]

WARNINGS = {"R319", "R322", "R324"}  # these never hold an order back

# -- invented people, places and things ----------------------------------------------------------

FIRST = [
    "Jörg",
    "Käthe",
    "Anneliese",
    "Björn",
    "Çelik",
    "Désirée",
    "Frauke",
    "Günther",
    "Hanna",
    "Ingeborg",
    "Jürgen",
    "Kerstin",
    "Lotte",
    "Mats",
    "Nele",
    "Oskar",
    "Petra",
    "Rüdiger",
    "Sören",
    "Thea",
    "Ulrike",
    "Veit",
    "Wiebke",
    "Zoé",
    "Amélie",
    "Niels",
    "Saskia",
    "Françoise",
]
LAST = [
    "Müller",
    "Öztürk",
    "Weiß",
    "Brüggemann",
    "Petersen",
    "Schäfer",
    "Lindqvist",
    "Hagedorn",
    "Krüger",
    "Vößing",
    "Ahrens",
    "Behnke",
    "Claußen",
    "Dörfler",
    "Eickhoff",
    "Fährmann",
    "Größer",
    "Höft",
    "Immel",
    "Jäger",
    "Køhler",
    "Lefèvre",
    "Möhring",
    "Nölting",
]
STREETS = [
    "Am Speicher",
    "Deichstraße",
    "Kurze Gasse",
    "Lindenallee",
    "Möwenweg",
    "Große Bleiche",
    "Zur Schleuse",
    "Fährhausweg",
    "Birkenring",
    "Alte Försterei",
    "Mühlenkamp",
    "Hinterm Deich",
]
# land, currency, language, zone, share in percent, (PLZ, Ort, Region) …
COUNTRIES: tuple[tuple[str, str, str, str, int, tuple[tuple[str, str, str], ...]], ...] = (
    ("DE", "EUR", "DE", "", 58, (("01067", "Dresden", "SN"), ("20457", "Hamburg", "HH"),
     ("80331", "München", "BY"), ("24103", "Kiel", ""), ("04109", "Leipzig", "SN"),
     ("50667", "Köln", "NW"), ("99084", "Erfurt", ""), ("66111", "Saarbrücken", "SL"))),
    ("AT", "EUR", "DE", "Europe/Vienna", 13, (("1010", "Wien", "9"), ("8010", "Graz", ""),
     ("5020", "Salzburg", "5"))),
    ("CH", "CHF", "DE", "Europe/Zurich", 11, (("8001", "Zürich", "ZH"), ("3011", "Bern", ""),
     ("1201", "Genève", "GE"))),
    ("FR", "EUR", "FR", "Europe/Paris", 7, (("67000", "Strasbourg", ""), ("75004", "Paris", ""))),
    ("NL", "EUR", "NL", "Europe/Amsterdam", 6, (("1012 AB", "Amsterdam", "NH"),
     ("3511 CE", "Utrecht", ""))),
    ("DK", "DKK", "DA", "Europe/Copenhagen", 5, (("6400", "Sønderborg", ""),
     ("8000", "Århus", ""))),
)  # fmt: skip
# SKU, name, cents, kilograms
ARTICLES = (
    ("LN-1001", "Regenjacke »Sylt« gelb", 12990, "0,8"),
    ("LN-1002", "Jacke; gefüttert, blau", 129900, "1,4"),
    ("LN-1003", 'Bilderrahmen 38" Eiche', 4995, "2,1"),
    ("LN-1004", "Wollmütze grün", 1990, "0,1"),
    ("LN-1005", "Gummistiefel Größe 42", 3495, "1,9"),
    ("LN-1006", "Teekanne weiß 1,2 l", 2750, "0,9"),
    ("LN-1007", "Fußmatte »Moin«", 1595, "1,1"),
    ("LN-1008", "Öllampe Messing", 5900, "1,3"),
    ("LN-1009", "Strickpullover rot", 8999, "0,7"),
    ("LN-1010", "Kerzenset, 6 Stück", 1250, "0,6"),
    ("LN-1011", "Wanderrucksack 30 l", 9900, "1,2"),
    ("LN-1012", "Küchenwaage", 2999, "0,5"),
)
NOTES = (
    "Bitte bei Nachbarn\nabgeben",
    'Klingel "Müller"; 2. Stock',
    "Hund im Garten",
    "Hinterhaus\r\nAufgang B",
    "Lieferung ab 17 Uhr, Tor 3",
)
CARRIERS = {"DE": ("DHL", "DPD", "HERMES", "Dhl", "UPS"), "AT": ("POSTAT", "DPD"),
            "CH": ("SWISSPOST", "DPD")}  # fmt: skip
CARRIERS_ELSEWHERE = ("GLS", "UPS", "DPD")

T = TypeVar("T")


class Dice:
    """Numbers that depend on the seed and nothing else, on every Python for ever."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.thrown = 0

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        self.thrown += 1
        digest = blake2b(f"{self.seed}/{self.thrown}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % limit

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred throws."""
        return self.below(100) < percent

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]


@dataclass
class Plant:
    """One planted fault of one record."""

    code: str
    column: str
    value: str
    note: str


@dataclass
class Record:
    """One record of a file. `raw` replaces what the cells would be written as."""

    cells: dict[str, str]
    key: str
    plants: list[Plant] = field(default_factory=list)
    raw: Callable[[str], bytes] | None = None
    filtered: bool = False
    duplicate: bool = False
    line: int = 0

    @property
    def faulty(self) -> bool:
        """Whether the record has a problem of its own that holds its order back."""
        return any(plant.code not in WARNINGS for plant in self.plants)

    def plant(self, code: str, column: str, note: str, value: str | None = None) -> None:
        """Note a fault; without `value` it is what stands in the cell."""
        shown = self.cells.get(column, "") if value is None else value
        self.plants.append(Plant(code, column, shown, note))


@dataclass
class Order:
    """One order: its lines in the order export and its rows in the shipment list."""

    number: str
    land: str
    lines: list[Record]
    status: str
    shipments: list[Record] = field(default_factory=list)
    taken: bool = False  # already carries a fault

    @property
    def shipped(self) -> bool:
        """Whether any row of the shipment list names the order."""
        return bool(self.shipments)


# -- a clean night -------------------------------------------------------------------------------


def euros(cents: int) -> str:
    """Write an amount as the WMS does: 1.299,00."""
    whole, rest = divmod(cents, 100)
    return f"{whole:,}".replace(",", ".") + f",{rest:02d}"


def _country(dice: Dice) -> tuple[str, str, str, str, tuple[tuple[str, str, str], ...]]:
    left = dice.below(100)
    for land, currency, language, zone, share, towns in COUNTRIES:
        left -= share
        if left < 0:
            return land, currency, language, zone, towns
    raise AssertionError("the shares add up to 100")


def _ascii(name: str) -> str:
    table = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ö": "Oe", "Ç": "C", "ç": "c", "é": "e",
             "è": "e", "ø": "o"}  # fmt: skip
    return "".join(table.get(char, char) for char in name).lower()


def _header_cells(dice: Dice, place: int) -> dict[str, str]:
    """The cells that all rows of an order share."""
    land, currency, language, zone, towns = _country(dice)
    plz, town, region = dice.pick(towns)
    first, last = dice.pick(FIRST), dice.pick(LAST)
    mail = f"{_ascii(first)}.{_ascii(last)}{place}@example.{dice.pick(('com', 'org', 'net'))}"
    if land == "DE" and plz.startswith("0") and dice.chance(30):
        plz = plz[1:]  # the zero that a spreadsheet ate; the mapping puts it back
    window = dice.chance(30)
    marketplace = dice.chance(12)
    return {
        "AuftragsNr": f"{'LM' if marketplace else 'LN'}-{200100 + place * 7}",
        "Typ": "MARKT" if marketplace else "KUNDE",
        "Lager": dice.pick(("N1", "N1", "N2")),
        "Versandart": "EXP" if dice.chance(10) else "STD",
        "KundenNr": f"{40000 + dice.below(59999):06d}",
        "Vorname": first,
        "Nachname": last,
        "Strasse": dice.pick(STREETS),
        "HausNr": f"{1 + dice.below(120)}{'a' if dice.chance(8) else ''}",
        "PLZ": plz,
        "Ort": town,
        "Region": region if dice.chance(60) else "",
        "Land": f" {land} " if dice.chance(2) else land,
        "Sprache": "" if dice.chance(5) else language,
        "Zeitzone": zone,
        "EMail": mail.capitalize() if dice.chance(10) else mail,
        "Telefon": f"+49 30 23125 {dice.below(1000):03d}" if dice.chance(40) else "",
        "Bestellt": f"{18 + dice.below(2)}.11.2026 {dice.below(24):02d}:{dice.below(60):02d}",
        "Wunschtermin": f"{dice.below(3) + 28}.11.2026" if dice.chance(8) else "",
        "LieferungVon": f"{23 + dice.below(2)}.11.2026" if window else "",
        "LieferungBis": f"{25 + dice.below(3)}.11.2026" if window else "",
        "Waehrung": currency,
        "Rabatt": euros(100 + dice.below(2000)) if dice.chance(15) else "",
        "Geschenk": dice.pick(("nein", "nein", "nein", "ja", "", "J", "N")),
        "Hinweis": dice.pick(NOTES) if dice.chance(4) else "",
    }


def _line_cells(dice: Dice, number: str, position: int) -> dict[str, str]:
    sku, name, cents, weight = ARTICLES[(dice.below(len(ARTICLES)) + position) % len(ARTICLES)]
    return {
        "PosID": f"{number[3:]}{position:02d}",
        "SKU": sku,
        "Bezeichnung": name,
        "Menge": str(dice.pick((1, 1, 1, 2, 2, 3, 6))),
        "StornoMenge": "",
        "StornoGrund": "",
        "Einzelpreis": euros(cents),
        "Gewicht": weight if dice.chance(80) else "",
        "GewEinheit": "kg",
        "KST": f"{4700 + dice.below(30)}",
        "BildURL": f"https://example.com/p/{sku[3:]}.jpg" if dice.chance(70) else "",
    }


def clean_orders(dice: Dice) -> list[Order]:
    """The orders of a night without a single fault."""
    made = []
    for place in range(ORDERS):
        header = _header_cells(dice, place)
        number = header["AuftragsNr"]
        count = dice.pick((1, 1, 2, 2, 2, 3, 3, 4))
        lines = [
            Record({**header, **_line_cells(dice, number, position + 1)}, number)
            for position in range(count)
        ]
        order = Order(number, header["Land"].strip(), lines, "NEU")
        _state(dice, order)
        made.append(order)
    return made


def _state(dice: Dice, order: Order) -> None:
    fate = dice.below(100)
    if fate < 7:
        order.status = "STORNO"
        reason = dice.pick(("K", "K", "B", "Z", ""))
        for line in order.lines:
            line.cells["StornoGrund"] = reason
    elif fate < 85:
        order.status = "VERSANDT"
    for line in order.lines:
        line.cells["Status"] = order.status
    short = order.lines[-1].cells
    if order.status != "STORNO" and short["Menge"] in {"2", "3", "6"} and dice.chance(14):
        short["Status"], short["StornoMenge"], short["StornoGrund"] = "TEILSTORNO", "1", "B"


def ship(dice: Dice, orders: Iterable[Order]) -> None:
    """Pack the shipped orders into one to three parcels each."""
    parcel = 0
    for order in orders:
        if order.status != "VERSANDT":
            continue
        parcels = min(len(order.lines), dice.pick((1, 1, 1, 1, 2, 2, 3)))
        for box in range(parcels):
            parcel += 1
            carrier = dice.pick(CARRIERS.get(order.land, CARRIERS_ELSEWHERE))
            number = f"{3400000000000 + parcel * 13}"
            if carrier == "UPS":
                number = f"1Z 999 {number[:5]} {number[5:]}"
            weight = euros(50 + dice.below(2500))
            for line in order.lines[box::parcels]:
                order.shipments.append(
                    _shipment(order, line, number, carrier, weight, f"L{600000 + parcel}")
                )


def _shipment(
    order: Order, line: Record, number: str, carrier: str, weight: str, note: str
) -> Record:
    cells = line.cells
    left = int(cells["Menge"]) - int(cells["StornoMenge"] or "0")
    return Record(
        {
            "Auftrag": order.number,
            "Lieferschein": note,
            "Paket": number,
            "Frachtfuehrer": carrier,
            "PosID": cells["PosID"],
            "SKU": cells["SKU"],
            "Menge": str(left),
            "Versanddatum": "20.11.2026",
            "GewichtKg": weight,
            "EmpfPLZ": cells["PLZ"].zfill(5) if order.land == "DE" else cells["PLZ"],
            "Lager": cells["Lager"],
        },
        order.number,
    )


# -- the faults ----------------------------------------------------------------------------------


@dataclass
class Night:
    """The night and the choice of the orders that get a fault; each gets one kind at most."""

    dice: Dice
    orders: list[Order]

    def choose(self, fits: Callable[[Order], bool]) -> Order:
        """An order without a fault that fits."""
        free = [order for order in self.orders if not order.taken and fits(order)]
        order = self.dice.pick(free)
        order.taken = True
        return order

    def on_line(
        self, code: str, column: str, note: str, *values: str, shipped: bool = True
    ) -> None:
        """Spoil one cell of one row of an order with several rows; the other rows are held."""
        for value in values:
            order = self.choose(
                lambda o: (
                    len(o.lines) > 1
                    and o.status != "STORNO"
                    and (shipped or not o.shipped)
                    and o.lines[0].cells["Status"] != "TEILSTORNO"
                )
            )
            line = order.lines[0]
            line.cells[column] = value
            line.plant(code, column, note)

    def on_order(self, code: str, column: str, note: str, *values: str) -> None:
        """Spoil a cell that all rows of an order repeat; each row has the fault then."""
        for value in values:
            order = self.choose(lambda o: o.status != "STORNO")
            for line in order.lines:
                line.cells[column] = value
                if column == "Land":  # a region needs its country
                    line.cells["Region"] = ""
                line.plant(code, column, note)

    def on_single(
        self, code: str, column: str, note: str, *values: str,
        fits: Callable[[Order], bool] = lambda _: True, **others: str,
    ) -> None:  # fmt: skip
        """Spoil a cell of an order that has one row only."""
        for value in values:
            order = self.choose(lambda o: len(o.lines) == 1 and o.status != "STORNO" and fits(o))
            line = order.lines[0]
            line.cells.update({column: value, **others})
            line.plant(code, column, note)

    def on_shipment(self, code: str, column: str, note: str, *values: str) -> None:
        """Spoil a cell of the only row of an order in the shipment list."""
        for value in values:
            order = self.choose(lambda o: len(o.shipments) == 1)
            row = order.shipments[0]
            row.cells[column] = value
            row.plant(code, column, note)


def spoil_cells(night: Night) -> None:
    """Cells that cannot be read as what they should be."""
    line, order = night.on_line, night.on_order
    line("R201", "Einzelpreis", "thousands and decimals mixed up", "12.90,1", "1.2990,00")
    line("R201", "Einzelpreis", "decimal point", "12.90")
    line("R201", "Einzelpreis", "currency in the cell", "49,90 €")
    line("R201", "Einzelpreis", "words", "k.A.")
    line("R201", "Menge", "quantity in words", "zwei", "2 St.")
    order("R201", "Rabatt", "percent", "10 %")
    order("R202", "Bestellt", "day that does not exist", "31.11.2026 08:15")
    order("R202", "Bestellt", "US date", "11/19/2026 08:15")
    order("R202", "Bestellt", "ISO date", "2026-11-19 08:15")
    order("R202", "LieferungVon", "year of two digits", "23.11.26")
    order("R203", "Land", "one letter", "D", "A")
    order("R203", "Land", "UK is not a code", "UK")
    order("R203", "Land", "country in words", "Deutschland", "Österreich")
    order("R204", "Rabatt", "three decimals", "5,005")
    line("R205", "Menge", "half a piece", "1,5", "0,5")
    order("R206", "Geschenk", "neither yes nor no", "vielleicht", "?")
    order("R207", "Bestellt", "hour that came twice", "25.10.2026 02:30")
    order("R207", "Bestellt", "hour that was skipped", "29.03.2026 02:30")
    line("R208", "KST", "cost centre in words", "Lager West", "47/11")
    line("R210", "Einzelpreis", "barcode as price", "4006381333931400638,00")


def spoil_rules(night: Night) -> None:
    """Cells that can be read and break a rule of the result."""
    line, single = night.on_line, night.on_single
    single("R301", "EMail", "e-mail missing", "", "", "", "")
    single(
        "R301", "Land", "country missing, collected order", "",
        fits=lambda o: not o.shipped, Vorname="", Nachname="", Strasse="", HausNr="", PLZ="",
        Ort="", Region="", Telefon="",
    )  # fmt: skip
    single(
        "R304", "PLZ", "town in the postal code", "8001 Zürich HB", fits=lambda o: o.land != "DE"
    )
    single(
        "R304",
        "Ort",
        "town with its district and county",
        "Frankfurt am Main, Stadtteil Sachsenhausen-Nord",
    )
    single("R304", "Telefon", "two numbers in one cell", "+49 30 23125 001 oder +49 30 23125 002")
    single("R305", "PLZ", "cut postal code", "8", fits=lambda o: o.land in {"CH", "AT", "DK"})
    line("R306", "GewEinheit", "unit in capitals", "KG")
    line("R306", "GewEinheit", "pieces as unit of weight", "Stk")
    single("R307", "Waehrung", "old habit", "SFR", fits=lambda o: o.land == "CH")
    single("R307", "Waehrung", "slip of the finger", "EUX")
    single("R308", "Sprache", "not a language", "dt", "xx")
    single("R309", "Zeitzone", "local name", "MEZ")
    single("R310", "EMail", "blank inside", "jana krause@example.org")
    single("R310", "EMail", "no @", "jana.krause.example.org", "keine")
    single("R310", "EMail", "two @", "jana@krause@example.org")
    single("R310", "EMail", "two addresses", "jana@example.org,krause@example.org")
    single("R311", "Rabatt", "customer number as discount", "400638133,93")
    line("R312", "Menge", "return as negative quantity", "-1", "-2")
    single("R313", "Ort", "town missing", "", "", fits=lambda o: o.land != "DE")
    single("R313", "PLZ", "postal code missing", "", fits=lambda o: o.land == "DE")
    line("R315", "PosID", "line without its id", "", shipped=False)
    single("R316", "Region", "no such region", "XY", fits=lambda o: o.land == "DE")
    single("R316", "Region", "region of the neighbour", "BY", fits=lambda o: o.land == "AT")
    line("R317", "BildURL", "no scheme", "www.example.com/p/1004.jpg")
    line("R317", "BildURL", "path of a disk", "C:\\Bilder\\1004.jpg")
    single(
        "R322", "LieferungVon", "window turned round", "27.11.2026", "30.11.2026",
        LieferungBis="24.11.2026",
    )  # fmt: skip
    line("R324", "Gewicht", "weight in words, dropped", "ca. 2", "1.4 kg")
    single("R324", "Wunschtermin", "wish in words, dropped", "KW 48", "bald")
    for _ in range(2):
        cancelled = night.choose(lambda o: o.status == "STORNO" and len(o.lines) == 1)
        cancelled.lines[0].cells["StornoGrund"] = "X"
        cancelled.lines[0].plant("R401", "StornoGrund", "reason that the table lacks")


def spoil_shipments(night: Night) -> None:
    """Faults of the shipment list; they hold rows of the other file back."""
    row = night.on_shipment
    row("R401", "Frachtfuehrer", "carrier that the table lacks", "FEDEX", "FEDEX", "FEDEX", "TNT")
    row("R314", "Frachtfuehrer", "parcel without carrier", "", "")
    row("R201", "GewichtKg", "two points", "1.25.0")
    row("R202", "Versanddatum", "date without points", "20261120")
    row("R205", "Menge", "half a piece in a parcel", "0,5")
    row("R312", "Menge", "negative quantity in a parcel", "-1")
    row("R315", "PosID", "parcel line without its id", "")
    row("R321", "PosID", "line that the order lacks", "99999901", "99999902")
    cut = night.choose(lambda o: len(o.shipments) == 1).shipments[0]
    cut.raw = lambda text: (";".join(text.split(";")[:8])).encode("cp1252")
    cut.plant("R101", "", "record cut off", "8")
    for shipped in [night.choose(lambda o: len(o.shipments) > 1) for _ in range(2)]:
        again = Record(dict(shipped.shipments[-1].cells), shipped.number, duplicate=True)
        again.plant("R319", "", "parcel line repeated", "")
        shipped.shipments.append(again)


def spoil_records(night: Night) -> None:
    """Faults of whole records, and of rows against each other."""

    def broken(code: str, note: str, raw: Callable[[str], bytes], value: str, name: str) -> None:
        order = night.choose(
            lambda o: len(o.lines) > 1 and not o.shipped and "\n" not in o.lines[0].cells["Hinweis"]
        )
        line = order.lines[0]
        line.cells.update({"Bezeichnung": name, "Hinweis": ""})
        line.raw = raw
        line.plant(code, "", note, value)

    def encoded(text: str) -> bytes:
        return text.encode("cp1252")

    columns = len(ORDER_COLUMNS)
    for name in ("Hose; lang", "Hemd;weiß"):
        broken("R101", "semicolon not quoted", lambda text: encoded(text.replace('"', "")),
               str(columns + 1), name)  # fmt: skip
    broken("R101", "record cut off", lambda text: encoded(";".join(text.split(";")[:27])), "27",
           "Schal grau")  # fmt: skip
    for byte in (b"\x81", b"\x9d"):
        broken("R102", "byte that cp1252 does not have",
               lambda text, byte=byte: encoded(text).replace(b"Kr^g", b"Kr" + byte + b"g"),  # type: ignore[misc]
               f"0x{byte.hex().upper()}", "Kr^g blau")  # fmt: skip
    broken(
        "R103", "quote inside a cell without quotes", encoded_as("Zoll", '38"'), "", "Jacke Zoll"
    )
    broken("R103", "quotes inside a quoted cell not doubled",
           encoded_as("Jacke Zoll", '"Jacke "blau" neu"'), "", "Jacke Zoll")  # fmt: skip
    broken("R105", "binary zero", encoded_as("Zoll", "\x00"), "", "Jacke Zoll")

    for _ in range(2):
        order = night.choose(lambda o: len(o.lines) > 1 and not o.shipped and o.status == "NEU")
        order.lines[1].cells["PosID"] = order.lines[0].cells["PosID"]
        order.lines[1].plant("R302", "PosID", "line id used twice")
    for column, value in (("EMail", "jemand@example.net"), ("EMail", "anders@example.com"),
                          ("Ort", "Bad Anderswo"), ("KundenNr", "099999")):  # fmt: skip
        order = night.choose(lambda o: len(o.lines) > 1 and o.status != "STORNO")
        order.lines[-1].cells[column] = value
        order.lines[-1].plant("R303", column, "rows of the order disagree")
    for _ in range(4):
        order = night.choose(lambda o: o.status != "STORNO")
        again = Record(dict(order.lines[-1].cells), order.number, duplicate=True)
        again.plant("R319", "", "row repeated", "")
        order.lines.append(again)


def encoded_as(old: str, new: str) -> Callable[[str], bytes]:
    """A record whose text differs from what a careful writer would have written."""
    return lambda text: text.replace(old, new).encode("cp1252")


# -- the two files -------------------------------------------------------------------------------


def loose_rows(night: Night) -> list[Record]:
    """Rows of no customer order: tests, internal moves, rows that lost their order number."""
    made = []
    for place in range(14):
        number = f"T-{place:04d}"
        cells = {**_header_cells(night.dice, place), **_line_cells(night.dice, "LN-900000", place)}
        cells.update(AuftragsNr=number, Typ="TEST" if place % 3 else "INTERN", Status="NEU")
        if place % 2:  # nobody checks what is skipped
            cells.update(Land="??", Menge="abc", EMail="test")
        made.append(Record(cells, number, filtered=True))
    for order in [night.choose(lambda o: o.status == "NEU") for _ in range(5)]:
        cells = dict(order.lines[0].cells)
        cells.update(Typ="INTERN", PosID=order.number[3:] + "90", SKU="PACK", Bezeichnung="Karton")
        made.append(Record(cells, order.number, filtered=True))
    for _ in range(3):
        cells = {**_header_cells(night.dice, 900), **_line_cells(night.dice, "LN-900000", 1)}
        cells.update(AuftragsNr="", Status="NEU", Typ="KUNDE")
        row = Record(cells, "")
        row.plant("R209", "AuftragsNr", "row without order number")
        made.append(row)
    return made


def order_records(night: Night) -> list[Record]:
    """All rows of the order export, some far away from the rest of their order."""
    dice = night.dice
    records: list[Record] = []
    late: list[Record] = []
    for order in night.orders:
        for place, line in enumerate(order.lines):
            away = place == len(order.lines) - 1 and place > 0 and dice.chance(6)
            (late if away else records).append(line)
    for line in late:
        first = max(i for i, record in enumerate(records) if record.key == line.key)
        records.insert(first + 1 + dice.below(len(records) - first), line)
    for row in loose_rows(night):
        records.insert(dice.below(len(records)), row)
    for number, record in enumerate(records, start=1):
        record.cells["Lfd"] = f"{number:05d}"
    return records


def shipment_records(night: Night) -> list[Record]:
    """All rows of the shipment list, sorted by carrier as the hand-over was."""
    rows = [row for order in night.orders for row in order.shipments]
    rows.sort(key=lambda row: row.cells["Frachtfuehrer"].upper())
    blank = dict.fromkeys(SHIPMENT_COLUMNS, "")
    day = {"Versanddatum": "20.11.2026", "Lager": "N1", "SKU": "LN-1004", "Menge": "1"}
    collected = [night.choose(lambda o: o.status == "NEU") for _ in range(4)]
    for order in collected:  # in both files, but without a parcel
        cells = {**blank, **day, "Auftrag": order.number, "Lieferschein": "ABHOLUNG"}
        rows.append(Record({**cells, "PosID": order.lines[0].cells["PosID"]}, order.number))
    for place in range(6):  # orders of an earlier night, collected today: nothing to send
        number = f"LN-{198003 + place * 7}"
        cells = {**blank, **day, "Auftrag": number, "Lieferschein": "ABHOLUNG"}
        rows.append(Record({**cells, "PosID": f"{number[3:]}01"}, number))
    for _ in range(2):
        cells = {**blank, **day, "Paket": "3499999999999", "Frachtfuehrer": "DHL", "PosID": "1"}
        row = Record(cells, "")
        row.plant("R209", "Auftrag", "parcel without order number")
        rows.insert(night.dice.below(len(rows)), row)
    return rows


def write(
    columns: Sequence[str], records: Iterable[Record], quoting: Callable[[str], str]
) -> bytes:
    """The bytes of a file; notes in each record the physical line on which it starts."""
    content = (";".join(columns) + "\r\n").encode("cp1252")
    for record in records:
        record.line = content.count(b"\n") + 1
        text = ";".join(quoting(record.cells[column]) for column in columns)
        content += (record.raw(text) if record.raw else text.encode("cp1252")) + b"\r\n"
    return content


def quoted_if_needed(cell: str) -> str:
    """RFC 4180, with as few quotes as possible."""
    if any(char in cell for char in ';"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def quoted_if_text(cell: str) -> str:
    """Quotes around everything that is not a plain number, as the carriers' software does it."""
    return cell if not cell or cell.isdecimal() else '"' + cell.replace('"', '""') + '"'


# -- the bookkeeping -----------------------------------------------------------------------------


def planted(files: dict[str, list[Record]]) -> bytes:
    """`planted.csv`: one row per planted fault."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "line", "column", "value", "code", "order_number", "note"])
    for name, records in files.items():
        for record in sorted(records, key=lambda each: each.line):
            for plant in record.plants:
                writer.writerow([name, record.line, plant.column, plant.value, plant.code,
                                 record.key, plant.note])  # fmt: skip
    return out.getvalue().encode()


def expected(files: dict[str, list[Record]]) -> bytes:
    """`expected.json`: what must become of the rows and the orders of a first run."""
    every = [record for records in files.values() for record in records if not record.filtered]
    seen = {record.key for record in every} - {""}
    held = {record.key for record in every if record.faulty} - {""}
    ordered = {r.key for r in files[ORDERS_FILE] if not r.filtered} - {""}
    nothing = {
        record.key for record in files[SHIPMENTS_FILE]
        if record.key and record.key not in ordered and not record.cells["Paket"]
    }  # fmt: skip

    def outcome(record: Record) -> str:
        if record.filtered:
            return "filtered"
        if record.faulty:
            return "own_problem"
        if record.key in held:
            return "held"
        if record.duplicate:
            return "duplicate"
        return "nothing_to_send" if record.key in nothing else "accepted"

    words = ("own_problem", "held", "filtered", "duplicate", "nothing_to_send", "accepted")
    rows: dict[str, dict[str, int]] = {}
    total: Counter[str] = Counter()
    for name, records in files.items():
        counted = Counter(outcome(record) for record in records)
        total += counted
        rows[name] = {"read": len(records), **{word: counted[word] for word in words}}
    rows["total"] = {"read": total.total(), **{word: total[word] for word in words}}
    codes = Counter(plant.code for records in files.values() for r in records for plant in r.plants)
    kinds = {(plant.code, plant.note) for rs in files.values() for r in rs for plant in r.plants}
    summary = {
        "orders": {
            "seen": len(seen),
            "held_back": len(held),
            "nothing_to_send": len(nothing),
            "ready_to_create": len(seen - held - nothing),
        },
        "rows": rows,
        "findings": dict(sorted(codes.items())),
        "kinds_of_faults": len(kinds),
        "held_orders": sorted(held),
        "orders_with_nothing_to_send": sorted(nothing),
    }
    return (json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode()


def build() -> dict[str, bytes]:
    """All generated files by name."""
    dice = Dice(SEED)
    night = Night(dice, clean_orders(dice))
    ship(dice, night.orders)
    spoil_cells(night)
    spoil_rules(night)
    spoil_shipments(night)
    spoil_records(night)
    files = {ORDERS_FILE: order_records(night), SHIPMENTS_FILE: shipment_records(night)}
    return {
        ORDERS_FILE: write(ORDER_COLUMNS, files[ORDERS_FILE], quoted_if_needed),
        SHIPMENTS_FILE: write(SHIPMENT_COLUMNS, files[SHIPMENTS_FILE], quoted_if_text),
        "planted.csv": planted(files),
        "expected.json": expected(files),
    }


def main(arguments: list[str]) -> int:
    """Write the files, or with --check compare them."""
    made = build()
    if arguments == ["--check"]:
        stale = [name for name, content in made.items() if (HERE / name).read_bytes() != content]
        sys.stdout.write(f"differs: {', '.join(stale)}\n" if stale else "as generated\n")
        return 1 if stale else 0
    for name, content in made.items():
        (HERE / name).write_bytes(content)
        sys.stdout.write(f"{name}: {len(content):,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
