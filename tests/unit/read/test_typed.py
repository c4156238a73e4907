"""Records of several types: what each is, what it belongs to, and that nothing is taken for the order before."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.mapping.plan import Position, RecordType, RecordTypes, Source
from pipeline.model.origin import LINE
from pipeline.model.stops import SourceUnusable
from pipeline.read import corrected_form, form_of, read_batches, read_header, source_of

TYPES = RecordTypes(
    types=(
        RecordType(code="H", names=("t", "no", "name")),
        RecordType(code="L", names=("t", "pos", "text", ""), under="H", inherits=("no",)),
        RecordType(code="S", names=("t", "parcel"), under="H", inherits=("no",)),
        RecordType(code="P", names=("t", "pos"), under="S", inherits=("no", "parcel")),
        RecordType(code="C", ignored=True),
    )
)
SOURCE = Source(delimiter=";", records=TYPES)
FIXED = Source(
    format="fixed", quote=None, encoding="cp1252", records=RecordTypes(
        place=Position("by", 1, 2),
        types=(
            RecordType(code="H", positions=(Position("no", 3, 5), Position("name", 6, 9))),
            RecordType(code="L", positions=(Position("pos", 3, 3), Position("text", 5, None)),
                       under="H", inherits=("no",)),
            RecordType(code="S", positions=(Position("parcel", 3, 4),), length=8, under="H", inherits=("no",)),
        ),
    ),
)  # fmt: skip
WINDOWS = [1, 9, 1 << 20]

Good = list[tuple[object, ...]]
Told = list[tuple[int, str, str | None, str | None]]


def read(
    folder: Path, text: str, columns: list[str], source: Source = SOURCE, batch_bytes: int = 1 << 20
) -> tuple[Good, Good, Told]:
    """Good rows and faulty ones with their lines, and what is told of the file."""
    path = folder / "orders.txt"
    path.write_text(text, encoding=source.encoding, newline="")
    batches = list(read_batches(path, source, file=0, columns=columns, batch_bytes=batch_bytes))
    told = ("code", "value", "detail")
    return (
        [row for each in batches for row in each.raw.rows.select(LINE, *columns).rows()],
        [row for each in batches for row in each.faulty.rows.select(LINE, *columns).rows()],
        [row for each in batches for row in each.findings.rows.select(LINE, *told).rows()],
    )


@pytest.mark.parametrize("batch_bytes", WINDOWS)
def test_cells_of_the_record_above_are_repeated(tmp_path: Path, batch_bytes: int) -> None:
    text = 'H;1;Jo\r\n"L";1;"two\r\nlines; one cell";x\r\nC;a;b;c;d\r\n S ;77\r\nP;1\r\n\r\nH;2;Bo\r\nL;1;;\r\n'

    good, faulty, told = read(tmp_path, text, ["record", "no", "name", "parcel", "pos", "text"], batch_bytes=batch_bytes)  # fmt: skip

    assert good == [
        (1, "H", "1", "Jo", "", "", ""),
        (2, "L", "1", "", "", "1", "two\r\nlines; one cell"),
        (5, "S", "1", "", "77", "", ""),
        (6, "P", "1", "", "77", "1", ""),
        (8, "H", "2", "Bo", "", "", ""),
        (9, "L", "2", "", "", "1", ""),
    ]
    assert faulty == []
    assert told == [(4, "R110", "1", "record of a type that is ignored")]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize(
    ("text", "good", "faulty", "told"),
    [
        # nothing above it
        ("L;1;a;\nH;1;Jo\n", [(2, "1")], [(1, "")], [(1, "R115", "L", " (one of type H)")]),
        # a parcel of the order before is none of this one; the one that it stands under is held with it
        ("H;1;Jo\nS;7\nH;2;Bo\nP;1\n", [(1, "1"), (2, "1"), (3, "2")], [(4, "2")],
         [(4, "R115", "P", " (one of type S)")]),
        # a header that cannot be read: all below it
        ("H;1;Jo\nH;2\nL;1;a;\nS;7\nP;1\nH;3;Cy\nL;1;a;\n", [(1, "1"), (6, "3"), (7, "3")],
         [(2, "2"), (3, "2"), (4, "2"), (5, "2")],
         [(2, "R101", "2", "3 in type H"), (3, "R116", "L", " (line 2)"), (4, "R116", "S", " (line 2)"),
          (5, "R116", "P", " (line 4)")]),
        ('H;1;Jo\nH;2;"Bo"x\nL;1;a;\n', [(1, "1")], [(2, "2"), (3, "2")],
         [(2, "R103", 'H;2;"Bo"x', None), (3, "R116", "L", " (line 2)")]),
        # of a type that nobody knows: it may have been a header
        ("H;1;Jo\nh;2;Bo\nL;1;a;\nS;7\n", [(1, "1")], [(2, "1"), (3, "1"), (4, "1")],
         [(2, "R114", '"h"', None), (3, "R116", "L", " (line 2)"), (4, "R116", "S", " (line 2)")]),
        # a line that cannot be read holds its own order and no other
        ("H;1;Jo\nL;1;a\nL;2;a;\nH;2;Bo\n", [(1, "1"), (3, "1"), (4, "2")], [(2, "1")],
         [(2, "R101", "3", "4 in type L")]),
        # two stray quotes around a whole header
        ('H;1;Jo\nL;1;"a;\nH;2;Bo\nL;1;b";\nS;7\nH;3;Cy\n', [(1, "1"), (6, "3")], [(2, "1"), (5, "1")],
         [(2, "R107", 'L;1;"a;\nH;2;Bo\nL;1;b";', None), (5, "R116", "S", " (line 2)")]),
        # the same in a record that is ignored, or has another fault besides
        ('H;1;Jo\nC;"a\nH;2;Bo\nL;1;b;\nC;"\nS;7\n', [(1, "1")], [(2, "1"), (6, "1")],
         [(2, "R107", 'C;"a\nH;2;Bo\nL;1;b;\nC;"', None), (6, "R116", "S", " (line 2)")]),
        ('H;1;Jo\nL;1;"\0a;\nH;2;Bo\nL;1;b";\nS;7\n', [(1, "1")], [(2, "1"), (5, "1")],
         [(2, "R107", 'L;1;"\0a;\nH;2;Bo\nL;1;b";', None), (5, "R116", "S", " (line 2)")]),
    ],
)  # fmt: skip
def test_nothing_is_taken_for_the_order_before(
    tmp_path: Path, text: str, good: Good, faulty: Good, told: Told, batch_bytes: int
) -> None:
    assert read(tmp_path, text, ["no"], batch_bytes=batch_bytes) == (good, faulty, told)


def test_records_of_other_types_are_counted_where_the_mapping_ignores_them(tmp_path: Path) -> None:
    source = replace(SOURCE, records=replace(TYPES, others_ignored=True))

    good, faulty, told = read(tmp_path, "X;1\nH;1;Jo\nY\nZ;1;2;3;4;5;6\nS;7\n", ["no"], source)

    assert (good, faulty) == ([(2, "1"), (5, "1")], [])
    assert told == [(1, "R110", "3", "records of types that are ignored")]


@pytest.mark.parametrize("code", ["h", "\ufeffH", "H\u200b"])
def test_a_type_that_is_nearly_a_declared_one_is_not_ignored(tmp_path: Path, code: str) -> None:
    source = replace(SOURCE, records=replace(TYPES, others_ignored=True))

    good, faulty, told = read(tmp_path, f"H;1;Jo\n{code};2;Bo\nS;7\n", ["no"], source)

    assert (good, faulty) == ([(1, "1")], [(2, "1"), (3, "1")])
    assert [row[:2] for row in told] == [(2, "R114"), (3, "R116")]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
def test_places_tell_the_cells_of_each_type(tmp_path: Path, batch_bytes: int) -> None:
    text = "H 001Jö D\nL 1 text of any length ü\nS 77    \nL 2\nS 77   \nXX\nL 3 x\nH 002Bo  \n"

    good, faulty, told = read(
        tmp_path, text, ["no", "name", "pos", "text", "parcel"], FIXED, batch_bytes
    )

    assert good == [
        (1, "001", "Jö D", "", "", ""),
        (2, "001", "", "1", "text of any length ü", ""),
        (3, "001", "", "", "", "77"),
        (8, "002", "Bo  ", "", "", ""),
    ]
    assert [row[:2] for row in faulty] == [(4, "001"), (5, "001"), (6, "001"), (7, "001")]
    assert told == [
        (4, "R112", "L 2", "3 characters, those of type L at least 4"),
        (5, "R112", "S 77   ", "7 characters, those of type S 8"),
        (6, "R114", '"XX"', None),
        (7, "R116", "L", " (line 6)"),
    ]


DIALECTS = [
    (replace(SOURCE, encoding="utf-16"), ";", "\n"),
    (replace(SOURCE, delimiter="+|", record_end="&|\r\n", quote=None), "+|", "&|\r\n"),
    (replace(SOURCE, escape="\\", record_end="~"), ";", "~\n"),
    (SOURCE, ";", "\r"),
]


@pytest.mark.parametrize("batch_bytes", WINDOWS)
@pytest.mark.parametrize(("source", "delimiter", "end"), DIALECTS)
def test_the_dialect_makes_no_difference(
    tmp_path: Path, source: Source, delimiter: str, end: str, batch_bytes: int
) -> None:
    text, columns = (
        "H;1;Jo\nL;1;a;\nS;7\nP;1\nX\nL;2;b;\nH;2;Bo\n",
        ["record", "no", "name", "text"],
    )
    written = text.replace(";", delimiter).replace("\n", end)

    found = read(tmp_path, written, columns, source, batch_bytes)

    assert found == read(tmp_path, text, columns)
    assert [row[1] for row in found[2]] == ["R114", "R116"]


def test_records_may_stand_behind_each_other(tmp_path: Path) -> None:
    types = FIXED.records
    assert types is not None
    bare = replace(types, types=tuple(replace(each, length=None) for each in types.types))
    source = replace(FIXED, length=10, record_end="", records=bare)

    good, faulty, told = read(
        tmp_path, "H 001Jö D L 1 text üS 77      XX        ", ["no", "text"], source
    )

    assert good == [(1, "001", ""), (2, "001", "text ü"), (3, "001", "")]
    assert ([row[0] for row in faulty], told) == ([4], [(4, "R114", '"XX"', None)])


def test_blanks_that_were_cut_off_are_no_fault_where_that_is_declared(tmp_path: Path) -> None:
    source = replace(FIXED, trimmed=True)

    good, _, told = read(tmp_path, "H 001\nL 2\nS 77\nS 77 \n", ["no"], source)

    assert good == [(1, "001"), (2, "001"), (3, "001")]
    assert [row[:2] for row in told] == [(4, "R112")]


def test_the_type_may_stand_in_any_cell(tmp_path: Path) -> None:
    types = (
        RecordType(code="order", names=("no", "kind", "mail")),
        RecordType(code="item", names=("no", "kind", "sku", "qty")),
    )
    source = Source(records=RecordTypes(cell=2, column="what", types=types))

    good, _, told = read(
        tmp_path, "1,order,jo@example.com\n1,item,A,2\n1\n", ["what", "no", "sku"], source
    )

    assert good == [(1, "order", "1", ""), (2, "item", "1", "A")]
    assert told == [(3, "R114", '""', None)]


@pytest.mark.parametrize(
    ("cell", "names", "text"),
    [
        (2, ("nr", "kind", "no"), '1,H,1\r\n2,L,"a\r\n3,H,2"\r\n4,L,c\r\n'),
        (3, ("nr", "no", "kind"), '1,1,H\n2,"a\n3,2,H\n4,b",L\n4,c,L\n'),
    ],
)
def test_stray_quotes_are_found_wherever_the_type_stands(
    tmp_path: Path, cell: int, names: tuple[str, ...], text: str
) -> None:
    types = (
        RecordType(code="H", names=names),
        RecordType(code="L", names=names, under="H", inherits=()),
    )
    source = Source(records=RecordTypes(cell=cell, types=types))

    _, _, told = read(tmp_path, text, ["no"], source)

    assert [row[1] for row in told] == ["R107", "R116"]


def test_no_column_may_be_wanted(tmp_path: Path) -> None:
    good, faulty, told = read(tmp_path, "H;1;Jo\nL;1;a;\nX\n", [])

    assert (good, faulty) == ([(1,), (2,)], [(3,)])
    assert [row[1] for row in told] == ["R114"]


def test_columns_are_those_of_all_types(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("H;1;Jo\n")

    assert read_header(tmp_path / "in", SOURCE) == (
        "record",
        "t",
        "no",
        "name",
        "pos",
        "text",
        "parcel",
    )


def test_a_quote_that_is_never_closed_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable) as stop:
        read(tmp_path, 'H;1;Jo\nL;1;"a;\nH;2;Bo\n', ["no"])

    assert stop.value.code == "R104"


def test_how_a_file_is_written_is_kept_in_a_run() -> None:
    for source in (SOURCE, replace(FIXED, encoding="utf-8")):
        form = form_of(source)

        assert source_of(form).records == source.records
        assert corrected_form(source).records is None
