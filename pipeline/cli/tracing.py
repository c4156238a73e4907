"""trace: the whole history of one order."""

import click

from pipeline.cli.exits import Exit
from pipeline.cli.root import cli
from pipeline.cli.session import Session
from pipeline.cli.shape import verb


@verb(
    cli, "trace",
    "pipeline trace WH-4000013",
    "pipeline trace WH-4000013 --profile prod",
    "pipeline trace WH-4000013 --json",
    means={
        Exit.OK: "the history is printed",
        Exit.USAGE: "bad option or configuration, or no run has seen such an order",
        Exit.LEDGER: "the ledger cannot be read",
    },
)  # fmt: skip
@click.argument("order_number", metavar="ORDER")
@click.pass_obj
def trace(session: Session, order_number: str) -> int:
    """Print the whole history of one order.

    Each run that saw it: rows, mapping, hash of the payload, attempts, answers, changes, what was read
    back; then its open items, what parcelLab has confirmed, and the next step. No value of the order is
    among it. Reads the ledger and the folders of runs only; a run may be at work meanwhile.
    """
    loaded = session.load()
    from pipeline.run.order_history import order_history
    from pipeline.run.order_words import as_document, in_words

    found = order_history(loaded.settings, order_number)
    console = session.console
    if console.look.json:
        console.json_result(Exit.OK, as_document(found))
    else:
        console.result(in_words(found, console.zone))
    return Exit.OK
