"""mapping init: a first mapping of a file, to read and to complete."""

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import mapping_group
from pipeline.cli.session import Session, write_new
from pipeline.cli.shape import verb
from pipeline.config import BadConfig, missing_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.run.proposing import Proposal


def _zone(_ctx: click.Context, _param: click.Parameter, name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise click.BadParameter(f"'{name}' is no time zone, such as Europe/Berlin.") from None
    return name


@verb(
    mapping_group, "init",
    "pipeline mapping init night.edi",
    "pipeline mapping init night.edi --message 945 --out 945.yaml",
    "pipeline mapping init status.edi --timezone America/New_York > 214.yaml",
    means={
        Exit.OK: "a mapping is proposed",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "a bad option, no such file or message, or FILE is no EDI",
        Exit.INPUT: "FILE cannot be read, or has no message that makes orders",
    },
)  # fmt: skip
@click.option("--message", metavar="TYPE", help="Only this message: 945, DESADV.")
@click.option("--timezone", metavar="ZONE", callback=_zone,
              help="Of times in the file, which have no offset; without it they stay comments.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it to FILE, which must not exist.")  # fmt: skip
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def init(
    session: Session, file: Path, message: str | None, timezone: str | None, out: Path | None
) -> int:
    """Propose a mapping for an EDI file.

    Its columns are the elements that have values in FILE, each with how many rows have one and an
    example, masked where it concerns a person. What the file leaves open is a comment. A message of
    FILE, with invented names and numbers, is its test. Nothing is written over. Of a damaged FILE
    the proposal is from what could be read, and its head says so.
    """
    if not (session.cwd / file).is_file():
        raise missing_file("file", file, session.cwd)
    from pipeline.run.proposing import propose

    made = propose(session.cwd / file, file.name, message=message, timezone=timezone)
    console = session.console
    for each in made:
        if each.damage:
            console.warn(f"{file}: {' '.join(map(str.strip, each.damage))}")
    if out is None:
        if console.look.json:
            told = [
                {"message": each.type, "mapping": each.text, "damage": each.damage} for each in made
            ]
            console.json_result(Exit.OK, {"mappings": told})
        else:
            console.result("---\n".join(each.text for each in made))
            if len(made) > 1:
                console.note(f"{file} has {_types(made)}: take one of them with --message")
        return Exit.OK
    if len(made) > 1:
        raise BadConfig(
            f"{file} has {_types(made)}, and a mapping of each does not fit into one file",
            help="say which one with --message",
        )
    write_new(session.cwd / out, made[0].text, help="choose another --out")
    if console.look.json:
        told_of = {"file": out, "message": made[0].type, "damage": made[0].damage}
        console.json_result(Exit.OK, told_of)
    else:
        console.result(str(out))
    return Exit.OK


def _types(made: "Sequence[Proposal]") -> str:
    return " and ".join(each.type for each in made)
