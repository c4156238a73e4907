"""Whether the files of tonight are like those of the nights before, judged before anything is sent.

A source is what one mapping reads under one name; what differs from night to night (days, times,
numbers) is left out of the name. Each finished run adds a night to its sources. Runs of a choice of
orders, of the past or of corrected rows are no night: they are neither judged nor learned.

The limits are wide on purpose: an alarm that comes without need is switched off, and then it does
not come when it is needed.
"""

import hashlib
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.ledger import Ledger, SourceNight
from pipeline.mapping.plan import numbered
from pipeline.model.rules import RULES
from pipeline.report.summary import counted
from pipeline.run.oddity import Oddity
from pipeline.run.prepare import OLD, Foresight
from pipeline.run.request import LEAST_ROWS, Options
from pipeline.run.source import Job
from pipeline.run.spool import Spooled

NIGHTS_OF_A_DAY = 3  # nights of the same day of the week that are enough to compare with them alone
NIGHTS_COMPARED = 8  # the last nights that say how many rows are usual
NIGHTS_FOR_A_DROP = 3  # before that many nights nobody knows what is usual
NIGHTS_FOR_COLUMNS = 3
NIGHTS_FOR_RANGES = 5
NIGHTS_OF_A_RANGE = 20  # the last nights that say between what a share lies
LEAST_ORDERS = 50  # orders from which on a share says something
# Of the smallest and of the largest night, unless these are so far apart that more is usual.
ROWS_BELOW, ROWS_ABOVE = 0.65, 2.0
SHARE_BEYOND = 0.2  # beyond the smallest and the largest share; more for few orders, see `_margin`
NAMES_SHOWN = 10
OLD_ORDERS = 20  # new orders of long ago from which on they are worth a word in the report
_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")

Nights = Mapping[str, Sequence[SourceNight]]  # by source


@dataclass(frozen=True, slots=True)
class Seen:
    """A source of this run; `file` is the ordinal of its first file."""

    mapping: str
    source: str
    file: int
    night: SourceNight

    def plain(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {"mapping": self.mapping, "source": self.source, "night": self.night.plain()}


@dataclass(frozen=True, slots=True)
class Volume:
    """How many rows a source has, and how many it usually has: the median of `nights` runs.

    `days` says which ones, where only those of the same day of the week are meant. With `fewest` it
    is the smallest of them instead.
    """

    source: str
    rows: int
    usual: float
    nights: int
    days: str
    fewest: bool = False

    @property
    def drop(self) -> float:
        """The share of the usual rows that is missing."""
        return max(0.0, 1 - self.rows / self.usual) if self.usual else 0.0

    @property
    def words(self) -> str:
        """Say it in words.

        >>> Volume("orders_#.csv", 120, 1010.0, 8, "").words
        'orders_#.csv has 120 rows, usually 1,010 (median of its last 8 runs)'
        """
        of = f"{self.nights} {self.days}" if self.days else f"{self.nights} runs"
        usually = (
            f"usually at least {self.usual:,.0f} (in its"
            if self.fewest
            else (f"usually {self.usual:,.0f} (median of its")
        )
        return f"{self.source} has {counted(self.rows, 'row')}, {usually} last {of})"


def source_name(file: str) -> str:
    """Give the name of a file without what differs from night to night.

    >>> source_name("orders_DE_20261120.csv"), source_name("wms-2026-11-20T02-05.csv.gz")
    ('orders_DE_#.csv', 'wms-#.csv.gz')
    >>> source_name("orders.csv"), source_name("2f9a77c1.txt")
    ('orders.csv', '#.txt')
    """
    parts = re.split(r"([^\w]|_)", file)
    shown = "".join("#" if any(map(str.isdigit, part)) else part for part in parts)
    return re.sub(r"#(?:(?:[^\w]|_)#)+", "#", shown)


def sources(
    jobs: Sequence[Job], spooled: Spooled, orders: Mapping[str, int],
    countries: Mapping[str, Mapping[str, int]], at: datetime,
) -> list[Seen]:  # fmt: skip
    """Put together what a run has seen of each source.

    `orders` and `countries` count the orders by the ordinal of the file, as text, with their first
    row, and by alpha-3 code of their destination.
    """
    found = []
    for job in jobs:
        files: dict[str, list[int]] = {}
        for file, _ in job.files:
            if file.index in spooled.failed:  # it would count as a night without rows
                continue
            files.setdefault(_source_of(job, file.index, file.name), []).append(file.index)
        for source, indexes in files.items():
            hashes = sorted(file.sha256 for file, _ in job.files if file.index in indexes)
            night = SourceNight(
                at=at,
                files=hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:16],
                rows=sum(spooled.records.get(index, 0) for index in indexes),
                orders=sum(orders.get(str(index), 0) for index in indexes),
                columns=tuple(dict.fromkeys(c for i in indexes for c in _steady(job, i))),
                empty=_empty(spooled, indexes),
                countries=_summed([countries.get(str(index), {}) for index in indexes]),
            )
            found.append(Seen(job.plan.name, source, indexes[0], night))
    return found


def _steady(job: Job, file: int) -> list[str]:
    """The columns of a file, without numbered ones: these go as far as its largest row needs."""
    pieces = job.plan.pieces
    patterns = [each.source for each in pieces.columns] if pieces and pieces.numbered else []
    header = job.headers.get(file, ())
    loose = {column for pattern in patterns for column in numbered(pattern, header).values()}
    return [column for column in header if column not in loose]


def _source_of(job: Job, index: int, name: str) -> str:
    """The name of the file; for EDI who sent it, since such files are often called anything."""
    reading = job.readings.get(index)
    senders = [each.sender for each in reading.envelopes.interchanges] if reading else []
    return senders[0] if senders else source_name(name)


def _empty(spooled: Spooled, indexes: Sequence[int]) -> dict[str, float]:
    rows = sum(spooled.read.get(index, 0) for index in indexes)
    counts = _summed([spooled.empty.get(index, {}) for index in indexes])
    return {column: round(count / rows, 4) for column, count in counts.items()} if rows else {}


def _summed(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    names = dict.fromkeys(name for each in counts for name in each)
    return {name: sum(each.get(name, 0) for each in counts) for name in names}


# -- how many rows ---------------------------------------------------------------------------------


def volumes(seen: Sequence[Seen], before: Callable[[str], Nights], zone: str) -> list[Volume]:
    """Say of each source that is known long enough how many rows it usually has."""
    made = []
    for each in seen:
        nights = _earlier(each, before)
        if len(nights) < NIGHTS_FOR_A_DROP:
            continue
        made.append(_volume(each, nights, zone))
    return made


def _volume(seen: Seen, nights: Sequence[SourceNight], zone: str) -> Volume:
    rows = seen.night.rows
    last = nights[-NIGHTS_COMPARED:]
    if len({_day(night.at, zone) for night in last}) * 2 <= len(last):
        # several runs a day: at which hours a source rests is not known
        return Volume(seen.source, rows, min(n.rows for n in nights), len(nights), "", fewest=True)
    every = [night.rows for night in last]
    same = _same_weekday(seen, nights, zone)
    # one or two Sundays with few rows are no proof, but reason enough not to stop the next one
    alone = len(same) >= NIGHTS_OF_A_DAY or (bool(same) and median(same) < median(every))
    taken = same if alone else every
    days = _DAYS[_day(seen.night.at, zone).weekday()] if alone else ""
    return Volume(seen.source, rows, float(median(taken)), len(taken), days)


def _same_weekday(seen: Seen, nights: Sequence[SourceNight], zone: str) -> list[int]:
    """The rows of the last nights of the same day of the week, in other weeks."""
    tonight = _day(seen.night.at, zone)
    days = [(_day(night.at, zone), night.rows) for night in nights]
    same = [n for day, n in days if day != tonight and day.weekday() == tonight.weekday()]
    return same[-NIGHTS_COMPARED:]


def _earlier(seen: Seen, before: Callable[[str], Nights]) -> list[SourceNight]:
    """The nights of a source before this one; the same files are not compared with themselves."""
    nights = before(seen.mapping).get(seen.source, ())
    return [each for each in nights if each.files != seen.night.files and each.at <= seen.night.at]


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


# -- what is unlike --------------------------------------------------------------------------------


def oddities(seen: Sequence[Seen], before: Callable[[str], Nights], zone: str) -> list[Oddity]:
    """Name what is unlike the nights before: columns, empty cells, number of rows, countries."""
    found = []
    for each in seen:
        nights = _earlier(each, before)
        found += _columns(each, nights)
        found += _cells(each, nights)
        found += _rows(each, nights, zone)
        found += _countries(each, nights)
    return found


def _columns(seen: Seen, nights: Sequence[SourceNight]) -> list[Oddity]:
    if len(nights) < NIGHTS_FOR_COLUMNS or not (seen.night.columns and nights[-1].columns):
        return []
    now, then = seen.night.columns, nights[-1].columns
    pairs = (("D101", now, then), ("D102", then, now))
    return [
        Oddity(code, seen.source, seen.file, _listed(names))
        for code, some, others in pairs
        if (names := [name for name in some if name not in others])
    ]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _cells(seen: Seen, nights: Sequence[SourceNight]) -> list[Oddity]:
    found = []
    for column, share in seen.night.empty.items():
        # a column that the mapping has read only for some nights is learned first
        then = [n.empty[column] for n in _weighty(nights) if column in n.empty]
        usual = _beyond(share, then, seen.night.orders)
        if usual:
            says = f"column {column}: empty in {_percent(share)} of the rows, usually in {usual}"
            found.append(Oddity("D103", seen.source, seen.file, says, column))
    return found


def _countries(seen: Seen, nights: Sequence[SourceNight]) -> list[Oddity]:
    now = _shares(seen.night.countries)
    then = [_shares(n.countries) for n in _weighty(nights) if n.countries]
    orders = sum(seen.night.countries.values())
    codes = dict.fromkeys([*now, *(code for each in then for code in each)])
    said = [
        f"{code} is the destination of {_percent(now.get(code, 0.0))} of the orders, usually of {usual}"
        for code in codes
        if (usual := _beyond(now.get(code, 0.0), [n.get(code, 0.0) for n in then], orders))
    ]
    return [Oddity("D105", seen.source, seen.file, "; ".join(said))] if said else []


def _rows(seen: Seen, nights: Sequence[SourceNight], zone: str) -> list[Oddity]:
    """Of nights of the same day of the week where there are some, else of all of many."""
    same = _same_weekday(seen, nights, zone)
    rows = same if len(same) >= NIGHTS_FOR_RANGES else [n.rows for n in nights][-NIGHTS_OF_A_RANGE:]
    if rows is not same and len(rows) < NIGHTS_COMPARED:
        return []
    least, most = min(rows), max(rows)
    spread = (most - least) / 2
    low = least - max((1 - ROWS_BELOW) * least, spread)
    high = most + max((ROWS_ABOVE - 1) * most, spread)
    if median(rows) < LEAST_ROWS or low <= seen.night.rows <= high:
        return []
    says = f"{seen.night.rows:,} rows, usually {_range(f'{least:,}', f'{most:,}')}"
    return [Oddity("D104", seen.source, seen.file, says)]


def _weighty(nights: Sequence[SourceNight]) -> list[SourceNight]:
    """The last nights with so many orders that a share says something."""
    return [n for n in nights if n.orders >= LEAST_ORDERS][-NIGHTS_OF_A_RANGE:]


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    whole = sum(counts.values())
    return {name: count / whole for name, count in counts.items()} if whole else {}


def _beyond(share: float, then: Collection[float], orders: int) -> str:
    """Give the usual range in words where a share is far outside of it, else ""."""
    if len(then) < NIGHTS_FOR_RANGES or orders < LEAST_ORDERS:
        return ""
    if min(then) - _margin(orders) <= share <= max(then) + _margin(orders):
        return ""
    return _range(_percent(min(then)), _percent(max(then)))


def _margin(orders: int) -> float:
    """How far a share may go: 20 points, and five standard errors at most for fewer than 156 orders.

    The standard error of a share of n orders is at most 0.5 / √n.
    """
    return max(SHARE_BEYOND, 2.5 / math.sqrt(orders))


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%"


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


# -- all of it -------------------------------------------------------------------------------------


def compared(
    jobs: Sequence[Job], spooled: Spooled, seen: Foresight, before: Callable[[str], Nights],
    options: Options, *, zone: str, at: datetime, retry: bool,
) -> tuple[list[Seen], list[Oddity]]:  # fmt: skip
    """Compare a run with the nights before; gives what is to be learned of it, and what is odd.

    What it says goes into `seen`, too. A choice of orders, a backfill and a retry are no night.
    """
    before = cache(before)
    found: list[Oddity] = []
    tonight: list[Seen] = []
    if not (retry or options.backfill or options.chosen_by):
        tonight = sources(jobs, spooled, seen.orders_of, seen.countries, at)
        seen.volumes = [asdict(each) for each in volumes(tonight, before, zone)]
        found = oddities(tonight, before, zone) if options.drift != "off" else []
        seen.unlike = [
            f"{each.source}: {RULES[each.code].title.lower()}: {each.says} [{each.code}]"
            for each in found
        ]
    if sum(seen.old.values()) >= OLD_ORDERS and options.old_orders != "off":
        found += [
            Oddity("D106", "", int(file), f"{counted(number, 'new order')} of this file to send "
                   f"{'is' if number == 1 else 'are'} older than {OLD.days} days and "
                   f"{'carries' if number == 1 else 'carry'} an e-mail address")
            for file, number in sorted(seen.old.items(), key=lambda each: int(each[0]))
        ]  # fmt: skip
    return tonight, found


def learned(ledger: Ledger, run_id: str, facts: Mapping[str, Any]) -> None:
    """Add the night of a run that has finished to what is known of its sources."""
    record = ledger.run(run_id)
    if record is None:
        return
    for each in facts.get("sources", ()):
        night = SourceNight.of(each["night"])
        ledger.learn_source(record.endpoint, each["mapping"], each["source"], night)
