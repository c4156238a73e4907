"""The short forms of `python -m tests.faults.storm`, and the bug that it must find."""

from pathlib import Path

import pytest

from pipeline.sandbox import FaultSchedule, running_sandbox
from tests.faults.site import Trial
from tests.faults.storm import GATES, outage, weather
from tests.faults.verifier import Kind


@pytest.mark.thorough
@pytest.mark.parametrize(("profile", "versions"), [("flaky", 2), ("storm", 1)])
def test_the_command_gets_every_order_through(tmp_path: Path, profile: str, versions: int) -> None:
    with running_sandbox() as sandbox:
        ended = weather(tmp_path, sandbox, profile, seed=1, orders=50, versions=versions)

    assert ended.verdict.ok, str(ended)
    assert ended.code == 0
    assert ended.per_payload <= 1.3 * GATES[profile]  # few orders: chance has its share
    assert len(ended.faults) > 5


def test_the_storm_finds_a_command_that_believes_a_status(trial: Trial) -> None:
    trial.site.sandbox.play(FaultSchedule.of([{"fault": "captive_200", "on": [3, 9]}]))

    verdict = trial.judged(bug="status_alone")

    assert len(verdict.of(Kind.FALSE_SUCCESS)) == 2, str(verdict)


@pytest.mark.thorough
def test_in_an_outage_the_command_asks_seldom_and_says_how_to_go_on(tmp_path: Path) -> None:
    pace = {"outage_probe_s": 0.5, "outage_stop_s": 10}
    with running_sandbox() as sandbox:
        code, asked, wrong = outage(tmp_path, sandbox, pace)

    assert wrong == ""
    assert (code, asked > 20) == (5, True)
