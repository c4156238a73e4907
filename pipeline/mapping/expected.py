"""`source.expect` to an Expectation, or its mistakes."""

import re
from datetime import timedelta

import polars as pl

from pipeline.mapping.columns import Scope
from pipeline.mapping.converters import Converted, convert_text
from pipeline.mapping.document import Path
from pipeline.mapping.language import ExpectationDoc, TrailerDoc
from pipeline.mapping.layout import read_range
from pipeline.mapping.plan import TEXT_FORMATS, Source
from pipeline.model.expectation import Expectation, NameForm, NameMistake, Trailer
from pipeline.model.field import Kind
from pipeline.model.schedule import UnknownDay, weekdays

_AGE = re.compile(r"([0-9]{1,6}) ?(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DIGITS = 5  # more than the number of a cell has
_DAYS_BACK = {"today": 0, "yesterday": 1}


def read_expectation(scope: Scope, doc: ExpectationDoc | None, form: str) -> Expectation | None:
    """Give what is expected of the files of a `source.format`; None where nothing is."""
    if doc is None:
        return None
    at: Path = ("source", "expect")
    if doc.min_rows is not None and doc.min_rows < 1:
        hint = "leave it out where a file may be empty"
        scope.mistake("M103", "min_rows takes 1 or more", (*at, "min_rows"), hint)
    if doc.name is None:
        for key in ("day", "days", "on_missing"):
            if key in doc.model_fields_set:
                text = f"{key} does nothing without a name: no file is missed"
                hint = 'add `name: "orders_{date:%Y%m%d}.csv"`'
                scope.mistake("M215", text, (*at, key), hint, key=True)
    return Expectation(
        name=_name(scope, doc.name, (*at, "name")), days_back=_DAYS_BACK[doc.day],
        weekdays=_weekdays(scope, doc.days, (*at, "days")), min_rows=doc.min_rows,
        max_age=_age(scope, doc.max_age, (*at, "max_age")),
        last_line_end=_last_line_end(scope, doc, at, form),
        trailer=_trailer(scope, doc.trailer, (*at, "trailer"), form), on_broken=doc.on_broken,
        on_missing=doc.on_missing,
    )  # fmt: skip


def _last_line_end(scope: Scope, doc: ExpectationDoc, at: Path, form: str) -> bool:
    if doc.last_line_end and form not in TEXT_FORMATS:
        text = "last_line_end is of text files: the end of EDI is checked anyway"
        scope.mistake("M215", text, (*at, "last_line_end"), "leave it out", key=True)
    return doc.last_line_end


def _name(scope: Scope, written: str | None, at: Path) -> NameForm | None:
    if written is None:
        return None
    try:
        return NameForm.of(written)
    except NameMistake as mistake:
        hint = 'such as "orders_{date:%Y%m%d}.csv"; a date takes %Y %y %m %d %j %H %M %S'
        scope.mistake("M103", f"name {mistake}", at, hint)
        return None


def _weekdays(scope: Scope, words: list[str], at: Path) -> frozenset[int]:
    try:
        return weekdays(words)
    except UnknownDay as unknown:
        scope.mistake("M104", str(unknown), at, unknown.hint)
        return frozenset(range(7))


def _age(scope: Scope, written: str | None, at: Path) -> timedelta | None:
    if written is None:
        return None
    found = _AGE.fullmatch(written.strip())
    if found is None or int(found[1]) == 0:
        scope.mistake("M103", "max_age takes a length of time", at, "such as 90m, 26h or 2d")
        return None
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _trailer(scope: Scope, doc: TrailerDoc | None, at: Path, form: str) -> Trailer | None:
    if doc is None:
        return None
    if form not in TEXT_FORMATS:
        hint = "envelopes count their messages and segments, and that is always checked"
        scope.mistake("M215", "an interchange has no such trailer", at, hint, key=True)
        return None
    written: dict[Path, str] = {} if doc.rows is None else {("rows",): doc.rows}
    written |= {("totals", name): cell for name, cell in doc.totals.items()}
    cells = [
        _characters(scope, cell, nth, (*at, *path)) if form == "fixed" else _cell(scope, cell, (*at, *path))
        for nth, (path, cell) in enumerate(written.items(), 2)
    ]  # fmt: skip
    for name in doc.totals:
        if scope.find(name, (*at, "totals", name), key=True) is not None:
            scope.used_columns[name] = None
    rows = None if doc.rows is None else cells.pop(0)
    totals = tuple(zip(doc.totals, cells, strict=True))
    # of a delimited record blanks around a cell do not count
    first_cell = doc.first_cell if form == "fixed" else doc.first_cell.strip()
    if not first_cell:
        hint = "such as T: it tells the trailer from data"
        scope.mistake("M103", "first_cell takes a text that can be seen", (*at, "first_cell"), hint)
    return Trailer(first_cell=first_cell, rows=rows, totals=totals)


def _cell(scope: Scope, written: str, at: Path) -> int:
    """The number of a cell of a delimited trailer."""
    if written.isascii() and written.isdigit() and len(written) < _DIGITS and int(written) > 1:
        return int(written)
    hint = "cells count from 1, and the first is `first_cell`"
    scope.mistake("M103", f"{at[-1]} takes the number of a cell", at, hint)
    return 2


def _characters(scope: Scope, written: str, nth: int, at: Path) -> int:
    """The number of a cell that is cut out of a trailer of fixed width: they count in their order."""
    position = read_range(str(at[-1]), written)
    if isinstance(position, str):
        scope.mistake("M103", f"{at[-1]} takes characters of the trailer", at, position)
    return nth


def as_total(cell: pl.Expr, source: Source, column: str = "") -> Converted:
    """Read a cell of a column with a total, or that total, as the file writes its numbers."""
    text = cell.str.strip_chars() if source.trim else cell
    filled = pl.when(~text.is_in(source.nothing(column))).then(text)
    return convert_text(filled, Kind.AMOUNT, source)
