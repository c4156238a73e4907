"""CONTRL, word for word."""

from pathlib import Path

import pytest

from pipeline.acknowledge import Kind
from pipeline.model.edi.envelope import Problem
from tests.unit.acknowledge.received import UNB, edifact, orders, receive

_HEAD = [
    "UNB+UNOC:3+5412345000013:14+4012345000009:14:ACMEIN+260309:1405+42",
    "UNH+1+CONTRL:D:3:UN",
]
_UCI = "UCI+REF7+4012345000009:14:ACMEIN+5412345000013:14"


def test_a_clean_interchange_is_acknowledged_as_a_whole(tmp_path: Path) -> None:
    answer = receive(edifact(orders(), orders("M2")), tmp_path).answer(Kind.CONTRL)
    assert answer == [*_HEAD, f"{_UCI}+7", "UNT+3+1", "UNZ+1+42"]


def test_warnings_are_noted_and_the_message_is_acknowledged(tmp_path: Path) -> None:
    odd = orders("M2", "LIN+1++4000862141404:EN'QTY+21:2x'ZZZ+1'")
    received = receive(edifact(orders(), odd), tmp_path)
    assert received.answer(Kind.CONTRL)[2:] == [
        f"{_UCI}+7",
        "UCM+M2+ORDERS:D:96A:UN:EAN008+7",
        "UCS+5",
        "UCD+37+2:2",
        "UCS+6+15",
        "UNT+7+1",
        "UNZ+1+42",
    ]
    assert received.answers(Kind.CONTRL)[0].rejected == 0


def test_an_error_rejects_its_message_alone(tmp_path: Path) -> None:
    lost = "UNH+M2+ORDERS:D:96A:UN:EAN008'BGM+220+M2+9'LIN+1'UNS+S'UNT+5+M2'"  # DTM is mandatory
    received = receive(edifact(orders(), lost), tmp_path)
    assert received.answer(Kind.CONTRL)[2:] == [
        f"{_UCI}+7",
        "UCM+M2+ORDERS:D:96A:UN:EAN008+4",
        "UCS+2+13",  # the last segment before the place of the missing one
        "UNT+5+1",
        "UNZ+1+42",
    ]
    (written,) = received.answers(Kind.CONTRL)
    assert (written.accepted, written.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("UNT+7+M1", "UNT+8+M1"), "4+29+UNT+2"),
        (("UNT+7+M1", "UNT+7+M9"), "4+28+UNT+3"),
        (("UNT+7+M1'", ""), "4+13+UNT"),
    ],
)
def test_a_fault_of_the_message_envelope_has_its_place(
    change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    answer = receive(edifact(orders().replace(*change)), tmp_path).answer(Kind.CONTRL)
    assert answer[3] == f"UCM+M1+ORDERS:D:96A:UN:EAN008+{told}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("UNZ+1+REF7", "UNZ+2+REF7"), "4+29+UNZ+2"),
        (("UNZ+1+REF7", "UNZ+1+REF8"), "4+28+UNZ+3"),
        (("UNZ+1+REF7'", ""), "4+13+UNZ"),
        (("UNZ+1+REF7'", "BGM+1'UNZ+1+REF7'"), "7+33"),
    ],
)
def test_a_fault_of_the_interchange_is_told_there_and_nowhere_else(
    change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    answer = receive(edifact(orders()).replace(*change), tmp_path).answer(Kind.CONTRL)
    assert answer[2:] == [f"{_UCI}+{told}", "UNT+3+1", "UNZ+1+42"]


@pytest.mark.parametrize(
    ("code", "told"), [("E114", "26+UNB+6"), ("E121", "23+UNB+3"), ("E122", "25+UNB+12")]
)
def test_what_partners_are_refused_for_rejects_the_interchange(
    code: str, told: str, tmp_path: Path
) -> None:
    received = receive(edifact(orders()), tmp_path)
    answer = received.answer(Kind.CONTRL, partner=[Problem(code, 1, 1, "REF7")])
    assert answer[2] == f"{_UCI}+4+{told}"


def test_a_truncated_interchange_is_rejected_with_all_its_messages(tmp_path: Path) -> None:
    text = edifact(orders(), orders("M2"))
    received = receive(text[: text.index("UNS+S'UNT+7+M2")], tmp_path)
    assert received.answer(Kind.CONTRL)[2] == f"{_UCI}+4+13+UNZ"
    (written,) = received.answers(Kind.CONTRL)
    assert (written.accepted, written.rejected) == (0, 2)


def test_a_type_that_no_mapping_can_read_is_not_supported(tmp_path: Path) -> None:
    invoice = "UNH+M3+INVOIC:D:96A:UN'BGM+380+1+9'UNT+3+M3'"
    answer = receive(edifact(orders(), invoice), tmp_path).answer(Kind.CONTRL)
    assert answer[2:4] == [f"{_UCI}+7", "UCM+M3+INVOIC:D:96A:UN+4+14+UNH+3"]


def test_groups_are_answered_by_their_own_segment(tmp_path: Path) -> None:
    groups = (
        f"UNG+ORDERS+APP1:ZZ+APP2+260308:2301+G1+UN+D:96A'{orders()}UNE+1+G1'"
        f"UNG+ORDERS+APP1:ZZ+APP2+260308:2301+G2+UN+D:96A'{orders('M2')}UNE+2+G2'"
        f"UNG+ORDERS+APP1:ZZ+APP2+260308:2301+G3+UN+D:96A'{orders('M3', 'ZZZ+1')}UNE+1+G3'"
    )
    groups = groups.replace("ZZZ+1UNS", "ZZZ+1'UNS").replace("UNT+5+M3", "UNT+6+M3")
    answer = receive(f"{UNB}{groups}UNZ+3+REF7'", tmp_path).answer(Kind.CONTRL)
    assert answer[2:-2] == [
        f"{_UCI}+7",
        "UCF+G2+APP1:ZZ+APP2+4+29+UNE+2",
        "UCF+G3+APP1:ZZ+APP2+7",
        "UCM+M3+ORDERS:D:96A:UN:EAN008+7",
        "UCS+4+15",
    ]


def test_syntax_version_4_has_its_own_message_and_long_dates(tmp_path: Path) -> None:
    unb = "UNA:+.?*'" + UNB.replace("UNOC:3", "UNOY:4").replace("260308", "20260308")
    received = receive(edifact(orders("M1", "ZZZ+1'"), unb=unb), tmp_path)
    text = received.answers(Kind.CONTRL)[0].text.decode()
    assert text == (
        "UNA:+.?*'UNB+UNOY:4+5412345000013:14+4012345000009:14:ACMEIN+20260309:1405+42'"
        f"UNH+1+CONTRL:4:1:UN'{_UCI}+7'UCM+M1+ORDERS:D:96A:UN:EAN008+7'UCS+4+15'"
        "UNT+5+1'UNZ+1+42'"
    )


def test_what_separates_is_released_and_the_test_indicator_returned(tmp_path: Path) -> None:
    unb = "UNB+UNOC:3+AC?+ME?:1:ZZ+M\xfcller:14+260308:2301+R?'7++++++1'"
    text = edifact(orders(), unb=unb).replace("UNZ+1+REF7", "UNZ+1+R?'7").encode("latin-1")
    (answer,) = receive(text, tmp_path).answers(Kind.CONTRL)
    assert answer.text.decode("latin-1") == (
        "UNB+UNOC:3+M\xfcller:14+AC?+ME?:1:ZZ+260309:1405+42++++++1'UNH+1+CONTRL:D:3:UN'"
        "UCI+R?'7+AC?+ME?:1:ZZ+M\xfcller:14+7'UNT+3+1'UNZ+1+42'"
    )
    assert answer.name == "CONTRL-AC_ME_1-000000042.edi"


def test_contrl_is_never_answered(tmp_path: Path) -> None:
    (ours,) = receive(edifact(orders()), tmp_path).answers(Kind.CONTRL)
    assert receive(ours.text, tmp_path).answers(*Kind) == []


@pytest.mark.parametrize(
    "unb",
    ["UNB+UNOC:3++5412345000013:14+260308:2301+REF7'",
     "UNB+UNOC:3+4012345000009:14++260308:2301+REF7'",
     "UNB+UNOC:3+4012345000009:14+5412345000013:14+260308:2301'"],
)  # fmt: skip
def test_no_valid_answer_can_be_made_without_parties_and_reference(
    unb: str, tmp_path: Path
) -> None:
    assert receive(edifact(orders(), unb=unb), tmp_path).answers(*Kind) == []
