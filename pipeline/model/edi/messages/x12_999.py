"""X12 999, implementation acknowledgement: the 997 of 005010 and later, with the context of a fault.

`rows`: one per message acknowledged.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.x12 import MANY

__all__ = ["MESSAGE"]

MESSAGE = Message(
    Syntax.X12,
    "999",
    "implementation acknowledgement",
    (
        must("AK1"),
        loop(
            "AK2",
            MANY,
            must("AK2"),
            loop(
                "IK3",
                MANY,
                must("IK3"),
                may("CTX", 10),
                loop("IK4", MANY, must("IK4"), may("CTX", 10)),
            ),
            must("IK5"),
            level=True,
        ),
        must("AK9"),
    ),
    rows=("AK2",),
)
