"""A command line without the machine's own environment, and a sandbox for those that send."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.app import cli
from pipeline.sandbox import FaultSchedule, RunningSandbox, running_sandbox

TOKEN = "0123456789canary9c1f"

MAPPING = """\
version: 1
name: small
rows: {key: Nr}
source: {files: "*.csv"}
order:
  order_number: Nr
  destination_country_iso3: Land
  recipient_email: EMail
"""
HEADER = "Nr,Land,EMail"


@dataclass(frozen=True)
class Said:
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        assert self.out.count("\n") == 1, self.out
        document: dict[str, Any] = json.loads(self.out)
        assert document["exit"]["code"] == self.code
        return document


Call = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh present folder, and an environment that says nothing to us."""
    for name in os.environ:  # noqa: TID251 - the tests' own environment
        if name.startswith(("PIPELINE_", "PARCELLAB_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def call(folder: Path) -> Call:
    """Run the command in this process."""
    assert folder.is_dir()

    def run(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Said:
        result: Result = CliRunner(env=env).invoke(cli, arguments, input=stdin)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def shell(folder: Path) -> Call:
    """Run the command as a process of its own, with pipes for streams."""

    def run(*arguments: str, env: Mapping[str, str] | None = None) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            capture_output=True, text=True, check=False, cwd=folder, timeout=60,
            env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, encoding="utf-8",  # noqa: TID251 - the tests' own environment
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def one_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def api(
    one_sandbox: RunningSandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> RunningSandbox:
    """An empty sandbox that the default profile points at."""
    assert folder.is_dir()
    one_sandbox.play(FaultSchedule())
    one_sandbox.reset()
    monkeypatch.setenv("PIPELINE_BASE_URL", one_sandbox.base_url)
    return one_sandbox


@pytest.fixture
def files(folder: Path) -> Path:
    """A mapping and a file of two good orders."""
    (folder / "small.yaml").write_text(MAPPING)
    orders(folder, "A1,DE,a@example.com", "A2,AT,b@example.com")
    return folder


def orders(folder: Path, *rows: str, name: str = "orders.csv") -> Path:
    """Write an export with these rows."""
    path = folder / name
    path.write_text("\n".join([HEADER, *rows, ""]))
    return path
