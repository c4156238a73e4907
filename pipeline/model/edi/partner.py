"""Whom we exchange interchanges with, and what is agreed with each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.delimiters import NONE, Delimiters

# The acknowledgements of each syntax, as partners ask for them.
ACKNOWLEDGEMENTS: Mapping[Syntax, tuple[str, ...]] = {
    Syntax.X12: ("997", "999", "TA1"),
    Syntax.EDIFACT: ("CONTRL",),
}

DEFAULT_SEPARATORS: Mapping[Syntax, Delimiters] = {
    Syntax.X12: Delimiters(Syntax.X12, ord("*"), ord(">"), ord("~"), ord("^")),
    Syntax.EDIFACT: Delimiters(Syntax.EDIFACT, ord("+"), ord(":"), ord("'"), NONE, ord("?")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """One `[partner.NAME]` of the configuration.

    What is empty or None is not agreed, so anything is taken. `id` and `qualifier` are the
    partner's (ISA06 and ISA05, UNB 2), `receiver` and its qualifier ours (ISA08 and ISA07, UNB 3).
    `mappings` holds the path of a mapping by message type; `outbox` the folder for its
    acknowledgements, below that of the profile; `separators` None means those of the interchange
    that is answered.
    """

    name: str
    syntax: Syntax
    id: str
    qualifier: str | None = None
    receiver: str | None = None
    receiver_qualifier: str | None = None
    messages: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    test: bool = False
    accept_duplicates: bool = False
    acks: tuple[str, ...] = ()
    separators: Delimiters | None = None
    mappings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    outbox: str = ""
    control_number: int = 1  # the first one that an acknowledgement of ours may have

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells the interchanges of one partner from those of another."""
        return (self.syntax, self.id, self.qualifier, self.receiver, self.receiver_qualifier)
