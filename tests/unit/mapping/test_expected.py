"""`source.expect`: its words, its mistakes, and the form of names."""

from datetime import date, timedelta

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.plan import Plan
from pipeline.model.expectation import Act, NameForm, NameMistake


def compiled(source: str) -> Plan:
    text = (
        f"version: 1\nname: a\nsource: {{{source}}}\n"
        "order: {order_number: A, destination_country_iso3: B, recipient_email: C}\n"
    )
    return compile_mapping(text, "a.yaml").plan


def mistakes(keys: str) -> list[tuple[str, str, str]]:
    with pytest.raises(MappingRefused) as refused:
        compiled(f"expect: {{{keys}}}")
    return [(each.code, each.message, each.help) for each in refused.value.mistakes]


def test_without_a_word_nothing_is_expected() -> None:
    assert compiled("files: x.csv").expects is None


def test_all_words() -> None:
    expects = compiled(
        'expect: {name: "o_{date:%d.%m.%Y}.csv", day: yesterday, days: [mon, wed-thu], min_rows: 7, '
        "max_age: 90m, on_broken: warn, on_missing: warn}"
    ).expects

    assert expects is not None
    assert (expects.days_back, expects.weekdays, expects.min_rows) == (1, frozenset({0, 2, 3}), 7)
    assert (expects.max_age, expects.on_broken, expects.on_missing) == (
        timedelta(minutes=90), Act.WARN, Act.WARN,
    )  # fmt: skip


def test_the_form_of_names_says_which_files_are_read_unless_files_does() -> None:
    assert compiled('expect: {name: "o_{date}.csv"}').source.files == "o_*.csv"
    assert compiled('files: "*.csv", expect: {name: "o_{date}.csv"}').source.files == "*.csv"


@pytest.mark.parametrize(
    ("keys", "code", "message", "help_"),
    [
        ("min_rows: 0", "M103", "min_rows takes 1 or more", "leave it out where a file may be empty"),
        ("max_age: 26", "M103", "max_age takes a length of time", "such as 90m, 26h or 2d"),
        ("max_age: 0h", "M103", "max_age takes a length of time", "such as 90m, 26h or 2d"),
        ("name: x, days: mon-fry", "M104", "unknown day fry", "did you mean fri?"),
        ("days: mon", "M215", "days does nothing without a name: no file is missed",
         'add `name: "orders_{date:%Y%m%d}.csv"`'),
        ("min_row: 3", "M100", 'unknown key "min_row"', 'did you mean "min_rows"?'),
        ("on_broken: stopp", "M104", '"stopp" is not one of the words for on_broken', 'did you mean "stop"?'),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_what_helps(keys: str, code: str, message: str, help_: str) -> None:
    assert mistakes(keys) == [(code, message, help_)]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("{date}{date}", "has two dates"),
        ("{day}.csv", "has a brace that is no {date:…}"),
        ("in/{date}.csv", "names a folder"),
        ("{date:%Y}.csv", "has a date without a year, a month and a day"),
        ("{date:%Y%b%d}.csv", "has a date with %b"),
    ],
)
def test_forms_that_cannot_work(written: str, why: str) -> None:
    with pytest.raises(NameMistake, match=f"^{why}$"):
        NameForm.of(written)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("o_20261119.csv", date(2026, 11, 19)),
        ("o_20261319.csv", None),
        ("o_20260229.csv", None),
        ("o_202611190.csv", None),
        ("xo_20261119.csv", None),
        ("o_20261119.csv.bak", None),
        ("o_2026111٩.csv", None),  # digits of another script
    ],
)
def test_the_day_in_a_name(name: str, day: date | None) -> None:
    assert NameForm.of("o_{date:%Y%m%d}.csv").day_of(name) == day


def test_text_of_a_form_is_no_pattern() -> None:
    assert not NameForm.of("a+(b)_{date}.csv").fits("aab_20261119.csv")
    assert NameForm.of("a+(b)_{date}.csv").fits("a+(b)_20261119.csv")


def test_a_trailer_and_the_columns_it_needs() -> None:
    plan = compiled('expect: {trailer: {first_cell: " T ", rows: 2, totals: {Amount: 3}}}')

    assert plan.source.trailer == "T"
    assert "Amount" in plan.reads


@pytest.mark.parametrize(
    ("keys", "code", "message"),
    [
        ("trailer: {rows: 2}", "M102", 'the key "first_cell" is missing here'),
        ('trailer: {first_cell: " "}', "M103", "first_cell takes a text that can be seen"),
        ("trailer: {first_cell: T, rows: 1}", "M103", "rows takes the number of a cell"),
        ("trailer: {first_cell: T, totals: {A: 0}}", "M103", "A takes the number of a cell"),
        ("trailer: {first_cell: T, totals: {_A: 3}}", "M202", '"_A" starts with an underscore'),
    ],
)
def test_mistakes_of_a_trailer(keys: str, code: str, message: str) -> None:
    assert [each[:2] for each in mistakes(keys)] == [(code, message)]


def test_of_edi_files_everything_but_a_trailer_can_be_expected() -> None:
    edi = """version: 1
name: asn
mode: update_only
source: {format: x12, transaction: "856", expect: {%s}}
extract: {columns: {no: O/PRF.1}}
order: {order_number: no}
"""
    plan = compile_mapping(edi % "min_rows: 5, max_age: 2d, name: 'x*'", "asn.yaml").plan

    assert plan.expects is not None
    assert (plan.expects.min_rows, plan.source.files) == (5, "x*")
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(edi % "trailer: {first_cell: T}", "asn.yaml")
    assert [(each.code, each.message) for each in refused.value.mistakes] == [
        ("M215", "an interchange has no such trailer")
    ]
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(edi % "last_line_end: true", "asn.yaml")
    assert [(each.code, each.message) for each in refused.value.mistakes] == [
        ("M215", "last_line_end is of text files: the end of EDI is checked anyway")
    ]
