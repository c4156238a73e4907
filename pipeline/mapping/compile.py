"""A mapping's text to a frozen Plan, or all of its mistakes at once (MAPPING §2, §4)."""

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
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
    PartDoc,
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
    KEY_COLUMN,
    ON_COLUMN,
    TEXT_FORMATS,
    TEXT_PREFIX,
    Belonging,
    ColumnPlan,
    ColumnType,
    FieldPlan,
    Join,
    LinesPlan,
    Mode,
    MutationPlan,
    ObjectPlan,
    Orphans,
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
from pipeline.mapping.sources import Part, parts_of, without_sources
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
    tables as read, `document` knows where everything stands. Of a mapping
    with `sources`, `plan` is the one that was asked for, or the one that makes orders, and `plans` are
    all: that one first, reference files last.
    """

    plan: Plan
    warnings: tuple[Mistake, ...]
    text: str
    document: Document
    trials: tuple[Trial, ...] = ()
    lookups: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    plans: tuple[Plan, ...] = ()

    def of_part(self, name: str) -> "Compiled":
        """The same mapping, with the plan of this source."""
        return replace(self, plan=next(each for each in self.plans if each.part == name))


def compile_mapping(
    text: str,
    name: str,
    *,
    header: Iterable[str] | None = None,
    load: Callable[[str], bytes] | None = None,
    headers: Mapping[str, Iterable[str]] | None = None,
) -> Compiled:
    """Compile a mapping.

    Args:
        text: the YAML.
        name: how messages call the file, such as `mappings/wms.yaml`.
        header: the columns of the file it will read; None when no file is at hand.
        load: gives the bytes of a lookup file by its name, which counts from the mapping's folder;
            names that lead out of it are refused (M206) and never asked for.
        headers: the same of a mapping with `sources`, by the names of these.

    Raises:
        MappingRefused: with every mistake; the file is not touched.
    """
    text = text.removeprefix("\ufeff")
    document = read_document(text, name)
    if "sources" in document.data:
        return _of_sources(document, headers or {}, load)
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
    _place_nulls(document, ("source",), document.data.get("source"))
    doc = scope.structure(MappingDoc, _written_out(document.data), ())
    if doc is None:
        raise MappingRefused(document.name, document.text, scope.mistakes)
    without_sources(scope, doc)
    compiler = _Compiler(scope, doc, load)
    return compiler, compiler.plan()


def _place_nulls(document: Document, at: Path, source: Data | None) -> None:
    """Texts that mean "nothing" are a table of columns; written as a list they stand there all the same."""
    if isinstance(source, dict) and not isinstance(source.get("null_values", {}), dict):
        nulls = (*at, "null_values")
        document.also(nulls, (*nulls, EVERYWHERE))


def _of_sources(
    document: Document,
    headers: Mapping[str, Iterable[str]],
    load: Callable[[str], bytes] | None,
) -> Compiled:
    """Compile each source of a mapping as a mapping of its own; what they say together is judged once."""
    whole = Scope(document, Source(), None)
    whole.mistakes += document.mistakes
    whole.lacking |= document.lacking
    _place_nulls(document, ("source",), document.data.get("source"))
    sources = document.data["sources"]
    for name, each in sources.items() if isinstance(sources, dict) else ():
        _place_nulls(document, ("sources", name), each)
    doc = whole.structure(MappingDoc, _written_out(document.data), ())
    parts = parts_of(whole, doc) if doc is not None else []
    loaded = None if load is None else cache(load)
    given = {name: tuple(header) for name, header in headers.items()}
    several = {name: header for name, header in given.items() if len(header) != 1}
    made, plans = _compiled_parts(whole, parts, several, loaded)
    suspicious = [
        _of_another_delimiter(each.scope, given[each.name][0])
        for each in made
        if each.name in given and each.name not in several
    ]
    if suspicious and not any(suspicious):
        made, plans = _compiled_parts(whole, parts, given, loaded)
    for compiler in made:
        whole.mistakes += compiler.scope.mistakes
    _warn_of_lookups(whole, doc, made)
    mistakes = list(dict.fromkeys(whole.mistakes))  # what is common to all is told by each
    errors = [mistake for mistake in mistakes if mistake.weight is Weight.ERROR]
    plain = tuple(plan for plan in plans if plan is not None)
    if errors or len(plain) < len(plans) or not plain:
        named = [each for each in made if each.name in given] or made[:1]
        source = next((each.scope.source for each in named if each.file_readable), None)
        raise MappingRefused(document.name, document.text, errors, source)
    warnings = in_order(m for m in mistakes if m.weight is Weight.WARNING)
    return Compiled(plain[0], tuple(warnings), document.text, document, made[0].trials,
                    dict(made[0].scope.lookups), plain)  # fmt: skip


def _compiled_parts(
    whole: Scope, parts: Sequence[Part], headers: Mapping[str, tuple[str, ...]],
    load: Callable[[str], bytes] | None,
) -> "tuple[list[_Compiler], list[Plan | None]]":  # fmt: skip
    """Compile the sources in their order: reference files last, for they read what others use of them."""
    made: dict[str, _Compiler] = {}
    for part in reversed(parts):
        header = headers.get(part.name)
        scope = Scope(
            part.placed(whole.document), Source(), None if header is None else frozenset(header)
        )
        scope.broken, scope.lacking = part.where(whole.broken), part.where(whole.lacking)
        scope.lost = set(whole.lost)
        scope.spent = whole.spent  # what all of them cost together is bounded
        joined = [each for each in made.values() if each.part_source.joins == part.name]
        made[part.name] = _Compiler(scope, part.doc, load, part, joined)
    ordered = [made[part.name] for part in parts]
    return ordered, [compiler.plan() for compiler in ordered]


def _warn_of_lookups(whole: Scope, doc: MappingDoc | None, made: "Sequence[_Compiler]") -> None:
    """Tables that none of the sources uses."""
    used = {name for compiler in made for name in compiler.scope.used_lookups}
    for name in doc.lookups if doc is not None and made else ():
        if name not in used:
            whole.mistake("W101", f"the lookup table {name} is never used", ("lookups", name),
                          MISTAKES["W101"].fix, key=True, weight=Weight.WARNING)  # fmt: skip


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
    if "source" in full:
        full["source"] = _nulls_listed(full["source"])
    sources = full.get("sources")
    if isinstance(sources, dict):
        full["sources"] = {
            name: _rows_listed(_nulls_listed(each)) for name, each in sources.items()
        }
        full.setdefault("source", {})
    return full


def _rows_listed(source: Data) -> Data:
    rows = source.get("rows") if isinstance(source, dict) else None
    if isinstance(source, dict) and isinstance(rows, dict) and isinstance(rows.get("key"), str):
        return {**source, "rows": {**rows, "key": [str(rows["key"])]}}
    return source


def _nulls_listed(source: Data) -> Data:
    if isinstance(source, dict) and "null_values" in source:
        return {**source, "null_values": _by_column(source["null_values"])}
    return source


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
    """Compiles a mapping, or one source of it: then `part` says which, and `joined` what is joined to it."""

    def __init__(
        self, scope: Scope, doc: MappingDoc, load: Callable[[str], bytes] | None,
        part: Part | None = None, joined: "Sequence[_Compiler]" = (),
    ) -> None:  # fmt: skip
        self.scope = scope
        self.doc = doc
        self.load = load
        self.part = part
        self.joined = joined
        self._expects: tuple[Expectation | None] | None = None
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
            self._order() if self.part is None or self.part.is_root else self._no_order(made_key)
        )
        key, key_columns = self._key(doc.rows.key, ("rows", "key"), order)
        if made_key is not None:
            key, key_columns = pl.col(made_key.name), made_key.columns
        self._of_whole_rows(key_columns, pieces)
        lines = self._lines()
        trackings = self._trackings()
        mutations = [m for i, entry in enumerate(doc.mutations) if (m := self._mutation(i, entry))]
        self.trials = read_trials(
            scope, doc.tests, self.part.sources if self.part is not None else ()
        )
        self._warn(order)
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
            scope.source = self._source(doc.source, self._expects[0])
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
                          details=made.details, columns=made.columns, line=line)  # fmt: skip

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
            (
                "lookups",
                self.doc.lookups if self.part is None else (),
                self.scope.used_lookups,
                "lookup table",
            ),
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
