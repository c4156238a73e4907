"""EDIFACT ORDERS, purchase order: a head, one LIN per line, a sum.

Order of segments as in D.20A, which holds that of D.96A (and so EANCOM's); how often one may stand
is the wider of the two. A change of the order (ORDCHG) is laid out alike but for its reason (AJT),
so the three sections stand here for both.
"""

from pipeline.model.edi.definition import Loop, Message, Syntax, Use, loop, may, must
from pipeline.model.edi.messages.edifact_external_file import EXTERNAL_FILE

__all__ = ["DETAIL", "HEAD", "MESSAGE", "SUMMARY"]

_REFERENCE = loop("RFF", 9999, must("RFF"), may("DTM", 5))
_PARTY = loop(
    "NAD",
    999,
    must("NAD"),
    may("LOC", 99),
    may("FII", 5),
    loop("RFF", 99, must("RFF"), may("DTM", 5)),
    loop("DOC", 5, must("DOC"), may("DTM", 5)),
    loop("CTA", 25, must("CTA"), may("COM", 5)),
)
_TAX = loop("TAX", 10, must("TAX"), may("MOA"), may("LOC", 9))
_PAYMENT_PARTS = (
    may("DTM", 5),
    may("PCD"),
    loop("MOA", 9999, must("MOA"), may("GIR", 9)),
)
# PYT took the place of PAT after D.01B.
_PAYMENT = (
    loop("PAT", 10, must("PAT"), *_PAYMENT_PARTS),
    loop("PYT", 10, must("PYT"), *_PAYMENT_PARTS),
)
_TRANSPORT = loop(
    "TDT",
    10,
    must("TDT"),
    loop("LOC", 10, must("LOC"), may("DTM", 5)),
)
_TERMS = loop("TOD", 5, must("TOD"), may("LOC", 2))
_EQUIPMENT = loop("EQD", 10, must("EQD"), may("HAN", 5), may("MEA", 5), may("FTX", 5))
_SCHEDULE = loop(
    "SCC",
    100,
    must("SCC"),
    may("FTX", 5),
    may("RFF", 5),
    loop("QTY", 10, must("QTY"), may("DTM", 5)),
)
_CHARGE = loop(
    "ALC",
    99,
    must("ALC"),
    may("ALI", 5),
    may("DTM", 5),
    loop("QTY", 1, must("QTY"), may("RNG")),
    loop("PCD", 1, must("PCD"), may("RNG")),
    loop("MOA", 2, must("MOA"), may("RNG")),
    loop("RTE", 1, must("RTE"), may("RNG")),
    loop("TAX", 5, must("TAX"), may("MOA")),
)
_REQUIREMENT = loop("RCS", 999, must("RCS"), may("RFF", 5), may("DTM", 5), may("FTX", 99_999))
_DANGEROUS_GOODS = loop(
    "DGS",
    999,
    must("DGS"),
    may("FTX", 99),
    loop("CTA", 99, must("CTA"), may("COM", 5)),
)

HEAD: tuple[Use | Loop, ...] = (
    must("BGM"),
    must("DTM", 35),
    may("PAI"),
    may("ALI", 5),
    may("IMD", 999),
    may("FTX", 99),
    may("GIR", 10),
    _REFERENCE,
    loop("AJT", 99, must("AJT"), may("FTX", 5)),
    _PARTY,
    _TAX,
    loop("CUX", 5, must("CUX"), may("PCD", 5), may("DTM", 5)),
    *_PAYMENT,
    _TRANSPORT,
    _TERMS,
    loop(
        "PAC",
        99,
        must("PAC"),
        may("MEA", 5),
        loop("PCI", 5, must("PCI"), may("RFF"), may("DTM", 5), may("GIN", 10)),
    ),
    _EQUIPMENT,
    _SCHEDULE,
    loop("APR", 25, must("APR"), may("DTM", 5), may("RNG")),
    _CHARGE,
    _REQUIREMENT,
    _DANGEROUS_GOODS,
    EXTERNAL_FILE,
)
DETAIL = loop(
    "LIN",
    200_000,
    must("LIN"),
    may("PIA", 25),
    may("IMD", 99),
    may("MEA", 99),
    may("QTY", 99),
    may("PCD", 5),
    may("ALI", 5),
    may("DTM", 35),
    may("MOA", 10),
    may("GEI", 99),
    may("GIN", 1000),
    may("GIR", 1000),
    may("QVR"),
    may("DOC", 99),
    may("PAI"),
    may("FTX", 99),
    loop("CCI", 999, must("CCI"), may("CAV", 10), may("MEA", 10)),
    *_PAYMENT,
    loop("PRI", 25, must("PRI"), may("CUX"), may("APR", 99), may("RNG"), may("DTM", 5)),
    loop("RFF", 9999, must("RFF"), may("DTM", 5), may("GEI", 99), may("MOA", 99)),
    loop(
        "PAC",
        99,
        must("PAC"),
        may("MEA", 5),
        may("QTY", 5),
        may("DTM", 5),
        loop("RFF", 1, must("RFF"), may("DTM", 5)),
        loop("PCI", 5, must("PCI"), may("RFF"), may("DTM", 5), may("GIN", 10)),
    ),
    loop(
        "LOC",
        9999,
        must("LOC"),
        may("PCD"),
        may("DTM", 5),
        # The dates follow the quantity in D.96A, and stand before it in D.20A.
        loop("QTY", 99, must("QTY"), may("STS", 99), may("DTM", 5)),
    ),
    _TAX,
    _PARTY,
    _CHARGE,
    _TRANSPORT,
    _TERMS,
    _EQUIPMENT,
    _SCHEDULE,
    _REQUIREMENT,
    loop("STG", 10, must("STG"), loop("QTY", 3, must("QTY"), may("MOA"))),
    _DANGEROUS_GOODS,
    EXTERNAL_FILE,
    level=True,
)
SUMMARY: tuple[Use | Loop, ...] = (
    must("UNS"),
    may("MOA", 99),
    may("CNT", 10),
    loop("ALC", 10, must("ALC"), may("ALI"), may("MOA", 2)),
)

MESSAGE = Message(
    Syntax.EDIFACT,
    "ORDERS",
    "purchase order",
    (*HEAD, DETAIL, *SUMMARY),
    rows=("LIN",),
)
