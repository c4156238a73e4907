"""What the reader gives for files as they come, good and bad."""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from pipeline.mapping.plan import Source
from pipeline.model.stops import SourceUnusable
from pipeline.read import SourceEmpty, read_batches, read_header


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def read(path: Path, columns: list[str], source: Source | None = None) -> tuple[pl.DataFrame, ...]:
    """Read a file in one batch: good records, faulty records, findings."""
    batches = list(read_batches(path, source or Source(), file=0, columns=columns))
    assert len(batches) == 1
    return batches[0].raw.rows, batches[0].faulty.rows, batches[0].findings.rows


def sentences(path: Path, columns: list[str], source: Source | None = None) -> list[str]:
    """Read a file and give its findings as sentences."""
    batches = read_batches(path, source or Source(), file=0, columns=columns)
    return [line for batch in batches for line in batch.findings.sentences([path.name])]


def stop(path: Path, columns: list[str], source: Source | None = None) -> tuple[object, ...]:
    """Read a file that cannot be used; give what a person is told."""
    with pytest.raises(SourceUnusable) as caught:
        list(read_batches(path, source or Source(), file=0, columns=columns))
    told = caught.value
    return told.code, told.place, told.message, told.help


def test_cells_stay_as_they_are_written(orders: Path) -> None:
    orders.write_bytes(b'a,b,c\n 01067 ,NULL,""\n"x ""y"", z",,\xef\xbf\xbd\n')

    raw, faulty, findings = read(orders, ["c", "a", "b"])

    assert raw.rows() == [(0, 2, 0, "", " 01067 ", "NULL"), (0, 3, 0, "\ufffd", 'x "y", z', "")]
    assert faulty.is_empty()
    assert findings.is_empty()


def test_lines_count_breaks_within_quotes_and_empty_lines(orders: Path) -> None:
    orders.write_bytes(b'\n"a\nb",c\r\n\r\n1,"2\r\n\r\n3"\n4,5')

    raw, _, _ = read(orders, ["a\nb"])

    assert raw["_line"].to_list() == [5, 8]


def test_a_file_with_nothing_but_carriage_returns_is_read(orders: Path) -> None:
    orders.write_bytes(b'a,b\r1,"2\r3"\r4,5\r')

    raw, _, _ = read(orders, ["a", "b"])

    assert raw.rows() == [(0, 2, 0, "1", "2\r3"), (0, 4, 0, "4", "5")]


def test_a_stray_quote_spoils_its_own_record_only(orders: Path) -> None:
    orders.write_bytes(b'id,name\n1,5" disk\n2,"open\n3,fine\n4,"closed" late\n5,"a ""b"""\n')

    raw, faulty, _ = read(orders, ["id", "name"])

    assert raw["_line"].to_list() == [4, 6]
    assert faulty.rows() == [
        (0, 2, 0, "1", '5" disk'),
        (0, 3, 0, "2", '"open'),
        (0, 5, 0, "4", '"closed" late'),
    ]
    assert sentences(orders, ["id"]) == [
        'orders.csv:2: column "name": a quote stands where none may be: 1,5" disk [R103]',
        'orders.csv:3: column "name": a quote stands where none may be: 2,"open [R103]',
        'orders.csv:5: column "name": a quote stands where none may be: 4,"closed" late [R103]',
    ]


def test_a_wrong_number_of_columns_is_told_with_both_numbers(orders: Path) -> None:
    orders.write_bytes(b"id,name\n1\n2,b,c\n3,d\n4")

    raw, faulty, _ = read(orders, ["name", "id"])

    assert raw.rows() == [(0, 4, 0, "d", "3")]
    assert faulty.rows() == [(0, 2, 0, "", "1"), (0, 3, 0, "b", "2"), (0, 5, 0, "", "4")]
    assert sentences(orders, ["id"]) == [
        "orders.csv:2: number of columns: 1 in this record, 2 in the header [R101]",
        "orders.csv:3: number of columns: 3 in this record, 2 in the header [R101]",
        "orders.csv:5: number of columns: 1 in this record, 2 in the header [R101]",
    ]


def test_a_record_of_several_lines_with_too_many_columns_does_not_take_rows_with_it(
    orders: Path,
) -> None:
    orders.write_bytes(b'id,name\n1,"open\n2,fine\n3,disk 5",more\n4,fine\n')

    raw, _, findings = read(orders, ["id"])

    assert raw["_line"].to_list() == [3, 5]
    assert findings.select("_line", "code", "value").rows() == [
        (2, "R101", "3"),
        (4, "R103", '3,disk 5",more'),
    ]


def test_an_undecodable_byte_spoils_its_own_record_only(orders: Path) -> None:
    orders.write_bytes(b'id,name\n1,M\xfcller\n2,"a,\n\x81"\n3,ok\n')

    assert sentences(orders, ["id"], Source(encoding="cp1252")) == [
        'orders.csv:3: column "name": byte 0x81 (byte 1 of line 2 of the record) is not valid in cp1252 [R102]'
    ]
    raw, faulty, _ = read(orders, ["name"], Source(encoding="cp1252"))
    assert raw["name"].to_list() == ["Müller", "ok"]
    assert faulty["name"].to_list() == ["a,\n\ufffd"]


def test_a_character_cut_off_at_the_end_of_the_file_is_found(orders: Path) -> None:
    orders.write_bytes("a\nb\n€".encode()[:-1])

    assert sentences(orders, ["a"]) == [
        'orders.csv:3: column "a": byte 0xE2 (byte 1) is not valid in utf-8 [R102]'
    ]


def test_a_nul_byte_spoils_its_own_record_only(orders: Path) -> None:
    orders.write_bytes(b"id,name\n1,a\x00b\n2,c\n")

    assert sentences(orders, ["id"]) == [
        'orders.csv:2: column "name": the record contains a NUL byte [R105]'
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(orders: Path, encoding: str) -> None:
    text = "Straße,b\n€,\ufeffx\n"
    mark = "" if encoding in {"utf-8-sig", "utf-16", "utf-32"} else "\ufeff"
    orders.write_bytes((mark + text).encode(encoding))

    raw, _, _ = read(orders, ["Straße", "b"], Source(encoding=encoding))

    assert raw.rows() == [(0, 2, 0, "€", "\ufeffx")]


def test_a_byte_order_mark_says_the_encoding_before_the_mapping_does(orders: Path) -> None:
    for mark in ("utf-8-sig", "utf-16", "utf-32"):
        orders.write_bytes("Straße,b\nä,1\n".encode(mark))

        raw, _, _ = read(orders, ["Straße"], Source(encoding="cp1252"))

        assert raw.rows() == [(0, 2, 0, "ä")]


def test_a_fallback_counts_only_for_a_file_that_is_wholly_in_it(orders: Path) -> None:
    source = Source(fallbacks=("cp1252", "latin-1"))
    orders.write_bytes("a,b\nMüller,1\n".encode("cp1252"))
    assert read(orders, ["a"], source)[0]["a"].to_list() == ["Müller"]
    orders.write_bytes("a,b\nMüller,\x81\n".encode("latin-1"))  # cp1252 has no such byte
    assert read(orders, ["b"], source)[0]["b"].to_list() == ["\x81"]
    orders.write_bytes("a,b\nMüller,1\n".encode())
    assert read(orders, ["a"], source)[0]["a"].to_list() == ["Müller"]


def test_utf_8_with_a_broken_byte_is_not_read_as_something_else(orders: Path) -> None:
    orders.write_bytes("a,b\nMüller,Köln\nJ\u00f6rg,".encode() + b"\xfc\n")

    raw, faulty, findings = read(orders, ["a"], Source(fallbacks=("cp1252",)))

    assert raw["a"].to_list() == ["Müller"]
    assert faulty["a"].to_list() == ["Jörg"]
    assert findings["value"].to_list() == ["0xFC (byte 7)"]


def test_a_header_alone_has_no_records(orders: Path) -> None:
    orders.write_bytes(b"a,b\n\n\n")

    assert list(read_batches(orders, Source(), file=0, columns=["a"])) == []


def test_a_trailing_delimiter_everywhere_is_fine_and_columns_of_ours_are_ignored(
    orders: Path,
) -> None:
    orders.write_bytes(b"a; b ;_import_line;\n1;2;17;\n1;2;17\n")
    source = Source(delimiter=";")

    assert read_header(orders, source) == ("a", "b")
    raw, faulty, _ = read(orders, ["b"], source)
    assert raw.rows() == [(0, 2, 0, "2")]
    assert faulty["_line"].to_list() == [3]
    assert stop(orders, ["_import_line"], source)[2] == 'the header lacks the column "_import_line"'


def test_no_wanted_column_still_gives_the_addresses(orders: Path) -> None:
    orders.write_bytes(b"a,b\n1,2\n3\n")

    raw, faulty, _ = read(orders, [])

    assert raw.rows() == [(0, 2, 0)]
    assert faulty.rows() == [(0, 3, 0)]


def test_quotes_are_text_where_nothing_is_quoted(orders: Path) -> None:
    orders.write_bytes(b'a|b\n"1|2"\r\n')

    raw, _, _ = read(orders, ["a", "b"], Source(delimiter="|", quote=None))

    assert raw.rows() == [(0, 2, 0, '"1', '2"')]


def test_missing_columns_are_all_named_at_once_with_near_names(orders: Path) -> None:
    orders.write_bytes(b"Order,Qty,City\n")

    assert stop(orders, ["order_no", "City", "Qyt"]) == (
        None,
        "orders.csv:1",
        'the header lacks the columns "order_no", "Qyt"',
        'did you mean "Order" for "order_no", "Qty" for "Qyt"? the file has "Order", "Qty", "City"',
    )


def test_a_wanted_column_must_not_be_there_twice(orders: Path) -> None:
    orders.write_bytes(b"\na,b,a,b,c,c\n")

    assert stop(orders, ["a", "b"])[1:3] == (
        "orders.csv:2",
        'the header has more than one column "a", "b"',
    )


def test_a_quote_that_is_never_closed_makes_the_file_unusable(orders: Path) -> None:
    orders.write_bytes(b'a,b\n1,2\n3,"x\n4,5\n')

    assert stop(orders, ["a"]) == (
        "R104",
        "orders.csv:3",
        "a quote opened in this record is never closed",
        "ask for the file again, it looks cut off; if its cells are not quoted, "
        "set `source.quote: none` in the mapping",
    )


def test_a_quote_that_is_never_closed_in_the_header(orders: Path) -> None:
    orders.write_bytes(b'\na,"b\n1,2\n')

    assert stop(orders, ["a"])[:2] == ("R104", "orders.csv:2")


@pytest.mark.parametrize("content", [b"", b"\n\r\n\r", b"\xef\xbb\xbf"])
def test_a_file_without_header_is_empty(orders: Path, content: bytes) -> None:
    orders.write_bytes(content)

    with pytest.raises(SourceEmpty, match=r"^orders\.csv is empty: it has not even a header$"):
        read_header(orders, Source())


def test_a_header_that_is_not_in_the_declared_encoding(orders: Path) -> None:
    orders.write_bytes("Größe,b\n".encode("cp1252"))
    assert stop(orders, ["b"])[:3] == (
        "R102",
        "orders.csv:1",
        "the header cannot be read: byte 0xF6 is not valid in utf-8",
    )
    orders.write_bytes("a,b\n".encode("utf-16-le"))
    assert stop(orders, ["b"])[0] == "R105"
    assert stop(orders, ["b"], Source(encoding="utf-16"))[2] == (
        "orders.csv is not readable as utf-16: UTF-16 stream does not start with BOM"
    )


@pytest.mark.parametrize(("delimiter", "meant", "shown"), [(";", ",", ","), (",", "\t", "\\t")])
def test_a_quoted_header_of_another_delimiter_is_named_as_that(
    orders: Path, delimiter: str, meant: str, shown: str
) -> None:
    orders.write_text(meant.join(('"id"', '"name"')) + "\n")

    code, place, sentence, help_text = stop(orders, ["id"], Source(delimiter=delimiter))
    assert (code, place) == ("M216", "orders.csv:1")
    assert sentence == (
        f"the header has only one column with delimiter '{delimiter}'; it looks like '{shown}'"
    )
    assert f'`delimiter: "{shown}"`' in str(help_text)


def test_a_stray_quote_in_the_header(orders: Path) -> None:
    orders.write_bytes(b'a,b"c"\n')

    assert stop(orders, ["a"])[:3] == (
        "R103",
        "orders.csv:1",
        'a quote stands where none may be in the header: a,b"c"',
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(encoding="utf-88"), '"utf-88" is not an encoding of text files'),
        (Source(encoding="hex"), '"hex" is not an encoding of text files'),
        (Source(encoding="punycode"), '"punycode" is not an encoding of text files'),
        (Source(delimiter=""), "the delimiter '' is not one to 16 characters of a line"),
        (Source(quote="\n"), "the quote '\\n' is not one ASCII character"),
        (Source(delimiter='"'), "delimiter and quote are both '\"'"),
    ],
)
def test_a_source_that_cannot_be_meant(orders: Path, source: Source, message: str) -> None:
    orders.write_bytes(b"a\n")

    assert stop(orders, ["a"], source)[2] == message


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    assert stop(tmp_path / "no.csv", [])[2] == "no.csv does not exist"
    assert stop(tmp_path, [])[2] == f"{tmp_path.name} is not a regular file"
    assert stop(tmp_path / "fifo", [])[2] == "fifo is not a regular file"


def test_messages_call_the_file_as_the_caller_does(orders: Path) -> None:
    orders.write_bytes(b"a\n")

    with pytest.raises(SourceUnusable) as caught:
        read_batches(orders, Source(), file=0, columns=["b"], name="de/wms.csv")
    assert caught.value.place == "de/wms.csv:1"


@pytest.mark.thorough
@pytest.mark.parametrize("batch_bytes", [1 << 20, 1 << 28])
def test_a_record_beyond_the_limit_stops_the_reading(orders: Path, batch_bytes: int) -> None:
    long = b"x" * (1 << 20)
    with orders.open("wb") as file:
        file.write(b'a\n1\n"')
        file.writelines([long + b"\n"] * 65)
        file.write(b'"\n')

    with pytest.raises(SourceUnusable, match=r"^this record is longer than 64 MiB, or ") as caught:
        list(read_batches(orders, Source(), file=0, columns=["a"], batch_bytes=batch_bytes))
    assert caught.value.place == "orders.csv:3"


def test_a_cell_of_many_batches_is_read_whole(orders: Path) -> None:
    cell = "ä,\n" * 100_000
    orders.write_text(f'a,b\n1,"{cell}"\n2,x\n', encoding="utf-8")

    batches = list(read_batches(orders, Source(), file=0, columns=["b"], batch_bytes=1000))

    assert [row for batch in batches for row in batch.raw.rows.rows()] == [
        (0, 2, 0, cell),
        (0, 100_003, 0, "x"),
    ]


def test_very_many_short_records_come_in_several_batches(orders: Path) -> None:
    orders.write_bytes(b"a\n" + b"1\n" * 2_000_000 + b"2,\n3\n")

    batches = list(read_batches(orders, Source(), file=0, columns=["a"]))

    assert [batch.raw.rows.height for batch in batches] == [2_000_000, 1]
    assert batches[1].raw.rows.rows() == [(0, 2_000_003, 0, "3")]
    assert batches[1].faulty.rows.rows() == [(0, 2_000_002, 0, "2")]


@pytest.mark.parametrize(
    ("end", "content", "lines"),
    [
        ("\r\n", b"Order;Sku;Qty\n1;a;2\n2;b;3\n", '"\\n"'),
        ("\r\n", b"Order;Sku;Qty\n1;a;2\n2;b;3", '"\\n"'),
        ("\r\n", b"Order;Sku;Qty\n", '"\\n"'),
        ("\r\n", b'Order;"S\r\nku";Qty\n1;a;2\n', '"\\n"'),
        ("~", b"\r\nOrder;Sku;Qty\r\n1;a;2\r\n2;b;3\r\n", '"\\r\\n"'),
        ("\n", b"Order;Sku;Qty\r1;a;2\r2;b;3\r", '"\\r"'),
    ],
)
def test_a_header_that_nothing_ends_is_none_and_its_rows_are_not_lost(
    orders: Path, end: str, content: bytes, lines: str
) -> None:
    orders.write_bytes(content)

    code, where, message, hint = stop(orders, ["Order"], Source(delimiter=";", record_end=end))

    declared = json.dumps(end)
    assert code is None
    assert str(where).startswith("orders.csv:")
    assert message == f"no record ends with the declared `record_end` {declared}"
    assert f"lines of it end with {lines}: remove `source.record_end`" in str(hint)


def test_a_file_in_which_the_record_end_never_stands_is_refused_without_line_breaks_too(
    orders: Path,
) -> None:
    orders.write_bytes(b"Order;Sku;Qty|1;a;2|2;b;3|")

    _, _, message, hint = stop(orders, ["Order"], Source(delimiter=";", record_end="~"))

    assert message == 'no record ends with the declared `record_end` "~"'
    assert "correct `source.record_end`" in str(hint)


def test_a_header_may_be_all_of_a_file_without_its_last_line_end(orders: Path) -> None:
    orders.write_bytes(b"Order;Sku;Qty")

    raw, _, _ = read(orders, ["Order"], Source(delimiter=";", record_end="\r\n"))

    assert raw.is_empty()


def test_rows_that_a_mixed_file_puts_behind_its_header_are_not_lost(orders: Path) -> None:
    orders.write_bytes(b"Order;Sku;Qty\n1;a;2\n2;b;3\r\n")

    _, _, message, _ = stop(orders, ["Order"], Source(delimiter=";", record_end="\r\n"))

    assert "the header goes on over several lines, up to" in str(message)


def test_a_header_may_have_a_line_break_where_records_end_with_something_else(orders: Path) -> None:
    orders.write_bytes(b"Order;Name of\nthe item~1;a~2;b\nc~")

    raw, _, _ = read(orders, ["Order"], Source(delimiter=";", record_end="~"))

    assert raw["Order"].to_list() == ["1", "2"]


def test_rows_that_other_line_ends_make_one_of_are_told_by_their_lines(orders: Path) -> None:
    orders.write_bytes(b"Order;Sku;Qty\r\n1;a;2\n2;b;3\n4;b;1\r\n5;c;1\r\n")

    assert sentences(orders, ["Order"], Source(delimiter=";", record_end="\r\n")) == [
        "orders.csv:2: number of columns: 7 on 3 lines up to `record_end` in this record, 3 in the header [R101]"
    ]


def test_a_record_end_beyond_what_a_record_may_have_is_looked_for_no_further(
    orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.read.header.RECORD_MAX", 1 << 20)
    orders.write_bytes(b"Order;Sku;Qty\n" + b"1;a;2\n" * 400_000)

    _, _, message, _ = stop(orders, ["Order"], Source(delimiter=";", record_end="~"))

    assert message == 'no record ends with the declared `record_end` "~"'


@pytest.mark.parametrize("rule", ["R103", "R105", "R106"])
def test_what_is_quoted_of_a_row_to_confirm_is_of_its_own_cells(orders: Path, rule: str) -> None:
    ours = f'{rule},"a problem, and more","a fix, and more",2026-11-20T0205-wms'
    orders.write_text(f"a,b,_import_rule,_import_problem,_import_fix,_import_run\n1,x,{ours}\n")

    _, _, findings = read(orders, ["a"])

    assert findings.select("code", "value").rows() == [(rule, "1,x")]


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (Source(), b"a,b\n1,x\n\x1a"),
        (Source(), b"a,b\r\n1,x\r\n\x1a\x1a"),
        (Source(), b"a,b\r1,x\r\x1a"),
        (Source(), b'a,b\n1,"x"\n\x1a'),
        (Source(encoding="utf-16-le"), "a,b\n1,x\n\x1a".encode("utf-16-le")),
        (Source(record_end="~"), b"a,b~1,x~\x1a"),
        (Source(record_end="~"), b"a,b~\r\n1,x~\r\n\x1a"),
        (Source(escape="\\", record_end="|\n"), b"a,b|\n1,x|\n\x1a"),
    ],
)
@pytest.mark.parametrize("batch_bytes", [1, 1 << 20])
def test_ctrl_z_behind_the_last_record_is_no_row(
    orders: Path, source: Source, content: bytes, batch_bytes: int
) -> None:
    orders.write_bytes(content)

    batches = list(
        read_batches(orders, source, file=0, columns=["a", "b"], batch_bytes=batch_bytes)
    )

    rows = pl.concat([batch.raw.rows for batch in batches])
    assert rows.select("a", "b").rows() == [("1", "x")]
    assert not any(len(batch.findings) or batch.open_end for batch in batches)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a,b\n\x1a\n1,x\n", [2]),
        (b"a,b\n1,x\n\x1a\n", [3]),
        (b"a,b\n1,x\n\x1a2\n", [3]),
        (b"a,b\n1,x\n2\x1a", [3]),
    ],
)
def test_ctrl_z_elsewhere_is_a_character_like_others(
    orders: Path, content: bytes, lines: list[int]
) -> None:
    orders.write_bytes(content)

    _, _, findings = read(orders, ["a"])

    assert findings.select("_line", "code").rows() == [(line, "R101") for line in lines]


def test_ctrl_z_behind_an_escaped_line_end_is_of_its_cell(orders: Path) -> None:
    orders.write_bytes(b"a,b\n1,x\\\n\x1a")

    raw, _, _ = read(orders, ["b"], Source(escape="\\"))

    assert raw["b"].to_list() == ["x\n\x1a"]


def test_a_file_of_nothing_but_ctrl_z_is_empty(orders: Path) -> None:
    orders.write_bytes(b"\x1a")

    with pytest.raises(SourceEmpty):
        read(orders, ["a"])
