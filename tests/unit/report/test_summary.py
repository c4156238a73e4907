import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.report.summary as summary_module
from pipeline.model.outcomes import OrderOutcome
from pipeline.report.causes import GROUPS_MAX
from pipeline.report.document import as_document
from pipeline.report.facts import RunState
from pipeline.report.page import lay_out
from pipeline.report.summary import Summary, Verdict, subject_of, summarise
from pipeline.report.text import as_text
from pipeline.report.totals import DoesNotBalance
from tests.unit.report.runs import (
    COUNTRY,
    EMPTY_EMAIL,
    PRICE,
    RAGGED,
    RunBuilder,
    all_imported,
    facts_of,
    partly_imported,
)


def summary_of(run: RunBuilder, **facts: object) -> Summary:
    return summarise(facts_of(run, **facts), run.tables())


def test_all_imported() -> None:
    made = summary_of(all_imported())
    assert made.verdict is Verdict.ALL_IMPORTED
    assert made.headline == "All 8 orders arrived in parcelLab."
    assert made.detail == "8 arrived: 4 created, 4 updated"
    made.totals.check()


def test_warnings_do_not_spoil_the_import() -> None:
    run = all_imported()
    run.finding(run.rows[0], "R322", column="Datum", target="order_date", detail="2026-11-30")
    made = summary_of(run)
    assert made.verdict is Verdict.WITH_WARNINGS
    assert made.detail.endswith("1 warning")


def test_partly_imported_says_what_is_missing_and_what_is_out_of_date() -> None:
    made = summary_of(partly_imported())
    assert made.verdict is Verdict.PARTLY_IMPORTED
    assert (
        made.headline == "32 of 133 orders not imported: 29 missing, 3 exist but are out of date."
    )
    assert "2 unclear" in made.detail
    assert made.detail.endswith(
        "biggest cause: Required for a new order: E-Mail (for recipient_email)"
    )
    made.totals.check()


def test_a_partly_applied_order_is_no_success() -> None:
    run = all_imported()
    run.order("P-1", "partly_applied", status=200)
    made = summary_of(run)
    assert made.verdict is Verdict.PARTLY_IMPORTED
    assert made.headline == "1 of 9 orders arrived without all of their changes."


def test_nothing_imported() -> None:
    run = RunBuilder()
    run.order("A", "held_back", (EMPTY_EMAIL,))
    made = summary_of(run)
    assert made.verdict is Verdict.NOTHING_IMPORTED
    assert made.headline == "1 of 1 order is missing in parcelLab."


def test_an_order_that_is_there_in_an_older_version_is_not_called_missing() -> None:
    run = all_imported()
    run.order("A", "refused", known=True)
    made = summary_of(run)
    assert made.headline == "1 of 9 orders exists but is out of date in parcelLab."
    assert (made.totals.orders.missing, made.totals.orders.out_of_date) == (0, 1)


def test_a_lost_answer_is_unclear_and_never_failed() -> None:
    run = all_imported()
    run.order("A", "unknown")
    assert summary_of(run).headline == "1 of 9 orders may or may not have arrived in parcelLab."


def test_a_stopped_run_says_why_and_what_was_not_tried() -> None:
    run = all_imported()
    run.order("A", "not_attempted")
    made = summary_of(run, state=RunState.STOPPED, stop_reason="the API was away for 10 min")
    assert made.verdict is Verdict.STOPPED
    assert made.detail.startswith("Stopped: the API was away for 10 min · 8 arrived")
    assert "1 not tried" in made.detail
    assert [each.code for each in made.causes.orders] == ["N001"]


def test_a_plan_sends_nothing_and_blames_nothing_on_that() -> None:
    run = RunBuilder()
    run.order("A", "not_attempted")
    run.order("B", "held_back", (COUNTRY,))
    made = summary_of(run, state=RunState.PLANNED)
    assert made.verdict is Verdict.PLAN_ONLY
    assert made.headline == "1 of 2 orders would be sent, 1 held back."
    assert made.causes.orders == ()
    made.totals.check()


def test_nothing_new_when_everything_was_unchanged() -> None:
    run = RunBuilder()
    run.order("A", "unchanged", row_outcome="already_done", known=True)
    made = summary_of(run)
    assert made.verdict is Verdict.NOTHING_NEW
    assert made.headline == "parcelLab already has the order."


def test_an_empty_run_is_nothing_new() -> None:
    made = summary_of(RunBuilder())
    assert made.verdict is Verdict.NOTHING_NEW
    assert made.headline == "There was no order in the files."


def test_rows_without_an_order_alone_import_nothing() -> None:
    run = RunBuilder()
    run.finding(run.row(None, "own_problem", "R101"), **RAGGED)
    made = summary_of(run)
    assert made.verdict is Verdict.NOTHING_IMPORTED
    assert made.headline == "No order could be read; 1 row rejected."


def test_a_lost_row_does_not_balance() -> None:
    run = partly_imported()
    made = summary_of(run, records={0: 211, 1: 113})
    assert made.verdict is Verdict.DOES_NOT_BALANCE
    assert not made.balances
    with pytest.raises(DoesNotBalance, match="324 ≠ 244 \\+ 58 \\+ 21"):
        made.totals.check()
    assert made.totals.failures[0] == "DOES NOT BALANCE: 324 ≠ 244 + 58 + 21 (rows read)"


def test_an_order_missing_from_the_outcomes_does_not_balance() -> None:
    run = partly_imported()
    del run.orders[5]
    assert any("132" in failure for failure in summary_of(run).totals.failures)


def test_an_order_counted_twice_does_not_balance() -> None:
    run = partly_imported()
    run.orders.append(run.orders[3])
    assert not summary_of(run).balances


def test_an_outcome_that_nobody_knows_does_not_balance() -> None:
    for table in ("rows", "orders", "mutations"):
        run = partly_imported()
        getattr(run, table)[0]["outcome"] = "lost"
        assert not summary_of(run).balances, table


def test_rows_exchanged_between_orders_do_not_balance() -> None:
    run = partly_imported()
    run.orders[0]["rows"] += 1
    run.orders[2]["rows"] -= 1
    failures = summary_of(run).totals.failures
    assert failures == ("DOES NOT BALANCE: 133 ≠ 131 (orders, counted again)",)


def test_an_accepted_row_of_a_held_order_with_a_rejected_one_elsewhere_does_not_balance() -> None:
    run = all_imported()
    run.rows[0]["outcome"] = "own_problem"
    run.finding(run.rows[0], "R205")
    assert not summary_of(run).balances


def test_a_rejected_row_without_a_cause_does_not_balance() -> None:
    run = partly_imported()
    run.findings = [each for each in run.findings if each["code"] != "R401"]
    failures = summary_of(run).totals.failures
    assert failures == ("DOES NOT BALANCE: 58 ≠ 37 (rejected rows)",)


def test_held_rows_stand_under_the_cause_that_holds_them() -> None:
    causes = summary_of(partly_imported()).causes.rows
    assert [(each.code, each.count, each.held, each.orders) for each in causes] == [
        ("R301", 12, 12, 12),
        ("R401", 14, 7, 7),
        ("R201", 5, 0, 5),
        ("R310", 3, 3, 3),
        ("R101", 2, 0, 0),
    ]


def test_answers_of_the_api_that_differ_in_values_are_one_cause() -> None:
    causes = summary_of(partly_imported()).causes.orders
    assert [(each.code, each.target, each.words, each.count) for each in causes] == [
        ("A401", "shipping_address.region_code", "… is not a valid choice for country DEU.", 5),
        ("A201", "mutations.tracking.courier", "Courier … is not set up for this account.", 4),
        ("U001", "", "no answer within … s", 2),
    ]


def test_orders_that_were_not_tried_are_one_cause_whatever_the_reason() -> None:
    run = all_imported()
    for number, words in enumerate(["the run ended", "interrupted by SIGINT", "the API was away"]):
        order = run.order(f"A{number}", "not_attempted")
        run.finding(order, "N001", detail=words, column=f"C{number}", api_attr=f"f{number}")
    (cause,) = summary_of(run).causes.orders
    assert (cause.code, cause.count, cause.column, cause.target) == ("N001", 3, "", "")
    assert [case.says for case in cause.cases] == [
        "not sent: the run ended",
        "not sent: interrupted by SIGINT",
        "not sent: the API was away",
    ]


def test_page_text_document_and_owners_list_causes_in_one_order() -> None:
    run = partly_imported()
    for number in range(5):
        run.order(f"Z{number}", "held_back", ({**PRICE, "column": "Summe"}, None, None))
    run.order("Y", "held_back", (EMPTY_EMAIL | {"column": "Mail"},) * 9)
    made = summary_of(run)
    ranked = [(each.code, each.column) for each in made.causes.ranked]
    assert ranked == [
        ("R301", "E-Mail"),  # 12 orders
        ("R401", "Land"),  # 7
        ("R201", "Summe"),  # 5 orders, 5 rows, 10 held with them
        ("A401", "Region"),  # 5
        ("R201", "VK-Preis"),  # 5
        ("A201", "Carrier"),  # 4
        ("R310", "E-Mail"),  # 3
        ("U001", ""),  # 2
        ("R301", "Mail"),  # 1 order, 9 rows
        ("R101", ""),
    ]
    document = cast("list[dict[str, object]]", as_document(made)["causes"])
    assert [(each["code"], each["column"]) for each in document] == ranked
    groups = lay_out(made).groups
    assert [(each.cause.code, each.cause.column) for each in groups] == ranked
    lines = as_text(made, "r").splitlines()[1:6]
    assert [re.findall(r"[A-Z]\d{3}", line)[0] for line in lines] == [
        code for code, _ in ranked[:5]
    ]
    for share in made.causes.owners:
        own = [each for each in made.causes.ranked if each.owner == share.owner]
        assert list(share.causes) == own
    assert "biggest cause: Required for a new order: E-Mail" in made.detail


def test_a_cause_names_the_column_first_and_the_field_in_brackets() -> None:
    causes = {each.code: subject_of(each) for each in summary_of(partly_imported()).causes.ranked}
    assert causes["R201"] == "VK-Preis (for articles_order.unit_price)"
    assert causes["R101"] == ""
    run = all_imported()
    run.order("S", "held_back", ({"code": "R304", "column": "sku", "target": "sku"},))
    run.order("U", "held_back", ({"code": "R301", "target": "recipient_email"},))
    alone = {each.code: subject_of(each) for each in summary_of(run).causes.ranked}
    assert alone == {"R304": "sku", "R301": "recipient_email"}


def test_what_to_do_fits_the_field() -> None:
    run = all_imported()
    country = {"code": "R301", "column": "Land", "target": "destination_country_iso3"}
    run.order("A", "held_back", (country,))
    run.order("B", "held_back", (EMPTY_EMAIL,))
    fixes = {each.target: each.fix for each in summary_of(run).causes.rows}
    assert "mail" not in fixes["destination_country_iso3"]
    assert "`default: _unset`" in fixes["recipient_email"]


def test_owners_come_from_rules_fields_and_configuration() -> None:
    run = partly_imported()
    made = summarise(
        facts_of(run), run.tables(), owners={"R301": "Shop team", "A2xx:courier": "Logistics"}
    )
    assert [each.owner for each in made.causes.owners] == [
        "Data source",
        "Shop team",
        "Mapping",
        "Logistics",
        "Automatic",
    ]
    assert made.causes.orders[1].owner == "Logistics"


def test_examples_are_the_most_frequent_values_with_their_counts() -> None:
    country = summary_of(partly_imported()).causes.rows[1]
    assert [(each.value, each.alike) for each in country.examples] == [("D", 10), ("Deutschl.", 4)]
    assert country.examples[0].place == "orders_2026-11-19_AT.csv:92"
    assert country.mapping_place == "wms.yaml:41"
    ragged = next(each for each in summary_of(partly_imported()).causes.rows if each.code == "R101")
    assert ragged.mapping_place == RAGGED["mapping"]  # of the whole record: no line of the mapping


def test_a_cause_of_no_line_of_the_mapping_names_the_mapping_only() -> None:
    causes = summary_of(partly_imported()).causes.rows
    assert {each.mapping_place for each in causes if each.code == "R101"} == {"wms.yaml"}


def test_further_findings_of_a_row_stand_with_it() -> None:
    causes = summary_of(partly_imported()).causes.rows
    further = [case.further for cause in causes for case in cause.cases if case.further]
    assert further == [('R205 Menge: "two" is not a whole number',)]


def test_the_sample_is_capped_and_takes_from_every_cause() -> None:
    run = RunBuilder()
    for number in range(1200):
        run.order(f"A{number}", "held_back", (PRICE,))
    run.order("B", "held_back", (EMPTY_EMAIL,))
    causes = summary_of(run).causes.rows
    assert [(each.count, len(each.cases)) for each in causes] == [(1200, 99), (1, 1)]


def test_causes_beyond_the_cap_become_one() -> None:
    run = RunBuilder()
    for number in range(GROUPS_MAX + 7):
        run.order(f"A{number}", "held_back", ({**PRICE, "column": f"column {number}"},))
    made = summary_of(run)
    assert len(made.causes.rows) == GROUPS_MAX
    assert made.causes.rows[-1].title == "Other problems (8 kinds)"
    assert made.causes.rows[-1].count == 8
    made.totals.check()


def test_control_totals_are_split_by_where_the_orders_are() -> None:
    control = summary_of(partly_imported()).totals.control
    assert [(each.name, each.unit) for each in control] == [
        ("Line quantity", "lines"),
        ("Order value", "EUR"),
        ("Trackings", "parcels"),
    ]
    assert str(control[1].in_files) == "2646.70"
    assert all(each.holds for each in control)


def test_currencies_are_never_added_up() -> None:
    run = all_imported()
    run.order("CH", "created", currency="CHF")
    run.order("NN", "created", value=None, currency=None)
    control = summary_of(run).totals.control
    assert [(each.unit, str(each.in_files), each.without) for each in control[1:3]] == [
        ("CHF", "19.90", 1),
        ("EUR", "159.20", 1),
    ]


def test_lazy_tables_give_the_same_summary(tmp_path: Path) -> None:
    run = partly_imported()
    tables = run.tables()
    assert isinstance(tables.rows, pl.DataFrame)
    tables.rows.write_parquet(tmp_path / "rows.parquet")
    lazy = replace(
        tables,
        rows=pl.scan_parquet(tmp_path / "rows.parquet"),
        findings=tables.findings.lazy(),
    )
    assert summarise(facts_of(run), lazy) == summarise(facts_of(run), tables)


PROBLEMS = st.sampled_from([None, None, EMPTY_EMAIL, COUNTRY, PRICE])
ANSWERS = st.sampled_from(
    [each.value for each in OrderOutcome if each is not OrderOutcome.HELD_BACK]
)
ORDERS = st.lists(
    st.tuples(
        st.lists(PROBLEMS, min_size=1, max_size=4), ANSWERS, st.booleans(), st.integers(0, 1)
    ),
    max_size=12,
)


@given(orders=ORDERS, loose=st.integers(0, 3), filtered=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
@pytest.mark.thorough
def test_whatever_happens_it_balances_and_the_groups_add_up(
    orders: list[tuple[list[dict[str, object] | None], str, bool, int]], loose: int, filtered: int
) -> None:
    run = RunBuilder()
    for number, (problems, answer, known, file) in enumerate(orders):
        outcome = "held_back" if any(problems) else answer
        run.order(f"O{number}", outcome, problems, known=known, file=file)
    for _ in range(loose):
        run.finding(run.row(None, "own_problem", "R101"), **RAGGED)
    for _ in range(filtered):
        run.row("any", "filtered")
    made = summary_of(run)
    made.totals.check()
    rows = made.totals.rows
    assert sum(each.count + each.held for each in made.causes.rows) == rows.rejected
    assert sum(each.rows for each in made.causes.owners) == rows.rejected
    assert sum(each.rows.read for each in made.totals.files) == rows.read == len(run.rows)


@pytest.mark.parametrize(
    "module", ["summary", "totals", "causes", "cases", "cards", "masking", "page", "pieces"]
)
def test_the_core_knows_no_disk_clock_or_log(module: str) -> None:
    source = Path(summary_module.__file__).with_name(f"{module}.py").read_text()
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(each.name for each in node.names)]
    }
    assert not imported & {"os", "pathlib", "time", "logging", "socket", "random"}
