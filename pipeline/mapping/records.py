"""`source.records` to the types of records of one file, or its mistakes.

Files of hosts and warehouse systems often have records of several types: a header, its lines, its parcels, each
with cells of its own, told by a code in one of them. A record belongs to the nearest one above it of the
type that it is `under`, and says so nowhere: `inherits` repeats cells of that one on it, the number of the
order above all. The reader does that (`pipeline.read.typed`); everything behind it sees plain rows.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from polars.exceptions import PolarsError

from pipeline.mapping.columns import Scope
from pipeline.mapping.declared import is_footer
from pipeline.mapping.document import Path
from pipeline.mapping.language import RecordsDoc, RecordTypeDoc, SourceDoc
from pipeline.mapping.layout import positions_of, read_range, shown
from pipeline.mapping.mistakes import Weight, did_you_mean
from pipeline.mapping.plan import Position, RecordType, RecordTypes, Source

_AT: Path = ("source", "records")
_CELLS_MAX = 9999
_LIKE = "such as types: {H: {names: [type, order]}, L: {names: [type, sku, qty], under: H, inherits: [order]}}"
# What such a file cannot have, or what each type says for itself.
_NOT_WITH = {
    "names": "say the names of each type: `types: {H: {names: […]}}`",
    "positions": "say the positions of each type: `types: {H: {positions: {…}}}`",
    "find_header": "remove it; lines above the records are left out by `skip_lines`",
    "repair": "remove it: cells too many or too few are not put right where each type has its own",
    "sheet": "remove it: the rows of a sheet all have the same columns",
}


def record_columns(doc: RecordsDoc) -> frozenset[str] | None:
    """The names of the columns, which no file has to tell; None where a type lacks its own."""
    if any(not (each.names or each.positions or each.ignore) for each in doc.types.values()):
        return None
    own = (name for each in doc.types.values() for name in (*each.names, *each.positions))
    return frozenset({doc.column, *own} - {""})


def read_records(scope: Scope, doc: SourceDoc) -> RecordTypes | None:
    """Give the types of records; None where the file has one."""
    records = doc.records
    if records is None:
        return None
    for key in (key for key in _NOT_WITH if key in doc.model_fields_set):
        text = f"`{key}` does not go with `records`"
        scope.mistake("M215", text, ("source", key), _NOT_WITH[key], key=True)
    if not records.types and not scope.unsure(_AT, (*_AT, "types")):
        scope.mistake("M102", "no type of records is declared", (*_AT, "types"), _LIKE, key=True)
    fixed = doc.format == "fixed"
    cell, place = _by(scope, records, fixed=fixed)
    _check_column(scope, records)
    types = {
        code: _type(scope, code, each, records, fixed=fixed) for code, each in records.types.items()
    }
    _check_inherited(scope, records)
    return RecordTypes(
        cell=cell, place=place, column=records.column, types=tuple(_in_order(types)),
        others_ignored=records.others == "ignore",
    )  # fmt: skip


def check_records(scope: Scope, source: Source, doc: SourceDoc) -> None:
    """Hold the types against what else `source` says of lines and of totals."""
    if source.records is None or doc.records is None:
        return
    for each in source.records.types:
        begin = each.code if source.format == "fixed" else f"{each.code}{source.delimiter}1"
        first = source.records.cell == 1 and (
            source.records.place is None or source.records.place.first == 1
        )
        for key, means in (
            ("comment", source.comment is not None and begin.startswith(source.comment)),
            ("footer", _means(source.footer, begin)),
        ):
            if first and means and not each.ignored:
                hint = "remove it, or say more of the lines that are no records"
                scope.mistake(
                    "M215",
                    f"`{key}` means the records of type {each.code}, too",
                    ("source", key),
                    hint,
                )
    _check_lengths(scope, source, source.records)
    inherited = {name for each in source.records.types for name in each.inherits}
    trailer = doc.expect.trailer if doc.expect is not None else None
    for name in (
        name for name in (trailer.totals if trailer is not None else ()) if name in inherited
    ):
        text = f"{name} is repeated on other records, and a total would count it once for each"
        hint = "leave it out of `inherits`; a field of the order is taken from any of its rows"
        scope.mistake("M103", text, ("source", "expect", "trailer", "totals", name), hint, key=True)


def _check_lengths(scope: Scope, source: Source, types: RecordTypes) -> None:
    """All lines have `source.length` where it is said, whatever their type."""
    for each in types.types if source.length is not None else ():
        at: Path = (*_AT, "types", each.code)
        if each.length is not None:
            hint = "keep it where each type has a length of its own, else `source.length`"
            text = "`source.length` is that of all lines"
            scope.mistake("M215", text, (*at, "length"), hint, key=True)
        for place in each.positions:
            if max(place.first, place.last or 0) > (source.length or 0):
                text = (
                    f"lines of {source.length} characters do not have {place.name} ({shown(place)})"
                )
                scope.mistake("M103", text, (*at, "positions", place.name), "correct one of them")


def warn_of_lines(scope: Scope, doc: SourceDoc, section: str, when: str | None) -> None:
    """Warn where every record would be a line or a parcel, the header as well."""
    if doc.records is not None and when is None:
        kinds = [code for code, each in doc.records.types.items() if each.under is not None]
        like = kinds[0] if kinds else next(iter(doc.records.types), "L")
        quoted = (
            doc.records.column
            if re.fullmatch(r"[A-Za-z]\w*", doc.records.column)
            else f'"{doc.records.column}"'
        )
        hint = f"""add `when: "{quoted} = '{like}'"`"""
        text = f"records of every type are {section}: there is no `when`"
        scope.mistake("W112", text, (section,), hint, key=True, weight=Weight.WARNING)


def _means(footer: str | None, begin: str) -> bool:
    try:
        return footer is not None and bool(is_footer(footer, [begin]).all())
    except PolarsError:  # a pattern that cannot be used is said by `check_dialect`
        return False


def _by(scope: Scope, doc: RecordsDoc, *, fixed: bool) -> tuple[int, Position | None]:
    at: Path = (*_AT, "by")
    written = doc.by.strip()
    if fixed:
        place = read_range("by", written)
        if isinstance(place, str) or place.last is None:
            hint = place if isinstance(place, str) else "write its last character, too: 1-3"
            scope.mistake("M103", "`by` takes the characters that say the type", at, hint)
            return 1, Position("by", 1, 1)
        if "by" not in doc.model_fields_set:
            hint = "add by: 1-3, the first and the last character of it"
            scope.mistake(
                "M102", "which characters say the type of a record is missing", _AT, hint, key=True
            )
        return 1, place
    if written.isascii() and written.isdigit() and 0 < int(written) <= _CELLS_MAX:
        return int(written), None
    scope.mistake(
        "M103", "`by` takes the number of the cell that says the type", at, "cells count from 1"
    )
    return 1, None


def _check_column(scope: Scope, doc: RecordsDoc) -> None:
    at: Path = (*_AT, "column") if "column" in doc.model_fields_set else _AT
    scope.possible(doc.column, at)
    for code, each in doc.types.items():
        if doc.column in (*each.names, *each.positions):
            hint = (
                f"call it otherwise there, or the column with the type: `column: {doc.column}_type`"
            )
            text = f'"{doc.column}" is the column with the type of each record'
            scope.mistake("M203", text, (*_AT, "types", code), hint, key=True)


def _type(
    scope: Scope, code: str, doc: RecordTypeDoc, records: RecordsDoc, *, fixed: bool
) -> RecordType:
    at: Path = (*_AT, "types", code)
    said = doc.model_fields_set
    if code != code.strip() or not code:
        scope.mistake(
            "M103",
            "a type is a text without blanks around it",
            at,
            "write what the cell says",
            key=True,
        )
    if doc.ignore:
        for key in sorted(said & {"under", "inherits"}):
            text = f"records of type {code} are no rows"
            scope.mistake("M215", text, (*at, key), "remove it, or `ignore`", key=True)
        return RecordType(code=code, ignored=True)
    if ("names" if fixed else "positions") in said or (not fixed and "length" in said):
        other = "positions" if fixed else "names"
        key = "names" if fixed else "positions" if "positions" in said else "length"
        of = "fixed-width" if fixed else "delimited"
        scope.mistake(
            "M215", f"`{key}` does nothing for {of} text", (*at, key), f"use `{other}`", key=True
        )
    if not (doc.positions if fixed else doc.names) and not scope.unsure(
        at, (*at, "names"), (*at, "positions")
    ):
        hint = (
            "add positions: {order: 4-13}"
            if fixed
            else "add names: [type, order], one for each cell"
        )
        scope.mistake("M102", f"what the cells of type {code} are is missing", at, hint, key=True)
    for name, count in Counter(doc.names).items():
        if name and count > 1:
            hint = 'each cell needs a name of its own; one that nobody needs has the name ""'
            scope.mistake("M203", f'"{name}" names two cells of type {code}', (*at, "names"), hint)
        if name:
            scope.possible(name, (*at, "names"))
    return RecordType(
        code=code, names=tuple(doc.names),
        positions=positions_of(scope, doc.positions, (*at, "positions")),
        length=_length(scope, doc, at), under=_under(scope, code, records), inherits=tuple(doc.inherits),
    )  # fmt: skip


def _length(scope: Scope, doc: RecordTypeDoc, at: Path) -> int | None:
    ends = [found.last or found.first for each in doc.positions.values()
            if isinstance(found := read_range("", each), Position)]  # fmt: skip
    if doc.length is not None and doc.length < max(ends, default=1):
        text = f"a line of {doc.length} characters does not have all positions"
        scope.mistake("M103", text, (*at, "length"), "correct the length, or the positions")
        return None
    return doc.length


def _under(scope: Scope, code: str, doc: RecordsDoc) -> str | None:
    """The type above; None where it is none, or would be below this one itself."""
    under = doc.types[code].under
    if under is None:
        return None
    at: Path = (*_AT, "types", code, "under")
    others = [each for each, other in doc.types.items() if each != code and not other.ignore]
    if under not in others:
        hint = did_you_mean(under, others) or f"there are: {', '.join(others)}"
        scope.mistake("M104", f'"{under}" is no type of records that others stand under', at, hint)
        return None
    seen, above = {code}, under
    while above in doc.types:
        if above in seen:
            scope.mistake(
                "M103", f"{code} would stand under itself", at, "one of the types stands under none"
            )
            return None
        seen.add(above)
        above = doc.types[above].under or ""
    return under


def _check_inherited(scope: Scope, doc: RecordsDoc) -> None:
    for code, each in doc.types.items():
        at: Path = (*_AT, "types", code)
        above = doc.types.get(each.under or "")
        if each.inherits and each.under is None:
            hint = "add `under`, the type that has these cells"
            scope.mistake(
                "M102", f"{code} inherits from nothing", (*at, "inherits"), hint, key=True
            )
        for nth, name in enumerate(each.inherits if above is not None else ()):
            there = [*above.names, *above.positions, *above.inherits] if above is not None else []
            if name not in there or not name:
                hint = did_you_mean(name, there) or f"it has: {', '.join(filter(None, there))}"
                scope.mistake(
                    "M201",
                    f'type {each.under} has no column "{name}"',
                    (*at, "inherits", nth),
                    hint,
                )
            elif name in (*each.names, *each.positions):
                text = f"{code} has a cell {name} of its own"
                scope.mistake(
                    "M215",
                    text,
                    (*at, "inherits", nth),
                    "remove it here, or call the cell otherwise",
                )


def _in_order(types: Mapping[str, RecordType]) -> Iterator[RecordType]:
    """Each behind the one that it is under."""
    left = dict(types)
    while left:
        ready = [
            code for code, each in left.items() if each.under not in left or each.under == code
        ]
        for code in ready or list(left):
            yield left.pop(code)
