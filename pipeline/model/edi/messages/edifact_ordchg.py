"""EDIFACT ORDCHG, change of a purchase order: laid out as the order, with an action per line.

BGM 3 says what becomes of the whole order (1225), LIN 2 what becomes of a line (1229).
"""

from pipeline.model.edi.definition import Message, Syntax
from pipeline.model.edi.messages.edifact_orders import DETAIL, HEAD, SUMMARY

__all__ = ["MESSAGE"]

MESSAGE = Message(
    Syntax.EDIFACT,
    "ORDCHG",
    "change of a purchase order",
    (*HEAD, DETAIL, *SUMMARY),
    rows=("LIN",),
)
