"""X12 945, warehouse shipping advice: what the warehouse shipped of an order.

Order of segments as in 004010. The inner LX stands only between LS and LE.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.x12 import MANY

__all__ = ["MESSAGE"]

MESSAGE = Message(
    Syntax.X12,
    "945",
    "warehouse shipping advice",
    (
        must("W06"),
        loop(
            "N1",
            10,
            must("N1"),
            may("N2"),
            may("N3", 2),
            may("N4"),
            may("PER", 5),
            must=True,
        ),
        may("N9", 10),
        may("G61", 3),
        may("G62", 5),
        may("NTE", 20),
        may("W27"),
        may("W6"),
        may("W28"),
        may("W10", 10),
        may("G72", 5),
        loop("LM", 10, must("LM"), may("LQ", 100)),
        loop(
            "LX",
            MANY,
            must("LX"),
            may("MAN", MANY),
            may("PAL"),
            may("N9", 5),
            loop(
                "W12",
                MANY,
                must("W12"),
                may("G69", 5),
                may("N9", 200),
                may("G62", 10),
                may("QTY", 10),
                may("MEA", 5),
                may("AMT"),
                may("R4", 5),
                may("W27"),
                may("N1", 5),
                may("G72", 5),
                loop("LM", 10, must("LM"), may("LQ", 100)),
                loop(
                    "LS",
                    1,
                    must("LS"),
                    loop(
                        "LX",
                        MANY,
                        must("LX"),
                        may("N9", MANY),
                        may("G62", 10),
                        may("N1"),
                        loop("LM", 10, must("LM"), may("LQ", 100)),
                    ),
                    must("LE"),
                ),
                loop("FA1", MANY, must("FA1"), may("FA2", MANY)),
                level=True,
            ),
            level=True,
        ),
        may("W03"),
    ),
    rows=("W12",),
)
