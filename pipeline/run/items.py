"""Open items: the orders that wait to arrive, listed, and closed by a person for a reason."""

import difflib
from collections.abc import Sequence

from pipeline.config import Settings
from pipeline.ledger import Ledger, OpenItem
from pipeline.model.stops import StopRun
from pipeline.run.clock import clock
from pipeline.run.index import write_index
from pipeline.run.look import no_ledger

_REASON_MAX = 500
_NAMED = 3  # unknown order numbers that a message names


class ItemUnknown(StopRun):
    """An order number is no open item, or there is no reason (exit 2)."""

    exit_code = 2


def open_items(settings: Settings) -> list[OpenItem]:
    """Give the open items of the profile's account, the oldest first."""
    if no_ledger(settings):
        return []
    endpoint = settings.endpoint
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        known = ledger.find_endpoint(endpoint.base_url, endpoint.account)
        return [] if known is None else ledger.open_items(known)


def close_open_items(settings: Settings, order_numbers: Sequence[str], reason: str) -> int:
    """Close open items, all or none; the next report tells it with the reason. Gives how many.

    Raises:
        ItemUnknown: one of the orders is no open item, or the reason is empty or too long.
        LedgerLocked: a run is at work.
    """
    words = reason.strip()
    if not words or len(words) > _REASON_MAX:
        raise ItemUnknown(
            "the reason is empty"
            if not words
            else f"the reason is longer than {_REASON_MAX} characters",
            help="say in a few words why the order need not arrive: the next report shows it",
            code="C101",
            place="--reason",
        )
    wanted = list(dict.fromkeys(number.strip() for number in order_numbers))
    if no_ledger(settings):
        raise _unknown(settings, wanted, [])
    endpoint = settings.endpoint
    with Ledger.open(settings.ledger, clock=clock) as ledger:
        known = ledger.find_endpoint(endpoint.base_url, endpoint.account)
        there = [] if known is None else [item.order_number for item in ledger.open_items(known)]
        strange = sorted(set(wanted) - set(there), key=wanted.index)
        if known is None or strange:
            raise _unknown(settings, strange or wanted, there)
        ledger.close_items(known, wanted, words)
        write_index(settings, ledger)
    return len(wanted)


def _unknown(settings: Settings, strange: Sequence[str], there: Sequence[str]) -> ItemUnknown:
    named = ", ".join(strange[:_NAMED])
    more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
    what = "is no open item" if len(strange) == 1 else "are no open items"
    plain = {number.casefold(): number for number in there}
    near = [
        plain[each]
        for number in strange[:_NAMED]
        for each in difflib.get_close_matches(number.casefold(), plain, n=1, cutoff=0.7)
    ]
    meant = f"did you mean {', '.join(dict.fromkeys(near))}? " if near else ""
    return ItemUnknown(
        f"{named}{more} {what} of account {settings.endpoint.account}; nothing was closed",
        help=f"{meant}`pipeline open-items list` shows the {len(there):,} that are open",
        code="C138",
    )
