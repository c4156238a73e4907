"""verify: read orders back, and say what is not as it was told."""

import click

from pipeline.cli.console import described
from pipeline.cli.exits import Exit
from pipeline.cli.progress import events_for
from pipeline.cli.root import cli
from pipeline.cli.session import Session
from pipeline.cli.shape import setting, verb
from pipeline.config import Credentials


@verb(
    cli, "verify",
    "pipeline verify",
    "pipeline verify 2026-11-20T0205-wms --sample 5%",
    "pipeline verify .pipeline/plans/7f3a --sample 1% --rate 5 --profile prod",
    exits=(Exit.LOCKED, Exit.LEDGER),
    means={
        Exit.OK: "what was read back is as it was told, or no order arrived in the run",
        Exit.USAGE: "bad option or configuration, no such run; nothing was read",
        Exit.UNFINISHED: "stopped early or some orders could not be read; what was read is as it was told",
        Exit.AUTH: "the API refused the token; stopped at once",
        Exit.MISMATCH: "an order is missing in parcelLab, or a field is not as it was told",
        Exit.INTERRUPTED: "Ctrl-C: what was read so far is kept",
        Exit.TERMINATED: "SIGTERM: what was read so far is kept",
    },
)  # fmt: skip
@setting("sample", metavar="SHARE")
@setting("rate", metavar="N")
@setting("concurrency", metavar="N")
@setting("report_dir", metavar="DIR")
@setting("pii", metavar="mask|show|none")
@click.option(
    "--forget", is_flag=True,
    help="Let the next import of orders that are not as they were told send them again.",
)  # fmt: skip
@click.argument("name", required=False, metavar="[RUN | PLAN]")
@click.pass_obj
def verify(session: Session, name: str | None, *, forget: bool) -> int:
    """Read orders back from parcelLab and compare with what was sent.

    RUN is the id of a run or the folder of a plan that was sent; without it the last run in which
    orders arrived. Each field is compared with what the order was told last, also by another run. Only
    GET is used: nothing is ever changed by it. The report of the run is made again with what was found.
    """
    loaded = session.load(Credentials.REQUIRED)
    from pipeline import run as way

    share = loaded.values["sample"]
    with events_for(session.console, approve=True) as events:
        result = way.verify(
            loaded.settings, name, share if isinstance(share, float) else 1.0, events,
            pii=str(loaded.values["pii"]), forget=forget,
        )  # fmt: skip
    console = session.console
    if result.stopped is not None:
        console.error(result.stopped)
    if console.look.json:
        stopped = None if result.stopped is None else described(result.stopped)
        fields = {k: v for k, v in result.summary.items() if k != "exit"}
        console.json_result(result.exit_code, {**fields, "stopped": stopped})
    else:
        console.result(result.text)
    return result.exit_code
