"""kill -9 at random moments of an upload, run again until exit 0: nothing lost, nothing invented.

`KILLS=50 pytest -m thorough tests/run/test_kill.py` is the long form; CI kills a few times.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from pipeline.ledger import Ledger
from pipeline.model.outcomes import OrderOutcome
from pipeline.run.clock import clock
from pipeline.sandbox import RunningSandbox
from tests.databases import BOTH, Database
from tests.run.conftest import HEADER, ORDERS_YAML, PARCELS_YAML, order_row

pytestmark = [pytest.mark.thorough, BOTH]

KILLS = int(os.environ.get("KILLS", "6"))  # noqa: TID251 - how long the test may take
ORDERS = 2000


@pytest.fixture
def inbox(tmp_path: Path, sandbox: RunningSandbox, database: Database) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "orders.yaml").write_text(ORDERS_YAML, encoding="utf-8")
    (folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    rows = "".join(order_row(f"A{n}", cut=1 if n % 50 == 0 else "") for n in range(ORDERS))
    (folder / "orders.csv").write_text(HEADER + rows, encoding="utf-8")
    parcels = "".join(f"A{n};P{n};dhl-germany\n" for n in range(0, ORDERS, 2))
    (folder / "parcels.csv").write_text("no;parcel;carrier\n" + parcels, encoding="utf-8")
    (tmp_path / "pipeline.toml").write_text(
        f'ledger = "{database.location}"\ndeadline_s = 2\nlease_s = 4\n[profile.sandbox]\nbase_url = "{sandbox.base_url}"\n',
        encoding="utf-8",
    )
    return folder


def _start(inbox: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipeline", "--json", "run", "-m", "inbox/orders.yaml",
               "-m", "inbox/parcels.yaml", "--concurrency", "8", "inbox"]  # fmt: skip
    # the program under test is the one beside this file, wherever the command starts
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # noqa: TID251
    return subprocess.Popen(
        command, cwd=inbox.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def _delivered(location: str) -> set[str]:
    """What the ledger says has arrived, in whatever run."""
    with Ledger.read(location, clock=clock) as ledger:
        arrived = [OrderOutcome.CREATED.value, OrderOutcome.UPDATED.value]
        frames = [ledger.orders(run.id) for run in ledger.runs(1000)]
    if not frames:
        return set()
    orders = pl.concat(frames).filter(pl.col("outcome").is_in(arrived))
    return set(orders.get_column("order_number").to_list())


def test_kill_minus_nine_at_random_moments_loses_and_invents_nothing(
    inbox: Path, sandbox: RunningSandbox, database: Database
) -> None:
    chance = random.Random(20261120)  # noqa: S311 - a reproducible test
    killed = 0
    for _ in range(KILLS):
        process = _start(inbox)
        before = len(sandbox.puts())
        deadline = time.monotonic() + 60
        # wait for the upload to begin, then for a random moment of it
        while len(sandbox.puts()) == before and process.poll() is None:
            assert time.monotonic() < deadline, "the upload never began"
            time.sleep(0.005)
        time.sleep(chance.uniform(0, max(0.02, 0.9 / KILLS)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        stored = {order["order_number"] for order in sandbox.orders()}
        invented = _delivered(database.location) - stored
        assert invented == set(), "reported as delivered, but never stored"

    process = _start(inbox)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-2000:]
    assert killed >= KILLS // 2, "the kills came too late to mean anything"
    told = json.loads(out)["summary"]
    assert told["orders"]["seen"] == told["orders"]["arrived"] == ORDERS
    assert told["balances"] is True
    there = {order["order_number"]: order for order in sandbox.orders()}
    assert set(there) == {f"A{n}" for n in range(ORDERS)}
    # a parcel and a change were applied once, however often they were sent
    assert len(there["A0"]["trackings"]) == 1
    assert there["A0"]["articles_order"][0]["quantity"] == 1
    assert sandbox.violations() == []
    again = _start(inbox)
    puts = len(sandbox.puts())
    assert again.wait(timeout=120) == 0
    again.communicate()
    assert len(sandbox.puts()) == puts, "a finished file is not sent again"
