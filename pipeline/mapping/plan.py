"""The frozen Plan: everything the stages need to know of a mapping, no YAML in sight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Ambiguous(StrEnum):
    """What to do with a local time that occurs twice when clocks go back."""

    REJECT = "reject"
    EARLIEST = "earliest"
    LATEST = "latest"


class ColumnType(StrEnum):
    """The types that `source.columns` may declare; everything else is text."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How the file is written (MAPPING §2, `source`). Nothing here is guessed at run time."""

    format: str = "csv"
    files: str | None = None  # glob that tells which files of a folder this mapping reads
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    decimal: str = "."
    thousands: str | None = None
    dates: str | None = None
    timezone: str | None = None
    ambiguous: Ambiguous = Ambiguous.REJECT
    null_values: tuple[str, ...] = ("",)
    trim: bool = True
    columns: Mapping[str, ColumnType] = field(default_factory=dict)
