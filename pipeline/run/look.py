"""Looking back: a run's page again, and where things stand. Changes nothing."""

from datetime import datetime
from pathlib import Path

from pipeline.config import Settings
from pipeline.ledger import Ledger, RunRecord
from pipeline.ledger import RunState as LedgerState
from pipeline.report.facts import RunState
from pipeline.report.files import write_report
from pipeline.report.masking import PiiMode
from pipeline.report.summary import summarise
from pipeline.run.accounts import report_folder, run_facts, run_tables
from pipeline.run.clock import clock
from pipeline.run.folder import RunFolder
from pipeline.run.request import RunUnknown
from pipeline.run.verdict import NAMES


def report(settings: Settings, run_id: str | None, pii: str) -> Path:
    """Write the page of a run again, from the ledger and the run's folder; gives its path.

    Raises:
        RunUnknown: there is no such run, or its folder is gone.
    """
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        record = ledger.last_run() if run_id is None else ledger.run(run_id)
        if record is None:
            what = "no run yet" if run_id is None else f"no run {run_id}"
            raise RunUnknown(f"there is {what}", code="C132", help="`pipeline status` shows the last runs")
        folder = RunFolder(settings.home / "runs" / record.id)
        kept = folder.facts()
        if not kept:
            raise RunUnknown(f"the folder of run {record.id} is gone", code="C134",
                             help="its report cannot be made again")  # fmt: skip
        stopped = record.state is not LedgerState.FINISHED
        # a run that was killed has not written how it ended
        reason = kept.get("stop_reason") or ("the process ended without a word" if stopped else None)
        state = RunState(kept.get("state", "stopped" if stopped else "finished"))
        ended = datetime.fromisoformat(kept.get("ended_at", kept["started_at"]))
        facts = run_facts(kept, state=state, ended_at=ended, stop_reason=kept.get("stop_reason") or (
            reason if state is RunState.STOPPED else None))  # fmt: skip
        why_not = reason or ("left out by --limit or --only-order" if kept["limited"] else "the run ended")
        tables = run_tables(folder, ledger, record.id, why_not)
        summary = summarise(facts, tables, owners=settings.owners, pii=PiiMode(pii))
        folder_of_report = report_folder(settings.reports, record.id)
        return write_report(folder_of_report, summary, tables, owners=settings.owners).page


def status(settings: Settings) -> dict[str, object]:
    """The last runs, the open ones, and how many orders are missing.

    Returns:
        dict: `runs` (newest first: id, state, exit, started_at, ended_at), `open_items` (count and
        oldest), `exit` of the last run.
    """
    if not settings.ledger.startswith("postgresql") and not Path(
        settings.ledger.removeprefix("sqlite:///")
    ).exists():
        return {"runs": [], "open_items": {"count": 0, "oldest": None}, "exit": None}
    with Ledger.read(settings.ledger, clock=clock) as ledger:
        runs = ledger.runs(10)
        items = ledger.open_items(runs[0].endpoint) if runs else []
    return {
        "runs": [_shown(record) for record in runs],
        "open_items": {
            "count": len(items),
            "oldest": items[0].opened_at.isoformat() if items else None,
        },
        "exit": _exit(runs[0]) if runs else None,
    }


def _shown(record: RunRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "state": record.state.value,
        "profile": record.profile,
        "started_at": record.started_at.isoformat(),
        "ended_at": record.ended_at.isoformat() if record.ended_at else None,
        "exit": _exit(record),
    }


def _exit(record: RunRecord) -> dict[str, object] | None:
    if record.exit_code is None:
        return None
    return {"code": record.exit_code, "name": NAMES.get(record.exit_code, "unknown")}
