"""EDI findings in the report: once per message, beside their path, and never lost."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.model.tables import SourceFile
from pipeline.report.document import as_json
from pipeline.report.files import write_report
from pipeline.report.interchanges import Claim, Interchange, read_interchange
from pipeline.report.masking import PiiMode
from pipeline.report.render import render
from pipeline.report.summary import Summary, Verdict, summarise
from pipeline.report.text import as_text
from tests.unit.report.edi_runs import PATHS, SEGMENT_TOTAL, SEGMENTS, EdiRun, edi_facts
from tests.unit.report.runs import RunBuilder, facts_of, partly_imported
from tests.unit.report.test_page import Outline


def summed(run: EdiRun, **changes: object) -> Summary:
    return summarise(edi_facts(run, **changes), run.tables())


def rejected_message(orders: tuple[str, ...] = ("WH-1", "WH-2")) -> EdiRun:
    """Message 0001 imported, message 0002 rejected with all its rows."""
    run = EdiRun()
    run.message(("WH-0",))
    begin = run.message(orders, SEGMENT_TOTAL)
    run.at(begin + SEGMENTS - 1, **SEGMENT_TOTAL)
    return run


# -- rows of a rejected message ---------------------------------------------------------------


def test_a_rejected_message_is_one_entry_at_the_place_of_its_error() -> None:
    (cause,) = summed(rejected_message()).causes.rows
    (case,) = cause.cases

    assert (cause.count, case.rows, case.message) == (4, 4, "message 0002 (856)")
    assert case.order_number == "WH-1, WH-2"
    assert case.place == "night.edi:42 (segment 42)"
    assert case.says == "SE*01 declares 18, counted segments: 20"
    assert [each.place for each in cause.examples] == [case.place]


def test_the_page_counts_its_rows_and_names_its_orders() -> None:
    run = rejected_message(tuple(f"WH-{n}" for n in range(1, 9)))
    text = Outline(render(summed(run))).text

    assert "Showing 16 of 16 rows" in text
    assert "WH-1, WH-2, WH-3, WH-4, WH-5 and 3 more" in text
    assert "message 0002 (856), 16 rows" in text
    assert "showing" not in text  # all of the cause is there


def test_rows_with_an_error_of_their_own_join_the_entry_of_their_message() -> None:
    """Where an error lies on a row's own segment, that row has it without a place in its words."""
    run = EdiRun()
    parent = {"code": "E205", "column": "HL*02", "value": "9", "detail": ""}
    begin = run.message(("WH-1",), parent, rows=3, at=4)
    for each in run.findings:
        if each["_segment"] in (begin + 1, begin + 2):
            each["detail"] = ""
    (cause,) = summed(run).causes.rows

    assert [(each.rows, each.place) for each in cause.cases] == [(3, "night.edi:4 (segment 4)")]


def test_an_error_of_the_group_is_one_entry_for_all_of_its_messages() -> None:
    run = EdiRun()
    group = {"code": "E108", "column": "GE*01", "value": "3", "detail": "2"}
    for order in ("WH-1", "WH-2"):
        run.message((order,), group, at=43, code="E108")
    run.at(43, **group)
    made = summed(run)
    (cause,) = made.causes.rows

    assert [(each.rows, each.message) for each in cause.cases] == [(4, "2 messages")]
    assert made.causes.notes == ()


def test_what_else_is_wrong_in_a_message_stands_beside_its_error() -> None:
    run = rejected_message()
    run.at(30, "E201", value="N1", detail="")
    (cause,) = summed(run).causes.rows

    assert cause.cases[0].further == (
        "E201 mandatory segment N1 is missing, night.edi:30 (segment 30)",
    )
    assert summed(run).causes.lost == ()


def test_the_totals_still_count_rows_and_balance() -> None:
    made = summed(rejected_message())

    made.totals.check()
    assert (made.totals.rows.rejected, made.totals.rows.own_problem) == (4, 4)


# -- what belongs to no row -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("segment", "code", "words"),
    [
        (60, "E102", "An interchange of night.edi could not be read"),
        (60, "E119", "The rest of night.edi could not be read"),
        (60, "E115", "Segments of night.edi stand outside of their message"),
        (30, "E201", "Message 0002 of night.edi was rejected and gave no row"),
    ],
)
def test_an_error_without_rows_is_never_a_success(segment: int, code: str, words: str) -> None:
    run = EdiRun()
    run.message(("WH-0",))
    run.message()
    run.at(segment, code, value="HL", detail="")
    made = summed(run)

    assert made.verdict is Verdict.PARTLY_IMPORTED
    assert made.headline == (f"The order arrived in parcelLab. {words}: what was in it is unknown.")
    assert words in as_text(made, "report.html").splitlines()[0]
    page = Outline(render(made)).text
    assert "About the files" in page
    assert f"{words}: what was in it is unknown." in page


def test_nothing_but_an_unreadable_interchange_is_nothing_imported() -> None:
    run = EdiRun()
    run.at(1, "E102", value="ISA*", detail="too short")

    assert summed(run).verdict is Verdict.NOTHING_IMPORTED
    assert summed(run).headline.startswith("No order could be read. An interchange of night.edi")


def test_several_losses_are_counted() -> None:
    run = EdiRun()
    run.message(("WH-0",))
    run.at(60, "E102", value="ISA*", detail="")
    run.at(80, "E119", value="64", detail="")

    assert summed(run).headline == (
        "The order arrived in parcelLab. An interchange of night.edi could not be read, "
        "and 1 more part of the files: what was in them is unknown."
    )


def test_an_error_in_a_message_that_is_not_read_is_told_and_loses_nothing() -> None:
    run = EdiRun()
    run.message(("WH-0",))
    run.message(read=False, type="997")
    run.at(42, **SEGMENT_TOTAL)
    made = summed(run)

    assert made.causes.lost == ()
    assert [each.code for each in made.causes.notes] == ["E110"]
    assert made.verdict is Verdict.WITH_WARNINGS


def test_what_is_odd_about_a_file_is_told_per_file_and_not_twice() -> None:
    run = EdiRun()
    run.message(("WH-0",))
    run.message(read=False, type="997")
    run.at(23, "E208", value="997", detail="1")
    run.at(1, "E116")
    run.at(5, "E303", column="SN1*02", value="X7", detail="quantity shipped")
    made = summed(run)

    assert [(each.code, each.place) for each in made.causes.notes] == [
        ("E208", "night.edi:23 (segment 23)"), ("E116", "night.edi:1 (segment 1)"),
    ]  # fmt: skip
    assert made.causes.notes[0].fix == "nothing to do, or add a mapping for 997"
    assert [each.code for each in made.causes.warnings] == ["E303"]
    assert made.verdict is Verdict.WITH_WARNINGS
    assert "\n  3 warnings: E" in as_text(made, "report.html")


def test_an_owner_who_only_has_files_to_look_at_has_a_card() -> None:
    run = EdiRun()
    run.message(("WH-0",))
    run.at(60, "E102", value="ISA*", detail="")
    text = Outline(render(summed(run))).text

    assert (
        "Data source corrects the export or its cells 1 part of files with unknown content" in text
    )


def test_files_that_are_no_edi_say_nothing_of_it() -> None:
    run = partly_imported()
    made = summarise(facts_of(run), run.tables())
    text = Outline(render(made)).text

    assert (made.claims, made.causes.notes) == ((), ())
    assert "About the files" not in text
    assert "EDI" not in text + as_text(made, "report.html")


# -- where a column stands --------------------------------------------------------------------


def test_a_column_is_shown_with_its_path(tmp_path: Path) -> None:
    run = EdiRun()
    run.message(("WH-0",))
    number = {"code": "R201", "column": "qty", "target": "articles_order.quantity",
              "value": "X7", "mapping": "asn-856"}  # fmt: skip
    run.lines[0] = 4
    run.order("WH-1", "held_back", (number, None))
    made = summed(run)

    assert "Not a number: qty, I/SN1.2 (for articles_order.quantity)" in as_text(made, "r.html")
    assert '<span class="col">qty</span> <code class="path">I/SN1.2</code>' in render(made)
    files = write_report(tmp_path, made, run.tables())
    records = [
        json.loads(line) for line in gzip.decompress(files.rejections.read_bytes()).splitlines()
    ]
    assert [(each["column"], each["path"]) for each in records if each["rule"] == "R201"] == [
        ("qty", "I/SN1.2")
    ]
    causes = json.loads(files.document.read_bytes())["causes"]
    assert [each["path"] for each in causes] == ["I/SN1.2"]


def test_the_path_is_that_of_the_mapping_that_made_the_finding() -> None:
    run = EdiRun()
    number = {"code": "R201", "column": "qty", "value": "X7", "mapping": "other"}
    run.order("WH-1", "held_back", (number, None))

    assert [each.path for each in summed(run).causes.rows] == [""]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("P/MAN[1=CP].2, S/REF[1=2I].2", "1Z999AA1"),
        ("S/N1[1=ST].2", "1…"),
        ("P/MAN[1=CP].2, S/N1[1=ST]>N4.3", "1…"),
        ("", "1…"),
    ],
)
def test_a_value_for_no_field_is_shown_where_its_segment_tells_of_no_person(
    path: str, shown: str
) -> None:
    """A number that is only looked up, or of which others are derived, goes into no field itself."""
    run = EdiRun()
    number = {"code": "R401", "column": "carton", "target": "", "value": "1Z999AA1",
              "detail": "cartons", "mapping": "asn-856", "mapping_line": 12}  # fmt: skip
    run.order("WH-1", "held_back", (number, None))
    made = summed(run, paths={("asn-856", "carton"): path} if path else {})

    (case,) = made.causes.rows[0].cases
    assert (case.value, case.says) == (shown, f'"{shown}" is not in lookups.cartons')
    hidden = summarise(edi_facts(run), run.tables(), pii=PiiMode.NONE).causes.rows[0]
    assert hidden.cases[0].value == "(not shown)"


def two_mappings(second: dict[str, object], **first: object) -> EdiRun:
    """An order held by the mapping of the notices, and two by `second`, with the same code."""
    run = EdiRun()
    number = {"code": "R201", "column": "qty", "target": "articles_order.quantity",
              "value": "X7", "mapping": "asn-856", "mapping_line": 30} | first  # fmt: skip
    run.order("WH-1", "held_back", (number, None))
    for order in ("WH-2", "WH-3"):
        run.order(order, "held_back", (number | second, None))
    return run


def test_what_two_mappings_find_are_two_causes_each_with_its_own_place() -> None:
    run = two_mappings({"mapping": "desadv", "mapping_line": 41})
    made = summed(run, paths=PATHS | {("desadv", "qty"): "LIN/QTY[1.1=12].1.2"})

    assert [(each.count, each.held, each.path, each.mapping_place) for each in made.causes.rows] == [
        (2, 2, "LIN/QTY[1.1=12].1.2", "desadv:41"), (1, 1, "I/SN1.2", "asn-856:30"),
    ]  # fmt: skip
    assert len({each.key for each in made.causes.rows}) == 2
    assert made.balances
    document = json.loads(as_json(made))
    assert document["owners"][0]["causes"] == [each.key for each in made.causes.ranked]


def test_causes_that_differ_in_nothing_but_the_mapping_name_it() -> None:
    run = two_mappings({"mapping": "desadv", "mapping_line": 41})
    made = summed(run, paths={})

    assert [each.apart for each in made.causes.rows] == ["desadv", "asn-856"]
    assert "qty (for articles_order.quantity), mapping desadv " in as_text(made, "r.html")
    assert "mapping asn-856" in Outline(render(made)).text
    alone = summed(two_mappings({}), paths={}).causes.rows
    assert [each.apart for each in alone] == [""]


def test_two_lines_of_one_mapping_are_two_causes() -> None:
    made = summed(two_mappings({"mapping_line": 44})).causes.rows

    assert [(each.count, each.apart) for each in made] == [(2, "asn-856:44"), (1, "asn-856:30")]
    assert [each.key.rpartition("|")[2] for each in made] == ["asn-856#2", "asn-856"]


def test_an_error_of_the_file_is_one_cause_whatever_mapping_read_it() -> None:
    segments = SEGMENT_TOTAL | {"mapping_line": None}
    run = two_mappings({"mapping": "desadv"}, **segments)

    assert [(each.count, each.mapping_place) for each in summed(run).causes.rows] == [(3, "")]


def test_a_file_that_several_mappings_read_is_one_file() -> None:
    """The error of the group stands under the first ordinal, the rows that it rejects under another."""
    run = EdiRun()
    group = {"code": "E108", "column": "GE*01", "value": "3", "detail": "2"}
    run.message(("WH-1",), group, at=43, code="E108")
    run.at(43, **group)
    for each in (*run.rows, *run.orders, *run.findings[:-1], *run.messages):
        each["_file"] = 1
    files = tuple(SourceFile(n, "night.edi", "ab" * 32, 5_092, f"asn-{n}") for n in (0, 1))
    made = summed(run, files=files, records={0: 0, 1: 2})
    (cause,) = made.causes.rows

    assert (made.causes.notes, made.causes.lost) == ((), ())
    assert [(each.rows, each.place) for each in cause.cases] == [(2, "night.edi:43 (segment 43)")]


# -- declared and counted ---------------------------------------------------------------------


def test_declared_totals_stand_beside_the_counted_ones() -> None:
    run = rejected_message()
    run.messages[1]["declared"] = 18
    run.message(read=False, type="997")
    made = summed(run)
    (file,) = made.claims

    assert (file.groups, file.messages) == (Claim(1, 1), Claim(3, 3))
    assert file.segments == Claim(58, 60, differing=1)
    assert (file.accepted, file.rejected, file.not_read) == (1, 1, 1)
    text = as_text(made, "report.html")
    assert "3 EDI messages: 1 accepted, 1 rejected, 1 not read" in text
    assert "night.edi: segments: 58 declared, 60 counted" in text
    assert "58 declared, 60 counted" in Outline(render(made)).text


def test_what_is_odd_in_segments_is_counted_in_segments() -> None:
    """Such a segment may lie above all rows of its message: it has no order of its own."""
    run = EdiRun()
    run.message(("WH-0",))
    for segment in (5, 6):
        run.at(segment, "E306", column="G62*02", value="20260230", detail="ship date")
    made = summed(run)

    assert [(each.unit, each.count) for each in made.causes.warnings] == [("segments", 2)]
    text = Outline(render(made)).text
    assert "E306 Data source 2 segments G62*02" in text
    assert "order unknown" not in text


def test_the_control_totals_say_what_they_leave_out() -> None:
    text = Outline(render(summed(rejected_message()))).text

    assert "Line quantity" in text
    assert "Trackings" not in text.partition("What the EDI files declare")[0]  # there are none
    assert "4 rows of rejected EDI messages add nothing to them." in text


def test_places_and_order_numbers_do_not_break() -> None:
    page = render(summed(rejected_message()))

    assert "night.edi:42 (segment\N{NO-BREAK SPACE}42)" in page
    assert '<span class="nowrap">WH-1,</span> <span class="nowrap">WH-2</span>' in page


def test_totals_of_lines_stand_where_any_message_declares_them() -> None:
    run = EdiRun()
    run.message(("WH-0",))
    files = tuple(SourceFile(n, f"{n // 2}.edi", "ab" * 32, 5_092, f"asn-{n}") for n in range(3))
    one = edi_facts(run).interchanges[0]
    lines = {0: Claim(3, 3), 1: Claim(2, 4, differing=1)}
    made = summed(run, files=files, records={0: 2}, lines=lines,
                  interchanges=(one, replace(one, file=2)))  # fmt: skip

    assert [each.lines for each in made.claims] == [Claim(5, 7, differing=1), None]
    assert "5 declared, 7 counted" in Outline(render(made)).text
    assert "0.edi: lines: 5 declared, 7 counted" in as_text(made, "report.html")
    silent = summed(run)
    assert [each.lines for each in silent.claims] == [None]
    assert '<th scope="col">Lines</th>' not in render(silent)


def test_differences_that_cancel_each_other_out_are_differences() -> None:
    run = EdiRun()
    run.message(("WH-0",), declared=19)
    run.message(("WH-1",), declared=21)
    (file,) = summed(run).claims

    assert file.segments == Claim(40, 40, differing=2)
    assert "40 declared, 40 counted, 2 differ" in as_text(summed(run), "report.html")


def test_a_message_without_rows_in_a_broken_interchange_is_rejected() -> None:
    run = EdiRun()
    run.message(code="E105")

    assert summed(run).claims[0].rejected == 1


def test_interchanges_come_back_from_the_facts_of_a_run() -> None:
    kept = {
        "file": 0, "syntax": "edifact", "sender": "A", "receiver": "B", "reference": "7",
        "line": 1, "segment": 1, "end_segment": 0, "counts": "messages", "declared": None,
        "counted": 2, "messages": 2, "code": "E104", "groups": [], "acks": ["CONTRL-7.edi"],
    }  # fmt: skip
    made = read_interchange(kept)
    run = EdiRun()
    run.message(("WH-0",))
    run.message(("WH-1",))
    (file,) = summed(run, interchanges=(made,)).claims

    assert isinstance(made, Interchange)
    assert file.messages == Claim(0, 2, silent=1)
    assert file.acks == ("CONTRL-7.edi",)
    assert "CONTRL-7.edi" in render(summed(run, interchanges=(made,)))


def test_the_document_has_the_claims_and_notes() -> None:
    run = rejected_message()
    run.at(60, "E102", value="ISA*00*secret Jane*", detail="")
    document = json.loads(as_json(summed(run)))
    (file,) = document["interchanges"]
    assert (file["name"], file["segments"]["counted"]) == ("night.edi", 40)
    assert document["lost"] == ["An interchange of night.edi could not be read"]
    assert "Jane" not in str(document)


def test_a_run_over_other_files_has_no_messages() -> None:
    assert RunBuilder().tables().messages.is_empty()
