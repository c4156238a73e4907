"""Open items: the orders that wait to arrive, listed, and closed by a person for a reason."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from pipeline.config import Settings
from pipeline.ledger import Ledger, OpenItem
from pipeline.model.stops import StopRun
from pipeline.run.clock import clock
from pipeline.run.index import renew_index
from pipeline.run.log import logged_apart
from pipeline.run.look import no_ledger
from pipeline.run.request import Events, typed

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


def close_open_items(
    settings: Settings, order_numbers: Sequence[str], reason: str, events: Events
) -> int:
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
        raise _unknown(settings, wanted, 0, "")
    endpoint = settings.endpoint
    with Ledger.open(settings.ledger, clock=clock) as ledger:
        known = ledger.find_endpoint(endpoint.base_url, endpoint.account)
        there = set() if known is None else {each.order_number for each in ledger.open_items(known)}
        strange = [number for number in wanted if number not in there]
        if known is None:
            raise _unknown(settings, wanted, 0, "")
        if strange:
            raise _unknown(settings, strange, len(there), _became(settings, ledger, known, strange))
        ledger.close_items(known, wanted, words)
        renew_index(settings, ledger, logged_apart(settings, events))
    return len(wanted)


def _became(settings: Settings, ledger: Ledger, endpoint: int, numbers: Sequence[str]) -> str:
    """What became of orders that are no open items, as far as the ledger knows."""
    shown = numbers[:_NAMED]
    items, known = ledger.latest_items(endpoint, shown), ledger.known(endpoint, shown)
    zone = ZoneInfo(settings.timezone)

    def said(number: str) -> str | None:
        item = items.get(number)
        if item is not None and item.closed_at is not None:
            day = item.closed_at.astimezone(zone).date()
            if item.closed_run is not None:
                return f"{number} arrived on {day} with run {item.closed_run}"
            return f"{number} was closed by hand on {day} ({item.reason})"
        if number in known:
            day = known[number].updated_at.astimezone(zone).date()
            return f"{number} was never missing, it arrived on {day}"
        return None

    return "; ".join(filter(None, map(said, shown)))


def _unknown(settings: Settings, strange: Sequence[str], there: int, became: str) -> ItemUnknown:
    """Say which orders are meant; never which others there are: nobody asked for these."""
    named = ", ".join(strange[:_NAMED])
    more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
    what = "is no open item" if len(strange) == 1 else "are no open items"
    command = typed(settings, "open-items", "list")
    return ItemUnknown(
        f"{named}{more} {what} of account {settings.endpoint.account}; nothing was closed"
        + (f": {became}" if became else ""),
        help=f"`{command}` shows the {there:,} that are open; numbers are compared to the letter",
        code="C138",
    )
