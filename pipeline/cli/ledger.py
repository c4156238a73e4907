"""ledger check, stats, export, purge: looking after the ledger."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import ledger_group
from pipeline.cli.session import Session
from pipeline.cli.shape import Age, verb
from pipeline.config import BadConfig, did_you_mean

if TYPE_CHECKING:
    from pipeline.ledger import Inspection, LedgerSize
    from pipeline.run import Thinned


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


_LOOKS_AT = {  # what is right when a check finds nothing
    "journal": "no last commits of a run that was cut off are gone",
    "pages": "the database finds no damage in its file",
    "links": "no row refers to one that is not there",
    "words": "every outcome and state is one of this program's",
    "runs": "a run that is over has an end, a code, and nothing left to send",
    "partitions": "every order is in a part that was planned, and no part is missing",
    "totals": "what the report of a run counted is what its rows count",
    "orders": "what was acknowledged is known, and known as it was acknowledged",
    "items": "open items are as their last entry says",
    "entries": "no entry of the history is gone",
    "chain": "each seal is on top of the one before",
    "seals": "the rows of runs that are over are as they were sealed",
    "folders": "every run that began here is in the ledger",
}


def _check_words(found: "Inspection") -> str:
    lines = [f"ok    {name:<10}  {_LOOKS_AT[name]}" for name in found.made if not _of(found, name)]
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
    number = len(found.complaints)
    lines.append(
        f"{number:,} complaint{'' if number == 1 else 's'}" if number else "the ledger is in order"
    )
    return "\n".join(lines)


def _of(found: "Inspection", name: str) -> bool:
    return any(each.check == name for each in found.complaints)


@verb(
    ledger_group, "stats",
    "pipeline ledger stats",
    "pipeline ledger stats --profile prod --json",
    "pipeline -q ledger stats | grep known_order",
    means={
        Exit.USAGE: "bad option or configuration, or there is no ledger",
        Exit.LEDGER: "the ledger cannot be read",
    },
)  # fmt: skip
@click.pass_obj
def stats(session: Session) -> int:
    """Count the ledger's rows and bytes, and say how it grows.

    For each table its rows and bytes, for each account its known orders, runs and open items, bytes per
    order, and what the runs of the last 30 days have added.
    """
    loaded = session.load()
    from pipeline import run as way

    found = way.ledger_sizes(loaded.settings)
    console = session.console
    if console.look.json:
        console.json_result(Exit.OK, asdict(found))
    else:
        console.result(_stats_words(found))
    return Exit.OK


def _stats_words(found: "LedgerSize") -> str:
    width = max(len(each.name) for each in found.tables)
    lines = [f"{'table':<{width}}  {'rows':>14}  {'size':>10}"]
    lines += [
        f"{each.name:<{width}}  {each.rows:>14,}  {size_in_words(each.size_bytes):>10}"
        for each in found.tables
    ]
    lines.append(f"{'all':<{width}}  {'':>14}  {size_in_words(found.size_bytes):>10}")
    for each in found.endpoints:
        since = (
            f", first {each.oldest[:10]}, last {each.latest[:10]}"
            if each.oldest and each.latest
            else ""
        )
        lines += [
            "",
            f"{each.base_url} account {each.account}",
            f"  {each.orders_known:,} orders known, {each.open_items:,} open items, {each.runs:,} runs{since}",
        ]
    lines.append("")
    if found.bytes_per_known_order is not None:
        lines.append(f"{found.bytes_per_known_order:,.0f} bytes per known order, which stay")
    if found.bytes_per_sent_order is not None:
        lines.append(
            f"{found.bytes_per_sent_order:,.0f} bytes per order of a run, which `ledger purge` removes"
        )
    if found.growth:
        lines.append("the last 30 days (UTC), by the day on which a run began:")
    lines += [
        f"  {each.day}  {each.runs:>5,} runs  {each.orders:>12,} orders  {each.created:>12,} new"
        f"  {size_in_words(each.size_bytes):>10}"
        for each in found.growth
    ]
    return "\n".join(lines)


def size_in_words(size_bytes: int | None) -> str:
    """Write a size for people.

    >>> size_in_words(999), size_in_words(4096), size_in_words(5_445_455_872), size_in_words(None)
    ('999 B', '4.1 kB', '5.4 GB', '?')
    """
    if size_bytes is None:
        return "?"
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size, unit = size_bytes / 1000, "kB"
    for larger in ("MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:,.1f} {unit}"


@verb(
    ledger_group, "export",
    "pipeline ledger export --out orders.csv",
    "pipeline ledger export --run 2026-11-20T0205-wms --outcome unknown --outcome refused",
    "pipeline ledger export --profile prod --out orders.csv --json",
    means={
        Exit.USAGE: "bad option or configuration, no such run, or the file is there already",
        Exit.LEDGER: "the ledger cannot be read, or the file cannot be written",
    },
)  # fmt: skip
@click.option("--run", "name", metavar="RUN", help="Only the orders of this run.")
@click.option("--outcome", "outcomes", multiple=True, metavar="WORD",
              help="Only orders with this outcome; may be repeated.")  # fmt: skip
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path),
              help="A new file, mode 0600, instead of stdout.")  # fmt: skip
@click.pass_obj
def export(session: Session, name: str | None, outcomes: tuple[str, ...], out: Path | None) -> int:
    """Write what the ledger says of each order as CSV, to compare it with the server.

    Columns: order_number, content_sha256 (of all that the mapping made of the order; after the dot
    the first digits of the hash of its lines), version (0 is the order, 1 and up are
    superseded older versions of it), outcome, status (HTTP), run, updated_at and external_id (of the
    last acknowledgement). One row for each order of each run of the profile's account, oldest run first.
    """
    loaded = session.load()
    _check_outcomes(outcomes)
    from pipeline import run as way

    console = session.console
    if out is not None:
        rows = way.export_to(out, loaded.settings, name, outcomes)
        console.log("INFO", "exported", {"orders": rows})
        console.place("file", out.absolute())
        return Exit.OK
    if console.look.json:
        raise BadConfig(
            "--json needs --out: the CSV itself goes to stdout",
            code="C101",
            help="name a file with --out",
        )
    console.parts((piece, "") for piece in way.exported(loaded.settings, name, outcomes))
    return Exit.OK


def _check_outcomes(outcomes: tuple[str, ...]) -> None:
    from pipeline.model.outcomes import OrderOutcome

    known = [each.value for each in OrderOutcome]
    for word in outcomes:
        if word not in known:
            raise BadConfig(
                f"there is no outcome {word!r}", code="C101", place="--outcome",
                help=did_you_mean(word, known) or f"the outcomes are {', '.join(known)}",
            )  # fmt: skip


@verb(
    ledger_group, "purge",
    "pipeline ledger purge --older-than 400d",
    "pipeline ledger purge --older-than 400d --yes",
    "pipeline ledger purge --older-than 60w --yes --json",
    exits=(Exit.LOCKED,),
    means={
        Exit.USAGE: "bad option or configuration, or there is no ledger",
        Exit.LEDGER: "the ledger cannot be read or written, such as for want of room",
    },
)  # fmt: skip
@click.option("--older-than", type=Age(), required=True, metavar="AGE",
              help="Days or weeks since the end of a run: 400d, 60w.")  # fmt: skip
@click.option("--yes", is_flag=True,
              help="Remove them; without it the command only says what would go.")  # fmt: skip
@click.pass_obj
def purge(session: Session, older_than: timedelta, yes: bool) -> int:
    """Remove the rows of old runs from the ledger.

    What goes: what became of each order in these runs, its attempts, changes and answers. What stays:
    what is known of each order, so that nothing is sent twice; open items; the runs with their figures,
    for the page of all runs. A run keeps its rows while it can be resumed, while an order that is an
    open item was missing in it last, until `report prune` has removed its folder, and while an older
    run of its account keeps its own. The file is written anew, so that nothing of the rows stays in it:
    that takes as much room again for a while.
    """
    loaded = session.load()
    from pipeline import run as way

    found = way.thin_ledger(loaded.settings, older_than, only_look=not yes)
    console = session.console
    if console.look.json:
        console.json_result(Exit.OK, {"removed": yes, **asdict(found)})
    else:
        console.result(_purge_words(found, done=yes))
    return Exit.OK


def _purge_words(found: "Thinned", *, done: bool) -> str:
    verb = "removed" if done else "would be removed"
    lines = [
        f"{verb}: {each.rows:,} rows of run {each.run}, which ended {each.ended_at[:10]}"
        for each in found.gone
    ] or ["nothing that old may go"]
    lines += [f"kept: the rows of run {each.run}: {each.kept}" for each in found.kept]
    if found.gone and not done:
        lines.append("nothing is removed yet: add --yes")
    return "\n".join(lines)
