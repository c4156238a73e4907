"""The verifier proves itself: it keeps quiet over an honest run and finds each planted bug (G12)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.sandbox import FaultSchedule
from tests.faults.planted import BUGS
from tests.faults.site import FAULTY, Trial
from tests.faults.verifier import (
    Held,
    Kind,
    RunClaim,
    after_refusal,
    missing_of,
    verify,
)

pytestmark = pytest.mark.thorough


def test_an_honest_run_and_its_repetition_are_in_order(trial: Trial) -> None:
    assert str(trial.judged()).startswith("ok orders=20 there=20")
    trial.site.write()
    assert str(trial.judged()).startswith("ok orders=20 there=20")
    assert trial.site.integrity() == "ok"
    assert trial.site.halves() == []


@pytest.mark.parametrize(
    ("bug", "kinds", "named"),
    [
        ("believes_unsent", {Kind.FALSE_SUCCESS, Kind.LOST}, {"A3", "A13"}),
        ("sends_twice", {Kind.REDUNDANT}, {f"A{n}" for n in range(20)}),
        ("drops_an_order", {Kind.SILENT, Kind.UNBALANCED}, {"A5"}),
        ("names_nobody", {Kind.SILENT}, {FAULTY}),
    ],
)
def test_a_planted_bug_is_found_and_its_orders_are_named(
    trial: Trial, bug: str, kinds: set[Kind], named: set[str]
) -> None:
    verdict = trial.judged(bug=bug)

    assert kinds <= verdict.kinds(), str(verdict)
    assert {number for kind in kinds for number in verdict.of(kind) if number} >= named
    assert "ok" not in str(verdict).split()


def test_two_requests_of_one_order_at_once_are_found(trial: Trial) -> None:
    assert Kind.CONCURRENT in trial.judged(bug="sends_at_once").kinds()


@pytest.mark.parametrize("fault", ["http_429", "http_429_date", "maintenance"])
@pytest.mark.parametrize("bug", [None, "ignores_wait"])
def test_a_request_before_the_wait_has_ended_is_found(
    trial: Trial, fault: str, bug: str | None
) -> None:
    trial.site.sandbox.play(FaultSchedule.of([{"fault": fault, "retry_after": 2, "on": [3]}]))

    verdict = trial.judged(bug=bug)

    assert verdict.kinds() == (set() if bug is None else {Kind.EARLY}), str(verdict)


@pytest.mark.parametrize("bug", [None, "ignores_refusal"])
@pytest.mark.parametrize("fault", ["http_401", "http_403"])
def test_a_request_after_the_token_was_refused_is_found(
    trial: Trial, fault: str, bug: str | None
) -> None:
    trial.site.sandbox.play(FaultSchedule.of([{"fault": fault, "from_nth": 6}]))

    code = trial.command(bug=bug)

    found = after_refusal(trial.site.held().requests, trial.site.concurrency)
    assert bool(found) is (bug is not None), found
    assert bug is not None or code == 6


@pytest.mark.parametrize("bug", [None, "reads_nothing_back"])
def test_a_change_that_goes_out_twice_is_found(trial: Trial, bug: str | None) -> None:
    trial.site.sandbox.play(FaultSchedule.of([{"fault": "reset_applied", "attempts": [1]}]))

    verdict = trial.judged(bug=bug)

    assert verdict.kinds() == (set() if bug is None else {Kind.DOUBLED}), str(verdict)


@pytest.mark.parametrize("bug", [None, "sends_old_after_new"])
def test_an_older_version_after_a_newer_one_is_found(trial: Trial, bug: str | None) -> None:
    trial.site.sandbox.play(FaultSchedule.of([{"fault": "http_401", "from_nth": 6}]))
    assert trial.command() == 6
    trial.site.sandbox.play(FaultSchedule())
    trial.site.write()
    assert trial.command() == 0

    trial.command("resume", bug=bug)

    verdict = trial.site.verdict()
    assert (Kind.STALE in verdict.kinds()) is (bug is not None), str(verdict)


# --- claims that are changed afterwards -------------------------------------------------------------

Change = Callable[[RunClaim], RunClaim]


def _with(**outcomes: str | None) -> Change:
    def change(run: RunClaim) -> RunClaim:
        made = {**run.outcomes, **outcomes}
        return replace(run, outcomes={number: each for number, each in made.items() if each})

    return change


@pytest.mark.parametrize(
    ("change", "kind", "number"),
    [
        (_with(A7="created", NOWHERE="created"), Kind.FALSE_SUCCESS, "NOWHERE"),
        (_with(A7=None), Kind.SILENT, "A7"),
        (_with(A7="refused"), Kind.SILENT, "A7"),
        (_with(**{FAULTY: "updated"}), Kind.FALSE_SUCCESS, FAULTY),
        (_with(A7="unknown"), Kind.MISREPORTED, ""),
    ],
    ids=["invented", "dropped", "not named", "held back and delivered", "miscounted"],
)
def test_a_ledger_that_says_something_else_is_found(
    trial: Trial, change: Change, kind: Kind, number: str
) -> None:
    assert trial.command() == 0
    site = trial.site
    [run] = site.claims()

    verdict = verify(site.planned, site.held(), [change(run)], site.report(run.run), exit_code=0)

    assert number in verdict.of(kind), str(verdict)


def test_a_ledger_that_marks_as_delivered_what_was_never_sent_is_found(trial: Trial) -> None:
    """The plainest lie: the server is empty, the ledger is content."""
    assert trial.command() == 0
    site = trial.site

    verdict = verify(site.planned, Held((), {}), site.claims(), exit_code=0)

    assert len(verdict.of(Kind.FALSE_SUCCESS)) == len(verdict.of(Kind.LOST)) == 20
    assert verdict.counts["there"] == 0


def test_what_nobody_planned_is_found(trial: Trial) -> None:
    assert trial.command() == 0
    site = trial.site
    planned = replace(
        site.planned, orders={n: each for n, each in site.planned.orders.items() if n != "A4"}
    )

    verdict = verify(planned, site.held(), site.claims())

    assert verdict.of(Kind.UNEXPECTED) == ["A4"]


@pytest.mark.parametrize(
    "summary",
    [{"rows": {"read": 99, "accepted": 31, "rejected": 1, "skipped": 0}}, {"balances": False}],
)
def test_a_report_that_does_not_add_up_is_found(trial: Trial, summary: dict[str, object]) -> None:
    assert trial.command() == 0
    site = trial.site
    [run] = site.claims()
    report = site.report(run.run)
    assert report is not None

    verdict = verify(
        site.planned, site.held(), [run], replace(report, summary={**report.summary, **summary})
    )

    assert verdict.kinds() == {Kind.UNBALANCED}


def test_what_the_server_holds_is_looked_at_line_by_line(trial: Trial) -> None:
    assert trial.command() == 0
    version = trial.site.planned.orders["A0"][-1]
    order = dict(trial.site.held().orders["A0"])

    assert missing_of(version, order) is None
    assert missing_of(version, None) == "not there"
    assert "line A0-1" in str(missing_of(version, order | {"articles_order": []}))
    assert "2 times" in str(missing_of(version, order | {"trackings": order["trackings"] * 2}))
    assert "recipient_name" in str(missing_of(version, order | {"recipient_name": "Jo"}))


def test_half_a_report_is_found(trial: Trial) -> None:
    assert trial.command() == 0
    page = next(trial.site.reports.rglob("report.html"))
    page.write_bytes(page.read_bytes()[:-20])

    assert [each.partition(":")[0].endswith("report.html") for each in trial.site.halves()] == [
        True
    ]


def test_every_planted_bug_is_used() -> None:
    told = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    bugs = [bug for bug in BUGS if bug != "one_thread"]  # which is none
    assert [bug for bug in bugs if f'"{bug}"' not in told] == []
