"""Every exit code of CLI §3 that a command of this version can end with, through a sandbox."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.sandbox import FaultRule, FaultSchedule, RunningSandbox
from tests.cli.conftest import MAPPING, Call, Said, orders

RUN = ("run", "-m", "small.yaml", "orders.csv")
PLAN = ("plan", "-m", "small.yaml", "orders.csv")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROD = '[profile.prod]\nbase_url = "{url}"\naccount = 1618\n'


def name(said: Said) -> str:
    return str(json.loads(said.out)["exit"]["name"])


def test_0_everything_arrived(call: Call, files: Path, api: RunningSandbox) -> None:
    said = call(*RUN, "--json")
    assert (said.code, name(said)) == (0, "ok")
    assert {order["order_number"] for order in api.orders()} == {"A1", "A2"}
    assert said.json()["report"].startswith(str(files))
    said = call("status")
    assert said.code == 0
    assert "\n            orders: created 2\n" in said.out


def test_0_the_second_run_sends_nothing(call: Call, files: Path, api: RunningSandbox) -> None:
    call(*RUN)
    sent = len(api.puts())
    assert call(*RUN).code == 0
    assert len(api.puts()) == sent
    assert files.is_dir()


def test_0_a_plan_sends_nothing_and_then_exactly_itself(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    said = call(*PLAN, "--json", "--out", "p")
    assert said.code == 0
    assert said.json()["plan"] == str(files / "p")
    assert api.puts() == []
    assert call("run", "p").code == 0
    assert len(api.puts()) == 2


def test_a_plan_says_how_to_send_it_only_if_there_is_something_to_send(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert f"Send it:  pipeline run {files / 'p'}\n" in call(*PLAN, "--out", "p").out
    call(*RUN)
    again = call(*PLAN, "--out", "q")
    assert again.code == 0
    assert "Send it" not in again.out
    assert "Nothing to send.\n" in again.out
    assert len(api.puts()) == 2


def test_2_a_stale_plan(call: Call, files: Path, api: RunningSandbox) -> None:
    call(*PLAN, "--out", "p")
    orders(files, "A9,DE,z@example.com")
    said = call("run", "p", "--json")
    assert (said.code, said.json()["error"]["code"]) == (2, "C135")
    assert api.puts() == []


def test_2_no_token_for_production(call: Call, files: Path, api: RunningSandbox) -> None:
    (files / "pipeline.toml").write_text(PROD.format(url=api.base_url))
    said = call(*RUN, "--profile", "prod", "--json")
    assert (said.code, said.json()["error"]["code"]) == (2, "C108")
    assert api.requests() == []


def test_2_nobody_to_ask(call: Call, files: Path, api: RunningSandbox) -> None:
    (files / "pipeline.toml").write_text(PROD.format(url=api.base_url))
    env = {"PARCELLAB_TOKEN": "sandbox-token"}
    said = call(*RUN, "--profile", "prod", env=env)
    assert said.code == 2
    assert said.err.splitlines()[-2] == (
        "error[C110]: there is no terminal to ask:"
        f" Send 2 orders to parcelLab account 1618 at {api.base_url} (PRODUCTION)?"
    )
    assert said.err.splitlines()[-1].startswith("  help: add --yes")
    assert api.requests() == []
    assert call(*RUN, "--profile", "prod", "--yes", env=env).code == 0
    assert len(api.orders()) == 2


def test_2_a_backfill_wants_a_confirmation_and_says_what_it_does(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    said = call(*RUN, "--backfill")
    assert said.code == 2
    assert "trackings get notifications_inactive=true" in said.err
    assert api.requests() == []
    assert call(*RUN, "--backfill", "--yes").code == 0
    assert files.is_dir()


def test_2_a_mapping_with_mistakes(call: Call, files: Path) -> None:
    (files / "small.yaml").write_text(MAPPING.replace("recipient_email", "recipient_mail"))
    said = call(*RUN)
    assert said.code == 2
    assert "error[M101]" in said.err
    assert "--> small.yaml:8:3" in said.err


def test_3_some_rows_were_rejected(call: Call, files: Path, api: RunningSandbox) -> None:
    orders(files, "A1,DE,a@example.com", "A2,XX,b@example.com")
    said = call(*RUN, "--json")
    assert (said.code, name(said)) == (3, "partial")
    assert [order["order_number"] for order in api.orders()] == ["A1"]
    assert call("status", "--json").json()["exit"]["name"] == "partial"
    assert call("status").code == 3
    assert call(*PLAN).code == 3
    orders(files, "A3,DE,a@example.com", "A4,XX,b@example.com")
    assert call(*RUN, "--partial-ok").code == 0


def test_3_the_api_refused_an_order(call: Call, files: Path, api: RunningSandbox) -> None:
    rule = FaultRule(fault="http_400_a", order_numbers=("A1",))
    api.play(FaultSchedule((rule,)))
    assert call(*RUN).code == 3
    assert files.is_dir()


def test_4_a_file_is_missing(call: Call, files: Path, api: RunningSandbox) -> None:
    said = call("run", "-m", "small.yaml", "nothing.csv", "--json")
    assert (said.code, name(said)) == (4, "input")
    assert api.requests() == []
    assert files.is_dir()


def test_4_a_header_lacks_a_column(call: Call, files: Path, api: RunningSandbox) -> None:
    (files / "orders.csv").write_text("Nr,Land,Mail\nA1,DE,a@example.com\n")
    said = call(*RUN)
    assert said.code == 4
    assert 'unknown column "EMail"' in said.err
    assert "error: orders.csv does not have the columns that small.yaml names" in said.err
    assert said.err.endswith("  help: its header is: Nr, Land, Mail\n")
    assert api.requests() == []


def test_5_the_api_is_away_and_resume_finishes(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    api.play(FaultSchedule((FaultRule(fault="http_5xx"),)))
    impatient = {
        "PIPELINE_ATTEMPTS": "1",
        "PIPELINE_OUTAGE_FAILURES": "1",
        "PIPELINE_OUTAGE_PROBE_S": "0.1",
        "PIPELINE_OUTAGE_STOP_S": "0.3",
    }
    said = call(*RUN, env=impatient)
    assert said.code == 5
    assert "Continue with: pipeline resume " in said.err
    quiet = call("-q", *RUN, env=impatient)
    assert quiet.err.splitlines()[-1].startswith("Continue with: pipeline resume ")
    run_id = said.err.split("pipeline resume ")[1].split()[0]
    api.play(FaultSchedule())
    assert call("resume", run_id).code == 0
    assert len(api.orders()) == 2
    assert call("resume").out.startswith("nothing to resume")
    assert files.is_dir()


def test_6_the_token_is_refused(call: Call, files: Path, api: RunningSandbox) -> None:
    api.play(FaultSchedule((FaultRule(fault="http_401", methods=("PUT", "GET")),)))
    said = call(*RUN, "--json")
    assert (said.code, name(said)) == (6, "auth")
    assert call("doctor").code == 6
    assert files.is_dir()


GUARDS = [
    (("--min-rows", "3"), "C120"),
    (("--max-orders", "1"), "C121"),
]


@pytest.mark.parametrize(("options", "code"), GUARDS)
def test_7_a_guard_stops_before_sending(
    call: Call, files: Path, api: RunningSandbox, options: tuple[str, ...], code: str
) -> None:
    said = call(*RUN, *options, "--json")
    assert (said.code, name(said)) == (7, "guard")
    assert said.json()["stopped"]["code"] == code
    assert said.json()["summary"]["verdict"] == "STOPPED BEFORE SENDING"
    assert api.requests() == []
    assert files.is_dir()


def test_7_too_many_rejections(call: Call, files: Path, api: RunningSandbox) -> None:
    good = [f"A{n},DE,a@example.com" for n in range(30)]
    orders(files, *good, *[f"B{n},XX,a@example.com" for n in range(10)])
    assert call(*RUN).code == 7
    assert api.requests() == []
    assert call(*RUN, "--max-reject-rate", "30%").code == 3
    assert len(api.orders()) == 30


def test_9_nothing_to_import(call: Call, files: Path, api: RunningSandbox) -> None:
    orders(files)
    assert call(*RUN).code == 0
    said = call(*RUN, "--fail-on-empty", "--json")
    assert (said.code, name(said)) == (9, "empty")
    assert api.requests() == []


def test_10_another_run_holds_the_ledger(call: Call, files: Path, api: RunningSandbox) -> None:
    with Ledger.open(files / ".pipeline" / "ledger.db", clock=lambda: NOON):
        said = call(*RUN, "--json")
        assert (said.code, name(said)) == (10, "locked")
        assert call("doctor").code == 10
    assert api.puts() == []


def test_11_the_ledger_is_damaged(call: Call, files: Path, api: RunningSandbox) -> None:
    ledger = files / ".pipeline" / "ledger.db"
    ledger.parent.mkdir()
    ledger.write_bytes(b"no database at all" * 100)
    for command in (RUN, ("status",), ("doctor",), ("report",)):
        said = call(*command, "--json")
        assert (said.code, name(said)) == (11, "ledger"), command
    assert api.puts() == []


SIGNALS = [
    (signal.SIGINT, 130),
    pytest.param(signal.SIGTERM, 143, marks=pytest.mark.thorough),
]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_130_143_a_signal_saves_the_state(
    call: Call, files: Path, api: RunningSandbox, number: signal.Signals, code: int
) -> None:
    orders(files, *[f"A{n},DE,a@example.com" for n in range(40)])
    api.play(FaultSchedule((FaultRule(fault="slow", delay_s=0.2),)))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "--json", *RUN, "--concurrency", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=files, env=dict(os.environ),  # noqa: TID251 - the tests' own environment
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(api.puts()) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert json.loads(out)["exit"] == {"code": code, "name": "signal"}
    assert "Continue with: pipeline resume" in err
    assert 3 <= len(api.puts()) < 40
    assert call("status").code == code
    api.play(FaultSchedule())
    assert call("resume").code == 0
    assert len(api.orders()) == 40
    assert len(api.puts()) == 40


def test_until_stops_in_time(call: Call, files: Path, api: RunningSandbox) -> None:
    said = call(*RUN, "--until", "2020-01-01T00:00+00:00", "--json")
    assert (said.code, name(said)) == (5, "unfinished")
    assert re.search(r"sending run=\S+ orders=2 until=2020-01-01T00:00\+00:00\n", said.err)
    assert call("resume").code == 0
    assert len(api.orders()) == 2
    assert files.is_dir()


def test_1_a_bug_leaves_a_run_that_can_be_resumed(
    call: Call, files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.run.verdict.summarise", bug)
        said = call(*RUN)
    assert said.code == 1
    assert "error: internal error: ZeroDivisionError in test_exit_codes.py" in said.err
    run_id = said.err.splitlines()[-1].rpartition(" ")[2]
    assert (
        said.err.splitlines()[-1]
        == f"Run {run_id} is saved; 2 orders arrived. Continue with: pipeline resume {run_id}"
    )
    assert call("status").code == 1
    assert call("resume", run_id).code == 0
    assert len(api.orders()) == len(api.puts()) == 2
    assert files.is_dir()


@pytest.mark.thorough
def test_5_a_killed_run_has_the_verdict_unfinished(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    orders(files, *[f"A{n},DE,a@example.com" for n in range(40)])
    api.play(FaultSchedule((FaultRule(fault="slow", delay_s=0.2),)))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *RUN, "--concurrency", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=files, env=dict(os.environ),  # noqa: TID251 - the tests' own environment
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not api.puts() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert call("status").code == 0  # at work: nothing came before it
    assert "it is at work now" in call("status").out
    process.kill()
    process.communicate()
    said = call("status")
    assert said.code == 5
    assert "  died  no verdict yet" in said.out
    assert "its process has ended without a word" in said.out
    assert re.search(r"\n            orders: (created \d+, )?to go \d+\n", said.out)
    assert "continue with: pipeline resume" in said.out
    api.play(FaultSchedule())
    assert call("resume").code == 0
    assert call("status").code == 0


def test_the_two_tables_of_exit_codes_agree() -> None:
    from pipeline.cli.exits import PRECEDENCE, name_of
    from pipeline.run import verdict

    # a run never compares what it sent with what is there, so it has no 8
    assert tuple(int(code) for code in PRECEDENCE if code != 8) == verdict.PRECEDENCE
    assert {code: name_of(code) for code in verdict.NAMES} == verdict.NAMES


_INTERRUPTED_LOADING = """
import sys
from pipeline.__main__ import main

class Struck:
    def find_spec(self, name, path=None, target=None):
        if name == "pipeline.cli.shape":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Struck())
main()
"""


def test_130_when_the_program_is_interrupted_while_it_loads() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED_LOADING], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
