"""The short form of the syscall sweep, and the bugs it must find (`python -m tests.faults.sweep`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sandbox import running_sandbox
from tests.faults.site import Site
from tests.faults.sweep import FAULTS, Step, Sweep, unavailable

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(unavailable() is not None, reason=str(unavailable())),
]

CHOSEN = 8  # of some 500; each costs two runs


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_sandbox() as sandbox:
        yield Site(tmp_path, sandbox, orders=20, concurrency=2)


def _first(steps: list[Step], call: str, end: str, nth: int = 1) -> Step:
    return next(
        step for step in steps if step.call == call and step.path.endswith(end) and step.nth == nth
    )


def test_writes_that_fail_or_are_the_last_one_lose_nothing(site: Site) -> None:
    sweep = Sweep(site)
    steps = sweep.steps()
    assert len(steps) > 200
    for nth, step in enumerate(steps[:: len(steps) // CHOSEN]):
        sweep.strike(step, FAULTS[nth % len(FAULTS)])
    # the first write of all, the making of the ledger, a commit while sending, and the report's rename
    sweep.strike(_first(steps, "mkdir", "/.pipeline"), "ENOSPC")
    sweep.strike(_first(steps, "pwrite64", "ledger.db.new", 5), "ENOSPC")
    sweep.strike(_first(steps, "fdatasync", "ledger.db-wal", 9), "EIO")
    sweep.strike(_first(steps, "rename", ".report.html.part"), "KILL")

    assert sweep.tally.faults == []
    assert sweep.tally.struck >= CHOSEN


def test_the_sweep_finds_a_failed_commit_that_is_swallowed(site: Site) -> None:
    site.bug = "swallows_failed_commits"
    sweep = Sweep(site)

    for nth in range(6, 30):  # the first of them are of the plan, which stops the run as it should
        sweep.strike(Step("fdatasync", f"{site.home}/ledger.db-wal", nth), "EIO")
        if sweep.tally.faults:
            break

    assert sweep.tally.faults, str(sweep.tally)


def test_the_sweep_finds_half_a_report(site: Site) -> None:
    site.bug = "writes_in_place"
    sweep = Sweep(site)
    steps = sweep.steps()

    sweep.strike(_first(steps, "write", "/report.html"), "KILL")

    assert any("half a report" in fault for fault in sweep.tally.faults), sweep.tally.faults
