"""Records of several types: each is in one place, below what a walk through the file says, however it is cut."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping.plan import Position, RecordType, RecordTypes, Source
from pipeline.model.origin import LINE
from pipeline.read import corrected_form, read_batches
from tests.property.test_corrected import cells_of, rewrite

_TYPES = RecordTypes(
    types=(
        RecordType(code="H", names=("t", "no", "name")),
        RecordType(code="L", names=("t", "pos"), under="H", inherits=("no",)),
        RecordType(code="S", names=("t", "parcel", "zip", ""), under="H", inherits=("no", "name")),
        RecordType(code="P", names=("t", "piece"), under="S", inherits=("no", "parcel")),
        RecordType(code="T", ignored=True),
    )
)
_PLACES = {
    "H": (Position("t", 1, 1), Position("no", 2, 4), Position("name", 5, 8)),
    "L": (Position("t", 1, 1), Position("pos", 2, 3)),
    "S": (Position("t", 1, 1), Position("parcel", 2, 4), Position("zip", 5, None)),
    "P": (Position("t", 1, 1), Position("piece", 3, 3)),
}
_COLUMNS = ["record", "no", "name", "pos", "parcel", "zip", "piece"]
_ABOVE = {"H": "", "L": "H", "S": "H", "P": "S"}
_OVER = {"H": set[str](), "L": set[str](), "S": set[str](), "P": {"H"}}
_WIDE = {"H": 3, "L": 2, "S": 4, "P": 2}

Record = tuple[str, list[str]]  # its type and its other cells


def text_of(record: Record) -> str:
    kind, cells = record
    return ";".join(
        [kind, *(f'"{cell}"' if set(cell) & {"\n", ";", '"'} else cell for cell in cells)]
    )


@st.composite
def files(draw: st.DrawFn) -> list[Record]:
    """Draw records; some have another type or another number of cells."""
    found = []
    for nth in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from("HHLLLSSPPTX"))
        wide = _WIDE.get(kind, 2) - 1 + draw(st.sampled_from([0] * 8 + [1, -1]))
        cells = [
            f"{kind}{nth}{draw(st.sampled_from(['', ' ', ';', 'ü', chr(10)]))}{at}"
            for at in range(wide)
        ]
        found.append((kind, cells))
    return found


def walked(records: list[Record]) -> tuple[dict[int, dict[str, str]], set[int]]:
    """What a walk from record to record finds: the cells of good ones by their line, the lines of the others."""
    good: dict[int, dict[str, str]] = {}
    bad: set[int] = set()
    last: dict[str, tuple[int, dict[str, str], bool]] = {}  # of each type
    unknown, line = -1, 1
    for nth, (kind, cells) in enumerate(records):
        here, line = line, line + 1 + sum(cell.count("\n") for cell in cells)
        if kind == "T":
            continue
        if kind not in _WIDE:
            bad.add(here)
            unknown = nth
            continue
        names = next(each.names for each in _TYPES.types if each.code == kind)[1:]
        row = {name: cell for name, cell in zip(names, cells, strict=False) if name}
        fine = len(cells) == _WIDE[kind] - 1
        above = last.get(_ABOVE[kind])
        if _ABOVE[kind]:
            cut = max((last[over][0] for over in _OVER[kind] if over in last), default=-1)
            fine = fine and above is not None and above[0] > max(cut, unknown) and above[2]
            inherits = next(each.inherits for each in _TYPES.types if each.code == kind)
            row |= {name: above[1].get(name, "") for name in inherits} if above is not None else {}
        last[kind] = (nth, row, fine)
        if fine:
            good[here] = {"record": kind} | row
        else:
            bad.add(here)
    return good, bad


@given(files(), st.integers(1, 400))
@settings(max_examples=150, deadline=None)
@pytest.mark.thorough
def test_every_record_is_in_one_place_and_below_its_own(records: list[Record], size: int) -> None:
    text = "".join(text_of(each) + "\n" for each in records)
    source = Source(delimiter=";", records=_TYPES, trim=False)
    good, bad = walked(records)
    with tempfile.TemporaryDirectory() as folder:
        path, once = Path(folder) / "in", Path(folder) / "once"
        path.write_text(text, encoding="utf-8", newline="")
        batches = list(read_batches(path, source, file=0, columns=_COLUMNS, batch_bytes=size))
        rows = [row for each in batches for row in each.raw.rows.iter_rows(named=True)]
        faulty = [row for each in batches for row in each.faulty.rows.iter_rows(named=True)]
        told = [row for each in batches for row in each.findings.rows.iter_rows(named=True)]

        assert [row[LINE] for row in rows] == list(good)
        for row in rows:
            mine = good[row[LINE]]
            assert {name: row[name] for name in _COLUMNS} == {
                name: mine.get(name, "") for name in _COLUMNS
            }
        assert {row[LINE] for row in faulty} == bad
        assert len(faulty) == len(bad)
        errors = [row[LINE] for row in told if row["code"] != "R110"]
        assert sorted(errors) == sorted(bad)
        ignored = [int(row["value"]) for row in told if row["code"] == "R110"]
        assert sum(ignored) == sum(kind == "T" for kind, _ in records)

        # what is written for correction has the same cells
        lines = [row[LINE] for row in rows]
        rewrite(path, source, lines, once, size)
        names, again, _ = cells_of(once, corrected_form(source))
        at = [list(names).index(name) for name in _COLUMNS]
        assert [[cells[place] for place in at] for cells in again] == [
            [row[name] for name in _COLUMNS] for row in rows
        ]


@given(files(), st.integers(1, 400))
@settings(max_examples=60, deadline=None)
@pytest.mark.thorough
def test_it_is_the_same_where_places_tell_the_cells(records: list[Record], size: int) -> None:
    types = tuple(
        RecordType(code=each.code, positions=_PLACES.get(each.code, ()), under=each.under,
                   inherits=each.inherits, ignored=each.ignored)
        for each in _TYPES.types
    )  # fmt: skip
    place = Position("by", 1, 1)
    source = Source(
        format="fixed", quote=None, records=RecordTypes(place=place, types=types), trim=False
    )
    widths = {"H": 8, "L": 3, "S": 4, "P": 3, "T": 1, "X": 2}
    lines = []
    for nth, (kind, cells) in enumerate(records):
        wrong = kind in _WIDE and len(cells) != _WIDE[kind] - 1
        lines.append((kind + f"{nth:03}ü9876")[: widths[kind] - wrong])
    good, bad = walked([(kind, ["x"] * len(cells)) for kind, cells in records])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
        batches = list(read_batches(path, source, file=0, columns=_COLUMNS, batch_bytes=size))
        rows = [row for each in batches for row in each.raw.rows.iter_rows(named=True)]
        assert [row[LINE] for row in rows] == list(good)
        assert sorted(
            row[LINE] for each in batches for row in each.faulty.rows.iter_rows(named=True)
        ) == sorted(bad)
        heads = {nth + 1: lines[nth][1:4] for nth, (kind, _) in enumerate(records) if kind == "H"}
        for row in rows:
            assert row["no"] == heads[max(line for line in heads if line <= row[LINE])]
