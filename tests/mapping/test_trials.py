"""The tests in mappings: all that ship pass, and one that is wrong says where."""

from pathlib import Path

import pytest

from pipeline.mapping.document import Data
from pipeline.mapping.trials import RULE_WORDS
from pipeline.model.rules import RULES
from pipeline.run.trial import Tried, compared, try_mapping
from tests.unit.mapping.bench import codes

ROOT = Path(__file__).parents[2]
MAPPINGS = sorted([*ROOT.glob("mappings/**/*.yaml"), *ROOT.glob("tests/mapping/examples/*.yaml")])

HEAD = """\
version: 1
name: m
mode: update_only
source: {columns: {qty: integer}}
lookups: {couriers: {UPS: ups}}
order: {order_number: nr}
trackings:
  key: tracking
  fields:
    tracking_number: tracking
    courier: {from: carrier, lookup: couriers}
    articles: {line_item_id: line, quantity: qty}
tests:
"""
ROWS = """\
    rows: |
      nr,tracking,carrier,line,qty
      A1,1Z9,UPS,A1-1,2
      A1,1Z9,UPS,A1-2,1
      A2,1Z8,DHL,A2-1,1
"""
REJECTED = "      rejected: [{line: 4, column: carrier, rule: lookup_unknown, value: DHL}]\n"


def tried(tmp_path: Path, text: str) -> Tried:
    (tmp_path / "m.yaml").write_text(HEAD + text)
    (only,) = try_mapping(tmp_path / "m.yaml")
    return only


@pytest.mark.parametrize("path", MAPPINGS, ids=[str(path.relative_to(ROOT)) for path in MAPPINGS])
def test_mappings_pass_their_own_tests(path: Path) -> None:
    made = try_mapping(path)
    assert made, "a mapping that ships has tests"
    for each in made:
        assert (each.name, each.differences, each.refusals) == (each.name, (), ())


def test_what_is_expected_is_found(tmp_path: Path) -> None:
    made = tried(
        tmp_path,
        f"""\
  - name: a parcel
{ROWS}    expect:
{REJECTED}      orders:
        - order_number: A1
          channel: ""
          mutations:
            - type: add_tracking
              tracking: {{courier: ups, articles: [{{quantity: 2}}, {{quantity: 1}}]}}
""",
    )
    assert (made.fine, made.orders, made.rejections) == (True, 1, 1)


def test_differences_have_a_path(tmp_path: Path) -> None:
    made = tried(
        tmp_path,
        f"""\
  - name: a parcel
{ROWS}    expect:
      rejected: [{{line: 5}}]
      orders:
        - order_number: A1
          mutations: [{{tracking: {{courier: dhl, articles: [{{quantity: 2}}], tags: [x]}}}}]
        - order_number: A2
""",
    )
    assert not made.fine
    assert [(each.at, each.expected) for each in made.differences] == [
        ("rejected[0]", "line 5"),
        ("rejected", "nothing more"),
        ("orders", "2 entries"),
        ("orders[0].mutations[0].tracking.courier", "'dhl'"),
        ("orders[0].mutations[0].tracking.articles", "1 entries"),
        ("orders[0].mutations[0].tracking.tags", '["x"]'),
    ]
    assert made.differences[1].got == 'test at m.yaml:14, line 4 R401 column "carrier" value "DHL"'


def test_exact_means_nothing_else(tmp_path: Path) -> None:
    text = f"""\
  - name: a parcel
    exact: true
{ROWS}    expect:
{REJECTED}      orders:
        - order_number: A1
          mutations: [{{type: add_tracking}}]
"""
    (difference,) = tried(tmp_path, text).differences
    assert difference.at == "orders[0].mutations[0].tracking"


def test_a_file_that_cannot_be_read_is_one_rejection(tmp_path: Path) -> None:
    made = tried(
        tmp_path, "  - {name: gone, file: tests/gone.csv, expect: {orders: [], rejected: []}}\n"
    )
    (difference,) = made.differences
    assert difference.got == "the file: tests/gone.csv does not exist beside m.yaml"


@pytest.mark.parametrize(
    ("expected", "got", "differ"),
    [
        ("2", 2, 0),
        ("2.50", 2.5, 0),
        ("web", "web", 0),
        ("2.0", "2", 1),  # a text is a text
        ("true", True, 0),
        ("1", True, 1),
        ("x", 2, 1),
        ("", None, 1),
        (["a"], "a", 1),
        ({"a": ""}, {}, 0),
        ({"a": ""}, {"a": "x"}, 1),
    ],
)
def test_texts_of_a_test_are_compared_by_what_they_mean(
    expected: Data, got: object, differ: int
) -> None:
    assert len(list(compared(expected, got, "x", exact=False))) == differ


def test_words_for_rules_lead_to_codes() -> None:
    assert set(RULE_WORDS.values()) <= set(RULES)


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("{name: a, expect: {}}", "M103"),
        ("{name: a, rows: x, file: y, expect: {}}", "M103"),
        ("{name: a, file: ../y, expect: {}}", "M103"),
        ("{name: a, rows: x}", "M102"),
        ("{name: a, rows: x, expect: {order: []}}", "M100"),
        ("{name: a, rows: x, expect: {rejected: [{rule: lookup_unknwon}]}}", "M104"),
        ("{name: a, rows: x, expect: {rejected: [{code: R999}]}}", "M104"),
        ("{name: a, rows: x, expect: {rejected: [{code: R401, rule: R401}]}}", "M103"),
        ("{name: a, rows: x, expect: {rejected: [{line: two}]}}", "M103"),
    ],
)
def test_mistakes_in_tests_are_mistakes_of_the_mapping(test: str, code: str) -> None:
    assert codes(HEAD + f"  - {test}\n") == [code]
