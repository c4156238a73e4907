"""The file of a ledger in SQLite: private, whole, and never replaced without being told."""

import errno
import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.ledger import FindingCount, Ledger, LedgerUnusable, versions
from pipeline.ledger import store as ledger_store
from pipeline.ledger.database import unusable
from pipeline.ledger.schema import VERSION
from tests.unit.ledger.test_ledger import begin, clock, plan


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path, clock=clock) as opened:
        yield opened


def test_files_are_private_and_the_pragmas_are_what_they_must_be(
    ledger: Ledger, path: Path
) -> None:
    begin(ledger)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    with ledger._session.transaction() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "user_version")
        found = [connection.exec_driver_sql(f"PRAGMA {each}").scalar() for each in asked]
    assert found == ["wal", 2, 1, VERSION]


def test_a_pragma_that_does_not_hold_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_store, "_PRAGMAS", (("synchronous", "FULLL", 2),))
    with pytest.raises(LedgerUnusable, match="synchronous = FULLL, it says 1"):
        Ledger.open(path, clock=clock)


def test_p12_a_disk_without_locks_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(LedgerUnusable, match="does not support locks: No locks available") as told:
        Ledger.open(path, clock=clock)
    assert told.value.exit_code == 11
    assert not path.exists()


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "zero length": (lambda _: b"", "the file is empty"),
    "garbage": (lambda _: os.urandom(9000), "file is not a database"),
    "truncated": (lambda data: data[: len(data) // 2], "malformed"),
    "page destroyed": (lambda data: data[:4096] + b"\xff" * 4096 + data[8192:], "ledger damaged"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_l1_a_damaged_ledger_is_never_replaced(path: Path, how: str) -> None:
    with Ledger.open(path, clock=clock) as opened:
        begin(opened)
    spoil, words = DAMAGE[how]
    path.write_bytes(spoil(path.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(LedgerUnusable, match=words) as raised:
        Ledger.open(path, clock=clock)
    assert raised.value.exit_code == 11
    assert "nothing was sent" in raised.value.help
    assert path.read_bytes() == before


def test_l1_a_large_ledger_is_read_whole_only_after_an_end_that_was_none(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not read whole still says so when the damage is met."""
    monkeypatch.setattr(ledger_store, "SMALL", 0)
    with Ledger.open(path, clock=clock) as opened:
        begin(opened)
        opened.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
        page = root_page(path, "run_order")
    with Ledger.open(path, clock=clock) as opened:
        opened.abandon_run("r1")  # what is in the journal is not the page
        cut = as_killed(path, tmp_path / "cut")
    destroy(path, page)
    with Ledger.open(path, clock=clock) as opened:
        assert opened.run("r1") is not None
        with pytest.raises(LedgerUnusable, match=r"ledger damaged at .*malformed") as raised:
            opened.orders("r1")
        assert "nothing more is sent" in raised.value.help

    destroy(cut, page)
    with pytest.raises(LedgerUnusable, match=r"ledger damaged at .*quick_check") as raised:
        Ledger.open(cut, clock=clock)
    assert "nothing was sent" in raised.value.help

    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LedgerUnusable, match="malformed"):
        Ledger.open(path, clock=clock)


@pytest.mark.parametrize("checkpointed", [False, True])
def test_l2_a_journal_that_was_deleted_after_a_kill_is_missed(
    path: Path, tmp_path: Path, *, checkpointed: bool
) -> None:
    with Ledger.open(path, clock=clock) as opened:
        begin(opened)
        if checkpointed:  # the run is known, what it has sent since is not
            with opened._session.looking() as store:
                raw = store.connection.connection.driver_connection
                assert raw is not None
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            opened.plan_partition("r1", 0, plan({"order_number": "A1"}), "d")
        cut = as_killed(path, tmp_path / "cut")
        whole = as_killed(path, tmp_path / "whole")
    cut.with_name("ledger.db-wal").unlink()
    for _ in range(2):  # the first refusal takes nothing away
        with pytest.raises(LedgerUnusable, match="run r1 was cut off, and the journal") as raised:
            Ledger.open(cut, clock=clock)
        assert raised.value.exit_code == 11
        assert f"remove {cut}.lock" in raised.value.help
    cut.with_name("ledger.db.lock").unlink()
    Ledger.open(cut, clock=clock).close()

    Ledger.read(whole, clock=clock).close()  # who looks takes no journal away
    with Ledger.open(whole, clock=clock) as opened:
        assert opened.run("r1") is not None
    Ledger.open(whole, clock=clock).close()


def as_killed(path: Path, folder: Path) -> Path:
    """The files of an open ledger, as they are when its process is killed now."""
    folder.mkdir()
    for each in path.parent.iterdir():
        if not each.name.endswith("-shm"):  # SQLite makes it anew
            (folder / each.name).write_bytes(each.read_bytes())
    return folder / path.name


def root_page(path: Path, table: str) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return int(connection.execute(query, (table,)).fetchone()[0])


def destroy(path: Path, page: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: (page - 1) * 4096] + b"\xff" * 4096 + data[page * 4096 :])


def test_l1_a_journal_without_its_file_is_damage(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("ledger.db-wal").write_bytes(b"x")
    with pytest.raises(LedgerUnusable, match="its journal is still there"):
        Ledger.open(path, clock=clock)


def test_another_program_s_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(LedgerUnusable, match="not a ledger of this program"):
        Ledger.open(path, clock=clock)


def test_d8_a_newer_ledger_is_left_alone(path: Path) -> None:
    Ledger.open(path, clock=clock).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerUnusable, match="has format 99, this program knows formats up to 4"):
        Ledger.open(path, clock=clock)


def test_p2_a_migration_that_fails_leaves_no_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_connection: object) -> None:
        raise sqlite3.OperationalError("interrupted")

    monkeypatch.setattr(versions, "MIGRATIONS", (*versions.MIGRATIONS, breaks))
    with pytest.raises(LedgerUnusable, match="interrupted"):
        Ledger.open(path, clock=clock)
    assert not path.exists()
    monkeypatch.undo()
    Ledger.open(path, clock=clock).close()


def test_l5_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerUnusable, match=str(tmp_path / "file")):
        Ledger.open(tmp_path / "file" / "ledger.db", clock=clock)


@pytest.mark.parametrize("end", ["", "-shm"])
def test_a_file_that_may_only_be_read_is_refused_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    Ledger.open(path, clock=clock).close()
    closed = path.with_name(path.name + end)
    closed.touch()
    # root may write everything, so the answer of the system is planted
    monkeypatch.setattr("os.access", lambda asked, mode: (Path(asked), mode) != (closed, os.W_OK))
    with pytest.raises(LedgerUnusable, match=f"this user may not write {closed.name}$"):
        Ledger.open(path, clock=clock)
    with Ledger.read(path, clock=clock) as reader:
        assert reader.runs(1) == []


def test_a_reader_sees_what_a_running_writer_has_committed(ledger: Ledger, path: Path) -> None:
    begin(ledger)
    with Ledger.read(path, clock=clock) as reader:
        assert [run.id for run in reader.runs(2)] == ["r1"]
        with pytest.raises(LedgerUnusable, match="readonly"):
            reader.endpoint("https://x", 1)


def test_there_is_nothing_to_read_before_the_first_run(path: Path) -> None:
    with pytest.raises(LedgerUnusable, match="there is no ledger"):
        Ledger.read(path, clock=clock)


def test_p7_a_full_disk_is_said_in_those_words(ledger: Ledger) -> None:
    begin(ledger)
    with ledger._session.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 60")
    rows = plan(*({"order_number": f"A{n}" * 40} for n in range(5000)))
    with pytest.raises(LedgerUnusable, match="disk full writing the ledger at") as raised:
        ledger.plan_partition("r1", 0, rows, "d")
    assert "A77" not in f"{raised.value!r}{raised.value.__cause__}"


def test_what_is_replaced_leaves_no_bytes(path: Path) -> None:
    old = [FindingCount("R301", f"canary column {n}", "t", 0, n, n) for n in range(400)]
    with Ledger.open(path, clock=clock) as ledger:
        begin(ledger)
        ledger.put_finding_counts("r1", 0, old)
        ledger.put_finding_counts("r1", 0, [])
    assert b"canary column" not in path.read_bytes()
    assert not path.with_name("ledger.db-wal").exists()


def test_p7_why_a_file_cannot_be_opened_is_asked_of_the_system(tmp_path: Path) -> None:
    """SQLite says only that it is unable to; the system knows more."""
    said = unusable(sqlite3.OperationalError("unable to open database file"), str(tmp_path))
    assert str(said) == (
        f"cannot use the ledger at {tmp_path}: unable to open database file (Is a directory)"
    )
