"""Small runs for the tests of the report: four consistent tables out of a short description."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.model.outcomes import (
    MUTATION_SCHEMA,
    ORDER_SCHEMA,
    REPORTED_FINDING_SCHEMA,
    ROW_SCHEMA,
)
from pipeline.model.tables import SourceFile
from pipeline.report.facts import MappingUsed, RunFacts, RunState, RunTables

BERLIN = ZoneInfo("Europe/Berlin")

Record = dict[str, Any]


@dataclass(slots=True)
class RunBuilder:
    """Adds rows, orders and findings one by one and keeps them consistent."""

    rows: list[Record] = field(default_factory=list)
    orders: list[Record] = field(default_factory=list)
    findings: list[Record] = field(default_factory=list)
    mutations: list[Record] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=lambda: {0: 1, 1: 1})

    def row(self, key: str | None, outcome: str, code: str | None = None, file: int = 0) -> Record:
        """Add one row at the next line of its file."""
        self.lines[file] += 1
        made = {
            "_file": file,
            "_line": self.lines[file],
            "_segment": 0,
            "key": key,
            "order_number": key,
            "outcome": outcome,
            "code": code,
        }
        self.rows.append(made)
        return made

    def finding(self, at: Record, code: str, *, primary: bool = True, **more: object) -> None:
        """Add a finding at the address of a row or order."""
        address = {name: at[name] for name in ("_file", "_line", "_segment", "key", "order_number")}
        self.findings.append({**address, "code": code, "primary": primary, **more})

    def order(
        self,
        number: str,
        outcome: str,
        problems: Sequence[Mapping[str, Any] | None] = (None,),
        *,
        file: int = 0,
        row_outcome: str = "accepted",
        **more: object,
    ) -> Record:
        """Add an order with one row per member of `problems`; None is a row without a problem."""
        faulty = any(problems)
        made = []
        for problem in problems:
            if problem:
                row = self.row(number, "own_problem", str(problem["code"]), file)
                self.finding(row, **problem)
            else:
                outcome_of_row = "held" if faulty else row_outcome
                row = self.row(number, outcome_of_row, "H001" if faulty else None, file)
            made.append(row)
        whole = {
            **{name: made[0][name] for name in ("_file", "_line", "_segment")},
            "key": number,
            "order_number": number,
            "outcome": outcome,
            "known": False,
            "rows": len(made),
            "lines": len(made),
            "quantity": 2 * len(made),
            "value": Decimal("19.90"),
            "currency": "EUR",
            "trackings": 0,
            "attempts": 0 if outcome in ("held_back", "unchanged", "not_attempted") else 1,
            "warnings": 0,
            **more,
        }
        self.orders.append(whole)
        return whole

    def tables(self) -> RunTables:
        return RunTables(
            rows=pl.DataFrame(self.rows, schema=ROW_SCHEMA),
            orders=pl.DataFrame(self.orders, schema=ORDER_SCHEMA),
            mutations=pl.DataFrame(self.mutations, schema=MUTATION_SCHEMA),
            findings=pl.DataFrame(self.findings, schema=REPORTED_FINDING_SCHEMA),
        )

    def records(self) -> dict[int, int]:
        return {file: sum(row["_file"] == file for row in self.rows) for file in (0, 1)}


def facts_of(builder: RunBuilder, **changes: object) -> RunFacts:
    """The facts of a finished nightly run over two files."""
    facts = RunFacts(
        run_id="2026-11-20T0205-wms",
        title="Nightly order import",
        mappings=(MappingUsed("wms.yaml", "4f2c1d"),),
        profile="prod",
        account="1618",
        production=True,
        host="api.parcellab.example",
        started_at=datetime(2026, 11, 20, 2, 5, 1, tzinfo=BERLIN),
        ended_at=datetime(2026, 11, 20, 2, 31, 40, tzinfo=BERLIN),
        zone="Europe/Berlin",
        state=RunState.FINISHED,
        files=(
            SourceFile(0, "orders_2026-11-19_DE.csv", "ab" * 32, 412_334, "wms.yaml"),
            SourceFile(1, "orders_2026-11-19_AT.csv", "cd" * 32, 98_120, "wms.yaml"),
        ),
        records=builder.records(),
        version="0.1.0",
        settings=(("rows.on_error", "hold"), ("rate", "5 orders per second")),
    )
    return replace(facts, **cast("dict[str, Any]", changes))


def all_imported() -> RunBuilder:
    run = RunBuilder()
    for number in range(8):
        run.order(f"WH-{number}", "created" if number % 2 else "updated", (None, None))
    return run


EMPTY_EMAIL: Record = {"code": "R301", "column": "E-Mail", "target": "recipient_email", "value": ""}
BAD_EMAIL: Record = {
    "code": "R310",
    "column": "E-Mail",
    "target": "recipient_email",
    "value": "jana.canary@privat.example",
}
COUNTRY: Record = {
    "code": "R401",
    "column": "Land",
    "target": "destination_country_iso3",
    "value": "D",
    "detail": "countries",
    "mapping": "wms.yaml",
    "mapping_line": 41,
}
PRICE: Record = {
    "code": "R201",
    "column": "VK-Preis",
    "target": "articles_order.unit_price",
    "value": "12,5O",
    "detail": "1.234,56",
}
RAGGED: Record = {"code": "R101", "value": "7", "detail": "9 in the header", "mapping": "wms.yaml"}


def partly_imported() -> RunBuilder:
    """A night like the one of REPORT §4: every kind of outcome occurs."""
    run = RunBuilder()
    for number in range(60):
        run.order(f"WH-40{number:05}", "created", (None, None, None), file=number % 2)
    for number in range(24):
        run.order(f"WH-41{number:05}", "updated", (None, None), known=True, trackings=1)
    for number in range(6):
        run.order(f"WH-42{number:05}", "unchanged", row_outcome="already_done", known=True)
    _faulty(run)
    _answers(run)
    for number in range(4):
        run.order(f"WH-50{number:05}", "nothing_to_send", row_outcome="nothing_to_send")
    run.order("WH-5100000", "superseded", row_outcome="superseded")
    for _ in range(9):
        run.row(None, "filtered")
    run.row("WH-4000001", "duplicate")
    run.orders[1]["rows"] += 1
    run.finding(run.rows[-1], "R319", detail="orders_2026-11-19_DE.csv:5")
    for _ in range(2):
        run.finding(run.row(None, "own_problem", "R101", 1), **RAGGED)
    return run


def _faulty(run: RunBuilder) -> None:
    for number in range(12):
        run.order(f"WH-43{number:05}", "held_back", (EMPTY_EMAIL, None), known=number < 3)
    for number in range(7):
        spelling = {**COUNTRY, "value": "D" if number < 5 else "Deutschl."}
        run.order(f"WH-44{number:05}", "held_back", (spelling, spelling, None), file=1)
    for number in range(5):
        run.order(f"WH-45{number:05}", "held_back", ({**PRICE, "value": f"12,5{'O' * number}x"},))
    for number in range(3):
        run.order(f"WH-46{number:05}", "held_back", (BAD_EMAIL, None))
    run.finding(run.rows[-2], "R205", primary=False, column="Menge", target="quantity", value="two")


def _answers(run: RunBuilder) -> None:
    for number in range(5):
        refused = run.order(f"WH-47{number:05}", "refused", (None, None), status=400)
        run.finding(
            refused,
            "A401",
            column="Region",
            target="shipping_address.region_code",
            value="BAY",
            detail=f'"BAY{number}" is not a valid choice for country DEU.',
            api_status=400,
            api_code="invalid_choice",
            api_attr="shipping_address.region_code",
        )
    for number in range(4):
        partly = run.order(f"WH-48{number:05}", "partly_applied", status=200, trackings=1)
        run.finding(
            partly,
            "A201",
            column="Carrier",
            target=f"mutations.{number}.tracking.courier",
            value="XDP",
            detail="Courier 'XDP' is not set up for this account.",
            api_status=200,
            api_attr=f"mutations.{number}.tracking.courier",
        )
        run.mutations.append(_mutation(f"WH-48{number:05}", "add_tracking", "failed"))
    for number in range(24):
        run.mutations.append(_mutation(f"WH-41{number:05}", "add_tracking", "succeeded"))
    for number in range(2):
        unclear = run.order(f"WH-49{number:05}", "unknown", attempts=3)
        run.finding(unclear, "U001", detail="no answer within 30 s")


def _mutation(number: str, kind: str, outcome: str) -> Record:
    return {"order_number": number, "ordinal": 0, "type": kind, "outcome": outcome}
