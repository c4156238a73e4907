"""`pipeline demo`: the sample night against an embedded sandbox, twice.

The first run creates orders and holds the faulty ones back; the second sends nothing. Nothing
leaves this machine.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.config import Settings
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.model.stops import StopRun
from pipeline.run import Events, Options, Result, run
from pipeline.sandbox import RunningSandbox, running_sandbox

_NIGHT = Path("samples") / "nightly"
_MAPPINGS = ("orders.yaml", "shipments.yaml")
_EXPECTED = 3  # some rows are faulty: "finished, something was rejected"


class SampleMissing(StopRun):
    """The sample night is not on this machine (exit 2)."""

    exit_code = 2


def main(echo: Callable[[str], None], events: Events, home: Path) -> int:
    """Run the night twice; gives 0 when both runs ended as they should.

    Everything is written under `home` (`.pipeline/demo`), which is emptied first.

    Raises:
        SampleMissing: there is no `samples/nightly` here.
    """
    night = _night()
    shutil.rmtree(home, ignore_errors=True)
    with running_sandbox() as sandbox:
        echo(f"The sample night {night} goes to a sandbox on {sandbox.base_url}.\n")
        results = []
        for title in ("First run: everything is new", "Second run: the same files again"):
            before = len(sandbox.puts())
            result = _run(sandbox, night, home, events)
            results.append((result, len(sandbox.puts()) - before))
            echo(f"{title} ({len(sandbox.puts()) - before} requests, exit {result.exit_code})")
            echo(_indented(_without_path(result.text)))
        stored = len(sandbox.orders())
    (first, sent), (second, again) = results
    echo(f"The sandbox holds {stored} orders. Open the report of the first run in a browser:")
    echo(f"  {first.report}")
    fine = first.exit_code == second.exit_code == _EXPECTED and sent == stored > 0 == again
    if not fine:
        echo("The demo did not end as it should: please report this.")
    return 0 if fine else 1


def _night() -> Path:
    """The sample night of this checkout."""
    for root in (Path(), Path(__file__).parent.parent):
        if (root / _NIGHT / _MAPPINGS[0]).is_file():
            return root / _NIGHT
    raise SampleMissing(
        f"there is no {_NIGHT} here", help="run it inside a checkout of the project"
    )


def _run(sandbox: RunningSandbox, night: Path, home: Path, events: Events) -> Result:
    settings = Settings(
        profile="sandbox",
        endpoint=Endpoint(
            base_url=sandbox.base_url, account=sandbox.account, token=Secret(sandbox.token)
        ),
        pace=Pace(),
        home=home,
        reports=home / "reports",
        ledger=str(home / "ledger.db"),
        timezone="Europe/Berlin",
    )
    mappings = [night / name for name in _MAPPINGS]
    return run(settings, mappings, [str(night)], Options(), events)


def _without_path(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("Report: "))


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
