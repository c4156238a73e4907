"""The loop that later EDIFACT directories have in several messages: a file sent beside them."""

from pipeline.model.edi.definition import loop, may, must

__all__ = ["EXTERNAL_FILE"]

EXTERNAL_FILE = loop(
    "EFI",
    99,
    must("EFI"),
    may("CED", 99),
    may("COM", 99),
    may("RFF", 9),
    may("DTM", 9),
    may("QTY", 9),
)
