"""The vocabulary of a mapping as Pydantic models: structure only; meaning is `compile`'s work.

Short forms are written out before validation (a bare column becomes `{from: Column}`), so that no
union hides the message that a person needs (MAPPING §7).
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.mapping.plan import Aggregate, Ambiguous, ColumnType, Conflicts, Mode, Sending


class OnError(StrEnum):
    """What a cell that cannot be converted does to its row."""

    REJECT = "reject"
    NULL = "null"


class Unknown(StrEnum):
    """What a lookup does with a value that its table does not have."""

    REJECT = "reject"
    KEEP = "keep"


class _Doc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SourceDoc(_Doc):
    """`source`: how the file is written."""

    format: Literal["csv", "x12", "edifact"] = "csv"
    files: str | None = None
    encoding: str = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1)
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", "'", "’", " ", "\u00a0", "\u202f", "none"] = "none"
    dates: str | None = None
    timezone: str | None = None
    ambiguous: Ambiguous = Ambiguous.REJECT
    null_values: list[str] = [""]
    trim: bool = True
    columns: dict[str, ColumnType] = {}

    @field_validator("quote")
    @classmethod
    def _one_quote(cls, quote: str) -> str:
        if quote != "none" and len(quote) != 1:
            message = "takes one character, or none"
            raise ValueError(message)
        return quote


class LookupFileDoc(_Doc):
    """A lookup table in a CSV file beside the mapping."""

    file: str
    key: str
    value: str
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8"


class RowsDoc(_Doc):
    """`rows`: which rows form an order, which are left out, and what happens when they disagree."""

    key: list[str] = []
    skip: str | None = None
    conflicts: Conflicts = Conflicts.REJECT
    on_error: Literal["hold"] = "hold"


class LinesDoc(_Doc):
    """`lines`: the line items, one per row."""

    send: Sending = Sending.ON_CREATE
    when: str | None = None
    fields: dict[str, Any]


class TrackingsDoc(_Doc):
    """`trackings`: one add_tracking per distinct key."""

    key: list[str]
    when: str | None = None
    fields: dict[str, Any]


class MutationDoc(_Doc):
    """One entry of `mutations`; its fields are the members of the API's mutation."""

    type: str
    when: str | None = None
    when_all: str | None = None
    when_any: str | None = None
    fields: dict[str, Any] = {}


class ValueDoc(_Doc):
    """One VALUE: where it comes from, how it is cleaned, and what it does when it cannot be had."""

    from_: str | None = Field(None, alias="from")
    value: str | None = None
    template: str | None = None
    first_of: list[Any] | None = None
    cases: list[Any] | None = None
    sql: str | None = None
    do: list[Any] = []
    lookup: str | None = None
    unknown: Unknown = Unknown.REJECT
    as_: str | None = Field(None, alias="as")
    format: str | None = None
    default: str | None = None
    when: str | None = None
    aggregate: Aggregate | None = None
    on_error: OnError = OnError.REJECT

    @classmethod
    def column(cls, name: str) -> "ValueDoc":
        """The short form: a bare word is a column."""
        return cls.model_validate({"from": name})


class MappingDoc(_Doc):
    """The whole file."""

    version: Literal["1"]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    description: str = ""
    mode: Mode = Mode.CREATE_OR_UPDATE
    source: SourceDoc
    lookups: dict[str, Any] = {}
    derive: dict[str, Any] = {}
    rows: RowsDoc = RowsDoc()
    order: dict[str, Any]
    lines: LinesDoc | None = None
    trackings: TrackingsDoc | None = None
    mutations: list[MutationDoc] = []
    tests: list[Any] = []
    extract: Any = None


ORIGINS = ("from", "value", "template", "first_of", "cases", "sql")
