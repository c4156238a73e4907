"""Each fault of the sandbox meets the whole command; the verifier judges what came of it (§4.5)."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.sandbox import FaultSchedule
from pipeline.sandbox.faults import KINDS
from tests.faults.site import FAULTY, Trial
from tests.faults.verifier import after_refusal

pytestmark = pytest.mark.thorough

# What passes when the order is sent again: exit 0, and everything is there.
PASSING: Mapping[str, Mapping[str, Any]] = {
    "http_429": {"retry_after": 1}, "http_429_date": {"retry_after": 1}, "http_429_bare": {},
    "http_5xx": {}, "maintenance": {"retry_after": 1}, "http_504_applied": {}, "http_408": {},
    "captive_200": {}, "list_200": {}, "reset_early": {}, "reset_mid_body": {}, "fin_no_answer": {},
    "stall": {}, "garbage": {}, "empty_200": {}, "empty_204": {}, "bad_json": {}, "gzip_lie": {},
    "huge_answer": {}, "warn": {}, "reset_applied": {}, "cut_answer": {}, "length_lie": {},
    "interim_flood": {}, "endless": {}, "drip": {"delay_s": 0.0005}, "slow": {},
}  # fmt: skip
# What concerns one order only: it is named, and all others arrive.
NAMED = (
    "http_400_a", "http_400_b", "http_400_c", "http_400_html", "http_404", "http_413",
    "mutation_fail", "no_results",
)  # fmt: skip
# What ends the run, with its exit code; the same command finishes when it is over.
STOPPING = {
    "http_401": 6, "http_403": 6, "http_429_long": 5, "redirect_301": 6, "redirect_302": 6,
    "redirect_307": 6, "redirect_308": 6, "other_order": 6,
}  # fmt: skip
_BY_ITSELF = "late_apply"


_HANGING = ("stall", "endless")


def _hurry(trial: Trial) -> None:
    """Give up soon what hangs."""
    config = trial.site.folder / "pipeline.toml"
    config.write_text(f"read_s = 2\ndeadline_s = 3\n{config.read_text()}")


def _play(trial: Trial, fault: str, **details: object) -> None:
    trial.site.sandbox.play(FaultSchedule.of([{"fault": fault, **details}]))


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_sent_again_and_nothing_is_lost(trial: Trial, fault: str) -> None:
    hangs = fault in _HANGING
    if hangs:
        _hurry(trial)
    _play(trial, fault, on=[3, 9], **PASSING[fault])

    code = trial.command()

    assert code == 0
    # a slow machine may make it give up more than what hangs
    verdict = trial.site.verdict(code, redundant_max=20 if hangs else 0)
    assert verdict.ok, str(verdict)
    assert verdict.counts["there"] == 20
    assert [each.fault for each in trial.site.held().requests].count(fault) == 2


@pytest.mark.parametrize("fault", NAMED)
def test_what_concerns_one_order_is_named_and_the_others_arrive(trial: Trial, fault: str) -> None:
    _play(trial, fault, order_number="A10")  # it has a line to change, one to add, and a parcel

    code = trial.command()

    assert code == 0  # the site says partial_ok
    verdict = trial.site.verdict(code)
    assert verdict.ok, str(verdict)
    run = trial.site.claims()[-1]
    report = trial.site.report(run.run)
    assert report is not None
    assert report.named == {"A10", FAULTY}
    assert run.outcomes["A10"] in ("refused", "partly_applied")


@pytest.mark.parametrize("fault", STOPPING)
def test_what_ends_the_run_leaves_nothing_unsaid_and_the_same_command_finishes(
    trial: Trial, fault: str
) -> None:
    _play(trial, fault, from_nth=8)

    assert trial.command() == STOPPING[fault]

    # what happened, how far it came, and what to type
    assert re.search(
        r"^STOPPED, CAN RESUME: \d+ of 21 orders arrived, \d+ missing", trial.said, re.M
    )
    assert trial.said.splitlines()[-1].startswith("Continue with: pipeline resume ")
    verdict = trial.site.verdict(STOPPING[fault])
    assert verdict.ok, str(verdict)
    assert after_refusal(trial.site.held().requests, trial.site.concurrency) == []
    _play(trial, "http_408", on=[1])
    before = len(trial.site.held().requests)
    room = 2 * trial.site.concurrency
    done = trial.site.verdict(trial.command(), redundant_max=room, since=before)
    assert done.ok, str(done)
    assert done.counts["there"] == 20


def test_what_the_server_stores_late_is_the_same_order(trial: Trial) -> None:
    _play(trial, _BY_ITSELF, on=[3, 9], delay_s=0.05)

    verdict = trial.site.verdict(trial.command(), redundant_max=2)

    assert verdict.ok, str(verdict)


def test_every_fault_has_its_row() -> None:
    assert {*PASSING, *NAMED, *STOPPING, _BY_ITSELF} == set(KINDS)
