r"""Dialects of any kind, respelled for the one tokenizer there is (`records`).

It knows one byte between cells, one around them, and line ends. Where a file has more (a delimiter of
several characters, records that end with something else than a line, an escape character), each such
mark becomes one byte that no UTF-8 text can have. That is reversible to the byte: so sizes, lines and
the text of a record stay true, and what is written for correction has the cells of the file.

An escape character makes the delimiter, the quote, itself and the end of a line or record plain text.
Before anything else it is a character like others: `C:\temp` and `\N` stay what they are.

Where records end with something that has no line break in it, a line ends with that or with a line
break, and a line break directly behind it belongs to it. So a line number is that of an editor where
each record stands on a line of its own, and the record's number where all stand on one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.mapping.dialect import unclear
from pipeline.mapping.plan import Source
from pipeline.model.stops import SourceUnusable
from pipeline.read.decoding import text_of
from pipeline.read.layout import CR_WITHIN, CUT, LF_WITHIN, MARK_OF_END, Layout
from pipeline.read.records import Marks, complete

# Bytes that UTF-8 never has, not even for surrogates.
DELIMITER = CUT
_LF, _CR, _CRLF = LF_WITHIN, CR_WITHIN, 0xFC  # line breaks that end no record
_QUOTE_ESCAPED, _DELIMITER_ESCAPED, _ESCAPE_ESCAPED = 0xFB, 0xFA, 0xF9
_LF_ESCAPED, _CR_ESCAPED, _CRLF_ESCAPED, _END_ESCAPED = 0xF8, 0xF7, 0xF6, 0xF5
JOINED = _DELIMITER_ESCAPED  # what a repair makes of a delimiter that is plain text
_END_AND_LF, _END_AND_CRLF = 0xC0, 0xC1  # a record's end and the line break behind it
_BREAKS = (_LF, _CR, _CRLF, _LF_ESCAPED, _CR_ESCAPED, _CRLF_ESCAPED, _END_ESCAPED)
_END = 10

SPECIAL = bytes((*range(0xF5, 0x100), 0xC0, 0xC1))


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the text of a source is respelled; `plain` means not at all.

    `written` is what each special byte stands for in the file, `meant` what in a cell.
    """

    marks: Marks
    plain: bool
    delimiter: bytes
    record_end: bytes | None
    escape: bytes | None
    written: Mapping[int, bytes]
    meant: Mapping[int, bytes]
    line: re.Pattern[bytes]
    layout: Layout | None = None

    @staticmethod
    def of(source: Source) -> "Spelling":
        """Prepare the respelling of a source.

        Raises:
            SourceUnusable: its marks cannot be told from each other or from the text.
        """
        layout = Layout.of(source)
        if layout is not None:
            return _of_layout(layout)
        wrong = unclear(source)
        if wrong is not None:
            raise SourceUnusable(
                wrong.message, help=f"correct `source.{wrong.key}` in the mapping: {wrong.hint}"
            )
        delimiter = source.delimiter.encode()
        end = None if source.record_end is None else source.record_end.encode()
        escape = None if source.escape is None else source.escape.encode()
        one = len(delimiter) == 1
        quote = None if source.quote is None else ord(source.quote)
        bare = end is not None and not set(end) & set(b"\r\n")
        ends = (_END, _END_AND_LF, _END_AND_CRLF) if bare else (_END,)
        esc, q = escape or b"", (source.quote or "").encode()
        meant = {
            DELIMITER: delimiter, _LF: b"\n", _CR: b"\r", _CRLF: b"\r\n",
            _QUOTE_ESCAPED: q, _DELIMITER_ESCAPED: delimiter, _ESCAPE_ESCAPED: esc,
            _LF_ESCAPED: b"\n", _CR_ESCAPED: b"\r", _CRLF_ESCAPED: b"\r\n", _END_ESCAPED: end or b"",
            _END_AND_LF: (end or b"") + b"\n", _END_AND_CRLF: (end or b"") + b"\r\n",
        }  # fmt: skip
        escaped = range(_END_ESCAPED, _QUOTE_ESCAPED + 1)
        written = {at: esc + text if at in escaped else text for at, text in meant.items()}
        return Spelling(
            marks=Marks(delimiter[0] if one else DELIMITER, quote, ends),
            plain=one and end is None and escape is None,
            delimiter=delimiter, record_end=end, escape=escape, written=written, meant=meant,
            line=_line(end, bare=bare),
        )  # fmt: skip

    # -- the text of a window -------------------------------------------------------------------

    def complete(self, text: bytes, *, ended: bool) -> int:
        """Give the size of the leading part of `text` that ends with a record's end for certain.

        Where the end is within quotes, the record goes on behind it; that is found out later.
        """
        if self.layout is not None and self.layout.endless:
            return self.layout.complete(text)
        if self.record_end is None:
            size = complete(text, ended=ended)
            while size and self._escaped(text, _before_break(text, size)):
                size = complete(text[: _before_break(text, size)], ended=True)
            return size
        at = len(text)
        while True:
            at = text.rfind(self.record_end, 0, at)
            if at < 0:
                return 0
            if self._escaped(text, at):
                continue
            stop = at + len(self.record_end)
            if len(self.marks.ends) == 1:
                return stop
            behind = text[stop : stop + 2]
            if ended or behind not in (b"", b"\r"):
                return stop + (2 if behind == b"\r\n" else int(behind[:1] == b"\n"))

    def with_last_end(self, text: bytes) -> bytes:
        """End the last record of a file, whether or not the file did."""
        if self.layout is not None:
            if self.layout.endless:
                return text
            text = self.layout.without_mark_of_end(text)
        else:
            text = self._without_mark_of_end(text)
        if not text:
            return text
        end = b"\n" if self.record_end is None else self.record_end
        bare = text
        if len(self.marks.ends) > 1:
            bare = text[: _before_break(text, len(text))]
        ends = (b"\n", b"\r") if self.record_end is None else (end,)
        found = next((each for each in ends if bare.endswith(each)), None)
        if found is not None and not self._escaped(text, _before_end(bare, found)):
            return text
        # an escape character at the very end has nothing that it could make plain text
        return text + (self.escape or b"" if self._escaped(text, len(text)) else b"") + end

    def spell(self, text: bytes) -> bytes:
        """Respell text that is `complete`."""
        if self.plain:
            return text
        if self.layout is not None:
            return self.layout.cut(text)
        if self.record_end is not None:
            # DELIMITER is not given out yet, so it can stand for the ends until breaks are respelled
            end = bytes((DELIMITER,))
            text = text.replace(self.record_end, end)
            for written, byte in ((b"\r\n", _CRLF), (b"\n", _LF), (b"\r", _CR)):
                text = text.replace(written, bytes((byte,)))
            text = text.replace(end, b"\n")
        if self.marks.delimiter == DELIMITER:
            text = text.replace(self.delimiter, bytes((DELIMITER,)))
        if self.escape is not None and self.escape in text:
            text = self._unescaped(text)
        if len(self.marks.ends) > 1:
            text = text.replace(bytes((_END, _LF)), bytes((_END_AND_LF,)))
            text = text.replace(bytes((_END, _CRLF)), bytes((_END_AND_CRLF,)))
        return text

    def beginning(self, text: str) -> bytes:
        """Respell the beginning of a line."""
        return self.spell(text.encode()) if self.layout is None else self.layout.prefix(text)

    def as_written(self, spelled: bytes) -> bytes:
        """Undo `spell`."""
        if self.plain:
            return spelled
        if self.record_end is not None:
            spelled = spelled.replace(b"\n", self.record_end)
        for byte, text in self.written.items():
            spelled = spelled.replace(bytes((byte,)), text)
        return spelled

    def size_as_written(self, spelled: bytes) -> int:
        """Give the size of what `as_written` would give."""
        size = len(spelled)
        if self.plain:
            return size
        if self.record_end is not None:
            size += spelled.count(b"\n") * (len(self.record_end) - 1)
        return size + sum(
            spelled.count(byte) * (len(text) - 1) for byte, text in self.written.items()
        )

    def breaks(self, spelled: bytes) -> NDArray[np.int64] | None:
        """Give where lines end that no record ends with; None where there are none."""
        if self.plain or not any(byte in spelled for byte in _BREAKS):
            return None
        table = np.zeros(256, np.bool_)
        table[list(_BREAKS)] = True
        return np.flatnonzero(table[np.frombuffer(spelled, np.uint8)])

    def lines(self, spelled: bytes) -> list[bytes]:
        """Cut at line breaks that end no record; those that are escaped stay."""
        return re.split(b"[" + re.escape(bytes((_LF, _CR, _CRLF))) + b"]", spelled)

    def unclear(self, spelled: bytes) -> list[int]:
        """Give where a delimiter stands so that it might begin one character later as well.

        Of `a|||b` nobody knows whether the cells are `a` and `|b`, or `a|` and `b`.
        """
        if self.marks.delimiter != DELIMITER:
            return []
        mark = self.delimiter
        found = []
        for at in range(1, len(mark)):
            if mark.startswith(mark[at:]):
                rest = bytes((DELIMITER,)) + mark[len(mark) - at :]
                place = spelled.find(rest)
                while place >= 0:
                    found.append(place)
                    place = spelled.find(rest, place + 1)
        return sorted(found)

    # -- a record -------------------------------------------------------------------------------

    def body(self, record: bytes) -> bytes:
        """A spelled record without its end."""
        if self.record_end is None:
            return record[: _before_break(record, len(record))]
        return record[:-1] if record and record[-1] in self.marks.ends else record

    def worked(self, record: bytes) -> str:
        """A spelled record as text to take apart: the text itself, or a character per byte."""
        return text_of(record) if self.plain else record.decode("latin-1")

    def value(self, cell: str) -> str:
        """What a cell of `worked` text means; a byte that cannot be read is a surrogate."""
        if self.plain:
            return cell
        spelled = cell.encode("latin-1")
        if self.record_end is not None:
            spelled = spelled.replace(b"\n", self.record_end)
        for byte in self.meant.keys() & set(spelled):
            spelled = spelled.replace(bytes((byte,)), self.meant[byte])
        return text_of(spelled)

    def told(self, worked: str) -> str:
        """A part of `worked` text as it stands in the file; without the halves of characters at its ends."""
        return worked if self.plain else _whole(self.as_written(worked.encode("latin-1")))

    # -- private --------------------------------------------------------------------------------

    def _without_mark_of_end(self, text: bytes) -> bytes:
        """The end of a file without Ctrl-Z behind its last record: so DOS ended its files."""
        bare = text.rstrip(MARK_OF_END)
        if len(bare) == len(text) or not bare:
            return bare
        end = _before_break(bare, len(bare))
        if self.record_end is None:
            return text if end == len(bare) or self._escaped(bare, end) else bare
        stops = {len(bare), end if len(self.marks.ends) > 1 else len(bare)}
        ends = (
            stop - len(self.record_end) for stop in stops if bare.endswith(self.record_end, 0, stop)
        )
        return bare if any(not self._escaped(bare, at) for at in ends) else text

    def _escaped(self, text: bytes, at: int) -> bool:
        if self.escape is None:
            return False
        begin = at
        while begin and text[begin - 1] == self.escape[0]:
            begin -= 1
        return (at - begin) % 2 == 1

    def _unescaped(self, text: bytes) -> bytes:
        assert self.escape is not None  # noqa: S101 - the caller has asked
        data = np.frombuffer(text, np.uint8)
        at = np.flatnonzero(data[:-1] == self.escape[0])
        first = np.ones(len(at), np.bool_)
        first[1:] = np.diff(at) > 1
        run = np.flatnonzero(first)
        # in a run of escapes each second one is the text of the one before it
        nth = np.arange(len(at)) - np.repeat(run, np.diff(np.append(run, len(at))))
        at = at[nth % 2 == 0]
        becomes = np.zeros(256, np.uint8)
        becomes[self.marks.delimiter] = _DELIMITER_ESCAPED
        becomes[self.escape[0]] = _ESCAPE_ESCAPED
        if self.marks.quote is not None:
            becomes[self.marks.quote] = _QUOTE_ESCAPED
        becomes[_END] = _LF_ESCAPED if self.record_end is None else _END_ESCAPED
        becomes[ord("\r")] = _CR_ESCAPED
        becomes[[_LF, _CR, _CRLF]] = _LF_ESCAPED, _CR_ESCAPED, _CRLF_ESCAPED
        new = becomes[data[at + 1]]
        at, new = at[new > 0], new[new > 0]
        changed = data.copy()
        keep = np.ones(len(data), np.bool_)
        keep[at] = False
        crlf = (new == _CR_ESCAPED) & (data[np.minimum(at + 2, len(data) - 1)] == _END)
        crlf &= data[at + 1] == ord("\r")
        new[crlf] = _CRLF_ESCAPED
        keep[at[crlf] + 2] = False
        changed[at + 1] = new
        return changed[keep].tobytes()


def _of_layout(layout: Layout) -> Spelling:
    """Where the places tell the cells, cells are told by a mark of ours that stands for nothing."""
    end = b"" if layout.endless else None
    breaks = {LF_WITHIN: b"\n", CR_WITHIN: b"\r"} if layout.endless else {}
    stands_for = {CUT: b"", **breaks}
    return Spelling(
        marks=Marks(CUT, None), plain=False, delimiter=b"", record_end=end, escape=None,
        written=stands_for, meant=stands_for, line=_line(None, bare=False), layout=layout,
    )  # fmt: skip


def _line(end: bytes | None, *, bare: bool) -> re.Pattern[bytes]:
    """A line of the file with its end, if it has one."""
    breaks = rb"\r\n|\r|\n"
    if end is not None:
        breaks = re.escape(end) + (rb"(?:\r\n|\n)?" if bare else b"") + b"|" + breaks
    return re.compile(rb"(?s:.*?)(?:" + breaks + rb"|\Z)")


def _before_break(text: bytes, size: int) -> int:
    """Where the line break begins that ends at `size`."""
    if text[size - 2 : size] == b"\r\n":
        return size - 2
    return size - 1 if text[size - 1 : size] in (b"\n", b"\r") else size


def _before_end(text: bytes, end: bytes) -> int:
    return _before_break(text, len(text)) if end in (b"\n", b"\r") else len(text) - len(end)


def _whole(utf8: bytes) -> str:
    """Give the text of bytes that may begin and end within a character.

    >>> _whole("äöü".encode()[1:-1])
    'ö'
    """
    begin = 0
    while begin < len(utf8) and utf8[begin] & 0xC0 == 0x80:
        begin += 1
    for end in range(len(utf8), max(len(utf8) - 3, begin), -1):
        try:
            return text_of(utf8[begin:end])
        except UnicodeDecodeError:
            continue
    return ""
