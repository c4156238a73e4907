"""`pipeline demo`: the sample night against an embedded sandbox, twice, then a night of EDI.

The first run creates orders and holds the faulty ones back; the second sends nothing. Then a shop's
release to a 3PL (X12 940) creates orders, and the 3PL's answer (X12 945) adds their parcels, but for
the messages that are damaged. Nothing leaves this machine.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Settings
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.model.stops import StopRun
from pipeline.run import Events, Options, Result, run
from pipeline.sandbox import RunningSandbox, running_sandbox

_NIGHT = Path("samples") / "nightly"
_MAPPINGS = ("orders.yaml", "shipments.yaml")
_EDI = Path("samples") / "edi-945-night"
_RELEASE, _ADVICE = ("x12-940.yaml", "release.edi"), ("x12-945.yaml", "advice.edi")
_EXPECTED = 3  # some rows are faulty: "finished, something was rejected"


class SampleMissing(StopRun):
    """The sample night is not on this machine (exit 2)."""

    exit_code = 2


def main(echo: Callable[[str], None], events: Events, home: Path) -> int:
    """Run the night twice and the EDI files once; gives 0 when all runs ended as they should.

    Everything is written under `home` (`.pipeline/demo`), which is emptied first.

    Raises:
        SampleMissing: there is no `samples/nightly` here.
    """
    root = _root()
    night, edi = root / _NIGHT, root / _EDI
    mappings = [night / name for name in _MAPPINGS]
    shutil.rmtree(home, ignore_errors=True)
    with running_sandbox() as sandbox:
        told = _Teller(sandbox, home, events, echo)
        echo(f"The sample night {night} goes to a sandbox on {sandbox.base_url}.\n")
        first, sent = told.run("First run: everything is new", mappings, night)
        second, again = told.run("Second run: the same files again", mappings, night)
        stored = len(sandbox.orders())
        echo(f"Then EDI: {edi}, a shop's orders for a 3PL, and what that has sent of them.\n")
        (told_940, released), (told_945, advised) = (
            told.run(title, [root / "mappings" / "edi" / mapping], edi / file)
            for title, (mapping, file) in (
                ("X12 940: the shop releases orders", _RELEASE),
                ("X12 945: the 3PL tells their parcels; some of its messages are damaged", _ADVICE),
            )
        )
        total = len(sandbox.orders())
    echo(
        f"The sandbox holds {total} orders. Open the reports of the first and the last run in a browser:"
    )
    echo(f"  {first.report}")
    echo(f"  {told_945.report}")
    fine = first.exit_code == second.exit_code == _EXPECTED and sent == stored > 0 == again
    fine &= told_940.exit_code == 0 and released == total - stored > 0
    fine &= told_945.exit_code == _EXPECTED and 0 < advised < released
    if not fine:
        echo("The demo did not end as it should: please report this.")
    return 0 if fine else 1


def _root() -> Path:
    """The checkout in which the samples lie."""
    for root in (Path(), Path(__file__).parent.parent):
        if (root / _NIGHT / _MAPPINGS[0]).is_file():
            return root
    raise SampleMissing(
        f"there is no {_NIGHT} here", help="run it inside a checkout of the project"
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Runs against the demo's sandbox and says how they ended."""

    sandbox: RunningSandbox
    home: Path
    events: Events
    echo: Callable[[str], None]

    def run(self, title: str, mappings: Sequence[Path], files: Path) -> tuple[Result, int]:
        """Import the files; gives the result and the number of requests."""
        before = len(self.sandbox.puts())
        result = run(self._settings(), mappings, [str(files)], Options(), self.events)
        sent = len(self.sandbox.puts()) - before
        self.echo(f"{title} ({sent} requests, exit {result.exit_code})")
        self.echo(_indented(_without_path(result.text)))
        return result, sent

    def _settings(self) -> Settings:
        endpoint = Endpoint(
            base_url=self.sandbox.base_url,
            account=self.sandbox.account,
            token=Secret(self.sandbox.token),
        )
        return Settings(
            profile="sandbox",
            endpoint=endpoint,
            pace=Pace(),
            home=self.home,
            reports=self.home / "reports",
            ledger=str(self.home / "ledger.db"),
            timezone="Europe/Berlin",
        )


def _without_path(text: str) -> str:
    # nor what to type next: the sandbox of the demo is gone then
    left_out = ("Report: ", "Correct ")
    return "\n".join(line for line in text.splitlines() if not line.startswith(left_out))


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
