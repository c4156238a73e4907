"""report open, mail, prune: what one does with a report besides making it."""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from pipeline.cli.browser import show_page
from pipeline.cli.exits import Exit
from pipeline.cli.progress import events_for
from pipeline.cli.root import report_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Age, setting, verb
from pipeline.config import BadConfig, Credentials

if TYPE_CHECKING:
    from pipeline.run import Pruned


@verb(
    report_group, "open",
    "pipeline report open",
    "pipeline report open 2026-11-20T0205-wms",
    "pipeline report open --report-dir /srv/reports",
    exits=(Exit.LEDGER,),
)  # fmt: skip
@setting("report_dir", metavar="DIR")
@click.argument("run_id", required=False, metavar="[RUN]")
@click.pass_obj
def open_(session: Session, run_id: str | None) -> int:
    """Open the report of a run in the browser, and print where it is.

    Without RUN, of the latest one. It is found where the run has written it, whatever --report-dir was
    then; a page that is not there any more is made again.
    """
    loaded = session.load()
    from pipeline import run as way

    with events_for(session.console, approve=True) as events:
        page = way.written_report(loaded.settings, run_id, str(loaded.values["pii"]), events)
    session.console.place("report", page)
    if not show_page(page, session.environ):
        session.console.warn("no browser could be started; open the file above")
    return Exit.OK


@verb(
    report_group, "mail",
    "pipeline report mail",
    "pipeline report mail 2026-11-20T0205-wms --profile prod",
    "pipeline report mail --show",
    exits=(Exit.LEDGER,),
    means={Exit.UNFINISHED: "somebody could not be told; the command may be given again"},
)  # fmt: skip
@click.option("--show", is_flag=True, help="Print subject and text, and send nothing.")
@click.argument("run_id", required=False, metavar="[RUN]")
@click.pass_obj
def mail(session: Session, show: bool, run_id: str | None) -> int:
    """Tell how a run ended, over mail server and webhook of [notify].

    Without RUN, of the latest one. Whatever [notify] says of when and of profiles, it is sent: so a
    set-up is tried.
    """
    loaded = session.load(Credentials.SKIPPED if show else Credentials.NOTIFY)
    from pipeline import run as way

    notify = loaded.settings.notify
    if notify is None and not show:
        raise BadConfig(
            "nobody is named whom to tell", help="write a section [notify] (docs/configuration.md)",
            code="C105",
        )  # fmt: skip
    letter = way.letter_of(loaded.settings, run_id)
    console = session.console
    if show or notify is None:
        if console.look.json:
            console.json_result(Exit.OK, {"subject": letter.subject, "text": letter.text})
        else:
            console.result(f"Subject: {letter.subject}\n\n{letter.text}")
        return Exit.OK
    with events_for(console, approve=True) as events:
        told = way.send_letter(notify, letter, events)
    code = Exit.OK if all(each.ok for each in told) else Exit.UNFINISHED
    if console.look.json:
        listed = [{"by": each.by, "ok": each.ok, "says": each.says} for each in told]
        console.json_result(code, {"run": letter.run_id, "notified": listed})
    else:
        console.result("\n".join(f"{each.by} {each.says}" for each in told))
    return code


@verb(
    report_group, "prune",
    "pipeline report prune --older-than 90d --dry-run",
    "pipeline report prune --older-than 90d",
    "pipeline report prune --older-than 4w --json",
    means={
        Exit.OK: "removed, or with --dry-run listed; also where nothing is that old",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "bad option or configuration; nothing was removed",
        Exit.LOCKED: "a run is at work; nothing was removed",
        Exit.LEDGER: "the ledger or its disk cannot be used; the same command again goes on",
    },
)  # fmt: skip
@setting("report_dir", metavar="DIR")
@click.option("--older-than", type=Age(), required=True, metavar="AGE",
              help="Days or weeks since the end of a run: 90d, 12w.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--including-open", is_flag=True,
              help="Remove runs with the rows of open items, too.")  # fmt: skip
@click.pass_obj
def prune(
    session: Session, older_than: timedelta, dry_run: bool, including_open: bool
) -> int:  # fmt: skip
    """Remove old reports, with the folders of their runs.

    Removed are reports with their rejected rows, what runs kept for them in `home`, plans and crash
    logs: all that holds customers' data. Runs that can be resumed stay, and so do those in which an
    open item was missing last: what is to be corrected of it is there alone. The ledger keeps its
    numbers, so the page of all runs still shows the runs, and nothing is sent twice.
    """
    loaded = session.load()
    from pipeline import run as way

    console = session.console
    with events_for(console, approve=True) as events:
        found = way.prune(
            loaded.settings, older_than, events, only_look=dry_run, including_open=including_open
        )
    if console.look.json:
        console.json_result(Exit.OK, {"removed": not dry_run, **asdict(found)})
    else:
        console.result(_pruned_words(found, dry_run=dry_run))
    return Exit.OK


def _pruned_words(found: "Pruned", *, dry_run: bool) -> str:
    parts = [
        f"{len(listed):,} {word}{'' if len(listed) == 1 else 's'}"
        for listed, word in (
            (found.reports, "report"),
            (found.folders, "run folder"),
            (found.plans, "plan"),
            (found.logs, "crash log"),
        )
        if listed
    ]
    verb = "would be removed" if dry_run else "removed"
    lines = [f"{verb}: {', '.join(parts)}" if parts else "nothing is that old"]
    lines += [f"kept, for it can be resumed: {run}" for run in found.kept]
    if found.awaited and not found.including_open:
        from pipeline.run import shortened

        lines += [
            f"kept, for it has the rows of open items: {each.run} ({shortened(each.orders)})"
            for each in found.awaited
        ]
        lines.append("such runs go when the items are closed, or with --including-open")
    return "\n".join(lines)
