"""One mapping, or one source of it, to a frozen Plan: its sections in the order in which they need each other."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from pipeline.mapping.bounds import COLUMNS_MAX
from pipeline.mapping.closed import closed_by
from pipeline.mapping.columns import Known, Scope
from pipeline.mapping.combine import Picked
from pipeline.mapping.converters import COLUMN_KINDS, ConverterMistake, convert_text
from pipeline.mapping.document import Data, Path
from pipeline.mapping.expected import read_expectation
from pipeline.mapping.extract import read_extract
from pipeline.mapping.language import (
    MappingDoc,
    PartDoc,
)
from pipeline.mapping.layout import names_of
from pipeline.mapping.lookups import read_lookups
from pipeline.mapping.pieces import read_pieces
from pipeline.mapping.plan import (
    KEY_COLUMN,
    ON_COLUMN,
    TEXT_FORMATS,
    TEXT_PREFIX,
    Belonging,
    ColumnPlan,
    ColumnType,
    FieldPlan,
    Join,
    ObjectPlan,
    Orphans,
    PiecesPlan,
    Plan,
)
from pipeline.mapping.records import record_columns
from pipeline.mapping.sources import Part
from pipeline.mapping.targets import Targets
from pipeline.mapping.trials import Trial, read_trials
from pipeline.mapping.values import Target, Values
from pipeline.model.catalogue import SHAPES
from pipeline.model.expectation import Expectation
from pipeline.model.field import Kind
from pipeline.model.origin import FILE, LINE

if TYPE_CHECKING:
    from pipeline.mapping.trail import Clause

from pipeline.mapping.notation import notation_of
from pipeline.mapping.remarks import warn, warn_of_numbers
from pipeline.mapping.sections import Sections

_NULLS: Path = ("source", "null_values")
KEY_JOINT = "\x1f"  # between the parts of a key of several columns
# What must be sound for the header of a file to be read.
_READING: tuple[Path, ...] = (
    ("source",),
    *(("source", key) for key in (
        "format", "encoding", "fallback_encodings", "delimiter", "quote", "trim", "escape", "record_end", "skip_lines", "names",
        "find_header", "comment", "records",
    )),
)  # fmt: skip


class Compiler:
    """Compiles a mapping, or one source of it: then `part` says which, and `joined` what is joined to it."""

    def __init__(
        self, scope: Scope, doc: MappingDoc, load: Callable[[str], bytes] | None,
        part: Part | None = None, joined: "Sequence[Compiler]" = (),
    ) -> None:  # fmt: skip
        self.scope = scope
        self.doc = doc
        self.load = load
        self.part = part
        self.joined = joined
        self._expects: tuple[Expectation | None] | None = None
        self.values = Values(scope, self._row_number)
        self._skip: tuple[pl.Expr | None] | None = None  # made once, where it is first needed
        self.sections = Sections(
            scope, doc, Targets(scope, self.values), self._condition, self._key
        )
        self.trials: tuple[Trial, ...] = ()
        self.clauses: dict[str, Clause] = {}
        # an interchange has no header: its columns are those of `extract`
        self.file_readable = doc.source.format == "csv" and not scope.unsure(*_READING)

    def plan(self) -> Plan | None:
        """Compile all sections; None when one that others need has mistakes."""
        doc, scope = self.doc, self.scope
        edi = doc.source.format not in TEXT_FORMATS
        expects = self.opened()
        extract = read_extract(scope, doc.source, doc.extract)
        read_lookups(scope, doc.lookups, self.load)
        pieces = read_pieces(scope, doc.rows, doc.source.format)
        for name in scope.source.null_values_of:
            scope.find(name, (*_NULLS, name), key=True)
        typed = self._typed()
        late = self._is_made_of(self.doc.derive)
        made_key = None if late else self._key_of_part()
        joins, looked_up = self._joins()
        typed += self._typed_of_joined()
        derived = [*looked_up, *self._derived()]
        if late:
            made_key = self._key_of_part()
        if made_key is not None:
            derived.insert(len(derived) if late else 0, made_key)
        skip = self._skipped()
        order = (
            self.sections.order()
            if self.part is None or self.part.is_root
            else self._no_order(made_key)
        )
        key, key_columns = self._key(doc.rows.key, ("rows", "key"), order)
        if made_key is not None:
            key, key_columns = pl.col(made_key.name), made_key.columns
        self._of_whole_rows(key_columns, pieces)
        lines = self.sections.lines()
        trackings = self.sections.trackings()
        mutations = [
            m for i, entry in enumerate(doc.mutations) if (m := self.sections.mutation(i, entry))
        ]
        self.trials = read_trials(
            scope, doc.tests, self.part.sources if self.part is not None else ()
        )
        warn(scope, doc, order, alone=self.part is None)
        warn_of_numbers(scope, derived, mutations)
        if order is None or key is None or (extract is None) == edi:
            return None
        made = {column.name for column in derived}
        reads = {*scope.used_columns, *doc.source.columns, *(c.name for c in typed)} - made
        if scope.source.records is not None:  # which cells are another record's is told by it
            reads.add(scope.source.records.column)
        if pieces is not None:
            used = {column.source for column in pieces.columns if column.split is not None}
            reads = reads.difference(pieces.names) | used
        for each in self.joined:
            label = f"{each.name}."
            needed = [name.removeprefix(label) for name in reads if name.startswith(label)]
            each.scope.used_columns.update(dict.fromkeys(needed))
        return Plan(
            name=f"{doc.name}.{self.name}" if self.part is not None else doc.name,
            part=self.name, belongs=self._belonging(), joins=self._with_columns(joins, reads),
            is_reference=self.part is not None and self.part.is_reference, sha256=hashlib.sha256(self.scope.document.text.encode()).hexdigest(),
            mode=doc.mode, source=scope.source, reads=tuple(sorted(reads)), typed=tuple(typed),
            derived=tuple(derived), key=key, key_columns=key_columns, skip=skip,
            conflicts=doc.rows.conflicts, order=order, lines=lines, trackings=trackings,
            mutations=tuple(mutations), extract=extract, expects=expects, clauses=self.clauses,
            pieces=pieces,
        )  # fmt: skip

    # -- several sources --------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the source; "" where there is only one."""
        return self.part.name if self.part is not None else ""

    @property
    def part_source(self) -> PartDoc:
        """What `sources` says of it."""
        assert self.part is not None  # noqa: S101 - only sources are asked
        return self.part.source

    def opened(self) -> Expectation | None:
        """Read how the file is written, once; what is joined to it must know before it is compiled."""
        if self._expects is None:
            doc, scope = self.doc, self.scope
            if doc.source.records is not None:
                named = record_columns(doc.source.records)
                scope.header = None if named is None else named | scope.lost
            elif doc.source.format == "fixed":
                scope.header = names_of(scope, doc.source)
            self._expects = (read_expectation(scope, doc.source.expect, doc.source.format),)
            scope.source, readable = notation_of(scope, self.values, doc.source, self._expects[0])
            self.file_readable = self.file_readable and readable
        return self._expects[0]

    def _key_of_part(self) -> ColumnPlan | None:
        """The key of a source as a column of its own: a VALUE can fail, and then a cell is to blame."""
        if self.part is None or self.part.source.key is None:
            return None
        return self._hidden(KEY_COLUMN, self.part.source.key, ("sources", self.name, "key"))

    def _is_made_of(self, derived: Collection[str]) -> bool:
        """Whether the key of this source is made of derived columns; `row_number` needs it before these."""
        data = self.part.source.key if self.part is not None else None
        if isinstance(data, dict):
            data = data.get("from")
        named = data if isinstance(data, list) else [data]
        return any(isinstance(each, str) and each in derived for each in named)

    def _hidden(self, name: str, data: Data, at: Path) -> ColumnPlan | None:
        line = self.scope.document.key_place(at).line
        if isinstance(data, list):
            names = [each if isinstance(each, str) else "" for each in data]
            joined, columns = self._key(names, at, None) if names else (None, ())
            if joined is None:
                return None
            return ColumnPlan(name=name, kind=Kind.TEXT, value=joined, columns=columns, line=line)
        made = self.values.value(data, Target(Kind.TEXT, derived=True), at)
        if made is None:
            return None
        if any(self.scope.is_joined(column) for column in made.columns):
            hint = "make it of the columns of its own file"
            text = "a key is needed before anything is joined"
            self.scope.mistake("M103", text, at, hint)
            return None
        return ColumnPlan(name=name, kind=Kind.TEXT, value=made.value, reason=made.reason,
                          details=made.details, columns=made.columns, line=line,
                          trail=made.trail)  # fmt: skip

    def _joins(self) -> tuple[list[Join], list[ColumnPlan]]:
        """The reference files of this source, and the columns with what is looked up in each."""
        joins, columns = [], []
        for each in self.joined:
            doc = each.part_source
            at: Path = ("sources", each.name, "on")
            data = doc.on
            if data is None:
                at, data = ("sources", each.name, "key"), doc.key
            made = self._hidden(f"{ON_COLUMN}{each.name}", data, at)
            if made is None:
                continue
            columns.append(made)
            joins.append(
                Join(label=each.name, reference=f"{self.doc.name}.{each.name}", on=made.name,
                     on_columns=made.columns, columns=(), keep=doc.orphans is Orphans.KEEP,
                     line=self.scope.document.key_place(at).line)
            )  # fmt: skip
        for each in self.joined:
            each.opened()
            self.scope.joined[each.name] = each.scope.header
            self.scope.notations[each.name] = each.scope.source
        return joins, columns

    def _typed_of_joined(self) -> list[ColumnPlan]:
        return [
            plan
            for each in self.joined
            for name, declared in each.doc.source.columns.items()
            if (plan := self._typed_as(f"{each.name}.{name}", declared,
                                       ("sources", each.name, "columns", name))) is not None
        ]  # fmt: skip

    def _with_columns(self, joins: Sequence[Join], reads: Collection[str]) -> tuple[Join, ...]:
        return tuple(
            replace(join, columns=tuple(sorted(
                name.removeprefix(f"{join.label}.") for name in reads
                if name.startswith(f"{join.label}.")
            )))
            for join in joins
        )  # fmt: skip

    def _belonging(self) -> Belonging | None:
        part = self.part
        if part is None or part.is_root or part.is_reference:
            return None
        return Belonging(to=f"{self.doc.name}.{part.makes}", orphans=part.source.orphans,
                         required=part.required)  # fmt: skip

    def _no_order(self, key: ColumnPlan | None) -> ObjectPlan | None:
        """What a source has of the order that it does not make: the number, once that is known.

        Its rows get the number of their order when they are put beside it.
        """
        if key is None or self.part is None:
            return None
        shape = SHAPES["order"]
        field = shape.field("order_number")
        assert field is not None  # noqa: S101 - the catalogue has it
        number = FieldPlan(
            slot="order.order_number", target="order_number", name="order_number", kind=field.kind,
            field=field, value=pl.lit(None, pl.String), raw=pl.lit(None, pl.String),
            columns=key.columns, line=key.line,
        )  # fmt: skip
        members = () if self.part.is_reference else (number,)
        return ObjectPlan(name="order", slot="order", target="", shape=shape, members=members)

    # -- the file's side --------------------------------------------------------------------

    def _typed(self) -> list[ColumnPlan]:
        plans: list[ColumnPlan] = []
        if len(self.doc.source.columns) > COLUMNS_MAX:
            text = f"{len(self.doc.source.columns):,} typed columns are too many: at most {COLUMNS_MAX}"
            hint = "columns need a type only where expressions calculate with them"
            self.scope.mistake("M230", text, ("source", "columns"), hint, key=True)
            return plans
        self.scope.untyped |= {
            str(at[2])
            for at in self.scope.broken
            if at[:2] == ("source", "columns") and len(at) > 2
        }
        for name, declared in self.doc.source.columns.items():
            made = self._typed_as(name, declared, ("source", "columns", name))
            plans += [made] if made is not None else []
        return plans

    def _typed_as(self, name: str, declared: ColumnType, at: Path) -> ColumnPlan | None:
        if self.scope.find(name, at, key=True) is None:
            return None
        kind = COLUMN_KINDS[declared]
        try:
            notation = self.scope.notation((name,))
            made = convert_text(pl.col(TEXT_PREFIX + name), kind, notation)
        except ConverterMistake as error:
            self.scope.untyped.add(name)
            if not self.scope.unsure(("source", "timezone")):
                self.scope.mistake(error.code, error.message, at, error.hint)
            return None
        self.scope.known[name] = Known(kind, (name,), fails=True)
        line = self.scope.document.key_place(at).line
        return ColumnPlan(name=name, kind=kind, value=made.value, reason=made.reason,
                          details=made.details, columns=(name,), line=line)  # fmt: skip

    def _derived(self) -> list[ColumnPlan]:
        plans = []
        self.scope.later.update(self.doc.derive)
        for name, data in self.doc.derive.items():
            at: Path = ("derive", name)
            self.scope.possible(name, at, key=True)
            taken = self.scope.header is not None and name in self.scope.header
            if taken or name in self.scope.known:
                text = f'a column "{name}" exists already'
                self.scope.mistake("M203", text, at, "choose another name", key=True)
            made = self.values.value(data, Target(Kind.ANY, derived=True), at)
            self.scope.later.discard(name)
            if made is None:
                # known all the same, so that its uses are not reported as mistakes of their own
                self.scope.known[name] = Known(Kind.TEXT, ())
                self.scope.untyped.add(name)
                continue
            self.scope.known[name] = Known(made.kind, made.columns, fails=made.reason is not None)
            closed = closed_by(data, self.scope.lookups)
            if closed is not None:
                self.scope.closed[name] = closed
            line = self.scope.document.key_place(at).line
            plans.append(
                ColumnPlan(name=name, kind=made.kind, value=made.value, reason=made.reason,
                           details=made.details, columns=made.columns, line=line,
                           numbers=isinstance(data, dict) and "row_number" in data,
                           trail=made.trail)
            )  # fmt: skip
        return plans

    def _skipped(self) -> pl.Expr | None:
        if self._skip is None:
            self._skip = (self._condition(self.doc.rows.skip, ("rows", "skip")),)
        return self._skip[0]

    def _row_number(self, path: Path) -> Picked | None:
        """Count the rows of an order in their file, from 1; those that are skipped do not count.

        So a row keeps its number in the rows to correct, where the skipped ones are missing.
        """
        whole = path[0] == "derive" and len(path) == 3
        if not whole:
            hint = "make a column of it: derive: {n: {row_number: order}}"
            text = "`row_number` is a derived column of its own"
            self.scope.mistake("M103", text, path, hint, key=True)
            return None
        if self.part is not None and self._is_made_of(self.doc.derive):
            hint = "write how the key is made at `key` itself"
            text = "rows cannot be numbered by a key that is made of derived columns"
            self.scope.mistake("M103", text, path, hint, key=True)
            return None
        if self.part is not None and self.part.source.key is not None:
            made: tuple[pl.Expr | None, tuple[str, ...]] = (pl.col(KEY_COLUMN), ())
        elif not self.doc.rows.key:
            if not self.scope.unsure(("rows",), ("rows", "key")):
                hint = "say which column tells the orders apart: rows: {key: OrderNo}"
                text = "rows cannot be numbered in their order without `rows.key`"
                self.scope.mistake("M102", text, path, hint, key=True)
            return None
        else:
            made = self._key(self.doc.rows.key, ("rows", "key"), None)
        key, columns = made
        skip = self._skipped()
        if key is None or (skip is None and self.doc.rows.skip is not None):
            return None
        counted = pl.col(LINE) if skip is None else pl.when(~skip).then(pl.col(LINE))
        number = counted.cum_count().cast(pl.Int64).over(FILE, key)
        written_out = number.cast(pl.String)
        return Picked(number, pl.Int64(), written_out, columns, written_out, typed=True)

    def _condition(self, sql: str | None, at: Path) -> pl.Expr | None:
        made = self.scope.condition(sql, at) if sql is not None else None
        if made is None or sql is None:
            return None
        where = ".".join(map(str, at))
        self.clauses[where] = self.values.clause(sql, made, at)
        return made[0]

    def _key(
        self, names: list[str], at: Path, order: ObjectPlan | None
    ) -> tuple[pl.Expr | None, tuple[str, ...]]:
        """The text that rows of one order share; without `rows.key`, that of the order number."""
        if not names:
            number = (
                next((f for f in order.leaves() if f.name == "order_number"), None)
                if order
                else None
            )
            if number is None:
                return None, ()
            return number.value, number.columns
        parts: list[pl.Expr] = []
        columns: list[str] = []
        listed = (*at, 0) in self.scope.document.values
        for i, name in enumerate(names):
            known = self.scope.column(name, (*at, i) if listed else at)
            if known is not None:
                parts.append(self.scope.text(name, known))
                columns += known.sources
        if len(parts) < len(names):
            return None, ()
        # any empty part empties the key
        joined = parts[0] if len(parts) == 1 else pl.concat_str(parts, separator=KEY_JOINT)
        return joined, tuple(dict.fromkeys(columns))

    def _of_whole_rows(self, key_columns: tuple[str, ...], pieces: PiecesPlan | None) -> None:
        """A row lies in one partition and is accounted for once: all of its pieces are of one order."""
        of_pieces = [] if pieces is None else [n for n in key_columns if n in pieces.names]
        if of_pieces:
            at: Path = ("rows", "key") if self.doc.rows.key else ("order", "order_number")
            if self.part is not None and self.part.source.key is not None:
                at = ("sources", self.name, "key")
            text = f'"{of_pieces[0]}" differs from piece to piece of a row, and an order has whole rows'
            hint = "tell the orders apart by columns of the file"
            self.scope.mistake("M221", text, at, hint)
