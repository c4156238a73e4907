r"""Text to typed values under a declared notation; each a pair (value, reason code or null).

Conversions never drop a row and never guess (PRODUCT §2.5). The target decides the type, the
source section decides the notation (MAPPING §0.1). Numbers become Decimal(38, 12): text with at
most 6 decimals is taken, so that the product of two of them is still exact. Digits are 0 to 9:
`\d` would also take those of other scripts, which no cast understands.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from pipeline.mapping.formats import Form, FormatMistake, form, moment
from pipeline.mapping.plan import TEXT_FORMATS, Ambiguous, ColumnType, Source
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


def kind_of(dtype: pl.DataType) -> Kind:
    """The kind in which values of a Polars type flow."""
    if dtype.is_integer():
        return Kind.INTEGER
    if dtype.is_numeric():
        return Kind.NUMBER
    if dtype == pl.Boolean:
        return Kind.BOOLEAN
    if dtype == pl.Date:
        return Kind.DATE
    return Kind.DATETIME if isinstance(dtype, pl.Datetime) else Kind.TEXT


def convert_text(
    text: pl.Expr, kind: Kind, source: Source, written: Sequence[str] = ()
) -> Converted:
    """Convert text (null = empty) to `kind`; `written` are the formats of dates, else the source's.

    Of several formats the first counts that a text fits.

    Raises:
        ConverterMistake: M212 for a date format that cannot work, M213 for a missing time zone.
    """
    made = Converted(text)
    match kind:
        case Kind.INTEGER:
            made = _integer(text, source)
        case Kind.NUMBER | Kind.AMOUNT:
            made = _decimal(text, source, DECIMALS_MAX)
        case Kind.MONEY:
            made = _decimal(text, source, MONEY_DECIMALS)
        case Kind.BOOLEAN:
            made = _boolean(text)
        case Kind.DATE:
            forms = [_form(each, kind) for each in written or source.dates or [DATE_DEFAULT]]
            made = _first_that_fits([(each, _date(text, each)) for each in forms])
        case Kind.DATETIME:
            forms = [_form(each, kind) for each in written or source.dates or [DATETIME_DEFAULT]]
            made = _first_that_fits([(each, _datetime(text, each, source)) for each in forms])
        case Kind.COUNTRY:
            made = _country(text)
    return made


def _first_that_fits(tried: Sequence[tuple[Form, Converted]]) -> Converted:
    """What the first format makes of a text that the text fits; a time that does not exist fits, too."""
    *before, (_, made) = tried
    for _, each in reversed(before):
        fits = pl.lit(value=True) if each.reason is None else each.reason.fill_null("") != "R202"
        made = Converted(
            pl.when(fits).then(each.value).otherwise(made.value),
            pl.when(fits).then(each.reason).otherwise(made.reason),
            {**made.details, **each.details},
        )
    details = {**made.details, "R202": " or ".join(each.written for each, _ in tried)}
    return replace(made, details=details)


def convert_typed(value: pl.Expr, dtype: pl.DataType, kind: Kind, source: Source) -> Converted:
    """Convert the typed result of an expression or of a declared column to `kind`.

    Raises:
        ConverterMistake: M213 for a missing time zone.
    """
    if dtype == dtype_of(kind) and kind not in NUMERIC:
        return Converted(value)
    if kind in NUMERIC and dtype.is_numeric():
        return _number(value, dtype, kind)
    if kind is Kind.DATETIME and dtype == pl.Date:
        return _localized(value.cast(pl.Datetime("us")), pl.lit(value=False), "%Y-%m-%d", source)
    if kind is Kind.DATE and isinstance(dtype, pl.Datetime):
        return Converted(value.dt.convert_time_zone(source.timezone or "UTC").dt.date())
    return convert_text(as_text(value, dtype), kind, source)


def as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A typed value as a person writes it: 12.5, not 12.500000000000."""
    if dtype.is_decimal() or dtype.is_float():
        exact = _exact(value, dtype).cast(pl.String).str.replace(r"\.?0+$", "")
        return pl.when(exact.is_in(["", "-"])).then(pl.lit("0")).otherwise(exact)
    return value.cast(pl.String)


def _exact(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A number as Decimal; of a float only the decimals that are no noise of binary fractions."""
    rounded = value.round(DECIMALS_MAX) if dtype.is_float() else value
    return rounded.cast(DECIMAL, strict=False)


def _number(value: pl.Expr, dtype: pl.DataType, kind: Kind) -> Converted:
    if kind is Kind.INTEGER and dtype.is_integer():
        whole = value.cast(pl.Int64, strict=False)
        lost = value.is_not_null() & whole.is_null()
        return Converted(whole, _reason(lost, "R210"), {"R210": str(DIGITS_MAX)})
    exact = _exact(value, dtype)
    lost = value.is_not_null() & exact.is_null()
    if kind is Kind.INTEGER:
        whole = exact.cast(pl.Int64, strict=False)
        broken = exact.is_not_null() & (whole.is_null() | (whole.cast(DECIMAL) != exact))
        made, code = whole, "R205"
    else:
        places = MONEY_DECIMALS if kind is Kind.MONEY else DECIMALS_MAX
        broken = exact.is_not_null() & (exact != exact.round(places))
        made, code = exact, "R204"
    details = {"R204": str(MONEY_DECIMALS if kind is Kind.MONEY else DECIMALS_MAX),
               "R210": str(DIGITS_MAX)}  # fmt: skip
    reason = _reason(lost, "R210", _reason(broken, code))
    return Converted(pl.when(~broken).then(made), reason, details)


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
    mark = re.escape(source.thousands) if source.thousands else ""
    grouped = rf"|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+" if mark else ""
    pattern = rf"^[+-]?(?:[0-9]+{grouped})(?:{point}[0-9]+)?$"
    if source.format not in TEXT_FORMATS:
        text = _as_edi_writes(text, source)
    plain = text.str.strip_prefix("+")
    if source.thousands:
        plain = plain.str.replace_all(source.thousands, "", literal=True)
    if source.decimal != ".":
        plain = plain.str.replace(source.decimal, ".", literal=True)
    return plain, text.str.contains(pattern)


# A comma that cannot group thousands: 2,5 and 0,125 and 1234,567, but not 1,000.
_CLEAR_COMMA = (
    r"^[+-]?(?:[0-9]*,[0-9]{1,2}|[0-9]*,[0-9]{4,}|0?,[0-9]{3}|0[0-9]+,[0-9]{3}|[0-9]{4,},[0-9]{3})$"
)


def _as_edi_writes(text: pl.Expr, source: Source) -> pl.Expr:
    """Numbers as the standards of EDI allow: X12.5 §3.5.1 has .5 for 0.5, ISO 9735 the decimal comma."""
    if source.format == "edifact" and source.decimal == ".":
        clear = text.str.contains(_CLEAR_COMMA)
        text = pl.when(clear).then(text.str.replace(",", ".", literal=True)).otherwise(text)
    mark = re.escape(source.decimal)
    return text.str.replace(rf"^([+-]?)({mark}[0-9])", "${1}0${2}")


def _integer(text: pl.Expr, source: Source) -> Converted:
    plain, is_number = _plain_number(text, source)
    # 2,000 in a file with decimal comma is exactly 2; any other fraction is no whole number.
    whole = plain.str.contains(r"^-?[0-9]+(?:\.0+)?$")
    value = plain.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    fine = is_number & whole & value.is_not_null()
    broken = text.is_not_null() & ~fine.fill_null(value=False)
    why = pl.when(is_number & ~whole).then(pl.lit("R205")).when(is_number).then(pl.lit("R210"))
    reason = pl.when(broken).then(why.otherwise(pl.lit("R201")))
    details = {"R201": number_hint(source), "R210": str(DIGITS_MAX)}
    return Converted(pl.when(fine).then(value), reason, details)


def _decimal(text: pl.Expr, source: Source, places: int) -> Converted:
    plain, is_number = _plain_number(text, source)
    few = plain.str.contains(rf"^-?[0-9]+(?:\.[0-9]{{0,{places}}}0*)?$")
    short = plain.str.contains(rf"^-?0*[0-9]{{1,{DIGITS_MAX}}}(?:\.[0-9]+)?$")
    fine = (is_number & few & short).fill_null(value=False)
    value = plain.str.replace(rf"(\.[0-9]{{{places}}})0+$", "$1").cast(DECIMAL, strict=False)
    why = pl.when(is_number & ~short).then(pl.lit("R210")).when(is_number).then(pl.lit("R204"))
    reason = pl.when(text.is_not_null() & ~fine).then(why.otherwise(pl.lit("R201")))
    details = {"R201": number_hint(source), "R204": str(places), "R210": str(DIGITS_MAX)}
    return Converted(pl.when(fine).then(value), reason, details)


def _boolean(text: pl.Expr) -> Converted:
    word = text.str.to_lowercase().str.strip_chars()
    yes, no = word.is_in(TRUE_WORDS), word.is_in(FALSE_WORDS)
    value = pl.when(yes).then(pl.lit(value=True)).when(no).then(pl.lit(value=False))
    broken = text.is_not_null() & ~(yes | no)
    return Converted(value, _reason(broken, "R206"), {"R206": BOOLEAN_HINT})


_YEARS = (pl.date(1900, 1, 1), pl.date(2100, 12, 31))  # FAULTS S17


def _form(written: str, kind: Kind) -> Form:
    try:
        return form(written, kind)
    except FormatMistake as error:
        raise ConverterMistake("M212", error.message, error.hint) from None


def _date(text: pl.Expr, made: Form) -> Converted:
    """The day as it is written; an offset beside it does not move it."""
    if "z" in made.parts:
        local = form(made.written.replace("%:z", "%z").replace("%z", ""), Kind.DATE)
        plain = text.str.replace(r"(?:[+-][0-9]{2}(?::?[0-9]{2})?|[Zz])$", "")
        taken = pl.when(text.str.contains(made.pattern)).then(plain)
        day = moment(taken, local).dt.date()
    else:
        day = moment(text, made).dt.date()
    value = pl.when(day.is_between(*_YEARS)).then(day)
    broken = text.is_not_null() & value.is_null()
    return Converted(value, _reason(broken, "R202"), {"R202": made.written})


def _datetime(text: pl.Expr, made: Form, source: Source) -> Converted:
    if "z" not in made.parts and source.timezone is None:
        message = "a date-time without offset needs a time zone"
        raise ConverterMistake("M213", message, "set `source.timezone`, such as Europe/Berlin")
    said = moment(text, made)
    said = pl.when(said.dt.date().is_between(*_YEARS)).then(said)
    broken = text.is_not_null() & said.is_null()
    if "z" in made.parts:
        return Converted(said, _reason(broken, "R202"), {"R202": made.written})
    return _localized(said, broken, made.written, source)


def _localized(local: pl.Expr, broken: pl.Expr, written: str, source: Source) -> Converted:
    """A local time as a moment; a day alone is the moment at which it begins."""
    if source.timezone is None:
        message = "a date-time without offset needs a time zone"
        raise ConverterMistake("M213", message, "set `source.timezone`, such as Europe/Berlin")
    placed = local.dt.replace_time_zone(
        source.timezone, ambiguous=_AMBIGUOUS[source.ambiguous], non_existent="null"
    )
    gone = local.is_not_null() & placed.is_null()
    reason = _reason(broken, "R202", _reason(gone, "R207"))
    details = {"R202": written, "R207": source.timezone}
    return Converted(placed.dt.convert_time_zone("UTC"), reason, details)


_AMBIGUOUS: Mapping[Ambiguous, Literal["null", "earliest", "latest"]] = {
    Ambiguous.REJECT: "null",
    Ambiguous.EARLIEST: "earliest",
    Ambiguous.LATEST: "latest",
}


def _country(text: pl.Expr) -> Converted:
    known = codes.country_alpha3()
    value = text.str.to_uppercase().replace_strict(
        list(known.keys()), list(known.values()), default=None, return_dtype=pl.String
    )
    broken = text.is_not_null() & value.is_null()
    return Converted(value, _reason(broken, "R203"))
