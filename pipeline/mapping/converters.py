"""Text to typed values under a declared notation; each a pair (value, reason code or null).

Conversions never drop a row and never guess (PRODUCT §2.5). The target decides the type, the
source section decides the notation (MAPPING §0.1). Numbers become Decimal(38, 12): text with at
most 6 decimals is taken, so that the product of any two of them is still exact.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from pipeline.mapping.plan import Ambiguous, ColumnType, Source
from pipeline.model import codes
from pipeline.model.field import Kind

DECIMAL = pl.Decimal(38, 12)
DECIMALS_MAX = 6
DIGITS_MAX = 18  # before the decimal point; longer numbers are identifiers, not amounts
MONEY_DECIMALS = 2

TRUE_WORDS = ("true", "yes", "y", "1", "ja", "j", "wahr", "oui", "si", "sí", "x")
FALSE_WORDS = ("false", "no", "n", "0", "nein", "falsch", "non")
BOOLEAN_HINT = "yes: true yes y 1 ja j wahr oui si x; no: false no n 0 nein falsch non"

DATE_DEFAULT = "%Y-%m-%d"
DATETIME_DEFAULT = "%Y-%m-%dT%H:%M:%S%z"

NUMERIC = (Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.AMOUNT)
COLUMN_KINDS: Mapping[ColumnType, Kind] = {
    ColumnType.INTEGER: Kind.INTEGER,
    ColumnType.DECIMAL: Kind.NUMBER,
    ColumnType.DATE: Kind.DATE,
    ColumnType.DATETIME: Kind.DATETIME,
    ColumnType.BOOLEAN: Kind.BOOLEAN,
}


class ConverterMistake(Exception):  # noqa: N818 - the compiler turns it into a Mistake with a place
    """A declared notation that cannot work; `code` is M212 or M213."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Converted:
    """A typed value and, where the text cannot become one, a reason code.

    `details` gives, per reason code, what its sentence needs besides the value (`{detail}`).
    """

    value: pl.Expr
    reason: pl.Expr | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def dtype_of(kind: Kind) -> pl.DataType:
    """The Polars type in which values of `kind` flow."""
    match kind:
        case Kind.INTEGER:
            return pl.Int64()
        case Kind.NUMBER | Kind.MONEY | Kind.AMOUNT:
            return DECIMAL
        case Kind.BOOLEAN:
            return pl.Boolean()
        case Kind.DATE:
            return pl.Date()
        case Kind.DATETIME:
            return pl.Datetime("us", "UTC")
        case _:
            return pl.String()


def convert_text(text: pl.Expr, kind: Kind, source: Source, form: str | None) -> Converted:
    """Convert text (null = empty) to `kind`.

    Raises:
        ConverterMistake: M212 for a date format that cannot work, M213 for a missing time zone.
    """
    match kind:
        case Kind.INTEGER:
            return _integer(text, source)
        case Kind.NUMBER | Kind.AMOUNT:
            return _decimal(text, source, DECIMALS_MAX)
        case Kind.MONEY:
            return _decimal(text, source, MONEY_DECIMALS)
        case Kind.BOOLEAN:
            return _boolean(text)
        case Kind.DATE:
            return _date(text, form or source.dates or DATE_DEFAULT)
        case Kind.DATETIME:
            return _datetime(text, form or source.dates or DATETIME_DEFAULT, source)
        case Kind.COUNTRY:
            return _country(text)
        case _:
            return Converted(text)


def convert_typed(value: pl.Expr, dtype: pl.DataType, kind: Kind, source: Source) -> Converted:
    """Convert the typed result of an expression or of a declared column to `kind`."""
    if dtype == pl.String:
        return convert_text(value, kind, source, None)
    if kind is Kind.INTEGER:
        if dtype.is_integer():
            return Converted(value.cast(pl.Int64))
        whole = value.cast(DECIMAL).cast(pl.Int64, strict=False)
        broken = value.is_not_null() & (whole.cast(DECIMAL) != value.cast(DECIMAL))
        return Converted(pl.when(~broken).then(whole), _reason(broken, "R205"))
    if kind in NUMERIC and dtype.is_numeric():
        places = MONEY_DECIMALS if kind is Kind.MONEY else DECIMALS_MAX
        exact = value.cast(DECIMAL, strict=False)
        fine = exact.cast(pl.Decimal(38, places), strict=False).cast(DECIMAL)
        broken = value.is_not_null() & (fine.is_null() | (fine != exact))
        return Converted(
            pl.when(~broken).then(exact), _reason(broken, "R204"), {"R204": str(places)}
        )
    if dtype == dtype_of(kind):
        return Converted(value)
    return convert_text(value.cast(pl.String), kind, source, None)


def _reason(broken: pl.Expr, code: str, otherwise: pl.Expr | None = None) -> pl.Expr:
    rest = otherwise if otherwise is not None else pl.lit(None, pl.String)
    return pl.when(broken).then(pl.lit(code)).otherwise(rest)


def number_hint(source: Source) -> str:
    """How numbers are written in the file, as an example.

    >>> number_hint(Source(decimal=",", thousands="."))
    '1.234,56'
    """
    return f"1{source.thousands or ''}234{source.decimal}56"


def _plain_number(text: pl.Expr, source: Source) -> tuple[pl.Expr, pl.Expr]:
    """The number in plain notation, and whether the text is one in the declared notation."""
    point = re.escape(source.decimal)
    grouped = rf"|\d{{1,3}}(?:{re.escape(source.thousands)}\d{{3}})+" if source.thousands else ""
    pattern = rf"^[+-]?(?:\d+{grouped})(?:{point}\d+)?$"
    plain = text.str.strip_prefix("+")
    if source.thousands:
        plain = plain.str.replace_all(source.thousands, "", literal=True)
    if source.decimal != ".":
        plain = plain.str.replace(source.decimal, ".", literal=True)
    return plain, text.str.contains(pattern)


def _integer(text: pl.Expr, source: Source) -> Converted:
    plain, is_number = _plain_number(text, source)
    # 2,000 in a file with decimal comma is exactly 2; any other fraction is no whole number.
    whole = plain.str.contains(r"^-?\d+(?:\.0+)?$")
    value = plain.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    fine = is_number & whole & value.is_not_null()
    broken = text.is_not_null() & ~fine.fill_null(value=False)
    why = pl.when(is_number & ~whole).then(pl.lit("R205")).when(is_number).then(pl.lit("R210"))
    reason = pl.when(broken).then(why.otherwise(pl.lit("R201")))
    details = {"R201": number_hint(source), "R210": str(DIGITS_MAX)}
    return Converted(pl.when(fine).then(value), reason, details)


def _decimal(text: pl.Expr, source: Source, places: int) -> Converted:
    plain, is_number = _plain_number(text, source)
    few = plain.str.contains(rf"^-?\d+(?:\.\d{{0,{places}}}0*)?$")
    short = plain.str.contains(rf"^-?0*\d{{1,{DIGITS_MAX}}}(?:\.\d+)?$")
    fine = (is_number & few & short).fill_null(value=False)
    value = plain.str.replace(rf"(\.\d{{{places}}})0+$", "$1").cast(DECIMAL, strict=False)
    why = pl.when(is_number & ~short).then(pl.lit("R210")).when(is_number).then(pl.lit("R204"))
    reason = pl.when(text.is_not_null() & ~fine).then(why.otherwise(pl.lit("R201")))
    details = {"R201": number_hint(source), "R204": str(places), "R210": str(DIGITS_MAX)}
    return Converted(pl.when(fine).then(value), reason, details)


def _boolean(text: pl.Expr) -> Converted:
    word = text.str.to_lowercase().str.strip_chars()
    value = pl.when(word.is_in(TRUE_WORDS)).then(pl.lit(value=True))
    made = value.when(word.is_in(FALSE_WORDS)).then(pl.lit(value=False))
    value = made.otherwise(pl.lit(None, pl.Boolean))
    broken = text.is_not_null() & value.is_null()
    return Converted(value, _reason(broken, "R206"), {"R206": BOOLEAN_HINT})


_YEARS = (pl.date(1900, 1, 1), pl.date(2100, 12, 31))  # FAULTS S17


def _date(text: pl.Expr, form: str) -> Converted:
    _check_format(form, Kind.DATE)
    value = text.str.to_date(form, strict=False)
    value = pl.when(value.is_between(*_YEARS)).then(value)
    broken = text.is_not_null() & value.is_null()
    return Converted(value, _reason(broken, "R202"), {"R202": form})


def _datetime(text: pl.Expr, form: str, source: Source) -> Converted:
    _check_format(form, Kind.DATETIME)
    if "%z" in form or "%:z" in form or "%#z" in form:
        moment = text.str.to_datetime(form, strict=False, time_zone="UTC", time_unit="us")
        broken = text.is_not_null() & moment.is_null()
        return Converted(moment, _reason(broken, "R202"), {"R202": form})
    if source.timezone is None:
        message = "a date-time without offset needs a time zone"
        raise ConverterMistake("M213", message, "set `source.timezone`, such as Europe/Berlin")
    if any(mark in form for mark in ("%H", "%I", "%T", "%R", "%X", "%c", "%s")):
        local = text.str.to_datetime(form, strict=False, time_unit="us")
    else:  # a day is the moment at which it begins
        local = text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    first, last = _YEARS
    local = pl.when(local.is_between(first.cast(pl.Datetime), last.cast(pl.Datetime))).then(local)
    ambiguous = "null" if source.ambiguous is Ambiguous.REJECT else source.ambiguous.value
    moment = local.dt.replace_time_zone(
        source.timezone,
        ambiguous=ambiguous,  # type: ignore[arg-type]
        non_existent="null",
    )
    value = moment.dt.convert_time_zone("UTC")
    reason = _reason(
        text.is_not_null() & local.is_null(),
        "R202",
        _reason(local.is_not_null() & moment.is_null(), "R207"),
    )
    return Converted(value, reason, {"R202": form, "R207": source.timezone})


def _check_format(form: str, kind: Kind) -> None:
    """Refuse formats that would read nothing or guess a part of the date."""
    day = all(
        any(mark in form for mark in marks)
        for marks in (("%Y", "%y", "%F", "%D", "%s", "%c", "%x"),
                      ("%m", "%b", "%B", "%h", "%F", "%D", "%s", "%c", "%j", "%x"),
                      ("%d", "%e", "%F", "%D", "%s", "%c", "%j", "%x"))
    )  # fmt: skip
    if not day:
        hint = 'a format names year, month and day, such as "%d.%m.%Y"'
        raise ConverterMistake("M212", f'"{form}" does not name a whole {kind.value}', hint)
    try:
        probe = pl.Series(["2026-01-01"])
        probe.str.to_datetime(form, strict=False) if "%z" not in form else probe.str.to_datetime(
            form, strict=False, time_zone="UTC"
        )
    except pl.exceptions.PolarsError:
        hint = "see the table of format letters in docs/mapping.md"
        raise ConverterMistake("M212", f'"{form}" is not a format of dates', hint) from None


def _country(text: pl.Expr) -> Converted:
    known = codes.country_alpha3()
    value = text.str.to_uppercase().replace_strict(
        list(known.keys()), list(known.values()), default=None, return_dtype=pl.String
    )
    broken = text.is_not_null() & value.is_null()
    return Converted(value, _reason(broken, "R203"))
