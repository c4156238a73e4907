"""The columns of fixed-width text by their characters: `source.positions` read and held against itself.

A range is written with its first and its last character, counted from 1, as record layouts print it: `sku: 11-28`.
So two columns that touch show it (`-10`, `11-`), and a person can put a ruler of an editor beside it. It is an
entry of its own and not of `columns`, which says types in every format.
"""

import re
from collections.abc import Mapping

from pipeline.mapping.columns import Scope
from pipeline.mapping.document import Path
from pipeline.mapping.language import ExpectationDoc, SourceDoc
from pipeline.mapping.plan import Position, Source

CHARACTERS_MAX = 1 << 20  # of a line: a layout of more is a mistake, and not a file
_RANGE = re.compile(r"([0-9]{1,9})(?:\s*(-|–)\s*([0-9]{1,9})?)?")
_START_AND_SIZE = re.compile(r"([0-9]{1,7})\s*[+,:]\s*([0-9]{1,7})")
_SOURCE: Path = ("source",)
_AT: Path = ("source", "positions")
_LIKE = (
    "write the first and the last character, counted from 1: 11-28; 41- goes to the end of the line"
)


def read_range(name: str, written: str) -> Position | str:
    """Give the position that is written, or what is wrong with it.

    >>> read_range("sku", "11-28"), read_range("kind", "1"), read_range("text", "60-")
    (Position(name='sku', first=11, last=28), Position(name='kind', first=1, last=1), Position(name='text', first=60, last=None))
    >>> read_range("sku", "11+18")
    'write the first and the last character, counted from 1: 11-28'
    """
    found = _RANGE.fullmatch(written.strip())
    if found is None:
        sized = _START_AND_SIZE.fullmatch(written.strip())
        if sized is None or not int(sized[2]):
            return _LIKE
        first, size = int(sized[1]), int(sized[2])
        return f"write the first and the last character, counted from 1: {first}-{first + size - 1}"
    first = int(found[1])
    last = int(found[3]) if found[3] else None if found[2] else first
    if first == 0:
        return "characters count from 1: add 1 to both numbers if the layout counts from 0"
    if last is not None and last < first:
        return f"it ends before it begins: {last}-{first}?" if last else _LIKE
    if max(first, last or 0) > CHARACTERS_MAX:
        return f"a line has at most {CHARACTERS_MAX:,} characters"
    return Position(name, first, last)


def names_of(scope: Scope, doc: SourceDoc) -> frozenset[str] | None:
    """The names of the columns, which no file has to tell; None where nothing names them."""
    broken = {str(at[2]) for at in scope.broken if at[:2] == _AT and len(at) > 2}
    return frozenset({*doc.positions, *broken}) or None


def read_positions(scope: Scope, doc: SourceDoc) -> tuple[Position, ...]:
    """The columns in the order of their characters; notes all that is wrong with them."""
    if not doc.positions:
        if doc.records is None and not scope.unsure(_SOURCE, _AT):
            hint = "such as positions: {order: 1-10, sku: 11-28, qty: 29-34}"
            text = "`positions` is missing: which characters of a line are which column"
            scope.mistake("M102", text, ("source", "format"), hint)
        return ()
    return positions_of(scope, doc.positions, _AT)


def positions_of(scope: Scope, table: Mapping[str, str], path: Path) -> tuple[Position, ...]:
    """The columns that a table says, in the order of their characters; notes what is wrong with them."""
    found: list[Position] = []
    for name, written in table.items():
        at: Path = (*path, name)
        scope.possible(name, at, key=True)
        position = read_range(name, written)
        if isinstance(position, str):
            scope.mistake("M103", f'"{written}" is no range of characters', at, position)
        else:
            found.append(position)
    found.sort(key=lambda each: each.first)
    for number, each in enumerate(found):
        before = next((other for other in found[:number] if _reaches(other, each)), None)
        if before is not None:
            text = f"{each.name} ({shown(each)}) overlaps with {before.name} ({shown(before)})"
            hint = "correct one of them"
            if each.last is not None and (before.last is None or each.last <= before.last):
                start = each.first - before.first
                part = f"[{start}, {start + each.last - each.first + 1}]"
                hint += f", or make it of the other: derive: {{{each.name}: {{from: {before.name}, do: [{{slice: {part}}}]}}}}"
            scope.mistake("M218", text, (*path, each.name), hint)
    return tuple(found)


def _reaches(before: Position, each: Position) -> bool:
    return before.last is None or before.last >= each.first


def shown(position: Position) -> str:
    """The range as it is written.

    >>> shown(Position("text", 60, None)), shown(Position("kind", 1, 1))
    ('60-', '1')
    """
    if position.last == position.first:
        return str(position.first)
    return f"{position.first}-{'' if position.last is None else position.last}"


def end_of(doc: SourceDoc) -> str | None:
    """What ends a record: None for a line's end, "" for nothing."""
    return "" if doc.record_end == "none" else None


def check_layout(scope: Scope, source: Source, doc: SourceDoc) -> None:
    """Note what cannot be meant of the length of lines, their ends and the header."""
    _check_length(scope, source)
    if doc.record_end not in (None, "none"):
        hint = "leave it out where each record is a line, or write `record_end: none`"
        text = "records of fixed-width text end with their line, or without any end"
        scope.mistake("M103", text, (*_SOURCE, "record_end"), hint)
    if source.record_end == "":
        if source.length is None and not scope.unsure((*_SOURCE, "length")):
            hint = "add `length:`, the number of characters of a record"
            text = "without line ends only the length tells where a record ends"
            scope.mistake("M102", text, (*_SOURCE, "record_end"), hint)
        keys = ("skip_lines", "find_header", "short_lines")
        for key in (key for key in keys if key in doc.model_fields_set):
            hint = "remove it; records that are no rows can be left out by `comment`, which they begin with"
            text = f"`{key}` is of lines, and this file has none"
            scope.mistake("M215", text, (*_SOURCE, key), hint, key=True)
    for nth, name in enumerate(doc.find_header):
        scope.find(name, (*_SOURCE, "find_header", nth))


def _check_length(scope: Scope, source: Source) -> None:
    length = source.length
    if length is None:
        return
    at: Path = (*_SOURCE, "length")
    if not 0 < length <= CHARACTERS_MAX:
        text = f"length takes a number from 1 to {CHARACTERS_MAX:,}"
        scope.mistake("M103", text, at, "the number of characters of each line, without its end")
        return
    beyond = [each for each in source.positions if max(each.first, each.last or 0) > length]
    if beyond:
        names = ", ".join(f"{each.name} ({shown(each)})" for each in beyond)
        text = f"lines of {length} characters do not have {names}"
        scope.mistake("M103", text, at, "correct the length, or the positions")


def trailer_cells(doc: ExpectationDoc | None) -> tuple[Position, ...]:
    """What a trailer says, where it stands: the number of rows and the totals, in this order.

    What cannot be read is left out; `read_expectation` has noted it.
    """
    if doc is None or doc.trailer is None:
        return ()
    said = {} if doc.trailer.rows is None else {"rows": doc.trailer.rows}
    found = [read_range(name, text) for name, text in (said | doc.trailer.totals).items()]
    return tuple(each for each in found if isinstance(each, Position))
