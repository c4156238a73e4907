"""Looking back: a run's page again, and where things stand. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.config import Settings
from pipeline.ledger import Ledger, LedgerAbsent, RunRecord
from pipeline.ledger import RunState as LedgerState
from pipeline.model.notice import Letter
from pipeline.report.facts import RunState, RunTables
from pipeline.report.files import write_report
from pipeline.report.mail import lay_out_mail, letter
from pipeline.report.masking import PiiMode
from pipeline.report.rejections import missing_orders
from pipeline.report.render import render_mail
from pipeline.report.summary import Summary, summarise
from pipeline.run.accounts import report_folder, report_folders, run_facts, run_tables
from pipeline.run.clock import clock
from pipeline.run.corrected import FOLDER, still_there, write_corrected
from pipeline.run.folder import RunFolder, written
from pipeline.run.heartbeat import how_far, preparing_run
from pipeline.run.index import INDEX, write_index
from pipeline.run.nights import recalled
from pipeline.run.plans import run_of
from pipeline.run.request import Events, RunUnknown, report_command, resume_command
from pipeline.run.verdict import NAMES, debts, served, settled_tables, why_untried


@dataclass(frozen=True, slots=True)
class _Recalled:
    """A run as it stood at its end."""

    summary: Summary
    tables: RunTables
    folder: Path  # of its report
    exit_code: int


def report(settings: Settings, run_id: str | None, pii: str, events: Events) -> Path:
    """Write the page of a run again, from the ledger and the run's folder; gives its path.

    What could not be made at the end of the run is made now, such as files to correct.

    Raises:
        RunUnknown: there is no such run, or its folder is gone.
    """
    _make_up(settings, run_id, events)
    found = _recall(settings, run_id, PiiMode(pii))
    RunFolder(settings.home / "runs" / found.summary.facts.run_id).note_report(found.folder)
    with written(found.folder):
        return write_report(
            found.folder, found.summary, found.tables, owners=settings.owners,
            url=served(settings, found.summary.facts.run_id),
        ).page  # fmt: skip


def _make_up(settings: Settings, run_id: str | None, events: Events) -> None:
    """Make what the end of a run owes: its rows to correct, its answers traced to cells."""
    if no_ledger(settings):
        raise _none_yet()
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        record = _record(ledger, run_id)
        folder = RunFolder(settings.home / "runs" / record.id)
        kept = folder.facts()
        if not kept.get("owed") or record.state is LedgerState.RUNNING:
            return
        again = report_command(settings, "build", record.id)
        state, ended, reason = _end(record, kept, at_work=False)
        why_not = why_untried(state, reason)
        owed: list[str] = []
        tables = settled_tables(folder, (ledger, record.id), why_not, events, owed, again=again)
        if "snapshots" in kept["owed"]:
            reports = report_folder(settings.reports, record.id)
            facts = run_facts(kept, state=state, ended_at=ended, stop_reason=reason)
            folder.note_report(reports)
            made = write_corrected(
                folder, reports, facts, tables, owners=settings.owners, events=events, again=again,
                workbooks=kept.get("workbooks", False),
            )  # fmt: skip
            owed += [] if made.whole else ["snapshots"]
            kept |= made.as_facts() | {"rejected_folder": str(reports / FOLDER)}
        folder.write_facts(kept | debts(owed))
        if record.state is not LedgerState.INTERRUPTED:
            folder.clean()


def written_report(
    settings: Settings, run_id: str | None, pii: str, events: Events
) -> Path:  # fmt: skip
    """Give the page of a run, which is made again only where it is not there.

    Raises:
        RunUnknown: there is no such run, or its page is gone and so is its folder.
    """
    if no_ledger(settings):
        raise _none_yet()
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        record = _record(ledger, run_id)
    folder = RunFolder(settings.home / "runs" / record.id)
    return _page_of(settings, folder) or report(settings, record.id, pii, events)


def _page_of(settings: Settings, folder: RunFolder) -> Path | None:
    """The page of a run, wherever it was written; None where it is nowhere any more."""
    pages = (place / "report.html" for place in report_folders(settings, folder))
    return next((page for page in pages if page.is_file()), None)


def letter_of(settings: Settings, run_id: str | None) -> Letter:
    """Write what is told of a run by mail and webhook, as it stood at its end.

    Raises:
        RunUnknown: there is no such run, it is still at work, or it has no report.
    """
    found = _recall(settings, run_id, PiiMode.MASK, over=True)
    name = found.summary.facts.run_id
    there = _page_of(settings, RunFolder(settings.home / "runs" / name))
    if there is None:
        command = report_command(settings, "build", name)
        raise RunUnknown(
            f"run {name} has no report that could be told: it was never written, or was removed",
            help=f"write it first: {command}", code="C134",
        )  # fmt: skip
    page = lay_out_mail(
        found.summary, missing_orders(found.tables.orders), str(there), served(settings, name)
    )
    name = NAMES.get(found.exit_code, "unknown")
    html = render_mail(page)
    return letter(found.summary, page, html, exit_code=found.exit_code, exit_name=name)


def _none_yet() -> RunUnknown:
    return RunUnknown("there is no run yet", code="C132", help="`pipeline run` makes the first one")


def _record(ledger: Ledger, run_id: str | None) -> RunRecord:
    record = ledger.last_run() if run_id is None else run_of(ledger, run_id)
    if record is None:
        raise _none_yet()
    return record


def _recall(
    settings: Settings, run_id: str | None, pii: PiiMode, *, over: bool = False
) -> _Recalled:
    """A run as it stood at its end, or as it stands; with `over` one at work is refused."""
    if no_ledger(settings):
        raise _none_yet()
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        record = _record(ledger, run_id)
        folder = RunFolder(settings.home / "runs" / record.id)
        kept = folder.facts()
        if not kept and record.state is LedgerState.NOT_SENT:
            raise RunUnknown(
                f"run {record.id} was stopped before its files were read: it has no report",
                code="C134", help="name another run; `pipeline status` shows the last ones",
            )  # fmt: skip
        if not kept:
            raise RunUnknown(
                f"the folder of run {record.id} is gone, and with it what its report is made from",
                help="it was removed by `pipeline report prune` or by hand; `pipeline status` shows the "
                "last runs", code="C134",
            )  # fmt: skip
        if over and record.state is LedgerState.RUNNING and ledger.works_on(record):
            raise RunUnknown(
                f"run {record.id} is still at work: it has no report yet", code="C134",
                help="it is told when it ends",
            )  # fmt: skip
        state, ended, reason = _end(record, kept, at_work=ledger.works_on(record))
        folder_of_report = report_folder(settings.reports, record.id)
        facts = still_there(
            run_facts(kept, state=state, ended_at=ended, stop_reason=reason), folder_of_report
        )
        if not (settings.reports / INDEX).is_file():  # no link may lead nowhere
            facts = replace(facts, index="")
        tables = run_tables(
            folder, ledger, record.id, why_untried(state, reason),
            trace=not kept.get("untraced"),
        )  # fmt: skip
        summary = summarise(facts, tables, owners=settings.owners, pii=pii)
        summary = recalled(ledger, record.id, summary, settings.schedule)
        summary = _with_read_back(summary, ledger)
    return _Recalled(summary, tables, folder_of_report, record.exit_code or 0)


def _with_read_back(summary: Summary, ledger: Ledger) -> Summary:
    if not ledger.keeps_marks():  # of an older format; the next run upgrades it
        return summary
    told = ledger.read_back(summary.facts.run_id)
    return replace(summary, facts=replace(summary.facts, read_back=told))


def index(settings: Settings) -> Path:
    """Write the page of all runs again, from the ledger; gives its path.

    Raises:
        RunUnknown: there is no run yet, and none is expected.
    """
    if no_ledger(settings):
        if settings.schedule is None:
            raise _none_yet()
        return write_index(settings, None)
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        if not ledger.keeps_history():
            raise RunUnknown(
                "the ledger is of an older format, which no page of all runs can be made from",
                code="C132", help="the next `pipeline run` upgrades it and writes the page",
            )  # fmt: skip
        return write_index(settings, ledger)


def _end(
    record: RunRecord, kept: Mapping[str, Any], *, at_work: bool
) -> tuple[RunState, datetime, str | None]:
    """How a run ended, when, and why before its end; a killed one has not said so itself."""
    if record.state is LedgerState.RUNNING:
        reason = "it is still at work" if at_work else "the process ended without a word"
        return RunState.STOPPED, clock(), reason
    said_end = kept.get("ended_at")  # the ledger cuts the moment off at milliseconds
    ended = datetime.fromisoformat(said_end) if said_end else record.ended_at
    ended = ended or datetime.fromisoformat(kept["started_at"])
    if record.state is LedgerState.FINISHED:
        return RunState.FINISHED, ended, None
    if record.state is LedgerState.NOT_SENT:
        return RunState.NOT_SENT, ended, kept.get("stop_reason")
    state = RunState(kept.get("state", RunState.STOPPED.value))
    said = kept.get("stop_reason")
    return state, ended, said or ("the process was stopped" if state is RunState.STOPPED else None)


_SHOWN = 10  # runs


def no_ledger(settings: Settings) -> bool:
    """Tell whether nothing has ever run here."""
    if not settings.ledger.startswith("postgresql"):
        return not Path(settings.ledger.removeprefix("sqlite:///")).exists()
    try:
        Ledger.read(settings.ledger, clock=clock).close()
    except LedgerAbsent:
        return True
    return False


def status(settings: Settings) -> dict[str, object]:
    """The last runs, the open ones, and how many orders are missing.

    Returns:
        dict: `runs` (newest first: id, state, profile, exit, started_at, ended_at, reason,
        continue_with for one that can be resumed, and `orders` by what became of them, of the last
        run and of the last that can be resumed; `state` is "died" for a run without its
        process), `progress` of the run at work (`how_far`), `preparing`: one that has not begun to
        send, `open_items` (count and oldest), `at_work`, and `exit`: the last verdict. Times are in
        UTC.
    """
    if no_ledger(settings):
        return {"runs": [], "progress": None, "preparing": None,
                "open_items": {"count": 0, "oldest": None}, "exit": None}  # fmt: skip
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        running = [each for each in ledger.runs(_SHOWN) if each.state is LedgerState.RUNNING]
        dead = {each.id for each in running if not ledger.works_on(each)}
        locked = ledger.at_work()
        runs = ledger.runs(_SHOWN)
        items = ledger.open_items(runs[0].endpoint) if runs else []
        # one that began after the lock was looked at is no dead one
        working = next(
            (each for each in runs if each.state is LedgerState.RUNNING and each.id not in dead),
            None,
        )
        progress = None
        if working is not None:
            progress = how_far(settings.home / "runs" / working.id, ledger, working.id)
        preparing = preparing_run(settings.home, ledger) if locked and working is None else None
        told = {each.id for each in runs[:1]}
        told |= {each.id for each in [each for each in runs if _can_go_on(each, working)][:1]}
        counts = {name: ledger.outcome_counts(name) for name in told - {working and working.id}}
    return {
        "runs": [_shown(each, settings, working, counts.get(each.id)) for each in runs],
        "progress": progress,
        "preparing": preparing,
        "open_items": {
            "count": len(items),
            "oldest": items[0].opened_at.isoformat() if items else None,
        },
        "at_work": working is not None,
        "exit": _verdict(runs, working),
    }


def _verdict(runs: Sequence[RunRecord], working: RunRecord | None) -> dict[str, object] | None:
    """The last verdict: of the run before the one at work; a killed run is unfinished."""
    for record in runs:
        if record is not working:
            return _exit(record) or {"code": 5, "name": NAMES[5]}
    return None


def _can_go_on(record: RunRecord, working: RunRecord | None) -> bool:
    died = record.state is LedgerState.RUNNING and record is not working
    return died or record.state is LedgerState.INTERRUPTED


def _shown(
    record: RunRecord, settings: Settings, working: RunRecord | None, orders: dict[str, int] | None
) -> dict[str, object]:
    died = record.state is LedgerState.RUNNING and record is not working
    command = resume_command(settings, record.id, record.profile)
    return {
        "id": record.id,
        "state": "died" if died else record.state.value,
        "profile": record.profile,
        "started_at": record.started_at.isoformat(),
        "ended_at": record.ended_at.isoformat() if record.ended_at else None,
        "exit": _exit(record),
        "reason": record.options.get("stopped"),
        "continue_with": command if _can_go_on(record, working) else None,
        "orders": orders,
    }


def _exit(record: RunRecord) -> dict[str, object] | None:
    if record.exit_code is None:
        return None
    return {"code": record.exit_code, "name": NAMES.get(record.exit_code, "unknown")}
