"""Our own polluted files: each pollution of the benchmark, made from one small table of ours.

The kinds and the names of the files are those of Pollock (Vitagliano, Hameed, Jiang, Reisener, Wu and
Naumann: "Pollock: A Data Loading Benchmark", PVLDB 16(8), 2023, section 4 and table 2); the
table, the code and every byte are ours. `BEYOND` has kinds that the benchmark's survey names and its
generated files leave out: encodings, byte order mark, footnotes, delimiters of several characters,
names that stand twice or not at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

Row = Sequence[str]

HEADER = ("DAY", "HOUR", "QTY", "SKU", "PRICE", "KIND", "TEXT", "LINK", "NOTE")
# Commas, quotes, blanks and apostrophes, so that every dialect has something to protect; a cell that
# looks like the one beside it, so that a shift by one column would show.
RECORDS = tuple(
    (
        f"{day:02}/11/2026", f"{day % 24:02}:15", str(day % 4), f"WH-{4000 + day}", f"{day}.50",
        ("Men's boots, high", 'Pipe 5" steel', "Coffee table", "Towel")[day % 4],
        ("Warm, dry and light", "Grip", 'It says "go", and goes', "Fits all of 36, 37, 38")[day % 4],
        f"https://shop.example.com/p/{4000 + day}?a=1,2", "" if day % 3 else "x",
    )
    for day in range(1, 13)
)  # fmt: skip
SECOND = (
    ("CODE", "NAME", "RATE", "TOTAL"),
    ("A", "standard", "19", "80.00"),
    ("B", "low", "7", "9"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a file is written; the names of the parameters are the benchmark's."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str | None = '"'
    record_end: str = "\r\n"
    header_lines: int = 1
    preamble_lines: int = 0
    footnote_lines: int = 0
    footer: str | None = None  # how the lines of the footnote begin; no parameter of the benchmark

    def cell(self, text: str) -> str:
        """Write a cell, quoted as all of them are; without an escape a quote stands as it is."""
        escaped = (
            text if self.escape is None else text.replace(self.quote, self.escape + self.quote)
        )
        return f"{self.quote}{escaped}{self.quote}"

    def line(self, row: Row) -> str:
        """Write a record without its end."""
        return self.delimiter.join(map(self.cell, row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Polluted:
    """A polluted file, what its sender would declare of it, and what it says.

    `truth` has the records by the physical line where they begin. `weight` is how many of the files
    of the benchmark's survey have the pollution; single rows share it.
    """

    name: str
    kind: str
    text: bytes
    header: Row
    truth: Mapping[int, Row]
    dialect: Dialect = field(default_factory=Dialect)
    weight: float = 1.0
    beyond: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """What the benchmark's file of parameters would say."""
        return {
            "encoding": self.dialect.encoding, "delimiter": self.dialect.delimiter,
            "quotechar": self.dialect.quote, "escapechar": self.dialect.escape or "",
            "row_delimiter": self.dialect.record_end, "header_lines": self.dialect.header_lines,
            "preamble_lines": self.dialect.preamble_lines,
            "footnote_lines": self.dialect.footnote_lines, "column_names": list(self.header),
            "n_columns": len(self.header), "footer": self.dialect.footer,
        }  # fmt: skip


def every() -> list[Polluted]:
    """Give all files."""
    return [*_files(), *_inconsistent(), *_structural(), *_beyond()]


def _made(
    name: str, kind: str, lines: Sequence[str], dialect: Dialect | None = None, *, first: int = 2,
    records: Sequence[Row] = RECORDS, header: Row = HEADER, weight: float = 1.0,
    ends: bool = True, beyond: bool = False,
) -> Polluted:  # fmt: skip
    """Join lines to a file; its records stand one in each line, from line `first` on."""
    way = dialect or Dialect()
    text = way.record_end.join(lines) + (way.record_end if ends and lines else "")
    truth = {first + at: record for at, record in enumerate(records)}
    return Polluted(
        name=f"{name}.csv", kind=kind, text=text.encode(way.encoding), header=header, truth=truth,
        dialect=way, weight=weight, beyond=beyond,
    )  # fmt: skip


def _lines(dialect: Dialect, header: Row = HEADER, records: Sequence[Row] = RECORDS) -> list[str]:
    return [dialect.line(header), *map(dialect.line, records)]


# -- file and table ---------------------------------------------------------------------------


def _files() -> Iterator[Polluted]:
    plain = Dialect()
    lines = _lines(plain)
    yield _made("source", "standard file", lines)
    yield _made("file_no_payload", "empty file", [], records=(), header=(), weight=15)
    yield _made("file_no_trailing_newline", "no newline at the end", lines, ends=False, weight=184)
    yield _made("file_double_trailing_newline", "two newlines at the end", [*lines, ""], weight=5)
    yield _made(
        "file_no_header",
        "no header",
        lines[1:],
        replace(plain, header_lines=0),
        first=1,
        weight=470,
    )
    for rows in (2, 3):
        joined = tuple(" ".join([name] * rows) for name in HEADER)
        yield _made(
            f"file_header_multirow_{rows}", "header of several rows", [lines[0]] * (rows - 1) + lines,
            replace(plain, header_lines=rows), first=rows + 1, header=joined, weight=47,
        )  # fmt: skip
    before = ["Orders of the night", "by the warehouse", ""]
    yield _made("file_preamble", "preamble", before + lines, replace(plain, preamble_lines=3), first=5,
                weight=282)  # fmt: skip
    for how, width in (("less", 4), ("more", 12), ("same", 9)):
        second = [plain.line([*row, *[""] * (width - len(row))]) for row in SECOND]
        if how == "less":  # the first of the two has less columns
            second = [plain.line([*row, *["0"] * 8]) for row in SECOND]
        elif how == "more":
            second = [plain.line(row) for row in SECOND]
        yield _made(f"file_multitable_{how}", "two tables", [*lines, "", *second], weight=188 / 3)
    yield _made("file_header_only", "header only", lines[:1], records=(), weight=3)
    yield _made("file_one_data_row", "one record", lines[:2], records=RECORDS[:1], weight=4)


# -- inconsistent number of delimiters ----------------------------------------------------------


def _inconsistent() -> Iterator[Polluted]:
    plain = Dialect()
    lines = _lines(plain)
    for at in range(len(lines)):
        row = [plain.cell(text) for text in (HEADER, *RECORDS)[at]]
        for column in range(1, len(HEADER)):
            joined = [*row[: column - 1], row[column - 1] + row[column], *row[column + 1 :]]
            yield _with_row(lines, at, ",".join(joined), f"row_less_sep_row{at}_col{column}",
                            "delimiter missing in a row", 250)  # fmt: skip
        for column in range(len(HEADER)):
            more = [*row[:column], "", *row[column:]]
            yield _with_row(lines, at, ",".join(more), f"row_more_sep_row{at}_col{column}",
                            "delimiter too many in a row", 247)  # fmt: skip


def _with_row(
    lines: Sequence[str], at: int, line: str, name: str, kind: str, weight: float
) -> Polluted:
    changed = [*lines[:at], line, *lines[at + 1 :]]
    return _made(name, kind, changed, weight=weight / (len(lines) * len(HEADER)))


# -- structural characters ----------------------------------------------------------------------


def _structural() -> Iterator[Polluted]:
    plain = Dialect()
    lines = _lines(plain)
    for delimiter, name, weight in (
        (" ", "0x20", 4), (", ", "0x2C_0x20", 101), (";", "0x3B", 834), ("\t", "0x9", 4),
    ):  # fmt: skip
        way = replace(plain, delimiter=delimiter)
        yield _made(
            f"file_field_delimiter_{name}", "field delimiter", _lines(way), way, weight=weight
        )
    way = replace(plain, quote="'", escape="'")
    yield _made("file_quotation_char_0x27", "quotation", _lines(way), way, weight=11)
    way = replace(plain, escape="\\")
    yield _made("file_escape_char_0x5C", "escape", _lines(way), way, weight=1)
    way = replace(plain, escape=None)
    yield _made("file_escape_char_0x00", "no escape", _lines(way), way, weight=7)
    for end, name, weight in (("\n", "0xA", 1691), ("\r", "0xD", 7)):
        way = replace(plain, record_end=end)
        yield _made(
            f"file_record_delimiter_{name}", "record delimiter", _lines(way), way, weight=weight
        )
    for at in range(len(lines)):
        row = (HEADER, *RECORDS)[at]
        for column in range(len(HEADER)):
            cells = [plain.cell(text) for text in row]
            cells[column] = f'"{cells[column]}'
            yield _with_row(lines, at, ",".join(cells), f"row_extra_quote{at}_col{column}",
                            "quote too many in a row", 104)  # fmt: skip
        spaced = " ".join(map(plain.cell, row))
        yield _with_row(lines, at, spaced, f"row_field_delimiter_{at}_0x20",
                        "other field delimiter in a row", 13)  # fmt: skip


# -- of the survey, beyond the generated files ----------------------------------------------------


def _beyond() -> Iterator[Polluted]:
    plain = Dialect()
    lines = _lines(plain)
    beyond = partial(_made, beyond=True)
    foreign = [(*record[:5], "Schürze für Mädchen", *record[6:]) for record in RECORDS]
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-8-sig"):
        declared = "utf-8" if encoding == "utf-8-sig" else encoding
        way = replace(plain, encoding=encoding)
        made = beyond(f"file_encoding_{encoding}", "encoding, byte order mark",
                      _lines(way, records=foreign), way, records=foreign)  # fmt: skip
        yield replace(made, dialect=replace(way, encoding=declared))
    kanji = [(*record[:5], "東京都千代田区", *record[6:]) for record in RECORDS]
    way = replace(plain, encoding="shift-jis")
    yield beyond("file_encoding_shift-jis", "encoding, byte order mark", _lines(way, records=kanji), way,
                 records=kanji)  # fmt: skip
    for delimiter, name in (("\t\t", "0x9_0x9"), ("+|", "0x2B_0x7C"), ("|", "0x7C"), ("§", "0xA7")):
        way = replace(plain, delimiter=delimiter)
        yield beyond(f"file_field_delimiter_{name}", "field delimiter", _lines(way), way)
    after = ["", "12 records", "created by the warehouse"]
    yield beyond(
        "file_footnote",
        "footnote",
        lines + after,
        replace(plain, footnote_lines=3, footer="[0-9]+ records|created by"),
    )
    for name, header in (
        ("column_header_3_nonunique", (*HEADER[:3], HEADER[1], *HEADER[4:])),
        ("column_header_3_empty", (*HEADER[:3], "", *HEADER[4:])),
        ("column_header_3_nonalnum", (*HEADER[:3], "PR/%IS", *HEADER[4:])),
    ):
        yield beyond(name, "names of columns", _lines(plain, header), header=header)
    wide = [f"C{at}" for at in range(1024)]
    full = [[f"{row}.{at}" for at in range(1024)] for row in range(3)]
    yield beyond("file_num_columns_1024", "number of columns", _lines(plain, wide, full), header=wide,
                 records=full)  # fmt: skip
    single = [(record[3],) for record in RECORDS]
    yield beyond("file_num_columns_1", "number of columns", _lines(plain, ("SKU",), single),
                 header=("SKU",), records=single)  # fmt: skip
    for at in (0, 1, 6, 12):
        row = (HEADER, *RECORDS)[at]
        other = replace(plain, quote="'", escape="'").line(row)
        changed = [*lines[:at], other, *lines[at + 1 :]]
        yield beyond(f"row_quotation_mark_{at}_0x27", "other quotation in a row", changed)
    mixed = "\r\n".join(lines[:5]) + "\n" + "\r\n".join(lines[5:]) + "\r\n"
    yield replace(beyond("row_record_delimiter_5_0xA", "other record delimiter in a row", lines),
                  text=mixed.encode())  # fmt: skip
    broken = [(*record[:6], f"{record[6]}\r\nsecond line", *record[7:]) for record in RECORDS]
    made = beyond("file_newline_in_cells", "newline in cells", _lines(plain, records=broken),
                  records=broken)  # fmt: skip
    yield replace(made, truth={2 + 2 * at: record for at, record in enumerate(broken)})
