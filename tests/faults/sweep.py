"""Each durable write of a small run fails or is the last one, in turn (FAULTS G2, G8, P7, P8, P13).

`python -m tests.faults.sweep [--every 1] [--offset 0] [--faults KILL,ENOSPC,EIO] [--orders 20]`

A first run under strace lists the writes on the ledger, the run folder and the reports. Then each of
them meets each fault in a run of its own: the process is killed there, the disk is full from there
on, or the write fails once. What the command says of it is judged, then the same command runs again
without fault and must finish, and the verifier judges what came of it.

strace counts per thread, so the ledger is written by the main thread here (`one_thread` in
`tests.faults.planted`); nothing else differs from the real command.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.sandbox import running_sandbox
from tests.faults.site import Ended, Site, ended

# The calls that make something last; `openat` where it makes a file.
CALLS = (
    "fsync",
    "fdatasync",
    "pwrite64",
    "write",
    "openat",
    "rename",
    "ftruncate",
    "unlink",
    "mkdir",
)
FAULTS = ("KILL", "ENOSPC", "EIO")
_ONE_THREAD = "one_thread"
_RUN = "{run}"
_LINE = re.compile(r"^(?P<thread>\d+) +(?P<call>\w+)\((?P<rest>.*)$")
_OF_FILE = re.compile(r"^\d+<(?P<path>[^>]*)>")
_OF_PATH = re.compile(r'^(?:AT_FDCWD<[^>]*>, )?"(?P<path>[^"]*)"')
_LEDGER_UNUSABLE = 11
_CAUSES = {
    # SQLite calls whatever a flush says an I/O error.
    "ENOSPC": ("No space left on device", "disk full", "disk is full", "disk I/O error"),
    # A file that it cannot open to write, once, SQLite opens to read.
    "EIO": ("Input/output error", "disk I/O error", "attempt to write a readonly database"),
}
_FORWARD = ("run the same command again", "run the command again", "pipeline resume")


def unavailable() -> str | None:
    """Say why strace cannot be used here; None when it can."""
    program = shutil.which("strace")
    if program is None:
        return "strace is not installed"
    tried = subprocess.run(
        [program, "-f", "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    words = tried.stderr.decode("utf-8", "replace").strip()
    return None if tried.returncode == 0 else f"strace may not trace here: {words[:200]}"


@dataclass(frozen=True, slots=True)
class Step:
    """One durable write: the n-th such call on a path; the run's name in it is `{run}`."""

    call: str
    path: str
    nth: int

    def __str__(self) -> str:
        return f"{self.call} {self.nth} of {self.path}"


@dataclass
class Tally:
    """What happened."""

    steps: int = 0
    struck: int = 0
    exits: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        codes = " ".join(f"{code}:{count}" for code, count in sorted(self.exits.items()))
        return (
            f"{self.steps} faults tried, {self.struck} struck; exit codes {codes}; "
            f"{len(self.faults)} promises broken"
        )


class Sweep:
    """One site that is emptied before each step."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.real_bug, self.tally = site.bug, Tally()
        site.write()

    def steps(self) -> list[Step]:
        """List the durable writes of a run, in the order in which they come.

        Raises:
            RuntimeError: the run that is listed did not finish.
        """
        self.site.empty()
        log = self.site.folder / "strace.txt"
        done = self._traced(log, "-y", "-e", f"trace={','.join(CALLS)}")
        if done.code != 0:
            raise RuntimeError(f"the run to be listed ended with {done.code}: {done.err[-2000:]}")
        return list(_listed(log.read_text(errors="replace"), self.site.folder))

    def strike(self, step: Step, fault: str) -> None:
        """Let one write meet one fault, then let the same command finish, and judge both."""
        self.site.empty()
        log = self.site.folder / "strace.txt"
        how = {
            "KILL": f"signal=SIGKILL:when={step.nth}",
            "ENOSPC": f"error=ENOSPC:when={step.nth}+",
            "EIO": f"error=EIO:when={step.nth}",
        }[fault]
        paths = [f"--trace-path={path}" for path in self._paths(step)]
        done = self._traced(
            log, *paths, "-e", f"trace={step.call}", "-e", f"inject={step.call}:{how}"
        )
        self.tally.steps += 1
        self.tally.exits[done.code] += 1
        struck = done.code == -signal.SIGKILL or "(INJECTED)" in log.read_text(errors="replace")
        self.tally.struck += struck
        if struck:
            self._judge_struck(step, fault, done)
        room = 2 * self.site.concurrency if struck else 0
        again = self.site.run()
        verdict = self.site.verdict(again.code, redundant_max=room)
        if again.code != 0:
            self._broken(step, fault, f"run again, it ends with {again.code}", again)
        elif not verdict.ok:
            self._broken(step, fault, f"run again: {verdict}", again)

    def _judge_struck(self, step: Step, fault: str, done: Ended) -> None:
        integrity, halves = self.site.integrity(), self.site.halves()
        if integrity != "ok":
            self._broken(step, fault, f"integrity_check says {integrity}", done)
        if halves:
            self._broken(step, fault, f"half a report: {halves}", done)
        verdict = self.site.verdict(0 if done.code == 0 else None, redundant_max=0)
        if not verdict.ok:
            self._broken(step, fault, str(verdict), done)
        if (
            fault == "KILL" or done.code == 0
        ):  # a byproduct; the verdict says that nothing is missing
            return
        if done.code != _LEDGER_UNUSABLE:
            self._broken(step, fault, f"exit {done.code} instead of {_LEDGER_UNUSABLE}", done)
        if "Traceback" in done.err:
            self._broken(step, fault, "a traceback", done)
        if not any(words in done.err for words in _CAUSES[fault]):
            self._broken(step, fault, "the cause is not said", done)
        if not any(words in done.err for words in _FORWARD):
            self._broken(step, fault, "the command to go on with is not said", done)

    def _broken(self, step: Step, fault: str, text: str, done: Ended) -> None:
        told = f"{fault} at {step}: {text}\n  exit {done.code}: {done.err[-1200:]}"
        self.tally.faults.append(told)

    def _paths(self, step: Step) -> list[str]:
        """The step's path under each name that a run may get: names hold the minute."""
        now = datetime.now(UTC)  # noqa: TID251 - the names are made from the wall clock
        names = {f"{now + timedelta(minutes=more):%Y-%m-%dT%H%M}-orders" for more in (0, 1, 2)}
        if _RUN not in step.path:
            return [step.path]
        return [step.path.replace(_RUN, name) for name in sorted(names)]

    def _traced(self, log: Path, *options: str) -> Ended:
        # strace 6.1 sends no signal where seccomp lets it sleep through the other calls.
        quick = [] if any("signal=" in option for option in options) else ["--seccomp-bpf"]
        wrap = ["strace", "-f", *quick, "-o", str(log), *options]
        self.site.bug = ",".join(filter(None, (self.real_bug, _ONE_THREAD)))
        try:
            # Compiled modules are no writes of ours.
            quiet = {"PYTHONDONTWRITEBYTECODE": "1", "PIPELINE_TIMEZONE": "UTC"}
            return ended(self.site.start(wrap=wrap, environment=quiet), 300.0)
        finally:
            self.site.bug = self.real_bug


def _listed(log: str, folder: Path) -> Iterator[Step]:
    seen: Counter[tuple[str, str, str]] = Counter()
    told = set()
    for line in log.splitlines():
        found = _LINE.match(line)
        if found is None or (found["call"] == "openat" and "O_CREAT" not in found["rest"]):
            continue
        path = _OF_FILE.match(found["rest"]) or _OF_PATH.match(found["rest"])
        if path is None or not _is_ours(path["path"], folder):
            continue
        named = re.sub(r"\d{4}-\d\d-\d\dT\d{4}-orders", _RUN, path["path"])
        seen[found["thread"], found["call"], named] += 1
        step = Step(found["call"], named, seen[found["thread"], found["call"], named])
        if step not in told:
            told.add(step)
            yield step


def _is_ours(path: str, folder: Path) -> bool:
    ours = (str(folder / ".pipeline"), str(folder / "reports"))
    # What is shared between processes in memory lasts no longer than they do.
    return path.startswith(ours) and not path.endswith("-shm")


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep, and exit with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sweep", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only each n-th write")
    parser.add_argument("--offset", type=int, default=0, help="the first one")
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--list", action="store_true", help="only list the writes")
    parser.add_argument("--bug", help="plant one: the tool must find it")
    told = parser.parse_args(arguments)
    reason = unavailable()
    if reason is not None:
        sys.stderr.write(f"sweep: {reason}\n")
        return 2
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as sandbox:
        site = Site(Path(folder), sandbox, orders=told.orders, concurrency=2, bug=told.bug)
        sweep = Sweep(site)
        steps = sweep.steps()
        chosen = [] if told.list else steps[told.offset :: told.every]
        if told.list:
            sys.stdout.writelines(f"{step}\n" for step in steps)
        for nth, step in enumerate(chosen):
            for fault in told.faults.split(","):
                before = len(sweep.tally.faults)
                sweep.strike(step, fault)
                for broken in sweep.tally.faults[before:]:
                    sys.stderr.write(f"{broken}\n")
            sys.stderr.write(f"{nth + 1}/{len(chosen)} {step}: {sweep.tally}\n")
    verdict = "FAULTY" if sweep.tally.faults else "ok"
    minutes = (time.monotonic() - started) / 60
    sys.stdout.write(f"{verdict}: {len(steps)} durable writes; {sweep.tally}; {minutes:.1f} min\n")
    return 1 if sweep.tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
