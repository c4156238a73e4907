"""Well-formed records taken apart by Polars, which is told nothing that it could misunderstand."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.read.cells import split_cells
from pipeline.read.formulas import restored
from pipeline.read.header import Header
from pipeline.read.records import Records
from pipeline.read.spelling import SPECIAL, Spelling

# Characters that hardly any text has, in the order in which they stand in for special bytes.
_CONTROLS = bytes((*range(1, 9), 11, 12, *range(14, 32), 127))


def good_cells(
    window: bytes, records: Records, spelling: Spelling, header: Header,
    columns: Mapping[str, int], name: str,
) -> pl.DataFrame:  # fmt: skip
    """Let Polars take well-formed records apart, and hold it to their number.

    `columns` are the positions of the wanted cells by the names they get. The cells of files that
    we have written are as they were before we wrote them (`formulas`). A record that a repair has
    found good may have fewer cells, which are empty then, or more, which are.
    """
    if not len(records.start):
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
    text = _in_one_piece(window, records.start, records.stop, spelling)
    byte = spelling.marks.delimiter
    # the delimiter has a stand-in of its own also where no record of one cell has any
    special = [each for each in SPECIAL if each in text or each == byte]
    stand_ins = [each for each in _CONTROLS if each not in text and each != byte] if special else []
    if len(special) > len(stand_ins):
        return _one_by_one(window, records, spelling, columns)
    instead = dict(zip(special, stand_ins, strict=False))
    if instead:
        text = text.translate(bytes(instead.get(byte, byte) for byte in range(256)))
    separator = bytes((instead.get(byte, byte),))
    quote = spelling.marks.quote
    quoted = quote is not None and quote in text
    uneven = bool((records.cells != header.width).any())
    # Polars eats a byte order mark at the beginning of a text, also where it belongs to a cell:
    # a record of our own goes first, and is dropped.
    cells = pl.read_csv(
        separator * (header.width - 1) + b"x\n" + text,
        has_header=False,
        schema={str(position): pl.String() for position in range(header.width)},
        columns=sorted(set(columns.values())) or [0],
        separator=separator.decode(),
        quote_char=chr(quote) if quote is not None and quoted else None,
        empty_string_is_null=False,
        truncate_ragged_lines=uneven,
    ).slice(1)
    if cells.height != len(records.start):
        raise RuntimeError(f"{name}: {len(records.start)} records became {cells.height} rows")
    if uneven:
        cells = cells.with_columns(pl.all().fill_null(""))
    meant = {chr(instead[each]): spelling.meant[each].decode() for each in special}
    if not quoted:
        meant.pop(separator.decode(), None)
    picked = {
        column: _as_meant(pl.col(str(position)), meant, spelling, quoted=quoted)
        for column, position in columns.items()
    }
    if header.ours:
        picked = {column: restored(cell) for column, cell in picked.items()}
    return cells.select(cell.alias(column) for column, cell in picked.items())


def _as_meant(
    cell: pl.Expr, meant: Mapping[str, str], spelling: Spelling, *, quoted: bool
) -> pl.Expr:
    if quoted and spelling.record_end is not None:
        cell = cell.str.replace_all("\n", spelling.record_end.decode(), literal=True)
    for stand_in, text in meant.items():
        cell = cell.str.replace_all(stand_in, text, literal=True)
    return cell


def _one_by_one(
    window: bytes, records: Records, spelling: Spelling, columns: Mapping[str, int]
) -> pl.DataFrame:
    """Do without Polars where a text has too many control characters."""
    rows = []
    for start, stop in zip(records.start.tolist(), records.stop.tolist(), strict=True):
        cells = split_cells(spelling.worked(spelling.body(window[start:stop])), spelling).values
        rows.append([cells[at] if at < len(cells) else "" for at in columns.values()])
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String()), orient="row")


def _in_one_piece(
    window: bytes, start: NDArray[np.int64], stop: NDArray[np.int64], spelling: Spelling
) -> bytes:
    r"""Put records together that other records or empty lines may separate, with \n or \r\n as end."""
    others = b"\r" if spelling.record_end is None else bytes(spelling.marks.ends[1:])
    if any(byte in window for byte in others):
        data = np.frombuffer(window, np.uint8)
        ends = stop[np.isin(data[stop - 1], list(others))] - 1
        if len(ends):
            changed = data.copy()
            changed[ends] = ord("\n")
            window = changed.tobytes()
    gaps = np.flatnonzero(stop[:-1] != start[1:])
    begins = start[np.append(0, gaps + 1)].tolist()
    ends_at = stop[np.append(gaps, len(stop) - 1)].tolist()
    view = memoryview(window)
    return b"".join(view[begin:end] for begin, end in zip(begins, ends_at, strict=True))
