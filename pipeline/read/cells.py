"""The cells of one record, one by one: for the header, and for records with a fault."""

import re
from dataclasses import dataclass
from functools import cache

from pipeline.read.spelling import Spelling

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


def split_cells(text: str, spelling: Spelling) -> Cells:
    """Take a record apart, given as `Spelling.worked` has it; never fails.

    >>> from pipeline.mapping.plan import Source
    >>> plain = Spelling.of(Source())
    >>> split_cells('a,"b,""c"" d",e', plain).values
    ['a', 'b,"c" d', 'e']
    >>> split_cells('a,b"c,d', plain)
    Cells(values=['a', 'b"c', 'd'], fault=3, fault_cell=1)
    """
    delimiter, quote = _characters(spelling)
    if quote is None or quote not in text:
        return Cells([spelling.value(each) for each in text.split(delimiter)])
    cell = _cell(delimiter, quote)
    # The cells before the first quote and behind the last one need no care.
    at = text.rfind(delimiter, 0, text.index(quote)) + 1
    last = text.rindex(quote)
    values = text[: at - 1].split(delimiter) if at else []
    fault: int | None = None
    fault_cell: int | None = None
    while at <= last:
        found = cell.match(text, at)
        assert found is not None  # noqa: S101 - the last alternative may be empty
        quoted, behind = found.group("quoted", "behind")
        if quoted is not None and not behind:
            values.append(quoted.replace(quote * 2, quote))
        else:
            misplaced = found.start("behind") if behind else text.find(quote, at, found.end())
            if fault is None and misplaced >= 0:
                fault, fault_cell = misplaced, len(values)
            values.append(found.group())
        at = found.end() + 1
    if at <= len(text):
        values += text[at:].split(delimiter)
    return Cells([spelling.value(each) for each in values], fault, fault_cell)


def cell_at(text: str, position: int, spelling: Spelling) -> int:
    """Give the index of the cell in which a position of a record's text lies.

    >>> from pipeline.mapping.plan import Source
    >>> plain = Spelling.of(Source())
    >>> cell_at('a,"b,c",d', 5, plain), cell_at('a,"b,c",d', 8, plain)
    (1, 2)
    """
    delimiter, quote = _characters(spelling)
    if quote is None:
        return text.count(delimiter, 0, position)
    cell = _cell(delimiter, quote)
    index = -1
    at = 0
    while at <= position:
        found = cell.match(text, at)
        assert found is not None  # noqa: S101 - the last alternative may be empty
        index += 1
        at = found.end() + 1
    return index


def _characters(spelling: Spelling) -> tuple[str, str | None]:
    quote = spelling.marks.quote
    return chr(spelling.marks.delimiter), None if quote is None else chr(quote)


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
