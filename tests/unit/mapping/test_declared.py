"""What a mapping may say of how delimited text is written, and what is said of what it may not."""

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused

TEXT = "version: 1\nname: m\nmode: update_only\nsource: {%s}\norder: {order_number: Nr}\n"


def mistakes(source: str) -> list[tuple[str, str, str]]:
    """Compile a mapping with such a source; give the code, the words and the hint of each mistake."""
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(TEXT % source, "m.yaml", header=("Nr", "Street", "Zip"))
    return [(each.code, each.message, each.help) for each in refused.value.mistakes]


@pytest.mark.parametrize(
    ("source", "code", "message", "hint"),
    [
        ("delimeter: ';'", "M100", 'unknown key "delimeter"', 'did you mean "delimiter"?'),
        ("fallback_encodings: [cp1522]", "M104", '"cp1522" is not an encoding', "such as utf-8"),
        ("escape: n", "M103", "the escape 'n' is not one ASCII character", "write the one character"),
        ("escape: '\"'", "M103", "the escape '\"' is another mark, too", "leave it out"),
        ("record_end: '~~'", "M103", "the record's end '~~' can overlap with itself", "shortest"),
        ("record_end: '\\x1e'", "M103", "the record's end is the letters \\x1e", "in double quotes"),
        ("record_end: none", "M215", "`record_end: none` is of fixed-width text", "remove it"),
        ("skip_lines: 2000", "M103", "skip_lines takes a number from 0 to 1000", "such as 3"),
        ("skip_lines: two", "M103", "skip_lines takes a whole number", "such as"),
        ("names: [Nr, Nr]", "M203", '"Nr" names two columns', "a name of its own"),
        ("names: [Nr], find_header: [Nr]", "M215", "a file with `names` has no header", "keep"),
        ("footer: '('", "M209", "this pattern is not valid", ""),
        ("comment: \"\\n\"", "M103", "a comment's beginning has no line break", "such as"),
        ("footer: ''", "M103", "footer means every line", "such as"),
        ("footer: '.*'", "M103", "footer means every line", "such as"),
        ("delimiter: ';', comment: ''", "M103", "comment takes the text that such lines begin with", 'such as "#"'),
        ("delimiter: ';', footer: 'T;|Total', expect: {trailer: {first_cell: T}}", "M215", "`footer` means the trailer, too", "remove it"),
        ("comment: '#', expect: {trailer: {first_cell: '#END'}}", "M215", "the trailer #END begins like the lines", "remove"),
        ("delimiter: ';', expect: {trailer: {first_cell: 'T;2'}}", "M103", "first_cell is one cell, without the delimiter ';'", 'such as "T"'),
        ("expect: {name: ''}", "M103", "name is empty", "such as"),
        ("files: 'ord_*.csv', expect: {name: 'orders_{date}.csv'}", "M215", 'no file is meant by "ord_*.csv" and called "orders_', 'is "orders_*.csv" then'),
        ("format: excel", "M104", '"excel" is not one of the words for format', "leave it out: a workbook"),
        ("format: XLSX", "M104", '"XLSX" is not one of the words for format', "leave it out: a workbook"),
        ("repair: {joined: [Street], fits: {Zip: '[0-9]+'}}", "M100", 'unknown key "joined"', 'did you mean "join"?'),
        ("repair: {too_few: fill}", "M104", '"fill" is not one of the words', "fill_empty"),
        ("repair: {join: [Street]}", "M103", "nothing tells whether a row that is joined", "fits"),
        ("repair: {fits: {Zip: '[0-9]+'}}", "M215", "`fits` is of rows that are joined", "join"),
        ("repair: {join: [Stret], fits: {Zip: '[0-9]+'}}", "M201", 'unknown column "Stret"', "Street"),
        ("repair: {join: [Street], fits: {Zap: '[0-9]+'}}", "M201", 'unknown column "Zap"', "Zip"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_with_a_hint(
    source: str, code: str, message: str, hint: str
) -> None:
    [(found, said, help_text)] = mistakes(source)

    assert found == code
    assert message in said
    assert hint in help_text


@pytest.mark.parametrize(
    "source",
    [
        "footer: Total, expect: {trailer: {first_cell: T}}",
        "footer: '$'",
        "comment: '#', expect: {trailer: {first_cell: T}}",
        "files: 'orders_*_eu.csv', expect: {name: 'orders_{date}_*.csv'}",
        "files: 'orders_2027????.csv', expect: {name: 'orders_{date}.csv'}",
        "files: 'orders_*.csv.gz', expect: {name: 'orders_{date}.csv'}",
        "files: '[ab]*.csv', expect: {name: 'a_{date}.csv'}",
    ],
)
def test_what_can_be_meant_together_is_no_mistake(source: str) -> None:
    compiled = compile_mapping(TEXT % source, "m.yaml", header=("Nr", "Street", "Zip"))

    assert compiled.plan.source.encoding == "utf-8"


def test_keys_of_delimited_text_have_no_effect_on_edi() -> None:
    text = (
        "version: 1\nname: m\nmode: update_only\nsource: {format: x12, transaction: '850', comment: '#'}\n"
        "extract: {columns: {Nr: BEG.3}}\norder: {order_number: Nr}\n"
    )
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(text, "m.yaml")

    assert [each.message for each in refused.value.mistakes] == [
        "`comment` is of delimited text, not of x12"
    ]


FIXED = (
    "version: 1\nname: m\nmode: update_only\nsource: {format: fixed%s}\norder: {order_number: Nr}\n"
)
NR = ", positions: {Nr: 1-10, Qty: 11-14}"


@pytest.mark.parametrize(
    ("source", "code", "message", "hint"),
    [
        ("", "M102", "`positions` is missing", "such as positions: {order: 1-10"),
        (", positions: {Nr: 0-9}", "M103", '"0-9" is no range of characters', "characters count from 1: add 1"),
        (", positions: {Nr: 9-1}", "M103", '"9-1" is no range of characters', "it ends before it begins: 1-9?"),
        (", positions: {Nr: 9-0}", "M103", '"9-0" is no range of characters', "first and the last character"),
        (", positions: {Nr: 1+10}", "M103", '"1+10" is no range of characters', "counted from 1: 1-10"),
        (", positions: {Nr: '5,3'}", "M103", '"5,3" is no range of characters', "counted from 1: 5-7"),
        (", positions: {Nr: ten}", "M103", '"ten" is no range of characters', "11-28; 41- goes to the end"),
        (", positions: {Nr: [1, 10]}", "M103", "Nr takes text", "write one text"),
        (", positions: {Nr: 1-9999999}", "M103", '"1-9999999" is no range', "at most 1,048,576 characters"),
        (", positions: {_Nr: 1-9, Nr: 10}", "M202", '"_Nr" starts with an underscore', ""),
        (", positions: {Nr: 1-10, Qty: 10-14}", "M218", "Qty (10-14) overlaps with Nr (1-10)", "correct one of them"),
        (", positions: {Nr: 1-, Qty: 20}", "M218", "Qty (20) overlaps with Nr (1-)", "slice: [19, 20]"),
        (", postions: {Nr: 1-10}", "M100", 'unknown key "postions"', 'did you mean "positions"?'),
        (NR + ", columns: {Qtt: integer}", "M201", 'unknown column "Qtt"', 'did you mean "Qty"?'),
        (NR + ", find_header: [Nr, Menge]", "M201", 'unknown column "Menge"', ""),
        (NR + ", length: 12", "M103", "lines of 12 characters do not have Qty (11-14)", "correct the length"),
        (NR + ", length: 0", "M103", "length takes a number from 1", ""),
        (NR + ", length: long", "M103", "length takes a whole number", ""),
        (NR + ", short_lines: trim", "M104", '"trim" is not one of the words', 'did you mean "trimmed"?'),
        (NR + ", record_end: '~'", "M103", "end with their line, or without any end", "record_end: none"),
        (NR + ", record_end: none", "M102", "only the length tells where a record ends", "add `length:`"),
        (NR + ", record_end: none, length: 14, skip_lines: 1", "M215", "`skip_lines` is of lines", "comment"),
        (NR + ", delimiter: ';'", "M215", "`delimiter` is of delimited text", "remove it"),
        (NR + ", names: [Nr]", "M215", "`names` is of delimited text", "`positions`"),
        (NR + ", transaction: '850'", "M215", "`transaction` does nothing for fixed-width text", ""),
        (NR + ", expect: {trailer: {first_cell: T, rows: 9-2}}", "M103", "rows takes characters of the trailer", "2-9?"),
        (NR + ", expect: {trailer: {first_cell: T, totals: {Qyt: 9-12}}}", "M201", 'unknown column "Qyt"', "Qty"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_of_fixed_width_is_said_with_a_hint(
    source: str, code: str, message: str, hint: str
) -> None:
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(FIXED % source, "m.yaml")
    told = [(each.code, each.message, each.help) for each in refused.value.mistakes]

    found = [each for each in told if message in each[1]]
    assert [each[0] for each in found] == [code], told
    assert hint in found[0][2]


def test_all_mistakes_of_a_layout_are_told_at_once() -> None:
    source = ", positions: {Nr: 1-10, A: 0-3, B: 9-12, C: 30-20, D: 8+2}, length: 5, quote: none"
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(FIXED % source, "m.yaml")

    assert [each.code for each in refused.value.mistakes] == ["M103", "M218", "M103", "M103", "M103", "M215"]  # fmt: skip


def test_a_layout_is_known_without_a_file() -> None:
    text = FIXED % (", positions: {Qty: 11-14, Nr: 1-10, Note: 60-}, columns: {Qty: integer}")
    text += "lines: {send: always, fields: {line_item_id: Nr, quantity: Qty, sku: Nota}}\n"
    with pytest.raises(MappingRefused) as refused:
        compile_mapping(text, "m.yaml")

    assert [each.help for each in refused.value.mistakes] == ['did you mean "Note"?']
    made = compile_mapping(text.replace("Nota", "Note"), "m.yaml")
    assert [tuple(each) for each in made.plan.source.positions] == [
        ("Nr", 1, 10), ("Qty", 11, 14), ("Note", 60, None),
    ]  # fmt: skip
    assert made.warnings == ()


@pytest.mark.parametrize("key", ["positions: {Nr: 1-10}", "length: 80", "short_lines: trimmed"])
def test_keys_of_fixed_width_have_no_effect_on_delimited_text(key: str) -> None:
    [(code, message, hint)] = mistakes(key)

    assert (code, message) == ("M215", f"`{key.split(':')[0]}` does nothing for delimited text")
    assert hint == "remove it, or set `format: fixed`"
