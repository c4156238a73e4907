"""A run that is stopped before sending: its report, the ledger, and what may still be done."""

import os
import time
from dataclasses import replace

import pytest

from pipeline.ledger import Ledger, RunState
from pipeline.model.stops import SourceUnusable
from pipeline.run import GUARD_ORDERS, PlanElsewhere, RunUnknown, report, status
from pipeline.run.clock import clock
from tests.run.conftest import NOTHING_OPEN, Warehouse, order_row
from tests.run.test_import import outcomes


def half_faulty(warehouse: Warehouse, number: int = 4) -> None:
    warehouse.orders(
        *(order_row(f"A{n}", country="DE" if n % 2 else "Germany") for n in range(number))
    )


def test_the_default_reject_rate_leaves_small_runs_alone_and_a_set_one_does_not(
    warehouse: Warehouse,
) -> None:
    half_faulty(warehouse)
    assert GUARD_ORDERS == 20
    assert warehouse.run(max_reject_rate=0.2, reject_rate_from=1).exit_code == 7
    assert warehouse.run(max_reject_rate=0.5, reject_rate_from=1).exit_code == 3  # not more than
    half_faulty(warehouse, 20)
    assert warehouse.run().exit_code == 7


def test_a_guard_stop_has_a_report_and_a_place_in_the_ledger(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("B1"))
    before = warehouse.run()
    half_faulty(warehouse)

    stopped = warehouse.run(reject_rate_from=1)

    assert (stopped.exit_code, len(warehouse.sandbox.puts())) == (7, 1)
    assert stopped.text.startswith(
        "STOPPED BEFORE SENDING: Nothing was sent: 2 of 4 orders were ready, 2 held back.\n"
        "  stopped: 2 of 4 orders (50%) would be held back, at most 20% are allowed\n"
    )
    assert outcomes(stopped.summary) == {
        "seen": 4, "held_back": 2, "ready": 2, "not_attempted": 2, "missing": 4,
    }  # fmt: skip
    assert stopped.summary["balances"] is True
    # the causes are those of the rows, not that nothing was tried
    causes = stopped.summary["causes"]
    assert isinstance(causes, list)
    assert [cause["code"] for cause in causes] == ["R203"]
    assert stopped.report is not None
    page = stopped.report.read_bytes()
    assert report(warehouse.settings, None, "mask", warehouse.told) == stopped.report
    assert stopped.report.read_bytes() == page

    told = status(warehouse.settings)
    assert told["exit"] == {"code": 7, "name": "guard"}
    runs = told["runs"]
    assert isinstance(runs, list)
    assert [(each["id"], each["state"]) for each in runs] == [
        (stopped.run_id, "not_sent"), (before.run_id, "finished"),
    ]  # fmt: skip
    assert runs[0]["continue_with"] is None
    assert "would be held back" in runs[0]["reason"]
    with Ledger.read(warehouse.settings.ledger, clock=clock) as ledger:
        assert ledger.open_items(1) == []


@pytest.mark.thorough
def test_the_end_of_a_stopped_run_says_what_now_and_not_to_retry_its_rows_alone(
    warehouse: Warehouse,
) -> None:
    half_faulty(warehouse)
    stopped = warehouse.run(reject_rate_from=1)
    assert "Correct 2 rows" not in stopped.text
    said = (
        "What now: the report says why; raise --max-reject-rate to send the rest\n"
        "  not `pipeline retry`: it sends the corrected rows only, and not the 2 orders that were ready\n"
    )
    assert said in stopped.text
    assert stopped.report is not None
    page = stopped.report.read_text(encoding="utf-8")
    assert "What now: the report says why" in page
    assert "not the 2 orders that were ready" in page
    assert "Correct the cells, save as CSV" not in page
    assert report(warehouse.settings, None, "mask", warehouse.told) == stopped.report
    assert stopped.report.read_text(encoding="utf-8") == page

    [rows] = warehouse.corrected(stopped).values()
    rows.write_text(rows.read_text(encoding="utf-8").replace(";Germany;", ";DE;"), encoding="utf-8")
    retried = warehouse.retry(rows)
    assert (retried.exit_code, outcomes(retried.summary)["created"]) == (0, 2)
    waiting = "that run sent nothing, 2 more orders of it wait for `pipeline run`"
    assert f"2 rows in 1 file, {waiting}." in retried.text
    warned = [str(f["text"]) for level, _, f in warehouse.told.events if level == "warning"]
    assert f"run {stopped.run_id}: {waiting}" in warned

    assert outcomes(warehouse.run(max_reject_rate=None).summary)["created"] == 2
    assert "more order" not in warehouse.retry(rows).text  # they have come since


def test_nothing_of_a_stopped_run_is_ever_sent(warehouse: Warehouse) -> None:
    half_faulty(warehouse)
    stopped = warehouse.run(reject_rate_from=1)

    assert warehouse.resume_says() == NOTHING_OPEN
    with pytest.raises(RunUnknown, match="was stopped before sending"):
        warehouse.resume(stopped.run_id)
    kept = {path.name for path in (warehouse.settings.home / "runs" / stopped.run_id).iterdir()}
    assert not kept & {"prepared", "snapshots", "planned", "spool"}

    # the same command begins anew, and its guard is asked again
    assert warehouse.run(reject_rate_from=1).exit_code == 7
    sent = warehouse.run()
    assert sent.exit_code == 3
    assert outcomes(sent.summary)["created"] == 2
    assert warehouse.sandbox.violations() == []


def test_a_plan_that_a_guard_stops_can_be_sent_later(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    plan = warehouse.plan().plan
    assert plan is not None

    stopped = warehouse.run_plan(plan, max_orders=1)
    assert (stopped.exit_code, warehouse.sandbox.puts()) == (7, [])
    assert stopped.report is not None
    assert stopped.report.is_file()

    sent = warehouse.run_plan(plan)
    assert (sent.exit_code, outcomes(sent.summary)["created"]) == (0, 2)


def test_the_same_command_does_not_take_up_a_stopped_run(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.told.agree = False
    assert warehouse.run(backfill=True).exit_code == 7
    warehouse.told.agree = True
    with Ledger.read(warehouse.settings.ledger, clock=clock) as ledger:
        [record] = ledger.runs(9)
        assert record.state is RunState.NOT_SENT
        assert ledger.unfinished(record.endpoint, record.fingerprint) is None
        assert ledger.last_sent() is None
    assert warehouse.run(backfill=True).exit_code == 0


def test_unusable_input_shows_in_the_status(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()

    with pytest.raises(SourceUnusable):
        warehouse.run_files(str(warehouse.folder / "tomorrow.csv"))

    told = status(warehouse.settings)
    assert told["exit"] == {"code": 4, "name": "input"}
    runs = told["runs"]
    assert isinstance(runs, list)
    assert runs[0]["state"] == "not_sent"
    assert "tomorrow.csv does not exist" in runs[0]["reason"]
    with pytest.raises(RunUnknown, match="was stopped before its files were read"):
        report(warehouse.settings, None, "mask", warehouse.told)
    assert report(warehouse.settings, runs[1]["id"], "mask", warehouse.told).is_file()
    # a plan that was made before it is as good as it was
    assert warehouse.run().exit_code == 0


def test_a_plan_goes_only_where_it_was_made_for(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    plan = warehouse.plan().plan
    assert plan is not None
    there = warehouse.settings
    warehouse.settings = replace(there, profile="prod")

    with pytest.raises(PlanElsewhere) as refused:
        warehouse.run_plan(plan)

    assert refused.value.exit_code == 2
    assert f"{plan} was made for profile sandbox (account 1618 at" in refused.value.message
    assert "this is profile prod" in refused.value.message
    assert f"send it with `pipeline run {plan} --profile sandbox`" in refused.value.help
    other = replace(there.endpoint, base_url="http://127.0.0.1:9")
    warehouse.settings = replace(there, endpoint=other)
    with pytest.raises(PlanElsewhere, match=r"at http://127\.0\.0\.1:9"):
        warehouse.run_plan(plan)
    assert warehouse.sandbox.puts() == []


def test_a_plan_is_said_to_start_as_a_run_is(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    plan = warehouse.plan().plan
    assert plan is not None
    warehouse.told.events.clear()

    sent = warehouse.run_plan(plan)

    [fields] = [fields for _, event, fields in warehouse.told.events if event == "start"]
    assert fields == {
        "run": sent.run_id, "plan": str(plan), "profile": "sandbox", "account": 1618, "files": 1,
    }  # fmt: skip


@pytest.mark.thorough
def test_a_file_that_is_still_written_is_not_read(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.orders(order_row("A1"))
    path = warehouse.folder / "orders.csv"
    waited: list[float] = []

    def another_row(seconds: float) -> None:
        waited.append(seconds)
        with path.open("a", encoding="utf-8") as file:
            file.write(order_row("A2"))

    monkeypatch.setattr(time, "sleep", another_row)
    assert warehouse.run().exit_code == 0
    assert waited == []  # it waits only when it is told to

    warehouse.settings = replace(warehouse.settings, stable_s=5.0)
    with pytest.raises(SourceUnusable, match="is still being written"):
        warehouse.run()
    assert len(waited) == 1
    assert 0 < waited[0] <= 5
    long_ago = time.time() - 60
    os.utime(path, (long_ago, long_ago))
    assert warehouse.run().exit_code == 0
    assert len(waited) == 1
