"""What must hold of the reader for any table, any way of writing it, and any bytes at all."""

import codecs
import csv
import io
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.mapping.plan import Source
from pipeline.model.findings import FINDING_SCHEMA
from pipeline.model.origin import FILE, LINE, ORIGIN, SEGMENT
from pipeline.model.stops import StopRun
from pipeline.read import read_batches, read_header

ENCODINGS = ["utf-8", "cp1252", "iso8859-15", "utf-16", "utf-16-le", "utf-32", "shift_jis", "utf-7"]
HUGE = 1 << 24

Row = tuple[object, ...]


def read_all(
    content: bytes, source: Source, columns: list[str] | None, batch_bytes: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Read bytes as a file; give good records, faulty records and findings."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_bytes(content)
        if columns is None:
            names = read_header(path, source)
            columns = [name for name in dict.fromkeys(names) if name and names.count(name) == 1]
        batches = list(read_batches(path, source, file=7, columns=columns, batch_bytes=batch_bytes))
    empty = pl.DataFrame(schema=dict.fromkeys([*ORIGIN], pl.UInt32()))
    return (
        pl.concat([batch.raw.rows for batch in batches]) if batches else empty,
        pl.concat([batch.faulty.rows for batch in batches]) if batches else empty,
        pl.concat([batch.findings.rows for batch in batches])
        if batches
        else pl.DataFrame(schema=FINDING_SCHEMA),
    )


def outcome(read: Callable[[], tuple[pl.DataFrame, ...]]) -> object:
    """Give what a reading gives, or the words with which it stops."""
    try:
        return [frame.rows() for frame in read()]
    except StopRun as stop:
        return (type(stop), stop.message, stop.help, stop.code, stop.place)


def written(rows: list[list[str]], source: Source, line_end: str, *, quote_all: bool) -> str:
    """Write rows with Python's csv module."""
    out = io.StringIO(newline="")
    csv.writer(
        out,
        delimiter=source.delimiter,
        quotechar=source.quote,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
    ).writerows(rows)
    return out.getvalue()


def encodable(text: str, encoding: str) -> str:
    """Leave out what an encoding cannot write, or does not read back."""
    kept = text.encode(encoding, "ignore").decode(encoding, "ignore")
    return kept if kept.encode(encoding, "ignore").decode(encoding, "ignore") == kept else ""


cells = st.text(
    st.one_of(
        st.sampled_from("ab,;\t|\"'\n\r \ufeff\u00e4\u20ac"),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=6,
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], Source, str, bool, int]:
    """Draw rows (header first), the way they are written, and the size of a batch."""
    source = Source(
        encoding=draw(st.sampled_from(ENCODINGS)),
        delimiter=draw(st.sampled_from(",;\t|")),
        quote=draw(st.sampled_from("\"'")),
        trim=False,
    )
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=8))
    clean = [[encodable(cell.replace("\0", ""), source.encoding) for cell in row] for row in rows]
    if width == 1:  # the csv module writes an empty single cell as "", and reads it back
        clean = [row for row in clean if row != [""]]
    header = [f"c{index}" for index in range(width)]
    # A line end within quotes stays what it is; \r\n as the writer's own end is safe to write.
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quote_all = draw(st.booleans()) or any(
        # The writer leaves \r in an unquoted cell when it is not its own line end.
        "\r" in cell or "\n" in cell
        for row in clean
        for cell in row
    )
    return [header, *clean], source, line_end, quote_all, draw(st.integers(1, 40))


@given(tables())
@settings(max_examples=300, deadline=None)
@example(([["c0", "c1"], ["a,b\nc,d", ""], ["", '"\n,"']], Source(trim=False), "\n", True, 4))
@pytest.mark.thorough
def test_what_the_csv_module_writes_is_read_back_with_its_lines(
    table: tuple[list[list[str]], Source, str, bool, int],
) -> None:
    rows, source, line_end, quote_all, batch_bytes = table
    text = written(rows, source, line_end, quote_all=quote_all)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=source.delimiter,
        quotechar=source.quote,
        strict=True,
    )
    lines = []
    before = 0
    for _ in reader:
        lines.append(before + 1)
        before = reader.line_num

    raw, faulty, findings = read_all(text.encode(source.encoding), source, rows[0], batch_bytes)

    assert faulty.is_empty()
    # a row that is written as nothing but delimiters is none, and counted
    empty = [not (any(row) or quote_all or len(row) == 1) for row in rows[1:]]
    expected = [
        (7, line, 0, *row)
        for line, row, none in zip(lines[1:], rows[1:], empty, strict=True)
        if not none
    ]
    assert raw.rows() == expected
    told = [(row["code"], row["value"]) for row in findings.iter_rows(named=True)]
    assert told == ([("R110", str(sum(empty)))] if any(empty) else [])


damaged = st.one_of(
    st.binary(max_size=80),
    st.lists(
        st.sampled_from(
            [
                b"a",
                b"b",
                b",",
                b",",
                b'"',
                b'"',
                b"\n",
                b"\n",
                b"\r",
                b"\r\n",
                b" ",
                b"\x00",
                b"\x81",
                "�".encode(),
                b"\xed\xb2\x81",
                b"\xef\xbb\xbf",
                b"\xe4",
                b'""',
                b'","',
            ]
        ),
        max_size=60,
    ).map(lambda parts: b"h,i\n" + b"".join(parts)),
)
sources = st.builds(
    Source,
    encoding=st.sampled_from(
        [*ENCODINGS, "utf-8-sig", "ascii", "hz", "gb18030", "cp037", "no-such"]
    ),
    delimiter=st.sampled_from([",", ",", "a", '"', ";;", "", "\n", "ä"]),
    quote=st.sampled_from(['"', '"', None, "'"]),
)
plain = st.builds(Source, encoding=st.sampled_from(["utf-8", "cp1252"]), quote=st.just('"'))


@given(damaged, st.one_of(plain, plain, sources), st.integers(1, 30))
@settings(max_examples=400, deadline=None)
def test_nothing_but_stop_run_escapes_and_the_batch_size_changes_nothing(
    content: bytes, source: Source, batch_bytes: int
) -> None:
    small = outcome(lambda: read_all(content, source, None, batch_bytes))
    assert small == outcome(lambda: read_all(content, source, None, HUGE))


def by_the_book(text: str, width: int) -> list[tuple[int, str]] | int:
    """Read one character after the other: line and code of each record, "" for a good one.

    Gives the line of the record whose quote is never closed, if there is one.
    """
    found: list[tuple[int, str]] = []
    at, line = 0, 1
    # code, and whether a lone \r stands before and behind, in the same line as \n counts lines
    shapes: list[tuple[str, int, int]] = []
    swallowed = 0  # the last line within a quoted cell that seems to hold rows
    while at < len(text):
        first_end = _line_end(text, at)
        if first_end[0] == at:
            at, line = first_end[1], line + 1
            continue
        here = text[at : first_end[0]]
        if not here.strip(",") or (at and here.removeprefix("\ufeff") == "h,i"):
            at, line = first_end[1], line + 1
            continue
        code, stop = _record(text, at, width)
        if stop < 0:
            return line
        if code in ("R101", "R103"):
            stop = first_end[1]
        inside = text[at:stop]
        if not code and _swallows(inside, width):
            stop = first_end[1]
            swallowed = line + _breaks(inside.rstrip("\r\n"))
            inside = text[at:stop]
        code = "R107" if line <= swallowed else code
        before, behind = (
            text.count("\n", 0, place) if _ends_alone(text, place) else -1 for place in (at, stop)
        )
        shapes.append((code, before, behind))
        code = "R105" if "\0" in inside else code
        code = "R102" if any(0xD800 <= ord(c) <= 0xDFFF for c in inside) else code
        found.append((line, code))
        line += _breaks(inside) or 1
        at = stop
    return _torn(found, shapes)


def _torn(
    found: list[tuple[int, str]], shapes: list[tuple[str, int, int]]
) -> list[tuple[int, str]]:
    """Hold what stands around a lone carriage return, unless whole rows do; the header is a row."""
    torn = set()
    for at in range(1, len(found) - 1):  # at 0 is the header
        (code, _, behind), (next_code, before, _) = shapes[at : at + 2]
        if behind >= 0 and behind == before and (code or next_code):
            torn |= {each for each in (at, at + 1) if shapes[each][0] in ("", "R101")}
    return [
        (line, "R106" if at in torn and code in ("", "R101") else code)
        for at, (line, code) in enumerate(found)
    ]


def _ends_alone(text: str, at: int) -> bool:
    """Tell whether a carriage return without line feed stands before a place."""
    return text[at - 1 : at] == "\r" and text[at : at + 1] != "\n"


def _swallows(record: str, width: int) -> bool:
    """Tell whether most of the record's lines have as many delimiters as a row, and that is no chance."""
    lines = [line for line in re.split("\r\n|\r|\n", record) if line]
    whole: int = sum(line.count(",") == width - 1 for line in lines)
    enough = whole == len(lines) if width < 3 else 2 * whole > len(lines)
    return enough and (whole - 1) * (width - 1) >= 6


def _line_end(text: str, at: int) -> tuple[int, int]:
    """Find where the line ends: its last character's end, and the next line's beginning."""
    while at < len(text) and text[at] not in "\r\n":
        at += 1
    return at, at + (2 if text.startswith("\r\n", at) else 1)


def _breaks(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _record(text: str, at: int, width: int) -> tuple[str, int]:
    """Read one record: its code, and where the next begins; -1 if a quote is never closed."""
    count = 0
    while True:
        count += 1
        if text.startswith('"', at):
            at += 1
            while True:
                at = text.find('"', at) + 1
                if not at:
                    return "", -1
                if not text.startswith('"', at):
                    break
                at += 1
            if at < len(text) and text[at] not in ",\r\n":
                return "R103", at
        else:
            while at < len(text) and text[at] not in ",\r\n":
                if text[at] == '"':
                    return "R103", at
                at += 1
        if at >= len(text) or text[at] in "\r\n":
            return "" if count == width else "R101", _line_end(text, at)[1]
        at += 1


def decoded(content: bytes, encoding: str) -> str:
    """Decode with a surrogate for each undecodable byte."""
    text = content.decode(encoding, "surrogateescape")
    return text.removeprefix("\ufeff")


@given(damaged, st.sampled_from(["utf-8", "cp1252"]), st.integers(1, 30))
@settings(max_examples=300, deadline=None)
@example(b'h,i\na,"b\nc",d,e\nf,g\n', "utf-8", 5)
@example(b'h,i\n"a\n\n","b""\r\n"\n"",x\n', "utf-8", 3)
@example(b'h,i\na,"b\n' + b"a,b\n" * 5 + b'a,b"\nc,d\n', "utf-8", 9)  # swallowed rows
@example(b"h,i\na,b\rb\na,b\r\na\r,b\n,\n,,\r", "utf-8", 2)
@example(b"h,i\n\ra\r,\n\r ", "utf-8", 5)
@example(b"h,i\nh,i\n", "utf-8", 5)
def test_records_are_conserved_and_each_is_judged_as_when_read_one_by_one(
    content: bytes, encoding: str, batch_bytes: int
) -> None:
    content = b"h,i\n" + content.removeprefix(b"h,i\n")
    expected = by_the_book(decoded(content, encoding), 2)

    result = outcome(lambda: read_all(content, Source(encoding=encoding), ["i"], batch_bytes))

    if isinstance(expected, int):
        assert isinstance(result, tuple)
        assert result[3:] == ("R104", f"orders.csv:{expected}")
        return
    assert isinstance(result, list)
    raw, faulty, findings = result
    assert [row[:3] for row in raw] == [(7, line, 0) for line, code in expected[1:] if not code]
    assert [row[:3] for row in faulty] == [(7, line, 0) for line, code in expected[1:] if code]
    judged = [(row[1], row[list(FINDING_SCHEMA).index("code")]) for row in findings]
    judged = [each for each in judged if each[1] not in {"R110", "R111"}]
    assert judged == [(line, code) for line, code in expected[1:] if code]


@given(st.binary(max_size=60), st.sampled_from(ENCODINGS), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_text_that_an_encoding_reads_is_never_called_undecodable(
    content: bytes, encoding: str, batch_bytes: int
) -> None:
    head = "h\n".encode(encoding)
    body = content.replace(b"\0", b"") if encoding in {"utf-8", "cp1252"} else content
    try:
        text = codecs.decode(head + body, encoding)
        text.encode()
    except UnicodeError:
        return
    result = outcome(
        lambda: read_all(head + body, Source(encoding=encoding, quote=None), ["h"], batch_bytes)
    )

    assert isinstance(result, list)
    assert "R102" not in [row[3] for row in result[2]]


def test_origin_columns_come_first_and_are_unsigned() -> None:
    raw, _, _ = read_all(b"a,b\n1,2\n", Source(), ["b"], HUGE)

    assert raw.schema == pl.Schema(
        {FILE: pl.UInt32(), LINE: pl.UInt32(), SEGMENT: pl.UInt32(), "b": pl.String()}
    )


plain_lines = st.lists(
    st.sampled_from(
        [
            "a,b",
            "ä,",
            ",x",
            ",",
            "a",
            "a,b,c",
            "",
            "h,i",
            "\ufeffh,i",
            '"q",b',
            "a\0,b",
            "\ud55c,\u20ac",
            " , ",
        ]
    ),
    max_size=12,
)


@given(
    plain_lines,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 60),
    st.sampled_from([b"", b"\xff,b"]),
    st.sampled_from([["i", "h"], ["h"], ["i"]]),
)
@settings(max_examples=400, deadline=None)
@example(["a,b", "a,b"], "\r\n", 60, b"", ["i", "h"])
@example(["a", "a,b,c"], "\n", 60, b"", ["i", "h"])  # as many delimiters as two whole rows have
@example(["a", "a,b,c"], "\n", 60, b"", ["h"])  # which Polars does not tell of some columns
@example(["a,b,c", "a", "a,b"], "\n", 60, b"", ["i"])
def test_what_polars_reads_at_once_is_what_the_careful_way_reads(
    lines: list[str], end: str, batch_bytes: int, broken: bytes, columns: list[str]
) -> None:
    content = end.join(["h,i", *lines]).encode() + broken
    # lines that could be a footer are looked at one by one, so no window is read at once
    careful = Source(footer="\x01")

    at_once = outcome(lambda: read_all(content, Source(), columns, batch_bytes))

    assert at_once == outcome(lambda: read_all(content, careful, columns, batch_bytes))


def test_a_window_in_which_nothing_needs_care_is_read_at_once() -> None:
    from pipeline.read.header import Header
    from pipeline.read.plainly import plain_rows
    from pipeline.read.spelling import Spelling

    spelling, header = Spelling.of(Source()), Header(("h", "i"), 1, 2, 4, body=b"h,i")

    assert plain_rows(b"a,b\r\n,c\r\n", spelling, header)
    for careful in (b'a,"b"\n', b"a\n", b"a,b\n\n", b",\n", b"h,i\n", b"a,b\rc,d\n", b"a,\0\n",
                    b"a\na,b,c\n", b"a,b,c\na\n"):  # fmt: skip
        assert not plain_rows(b"a,b\n" + careful, spelling, header)
        assert not plain_rows(careful, spelling, header)
