"""Dates and times that do not exist: of X12 by their length, of EDIFACT by their format (2379)."""

from collections.abc import Mapping

import numpy as np

from pipeline.read.edi.segments import Bools, Ints, Segments

_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_CENTURY = 2000  # of years with two digits
_LAST_HOUR, _LAST_MINUTE, _LAST_SECOND = 23, 59, 59
_MIDNIGHT = 24  # 24:00 ends a day (ISO 8601)
_WEEKS = 53

# Formats of UN/EDIFACT 2379 by their parts: C century, Y year, M month, D day, h hour, m minute,
# s second, W week, z the zone, which is not looked at. A "/" parts the two ends of a period; older
# directories show a hyphen there (D.96A), which is tolerated. Formats that are not here are not
# looked at.
FORMATS: Mapping[str, str] = {
    "2": "DDMMYY", "3": "MMDDYY", "4": "DDMMCCYY", "101": "YYMMDD", "102": "CCYYMMDD",
    "201": "YYMMDDhhmm", "202": "YYMMDDhhmmss", "203": "CCYYMMDDhhmm", "204": "CCYYMMDDhhmmss",
    "303": "CCYYMMDDhhmmzzz", "304": "CCYYMMDDhhmmsszzz", "401": "hhmm", "402": "hhmmss",
    "610": "CCYYMM", "616": "CCYYWW", "717": "YYMMDD/YYMMDD", "718": "CCYYMMDD/CCYYMMDD",
    "719": "CCYYMMDDhhmm/CCYYMMDDhhmm",
}  # fmt: skip


def no_date(segments: Segments, begin: Ints, end: Ints) -> Bools:
    """Which of some texts of six or eight digits are no dates: YYMMDD or CCYYMMDD."""
    year = segments.numbers(begin, end - 4)
    year = np.where((end - begin == 6) & (year >= 0), year + _CENTURY, year)
    return _no_day(year, segments.numbers(end - 4, end - 2), segments.numbers(end - 2, end))


def no_time(segments: Segments, begin: Ints, end: Ints) -> Bools:
    """Which of some texts of four digits or more are no times: HHMM, HHMMSS, with or without parts."""
    hour = segments.numbers(begin, begin + 2)
    minute = segments.numbers(begin + 2, begin + 4)
    second = np.where(end - begin >= 6, segments.numbers(begin + 4, np.minimum(begin + 6, end)), 0)
    return _no_clock(hour, minute, second)


def no_period(
    segments: Segments, begin: Ints, end: Ints, format_begin: Ints, format_end: Ints
) -> Bools:
    """Which of some texts are not what their formats say; empty ones are."""
    wrong = np.zeros(len(begin), np.bool_)
    for code, form in FORMATS.items():
        mine = segments.equal(format_begin, format_end, code.encode()) & (end > begin)
        at = np.flatnonzero(mine)
        if not len(at):
            continue
        first, _, second = form.partition("/")
        size = end[at] - begin[at]
        hyphen = np.zeros(len(at), np.bool_)
        if second:
            hyphen = size == len(first) + len(second) + 1
            hyphen &= segments.octets[np.minimum(begin[at] + len(first), end[at] - 1)] == 0x2D
        fits = size == len(first) + len(second) + hyphen
        wrong[at[~fits]] = True
        at, hyphen = at[fits], hyphen[fits]
        wrong[at] = _no_moment(segments, begin[at], first)
        if second:
            wrong[at] |= _no_moment(segments, begin[at] + len(first) + hyphen, second)
    return wrong


def _no_moment(segments: Segments, begin: Ints, form: str) -> Bools:
    """Which of some texts, each as long as the format, are no date and time of it."""

    def part(letters: str, default: int) -> Ints:
        at = form.find(letters)
        if at < 0:
            return np.full(len(begin), default)
        return segments.numbers(begin + at, begin + at + len(letters))

    year = part("CCYY" if "CC" in form else "YY", 0)  # 00 is a leap year in both
    wrong = _no_day(year, part("MM", 1), part("DD", 1))
    wrong |= _no_clock(part("hh", 0), part("mm", 0), part("ss", 0))
    week = part("WW", 1)
    wrong |= (week < 1) | (week > _WEEKS)
    return wrong


def _no_day(year: Ints, month: Ints, day: Ints) -> Bools:
    """Which dates are not in the calendar; -1 is no number."""
    exists = (year >= 0) & (month >= 1) & (month < len(_DAYS))
    longest = _DAYS[np.where(exists, month, 0)]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = longest - ((month == 2) & ~leap)
    wrong: Bools = ~(exists & (day >= 1) & (day <= longest))
    return wrong


def _no_clock(hour: Ints, minute: Ints, second: Ints) -> Bools:
    midnight = (hour == _MIDNIGHT) & (minute == 0) & (second <= 0)
    inside = (hour >= 0) & (hour <= _LAST_HOUR) & (minute >= 0) & (minute <= _LAST_MINUTE)
    inside &= (second >= 0) & (second <= _LAST_SECOND)
    wrong: Bools = ~(inside | midnight)
    return wrong
