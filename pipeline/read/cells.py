"""The cells of one record, one by one: for the header, and for records with a fault."""

import re
from dataclasses import dataclass
from functools import cache

from pipeline.mapping.plan import Source
from pipeline.model.stops import SourceUnusable
from pipeline.read.records import Marks

AROUND_MAX = 30  # characters of a record that a message shows around a fault


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one record.

    `fault` is where in its text the first misplaced quote stands, if there is one, and
    `fault_cell` the index of the cell. Behind it the cells are the best guess: everything up to the
    next delimiter.
    """

    values: list[str]
    fault: int | None = None
    fault_cell: int | None = None


def marks_of(source: Source) -> Marks:
    """Give delimiter and quote as bytes, if they can be told from each other and from the text.

    Raises:
        SourceUnusable: one of them is not a single ASCII character, or they are the same.
    """
    for what, mark in (("delimiter", source.delimiter), ("quote", source.quote)):
        if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in "\r\n\0"):
            raise SourceUnusable(
                f"the {what} {mark!r} is not one ASCII character",
                help=f"set `source.{what}` in the mapping to the one character that the file uses",
            )
    if source.delimiter == source.quote:
        raise SourceUnusable(
            f"delimiter and quote are both {source.delimiter!r}",
            help="correct `source.delimiter` or `source.quote` in the mapping",
        )
    return Marks(ord(source.delimiter), None if source.quote is None else ord(source.quote))


def split_cells(text: str, source: Source) -> Cells:
    """Take a record apart; never fails.

    >>> split_cells('a,"b,""c"" d",e', Source()).values
    ['a', 'b,"c" d', 'e']
    >>> split_cells('a,b"c,d', Source())
    Cells(values=['a', 'b"c', 'd'], fault=3, fault_cell=1)
    """
    if source.quote is None or source.quote not in text:
        return Cells(text.split(source.delimiter))
    cell = _cell(source.delimiter, source.quote)
    # The cells before the first quote and behind the last one need no care.
    at = text.rfind(source.delimiter, 0, text.index(source.quote)) + 1
    last = text.rindex(source.quote)
    values = text[: at - 1].split(source.delimiter) if at else []
    fault: int | None = None
    fault_cell: int | None = None
    while at <= last:
        found = cell.match(text, at)
        assert found is not None  # noqa: S101 - the last alternative may be empty
        quoted, behind = found.group("quoted", "behind")
        if quoted is not None and not behind:
            values.append(quoted.replace(source.quote * 2, source.quote))
        else:
            misplaced = (
                found.start("behind") if behind else text.find(source.quote, at, found.end())
            )
            if fault is None and misplaced >= 0:
                fault, fault_cell = misplaced, len(values)
            values.append(found.group())
        at = found.end() + 1
    if at <= len(text):
        values += text[at:].split(source.delimiter)
    return Cells(values, fault, fault_cell)


def cell_at(text: str, position: int, source: Source) -> int:
    """Give the index of the cell in which a position of a record's text lies.

    >>> cell_at('a,"b,c",d', 5, Source()), cell_at('a,"b,c",d', 8, Source())
    (1, 2)
    """
    if source.quote is None:
        return text.count(source.delimiter, 0, position)
    cell = _cell(source.delimiter, source.quote)
    index = -1
    at = 0
    while at <= position:
        found = cell.match(text, at)
        assert found is not None  # noqa: S101 - the last alternative may be empty
        index += 1
        at = found.end() + 1
    return index


def around(text: str, position: int) -> str:
    """Give the text around a position, at most 30 characters.

    >>> around("x" * 40 + '"' + "y" * 40, 40)
    'xxxxxxxxxxxxxxx"yyyyyyyyyyyyyy'
    """
    begin = max(0, position - AROUND_MAX // 2)
    return text[begin : begin + AROUND_MAX]


@cache
def _cell(delimiter: str, quote: str) -> re.Pattern[str]:
    d, q = re.escape(delimiter), re.escape(quote)
    return re.compile(
        rf"{q}(?P<quoted>(?:[^{q}]++|{q}{q})*+){q}(?P<behind>[^{d}]*+)|[^{d}]*+", re.DOTALL
    )
