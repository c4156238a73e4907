"""On which nights a run is expected."""

from dataclasses import dataclass
from datetime import date, datetime, time

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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
