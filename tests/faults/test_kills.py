"""The short form of the kill loop, and the bugs that it must find (`python -m tests.faults.kills`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sandbox import RunningSandbox, SandboxSettings, running_sandbox
from tests.faults.kills import Kills
from tests.faults.site import Site

pytestmark = pytest.mark.thorough

KILLS = 20


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(SandboxSettings(latency_s=0.04)) as running:
        yield running


def _quiet(_line: str) -> None:
    pass


def test_signals_at_random_instants_lose_and_double_nothing(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    loop = Kills(Site(tmp_path, sandbox), ["KILL", "TERM", "INT", "STOP"], seed=20261121)

    tally = loop.go(KILLS, _quiet)

    assert tally.faults == []
    assert tally.total >= KILLS
    assert {"starting", "sending or reporting"} <= set(tally.stages), tally


@pytest.mark.parametrize(
    ("bug", "words"),
    [("records_before_sending", "FALSE SUCCESS"), ("takes_everything", "orders unconfirmed")],
)
def test_a_planted_bug_is_found_by_a_few_kills(
    tmp_path: Path, sandbox: RunningSandbox, bug: str, words: str
) -> None:
    site = Site(tmp_path, sandbox, orders=120, bug=bug)

    tally = Kills(site, ["KILL"], seed=1, while_sending=True).go(4, _quiet)

    assert any(words in fault for fault in tally.faults), tally.faults
