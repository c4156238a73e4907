"""The path language of `extract:`: every form, every mistake, and text to path to text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mapping.paths import LENGTH_MAX, PathMistake, read_path, written
from pipeline.mapping.plan import Condition, ExtractPath, SegmentPick


def cond(element: int, *values: str, component: int = 0, negated: bool = False) -> Condition:
    return Condition(element=element, component=component, values=values, negated=negated)


def pick(tag: str, *conditions: Condition) -> SegmentPick:
    return SegmentPick(tag=tag, conditions=conditions)


FORMS = {
    "BSN.2": ExtractPath(segment=pick("BSN"), element=2, last_element=2, text="BSN.2"),
    "O/PRF.1": ExtractPath(
        level="O", segment=pick("PRF"), element=1, last_element=1, text="O/PRF.1"
    ),
    "S/N1[1=ST|CN]>N4.3": ExtractPath(
        level="S", within=pick("N1", cond(1, "ST", "CN")), segment=pick("N4"), element=3,
        last_element=3, text="S/N1[1=ST|CN]>N4.3",
    ),
    "RFF[1.1=ON].1.2": ExtractPath(
        segment=pick("RFF", cond(1, "ON", component=1)), element=1, last_element=1, component=2,
        text="RFF[1.1=ON].1.2",
    ),
    "TD1[6=G][8!=LB|OZ].7": ExtractPath(
        segment=pick("TD1", cond(6, "G"), cond(8, "LB", "OZ", negated=True)), element=7,
        last_element=7, text="TD1[6=G][8!=LB|OZ].7",
    ),
    "LIN[*=SK].+1": ExtractPath(
        segment=pick("LIN", cond(0, "SK")), element=0, after=1, last_element=0,
        text="LIN[*=SK].+1",
    ),
    "PIA[*.2=SA].*.1": ExtractPath(
        segment=pick("PIA", cond(0, "SA", component=2)), element=0, last_element=0, component=1,
        text="PIA[*.2=SA].*.1",
    ),
    "CPS[1=2]/GIN[1=BJ].2-6.1..2": ExtractPath(
        level="CPS", level_conditions=(cond(1, "2"),), segment=pick("GIN", cond(1, "BJ")),
        element=2, last_element=6, component=1, to_component=2,
        text="CPS[1=2]/GIN[1=BJ].2-6.1..2",
    ),
    "MAN[1=GM].2..3": ExtractPath(
        segment=pick("MAN", cond(1, "GM")), element=2, last_element=2, to_element=3,
        text="MAN[1=GM].2..3",
    ),
    "NAD[1=DP]>COM[1.2=EM].1": ExtractPath(
        within=pick("NAD", cond(1, "DP")), segment=pick("COM", cond(1, "EM", component=2)),
        element=1, last_element=1, text="NAD[1=DP]>COM[1.2=EM].1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", FORMS)
def test_each_form_is_read_and_written(text: str) -> None:
    assert read_path(text)[0] == FORMS[text]
    assert written(FORMS[text]) == text


def test_zeros_in_front_and_blanks_around_values_do_not_matter() -> None:
    path, _ = read_path("REF[01= CO | IA ].02")
    assert written(path) == "REF[1=CO|IA].2"
    assert path.text == "REF[01= CO | IA ].02"


def test_the_places_of_the_parts_are_known() -> None:
    text = "CPS[1=2]/NAD[1=DP]>COM[1.2=EM].1.2"
    _, places = read_path(text)
    parts = (places.level, places.within, places.tag, *places.conditions, places.element,
             places.component)  # fmt: skip
    assert [text[p.start : p.start + p.length] for p in parts if p is not None] == [
        "CPS", "NAD", "COM", "[1=2]", "[1=DP]", "[1.2=EM]", "1", "2",
    ]  # fmt: skip


A_PATH = "a path is SEGMENT.element, such as BSN.2"
A_CONDITION = "a condition is [element=value], such as [1=ST] or [1.1=ON]"
ELEMENTS = "elements count from 1: BSN.2, GIN.2-6, MAN.2..3, LIN[*=SK].+1"
COMPONENTS = "components count from 1: LIN.3.1, GIN.2.1..2"
ORDER = "the smaller number stands first: 2"
# the path, what is marked in it, what is said, the hint
MISTAKES = [
    ("", "", "the path is empty", A_PATH),
    ("x" * 401, "x" * 400, "a path has at most 400 characters", "a list of paths takes the first with a value"),
    ("/REF.1", "/", "a level or segment is missing here", A_PATH),
    ("S/.1", ".", "a segment is missing here", A_PATH),
    ("N1[1=ST]>.1", ".", "a segment is missing here", A_PATH),
    (" REF.2", " ", "a blank does not belong into a path", "remove it"),
    ("REF .2", " ", "a blank does not belong into a path", "remove it"),
    ("REF.2 ", " ", "a blank does not belong into a path", "remove it"),
    ("REF", "", "the element is missing", A_PATH),
    ("REF-02", "-", "the element is missing", "write REF.2"),
    ("S/REF*02", "*", "the element is missing", "write REF.2"),
    ("REF02", "", "the element is missing", "write REF.2"),
    ("REF?2", "?2", '"?" cannot stand here', A_PATH),
    ("N1>N4>N5.2", ">", "one `>` is enough for a path", "TRIGGER>SEGMENT.element: N1[1=ST]>N4.3"),
    ("N1>S/N4.2", "/", "the level stands first in a path", "LEVEL/TRIGGER>SEGMENT.element"),
    ("REF.0", "0", "the element cannot be 0", ELEMENTS),
    ("REF.1234567890", "1234567890", "the element cannot be 123456789", ELEMENTS),
    ("REF.x", "x", "the element must be a number", ELEMENTS),
    ("REF.", "", "the element must be a number", ELEMENTS),
    ("GIN.6-2", "6-2", "6-2 has no end after its beginning", ORDER + "-6"),
    ("MAN.3..3", "3..3", "3..3 has no end after its beginning", ORDER + "..6"),
    ("MAN.2..", "", "the end must be a number", ELEMENTS),
    ("MAN.2..x", "x", "the end must be a number", ELEMENTS),
    ("REF.2.", "", "the component must be a number", COMPONENTS),
    ("GIN.2.2..1", "2..1", "2..1 has no end after its beginning", ORDER + "..6"),
    ("GIN.2..3.1..2", "1..2", "a range goes over elements or over components, not both",
     "such as MAN.2..3 or GIN.2-6.1..2"),
    ("REF.2.1.1", ".1", '"." cannot stand here', A_PATH),
    ("REF.2[1=A]", "[1=A]", "conditions stand behind the segment", "such as DTM[1=011].2"),
    ("REF.+1", "+1", "no condition says which element `*` is", "such as REF[*=SK].+1"),
    ("REF[1=A].*", "*", "no condition says which element `*` is", "such as REF[*=SK].+1"),
    ("REF[*=A].+", "", "how many elements further must be a number", "the element after the one found: .+1"),
    ("REF[A].2", "A", "the element of the condition must be a number", A_CONDITION),
    ("REF[1.=A].2", "=", "the component must be a number", A_CONDITION),
    ("REF[1].2", "]", "`=` is missing in the condition", A_CONDITION),
    ("REF[1=].2", "]", "the condition has no value", A_CONDITION),
    ("REF[1=A|].2", "]", "the condition has no value", A_CONDITION),
    ("REF[1=A.2", "[1=A.2", "the condition is not closed", "add `]`"),
    ("REF[*!=A].2", "[*!=", "`*` finds an element by what it is, not by what it is not", "name the element: [2!=GM]"),
    ("REF[*=A][*=B].+1", "[*=B]", "one `*` is enough for a segment", "give the values together: [*=SK|VN]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "marked", "message", "hint"), MISTAKES)
def test_a_mistake_is_said_with_its_place(text: str, marked: str, message: str, hint: str) -> None:
    with pytest.raises(PathMistake) as caught:
        read_path(text)
    mistake = caught.value
    assert mistake.code == "M401"
    assert text[mistake.start : mistake.start + mistake.length] == marked
    assert mistake.message == message
    assert mistake.hint == hint


NUMBER = st.integers(1, 99)
VALUE = st.text(st.characters(exclude_characters="[]|"), min_size=1, max_size=6).filter(
    lambda text: text == text.strip()
)
TAG = st.from_regex(r"[A-Z][A-Z0-9]{1,2}", fullmatch=True)


@st.composite
def conditions(draw: st.DrawFn, *, sought: bool) -> tuple[Condition, ...]:
    made = [
        Condition(element=draw(NUMBER), component=draw(st.just(0) | NUMBER),
                  values=tuple(draw(st.lists(VALUE, min_size=1, max_size=3))),
                  negated=draw(st.booleans()))
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    if sought:
        values = tuple(draw(st.lists(VALUE, min_size=1, max_size=3)))
        found = Condition(element=0, component=draw(st.just(0) | NUMBER), values=values)
        made.insert(draw(st.integers(0, len(made))), found)
    return tuple(made)


@st.composite
def picks(draw: st.DrawFn, *, sought: bool) -> SegmentPick:
    return SegmentPick(tag=draw(TAG), conditions=draw(conditions(sought=sought)))


@st.composite
def extract_paths(draw: st.DrawFn) -> ExtractPath:
    level = draw(st.just("") | TAG)
    by_star = draw(st.booleans())
    element = 0 if by_star else draw(NUMBER)
    further = element + draw(NUMBER)
    several = "one" if by_star else draw(st.sampled_from(["one", "list", "range"]))
    component = draw(st.just(0) | NUMBER)
    ends = component > 0 and several != "range" and draw(st.booleans())
    return ExtractPath(
        level=level, level_conditions=draw(conditions(sought=False)) if level else (),
        within=draw(st.none() | picks(sought=draw(st.booleans()))),
        segment=draw(picks(sought=by_star or draw(st.booleans()))), element=element,
        after=draw(st.integers(0, 9)) if by_star else 0,
        last_element=further if several == "list" else element, component=component,
        to_element=further if several == "range" else 0,
        to_component=component + draw(NUMBER) if ends else 0, text="",
    )  # fmt: skip


@given(extract_paths())
def test_path_to_text_to_path(path: ExtractPath) -> None:
    text = written(path)
    if len(text) > LENGTH_MAX:
        return
    back, _ = read_path(text)
    assert written(back) == text
    assert back.text == text
    assert (back.level, back.level_conditions, back.within, back.segment) == (
        path.level, path.level_conditions, path.within, path.segment,
    )  # fmt: skip
    assert (back.element, back.after, back.last_element, back.component) == (
        path.element, path.after, path.last_element, path.component,
    )  # fmt: skip
    assert (back.to_element, back.to_component) == (path.to_element, path.to_component)


@given(st.text(st.sampled_from("REFNS1209[]=!|*.+-/> x") | st.characters(), max_size=30))
def test_any_text_is_a_path_or_a_mistake_inside_it(text: str) -> None:
    try:
        path, _ = read_path(text)
    except PathMistake as found:
        mistake = found
    else:
        assert read_path(written(path))[0].segment == path.segment
        return
    assert 0 <= mistake.start <= len(text)
    assert mistake.length >= 1
    assert mistake.message
    assert mistake.hint
