"""Whether a file looks like fixed width, and where its columns may begin: for a first draft of a mapping.

Only advice for a person: columns without a blank between them are seen as one, and nothing is read by it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.mapping.delimiters import CANDIDATES
from pipeline.read.encodings import marked
from pipeline.read.header import open_source

_BEGIN = 1 << 16  # bytes that are looked at
_LINES_MIN = 3  # of fewer lines a common length says nothing
_LENGTH_MIN = 20


def likely_columns(path: Path, name: str) -> list[tuple[int, int]]:
    """Where columns may stand (first and last character, from 1); none, if it is another kind of text.

    Raises:
        SourceUnusable: the file cannot be opened.
    """
    with open_source(path, name) as file:
        begin = file.read(_BEGIN)
    # what is not UTF-8 has mostly one byte for a character, and so has what stands in for it
    text = begin.decode(marked(begin) or "utf-8", "replace").lstrip("\ufeff")
    lines = re.split("\r\n|\r|\n", text)
    if len(begin) == _BEGIN:
        lines.pop()  # it may be cut
    return columns_of([line for line in lines if line.strip()])


def columns_of(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Where columns may stand in lines; none, if they have several lengths, or a delimiter.

    >>> columns_of(["A1  Hose   blau    2  DE", "A2  Rock          11  AT", "A3  Schal  rot     1  CH"])
    [(1, 4), (5, 11), (12, 18), (19, 22), (23, 24)]
    """
    sizes = {len(line) for line in lines}
    if len(lines) < _LINES_MIN or len(sizes) > 1 or max(sizes) < _LENGTH_MIN:
        return []
    if any(
        len(counts := {line.count(mark) for line in lines}) == 1 and counts != {0}
        for mark in CANDIDATES
    ):
        return []  # fmt: skip
    filled = np.zeros(max(sizes), np.bool_)
    for line in lines:
        filled |= np.array([character != " " for character in line])
    begins = np.flatnonzero(filled & ~np.append(False, filled[:-1])).tolist()
    starts = sorted({0, *begins})
    ends = [*starts[1:], len(filled)]
    return [(start + 1, end) for start, end in zip(starts, ends, strict=True)]
