"""Who may send what, and what came before: through every stage, against a real server."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.model.stops import SourceUnusable
from pipeline.run import PlanStale, Result
from tests.run.conftest import Warehouse
from tests.run.inbox import ORDERS_850, PARCELS_945, Inbox, interchange, order, parcel

ACME = '[partner.acme]\nsyntax = "x12"\nid = "ACME"\n'


@pytest.fixture
def inbox(warehouse: Warehouse) -> Inbox:
    return Inbox(warehouse)


def warned(inbox: Inbox) -> list[object]:
    return [f["text"] for level, _, f in inbox.warehouse.told.events if level == "warning"]


# --- who sends what ------------------------------------------------------------------------------


def test_without_partners_every_sender_is_taken(inbox: Inbox) -> None:
    inbox.send(interchange(("850", order("A1")), sender="ANYBODY"))

    assert inbox.run().exit_code == 0
    assert inbox.arrived() == ["A1"]


def test_an_unknown_sender_is_a_finding_and_the_rest_of_the_file_goes_on(inbox: Inbox) -> None:
    inbox.agree(ACME)
    inbox.send(
        interchange(("850", order("A1")), sender="ACNE")
        + interchange(("850", order("A2")), reference="000000906")
    )

    result = inbox.run()

    assert result.exit_code == 3
    assert inbox.found(result)[0] == ("E121", 1, "ACNE")
    assert inbox.arrived() == ["A2"]
    [first] = [r for r in inbox.warehouse.rejections(result) if r["segment"] == 1]
    assert first["message"] == (
        'ISA*06 is "ACNE", which is the id of no [partner.…] section; did you mean ACME?'
    )
    assert [f["partner"] for f in inbox.facts(result)] == [None, "acme"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("agreed", "column", "value", "words"),
    [
        ('qualifier = "01"', "ISA*05", "ZZ", '[partner.acme] has qualifier = "01"'),
        ('receiver = "SHOP"', "ISA*08", "PARCELLAB", '[partner.acme] has receiver = "SHOP"'),
        ('receiver_qualifier = "14"', "ISA*07", "ZZ", '[partner.acme] has receiver_qualifier = "14"'),
        (
            'receiver = "SHOP"\nreceiver_qualifier = "14"', "ISA*08", "PARCELLAB",
            '[partner.acme] has receiver = "SHOP", and receiver_qualifier = "14" where ISA*07 is "ZZ"',
        ),
    ],
)  # fmt: skip
def test_a_partner_is_told_apart_by_qualifier_and_receiver(
    inbox: Inbox, agreed: str, column: str, value: str, words: str
) -> None:
    inbox.agree(ACME + agreed + "\n")
    inbox.send(interchange(("850", order("A1"))))

    result = inbox.run()

    [first] = [r for r in inbox.warehouse.rejections(result) if r["segment"] == 1]
    assert (first["rule"], first["column"], first["raw"]) == ("E121", column, value)
    assert first["message"] == f'{column} is "{value}", but {words}'
    assert "pipeline.toml" in str(first["suggestion"])
    inbox.agree(ACME + 'qualifier = "ZZ"\nreceiver = "PARCELLAB"\nreceiver_qualifier = "ZZ"\n')
    assert inbox.run().exit_code == 0


@pytest.mark.parametrize(
    ("agreed", "code", "column", "value", "words"),
    [
        ('qualifier = "9"', "E121", "UNB+2.2", "14",
         'UNB+2.2 is "14", but [partner.acme] has qualifier = "9"'),
        ('receiver = "SHOP"', "E121", "UNB+3.1", "PARCELLAB",
         'UNB+3.1 is "PARCELLAB", but [partner.acme] has receiver = "SHOP"'),
        ('receiver_qualifier = "14"', "E121", "UNB+3.2", "",
         'UNB+3.2 is "", but [partner.acme] has receiver_qualifier = "14"'),
        ('versions = ["D:01B", "D:97A"]', "E124", "UNH+2.2", "D:96A",
         'UNH+2.2 is D:96A, but [partner.acme] has versions = ["D:01B", "D:97A"]'),
    ],
)  # fmt: skip
def test_edifact_says_the_component_that_was_not_agreed(
    inbox: Inbox, agreed: str, code: str, column: str, value: str, words: str
) -> None:
    text = ORDERS_850.replace('format: x12, transaction: "850"', "format: edifact, message: ORDERS")
    columns = '{no: BGM.2, country: "NAD[1=DP].9", sku: "LIN.3", pos: LIN.1, qty: "QTY.1.2"}'
    start, end = text.index("{no: BEG"), text.index("\nrows")
    (inbox.folder / "orders.yaml").write_text(text[:start] + columns + text[end:])
    inbox.agree(f'[partner.acme]\nsyntax = "edifact"\nid = "ACME"\n{agreed}\n')
    inbox.send(
        "UNB+UNOC:3+ACME:14+PARCELLAB+261120:1200+905'UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+A1+9'"
        "DTM+137:20261120:102'NAD+DP+++Jo+S 1+Berlin++10115+DE'LIN+1++S1:SA'QTY+21:2'UNS+S'UNT+8+1'"
        "UNZ+1+905'"
    )

    result = inbox.run()

    first = min(inbox.warehouse.rejections(result), key=lambda each: int(str(each["segment"])))
    assert (first["rule"], first["column"], first["raw"]) == (code, column, value)
    assert first["message"] == words


def test_an_id_of_the_other_syntax_is_said(inbox: Inbox) -> None:
    inbox.agree('[partner.acme]\nsyntax = "edifact"\nid = "ACME"\n')
    inbox.send(interchange(("850", order("A1"))))

    [first] = [r for r in inbox.warehouse.rejections(inbox.run()) if r["segment"] == 1]
    assert first["message"] == 'ISA*06 is "ACME", but [partner.acme] has syntax = "edifact"'


def test_a_test_interchange_is_a_finding_in_production_only(inbox: Inbox) -> None:
    inbox.send(interchange(("850", order("A1")), usage="T"))
    inbox.agree("", production=True)

    result = inbox.run()

    assert inbox.found(result)[0] == ("E122", 1, "T")
    assert inbox.arrived() == []

    inbox.agree(ACME)
    assert inbox.run().exit_code == 0
    assert any("in.edi has a test interchange" in str(text) for text in warned(inbox))


def test_a_test_interchange_of_a_partner_that_may_test_is_imported(inbox: Inbox) -> None:
    inbox.send(interchange(("850", order("A1")), usage="T"))
    inbox.agree(ACME + "test = true\n", production=True)

    assert inbox.run().exit_code == 0
    assert inbox.arrived() == ["A1"]


def test_messages_and_versions_that_are_not_agreed_reject_themselves_only(inbox: Inbox) -> None:
    (inbox.folder / "parcels.yaml").write_text(PARCELS_945, encoding="utf-8")
    inbox.agree(ACME + 'messages = ["850"]\nversions = ["004010"]\n')
    inbox.send(
        interchange(("850", order("A1")), ("945", parcel("A9", "P1")))
        + interchange(("850", order("A2")), reference="000000906", version="005010")
        + interchange(("850", order("A3")), reference="000000907", version="004010UCS")
    )

    result = inbox.run()

    codes = {(code, value) for code, _, value in inbox.found(result)}
    assert codes == {("E123", "945"), ("E124", "005010")}
    assert inbox.arrived() == ["A1", "A3"]
    assert [f["types"] for f in inbox.facts(result)] == [
        {"850": counts(1, 1), "945": counts(1, 0)}, {"850": counts(1, 0)}, {"850": counts(1, 1)},
    ]  # fmt: skip


def counts(counted: int, accepted: int) -> dict[str, int]:
    return {
        "counted": counted, "accepted": accepted, "rejected": counted - accepted, "not_read": 0,
    }  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("last", ["IEA*", "GE*1*2", "SE*7*0002", "~SE*7*0002", "*1**SK*S1~CTT"])
def test_a_file_that_is_cut_off_has_one_finding_and_stops_nobody_else(
    inbox: Inbox, last: str
) -> None:
    inbox.send(interchange(("850", order("A3")), reference="000000906"), "whole.edi")
    text = interchange(("850", order("A1")), ("850", order("A2")))
    inbox.send(text[: text.rindex(last) + 4], "cut.edi")

    result = inbox.run()

    assert result.exit_code == 3
    assert inbox.arrived() == ["A3"]
    assert {code for code, _, _ in inbox.found(result)} == {"E104"}
    findings = inbox.warehouse.settings.home / "runs" / result.run_id / "findings" / "*.parquet"
    assert set(pl.read_parquet(findings).get_column("code")) == {"E104"}


# --- what came before ----------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_control_reference_in_another_file_is_a_duplicate(inbox: Inbox) -> None:
    inbox.send(interchange(("850", order("A1"))), "monday.edi")
    first = inbox.run()
    (inbox.folder / "monday.edi").unlink()
    inbox.send(interchange(("850", order("A2"))), "tuesday.edi")

    second = inbox.run()

    assert second.exit_code == 3
    [found] = [r for r in inbox.warehouse.rejections(second) if r["segment"] == 1]
    assert (found["rule"], found["raw"]) == ("E114", "000000905")
    assert f"in monday.edi, run {first.run_id} of " in str(found["message"])
    assert inbox.arrived() == ["A1"]

    assert inbox.run(accept_duplicates=True).exit_code == 0
    assert inbox.arrived() == ["A1", "A2"]
    assert inbox.run().exit_code == 0  # tuesday.edi is the same file again now


def test_the_same_file_again_is_no_duplicate_under_another_name_neither(inbox: Inbox) -> None:
    text = interchange(("850", order("A1")))
    inbox.send(text, "a.edi")
    inbox.run()
    inbox.send(text, "b.edi")

    result = inbox.run()

    assert "E114" not in {code for code, _, _ in inbox.found(result)}


def test_a_reference_twice_in_a_file_is_a_duplicate_the_second_time(inbox: Inbox) -> None:
    inbox.send(interchange(("850", order("A1"))) + interchange(("850", order("A2"))))

    result = inbox.run()

    assert inbox.arrived() == ["A1"]
    assert duplicates(inbox, result) == {
        "interchange 000000905 was received before: at segment 1 of this file"
    }


def test_a_reference_in_two_files_of_a_run_is_a_duplicate_the_second_time(inbox: Inbox) -> None:
    inbox.send(interchange(("850", order("A1"))), "a.edi")
    inbox.send(interchange(("850", order("A2"))), "b.edi")

    result = inbox.run()

    assert inbox.arrived() == ["A1"]
    assert duplicates(inbox, result) == {
        "interchange 000000905 was received before: in a.edi of this run"
    }


def duplicates(inbox: Inbox, result: Result) -> set[str]:
    """What is said at the headers of duplicates; the rows besides name the segment."""
    records = [r for r in inbox.warehouse.rejections(result) if r["rule"] == "E114"]
    return {str(r["message"]).partition(", segment")[0].rstrip(".") for r in records}


def test_what_was_rejected_may_be_sent_again_under_its_number(inbox: Inbox) -> None:
    good = interchange(("850", order("A1")))
    inbox.send(good.replace("IEA*1", "IEA*2"))
    assert inbox.run().exit_code == 3
    inbox.send(good)

    assert inbox.run().exit_code == 0
    assert inbox.arrived() == ["A1"]


def test_a_partner_that_counts_in_circles_may_repeat_itself(inbox: Inbox) -> None:
    inbox.agree(ACME + "accept_duplicates = true\n")
    inbox.send(interchange(("850", order("A1"))), "a.edi")
    inbox.send(interchange(("850", order("A2"))), "b.edi")

    assert inbox.run().exit_code == 0
    assert inbox.arrived() == ["A1", "A2"]


def test_a_run_that_a_safety_stop_ends_has_taken_nothing_over(inbox: Inbox) -> None:
    inbox.send(interchange(("850", order("A1"))))
    assert inbox.run(min_rows=5).exit_code == 7
    inbox.send(interchange(("850", order("A1", sku="S2"))))

    assert inbox.run().exit_code == 0


# --- which mapping reads what --------------------------------------------------------------------


def test_several_mappings_read_their_own_messages_of_one_file(inbox: Inbox) -> None:
    (inbox.folder / "parcels.yaml").write_text(PARCELS_945, encoding="utf-8")
    inbox.send(
        interchange(("850", order("A1")), ("945", parcel("A1", "P1")), ("856", "BSN*00*1*20261120*1200~HL*1**S~"))
        + "junk"
    )  # fmt: skip

    result = inbox.run()

    [put] = inbox.warehouse.sandbox.puts()
    body = json.loads(put.body)
    assert [line["sku"] for line in body["articles_order"]] == ["S1"]
    assert [m["tracking"]["tracking_number"] for m in body["mutations"]] == ["P1"]
    rows = result.summary["rows"]
    assert isinstance(rows, dict)
    assert rows["read"] == 2
    folder = inbox.warehouse.settings.home / "runs" / result.run_id
    findings = pl.read_parquet(folder / "findings" / "*.parquet").get_column("code")
    assert sorted(findings) == ["E111", "E208"]  # once, not once per mapping


def test_two_mappings_of_one_message_are_refused(inbox: Inbox) -> None:
    other = (inbox.folder / "orders.yaml").read_text().replace("purchase-orders", "other")
    (inbox.folder / "other.yaml").write_text(other)
    inbox.send(interchange(("850", order("A1"))))

    with pytest.raises(SourceUnusable, match=r"^in\.edi: its messages 850 are read by .*orders"):
        inbox.run()


def test_each_partner_has_its_own_mapping(inbox: Inbox) -> None:
    other = (inbox.folder / "orders.yaml").read_text().replace("purchase-orders", "globex")
    (inbox.folder / "globex.yaml").write_text(other.replace("{no}-{pos}", "G-{pos}"))
    inbox.agree(
        ACME + 'mappings = {850 = "orders.yaml"}\n'
        '[partner.globex]\nsyntax = "x12"\nid = "GLOBEX"\nmappings = {850 = "globex.yaml"}\n'
    )
    inbox.send(
        interchange(("850", order("A1")))
        + interchange(("850", order("A2")), sender="GLOBEX")
        + interchange(("850", order("A3")), sender="NOBODY")
    )

    result = inbox.run_by_partner("orders.yaml", "globex.yaml")

    sent = {put.order_number: json.loads(put.body) for put in inbox.warehouse.sandbox.puts()}
    assert {
        number: [line["line_item_id"] for line in body["articles_order"]]
        for number, body in sent.items()
    } == {"A1": ["A1-1"], "A2": ["G-1"]}
    assert result.exit_code == 3
    assert "E121" in {code for code, _, _ in inbox.found(result)}


def test_a_plan_is_stale_when_other_things_are_agreed(inbox: Inbox, tmp_path: Path) -> None:
    inbox.agree(ACME)
    inbox.send(interchange(("850", order("A1"))))
    inbox.warehouse.plan_to(tmp_path / "plan", str(inbox.folder))
    inbox.agree(ACME + 'messages = ["945"]\n')

    with pytest.raises(PlanStale, match="agreed with partners"):
        inbox.warehouse.run_plan(tmp_path / "plan")
