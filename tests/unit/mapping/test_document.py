"""YAML: every scalar is text, everything has its place, and no file is too much."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.document import BYTES_MAX, read_document
from pipeline.mapping.mistakes import MappingRefused
from pipeline.run.source import MappingMissing, read_mapping
from tests.unit.mapping.bench import one


def refused(text: str) -> MappingRefused:
    with pytest.raises(MappingRefused) as caught:
        read_document(text, "m.yaml")
    return caught.value


@pytest.mark.parametrize(
    "word",
    [
        "NO",
        "ON",
        "yes",
        "null",
        "~",
        "01067",
        "0x1F",
        "0o17",
        "12:30",
        "2026-11-20",
        "1e3",
        ".inf",
        ".nan",
        "1_000",
        "+5",
        "=",
    ],
)
def test_a_plain_scalar_is_the_text_that_stands_there(word: str) -> None:
    assert read_document(f"{word}: {word}\nlist: [{word}]\n", "m.yaml").data == {
        word: word,
        "list": [word],
    }


def test_words_of_yaml_survive_as_keys_and_values_of_a_lookup() -> None:
    table = "{t: {NO: NOR, ON: x, 01067: Dresden, 12:30: noon, 2026-11-20: today, null: none}}"
    for key, value in (
        ("NO", "NOR"),
        ("ON", "x"),
        ("01067", "Dresden"),
        ("12:30", "noon"),
        ("2026-11-20", "today"),
        ("null", "none"),
    ):
        assert one("{from: A, lookup: t}", key, lookups=table) == value


def test_tags_directives_and_anchors_change_no_value() -> None:
    text = "%YAML 1.1\n---\na: !!int 5\nb: !!python/object:os.system x\nc: &x yes\nd: *x\n"
    assert read_document(text, "m.yaml").data == {"a": "5", "b": "x", "c": "yes", "d": "yes"}


@pytest.mark.parametrize("empty", ["", "# nothing\n", "---\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(empty: str) -> None:
    assert read_document(empty, "m.yaml").data == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flow", "a: " + "[" * 300_000),
        ("tables", "a: " + "{b: " * 200_000),
        ("compact", "- " * 400_000),
        ("questions", "? " * 400_000),
        ("indented", "".join(" " * i + "a:\n" for i in range(900))),
        ("long", "a:\n" + "- x\n" * 200_000),
        ("bomb", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"{n}: &{n} [{','.join(['*' + m] * 10)}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True))),
        ("itself", "a: &a [*a, *a]\n"),
        ("large", "# " + "x" * BYTES_MAX),
    ],
)  # fmt: skip
def test_what_is_too_much_is_refused(name: str, text: str) -> None:
    # each of these would take minutes, or all memory, if it were read first and judged then
    assert [mistake.code for mistake in refused(text).mistakes] == ["M003"], name


def test_brackets_inside_texts_and_comments_do_not_count() -> None:
    text = "a: '" + "[" * 100 + "'\n# " + "{" * 100 + "\nb: |\n  " + "[" * 100 + "\n"
    assert set(read_document(text, "m.yaml").data) == {"a", "b"}


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_document(text, "m.yaml")
    except MappingRefused as error:
        error.render()


def test_lines_are_counted_as_yaml_counts_them() -> None:
    mistake = read_document("a: 'x\u2028y'\r\nb: 1\rb: 2\n", "m.yaml").mistakes[0]
    assert (mistake.code, mistake.line, mistake.column) == ("M002", 3, 1)


def test_a_file_that_is_not_utf_8_or_not_there_is_named(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: Größe\n".encode("cp1252"))
    for path in (latin, tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(MappingMissing) as caught:
            read_mapping(path)
        assert str(path) in caught.value.message


def test_a_mapping_reads_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,token\n", encoding="utf-8")
    folder = tmp_path / "mappings"
    folder.mkdir()
    for name in ("../secret.csv", str(tmp_path / "secret.csv")):
        text = f"version: 1\nname: m\nmode: update_only\nsource: {{}}\nlookups: {{t: {{file: {name}, key: a, value: b}}}}\norder: {{order_number: Nr}}\n"
        (folder / "m.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(MappingRefused) as caught:
            read_mapping(folder / "m.yaml")
        assert caught.value.code == "M206"
        assert "token" not in caught.value.render()


@pytest.mark.parametrize(
    ("text", "said", "column"),
    [(r'a: {b: "x\UFFFFFFFF"}', "this escape stands for no character", 10),
     (r'a: {b: "x\U00110000"}', "this escape stands for no character", 10),
     (r'a: {b: "x\ud800y"}', r"half of a pair of escapes (\ud800 to \udfff) is no character", 8),
     (r'a: {"x\udfff": y}', r"half of a pair of escapes (\ud800 to \udfff) is no character", 5)],
)  # fmt: skip
def test_an_escape_that_is_no_character_is_a_mistake_at_its_place(
    text: str, said: str, column: int
) -> None:
    # Polars and JSON could not write it, and a run would stop
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(text, "m.yaml")
    found = next(each for each in caught.value.mistakes if each.code == "M001")
    assert (found.message, found.line, found.column) == (said, 1, column)


@pytest.mark.parametrize("key", ["encoding: {}", "fallback_encodings: [{}]"])
def test_a_name_of_an_encoding_with_what_no_name_has_is_a_mistake(key: str) -> None:
    text = "version: 1\nname: m\nsource: {%s}\norder: {order_number: A}\n"
    with pytest.raises(MappingRefused) as caught:
        compile_mapping(text % key.format(r'"a\0b"'), "m.yaml")
    assert "M104" in {each.code for each in caught.value.mistakes}


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("  channel:Shop", "a blank is missing behind the colon in line 3: `channel: Shop`"),
        ("  channel: {template: {A}-{B}}", 'write the template in quotes: {template: "{A}-{B}"}'),
        ('  channel: {value: web, when: "A = "x""}', "in line 3 quotes stand within quotes"),
        ("  tags: [a, b", "close the bracket that begins here"),
    ],
)
def test_slips_of_a_line_are_named(line: str, hint: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        read_document(f"version: 1\norder:\n{line}\n  order_number: Nr\n", "m.yaml")
    (mistake,) = refused.value.mistakes
    assert (mistake.code, mistake.line in {3, 4}) == ("M001", True)
    assert mistake.help.startswith(hint)
