"""A message of an EDI file as the test of a mapping: rebuilt, with invented people and numbers.

A mapping is passed around and kept for years, so nothing that identifies a person or a parcel goes
into it. Kept are codes, numbers, dates, and what the mapping reads of articles, units and places;
every other text becomes one of the same shape, the same one for the same text.
"""

import string
from collections.abc import Collection, Iterator, Mapping

from pipeline.model.edi import edifact, x12
from pipeline.model.edi.definition import Element, Segment, Syntax, Type
from pipeline.read import Reading
from pipeline.read.edi.show import Line, Tally, entries

SEGMENTS_MAX = 120  # of a message that is fit to be read in a mapping

_SEGMENTS: Mapping[Syntax, Mapping[str, Segment]] = {
    Syntax.X12: x12.SEGMENTS,
    Syntax.EDIFACT: edifact.SEGMENTS,
}
_PLAIN = frozenset({Type.CODE, Type.WHOLE, Type.DECIMAL, Type.DATE, Type.TIME})
# Their texts are numbers of levels, dates, or what the message is.
_WHOLE_SEGMENTS = frozenset({"HL", "CPS", "LX", "CNI", "GID", "DTM", "UNH", "ST"})
# Segments about people: of them codes alone are kept.
_PEOPLE = frozenset({"N1", "N2", "N3", "N4", "PER", "G61", "NM1", "NAD", "CTA", "COM"})
_SHORT = 2  # characters that identify nobody
_TRIES = 1000
_ISA = (
    "ISA*00*          *00*          *ZZ*WAREHOUSE      *ZZ*SHOP           *261120*0200*U*{version}"
    "*000000001*0*P*>~"
)


def example(reading: Reading, number: int, syntax: Syntax, kept: Collection[str]) -> list[str]:
    """The lines of an interchange with one message, by its number in the file.

    `kept` are texts that identify nobody. Empty where the message is too long to be an example.
    """
    message = reading.envelopes.messages.row(number, named=True)
    if message["counted"] > SEGMENTS_MAX:
        return []
    invented = _Invented(kept)
    found = entries(reading, Tally(), only=frozenset({number}))
    lines = [each for each in found if isinstance(each, Line) and each.message == number]
    # header and trailer are written anew
    body = [_segment(line, syntax, invented) for line in lines[1:-1] if line.name]
    if syntax is Syntax.X12:
        group = reading.envelopes.groups[message["group"]]
        interchange = reading.envelopes.interchanges[message["interchange"]]
        return [
            _ISA.format(version=interchange.version.rjust(5, "0")[:5]),
            f"GS*{group.functional}*WAREHOUSE*SHOP*20261120*0200*1*X*{group.version}~",
            f"ST*{message['type']}*0001~", *body, f"SE*{len(body) + 2}*0001~", "GE*1*1~",
            "IEA*1*000000001~",
        ]  # fmt: skip
    component = reading.envelopes.interchanges[message["interchange"]].delimiters.component
    identifier = message["identifier"].split(chr(component))
    return [
        "UNB+UNOY:4+WAREHOUSE+SHOP+20261120:0200+1'", f"UNH+1+{':'.join(identifier)}'", *body,
        f"UNT+{len(body) + 2}+1'", "UNZ+1+1'",
    ]  # fmt: skip


def _segment(line: Line, syntax: Syntax, invented: "_Invented") -> str:
    """A segment with the default separators."""
    elements: dict[int, dict[int, str]] = {}
    defined = _SEGMENTS[syntax][line.tag].elements
    for value in line.values:
        element = defined[value.element - 1] if value.element <= len(defined) else None
        if element is not None and value.component:
            inner = element.parts
            element = inner[value.component - 1] if value.component <= len(inner) else None
        text = invented.of(line.tag, element, value.text)
        elements.setdefault(value.element, {})[max(value.component, 1)] = _escaped(text, syntax)
    between, within, end = ("*", ">", "~") if syntax is Syntax.X12 else ("+", ":", "'")
    written = [line.tag]
    for number in range(1, max(elements, default=0) + 1):
        parts = elements.get(number, {})
        written.append(within.join(parts.get(i, "") for i in range(1, max(parts, default=0) + 1)))
    return between.join(written) + end


def _escaped(text: str, syntax: Syntax) -> str:
    if syntax is Syntax.EDIFACT:
        return "".join(f"?{c}" if c in "?+:'" else c for c in text)
    return "".join("-" if c in "*>~^" else c for c in text)


class _Invented:
    """Texts in place of others, each the same for the same text."""

    def __init__(self, kept: Collection[str]) -> None:
        self._kept = kept
        self._made: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, tag: str, element: Element | None, text: str) -> str:
        """What stands in the example for the text of an element."""
        text = text.strip()
        is_code = element is not None and element.type in _PLAIN
        if tag in _PEOPLE:
            kept = (text in self._kept or is_code) and len(text) <= _SHORT + 1
        else:
            kept = is_code or tag in _WHOLE_SEGMENTS or text in self._kept or len(text) <= _SHORT
        return text if kept else self._instead(text)

    def _instead(self, text: str) -> str:
        if text not in self._made:
            # all of a short shape taken: two texts become one, which the test then shows
            made = next((each for each in _shaped(text) if each not in self._taken), "X")
            self._made[text] = made
            self._taken.add(made)
        return self._made[text]


def _shaped(text: str) -> Iterator[str]:
    """Texts of the same shape, numbered in their last digits, or letters where there are none.

    >>> made = _shaped("WH-500201"); next(made), next(made)
    ('AA-000001', 'AA-000002')
    >>> next(_shaped("Ada Meyer")), next(_shaped("ada@meyer.example"))
    ('Aaa Aaaab', 'sample1@example.com')
    """
    if "@" in text:
        yield from (f"sample{number}@example.com" for number in range(1, _TRIES))
    plain = "".join(_shape(char) for char in text)
    digits = [i for i, char in enumerate(plain) if char == "0"]
    places = digits or [i for i, char in enumerate(plain) if char in "aA"]
    base = 10 if digits else len(string.ascii_lowercase)
    for number in range(1, _TRIES):
        made, rest = list(plain), number
        for place in reversed(places):
            rest, digit = divmod(rest, base)
            letters = string.ascii_lowercase if plain[place] == "a" else string.ascii_uppercase
            made[place] = str(digit) if digits else letters[digit]
        if rest:
            return
        yield "".join(made)


def _shape(char: str) -> str:
    if char.isdigit():
        return "0"
    if char.isalpha():
        return "A" if char.isupper() else "a"
    return char if char.isascii() and char.isprintable() else "-"
