"""open-items list and close: the orders that wait to arrive."""

import click

from pipeline.cli.exits import Exit
from pipeline.cli.progress import events_for
from pipeline.cli.root import open_items_group
from pipeline.cli.session import Session
from pipeline.cli.shape import verb
from pipeline.model.rules import RULES


@verb(
    open_items_group, "list",
    "pipeline open-items list",
    "pipeline open-items list --profile prod --json",
    "pipeline -q open-items list --profile prod | grep R301",
    means={
        Exit.OK: "listed, also where there is none",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "bad option or configuration",
        Exit.LEDGER: "the ledger cannot be read",
    },
)  # fmt: skip
@click.pass_obj
def list_(session: Session) -> int:
    """List the orders that a run held back or saw refused, and that have not arrived since.

    The oldest stand first: order, since when, in how many runs it was missing, last known cause.
    """
    loaded = session.load()
    from pipeline import run as way

    items = way.open_items(loaded.settings)
    console = session.console
    if console.look.json:
        shown = [
            {
                "order_number": item.order_number,
                "since": item.opened_at.isoformat(),
                "runs": item.runs,
                "code": item.code,
                "opened_run": item.opened_run,
                "last_run": item.last_run,
            }
            for item in items
        ]
        console.json_result(Exit.OK, {"open_items": shown})
        return Exit.OK
    if not items:
        console.result("no open items")
        return Exit.OK
    width = max(len(item.order_number) for item in items)
    runs = max(len(f"{item.runs:,}") for item in items)
    console.result(
        "\n".join(
            f"{item.order_number:<{width}}  {item.opened_at.astimezone(console.zone):%Y-%m-%d}"
            f"  {item.runs:>{runs},} run{' ' if item.runs == 1 else 's'}  {item.code}"
            f"  {RULES[item.code].title if item.code in RULES else ''}".rstrip()
            for item in items
        )
    )
    return Exit.OK


@verb(
    open_items_group, "close",
    "pipeline open-items close WH-4000013 --reason 'cancelled by phone'",
    "pipeline open-items close WH-4000013 WH-4000014 --reason 'sold in the shop' --profile prod",
    "pipeline open-items close WH-4000013 --reason test --json",
    means={
        Exit.OK: "all of them are closed",
        Exit.INTERNAL: "a bug",
        Exit.USAGE: "bad option or configuration, one of them is no open item, or the reason is empty; nothing was closed",
        Exit.LOCKED: "a run is at work; try again when it has ended",
        Exit.LEDGER: "the ledger cannot be written",
    },
)  # fmt: skip
@click.argument("order_numbers", nargs=-1, required=True, metavar="NR...")
@click.option("--reason", required=True, metavar="TEXT", help="Why the orders need not arrive.")
@click.pass_obj
def close(session: Session, order_numbers: tuple[str, ...], reason: str) -> int:
    """Close open items by hand: these orders need not arrive.

    The next report lists them as resolved, with the reason. All are closed or none. An order that is
    missing in a later run again becomes a new open item.
    """
    loaded = session.load()
    from pipeline import run as way

    console = session.console
    with events_for(console, approve=True) as events:
        closed = way.close_open_items(loaded.settings, order_numbers, reason, events)
    if console.look.json:
        console.json_result(Exit.OK, {"closed": closed})
    else:
        console.result(f"{closed:,} open item{'' if closed == 1 else 's'} closed")
    return Exit.OK
