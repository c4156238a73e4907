"""What a plan would do with each order, as the page and the terminal say it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.report.summary import counted
from pipeline.report.visible import visible

_SHOWN = 5  # changed orders that a terminal lists
_FIELDS_SHOWN = 6
_WORDS = {"+": "new", "~": "changed", "=": "unchanged", "!": "held back", ".": "not sent"}
_AGAIN = "sent again: it was not confirmed as a whole the last time"
_UNKNOWN = "fields not known: told by an older version, or by a run that has not ended"


@dataclass(frozen=True, slots=True)
class ForetoldRow:
    """One order: its sign, the word for it, its number, what changes, where it stands."""

    sign: str
    word: str
    order_number: str
    what: str
    place: str


@dataclass(frozen=True, slots=True)
class ForetoldTable:
    """The section of a plan's page."""

    lead: str
    caution: str
    fields: tuple[tuple[str, str], ...]
    rows: tuple[ForetoldRow, ...]
    more: str


def lay_out_foretold(facts: Mapping[str, Any] | None) -> ForetoldTable | None:
    """The section; None for what is no plan."""
    if not facts:
        return None
    symbols = facts["symbols"]
    listed = facts["orders"]
    ahead = sum(symbols.get(sign, 0) for sign in "+~!")
    return ForetoldTable(
        lead=", ".join(f"{symbols[sign]:,} {word}" for sign, word in _WORDS.items() if symbols.get(sign)),
        caution=caution_words(facts),
        fields=tuple((visible(name), f"{number:,}") for name, number in facts["fields"].items()),
        rows=tuple(
            ForetoldRow(each["what"], _WORDS[each["what"]], visible(each["order_number"] or ""),
                        what_changes(each), visible(each["place"]))
            for each in listed
        ),
        more=f"and {ahead - len(listed):,} more in plan.jsonl.gz" if ahead > len(listed) else "",
    )  # fmt: skip


def what_changes(order: Mapping[str, Any]) -> str:
    """What an order would say that it did not say before."""
    changes = [visible(each) for each in order["changes"] or ()]
    if order["what"] == "!":
        return str(order["code"] or "")
    if order["what"] != "~":
        return ", ".join(changes)
    if order["fields"] is None:
        return ", ".join([*changes, _UNKNOWN])
    return ", ".join([*map(visible, order["fields"]), *changes]) or _AGAIN


def caution_words(facts: Mapping[str, Any]) -> str:
    """What a person should think about before it is sent; "" for nothing."""
    old, days = facts["old_with_address"], facts["old_days"]
    if not old or facts.get("backfill"):  # of a backfill more is said elsewhere
        return ""
    is_are, it_they = ("is", "this customer") if old == 1 else ("are", "these customers")
    have = "has" if old == 1 else "have"
    return (
        f"{counted(old, 'order')} {is_are} older than {days} days and {have} an e-mail address; "
        f"parcelLab may write to {it_they}: import orders of the past with `--backfill`"
    )


def terminal_lines(facts: Mapping[str, Any] | None) -> list[str]:
    """The first changed orders with their fields, and the caution, below the counts of a plan."""
    if not facts:
        return []
    changed = [each for each in facts["orders"] if each["what"] == "~"]
    lines = [
        f"  ~ {visible(each['order_number'])}  {_cut(what_changes(each))}"
        for each in changed[:_SHOWN]
    ]
    more = facts["symbols"].get("~", 0) - len(changed[:_SHOWN])
    if more > 0:
        most = ", ".join(
            f"{visible(name)} {number:,}"
            for name, number in list(facts["fields"].items())[:_FIELDS_SHOWN]
        )
        lines.append(f"  ~ and {more:,} more" + (f"; most changed: {most}" if most else ""))
    caution = caution_words(facts)
    return [*lines, f"! caution: {caution}"] if caution else lines


def _cut(text: str) -> str:
    parts = text.split(", ")
    return (
        text
        if len(parts) <= _FIELDS_SHOWN
        else ", ".join(parts[:_FIELDS_SHOWN]) + f" and {len(parts) - _FIELDS_SHOWN} more"
    )


def as_document(facts: Mapping[str, Any]) -> dict[str, object]:
    """The gist for programs; every order stands in plan.jsonl.gz."""
    return {name: facts[name] for name in ("symbols", "fields", "unknown_fields", "old_with_address")} | {
        "caution": caution_words(facts) or None, "orders": "plan.jsonl.gz",
    }  # fmt: skip
