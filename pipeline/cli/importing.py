"""plan, run, resume, retry: the verbs that move orders."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from zoneinfo import ZoneInfo

import click

from pipeline.cli.console import described
from pipeline.cli.exits import Exit
from pipeline.cli.progress import events_for
from pipeline.cli.root import cli
from pipeline.cli.session import Session
from pipeline.cli.shape import setting, verb
from pipeline.config import KEYS, BadConfig, Credentials, From, Loaded, missing_file

if TYPE_CHECKING:
    from pipeline.run import Options, Result

F = TypeVar("F", bound=Callable[..., Any])

_RUN_EXITS = (
    Exit.PARTIAL,
    Exit.INPUT,
    Exit.UNFINISHED,
    Exit.AUTH,
    Exit.GUARD,
    Exit.EMPTY,
    Exit.LOCKED,
    Exit.LEDGER,
    Exit.INTERRUPTED,
    Exit.TERMINATED,
)
_LOOKED_AT = 20  # files that may be a mapping
_LINES_LOOKED_AT = 500
_OPEN_EXITS = (Exit.UNFINISHED, Exit.AUTH, Exit.INTERRUPTED, Exit.TERMINATED)
_PLAN_EXITS = (Exit.PARTIAL, Exit.INPUT, Exit.EMPTY, Exit.LOCKED, Exit.LEDGER, Exit.INTERRUPTED)

_READING = (
    setting("mapping", "-m", "--mapping", metavar="FILE"),
    setting("limit", metavar="N"),
    setting("only_orders", "--only-order", metavar="NR"),
    setting("backfill"),
    setting("create_only"),
    setting("accept_duplicates"),
)
_SENDING = (
    setting("rate", metavar="N"),
    setting("concurrency", metavar="N"),
    setting("until", metavar="TIME"),
    setting("auto_approve", "--yes"),
)
_GUARDING = (
    setting("max_reject_rate", metavar="SHARE"),
    setting("max_row_drop", metavar="SHARE"),
    setting("drift", metavar="warn|stop|off"),
    setting("old_orders", metavar="warn|stop|off"),
    setting("expectations", metavar="stop|warn|off"),
    setting("max_orders", metavar="N"),
    setting("min_rows", metavar="N"),
)
_RETRY_REJECT_RATE = (
    "Stop before sending when more than this share of the orders is held back; off for never, which "
    "is the default here."
)
_VERDICT = (
    setting("partial_ok"),
    setting("fail_on_empty"),
)
_TELLING = (
    setting("notify", metavar="problems|always|never"),
    setting("metrics", metavar="FILE"),
)
_REPORT = (
    setting("report_dir", metavar="DIR"),
    setting("xlsx"),
    setting("pii", metavar="mask|show|none"),
)


def _options(*sets: tuple[Callable[[Any], Any], ...]) -> Callable[[F], F]:
    def add(function: F) -> F:
        for declare in reversed([one for some in sets for one in some]):
            function = declare(function)
        return function

    return add


@verb(
    cli, "plan",
    "pipeline plan -m mappings/wms.yaml orders.csv",
    "pipeline plan -m orders.yaml -m shipments.yaml inbox/",
    "pipeline plan -m history.yaml --backfill 'archive/2024-*.csv.gz' --out bf",
    exits=_PLAN_EXITS,
)  # fmt: skip
@_options(
    _READING,
    (setting("out", metavar="DIR"),),
    _VERDICT,
    (setting("pii", metavar="mask|show|none"),),
)
@click.option(
    "--sample",
    "number",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    show_default=False,
    help="Print the first N finished requests; values about people are masked, unless --pii show.",
)
@click.argument("inputs", nargs=-1, metavar="[FILE | FOLDER | GLOB]...")
@click.pass_obj
def plan(session: Session, number: int, inputs: tuple[str, ...]) -> int:
    """Read, validate and compare; write a plan and a report. Sends nothing.

    Every order is told: + new, ~ known and changed (with the fields that change), = unchanged, ! held
    back; all of them stand in plan.jsonl.gz of the plan. What parcelLab itself will refuse no plan can
    know. INPUTS are files, folders or globs; without them, what the mapping's own `source.files` means in
    the present folder. A plan is for the profile it was made with; `run PLAN` refuses it under
    another.
    """
    loaded = session.load()
    mappings = _mappings(session, loaded) or _of_partners(session, loaded)
    if not mappings:
        raise _no_mapping(session, "plan", inputs)
    from pipeline import run as way

    options = replace(_choices(session, loaded), sample=number)
    out = cast("Path | None", loaded.values["out"])
    _say_backfill(session, options)
    with events_for(session.console, approve=True) as events:
        result = way.plan(loaded.settings, mappings, inputs, options, events, out=out)
    return _finish(session, result)


@verb(
    cli, "run",
    "pipeline run -m mappings/wms.yaml orders.csv",
    "pipeline run -m wms.yaml --profile prod --yes 'inbox/*.csv'",
    "pipeline run .pipeline/plans/7f3a --rate 5 --until 06:00",
    exits=_RUN_EXITS,
)  # fmt: skip
@_options(_READING, _SENDING, _GUARDING, _VERDICT, _REPORT, _TELLING, (setting("new_ledger"),))
@click.argument("inputs", nargs=-1, metavar="[PLAN | FILE | FOLDER | GLOB]...")
@click.pass_obj
def run(session: Session, inputs: tuple[str, ...]) -> int:
    """Import. Takes a PLAN, or files and a mapping.

    A PLAN is the folder that `pipeline plan` made; exactly that is sent, or nothing if a file, the
    mapping or the ledger changed since. With -m, files, folders and globs are read; without any,
    what the mapping's own `source.files` means in the present folder. The same command again
    finishes an interrupted run.
    """
    # what is to run is judged before any secret is asked for
    loaded = session.load()
    mappings = _mappings(session, loaded)
    planned = _plan_folder(session, mappings, inputs)
    if planned is not None:
        _refuse_choices(loaded)
    elif not mappings:
        mappings = _of_partners(session, loaded)
    loaded = session.load(Credentials.REQUIRED)
    from pipeline import run as way

    options = _choices(session, loaded)
    _say_backfill(session, options)
    with events_for(session.console, approve=loaded.settings.auto_approve) as events:
        if planned is not None:
            result = way.run_plan(loaded.settings, planned, options, events)
        else:
            result = way.run(loaded.settings, mappings, inputs, options, events)
    return _finish(session, result)


@verb(
    cli, "resume",
    "pipeline resume",
    "pipeline resume 2026-11-20T0205-wms --until 06:00",
    "pipeline resume --profile prod --yes -q",
    exits=_RUN_EXITS,
)  # fmt: skip
@_options(_SENDING, (setting("partial_ok"),), _REPORT, _TELLING)
@click.argument("name", required=False, metavar="[RUN | PLAN]")
@click.pass_obj
def resume(session: Session, name: str | None) -> int:
    """Finish an interrupted or time-limited run.

    It is named by its id or by the folder of the plan that it sends; without a name, the latest
    unfinished one, and exit code 0 if there is none. What has arrived is not sent again.
    """
    loaded = session.load(Credentials.REQUIRED)
    from pipeline import run as way

    options = _choices(session, loaded)
    with events_for(session.console, approve=loaded.settings.auto_approve) as events:
        result = way.resume(loaded.settings, name, options, events)
    return _finish(session, result)


@verb(
    cli, "retry",
    "pipeline retry reports/2026-11-20T0205-wms/rejected/orders_DE.rejected.csv",
    "pipeline retry --profile prod --yes orders.rejected.csv parcels.rejected.csv",
    "pipeline retry 2026-11-20T0205-wms --cause A401 --profile prod",
    exits=_RUN_EXITS,
)  # fmt: skip
@_options(
    (
        setting("mapping", "-m", "--mapping", metavar="FILE"),
        setting("backfill"),
        setting("create_only"),
    ),
    _SENDING,
    (
        setting("max_reject_rate", metavar="SHARE", says=_RETRY_REJECT_RATE),
        setting("old_orders", metavar="warn|stop|off"),
        setting("max_orders", metavar="N"),
    ),
    (setting("partial_ok"),),
    _REPORT,
    _TELLING,
)
@click.option(
    "--cause", "causes", multiple=True, metavar="CODE",
    help="Of a RUN: only orders that were refused for this, such as A401; may be given again.",
)  # fmt: skip
@click.option(
    "--owner", "owners", multiple=True, metavar="NAME",
    help="Of a RUN: only orders whose cause this one mends, as the report names them.",
)  # fmt: skip
@click.argument(
    "given", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN | FILE..."
)
@click.pass_obj
def retry(
    session: Session, given: tuple[Path, ...], causes: tuple[str, ...], owners: tuple[str, ...]
) -> int:
    """Import corrected rows, or re-send refused orders of a run.

    FILE is one of the files in `rejected/` beside a report, corrected by a person; the columns
    `_import_…` must still be in it. They say which run wrote it, and that run knows the mapping.
    Rows that were removed are named. An order that has rows in several files needs all of them.

    RUN is the id of a finished run. What parcelLab refused of it is sent again when the reason is
    mended elsewhere: the account, or the mapping, which is read as it is now. The rows are those that
    the run kept; what a newer run has sent since is left out. What arrives is no open item any more.
    """
    run = _run_meant(session, given)
    if run is None and (causes or owners):
        option = "--cause" if causes else "--owner"
        raise BadConfig(f"{option} chooses among the refused orders of a run, and files are named",
                        help="name the run, or leave the option out", code="C118")  # fmt: skip
    loaded = session.load()
    mappings = _mappings(session, loaded)
    if run is not None and mappings:
        raise BadConfig("a run knows its mapping, which is read as it is now", code="C118",
                        help=f"leave out -m, or import the file: pipeline run -m {mappings[0]} FILE")  # fmt: skip
    loaded = session.load(Credentials.REQUIRED)
    from pipeline import run as way

    # a few corrected rows are always fewer than a night has, and begin with nothing but rejected ones
    options = replace(_choices(session, loaded), min_rows=None, by_partner=False)
    if loaded.origins["max_reject_rate"].kind is From.DEFAULT:
        options = replace(options, max_reject_rate=None)
    _say_backfill(session, options)
    with events_for(session.console, approve=loaded.settings.auto_approve) as events:
        if run is not None:
            result = way.again(loaded.settings, run, causes, owners, options, events)
        else:
            result = way.retry(loaded.settings, given, mappings, options, events)
    return _finish(session, result)


def _run_meant(session: Session, given: tuple[Path, ...]) -> str | None:
    """The run that is meant; None where files are. What is neither there nor like a run is a file."""
    missing = [each for each in given if not (session.cwd / each).exists()]
    first = given[0]
    if len(given) == 1 and (session.cwd / first / "run.json").is_file():
        return str(first)  # the folder of a plan
    if not missing:
        return None
    if len(given) == 1 and first.name == str(first) and not first.suffix:
        return str(first)
    raise missing_file("file", missing[0], session.cwd)


def next_moment(until: time | datetime, now: datetime) -> datetime:
    """Give when a time of the day comes next; a date with time stays, in the zone of `now`.

    >>> from datetime import UTC
    >>> next_moment(time(6), datetime(2026, 11, 20, 22, tzinfo=UTC)).isoformat()
    '2026-11-21T06:00:00+00:00'
    """
    if isinstance(until, datetime):
        return until if until.tzinfo else until.replace(tzinfo=now.tzinfo)
    zone = until.tzinfo or now.tzinfo
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), until.replace(tzinfo=None), zone)
    if today > local:
        return today
    return datetime.combine(local.date() + timedelta(days=1), until.replace(tzinfo=None), zone)


def _choices(session: Session, loaded: Loaded) -> "Options":
    from pipeline.run import GUARD_ORDERS, LEAST_ROWS, Options

    values = cast("dict[str, Any]", dict(loaded.values))
    until = values["until"]
    now = session.console.now().astimezone(ZoneInfo(loaded.settings.timezone))
    return Options(
        limit=values["limit"],
        only_orders=values["only_orders"],
        backfill=values["backfill"],
        create_only=values["create_only"],
        max_orders=values["max_orders"],
        max_reject_rate=values["max_reject_rate"],
        # the default leaves small runs alone; what a person has set always counts
        reject_rate_from=GUARD_ORDERS
        if loaded.origins["max_reject_rate"].kind is From.DEFAULT
        else 1,
        max_row_drop=values["max_row_drop"],
        row_drop_from=LEAST_ROWS if loaded.origins["max_row_drop"].kind is From.DEFAULT else 1,
        drift=values["drift"],
        # nobody gets a message from a sandbox
        old_orders=values["old_orders"]
        or ("stop" if loaded.settings.endpoint.production else "off"),
        expectations=values["expectations"],
        min_rows=values["min_rows"],
        partial_ok=values["partial_ok"],
        fail_on_empty=values["fail_on_empty"],
        until=None if until is None else next_moment(until, now),
        pii=values["pii"],
        accept_duplicates=values["accept_duplicates"],
        by_partner=not values["mapping"],
        new_ledger=values["new_ledger"],
        xlsx=_workbooks(loaded),
    )


def _workbooks(loaded: Loaded) -> bool:
    """Whether workbooks are wanted; what writes them must be there before anything is sent."""
    if not loaded.values["xlsx"]:
        return False
    if find_spec("xlsxwriter") is None:
        raise BadConfig(
            f"--xlsx needs a package that is not installed ({loaded.origins['xlsx']})",
            help="install the extra: pip install 'pipeline[xlsx]'", code="C101",
        )  # fmt: skip
    return True


def _mappings(session: Session, loaded: Loaded) -> list[Path]:
    paths = cast("tuple[Path, ...]", loaded.values["mapping"])
    for path in paths:
        if not (session.cwd / path).is_file():
            raise missing_file("mapping file", path, session.cwd)
    return list(paths)


def _of_partners(session: Session, loaded: Loaded) -> list[Path]:
    """The mappings of the partners, each once, for a run that names none."""
    paths: dict[Path, None] = {}
    for partner in loaded.settings.partners:
        for text in partner.mappings.values():
            path = Path(text)
            if not path.is_file():
                raise missing_file(f"mapping of partner {partner.name}", path, session.cwd)
            paths[path] = None
    return list(paths)


def _plan_folder(session: Session, mappings: list[Path], inputs: tuple[str, ...]) -> Path | None:
    """Tell whether a plan is to be run: one folder, and no mapping."""
    if mappings:
        return None
    folder = session.cwd / inputs[0] if len(inputs) == 1 else None
    if folder is not None and (folder / "run.json").is_file():
        return Path(inputs[0])
    if session.loaded is not None and any(p.mappings for p in session.loaded.settings.partners):
        return None
    if folder is not None and not folder.exists() and not folder.suffix:  # else a file is meant
        raise missing_file("plan", Path(inputs[0]), session.cwd)
    raise _no_mapping(session, "run", inputs)


def _refuse_choices(loaded: Loaded) -> None:
    """Refuse what would change a plan: exactly what was planned is sent, and nothing else."""
    for name in ("limit", "only_orders", "backfill", "create_only", "accept_duplicates"):
        origin = loaded.origins[name]
        if loaded.values[name] and origin.kind in (From.OPTION, From.ENVIRONMENT):
            raise BadConfig(
                f"{KEYS[name].flag} changes nothing of a plan that is made already ({origin})",
                help=f"give it to `pipeline plan`, and run that plan without {KEYS[name].flag}",
                code="C118",
            )


def _no_mapping(session: Session, command: str, inputs: tuple[str, ...]) -> BadConfig:
    """Say how mappings are found, and what to type; a folder may have been meant as a plan."""
    meant = [each for each in inputs if _is_mapping(session.cwd / each)]
    rest = [each for each in inputs if each not in meant]
    typed = " ".join(shlex.quote(each) for each in rest) or "inbox/"
    there = _mapping_there(session.cwd)
    proposed = "" if there else "; `pipeline mapping init FILE.edi` proposes one for EDI"
    help_text = (
        "a mapping is named with -m or, for EDI, in the [partner.…] sections of the configuration,"
        f" and not searched for{proposed}. Type: pipeline {command}"
        f" -m {' -m '.join(map(shlex.quote, meant)) or shlex.quote(there or 'MAPPING.yaml')} {typed}"
    )
    if command == "run" and len(inputs) == 1 and (session.cwd / inputs[0]).is_dir():
        return BadConfig(
            f"{inputs[0]} is not a plan, and no mapping says how to read the files in it",
            help=help_text, code="C131",
        )  # fmt: skip
    return BadConfig("there is nothing to run: no mapping is given", help=help_text, code="C111")


def _mapping_there(cwd: Path) -> str:
    """A mapping that lies in the present folder or in mappings/; "" for none."""
    near = [path for folder in ("", "mappings") for path in sorted((cwd / folder).glob("*.y*ml"))]
    found = (path for path in near[:_LOOKED_AT] if _is_mapping(path))
    path = next(found, None)
    return "" if path is None else str(path.relative_to(cwd))


def _is_mapping(path: Path) -> bool:
    """Tell by its beginning; another YAML file has no `version:` and `order:` at once."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = [line for line, _ in zip(file, range(_LINES_LOOKED_AT), strict=False)]
    except (OSError, UnicodeDecodeError):
        return False
    return all(any(line.startswith(key) for line in lines) for key in ("version:", "order:"))


def _say_backfill(session: Session, options: "Options") -> None:
    if options.backfill:
        session.console.warn(
            "--backfill: trackings get notifications_inactive=true; recipient_email stays as mapped;"
            " whether parcelLab writes to customers about the orders themselves, only parcelLab knows"
        )


def _finish(session: Session, result: "Result") -> int:
    console = session.console
    stopped = result.stopped
    if stopped is not None:
        console.error(stopped)
    if console.look.json:
        console.json_result(
            result.exit_code,
            {
                "run": result.run_id or None,
                "report": result.report,
                "plan": result.plan,
                "stopped": None if stopped is None else described(stopped),
                "summary": {k: v for k, v in result.summary.items() if k != "exit"},
                "notified": [
                    {"by": each.by, "ok": each.ok, "says": each.says} for each in result.told
                ],
            },
        )
    else:
        console.result(result.text)
    if result.exit_code in _OPEN_EXITS and result.run_id and session.loaded is not None:
        from pipeline.run import resume_command

        console.note(f"Continue with: {resume_command(session.loaded.settings, result.run_id)}")
    return result.exit_code
