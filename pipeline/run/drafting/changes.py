"""What a file may tell of cancellations: always a comment, for what its words mean is the sender's."""

from pipeline.run.drafting.choosing import Draft
from pipeline.run.drafting.facts import OWN
from pipeline.run.drafting.flow import bare, sql_name
from pipeline.run.drafting.private import is_code, plain
from pipeline.run.sheet import Line

_CANCELLED = ("storn", "cancel", "annul", "abgebrochen", "void")


def changes(draft: Draft) -> list[Line]:
    """Columns that may tell of cancellations: a comment, for what they mean is the sender's."""
    told: list[str] = []
    for claim in draft.facts.claims("order_status", OWN, weakest=1):
        top = draft.facts.looks[claim.column].top[:20]
        texts = [text for text, _ in top if plain(text) or is_code(text) or any(word in text.casefold() for word in _CANCELLED)]  # fmt: skip
        found = [text for text in texts if any(word in text.casefold() for word in _CANCELLED)]
        if found and draft.facts.looks[claim.column].distinct <= 40:
            told += [
                f"  - type: cancel_order  # {bare(claim.column)} has {', '.join(map(bare, texts[:8]))}",
                "    when_all: " + bare(f"{sql_name(claim.column)} = '{found[0]}'"),
                "    fields: {cancelled_reason: {value: customer}}",
            ]
    for claim in draft.facts.claims("is_cancelled", OWN):
        if draft.facts.looks[claim.column].filled and claim.column not in draft.facts.used:
            draft.facts.told.add(claim.column)
            told.append(
                f"  {bare(claim.column)} may tell of cancellations: docs/mapping.md#mutations"
            )
    return (
        [Line("mutations:", active=False), *(Line(each, active=False) for each in told)]
        if told
        else []
    )
