"""The demo: what it runs, and what it tells a newcomer to type afterwards."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.sandbox import read_puts

WORDS = "correct an order yourself"
ORDER = "LN-200996"  # a country in one letter: `A` for Austria


def typed_after(words: str, text: str) -> list[str]:
    """The commands that are shown below these words, in their order."""
    return re.findall(r"^ {7}(\S.*)$", text.partition(words)[2], re.MULTILINE)


@dataclass(frozen=True)
class Demo:
    """What one demo left: both streams, and the folder and the environment in which it ran."""

    out: str
    err: str
    folder: Path
    terminal: dict[str, str]

    @property
    def home(self) -> Path:
        return self.folder / ".pipeline" / "demo"


pytestmark = pytest.mark.thorough  # `make demo` itself


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One demo for all tests of this file: they look at it, and one types what it says."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "pipeline.toml").write_text('timezone = "Asia/Kathmandu"\n')
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}  # noqa: TID251 - the tests' own environment
    terminal = {**kept, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "TZ": "UTC"}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "demo"],
        capture_output=True, text=True, check=True, cwd=folder, env=terminal, timeout=120,
    )  # fmt: skip
    return Demo(done.stdout, done.stderr, folder, terminal)


def test_the_demo_imports_a_night_and_ends_well(demo: Demo) -> None:
    assert "First run" in demo.out
    assert "Second run" in demo.out
    assert "X12 940" in demo.out
    assert "80 EDI messages: 70 accepted, 10 rejected" in demo.out
    assert "did not end as it should" not in demo.out


def test_the_demo_says_its_zone_and_keeps_to_it(demo: Demo) -> None:
    assert "Times are those of Asia/Kathmandu." in demo.out
    stamps = [line.split()[0] for line in demo.err.splitlines() if " INFO " in line]
    assert {stamp[-6:] for stamp in stamps} == {"+05:45"}
    run_id = demo.err.partition("run=")[2].split()[0]
    assert run_id.startswith(f"{stamps[0][:13]}{stamps[0][14:16]}")
    assert f"{stamps[0][11:16]}" in (demo.home / "reports" / run_id / "report.html").read_text()


def test_the_page_of_the_demo_names_the_command_that_the_demo_names(demo: Demo) -> None:
    [retry] = [line for line in typed_after(WORDS, demo.out) if line.startswith("pipeline retry")]
    page = min((demo.home / "reports").glob("*-nord-orders/report.html"))
    command = "pipeline retry --config .pipeline/demo/pipeline.toml"
    assert retry.startswith(f"{command} .pipeline/demo/reports/")
    shown = page.read_text(encoding="utf-8")
    assert re.search(rf"<code>{re.escape(command)} \S+/rejected/\S+\.rejected\.csv", shown)


@pytest.mark.thorough
def test_what_the_demo_says_to_type_closes_an_open_item(demo: Demo) -> None:
    """In a fresh terminal, and all lines pasted at once: the sandbox is still starting then."""
    activate, *commands = typed_after(WORDS, demo.out)
    [listed] = [line for line in commands if " open-items list " in line]
    script = "\n".join([activate, listed, "echo now", *commands, "wait"])

    told = subprocess.run(
        ["/bin/bash", "-c", script], capture_output=True, text=True, check=False, timeout=120,
        cwd=demo.folder, env=demo.terminal, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    before, _, after = told.stdout.partition("now\n")
    assert ORDER in before, told.stderr
    assert ORDER not in after, told.stdout + told.stderr
    assert "1 of 89 orders arrived" in after
    puts = {put.order_number: put for put in read_puts(demo.home / "sandbox")[-3:]}
    assert b'"destination_country_iso3":"AUT"' in puts[ORDER].body
