"""The expectations of tests brought to what came of their rows, in the text of the mapping itself.

Only what differs is written anew, the smallest part of `expect` that holds it: comments, quotes and
line breaks of all the rest stay as they are, byte for byte.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pipeline.mapping.document import compose
from pipeline.mapping.trials import same

_FLOW_MAX = 96  # characters of a line with a table or a list in brackets
_INDENT = "  "
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.@/+-]*(?: [A-Za-z0-9_.@/+-]+)*")
_COMMA = re.compile(r"(?:\s|#[^\n]*\n)*,")  # behind an entry in brackets, comments before it
_WORDS = re.compile(r"(?i)true|false|null|yes|no|on|off|y|n|~")


class NotAcceptable(Exception):  # noqa: N818 - it says what is, as StopRun does
    """An expectation is written in a way that cannot be edited; `line` is that of the mapping."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test.

    `orders` are its payloads without what a run adds, or None where they are not to be written;
    `rejected` the whole list as it is to stand there, or None where it is right already: entries
    that stay by their number from 0, and new ones. With `exact` members that no one listed are
    written, too.
    """

    orders: Sequence[object] | None
    rejected: Sequence[int | Mapping[str, object]] | None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def accepted(text: str, outcomes: Mapping[int, Outcome]) -> str:
    """Give the text of a mapping in which tests expect what came, by their number from 0.

    The text has the line ends of the file; what is written anew gets them, too.

    Raises:
        NotAcceptable: an expectation holds an anchor or an alias.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix(mark)
    editor = _Editor(body, "\r\n" if "\r\n" in body else "\n")
    root = compose(body)
    tests = _member(root, "tests")
    edits: list[_Edit] = []
    for number, outcome in outcomes.items():
        if isinstance(tests, SequenceNode) and number < len(tests.value):
            edits += editor.of_test(tests.value[number], outcome)
    # from the end, and of two at one place the second first, so that it comes to stand behind; a test
    # that is an alias is edited where its anchor stands, and once
    once = dict.fromkeys(edits)
    for _, _, edit in sorted(((e.start, i, e) for i, e in enumerate(once)), reverse=True):
        body = body[: edit.start] + edit.text + body[edit.end :]
    return mark + body


def _member(node: Node | None, name: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


@dataclass(frozen=True, slots=True)
class _Editor:
    text: str
    line_end: str

    def of_test(self, test: Node, outcome: Outcome) -> Iterator[_Edit]:
        expect = _member(test, "expect")
        if not isinstance(expect, MappingNode):
            return
        self._no_anchors(expect)
        missing: dict[str, object] = {}
        if outcome.orders is not None:
            orders = _member(expect, "orders")
            if orders is None:
                missing["orders"] = list(outcome.orders)
            else:
                yield from self._brought(orders, list(outcome.orders), exact=outcome.exact)
        if outcome.rejected is not None:
            rejected = _member(expect, "rejected")
            if rejected is None:
                missing["rejected"] = _entries(None, outcome.rejected)
            else:
                yield self._anew(rejected, _entries(rejected, outcome.rejected))
        if missing:
            yield self._with_members(expect, missing)

    def _no_anchors(self, node: Node) -> None:
        start, end = node.start_mark.index, self._end(node)
        for each in _nodes(node):
            if each.anchor is not None or not start <= each.start_mark.index <= end:
                why = "it holds an anchor or an alias (& or *): write its text there"
                raise NotAcceptable(node.start_mark.line + 1, why)

    # -- the smallest part that differs ----------------------------------------------------------

    def _brought(self, node: Node, got: object, *, exact: bool) -> Iterator[_Edit]:
        """Edits that bring an expectation to what came."""
        match node, got:
            case MappingNode(), dict() if not exact or set(got) <= _keys(node):
                for key, value in node.value:
                    if key.value in got:
                        yield from self._brought(value, got[key.value], exact=exact)
                    elif not _is_empty(value):
                        yield self._anew(value, "")
            case SequenceNode(), list() if 0 < len(node.value) <= len(got):
                for item, one in zip(node.value, got, strict=False):
                    yield from self._brought(item, one, exact=exact)
                if len(node.value) < len(got):
                    yield self._with_entries(node, got[len(node.value) :])
            case ScalarNode(), _ if not isinstance(got, dict | list):
                if not same(str(node.value), got):
                    yield self._anew(node, got)
            case _:
                yield self._anew(node, _listed(node, got, exact=exact))

    def _anew(self, node: Node, data: object) -> _Edit:
        start, end = node.start_mark.index, self._end(node)
        begin = self.text.rfind("\n", 0, start) + 1
        before = self.text[begin:start]
        lead = len(before) - len(before.lstrip())
        room = _FLOW_MAX - len(before)
        in_brackets = isinstance(node, MappingNode | SequenceNode) and node.flow_style
        if in_brackets or not isinstance(data, dict | list) or not data:
            key = len(self.text[:start].rstrip())
            if not before.strip() and self.text[:key].endswith(":"):
                # the lines of a list may begin below their key, where nothing else of it may stand
                return _Edit(key, end, f" {_flow(data)}")
            between = _INDENT if not before.strip() else ""  # a comment stands there
            return _Edit(start, end, between + _flow(data))
        if not isinstance(node, MappingNode | SequenceNode):
            # a text becomes a table or a list: in brackets, or on lines of its own below its key
            flow = _flow(data)
            if len(flow) <= room or before.lstrip().startswith(("- {", "{", "[")):
                return _Edit(start, end, flow)
            indent = " " * (lead + len(_INDENT))
            lines = _block(data, indent)
            return _Edit(start, end, self.line_end + self.line_end.join(lines))
        indent = " " * len(before) if not before.strip(" -") else " " * node.start_mark.column
        lines = _block(data, indent)
        return _Edit(start, end, self.line_end.join(lines)[len(indent) :])

    def _with_members(self, expect: MappingNode, missing: Mapping[str, object]) -> _Edit:
        """Write keys that `expect` does not have yet behind those that it has."""
        if not expect.value:
            begin = self.text.rfind("\n", 0, expect.start_mark.index) + 1
            before = self.text[begin : expect.start_mark.index]
            indent = " " * (len(before) - len(before.lstrip(" -")) + len(_INDENT))
            lines = _block(dict(missing), indent)
            at, end = expect.start_mark.index, self._end(expect)
            if (
                expect.flow_style and "{" in before.partition("#")[0]
            ):  # the test is in brackets, too
                return _Edit(at, end, _flow(dict(missing)))
            at = begin + len(before.rstrip())
            return _Edit(at, end, self.line_end + self.line_end.join(lines))
        if expect.flow_style:
            said = ", ".join(f"{_scalar(key)}: {_flow(value)}" for key, value in missing.items())
            return self._in_brackets(expect, said)
        return self._below(expect, _block(dict(missing), " " * expect.start_mark.column))

    def _with_entries(self, node: SequenceNode, more: Sequence[object]) -> _Edit:
        """Write entries behind those that a list has."""
        if node.flow_style:
            return self._in_brackets(node, ", ".join(map(_flow, more)))
        return self._below(node, _block(list(more), " " * node.start_mark.column))

    def _in_brackets(self, node: MappingNode | SequenceNode, said: str) -> _Edit:
        end = self._end(node) - 1  # before the bracket
        last = node.value[-1]
        behind = self._end(last[1] if isinstance(node, MappingNode) else last)
        if "#" in self.text[behind:end]:  # behind the last entry, not into the comment after it
            found = _COMMA.match(self.text, behind)
            at = found.end() if found is not None else behind
            return _Edit(at, at, f" {said}" if found is not None else f", {said}")
        stop = len(self.text[:end].rstrip())
        comma = "" if self.text[:stop].endswith(",") else ","
        return _Edit(stop, end, f"{comma} {said}")

    def _below(self, node: Node, lines: Sequence[str]) -> _Edit:
        """On lines of their own below the last line of a block, and the comment behind it."""
        line_end = self.text.find("\n", self._end(node))
        stop = len(self.text) if line_end < 0 else len(self.text[:line_end].rstrip("\r"))
        return _Edit(stop, stop, self.line_end + self.line_end.join(lines))

    def _end(self, node: Node) -> int:
        """Behind the last character of a node; YAML itself ends a block at what comes after it."""
        if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(node, MappingNode) else last)
        end = int(node.end_mark.index)
        if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
            return len(self.text[:end].rstrip())
        return end


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _nodes(key)
            yield from _nodes(value)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _nodes(item)


def _keys(node: MappingNode) -> set[str]:
    return {str(key.value) for key, _ in node.value}


def _entries(node: Node | None, listed: Sequence[int | Mapping[str, object]]) -> list[object]:
    """The entries of a list that stay, as they are written, and the new ones."""
    there = node.value if isinstance(node, SequenceNode) else []
    return [_data(there[each]) if isinstance(each, int) else dict(each) for each in listed]


def _data(node: Node) -> object:
    if isinstance(node, MappingNode):
        return {str(key.value): _data(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_data(item) for item in node.value]
    text = str(node.value)
    plain = isinstance(node, ScalarNode) and node.style is None
    return int(text) if plain and re.fullmatch("[1-9][0-9]{0,8}", text) else text


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == ""


def _listed(node: Node, got: object, *, exact: bool) -> object:
    """What came, with no more members than the expectation lists of its counterpart."""
    if exact:
        return got
    if isinstance(node, MappingNode) and isinstance(got, dict):
        return {
            str(key.value): _listed(value, got[key.value], exact=exact) if key.value in got else ""
            for key, value in node.value
        }
    if isinstance(node, SequenceNode) and isinstance(got, list):
        shown = [
            _listed(item, one, exact=exact) for item, one in zip(node.value, got, strict=False)
        ]
        return [*shown, *got[len(shown) :]]
    return got


# -- writing ----------------------------------------------------------------------------------


def _flow(data: object) -> str:
    """Data in brackets.

    >>> _flow({"type": "add_tracking", "tags": ["a", "1"], "lines": [{"quantity": 2}], "none": []})
    '{type: add_tracking, tags: [a, "1"], lines: [{quantity: 2}], none: []}'
    """
    match data:
        case dict():
            return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in data.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, data)) + "]"
    return _scalar(data)


def _scalar(value: object) -> str:
    """One text, quoted where a reader might take it for something else.

    >>> [_scalar(each) for each in ("jo@example.com", "0042", 2, True, "a: b", "no", "")]
    ['jo@example.com', '"0042"', '2', 'true', '"a: b"', '"no"', '""']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    plain = _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _block(data: object, indent: str) -> list[str]:
    """Data on lines of its own; what is short stands in brackets."""
    lines: list[str] = []
    if isinstance(data, dict):
        for key, value in data.items():
            lines += _entry(f"{indent}{_scalar(key)}:", value, indent + _INDENT)
    elif isinstance(data, list):
        for item in data:
            flow = f"{indent}- {_flow(item)}"
            if not isinstance(item, dict | list) or not item or len(flow) <= _FLOW_MAX:
                lines.append(flow)
                continue
            inner = _block(item, indent + _INDENT)
            lines += [f"{indent}- {inner[0].lstrip()}", *inner[1:]]
    return lines


def _entry(key: str, value: object, inner: str) -> list[str]:
    flow = f"{key} {_flow(value)}"
    orders = key.strip() == "orders:"  # each order on lines of its own
    if not isinstance(value, dict | list) or not value or (len(flow) <= _FLOW_MAX and not orders):
        return [flow]
    return [key, *_block(value, inner)]
