"""The cards of "Who needs to fix what": per owner the heaviest causes, each with fix and example."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from pipeline.model.outcomes import RowOutcome
from pipeline.model.rules import Owner
from pipeline.report.causes import Cause, Causes, OwnerShare
from pipeline.report.messages import FileNote
from pipeline.report.owners import task_of
from pipeline.report.pieces import Prose, Subject, prose, subject
from pipeline.report.summary import counted, extent, extent_of
from pipeline.report.visible import visible

CARD_CAUSES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One cause on a card: how many orders, of how many rows, what it is, what the API said, what to do, and one place to look at."""

    anchor: str
    amount: str
    rows: str
    title: str
    subject: Subject
    words: str
    fix: Prose
    place: str
    shows: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What one owner must do; `task` says who that is, `more` counts the causes left out.

    `shows` is what the list of the page is to show of it, as its address says it.
    """

    owner: str
    task: str
    amount: str
    shows: str
    causes: tuple[Item, ...]
    more: str


def cards(causes: Causes) -> tuple[Card, ...]:
    """Write the cards of all owners; one who only has to look at files has a card too."""
    lost: dict[str, list[Item]] = {}
    for number, note in enumerate(causes.notes, start=1):
        if note.lost:
            lost.setdefault(note.owner, []).append(_of_file(number, note))
    with_rows = [each.owner for each in causes.owners]
    alone = [
        OwnerShare(owner=owner, rows=0, failed_orders=0, orders=0, causes=())
        for owner in lost
        if owner not in with_rows
    ]
    return tuple(_card(each, lost.get(each.owner, [])) for each in (*alone, *causes.owners))


def shown_by(cause: Cause) -> str:
    """The address of the rows, or orders, that a cause counts in the list of the page."""
    what = {"what": RowOutcome.OWN_PROBLEM.value} if cause.anchor.startswith("c") else {}
    return urlencode({"cause": cause.anchor, **what})


def note_anchor(number: int) -> str:
    """The anchor of a note about a file; numbers begin at 1."""
    return f"n{number}"


def _card(share: OwnerShare, lost: Sequence[Item]) -> Card:
    amount = extent(share.orders, share.rows) if share.causes else ""
    if lost:
        unknown = f"{counted(len(lost), 'part')} of files with unknown content"
        amount = f"{amount}, {unknown}" if amount else unknown
    items = (*lost, *(_item(each) for each in share.causes))
    left = len(items) - CARD_CAUSES
    return Card(
        owner=visible(share.owner),
        task=task_of(share.owner),
        amount=amount,
        shows=urlencode({"owner": visible(share.owner)}) if share.causes else "",
        causes=items[:CARD_CAUSES],
        more=f"and {counted(left, 'more cause')}" if left > 0 else "",
    )


def _of_file(number: int, note: FileNote) -> Item:
    return Item(
        anchor=note_anchor(number),
        amount=counted(note.count, "part"),
        rows="",
        title=note.title,
        subject=Subject("", ()),
        words="",
        fix=prose(note.fix),
        place=note.place,
    )


def _item(cause: Cause) -> Item:
    automatic = cause.owner == Owner.AUTOMATIC.value
    amount, _, rows = extent_of(cause).partition(" (")
    return Item(
        anchor=cause.anchor,
        amount=amount,
        rows=rows.rstrip(")"),
        title=cause.title,
        subject=subject(cause),
        words="" if automatic else cause.words,
        fix=prose(cause.fix),
        place="" if automatic or not cause.examples else cause.examples[0].place,
        shows=shown_by(cause),
    )
