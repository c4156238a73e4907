"""EDI files through the real flow: what their report says of rejected messages and lost parts."""

import json
from pathlib import Path

import pytest

from pipeline.run import Result
from pipeline.run import spool as spooling
from tests.run.conftest import Warehouse, order_row
from tests.run.test_answers import play

MAPPING = """\
version: 1
name: asn
mode: update_only
source:
  format: x12
  transaction: "856"
  files: "*.edi"
  columns: {qty: integer}
extract:
  columns:
    order_no: "O/PRF.1"
    scac: "S/TD5.3"
    tracking: "P/MAN[1=CP].2"
    sku: "I/LIN[*=SK].+1"
    line_no: "I/LIN.1"
    qty: "I/SN1.2"
lookups:
  couriers: {UPSN: ups}
rows: {key: order_no}
order: {order_number: order_no}
trackings:
  key: tracking
  fields:
    tracking_number: tracking
    courier: {from: scac, lookup: couriers}
    articles: {line_item_id: {template: "{order_no}-{line_no}"}, sku: sku, quantity: qty}
"""
ISA = "ISA*00*          *00*          *ZZ*WAREHOUSE      *ZZ*SHOP           *261119*0200*U*00401"
NOTICES = 4


def notice(number: int, order: str, lines: int = 2, *, qty: str = "2", count: int = 0) -> list[str]:
    """A ship notice; `count` replaces the number of segments that it declares."""
    body = [
        f"ST*856*{number:04}", f"BSN*00*S{number}*20261119*0200*0001", "HL*1**S",
        "TD5**2*UPSN*M*UPS GROUND", "N1*ST*JANE DOE", "HL*2*1*O", f"PRF*{order}***20261118",
        "HL*3*2*P", f"MAN*CP*1Z999AA1{number:04}",
    ]  # fmt: skip
    for line in range(1, lines + 1):
        body += [f"HL*{3 + line}*3*I", f"LIN*{line}*SK*SKU{line}", f"SN1**{qty}*EA"]
    body.append(f"CTT*{3 + lines}")
    return [*body, f"SE*{count or len(body) + 1}*{number:04}"]


def interchange(reference: int, *messages: list[str]) -> str:
    segments = [
        f"{ISA}*{reference:09}*0*P*>", "GS*SH*WAREHOUSE*SHOP*20261119*0200*1*X*004010",
        *(segment for message in messages for segment in message),
        f"GE*{len(messages)}*1", f"IEA*1*{reference:09}",
    ]  # fmt: skip
    return "~\n".join(segments) + "~\n"


@pytest.fixture
def inbox(warehouse: Warehouse) -> Warehouse:
    """A folder of ship notices for orders that exist."""
    warehouse.orders(order_row("WH-1"), order_row("WH-6"))
    warehouse.run()
    for name in ("orders.yaml", "orders.csv"):
        (warehouse.folder / name).unlink()
    (warehouse.folder / "asn.yaml").write_text(MAPPING, encoding="utf-8")
    return warehouse


def page(result: Result) -> str:
    assert result.report is not None
    return result.report.read_text(encoding="utf-8")


def night(inbox: Warehouse, text: str) -> Path:
    path = inbox.folder / "night.edi"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_rejected_message_stands_on_the_page_once_with_its_place(inbox: Warehouse) -> None:
    night(
        inbox,
        interchange(
            1, notice(1, "WH-1"), notice(2, "WH-2", lines=12, count=40), notice(3, "WH-3", qty="X7")
        ),
    )
    result = inbox.plan()
    text = page(result).replace("\N{NO-BREAK SPACE}", " ")

    assert result.exit_code == 3
    assert text.count("SE*01 declares 40, counted segments: 47") == 2  # as example and as entry
    assert 'message 0002 (856), <span class="nowrap">12 rows</span>' in text
    assert "night.edi:66 (segment 66)" in text
    assert '<span class="col">qty</span> <code class="path">I/SN1.2</code>' in text
    file = result.summary["interchanges"][0]  # type: ignore[index]
    assert (file["accepted"], file["rejected"], file["segments"]["differing"]) == (2, 1, 1)
    quantity = next(each for each in inbox.rejections(result) if each["rule"] == "R201")
    assert (quantity["column"], quantity["path"]) == ("qty", "I/SN1.2")
    assert "JANE" not in text


@pytest.mark.thorough
def test_an_unreadable_interchange_beside_good_ones_is_no_success(inbox: Warehouse) -> None:
    night(
        inbox,
        interchange(4, notice(1, "WH-1"))
        + "ISA~broken*JANE DOE~\n"
        + interchange(6, notice(1, "WH-6")),
    )
    result = inbox.run()

    assert result.exit_code == 3
    assert result.text.startswith("PARTLY IMPORTED: 2 of 2 orders arrived")
    assert (
        "An interchange of night.edi could not be read: what was in it is unknown." in result.text
    )
    assert "About the files" in page(result)
    assert "JANE" not in page(result) + result.text
    assert inbox.run(partial_ok=True).exit_code == 0


def test_declared_totals_of_lines_are_shown_where_they_match_too(inbox: Warehouse) -> None:
    """CTT counts HL in the first notice, and items, as many senders do, in the second."""
    first, second, third = (notice(n, f"WH-{n}") for n in (1, 2, 3))
    second[second.index("CTT*5")] = "CTT*2"
    del third[third.index("CTT*5")]
    third[-1] = f"SE*{len(third)}*0003"
    night(inbox, interchange(1, first, second, third))
    right = inbox.plan()
    night(inbox, interchange(1, [each.replace("CTT*5", "CTT*6") for each in first], second, third))
    wrong = inbox.plan()

    lines = [result.summary["interchanges"][0]["lines"] for result in (right, wrong)]  # type: ignore[index]
    assert lines == [
        {"declared": 7, "counted": 7, "differing": 0, "silent": 0},
        {"declared": 8, "counted": 7, "differing": 1, "silent": 0},
    ]
    assert '<th scope="col">Lines</th>' in page(right)
    assert '<td data-label="Lines"><span class="nowrap">✔ 7</span></td>' in page(right)
    assert "✖ 8 declared,</span> <span" in page(wrong)
    assert "night.edi: lines: 8 declared, 7 counted" in wrong.text


def test_findings_without_rows_are_told_of_large_inputs_too(
    inbox: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of a large input are spread over partitions on disk, and so are the findings."""
    night(
        inbox,
        "junk before\n" + interchange(1, *(notice(n, f"WH-{n}") for n in range(1, NOTICES + 1))),
    )
    whole = inbox.plan()
    monkeypatch.setattr(spooling, "PARTITION_BYTES", 500)
    parts = inbox.plan()

    assert [note["code"] for note in whole.summary["notes"]] == ["E111"]  # type: ignore[attr-defined]
    for name in ("notes", "interchanges", "rows", "orders"):
        assert parts.summary[name] == whole.summary[name], name


def test_a_plan_keeps_its_messages_for_the_run_that_sends_it(inbox: Warehouse) -> None:
    night(inbox, interchange(1, notice(1, "WH-1"), notice(2, "WH-2", count=9)))
    planned = inbox.plan()
    assert planned.plan is not None
    sent = inbox.run_plan(planned.plan)

    assert sent.summary["interchanges"] == planned.summary["interchanges"]
    facts = json.loads(max((inbox.settings.home / "runs").glob("*-asn*/run.json")).read_text())
    assert [each["reference"] for each in facts["interchanges"]] == ["000000001"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("attr", "segment", "column", "path", "raw"),
    [
        ("mutations.0.tracking.articles.2.quantity", "HL*6*3*I", "qty", "I/SN1.2", "2"),
        ("mutations.0.tracking.articles.0.sku", "HL*4*3*I", "sku", "I/LIN[*=SK].+1", "SKU1"),
        ("mutations.0.tracking.tracking_number", "HL*4*3*I", "tracking", "P/MAN[1=CP].2", "1Z999AA10002"),
        ("mutations.0.tracking.courier", "HL*4*3*I", "scac", "S/TD5.3", "UPSN"),
        ("order_number", "HL*4*3*I", "order_no", "O/PRF.1", "WH-6"),
    ],
)  # fmt: skip
def test_an_answer_leads_to_segment_line_and_path(
    inbox: Warehouse, attr: str, segment: str, column: str, path: str, raw: str
) -> None:
    text = interchange(1, notice(1, "WH-1", 1), notice(2, "WH-6", 3))
    (inbox.folder / "night.edi").write_text(text, encoding="utf-8")
    play(inbox, {"fault": "http_400_a", "order_number": "WH-6", "attr": attr, "detail": "is odd"})

    result = inbox.run()

    assert result.exit_code == 3
    [record] = inbox.rejections(result)
    segments = text.splitlines()
    place = len(segments) - 1 - segments[::-1].index(f"{segment}~")  # in the second message
    assert (record["file"], record["line"], record["segment"]) == (
        "night.edi",
        place + 1,
        place + 1,
    )
    assert (record["column"], record["path"], record["raw"]) == (column, path, raw)
