"""mapping test: filters, what tests reach, and expectations that are written."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.mapping_file import read_mapping
from pipeline.run import trial
from pipeline.run.accepting import why_not
from tests.cli.conftest import Call
from tests.cli.test_next_steps import command_after

MAPPING = """\
version: 1
name: parcels
mode: update_only
source: {columns: {qty: integer}}
lookups: {couriers: {UPS: ups, DPD: dpd-de}}
order: {order_number: nr}
trackings:
  key: tracking
  fields:
    tracking_number: tracking
    courier: {from: carrier, lookup: couriers}
    articles: {line_item_id: line, quantity: qty}
tests:
"""
GOOD = """\
  - name: a parcel          # the usual one
    rows: |
      nr,tracking,carrier,line,qty
      A1,1Z9,UPS,A1-1,2
    expect:
      orders:
        - order_number: A1  # the first
          mutations: [{tracking: {courier: COURIER}}]
"""
UNKNOWN = """\
  - name: an unknown carrier
    rows: |
      nr,tracking,carrier,line,qty
      A2,1Z8,DHL,A2-1,1
    expect: {orders: []}
"""


@pytest.fixture
def wrong(folder: Path) -> Path:
    """A mapping whose first test expects another courier, and whose second no rejection."""
    path = folder / "m.yaml"
    path.write_text(MAPPING + GOOD.replace("COURIER", "dhl") + UNKNOWN)
    return path


def test_failed_tests_lead_to_accept(call: Call, wrong: Path) -> None:
    assert wrong.exists()
    said = call("mapping", "test", "m.yaml")
    assert said.code == 1
    assert "     at orders[0].mutations[0].tracking.courier\n       expected 'dhl'\n" in said.out
    command = command_after("a change to the tests:", said.err)
    assert command == ["mapping", "test", "m.yaml", "--accept"]
    again = call(*command)
    assert (again.code, "+          mutations: [{tracking: {courier: ups}}]" in again.out) == (
        1,
        True,
    )
    assert call(*command_after("Write it:", again.err)).code == 0
    assert call("mapping", "test", "m.yaml").code == 0


def test_a_word_chooses_tests(call: Call, wrong: Path) -> None:
    assert wrong.exists()
    said = call("mapping", "test", "m.yaml", "-k", "UNKNOWN")
    assert "1 test, 1 failed" in said.out
    assert "a parcel" not in said.out
    assert call("mapping", "test", "m.yaml", "-k", "zzz").out == "no test has 'zzz' in its name\n"


def test_github_shows_failures_beside_the_test(call: Call, wrong: Path) -> None:
    assert wrong.exists()
    said = call("mapping", "test", "m.yaml", "--format", "github", "--coverage")
    assert said.out.startswith(
        "::error file=m.yaml,line=14,title=a parcel::at orders[0].mutations[0].tracking.courier: "
        "expected 'dhl', got 'ups'\n::error file=m.yaml,line=22,title=an unknown carrier::at rejected:"
    )
    assert (
        "\n::notice file=m.yaml,line=11,title=not reached by a test::lookups.couriers: " in said.out
    )


def test_accept_shows_the_change_and_writes_nothing_without_yes(call: Call, wrong: Path) -> None:
    before = wrong.read_bytes()
    said = call("mapping", "test", "m.yaml", "--accept")
    assert said.code == 1
    assert (
        said.out
        == """\
--- m.yaml
+++ m.yaml (accepted)
@@ -18,9 +18,9 @@
     expect:
       orders:
         - order_number: A1  # the first
-          mutations: [{tracking: {courier: dhl}}]
+          mutations: [{tracking: {courier: ups}}]
   - name: an unknown carrier
     rows: |
       nr,tracking,carrier,line,qty
       A2,1Z8,DHL,A2-1,1
-    expect: {orders: []}
+    expect: {orders: [], rejected: [{line: 2, column: carrier, rule: lookup_unknown, value: DHL}]}
"""
    )
    assert said.err == "Nothing is written. Write it: pipeline mapping test m.yaml --accept --yes\n"
    assert wrong.read_bytes() == before


def test_accept_with_yes_writes_and_then_the_tests_pass(call: Call, wrong: Path) -> None:
    wrong.chmod(0o640)
    only = call("mapping", "test", "m.yaml", "--accept", "--yes", "-k", "parcel")
    assert (only.code, only.out.splitlines()[-1]) == (0, "m.yaml is written: a parcel")
    assert wrong.read_text() == MAPPING + GOOD.replace("COURIER", "ups") + UNKNOWN
    assert wrong.stat().st_mode & 0o777 == 0o640
    assert call("mapping", "test", "m.yaml", "--accept", "--yes", "--json").json()["written"]
    assert call("mapping", "test", "m.yaml").code == 0
    again = call("mapping", "test", "m.yaml", "--accept")
    assert (again.code, again.out) == (0, "there is nothing to accept\n")
    assert sorted(each.name for each in wrong.parent.iterdir()) == ["m.yaml"]


def test_what_the_api_would_refuse_is_not_accepted(wrong: Path) -> None:
    result = next(trial.results(wrong, read_mapping(wrong)[0]))
    assert why_not(result) == ""
    tried = replace(result.tried, refusals=("OpenAPI: orders[0].channel: too long",))
    assert why_not(replace(result, tried=tried)) == (
        "its payload cannot be sent; OpenAPI: orders[0].channel: too long"
    )


def test_rows_that_are_not_there_are_not_accepted(call: Call, folder: Path) -> None:
    text = MAPPING + "  - {name: gone, file: gone.csv, expect: {}}\n"
    (folder / "m.yaml").write_text(text)
    said = call("mapping", "test", "m.yaml", "--accept", "--yes")
    assert said.code == 1
    assert "its rows cannot be read: gone.csv does not exist beside m.yaml" in said.err
    assert (folder / "m.yaml").read_text() == text


def test_a_column_that_the_rows_lack_is_told_once_and_plainly(call: Call, folder: Path) -> None:
    renamed = MAPPING.replace("tracking_number: tracking", "tracking_number: Sendung")
    renamed = renamed.replace("key: tracking", "key: Sendung")
    (folder / "m.yaml").write_text(renamed + GOOD.replace("COURIER", "ups") + UNKNOWN)
    said = call("mapping", "test", "m.yaml")
    text = "the rows of this test have no column Sendung (m.yaml:8), which the mapping reads"
    assert said.code == 1
    assert said.out.splitlines() == [
        "FAIL m.yaml:14 a parcel  (0 orders, 0 rejections)",
        f"     {text}",
        "FAIL m.yaml:22 an unknown carrier  (0 orders, 0 rejections)",
        "     as above",
        "2 tests, 2 failed",
    ]
    assert said.err == ""
    listed = call("mapping", "test", "m.yaml", "--json").json()["tests"]
    assert [each["unread"] for each in listed] == [text, text]
    assert text in call("mapping", "test", "m.yaml", "--format", "github").out
    accepted = call("mapping", "test", "m.yaml", "--accept", "--yes")
    assert f"m.yaml:14 a parcel: not accepted, {text}" in accepted.err


def test_a_member_that_no_expectation_has_is_noted(call: Call, folder: Path) -> None:
    text = MAPPING.replace("order_number: nr", "order_number: nr, channel: carrier")
    (folder / "m.yaml").write_text(text + GOOD.replace("COURIER", "ups"))
    said = call("mapping", "test", "m.yaml")
    note = (
        "m.yaml: 5 members of the payloads are in no expectation (channel, mutations[].type, "
        "mutations[].tracking.tracking_number, mutations[].tracking.articles[].line_item_id, "
        "mutations[].tracking.articles[].quantity); `exact: true` in a test compares all\n"
    )
    assert (said.code, said.err) == (0, note)
    assert call("mapping", "test", "m.yaml", "--accept").err == note
    (listed,) = call("mapping", "test", "m.yaml", "--json").json()["unlisted"]
    assert listed["members"][0] == "channel"
    exact = GOOD.replace("COURIER", "ups").replace("    expect:", "    exact: true\n    expect:")
    (folder / "m.yaml").write_text(text + exact)
    assert "no expectation" not in call("mapping", "test", "m.yaml").err
    assert call("mapping", "test", "m.yaml", "--accept", "--yes").code == 0
    assert call("mapping", "test", "m.yaml").err == ""


def test_a_mapping_without_tests_says_no_tests(call: Call, folder: Path) -> None:
    (folder / "m.yaml").write_text(MAPPING.removesuffix("tests:\n"))
    said = call("mapping", "test", "m.yaml")
    assert (said.code, said.out, said.err) == (0, "no tests\n", "m.yaml has no tests\n")


def test_coverage_lists_what_no_test_reaches(call: Call, folder: Path) -> None:
    (folder / "m.yaml").write_text(MAPPING + GOOD.replace("COURIER", "ups"))
    said = call("mapping", "test", "m.yaml", "--coverage")
    assert said.code == 0
    assert (
        said.out.partition("\n\n")[2]
        == """\
what the tests of m.yaml reach
     5 of    5  targets
     1 of    1  sections
     1 of    2  lookup keys
and what none of them does
  m.yaml:11: lookups.couriers: 1 of 2 keys never looked up: DPD
"""
    )
    (found,) = call("mapping", "test", "m.yaml", "--coverage", "--json").json()["coverage"]
    assert found["counts"]["lookup key"] == {"reached": 1, "all": 2}
    assert found["gaps"][0]["keys"] == ["DPD"]


def test_yes_alone_says_nothing(call: Call, wrong: Path) -> None:
    assert wrong.exists()
    assert call("mapping", "test", "m.yaml", "--yes").code == 2


def test_the_published_document_is_asked_about_every_payload() -> None:
    body = {"account": 1, "order_number": "A", "order_total_amount": "2647.900000",
            "mutations": [{"type": "add_tracking", "tracking": {"tracking_number": "1"}}]}  # fmt: skip
    assert list(trial.refusals([body])) == [
        "OpenAPI: orders[0].order_total_amount: '2647.900000' does not match "
        r"'^-?\\d{0,8}(?:\\.\\d{0,2})?$'",
        "the API would refuse orders[0].mutations[0].tracking.courier: A tracking is identified by "
        "tracking_number and courier, or by external_reference.",
    ]


def test_a_finding_of_one_of_several_files_is_accepted_with_its_source(
    call: Call, folder: Path
) -> None:
    (folder / "m.yaml").write_text("""\
version: 1
name: m
mode: update_only
sources:
  orders: {files: "orders*.csv", key: Nr}
  lines: {files: "lines*.csv", belongs_to: orders, key: Nr}
order: {order_number: Nr, channel: Shop}
lines: {source: lines, send: always, fields: {line_item_id: Pos}}
tests:
  - name: a line of no order
    rows: {orders: "Nr,Shop\\nA1,web\\n", lines: "Nr,Pos\\nA1,1\\nA2,1\\n"}
    expect: {orders: [{order_number: A1}]}
""")
    failed = call("mapping", "test", "m.yaml")
    assert "       got      test at m.yaml:10, line 3 of lines R330 " in failed.out
    said = call("mapping", "test", "m.yaml", "--accept", "--yes")
    assert "rejected: [{source: lines, line: 3, " in said.out
    assert call("mapping", "test", "m.yaml").code == 0


def test_several_tests_of_one_line_are_accepted_each_for_itself(call: Call, folder: Path) -> None:
    one = '{name: NR, rows: "nr,tracking,carrier,line,qty\\nNR,1Z9,UPS,A1-1,2\\n", expect: {orders: [{order_number: X}]}}'
    tests = ", ".join(one.replace("NR", number) for number in ("A1", "B2"))
    (folder / "m.yaml").write_text(MAPPING.replace("tests:\n", f"tests: [{tests}]\n"))
    said = call("mapping", "test", "m.yaml", "./m.yaml", "--accept", "--yes")
    assert (said.code, said.out.splitlines()[-1]) == (0, "m.yaml is written: A1, B2")
    assert (folder / "m.yaml").read_text().count("order_number: X") == 0
    assert call("mapping", "test", "m.yaml").code == 0


def test_a_file_that_is_read_only_is_not_written(call: Call, wrong: Path) -> None:
    before = wrong.read_bytes()
    wrong.chmod(0o444)
    said = call("mapping", "test", "m.yaml", "--accept", "--yes")
    assert (said.code, wrong.read_bytes()) == (2, before)
    assert "m.yaml cannot be written: it is read-only" in said.err
