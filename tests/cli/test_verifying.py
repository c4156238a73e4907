"""verify on the command line: exit codes, both streams, JSON."""

from pathlib import Path

import pytest

from pipeline.run import verifying
from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call


def test_verify_says_what_differs_and_ends_with_8(
    call: Call, files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "PAUSE_S", 0.0)
    assert files.is_dir()
    assert call("run", "-m", "small.yaml", "orders.csv").code == 0
    good = call("verify", "--sample", "50%")
    assert good.code == 0
    assert "1 order compared, as they were told, a sample of 2 that arrived." in good.out
    assert "Report: " in good.out

    api.reset()

    bad = call("verify")
    assert bad.code == 8
    assert bad.out.startswith("DIFFERENCES: run ")
    assert "  A1  the whole order  missing" in bad.out
    document = call("verify", "--json").json()
    assert document["exit"]["name"] == "mismatch"
    assert document["read_back"]["missing"] == 2
    assert [each["order_number"] for each in document["read_back"]["differences"]] == ["A1", "A2"]
    assert len(api.puts()) == 0


def test_verify_of_a_run_that_is_not_there_is_a_usage_error(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert files.is_dir()
    assert api.orders() == []
    said = call("verify", "nope")
    assert said.code == 2
    assert "there is no run yet" in said.err
