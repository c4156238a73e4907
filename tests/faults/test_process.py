"""What happens to a process: signals twice, terminals that go, limits of the system (FAULTS §4.1)."""

import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.sandbox import FaultSchedule, RunningSandbox
from tests.faults.site import Site, ended

pytestmark = pytest.mark.thorough


@pytest.fixture
def site(tmp_path: Path, sandbox: RunningSandbox) -> Site:
    made = Site(tmp_path, sandbox, orders=40)
    made.write()
    return made


def _sending(site: Site) -> subprocess.Popen[str]:
    """Start the command and wait until requests are in flight."""
    # whoever runs the tests may ignore the end of a terminal (nohup), and children inherit that
    process = site.start(wrap=["env", "--default-signal=HUP"])
    until = time.monotonic() + 60
    while not site.sandbox.requests():
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.01)
    return process


def _finishes(site: Site) -> None:
    site.sandbox.play(FaultSchedule())
    again = site.run()
    verdict = site.verdict(again.code, redundant_max=2 * site.concurrency)
    assert again.code == 0, again.err
    assert verdict.ok, str(verdict)


def test_p4_a_terminal_that_goes_ends_it_like_a_kill(site: Site) -> None:
    site.sandbox.play(FaultSchedule.of([{"fault": "stall"}]))
    process = _sending(site)
    process.send_signal(signal.SIGHUP)

    done = ended(process, 30)

    assert done.code in (-signal.SIGHUP, 128 + signal.SIGHUP)
    assert "Traceback" not in done.err
    assert site.integrity() == "ok"
    assert site.verdict().ok
    _finishes(site)


def test_p4_nobody_reads_what_it_says(site: Site) -> None:
    process = site.start()
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()

    assert process.wait(120) == 0

    verdict = site.verdict(0)
    assert verdict.ok, str(verdict)


def _limited(site: Site, kind: int, limit: int) -> tuple[int, str]:
    # `prlimit` of util-linux, so that nothing runs between fork and exec of this threaded process
    name = {resource.RLIMIT_NOFILE: "nofile", resource.RLIMIT_AS: "as"}[kind]
    process = site.start(wrap=["prlimit", f"--{name}={limit}"])
    done = ended(process, 300)
    return done.code, done.err


def test_p10_too_few_open_files_are_said_and_nothing_is_lost(site: Site) -> None:
    config = site.folder / "pipeline.toml"
    text = config.read_text()
    config.write_text(text.replace("concurrency = 4", "concurrency = 200\noutage_stop_s = 3"))
    site.sandbox.play(FaultSchedule.of([{"fault": "slow", "delay_s": 0.3}]))

    code, err = _limited(site, resource.RLIMIT_NOFILE, 64)

    assert code in (0, 5, 11), err
    assert "Traceback" not in err
    assert site.verdict(code if code == 0 else None).ok
    config.write_text(text)
    _finishes(site)


def test_p6_too_little_memory_loses_nothing(site: Site) -> None:
    code, err = _limited(site, resource.RLIMIT_AS, 700 * 2**20)

    assert code != 0 or site.verdict(0).ok, err
    assert site.integrity() == "ok"
    _finishes(site)
