"""EDIFACT IFTSTA, status report of a carrier: consignments (CNI), each with its events (STS).

Order of segments as in D.20A, which holds those of D.96A and D.10B; how often one may stand is the
widest of them. `rows`: one per event, of a consignment or (later directories) of a container (EQD
before the first CNI). What tells the packages of an event (GID with PCI and GIN) belongs to it.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.messages.edifact_external_file import EXTERNAL_FILE

__all__ = ["MESSAGE"]

_PARTY = loop("NAD", 99, must("NAD"), loop("CTA", 9, must("CTA"), may("COM", 9)))
_PLACE = loop("LOC", 9, must("LOC"), may("DTM", 9))
_ATTACHED = loop("EQA", 99, must("EQA"), may("SEL", 9), _PLACE)
_TRANSPORT = loop(
    "TDT",
    99,
    must("TDT"),
    may("DTM", 9),
    may("RFF", 9),
    # D.96A has the dates after the places, D.00B has them below each place.
    _PLACE,
)
_EVENT = loop(
    "STS",
    999,
    must("STS"),
    may("RFF", 999),
    may("DTM", 9),
    may("DOC", 9),
    may("FTX", 9),
    may("MOA", 9),
    EXTERNAL_FILE,
    _PARTY,
    may("LOC", 9),
    may("PCI", 99),
    _TRANSPORT,
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
        _PLACE,
        _ATTACHED,
    ),
    loop(
        "GID",
        9999,
        must("GID"),
        may("HAN", 9),
        may("SGP", 99),
        may("DGS", 9),
        may("FTX", 9),
        may("GDS", 9),
        may("LOC", 9),
        may("QTY", 9),
        loop("MEA", 99, must("MEA"), may("EQN")),
        loop("DIM", 99, must("DIM"), may("EQN")),
        loop("RFF", 9, must("RFF"), may("DTM", 9)),
        loop("PCI", 99, must("PCI"), may("GIN", 9999)),
    ),
    level=True,
)
# Its events are looked up along it, so the container is a level of its own.
_CONTAINER = loop(
    "EQD",
    99_999,
    must("EQD"),
    may("NAD", 9),
    may("DTM", 9),
    may("FTX", 9),
    may("MEA", 9),
    may("DIM", 9),
    may("SEL", 9),
    may("RFF", 999),
    may("TPL", 9),
    may("TMD"),
    loop("DGS", 9, must("DGS"), may("FTX", 9)),
    _PLACE,
    loop("STS", 99, must("STS"), may("LOC"), may("DTM"), level=True),
    _ATTACHED,
    _TRANSPORT,
    loop("TMP", 1, must("TMP"), may("RNG")),
    loop("DAM", 9, must("DAM"), may("COD", 9)),
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
        _CONTAINER,
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
