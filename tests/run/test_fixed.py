"""Files of fixed width on the whole way: sent, held, written out to be corrected, and read again."""

import csv
import io
import json
from pathlib import Path

import pytest

from pipeline.model.stops import SourceUnusable
from pipeline.run import Result
from pipeline.run.trial import try_mapping
from pipeline.sandbox import FaultSchedule
from tests.databases import BOTH
from tests.run.conftest import ORDERS_YAML, Warehouse
from tests.run.test_again import retry_run
from tests.run.test_import import outcomes
from tests.unit.intake.test_workbooks import workbook

pytestmark = BOTH

LAYOUT = """\
  files: "orders*.txt"
  format: fixed
  encoding: cp1252
  positions: {no: 1-6, pos: 7-8, sku: 9-16, qty: 19-22, country: 23-24, mail: 25-44, name: 45-60, cut: 61-62}
  expect: {trailer: {first_cell: END, rows: 4-7}}
"""
MAPPING = ORDERS_YAML.replace('  files: "orders*.csv"\n  delimiter: ";"\n', LAYOUT)


def line(number: str, pos: int = 1, qty: object = 2, name: str = "Jö Doe", sku: str = "") -> str:
    """A line as the layout has it; what is too long for its place moves the others."""
    article = sku or f"SKU-{pos}"
    mail = "jo@example.com"
    return f"{number:<6}{pos:>2}{article:<8}??{qty:>4}DE{mail:<20}{name:<16}  "


@pytest.fixture
def fixed(warehouse: Warehouse) -> Warehouse:
    (warehouse.folder / "orders.yaml").write_text(MAPPING, encoding="utf-8")
    return warehouse


def put(warehouse: Warehouse, *lines: str) -> None:
    every = [*lines, f"END{len(lines):04}"]
    text = "".join(f"{each}\r\n" for each in every)
    (warehouse.folder / "orders_1.txt").write_bytes(text.encode("latin-1"))


def rows_of(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("cp1252")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def save(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as a German spreadsheet does."""
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def only(warehouse: Warehouse, result: Result) -> Path:
    [path] = warehouse.corrected(result).values()
    return path


def test_what_is_held_is_written_as_cells_and_comes_back(fixed: Warehouse) -> None:
    put(
        fixed, line("A1"), line("A1", 2), line("A2", qty="two"), line("A3", sku="SKU-12345"),
        line("A3", 2), line("A4", name="M\x81ller"), line("A5")[:50],
    )  # fmt: skip

    result = fixed.run(max_reject_rate=None)

    assert outcomes(result.summary)["created"] == 1
    assert sorted(fixed.open_items().items()) == [
        ("A2", "R201"), ("A3", "R112"), ("A4", "R102"), ("A5", "R112"),
    ]  # fmt: skip
    told = {row["line"]: row for row in fixed.rejections(result)}
    assert (told[3]["column"], told[3]["raw"]) == ("qty", "two")
    assert result.report is not None
    path = only(fixed, result)
    assert path.name == "orders_1.rejected.csv"
    rows = rows_of_bytes(path)
    assert list(rows[0])[:9] == [
        "no", "pos", "sku", "qty", "country", "mail", "name", "cut", "_import_file",
    ]  # fmt: skip
    assert [(row["_import_line"], row["_import_rule"]) for row in rows] == [
        ("3", "R201"), ("4", "R112"), ("5", "H001"), ("6", "R102"), ("7", "R112"),
    ]  # fmt: skip
    assert rows[1]["sku"] == "SKU-1234"
    assert "63 characters, the columns have 62" in rows[1]["_import_problem"]

    # as they are, they stay held, also where their number of cells is right
    untouched = fixed.retry(path)
    assert untouched.exit_code == 3
    assert sorted(fixed.open_items()) == ["A2", "A3", "A4", "A5"]

    rows = rows_of_bytes(path)
    rows[0]["qty"] = "2"
    rows[1] |= {
        "sku": "SKU-1",
        "qty": "2",
        "country": "DE",
        "mail": "jo@example.com",
        "name": "Jö Doe",
    }
    rows[3]["name"] = "Müller"
    rows[4] |= {"name": "Jo Doe"}
    save(path, rows)
    retried = fixed.retry(path)

    assert (retried.exit_code, fixed.open_items()) == (0, {}), fixed.rejections(retried)
    sent = {put.order_number: json.loads(put.body) for put in fixed.sandbox.puts()}
    assert sent["A4"]["recipient_name"] == "Müller"
    assert [each["sku"] for each in sent["A3"]["articles_order"]] == ["SKU-1", "SKU-2"]


def rows_of_bytes(path: Path) -> list[dict[str, str]]:
    """Rows of a file in which a byte cannot be read."""
    text = path.read_bytes().decode("cp1252", "replace")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_that_was_looked_at_and_is_right_is_taken_without_its_rule(fixed: Warehouse) -> None:
    put(fixed, line("A1"), line("A2")[:60])
    path = only(fixed, fixed.run(max_reject_rate=None))
    rows = rows_of(path)
    assert rows[0]["mail"] == "jo@example.com" + " " * 6
    save(path, [row | {"_import_rule": ""} for row in rows])

    assert fixed.retry(path).exit_code == 0
    assert fixed.open_items() == {}


@pytest.mark.thorough
def test_rows_of_a_host_are_corrected_in_an_encoding_that_people_have(fixed: Warehouse) -> None:
    (fixed.folder / "orders.yaml").write_text(MAPPING.replace("cp1252", "cp1140"), encoding="utf-8")
    lines = (line("A1", name="Bülent €"), line("A2", qty="two", name="Jürgen"), "END0002")
    text = "".join(f"{each}\x85" for each in lines)
    (fixed.folder / "orders_1.txt").write_bytes(text.encode("cp1140"))
    path = only(fixed, fixed.run(max_reject_rate=None))

    assert path.read_bytes().startswith(b"\xef\xbb\xbfno,pos,sku")
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    assert [(row["name"].strip(), row["qty"]) for row in rows] == [("Jürgen", " two")]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(row | {"qty": "2"} for row in rows)

    assert fixed.retry(path).exit_code == 0
    assert fixed.open_items() == {}
    names = {json.loads(put.body)["recipient_name"] for put in fixed.sandbox.puts()}
    assert names == {"Bülent €", "Jürgen"}


def test_what_the_api_refused_leads_to_its_line_and_column(fixed: Warehouse) -> None:
    put(fixed, line("A1"), line("A1", 2))
    rule = {"fault": "http_400_a", "order_number": "A1", "attr": "articles_order.1.sku", "detail": "is odd"}  # fmt: skip
    fixed.sandbox.play(FaultSchedule.of([rule]))
    result = fixed.run()

    [told] = [row for row in fixed.rejections(result) if row["rule"] == "A401"]
    assert (told["line"], told["column"], told["raw"]) == (2, "sku", "SKU-2")
    path = only(fixed, result)
    fixed.sandbox.play(FaultSchedule.of([]))
    save(path, [row | {"sku": "SKU-3"} if row["pos"] == " 2" else row for row in rows_of(path)])
    assert fixed.retry(path).exit_code == 0
    assert fixed.open_items() == {}


@pytest.mark.thorough
def test_refused_orders_are_sent_again_from_the_copy_of_their_file(fixed: Warehouse) -> None:
    put(fixed, line("A1"), line("A2"))
    rule = {"fault": "http_400_a", "order_number": "A1", "attr": "recipient_name", "detail": "odd"}
    fixed.sandbox.play(FaultSchedule.of([rule]))
    first = fixed.run()
    fixed.sandbox.play(FaultSchedule.of([]))
    (fixed.folder / "orders_1.txt").unlink()

    assert fixed.open_items() == {"A1": "A401"}
    assert retry_run(fixed, first.run_id).exit_code == 0
    assert fixed.open_items() == {}


def test_a_trailer_that_counts_other_rows_stops_the_run(fixed: Warehouse) -> None:
    text = f"{line('A1')}\r\n{line('A2')}\r\nEND0003\r\n"
    (fixed.folder / "orders_1.txt").write_bytes(text.encode("cp1252"))
    result = fixed.run()
    assert result.exit_code == 7
    assert fixed.sandbox.puts() == []

    (fixed.folder / "orders_1.txt").write_bytes(text.replace("END0003", "END").encode("cp1252"))
    result = fixed.run()
    assert result.exit_code == 7
    assert result.report is not None
    assert "characters 4-7 of the trailer, the number of rows, is not there" in (
        result.report.read_text("utf-8")
    )


def test_rows_of_a_test_stand_in_the_form_of_the_file(fixed: Warehouse) -> None:
    mapping = fixed.folder / "orders.yaml"
    mapping.write_text(
        MAPPING
        + "tests:\n  - name: a line\n    rows: |\n"
        + "".join(f"      {each}\n" for each in (line("A1"), line("A2", qty="two"), "END0002"))
        + "    expect:\n      orders: [{order_number: A1, recipient_name: Jö Doe}]\n"
        + "      rejected: [{line: 2, column: qty, rule: number_invalid, value: two}]\n",
        encoding="utf-8",
    )

    [tried] = try_mapping(mapping)

    assert tried.fine, tried.differences


def test_a_workbook_is_no_text_of_fixed_width(fixed: Warehouse) -> None:
    (fixed.folder / "orders.yaml").write_text(
        MAPPING.replace("orders*.txt", "orders*.xlsx"), encoding="utf-8"
    )
    workbook(fixed.folder / "orders.xlsx", {"S": {"A1": "no"}})

    with pytest.raises(SourceUnusable) as refused:
        fixed.run()

    assert refused.value.message == (
        "orders.xlsx is a workbook, and its mapping reads fixed-width text"
    )
