"""The first record of a delimited file: which columns there are, and which of them are wanted."""

import json
import os
import re
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
from pipeline.read.cells import AROUND_MAX, around, split_cells
from pipeline.read.decoding import Utf8Stream, shown, text_of, undecodable
from pipeline.read.formulas import restore
from pipeline.read.outline import Outline
from pipeline.read.records import LINES_MAX, RECORD_MAX, Records, find_records
from pipeline.read.spelling import Spelling

# Columns that the report appends to correctable files (REPORT §6); they are not the export's own.
OUR_COLUMNS = "_import_"
OUR_FILE, OUR_LINE, OUR_RULE = "_import_file", "_import_line", "_import_rule"
OUR_CHECK, OUR_RUN = "_import_check", "_import_run"
# How runs are named, for telling their names from other cells; Polars and `re` both read it.
RUN_NAME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}(?:-[A-Za-z0-9_-]+)?$"

_LINE_ENDS = ("\r\n", "\n", "\r")
_FIRST_READ = 1 << 16
_NAMES_SHOWN = 40
HEADER_WITHIN = 100  # lines among which a header is looked for by its names
_NUMBERED = "#"  # of columns of one name: SKU#1, SKU#2


class SourceEmpty(SourceUnusable):
    """The file has no header: nothing is in it, or nothing but empty lines."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header's cells as they are, and where it ends: bytes of UTF-8 text and physical lines.

    `line` is 0 where the file has none. `before` are the lines that stand before it, and `body` is
    its spelled text without its end. Where the file is `uneven`, with records of several types, each
    has cells of its own.
    """

    cells: tuple[str, ...]
    line: int
    next_line: int
    size: int
    line_end: str = "\n"
    before: int = 0
    body: bytes = b""
    uneven: bool = False

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
    def numbered(self) -> dict[str, int]:
        """Positions of columns whose name others have, too, as `Name#1`, `Name#2`."""
        there = Counter(self.names)
        found: dict[str, int] = {}
        nth: Counter[str] = Counter()
        for at, name in enumerate(self.cells):
            if name and there[name] > 1:
                nth[name] += 1
                found.setdefault(f"{name}{_NUMBERED}{nth[name]}", at)
        return {name: at for name, at in found.items() if name not in there}

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
    """Read the first record that is a row; names without blanks if the mapping trims.

    Empty lines, comments and rows of nothing but delimiters before it are passed over, and so are the
    lines that the source says to skip. With `find_header` it is the first line that has the names.

    Raises:
        SourceEmpty: there is no record.
        SourceUnusable: the file or its header cannot be read as the mapping declares.
    """
    spelling = Spelling.of(source)
    begin = _Beginning(source, spelling, Outline.of(source, spelling), name)
    with open_source(path, name) as file:
        stream = Utf8Stream(file, source.encoding, name=name)
        text = b""
        while True:
            text += stream.read(max(_FIRST_READ, len(text)))
            ended, written = stream.ended(), len(text)
            if ended:
                text = spelling.with_last_end(text)
            header = begin.header(text, written, ended=ended)
            if header is not None:
                begin.check_end(header, written)
                return header


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What is needed to find the header in the first text of a file."""

    source: Source
    spelling: Spelling
    outline: Outline
    name: str

    def header(self, text: bytes, written: int, *, ended: bool) -> Header | None:
        """Find the header; None where that takes more text. The file has `written` bytes of this one."""
        skipped = self.source.skip_lines
        at = self._behind(text, 0, skipped, ended=ended)
        if at is None:
            return None
        layout, types = self.spelling.layout, self.source.records
        if types is not None:
            end = _line_end_of(text[:written], self.spelling)
            return Header(types.columns, 0, skipped + 1, at, end, skipped, uneven=True)
        names = self.source.names if layout is None else layout.names
        if names and not self.source.find_header:
            end = _line_end_of(text[:written], self.spelling)
            return Header(names, 0, skipped + 1, at, end, skipped)
        if self.source.find_header:
            return self._named(text, at, ended=ended)
        first = self._first(text, at, skipped, ended=ended)
        if first is not None and not len(first.records.line):
            raise SourceEmpty(
                f"{self.name} is empty: it has not even a header",
                help="if rows were expected, ask for the file again",
            )
        return None if first is None else self._made(text, first)

    def check_end(self, header: Header, written: int) -> None:
        """Refuse a header that goes on over lines, because the declared `record_end` does not end it.

        All rows in it would be lost, for they would be names of columns that nobody uses. What looks
        like rows is as many delimiters in its first two lines; where only the end of the file ends
        it, one line break is enough, and an end without line breaks must not be missing at all.
        `written` is the size of the text so far, without an end that was added.
        """
        end = self.spelling.record_end
        if end is None or self.spelling.layout is not None or not header.line:
            return
        body = self._unquoted(header.body)
        lines = self.spelling.lines(body)
        delimiter = bytes((self.spelling.marks.delimiter,))
        ended = header.size <= written
        if not ended:
            wrong = len(lines) > 1 or not set(end) & set(b"\r\n")
        else:
            rows = [each.count(delimiter) for each in lines[:2] if each]
            wrong = len(rows) > 1 and rows[0] == rows[1] > 0
        if wrong:
            raise self._unended(self.spelling.as_written(body), header.line, ended=ended)

    def _unquoted(self, body: bytes) -> bytes:
        if self.spelling.marks.quote is None:
            return body
        quote = re.escape(bytes((self.spelling.marks.quote,)))
        return re.sub(quote + b"[^" + quote + b"]*" + quote, b"", body)

    def _unended(self, text: bytes, line: int, *, ended: bool) -> SourceUnusable:
        """Say that the declared end of records does not end the header, and what ends its lines."""
        mark = _as_declared(self.source.record_end or "")
        found = re.search(rb"\r\n|\r|\n", text)
        if found is None:
            hint = (
                "correct `source.record_end` in the mapping; leave it out if each record is a line"
            )
        else:
            hint = (
                f"lines of it end with {_as_declared(found.group().decode())}: remove "
                "`source.record_end` from the mapping, line ends of every kind need no key; "
                "or ask for the file with the end that is declared"
            )
        what = (
            f"the header goes on over several lines, up to the declared `record_end` {mark}"
            if ended
            else f"no record ends with the declared `record_end` {mark}"
        )
        return SourceUnusable(what, help=hint, place=place(self.name, line))

    def _named(self, text: bytes, at: int, *, ended: bool) -> Header | None:
        """The first line that has all the names."""
        wanted, layout = set(self.source.find_header), self.spelling.layout
        near: list[str] = []
        for before in range(self.source.skip_lines, self.source.skip_lines + HEADER_WITHIN):
            try:
                first = self._first(text, at, before, ended=ended)
                if first is None:
                    return None
                made = self._made(text, first) if first.begins_with_it else None
            except SourceUnusable:
                made = None  # it is the text above a table, or a damaged header
            there = wanted & self._names(made) if made is not None else set()
            if made is not None and there == wanted:
                return made if layout is None else replace(made, cells=layout.names)
            near = sorted(wanted - there) if there else near
            behind = self._behind(text, at, 1, ended=ended)
            if behind is None:
                return None
            if behind == at:
                break
            at = behind
        what = f"a line has the others, but not {_listed(near)}: " if near else ""
        where = "" if layout is None else " at their positions"
        keys = (
            "`source.find_header`" if layout is None else "`find_header` or `positions` of `source`"
        )
        raise SourceUnusable(
            f"no line of the first {HEADER_WITHIN} has the names {_listed(self.source.find_header)}{where}",
            help=f"{what}correct {keys} in the mapping, or ask for the file again",
            place=place(self.name, self.source.skip_lines + 1),
        )

    def _names(self, made: Header) -> set[str]:
        """The names in a header; of fixed width those that stand in their own place."""
        layout = self.spelling.layout
        if layout is None:
            return set(made.cells)
        return {cell for name, cell in zip(layout.names, made.cells, strict=False) if cell == name}

    def _behind(self, text: bytes, at: int, count: int, *, ended: bool) -> int | None:
        """Where the text behind so many lines begins; None where that is not known yet."""
        for _ in range(count):
            found = self.spelling.line.match(text, at)
            if found is None or (not ended and found.end() >= len(text)):
                return None
            at = found.end()
        return at

    def _first(self, text: bytes, at: int, before: int, *, ended: bool) -> "_First | None":
        """The records from a place on; None where not even one is whole."""
        rest = text[at:]
        spelled = self.spelling.spell(rest[: self.spelling.complete(rest, ended=ended)])
        found = find_records(spelled, self.spelling.marks, width=None, kinds=self.outline.kinds)
        if not len(found.line):
            open_lines = spelled.count(b"\n", found.size)
            if not ended and not spelled and len(rest) > RECORD_MAX and self.spelling.record_end:
                raise self._unended(rest, before + 1, ended=False)
            if not ended and len(rest) - found.size <= RECORD_MAX and open_lines <= LINES_MAX:
                return None
            if not ended or found.size < len(spelled):
                raise never_ends(self.name, before + found.lines + 1, ended=ended)
        return _First(spelled, found, at, before)

    def _made(self, text: bytes, first: "_First") -> Header:
        """The header that is the first of some records."""
        found, spelling = first.records, self.spelling
        start, stop = int(found.start[0]), int(found.stop[0])
        breaks = spelling.breaks(first.spelled[:stop])
        inner = 0 if breaks is None else len(breaks)
        ahead = 0 if breaks is None else int((breaks < start).sum())
        line = first.before + int(found.line[0]) + ahead + 1
        if found.too_long == found.line[0]:
            raise never_ends(self.name, line, ended=False)
        body = spelling.body(first.spelled[start:stop])
        size = first.at + spelling.size_as_written(first.spelled[:stop])
        return Header(
            cells=_names(body, self.source, spelling, place(self.name, line)),
            line=line,
            next_line=first.before + int(found.next_line[0]) + inner + 1,
            size=size,
            line_end=_line_end_of(text[:size], spelling, last=True),
            before=line - 1,
            body=body,
        )


@dataclass(frozen=True, slots=True)
class _First:
    """Records from byte `at` of a file on, behind `before` lines, and their spelled text."""

    spelled: bytes
    records: Records
    at: int
    before: int

    @property
    def begins_with_it(self) -> bool:
        """Whether the first of them begins there, and not some lines below."""
        return bool(len(self.records.line)) and int(self.records.start[0]) == 0


def _line_end_of(text: bytes, spelling: Spelling, *, last: bool = False) -> str:
    """How lines end: the last one of `text`, or the first; a record's own end where one is declared."""
    if spelling.record_end is not None:
        return "\r\n" if b"\r\n" in spelling.record_end else "\n"
    if last:
        return next((each for each in _LINE_ENDS if text.endswith(each.encode())), "\n")
    found = re.search(rb"\r\n|\r|\n", text)
    if found and spelling.layout is not None:  # a carriage return may stand in the very first line
        found = re.search(rb"\r\n|\n", text) or found
    return found.group().decode() if found else "\n"


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
        f"this record is longer than {RECORD_MAX >> 20} MiB, or than {LINES_MAX:,} lines",
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
    numbered = header.numbered
    missing = [column for column in columns if column not in there and column not in numbered]
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
            help=f"say which is meant: {_quoted(twice[0] + _NUMBERED + '1')} is the first of them, "
            f"{_quoted(twice[0] + _NUMBERED + '2')} the second",
            place=place(name, header.line),
        )
    return [
        header.cells.index(column) if column in there else numbered[column] for column in columns
    ]


def _names(body: bytes, source: Source, spelling: Spelling, where: str) -> tuple[str, ...]:
    record = text_of(spelling.as_written(body))
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
    worked = spelling.worked(body)
    cells = split_cells(worked, spelling)
    if cells.fault is not None:
        meant = likely_delimiter(record, source.delimiter)
        other = Source(delimiter=meant, quote=source.quote) if meant else source
        others = split_cells(record, Spelling.of(other)) if meant else cells
        if meant is not None and source.delimiter not in record and others.fault is None:
            raise SourceUnusable(
                one_column(source.delimiter, meant),
                help=f"write `{written(meant)}` under `source:` in the mapping, or ask for the file "
                f"with '{source.delimiter}'",
                code="M216",
                place=where,
            )
        raise SourceUnusable(
            f"a quote stands where none may be in the header: "
            f"{shown(spelling.told(around(worked, cells.fault)))}",
            help="correct `source.quote` in the mapping, or ask for the file again",
            code="R103",
            place=where,
        )
    values = cells.values
    if OUR_RUN in values:
        values = [restore(value) for value in values]
    bare = source.trim or spelling.layout is not None
    return tuple(value.strip() if bare else value for value in values)


def _column_hint(missing: Sequence[str], there: Sequence[str]) -> str:
    near = [(column, nearest(column, there)) for column in missing]
    meant = ", ".join(
        f"{_quoted(other)} for {_quoted(column)}" for column, other in near if other is not None
    )
    columns = f"the file has {_listed(there)}" if there else "the file has no named columns"
    return f"did you mean {meant}? {columns}" if meant else columns


def _as_declared(mark: str) -> str:
    r"""A mark as the mapping writes it, in double quotes.

    >>> print(_as_declared("&|\r\n"), _as_declared('"'))
    "&|\r\n" "\""
    """
    return json.dumps(mark, ensure_ascii=False)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(_quoted(name) for name in names[:_NAMES_SHOWN]) + more


def _quoted(name: str) -> str:
    cut = name if len(name) <= AROUND_MAX else name[: AROUND_MAX - 1] + "…"
    return f'"{cut}"'
