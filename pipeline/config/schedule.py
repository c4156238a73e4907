"""The section [schedule]: on which nights a run is expected, so that the index can name a missed one."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import TypeVar

from pipeline.config.document import Document
from pipeline.config.nouns import (
    PRODUCTION,
    SHOWN_MAX,
    BadConfig,
    Unfit,
    did_you_mean,
    where_it_belongs,
)
from pipeline.config.readers import as_text, as_words
from pipeline.model.schedule import Schedule, UnknownDay, weekdays

SECTION = "schedule"

KEYS_OF_SCHEDULE: Mapping[str, str] = {
    "profile": "the profile whose runs are expected",
    "days": 'nights with a run: "daily", "mon-fri", or a list such as ["mon", "wed"]',
    "by": 'time by which a run has begun, such as "06:00", in `timezone`',
    "mappings": "names of mappings of which each is expected; without it one run is enough",
    "skip": 'nights without a run, such as ["2026-12-25"]',
}

T = TypeVar("T")


def read_schedule(document: Document) -> Schedule | None:
    """Read the section; None where there is none.

    Raises:
        BadConfig: with the place of the first mistake.
    """
    table = document.data.get(SECTION)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise BadConfig(
            f"{SECTION} is not a section", help=f"write [{SECTION}]", code="C101",
            place=document.place(SECTION),
        )  # fmt: skip
    for name in table:
        if name not in KEYS_OF_SCHEDULE:
            near = did_you_mean(name, KEYS_OF_SCHEDULE)
            raise BadConfig(
                f"unknown key {name} in [{SECTION}]",
                help=where_it_belongs(name, table[name])
                or near
                or f"known are: {', '.join(sorted(KEYS_OF_SCHEDULE))}",
                code="C102",
                place=document.place(SECTION, name),
            )

    def get(name: str, read: Callable[[object], T], default: T) -> T:
        if name not in table:
            return default
        try:
            return read(table[name])
        except ValueError as error:
            shown = str(table[name])[:SHOWN_MAX]
            raise BadConfig(
                f"'{shown}' {Unfit.words(error, f'{name} of [{SECTION}]')}",
                help=f"{name}: {KEYS_OF_SCHEDULE[name]}",
                code="C101",
                place=document.place(SECTION, name),
            ) from None

    return Schedule(
        profile=get("profile", as_text, PRODUCTION),
        days=get("days", _as_days, frozenset(range(7))),
        by=get("by", _as_time, None),
        mappings=get("mappings", as_words, ()),
        skip=get("skip", _as_dates, frozenset()),
    )


def _as_days(value: object) -> frozenset[int]:
    try:
        found = weekdays(as_words(value))
    except UnknownDay as unknown:
        raise Unfit(f"has an {unknown}; {unknown.hint}") from None
    if not found:
        raise Unfit("names no day")
    return found


def _as_time(value: object) -> time | None:
    if isinstance(value, time):
        return value
    text = as_text(value)
    if not re.fullmatch(r"\d{2}:\d{2}", text):
        raise Unfit("is not a time such as 06:00")
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Unfit("is not a time such as 06:00") from None


def _as_dates(value: object) -> frozenset[date]:
    if not isinstance(value, list):
        raise Unfit("is not a list of dates")
    try:
        return frozenset(
            each if isinstance(each, date) and not isinstance(each, datetime)
            else date.fromisoformat(as_text(each))
            for each in value
        )  # fmt: skip
    except ValueError:
        raise Unfit("is not a list of dates such as 2026-12-25") from None
