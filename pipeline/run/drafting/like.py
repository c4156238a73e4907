"""A proposal after a mapping that exists: its targets, tables and notation, where the file has its columns.

Everything of the other mapping is written, line by line; the compiler then says which lines need columns that this
file lacks, and those become comments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.mapping.document import Data, read_document
from pipeline.mapping.language import ORIGINS
from pipeline.run.drafting.flow import bare
from pipeline.run.sheet import Line
from pipeline.run.source import read_mapping

_INDENT = "  "
_STEPS = frozenset(
    [
        *ORIGINS,
        "do",
        "lookup",
        "as",
        "format",
        "default",
        "when",
        "aggregate",
        "on_error",
        "unknown",
    ]
)
_NOTATION = ("decimal", "thousands", "dates")


@dataclass(frozen=True, slots=True)
class Other:
    """The other mapping as data; `name` is how comments call it, `folder` where its tables lie."""

    name: str
    folder: Path
    data: Mapping[str, Data]
    reads: frozenset[str]
    timezone: str | None

    def load(self, file: str) -> bytes:
        """Read one of its tables."""
        return (self.folder / file).read_bytes()


def other(path: Path, name: str) -> Other:
    """Read the other mapping.

    Raises:
        MappingMissing, MappingRefused: it cannot be used.
    """
    compiled, _ = read_mapping(path)
    plan = compiled.plan
    data = read_document(compiled.text, name).data
    return Other(name, path.parent, data, frozenset(plan.reads), plan.source.timezone)


def sections(given: Other, own: Mapping[str, Sequence[Line]]) -> list[list[Line]]:
    """The sections of the other mapping, each with what `own` has besides."""
    made = []
    for name in ("lookups", "derive", "rows", "order", "lines", "trackings", "mutations"):
        data, more = given.data.get(name), list(own.get(name, ()))
        if data is None:
            made.append(_noted(more, f"not in {given.name}"))
            continue
        lines = [Line(f"{name}:", f"as in {given.name}"), *_written(data, 1)]
        there = {each.text.strip().partition(":")[0] for each in lines}
        added = _more(more, there)
        at = (
            next((i + 1 for i, each in enumerate(lines) if each.text == "  fields:"), len(lines))
            if name in ("lines", "trackings")
            else len(lines)
        )
        if name != "lookups" or added:
            lines[at:at] = _noted(added, f"not in {given.name}")
        made.append(lines)
    return made


def _more(own: Sequence[Line], there: set[str]) -> list[Line]:
    """The lines of our own whose targets the other mapping does not have; objects with all below them."""
    kept: list[Line] = []
    inside = -1
    for line in own[1:]:
        depth = len(line.text) - len(line.text.lstrip())
        if inside >= 0 and depth > inside:
            continue
        inside = -1
        name = line.text.strip().partition(":")[0].lstrip("# ")
        if name in there or name in ("fields", "key", "when", "send", "articles") or not name:
            if name not in ("fields",):
                inside = depth
            continue
        kept.append(line)
    return kept


def _noted(lines: Sequence[Line], remark: str) -> list[Line]:
    return [
        Line(
            each.text,
            "; ".join(filter(None, (remark, each.comment))) if each.text.strip() else "",
            active=each.active,
        )
        for each in lines
    ]


def _written(data: Data, depth: int) -> Iterator[Line]:
    """Tables line by line, values on one line."""
    indent = _INDENT * depth
    if isinstance(data, dict):
        for key, value in data.items():
            if (isinstance(value, dict) and value and not _is_value(value)) or (
                isinstance(value, list)
                and any(isinstance(each, dict) for each in value)
                and key != "cases"
            ):
                yield Line(f"{indent}{bare(key)}:")
                yield from _written(value, depth + 1)
            else:
                yield Line(f"{indent}{bare(key)}: {flow(value)}")
    elif isinstance(data, list):
        for each in data:
            if isinstance(each, dict) and not _is_value(each):
                for number, line in enumerate(_written(each, depth + 1)):
                    mark = f"{indent}- " if number == 0 else ""
                    yield Line(mark + line.text.lstrip() if mark else line.text)
            else:
                yield Line(f"{indent}- {flow(each)}")


def _is_value(data: Mapping[str, Data]) -> bool:
    """Whether a table is a VALUE, or one of a lookup's file, and stands on one line."""
    return set(data) <= _STEPS or "file" in data or "row_number" in data


def flow(data: Data) -> str:
    """Write data on one line.

    >>> flow({"from": "Land", "do": ["upper"]}), flow(["a", {"value": "b: c"}])
    ('{from: Land, do: [upper]}', '[a, {value: "b: c"}]')
    """
    if isinstance(data, dict):
        return "{" + ", ".join(f"{bare(key)}: {flow(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(flow, data)) + "]"
    return bare(data) if data else '""'


def notation(given: Other, own: Sequence[Line], names: Sequence[str]) -> list[Line]:
    """The source section, with what the other mapping says and this file does not show."""
    source = given.data.get("source")
    if not isinstance(source, dict):
        return list(own)
    lines = [Line("source:"), *own[1:]] if own[0].text == "source: {}" else list(own)
    said = {each.text.strip().partition(":")[0] for each in lines if each.active}
    for key in _NOTATION:
        value = source.get(key)
        if isinstance(value, str) and key not in said:
            lines.append(
                Line(
                    f"  {key}: {bare(value)}", f"as in {given.name}; nothing in this file shows it"
                )
            )
    columns = source.get("columns")
    if isinstance(columns, dict):
        kept = {name: kind for name, kind in columns.items() if name in names}
        if kept:
            lines.append(Line(f"  columns: {flow(dict(kept))}", f"as in {given.name}"))
    for key in ("encoding", "delimiter", *_NOTATION):
        mine = next(
            (
                each.text.strip().partition(": ")[2]
                for each in lines
                if each.active and each.text.strip().startswith(f"{key}:")
            ),
            None,
        )
        value = source.get(key)
        if mine is not None and isinstance(value, str) and mine.strip('"') != value:
            lines.append(
                Line(
                    f"  {key}: {bare(value)}",
                    f"so in {given.name}, which this file contradicts",
                    active=False,
                )
            )
    return lines


def compared(given: Other, names: Sequence[str]) -> list[str]:
    """What this file lacks of the other's columns, and what it has more."""
    lacking = [each for each in sorted(given.reads) if each not in names]
    more = [each for each in names if each not in given.reads and "#" not in each]
    told = [
        f"{len(given.reads) - len(lacking)} of {len(given.reads)} columns of {given.name} are in this file."
    ]
    if lacking:
        told.append(
            f"It lacks {', '.join(map(bare, lacking[:12]))}{', …' if len(lacking) > 12 else ''}."
        )
    if more:
        told.append(
            f"It has more: {', '.join(map(bare, more[:12]))}{', …' if len(more) > 12 else ''}."
        )
    return told
