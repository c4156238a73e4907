"""The end of a run: its report, what the ledger keeps of it, and its exit code."""

import json
import signal
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from pipeline.config import Settings
from pipeline.ledger import FindingCount, Ledger
from pipeline.ledger import RunState as LedgerState
from pipeline.model.outcomes import ARRIVED_ORDERS, OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.report.facts import RunState, RunTables
from pipeline.report.files import ReportFiles, write_report
from pipeline.report.masking import PiiMode
from pipeline.report.summary import Summary, counted, summarise
from pipeline.run.accounts import planned_tables, report_folder, run_facts, run_tables
from pipeline.run.folder import RunFolder, written
from pipeline.run.prepare import Foresight
from pipeline.run.request import Events, Options, Result, typed

# Several may apply; the first of these wins (CLI §3).
PRECEDENCE = (1, 2, 11, 6, 10, 130, 143, 7, 5, 4, 3, 9, 0)
NAMES = {
    0: "ok", 1: "internal", 2: "usage", 3: "partial", 4: "input", 5: "unfinished", 6: "auth",
    7: "guard", 8: "mismatch", 9: "empty", 10: "locked", 11: "ledger", 130: "signal", 143: "signal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """How the work ended: done, stopped by something, or only planned."""

    state: RunState
    at: datetime
    stopped: StopRun | None
    signal: int | None = None
    deadline: bool = False

    @property
    def reason(self) -> str | None:
        """Why it stopped, in words."""
        if self.stopped is not None:
            return self.stopped.message
        if self.signal is not None:
            return f"interrupted by {signal.Signals(self.signal).name}"
        return "the time given by --until has come" if self.deadline else None


def conclude(
    settings: Settings, options: Options, events: Events, folder: RunFolder,
    source: tuple[Ledger, str] | None, ending: Ending, *, seen: Foresight | None = None,
) -> Result:  # fmt: skip
    """Write the report, close the run in the ledger, choose the exit code."""
    kept = folder.facts()
    why_not = why_untried(ending.state, ending.reason)
    tables = planned_tables(folder) if source is None else run_tables(folder, *source, why_not)
    facts = run_facts(kept, state=ending.state, ended_at=ending.at, stop_reason=ending.reason)
    summary = summarise(facts, tables, owners=settings.owners, pii=PiiMode(options.pii))
    reports = folder.path if source is None else report_folder(settings.reports, facts.run_id)
    with written(reports):
        files = write_report(reports, summary, tables, owners=settings.owners)
    code = exit_code(summary, ending, options)
    if source is not None:
        _close(*source, folder, tables, ending, code, files)
    events.say("info", "done", exit=code, report=str(files.page))
    text = files.text.read_text(encoding="utf-8")
    if source is None:
        text = _foreseen(seen or Foresight(), kept.get("chosen_by"), settings, folder.path) + text
    document = json.loads(files.document.read_text(encoding="utf-8"))
    return Result(
        run_id=facts.run_id, exit_code=code, text=text,
        summary=document | {"exit": {"code": code, "name": NAMES.get(code, "unknown")}},
        report=files.page, plan=folder.path if source is None else None, stopped=ending.stopped,
    )  # fmt: skip


def check_reports(folder: Path) -> None:
    """Make sure that a report can be written, before anything is sent.

    Raises:
        DiskUnusable: it cannot.
    """
    with written(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return


def why_untried(state: RunState, reason: str | None) -> str | None:
    """What is said of each order that was not tried; None where the run did not try any."""
    return None if state is RunState.NOT_SENT else reason or "the run ended"


def exit_code(summary: Summary, ending: Ending, options: Options) -> int:
    """The verdict as a number (CLI §3)."""
    orders, rows = summary.totals.orders, summary.totals.rows
    applies = {0}
    if not summary.balances:
        applies.add(1)
    if ending.stopped is not None:
        applies.add(ending.stopped.exit_code)
    if ending.signal is not None:
        applies.add(128 + ending.signal)
    unfinished = orders.unknown + orders.not_attempted
    if ending.deadline or (unfinished and not summary.facts.unsent):
        applies.add(5)
    failed = rows.rejected or orders.refused or orders.partly_applied or summary.causes.lost
    if failed and not options.partial_ok:
        applies.add(3)
    if options.fail_on_empty and not rows.read:
        applies.add(9)
    return next(code for code in PRECEDENCE if code in applies)


def _close(
    ledger: Ledger, run_id: str, folder: RunFolder, tables: RunTables, ending: Ending, code: int,
    files: ReportFiles,
) -> None:  # fmt: skip
    """Record the end; a run with nothing left to send is finished, whatever its verdict."""
    orders = tables.orders
    open_orders = orders.filter(
        pl.col("outcome").is_in([OrderOutcome.NOT_ATTEMPTED.value, OrderOutcome.UNKNOWN.value])
    )
    if ending.state is RunState.NOT_SENT:
        state = LedgerState.NOT_SENT
    elif ending.state is RunState.FINISHED and not open_orders.height:
        state = LedgerState.FINISHED
    else:
        state = LedgerState.INTERRUPTED
    # first, for what stands there is read only together with what the ledger says
    facts = folder.facts()
    folder.write_facts(facts | {"ended_at": ending.at.isoformat(), "stop_reason": ending.reason,
                                "state": ending.state.value})  # fmt: skip
    ledger.put_finding_counts(run_id, 0, _counts(tables))
    if state is not LedgerState.NOT_SENT:  # what it found is judged again by the next run
        missing, arrived = _missing(orders)
        ledger.open_items_update(run_id, missing, arrived)
    ledger.finish_run(
        run_id, state=state, exit_code=code, ended_at=ending.at,
        totals=files.document.read_text(encoding="utf-8"),
    )  # fmt: skip
    if state is not LedgerState.INTERRUPTED:
        folder.clean()


def _missing(orders: pl.DataFrame) -> tuple[list[tuple[str, str]], list[str]]:
    """Order numbers to wait for, each with its code, and those that arrived; a number is one of both.

    The number of a record that could not be read is a guess: it may be that of an order that came.
    """
    came = orders.filter(pl.col("outcome").is_in([outcome.value for outcome in ARRIVED_ORDERS]))
    lost = (
        orders.filter(
            pl.col("outcome").is_in([OrderOutcome.HELD_BACK.value, OrderOutcome.REFUSED.value])
            & pl.col("order_number").is_not_null()
        )
        .select("order_number", pl.col("code").fill_null("A402"))
        .unique("order_number", keep="first", maintain_order=True)
        .join(came, on="order_number", how="anti", maintain_order="left")
    )
    return list(lost.iter_rows()), came.get_column("order_number").to_list()


def _counts(tables: RunTables) -> list[FindingCount]:
    """How often each problem occurs, per place in the mapping and file; no values."""
    counted = (
        tables.findings.lazy()
        .group_by("code", pl.col("column").fill_null(""), pl.col("target").fill_null(""), "_file")
        .agg(pl.len().alias("rows"), pl.col("key").n_unique().alias("orders"))
        .sort("code", "column", "target", "_file", nulls_last=True)
        .collect()
    )
    return [
        FindingCount(code, column, target, file or 0, rows, orders)
        for code, column, target, file, rows, orders in counted.iter_rows()
    ]


def _foreseen(seen: Foresight, chosen_by: str | None, settings: Settings, plan: Path) -> str:
    """What a run would do, as CLI §2 shows it; the numbers of orders add up to all of the files."""
    with_rows = f" ({counted(seen.faulty_rows, 'row')})" if seen.faulty_rows else ""
    lines = [
        f"  + {counted(seen.new, 'new order')}   ~ {seen.changed:,} changed"
        f"   = {seen.unchanged:,} unchanged   ! {seen.held:,} held back{with_rows}"
    ]
    if seen.must_exist:
        they = "it" if seen.must_exist == 1 else "they"
        lines.append(
            f"  {counted(seen.must_exist, 'order')} not known here; update_only: {they} must exist at parcelLab"
        )
    if seen.nothing:
        lines.append(f"  {seen.nothing:,} with nothing to send")
    if seen.not_chosen:
        lines.append(f"  {seen.not_chosen:,} not chosen ({chosen_by})")
    if seen.mutations:
        listed = ", ".join(f"{n:,} {kind}" for kind, n in sorted(seen.mutations.items()))
        lines.append(f"  mutations: {listed}")
    if seen.to_send:
        lines.append("  what only the API knows (its own refusals) no plan can know")
        lines.append(f"Send it:  {typed(settings, 'run', str(plan))}")
    else:
        lines.append("Nothing to send.")
    return "\n".join(lines) + "\n"
