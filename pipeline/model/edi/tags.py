"""Every tag that the tables know, as a small number: what arrays of segments hold instead of text."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.model.edi import edifact, x12

TAG_MAX = 3  # characters of a tag; X12 also has tags of two


def tag_code(tag: str) -> int:
    """A tag of two or three characters as a number, its characters from high to low.

    >>> hex(tag_code("N1")), hex(tag_code("LIN"))
    ('0x4e3100', '0x4c494e')
    """
    return int.from_bytes(tag.encode().ljust(TAG_MAX, b"\0"), "big")


def _slot(code: int) -> int:
    """The place of a code in `TAG_TABLE`: the low six bits of each character."""
    return ((code >> 4) & 0x3F000) | ((code >> 2) & 0xFC0) | (code & 0x3F)


# 0 stands for every tag that is in no table.
TAGS: tuple[str, ...] = ("", *sorted({*x12.SEGMENTS, *edifact.SEGMENTS}))
TAG_IDS: Mapping[str, int] = {tag: number for number, tag in enumerate(TAGS) if tag}

TAG_CODES: NDArray[np.uint32] = np.array([tag_code(tag) if tag else 0 for tag in TAGS], np.uint32)
TAG_TABLE: NDArray[np.uint8] = np.zeros(1 << 18, np.uint8)
for _number, _code in enumerate(TAG_CODES.tolist()):
    TAG_TABLE[_slot(_code)] = _number
