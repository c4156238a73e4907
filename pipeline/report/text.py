"""The report in words: what a terminal prints after a run, and how numbers and times are written."""

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pipeline.model.rules import Severity
from pipeline.report.causes import Cause
from pipeline.report.corrections import EDI_ORDERS_NAMED
from pipeline.report.facts import CorrectedFile, Correcting, RunFacts, RunState
from pipeline.report.interchanges import Claim
from pipeline.report.messages import OF_WHOLE_FILES
from pipeline.report.summary import (
    Summary,
    counted,
    extent_of,
    lifecycle_of,
    missing_words,
    subject_of,
    unlike_lines,
    whereabouts,
)
from pipeline.report.visible import WORDS_CUT, visible

TOP_CAUSES = 5
TOP_WARNINGS = 3
_APART_CUT = 100  # characters of parcelLab's words in a line
_NO_RETRY = "`pipeline run` takes both together, `pipeline retry` is refused"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def as_text(summary: Summary, report: str) -> str:
    """Write the text that stands at the end of a run (CLI §4); `report` is where the page lies."""
    causes = summary.causes.ranked
    shown = causes[:TOP_CAUSES]
    lines = [f"{summary.verdict}: {whereabouts(summary)}"]
    lines += [f"  {failure}" for failure in summary.totals.failures]
    if summary.facts.stop_reason:
        lines.append(f"  stopped: {visible(summary.facts.stop_reason, limit=WORDS_CUT)}")
    alike = Counter(map(_says, shown))
    lines += columns(
        [
            (*_line(each, apart=alike[_says(each)] > 1), lifecycle_of(summary.facts, each))
            for each in shown
        ]
    )
    if len(causes) > len(shown):
        lines.append(f"  and {counted(len(causes) - len(shown), 'more cause')} in the report")
    lines += _about_files(summary)
    lines += [f"  {each}" for each in unlike_lines(summary)[:TOP_CAUSES]]
    if summary.skipped:
        was = "was" if summary.skipped == 1 else "were"
        lines.append(
            f"  {counted(summary.skipped, 'file')} {was} imported before, and not read again [R122]"
        )
    lines += [f"  {each}" for each in summary.left_out[:TOP_CAUSES]]
    if len(summary.left_out) > TOP_CAUSES:
        lines.append(
            f"  and {counted(len(summary.left_out) - TOP_CAUSES, 'more file')} with lines left out"
        )
    lines += _warned(summary)
    earlier = missing_words(summary.facts.history) if summary.facts.history else ""
    lines += [f"  {earlier}"] if earlier else []
    lines += [f"  {visible(each, limit=WORDS_CUT)}" for each in summary.facts.checked[:TOP_CAUSES]]
    lines += [f"  {each}" for each in summary.facts.retried[:1]]
    lines += _to_correct(summary, report)
    again = send_again_line(summary)
    lines += (
        [f"Once the mapping or the account is mended, what parcelLab refused: {again}"]
        if again
        else []
    )
    lines.append(f"Report: {report}")
    return "\n".join(lines) + "\n"


def _warned(summary: Summary) -> list[str]:
    """Count the warnings, and name the most frequent; what is unlike the nights before stands above."""
    total = summary.causes.warned
    if not total:
        return []
    kinds: Counter[str] = Counter()
    for cause in summary.causes.warnings:
        if cause.severity is Severity.INFO:
            continue
        kinds[f"{cause.code} {cause.title}"] += cause.count
    for note in summary.causes.notes:
        if note.severity is not Severity.ERROR and note.code not in OF_WHOLE_FILES:
            kinds[f"{note.code} {note.title}"] += note.count
    named = [f"{kind} ({number:,})" for kind, number in kinds.most_common(TOP_WARNINGS)]
    if len(kinds) > TOP_WARNINGS:
        named.append(f"{len(kinds) - TOP_WARNINGS} more in the report")
    return [f"  {counted(total, 'warning')}{': ' if named else ''}{', '.join(named)}"]


def _to_correct(summary: Summary, report: str) -> list[str]:
    """Say what to type when the files are corrected: all at once, for an order may have rows in each."""
    if summary.facts.again:
        return [f"Correct more of the same files, or go on: {summary.facts.again}"]
    files = [each for each in summary.facts.corrected if each.kind is Correcting.ROWS]
    if summary.facts.advice:
        ready = summary.totals.orders.not_attempted
        line = f"What now: {summary.facts.advice}"
        return [line, f"  not {retry_alone(ready)}"] if files and ready else [line]
    if not files:
        return []
    folder = report.rpartition("report.html")[0] + "rejected"
    retried, beside = retry_line(summary.facts, folder), beside_edi(summary.facts)
    if not retried:
        return [f"Correct {_rows(files)}, then {beside}: {_NO_RETRY}"]
    by_retry = [each for each in files if each.units > each.edi_rows]
    line = f"Correct {_wrong(summary, by_retry) or _rows(by_retry)}, then: {retried}"
    return [line, f"  {beside}: {_NO_RETRY}"] if beside else [line]


def send_again_line(summary: Summary) -> str:
    """Give what is typed when parcelLab's reasons are mended and no row need be; "" where it took all.

    A run that can be resumed is finished first.
    """
    facts, orders = summary.facts, summary.totals.orders
    if facts.state is not RunState.FINISHED or orders.unknown or orders.not_attempted:
        return ""
    refused = orders.refused + orders.partly_applied
    return f"{facts.retry_command} {facts.run_id}" if refused else ""


def retry_alone(ready: int) -> str:
    """Say why the corrected rows of a run that sent nothing are not enough."""
    orders = counted(ready, "order")
    return f"`pipeline retry`: it sends the corrected rows only, and not the {orders} that {'was' if ready == 1 else 'were'} ready"


def _rows(files: Sequence[CorrectedFile]) -> str:
    """Count the rows that are corrected for one command: those for `retry`, else all."""
    total = sum(each.units - each.edi_rows for each in files) or sum(each.units for each in files)
    rows = counted(total, "row")
    return rows if len(files) == 1 else f"{rows} in {len(files)} files"


def _wrong(summary: Summary, files: Sequence[CorrectedFile]) -> str:
    """Count the rows with a problem of their own where the files also have rows that are held with them.

    "" where they have none, or where some of the rejected rows stand elsewhere.
    """
    rows = summary.totals.rows
    total = sum(each.units for each in files)
    if (
        not (rows.own_problem and rows.held)
        or rows.rejected != total
        or any(each.edi_rows for each in files)
    ):
        return ""
    have = "the file has" if len(files) == 1 else f"the {len(files)} files have"
    whose = "its order" if rows.own_problem == 1 else "their orders"
    return f"{counted(rows.own_problem, 'row')} ({have} all {total:,} of {whose})"


def beside_edi(facts: RunFacts) -> str:
    """Say what to do with rows for which `retry` is refused, as orders of theirs are in EDI files too.

    "" where there are none. They go out with `pipeline run`, together with the EDI file.
    """
    files = [each for each in facts.corrected if each.edi_rows]
    if not files:
        return ""
    named = list(dict.fromkeys(number for each in files for number in each.edi_orders))
    shown = ", ".join(visible(number) for number in named[:EDI_ORDERS_NAMED])
    shown += " and more" if len(named) > EDI_ORDERS_NAMED else ""
    one = len(named) == 1
    orders = f"order{'' if one else 's'} {shown}"
    rows = sum(each.edi_rows for each in files)
    if retry_line(facts, ""):
        have = "has" if one else "have"
        return f"first take out the {counted(rows, 'row')} of {orders}, which {have} rows in an EDI file too"
    it, have = "it" if rows == 1 else "them", "has" if one else "have"
    return f"import {it} together with the EDI file, in which {orders} {have} rows too"


def retry_line(facts: RunFacts, folder: str) -> str:
    """Give what is typed when all files of rows in `folder` are corrected; "" where none can be retried."""
    names = [
        each.name
        for each in facts.corrected
        if each.kind is Correcting.ROWS and each.units > each.edi_rows
    ]
    paths = " ".join(shlex.quote(f"{folder}/{name}") for name in names)
    return f"{facts.retry_command} {paths}" if names else ""


def claim_words(claim: Claim) -> str:
    """Write a declared total beside the counted one; one number where they agree.

    >>> claim_words(Claim(3, 3)), claim_words(Claim(252, 258, differing=1)), claim_words(Claim(0, 2, silent=1))
    ('3', '252 declared, 258 counted', '0 declared, 2 counted, 1 not declared')
    """
    if claim.holds:
        return f"{claim.counted:,}"
    words = f"{claim.declared:,} declared, {claim.counted:,} counted"
    if claim.declared == claim.counted and claim.differing:
        words += f", {claim.differing:,} differ"
    return words + (f", {claim.silent:,} not declared" if claim.silent else "")


def moment(at: datetime, zone: str) -> str:
    """Write a moment with its day, its zone and its offset.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 20, 1, 5, tzinfo=UTC), "Europe/Berlin")
    'Fri 20 Nov 2026 02:05 Europe/Berlin (+01:00)'
    """
    local = at.astimezone(ZoneInfo(zone))
    return f"{_day(local)} {local:%H:%M} {zone} ({_offset(local)})"


def span(start: datetime, end: datetime, zone: str) -> str:
    """Write from when until when, the day once if it is the same.

    >>> from datetime import UTC
    >>> span(datetime(2026, 11, 20, 1, 5, tzinfo=UTC), datetime(2026, 11, 20, 1, 31, tzinfo=UTC), "UTC")
    'Fri 20 Nov 2026 01:05–01:31 UTC (+00:00)'
    """
    first, last = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    until = f"–{last:%H:%M}" if first.date() == last.date() else f" – {_day(last)} {last:%H:%M}"
    return f"{_day(first)} {first:%H:%M}{until} {zone} ({_offset(last)})"


def short_day(day: date) -> str:
    """Write a day without its year.

    >>> short_day(date(2026, 11, 20))
    'Fri 20 Nov'
    """
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def duration(length: timedelta) -> str:
    """Write a length of time to the precision that people care about.

    >>> duration(timedelta(milliseconds=300)), duration(timedelta(seconds=42))
    ('under 1 s', '42 s')
    >>> duration(timedelta(minutes=26)), duration(timedelta(hours=3, minutes=5))
    ('26 min', '3 h 5 min')
    """
    seconds = int(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s" if seconds else "under 1 s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def amount(number: Decimal, unit: str) -> str:
    """Write a control total: whole for lines and parcels, with cents for money.

    >>> amount(Decimal("72293.4"), "EUR"), amount(Decimal(2051), "lines")
    ('72,293.40', '2,051')
    """
    return f"{number:,.0f}" if unit in ("lines", "parcels") else f"{number:,.2f}"


def _about_files(summary: Summary) -> list[str]:
    """What became of the messages of EDI files, where the totals differ, and what is lost."""
    lines = []
    if summary.claims:
        fates = ("accepted", "rejected", "not_read")
        numbers = [sum(getattr(each, fate) for each in summary.claims) for fate in fates]
        fate = ", ".join(
            f"{number:,} {name.replace('_', ' ')}"
            for number, name in zip(numbers, fates, strict=True)
            if number
        )
        lines.append(f"  {counted(sum(numbers), 'EDI message')}: {fate or 'none'}")
    wrong = [
        f"  {visible(each.name)}: {name}: {claim_words(claim)}"
        for each in summary.claims
        for name, claim in each.declared.items()
        if claim is not None and not claim.holds
    ]
    lines += wrong[:TOP_CAUSES]
    if len(wrong) > TOP_CAUSES:
        lines.append(f"  and {counted(len(wrong) - TOP_CAUSES, 'more total')} that differ")
    errors = [each for each in summary.causes.notes if each.severity is Severity.ERROR]
    lines += [
        f"  {each.place}: {each.says} [{each.code}]  {each.owner}" for each in errors[:TOP_CAUSES]
    ]
    if len(errors) > TOP_CAUSES:
        lines.append(
            f"  and {counted(len(errors) - TOP_CAUSES, 'more error')} of files in the report"
        )
    return lines


def _line(cause: Cause, *, apart: bool) -> tuple[str, str, str, str]:
    """One cause; `apart` from another that reads the same, by what was said of it."""
    words = f" ({visible(cause.words, limit=_APART_CUT)})" if apart and cause.words else ""
    return extent_of(cause), cause.code or "-", _says(cause) + words, visible(cause.owner)


def _says(cause: Cause) -> str:
    subject = subject_of(cause)
    return f"{cause.title}{f': {subject}' if subject else ''}"


def columns(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Write lines of words below each other, each column as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  "
        + "  ".join(f"{word:<{width}}" for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _day(at: datetime) -> str:
    return f"{short_day(at.date())} {at.year}"


def _offset(at: datetime) -> str:
    text = f"{at:%z}"
    return f"{text[:3]}:{text[3:5]}"
