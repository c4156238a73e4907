"""Code lists: countries, regions, currencies, languages, time zones; and guesses for error texts.

The lists come from pycountry (ISO 3166, 4217, 639) and tzdata (IANA), are read on first use and
kept. What the lists accept is strict; `nearest` and `nearest_country` only ever feed the sentence
"did you mean …?" and never change a value.
"""

import gettext
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType

__all__ = [
    "country_alpha3",
    "currencies",
    "languages",
    "named_country",
    "nearest",
    "nearest_country",
    "region_codes",
    "regions",
    "time_zones",
]

# Not in ISO 3166; whether parcelLab takes it is open, so the value passes and `XK` does not become
# it by itself (CONTRACT K36).
_KOSOVO = "XKX"

# ISO 4217 keeps these for tests and for "no currency": no order has an amount in them.
_NO_CURRENCIES = frozenset({"XTS", "XXX"})

# What exports write instead of a code: the EU's own letters, plates of cars, sport, old habits.
_WRONG_CODES = MappingProxyType(
    {
        "UK": "GBR",
        "EN": "GBR",
        "ENG": "GBR",
        "SCO": "GBR",
        "WAL": "GBR",
        "NIR": "GBR",
        "EL": "GRC",
        "GRE": "GRC",
        "XK": "XKX",
        "RKS": "XKX",
        "A": "AUT",
        "B": "BEL",
        "D": "DEU",
        "E": "ESP",
        "F": "FRA",
        "H": "HUN",
        "I": "ITA",
        "L": "LUX",
        "N": "NOR",
        "P": "PRT",
        "S": "SWE",
        "FL": "LIE",
        "GER": "DEU",
        "SUI": "CHE",
        "SWI": "CHE",
        "NED": "NLD",
        "HOL": "NLD",
        "POR": "PRT",
        "DEN": "DNK",
        "CRO": "HRV",
        "SLO": "SVN",
        "BUL": "BGR",
        "LAT": "LVA",
        "SPA": "ESP",
        "UAE": "ARE",
        "KSA": "SAU",
        "RSA": "ZAF",
    }
)
_WRONG_NAMES = MappingProxyType(
    {
        "america": "USA",
        "brd": "DEU",
        "england": "GBR",
        "great britain": "GBR",
        "grossbritannien": "GBR",
        "holland": "NLD",
        "kosovo": "XKX",
        "northern ireland": "GBR",
        "russia": "RUS",
        "scotland": "GBR",
        "turkey": "TUR",
        "u.k.": "GBR",
        "u.s.": "USA",
        "u.s.a.": "USA",
        "vatican": "VAT",
        "wales": "GBR",
    }
)
# Languages in which country names are recognised, in this order where two disagree.
_NAME_LANGUAGES = (
    *("de", "fr", "es", "it", "nl", "pl", "pt", "da", "sv", "nb", "fi", "cs", "sk", "sl", "hr"),
    *("hu", "ro", "tr", "el"),
)


@cache
def country_alpha3() -> Mapping[str, str]:
    """Map every accepted spelling of a country to its alpha-3 code.

    Keys are upper-case alpha-2 and alpha-3 codes; names and old codes are not guessed.

    >>> country_alpha3()["DE"], country_alpha3()["DEU"], country_alpha3()["XKX"]
    ('DEU', 'DEU', 'XKX')
    >>> [spelling in country_alpha3() for spelling in ("de", "Germany", "UK", "XK")]
    [False, False, False, False]
    """
    import pycountry

    spellings = {_KOSOVO: _KOSOVO}
    for country in pycountry.countries:
        spellings[country.alpha_2] = country.alpha_3
        spellings[country.alpha_3] = country.alpha_3
    return MappingProxyType(spellings)


@cache
def currencies() -> frozenset[str]:
    """Give the currencies of ISO 4217 that are in use, upper-case.

    >>> "EUR" in currencies(), "EUX" in currencies(), "XXX" in currencies()
    (True, False, False)
    """
    import pycountry

    return frozenset(each.alpha_3 for each in pycountry.currencies) - _NO_CURRENCIES


@cache
def languages() -> frozenset[str]:
    """Give the two-letter languages of ISO 639-1, lower-case.

    >>> "de" in languages(), "xx" in languages(), "deu" in languages()
    (True, False, False)
    """
    import pycountry

    return frozenset(each.alpha_2 for each in pycountry.languages if hasattr(each, "alpha_2"))


@cache
def time_zones() -> frozenset[str]:
    """Give the names of the IANA time zones, spelt exactly.

    They come from the tzdata package and not from this computer, so that every computer judges a
    file alike.

    >>> "Europe/Berlin" in time_zones(), "Europe/Berln" in time_zones(), "localtime" in time_zones()
    (True, False, False)
    """
    names = files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(names) - {"Factory"}  # the zone of a clock that nobody has set


@cache
def _regions_by_country() -> Mapping[str, frozenset[str]]:
    """Map alpha-3 codes to the region codes of the country, with and without its prefix."""
    import pycountry

    alpha3 = country_alpha3()
    found: dict[str, set[str]] = {}
    for region in pycountry.subdivisions:
        codes = found.setdefault(alpha3[region.country_code], set())
        codes.update((region.code, region.code.removeprefix(f"{region.country_code}-")))
    return MappingProxyType({country: frozenset(codes) for country, codes in found.items()})


def regions(country_alpha3: str) -> frozenset[str]:
    """Give the ISO 3166-2 codes of a country, each with and without the country's prefix.

    Which of the two forms parcelLab wants is open (CONTRACT §5.2), so both are known. A country
    that ISO does not divide, or that does not exist, has none.

    >>> sorted(regions("DEU") & {"BY", "DE-BY", "AT-1", "ZZ9"})
    ['BY', 'DE-BY']
    >>> regions("GIB")
    frozenset()
    """
    return _regions_by_country().get(country_alpha3, frozenset())


@cache
def region_codes() -> frozenset[str]:
    """Give all regions as `alpha-3:code`, the form that one membership test over two columns needs.

    >>> sorted(region_codes() & {"DEU:BY", "DEU:DE-BY", "AUT:BY"})
    ['DEU:BY', 'DEU:DE-BY']
    """
    return frozenset(
        f"{country}:{code}" for country, codes in _regions_by_country().items() for code in codes
    )


def _folded(text: str) -> str:
    """Lower-case text without accents and outer spaces, `ß` as `ss`."""
    parts = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@cache
def _country_names() -> Mapping[str, str]:
    """Map folded names of countries, in several languages, to alpha-3 codes."""
    import pycountry

    names = dict(_WRONG_NAMES)
    translations = [
        gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for language in _NAME_LANGUAGES
    ]
    for country in pycountry.countries:
        for attribute in ("name", "official_name", "common_name"):
            if name := getattr(country, attribute, None):
                names.setdefault(_folded(name), country.alpha_3)
    for translation in translations:
        for country in pycountry.countries:
            names.setdefault(_folded(translation.gettext(country.name)), country.alpha_3)
    return MappingProxyType(names)


def nearest(text: str, options: Iterable[str]) -> str | None:
    """Give the option that looks most like the text, or None when none looks like it.

    Case and accents are ignored; of equally near options the one with the longer common beginning
    wins, then the first in the alphabet.

    >>> nearest("Europe/Berln", time_zones())
    'Europe/Berlin'
    >>> nearest("articles_ordr", ["articles", "articles_order", "order_date"])
    'articles_order'
    >>> nearest("qqq", ["articles"]) is None
    True
    """
    wanted = _folded(text)
    spelt: dict[str, str] = {}
    for option in sorted(options):
        spelt.setdefault(_folded(option), option)
    if not wanted:
        return None
    close = get_close_matches(wanted, spelt, n=10, cutoff=0.6)
    return spelt[min(close, key=lambda each: _distance(wanted, each))] if close else None


def _distance(wanted: str, option: str) -> tuple[float, int, str]:
    """Order options: most alike first, then the longest common beginning, then the alphabet."""
    common = next(
        (at for at, (a, b) in enumerate(zip(wanted, option, strict=False)) if a != b),
        min(len(wanted), len(option)),
    )
    # arguments as get_close_matches has them: the ratio is not symmetric
    return (-SequenceMatcher(a=option, b=wanted).ratio(), -common, option)


def named_country(text: str) -> str | None:
    """Give the alpha-3 code of a country that is named, in one of several languages; codes are no names.

    >>> [named_country(text) for text in ("Germany", "Allemagne", "UK", "Österreich", "D", "DE", "Germnay")]
    ['DEU', 'DEU', 'GBR', 'AUT', 'DEU', None, None]
    """
    code = text.strip().upper()
    if code in country_alpha3():
        return None
    named = _country_names().get(_folded(text))
    return named or _WRONG_CODES.get(code)


def nearest_country(text: str) -> str | None:
    """Give the alpha-3 code that a wrong spelling of a country probably means, or None.

    >>> [nearest_country(text) for text in ("UK", "EL", "D", "Germany", "Deutschland", "Österreich")]
    ['GBR', 'GRC', 'DEU', 'DEU', 'DEU', 'AUT']
    >>> nearest_country("de"), nearest_country("Germnay"), nearest_country("XXQ")
    ('DEU', 'DEU', None)
    """
    code = text.strip().upper()
    if known := country_alpha3().get(code) or _WRONG_CODES.get(code):
        return known
    names = _country_names()
    folded = _folded(text)
    if folded in names:
        return names[folded]
    # Of three letters or fewer any code is near any other: better no guess than a wrong one.
    close = get_close_matches(folded, names, n=1, cutoff=0.8) if len(folded) > 3 else []
    return names[close[0]] if close else None
