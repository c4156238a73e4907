"""What parcelLab has of an order already: read it back before sending again (CONTRACT §6, §8)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from pipeline.model.orders import Replay, Submission
from pipeline.send.replies import parsed
from pipeline.send.reply import NoReply, Reply

_Json = dict[str, Any]

# "0123" and "1E5" are texts: an article's number, say. Nothing here is ever made a number.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch


@dataclass(frozen=True, slots=True)
class Stored:
    """The order as the API has it; None when it has none."""

    order: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No answer to the question. `again`: asking once more may help."""

    words: str
    again: bool


def stored(order_number: str, reply: Reply | NoReply) -> Stored | Unreadable:
    """Say what an answer to a GET shows of an order, as object or as a list (K30)."""
    if isinstance(reply, NoReply):
        return Unreadable(reply.words, again=reply.stop is None)
    answer = parsed(reply.body)
    if reply.status == 404:
        # a page of a proxy, or of a gateway that has no such path, knows nothing of orders (F12)
        if isinstance(answer, dict) and ("errors" in answer or "detail" in answer):
            return Stored(None)
        return Unreadable("what answers 404 is not the Order API", again=True)
    if reply.status != 200:
        again = reply.status >= 500 or reply.status in (408, 425, 429)
        return Unreadable(f"reading back gave status {reply.status}", again=again)
    listed = answer.get("results") if isinstance(answer, dict) else None
    orders = listed if isinstance(listed, list) else [answer]
    for order in orders:
        if isinstance(order, dict) and order.get("order_number") == order_number:
            return Stored(order)
    return Stored(None) if listed == [] else Unreadable("not what was asked for", again=True)


def applied(submission: Submission, order: dict[str, Any]) -> frozenset[int]:
    """Give the ordinals of the operations that must not be sent twice and are there already.

    A body that brings the list of lines replaces it (CONTRACT K43), so its operations are done only
    where that list is there too: lines of an older version must be replaced, and changed again.
    """
    return _unrepeatable(submission, order, _is_there)


def otherwise(submission: Submission, order: dict[str, Any]) -> frozenset[int]:
    """Give the ordinals of those whose line is there, but not in the quantity that was sent.

    Nobody can tell whether they were applied: sent again they may be done twice.
    """
    return _unrepeatable(submission, order, _is_there_otherwise)


def _unrepeatable(
    submission: Submission,
    order: dict[str, Any],
    seen: Callable[[_Json, Mapping[str, _Json]], bool],
) -> frozenset[int]:
    payload = orjson.loads(submission.body)
    mutations = payload.get("mutations", [])
    lines = _lines(order)
    if not _lines_are_there(payload.get("articles_order", []), mutations, lines):
        return frozenset()
    return frozenset(
        ordinal
        for ordinal, (operation, mutation) in enumerate(
            zip(submission.operations, mutations, strict=True)
        )
        if operation.replay is Replay.READ_BACK and seen(mutation, lines)
    )


def _lines(order: _Json) -> dict[str, _Json]:
    """The lines of an order by their id; what is no line is none."""
    return {str(line.get("line_item_id")): line for line in _objects(order.get("articles_order"))}


def _objects(listed: object) -> list[_Json]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _lines_are_there(
    sent: list[dict[str, Any]], mutations: list[dict[str, Any]], found: dict[str, dict[str, Any]]
) -> bool:
    """Tell whether each line of a body is there; the changes of the body may have changed it."""
    changed = {
        str(mutation.get(name))
        for mutation in mutations
        for name in ("line_item_id", "old_line_item_id")
    }
    for line in sent:
        number = str(line.get("line_item_id"))
        if number not in found:
            return False
        if number not in changed and not _same(line, found[number]):
            return False
    return True


def _has(sent: _Json, lines: Mapping[str, _Json]) -> bool:
    """Tell whether a line is there as it was sent, as far as its quantity tells.

    It may have been cut since: then its first quantity is the one that was sent (CONTRACT §6).
    """
    line = lines.get(str(sent.get("line_item_id")))
    if line is None or sent.get("quantity") is None:
        return line is not None
    known = [line[name] for name in ("quantity", "original_quantity") if line.get(name) is not None]
    return not known or any(_same(sent["quantity"], each) for each in known)


def _is_there_otherwise(mutation: _Json, lines: Mapping[str, _Json]) -> bool:
    match mutation.get("type"):
        case "add_line_item":
            new = mutation["line_item"]
        case "replace_line_item":
            new = mutation["new_line_item"]
            # a line that takes its own place (K23) was there before
            if new.get("line_item_id") == mutation.get("old_line_item_id"):
                return False
        case _:
            return False
    return str(new.get("line_item_id")) in lines and not _has(new, lines)


def _is_there(mutation: _Json, lines: Mapping[str, _Json]) -> bool:
    match mutation.get("type"):
        case "add_line_item":
            return _has(mutation["line_item"], lines)
        case "replace_line_item":
            return _has(mutation["new_line_item"], lines)
        case "change_line_item_quantity":
            line = lines.get(str(mutation.get("line_item_id")))
            return line is not None and _same(mutation.get("quantity"), line.get("quantity"))
    return False


def without(submission: Submission, there: frozenset[int]) -> Submission:
    """Give the submission without the operations that are there already.

    The list of lines goes too: sent once more, it would take away the lines that were added to it.
    """
    if not there:
        return submission
    payload = orjson.loads(submission.body)
    payload.pop("articles_order", None)
    left = [m for ordinal, m in enumerate(payload["mutations"]) if ordinal not in there]
    if left:
        payload["mutations"] = left
    else:
        del payload["mutations"]
    operations = tuple(
        each for ordinal, each in enumerate(submission.operations) if ordinal not in there
    )
    return replace(submission, body=orjson.dumps(payload), operations=operations)


def confirms(submission: Submission, order: dict[str, Any]) -> bool:
    """Tell whether the stored order has every field of the payload, and no mutation is open.

    Mutations that cannot be seen in the order are never confirmed this way.
    """
    payload = orjson.loads(submission.body)
    if len(applied(submission, order)) < len(submission.operations):
        return False
    payload.pop("mutations", None)
    return _same(payload, order)


_LINE_CHANGES = ("change_line_item_quantity", "add_line_item", "replace_line_item")


def differing(submission: Submission, order: dict[str, Any]) -> list[str]:
    """Give the fields of a payload that the stored order does not have as they were sent.

    Lines are not compared where changes of lines went with them: they are what came of both.
    """
    payload = orjson.loads(submission.body)
    types = {mutation.get("type") for mutation in payload.pop("mutations", [])}
    if types.intersection(_LINE_CHANGES):
        payload.pop("articles_order", None)
    return [name for name, value in payload.items() if not _same(value, order.get(name))]


def visible_in(submission: Submission, order: dict[str, Any]) -> frozenset[int]:
    """Give the ordinals of the operations whose effect can be seen in the stored order."""
    mutations = orjson.loads(submission.body).get("mutations", [])
    lines = _lines(order)
    return frozenset(
        ordinal
        for ordinal, mutation in enumerate(mutations)
        if _is_there(mutation, lines) or _is_done(mutation, order)
    )


def _is_done(mutation: dict[str, Any], order: dict[str, Any]) -> bool:
    match mutation.get("type"):
        case "cancel_order":
            return bool(order.get("cancelled_date"))
        case "add_tracking" | "cancel_tracking" as kind:
            found = _objects(order.get("trackings"))
            mine = [each for each in found if _identified(mutation.get("tracking") or {}, each)]
            return any(kind == "add_tracking" or each.get("cancelled_date") for each in mine)
    return False


def _identified(sent: dict[str, Any], found: dict[str, Any]) -> bool:
    """Tell whether two trackings are the same: by courier and number, else by reference."""
    names = ["courier", "tracking_number"]
    if any(sent.get(name) is None for name in names):
        names = ["external_reference"]
    return all(sent.get(n) is not None and _same(sent[n], found.get(n)) for n in names)


def _same(sent: object, found: object) -> bool:
    if isinstance(sent, dict):
        return isinstance(found, dict) and all(
            _same(value, found.get(key)) for key, value in sent.items()
        )
    if isinstance(sent, list):
        return (
            isinstance(found, list)
            and len(sent) == len(found)
            and all(_same(one, other) for one, other in zip(sent, found, strict=True))
        )
    return sent == found or _normal(sent) == _normal(found)


def _normal(value: object) -> object:
    """Bring numbers and moments to one form: the API may write 12.5 for 12.50.

    >>> _normal("12.50") == _normal(12.5), _normal("0123") == _normal("123")
    (True, False)
    """
    if isinstance(value, bool):
        return value
    text = str(value)
    if _NUMBER(text):
        digits = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if digits == "-0" else digits
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.timestamp() if moment.tzinfo else text
