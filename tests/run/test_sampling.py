"""`mapping check MAPPING --sample FILE` for text: what the first rows of a file say about a mapping."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import Mistake, Weight
from pipeline.read import read_header
from pipeline.run import sampling
from pipeline.run.sampling import fit_rows

MAPPING = """\
version: 1
name: m
source:
  delimiter: ";"
  decimal: ","
  thousands: "."
  dates: "%d.%m.%Y"
  columns: {Menge: integer}
lookups:
  couriers: {DHL: dhl-germany}
rows: {key: Nr}
order:
  order_number: Nr
  destination_country_iso3: Land
  recipient_email: Mail
  order_total_amount: Preis
  order_currency: {value: EUR}
lines:
  fields: {line_item_id: Pos, sku: Sku, quantity: Menge}
trackings:
  key: Paket
  fields:
    tracking_number: Paket
    announced_send_date: Datum
    courier: {from: Dienst, lookup: couriers}
"""
HEAD = "Nr;Pos;Sku;Menge;Preis;Land;Mail;Datum;Paket;Dienst"
ROW = "A{n};1;S1;2;1.299,00;DE;a@example.com;20.11.2026;P{n};DHL"


def told(
    folder: Path, rows: Sequence[str], head: str = HEAD, mapping: str = MAPPING
) -> list[Mistake]:
    """What a file of these rows says."""
    path = folder / "in.csv"
    path.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    source = compile_mapping(mapping, "m.yaml").plan.source
    header = read_header(path, source)
    compiled = compile_mapping(mapping, "m.yaml", header=header)
    return fit_rows(compiled, path, "in.csv", source, header)


def rows(count: int, **other: str) -> list[str]:
    """Good rows; `other` replaces the row of an ordinal: `r2="…"`."""
    return [other.get(f"r{n}", ROW.format(n=n)) for n in range(count)]


def test_a_file_that_fits_says_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, rows(3)) == []


BROKEN = [
    ("1.299,00", "12.90,1", 16, 'column "Preis": not a number (R201); the first is in line 3, "12.90,1"',
     "correct the cell, or `source.decimal` and `source.thousands` in the mapping"),
    ("20.11.2026", "2026-11-20", 24, 'column "Datum": not a date (R202); the first is in line 3, "2026-11-20"',
     "they are all written as %Y-%m-%d: write it in `source.dates`"),
    ("20.11.2026", "soon", 24, 'column "Datum": not a date (R202); the first is in line 3, "soon"',
     "correct the cell, or the `format:` of the field in the mapping"),
    (";2;", ";2,5;", 8, 'column "Menge": not a whole number (R205); the first is in line 3, "2,5"',
     "write digits alone: no unit, no decimals"),
    (";DE;", ";QQ;", 14, 'column "Land": country unknown (R203); the first is in line 3, "QQ"',
     "correct the cell, or add the spelling to a lookup table in the mapping"),
    (";DHL", ";FEDEX", 25, 'column "Dienst": value not in lookup table (R401); the first is in line 3, "FEDEX"',
     'add to lookups.couriers: "FEDEX"'),
    ("a@example.com", "max.mustermann", 15, 'column "Mail": not an e-mail address (R310); the first is in line 3, "m…"',
     "write one address such as name@example.com, with nothing around it"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "line", "says", "hint"), BROKEN, ids=lambda v: str(v)[:12])
def test_a_cell_that_would_be_rejected_is_a_warning_at_its_field(
    good: str, bad: str, line: int, says: str, hint: str, tmp_path: Path
) -> None:
    spoilt = ROW.format(n=1).replace(good, bad)
    (mistake,) = told(tmp_path, rows(20, r1=spoilt))
    assert (mistake.code, mistake.weight, mistake.line) == ("W107", Weight.WARNING, line)
    assert mistake.message == f"1 of 20 cells of {says}"
    assert mistake.help == hint


def test_numbers_that_mostly_do_not_fit_say_which_notation_they_have(tmp_path: Path) -> None:
    spoilt = [row.replace("1.299,00", "12.95") for row in rows(4)]
    (mistake,) = told(tmp_path, spoilt)
    assert mistake.message.startswith('4 of 4 cells of column "Preis": not a number')
    assert mistake.help == 'they all fit `decimal: "."` of source'
    grouped = [row.replace("1.299,00", "1,299.95") for row in rows(4)]
    (mistake,) = told(tmp_path, grouped)
    assert mistake.help == 'they all fit `decimal: "."` and `thousands: ","` of source'


def test_rows_without_key_are_told_at_the_key(tmp_path: Path) -> None:
    (mistake,) = told(tmp_path, rows(3, r1=ROW.format(n=1).replace("A1", "", 1)))
    assert (mistake.code, mistake.line) == ("W107", 11)
    assert mistake.message == (
        '1 of 3 cells of column "Nr": row without order key (R209); the first is in line 3'
    )


def test_rows_that_cannot_be_read(tmp_path: Path) -> None:
    (mistake,) = told(tmp_path, rows(4, r1="A1;1", r2="A2;1"))
    assert (mistake.code, mistake.line) == ("W108", 3)
    assert mistake.message == (
        "2 of 4 rows of in.csv cannot be read: wrong number of columns (R101), the first in line 3"
    )


def test_a_file_of_which_no_row_can_be_read_is_told_as_well(tmp_path: Path) -> None:
    (mistake,) = told(tmp_path, ["A1;1", "A2;1"])
    assert mistake.message.startswith("2 of 2 rows of in.csv cannot be read")


def test_columns_without_a_value(tmp_path: Path) -> None:
    (mistake,) = told(tmp_path, [row.replace("20.11.2026", " ") for row in rows(2)])
    assert (mistake.code, mistake.line) == ("W109", 24)
    assert mistake.message == 'column "Datum" is empty in all 2 rows of in.csv'


def test_columns_that_are_never_used_are_one_warning(tmp_path: Path) -> None:
    (mistake,) = told(tmp_path, [f"{row};x;y" for row in rows(2)], f"{HEAD};KST;Lager")
    assert (mistake.code, mistake.line) == ("W110", 3)
    assert mistake.message == '2 columns of in.csv are never used: "KST", "Lager"'


def test_of_columns_with_one_name_the_used_one_is_used(tmp_path: Path) -> None:
    mapping = MAPPING.replace("sku: Sku", "sku: Sku#1")
    head = HEAD.replace("Sku", "Sku;Sku")
    spread = [row.replace(";S1;", ";S1;S2;") for row in rows(2)]
    assert told(tmp_path, spread, head, mapping) == []


def test_only_the_first_rows_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "ROWS", 5)
    assert told(tmp_path, rows(9, r7=ROW.format(n=7).replace(";DE;", ";QQ;"))) == []
    (mistake,) = told(tmp_path, rows(9, r2=ROW.format(n=2).replace(";DE;", ";QQ;")))
    assert mistake.message.startswith("1 of 5 cells")


def test_an_empty_file_says_only_what_its_header_says(tmp_path: Path) -> None:
    assert told(tmp_path, []) == []


def test_rows_that_the_mapping_skips_are_not_judged(tmp_path: Path) -> None:
    mapping = MAPPING.replace("rows: {key: Nr}", "rows: {key: Nr, skip: \"Sku = 'TEST'\"}")
    spoilt = ROW.format(n=1).replace("S1", "TEST").replace(";DE;", ";QQ;")
    assert told(tmp_path, rows(3, r1=spoilt), mapping=mapping) == []


def test_rows_with_several_items_are_rows_and_their_items_are_judged(tmp_path: Path) -> None:
    mapping = """\
version: 1
name: m
source: {delimiter: ";"}
rows:
  explode:
    item: {from: Items, split: "|", parts: ":", names: [sku, qty]}
order: {order_number: Nr, destination_country_iso3: Land, recipient_email: Mail}
lines:
  fields: {line_item_id: sku, quantity: qty}
"""
    who = "DE;a@example.com"

    found = told(
        tmp_path, [f"1;{who};A:1|B:two", f"2;{who};A:1|B:x|C:y", f"3;{who};A", f"4;{who};"],
        "Nr;Land;Mail;Items", mapping,
    )  # fmt: skip

    assert [(m.code, m.message) for m in found] == [
        ("W108", "1 of 4 rows of in.csv cannot be read: item not written as declared (R119), the first in line 4"),
        ("W107", '2 of 3 cells of column "Items": not a number (R201); the first is in line 2, "two"'),
    ]  # fmt: skip


STATES = """\
version: 1
name: m
mode: update_only
source: {delimiter: ";"}
lookups: {states: {V: shipped, O: open}}
derive:
  state: {from: Status, lookup: states}
rows: {key: Nr, skip: "Status = 'TEST'"}
order:
  order_number: Nr
  channel:
    cases: [{when: "state = 'open'", value: a}, {when: "Pos = '9'", value: b}]
trackings:
  key: Pos
  when: "Pos = '7'"
  fields: {external_reference: Pos}
mutations:
  - {type: cancel_order, when_all: "state = 'shipped'"}
"""


def test_conditions_that_no_row_meets_are_told_where_they_stand(tmp_path: Path) -> None:
    found = told(tmp_path, ["1;1;V", "2;2;O"], "Nr;Pos;Status", STATES)

    assert [(m.code, m.line, m.message) for m in found] == [
        ("W117", 8, "rows: `skip` is true for 0 of 2 rows of in.csv"),
        ("W117", 15, "trackings: `when` is true for 0 of 2 rows of in.csv"),
        ("W117", 12, "case 2 of order.channel: `when` is true for 0 of 2 rows of in.csv"),
    ]  # fmt: skip
    case = STATES.splitlines()[11]
    assert case[found[2].column - 1 :][: found[2].length] == "\"Pos = '9'\""
    met = told(tmp_path, ["1;7;V", "2;9;O", "3;9;TEST"], "Nr;Pos;Status", STATES)
    assert [m.code for m in met] == []


def test_codes_that_a_table_lacks_are_shown_but_not_what_people_are_called(tmp_path: Path) -> None:
    mapping = STATES.replace("shipped, O: open}", "shipped, O: open}, lands: {D: DEU}, names: {x: X}").replace(
        "  order_number: Nr", "  order_number: Nr\n  destination_country_iso3: {from: Land, lookup: lands}\n"
        "  recipient_name: {from: Name, lookup: names}"
    ).replace("  channel:", "  client_key: state\n  channel:")  # fmt: skip
    long = "a code that is longer than what is quoted of it"
    found = told(
        tmp_path, ["1;7;storno;AT;Ada Example", f"2;9;{long};AT;Bo", "3;9;TEST;D;x"],
        "Nr;Pos;Status;Land;Name", mapping,
    )  # fmt: skip
    hints = [m.help for m in found if m.code == "W107"]
    assert any(
        h.startswith('add to lookups.states: "storno", "a code that is longer') for h in hints
    )
    assert not any(long in h or "Example" in h for h in hints)
    fits = "; or write `unknown: keep`, for without the table they fit as they are"
    assert f'add to lookups.lands: "AT"{fits}' in hints
    assert 'add to lookups.names: "A… E…", "B…"' in hints


def test_how_many_rows_a_run_would_reject_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    spoilt = [row.replace("20.11.2026", "2026-11-20").replace(";DE;", ";QQ;") for row in rows(3)]
    path.write_text("\n".join([HEAD, *spoilt, "A1;1", ROW.format(n=9), ""]), encoding="utf-8")
    compiled = compile_mapping(MAPPING, "m.yaml", header=HEAD.split(";"))
    rejected: list[sampling.Rejected] = []
    fit_rows(compiled, path, "in.csv", compiled.plan.source, HEAD.split(";"), rejected)
    assert rejected == [sampling.Rejected("in.csv", 4, 5)]
