"""Any table, padded to any widths in any encoding: read back cell by cell and line by line, however it is cut."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping.plan import Position, Source
from pipeline.model.stops import SourceUnusable
from pipeline.read import corrected_form, read_batches
from tests.property.test_corrected import cells_of, rewrite
from tests.property.test_read import ENCODINGS, encodable

Rows = list[list[str]]

texts = st.text(
    st.one_of(
        st.sampled_from("ab 1,;\"'|\t#\u00e4\u20ac\u00a0\u2028\x85\x0b\x1a\x01"),
        st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]),
    ),
    max_size=6,
)


@st.composite
def files(draw: st.DrawFn) -> tuple[Rows, list[int], Source, str, int]:
    """Draw rows, the line of each, how they are laid out, their text, and the size of a batch."""
    encoding = draw(st.sampled_from([*ENCODINGS, "gb18030", "cp500"]))
    at, positions = 1, []
    for number in range(draw(st.integers(1, 4))):
        at += draw(st.integers(0, 2))  # characters that are nobody's
        size = draw(st.integers(1, 5))
        positions.append(Position(f"c{number}", at, at + size - 1))
        at += size
    length = at - 1 + draw(st.integers(0, 3))
    endless, trimmed = draw(st.booleans()), draw(st.booleans())
    rows, lines, text, line = [], [], "", 1
    for _ in range(draw(st.integers(0, 6))):
        written = [" "] * length
        for each in positions:
            cell = encodable(draw(texts), encoding)[: (each.last or 0) - each.first + 1]
            ends = "\r\n\x85" if encoding == "cp500" else "\r\n"
            cell = "".join(c for c in cell if c not in ends)
            # a mark of byte order at the very beginning is the file's
            cell = cell.lstrip("\ufeff") if not text else cell
            written[each.first - 1 : each.first - 1 + len(cell)] = cell
        whole = "".join(written)
        if whole.strip(" "):
            rows.append([whole[each.first - 1 : each.last] for each in positions])
            lines.append(line)
        if endless:
            text += whole
        else:
            text += (whole.rstrip(" ") if trimmed else whole) + draw(
                st.sampled_from(["\n", "\r\n"])
            )
        line += 1
    source = Source(
        format="fixed", quote=None, encoding=encoding, positions=tuple(positions), trim=False,
        length=length, record_end="" if endless else None, trimmed=trimmed and not endless,
    )  # fmt: skip
    return rows, lines, source, text, draw(st.integers(1, 60))


@given(files())
@settings(max_examples=300, deadline=None)
@pytest.mark.thorough
def test_what_is_padded_is_read_back_with_its_lines(
    file: tuple[Rows, list[int], Source, str, int],
) -> None:
    rows, lines, source, text, batch_bytes = file
    content = text.encode(source.encoding)
    if content.decode(source.encoding) != text:
        return  # an encoding in which two texts are one
    columns = [each.name for each in source.positions]
    with tempfile.TemporaryDirectory() as folder:
        path, once = Path(folder) / "in", Path(folder) / "once"
        path.write_bytes(content)
        batches = list(read_batches(path, source, file=0, columns=columns, batch_bytes=batch_bytes))
        found = [row for batch in batches for row in batch.raw.rows.rows()]
        told = [code for batch in batches for code in batch.findings.rows["code"]]

        assert {*told} <= {"R110"}, (told, text)
        assert [row[1] for row in found] == lines
        cells = [list(row[3:]) for row in found]
        bare = [[cell.rstrip(" ") for cell in row] for row in cells]
        assert bare == [[cell.rstrip(" ") for cell in row] for row in rows]
        assert source.trimmed or cells == rows

        # what is written for correction has the same cells
        rewrite(path, source, lines, once, batch_bytes)
        names, again, faulty = cells_of(once, replace(corrected_form(source), trim=False))
        assert list(names) == columns
        assert (again, faulty) == (cells, [])


@given(files(), st.data())
@settings(max_examples=200, deadline=None)
@pytest.mark.thorough
def test_a_character_lost_or_added_is_always_told(
    file: tuple[Rows, list[int], Source, str, int], data: st.DataObject
) -> None:
    """Nothing of a line that was damaged is accepted, and nothing else of the file is lost."""
    rows, lines, source, text, batch_bytes = file
    if source.trimmed or source.record_end is not None or not rows:
        return
    each = text.split("\n")
    at = data.draw(st.sampled_from(lines)) - 1
    body = each[at].rstrip("\r")
    cut = data.draw(st.integers(0, len(body) - 1))
    more = data.draw(st.booleans())
    broken = body[:cut] + ("x" + body[cut:] if more else body[cut + 1 :])
    each[at] = broken
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in"
        path.write_bytes("\n".join(each).encode(source.encoding))
        batches = list(
            read_batches(
                path, source, file=0, columns=[source.positions[0].name], batch_bytes=batch_bytes
            )
        )
    good = [line for batch in batches for line in batch.raw.rows["_line"]]
    held = [line for batch in batches for line in batch.faulty.rows["_line"]]

    assert good == [line for line in lines if line != at + 1]
    assert held == ([at + 1] if broken.strip(" ") else [])


LAYOUTS = [
    [Position("a", 1, 2), Position("b", 3, 4)],
    [Position("b", 2, 3)],
    [Position("a", 1, 1), Position("b", 4, None)],
]
bytes_of_lines = st.lists(
    st.sampled_from(
        [b"a", b"b ", b" ", b"\n", b"\n", b"\r\n", b"\r", b"\0", "ä".encode(), "€".encode(), b"\xff", b"\xe4",
         b"abcd\n", b"abcde\n", b"#x", b"T2", b"abcd", b"\x1a", b"\xef\xbb\xbf"]
    ),
    max_size=14,
).map(b"".join)  # fmt: skip


@given(
    bytes_of_lines,
    st.sampled_from(LAYOUTS),
    st.sampled_from(["utf-8", "cp1252", "utf-16-le"]),
    st.sampled_from([None, 4, 5]),
    st.sampled_from(["lines", "trimmed", "endless"]),
    st.sampled_from([{}, {"comment": "#x"}, {"trailer": "T", "trailer_cells": (Position("rows", 2, 2),)}, {"skip_lines": 1}, {"footer": "a"}]),
)  # fmt: skip
@settings(max_examples=600, deadline=None)
@pytest.mark.thorough
def test_any_bytes_are_read_alike_however_they_are_cut(
    content: bytes, layout: list[Position], encoding: str, length: int | None, kind: str,
    more: dict[str, object],
) -> None:  # fmt: skip
    """Nothing but a refusal escapes, the window changes nothing, and each line is in at most one place."""
    if kind == "endless" and (length is None or "skip_lines" in more):
        return
    source = Source(
        format="fixed", quote=None, encoding=encoding, positions=tuple(layout), trim=False, length=length,
        trimmed=kind == "trimmed", record_end="" if kind == "endless" else None, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    columns = [each.name for each in layout]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in"
        path.write_bytes(content)

        def once(batch_bytes: int) -> tuple[object, ...]:
            good, told, trailers = [], [], []
            try:
                for each in read_batches(
                    path, source, file=0, columns=columns, batch_bytes=batch_bytes
                ):
                    good += each.raw.rows.rows()
                    told += each.findings.rows.rows()
                    trailers += [each.trailer] if each.trailer else []
                    held = each.faulty.rows["_line"].to_list()
                    assert {*held} == {*each.findings.errors().rows["_line"].to_list()}
                    assert not {*held} & {*each.raw.rows["_line"].to_list()}
            except SourceUnusable as refused:
                return refused.message, refused.place
            return good, sorted(told, key=str), trailers

        whole = once(1 << 20)
        assert all(once(size) == whole for size in (1, 3, 8))
    if kind == "lines" and not more and b"\r" not in content and isinstance(whole[0], list):
        _as_python_cuts_it(content, source, whole[0])


def _as_python_cuts_it(content: bytes, source: Source, good: list[tuple[object, ...]]) -> None:
    """Every accepted cell is what Python cuts out of that very line, and no sound line is held."""
    text = content.decode(source.encoding, "replace")
    if "\r" in text or content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return  # a mark of byte order says another encoding
    if text.rpartition("\n")[2].strip("\x1a") == "":
        text = text.rpartition("\n")[0]  # a last line of Ctrl-Z is none
    ends = [each.last or each.first - 1 for each in source.positions]
    open_end = source.positions[-1].last is None and source.length is None
    least = source.length or max(ends)
    expected = []
    for number, line in enumerate(text.split("\n"), 1):
        fits = len(line) >= least if open_end else len(line) == least
        if line.strip(" ") and fits and not {"\0", "\ufffd"} & set(line):
            cells = (line[each.first - 1 : each.last] for each in source.positions)
            expected.append((0, number, 0, *cells))
    assert good == expected
