"""The code lists the prose enforces and the published schema cannot express (CONTRACT.md section 9)."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

import pycountry

# Not in ISO 3166-1, but in use with carriers; open question 8 of the contract (K36).
KOSOVO = "XKX"


@cache
def _alpha2_by_alpha3() -> dict[str, str]:
    return {country.alpha_3: country.alpha_2 for country in pycountry.countries}


@cache
def _currencies() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


@cache
def _languages() -> frozenset[str]:
    return frozenset(
        language.alpha_2 for language in pycountry.languages if hasattr(language, "alpha_2")
    )


@cache
def _time_zones() -> frozenset[str]:
    # The list shipped with tzdata, not the machine's: a sandbox must judge alike everywhere.
    return frozenset((files("tzdata") / "zones").read_text(encoding="ascii").split())


@cache
def _subdivisions() -> frozenset[str]:
    return frozenset(subdivision.code for subdivision in pycountry.subdivisions)


def is_country(code: str) -> bool:
    """Tell whether `code` is an ISO 3166-1 alpha-3 code or Kosovo's XKX.

    >>> [is_country(code) for code in ("DEU", "XKX", "XXQ", "DE", "deu")]
    [True, True, False, False, False]
    """
    return code == KOSOVO or code in _alpha2_by_alpha3()


def is_currency(code: str) -> bool:
    """Tell whether `code` is an ISO 4217 code.

    >>> [is_currency(code) for code in ("EUR", "EUX", "EURO", "")]
    [True, False, False, False]
    """
    return code in _currencies()


def is_language(code: str) -> bool:
    """Tell whether `code` is an ISO 639-1 code in lower case.

    >>> [is_language(code) for code in ("de", "xx", "deu", "DE")]
    [True, False, False, False]
    """
    return code in _languages()


def is_time_zone(name: str) -> bool:
    """Tell whether `name` is a zone of the IANA database.

    >>> [is_time_zone(name) for name in ("Europe/Berlin", "Europe/Berln", "UTC")]
    [True, False, True]
    """
    return name in _time_zones()


def is_region(country_iso3: str, region_code: str) -> bool:
    """Tell whether ISO 3166-2 knows the region in this country, with or without `DE-` before it.

    Kosovo has no entries in ISO 3166-2: every region is taken there.

    >>> [is_region("DEU", code) for code in ("BY", "DE-BY", "FR-IDF", "ZZ9")]
    [True, True, False, False]
    """
    if country_iso3 == KOSOVO:
        return True
    alpha2 = _alpha2_by_alpha3().get(country_iso3)
    if alpha2 is None:
        return False
    prefix = f"{alpha2}-"
    code = region_code if region_code.startswith(prefix) else prefix + region_code
    return code in _subdivisions()


def has_digit(text: str) -> bool:
    """Tell whether a decimal has at least one digit, which the published pattern forgets.

    >>> [has_digit(text) for text in ("12.50", "", "-", ".")]
    [True, False, False, False]
    """
    return any("0" <= character <= "9" for character in text)


# JSON Schema format name -> judge; `document.py` puts these names into the derived schema.
FORMATS: dict[str, Callable[[str], bool]] = {
    "iso-3166-alpha3": is_country,
    "iso-4217": is_currency,
    "iso-639-1": is_language,
    "iana-time-zone": is_time_zone,
    "decimal-with-digit": has_digit,
}
