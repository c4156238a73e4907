"""Killed and interrupted at each of its own steps; the same command again, or `resume`, finishes."""

import json
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from pipeline.ledger import Ledger, RunState
from pipeline.run import RunUnknown, report, status
from pipeline.run.clock import clock
from pipeline.run.folder import LASTING, RunFolder
from tests.databases import BOTH
from tests.run.conftest import NOTHING_OPEN, Warehouse, order_row
from tests.run.test_import import outcomes

pytestmark = BOTH

ORDERS = 12
PARTITION_BYTES = 260  # gives two partitions
KEPT = {*LASTING, "run.json", "run.log", "owner.json", "reports.json"}

# before the ledger knows of the run
EARLY = [
    "before pipeline.run.source:take_snapshot",
    "after pipeline.run.source:take_snapshot",
    "after pipeline.run.spool:spool",
    "before pipeline.run.folder:RunFolder.write 3",
    "after pipeline.run.preparation:prepare",
    "before pipeline.ledger:Ledger.begin_run",
]
LATE = [
    "after pipeline.ledger:Ledger.begin_run",
    "before pipeline.ledger:Ledger.plan_partition 2",
    "before pipeline.run.flow:send_all",
    "before pipeline.run.sending:deliver 2",
    "before pipeline.ledger.journal:Journal.commit 3",
    "after pipeline.ledger.journal:Journal.commit 4",
    "before pipeline.run.verdict:write_report",
    "after pipeline.run.verdict:write_report",
    "before pipeline.ledger:Ledger.finish_run",
]
# the run is finished, its folder not yet emptied
OVER = ["after pipeline.ledger:Ledger.finish_run", "before pipeline.run.folder:RunFolder.clean"]


def _some(steps: Sequence[str], *often: int) -> list[ParameterSet]:
    """All steps; those that are not to be tried `often` are part of `make thorough` only."""
    return [
        pytest.param(step, marks=() if nth in often else pytest.mark.thorough)
        for nth, step in enumerate(steps)
    ]


@dataclass
class Struck:
    """How a process that was hit by a signal ended."""

    code: int
    out: str
    err: str


def strike(warehouse: Warehouse, step: str, number: int, *command: str) -> Struck:
    said = warehouse.folder.parent / "settings.json"
    endpoint = warehouse.settings.endpoint
    said.write_text(
        json.dumps({
            "base_url": endpoint.base_url, "account": endpoint.account, "token": endpoint.token.reveal(),
            "home": str(warehouse.settings.home), "reports": str(warehouse.settings.reports),
            "ledger": warehouse.settings.ledger,
            "pace": {name: getattr(warehouse.settings.pace, name) for name in ("deadline_s", "lease_s")},
            "folder": str(warehouse.folder), "partition_bytes": PARTITION_BYTES,
        })
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.run.killed", str(said), step, str(number), *command],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return Struck(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def night(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A night of two partitions."""
    monkeypatch.setattr("pipeline.run.spool.PARTITION_BYTES", PARTITION_BYTES)
    warehouse.orders(*(order_row(f"A{n}") for n in range(ORDERS)))
    return warehouse


def folders(warehouse: Warehouse) -> list[Path]:
    return sorted((warehouse.settings.home / "runs").glob("*"))


def all_there_once(warehouse: Warehouse, requests: int) -> None:
    """Every order arrived, at most those in flight were sent twice, and no customer's data is left."""
    assert len(warehouse.sandbox.orders()) == ORDERS
    assert requests <= ORDERS + 4
    for folder in folders(warehouse):
        assert {path.name for path in folder.iterdir()} <= KEPT, folder
    assert warehouse.resume_says() == NOTHING_OPEN


@pytest.mark.parametrize("step", _some(EARLY, 1, 5))
@pytest.mark.thorough
def test_what_a_process_leaves_that_dies_before_its_run_began_is_swept(
    night: Warehouse, step: str
) -> None:
    died = strike(night, step, signal.SIGKILL)
    assert died.code == -signal.SIGKILL, died.err
    assert len(folders(night)) == 1
    left = folders(night)[0]
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    assert night.sandbox.puts() == []

    again = night.run()

    assert (again.exit_code, outcomes(again.summary)["created"]) == (0, ORDERS)
    assert len(folders(night)) == 1
    all_there_once(night, len(night.sandbox.puts()))


@pytest.mark.parametrize("step", _some(LATE, 4))
def test_a_run_that_is_killed_is_finished_by_the_same_command(night: Warehouse, step: str) -> None:
    died = strike(night, step, signal.SIGKILL)
    assert died.code == -signal.SIGKILL, died.err
    assert RunFolder(folders(night)[0]).facts()["partitions"] == 2
    assert status(night.settings)["exit"] == {"code": 5, "name": "unfinished"}
    page = report(night.settings, None, "mask", night.told)
    assert "the process ended without a word" in page.read_text()

    again = night.run()

    assert again.exit_code == 0
    assert [path.name for path in folders(night)] == [again.run_id]
    assert outcomes(again.summary)["arrived"] == ORDERS
    assert again.summary["balances"] is True
    all_there_once(night, len(night.sandbox.puts()))


@pytest.mark.parametrize("step", _some(OVER, 0))
@pytest.mark.thorough
def test_a_run_that_is_killed_after_its_end_is_finished_and_emptied(
    night: Warehouse, step: str
) -> None:
    assert strike(night, step, signal.SIGKILL).code == -signal.SIGKILL
    assert status(night.settings)["exit"] == {"code": 0, "name": "ok"}
    report(night.settings, None, "mask", night.told)

    again = night.run()

    assert outcomes(again.summary)["unchanged"] == ORDERS
    all_there_once(night, len(night.sandbox.puts()))


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", _some([EARLY[1], EARLY[2], EARLY[4]], 1))
def test_a_signal_before_the_run_begins_leaves_nothing(
    night: Warehouse, step: str, number: signal.Signals
) -> None:
    ended = strike(night, step, number)

    assert ended.code == 128 + number, ended.err
    assert folders(night) == []
    assert night.sandbox.puts() == []
    assert night.run().exit_code == 0


@pytest.mark.parametrize("step", _some([LATE[0], LATE[1], LATE[3]], 2))
@pytest.mark.thorough
def test_a_signal_after_the_run_began_still_gets_its_report(night: Warehouse, step: str) -> None:
    ended = strike(night, step, signal.SIGTERM)

    assert ended.code == 143, ended.err
    run_id = json.loads(ended.out)[0]
    page = (night.settings.reports / run_id / "report.html").read_text(encoding="utf-8")
    assert f"Go on with <code>pipeline resume {run_id}" in page
    assert status(night.settings)["exit"] == {"code": 143, "name": "signal"}
    resumed = night.resume()
    assert (resumed.run_id, resumed.exit_code) == (run_id, 0)
    all_there_once(night, len(night.sandbox.puts()))
    assert len(night.sandbox.puts()) == ORDERS


@pytest.mark.parametrize("step", _some(LATE[6:], 0))
@pytest.mark.thorough
def test_a_signal_when_all_is_sent_changes_nothing(night: Warehouse, step: str) -> None:
    ended = strike(night, step, signal.SIGTERM)

    assert ended.code == 0, ended.err
    all_there_once(night, ORDERS)


@pytest.mark.thorough
def test_a_resumed_run_that_is_killed_is_resumed_again(night: Warehouse) -> None:
    strike(night, LATE[4], signal.SIGKILL)
    strike(night, "before pipeline.run.verdict:write_report", signal.SIGKILL, "resume")

    assert night.resume().exit_code == 0
    all_there_once(night, len(night.sandbox.puts()))


@pytest.mark.thorough
def test_a_killed_plan_is_swept_and_its_place_is_free_again(
    night: Warehouse, tmp_path: Path
) -> None:
    for place in (night.settings.home / "plans" / "p", tmp_path / "bf"):
        died = strike(
            night, "after pipeline.run.preparation:prepare", signal.SIGKILL, "plan", str(place)
        )
        assert died.code == -signal.SIGKILL
        assert RunFolder(place).facts() == {} or "plan" not in RunFolder(place).facts()

    night.orders(order_row("A1"))
    planned = night.plan_to(tmp_path / "bf")

    assert planned.exit_code == 0
    assert not (night.settings.home / "plans" / "p").exists()


@pytest.mark.parametrize(
    "step", ["after pipeline.run.flow:copy_plan", "before pipeline.run.sending:deliver 2"]
)
@pytest.mark.thorough
def test_a_plan_that_was_interrupted_goes_on_by_itself_or_by_resume(
    night: Warehouse, step: str
) -> None:
    planned = night.plan()
    assert planned.plan is not None
    strike(night, step, signal.SIGKILL, "run_plan", str(planned.plan))

    finished = night.run_plan(planned.plan)

    assert (finished.exit_code, outcomes(finished.summary)["arrived"]) == (0, ORDERS)
    all_there_once(night, len(night.sandbox.puts()))


def test_resume_takes_the_folder_of_a_plan(night: Warehouse) -> None:
    planned = night.plan()
    assert planned.plan is not None
    with pytest.raises(RunUnknown, match=r"the plan .* has not been sent"):
        night.resume(str(planned.plan))
    strike(
        night,
        "before pipeline.run.sending:deliver 2",
        signal.SIGKILL,
        "run_plan",
        str(planned.plan),
    )

    finished = night.resume(str(planned.plan))

    assert (finished.exit_code, outcomes(finished.summary)["arrived"]) == (0, ORDERS)
    with pytest.raises(RunUnknown, match="is finished, nothing of it is open"):
        night.resume(str(planned.plan))


@pytest.mark.parametrize("lost", ["folder", "prepared", "run.json", "edited"])
@pytest.mark.thorough
def test_a_run_whose_requests_are_lost_begins_anew_by_the_same_command(
    night: Warehouse, lost: str
) -> None:
    strike(night, "before pipeline.run.sending:deliver 2", signal.SIGKILL)
    [folder] = folders(night)
    match lost:
        case "folder":
            shutil.rmtree(folder)
        case "run.json":
            (folder / "run.json").write_text("{")
        case "prepared":
            shutil.rmtree(folder / "prepared")
        case _:
            part = folder / "prepared" / "part-00001.parquet"
            part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(RunUnknown, match=r"what run .* prepared is no longer there") as told:
        night.resume()
    assert told.value.code == "C134"
    assert told.value.help == "run the import again: what arrived is not sent twice"

    again = night.run()

    assert (again.exit_code, outcomes(again.summary)["arrived"]) == (0, ORDERS)
    assert again.run_id != folder.name
    assert len(night.sandbox.orders()) == ORDERS
    assert night.resume_says() == NOTHING_OPEN
    with Ledger.read(night.settings.ledger, clock=clock) as ledger:
        assert {run.state for run in ledger.runs(9)} == {RunState.FINISHED, RunState.ABANDONED}
    night.run()
    for left in folders(night):
        assert {path.name for path in left.iterdir()} <= KEPT, left
