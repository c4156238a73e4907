"""`rows.explode` and `rows.unpivot`: how a row of the file becomes several.

What the names mean is judged here; how texts are divided is `pipeline.pieces`' work.
"""

from collections.abc import Iterator, Mapping

from pipeline.mapping.columns import Known, Scope
from pipeline.mapping.document import Path
from pipeline.mapping.language import ExplodeDoc, RowsDoc, UnpivotDoc
from pipeline.mapping.mistakes import did_you_mean
from pipeline.mapping.plan import (
    NUMBER,
    NUMBER_MAX,
    TEXT_FORMATS,
    PieceColumn,
    PiecesPlan,
    all_numbered,
    numbered,
)
from pipeline.model.field import Kind

_EXPLODE: Path = ("rows", "explode")
_UNPIVOT: Path = ("rows", "unpivot")
_NUMBER: Path = ("rows", "number")
_LISTED = 3  # columns that a hint names


def read_pieces(scope: Scope, doc: RowsDoc, source_format: str) -> PiecesPlan | None:
    """Judge both sections, and make their columns known to all that come after.

    Returns:
        None where rows stay as they are, or where all that makes pieces of them has mistakes.
    """
    if not doc.explode and not doc.unpivot:
        if doc.number is not None and not scope.unsure(("rows",), _EXPLODE, _UNPIVOT):
            hint = "remove it, or say where the pieces of a row stand: `explode` or `unpivot`"
            scope.mistake("M215", "`number` has no effect without pieces", _NUMBER, hint, key=True)
        return None
    at = _EXPLODE if doc.explode else _UNPIVOT
    if source_format not in TEXT_FORMATS:
        text = f"`{at[1]}` has no effect on EDI"
        scope.mistake("M215", text, at, "name the column in `each` of `extract`", key=True)
    elif doc.explode and doc.unpivot:
        text = "the pieces of a row stand in cells or in numbered columns, not in both"
        scope.mistake("M103", text, _UNPIVOT, "keep one of `explode` and `unpivot`", key=True)
    columns = [
        _column(scope, name, entry, (*at, name)) for name, entry in (doc.explode or doc.unpivot).items()
    ]  # fmt: skip
    made = [(name, place) for column, _ in columns for name, place in _made(column, at)]
    if doc.number is not None:
        made.append((doc.number, _NUMBER))
    taken: dict[str, Path] = {}
    for name, place in made:
        _new(scope, name, place, taken)
    _in_step(scope, {column.name: numbers for column, numbers in columns}, at)
    return PiecesPlan(columns=tuple(column for column, _ in columns), number=doc.number)


def _column(
    scope: Scope, name: str, doc: ExplodeDoc | UnpivotDoc, at: Path
) -> tuple[PieceColumn, tuple[int, ...]]:
    """One entry, and the numbers that the header has of it."""
    numbers: tuple[int, ...] = ()
    if isinstance(doc, ExplodeDoc):
        scope.find(doc.from_, (*at, "from"))
    else:
        place = (*at, "from") if (*at, "from") in scope.document.values else at
        numbers = _numbers(scope, doc.from_, place)
    _parts(scope, doc, at)
    column = PieceColumn(
        name=name, source=doc.from_, split=doc.split if isinstance(doc, ExplodeDoc) else None,
        parts=doc.parts, names=tuple(doc.names), rest=doc.rest,
        keys=tuple(doc.keys.items()), mark=doc.mark, escape=doc.escape, line=scope.document.key_place(at).line,
    )  # fmt: skip
    return column, numbers


def _numbers(scope: Scope, pattern: str, at: Path) -> tuple[int, ...]:
    if pattern.count(NUMBER) != 1:
        hint = f'write {NUMBER} once, where the number stands: "Item {NUMBER} SKU"'
        scope.mistake("M103", f'"{pattern}" names no numbered columns', at, hint)
        return ()
    if scope.header is None:
        return ()
    found = numbered(pattern, scope.header)
    if not found:
        first = pattern.replace(NUMBER, "1")
        hint = did_you_mean(first, scope.header, parts=False)
        hint = hint or f'the header must have a column such as "{first}"'
        scope.mistake("M201", f'no column is called as "{pattern}"', at, hint)
    for number, names in all_numbered(pattern, scope.header).items():
        if len(names) > 1:
            listed = ", ".join(names)
            text = f'of "{pattern}" {len(names)} columns have the number {number}: {listed}'
            hint = "a number says which cells belong together: have the columns called otherwise"
            scope.mistake("M201", text, at, hint)
    far = [number for number in found if number > NUMBER_MAX]
    if far:
        text = f'"{found[far[0]]}" has a number above {NUMBER_MAX}'
        scope.mistake("M220", text, at, f"a row can have pieces with numbers up to {NUMBER_MAX}")
    scope.used_columns.update(dict.fromkeys(found.values()))
    return tuple(found)


def _parts(scope: Scope, doc: ExplodeDoc | UnpivotDoc, at: Path) -> None:
    given = [key for key in ("names", "rest", "keys") if getattr(doc, key)]
    lacking = scope.unsure(at, *((*at, key) for key in ("parts", "names", "keys")))
    if doc.parts is None:
        alone = ["mark", *(["escape"] if isinstance(doc, UnpivotDoc) else [])]
        effectless = [*given, *(key for key in alone if key in doc.model_fields_set)]
        for key in effectless if not lacking else ():
            hint = 'say what divides an item into parts: `parts: ":"`'
            scope.mistake(
                "M215", f"`{key}` has no effect without `parts`", (*at, key), hint, key=True
            )
        return
    if not doc.names and not doc.keys and not lacking:
        hint = "name them in order, `names: [sku, qty]`, or by what they say, `keys: {sku: SKU}`"
        scope.mistake("M102", "the parts have no names", (*at, "parts"), hint, key=True)
    if doc.names and doc.keys:
        text = "parts are named by their order or by their keys, not by both"
        scope.mistake("M103", text, (*at, "keys"), "keep one of `names` and `keys`", key=True)
    elif "mark" in doc.model_fields_set and not doc.keys and not lacking:
        scope.mistake(
            "M215", "`mark` has no effect without `keys`", (*at, "mark"), "remove it", key=True
        )
    if doc.rest is not None and not doc.names and not lacking:
        scope.mistake(
            "M215", "`rest` has no effect without `names`", (*at, "rest"), "remove it", key=True
        )


def _made(column: PieceColumn, at: Path) -> Iterator[tuple[str, Path]]:
    here: Path = (*at, column.name)
    yield column.name, here
    yield from ((name, (*here, "names", i)) for i, name in enumerate(column.names))
    if column.rest is not None:
        yield column.rest, (*here, "rest")
    yield from ((name, (*here, "keys", name)) for name, _ in column.keys)


def _new(scope: Scope, name: str, at: Path, taken: dict[str, Path]) -> None:
    """Make a column known; a mistake where there is one of its name."""
    key = at[-1] == name
    taken_by = name in taken or (scope.header is not None and name in scope.header)
    if scope.possible(name, at, key=key) and taken_by:
        text = f'a column "{name}" exists already'
        scope.mistake("M203", text, at, "choose another name", key=key)
    taken[name] = at
    scope.known[name] = Known(Kind.TEXT, (name,))


def _in_step(scope: Scope, numbers: Mapping[str, tuple[int, ...]], at: Path) -> None:
    """Each number must have all of its columns: one that is missing is a typo, or cut off."""
    every = sorted({number for some in numbers.values() for number in some})
    for name, some in numbers.items():
        lacking = [str(number) for number in every if number not in some]
        if some and lacking:
            more = f" and {len(lacking) - _LISTED} more" if len(lacking) > _LISTED else ""
            listed = ", ".join(lacking[:_LISTED]) + more
            text = f'the columns of "{name}" have no number {listed}, which others have'
            hint = "the numbered columns of a row belong together: each number needs all of them"
            scope.mistake("M201", text, (*at, name), hint)
