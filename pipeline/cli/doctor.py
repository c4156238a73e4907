"""doctor: look at everything a run needs, before a run needs it."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import click

from pipeline.cli.exits import Exit, worst
from pipeline.cli.root import cli
from pipeline.cli.session import Session
from pipeline.cli.shape import verb
from pipeline.config import Credentials, From, Loaded, Settings, hidden
from pipeline.model.notice import When
from pipeline.model.stops import StopRun

_OK, _WARN, _FAIL = "ok", "warn", "FAIL"
_LITTLE_SPACE = 1 << 30
_NO_SPACE = 100 << 20
_CLOCK_S = 30


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor; `exit` is what a run would end with."""

    state: str
    name: str
    says: str
    help: str = ""
    exit: Exit = Exit.OK


@verb(
    cli, "doctor",
    "pipeline doctor",
    "pipeline doctor --profile prod",
    "pipeline doctor --json",
    exits=(Exit.UNFINISHED, Exit.AUTH, Exit.LOCKED, Exit.LEDGER),
)  # fmt: skip
@click.pass_obj
def doctor(session: Session) -> int:
    """Check config, token, API access, folders, clock, lock. Changes nothing."""
    checks = []
    console = session.console
    for check in _checks(session):
        checks.append(check)
        if not session.console.look.json:
            session.console.result(
                f"{check.state:<4}  {check.name:<8}  {check.says}"
                + (f"\n  help: {check.help}" if check.help else "")
            )
    code = worst(check.exit for check in checks)
    console = session.console
    if console.look.json:
        listed = [
            {"state": c.state.lower(), "name": c.name, "says": c.says, "help": c.help or None}
            for c in checks
        ]
        console.json_result(code, {"checks": listed})
    return code


def _checks(session: Session) -> Iterator[Check]:
    try:
        loaded = session.load()
    except StopRun as error:
        yield _failed("config", error)
        return
    settings = loaded.settings
    file = loaded.path if loaded.path is not None else "no file, defaults only"
    yield Check(_OK, "config", f"{file} [profile.{settings.profile}]")
    token, full = _token(session)
    yield token
    if full is not None:
        yield from _api(full.settings)
    yield from _folders(settings)
    yield from _partners(settings)
    yield from _notices(settings if full is None else full.settings)
    yield from _ledger(settings)


def _failed(name: str, error: StopRun) -> Check:
    place = f" ({error.place})" if error.place else ""
    code = f" [{error.code}]" if error.code else ""
    return Check(_FAIL, name, f"{error.message}{place}{code}", error.help, Exit(error.exit_code))


def _token(session: Session) -> tuple[Check, Loaded | None]:
    try:
        loaded = session.load(Credentials.REQUIRED)
    except StopRun as error:
        return _failed("token", error), None
    endpoint = loaded.settings.endpoint
    origin = loaded.origins["token"]
    source = "the sandbox's own" if origin.kind is From.DEFAULT else f"from {origin}"
    says = f"{source}, account {endpoint.account}"
    end = hidden(endpoint.token.reveal())
    if end.strip("…"):  # of a short token nothing is shown
        says += f", ends {end}"
    return Check(_OK, "token", says), loaded


def _api(settings: Settings) -> Iterator[Check]:
    import asyncio
    from dataclasses import replace

    from pipeline.send.client import OrderClient
    from pipeline.send.reply import NoReply, Reply

    pace = replace(settings.pace, connect_s=5.0, read_s=10.0, deadline_s=15.0)

    async def ask() -> Reply | NoReply:
        async with OrderClient(settings.endpoint, pace) as client:
            # a number with a dot is asked for as a list, which needs no order to exist
            return await client.get("doctor.check")

    try:
        reply = asyncio.run(ask())
    except StopRun as error:
        yield _failed("api", error)
        return
    url = settings.endpoint.base_url
    if isinstance(reply, NoReply):
        local = settings.profile == "sandbox"
        help_text = (
            "start it: pipeline sandbox --data .pipeline/sandbox"
            if local
            else "check network, proxy and base_url"
        )
        yield Check(
            _FAIL, "api", f"{url} does not answer: {reply.words}", help_text, Exit.UNFINISHED
        )
        return
    yield _judged(url, reply)
    if date := reply.headers.get("date"):
        yield _clock(date)


def _judged(url: str, reply: object) -> Check:
    status = getattr(reply, "status", 0)
    if status in (401, 403):
        words = "refuses the token" if status == 401 else "does not open this account to the token"
        return Check(_FAIL, "api", f"{url} {words} ({status})", "renew the token", Exit.AUTH)
    if status != 200:
        said = f"{url} answers with status {status}"
        return Check(_FAIL, "api", said, "is base_url right?", Exit.UNFINISHED)
    return Check(_OK, "api", f"{url} answers and takes the token")


def _clock(date: str) -> Check:
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return Check(_WARN, "clock", "the API's Date header cannot be read")
    apart = (datetime.fromtimestamp(time.time(), UTC) - theirs.astimezone(UTC)).total_seconds()
    if abs(apart) <= _CLOCK_S:
        return Check(_OK, "clock", "agrees with the API's Date header")
    side = "ahead of" if apart > 0 else "behind"
    return Check(_WARN, "clock", f"{abs(apart):.0f} s {side} the API's Date header",
                 "set the clock of this machine (NTP)")  # fmt: skip


def _folders(settings: Settings) -> Iterator[Check]:
    for name, folder in (("state", settings.home), ("reports", settings.reports)):
        there = _nearest(folder)
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield Check(_FAIL, name, f"{folder} cannot be written by this user",
                        "give this user the right to write there", Exit.LEDGER)  # fmt: skip
        else:
            yield Check(_OK, name, f"{folder}{'' if folder.exists() else ' (will be made)'}")
    free = shutil.disk_usage(_nearest(settings.home)).free
    says = f"{free / (1 << 30):,.1f} GiB free for {settings.home}"
    if free < _NO_SPACE:
        yield Check(_FAIL, "space", says, "make room", Exit.LEDGER)
    else:
        yield Check(_WARN if free < _LITTLE_SPACE else _OK, "space", says)


def _notices(settings: Settings) -> Iterator[Check]:
    """Who is told how a run ended; nothing is sent to find out."""
    notify = settings.notify
    if notify is None:
        yield Check(_OK, "notify", "nobody is told how a run ended: there is no section [notify]")
        return
    mail, hook = notify.mail, notify.webhook
    ways = [f"mail over {mail.host}:{mail.port}"] if mail else []
    ways += [f"webhook ({hook.shape})"] if hook else []
    reasons = [route.unusable for route in (mail, hook) if route is not None and route.unusable]
    if reasons and notify.when is not When.NEVER:
        yield Check(_WARN, "notify", "; ".join(reasons), "correct it in [notify]")
        return
    yield Check(_OK, "notify", f"{notify.when} for this profile: {', '.join(ways)}")


def _partners(settings: Settings) -> Iterator[Check]:
    """Whose EDI is taken, with which mappings, and where acknowledgements go."""
    partners = settings.partners
    if not partners:
        yield Check(_OK, "partners", "none in the configuration: EDI of every sender is taken")
        return
    yield Check(_OK, "partners", ", ".join(partner.name for partner in partners))
    for partner in partners:
        for message, path in partner.mappings.items():
            if not Path(path).is_file():
                yield Check(
                    _FAIL, "mapping", f"{path} of partner {partner.name} for {message} does not exist",
                    f"correct mappings in [partner.{partner.name}]", Exit.USAGE,
                )  # fmt: skip
    if any(partner.acks for partner in partners):
        yield _outbox(settings)


def _outbox(settings: Settings) -> Check:
    from pipeline.run.acknowledgements import check_outboxes

    if settings.acks is None:
        return Check(_OK, "acks", "stay in the folders of the runs: the profile has no acks_dir")
    try:
        check_outboxes(settings.acks, settings.partners, settings.profile)
    except StopRun as error:
        return _failed("acks", error)
    return Check(_OK, "acks", f"{settings.acks}")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _ledger(settings: Settings) -> Iterator[Check]:
    from pipeline.ledger import Ledger, LedgerAbsent, LedgerLocked

    def clock() -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    remote = settings.ledger.startswith("postgresql")
    if not remote and not Path(settings.ledger.removeprefix("sqlite:///")).exists():
        yield Check(_OK, "ledger", "none yet; the first run makes it")
        return
    try:
        with Ledger.read(settings.ledger, clock=clock) as ledger:
            runs = ledger.runs(1)
            server, durable = ledger.server()
    except LedgerAbsent:
        yield Check(_OK, "ledger", "none yet; the first run makes it")
        return
    except StopRun as error:
        yield _failed("ledger", error)
        return
    last = f"last run {runs[0].id}" if runs else "no run yet"
    yield Check(_OK, "ledger", f"opens ({server}); {last}" if remote else f"opens; {last}")
    if not durable:
        yield Check(_WARN, "ledger", f"{server} runs with fsync off: a power cut loses what arrived",
                    "set fsync = on in postgresql.conf")  # fmt: skip
    try:
        Ledger.open(settings.ledger, clock=clock).close()
    except LedgerLocked as error:
        yield Check(_WARN, "lock", error.message, error.help, Exit.LOCKED)
    except StopRun as error:
        yield _failed("ledger", error)
    else:
        yield Check(_OK, "lock", "free")
