"""A warehouse in a folder, a sandbox on loopback, and one function that imports."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest

from pipeline.config import Settings
from pipeline.ledger import Ledger
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.run import Options, Result, plan, resume, retry, run, run_plan, verifying
from pipeline.sandbox import FaultSchedule, RunningSandbox, running_sandbox
from tests.databases import Database

SCHEMA = Path(__file__).parents[1] / "contract" / "openapi" / "order-api.openapi.json"
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
HEADER = "no;pos;sku;qty;country;mail;name;cut\n"


def order_row(number: str, pos: int = 1, **cells: object) -> str:
    """One line of an order file; cells may be overridden by name."""
    row = {"no": number, "pos": pos, "sku": f"SKU-{pos}", "qty": 2, "country": "DE",
           "mail": "jo@example.com", "name": "Jo Doe", "cut": ""} | cells  # fmt: skip
    return ";".join(str(row[name]) for name in HEADER.strip().split(";")) + "\n"


@dataclass
class Told:
    """Events that a run told, and the answer to its question."""

    agree: bool = True
    events: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    on_send: Callable[[int], None] | None = None

    def stage(
        self, name: str, done: int, total: int | None, note: str = "",  # noqa: ARG002
        so_far: Mapping[str, int] | None = None,  # noqa: ARG002
    ) -> None:  # fmt: skip
        if name == "send" and self.on_send is not None:
            self.on_send(done)

    def say(self, level: str, event: str, **fields: object) -> None:
        self.events.append((level, event, fields))

    def confirm(self, question: str, expected: str) -> bool:  # noqa: ARG002
        self.questions.append(question)
        return self.agree


@dataclass
class Warehouse:
    """A folder with mappings and files, and the settings of runs over it."""

    folder: Path
    sandbox: RunningSandbox
    settings: Settings
    told: Told = field(default_factory=Told)

    def orders(self, *rows: str, name: str = "orders.csv") -> None:
        (self.folder / name).write_text(HEADER + "".join(rows), encoding="utf-8")

    def parcels(self, *rows: tuple[str, str, str]) -> None:
        text = "no;parcel;carrier\n" + "".join(";".join(row) + "\n" for row in rows)
        (self.folder / "parcels.csv").write_text(text, encoding="utf-8")

    @property
    def mappings(self) -> list[Path]:
        return sorted(self.folder.glob("*.yaml"))

    def run(self, **options: object) -> Result:
        return run(
            self.settings, self.mappings, [str(self.folder)], self._options(options), self.told
        )

    def plan(self, **options: object) -> Result:
        return plan(
            self.settings, self.mappings, [str(self.folder)], self._options(options), self.told
        )

    def run_files(self, *inputs: str) -> Result:
        return run(self.settings, self.mappings, inputs, Options(), self.told)

    def plan_to(self, out: Path, *inputs: str) -> Result:
        files = inputs or [str(self.folder)]
        return plan(self.settings, self.mappings, files, Options(), self.told, out=out)

    def resume_says(self) -> str:
        """What is said when there is nothing to resume, which is no failure."""
        told = self.resume()
        assert (told.exit_code, told.run_id, told.report) == (0, "", None)
        return told.text

    def run_plan(self, path: Path, **options: object) -> Result:
        return run_plan(self.settings, path, self._options(options), self.told)

    def resume(self, run_id: str | None = None, **options: object) -> Result:
        return resume(self.settings, run_id, self._options(options), self.told)

    def retry(self, *files: Path, mapping: Path | None = None, **options: object) -> Result:
        named = [] if mapping is None else [mapping]
        return retry(self.settings, files, named, self._options(options), self.told)

    def corrected(self, result: Result) -> dict[str, Path]:
        """The files to correct beside a report, by name."""
        assert result.report is not None
        return {path.name: path for path in (result.report.parent / "rejected").glob("*")}

    def open_items(self) -> dict[str, str]:
        """Open orders with their codes."""
        with Ledger.read(self.settings.ledger, clock=lambda: datetime.now(UTC)) as ledger:  # noqa: TID251
            return {item.order_number: item.code for item in ledger.open_items(1)}

    def paced(self, **pace: object) -> None:
        """Change the pace of the runs to come."""
        self.settings = replace(self.settings, pace=replace(self.settings.pace, **pace))  # type: ignore[arg-type]

    def rejections(self, result: Result) -> Sequence[dict[str, object]]:
        import gzip

        assert result.report is not None
        packed = result.report.with_name("rejections.jsonl.gz").read_bytes()
        return [json.loads(line) for line in gzip.decompress(packed).splitlines()]

    @staticmethod
    def _options(options: dict[str, object]) -> Options:
        return Options(**options)  # type: ignore[arg-type]


def validator() -> jsonschema_rs.Validator:
    """Judges bodies of PUT by the published schema."""
    document = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema = {
        "$ref": "#/components/schemas/PatchedOrderRequest",
        "components": document["components"],
    }
    made: jsonschema_rs.Validator = jsonschema_rs.validator_for(schema)
    return made


@pytest.fixture(autouse=True)
def _looks_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "PAUSE_S", 0.0)


@pytest.fixture(scope="session")
def published() -> jsonschema_rs.Validator:
    return validator()


@pytest.fixture(scope="session")
def one_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(
    one_sandbox: RunningSandbox, published: jsonschema_rs.Validator
) -> Iterator[RunningSandbox]:
    """An empty sandbox; in the end every body that was sent is judged by the published schema."""
    running = one_sandbox
    running.play(FaultSchedule())
    running.reset()
    yield running
    for put in running.puts():
        errors = [
            f"{e.instance_path}: {e.message}" for e in published.iter_errors(json.loads(put.body))
        ]
        assert not errors, f"{put.order_number}: {errors}"
    assert running.violations() == []


@pytest.fixture
def warehouse(tmp_path: Path, sandbox: RunningSandbox, database: Database) -> Warehouse:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "orders.yaml").write_text(ORDERS_YAML, encoding="utf-8")
    home = tmp_path / "home"
    endpoint = Endpoint(
        base_url=sandbox.base_url, account=sandbox.account, token=Secret(sandbox.token)
    )
    # whoever goes on after a killed process waits for the end of its lease
    pace = Pace(late_s=0.0)
    if database.kind != "sqlite":
        pace = replace(pace, deadline_s=2.5, lease_s=5.0)
    settings = Settings(
        profile="sandbox", endpoint=endpoint, pace=pace, home=home, reports=tmp_path / "reports",
        timezone="UTC",
        ledger=str(home / "ledger.db") if database.kind == "sqlite" else database.location,
    )  # fmt: skip
    return Warehouse(folder, sandbox, settings)


NOTHING_OPEN = "nothing to resume: no run of profile sandbox is unfinished\n"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
