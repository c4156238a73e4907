"""What the mappings in `mappings/edi` make of messages that are unusual: orders as a person reads them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.run.trial import Difference, try_mapping
from tests.edi.samples import Message, edifact, x12

MAPPINGS = Path(__file__).parents[2] / "mappings" / "edi"
ERIKA = "NAD+DP+++Erika+Lindenweg 4+Berlin++12207+DE"
DANA = ("N1*ST*Dana", "N3*12 Elm", "N4*Springfield*IL*62704*US")


class Told:
    """A mapping of ours, asked what it makes of one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def differences(
        self,
        mapping: str,
        text: str,
        orders: list[dict[str, Any]],
        *,
        existing: tuple[str, ...] = (),
        rejected: tuple[dict[str, Any], ...] = (),
    ) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
        document, _, _ = (MAPPINGS / f"{mapping}.yaml").read_text("utf-8").partition("\ntests:")
        test = {
            "name": "test", "existing": list(existing), "file": "in.edi",
            "expect": {"orders": orders, "rejected": list(rejected)},
        }  # fmt: skip
        path = self.folder / f"{mapping}.yaml"
        path.write_text(f"{document}\ntests: {json.dumps([test])}\n", "utf-8")
        shutil.copy(MAPPINGS / "couriers.csv", self.folder)
        (self.folder / "in.edi").write_text(text, "utf-8")
        [tried] = try_mapping(path)
        return tried.differences, tried.refusals


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


NOTHING = ((), ())


def parcel(number: str, *lines: tuple[str, int], **more: object) -> dict[str, Any]:
    articles = [{"line_item_id": line, "quantity": quantity} for line, quantity in lines]
    inside = {"tracking_number": number, "articles": articles or "", **more}
    return {"type": "add_tracking", "tracking": inside}


# -- segments in places where the standard has none ---------------------------------------------


def test_references_behind_a_consignment_are_its_own(told: Told) -> None:
    head = ("BGM+23+ST-1+9", "DTM+137:202611201900:203", "NAD+CA+++DPD")
    events = (
        "CNI+1+C-1", "RFF+ON:O1", "RFF+CN:T1", "STS+1+31", "DTM+334:202611191830:203",
        "CNI+2+C-2", "RFF+ON:O2", "RFF+CN:T2", "STS+1+21", "DTM+334:202611191930:203",
    )  # fmt: skip

    orders = [
        {"order_number": order, "mutations": [{"tracking": {
            "tracking_number": number, "checkpoints": [{"status_code": status}]}}]}
        for order, number, status in (("O1", "T1", "InTransit"), ("O2", "T2", "Delivered"))
    ]  # fmt: skip
    assert told.differences("edifact-iftsta", edifact(("IFTSTA", head + events)), orders) == NOTHING


def test_a_reference_behind_a_package_is_that_packages(told: Told) -> None:
    message = (
        "BGM+351+D1+9", "DTM+137:20261119:102", "RFF+ON:O1", "TDT+20++30++DPD",
        "CPS+1", "PAC+1++CT", "RFF+CW:T1", "LIN+1++111:EN", "QTY+12:2:PCE",
        "CPS+2", "PAC+1++CT", "RFF+CW:T2", "LIN+2++112:EN", "QTY+12:1:PCE",
    )  # fmt: skip

    order = {"order_number": "O1", "mutations": [parcel("T1", ("O1-1", 2)), parcel("T2", ("O1-2", 1))]}  # fmt: skip
    assert told.differences("edifact-desadv", edifact(("DESADV", message)), [order]) == NOTHING


# -- orders that are taken back -----------------------------------------------------------------


def purchase(purpose: str, *lines: str) -> Message:
    return (f"BGM+220+O1+{purpose}", "DTM+137:20261119:102", *lines, "UNS+S")


def test_an_order_and_its_cancellation_in_one_file(told: Told) -> None:
    text = edifact(
        ("ORDERS", purchase("9", ERIKA, "LIN+1++111:EN", "QTY+21:1:PCE")),
        ("ORDERS", purchase("1")),
    )

    order = {"order_number": "O1", "mutations": [{"type": "cancel_order"}]}
    assert told.differences("edifact-orders", text, [order]) == NOTHING


def test_a_deletion_is_a_cancellation(told: Told) -> None:
    orders = edifact(("ORDERS", purchase("3", ERIKA, "LIN+1++111:EN", "QTY+21:1:PCE")))
    bought = ("BEG*03*DS*O1**20261119", *DANA, "PO1*1*2*EA***SK*A")
    cancelled = [{"order_number": "O1", "mutations": [{"type": "cancel_order"}]}]

    assert told.differences("edifact-orders", orders, cancelled, existing=("O1",)) == NOTHING
    assert told.differences("x12-850", x12(("850", bought)), cancelled, existing=("O1",)) == NOTHING


def test_a_notice_that_is_deleted_takes_its_parcel_back(told: Told) -> None:
    notice = ("BSN*03*S1*20261119*2210", "HL*1**S", "TD5*B*2*UPSN", "REF*2I*T1", "HL*2*1*O",
              "PRF*O1", "HL*3*2*I", "LIN*1*SK*A", "SN1**2*EA")  # fmt: skip
    advice = ("BGM+351+D1+3", "DTM+137:20261119:102", "RFF+ON:O1", "RFF+CN:T1", "TDT+20++30++UPS",
              "CPS+1", "LIN+1++111:EN", "QTY+12:2:PCE")  # fmt: skip
    back = {"type": "cancel_tracking", "tracking": {"tracking_number": "T1", "courier": "ups"}}
    order = {"order_number": "O1", "mutations": [back]}

    assert told.differences("x12-856", x12(("856", notice)), [order]) == NOTHING
    assert told.differences("edifact-desadv", edifact(("DESADV", advice)), [order]) == NOTHING


def test_a_change_and_then_a_cancellation_in_one_file(told: Told) -> None:
    edi = edifact(
        ("ORDCHG", ("BGM+230+C1+4", "DTM+137:20261120:102", "RFF+ON:O1", "LIN+1+3", "QTY+21:1", "UNS+S")),
        ("ORDCHG", ("BGM+230+C2+1", "DTM+137:20261120:102", "RFF+ON:O1", "UNS+S")),
    )  # fmt: skip
    text = x12(
        ("860", ("BCH*04*DS*O1**1*20261119", "POC*1*QD*1*5*EA***SK*A")),
        ("860", ("BCH*01*DS*O1**2*20261120",)),
    )

    changed = {"type": "change_line_item_quantity", "line_item_id": "O1-1", "quantity": 1}
    order = {"order_number": "O1", "mutations": [changed, {"type": "cancel_order"}]}
    assert told.differences("edifact-ordchg", edi, [order], existing=("O1",)) == NOTHING
    assert told.differences("x12-860", text, [order], existing=("O1",)) == NOTHING


def test_a_release_and_its_cancellation_in_one_file(told: Told) -> None:
    text = x12(("940", ("W05*N*O1", *DANA, "LX*1", "W01*2*EA**SK*A")), ("940", ("W05*F*O1", *DANA)))

    order = {"order_number": "O1", "mutations": [{"type": "cancel_order"}]}
    assert told.differences("x12-940", text, [order]) == NOTHING


def test_one_cancelled_line_is_no_cancelled_order_and_is_not_lost(told: Told) -> None:
    message = ("BCH*04*DS*O1**1*20261119", "POC*1*CF*1*5*EA***SK*A", "POC*2*QD*1*5*EA***SK*B")

    mutations = [
        {"type": "change_line_item_quantity", "line_item_id": "O1-2", "quantity": 1},
        {"type": "change_line_item_quantity", "line_item_id": "O1-1", "quantity": 0},
    ]
    order = {"order_number": "O1", "mutations": mutations}
    text = x12(("860", message))
    assert told.differences("x12-860", text, [order], existing=("O1",)) == NOTHING


# -- what is told twice -------------------------------------------------------------------------

SERIALS_856 = ("BSN*00*S1*20261119*2210", "HL*1**S", "TD5*B*2*UPSN", "HL*2*1*O", "PRF*O1",
               "HL*3*2*P", "MAN*CP*T1", "HL*4*3*I", "LIN*1*SK*A*SN*111", "SN1**1*EA",
               "HL*5*3*I", "LIN*1*SK*A*SN*222", "SN1**1*EA")  # fmt: skip
SERIALS_945 = ("W06*F*O1*20261119*S1", "N1*ST*Dana", "W27*M*UPSN", "LX*1", "MAN*CP*T1",
               "W12*CC*1*1*0*EA**SK*A", "N9*SE*111", "W12*CC*1*1*0*EA**SK*A", "N9*SE*222")  # fmt: skip
SERIALS_DESADV = (
    "BGM+351+D1+9", "DTM+137:20261119:102", "RFF+CN:T1", "TDT+20++30++UPS", "CPS+1",
    "LIN+1++111:EN", "QTY+12:1:PCE", "RFF+ON:O1:1", "LIN+2++111:EN", "QTY+12:1:PCE", "RFF+ON:O1:1",
)  # fmt: skip


@pytest.mark.parametrize("messages", [1, 2])
def test_pieces_of_one_line_are_counted_and_a_repeated_message_is_not(
    told: Told, messages: int
) -> None:
    order = {"order_number": "O1", "mutations": [parcel("T1", ("O1-1", 1), ("O1-1", 1))]}
    notice = x12(*[("856", SERIALS_856)] * messages)
    advice = x12(*[("945", SERIALS_945)] * messages)
    despatch = edifact(*[("DESADV", SERIALS_DESADV)] * messages)

    assert told.differences("x12-856", notice, [order]) == NOTHING
    assert told.differences("x12-945", advice, [order]) == NOTHING
    assert told.differences("edifact-desadv", despatch, [order]) == NOTHING


# -- parties ------------------------------------------------------------------------------------


def test_an_address_is_of_one_party(told: Told) -> None:
    head = ("BGM+220+O1+9", "DTM+137:20261119:102")
    store = ("NAD+ST+++Store+Other 5:Hof+Koeln++50667+FR", "CTA+IC", "COM+store@example.com:EM")
    lines = ("LIN+1++111:EN", "QTY+21:1:PCE", "UNS+S")
    address = {"address_line": "Lindenweg 4", "address_line_extra": "", "postal_code": "12207", "city": "Berlin"}  # fmt: skip
    order = {
        "order_number": "O1", "recipient_name": "Erika", "recipient_email": "_unset",
        "destination_country_iso3": "DEU", "shipping_address": address,
    }  # fmt: skip

    for parties in ((ERIKA, *store), (*store, ERIKA)):
        text = edifact(("ORDERS", (*head, *parties, *lines)))
        assert told.differences("edifact-orders", text, [order]) == NOTHING


def test_the_country_of_another_party_is_not_taken(told: Told) -> None:
    parties = ("NAD+DP+++Erika+Lindenweg 4+Berlin++12207", "NAD+ST+++Store+Other 5+Lille++59000+FR")
    text = edifact(("ORDERS", ("BGM+220+O1+9", "DTM+137:20261119:102", *parties, "LIN+1++111:EN",
                               "QTY+21:1:PCE", "UNS+S")))  # fmt: skip

    rejected = ({"column": "country", "code": "R301"}, {"code": "R313"})
    assert told.differences("edifact-orders", text, [], rejected=rejected) == NOTHING


def test_the_ship_to_of_a_line_has_no_part_of_the_heads(told: Told) -> None:
    text = x12(("850", ("BEG*00*DS*O1**20261119", *DANA, "PO1*1*2*EA***SK*A", "N1*ST*Otto",
                        "N3*9 Oak", "N4*Austin*TX")))  # fmt: skip

    rejected = ({"column": "country", "code": "R301"}, {"code": "R313"})
    assert told.differences("x12-850", text, [], rejected=rejected) == NOTHING


def test_the_first_ship_to_counts_where_a_message_has_two(told: Told) -> None:
    advice = ("W06*F*O1*20261119*S1", "N1*CN*Conny", "N4*Lille**59000*FR", "N1*ST*Dana", "N1*ST*Otto",
              "N4*Austin*TX*73301*US", "W27*M*UPSN", "LX*1", "MAN*CP*T1", "W12*CC*1*1*0*EA**SK*A")  # fmt: skip

    none = {"recipient_postal_code": "", "destination_country_iso3": ""}
    order = {"order_number": "O1", "mutations": [parcel("T1", ("O1-1", 1), **none)]}
    assert told.differences("x12-945", x12(("945", advice)), [order]) == NOTHING


# -- levels and numbers of parcels --------------------------------------------------------------

NOTICE = ("BSN*00*S1*20261119*2210", "HL*1**S", "TD5*B*2*UPSN")


def item(number: int, parent: int, line: int, quantity: int) -> Message:
    return (f"HL*{number}*{parent}*I", f"LIN*{line}*SK*A", f"SN1**{quantity}*EA")


def shipped(order: str, *parcels: dict[str, Any]) -> dict[str, Any]:
    return {"order_number": order, "mutations": list(parcels)}


def test_packs_around_orders(told: Told) -> None:
    notice = (
        *NOTICE, "HL*2*1*P", "MAN*CP*T1", "HL*3*2*O", "PRF*O1", *item(4, 3, 1, 2),
        "HL*5*2*O", "PRF*O2", *item(6, 5, 1, 1), "HL*7*1*P", "MAN*CP*T2", "HL*8*7*O", "PRF*O1",
        *item(9, 8, 1, 3),
    )  # fmt: skip

    orders = [
        shipped("O1", parcel("T1", ("O1-1", 2)), parcel("T2", ("O1-1", 3))),
        shipped("O2", parcel("T1", ("O2-1", 1))),
    ]
    assert told.differences("x12-856", x12(("856", notice)), orders) == NOTHING


def test_pallets_with_a_number_of_their_own(told: Told) -> None:
    notice = (
        *NOTICE, "HL*2*1*T", "MAN*GM*00340123450000000049", "MAN*CP*T1", "HL*3*2*O", "PRF*O1",
        *item(4, 3, 1, 2), "HL*5*1*T", "MAN*CP*T2", "MAN*CP*T3", "HL*6*5*O", "PRF*O1",
        *item(7, 6, 2, 3),
    )  # fmt: skip

    order = shipped("O1", parcel("T1", ("O1-1", 2)), parcel("T2", ("O1-2", 3)), parcel("T3"))
    assert told.differences("x12-856", x12(("856", notice)), [order]) == NOTHING


def test_every_number_of_a_mark_is_a_parcel(told: Told) -> None:
    carton = ("MAN*GM*00340123450000000049**CP*T08*T10", "MAN*CP*T20**CP*T30")
    notice = (*NOTICE, "HL*2*1*O", "PRF*O1", "HL*3*2*P", *carton, *item(4, 3, 1, 2))
    advice = ("W06*F*O1*20261119*S1", "N1*ST*Dana", "W27*M*UPSN", "LX*1", *carton,
              "W12*CC*2*2*0*EA**SK*A")  # fmt: skip

    more = (parcel(number) for number in ("T09", "T10", "T20", "T30"))
    order = shipped("O1", parcel("T08", ("O1-1", 2)), *more)
    assert told.differences("x12-856", x12(("856", notice)), [order]) == NOTHING
    assert told.differences("x12-945", x12(("945", advice)), [order]) == NOTHING


def test_what_is_in_no_parcel_is_told(told: Told) -> None:
    notice = (*NOTICE, "HL*2*1*O", "PRF*O1", "HL*3*2*P", "MAN*CP*T1", *item(4, 3, 1, 2),
              "HL*5*2*P", *item(6, 5, 2, 1))  # fmt: skip
    advice = ("W06*F*O1*20261119*S1", "N1*ST*Dana", "W27*M*UPSN", "LX*1", "W12*CC*2*2*0*EA**SK*A")
    despatch = ("BGM+351+D1+9", "DTM+137:20261119:102", "RFF+ON:O1", "TDT+20++30++DPD",
                "CPS+1", "LIN+1++111:EN", "QTY+12:2:PCE")  # fmt: skip

    rejected = ({"code": "R314"},)
    for mapping, text in (
        ("x12-856", x12(("856", notice))),
        ("x12-945", x12(("945", advice))),
        ("edifact-desadv", edifact(("DESADV", despatch))),
    ):
        assert told.differences(mapping, text, [], rejected=rejected) == NOTHING


def test_what_was_not_shipped_needs_no_parcel(told: Told) -> None:
    advice = ("W06*F*O1*20261119*S1", "N1*ST*Dana", "W27*M*UPSN", "LX*1", "MAN*CP*T1",
              "W12*CC*2*2*0*EA**SK*A", "LX*2", "W12*BO*2*0*2*EA**SK*B")  # fmt: skip

    order = shipped("O1", parcel("T1", ("O1-1", 2)))
    assert told.differences("x12-945", x12(("945", advice)), [order]) == NOTHING


def test_numbers_of_lines_and_of_packages_with_a_consignment(told: Told) -> None:
    despatch = (
        "BGM+351+D1+9", "DTM+137:20261119:102", "RFF+ON:O1", "TDT+20++30++DPD", "CPS+1",
        "LIN+1++111:EN", "QTY+12:2:PCE", "RFF+CN:T1", "LIN+2++112:EN", "QTY+12:1:PCE", "RFF+CW:T2",
        "CPS+2", "PAC+1++CT", "PCI+33E", "RFF+CN:C1", "RFF+CW:T3", "LIN+3++113:EN", "QTY+12:4:PCE",
    )  # fmt: skip

    order = shipped("O1", parcel("T1", ("O1-1", 2)), parcel("T2", ("O1-2", 1)), parcel("T3", ("O1-3", 4)))  # fmt: skip
    assert told.differences("edifact-desadv", edifact(("DESADV", despatch)), [order]) == NOTHING


# -- numbers ------------------------------------------------------------------------------------


def test_numbers_as_the_standards_write_them(told: Told) -> None:
    bought = ("BEG*00*DS*O1**20261119", *DANA, "PO1*1*2*EA*.5**SK*A", "PO1*2*2*EA*19.9**SK*B")
    edi = ("BGM+220+O1+9", "DTM+137:20261119:102", ERIKA, "LIN+1++111:EN", "QTY+21:2,0:PCE",
           "PRI+AAA:,5", "LIN+2++112:EN", "QTY+21:2:PCE", "PRI+AAA:1234,9", "UNS+S")  # fmt: skip

    def lines(*prices: str) -> dict[str, Any]:
        return {"articles_order": [{"quantity": 2, "unit_price": price} for price in prices]}

    assert told.differences("x12-850", x12(("850", bought)), [lines("0.50", "19.90")]) == NOTHING
    text = edifact(("ORDERS", edi))
    assert told.differences("edifact-orders", text, [lines("0.50", "1234.90")]) == NOTHING


def test_a_comma_that_may_group_thousands_is_no_number(told: Told) -> None:
    edi = ("BGM+220+O1+9", "DTM+137:20261119:102", ERIKA, "LIN+1++111:EN", "QTY+21:1,000:PCE",
           "UNS+S")  # fmt: skip

    rejected = ({"column": "qty", "code": "R201"},)
    text = edifact(("ORDERS", edi))
    assert told.differences("edifact-orders", text, [], rejected=rejected) == NOTHING


# -- once, and in the right century -------------------------------------------------------------


def test_two_numbers_of_a_whole_shipment_do_not_double_what_is_in_it(told: Told) -> None:
    notice = (*NOTICE, "REF*2I*T1", "REF*2I*T2", "HL*2*1*O", "PRF*O1", *item(3, 2, 1, 5))
    advice = ("W06*F*O1*20261119*S1", "N1*ST*Dana", "N9*2I*T1", "N9*2I*T2", "W27*M*UPSN", "LX*1",
              "W12*CC*5*5*0*EA**SK*A")  # fmt: skip
    despatch = ("BGM+351+D1+9", "DTM+137:20261119:102", "RFF+ON:O1", "RFF+CN:T1", "RFF+CN:T2",
                "TDT+20++30++UPS", "CPS+1", "LIN+1++111:EN", "QTY+12:5:PCE")  # fmt: skip

    order = shipped("O1", parcel("T1", ("O1-1", 5)), parcel("T2"))
    for mapping, text in (
        ("x12-856", x12(("856", notice))),
        ("x12-945", x12(("945", advice))),
        ("edifact-desadv", edifact(("DESADV", despatch))),
    ):
        assert told.differences(mapping, text, [order]) == NOTHING


def test_nothing_of_an_item_that_was_not_shipped(told: Told) -> None:
    notice = (*NOTICE, "HL*2*1*O", "PRF*O1", "HL*3*2*P", "MAN*CP*T1", *item(4, 3, 1, 5), *item(5, 3, 2, 0))  # fmt: skip

    order = shipped("O1", parcel("T1", ("O1-1", 5)))
    assert told.differences("x12-856", x12(("856", notice)), [order]) == NOTHING


def test_dates_of_six_digits(told: Told) -> None:
    notice = ("BSN*00*S1*261119*2210", "HL*1**S", "TD5*B*2*UPSN", "REF*2I*T1", "DTM*017*261121",
              "HL*2*1*O", "PRF*O1", *item(3, 2, 1, 5))  # fmt: skip
    bought = ("BEG*00*DS*O1**261119", "DTM*002*261124", *DANA, "PO1*1*2*EA***SK*A")
    release = ("W05*N*O1", *DANA, "G62*04*261119", "G62*02*261124", "LX*1", "W01*2*EA**SK*A")
    event = ("B10*T1*S1*UPSN", "L11*O1*PO", "LX*1", "AT7*D1*NS***261120*1015*LT")

    days = {"announced_send_date": "2026-11-19", "announced_delivery_date": "2026-11-21"}
    sent = shipped("O1", parcel("T1", ("O1-1", 5), **days))
    assert told.differences("x12-856", x12(("856", notice)), [sent]) == NOTHING
    created = {"order_date": "2026-11-19T00:00:00-05:00", "announced_delivery_date": "2026-11-24"}
    assert told.differences("x12-850", x12(("850", bought)), [created]) == NOTHING
    assert told.differences("x12-940", x12(("940", release)), [created]) == NOTHING
    delivered = {"checkpoints": [{"event_timestamp": "2026-11-20T10:15:00-05:00"}]}
    mutation = {"tracking": {"tracking_number": "T1", **delivered}}
    order = {"order_number": "O1", "mutations": [mutation]}
    assert told.differences("x12-214", x12(("214", event)), [order]) == NOTHING


def test_an_instruction_that_is_taken_back_takes_its_parcels_with_it(told: Told) -> None:
    def instruction(number: str, purpose: str) -> Message:
        return (f"BGM+610+C{number}+{purpose}", "DTM+137:20261119:102", "RFF+ON:O1", "TDT+20++30++GLS",
                "NAD+CN+++Erika+Lindenweg 4+Berlin++12207+DE", "GID+1+1:CT", f"RFF+CW:T{number}")  # fmt: skip

    back = {"type": "cancel_tracking", "tracking": {"tracking_number": "T2", "courier": "gls"}}
    text = edifact(("IFTMIN", instruction("1", "9")), ("IFTMIN", instruction("2", "1")))
    order = shipped("O1", parcel("T1"), back)
    assert told.differences("edifact-iftmin", text, [order], existing=("O1",)) == NOTHING

    text = edifact(("IFTMIN", instruction("2", "1")))
    order = shipped("O1", back, {"type": "cancel_order"})
    assert told.differences("edifact-iftmin", text, [order], existing=("O1",)) == NOTHING
