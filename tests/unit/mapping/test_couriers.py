"""Couriers that a mapping writes, held against those of the account."""

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.couriers import unlisted_couriers

MAPPING = """\
version: 1
name: m
mode: update_only
source: {{}}
lookups:
  couriers: {{DHL: dhl-germany, GLS: gls}}
  of_a_file: {{file: c.csv, key: code, value: courier}}
order: {{order_number: Nr}}
trackings:
  key: Nr
  fields:
    tracking_number: Nr
    courier: {courier}
"""
LISTED = {"dhl-germany", "ups"}


def said(courier: str, listed: set[str] = LISTED) -> list[tuple[int, int, int, str, str]]:
    """Line, column, length, message and hint of each warning."""
    compiled = compile_mapping(
        MAPPING.format(courier=courier), "m.yaml", load=lambda _: b"code,courier\nF,fedex\n"
    )
    found = unlisted_couriers(compiled, listed)
    assert {each.code for each in found} <= {"W111"}
    return [(each.line, each.column, each.length, each.message, each.help) for each in found]


ADD = "correct the code, or add it to `couriers` in pipeline.toml"


@pytest.mark.parametrize(
    ("courier", "code", "hint"),
    [
        ("{value: dhl-germny}", "dhl-germny", 'did you mean "dhl-germany"?'),
        ("{from: C, default: hermes}", "hermes", ADD),
        ("{from: C, lookup: couriers}", "gls", ADD),
        ("{from: C, lookup: of_a_file}", "fedex", ADD),
        ("{cases: [{when: \"C = 'x'\", value: ups}, {value: dpd}]}", "dpd", ADD),
        ("{first_of: [C, {value: tnt}]}", "tnt", ADD),
    ],
)
def test_a_courier_that_is_not_listed_is_told_where_it_stands(
    courier: str, code: str, hint: str
) -> None:
    (found,) = said(courier)
    assert found[3:] == (f'the account has no courier "{code}"', hint)
    line = MAPPING.format(courier=courier).splitlines()[found[0] - 1]
    pointed = line[found[1] - 1 : found[1] - 1 + found[2]]
    assert pointed in {code, "of_a_file"}


@pytest.mark.parametrize("courier", ["C", "{value: ups}", '{template: "{C}"}'])
def test_listed_couriers_and_columns_are_no_warning(courier: str) -> None:
    assert said(courier) == []


def test_without_a_list_nothing_is_said() -> None:
    assert said("{value: anything}", set()) == []
