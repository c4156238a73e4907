"""The six mutations: each takes an order and gives a new order with a result (CONTRACT.md section 6).

A mutation that fails gives back the order it got, so one failure never undoes another's work.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.sandbox import document
from pipeline.sandbox.orders import Order, Tracking

Mutation = dict[str, Any]
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What one mutation came to, in the API's words."""

    success: bool
    message: str
    errors: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the API's `MutationResult`; `success` is always said (K42)."""
        return {
            "success": self.success,
            "message": self.message,
            "errors": dict(self.errors),
            "warnings": list(self.warnings),
        }


Step = tuple[Order, Result]


def apply(order: Order, mutation: Mutation, *, now: str) -> Step:
    """Apply one valid mutation.

    Args:
        order: the order after its fields and all earlier mutations of the request.
        mutation: a mutation that `validation` let pass.
        now: RFC 3339 time for the dates the server sets.

    Returns:
        The new order, or the same one when the result says `success=false`.
    """
    return _STEPS[mutation["type"]](order, mutation, now)


def echo(mutation: Mutation, result: Result, *, operation_id: str) -> Mutation:
    """Return the mutation as the answer shows it: its known keys, its operation id, its result."""
    known = document.mutation_fields(mutation["type"])
    shown = {name: value for name, value in mutation.items() if name in known}
    if "tracking" in shown:
        shown["tracking"] = _known_part(shown["tracking"])
    shown.setdefault("operation_id", operation_id)
    return shown | {"result": result.as_json()}


def _done(message: str, *warnings: str) -> Result:
    return Result(success=True, message=message, warnings=warnings)


def failed(attr: str, reason: str) -> Result:
    """Return the result of a mutation that changed nothing."""
    return Result(success=False, message=reason, errors=((attr, reason),))


# --- trackings ------------------------------------------------------------------------------------


def _add_tracking(order: Order, mutation: Mutation, _now: str) -> Step:
    sent: Tracking = mutation["tracking"]
    kept = copy.deepcopy(_known_part(sent))
    warnings = [
        f'Unrecognized field "{name[:80]}" was dropped from add_tracking.tracking.'
        for name in sent
        if name not in kept
    ]
    place = _find_tracking(order, kept)
    if place is None:
        added = replace(order, trackings=(*order.trackings, kept))
        return added, _done("Tracking added.", *warnings)
    updated = replace(order, trackings=_put(order.trackings, place, order.trackings[place] | kept))
    return updated, _done("Tracking updated.", *warnings)


def _cancel_tracking(order: Order, mutation: Mutation, now: str) -> Step:
    sent: Tracking = mutation["tracking"]
    place = _find_tracking(order, sent)
    if place is None:
        return order, failed("tracking", "The order has no such tracking.")
    tracking = order.trackings[place]
    if "cancelled_date" in tracking:
        return order, _done("Tracking was cancelled before.")
    cancelled = tracking | {"cancelled_date": sent.get("cancelled_date", now)}
    return (
        replace(order, trackings=_put(order.trackings, place, cancelled)),
        _done("Tracking cancelled."),
    )


def _known_part(tracking: Tracking) -> Tracking:
    known = document.tracking_fields()
    return {name: value for name, value in tracking.items() if name in known}


def _find_tracking(order: Order, wanted: Mapping[str, Any]) -> int | None:
    by_number = (wanted.get("courier"), wanted.get("tracking_number"))
    if all(by_number):
        for place, tracking in enumerate(order.trackings):
            if (tracking.get("courier"), tracking.get("tracking_number")) == by_number:
                return place
    reference = wanted.get("external_reference")
    if not reference:
        return None
    for place, tracking in enumerate(order.trackings):
        # A reference finds a tracking that has another number only when none was asked for.
        same_parcel = not all(by_number) or not tracking.get("tracking_number")
        if tracking.get("external_reference") == reference and same_parcel:
            return place
    return None


def _put(trackings: tuple[Tracking, ...], place: int, tracking: Tracking) -> tuple[Tracking, ...]:
    return (*trackings[:place], tracking, *trackings[place + 1 :])


# --- the order ------------------------------------------------------------------------------------


def _cancel_order(order: Order, mutation: Mutation, now: str) -> Step:
    before = order.fields
    date = mutation.get("cancelled_date")
    if before.get("order_status") == "Cancelled" or not date:
        # The first date is kept (E23, choice).
        date = before.get("cancelled_date") or date or now
    changes = {"order_status": "Cancelled", "cancelled_date": date}
    reason = mutation.get("cancelled_reason") or before.get("cancelled_reason")
    if reason:
        changes["cancelled_reason"] = reason
    return order.with_fields(**changes), _done("Order cancelled.")


# --- lines ----------------------------------------------------------------------------------------


def _change_line_item_quantity(order: Order, mutation: Mutation, now: str) -> Step:
    line_item_id: str = mutation["line_item_id"]
    quantity: int = mutation["quantity"]
    line = _find_line(order, line_item_id)
    if line is None:
        return order, failed("line_item_id", "The order has no such line.")
    guard = mutation.get("current_quantity")
    if guard is not None and guard != line.get("quantity"):
        reason = f"The line's quantity is {line.get('quantity')}, not {guard}."
        return order, failed("current_quantity", reason)
    shipped = _shipped(order, line)
    if quantity < shipped:
        reason = f"{shipped} of this line are on trackings that are not cancelled."
        return order, failed("quantity", reason)
    changed = _resized(line, quantity, mutation.get("reason"), now)
    return _with_line(order, line, changed), _done("Quantity changed.")


def _add_line_item(order: Order, mutation: Mutation, _now: str) -> Step:
    line: Line = copy.deepcopy(mutation["line_item"])
    if _find_line(order, line["line_item_id"]) is not None:
        return order, failed("line_item.line_item_id", "The order already has this line.")
    return order.with_fields(articles_order=[*order.lines, line]), _done("Line added.")


def _replace_line_item(order: Order, mutation: Mutation, now: str) -> Step:
    old = _find_line(order, mutation["old_line_item_id"])
    if old is None:
        return order, failed("old_line_item_id", "The order has no such line.")
    new: Line = copy.deepcopy(mutation["new_line_item"])
    shipped = _shipped(order, old)
    if shipped:
        reason = f"{shipped} of this line are on trackings that are not cancelled."
        return order, failed("old_line_item_id", reason)
    reason_given = mutation.get("reason")
    if new["line_item_id"] == old["line_item_id"]:
        # 000's way to cancel a line: the same line again, with quantity 0 (K23, E21).
        quantity: int = new["quantity"] if "quantity" in new else old.get("quantity", 0)
        changed = _resized(old | new, quantity, reason_given, now)
        if "quantity" in old:
            changed["original_quantity"] = old.get("original_quantity", old["quantity"])
        return _with_line(order, old, changed), _done("Line replaced.")
    if _find_line(order, new["line_item_id"]) is not None:
        return order, failed("new_line_item.line_item_id", "The order already has this line.")
    cancelled = _with_line(order, old, _resized(old, 0, reason_given, now))
    return (
        cancelled.with_fields(articles_order=[*cancelled.lines, new]),
        _done("Line replaced."),
    )


def _find_line(order: Order, line_item_id: str) -> Line | None:
    return next((line for line in order.lines if line["line_item_id"] == line_item_id), None)


def _with_line(order: Order, old: Line, new: Line) -> Order:
    lines = [new if line is old else line for line in order.lines]
    return order.with_fields(articles_order=lines)


def _resized(line: Line, quantity: int, reason: str | None, now: str) -> Line:
    changed = line | {"quantity": quantity, "updated_at": now}
    if "quantity" in line:
        changed.setdefault("original_quantity", line["quantity"])
    if reason is not None:
        changed["change_reason"] = reason
    if quantity == 0:
        changed["status"] = "cancelled"
    elif line.get("quantity") == 0 and line.get("status") == "cancelled":
        # A line that quantity 0 had cancelled is wanted again (choice).
        changed["status"] = "pending"
    return changed


def _shipped(order: Order, line: Line) -> int:
    # 000: quantities on trackings that are not cancelled count as fulfilled. An article without
    # a quantity counts as one, a return as none (choice).
    return sum(
        article.get("quantity", 1)
        for tracking in order.trackings
        if "cancelled_date" not in tracking and not tracking.get("is_return")
        for article in tracking.get("articles", [])
        if _same_line(article, line)
    )


def _same_line(article: Line, line: Line) -> bool:
    if article["line_item_id"] == line["line_item_id"]:
        return True
    # 002: keep `line_item_id` or `order_item_id` aligned (K47).
    item = article.get("order_item_id")
    return item is not None and item == line.get("order_item_id")


_STEPS: dict[str, Callable[[Order, Mutation, str], Step]] = {
    "add_tracking": _add_tracking,
    "cancel_tracking": _cancel_tracking,
    "cancel_order": _cancel_order,
    "change_line_item_quantity": _change_line_item_quantity,
    "add_line_item": _add_line_item,
    "replace_line_item": _replace_line_item,
}
