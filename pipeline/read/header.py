"""The first record of a delimited file: which columns there are, and which of them are wanted."""

import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from pipeline.mapping.delimiters import likely_delimiter, one_column, written
from pipeline.mapping.plan import Source
from pipeline.model.likeness import nearest
from pipeline.model.origin import place
from pipeline.model.stops import SourceUnusable
from pipeline.read.cells import AROUND_MAX, around, marks_of, split_cells
from pipeline.read.decoding import Utf8Stream, shown, text_of, undecodable
from pipeline.read.formulas import restore
from pipeline.read.records import RECORD_MAX, complete, find_records

# Columns that the report appends to correctable files (REPORT §6); they are not the export's own.
OUR_COLUMNS = "_import_"
OUR_FILE, OUR_LINE, OUR_RULE = "_import_file", "_import_line", "_import_rule"
OUR_CHECK, OUR_RUN = "_import_check", "_import_run"
# How runs are named, for telling their names from other cells; Polars and `re` both read it.
RUN_NAME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}(?:-[A-Za-z0-9_-]+)?$"

_LINE_ENDS = ("\r\n", "\n", "\r")
_FIRST_READ = 1 << 16
_NAMES_SHOWN = 40


class SourceEmpty(SourceUnusable):
    """The file has no header: nothing is in it, or nothing but empty lines."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header's cells as they are, and where it ends: bytes of UTF-8 text and physical lines."""

    cells: tuple[str, ...]
    line: int
    next_line: int
    size: int
    line_end: str = "\n"

    @property
    def width(self) -> int:
        """The number of cells that every record must have."""
        return len(self.cells)

    @property
    def names(self) -> tuple[str, ...]:
        """The export's own columns: without ours, and without what trailing delimiters leave.

        A spreadsheet that saves a file of ours may leave several: one for each cell that its
        longest record has too many.
        """
        own = [name for name in self.cells if not name.startswith(OUR_COLUMNS)]
        none_is_ours = len(own) == len(self.cells)
        while len(own) > 1 and not own[-1]:
            own.pop()
            if none_is_ours:
                break
        return tuple(own)

    @property
    def ours(self) -> bool:
        """Tell whether we have written the file, so that cells may have our apostrophe."""
        return OUR_RUN in self.cells


def open_source(path: Path, name: str) -> BinaryIO:
    """Open an input file for reading, if it is a regular one; never waits for a FIFO.

    Raises:
        SourceUnusable: there is no such file, it may not be read, or it is no regular file.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for its writer (FAULTS I4).
        number = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except FileNotFoundError as error:
        raise SourceUnusable(f"{name} does not exist", help="check the path") from error
    except PermissionError as error:
        raise SourceUnusable(
            f"{name} may not be read by this user", help="give this user the right to read it"
        ) from error
    except (OSError, ValueError) as error:
        raise SourceUnusable(f"{name} cannot be opened: {error}", help="check the path") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise SourceUnusable(
            f"{name} is not a regular file", help="name a file; a folder's files with folder/*.csv"
        )
    return os.fdopen(number, "rb")


def load_header(path: Path, source: Source, name: str) -> Header:
    """Read the first record that is not an empty line; names without blanks if the mapping trims.

    Raises:
        SourceEmpty: there is no record.
        SourceUnusable: the file or its header cannot be read as the mapping declares.
    """
    marks = marks_of(source)
    with open_source(path, name) as file:
        stream = Utf8Stream(file, source.encoding, name=name)
        text = b""
        while True:
            text += stream.read(max(_FIRST_READ, len(text)))
            ended = stream.ended()
            if ended:
                text = with_last_line_end(text)
            found = find_records(text[: complete(text, ended=ended)], marks, width=None)
            if ended or len(found.line) or len(text) - found.size > RECORD_MAX:
                break
    if not len(found.line) and found.size == len(text):
        raise SourceEmpty(
            f"{name} is empty: it has not even a header",
            help="if rows were expected, ask for the file again",
        )
    if not len(found.line):
        raise never_ends(name, found.lines + 1, ended=ended)
    line = int(found.line[0]) + 1
    if found.too_long == line - 1:
        raise never_ends(name, line, ended=False)
    size = int(found.stop[0])
    record = text_of(text[found.start[0] : size]).rstrip("\r\n")
    return Header(
        cells=_names(record, source, place(name, line)),
        line=line,
        next_line=int(found.next_line[0]) + 1,
        size=size,
        line_end=next(each for each in _LINE_ENDS if text.endswith(each.encode(), 0, size)),
    )


def with_last_line_end(text: bytes) -> bytes:
    """End the last line of a file, whether or not the file did."""
    return text + b"\n" if text and not text.endswith((b"\n", b"\r")) else text


def never_ends(name: str, line: int, *, ended: bool) -> SourceUnusable:
    """Say that a record goes on to the end of the file, or beyond what a record may have."""
    if ended:
        return SourceUnusable(
            "a quote opened in this record is never closed",
            help="ask for the file again, it looks cut off; if its cells are not quoted, "
            "set `source.quote: none` in the mapping",
            code="R104",
            place=place(name, line),
        )
    return SourceUnusable(
        f"this record is longer than {RECORD_MAX >> 20} MiB",
        help="check `source.delimiter` and `source.quote` in the mapping; a quote that is opened "
        "and never closed makes one record of all that follows",
        place=place(name, line),
    )


def find_columns(header: Header, columns: Sequence[str], name: str) -> list[int]:
    """Find the wanted columns in the header, by exact name, in the order wanted.

    Raises:
        SourceUnusable: some are not there (all are named), or are there more than once.
    """
    there = Counter(header.names)
    del there[""]
    missing = [column for column in columns if column not in there]
    if missing:
        raise SourceUnusable(
            f"the header lacks the column{'s' if len(missing) > 1 else ''} {_listed(missing)}",
            help=_column_hint(missing, list(there)),
            place=place(name, header.line),
        )
    twice = [column for column in columns if there[column] > 1]
    if twice:
        raise SourceUnusable(
            f"the header has more than one column {_listed(twice)}",
            help="ask for a file whose columns have different names; "
            "which of them is meant is not guessed",
            place=place(name, header.line),
        )
    return [header.cells.index(column) for column in columns]


def _names(record: str, source: Source, where: str) -> tuple[str, ...]:
    bad = undecodable(record)
    if bad is not None:
        raise SourceUnusable(
            f"the header cannot be read: byte {bad} is not valid in {source.encoding}",
            help="correct `source.encoding` in the mapping, or ask for the file in that encoding",
            code="R102",
            place=where,
        )
    if "\0" in record:
        raise SourceUnusable(
            "the header contains a NUL byte",
            help="correct `source.encoding` in the mapping (is it utf-16?), "
            "or ask for the file again",
            code="R105",
            place=where,
        )
    cells = split_cells(record, source)
    if cells.fault is not None:
        meant = likely_delimiter(record, source.delimiter)
        others = split_cells(record, replace(source, delimiter=meant)) if meant else cells
        if meant is not None and source.delimiter not in record and others.fault is None:
            raise SourceUnusable(
                one_column(source.delimiter, meant),
                help=f"write `{written(meant)}` under `source:` in the mapping, or ask for the file "
                f"with '{source.delimiter}'",
                code="M216",
                place=where,
            )
        raise SourceUnusable(
            f"a quote stands where none may be in the header: {shown(around(record, cells.fault))}",
            help="correct `source.quote` in the mapping, or ask for the file again",
            code="R103",
            place=where,
        )
    values = cells.values
    if OUR_RUN in values:
        values = [restore(value) for value in values]
    return tuple(value.strip() if source.trim else value for value in values)


def _column_hint(missing: Sequence[str], there: Sequence[str]) -> str:
    near = [(column, nearest(column, there)) for column in missing]
    meant = ", ".join(
        f"{_quoted(other)} for {_quoted(column)}" for column, other in near if other is not None
    )
    columns = f"the file has {_listed(there)}" if there else "the file has no named columns"
    return f"did you mean {meant}? {columns}" if meant else columns


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(_quoted(name) for name in names[:_NAMES_SHOWN]) + more


def _quoted(name: str) -> str:
    cut = name if len(name) <= AROUND_MAX else name[: AROUND_MAX - 1] + "…"
    return f'"{cut}"'
