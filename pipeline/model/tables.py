"""The tables that flow from `read` to `group`; a type per station (STYLE §2.2)."""

from dataclasses import dataclass

import polars as pl

# Columns of a FieldTable beside the fields: whether a row takes part in a section of the mapping,
# and the text that rows of one tracking share.
WHEN_LINES = "_when.lines"
WHEN_TRACKINGS = "_when.trackings"
TRACKING_KEY = "_key.trackings"


def when_mutation(index: int) -> str:
    """The name of the Boolean column that says whether a row takes part in a mutation."""
    return f"_when.mutations.{index}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One input file of a run. `index` is what `_file` holds; `name` is how messages call it."""

    index: int
    name: str
    sha256: str
    size_bytes: int
    mapping: str


@dataclass(frozen=True, slots=True)
class RawTable:
    """Records as read: `ORIGIN` and one String column per source column; "" is an empty cell.

    Those of EDI have MESSAGE beside ORIGIN; so has the FieldTable that is made of them.
    """

    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class FieldTable:
    """Converted rows: `ORIGIN`, `_key`, and one typed column per mapped field, named by its slot."""

    rows: pl.DataFrame
