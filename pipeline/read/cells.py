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
    """The cells of one record; `fault` is where the first misplaced quote stands, if any.

    `starts` tells where each cell begins in the text. Behind a misplaced quote the cells are the
    best guess: everything up to the next delimiter.
    """

    values: list[str]
    starts: list[int]
    fault: int | None

    def column_at(self, position: int) -> int:
        """Give the index of the cell in which a position of the text lies."""
        return sum(start <= position for start in self.starts) - 1


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
    Cells(values=['a', 'b"c', 'd'], starts=[0, 2, 6], fault=3)
    """
    if source.quote is None or source.quote not in text:
        values = text.split(source.delimiter)
        return Cells(values, _starts(values), None)
    cell = _cell(source.delimiter, source.quote)
    values, starts = [], []
    fault: int | None = None
    at = 0
    while at <= len(text):
        found = cell.match(text, at)
        assert found is not None  # noqa: S101 - every alternative may be empty
        quoted, behind = found.group("quoted", "behind")
        if quoted is not None and not behind:
            values.append(quoted.replace(source.quote * 2, source.quote))
        else:
            values.append(found.group())
            misplaced = (
                found.start("behind") if behind else text.find(source.quote, at, found.end())
            )
            if fault is None and misplaced >= 0:
                fault = misplaced
        starts.append(at)
        at = found.end() + 1
    return Cells(values, starts, fault)


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


def _starts(values: list[str]) -> list[int]:
    starts = [0]
    for value in values[:-1]:
        starts.append(starts[-1] + len(value) + 1)
    return starts
