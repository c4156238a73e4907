"""report open, mail, prune."""

import json
import os
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.run.clock import clock
from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call, orders
from tests.unit.notify.servers import mail_server, web_server

NOTIFY = """\
[notify.mail]
host = "127.0.0.1"
port = {port}
security = "none"
from = "import@example.com"
to = ["ops@example.com"]
"""


@pytest.fixture
def night(call: Call, files: Path, api: RunningSandbox) -> str:
    """A run with one rejected order; its id."""
    assert api.base_url
    orders(files, "A1,DE,a@example.com", "A2,Nowhere,b@example.com")
    said = call("run", "-m", "small.yaml", "orders.csv", "--json")
    assert said.code == 3
    return str(said.json()["run"])


@dataclass
class Desktop:
    """A desktop whose opener of addresses notes them, and says what such programs say."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:/usr/bin:/bin", "DISPLAY": ":7"}

    def opener(self, ends: str) -> None:
        path = self.folder / ("open" if sys.platform == "darwin" else "xdg-open")
        path.write_text(
            f'#!/bin/sh\necho "$1" >> {self.folder}/opened\necho noise\necho noise >&2\n{ends}\n'
        )
        path.chmod(0o755)

    @property
    def opened(self) -> list[str]:
        noted = self.folder / "opened"
        return noted.read_text().split() if noted.exists() else []


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    made = Desktop(tmp_path / "bin")
    made.folder.mkdir()
    made.opener("exit 0")
    return made


# --- open ---------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_open_shows_the_page_and_prints_its_place(
    shell: Call, folder: Path, night: str, desktop: Desktop
) -> None:
    page = folder / "reports" / night / "report.html"
    said = shell("report", "open", env=desktop.environ)
    # not a word of the opener
    assert (said.code, said.out, said.err) == (0, f"{page}\n", "")
    assert desktop.opened == [page.as_uri()]
    assert shell("report", "open", "--json", env=desktop.environ).json()["report"] == str(page)


def test_open_makes_a_page_that_is_gone(
    call: Call, folder: Path, night: str, desktop: Desktop
) -> None:
    page = folder / "reports" / night / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert call("report", "open", night, env=desktop.environ).code == 0
    assert page.read_bytes() == before
    assert len(desktop.opened) == 1


@pytest.mark.parametrize("why", ["it fails", "no opener", "no desktop"])
@pytest.mark.thorough
def test_open_without_a_browser_still_prints(
    shell: Call, folder: Path, night: str, desktop: Desktop, why: str
) -> None:
    environ = desktop.environ
    if why == "it fails":
        desktop.opener("exit 3")
    elif why == "no opener":
        environ["PATH"] = str(folder)
    else:
        environ |= {"DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
    said = shell("report", "open", env=environ)
    assert (said.code, said.out) == (0, f"{folder / 'reports' / night / 'report.html'}\n")
    assert said.err.endswith(" WARN  no browser could be started; open the file above\n")
    assert said.err.count("\n") == 1


@pytest.mark.thorough
def test_open_does_not_wait_for_a_browser_that_goes_on(
    shell: Call, night: str, desktop: Desktop
) -> None:
    assert night
    desktop.opener("exec sleep 50")
    began = time.monotonic()
    assert shell("report", "open", env=desktop.environ).err == ""
    assert time.monotonic() - began < 45


def test_open_without_a_run(call: Call, folder: Path, desktop: Desktop) -> None:
    assert folder.is_dir()
    assert call("report", "open", env=desktop.environ).code == 2
    assert desktop.opened == []


def test_open_finds_a_report_where_its_run_has_written_it(
    call: Call, folder: Path, files: Path, api: RunningSandbox, desktop: Desktop
) -> None:
    assert api.base_url
    assert files.is_dir()
    said = call(
        "run", "-m", "small.yaml", "orders.csv", "--report-dir", "far/away", "--json"
    ).json()
    said = call("report", "open", str(said["run"]), "--json", env=desktop.environ).json()
    page = folder / "far" / "away" / Path(said["report"]).parent.name / "report.html"
    assert said["report"] == str(page)
    assert desktop.opened == [page.as_uri()]
    assert not (folder / "reports").exists()


# --- mail ---------------------------------------------------------------------------------------


def test_mail_sends_whatever_the_section_says_of_when(call: Call, folder: Path, night: str) -> None:
    with mail_server() as server:
        (folder / "pipeline.toml").write_text(
            '[notify]\nwhen = "never"\n' + NOTIFY.format(port=server.port)
        )
        said = call("report", "mail", night)
    assert (said.code, said.out) == (
        0, f"mail sent to 1 recipient over 127.0.0.1:{server.port}\n",
    )  # fmt: skip
    ((_, mail),) = server.mails
    assert mail["Subject"].endswith(": 1 of 2 orders missing")
    (_, html) = mail.iter_parts()
    page = (folder / "reports" / night / "summary.html").read_text()
    assert html.get_content().splitlines() == page.splitlines()


def test_mail_that_fails_has_an_exit_code_of_its_own(call: Call, folder: Path, night: str) -> None:
    assert night
    with mail_server("554 no") as server, web_server() as web:
        (folder / "pipeline.toml").write_text(
            NOTIFY.format(port=server.port) + "[notify.webhook]\n"
        )
        said = call("report", "mail", "--json", env={"PIPELINE_WEBHOOK_URL": web.url})
    document = said.json()
    assert said.code == 5
    assert [each["ok"] for each in document["notified"]] == [False, True]
    assert "s3cr3t" not in said.out + said.err
    assert web.posts[0][2]["exit"] == {"code": 3, "name": "partial"}


def test_mail_may_be_looked_at_first(call: Call, night: str) -> None:
    assert night
    said = call("report", "mail", "--show")
    assert said.code == 0
    assert said.out.startswith("Subject: ✖ small (sandbox) ")
    assert "1 of 2 orders" in said.out
    assert call("report", "mail", "--show", "--json").json()["subject"] in said.out


def test_mail_of_a_run_without_a_report(call: Call, folder: Path, night: str) -> None:
    page = folder / "reports" / night / "report.html"
    page.unlink()
    said = call("report", "mail", "--show")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[0] == (
        f"error[C134]: run {night} has no report that could be told: it was never written, or was removed"
    )
    assert f"pipeline report build {night}" in said.err
    call("report", "build", night)
    assert call("report", "mail", "--show").code == 0

    call("open-items", "close", "A2", "--reason", "x")
    time.sleep(0.01)
    call("report", "prune", "--older-than", "0d")
    said = call("report", "mail", night, "--show")
    assert said.code == 2
    assert (
        f"the folder of run {night} is gone, and with it what its report is made from" in said.err
    )
    assert "pipeline report prune" in said.err


def test_mail_of_a_run_at_work(call: Call, folder: Path, night: str) -> None:
    with sqlite3.connect(folder / ".pipeline" / "ledger.db") as ledger:
        ledger.execute("UPDATE run SET state = 'running', ended_at = NULL")
    ledger.close()
    with Ledger.open(folder / ".pipeline" / "ledger.db", clock=clock):
        said = call("report", "mail", "--show")
    assert said.code == 2
    assert f"run {night} is still at work: it has no report yet" in said.err


def test_mail_to_nobody(call: Call, night: str) -> None:
    assert night
    said = call("report", "mail")
    assert said.code == 2
    assert said.err.startswith("error[C105]: nobody is named whom to tell")


def test_a_run_says_whom_it_could_not_tell(
    call: Call, folder: Path, files: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.base_url
    assert files.is_dir()
    monkeypatch.setattr("pipeline.run.notices.time.sleep", lambda _s: None)
    with mail_server("554 no") as server:
        (folder / "pipeline.toml").write_text(NOTIFY.format(port=server.port))
        arguments = ("run", "-m", "small.yaml", "orders.csv", "--notify", "always")
        said = call(*arguments, "--json")
    assert said.code == 0
    (told,) = said.json()["notified"]
    assert told == {
        "by": "mail", "ok": False,
        "says": f"not sent to 1 recipient over 127.0.0.1:{server.port}: the mail refused (554)",
    }  # fmt: skip


# --- prune --------------------------------------------------------------------------------------


def there(folder: Path) -> list[str]:
    """Folders of runs and reports."""
    return sorted(
        str(each.relative_to(folder))
        for place in (folder / "reports", folder / ".pipeline" / "runs")
        for each in place.iterdir()
        if each.is_dir()
    )


def test_prune_removes_what_is_old_and_keeps_the_ledger(
    call: Call, folder: Path, settled: str
) -> None:
    night = settled
    crash = folder / ".pipeline" / "logs" / "crash-20260101T000000-1.log"
    crash.parent.mkdir(exist_ok=True)
    crash.write_text("canary")
    os.utime(crash, (0, 0))
    assert call("plan", "-m", "small.yaml", "orders.csv").code == 3
    time.sleep(0.01)

    dry = call("report", "prune", "--older-than", "0d", "--dry-run")
    assert dry.out == "would be removed: 1 report, 1 run folder, 1 plan, 1 crash log\n"
    assert there(folder) == [f".pipeline/runs/{night}", f"reports/{night}"]

    said = call("report", "prune", "--older-than", "0d", "--json").json()
    assert said["removed"] is True
    assert [Path(each).name for each in said["reports"]] == [night]
    assert there(folder) == []
    assert not crash.exists()
    assert list((folder / ".pipeline" / "plans").iterdir()) == []
    # the run is known, and what arrived is not sent again
    assert night in call("status").out
    index = (folder / "reports" / "index.html").read_text()
    assert night in index
    assert f'href="{night}/report.html"' not in index
    again = call("run", "-m", "small.yaml", "orders.csv", "--json").json()
    assert again["summary"]["orders"]["unchanged"] == 1
    assert call("report", night).code == 2


@pytest.fixture
def settled(call: Call, night: str) -> str:
    """The same night; the order that was missing need not arrive."""
    assert call("open-items", "close", "A2", "--reason", "cancelled").code == 0
    return night


def test_prune_keeps_the_rows_of_open_items_until_they_are_closed(
    call: Call, folder: Path, night: str
) -> None:
    time.sleep(0.01)
    before = there(folder)
    kept = (
        f"nothing is that old\nkept, for it has the rows of open items: {night} (A2)\n"
        "such runs go when the items are closed, or with --including-open\n"
    )
    assert call("report", "prune", "--older-than", "0d", "--dry-run").out == kept
    assert call("report", "prune", "--older-than", "0d").out == kept
    assert there(folder) == before
    said = call("report", "prune", "--older-than", "0d", "--json").json()
    assert (said["reports"], said["folders"]) == ([], [])
    assert said["awaited"] == [{"run": night, "orders": ["A2"]}]

    call("open-items", "close", "A2", "--reason", "cancelled")
    assert call("report", "prune", "--older-than", "0d").out == "removed: 1 report, 1 run folder\n"
    assert there(folder) == []


def test_prune_names_the_open_items_whose_rows_go(call: Call, folder: Path, night: str) -> None:
    time.sleep(0.01)
    said = call("report", "prune", "--older-than", "0d", "--including-open")
    assert said.out == "removed: 1 report, 1 run folder\n"
    assert f"the rows of 1 open item go with run {night}: A2" in said.err
    assert there(folder) == []
    assert call("open-items", "list").out.startswith("A2")


def test_the_rows_of_the_last_night_are_those_that_stay(
    call: Call, folder: Path, night: str
) -> None:
    last = call("run", "-m", "small.yaml", "orders.csv", "--json").json()["run"]
    time.sleep(0.01)
    said = call("report", "prune", "--older-than", "0d").out
    assert said.startswith("removed: 1 report, 1 run folder\n")
    assert there(folder) == [f".pipeline/runs/{last}", f"reports/{last}"]
    assert night != last


def test_prune_removes_reports_wherever_they_were_written(
    call: Call, folder: Path, settled: str
) -> None:
    for place in ("private", "far/away"):
        assert call("report", "build", "--report-dir", place).code == 0
        assert (folder / place / settled / "rejections.jsonl.gz").exists()
    time.sleep(0.01)
    said = call("report", "prune", "--older-than", "0d")
    assert said.out == "removed: 3 reports, 1 run folder\n"
    assert [str(path) for path in folder.rglob("rejections.jsonl.gz")] == []


def test_the_page_links_all_runs_only_where_they_are(call: Call, folder: Path, night: str) -> None:
    usual = (folder / "reports" / night / "report.html").read_text()
    assert 'href="../index.html"' in usual
    alone = Path(call("report", "build", "--report-dir", "private").out.strip())
    assert "all runs" not in alone.read_text()
    assert alone.parent.parent == folder / "private"
    call("report", "index", "--report-dir", "private")
    call("report", "build", "--report-dir", "private")
    assert 'href="../index.html"' in alone.read_text()
    said = call("run", "-m", "small.yaml", "orders.csv", "--report-dir", "other", "--json").json()
    assert 'href="../index.html"' in Path(said["report"]).read_text()
    assert (folder / "other" / "index.html").exists()


def test_prune_keeps_what_is_young(call: Call, folder: Path, night: str) -> None:
    assert call("report", "prune", "--older-than", "1d").out == "nothing is that old\n"
    assert len(there(folder)) == 2
    assert night


def test_prune_keeps_a_run_that_can_be_resumed(
    call: Call, folder: Path, files: Path, api: RunningSandbox
) -> None:
    orders(files, *(f"A{n},DE,a@example.com" for n in range(3)))
    arguments = ("run", "-m", "small.yaml", "orders.csv", "--until", "2020-01-01 00:00", "--json")
    run = call(*arguments).json()["run"]
    assert api.base_url
    time.sleep(0.01)
    said = call("report", "prune", "--older-than", "0d")
    assert said.out == f"nothing is that old\nkept, for it can be resumed: {run}\n"
    assert len(there(folder)) == 2


def test_prune_follows_no_link(call: Call, folder: Path, settled: str) -> None:
    report = folder / "reports" / settled
    elsewhere = folder / "elsewhere"
    report.rename(elsewhere)
    report.symlink_to(elsewhere)
    time.sleep(0.01)
    assert call("report", "prune", "--older-than", "0d").out == "removed: 1 run folder\n"
    assert (elsewhere / "report.html").exists()


@pytest.mark.parametrize("age", ["90", "d", "-1d", "1.5d", "90 days", ""])
def test_an_age_that_is_none(call: Call, folder: Path, age: str) -> None:
    assert folder.is_dir()
    said = call("report", "prune", "--older-than", age)
    assert said.code == 2
    assert "is not an age such as 90d or 12w" in said.err


def test_prune_without_a_ledger(call: Call, folder: Path) -> None:
    assert call("report", "prune", "--older-than", "1d").out == "nothing is that old\n"
    assert not (folder / ".pipeline").exists()


def test_the_report_of_a_run_is_the_same_when_it_is_built_again(
    call: Call, folder: Path, night: str
) -> None:
    report = folder / "reports" / night
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    for path in before:
        if path.parent == report:
            path.unlink()
    assert call("report", "build", night).code == 0
    assert {path: path.read_bytes() for path in report.rglob("*") if path.is_file()} == before
    assert json.loads((report / "summary.json").read_text())["version"] == 1
