"""What only a ledger in PostgreSQL has: a server that goes away, poolers, rights, other people's tables."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.ledger import Ledger, LedgerLocked, LedgerUnusable, postgresql, versions
from pipeline.ledger.schema import METADATA, VERSION
from pipeline.ledger.stops import PooledSession
from pipeline.model.orders import Outcome
from pipeline.model.outcomes import OrderOutcome
from tests.databases import POSTGRESQL, Database, Server
from tests.pooler import pooling
from tests.unit.ledger.test_ledger import begin, clock, plan, sent, sub

pytestmark = POSTGRESQL

COUNT_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"


@pytest.fixture
def server(database: Database) -> Server:
    assert database.server is not None
    return database.server


@pytest.fixture
def schema(database: Database) -> str:
    return database.location.rpartition("D")[2]


def refused(location: str) -> LedgerUnusable:
    with pytest.raises(LedgerUnusable) as raised:
        Ledger.open(location, clock=clock)
    told = f"{raised.value} {raised.value.help} {raised.value!r} {raised.value.__cause__}"
    assert "gull-and-heron" not in told
    assert raised.value.exit_code == 11
    return raised.value


def test_a_server_that_is_not_there_is_said_without_the_password(server: Server) -> None:
    told = refused(server.url(port=1))
    assert "pipeline:***@127.0.0.1:1/postgres" in str(told)
    assert "refused" in str(told)
    assert "is the server there" in told.help


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("/postgres", "/nowhere"), "createdb"),
        (("pipeline:", "stranger:"), "createuser"),
        (("search_path%3D", "search_path%3Dno_"), "make it first"),
    ],
)
def test_what_is_missing_on_the_server_is_named(
    database: Database, change: tuple[str, str], words: str
) -> None:
    told = refused(database.location.replace(*change))
    assert words in f"{told} {told.help}"


def test_a_user_without_rights_is_told_which(
    database: Database, server: Server, schema: str
) -> None:
    server.ask("DROP ROLE IF EXISTS reader")
    server.ask("CREATE ROLE reader LOGIN")
    server.ask(f"GRANT USAGE ON SCHEMA {schema} TO reader")
    told = refused(database.location.replace("pipeline:", "reader:"))
    assert "permission denied" in str(told)
    assert "right to make tables" in told.help


def test_tables_of_another_program_are_left_alone(database: Database) -> None:
    database.ask("CREATE TABLE run (a integer)")
    assert "has a table run already" in str(refused(database.location))
    assert database.ask(COUNT_TABLES) == [(1,)]


def test_d8_a_newer_ledger_is_left_alone(database: Database) -> None:
    Ledger.open(database.location, clock=clock).close()
    database.ask("INSERT INTO ledger_version VALUES (99)")
    words = f"has format 99, this program knows formats up to {VERSION}"
    assert words in str(refused(database.location))
    with pytest.raises(LedgerUnusable, match=words):
        Ledger.read(database.location, clock=clock)


def test_p2_a_migration_that_fails_leaves_no_tables(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_connection: object) -> None:
        raise OSError("interrupted")

    monkeypatch.setattr(versions, "MIGRATIONS", (METADATA.create_all, breaks))
    refused(database.location)
    assert database.ask(COUNT_TABLES) == [(0,)]
    monkeypatch.undo()
    Ledger.open(database.location, clock=clock).close()


def test_a_reader_sees_what_a_writer_has_committed_and_changes_nothing(database: Database) -> None:
    with pytest.raises(LedgerUnusable, match="there is no ledger at"):
        Ledger.read(database.location, clock=clock)
    with Ledger.open(database.location, clock=clock) as ledger:
        begin(ledger)
        with Ledger.read(database.location, clock=clock) as reader:
            assert [run.id for run in reader.runs(2)] == ["r1"]
            assert reader.at_work()
            with pytest.raises(LedgerUnusable, match="read-only"):
                reader.endpoint("https://x", 1)


def test_d7_a_pooler_that_changes_sessions_between_transactions_is_refused(
    database: Database, server: Server
) -> None:
    with pooling(server.port) as port:
        location = database.location.replace(f":{server.port}/", f":{port}/")
        with pytest.raises(PooledSession, match="behind a pooler") as raised:
            Ledger.open(location, clock=clock)
    assert raised.value.exit_code == 2
    assert "pool_mode = session" in raised.value.help


# --- D6: the server goes away -----------------------------------------------------------------


def test_d6_a_connection_that_was_cut_is_made_anew_with_its_locks(
    database: Database, server: Server
) -> None:
    with Ledger.open(database.location, clock=clock) as ledger:
        endpoint = begin(ledger)
        assert server.cut() == 1
        assert ledger.endpoint("https://api.parcellab.com", 1618) == endpoint
        with pytest.raises(LedgerLocked):
            Ledger.open(database.location, clock=clock)


def test_d6_a_restart_in_the_middle_of_sending_loses_nothing(
    database: Database, server: Server
) -> None:
    with Ledger.open(database.location, clock=clock) as ledger:
        endpoint = begin(ledger)
        ledger.plan_partition("r1", 0, plan({"order_number": "A1"}, {"order_number": "A2"}), "d")
        journal = ledger.journal("r1", 0)
        journal.commit(sending=[sub("A1"), sub("A2")])
        server.stop()
        server.start()
        sent(ledger, sub("A1"), OrderOutcome.CREATED)
        server.cut()
        assert ledger.orders("r1")["outcome"].to_list() == ["created", "unknown"]
        assert list(ledger.known(endpoint, ["A1", "A2"])) == ["A1"]


@pytest.mark.parametrize("stored", [True, False])
def test_d6_a_commit_without_an_answer_is_looked_up_and_done_once(
    database: Database, server: Server, monkeypatch: pytest.MonkeyPatch, *, stored: bool
) -> None:
    with Ledger.open(database.location, clock=clock) as ledger:
        dialect = ledger._session.store.connection.dialect
        original = dialect.do_commit
        cuts: list[int] = []

        def commit(connection: Any) -> None:  # noqa: ANN401 - psycopg's connection
            if not cuts:
                cuts.append(1)
                if stored:
                    original(connection)
                server.cut()
                connection.execute("SELECT 1")
            original(connection)

        monkeypatch.setattr(dialect, "do_commit", commit)
        endpoint = ledger.endpoint("https://z", 7)
        assert cuts == [1]
        assert ledger.endpoint("https://z", 7) == endpoint
    assert database.ask("SELECT count(*) FROM endpoint") == [(1,)]


def test_d6_a_server_that_stays_away_ends_the_run(
    database: Database, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PATIENCE_S", 0.3)
    ledger = Ledger.open(database.location, clock=clock)
    server.stop()
    try:
        for _ in range(2):  # and nothing is tried a second time
            with pytest.raises(LedgerUnusable, match="cannot use the ledger") as raised:
                ledger.endpoint("https://z", 7)
            assert raised.value.exit_code == 11
    finally:
        server.start()
    ledger.close()


# --- locks: who may work beside whom ----------------------------------------------------------


def test_the_planner_knows_a_table_that_has_just_been_filled(database: Database) -> None:
    """It would take one endpoint for a two-hundredth of all otherwise, and read all its orders."""
    with Ledger.open(database.location, clock=clock) as ledger:
        begin(ledger)
        numbers = [f"A{n}" for n in range(3000)]
        ledger.plan_partition("r1", 0, plan(*({"order_number": each} for each in numbers)), "d")
        journal = ledger.journal("r1", 0)
        for start in range(0, 3000, 100):
            some = numbers[start : start + 100]
            journal.commit(sending=[sub(each) for each in some])
            created = Outcome("", OrderOutcome.CREATED, attempts=1, status=201)
            journal.commit(settled=[(sub(n), replace(created, order_number=n)) for n in some])
        found = database.ask(
            "SELECT tablename::text, n_distinct FROM pg_stats"
            " WHERE schemaname = current_schema() AND attname IN ('run', 'endpoint')"
        )
    assert {("known_order", 1), ("run_order", 1)} <= set(found)


def test_several_processes_work_at_one_ledger_and_one_of_them_prepares(database: Database) -> None:
    with Ledger.open(database.location, clock=clock, shared=True) as first:
        assert first.alone
        endpoint = begin(first)
        other = first.endpoint("https://api.parcellab.com", 1619)
        first.let_others_in()
        with Ledger.open(database.location, clock=clock, shared=True) as second:
            assert not second.alone
            assert first.hold(endpoint)
            assert not second.hold(endpoint)
            assert not second.share(endpoint)
            assert second.hold(other)
            assert first.share(endpoint)
            assert second.share(endpoint)
            assert not second.hold(endpoint)
            assert second.at_work(endpoint)
            first.leave(endpoint)
            assert not second.at_work(endpoint)
            assert second.hold(endpoint)
        with pytest.raises(LedgerLocked, match="another run is using this ledger: run r1 by pid"):
            Ledger.open(database.location, clock=clock)
    with Ledger.open(database.location, clock=clock) as third:
        assert third.alone


def test_ledgers_of_two_schemas_do_not_lock_each_other(database: Database, server: Server) -> None:
    with Ledger.open(database.location, clock=clock):
        other = server.url(schema=server.new_schema())
        with Ledger.open(other, clock=clock) as free:
            assert not free.at_work()


def test_rows_come_in_the_same_order_as_from_sqlite(database: Database) -> None:
    numbers = ["b", "A", "a", "B", "ä", "_", "10", "9"]
    with Ledger.open(database.location, clock=clock) as ledger:
        begin(ledger)
        ledger.plan_partition("r1", 0, plan(*({"order_number": n} for n in numbers)), "d")
        assert ledger.orders("r1")["key"].to_list() == sorted(numbers, key=str.encode)
        assert ledger.orders("r1").schema["value"] == pl.Decimal(38, 2)


def test_without_the_driver_it_says_what_to_install(database: Database) -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "import importlib.util as u; u.find_spec = lambda name: None\n"
        "from pipeline.ledger import Ledger, LedgerUnusable\n"
        "try: Ledger.open(sys.argv[1], clock=None)\n"
        "except LedgerUnusable as e: print(e, e.help)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, database.location], cwd=Path(__file__).parents[3],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "pip install 'pipeline[postgres]'" in done.stdout
