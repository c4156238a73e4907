"""Masks that keep the shape of a value and hide the person behind it (REPORT §7, FAULTS S10).

Which mask a value gets is decided by the API field it was meant for, never by its column, so a new
mapping is safe before anyone thought of it. What makes a value invalid stays visible: blanks in an
e-mail or a phone number, control and bidi characters anywhere.

>>> mask("konrad@example.com", Pii.EMAIL)
'k…@e….com'
>>> mask("k unde@example.com", Pii.EMAIL)
'k␠u…@e….com'
>>> mask("Jana Meyer", Pii.NAME)
'J… M…'
>>> mask("+49 151 2345 6742", Pii.PHONE)
'+49␠…42'
>>> mask("01067", Pii.POSTCODE)
'01…'
"""

import re
from enum import StrEnum
from functools import lru_cache

from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Field, Kind, Pii, Shape
from pipeline.model.rules import RULES, Stage
from pipeline.report.visible import CUT, shown_code, visible

# Segments with names, addresses, contacts and free text about people.
_PERSONAL_SEGMENTS = frozenset({
    "N1", "N2", "N3", "N4", "NM1", "PER", "G61", "DMG", "NTE", "MSG", "K1", "PID",
    "NAD", "COM", "CTA", "FTX", "PNA", "ADR",
})  # fmt: skip
_RAW_SEGMENTS = frozenset({"E102", "E111", "E117", "E118"})  # whole segments, or pieces of them
_TAGS = frozenset({"E115", "E201", "E202", "E203", "E204"})  # tags, or what stands in their place
_TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}(?![A-Za-z0-9])")
_PATH_TAG = re.compile(r"(?<![A-Za-z0-9=|])[A-Z][A-Z0-9]{1,2}(?=[\[.>*+]|$)")
_CODE_MAX = 3  # characters of a code of the standards; a name is longer
# The values of these findings are facts about a record, not cells of it.
_NO_CELL = frozenset({"R101", "R102", "R110", "R111", "R113", "A403"})
_ANSWERS = frozenset(code for code, rule in RULES.items() if rule.stage is Stage.API)
_PART_MAX = 3  # characters that may be part of any word
# The details of these findings quote another cell of the same target.
_DETAIL_IS_CELL = frozenset({"R303"})
_OPEN_KINDS = (Kind.ATTRIBUTES, Kind.FREE_OBJECT, Kind.FREE_OBJECTS, Kind.OBJECT, Kind.OBJECTS)
_HIDDEN = "(not shown)"
_EMPTY = "(empty)"


class PiiMode(StrEnum):
    """How much of the values the page shows: masks, everything, or no value of any cell."""

    MASK = "mask"
    SHOW = "show"
    NONE = "none"


@lru_cache(maxsize=4096)
def pii_of(target: str | None) -> Pii:
    """Tell whom a value meant for `target` concerns; FREE where the catalogue does not know.

    >>> pii_of("recipient_email"), pii_of("shipping_address.city"), pii_of("articles_order.quantity")
    (<Pii.EMAIL: 'email'>, <Pii.CITY: 'city'>, <Pii.NONE: 'none'>)
    >>> pii_of("mutations.add_tracking.tracking.recipient_name"), pii_of(None)
    (<Pii.NAME: 'name'>, <Pii.FREE: 'free'>)
    """
    if not target:
        return Pii.FREE
    within: tuple[Shape, ...] = (SHAPES["order"],)
    found: Field | None = None
    for segment in re.split(r"[.\[\]]+", target.strip(".[]")):
        if segment.isdigit() or segment == "mutations":
            within = tuple(SHAPES.values()) if segment == "mutations" else within
            continue
        if found is None and segment in SHAPES and not _members(within, segment):
            within = (SHAPES[segment],)
            continue
        members = _members(within, segment) or (
            _members(tuple(SHAPES.values()), segment) if found is None else ()
        )
        if not members:
            return Pii.FREE if found is None else _of_unknown_member(found)
        found = _strictest(members)
        within = _shapes_of(members)
    return Pii.FREE if found is None else found.pii


def mask(value: str, pii: Pii) -> str:
    """Mask one value by its class; a value of class NONE is only cut and made visible."""
    match pii:
        case Pii.NONE:
            masked = visible(value)
        case Pii.EMAIL:
            masked = _email(value)
        case Pii.NAME:
            masked = " ".join(_initial(word) for word in value.split(" ")[:6])
        case Pii.PHONE:
            masked = _phone(value)
        case Pii.POSTCODE:
            masked = _keep(value, 2)
        case _:
            masked = _keep(value, 1)
    return masked if value else ""


def shown_value(
    code: str, target: str | None, value: str | None, mode: PiiMode, *,
    column: str | None = None, detail: str | None = None, path: str | None = None,
) -> str:  # fmt: skip
    """Write the value of a finding as the report may show it; `path` is where EDI has its column.

    A value for no field of the API is shown where it comes from segments that tell of no person.
    Counts, references and tags of an EDI file are shown; elements of its segments about people, and
    raw segments, keep only their shape.

    >>> shown_value("R310", "recipient_email", "max@example.com", PiiMode.MASK)
    'm…@e….com'
    >>> shown_value("R101", None, "12", PiiMode.MASK)
    '12'
    >>> shown_value("E110", None, "80", PiiMode.MASK, column="SE*01")
    '80'
    >>> shown_value("E302", None, "Jane Doe 2", PiiMode.MASK, column="N1*02")
    'Xxxx Xxx 9'
    """
    if not value:
        return _EMPTY if value == "" else ""
    if code in _NO_CELL or (code.startswith("E") and not _is_element(code, value)):
        return visible(value)
    if mode is PiiMode.NONE:
        return _HIDDEN
    if mode is PiiMode.SHOW:
        return visible(value)
    if not code.startswith("E"):
        return mask(value, _class_of(target, path))
    if code in _RAW_SEGMENTS:
        return visible(raw_shape(value))
    return visible(shape(value) if _is_personal(code, column, value, detail) else value)


def shown_detail(
    code: str, target: str | None, value: str | None, detail: str | None, mode: PiiMode, *,
    path: str | None = None,
) -> str:  # fmt: skip
    """Write the detail of a finding; a cell that it quotes is masked like the value.

    The details of EDI findings are counts, names of elements, codes and paths, never elements.
    """
    if not detail:
        return ""
    if code.startswith("E"):
        return visible(detail, limit=500)
    if code in _DETAIL_IS_CELL:
        return shown_value(code, target, detail, mode, path=path)
    # words of the API were masked when they came; a short cell would be found inside of them
    told = code not in _NO_CELL and (code not in _ANSWERS or len(value or "") > _PART_MAX)
    if value and told and mode is not PiiMode.SHOW:
        hidden = _HIDDEN if mode is PiiMode.NONE else mask(value, _class_of(target, path))
        detail = detail.replace(value, hidden) if hidden != value else detail
    return visible(detail, limit=500)


def shape(value: str) -> str:
    """Every letter as x or X, every digit as 9; what else stands there stays.

    >>> shape("Müller-Lüdenscheidt, Gate 7b")
    'Xxxxxx-Xxxxxxxxxxxx, Xxxx 9x'
    """
    return "".join(_shape(c) for c in value)


def raw_shape(text: str) -> str:
    """The shape of a segment, its tag as it is; so are characters beyond ASCII, often the fault.

    >>> raw_shape("N3*1 MAIN STREET")
    'N3*9 XXXX XXXXXX'
    """
    found = _TAG.match(text)
    kept = found.end() if found else 0
    return text[:kept] + "".join(_shape(c) if c.isascii() else c for c in text[kept:])


def _shape(c: str) -> str:
    if c.isdigit():
        return "9"
    return ("X" if c.isupper() else "x") if c.isalpha() else c


def _is_element(code: str, value: str) -> bool:
    """Tell whether the value of an EDI finding is content of a segment; counts and tags are none."""
    if code in _TAGS:
        return _TAG.fullmatch(value) is None
    return code in _RAW_SEGMENTS or (code.startswith("E3") and code != "E305")


def _is_personal(code: str, column: str | None, value: str, detail: str | None) -> bool:
    """Tell whether an element may be about a person, by the segment that it stands in."""
    if code in _TAGS:
        return True
    if code == "E304" and len(value) <= _CODE_MAX:
        return False
    # E307 and E308 have the path in their detail, the others the element in their column
    return _tells_of_people((detail if code in {"E307", "E308"} else column) or "")


def _tells_of_people(place: str) -> bool:
    """Tell whether an element or a path names a segment that may be about a person."""
    return not _PERSONAL_SEGMENTS.isdisjoint(_PATH_TAG.findall(place))


def _class_of(target: str | None, path: str | None) -> Pii:
    """Tell whom a value concerns: by its field, and where it has none by the path of its column."""
    if target or not path:
        return pii_of(target)
    return Pii.FREE if _tells_of_people(path) else Pii.NONE


def _members(shapes: tuple[Shape, ...], name: str) -> tuple[Field, ...]:
    return tuple(member for shape in shapes if (member := shape.field(name)) is not None)


def _shapes_of(fields: tuple[Field, ...]) -> tuple[Shape, ...]:
    return tuple(SHAPES[each.shape] for each in fields if each.shape)


def _strictest(fields: tuple[Field, ...]) -> Field:
    """A name that stands in several shapes gets the mask of the one that concerns a person."""
    return next((each for each in fields if each.pii is not Pii.NONE), fields[0])


def _of_unknown_member(owner: Field) -> Pii:
    if owner.kind in _OPEN_KINDS and owner.pii is Pii.NONE:
        return Pii.FREE
    return owner.pii


def _revealed(text: str) -> str:
    """The blanks and invisible characters of a text, without its letters."""
    return "".join(_sign(c) for c in text[:CUT] if not c.isprintable() or c.isspace())


def _sign(c: str) -> str:
    if c == " ":
        return "␠"
    return c if c.isprintable() else shown_code(c)


def _initial(word: str) -> str:
    if not word:
        return "␠"
    kept = _sign(word[0])
    return kept + ("…" if len(word) > 1 else "") + _revealed(word[1:])


def _keep(value: str, count: int) -> str:
    """The first characters, never the whole of the value."""
    count = max(0, min(count, len(value) - 1))
    kept = "".join(_sign(c) for c in value[:count])
    hidden = "".join(shown_code(c) for c in value[count:][:CUT] if not c.isprintable())
    return f"{kept}…{hidden}"


def _email(value: str) -> str:
    local, at, domain = value.partition("@")
    if not at:
        return _initials(local)
    host, dot, ending = domain.rpartition(".")
    if not dot:
        return f"{_initials(local)}@{_initials(domain)}"
    public = ending.isascii() and ending.isalpha() and len(ending) <= 4
    return f"{_initials(local)}@{_initials(host)}.{ending if public else _initials(ending)}"


def _initials(text: str) -> str:
    """Abbreviate the runs of letters; blanks, separators and invisible characters stay."""
    runs: list[str] = []
    for c in text[:CUT]:
        if runs and not _separates(c) and not _separates(runs[-1]):
            runs[-1] += c
        else:
            runs.append(c)
    return "".join(
        _sign(run)
        if _separates(run)
        else run[0] + ("…" if len(run) > 1 or place == len(runs) else "")
        for place, run in enumerate(runs, start=1)
    )


def _separates(text: str) -> bool:
    return text.isspace() or not text.isprintable() or text in "@,;<>"


def _phone(value: str) -> str:
    """Country prefix and the last two digits; what is no digit in between stays hidden."""
    if len(value) < 7:
        return _keep(value, 1)
    kept = 3 if value.startswith("+") else 2
    head = "".join(_sign(c) for c in value[:kept])
    middle = _revealed(value[kept:-2])
    letters = "".join(sorted({c for c in value[kept:-2] if not c.isdigit() and c in "/#*xX"}))
    return f"{head}{middle[:1]}{letters}…{value[-2:] if value[-2:].isdigit() else ''}"
