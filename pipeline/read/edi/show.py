"""An EDI file as its reader sees it: a tree of envelopes, levels and segments, with its findings.

Nothing here depends on a mapping, so any file can be looked at, also one whose message types have
no definition: their segments stand flat below the message.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

import numpy as np
import polars as pl

from pipeline.model.edi.definition import Element, Segment, Syntax, Type
from pipeline.model.edi.envelope import NONE, Envelopes, Group, Interchange, Problem
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.edi.tags import TAGS
from pipeline.read.decoding import text_of
from pipeline.read.edi.batches import Reading, bodies_of, is_error, judge, rejections
from pipeline.read.edi.elements import SEGMENTS
from pipeline.read.edi.grammar import Grammar
from pipeline.read.edi.pieces import Piece
from pipeline.read.edi.segments import Segments
from pipeline.read.edi.structure import Tree, tree

HIDDEN = "•••"

# HL03, data element 735, as far as ship notices use it.
_LEVELS = {
    "S": "shipment", "O": "order", "T": "pallet", "P": "pack", "I": "item", "Q": "subpack",
    "E": "equipment", "V": "vehicle", "K": "kit", "F": "component", "D": "product", "L": "list",
    "A": "assembly", "B": "subassembly", "C": "group", "N": "sub-item", "X": "class",
}  # fmt: skip

# What --mask leaves of segments that name people: the elements that hold codes, not names.
_KEPT: Mapping[str, frozenset[int]] = {
    "N1": frozenset({1, 3, 4, 5, 6}), "N2": frozenset(), "N3": frozenset(),
    "N4": frozenset({4, 5}), "PER": frozenset({1, 3, 5, 7}), "G61": frozenset({1, 3}),
    "NM1": frozenset({1, 2, 8}), "NAD": frozenset({1, 2, 9}), "CTA": frozenset({1}),
    "COM": frozenset(),
}  # fmt: skip
_KEPT_PARTS: Mapping[str, frozenset[int]] = {"COM": frozenset({2})}

# Findings about what stands between segments.
_BETWEEN = frozenset({"E101", "E102", "E111", "E116", "E119"})
# Findings whose value is a tag, a number or a code, never a cell.
_NO_CELL = frozenset(
    {"E201", "E202", "E203", "E204", "E103", "E105", "E108", "E110", "E113", "E115", "E125"}
)
_FREE_VALUE = frozenset({"E111", "E117", "E118"})


class Kind(StrEnum):
    """What a node of the tree is."""

    INTERCHANGE = "interchange"
    GROUP = "group"
    MESSAGE = "message"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Node:
    """The beginning of an envelope or level: what it is called, and facts about it in words.

    `cause` is the error for which it is rejected.
    """

    kind: Kind
    depth: int
    line: int
    segment: int
    title: str
    facts: tuple[str, ...] = ()
    cause: Problem | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """An element or component that is present; `component` 0 is the whole element.

    `composite` is the name of the element that a component belongs to.
    """

    element: int
    component: int
    name: str
    text: str
    composite: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One segment; `depth` is its place in the tree, `loop` its loops as the definition calls them.

    `raw` is as it stands in the file, what cannot be printed made visible. `heads` says that the
    segment begins the node that came just before.
    """

    depth: int
    line: int
    segment: int
    message: int
    syntax: Syntax
    tag: str
    name: str
    loop: str
    raw: str
    values: tuple[Value, ...]
    problems: tuple[Problem, ...]
    heads: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding that belongs to no segment."""

    problem: Problem


Entry = Node | Line | Remark


@dataclass(slots=True)
class Tally:
    """What was shown: counted while `entries` goes on.

    `segments` are all that are shown, envelopes too; `in_messages` those from the header of a
    message to its trailer, which is what SE01, UNT and the report count.
    """

    segments: int = 0
    in_messages: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    errors: int = 0

    def add(self, problem: Problem) -> None:
        """Count a finding."""
        self.codes[problem.code] += 1
        self.errors += is_error(problem)


def choose(envelopes: Envelopes, wanted: str) -> frozenset[int]:
    """The messages that a text names: the N-th of the file, or those with this reference.

    A number without leading zeros is a position where the file has that many messages.
    """
    if re.fullmatch(r"[1-9][0-9]{0,8}", wanted) and int(wanted) <= envelopes.messages.height:
        return frozenset({int(wanted) - 1})
    found = envelopes.messages.filter(pl.col("reference").str.strip_chars() == wanted.strip())
    return frozenset(found.get_column("message").to_list())


def name_of(syntax: Syntax, kind: str) -> str:
    """A message type in words; "" where there is no definition."""
    message = MESSAGES.get((syntax, kind))
    return message.name if message is not None else ""


def entries(
    reading: Reading, tally: Tally, *, only: frozenset[int] | None = None, mask: bool = False
) -> Iterator[Entry]:
    """Give the file's tree in file order; `only` are numbers of messages, None is the whole file.

    A node comes before its segments. Memory depends on the largest message, not on the file.
    """
    view = _View(reading.envelopes, tally, only, mask=mask)
    for piece in reading.again():
        if view.wants(piece):
            yield from view.piece(piece)
    yield from view.rest()


class _View:
    def __init__(
        self, envelopes: Envelopes, tally: Tally, only: frozenset[int] | None, *, mask: bool
    ) -> None:
        self._envelopes = envelopes
        self._tally = tally
        self._only = only
        self._mask = mask
        self._interchanges = {each.segment: each for each in envelopes.interchanges}
        self._groups = {each.segment: each for each in envelopes.groups}
        self._rejections = rejections(envelopes)
        self._begins = envelopes.messages.get_column("begin").to_numpy()
        self._at_segment: dict[int, list[Problem]] = {}
        self._between: list[Problem] = []
        for problem in envelopes.problems:
            self._place(problem)
        self._between.sort(key=lambda problem: (problem.segment, problem.line))
        # what was announced above the chosen messages, and the levels that are open
        self._told: set[tuple[Kind, int]] = set()
        self._open: list[str] = []

    def _place(self, problem: Problem) -> None:
        if self._only is not None and problem.message not in self._only:
            return
        if problem.code in _BETWEEN or not problem.segment:
            self._between.append(problem)
            return
        self._at_segment.setdefault(problem.segment, []).append(problem)

    def wants(self, piece: Piece) -> bool:
        """Whether anything of a piece is to be shown."""
        if self._only is None:
            return True
        low, high = self._range(piece)
        return any(number in self._only for number in range(low, high))

    def _range(self, piece: Piece) -> tuple[int, int]:
        first = piece.segments.ordinal
        low = int(np.searchsorted(self._begins, first))
        return low, int(np.searchsorted(self._begins, first + piece.segments.count))

    def piece(self, piece: Piece) -> Iterator[Entry]:
        """What a piece has, in file order."""
        segments = piece.segments
        low, high = self._range(piece)
        messages = self._envelopes.messages.slice(low, high - low)
        if self._only is not None:
            messages = messages.filter(pl.col("message").is_in(list(self._only)))
        shape = self._follow(piece, messages)
        rows = {row["begin"]: row for row in messages.iter_rows(named=True)}
        lines = segments.lines(np.arange(segments.count)).tolist()
        starts, stops, tags = segments.start.tolist(), segments.stop.tolist(), segments.tag.tolist()
        cut = _Cut(segments, mask=self._mask)
        message, base, last = -1, 0, -1
        for index in range(segments.count):
            ordinal = segments.ordinal + index
            yield from self._remarks(ordinal)
            row = rows.get(ordinal)
            if row is not None:
                message, last = row["message"], row["begin"] + row["counted"] - 1
                yield from self._above(row)
                base = (row["interchange"] >= 0) + (row["group"] >= 0)
                yield self._message(row, base, last, flat=message not in shape.known)
                self._open.clear()
            inside = message >= 0 and ordinal <= last
            if not inside and self._only is not None:
                continue
            heads = row is not None
            if not inside:
                message = -1
                node = self._envelope_node(ordinal)
                heads = node is not None
                if node is not None:
                    yield node
                depth = self._envelope_depth(TAGS[tags[index]])
            else:
                level = shape.nodes.get(index)
                depth = base + 1 + shape.depth[index]
                if level is not None and row is None:
                    heads = True
                    values = cut.apart(starts[index], stops[index])
                    yield self._level(cut.syntax, values, level, base, lines[index], ordinal)
            said = tuple(self._problems(ordinal, TAGS[tags[index]]))
            self._tally.segments += 1
            self._tally.in_messages += inside
            yield cut.line(
                starts[index], stops[index], TAGS[tags[index]], depth, lines[index], ordinal,
                message, shape.loop(index), said, heads=heads,
            )  # fmt: skip

    def _follow(self, piece: Piece, messages: pl.DataFrame) -> "_Shape":
        """Find the levels of all messages that have a definition, and judge them."""
        segments = piece.segments
        shape = _Shape(segments.count)
        for kind in messages.get_column("type").unique().to_list():
            definition = MESSAGES.get((segments.delimiters.syntax, kind))
            if definition is None:
                continue
            bodies = bodies_of(piece, messages.filter(pl.col("type") == kind), definition)
            built, problems = tree(bodies)
            shape.add(built)
            for problem in (*problems, *judge(piece, bodies)):
                if problem.segment in self._envelopes.cut:
                    continue  # E104 tells of it
                self._at_segment.setdefault(problem.segment, []).append(problem)
        return shape

    def rest(self) -> Iterator[Entry]:
        """The findings that stand behind the last segment, or at none."""
        if self._only is None:
            yield from self._remarks(None)
        for ordinal in sorted(self._at_segment):
            for problem in self._problems(ordinal, ""):
                yield Remark(problem)

    def _remarks(self, before: int | None) -> Iterator[Entry]:
        while self._between and (before is None or self._between[0].segment < before):
            problem = self._between.pop(0)
            self._tally.add(problem)
            yield Remark(self._shown(problem, ""))

    def _problems(self, ordinal: int, tag: str) -> Iterator[Problem]:
        for problem in self._at_segment.pop(ordinal, ()):
            self._tally.add(problem)
            yield self._shown(problem, tag)

    def _shown(self, problem: Problem, tag: str) -> Problem:
        if self._mask:
            problem = _without_people(problem, tag)
        return replace(problem, value=visible(problem.value))

    # -- nodes ------------------------------------------------------------------------------

    def _above(self, row: Mapping[str, int]) -> Iterator[Node]:
        """The envelopes around a chosen message, once each; all of them where all is shown."""
        if self._only is None:
            return
        if row["interchange"] >= 0 and (Kind.INTERCHANGE, row["interchange"]) not in self._told:
            self._told.add((Kind.INTERCHANGE, row["interchange"]))
            yield interchange_node(self._envelopes.interchanges[row["interchange"]])
        if row["group"] >= 0 and (Kind.GROUP, row["group"]) not in self._told:
            self._told.add((Kind.GROUP, row["group"]))
            yield group_node(self._envelopes.groups[row["group"]])

    def _envelope_node(self, ordinal: int) -> Node | None:
        interchange = self._interchanges.get(ordinal)
        if interchange is not None:
            return interchange_node(interchange)
        group = self._groups.get(ordinal)
        return group_node(group) if group is not None else None

    def _envelope_depth(self, tag: str) -> int:
        if tag in ("ISA", "IEA", "UNB", "UNZ", "TA1"):
            return 1
        return 2 if tag in ("GS", "GE", "UNG", "UNE") else 0

    def _message(self, row: Mapping[str, object], depth: int, last: int, *, flat: bool) -> Node:
        number, begin = int(str(row["message"])), int(str(row["begin"]))
        own = (
            problem for ordinal in range(begin, last + 1)
            for problem in self._at_segment.get(ordinal, ()) if is_error(problem)
        )  # fmt: skip
        cause = next(own, None) or self._rejections.get(number)
        kind = str(row["type"] or "")
        (self._tally.rejected if cause is not None else self._tally.accepted)[kind] += 1
        interchange = int(str(row["interchange"]))
        syntax = self._envelopes.interchanges[interchange].syntax if interchange >= 0 else None
        words = name_of(syntax, kind) if syntax is not None else ""
        reference, version = str(row["reference"] or ""), str(row["version"] or "")
        facts = (
            f"{kind} {words}".strip(),
            f"reference {reference}" if reference else "",
            f"version {version}" if version else "",
            "no definition: its segments are not checked" if flat else "",
        )
        return Node(
            Kind.MESSAGE, depth, int(str(row["line"])), begin, f"message {number + 1}",
            tuple(visible(fact) for fact in facts if fact), cause,
        )  # fmt: skip

    def _level(
        self, syntax: Syntax, values: Sequence[str], level: "_Level", base: int, line: int,
        ordinal: int,
    ) -> Node:  # fmt: skip
        tag, first = values[0], values[1] if len(values) > 1 else ""
        if tag == "HL":
            code = values[3] if len(values) > 3 else ""
            word = _LEVELS.get(code, f"level {code}".strip())
        else:
            word, first = _called(syntax, tag, first)
        title = f"{word} {first}".strip()
        depth = base + 1 + level.depth
        del self._open[level.depth :]
        above = level.parent_title
        facts: tuple[str, ...] = ()
        if above and level.depth and (len(self._open) < level.depth or self._open[-1] != above):
            facts = (f"in {above}",)
        level.title = title
        self._open += [""] * (level.depth - len(self._open))
        self._open.append(title)
        return Node(Kind.LEVEL, depth, line, ordinal, visible(title), facts)


def interchange_node(interchange: Interchange) -> Node:
    """An interchange in words: who to whom, when, which version."""
    sender = _party(interchange.sender, interchange.sender_qualifier)
    receiver = _party(interchange.receiver, interchange.receiver_qualifier)
    facts = (
        f"{sender} → {receiver}",
        _moment(interchange.date, interchange.time),
        f"version {interchange.version}" if interchange.version else "",
        "TEST" if interchange.test else "",
    )
    return Node(
        Kind.INTERCHANGE, 0, interchange.line, interchange.segment,
        visible(f"interchange {interchange.reference}".strip()),
        tuple(visible(fact) for fact in facts if fact),
        next((problem for problem in interchange.problems if is_error(problem)), None),
    )  # fmt: skip


def group_node(group: Group) -> Node:
    """A group in words."""
    facts = (
        group.functional,
        f"{_party(group.sender)} → {_party(group.receiver)}" if group.sender or group.receiver else "",
        f"version {group.version}" if group.version else "",
    )  # fmt: skip
    return Node(
        Kind.GROUP, 1, group.line, group.segment, visible(f"group {group.reference}".strip()),
        tuple(visible(fact) for fact in facts if fact),
        next((problem for problem in group.problems if is_error(problem)), None),
    )  # fmt: skip


def _party(name: str, qualifier: str = "") -> str:
    return (name or "?") + (f" ({qualifier})" if qualifier else "")


def _moment(date: str, time: str) -> str:
    """Write the date and time of a header; as they stand where they are none.

    >>> _moment("261119", "0205"), _moment("20261119", "020510"), _moment("today", "")
    ('2026-11-19 02:05', '2026-11-19 02:05', 'today')
    """
    if re.fullmatch(r"(\d\d)?\d{6}", date) and re.fullmatch(r"\d{4,}", time):
        day = date if len(date) == 8 else f"20{date}"
        return f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}"
    return f"{date} {time}".strip()


def _called(syntax: Syntax, tag: str, first: str) -> tuple[str, str]:
    """A level by its segment's name, and its first element where that is a number or a name."""
    segment = SEGMENTS[syntax].get(tag)
    if segment is None:
        return tag, ""
    is_code = not segment.elements or segment.elements[0].type in (Type.CODE, Type.COMPOSITE)
    return segment.name[:1].lower() + segment.name[1:], "" if is_code else first


# -- the shape of a piece -------------------------------------------------------------------


@dataclass(slots=True)
class _Level:
    """A level's place: how deep below its message, and the level around it."""

    depth: int
    parent: "_Level | None"
    title: str = ""

    @property
    def parent_title(self) -> str:
        return self.parent.title if self.parent is not None else ""


class _Shape:
    """Where the segments of a piece stand: depth below the message, level, loop."""

    def __init__(self, count: int) -> None:
        self.depth: list[int] = [0] * count
        self.known: set[int] = set()
        self.nodes: dict[int, _Level] = {}
        self._loop: dict[int, str] = {}

    def add(self, built: Tree) -> None:
        """Add the messages of one type."""
        bodies = built.bodies
        self.known.update(bodies.number.tolist())
        at = bodies.at.tolist()
        levels: list[_Level | None] = []
        below: list[int] = []
        for place, parent in zip(built.first.tolist(), built.parent.tolist(), strict=True):
            if parent < 0:
                levels.append(None)
                below.append(0)
                continue
            level = _Level(below[parent], levels[parent])
            levels.append(level)
            below.append(level.depth + 1)
            self.nodes[at[place]] = level
        side = _side_depths(bodies.grammar)
        paths = [slot.path for slot in bodies.grammar.slots]
        for index, slot, node in zip(at, bodies.slot.tolist(), built.node.tolist(), strict=True):
            self.depth[index] = below[node] + side[slot]
            if paths[slot]:
                self._loop[index] = paths[slot]

    def loop(self, index: int) -> str:
        """The loops around a segment: "HL/N1"."""
        return self._loop.get(index, "")


def _side_depths(grammar: Grammar) -> list[int]:
    """How much deeper than its level each slot stands: the segments of N1 below their N1."""
    depths = []
    for slot in grammar.slots:
        inner = 0
        for each in slot.loops:
            inner = 0 if each.level else inner + 1
        depths.append(inner - (slot.begins is not None and not slot.begins.level))
    return depths


# -- segments to text -----------------------------------------------------------------------


class _Cut:
    """Takes the segments of a piece apart, one by one, as text."""

    def __init__(self, segments: Segments, *, mask: bool) -> None:
        marks = segments.delimiters
        self._segments = segments
        self._mask = mask
        self.syntax = marks.syntax
        self._element, self._component = chr(marks.element), chr(marks.component)
        self._release = chr(marks.release) if segments.escapes and marks.release != NONE else ""

    def _raw(self, start: int, stop: int) -> str:
        return text_of(self._segments.data[start:stop])

    def apart(self, start: int, stop: int) -> list[str]:
        """The tag and the elements of a segment, release characters taken away."""
        return [self._plain(each) for each in self._split(self._raw(start, stop), self._element)]

    def _split(self, text: str, mark: str) -> list[str]:
        if not self._release or self._release not in text:
            return text.split(mark)
        return _between_marks(text, mark, self._release)

    def _plain(self, text: str) -> str:
        if not self._release or self._release not in text:
            return text
        return re.sub(f"{re.escape(self._release)}(.)", r"\1", text, flags=re.DOTALL)

    def line(
        self, start: int, stop: int, tag: str, depth: int, line: int, ordinal: int,
        message: int, loop: str, problems: tuple[Problem, ...], *, heads: bool,
    ) -> Line:  # fmt: skip
        """Make a segment's line."""
        raw = self._raw(start, stop)
        elements = self._split(raw, self._element)
        tag = tag or elements[0]
        definition = SEGMENTS[self.syntax].get(tag)
        if self._mask and tag in _KEPT:
            elements = [
                each if not number else self._covered(tag, number, each)
                for number, each in enumerate(elements)
            ]
            raw = self._element.join(elements)
        values = self._values(definition, elements) if definition is not None else ()
        return Line(
            depth, line, ordinal, message, self.syntax, visible(tag),
            definition.name if definition is not None else "", loop, visible(raw), tuple(values),
            problems, heads,
        )  # fmt: skip

    def _values(self, segment: Segment, elements: Sequence[str]) -> Iterator[Value]:
        known = segment.elements
        for number, text in enumerate(elements[1:], start=1):
            if not text.strip():
                continue
            element = known[number - 1] if number <= len(known) else None
            if element is None or not element.parts:
                name = element.name if element is not None else ""
                yield Value(number, 0, name, visible(self._plain(text)))
                continue
            yield from self._parts(number, element, text)

    def _parts(self, number: int, element: Element, text: str) -> Iterator[Value]:
        for part, said in enumerate(self._split(text, self._component), start=1):
            if said.strip():
                name = element.parts[part - 1].name if part <= len(element.parts) else ""
                yield Value(number, part, name, visible(self._plain(said)), element.name)

    def _covered(self, tag: str, number: int, text: str) -> str:
        if number in _KEPT[tag]:
            return text
        kept = _KEPT_PARTS.get(tag, frozenset())
        return self._component.join(
            said if part in kept or not said.strip() else HIDDEN
            for part, said in enumerate(self._split(text, self._component), start=1)
        )


@cache
def _pattern(release: str, mark: str) -> re.Pattern[str]:
    """Finds separators, and the pairs of a release character and what it makes text."""
    return re.compile(f"{re.escape(release)}.|{re.escape(mark)}", re.DOTALL)


def _between_marks(text: str, mark: str, release: str) -> list[str]:
    """Split at separators that no release character makes text.

    >>> _between_marks("a?+b++c??+d?+", "+", "?")
    ['a?+b', '', 'c??', 'd?+']
    """
    parts, begin = [], 0
    for found in _pattern(release, mark).finditer(text):
        if found.group() == mark:
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]]


def visible(text: str) -> str:
    r"""Write what cannot be printed as its number; undecodable bytes too.

    >>> visible("a\x1db\nc\u202e"), visible("M" + chr(0xDC81))
    ('a⟨1D⟩b⟨0A⟩c⟨202E⟩', 'M⟨81⟩')
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _number(ord(c)) for c in text)


def _number(point: int) -> str:
    if 0xDC00 <= point <= 0xDCFF:
        point -= 0xDC00
    return f"⟨{point:02X}⟩"


def _without_people(problem: Problem, tag: str) -> Problem:
    """Hide the value of a finding that may name somebody."""
    if problem.code in _FREE_VALUE or (
        tag in _KEPT and problem.value and problem.code not in _NO_CELL
    ):
        return replace(problem, value=HIDDEN)
    return problem
