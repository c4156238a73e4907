"""What all tests share.

In CI a skipped test fails the run, because CI installs what tests need. Examples of Hypothesis have
no deadline: a busy machine is no failure.
"""

import os

import pytest
from hypothesis import settings

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
