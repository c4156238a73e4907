"""X12 940, warehouse shipping order: an order released to the warehouse.

Order of segments as in 004010. The inner LX stands only between LS and LE.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.x12 import MANY

__all__ = ["MESSAGE"]

MESSAGE = Message(
    Syntax.X12,
    "940",
    "warehouse shipping order",
    (
        must("W05"),
        loop(
            "N1",
            10,
            must("N1"),
            may("N2", 2),
            may("N3", 2),
            may("N4"),
            may("PER", 5),
        ),
        may("N9", 10),
        may("G61", 3),
        may("G62", 10),
        may("NTE", MANY),
        may("W09"),
        may("W66"),
        may("W6"),
        may("R2", 13),
        may("BNX"),
        loop("LM", 10, must("LM"), may("LQ", 100)),
        loop(
            "LX",
            MANY,
            must("LX"),
            may("MAN", MANY),
            may("SDQ", MANY),
            may("N1"),
            may("G62", 10),
            loop(
                "W01",
                MANY,
                must("W01"),
                may("G69", 5),
                may("N9", 200),
                may("NTE", MANY),
                may("W20", 3),
                may("QTY", 10),
                may("AMT"),
                may("G62", 10),
                may("G66"),
                may("N1", 3),
                may("PER", 5),
                may("LH2", 6),
                may("LHR"),
                may("LH6", 5),
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
                        may("SDQ", MANY),
                        loop("LM", 10, must("LM"), may("LQ", 100)),
                        loop(
                            "LH1",
                            MANY,
                            must("LH1"),
                            may("LH2", 4),
                            may("LH3", 10),
                            may("LFH", 20),
                            may("LEP", 3),
                            may("LH4"),
                            may("LHT", 3),
                            may("LHR", 5),
                            may("PER", 5),
                        ),
                    ),
                    must("LE"),
                ),
                loop("FA1", MANY, must("FA1"), may("FA2", MANY)),
                level=True,
            ),
            level=True,
        ),
        may("W76"),
    ),
    rows=("W01",),
)
