"""The sandbox with most requests faulted: nothing lost, nothing claimed, nothing doubled (G1, G4)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from pipeline.ledger import Ledger
from pipeline.model.endpoint import Pace
from pipeline.model.orders import Operation, Replay
from pipeline.sandbox import FaultRule, FaultSchedule, running_sandbox
from tests.faults.conftest import deliver_all, utc

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.model.orders import Submission
    from pipeline.send import Kind
    from tests.faults.conftest import Wire

STORM = (
    ("http_5xx", 0.08),
    ("reset_early", 0.08),
    ("reset_mid_body", 0.08),
    ("reset_applied", 0.1),
    ("fin_no_answer", 0.08),
    ("cut_answer", 0.08),
    ("http_504_applied", 0.08),
    ("bad_json", 0.08),
    ("empty_200", 0.05),
)


def submission(wire: Wire, number: str, n: int, account: int) -> Submission:
    line = {"line_item_id": "L9", "article_name": "Sock", "quantity": 1}
    operations: list[tuple[Operation, dict[str, Any]]] = []
    if n % 3 == 0:
        added = Operation("add_line_item", "add_line_item|L9", f"id-{n}", Replay.READ_BACK)
        operation_id = f"00000000-0000-5000-8000-{n:012}"
        mutation = {"type": "add_line_item", "operation_id": operation_id, "line_item": line}
        operations.append((added, mutation))
    made: Submission = wire.order(
        number, *operations, account=account, destination_country_iso3="DEU"
    )
    return made


def test_a_storm_loses_nothing_and_doubles_nothing(tmp_path: Path, wire: Wire, kind: Kind) -> None:
    pace = Pace(concurrency=8, deadline_s=3.0, attempts=12)
    dice = random.Random(7)  # noqa: S311

    rules = tuple(
        FaultRule(fault=fault, probability=share, seed=n) for n, (fault, share) in enumerate(STORM)
    )
    with (
        running_sandbox() as sandbox,
        Ledger.open(tmp_path / "s" / "ledger.db", clock=utc) as ledger,
    ):
        sandbox.play(FaultSchedule(rules))
        orders = [submission(wire, f"S{n}", n, sandbox.account) for n in range(90)]
        outcomes = deliver_all(sandbox, ledger, orders, pace=pace, kind=kind, random=dice.random)
        assert set(outcomes.values()) <= {"created", "updated"}, ledger.problems("r")
        assert sandbox.violations() == []
        stored = {each["order_number"]: each for each in sandbox.orders()}
        assert stored.keys() == outcomes.keys()
        lines = [len(stored[f"S{n}"].get("articles_order") or []) for n in range(0, 90, 3)]
        assert set(lines) == {1}
        assert {row["outcome"] for row in ledger.mutations("r").to_dicts()} == {"succeeded"}
