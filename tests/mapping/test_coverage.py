"""What the tests of a mapping reach, and what none of them does."""

from pathlib import Path

import pytest

from pipeline.run.coverage import Coverage, Part, covered, unreached
from pipeline.run.source import read_mapping

MAPPING = """\
version: 1
name: m
source: {columns: {qty: integer}}
lookups: {couriers: {UPS: ups, DPD: dpd-de, GLS: gls}}
derive:
  phone: {first_of: [mobile, landline, {value: none}]}
  shop:
    cases:
      - {when: "kind = 'A'", value: first}
      - {when: "kind IN ('A', 'B')", cases: [{when: "nr = 'A2'", value: inner}, {from: kind}]}
      - {value: rest}
rows:
  key: nr
  skip: "kind = 'TEST'"
order:
  order_number: nr
  destination_country_iso3: country
  recipient_email: {from: mail, default: _unset}
  customer_number: phone
  channel: shop
  language_iso2: {from: language, when: "kind <> 'B'"}
lines:
  when: "qty > 0"
  fields: {line_item_id: sku, quantity: qty}
trackings:
  key: tracking
  when: "tracking IS NOT NULL"
  fields: {tracking_number: tracking, courier: {from: carrier, lookup: couriers}}
mutations:
  - {type: cancel_order, when_all: "kind = 'X'"}
tests:
"""
HEADER = "nr,kind,country,mail,mobile,landline,language,sku,qty,tracking,carrier"


def coverage(tmp_path: Path, *rows: str, existing: str = "[]") -> Coverage:
    path = tmp_path / "m.yaml"
    test = f"  - name: t\n    existing: {existing}\n    expect: {{}}\n    rows: |\n"
    path.write_text(MAPPING + test + "".join(f"      {row}\n" for row in (HEADER, *rows)))
    return covered(path, read_mapping(path)[0])


def told(found: Coverage, part: Part) -> list[str]:
    return [f"{gap.line} {gap.name} {gap.text}" for gap in found.gaps if gap.part is part]


def test_one_row_reaches_little(tmp_path: Path) -> None:
    found = coverage(tmp_path, "A1,A,DE,a@example.com,1,2,de,S,1,,")
    assert told(found, Part.BRANCH) == [
        "6 derive.phone number 2 of first_of is never taken",
        "6 derive.phone number 3 of first_of is never taken",
        "10 derive.shop case 2 (\"kind IN ('A', 'B')\") is never taken",
        "10 derive.shop case 2.1 (\"nr = 'A2'\") is never taken",
        "10 derive.shop case 2.2 (otherwise) is never taken",
        "11 derive.shop case 3 (otherwise) is never taken",
    ]
    assert told(found, Part.CONDITION) == [
        "14 rows skip \"kind = 'TEST'\" is never true",
        "21 order.language_iso2 when \"kind <> 'B'\" is never false",
        '23 lines when "qty > 0" is never false',
        '27 trackings when "tracking IS NOT NULL" is never true',
        "30 mutations.0 when_all \"kind = 'X'\" is never true",
    ]
    assert told(found, Part.TARGET) == [
        "28 trackings.courier never has a value",
        "28 trackings.tracking_number never has a value",
    ]
    assert told(found, Part.SECTION) == [
        "25 trackings is in no payload",
        "30 mutations.0 (cancel_order) is in no payload",
    ]
    assert told(found, Part.DEFAULT) == [
        '18 order.recipient_email the default "_unset" is never needed'
    ]
    (lookup,) = (gap for gap in found.gaps if gap.part is Part.LOOKUP)
    assert (lookup.text, lookup.keys) == ("3 of 3 keys never looked up", ("UPS", "DPD", "GLS"))
    assert found.counts[Part.LOOKUP] == (0, 3)
    assert found.counts[Part.BRANCH] == (2, 8)


def test_all_of_a_mapping_can_be_reached(tmp_path: Path) -> None:
    found = coverage(
        tmp_path,
        "A1,A,DE,a@example.com,1,,de,S,1,77,UPS",
        "A1,A,DE,a@example.com,1,,de,R,0,78,DPD",
        "A2,B,DE,,,2,de,S,1,79,GLS",
        "A3,B,DE,a@example.com,,,de,S,1,,",
        "A4,X,DE,a@example.com,,,de,S,1,,",
        "A5,TEST,DE,,,,,,,,",
        existing="[A4]",
    )
    assert found.gaps == ()
    assert all(reached == every for reached, every in found.counts.values())


def test_the_first_case_that_holds_is_the_one_that_is_taken(tmp_path: Path) -> None:
    # kind A would do for the second case, too
    found = coverage(tmp_path, "A1,A,DE,a@example.com,1,2,de,S,1,,", "A2,C,DE,,,,,,,,")
    assert "10 derive.shop case 2 (\"kind IN ('A', 'B')\") is never taken" in told(
        found, Part.BRANCH
    )


def test_what_is_held_was_not_sent(tmp_path: Path) -> None:
    found = coverage(tmp_path, "A1,A,DE,a@example.com,1,2,de,S,many,77,UPS")
    assert "16 order.order_number never has a value" in told(found, Part.TARGET)
    assert found.counts[Part.LOOKUP] == (1, 3)


def test_lines_that_a_known_order_does_not_send_are_not_reached(tmp_path: Path) -> None:
    found = coverage(tmp_path, "A1,A,DE,a@example.com,1,2,de,S,1,,", existing="[A1]")
    assert told(found, Part.SECTION)[0] == "24 lines is in no payload"


def test_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(MAPPING + "  - {name: gone, file: gone.csv, expect: {}}\n")
    assert covered(path, read_mapping(path)[0]).unread == ("gone",)


@pytest.mark.parametrize("row", ["A1,A,DE,a@example.com,1,2,de,S,1,,", "A1,B,DE,,,,,S,1,77,UPS"])
def test_branches_and_conditions_alone_are_those_of_the_whole(tmp_path: Path, row: str) -> None:
    found = coverage(tmp_path, row)
    path = tmp_path / "m.yaml"
    alone = unreached(path, read_mapping(path)[0])
    assert alone == tuple(g for g in found.gaps if g.part in {Part.BRANCH, Part.CONDITION})


def test_a_mapping_without_conditions_has_its_targets_counted(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("""\
version: 1
name: m
mode: update_only
source: {}
order: {order_number: nr, channel: shop}
tests:
  - {name: t, expect: {}, rows: "nr,shop\\nA1,web\\n"}
""")
    found = covered(path, read_mapping(path)[0])
    assert (found.gaps, found.counts) == ((), {Part.TARGET: (2, 2)})


SOURCES = """\
version: 1
name: m
mode: update_only
lookups: {refs: {r1: A1, r2: A2}}
sources:
  orders:
    files: "orders*.csv"
    key: nr
    derive: {shop: {cases: [{when: "kind = 'A'", value: first}, {value: rest}]}}
  lines:
    files: "lines*.csv"
    belongs_to: orders
    key: {from: ref, lookup: refs}
    derive: {shop: {cases: [{when: "kind = 'A'", value: first}, {value: rest}]}}
  people:
    files: "people*.csv"
    joins: orders
    key: {cases: [{when: "kind = 'B'", from: other}, {from: id}]}
    on: person
    rows: {skip: "id = 'nobody'"}
order: {order_number: nr, channel: shop, recipient_name: people.name}
lines: {source: lines, send: always, fields: {line_item_id: pos, sku: shop}}
tests:
  - name: t
    rows:
      orders: "nr,kind,person\\nA1,A,p1\\nA2,B,p2\\n"
      lines: "ref,kind,pos\\nr1,A,1\\n"
      people: "kind,id,other,name\\nA,p1,,Ada\\nB,,p2,Bo\\n"
    expect: {}
"""


def test_of_several_files_the_rows_of_each_are_looked_at_also_those_that_are_joined(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(SOURCES)
    found = covered(path, read_mapping(path)[0])
    # the same condition holds and does not among the orders, and holds always among the lines
    assert [f"{gap.line} {gap.name} {gap.text}" for gap in found.gaps] == [
        "13 lookups.refs 1 of 2 keys never looked up",
        "14 sources.lines.derive.shop case 2 (otherwise) is never taken",
        "20 sources.people.rows skip \"id = 'nobody'\" is never true",
    ]
    path.write_text(SOURCES.replace("B,,p2,Bo\\n", "B,,p2,Bo\\nA,nobody,,\\n"))
    gaps = covered(path, read_mapping(path)[0]).gaps
    assert [gap.line for gap in gaps] == [13, 14]
