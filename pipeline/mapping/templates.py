"""Templates: text with {Column} parts. No attributes, no indexes, no calls (FAULTS S13)."""

import re

_PART = re.compile(r"\{([^{}]*)\}")


class TemplateMistake(Exception):  # noqa: N818 - the compiler turns it into a Mistake with a place
    """A template that is not one (M204)."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def parts_of(template: str) -> tuple[list[str], list[str]]:
    """The literals and the columns between them: one literal more than columns.

    >>> parts_of("{Street} {No}")
    (['', ' ', ''], ['Street', 'No'])

    Raises:
        TemplateMistake: a brace is alone, a part is empty, or there is no part.
    """
    pieces = _PART.split(template)
    literals, names = pieces[::2], pieces[1::2]
    if any(brace in "".join(literals) for brace in "{}"):
        raise TemplateMistake("a brace is not closed", 'a part is a column: "{Column}"')
    if not names:
        hint = f'for fixed text write {{value: "{template}"}}'
        raise TemplateMistake("the template has no column", hint)
    if not all(names):
        raise TemplateMistake("a part of the template is empty", 'a part is a column: "{Column}"')
    return literals, names
