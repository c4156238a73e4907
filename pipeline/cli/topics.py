"""help: topics that belong to no single command, and the help of every command."""

from collections.abc import Callable, Iterator, Mapping

import click

from pipeline.cli.exits import MEANINGS, PRECEDENCE, Exit, name_of
from pipeline.cli.root import cli
from pipeline.cli.session import Session
from pipeline.cli.shape import verb
from pipeline.config import FOREIGN_VARIABLES, KEYS, LOOKS, did_you_mean

_LANGUAGE = """\
A mapping is a YAML file that says how one export becomes orders.

  version, name, description, mode        mode: create_or_update (default) or update_only
  source     format, files, encoding, delimiter, quote, decimal, thousands, dates, timezone,
             null_values, trim, columns: {Name: integer|decimal|date|datetime|boolean}
  lookups    name: {key: value}, or name: {file: couriers.csv, key: code, value: courier}
  derive     name: VALUE                  new columns, in order
  rows       key, skip: SQL, conflicts: reject|first
  order      field: VALUE                 shipping_address: {…}, tags: [VALUE]
  lines      send: on_create|always, when: SQL, fields: {…}
  trackings  key, when: SQL, fields: {…}  one tracking per distinct key
  mutations  - type, when | when_all | when_any: SQL, fields: {…}

A VALUE is a column's name, or one of
  {from: Column}  {value: text}  {template: "{A}-{B}"}  {first_of: [A, B]}
  {sql: "A * B"}  {cases: [{when: SQL, …}, {…}]}
with any of
  do: [strip, bare, upper, lower, digits, collapse, {pad_left: [5, "0"]}, {slice: [0, 40]},
       {replace: ["/", "-"]}, {regex: '^([0-9]+)'}]
  lookup: table   unknown: reject|keep   as: type   format: "%d.%m.%Y"   default: text
  when: SQL   aggregate: sum|first|min|max   on_error: reject|null
The order of work: pick, do, lookup, convert, default.

An order is sent only if all of its rows are fine. Fields of the order must agree on its rows.
`pipeline mapping check MAPPING --sample FILE` finds all mistakes at once; docs/fields.md lists the fields.
"""


def exit_codes() -> str:
    """The topic of exit codes."""
    lines = ["Exit codes. Further ones may be added: not 0 is a failure.", ""]
    for code in Exit:
        meaning = MEANINGS[code]
        lines.append(f"  {int(code):>3}  {name_of(code):<10}  {meaning.says}")
        lines.append(f"{'':19}then: {meaning.then}")
    shown = " ".join(str(int(code)) for code in PRECEDENCE)
    return "\n".join([*lines, "", f"If several apply, the first of: {shown}", ""])


def environment_topic() -> str:
    """The topic of environment variables."""
    return "\n".join(_variables()) + "\n"


def _variables() -> Iterator[str]:
    yield "Every option can be given as an environment variable. An option wins over the"
    yield "environment, that over the profile, that over the file's other keys, that over the default."
    for title, keys in (("Everywhere", LOOKS), ("Settings and commands", KEYS)):
        yield from ("", f"{title}:")
        for key in keys.values():
            yield f"  {key.variable:<26}  {key.says}"
    yield from ("", "Secrets and the terminal:")
    for name, says in FOREIGN_VARIABLES.items():
        yield f"  {name:<26}  {says}"


TOPICS: Mapping[str, Callable[[], str]] = {
    "exit-codes": exit_codes,
    "environment": environment_topic,
    "mapping-language": lambda: _LANGUAGE,
}


@verb(
    cli, "help",
    "pipeline help exit-codes",
    "pipeline help environment",
    "pipeline help mapping check",
    exits=(),
)  # fmt: skip
@click.argument(
    "words", nargs=-1, metavar="[exit-codes | environment | mapping-language | COMMAND]"
)
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> int:
    """Topics (exit-codes, environment, mapping-language) and the help of commands."""
    session = ctx.ensure_object(Session)
    if len(words) == 1 and words[0] in TOPICS:
        session.console.result(TOPICS[words[0]]())
        return Exit.OK
    context = ctx.find_root()
    for word in words:
        group = context.command
        found = group.get_command(context, word) if isinstance(group, click.Group) else None
        if found is None:
            known = [
                *TOPICS,
                *(group.list_commands(context) if isinstance(group, click.Group) else []),
            ]
            hint = did_you_mean(word, known)
            raise click.UsageError(f"No such topic '{word}'." + (f" {hint.capitalize()}" if hint else ""),
                                   ctx)  # fmt: skip
        context = click.Context(found, info_name=word, parent=context, max_content_width=96)
    session.console.result(context.get_help())
    return Exit.OK
