"""One VALUE of a mapping to a pair of Polars expressions: the typed value and a reason or null.

Order of work, as MAPPING §2 says: pick → do → lookup → convert → default; `when` decides whether
there is a value at all. Empty is null all the way.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import polars as pl

from pipeline.mapping.bounds import CASES_MAX, STEPS_MAX, Excess, too_nested
from pipeline.mapping.columns import Known, Scope
from pipeline.mapping.combine import (
    Picked,
    Value,
    all_of,
    chosen,
    first_found,
    join,
    merge,
)
from pipeline.mapping.converters import (
    DIGITS_MAX,
    ConverterMistake,
    as_text,
    convert_text,
    convert_typed,
    dtype_of,
    kind_of,
)
from pipeline.mapping.document import Data, Path
from pipeline.mapping.fixed import likely, unfit
from pipeline.mapping.formats import one_text_two_days
from pipeline.mapping.language import ORIGINS, OnError, Unknown, ValueDoc
from pipeline.mapping.lookups import Patterns
from pipeline.mapping.mistakes import Weight, did_you_mean
from pipeline.mapping.plan import TEXT_PREFIX as TEXT_PREFIX
from pipeline.mapping.plan import WHY_PREFIX as WHY_PREFIX
from pipeline.mapping.plan import Source
from pipeline.mapping.steps import NAMES, Step, StepMistake, step
from pipeline.mapping.templates import TemplateMistake, parts_of
from pipeline.mapping.trail import Branch, Clause, Lookup, Stage, Trail
from pipeline.model.field import Field, Kind

KINDS_FOR_AS: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "integer": Kind.INTEGER,
    "decimal": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
    "country": Kind.COUNTRY,
}
_ATTRIBUTES: Mapping[str, str] = {
    info.alias or name: name for name, info in ValueDoc.model_fields.items()
}
_SAME = frozenset({(Kind.MONEY, Kind.NUMBER), (Kind.AMOUNT, Kind.NUMBER)})
_PLAINLY = "fixed text is written plainly: 12.50, 2026-01-31, true, DEU"
_LISTED = 8  # columns that a hint lists
_CALLED_ELSEWHERE = {"trim": "strip", "lowercase": "lower", "uppercase": "upper"}
_MOMENTS = (Kind.DATE, Kind.DATETIME)


@dataclass(frozen=True, slots=True)
class Target:
    """What a value is made for: a field of the API, or a new column (`derived`), or a part of one.

    `part` marks the values inside `cases` and `first_of`.
    """

    kind: Kind
    field: Field | None = None
    derived: bool = False
    part: bool = False


@dataclass(frozen=True, slots=True)
class _Work:
    """What happens to a picked text: steps, then a lookup, then conversion."""

    steps: list[Step] = dataclasses.field(default_factory=list)
    table: Mapping[str, str] | None = None
    forms: tuple[str, ...] = ()

    @property
    def none(self) -> bool:
        return not self.steps and self.table is None and not self.forms


@dataclass(frozen=True, slots=True)
class Values:
    """Compiles values; mistakes go to the scope.

    `row_number` gives the number of a row in its order; None where it cannot be had (it is noted).
    """

    scope: Scope
    row_number: Callable[[Path], Picked | None]

    def value(self, data: Data, target: Target, path: Path) -> Value | None:
        """Compile a VALUE; None when it has mistakes (they are noted)."""
        if not self._bounded(data, target, path):
            return None
        if isinstance(data, str):
            if data:
                return self._finish(ValueDoc.column(data), target, path, path)
            hint = "write a column, or {value: …} for fixed text"
            self.scope.mistake("M102", "a value is missing here", path, hint, key=True)
            return None
        if not isinstance(data, dict):
            hint = "such as {from: Column}"
            self.scope.mistake("M103", "a value is a column name or a table", path, hint)
            return None
        doc = self.scope.structure(ValueDoc, data, path)
        if doc is None:
            return None
        given = [origin for origin in ORIGINS if _ATTRIBUTES[origin] in doc.model_fields_set]
        put_aside = path in self.scope.lacking or any(
            (*path, origin) in self.scope.broken for origin in ORIGINS
        )
        if not given and put_aside:
            self._finish(doc, target, path, None)
            return None
        if len(given) != 1:
            what = " and ".join(given) if given else "none"
            self.scope.mistake("M210", f"a value needs exactly one origin, here: {what}", path,
                               f"one of: {', '.join(ORIGINS)}")  # fmt: skip
            return None
        return self._finish(doc, target, path, (*path, given[0]))

    def _bounded(self, data: Data, target: Target, path: Path) -> bool:
        """Whether a value costs no more than every machine has; notes M230 when not."""
        if self.scope.spent.exhausted:
            return False
        excess = None
        if not target.part:
            excess = self.scope.spent.on_value(data, path, self.scope.lookups)
        elif too_nested(path):
            excess = Excess("values stand too deep inside others", "derive columns of them first")
        if excess is not None:
            self.scope.mistake("M230", excess.message, path, excess.hint)
        return excess is None

    def _finish(
        self, doc: ValueDoc, target: Target, path: Path, origin: Path | None
    ) -> Value | None:
        """`origin` leads to what is picked: the value itself in short form; None where it is lost."""
        self.warn_of_formats(doc.format, (*path, "format"))
        before = len(self.scope.mistakes)
        target = replace(target, kind=self._kind(doc, target.kind, path))
        work = _Work(self._steps(doc.do, (*path, "do")), self._table(doc, path), tuple(doc.format))
        self._without_effect(doc, target, path)
        test = self.scope.condition(doc.when, (*path, "when")) if doc.when is not None else None
        made = self._made(doc, work, target, path, origin) if origin is not None else None
        if made is None or len(self.scope.mistakes) > before:
            if doc.default is not None and target.kind is not Kind.ANY:
                self._fits_by_itself(doc.default, target, (*path, "default"))
            return None
        made = replace(made, drop_on_error=doc.on_error is OnError.NULL, aggregate=doc.aggregate)
        if doc.on_error is OnError.NULL and not self._can_be_dropped(doc, made, path):
            return None
        if doc.default is not None:
            filled = self._default(doc.default, made, target, (*path, "default"))
            if filled is None:
                return None
            made = filled
        if test is None or doc.when is None:
            return made
        return _under(made, *test, self.clause(doc.when, test, (*path, "when")))

    def clause(self, said: str, made: tuple[pl.Expr, tuple[str, ...]], path: Path) -> Clause:
        """A compiled condition, and how it is written."""
        return Clause(said=said, test=made[0], names=_names(made[0]), line=self._line(path))

    def _line(self, path: Path) -> int:
        return self.scope.document.place(path).line

    def _made(
        self, doc: ValueDoc, work: _Work, target: Target, path: Path, origin: Path
    ) -> Value | None:
        if doc.cases is None and doc.first_of is None:
            picked = self._pick(doc, target, origin)
            return self._converted(picked, work, doc, target, path) if picked else None
        # what follows is done to the text that was picked, whichever it was
        inner = replace(target, part=True) if work.none else Target(Kind.TEXT, part=True)
        if doc.cases is not None:
            made, constants = self._cases(doc.cases, inner, origin)
        else:
            made, constants = self._first_of(doc.first_of or [], inner, origin)
        if made is None or work.none:
            return made
        for constant in constants:
            if self._converted(constant, work, doc, target, path) is None:
                return None
        picked = Picked(made.value, pl.String(), made.raw, made.columns, made.value, made.reason,
                        made.details, trail=made.trail)  # fmt: skip
        return self._converted(picked, work, doc, target, path)

    # -- what a key may say ------------------------------------------------------------------

    def _kind(self, doc: ValueDoc, kind: Kind, path: Path) -> Kind:
        if doc.as_ is None:
            return kind
        named = KINDS_FOR_AS.get(doc.as_)
        if named is None:
            hint = did_you_mean(doc.as_, KINDS_FOR_AS) or f"one of: {', '.join(KINDS_FOR_AS)}"
            self.scope.mistake("M104", f'"{doc.as_}" is not a type', (*path, "as"), hint)
            return kind
        if kind is Kind.ANY:
            return named
        if kind is not named and (kind, named) not in _SAME:
            text = f"the target is {kind.value}, so it cannot be read as {doc.as_}"
            hint = "the target decides the type: remove `as`"
            self.scope.mistake("M103", text, (*path, "as"), hint)
        return kind

    def _without_effect(self, doc: ValueDoc, target: Target, path: Path) -> None:
        given = doc.model_fields_set
        inside = target.part or target.derived
        for key in ("on_error", "aggregate"):
            if key in given and inside:
                where = "inside another value" if target.part else "on a derived column"
                hint = (
                    "write it at the field" if target.derived else "write it beside the whole value"
                )
                self._effectless(key, where, path, hint)
        if "unknown" in given and doc.lookup is None:
            self._effectless("unknown", "without `lookup`", path, "add `lookup`, or remove it")
        if doc.format and target.kind not in _MOMENTS:
            hint = (
                "add `as: date`"
                if target.kind is Kind.ANY
                else "only dates have a format: remove it"
            )
            self._effectless("format", f"on {target.kind.value}", path, hint)

    def warn_of_formats(self, written: Sequence[str], path: Path) -> None:
        """Warn where two formats read one text as two days: then their order decides, unseen."""
        clash = next(
            (c for a, b in combinations(written, 2) if (c := one_text_two_days(a, b))), None
        )
        if clash is not None:
            first, second, text = clash
            hint = "keep the one that the file has; if it has both, days up to the 12th are read by the first"
            says = f'"{text}" fits "{first}" and "{second}", with two different days'
            self.scope.mistake("W113", says, path, hint, weight=Weight.WARNING)

    def _effectless(self, key: str, where: str, path: Path, hint: str) -> None:
        if path in self.scope.lacking or (*path, "lookup") in self.scope.broken:
            return  # what it works on may be what was put aside
        text = f"`{key}` has no effect {where}"
        self.scope.mistake("M215", text, (*path, key), hint, key=True)

    def _can_be_dropped(self, doc: ValueDoc, made: Value, path: Path) -> bool:
        """A bad cell of a column that is typed or derived is a finding before any field sees it."""
        named = (doc.from_,) if doc.from_ is not None else made.columns
        failing = [
            name for name in named if name in self.scope.known and self.scope.known[name].fails
        ]
        if failing:
            hint = "take the text of a column that is not declared, and convert it here"
            self._effectless("on_error", f"where {failing[0]} has its own type", path, hint)
        return not failing

    # -- pick --------------------------------------------------------------------------------

    def _pick(self, doc: ValueDoc, target: Target, path: Path) -> Picked | None:
        if doc.from_ is not None:
            known = self.scope.column(doc.from_, path)
            if known is None:
                return None
            text = self.scope.text(doc.from_, known)
            trail = Trail(origin="from", said=doc.from_, picked=text, names=(doc.from_,),
                          line=self._line(path))  # fmt: skip
            return Picked(pl.col(doc.from_), known.dtype, text, known.sources, text, trail=trail)
        if doc.value is not None:
            fixed = pl.lit(doc.value)
            trail = Trail(origin="value", said=doc.value, picked=fixed, line=self._line(path))
            return Picked(fixed, pl.String(), fixed, (), fixed, constant=True, trail=trail)
        if doc.template is not None:
            return self._template(doc.template, path)
        if doc.row_number is not None:
            made = self.row_number(path)
            if made is None:
                return None
            trail = Trail(origin="row_number", said=doc.row_number, picked=made.text,
                          line=self._line(path))  # fmt: skip
            return replace(made, trail=trail)
        return self._sql(doc.sql or "", path, condition=target.kind is Kind.BOOLEAN)

    def _sql(self, sql: str, path: Path, *, condition: bool) -> Picked | None:
        made = self.scope.expression(sql, path, condition=condition)
        if made is None:
            return None
        expr, dtype = made.expr, made.dtype
        if dtype == pl.Null:
            expr, dtype = expr.cast(pl.String), pl.String()
        text = as_text(expr, dtype)
        reason = None if made.fails is None else pl.when(made.fails).then(pl.lit("R210"))
        trail = Trail(origin="sql", said=sql, picked=text, names=made.names, line=self._line(path))
        return Picked(expr, dtype, self._raw(made.columns, text), made.columns, text, reason,
                      {"R210": str(DIGITS_MAX)} if reason is not None else {}, typed=True,
                      trail=trail)  # fmt: skip

    def _raw(self, columns: tuple[str, ...], otherwise: pl.Expr) -> pl.Expr:
        """What a finding quotes: the cell itself where one column of the file is behind the value."""
        if len(columns) != 1:
            return otherwise
        known = self.scope.known.get(columns[0], Known(Kind.TEXT, columns))
        return self.scope.text(columns[0], known) if known.sources == columns else otherwise

    def _template(self, template: str, path: Path) -> Picked | None:
        try:
            literals, names = parts_of(template)
        except TemplateMistake as error:
            self.scope.mistake("M204", error.message, path, error.hint)
            return None
        parts: list[pl.Expr] = []
        sources: dict[str, None] = {}
        for name in names:
            before = len(self.scope.mistakes)
            known = self.scope.column(name, path)
            if known is None:
                self._at_part(before, template, name, path)
            if known is not None:
                sources.update(dict.fromkeys(known.sources))
                parts.append(self.scope.text(name, known))
        if len(parts) < len(names):
            return None
        text = join(parts, literals)
        trail = Trail(origin="template", said=template, picked=text,
                      names=tuple(dict.fromkeys(names)), line=self._line(path))  # fmt: skip
        return Picked(text, pl.String(), text, tuple(sources), text, trail=trail)

    def _at_part(self, before: int, template: str, name: str, path: Path) -> None:
        """Let mistakes about a part of a template point at its name; no part is fixed text."""
        place = self.scope.document.inside(
            path, template, template.index(f"{{{name}}}") + 1, len(name)
        )
        for i, each in enumerate(self.scope.mistakes[before:], before):
            hint = each.help
            if "bare word" in hint:
                listed = sorted(self.scope.header or ())
                more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
                hint = f"there are: {', '.join(listed[:_LISTED])}{more}"
            self.scope.mistakes[i] = replace(
                each, line=place.line, column=place.column, length=place.length, help=hint
            )

    def _first_of(
        self, items: list[Data], target: Target, path: Path
    ) -> tuple[Value | None, list[Picked]]:
        if not items:
            hint = "such as first_of: [Mobile, Phone]"
            self.scope.mistake("M102", "first_of needs at least one value", path, hint)
        made = [self.value(item, target, (*path, i)) for i, item in enumerate(items)]
        found = [item for item in made if item is not None]
        if not found or len(found) < len(made):
            return None, []
        chosen_ = first_found(found)
        branches = [self._branch(item, None, (*path, i)) for i, item in enumerate(found)]
        trail = self._of_branches("first_of", chosen_, branches, path)
        return replace(chosen_, trail=trail), [_again(item) for item in found if item.constant]

    def _branch(self, made: Value, clause: Clause | None, path: Path) -> Branch:
        trail = made.trail or Trail(origin="", said="", picked=made.value)
        there = made.value.is_not_null()
        if made.reason is not None:
            there = there | made.reason.is_not_null()
        return Branch(clause=clause, trail=trail, there=there, line=self._line(path))

    def _of_branches(self, origin: str, made: Value, branches: list[Branch], path: Path) -> Trail:
        text = as_text(made.value, dtype_of(made.kind))
        return Trail(origin=origin, said="", picked=text, branches=tuple(branches),
                     line=self._line(path))  # fmt: skip

    def _cases(
        self, items: list[Data], target: Target, path: Path
    ) -> tuple[Value | None, list[Picked]]:
        branches: list[tuple[pl.Expr | None, Value]] = []
        told: list[Branch] = []
        if not items:
            hint = "such as cases: [{when: \"A = 'x'\", value: y}, {from: B}]"
            self.scope.mistake("M102", "cases needs at least one case", path, hint)
        if len(items) > CASES_MAX:
            text = f"{len(items):,} cases are too many: at most {CASES_MAX}"
            self.scope.mistake("M230", text, path, "a table of `lookups` holds long lists")
            return None, []
        ended = False
        for i, item in enumerate(items):
            at = (*path, i)
            if ended:
                hint = "give the case before it a `when`"
                text = "a case after the one without `when` is never reached"
                self.scope.mistake("M103", text, at, hint)
            when = item.get("when") if isinstance(item, dict) else None
            rest = (
                {k: v for k, v in item.items() if k != "when"} if isinstance(item, dict) else item
            )
            made = self.value(rest, target, at)
            test = None
            if isinstance(when, str):
                test = self.scope.condition(when, (*at, "when"))
                if test is None:
                    continue
            ended = ended or when is None
            if made is not None:
                columns = merge([made.columns, test[1]]) if test else made.columns
                branches.append((test[0] if test else None, replace(made, columns=columns)))
                clause = self.clause(str(when), test, (*at, "when")) if test else None
                told.append(self._branch(made, clause, at))
        if not items or len(branches) < len(items):
            return None, []
        made = chosen(branches)
        trail = self._of_branches("cases", made, told, path)
        return replace(made, trail=trail), [_again(made) for _, made in branches if made.constant]

    # -- do, lookup --------------------------------------------------------------------------

    def _steps(self, items: list[Data], path: Path) -> list[Step]:
        steps: list[Step] = []
        if len(items) > STEPS_MAX:
            text = f"{len(items):,} steps are too many: at most {STEPS_MAX}"
            self.scope.mistake("M230", text, path, "derive a column, and go on from it")
            return steps
        for i, item in enumerate(items):
            at = (*path, i)
            name, argument = (item, None) if isinstance(item, str) else _one(item)
            if name not in NAMES:
                called = _CALLED_ELSEWHERE.get(str(name), str(name))
                hint = did_you_mean(called, NAMES) or f"one of: {', '.join(NAMES)}"
                self.scope.mistake("M207", f'unknown step "{name}"', at, hint)
                continue
            try:
                steps.append(step(name, argument))
            except StepMistake as error:
                self.scope.mistake(error.code, error.message, at, error.hint)
        excess = self.scope.spent.on_patterns(each.pattern for each in steps if each.pattern)
        if excess is not None:
            self.scope.mistake("M230", excess.message, path, excess.hint)
        return steps

    def _table(self, doc: ValueDoc, path: Path) -> Mapping[str, str] | None:
        if doc.lookup is None:
            return None
        table = self.scope.lookups.get(doc.lookup)
        if table is None and (doc.lookup in self.scope.lost or ("lookups",) in self.scope.broken):
            return None
        if table is None:
            hint = did_you_mean(doc.lookup, self.scope.lookups) or "declare it under `lookups`"
            text = f'unknown lookup table "{doc.lookup}"'
            self.scope.mistake("M205", text, (*path, "lookup"), hint)
        else:
            self.scope.used_lookups.add(doc.lookup)
            excess = self.scope.spent.on_patterns(table if isinstance(table, Patterns) else ())
            if excess is not None:
                self.scope.mistake("M230", excess.message, (*path, "lookup"), excess.hint)
        return table

    # -- convert, default --------------------------------------------------------------------

    def _converted(
        self, picked: Picked, work: _Work, doc: ValueDoc, target: Target, path: Path
    ) -> Value | None:
        kind = _settled(picked, work, target)
        source = self.scope.notation(picked.columns)
        if picked.constant and doc.lookup is None:  # fixed text is written plainly
            source = Source(timezone=source.timezone, ambiguous=source.ambiguous)
        details = dict(picked.details)
        reasons = [] if picked.reason is None else [picked.reason]
        trail = picked.trail or Trail(origin="", said="", picked=picked.text)
        try:
            if work.none and picked.dtype != pl.String and not kind.is_text:
                made = convert_typed(picked.value, picked.dtype, kind, source)
            else:
                text, why, stages = _cleaned(picked.text, work.steps, details)
                trail = trail.then(*stages)
                if work.table is not None:
                    trail = self._with_lookup(trail, text, work.table, doc, path)
                text, unknown = _looked_up(text, work.table, doc, details)
                reasons += [*why, *unknown]
                if work.table is not None:
                    trail = trail.then(Stage(word=f"lookup {doc.lookup}", value=text))
                made = convert_text(text, kind, source, work.forms)
        except ConverterMistake as error:
            at = (*path, "format") if work.forms else path
            if error.code != "M213" or not self.scope.unsure(("source",), ("source", "timezone")):
                self.scope.mistake(error.code, error.message, at, error.hint)
            return None
        details.update(made.details)
        reason = all_of([*reasons, made.reason])
        if not kind.is_text or kind is Kind.COUNTRY:
            written = f" {' or '.join(work.forms)}" if work.forms else ""
            trail = trail.then(Stage(word=f"as {kind.value}{written}", value=made.value))
        value = Value(
            made.value, kind, picked.raw, picked.columns, reason, details, picked.constant,
            trail=trail,
        )  # fmt: skip
        if work.table is not None and not self._table_fits(work.table, doc, kind, target):
            return None
        if picked.constant and not self._fits(value, target, path):
            return None
        return value

    def _with_lookup(
        self, trail: Trail, text: pl.Expr, table: Mapping[str, str], doc: ValueDoc, path: Path
    ) -> Trail:
        patterns = isinstance(table, Patterns)
        made = Lookup(table=str(doc.lookup), text=text, rows=table, patterns=patterns,
                      line=self._line((*path, "lookup")))  # fmt: skip
        return replace(trail, lookup=made)

    def _fits(self, made: Value, target: Target, path: Path) -> bool:
        reason = made.reason if made.reason is not None else pl.lit(None, pl.String)
        value, why = pl.select(made.value.alias("value"), reason.alias("why")).row(0)
        if value is not None and value != "" and why is None:
            hint = unfit(value, target.field)
            if not hint:
                return True
        else:
            quoted = pl.select(made.raw.cast(pl.String)).item()
            hint = likely(quoted, made.kind) or _PLAINLY
        what = target.field.name if target.field and target.kind.is_text else made.kind.value
        text = f"this fixed text is no {what}"
        if value in {None, ""} and why is None:
            text, hint = "this fixed text is empty", "leave the key out"
        self.scope.mistake("M211", text, path, hint)
        return False

    def _table_fits(
        self, table: Mapping[str, str], doc: ValueDoc, kind: Kind, target: Target
    ) -> bool:
        """Every value of a lookup table goes on to the target, so each must fit."""
        keys = [key for key, value in table.items() if value]
        texts = pl.DataFrame({"text": [table[key] for key in keys]}, schema={"text": pl.String})
        made = convert_text(pl.col("text"), kind, self.scope.source, doc.format)
        reason = made.reason if made.reason is not None else pl.lit(None, pl.String)
        judged = texts.select(made.value.alias("value"), reason.alias("why")).rows() if keys else []
        fine = True
        for key, (value, why) in zip(keys, judged, strict=True):
            hint = unfit(value, target.field)
            if why is None and not hint:
                continue
            fine = False
            what = target.field.name if target.field and kind.is_text else kind.value
            text = f'lookups.{doc.lookup} gives "{table[key]}" for "{key}", which is no {what}'
            at = ("lookups", str(doc.lookup), key)
            hint = hint or likely(table[key], kind) or "values are written as in the file"
            self.scope.mistake("M211", text, at, hint)
        return fine

    def _fits_by_itself(self, default: str, target: Target, path: Path) -> None:
        """Judge a default whose value cannot be made."""
        nothing = Value(pl.lit(None, dtype_of(target.kind)), target.kind, pl.lit(None), ())
        try:
            self._default(default, nothing, target, path)
        except ConverterMistake:
            return  # it is the notation that is wrong, and said where the value is converted

    def _default(self, default: str, made: Value, target: Target, path: Path) -> Value | None:
        plain = Source(timezone=self.scope.source.timezone)
        filled = convert_text(pl.lit(default), made.kind, plain)
        fixed = Value(filled.value, made.kind, pl.lit(default), (), filled.reason)
        if not self._fits(fixed, target, path):
            return None
        empty = made.value.is_null()
        if made.reason is not None:
            empty = empty & made.reason.is_null()
        whole = pl.when(empty).then(filled.value).otherwise(made.value)
        trail = made.trail or Trail(origin="", said="", picked=made.value)
        trail = replace(trail, default=default, filled=empty)
        trail = trail.then(Stage(word=f"default {default}", value=whole))
        return replace(made, value=whole, bare=made.value, fill=filled.value, trail=trail)


def _settled(picked: Picked, work: _Work, target: Target) -> Kind:
    """The kind of a value; where the target takes any, that of an expression or declared column.

    An attribute made of a column stays the text of its cell unless `as` says otherwise.
    """
    if target.kind is not Kind.ANY:
        return target.kind
    if work.none and (target.derived or picked.typed):
        return kind_of(picked.dtype)
    return Kind.TEXT


def _again(made: Value) -> Picked:
    """A constant of one branch, to see whether what follows can be done to it."""
    return Picked(made.value, pl.String(), made.raw, (), made.value, constant=True)


def _names(expr: pl.Expr) -> tuple[str, ...]:
    """The columns that an expression sees, by the names that the mapping has for them."""
    roots = (name.removeprefix(TEXT_PREFIX) for name in expr.meta.root_names())
    return tuple(dict.fromkeys(roots))


def _under(made: Value, test: pl.Expr, columns: tuple[str, ...], clause: Clause) -> Value:
    def where(expr: pl.Expr | None) -> pl.Expr | None:
        return None if expr is None else pl.when(test).then(expr)

    trail = None if made.trail is None else replace(made.trail, clause=clause)
    # fixed text under a condition does say something about the row
    return replace(made, value=pl.when(test).then(made.value), reason=where(made.reason),
                   bare=where(made.bare), fill=where(made.fill),
                   columns=merge([made.columns, columns]), constant=False,
                   trail=trail)  # fmt: skip


def _one(item: Data) -> tuple[str, Data]:
    if isinstance(item, dict) and len(item) == 1:
        return next(iter(item.items()))
    return str(item), ""


def _cleaned(
    text: pl.Expr, steps: list[Step], details: dict[str, str]
) -> tuple[pl.Expr, list[pl.Expr], list[Stage]]:
    """Apply the steps; a text that becomes empty is null, a pattern that is not found is R208."""
    reasons: list[pl.Expr] = []
    stages = []
    for each in steps:
        after = each.apply(text)
        if each.pattern is not None:
            reasons.append(pl.when(text.is_not_null() & after.is_null()).then(pl.lit("R208")))
            details["R208"] = each.pattern
        text = pl.when(after != "").then(after)
        stages.append(Stage(word=each.word, value=text))
    return text, reasons, stages


def _looked_up(
    text: pl.Expr, table: Mapping[str, str] | None, doc: ValueDoc, details: dict[str, str]
) -> tuple[pl.Expr, list[pl.Expr]]:
    """The table's value; an empty one means no value, a text that the table does not have is R401."""
    if table is None:
        return text, []
    otherwise = text if doc.unknown is Unknown.KEEP else pl.lit(None, pl.String)
    if isinstance(table, Patterns):
        found = pl.coalesce(_matched(text, table), otherwise)
    else:
        found = text.replace_strict(
            list(table), list(table.values()), default=otherwise, return_dtype=pl.String
        )
    reasons: list[pl.Expr] = []
    if doc.unknown is Unknown.REJECT:
        details["R401"] = str(doc.lookup)
        reasons = [pl.when(text.is_not_null() & found.is_null()).then(pl.lit("R401"))]
    return (pl.when(found != "").then(found) if "" in table.values() else found), reasons


def _matched(text: pl.Expr, table: Patterns) -> pl.Expr:
    """The value whose patterns match the whole text; null where those of two values do."""
    by_value = table.by_value()
    if not by_value:
        return pl.lit(None, pl.String)
    hits = [text.str.contains(pattern) for pattern in by_value.values()]
    values = [pl.when(hit).then(pl.lit(value)) for hit, value in zip(hits, by_value, strict=True)]
    return pl.when(pl.sum_horizontal(hits) == 1).then(pl.coalesce(values))
