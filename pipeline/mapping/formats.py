"""How dates are written: the format letters, and what text a format takes.

The letters are those of strftime, a closed list of them: letters that would be passed over (`%Z`)
or that mean a moment of another zone (`%s`) are not offered. Polars' parser is lenient (it takes
signs, blanks and, between letters without a mark, any split of the digits), so a pattern made from
the format decides first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from polars.exceptions import PolarsError

from pipeline.model.field import Kind


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a format: what it reads, the parts of a moment it gives, and its pattern.

    `packed` is the pattern where it touches another number, as in %Y%m%d.
    """

    reads: str
    parts: str
    pattern: str
    packed: str = ""


_ONE_OR_TWO, _TWO = "[0-9]{1,2}", "[0-9]{2}"

LETTERS: Mapping[str, Letter] = {
    "%Y": Letter("year, four digits", "Y", "[0-9]{4}", "[0-9]{4}"),
    "%y": Letter("year, two digits: 00–69 are 2000–2069, 70–99 are 1970–1999", "Y", _TWO, _TWO),
    "%m": Letter("month as a number", "m", _ONE_OR_TWO, _TWO),
    "%b": Letter("month, English and short: Nov", "m", "[A-Za-z]{3}"),
    "%B": Letter("month, English and whole: November", "m", "[A-Za-z]{3,9}"),
    "%d": Letter("day of the month", "d", _ONE_OR_TWO, _TWO),
    "%e": Letter("day of the month, padded with a blank", "d", " ?[0-9]{1,2}"),
    "%j": Letter("day of the year, three digits", "md", "[0-9]{3}", "[0-9]{3}"),
    "%F": Letter("the same as %Y-%m-%d", "Ymd", "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "%a": Letter("weekday, English and short: Fri; it must be the right one", "", "[A-Za-z]{3}"),
    "%A": Letter("weekday, English and whole: Friday", "", "[A-Za-z]{6,9}"),
    "%H": Letter("hour, 0 to 23", "H", _ONE_OR_TWO, _TWO),
    "%I": Letter("hour, 1 to 12; with %p", "I", _ONE_OR_TWO, _TWO),
    "%p": Letter("AM or PM", "p", "[AaPp][Mm]"),
    "%M": Letter("minute", "M", _ONE_OR_TWO, _TWO),
    "%S": Letter("second", "S", _ONE_OR_TWO, _TWO),
    "%R": Letter("the same as %H:%M", "HM", "[0-9]{2}:[0-9]{2}"),
    "%T": Letter("the same as %H:%M:%S", "HMS", "[0-9]{2}:[0-9]{2}:[0-9]{2}"),
    "%.f": Letter("a point and a fraction of a second, or nothing", "f", r"(?:\.[0-9]{1,9})?"),
    "%3f": Letter("three digits of a second", "f", "[0-9]{3}", "[0-9]{3}"),
    "%6f": Letter("six digits of a second", "f", "[0-9]{6}", "[0-9]{6}"),
    "%z": Letter("offset: +01:00, +0100, +01 or Z", "z", r"(?:[+-][0-9]{2}(?::?[0-9]{2})?|[Zz])"),
    "%:z": Letter("the same as %z", "z", r"(?:[+-][0-9]{2}(?::?[0-9]{2})?|[Zz])"),
    "%%": Letter("a percent sign", "", "%"),
}

_TOKEN = re.compile(r"%\.f|%[36]f|%:z|%.|%$|[^%]+", re.DOTALL)
_OFFSETS = ("%z", "%:z")
_CLEAR_DAY = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)  # day, month and year in any order are days
_PROBE = datetime(2026, 11, 20, 14, 35, 46, 123456, tzinfo=UTC)


class FormatMistake(Exception):  # noqa: N818 - the compiler turns it into a Mistake with a place
    """A format that cannot work (M212)."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Form:
    """A checked format. `chrono` is what Polars is told, `pattern` the text that is taken."""

    written: str
    chrono: str
    pattern: str
    parts: frozenset[str]


def form(written: str, kind: Kind) -> Form:
    r"""Check a format for dates or date-times.

    >>> form("%d.%m.%Y", Kind.DATE).pattern
    '^[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{4}$'

    Raises:
        FormatMistake: a letter is unknown, or a part of the date is missing or would be guessed.
    """
    tokens = _TOKEN.findall(written)
    for token in tokens:
        if token.startswith("%") and token not in LETTERS:
            raise FormatMistake(f'"{token}" is not a letter of a date format',
                                f"there are: {' '.join(LETTERS)}")  # fmt: skip
    parts = [part for token in tokens if token in LETTERS for part in LETTERS[token].parts]
    _complete(written, parts, kind)
    chrono = "".join("%#z" if token in _OFFSETS else token for token in tokens)
    made = Form(written, chrono, f"^{_pattern(tokens)}$", frozenset(parts))
    if not _reads_back(made):
        raise FormatMistake(f'"{written}" cannot be read back', "write it with other letters")
    return made


def one_text_two_days(first: str, second: str) -> tuple[str, str, str] | None:
    """Two formats and a text that both read, as different days; None where there is none.

    >>> one_text_two_days("%d/%m/%Y", "%m/%d/%Y")
    ('%d/%m/%Y', '%m/%d/%Y', '04/03/2026')
    >>> one_text_two_days("%d.%m.%Y", "%Y-%m-%d"), one_text_two_days("%d.%m.%y", "%d.%m.%Y")
    (None, None)
    """
    try:
        one, other = (form(each, Kind.DATE) for each in (first, second))
        text = pl.select(pl.lit(_CLEAR_DAY).dt.strftime(one.chrono.replace("%#z", "%z"))).item()
        read = pl.select(moment(pl.lit(text, pl.String), other)).item()
    except (FormatMistake, PolarsError):
        return None  # a format that cannot work is said by itself
    return (first, second, text) if read is not None and read.date() != _CLEAR_DAY.date() else None


def _complete(written: str, parts: list[str], kind: Kind) -> None:
    if not {"Y", "m", "d"} <= set(parts):
        raise FormatMistake(f'"{written}" does not name a whole {kind.value}',
                            'a format names year, month and day, such as "%d.%m.%Y"')  # fmt: skip
    twice = next((part for part in parts if parts.count(part) > 1), None)
    if twice is not None:
        raise FormatMistake(f'"{written}" reads the same part twice', "name each part once")
    needs = (("H", "M"), ("I", "M"), ("I", "p"), ("p", "I"), ("S", "M"), ("f", "S"))
    for given, needed in needs:
        if given in parts and needed not in parts:
            raise FormatMistake(f'"{written}" has %{given} without %{needed}', f"add %{needed}")
    if "M" in parts and not {"H", "I"} & set(parts):
        raise FormatMistake(f'"{written}" has %M without an hour', "add %H")
    if {"H", "I"} <= set(parts):
        raise FormatMistake(f'"{written}" has %H and %I', "keep one of them")


def _pattern(tokens: list[str]) -> str:
    made = []
    for i, token in enumerate(tokens):
        letter = LETTERS.get(token)
        if letter is None:
            made.append(re.escape(token))
            continue
        near = [*tokens[max(0, i - 1) : i], *tokens[i + 1 : i + 2]]
        touches = any(each in LETTERS and LETTERS[each].packed for each in near)
        made.append(letter.packed if touches and letter.packed else letter.pattern)
    return "".join(made)


def _reads_back(made: Form) -> bool:
    """Whether a moment written in the format is read as the same day and time."""
    try:
        written = pl.select(pl.lit(_PROBE).dt.strftime(made.chrono.replace("%#z", "%z"))).item()
        read = pl.select(moment(pl.lit(written, pl.String), made)).item()
    except PolarsError:
        return False
    if read is None or read.date() != _PROBE.date():
        return False
    return not {"H", "I"} & made.parts or (read.hour, read.minute) == (_PROBE.hour, _PROBE.minute)


def moment(text: pl.Expr, made: Form) -> pl.Expr:
    """The moment that a text names, null where it names none; without a zone unless it has %z."""
    taken = pl.when(text.str.contains(made.pattern)).then(text)
    if "z" in made.parts:
        return taken.str.to_datetime(made.chrono, strict=False, time_zone="UTC", time_unit="us")
    if {"H", "I"} & made.parts:
        return taken.str.to_datetime(made.chrono, strict=False, time_unit="us")
    return taken.str.to_date(made.chrono, strict=False).cast(pl.Datetime("us"))
