"""The messages that are read: one module each, collected here by syntax and type."""

from collections.abc import Mapping

from pipeline.model.edi.definition import Message, Syntax
from pipeline.model.edi.messages import (
    x12_214,
    x12_850,
    x12_856,
    x12_860,
    x12_940,
    x12_945,
    x12_997,
    x12_999,
)

__all__ = ["MESSAGES"]

_X12: tuple[Message, ...] = (
    x12_214.MESSAGE,
    x12_850.MESSAGE,
    x12_856.MESSAGE,
    x12_860.MESSAGE,
    x12_940.MESSAGE,
    x12_945.MESSAGE,
    x12_997.MESSAGE,
    x12_999.MESSAGE,
)

MESSAGES: Mapping[tuple[Syntax, str], Message] = {
    (message.syntax, message.type): message for message in (*_X12,)
}
