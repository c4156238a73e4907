"""Where segments may stand, what levels belong to, and totals of lines (E201 to E207)."""

import pytest

from tests.edi.reading import Said, said
from tests.edi.samples import (
    DESADV,
    NOTICE_856,
    ORDER_850,
    ORDERS,
    SHIPPED_945,
    STATUS_IFTSTA,
    Message,
    edifact,
    x12,
)


def without(message: Message, *segments: str) -> list[str]:
    assert set(segments) <= set(message)
    return [each for each in message if each not in segments]


def before(message: Message, segment: str, *more: str) -> list[str]:
    at = list(message).index(segment)
    return [*message[:at], *more, *message[at:]]


def of_945(message: Message) -> list[Said]:
    return said(x12(("945", message)))


def of_desadv(message: Message) -> list[Said]:
    return said(edifact(("DESADV", message), una=False))


@pytest.mark.parametrize("kind", ["945", "856", "850"])
def test_a_valid_x12_message_is_said_nothing_about(kind: str) -> None:
    message = {"945": SHIPPED_945, "856": NOTICE_856, "850": ORDER_850}[kind]

    assert said(x12((kind, message), (kind, message))) == []


@pytest.mark.parametrize("kind", ["DESADV", "IFTSTA", "ORDERS"])
def test_a_valid_edifact_message_is_said_nothing_about(kind: str) -> None:
    message = {"DESADV": DESADV, "IFTSTA": STATUS_IFTSTA, "ORDERS": ORDERS}[kind]

    assert said(edifact((kind, message), (kind, message))) == []


def test_a_missing_mandatory_segment_is_said_at_the_next_one() -> None:
    # line 4 is W06, without it N1
    assert of_945(SHIPPED_945[1:]) == [("E201", 4, 4, "W06", "", None)]


def test_a_missing_mandatory_loop_is_said_at_the_next_segment() -> None:
    message = [each for each in SHIPPED_945 if not each.startswith(("N1", "N3", "N4"))]

    assert of_945(message) == [("E201", 5, 5, "N1", "", None)]


def test_an_undefined_segment_is_stepped_over() -> None:
    assert of_945(before(SHIPPED_945, "G62*11*20260314", "ZZZ*1*2")) == [
        ("E202", 9, 9, "ZZZ", "945", None)
    ]
    # a segment that the syntax knows, but not this message
    assert of_945(before(SHIPPED_945, "G62*11*20260314", "HL*1**S")) == [
        ("E202", 9, 9, "HL", "945", None)
    ]


def test_a_moved_segment_is_read_where_it_would_belong() -> None:
    n4 = "N4*Berlin**10115*DE"
    message = before(without(SHIPPED_945, n4), "N3*Hauptstr. 5", n4)

    assert of_945(message) == [("E203", 7, 7, "N3", "N1", None)]


def test_a_segment_that_repeats_too_often_is_said_once() -> None:
    message = before(DESADV, "DTM+11:202603141530:203", *["DTM+2:20260314:102"] * 15)

    assert of_desadv(message) == [("E204", 14, 14, "DTM", "10", None)]


def test_a_loop_that_repeats_too_often_is_said_once() -> None:
    parties = ["N1*ST*Erika Muster*92*4711", "N3*Hauptstr. 5"] * 12
    message = before(SHIPPED_945, "N1*ST*Erika Muster*92*4711", *parties)

    # line 5 has the first N1, line 25 the eleventh
    assert of_945(message) == [("E204", 25, 25, "N1", "10", None)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("HL*4*3*I", "HL*4*9*I", ("E205", 17, 17, "9", "", "HL*02")),
        ("HL*4*3*I", "HL*4*4*I", ("E205", 17, 17, "4", "", "HL*02")),
        ("HL*4*3*I", "HL*3*2*I", ("E206", 17, 17, "3", "", "HL*01")),
        ("HL*4*3*I", "HL*4*99999999999999999*I", ("E205", 17, 17, "99999999999999999", "", "HL*02")),
    ],
)  # fmt: skip
def test_levels_that_do_not_hang_together_are_said(old: str, new: str, expected: Said) -> None:
    message = [each.replace(old, new) for each in NOTICE_856]

    assert expected in said(x12(("856", message)))


def test_packing_levels_that_do_not_hang_together_are_said() -> None:
    message = [each.replace("CPS+3+1", "CPS+3+7") for each in DESADV]

    assert of_desadv(message) == [("E205", 18, 18, "7", "", "CPS+2")]


def test_a_wrong_total_of_lines_is_said() -> None:
    assert said(x12(("856", [*NOTICE_856[:-1], "CTT*7"]))) == [("E207", 25, 25, "7", "6", "CTT*01")]
    assert said(x12(("856", [*NOTICE_856[:-1], "CTT*2"]))) == []  # counts items, as many do
    assert of_desadv([*DESADV[:-1], "CNT+2:3"]) == [("E207", 24, 24, "3", "2", "CNT+1.2")]


def test_each_message_has_its_own_limit_of_findings() -> None:
    many = before(SHIPPED_945, "G62*11*20260314", *["ZZZ*1"] * 50)

    found = said(x12(("945", many), ("945", many)))

    assert [each[0] for each in found].count("E202") == 40
    assert [each[1:5] for each in found if each[0] == "E125"] == [
        (29, 29, "30", "E202"),
        (96, 96, "30", "E202"),
    ]


def test_headers_of_cut_off_messages_are_not_too_many() -> None:
    """Two messages of one segment each: the second header begins a message of its own."""
    text = x12(("850", ORDER_850), ("850", ORDER_850)).replace("BEG", "GE*1*1~\nBEG", 1)

    assert "E204" not in [each[0] for each in said(text)]
    assert sorted(said(text)) == sorted(said(text, 64))
