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
        ("skip_lines: 2000", "M103", "skip_lines takes a number from 0 to 1000", "such as 3"),
        ("skip_lines: two", "M103", "skip_lines takes a whole number", "such as"),
        ("names: [Nr, Nr]", "M203", '"Nr" names two columns', "a name of its own"),
        ("names: [Nr], find_header: [Nr]", "M215", "a file with `names` has no header", "keep"),
        ("footer: '('", "M209", "this pattern is not valid", ""),
        ("comment: \"\\n\"", "M103", "a comment's beginning has no line break", "such as"),
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
