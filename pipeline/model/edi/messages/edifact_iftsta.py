"""EDIFACT IFTSTA, status report of a carrier: consignments (CNI), each with its events (STS).

Order of segments as in D.96A to D.10B, how often one may stand is the widest of them. `rows`: one
per event. What tells the packages of an event (GID with PCI and GIN) belongs to the event.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must

__all__ = ["MESSAGE"]

_PARTY = loop("NAD", 99, must("NAD"), loop("CTA", 9, must("CTA"), may("COM", 9)))
_EVENT = loop(
    "STS",
    999,
    must("STS"),
    may("RFF", 999),
    may("DTM", 9),
    may("DOC", 9),
    may("FTX", 9),
    _PARTY,
    may("LOC", 9),
    may("PCI", 99),
    loop(
        "TDT",
        99,
        must("TDT"),
        may("DTM", 9),
        may("RFF", 9),
        # D.96A has the dates after the places, D.00B has them below each place.
        loop("LOC", 9, must("LOC"), may("DTM", 9)),
    ),
    loop(
        "EQD",
        999,
        must("EQD"),
        may("MEA", 9),
        may("DIM", 9),
        may("SEL", 9),
        may("RFF", 9),
        may("TPL", 9),
        may("TMD"),
        loop("EQA", 99, must("EQA"), may("SEL", 9)),
    ),
    loop(
        "GID",
        999,
        must("GID"),
        may("HAN", 9),
        may("SGP", 99),
        may("DGS", 9),
        may("FTX", 9),
        may("LOC", 9),
        loop("MEA", 99, must("MEA"), may("EQN")),
        loop("DIM", 99, must("DIM"), may("EQN")),
        loop("PCI", 99, must("PCI"), may("GIN", 9)),
    ),
    level=True,
)

MESSAGE = Message(
    Syntax.EDIFACT,
    "IFTSTA",
    "transport status report",
    (
        must("BGM"),
        may("DTM", 9),
        may("TSR"),
        _PARTY,
        loop("RFF", 99, must("RFF"), may("DTM", 9)),
        may("LOC", 9),
        may("FTX", 9),
        may("CNT", 9),
        loop(
            "CNI",
            99_999,
            must("CNI"),
            may("LOC", 9),
            may("CNT", 9),
            _EVENT,
            level=True,
        ),
    ),
    rows=("STS",),
)
