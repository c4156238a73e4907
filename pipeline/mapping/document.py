"""YAML text to plain data in which every scalar is text and everything knows its place.

YAML 1.2 through ruamel.yaml's node graph: no value is resolved, so NO stays "NO" and 01067 keeps
its zero; duplicate keys are mistakes (MAPPING §0.6, FAULTS S3).
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from pipeline.mapping.mistakes import MappingRefused, Mistake, Noticed, lines_of

BYTES_MAX = 1_000_000
DEPTH_MAX = 32
NODES_MAX = 10_000

Data = str | list["Data"] | dict[str, "Data"]
Path = tuple[str | int, ...]

_NEED_QUOTES = "%@&*{[`!?,]}"
_PAIR = re.compile(r"\s*(?:- )?[^:\s][^:]*:\s+(.+)")
_JOINED = re.compile(
    r"\s*(?:- )?([A-Za-z_]\w*):([^\s:/'\"#][^:]*)$"
)  # a key and its value without a blank
_QUOTED_TWICE = re.compile(r'[A-Za-z_]\w*: "[^"\\]*"[^"\s,}\]#][^"]*"')
_BARE_TEMPLATE = re.compile(r"\{\s*template: (\{[^{}\[\]:,]+\}.*?)\}\s*$")
_TEMPLATE = re.compile(r"\{[^{}\[\]:,]+\}.")
_HALF = re.compile("[\ud800-\udfff]")
_NO_CHARACTER = re.compile(r"\\U(?!00(?:0[0-9A-Fa-f]|10))[0-9A-Fa-f]{8}")
_ESCAPE_HINT = "write the character itself; in single quotes a backslash is one"
_INDENT_HINT = "is the line indented like those beside it? A value that contains ': ' needs quotes"
_QUOTES_HINT = "values that start with %, @, &, *, {, [ or contain ': ' need quotes"
_LIMITS = f"a mapping has at most {NODES_MAX:,} values, nested {DEPTH_MAX} deep, in 1 MB"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key or a value stands; `line` and `column` count from 1."""

    line: int
    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping file as plain data, with the place of each value and each key by path.

    `mistakes` are keys that were left out of `data` (written twice, or no text), and `lacking` the
    tables that they were left out of.
    """

    name: str
    text: str
    data: dict[str, Data]
    values: dict[Path, Place]
    keys: dict[Path, Place]
    mistakes: tuple[Mistake, ...] = ()
    lacking: frozenset[Path] = frozenset()

    def place(self, path: Path) -> Place:
        """The place of the value at `path`, or of its nearest ancestor that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.values:
                return self.values[path[:end]]
        return Place(1, 1, 1)

    def key_place(self, path: Path) -> Place:
        """The place of the key that leads to `path`; of its value where it is a list item."""
        return self.keys.get(path) or self.place(path)

    def key_on(self, line: int) -> Path:
        """The path of the key that stands first on a line; () where there is none."""
        keys = [path for path, place in self.keys.items() if place.line == line]
        return min(keys, key=lambda path: (self.keys[path].column, len(path)), default=())

    def also(self, written: Path, meant: Path) -> None:
        """Let `meant` lead to where `written` stands: a key with a typo is read as the one meant."""
        for places in (self.values, self.keys):
            for path in [each for each in places if each[: len(written)] == written]:
                places[(*meant, *path[len(written) :])] = places[path]

    def inside(self, path: Path, text: str, start: int, length: int) -> Place:
        """The place of a stretch of the text at `path`; of all of it where it is not written plainly.

        Block scalars and texts with escapes are not in the file as they read, so no stretch of
        them has a place of its own.
        """
        whole = self.place(path)
        written = lines_of(self.text)[whole.line - 1][whole.column - 1 :]
        shift = 1 if written[:1] in {'"', "'"} else 0
        if not written[shift:].startswith(text):
            return whole
        return Place(whole.line, whole.column + shift + start, length)


def read_document(text: str, name: str) -> Document:
    """Read a mapping's text.

    Raises:
        MappingRefused: the text is no YAML (M001) or is too large (M003). A key that stands twice
            (M002) is a mistake of the Document: the rest of it can be judged.
    """
    if len(text.encode(errors="replace")) > BYTES_MAX:
        too_large = Mistake("M003", "the mapping is larger than 1 MB", 1, 1, 1, _LIMITS)
        raise MappingRefused(name, text, [too_large])
    try:
        node = _composed(text)
    except _TooLargeError as error:
        raise MappingRefused(name, text, [_too_large(error.line)]) from None
    except MarkedYAMLError as error:
        raise MappingRefused(name, text, [_syntax(error, text)]) from None
    except ReaderError as error:
        raise MappingRefused(name, text, [_unreadable(error, text)]) from None
    except (OverflowError, ValueError):  # ruamel makes a character of any number
        said = "this escape stands for no character"
        found = _NO_CHARACTER.search(text)
        before = lines_of(text[: found.start()]) if found is not None else [""]
        at = len(before), len(before[-1]) + 1, 10
        raise MappingRefused(name, text, [Mistake("M001", said, *at, _ESCAPE_HINT)]) from None
    except YAMLError as error:
        said = str(error).split("\n", maxsplit=1)[0]
        raise MappingRefused(name, text, [Mistake("M001", said, 1, 1)]) from None
    walk = _Walk()
    data = walk.read(node, (), 0) if node is not None else {}
    if data == "":  # only a comment, or only `---`
        data = {}
    if not isinstance(data, dict):
        hint = "it begins with `version: 1`"
        text_ = "a mapping is a table of keys and values"
        walk.mistakes.append(Mistake("M001", text_, 1, 1, 1, hint))
    if any(mistake.code == "M003" for mistake in walk.mistakes) or not isinstance(data, dict):
        raise MappingRefused(name, text, walk.mistakes)
    return Document(name, text, data, walk.values, walk.keys, tuple(walk.mistakes),
                    frozenset(walk.lacking))  # fmt: skip


class _TooLargeError(Exception):
    """The text is too deep or too long from this line on."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Bounded(Composer):
    """Refuses what is too deep or too long before it recurses into it (FAULTS S3)."""

    warn_double_anchors = False  # of two equal anchors the nearer one counts, as YAML says

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as ruamel has it
        self.nodes = getattr(self, "nodes", 0) + 1
        if self.depth > DEPTH_MAX or self.nodes > NODES_MAX:
            raise _TooLargeError(self.parser.peek_event().start_mark.line + 1)
        return super().compose_node(parent, index)


# One run asks for the same mapping several times: on its own, with the header of each file, and once
# more for its report. The nodes are only read, so they can be shared.
@lru_cache(maxsize=16)
def _composed(text: str) -> Node | None:
    # "safe" only leaves comments alone, which takes a third of the time; nothing is constructed
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Bounded
    node: Node | None = yaml.compose(text)
    return node


def compose(text: str) -> Node | None:
    """Give the nodes of a text that was read before, with the places of all of them."""
    return _composed(text)


def _too_large(line: int) -> Mistake:
    return Mistake(
        "M003", "the mapping is longer or deeper than a mapping may be", line, 1, 1, _LIMITS
    )


def _syntax(error: MarkedYAMLError, text: str) -> Mistake:
    """A parser error; shows where the unfinished thing began and where it was noticed."""
    problem_mark = error.problem_mark
    mark = error.context_mark or problem_mark
    problem = error.problem or "not readable"
    said = f"{error.context}: {problem}" if error.context else problem
    lines = lines_of(text)
    hint = _INDENT_HINT if "block" in said or "not allowed here" in said else _QUOTES_HINT
    for each in (problem_mark, mark):
        if each is not None and each.line < len(lines):
            hint = _to_quote(lines[each.line]) or hint
    if "flow" in (error.context or ""):
        began = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
        hint = _to_quote(began) or f"close the bracket that begins here; {hint}"
    if "quoted" in (error.context or ""):
        hint = "close the quote that begins here"
    near = [
        each.line - back for each in (problem_mark, mark) if each is not None for back in (0, 1)
    ]
    slips = [slip for at in near if 0 <= at < len(lines) and (slip := _slip(lines[at], at + 1))]
    hint = slips[0] if slips else hint
    if "\\t" in problem:
        hint = "YAML does not allow tabs for indentation: use blanks"
        mark = problem_mark
    if problem_mark is not None and mark is not None and problem_mark.line == mark.line:
        mark = mark if "flow" in said or "quoted" in said else problem_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    noticed = None
    if problem_mark is not None and problem_mark.line + 1 != line:
        noticed = Noticed(problem_mark.line + 1, problem_mark.column + 1)
    return Mistake("M001", said, line, column, 1, hint, noticed=noticed)


def _slip(line: str, number: int) -> str:
    """What is wrong with a line by itself, whatever the parser stumbles over behind it; "" for nothing.

    >>> _slip("  recipient_name:Name", 14)
    'a blank is missing behind the colon in line 14: `recipient_name: Name`'
    """
    joined = _JOINED.match(line)
    if joined is not None:
        return f"a blank is missing behind the colon in line {number}: `{joined[1]}: {joined[2]}`"
    bare = _BARE_TEMPLATE.search(line)
    if bare is not None:
        return f'write the template in quotes: {{template: "{bare[1]}"}}'
    if _QUOTED_TWICE.search(line):
        return f"in line {number} quotes stand within quotes: write the inner ones as ', \"Status = 'NEW'\""
    return ""


def _to_quote(line: str) -> str:
    r"""How the value of a line is written that needs quotes and has none; "" where it needs none.

    >>> print(_to_quote("  dates: %d.%m.%Y"))
    write the value in quotes: "%d.%m.%Y"
    """
    found = _PAIR.match(line)
    value = found[1].strip() if found is not None else ""
    if not value or value[0] in "\"'|>" or not (value[0] in _NEED_QUOTES or ": " in value):
        return ""
    if value[0] in "{[" and not _TEMPLATE.match(value):
        return ""  # a table or a list
    quote = "'" if '"' in value else '"'
    if quote in value or "\\" in value:
        return ""
    return f"write the value in quotes: {quote}{value}{quote}"


def _unreadable(error: ReaderError, text: str) -> Mistake:
    before = lines_of(text[: error.position])
    said = f"the character U+{ord(text[error.position]):04X} may not stand in YAML"
    return Mistake(
        "M001", said, len(before), len(before[-1]) + 1, 1, "remove it; is the file damaged?"
    )


@dataclass(slots=True)
class _Walk:
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    lacking: set[Path] = field(default_factory=set)
    nodes: int = 0

    def read(self, node: Node, path: Path, depth: int) -> Data:
        # counted here once more: an alias repeats all that its anchor holds
        self.nodes += 1
        if self.nodes > NODES_MAX or depth > DEPTH_MAX:
            if not any(m.code == "M003" for m in self.mistakes):
                self.mistakes.append(_too_large(node.start_mark.line + 1))
            return ""
        self.values[path] = _place(node)
        if isinstance(node, MappingNode):
            return self._table(node, path, depth)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]
        return self._text(node)

    def _text(self, node: Node) -> str:
        text = str(node.value)
        if _HALF.search(text):
            # an escape can write half of a pair, which no encoding has: it would stop a run
            place = _place(node)
            said = "half of a pair of escapes (\\ud800 to \\udfff) is no character"
            at = place.line, place.column, place.length
            self.mistakes.append(Mistake("M001", said, *at, _ESCAPE_HINT))
            return _HALF.sub("", text)
        return text

    def _table(self, node: MappingNode, path: Path, depth: int) -> dict[str, Data]:
        table: dict[str, Data] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if not isinstance(key_node, ScalarNode):
                text = "a key must be text; a template in braces needs quotes"
                hint = 'write "{A}-{B}" with quotes'
                self.mistakes.append(
                    Mistake("M001", text, place.line, place.column, place.length, hint)
                )
                self.lacking.add(path)
                continue
            key = self._text(key_node)
            if key in table:
                first = self.keys[(*path, key)].line
                text = f'"{key}" stands here a second time (first in line {first})'
                hint = "remove one of them"
                self.mistakes.append(
                    Mistake("M002", text, place.line, place.column, place.length, hint)
                )
                self.lacking.add(path)
                continue
            self.keys[(*path, key)] = place
            table[key] = self.read(value_node, (*path, key), depth + 1)
        return table


def _place(node: Node) -> Place:
    """From the first character, quotes included, to the last one on the same line."""
    start, end = node.start_mark, node.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(1, length))
