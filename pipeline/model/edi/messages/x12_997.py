"""X12 997, functional acknowledgement: what became of the messages of a group.

`rows`: one per message acknowledged.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.x12 import MANY

__all__ = ["MESSAGE"]

MESSAGE = Message(
    Syntax.X12,
    "997",
    "functional acknowledgement",
    (
        must("AK1"),
        loop(
            "AK2",
            MANY,
            must("AK2"),
            loop("AK3", MANY, must("AK3"), may("AK4", 99)),
            must("AK5"),
            level=True,
        ),
        must("AK9"),
    ),
    rows=("AK2",),
)
