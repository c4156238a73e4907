"""What becomes of each trait of fixed-width files: one line of data per row of docs/fixed.md.

Each has a folder in `samples/fixed/` with a file, a mapping, and in `accepted.csv` the rows that are accepted, with
their lines. `tests/golden/test_fixed.py` reads them all and compares what is said here.
"""

from tests.csv_traits import Trait, table_of

# fmt: off
TRAITS = (
    Trait("columns told by their places", "positions", "with `positions: {No: 1-4, Name: 5-16, Country: 17-18}`"),
    Trait("characters of several bytes", "several-bytes", "characters are counted, after decoding, and never bytes"),
    Trait("cp1252, Shift-JIS and others", "shift-jis", "with `encoding: shift-jis`; a wide character is one, whatever it takes of a screen"),
    Trait("EBCDIC of a host", "ebcdic", "with `encoding: cp037`, or cp273, cp500, cp1140"),
    Trait("lines of EBCDIC that end with NEL (0x15)", "ebcdic-lines", "as with LF (0x25)"),
    Trait("byte order mark at the beginning", "byte-order-mark", "it is no part of the first column"),
    Trait("characters that are no column", "gaps", "what lies between `positions` is nobody's"),
    Trait("characters behind the last column", "longer-lines", "with `length`, which all lines must have"),
    Trait("a last column of any length", "open-end", "with an open range: `Name: 7-`"),
    Trait("a line that is too short", "short-line", "the line, also where only its last cell is cut", {3: "R112", 4: "R112"}),
    Trait("a line that is too long: a cell with a character more", "long-line", "the line: all behind that character has moved", {3: "R112"}),
    Trait("a tab instead of blanks", "tab", "the line, by its length", {3: "R112"}),
    Trait("blanks at the ends of lines cut off by an editor", "trimmed", "with `short_lines: trimmed`; cells behind the end are empty"),
    Trait("a cut-off line among them", "trimmed-and-cut", "a short line with a blank at its end: whoever trims leaves none", {3: "R112"}),
    Trait("the last line cut off, and no line end behind it", "trimmed-without-end", "where `short_lines: trimmed` is declared: nothing else tells that the file goes on", {2: "R112"}),
    Trait("a byte that is not in the declared encoding", "wrong-encoding", "its line, with byte and column; other cells keep their places", {3: "R102"}),
    Trait("a NUL byte", "nul-byte", "its line", {3: "R105"}),
    Trait("a lone CR within a line", "lone-cr", "what stands on either side of it", {3: "R106", 4: "R106"}),
    Trait("line ends of several kinds", "mixed-line-ends", "`\\n` and `\\r\\n` end a line, and `\\r` between whole lines; each counts as one"),
    Trait("empty lines, and lines of blanks", "blank-lines", "they are no rows; those of blanks are counted (R110)"),
    Trait("no line end at the end of the file", "no-last-line-end", "the last line is one like the others"),
    Trait("Ctrl-Z as the last line", "mark-of-end", "it is no row: DOS ended its files so"),
    Trait("a header", "header", "with `find_header: [No, Name]`, or unseen with `skip_lines: 1`; counted (R110) if it comes again (R111)"),
    Trait("a header with its names in other places", "header-moved", "the file: its columns have moved", refused='has the names "No", "Name", "Country" at their positions'),
    Trait("comment lines, footer lines", "comments-and-footers", "with `comment: \"*\"` and `footer: \"SUM \"`, counted (R110)"),
    Trait("a trailer `T0002`", "trailer", "with `expect.trailer`, which has places of its own: `{first_cell: T, rows: 2-5}`"),
    Trait("records without line ends", "no-line-ends", "with `record_end: none` and `length`; the line number is that of the record"),
    Trait("records without line ends, one of them with a character less", "no-line-ends-and-cut", "the file: nobody knows from where on the cells are wrong", refused="stand behind the last whole record of 18"),
    Trait("line ends where none are declared", "line-ends-after-all", "the file, with what to declare", refused="a line break stands in a record"),
    Trait("numbers with zeros before them, dates without marks, a date of zeros", "zeros", "cells are text; `null_values`, `format` and `do` say what they mean"),
)
# fmt: on


def filled(page: str) -> str:
    """Fill the table of docs/fixed.md anew."""
    before, mark, rest = page.partition("<!-- table: traits -->\n")
    behind = rest.partition("<!-- end -->")[2]
    return f"{before}{mark}\n{table_of(TRAITS, 'fixed')}\n<!-- end -->{behind}"
