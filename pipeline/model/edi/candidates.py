"""What `mapping init` looks for in a message: for each column the paths that people use, best first.

Paths and their precedence follow EDI.md §1 to §10; they are text in the language of `extract:`.
Names of columns are the same in all messages, so that the targets of a kind of message need them
only once. `{party}` stands for the qualifier of the party to which the goods go: the parts of an
address must not come from two parties, so one is chosen for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.model.edi.definition import Syntax


class Purpose(StrEnum):
    """What a message means for the Order API (EDI.md §0)."""

    CREATE = "creates orders"
    SHIP = "adds parcels to orders"
    STATUS = "adds events to parcels"
    CHANGE = "changes orders"


@dataclass(frozen=True, slots=True)
class Way:
    """One path of a column; `unsure` says why it stays a comment though the file has values."""

    path: str
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A column: its paths in order, and the field of the API by whose class its values are masked.

    `needed`: the mapping cannot do without it, so its best path is written also where the file has
    no value. `codes`: its values are counted one by one. `several`: the column gets a row per
    value where a node has several.
    """

    name: str
    ways: tuple[Way, ...]
    field: str
    needed: bool = False
    codes: bool = False
    several: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """All columns of one message.

    `parties` are qualifiers of the party that gets the goods. `cancelling` are the codes of the
    column `function` that take back what the message would otherwise say.
    """

    purpose: Purpose
    parties: tuple[str, ...]
    columns: tuple[Candidate, ...]
    cancelling: tuple[str, ...] = ()


def _column(
    name: str,
    field: str,
    *ways: str | Way,
    needed: bool = False,
    codes: bool = False,
    several: bool = False,
) -> Candidate:
    listed = tuple(Way(way) if isinstance(way, str) else way for way in ways)
    return Candidate(name, listed, field, needed, codes, several)


_FREIGHT = "a bill of lading is a tracking number for few couriers only"
_PACKAGE = "an SSCC is a tracking number for few couriers only"

_X12_PARTY = (
    _column("recipient", "recipient_name", "N1[1={party}].2"),
    _column("street", "shipping_address.address_line", "N1[1={party}]>N3.1"),
    _column("street_extra", "shipping_address.address_line_extra", "N1[1={party}]>N3.2"),
    _column("city", "shipping_address.city", "N1[1={party}]>N4.1"),
    _column("region", "shipping_address.region_code", "N1[1={party}]>N4.2"),
    _column("zip", "shipping_address.postal_code", "N1[1={party}]>N4.3"),
    _column("country", "destination_country_iso3", "N1[1={party}]>N4.4", needed=True),
)
# Where a message cannot create an order, nothing needs the country.
_X12_PARTY_OF_PARCEL = (
    *_X12_PARTY[:-1],
    _column("country", "destination_country_iso3", "N1[1={party}]>N4.4"),
)
# Others under PER and G61 are people of the shop or of the warehouse.
_X12_850_CONTACT = (
    _column("email", "recipient_email", "N1[1={party}]>PER[*=EM].+1", "PER[1=RE|DC][*=EM].+1"),
    _column(
        "phone", "shipping_address.phone", "N1[1={party}]>PER[*=TE].+1", "PER[1=RE|DC][*=TE].+1"
    ),
)
_X12_940_CONTACT = (
    _column("email", "recipient_email", "N1[1={party}]>PER[*=EM].+1", "G61[1=DC|RE][3=EM].4"),
    _column(
        "phone", "shipping_address.phone", "N1[1={party}]>PER[*=TE].+1", "G61[1=DC|RE][3=TE].4"
    ),
)
_EDIFACT_PARTY = (
    _column("recipient", "recipient_name", "NAD[1={party}].4.1"),
    _column("street", "shipping_address.address_line", "NAD[1={party}].5.1"),
    _column("street_extra", "shipping_address.address_line_extra", "NAD[1={party}].5.2"),
    _column("city", "shipping_address.city", "NAD[1={party}].6"),
    _column("region", "shipping_address.region_code", "NAD[1={party}].7"),
    _column("zip", "shipping_address.postal_code", "NAD[1={party}].8"),
    _column("country", "destination_country_iso3", "NAD[1={party}].9", needed=True),
)
_EDIFACT_PARTY_OF_PARCEL = (
    *_EDIFACT_PARTY[:-1],
    _column("country", "destination_country_iso3", "NAD[1={party}].9"),
)
_EDIFACT_CONTACT = (
    _column("email", "recipient_email", "NAD[1={party}]>COM[1.2=EM].1"),
    _column("phone", "shipping_address.phone", "NAD[1={party}]>COM[1.2=TE].1"),
)


def _x12_codes(tag: str) -> tuple[Candidate, ...]:
    """Article numbers by qualifier, wherever the pair stands (elements 235 and 234)."""
    kinds = {
        "sku": ("SK", "VN", "VP", "BP", "IN"),
        "barcode": ("EN", "UP", "UK", "UI", "UA"),
    }
    return tuple(
        _column(name, f"articles_order.{name}", *(f"{tag}[*={kind}].+1" for kind in found))
        for name, found in kinds.items()
    )


def _x12_tracking(tag: str, also: tuple[Way, ...] = ()) -> Candidate:
    """MAN*CP > 2I > CN > BM; `tag` is the segment of references."""
    return _column(
        "tracking", "tracking.tracking_number",
        "MAN[1=CP].2..3", "MAN[4=CP].5..6", f"{tag}[1=2I].2", f"{tag}[1=CN].2", *also,
        Way(f"{tag}[1=BM].2", _FREIGHT), Way("MAN[1=GM].2..3", _PACKAGE),
        needed=True, several=True,
    )  # fmt: skip


_X12_850 = Candidates(
    Purpose.CREATE,
    ("ST", "CN"),
    (
        _column("order_no", "order_number", "BEG.3", needed=True),
        _column("function", "order_status", "BEG.1", codes=True),
        _column("ordered", "order_date", "BEG.5"),
        _column("customer_ref", "customer_number", "REF[1=CO].2", "REF[1=CR].2"),
        *_X12_PARTY,
        *_X12_850_CONTACT,
        _column("wanted", "announced_delivery_date", "DTM[1=002].2"),
        _column("currency", "order_currency", "CUR.2"),
        _column("carrier", "tracking.courier", "TD5[2=2].3", "TD5.5"),
        _column("line_no", "articles_order.line_item_id", "PO1.1"),
        *_x12_codes("PO1"),
        _column("article", "articles_order.article_name", "PO1/PID[1=F].5"),
        _column("qty", "articles_order.quantity", "PO1.2"),
        _column("unit", "tracking.shipping_volume_unit", "PO1.3", codes=True),
        _column("price", "articles_order.unit_price", "PO1.4"),
    ),
    cancelling=("01",),
)

_X12_860 = Candidates(
    Purpose.CHANGE,
    (),
    (
        _column("order_no", "order_number", "BCH.3", needed=True),
        _column("function", "order_status", "BCH.1", codes=True),
        _column("line_no", "articles_order.line_item_id", "POC.1"),
        _column("line_action", "articles_order.status", "POC.2", codes=True),
        *_x12_codes("POC"),
        _column("article", "articles_order.article_name", "POC/PID[1=F].5"),
        _column("qty", "articles_order.quantity", "POC.3"),
        _column("unit", "tracking.shipping_volume_unit", "POC.5", codes=True),
        _column("qty_left", "articles_order.quantity", "POC.4"),
        _column("price", "articles_order.unit_price", "POC.6"),
    ),
    cancelling=("01",),
)

_X12_856 = Candidates(
    Purpose.SHIP,
    ("ST", "CN"),
    (
        _column("order_no", "order_number", "PRF.1", needed=True),
        _column("function", "order_status", "BSN.1", codes=True),
        _column("customer_ref", "customer_number", "REF[1=CO].2", "REF[1=IA].2"),
        _column("ship_id", "tracking.delivery_number", "BSN.2"),
        _column("shipped", "tracking.announced_send_date", "DTM[1=011].2"),
        _column("expected", "tracking.announced_delivery_date", "DTM[1=017].2"),
        _column(
            "carrier", "tracking.courier", "TD5[2=2].3", "TD5.5", needed=True, codes=True
        ),
        _x12_tracking("REF"),
        _column("sscc", "tracking.external_reference", "MAN[1=GM].2", "MAN[4=GM].5"),
        *_X12_PARTY_OF_PARCEL,
        _column("weight", "tracking.shipping_weight_total", "P/TD1[6=G].7"),
        _column(
            "weight_unit", "tracking.shipping_weight_unit", "P/TD1[6=G].8", codes=True
        ),
        _column("line_no", "articles_order.line_item_id", "I/LIN.1", "I/SN1.1"),
        *_x12_codes("LIN"),
        _column("qty", "articles_order.quantity", "I/SN1.2"),
        _column("unit", "tracking.shipping_volume_unit", "SN1.3", codes=True),
        _column("qty_of_pack", "articles_order.quantity", "P/SN1.2", "P/PO4.1"),
        _column("item_level", "tracking.tracking_number", "I/HL.1"),
        _column("above_pack", "tracking.tracking_number", "P/HL.2"),
    ),
    cancelling=("01",),
)  # fmt: skip

_X12_940 = Candidates(
    Purpose.CREATE,
    ("ST", "CN"),
    (
        _column("order_no", "order_number", "W05.2", needed=True),
        _column("function", "order_status", "W05.1", codes=True),
        _column("customer_ref", "customer_number", "N9[1=CO].2", "N9[1=CR].2"),
        *_X12_PARTY,
        *_X12_940_CONTACT,
        _column("wanted", "announced_delivery_date", "G62[1=02].2"),
        _column("carrier", "tracking.courier", "W66.10", "W66.5"),
        _column("line_no", "articles_order.line_item_id", "W01/N9[1=LI].2", "LX/LX.1"),
        *_x12_codes("W01"),
        _column("case_code", "articles_order.barcode", "W01.3"),
        _column("article", "articles_order.article_name", "W01/G69.1"),
        _column("qty", "articles_order.quantity", "W01.1"),
        _column("unit", "tracking.shipping_volume_unit", "W01.2", codes=True),
    ),
    cancelling=("F", "D"),
)

_X12_945 = Candidates(
    Purpose.SHIP,
    ("ST", "CN"),
    (
        _column("order_no", "order_number", "W06.2", needed=True),
        _column("customer_ref", "customer_number", "N9[1=CO].2", "N9[1=CR].2"),
        _column("ship_id", "tracking.delivery_number", "W06.4"),
        _column("shipped", "tracking.announced_send_date", "W06.3", "G62[1=11].2"),
        _column("expected", "tracking.announced_delivery_date", "G62[1=17].2"),
        _column(
            "carrier", "tracking.courier", "W27.2", "W27.3", "N1[1=CA].2",
            Way("W06.5", "W06-05 is an agent's shipment number, unless you agreed otherwise"),
            needed=True, codes=True,
        ),
        _x12_tracking("N9"),
        _column("sscc", "tracking.external_reference", "MAN[1=GM].2", "MAN[4=GM].5"),
        *_X12_PARTY_OF_PARCEL,
        _column("line_no", "articles_order.line_item_id", "W12/N9[1=LI].2", "LX/LX.1"),
        *_x12_codes("W12"),
        _column("case_code", "articles_order.barcode", "W12.6"),
        _column("qty", "articles_order.quantity", "W12.3"),
        _column("unit", "tracking.shipping_volume_unit", "W12.5", codes=True),
    ),
)  # fmt: skip

_X12_214 = Candidates(
    Purpose.STATUS,
    (),
    (
        _column(
            "order_no", "order_number", "L11[2=PO].1", "L11[2=CR].1", "L11[2=DO].1",
            Way("B10.2", "the shipper's shipment number is an order number only by agreement"),
            needed=True,
        ),
        _column(
            "tracking", "tracking.tracking_number",
            "MAN[1=CP].2..3", "L11[2=2I].1", "B10.1", "L11[2=CN].1",
            Way("L11[2=BM].1", _FREIGHT),
            needed=True, several=True,
        ),
        _column("carrier", "tracking.courier", "B10.3", "MS2.1", needed=True, codes=True),
        _column("event", "tracking.checkpoints.courier_status", "AT7.1", codes=True),
        _column("event_date", "tracking.checkpoints.event_timestamp", "AT7.5"),
        _column("event_time", "tracking.checkpoints.event_timestamp", "AT7.6"),
        _column("event_zone", "timezone", "AT7.7", codes=True),
        _column("event_city", "shipping_address.city", "MS1.1"),
    ),
)  # fmt: skip

_ORDERS_LINES = (
    _column("line_no", "articles_order.line_item_id", "LIN.1"),
    _column("sku", "articles_order.sku",
            "PIA[*.2=SA].*.1", "LIN[3.2=SA].3.1", "PIA[*.2=BP].*.1", "PIA[*.2=IN].*.1",
            "LIN[3.2=BP|IN].3.1"),
    _column(
        "barcode", "articles_order.barcode", "LIN[3.2=EN|SRV|UP].3.1",
        Way("LIN.3.1", "the kind of number is not said, or another one"),
    ),
    _column("article", "articles_order.article_name", "IMD[1=F].3.4"),
    _column("qty", "articles_order.quantity", "QTY[1.1=21].1.2"),
        _column("unit", "tracking.shipping_volume_unit", "QTY[1.1=21].1.3", codes=True),
    _column("price", "articles_order.unit_price", "PRI[1.1=AAA|AAB].1.2"),
)  # fmt: skip

_ORDERS = Candidates(
    Purpose.CREATE,
    ("DP", "ST", "CN", "UC"),
    (
        _column("order_no", "order_number", "BGM.2", needed=True),
        _column("function", "order_status", "BGM.3", codes=True),
        _column("ordered", "order_date", "DTM[1.1=137].1.2", "DTM[1.1=4].1.2"),
        _column("customer_ref", "customer_number",
                "RFF[1.1=CO].1.2", "RFF[1.1=CR].1.2", "RFF[1.1=ON].1.2"),
        *_EDIFACT_PARTY,
        *_EDIFACT_CONTACT,
        _column("wanted", "announced_delivery_date", "DTM[1.1=2].1.2"),
        _column("currency", "order_currency", "CUX.1.2"),
        _column("carrier", "tracking.courier", "TDT[1=20].5.1", "TDT[1=20].5.4"),
        *_ORDERS_LINES,
    ),
    cancelling=("1",),
)  # fmt: skip

_ORDCHG = Candidates(
    Purpose.CHANGE,
    (),
    (
        _column("order_no", "order_number", "RFF[1.1=ON].1.2", "BGM.2", needed=True),
        _column("function", "order_status", "BGM.3", codes=True),
        *_ORDERS_LINES[:1],
        _column("line_action", "articles_order.status", "LIN.2", codes=True),
        *_ORDERS_LINES[1:],
    ),
    cancelling=("1",),
)

_IFTMIN = Candidates(
    Purpose.CREATE,
    ("DP", "CN", "ST", "UC"),
    (
        _column("order_no", "order_number",
                "RFF[1.1=ON].1.2", "RFF[1.1=CU].1.2",
                Way("BGM.2", "the number of the instruction is an order number only by agreement"),
                needed=True),
        _column("function", "order_status", "BGM.3", codes=True),
        _column("ordered", "order_date", "DTM[1.1=137].1.2"),
        *_EDIFACT_PARTY,
        *_EDIFACT_CONTACT,
        _column("wanted", "announced_delivery_date", "DTM[1.1=2].1.2", "DTM[1.1=17].1.2"),
        _column("ship_id", "tracking.identifiers_consignment", "BGM.2"),
        _column(
            "carrier", "tracking.courier",
            "TDT[1=20].5.1", "TDT[1=20].5.4", "NAD[1=CA].2.1", "NAD[1=CA].4.1", codes=True,
        ),
        _column(
            "tracking", "tracking.tracking_number",
            "GID/RFF[1.1=CW|CN|AAM].1.2", "GID/GIN[1=AW].2-6.1..2", "GID/GIN[1=BN].2-6.1..2",
            "UNH/RFF[1.1=CN].1.2", "UNH/RFF[1.1=AAM].1.2", "GID/GIN[1=BJ].2-6.1..2", several=True,
        ),
    ),
    cancelling=("1",),
)  # fmt: skip

_DESADV = Candidates(
    Purpose.SHIP,
    ("DP", "ST", "CN"),
    (
        _column("order_no", "order_number", "RFF[1.1=ON].1.2", needed=True),
        _column("function", "order_status", "BGM.3", codes=True),
        _column("customer_ref", "customer_number", "RFF[1.1=CO].1.2", "RFF[1.1=CR].1.2"),
        _column("ship_id", "tracking.delivery_number", "BGM.2", "RFF[1.1=DQ].1.2"),
        _column("shipped", "tracking.announced_send_date", "DTM[1.1=11].1.2"),
        _column("expected", "tracking.announced_delivery_date", "DTM[1.1=17].1.2"),
        _column(
            "carrier", "tracking.courier",
            "TDT[1=20].5.1", "TDT[1=20].5.4", "NAD[1=CA].2.1", "NAD[1=FW].2.1", "NAD[1=CA].4.1",
            needed=True, codes=True,
        ),
        _column(
            "tracking", "tracking.tracking_number",
            "CPS/RFF[1.1=CN|CW|AAS|AAM].1.2", "GIN[1=AW].2-6.1..2", "GIN[1=BN].2-6.1..2",
            "UNH/RFF[1.1=CN].1.2", "UNH/RFF[1.1=AAS].1.2", "UNH/RFF[1.1=CW].1.2",
            "UNH/RFF[1.1=AAM].1.2", "GIN[1=BJ].2-6.1..2",
            needed=True, several=True,
        ),
        _column("sscc", "tracking.external_reference", "GIN[1=BJ].2"),
        *_EDIFACT_PARTY_OF_PARCEL,
        *_EDIFACT_CONTACT[:1],
        _column("weight", "tracking.shipping_weight_total", "CPS/MEA[2.1=AAB].3.2"),
        _column(
            "weight_unit", "tracking.shipping_weight_unit", "CPS/MEA[2.1=AAB].3.1", codes=True
        ),
        _column("line_no", "articles_order.line_item_id", "LIN.1"),
        _column("sku", "articles_order.sku",
                "LIN/PIA[*.2=SA].*.1", "LIN[3.2=SA].3.1", "LIN/PIA[*.2=BP].*.1",
                "LIN/PIA[*.2=IN].*.1", "LIN[3.2=BP|IN].3.1"),
        _column(
            "barcode", "articles_order.barcode", "LIN[3.2=EN|SRV|UP].3.1",
            Way("LIN.3.1", "the kind of number is not said, or another one"),
        ),
        _column("qty", "articles_order.quantity", "LIN/QTY[1.1=12].1.2"),
        _column("unit", "tracking.shipping_volume_unit", "LIN/QTY[1.1=12].1.3", codes=True),
    ),
    cancelling=("1",),
)  # fmt: skip

_IFTSTA = Candidates(
    Purpose.STATUS,
    (),
    (
        _column("order_no", "order_number", "RFF[1.1=ON].1.2", "RFF[1.1=CU].1.2", needed=True),
        _column(
            "tracking", "tracking.tracking_number",
            "GIN[1=AW].2-6.1..2", "GIN[1=BN].2-6.1..2", "RFF[1.1=CW].1.2", "RFF[1.1=CN].1.2",
            "RFF[1.1=AAS].1.2", "RFF[1.1=AAM].1.2", "RFF[1.1=SRN].1.2", "GIN[1=BJ].2-6.1..2",
            Way("CNI.2", "a consignment is a parcel for few carriers only"),
            needed=True, several=True,
        ),
        _column("carrier", "tracking.courier",
                "NAD[1=CA].2.1", "NAD[1=CA].4.1", "TDT[1=20].5.1", needed=True, codes=True),
        _column("event", "tracking.checkpoints.courier_status",
                "STS.2.1", Way("STS.1.3", "UPS writes the event into the first composite"),
                codes=True),
        _column("event_at", "tracking.checkpoints.event_timestamp",
                "DTM[1.1=334].1.2", "DTM[1.1=78].1.2", "DTM[1.1=7].1.2", "DTM[1.1=186].1.2"),
        _column("event_city", "shipping_address.city",
                "LOC[1=14].2.4", "LOC[1=175].2.4", "LOC[1=16].2.4"),
    ),
)  # fmt: skip

CANDIDATES: Mapping[tuple[Syntax, str], Candidates] = {
    (Syntax.X12, "214"): _X12_214,
    (Syntax.X12, "850"): _X12_850,
    (Syntax.X12, "856"): _X12_856,
    (Syntax.X12, "860"): _X12_860,
    (Syntax.X12, "940"): _X12_940,
    (Syntax.X12, "945"): _X12_945,
    (Syntax.EDIFACT, "DESADV"): _DESADV,
    (Syntax.EDIFACT, "IFTMIN"): _IFTMIN,
    (Syntax.EDIFACT, "IFTSTA"): _IFTSTA,
    (Syntax.EDIFACT, "ORDCHG"): _ORDCHG,
    (Syntax.EDIFACT, "ORDERS"): _ORDERS,
}


@dataclass(frozen=True, slots=True)
class Courier:
    """What EDI.md §11 says of a carrier's code; `sure` where it is the same with every sender."""

    key: str
    sure: bool = True


# parcelLab publishes no list of its keys; these stand in its own code (EDI.md §11).
CONFIRMED = frozenset({"ups", "dhl-germany", "dpd-de", "hermes-de"})

# Codes that only one site gives a meaning are no standard: those stay comments.
COURIERS: Mapping[str, Courier] = {
    **dict.fromkeys(("UPSN", "UPSG", "UPSS", "UPS"), Courier("ups")),
    **dict.fromkeys(
        ("FDE", "FDEG", "FDXG", "FDEN", "FXFE", "FEDX", "FEDEX", "FDX"), Courier("fedex")
    ),
    **dict.fromkeys(("DHL PAKET", "DEUTSCHE POST"), Courier("dhl-germany")),
    **dict.fromkeys(("RYML", "RMG", "ROYAL MAIL"), Courier("royalmail")),
    **dict.fromkeys(("GLS", "GLSD"), Courier("gls")),
    **dict.fromkeys(("DPD DE",), Courier("dpd-de")),
    **dict.fromkeys(("COLISSIMO",), Courier("colissimo")),
    **dict.fromkeys(("MONDIAL RELAY",), Courier("mondial")),
    **dict.fromkeys(("DHL", "DHLP"), Courier("dhl-germany", sure=False)),
    **dict.fromkeys(("DHLG", "DGMI", "DHL GM", "DHLGM"), Courier("dhl-gm", sure=False)),
    **dict.fromkeys(("DPD", "DPDL"), Courier("dpd-de", sure=False)),
    **dict.fromkeys(("UPSM", "UPS MI"), Courier("ups-mi", sure=False)),
    **dict.fromkeys(("LA POSTE",), Courier("colissimo", sure=False)),
    **dict.fromkeys(("MR",), Courier("mondial", sure=False)),
    **dict.fromkeys(("RM",), Courier("royalmail", sure=False)),
}

# Words for events: X12 element 1650 and UN/ECE Recommendation 24, as far as EDI.md §6 and §10 go.
EVENTS: Mapping[Syntax, Mapping[str, str]] = {
    Syntax.X12: {
        "AF": "Picked up", "X3": "In transit", "X4": "In transit", "X6": "In transit",
        "AG": "Estimated delivery", "AJ": "Out for delivery", "AH": "Delivery attempted",
        "A7": "Refused", "SD": "Delayed", "CA": "Cancelled", "D1": "Delivered",
        "X1": "Arrived at the place of delivery",
    },
    Syntax.EDIFACT: {"21": "Delivered"},
}  # fmt: skip

WEIGHT_UNITS: Mapping[str, str] = {
    "LB": "lbs", "LBR": "lbs", "KG": "kg", "KGM": "kg", "K": "kg", "L": "lbs",
    "GR": "g", "GRM": "g",
}  # fmt: skip

# Pieces in a unit of measure (X12 element 355, UN/ECE Recommendation 20); a case is what two agree.
PIECES: Mapping[str, int] = {
    **dict.fromkeys(("EA", "PC", "UN", "PR", "ST", "PCE", "C62", "NAR", "SET"), 1),
    **dict.fromkeys(("DZ", "DZN"), 12),
}

# Time zones of X12 (element 623) as offsets, "" where it is the time of the place. Those with two
# offsets (ET, CT, MT, PT) are not here: which one holds depends on the day.
ZONES: Mapping[str, str] = {
    "LT": "", "UT": "+0000", "GM": "+0000", "ES": "-0500", "ED": "-0400", "CS": "-0600",
    "CD": "-0500", "MS": "-0700", "MD": "-0600", "PS": "-0800", "PD": "-0700",
}  # fmt: skip
