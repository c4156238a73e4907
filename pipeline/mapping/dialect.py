"""Which marks of delimited text can be told from each other and from the text."""

import re
from dataclasses import dataclass

from pipeline.mapping.plan import Source

_SPELT_OUT = re.compile(r"\\(?:[tnrfv0]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
MARK_MAX = 16  # characters of a delimiter or of the end of a record


@dataclass(frozen=True, slots=True)
class Unclear:
    """A key of `source` whose value cannot be meant; `message` begins with what it is about."""

    key: str
    message: str
    hint: str


def unclear(source: Source) -> Unclear | None:
    r"""Tell what is wrong with the marks that a source declares, if anything is.

    >>> unclear(Source(delimiter="+|", record_end="&|\r\n")) is None
    True
    >>> unclear(Source(delimiter=";", quote="ä")).message
    "the quote 'ä' is not one ASCII character"
    """
    return _delimiter(source) or _quote(source) or _escape(source) or _record_end(source)


def _delimiter(source: Source) -> Unclear | None:
    mark = source.delimiter
    if not 0 < len(mark) <= MARK_MAX or set(mark) & set("\r\n\0"):
        return Unclear(
            "delimiter", f"the delimiter {mark!r} is not one to {MARK_MAX} characters of a line",
            'write what the file has between two cells, such as ";" or "+|"',
        )  # fmt: skip
    if _SPELT_OUT.fullmatch(mark):
        return Unclear(
            "delimiter", f"the delimiter is the letters {mark}, not the character",
            f'in double quotes it is the character: "{mark}"',
        )  # fmt: skip
    return None


def _quote(source: Source) -> Unclear | None:
    mark = source.quote
    if mark is None:
        return None
    if len(mark) != 1 or not mark.isascii() or mark in "\r\n\0":
        return Unclear(
            "quote", f"the quote {mark!r} is not one ASCII character",
            "write the one character that the file has around cells, or none",
        )  # fmt: skip
    if mark == source.delimiter:
        return Unclear(
            "delimiter", f"delimiter and quote are both {mark!r}",
            "a file without quotes is declared as `quote: none`",
        )  # fmt: skip
    if mark in source.delimiter or mark in (source.record_end or ""):
        return Unclear(
            "quote", f"the quote {mark!r} is part of the delimiter or of the record's end",
            "a file without quotes is declared as `quote: none`",
        )  # fmt: skip
    return None


def _escape(source: Source) -> Unclear | None:
    mark = source.escape
    if mark is None:
        return None
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in "\r\n\0 ":
        return Unclear(
            "escape", f"the escape {mark!r} is not one ASCII character that is no letter or digit",
            'write the one character, such as "\\\\"',
        )  # fmt: skip
    if mark == source.quote or mark in source.delimiter or mark in (source.record_end or ""):
        return Unclear(
            "escape", f"the escape {mark!r} is another mark, too",
            "leave it out: quotes within quoted cells are doubled without it",
        )  # fmt: skip
    return None


def _record_end(source: Source) -> Unclear | None:
    mark = source.record_end
    if mark is None:
        return None
    if not 0 < len(mark) <= MARK_MAX or "\0" in mark:
        return Unclear(
            "record_end", f"the record's end {mark!r} is not one to {MARK_MAX} characters",
            'write what the file has behind each record, such as "~" or "&|\\r\\n"',
        )  # fmt: skip
    if _SPELT_OUT.match(mark):
        return Unclear(
            "record_end", f"the record's end is the letters {mark}, not the character",
            f'in double quotes it is the character: "{mark}"',
        )  # fmt: skip
    if mark in source.delimiter:
        return Unclear(
            "record_end", f"the record's end {mark!r} is part of the delimiter",
            "write the whole of what ends a record",
        )  # fmt: skip
    if any(mark.startswith(mark[at:]) for at in range(1, len(mark))):
        return Unclear(
            "record_end", f"the record's end {mark!r} can overlap with itself",
            "write the shortest text that ends a record",
        )  # fmt: skip
    return None
