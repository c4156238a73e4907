"""docs/cli.md: the help of every command, as the program prints it.

Write it anew from the top of the checkout with

    python -m pipeline.cli.page > docs/cli.md
"""

import sys
from collections.abc import Iterator

import click

from pipeline.cli.app import cli
from pipeline.cli.shape import WIDTH
from pipeline.cli.topics import TOPICS

_INTRODUCTION = """\
# Command line

This page is made from the program (`python -m pipeline.cli.page > docs/cli.md`); change the texts
there, not here. Results go to stdout, progress and log to stderr; `--json` prints one JSON object,
also for errors. Exit codes and environment variables are at the end; the codes of messages are in
[codes.md](codes.md), the configuration file in [configuration.md](configuration.md).

**Times.** What people read (lines of the log, `status`, reports, the names of runs) is in the
`timezone` of the configuration. What programs read (`--json`, `--log-format json`, `summary.json`,
`run.log`, the ledger) is in UTC. Wherever the zone could be in doubt the offset stands beside it.
"""


def root_context() -> click.Context:
    """Give the context in which the command itself would run."""
    settings = {**cli.context_settings, "terminal_width": WIDTH}
    return click.Context(cli, info_name="pipeline", **settings)


def commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Give a context for a command and for everything below it."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                inner = click.Context(below, info_name=name, parent=context)
                yield from commands(below, inner)


def help_page() -> str:
    """Give the page of all commands."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _INTRODUCTION.splitlines()
    for context in commands(cli, root_context()):
        yield from ("", f"## {context.command_path}", "", "```")
        yield from context.get_help().splitlines()
        yield "```"
    for name, topic in TOPICS.items():
        yield from ("", f"## pipeline help {name}", "", "```")
        yield from topic().rstrip().splitlines()
        yield "```"


if __name__ == "__main__":
    sys.stdout.write(help_page())
