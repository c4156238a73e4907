"""One order as parcelLab has it, against what it was told: which fields differ, and how."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.ledger import Difference, Found, ToldOrder, owner_of
from pipeline.model.marks import Marker, Marks
from pipeline.model.saying import Said, order_says, tracking_says

_LINES = "articles_order."
_LINE_ID = "line_item_id"
_LINE_IDS = _LINES + _LINE_ID
_END = 4  # characters of a parcel's number that are shown
# What a change of a kind moves in the order itself: told fields of these say nothing any more.
_OF_CANCELLING = ("order_status", "cancelled_date", "cancelled_reason")
_OF_QUANTITY = ("articles_order.quantity", "articles_order.status")
# Differences of changes that may be sent twice begin with these words (`shown`).
OF_CHANGES = ("tracking ", "cancel_order")
# The server drops a region of a billing address that it does not know (CONTRACT K10).
_DROPPED = "billing_address.region_code"


def differences(
    told: ToldOrder, order: Mapping[str, Any] | None, marker: Marker, lines: int | None
) -> list[Difference]:
    """Compare an order; `lines` is how many it had when it was told, None where nobody knows.

    Only what was told is compared, and lines that came: parcelLab may know more of an order.
    """
    number = told.order_number
    if order is None:
        return [Difference(number, "", Found.MISSING)]
    found = dict(_fields(told, order, marker, lines))
    found |= dict(_changes(told, order, marker))
    return [Difference(number, field, kind) for field, kind in sorted(found.items())]


def _fields(
    told: ToldOrder, order: Mapping[str, Any], marker: Marker, lines: int | None
) -> Iterator[tuple[str, Found]]:
    if told.marks is None:
        return
    said, number = order_says(order), told.order_number
    marks = {path: mark for path, mark in told.marks.all.items() if path not in _moved(told)}
    others = _judge(number, _LINE_IDS, marks.get(_LINE_IDS), said, marker)
    if others is not None:
        # each column of other lines is another one: told once, by the ids
        marks = {path: mark for path, mark in marks.items() if not path.startswith(_LINES)}
        yield "articles_order", _of_lines(order, lines)
    for path, mark in marks.items():
        kind = _judge(number, path, mark, said, marker)
        if kind is not None and not (path == _DROPPED and kind is Found.MISSING):
            yield path, kind


def _judge(owner: str, path: str, mark: str | None, said: Said, marker: Marker) -> Found | None:
    if mark is None:
        return None
    if path not in said:
        return Found.MISSING
    same = marker.marks(owner, {path: said[path]})[path] == mark
    return None if same else Found.DIFFERENT


def _of_lines(order: Mapping[str, Any], lines: int | None) -> Found:
    """How the lines differ that are there: some too many, some too few, or others."""
    listed = order.get("articles_order")
    there = len(listed) if isinstance(listed, list) else 0
    if not there:
        return Found.MISSING
    if lines is None or there == lines:
        return Found.DIFFERENT
    return Found.EXTRA if there > lines else Found.MISSING


def _moved(told: ToldOrder) -> frozenset[str]:
    """The paths that later changes of ours have moved: what was told of them says nothing now."""
    kinds = {_kind_of(subject) for subject in told.changes}
    moved: set[str] = set()
    if "cancel_order" in kinds:
        moved.update(_OF_CANCELLING)
    if "change_line_item_quantity" in kinds:
        moved.update(_OF_QUANTITY)
    if kinds & {"add_line_item", "replace_line_item"} and told.marks is not None:
        moved.update(path for path in told.marks.all if path.startswith(_LINES))
    return frozenset(moved)


# -- changes ---------------------------------------------------------------------------------------


def _changes(
    told: ToldOrder, order: Mapping[str, Any], marker: Marker
) -> Iterator[tuple[str, Found]]:
    """What was acknowledged as changes: parcels, added lines, a cancellation."""
    trackings = order.get("trackings")  # the list of orders shows none (CONTRACT K30)
    lines = {str(line.get(_LINE_ID)) for line in _listed(order.get("articles_order"))}
    for subject, marks in told.changes.items():
        kind, _, what = subject.partition("|")
        if kind == "add_tracking" and isinstance(trackings, list):
            tracking = next((each for each in _listed(trackings) if _is(each, what)), None)
            if tracking is None:
                yield shown(subject), Found.MISSING
            elif marks is not None and f"cancel_tracking|{what}" not in told.changes:
                yield from _tracking(told.order_number, subject, tracking, marks, marker)
        elif kind == "cancel_order" and str(order.get("order_status")).lower() != "cancelled":
            yield "cancel_order", Found.MISSING
        elif kind == "add_line_item" and what not in lines:
            yield "add_line_item", Found.MISSING


def _tracking(
    number: str, subject: str, tracking: Mapping[str, Any], marks: Marks, marker: Marker
) -> Iterator[tuple[str, Found]]:
    said, owner = tracking_says(tracking), owner_of(number, subject)
    for path, mark in marks.all.items():
        kind = _judge(owner, path, mark, said, marker)
        if kind is not None:
            yield f"{shown(subject)}.{path}", kind


def _is(tracking: Mapping[str, Any], what: str) -> bool:
    """Whether a tracking is the one that a subject names (CONTRACT §5.4)."""
    pair = f"{tracking.get('courier')}|{tracking.get('tracking_number')}"
    return what in (pair, str(tracking.get("external_reference")))


def shown(subject: str) -> str:
    """What a change was about, for people; of a parcel's number its end, which is enough to tell.

    >>> shown("add_tracking|dhl-germany|00340434161094021501"), shown("cancel_order|")
    ('tracking dhl-germany …1501', 'cancel_order')
    """
    kind, _, what = subject.partition("|")
    if kind not in ("add_tracking", "cancel_tracking"):
        return f"{kind} {what}".rstrip()
    courier, _, number = what.rpartition("|")
    end = f"…{number[-_END:]}" if len(number) > _END else number
    return " ".join(part for part in ("tracking", courier, end) if part)


def _kind_of(subject: str) -> str:
    return subject.partition("|")[0]


def _listed(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
