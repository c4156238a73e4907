"""reports/index.html: all runs of the ledger on one page, written anew at the end of each run."""

from pathlib import Path
from urllib.parse import quote

from pipeline.config import Settings
from pipeline.ledger import Ledger
from pipeline.report.files import write_page
from pipeline.report.index import RUNS_MAX, lay_out_index
from pipeline.report.render import render_index
from pipeline.run.byproduct import Byproduct
from pipeline.run.clock import clock
from pipeline.run.folder import written
from pipeline.run.request import Events, report_command

INDEX = "index.html"


def write_index(settings: Settings, ledger: Ledger | None) -> Path:
    """Write the page of all runs; gives its path. Without a ledger there was none.

    Raises:
        DiskUnusable: it cannot be written.
    """
    runs = ledger.latest_runs(RUNS_MAX + 1) if ledger else []
    pages = {run.id: settings.reports / run.id / "report.html" for run in runs}
    page = lay_out_index(
        runs,
        {run: f"{quote(run)}/{path.name}" for run, path in pages.items() if path.exists()},
        ledger.open_counts() if ledger else [],
        zone=settings.timezone,
        now=clock(),
        schedule=settings.schedule,
    )
    path = settings.reports / INDEX
    with written(settings.reports):
        write_page(path, render_index(page))
    return path


def renew_index(settings: Settings, ledger: Ledger, events: Events) -> None:
    """Write the page of all runs after something else, which stands whether it can be or not."""
    again = report_command(settings, "index")
    with Byproduct("the page of all runs", events, again=again):
        write_index(settings, ledger)
