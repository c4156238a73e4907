"""Which qualifiers the messages of a file use: what a person may want to extract from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.model.edi.definition import Message, Syntax
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read.edi.batches import Reading, bodies_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment says what it holds: the elements that may hold a qualifier.

    `component` is 0 for the whole element, as X12 has it.
    """

    tag: str
    elements: tuple[int, ...]
    component: int = 0


def count_qualifiers(
    reading: Reading, message: Message, places: Sequence[Place]
) -> Mapping[tuple[str, str], int]:
    """Count segments by tag and qualifier, over all messages of one type in a file."""
    found: Counter[tuple[str, str]] = Counter()
    messages = reading.envelopes.messages.filter(pl.col("type") == message.type)
    begins = messages.get_column("begin").to_numpy()
    for piece in reading.again():
        if piece.segments.delimiters.syntax is not message.syntax:
            continue
        low = int(np.searchsorted(begins, piece.segments.ordinal))
        high = int(np.searchsorted(begins, piece.segments.ordinal + piece.segments.count))
        if low == high:
            continue
        bodies = bodies_of(piece, messages.slice(low, high - low), message)
        for place in places:
            at = bodies.at[bodies.tag == TAG_IDS[place.tag]]
            for element in place.elements:
                component = place.component if message.syntax is Syntax.EDIFACT else 0
                texts = piece.segments.texts(*piece.segments.bounds(at, element, component))
                counted = texts.str.strip_chars().value_counts(name="count")
                for text, count in counted.iter_rows():
                    if text:
                        found[place.tag, text] += count
    return found
