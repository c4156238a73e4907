"""A mapping's text to a frozen Plan, or all of its mistakes at once (MAPPING §2, §4)."""

import dataclasses
import hashlib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import polars as pl

from pipeline.mapping.bounds import COLUMNS_MAX
from pipeline.mapping.columns import Known, Scope
from pipeline.mapping.combine import Picked
from pipeline.mapping.converters import COLUMN_KINDS, ConverterMistake, convert_text
from pipeline.mapping.declared import check_dialect, check_files, repair_of
from pipeline.mapping.delimiters import likely_delimiter, one_column, written
from pipeline.mapping.document import Data, Document, Path, read_document
from pipeline.mapping.expected import read_expectation
from pipeline.mapping.extract import read_extract
from pipeline.mapping.formats import FormatMistake, form
from pipeline.mapping.language import (
    ExplodeDoc,
    MappingDoc,
    MutationDoc,
    SourceDoc,
    UnpivotDoc,
)
from pipeline.mapping.layout import end_of, names_of, read_positions, trailer_cells
from pipeline.mapping.lookups import read_lookups
from pipeline.mapping.mistakes import (
    MISTAKES,
    MappingRefused,
    Mistake,
    Weight,
    did_you_mean,
    in_order,
)
from pipeline.mapping.pieces import read_pieces
from pipeline.mapping.plan import (
    TEXT_FORMATS,
    TEXT_PREFIX,
    ColumnPlan,
    FieldPlan,
    LinesPlan,
    Mode,
    MutationPlan,
    ObjectPlan,
    PiecesPlan,
    Plan,
    Sending,
    Source,
    TrackingsPlan,
)
from pipeline.mapping.plan import (
    Scope as MutationScope,
)
from pipeline.mapping.records import check_records, read_records, record_columns, warn_of_lines
from pipeline.mapping.targets import Targets
from pipeline.mapping.trials import Trial, read_trials
from pipeline.mapping.values import Target, Values
from pipeline.model.catalogue import MUTATIONS, SHAPES
from pipeline.model.expectation import Expectation
from pipeline.model.field import Kind, Use
from pipeline.model.origin import FILE, LINE

if TYPE_CHECKING:
    from pipeline.mapping.trail import Clause

EVERYWHERE = "*"  # of `source.null_values`: in every column
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
_APART = frozenset({"articles", "checkpoints"})
_WORDS = {
    MutationScope.ROW: "when",
    MutationScope.ALL: "when_all",
    MutationScope.ANY: "when_any",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A Plan and what should be said about the mapping without stopping for it.

    `trials` are the mapping's tests; nothing but `mapping test` looks at them. `lookups` are its
    tables as read, `document` knows where everything stands.
    """

    plan: Plan
    warnings: tuple[Mistake, ...]
    text: str
    document: Document
    trials: tuple[Trial, ...] = ()
    lookups: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)


def compile_mapping(
    text: str,
    name: str,
    *,
    header: Iterable[str] | None = None,
    load: Callable[[str], bytes] | None = None,
) -> Compiled:
    """Compile a mapping.

    Args:
        text: the YAML.
        name: how messages call the file, such as `mappings/wms.yaml`.
        header: the columns of the file it will read; None when no file is at hand.
        load: gives the bytes of a lookup file by its name, which counts from the mapping's folder;
            names that lead out of it are refused (M206) and never asked for.

    Raises:
        MappingRefused: with every mistake; the file is not touched.
    """
    text = text.removeprefix("\ufeff")
    document = read_document(text, name)
    columns = None if header is None else tuple(header)
    if columns is not None and len(columns) == 1:
        compiler, plan = _compiled(document, None, load)
        if not _of_another_delimiter(compiler.scope, columns[0]):
            compiler, plan = _compiled(document, columns, load)
    else:
        compiler, plan = _compiled(document, columns, load)
    scope = compiler.scope
    errors = [m for m in scope.mistakes if m.weight is Weight.ERROR]
    if errors or plan is None:
        source = scope.source if compiler.file_readable else None
        raise MappingRefused(name, text, errors, source)
    warnings = in_order(m for m in scope.mistakes if m.weight is Weight.WARNING)
    return Compiled(plan, tuple(warnings), text, document, compiler.trials, dict(scope.lookups))


def _compiled(
    document: Document, columns: Iterable[str] | None, load: Callable[[str], bytes] | None
) -> "tuple[_Compiler, Plan | None]":
    scope = Scope(document, Source(), None if columns is None else frozenset(columns))
    scope.mistakes += document.mistakes
    scope.lacking |= document.lacking
    source = document.data.get("source")
    if isinstance(source, dict) and not isinstance(source.get("null_values", {}), dict):
        document.also(_NULLS, (*_NULLS, EVERYWHERE))
    doc = scope.structure(MappingDoc, _written_out(document.data), ())
    if doc is None:
        raise MappingRefused(document.name, document.text, scope.mistakes)
    compiler = _Compiler(scope, doc, load)
    return compiler, compiler.plan()


def _of_another_delimiter(scope: Scope, column: str) -> bool:
    """Whether the only column of a file is its whole header; that is one mistake, not one a column.

    A name with a delimiter in it that the mapping uses is a name.
    """
    declared = scope.source.delimiter
    meant = likely_delimiter(column, declared)
    if scope.source.format != "csv" or meant is None or column in scope.used_columns:
        return False
    at: Path = ("source", "delimiter")
    if at not in scope.document.values:
        at = ("source",)
    hint = f"write `{written(meant)}` under `source:`, or ask for the file with '{declared}'"
    scope.mistake("M216", one_column(declared, meant), at, hint, key=at == ("source",))
    return True


def _written_out(data: dict[str, Data]) -> dict[str, Data]:
    """Write short forms out before validation, so that errors speak of one form only."""
    full = dict(data)
    for section in ("rows", "trackings"):
        table = full.get(section)
        if isinstance(table, dict) and isinstance(table.get("key"), str):
            full[section] = {**table, "key": [str(table["key"])]}
    source = full.get("source")
    if isinstance(source, dict) and "null_values" in source:
        full["source"] = {**source, "null_values": _by_column(source["null_values"])}
    return full


def _by_column(nulls: Data) -> Data:
    """Texts that mean "nothing" as a table: those of all columns, and those of one."""
    if isinstance(nulls, dict):
        return {name: [each] if isinstance(each, str) else each for name, each in nulls.items()}
    return {EVERYWHERE: [nulls] if isinstance(nulls, str) else nulls}


def _unused_pieces(
    given: Mapping[str, ExplodeDoc] | Mapping[str, UnpivotDoc], used: Container[str]
) -> list[str]:
    """Columns of pieces of which neither the text nor any part is used."""
    return [
        name
        for name, doc in given.items()
        if not any(each in used for each in (name, *doc.names, *doc.keys, doc.rest))
    ]


class _Compiler:
    def __init__(self, scope: Scope, doc: MappingDoc, load: Callable[[str], bytes] | None) -> None:
        self.scope = scope
        self.doc = doc
        self.load = load
        self.values = Values(scope, self._row_number)
        self._skip: tuple[pl.Expr | None] | None = None  # made once, where it is first needed
        self.targets = Targets(scope, self.values)
        self.trials: tuple[Trial, ...] = ()
        self.clauses: dict[str, Clause] = {}
        # an interchange has no header: its columns are those of `extract`
        self.file_readable = doc.source.format == "csv" and not scope.unsure(*_READING)

    def plan(self) -> Plan | None:
        """Compile all sections; None when one that others need has mistakes."""
        doc, scope = self.doc, self.scope
        edi = doc.source.format not in TEXT_FORMATS
        if doc.source.records is not None:
            named = record_columns(doc.source.records)
            scope.header = None if named is None else named | scope.lost
        elif doc.source.format == "fixed":
            scope.header = names_of(scope, doc.source)
        expects = read_expectation(scope, doc.source.expect, doc.source.format)
        scope.source = self._source(doc.source, expects)
        extract = read_extract(scope, doc.source, doc.extract)
        for name in scope.source.null_values_of:
            scope.find(name, (*_NULLS, name), key=True)
        read_lookups(scope, doc.lookups, self.load)
        pieces = read_pieces(scope, doc.rows, doc.source.format)
        typed = self._typed()
        derived = self._derived()
        skip = self._skipped()
        order = self._order()
        key, key_columns = self._key(doc.rows.key, ("rows", "key"), order)
        self._of_whole_rows(key_columns, pieces)
        lines = self._lines()
        trackings = self._trackings()
        mutations = [m for i, entry in enumerate(doc.mutations) if (m := self._mutation(i, entry))]
        self.trials = read_trials(scope, doc.tests)
        self._warn(order)
        if order is None or key is None or (extract is None) == edi:
            return None
        made = {column.name for column in derived}
        reads = {*scope.used_columns, *doc.source.columns} - made
        if scope.source.records is not None:  # which cells are another record's is told by it
            reads.add(scope.source.records.column)
        if pieces is not None:
            used = {column.source for column in pieces.columns if column.split is not None}
            reads = reads.difference(pieces.names) | used
        return Plan(
            name=doc.name, sha256=hashlib.sha256(self.scope.document.text.encode()).hexdigest(),
            mode=doc.mode, source=scope.source, reads=tuple(sorted(reads)), typed=tuple(typed),
            derived=tuple(derived), key=key, key_columns=key_columns, skip=skip,
            conflicts=doc.rows.conflicts, order=order, lines=lines, trackings=trackings,
            mutations=tuple(mutations), extract=extract, expects=expects, clauses=self.clauses,
            pieces=pieces,
        )  # fmt: skip

    # -- the file's side --------------------------------------------------------------------

    def _source(self, doc: SourceDoc, expects: Expectation | None) -> Source:
        at: Path = ("source",)
        if doc.timezone is not None and doc.timezone not in available_timezones():
            hint = did_you_mean(doc.timezone, available_timezones())
            self.scope.mistake(
                "M104", f'"{doc.timezone}" is not a time zone', (*at, "timezone"), hint
            )
            doc = doc.model_copy(update={"timezone": "UTC"})
        if doc.format not in TEXT_FORMATS and "encoding" not in doc.model_fields_set:
            doc = doc.model_copy(update={"encoding": ""})
        try:
            "".encode(doc.encoding or "utf-8")
        except (LookupError, UnicodeError):
            text = f'"{doc.encoding}" is not an encoding'
            self.scope.mistake("M104", text, (*at, "encoding"), "such as utf-8, cp1252, utf-16")
            self.file_readable = False
        if doc.thousands == doc.decimal:
            text = "the same character cannot group digits and start decimals"
            self.scope.mistake("M103", text, (*at, "thousands"), f'decimal is "{doc.decimal}"')
        for each in doc.dates:
            try:
                form(each, Kind.DATE)
            except FormatMistake as error:
                self.scope.mistake("M212", error.message, (*at, "dates"), error.hint)
                doc = doc.model_copy(update={"dates": []})
        self.values.warn_of_formats(doc.dates, (*at, "dates"))
        files = doc.files
        if files is None and expects is not None and expects.name is not None:
            files = expects.name.glob
        source = Source(
            format=doc.format, files=files, encoding=doc.encoding,
            fallbacks=tuple(doc.fallback_encodings), delimiter=doc.delimiter,
            quote=None if doc.quote == "none" else doc.quote, escape=doc.escape,
            record_end=doc.record_end, skip_lines=doc.skip_lines, names=tuple(doc.names),
            find_header=tuple(doc.find_header), comment=doc.comment, footer=doc.footer,
            repair=repair_of(doc), sheet=doc.sheet, decimal=doc.decimal,
            thousands=None if doc.thousands == "none" else doc.thousands, dates=tuple(doc.dates),
            timezone=doc.timezone, ambiguous=doc.ambiguous, null_values=tuple(doc.null_values.get(EVERYWHERE, ())),
            null_values_of={n: tuple(v) for n, v in doc.null_values.items() if n != EVERYWHERE},
            trim=doc.trim, columns=dict(doc.columns),
            trailer=expects.trailer.first_cell if expects and expects.trailer else None,
            records=read_records(self.scope, doc),
        )  # fmt: skip
        if doc.format == "fixed":
            source = replace(
                source, positions=read_positions(self.scope, doc), length=doc.length, quote=None,
                trimmed=doc.short_lines == "trimmed", record_end=end_of(doc),
                trailer_cells=trailer_cells(doc.expect),
            )  # fmt: skip
        check_files(self.scope, doc, expects.name if expects is not None else None)
        before = len(self.scope.mistakes)
        check_dialect(self.scope, source, doc)
        check_records(self.scope, source, doc)
        self.file_readable = self.file_readable and len(self.scope.mistakes) == before
        return source

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
            at: Path = ("source", "columns", name)
            if self.scope.find(name, at, key=True) is None:
                continue
            kind = COLUMN_KINDS[declared]
            try:
                made = convert_text(pl.col(TEXT_PREFIX + name), kind, self.scope.source)
            except ConverterMistake as error:
                self.scope.untyped.add(name)
                if not self.scope.unsure(("source", "timezone")):
                    self.scope.mistake(error.code, error.message, at, error.hint)
                continue
            self.scope.known[name] = Known(kind, (name,), fails=True)
            line = self.scope.document.key_place(at).line
            plans.append(
                ColumnPlan(name=name, kind=kind, value=made.value, reason=made.reason,
                           details=made.details, columns=(name,), line=line)
            )  # fmt: skip
        return plans

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
        if not self.doc.rows.key:
            if not self.scope.unsure(("rows",), ("rows", "key")):
                hint = "say which column tells the orders apart: rows: {key: OrderNo}"
                text = "rows cannot be numbered in their order without `rows.key`"
                self.scope.mistake("M102", text, path, hint, key=True)
            return None
        key, columns = self._key(self.doc.rows.key, ("rows", "key"), None)
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
            text = f'"{of_pieces[0]}" differs from piece to piece of a row, and an order has whole rows'
            hint = "tell the orders apart by columns of the file"
            self.scope.mistake("M221", text, at, hint)

    # -- the API's side ---------------------------------------------------------------------

    def _order(self) -> ObjectPlan | None:
        shape = SHAPES["order"]
        order = self.targets.object(self.doc.order, shape, ("order",), "order", "")
        required = {"order_number"}
        if self.scope.unsure(("order",)):
            return order
        if self.doc.mode is Mode.CREATE_OR_UPDATE and not self.scope.unsure(("mode",)):
            required |= {field.name for field in shape.fields if field.use is Use.CREATE}
        for field in shape.fields:
            if field.name in required and field.name not in self.doc.order:
                text = f'"{field.name}" is required to create an order and is not mapped'
                hint = (
                    "map it"
                    if field.name == "order_number"
                    else "map it, or set `mode: update_only`"
                )
                self.scope.mistake("M105", text, ("order",), hint, key=True)
        return order

    def _lines(self) -> LinesPlan | None:
        doc = self.doc.lines
        if doc is None:
            return None
        item = self.targets.object(
            doc.fields, SHAPES["line_item"], ("lines", "fields"), "lines", "articles_order"
        )
        return LinesPlan(
            send=doc.send, when=self._condition(doc.when, ("lines", "when")), item=item
        )

    def _trackings(self) -> TrackingsPlan | None:
        doc = self.doc.trackings
        if doc is None:
            return None
        at: Path = ("trackings", "fields")
        target = "mutations.add_tracking.tracking"
        tracking = self.targets.object(
            doc.fields, SHAPES["tracking"], at, "trackings", target, apart=_APART
        )
        self._identity(set(doc.fields), ("trackings", "fields"))
        nested: dict[str, ObjectPlan] = {}
        for name, shape in (("articles", "article"), ("checkpoints", "checkpoint")):
            if name in doc.fields:
                nested[name] = self.targets.object(
                    doc.fields[name],
                    SHAPES[shape],
                    (*at, name),
                    f"trackings.{name}",
                    f"{target}.{name}",
                )
        when = self._condition(doc.when, ("trackings", "when"))
        if not doc.key and not self.scope.unsure(("trackings", "key")):
            hint = "name the columns that tell the parcels of an order apart"
            self.scope.mistake(
                "M102", "a tracking needs a key", ("trackings", "key"), hint, key=True
            )
        key, key_columns = self._key(doc.key, ("trackings", "key"), None)
        if key is None:
            return None
        return TrackingsPlan(
            key=key, key_columns=key_columns, when=when, tracking=tracking,
            articles=nested.get("articles"), checkpoints=nested.get("checkpoints"),
            line=self.scope.document.key_place(("trackings",)).line,
        )  # fmt: skip

    def _identity(self, given: set[str], at: Path) -> None:
        if self.scope.unsure(at):
            return
        groups: dict[str, set[str]] = {}
        for field in SHAPES["tracking"].fields:
            if field.identity is not None:
                groups.setdefault(field.identity, set()).add(field.name)
        if not any(members <= given for members in groups.values()):
            ways = " or ".join(" and ".join(sorted(members)) for members in groups.values())
            self.scope.mistake(
                "M108", "the tracking cannot be identified", at, f"map {ways}", key=True
            )

    def _mutation(self, index: int, doc: MutationDoc) -> MutationPlan | None:
        at: Path = ("mutations", index)
        given = [(scope, sql) for scope, sql in (
            (MutationScope.ROW, doc.when), (MutationScope.ALL, doc.when_all),
            (MutationScope.ANY, doc.when_any)) if sql is not None]  # fmt: skip
        if len(given) > 1:
            self.scope.mistake("M103", "a mutation has one condition", at, "keep one `when`")
        when = [self._condition(sql, (*at, _WORDS[scope])) for scope, sql in given]
        if self.scope.unsure(at, (*at, "type")) and doc.type not in MUTATIONS:
            return None
        if doc.type not in MUTATIONS:
            hint = did_you_mean(doc.type, MUTATIONS) or f"one of: {', '.join(MUTATIONS)}"
            self.scope.mistake("M104", f'"{doc.type}" is not a mutation', (*at, "type"), hint)
            return None
        if doc.type == "add_tracking":
            text = "add_tracking is made by the section `trackings`"
            self.scope.mistake("M103", text, (*at, "type"), "move it there")
            return None
        # cancelling belongs to the order: without a word it needs every row to agree
        scope, sql = given[0] if given else (MutationScope.ROW, None)
        if doc.type == "cancel_order" and scope is MutationScope.ROW and sql is not None:
            text = "cancel_order concerns the whole order, `when` a single row"
            hint = "use `when_all` (every row of the order) or `when_any`"
            self.scope.mistake("M103", text, (*at, "when"), hint, key=True)
        body = self.targets.object(
            doc.fields, SHAPES[doc.type], (*at, "fields"), f"mutations.{index}", f"mutations.{doc.type}",
            name=doc.type,
        )  # fmt: skip
        if doc.type == "cancel_tracking" and isinstance(doc.fields.get("tracking"), dict):
            self._identity(set(doc.fields["tracking"]), (*at, "fields", "tracking"))
        return MutationPlan(
            index=index, type=doc.type, scope=scope, when=when[0] if when else None,
            body=body, line=self.scope.document.place(at).line,
        )  # fmt: skip

    # -- warnings ---------------------------------------------------------------------------

    def _warn(self, order: ObjectPlan | None) -> None:
        extracted = self.doc.extract.columns if self.doc.extract is not None else {}
        for section, names, used, what in (
            ("lookups", self.doc.lookups, self.scope.used_lookups, "lookup table"),
            ("derive", self.doc.derive, self.scope.used_columns, "derived column"),
            ("source.columns", self.doc.source.columns, self.scope.used_columns, "declared column"),
            ("extract.columns", extracted, self.scope.used_columns, "extracted column"),
            *(
                (
                    f"rows.{name}",
                    _unused_pieces(given, self.scope.used_columns),
                    (),
                    "column of pieces",
                )
                for name, given in (
                    ("explode", self.doc.rows.explode),
                    ("unpivot", self.doc.rows.unpivot),
                )
            ),
        ):
            for name in names:
                if name not in used:
                    at = (*section.split("."), name)
                    self._warning("W101", f"the {what} {name} is never used", at)
        if self.doc.lines is not None:
            warn_of_lines(self.scope, self.doc.source, "lines", self.doc.lines.when)
        if self.doc.lines and self.doc.lines.send is Sending.ON_CREATE and self._updates_only:
            self._warning("W103", "these lines are never sent: no order is new", ("lines",))
        for leaf in order.members if order is not None else ():
            if not isinstance(leaf, FieldPlan):
                continue
            if leaf.field.use is Use.CREATE and not self._updates_only and self._open(leaf.name):
                text = f"{leaf.name} is required to create an order, and has no value without its `when`"
                self._warning("W102", text, ("order", leaf.name))
            if leaf.name == "order_number" and leaf.constant and not self.doc.rows.key:
                self._warning("W104", "all rows form one order", ("order", leaf.name))

    @property
    def _updates_only(self) -> bool:
        return self.doc.mode is Mode.UPDATE_ONLY

    def _open(self, name: str) -> bool:
        """Whether a field of the order has no value where a condition does not hold."""
        data = self.doc.order.get(name)
        if not isinstance(data, dict):
            return False
        cases = data.get("cases")
        last = cases[-1] if isinstance(cases, list) and cases else None
        without_else = isinstance(last, dict) and "when" in last and "default" not in data
        return "when" in data or without_else

    def _warning(self, code: str, text: str, path: Path) -> None:
        hint = MISTAKES[code].fix
        self.scope.mistake(code, text, path, hint, key=True, weight=Weight.WARNING)
