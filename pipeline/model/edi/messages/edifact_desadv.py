"""EDIFACT DESADV, despatch advice: packing levels (CPS) with their packages and lines (LIN).

Order of segments as in D.20A, which holds that of D.96A; how often one may stand is the wider of
the two. EANCOM keeps to D.96A and D.01B: marks and SSCCs (PCI, GIN) stand below the packages (PAC)
of their packing level.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must
from pipeline.model.edi.messages.edifact_external_file import EXTERNAL_FILE

__all__ = ["MESSAGE"]


MESSAGE = Message(
    Syntax.EDIFACT,
    "DESADV",
    "despatch advice",
    (
        must("BGM"),
        may("DTM", 10),
        may("ALI", 5),
        may("MEA", 5),
        may("MOA", 5),
        may("CUX", 9),
        loop("RFF", 99, must("RFF"), may("DTM", 9)),
        loop(
            "NAD",
            99,
            must("NAD"),
            may("LOC", 10),
            loop("RFF", 99, must("RFF"), may("DTM", 99)),
            loop("CTA", 10, must("CTA"), may("COM", 5)),
        ),
        loop("TOD", 10, must("TOD"), may("LOC", 9999), may("FTX", 5)),
        loop(
            "TDT",
            10,
            must("TDT"),
            may("PCD", 6),
            may("TMD"),
            loop("LOC", 10, must("LOC"), may("DTM", 10)),
        ),
        loop(
            "EQD",
            10,
            must("EQD"),
            may("MEA", 5),
            may("SEL", 25),
            may("EQA", 5),
            loop("HAN", 10, must("HAN"), may("FTX", 10)),
        ),
        EXTERNAL_FILE,
        loop(
            "CPS",
            9999,
            must("CPS"),
            may("FTX", 5),
            may("QVR", 9),
            loop(
                "PAC",
                9999,
                must("PAC"),
                may("MEA", 10),
                may("QTY", 10),
                loop("HAN", 10, must("HAN"), may("FTX", 10)),
                loop(
                    "PCI",
                    1000,
                    must("PCI"),
                    may("RFF", 10),
                    may("DTM", 5),
                    loop("GIR", 99, must("GIR"), may("DTM", 5)),
                    loop("GIN", 99, must("GIN"), may("DLM", 10)),
                    loop("COD", 99, must("COD"), may("MEA", 9), may("QTY", 9), may("PCD", 9)),
                ),
                EXTERNAL_FILE,
            ),
            loop(
                "LIN",
                9999,
                must("LIN"),
                may("PIA", 10),
                may("IMD", 99),
                may("MEA", 10),
                may("QTY", 10),
                may("ALI", 10),
                may("GIN", 100),
                may("GIR", 100),
                may("DLM", 100),
                may("DTM", 5),
                may("NAD", 99),
                may("TDT"),
                may("TMD"),
                may("HAN", 20),
                may("FTX", 99),
                may("MOA", 5),
                may("PAC", 9),
                loop("RFF", 99, must("RFF"), may("NAD"), may("CTA"), may("DTM")),
                loop("DGS", 9999, must("DGS"), may("QTY"), may("FTX", 5)),
                loop("LOC", 100, must("LOC"), may("NAD"), may("DTM"), may("QTY", 10)),
                loop("SGP", 1000, must("SGP"), may("QTY", 10)),
                loop(
                    "PCI",
                    9999,
                    must("PCI"),
                    may("DTM", 5),
                    may("MEA", 10),
                    may("QTY", 10),
                    loop("GIN", 10, must("GIN"), may("DLM", 100)),
                    loop("HAN", 10, must("HAN"), may("FTX", 5), may("GIN", 1000)),
                ),
                loop("QVR", 10, must("QVR"), may("DTM", 5)),
                EXTERNAL_FILE,
                level=True,
            ),
            level=True,
        ),
        may("CNT", 5),
    ),
    rows=("LIN",),
)
