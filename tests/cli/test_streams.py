"""Result on stdout, the rest on stderr; one JSON object; nothing a terminal would obey."""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.app import cli
from pipeline.cli.console import Console, ascii_for
from pipeline.config import Look
from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import MAPPING, TOKEN, Call, Said, orders

CTRL_C = b"\x03"

FAILING = [
    (("rnu",), None),
    (("run", "--no-such"), None),
    (("--profil", "x"), None),
    (("run",), "C111"),
    (("run", "-m", "nope.yaml", "x.csv"), "C103"),
    (("run", "nope"), "C103"),
    (("plan", "-m", "small.yaml", "orders.csv", "--limit", "few"), "C101"),
    (("--profile", "prod", "run", "-m", "small.yaml"), "C105"),
    (("--profile", "nobody", "status"), "C116"),
    (("explain", "X999"), "C113"),
    (("resume", "x"), "C132"),
    (("--color", "pink", "status"), "C101"),
    (("report",), "C132"),
]


@pytest.mark.parametrize(("arguments", "code"), FAILING)
def test_errors_leave_stdout_empty(
    call: Call, files: Path, arguments: tuple[str, ...], code: str
) -> None:
    assert files.is_dir()
    said = call(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.startswith(f"error[{code}]: " if code else "Error: ")


@pytest.mark.parametrize(("arguments", "code"), FAILING)
def test_errors_are_one_json_object_with_json(
    call: Call, files: Path, arguments: tuple[str, ...], code: str
) -> None:
    assert files.is_dir()
    document = call(*arguments, "--json").json()
    assert document["exit"]["name"] == "usage"
    assert document["error"]["message"]
    assert document["error"].get("code") == (code or None)


def test_results_are_one_json_object(call: Call, files: Path, api: RunningSandbox) -> None:
    for arguments in (
        ("plan", "-m", "small.yaml", "orders.csv"),
        ("run", "-m", "small.yaml", "orders.csv"),
        ("status",),
        ("report",),
        ("doctor",),
        ("config", "show"),
        ("config", "path"),
        ("config", "init"),
        ("explain", "R301"),
        ("mapping", "check", "small.yaml"),
    ):
        said = call("--json", *arguments)
        assert said.code == 0, said.err
        assert said.json()["exit"] == {"code": 0, "name": "ok"}
    assert len(api.orders()) == 2
    assert files.is_dir()


def test_a_run_puts_its_result_on_stdout_and_its_log_on_stderr(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    said = call("run", "-m", "small.yaml", "orders.csv")
    assert said.code == 0
    assert "2 of 2 orders arrived" in said.out
    assert "INFO" not in said.out
    for line in said.err.splitlines():
        stamp, level, _ = line.split(maxsplit=2)
        assert stamp[-6:] in ("+01:00", "+02:00")
        assert level in ("INFO", "WARN")
        assert " run=2" in line  # whose event it is
    assert " INFO  validated rows=2 " in said.err
    assert api.orders()
    assert files.is_dir()


def test_quiet_prints_the_result_only(call: Call, files: Path, api: RunningSandbox) -> None:
    said = call("-q", "run", "-m", "small.yaml", "orders.csv")
    assert (said.code, said.err) == (0, "")
    assert "arrived" in said.out
    assert api.orders()
    assert files.is_dir()


def test_the_log_as_json_lines(call: Call, files: Path, api: RunningSandbox) -> None:
    said = call("run", "-m", "small.yaml", "orders.csv", "--log-format", "json")
    events = [json.loads(line) for line in said.err.splitlines()]
    assert [e["event"] for e in events if e["level"] == "INFO"] == [
        "start", "validated", "sending", "done",
    ]  # fmt: skip
    assert len({e["run"] for e in events}) == 1
    said = call("run", "-m", "nope.yaml", "--log-format", "json")
    event = json.loads(said.err)
    assert (event["level"], event["code"]) == ("ERROR", "C103")
    assert api.orders()
    assert files.is_dir()


def test_all_mistakes_of_a_mapping_are_in_the_object(call: Call, files: Path) -> None:
    (files / "bad.yaml").write_text(MAPPING.replace("EMail", "{fro: EMail}") + "  nonsense: Nr\n")
    error = call("--json", "plan", "-m", "bad.yaml", "orders.csv").json()["error"]
    assert {mistake["code"] for mistake in error["mistakes"]} == {"M100", "M101"}


# --- what may not come out ---------------------------------------------------------------------


def test_no_secret_in_any_output(call: Call, files: Path, api: RunningSandbox) -> None:
    (files / "pipeline.toml").write_text(
        f'[profile.prod]\nbase_url = "{api.base_url}"\naccount = 1618\nauto_approve = true\n'
    )
    env = {"PARCELLAB_TOKEN": TOKEN, "PIPELINE_PROFILE": "prod"}
    for arguments in (
        ("doctor",),
        ("config", "show", "--origin"),
        ("run", "-m", "small.yaml", "orders.csv"),
        ("-vv", "run", "-m", "small.yaml", "orders.csv"),
        ("resume", "x"),
        ("status",),
    ):
        for more in ((), ("--json",)):
            said = call(*arguments, *more, env=env)
            assert TOKEN not in said.out + said.err, arguments
    written = [path for path in files.rglob("*") if path.is_file()]
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]


def test_a_ledger_password_is_not_shown(call: Call) -> None:
    env = {"PIPELINE_LEDGER": "postgresql://me:canary-word@127.0.0.1:1/x"}
    for arguments in (("config", "show"), ("status",), ("doctor",)):
        said = call(*arguments, env=env)
        assert "canary-word" not in said.out + said.err


def test_control_characters_are_taken_out(call: Call, files: Path) -> None:
    said = call("plan", "-m", "small.yaml", "a\x1b[31m\x9bz.csv")
    assert said.code == 4
    assert "\x1b" not in said.err
    assert "\x9b" not in said.err
    assert files.is_dir()


def test_a_stream_that_cannot_write_signs_gets_ascii(shell: Call) -> None:
    said = shell("help", "mapping-language", env={"PYTHONIOENCODING": "ascii"})
    assert said.code == 0
    assert "{...}" in said.out
    assert said.out.isascii()
    assert ascii_for("━━ ok", "no-such-encoding") == "-- ok"


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    for arguments in (["help", "environment"], ["--help"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0
        process.stderr.close()


def test_an_unexpected_exception_is_one_sentence_and_a_file(
    call: Call, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pipeline.run

    def fall(*_args: object, **_named: object) -> None:
        raise KeyError("canary@example.com")

    monkeypatch.setattr(pipeline.run, "status", fall)
    said = call("status")
    assert said.code == 1
    assert said.out == ""
    first, second = said.err.splitlines()
    assert first.startswith("error: internal error: KeyError in test_streams.py:")
    kept = Path(second.removeprefix("  help: details are in "))
    assert "canary@example.com" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.is_relative_to(files / ".pipeline")
    assert "Traceback" in call("-vv", "status").err
    assert call("--json", "status").json()["exit"] == {"code": 1, "name": "internal"}


def test_p6_too_little_memory_is_no_bug_of_ours(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pipeline.run

    def fall(*_args: object, **_named: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pipeline.run, "status", fall)
    said = call("status")
    assert said.code == 11
    assert said.err == (
        "error: out of memory\n"
        "  help: free memory, or import fewer files at a time; then run the same command again\n"
    )


def test_ctrl_c_is_130(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipeline.run

    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.run, "status", interrupted)
    result = CliRunner().invoke(cli, ["--json", "status"])
    assert result.exit_code == 130
    assert json.loads(result.stdout)["exit"] == {"code": 130, "name": "signal"}
    assert folder.is_dir()


# --- terminal or pipe --------------------------------------------------------------------------


def on_terminal(folder: Path, *arguments: str, typed: str = "") -> Said:
    """Run the command with stdin and stderr on a pseudo-terminal, stdout on a pipe."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments],
        stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},  # noqa: TID251 - the tests' own environment
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    waiting = typed.encode()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        if waiting and b"to go on:" in seen:
            if waiting == CTRL_C:
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, waiting)
            waiting = b""
    out = process.communicate(timeout=30)[0].decode()
    os.close(ours)
    return Said(process.returncode, out, seen.decode("utf-8", "replace"))


def test_a_terminal_gets_bars_and_a_pipe_lines(
    files: Path, api: RunningSandbox, shell: Call
) -> None:
    piped = shell("plan", "-m", "small.yaml", "orders.csv")
    shown = on_terminal(files, "plan", "-m", "small.yaml", "orders.csv")
    assert piped.code == shown.code == 0
    assert "INFO  validated" in piped.err
    assert "\x1b" not in piped.err
    assert "INFO" not in shown.err
    assert "Reading" in shown.err
    assert "Validating" in shown.err
    assert "\x1b" not in shown.out
    assert shown.out.splitlines()[0] == piped.out.splitlines()[0]
    assert not api.orders()


@pytest.mark.thorough
def test_who_wants_no_bars_gets_none(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = on_terminal(files, "--json", "plan", "-m", "small.yaml", "orders.csv")
    assert "Reading" not in said.err
    assert said.json()
    look = Look(dumb=True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert not Console(look).interactive()


def test_colours(folder: Path, shell: Call) -> None:
    assert folder.is_dir()
    plain = shell("explain", "X")
    assert "\x1b" not in plain.err
    assert "\x1b[1;31merror[C113]:\x1b[0m" in shell("--color", "always", "explain", "X").err
    assert "\x1b[1;31m" in shell("explain", "X", env={"FORCE_COLOR": "1"}).err
    coloured = on_terminal(folder, "explain", "X")
    assert "\x1b[1;31m" in coloured.err
    assert "\x1b" not in on_terminal(folder, "--color", "never", "explain", "X").err


@pytest.mark.thorough
def test_production_asks_on_a_terminal(
    files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "pipeline.toml").write_text(
        f'[profile.prod]\nbase_url = "{api.base_url}"\naccount = 1618\n'
    )
    monkeypatch.delenv("PIPELINE_BASE_URL")
    monkeypatch.setenv("PARCELLAB_TOKEN", "sandbox-token")
    command = ("--profile", "prod", "run", "-m", "small.yaml", "orders.csv")
    refused = on_terminal(files, *command, typed="yes\n")
    assert refused.code == 7
    assert f"Send 2 orders to parcelLab account 1618 at {api.base_url} (PRODUCTION)?" in refused.err
    assert not api.orders()
    agreed = on_terminal(files, *command, typed="1618\n")
    assert agreed.code == 0
    assert len(api.orders()) == 2


@pytest.mark.thorough
def test_a_prompt_ends_with_ctrl_c(
    files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "pipeline.toml").write_text(
        f'[profile.prod]\nbase_url = "{api.base_url}"\naccount = 1618\n'
    )
    monkeypatch.setenv("PARCELLAB_TOKEN", "sandbox-token")
    said = on_terminal(files, "--profile", "prod", "run", "-m", "small.yaml", "orders.csv", typed=CTRL_C.decode())  # fmt: skip
    assert said.code == 130
    assert not api.orders()


def test_orders_helper_writes_what_it_says(folder: Path) -> None:
    assert (
        orders(folder, "A1,DE,a@example.com").read_text().splitlines()[1] == "A1,DE,a@example.com"
    )


def test_a_stream_without_encoding_gets_ascii() -> None:
    assert ascii_for("…", getattr(io.StringIO(), "encoding", None)) == "..."


@pytest.mark.thorough
def test_a_full_disk_under_a_stream_does_not_stop_the_run(files: Path, api: RunningSandbox) -> None:
    command = [sys.executable, "-m", "pipeline", "run", "-m", "small.yaml", "orders.csv"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=files, stdout=subprocess.PIPE, stderr=full, text=True, check=False
        )
        assert (done.returncode, len(api.orders())) == (0, 2)
        assert "ALL IMPORTED" in done.stdout
        done = subprocess.run(
            command, cwd=files, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 0
    assert done.stderr.endswith("error: stdout cannot be written: No space left on device\n")
