"""All runs on one page: verdicts, nights without a run, files much smaller or larger than usual.

Pure: what the ledger says of the runs in, a laid-out page out (REPORT §8).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from pipeline.ledger import Figures, OpenCount, PastRun
from pipeline.ledger import RunState as LedgerState
from pipeline.model.schedule import Schedule
from pipeline.report.history import COMPARABLE, local_day
from pipeline.report.summary import Verdict, counted
from pipeline.report.text import duration, short_day
from pipeline.report.visible import WORDS_CUT, visible

RUNS_MAX = 400
# How a volume is judged: by the runs of the same weekday, of so many weeks.
_WEEKS, _LEAST_WEEKS, _LEAST_ROWS = 8, 3, 20
_FEW, _MANY = 0.6, 2.0
_LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_WORST = ("bad", "warn", "plan", "good")
_LONGEST_PAUSE = timedelta(days=60)  # between two nights of a schedule
_LATEST_SHOWN = 5  # exports of the last night
_WITHOUT_REPORT = {
    LedgerState.RUNNING: "NO VERDICT YET",
    LedgerState.INTERRUPTED: "BROKEN OFF, CAN RESUME",
    LedgerState.ABANDONED: "ABANDONED",
    LedgerState.NOT_SENT: "STOPPED BEFORE SENDING",
    LedgerState.FINISHED: "FINISHED",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to filter by: its name and the class of its rows."""

    mark: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run; numbers are texts, "" where there is none. `notes` are what is odd about it.

    `retry` says that it had corrected rows of a night alone.
    """

    link: str
    when: str
    run_id: str
    marks: str
    mappings: str
    profile: str
    symbol: str
    verdict: str
    tone: str
    orders: str
    arrived: str
    missing: str
    new_causes: str
    took: str
    retry: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapLine:
    """Nights on which a run was expected and none is recorded."""

    words: str
    marks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """The whole page; `lines` are newest first."""

    title: str
    tone: str
    headline: str
    details: tuple[str, ...]
    open_items: tuple[str, ...]
    mappings: tuple[Choice, ...]
    profiles: tuple[Choice, ...]
    lines: tuple[RunLine | GapLine, ...]
    shown: str
    zone: str


def lay_out_index(
    runs: Sequence[PastRun],
    links: Mapping[str, str],
    items: Sequence[OpenCount],
    *,
    zone: str,
    now: datetime,
    schedule: Schedule | None = None,
) -> IndexPage:
    """Write everything the index shows.

    Args:
        runs: newest first.
        links: where the report of a run lies, for those that have one.
        items: open items per endpoint.
        zone: IANA zone of all times.
        now: the present moment; a night that is not over yet is not missed.
        schedule: on which nights a run is expected; without it none is missed.
    """
    shown = runs[:RUNS_MAX]
    mappings = sorted({name for run in shown for name in run.mappings})
    profiles = sorted({run.profile for run in shown})
    marks = {
        (letter, name): f"{letter}{number}"
        for letter, names in (("m", mappings), ("p", profiles))
        for number, name in enumerate(names)
    }
    odd = unusual_volumes(shown, zone)
    gaps = missed_nights(shown, schedule, zone, now)
    dated: list[tuple[date, int, RunLine | GapLine]] = [
        (local_day(run.started_at, zone), number, _line(run, links, marks, odd, zone))
        for number, run in enumerate(reversed(shown))
    ]
    # above the runs of its day, where other mappings had one
    dated += [
        (days[-1], len(shown), GapLine(words=_gap_words(days, name), marks=_gap_marks(name, marks)))
        for days, name in gaps
    ]
    dated.sort(key=lambda each: each[:2], reverse=True)
    headline, tone = _headline(shown, gaps, zone, now)
    return IndexPage(
        title=f"{headline} · All runs",
        tone=tone,
        headline=headline,
        details=tuple(_night_detail(run) for run in _latest(shown, zone)[:_LATEST_SHOWN]),
        open_items=tuple(_open_words(each, zone) for each in items),
        mappings=_choices("m", mappings),
        profiles=_choices("p", profiles),
        lines=tuple(line for _, _, line in dated),
        shown=f"The latest {counted(len(shown), 'run')}" if len(shown) < len(runs) else counted(len(shown), "run"),
        zone=zone,
    )  # fmt: skip


def missed_nights(
    runs: Sequence[PastRun], schedule: Schedule | None, zone: str, now: datetime
) -> list[tuple[list[date], str]]:
    """Give nights without an expected run since the first one, neighbours together, and the mapping.

    Where none has run yet, nobody knows since when one is expected: the last such night stands for all.
    The mapping is "" where any run would have been enough.
    """
    if schedule is None:
        return []
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    there: dict[date, set[str]] = defaultdict(set)
    for run in runs:
        if run.profile == schedule.profile and not run.retry:
            there[local_day(run.started_at, zone)] |= {"", *run.mappings}
    first = min(there, default=local.date() - _LONGEST_PAUSE)
    days = [first + timedelta(days=n) for n in range((local.date() - first).days + 1)]
    expected = [day for day in days if schedule.expects(day) and schedule.is_over(day, local)]
    if not there:
        expected = expected[-1:]
    missed: list[tuple[list[date], str]] = []
    for name in schedule.mappings or ("",):
        row: list[date] = []
        for day in expected:
            if name not in there[day]:
                row.append(day)
            elif row:
                missed.append((row, name))
                row = []
        if row:
            missed.append((row, name))
    return missed


def unusual_volumes(runs: Sequence[PastRun], zone: str) -> dict[str, str]:
    """Say of runs that they read much fewer or more rows than usual on their weekday.

    The largest run of an export stands for its night: a corrected file is small on purpose.
    """
    exports: dict[tuple[int, frozenset[str]], dict[date, tuple[PastRun, Figures]]]
    exports = defaultdict(dict)
    for run in reversed(runs):
        if run.figures is None or run.retry:
            continue
        nights = exports[run.endpoint, run.mappings]
        day = local_day(run.started_at, zone)
        if day not in nights or nights[day][1].rows < run.figures.rows:
            nights[day] = (run, run.figures)
    said = {
        run.id: "no rows in the files" if run.figures.files else "no files"
        for run in runs
        if run.figures and not run.figures.rows
    }
    for nights in exports.values():
        for day, (run, figures) in nights.items():
            weeks = (day - timedelta(weeks=n) for n in range(1, _WEEKS + 1))
            words = _volume_words(
                figures.rows, [nights[week][1].rows for week in weeks if week in nights], day
            )
            if words:
                said[run.id] = words
    return said


def _volume_words(rows: int, before: Sequence[int], day: date) -> str:
    if not rows or len(before) < _LEAST_WEEKS:
        return ""
    usual = median(before)
    if max(usual, rows) < _LEAST_ROWS:
        return ""
    weekday = _LONG_DAYS[day.weekday()]
    if rows <= usual * _FEW:
        return f"{1 - rows / usual:.0%} fewer rows than usual for a {weekday}: {rows:,}, usually {usual:,.0f}"
    if rows >= usual * _MANY:
        return f"many more rows than usual for a {weekday}: {rows:,}, usually {usual:,.0f}"
    return ""


# -- words -----------------------------------------------------------------------------------


def _choices(letter: str, names: Sequence[str]) -> tuple[Choice, ...]:
    """What can be chosen; nothing where there is only one."""
    if len(names) < 2:
        return ()
    return tuple(Choice(f"{letter}{n}", visible(name)) for n, name in enumerate(names))


def _line(
    run: PastRun,
    links: Mapping[str, str],
    marks: Mapping[tuple[str, str], str],
    odd: Mapping[str, str],
    zone: str,
) -> RunLine:
    figures = run.figures
    notes = [odd[run.id]] if run.id in odd else []
    if run.stopped:
        notes.append(visible(run.stopped, limit=WORDS_CUT))
    if figures and run.state is LedgerState.ABANDONED:
        notes.append("abandoned: a newer run does its work")
    if run.state is LedgerState.RUNNING:
        notes.append("at work, or its process has ended without a word")
    return RunLine(
        link=links.get(run.id, ""),
        when=_moment(run.started_at, zone),
        run_id=visible(run.id),
        marks=" ".join(
            [*(marks["m", name] for name in sorted(run.mappings)), marks["p", run.profile]]
        ),
        mappings=", ".join(visible(name) for name in sorted(run.mappings)),
        profile=visible(run.profile),
        symbol=_symbol(run),
        verdict=_verdict(run),
        tone=_tone(run),
        orders=f"{figures.orders:,}" if figures else "",
        arrived=f"{figures.arrived:,}" if figures else "",
        missing=f"{_not_arrived(figures):,}" if figures else "",
        new_causes=""
        if figures is None or figures.new_causes is None
        else f"{figures.new_causes:,}",
        took=duration(run.ended_at - run.started_at) if run.ended_at else "",
        retry=run.retry,
        notes=tuple(notes),
    )


def _not_arrived(figures: Figures) -> int:
    return figures.missing + figures.out_of_date + figures.unclear


def _moment(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{short_day(local.date())} {local:%Y %H:%M}"


def _gap_words(days: Sequence[date], mapping: str) -> str:
    of = f" of {visible(mapping)}" if mapping else ""
    if len(days) == 1:
        return f"No run{of} recorded for {short_day(days[0])} {days[0]:%Y}"
    span = f"{short_day(days[0])} to {short_day(days[-1])} {days[-1]:%Y}"
    return f"No run{of} recorded for {len(days):,} nights, {span}"


def _gap_marks(mapping: str, marks: Mapping[tuple[str, str], str]) -> str:
    return marks.get(("m", mapping), "") if mapping else ""


def _headline(
    runs: Sequence[PastRun], gaps: Sequence[tuple[list[date], str]], zone: str, now: datetime
) -> tuple[str, str]:
    """What whoever opens the page at 8:00 has to know: tonight's run is not there, or how it went."""
    today = local_day(now, zone)
    tonight = [name for days, name in gaps if days[-1] == today]
    if tonight:
        of = f" of {visible(tonight[0])}" if tonight[0] else ""
        return f"✖ No run{of} recorded for tonight, {short_day(today)}", "bad"
    latest = _latest(runs, zone)
    if not latest and gaps:
        days, name = gaps[-1]
        return f"✖ {_gap_words(days, name)}", "bad"
    if not latest:
        return "Only retries yet" if runs else "No run yet", "quiet"
    worst = min(latest, key=lambda run: _WORST.index(_tone(run)))
    return f"{_symbol(worst)}{_verdict(worst)}: last run {_moment(worst.started_at, zone)}", _tone(
        worst
    )


def _latest(runs: Sequence[PastRun], zone: str) -> list[PastRun]:
    """The last run of each export on the last night, newest first: one of another may have failed.

    A retry never stands for its export, however it ended, nor does a run of much fewer orders than
    another one of the night.
    """
    whole = [run for run in runs if not run.retry]
    if not whole:
        return []
    night = local_day(whole[0].started_at, zone)
    exports: dict[tuple[int, frozenset[str]], list[PastRun]] = defaultdict(list)
    for run in whole:
        if local_day(run.started_at, zone) == night:
            exports[run.endpoint, run.mappings].append(run)
    return [_standing(each) for each in exports.values()]


def _standing(runs: Sequence[PastRun]) -> PastRun:
    """The newest run of an export that did not see only a part of it."""
    most = max((each.figures.orders for each in runs if each.figures), default=0)
    return next(
        each for each in runs if not each.figures or each.figures.orders >= most * COMPARABLE
    )


def _tone(run: PastRun) -> str:
    return Verdict(run.figures.verdict).tone if run.figures else "warn"


def _verdict(run: PastRun) -> str:
    return run.figures.verdict if run.figures else _WITHOUT_REPORT[run.state]


def _symbol(run: PastRun) -> str:
    return f"{Verdict(run.figures.verdict).symbol} " if run.figures else ""


def _night_detail(run: PastRun) -> str:
    names = ", ".join(visible(name) for name in sorted(run.mappings))
    of = f"{names}: " if names else ""
    if run.figures is None:
        return of + visible(run.stopped or _WITHOUT_REPORT[run.state].lower(), limit=WORDS_CUT)
    absent = _not_arrived(run.figures)
    seen = counted(run.figures.orders, "order")
    if absent:
        return f"{of}{absent:,} of {seen} did not arrive"
    return f"{of}{run.figures.arrived:,} of {seen} arrived"


def _open_words(count: OpenCount, zone: str) -> str:
    since = local_day(count.oldest, zone)
    return (
        f"{counted(count.count, 'open item')} of profile {visible(count.profile)} "
        f"(account {count.account}), the oldest since {short_day(since)} {since:%Y}"
    )
