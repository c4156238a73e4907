"""VALUE forms: what becomes of a cell, cell by cell."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.origin import KEY
from tests.unit.mapping.bench import codes, compiled, mapping, one, through

# -- steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "cell", "value"),
    [
        ("strip", "\u00a0x ", "x"),
        ("bare", "'75008", "75008"),
        ("bare", '="00123"', "00123"),
        ("bare", "\t\u00a0'90s ", "90s"),
        ("bare", "O'Brien", "O'Brien"),
        ("bare", "''x'", "'x'"),  # one mark is one; what follows is the text's
        ("bare", '=""', None),
        ("bare", '="a"&"b"', '="a"&"b"'),  # a formula is none of them
        ("upper", "straße", "STRASSE"),
        ("lower", "ÄB", "äb"),
        ("digits", "+49 (0)89-12", "4908912"),
        ("digits", "٣ x", None),  # digits of other scripts are none
        ("collapse", " a \t b\u00a0 c ", "a b c"),
        ('{pad_left: [5, "0"]}', "1067", "01067"),
        ('{pad_left: [5, "0"]}', "123456", "123456"),
        ('{pad_left: [3, "ä"]}', "x", "ääx"),
        ("{slice: [0, 3]}", "abcdef", "abc"),
        ("{slice: [2, 4]}", "abcdef", "cd"),
        ("{slice: [2]}", "abcdef", "cdef"),
        ("{slice: [-2]}", "abcdef", "ef"),
        ("{slice: [-9]}", "abc", "abc"),
        ("{slice: [-4, -1]}", "abcdef", "cde"),
        ("{slice: [-9, -1]}", "abc", "ab"),
        ("{slice: [1, -1]}", "abcdef", "bcde"),
        ("{slice: [9, 12]}", "abc", None),  # what becomes empty is no value
        ('{replace: [" ", ""]}', "1Z 99 9", "1Z999"),
        ('{replace: [".", "$0"]}', "a.b", "a$0b"),
        ("{regex: '^K([0-9]+)'}", "K12x", "12"),
        ("{regex: '[0-9]+'}", "K12x", "12"),
        ("{regex: '^K([0-9]+)'}", "X12", "R208"),
        ("{regex: '^(a+)+$'}", "a" * 40 + "b", "R208"),  # and at once
    ],
)
def test_steps(step: str, cell: str, value: str | None) -> None:
    assert one(f"{{from: A, do: [{step}]}}", cell, "trim: false") == value


@given(st.text("abcß", max_size=8), st.integers(-9, 9), st.integers(-9, 9))
def test_slices_are_those_of_python(text: str, start: int, stop: int) -> None:
    written = f"{{from: A, do: [{{slice: [{start}, {stop}]}}]}}"
    empty = (start < 0) is (stop < 0) and start >= stop
    if empty or start < 0 <= stop:
        assert codes(mapping(f"channel: {written}")) == ["M208"]
    else:
        assert one(written, text) == (text[start:stop] or None)


def test_steps_work_in_order_and_an_empty_cell_stays_empty() -> None:
    assert one("{from: A, do: [upper, {slice: [0, 2]}, {replace: [A, x]}]}", "abc") == "xB"
    assert one("{from: A, do: [upper, {regex: X}]}", "") is None


# -- numbers ----------------------------------------------------------------------------------

MARKS = {"none": "", "'.'": ".", "','": ",", '"\'"': "'", "’": "’", "' '": " ", '"\\u00a0"': "\u00a0", '"\\u202f"': "\u202f"}  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_thousands_of_every_mark(mark: str) -> None:
    point = "," if mark == "'.'" else "."
    source = f"decimal: '{point}', thousands: {mark}, trim: false"
    sign = MARKS[mark]
    assert one("A", f"1{sign}234{sign}567{point}5", source, "order_total_amount") == Decimal(
        "1234567.5"
    )
    assert one("A", f"-12{point}50", source, "order_total_amount") == Decimal("-12.5")
    if sign:
        for wrong in (
            f"1{sign}23{point}5",
            f"12{sign}3456",
            f"1{sign}{sign}234",
            f"{sign}123",
            f"1{point}2{sign}345",
        ):
            assert one("A", wrong, source, "order_total_amount") == "R201"


@pytest.mark.parametrize(
    "cell",
    ["NaN", "nan", "inf", "Infinity", "1e5", "0x1F", "1_000", "½", "−5", "5-", "--5", "+-5", "1,", ",5", "1,2,3",
     "٣", "\uff13", "12\u0663", "1 000", "EUR 5", "5 EUR", "²"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["order_total_amount", "{as: integer}", "{as: decimal}"])
def test_what_only_looks_like_a_number_is_never_taken(cell: str, field: str) -> None:
    if field.startswith("{"):
        text = mapping(f"additional_attributes: {{a: {{from: A, {field[1:-1]}}}}}", "decimal: ','")
        _, found = through(text, {"A": cell})
        assert [(code, value) for _, code, _, value in found] == [("R201", cell)]
    else:
        assert one("A", cell, "decimal: ','", field) == "R201"


@given(st.text(st.characters(categories=["Nd", "Nl", "No"]), min_size=1, max_size=6))
def test_digits_of_other_scripts_are_no_number(text: str) -> None:
    plain = text.isascii()
    assert (one("A", text, "", "order_total_amount") == "R201") is not plain


def attribute(kind: str, cell: str, source: str = "") -> Any:  # noqa: ANN401
    table, found = through(
        mapping(f"additional_attributes: {{a: {{from: A, as: {kind}}}}}", source), {"A": cell}
    )
    return found[0][1] if found else table["order.additional_attributes.a"][0]


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("integer", "007", 7), ("integer", "+7", 7), ("integer", "-0", 0), ("integer", "2,000", 2),
        ("integer", "2,5", "R205"), ("integer", "9" * 18, int("9" * 18)), ("integer", "9" * 19, "R210"),
        ("integer", "9" * 400, "R210"), ("decimal", "1,123456", Decimal("1.123456")),
        ("decimal", "1,1234560000", Decimal("1.123456")), ("decimal", "1,1234567", "R204"),
        ("decimal", "9" * 18, Decimal("9" * 18)), ("decimal", "9" * 19, "R210"),
        ("decimal", "0" * 30 + "5", Decimal(5)), ("boolean", "Ja", True), ("boolean", "N", False),
        ("boolean", "vielleicht", "R206"), ("boolean", "2", "R206"), ("text", "007", "007"),
        ("country", "de", "DEU"), ("country", "DEU", "DEU"), ("country", "Germany", "R203"),
    ],
)  # fmt: skip
def test_types(kind: str, cell: str, value: object) -> None:
    assert attribute(kind, cell, "decimal: ','") == value


def test_money_takes_two_decimals_and_zeros() -> None:
    assert one("A", "12.500", "", "order_total_amount") == Decimal("12.5")
    assert one("A", "12.505", "", "order_total_amount") == "R204"


# -- dates ------------------------------------------------------------------------------------

BERLIN = "timezone: Europe/Berlin"


@pytest.mark.parametrize(
    ("form", "cell", "value"),
    [
        ("%d.%m.%Y", "1.2.2026", date(2026, 2, 1)), ("%d.%m.%Y", "31.02.2026", "R202"),
        ("%d.%m.%Y", " 1. 2. 2026", "R202"), ("%d.%m.%Y", "01.02.26", "R202"), ("%d.%m.%Y", "٠١.02.2026", "R202"),
        ("%d.%m.%Y", "01.02.2026 ", date(2026, 2, 1)), ("%Y-%m-%d", "+2026-01-02", "R202"),
        ("%Y-%m-%d", "2026-01-02T00:00", "R202"), ("%Y%m%d", "20260102", date(2026, 1, 2)),
        ("%Y%m%d", "2026112", "R202"), ("%d.%m.%y", "01.02.69", date(2069, 2, 1)),
        ("%d.%m.%y", "01.02.70", date(1970, 2, 1)), ("%d.%m.%Y", "01.02.1899", "R202"),
        ("%d.%m.%Y", "01.02.2101", "R202"), ("%d %b %Y", "3 Nov 2026", date(2026, 11, 3)),
        ("%d %b %Y", "3 nov 2026", date(2026, 11, 3)), ("%B %d, %Y", "May 3, 2026", date(2026, 5, 3)),
        ("%a %d.%m.%Y", "Fri 20.11.2026", date(2026, 11, 20)), ("%a %d.%m.%Y", "Mon 20.11.2026", "R202"),
        ("%Y-%j", "2026-324", date(2026, 11, 20)), ("%F", "2026-1-2", "R202"), ("%e.%m.%Y", " 3.11.2026", date(2026, 11, 3)),
        ("%d.%m.%Y %H:%M", "20.11.2026 23:59", date(2026, 11, 20)),
        ("%FT%T%z", "2026-11-20T23:30:00-05:00", date(2026, 11, 20)),
    ],
)  # fmt: skip
def test_dates(form: str, cell: str, value: object) -> None:
    assert one(f"{{from: A, format: '{form}'}}", cell, "", "announced_delivery_date") == value


@pytest.mark.parametrize(
    ("form", "cell", "value"),
    [
        ("%FT%T%z", "2026-11-20T10:00:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("%FT%T%z", "2026-11-20T10:00:00+01:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("%FT%T%z", "2026-11-20T10:00:00+0130", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("%FT%T%z", "2026-11-20T10:00:00", "R202"),
        ("%FT%T%z", "0001-11-20T10:00:00Z", "R202"),
        ("%FT%T%.f%:z", "2026-11-20T10:00:00.5+01", datetime(2026, 11, 20, 9, 0, 0, 500000, tzinfo=UTC)),
        ("%F %R", "2026-11-20 10:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("%F %R", "2026-07-20 10:00", datetime(2026, 7, 20, 8, tzinfo=UTC)),
        ("%F %R", "2026-03-29 02:30", "R207"), ("%F %R", "2026-10-25 02:30", "R207"), ("%F %R", "2026-11-20 24:00", "R202"),
        ("%d.%m.%Y", "20.11.2026", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("%m/%d/%Y %I:%M %p", "11/20/2026 1:05 pm", datetime(2026, 11, 20, 12, 5, tzinfo=UTC)),
        ("%Y%m%d%H%M%S", "20261120101112", datetime(2026, 11, 20, 9, 11, 12, tzinfo=UTC)),
        ("%F %T,%3f", "2026-11-20 10:00:00,123", datetime(2026, 11, 20, 9, 0, 0, 123000, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_moments(form: str, cell: str, value: object) -> None:
    assert one(f"{{from: A, format: '{form}'}}", cell, BERLIN, "order_date") == value


@pytest.mark.parametrize(("ambiguous", "hour"), [("earliest", 0), ("latest", 1)])
def test_the_hour_that_occurs_twice_is_taken_as_declared(ambiguous: str, hour: int) -> None:
    source = f"{BERLIN}, ambiguous: {ambiguous}, dates: '%F %R'"
    assert one("A", "2026-10-25 02:30", source, "order_date") == datetime(
        2026, 10, 25, hour, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("form", ["%s", "%F %T %Z", "%F %q", "%F %", "%F %H", "%F %M", "%R", "%d.%m.", "%F %I:%M", "%F %R %p",
                                  "%F %T,%f", "%G-W%V", "%F %Y", "%D", ""])  # fmt: skip
def test_formats_that_would_guess_are_refused(form: str) -> None:
    assert codes(mapping(f"order_date: {{from: A, format: '{form}'}}", BERLIN)) == ["M212"]


def test_a_declared_date_feeds_dates_and_moments() -> None:
    text = mapping(
        "order_date: A, announced_delivery_date: A, channel: A",
        f"{BERLIN}, dates: '%d.%m.%Y', columns: {{A: date}}",
    )
    table, found = through(text, {"A": "20.11.2026"})
    assert found == []
    assert table["order.order_date"] == [datetime(2026, 11, 19, 23, tzinfo=UTC)]
    assert table["order.announced_delivery_date"] == [date(2026, 11, 20)]
    assert table["order.channel"] == ["20.11.2026"]


# -- origins ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [("x", "y", "(x, y)"), ("x", "", "(x"), ("", "y", "(y)"), ("", "", None)],
)
def test_templates_close_the_gaps_of_empty_parts(a: str, b: str, value: str | None) -> None:
    table, _ = through(mapping('channel: {template: "({A}, {B})"}'), {"A": a, "B": b})
    assert table["order.channel"] == [value]


def test_a_cell_that_looks_like_a_template_or_code_is_text() -> None:
    cell = "{0.__class__} {{7*7}} ${x} '; DROP TABLE x; --"
    assert one('{template: "{A}"}', cell) == cell
    assert one("{sql: \"A || ''\"}", cell) == cell


def test_first_of_takes_fixed_text_in_plain_notation_beside_cells_in_that_of_the_file() -> None:
    value = "{first_of: [A, {value: '12.50'}]}"
    assert one(value, "1.299,00", "decimal: ',', thousands: '.'", "order_total_amount") == Decimal(
        1299
    )
    assert one(value, "", "decimal: ',', thousands: '.'", "order_total_amount") == Decimal("12.5")
    assert one(value, "x", "decimal: ','", "order_total_amount") == "R201"


def test_a_value_that_is_not_needed_cannot_fail() -> None:
    text = mapping("channel: {first_of: [A, {from: B, lookup: t}]}", lookups="{t: {x: y}}")
    table, found = through(
        text, {"A": "a", "B": "unknown"}, {"A": "", "B": "x"}, {"A": "", "B": "unknown"}
    )
    assert table["order.channel"] == ["a", "y", None]
    assert found == [(4, "R401", "A", "unknown")]


def test_steps_lookup_and_default_beside_cases_work_on_what_the_case_picked() -> None:
    value = "{cases: [{when: \"A LIKE 'x%'\", from: A}, {value: other}], do: [upper], lookup: t, default: none}"
    text = mapping(f"channel: {value}", lookups="{t: {X1: one, OTHER: two, X0: ''}}")
    table, found = through(text, {"A": "x1"}, {"A": "q"}, {"A": "x0"}, {"A": "x9"})
    assert table["order.channel"] == ["one", "two", "none", None]
    assert found == [(5, "R401", "A", "x9")]


def test_fixed_text_of_a_case_is_judged_with_what_follows() -> None:
    value = "{cases: [{when: \"A = 'x'\", from: A}, {value: other}], lookup: t}"
    assert codes(mapping(f"channel: {value}", lookups="{t: {x: y}}")) == ["M211"]


def test_defaults_and_conditions_inside_cases_hold_for_their_case() -> None:
    value = "{cases: [{when: \"B = '1'\", from: A, default: d}, {from: C}]}"
    rows = [{"B": "1", "A": "a"}, {"B": "1"}, {"B": "2", "C": "c"}, {"B": "2"}]
    assert through(mapping(f"channel: {value}"), *rows)[0]["order.channel"] == ["a", "d", "c", None]


def test_a_default_fills_empty_cells_but_no_faulty_ones() -> None:
    value = "{from: A, default: DEU}"
    assert one(value, "", "", "destination_country_iso3") == "DEU"
    assert one(value, "fr", "", "destination_country_iso3") == "FRA"
    assert one(value, "Q", "", "destination_country_iso3") == "R203"


def test_when_decides_over_value_default_and_fault() -> None:
    value = "{from: A, when: \"B = 'x'\", default: DEU}"
    rows = [{"A": "fr", "B": "x"}, {"B": "x"}, {"A": "fr"}, {"A": "Q"}]
    table, found = through(mapping(f"destination_country_iso3: {value}"), *rows)
    assert table["order.destination_country_iso3"] == ["FRA", "DEU", None, None]
    assert found == []


def test_on_error_null_drops_the_value_with_a_warning() -> None:
    assert one("{from: A, on_error: null}", "x", "", "order_total_amount") == "R324"


def test_lookups_keep_or_reject_and_empty_means_no_value() -> None:
    table = "{t: {NO: Norway, 01067: Dresden, '': never, X: ''}}"
    assert one("{from: A, lookup: t}", "NO", lookups=table) == "Norway"
    assert one("{from: A, lookup: t}", "01067", lookups=table) == "Dresden"
    assert one("{from: A, lookup: t}", "X", lookups=table) is None
    assert one("{from: A, lookup: t}", "1067", lookups=table) == "R401"
    assert one("{from: A, lookup: t, unknown: keep}", "1067", lookups=table) == "1067"
    assert one("{from: A, lookup: t}", "", lookups=table) is None


@pytest.mark.parametrize(
    "data",
    [b"code,name\nDHL,x\n", b"\xef\xbb\xbfcode,name\r\nDHL,x\r\n", b'name,code,more\nx," DHL ",1\n,,\n\n',
     b"code,name\nDHL,x\nDHL,x\n", b'code,name\n"D,1","a\nb"\nDHL,x\n'],
)  # fmt: skip
def test_lookup_files(data: bytes) -> None:
    text = mapping(
        "channel: {from: A, lookup: t}", lookups="{t: {file: t.csv, key: code, value: name}}"
    )
    assert through(text, {"A": "DHL"}, t=data)[0]["order.channel"] == ["x"]


COURIERS = b"""\
courier,code,agency,number
dhl,31,87,
gls,31,ZZZ,
gls,GLS,,[0-9]{11}
dpd,,,[0-9]{14}
ups,,,1Z[0-9A-Z]{16}
tnt,,,GE[0-9]{9}|[0-9]{14}
"""


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("31:87", "dhl"),
        ("31:ZZZ", "gls"),
        ("GLS", "gls"),
        ("31", "R401"),
        ("12345678901", "R401"),
    ],
)
def test_a_lookup_file_may_have_several_key_columns_and_rows_of_other_tables(
    cell: str, found: str
) -> None:
    lookup = "{t: {file: t.csv, key: [code, agency], value: courier, empty_keys: skip}}"
    text = mapping("channel: {from: A, lookup: t}", lookups=lookup)
    table, findings = through(text, {"A": cell}, t=COURIERS)
    assert (findings[0][1] if findings else table["order.channel"][0]) == found


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("1Z999AA10123456784", "ups"),
        ("12345678901", "gls"),
        ("x1Z999AA10123456784", "R401"),  # the whole text, not a part
        ("GE123456789", "tnt"),
        ("GE123456789\n", "tnt"),  # blanks around a cell are none of it
        ("12345678901234", "R401"),  # two couriers have such numbers: neither is taken
        ("", None),
    ],
)
def test_keys_of_a_lookup_may_be_patterns(cell: str, found: str | None) -> None:
    lookup = "{t: {file: t.csv, key: number, value: courier, match: pattern, empty_keys: skip}}"
    text = mapping("channel: {from: A, lookup: t}", lookups=lookup)
    table, findings = through(text, {"A": cell}, t=COURIERS)
    assert (findings[0][1] if findings else table["order.channel"][0]) == found
    kept = mapping("channel: {from: A, lookup: t, unknown: keep}", lookups=lookup)
    table, _ = through(kept, {"A": cell}, t=COURIERS)
    assert table["order.channel"][0] == (cell.strip() or None if found == "R401" else found)


def test_what_a_lookup_does_not_know_may_be_no_value() -> None:
    chain = "{first_of: [{from: A, lookup: t, unknown: empty}, {from: B, lookup: u}]}"
    text = mapping(f"channel: {chain}", lookups="{t: {a: one}, u: {b: two}}")
    table, found = through(text, {"A": "a", "B": "b"}, {"A": "x", "B": "b"}, {"A": "x", "B": "y"})
    assert table["order.channel"] == ["one", "two", None]
    assert found == [(4, "R401", "A", "y")]


def test_a_pattern_that_is_none_is_a_mistake_of_its_file() -> None:
    lookup = "{t: {file: t.csv, key: number, value: courier, match: pattern}}"
    text = mapping("channel: {from: A, lookup: t}", lookups=lookup)
    assert codes(text, t=b"number,courier\n(1Z,ups\n") == ["M206"]


def test_lookup_files_in_other_encodings() -> None:
    lookup = "{t: {file: t.csv, key: code, value: name, encoding: cp1252, delimiter: ';'}}"
    text = mapping("channel: {from: A, lookup: t}", lookups=lookup)
    assert through(text, {"A": "ä"}, t="code;name\nä;ß\n".encode("cp1252"))[0]["order.channel"] == [
        "ß"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "../x.csv",
        "a/../../x.csv",
        "/etc/passwd",
        "C:/x.csv",
        "..",
        "~/x.csv",
        '"a\\\\b.csv"',
        '"a\\0b"',
        "file:///etc/passwd",
    ],
)
def test_lookup_files_outside_the_folder_are_never_asked_for(name: str) -> None:
    text = mapping(
        "channel: {from: A, lookup: t}", lookups=f"{{t: {{file: {name}, key: a, value: b}}}}"
    )
    assert codes(text, etc=b"", x=b"") == ["M206"]  # any other name would be a KeyError


# -- columns ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Order",
        "select",
        "a b",
        "x.y",
        "Größe",
        "lines",
        "order.channel",
        "'",
        "0",
        "a,b",
        "$x",
        "日本",
    ],
)
def test_any_name_can_be_a_column(name: str) -> None:
    sql = name.replace('"', '""')
    text = mapping(
        f'channel: {{from: "{name}"}}, customer_number: {{template: "{{{name}}}-1"}}, '
        f"invoice_number: {{sql: '\"{sql.replace(chr(39), chr(39) * 2)}\" || ''x'''}}, client_key: \"{name}\"".replace(
            "''x''", "''x''"
        )
    )
    table, found = through(text, {name: "v"})
    assert found == []
    assert [
        table[f"order.{f}"][0]
        for f in ("channel", "customer_number", "invoice_number", "client_key")
    ] == ["v", "v-1", "vx", "v"]


def test_a_column_with_a_quote_in_its_name() -> None:
    text = mapping("channel: 'a\"b', invoice_number: {sql: '\"a\"\"b\" || ''x'''}")
    assert through(text, {'a"b': "v"})[0]["order.invoice_number"] == ["vx"]


def test_declared_columns_are_typed_in_sql_and_text_elsewhere() -> None:
    text = mapping(
        'channel: {template: "{A}-{B}"}, order_total_amount: {sql: "A * B"}, customer_number: {sql: "A * B"}, '
        'additional_attributes: {n: {sql: "A + 1"}, t: A, yes: {sql: "A > 1"}}',
        "decimal: ',', columns: {A: integer, B: decimal}",
    )
    table, found = through(text, {"A": "02", "B": "1,50"})
    assert found == []
    assert table["order.channel"] == ["02-1,50"]
    assert table["order.order_total_amount"] == [Decimal(3)]
    assert table["order.customer_number"] == ["3"]
    assert table["order.additional_attributes.n"] == [3]
    assert table["order.additional_attributes.t"] == ["02"]
    assert table["order.additional_attributes.yes"] == [True]


def test_a_bad_cell_of_a_declared_column_is_named_once() -> None:
    text = mapping("order_total_amount: A, channel: {sql: \"A || 'x'\"}", "columns: {A: decimal}")
    _, found = through(text, {"A": "x"})
    assert found == [(2, "R201", "A", "x")]


def test_a_product_that_does_not_fit_is_a_finding_of_its_row() -> None:
    text = mapping('order_total_amount: {sql: "A * A"}', "columns: {A: decimal}")
    table, found = through(text, {"A": "9" * 18}, {"A": "2"})
    assert table["order.order_total_amount"] == [None, Decimal(4)]
    assert found == [(2, "R210", "A", "9" * 18)]


def test_derived_columns_keep_their_type_and_see_those_above_them() -> None:
    text = mapping(
        'order_total_amount: total, customer_number: label, channel: {cases: [{when: "total > 2", value: big}, {value: small}]}',
        "decimal: ',', columns: {A: integer, B: decimal}",
        derive='{total: {sql: "A * B"}, label: {template: "T{total}"}}',
    )
    table, found = through(text, {"A": "2", "B": "1,50"}, {"A": "1", "B": "1"})
    assert found == []
    assert table["order.order_total_amount"] == [Decimal(3), Decimal(1)]
    assert table["order.channel"] == ["big", "small"]


@pytest.mark.parametrize("key", ["Nr", "[Nr, B]", "d", "n", "[d, n]"])
def test_keys_of_file_typed_and_derived_columns(key: str) -> None:
    text = mapping(
        "", "columns: {n: integer}", rows=f"{{key: {key}}}", derive='{d: {template: "{B}-{Nr}"}}'
    )
    table, _ = through(
        text, {"Nr": "1", "B": "x", "n": "07"}, {"Nr": "1", "B": "x", "n": "07"}, {"Nr": "2"}
    )
    assert table[KEY][0] == table[KEY][1]
    assert table[KEY][0] != table[KEY][2]


def test_a_row_with_an_empty_key_is_named() -> None:
    _, found = through(mapping(rows="{key: [Nr, B]}"), {"Nr": "1", "B": ""})
    assert [finding[1:3] for finding in found] == [("R209", "Nr, B")]


def test_blanks_around_a_cell_are_no_data_unless_the_mapping_says_so() -> None:
    assert one("A", "  x ") == "x"
    assert one("A", "  ") is None
    assert one("A", "  x ", "trim: false") == "  x "
    assert one("A", "NULL", "null_values: ['NULL', '-']") is None


def test_texts_that_mean_nothing_may_do_so_in_one_column() -> None:
    nulls = "null_values: {A: ['0000-00-00', '-'], '*': 'NULL'}"
    assert one("A", "0000-00-00", nulls) is None
    assert one("A", " NULL ", nulls) is None
    assert one("A", "-", "null_values: {Nr: ['-']}") == "-"
    assert one("A", "NA", nulls) == "NA"  # Namibia, and many an article
    assert one("A", "", "null_values: {Nr: ['-']}") is None
    text = mapping("channel: A", source="null_values: {AA: ['-']}")
    assert codes(text, ["Nr", "A"]) == ["M201"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("20.11.2026", date(2026, 11, 20)),
        ("2026-11-20", date(2026, 11, 20)),
        ("20.11.26", date(2026, 11, 20)),
        ("20261120", "R202"),
        ("2026-13-01", "R202"),
    ],
)
def test_of_several_formats_the_first_counts_that_fits(cell: str, value: object) -> None:
    formats = '["%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y"]'
    day = "announced_delivery_date"
    assert one(f"{{from: A, format: {formats}}}", cell, "", day) == value
    assert one("A", cell, f"dates: {formats}", day) == value


def test_a_time_that_does_not_exist_is_not_read_by_the_next_format() -> None:
    formats = '["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]'
    value, at = f"{{from: A, format: {formats}}}", "order_date"
    assert one(value, "29/03/2026 02:30", BERLIN, at) == "R207"
    assert one(value, "04/03/2026 12:00", BERLIN, at) == datetime(2026, 3, 4, 11, tzinfo=UTC)
    assert one(value, "12/31/2026 12:00", BERLIN, at) == datetime(2026, 12, 31, 11, tzinfo=UTC)


def test_a_header_is_optional_and_unused_columns_are_fine() -> None:
    text = mapping("channel: A")
    assert compiled(text).plan.reads == ("A", "Nr")
    assert compiled(text, ["Nr", "A", "B", "_id", "*"]).plan.reads == ("A", "Nr")
    assert codes(text, ["Nr"]) == ["M201"]


def test_what_sql_gives_must_fit_its_target() -> None:
    source = "columns: {A: decimal, B: integer}"
    half = mapping(
        'order_total_amount: {sql: "A / 3"}, additional_attributes: {n: {sql: "B / 2", as: integer}}',
        source,
    )
    table, found = through(half, {"A": "3", "B": "4"}, {"A": "1", "B": "3"})
    assert table["order.order_total_amount"][0] == Decimal(1)
    assert table["order.additional_attributes.n"] == [2, None]
    assert [finding[:3] for finding in found] == [(3, "R204", "A"), (3, "R205", "B")]


CENTS = mapping('order_total_amount: {sql: "A / 100"}', "columns: {A: integer}")


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1234", "12.34"), ("-5", "-0.05"), ("7", "0.07"), ("0", "0.00"), ("", None),
        # 10 digits are more than a binary fraction has of 12345678.91
        ("1234567891", "12345678.91"), ("9999999999", "99999999.99"), ("-9999999901", "-99999999.01"),
    ],
)  # fmt: skip
def test_money_in_cents_is_exact(cell: str, amount: str | None) -> None:
    table, found = through(CENTS, {"A": cell})

    assert table["order.order_total_amount"] == [amount if amount is None else Decimal(amount)]
    assert found == []


@pytest.mark.parametrize(
    ("cell", "code"), [("12.5", "R205"), ("12,34", "R201"), ("EUR 12", "R201")]
)
def test_what_is_no_number_of_cents_is_a_finding(cell: str, code: str) -> None:
    assert through(CENTS, {"A": cell})[1] == [(2, code, "A", cell)]


@pytest.mark.parametrize(
    ("price", "pieces", "each"),
    [
        ("10.00", "3", "3.33"), ("20.00", "3", "6.67"), ("-10.00", "3", "-3.33"),
        ("0.05", "2", "0.03"), ("0.15", "2", "0.08"), ("-0.05", "2", "-0.03"),  # halves away from zero
        ("99999999.99", "7", "14285714.28"), ("10.00", "0", None), ("10.00", "", None), ("", "3", None),
    ],
)  # fmt: skip
def test_the_price_of_one_is_rounded_where_the_mapping_says_so(
    price: str, pieces: str, each: str | None
) -> None:
    fields = '{line_item_id: Nr, unit_price: {sql: "ROUND(A / NULLIF(B, 0), 2)"}}'
    text = mapping(
        source="columns: {A: decimal, B: integer}", lines=f"{{send: always, fields: {fields}}}"
    )

    table, found = through(text, {"A": price, "B": pieces})
    exact, unrounded = through(
        text.replace("ROUND(A / NULLIF(B, 0), 2)", "A / NULLIF(B, 0)"), {"A": price, "B": pieces}
    )

    assert table["lines.unit_price"] == [each if each is None else Decimal(each)]
    assert found == []
    assert [code for _, code, _, _ in unrounded] == (
        ["R204"] if pieces in {"3", "7"} and price else []
    )
    assert exact["lines.unit_price"] == [None] or unrounded == []


def test_a_declared_moment_is_a_local_day_where_a_date_is_asked_for() -> None:
    source = "timezone: Europe/Berlin, columns: {A: datetime}"
    text = mapping("announced_delivery_date: A", source)
    assert through(text, {"A": "2026-11-20T23:30:00Z"})[0]["order.announced_delivery_date"] == [
        date(2026, 11, 21)
    ]
