"""What of a delimited file is no row, counted: nothing is left out without a word."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.mapping.declared import anchored
from pipeline.mapping.plan import Source
from pipeline.model.origin import FILE, LINE, ORIGIN_SCHEMA, SEGMENT
from pipeline.read.cells import split_cells
from pipeline.read.decoding import shown, text_of
from pipeline.read.header import Header
from pipeline.read.mending import How, Repaired
from pipeline.read.records import Kind
from pipeline.read.spelling import Spelling
from pipeline.read.windows import Window

_SAYS = {
    Kind.COMMENT: ("comment line", "comment lines"),
    Kind.FOOTER: ("footer line", "footer lines"),
    Kind.EMPTY: ("row of nothing but delimiters", "rows of nothing but delimiters"),
    Kind.IGNORED: ("record of a type that is ignored", "records of types that are ignored"),
}
_BLANK = ("line of nothing but blanks", "lines of nothing but blanks")
_PERHAPS = ("{} has as many cells as a row", "{}s have as many cells as a row")
_REPEATED, _OUT, _MENDED, _ROW = "R111", "R110", "R109", "R113"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Which lines that a comment or footer leaves out may be rows: `Total` is the beginning of `Totalverlust`.

    Such a line has as many cells as the header, and another than its first one is not empty. Where the
    pattern ends with the first cell, or beyond it, the mapping has said that it means such lines; and a
    header that is written as a comment is no row either.
    """

    source: Source
    spelling: Spelling
    header: Header

    def of(self, window: Window) -> Iterator[tuple[Kind, int]]:
        """The kind and the line in the window of each of them."""
        out, wanted = window.left_out, (Kind.COMMENT, Kind.FOOTER)
        if self.spelling.layout is not None or self.header.width < 2 or self.header.uneven:
            return
        for at in np.flatnonzero(np.isin(out.kind, wanted)).tolist():
            text = self.spelling.body(window.text[int(out.start[at]) : int(out.stop[at])])
            kind = Kind(int(out.kind[at]))
            if text.count(self.spelling.marks.delimiter) >= self.header.width - 1 and self._is_row(
                kind, text
            ):
                yield kind, int(out.line[at])

    def _is_row(self, kind: Kind, text: bytes) -> bool:
        cells = [
            shown(each).strip()
            for each in split_cells(self.spelling.worked(text), self.spelling).values
        ]
        if len(cells) != self.header.width or not any(cells[1:]):
            return False
        written = shown(text_of(self.spelling.as_written(text)))
        if kind is Kind.COMMENT:
            begins = self.source.comment or ""
            if cells[1:] == [each.strip() for each in self.header.cells[1:]]:
                return False
        else:
            pattern = anchored(self.source.footer or "")
            begins = pl.Series([written]).str.extract(f"({pattern})").item() or ""
        delimiter = self.source.delimiter
        rest = written[len(begins) :].lstrip(f"{self.source.quote or ''} ")
        return delimiter not in begins and not rest.startswith(delimiter)


@dataclass(slots=True)
class Tally:
    """Counts of the lines of a file that are no rows, each with the first of them."""

    file: int
    before: int
    suspicion: "Suspicion"
    of_blanks: bool = False
    counts: dict[Kind, tuple[int, int]] = field(default_factory=dict)
    perhaps: dict[Kind, tuple[int, int]] = field(default_factory=dict)
    dropped: tuple[int, int] = (0, 0)

    def take(self, window: Window) -> None:
        """Count what a window leaves out."""
        out = window.left_out
        for each in {*out.kind.tolist()}:
            lines = out.line[out.kind == each] + window.line
            count, first = self.counts.get(Kind(each), (0, int(lines[0])))
            self.counts[Kind(each)] = count + len(lines), first
        for kind, line in self.suspicion.of(window):
            count, first = self.perhaps.get(kind, (0, line + window.line))
            self.perhaps[kind] = count + 1, first
        for each in window.repairs:
            if each.how is How.DROPPED and len(each.lines):
                count, first = self.dropped
                first = first or int(each.lines[0]) + window.line
                self.dropped = count + len(each.lines), first

    def ignore(self, lines: NDArray[np.int64]) -> None:
        """Count records whose type is ignored, by their lines in the file."""
        if len(lines):
            count, first = self.counts.get(Kind.IGNORED, (0, int(lines[0])))
            self.counts[Kind.IGNORED] = count + len(lines), first

    def findings(self) -> pl.DataFrame:
        """A finding for each kind of line, at the first of them."""
        told = [*self._told()]
        origin = [(self.file, line, 0) for _, line, _, _ in told]
        what = [(code, value, detail) for code, _, value, detail in told]
        schema = dict.fromkeys(("code", "value", "detail"), pl.String())
        return pl.DataFrame(origin, ORIGIN_SCHEMA, orient="row").hstack(
            pl.DataFrame(what, schema, orient="row")
        )

    def _told(self) -> Iterator[tuple[str, int, str, str]]:
        if self.before:
            yield _OUT, 1, str(self.before), _counted(self.before, "line before the header", "lines before the header")  # fmt: skip
        for kind, (count, first) in sorted(self.counts.items()):
            if kind is Kind.HEADER:
                yield _REPEATED, first, str(count), "time" if count == 1 else "times"
            else:
                says = _BLANK if self.of_blanks and kind is Kind.EMPTY else _SAYS[kind]
                yield _OUT, first, str(count), _counted(count, *says)
        for kind, (count, first) in sorted(self.perhaps.items()):
            one, several = (each.format(_SAYS[kind][0]) for each in _PERHAPS)
            yield _ROW, first, str(count), _counted(count, one, several)
        count, first = self.dropped
        if count:
            yield _OUT, first, str(count), _counted(
                count, "row's empty cells behind the last column", "rows' empty cells behind the last column"
            )  # fmt: skip


def mended(window: Window, file: int) -> pl.DataFrame | None:
    """A finding for each record that was put right, but for empty cells that were too many."""
    rows = [row for each in window.repairs for row in _rows(each, window.line, file)]
    if not rows:
        return None
    texts = ("code", "column", "value", "detail")
    return pl.DataFrame(
        rows, {FILE: pl.UInt32(), LINE: pl.UInt32(), SEGMENT: pl.UInt32(), **dict.fromkeys(texts, pl.String())},
        orient="row",
    )  # fmt: skip


def _rows(each: Repaired, line: int, file: int) -> Iterator[tuple[int | str | None, ...]]:
    if each.how is How.FILLED:
        for at in each.lines.tolist():
            yield (
                file,
                at + line,
                0,
                _MENDED,
                None,
                None,
                "cells that its end lacks are taken as empty",
            )
    elif each.how is How.JOINED:
        for at, value in zip(each.lines.tolist(), each.values, strict=True):
            yield (
                file,
                at + line,
                0,
                _MENDED,
                each.column,
                value,
                f'its cells are joined: "{value}"',
            )


def _counted(count: int, one: str, several: str) -> str:
    return one if count == 1 else several
