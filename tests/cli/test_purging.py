"""purge on the command line."""

from pathlib import Path

from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call, orders


def test_purge_says_what_it_erases_and_what_stays(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert api.base_url
    orders(files, "A1,DE,a@example.com", "A2,Nowhere,jana@canary")
    run = call("run", "-m", "small.yaml", "orders.csv", "--json").json()["run"]

    crash = files / ".pipeline" / "logs" / "crash-20261120T000000-1.log"
    crash.parent.mkdir(exist_ok=True)
    crash.write_text("KeyError: 'A2'")

    dry = call("purge", "--order", "A2", "--dry-run")
    assert dry.code == 0
    assert dry.out.startswith(f"would be erased from run {run}\nwould be changed: ")
    said = call("purge", "--order", "A2")
    assert said.code == 0
    assert said.out.startswith(f"erased from run {run}\n")
    assert f"removed: {crash}\n" in said.out
    assert not crash.exists()
    assert "what stays:\n  the order number, hashes and answers in the ledger" in said.out

    document = call("purge", "--order", "A2", "--json").json()
    assert document["runs"] == [run]
    assert len(document["stays"]) == 3


def test_purge_of_an_order_that_nobody_has(call: Call, files: Path) -> None:
    assert files.is_dir()
    said = call("purge", "--order", "A99")
    assert said.code == 2
    assert said.err.startswith("error[C119]: nothing is kept of an order A99")
