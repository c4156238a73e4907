"""The vocabulary of a mapping as Pydantic models: structure only; meaning is `compile`'s work.

Short forms are written out before validation (a bare column becomes `{from: Column}`), so that no
union hides the message that a person needs (MAPPING §7).
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from pipeline.mapping.plan import (
    Aggregate,
    Ambiguous,
    ColumnType,
    Conflicts,
    Mode,
    Orphans,
    Sending,
)
from pipeline.model.expectation import Act


class OnError(StrEnum):
    """What a cell that cannot be converted does to its row."""

    REJECT = "reject"
    NULL = "null"


class Unknown(StrEnum):
    """What a lookup does with a value that its table does not have."""

    REJECT = "reject"
    KEEP = "keep"
    EMPTY = "empty"


class _Doc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TrailerDoc(_Doc):
    """`source.expect.trailer`: the last record, which is no data: `T;1204;8812.40`."""

    first_cell: str = Field(
        min_length=1,
        description="the text of its first cell, which tells it from data: `T`; of fixed-width text what it begins with",
    )
    rows: str | None = Field(
        None,
        description="which cell has the number of records, header and trailer not counted: `2` (F107); of fixed-width "
        "text its characters: `2-9`",
    )
    totals: dict[str, str] = Field(
        {}, description="`{Column: cell}`: which cell has the sum of a column, written as the column is: `{Amount: 3}` "
        "(F108); of fixed-width text its characters: `{Amount: 10-20}`",
    )  # fmt: skip


class ExpectationDoc(_Doc):
    """`source.expect`: what is known of the files before they come."""

    name: str | None = Field(
        None,
        description='how the files are called: `"orders_{date:%Y%m%d}.csv"`, with `*` and `?` as in a glob. Each '
        "file must be called so (F102), one of them must be of the day (F105), and none of another (F103). "
        "Without `files` it also says which files are read",
    )
    day: Literal["today", "yesterday"] = Field(
        "today", description="which day the file of a run is of: `today` or `yesterday`"
    )
    days: list[str] = Field(
        ["daily"],
        description="days that have a file: `daily`, `mon-fri`, or a list: `[mon, wed-fri]`",
    )
    min_rows: int | None = Field(
        None,
        description="fewest rows of all files of a run together, quarantined ones included (F101); no file at all has none. With `name` a missing file is F105, and none is missed on a day without one",
    )
    max_age: str | None = Field(
        None, description="how long ago a file may have been written to: `90m`, `26h`, `2d` (F104)"
    )
    trailer: TrailerDoc | None = Field(
        None,
        description="a last record that is no data and says what the file holds ([below](#trailer); F106)",
    )
    last_line_end: bool = Field(
        default=False,
        description="each file ends with a line end, or with `record_end`, because its sender writes one behind every "
        "record: a file that ends within a line has been cut off (F110)",
    )
    on_broken: Act = Field(
        Act.STOP,
        description="what a file does that is not as expected: `stop` the run (exit 7), or `warn`",
    )
    on_missing: Act = Field(
        Act.STOP, description="the same where the file of the day is not there: `stop` or `warn`"
    )

    @field_validator("days", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        return _listed(given)


class RepairDoc(_Doc):
    """`source.repair`: what may be put right in rows with too many or too few cells."""

    too_many: Literal["reject", "drop_empty"] = Field(
        "reject",
        description="`drop_empty`: cells behind the last column are dropped where nothing is in them, "
        "such as after trailing delimiters",
    )
    too_few: Literal["reject", "fill_empty"] = Field(
        "reject", description="`fill_empty`: cells that a row lacks at its end are empty"
    )
    join: list[str] = Field(
        [],
        description="columns in which the delimiter may stand unquoted. It is text where a blank follows it; "
        "there must be as many of those as cells are too many, all in one of these columns",
    )
    fits: dict[str, str] = Field(
        {},
        description="`{Name: pattern}` that whole cells of a joined row must have, besides the types of "
        "`source.columns`",
    )


class RecordTypeDoc(_Doc):
    """One of `source.records.types`: what the cells of such a record are, and where it belongs."""

    names: list[str] = Field([], description="its cells in their order, that of its type included")
    positions: dict[str, str] = Field(
        {}, description="of fixed-width text: `{Name: 11-28}`, as `source.positions` has them"
    )
    length: int | None = Field(
        None, description="of fixed-width text: how many characters such a line has"
    )
    under: str | None = Field(
        None,
        description="the type of the record that it belongs to: the nearest one above it",
    )
    inherits: list[str] = Field(
        [], description="columns of the record that it is `under` which are repeated on it"
    )
    ignore: bool = Field(
        default=False, description="`true`: such records are no rows; they are counted (R110)"
    )


class RecordsDoc(_Doc):
    """`source.records`: a file whose records are of several types."""

    by: str = Field(
        "1",
        description="the cell that says the type, from 1; of fixed-width text its characters: `1-3`",
    )
    column: str = Field("record", description="how the column with the type is called")
    types: dict[str, RecordTypeDoc] = Field(description="`{code: type}` for each type (below)")
    others: Literal["reject", "ignore"] = Field(
        "reject",
        description="records of types that are not declared: `reject` (R114), or `ignore`, which counts them (R110)",
    )


class SourceDoc(_Doc):
    """`source`: how the file is written."""

    format: Literal["csv", "fixed", "x12", "edifact"] = Field(
        "csv", description="`csv` (delimited text), `fixed` (fixed width), `x12` or `edifact`"
    )
    files: str | None = Field(
        None, description='a glob: which files of a folder this mapping reads: `"orders_*.csv"`'
    )
    encoding: str = Field(
        "utf-8",
        description="any text encoding; never guessed. A byte that does not fit is a finding of its row. "
        "For EDI it overrides what the interchange declares",
    )
    fallback_encodings: list[str] = Field(
        [],
        description="encodings to try in turn where the whole file is not in `encoding`: `[cp1252]`; the run "
        "says which it is. UTF-8 with a few broken bytes stays UTF-8",
    )
    delimiter: str = Field(
        ",",
        description='one character, or several such as `"+|"`; a tab is `"\\t"` in double quotes',
    )
    quote: str = Field('"', min_length=1, description="one character, or `none`")
    sheet: str | None = Field(
        None,
        description="of a workbook (.xlsx): the sheet by its name; not needed where it has only one",
    )
    escape: str | None = Field(
        None,
        description='the character that makes a delimiter, a quote, a line end or itself plain text: `"\\\\"`',
    )
    record_end: str | None = Field(
        None,
        description='what ends a record, if not the line: `"~"`, `"\\x1e"`, `"&|\\r\\n"`. Line breaks within '
        "cells are then text. Without it a line ends with LF, CR LF or, as the header does, with CR. Of fixed-width "
        "text only `none`: records of `length` characters stand behind each other",
    )
    skip_lines: int = Field(
        0, ge=0, le=1000, description="lines before the header that are left out"
    )
    find_header: list[str] = Field(
        [],
        description="names that tell the header: it is the first of 100 lines that has them all; the lines "
        "before it are left out",
    )
    names: list[str] = Field(
        [], description="of a file without header: the names of its columns, in their order"
    )
    comment: str | None = Field(
        None, min_length=1, description='what lines begin with that are left out: `"#"`'
    )
    footer: str | None = Field(
        None,
        description='pattern of the beginning of lines that are left out: `"T;|Total"`; they are counted, '
        "wherever they stand",
    )
    repair: RepairDoc | None = Field(
        None,
        description="what may be put right in rows with too many or too few cells (below); nothing is without it",
    )
    positions: dict[str, str] = Field(
        {},
        description="of fixed-width text: `{Name: 11-28}`, the first and the last character of each column "
        "([below](#fixed-width))",
    )
    records: RecordsDoc | None = Field(
        None,
        description="of a file with several types of records: how each is written ([below](#types-of-records))",
    )
    length: int | None = Field(
        None,
        description="of fixed-width text: how many characters each line has, if not as many as the columns; another "
        "number is a finding (R112)",
    )
    short_lines: Literal["reject", "trimmed"] = Field(
        "reject",
        description="of fixed-width text, `trimmed`: blanks at the ends of lines may have been cut off",
    )
    decimal: Literal[".", ","] = Field(".", description="`.` or `,`")
    thousands: Literal[".", ",", "'", "’", " ", "\u00a0", "\u202f", "none"] = Field(
        "none", description="`.` `,` `'` `’` a blank or a no-break space; groups must be of three"
    )
    dates: list[str] = Field(
        [],
        description="format of dates and date-times: `%d.%m.%Y`, or [several](#several-formats); without it dates are "
        "`%Y-%m-%d` and date-times `%Y-%m-%dT%H:%M:%S%z`",
    )
    timezone: str | None = Field(
        None,
        description="for times without an offset: `Europe/Berlin`; needed as soon as there are such times (M213)",
    )
    ambiguous: Ambiguous = Field(
        Ambiguous.REJECT,
        description="the hour that occurs twice in autumn: `reject`, `earliest` or `latest`",
    )
    null_values: dict[str, list[str]] = Field(
        {},
        description='texts that mean "nothing", as an empty cell does: `[NULL, "-"]`; or by column, `"*"` for '
        'all: `{"*": [NULL], Shipped: ["0000-00-00"]}`',
    )
    trim: bool = Field(
        True,  # noqa: FBT003 - it is the default
        description="**blanks around a cell are not data.** `false` keeps them",
    )
    columns: dict[str, ColumnType] = Field(
        {},
        description="`{Name: type}` for columns that expressions calculate with or compare as dates",
    )
    expect: ExpectationDoc | None = Field(
        None,
        description="what is known of the files before they come: [expectations](#expectations)",
    )
    transaction: list[str] = Field(
        [], description='of X12: the transaction set, or a list of them: `"856"`, `["850", "860"]`'
    )
    transactions: list[str] = Field([], description="the same as `transaction`")
    message: list[str] = Field(
        [], description="of EDIFACT: the message, or a list of them: `DESADV`"
    )
    messages: list[str] = Field([], description="the same as `message`")

    @field_validator("dates", "transaction", "transactions", "message", "messages", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        return _listed(given)

    @field_validator("quote")
    @classmethod
    def _one_quote(cls, quote: str) -> str:
        if quote != "none" and len(quote) != 1:
            message = "takes one character, or none"
            raise ValueError(message)
        return quote


def _listed(given: object) -> object:
    """One text is a list of one."""
    return [given] if isinstance(given, str) else given


class LookupFileDoc(_Doc):
    """A lookup table in a CSV file beside the mapping.

    A key of several columns is joined as `{template: "{a}:{b}"}` joins them; empty parts are left
    out. With `match: pattern` keys are regular expressions of the whole text.
    """

    file: str = Field(
        description="a CSV file in the folder of the mapping, or below: `couriers.csv`"
    )
    key: list[str] = Field(
        description='the column with what the export writes; several are joined by `:`, as `{template: "{a}:{b}"}` joins them'
    )
    value: str = Field(description="the column with what it means")
    match: Literal["text", "pattern"] = Field(
        "text",
        description="`pattern`: keys are regular expressions of a whole text; RE2, always quick",
    )
    empty_keys: Literal["reject", "skip"] = Field(
        "reject", description="`skip`: rows without a key are left out"
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="one character")
    encoding: str = Field("utf-8", description="of the file, such as `cp1252`")

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        return _listed(given)


class ExtractDoc(_Doc):
    """`extract`: how EDI messages become rows; a column is a path, or several in order."""

    rows: list[str] = Field(
        [],
        description="the levels whose instances become rows: `I`, `[P, O]`; without it those of the message",
    )
    each: list[str] = Field([], description="columns that give a row per distinct value")
    columns: dict[str, list[str]] = Field(
        description='`{name: PATH}` or `{name: [PATH, PATH]}`: the first path that is present: `"W06.2"`, `"N1[1=ST]>N4.3"`'
    )

    @field_validator("rows", "each", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        return _listed(given)

    @field_validator("columns", mode="before")
    @classmethod
    def _one_path_or_several(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        return {name: _listed(paths) for name, paths in given.items()}


class _CellDoc(_Doc):
    from_: str = Field(alias="from", description="the column whose cell holds the items")
    split: str = Field(
        min_length=1,
        description='what stands between items: `"|"`, `", "`; a tab is `"\\t"`, a line break `"\\n"`, in double quotes',
    )


class _NumberedDoc(_Doc):
    from_: str = Field(
        alias="from",
        description="the columns, with `{n}` for the number: `Item {n} SKU`. It is short for `{from: …}`",
    )


class _PartsDoc(_Doc):
    # the fields of the second base of a class stand before those of the first
    parts: str | None = Field(
        None,
        min_length=1,
        description='what divides an item into parts: `":"`; then the parts are columns, too',
    )
    names: list[str] = Field(
        [], description="the names of the parts, in their order; each item must have as many (R119)"
    )
    rest: str | None = Field(
        None, description="with `names`: the column of what stands behind the named parts, if any"
    )
    keys: dict[str, str] = Field(
        {},
        description="of parts that say what they are, `sku:A7;qty:2`: `{column: key}`. Parts with other keys are left alone",
    )
    mark: str = Field(
        ":", min_length=1, description="with `keys`: what stands between the key and its text"
    )
    escape: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description='the character that makes one of `split`, `parts` or `mark` plain text: `"\\\\"`; it is taken off',
    )


class ExplodeDoc(_PartsDoc, _CellDoc):
    """`rows.explode`: a column of the items of a cell."""


class UnpivotDoc(_PartsDoc, _NumberedDoc):
    """`rows.unpivot`: a column of those that are numbered in the header."""


class RowsDoc(_Doc):
    """`rows`: which rows form an order, which are left out, and what happens when they disagree."""

    key: list[str] = Field(
        [],
        description="the column, or columns, whose text rows of one order share; without it the order number",
    )
    skip: str | None = Field(
        None, description="SQL: rows for which it holds are left out, and counted"
    )
    conflicts: Conflicts = Field(
        Conflicts.REJECT,
        description="what to do where rows of one order differ in a value of the order: `reject`, or take the `first`",
    )
    on_error: Literal["hold"] = Field(
        "hold", description="one faulty row holds its whole order back"
    )
    explode: dict[str, ExplodeDoc] = Field(
        {},
        description='one row for each item of a cell: `{column: {from: Items, split: "|"}}`; of several, in step',
    )
    unpivot: dict[str, UnpivotDoc] = Field(
        {},
        description='one row for each number of numbered columns: `{column: "Item {n} SKU"}`; of several, in step',
    )
    number: str | None = Field(
        None, description="with one of both: a column with the number of the piece in its row"
    )

    @field_validator("unpivot", mode="before")
    @classmethod
    def _pattern_alone(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        return {
            name: {"from": entry} if isinstance(entry, str) else entry
            for name, entry in given.items()
        }


class PartDoc(SourceDoc):
    """One entry of `sources`: how its files are written, and what its rows have to do with others."""

    key: Any = Field(
        None,
        description="a VALUE, or a list of columns: what its rows share with those of the same order, or are found by. "
        "The source that makes orders takes its order number without it",
    )
    belongs_to: str | None = Field(
        None,
        description="the source whose orders these rows are of: lines, parcels, changes; many rows may be of one order",
    )
    joins: str | None = Field(
        None,
        description="the source to whose rows the columns of this one are joined, as `name.Column`: customers, products",
    )
    on: Any = Field(
        None,
        description="with `joins`: a VALUE of that other source, compared with `key`; without it the same as `key`",
    )
    orphans: Orphans = Field(
        Orphans.REJECT,
        description="with `belongs_to`, rows of no order: `reject` (R330), `keep` (they update the order whose number is "
        "their key) or `skip` (R331). With `joins`, rows that find nothing: `reject` (R333), or `keep`, with empty cells (R334)",
    )
    required: bool | None = Field(
        None,
        description="with `belongs_to`: every order has a row here (R332); true for new orders' `lines` unless said otherwise",
    )
    derive: dict[str, Any] = Field({}, description="new columns of this source, as `derive`")
    rows: RowsDoc = Field(
        RowsDoc.model_validate({}),
        description="as `rows`, without `key`: `skip`, `conflicts`, `explode`, `unpivot`",
    )


class LinesDoc(_Doc):
    """`lines`: the line items, one per row."""

    source: str | None = Field(
        None,
        description="of a mapping with `sources`: whose rows; that which makes orders without it",
    )
    send: Sending = Field(
        Sending.ON_CREATE,
        description="`on_create`: only with orders that the ledger does not know, so that lines are not replaced; or `always`",
    )
    when: str | None = Field(None, description="SQL: only rows for which it holds are lines")
    fields: dict[str, Any] = Field(description="fields of a line item: `field: VALUE`")


class TrackingsDoc(_Doc):
    """`trackings`: one add_tracking per distinct key."""

    source: str | None = Field(
        None,
        description="of a mapping with `sources`: whose rows; that which makes orders without it",
    )
    key: list[str] = Field(
        description="the column, or columns, that tell the parcels of an order apart"
    )
    when: str | None = Field(
        None, description="SQL: only rows for which it holds belong to parcels"
    )
    fields: dict[str, Any] = Field(
        description="fields of a parcel: `field: VALUE`; `articles` has what is in it, one per row"
    )


class MutationDoc(_Doc):
    """One entry of `mutations`; its fields are the members of the API's mutation."""

    type: str = Field(description="the change of an order that exists, such as `cancel_order`")
    source: str | None = Field(
        None,
        description="of a mapping with `sources`: whose rows; that which makes orders without it",
    )
    when: str | None = Field(
        None, description="SQL, row by row: a change for each row for which it holds"
    )
    when_all: str | None = Field(None, description="SQL that must hold for every row of the order")
    when_any: str | None = Field(None, description="SQL that must hold for one row of the order")
    fields: dict[str, Any] = Field({}, description="members of the change: `field: VALUE`")


class ValueDoc(_Doc):
    """One VALUE: where it comes from, how it is cleaned, and what it does when it cannot be had."""

    from_: str | None = Field(
        None, alias="from", description="the column that the value is taken from"
    )
    value: str | None = Field(
        None, description="fixed text, written plainly: `12.50`, `2026-01-31`, `true`, `DEU`"
    )
    template: str | None = Field(
        None,
        description='text with columns in braces: `"{Street} {No}"`; gaps of empty parts close',
    )
    first_of: list[Any] | None = Field(
        None, description="the first of several values that is not empty: `[Mobile, Phone]`"
    )
    cases: list[Any] | None = Field(
        None,
        description="the first case whose `when` holds: `[{when: SQL, value: a}, {from: B}]`; the last one has no `when`",
    )
    sql: str | None = Field(
        None,
        description='an expression over one row: `"Price * Qty"`; columns it calculates with are declared in `source.columns`',
    )
    row_number: Literal["order"] | None = Field(
        None,
        description="`order`: the number of the row in its order, for exports whose lines have no id",
    )
    do: list[Any] = Field(
        [], description='steps that change the text, in order: `[strip, {pad_left: [5, "0"]}]`'
    )
    lookup: str | None = Field(None, description="the table of `lookups` that translates the text")
    unknown: Unknown = Field(
        Unknown.REJECT,
        description="what to do with a text that the table does not have: `reject`, `keep` it, or `empty`",
    )
    as_: str | None = Field(
        None,
        alias="as",
        description="the type, where the target takes any: `date`, `boolean`, `decimal` …",
    )
    format: list[str] = Field(
        [],
        description='of dates: `"%d.%m.%Y %H:%M"`, or several in turn, if not those of `source.dates`',
    )
    default: str | None = Field(None, description="fixed text where the value is empty")
    when: str | None = Field(None, description="SQL: the field is left out where it does not hold")
    aggregate: Aggregate | None = Field(
        None, description="how the rows of an order become one value: `sum`, `first`, `min`, `max`"
    )
    on_error: OnError = Field(
        OnError.REJECT,
        description="`null`: a cell that cannot be converted is left out with a warning, instead of holding its order",
    )

    @field_validator("format", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        return _listed(given)

    @classmethod
    def column(cls, name: str) -> "ValueDoc":
        """The short form: a bare word is a column."""
        return cls.model_validate({"from": name})


def _texts(given: object) -> object:
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, dict) and all(isinstance(each, str) for each in given.values()):
        return given
    message = "takes a text, or with `sources` a table of one for each source"
    raise ValueError(message)


# Of a mapping with `sources` a text for each of them, by name; Pydantic's own union would name both.
OneOrEach = Annotated[
    Any,
    BeforeValidator(_texts),
    WithJsonSchema(
        {
            "type": ["string", "number", "boolean", "object"],
            "additionalProperties": {"type": "string"},
        }
    ),
]


class RejectedDoc(_Doc):
    """A finding that a test expects, by its code or by a word for it (`trials.RULE_WORDS`)."""

    source: str | None = Field(
        None, description="of a mapping with `sources`: the source whose file it stands in"
    )
    line: int | None = Field(
        None, description="the line of the test's rows or file, counted from 1"
    )
    segment: int | None = Field(None, description="of EDI: the segment")
    column: str | None = Field(None, description="the column")
    code: str | None = Field(None, description="the code, such as `R201`")
    rule: str | None = Field(
        None, description="the code or a word for it, such as `decimal_invalid`"
    )
    value: str | None = Field(None, description="the cell")


class ExpectDoc(_Doc):
    """What must come of a test's rows."""

    orders: list[Any] | None = Field(
        None,
        description="the payloads, in the order of the file: members that are listed are compared, lists as a whole",
    )
    rejected: list[RejectedDoc] = Field(
        [], description="every error that must be found; one that is not listed fails the test"
    )


class TestDoc(_Doc):
    """One entry of `tests`."""

    __test__ = False  # for pytest, which takes every class Test… for its own

    name: str = Field(description="what is tested, in a sentence")
    rows: OneOrEach = Field(
        None,
        description="the text of a file, header included, written as the export is; with `sources` one for each, by name",
    )
    file: OneOrEach = Field(
        None,
        description="instead of `rows`, a file in the folder of the mapping, or below; with `sources` one for each",
    )
    existing: list[str] = Field([], description="order numbers that the ledger knows")
    expect: ExpectDoc = Field(description="what must come of it")
    exact: bool = Field(
        default=False, description="`true`: members that are not listed must not be there"
    )


class MappingDoc(_Doc):
    """The whole file."""

    version: Literal["1"] = Field(description="of the language: `1`")
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="letters, digits, `-`, `_`; reports call the mapping by it, so it is unique in a run",
    )
    description: str = Field("", description="for people")
    mode: Mode = Field(
        Mode.CREATE_OR_UPDATE,
        description="`create_or_update`, or `update_only`: orders that the ledger does not know are not created",
    )
    source: SourceDoc = Field(
        description="how the file is written; nothing of it is guessed when a run reads it"
    )
    sources: dict[str, PartDoc] = Field(
        {},
        description="several files that make orders together: `{name: {files: …, key: …, belongs_to: …}}`; "
        "`source` is then what they have in common",
    )
    lookups: dict[str, Any] = Field(
        {},
        description="tables that translate texts: `{name: {key: value}}`, or a CSV file: `{name: {file: x.csv, key: code, value: courier}}`",
    )
    derive: dict[str, Any] = Field(
        {},
        description="new columns, `name: VALUE`; each sees those above it, and everything below sees them like columns of the file",
    )
    rows: RowsDoc = Field(
        RowsDoc.model_validate({}), description="which rows form an order, and which are left out"
    )
    order: dict[str, Any] = Field(
        description="fields of the order: `field: VALUE`; a bare word is a column, fixed text is `{value: …}`"
    )
    lines: LinesDoc | None = Field(None, description="line items, one per row")
    trackings: TrackingsDoc | None = Field(
        None, description="parcels, one `add_tracking` per distinct key"
    )
    mutations: list[MutationDoc] = Field([], description="changes of orders that exist")
    tests: list[TestDoc] = Field(
        [], description="what must come of some rows; `pipeline mapping test` runs them"
    )
    extract: ExtractDoc | None = Field(
        None, description="which elements of X12 or EDIFACT messages are the columns"
    )


ORIGINS = ("from", "value", "template", "first_of", "cases", "sql", "row_number")
