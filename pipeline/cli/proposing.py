"""mapping init: a first mapping of files, to read and to complete."""

from collections.abc import Sequence
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
    from pipeline.run.drafting import Drafted
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
    "pipeline mapping init orders.csv --timezone Europe/Berlin > orders.yaml",
    "pipeline mapping init new.csv --like mappings/orders.yaml",
    "pipeline mapping init night.edi --message 945 --out 945.yaml",
    means={
        Exit.OK: "a mapping is proposed",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "a bad option, or no such file or message",
        Exit.INPUT: "FILE cannot be read, or has nothing that makes orders",
    },
)  # fmt: skip
@click.option("--like", type=click.Path(path_type=Path, dir_okay=False), metavar="MAPPING",
              help="Take notation, tables and targets of this mapping where FILE has its columns.")  # fmt: skip
@click.option(
    "--key", metavar="COLUMN", help="The column of the order number, if init does not find it."
)
@click.option("--message", metavar="TYPE", help="Of EDI only this message: 945, DESADV.")
@click.option("--timezone", metavar="ZONE", callback=_zone,
              help="Of times in the file, which have no offset; without it they stay comments.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it to FILE, which must not exist.")  # fmt: skip
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.pass_obj
def init(
    session: Session, files: tuple[Path, ...], like: Path | None, key: str | None, message: str | None,
    timezone: str | None, out: Path | None,
) -> int:  # fmt: skip
    """Propose a mapping for an export.

    FILE is delimited text, a workbook, text of fixed width, or EDI. How it is written and which column becomes which field is told from its first rows, with what shows it. What they leave
    open is a comment with the reason: nothing is decided when it runs. Rows of FILE, with invented people and
    numbers, are its tests. Several FILEs with the same columns are looked at together, others get a mapping each.
    Nothing is written over. What it looks at: docs/init.md.

    Of EDI its columns are the elements that have values in FILE, each with how many rows have one and an example, masked where
    it concerns a person. Of a damaged FILE the proposal is from what could be read, and its head says so.
    """
    for path, what in [
        *((each, "file") for each in files),
        *([(like, "mapping file")] if like else []),
    ]:
        if not (session.cwd / path).is_file():
            raise missing_file(what, path, session.cwd)
    edi = _messages(session, files, message, timezone)
    if edi is not None:
        return _told_edi(session, files[0], edi, out)
    from pipeline.run.drafting import draft

    named = [(session.cwd / each, each.name) for each in files]
    other = (session.cwd / like, str(like)) if like is not None else None
    return _told(session, files, draft(named, timezone=timezone, key=key, like=other), out)


def _messages(
    session: Session, files: Sequence[Path], message: str | None, timezone: str | None
) -> "list[Proposal] | None":
    """What is proposed for the messages of an EDI file; None where it is none."""
    from pipeline.run.proposing import NoInterchange, propose

    found = None
    for each in files:
        try:
            found = propose(session.cwd / each, each.name, message=message, timezone=timezone)
        except NoInterchange:
            if message is not None:
                raise
            continue
        if len(files) > 1:
            raise BadConfig(
                f"{each} is EDI, and several files are looked at together only of delimited text",
                help="name one EDI file at a time",
            )
    return found


def _told(
    session: Session, files: Sequence[Path], made: "Sequence[Drafted]", out: Path | None
) -> int:
    """Print or write the mappings of delimited files, with the evidence on stderr."""
    console = session.console
    for each in made:
        for text in each.warnings:
            console.warn(text)
        for text in each.notes:
            console.note(text)
    if out is not None and len(made) > 1:
        raise BadConfig(
            f"the files have {len(made)} different shapes, and a mapping of each does not fit into one file",
            help="write them one by one: " + "; ".join(", ".join(each.files) for each in made),
        )
    if out is not None:
        write_new(session.cwd / out, made[0].text, help="choose another --out")
    if console.look.json:
        told = [
            {
                "files": each.files,
                "mapping": each.text,
                "evidence": each.notes,
                "warnings": each.warnings,
            }
            for each in made
        ]
        console.json_result(Exit.OK, {"file": out, "mappings": told})
    elif out is not None:
        console.result(str(out))
    else:
        console.result("---\n".join(each.text for each in made))
        if len(made) > 1:
            console.note(
                f"{len(files)} files have {len(made)} different shapes: a mapping for each (one for all: docs/mapping.md#sources)"
            )
    return Exit.OK


def _told_edi(session: Session, file: Path, made: "Sequence[Proposal]", out: Path | None) -> int:
    """Print or write the mappings of an EDI file's messages."""
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
