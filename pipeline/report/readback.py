"""What was read back of a run: in words, as rows of the page, and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ledger import Difference, Found, ReadBack
from pipeline.report.summary import counted
from pipeline.report.text import columns, moment
from pipeline.report.visible import visible

SHOWN = 10  # differences that a terminal lists
LISTED = 200  # and the page
KINDS = {
    Found.MISSING: "missing: told, and not there",
    Found.DIFFERENT: "different from what was told",
    Found.EXTRA: "more than was told",
}


@dataclass(frozen=True, slots=True)
class ReadBackTable:
    """The section of the page: a sentence, and one row per field that is not as it was told."""

    good: bool
    lead: str
    when: str
    rows: tuple[tuple[str, str, str], ...]
    more: str


def as_expected(told: ReadBack) -> bool:
    """Whether all that was compared is as it was told."""
    return not (told.differing or told.missing)


def in_words(told: ReadBack) -> str:
    """How it went, in one sentence; what is zero is left out.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 11, 20, tzinfo=UTC)
    >>> in_words(ReadBack(at=at, share=1.0, arrived=3, chosen=3, compared=3, differing=1, missing=0, unread=0))
    '3 orders compared, 1 differs'
    """
    parts = [f"{counted(told.compared, 'order')} compared"]
    if told.differing:
        parts.append(f"{told.differing:,} differ{'s' if told.differing == 1 else ''}")
    if told.missing:
        parts.append(f"{told.missing:,} missing in parcelLab")
    if told.compared and as_expected(told):
        parts.append("as they were told")
    if told.unread:
        parts.append(f"{told.unread:,} could not be read")
    if told.unmarked:
        parts.append(
            f"of {told.unmarked:,} only that {'it is' if told.unmarked == 1 else 'they are'} there"
            " (told by an older version, or by a run that has not ended)"
        )
    if told.chosen < told.arrived:
        parts.append(f"a sample of {told.arrived:,} that arrived")
    return ", ".join(parts)


def lines(differences: Sequence[Difference], most: int = SHOWN) -> list[str]:
    """What differs, as lines of a terminal."""
    shown = differences[:most]
    listed = [(visible(e.order_number), _field(e), KINDS[e.kind]) for e in shown]
    made = columns(listed) if listed else []
    if len(differences) > most:
        made.append(f"  and {len(differences) - most:,} more in the report")
    return made


def lay_out_read_back(told: ReadBack | None, zone: str) -> ReadBackTable | None:
    """The section of the page; None where nothing was read back."""
    if told is None:
        return None
    shown = told.differences[:LISTED]
    more = len(told.differences) - len(shown)
    return ReadBackTable(
        good=as_expected(told),
        lead=f"{in_words(told)}.",
        when=moment(told.at, zone),
        rows=tuple((visible(e.order_number), _field(e), KINDS[e.kind]) for e in shown),
        more=f"and {more:,} more in summary.json" if more else "",
    )


def as_document(told: ReadBack) -> dict[str, object]:
    """What was read back, for programs."""
    return {
        "at": told.at.isoformat(), "share": told.share, "arrived": told.arrived,
        "chosen": told.chosen, "compared": told.compared, "differing": told.differing,
        "missing": told.missing, "unread": told.unread, "unmarked": told.unmarked,
        "differences": [
            {"order_number": each.order_number, "field": each.field or None, "kind": each.kind.value}
            for each in told.differences
        ],
    }  # fmt: skip


def _field(each: Difference) -> str:
    return visible(each.field) if each.field else "the whole order"
