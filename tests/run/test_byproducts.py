"""What a run can do without fails, again and again, and the run ends all the same."""

import json
import shutil
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from pipeline.model.stops import StopRun
from pipeline.run import Result, report, status
from pipeline.run.folder import RunFolder
from pipeline.sandbox import FaultSchedule
from tests.run.conftest import NOTHING_OPEN, Warehouse, order_row
from tests.run.test_notices import subscribe
from tests.unit.notify.servers import mail_server

CANARY = "canary of a cell"


def bug(*_args: object, **_options: object) -> NoReturn:
    """A mistake of the program that comes again each time, with a cell in its words."""
    raise IndexError(CANARY)


def warnings(warehouse: Warehouse) -> str:
    return "\n".join(
        str(fields.get("text")) for level, _, fields in warehouse.told.events if level == "warning"
    )


def log(warehouse: Warehouse, result: Result) -> str:
    return (warehouse.settings.home / "runs" / result.run_id / "run.log").read_text()


@pytest.fixture
def faulty(warehouse: Warehouse) -> Warehouse:
    warehouse.orders(order_row("A1"), order_row("A2", country="Nowhere"))
    return warehouse


BROKEN = {
    "pipeline.run.corrected.affected": "report build",
    "pipeline.run.corrected._put": "report build",
    "pipeline.report.index.missed_nights": "report index",
}


@pytest.mark.thorough
@pytest.mark.parametrize("broken", BROKEN)
def test_a_run_ends_whatever_byproduct_fails(
    faulty: Warehouse, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(broken, bug)

    result = faulty.run()

    assert result.exit_code == 3
    assert result.report is not None
    assert "1 of 2 orders" in result.report.read_text()
    assert faulty.resume_says() == NOTHING_OPEN
    assert status(faulty.settings)["exit"] == {"code": 3, "name": "partial"}
    assert "internal error IndexError in test_byproducts.py:" in warnings(faulty)
    assert f"pipeline {BROKEN[broken]}" in warnings(faulty)
    assert CANARY not in warnings(faulty)


def test_the_traceback_stands_in_the_log_without_the_words_of_the_error(
    faulty: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.run.corrected._put", bug)
    result = faulty.run()
    (told,) = [
        json.loads(line)
        for line in log(faulty, result).splitlines()
        if json.loads(line)["event"] == "traceback"
    ]
    assert told["of"] == "the rows to correct of orders.csv"
    assert "corrected.py" in told["frames"]
    assert "in bug" in told["frames"]
    assert CANARY not in log(faulty, result)


def test_the_rows_to_correct_are_made_later(
    faulty: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("pipeline.run.corrected._put", bug)
        result = faulty.run()
        folder = RunFolder(faulty.settings.home / "runs" / result.run_id)
        assert faulty.corrected(result) == {}
        faulty.run()  # which sweeps what finished runs have left
        assert (folder.path / "snapshots").is_dir()

    page = report(faulty.settings, result.run_id, "mask", faulty.told)

    (path,) = faulty.corrected(result).values()
    assert "A2" in path.read_text()
    assert path.name in page.read_text()
    assert not (folder.path / "snapshots").exists()
    assert folder.facts()["owed"] == []


def test_what_is_still_broken_stays_owed(
    faulty: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.run.corrected._put", bug)
    result = faulty.run()
    faulty.told.events.clear()
    page = report(faulty.settings, result.run_id, "mask", faulty.told)
    assert "1 of 2 orders" in page.read_text()
    assert f"pipeline report build {result.run_id}" in warnings(faulty)
    assert (faulty.settings.home / "runs" / result.run_id / "snapshots").is_dir()


def test_a_place_where_rows_cannot_be_written_keeps_no_run_open(faulty: Warehouse) -> None:
    blocked = threading.Event()

    def block(_done: int) -> None:
        if not blocked.is_set():
            (run,) = (faulty.settings.home / "runs").iterdir()
            (faulty.settings.reports / run.name).mkdir(parents=True)
            (faulty.settings.reports / run.name / "rejected").write_text("somebody's file")
            blocked.set()

    faulty.told.on_send = block
    result = faulty.run()
    assert blocked.is_set()
    assert result.exit_code == 3
    assert "the rows to correct of orders.csv could not be made: cannot write to" in warnings(
        faulty
    )
    assert faulty.resume_says() == NOTHING_OPEN


def test_answers_that_cannot_be_traced_stand_at_the_order(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    refusal = {
        "fault": "http_400_a",
        "order_number": "A2",
        "attr": "recipient_email",
        "detail": "no",
    }
    warehouse.sandbox.play(FaultSchedule.of([refusal]))
    with monkeypatch.context() as broken:
        broken.setattr("pipeline.run.accounts.traced", bug)
        result = warehouse.run(max_reject_rate=None)
        assert result.exit_code == 3
        assert result.summary["balances"] is True
        (record,) = warehouse.rejections(result)
        assert (record["order_number"], record["line"], record["column"]) == ("A2", 3, "")
        report(warehouse.settings, result.run_id, "mask", warehouse.told)
    report(warehouse.settings, result.run_id, "mask", warehouse.told)
    (record,) = warehouse.rejections(result)
    assert record["column"] == "mail"
    assert RunFolder(warehouse.settings.home / "runs" / result.run_id).over


def test_a_letter_that_cannot_be_written_or_sent_is_a_warning(
    faulty: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server() as post:
        subscribe(faulty, post)
        for broken in ("pipeline.run.verdict.lay_out_mail", "pipeline.run.notices.tell"):
            faulty.told.events.clear()
            with monkeypatch.context() as mistake:
                mistake.setattr(broken, bug)
                result = faulty.run()
            assert result.exit_code == 3, broken
            assert f"pipeline report mail {result.run_id}" in warnings(faulty)
            assert '"traceback"' in log(faulty, result)


def test_a_stop_is_not_hidden_by_the_mail_about_it(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server() as post:
        subscribe(warehouse, post)
        monkeypatch.setattr("pipeline.run.notices.tell", bug)
        with pytest.raises(StopRun, match="orders"):
            warehouse.run_files("orders-that-are-not-there.csv")
    assert "the notification could not be made" in warnings(warehouse)


def test_the_report_itself_is_none_of_them(
    faulty: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("pipeline.run.verdict.write_report", bug)
        with pytest.raises(IndexError):
            faulty.run()
    assert faulty.resume().exit_code == 3


def test_a_purge_takes_the_copies_that_were_kept_for_rows_to_correct(
    faulty: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pipeline.run import purge

    shutil.rmtree(tmp_path / "reports", ignore_errors=True)
    monkeypatch.setattr("pipeline.run.corrected._put", bug)
    result = faulty.run()
    purge(faulty.settings, "A2", faulty.told)
    assert not (faulty.settings.home / "runs" / result.run_id / "snapshots").exists()
