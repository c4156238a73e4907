"""What `source` says of delimited or fixed-width text, held against itself: before a file is opened."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from pipeline.mapping.columns import Scope
from pipeline.mapping.dialect import unclear
from pipeline.mapping.document import Path
from pipeline.mapping.language import SourceDoc
from pipeline.mapping.layout import check_layout
from pipeline.mapping.plan import TEXT_FORMATS, Repair, Source
from pipeline.mapping.steps import StepMistake, check_pattern
from pipeline.model.expectation import NameForm

_AT: Path = ("source",)
_FILES_MAX = 400
_OF_FIXED = ("positions", "length", "short_lines")
_OF_TEXT = (
    "fallback_encodings", "escape", "record_end", "skip_lines", "find_header", "names", "comment", "footer", "repair",
    "records",
    *_OF_FIXED,
)  # fmt: skip
# What a file cannot need whose columns are told by their places.
_OF_DELIMITED = ("delimiter", "quote", "escape", "names", "repair", "sheet")


def anchored(footer: str) -> str:
    """The pattern of `source.footer` as it is meant: at the beginning, for elsewhere it would take too much."""
    return f"^(?:{footer})"


def is_footer(pattern: str, lines: Sequence[str]) -> pl.Series:
    """Tell of each line whether `source.footer` means it.

    >>> is_footer("T;|Total", ["Total 5", "1;Total"]).to_list()
    [True, False]
    """
    series = pl.Series(lines, dtype=pl.String)
    return series.str.contains(anchored(pattern)).fill_null(value=False)


def repair_of(doc: SourceDoc) -> Repair | None:
    """The repairs that are allowed; None where none is."""
    if doc.repair is None:
        return None
    return Repair(
        too_many=doc.repair.too_many == "drop_empty", too_few=doc.repair.too_few == "fill_empty",
        join=tuple(doc.repair.join), fits=dict(doc.repair.fits),
    )  # fmt: skip


def check_dialect(scope: Scope, source: Source, doc: SourceDoc) -> None:
    """Note what cannot be meant: marks that are not clear, keys that exclude each other."""
    if source.format not in TEXT_FORMATS:
        for key in _OF_TEXT:
            if key in doc.model_fields_set:
                of = "fixed-width" if key in _OF_FIXED else "delimited"
                text = f"`{key}` is of {of} text, not of {source.format}"
                scope.mistake("M215", text, (*_AT, key), "remove it", key=True)
        return
    for each in source.fallbacks:
        try:
            "".encode(each)
        except (LookupError, ValueError):  # a NUL in its name, too
            text = f'"{each}" is not an encoding'
            hint = "such as utf-8, cp1252, utf-16"
            scope.mistake("M104", text, (*_AT, "fallback_encodings"), hint)
    if source.format == "fixed":
        for key in (key for key in _OF_DELIMITED if key in doc.model_fields_set):
            text = f"`{key}` is of delimited text, not of fixed-width text"
            hint = "name the columns in `positions`" if key == "names" else "remove it"
            scope.mistake("M215", text, (*_AT, key), hint, key=True)
        check_layout(scope, source, doc)
    else:
        _check_marks(scope, source, doc)
    _check_left_out(scope, source)


def _check_left_out(scope: Scope, source: Source) -> None:
    """What tells lines that are no rows, held against each other."""
    if source.comment is not None and not set(source.comment).isdisjoint("\r\n\0"):
        hint = 'write what such lines begin with, such as "#"'
        scope.mistake("M103", "a comment's beginning has no line break", (*_AT, "comment"), hint)
    if source.footer is not None:
        _check_footer(scope, source, source.footer)
    if source.trailer:
        _check_trailer(scope, source, source.trailer)


def _check_footer(scope: Scope, source: Source, pattern: str) -> None:
    at: Path = (*_AT, "footer")
    if not _check_pattern(scope, pattern, at):
        return
    if is_footer(pattern, ["", "\x01"]).all():
        hint = 'write how such lines begin, such as "Total"'
        scope.mistake("M103", "footer means every line: nothing of a file would be left", at, hint)
        return
    trailer = source.trailer or ""
    line = trailer if source.format == "fixed" else f"{trailer}{source.delimiter}1"
    if trailer and is_footer(pattern, [line]).all():
        hint = "remove it if there are no other such lines, else make its pattern narrower"
        text = "`footer` means the trailer, too, which `expect` could not find any more"
        scope.mistake("M215", text, at, hint)


def _check_trailer(scope: Scope, source: Source, first_cell: str) -> None:
    """The trailer has to be a record, and its first cell a cell."""
    at: Path = (*_AT, "expect", "trailer", "first_cell")
    if source.comment and first_cell.startswith(source.comment):
        hint = "remove `comment` if there are no other such lines"
        text = f"the trailer {first_cell} begins like the lines that `comment` leaves out"
        scope.mistake("M215", text, (*_AT, "comment"), hint)
    if source.format != "fixed" and source.delimiter and source.delimiter in first_cell:
        hint = f'such as "{first_cell.partition(source.delimiter)[0] or "T"}"'
        text = f"first_cell is one cell, without the delimiter {source.delimiter!r}"
        scope.mistake("M103", text, at, hint)


def check_files(scope: Scope, doc: SourceDoc, name: NameForm | None) -> None:
    """Note that no file can be meant by `files` and called as `expect` says."""
    if doc.files is not None and len(doc.files) > _FILES_MAX:
        hint = "`*` means any number of characters"
        text = f"a glob has at most {_FILES_MAX} characters"
        scope.mistake("M103", text, (*_AT, "files"), hint)
    elif name is not None and doc.files is not None and not name.meets(doc.files):
        text = f'no file is meant by "{doc.files}" and called "{name.written}", as `expect` says'
        hint = f'correct one of them, or leave `files` out: it is "{name.glob}" then'
        scope.mistake("M215", text, (*_AT, "files"), hint)


def _check_marks(scope: Scope, source: Source, doc: SourceDoc) -> None:
    """What only delimited text has."""
    for key in (key for key in _OF_FIXED if key in doc.model_fields_set):
        text = f"`{key}` does nothing for delimited text"
        scope.mistake("M215", text, (*_AT, key), "remove it, or set `format: fixed`", key=True)
    if doc.record_end == "none":
        hint = 'remove it: a record ends with its line; or write what the file has behind each record, such as "~"'
        text = (
            "`record_end: none` is of fixed-width text, where the length tells where a record ends"
        )
        scope.mistake("M215", text, (*_AT, "record_end"), hint, key=True)
    wrong = unclear(source)
    if wrong is not None:
        there = (*_AT, wrong.key) in scope.document.values
        at = (*_AT, wrong.key) if there else _AT
        scope.mistake("M103", wrong.message, at, wrong.hint, key=not there)
    _check_header(scope, source)
    if source.repair is not None:
        _check_repair(scope, source, source.repair)


def _check_header(scope: Scope, source: Source) -> None:
    if source.names and source.find_header:
        hint = "keep `find_header` if the file has a header, else `names`"
        text = "a file with `names` has no header to find"
        scope.mistake("M215", text, (*_AT, "find_header"), hint, key=True)
    twice = [name for name, count in Counter(source.names).items() if count > 1]
    if twice:
        text = f'"{twice[0]}" names two columns'
        scope.mistake("M203", text, (*_AT, "names"), "each column needs a name of its own")
    for name in source.names:
        if name:  # columns that nobody needs may have none
            scope.possible(name, (*_AT, "names"))


def _check_repair(scope: Scope, source: Source, repair: Repair) -> None:
    at: Path = (*_AT, "repair")
    excess = scope.spent.on_patterns(repair.fits.values())
    if excess is not None:
        scope.mistake("M230", excess.message, (*at, "fits"), excess.hint)
        return
    for column, pattern in repair.fits.items():
        scope.find(column, (*at, "fits", column), key=True)
        _check_pattern(scope, pattern, (*at, "fits", column))
    for nth, column in enumerate(repair.join):
        scope.find(column, (*at, "join", nth))
    if repair.join and not (repair.fits or source.columns):
        hint = "declare types in `source.columns`, or patterns: `fits: {Zip: '[0-9]{5}'}`"
        text = "nothing tells whether a row that is joined has its cells in the right columns"
        scope.mistake("M103", text, (*at, "join"), hint, key=True)
    if repair.fits and not repair.join:
        hint = "name the columns that may be joined: `join: [Street]`"
        scope.mistake("M215", "`fits` is of rows that are joined", (*at, "fits"), hint, key=True)


def _check_pattern(scope: Scope, pattern: str, at: Path) -> bool:
    try:
        check_pattern(pattern)
    except StepMistake as error:
        scope.mistake(error.code, error.message, at, error.hint)
        return False
    return True
