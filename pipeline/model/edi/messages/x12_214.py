"""X12 214, shipment status: what happened to a shipment, event by event.

Order of segments as in 004010. An event is an AT7 with its MS1 and MS2, wherever it stands; the
segments around it belong to its LX. CD3 (a carton) and PRF (an order) make no level of their own:
an LX with the event before its cartons would give rows without an event.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.x12 import MANY

__all__ = ["MESSAGE"]

MESSAGE = Message(
    Syntax.X12,
    "214",
    "shipment status",
    (
        must("B10"),
        may("L11", 300),
        may("MAN", 9999),
        may("K1", 10),
        loop(
            "N1",
            10,
            must("N1"),
            may("N2"),
            may("N3", 2),
            may("N4"),
            may("G61"),
            may("G62"),
            may("L11", 10),
        ),
        may("MS3", 12),
        loop(
            "LX",
            MANY,
            must("LX"),
            loop("AT7", 10, must("AT7"), may("MS1"), may("MS2"), level=True),
            may("L11", 10),
            may("MAN", 9999),
            may("Q7", 10),
            may("K1", 10),
            may("AT5", 10),
            may("AT8", 10),
            loop(
                "CD3",
                MANY,
                must("CD3"),
                may("L11", 20),
                loop("AT7", 10, must("AT7"), may("MS1"), may("MS2"), level=True),
                may("NM1"),
                may("Q7", 10),
                may("AT8"),
                may("MAN", 9999),
                loop("N1", MANY, must("N1"), may("N2"), may("N3", 3), may("N4"), may("L11", 10)),
            ),
            loop(
                "PRF",
                MANY,
                must("PRF"),
                loop("N1", MANY, must("N1"), may("N2"), may("N3", 2), may("N4"), may("L11", 10)),
                loop(
                    "CD3",
                    MANY,
                    must("CD3"),
                    may("L11", 20),
                    loop("AT7", 10, must("AT7"), may("MS1"), may("MS2"), level=True),
                    may("MAN", 9999),
                ),
            ),
            loop("SPO", MANY, must("SPO"), may("SDQ", 10)),
            loop("EFI", MANY, must("EFI"), may("BIN")),
            level=True,
        ),
    ),
    rows=("AT7",),
)
