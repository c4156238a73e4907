"""How delimited text is written: encoding, delimiter, quote, header; each with what shows it.

Candidates are tried with the reader of a run, so that what is proposed is what a run reads. Looked at is
the beginning of the file: `BEGIN` bytes for its marks, more for its encoding.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import log2
from pathlib import Path

from pipeline.mapping.dialect import unclear
from pipeline.mapping.plan import Position, Source
from pipeline.model.stops import SourceUnusable
from pipeline.read import SourceEmpty
from pipeline.read.encodings import marked
from pipeline.read.header import open_source
from pipeline.run.drafting.names import meanings

BEGIN = 1 << 18
_ENCODED = 1 << 24  # bytes whose encoding is looked at
_LINES = 300
_HEADER_WITHIN = 30
_DELIMITERS = (";", "\t", ",", "|", "^", "~", "*", "\x1f", "\x01")
_SHOWN = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", "\x1f": "\\x1f", "\x01": "\\x01"}
_ENCODINGS = ("cp1252", "cp850", "cp1250", "shift_jis", "gb18030")
_MARGIN = 0.25  # by which another encoding must look more like text than cp1252
_NAMES_THAT_TELL = 3
_FOOTER_MAX = 5  # lines
_FOOTER_AFTER = 4
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml|[a-z]+[ >])", re.IGNORECASE)
_NO_TEXT = {b"PK\x03\x04": "a workbook or a zip archive, by its content", b"%PDF": "a PDF",
            b"\x1f\x8b": "packed with gzip, by its content", b"\xd0\xcf\x11\xe0": "a workbook of an old kind (.xls)"}  # fmt: skip
_VALUE = re.compile(
    r"[+-]?[\d.,' ]*\d[\d.,' ]*[€$£%]?|[€$£]\s?[\d.,]+|[^@\s]+@[^@\s]+\.[^@\s]+|https?://\S+"
    r"|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ T].*)?|1Z[0-9A-Z]{16}"
)
_COMMENTS = ("#", ";", "//")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, and what shows it, by the key of `source`.

    `names` are the columns. `warnings` are what is wrong with the file as far as it was looked at;
    `cut` is the first line that cannot be read at all, 0 where there is none.
    """

    source: Source
    why: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


def dialect(path: Path, name: str, *, is_sheet: bool = False) -> Dialect:
    """Tell how a file is written.

    Raises:
        SourceEmpty: nothing is in it.
        SourceUnusable: it cannot be opened, or is no delimited text.
    """
    with open_source(path, name) as file:
        begin = file.read(_ENCODED)
        whole = not file.read(1)
    if not begin.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        raise SourceEmpty(f"{name} is empty: it has not even a header",
                          help="ask for the file again, or name one that has rows")  # fmt: skip
    _no_other_kind(begin, name)
    encoding, why_encoding = encoding_of(begin)
    part = begin[
        : BEGIN
        * (4 if encoding.startswith("utf-32") else 2 if encoding.startswith("utf-16") else 1)
    ]
    text = part.decode(encoding, "replace").lstrip("\ufeff")
    if len(part) < len(begin) or not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r"), 0) or len(text)]
    if text.count("\0") > len(text) / 20 or (text and sum(map(_unprintable, text[:4096])) > 400):
        raise SourceUnusable(
            f"{name} is no text that can be read: too many of its characters are none",
            help="an encoding of IBM's hosts (cp500, cp037) or a binary file: write `source` by hand, docs/mapping.md",
        )  # fmt: skip
    why = {"encoding": why_encoding} if encoding != "utf-8" else {}
    source = Source(encoding=encoding)
    return Dialect(source, why) if is_sheet else _marks(text, source, why)


def _unprintable(character: str) -> bool:
    return ord(character) < 32 and character not in "\t\r\n\f\x1a\x1c\x1d\x1e\x1f\x01\0"


def _no_other_kind(begin: bytes, name: str) -> None:
    kind = next((what for mark, what in _NO_TEXT.items() if begin.startswith(mark)), None)
    if kind is None and _MARKUP.match(begin[:400]):
        kind = "a web page or XML"
    if kind is None and begin.lstrip()[:2] in (b'{"', b"[{", b"{\n", b"[\n", b"[["):
        kind = "JSON"
    if kind is not None:
        raise SourceUnusable(
            f"{name} is {kind}, and no delimited text",
            help="name the file as what it is (.xlsx, .zip, .gz), or ask for CSV",
        )


# -- encoding --------------------------------------------------------------------------------


def encoding_of(begin: bytes) -> tuple[str, str]:
    """Tell the encoding of a file by its first bytes, and what shows it.

    >>> encoding_of("Größe;Öl".encode("cp1252"))
    ('cp1252', 'not utf-8 (byte 0xF6 at 3): as cp1252 its 3 other characters are letters, such as "Größe" of the header')
    >>> encoding_of("a;b".encode())[0], encoding_of("a;ü".encode("utf-16-le"))[0]
    ('utf-8', 'utf-16-le')
    """
    mark = marked(begin)
    if mark is not None:
        return mark, "by its byte order mark"
    wide = _wide(begin[:4096])
    if wide:
        return wide, "every second byte is zero, and there is no byte order mark"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError as error:
        broken = error.start
    else:
        return "utf-8", ""
    if _rather_utf8(begin):
        return "utf-8", "a few bytes are not valid in it (R102)"
    sample = b"\n".join(line for line in begin.split(b"\n") if not line.isascii())[:65536]
    likely = {each: _likeness(sample, each) for each in _ENCODINGS}
    best = max(likely, key=lambda each: likely[each])
    if likely["cp1252"] > likely[best] - _MARGIN:
        best = "cp1252"  # what files of Windows are in unless something speaks against it
    text = sample.decode(best, "replace")
    others = sum(not each.isascii() for each in text)
    head = begin.split(b"\n", 1)[0][:4096].decode(best, "replace")
    word = next(
        iter(re.findall(r"[\w'’-]*[^\W\d_a-zA-Z][\w'’-]*", head)), ""
    )  # rows may have names
    shown = f', such as "{word}" of the header' if word else ""
    count = sum(not each.isascii() and each.isalpha() for each in text)
    told = f"its {others:,} other characters are letters" if count == others else (
        f"{count:,} of its {others:,} other characters are letters"
    )  # fmt: skip
    return best, f"not utf-8 (byte 0x{begin[broken]:02X} at {broken + 1}): as {best} {told}{shown}"


def _wide(begin: bytes) -> str:
    half = len(begin) // 2
    if half < 2:
        return ""
    odd, even = begin[1::2].count(0), begin[0::2].count(0)
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.6 and odd < half * 0.1 else ""


def _rather_utf8(data: bytes) -> bool:
    text = data.decode("utf-8", "surrogateescape")
    bad = len(re.findall("[\udc80-\udcff]", text))
    return len(text) - len(text.encode("ascii", "ignore")) - bad > bad


def _likeness(sample: bytes, encoding: str) -> float:
    """How much bytes look like text in an encoding: letters of words count, signs and rare letters do not."""
    text = sample.decode(encoding, "replace")
    others = [each for each in text if not each.isascii()]
    if not others:
        return 0
    usual = set("äöüÄÖÜßéèêëàâçñóáíúÉÈÀÓÁÍÑåøæÅØÆôûîïœ€°º’“”„–…§£´¿¡\xa0")
    good = sum(1.0 if c in usual else 0.7 if "À" <= c <= "ž" else 0.0 for c in others)
    kana = sum("\u3040" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" for c in others)
    if encoding in ("shift_jis", "gb18030"):
        # in another encoding the same bytes are signs, and stand in pairs
        runs = re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]{2,}", text)
        return 0.8 * kana / len(others) if runs and kana > len(others) * 0.6 else 0
    return good / len(others)


# -- marks -----------------------------------------------------------------------------------


def _marks(text: str, source: Source, why: dict[str, str]) -> Dialect:
    """Delimiter, quote, comment lines and header of a text."""
    lines = _lines(text)
    comment = _comment(lines, _delimiter(lines)[0])
    if comment:
        lines = [each for each in lines if not each.startswith(comment)]
        source = replace(source, comment=comment)
        why["comment"] = "lines that begin with it are none"
    delimiter, regular = _delimiter(lines)
    end, ended = _record_end(text, delimiter)
    if end is not None:
        other, better = _delimiter(ended)
        if better > regular or len(lines) < 2 or len(end) > 1 or other != delimiter:
            delimiter, regular, lines = other, better, ended
            source = replace(source, record_end=end)
            why["record_end"] = "it stands behind each record"
    delimiter = _of_several(lines, delimiter)
    source = replace(source, delimiter=delimiter)
    if unclear(source) is not None:
        source = replace(source, record_end=None)
        why.pop("record_end", None)
    quote, why_quote = _quote("\n".join(lines), delimiter)
    source = replace(source, quote=quote)
    if why_quote:
        why["quote"] = why_quote
    if f"\\{quote}" in text or f"\\{delimiter}" in text:
        source = replace(source, escape="\\")
        why["escape"] = "it stands before quotes or delimiters that are text"
    if regular:
        shown = _SHOWN.get(delimiter, delimiter)
        most = Counter(len(row) for row in _cells(lines, source) if any(row)).most_common(1)
        cells = most[0][0] if most else 0
        count = most[0][1] if most else 0
        total = sum(1 for row in _cells(lines, source) if any(row))
        why["delimiter"] = f"{shown}: {count:,} of {total:,} lines have {cells} cells"
    return _header(lines, source, why)


def _lines(text: str) -> list[str]:
    return [each for each in re.split("\r\n|\r|\n", text) if each.strip("\0 ")][:_LINES]


def _comment(lines: Sequence[str], delimiter: str) -> str | None:
    """What lines begin with that are none: they have not as many cells as the others."""
    for mark in _COMMENTS:
        there = [each for each in lines if each.startswith(mark)]
        rest = [_count(each, delimiter) for each in lines if not each.startswith(mark)]
        if there and rest and mark != delimiter:
            usual = Counter(rest).most_common(1)[0][0]
            # of #1001 and the like the cells are as many as elsewhere
            if usual and sum(_count(each, delimiter) == usual for each in there) < len(there) / 2:
                return mark
    return None


def _delimiter(lines: Sequence[str]) -> tuple[str, float]:
    """The delimiter that takes the lines apart most regularly, and how regularly; a comma and 0 for none."""
    best, most = ",", 0.0
    for each in _DELIMITERS:
        counts = Counter(
            _count(line if each in ";,\t|" else line.rstrip(each), each) for line in lines
        )
        count, times = counts.most_common(1)[0] if counts else (0, 0)
        if not count and counts[0] < len(lines):
            left = [(other, number) for other, number in counts.items() if other]
            count, times = max(left, key=lambda pair: pair[1])
        score = times / max(len(lines), 1) * (1 + log2(1 + count)) if count else 0.0
        if each == ",":
            score *= 0.95 if not any(re.search(r"\d,\d", line) for line in lines) else 0.8
        if each in "~*^" and times < len(lines) * 0.8:
            score = 0.0
        if score > most:
            best, most = each, score
    return best, most


def _count(line: str, delimiter: str) -> int:
    """How often a delimiter stands outside of quotes."""
    if '"' in line:
        mark = re.escape(delimiter)
        line = re.sub(rf'(?:(?<=^)|(?<={mark}))"(?:[^"]|"")*"(?=$|{mark})', "", line)
    return line.count(delimiter)


def _record_end(text: str, delimiter: str) -> tuple[str | None, list[str]]:
    """What ends records if lines do not, and the records."""
    found = re.findall(r"([^\w\s\"';,.)\]}>]{1,3})\r?\n", text[:BEGIN])
    first = next(iter(_lines(text)), "")
    ends = Counter(each[at:] for each in found for at in range(len(each)))
    often = [each for each in ends if ends[each] > 0.9 * len(found)]
    mark = max(often, key=len, default="")
    count = ends[mark]
    if mark and not set(mark) <= set(delimiter) and count > len(_lines(text[:BEGIN])) * 0.5:
        end = "\r\n" if f"{mark}\r\n" in text else "\n"
        rows = [each for each in text.split(mark + end) if each.strip()]
        if not first.startswith(mark) and len(rows) > 1:
            if len(mark) == 1 and text.count(mark + end) == text.count(mark):
                return mark, [each.replace("\n", " ") for each in text.split(mark) if each.strip()][:_LINES]  # fmt: skip
            return mark + end, [each.replace("\n", " ") for each in rows][:_LINES]
    for mark in ("~", "\x1e", "'"):
        records = [each for each in text.split(mark) if each.strip()]
        if len(records) > 2 and len(_lines(text)) < len(records) / 2:
            return mark, [each.strip("\r\n") for each in records][:_LINES]
    return None, []


def _of_several(lines: Sequence[str], delimiter: str) -> str:
    """A delimiter of several characters whose part was found: `+|`, `||`."""
    head = next((each for each in lines if each.strip(delimiter + " ")), "")
    twice = delimiter * 2
    # two commas are an empty cell between them
    if delimiter not in ",;\t" and twice in head and delimiter not in head.replace(twice, ""):
        return twice
    before = Counter(
        line[at - 1]
        for line in lines[:50]
        for at, each in enumerate(line)
        if each == delimiter and at
    )
    mark, count = before.most_common(1)[0] if before else ("", 0)
    is_mark = not mark.isalnum() and mark not in "\"' )]" and mark != delimiter
    if is_mark and head.count(delimiter) > 1 and count >= 0.75 * before.total():
        return mark + delimiter
    return delimiter


def _quote(text: str, delimiter: str) -> tuple[str | None, str]:
    """The quote around cells, and what shows it where it is not the usual one."""
    mark = re.escape(delimiter)
    around = {
        quote: len(re.findall(rf"(?m)(?:^|{mark}){quote}(?:[^{quote}]|{quote}{quote})*?{quote}(?=$|{mark})", text))
        for quote in ('"', "'")
    }  # fmt: skip
    if around["'"] and not around['"']:
        return "'", f"{around[chr(39)]:,} cells stand between apostrophes"
    if '\\"' in text and re.search(rf'(?m)(?:^|{mark})"', text):
        return '"', ""
    within = len(re.findall(rf'(?m)(?<!^)(?<!{mark})"(?!$|{mark}|")', text)) if mark else 0
    if '"' in text and not around['"']:
        return None, "no cell stands between quotes; the quotes in it are text"
    if within and around['"'] == 0:
        return None, "quotes stand within cells only"
    return '"', ""


def _cells(lines: Sequence[str], source: Source) -> Iterator[list[str]]:
    r"""The cells of some lines, nearly as a run takes them apart.

    >>> list(_cells(["a||b", "c||d"], Source(delimiter="||")))
    [['a', 'b'], ['c', 'd']]
    """
    one = source.delimiter if len(source.delimiter) == 1 else "\x1f"
    rows = (each.replace(source.delimiter, one).replace("\0", "") for each in lines)
    yield from csv.reader(
        rows, delimiter=one, quotechar=source.quote or '"', escapechar=source.escape,
        quoting=csv.QUOTE_NONE if source.quote is None else csv.QUOTE_MINIMAL,
    )  # fmt: skip


def fixed_width(path: Path, encoding: str, columns: Sequence[tuple[int, int]]) -> Dialect:
    """How text of fixed width is written, by the columns that its blanks show."""
    with path.open("rb") as file:
        lines = _lines(file.read(BEGIN).decode(encoding, "replace").lstrip("\ufeff"))
    first = [lines[0][start - 1 : end].strip() for start, end in columns]
    others = [[line[start - 1 : end].strip() for start, end in columns] for line in lines[1:]]
    why = {
        "format": f"all {len(lines):,} lines have {len(lines[0]):,} characters, and no delimiter",
        "positions": "by the blanks alone: columns without a blank between them are seen as one; ask for the layout",
    }
    named = (
        bool(others)
        and len(set(first)) == len(first)
        and all(first)
        and _names_columns(first, others, len(first))
    )
    names = first if named else [f"column_{n}" for n in range(1, len(columns) + 1)]
    positions = tuple(
        Position(name, start, end) for name, (start, end) in zip(names, columns, strict=True)
    )
    header = tuple(names[:_NAMES_THAT_TELL]) if named else ()
    return Dialect(
        Source(format="fixed", encoding=encoding, positions=positions, find_header=header), why
    )


# -- header ----------------------------------------------------------------------------------


def _header(lines: Sequence[str], source: Source, why: dict[str, str]) -> Dialect:
    """Which line names the columns; `names` where none does."""
    rows = [[each.strip() for each in row] for row in _cells(lines, source)]
    rows = [row for row in rows if any(row)]
    if not rows:
        return Dialect(source, why)
    width = Counter(map(len, rows)).most_common(1)[0][0] if len(rows) > 2 else len(rows[0])
    if len(rows) > 2 and width == 1:
        width = max(map(len, rows))
    at = next(
        (i for i, row in enumerate(rows[:_HEADER_WITHIN]) if _names_columns(row, [*rows[i + 1 :], *rows[:i]], width)),
        None,
    )  # fmt: skip
    if at != 0 and "encoding" in why:
        # what was taken for the header is a row, or stands above it
        why["encoding"] = re.sub(r', such as "[^"]*" of the header$', "", why["encoding"])
    if at is None:
        first = next((row for row in rows if len(row) == width), rows[0])
        names = tuple(f"column_{n}" for n in range(1, len(first) + 1))
        why["names"] = "no line names the columns: the first one has values like the others"
        return Dialect(replace(source, names=names), why)
    source = _with_footer(lines, source, why)
    # a line of bare delimiters above the names would be the header
    bare = not lines[0].strip(f"{source.delimiter} {source.quote or ''}")
    if at or bare:
        known = [each for each in rows[at] if each and rows[at].count(each) == 1]
        above = (
            f"{at} line{'s' if at > 1 else ''} of another kind"
            if at
            else "a line of bare delimiters"
        )
        why["find_header"] = f"{above} above the header"
        source = replace(source, find_header=tuple(known[:_NAMES_THAT_TELL]))
    return Dialect(source, why)


def _with_footer(lines: Sequence[str], source: Source, why: dict[str, str]) -> Source:
    """What the last lines begin with that are no records, where no record begins so."""
    counts = [len(row) for row in _cells(lines, source)]
    if len(counts) != len(lines) or source.record_end is not None or len(lines) < _FOOTER_AFTER:
        return source  # cells have line breaks in them
    width = Counter(counts).most_common(1)[0][0]
    at = len(lines)
    while at > len(lines) - _FOOTER_MAX and counts[at - 1] <= max(width / 2, 1) < width:
        at -= 1
    begins = dict.fromkeys(filter(None, (_beginning(each) for each in lines[at:])))
    pattern = "|".join(begins)
    if len(lines) == at or not pattern or any(re.match(pattern, each) for each in lines[:at]):
        return source
    number = len(lines) - at
    why["footer"] = f"the last {f'{number} lines are' if number > 1 else 'line is'} no record" + ("s" if number > 1 else "")  # fmt: skip
    return replace(source, footer=pattern)


def _beginning(line: str) -> str:
    r"""A pattern of the first word of a line, and of a number before it.

    >>> _beginning("50,record(s) downloaded"), _beginning("Seller ID : x"), _beginning("Total;2"), _beginning(";;7")
    ('[0-9]+,record', 'Seller', 'Total', '')
    """
    found = re.match(r"(\d+\W{1,2})?([^\W\d_]{3,})", line)
    if found is None:
        return ""
    number = "[0-9]+" + re.escape(found[1].lstrip("0123456789")) if found[1] else ""
    return number + found[2]


def _names_columns(row: Sequence[str], others: Sequence[Sequence[str]], width: int) -> bool:
    """Whether a line looks like names, and not like the values of the other lines."""
    bare = list(row)
    while bare and not bare[-1]:
        bare.pop()
    filled = [each for each in bare if each]
    if len(filled) < max(0.7 * len(bare), min(width, 2)) or any(
        _VALUE.fullmatch(each) for each in filled
    ):
        return False
    known = sum(bool(meanings(each)) for each in filled)
    if known > 1 and known >= 0.5 * len(filled):
        return True
    if len(row) < width and len(bare) < width - 1:
        return False
    if known and known >= 0.2 * len(filled):
        return True
    return len(set(filled)) >= len(filled) * 0.9 and not _like_values(row, others)


def _like_values(row: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether cells with digits have the same shape in other lines."""
    for at, cell in enumerate(row):
        if not any(each.isdigit() for each in cell):
            continue
        shapes = [_shape(other[at]) for other in others[:20] if at < len(other)]
        if shapes and shapes.count(_shape(cell)) >= 0.5 * len(shapes):
            return True
    return False


def _shape(text: str) -> str:
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", text))
