"""Which bytes separate what: read from the interchange's own header, never guessed.

X12: the byte after `ISA` separates elements, the 16 elements are counted out, and the two bytes
after the last separator are the component separator (ISA16) and the segment terminator (X12.6
§3.2). EDIFACT: `UNA` and the six bytes after it, or the defaults of ISO 9735 §7.
"""

import re
from dataclasses import dataclass

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import NONE, Delimiters

# Blanks and control characters may stand between segments; nothing else may.
BLANKS = frozenset(range(0x21)) - frozenset(range(0x1C, 0x20))
BOM = b"\xef\xbb\xbf"

_ISA_ELEMENTS = 16
_ISA_SIZE = 105  # up to and with ISA16; the terminator is one more
_ISA_MAX = 400  # an ISA longer than this has lost its separators
_REPETITION_FROM = "00402"  # ISA11 is a standards identifier ("U") before this version

# Blanks, then a word that can only begin an interchange.
_BEGIN = re.compile(rb"(?:ISA[^0-9A-Za-z]|UNA[^0-9A-Za-z]{4}|UNB[+\x1d])")

# Character sets by syntax identifier (ISO 9735-1 annex A); all are supersets of ASCII.
CHARACTER_SETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso-8859-1", "UNOD": "iso-8859-2",
    "UNOE": "iso-8859-5", "UNOF": "iso-8859-7", "UNOG": "iso-8859-3", "UNOH": "iso-8859-4",
    "UNOI": "iso-8859-6", "UNOJ": "iso-8859-8", "UNOK": "iso-8859-9", "UNOL": "iso-8859-15",
    "UNOW": "utf-8", "UNOY": "utf-8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Begin:
    """Where an interchange begins: `at` its first byte, `body` the first byte of ISA or UNB.

    `problems` are (code, value, detail) of findings about the header's form. `delimiters` is None
    where the header cannot be read (E102 is among the problems).
    """

    at: int
    body: int
    delimiters: Delimiters | None
    problems: tuple[tuple[str, str, str], ...] = ()


def next_begin(data: bytes, at: int) -> int:
    """The position of the next word that begins an interchange, or -1."""
    found = _BEGIN.search(data, at)
    return found.start() if found is not None else -1


def read_begin(data: bytes, at: int) -> Begin:
    """Read the header at a position of `next_begin`.

    The bytes must hold the whole ISA, or UNA and the first element of UNB; at the end of a window
    that is not the file's end, ask for more before (`HEADER_MAX`).
    """
    word = data[at : at + 3]
    return _isa(data, at) if word == b"ISA" else _una(data, at)


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
    version = values[11].decode("latin-1").strip()
    repetition = values[10][:1]
    problems = []
    if size != _ISA_SIZE:
        problems.append(("E103", str(size + 1), str(_ISA_SIZE + 1)))
    if not ("00200" <= version <= "00899" and version.isdigit()):
        problems.append(("E120", _shown(values[11]), "00200 to 00801"))
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
    return Begin(at, at, delimiters, tuple(problems))


def _isa_mistake(values: list[bytes], element: int, component: int, segment: int) -> str:
    """Why these cannot be an ISA's elements and separators, or ""."""
    if any(b"\n" in value or b"\r" in value for value in values):
        return "a line ends inside it"
    if len({element, component, segment}) < 3:
        return "two separators are the same character"
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
        marks = data[at + 3 : at + 9]
        if len(marks) < 6:
            return _unreadable(at, data[at : at + 9], "cut off")
        body = at + 9
        while body < len(data) and data[body] in BLANKS and data[body] != marks[1]:
            body += 1
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
    problems = []
    if identifier not in CHARACTER_SETS and identifier != "UNOX":
        problems.append(("E120", identifier, ", ".join(CHARACTER_SETS)))
    elif version not in {"1", "2", "3", "4"}:
        problems.append(("E120", f"{identifier}:{version}", "syntax versions 1 to 4"))
    delimiters = Delimiters(
        Syntax.EDIFACT, element, component, segment,
        repetition if repetition not in (0x20, element, component, segment, release) and version == "4" else NONE,
        release if release not in (0x20, element, component, segment) else NONE,
        chr(decimal) if chr(decimal) in ".," else ".",
        CHARACTER_SETS.get(identifier, ""),
    )  # fmt: skip
    return Begin(at, body, delimiters, tuple(problems))


def _second_component(data: bytes, at: int, component: int, element: int, segment: int) -> str:
    """The second component of the element at a position: UNB's syntax version."""
    head = data[at : at + 24]
    stop = min((p for p in (head.find(element), head.find(segment)) if p >= 0), default=len(head))
    parts = head[:stop].split(bytes([component]))
    return parts[1].decode("latin-1") if len(parts) > 1 else ""


def _unreadable(at: int, head: bytes, why: str) -> Begin:
    return Begin(at, at, None, (("E102", _shown(head), why),))


def _shown(raw: bytes) -> str:
    return raw[:120].decode("latin-1").strip()
