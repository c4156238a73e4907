"""The end of a run: its report, what the ledger keeps of it, and its exit code."""

import json
import signal
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.config import Settings
from pipeline.ledger import FindingCount, Ledger
from pipeline.ledger import RunState as LedgerState
from pipeline.model.notice import Letter
from pipeline.model.outcomes import OrderOutcome
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.report.document import as_totals
from pipeline.report.facts import RunState, RunTables
from pipeline.report.files import ReportFiles, write_report
from pipeline.report.foretold import terminal_lines
from pipeline.report.mail import lay_out_mail, letter, page_url
from pipeline.report.masking import PiiMode
from pipeline.report.payloads import shown_payload
from pipeline.report.rejections import missing_orders
from pipeline.report.summary import Summary, counted, summarise
from pipeline.report.traffic import traffic_fields
from pipeline.run.accounts import planned_tables, report_folder, run_facts, run_tables
from pipeline.run.archived import put_away
from pipeline.run.aside import UNUSABLE
from pipeline.run.byproduct import Byproduct
from pipeline.run.corrected import FOLDER as REJECTED
from pipeline.run.corrected import Corrections, write_corrected
from pipeline.run.folder import RunFolder, written
from pipeline.run.foretold import sample_of
from pipeline.run.guard import backfill_words, guard
from pipeline.run.index import renew_index
from pipeline.run.nights import missing_and_arrived, remembered
from pipeline.run.prepare import Foresight
from pipeline.run.refused import keep_refused
from pipeline.run.remembering import remember_told
from pipeline.run.request import (
    Events,
    GuardTripped,
    Options,
    Result,
    report_command,
    resume_command,
    typed,
)
from pipeline.run.retry import renumbered
from pipeline.run.usual import learned

# Several may apply; the first of these wins (CLI §3).
PRECEDENCE = (1, 2, 11, 6, 10, 130, 143, 7, 5, 4, 3, 9, 0)
NAMES = {
    0: "ok", 1: "internal", 2: "usage", 3: "partial", 4: "input", 5: "unfinished", 6: "auth",
    7: "guard", 8: "mismatch", 9: "empty", 10: "locked", 11: "ledger", 130: "signal", 143: "signal",
}  # fmt: skip


_FILES_SHOWN = 10  # that a plan names in its text; its page has all


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
    owed: list[str] = []
    if source is None:
        with written(folder.path):
            tables = planned_tables(folder)
    else:
        tables = settled_tables(
            folder, source, why_not, events, owed, again=_build(settings, folder)
        )
    reports = folder.path if source is None else report_folder(settings.reports, kept["run_id"])
    facts = run_facts(kept, state=ending.state, ended_at=ending.at, stop_reason=ending.reason)
    if source is not None:
        folder.note_report(reports)
        # of a retry that was stopped, such files would lack the orders that were ready
        corrected = Corrections([]) if facts.again else write_corrected(
            folder, reports, facts, tables, owners=settings.owners, events=events,
            again=_build(settings, folder), workbooks=options.xlsx,
        )  # fmt: skip
        owed += [] if corrected.whole else ["snapshots"]
        kept |= corrected.as_facts() | debts(owed) | {"workbooks": options.xlsx}
        kept |= {
            "retry_command": typed(settings, "retry"),
            "resume_command": resume_command(settings, kept["run_id"]),
            "rejected_folder": str(reports / REJECTED),
        }
        folder.write_facts(kept)
        facts = run_facts(kept, state=ending.state, ended_at=ending.at, stop_reason=ending.reason)
    summary = summarise(facts, tables, owners=settings.owners, pii=PiiMode(options.pii))
    if source is not None:
        missing, arrived = missing_and_arrived(facts, tables)
        arrived += renumbered(folder, facts, tables)
        summary = remembered(*source, summary, missing, arrived, settings.schedule)
    with written(reports):
        files = write_report(
            reports, summary, tables, owners=settings.owners, url=served(settings, facts.run_id)
        )
    code = exit_code(summary, ending, options)
    if source is not None:
        with Byproduct(
            "the copies for `pipeline retry RUN`", events, again="keep the input files",
        ):  # fmt: skip
            keep_refused(folder, tables)
        with Byproduct(
            "what `verify` and the next plan compare with", events,
            again="nothing, the next import of these orders does",
        ):  # fmt: skip
            ledger, run_id = source
            record = ledger.run(run_id)
            if record is not None:
                remember_told(folder, ledger, record.endpoint, tables.orders, events)
        if _state(tables, ending) is LedgerState.FINISHED:
            put_away(folder, settings, events)
        _close(*source, folder, tables, ending, code, as_totals(summary))
        renew_index(settings, source[0], events)
    events.say("info", "done", exit=code, report=str(files.page), **traffic_fields(facts.traffic))
    sample: list[dict[str, Any]] = []
    text = files.text.read_text(encoding="utf-8")
    if source is None:
        text = _foreseen(seen or Foresight(), kept) + text
        foreseen = seen or Foresight()
        stop = _would_stop(foreseen, options)
        text = (
            _before_sending(foreseen, options, stop)
            + text
            + _to_send(settings, folder, foreseen, stop)
        )
        sample = [
            shown_payload(each, PiiMode(options.pii)) for each in sample_of(folder, options.sample)
        ]
        text += "".join(f"{json.dumps(each, ensure_ascii=False, indent=2)}\n" for each in sample)
    document = json.loads(files.document.read_text(encoding="utf-8"))
    return Result(
        run_id=facts.run_id, exit_code=code, text=text,
        summary=document
        | ({"sample": sample} if sample else {})
        | {"exit": {"code": code, "name": NAMES.get(code, "unknown")}},
        report=files.page, plan=folder.path if source is None else None, stopped=ending.stopped,
        letter=None if source is None else _letter(settings, summary, tables, files, code, events),
    )  # fmt: skip


def debts(owed: Collection[str]) -> dict[str, Any]:
    """What run.json keeps of byproducts that failed: `owed` are the parts they have to be made from."""
    return {"owed": list(owed), "untraced": "cells" in owed}


def _build(settings: Settings, folder: RunFolder) -> str:
    return report_command(settings, "build", folder.path.name)


def settled_tables(
    folder: RunFolder, source: tuple[Ledger, str], why_not: str | None, events: Events,
    owed: list[str], *, again: str,
) -> RunTables:  # fmt: skip
    """The tables of a run; where its answers cannot be traced to cells, `owed` gets the cells."""
    what = "the way from the answers of parcelLab to the cells"
    with Byproduct(what, events, again=again), written(folder.path):
        return run_tables(folder, *source, why_not, keep=True)
    owed.append("cells")
    return run_tables(folder, *source, why_not, trace=False)


def served(settings: Settings, run_id: str) -> str:
    """Where people open the report of a run; "" where it is not served."""
    base = settings.notify.report_url if settings.notify else ""
    return page_url(base, run_id) if base else ""


def _letter(
    settings: Settings, summary: Summary, tables: RunTables, files: ReportFiles, code: int,
    events: Events,
) -> Letter | None:  # fmt: skip
    if settings.notify is None:
        return None
    run_id = summary.facts.run_id
    with Byproduct("the notification", events, again=typed(settings, "report", "mail", run_id)):
        page = lay_out_mail(
            summary, missing_orders(tables.orders), str(files.page), served(settings, run_id)
        )
        html = files.mail.read_text(encoding="utf-8")
        name = NAMES.get(code, "unknown")
        return letter(summary, page, html, exit_code=code, exit_name=name)
    return None


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
    if any(note.code == UNUSABLE for note in summary.causes.notes):
        applies.add(SourceUnusable.exit_code)
    failed = rows.rejected or orders.refused or orders.partly_applied or summary.causes.lost
    if failed and not options.partial_ok:
        applies.add(3)
    if options.fail_on_empty and not rows.read:
        applies.add(9)
    return next(code for code in PRECEDENCE if code in applies)


def _state(tables: RunTables, ending: Ending) -> LedgerState:
    open_orders = tables.orders.filter(
        pl.col("outcome").is_in([OrderOutcome.NOT_ATTEMPTED.value, OrderOutcome.UNKNOWN.value])
    )
    if ending.state is RunState.NOT_SENT:
        return LedgerState.NOT_SENT
    if ending.state is RunState.FINISHED and not open_orders.height:
        return LedgerState.FINISHED
    return LedgerState.INTERRUPTED


def _close(
    ledger: Ledger, run_id: str, folder: RunFolder, tables: RunTables, ending: Ending, code: int,
    totals: str,
) -> None:  # fmt: skip
    """Record the end; a run with nothing left to send is finished, whatever its verdict."""
    state = _state(tables, ending)
    # first, for what stands there is read only together with what the ledger says
    facts = folder.facts()
    folder.write_facts(facts | {"ended_at": ending.at.isoformat(), "stop_reason": ending.reason,
                                "state": ending.state.value})  # fmt: skip
    ledger.put_finding_counts(run_id, 0, _counts(tables))
    ledger.finish_run(
        run_id, state=state, exit_code=code, ended_at=ending.at,
        totals=totals,
    )  # fmt: skip
    if state is LedgerState.FINISHED:
        learned(ledger, run_id, facts)
    if state is not LedgerState.INTERRUPTED:
        folder.clean()


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


def _would_stop(seen: Foresight, options: Options) -> GuardTripped | None:
    """Why a run of this plan would stop before it sends anything; None where it would not."""
    try:
        guard(seen, options)
    except GuardTripped as stop:
        return stop
    return None


def _to_send(
    settings: Settings, folder: RunFolder, seen: Foresight, stop: GuardTripped | None
) -> str:
    """What is typed to send a plan, and that it would not do so yet."""
    if not seen.to_send:
        return "Nothing to send.\n"
    words = (
        "Send it" if stop is None else "It would stop, as said above. When that is settled, send it"
    )
    return f"{words}:  {typed(settings, 'run', str(folder.path))}\n"


def _before_sending(seen: Foresight, options: Options, stop: GuardTripped | None) -> str:
    """Whom a backfill could reach, and why a run of this plan would stop."""
    lines = [f"! caution: {backfill_words(seen)}"] if options.backfill and seen.to_send else []
    if stop is not None:
        lines.append(f"! a run would stop: {stop.message} [{stop.code}]; {stop.help}")
    return "".join(f"{line}\n" for line in lines)


def _foreseen(seen: Foresight, kept: Mapping[str, Any]) -> str:
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
    if seen.left_alone:
        lines.append(f"  {seen.left_alone:,} left alone: --create-only updates no order")
    if seen.nothing:
        lines.append(f"  {seen.nothing:,} with nothing to send")
    if seen.not_chosen:
        lines.append(f"  {seen.not_chosen:,} not chosen ({kept.get('chosen_by')})")
    if seen.mutations:
        listed = ", ".join(f"{n:,} {kind}" for kind, n in sorted(seen.mutations.items()))
        lines.append(f"  mutations: {listed}")
    names = [each["name"] for each in kept["files"] if not each.get("aside")]
    if len(names) > 1:
        more = f" and {len(names) - _FILES_SHOWN} more" if len(names) > _FILES_SHOWN else ""
        lines.append(f"  files, in this order: {', '.join(names[:_FILES_SHOWN])}{more}")
    lines += terminal_lines(kept.get("foretold"))
    if seen.to_send:
        lines.append("  what parcelLab itself will refuse no plan can know")
    return "\n".join(lines) + "\n"
