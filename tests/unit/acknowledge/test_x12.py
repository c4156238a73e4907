"""997, 999 and TA1, word for word."""

from pathlib import Path

import pytest

from pipeline.acknowledge import Kind
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Delimiters, Problem
from tests.unit.acknowledge.received import GS, ISA, purchase_order, receive, segments_of, x12

_NO_HEADER = "ST*850*0002~PO1*1*2*EA*9.5**SK*A1~SE*3*0002~"  # BEG is mandatory
_ODD = "PO1*1*2*EA*9.5**SK*A1~XYZ*1~PO1*2*x*EAS~"


def test_a_clean_interchange_is_accepted(tmp_path: Path) -> None:
    answer = receive(x12(purchase_order()), tmp_path).answer(Kind.X12_997)
    assert answer == [
        "ISA*00*          *00*          *12*5551234        *ZZ*ACME           "
        "*260309*1405*U*00401*000000042*0*P*>",
        "GS*FA*WE*ACME*20260309*1405*42*X*004010",
        "ST*997*0001",
        "AK1*PO*17",
        "AK2*850*0001",
        "AK5*A",
        "AK9*A*1*1*1",
        "SE*6*0001",
        "GE*1*42",
        "IEA*1*000000042",
    ]


def test_warnings_are_noted_and_the_message_is_accepted(tmp_path: Path) -> None:
    text = x12(purchase_order(), purchase_order("0002", _ODD))
    answer = receive(text, tmp_path).answer(Kind.X12_997)
    assert answer[3:-3] == [
        "AK1*PO*17",
        "AK2*850*0001",
        "AK5*A",
        "AK2*850*0002",
        "AK3*XYZ*4**1",
        "AK3*PO1*5*PO1*8",
        "AK4*2**6*x",
        "AK4*3**5*EAS",
        "AK5*E*5",
        "AK9*E*2*2*2",
    ]


def test_an_error_rejects_its_message_alone(tmp_path: Path) -> None:
    received = receive(x12(purchase_order(), _NO_HEADER), tmp_path)
    answer = received.answer(Kind.X12_997)
    assert answer[3:-3] == [
        "AK1*PO*17",
        "AK2*850*0001",
        "AK5*A",
        "AK2*850*0002",
        "AK3*BEG*2**3",
        "AK5*R*5",
        "AK9*P*2*2*1",
    ]
    (written,) = received.answers(Kind.X12_997)
    assert (written.accepted, written.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("ST*850*0001~BEG*00*SA*P1**20260301~PO1*1*2*EA*9.5**SK*A1~SE*9*0001~", ["AK5*R*4"]),
        ("ST*850*0001~BEG*00*SA*P1**20260301~PO1*1*2*EA*9.5**SK*A1~SE*4*0007~", ["AK5*R*3"]),
        ("ST*850*0001~BEG*00*SA*P1**20260301~PO1*1*2*EA*9.5**SK*A1~", ["AK5*R*2"]),
        ("ST*850*0001~BEG*00*SA*P1**20261301~PO1*1*2*EA*9.5**SK*A1~SE*4*0001~",
         ["AK3*BEG*2**8", "AK4*5**8*20261301", "AK5*E*5"]),
        ("ST*850*0001~BEG*00*SA***20260301~PO1*1*2*EA*9.5**SK*A1~SE*4*0001~",
         ["AK3*BEG*2**8", "AK4*3**1", "AK5*R*5"]),
        ("ST*850*0001~BEG*00*SA*P1**20260301~PO1*1*2*EA*9.5**SK*A1~CTT*7~SE*5*0001~",
         ["AK3*CTT*4*CTT*8", "AK4*1**7*7", "AK5*R*5"]),
        ("ST*850*0001~BEG*00*SA*P1**20260301~PO1*1*2*E*9.5**SK*A1~SE*4*0001~",
         ["AK3*PO1*3*PO1*8", "AK4*3**4*E", "AK5*E*5"]),
        ("ST*850*0001~BEG*00*SA*P1**20260301~N1*ST*A~N3*X~N3*X~N3*X~PO1*1*2*EA*9.5**SK*A1~SE*8*0001~",
         ["AK3*N3*6*N1*5", "AK5*E*5"]),
    ],
    ids=["count", "reference", "trailer", "date", "missing", "total", "short", "often"],
)  # fmt: skip
def test_a_fault_has_its_code_and_its_place(message: str, told: list[str], tmp_path: Path) -> None:
    answer = receive(x12(message), tmp_path).answer(Kind.X12_997)
    assert answer[5:-4] == told


def test_a_truncated_interchange_is_rejected_with_all_its_messages(tmp_path: Path) -> None:
    text = x12(purchase_order(), purchase_order("0002"))
    text = text[: text.index("SE*4*0002")]
    received = receive(text, tmp_path)
    assert received.answer(Kind.X12_997)[3:-3] == [
        "AK1*PO*17",
        "AK2*850*0001",
        "AK5*R",
        "AK2*850*0002",
        "AK5*R*2",
        "AK9*R*2*2*0*3",
    ]
    assert received.answer(Kind.TA1)[1] == "TA1*000000905*260308*2301*R*023"


def test_a_type_that_no_mapping_can_read_is_not_supported(tmp_path: Path) -> None:
    invoice = "ST*810*0001~BIG*20260301*I1~SE*3*0001~"
    assert receive(x12(invoice), tmp_path).answer(Kind.X12_997)[4:-3] == [
        "AK2*810*0001",
        "AK5*R*1",
        "AK9*R*1*1*0",
    ]


def test_every_group_has_a_set_of_its_own_and_every_version_a_group(tmp_path: Path) -> None:
    second = GS.replace("*17*X*004010", "*18*X*004010") + purchase_order("0005") + "GE*1*18~"
    third = GS.replace("*17*X*004010", "*19*X*005010") + purchase_order("0007") + "GE*1*19~"
    text = f"{ISA}{GS}{purchase_order()}GE*3*17~{second}{third}IEA*3*000000905~"
    answer = receive(text, tmp_path).answer(Kind.X12_997)
    assert answer[1:] == [
        "GS*FA*WE*ACME*20260309*1405*42*X*004010",
        "ST*997*0001",
        "AK1*PO*17",
        "AK2*850*0001",
        "AK5*R",
        "AK9*R*3*1*0*5",
        "SE*6*0001",
        "ST*997*0002",
        "AK1*PO*18",
        "AK2*850*0005",
        "AK5*A",
        "AK9*A*1*1*1",
        "SE*6*0002",
        "GE*2*42",
        "GS*FA*WE*ACME*20260309*1405*43*X*005010",
        "ST*997*0001",
        "AK1*PO*19*005010",
        "AK2*850*0007",
        "AK5*A",
        "AK9*A*1*1*1",
        "SE*6*0001",
        "GE*1*43",
        "IEA*2*000000042",
    ]


def test_a_999_says_the_same_in_its_own_segments(tmp_path: Path) -> None:
    text = x12(purchase_order("0002", _ODD))
    assert receive(text, tmp_path).answer(Kind.X12_999) == [
        "ISA*00*          *00*          *12*5551234        *ZZ*ACME           "
        "*260309*1405*^*00501*000000042*0*P*>",
        "GS*FA*WE*ACME*20260309*1405*42*X*005010X231A1",
        "ST*999*0001*005010X231A1",
        "AK1*PO*17*004010",
        "AK2*850*0002",
        "IK3*XYZ*4**1",
        "IK3*PO1*5*PO1*8",
        "IK4*2**6*x",
        "IK4*3**5*EAS",
        "IK5*E*5",
        "AK9*E*1*1*1",
        "SE*10*0001",
        "GE*1*42",
        "IEA*1*000000042",
    ]


def test_ta1_is_written_where_isa14_asks_and_some_answer_is_wanted(tmp_path: Path) -> None:
    asks = x12(purchase_order(), isa=ISA.replace("*0*P*>", "*1*P*>"))
    received = receive(asks, tmp_path)
    kinds = [each.kind for each in received.answers(Kind.X12_997)]
    assert kinds == [Kind.TA1, Kind.X12_997]
    assert received.answers() == []
    assert (
        receive(x12(purchase_order()), tmp_path)
        .answers(Kind.TA1)[0]
        .text.endswith(b"TA1*000000905*260308*2301*A*000~IEA*0*000000042~")
    )


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (("IEA*1*000000905", "IEA*1*000000906"), "R*001"),
        (("IEA*1*000000905", "IEA*2*000000905"), "R*021"),
        (("GE*1*17~", "GE*1*17~N1*ST~"), "E*024"),
    ],
)
def test_ta1_says_what_is_wrong_with_the_envelope(
    change: tuple[str, str], note: str, tmp_path: Path
) -> None:
    answer = receive(x12(purchase_order()).replace(*change), tmp_path).answer(Kind.TA1)
    assert answer[1] == f"TA1*000000905*260308*2301*{note}"


@pytest.mark.parametrize(
    ("code", "note", "result"),
    [("E121", "006", "R"), ("E122", "020", "R")],
)
def test_what_partners_are_refused_for_rejects_the_interchange(
    code: str, note: str, result: str, tmp_path: Path
) -> None:
    received = receive(x12(purchase_order()), tmp_path)
    found = Problem(code, 1, 1, "000000905")
    assert received.answer(Kind.TA1, partner=[found])[1].endswith(f"*{result}*{note}")
    assert received.answer(Kind.X12_997, partner=[found])[4:7] == [
        "AK2*850*0001",
        "AK5*R",
        "AK9*R*1*1*0",
    ]


@pytest.mark.parametrize("kind", [Kind.X12_997, Kind.X12_999, Kind.TA1])
def test_a_duplicate_is_told_of_the_interchange_only(kind: Kind, tmp_path: Path) -> None:
    received = receive(x12(purchase_order()), tmp_path)
    (only,) = received.answers(kind, partner=[Problem("E114", 1, 1, "000000905")])
    assert (only.kind, only.accepted, only.rejected) == (Kind.TA1, 0, 1)
    assert segments_of(only.text)[1] == "TA1*000000905*260308*2301*R*025"
    assert received.answers(partner=[Problem("E114", 1, 1, "000000905")]) == []


@pytest.mark.parametrize(
    ("code", "segment", "told"),
    [
        ("E123", 2, ["AK5*R", "AK9*R*1*1*0*1"]),
        ("E124", 2, ["AK5*R", "AK9*R*1*1*0*2"]),
        ("E123", 3, ["AK5*R*1", "AK9*R*1*1*0"]),
    ],
)
def test_what_was_not_agreed_is_told_of_the_group_or_of_the_message(
    code: str, segment: int, told: list[str], tmp_path: Path
) -> None:
    received = receive(x12(purchase_order()), tmp_path)
    answer = received.answer(Kind.X12_997, partner=[Problem(code, 1, segment, "850")])
    assert answer[5:7] == told


@pytest.mark.parametrize("kind", ["997", "999"])
def test_acknowledgements_are_never_acknowledged(kind: str, tmp_path: Path) -> None:
    form = Kind(kind)
    (ours,) = receive(x12(purchase_order()), tmp_path).answers(form)
    for wanted in ([form], list(Kind)):
        assert receive(ours.text.replace(b"*0*P*", b"*1*P*"), tmp_path).answers(*wanted) == []
    (ours,) = receive(x12(purchase_order()), tmp_path).answers(Kind.TA1)
    assert receive(ours.text, tmp_path).answers(*Kind) == []


def test_separators_are_those_of_the_partner_or_those_configured(tmp_path: Path) -> None:
    theirs = x12(purchase_order("0002", "PO1*1*2*EAS*9.5**SK*A1~")).translate(
        str.maketrans("*~>", "|\n^")
    )
    text = receive(theirs.encode(), tmp_path).answers(Kind.X12_997)[0].text
    assert b"|0|P|^\nGS|FA|" in text
    assert text.endswith(
        b"AK4|3||5|EAS\nAK5|E|5\nAK9|E|1|1|1\nSE|8|0001\nGE|1|42\nIEA|1|000000042\n"
    )
    ours = Delimiters(Syntax.X12, ord("+"), ord(":"), ord("'"))
    received = receive(x12(purchase_order("0002", "PO1*1*2*E+S*9.5**SK*A1~")), tmp_path)
    (answer,) = received.answers(Kind.X12_997, delimiters=ours)
    # the value cannot be repeated: its + would separate
    assert b"+0+P+:'GS+FA+" in answer.text
    assert b"AK3+PO1+3+PO1+8'AK4+3++5'AK5" in answer.text


def test_an_old_version_has_short_dates_and_a_guide_leaves_the_version(tmp_path: Path) -> None:
    old = receive(x12(purchase_order(), gs=GS.replace("004010", "003060")), tmp_path)
    assert old.answer(Kind.X12_997)[1] == "GS*FA*WE*ACME*260309*1405*42*X*003060"
    guided = receive(x12(purchase_order(), gs=GS.replace("004010", "004010X098A1")), tmp_path)
    assert guided.answer(Kind.X12_997)[1].endswith("*X*004010")


def test_only_the_interchanges_asked_for_are_answered(tmp_path: Path) -> None:
    other = x12(purchase_order()).replace("*ZZ*ACME ", "*ZZ*BETA ")
    received = receive(x12(purchase_order()) + other, tmp_path)
    assert [each.name for each in received.answers(Kind.X12_997)] == [
        "997-ACME-000000042.edi",
        "997-BETA-000000043.edi",
    ]
    (only,) = received.answers(Kind.X12_997, interchanges=[1])
    assert (only.name, only.interchange, only.control) == ("997-BETA-000000042.edi", 1, 42)


def test_an_interchange_that_cannot_be_read_gets_no_answer(tmp_path: Path) -> None:
    broken = receive("ISA*00*broken~" + x12(purchase_order()), tmp_path)
    assert [each.interchange for each in broken.answers(*Kind)] == [0, 0, 0]
    assert {problem.code for problem in broken.envelopes.problems} >= {"E102"}
