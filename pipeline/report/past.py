"""What the page says of the nights before: badges, what is still missing, the trend."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.model.rules import RULES
from pipeline.report.causes import Causes
from pipeline.report.history import (
    History,
    Night,
    NightState,
    Phase,
    Resolved,
    StillMissing,
    length,
)
from pipeline.report.pieces import Subject, breakable
from pipeline.report.summary import counted, missing_words
from pipeline.report.text import short_day
from pipeline.report.visible import WORDS_CUT, visible

LISTED = 100  # orders that are still missing
RESOLVED_LISTED = 50
GONE_LISTED = 20

# The trend is drawn in units of about a pixel of a narrow phone.
SLOT, BAR, HEIGHT, TOP, FOOT = 28, 18, 64, 14, 26

_TONES = {Phase.NEW: "new", Phase.AGAIN: "again", Phase.BACK: "back"}


@dataclass(frozen=True, slots=True)
class Badge:
    """How long a cause has been there."""

    words: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A night of the trend; its number stands over the bar, its day below it."""

    x: int
    y: int
    height: int
    tone: str
    number: str
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The last nights as a drawing of `width` × `height` with all it shows in words."""

    width: int
    height: int
    base: int
    bars: tuple[Bar, ...]
    lead: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The part of the page about other nights; `title` and `amount` are its heading."""

    trend: Trend | None
    lead: str
    missing: tuple[tuple[str, str, str, str, str], ...]
    missing_more: str
    resolved: tuple[tuple[str, str, str], ...]
    resolved_title: str
    resolved_more: str
    gone: tuple[tuple[str, Subject, str, str], ...]
    gone_title: str


def badges(causes: Causes, history: History | None) -> Mapping[str, Badge]:
    """Give the badge of each cause, by its anchor."""
    if history is None:
        return {}
    known = ((each.anchor, history.lifecycles.get(each.key)) for each in causes.ranked)
    return {anchor: Badge(life.words, _TONES[life.phase]) for anchor, life in known if life}


def lay_out_past(history: History | None) -> Past | None:
    """Write what is to be said of other nights; None where there is nothing."""
    if history is None:
        return None
    past = Past(
        trend=_trend(history) if len(history.trend) > 1 else None,
        lead=missing_words(history),
        missing=tuple(_missing(each) for each in history.missing[:LISTED]),
        missing_more=_more(len(history.missing) - LISTED),
        resolved=tuple(_resolved(each) for each in history.resolved[:RESOLVED_LISTED]),
        resolved_title=f"{counted(len(history.resolved), 'order')} resolved since the last run",
        resolved_more=_more(len(history.resolved) - RESOLVED_LISTED),
        gone=tuple(
            (
                RULES[each.code].title if each.code in RULES else visible(each.code),
                Subject(each.column, breakable(each.target if each.target != each.column else "")),
                each.code,
                f"{counted(each.rows, 'row')} in {counted(each.orders, 'order')}"
                if each.rows
                else counted(each.orders, "order"),
            )
            for each in history.gone[:GONE_LISTED]
        ),
        gone_title=_gone_title(history),
    )
    told = past.trend or past.missing or past.resolved or past.gone
    return past if told else None


def _missing(each: StillMissing) -> tuple[str, str, str, str, str]:
    return (
        visible(each.order_number),
        f"since {short_day(each.since)}",
        length(each.nights),
        f"{RULES[each.code].title} [{each.code}]" if each.code in RULES else visible(each.code),
        "again in these files" if each.again else "not in these files",
    )


def _resolved(each: Resolved) -> tuple[str, str, str]:
    how = "arrived" if each.arrived else f"closed: {visible(each.reason, limit=WORDS_CUT)}"
    return visible(each.order_number), f"missing since {short_day(each.since)}", how


def _gone_title(history: History) -> str:
    if not history.gone or history.before is None:
        return ""
    return (
        f"{counted(len(history.gone), 'cause')} of {short_day(history.before)} not there any more"
    )


def _more(number: int) -> str:
    return (
        f"and {number:,} more; `pipeline open-items list` lists all that are open"
        if number > 0
        else ""
    )


# -- the trend -------------------------------------------------------------------------------


def _trend(history: History) -> Trend:
    peak = max((each.not_arrived for each in history.trend), default=0)
    return Trend(
        width=SLOT * len(history.trend),
        height=TOP + HEIGHT + FOOT,
        base=TOP + HEIGHT,
        bars=tuple(_bar(at, each, peak) for at, each in enumerate(history.trend)),
        lead=_lead(history.trend),
        text="; ".join(_night_words(each) for each in history.trend),
    )


def _bar(at: int, night: Night, peak: int) -> Bar:
    tone = {
        NightState.RUN: "bad" if night.not_arrived else "good",
        NightState.UNREPORTED: "unknown",
        NightState.NO_RUN: "none",
        NightState.UNSCHEDULED: "off",
    }[night.state]
    height = {"bad": 0, "good": 3, "unknown": HEIGHT, "none": HEIGHT, "off": 0}[tone]
    if tone == "bad":
        height = max(4, night.not_arrived * HEIGHT // peak)
    return Bar(
        x=at * SLOT + (SLOT - BAR) // 2,
        y=TOP + HEIGHT - height,
        height=height,
        tone=tone,
        number=compact(night.not_arrived) if night.state is NightState.RUN else "",
        day=str(night.day.day),
    )


def _lead(trend: Iterable[Night]) -> str:
    nights = list(trend)
    tonight = nights[-1]
    words = f"Orders that did not arrive: {tonight.not_arrived:,} of {tonight.orders:,} this night"
    before = [each.not_arrived for each in nights[:-1] if each.state is NightState.RUN]
    if before:
        low, high = min(before), max(before)
        words += (
            f", {low:,} to {high:,} on the nights before"
            if low != high
            else f", {low:,} on the nights before"
        )
    silent = [each.day for each in nights if each.state is NightState.NO_RUN]
    if silent:
        listed = ", ".join(short_day(day) for day in silent[-3:])
        more = f"{len(silent) - 3:,} more nights and " if len(silent) > 3 else ""
        words += f". No run on {more}{listed}"
    return f"{words}."


def _night_words(night: Night) -> str:
    said = {
        NightState.RUN: f"{night.not_arrived:,} of {counted(night.orders, 'order')} did not arrive",
        NightState.UNREPORTED: "a run without a report",
        NightState.NO_RUN: "no run",
        NightState.UNSCHEDULED: "none expected",
    }[night.state]
    return f"{short_day(night.day)}: {said}"


def compact(number: int) -> str:
    """Write a number in at most four characters.

    >>> compact(0), compact(999), compact(1204), compact(12400), compact(2_500_000)
    ('0', '999', '1.2k', '12k', '2.5M')
    """
    for unit, sign in ((1_000_000, "M"), (1000, "k")):
        if number >= unit:
            return f"{number / unit:.1f}{sign}" if number < 10 * unit else f"{number // unit}{sign}"
    return str(number)
