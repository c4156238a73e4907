"""An EDI file taken apart: its messages, byte for byte, each with the envelope that it needs.

The file is read as ISO 8859-1, whatever it declares: every byte is a character then, and bytes
that were cut out are the bytes of the file. Separators are ASCII in every character set of EDI.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Envelopes, Problem
from pipeline.read.edi.batches import Reading
from pipeline.read.edi.segments import Ints, Segments

BYTES = "iso-8859-1"  # open the file as this

# Errors that say that not all of an interchange or group is there. A part made of such a one
# would look whole, so none is made.
_BROKEN = frozenset({"E104", "E105", "E106", "E107", "E108"})
_NOBODYS = {
    "E102": "an interchange", "E111": "text", "E115": "segment {}", "E119": "a message",
}  # fmt: skip
_LINE_END = re.compile(rb"\r?\n")


class By(StrEnum):
    """What becomes a file of its own."""

    INTERCHANGE = "interchange"
    GROUP = "group"
    MESSAGE = "message"
    TYPE = "type"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header of an interchange or group as bytes, and what its trailer is made of.

    `header` holds UNA too, and ends with terminator and line end. `reference` is as it is written.
    """

    header: bytes
    trailer: bytes  # its tag
    reference: bytes
    element: bytes
    end: bytes  # terminator and line end

    def close(self, count: int) -> bytes:
        """The trailer for so many groups or messages."""
        parts = (self.trailer, str(count).encode(), self.reference)
        return self.element.join(parts) + self.end


@dataclass(frozen=True, slots=True)
class Item:
    """A message, or a TA1, as bytes with terminator and line end.

    `key` tells which items share a part, `name` are the words that the part is called by.
    `interchange` and `group` are numbers in the file, `group` -1 for none.
    """

    key: tuple[object, ...]
    name: tuple[str, ...]
    interchange: int
    group: int
    type: str
    body: bytes
    envelope: Envelope
    group_envelope: Envelope | None

    @property
    def is_message(self) -> bool:
        """Whether it counts as a message: TA1 does not."""
        return self.type != "TA1"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that comes into no part, and why; `code` is that of a finding, or ""."""

    what: str
    line: int
    segment: int
    code: str
    why: str


def left_out(reading: Reading) -> list[LeftOut]:
    """Name what `items` leaves out, in file order."""
    found = [*_envelopes_left_out(reading.envelopes), *_messages_left_out(reading.envelopes)]
    found += [
        LeftOut(_NOBODYS[each.code].format(each.value), each.line, each.segment, each.code,
                "it belongs to no message")
        for each in reading.envelopes.problems
        if each.code in _NOBODYS and each.message < 0
    ]  # fmt: skip
    return sorted(found, key=lambda each: (each.segment, each.line))


def _envelopes_left_out(envelopes: Envelopes) -> Iterator[LeftOut]:
    for each in envelopes.interchanges:
        cause = _broken(each.problems)
        what = f"interchange {each.reference}"
        if cause is not None:
            yield LeftOut(what, each.line, each.segment, cause.code, "it is not whole")
        elif not each.messages:
            yield LeftOut(what, each.line, each.segment, "", "it has no messages")
    bad = _bad_interchanges(envelopes)
    for group in envelopes.groups:
        cause = _broken(group.problems)
        if cause is not None and group.interchange not in bad:
            what = f"group {group.reference}"
            yield LeftOut(what, group.line, group.segment, cause.code, "it is not whole")


def _messages_left_out(envelopes: Envelopes) -> Iterator[LeftOut]:
    bad, bad_groups = _bad_interchanges(envelopes), _bad_groups(envelopes)
    lonely = {p.message for p in envelopes.problems if p.code == "E115" and p.message >= 0}
    some = (pl.col("end") == 0) | pl.col("message").is_in(list(lonely))
    for row in envelopes.messages.filter(some).iter_rows(named=True):
        if row["interchange"] in bad or row["group"] in bad_groups:
            continue
        what = f"message {row['reference']}"
        if row["message"] in lonely:
            why = (
                "it stands in no group"
                if row["interchange"] >= 0
                else "it stands in no interchange"
            )
            yield LeftOut(what, row["line"], row["begin"], "E115", why)
        else:
            yield LeftOut(what, row["line"], row["begin"], "E109", "it is not whole")


def _bad_interchanges(envelopes: Envelopes) -> frozenset[int]:
    found = enumerate(envelopes.interchanges)
    return frozenset(i for i, each in found if _broken(each.problems) is not None)


def _bad_groups(envelopes: Envelopes) -> frozenset[int]:
    found = enumerate(envelopes.groups)
    return frozenset(i for i, each in found if _broken(each.problems) is not None)


def _broken(problems: list[Problem]) -> Problem | None:
    return next((each for each in problems if each.code in _BROKEN), None)


def items(reading: Reading, by: By) -> Iterator[Item]:
    """Give all whole messages of a file that was opened as `BYTES`, and its TA1, in file order."""
    return _Cutter(reading, by).items()


class _Cutter:
    def __init__(self, reading: Reading, by: By) -> None:
        self._reading = reading
        self._by = by
        envelopes = reading.envelopes
        self._interchanges = {each.segment: i for i, each in enumerate(envelopes.interchanges)}
        self._groups = {each.segment: i for i, each in enumerate(envelopes.groups)}
        self._bad, self._bad_groups = _bad_interchanges(envelopes), _bad_groups(envelopes)
        self._begins = envelopes.messages.get_column("begin").to_numpy()
        self._lonely = {p.message for p in envelopes.problems if p.code == "E115"}
        self._envelope: dict[int, Envelope] = {}
        self._group_envelope: dict[int, Envelope] = {}
        self._now = -1
        self._marks: object = None

    def items(self) -> Iterator[Item]:
        """Cut the pieces of the file."""
        for piece in self._reading.again():
            segments = piece.segments
            low = int(np.searchsorted(self._begins, segments.ordinal))
            high = int(np.searchsorted(self._begins, segments.ordinal + segments.count))
            rows = self._reading.envelopes.messages.slice(low, high - low)
            inside = {row["begin"]: row for row in rows.iter_rows(named=True)}
            begins = [*self._headers(segments), *inside]
            for ordinal in sorted(begins):
                row = inside.get(ordinal)
                if row is None:
                    yield from self._header(segments, ordinal)
                elif row["end"] and row["message"] not in self._lonely:
                    yield from self._item(
                        segments, ordinal, row["end"], row["interchange"], row["group"],
                        row["type"], row["reference"],
                    )  # fmt: skip

    def _headers(self, segments: Segments) -> Iterator[int]:
        """The ordinals of interchanges, groups and TA1 in a piece."""
        last = segments.ordinal + segments.count
        for ordinal in (*self._interchanges, *self._groups):
            if segments.ordinal <= ordinal < last:
                yield ordinal
        for at in np.flatnonzero(segments.equal(*_tag_bounds(segments), b"TA1")).tolist():
            yield segments.ordinal + at

    def _header(self, segments: Segments, ordinal: int) -> Iterator[Item]:
        at = ordinal - segments.ordinal
        if ordinal in self._interchanges:
            self._now = self._interchanges[ordinal]
            # only the interchange that is read and its groups are kept
            self._envelope = {self._now: self._interchange(segments, at)}
            self._group_envelope = {}
        elif ordinal in self._groups:
            number = self._groups[ordinal]
            self._group_envelope = {number: self._group(segments, at)}
        elif self._now >= 0:
            reference = segments.text(at, 1)
            yield from self._item(segments, ordinal, ordinal, self._now, -1, "TA1", reference)

    def _item(
        self, segments: Segments, begin: int, end: int, interchange: int, group: int, kind: str,
        reference: str,
    ) -> Iterator[Item]:  # fmt: skip
        if interchange in self._bad or group in self._bad_groups:
            return
        envelope = self._envelope[interchange]
        first, last = begin - segments.ordinal, end - segments.ordinal
        body = _bytes(segments, int(segments.start[first]), _after(segments, last))
        key, name = self._called(interchange, group, kind or "", reference or "", begin)
        yield Item(
            key, name, interchange, group, kind or "", body + envelope.end[1:], envelope,
            self._group_envelope[group] if group >= 0 else None,
        )  # fmt: skip

    def _called(
        self, number: int, group: int, kind: str, reference: str, begin: int
    ) -> tuple[tuple[object, ...], tuple[str, ...]]:
        """The key and the name of the part that an item belongs to."""
        interchange = self._reading.envelopes.interchanges[number]
        match self._by:
            case By.MESSAGE:
                return (begin,), (f"{interchange.reference}-{reference}", kind)
            case By.TYPE:
                return (kind,), (kind,)
            case By.PARTNER:
                ends = (interchange.sender, interchange.receiver)
                kinds = (interchange.sender_qualifier, interchange.receiver_qualifier)
                return (*ends, *kinds), ("-".join(ends),)
            case By.GROUP if kind == "TA1":
                return (number, kind), (interchange.reference, kind)
            case By.GROUP if group >= 0:
                of = self._reading.envelopes.groups[group]
                return (number, group), (f"{interchange.reference}-{of.reference}", of.functional)
            case _:
                return (number,), (interchange.reference,)

    # -- envelopes --------------------------------------------------------------------------

    def _interchange(self, segments: Segments, at: int) -> Envelope:
        syntax = segments.delimiters.syntax
        reference, tag = (13, b"IEA") if syntax is Syntax.X12 else (5, b"UNZ")
        made = _envelope(segments, at, reference, tag)
        return Envelope(
            self._advice(segments, at) + made.header, tag, made.reference, made.element, made.end
        )

    def _advice(self, segments: Segments, at: int) -> bytes:
        """UNA as it stands before this UNB, with its line end."""
        marks = segments.delimiters
        first = marks is not self._marks  # the first piece with these separators begins at UNB
        self._marks = marks
        before = _after(segments, at - 1) if at else 0
        gap = segments.data[before : int(segments.start[at])]
        found = gap.find(b"UNA")
        advice = gap[found : found + 9] if found >= 0 else marks.advice if first else b""
        return advice + (_line_end(segments, at) if advice else b"")

    def _group(self, segments: Segments, at: int) -> Envelope:
        x12 = segments.delimiters.syntax is Syntax.X12
        return _envelope(segments, at, 6 if x12 else 5, b"GE" if x12 else b"UNE")


def _envelope(segments: Segments, at: int, reference: int, trailer: bytes) -> Envelope:
    begin, end = segments.bounds(np.array([at]), reference)
    marks = segments.delimiters
    line_end = _line_end(segments, at)
    return Envelope(
        _bytes(segments, int(segments.start[at]), _after(segments, at)) + line_end, trailer,
        _bytes(segments, int(begin[0]), int(end[0])), bytes([marks.element]),
        bytes([marks.segment]) + line_end,
    )  # fmt: skip


def _after(segments: Segments, at: int) -> int:
    """The position behind a segment's terminator; a carriage return may stand before a newline."""
    stop = int(segments.stop[at])
    return stop + 1 if segments.data[stop] == segments.delimiters.segment else stop + 2


def _line_end(segments: Segments, at: int) -> bytes:
    """The line end behind a segment, b"" where the file has none or it ends segments itself."""
    found = _LINE_END.match(segments.data, _after(segments, at))
    return found.group() if found is not None and segments.delimiters.segment != 0x0A else b""


def _tag_bounds(segments: Segments) -> tuple[Ints, Ints]:
    return segments.start, segments.mark[segments.first[:-1]]


def _bytes(segments: Segments, begin: int, end: int) -> bytes:
    """The file's own bytes between two positions."""
    text = segments.data[begin:end]
    return text if text.isascii() else text.decode().encode(BYTES)


def safe_name(text: str, *, longest: int = 60) -> str:
    """A part of a file's name that every system takes.

    >>> safe_name("000000905-0001"), safe_name("../a b:c"), safe_name("…")
    ('000000905-0001', 'a_b_c', 'none')
    """
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._- ")
    return kept[:longest].rstrip(".") or "none"
