"""The messages that are read: one module each, collected here by syntax and type."""

from collections.abc import Mapping

from pipeline.model.edi.definition import Message, Syntax
from pipeline.model.edi.messages import (
    edifact_contrl,
    edifact_desadv,
    edifact_iftmin,
    edifact_iftsta,
    edifact_ordchg,
    edifact_orders,
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

_EDIFACT: tuple[Message, ...] = (
    edifact_contrl.MESSAGE,
    edifact_desadv.MESSAGE,
    edifact_iftmin.MESSAGE,
    edifact_iftsta.MESSAGE,
    edifact_ordchg.MESSAGE,
    edifact_orders.MESSAGE,
)

MESSAGES: Mapping[tuple[Syntax, str], Message] = {
    (message.syntax, message.type): message for message in (*_X12, *_EDIFACT)
}
