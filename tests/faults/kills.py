"""The command, hit by signals at random instants and run again until it exits 0 (FAULTS G2, G3, G7).

`python -m tests.faults.kills --kills 1000 --signals KILL,TERM,INT,STOP --seed 1 [--database URL]`

The sandbox runs in this process, the real command in others. After each hit the verifier judges what
the ledger claims by what the sandbox holds; after each file that is done the same command again must
send nothing. Instants are drawn over the whole life of the command, from its start to its report.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.sandbox import SandboxSettings, running_sandbox
from tests.faults.site import DATABASE, Ended, Site, ended, ledger_at
from tests.faults.verifier import redundant

_LATENCY_S = 0.04  # of the sandbox: sending is where a kill can hurt most
_GONE_S = 30.0  # a signal that may be answered in peace: 10 s normally, 30 s hard (G7)
# Hit before the first line of ours: Python itself ends then, with a status and words of its own.
_PYTHON_STARTS = "init_import_site"
_LOCKED = 10
_EVERY_AGAIN = 5  # after each n-th version the same command must send nothing
_EVERY_UNFINISHED = 8  # each n-th version is overtaken by the next one before it is done
_RUNS_MAX = 60  # of one version, before we say that it never ends
_LONGER = 1.1  # per start of a version: instants are drawn over so much more of time
_AGAIN = (5, 130, 143)  # stopped early; the same command again goes on

Say = Callable[[str], object]


@dataclass
class Tally:
    """What happened."""

    hits: Counter[str] = field(default_factory=Counter)  # by signal
    stages: Counter[str] = field(default_factory=Counter)  # by what the command was doing
    exits: Counter[int] = field(default_factory=Counter)
    versions: int = 0
    resent: int = 0
    slowest_s: float = 0.0  # from TERM or INT to the end of the process
    faults: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many signals hit."""
        return self.hits.total()

    def __str__(self) -> str:
        def told(counts: Counter[str]) -> str:
            return " ".join(f"{name}={count}" for name, count in sorted(counts.items()))

        return (
            f"{self.total} signals ({told(self.hits)}) while {told(self.stages)}; "
            f"{self.versions} files done; {self.resent} requests repeated; "
            f"slowest end {self.slowest_s:.1f} s; {len(self.faults)} faults"
        )


class Kills:
    """One site and its command, hit again and again."""

    def __init__(
        self, site: Site, signals: Sequence[str], seed: int, *, while_sending: bool = False
    ) -> None:
        """Take the site; `while_sending`: hit only then."""
        self.site = site
        self._while_sending = while_sending
        self.tally = Tally()
        self._signals = [signal.Signals[f"SIG{name}"] for name in signals]
        self._chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self._span_s = 0.0
        self._hard = 0  # SIGKILLs so far: each may leave 2 x concurrency orders unconfirmed

    def go(self, kills: int, say: Say) -> Tally:
        """Hit so often, bring everything to its end, and judge."""
        self._measure()
        while self.tally.total < kills and not self.tally.faults:
            self.site.write()
            self._one_version(kills)
            say(str(self.tally))
        self._finish_all()
        return self.tally

    def _measure(self) -> None:
        """Let one file through undisturbed: how long does the command live?"""
        self.site.write()
        started = time.monotonic()
        done = self.site.run()
        self._span_s = time.monotonic() - started
        self._judge(done.code, done)
        self.tally.versions += 1

    def _one_version(self, kills: int) -> None:
        overtaken = self.tally.versions % _EVERY_UNFINISHED == _EVERY_UNFINISHED - 1
        for nth in range(_RUNS_MAX):
            if self.tally.faults or (overtaken and nth == 2 and self.tally.total < kills):
                break
            # The machine may have become slower since the life of the command was measured.
            span_s = self._span_s * _LONGER**nth
            code = self._one_process(span_s, hit=self.tally.total < kills)
            if code == 0:
                if self.tally.versions % _EVERY_AGAIN == 1:
                    self._again_sends_nothing()
                break
        else:
            self.tally.faults.append(f"not done after {_RUNS_MAX} starts")
        self.tally.versions += 1

    def _one_process(self, span_s: float, *, hit: bool) -> int:
        """Start the command and hit it once, perhaps; gives its exit code."""
        asked, folders = len(self.site.sandbox.requests()), self._folders()
        process = self.site.start()
        started = time.monotonic()
        if hit and self._while_sending:
            while len(self.site.sandbox.requests()) == asked and process.poll() is None:
                time.sleep(0.01)
        while hit:
            left = span_s - (time.monotonic() - started)
            longest = 0.2 if self._while_sending else max(left, 0.05)
            if not _alive_after(process, self._chance.uniform(0, longest)):
                break
            number = self._chance.choice(self._signals)
            self._note(number, asked, folders)
            process.send_signal(number)
            if number is not signal.SIGSTOP:
                return self._after(process, number)
            time.sleep(self._chance.uniform(0.05, 0.4))
            process.send_signal(signal.SIGCONT)
        done = ended(process, 300.0)
        if done.code == _LOCKED:  # a database lets go of a dead client's lock in its own time
            time.sleep(0.2)
        elif done.code not in (0, *_AGAIN):
            self._fault(f"exit {done.code}", done)
        self._judge(done.code, done)
        return done.code

    def _after(self, process: subprocess.Popen[str], number: signal.Signals) -> int:
        sent = time.monotonic()
        try:
            done = ended(process, _GONE_S)
        except subprocess.TimeoutExpired:
            self.tally.faults.append(f"still there {_GONE_S:g} s after {number.name}")
            return -1
        if number is signal.SIGKILL:
            self._hard += 1
        else:
            self.tally.slowest_s = max(self.tally.slowest_s, time.monotonic() - sent)
            # Before its handlers stand, the signal ends the process as it ends any.
            if done.code not in (0, 128 + number, -number) and _PYTHON_STARTS not in done.err:
                self._fault(f"exit {done.code} after {number.name}", done)
            if "Traceback" in done.err and done.code == 128 + number:
                self._fault(f"a traceback after {number.name}", done)
        # 0 although it was hit: everything had its answer already.
        self._judge(0 if done.code == 0 else None, done)
        return done.code

    def _folders(self) -> set[str]:
        return {path.name for path in (self.site.home / "runs").glob("*")}

    def _note(self, number: signal.Signals, asked: int, folders: set[str]) -> None:
        self.tally.hits[number.name] += 1
        stage = "starting" if self._folders() == folders else "preparing"
        if len(self.site.sandbox.requests()) > asked:
            stage = "sending or reporting"
        self.tally.stages[stage] += 1

    # --- what is judged -------------------------------------------------------------------------

    def _judge(self, code: int | None, done: Ended) -> None:
        self.tally.exits[done.code] += 1
        integrity = self.site.integrity()
        if integrity != "ok":
            self._fault(f"the ledger's integrity_check says {integrity}", done)
        room = 2 * self.site.concurrency
        unconfirmed = sum(
            outcome == "sending"
            for run in self.site.claims()[-1:]
            for outcome in run.outcomes.values()
        )
        if unconfirmed > 2 * room:  # what the kill before left, and what this one did
            self._fault(f"{unconfirmed} orders unconfirmed, at most {2 * room} may be", done)
        halves = self.site.halves()
        if halves:
            self._fault(f"half a report: {'; '.join(halves)}", done)
        verdict = self.site.verdict(0 if code == 0 else None, redundant_max=room * self._hard)
        if not verdict.ok:
            self._fault(str(verdict), done)
        self.tally.resent = redundant(self.site.planned, self.site.held())

    def _again_sends_nothing(self) -> None:
        before = sum(each.method == "PUT" for each in self.site.sandbox.requests())
        again = self.site.run()
        sent = sum(each.method == "PUT" for each in self.site.sandbox.requests()) - before
        if again.code != 0 or sent:
            self._fault(
                f"a finished file was sent again: {sent} requests, exit {again.code}", again
            )

    def _finish_all(self) -> None:
        """Bring runs that were overtaken to their end: nothing of them may go out any more."""
        if self.tally.faults:
            return
        done = self.site.run()
        self._judge(done.code, done)
        for _ in range(self.tally.versions):
            resumed = self.site.run("resume")
            self._judge(None, resumed)
            if resumed.code != 0 or "nothing to resume" in resumed.out or self.tally.faults:
                break
        verdict = self.site.verdict(redundant_max=2 * self.site.concurrency * self._hard)
        if not verdict.ok or verdict.counts["there"] != verdict.counts["orders"]:
            self.tally.faults.append(f"in the end: {verdict}")

    def _fault(self, text: str, done: Ended) -> None:
        self.tally.faults.append(f"{text}\n  exit {done.code}: {done.err[-1500:]}")


def _alive_after(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Hit, and exit with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--signals", default="KILL,TERM,INT,STOP")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--database", help=DATABASE)
    parser.add_argument("--while-sending", action="store_true", help="hit only then")
    parser.add_argument("--bug", help="plant one: the tool must find it")
    told = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox(SandboxSettings(latency_s=_LATENCY_S)) as sandbox,
        ledger_at(told.database) as url,
    ):
        site = Site(Path(folder), sandbox, orders=told.orders, ledger=url, bug=told.bug)
        started = time.monotonic()
        loop = Kills(site, told.signals.split(","), told.seed, while_sending=told.while_sending)
        tally = loop.go(told.kills, _progress)
    for fault in tally.faults:
        sys.stderr.write(f"{fault}\n")
    verdict = "FAULTY" if tally.faults else "ok"
    sys.stdout.write(f"{verdict}: {tally}; {(time.monotonic() - started) / 60:.1f} min\n")
    return 1 if tally.faults else 0


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
