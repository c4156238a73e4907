"""ledger check, stats, export, purge: looking after the ledger."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import ledger_group
from pipeline.cli.session import Session
from pipeline.cli.shape import verb

if TYPE_CHECKING:
    from pipeline.ledger import Inspection


@verb(
    ledger_group, "check",
    "pipeline ledger check",
    "pipeline ledger check --profile prod --json",
    "pipeline ledger check --seal 3f0c...",
    means={
        Exit.OK: "nothing is wrong with what was checked",
        Exit.USAGE: "bad option or configuration, or there is no ledger",
        Exit.LEDGER: "the ledger is damaged or was changed by another hand, or cannot be read",
    },
)  # fmt: skip
@click.option(
    "--seal", metavar="HEX", help="A seal that an earlier check printed; it must still be there."
)
@click.pass_obj
def check(session: Session, seal: str | None) -> int:
    """Look for damage in the ledger, trusting nothing.

    The database checks its file; then the tables are held against each other, against the seals of runs
    that are over, and against the folders of runs. Nothing is written, and a run may be at work: what
    cannot be judged then is named. All of the ledger is read: about half a minute per million orders.
    """
    loaded = session.load()
    from pipeline import run as way

    found = way.check_ledger(loaded.settings, seal)
    code = Exit.LEDGER if found.complaints else Exit.OK
    console = session.console
    if console.look.json:
        console.json_result(code, asdict(found))
    else:
        console.result(_check_words(found))
    return code


def _check_words(found: "Inspection") -> str:
    lines = [f"ok    {name}" for name in found.made if not _of(found, name)]
    lines += [f"skip  {name}: {why}" for name, why in found.left_out.items()]
    for each in found.complaints:
        lines.append(f"FAIL  {each.check}: {each.what}")
        lines += [f"        where  {each.where}"] if each.where else []
        lines.append(f"        fix    {each.fix}")
    lines += [f"note  {each}" for each in found.notes]
    if found.seal is not None:
        lines.append(
            f"{found.sealed:,} of {found.runs:,} runs are sealed; the last seal is {found.seal}"
        )
    lines.append(
        f"{len(found.complaints):,} complaints" if found.complaints else "the ledger is in order"
    )
    return "\n".join(lines)


def _of(found: "Inspection", name: str) -> bool:
    return any(each.check == name for each in found.complaints)
