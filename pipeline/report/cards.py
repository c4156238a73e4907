"""The cards of "Who needs to fix what": per owner the heaviest causes, each with fix and example."""

from dataclasses import dataclass

from pipeline.model.rules import Owner
from pipeline.report.causes import Cause, OwnerShare
from pipeline.report.owners import task_of
from pipeline.report.pieces import Prose, Subject, prose, subject
from pipeline.report.summary import counted
from pipeline.report.visible import visible

CARD_CAUSES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One cause on a card: how many, what it is, what the API said, what to do, and one place to look at."""

    anchor: str
    amount: str
    title: str
    subject: Subject
    words: str
    fix: Prose
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What one owner must do; `task` says who that is, `more` counts the causes left out."""

    owner: str
    task: str
    amount: str
    causes: tuple[Item, ...]
    more: str


def card(share: OwnerShare) -> Card:
    """Write the card of an owner."""
    parts = []
    if share.rows:
        parts.append(counted(share.rows, "row"))
    if share.orders or share.failed_orders:
        parts.append(counted(share.orders, "order"))
    left = len(share.causes) - CARD_CAUSES
    return Card(
        owner=visible(share.owner),
        task=task_of(share.owner),
        amount=" in ".join(parts),
        causes=tuple(_item(each) for each in share.causes[:CARD_CAUSES]),
        more=f"and {counted(left, 'more cause')}" if left > 0 else "",
    )


def _item(cause: Cause) -> Item:
    automatic = cause.owner == Owner.AUTOMATIC.value
    return Item(
        anchor=cause.anchor,
        amount=counted(cause.count, cause.unit.value[:-1]),
        title=cause.title,
        subject=subject(cause),
        words="" if automatic else cause.words,
        fix=prose(cause.fix),
        place="" if automatic or not cause.examples else cause.examples[0].place,
    )
