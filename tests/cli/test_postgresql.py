"""The command line with a ledger in PostgreSQL, named by the environment."""

from pathlib import Path

import pytest

from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call
from tests.cli.test_exit_codes import RUN, name
from tests.databases import POSTGRESQL, Database

pytestmark = POSTGRESQL


def test_doctor_status_and_run_say_where_the_ledger_is_and_never_the_password(
    call: Call,
    files: Path,
    api: RunningSandbox,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIPELINE_LEDGER", database.location)
    before = call("doctor")
    assert "none yet; the first run makes it" in before.out
    assert call("status", "--json").json()["runs"] == []
    ran = call(*RUN, "--json")
    assert ran.code == 0
    after = call("doctor")
    assert "opens (PostgreSQL 1" in after.out
    assert "fsync off" in after.out  # so runs the server of the tests
    [run] = call("status", "--json").json()["runs"]
    assert run["state"] == "finished"
    assert len(api.puts()) > 0
    assert not (files / ".pipeline" / "ledger.db").exists()
    for said in (before, ran, after):
        assert "gull-and-heron" not in said.out + said.err


def test_a_server_that_is_not_there_is_exit_11(
    call: Call,
    files: Path,
    api: RunningSandbox,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert database.server is not None
    assert files.is_dir()
    monkeypatch.setenv("PIPELINE_LEDGER", database.server.url(port=1))
    for command in (RUN, ("status",), ("doctor",)):
        said = call(*command, "--json")
        assert (said.code, name(said)) == (11, "ledger")
        assert "gull-and-heron" not in said.out + said.err
    assert api.puts() == []
