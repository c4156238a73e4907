"""Any dialect that a mapping can declare: what is written in it is read back, cell by cell and line by line."""

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.mapping.dialect import unclear
from pipeline.mapping.plan import Source
from pipeline.read import corrected_form, read_batches
from tests.property.test_corrected import cells_of, rewrite

Rows = list[list[str]]

texts = st.text(st.sampled_from('ab+|&~;,"\\\n\r #\x1e\ufeffä\u20ac\x01\x02'), max_size=7)


@st.composite
def files(draw: st.DrawFn) -> tuple[Rows, Source, str, int]:
    """Draw rows (header first), a dialect, their text in it, and the size of a batch."""
    source = Source(
        encoding=draw(st.sampled_from(["utf-8", "utf-16", "cp1252"])),
        delimiter=draw(st.sampled_from([",", ";", "+|", "||", "&|", "¦"])),
        quote=draw(st.sampled_from(['"', "'", None])),
        escape=draw(st.sampled_from([None, "\\"])),
        record_end=draw(st.sampled_from([None, None, "~", "\x1e", "&|\r\n", "\r\n"])),
        comment=draw(st.sampled_from([None, "#"])),
        trim=False,
    )
    width = draw(st.integers(2, 4))
    cells = draw(st.lists(st.lists(texts, min_size=width, max_size=width), max_size=6))
    if source.encoding == "cp1252":
        cells = [[c.replace("\ufeff", "") for c in row] for row in cells]
    rows = [[f"c{at}" for at in range(width)], *cells]
    clean = [[_possible(cell, source) for cell in row] for row in rows]
    # a line break directly behind a record's end is of it
    clean = [[row[0].lstrip("\r\n"), *row[1:]] for row in clean]
    clean = [clean[0], *(row for row in clean[1:] if any(row))]
    return clean, source, _written(clean, source), draw(st.integers(1, 60))


def _possible(cell: str, source: Source) -> str:
    """What of a cell the dialect can write."""
    if source.quote is None:
        ends = ("\r\n", "\n", "\r") if source.record_end is None else (source.record_end,)
        if source.escape is None:
            # a character of a mark may meet others of it, and make another mark
            cell = re.sub(f"[{re.escape(source.delimiter + ''.join(ends))}]", "", cell)
        elif len(source.delimiter) > 1 or source.record_end is not None:
            cell = re.sub(f"[{re.escape(source.delimiter + (source.record_end or ''))}]", "", cell)
    elif source.record_end is not None or len(source.delimiter) > 1:
        # ends within quotes are allowed, but must not run into each other
        cell = re.sub(f"[{re.escape((source.record_end or '') + source.delimiter)}]", "", cell)
    if source.escape is not None and source.record_end is None:
        cell = cell.rstrip("\r")  # with the line feed behind the record it would be one line break
    if source.comment and cell.startswith(source.comment):
        cell = "x" + cell
    return cell


def _written(rows: Rows, source: Source) -> str:
    end = "\n" if source.record_end is None else source.record_end
    return "".join(source.delimiter.join(_cell(cell, source) for cell in row) + end for row in rows)


def _cell(cell: str, source: Source) -> str:
    escape, quote = source.escape, source.quote
    if escape is not None:
        marks = [escape, source.delimiter, *([quote] if quote else [])]
        marks += ["\r\n", "\n", "\r"] if source.record_end is None else [source.record_end]
        pattern = "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))
        return re.sub(pattern, lambda found: escape + found.group(), cell)
    if quote is None:
        return cell
    return f"{quote}{cell.replace(quote, quote * 2)}{quote}"


def _breaks(text: str) -> int:
    return len(re.findall("\r\n|\r|\n", text))


def _lines(rows: Rows, source: Source) -> list[int]:
    """Where each row begins: a line ends with a line break or the record's end."""
    found, line = [], 1
    bare = source.record_end is not None and not set(source.record_end) & set("\r\n")
    for row in rows:
        found.append(line)
        line += _breaks(_written([row], source)) + bare
    return found


@given(files())
@settings(max_examples=300, deadline=None)
@example(
    (
        [["a", "b"], ["\\n", "x~"]],
        Source(record_end="~", escape="\\", trim=False),
        "a,b~\\\\n,x\\~~",
        3,
    )
)
@pytest.mark.thorough
def test_what_is_written_in_a_dialect_is_read_back_with_its_lines(
    file: tuple[Rows, Source, str, int],
) -> None:
    rows, source, text, batch_bytes = file
    if unclear(source) is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path, once = Path(folder) / "in", Path(folder) / "once"
        path.write_bytes(text.encode(source.encoding))
        found = [
            (row[1], *row[3:])
            for batch in read_batches(
                path, source, file=0, columns=rows[0], batch_bytes=batch_bytes
            )
            for row in batch.raw.rows.rows()
        ]
        told = [
            code
            for batch in read_batches(path, source, file=0, columns=[], batch_bytes=batch_bytes)
            for code in batch.findings.rows["code"]
        ]
        expected = list(zip(_lines(rows, source), *zip(*rows, strict=True), strict=True))[1:]

        assert (told, text) == ([], text)
        assert found == [tuple(each) for each in expected]

        # what is written for correction is plain, and has the same cells
        rewrite(path, source, [each[0] for each in found], once, batch_bytes)
        plain = replace(corrected_form(source), trim=False)
        names, again, faulty = cells_of(once, plain)
        assert list(names) == rows[0]
        assert (again, faulty) == ([list(row[1:]) for row in found], [])
