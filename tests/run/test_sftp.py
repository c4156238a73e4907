"""Files on a real OpenSSH server, which the tests start on loopback with keys and a configuration of their own."""

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.model.stops import SourceUnusable
from pipeline.run import Options, PlanStale, Result, plan, run
from tests.run.conftest import HEADER, Warehouse, order_row
from tests.run.test_intake import arrived, notes, rows_read

pytestmark = pytest.mark.thorough  # each starts the server

SSHD = Path("/usr/sbin/sshd")


@dataclass
class Server:
    """A server with a folder, and a user whose ssh configuration knows it."""

    folder: Path
    port: int
    home: Path
    host_key: str

    def url(self, pattern: str = "") -> str:
        return f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{self.folder}/{pattern}"

    def put(self, name: str, *rows: str) -> None:
        (self.folder / name).write_text(HEADER + "".join(rows), encoding="utf-8")

    def known(self, key: str) -> None:
        entry = f"[127.0.0.1]:{self.port} {key}\n" if key else ""
        (self.home / ".ssh" / "known_hosts").write_text(entry)

    def names(self) -> list[str]:
        return sorted(
            str(each.relative_to(self.folder)) for each in self.folder.rglob("*") if each.is_file()
        )


def _key(path: Path) -> str:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not SSHD.exists():
        pytest.skip("no OpenSSH server is installed (Debian: openssh-server)")
    base = tmp_path_factory.mktemp("sshd")
    if os.geteuid() == 0:  # it wants this folder, which the system's own service makes otherwise
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = base / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    host_key = _key(base / "host")
    (base / "authorized").write_text(_key(home / ".ssh" / "id_ed25519") + "\n")
    (base / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {base / 'host'}\nPidFile none\n"
        f"AuthorizedKeysFile {base / 'authorized'}\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    )
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", base / "config"], stderr=subprocess.DEVNULL)
    try:
        _answers(port)
        yield Server(base, port, home, host_key)
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
                if sock.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail("sshd does not answer")


@pytest.fixture
def server(daemon: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("HOME", str(daemon.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    folder = tmp_path / "out"
    folder.mkdir()
    server = replace(daemon, folder=folder)
    server.known(server.host_key)
    return server


def imported(warehouse: Warehouse, *inputs: str) -> Result:
    return run(warehouse.settings, warehouse.mappings, inputs, Options(), warehouse.told)


def test_files_of_a_server_are_imported_and_archived_there(
    warehouse: Warehouse, server: Server
) -> None:
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    server.put("orders_1.csv", order_row("A1"))
    server.put("orders_2.csv", order_row("A2"))
    server.put("orders_3.csv.part", order_row("A3"))
    server.put("stock.csv", "nothing;of;ours\n")
    warehouse.orders(order_row("A4"))

    result = imported(warehouse, server.url(), str(warehouse.folder))

    assert (result.exit_code, arrived(warehouse)) == (0, ["A1", "A2", "A4"])
    assert notes(result) == {"orders_3.csv.part": ("R121", "it looks unfinished")}
    day = next((server.folder / "done").iterdir()).name
    assert server.names() == [
        f"done/{day}/orders_1.csv", f"done/{day}/orders_2.csv", "orders_3.csv.part", "stock.csv",
    ]  # fmt: skip
    assert (warehouse.folder / "orders.csv").exists()

    server.put("orders_1.csv", order_row("A1", name="New"))
    again = imported(warehouse, server.url("orders*.csv"))
    assert (again.exit_code, len(warehouse.sandbox.puts())) == (0, 4)
    assert f"done/{day}/orders_1.2.csv" in server.names()


def test_a_server_that_is_not_known_or_does_not_let_us_in_is_refused(
    warehouse: Warehouse, server: Server, tmp_path: Path
) -> None:
    server.put("orders.csv", order_row("A1"))
    other = _key(tmp_path / "other")
    for key in ("", other):
        server.known(key)
        with pytest.raises(
            SourceUnusable, match=r"^the key of 127\.0\.0\.1 is not known: "
        ) as told:
            imported(warehouse, server.url())
        assert "known_hosts" in told.value.help
    server.known(server.host_key)
    with pytest.raises(SourceUnusable, match=r"^sftp://127\.0\.0\.1 cannot be read: "):
        imported(
            warehouse,
            server.url().replace("sftp://", "sftp://nobody-").replace("nobody-root", "nobody"),
        )
    with pytest.raises(SourceUnusable, match=r"^sftp://127\.0\.0\.1 cannot be read: "):
        imported(warehouse, "sftp://127.0.0.1:9/out/")
    with pytest.raises(SourceUnusable, match="a password has no place in a URL") as told:
        imported(warehouse, "sftp://me:geheim@127.0.0.1/out/")
    assert "geheim" not in str(told.value) + told.value.help
    assert warehouse.sandbox.requests() == []


def test_what_is_not_there_is_said(warehouse: Warehouse, server: Server) -> None:
    with pytest.raises(SourceUnusable, match="no file matches sftp://"):
        imported(warehouse, server.url("orders*.csv"))
    with pytest.raises(SourceUnusable, match="/gone does not exist"):
        imported(warehouse, server.url("gone"))


def test_a_plan_of_a_file_on_a_server_is_stale_when_the_file_changes(
    warehouse: Warehouse, server: Server
) -> None:
    def planned() -> Result:
        files = [server.url("orders.csv")]
        return plan(warehouse.settings, warehouse.mappings, files, Options(), warehouse.told)

    server.put("orders.csv", order_row("A1"))
    made = planned()
    assert made.plan is not None
    server.put("orders.csv", order_row("A1"), order_row("A2"))
    with pytest.raises(PlanStale, match=r"orders\.csv has changed or is gone"):
        warehouse.run_plan(made.plan)
    server.put("orders.csv", order_row("A1"))
    fresh = planned()
    assert fresh.plan is not None
    assert (warehouse.run_plan(fresh.plan).exit_code, arrived(warehouse)) == (0, ["A1"])


def test_a_file_that_is_still_written_or_has_no_marker_is_left_there(
    warehouse: Warehouse, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.settings = replace(
        warehouse.settings, remote_archive="done", stable_s=600.0, marker=".done"
    )
    for number in (1, 2, 3):
        server.put(f"orders_{number}.csv", order_row(f"A{number}"))
    os.utime(server.folder / "orders_1.csv", (1, 1))
    for number in (1, 2):
        (server.folder / f"orders_{number}.done").touch()

    def grow(_: float) -> None:
        server.put("orders_2.csv", order_row("A2"), order_row("B2"))

    monkeypatch.setattr("pipeline.run.preparation.time.sleep", grow)
    result = imported(warehouse, server.url())

    assert (result.exit_code, arrived(warehouse)) == (0, ["A1"])
    assert notes(result) == {
        "orders_2.csv": ("R121", "it is still being written"),
        "orders_3.csv": ("R121", "it has no orders_3.csv.done beside it"),
    }
    assert {"orders_2.csv", "orders_3.csv"} <= set(server.names())


def test_a_file_that_goes_away_after_the_listing_does_not_stop_the_others(
    warehouse: Warehouse, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.settings = replace(
        warehouse.settings, remote_archive="done", stable_s=600.0, marker=".done"
    )
    for number in (1, 2):
        server.put(f"orders_{number}.csv", order_row(f"A{number}"))
        (server.folder / f"orders_{number}.csv.done").touch()
    monkeypatch.setattr(
        "pipeline.run.preparation.time.sleep",
        lambda _: (server.folder / "orders_2.csv").unlink(missing_ok=True),
    )
    result = imported(warehouse, server.url("orders*.csv"), server.url())

    assert (result.exit_code, arrived(warehouse)) == (4, ["A1"])
    assert rows_read(result) == 1  # though two arguments mean it
    code, says = notes(result)["orders_2.csv"]
    assert code == "R120"
    assert says.startswith("is gone: it went away after the folder was listed")
    day = next((server.folder / "done").iterdir()).name
    assert server.names() == [
        f"done/{day}/orders_1.csv", f"done/{day}/orders_1.csv.done", "orders_2.csv.done",
    ]  # fmt: skip


def test_a_file_that_changed_since_is_not_archived(warehouse: Warehouse, server: Server) -> None:
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    server.put("orders.csv", order_row("A1"))

    def another(_: int) -> None:
        server.put("orders.csv", order_row("A2"), order_row("A3"))

    warehouse.told.on_send = another
    assert imported(warehouse, server.url()).exit_code == 0
    assert server.names() == ["orders.csv"]
    said = [str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"]
    assert said[-1].startswith("orders.csv stays where it is: it is not the file that was read")


def test_a_name_in_bytes_of_another_system_and_one_that_looks_like_a_pattern(
    warehouse: Warehouse, server: Server
) -> None:
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    theirs = os.fsdecode(b"orders_gr\xf6\xdfe.csv")
    server.put(theirs, order_row("A1"))
    server.put("orders_[1].csv", order_row("A2"))
    server.put("orders_1.csv", order_row("A3"))
    assert imported(warehouse, server.url("orders_[1].csv")).exit_code == 0
    assert arrived(warehouse) == ["A2"]
    assert imported(warehouse, server.url("orders_g*")).exit_code == 0
    assert arrived(warehouse) == ["A1", "A2"]
    assert server.names()[-1] == "orders_1.csv"
    assert len([name for name in server.names() if name.startswith("done/")]) == 2
