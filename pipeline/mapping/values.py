"""One VALUE of a mapping to a pair of Polars expressions: the typed value and a reason or null.

Order of work, as MAPPING §2 says: pick → do → lookup → convert → default; `when` decides whether
there is a value at all. Empty is null all the way.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from pipeline.mapping.converters import (
    Converted,
    ConverterMistake,
    convert_text,
    convert_typed,
    dtype_of,
)
from pipeline.mapping.document import Data, Document, Path
from pipeline.mapping.language import ORIGINS, OnError, Unknown, ValueDoc
from pipeline.mapping.mistakes import Mistake, Weight, did_you_mean
from pipeline.mapping.plan import Aggregate, Source
from pipeline.mapping.sql import SqlMistake, compile_sql
from pipeline.mapping.steps import NAMES, PLAIN, Step, StepMistake, step
from pipeline.model.field import Kind

TEXT_PREFIX = "_text."  # a declared column's own text, beside its typed value
WHY_PREFIX = "_why."  # why a declared column's text is no value

Model = TypeVar("Model", bound=BaseModel)

_PART = re.compile(r"\{([^{}]*)\}")
_KINDS_FOR_AS: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "integer": Kind.INTEGER,
    "decimal": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
    "country": Kind.COUNTRY,
}


@dataclass(frozen=True, slots=True)
class Known:
    """One column that expressions may use: of the file, or derived."""

    kind: Kind
    sources: tuple[str, ...]  # the file's columns behind it

    @property
    def dtype(self) -> pl.DataType:
        """The type in which expressions see it."""
        return dtype_of(self.kind)


@dataclass(frozen=True, slots=True)
class Made:
    """A compiled VALUE."""

    value: pl.Expr
    kind: Kind
    raw: pl.Expr
    columns: tuple[str, ...]
    reason: pl.Expr | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    constant: bool = False
    drop_on_error: bool = False
    aggregate: Aggregate | None = None


@dataclass(frozen=True, slots=True)
class _Picked:
    value: pl.Expr
    dtype: pl.DataType
    raw: pl.Expr
    columns: tuple[str, ...]
    text: pl.Expr
    reason: pl.Expr | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    constant: bool = False


_NOTHING = pl.lit(None, pl.String)


@dataclass(slots=True)
class Scope:
    """What a mapping's values can refer to; gathers the mistakes and what was used.

    `header` is None when no file is at hand: then every column name is taken to exist.
    """

    document: Document
    source: Source
    header: frozenset[str] | None
    lookups: dict[str, Mapping[str, str]] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    used_columns: dict[str, None] = field(default_factory=dict)
    used_lookups: set[str] = field(default_factory=set)

    # -- mistakes ---------------------------------------------------------------------------

    def mistake(self, code: str, message: str, path: Path, hint: str = "", *, key: bool = False,
                weight: Weight = Weight.ERROR) -> None:  # fmt: skip
        """Note a mistake at the value (or the key) that `path` leads to."""
        place = self.document.key_place(path) if key else self.document.place(path)
        self.mistakes.append(
            Mistake(code, message, place.line, place.column, place.length, hint, weight)
        )

    def structure(self, model: type[Model], data: Data, path: Path) -> Model | None:
        """Check data against a model of the language; notes every mistake and gives None then."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for item in error.errors():
                self._structure_mistake(model, dict(item), path)
            return None

    def _structure_mistake(
        self, model: type[BaseModel], item: dict[str, object], path: Path
    ) -> None:
        loc = item["loc"]
        assert isinstance(loc, tuple)  # noqa: S101 - Pydantic's own type
        at = (*path, *loc)
        name = str(loc[-1]) if loc else ""
        if item["type"] == "extra_forbidden":
            names = _keys_of(model, loc[:-1])
            hint = did_you_mean(name, names) or f"there are: {', '.join(names)}"
            self.mistake("M100", f'unknown key "{name}"', at, hint, key=True)
        elif item["type"] == "missing":
            self.mistake("M102", f'the key "{name}" is missing here', at[:-1], "", key=True)
        elif item["type"] in {"enum", "literal_error"}:
            words = [word.strip(" '") for word in re.split(r",| or ", _expected(item))]
            got = str(item["input"])
            hint = did_you_mean(got, words) or f"one of: {', '.join(words)}"
            self.mistake("M104", f'"{got}" is not one of the words for {name}', at, hint)
        else:
            text = str(item["msg"]).removeprefix("Value error, ")
            self.mistake("M103", f"{name}: {text[:1].lower()}{text[1:]}", at)

    # -- columns ----------------------------------------------------------------------------

    def names(self) -> list[str] | None:
        """All names that may be used, or None when any may."""
        if self.header is None:
            return None
        return [*self.header, *(name for name in self.known if name not in self.header)]

    def column(self, name: str, path: Path) -> Known | None:
        """Look a column up and note its use; a mistake and None when there is none."""
        if name in self.known:
            found = self.known[name]
        elif self.header is None or name in self.header:
            found = Known(Kind.TEXT, (name,))
        else:
            names = self.names() or []
            hint = did_you_mean(name, names)
            fixed = f'a bare word is a column name; for fixed text write {{value: "{name}"}}'
            self.mistake("M201", f'unknown column "{name}"', path, hint or fixed)
            return None
        for source in found.sources:
            self.used_columns[source] = None
        self.used_columns[name] = None
        return found

    def text(self, name: str, known: Known) -> pl.Expr:
        """The text of a column, whatever its type."""
        return pl.col(name) if known.dtype == pl.String else pl.col(TEXT_PREFIX + name)

    def condition(self, sql: str, path: Path) -> tuple[pl.Expr, tuple[str, ...]] | None:
        """Compile a condition; null counts as false."""
        made = self.expression(sql, path, condition=True)
        return (made[0].fill_null(value=False), made[1]) if made else None

    def expression(
        self, sql: str, path: Path, *, condition: bool
    ) -> tuple[pl.Expr, tuple[str, ...], pl.DataType] | None:
        """Compile an SQL expression; gives it, the file's columns behind it and its type."""
        schema = {name: known.dtype for name, known in self.known.items()}
        try:
            made = compile_sql(sql, self.names(), schema, condition=condition)
        except SqlMistake as error:
            place = self.document.place(path)
            written = self.document.text.splitlines()[place.line - 1][place.column - 1 :]
            shift = 1 if written[:1] in {'"', "'"} else 0
            length = error.length if error.start or error.length < len(sql) else place.length
            start = place.column + shift + error.start if length == error.length else place.column
            self.mistakes.append(
                Mistake(error.code, error.message, place.line, start, length, error.hint)
            )
            return None
        sources: dict[str, None] = {}
        for name in made.columns:
            known = self.column(name, path)
            sources.update(dict.fromkeys(known.sources if known else ()))
        types = {name: schema.get(name, pl.String()) for name in made.columns}
        dtype = pl.DataFrame(schema=types).select(made.expr.alias("_")).schema["_"]
        return made.expr, tuple(sources), dtype

    # -- values -----------------------------------------------------------------------------

    def value(self, data: Data, kind: Kind, path: Path) -> Made | None:
        """Compile a VALUE for a target of `kind`; None when it has mistakes (they are noted)."""
        if isinstance(data, str):
            if not data:
                self.mistake("M102", "a value is missing here", path, key=True)
                return None
            return self._finish(ValueDoc(**{"from": data}), kind, path, short=True)
        if not isinstance(data, dict):
            self.mistake("M103", "a value is a column name or a table such as {from: Column}", path)
            return None
        doc = self.structure(ValueDoc, data, path)
        if doc is None:
            return None
        given = [origin for origin in ORIGINS if origin in data]
        if len(given) != 1:
            what = " and ".join(given) if given else "none"
            self.mistake("M210", f"a value needs exactly one origin, here: {what}", path,
                         f"one of: {', '.join(ORIGINS)}")  # fmt: skip
            return None
        return self._finish(doc, kind, path, short=False)

    def _finish(self, doc: ValueDoc, kind: Kind, path: Path, *, short: bool) -> Made | None:
        kind = self._kind(doc, kind, path)
        before = len(self.mistakes)
        if doc.cases is not None:
            made = self._cases(doc.cases, kind, (*path, "cases"))
        else:
            picked = self._pick(doc, kind, path, short=short)
            steps = self._steps(doc.do, (*path, "do"))
            table = self._table(doc, path)
            if picked is None or len(self.mistakes) > before:
                return None
            made = self._convert(doc, picked, steps, table, kind, path)
        if made is None:
            return None
        made = replace(made, drop_on_error=doc.on_error is OnError.NULL, aggregate=doc.aggregate)
        return self._default(doc, self._when(doc, made, path), path)

    def _kind(self, doc: ValueDoc, kind: Kind, path: Path) -> Kind:
        if doc.as_ is None:
            return kind
        named = _KINDS_FOR_AS.get(doc.as_)
        if named is None:
            hint = did_you_mean(doc.as_, _KINDS_FOR_AS) or f"one of: {', '.join(_KINDS_FOR_AS)}"
            self.mistake("M104", f'"{doc.as_}" is not a type', (*path, "as"), hint)
            return kind
        if kind in {Kind.ANY, named}:
            return named
        text = f"the target is {kind.value}, so it cannot be read as {doc.as_}"
        self.mistake("M103", text, (*path, "as"), "the target decides the type: remove `as`")
        return kind

    def _pick(self, doc: ValueDoc, kind: Kind, path: Path, *, short: bool) -> _Picked | None:
        if doc.from_ is not None:
            return self._from(doc.from_, path if short else (*path, "from"))
        if doc.value is not None:
            fixed = pl.lit(doc.value)
            return _Picked(fixed, pl.String(), fixed, (), fixed, constant=True)
        if doc.template is not None:
            return self._template(doc.template, (*path, "template"))
        if doc.first_of is not None:
            return self._first_of(doc.first_of, (*path, "first_of"))
        made = self.expression(doc.sql or "", (*path, "sql"), condition=kind is Kind.BOOLEAN)
        if made is None:
            return None
        expr, columns, dtype = made
        text = expr.cast(pl.String)
        return _Picked(expr, dtype, self._raw(columns, text), columns, text)

    def _raw(self, columns: tuple[str, ...], otherwise: pl.Expr) -> pl.Expr:
        """What a finding quotes: the cell itself where one column is behind the value."""
        if (
            len(columns) != 1
            or (columns[0] in self.known
            and self.known[columns[0]].sources != columns)
        ):
            return otherwise
        known = self.known.get(columns[0], Known(Kind.TEXT, columns))
        return self.text(columns[0], known)

    def _from(self, name: str, path: Path) -> _Picked | None:
        known = self.column(name, path)
        if known is None:
            return None
        text = self.text(name, known)
        return _Picked(pl.col(name), known.dtype, text, known.sources, text)

    def _template(self, template: str, path: Path) -> _Picked | None:
        pieces = _PART.split(template)  # literal, name, literal, name, …, literal
        if "{" in "".join(pieces[::2]) or "}" in "".join(pieces[::2]):
            self.mistake("M204", "a brace is not closed", path, 'a part is a column: "{Column}"')
            return None
        if len(pieces) == 1:
            self.mistake("M204", "the template has no column", path,
                         f'for fixed text write {{value: "{template}"}}')  # fmt: skip
            return None
        parts: list[pl.Expr] = []
        sources: dict[str, None] = {}
        for name in pieces[1::2]:
            known = self.column(name, path)
            if known is None:
                return None
            sources.update(dict.fromkeys(known.sources))
            parts.append(self.text(name, known))
        text = _join(parts, pieces[::2])
        return _Picked(text, pl.String(), text, tuple(sources), text)

    def _first_of(self, items: list[Data], path: Path) -> _Picked | None:
        made = [self.value(item, Kind.TEXT, (*path, i)) for i, item in enumerate(items)]
        if not made or None in made:
            if not items:
                self.mistake("M102", "first_of needs at least one value", path)
            return None
        found = [item for item in made if item is not None]
        text = pl.coalesce([item.value for item in found])
        columns = _merge(item.columns for item in found)
        return _Picked(
            text, pl.String(), text, columns, text, _first([item.reason for item in found]),
            _details(found), constant=not columns,
        )  # fmt: skip

    def _steps(self, items: list[Data], path: Path) -> list[Step]:
        steps = []
        for i, item in enumerate(items):
            at = (*path, i)
            name, argument = (item, None) if isinstance(item, str) else _one(item)
            if name not in NAMES:
                hint = did_you_mean(str(name), NAMES) or f"one of: {', '.join(NAMES)}"
                self.mistake("M207", f'unknown step "{name}"', at, hint)
                continue
            if argument is None and name not in PLAIN:
                argument = ""
            try:
                steps.append(step(str(name), argument))
            except StepMistake as error:
                self.mistake(error.code, error.message, at, error.hint)
        return steps

    def _table(self, doc: ValueDoc, path: Path) -> Mapping[str, str] | None:
        if doc.lookup is None:
            return None
        table = self.lookups.get(doc.lookup)
        if table is None:
            hint = did_you_mean(doc.lookup, self.lookups) or "declare it under `lookups`"
            self.mistake("M205", f'unknown lookup table "{doc.lookup}"', (*path, "lookup"), hint)
        else:
            self.used_lookups.add(doc.lookup)
        return table

    def _convert(
        self, doc: ValueDoc, picked: _Picked, steps: list[Step], table: Mapping[str, str] | None,
        kind: Kind, path: Path,
    ) -> Made | None:  # fmt: skip
        details = dict(picked.details)
        reasons = [] if picked.reason is None else [picked.reason]
        source = Source(timezone=self.source.timezone) if picked.constant else self.source
        try:
            if not steps and table is None and picked.dtype != pl.String and doc.format is None:
                made = convert_typed(picked.value, picked.dtype, kind, source)
                made = (
                    replace(made, value=picked.text)
                    if kind is Kind.TEXT and picked.dtype != pl.Boolean
                    else made
                )
            else:
                text, why = _cleaned(picked.text, steps, details)
                reasons += why
                text, unknown = _looked_up(text, table, doc, details)
                reasons += unknown
                made = convert_text(
                    text, Kind.TEXT if kind is Kind.ANY else kind, source, doc.format
                )
        except ConverterMistake as error:
            at = (*path, "format") if doc.format is not None else path
            self.mistake(error.code, error.message, at, error.hint)
            return None
        if picked.constant and not self._fits(made, kind, path):
            return None
        details.update(made.details)
        reason = _first([*reasons, made.reason])
        kind = Kind.TEXT if kind is Kind.ANY else kind
        return Made(made.value, kind, picked.raw, picked.columns, reason, details, picked.constant)

    def _fits(self, made: Converted, kind: Kind, path: Path) -> bool:
        """Fixed text is converted once, here, so that it cannot fail on every row of the night."""
        if made.reason is None or pl.select(made.reason).item() is None:
            return True
        hint = "fixed text is written plainly: 12.50, 2026-01-31, true, DEU"
        self.mistake("M211", f"this fixed text is no {kind.value}", path, hint)
        return False

    def _cases(self, items: list[Data], kind: Kind, path: Path) -> Made | None:
        branches: list[tuple[pl.Expr, Made]] = []
        otherwise: Made | None = None
        sound = bool(items)
        for i, item in enumerate(items):
            at = (*path, i)
            if otherwise is not None:
                self.mistake("M103", "a case after the one without `when` is never reached", at)
            when = item.get("when") if isinstance(item, dict) else None
            rest = (
                {k: v for k, v in item.items() if k != "when"} if isinstance(item, dict) else item
            )
            made = self.value(rest, kind, at)
            if isinstance(when, str):
                test = self.condition(when, (*at, "when"))
                if test is not None and made is not None:
                    columns = _merge([made.columns, test[1]])
                    branches.append((test[0], replace(made, columns=columns)))
                else:
                    sound = False
            else:
                otherwise = made
                sound = sound and made is not None
        if not sound:
            return None
        return _chosen(branches, otherwise, kind)

    def _when(self, doc: ValueDoc, made: Made, path: Path) -> Made:
        if doc.when is None:
            return made
        test = self.condition(doc.when, (*path, "when"))
        if test is None:
            return made
        reason = None if made.reason is None else pl.when(test[0]).then(made.reason)
        # fixed text under a condition does say something about the row
        columns = _merge([made.columns, test[1]])
        return replace(made, value=pl.when(test[0]).then(made.value), reason=reason,
                       columns=columns, constant=False)  # fmt: skip

    def _default(self, doc: ValueDoc, made: Made, path: Path) -> Made | None:
        if doc.default is None:
            return made
        plain = Source(timezone=self.source.timezone)
        default = convert_text(pl.lit(doc.default), made.kind, plain, None)
        if not self._fits(default, made.kind, (*path, "default")):
            return None
        empty = made.value.is_null()
        if made.reason is not None:
            empty = empty & made.reason.is_null()
        if doc.when is not None:
            test = self.condition(doc.when, (*path, "when"))
            empty = empty & test[0] if test is not None else empty
        return replace(made, value=pl.when(empty).then(default.value).otherwise(made.value))


def _keys_of(model: type[BaseModel], loc: tuple[object, ...]) -> list[str]:
    inner: type[BaseModel] = model
    for part in loc:
        info = inner.model_fields.get(str(part))
        annotation = info.annotation if info is not None else None
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        inner = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), inner
        )
    return [info.alias or name for name, info in inner.model_fields.items()]


def _expected(item: dict[str, object]) -> str:
    context = item.get("ctx")
    return str(context.get("expected", "")) if isinstance(context, dict) else ""


def _one(item: Data) -> tuple[str, Data | None]:
    if isinstance(item, dict) and len(item) == 1:
        return next(iter(item.items()))
    return str(item), None


def _merge(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _details(items: list[Made]) -> dict[str, str]:
    return {code: text for item in items for code, text in item.details.items()}


def _first(reasons: list[pl.Expr | None]) -> pl.Expr | None:
    given = [reason for reason in reasons if reason is not None]
    if not given:
        return None
    return given[0] if len(given) == 1 else pl.coalesce(given)


def _join(parts: list[pl.Expr], literals: list[str]) -> pl.Expr:
    """Join texts; a literal between two parts is written only where both sides have text.

    `literals` has one entry more than `parts`. The first literal stands before whatever follows,
    the last one only after a last part that is not empty; all parts empty make null.
    """
    pieces: list[pl.Expr] = []
    before: pl.Expr | None = None
    for part, literal in zip(parts, literals[:-1], strict=True):
        if before is None:
            pieces.append(part)
            before = part.is_not_null()
        else:
            joint = pl.when(before & part.is_not_null()).then(pl.lit(literal)) if literal else None
            pieces += [part] if joint is None else [joint, part]
            before = before | part.is_not_null()
    if literals[-1]:
        pieces.append(pl.when(parts[-1].is_not_null()).then(pl.lit(literals[-1])))
    if literals[0]:
        pieces.insert(0, pl.lit(literals[0]))
    return pl.when(before).then(pl.concat_str(pieces, ignore_nulls=True))


def _cleaned(
    text: pl.Expr, steps: list[Step], details: dict[str, str]
) -> tuple[pl.Expr, list[pl.Expr]]:
    """Apply the steps; a text that becomes empty is null, a pattern that is not found is R208."""
    reasons: list[pl.Expr] = []
    for each in steps:
        after = each.apply(text)
        if each.pattern is not None:
            reasons.append(pl.when(text.is_not_null() & after.is_null()).then(pl.lit("R208")))
            details["R208"] = each.pattern
        text = after
    return (pl.when(text != "").then(text) if steps else text), reasons


def _looked_up(
    text: pl.Expr, table: Mapping[str, str] | None, doc: ValueDoc, details: dict[str, str]
) -> tuple[pl.Expr, list[pl.Expr]]:
    if table is None:
        return text, []
    keys, values = list(table.keys()), list(table.values())
    if doc.unknown is Unknown.KEEP:
        return text.replace_strict(keys, values, default=text, return_dtype=pl.String), []
    found = text.replace_strict(keys, values, default=None, return_dtype=pl.String)
    details["R401"] = str(doc.lookup)
    return found, [pl.when(text.is_not_null() & found.is_null()).then(pl.lit("R401"))]


def _chosen(branches: list[tuple[pl.Expr, Made]], otherwise: Made | None, kind: Kind) -> Made:
    """The first case whose condition holds."""
    every = [made for _, made in branches] + ([otherwise] if otherwise else [])
    dtype = dtype_of(Kind.TEXT if kind is Kind.ANY else kind)
    value = otherwise.value if otherwise else pl.lit(None, dtype)
    raw = otherwise.raw if otherwise else _NOTHING
    reason = otherwise.reason if otherwise and otherwise.reason is not None else _NOTHING
    for test, made in reversed(branches):
        value = pl.when(test).then(made.value).otherwise(value)
        raw = pl.when(test).then(made.raw).otherwise(raw)
        why = made.reason if made.reason is not None else _NOTHING
        reason = pl.when(test).then(why).otherwise(reason)
    fails = any(made.reason is not None for made in every)
    kinds = {made.kind for made in every}
    return Made(
        value, kinds.pop() if len(kinds) == 1 else Kind.TEXT, raw,
        _merge(made.columns for made in every), reason if fails else None, _details(every),
    )  # fmt: skip
