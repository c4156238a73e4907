"""What goes wrong around a run: disks, plans changed by hand, other runs, clocks, clumsy hands."""

import errno
import json
import os
import re
import signal
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipeline.ledger import Ledger, LedgerLocked, LedgerUnusable
from pipeline.model.stops import SourceUnusable
from pipeline.run import PlanStale, RunUnknown, report, status
from pipeline.run.clock import clock
from pipeline.run.folder import DiskUnusable, RunFolder
from pipeline.run.request import LedgerInOrder
from pipeline.run.source import InputsMissing
from tests.run.conftest import NOTHING_OPEN, ORDERS_YAML, PARCELS_YAML, Warehouse, order_row
from tests.run.test_answers import play
from tests.run.test_import import outcomes

Patch = pytest.MonkeyPatch


def runs(warehouse: Warehouse) -> list[Path]:
    return sorted((warehouse.settings.home / "runs").glob("*"))


def warnings(warehouse: Warehouse) -> list[str]:
    return [str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"]


def refused_once(warehouse: Warehouse, *numbers: str, **options: object) -> str:
    """A run that stops before anything is sent, and can be resumed."""
    warehouse.orders(*(order_row(number) for number in numbers))
    play(warehouse, {"fault": "http_401"})
    stopped = warehouse.run(**options)
    play(warehouse)
    assert stopped.exit_code == 6
    return stopped.run_id


# -- disks --------------------------------------------------------------------------------------


def full(*_arguments: object, **_named: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def full_in_rust(*_arguments: object, **_named: object) -> None:
    # what polars raises, word by word
    raise pl.exceptions.ComputeError(
        "parquet: File out of specification: underlying IO error: No space left on device (os error 28)"
    )


def broken_in_rust(*_arguments: object, **_named: object) -> None:
    # the same of a disk that fails: an OSError without a number
    raise OSError("Input/output error (os error 5): /somewhere/part-00000.tmp")


@pytest.mark.parametrize(("where", "how"), [
    ("polars.DataFrame.write_parquet", full_in_rust),
    ("polars.DataFrame.write_parquet", broken_in_rust),
    ("pipeline.run.folder.json.dump", full),
    ("pipeline.run.folder._sync", full),
])  # fmt: skip
def test_a_full_disk_while_preparing_sends_nothing_and_leaves_nothing(
    warehouse: Warehouse, monkeypatch: Patch, where: str, how: Callable[..., None]
) -> None:
    warehouse.orders(order_row("A1"))
    with monkeypatch.context() as patched:
        patched.setattr(where, how)
        with pytest.raises(
            DiskUnusable,
            match=r"^cannot write to .*: (No space left on device|Input/output error)$",
        ) as told:
            warehouse.run()
    assert told.value.exit_code == 11
    assert (warehouse.sandbox.puts(), runs(warehouse)) == ([], [])
    assert warehouse.run().exit_code == 0


@pytest.mark.thorough
def test_a_ledger_that_was_removed_or_put_back_from_before_is_told_of_once(
    warehouse: Warehouse,
) -> None:
    ledger = Path(warehouse.settings.ledger)
    warehouse.orders(order_row("A1"))
    warehouse.run()
    copy = ledger.read_bytes()
    warehouse.orders(order_row("A2"))
    lost = warehouse.run()
    assert warnings(warehouse) == []

    ledger.write_bytes(copy)
    warehouse.plan()
    [said] = warnings(warehouse)
    assert f"does not know run {lost.run_id}: it is a new one or an older copy" in said

    ledger.unlink()
    warehouse.run()
    assert f"does not know run {lost.run_id} and 1 before it" in warnings(warehouse)[1]
    warehouse.run()
    assert len(warnings(warehouse)) == 2


def test_a_ledger_that_takes_nothing_keeps_no_run_and_promises_none(
    warehouse: Warehouse, monkeypatch: Patch
) -> None:
    warehouse.orders(order_row("A1"))

    def closed(*_: object) -> None:
        raise LedgerUnusable("attempt to write a readonly database")

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.ledger.Ledger.begin_run", closed)
        with pytest.raises(LedgerUnusable, match="readonly") as told:
            warehouse.run()
    assert not hasattr(told.value, "__notes__")
    assert warehouse.sandbox.puts() == []


def test_a_full_disk_while_the_report_is_written_keeps_the_run(
    warehouse: Warehouse, monkeypatch: Patch
) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.run.verdict.write_report", full)
        with pytest.raises(DiskUnusable, match="No space left on device") as told:
            warehouse.run()
    assert told.value.exit_code == 11
    [note] = told.value.__notes__
    assert re.fullmatch(
        r"Run (\S+) is saved; 2 orders arrived\. Continue with: pipeline resume \1", note
    )
    assert status(warehouse.settings)["exit"] == {"code": 11, "name": "ledger"}

    resumed = warehouse.resume()

    assert (resumed.exit_code, outcomes(resumed.summary)["created"]) == (0, 2)
    assert len(warehouse.sandbox.puts()) == 2


def test_reports_that_cannot_be_written_are_told_before_anything_is_sent(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"))
    blocked = warehouse.folder.parent / "a-file"
    blocked.write_text("")
    warehouse.settings = replace(warehouse.settings, reports=blocked / "reports")

    with pytest.raises(
        DiskUnusable, match=r"cannot write to .*a-file/reports: Not a directory"
    ) as told:
        warehouse.run()

    assert told.value.exit_code == 11
    assert warehouse.sandbox.puts() == []


def test_a_ledger_that_fails_while_sending_stops_it_and_resume_sends_the_rest(
    warehouse: Warehouse, monkeypatch: Patch
) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(30)))
    warehouse.paced(concurrency=2)
    from pipeline.ledger.journal import Journal

    commit, count = Journal._write_settled, 0

    def fails(journal: Journal, connection: object, settled: object) -> None:
        nonlocal count
        count += 1
        if count == 3:
            full()
        commit(journal, connection, settled)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_write_settled", fails)
        with pytest.raises(LedgerUnusable, match="disk full writing the ledger at") as told:
            warehouse.run()
    assert told.value.exit_code == 11
    assert "Continue with: pipeline resume" in told.value.__notes__[0]
    sent = len(warehouse.sandbox.puts())
    assert sent < 12
    assert status(warehouse.settings)["exit"] == {"code": 5, "name": "unfinished"}

    assert outcomes(warehouse.resume().summary)["arrived"] == 30
    assert len(warehouse.sandbox.puts()) <= 30 + 4


def test_a_bug_after_the_run_began_leaves_it_resumable(
    warehouse: Warehouse, monkeypatch: Patch
) -> None:
    warehouse.orders(order_row("A1"))

    def bug(*_: object, **__: object) -> None:
        raise KeyError("nothing")

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.run.verdict.summarise", bug)
        with pytest.raises(KeyError) as told:
            warehouse.run()
    assert "Continue with: pipeline resume" in told.value.__notes__[0]
    assert status(warehouse.settings)["exit"] == {"code": 1, "name": "internal"}
    assert warehouse.resume().exit_code == 0


# -- plans --------------------------------------------------------------------------------------


def test_a_plan_that_was_changed_by_hand_is_refused(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    plan = warehouse.plan().plan
    assert plan is not None
    part = RunFolder(plan).part("prepared", 0)
    was = part.read_bytes()
    body = pl.lit(b'{"order_number":"A1","account":1,"recipient_email":"evil@example.com"}')
    pl.read_parquet(part).with_columns(body.alias("body")).write_parquet(part)
    with pytest.raises(
        PlanStale, match=r"has been changed: prepared/part-00000.parquet is not what it was"
    ):
        warehouse.run_plan(plan)
    part.write_bytes(was)
    facts = RunFolder(plan).facts()
    RunFolder(plan).write_facts(facts | {"production": True})
    with pytest.raises(PlanStale, match=r"has been changed: run.json is not what it was") as told:
        warehouse.run_plan(plan)
    assert (told.value.exit_code, told.value.code) == (2, "C136")
    assert warehouse.sandbox.puts() == []
    (plan / "run.json").write_text("{half of it")
    with pytest.raises(PlanStale, match="is not a plan"):
        warehouse.run_plan(plan)


@pytest.mark.thorough
def test_a_plan_may_be_moved_and_run_from_anywhere_but_only_once(
    warehouse: Warehouse, monkeypatch: Patch, tmp_path: Path
) -> None:
    warehouse.orders(order_row("A1"))
    monkeypatch.chdir(warehouse.folder)
    made = warehouse.plan_to(Path("p"), "orders.csv").plan
    assert made is not None
    moved = made.rename(tmp_path / "moved")
    monkeypatch.chdir("/")

    sent = warehouse.run_plan(moved)

    assert (sent.exit_code, len(warehouse.sandbox.puts())) == (0, 1)
    with pytest.raises(PlanStale, match=f"was sent already, in run {sent.run_id}"):
        warehouse.run_plan(moved)
    assert len(warehouse.sandbox.puts()) == 1


def test_a_backfill_that_was_planned_is_confirmed_as_one(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    plan = warehouse.plan(backfill=True).plan
    assert plan is not None

    warehouse.run_plan(plan)

    assert warehouse.told.questions == [
        "Backfill: send 1 order of the past with notifications_inactive to parcelLab account 1618"
        f" at {warehouse.sandbox.base_url}?"
    ]


@pytest.mark.thorough
def test_a_plan_does_not_take_up_a_run_that_it_did_not_begin(warehouse: Warehouse) -> None:
    waiting = refused_once(warehouse, "A1")
    plan = warehouse.plan().plan
    assert plan is not None

    sent = warehouse.run_plan(plan)

    assert sent.run_id != waiting
    # the older run finds its order overtaken
    assert outcomes(warehouse.resume().summary)["superseded"] == 1
    assert len(warehouse.sandbox.puts()) == 1


@pytest.mark.parametrize("name", ["a-file", "full"])
def test_a_place_for_a_plan_that_is_taken(warehouse: Warehouse, tmp_path: Path, name: str) -> None:
    warehouse.orders(order_row("A1"))
    (tmp_path / "a-file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")

    with pytest.raises(PlanStale, match="exists already"):
        warehouse.plan_to(tmp_path / name)

    assert {p.read_text() for p in (tmp_path / "a-file", tmp_path / "full" / "mine")} == {"mine"}


# -- other runs ---------------------------------------------------------------------------------


@pytest.mark.thorough
def test_an_old_order_is_not_sent_over_one_that_a_newer_run_found_unchanged(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", name="First"))
    warehouse.run()
    warehouse.orders(order_row("A1", name="Second"))
    play(warehouse, {"fault": "http_401"})
    old = warehouse.run()
    play(warehouse)
    warehouse.orders(order_row("A1", name="First"), order_row("A2"))
    warehouse.run()

    resumed = warehouse.resume(old.run_id)

    assert outcomes(resumed.summary)["superseded"] == 1
    stored = warehouse.sandbox.order("A1")
    assert stored is not None
    assert stored["recipient_name"] == "First"


@pytest.mark.thorough
def test_a_clock_that_was_set_back_changes_no_order_of_versions(
    warehouse: Warehouse, monkeypatch: Patch
) -> None:
    warehouse.orders(order_row("A1", name="Old"))
    play(warehouse, {"fault": "http_401"})
    old = warehouse.run()
    play(warehouse)
    warehouse.orders(order_row("A1", name="New"))
    with monkeypatch.context() as patched:
        for module in ("flow", "preparation"):
            patched.setattr(
                f"pipeline.run.{module}.clock",
                lambda: datetime.now(UTC) - timedelta(days=1),  # noqa: TID251
            )
        assert warehouse.run().exit_code == 0

    assert outcomes(warehouse.resume(old.run_id).summary)["superseded"] == 1


@pytest.mark.thorough
def test_resume_looks_at_its_own_endpoint_only(warehouse: Warehouse) -> None:
    here = refused_once(warehouse, "A1")
    away = replace(warehouse.settings.endpoint, base_url="http://127.0.0.1:9")
    settings = warehouse.settings
    warehouse.settings = replace(settings, endpoint=away)
    there = warehouse.run().run_id
    warehouse.settings = settings

    with pytest.raises(
        RunUnknown, match=r"belongs to account 1618 at http://127\.0\.0\.1:9;"
    ) as refused:
        warehouse.resume(there)
    assert 'set base_url = "http://127.0.0.1:9" in [profile.sandbox]' in refused.value.help
    assert warehouse.resume().run_id == here


@pytest.mark.thorough
def test_a_new_run_names_the_one_that_still_waits(warehouse: Warehouse) -> None:
    waiting = refused_once(warehouse, "A1")
    warehouse.orders(order_row("A2"))

    warehouse.run()

    assert f"run {waiting} did not finish: pipeline resume {waiting}" in warnings(warehouse)


@pytest.mark.thorough
def test_a_limited_run_that_stopped_is_resumed_within_its_limit(warehouse: Warehouse) -> None:
    refused_once(warehouse, *(f"A{n}" for n in range(5)), limit=2)

    resumed = warehouse.resume()

    assert (resumed.exit_code, outcomes(resumed.summary)["created"]) == (0, 2)
    assert len(warehouse.sandbox.orders()) == 2
    assert warehouse.resume_says() == NOTHING_OPEN
    # nothing is to be sent, so nobody is asked whether he listens
    warehouse.settings = replace(
        warehouse.settings,
        endpoint=replace(warehouse.settings.endpoint, base_url="http://127.0.0.1:9"),
    )
    warehouse.orders()
    assert warehouse.run().exit_code == 0


def test_another_run_holds_the_lock(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    with Ledger.open(warehouse.settings.ledger, clock=clock):
        for verb in (warehouse.run, warehouse.plan, warehouse.resume):
            with pytest.raises(
                LedgerLocked, match="another run is using this ledger: run - by pid"
            ):
                verb()


def test_folders_of_another_ledger_are_left_alone(warehouse: Warehouse) -> None:
    other = RunFolder(warehouse.settings.home / "runs" / "other")
    other.make("/somewhere/else/ledger.db")
    unknown = warehouse.settings.home / "runs" / "mine"
    (unknown / "snapshots").mkdir(parents=True)
    warehouse.orders(order_row("A1"))

    warehouse.run()

    assert other.path.is_dir()
    assert unknown.is_dir()


# -- signals while nothing goes out -------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "why"),
    [
        pytest.param("signal", "rate limit", marks=pytest.mark.thorough),
        ("until", "outage"),
        pytest.param("signal", "outage", marks=pytest.mark.thorough),
        pytest.param("until", "rate limit", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.thorough
def test_a_run_that_waits_ends_when_asked(warehouse: Warehouse, why: str, how: str) -> None:
    # the server asks for ten minutes, or is gone for as long: a run that sat it out would hang here
    warehouse.orders(*(order_row(f"A{n}") for n in range(4)))
    warehouse.paced(concurrency=2, outage_failures=1)
    fault: dict[str, object]
    fault = (
        {"fault": "http_429", "retry_after": 600} if why == "rate limit" else {"fault": "http_5xx"}
    )
    play(warehouse, fault)
    waiting = False

    def stop_waiting(_done: int) -> None:
        nonlocal waiting
        if not waiting and warehouse.sandbox.requests() and how == "signal":
            waiting = True
            os.kill(os.getpid(), signal.SIGTERM)

    warehouse.told.on_send = stop_waiting
    until = clock() + timedelta(seconds=1.5) if how == "until" else None

    stopped = warehouse.run(until=until)

    assert stopped.exit_code == (143 if how == "signal" else 5)
    warehouse.told.on_send = None
    play(warehouse)
    assert outcomes(warehouse.resume().summary)["arrived"] == 4


# -- the log and the name of a run --------------------------------------------------------------


def test_every_run_keeps_a_log_without_values(warehouse: Warehouse) -> None:
    warehouse.orders(
        order_row("A1", mail="canary.person@example.com", name="Canary"),
        order_row("A2", country="Canaria"),
    )

    result = warehouse.run()

    log = warehouse.settings.home / "runs" / result.run_id / "run.log"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines if line["level"] != "debug"] == [
        "start", "validated", "sending", "done",
    ]  # fmt: skip
    assert {"read", "validate", "send", "partition sent"} <= {line["event"] for line in lines}
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "canar" not in log.read_text().lower()


def test_a_run_is_named_after_its_first_mapping(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    text = ORDERS_YAML.replace("name: orders", "name: warehouse_berlin_night_export")
    (warehouse.folder / "orders.yaml").write_text(text)

    names = [warehouse.run().run_id, warehouse.run().run_id]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{4}-warehouse_berlin_night_e", names[0])
    assert len(set(names)) == 2


# -- which files --------------------------------------------------------------------------------


def test_our_own_folders_among_the_files_need_no_word(warehouse: Warehouse) -> None:
    home = warehouse.folder / ".pipeline"
    warehouse.settings = replace(
        warehouse.settings,
        home=home,
        ledger=str(home / "ledger.db"),
        reports=warehouse.folder / "reports",
    )
    warehouse.orders(order_row("A1"))
    (warehouse.folder / ".secret.csv").write_text("")
    (warehouse.folder / "archive").mkdir()

    first, second = warehouse.run(), warehouse.run()

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert set(warnings(warehouse)) == {
        "left alone: .secret.csv is hidden",
        "left alone: archive is a folder",
    }


def test_an_empty_file_does_not_stop_the_others(warehouse: Warehouse, monkeypatch: Patch) -> None:
    warehouse.orders(order_row("A1"))
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML)
    (warehouse.folder / "parcels.csv").write_bytes(b"")
    monkeypatch.chdir(warehouse.folder)

    result = warehouse.run()

    assert (result.exit_code, outcomes(result.summary)["created"]) == (0, 1)
    told = warnings(warehouse)
    assert "left alone: parcels.csv is empty (0 bytes)" in told
    assert any(str(text).startswith("no file for ") for text in told)
    assert warehouse.run_files().exit_code == 0  # the files that the mappings mean
    assert warnings(warehouse).count("left alone: parcels.csv is empty (0 bytes)") == 2


def test_without_files_the_mapping_says_which(warehouse: Warehouse, monkeypatch: Patch) -> None:
    warehouse.orders(order_row("A1"))
    monkeypatch.chdir(warehouse.folder)

    assert outcomes(warehouse.run_files().summary)["created"] == 1
    assert warnings(warehouse) == []
    text = ORDERS_YAML.replace('files: "orders*.csv"', "encoding: utf-8")
    (warehouse.folder / "orders.yaml").write_text(text)
    with pytest.raises(InputsMissing, match=r"no file is named, and .*orders\.yaml has"):
        warehouse.run_files()


def test_a_folder_without_a_file_of_the_mapping_says_so(warehouse: Warehouse) -> None:
    assert warehouse.run().exit_code == 0
    (said,) = warnings(warehouse)
    assert said.startswith("no file for ")
    assert 'orders.yaml, which reads "orders*.csv"; other files there: ' in said
    assert warehouse.run(fail_on_empty=True).exit_code == 9
    with pytest.raises(SourceUnusable, match=r"no file matches .*nothing"):
        warehouse.run_files(str(warehouse.folder / "nothing*.csv"))


def test_a_file_given_twice_is_read_once(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    path = warehouse.folder / "orders.csv"

    result = warehouse.run_files(
        str(path), str(path), str(warehouse.folder), f"{warehouse.folder}/*.csv"
    )

    assert result.summary["rows"]["read"] == 1  # type: ignore[index]


def test_two_mappings_that_claim_one_file_are_refused(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    (warehouse.folder / "two.yaml").write_text(ORDERS_YAML.replace("name: orders", "name: two"))

    with pytest.raises(
        SourceUnusable,
        match=r"orders\.csv is meant by several mappings: .*orders\.yaml, .*two\.yaml",
    ) as told:
        warehouse.run()
    assert told.value.exit_code == 4
    assert runs(warehouse) == []


# -- the ledger ---------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_damaged_ledger_is_given_up_only_when_asked_and_only_when_damaged(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    with pytest.raises(LedgerInOrder, match="the ledger is not damaged"):
        warehouse.run(new_ledger=True)
    ledger = Path(warehouse.settings.ledger)
    ledger.write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerUnusable, match="ledger damaged") as told:
        warehouse.run()
    assert "--new-ledger" in told.value.help
    assert len(warehouse.sandbox.puts()) == 1

    again = warehouse.run(new_ledger=True)

    assert (again.exit_code, len(warehouse.sandbox.puts())) == (0, 2)
    [aside] = ledger.parent.glob("ledger.db.damaged-*")
    assert aside.read_bytes().startswith(b"no database")
    assert warnings(warehouse) == [
        f"the damaged ledger is now {aside}; with the new one every order is sent again"
    ]
    assert warehouse.run().exit_code == 0
    assert len(warehouse.sandbox.puts()) == 2


@pytest.mark.thorough
def test_status_while_a_run_is_at_work_is_the_verdict_before_it(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    warehouse.orders(order_row("A1"), order_row("A2"))
    seen: list[dict[str, object]] = []
    pages: list[str] = []

    def look(_done: int) -> None:
        if not seen:
            seen.append(status(warehouse.settings))
            pages.append(report(warehouse.settings, None, "mask", warehouse.told).read_text())

    warehouse.told.on_send = look

    warehouse.run()

    assert (seen[0]["at_work"], seen[0]["exit"]) == (True, {"code": 0, "name": "ok"})
    assert "it is still at work" in pages[0]
    assert status(warehouse.settings)["at_work"] is False
