"""How commands look and are found: sections, examples, exit codes, environment names (CLI §2, §7)."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar

import click

from pipeline.cli.console import silence
from pipeline.cli.exits import MEANINGS, Exit
from pipeline.cli.session import Session
from pipeline.config import KEYS, LOOKS, Key, did_you_mean

F = TypeVar("F", bound=Callable[..., Any])
WIDTH = 96

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Import": ("plan", "run", "resume", "retry", "verify"),
    "Look": ("status", "trace", "report", "open-items", "ledger", "explain", "edi"),
    "Mappings": ("mapping",),
    "Set-up": ("doctor", "config", "sandbox", "demo", "purge", "completion", "help"),
}


class Words(click.Choice[str]):
    """A closed list of words that suggests the one that is meant."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Give the word, or say which ones there are."""
        if str(value) not in self.choices:
            hint = did_you_mean(str(value), self.choices)
            listed = ", ".join(map(str, self.choices))
            self.fail(f"'{value}' is not one of {listed}." + (f" {hint.capitalize()}" if hint else ""),
                      param, ctx)  # fmt: skip
        return super().convert(value, param, ctx)


_UNITS = {"d": "days", "w": "weeks"}


class Age(click.ParamType[timedelta]):
    """A number of days or weeks, such as 90d."""

    name = "age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read it."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([0-9]{1,5})([dw])", str(value).strip())
        if found is None:
            self.fail(f"'{value}' is not an age such as 90d or 12w", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Setting(click.Option):
    """An option that only notes what was given; `config` reads it, like the same key elsewhere."""

    def __init__(self, *args: Any, key: Key, **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, expose_value=False, callback=self._note, **kwargs)
        self.key = key

    def _note(self, ctx: click.Context, _param: click.Parameter, value: object) -> None:
        session = ctx.find_object(Session)
        if session is not None and value not in (None, (), False, 0):
            session.overrides[self.key.name] = value

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Add the name of the environment variable."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        return record[0], f"{record[1]} [env: {self.key.variable}]"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def setting(
    name: str,
    *flags: str,
    metavar: str | None = None,
    says: str | None = None,
    hidden: bool = False,
) -> Callable[[F], F]:
    """Declare the option of a key."""
    key = KEYS.get(name) or LOOKS[name]
    kind: dict[str, Any] = {"metavar": metavar or "TEXT"}
    if name == "verbose":
        kind = {"count": True}
    elif key.default is False:
        kind = {"is_flag": True}
    elif key.default == ():
        kind["multiple"] = True

    def add(function: F) -> F:
        declare: Callable[[F], F] = click.option(
            *(flags or (key.flag,)), name, cls=Setting, key=key, help=says or _sentence(key.says),
            hidden=hidden, **kind,
        )  # fmt: skip
        return declare(function)

    return add


_GLOBAL: tuple[tuple[Any, ...], ...] = (
    ("config", ("-c", "--config"), "FILE", None),
    ("profile", ("--profile",), "NAME", "Section [profile.NAME] to use; default sandbox."),
    ("quiet", ("-q", "--quiet"), None, None),
    ("verbose", ("-v", "--verbose"), None, None),
    ("json", ("--json",), None, None),
    ("log_format", ("--log-format",), "text|json", None),
    ("color", ("--color",), "auto|always|never", None),
)


def global_options(*, hidden: bool) -> Callable[[F], F]:
    """Declare the options that every command takes, before or after its name."""

    def add(function: F) -> F:
        for name, flags, metavar, says in reversed(_GLOBAL):
            function = setting(name, *flags, metavar=metavar, says=says, hidden=hidden)(function)
        return function

    return add


class Verb(click.Command):
    """A command whose help ends with examples and exit codes."""

    examples: Sequence[str] = ()
    exits: Sequence[Exit] = ()
    means: Mapping[Exit, str] = MappingProxyType({})

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write options, examples, exit codes."""
        super().format_options(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text("The options of `pipeline --help` may stand here too.")
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"  {line}\n")
        with formatter.section("Exit codes"):
            formatter.write_dl([
                (str(int(code)), self.means.get(code, MEANINGS[code].says)) for code in self.exits
            ])  # fmt: skip


def verb(
    group: click.Group,
    name: str,
    *examples: str,
    exits: Sequence[Exit] = (),
    means: Mapping[Exit, str] = MappingProxyType({}),
) -> Callable[[Callable[..., int]], click.Command]:
    """Make a function a command of `group`; it returns its exit code.

    `means` says what codes mean for a command that imports nothing; they are among its `exits`.
    """

    def make(function: Callable[..., int]) -> click.Command:
        command = click.command(name, cls=Verb)(global_options(hidden=True)(function))
        command.short_help = (function.__doc__ or "").strip().partition("\n")[0]
        command.examples = examples
        command.exits = sorted({Exit.OK, *exits, *means, Exit.INTERNAL, Exit.USAGE})
        command.means = means
        group.add_command(command)
        return command

    return make


class Nouns(click.Group):
    """A group such as `mapping`: plain, with the width of the rest."""


class Reports(Nouns):
    """The group `report`: what is none of its commands is the run whose report is built."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in the command that people leave out; a typo of another one is no run."""
        first = args[0] if args else ""
        known = (*self.commands, *ctx.help_option_names)
        if first not in known and not did_you_mean(first, self.commands):
            args = ["build", *args]
        return super().parse_args(ctx, args)


class Root(click.Group):
    """The command `pipeline`: sections in its help, and one place where every error ends."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section."""
        width = max(len(name) for names in SECTIONS.values() for name in names)
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([
                    (name.ljust(width), command.get_short_help_str(WIDTH))
                    for name in names
                    if (command := self.get_command(ctx, name)) is not None
                ])  # fmt: skip

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT002 - click's own signature
        **extra: Any,  # noqa: ANN401 - click's own
    ) -> int:
        """Run a command; with `standalone_mode` the process exits with its code."""
        arguments = list(sys.argv[1:] if args is None else args)
        session = Session(arguments=tuple(arguments))
        session.parsed_json_flag()
        try:
            code = super().main(
                arguments, prog_name or "pipeline", complete_var, standalone_mode=False,
                obj=session, **extra,
            )  # fmt: skip
        except SystemExit as left:  # click: the reader of a help text has gone
            silence(sys.stdout)
            code = 0 if left.code == 1 else left.code
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one to see it
            code = session.fail(error)
        code = int(code) if isinstance(code, int) else 0
        if standalone_mode:
            _flush()
            sys.exit(code)
        return code


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            silence(stream)
