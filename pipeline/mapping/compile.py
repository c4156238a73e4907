"""A mapping's text to a frozen Plan, or all of its mistakes at once (MAPPING §2, §4)."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from pipeline.mapping.columns import Scope
from pipeline.mapping.compiler import Compiler
from pipeline.mapping.delimiters import likely_delimiter, one_column, written
from pipeline.mapping.document import Document, Path, read_document
from pipeline.mapping.language import (
    MappingDoc,
)
from pipeline.mapping.mistakes import (
    MISTAKES,
    MappingRefused,
    Mistake,
    Weight,
    in_order,
)
from pipeline.mapping.plan import (
    Plan,
    Source,
)
from pipeline.mapping.short_forms import place_nulls, written_out
from pipeline.mapping.sources import Part, parts_of, without_sources
from pipeline.mapping.trials import Trial


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
) -> "tuple[Compiler, Plan | None]":
    scope = Scope(document, Source(), None if columns is None else frozenset(columns))
    scope.mistakes += document.mistakes
    scope.lacking |= document.lacking
    place_nulls(document, ("source",), document.data.get("source"))
    doc = scope.structure(MappingDoc, written_out(document.data), ())
    if doc is None:
        raise MappingRefused(document.name, document.text, scope.mistakes)
    without_sources(scope, doc)
    compiler = Compiler(scope, doc, load)
    return compiler, compiler.plan()


def _of_sources(
    document: Document,
    headers: Mapping[str, Iterable[str]],
    load: Callable[[str], bytes] | None,
) -> Compiled:
    """Compile each source of a mapping as a mapping of its own; what they say together is judged once."""
    whole = Scope(document, Source(), None)
    whole.mistakes += document.mistakes
    whole.lacking |= document.lacking
    place_nulls(document, ("source",), document.data.get("source"))
    sources = document.data["sources"]
    for name, each in sources.items() if isinstance(sources, dict) else ():
        place_nulls(document, ("sources", name), each)
    doc = whole.structure(MappingDoc, written_out(document.data), ())
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
        sound = all(each.file_readable or each.doc.source.format == "fixed" for each in made)
        written = {each.name: each.scope.source for each in made} if sound else {}
        raise MappingRefused(document.name, document.text, errors, source, written)
    warnings = in_order(m for m in mistakes if m.weight is Weight.WARNING)
    return Compiled(plain[0], tuple(warnings), document.text, document, made[0].trials,
                    dict(made[0].scope.lookups), plain)  # fmt: skip


def _compiled_parts(
    whole: Scope, parts: Sequence[Part], headers: Mapping[str, tuple[str, ...]],
    load: Callable[[str], bytes] | None,
) -> "tuple[list[Compiler], list[Plan | None]]":  # fmt: skip
    """Compile the sources in their order: reference files last, for they read what others use of them."""
    made: dict[str, Compiler] = {}
    for part in reversed(parts):
        header = headers.get(part.name)
        scope = Scope(
            part.placed(whole.document), Source(), None if header is None else frozenset(header)
        )
        scope.broken, scope.lacking = part.where(whole.broken), part.where(whole.lacking)
        scope.lost = set(whole.lost)
        scope.spent = whole.spent  # what all of them cost together is bounded
        joined = [each for each in made.values() if each.part_source.joins == part.name]
        made[part.name] = Compiler(scope, part.doc, load, part, joined)
    ordered = [made[part.name] for part in parts]
    return ordered, [compiler.plan() for compiler in ordered]


def _warn_of_lookups(whole: Scope, doc: MappingDoc | None, made: "Sequence[Compiler]") -> None:
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
