"""What a run leaves for the nights to come, and what the report says of the nights before."""

from collections import defaultdict

import polars as pl

from pipeline.ledger import CauseCount, Figures, Ledger, cause_hash
from pipeline.model.outcomes import ARRIVED_ORDERS, OrderOutcome
from pipeline.model.schedule import Schedule
from pipeline.report.causes import Cause, Unit
from pipeline.report.facts import RunFacts, RunState, RunTables
from pipeline.report.history import LOOK_BACK, History, Past, compared_entries, tell
from pipeline.report.summary import Summary, with_history

_MISSING = (OrderOutcome.HELD_BACK.value, OrderOutcome.REFUSED.value)
# one that `--create-only` left alone is there too, whoever made it: nobody waits for it
_ARRIVED = [outcome.value for outcome in (*ARRIVED_ORDERS, OrderOutcome.LEFT_ALONE)]


def remembered(
    ledger: Ledger,
    run_id: str,
    summary: Summary,
    missing: list[tuple[str, str]],
    arrived: list[str],
    schedule: Schedule | None,
) -> Summary:
    """Enter the end of a run into the ledger, and set the run among its nights."""
    # by name: the rest of the rows and the rest of the orders are both called "other"
    causes = {each.cause: each for each in map(_count, summary.causes.ranked)}
    before = _history(ledger, run_id, summary, ledger.last_entry(), schedule)
    entry = ledger.enter(
        run_id, figures=_figures(summary, before.new_causes), causes=causes.values(), missing=missing,
        arrived=arrived,
    )  # fmt: skip
    return with_history(summary, _history(ledger, run_id, summary, entry, schedule))


def recalled(ledger: Ledger, run_id: str, summary: Summary, schedule: Schedule | None) -> Summary:
    """Set a run among its nights as it was at its end; as it is now, where it has not ended."""
    if not ledger.keeps_history():  # of an older format; the next run upgrades it
        return summary
    entry = ledger.entry_of(run_id)
    as_of = ledger.last_entry() if entry is None else entry
    return with_history(summary, _history(ledger, run_id, summary, as_of, schedule))


def missing_and_arrived(
    facts: RunFacts, tables: RunTables
) -> tuple[list[tuple[str, str]], list[str]]:
    """Give the orders that stay missing, each with its cause, and those that arrived.

    The number of a record that could not be read is a guess: it may be that of an order that came.
    """
    if facts.state is RunState.NOT_SENT:  # what it found is judged again by the next run
        return [], []
    came = tables.orders.filter(pl.col("outcome").is_in(_ARRIVED))
    lost = (
        tables.orders.filter(
            pl.col("outcome").is_in(_MISSING) & pl.col("order_number").is_not_null()
        )
        .select("order_number", pl.col("code").fill_null("A402"))
        .unique("order_number", keep="first", maintain_order=True)
        .join(came, on="order_number", how="anti", maintain_order="left")
    )
    told = _as_told(lost, tables)
    return list(told.iter_rows()), came.get_column("order_number").to_list()


def _as_told(lost: pl.DataFrame, tables: RunTables) -> pl.DataFrame:
    """Take the code that the report tells of an order that an update did not find, which is not the API's."""
    if not lost.filter(pl.col("code") == "A401").height:
        return lost
    retold = (
        tables.findings.lazy()
        .filter((pl.col("code") == "A404") & pl.col("primary"))
        .select("order_number", pl.col("code").alias("told"))
        .unique("order_number")
        .collect()
    )
    return lost.join(retold, on="order_number", how="left", maintain_order="left").select(
        "order_number", pl.coalesce("told", "code").alias("code")
    )


def _history(
    ledger: Ledger, run_id: str, summary: Summary, as_of: int, schedule: Schedule | None
) -> History:
    facts = summary.facts
    names = {cause_hash(each.key): each.key for each in summary.causes.ranked}
    runs = ledger.past_runs(run_id, as_of=as_of, since=facts.started_at - LOOK_BACK)
    entries = [each.entry for each in runs if each.entry is not None]
    causes: dict[int, dict[str, CauseCount]] = defaultdict(dict)
    whole = compared_entries(runs, run_id, facts.zone)
    for wanted, only in ((entries, list(names)), (whole, None)):
        for entry, cause in ledger.causes_at(wanted, causes=only):
            causes[entry][cause.cause] = cause
    mine = schedule if schedule and schedule.profile == facts.profile else None
    return tell(
        run_id, facts.started_at, facts.zone, names,
        Past(
            runs=runs, causes=causes, open=ledger.items_as_of(run_id, as_of),
            closed=ledger.closed_items(run_id, as_of),
        ),
        complete=facts.state is RunState.FINISHED
        and facts.chosen_by is None
        and not facts.retried
        and summary.balances,
        schedule=mine,
    )  # fmt: skip


def _count(cause: Cause) -> CauseCount:
    rows = cause.count if cause.unit is Unit.ROWS else 0
    return CauseCount(
        cause_hash(cause.key), cause.code, cause.column, cause.target, rows, cause.orders
    )


def _figures(summary: Summary, new_causes: int | None) -> Figures:
    facts, totals = summary.facts, summary.totals
    return Figures(
        state=facts.state.value,
        verdict=summary.verdict.value,
        files=len(set(facts.first_ordinals.values())),
        rows=totals.rows.read,
        rejected=totals.rows.rejected,
        orders=totals.orders.seen,
        arrived=totals.orders.arrived,
        missing=totals.orders.missing,
        out_of_date=totals.orders.out_of_date,
        unclear=totals.orders.unknown,
        causes=len(summary.causes.ranked),
        new_causes=new_causes,
    )
