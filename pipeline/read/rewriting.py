"""Records back to text, written the way their file is: the counterpart of reading them."""

import codecs
import re
from collections.abc import Iterator, Sequence

import polars as pl

from pipeline.mapping.plan import Source
from pipeline.read.decoding import PUT_BACK
from pipeline.read.forms import corrected_form
from pipeline.read.formulas import defuse, defused
from pipeline.read.guessed import GUESSED, TORN, check_of
from pipeline.read.header import OUR_CHECK, OUR_RULE
from pipeline.read.picked import OURS, Outer, Picked

_BOM = "\ufeff"
# Their units have several bytes, so one that could not be read goes back as half a character:
# it is as unreadable as it was, and what follows keeps its place.
_WIDE = re.compile(r"utf[_-]?(?:16|32)")


def writable(words: Sequence[str], source: Source) -> list[str]:
    """Our own words as a file can have them, without characters that have a meaning in it or are unknown.

    >>> writable(["a;b", "漢.csv"], Source(encoding="cp1252", delimiter=";", quote=None))
    ['a b', '?.csv']
    """
    source = corrected_form(source)
    kept = [re.sub(r"\s", " ", text) for text in words]
    if source.quote is None:
        kept = [text.replace(source.delimiter, " ") for text in kept]
    whole = "\n".join(kept).encode(source.encoding, "replace")
    return whole.decode(source.encoding).split("\n")


class Rewriter:
    """Writes records with our columns behind their own, in the delimiter, quotes and encoding of a file.

    What it gives is read again as exactly the same cells, and no cell of it is run by a spreadsheet.
    A record that could not be read gets no cell more or less: it stays as wrong as it is until
    somebody corrects it. Only its quotes are put right, for a misplaced one would swallow the rows
    that follow when a spreadsheet opens the file.
    """

    def __init__(self, source: Source, outer: Outer) -> None:
        """Begin a file with rows of a file of the form of `source`; `outer` is the rest of its form."""
        source = corrected_form(source)
        self._source = source
        self._delimiter = source.delimiter
        self._quote = source.quote
        self._line_end = outer.line_end
        wide = _WIDE.match(codecs.lookup(source.encoding).name)
        self._encoding = source.encoding
        made = codecs.getincrementalencoder(source.encoding)
        self._encoder = made("surrogatepass" if wide else PUT_BACK)
        # cells in which a character has a meaning are quoted
        marks = "".join(
            rf"\x{{{ord(each):02x}}}" for each in source.delimiter + (source.quote or "")
        )
        # \v stands for a line break in the text of a sheet (pipeline.intake.workbooks)
        self._special = rf"[\r\n\v{marks}]"
        # without quotes, nothing can stand before a cell where the apostrophe is the delimiter
        self._defuses = source.quote is not None or source.delimiter != "'"
        self._outer = outer

    def header(self) -> bytes:
        """Write the names of the columns, and a byte order mark where the file has one."""
        text = self._record([*self._outer.names, *OURS])
        # an own mark at the very beginning is never read as part of the first name
        mark = _BOM if self._outer.marked or text.startswith(_BOM) else ""
        return self._encoder.encode(mark + text + self._line_end)

    def records(self, picked: Picked, about: pl.DataFrame) -> bytes:
        """Write records, in the order of their lines, with what there is to say about them.

        `about` has `_line` and the names of `OURS`, a row for each line of the file that is written;
        the check of cells that are a guess is made here.

        Raises:
            UnicodeEncodeError: the encoding cannot write a character that it has read.
        """
        here = about.filter(pl.col("_line").is_between(*picked.lines))
        told = here.with_columns(self._own_words(here, name) for name in OURS)
        rows = picked.rows.join(told, on="_line", how="left", maintain_order="left")
        cells = [self._cell(pl.col(name)) for name in rows.columns if name != "_line"]
        texts = rows.select(
            "_line", pl.concat_str(cells, separator=self._delimiter, ignore_nulls=False).alias("text")
        )  # fmt: skip
        if not picked.faulty:
            joined = texts.get_column("text").str.join(self._line_end).item()
            return self._encoder.encode(joined + self._line_end if texts.height else "")
        lines = [*texts.iter_rows(), *self._faulty(picked, told)]
        return self._encoder.encode("".join(text + self._line_end for _, text in sorted(lines)))

    def _faulty(self, picked: Picked, told: pl.DataFrame) -> Iterator[tuple[int, str]]:
        words = {line: ours for line, *ours in told.select("_line", *OURS).iter_rows()}
        rule, check = OURS.index(OUR_RULE), OURS.index(OUR_CHECK)
        for line, cells in picked.faulty:
            ours = words[line]
            fits = len(cells) == len(self._outer.names)
            if ours[rule] in GUESSED or (ours[rule] in TORN and fits):
                ours[check] = check_of(cells)
            yield line, self._record([*cells, *ours])

    def _own_words(self, about: pl.DataFrame, name: str) -> pl.Series:
        words = about.get_column(name).cast(pl.String).fill_null("")
        return pl.Series(name, writable(words.to_list(), self._source), dtype=pl.String)

    def _cell(self, cell: pl.Expr) -> pl.Expr:
        if self._defuses:
            cell = defused(cell)
        if self._quote is None:
            return cell
        quote = pl.lit(self._quote)
        doubled = cell.str.replace_all(self._quote, self._quote * 2, literal=True)
        quoted = pl.concat_str(quote, doubled, quote)
        return pl.when(cell.str.contains(self._special)).then(quoted).otherwise(cell)

    def _record(self, cells: Sequence[str]) -> str:
        if self._defuses:
            cells = [defuse(cell) for cell in cells]
        quote = self._quote
        if quote is not None:
            special = {"\r", "\n", "\v", self._delimiter, quote}
            cells = [
                f"{quote}{cell.replace(quote, quote * 2)}{quote}" if special & set(cell) else cell
                for cell in cells
            ]
        return self._delimiter.join(cells)
