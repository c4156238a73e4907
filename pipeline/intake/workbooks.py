"""Sheets of workbooks, written as delimited text: each row a line, each cell as its text.

What a workbook cannot say is not guessed: a cell with an error, a number with more digits than a workbook
keeps, and a formula whose value nobody has calculated, refuse the file.
"""

import html
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipeline.intake.packing import PIECE, Limits, unpacked_name
from pipeline.model.likeness import nearest
from pipeline.model.stops import SourceUnusable, StopRun

__all__ = [
    "BREAK",
    "Dialect",
    "ExtraMissing",
    "holds_a_sheet",
    "is_workbook",
    "sheet_to_text",
    "with_breaks",
]

# Stands for a line break in a cell, so that each row is one line; no cell of a workbook has it.
BREAK = "\v"

UNPACKED_MAX = 1 << 30  # bytes; a million rows of ten cells take about half of that

_WORKBOOKS = (".xlsx", ".xlsm")
# What they keep is not looked through for errors, so these would become empty cells unseen.
OTHER_WORKBOOKS = (".xls", ".xlsb", ".ods")
# bytes; longer than any cell up to its value, formulas of 8192 characters included
_OVERLAP = 1 << 16
_NAMED_MAX = 5  # cells and sheets that a message names
_SLICE = 50_000  # rows that are Python objects at once
_CELL = re.compile(rb"<(?:\w+:)?c(?=[\s>])[^<>]*>")
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Z]+[0-9]+)["']""")  # which some programs leave out
_TYPE = re.compile(rb"""\st\s*=\s*["'](\w+)["']""")
_ERROR = re.compile(rb"""<(?:\w+:)?c\s[^<>]*?\bt\s*=\s*["']e["']""")
# Excel keeps 15 digits of a number; of a whole number with more it has changed the last ones.
_LONG = re.compile(
    rb"<(?:\w+:)?v>\s*-?(?:[0-9]{16,}(?:\.0*)?|[0-9.]+[eE]\+?(?:1[5-9]|[2-9][0-9]|[1-3][0-9]{2}))\s*</"
)
_NUMBERS = (b"", b"n")  # the types of numbers; that of any other value is a text
# Programs that write workbooks without Excel leave the value of a formula out. The one of a text may be "".
_FORMULA = re.compile(
    rb"<(?:\w+:)?f(?:\s[^<>]*)?(?:/>|(?<!/)>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?P<value><(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c\s*>"
)
_AT = re.compile(rb' r="([A-Z]{1,3})([0-9]{1,7})"')
# Between the first and the last cell of a sheet every place takes memory (32 bytes), whether or not it is filled.
_PLACES_MAX = 16_000_000
_APART_MAX = 16  # such places for each cell that is filled

_SHEET = re.compile(r"<(?:\w+:)?sheet\b[^<>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b[^<>]*>")
_ATTRIBUTE = re.compile(r"""([\w:]+)="([^"]*)\"""")


class ExtraMissing(StopRun):
    """A library that only some need is not installed (exit 2)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the text is written, so that whoever reads it for the mapping can."""

    encoding: str
    delimiter: str
    quote: str | None


def is_workbook(name: str) -> bool:
    """Tell whether a file of this name is a workbook."""
    return name.lower().endswith((*_WORKBOOKS, *OTHER_WORKBOOKS))


def holds_a_sheet(name: str) -> bool:
    """Tell whether the copy of a file of this name is the text of a sheet.

    >>> holds_a_sheet("orders.xlsx"), holds_a_sheet("orders.xlsx.csv"), holds_a_sheet("orders.csv")
    (True, True, False)
    """
    return is_workbook(unpacked_name(name.removesuffix(".csv")))


def with_breaks(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the cells of such a text their line breaks again."""
    return rows.with_columns(pl.col(pl.String).str.replace_all(BREAK, "\n", literal=True))


def sheet_to_text(copy: Path, sheet: str | None, dialect: Dialect, called: str) -> None:
    """Put a sheet's text in the place of a workbook's copy; `sheet` may be left out where it has one.

    Line n is row n; a line break in a cell is BREAK. Dates are as the workbook keeps
    them, `2026-11-20 14:05:00`, numbers have a point and no exponent; what the workbook shows does
    not count.

    Raises:
        SourceUnusable: it is damaged, too large, has no such sheet, or has cells that say nothing
            certain.
        ExtraMissing: fastexcel is not installed.
    """
    if called.lower().endswith(OTHER_WORKBOOKS):
        raise SourceUnusable(
            f"{called} is a workbook of a kind that is not read", help="save it as .xlsx"
        )
    try:
        import fastexcel
    except ImportError:
        raise ExtraMissing(
            f"{called} is a workbook, and fastexcel is not installed",
            help="pip install 'pipeline[excel]'",
        ) from None
    uncertain = _looked_through(copy, called)
    try:
        book = fastexcel.read_excel(str(copy))
        name = _chosen(book.sheet_names, sheet, called)
        _refuse(uncertain(name), called)
        loaded = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        rows = loaded.to_polars()
    except fastexcel.FastExcelError as error:
        raise SourceUnusable(
            f"{called} is not readable as a workbook: {str(error).splitlines()[0]}",
            help="open it and save it again, or ask for it again",
        ) from error
    text = copy.with_suffix(".text")
    _write(rows, text, dialect, called)
    text.replace(copy)


def _chosen(sheets: list[str], sheet: str | None, called: str) -> str:
    shown = ", ".join(f'"{each}"' for each in sheets[:_NAMED_MAX])
    if sheet is None and len(sheets) == 1:
        return sheets[0]
    if sheet is None:
        raise SourceUnusable(
            f"{called} has several sheets: {shown}",
            help="name one as `source.sheet` in the mapping",
        )
    if sheet not in sheets:
        near = nearest(sheet, sheets)
        raise SourceUnusable(
            f'{called} has no sheet "{sheet}"',
            help=f'did you mean "{near}"?' if near else f"its sheets are {shown}",
        )
    return sheet


# -- what it keeps ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Uncertain:
    """The cells of a sheet that hold errors, numbers of too many digits, and formulas without a value.

    `last` are the row and the column of its last cells, `cells` how many there are.
    """

    errors: dict[str, None] = field(default_factory=dict)
    long: dict[str, None] = field(default_factory=dict)
    empty: dict[str, None] = field(default_factory=dict)
    last: tuple[int, int] = (0, 0)
    cells: int = 0

    @property
    def scattered(self) -> bool:
        """Whether a few cells lie so far apart that the sheet would fill the memory."""
        row, column = self.last
        return row * column > max(_PLACES_MAX, self.cells * _APART_MAX)

    def take(self, other: "_Uncertain") -> None:
        """Add those of another sheet."""
        self.errors |= other.errors
        self.long |= other.long
        self.empty |= other.empty
        self.last = max(self.last, other.last, key=math.prod)
        self.cells = max(self.cells, other.cells)


def _looked_through(copy: Path, called: str) -> Callable[[str], _Uncertain]:
    """Unpack all of a workbook once, within limits, and keep what is uncertain by sheet."""
    limits = Limits(UNPACKED_MAX, packed=copy.stat().st_size)
    found: dict[str, _Uncertain] = {}
    texts: dict[str, str] = {}
    try:
        with zipfile.ZipFile(copy) as zipped:
            for info in zipped.infolist():
                pieces = _pieces(zipped, info, limits, called)
                if info.filename.startswith("xl/worksheets/"):
                    found[info.filename] = _of_sheet(pieces)
                elif info.filename in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
                    texts[info.filename] = b"".join(pieces).decode("utf-8", "replace")
                else:
                    for _ in pieces:
                        pass
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise SourceUnusable(
            f"{called} is not readable as a workbook: {error}",
            help="open it and save it again without a password, or ask for it again",
        ) from error
    parts = _parts(texts)

    def of(sheet: str) -> _Uncertain:
        if sheet in parts and parts[sheet] in found:
            return found[parts[sheet]]
        every = _Uncertain()
        for each in found.values():
            every.take(each)
        return every

    return of


def _pieces(
    zipped: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, called: str
) -> Iterator[bytes]:
    with zipped.open(info) as unpacking:
        while piece := unpacking.read(PIECE):
            limits.unpacked += len(piece)
            limits.check(called)
            yield piece


def _of_sheet(pieces: Iterator[bytes]) -> _Uncertain:
    found = _Uncertain()
    rest = b""
    for piece in pieces:
        text = rest + piece
        if b'"e"' in text or b"'e'" in text:
            for match in _ERROR.finditer(text):
                found.errors[_place_of(text, match.start() + 1)] = None
        for match in _LONG.finditer(text):
            if _type_of(text, match.start()) in _NUMBERS:
                found.long[_place_of(text, match.start())] = None
        if b"<f" in text or b":f" in text:
            for match in _FORMULA.finditer(text):
                if match["value"] is None or _type_of(text, match.start()) != b"str":
                    found.empty[_place_of(text, match.start())] = None
        found.cells += piece.count(b"<c ") + piece.count(b":c ")
        _measure(text, found)
        rest = text[-_OVERLAP:]
    return found


def _measure(text: bytes, found: _Uncertain) -> None:
    """Widen the bounds of a sheet by the last cell of each row."""
    row, column = found.last
    for cells in text.split(b"row>"):
        place = _AT.match(cells, cells.rfind(b' r="'))
        if place is not None:
            row, column = max(row, int(place[2])), max(column, _nth(place[1]))
    found.last = row, column


def _cell_before(text: bytes, at: int) -> bytes:
    """The tag of the cell in which a place lies."""
    while (at := text.rfind(b"<", 0, at)) >= 0:
        tag = _CELL.match(text, at)
        if tag is not None:
            return tag.group()
    return b""  # it began so long ago that it was seen with the piece before


def _type_of(text: bytes, at: int) -> bytes:
    found = _TYPE.search(_cell_before(text, at))
    return found[1] if found is not None else b""


def _place_of(text: bytes, at: int) -> str:
    found = _PLACE.search(_cell_before(text, at))
    return found[1].decode() if found is not None else "?"


def _nth(column: bytes) -> int:
    """The number of a column.

    >>> _nth(b"A"), _nth(b"Z"), _nth(b"AA")
    (1, 26, 27)
    """
    number = 0
    for letter in column:
        number = number * 26 + letter - ord("A") + 1
    return number


def _parts(texts: dict[str, str]) -> dict[str, str]:
    """The file of each sheet inside of the workbook."""
    targets = {}
    for tag in _RELATION.findall(texts.get("xl/_rels/workbook.xml.rels", "")):
        relation = dict(_ATTRIBUTE.findall(tag))
        target = relation.get("Target", "")
        targets[relation.get("Id")] = target.lstrip("/") if target[:1] == "/" else f"xl/{target}"
    parts = {}
    for tag in _SHEET.findall(texts.get("xl/workbook.xml", "")):
        sheet = dict(_ATTRIBUTE.findall(tag))
        relation_id = next((value for key, value in sheet.items() if key.endswith(":id")), None)
        if relation_id in targets:
            parts[html.unescape(sheet.get("name", ""))] = targets[relation_id]
    return parts


def _refuse(uncertain: _Uncertain, called: str) -> None:
    if uncertain.scattered:
        row, column = uncertain.last
        raise SourceUnusable(
            f"{called}: {uncertain.cells:,} cells are scattered over {row:,} rows and {column:,} columns",
            help="delete what stands far away from the table, and save it again",
        )
    for cells, what, hint in (
        (uncertain.errors, "an error instead of a value", "mend the formulas, and save it again"),
        (
            uncertain.long, "a number of more than 15 digits, of which a workbook keeps 15",
            "have such columns written as text: what stands there is not the number that was meant",
        ),
        (
            uncertain.empty, "a formula that was never calculated",
            "open it in a spreadsheet program and save it again, or have values written instead",
        ),
    ):  # fmt: skip
        if cells:
            shown = ", ".join(list(cells)[:_NAMED_MAX])
            more = f" and {len(cells) - _NAMED_MAX} more" if len(cells) > _NAMED_MAX else ""
            hold = "cell {} holds" if len(cells) == 1 else "cells {} hold"
            raise SourceUnusable(f"{called}: {hold.format(shown + more)} {what}", help=hint)


# -- text ------------------------------------------------------------------------------------------


def _write(rows: pl.DataFrame, text: Path, dialect: Dialect, called: str) -> None:
    quote = dialect.quote
    if quote is None:
        raise SourceUnusable(
            f"{called} is a workbook, and its mapping says `quote: none`",
            help="leave out `source.quote`: cells may have line breaks",
        )
    if BREAK.encode(dialect.encoding) != BREAK.encode("ascii"):
        raise _no_encoding(f"{called} cannot be written as {dialect.encoding}")
    cells = [
        pl.col(name).cast(pl.String).fill_null("").str.replace_all("\r\n|\r|\n", BREAK)
        for name in rows.columns
    ]
    special = "[" + re.escape(dialect.delimiter + quote) + BREAK + "]"
    quoted = [
        pl.when(cell.str.contains(special))
        .then(pl.lit(quote) + cell.str.replace_all(quote, quote * 2, literal=True) + pl.lit(quote))
        .otherwise(cell)
        for cell in cells
    ]
    if not cells:
        text.write_bytes(b"")
        return
    blank = pl.all_horizontal(cell == "" for cell in cells)
    line = (
        pl.when(blank)
        .then(pl.lit(""))
        .otherwise(pl.concat_str(quoted, separator=dialect.delimiter))
    )
    lines = rows.select(line.alias("line")).to_series()
    try:
        with text.open("w", encoding=dialect.encoding, errors="strict", newline="") as file:
            for start in range(0, lines.len(), _SLICE):
                file.writelines(f"{each}\n" for each in lines.slice(start, _SLICE))
    except UnicodeEncodeError as error:
        text.unlink()
        raise _no_encoding(
            f"{called} has the character {error.object[error.start]!r}, which {dialect.encoding} does not"
        ) from None


def _no_encoding(what: str) -> SourceUnusable:
    hint = "a workbook has no encoding: leave out `source.encoding` in its mapping"
    return SourceUnusable(what, help=hint)
