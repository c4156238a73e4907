"""A run among its nights: how long its problems have been there, and what is still missing.

Pure: what the ledger says as of the run in, values out. A *night* is the local day on which a run
began. Runs are compared with earlier ones that used one of their mappings, so that an import of
something else neither ends a series nor counts as a night without it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from pipeline.ledger import CauseCount, Figures, OpenItem, PastRun
from pipeline.model.schedule import Schedule

TREND_NIGHTS = 14
LOOK_BACK = timedelta(days=400)  # a cause that was away for longer is new
_FINISHED = "finished"
# A run that saw much fewer orders than the night before does not show that a cause is gone.
COMPARABLE = 0.5


class Phase(StrEnum):
    """Where in its life a cause is."""

    NEW = "new"
    AGAIN = "again"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """For how many nights in a row a cause is there, since when, and how many days it was away before."""

    phase: Phase
    nights: int
    since: date
    away: int = 0

    @property
    def words(self) -> str:
        """What stands on the badge.

        >>> Lifecycle(Phase.BACK, 1, date(2026, 11, 20), away=21).words
        'back after 3 weeks'
        """
        if self.phase is Phase.NEW:
            return "new"
        if self.phase is Phase.AGAIN:
            return f"{self.nights} nights"
        return f"back after {length(self.away)}"


class NightState(StrEnum):
    """What is known of a night."""

    RUN = "run"
    UNREPORTED = "unreported"  # a run began and left no report
    NO_RUN = "no_run"
    UNSCHEDULED = "unscheduled"


@dataclass(frozen=True, slots=True)
class Night:
    """A night of the trend: the orders of its largest run, and how many of them did not arrive."""

    day: date
    state: NightState
    orders: int = 0
    not_arrived: int = 0


@dataclass(frozen=True, slots=True)
class GoneCause:
    """A cause of the night before that this night does not have; `orders` waited for it then."""

    code: str
    column: str
    target: str
    rows: int
    orders: int


@dataclass(frozen=True, slots=True)
class StillMissing:
    """An order that was missing before this night and has not arrived; `again`: this run saw it too."""

    order_number: str
    code: str
    since: date
    nights: int
    again: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """An order that is no longer missing: it arrived, or a person closed it for a reason."""

    order_number: str
    since: date
    nights: int
    arrived: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a run is compared with, as of its end.

    `lifecycles` are by `Cause.key`, and empty for a first night: there is nothing to compare with.
    `before` is the night before; None likewise. The trend ends with this night.
    """

    night: date
    before: date | None = None
    lifecycles: Mapping[str, Lifecycle] = field(default_factory=lambda: MappingProxyType({}))
    trend: tuple[Night, ...] = ()
    gone: tuple[GoneCause, ...] = ()
    missing: tuple[StillMissing, ...] = ()
    resolved: tuple[Resolved, ...] = ()

    @property
    def new_causes(self) -> int | None:
        """How many causes were never there before; None without a night to compare with."""
        if self.before is None:
            return None
        return sum(each.phase is Phase.NEW for each in self.lifecycles.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the ledger says as of the end of a run.

    `runs` are those of its endpoint, the run itself included. `causes` are those of entries: of all
    that have a cause of this run, and of `of_before` all that they have.
    """

    runs: Sequence[PastRun]
    causes: Mapping[int, Mapping[str, CauseCount]]
    open: Sequence[OpenItem] = ()
    closed: Sequence[OpenItem] = ()


@dataclass(slots=True)
class _Earlier:
    """The runs of one night that can be compared; `tells`: one of them went to its end."""

    day: date
    entries: list[int] = field(default_factory=list)
    tells: bool = False
    orders: int = 0


def local_day(moment: datetime, zone: str) -> date:
    """Give the night of a moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def length(days: int) -> str:
    """Write a number of days the way people say it.

    >>> length(1), length(13), length(21), length(75)
    ('1 night', '13 nights', '3 weeks', '2 months')
    """
    if days < 14:
        return f"{days} night{'' if days == 1 else 's'}"
    return f"{days // 7} weeks" if days < 61 else f"{days // 30} months"


def comparable(runs: Sequence[PastRun], run_id: str) -> list[PastRun]:
    """Give the runs that used one of the mappings of a run, that run included."""
    mine = next((each.mappings for each in runs if each.id == run_id), frozenset[str]())
    return [each for each in runs if each.mappings & mine or each.id == run_id]


def compared_entries(runs: Sequence[PastRun], run_id: str, zone: str) -> list[int]:
    """Give the entries of a run's own night, and of the last night before it that went to its end.

    Their causes are wanted in full: what the one has and the other has not is gone.
    """
    mine = next(each for each in runs if each.id == run_id)
    night = local_day(mine.started_at, zone)
    earlier = _earlier([each for each in comparable(runs, run_id) if each.id != run_id], zone)
    tonight = [entry for each in earlier if each.day == night for entry in each.entries]
    before = next((each for each in reversed(earlier) if each.tells and each.day < night), None)
    return tonight + (before.entries if before else [])


def tell(
    run_id: str,
    started_at: datetime,
    zone: str,
    causes: Mapping[str, str],
    past: Past,
    *,
    complete: bool,
    schedule: Schedule | None = None,
) -> History:
    """Set a run among its nights.

    Args:
        run_id: the run.
        started_at: when it began.
        zone: IANA zone of the reports.
        causes: `Cause.key` by its name in the ledger, for every cause of the run.
        past: what the ledger says as of the end of the run.
        complete: it went to its end with all of its orders, so that what it has not is gone.
        schedule: on which nights a run is expected, if anybody said so.
    """
    night = local_day(started_at, zone)
    runs = comparable(past.runs, run_id)
    nights = _earlier([each for each in runs if each.id != run_id], zone)
    before = next((each for each in reversed(nights) if each.tells and each.day < night), None)
    days = {each.id: local_day(each.started_at, zone) for each in past.runs}
    open_again = {item.order_number for item in past.open}

    def since(item: OpenItem) -> date:
        return days.get(item.opened_run) or local_day(item.opened_at, zone)

    return History(
        night=night,
        before=before.day if before else None,
        lifecycles=_lifecycles(night, causes, nights, past.causes) if before else {},
        trend=_trend(night, runs, zone, schedule),
        gone=_gone(before, nights, night, causes, past, run_id) if before and complete else (),
        missing=tuple(
            StillMissing(
                item.order_number, item.code, since(item), (night - since(item)).days,
                item.last_run == run_id,
            )
            for item in past.open
            if since(item) < night
        ),
        resolved=tuple(
            Resolved(
                item.order_number, since(item), (night - since(item)).days,
                item.closed_run is not None, "" if item.closed_run else item.reason or "",
            )
            for item in past.closed
            if item.order_number not in open_again  # closed by hand, and missing once more
        ),
    )  # fmt: skip


def _earlier(runs: Iterable[PastRun], zone: str) -> list[_Earlier]:
    """Put runs with a report together by night, oldest first."""
    nights: dict[date, _Earlier] = {}
    for run in runs:
        # a retry has a few rows of a night: what it has not is not gone
        if run.entry is None or run.figures is None or run.retry:
            continue
        day = local_day(run.started_at, zone)
        night = nights.setdefault(day, _Earlier(day))
        night.entries.append(run.entry)
        night.tells |= run.figures.state == _FINISHED
        night.orders = max(night.orders, run.figures.orders)
    return [nights[day] for day in sorted(nights)]


def _lifecycles(
    night: date,
    causes: Mapping[str, str],
    nights: Sequence[_Earlier],
    seen: Mapping[int, Mapping[str, CauseCount]],
) -> dict[str, Lifecycle]:
    there = [
        (each, {name for entry in each.entries for name in seen.get(entry, ())})
        for each in reversed(nights)
        if each.day < night
    ]
    return {key: _lifecycle(night, name, there) for name, key in causes.items()}


def _lifecycle(night: date, name: str, there: Iterable[tuple[_Earlier, set[str]]]) -> Lifecycle:
    """Follow a cause back; a night that did not go to its end proves nothing by not having it."""
    row, since, away = 1, night, False
    for each, causes in there:
        if name in causes and not away:
            row, since = row + 1, each.day
        elif name in causes:
            return Lifecycle(Phase.BACK, 1, night, (night - each.day).days)
        elif each.tells and row > 1:
            break
        else:
            away = away or each.tells
    return Lifecycle(Phase.AGAIN if row > 1 else Phase.NEW, row, since)


def _trend(
    night: date, runs: Sequence[PastRun], zone: str, schedule: Schedule | None
) -> tuple[Night, ...]:
    by_day: dict[date, list[PastRun]] = defaultdict(list)
    for run in runs:
        day = local_day(run.started_at, zone)
        if not run.retry or day == night:  # some rows of a night are no night
            by_day[day].append(run)
    first = max(night - timedelta(days=TREND_NIGHTS - 1), min(by_day, default=night))
    days = [first + timedelta(days=number) for number in range((night - first).days + 1)]
    return tuple(_night(day, by_day.get(day, []), schedule) for day in days)


def _night(day: date, runs: Sequence[PastRun], schedule: Schedule | None) -> Night:
    """Count a night by the largest run of each export: a repeated or corrected file is no new one."""
    if not runs:
        off = schedule is not None and not schedule.expects(day)
        return Night(day, NightState.UNSCHEDULED if off else NightState.NO_RUN)
    largest: dict[frozenset[str], Figures] = {}
    for run in runs:
        known = largest.get(run.mappings)
        if run.figures and (known is None or run.figures.orders >= known.orders):
            largest[run.mappings] = run.figures
    if not largest:
        return Night(day, NightState.UNREPORTED)
    return Night(
        day,
        NightState.RUN,
        sum(each.orders for each in largest.values()),
        sum(each.missing + each.out_of_date + each.unclear for each in largest.values()),
    )


def _gone(
    before: _Earlier,
    nights: Sequence[_Earlier],
    night: date,
    causes: Mapping[str, str],
    past: Past,
    run_id: str,
) -> tuple[GoneCause, ...]:
    tonight = next((each for each in nights if each.day == night), _Earlier(night))
    mine = next((each.figures for each in past.runs if each.id == run_id), None)
    orders = max(tonight.orders, mine.orders if mine else 0)
    if orders < before.orders * COMPARABLE:
        return ()
    there = {*causes, *(name for entry in tonight.entries for name in past.causes.get(entry, ()))}
    found: dict[str, CauseCount] = {}
    for entry in before.entries:
        found |= {
            name: each
            for name, each in past.causes.get(entry, {}).items()
            if name not in there and each.code
        }
    ranked = sorted(
        found.values(), key=lambda each: (-each.orders, -each.rows, each.code, each.cause)
    )
    return tuple(GoneCause(e.code, e.column, e.target, e.rows, e.orders) for e in ranked)
