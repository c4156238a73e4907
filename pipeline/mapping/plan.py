"""The frozen Plan: everything the stages need to know of a mapping, no YAML in sight."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from pipeline.mapping.trail import Clause, Trail
from pipeline.model.edi.definition import Syntax
from pipeline.model.expectation import Expectation
from pipeline.model.field import Field, Kind, Shape

TEXT_PREFIX = "_text."  # a typed column's own text, beside its typed value
WHY_PREFIX = "_why."  # why the text of a declared or derived column is no value
KEY_COLUMN = "_made.key"  # the key of a source, where it has one of its own
ON_COLUMN = "_on."  # before the name of a reference file: what is looked up in it


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
class Repair:
    """What may be put right in records with too many or too few cells (`source.repair`).

    `join` are columns whose text may hold the delimiter unquoted; `fits` are patterns that cells of
    a record put together so must have, besides the declared types.
    """

    too_many: bool = False  # cells at the end that are too many are dropped where they are empty
    too_few: bool = False  # cells that are missing at the end are empty
    join: tuple[str, ...] = ()
    fits: Mapping[str, str] = dataclasses.field(default_factory=dict)


TEXT_FORMATS = ("csv", "fixed")  # of `source.format`; all others are EDI


class Position(NamedTuple):
    """The characters of a line that are a column, counted from 1, `last` included (`source.positions`).

    `last` is None where the column goes on to the end of its line.
    """

    name: str
    first: int
    last: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """One type of the records of a file (`source.records.types`).

    `names` are the cells of delimited text in their order ("" for one that nobody needs), `positions`
    those of fixed-width text; `length` is how many characters such a line has, where that is said.
    `under` is the type of the record that it belongs to, `inherits` are columns of that one which
    are repeated on it. Records of an `ignored` type are no rows.
    """

    code: str
    names: tuple[str, ...] = ()
    positions: tuple[Position, ...] = ()
    length: int | None = None
    under: str | None = None
    inherits: tuple[str, ...] = ()
    ignored: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its own cells are."""
        return tuple(
            name for name in (*self.names, *(each.name for each in self.positions)) if name
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTypes:
    """The types of records that one file has, and how a record says which it is (`source.records`).

    `cell` is the number of the cell that says it, from 1; of fixed-width text `place` are its
    characters. `column` is the column that has the type. `types` stand in an order in which each has the
    one that it is `under` before it. With `others_ignored` records of other types are no rows.
    """

    cell: int = 1
    place: Position | None = None
    column: str = "record"
    types: tuple[RecordType, ...] = ()
    others_ignored: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file: the type, then those of each type; a name is one column for all."""
        return tuple(
            dict.fromkeys((self.column, *(name for each in self.types for name in each.columns)))
        )

    def of(self, code: str) -> RecordType | None:
        """The type of this code."""
        return next((each for each in self.types if each.code == code), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    r"""How the file is written (MAPPING §2, `source`). Nothing here is guessed at run time.

    `trailer` is the first cell of a last record that is no data; None where there is none.

    For EDI `delimiter` and `quote` mean nothing, and `encoding` is "" where the file is to say it.
    `fallbacks` are encodings to try in turn when the whole file is not in `encoding`. `record_end`
    is None where records end with a line, whatever ends it: \n, \r\n or \r. `names` are those of a
    file without header; `find_header` are names that tell the header from the lines before it.

    Of fixed-width text `positions` are the columns by their place, `length` is the number of characters
    that each line has, where that is known, and `trimmed` says that blanks at the ends of lines may have
    been cut off. `delimiter` and `quote` mean nothing then, `record_end` is "" where records of `length`
    characters stand behind each other without line ends, and `trailer` is what the trailer begins with;
    `trailer_cells` are what it says, in the order in which the expectation counts them from 2.

    `records` are the types of records where a file has several; then its columns are theirs.

    `null_values` mean "nothing" in every column, `null_values_of` in one of them; so does no text at all.
    `dates` are formats, of which the first that fits counts.
    """

    format: str = "csv"
    files: str | None = None  # glob that tells which files of a folder this mapping reads
    encoding: str = "utf-8"
    fallbacks: tuple[str, ...] = ()
    delimiter: str = ","
    quote: str | None = '"'
    sheet: str | None = None  # of a workbook
    escape: str | None = None
    record_end: str | None = None
    skip_lines: int = 0
    names: tuple[str, ...] = ()
    find_header: tuple[str, ...] = ()
    comment: str | None = None
    footer: str | None = None
    repair: Repair | None = None
    decimal: str = "."
    thousands: str | None = None
    dates: tuple[str, ...] = ()
    timezone: str | None = None
    ambiguous: Ambiguous = Ambiguous.REJECT
    null_values: tuple[str, ...] = ()
    null_values_of: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    trim: bool = True
    columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=dict)
    trailer: str | None = None
    positions: tuple[Position, ...] = ()
    length: int | None = None
    trimmed: bool = False
    trailer_cells: tuple[Position, ...] = ()
    records: RecordTypes | None = None

    def nothing(self, column: str) -> list[str]:
        """The texts that mean "nothing" in a column, blanks around them aside.

        >>> Source(null_values=("-",), null_values_of={"Date": ("0000-00-00",)}).nothing("Date")
        ['', '-', '0000-00-00']
        """
        return sorted({"", *self.null_values, *self.null_values_of.get(column, ())})


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a segment must hold to be picked: `[1=ST]`, `[1.1=ON|CO]`, `[2!=GM]`, `[*=SK]`.

    `element` counts from 1 and is 0 for `*`: any element. `component` counts from 1; 0 compares the
    whole element in X12 and its first component in EDIFACT. It holds where the text is one of
    `values` (blanks around it aside), or with `negated` where it is none of them, empty included.
    """

    element: int
    component: int = 0
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPick:
    """A segment by its tag and by what it holds: all `conditions` must hold.

    At most one condition has element 0. `among` then lists the elements it is looked for in, in
    order (the qualifiers of the segment: 2, 4, 6 … of LIN); empty means every element.
    """

    tag: str
    conditions: tuple[Condition, ...] = ()
    among: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractPath:
    """Where a value of an EDI row stands, as `extract:` writes it (MAPPING §3 iii, iv).

    From the row outwards, the nearest node counts that has the name `level` (any when "") and whose
    first segment meets `level_conditions`, and that holds the `segment`; there its first one. With
    `within`, only segments in the same instance of the loop that such a segment begins count.

    The value is element `element`, or where that is 0 the one that `*` matched, moved on by
    `after` (`.+1`). `component` 0 is the whole element in X12, the first component in EDIFACT.

    Several values: `last_element` beyond `element` takes all elements up to it (`2-6`); otherwise
    the two are equal. A range of numbers ends in `to_element` (`2..3`) or, per element, in
    `to_component` (`1..2`); both are 0 otherwise. An empty end means the first number alone.
    """

    level: str = ""
    level_conditions: tuple[Condition, ...] = ()
    within: SegmentPick | None = None
    segment: SegmentPick
    element: int
    after: int = 0
    last_element: int
    component: int = 0
    to_element: int = 0
    to_component: int = 0
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractColumn:
    """One column of the rows: the first of its `paths` that has a value, in order.

    With `each` the node gives a row per distinct value, otherwise the first value is used. `line`
    is the line of the mapping.
    """

    name: str
    paths: tuple[ExtractPath, ...]
    each: bool = False
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractPlan:
    """How messages become rows.

    `messages` are the types that the mapping reads ("856", "DESADV"); `rows` the levels whose
    instances become rows, never empty: without a word of the mapping, those of its messages.
    """

    syntax: Syntax
    messages: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[ExtractColumn, ...]

    def shown(self, column: str) -> str:
        """The paths of a column as the mapping writes them, for findings; "" for other names."""
        paths = next((each.paths for each in self.columns if each.name == column), ())
        return ", ".join(path.text for path in paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceColumn:
    """A column of the pieces of a row: an item of a cell, or one of a group of numbered columns.

    `source` is the column whose cell holds the items, divided by `split`; where `split` is None it is a
    pattern with NUMBER in the place of the number: `Item {n} SKU`.

    With `parts` each text is taken apart: `names` are the columns of its parts in order, `rest` that of
    what is left behind them; or `keys` are pairs of column and key of parts written `key` `mark` text.
    Behind `escape` a character of these is plain text.
    """

    name: str
    source: str
    split: str | None
    parts: str | None = None
    names: tuple[str, ...] = ()
    rest: str | None = None
    keys: tuple[tuple[str, str], ...] = ()
    mark: str = ":"
    escape: str | None = None
    line: int = 1

    @property
    def reserved(self) -> str:
        """The characters that `escape` makes plain text, each once."""
        mark = self.mark if self.keys else ""
        return "".join(dict.fromkeys((self.split or "") + (self.parts or "") + mark))

    @property
    def made(self) -> tuple[str, ...]:
        """The names of the columns that come of it, its own first."""
        rest = () if self.rest is None else (self.rest,)
        return (self.name, *self.names, *rest, *(name for name, _ in self.keys))


NUMBER = "{n}"  # in the name of numbered columns
NUMBER_MAX = 254  # of numbered columns; those of a cell are 255 at most (`model.origin.COPIES_MAX`)


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecesPlan:
    """How a row becomes several (`rows.explode`, `rows.unpivot`); all `columns` go in step.

    `number` is the column that says which piece of its row it is.
    """

    columns: tuple[PieceColumn, ...]
    number: str | None = None

    @property
    def numbered(self) -> bool:
        """Whether the pieces stand in numbered columns, and not in one cell."""
        return self.columns[0].split is None

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that pieces have besides those of their row."""
        number = () if self.number is None else (self.number,)
        return (*(name for column in self.columns for name in column.made), *number)

    def source_of(self, name: str) -> str | None:
        """The column of the file, or the pattern, from which a column of pieces is; None for others."""
        if name == self.number:
            return self.columns[0].source
        return next((each.source for each in self.columns if name in each.made), None)


def numbered(pattern: str, columns: Iterable[str]) -> dict[int, str]:
    """The columns that a pattern means, by their number; one of them where several have the same.

    >>> numbered("Item {n} SKU", ["Item 1 SKU", "Item 02 SKU", "Items"])
    {1: 'Item 1 SKU', 2: 'Item 02 SKU'}
    """
    return {number: names[0] for number, names in all_numbered(pattern, columns).items()}


def all_numbered(pattern: str, columns: Iterable[str]) -> dict[int, list[str]]:
    """All columns that a pattern means, by their number, in the order of their names.

    >>> all_numbered("Item {n}", ["Item 2", "Item 1", "Item 01"])
    {1: ['Item 01', 'Item 1'], 2: ['Item 2']}
    """
    before, _, behind = pattern.partition(NUMBER)
    found: dict[int, list[str]] = {}
    for column in sorted(columns):
        number = column[len(before) : len(column) - len(behind)]
        there = column.startswith(before) and column.endswith(behind)
        if there and number.isascii() and number.isdigit() and len(number) <= _NUMBER_DIGITS:
            found.setdefault(int(number), []).append(column)
    return dict(sorted(found.items()))


_NUMBER_DIGITS = 9


class Mode(StrEnum):
    """Whether orders that the ledger does not know may be created."""

    CREATE_OR_UPDATE = "create_or_update"
    UPDATE_ONLY = "update_only"


class Conflicts(StrEnum):
    """What happens when rows of one order disagree about a value of the order."""

    REJECT = "reject"
    FIRST = "first"


class Sending(StrEnum):
    """When the list of line items is sent."""

    ON_CREATE = "on_create"
    ALWAYS = "always"


class Aggregate(StrEnum):
    """How the values of an order's rows become one value of the order."""

    SUM = "sum"
    FIRST = "first"
    MIN = "min"
    MAX = "max"


class Scope(StrEnum):
    """Whose condition a mutation obeys: its row's, all rows' or any row's of the order."""

    ROW = "row"
    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlan:
    """How one field is made.

    `slot` names its column in the FieldTable ("order.shipping_address.city", "lines.sku"),
    `target` its path in the API ("shipping_address.city", "articles_order.sku"). `value` is typed
    by `kind`; `reason` is a finding code or null; `raw` is the text that a finding quotes.
    `column` is the source column that a person must look at, `columns` are all that feed it.
    `fill` is the default of a field of which all rows of an order, or of a parcel, have one value:
    it is taken where none of them has any.
    `trail` is how the value comes about, for people who ask.
    """

    slot: str
    target: str
    name: str
    kind: Kind
    field: Field
    value: pl.Expr
    raw: pl.Expr
    reason: pl.Expr | None = None
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    columns: tuple[str, ...] = ()
    line: int = 1
    drop_on_error: bool = False
    constant: bool = False
    aggregate: Aggregate | None = None
    fill: pl.Expr | None = None
    trail: Trail | None = None

    @property
    def column(self) -> str:
        """The source column that a finding names; "" for fixed text."""
        return self.columns[0] if self.columns else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPlan:
    """An object of the API and the members that the mapping makes, in the API's order."""

    name: str
    slot: str
    target: str
    shape: Shape | None
    members: "tuple[Member, ...]"
    line: int = 1

    def leaves(self) -> "list[FieldPlan]":
        """All fields inside, in order."""
        found: list[FieldPlan] = []
        for member in self.members:
            found.extend([member] if isinstance(member, FieldPlan) else member.leaves())
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlan:
    """A list of the API that the mapping writes item by item: tags, attributes, recipients."""

    name: str
    kind: Kind
    items: "tuple[FieldPlan | ObjectPlan, ...]"

    def leaves(self) -> "list[FieldPlan]":
        """All fields inside, in order."""
        found: list[FieldPlan] = []
        for item in self.items:
            found.extend([item] if isinstance(item, FieldPlan) else item.leaves())
        return found


Member = FieldPlan | ObjectPlan | ListPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlan:
    """One source column, or one derived column, as the expressions see it.

    A declared column has a typed `value` and a `reason`; text columns have `value` only. `numbers`
    marks a derived column that counts the rows of an order, and so tells equal rows apart.
    """

    name: str
    kind: Kind
    value: pl.Expr
    reason: pl.Expr | None = None
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    columns: tuple[str, ...] = ()
    line: int = 1
    numbers: bool = False
    trail: Trail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesPlan:
    """The line items of the order."""

    send: Sending
    when: pl.Expr | None
    item: ObjectPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingsPlan:
    """One add_tracking per distinct key; articles and checkpoints gather one entry per row."""

    key: pl.Expr
    key_columns: tuple[str, ...]
    when: pl.Expr | None
    tracking: ObjectPlan
    articles: ObjectPlan | None
    checkpoints: ObjectPlan | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationPlan:
    """One entry of `mutations`; `index` counts from 0 in the mapping."""

    index: int
    type: str
    scope: Scope
    when: pl.Expr | None
    body: ObjectPlan
    line: int


class Orphans(StrEnum):
    """What becomes of rows whose counterpart in another source is not there (`sources.….orphans`)."""

    REJECT = "reject"
    KEEP = "keep"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """How the rows of a source belong to the orders that another one makes.

    `to` is the name of that plan. `orphans` are rows of no order there; with `required` each order
    has a row here.
    """

    to: str
    orphans: Orphans
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A reference file whose columns stand in the rows of a plan as `{label}.Name`.

    `reference` is the name of its plan; `on` is the name of the derived column with the key that is
    looked up, `on_columns` what that is made of. With `keep` the cells are empty where no row has
    the key.
    """

    label: str
    reference: str
    on: str
    on_columns: tuple[str, ...]
    columns: tuple[str, ...]
    keep: bool
    line: int

    def named(self, column: str) -> str:
        """What a column of the reference file is called in the rows that it is joined to."""
        return f"{self.label}.{column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compiled mapping, or what one of its `sources` is for.

    `key` gives the text that rows of one order share. `reads` are the columns to read from the
    file; `typed` and `derived` are made first, in order, and all other expressions see them.
    `extract` says how messages become rows; None for delimited text. `expects` is what its files
    must be like; None where nothing was said. `clauses` are the conditions of rows and sections as
    they are written, by where they stand: `rows.skip`, `lines.when`, `mutations.0.when_all`.

    Of several sources, `part` is the name of this one. Those that do not make orders have
    `belongs`; `joins` are the reference files of a source, and one that `is_reference` makes nothing
    of its own: `key` is then what its rows are found by.
    """

    name: str
    sha256: str
    mode: Mode
    source: Source
    reads: tuple[str, ...]
    typed: tuple[ColumnPlan, ...]
    derived: tuple[ColumnPlan, ...]
    key: pl.Expr
    key_columns: tuple[str, ...]
    skip: pl.Expr | None
    conflicts: Conflicts
    order: ObjectPlan
    lines: LinesPlan | None
    trackings: TrackingsPlan | None
    mutations: tuple[MutationPlan, ...]
    extract: ExtractPlan | None = None
    expects: Expectation | None = None
    clauses: Mapping[str, Clause] = dataclasses.field(default_factory=dict)
    pieces: PiecesPlan | None = None
    part: str = ""
    belongs: Belonging | None = None
    joins: tuple[Join, ...] = ()
    is_reference: bool = False

    @property
    def joined(self) -> tuple[str, ...]:
        """The columns that come from reference files, as expressions call them."""
        return tuple(join.named(column) for join in self.joins for column in join.columns)

    @property
    def own_reads(self) -> tuple[str, ...]:
        """The columns to read from the file itself."""
        joined = set(self.joined)
        return tuple(name for name in self.reads if name not in joined)

    def called(self, column: ColumnPlan) -> str | None:
        """What the mapping calls a column that only finds rows: `lines.key`, `customers.on`; of others None."""
        if column.name == KEY_COLUMN:
            return f"{self.part}.key"
        if column.name.startswith(ON_COLUMN):
            return f"{column.name.removeprefix(ON_COLUMN)}.on"
        return None

    def fields(self) -> list[FieldPlan]:
        """Every mapped field, in the order in which findings of a row are ranked."""
        found = self.order.leaves()
        if self.lines is not None:
            found += self.lines.item.leaves()
        if self.trackings is not None:
            found += self.trackings.tracking.leaves()
            for nested in (self.trackings.articles, self.trackings.checkpoints):
                found += nested.leaves() if nested is not None else []
        for mutation in self.mutations:
            found += mutation.body.leaves()
        return found
