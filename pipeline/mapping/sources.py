"""`sources`: one mapping of several files, taken apart into one mapping for each of them.

    sources: {orders: …, lines: {belongs_to: orders, …}, customers: {joins: orders, …}}

Each source is compiled as a mapping of its own: the same sections, at the places where they stand in
the text. What they have to do with each other is said here, and judged here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.mapping.columns import Scope
from pipeline.mapping.document import Document, Path, Place
from pipeline.mapping.language import MappingDoc, MutationDoc, PartDoc, SourceDoc
from pipeline.mapping.mistakes import Weight, did_you_mean
from pipeline.mapping.plan import TEXT_FORMATS, Mode, Orphans, Sending

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}")
_OWN = frozenset(PartDoc.model_fields) - frozenset(SourceDoc.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One source of a mapping, as a mapping of its own.

    `doc` is that mapping; `moves` are the paths at which its sections are written, and where `doc` has
    them. `makes` is the name of the source that makes orders: its own, or the one it belongs to;
    `sources` are the names of all.
    """

    name: str
    doc: MappingDoc
    source: PartDoc
    makes: str
    sources: tuple[str, ...]
    moves: tuple[tuple[Path, Path], ...]

    @property
    def is_root(self) -> bool:
        """Whether it makes the orders."""
        return self.name == self.makes

    @property
    def is_reference(self) -> bool:
        """Whether its columns are joined to the rows of another."""
        return self.source.joins is not None

    @property
    def required(self) -> bool:
        """Whether each order needs a row of it: lines are not sent after an order was made."""
        if self.source.required is not None:
            return self.source.required
        lines = self.doc.lines
        makes = self.doc.mode is Mode.CREATE_OR_UPDATE
        return lines is not None and lines.send is Sending.ON_CREATE and makes

    def placed(self, document: Document) -> Document:
        """The document with the places of this part at the paths that its own mapping has."""
        moved = {meant for _, meant in self.moves}

        def seen(places: dict[Path, Place]) -> dict[Path, Place]:
            kept = {
                path: place
                for path, place in places.items()
                if not any(path[: len(meant)] == meant for meant in moved)
            }
            return kept | {to: places[path] for path in places for to in self._paths(path)}

        return replace(document, values=seen(document.values), keys=seen(document.keys))

    def where(self, paths: Iterable[Path]) -> set[Path]:
        """Paths of the text as its own mapping has them; others stay what they are."""
        return {to for path in paths for to in (path, *self._paths(path))}

    def _paths(self, path: Path) -> Iterator[Path]:
        for written, meant in self.moves:
            if path[: len(written)] == written:
                yield (*meant, *path[len(written) :])


def parts_of(scope: Scope, doc: MappingDoc) -> list[Part]:
    """Take a mapping apart: the source that makes orders first, reference files last.

    [] where it cannot be told which source is for what; the mistakes go to the scope.
    """
    before = len(scope.mistakes)
    _common(scope, doc)
    roots = [
        name for name, each in doc.sources.items() if each.belongs_to is None and each.joins is None
    ]
    unsure = scope.unsure(("sources",), *(("sources", name) for name in doc.sources))
    if len(roots) != 1 and not unsure:
        named = f": {', '.join(roots)}" if roots else ""
        hint = (
            "exactly one source has neither `belongs_to` nor `joins`: the file with a row per order"
        )
        text = f"it cannot be told which source makes the orders{named}"
        scope.mistake("M103", text, ("sources",), hint, key=True)
    if len(roots) != 1:
        return []
    for name, each in doc.sources.items():
        _judge(scope, doc, name, each, roots[0])
    used = [_source_of(scope, doc, at, name, roots[0]) for at, name in _sections(doc)]
    if len(scope.mistakes) > before:
        return []
    _judge_kept_lines(scope, doc, used)
    feeding = {name for name in used if name is not None}
    for name, each in doc.sources.items():
        if each.belongs_to is not None and name not in feeding and not each.required:
            hint = f"name it in a section, `lines: {{source: {name}, …}}`, or remove it"
            text = f"nothing is made of the source {name}"
            scope.mistake("M215", text, ("sources", name), hint, key=True)
    listed = sorted(doc.sources, key=lambda name: _rank(doc.sources[name]))
    return [_part(scope, doc, name, roots[0]) for name in listed]


def _rank(part: PartDoc) -> int:
    return 2 if part.joins is not None else 1 if part.belongs_to is not None else 0


def without_sources(scope: Scope, doc: MappingDoc) -> None:
    """Note a `source` in a section of a mapping that has only one."""
    for at, name in _sections(doc):
        if name is not None:
            hint = "name the files under `sources`, or remove it"
            text = "`source` has no effect where there is only one"
            scope.mistake("M215", text, at, hint, key=True)


def _sections(doc: MappingDoc) -> Iterator[tuple[Path, str | None]]:
    """The sections that may say of which source they are, with what they say."""
    if doc.lines is not None:
        yield ("lines", "source"), doc.lines.source
    if doc.trackings is not None:
        yield ("trackings", "source"), doc.trackings.source
    for i, each in enumerate(doc.mutations):
        yield ("mutations", i, "source"), each.source


def _source_of(scope: Scope, doc: MappingDoc, at: Path, name: str | None, root: str) -> str | None:
    """The source of a section; None where it is none."""
    if name is None:
        return root
    makers = [each for each, part in doc.sources.items() if part.joins is None]
    if name in makers:
        return name
    hint = did_you_mean(name, makers) or f"one of: {', '.join(makers)}"
    if name in doc.sources:
        joined = doc.sources[name].joins
        text = f"the rows of {name} are joined to those of {joined}, and make nothing themselves"
        hint = f"use its columns as `{name}.Column`"
    else:
        text = f'there is no source "{name}"'
    scope.mistake("M104", text, at, hint)
    return None


# -- what the sources say -------------------------------------------------------------------------


def _common(scope: Scope, doc: MappingDoc) -> None:
    """What a mapping of several sources cannot say once for all of them."""
    where = "write it in the source that it is about: sources: {orders: {%s}}"
    for at, given, key in (
        (("derive",), bool(doc.derive), "derive: {…}"),
        (("rows", "key"), bool(doc.rows.key), "key: Column"),
        (("rows",), bool(doc.rows.model_fields_set - {"key"}), "rows: {…}"),
        (("source", "files"), doc.source.files is not None, 'files: "orders_*.csv"'),
        (("source", "columns"), bool(doc.source.columns), "columns: {…}"),
        (("source", "expect"), doc.source.expect is not None, "expect: {…}"),
        (("extract",), doc.extract is not None, ""),
    ):
        if given:
            text = f"`{'.'.join(map(str, at))}` has no effect beside `sources`"
            hint = where % key if key else "EDI messages are read by a mapping of their own"
            scope.mistake("M215", text, at, hint, key=True)


def _judge(scope: Scope, doc: MappingDoc, name: str, part: PartDoc, root: str) -> None:
    at: Path = ("sources", name)
    if _NAME.fullmatch(name) is None:
        text = f'"{name}" is no name for a source'
        hint = "letters, digits, - and _, at most 31, a letter first: columns are called by it"
        scope.mistake("M103", text, at, hint, key=True)
    if (
        part.format if "format" in part.model_fields_set else doc.source.format
    ) not in TEXT_FORMATS:
        hint = "EDI messages are read by a mapping of their own, which may run beside this one"
        scope.mistake("M103", "a source is delimited or fixed-width text", (*at, "format"), hint)
    if part.belongs_to is not None and part.joins is not None:
        hint = "`belongs_to` for many rows per order, `joins` for one row that many orders name"
        text = "a source either belongs to orders or is joined to rows"
        scope.mistake("M103", text, (*at, "joins"), hint, key=True)
        return
    if part.belongs_to is not None and part.belongs_to != root:
        hint = f"it makes the orders: belongs_to: {root}"
        text = f'"{part.belongs_to}" is not the source that makes orders'
        scope.mistake("M104", text, (*at, "belongs_to"), hint)
    several = isinstance(part.key, list) and len(part.key) > 1
    if several and part.belongs_to is not None and part.orphans is Orphans.KEEP:
        hint = "make the order number at `key`: {template: ...}, or let such rows be rejected"
        text = (
            "rows of no order are sent by their key, and one of several columns is no order number"
        )
        scope.mistake("M103", text, (*at, "orphans"), hint)
    if part.joins is not None:
        makers = [each for each, other in doc.sources.items() if other.joins is None]
        if part.joins not in makers:
            hint = did_you_mean(part.joins, makers) or f"one of: {', '.join(makers)}"
            text = f'"{part.joins}" is no source whose rows make something'
            scope.mistake("M104", text, (*at, "joins"), hint)
        if part.orphans is Orphans.SKIP:
            hint = "`reject`, or `keep` with empty cells; rows are left out by `rows.skip`"
            text = "a row cannot be left out because another file lacks it"
            scope.mistake("M104", text, (*at, "orphans"), hint)
    if part.key is None and name != root and not scope.unsure(at, (*at, "key")):
        hint = "name the column: key: OrderNo"
        scope.mistake("M102", 'the key "key" is missing here', at, hint, key=True)
    _effectless(scope, part, at, root=name == root)


def _judge_kept_lines(scope: Scope, doc: MappingDoc, used: Sequence[str | None]) -> None:
    """Rows that update an order cannot be its lines: these would replace those that it has.

    Where more is made of them than lines, that is sent, and W103 says what is not.
    """
    name = doc.lines.source if doc.lines is not None else None
    part = doc.sources.get(name) if name is not None else None
    if doc.lines is None or part is None or doc.mode is Mode.UPDATE_ONLY:
        return
    if part.orphans is not Orphans.KEEP or doc.lines.send is not Sending.ON_CREATE:
        return
    at: Path = ("sources", str(name), "orphans")
    text = "rows of no order update one that is there, and lines are sent with new orders only"
    hint = "let such rows be rejected (`orphans: reject`), or set `lines.send: always` to replace all lines of the order"
    if used.count(name) == 1:
        scope.mistake("M103", text, at, hint, key=True)
    else:
        scope.mistake("W103", text, at, hint, key=True, weight=Weight.WARNING)


def _effectless(scope: Scope, part: PartDoc, at: Path, *, root: bool) -> None:
    """Keys that do nothing for a source of this kind."""
    given = part.model_fields_set
    useless = {
        "on": part.joins is None,
        "orphans": root,
        "required": root or part.joins is not None,
        "derive": part.joins is not None,
    }
    if part.rows.key:
        hint = "write it in the source: key: Column"
        scope.mistake(
            "M215", "`rows.key` has no effect in a source", (*at, "rows", "key"), hint, key=True
        )
    if part.joins is not None and part.rows.model_fields_set - {"key", "skip"}:
        text = "of a file that is joined, rows can be left out (`skip`) and nothing else"
        scope.mistake("M215", text, (*at, "rows"), "remove it", key=True)
    why = {"on": "without `joins`", "derive": "in a file that is joined"}
    for key, is_useless in useless.items():
        if is_useless and key in given:
            where = why.get(key, "without `belongs_to`")
            hint = "derive in the source that it is joined to" if key == "derive" else "remove it"
            scope.mistake("M215", f"`{key}` has no effect {where}", (*at, key), hint, key=True)


# -- one of them as a mapping ---------------------------------------------------------------------


def _part(scope: Scope, doc: MappingDoc, name: str, root: str) -> Part:
    part = doc.sources[name]
    reference = part.joins is not None
    own = part.model_fields_set - _OWN
    source = SourceDoc.model_construct(
        _fields_set=(doc.source.model_fields_set | own) - {"files"} | (own & {"files"}),
        **{key: getattr(part if key in own else doc.source, key) for key in SourceDoc.model_fields},
    )
    at: Path = ("sources", name)
    moves: list[tuple[Path, Path]] = [((*at, key), ("source", key)) for key in own]
    moves += [((*at, name), (name,)) for name in ("derive", "rows")]
    mutations: list[MutationDoc] = []
    for i, each in enumerate(doc.mutations):
        if not reference and (each.source or root) == name:
            moves.append((("mutations", i), ("mutations", len(mutations))))
            mutations.append(each)

    def mine(given: str | None) -> bool:
        return not reference and (given or root) == name

    taken = doc.model_copy(
        update={
            "source": source,
            "derive": part.derive,
            "rows": part.rows,
            "order": doc.order if name == root else {},
            "lines": doc.lines if doc.lines is not None and mine(doc.lines.source) else None,
            "trackings": doc.trackings
            if doc.trackings is not None and mine(doc.trackings.source)
            else None,
            "mutations": mutations,
            "tests": doc.tests if name == root else [],
        }
    )
    if not any(path[:1] == ("source",) for path in scope.document.values):
        moves.append((at, ("source",)))
    return Part(name=name, doc=taken, source=part, makes=root, sources=tuple(doc.sources),
                moves=tuple(moves))  # fmt: skip
