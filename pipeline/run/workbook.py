"""Rows to correct as a workbook whose cells are all text, so that a spreadsheet changes none of them.

A spreadsheet that opens a CSV turns 01067 into 1067 and long numbers into 1.2E+15. The workbook has
the same cells as the CSV, apostrophes included: saved as CSV, it is the file that `retry` takes.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from pipeline.mapping.plan import Source

# What a sheet can hold (Microsoft, Excel specifications and limits).
ROWS_MAX, COLUMNS_MAX, CELL_MAX = 1_048_576, 16_384, 32_767
_WIDTH = 16  # characters of a column


class TooLarge(Exception):  # noqa: N818 - it names what is wrong, as StopRun does
    """The rows do not fit into a sheet; says what is too large."""


def write_workbook(rows: Path, source: Source, out: IO[bytes], *, at: datetime) -> None:
    """Write the rows of a CSV file as a workbook; the same rows give the same bytes.

    Raises:
        TooLarge: there are too many rows, columns or characters in a cell for a sheet.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(
        out, {"constant_memory": True, "tmpdir": str(rows.parent), "strings_to_numbers": False}
    )
    book.set_properties({"created": at.replace(tzinfo=None)})
    text, head = (
        book.add_format({"num_format": "@"}),
        book.add_format({"num_format": "@", "bold": True}),
    )
    sheet = book.add_worksheet("rows")
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, COLUMNS_MAX - 1, _WIDTH, text)  # what is typed into it is text, too
    try:
        with rows.open(encoding=source.encoding, errors="replace", newline="") as file:
            for number, cells in enumerate(_records(file, source)):
                _check(number, cells)
                for column, cell in enumerate(cells):
                    if cell:
                        sheet.write_string(number, column, cell, head if number == 0 else text)
    except csv.Error as error:
        raise TooLarge(f"a cell of {rows.name} is too long: {error}") from error
    finally:
        book.close()  # its temporary files, too


def _records(file: IO[str], source: Source) -> Iterator[list[str]]:
    if file.read(1) != "\ufeff":
        file.seek(0)
    return csv.reader(
        file, delimiter=source.delimiter, quotechar=source.quote or '"',
        quoting=csv.QUOTE_NONE if source.quote is None else csv.QUOTE_MINIMAL,
    )  # fmt: skip


def _check(number: int, cells: list[str]) -> None:
    if number >= ROWS_MAX:
        raise TooLarge(f"a sheet has {ROWS_MAX:,} rows at most")
    if len(cells) > COLUMNS_MAX:
        raise TooLarge(f"a sheet has {COLUMNS_MAX:,} columns at most")
    if max(map(len, cells), default=0) > CELL_MAX:
        raise TooLarge(f"a cell has {CELL_MAX:,} characters at most")
