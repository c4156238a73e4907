"""The one place where the golden tests touch the product."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import polars as pl

from pipeline.config import Credentials, Settings, load
from pipeline.ledger import Ledger
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.model.origin import SEGMENTS_MAX
from pipeline.model.stops import StopRun
from pipeline.report.facts import RunTables
from pipeline.run import Options, plan, run
from pipeline.run.accounts import planned_tables, run_tables
from pipeline.run.folder import RunFolder
from pipeline.sandbox import FaultSchedule, RunningSandbox, running_sandbox

SAMPLES = Path(__file__).parents[2] / "samples"
NIGHTLY = SAMPLES / "nightly"

Finding = dict[str, Any]

# The orders that a case says exist: made by the product itself, in a run before the one that counts.
_SEED = """\
version: 1
name: seed
source: {files: seed.csv}
order:
  order_number: order
  destination_country_iso3: country
  recipient_email: email
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run found, sent and counted. `findings` are in order of address and code."""

    findings: list[Finding]
    payloads: list[str]
    rows: pl.DataFrame
    orders: pl.DataFrame


class Quiet:
    """Nobody listens; agreeing is a matter of course."""

    def stage(
        self, name: str, done: int, total: int | None, note: str = "",
        so_far: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Say nothing."""

    def say(self, level: str, event: str, **fields: object) -> None:
        """Say nothing."""

    def confirm(self, question: str, expected: str) -> bool:  # noqa: ARG002
        """Agree."""
        return True


_OPTIONS = Options(max_reject_rate=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """The product with a ledger and a home of its own, both empty: enough for what sends nothing."""

    settings: Settings
    options: Options = _OPTIONS

    def configured(self, file: Path) -> Self:
        """Give the product with the partners of a `pipeline.toml`, and in production if it says so.

        `create_only` counts, too.

        Its sandbox profile is taken; endpoint and folders remain those of the test.
        """
        loaded = load(file, None, {}, {}, file.parent, credentials=Credentials.SKIPPED)
        read = loaded.settings
        endpoint = replace(self.settings.endpoint, production=read.endpoint.production)
        settings = replace(self.settings, partners=read.partners, endpoint=endpoint)
        options = replace(self.options, create_only=bool(loaded.values["create_only"]))
        return replace(self, settings=settings, options=options)

    def plan(self, mappings: Sequence[Path], inputs: Sequence[Path]) -> Ran:
        """Prepare and send nothing."""
        folder = self.settings.home / f"plan-{len(list(self.settings.home.glob('plan-*')))}"
        try:
            plan(
                self.settings,
                mappings,
                [str(path) for path in inputs],
                self.options,
                Quiet(),
                out=folder,
            )
        except StopRun as stopped:
            return _stopped(stopped)
        made = RunFolder(folder)
        prepared = made.scan("prepared", {"body": pl.Binary()}).collect()
        bodies = [body.decode() for body in prepared.get_column("body").to_list()]
        return _ran(made, planned_tables(made), bodies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Planner):
    """The same with a sandbox."""

    sandbox: RunningSandbox

    def run(self, mappings: Sequence[Path], inputs: Sequence[Path], *faults: Finding) -> Ran:
        """Prepare and send to the sandbox, which plays the faults."""
        planned = self.plan(mappings, inputs)
        self.sandbox.play(FaultSchedule.of(faults))
        result = run(self.settings, mappings, [str(path) for path in inputs], self.options, Quiet())
        folder = RunFolder(self.settings.home / "runs" / result.run_id)
        with Ledger.read(self.settings.ledger, clock=lambda: datetime.now(UTC)) as ledger:  # noqa: TID251
            tables = run_tables(folder, ledger, result.run_id, "the run ended")
            return _ran(folder, tables, planned.payloads)

    def knows(self, numbers: Sequence[str], beside: Path) -> None:
        """Create these orders, so that the ledger and the sandbox know them."""
        beside.mkdir()
        (beside / "seed.yaml").write_text(_SEED)
        rows = "".join(f"{number},DE,seed@example.com\n" for number in numbers)
        (beside / "seed.csv").write_text("order,country,email\n" + rows)
        run(self.settings, [beside / "seed.yaml"], [str(beside / "seed.csv")], _OPTIONS, Quiet())


@contextmanager
def product(home: Path) -> Iterator[Product]:
    """A product whose state lies under `home`."""
    with running_sandbox() as sandbox:
        settings = _settings(home, sandbox.base_url, sandbox.account, sandbox.token)
        yield Product(settings=settings, sandbox=sandbox)


def _settings(home: Path, base_url: str, account: int, token: str) -> Settings:
    pace = Pace(concurrency=4, connect_s=2, read_s=2, deadline_s=5, attempts=2, order_s=20)
    endpoint = Endpoint(base_url=base_url, account=account, token=Secret(token))
    settings = Settings(
        profile="sandbox", endpoint=endpoint, pace=pace, home=home / "home",
        reports=home / "reports", ledger=str(home / "ledger.db"), timezone="Europe/Berlin",
    )  # fmt: skip
    settings.home.mkdir(parents=True)
    return settings


def run_case(case: Path, home: Path) -> tuple[list[Finding], list[str]]:
    """Run one folder of `samples/` as its files say; gives what it found and what it sent."""
    # a case of several files is its folder: the mapping says which of them it reads
    mapping, source = [case / "mapping.yaml"], [next(case.glob("input.*"), case)]
    agreed = case / "pipeline.toml"
    before = sorted(case.glob("before.*"))
    if not before and not any((case / name).exists() for name in ("ledger.json", "sandbox.json")):
        # nothing is sent, so nobody needs to listen
        planner = Planner(settings=_settings(home, "http://127.0.0.1:9", 1618, "sandbox-token"))
        ran = (planner.configured(agreed) if agreed.exists() else planner).plan(mapping, source)
        return ran.findings, ran.payloads
    with product(home) as plain:
        made = plain.configured(agreed) if agreed.exists() else plain
        if (case / "ledger.json").exists():
            made.knows(json.loads((case / "ledger.json").read_text()), home / "seed")
        for earlier in before:
            made.run(mapping, [earlier])
        if (case / "sandbox.json").exists():
            ran = made.run(mapping, source, *json.loads((case / "sandbox.json").read_text()))
        else:
            ran = made.plan(mapping, source)
    return ran.findings, ran.payloads


def _stopped(reason: StopRun) -> Ran:
    """A run that could not begin found one thing."""
    name, _, line = (reason.place or "").rpartition(":")
    if not line.isdecimal():
        raise reason
    found = {
        "file": name,
        "line": int(line),
        "code": reason.code,
        "column": "",
        "target": "",
        "value": None,
    }
    return Ran([found], [], pl.DataFrame(), pl.DataFrame())


def _ran(folder: RunFolder, tables: RunTables, payloads: list[str]) -> Ran:
    facts = folder.facts()
    names = [file["name"] for file in (*facts["files"], *facts["missing"])]
    table = tables.findings.lazy().collect().select(
        pl.col("_file").replace_strict(list(range(len(names))), names, return_dtype=pl.String)
        .alias("file"), pl.col("_line").alias("line"),
        (pl.col("_segment") & SEGMENTS_MAX).alias("segment"), "code", "column", "target", "value", "detail",
    )  # fmt: skip
    ordered = table.sort("file", "line", "code", "column", nulls_last=False, maintain_order=True)
    return Ran(ordered.to_dicts(), payloads, tables.rows.lazy().collect(), tables.orders)
