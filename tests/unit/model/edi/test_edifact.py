"""The EDIFACT tables hold together: segments known, loops with their triggers, places settled."""

from collections.abc import Iterator

import pytest

from pipeline.model.edi.definition import Element, Loop, Message, Syntax, Type, Use
from pipeline.model.edi.edifact import SEGMENTS
from pipeline.model.edi.messages import MESSAGES

EDIFACT = sorted(
    (message for (syntax, _), message in MESSAGES.items() if syntax is Syntax.EDIFACT),
    key=lambda message: message.type,
)
ENVELOPE = {"UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"}


def _name(part: Use | Loop) -> str:
    return part.tag if isinstance(part, Use) else part.name


def _parts(parts: tuple[Use | Loop, ...]) -> Iterator[Use | Loop]:
    for part in parts:
        yield part
        if isinstance(part, Loop):
            yield from _parts(part.parts)


def _loops(message: Message) -> list[Loop]:
    return [part for part in _parts(message.parts) if isinstance(part, Loop)]


def _levels(parts: tuple[Use | Loop, ...], path: tuple[str, ...] = ()) -> Iterator[str]:
    """The levels of a message, each with those above it."""
    for part in parts:
        if isinstance(part, Loop):
            here = (*path, part.name) if part.level else path
            if part.level:
                yield "/".join(here)
            yield from _levels(part.parts, here)


def _elements(elements: tuple[Element, ...]) -> Iterator[Element]:
    for element in elements:
        yield element
        yield from _elements(element.parts)


by_type = pytest.mark.parametrize("message", EDIFACT, ids=lambda message: message.type)


def test_the_messages_named_by_the_issue_are_there() -> None:
    types = {message.type for message in EDIFACT}

    assert {"CONTRL", "DESADV", "IFTMIN", "IFTSTA", "ORDCHG", "ORDERS"} <= types


@by_type
def test_every_segment_of_a_message_is_defined(message: Message) -> None:
    used = {part.tag for part in _parts(message.parts) if isinstance(part, Use)}

    assert used - SEGMENTS.keys() == set()
    assert used & ENVELOPE == set()


def test_every_segment_stands_in_the_envelope_or_in_a_message() -> None:
    used = {
        part.tag for message in EDIFACT for part in _parts(message.parts) if isinstance(part, Use)
    }

    assert SEGMENTS.keys() - used == ENVELOPE


@by_type
def test_every_loop_begins_with_the_segment_it_is_named_after(message: Message) -> None:
    for loop in _loops(message):
        assert loop.parts[0] == Use(loop.name, must=True, most=1), loop.name


@by_type
def test_a_message_begins_with_a_mandatory_segment(message: Message) -> None:
    first = message.parts[0]

    assert first == Use(_name(first), must=True, most=1)


@pytest.mark.parametrize(
    ("kind", "levels", "rows"),
    [
        ("CONTRL", ["UCM", "UCF", "UCF/UCM"], ("UCM",)),
        ("DESADV", ["CPS", "CPS/LIN"], ("LIN",)),
        ("IFTMIN", ["GID"], ("GID",)),
        ("IFTSTA", ["EQD", "EQD/STS", "CNI", "CNI/STS"], ("STS",)),
        ("ORDCHG", ["LIN"], ("LIN",)),
        ("ORDERS", ["LIN"], ("LIN",)),
    ],
)
def test_levels_and_rows(kind: str, levels: list[str], rows: tuple[str, ...]) -> None:
    message = MESSAGES[Syntax.EDIFACT, kind]

    assert list(_levels(message.parts)) == levels
    assert message.rows == rows


def _twice(parts: tuple[Use | Loop, ...], path: tuple[str, ...]) -> Iterator[str]:
    """Tags that stand twice in one list with no mandatory segment between the two."""
    for start, part in enumerate(parts):
        for later in parts[start + 1 :]:
            if _name(later) == _name(part):
                yield "/".join((*path, _name(part)))
            if later.must:
                break
        if isinstance(part, Loop):
            yield from _twice(part.parts, (*path, part.name))


@by_type
def test_no_tag_stands_twice_in_a_loop(message: Message) -> None:
    assert list(_twice(message.parts, ())) == []


def _doubts(
    parts: tuple[Use | Loop, ...], after: frozenset[str], path: tuple[str, ...]
) -> Iterator[str]:
    """Places at the end of a loop whose tag could also stand right after the loop."""
    for place, part in enumerate(parts):
        if not isinstance(part, Loop):
            continue
        following: set[str] = {part.name} if part.most > 1 else set()
        for later in parts[place + 1 :]:
            following.add(_name(later))
            if later.must:
                break
        else:
            following |= after
        here = (*path, part.name)
        yield from (
            "/".join((*here, _name(inner))) for inner in part.parts[1:] if _name(inner) in following
        )
        yield from _doubts(part.parts, frozenset(following), here)


# ISO 9735-1 settles these by position: the innermost place that is still open takes the segment.
KNOWN_DOUBTS: dict[str, set[str]] = {}


@by_type
def test_a_tag_in_a_loop_that_may_also_follow_it_is_a_known_doubt(message: Message) -> None:
    assert set(_doubts(message.parts, frozenset(), ())) == KNOWN_DOUBTS.get(message.type, set())


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
        assert not any(part.parts for part in element.parts), "a composite within a composite"


@pytest.mark.parametrize("tag", sorted(SEGMENTS))
def test_every_element_carries_its_number(tag: str) -> None:
    for element in SEGMENTS[tag].elements:
        assert element.name[-6:-5] == "(" if element.parts else element.name.endswith(")")


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("BGM+2.1", "1004"),
        ("BGM+3", "1225"),
        ("CNI+2.1", "1004"),
        ("COM+1.1", "3148"),
        ("COM+1.2", "3155"),
        ("CPS+2", "7166"),
        ("DTM+1.3", "2379"),
        ("GIN+6.2", "7402"),
        ("LIN+2", "1229"),
        ("LIN+3.1", "7140"),
        ("LOC+2.4", "3224"),
        ("MEA+3.2", "6314"),
        ("NAD+4.1", "3036"),
        ("NAD+5.4", "3042"),
        ("NAD+6", "3164"),
        ("NAD+7.1", "3229"),
        ("NAD+8", "3251"),
        ("NAD+9", "3207"),
        ("PIA+6.2", "7143"),
        ("QTY+1.2", "6060"),
        ("RFF+1.3", "1156"),
        ("STS+1.1", "9015"),
        ("STS+2.1", "4405"),
        ("STS+3.1", "9013"),
        ("TDT+3.1", "8067"),
        ("TDT+5.1", "3127"),
        ("TDT+5.4", "3128"),
        ("UCI+4", "0083"),
        ("UCM+3", "0083"),
        ("UNB+5", "0020"),
        ("UNB+11", "0035"),
        ("UNH+2.5", "0057"),
        ("UNZ+2", "0020"),
    ],
)
def test_elements_stand_where_the_design_expects_them(place: str, number: str) -> None:
    tag, position = place.split("+")
    first, *second = (int(part) - 1 for part in position.split("."))
    element = SEGMENTS[tag].elements[first]
    for part in second:
        element = element.parts[part]

    assert element.name.endswith(f"({number})")
