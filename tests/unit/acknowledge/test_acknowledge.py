"""What holds for every acknowledgement: codes, numbers, the time, and that we read our own."""

from datetime import datetime
from pathlib import Path

import pytest

from pipeline.acknowledge import Kind, acknowledge
from pipeline.acknowledge.codes import NOTED, ROWS, UNANSWERED, Level
from pipeline.model.edi import rules
from pipeline.model.edi.envelope import Interchange, Problem
from pipeline.model.rules import Severity
from tests.unit.acknowledge.received import NOW, UNB, edifact, orders, purchase_order, receive, x12

# Errors that no sender can be told more of than that the message was not used.
_GENERAL = {"E119", "E308"}

# ISO 9735-4 annex A: the levels where a syntax error code may stand.
_EVERYWHERE = {"12", "13", "14", "15", "16", "18", "21"}
_ALLOWED = {
    Level.INTERCHANGE: {"2", "17", "23", "25", "26", "28", "29", "33"},
    Level.GROUP: {"17", "25", "26", "28", "29", "33"},
    Level.MESSAGE: {"17", "25", "26", "28", "29", "35"},
    Level.SEGMENT: {"17", "25", "35", "36"},
    Level.ELEMENT: {"35", "37", "39", "40"},
}
_NOTES = {f"{number:03}" for number in range(32)}  # I18
_X12 = {
    Level.INTERCHANGE: _NOTES,
    Level.GROUP: {str(number) for number in range(1, 7)},  # 716
    Level.MESSAGE: {str(number) for number in range(1, 8)},  # 718
    Level.SEGMENT: {str(number) for number in range(1, 9)},  # 720
    Level.ELEMENT: {str(number) for number in range(1, 14)} - {"11"},  # 723
}

_ODD_X12 = "PO1*1*2*EA*9.5**SK*A1~XYZ*1~PO1*2*x*EAS~PO1*3*2*EA*\xe9\xe9~"
_CASES = {
    "accepted": x12(purchase_order()),
    "noted": x12(purchase_order("0002", _ODD_X12)),
    "rejected": x12(purchase_order(), "ST*850*0002~PO1*1*2*EA~SE*3*0002~"),
    "truncated": x12(purchase_order())[:-40],
    "unknown type": x12("ST*810*0001~BIG*20260301*I1~SE*3*0001~"),
    "no reference": x12("ST*850~BEG*00*SA*P1**20260301~PO1*1~SE*4~"),
    "edifact accepted": edifact(orders()),
    "edifact noted": edifact(orders("M1", "LIN+1'QTY+21:x'ZZZ+1'")),
    "edifact truncated": edifact(orders(), orders("M2"))[:-30],
    "edifact groups": f"{UNB}UNG+ORDERS+A+B+260308:2301+G1+UN+D:96A'{orders()}UNE+2+G1'UNZ+1+REF7'",
    "edifact version 4": edifact(orders(), unb=UNB.replace("UNOC:3", "UNOY:4")),
}


@pytest.mark.parametrize("case", _CASES)
def test_our_own_reader_finds_nothing_in_what_we_write(case: str, tmp_path: Path) -> None:
    answers = receive(_CASES[case], tmp_path).answers(*Kind)
    assert answers
    for answer in answers:
        read = receive(answer.text, tmp_path)
        assert [*read.envelopes.problems, *read.problems] == []
        messages = read.envelopes.messages
        assert messages.height == (answer.kind is not Kind.TA1)
        assert len(read.envelopes.interchanges) == 1


def test_every_error_that_a_partner_can_cause_has_a_code() -> None:
    told = {code for code, _ in ROWS}
    errors = {row.code for row in rules.ROWS if row.severity is Severity.ERROR}
    assert errors - told - UNANSWERED == _GENERAL
    assert told | UNANSWERED | NOTED <= {row.code for row in rules.ROWS}


@pytest.mark.parametrize("level", Level)
def test_codes_are_of_the_lists_of_their_level(level: Level) -> None:
    rows = [row for (_, at), row in ROWS.items() if at is level]
    assert {row.edifact for row in rows} <= _ALLOWED[level] | _EVERYWHERE
    assert {row.x12 for row in rows} <= _X12[level]


def test_an_error_without_a_code_of_its_own_still_rejects(tmp_path: Path) -> None:
    received = receive(x12(purchase_order()), tmp_path)
    found = Problem("E308", 1, 5, "A..B", "MAN.2..3", message=0)
    assert received.answer(Kind.X12_997, partner=[found])[5:7] == ["AK5*R*5", "AK9*R*1*1*0"]
    received = receive(edifact(orders()), tmp_path)
    assert received.answer(Kind.CONTRL, partner=[found])[3] == (
        "UCM+M1+ORDERS:D:96A:UN:EAN008+4+18"
    )


def test_the_time_needs_a_zone(tmp_path: Path) -> None:
    received = receive(x12(purchase_order()), tmp_path)
    with pytest.raises(ValueError, match="needs a time zone"):
        acknowledge(
            received.envelopes, [], kinds=list(Kind), now=datetime(2026, 3, 9),  # noqa: DTZ001
            control=lambda _: 1,
        )  # fmt: skip


@pytest.mark.parametrize("number", [0, 1_000_000_000])
def test_a_control_number_has_at_most_nine_digits(number: int, tmp_path: Path) -> None:
    received = receive(x12(purchase_order()), tmp_path)
    with pytest.raises(ValueError, match="is not between 1 and 999999999"):
        acknowledge(received.envelopes, [], kinds=[Kind.X12_997], now=NOW, control=lambda _: number)


def test_numbers_are_drawn_for_the_sender_and_only_when_used(tmp_path: Path) -> None:
    drawn: list[str] = []

    def control(interchange: Interchange) -> int:
        drawn.append(interchange.sender)
        return len(drawn)

    received = receive(x12(purchase_order()), tmp_path)
    acknowledge(received.envelopes, [], kinds=[Kind.CONTRL], now=NOW, control=control)
    assert drawn == []
    acknowledge(received.envelopes, [], kinds=list(Kind), now=NOW, control=control)
    assert drawn == ["ACME"] * 3
