"""What must hold of the EDI reader for any interchange, any window, and any bytes at all."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.edi import oracle
from tests.edi.reading import differences, differing_texts, inside, read
from tests.edi.samples import DESADV, ORDERS, SHIPPED_945, Marks, edifact, x12

WINDOWS = st.sampled_from([1, 48, 64, 100, 128, 257, 512, 4096])
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

X12_MARKS = st.permutations("*|>^~!$;<\x1d\x1e\x1f\x15").map(lambda each: each[:3])
EDIFACT_MARKS = st.permutations("+:'?*;!#<\x1c\x1d\x1f").map(lambda each: each[:4])
BETWEEN = st.sampled_from(["", "\n", "\r\n", "\r", "\n\n", "  ", "\n\t", "\x00", "\n \n"])
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12)  # fmt: skip
TAGS = st.sampled_from(["REF", "LIN", "DTM", "W12", "N1", "FTX", "ISA", "UNA", "UNB", "SE", "UNT", "ZZZ", "", "A"])  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, element: str, component: str) -> list[str]:
    """Segments of a message with any text in any number of elements and components."""
    segments = []
    for _ in range(draw(st.integers(0, 6))):
        elements = draw(st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=4))
        # the writer of the samples knows + and * as separators, so that none is in the text
        clean = [
            component.join(part.translate(dict.fromkeys(map(ord, "+:*>?'"), "-")) for part in parts)
            for parts in elements
        ]
        segments.append(element.join([draw(TAGS), *clean]))
    return segments


@st.composite
def x12_files(draw: st.DrawFn) -> bytes:
    """An X12 interchange with any separators; what the text has of them breaks it."""
    element, component, segment = draw(X12_MARKS)
    if draw(st.booleans()):
        segment = draw(st.sampled_from(["\n", "\r"]))
    marks = Marks(element, component, segment, between=draw(BETWEEN))
    own = [draw(bodies("*", ">")) for _ in range(draw(st.integers(1, 3)))]
    text = x12(*(("945", [*SHIPPED_945[:3], *each]) for each in own), marks=marks,
               version=draw(st.sampled_from(["00200", "00401", "00501", "00801", "09999"])))  # fmt: skip
    return text.encode()


@st.composite
def edifact_files(draw: st.DrawFn) -> bytes:
    """An EDIFACT interchange with any separators and character set, its text released."""
    element, component, segment, release = draw(EDIFACT_MARKS)
    if draw(st.integers(0, 3)) == 0:
        element, component, segment, release = "+:'?"
    default = (element, component, segment, release) == tuple("+:'?")
    marks = Marks(element, component, segment, release, draw(BETWEEN))
    charset = draw(st.sampled_from(["UNOA", "UNOC", "UNOW", "UNOL"]))
    own = [draw(bodies("+", ":")) for _ in range(draw(st.integers(1, 3)))]
    text = edifact(*(("ORDERS", [*ORDERS[:2], *each]) for each in own), marks=marks,
                   charset=charset, syntax=draw(st.sampled_from("1234")),
                   una=not default or draw(st.booleans()))  # fmt: skip
    return text.encode({"UNOC": "iso-8859-1", "UNOL": "iso-8859-15"}.get(charset, "utf-8"), "replace")  # fmt: skip


FILES = st.lists(st.one_of(x12_files(), edifact_files()), min_size=1, max_size=3).map(b"".join)


@SLOW
@given(FILES, WINDOWS)
def test_any_interchange_is_read_as_the_second_reader_reads_it(data: bytes, window: int) -> None:
    expected = oracle.read(data)

    result = read(data, window)

    assert differences(result, expected) == []
    assert differing_texts(result, expected) == []


@SLOW
@given(FILES, WINDOWS, WINDOWS)
@pytest.mark.thorough
def test_nothing_that_is_said_depends_on_the_window(data: bytes, one: int, other: int) -> None:
    first, second = read(data, one), read(data, other)

    assert first.envelopes.problems == second.envelopes.problems
    assert first.envelopes.messages.equals(second.envelopes.messages)
    assert sorted(map(repr, inside(first))) == sorted(map(repr, inside(second)))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An interchange with some bytes replaced, taken out or put in."""
    data = bytearray(draw(FILES))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        more = draw(st.one_of(st.binary(max_size=3), st.sampled_from([b"ISA*", b"UNB+", b"UNA:+.? '", b"'", b"~", b"?", b"\n"])))  # fmt: skip
        data[at : at + draw(st.integers(0, 4))] = more
    return bytes(data)


@SLOW
@given(damaged(), WINDOWS)
@example(b"UNA:+.? '" * 3 + edifact(("DESADV", DESADV)).encode(), 64)
@example(b"ISA", 64)
@example(b"UNB+", 1)
@pytest.mark.thorough
def test_any_damage_is_seen_as_the_second_reader_sees_it(data: bytes, window: int) -> None:
    expected = oracle.read(data)

    result = read(data, window)
    inside(result)

    assert differences(result, expected) == []


@SLOW
@given(st.binary(max_size=400), WINDOWS)
def test_any_bytes_are_read_or_said_to_be_none(data: bytes, window: int) -> None:
    assert differences(read(data, window), oracle.read(data)) == []
