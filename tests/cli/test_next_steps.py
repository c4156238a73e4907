"""What a command tells a person to do next works when it is copied, and is true."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.sandbox import FaultRule, FaultSchedule, RunningSandbox
from tests.cli.conftest import TOKEN, Call, Said, orders

RUN = ("run", "-m", "small.yaml", "orders.csv")
PROD = '[profile.prod]\nbase_url = "{url}"\naccount = 1618\nauto_approve = true\n'


def command_after(words: str, text: str) -> list[str]:
    """The arguments of the command that is printed after these words."""
    line = text.partition(words)[2].splitlines()[0]
    first, *arguments = shlex.split(line)
    assert first == "pipeline"
    return arguments


@pytest.fixture
def production(
    files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """Options of a production profile on this machine, whose file only an option names."""
    monkeypatch.delenv("PIPELINE_BASE_URL")
    monkeypatch.setenv("PARCELLAB_TOKEN", "sandbox-token")
    (files / "my settings.toml").write_text(PROD.format(url=api.base_url))
    return ("--profile", "prod", "-c", "my settings.toml")


def test_send_it_can_be_copied(
    call: Call, api: RunningSandbox, production: tuple[str, ...]
) -> None:
    planned = call("plan", "-m", "small.yaml", "orders.csv", *production)
    command = command_after("Send it:", planned.out)
    assert command[2:] == ["--profile", "prod", "--config", "my settings.toml"]
    assert call(*command).code == 0
    assert len(api.orders()) == 2


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("named", [("in box",), ("in box/orders.csv",)])
def test_without_a_mapping_what_to_type_can_be_copied(
    command: str, named: tuple[str, ...], call: Call, files: Path, api: RunningSandbox
) -> None:
    (files / "in box").mkdir()
    (files / "orders.csv").rename(files / "in box" / "orders.csv")
    (files / "compose.yaml").write_text("version: 3\nservices: {}\n")
    said = call(command, *named)
    folder = command == "run" and named == ("in box",)
    says = "in box is not a plan, and no mapping says how to read the files in it"
    assert (said.code, (says in said.err, "C131" in said.err)) == (2, (folder, folder))
    assert "-m or, for EDI, in the [partner.…] sections of the configuration" in said.err
    assert command_after("Type:", said.err)[:2] == [command, "-m"]
    assert call(*command_after("Type:", said.err)).code == 0
    assert len(api.orders()) == (2 if command == "run" else 0)


def test_a_mapping_without_its_option_is_told_where_it_belongs(call: Call, files: Path) -> None:
    assert files.is_dir()
    said = call("run", "small.yaml", "orders.csv")
    assert said.code == 2
    assert command_after("Type:", said.err) == ["run", "-m", "small.yaml", "orders.csv"]
    said = call("run", "tomorrow.csv")
    assert "plan" not in said.err
    assert command_after("Type:", said.err) == ["run", "-m", "small.yaml", "tomorrow.csv"]


def test_without_any_mapping_a_name_stands_for_it(call: Call, folder: Path) -> None:
    (folder / "inbox").mkdir()
    said = call("run", "inbox/")
    assert "`pipeline mapping init FILE.edi` proposes one for EDI. Type:" in said.err
    assert command_after("Type:", said.err) == ["run", "-m", "MAPPING.yaml", "inbox/"]


def test_continue_with_can_be_copied(
    call: Call, api: RunningSandbox, production: tuple[str, ...]
) -> None:
    assert call(*RUN, *production, "--until", "2020-01-01T00:00+00:00").code == 5
    # whoever looks need not use the profile of the run
    shown = call("status", "-c", "my settings.toml")
    command = command_after("continue with:", shown.out)
    assert command[2:] == ["--profile", "prod", "--config", "my settings.toml"]
    assert call("status", "-c", "my settings.toml", "--json").json()["runs"][0][
        "continue_with"
    ] == shlex.join(["pipeline", *command])
    again = call(*RUN, *production, "--until", "2020-01-01T00:00+00:00")
    assert command_after("Continue with:", again.err) == command
    assert call(*command).code == 0
    assert len(api.orders()) == 2


def test_nothing_to_resume_here_but_elsewhere(
    call: Call, files: Path, production: tuple[str, ...]
) -> None:
    assert call("resume").code == 0
    assert call("resume", "--json").json()["run"] is None
    assert call(*RUN, *production, "--until", "2020-01-01T00:00+00:00").code == 5
    said = call("resume", "-c", "my settings.toml")
    assert said.code == 0
    assert said.out.startswith("nothing to resume: no run of profile sandbox is unfinished\nRun ")
    assert command_after("of profile prod is:", said.out)[2:4] == ["--profile", "prod"]
    assert files.is_dir()


@pytest.mark.thorough
def test_a_plan_is_not_sent_under_another_profile(
    call: Call, api: RunningSandbox, production: tuple[str, ...]
) -> None:
    assert call("plan", "-m", "small.yaml", "orders.csv", *production, "--out", "p").code == 0
    said = call("run", "p", "-c", "my settings.toml")
    assert said.code == 2
    assert "error[C137]: the plan p was made for profile prod" in said.err
    assert api.requests() == []
    assert call(*command_after("send it with `", said.err.replace("`,", "\n"))).code == 0
    assert len(api.orders()) == 2


@pytest.mark.thorough
def test_a_reject_rate_that_is_set_counts_for_two_orders(
    call: Call, files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(files, "A1,DE,a@example.com", "A2,XX,b@example.com")
    assert call(*RUN, "--max-reject-rate", "20%").code == 7
    with monkeypatch.context() as patched:
        patched.setenv("PIPELINE_MAX_REJECT_RATE", "0.2")
        assert call(*RUN).code == 7
    (files / "pipeline.toml").write_text('max_reject_rate = "20%"\n')
    stopped = call(*RUN)
    assert stopped.code == 7
    page = Path(stopped.out.rpartition("Report: ")[2].strip())
    assert "STOPPED BEFORE SENDING" in page.read_text()
    assert call("status").code == 7
    assert "stopped before sending  exit 7 guard" in call("status").out
    assert api.requests() == []
    assert call(*RUN, "--max-reject-rate", "50%").code == 3  # "more than" this share
    (files / "pipeline.toml").unlink()
    orders(files, "A3,DE,a@example.com", "A4,XX,b@example.com")
    assert call(*RUN).code == 3


def test_an_order_that_is_not_there(call: Call, files: Path, api: RunningSandbox) -> None:
    for verb in ("plan", "run"):
        said = call(verb, "-m", "small.yaml", "orders.csv", "--only-order", "A3")
        assert said.code == 2
        assert said.err.splitlines()[-2:] == [
            "error[C119]: --only-order A3: no such order is in the files",
            "  help: check the order number",
        ]
    assert api.requests() == []
    assert call("status").out.startswith("no run yet")  # a mistyped number is no run
    assert files.is_dir()


@pytest.mark.thorough
def test_a_file_that_is_missing_is_the_last_verdict(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert call(*RUN).code == 0
    assert call("run", "-m", "small.yaml", "tomorrow.csv").code == 4
    shown = call("status")
    assert shown.code == 4
    assert "stopped before sending  exit 4 input" in shown.out
    assert "tomorrow.csv does not exist" in shown.out
    assert api.orders()
    assert files.is_dir()


@pytest.mark.thorough
def test_what_a_second_ctrl_c_leaves_is_said(call: Call, files: Path, api: RunningSandbox) -> None:
    orders(files, *[f"A{n},DE,a@example.com" for n in range(40)])
    api.play(FaultSchedule((FaultRule(fault="slow", delay_s=5.0),)))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *RUN, "--concurrency", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=files, env=dict(os.environ),  # noqa: TID251 - the tests' own environment
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not api.puts() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    said = re.fullmatch(
        r"Run (\S+) is saved(?:; \d+ orders? arrived)?; \d+ orders? without an answer will be sent again\."
        r" Continue with: pipeline resume (\S+)",
        err.splitlines()[-1],
    )
    assert said is not None, err
    run_id = said[1]
    assert said[2] == run_id
    api.play(FaultSchedule())
    assert call("resume", run_id).code == 0
    assert len(api.orders()) == 40


def test_config_show_gives_values_their_types(call: Call, files: Path) -> None:
    (files / "pipeline.toml").write_text("rate = 5\nmin_rows = 2\n")
    settings = call("config", "show", "--json").json()["settings"]
    shown = {name: each["value"] for name, each in settings.items()}
    assert (shown["rate"], shown["min_rows"], shown["concurrency"]) == (5.0, 2, 32)
    assert (shown["max_orders"], shown["partial_ok"], shown["max_reject_rate"]) == (
        None,
        False,
        0.2,
    )
    assert shown["home"] == str(files / ".pipeline")
    assert shown["account"] == 1618
    assert "max_orders = not set" in call("config", "show").out
    assert "partial_ok = false" in call("config", "show").out


def test_the_end_of_a_short_token_is_not_promised(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    said = call("doctor")
    [line] = [line for line in said.out.splitlines() if line.startswith("ok    token")]
    assert line.endswith("account 1618")
    assert "token = set, too short to show its end" in call("config", "show").out
    (files / "pipeline.toml").write_text(PROD.format(url=api.base_url))
    shown = call("doctor", "--profile", "prod", env={"PARCELLAB_TOKEN": TOKEN})
    assert "account 1618, ends …9c1f" in shown.out


@pytest.mark.thorough
def test_people_read_the_zone_and_programs_utc(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    (files / "pipeline.toml").write_text('timezone = "Asia/Kathmandu"\n')
    run = call(*RUN)
    lines = [line for line in run.err.splitlines() if " INFO " in line]
    assert lines
    assert all(line.split()[0].endswith("+05:45") for line in lines)
    stamp = lines[0].split()[0]
    run_id = lines[0].partition("run=")[2].split()[0]
    assert run_id.startswith(f"{stamp[:13]}{stamp[14:16]}")
    assert f"{stamp[:10]} {stamp[11:16]}" in call("status").out

    log = call(*RUN, "--log-format", "json").err.splitlines()
    document = json.loads((files / "reports" / run_id / "summary.json").read_text())
    kept = (files / ".pipeline" / "runs" / run_id / "run.log").read_text().splitlines()
    times = [
        *(json.loads(line)["time"] for line in (*log, *kept)),
        document["run"]["started_at"], document["run"]["ended_at"],
        call("status", "--json").json()["runs"][0]["started_at"],
    ]  # fmt: skip
    assert all(each.endswith("+00:00") for each in times), times
    assert api.orders()


def test_what_a_production_profile_lacks_is_said_with_its_place(call: Call, files: Path) -> None:
    (files / "pipeline.toml").write_text('[profile.prod]\nbase_url = "eu"\naccount = 77\n')
    said = call(*RUN, "--profile", "prod")
    assert "(https://api.eu.parcellab.com, account 77); nothing was sent" in said.err
    other = "Nzg6YWJjZGVmZ2hpamtsbW5vcA=="  # 78:abcdefghijklmnop
    said = call(*RUN, "--profile", "prod", env={"PARCELLAB_TOKEN": other})
    assert "the token for account 77 at https://api.eu.parcellab.com (from" in said.err
    assert "belongs to account 78" in said.err


@pytest.mark.thorough
def test_nothing_new_is_said_in_orders(call: Call, files: Path, api: RunningSandbox) -> None:
    call(*RUN)
    again = call(*RUN)
    assert again.out.startswith("NOTHING NEW: all 2 orders were already delivered.\n")
    orders(files, "A1,DE,a@example.com", "A2,AT,b@example.com", "A3,AT,b@example.com")
    more = call(*RUN)
    assert more.out.startswith(
        "ALL IMPORTED: 3 of 3 orders arrived (2 already delivered before).\n"
    )
    assert len(api.orders()) == 3


def test_no_text_for_people_cites_our_own_papers(call: Call) -> None:
    pages: list[Said] = [call("help", topic) for topic in ("exit-codes", "environment")]
    pages += [
        call(verb, "--help") for verb in ("plan", "run", "resume", "status", "report", "doctor")
    ]
    from pipeline.cli.codes import CODES

    said = [page.out for page in pages]
    said += [f"{c.title} {c.why} {c.fix}" for c in CODES.values()]
    for text in said:
        for paper in ("CONTRACT", "FAULTS", "§"):
            assert paper not in text


def test_what_retries_a_corrected_file_can_be_copied(
    call: Call, files: Path, api: RunningSandbox, production: tuple[str, ...]
) -> None:
    orders(files, "A1,Nowhere,jo@example.com", "A2,DE,jo@example.com")
    told = call("run", "-m", "small.yaml", "orders.csv", *production)
    assert told.code == 3
    command = command_after("Correct 1 row, then:", told.out)
    assert command[1:5] == ["--profile", "prod", "--config", "my settings.toml"]
    path = files / command[-1]
    path.write_text(
        path.read_text(encoding="utf-8").replace("Nowhere,", "DE,", 1), encoding="utf-8"
    )

    said = call(*command)

    assert said.code == 0, said.err
    assert len(api.orders()) == 2


def test_workbooks_need_a_package_and_who_lacks_it_is_told_before_anything_is_sent(
    call: Call, files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.is_dir()
    monkeypatch.setattr("pipeline.cli.importing.find_spec", lambda _name: None)

    said = call(*RUN, "--xlsx")

    assert (said.code, api.orders()) == (2, [])
    assert "pip install 'pipeline[xlsx]'" in said.err


def test_who_names_a_run_or_a_missing_file_is_told_what_retry_takes(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    orders(files, "A1,Nowhere,jo@example.com", "A2,DE,jo@example.com")
    run = call("--json", *RUN).json()["run"]
    assert len(api.orders()) == 1

    said = call("retry", run)
    assert said.code == 0
    assert said.out == f"nothing to send again: parcelLab refused no order of run {run}\n"
    assert call("retry", "2026-nowhere").code == 2
    chosen = call("retry", "--cause", "A401", "orders.csv")
    assert (chosen.code, "names the run" in chosen.err or "name the run" in chosen.err) == (2, True)
    missing = call("retry", "orders.rejected.csv")
    assert (missing.code, "C103" in missing.err) == (2, True)
    other = call("--json", "retry", "orders.csv")
    assert other.json()["error"]["code"] == "C140"


@pytest.mark.thorough
def test_after_a_safety_stop_of_a_retry_the_same_files_are_to_be_typed_again(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    orders(files, "A1,Nowhere,jo@example.com", "A2,Nowhere,jo@example.com", "A3,DE,jo@example.com")
    first = call(*RUN)
    path = Path(command_after("Correct 2 rows, then:", first.out)[1])
    path.write_text(path.read_text().replace("A1,Nowhere", "A1,DE"))

    stopped = call("retry", str(path), "--max-reject-rate", "10%", "--max-orders", "7")

    assert (stopped.code, len(api.orders())) == (7, 1)
    assert "Correct 1 row" not in stopped.out
    again = command_after("or go on:", stopped.out)
    assert again == ["retry", str(path), "--max-orders", "7", "--max-reject-rate", "50%"]
    [report] = re.findall(r"^Report: (.*)$", stopped.out, re.MULTILINE)
    assert not (Path(report).parent / "rejected").exists()
    page = Path(report).read_text()
    assert ("Files to correct" in page, " ".join(["pipeline", *again]) in page) == (False, True)
    assert call(*again).code == 3
    assert {each["order_number"] for each in api.orders()} == {"A1", "A3"}


@pytest.mark.thorough
def test_the_default_reject_rate_does_not_stop_a_file_of_which_little_is_corrected(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    orders(files, *(f"A{n},Nowhere,jo@example.com" for n in range(25)))
    first = call(*RUN, "--max-reject-rate", "off")
    path = Path(command_after("Correct 25 rows, then:", first.out)[1])
    path.write_text(path.read_text().replace("A7,Nowhere", "A7,DE"))

    assert call("retry", str(path), env={"PIPELINE_MAX_REJECT_RATE": "0.2"}).code == 7
    assert call("retry", str(path)).code == 3
    assert [each["order_number"] for each in api.orders()] == ["A7"]
