"""The X12 tables hold together: segments known, loops with their triggers, places without doubt."""

from collections.abc import Iterator

import pytest

from pipeline.mapping.extract import HL_LEVELS
from pipeline.model.edi.definition import Element, Loop, Message, Syntax, Type, Use
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.edi.x12 import SEGMENTS

X12 = sorted(
    (message for (syntax, _), message in MESSAGES.items() if syntax is Syntax.X12),
    key=lambda message: message.type,
)
LEVELS_OF_HL = {"S", "O", "T", "P", "I"}  # HL03 names these nodes, the table cannot


def _parts(parts: tuple[Use | Loop, ...]) -> Iterator[Use | Loop]:
    for part in parts:
        yield part
        if isinstance(part, Loop):
            yield from _parts(part.parts)


def _loops(message: Message) -> list[Loop]:
    return [part for part in _parts(message.parts) if isinstance(part, Loop)]


def _elements(elements: tuple[Element, ...]) -> Iterator[Element]:
    for element in elements:
        yield element
        yield from _elements(element.parts)


by_type = pytest.mark.parametrize("message", X12, ids=lambda message: message.type)


def test_the_messages_named_by_the_issue_are_there() -> None:
    types = {message.type for message in X12}

    assert types == {"214", "850", "856", "860", "940", "945", "997", "999"}


@by_type
def test_every_segment_of_a_message_is_defined(message: Message) -> None:
    used = {part.tag for part in _parts(message.parts) if isinstance(part, Use)}

    assert used - SEGMENTS.keys() == set()


@by_type
def test_every_loop_begins_with_the_segment_it_is_named_after(message: Message) -> None:
    for loop in _loops(message):
        trigger = loop.parts[0]
        assert trigger == Use(loop.name, must=True, most=1), loop.name


@by_type
def test_no_segment_of_a_loop_repeats_its_trigger(message: Message) -> None:
    for loop in _loops(message):
        rest = [part.tag for part in loop.parts[1:] if isinstance(part, Use)]
        assert loop.name not in rest


@by_type
def test_rows_are_levels_of_the_message(message: Message) -> None:
    levels = {loop.name for loop in _loops(message) if loop.level}
    if "HL" in levels:
        levels |= LEVELS_OF_HL

    assert message.rows
    assert set(message.rows) <= levels


def _doubts(parts: tuple[Use | Loop, ...], path: tuple[str, ...]) -> Iterator[str]:
    """Tags that stand twice side by side with only optional parts between them."""
    tags = [(part.tag if isinstance(part, Use) else part.name, part) for part in parts]
    for start, (tag, _) in enumerate(tags):
        for other, part in tags[start + 1 :]:
            if other == tag:
                yield "/".join((*path, tag))
            if part.must:
                break
    for part in parts:
        if isinstance(part, Loop):
            yield from _doubts(part.parts, (*path, part.name))


@by_type
def test_no_tag_stands_twice_side_by_side(message: Message) -> None:
    assert list(_doubts(message.parts, ())) == []


def _follow(
    parts: tuple[Use | Loop, ...], after: frozenset[str]
) -> Iterator[tuple[Loop, set[str]]]:
    """Each loop with the tags that may come straight after it, of its own level and above."""
    for place, part in enumerate(parts):
        if not isinstance(part, Loop):
            continue
        following = set()
        for later in parts[place + 1 :]:
            following.add(later.tag if isinstance(later, Use) else later.name)
            if later.must:
                break
        else:
            following |= after
        if part.most > 1:
            following.add(part.name)
        yield part, following
        yield from _follow(part.parts, frozenset(following))


KNOWN_DOUBTS: dict[str, set[str]] = {}


@by_type
def test_a_tag_inside_a_loop_that_may_also_follow_it_is_a_known_doubt(message: Message) -> None:
    """X12 settles these by position: the innermost place that is still open takes the segment."""
    found = {
        f"{loop.name}.{part.tag if isinstance(part, Use) else part.name}"
        for loop, following in _follow(message.parts, frozenset())
        for place, part in enumerate(loop.parts[1:], 1)
        if (part.tag if isinstance(part, Use) else part.name) in following
        and not any(later.must for later in loop.parts[place + 1 :])
    }

    assert found == KNOWN_DOUBTS.get(message.type, set())


@pytest.mark.parametrize("tag", sorted(SEGMENTS))
def test_the_elements_of_a_segment_are_sound(tag: str) -> None:
    segment = SEGMENTS[tag]
    names = [element.name for element in segment.elements]

    assert segment.tag == tag
    assert names
    assert len(names) == len(set(names)), "two elements of one name"
    for element in _elements(segment.elements):
        assert 1 <= element.low <= element.high
        assert (element.type is Type.COMPOSITE) == bool(element.parts)
        assert all(element.low <= len(code) <= element.high for code in element.codes)


def test_an_isa_is_as_long_as_its_elements() -> None:
    elements = SEGMENTS["ISA"].elements

    assert all(element.low == element.high for element in elements)
    assert len("ISA") + sum(1 + element.high for element in elements) + len("~") == 106


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("BEG*03", "order number"),
        ("BCH*03", "order number"),
        ("BSN*02", "shipment number"),
        ("W05*02", "depositor's order number"),
        ("W06*03", "ship date"),
        ("W27*02", "carrier (SCAC)"),
        ("W66*10", "carrier (SCAC)"),
        ("W12*03", "quantity shipped"),
        ("W12*08", "product code 1"),
        ("W12*22", "product code 3"),
        ("W01*16", "product code 3"),
        ("HL*03", "kind of level"),
        ("MAN*05", "number 2"),
        ("TD5*12", "service level 1"),
        ("TD1*07", "weight"),
        ("L11*02", "kind of reference"),
        ("AT7*05", "date"),
        ("AT8*03", "weight"),
        ("SN1*05", "quantity ordered"),
        ("POC*08", "kind of product code 1"),
        ("PO1*25", "product code 10"),
        ("LIN*31", "product code 15"),
        ("SLN*28", "product code 10"),
        ("SDQ*22", "quantity 10"),
        ("CUR*21", "time 5"),
        ("CTT*02", "hash total"),
        ("PER*08", "contact number 3"),
        ("N4*04", "country"),
        ("B10*03", "carrier (SCAC)"),
        ("AK5*06", "fault 5"),
    ],
)
def test_elements_stand_where_the_design_expects_them(place: str, name: str) -> None:
    tag, number = place.split("*")

    assert SEGMENTS[tag].elements[int(number) - 1].name == name


@pytest.mark.parametrize(
    ("place", "known", "unknown"),
    [
        ("BEG*01", {"00", "01", "04", "05", "22"}, {"09", "23", "29", "N"}),
        ("BCH*01", {"01", "04", "05"}, {"1", "58"}),
        ("BSN*01", {"00", "01", "05"}, {"", "0"}),
        ("W05*01", {"N", "F", "R", "D"}, {"O", "00"}),
        ("POC*02", {"AI", "CA", "DI", "QD", "QI", "RZ", "NC"}, {"AD", "DE"}),
        ("ISA*15", {"P", "T", "I"}, {"0"}),
        ("TA1*04", {"A", "E", "R"}, {"P"}),
        ("AK9*01", {"A", "E", "P", "R"}, {"0"}),
    ],
)
def test_codes_that_decide_what_is_sent(place: str, known: set[str], unknown: set[str]) -> None:
    tag, number = place.split("*")
    codes = SEGMENTS[tag].elements[int(number) - 1].codes

    assert known <= codes
    assert not unknown & codes


def test_levels_that_no_path_can_name_are_said() -> None:
    assert SEGMENTS["HL"].elements[2].codes == frozenset(HL_LEVELS)


def test_a_status_event_holds_its_place_and_vehicle() -> None:
    message = MESSAGES[Syntax.X12, "214"]
    events = [loop for loop in _loops(message) if loop.name == "AT7"]

    assert len(events) == 3
    assert all(event.level for event in events)
    assert all(event.parts[1:] == (Use("MS1"), Use("MS2")) for event in events)
