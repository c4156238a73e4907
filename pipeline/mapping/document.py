"""YAML text to plain data in which every scalar is text and everything knows its place.

YAML 1.2 through ruamel.yaml's node graph: no value is resolved, so NO stays "NO" and 01067 keeps
its zero; duplicate keys are mistakes (MAPPING §0.6, FAULTS S3).
"""

from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pipeline.mapping.mistakes import MappingRefused, Mistake

BYTES_MAX = 1_000_000
DEPTH_MAX = 32
NODES_MAX = 10_000

Data = str | list["Data"] | dict[str, "Data"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key or a value stands; `line` and `column` count from 1."""

    line: int
    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping file as plain data, with the place of each value and each key by path."""

    name: str
    text: str
    data: dict[str, Data]
    values: dict[Path, Place]
    keys: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """The place of the value at `path`, or of its nearest ancestor that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.values:
                return self.values[path[:end]]
        return Place(1, 1, 1)

    def key_place(self, path: Path) -> Place:
        """The place of the key that leads to `path`; of its value where it is a list item."""
        return self.keys.get(path) or self.place(path)


def read_document(text: str, name: str) -> Document:
    """Read a mapping's text.

    Raises:
        MappingRefused: the text is no YAML (M001), has a key twice (M002) or is too large (M003).
    """
    if len(text.encode()) > BYTES_MAX or _nesting(text) > DEPTH_MAX:
        too_large = Mistake("M003", "the mapping is larger or deeper than a mapping may be", 1, 1)
        raise MappingRefused(name, text, [too_large])
    try:
        node = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise MappingRefused(name, text, [_syntax(error)]) from None
    except YAMLError as error:
        raise MappingRefused(
            name, text, [Mistake("M001", str(error).split("\n")[0], 1, 1)]
        ) from None
    walk = _Walk()
    data = walk.read(node, (), 0) if node is not None else {}
    if not isinstance(data, dict):
        walk.mistakes.append(Mistake("M001", "a mapping is a table of keys and values", 1, 1))
    if walk.mistakes:
        raise MappingRefused(name, text, walk.mistakes)
    assert isinstance(data, dict)  # noqa: S101 - narrowed by the mistake above
    return Document(name, text, data, walk.values, walk.keys)


def _nesting(text: str) -> int:
    """An upper bound of the flow nesting; counted before the parser recurses (FAULTS S3)."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth = max(0, depth - 1)
    return deepest


def _syntax(error: MarkedYAMLError) -> Mistake:
    """A parser error; names where the unfinished thing began, not only where it was noticed."""
    noticed = error.problem_mark
    began = error.context_mark or noticed
    mark = began or noticed
    problem = error.problem or "not readable"
    said = f"{error.context}: {problem}" if error.context else problem
    hint = "values that start with %, @, {, [ or contain ': ' need quotes"
    if noticed is not None and "\t" in (error.problem or ""):
        hint = "YAML does not allow tabs for indentation: use blanks"
    if noticed is not None and mark is not noticed and noticed.line != (mark.line if mark else -1):
        said = f"{said} (noticed in line {noticed.line + 1})"
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Mistake("M001", said, line, column, 1, hint)


@dataclass(slots=True)
class _Walk:
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    nodes: int = 0

    def read(self, node: Node, path: Path, depth: int) -> Data:
        self.nodes += 1
        if self.nodes > NODES_MAX or depth > DEPTH_MAX:
            if not any(m.code == "M003" for m in self.mistakes):
                text = "the mapping is larger or deeper than a mapping may be"
                self.mistakes.append(Mistake("M003", text, node.start_mark.line + 1, 1))
            return ""
        self.values[path] = _place(node)
        if isinstance(node, MappingNode):
            return self._table(node, path, depth)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]
        return _text(node)

    def _table(self, node: MappingNode, path: Path, depth: int) -> dict[str, Data]:
        table: dict[str, Data] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if not isinstance(key_node, ScalarNode):
                text = "a key must be text; a template in braces needs quotes"
                self.mistakes.append(Mistake("M001", text, place.line, place.column, place.length))
                continue
            key = _text(key_node)
            if key in table:
                first = self.keys[(*path, key)].line
                text = f'"{key}" stands here a second time (first in line {first})'
                self.mistakes.append(Mistake("M002", text, place.line, place.column, place.length))
                continue
            self.keys[(*path, key)] = place
            table[key] = self.read(value_node, (*path, key), depth + 1)
        return table


def _text(node: ScalarNode) -> str:
    return str(node.value)


def _place(node: Node) -> Place:
    start, end = node.start_mark, node.end_mark
    length = end.column - start.column if end.line == start.line else 1
    quoted = isinstance(node, ScalarNode) and node.style in {'"', "'"}
    # the caret of a quoted text starts at its quote, as editors count
    return Place(start.line + 1, start.column + 1, max(1, length) if not quoted else length)
