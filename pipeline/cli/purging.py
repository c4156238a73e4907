"""purge: erase what is kept of one order."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli.exits import Exit
from pipeline.cli.progress import events_for
from pipeline.cli.root import cli
from pipeline.cli.session import Session
from pipeline.cli.shape import setting, verb

if TYPE_CHECKING:
    from pipeline.run import Purged


@verb(
    cli, "purge",
    "pipeline purge --order WH-4000013 --dry-run",
    "pipeline purge --order WH-4000013",
    "pipeline purge --order WH-4000013 --json",
    means={
        Exit.OK: "erased, or with --dry-run listed; what stays is printed",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "bad option or configuration, nothing is kept of the order, or a run that has it can be resumed; nothing was erased",
        Exit.LOCKED: "a run is at work; nothing was erased",
        Exit.LEDGER: "the ledger or its disk cannot be used; the same command again goes on",
    },
)  # fmt: skip
@setting("report_dir", metavar="DIR")
@click.option("--order", required=True, metavar="NR", help="Number of the order.")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and erase nothing.")
@click.pass_obj
def purge(session: Session, order: str, dry_run: bool) -> int:
    """Erase what is kept of one order, such as for a request to be forgotten.

    Its values are erased from the folders of runs, its rows from the files to correct, the reports are
    made again without them, and plans that have it are removed. A run that can be resumed is
    finished first. What stays is printed: above all the ledger knows that there was such an order.
    """
    loaded = session.load()
    from pipeline import run as way

    console = session.console
    with events_for(console, approve=True) as events:
        done = way.purge(loaded.settings, order, events, only_look=dry_run)
    if console.look.json:
        fields = {"erased": not dry_run, **asdict(done), "stays": list(way.STAYS)}
        console.json_result(Exit.OK, fields)
    else:
        console.result(_words(done, way.STAYS, dry_run=dry_run))
    return Exit.OK


def _words(done: "Purged", stays: tuple[str, ...], *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    lines = [f"{would}erased from run {run}" for run in done.runs]
    lines += [f"{would}changed: {path}" for path in done.changed]
    lines += [f"{would}removed: {path}" for path in done.removed]
    lines += [f"look at it yourself, it names the order: {path}" for path in done.look_at]
    return "\n".join([*lines, "what stays:", *(f"  {each}" for each in stays)])
