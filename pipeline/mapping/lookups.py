"""Lookup tables: inline, or in a CSV file in the mapping's folder.

A file's cells are read like data: blanks around them are none of it, rows of empty cells are
passed over. A key with two meanings is a mistake, not a matter of order. One file may serve several
tables, each with its own key columns; `empty_keys: skip` then leaves out the rows of the others.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Mapping

from pipeline.mapping.columns import Scope
from pipeline.mapping.delimiters import likely_delimiter, one_column, written
from pipeline.mapping.document import Data, Path
from pipeline.mapping.language import LookupFileDoc
from pipeline.mapping.mistakes import did_you_mean
from pipeline.mapping.steps import StepMistake, check_pattern

Load = Callable[[str], bytes]

_FILE_KEYS = frozenset({"file", "key", "value", "match", "empty_keys", "delimiter", "encoding"})
_PLACEHOLDER = re.compile(r"<[A-Za-z_ ]+>")
PATTERNS_MAX = 5_000
_JOINT = ":"  # between the parts of a key of several columns, as a template writes it


class Patterns(dict[str, str]):
    """A table whose keys are regular expressions of a whole text.

    A text that several of them match has a value only where they agree on it.
    """

    def by_value(self) -> dict[str, str]:
        """For each value the pattern of the whole texts that it stands for."""
        found: dict[str, list[str]] = {}
        for pattern, value in self.items():
            found.setdefault(value, []).append(f"(?:{pattern})")
        return {value: f"^(?:{'|'.join(each)})$" for value, each in found.items()}


class _Unusable(Exception):  # noqa: N818 - becomes M206 at the file's name
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_lookups(scope: Scope, lookups: Mapping[str, Data], load: Load | None) -> None:
    """Read all tables into the scope; a table with mistakes is there, and empty."""
    for name, table in lookups.items():
        at: Path = ("lookups", name)
        scope.lookups[name] = {}
        if isinstance(table, dict) and "file" in table and _is_file(table):
            before = len(scope.mistakes)
            doc = scope.structure(LookupFileDoc, table, at)
            if doc is not None and len(scope.mistakes) == before:
                scope.lookups[name] = _file(scope, doc, at, load)
        elif isinstance(table, dict) and table and all(isinstance(v, str) for v in table.values()):
            scope.lookups[name] = {key: str(value) for key, value in table.items()}
            for key, value in table.items():
                _placeholder(scope, name, key, str(value))
        else:
            hint = "{key: value} or {file: couriers.csv, key: code, value: courier}"
            scope.mistake("M103", f"the table {name} is not a lookup", at, hint, key=True)


def _placeholder(scope: Scope, table: str, key: str, value: str) -> None:
    """M217 for a row as `mapping init` writes it for a person to replace: `"<code>": "<key>"`."""
    left = [text for text in (key, value) if _PLACEHOLDER.fullmatch(text)]
    if left:
        shown = " and ".join(f'"{text}"' for text in left)
        text = (
            f"{shown} in the table {table} {'are placeholders' if left[1:] else 'is a placeholder'}"
        )
        hint = 'write a row "code": value for each code in its place; the comments show those seen'
        scope.mistake("M217", text, ("lookups", table, key), hint, key=left[0] == key)


def _is_file(table: Mapping[str, Data]) -> bool:
    """Whether a table with the key `file` means one, although another key of it may have a typo."""
    return len(table) == 1 or len(_FILE_KEYS.intersection(table)) > 1


def _file(scope: Scope, doc: LookupFileDoc, at: Path, load: Load | None) -> Mapping[str, str]:
    try:
        return _table(doc, _text(doc, load))
    except _Unusable as error:
        scope.mistake("M206", str(error), (*at, "file"), error.hint)
        return {}


def _text(doc: LookupFileDoc, load: Load | None) -> str:
    if outside(doc.file):
        hint = "write a name such as couriers.csv or tables/couriers.csv"
        text = f"the lookup file {doc.file} does not lie in the folder of the mapping"
        raise _Unusable(text, hint)
    if load is None:
        raise _Unusable(f"the lookup file {doc.file} cannot be read: no folder is at hand")
    try:
        codecs.lookup(doc.encoding)
        return load(doc.file).decode(doc.encoding).removeprefix("\ufeff")
    except FileNotFoundError:
        hint = "its name counts from the folder of the mapping"
        raise _Unusable(f"the lookup file {doc.file} does not exist", hint) from None
    except UnicodeError:
        hint = "set `encoding:` beside `file:`, such as cp1252"
        raise _Unusable(f"the lookup file {doc.file} is not in {doc.encoding}", hint) from None
    except LookupError:
        hint = "such as utf-8, cp1252, utf-16"
        raise _Unusable(f'"{doc.encoding}" is not an encoding', hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a file"
        raise _Unusable(f"the lookup file {doc.file} cannot be read: {reason}") from None


def outside(name: str) -> bool:
    """Whether a name leads out of the mapping's folder.

    A mapping is passed around; it must not make others read files of theirs (FAULTS S13).
    """
    parts = name.split("/")
    return (
        not name.isprintable()
        or "\\" in name
        or ":" in name
        or ".." in parts
        or parts[0] in {"", "~"}
    )


def _table(doc: LookupFileDoc, text: str) -> Mapping[str, str]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=doc.delimiter, strict=True)
    table: dict[str, tuple[str, int]] = {}
    try:
        header = [name.strip() for name in next(reader, [])]
        keys = [_position(doc, header, name) for name in doc.key]
        value = _position(doc, header, doc.value)
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            where = f"{doc.file}:{reader.line_num}"
            if len(cells) != len(header):
                hint = "its delimiter is set by `delimiter:` beside `file:`"
                raise _Unusable(f"{where} has {len(cells)} columns, the header {len(header)}", hint)
            key = _JOINT.join(cells[position] for position in keys if cells[position])
            if not key and doc.empty_keys == "skip":
                continue
            if not key:
                named = " and no ".join(f'"{name}"' for name in doc.key)
                hint = "every row needs its key, unless `empty_keys: skip` stands beside `file:`"
                raise _Unusable(f"{where} has no {named}", hint)
            first, line = table.setdefault(key, (cells[value], reader.line_num))
            if first != cells[value]:
                raise _Unusable(f'{where} gives "{key}" a second meaning (first in line {line})',
                                "keep one of the two rows")  # fmt: skip
            if doc.match == "pattern" and len(table) <= PATTERNS_MAX:
                _usable(key, where)
    except csv.Error as error:
        raise _Unusable(
            f"{doc.file}:{reader.line_num} is not readable as CSV: {error}",
            "every quote needs its partner",
        ) from None
    return _made(doc, {key: value for key, (value, _) in table.items()})


def _made(doc: LookupFileDoc, table: Mapping[str, str]) -> Mapping[str, str]:
    if doc.match == "pattern" and len(table) > PATTERNS_MAX:
        text = f"the lookup file {doc.file} has {len(table):,} patterns, at most {PATTERNS_MAX:,}"
        raise _Unusable(text, "without `match: pattern` it may have any number of rows")
    if not table:
        hint = "it needs a header and a row for each key"
        raise _Unusable(f"the lookup file {doc.file} has no rows", hint)
    return _together(Patterns(table), doc.file) if doc.match == "pattern" else table


def _together(patterns: Patterns, file: str) -> Patterns:
    """The patterns of one value are asked for at once, and may be too large together."""
    for value, joined in patterns.by_value().items():
        try:
            check_pattern(joined)
        except StepMistake:
            text = f'the patterns of {file} for "{value}" are too large together'
            raise _Unusable(text, "write `+` instead of `{1,900}`, or fewer patterns") from None
    return patterns


def _usable(pattern: str, where: str) -> None:
    try:
        check_pattern(pattern)
    except StepMistake as error:
        raise _Unusable(f'{where}: the pattern "{pattern}" is not valid', error.hint) from None


def _position(doc: LookupFileDoc, header: list[str], name: str) -> int:
    if header.count(name) > 1:
        raise _Unusable(
            f'the lookup file {doc.file} has two columns "{name}"', "rename one of them"
        )
    meant = likely_delimiter(header[0], doc.delimiter) if len(header) == 1 else None
    if name not in header and meant is not None:
        text = one_column(doc.delimiter, meant).replace("the header", f"the lookup file {doc.file}")
        raise _Unusable(text, f"set `{written(meant)}` beside `file:`")
    if name not in header:
        named = [each for each in header if each]
        hint = did_you_mean(name, named) or f"it has: {', '.join(named)}"
        raise _Unusable(f'the lookup file {doc.file} has no column "{name}"', hint)
    return header.index(name)
