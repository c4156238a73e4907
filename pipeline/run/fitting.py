"""mapping check MAPPING --sample FILE for EDI and fixed width: what of a mapping finds nothing in a file.

Delimited text has a header to hold a mapping against; an interchange has only its messages. So
each path of `extract` is read once as a column of its own, and what stays empty is told. Text of
fixed width has only the lengths of its lines.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipeline.mapping.compile import Compiled
from pipeline.mapping.document import Path as At
from pipeline.mapping.document import read_document
from pipeline.mapping.mistakes import Mistake, Weight
from pipeline.mapping.plan import Condition, ExtractColumn, ExtractPath, ExtractPlan, SegmentPick
from pipeline.model.edi import edifact, x12
from pipeline.model.edi.definition import Segment, Syntax
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read import Reading, messages_read, read_batches, read_edi_batches, settled
from pipeline.read.edi.qualifiers import Place, count_qualifiers
from pipeline.report.visible import visible

_SEGMENTS: Mapping[Syntax, Mapping[str, Segment]] = {
    Syntax.X12: x12.SEGMENTS,
    Syntax.EDIFACT: edifact.SEGMENTS,
}
_SYNTAX_NAMES = {Syntax.X12: "X12", Syntax.EDIFACT: "EDIFACT"}
_NUMBER = re.compile(r" \((?:\d{4}|[A-Z]\d{3})\)$")  # of a data element, behind its name
_SHOWN = 8  # types, places or qualifiers that a hint lists
_CODE_MAX = 6  # characters of what may be a qualifier; longer texts may be anything
_ELEMENTS_MAX = 40
_FIRST = 1 << 20  # bytes of a file that are looked at for the lengths of its lines


@dataclass(frozen=True, slots=True)
class Fit:
    """How a mapping fits a file.

    `rejected` counts rows of messages that have an error; they are among `rows`. `idle` are paths
    without a value beside others of their column that have some.
    """

    mistakes: tuple[Mistake, ...]
    messages: Mapping[str, int]
    rows: int = 0
    rejected: int = 0
    idle: tuple[str, ...] = ()


def fit(compiled: Compiled, name: str, reading: Reading) -> Fit:
    """Hold an EDI mapping against a file; `name` is the mapping's, `reading` has the file's.

    Gives M407 where the file has no message that the mapping reads, else W105 for each column that
    is empty in all rows. The mapping's own warnings are not among the mistakes.
    """
    plan = compiled.plan.extract
    if plan is None:
        raise TypeError(f"{name} reads no EDI")
    places = _Places(compiled, name)
    types = reading.envelopes.messages.filter(messages_read(reading.envelopes, plan))
    counts = {kind: types.filter(type=kind).height for kind in plan.messages}
    if not types.height:
        return Fit((_no_message(plan, reading, places),), counts)
    paths = {path.text: path for column in plan.columns for path in column.paths}
    found = _rows_with(plan, paths, reading)
    rows, rejected = found.pop(_ALL), found.pop(_REJECTED)
    empty = [
        column for column in plan.columns if not any(found[path.text] for path in column.paths)
    ]
    idle = [
        path.text for column in plan.columns if column not in empty
        for path in column.paths if not found[path.text]
    ]  # fmt: skip
    hints = _Hints(plan, reading, [column.paths[0] for column in empty])
    told = (
        _empty_column(column, rows, reading.name, hints.of(column.paths[0]), places)
        for column in empty
    )
    return Fit(tuple(told), counts, rows, rejected, tuple(dict.fromkeys(idle)))


def fit_lines(compiled: Compiled, name: str, path: Path, file: str) -> list[Mistake]:
    """Hold a mapping of fixed width against the first lines of a file; `name` is the mapping's.

    Gives M219 where none of them has the length for the positions, W106 where some have another.

    Raises:
        SourceUnusable: the file cannot be read as the mapping declares.
    """
    source = settled(path, compiled.plan.source, file)
    first = next(
        read_batches(path, source, file=0, columns=(), batch_bytes=_FIRST, name=file), None
    )
    if first is None:
        return []
    wrong = first.findings.rows.filter(code="R112")
    fine = first.raw.rows.height
    if not wrong.height:
        return []
    [(length, often)] = Counter(map(len, wrong.get_column("value"))).most_common(1)
    says = wrong.get_column("detail")[0]
    places = _Places(compiled, name)
    at = ("source", "length") if source.length is not None else ("source", "positions")
    if fine:
        count = f"{wrong.height:,} of the first {fine + first.faulty.rows.height:,} lines"
        text = f"{count} of {file} {'has' if wrong.height == 1 else 'have'} another length"
        hint = f"line {wrong.get_column('_line')[0]:,} has {says}"
        return [places.mistake("W106", text, at, hint, Weight.WARNING)]
    ends = max(each.last or each.first - 1 for each in source.positions)
    text = f"no line of {file} has the length for the positions: the first has {says}"
    hint = "`short_lines: trimmed`, if blanks at their ends are cut off; else correct the positions"
    if length >= ends:
        hint = (
            f"`length: {length}`, if they have characters behind the columns ({often:,} lines have)"
        )
    return [places.mistake("M219", text, at, hint, Weight.ERROR)]


class _Places:
    """Where mistakes stand in the text of the mapping."""

    def __init__(self, compiled: Compiled, name: str) -> None:
        self._document = read_document(compiled.text.removeprefix("\ufeff"), name)

    def mistake(self, code: str, text: str, at: At, hint: str, weight: Weight) -> Mistake:
        place = self._document.place(at)
        return Mistake(code, text, place.line, place.column, place.length, hint, weight)


def _no_message(plan: ExtractPlan, reading: Reading, places: _Places) -> Mistake:
    envelopes = reading.envelopes
    others = dict.fromkeys(each.syntax for each in envelopes.interchanges)
    there = Counter(envelopes.messages.get_column("type").to_list())
    listed = [f"{visible(kind)} ({count:,})" for kind, count in there.most_common(_SHOWN)]
    hint = f"it has {', '.join(listed)}" if listed else "it has no message at all"
    if plan.syntax not in others:
        hint = f"it is {' and '.join(_SYNTAX_NAMES[each] for each in others)}; {hint}"
    word = "transaction" if plan.syntax is Syntax.X12 else "message"
    text = (
        f"{reading.name} has no {_SYNTAX_NAMES[plan.syntax]} message {' or '.join(plan.messages)}"
    )
    return places.mistake("M407", text, ("source", word), hint, Weight.ERROR)


def _empty_column(
    column: ExtractColumn, rows: int, file: str, hint: str, places: _Places
) -> Mistake:
    looked = "its path finds" if len(column.paths) == 1 else f"its {len(column.paths)} paths find"
    where = f"in all {rows:,} rows" if rows != 1 else "in the only row"
    text = f'column "{column.name}" is empty {where} of {file}: {looked} nothing'
    at = ("extract", "columns", column.name)
    return places.mistake("W105", text, at, hint, Weight.WARNING)


# -- how many rows have a value -----------------------------------------------------------------

_ALL, _REJECTED = "", "rejected"  # no path is written like this


def _rows_with(
    plan: ExtractPlan, paths: Mapping[str, ExtractPath], reading: Reading
) -> Counter[str]:
    """The rows in which each path has a value, all rows, and those of rejected messages."""
    names = {text: f"p{number}" for number, text in enumerate(paths)}
    columns = tuple(ExtractColumn(name=names[text], paths=(path,)) for text, path in paths.items())
    probing = replace(plan, columns=columns)
    found: Counter[str] = Counter(dict.fromkeys((*paths, _ALL, _REJECTED), 0))
    for batch in read_edi_batches(reading, probing, file=0, columns=list(names.values())):
        for frame in (batch.raw.rows, batch.faulty.rows):
            found[_ALL] += frame.height
            for text, name in names.items():
                found[text] += frame.filter(pl.col(name).str.strip_chars() != "").height
        found[_REJECTED] += batch.faulty.rows.height
    return found


# -- what is there instead ------------------------------------------------------------------------


class _Hints:
    """What the messages have where paths find nothing."""

    def __init__(self, plan: ExtractPlan, reading: Reading, paths: Sequence[ExtractPath]) -> None:
        self._plan = plan
        self._reading = reading
        self._segments = _SEGMENTS[plan.syntax]
        self._others = {path.text: dict(self._beside(path)) for path in paths}
        probes = {each.text: each for others in self._others.values() for each in others.values()}
        # all in one pass over the file
        self._found = _rows_with(plan, probes, reading) if probes else Counter[str]()

    def of(self, path: ExtractPath) -> str:
        """A sentence about one path: other elements of its segment, or other qualifiers."""
        if path.segment.tag not in self._segments:
            return ""
        others = self._others[path.text]
        there = [text for text in others if self._found[others[text].text]]
        if not there:
            return self._qualifiers(path)
        listed = [f"{text} ({self._called(others[text])})" for text in there]
        if len(there) == 1:
            return f"did you mean {listed[0]}?"
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        return f"values are in {', '.join(listed[:_SHOWN])}{more}"

    def _beside(self, path: ExtractPath) -> Iterator[tuple[str, ExtractPath]]:
        """The other elements, or in EDIFACT components, of the segments that a path looks for."""
        tag = path.segment.tag
        if not path.element or tag not in self._segments:
            return
        asked = {condition.element for condition in path.segment.conditions}
        for number, element in enumerate(self._segments[tag].elements, start=1):
            if number in asked:
                continue
            simple = self._plan.syntax is Syntax.X12 or not element.parts
            for part in (0,) if simple else range(1, len(element.parts) + 1):
                text = f"{tag}.{number}.{part}" if part else f"{tag}.{number}"
                yield text, replace(
                    path, element=number, last_element=number, component=part, to_element=0,
                    to_component=0, text=f"{path.text} {text}",
                )  # fmt: skip

    def _called(self, path: ExtractPath) -> str:
        element = self._segments[path.segment.tag].elements[path.element - 1]
        name = element.parts[path.component - 1].name if path.component else element.name
        return _NUMBER.sub("", name)

    def _qualifiers(self, path: ExtractPath) -> str:
        """Whether the segments are there at all, and what they have in place of what is asked."""
        for pick in (path.within, path.segment):
            if pick is None:
                continue
            positive = [each for each in pick.conditions if not each.negated]
            if not self._count(pick.tag, (1, 2, 3, 4), 0):
                return f"there is no {pick.tag} in these messages"
            for condition in positive:
                there = self._count(pick.tag, _looked_at(condition, pick), condition.component)
                if not any(value in there for value in condition.values):
                    listed = [text for text in there if len(text) <= _CODE_MAX and text.isalnum()]
                    also = f"; there it has {', '.join(listed[:_SHOWN])}" if listed else ""
                    return f"no {pick.tag} has {' or '.join(condition.values)}{also}"
        return f"{path.segment.tag} is there, but not where this path looks"

    def _count(self, tag: str, elements: Sequence[int], component: int) -> list[str]:
        """The texts in some elements of a segment, the most frequent first."""
        if tag not in TAG_IDS:
            return []
        found: Counter[str] = Counter()
        place = Place(tag, tuple(elements), component or 1)
        for kind in self._plan.messages:
            counted = count_qualifiers(self._reading, MESSAGES[self._plan.syntax, kind], [place])
            found.update({text: count for (_, text), count in counted.items()})
        return [text for text, _ in found.most_common()]


def _looked_at(condition: Condition, pick: SegmentPick) -> Sequence[int]:
    if condition.element:
        return (condition.element,)
    return pick.among or range(1, _ELEMENTS_MAX + 1)
