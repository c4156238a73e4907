"""What becomes of each nasty trait of delimited files: one line of data per row of docs/csv.md.

Each has a folder in `samples/csv/` with a file, a mapping, and in `accepted.csv` the rows that are accepted, with their
lines. `tests/golden/test_csv.py` reads them all and compares what is said here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.pollock.page import kinds_table

ACCEPTED, QUARANTINED, REFUSED = "accepted", "quarantined", "refused"


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait, its sample, and what happens.

    `quarantined` are codes by line; `refused` is a part of the words with which the file is.
    """

    what: str
    sample: str
    happens: str
    quarantined: Mapping[int, str] = field(default_factory=dict)
    refused: str = ""

    @property
    def fate(self) -> str:
        """What becomes of the file or the record that has the trait."""
        if self.refused:
            return REFUSED
        return QUARANTINED if self.quarantined else ACCEPTED


# fmt: off
TRAITS = (
    Trait("byte order mark at the beginning", "byte-order-mark", "it is no part of the first name"),
    Trait("UTF-16", "utf-16", "with `encoding: utf-16`; its mark says which way round"),
    Trait("cp1252, latin-1, cp1250", "cp1252", "with `encoding: cp1252`; never guessed"),
    Trait("Shift-JIS, GBK, Big5", "shift-jis", "by declaration; a byte of a character that looks like a delimiter is none"),
    Trait("cp1252 where utf-8 is usual", "fallback-encoding", "with `fallback_encodings: [cp1252]`, if the whole file is in it; the run says so"),
    Trait("a byte that is not in the declared encoding", "wrong-encoding", "its record, with byte and column", {3: "R102"}),
    Trait("a NUL byte", "nul-byte", "its record", {2: "R105"}),
    Trait("line ends of several kinds, a lone CR among them", "mixed-line-ends", "`\\n` and `\\r\\n` end a record, and `\\r` between whole rows; each counts as one line"),
    Trait("a lone CR within a row", "lone-cr", "what stands on either side of it", {3: "R106", 4: "R106"}),
    Trait("a line end in a quoted cell", "newline-in-quotes", "it belongs to the cell; the record has the line where it begins"),
    Trait("a delimiter in a quoted cell", "delimiter-in-quotes", "it belongs to the cell"),
    Trait("a doubled quote in a quoted cell", "doubled-quotes", "it is one quote"),
    Trait("a quote in an unquoted cell", "quote-in-a-cell", "its record, and never the rows after it", {2: "R103"}),
    Trait("text behind a closing quote", "text-after-a-quote", "its record", {2: "R103"}),
    Trait("a quote that is never closed", "quote-never-closed", "the file, with the line: it looks cut off", refused="a quote opened in this record is never closed"),
    Trait("a quote that is never closed, and whole rows behind it", "quote-never-closed-in-the-middle", "its record; where most of what follows are whole rows, they are read", {3: "R104"}),
    Trait("two stray quotes with whole rows between them", "swallowed-rows", "all of these rows: read as one, the others would be lost", {3: "R107", 4: "R107", 5: "R107"}),
    Trait("delimiters of several characters", "delimiter-of-several-characters", "with `delimiter: \"+|\"`"),
    Trait("a delimiter that may begin at one of two places: `a|||b`", "delimiter-in-two-ways", "its record", {3: "R108"}),
    Trait("records that end with something else than a line", "other-record-end", "with `record_end: \"~\"`; line breaks in cells are text then"),
    Trait("another end of records than declared", "record-end-never-there", "the file, with what its lines end with: else all of it would be its header", refused='lines of it end with "\\n": remove `source.record_end`'),
    Trait("escape characters", "escape-character", "with `escape: \"\\\\\"`: `\\,` `\\\"` `\\\\` and a line end behind it; others are text"),
    Trait("lines above the header", "lines-above-the-header", "with `find_header: [No, Name]` or `skip_lines: 2`, counted (R110)"),
    Trait("no header", "no-header", "with `names: [No, Name, Country]`"),
    Trait("comment lines", "comment-lines", "with `comment: \"#\"`, counted (R110)"),
    Trait("footer lines", "footer-lines", "with `footer: \"Total\"`, counted (R110)"),
    Trait("the header again within the file", "header-again", "it is no row (R111, a warning)"),
    Trait("a delimiter at the end of rows, but not of the header", "repaired-trailing-delimiters", "with `repair: {too_many: drop_empty}`, counted (R110)"),
    Trait("cells that rows lack at their end", "repaired-short-rows", "with `repair: {too_few: fill_empty}`, a warning for each (R109)"),
    Trait("a text with unquoted delimiters that a rule joins", "repaired-by-joining", "with `repair: {join: [Name], fits: {…}}`, a warning for each (R109); what no rule fits stays", {3: "R101"}),
    Trait("cells that are never quoted, with quotes in them", "no-quotes", "with `quote: none` a quote is a character like any other"),
    Trait("another quote", "apostrophe-as-quote", "with `quote: \"'\"`"),
    Trait("a delimiter in an unquoted cell: a cell too many", "cell-too-many", "its record: no cell of it can be trusted to be in its column", {2: "R101"}),
    Trait("a cell too few", "cell-too-few", "its record; it is never filled up", {2: "R101"}),
    Trait("a delimiter at the end of every line", "trailing-delimiters", "the column without a name is left out"),
    Trait("a delimiter at the end of some lines", "trailing-delimiter-in-a-row", "these records", {2: "R101"}),
    Trait("blank lines, also before the header", "blank-lines", "they are no records, and counted in the lines"),
    Trait("rows of delimiters alone", "rows-of-delimiters", "they are no rows, and counted (R110)"),
    Trait("no line end at the end of the file", "no-last-line-end", "the last record is one like the others; `expect: {last_line_end: true}` finds a file that was cut off there (F110)"),
    Trait("Ctrl-Z behind the last line", "mark-of-end", "it is no row: DOS ended its files so"),
    Trait("blanks around the names of columns", "names-with-blanks", "they are no part of the name, unless `trim: false`"),
    Trait("a name twice in the header", "name-twice", "as long as the mapping does not use it"),
    Trait("a name twice that the mapping uses", "mapped-name-twice", "the file: which of the two is meant is not guessed, the mapping says `Name#2`", refused='more than one column "Name"'),
    Trait("other order of columns, new ones", "other-order-of-columns", "columns are found by name, never by place"),
    Trait("a column that the mapping uses is missing", "column-missing", "the file, with the name that is meant", refused='did you mean "Nme"'),
    Trait("another delimiter than declared", "other-delimiter", "the file, with what to write in the mapping", refused='write `delimiter: ","`'),
    Trait("text that looks like a number, a date or nothing", "text-that-looks-like-values", "every cell stays text: `007`, `1e5`, `NA`, `NO`, `NULL`"),
    Trait("`=\"00123\"`, which keeps a spreadsheet from changing it, unquoted", "formula-around-text", "its record: a quote stands inside of a cell; `quote: none` reads it as it is", {2: "R103"}),
    Trait("blanks around cells", "blanks-around-cells", "they are cut off before a cell is used, unless `trim: false`"),
    Trait("a header and no record", "header-only", "no rows; `min_rows` says if that is wrong"),
    Trait("an empty file", "empty-file", "the file", refused="is empty: it has not even a header"),
    Trait("a trailer `T;2`", "trailer", "with `expect.trailer` it is no row, and what it says is checked (F106 to F109)"),
    Trait("a packed file", "packed", "`.gz .bz2 .xz .zst .zip` are unpacked within limits ([intake.md](intake.md))"),
    Trait("a packed file that is cut off", "cut-off-packed-file", "the file", refused="cut off"),
    Trait("a web page named `.csv`", "web-page", "the file, called what it is", refused="web page"),
    Trait("a workbook named `.csv`", "workbook", "the file, called what it is", refused="workbook"),
)
# fmt: on


def traits_table() -> str:
    """Give the rows of docs/csv.md."""
    return table_of(TRAITS, "csv")


def table_of(traits: Sequence[Trait], folder: str) -> str:
    """Give a row for each trait, with a link to its sample."""
    lines = ["| trait | is | what happens | code |", "|---|---|---|---|"]
    for each in traits:
        codes = ", ".join(dict.fromkeys(each.quarantined.values()))
        cells = (
            f"[{each.what}](../samples/{folder}/{each.sample})",
            each.fate,
            each.happens,
            codes,
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def filled(page: str) -> str:
    """Fill the tables of docs/csv.md anew."""
    for name, make in (("traits", traits_table), ("pollock", kinds_table)):
        before, mark, rest = page.partition(f"<!-- table: {name} -->\n")
        page = f"{before}{mark}\n{make()}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page
