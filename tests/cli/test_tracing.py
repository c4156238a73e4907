"""trace on the command line."""

from pathlib import Path

from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call


def test_trace_prints_the_history_of_an_order(call: Call, files: Path, api: RunningSandbox) -> None:
    assert (files.is_dir(), api.orders()) == (True, [])
    run = call("run", "-m", "small.yaml", "orders.csv", "--json").json()["run"]

    said = call("trace", "A1")

    assert said.code == 0
    assert said.out.startswith("order A1, account 1618 at http://127.0.0.1:")
    assert f"run {run} (finished)" in said.out
    assert "  rows      orders.csv:2" in said.out
    assert "next        nothing: it has arrived." in said.out
    document = call("trace", "A1", "--json").json()
    assert document["runs"][0]["outcome"] == "created"
    assert document["known"]["fully_applied"] is True


def test_an_order_that_is_not_known_is_a_usage_error(call: Call, files: Path) -> None:
    assert files.is_dir()
    said = call("trace", "A9")
    assert said.code == 2
    assert "error[C119]: no run of account " in said.err
