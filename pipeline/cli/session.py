"""One call of the command: what was given, what was loaded, and how it ends."""

import traceback
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from pipeline.cli.console import Console, crash_file, described
from pipeline.cli.exits import Exit
from pipeline.config import (
    BadConfig,
    Credentials,
    Loaded,
    Look,
    environment,
    load,
    look,
)
from pipeline.model.endpoint import Endpoint
from pipeline.model.notice import Notify
from pipeline.model.stops import StopRun

_MEMORY = "free memory, or import fewer files at a time; then run the same command again"


@dataclass(slots=True)
class Session:
    """Options are collected here by their callbacks; `load` turns them into settings."""

    arguments: tuple[str, ...] = ()
    overrides: dict[str, object] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=environment)
    cwd: Path = field(default_factory=Path.cwd)
    loaded: Loaded | None = None
    _console: Console | None = None
    _told: set[str] = field(default_factory=set)

    @property
    def console(self) -> Console:
        """Where to print, as the options and the environment say."""
        if self._console is None:
            self._console = Console(look(self.overrides, self.environ))
        return self._console

    def load(self, credentials: Credentials = Credentials.SKIPPED) -> Loaded:
        """Read the configuration, say its warnings, and hide the token from every output.

        Raises:
            BadConfig: it cannot be used.
        """
        _ = self.console  # a bad value for the output itself is told first
        config = self.overrides.get("config")
        profile = self.overrides.get("profile")
        self.loaded = load(
            Path(str(config)).expanduser() if config else None,
            str(profile) if profile else None,
            self.overrides,
            self.environ,
            self.cwd,
            credentials=credentials,
        )
        settings = self.loaded.settings
        self._console = Console(self.console.look, settings.timezone)
        for secret in (*_secrets(settings.endpoint), *_secrets_of_notices(settings.notify)):
            self._console.hide(secret)
        for text in self.loaded.warnings:
            if text not in self._told:
                self._console.warn(text)
                self._told.add(text)
        return self.loaded

    # -- the way out ------------------------------------------------------------------------

    def fail(self, error: BaseException) -> int:
        """Print why the command ends and give its exit code; the one place for all errors."""
        console = self._console_for_errors()
        if isinstance(error, click.Abort) and error.__cause__ is not None:
            error = error.__cause__  # click's own word for Ctrl-C has no exit code and no notes
        notes = getattr(error, "__notes__", [])
        if isinstance(error, MemoryError):  # no bug of ours (FAULTS P6)
            error = _OutOfMemory("out of memory", help=_MEMORY)
        if isinstance(error, StopRun):
            console.error(error)
            self._say(console, notes)
            return self._end(console, error.exit_code, described(error), notes)
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            console.note(error.format_message())
            return self._end(console, Exit.USAGE, {"message": "a command is missing"})
        if isinstance(error, click.ClickException):
            return self._usage(console, error)
        if isinstance(error, click.Abort | KeyboardInterrupt):
            console.note("interrupted")
            self._say(console, notes)
            code = getattr(error, "exit_code", Exit.INTERRUPTED)
            return self._end(console, code, {"message": "interrupted"}, notes)
        code = self._crash(console, error, notes)
        self._say(console, notes)
        return code

    def _say(self, console: Console, notes: Sequence[str]) -> None:
        """Print what was added to an error on its way: which run is saved, and how to go on."""
        for note in notes:
            console.note(note)

    def _usage(self, console: Console, error: click.ClickException) -> int:
        context = getattr(error, "ctx", None)
        message = error.format_message()
        hint = f"Try '{context.command_path} --help' for help." if context else ""
        if console.look.log_format == "json":
            console.log("ERROR", "stopped", {"message": message, "help": hint})
        else:
            console.note(f"Error: {message}" + (f"\n{hint}" if hint else ""))
        return self._end(console, Exit.USAGE, {"message": message, "help": hint or None})

    def _crash(self, console: Console, error: BaseException, notes: Sequence[str]) -> int:
        text = console.safe("".join(traceback.format_exception(error)))
        where = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
        place = f" in {Path(where.filename).name}:{where.lineno}" if where else ""
        home = self.loaded.settings.home if self.loaded else self.cwd / ".pipeline"
        kept = crash_file(home / "logs", console.now(), text)
        # the exception's own words may quote a cell, so they stay in the file (FAULTS S10)
        message = f"internal error: {type(error).__name__}{place}; this is a bug of the program"
        help_text = f"details are in {kept}" if kept else "run it again with -vv"
        console.error(StopRun(message, help=help_text))
        if console.look.verbose >= 2:
            console.note(text)
        return self._end(
            console, Exit.INTERNAL, {"message": message, "log": str(kept) if kept else None}, notes
        )

    def _end(
        self, console: Console, code: int, error: Mapping[str, object], notes: Sequence[str] = ()
    ) -> int:
        if console.look.json:
            said = {"notes": list(notes)} if notes else {}
            console.json_result(code, {"error": {**error, **said}})
        return int(code)

    def _console_for_errors(self) -> Console:
        """The console, also when the options that shape it are what is wrong."""
        try:
            return self.console
        except StopRun:
            pass
        return Console(Look(json="--json" in self.arguments))

    def parsed_json_flag(self) -> None:
        """Note `--json` before parsing, so that a mistake in parsing is answered in JSON too."""
        before_dashes = self.arguments[: (*self.arguments, "--").index("--")]
        if "--json" in before_dashes:
            self.overrides["json"] = True


class _OutOfMemory(StopRun):
    """The machine, or what this process may use of it, is too small (exit 11)."""

    exit_code = Exit.LEDGER


def _secrets(endpoint: Endpoint) -> tuple[str, ...]:
    """The token in every form in which it is written."""
    token = endpoint.token.reveal()
    return token, b64encode(f"{endpoint.account}:{token}".encode()).decode()


def _secrets_of_notices(notify: Notify | None) -> tuple[str, ...]:
    """What opens the routes of notifications."""
    if notify is None:
        return ()
    password = notify.mail.password.reveal() if notify.mail else ""
    url = notify.webhook.url.reveal() if notify.webhook else ""
    return password, url


def write_new(path: Path, text: str, *, help: str) -> None:  # noqa: A002 - as in every error of ours
    """Write a file that is not there yet; `help` says what to do where it is.

    Raises:
        BadConfig: it exists, or cannot be written (C114).
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadConfig(f"{path.name} exists already", help=help, code="C114") from None
    except OSError as error:
        raise BadConfig(f"{path.name} cannot be written: {error.strerror}", code="C114") from None
