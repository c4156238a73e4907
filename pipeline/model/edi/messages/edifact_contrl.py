"""EDIFACT CONTRL, response to an interchange: what became of it, its groups and its messages.

As in ISO 9735-4, syntax versions 3 and 4. `rows`: one per message answered; an interchange that
was only received or was refused as a whole has none.
"""

from pipeline.model.edi.definition import Message, Syntax, loop, may, must

__all__ = ["MESSAGE"]

_MESSAGE_RESPONSE = loop(
    "UCM",
    999_999,
    must("UCM"),
    loop("UCS", 999, must("UCS"), may("UCD", 99)),
    level=True,
)

MESSAGE = Message(
    Syntax.EDIFACT,
    "CONTRL",
    "response to an interchange",
    (
        must("UCI"),
        _MESSAGE_RESPONSE,
        loop("UCF", 999_999, must("UCF"), _MESSAGE_RESPONSE, level=True),
    ),
    rows=("UCM",),
)
