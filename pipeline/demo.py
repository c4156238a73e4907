"""`pipeline demo`: the sample night against an embedded sandbox, twice, then a night of EDI.

The first run creates orders and holds the faulty ones back; the second sends nothing. Then a shop's
release to a 3PL (X12 940) creates orders, and the 3PL's answer (X12 945) adds their parcels, but for
the messages that are damaged. Nothing leaves this machine.

What it leaves is a whole installation: `pipeline.toml`, ledger, reports, and the orders of the sandbox.
So the way of a person through the morning can be typed afterwards, and the demo says how.
"""

import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import CONFIG_NAME, Settings, load
from pipeline.model.stops import StopRun
from pipeline.run import Events, Options, Result, run
from pipeline.run.request import typed
from pipeline.sandbox import RunningSandbox, SandboxSettings, running_sandbox

_NIGHT = Path("samples") / "nightly"
_MAPPINGS = ("orders.yaml", "shipments.yaml")
_EDI = Path("samples") / "edi-945-night"
_RELEASE, _ADVICE = ("x12-940.yaml", "release.edi"), ("x12-945.yaml", "advice.edi")
# An order that one cell holds back: a country of one letter, for Austria.
_ORDER, _COLUMN, _CELL, _CORRECT = "LN-200996", "Land", "A", "AT"
_FILE = "auftraege_2026-11-20.rejected.csv"
_CONFIG = """\
# Configuration of the demo. Its runs, its ledger and its reports lie beside this file.
home = "."
report_dir = "reports"
timezone = "{timezone}"

# Where its sandbox listened; started again with the same --port, it is found there.
[profile.sandbox]
base_url = "{base_url}"
"""
_EXPECTED = 3  # some rows are faulty: "finished, something was rejected"


class SampleMissing(StopRun):
    """The sample night is not on this machine (exit 2)."""

    exit_code = 2


def main(echo: Callable[[str], None], events: Events, home: Path, timezone: str) -> int:
    """Run the night twice and the EDI files once; gives 0 when all runs ended as they should.

    Everything is written under `home` (`.pipeline/demo`), which is emptied first. `timezone` is that of
    the log lines that `events` writes: names of runs and reports have the same.

    Raises:
        SampleMissing: there is no `samples/nightly` here.
    """
    root = _root()
    night, edi = root / _NIGHT, root / _EDI
    mappings = [night / name for name in _MAPPINGS]
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    kept = home / "sandbox"
    with running_sandbox(SandboxSettings(data=kept)) as sandbox:
        base_url = sandbox.base_url
        settings = _settings(home, base_url, timezone)
        told = _Teller(sandbox, settings, events, echo)
        echo(
            f"The sample night {night} goes to a sandbox on {base_url}. Times are those of {timezone}.\n"
        )
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
    if not fine or first.report is None:
        echo("The demo did not end as it should: please report this.")
        return 1
    echo(_afterwards(settings, base_url, kept, _here(first.report).parent / "rejected"))
    return 0


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
    settings: Settings
    events: Events
    echo: Callable[[str], None]

    def run(self, title: str, mappings: Sequence[Path], files: Path) -> tuple[Result, int]:
        """Import the files; gives the result and the number of requests."""
        before = len(self.sandbox.puts())
        result = run(self.settings, mappings, [str(files)], Options(), self.events)
        sent = len(self.sandbox.puts()) - before
        self.echo(f"{title} ({sent} requests, exit {result.exit_code})")
        self.echo(_indented(_without_path(result.text)))
        return result, sent


def _settings(home: Path, base_url: str, timezone: str) -> Settings:
    """Write the demo's configuration and read it, as a command would that is typed afterwards."""
    path = _here(home / CONFIG_NAME)
    path.write_text(_CONFIG.format(timezone=timezone, base_url=base_url), encoding="utf-8")
    return load(path, None, {}, {}, Path.cwd()).settings


def _here(path: Path) -> Path:
    """The path as one types it: from the present folder, if it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _afterwards(settings: Settings, base_url: str, kept: Path, rejected: Path) -> str:
    """What to type to correct an order; every line works as it is, in a fresh terminal of this folder."""
    activate = Path(sys.prefix) / "bin" / "activate"
    enter = [f". {shlex.quote(str(_here(activate)))}"] if activate.is_file() else []
    folder = shlex.quote(str(rejected))
    # -i.bak and LC_ALL=C for the sed of macOS: the file is not UTF-8
    edit = f"LC_ALL=C sed -i.bak '/^{_ORDER};/s/;{_CELL};/;{_CORRECT};/' {folder}/{_FILE}"
    steps: list[tuple[str, list[str]]] = [
        ("Start the sandbox again; it has kept its orders:", [
            *enter,
            f"pipeline sandbox --port {base_url.rpartition(':')[2]}"
            f" --data {shlex.quote(str(_here(kept)))} &",
        ]),
        (f'Order {_ORDER} is held back: its {_COLUMN} is "{_CELL}". In {_FILE}\n'
         f"     type {_CORRECT} there and save it, or let this do it:", [edit]),
        ("Send what is right now. All others are still held back:",
         [f"{typed(settings, 'retry')} {folder}/*.rejected.csv"]),
        (f"{_ORDER} is no open item any more:",
         [f"{typed(settings, 'open-items', 'list')} | grep {_ORDER} || echo closed"]),
        ("End the sandbox:", ["kill %pipeline"]),
    ]  # fmt: skip
    lines = ["\nNow correct an order yourself. Paste these lines into a terminal in this folder:"]
    for number, (words, commands) in enumerate(steps, start=1):
        lines += [f"\n  {number}. {words}", *(f"       {command}" for command in commands)]
    return "\n".join(lines)


def _without_path(text: str) -> str:
    # nor what to type next: the demo says it at its end
    left_out = ("Report: ", "Correct ")
    return "\n".join(line for line in text.splitlines() if not line.startswith(left_out))


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
