"""What the values of each column look like, counted: numbers, dates, codes, addresses, parcels' numbers.

Counting is done on distinct values with how often each occurs, so that a row is looked at once.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from pipeline.mapping.formats import Form, form, moment
from pipeline.model.checkdigits import is_gtin, scheme
from pipeline.model.codes import (
    country_alpha3,
    currencies,
    languages,
    named_country,
    regions,
    time_zones,
)
from pipeline.model.field import Kind

_LOOKED_AT = 2_000  # distinct values whose meaning is looked up one by one
_SIGN = r"^(?:€|\$|£|EUR|USD|GBP|CHF)?\s?[+-]?"
_END = r"\s?(?:€|\$|£|EUR|USD|GBP|CHF)?$"
# How a number may be written; `1.234` and `1,234` are two of these.
NUMBERS: Mapping[str, str] = {
    "1234": _SIGN + r"\d+" + _END,
    "1.5": _SIGN + r"\d*\.\d+" + _END,
    "1,5": _SIGN + r"\d*,\d+" + _END,
    "1,234.5": _SIGN + r"\d{1,3}(?:,\d{3})+\.\d+" + _END,
    "1.234,5": _SIGN + r"\d{1,3}(?:\.\d{3})+,\d+" + _END,
    "1,234": _SIGN + r"\d{1,3}(?:,\d{3})+" + _END,
    "1.234": _SIGN + r"\d{1,3}(?:\.\d{3})+" + _END,
    "1,234,567": _SIGN + r"\d{1,3}(?:,\d{3}){2,}" + _END,
    "1.234.567": _SIGN + r"\d{1,3}(?:\.\d{3}){2,}" + _END,
    "1 234": _SIGN + r"\d{1,3}(?:[ \x{a0}\x{202f}]\d{3})+(?:[.,]\d+)?" + _END,
    "1'234": _SIGN + r"\d{1,3}(?:['’]\d{3})+(?:[.,]\d+)?" + _END,
    "any": _SIGN + r"\d[\d.,'’ \x{a0}\x{202f}]*" + _END,
    "symbol": r"^(?:€|\$|£|EUR|USD|GBP|CHF).*|.*(?:€|\$|£|EUR|USD|GBP|CHF)$",
    "zeros": r"^0\d+$",
}
_TEXTS: Mapping[str, str] = {
    "email": r"^[^@\s,;]+@[^@\s,;]+\.[^@\s.,;]+$",
    "url": r"^https?://\S+$",
    "postcode": r"^'?[A-Za-z]{0,3}[ -]?[0-9][0-9A-Za-z]{1,5}(?:[ -][0-9A-Za-z]{2,4})?$|^[A-Za-z]{1,2}[0-9][0-9A-Za-z]? ?[0-9][A-Za-z]{2}$|^[A-Za-z][0-9][A-Za-z] ?[0-9][A-Za-z][0-9]$",
    "several": r"^[^\s|;,]+(?:[|;,][^\s|;,]+)+$|.\|.",
    "code": r"^[A-Z0-9]*[-_./]?[A-Z0-9]*\d[A-Z0-9._/-]*$",
    "mark": r"^'|^=\"",
    "digit": r"\d",
    "blank": r"\s",
    "letters": r"^[A-Za-z]+$",
}
_DATES = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S%z", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y", "%d.%m.%y %H:%M",
    "%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%y", "%d/%m/%y %H:%M",
    "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%y", "%m/%d/%y %H:%M",
    "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d-%m-%Y", "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S",
    "%m-%d-%Y", "%m-%d-%Y %H:%M:%S", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y",
    "%b %d, %Y %I:%M:%S %p", "%b-%d-%y %H:%M:%S", "%b-%d-%y", "%a, %d %b %Y %H:%M:%S %z",
    "%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M%S", "%Y%m%d %H:%M:%S",
)  # fmt: skip
_DATE_LIKE = r"^(?:\w{3},? )?\d{1,4}[-/. ]\w{1,9}[-/. ,]|^\w{3,9}[ -]\d{1,2}[,-]|^(?:19|20)\d{6}(?:\d{4}|\d{6}|[ T].*)?$"
_YES_NO = frozenset(["yes", "no", "y", "n", "true", "false", "ja", "nein", "j", "oui", "non", "si", "sí", "0", "1", "t", "f", "s"])  # fmt: skip
ALWAYS_NULL = ("NULL", "null", "\\N", "(null)", "#N/A", "0000-00-00", "0000-00-00 00:00:00", "00.00.0000")  # fmt: skip
_MOSTLY_NULL = ("-", "--", "---", "n/a", "N/A", "nan", "NaN")


@dataclass(frozen=True, slots=True)
class Look:
    """What a column has. Counts are of filled cells, by what they look like.

    `top` are its most frequent values with their counts; `formats` the date formats that read some,
    `countries` what each value that names a country means, `schemes` numbers of parcels with a right
    check digit, `nulls` cells that say "nothing" by a word.
    """

    name: str
    rows: int
    filled: int
    distinct: int
    counts: Mapping[str, int]
    formats: Mapping[str, int]
    top: Sequence[tuple[str, int]]
    countries: Mapping[str, str]
    schemes: Mapping[str, int]
    nulls: Mapping[str, int]
    longest: int = 0
    widths: frozenset[int] = field(default_factory=frozenset)

    def share(self, kind: str) -> float:
        """How many of the filled cells look so, 0 to 1."""
        return self.counts.get(kind, 0) / self.filled if self.filled else 0.0

    @property
    def numeric(self) -> bool:
        """Whether nearly all values are numbers."""
        return self.share("any") >= 0.9


def look(name: str, cells: pl.Series) -> Look:
    """Look at the cells of one column; "" is an empty one."""
    counted = cells.rename("text").value_counts().filter(pl.col("text") != "")
    nulls = {
        text: number for text, number in counted.iter_rows()
        if text in ALWAYS_NULL or text in _MOSTLY_NULL
    } if counted.height <= _LOOKED_AT else dict(
        counted.filter(pl.col("text").is_in([*ALWAYS_NULL, *_MOSTLY_NULL])).iter_rows()
    )  # fmt: skip
    counted = counted.filter(~pl.col("text").is_in(list(nulls))).sort("count", "text", descending=[True, False])  # fmt: skip
    filled = sum(counted.get_column("count"))
    patterns = {**NUMBERS, **_TEXTS}
    made = counted.select(
        pl.col("count").filter(pl.col("text").str.contains(pattern)).sum().alias(kind)
        for kind, pattern in patterns.items()
    ).row(0, named=True) if counted.height else {}  # fmt: skip
    made = {kind: int(number or 0) for kind, number in made.items()}
    some = counted.head(_LOOKED_AT)
    texts, numbers = some.get_column("text").to_list(), some.get_column("count").to_list()
    seen = sum(numbers)
    scale = filled / seen if seen else 0.0
    countries: dict[str, str] = {}
    schemes: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for text, number in zip(texts, numbers, strict=True):
        for kind, belongs in _WORDS.items():
            if belongs(text):
                kinds[kind] = kinds.get(kind, 0) + number
        country = named_country(text)
        if country is not None:
            countries[text] = country
            kinds["country"] = kinds.get("country", 0) + number
        numbered = scheme(text.replace(" ", "").upper())
        if numbered:
            schemes[numbered] = schemes.get(numbered, 0) + number
    made |= {kind: round(number * scale) for kind, number in kinds.items()}
    lengths = counted.select(pl.col("text").str.len_chars()).to_series()
    return Look(
        name, len(cells), filled, counted.height, made, _formats(counted), list(zip(texts, numbers, strict=True))[:60],
        countries, schemes, nulls, max(lengths.to_list(), default=0), frozenset(lengths.unique().to_list()[:50]),
    )  # fmt: skip


def _is_language(text: str) -> bool:
    return text.lower() in languages() or (
        re.fullmatch(r"[A-Za-z]{2}[-_][A-Za-z]{2}", text) is not None
        and text[:2].lower() in languages()
    )


def _is_region(text: str) -> bool:
    return len(text) <= 6 and text.upper() in _all_regions()


@cache
def _all_regions() -> frozenset[str]:
    return frozenset(
        each for country in set(country_alpha3().values()) for each in regions(country)
    )


_WORDS: Mapping[str, Callable[[str], bool]] = {
    "alpha2": lambda text: len(text) == 2 and text.upper() in country_alpha3(),
    "alpha3": lambda text: len(text) == 3 and text.upper() in country_alpha3(),
    "currency": lambda text: text.upper() in currencies(),
    "language": _is_language,
    "gtin": is_gtin,
    "region": _is_region,
    "zone": lambda text: text in time_zones(),
    "yes_no": lambda text: text.casefold() in _YES_NO,
}


@cache
def _form(written: str) -> Form:
    return form(written, Kind.DATE)


def _formats(counted: pl.DataFrame) -> dict[str, int]:
    """How many cells each date format reads; formats that read none are left out."""
    like = counted.filter(
        pl.col("text").str.contains(_DATE_LIKE) & (pl.col("text").str.len_chars() < 40)
    )
    if like.is_empty() or like.height < counted.height * 0.5:
        return {}
    tried = [each for each in _DATES if _may_be(each, like)]
    if not tried:
        return {}
    made = like.select(
        pl.col("count").filter(moment(pl.col("text"), _form(each)).is_not_null()).sum().alias(each)
        for each in tried
    ).row(0, named=True)
    return {each: int(number) for each, number in made.items() if number}


def _may_be(written: str, like: pl.DataFrame) -> bool:
    return bool(like.select(pl.col("text").str.contains(_form(written).pattern).any()).item())


def readable(found: Look, formats: Iterable[str]) -> list[str]:
    """The formats that read nearly all dates of a column, the best first."""
    return sorted(
        (each for each in formats if found.formats.get(each, 0) >= 0.95 * found.filled),
        key=lambda each: -found.formats[each],
    )


def together(found: Look) -> list[str]:
    """Formats that read the dates of a column among them, each value by one of them only; the best first."""
    chosen: list[str] = []
    read = 0
    for written, number in sorted(found.formats.items(), key=lambda pair: -pair[1]):
        turned = written.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
        if read + number <= found.filled and turned not in found.formats:
            chosen.append(written)
            read += number
    return chosen
