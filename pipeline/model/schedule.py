"""On which nights a run is expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from pipeline.model.likeness import nearest

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class UnknownDay(ValueError):  # noqa: N818 - whoever reads it gives it a place
    """A word that is no day of the week; its text says so, `hint` what was probably meant."""

    def __init__(self, word: str) -> None:
        super().__init__(f"unknown day {word}")
        near = nearest(word, WEEKDAYS)
        self.hint = f"did you mean {near}?" if near else f"days are {', '.join(WEEKDAYS)}"


def weekdays(words: Sequence[str]) -> frozenset[int]:
    """Give the days that words mean: names, ranges, or daily; 0 is Monday.

    >>> sorted(weekdays(["mon-wed", "Sat"])), len(weekdays(["daily"]))
    ([0, 1, 2, 5], 7)

    Raises:
        UnknownDay: one of them is no day.
    """
    found: set[int] = set()
    for word in words:
        if word.strip().lower() == "daily":
            found.update(range(7))
            continue
        first, _, last = (part.strip().lower() for part in word.partition("-"))
        for day in (first, last or first):
            if day not in WEEKDAYS:
                raise UnknownDay(day)
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a person expects a run; times and days are local, in the zone of the reports.

    `mappings` are expected each on its own; without any, one run of `profile` is enough.
    """

    profile: str
    days: frozenset[int]  # 0 is Monday, as `date.weekday` counts
    by: time | None = None  # a run has begun by then; None is the end of the day
    mappings: tuple[str, ...] = ()
    skip: frozenset[date] = frozenset()

    def expects(self, day: date) -> bool:
        """Whether a run belongs to that day.

        >>> weekdays = Schedule(profile="prod", days=frozenset(range(5)))
        >>> weekdays.expects(date(2026, 11, 20)), weekdays.expects(date(2026, 11, 21))
        (True, False)
        """
        return day.weekday() in self.days and day not in self.skip

    def is_over(self, day: date, now: datetime) -> bool:
        """Whether a run of that day would have begun by now; `now` is local.

        >>> early = Schedule(profile="prod", days=frozenset(range(7)), by=time(6))
        >>> early.is_over(date(2026, 11, 20), datetime(2026, 11, 20, 5, 59))
        False
        >>> early.is_over(date(2026, 11, 20), datetime(2026, 11, 20, 6))
        True
        """
        if day != now.date():
            return day < now.date()
        return self.by is not None and now.time() >= self.by
