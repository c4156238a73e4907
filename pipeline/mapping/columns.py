"""The columns that a mapping's values can refer to, and what they were used for."""

import dataclasses
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.mapping.bounds import Spent
from pipeline.mapping.closed import foreign_texts
from pipeline.mapping.converters import dtype_of
from pipeline.mapping.document import Data, Document, Path
from pipeline.mapping.mistakes import Mistake, Weight, did_you_mean
from pipeline.mapping.plan import TEXT_PREFIX, Source
from pipeline.mapping.sql import LATER_HINT, Names, SqlMistake, compile_sql, lex
from pipeline.mapping.structure import Model, structure
from pipeline.model.field import Kind

_OF_TYPES = frozenset({"M305", "M306"})


@dataclass(frozen=True, slots=True)
class Known:
    """One column that expressions may use: of the file, or derived.

    `sources` are the file's columns behind it; `fails` says that a bad cell in it is a finding of
    its own, before any field is made of it.
    """

    kind: Kind
    sources: tuple[str, ...]
    fails: bool = False

    @property
    def dtype(self) -> pl.DataType:
        """The type in which expressions see it."""
        return dtype_of(self.kind)


@dataclass(frozen=True, slots=True)
class Made:
    """A compiled expression, its type, and the file's columns behind it.

    `fails` is true for rows that it cannot be calculated for, or null where it always can.
    """

    expr: pl.Expr
    dtype: pl.DataType
    columns: tuple[str, ...]
    names: tuple[str, ...]
    fails: pl.Expr | None


@dataclass(slots=True)
class Scope:
    """What a mapping's values can refer to; gathers the mistakes and what was used.

    `header` is None when no file is at hand: then every column name is taken to exist. `later`
    holds the derived columns that are not made yet.

    What follows from a mistake that is reported is no mistake of its own: `broken` are paths whose
    value was put aside, `lacking` tables that lost a key, `lost` names that may have stood there,
    `untyped` columns whose type cannot be known. `spent` is what it costs to evaluate all of it.

    `joined` are reference files by the name that stands before their columns, with their columns
    where these are known, and `notations` how they are written. `closed` are derived columns that have
    the values of a table and no others.
    """

    document: Document
    source: Source
    header: Collection[str] | None
    lookups: dict[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    known: dict[str, Known] = dataclasses.field(default_factory=dict)
    later: set[str] = dataclasses.field(default_factory=set)
    mistakes: list[Mistake] = dataclasses.field(default_factory=list)
    used_columns: dict[str, None] = dataclasses.field(default_factory=dict)
    used_lookups: set[str] = dataclasses.field(default_factory=set)
    broken: set[Path] = dataclasses.field(default_factory=set)
    lacking: set[Path] = dataclasses.field(default_factory=set)
    lost: set[str] = dataclasses.field(default_factory=set)
    untyped: set[str] = dataclasses.field(default_factory=set)
    spent: Spent = dataclasses.field(default_factory=Spent)
    joined: dict[str, Collection[str] | None] = dataclasses.field(default_factory=dict)
    notations: dict[str, Source] = dataclasses.field(default_factory=dict)
    closed: dict[str, tuple[str, Collection[str]]] = dataclasses.field(default_factory=dict)

    # -- mistakes ---------------------------------------------------------------------------

    def mistake(self, code: str, message: str, path: Path, hint: str = "", *, key: bool = False,
                weight: Weight = Weight.ERROR) -> None:  # fmt: skip
        """Note a mistake at the value (or the key) that `path` leads to."""
        place = self.document.key_place(path) if key else self.document.place(path)
        self.mistakes.append(
            Mistake(code, message, place.line, place.column, place.length, hint, weight)
        )

    def structure(self, model: type[Model], data: Data, path: Path) -> Model | None:
        """Check data against a model of the language; notes every mistake and gives what is sound."""
        checked = structure(self.document, model, data, path)
        self.mistakes += checked.mistakes
        self.broken |= checked.broken
        self.lacking |= checked.lacking
        self.lost |= checked.lost
        return checked.model

    def unsure(self, *paths: Path) -> bool:
        """Whether a table lost a key, or a value was put aside, at one of the paths."""
        return any(path in self.broken or path in self.lacking for path in paths)

    # -- columns ----------------------------------------------------------------------------

    def names(self) -> list[str] | None:
        """All names that may be used, or None when any may."""
        if self.header is None:
            return None
        named = {
            f"{label}.{each}" for label, columns in self.joined.items() for each in columns or ()
        }
        return [*self.header, *({*self.known, *self.lost, *named}.difference(self.header))]

    def column(self, name: str, path: Path) -> Known | None:
        """Look a column up and note its use; a mistake and None when there is none."""
        found = self.find(name, path)
        if found is not None:
            self.used_columns.update(dict.fromkeys((*found.sources, name)))
        return found

    def find(self, name: str, path: Path, *, key: bool = False) -> Known | None:
        """Look a column up; a mistake and None when there is none."""
        if name in self.known:
            return self.known[name]
        if not self.possible(name, path, key=key):
            return None
        if self.header is not None and name in self.header:
            return Known(Kind.TEXT, (name,))
        label, dot, column = name.partition(".")
        if dot and label in self.joined:
            columns = self.joined[label]
            if columns is None or column in columns:
                return Known(Kind.TEXT, (name,))
            hint = did_you_mean(column, columns) or f"there are: {', '.join(sorted(columns))}"
            self.mistake(
                "M201", f'the source {label} has no column "{column}"', path, hint, key=key
            )
            return None
        if name in self.later:
            hint = LATER_HINT
            self.mistake("M201", f'unknown column "{name}"', path, hint)
            return None
        if self.header is None or name in self.lost:
            return Known(Kind.TEXT, (name,))
        hint = self._like(name, "remove it, or correct the name" if key else "")
        self.mistake("M201", f'unknown column "{name}"', path, hint, key=key)
        return None

    def possible(self, name: str, path: Path, *, key: bool = False) -> bool:
        """Whether a column may have this name at all; notes M202 when not."""
        if name.startswith("_"):
            text, hint = f'"{name}" starts with an underscore', "such names belong to the pipeline"
        elif name == "*" or (name.startswith("^") and name.endswith("$")):
            text, hint = f'"{name}" would mean many columns', "rename the column"
        elif not name:
            text, hint = "a column needs a name", "write the name of a column"
        else:
            return True
        self.mistake("M202", text, path, hint, key=key)
        return False

    def _like(self, name: str, otherwise: str = "") -> str:
        names = self.names() or []
        plain = unicodedata.normalize("NFC", name).strip()
        twin = next((n for n in names if unicodedata.normalize("NFC", n).strip() == plain), None)
        if twin is not None:
            return "the header spells it with other blanks or accents: copy the name from the file"
        fixed = f'a bare word is a column name; for fixed text write {{value: "{name}"}}'
        return did_you_mean(name, names) or otherwise or fixed

    def text(self, name: str, known: Known) -> pl.Expr:
        """The text of a column, whatever its type."""
        return pl.col(name) if known.dtype == pl.String else pl.col(TEXT_PREFIX + name)

    def is_joined(self, name: str) -> bool:
        """Whether a column comes from a reference file."""
        label, dot, _ = name.partition(".")
        return bool(dot) and label in self.joined

    def notation(self, columns: Collection[str]) -> Source:
        """How the cells of some columns are written: as their reference file is, else as the file."""
        labels = {name.partition(".")[0] for name in columns if "." in name}
        known = [self.notations[label] for label in labels if label in self.notations]
        return known[0] if len(known) == 1 and len(labels) == 1 else self.source

    # -- expressions --------------------------------------------------------------------------

    def condition(self, sql: str, path: Path) -> tuple[pl.Expr, tuple[str, ...]] | None:
        """Compile a condition; null counts as false."""
        made = self.expression(sql, path, condition=True)
        return (made.expr.fill_null(value=False), made.columns) if made else None

    def expression(self, sql: str, path: Path, *, condition: bool) -> Made | None:
        """Compile an SQL expression; notes its mistakes and gives None then."""
        if self.spent.exhausted:
            return None
        excess = self.spent.on_expression(sql)
        if excess is not None:
            self.mistake("M230", excess.message, path, excess.hint)
            return None
        schema = {name: known.dtype for name, known in self.known.items()}
        names = self.names()
        try:
            if names is not None and self.joined:
                names += self._perhaps_joined(sql)
            made = compile_sql(sql, Names(names, schema, self.later), condition=condition)
        except SqlMistake as error:
            if error.code not in _OF_TYPES or not self._untyped_in(sql):
                for each in (error, *error.others):
                    self._inside(path, sql, each)
            return None
        for foreign in foreign_texts(sql, self.closed):
            place = self.document.inside(path, sql, foreign.start, foreign.length)
            self.mistakes.append(
                Mistake(
                    "W118", foreign.message, place.line, place.column, place.length, foreign.hint,
                    Weight.WARNING,
                )
            )  # fmt: skip
        sources: dict[str, None] = {}
        for name in made.columns:
            known = self.column(name, path)
            if known is None:
                return None
            sources.update(dict.fromkeys(known.sources))
        return Made(made.expr, made.dtype, tuple(sources), made.columns, made.fails)

    def _perhaps_joined(self, sql: str) -> list[str]:
        """The names in an expression that a reference file may have whose header is not at hand."""
        unknown = {label for label, columns in self.joined.items() if columns is None}
        written = [token.name for token in lex(sql) if token.kind == "column"]
        return [name for name in written if name.partition(".")[0] in unknown]

    def _inside(self, path: Path, sql: str, error: SqlMistake) -> None:
        place = self.document.inside(path, sql, error.start, max(1, error.length))
        self.mistakes.append(
            Mistake(error.code, error.message, place.line, place.column, place.length, error.hint)
        )

    def _untyped_in(self, sql: str) -> bool:
        if self.unsure(("source",), ("source", "columns")):
            return True
        return any(token.name in self.untyped | self.lost for token in lex(sql))
