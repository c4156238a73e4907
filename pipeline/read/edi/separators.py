"""Which bytes separate what: read from the interchange's own header, never guessed.

X12: the byte after `ISA` separates elements, the 16 elements are counted out, and the two bytes
after the last separator are the component separator (ISA16) and the segment terminator (X12.6
§3.2). EDIFACT: `UNA` and the six bytes after it, or the defaults of ISO 9735 §7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import NONE, Delimiters

# Blanks and control characters may stand between segments; nothing else may.
BLANKS = frozenset(range(0x21)) - frozenset(range(0x1C, 0x20))
BLANK_BYTES = bytes(sorted(BLANKS))
PADDING = " \t\r\n\f\v"  # what fixed-length senders fill up with; str.strip takes more
BOM = b"\xef\xbb\xbf"

_ISA_ELEMENTS = 16
_ISA_SIZE = 105  # up to and with ISA16; the terminator is one more
_ISA_MAX = 400  # an ISA longer than this has lost its separators
_REPETITION_FROM = "00402"  # ISA11 is a standards identifier ("U") before this version

# A word that can only begin an interchange. No blank separates elements: ISA is padded with them.
_BEGIN = re.compile(rb"ISA[^0-9A-Za-z\x00\r\n ]|UNA[^0-9A-Za-z]{4}|UNB[+\x1d]", re.DOTALL)
_UNA_SIZE = 9
BEGIN_SIZE = 7  # bytes that tell whether a header may begin
# Line ends may stand between UNA and UNB; what is longer is no header.
_UNA_GAP = re.compile(rb"[\x00-\x1b ]{0,64}")

# Character sets by syntax identifier (ISO 9735-1 annex A); all are supersets of ASCII.
CHARACTER_SETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso-8859-1", "UNOD": "iso-8859-2",
    "UNOE": "iso-8859-5", "UNOF": "iso-8859-7", "UNOG": "iso-8859-3", "UNOH": "iso-8859-4",
    "UNOI": "iso-8859-6", "UNOJ": "iso-8859-8", "UNOK": "iso-8859-9", "UNOL": "iso-8859-15",
    "UNOW": "utf-8", "UNOY": "utf-8",
}  # fmt: skip


Oddity = tuple[str, str, str]  # code, value and detail of a finding


@dataclass(frozen=True, slots=True)
class Begin:
    """Where an interchange begins: `at` its first byte, `body` the first byte of ISA or UNB.

    `delimiters` is None where the header cannot be read; then `shown` is what stands there and
    `why` what is wrong with it (E102).
    """

    at: int
    body: int
    delimiters: Delimiters | None
    shown: str = ""
    why: str = ""


def may_begin(data: bytes, at: int) -> bool:
    """Tell whether an interchange may begin at a position; the next seven bytes decide."""
    return _BEGIN.match(data, at) is not None


def read_begin(data: bytes, at: int) -> Begin:
    """Read the header at a position where one may begin (`may_begin`).

    The bytes must hold the whole ISA, or UNA and the first element of UNB; at the end of a window
    that is not the file's end, ask for more before (`HEADER_MAX`).
    """
    return _isa(data, at) if data[at : at + 3] == b"ISA" else _una(data, at)


HEADER_MAX = _ISA_MAX + 64


def _isa(data: bytes, at: int) -> Begin:
    element = data[at + 3]
    head = data[at : at + _ISA_MAX]
    position = 3
    for _ in range(_ISA_ELEMENTS - 1):
        position = head.find(element, position + 1)
        if position < 0:
            return _unreadable(at, head, "fewer than 16 elements")
    if len(head) < position + 3:
        return _unreadable(at, head, "cut off")
    component, segment = head[position + 1], head[position + 2]
    size = position + 2
    values = head[4:position].split(bytes([element]))
    wrong = _isa_mistake(values, element, component, segment)
    if wrong:
        return _unreadable(at, head[: size + 1], wrong)
    version = values[11].decode("latin-1").strip(PADDING)
    repetition = values[10][:1]
    delimiters = Delimiters(
        Syntax.X12,
        element,
        component,
        segment,
        repetition[0]
        if version >= _REPETITION_FROM and repetition and not repetition.isalnum()
        and repetition[0] not in (element, component, segment, 0x20)
        else NONE,
    )  # fmt: skip
    return Begin(at, at, delimiters)


def _isa_mistake(values: list[bytes], element: int, component: int, segment: int) -> str:
    """Why these cannot be an ISA's elements and separators, or ""."""
    if any(b"\n" in value or b"\r" in value for value in values):
        return "a line ends inside it"
    if len({element, component, segment}) < 3:
        return "two separators are the same character"
    if max(element, component, segment) > 0x7F:
        # in UTF-8 and other character sets such a byte is a part of letters
        return "a separator is no ASCII character"
    if chr(segment).isalnum() or segment == 0x20:
        return "no segment terminator after ISA16"
    if chr(component).isalnum():
        return "ISA16 is no separator"
    return ""


def _una(data: bytes, at: int) -> Begin:
    if data[at : at + 3] == b"UNB":
        level_b = data[at + 3] == 0x1D
        marks = b"\x1f\x1d.? \x1c" if level_b else b":+.? '"
        body = at
    else:
        marks = data[at + 3 : at + _UNA_SIZE]
        if len(marks) < _UNA_SIZE - 3:
            return _unreadable(at, data[at : at + _UNA_SIZE], "cut off")
        gap = _UNA_GAP.match(data, at + _UNA_SIZE)
        body = gap.end() if gap is not None else at + _UNA_SIZE
    if not marks.isascii():
        return _unreadable(at, data[at : at + _UNA_SIZE], "a separator is no ASCII character")
    component, element, decimal, release, repetition, segment = marks
    if len({component, element, segment}) < 3 or any(
        chr(mark).isalnum() for mark in (component, element, segment)
    ):
        return _unreadable(at, data[at : at + 9], "the separators are not three characters")
    if data[body : body + 3] != b"UNB":
        return _unreadable(at, data[at : body + 3], "UNA is not followed by UNB")
    if data[body + 3 : body + 4] != bytes([element]):
        return _unreadable(at, data[at : body + 4], "UNB does not use the separator that UNA says")
    identifier = data[body + 4 : body + 8].decode("latin-1")
    version = _second_component(data, body + 4, component, element, segment)
    delimiters = Delimiters(
        Syntax.EDIFACT, element, component, segment,
        repetition if repetition not in (0x20, element, component, segment, release) and version == "4" else NONE,
        release if release not in (0x20, element, component, segment) else NONE,
        chr(decimal) if chr(decimal) in ".," else ".",
        CHARACTER_SETS.get(identifier, ""), data[at : at + 9] if body > at else b"",
    )  # fmt: skip
    return Begin(at, body, delimiters)


def oddities(data: bytes, start: int, stop: int, delimiters: Delimiters) -> Iterator[Oddity]:
    """What is odd about the form of a readable header, ISA or UNB, between two positions."""
    head = data[start:stop]
    if delimiters.syntax is Syntax.X12:
        size = len(head.decode())
        if size != _ISA_SIZE:
            yield "E103", str(size + 1), str(_ISA_SIZE + 1)
        values = head.split(bytes([delimiters.element]))
        version = values[12].decode().strip(PADDING) if len(values) > 12 else ""
        if not ("00200" <= version <= "00899" and version.isdigit()):
            yield "E120", version, "00200 to 00801"
        return
    identifier = head[4:8].decode("latin-1")
    component, element, segment = delimiters.component, delimiters.element, delimiters.segment
    version = _second_component(head, 4, component, element, segment)
    if identifier not in CHARACTER_SETS and identifier != "UNOX":
        yield "E120", identifier, ", ".join(CHARACTER_SETS)
    elif version not in {"1", "2", "3", "4"}:
        yield "E120", f"{identifier}:{version}", "syntax versions 1 to 4"


def _second_component(data: bytes, at: int, component: int, element: int, segment: int) -> str:
    """The second component of the element at a position: UNB's syntax version."""
    head = data[at : at + 24]
    stop = min((p for p in (head.find(element), head.find(segment)) if p >= 0), default=len(head))
    parts = head[:stop].split(bytes([component]))
    return parts[1].decode("latin-1") if len(parts) > 1 else ""


def _unreadable(at: int, head: bytes, why: str) -> Begin:
    return Begin(at, at, None, _shown(head), why)


def _shown(raw: bytes) -> str:
    return raw[:120].decode("latin-1").strip()
