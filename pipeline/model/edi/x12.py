"""The X12 segments of the messages that are read, and of the acknowledgements that are written.

Positions and types are those of version 004010. A limit is the widest of 004010 to 008010, so
that a longer value of a newer version is no fault; `must` is set only where every version asks
for the element. Elements that newer versions added stand at the end.
"""

from collections.abc import Mapping
from dataclasses import replace

from pipeline.model.edi.definition import Element, Segment, Type

__all__ = ["MANY", "SEGMENTS"]

MANY = 999_999  # X12 writes ">1": as often as needed


def _text(name: str, high: int, low: int = 1) -> Element:
    return Element(name, Type.TEXT, low, high)


def _code(name: str, high: int, low: int | None = None, *codes: str) -> Element:
    return Element(name, Type.CODE, high if low is None else low, high, codes=frozenset(codes))


def _whole(name: str, high: int, low: int = 1) -> Element:
    return Element(name, Type.WHOLE, low, high)


def _decimal(name: str, high: int) -> Element:
    return Element(name, Type.DECIMAL, 1, high)


def _date(name: str = "date") -> Element:
    return Element(name, Type.DATE, 6, 8)  # six digits before 004010


def _time(name: str = "time") -> Element:
    return Element(name, Type.TIME, 4, 8)


def _composite(name: str, *parts: Element) -> Element:
    return Element(name, Type.COMPOSITE, parts=parts)


def _must(element: Element) -> Element:
    return replace(element, must=True)


def _pairs(count: int, qualifier: Element, value: Element) -> tuple[Element, ...]:
    """`count` pairs of a qualifier and its value, numbered from 1."""
    return tuple(
        replace(element, name=f"{element.name} {number}")
        for number in range(1, count + 1)
        for element in (qualifier, value)
    )


def _times(count: int, *elements: Element) -> tuple[Element, ...]:
    """The elements again and again, numbered from 1."""
    return tuple(
        replace(element, name=f"{element.name} {number}")
        for number in range(1, count + 1)
        for element in elements
    )


def _unit(name: str = "unit of measure") -> Element:
    return _code(name, 2)


def _composite_unit(name: str = "unit of measure") -> Element:
    """C001: up to five units multiplied, each with exponent and factor."""
    return _composite(
        name,
        *_times(5, _unit("unit"), _decimal("exponent", 15), _decimal("factor", 10)),
    )


def _references(name: str) -> Element:
    """C040: up to three further references."""
    return _composite(name, *_pairs(3, _REFERENCE_KIND, _text("reference", 80)))


_ITEM_KIND = _code("kind of product code", 2)
_ITEM = _text("product code", 80)
_REFERENCE_KIND = _code("kind of reference", 3, 2)
_PARTY_KIND = _code("kind of party code", 2, 1)
_PARTY = _text("party code", 80, 2)
_WEIGHT_KIND = _code("kind of weight", 2, 1)
_WEIGHT_UNIT = _code("unit of weight", 1)
_COUNTRY = _code("country", 3, 2)
_CARRIER = _code("carrier (SCAC)", 4, 2)
_TIME_ZONE = _code("time zone", 2)
_MODE = _code("mode of transport", 2, 1)
_FREE_TEXT = _text("text", 80)
_HANDLING = _code("special handling", 3, 2)
_LOCATION_KIND = _code("kind of location", 2, 1)
_LOCATION = _text("location", 80)
_INDUSTRY = _code("industry code", 80, 1)
_AGENCY = _code("agency of the code", 2)
_LIST_KIND = _code("kind of code list", 3, 1)
_YES = _code("yes or no", 1, 1)

# Codes that decide what is sent: an order, a change of one or its end. The union of 004010 to
# 008010 as far as it is published; a code outside it is named, never taken for an original.
_PURPOSES = (  # data element 353
    *(f"{code:02}" for code in (*range(9), *range(10, 23), *range(24, 29), *range(30, 58), 77)),
    *("5C", "CN", "CO", "EX", "GR", "PR", "RH", "RV", "SB", "SU", "ZZ"),
)
_ORDER_STATUS = tuple("ABCDEFGLNRSTXZ")  # data element 473
_LINE_CHANGES = (  # data element 670
    *("AA", "AI", "CA", "CB", "CC", "CE", "CF", "CG", "CH", "CI", "CT", "DI", "MU", "NC", "OA"),
    *(
        "OC",
        "PC",
        "PQ",
        "PR",
        "QC",
        "QD",
        "QI",
        "RA",
        "RB",
        "RC",
        "RE",
        "RM",
        "RQ",
        "RS",
        "RZ",
        "TI",
    ),
)

_ENVELOPE = (
    Segment(
        "ISA",
        "start of interchange",
        (
            _must(_code("kind of authorization", 2)),
            _must(_text("authorization", 10, 10)),
            _must(_code("kind of security", 2)),
            _must(_text("security", 10, 10)),
            _must(_code("kind of sender", 2)),
            _must(_text("sender", 15, 15)),
            _must(_code("kind of receiver", 2)),
            _must(_text("receiver", 15, 15)),
            _must(Element("date", Type.DATE, 6, 6)),
            _must(Element("time", Type.TIME, 4, 4)),
            _must(_text("repetition separator (U before 004020)", 1)),
            _must(_code("version", 5)),
            _must(_whole("control number", 9, 9)),
            _must(_code("acknowledgement requested", 1, 1, "0", "1")),
            _must(_code("test or production", 1, 1, "I", "P", "T")),
            _must(_text("component separator", 1)),
        ),
    ),
    Segment(
        "IEA",
        "end of interchange",
        (
            _must(_whole("number of groups", 5)),
            _must(_whole("control number", 9, 9)),
        ),
    ),
    Segment(
        "GS",
        "start of group",
        (
            _must(_code("kind of group", 2)),
            _must(_text("sender", 15, 2)),
            _must(_text("receiver", 15, 2)),
            _must(_date()),
            _must(_time()),
            _must(_whole("control number", 9)),
            _must(_code("agency", 2, 1, "T", "X")),
            _must(_text("version", 12)),
        ),
    ),
    Segment(
        "GE",
        "end of group",
        (
            _must(_whole("number of messages", 6)),
            _must(_whole("control number", 9)),
        ),
    ),
    Segment(
        "ST",
        "start of message",
        (
            _must(_code("type of message", 3)),
            _must(_text("control number", 9, 4)),
            _text("implementation guide", 35),
        ),
    ),
    Segment(
        "SE",
        "end of message",
        (
            _must(_whole("number of segments", 10)),
            _must(_text("control number", 9, 4)),
        ),
    ),
    Segment(
        "TA1",
        "acknowledgement of interchange",
        (
            _must(_whole("control number of the interchange", 9, 9)),
            _must(Element("date of the interchange", Type.DATE, 6, 6)),
            _must(Element("time of the interchange", Type.TIME, 4, 4)),
            _must(_code("result", 1, 1, "A", "E", "R")),
            _must(_code("reason", 3)),
        ),
    ),
)

_ACKNOWLEDGEMENT = (
    Segment(
        "AK1",
        "group acknowledged",
        (
            _must(_code("kind of group", 2)),
            _must(_whole("control number of the group", 9)),
            _text("version of the group", 12),
        ),
    ),
    Segment(
        "AK2",
        "message acknowledged",
        (
            _must(_code("type of message", 3)),
            _must(_text("control number of the message", 9, 4)),
            _text("implementation guide", 35),
        ),
    ),
    Segment(
        "AK3",
        "segment at fault",
        (
            _must(_code("segment", 3, 2)),
            _must(_whole("position in the message", 10)),
            _text("loop", 6),
            _code("fault", 3, 1),
        ),
    ),
    Segment(
        "AK4",
        "element at fault",
        (
            _must(
                _composite(
                    "position in the segment",
                    _must(_whole("element", 2)),
                    _whole("component", 2),
                    _whole("repetition", 4),
                )
            ),
            _whole("data element number", 4),
            _must(_code("fault", 3, 1)),
            _text("copy of the value", 99),
        ),
    ),
    Segment(
        "AK5",
        "result for the message",
        (
            _must(_code("result", 1, 1, "A", "E", "M", "R", "W", "X")),
            *_times(5, _code("fault", 3, 1)),
        ),
    ),
    Segment(
        "AK9",
        "result for the group",
        (
            _must(_code("result", 1, 1, "A", "E", "M", "P", "R", "W", "X")),
            _must(_whole("messages announced", 6)),
            _must(_whole("messages received", 6)),
            _must(_whole("messages accepted", 6)),
            *_times(5, _code("fault", 3, 1)),
        ),
    ),
    Segment(
        "IK3",
        "segment at fault",
        (
            _must(_code("segment", 3, 2)),
            _must(_whole("position in the message", 10)),
            _text("loop", 6),
            _code("fault", 3, 1),
        ),
    ),
    Segment(
        "IK4",
        "element at fault",
        (
            _must(
                _composite(
                    "position in the segment",
                    _must(_whole("element", 2)),
                    _whole("component", 2),
                    _whole("repetition", 4),
                )
            ),
            _whole("data element number", 4),
            _must(_code("fault", 3, 1)),
            _text("copy of the value", 99),
        ),
    ),
    Segment(
        "IK5",
        "result for the message",
        (
            _must(_code("result", 1, 1, "A", "E", "M", "R", "W", "X")),
            *_times(5, _code("fault", 3, 1)),
        ),
    ),
    Segment(
        "CTX",
        "what the fault depends on",
        (
            _must(
                _composite(
                    "context",
                    _must(_text("name", 35)),
                    _text("value", 35),
                )
            ),
            _code("segment", 3, 2),
            _whole("position in the message", 10),
            _text("loop", 6),
            _composite(
                "position in the segment",
                _must(_whole("element", 2)),
                _whole("component", 2),
                _whole("repetition", 4),
            ),
            _composite(
                "data elements",
                _must(_whole("data element number", 4)),
                _whole("component's data element number", 4),
            ),
        ),
    ),
)

_BEGINNING = (
    Segment(
        "BEG",
        "purchase order",
        (
            _must(_code("purpose", 2, 2, *_PURPOSES)),
            _must(_code("kind of order", 2)),
            _must(_text("order number", 22)),
            _text("release number", 30),
            _must(_date("order date")),
            _text("contract number", 30),
            _code("acknowledgement wanted", 2),
            _code("kind of invoice", 3),
            _code("kind of contract", 2),
            _code("purchase category", 2),
            _code("security level", 2),
            _code("transaction type", 2),
        ),
    ),
    Segment(
        "BCH",
        "purchase order change",
        (
            _must(_code("purpose", 2, 2, *_PURPOSES)),
            _must(_code("kind of order", 2)),
            _must(_text("order number", 22)),
            _text("release number", 30),
            _text("number of the change", 8),
            _must(_date("order date")),
            _text("request reference", 45),
            _text("contract number", 30),
            _text("reference", 80),
            _date("date of the change"),
            _date("date of the acknowledgement"),
            _code("kind of contract", 2),
            _code("security level", 2),
            _code("acknowledgement wanted", 2),
            _code("transaction type", 2),
            _code("purchase category", 2),
        ),
    ),
    Segment(
        "BSN",
        "ship notice",
        (
            _must(_code("purpose", 2, 2, *_PURPOSES)),
            _must(_text("shipment number", 30, 2)),
            _must(_date()),
            _must(_time()),
            _code("structure of the levels", 4),
            _code("transaction type", 2),
            _code("reason of the status", 3),
        ),
    ),
    Segment(
        "W05",
        "shipping order",
        (
            _must(_code("status of the order", 1, 1, *_ORDER_STATUS)),
            _must(_text("depositor's order number", 22)),
            _text("order number of the buyer", 22),
            _whole("link sequence number", 6, 6),
            _text("master reference", 22),
            _code("transaction type", 2),
            _code("action", 2, 1),
            _code("kind of order", 2),
        ),
    ),
    Segment(
        "W06",
        "shipping advice",
        (
            _must(_code("kind of report", 2, 1)),
            _text("depositor's order number", 22),
            _date("ship date"),
            _text("shipment number", 30, 2),
            _text("agent's shipment number", 12),
            _text("order number of the buyer", 22),
            _text("master reference", 22),
            _whole("link sequence number", 6, 6),
            _HANDLING,
            _code("reason of a changed ship date", 2),
            _code("transaction type", 2),
            _code("action", 2, 1),
        ),
    ),
    Segment(
        "B10",
        "shipment status",
        (
            _text("carrier's reference (PRO or parcel number)", 80),
            _text("shipper's shipment number", 30, 2),
            _must(_CARRIER),
            _whole("inquiry number", 3),
            _REFERENCE_KIND,
            _text("reference", 80),
            _YES,
        ),
    ),
)

_PARTIES = (
    Segment(
        "N1",
        "party",
        (
            _must(_code("role of the party", 3, 2)),
            _text("name", 60),
            _PARTY_KIND,
            _PARTY,
            _code("relationship", 2),
            _code("second role", 3, 2),
        ),
    ),
    Segment("N2", "further names", (_must(_text("name 1", 60)), _text("name 2", 60))),
    Segment("N3", "address", (_must(_text("address line 1", 55)), _text("address line 2", 55))),
    Segment(
        "N4",
        "place",
        (
            _text("city", 30, 2),
            _code("state or province", 2),
            _code("postal code", 15, 3),
            _COUNTRY,
            _LOCATION_KIND,
            _LOCATION,
            _code("region of the country", 3, 1),
            _text("postal code as written", 20),
        ),
    ),
    Segment(
        "PER",
        "contact",
        (
            _must(_code("role of the contact", 2)),
            _text("name", 60),
            *_pairs(3, _code("kind of contact number", 2), _text("contact number", 2048)),
            _text("contact's reference", 20),
        ),
    ),
    Segment(
        "G61",
        "contact",
        (
            _must(_code("role of the contact", 2)),
            _must(_text("name", 60)),
            _code("kind of contact number", 2),
            _text("contact number", 2048),
            _text("contact's reference", 20),
        ),
    ),
    Segment(
        "NM1",
        "person or organization",
        (
            _must(_code("role of the party", 3, 2)),
            _must(_code("kind of party", 1)),
            _text("last name or organization", 80),
            _text("first name", 35),
            _text("middle name", 25),
            _text("title before the name", 10),
            _text("title after the name", 10),
            _PARTY_KIND,
            _PARTY,
            _code("relationship", 2),
            _code("second role", 3, 2),
            _text("last name or organization, continued", 60),
        ),
    ),
)

_REFERENCES = (
    Segment(
        "REF",
        "reference",
        (
            _must(_REFERENCE_KIND),
            _text("reference", 80),
            _FREE_TEXT,
            _references("further references"),
        ),
    ),
    Segment(
        "N9",
        "reference",
        (
            _must(_REFERENCE_KIND),
            _text("reference", 80),
            _text("text", 45),
            _date(),
            _time(),
            _TIME_ZONE,
            _references("further references"),
        ),
    ),
    Segment(
        "L11",
        "reference (value first)",
        (
            _text("reference", 80),
            _REFERENCE_KIND,
            _FREE_TEXT,
            _date(),
            _YES,
        ),
    ),
    Segment(
        "MAN",
        "marks and numbers",
        (
            _must(_code("kind of number 1", 2, 1)),
            _must(_text("number 1", 48)),
            _text("last number of range 1", 48),
            _code("kind of number 2", 2, 1),
            _text("number 2", 48),
            _text("last number of range 2", 48),
        ),
    ),
    Segment(
        "DTM",
        "date and time",
        (
            _must(_code("kind of date", 3)),
            _date(),
            _time(),
            _TIME_ZONE,
            _code("format of the period", 3, 2),
            _text("period", 35),
        ),
    ),
    Segment(
        "DTP",
        "date or period",
        (
            _must(_code("kind of date", 3)),
            _must(_code("format of the period", 3, 2)),
            _must(_text("period", 35)),
        ),
    ),
    Segment(
        "G62",
        "date and time",
        (
            _code("kind of date", 2),
            _date(),
            _code("kind of time", 2, 1),
            _time(),
            _TIME_ZONE,
        ),
    ),
    Segment("NTE", "note", (_code("kind of note", 3), _must(_FREE_TEXT))),
    Segment("G69", "description of the line", (_must(_text("text", 45)),)),
    Segment("K1", "remarks", (_must(_text("text 1", 30)), _text("text 2", 30))),
    Segment(
        "MSG",
        "message text",
        (
            _must(_text("text", 264)),
            _code("line feeds", 2),
            _whole("number", 9),
        ),
    ),
    Segment(
        "YNQ",
        "question answered with yes or no",
        (
            _code("condition", 3, 2),
            _must(_YES),
            _code("format of the period", 3, 2),
            _text("period", 35),
            *_times(3, _text("text", 264)),
            _LIST_KIND,
            _INDUSTRY,
            _text("text 4", 264),
        ),
    ),
    Segment("LX", "numbered section", (_must(_whole("number", 6)),)),
    Segment("LS", "start of nested loops", (_must(_text("loop", 6)),)),
    Segment("LE", "end of nested loops", (_must(_text("loop", 6)),)),
    Segment("LM", "source of the codes", (_must(_AGENCY), _text("subset", 15))),
    Segment("LQ", "industry code", (_LIST_KIND, _INDUSTRY)),
    Segment(
        "FA1",
        "kind of accounting data",
        (_must(_AGENCY), _code("allowance or charge", 4), _code("direction of the charge", 1)),
    ),
    Segment(
        "FA2",
        "accounting data",
        (_must(_code("part of the accounting data", 2)), _must(_code("code", 80, 1))),
    ),
)

_QUANTITIES = (
    Segment(
        "QTY",
        "quantity",
        (
            _must(_code("kind of quantity", 2)),
            _decimal("quantity", 15),
            _composite_unit(),
            _text("quantity in words", 30),
        ),
    ),
    Segment(
        "AMT",
        "amount of money",
        (
            _must(_code("kind of amount", 3, 1)),
            _must(_decimal("amount", 18)),
            _code("credit or debit", 1),
        ),
    ),
    Segment(
        "MEA",
        "measurement",
        (
            _code("kind of measurement", 2),
            _code("what is measured", 3, 1),
            _decimal("value", 20),
            _composite_unit(),
            _decimal("lowest", 20),
            _decimal("highest", 20),
            _code("significance", 2),
            _code("attribute", 2),
            _code("surface or layer", 2),
            _code("method", 4, 2),
            _LIST_KIND,
            _INDUSTRY,
        ),
    ),
    Segment(
        "PID",
        "description",
        (
            _must(_code("kind of description", 1)),
            _code("what is described", 3, 2),
            _AGENCY,
            _text("code of the description", 12),
            _FREE_TEXT,
            _code("surface or layer", 2),
            _text("subset", 15),
            _YES,
            _code("language", 3, 2),
        ),
    ),
    Segment(
        "CTT",
        "totals",
        (
            _must(_whole("number of lines", 6)),
            _decimal("hash total", 10),
            _decimal("weight", 10),
            _unit("unit of weight"),
            _decimal("volume", 8),
            _unit("unit of volume"),
            _FREE_TEXT,
        ),
    ),
    Segment(
        "CUR",
        "currency",
        (
            _must(_code("role of the party", 3, 2)),
            _must(_code("currency", 3)),
            _decimal("exchange rate", 10),
            _code("second role", 3, 2),
            _code("second currency", 3),
            _code("market of the rate", 3),
            *_times(5, _code("kind of date", 3), _date(), _time()),
        ),
    ),
    Segment(
        "SAC",
        "service, allowance or charge",
        (
            _must(_code("allowance or charge", 1)),
            _code("kind", 4),
            _AGENCY,
            _text("agency's code", 10),
            _whole("amount in cents", 15),
            _code("base of the percentage", 1),
            _decimal("percentage", 6),
            _decimal("rate", 15),
            _unit(),
            _decimal("quantity 1", 15),
            _decimal("quantity 2", 15),
            _code("handling of the charge", 2),
            _text("reference", 80),
            _text("option number", 20),
            _FREE_TEXT,
            _code("language", 3, 2),
        ),
    ),
    Segment(
        "SDQ",
        "quantities by destination",
        (
            _must(_unit()),
            _PARTY_KIND,
            _must(_text("destination 1", 80, 2)),
            _must(_decimal("quantity 1", 15)),
            *(
                replace(element, name=f"{element.name} {number}")
                for number in range(2, 11)
                for element in (_text("destination", 80, 2), _decimal("quantity", 15))
            ),
            _LOCATION,
        ),
    ),
)

_TRANSPORT = (
    Segment(
        "TD1",
        "packages and weight",
        (
            _text("packaging", 5, 3),
            _whole("number of packages", 7),
            _code("kind of commodity code", 1),
            _text("commodity code", 30),
            _text("description", 50),
            _WEIGHT_KIND,
            _decimal("weight", 10),
            _unit("unit of weight"),
            _decimal("volume", 8),
            _unit("unit of volume"),
        ),
    ),
    Segment(
        "TD3",
        "equipment",
        (
            _code("kind of equipment", 2),
            _text("equipment prefix", 4),
            _text("equipment number", 15),
            _WEIGHT_KIND,
            _decimal("weight", 10),
            _unit("unit of weight"),
            _code("ownership", 1),
            _code("state of the seal", 2),
            _text("seal", 15, 2),
            _code("type of equipment", 4),
        ),
    ),
    Segment(
        "TD4",
        "special handling or hazardous goods",
        (
            _HANDLING,
            _code("kind of hazard class", 1),
            _code("hazard class", 4, 1),
            _FREE_TEXT,
            _YES,
        ),
    ),
    Segment(
        "TD5",
        "carrier and routing",
        (
            _code("routing sequence", 2, 1),
            _PARTY_KIND,
            _text("carrier", 80, 2),
            _MODE,
            _text("routing", 35),
            _code("status of the order", 2),
            _LOCATION_KIND,
            _LOCATION,
            _code("direction of transit", 2),
            _code("kind of transit time", 2),
            _decimal("transit time", 4),
            *_times(3, _code("service level", 2)),
            _COUNTRY,
        ),
    ),
    Segment(
        "TSD",
        "details of the trailer",
        (
            _text("assigned identification", 20),
            _text("position", 3),
        ),
    ),
    Segment(
        "FOB",
        "terms of delivery and payment of freight",
        (
            _must(_code("who pays the freight", 2)),
            _LOCATION_KIND,
            _FREE_TEXT,
            _code("source of the terms", 2),
            _code("terms", 3),
            _code("kind of second location", 2, 1),
            _text("second text", 80),
            _code("who bears the risk", 2),
            _text("text of the risk", 80),
        ),
    ),
    Segment(
        "W27",
        "carrier used",
        (
            _must(_MODE),
            _CARRIER,
            _text("routing", 35),
            _code("who pays the freight", 2),
            _code("kind of equipment", 2),
            _text("equipment prefix", 4),
            _text("equipment number", 15),
            _code("status of the shipment", 2),
            _HANDLING,
            _code("reason of a changed carrier", 2),
        ),
    ),
    Segment(
        "W66",
        "carrier wanted",
        (
            _must(_code("who pays the freight", 2)),
            _must(_MODE),
            _code("pallet exchange", 1),
            _code("unit load", 2),
            _text("routing", 35),
            _code("terms of a drop shipment", 2),
            _text("section of the warehouse", 2),
            _text("free-on-board point", 30),
            _whole("amount in cents", 15),
            _CARRIER,
        ),
    ),
    Segment("W6", "special handling", (_must(_HANDLING), *_times(3, _HANDLING))),
    Segment(
        "W10",
        "loading",
        (
            _code("unit load", 2),
            _whole("pallets shipped", 3),
            _code("pallet exchange", 1),
            _text("seal 1", 15, 2),
            _text("seal 2", 15, 2),
            _decimal("temperature 1", 4),
            _unit("unit of temperature 1"),
            _decimal("temperature 2", 4),
            _unit("unit of temperature 2"),
        ),
    ),
    Segment(
        "W28",
        "consolidated shipments",
        (
            _must(_code("consolidation", 1)),
            _decimal("weight", 10),
            _WEIGHT_KIND,
            _WEIGHT_UNIT,
            _whole("stop", 3),
            _LOCATION,
            _LOCATION_KIND,
            _text("reference", 30),
        ),
    ),
    Segment(
        "MS1",
        "place of the event",
        (
            _text("city", 30, 2),
            _code("state or province", 2),
            _COUNTRY,
            _text("longitude", 7),
            _text("latitude", 7),
            _code("east or west", 1),
            _code("north or south", 1),
            _code("postal code", 15, 3),
        ),
    ),
    Segment(
        "MS2",
        "vehicle",
        (
            _CARRIER,
            _text("equipment number", 15),
            _code("kind of equipment", 2),
            _whole("check digit", 1),
        ),
    ),
    Segment(
        "MS3",
        "carrier on the way",
        (
            _must(_CARRIER),
            _must(_code("routing sequence", 2, 1)),
            _text("city", 30, 2),
            _MODE,
            _code("state or province", 2),
        ),
    ),
    Segment(
        "AT7",
        "event",
        (
            _code("status", 2),
            _code("reason of the status", 3, 2),
            _code("appointment", 2),
            _code("reason of the appointment", 3, 2),
            _date(),
            _time(),
            _TIME_ZONE,
        ),
    ),
    Segment(
        "AT8",
        "weight and packages",
        (
            _WEIGHT_KIND,
            _WEIGHT_UNIT,
            _decimal("weight", 10),
            _whole("number of packages", 7),
            _whole("number of pallets or units", 7),
            _code("unit of volume", 1),
            _decimal("volume", 8),
        ),
    ),
)

_LINES = (
    Segment(
        "HL",
        "level",
        (
            _must(_text("number of the level", 12)),
            _text("number of the parent level", 12),
            # others have names of their own by agreement; no path can speak of them
            _must(_code("kind of level", 2, 1, "S", "O", "T", "P", "I")),
            _code("has children", 1, 1, "0", "1"),
        ),
    ),
    Segment(
        "PRF",
        "order",
        (
            _must(_text("order number", 22)),
            _text("release number", 30),
            _text("number of the change", 8),
            _date("order date"),
            _text("line number", 20),
            _text("contract number", 30),
            _code("kind of order", 2),
        ),
    ),
    Segment(
        "LIN",
        "product",
        (
            _text("line number", 20),
            _must(_code("kind of product code 1", 2)),
            _must(_text("product code 1", 80)),
            *(
                replace(element, name=f"{element.name} {number}")
                for number in range(2, 16)
                for element in (_ITEM_KIND, _ITEM)
            ),
        ),
    ),
    Segment(
        "SN1",
        "quantity shipped",
        (
            _text("line number", 20),
            _must(_decimal("quantity shipped", 15)),
            _must(_unit()),
            _decimal("quantity shipped to date", 15),
            _decimal("quantity ordered", 15),
            _unit("unit of the quantity ordered"),
            _code("returnable container", 1),
            _code("status of the line", 2),
        ),
    ),
    Segment(
        "SLN",
        "part of a line",
        (
            _must(_text("number of the part", 20)),
            _text("line number", 20),
            _must(_code("relation to the line", 1)),
            _decimal("quantity", 15),
            _composite_unit(),
            _decimal("price", 17),
            _code("basis of the price", 2),
            _code("relation of the price", 1),
            *_pairs(10, _ITEM_KIND, _ITEM),
        ),
    ),
    Segment(
        "PO1",
        "line",
        (
            _text("line number", 20),
            _decimal("quantity ordered", 15),
            _unit(),
            _decimal("price", 17),
            _code("basis of the price", 2),
            *_pairs(10, _ITEM_KIND, _ITEM),
        ),
    ),
    Segment(
        "POC",
        "change of a line",
        (
            _text("line number", 20),
            _must(_code("kind of change", 2, 2, *_LINE_CHANGES)),
            _decimal("quantity ordered", 15),
            _decimal("quantity still open", 15),
            _composite_unit(),
            _decimal("price", 17),
            _code("basis of the price", 2),
            *_pairs(10, _ITEM_KIND, _ITEM),
        ),
    ),
    Segment(
        "PO4",
        "packing of the product",
        (
            _whole("units per pack", 6),
            _decimal("size", 8),
            _unit("unit of the size"),
            _text("packaging", 5, 3),
            _WEIGHT_KIND,
            _decimal("gross weight", 9),
            _unit("unit of weight"),
            _decimal("gross volume", 9),
            _unit("unit of volume"),
            _decimal("length", 8),
            _decimal("width", 8),
            _decimal("height", 8),
            _unit("unit of length"),
            _whole("inner packs", 6),
            _code("surface or layer", 2),
            _text("first line", 20),
            _text("last line", 20),
            _whole("number", 9),
        ),
    ),
    Segment(
        "W01",
        "line ordered",
        (
            _must(_decimal("quantity ordered", 15)),
            _must(_unit()),
            _text("case code (UPC)", 12, 12),
            _code("kind of product code 1", 2),
            _text("product code 1", 80),
            _code("kind of product code 2", 2),
            _text("product code 2", 80),
            _text("freight class", 5, 2),
            _code("kind of rate class", 3, 1),
            _code("kind of commodity code", 1),
            _text("commodity code", 30),
            _whole("pallet pattern", 6),
            _text("warehouse lot", 12),
            _code("condition of the product", 2),
            _code("kind of product code 3", 2),
            _text("product code 3", 80),
        ),
    ),
    Segment(
        "W12",
        "line shipped",
        (
            _must(_code("status of the line", 2)),
            _decimal("quantity ordered", 15),
            _decimal("quantity shipped", 15),
            _decimal("difference", 9),
            _unit(),
            _text("case code 1 (UPC)", 12, 12),
            _code("kind of product code 1", 2),
            _text("product code 1", 80),
            _text("warehouse lot", 12),
            _decimal("weight 1", 10),
            _code("kind of weight 1", 2, 1),
            _code("unit of weight 1", 1),
            _decimal("weight 2", 10),
            _code("kind of weight 2", 2, 1),
            _code("unit of weight 2", 1),
            _text("case code 2 (UPC)", 12, 12),
            _code("kind of product code 2", 2),
            _text("product code 2", 80),
            _code("reason of a changed line", 2),
            _code("kind of adjustment", 1),
            _code("kind of product code 3", 2),
            _text("product code 3", 80),
        ),
    ),
    Segment(
        "W20",
        "packing of the line",
        (
            _whole("units per pack", 6),
            _decimal("size", 8),
            _unit("unit of the size"),
            _decimal("weight", 10),
            _WEIGHT_KIND,
            _WEIGHT_UNIT,
            _decimal("weight of a unit", 8),
            _decimal("volume", 8),
            _unit("unit of volume"),
            _text("color", 10),
        ),
    ),
    Segment(
        "W03",
        "total shipped",
        (
            _must(_decimal("units shipped", 15)),
            _decimal("weight", 10),
            _unit("unit of weight"),
            _decimal("volume", 8),
            _unit("unit of volume"),
            _whole("number of packages", 7),
            _unit("unit of the packages"),
        ),
    ),
    Segment(
        "W76",
        "total ordered",
        (
            _must(_decimal("quantity ordered", 15)),
            _decimal("weight", 10),
            _unit("unit of weight"),
            _decimal("volume", 8),
            _unit("unit of volume"),
            _decimal("order sizing factor", 10),
        ),
    ),
)

_HAZARDS = (
    Segment(
        "LH1",
        "hazardous goods",
        (
            _must(_unit()),
            _must(_whole("number of packages", 7)),
            _code("UN or NA number", 10, 4),
            _text("page", 6),
            _text("commodity code", 30),
            _unit("second unit"),
            _decimal("quantity", 15),
            _code("compartment", 1),
            _code("residue", 1),
            _code("packing group", 3, 1),
            _code("interim rule", 5, 1),
        ),
    ),
    Segment(
        "LH2",
        "hazard class",
        (
            _code("class", 30, 1),
            _code("kind of class", 1),
            _text("placard", 40),
            _text("endorsement", 25),
            _code("reportable quantity", 2),
            *_times(3, _unit("unit of temperature"), _decimal("temperature", 4)),
        ),
    ),
    Segment(
        "LH3",
        "shipping name of hazardous goods",
        (
            _text("shipping name", 25),
            _code("kind of shipping name", 1),
            _code("not otherwise specified", 3),
            _YES,
        ),
    ),
    Segment(
        "LH4",
        "emergency response",
        (
            _text("emergency plan", 12),
            _text("telephone 1", 2048),
            _code("packing group", 3, 1),
            *_times(3, _code("subsidiary class", 3, 1)),
            _decimal("net explosive quantity", 15),
            _text("Canadian hazardous notation", 25),
            _code("special commodity", 1),
            _text("commodity of the telephone", 80),
            _text("telephone 2", 2048),
            _unit(),
        ),
    ),
    Segment(
        "LH6",
        "hazardous goods certified",
        (_text("name", 60), _code("certificate", 1), *_times(2, _text("declaration", 25))),
    ),
    Segment(
        "LHE",
        "empty equipment that held hazardous goods",
        (
            _must(_text("shipping name", 25)),
            _must(_text("placard", 40)),
            _must(_REFERENCE_KIND),
            _must(_text("reference", 80)),
            _code("reportable quantity", 2),
        ),
    ),
    Segment(
        "LHR",
        "reference of hazardous goods",
        (_must(_REFERENCE_KIND), _must(_text("reference", 80)), _date()),
    ),
    Segment(
        "LHT",
        "hazard class across the border",
        (_code("class", 30, 1), _text("placard", 40), _text("endorsement", 25)),
    ),
    Segment(
        "LFH",
        "free text on hazardous goods",
        (
            _must(_code("kind of text", 3)),
            *(_must(_text("text 1", 25)), _text("text 2", 25)),
            _code("zone of inhalation hazard", 1),
            _unit(),
            *_times(2, _decimal("quantity", 15)),
        ),
    ),
    Segment(
        "LEP",
        "waste",
        (
            _code("EPA waste number", 6, 4),
            _code("waste characteristics", 14, 12),
            _code("state or province", 2),
            _text("reference", 80),
        ),
    ),
)

_RARE = (
    Segment(
        "CLD",
        "load of a label",
        (
            _must(_whole("number of loads", 5)),
            _must(_decimal("units shipped", 15)),
            _text("packaging", 5, 3),
            _decimal("size", 8),
            _unit("unit of the size"),
        ),
    ),
    Segment(
        "PAL",
        "pallet",
        (
            _code("kind of pallet", 2, 1),
            _whole("tiers", 3),
            _whole("blocks", 3),
            _whole("units per pack", 6),
            _decimal("weight of a unit", 8),
            _unit("unit of weight"),
            _decimal("length", 8),
            _decimal("width", 8),
            _decimal("height", 8),
            _unit("unit of length"),
            _decimal("gross weight", 9),
            _unit("unit of gross weight"),
            _decimal("gross volume", 9),
            _unit("unit of gross volume"),
            _code("pallet exchange", 1),
            _whole("inner packs", 6),
            _code("structure of the pallet", 1),
        ),
    ),
    Segment(
        "PWK",
        "paperwork",
        (
            _must(_code("kind of report", 2)),
            _code("how it is sent", 2, 1),
            _whole("copies", 2),
            _code("role of the party", 3, 2),
            _PARTY_KIND,
            _PARTY,
            _FREE_TEXT,
            _composite("actions", *_times(5, _code("action", 2, 1))),
            _code("kind of request", 2, 1),
        ),
    ),
    Segment(
        "PKG",
        "marking, packaging, loading",
        (
            _code("kind of description", 1),
            _code("what is described", 5, 1),
            _AGENCY,
            _text("code of the description", 7),
            _FREE_TEXT,
            _code("unit load", 2),
        ),
    ),
    Segment(
        "ETD",
        "excess transport",
        (
            _must(_code("reason", 2, 1)),
            _must(_code("who is responsible", 1)),
            _REFERENCE_KIND,
            _text("reference", 80),
            _YES,
        ),
    ),
    Segment(
        "GF",
        "goods and services furnished",
        (
            _code("kind of reference 1", 3, 2),
            _text("reference 1", 80),
            _text("contract number", 30),
            _decimal("amount", 18),
            _code("kind of reference 2", 3, 2),
            _text("reference 2", 80),
            _text("release number", 30),
            _code("kind of reference 3", 3, 2),
            _text("reference 3", 80),
        ),
    ),
    Segment(
        "V1",
        "vessel",
        (
            _code("vessel code", 8, 1),
            _text("vessel name", 28),
            _COUNTRY,
            _text("voyage", 10),
            _CARRIER,
            _code("requirement", 1),
            _code("kind of vessel", 2, 1),
            _code("kind of vessel code", 1),
            _MODE,
        ),
    ),
    Segment(
        "R4",
        "port or terminal",
        (
            _must(_code("function of the port", 1)),
            _LOCATION_KIND,
            _LOCATION,
            _text("name of the port", 24),
            _COUNTRY,
            _text("terminal", 30),
            _text("pier", 4),
            _code("state or province", 2),
        ),
    ),
    Segment(
        "R2",
        "route",
        (
            _must(_CARRIER),
            _must(_code("routing sequence", 2, 1)),
            _text("city", 30, 2),
            _code("point location code", 9, 6),
            _text("station", 8),
            _MODE,
            *_times(2, _code("intermodal service", 3, 1)),
            _text("invoice number", 22),
            _date(),
            _text("text", 45),
            _code("kind of service", 2),
            _code("route", 13, 1),
        ),
    ),
    Segment(
        "BNX",
        "rail shipment",
        (
            _code("shipment weight", 1),
            _text("referenced pattern", 13),
            _code("billing", 1),
            _text("repetitive pattern", 15),
        ),
    ),
    Segment(
        "W09",
        "equipment and temperature",
        (
            _must(_code("kind of equipment", 2)),
            *_times(2, _decimal("temperature", 4), _unit("unit of temperature")),
            _text("text", 60),
            _code("vent setting", 1),
            _whole("percentage of humidity", 3),
            _decimal("quantity", 15),
        ),
    ),
    Segment(
        "G66",
        "carrier wanted for the line",
        (
            _code("who pays the freight", 2),
            _MODE,
            _code("pallet exchange", 1),
            _code("unit load", 2),
            _text("routing", 35),
            _code("terms of a drop shipment", 2),
            _text("section of the warehouse", 2),
        ),
    ),
    Segment(
        "G72",
        "allowance or charge",
        (
            _must(_code("kind", 3, 1)),
            _must(_code("handling of the charge", 2)),
            _text("number", 16),
            _text("exception number", 16),
            _decimal("rate", 15),
            _decimal("quantity", 15),
            _unit(),
            _whole("amount in cents", 15),
            _decimal("percentage", 10),
            _decimal("basis of the percentage", 9),
            _text("option number", 20),
        ),
    ),
)

_ORDERS = (
    Segment(
        "TAX",
        "tax",
        (
            _text("tax number", 20),
            *_pairs(5, _LOCATION_KIND, _LOCATION),
            _code("exemption", 1),
            _text("customs entry", 20),
        ),
    ),
    Segment(
        "TXI",
        "tax amount",
        (
            _must(_code("kind of tax", 2)),
            _decimal("amount", 18),
            _decimal("percentage", 10),
            _code("kind of jurisdiction", 2),
            _code("jurisdiction", 10, 1),
            _code("exemption", 1),
            _code("relation to the price", 1),
            _decimal("basis of the percentage", 9),
            _text("tax number", 20),
            _text("line number", 20),
        ),
    ),
    Segment(
        "CTP",
        "price",
        (
            _code("class of trade", 2),
            _code("kind of price", 3),
            _decimal("price", 17),
            _decimal("quantity", 15),
            _composite_unit(),
            _code("kind of multiplier", 3),
            _decimal("multiplier", 10),
            _decimal("amount", 18),
            _code("basis of the price", 2),
            _text("condition", 10),
            _whole("units the price is for", 2),
        ),
    ),
    Segment(
        "PAM",
        "amount over a period",
        (
            _code("kind of quantity", 2),
            _decimal("quantity", 15),
            _composite_unit(),
            _code("kind of amount", 3, 1),
            _decimal("amount", 18),
            _code("unit of the period", 2),
            *_times(2, _code("kind of date", 3), _date(), _time()),
            _code("base of the percentage", 2, 1),
            _decimal("percentage", 10),
            _YES,
        ),
    ),
    Segment(
        "CSH",
        "conditions of the sale",
        (
            _code("conditions", 2, 1),
            _code("what to do above the limit", 2, 1),
            _whole("limit in cents", 15),
            _text("account number", 35),
            _date(),
            _AGENCY,
            _code("special service", 10, 2),
            _code("substitute allowed", 2, 1),
            _decimal("percentage", 10),
            _code("base of the percentage", 2, 1),
        ),
    ),
    Segment("TC2", "commodity", (_must(_code("kind", 1)), _must(_text("commodity code", 30)))),
    Segment(
        "ITD",
        "terms of payment",
        (
            _code("kind of terms", 2),
            _code("basis of the dates", 2, 1),
            _decimal("discount percentage", 6),
            _date("end of the discount"),
            _whole("days of the discount", 3),
            _date("due date"),
            _whole("days net", 3),
            _whole("discount in cents", 10),
            _date("deferred due date"),
            _whole("deferred amount in cents", 10),
            _decimal("percentage payable", 5),
            _FREE_TEXT,
            _whole("day of the month", 2),
            _code("means of payment", 2, 1),
            _decimal("percentage", 10),
        ),
    ),
    Segment(
        "DIS",
        "discount",
        (
            _must(_code("kind of terms", 3)),
            _must(_code("base of the discount", 2)),
            _must(_decimal("discount", 10)),
            _must(_code("what the limits count", 3, 2)),
            _must(_decimal("lower limit", 10)),
            _decimal("upper limit", 10),
        ),
    ),
    Segment(
        "INC",
        "instalments",
        (
            _must(_code("kind of terms", 2)),
            _must(_composite_unit()),
            _must(_decimal("number of instalments", 15)),
            _must(_decimal("number of this instalment", 15)),
            _decimal("amount", 18),
        ),
    ),
    Segment(
        "LDT",
        "lead time",
        (
            _must(_code("from when to when", 2)),
            _must(_decimal("quantity", 15)),
            _must(_code("unit of the period", 2)),
            _date(),
        ),
    ),
    Segment(
        "SI",
        "service",
        (
            _must(_AGENCY),
            _must(_code("kind of service 1", 2)),
            _must(_text("service 1", 80)),
            *(
                replace(element, name=f"{element.name} {number}")
                for number in range(2, 11)
                for element in (_code("kind of service", 2), _text("service", 80))
            ),
        ),
    ),
    Segment("PCT", "percentage", (_must(_code("kind", 2, 1)), _must(_decimal("percentage", 10)))),
    Segment(
        "CTB",
        "restrictions",
        (
            _must(_code("restriction", 2)),
            _FREE_TEXT,
            _code("kind of quantity", 2),
            _decimal("quantity", 15),
            _code("kind of amount", 3, 1),
            _whole("amount in cents", 15),
        ),
    ),
    Segment(
        "NX2",
        "part of an address",
        (
            _must(_code("kind of part", 2)),
            _must(_text("part of the address", 55)),
            _code("county", 5),
        ),
    ),
    Segment(
        "SPI",
        "specification",
        (
            _must(_code("security level 1", 2)),
            _REFERENCE_KIND,
            _text("reference", 80),
            _text("title", 50),
            _text("short description", 30),
            _text("level of the specification", 30),
            _code("purpose", 2),
            _code("kind of report", 2),
            _code("security level 2", 2),
            _AGENCY,
            _text("subset", 15),
            _whole("number", 6),
            _code("certification", 1),
            _code("detail of the proposal", 2, 1),
            _code("structure of the levels", 4),
        ),
    ),
    Segment(
        "CB1",
        "cost accounting of a contract",
        (_must(_code("kind of data", 2, 1)), _code("standard", 2, 1)),
    ),
    Segment(
        "ADV",
        "advertising",
        (
            _must(_AGENCY),
            _must(_code("kind of advertising 1", 2)),
            _decimal("lowest", 20),
            _decimal("highest", 20),
            _text("category", 6),
            _code("kind of advertising 2", 2),
            _decimal("measure", 20),
        ),
    ),
    Segment(
        "MTX",
        "text",
        (
            _code("kind of note", 3),
            _text("text 1", 4096),
            _text("text 2", 4096),
            _code("line feeds", 2),
            _whole("number", 9),
        ),
    ),
    Segment("G53", "kind of maintenance", (_must(_code("maintenance", 3)),)),
    Segment(
        "CN1",
        "contract",
        (
            _must(_code("kind of contract", 2)),
            _decimal("amount", 18),
            _decimal("percentage", 10),
            _text("reference", 80),
            _decimal("discount percentage", 6),
            _text("version", 30),
        ),
    ),
    Segment(
        "PO3",
        "further detail of the line",
        (
            _must(_code("reason of the change", 3, 2)),
            _date(),
            _code("kind of price", 3),
            _decimal("price", 17),
            _code("basis of the price", 2),
            _must(_decimal("quantity", 15)),
            _must(_unit()),
            _FREE_TEXT,
        ),
    ),
    Segment(
        "IT3",
        "shipment of the line",
        (
            _decimal("quantity shipped", 15),
            _unit(),
            _code("status of the shipment", 2),
            _decimal("difference", 9),
            _code("reason of the change", 3, 2),
        ),
    ),
    Segment(
        "IT8",
        "conditions of the sale of the line",
        (
            _code("conditions", 2, 1),
            _code("what to do above the limit", 2, 1),
            _whole("limit in cents", 15),
            _text("account number", 35),
            _date(),
            _AGENCY,
            _code("substitute allowed", 2, 1),
            *_pairs(10, _ITEM_KIND, _ITEM),
        ),
    ),
    Segment(
        "SCH",
        "delivery schedule",
        (
            _must(_decimal("quantity", 15)),
            _must(_unit()),
            _code("role of the party", 3, 2),
            _text("name", 60),
            _must(_code("kind of date 1", 3)),
            _must(_date("date 1")),
            _time("time 1"),
            _code("kind of date 2", 3),
            _date("date 2"),
            _time("time 2"),
            _text("request reference", 45),
            _text("line number", 20),
        ),
    ),
)

_STATUS = (
    Segment(
        "Q7",
        "exception of the lading",
        (
            _must(_code("exception", 1)),
            _code("form of packaging", 3),
            _whole("number of packages", 7),
        ),
    ),
    Segment(
        "AT5",
        "handling",
        (_HANDLING, _code("special service", 10, 2), _text("text", 30)),
    ),
    Segment(
        "CD3",
        "carton",
        (
            _WEIGHT_KIND,
            _decimal("weight", 10),
            _text("zone", 3),
            _whole("days of the service", 4),
            _code("service level 1", 2),
            _code("pickup or delivery", 2, 1),
            _code("kind of rate 1", 2),
            _whole("charge in cents 1", 15),
            _code("kind of rate 2", 2),
            _whole("charge in cents 2", 15),
            _code("service level 2", 2),
            _code("service level 3", 2),
            _code("means of payment", 3),
            _COUNTRY,
        ),
    ),
    Segment(
        "SPO",
        "order of the shipment",
        (
            _must(_text("order number", 22)),
            _text("reference 1", 80),
            _unit(),
            _decimal("quantity", 15),
            _WEIGHT_UNIT,
            _decimal("weight", 10),
            _code("fault", 3, 1),
            _text("reference 2", 80),
        ),
    ),
    Segment(
        "EFI",
        "enclosed file",
        (
            _must(_code("security level", 2)),
            _text("text", 264),
            _code("security technique", 2),
            _text("version 1", 30),
            _text("program", 30),
            _text("version 2", 30),
            _text("format", 30),
            _text("version 3", 30),
            _text("compression", 30),
            _code("sheet size of a drawing", 2),
            _text("file name", 64),
            _code("kind of blocks", 4),
            _whole("length of a record", 15),
            _whole("length of a block", 15),
            _text("version 4", 30),
            _code("filter", 3),
        ),
    ),
    Segment(
        "BIN",
        "enclosed bytes",
        (_must(_whole("length", 15)), _must(_text("bytes", 999_999_999_999_999))),
    ),
)

SEGMENTS: Mapping[str, Segment] = {
    segment.tag: segment
    for segment in (
        *_ENVELOPE,
        *_ACKNOWLEDGEMENT,
        *_BEGINNING,
        *_PARTIES,
        *_REFERENCES,
        *_QUANTITIES,
        *_TRANSPORT,
        *_LINES,
        *_HAZARDS,
        *_RARE,
        *_ORDERS,
        *_STATUS,
    )
}
