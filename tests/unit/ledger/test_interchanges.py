"""Interchanges and control numbers: what must survive a crash."""

import sqlite3
from pathlib import Path

from pipeline.ledger import HandedOver, InterchangeKey, Ledger, RunStart
from pipeline.ledger.schema import EDI_TABLES, HISTORY_TABLES
from tests.databases import BOTH, Database
from tests.unit.ledger.test_ledger import NOW, begin, clock

KEY = InterchangeKey("x12", "ACME", "PARCELLAB", "000000905", "aa")


def begin_with(ledger: Ledger, run_id: str, *keys: InterchangeKey) -> int:
    endpoint = ledger.endpoint("https://api.parcellab.com", 1618)
    ledger.begin_run(
        RunStart(id=run_id, endpoint=endpoint, fingerprint=run_id, profile="prod", started_at=NOW),
        [(key, f"{run_id}.edi") for key in keys],
    )
    return endpoint


@BOTH
def test_an_interchange_is_remembered_with_the_run_that_took_it_first(database: Database) -> None:
    with Ledger.open(database.location, clock=clock) as ledger:
        endpoint = begin_with(ledger, "r1", KEY)
        begin_with(ledger, "r2", KEY)
        begin(ledger, "r3")

        (found,) = ledger.received(endpoint, ["000000905", "1"])

        assert (found.key, found.file, found.run, found.at) == (KEY, "r1.edi", "r1", NOW)
        other = ledger.endpoint("https://api.parcellab.com", 1)
        assert ledger.received(other, ["000000905"]) == []


@BOTH
def test_a_control_number_is_never_given_twice(database: Database) -> None:

    def given(theirs: str = "ACME", first: int = 1) -> int:
        # opened anew each time, as after a crash
        with Ledger.open(database.location, clock=clock) as ledger:
            return ledger.next_control_number("x12", "PARCELLAB", theirs, first=first)

    assert [given(), given(), given("OTHER"), given(first=500), given(), given(first=7)] == [
        1, 2, 1, 500, 501, 502,
    ]  # fmt: skip


@BOTH
def test_what_was_handed_over_is_found_by_the_hash_of_the_file(database: Database) -> None:
    with Ledger.open(database.location, clock=clock) as ledger:
        endpoint = begin_with(ledger, "r1", KEY)
        given = HandedOver(KEY, "997", "v1", "997-ACME-000000001.edi")
        for _ in range(2):
            ledger.put_acknowledgement("r1", given)

        assert ledger.handed_over(endpoint, ["aa", "bb"]) == {given}
        assert ledger.handed_over(endpoint, ["bb"]) == set()


def test_a_ledger_of_format_1_is_upgraded_and_keeps_its_runs(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path, clock=clock) as ledger:
        begin(ledger)
    old = sqlite3.connect(path)
    for table in reversed((*EDI_TABLES, *HISTORY_TABLES)):
        old.execute(f"DROP TABLE {table.name}")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()

    with Ledger.read(path, clock=clock) as ledger:  # looking needs no upgrade
        assert ledger.run("r1") is not None
    with Ledger.open(path, clock=clock) as ledger:
        assert ledger.run("r1") is not None
        endpoint = begin_with(ledger, "r2", KEY)
        assert [each.run for each in ledger.received(endpoint, ["000000905"])] == ["r2"]
        assert ledger.next_control_number("x12", "a", "b") == 1
