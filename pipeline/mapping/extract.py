"""The section `extract`: which levels of a message become rows, and which element each column is.

Paths are read by `paths`; here they are held against the messages that the mapping reads.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeline.mapping.columns import Scope
from pipeline.mapping.language import ExtractDoc, SourceDoc
from pipeline.mapping.mistakes import Mistake, did_you_mean
from pipeline.mapping.paths import PathMistake, PathPlaces, Stretch, read_path
from pipeline.mapping.plan import (
    TEXT_FORMATS,
    Condition,
    ExtractColumn,
    ExtractPath,
    ExtractPlan,
    SegmentPick,
)
from pipeline.model.edi import edifact, x12
from pipeline.model.edi.definition import Loop, Message, Segment, Syntax, Type, Use
from pipeline.model.edi.messages import MESSAGES

if TYPE_CHECKING:
    from pipeline.mapping.document import Path

# Levels of an HL loop are named by HL-03; these are those of ship notices (X12 element 735).
HL_LEVELS: Mapping[str, str] = {
    "S": "shipment",
    "O": "order",
    "T": "pallet (tare)",
    "P": "package",
    "I": "item",
}
_INNERMOST = "I"
# The nodes around the content of a message, from the outside; the last is the message itself.
ENVELOPES: Mapping[Syntax, tuple[str, ...]] = {
    Syntax.X12: ("ISA", "GS", "ST"),
    Syntax.EDIFACT: ("UNB", "UNG", "UNH"),
}
_SEGMENTS: Mapping[Syntax, Mapping[str, Segment]] = {
    Syntax.X12: x12.SEGMENTS,
    Syntax.EDIFACT: edifact.SEGMENTS,
}
_WORDS = {Syntax.X12: "transaction", Syntax.EDIFACT: "message"}
_NAMES = {Syntax.X12: "X12", Syntax.EDIFACT: "EDIFACT"}
_ANSWERS = frozenset({"997", "999", "CONTRL"})  # acknowledgements hold no data of orders
_SHOWN_MAX = 12  # names in a hint


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at a level: `first` begins it, `tags` are all its segments, those of loops included.

    `loops` are the tags of the loops that are no levels, by the segment that begins them. `outwards`
    are the levels that a row of this one can see: itself and those around it.
    """

    first: str
    tags: frozenset[str] = frozenset()
    loops: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    outwards: frozenset[str] = frozenset()


def standings(message: Message) -> dict[str, Standing]:
    """The levels of a message by name, from the interchange inwards."""
    return dict(_standings(message.syntax, message.type))


@cache
def _standings(syntax: Syntax, type_: str) -> Mapping[str, Standing]:
    message = MESSAGES[(syntax, type_)]
    *outer, header = ENVELOPES[syntax]
    made: dict[str, Standing] = {}
    for i, tag in enumerate(outer, 1):
        made[tag] = Standing(tag, frozenset({tag}), outwards=frozenset(outer[:i]))
    _gather(message.parts, [header], header, frozenset(outer), made)
    return made


def _gather(parts: Iterable[Use | Loop], names: list[str], first: str, around: frozenset[str],
            made: dict[str, Standing]) -> None:  # fmt: skip
    """Put the level that consists of `parts` into `made`, under its names, and those inside after it."""
    tags: set[str] = {first}
    loops: dict[str, set[str]] = {}
    inner: list[Loop] = []

    def walk(parts: Iterable[Use | Loop], open_loops: tuple[str, ...]) -> None:
        for part in parts:
            if isinstance(part, Use):
                tags.add(part.tag)
                for name in open_loops:
                    loops.setdefault(name, set()).add(part.tag)
            elif part.level:
                inner.append(part)
            else:
                walk(part.parts, (*open_loops, _first(part)))

    walk(parts, ())
    for name in names:
        before = made.pop(name, Standing(first))
        joined = {
            tag: before.loops.get(tag, frozenset()) | loops.get(tag, set())
            for tag in {*before.loops, *loops}
        }
        # HL levels lie in each other in any order, items always innermost
        beside = {each for each in names if each == name or each != _INNERMOST}
        outwards = before.outwards | around | beside
        made[name] = Standing(before.first, before.tags | tags, joined, outwards)
    for level in inner:
        begin = _first(level)
        inside = list(HL_LEVELS) if begin == "HL" else [level.name]
        _gather(level.parts, inside, begin, around | frozenset(names), made)


def _first(loop: Loop) -> str:
    """The segment that begins each repetition of a loop."""
    part = loop.parts[0]
    return part.tag if isinstance(part, Use) else _first(part)


def read_extract(scope: Scope, source: SourceDoc, doc: ExtractDoc | None) -> ExtractPlan | None:
    """Compile the section, note its mistakes, and give the scope its columns as the header.

    None for delimited text, and where there are mistakes.
    """
    if scope.unsure(("source",), ("source", "format")) and source.format in TEXT_FORMATS:
        if doc is not None:  # EDI, it seems, of which kind nobody knows
            scope.header = frozenset(doc.columns) or None
        return None
    return _Reading(scope, source, doc).plan()


class _Reading:
    def __init__(self, scope: Scope, source: SourceDoc, doc: ExtractDoc | None) -> None:
        self.scope = scope
        self.source = source
        self.doc = doc
        self.mistakes = len(scope.mistakes)

    def plan(self) -> ExtractPlan | None:
        scope = self.scope
        if self.source.format in TEXT_FORMATS:
            self._nothing_of_edi()
            return None
        syntax = Syntax(self.source.format)
        messages = self._messages(syntax)
        doc = self.doc
        if doc is None:
            scope.header = None
            if not scope.unsure((), ("extract",)):
                hint = "add the section, such as extract: {columns: {order_no: BEG.3}}"
                text = f"`extract` is missing: what the columns of {_NAMES[syntax]} are"
                scope.mistake("M102", text, ("source", "format"), hint)
            return None
        broken = {str(at[2]) for at in scope.broken if at[:2] == ("extract", "columns") and at[2:]}
        scope.header = frozenset({*doc.columns, *broken}) or None
        if scope.header is None and not scope.unsure(("extract",), ("extract", "columns")):
            hint = "such as columns: {order_no: BEG.3}"
            scope.mistake("M102", "no column is extracted", ("extract", "columns"), hint)
        rows = self._rows(messages, doc)
        each = self._each(doc, scope.header)
        columns = [
            ExtractColumn(
                name=name, paths=self._paths(name, texts, messages, rows), each=name in each,
                line=scope.document.key_place(("extract", "columns", name)).line,
            )
            for name, texts in doc.columns.items()
        ]  # fmt: skip
        if len(scope.mistakes) > self.mistakes or scope.header is None:
            return None
        types = tuple(message.type for message in messages)
        return ExtractPlan(syntax=syntax, messages=types, rows=rows, columns=tuple(columns))

    # -- the source ---------------------------------------------------------------------------

    def _nothing_of_edi(self) -> None:
        given: list[Path] = [("source", key) for key in _given(self.source, *_ALL_WORDS)]
        if self.doc is not None:
            given.append(("extract",))
        for at in given:
            kind = "delimited" if self.source.format == "csv" else "fixed-width"
            text = f"`{at[-1]}` does nothing for {kind} text"
            hint = "remove it, or set `source.format` to x12 or edifact"
            self.scope.mistake("M215", text, at, hint, key=True)

    def _messages(self, syntax: Syntax) -> list[Message]:
        scope, word = self.scope, _WORDS[syntax]
        for key in _given(self.source, "delimiter", "quote"):
            text = f"`{key}` does nothing for {_NAMES[syntax]}"
            hint = "remove it: an interchange says itself by what its parts are separated"
            scope.mistake("M215", text, ("source", key), hint, key=True)
        foreign = [key for key in _given(self.source, *_ALL_WORDS) if key.rstrip("s") != word]
        for key in foreign:
            text = f"`{key}` does nothing for {_NAMES[syntax]}"
            hint = f"{_NAMES[syntax]} calls it `{word}`"
            scope.mistake("M215", text, ("source", key), hint, key=True)
        keys = _given(self.source, word, f"{word}s")
        known = readable(syntax)
        if len(keys) > 1:
            text = f"`{keys[0]}` and `{keys[1]}` say the same"
            scope.mistake("M103", text, ("source", keys[1]), "keep one of them", key=True)
        texts = [(key, i, text) for key in keys for i, text in enumerate(getattr(self.source, key))]
        told = foreign or scope.unsure(("source",), ("source", word), ("source", f"{word}s"))
        if not texts and not told:
            hint = f"add `{word}:` with one of {', '.join(known)}"
            text = f'the key "{word}" is missing here'
            scope.mistake("M102", text, ("source",), hint, key=True)
        found: dict[str, Message] = {}
        for key, i, text in texts:
            if text in known:
                found[text] = known[text]
                continue
            hint = did_you_mean(text, known, parts=False) or f"there are: {', '.join(known)}"
            said = f'{_NAMES[syntax]} "{text}" is no message that can be read'
            scope.mistake("M402", said, ("source", key, i), hint)
        return list(found.values())

    # -- extract ------------------------------------------------------------------------------

    def _rows(self, messages: list[Message], doc: ExtractDoc) -> tuple[str, ...]:
        if not doc.rows:
            return tuple(dict.fromkeys(name for message in messages for name in message.rows))
        levels = dict.fromkeys(
            name
            for message in messages
            for name in standings(message)
            if name not in ENVELOPES[message.syntax][:-1]
        )
        wrong = [(i, name) for i, name in enumerate(doc.rows) if messages and name not in levels]
        for i, name in wrong:
            text = f'{_types(messages)} has no level "{name}" that could become rows'
            hint = did_you_mean(name, levels, parts=False) or _list("its levels are", levels)
            self.scope.mistake("M404", text, ("extract", "rows", i), hint)
        return () if wrong else tuple(dict.fromkeys(doc.rows))

    def _each(self, doc: ExtractDoc, header: Iterable[str] | None) -> frozenset[str]:
        for i, name in enumerate(doc.each):
            if header is not None and name not in header:
                hint = did_you_mean(name, header) or "`each` names columns of `extract`"
                text = f'unknown column "{name}"'
                self.scope.mistake("M201", text, ("extract", "each", i), hint)
        return frozenset(doc.each)

    def _paths(
        self, name: str, texts: list[str], messages: list[Message], rows: tuple[str, ...]
    ) -> tuple[ExtractPath, ...]:
        at: Path = ("extract", "columns", name)
        self.scope.possible(name, at, key=True)
        if not texts:
            hint = "such as BSN.2, or [PATH, PATH]: the first that has a value"
            self.scope.mistake("M103", f"{name} takes a path, or a list of paths", at, hint)
        found = []
        for i, text in enumerate(texts):
            try:
                path, places = read_path(text)
                found.append(_held(path, places, messages, rows) if messages else path)
            except PathMistake as error:
                place = self.scope.document.inside(
                    (*at, i), text, error.start, max(1, error.length)
                )
                self.scope.mistakes.append(
                    Mistake(error.code, error.message, place.line, place.column, place.length,
                            error.hint)
                )  # fmt: skip
        return tuple(found)


_ALL_WORDS = [key for word in _WORDS.values() for key in (word, f"{word}s")]


def readable(syntax: Syntax) -> dict[str, Message]:
    """The messages that a mapping can read, by type."""
    return {
        type_: message
        for (of, type_), message in MESSAGES.items()
        if of is syntax and type_ not in _ANSWERS
    }


def _given(source: SourceDoc, *keys: str) -> list[str]:
    return [key for key in keys if key in source.model_fields_set]


def _types(messages: list[Message]) -> str:
    return " or ".join(message.type for message in messages)


def _list(what: str, names: Iterable[str]) -> str:
    shown = list(names)
    more = ", …" if len(shown) > _SHOWN_MAX else ""
    return f"{what} {', '.join(shown[:_SHOWN_MAX])}{more}"


# -- a path in its messages -------------------------------------------------------------------


def _held(
    path: ExtractPath, places: PathPlaces, messages: list[Message], rows: tuple[str, ...]
) -> ExtractPath:
    """The path as far as the messages tell what it means, seen from their rows.

    Raises:
        PathMistake: it is possible in none of them (M403 to M406).
    """
    mistakes = []
    for message in messages:
        try:
            return _InMessage(path, places, message, rows).held()
        except PathMistake as mistake:
            mistakes.append(mistake)
    raise max(mistakes, key=lambda mistake: mistake.start)


class _InMessage:
    def __init__(
        self, path: ExtractPath, places: PathPlaces, message: Message, rows: tuple[str, ...]
    ) -> None:
        self.rows = rows
        self.path = path
        self.places = places
        self.message = message
        self.levels = standings(message)
        self.segments = _SEGMENTS[message.syntax]

    def held(self) -> ExtractPath:
        path, places = self.path, self.places
        if path.level and path.level not in self.levels:
            raise self._no_level()
        known = {tag for standing in self.levels.values() for tag in standing.tags}
        if path.within is not None and places.within is not None:
            self._known(path.within.tag, places.within, known)
        self._known(path.segment.tag, places.tag, known)
        self._stands()
        self._seen()
        self._conditions_fit()
        self._elements_fit()
        within = path.within
        return dataclasses.replace(
            path, segment=self._among(path.segment),
            within=self._among(within) if within is not None else None,
        )  # fmt: skip

    def _no_level(self) -> PathMistake:
        name = self.path.level
        text = f'{self.message.type} has no level "{name}"'
        hint = did_you_mean(name, self.levels, parts=False) or _list("its levels are", self.levels)
        if any(name in standing.loops for standing in self.levels.values()):
            hint = f"{name} begins a loop that is no level: write {name}>{self.path.segment.tag}"
        return _mistake("M404", text, self.places.level, hint)

    def _known(self, tag: str, place: Stretch, known: set[str]) -> None:
        if tag in known:
            return
        others = [
            message.type
            for message in readable(self.message.syntax).values()
            if any(tag in standing.tags for standing in standings(message).values())
        ]
        text = f"{self.message.type} has no segment {tag}"
        near = did_you_mean(tag, sorted(known), parts=False)
        content = sorted(known - {*ENVELOPES[self.message.syntax]})
        hint = f"{tag} stands in {', '.join(others)}" if others else near
        raise _mistake("M403", text, place, hint or _list("it has", content))

    def _stands(self) -> None:
        """The segment must stand at the level and in the loop that the path names."""
        path, places = self.path, self.places
        tag = path.segment.tag
        at = {path.level: self.levels[path.level]} if path.level else self.levels
        if path.within is None:
            if not any(tag in standing.tags for standing in at.values()):
                where = [name for name, standing in self.levels.items() if tag in standing.tags]
                text = f"{tag} does not stand at level {path.level} of {self.message.type}"
                raise _mistake("M406", text, places.tag, _list(f"{tag} stands at level", where))
            return
        begin = path.within.tag
        inside = {
            each
            for standing in at.values()
            if begin in standing.loops
            for each in standing.loops[begin]
        }
        if tag in inside:
            return
        if not inside:
            raise self._no_loop(begin, at)
        text = f"{tag} does not stand in the loop that {begin} begins in {self.message.type}"
        raise _mistake("M406", text, places.tag, _list("in it stand", sorted(inside - {begin})))

    def _seen(self) -> None:
        """A row sees its own level and those around it, none inside of it."""
        path, tag = self.path, self.path.segment.tag
        rows = [name for name in self.rows if name in self.levels]
        seen = {name for row in rows for name in self.levels[row].outwards}
        where = [path.level] if path.level else [
            name for name, standing in self.levels.items() if tag in standing.tags
        ]  # fmt: skip
        if not rows or any(name in seen for name in where):
            return
        place = self.places.level if path.level else self.places.tag
        text = f"{_list('level', where)} of {self.message.type} lies inside of the rows, which are "
        hint = f"a row sees its own level and those around it; add {where[-1]} to `extract.rows`"
        raise _mistake("M406", text + ", ".join(rows), place, hint)

    def _no_loop(self, begin: str, at: Mapping[str, Standing]) -> PathMistake:
        names = [name for name, standing in self.levels.items() if standing.first == begin]
        if names:
            text = f"{begin} begins a level"
            hint = f"write {names[0]}/{self.path.segment.tag}"
        else:
            loops = sorted({tag for standing in at.values() for tag in standing.loops})
            text = f"{begin} begins no loop in {self.message.type}"
            text += f" at level {self.path.level}" if self.path.level else ""
            hint = (
                _list("loops begin with", loops) if loops else f"there is none: leave {begin}> out"
            )
        return _mistake("M406", text, self.places.within, hint)

    # -- elements ---------------------------------------------------------------------------

    def _conditions_fit(self) -> None:
        path = self.path
        first = self.levels[path.level].first if path.level else ""
        held: list[tuple[str, Condition]] = [(first, each) for each in path.level_conditions]
        for pick in (path.within, path.segment):
            held += [(pick.tag, each) for each in pick.conditions] if pick is not None else []
        for (tag, condition), place in zip(held, self.places.conditions, strict=True):
            self._fits(tag, condition.element, place)
            self._has_component(tag, condition.element, condition.component, place)

    def _elements_fit(self) -> None:
        path, places = self.path, self.places
        tag = path.segment.tag
        beside = max(path.after, path.to_element) + 1 if path.after else 0
        last = max(path.last_element, path.to_element, beside)
        self._fits(tag, last, places.element)
        component = max(path.component, path.to_component)
        element = 0 if path.after else path.element
        if places.component is not None:
            self._has_component(tag, element, component, places.component)

    def _fits(self, tag: str, element: int, place: Stretch) -> None:
        segment = self.segments.get(tag)
        if segment is None or element <= len(segment.elements):
            return
        names = [f"{i} {each.name}" for i, each in enumerate(segment.elements, 1)]
        hint = _list("its elements are", names)
        raise _mistake("M405", f"{tag} has no element {element}", place, hint)

    def _has_component(self, tag: str, element: int, component: int, place: Stretch) -> None:
        """In EDIFACT every element has a first component; what is not in the tables may have any."""
        segment = self.segments.get(tag)
        if not component or segment is None:
            return
        elements = segment.elements[element - 1 : element] if element else segment.elements
        simple = 1 if self.message.syntax is Syntax.EDIFACT else 0
        most = max((len(each.parts) or simple for each in elements), default=0)
        if component <= most:
            return
        which = f"element {element} of {tag}" if element else f"no element of {tag}"
        text = (
            f"{which} has no component {component}"
            if element
            else f"{which} has a component {component}"
        )
        parts = [f"{i} {part.name}" for i, part in enumerate(elements[0].parts, 1)]
        hint = _list("its components are", parts) if element and parts else "leave it out"
        raise _mistake("M405", text, place, hint)

    def _among(self, pick: SegmentPick) -> SegmentPick:
        """The qualifiers of a segment, where `*` is looked for; in EDIFACT every element counts.

        Where the table numbers them they come in pairs ("kind of product code 1"), and others of
        the segment are not meant: LIN-01 or POC-02 may hold the same text.
        """
        segment = self.segments.get(pick.tag)
        sought = any(condition.element == 0 for condition in pick.conditions)
        if not sought or segment is None or self.message.syntax is Syntax.EDIFACT:
            return pick
        kinds = {
            i: each.name
            for i, each in enumerate(segment.elements, 1)
            if each.type is Type.CODE and each.name.startswith("kind of ")
        }
        paired = [i for i, name in kinds.items() if name[-1].isdigit()]
        return dataclasses.replace(pick, among=tuple(paired or kinds))


def _mistake(code: str, text: str, place: Stretch | None, hint: str) -> PathMistake:
    start, length = (place.start, place.length) if place is not None else (0, 1)
    return PathMistake(text, start, length, hint, code=code)
