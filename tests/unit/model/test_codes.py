"""Code lists are strict, guesses stay guesses."""

import subprocess
import sys
import zoneinfo
from pathlib import Path

import polars as pl
import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import codes
from pipeline.model.catalogue import SHAPES
from pipeline.model.codes import (
    country_alpha3,
    currencies,
    languages,
    nearest,
    nearest_country,
    region_codes,
    regions,
    time_zones,
)

TOP = Path(__file__).parents[3]


def test_importing_the_module_does_not_load_the_lists() -> None:
    program = (
        "import sys, pipeline.model.codes\n"
        "assert 'pycountry' not in sys.modules\n"
        "assert 'tzdata' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", program], cwd=TOP, check=True)


def test_public_names_are_sorted_and_exist() -> None:
    assert codes.__all__ == sorted(codes.__all__)
    assert all(callable(getattr(codes, name)) for name in codes.__all__)


def test_every_iso_country_is_accepted_in_both_forms() -> None:
    accepted = country_alpha3()

    for country in pycountry.countries:
        assert accepted[country.alpha_2] == country.alpha_3
        assert accepted[country.alpha_3] == country.alpha_3
    assert len(accepted) == 2 * len(pycountry.countries) + 1


def test_kosovo_passes_as_a_value_but_its_two_letters_are_not_mapped() -> None:
    assert country_alpha3()["XKX"] == "XKX"
    assert "XK" not in country_alpha3()


@pytest.mark.parametrize("text", ["UK", "EL", "D", "de", "deu", "Germany", "276", "", "ZZZ", "XXQ"])
def test_no_other_spelling_of_a_country_is_accepted(text: str) -> None:
    assert text not in country_alpha3()


def test_lists_cannot_be_changed_and_are_made_once() -> None:
    assert country_alpha3() is country_alpha3()
    assert region_codes() is region_codes()
    with pytest.raises(TypeError):
        country_alpha3()["XK"] = "XKX"  # type: ignore[index]


def test_currencies_are_iso_4217_in_use() -> None:
    assert {"EUR", "USD", "CHF", "SEK", "PLN", "JPY", "XOF", "XCG"} <= currencies()
    assert not {"EUX", "eur", "€", "DEM", "HRK", "XXX", "XTS", ""} & currencies()


def test_languages_are_two_letters() -> None:
    assert {"de", "en", "nb", "no", "zh"} <= languages()
    assert not {"DE", "xx", "deu", "de-AT", ""} & languages()
    assert {len(each) for each in languages()} == {2}


def test_every_time_zone_can_be_loaded() -> None:
    for name in time_zones():
        zoneinfo.ZoneInfo(name)


def test_time_zones_are_names_of_the_iana_list() -> None:
    assert {
        "Europe/Berlin",
        "America/New_York",
        "UTC",
        "Europe/Kyiv",
        "Europe/Kiev",
    } <= time_zones()
    assert not {"Europe/Berln", "europe/berlin", "+01:00", "localtime", "Factory"} & time_zones()


def test_regions_are_known_with_and_without_the_prefix_of_their_own_country() -> None:
    assert {"BY", "DE-BY"} <= regions("DEU")
    assert {"CA", "US-CA", "PR", "US-PR"} <= regions("USA")
    assert {"9", "AT-9"} <= regions("AUT")
    assert not {"ZZ9", "AT-9", "by", "DEU:BY", ""} & regions("DEU")


@pytest.mark.parametrize("country", ["GIB", "XKX", "ZZZ", "DE", ""])
def test_a_country_without_regions_has_none(country: str) -> None:
    assert regions(country) == frozenset()


def test_region_codes_are_the_regions_of_all_countries() -> None:
    countries = set(country_alpha3().values())

    assert region_codes() == {f"{each}:{code}" for each in countries for code in regions(each)}
    assert all(len(code.partition(":")[2]) <= 25 for code in region_codes())


def test_region_codes_judge_two_columns_in_one_expression() -> None:
    rows = pl.DataFrame({"country": ["DEU", "DEU", "AUT"], "region": ["BY", "ZZ9", "DE-BY"]})

    known = rows.select(
        pl.format("{}:{}", "country", "region").is_in(pl.Series(sorted(region_codes())).implode())
    )

    assert known.to_series().to_list() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("UK", "GBR"),
        ("uk ", "GBR"),
        ("EL", "GRC"),
        ("D", "DEU"),
        ("XK", "XKX"),
        ("de", "DEU"),
        ("Germany", "DEU"),
        ("Deutschland", "DEU"),
        ("GERMANIA", "DEU"),
        ("Federal Republic of Germany", "DEU"),
        ("Österreich", "AUT"),
        ("Osterreich", "AUT"),
        ("Nederland", "NLD"),
        ("Holland", "NLD"),
        ("Côte d'Ivoire", "CIV"),
        ("Türkiye", "TUR"),
        ("Turkey", "TUR"),
        ("Großbritannien", "GBR"),
        ("Deutchland", "DEU"),
        ("Switzerlnd", "CHE"),
    ],
)
def test_a_wrong_spelling_suggests_its_country(text: str, country: str) -> None:
    assert nearest_country(text) == country


@pytest.mark.parametrize("text", ["", "  ", "XXQ", "Q", "zz", "mal", "12345", "Kapellenweg 2"])
def test_what_resembles_no_country_suggests_none(text: str) -> None:
    assert nearest_country(text) is None


def test_common_wrong_codes_are_wrong_and_lead_to_real_countries() -> None:
    assert not codes._WRONG_CODES.keys() & country_alpha3().keys()
    assert {*codes._WRONG_CODES.values(), *codes._WRONG_NAMES.values()} <= country_alpha3().keys()


def test_the_nearest_option_is_named() -> None:
    order = [field.name for field in SHAPES["order"].fields]
    line = [field.name for field in SHAPES["line_item"].fields]

    assert nearest("recipent_email", order) == "recipient_email"
    assert nearest("article_iamge_url", line) == "article_image_url"
    assert nearest("SKU", line) == "sku"
    assert nearest("europe/berlin", time_zones()) == "Europe/Berlin"
    assert nearest("lb", ["kg", "g", "lbs", "oz"]) == "lbs"


def test_nothing_near_is_none() -> None:
    assert nearest("zzzzz", ["articles", "order"]) is None
    assert nearest("", ["articles"]) is None
    assert nearest("articles", []) is None


def test_of_equally_near_options_the_one_that_begins_alike_wins() -> None:
    assert nearest("EUX", ["UXA", "EUR", "AEU"]) == "EUR"


@given(st.text(), st.lists(st.text(), max_size=6))
def test_the_nearest_is_one_of_the_options_whatever_their_order(
    text: str, options: list[str]
) -> None:
    found = nearest(text, options)

    assert found is None or found in options
    assert found == nearest(text, [*reversed(options)])


@given(st.text())
def test_a_suggested_country_exists(text: str) -> None:
    assert nearest_country(text) in {None, *country_alpha3().values()}
