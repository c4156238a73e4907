"""Lines of a delimited file that are none of its rows: comments, footers, a header that comes again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.mapping.declared import is_footer
from pipeline.mapping.plan import Source
from pipeline.read.decoding import shown, text_of
from pipeline.read.records import Kind
from pipeline.read.spelling import Spelling

_BOM = "\ufeff".encode()

# A `Kind` for each line of a text, by where it starts and its size.
Kinds = Callable[[bytes, NDArray[np.int64], NDArray[np.int64]], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Outline:
    """How such lines are told: by what they begin with, by a pattern, by being the header's text.

    All texts are spelled. A header of one cell is a word that may well be a value.
    """

    spelling: Spelling
    comment: bytes | None
    footer: str | None
    header: bytes | None = None

    @staticmethod
    def of(source: Source, spelling: Spelling, header: bytes | None = None) -> "Outline":
        """Prepare the outline of a source, with the header's text once it is known."""
        comment = None if source.comment is None else spelling.beginning(source.comment)
        several = header is not None and bytes((spelling.marks.delimiter,)) in header
        return Outline(spelling, comment, source.footer, header if several else None)

    @property
    def is_empty(self) -> bool:
        """Whether it looks for nothing."""
        none = self.is_of_header and not self.header
        return none and self.spelling.layout is None

    @property
    def is_of_header(self) -> bool:
        """Whether the header's text is all that it looks for."""
        return not self.comment and self.footer is None

    def kinds(
        self, text: bytes, start: NDArray[np.int64], size: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Give a `Kind` for each line, by where it starts and its size without its end."""
        kind = np.zeros(len(start), np.uint8)
        if self.spelling.layout is not None:
            kind[self.spelling.layout.blank(text, start, size)] = Kind.EMPTY
        if self.header is not None:
            kind[self._headers(text, start, size)] = Kind.HEADER
        if self.footer is not None:
            kind[self._footers(text, start, size)] = Kind.FOOTER
        if self.comment:
            kind[beginning_with(self.comment, text, start, size)] = Kind.COMMENT
        return kind

    def _headers(
        self, text: bytes, start: NDArray[np.int64], size: NDArray[np.int64]
    ) -> Sequence[int]:
        header = self.header or b""
        # files that were put together may have their byte order marks still
        marked = _BOM + header
        maybe = np.flatnonzero((size == len(header)) | (size == len(marked)))
        return [
            at
            for at, begin in zip(maybe.tolist(), start[maybe].tolist(), strict=True)
            if text.startswith(header if size[at] == len(header) else marked, begin)
        ]

    def _footers(
        self, text: bytes, start: NDArray[np.int64], size: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        lines = [
            shown(text_of(self.spelling.as_written(text[begin : begin + long])))
            for begin, long in zip(start.tolist(), size.tolist(), strict=True)
        ]
        return is_footer(self.footer or "", lines).to_numpy()


def beginning_with(
    prefix: bytes, text: bytes, start: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which lines, by where they start and their size, begin with these bytes."""
    data = np.frombuffer(text, np.uint8)
    found = size >= len(prefix)
    for nth, byte in enumerate(prefix):
        found[found] = data[start[found] + nth] == byte
    return found
