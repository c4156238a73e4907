"""What all tests share.

In CI a skipped test fails the run, because CI installs what tests need. Examples of Hypothesis have
no deadline: a busy machine is no failure.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import Database, Server, missing, running_server

settings.register_profile("pipeline", settings(), deadline=None)
settings.load_profile("pipeline")


class _Skips:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.seen.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.seen.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.seen and not hasattr(session.config, "workerinput"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.seen:
            terminalreporter.write_line(f"CI skips no test, but skipped: {', '.join(self.seen)}")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI") == "true":  # noqa: TID251 - the tests' own environment
        config.pluginmanager.register(_Skips(), "skips")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server for the tests of one process."""
    why_not = missing()
    if why_not is not None:
        pytest.skip(why_not)
    with running_server() as server:
        yield server


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A place for a ledger that no other test uses: in a file, unless a test asks for more."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        return Database(kind, str(tmp_path / "state" / "ledger.db"))
    server: Server = request.getfixturevalue("postgresql")
    return Database(kind, server.url(schema=server.new_schema()), server)
