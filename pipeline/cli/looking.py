"""status, report, explain: the verbs that only look."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import click

from pipeline.cli.codes import CODES, find_code, near_codes
from pipeline.cli.console import Console
from pipeline.cli.exits import Exit, name_of
from pipeline.cli.progress import events_for
from pipeline.cli.root import cli, report_group
from pipeline.cli.session import Session
from pipeline.cli.shape import setting, verb
from pipeline.config import BadConfig


@verb(
    cli, "status",
    "pipeline status",
    "pipeline status --profile prod --json",
    "pipeline -q status || echo 'look at the last run'",
    exits=(*(code for code in Exit if code is not Exit.MISMATCH),),
)  # fmt: skip
@click.pass_obj
def status(session: Session) -> int:
    """Running, last and open items. Exit code = last verdict.

    A run that was killed counts as unfinished; while one is at work, the one before it is meant.
    """
    loaded = session.load()
    from pipeline import run as way

    found = way.status(loaded.settings)
    verdict = cast("Mapping[str, Any] | None", found.get("exit"))
    code = int(verdict["code"]) if verdict else 0
    console = session.console
    if console.look.json:
        console.json_result(code, {k: v for k, v in found.items() if k != "exit"})
    else:
        console.result(_status_text(console, found))
    return code


def _status_text(console: Console, found: Mapping[str, Any]) -> str:
    runs = found.get("runs") or []
    preparing = found.get("preparing")
    lines = _preparing(console, preparing) if preparing else []
    if not runs:
        return "\n".join(lines) or "no run yet"
    items = found.get("open_items") or {"count": 0, "oldest": None}
    lines.append(f"last run    {_run_line(console, runs[0])}")
    lines += _more(runs[0])
    if found.get("progress") and runs[0]["state"] == "running":
        lines += _how_far(console, found["progress"])
    since = f", oldest since {_at(console, items['oldest'])}" if items["oldest"] else ""
    lines.append(f"open items  {items['count']:,}{since}")
    if len(runs) > 1:
        lines.append("before")
    for each in runs[1:]:
        lines += [f"            {_run_line(console, each)}", *_more(each)]
    return "\n".join(lines)


def _more(run: Mapping[str, Any]) -> list[str]:
    """What is to be said of a run that did not end as it should, or has not ended."""
    said = [f"            {run['reason']}"] if run.get("reason") else []
    if run["state"] == "died":
        said.append(
            "            its process has ended without a word to the ledger; what was sent is recorded"
        )
    rest = "ready" if run["state"] == "not_sent" else "to go"
    said += [f"            {each}" for each in _orders(run.get("orders") or {}, rest)]
    if run.get("continue_with"):
        said.append(f"            continue with: {run['continue_with']}")
    elif run["state"] == "running":
        said.append("            it is at work now")
    return said


def _preparing(console: Console, run: Mapping[str, Any]) -> list[str]:
    """A run that reads and checks its files."""
    return [f"at work     {run['id']}  nothing sent yet", *_how_far(console, run)]


_STAGES = {"read": "reading", "validate": "checking", "send": "sending", "remember": "remembering"}
_UNDER_WAY = ("not_attempted", "sending")


def _how_far(console: Console, progress: Mapping[str, Any]) -> list[str]:
    """Stage, done of all, rate, end, why it waits, and what became of its orders so far."""
    said = []
    if progress.get("stage"):
        total = progress["total"]
        unit = {
            "read": " rows",
            "validate": " parts",
            "send": " orders",
            "remember": " orders",
        }.get(progress["stage"], "")
        of = f" of {total:,}" if total is not None else ""
        parts = [
            f"{_STAGES.get(progress['stage'], progress['stage'])} {progress['done']:,}{of}{unit}"
        ]
        if progress["per_s"]:
            parts.append(f"{progress['per_s']:,.1f}/s")
        if progress["ends_at"]:
            parts.append(f"done about {_at(console, progress['ends_at'])}")
        parts.append(
            f"as of {datetime.fromisoformat(progress['at']).astimezone(console.zone):%H:%M:%S}"
        )
        said.append(", ".join(parts))
    said += _orders(progress.get("orders") or {})
    if progress.get("waiting"):
        said.append(str(progress["waiting"]))
    return [f"            {each}" for each in said]


def _orders(orders: Mapping[str, int], rest: str = "to go") -> list[str]:
    """What became of the orders of a run; `rest` is what those are called that nothing became of."""
    waiting = sum(orders.get(name, 0) for name in _UNDER_WAY)
    listed = [f"{name.replace('_', ' ')} {orders[name]:,}" for name in sorted(orders)
              if name not in _UNDER_WAY]  # fmt: skip
    listed += [f"{rest} {waiting:,}"] if waiting or not listed else []
    return [f"orders: {', '.join(listed)}"] if orders else []


_STATES = {"not_sent": "stopped before sending"}


def _run_line(console: Console, run: Mapping[str, Any]) -> str:
    verdict = run.get("exit")
    ended = f"exit {verdict['code']} {name_of(verdict['code'])}" if verdict else "no verdict yet"
    profile = f"  {run['profile']}" if run.get("profile") else ""
    state = _STATES.get(run["state"], run["state"])
    return f"{run['id']}{profile}  {state}  {ended}  {_at(console, run['started_at'])}"


def _at(console: Console, text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(console.zone):%Y-%m-%d %H:%M}"


@verb(
    report_group, "build",
    "pipeline report",
    "pipeline report build 2026-11-20T0205-wms",
    "pipeline report --pii show --report-dir private",
    exits=(Exit.LEDGER,),
)  # fmt: skip
@setting("pii", metavar="mask|show|none")
@setting("report_dir", metavar="DIR")
@click.argument("run_id", required=False, metavar="[RUN]")
@click.pass_obj
def report(session: Session, run_id: str | None) -> int:
    """Make the report of a run again, and print where it is.

    Without RUN, of the latest one. Nothing is read but the ledger and the folder of the run. Files to
    correct that could not be written at the end of the run are written now.
    """
    loaded = session.load()
    from pipeline import run as way

    with events_for(session.console, approve=True) as events:
        page = way.report(loaded.settings, run_id, str(loaded.values["pii"]), events)
    session.console.place("report", page)
    return Exit.OK


@verb(
    report_group, "index",
    "pipeline report index",
    "pipeline report index --report-dir /srv/reports",
    "pipeline report index --json",
    exits=(Exit.LEDGER,),
)  # fmt: skip
@setting("report_dir", metavar="DIR")
@click.pass_obj
def index(session: Session) -> int:
    """Write the page of all runs again, and print where it is.

    Each run writes it anew at its end. After a night on which no run began it says so only when it is
    written again: [schedule] in the configuration says when a run is expected.
    """
    loaded = session.load()
    from pipeline import run as way

    session.console.place("index", way.index(loaded.settings))
    return Exit.OK


@verb(
    cli, "explain",
    "pipeline explain R301",
    "pipeline explain M201",
    "pipeline explain C108 --json",
    exits=(),
)  # fmt: skip
@click.argument("code", shell_complete=lambda _ctx, _param, text: [c for c in CODES if c.startswith(text.upper())])  # fmt: skip
@click.pass_obj
def explain(session: Session, code: str) -> int:
    """What a code means and who fixes it."""
    found = find_code(code)
    if found is None:
        near = near_codes(code)
        raise BadConfig(
            f"there is no code {code}",
            help=f"did you mean {' or '.join(near)}?" if near else "docs/codes.md lists them all",
            code="C113",
        )
    console = session.console
    if console.look.json:
        fields = {name: getattr(found, name) for name in found.__dataclass_fields__}
        console.json_result(Exit.OK, fields)
        return Exit.OK
    lines = [
        f"{found.code}  {found.title}",
        f"  where   {found.group}{found.weight}",
        f"  why     {found.why}",
        f"  fix     {found.fix}",
    ]
    if found.owner:
        lines.append(f"  who     {found.owner}")
    console.result("\n".join(lines))
    return Exit.OK
