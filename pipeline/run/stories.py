"""How one value of one row came about, in words: cells, stages, and the value after each.

The expressions are those that the compiler noted (`pipeline.mapping.trail`); all of a plan are
evaluated in one select on the rows that are asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.mapping.plan import TEXT_PREFIX, Plan
from pipeline.mapping.trail import Trail

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Stage:
    """What was done, in the words of the mapping, and the value after it; None is nothing."""

    word: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A column that a value is picked from, and what stands there: the raw text of a file's column.

    `place` is that of a cell of another file, which is joined to the row; "" otherwise.
    """

    name: str
    text: str | None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The way of a value: which case or entry was taken, the cells, and the stages.

    `absent` says why there is no value although nothing is wrong; "" otherwise.
    """

    taken: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    stages: tuple[Stage, ...] = ()
    absent: str = ""


@dataclass(frozen=True, slots=True)
class _Outline:
    """A trail whose expressions are columns of the evaluated frame, by their number."""

    trail: Trail
    picked: str
    stages: tuple[str, ...]
    clause: str | None
    branches: tuple[tuple[str | None, str, "_Outline"], ...]


@dataclass(slots=True)
class Stories:
    """Gathers the trails of a plan, evaluates them on some rows, and tells each for each row."""

    plan: Plan
    _exprs: list[pl.Expr] = field(default_factory=list)
    _outlines: dict[str, _Outline] = field(default_factory=dict)

    def add(self, name: str, trail: Trail) -> None:
        """Ask for the story of a value."""
        self._outlines[name] = self._outline(trail)

    def _outline(self, trail: Trail) -> _Outline:
        return _Outline(
            trail,
            self._ask(trail.picked),
            tuple(self._ask(stage.value) for stage in trail.stages),
            None if trail.clause is None else self._ask(trail.clause.test),
            tuple(
                (
                    None if branch.clause is None else self._ask(branch.clause.test),
                    self._ask(branch.there),
                    self._outline(branch.trail),
                )
                for branch in trail.branches
            ),
        )

    def _ask(self, expr: pl.Expr) -> str:
        self._exprs.append(expr)
        return str(len(self._exprs) - 1)

    def of(self, rows: pl.DataFrame, cells: Sequence[Mapping[str, Cell]]) -> list[dict[str, Story]]:
        """The stories of each row of `seen`; `cells` are the raw cells of each, by name."""
        # also where all expressions are fixed texts, there is one of them for each row
        made = rows.select(pl.int_range(pl.len()).alias("_"),
                           *(expr.alias(str(i)) for i, expr in enumerate(self._exprs)))  # fmt: skip
        zone = self.plan.source.timezone
        told = []
        for values, row, raw in zip(made.to_dicts(), rows.to_dicts(), cells, strict=True):
            texts = _Texts(values, row, raw, zone)
            told.append({name: _told(each, texts) for name, each in self._outlines.items()})
        return told


@dataclass(frozen=True, slots=True)
class _Texts:
    """The evaluated expressions of a row, its columns, and its raw cells."""

    values: Row
    row: Row
    raw: Mapping[str, Cell]
    zone: str | None

    def cell(self, name: str) -> Cell:
        if name in self.raw:
            return self.raw[name]
        typed = TEXT_PREFIX + name
        return Cell(name, plain(self.row.get(typed, self.row.get(name)), self.zone))

    def value(self, at: str) -> str | None:
        return plain(self.values[at], self.zone)


def _told(outline: _Outline, texts: _Texts) -> Story:
    trail = outline.trail
    if outline.clause is not None and not texts.values[outline.clause]:
        said = trail.clause.said if trail.clause is not None else ""
        names = trail.clause.names if trail.clause is not None else ()
        cells = tuple(texts.cell(name) for name in names)
        return Story(cells=cells, absent=f'when "{_line(said)}" is false')
    story = _picked(outline, texts)
    stages = tuple(
        Stage(stage.word, texts.value(at))
        for stage, at in zip(trail.stages, outline.stages, strict=True)
    )
    return Story(story.taken, story.cells, (*story.stages, *stages), story.absent)


def _picked(outline: _Outline, texts: _Texts) -> Story:
    trail = outline.trail
    if trail.branches:
        return _of_branches(outline, texts)
    cells = tuple(texts.cell(name) for name in trail.names)
    match trail.origin:
        case "template" | "sql":
            word = f"{trail.origin} {_line(trail.said)}"
            return Story(cells=cells, stages=(Stage(word, texts.value(outline.picked)),))
        case "value":
            return Story(stages=(Stage(f"value {trail.said}", texts.value(outline.picked)),))
        case "row_number":
            word = f"row_number: {trail.said}"
            return Story(stages=(Stage(word, texts.value(outline.picked)),))
    return Story(cells=cells)


def _of_branches(outline: _Outline, texts: _Texts) -> Story:
    """The case that holds first, or the first entry that is there."""
    trail = outline.trail
    seen: list[Cell] = []
    for number, ((test, there, inner), branch) in enumerate(
        zip(outline.branches, trail.branches, strict=True), 1
    ):
        if trail.origin == "cases":
            if test is not None and not texts.values[test]:
                continue
            said = f"({_line(branch.clause.said)})" if branch.clause is not None else "(otherwise)"
            story = _told(inner, texts)
            return Story((f"case {number} {said}", *story.taken), story.cells, story.stages,
                         story.absent)  # fmt: skip
        story = _told(inner, texts)
        if texts.values[there]:
            taken = f"first_of, number {number}"
            return Story((taken, *story.taken), story.cells, story.stages, story.absent)
        seen += story.cells
    if trail.origin == "cases":
        return Story(absent="no case holds")
    return Story(cells=tuple(dict.fromkeys(seen)), absent="none of first_of has a value")


def _line(text: str) -> str:
    return " ".join(text.split())


def plain(value: object, zone: str | None) -> str | None:
    """A value as a person writes it; None where there is none.

    >>> plain(Decimal("1299.000000"), None), plain(Decimal("100"), None), plain(True, None)
    ('1299', '100', 'true')
    """
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case datetime():
            at = value if value.tzinfo is None or zone is None else value.astimezone(ZoneInfo(zone))
            return at.isoformat()
        case date():
            return value.isoformat()
    return str(value)
