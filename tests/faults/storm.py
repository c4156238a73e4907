"""Many orders through a server that fails most requests (FAULTS G1, G4, G5, G6, G9).

`python -m tests.faults.storm --orders 10000 --seeds 5 [--profiles storm,flaky] [--database URL] [--jobs 5]`
`python -m tests.faults.storm --outage` and the ten minutes of total outage of G5

The sandbox runs in this process, the real command in others: it is run again for as long as it says
"stopped early, run again" (exit 5). In the end the verifier compares files, server, ledger, report.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pipeline.sandbox import FaultRule, FaultSchedule, RunningSandbox, running_sandbox
from tests.faults.site import DATABASE, Site, ledger_at
from tests.faults.verifier import Verdict

GATES = {"flaky": 1.5, "storm": 3.5}  # requests per payload (G5)
OUTAGE_MAX = 60  # requests in ten minutes of outage (G5)
_UNFINISHED = 5
_RUNS_MAX = 60
_CONCURRENCY = 16
# Waits that last long enough to be seen: the profile's own are over before a request could come.
_WAITS = (
    FaultRule(fault="http_429", on=(40,), retry_after=2),
    FaultRule(fault="http_429_date", on=(400,), retry_after=3),
    FaultRule(fault="maintenance", on=(900,), retry_after=2),
)


@dataclass(frozen=True, slots=True)
class Weathered:
    """How a storm ended; `faults` counts the requests that met one, by its name."""

    profile: str
    seed: int
    verdict: Verdict
    runs: int
    code: int
    seconds: float
    payloads: int
    requests: int
    faults: Mapping[str, int]

    @property
    def per_payload(self) -> float:
        """Requests for each payload that had to arrive."""
        return self.requests / self.payloads

    @property
    def ok(self) -> bool:
        """All there, everything true, and not too many requests."""
        return self.verdict.ok and self.code == 0 and self.per_payload <= GATES[self.profile]

    def __str__(self) -> str:
        return (
            f"{'ok' if self.ok else 'FAULTY'} {self.profile} seed {self.seed}: exit {self.code} after "
            f"{self.runs} runs, {self.seconds:.0f} s; {self.per_payload:.2f} requests per payload "
            f"(at most {GATES[self.profile]}); {sum(self.faults.values())} of {self.requests} faulted\n"
            f"{self.verdict}"
        )


def weather(
    folder: Path, sandbox: RunningSandbox, profile: str, seed: int, *,
    orders: int, database: str | None = None, bug: str | None = None, versions: int = 2,
) -> Weathered:  # fmt: skip
    """Import versions of a file through a storm; each one changes every order."""
    site = Site(
        folder, sandbox, orders=orders, concurrency=_CONCURRENCY, ledger=database, bug=bug,
        pace={"attempts": 12},
    )  # fmt: skip
    schedule = FaultSchedule.profile(profile, seed=seed)
    sandbox.play(FaultSchedule((*_WAITS, *schedule.rules)))
    started = time.monotonic()
    runs, code = 0, _UNFINISHED
    for _ in range(versions):
        site.write()
        code = _UNFINISHED
        while code == _UNFINISHED and runs < _RUNS_MAX:
            code = site.run(timeout_s=3600).code
            runs += 1
    requests = [each for each in sandbox.requests() if each.method == "PUT"]
    faults = Counter(each.fault for each in requests if each.fault)
    verdict = site.verdict(code)
    return Weathered(
        profile, seed, verdict, runs, code, time.monotonic() - started, versions * orders, len(requests), faults
    )  # fmt: skip


def outage(
    folder: Path, sandbox: RunningSandbox, pace: Mapping[str, object]
) -> tuple[int, int, str]:
    """Run against a server that only says 503; gives exit code, requests, and what is wrong."""
    site = Site(folder, sandbox, orders=2000, concurrency=_CONCURRENCY, pace=pace)
    site.write()
    sandbox.play(FaultSchedule.profile("outage"))
    done = site.run(timeout_s=1200)
    asked = len(sandbox.requests())
    verdict = site.verdict()
    wrong = [] if done.code == _UNFINISHED else [f"exit {done.code} instead of {_UNFINISHED}"]
    wrong += [] if asked <= OUTAGE_MAX else [f"{asked} requests, at most {OUTAGE_MAX}"]
    wrong += [] if verdict.ok else [str(verdict)]
    wrong += [] if "resume" in done.err else [f"no word of how to go on: {done.last_line}"]
    return done.code, asked, "; ".join(wrong)


def main(arguments: Sequence[str] | None = None) -> int:
    """Let it storm, and exit with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.storm", description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--versions", type=int, default=2, help="files; each changes every order")
    parser.add_argument("--profiles", default="storm")
    parser.add_argument("--database", help=DATABASE)
    parser.add_argument(
        "--jobs", type=int, default=1, help="storms at a time; most of one is waiting"
    )
    parser.add_argument("--outage", action="store_true", help="ten minutes of total outage instead")
    parser.add_argument("--bug", help="plant one: the tool must find it")
    told = parser.parse_args(arguments)
    if told.outage:
        return _outage()
    cases = [
        (profile, seed, told.orders, told.versions, told.database, told.bug)
        for profile in told.profiles.split(",")
        for seed in range(1, told.seeds + 1)
    ]
    faulty = 0
    with ProcessPoolExecutor(told.jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed(pool.submit(_case, *case) for case in cases):
            ended = done.result()
            faulty += not ended.ok
            sys.stdout.write(f"{ended}\n")
            sys.stdout.flush()
    return 1 if faulty else 0


def _case(
    profile: str, seed: int, orders: int, versions: int, database: str | None, bug: str | None
) -> Weathered:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox() as sandbox,
        ledger_at(database) as url,
    ):
        return weather(
            Path(folder), sandbox, profile, seed, orders=orders, database=url, bug=bug, versions=versions
        )  # fmt: skip


def _outage() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as sandbox:
        code, asked, wrong = outage(Path(folder), sandbox, {})
    minutes = (time.monotonic() - started) / 60
    verdict = f"FAULTY: {wrong}" if wrong else "ok"
    sys.stdout.write(
        f"{verdict}: {asked} requests in {minutes:.1f} min of outage, then exit {code}\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
