"""Sheets of workbooks as text: no cell becomes another value, and what is uncertain is refused."""

import csv
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from pipeline.intake import Dialect, sheet_to_text
from pipeline.model.stops import SourceUnusable

CSV = Dialect("utf-8", ";", '"')


def workbook(path: Path, sheets: Mapping[str, Mapping[str, object]], **formats: str) -> Path:
    """Write cells by their place; `formats` are number formats by place."""
    book = xlsxwriter.Workbook(path)
    for name, cells in sheets.items():
        sheet = book.add_worksheet(name)
        for place, value in cells.items():
            style = book.add_format({"num_format": formats[place]}) if place in formats else None
            if isinstance(value, str) and not value.startswith("="):
                sheet.write_string(place, value, style)
            elif value == "=1/0":
                sheet.write_formula(place, value, style, "#DIV/0!")
            else:
                sheet.write(place, value, style)
    book.close()
    return path


def written_by_others(path: Path, cells: str) -> Path:
    """A workbook whose second row other programs have written; the first says `no`."""
    workbook(path, {"S": {"A1": "no"}})
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    row = f'<row r="2">{cells}</row></sheetData>'
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", row.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def text_of(path: Path, sheet: str | None = None, dialect: Dialect = CSV) -> str:
    sheet_to_text(path, sheet, dialect, path.name)
    return path.read_text(dialect.encoding)


def refused(path: Path, sheet: str | None = None, dialect: Dialect = CSV) -> tuple[str, str]:
    with pytest.raises(SourceUnusable) as caught:
        text_of(path, sheet, dialect)
    return caught.value.message, caught.value.help


def test_cells_are_their_text_and_line_n_is_row_n(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "b.xlsx",
        {"Orders": {
            "B3": "no", "C3": "plz", "D3": "ean", "E3": "price", "F3": "at", "G3": "ok",
            "B4": "A1", "C4": "01067", "D4": 1234567890123, "E4": 0.1 + 0.2,
            "F4": datetime(2026, 11, 20, 14, 5), "G4": True,  # noqa: DTZ001 - a cell has no zone
            "B6": "1e5", "C6": 1067, "D6": 999999999999999, "E6": 1e-7, "G6": 0.25,
        }},
        F4="dd.mm.yyyy", C6="00000", G6="0%",
    )  # fmt: skip

    assert text_of(path).splitlines() == [
        "", "",
        "no;plz;ean;price;at;ok",
        "A1;01067;1234567890123;0.3;2026-11-20 14:05:00;true",
        "",
        "1e5;1067;999999999999999;0.0000001;;0.25",
    ]  # fmt: skip


def test_what_stands_in_a_cell_comes_out_of_the_text_as_it_went_in(tmp_path: Path) -> None:
    cells = ["a;b", 'say "no"', "two\nlines", " blanks ", "", "=x", "Größe €", "'", '"']
    path = workbook(
        tmp_path / "b.xlsx",
        {"S": {f"{chr(65 + n)}1": c for n, c in enumerate(cells)} | {"F1": "x"}},
    )
    text = text_of(path)
    [line] = text.split("\n")[:-1]  # one row is one line
    read = next(csv.reader([line.replace("\v", "\n")], delimiter=";"))
    assert read == [*cells[:5], "x", *cells[6:]]


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"Cover": {"A1": "x"}, "Orders & more": {"A1": "no"}})
    assert refused(path) == (
        'b.xlsx has several sheets: "Cover", "Orders & more"',
        "name one as `source.sheet` in the mapping",
    )
    assert refused(path, "Orders and more") == (
        'b.xlsx has no sheet "Orders and more"', 'did you mean "Orders & more"?',
    )  # fmt: skip
    assert text_of(path, "Orders & more") == "no\n"


def test_errors_and_numbers_that_a_workbook_cannot_keep_are_refused(tmp_path: Path) -> None:
    wrong = {"A1": "no", "A2": "=1/0", "B7": "=1/0"}
    path = workbook(tmp_path / "b.xlsx", {"Notes & so": wrong, "Orders": {"A1": "no"}})
    assert refused(path, "Notes & so") == (
        "b.xlsx: cells A2, B7 hold an error instead of a value",
        "mend the formulas, and save it again",
    )
    assert text_of(path, "Orders") == "no\n"  # what is wrong in another sheet does not matter

    path = workbook(tmp_path / "c.xlsx", {"S": {"A1": "no", "C2": 12345678901234567890}})
    assert refused(path)[0] == (
        "c.xlsx: cell C2 holds a number of more than 15 digits, of which a workbook keeps 15"
    )
    path = workbook(tmp_path / "d.xlsx", {"S": {"A1": "12345678901234567890", "A2": 1e14}})
    assert text_of(path) == "12345678901234567890\n100000000000000\n"


@pytest.mark.parametrize(("cells", "words"), [
    ('<c r="A2"><f>1+1</f></c>', "A2 holds a formula that was never calculated"),
    ('<c r="A2"><f>1+1</f><v></v></c>', "A2 holds a formula that was never calculated"),
    ('<c r="A2" t="n"><f t="shared" si="0"/><v/></c>', "A2 holds a formula that was never calculated"),
    ('<c r="A2" t="str"><f>B1&amp;C1</f></c>', "A2 holds a formula that was never calculated"),
    (f'<c r="A2"><f>{"1+" * 4000}1</f></c>', "A2 holds a formula that was never calculated"),
    ("<c r='A2' t='e'><v>#N/A</v></c>", "A2 holds an error instead of a value"),
    ('<c t="e" r="A2"><f>1/0</f><v>#DIV/0!</v></c>', "A2 holds an error instead of a value"),
    ('<c t="e"><v>#N/A</v></c>', "? holds an error instead of a value"),
    ('<c r="A2"><f>A1</f><v>1234567890123456</v></c>', "A2 holds a number of more than 15 digits, of"
     " which a workbook keeps 15"),
])  # fmt: skip
def test_what_other_programs_write_is_refused_as_well(
    tmp_path: Path, cells: str, words: str
) -> None:
    path = written_by_others(tmp_path / "b.xlsx", cells)
    assert refused(path)[0] == f"b.xlsx: cell {words}"


def test_formulas_that_were_calculated_are_their_values(tmp_path: Path) -> None:
    cells = (
        '<c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>""</f><v></v></c>'
        '<c r="C2" t="str"><f>A1</f><v>1234567890123456</v></c><c r="D2" t="b"><f>1=1</f><v>1</v></c>'
    )
    assert text_of(written_by_others(tmp_path / "b.xlsx", cells)) == (
        "no;;;\n2;;1234567890123456;true\n"
    )


def test_cells_far_apart_do_not_fill_the_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"S": {"A1": "no", "XFD1048576": "x", "A2": "y"}})
    assert refused(path) == (
        "b.xlsx: 3 cells are scattered over 1,048,576 rows and 16,384 columns",
        "delete what stands far away from the table, and save it again",
    )
    path = workbook(tmp_path / "c.xlsx", {"S": {"A1": "no", "A100000": "x"}})
    assert text_of(path) == "no\n" + "\n" * 99998 + "x\n"


def test_what_is_no_workbook_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    path.write_text("no;country\n")
    assert refused(path)[0] == "b.xlsx is not readable as a workbook: File is not a zip file"
    workbook(path, {"S": {"A1": "x"}})
    path.write_bytes(path.read_bytes()[:-40])
    assert refused(path)[0].startswith("b.xlsx is not readable as a workbook: ")
    workbook(path, {"S": {"A1": "x"}})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(12 << 20))
    assert (
        refused(path)[0] == "b.xlsx unpacks to more than 200 times its size, which no export does"
    )
    old = tmp_path / "old.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0")
    assert refused(old) == ("old.xls is a workbook of a kind that is not read", "save it as .xlsx")


def test_text_that_the_mapping_could_not_read_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"S": {"A1": "Łódź"}})
    assert refused(path, dialect=Dialect("cp1252", ",", '"')) == (
        "b.xlsx has the character 'Ł', which cp1252 does not",
        "a workbook has no encoding: leave out `source.encoding` in its mapping",
    )
    assert refused(path, dialect=Dialect("utf-8", ",", None))[1] == (
        "leave out `source.quote`: cells may have line breaks"
    )
