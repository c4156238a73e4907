"""How the tree of an EDI file looks: on a terminal, in a pipe, and as JSON."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Problem, place_of
from pipeline.model.findings import shorten
from pipeline.model.rules import RULES, Severity
from pipeline.read.edi.show import Entry, Kind, Line, Node, Remark, Tally, Value, name_of

Part = tuple[str, str]  # a text and its style

_BOLD, _DIM = "1", "2"
_RED, _YELLOW, _CYAN = "31", "33", "36"
_TITLES = {Kind.INTERCHANGE: "1;36", Kind.GROUP: _CYAN, Kind.MESSAGE: "1;36", Kind.LEVEL: _BOLD}
_SIGNS = {Severity.ERROR: ("✖", _RED), Severity.WARNING: ("!", _YELLOW), Severity.INFO: ("i", _DIM)}
_NUMBER = re.compile(r" \((?:\d{4}|[A-Z]\d{3})\)$")  # of a data element, behind its name
_STEP = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """What is shown: `width` in columns, 0 is unlimited; `digits` of line and segment numbers."""

    width: int = 0
    digits: tuple[int, int] = (4, 4)
    flat: bool = False
    names: bool = True
    problems_only: bool = False

    @property
    def margin(self) -> int:
        """The columns before the tree."""
        return sum(self.digits) + 4


def picked(entries: Iterable[Entry], layout: Layout) -> Iterator[Entry]:
    """Leave out what the options leave out; a node stays where something below it stays."""
    held: list[Node] = []
    for entry in entries:
        if isinstance(entry, Node):
            if not layout.flat:
                held = [node for node in held if node.depth < entry.depth]
                held.append(entry)
            continue
        if layout.problems_only and isinstance(entry, Line) and not entry.problems:
            continue
        if isinstance(entry, Line):
            held = [node for node in held if node.depth < entry.depth]
        yield from held
        held = []
        yield entry


# -- for people -----------------------------------------------------------------------------


def as_text(entries: Iterable[Entry], layout: Layout) -> Iterator[Part]:
    """The tree as lines of text, each with its line end; nothing where nothing is picked."""
    number, ordinal = layout.digits
    head = f"{'line':>{number}}  {'seg':>{ordinal}}\n"
    node: Node | None = None
    for entry in picked(entries, layout):
        if head:
            yield head, _DIM
            head = ""
        if node is not None and not (isinstance(entry, Line) and _together(node, entry)):
            yield from _node(node, layout)
            node = None
        if isinstance(entry, Node):
            node = entry
        elif isinstance(entry, Remark):
            yield _gutter(layout, entry.problem.line, 0), _DIM
            yield from _finding(entry.problem)
        else:
            yield from _line(entry, node, layout)
            node = None


def _together(node: Node, line: Line) -> bool:
    return line.heads and line.segment == node.segment and node.kind is Kind.LEVEL


def _gutter(layout: Layout, line: int, segment: int) -> str:
    number, ordinal = layout.digits
    return f"{line:>{number}}  {segment or '':>{ordinal}}  "


def _node(node: Node, layout: Layout) -> Iterator[Part]:
    if node.kind is Kind.MESSAGE or (node.kind is Kind.INTERCHANGE and node.segment > 1):
        yield "\n", ""
    yield _gutter(layout, node.line, node.segment), _DIM
    yield " " * (_STEP * node.depth), ""
    yield from _title(node)
    yield "\n", ""


def _title(node: Node) -> Iterator[Part]:
    yield node.title, _TITLES[node.kind]
    for fact in node.facts:
        yield f"  {fact}", _YELLOW if fact == "TEST" else ""
    if node.cause is not None:
        at = f" at segment {node.cause.segment:,}" if node.cause.segment else ""
        yield f"  REJECTED: {node.cause.code}{at}", "1;31"


def _line(line: Line, node: Node | None, layout: Layout) -> Iterator[Part]:
    """A segment: numbers and raw text, then what its elements mean, then what is wrong."""
    depth = 0 if layout.flat else line.depth
    if node is not None:
        depth = node.depth
    indent = " " * (_STEP * depth)
    headed = line.heads and node is None and not layout.flat
    yield (_blank(layout) if headed else _gutter(layout, line.line, line.segment)), _DIM
    yield indent, ""
    used = layout.margin + len(indent)
    if node is not None:
        title = list(_title(node))
        yield from title
        yield "  ", ""
        used += sum(len(text) for text, _ in title) + 2
    yield _fitting(line.raw, layout.width - used if layout.width else 0) + "\n", ""
    below = " " * (layout.margin + len(indent) + _STEP)
    # a level of HL says in its title all that its elements say
    if layout.names and not layout.flat and (line.name or line.values) and line.tag != "HL":
        yield from _meaning(line, below, layout.width)
    for problem in line.problems:
        yield below, ""
        yield from _finding(problem)


def _blank(layout: Layout) -> str:
    return " " * layout.margin


def _fitting(text: str, width: int) -> str:
    """Cut a text to a width; 0 is any, and a little is always shown."""
    if not width or len(text) <= max(width, 20):
        return text
    return text[: max(width, 20) - 1] + "…"


def _meaning(line: Line, below: str, width: int) -> Iterator[Part]:
    """The segment's name and its elements by name, wrapped to the width."""
    name = _short(line.name)
    yield below, ""
    yield name, _DIM
    used = len(below) + len(name)
    for number, (value, label) in enumerate(zip(line.values, _labels(line), strict=True)):
        text = value.text.strip()
        between = " — " if not number else " · "
        size = len(between) + len(label) + len(text) + 2
        if number and width and used + size > width:
            yield "\n", ""
            yield below + "  ", ""
            between = ""
            used = len(below) + 2
        yield f"{between}{label}: ", _DIM
        yield text, ""
        used += size
    yield "\n", ""


def _labels(line: Line) -> list[str]:
    """What the values are called; with the composite's name where two would be called the same."""
    names = [_short(each.name) if each.name else _place(line, each) for each in line.values]
    counts = Counter(names)
    return [
        f"{_short(value.composite)}, {name}" if value.composite and counts[name] > 1 else name
        for name, value in zip(names, line.values, strict=True)
    ]


def _place(line: Line, value: Value) -> str:
    return place_of(line.syntax, line.tag, value.element, value.component)


@cache
def _short(name: str) -> str:
    """A name as it is read best in a line.

    >>> _short("Document type (1001)"), _short("carrier (SCAC)"), _short("SSCC")
    ('document type', 'carrier (SCAC)', 'SSCC')
    """
    name = _NUMBER.sub("", name)
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _finding(problem: Problem) -> Iterator[Part]:
    sign, style = _SIGNS[RULES[problem.code].severity]
    yield f"{sign} {problem.code}", f"1;{style}"
    yield f" {says(problem)}\n", style


def says(problem: Problem) -> str:
    """The sentence of a finding; where it stands is told beside it."""
    return RULES[problem.code].says.format(
        column=problem.column or "", target="", value=shorten(problem.value),
        detail=shorten(problem.detail),
    )  # fmt: skip


def no_problems(tally: Tally) -> Iterator[Part]:
    """What stands in place of a tree of problems where there are none."""
    yield f"no problems in {counted(tally.accepted.total(), 'message')}\n", ""


def summary_text(tally: Tally, types: list[tuple[str, str]]) -> Iterator[Part]:
    """The end: how much, which messages, which findings; `types` are types with their names."""
    accepted, rejected = tally.accepted.total(), tally.rejected.total()
    yield "\n", ""
    yield counted(tally.segments, "segment"), _BOLD
    if tally.in_messages < tally.segments:
        yield f" ({tally.in_messages:,} in messages)", ""
    yield f", {counted(accepted + rejected, 'message')}", _BOLD
    yield f": {accepted:,} accepted, {rejected:,} rejected\n" if accepted + rejected else "\n", ""
    kind_width = max((len(kind) for kind, _ in types), default=0)
    name_width = max((len(name) for _, name in types), default=0)
    digits = len(f"{max(accepted, rejected):,}")
    for kind, name in types:
        good, bad = tally.accepted[kind], tally.rejected[kind]
        yield f"  {kind:<{kind_width}}  {name:<{name_width}}  {good:>{digits},} accepted", ""
        yield f"  {bad:>{digits},} rejected" if bad else "", _RED
        yield "\n", ""
    if not tally.codes:
        yield "no findings\n", ""
        return
    warnings = tally.codes.total() - tally.errors
    yield counted(tally.codes.total(), "finding"), _BOLD
    yield f": {counted(tally.errors, 'error')}, {counted(warnings, 'warning')}\n", ""
    digits = len(f"{max(tally.codes.values()):,}")
    for code, count in sorted(tally.codes.items()):
        rule = RULES[code]
        sign, style = _SIGNS[rule.severity]
        yield f"  {sign} {code}", style
        yield f"  {count:>{digits},}  {rule.title}\n", ""
    yield f"What one means, and who fixes it: pipeline explain {_first(tally)}\n", _DIM


def _first(tally: Tally) -> str:
    """An error, if there is one, as the example of what to look up."""
    errors = [code for code in tally.codes if RULES[code].severity is Severity.ERROR]
    return min(errors or tally.codes)


def counted(number: int, word: str) -> str:
    """Count in words.

    >>> counted(1, "segment"), counted(1200, "segment")
    ('1 segment', '1,200 segments')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def names_of(tally: Tally, syntaxes: Iterable[Syntax]) -> list[tuple[str, str]]:
    """The message types that were shown, with their names; no name where there is no definition."""
    known = sorted(set(syntaxes))
    return [
        (kind, next(filter(None, (name_of(syntax, kind) for syntax in known)), ""))
        for kind in sorted({*tally.accepted, *tally.rejected})
    ]


# -- for programs ---------------------------------------------------------------------------


def as_json(entries: Iterable[Entry], layout: Layout) -> Iterator[Part]:
    """The tree as a JSON list, piece by piece."""
    yield "[", ""
    comma = ""
    for entry in picked(entries, layout):
        yield comma + json.dumps(_object(entry, layout)), ""
        comma = ", "
    yield "]", ""


def _object(entry: Entry, layout: Layout) -> dict[str, object]:
    if isinstance(entry, Remark):
        return {"kind": "finding", **_finding_object(entry.problem)}
    if isinstance(entry, Node):
        return {
            "kind": entry.kind.value, "depth": entry.depth, "line": entry.line,
            "segment": entry.segment, "title": entry.title, "facts": list(entry.facts),
            "rejected": entry.cause and {"code": entry.cause.code, "segment": entry.cause.segment},
        }  # fmt: skip
    found: dict[str, object] = {
        "kind": "segment", "depth": entry.depth, "line": entry.line, "segment": entry.segment,
        "message": entry.message + 1 if entry.message >= 0 else None, "tag": entry.tag,
        "loop": entry.loop, "raw": entry.raw,
    }  # fmt: skip
    if layout.names and not layout.flat:
        found["name"] = entry.name
        found["elements"] = [
            {"place": _place(entry, value), "name": value.name, "value": value.text}
            for value in entry.values
        ]
    found["findings"] = [_finding_object(problem) for problem in entry.problems]
    return found


def _finding_object(problem: Problem) -> dict[str, object]:
    return {
        "code": problem.code, "severity": RULES[problem.code].severity.value, "line": problem.line,
        "segment": problem.segment, "column": problem.column, "value": problem.value,
        "detail": problem.detail, "text": says(problem),
    }  # fmt: skip


def summary_object(tally: Tally) -> dict[str, object]:
    """The totals as JSON carries them."""
    return {
        "segments": tally.segments,
        "segments_in_messages": tally.in_messages,
        "messages": {
            kind: {"accepted": tally.accepted[kind], "rejected": tally.rejected[kind]}
            for kind in sorted({*tally.accepted, *tally.rejected})
        },
        "findings": dict(sorted(tally.codes.items())),
        "errors": tally.errors,
    }
