"""config, sandbox, demo, completion: what one needs once."""

import errno
from pathlib import Path

import click
from click.shell_completion import BashComplete, get_completion_class

from pipeline.cli.exits import Exit
from pipeline.cli.progress import events_for
from pipeline.cli.root import cli, config_group
from pipeline.cli.session import Session, write_new
from pipeline.cli.shape import Words, verb
from pipeline.config import (
    CONFIG_NAME,
    KEYS,
    PASSWORD_VARIABLE,
    URL_VARIABLE,
    BadConfig,
    Credentials,
    From,
    Loaded,
    Origin,
    Where,
    find_config,
    hidden,
    hidden_url,
    missing_file,
)
from pipeline.model.notice import Notify, When
from pipeline.model.schedule import WEEKDAYS, Schedule

_TEMPLATE = """\
# Configuration of `pipeline`; every key is described in docs/configuration.md.
# Keys up here are for all profiles; a profile's own value wins.

# timezone = "Europe/Berlin"
# max_reject_rate = "20%"
# min_rows = 1

# [owners]
# R301 = "Warehouse"

# On which nights a run is expected: the index of the reports names a missed one.
# [schedule]
# days = "mon-fri"
# by = "06:00"

# Who is told how a run of production ended; `pipeline report mail` tries it.
# [notify]
# when = "problems"            # problems, always or never
# [notify.mail]
# host = "smtp.example.com"
# from = "import@example.com"
# to = ["ops@example.com"]
# user = "import"              # the password: PIPELINE_SMTP_PASSWORD, password_file, password_command
# [notify.webhook]
# shape = "slack"              # json, slack or teams; the address: PIPELINE_WEBHOOK_URL, url_file

# With whom EDI files are exchanged; without any section every sender is taken.
# [partner.acme]
# syntax = "x12"
# id = "ACMEWMS"              # ISA06, or UNB 2
# messages = ["945"]
# versions = ["004010"]
# acks = ["997"]
# mappings = {945 = "mappings/edi/945.yaml"}

# The sandbox is the default: start it with `pipeline sandbox --data .pipeline/sandbox`.
[profile.sandbox]

# Production is named: pipeline run --profile prod …
# The token comes from PARCELLAB_TOKEN, PARCELLAB_TOKEN_FILE, token_file or token_command.
# [profile.prod]
# base_url = "product-api"     # product-api, api, eu or us
# account = 1618
# rate = 5
# max_orders = 5000
"""


@verb(
    config_group, "show",
    "pipeline config show",
    "pipeline config show --origin --profile prod",
    "pipeline config show --json",
    exits=(),
)  # fmt: skip
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.pass_obj
def show(session: Session, origin: bool) -> int:
    """Print every value as a run would see it; secrets show their end only."""
    loaded = session.load()
    rows: dict[str, tuple[object, str]] = {
        name: (hidden_url(str(value)) if name == "ledger" else value, str(loaded.origins[name]))
        for name, key in KEYS.items()
        for value in (loaded.values[name],)
        if key.where is not Where.COMMAND
    }
    token = _token_row(session, loaded)
    rows = {"profile": (loaded.settings.profile, ""), **rows, "token": token}
    rows |= _section_rows(session, loaded)
    console = session.console
    if console.look.json:
        settings = {
            name: {"value": value, "origin": source} for name, (value, source) in rows.items()
        }
        console.json_result(Exit.OK, {"file": loaded.path, "settings": settings})
        return Exit.OK
    width = max(len(source) for _, source in rows.values()) if origin else 0
    console.result(
        "\n".join(
            (f"{source:<{width}}  " if origin else "") + f"{name} = {_shown(value)}"
            for name, (value, source) in rows.items()
        )
    )
    return Exit.OK


def _section_rows(session: Session, loaded: Loaded) -> dict[str, tuple[object, str]]:
    """The sections as they count for this profile; one that is not there says so."""
    settings, origins = loaded.settings, loaded.origins
    values: dict[str, object] = {f"owners.{k}": v for k, v in sorted(settings.owners.items())}
    values |= {f"partner.{each.name}": f"{each.syntax} {each.id}" for each in settings.partners}
    values |= _schedule_values(settings.schedule)
    values |= _notify_values(settings.notify)
    for name in ("owners", "schedule", "notify"):
        if not any(each.startswith(f"{name}.") for each in values):
            values[name] = None
    default = str(Origin(From.DEFAULT))
    rows = {
        name: (value, str(origins.get(name, "" if value is None else default)))
        for name, value in values.items()
    }
    if settings.notify is not None and loaded.values["notify"] is not None:
        rows["notify.when"] = (settings.notify.when.value, str(loaded.origins["notify"]))
    elif settings.notify is not None and settings.notify.when is When.NEVER:
        names = str(origins.get("notify.when") or origins.get("notify.profiles") or default)
        rows["notify.when"] = (f"never, in profile {settings.profile}", names)
    if settings.notify is not None:
        rows |= _secrets_of_notify(session, loaded, settings.notify)
    return rows


def _schedule_values(schedule: Schedule | None) -> dict[str, object]:
    if schedule is None:
        return {}
    return {
        "schedule.profile": schedule.profile,
        "schedule.days": tuple(WEEKDAYS[day] for day in sorted(schedule.days)),
        "schedule.by": f"{schedule.by:%H:%M}" if schedule.by else None,
        "schedule.mappings": schedule.mappings or None,
        "schedule.skip": tuple(f"{day}" for day in sorted(schedule.skip)) or None,
    }


def _notify_values(notify: Notify | None) -> dict[str, object]:
    """Who is told, without the secrets of the routes."""
    if notify is None:
        return {}
    values: dict[str, object] = {
        "notify.when": notify.when.value, "notify.report_url": notify.report_url or None,
    }  # fmt: skip
    if notify.mail:
        mail = notify.mail
        values |= {
            "notify.mail.host": mail.host, "notify.mail.port": mail.port,
            "notify.mail.security": mail.security.value, "notify.mail.from": mail.sender,
            "notify.mail.to": mail.to, "notify.mail.user": mail.user,
        }  # fmt: skip
    if notify.webhook:
        values["notify.webhook.shape"] = notify.webhook.shape.value
    return values


def _secrets_of_notify(
    session: Session, loaded: Loaded, notify: Notify
) -> dict[str, tuple[object, str]]:
    """Where the password and the address would come from; nothing is read only to look."""
    wanted = []
    if notify.mail and notify.mail.user:
        wanted.append(("notify.mail.password", PASSWORD_VARIABLE))
    if notify.webhook:
        wanted.append(("notify.webhook.url", URL_VARIABLE))
    rows: dict[str, tuple[object, str]] = {}
    for name, variable in wanted:
        said = [
            (f"from {each}", f"environment {each}")
            for each in (variable, f"{variable}_FILE")
            if session.environ.get(each, "").strip()
        ]
        said += [
            (f"from {name.rpartition('.')[2]}_{kind}", str(loaded.origins[f"{name}_{kind}"]))
            for kind in ("file", "command")
            if f"{name}_{kind}" in loaded.origins
        ]
        rows[name] = said[0] if said else (None, "")
    return rows


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _token_row(session: Session, loaded: Loaded) -> tuple[object, str]:
    """The end of the token and its source; a token_command is not run only to look."""
    if loaded.values["token_command"] is not None:
        return "printed by token_command", str(loaded.origins["token_command"])
    shown = session.loaded
    try:
        full = session.load(Credentials.TOKEN)
    except BadConfig as error:
        session.loaded = shown
        return (None, "") if error.code == "C108" else (f"unusable: {error.message}", "")
    end = hidden(full.settings.endpoint.token.reveal())
    return end if end.strip("…") else "set, too short to show its end", str(full.origins["token"])


@verb(
    config_group, "init",
    "pipeline config init",
    "pipeline config init && $EDITOR pipeline.toml",
    "pipeline -c other.toml config init",
    exits=(),
)  # fmt: skip
@click.pass_obj
def init(session: Session) -> int:
    """Write a commented pipeline.toml here; never over an existing one."""
    path = session.cwd / str(session.overrides.get("config") or CONFIG_NAME)
    write_new(path, _TEMPLATE, help="edit it, or name another with -c")
    session.console.place("file", path)
    return Exit.OK


@verb(
    config_group, "path",
    "pipeline config path",
    "$EDITOR \"$(pipeline config path)\"",
    "pipeline config path --json",
    exits=(),
)  # fmt: skip
@click.pass_obj
def path_(session: Session) -> int:
    """Print which configuration file is used."""
    named = session.overrides.get("config")
    found = find_config(Path(str(named)) if named else None, session.environ, session.cwd)
    if session.console.look.json:
        session.console.json_result(Exit.OK, {"file": found})
    elif found is not None:
        session.console.result(str(found))
    else:
        session.console.note("there is no configuration file; `pipeline config init` writes one")
    return Exit.OK


@verb(
    cli, "sandbox",
    "pipeline sandbox --data .pipeline/sandbox",
    "pipeline sandbox --port 9000",
    "pipeline sandbox --faults faults.json",
    exits=(),
)  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True,
              help="Port on 127.0.0.1; 0 takes a free one.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path, file_okay=False),
              help="Folder that keeps the orders; without it they are in memory only.")  # fmt: skip
@click.option("--faults", metavar="FILE|flaky|storm|outage",
              help="Fault rules (JSON), or a named profile.")  # fmt: skip
@click.pass_obj
def sandbox(session: Session, port: int, data: Path | None, faults: str | None) -> int:
    """Local stand-in for the Order API, checked against its OpenAPI file.

    It listens on 127.0.0.1 only, opens account 1618 with the token of the sandbox, and ends with
    Ctrl-C. Nothing ever leaves this machine.
    """
    from pipeline.sandbox import BadFaultError, FaultSchedule, SandboxSettings, serve

    console = session.console

    def announce(line: str) -> None:
        if console.look.json:
            console.result(line)
            return
        import json

        ready = json.loads(line)
        memory = (
            "Orders are kept in memory only and end with it, while the ledger remembers them as"
            " delivered; --data FOLDER keeps them."
            if data is None
            else f"Orders are kept in {data}, also for the next start."
        )
        console.result(
            f"Sandbox at {ready['base_url']}, account {ready['account']}. Only this machine can"
            f" reach it; Ctrl-C ends it.\n{memory}"
        )

    try:
        schedule = FaultSchedule()
        if faults in ("flaky", "storm", "outage"):
            schedule = FaultSchedule.profile(faults, seed=0)
        elif faults is not None:
            if not (session.cwd / faults).is_file():
                raise missing_file("fault file", Path(faults), session.cwd)
            schedule = FaultSchedule.from_text(Path(faults).read_text(encoding="utf-8"))
        serve(SandboxSettings(data=data, faults=schedule), port=port, announce=announce)
    except (BadFaultError, OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or str(error)
        how = "choose another --port" if isinstance(error, OSError) else "correct the rules"
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            words = f"something listens on port {port} already"
            how = "if it is another `pipeline sandbox`, use or end that one; else choose another --port"
        raise BadConfig(
            f"the sandbox cannot start: {words}",
            help=how,
            code="C115",
        ) from None
    return Exit.OK


@verb(
    cli,
    "demo",
    "pipeline demo",
    "pipeline demo -v",
    "pipeline demo --color never | less",
    exits=(),
)
@click.pass_obj
def demo(session: Session) -> int:
    """A whole import on this machine: sandbox, files with faults, report.

    A night of a warehouse is imported twice into a sandbox of its own, then a night of EDI (X12
    940 and 945); nothing leaves this machine. At its end it says what to type to correct one of the
    orders. What it writes goes to the folder `demo` in `.pipeline`, which is emptied first.
    """
    settings = session.load().settings
    from pipeline.demo import main

    with events_for(session.console, approve=True) as events:
        return main(session.console.result, events, settings.home / "demo", settings.timezone)


@verb(
    cli, "completion",
    "pipeline completion bash >> ~/.bashrc",
    "pipeline completion zsh >> ~/.zshrc",
    "pipeline completion fish > ~/.config/fish/completions/pipeline.fish",
    exits=(),
)  # fmt: skip
@click.argument("shell", type=Words(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(session: Session, shell: str) -> int:
    """Print the completion script of a shell."""
    found = get_completion_class(shell) or BashComplete
    made = found(cli, {}, "pipeline", "_PIPELINE_COMPLETE")
    session.console.result(made.source_template % made.source_vars())
    return Exit.OK
