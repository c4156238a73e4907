"""What a mapping expects of the files it reads: declared facts, held against each run.

What is usual is learned (`pipeline.run.usual`); what stands here was said by a person who knows the
sender, so that one file that breaks it is enough to act.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache

import re2  # type: ignore[import-untyped]

__all__ = ["ANY_DAY", "Act", "Expectation", "NameForm", "NameMistake", "Trailer", "day_in_words"]

ANY_DAY = frozenset(range(7))  # 0 is Monday, as `date.weekday` counts

_DATE = re.compile(r"\{date(?::(?P<format>[^{}]*))?\}")
_DATE_DEFAULT = "%Y%m%d"
# The letters of strftime that are numbers of a fixed length: any other leaves open where a date ends.
_LETTERS = {
    "%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%m": "[0-9]{2}", "%d": "[0-9]{2}", "%j": "[0-9]{3}",
    "%H": "[0-9]{2}", "%M": "[0-9]{2}", "%S": "[0-9]{2}",
}  # fmt: skip
_DIGITS = frozenset("0123456789")
_DIGIT = "[0-9]"  # as one character of a glob
_NAME_MAX = 400
_PACKED = ("", ".gz", ".bz2", ".xz", ".zst")  # what a packed file may have behind its name
_DAY = ({"%Y", "%y"}, ({"%m", "%d"}, {"%j"}))  # a year, and one of these


class Act(StrEnum):
    """What a broken expectation does before anything is sent."""

    STOP = "stop"
    WARN = "warn"


class NameMistake(ValueError):  # noqa: N818 - the compiler gives it a place
    """A form of names that cannot work; its text says why."""


@dataclass(frozen=True, slots=True)
class NameForm:
    """How files are called: text, `*` and `?` as in a glob, and at most one date.

    `before` and `after` stand around the date; `dated` is its format, None where there is none.

    >>> form = NameForm.of("orders_{date:%Y%m%d}_*.csv")
    >>> form.day_of("orders_20261119_eu.csv"), form.fits("orders_2026.csv")
    (datetime.date(2026, 11, 19), False)
    >>> form.on(date(2026, 11, 19)), form.glob
    ('orders_20261119_*.csv', 'orders_*_*.csv')
    """

    before: str
    dated: str | None
    after: str

    @staticmethod
    def of(written: str) -> "NameForm":
        """Read a form as a mapping writes it.

        Raises:
            NameMistake: there are two dates, or the format leaves open which day is meant.
        """
        found = list(_DATE.finditer(written))
        if len(found) > 1:
            raise NameMistake("has two dates")
        rest = _DATE.sub("", written)
        if not written.strip():
            raise NameMistake("is empty")
        if "{" in rest or "}" in rest:
            raise NameMistake("has a brace that is no {date:…}")
        if "/" in rest:
            raise NameMistake("names a folder")
        if not found:
            return NameForm(written, None, "")
        at = found[0]
        format_ = at["format"] or _DATE_DEFAULT
        letters = set(re.findall(r"%.", format_))
        unknown = sorted(letters - _LETTERS.keys())
        if unknown:
            raise NameMistake(f"has a date with {unknown[0]}")
        year, days = _DAY
        if not letters & year or not any(day <= letters for day in days):
            raise NameMistake("has a date without a year, a month and a day")
        return NameForm(written[: at.start()], format_, written[at.end() :])

    @property
    def written(self) -> str:
        """The form as a mapping writes it."""
        if self.dated is None:
            return self.before
        return f"{self.before}{{date:{self.dated}}}{self.after}"

    @property
    def glob(self) -> str:
        """The glob that means such files, whatever their date."""
        return self.before if self.dated is None else f"{self.before}*{self.after}"

    def meets(self, glob: str) -> bool:
        """Tell whether a file may be called so that also a glob means it, packed or not.

        >>> form = NameForm.of("orders_{date}_*.csv")
        >>> form.meets("*_eu.csv"), form.meets("orders_2026*"), form.meets("ord_*"), form.meets("*.txt")
        (True, True, False, False)
        """
        letters = re.split(r"(%.)", self.dated or "")
        dated = (
            [_DIGIT] * int(_LETTERS[each][-2]) if each in _LETTERS else list(each)
            for each in letters
        )
        name = [*self.before, *(each for part in dated for each in part), *self.after]
        if "[" in glob or glob.endswith(".zip") or len(glob) + len(name) > _NAME_MAX:
            return True  # not looked into
        return any(_meet(tuple(glob), (*name, *packed)) for packed in _PACKED)

    def fits(self, name: str) -> bool:
        """Tell whether a file may be called so; a date that does not exist does not fit."""
        if self.dated is None:
            return self._match(name) is not None
        return self.day_of(name) is not None

    def day_of(self, name: str) -> date | None:
        """Give the day in a file's name; None where it has none, or the name is another."""
        found = self._match(name)
        if found is None or self.dated is None:
            return None
        try:
            return datetime.strptime(found["date"], self.dated).date()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            return None

    def on(self, day: date) -> str:
        """Give the name of the file of a day."""
        if self.dated is None:
            return self.before
        return f"{self.before}{day.strftime(self.dated)}{self.after}"

    def _match(self, name: str) -> "re.Match[str] | None":
        """The name held against the form, by RE2: a form with many `*` must not take hours (FAULTS S12)."""
        shape = _of_glob(self.before)
        if self.dated is not None:
            parts = re.split(r"(%.)", self.dated)
            dated = "".join(_LETTERS.get(part) or re.escape(part) for part in parts)
            shape += f"(?P<date>{dated}){_of_glob(self.after)}"
        # a name that is no UTF-8 has marks that RE2 does not take
        plain = name.encode("utf-8", "replace").decode("utf-8")
        found: re.Match[str] | None = re2.fullmatch(shape, plain)
        return found


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Tell whether one name fits two globs; `_DIGIT` is any digit."""

    @cache
    def meet(a: int, b: int) -> bool:
        if a < len(one) and one[a] == "*":
            return meet(a + 1, b) or (b < len(other) and meet(a, b + 1))
        if b < len(other) and other[b] == "*":
            return meet(a, b + 1) or (a < len(one) and meet(a + 1, b))
        if a == len(one) or b == len(other):
            return a == len(one) and b == len(other)
        return _same(one[a], other[b]) and meet(a + 1, b + 1)

    return meet(0, 0)


def _same(one: str, other: str) -> bool:
    if "?" in (one, other) or one == other:
        return True
    return (one == _DIGIT and other in _DIGITS) or (other == _DIGIT and one in _DIGITS)


def _of_glob(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(each) or re.escape(each) for each in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailer:
    """What a file's last record says of it: `T;1204;8812.40`. Cells count from 1.

    `first_cell` tells it from a record of data, `rows` is the cell with the number of these, `totals`
    are columns with the cell of their sum.
    """

    first_cell: str
    rows: int | None = None
    totals: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a mapping's files must be like.

    `days_back` says which day a night's file is of: 0 the day of the run, 1 the one before.
    `weekdays` are the days that have a file at all. `max_age` counts from the last write to the
    file. `last_line_end` tells that each file ends with a line end. Without `name` no file is missed.
    """

    name: NameForm | None = None
    days_back: int = 0
    weekdays: frozenset[int] = ANY_DAY
    min_rows: int | None = None
    max_age: timedelta | None = None
    trailer: Trailer | None = None
    last_line_end: bool = False
    on_broken: Act = Act.STOP
    on_missing: Act = Act.STOP

    def day(self, today: date) -> date:
        """Give the day whose file a run of `today` expects."""
        return today - timedelta(days=self.days_back)

    def is_due(self, today: date) -> bool:
        """Tell whether a run of `today` expects a file.

        >>> form = NameForm.of("orders_{date}.csv")
        >>> weekdays = Expectation(name=form, days_back=1, weekdays=frozenset(range(5)))
        >>> weekdays.is_due(date(2026, 11, 21)), weekdays.is_due(date(2026, 11, 22))
        (True, False)
        """
        return self.name is not None and self.day(today).weekday() in self.weekdays


def day_in_words(day: date) -> str:
    """Write a day for people.

    >>> day_in_words(date(2026, 11, 9))
    '9 Nov 2026'
    """
    return f"{day.day} {day:%b %Y}"
