"""edi show, edi split: an EDI file as a tree, and taken apart."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.exits import Exit, name_of
from pipeline.cli.root import edi_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Words, verb
from pipeline.config import BadConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.cli.tree import Layout, Part
    from pipeline.read.edi.batches import Reading
    from pipeline.read.edi.show import Tally
    from pipeline.run.edi_parts import Parts


@verb(
    edi_group, "show",
    "pipeline edi show night.edi",
    "pipeline edi show night.edi --problems",
    "pipeline edi show night.edi --message 3 --mask",
    means={
        Exit.OK: "nothing of what is shown is rejected",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "a bad option, or no such message",
        Exit.PARTIAL: "a message, or something around the messages, is rejected",
        Exit.INPUT: "the file is not there, cannot be read, or is no EDI",
    },
)  # fmt: skip
@click.option("--message", "wanted", metavar="N|REF",
              help="Only the N-th message of the file, or those with this control reference (ST02, UNH).")  # fmt: skip
@click.option(
    "--segments", is_flag=True, help="The segments as a flat list, without tree and names."
)
@click.option("--no-names", is_flag=True, help="Leave out what segments and elements are called.")
@click.option(
    "--problems",
    is_flag=True,
    help="Only segments with a finding, and the envelopes and levels around them.",
)
@click.option("--mask", is_flag=True,
              help="Hide names, addresses, phone numbers and e-mail (N1-N4, PER, G61, NM1, NAD, CTA, COM).")  # fmt: skip
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def show(
    session: Session, file: Path, wanted: str | None, segments: bool, no_names: bool,
    problems: bool, mask: bool,
) -> int:  # fmt: skip
    """Show an EDI file as a tree, with its findings.

    FILE is X12 or EDIFACT, of any message type; messages that `pipeline` knows are checked segment
    by segment. No mapping and no configuration is needed, and nothing is sent. Each segment has its
    line, its number in the file, and what its elements are called; its findings stand below it. On
    a terminal long segments are cut to its width.

    What only a run knows is not among the findings: who may send what (E121 to E124), references
    used before (E114), and what mappings read (E208, E307, E308). `pipeline plan` finds these.

    Values are shown as they are. --mask hides people, but free text may still name some.
    """
    from pipeline.cli import tree
    from pipeline.read.edi.batches import open_edi
    from pipeline.read.edi.show import Tally, choose, entries

    reading = open_edi(file, str(file))
    envelopes = reading.envelopes
    only = None
    if wanted is not None:
        only = choose(envelopes, wanted)
        if not only:
            raise BadConfig(
                f"{file} has no message {wanted}",
                help=f"it has {envelopes.messages.height:,}; name one by its number from 1, "
                "or by its control reference",
                code="C101",
            )
    tally = Tally()
    found = entries(reading, tally, only=only, mask=mask)
    layout = _layout(reading, flat=segments, names=not no_names, problems_only=problems)
    console = session.console
    if console.look.json:
        console.parts(_json_parts(file, tree.as_json(found, layout), tally))
    else:
        console.parts(tree.as_text(found, layout))
        if problems and not tally.codes:
            console.parts(tree.no_problems(tally))
        types = tree.names_of(tally, (each.syntax for each in envelopes.interchanges))
        console.parts(tree.summary_text(tally, types))
    return _verdict(tally)


def _layout(reading: "Reading", *, flat: bool, names: bool, problems_only: bool) -> "Layout":
    from pipeline.cli.tree import Layout

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    envelopes = reading.envelopes
    lines = [each.end_line for each in envelopes.interchanges]
    lines += envelopes.messages.get_column("line").to_list()[-1:]
    digits = max(4, len(str(max(lines)))), max(3, len(str(envelopes.segments)))
    return Layout(width, digits, flat, names, problems_only)


def _json_parts(file: Path, parts: "Iterator[Part]", tally: "Tally") -> "Iterator[Part]":
    from pipeline.cli.tree import summary_object

    yield f'{{"file": {json.dumps(str(file))}, "tree": ', ""
    yield from parts
    code = _verdict(tally)
    rest = {"summary": summary_object(tally), "exit": {"code": int(code), "name": name_of(code)}}
    yield f", {json.dumps(rest)[1:]}\n", ""


def _verdict(tally: "Tally") -> Exit:
    return Exit.PARTIAL if tally.errors or tally.rejected else Exit.OK


@verb(
    edi_group, "split",
    "pipeline edi split night.edi --into parts",
    "pipeline edi split night.edi --into parts --by type",
    "pipeline --json edi split night.edi --into parts --by partner",
    means={
        Exit.OK: "everything of the file is in the parts",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "a bad option, or a part exists already; nothing was written",
        Exit.PARTIAL: "the parts are written, and something was left out",
        Exit.INPUT: "the file is not there, cannot be read, or is no EDI",
        Exit.LEDGER: "the disk is full or cannot be written to",
    },
)  # fmt: skip
@click.option("--into", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Folder for the parts; it is made if it is not there.")  # fmt: skip
@click.option("--by", type=Words(["interchange", "group", "message", "type", "partner"]),
              default="message", show_default=True,
              help="What becomes a file of its own; a partner is a pair of sender and receiver.")  # fmt: skip
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def split(session: Session, file: Path, into: Path, by: str) -> int:
    """Take an EDI file apart into files with complete envelopes.

    Messages stay as they are, byte for byte; headers are copied, trailers count what is in the
    part. Nothing is written over, and either all files appear or none.

    An interchange or group that is not whole is left out, because its parts would look whole; what
    is left out is named on stderr. All parts of an interchange keep its control reference, so
    import them with --accept-duplicates: the second one is a reference used before (E114).
    """
    from pipeline.read.edi.batches import open_edi
    from pipeline.read.edi.parts import BYTES, By
    from pipeline.run.edi_parts import take_apart

    parts = take_apart(open_edi(file, str(file), encoding=BYTES), into, By(by))
    code = Exit.PARTIAL if parts.left_out else Exit.OK
    console = session.console
    for each in parts.left_out:
        why = f"{each.why}{f' [{each.code}]' if each.code else ''}"
        console.warn(f"{file}:{each.line} segment {each.segment}: {each.what} left out, {why}")
    if console.look.json:
        console.json_result(code, {
            "file": file,
            "written": [
                {"file": part.path, "interchanges": part.interchanges, "messages": part.messages,
                 "bytes": part.size}
                for part in parts.written
            ],
            "left_out": [asdict(each) for each in parts.left_out],
        })  # fmt: skip
        return code
    console.parts(_listed(parts))
    return code


def _listed(parts: "Parts") -> "Iterator[Part]":
    from pipeline.cli.tree import counted

    width = max((len(str(part.path)) for part in parts.written), default=0)
    for part in parts.written:
        types = ", ".join(f"{number:,} × {kind}" for kind, number in sorted(part.messages.items()))
        yield f"{part.path!s:<{width}}  {types or 'TA1'}, {part.size:,} bytes\n", ""
    messages = sum(part.messages.total() for part in parts.written)
    yield f"{counted(len(parts.written), 'file')}, {counted(messages, 'message')}", "1"
    yield f"; {len(parts.left_out):,} left out\n" if parts.left_out else "\n", ""
