"""The accounting under attack: what is true balances, and no single lie of a table does."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.model.outcomes import MutationOutcome, OrderOutcome
from pipeline.report.summary import Summary, Verdict, summarise
from tests.unit.report.runs import COUNTRY, EMPTY_EMAIL, PRICE, RAGGED, RunBuilder, facts_of

pytestmark = pytest.mark.thorough

ANSWERED = [each.value for each in OrderOutcome if each is not OrderOutcome.HELD_BACK]
FAILED = ("refused", "partly_applied", "unknown", "not_attempted")
CODES = {
    "refused": ("A401", "A402", "A403", "A404"), "partly_applied": ("A201",), "unknown": ("U001",),
    "not_attempted": ("N001",),
}  # fmt: skip
ATTRS = st.sampled_from([None, "recipient_email", "articles_order.3.sku", "mutations.0.quantity"])
WORDS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


@st.composite
def runs(draw: st.DrawFn) -> RunBuilder:
    """A run of any outcome: rows of orders and of none, answers with words, without, and several."""
    run = RunBuilder()
    for number in range(draw(st.integers(1, 8))):
        problems = draw(st.lists(st.sampled_from([None, None, EMPTY_EMAIL, COUNTRY, PRICE]), min_size=1, max_size=4))  # fmt: skip
        outcome = "held_back" if any(problems) else draw(st.sampled_from(ANSWERED))
        made = run.order(
            f"O{number}", outcome, problems, known=draw(st.booleans()), file=draw(st.integers(0, 1)),
            warnings=draw(st.integers(0, 2)),
        )  # fmt: skip
        if outcome in FAILED:
            for nth in range(draw(st.integers(0, 3))):
                attr = draw(ATTRS)
                run.finding(
                    made, draw(st.sampled_from(CODES[outcome])), primary=nth == 0, column="c",
                    target=attr or "", detail=draw(WORDS), value=draw(st.none() | WORDS),
                    api_status=400, api_attr=attr,
                )  # fmt: skip
        if outcome in ANSWERED[1:6] and draw(st.booleans()):
            run.finding(made, "A202", primary=False, target="mutations.add_tracking", detail="w")
            run.mutations.append(
                {"order_number": f"O{number}", "ordinal": 0, "type": "add_tracking",
                 "outcome": draw(st.sampled_from([each.value for each in MutationOutcome]))}
            )  # fmt: skip
    for _ in range(draw(st.integers(0, 3))):
        run.finding(run.row(None, "own_problem", "R101"), **RAGGED)
    for _ in range(draw(st.integers(0, 2))):
        run.row("any", "filtered")
    return run


def summary_of(run: RunBuilder, records: dict[int, int] | None = None) -> Summary:
    return summarise(facts_of(run, **({"records": records} if records else {})), run.tables())


@given(run=runs())
@settings(max_examples=100, deadline=None)
def test_rows_and_orders_are_conserved_and_all_groups_add_up(run: RunBuilder) -> None:
    made = summary_of(run)

    made.totals.check()
    rows, orders = made.totals.rows, made.totals.orders
    failed = sum(getattr(orders, outcome) for outcome in FAILED)
    assert made.verdict is not Verdict.DOES_NOT_BALANCE
    assert rows.read == rows.accepted + rows.rejected + rows.skipped == len(run.rows)
    assert orders.seen == len(run.orders)
    assert sum(each.count + each.held for each in made.causes.rows) == rows.rejected
    assert sum(each.count for each in made.causes.orders) == failed
    assert sum(each.rows for each in made.causes.owners) == rows.rejected
    assert sum(each.failed_orders for each in made.causes.owners) == failed
    listed = made.causes.listed
    assert listed.rows.height + listed.held.height == rows.rejected
    assert listed.orders.height == failed
    assert sum(each.sent + each.not_attempted for each in made.totals.mutations) == len(
        run.mutations
    )
    for control in made.totals.control:
        assert control.in_files == control.arrived + control.set_aside + control.open


def _drop(records: list[dict[str, Any]], at: int) -> None:
    del records[at % len(records)]


def _double(records: list[dict[str, Any]], at: int) -> None:
    records.append(dict(records[at % len(records)]))


def _astray(records: list[dict[str, Any]], at: int) -> None:
    records[at % len(records)]["outcome"] = "astray"


@pytest.mark.parametrize("lie", [_drop, _double, _astray])
@pytest.mark.parametrize("table", ["rows", "orders"])
@given(run=runs(), at=st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_one_lie_of_a_table_does_not_balance(
    table: str, lie: Callable[[list[dict[str, Any]], int], None], run: RunBuilder, at: int
) -> None:
    records = run.records()
    lie(getattr(run, table), at)

    made = summary_of(run, records)

    assert made.verdict is Verdict.DOES_NOT_BALANCE
    assert not made.balances


@given(run=runs(), at=st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_a_rejected_row_that_loses_its_reason_does_not_balance(run: RunBuilder, at: int) -> None:
    own = [row for row in run.rows if row["outcome"] == "own_problem"]
    assume(own)
    row = own[at % len(own)]
    place = ("_file", "_line", "_segment")
    run.findings = [f for f in run.findings if any(f[name] != row[name] for name in place)]

    assert summary_of(run).verdict is Verdict.DOES_NOT_BALANCE
