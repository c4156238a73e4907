"""The address of a row: file, physical line and EDI segment (STYLE §1, "How a row keeps its address").

Every table that holds rows carries these three columns from `read` to the report. Stages carry
them along; no stage computes them again, and no mapping may use a name starting with `_`.
"""

import polars as pl

FILE = "_file"
LINE = "_line"
SEGMENT = "_segment"

ORIGIN: tuple[str, ...] = (FILE, LINE, SEGMENT)

# `_file` is the ordinal of a `SourceFile` of the run, `_line` the 1-based physical line on which
# the record starts. `_segment` is 0 for CSV, never null: null keys do not join.
ORIGIN_SCHEMA: dict[str, pl.DataType] = {
    FILE: pl.UInt32(),
    LINE: pl.UInt32(),
    SEGMENT: pl.UInt32(),
}

# Several rows of one EDI segment (a range of parcel numbers) tell themselves apart in the upper
# bits of `_segment`; a file may have 16,777,215 segments, and a segment 256 rows. So do the pieces of a
# row of text that holds several items (`pipeline.pieces`), but only between `spool` and `group`.
COPY_BITS = 24
COPIES_MAX = 255
SEGMENTS_MAX = (1 << COPY_BITS) - 1

# Beside ORIGIN, rows of EDI have the number of their message in the file, from 0. What a message says
# twice is there twice; what two messages say may be one message that was sent again.
MESSAGE = "_message"

# Rows with the same key form one order; a null key is finding R209.
KEY = "_key"


def place(file_name: str, line: int, segment: int = 0) -> str:
    """Write an address the way every message of the product writes it.

    >>> place("orders.csv", 41)
    'orders.csv:41'
    >>> place("orders.csv", 0)  # the file as a whole
    'orders.csv'
    >>> place("asn.edi", 13, 9)
    'asn.edi:13 (segment 9)'
    """
    ordinal = segment & SEGMENTS_MAX
    if not line:
        return file_name
    return f"{file_name}:{line}" if ordinal == 0 else f"{file_name}:{line} (segment {ordinal})"
