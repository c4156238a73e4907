"""Elements against the tables, and dates that do not exist (E301 to E306)."""

import pytest

from tests.edi.reading import Said, said
from tests.edi.samples import DESADV, SHIPPED_945, Marks, edifact, x12


def changed_945(old: str, new: str) -> list[Said]:
    assert any(old in each for each in SHIPPED_945)
    return said(x12(("945", [each.replace(old, new) for each in SHIPPED_945])))


def changed_desadv(old: str, new: str) -> list[Said]:
    assert any(old in each for each in DESADV)
    return said(edifact(("DESADV", [each.replace(old, new) for each in DESADV]), una=False))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("N1*ST*Erika", "N1**Erika", ("E301", 5, 5, "", "role of the party", "N1*01")),
        ("G62*11*20260314", "G62*11*20260231", ("E306", 9, 9, "20260231", "date", "G62*02")),
        ("G62*11*20260314", "G62*11*2026031", ("E306", 9, 9, "2026031", "date", "G62*02")),
        ("G62*11*20260314", "G62*11*14.03.26", ("E303", 9, 9, "14.03.26", "date", "G62*02")),
        ("W12*CC*12*12", "W12*CC*zwölf*12", ("E303", 13, 13, "zwölf", "quantity ordered", "W12*02")),
        ("W12*CC*12*12", "W12*CC*1.2.3*12", ("E303", 13, 13, "1.2.3", "quantity ordered", "W12*02")),
        ("N4*Berlin**10115*DE", "N4*Berlin**10115*" + "D" * 40, ("E302", 7, 7, "D" * 40, "2 to 3", "N4*04")),
        ("N3*Hauptstr. 5", "N3*Hauptstr. 5" + "*x" * 9, ("E305", 6, 6, "10", "2", "N3")),
    ],
)  # fmt: skip
def test_each_fault_of_an_x12_element_is_said(old: str, new: str, expected: Said) -> None:
    assert changed_945(old, new) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "code", "column"),
    [
        ("BGM+351+SHP-77+9", "BGM+351+" + "S" * 80 + "+9", "E302", "BGM+2.1"),
        ("QTY+12:12", "QTY+12:zwei", "E303", "QTY+1.2"),
        ("QTY+12:3", "QTY", "E301", "QTY+1"),
        ("LIN+2++4006381333948:EN", "LIN+2:3++4006381333948:EN", "E305", "LIN+1"),
    ],
)
def test_each_fault_of_an_edifact_component_is_said(
    old: str, new: str, code: str, column: str
) -> None:
    found = changed_desadv(old, new)

    assert found[0][0] == code
    assert (found[0][5] or "").startswith(column.split(".")[0])


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("20260314", "102"), ("20240229", "102"), ("20000229", "102"), ("260314", "101"),
        ("202603141530", "203"), ("202603142400", "203"), ("20260314153059", "204"),
        ("2603141530", "201"), ("202603", "610"), ("202653", "616"), ("1530", "401"),
        ("2026031420260315", "718"), ("20260314-20260315", "718"), ("140326", "2"),
        ("202603141530202603141730", "719"), ("10", "804"), ("bald", "ZZZ"), ("202603141530UTC", "303"),
    ],
)  # fmt: skip
def test_dates_that_exist_are_said_nothing_about(value: str, form: str) -> None:
    assert changed_desadv("DTM+11:202603141530:203", f"DTM+11:{value}:{form}") == []


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("20020148", "102"), ("20260229", "102"), ("19000229", "102"), ("20261301", "102"),
        ("2026031", "102"), ("202603141530", "102"), ("20260314", "203"), ("202603142401", "203"),
        ("202603141560", "203"), ("260230", "101"), ("20260314153061", "204"), ("202613", "610"),
        ("202654", "616"), ("2026031420260332", "718"), ("20260314/20260315", "718"),
        ("heute...", "102"), ("310226", "2"), ("2561", "401"),
    ],
)  # fmt: skip
def test_dates_that_do_not_exist_are_said(value: str, form: str) -> None:
    assert changed_desadv("DTM+11:202603141530:203", f"DTM+11:{value}:{form}") == [
        ("E306", 5, 5, value, f"format {form}", "DTM+1.2")
    ]


def test_lengths_count_characters_and_not_bytes() -> None:
    name = "ü" * 35

    assert said(edifact(("DESADV", [each.replace("Erika Muster", name) for each in DESADV]), charset="UNOY")) == []  # fmt: skip


def test_released_characters_count_once() -> None:
    name = "'" * 35
    text = edifact(("DESADV", [each.replace("Erika Muster", "?'" * 35) for each in DESADV]))

    assert name not in text
    assert said(text) == []


def test_padding_and_other_separators_change_nothing() -> None:
    marks = Marks("|", "<", "\x15", between="\r\n")

    assert said(x12(("945", SHIPPED_945), marks=marks, version="00501")) == []


def test_line_ends_within_elements_are_said() -> None:
    # a file wrapped after so many columns: read as it is, a name would have a line end in it
    assert changed_945("Erika Muster", "Erika\nMuster") == [
        ("E303", 5, 5, "Erika\nMuster", "without control characters", "N1*02")
    ]
    assert changed_desadv("Hauptstr. 5", "Haupt\r\nstr. 5") == [
        ("E303", 7, 7, "Haupt\r\nstr. 5+6", "without control characters", "NAD+5")
    ]


def test_separators_that_are_control_characters_are_said_nothing_about() -> None:
    marks = Marks("\x1d", "\x1f", "\x1c", "?", between="\r\n")

    assert said(edifact(("DESADV", DESADV), marks=marks)) == []


def test_many_wrong_elements_of_many_messages_are_said_for_each() -> None:
    long = [each.replace("*10115*", f"*{'1' * 40}*") for each in SHIPPED_945] * 30

    found = said(x12(*(("945", long) for _ in range(60))))

    assert sum(each[0] == "E302" for each in found) == 60 * 20
    assert sum(each[0] == "E125" and each[4] == "E302" for each in found) == 60
