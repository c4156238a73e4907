"""A file's text window by window, with the records in it and what is wrong with each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.mapping.plan import Source
from pipeline.model.origin import place
from pipeline.model.stops import SourceUnusable
from pipeline.read.decoding import MARK, REPLACED, ReadAhead, Utf8Stream
from pipeline.read.guessed import GUESSED, TORN, check_of
from pipeline.read.header import (
    OUR_CHECK,
    OUR_COLUMNS,
    OUR_RULE,
    OUR_RUN,
    RUN_NAME,
    Header,
    never_ends,
    open_source,
)
from pipeline.read.layout import CR_WITHIN, LF_WITHIN, Layout
from pipeline.read.mending import Mender, Repaired
from pipeline.read.outline import Kinds, Outline
from pipeline.read.parted import good_cells
from pipeline.read.plainly import plain_cells, plain_records, plain_rows
from pipeline.read.records import LINES_MAX, RECORD_MAX, Fault, LeftOut, Records, find_records
from pipeline.read.spelling import Spelling

WINDOW_BYTES = 8 << 20
_OF_SHAPE = (Fault.NONE, Fault.CELLS, Fault.LENGTH)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a file as spelled UTF-8; its line 0 is line `line` of the file, counted from 1.

    `cells` are those of the wanted columns where the whole window was read at once (`plainly`); its
    records have no places then. `left_out` are its lines that are no rows, `repairs` the records that
    only a declared rule made readable. `open_end` is its last line, if it ends the file without a line end.
    """

    text: bytes
    records: Records
    line: int
    repairs: tuple[Repaired, ...] = ()
    cells: pl.DataFrame | None = None
    open_end: int | None = None

    @property
    def left_out(self) -> LeftOut:
        """Lines that are none of the export's rows."""
        return self.records.left_out


def windows(
    path: Path, source: Source, header: Header, *, name: str, batch_bytes: int = WINDOW_BYTES,
    at_once: Mapping[str, int] | None = None,
) -> Iterator[Window]:  # fmt: skip
    """Go through all records behind the header; how the file is cut changes none of them.

    With `at_once`, the positions of wanted cells by their names, windows in which nothing needs care
    come with these cells.

    Raises:
        SourceUnusable: the file cannot be read as the mapping declares, or is cut off within a
            quoted cell.
    """
    spelling = Spelling.of(source)
    outline = Outline.of(source, spelling, header.body or None)
    layout = spelling.layout
    kinds = None if outline.is_empty else outline.kinds
    mender = Mender(source, header, spelling, name) if source.repair else None
    skip = header.size
    line = header.next_line
    text = b""
    with (
        open_source(path, name) as opened,
        ReadAhead(Utf8Stream(opened, source.encoding, name=name), batch_bytes) as stream,
    ):
        while not stream.ended():
            text += stream.read(max(batch_bytes, len(text)))
            lacks_end = False
            if stream.ended():
                written = len(text)
                text = spelling.with_last_end(text)
                lacks_end = len(text) > written
            if skip:
                skip, text = max(skip - len(text), 0), text[skip:]
            whole = _Whole(text, stream.ended(), spelling, header)
            plain = whole.plain(at_once if kinds is None or outline.is_of_header else None)
            if plain is not None:
                end = line + plain.records.lines - 1 if lacks_end else None
                yield replace(plain, line=line, open_end=end)
                line += plain.records.lines
                text = text[plain.records.size :]
                continue
            window, records = whole.records(kinds)
            rest = _Rest(len(text) - records.size, window, spelling)
            if records.size < len(window) and (stream.ended() or rest.is_no_record(records.size)):
                records = find_records(
                    window, spelling.marks, width=None if header.uneven else header.width,
                    kinds=kinds, final=True,
                )  # fmt: skip
            if layout is not None:
                records = _with_lengths_judged(
                    window, records, layout, line, name, unended=lacks_end
                )
            size = spelling.size_as_written(window[: records.size])
            records = _with_lines_counted(window, records, spelling)
            _check_length(records, replace(rest, size=len(text) - size), line, name)
            fault = _with_breaks_judged(window, records, header, layout)
            fault = _with_marks_judged(window, replace(records, fault=fault), spelling)
            judged = replace(records, fault=_with_bytes_judged(window, records, fault))
            if header.ours:
                judged = _as_they_were(window, judged, spelling, header, name)
            repairs: tuple[Repaired, ...] = ()
            if mender is not None:
                window, judged, repairs = mender.mend(window, judged)
            end = line + records.lines - 1 if lacks_end else None
            yield Window(window, judged, line, repairs, open_end=end)
            line += records.lines
            text = text[size:]
    if text:
        _check_rest(text, layout, line, name)


def _check_rest(text: bytes, layout: Layout | None, line: int, name: str) -> None:
    """Refuse a file whose last record does not end: by its quotes, or by the number of its characters."""
    if layout is None:
        raise never_ends(name, line, ended=True)
    left = layout.left(text)
    if left:
        raise SourceUnusable(
            f"{left:,} characters stand behind the last whole record of {layout.least:,}, so in some record there "
            "are characters too few or too many, and all behind it would be cut at the wrong places",
            help="ask for the file again, or correct `source.length` in the mapping",
            code=Fault.LENGTH.code, place=place(name, line),
        )  # fmt: skip


def _with_lines_counted(window: bytes, records: Records, spelling: Spelling) -> Records:
    """Count the line breaks that end no record, too."""
    breaks = spelling.breaks(window)
    if breaks is None:
        return records
    out = records.left_out
    too_long = records.too_long
    if too_long >= 0:
        at = int(records.start[np.searchsorted(records.line, too_long)])
        too_long += int(np.searchsorted(breaks, at))
    return replace(
        records,
        line=records.line + np.searchsorted(breaks, records.start),
        next_line=records.next_line + np.searchsorted(breaks, records.stop),
        lines=records.lines + int(np.searchsorted(breaks, records.size)),
        too_long=too_long,
        left_out=replace(out, line=out.line + np.searchsorted(breaks, out.start)),
    )


@dataclass(frozen=True, slots=True)
class _Rest:
    """What of the text is not decided: `size` bytes, of which some stand in the window."""

    size: int
    window: bytes
    spelling: Spelling

    def is_no_record(self, begin: int) -> bool:
        """Tell whether it has more bytes or lines than a record may have; it begins there in the window."""
        ends = {*self.spelling.marks.ends, ord("\r")}
        return (
            self.size > RECORD_MAX or sum(self.window.count(end, begin) for end in ends) > LINES_MAX
        )


def _check_length(records: Records, rest: _Rest, line: int, name: str) -> None:
    """Refuse records beyond the limit, wherever the windows happen to cut the file."""
    if records.too_long >= 0:
        raise never_ends(name, line + records.too_long, ended=False)
    if rest.is_no_record(records.size):
        raise never_ends(name, line + records.lines, ended=False)


def _with_lengths_judged(
    window: bytes, records: Records, layout: Layout, line: int, name: str, *, unended: bool
) -> Records:
    """Add the faults of lines that have too few or too many characters.

    Records without line ends that have some are refused: from there on all cells would be other ones.
    """
    breaks = (LF_WITHIN, CR_WITHIN) if layout.endless else ()
    found = min((at for at in map(window.find, breaks) if at >= 0), default=-1)
    if found >= 0:
        raise SourceUnusable(
            f"a line break stands in a record, which by `record_end: none` has {layout.least:,} characters and no end",
            help="leave `record_end` out if each record is a line; else ask for the file again",
            code=Fault.LENGTH.code, place=place(name, line + window.count(b"\n", 0, found)),
        )  # fmt: skip
    return replace(records, fault=layout.judged(window, records, unended=unended))


def _with_breaks_judged(
    window: bytes, records: Records, header: Header, layout: Layout | None
) -> NDArray[np.uint8]:
    """Add the faults of carriage returns that stand alone in a file whose lines end otherwise.

    Where whole rows stand on both sides, it has ended the first: a row with one in a cell would have
    fewer cells on either side, and one of fixed width fewer characters. Otherwise nobody knows which cell is cut, and neither part is read.
    """
    fault = records.fault
    if header.line_end == "\r" or b"\r" not in window or not len(fault):
        return fault
    data = np.frombuffer(window, np.uint8)
    after = data[records.stop - 1] == ord("\r")
    before = data[records.start - 1] == ord("\r")  # of the first, nobody asks
    whole = fault == Fault.NONE if header.width > 1 else np.zeros(len(fault), np.bool_)
    if layout is not None:
        whole = layout.whole(window, records)
    torn = after[:-1] & before[1:] & ~(whole[:-1] & whole[1:])
    if not torn.any():
        return fault
    feeds = np.append(0, np.cumsum(data == ord("\n")))
    torn &= feeds[records.start[1:]] == feeds[records.stop[:-1]]  # no line has ended between
    broken = np.zeros(len(fault), np.bool_)
    broken[:-1] |= torn
    broken[1:] |= torn
    return np.where(broken & np.isin(fault, _OF_SHAPE), np.uint8(Fault.BREAK), fault)


@dataclass(frozen=True, slots=True)
class _Whole:
    """The text at hand, and the part of it that is made of whole records."""

    text: bytes
    ended: bool
    spelling: Spelling
    header: Header

    def plain(self, columns: Mapping[str, int] | None) -> Window | None:
        """The whole part, read at once; None where something in it needs care."""
        if columns is None or not self.spelling.plain or self.header.uneven:
            return None
        window = self.text[: self.spelling.complete(self.text, ended=self.ended)]
        if len(self.text) - len(window) > RECORD_MAX:
            return None
        rows = plain_rows(window, self.spelling, self.header)
        if not rows:
            return None
        cells = plain_cells(window, rows, self.spelling, self.header, columns)
        if cells is None:
            return None
        return Window(window, plain_records(window, rows, self.header.width), 0, cells=cells)

    def records(self, kinds: Kinds | None) -> tuple[bytes, Records]:
        """Spell that part, and find the records in it.

        In a file whose lines end otherwise, a carriage return does not end it: what becomes of the
        record before depends on the one behind it.
        """
        spelling = self.spelling
        # where a layout is declared, characters are counted
        width = None if spelling.layout is not None or self.header.uneven else self.header.width
        loose = not self.ended and spelling.record_end is None and self.header.line_end != "\r"
        size = spelling.complete(self.text, ended=self.ended)
        if loose:
            size = spelling.complete(self.text[: self.text.rfind(b"\n", 0, size) + 1], ended=False)
        window = spelling.spell(self.text[:size])
        records = find_records(window, spelling.marks, width=width, kinds=kinds)
        while loose and records.size < len(window) and window[: records.size].endswith(b"\r"):
            window = window[: window.rfind(b"\n", 0, records.size) + 1]
            records = find_records(window, spelling.marks, width=width, kinds=kinds)
        return window, records


def _with_marks_judged(window: bytes, records: Records, spelling: Spelling) -> NDArray[np.uint8]:
    """Add the faults of delimiters that may be read in two ways."""
    unclear = spelling.unclear(window)
    if not unclear:
        return records.fault
    fault = records.fault.copy()
    quote = b"" if spelling.marks.quote is None else bytes((spelling.marks.quote,))
    for position in unclear:
        for at in _records_at(records, np.array([position])).tolist():
            before = window[int(records.start[at]) : position]
            within = quote and before.count(quote) % 2
            if fault[at] == Fault.NONE and not within:
                fault[at] = Fault.UNCLEAR
    return fault


def _with_bytes_judged(
    window: bytes, records: Records, fault: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Add the faults of bytes to those of shape; an undecodable byte is the likeliest cause of all."""
    fault = fault.copy()
    if b"\0" in window:
        zeros = np.flatnonzero(np.frombuffer(window, np.uint8) == 0)
        _mark(fault, _records_at(records, zeros), Fault.NUL)
    if b"\xed" in window:
        marked = np.array([found.start() for found in MARK.finditer(window)], np.int64)
        _mark(fault, _records_at(records, marked), Fault.BYTE)
    return fault


def _mark(fault: NDArray[np.uint8], at: NDArray[np.int64], what: Fault) -> None:
    """Give records a fault of bytes; one of the wrong length keeps that: its cells are cut wrong as well."""
    fault[at] = np.where(fault[at] == Fault.LENGTH, np.uint8(Fault.LENGTH), np.uint8(what))


def _records_at(records: Records, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The records in which positions lie; those in lines that are left out are in none."""
    decided = positions[positions < records.size]
    at = np.searchsorted(records.start, decided, side="right") - 1
    within = at >= 0
    within[within] = decided[within] < records.stop[at[within]]
    return at[within]


def _as_they_were(
    window: bytes, records: Records, spelling: Spelling, header: Header, name: str
) -> Records:
    """Find records of files of ours that only look corrected, because a spreadsheet has saved them.

    A record with too many or too few cells is written as it is, with our cells behind its own. A
    spreadsheet fills up all records to one length; then only the place of our last cell tells that
    there are still too many or too few. A byte that cannot be read may have become U+FFFD. And cells
    that are a guess are none that anybody has looked at (`guessed`).
    """
    good = np.flatnonzero(records.fault == Fault.NONE)
    if not len(good):
        return records
    everywhere = {str(position): position for position in range(header.width)}
    cells = good_cells(window, records.where(good), spelling, header, everywhere, name)
    run = header.cells.index(OUR_RUN)
    named = {
        position: pl.col(str(position)).str.contains(RUN_NAME) for position in everywhere.values()
    }
    elsewhere = pl.coalesce(
        pl.when(is_name).then(pl.lit(position, pl.Int64))
        for position, is_name in named.items() if position != run
    )  # fmt: skip
    found = cells.select(pl.when(~named[run]).then(elsewhere - run)).to_series()
    shifted = found.is_not_null().to_numpy()
    fault, counts = records.fault.copy(), records.cells.copy()
    if OUR_RULE in header.cells and header.names:
        own = [str(at) for at, name in enumerate(header.cells) if not name.startswith(OUR_COLUMNS)]
        replaced = pl.any_horizontal(pl.col(own).str.contains(REPLACED, literal=True))
        unread = pl.col(str(header.cells.index(OUR_RULE))) == "R102"
        fault[good[cells.select(replaced & unread).to_series().to_numpy()]] = Fault.BYTE
        for at, untouched in _untouched(cells, header, own):
            fault[good[at]] = untouched
    fault[good[shifted]] = Fault.CELLS
    counts[good[shifted]] += found.drop_nulls().to_numpy()
    return replace(records, fault=fault, cells=counts)


def _untouched(cells: pl.DataFrame, header: Header, own: list[str]) -> Iterator[tuple[int, Fault]]:
    """The records that are as they were guessed, by their index; they are few."""
    rule = str(header.cells.index(OUR_RULE))
    check = str(header.cells.index(OUR_CHECK)) if OUR_CHECK in header.cells else None
    faults = GUESSED | TORN
    asked = cells.with_row_index("at").filter(pl.col(rule).str.strip_chars().is_in(list(faults)))
    for row in asked.iter_rows(named=True):
        code = row[rule].strip()
        written = row[check].strip() if check else ""
        # without its check, as in files of older versions, only an empty rule tells of a person
        unsaid = not written and code in GUESSED
        if unsaid or (written and written == check_of([row[name] for name in own])):
            yield row["at"], faults[code]
