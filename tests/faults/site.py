"""A warehouse for the fault tools: files whose content is known, and the real command over them.

Every version of the input changes every order, adds a line to some (an operation that must not be
repeated) and leaves one order faulty, so that a report always has something to name; with
`partial_ok` a finished run still ends with 0.
"""

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click.testing import CliRunner

from pipeline.cli.app import cli
from pipeline.sandbox import RunningSandbox
from tests.databases import running_server
from tests.faults.planted import planted
from tests.faults.verifier import Held, Planned, Report, RunClaim, Verdict, Version, verify

ROOT = Path(__file__).parents[2]

ORDERS_YAML = """\
version: 1
name: orders
source:
  files: "orders*.csv"
  delimiter: ";"
  columns: {qty: integer}
rows: {key: no}
order:
  order_number: no
  destination_country_iso3: country
  recipient_email: mail
  recipient_name: {from: name}
lines:
  fields: {line_item_id: {template: "{no}-{pos}"}, sku: sku, quantity: qty}
mutations:
  - type: change_line_item_quantity
    when: "cut IS NOT NULL"
    fields: {line_item_id: {template: "{no}-{pos}"}, quantity: {from: cut}}
  - type: add_line_item
    when: "gift IS NOT NULL"
    fields: {line_item: {line_item_id: {template: "{no}-{gift}"}, sku: gift, quantity: qty}}
"""
PARCELS_YAML = """\
version: 1
name: parcels
mode: update_only
source: {files: "parcels*.csv", delimiter: ";"}
rows: {key: no}
order: {order_number: no}
trackings:
  key: [parcel, carrier]
  fields: {tracking_number: parcel, courier: carrier}
"""
_HEADER = "no;pos;sku;qty;country;mail;name;cut;gift\n"
FAULTY = "FAULTY"
DATABASE = "a postgresql:// URL instead of SQLite in a folder; `postgresql` starts a server"
IMPORT = ("run", "-m", "inbox/orders.yaml", "-m", "inbox/parcels.yaml", "inbox")


@dataclass
class Site:
    """A folder with an inbox, a ledger and reports, and the sandbox that its orders go to.

    Attributes:
        folder: made when it is not there.
        sandbox: running in this process; the command runs in others.
        orders: how many valid ones each version has; one more is faulty.
        concurrency: requests in flight.
        ledger: a PostgreSQL URL; None for SQLite in the folder.
        pace: more keys of pipeline.toml, such as `attempts`.
        bug: name of a planted bug (`tests.faults.planted`); the fault tools must find it.
    """

    folder: Path
    sandbox: RunningSandbox
    orders: int = 60
    concurrency: int = 4
    ledger: str | None = None
    pace: Mapping[str, object] = field(default_factory=dict)
    bug: str | None = None
    _versions: list[str] = field(
        init=False, default_factory=list
    )  # the sha256 of each version's orders.csv
    _plans: list[dict[str, Version]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.inbox.mkdir(parents=True, exist_ok=True)
        (self.inbox / "orders.yaml").write_text(ORDERS_YAML, encoding="utf-8")
        (self.inbox / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
        # What a dead process has claimed is free again after the lease: not two minutes later here.
        lease = {} if self.ledger is None else {"deadline_s": 3, "lease_s": 6}
        late = {"late_s": 1}  # what this server stores late is there after half a second
        pace = {"concurrency": self.concurrency, "partial_ok": True, **late, **lease, **self.pace}
        lines = [f"{key} = {json.dumps(value)}" for key, value in pace.items()]
        profile = ["[profile.sandbox]", f'base_url = "{self.sandbox.base_url}"']
        config = "\n".join([*lines, *profile, ""])
        (self.folder / "pipeline.toml").write_text(config, encoding="utf-8")

    # --- the input ------------------------------------------------------------------------------

    @property
    def inbox(self) -> Path:
        """Where the files lie."""
        return self.folder / "inbox"

    @property
    def home(self) -> Path:
        """Ledger, plans and run folders."""
        return self.folder / ".pipeline"

    @property
    def reports(self) -> Path:
        """Reports of all runs."""
        return self.folder / "reports"

    def write(self) -> int:
        """Put the next version of the files into the inbox; gives its number, from 0."""
        number = len(self._versions)
        rows, parcels, plan = [_HEADER], ["no;parcel;carrier\n"], {}
        for n in range(self.orders):
            order, name = f"A{n}", f"Jo Doe {number}"
            cut, gift = "1" if n % 7 == 0 else "", f"G{number}" if n % 5 == 0 else ""
            rows.append(f"{order};1;SKU;2;DE;jo@example.com;{name};{cut};{gift}\n")
            lines = {f"{order}-1": 1 if cut else 2} | ({f"{order}-{gift}": 2} if gift else {})
            if n % 2 == 0:
                parcels.append(f"{order};P{n};dhl-germany\n")
            trackings = frozenset({f"P{n}"} if n % 2 == 0 else ())
            plan[order] = Version({"recipient_name": name}, lines, trackings)
        rows.append(f"{FAULTY};1;SKU;2;Narnia;jo@example.com;Jo;;\n")
        text = "".join(rows)
        self._place("orders.csv", text)
        self._place("parcels.csv", "".join(parcels))
        self._versions.append(hashlib.sha256(text.encode()).hexdigest())
        self._plans.append(plan)
        return number

    def _place(self, name: str, text: str) -> None:
        beside = self.inbox / f".{name}"
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.inbox / name)

    @property
    def planned(self) -> Planned:
        """What the input asks for, all versions so far."""
        numbers = self._plans[-1]
        return Planned(
            {number: [plan[number] for plan in self._plans] for number in numbers},
            frozenset({FAULTY}),
            rows=self.orders + 1 + (self.orders + 1) // 2,
        )

    # --- the command ----------------------------------------------------------------------------

    def start(
        self, *verb: str, wrap: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start the command (by default the import of the inbox) in a process of its own."""
        door = ["pipeline"] if self.bug is None else ["tests.faults.planted", self.bug]
        command = [*wrap, sys.executable, "-m", *door, "--json", *(verb or IMPORT)]
        # The program under test is the one beside this file, wherever the tool was started.
        here = {name: value for name, value in os.environ.items() if name != "PIPELINE_LEDGER"}  # noqa: TID251
        here |= {"PYTHONPATH": str(ROOT)}
        here |= {} if self.ledger is None else {"PIPELINE_LEDGER": self.ledger}
        return subprocess.Popen(
            command, cwd=self.folder, env=here | dict(environment or {}), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *verb: str, timeout_s: float = 600.0) -> "Ended":
        """Run the command to its end."""
        return ended(self.start(*verb), timeout_s)

    # --- what is said and what is there -----------------------------------------------------------

    def held(self) -> Held:
        """What the sandbox has."""
        return Held.by(self.sandbox)

    def claims(self) -> list[RunClaim]:
        """What the ledger says of each run over this site, oldest first."""
        runs: dict[str, tuple[str, str, dict[str, str]]] = {}
        for run, state, files, number, outcome in self._rows():
            runs.setdefault(run, (state, files, {}))
            if number is not None:
                runs[run][2][number] = outcome
        return [
            RunClaim(run, version, state, outcomes)
            for run, (state, files, outcomes) in runs.items()
            if (version := self._version_of(json.loads(files))) is not None
        ]

    def _version_of(self, files: Sequence[Mapping[str, Any]]) -> int | None:
        for file in files:
            if file["sha256"] in self._versions:
                return self._versions.index(file["sha256"])
        return None

    def _rows(self) -> list[Any]:
        if self.ledger is not None:
            return _ledger_rows(self.ledger, self.sandbox.base_url)
        path = self.home / "ledger.db"
        if not path.exists():
            return []
        with tempfile.TemporaryDirectory() as place:
            return _ledger_rows(f"sqlite:///{_copied(path, Path(place))}", self.sandbox.base_url)

    def integrity(self) -> str:
        """What SQLite says of the ledger, on a copy, so that looking changes nothing."""
        if self.ledger is not None or not (self.home / "ledger.db").exists():
            return "ok"
        with tempfile.TemporaryDirectory() as place:
            copy = _copied(self.home / "ledger.db", Path(place))
            with closing(sqlite3.connect(copy)) as connection:
                if not connection.execute(_TABLES).fetchone()[0]:
                    return "it has no tables"
                return str(connection.execute("PRAGMA integrity_check").fetchone()[0])

    def report(self, run: str) -> Report | None:
        """The report of a run; None where it has none.

        Raises:
            ValueError: half a report: a file that is there and not whole (FAULTS P13).
        """
        folder = self.reports / run
        summary = folder / "summary.json"
        if not summary.exists():
            return None
        rejections = folder / "rejections.jsonl.gz"
        named = set()
        if rejections.exists():
            lines = gzip.decompress(rejections.read_bytes()).splitlines()
            named = {json.loads(line)["order_number"] for line in lines}
        return Report(
            run, json.loads(summary.read_bytes()), frozenset(each for each in named if each)
        )

    def halves(self) -> list[str]:
        """Files of reports that are there and not whole (FAULTS P13)."""
        found = []
        for path in sorted(self.reports.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                try:
                    _whole(path)
                except (ValueError, OSError, EOFError) as error:
                    found.append(f"{path.relative_to(self.folder)}: {error}")
        return found

    def verdict(
        self, exit_code: int | None = None, redundant_max: int = 0, *, since: int = 0
    ) -> Verdict:
        """Judge all of it as it is now; what the server asked to wait only from a request on.

        A person who runs the command again may do so before a wait of the last run has ended.
        """
        held, runs = self.held(), self.claims()
        report = self.report(runs[-1].run) if runs and exit_code is not None else None
        return verify(
            self.planned, replace(held, requests=held.requests[since:]), runs, report,
            exit_code=exit_code,
            redundant_max=redundant_max, concurrency=self.concurrency,
        )  # fmt: skip

    def empty(self) -> None:
        """Forget the ledger, all runs and all reports; the sandbox is emptied too."""
        for folder in (self.home, self.reports):
            shutil.rmtree(folder, ignore_errors=True)
        self.sandbox.reset()


@dataclass
class Trial:
    """A site whose command runs in this process, with or without a bug.

    `said` is what it printed last, log and results.
    """

    site: Site
    said: str = ""

    def command(self, *verb: str, bug: str | None = None) -> int:
        """Run the command; gives its exit code."""
        before = Path.cwd()
        os.chdir(self.site.folder)
        try:
            with planted(bug) if bug else nullcontext():
                ended = CliRunner().invoke(cli, [*(verb or IMPORT)])
                self.said = ended.output
                return ended.exit_code
        finally:
            os.chdir(before)

    def judged(self, *verb: str, bug: str | None = None) -> Verdict:
        """Run the command and judge what came of it."""
        return self.site.verdict(self.command(*verb, bug=bug))


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line a person sees."""
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else ""


def ended(process: subprocess.Popen[str], timeout_s: float) -> Ended:
    """Wait for a command; one that does not end is killed, and that is an error.

    Raises:
        subprocess.TimeoutExpired: it did not end.
    """
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, out, err)


@contextmanager
def ledger_at(database: str | None) -> Iterator[str | None]:
    """Give the URL of a ledger on a server; `postgresql` alone starts a server of its own."""
    if database != "postgresql":
        yield database
        return
    with running_server() as server:
        yield server.url(schema=server.new_schema())


def _whole(path: Path) -> None:
    text = path.read_bytes()
    if path.suffix == ".json":
        json.loads(text)
    elif path.suffix == ".gz":
        gzip.decompress(text)
    elif path.suffix == ".html" and not text.rstrip().endswith(b"</html>"):
        raise ValueError("it has no end")


_TABLES = "SELECT count(*) FROM sqlite_master WHERE name = 'run_order'"
_QUERY = sa.text(
    "SELECT run.id, run.state, run.files, run_order.order_number, run_order.outcome"
    " FROM run JOIN endpoint ON endpoint.id = run.endpoint"
    " LEFT JOIN run_order ON run_order.run = run.seq AND run_order.version = 0"
    " WHERE endpoint.base_url = :url ORDER BY run.seq"
)


def _ledger_rows(url: str, base_url: str) -> list[Any]:
    """Runs and orders as the tables have them, of SQLite or PostgreSQL."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    try:
        if not sa.inspect(engine).has_table("run_order"):  # nothing is claimed there
            return []
        with engine.connect() as connection:
            return list(connection.execute(_QUERY, {"url": base_url}))
    finally:
        engine.dispose()


def _copied(path: Path, place: Path) -> Path:
    """Copy a SQLite database that nobody writes; its journal belongs to it."""
    for end in ("", "-wal"):
        part = path.with_name(path.name + end)
        if part.exists():
            shutil.copy(part, place / part.name)
    return place / path.name
