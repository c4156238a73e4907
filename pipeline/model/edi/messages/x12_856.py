"""X12 856, ship notice: shipment, orders, pallets, cartons and items as one list of HL levels.

Order of segments as in 004010. Files keep to it loosely; which levels occur is told by HL03.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.x12 import MANY

__all__ = ["MESSAGE"]

MESSAGE = Message(
    Syntax.X12,
    "856",
    "ship notice",
    (
        must("BSN"),
        may("DTM", 10),
        loop(
            "HL",
            200_000,
            must("HL"),
            may("LIN"),
            may("SN1"),
            may("SLN", 1000),
            may("PRF"),
            may("PO4"),
            may("PID", 200),
            may("MEA", 40),
            may("PWK", 25),
            may("PKG", 25),
            may("TD1", 20),
            may("TD5", 12),
            may("TD3", 12),
            may("TD4", 5),
            may("TSD"),
            may("REF", MANY),
            may("PER", 3),
            loop(
                "LH1",
                100,
                must("LH1"),
                may("LH2", 4),
                may("LH3", 12),
                may("LFH", 20),
                may("LEP", MANY),
                may("LH4"),
                may("LHT", 3),
                may("LHR", 10),
                may("PER", 5),
                may("LHE"),
            ),
            loop("CLD", 200, must("CLD"), may("REF", 200), may("DTP")),
            may("MAN", MANY),
            may("DTM", 10),
            may("FOB"),
            may("PAL"),
            loop(
                "N1",
                200,
                must("N1"),
                may("N2", 2),
                may("N3", 2),
                may("N4"),
                may("REF", 12),
                may("PER", 3),
                may("FOB"),
            ),
            may("SDQ", 50),
            may("ETD"),
            may("CUR"),
            loop("SAC", MANY, must("SAC"), may("CUR")),
            may("GF"),
            may("YNQ", 10),
            loop("LM", 10, must("LM"), may("LQ", 100)),
            loop("V1", MANY, must("V1"), may("R4", MANY), may("DTM", MANY)),
            must=True,
            level=True,
        ),
        may("CTT"),
    ),
    rows=("I", "P"),
)
