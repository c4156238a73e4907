"""Segments to text, with the separators and the character set of one interchange."""

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import NONE, Delimiters, Interchange

# Stands for a character that cannot be written: a full stop is in every character set.
_UNWRITABLE = "."


class Segments:
    """Collects the segments of one interchange of ours."""

    def __init__(self, delimiters: Delimiters, charset: str) -> None:
        self._delimiters = delimiters
        self._charset = charset or "ascii"
        self._written: list[str] = []
        self._marks = {
            chr(mark)
            for mark in (
                delimiters.element, delimiters.component, delimiters.segment,
                delimiters.repetition, delimiters.release,
            )
            if mark != NONE
        }  # fmt: skip

    @property
    def count(self) -> int:
        """How many segments there are so far."""
        return len(self._written)

    def raw(self, text: str) -> None:
        """Add a segment with its terminator as it is: UNA, ISA."""
        self._written.append(text)

    def add(self, tag: str, *elements: str | tuple[str, ...]) -> None:
        """Add a segment; a tuple is a composite. What is empty at the end is left out."""
        component, element = chr(self._delimiters.component), chr(self._delimiters.element)
        texts = [
            component.join(_trimmed([self.clean(part) for part in value]))
            if isinstance(value, tuple)
            else self.clean(value)
            for value in elements
        ]
        self._written.append(element.join([tag, *_trimmed(texts)]) + chr(self._delimiters.segment))

    def clean(self, text: str) -> str:
        """The text as it may stand in an element."""
        if text.isascii() and text.isprintable() and not self._marks.intersection(text):
            return text
        if self._delimiters.syntax is Syntax.X12:
            # empty components at the end say nothing
            text = text.rstrip("".join(self._marks))
        return "".join(self._written_as(character) for character in text)

    def _written_as(self, character: str) -> str:
        if not self.can_write(character):
            return _UNWRITABLE
        if character not in self._marks:
            return character
        if self._delimiters.syntax is Syntax.EDIFACT and self._delimiters.release != NONE:
            return chr(self._delimiters.release) + character
        return _UNWRITABLE

    def can_write(self, text: str) -> bool:
        """Tell whether the character set has all of a text."""
        if not text.isprintable():
            return False
        try:
            text.encode(self._charset)
        except UnicodeEncodeError:
            return False
        return True

    def copy_of(self, value: str, most: int) -> str:
        """A value at fault as it was, or "" where it cannot be repeated."""
        value = value[:most]
        return value if value.strip() and self.clean(value) == value else ""

    def encoded(self) -> bytes:
        """All segments as bytes."""
        return "".join(self._written).encode(self._charset)


def _trimmed(texts: list[str]) -> list[str]:
    while texts and not texts[-1]:
        texts.pop()
    return texts


def charset_of(interchange: Interchange) -> str:
    """What an answer to an interchange is written in."""
    return interchange.delimiters.charset or interchange.charset or "ascii"
