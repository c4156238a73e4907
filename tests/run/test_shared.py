"""Several processes send one backfill: a ledger in PostgreSQL, and the command line as it is typed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.ledger import Ledger, RunState
from pipeline.run.clock import clock
from pipeline.sandbox import RunningSandbox
from tests.databases import BOTH, POSTGRESQL, Database
from tests.run.conftest import HEADER, ORDERS_YAML, order_row

ORDERS = 420
LEASE_S = 4


@dataclass
class Backfill:
    """A plan, and the machines that are to send it: each has its own folder."""

    folder: Path
    sandbox: RunningSandbox
    database: Database

    @property
    def plan(self) -> Path:
        return self.folder / "bf"

    def machine(self, name: str) -> Path:
        """A folder with a configuration of its own, at the same ledger."""
        place = self.folder / name
        place.mkdir()
        (place / "pipeline.toml").write_text(
            f'ledger = "{self.database.location}"\ndeadline_s = 2\nlease_s = {LEASE_S}\n'
            f'[profile.sandbox]\nbase_url = "{self.sandbox.base_url}"\n',
            encoding="utf-8",
        )
        return place

    def start(self, place: Path, *words: object) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # noqa: TID251
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", "--json", *map(str, words)], cwd=place,
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def sending(self, place: Path) -> subprocess.Popen[str]:
        return self.start(place, "run", self.plan, "--rate", "40", "--concurrency", "4")

    def wait_for_puts(self, count: int) -> None:
        self.wait_until(lambda: len(self.sandbox.puts()) >= count)

    @staticmethod
    def wait_until(done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.02)

    def runs(self) -> list[tuple[str, RunState, int | None]]:
        with Ledger.read(self.database.location, clock=clock) as ledger:
            return [(run.id, run.state, run.exit_code) for run in ledger.runs(9)]


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, object]]:
    out, err = process.communicate(timeout=90)
    assert "Traceback" not in err, err[-3000:]
    return process.returncode, json.loads(out) if out else {}


@pytest.fixture
def backfill(tmp_path: Path, sandbox: RunningSandbox, database: Database) -> Backfill:
    made = Backfill(tmp_path, sandbox, database)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "orders.yaml").write_text(ORDERS_YAML, encoding="utf-8")
    rows = "".join(order_row(f"A{n}") for n in range(ORDERS))
    (inbox / "orders.csv").write_text(HEADER + rows, encoding="utf-8")
    place = made.machine("planner")
    code, _ = ended(
        made.start(place, "plan", "-m", inbox / "orders.yaml", inbox, "--out", made.plan)
    )
    assert code == 0
    return made


def all_there_once(backfill: Backfill) -> None:
    assert {order["order_number"] for order in backfill.sandbox.orders()} == {
        f"A{n}" for n in range(ORDERS)
    }
    assert backfill.sandbox.violations() == []


def summaries(*told: dict[str, object]) -> list[dict[str, object]]:
    found = [each["summary"] for each in told]
    return [each for each in found if isinstance(each, dict) and "balances" in each]


@POSTGRESQL
@pytest.mark.thorough
def test_two_processes_send_one_plan_and_one_of_them_reports(backfill: Backfill) -> None:
    one, other = backfill.machine("one"), backfill.machine("other")
    first = backfill.sending(one)
    backfill.wait_for_puts(5)
    second = backfill.sending(other)
    (code, told), (code_too, told_too) = ended(first), ended(second)

    assert (code, code_too) == (0, 0)
    all_there_once(backfill)
    sent = Counter(put.order_number for put in backfill.sandbox.puts())
    assert max(sent.values()) == 1, "no order went out from both"
    [summary] = summaries(told, told_too)
    assert summary["balances"] is True
    assert summary["orders"]["arrived"] == ORDERS  # type: ignore[index]
    [(run, state, exit_code)] = backfill.runs()
    assert (state, exit_code) == (RunState.FINISHED, 0)
    reports = [place for place in (one, other) if (place / "reports" / run).is_dir()]
    assert len(reports) == 1
    logs = [(place / ".pipeline" / "runs" / run / "run.log").read_text() for place in (one, other)]
    settled = [
        sum(json.loads(line)["settled"] for line in log.splitlines() if '"partition sent"' in line)
        for log in logs
    ]
    assert min(settled) > ORDERS / 20, f"both had work: {settled}"
    # a third one finds it done
    code, _ = ended(backfill.sending(backfill.machine("late")))
    assert code == 2


@POSTGRESQL
@pytest.mark.thorough
@pytest.mark.parametrize("dies", ["first", "second"])
def test_d3_one_of_two_is_killed_and_the_other_takes_its_orders_over(
    backfill: Backfill, dies: str
) -> None:
    first = backfill.sending(backfill.machine("one"))
    backfill.wait_for_puts(5)
    second = backfill.sending(backfill.machine("other"))
    with Ledger.read(backfill.database.location, clock=clock) as ledger:
        backfill.wait_until(lambda: len(ledger.sessions_at_work(1)) == 2)
    backfill.wait_for_puts(len(backfill.sandbox.puts()) + 30)
    killed, left = (first, second) if dies == "first" else (second, first)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    code, told = ended(left)

    assert code == 0
    all_there_once(backfill)
    assert len(backfill.sandbox.puts()) <= ORDERS + 8
    [summary] = summaries(told)
    assert summary["balances"] is True
    assert [each[1:] for each in backfill.runs()] == [(RunState.FINISHED, 0)]


@POSTGRESQL
@pytest.mark.thorough
def test_p5_a_process_that_was_frozen_sends_nothing_of_what_another_has_taken_over(
    backfill: Backfill,
) -> None:
    first = backfill.sending(backfill.machine("one"))
    backfill.wait_for_puts(5)
    first.send_signal(signal.SIGSTOP)
    try:
        second = backfill.sending(backfill.machine("other"))
        code, told = ended(second)
    finally:
        first.send_signal(signal.SIGCONT)
    code_too, _ = ended(first)

    assert (code, code_too) == (0, 0)
    all_there_once(backfill)
    [summary] = summaries(told)
    assert summary["balances"] is True
    puts = Counter(put.order_number for put in backfill.sandbox.puts())
    assert sum(puts.values()) <= ORDERS + 8


@POSTGRESQL
@pytest.mark.thorough
def test_one_of_two_is_interrupted_and_says_that_the_other_goes_on(backfill: Backfill) -> None:
    first = backfill.sending(backfill.machine("one"))
    backfill.wait_for_puts(5)
    second = backfill.sending(backfill.machine("other"))
    with Ledger.read(backfill.database.location, clock=clock) as ledger:
        backfill.wait_until(lambda: len(ledger.sessions_at_work(1)) == 2)
    first.send_signal(signal.SIGINT)
    code, told = ended(first)
    assert code == 130
    assert told["summary"]["shared"] == "leave"  # type: ignore[index]
    code, told = ended(second)

    assert code == 0
    all_there_once(backfill)
    assert summaries(told)[0]["orders"]["arrived"] == ORDERS  # type: ignore[index]


@BOTH
@pytest.mark.thorough
def test_another_run_at_the_same_account_has_to_wait(backfill: Backfill) -> None:
    place = backfill.machine("one")
    first = backfill.sending(place)
    backfill.wait_for_puts(5)
    inbox = backfill.folder / "inbox"
    code, told = ended(backfill.start(place, "run", "-m", inbox / "orders.yaml", inbox))
    assert code == 10
    assert "another run" in json.dumps(told)
    first.send_signal(signal.SIGTERM)
    ended(first)
