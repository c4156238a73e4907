"""`ledger check`: damage that was planted is found, named, and nothing else is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.ledger import Difference, Found, Ledger, LedgerUnusable, ReadBack, RunState
from pipeline.ledger.inspection import TABLE_CHECKS
from pipeline.model.orders import Problem
from pipeline.model.outcomes import OrderOutcome
from tests.databases import BOTH, Database
from tests.unit.ledger.test_file import as_killed, destroy, root_page
from tests.unit.ledger.test_ledger import NOW, begin, clock, plan, sent, sub

TOTALS = '{"version":1,"orders":{"created":2,"refused":1,"unknown":0,"updated":0}}'


def night(ledger: Ledger) -> int:
    """Two runs: the first created A1 and A2 and misses A3, the second updated A1 and was stopped."""
    endpoint = begin(ledger)
    orders = plan(*({"order_number": number} for number in ("A1", "A2", "A3")))
    ledger.plan_partition("r1", 0, orders, "d")
    sent(ledger, sub("A1"), OrderOutcome.CREATED, external_id="x")
    sent(ledger, sub("A2"), OrderOutcome.CREATED)
    sent(ledger, sub("A3"), OrderOutcome.REFUSED, problems=(Problem("A401", "no"),))
    ledger.enter("r1", figures=None, missing=[("A3", "A401")], arrived=["A1", "A2"])
    ledger.finish_run("r1", state=RunState.FINISHED, exit_code=3, ended_at=NOW, totals=TOTALS)
    begin(ledger, "r2", "g")
    more = plan({"order_number": "A1", "content_sha256": "h2"}, {"order_number": "A4"})
    ledger.plan_partition("r2", 0, more, "d")
    sent(ledger, sub("A1", "h2"), OrderOutcome.UPDATED, run_id="r2")
    ledger.journal("r2", 0).commit(sending=[sub("A4")])
    ledger.enter("r2", figures=None, missing=[("A3", "A401")], arrived=["A1"])
    ledger.finish_run("r2", state=RunState.INTERRUPTED, exit_code=5, ended_at=NOW, totals="{}")
    return endpoint


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with Ledger.open(database.location, clock=clock) as opened:
        yield opened


def found(location: str | Path, **asked: str) -> list[tuple[str, str, str]]:
    with Ledger.read(location, clock=clock) as reader:
        return [(c.check, c.what, c.where) for c in reader.check(**asked).complaints]


def do(ledger: Ledger, statement: str) -> None:
    with ledger._session.transaction() as connection:
        connection.execute(sa.text(statement))


@BOTH
def test_a_ledger_in_order_has_nothing_to_say(ledger: Ledger, database: Database) -> None:
    night(ledger)
    ledger.close()
    with Ledger.read(database.location, clock=clock) as reader:
        result = reader.check()
    assert result.complaints == []
    files = ["journal", "pages", "links"]
    made, left_out = (files, []) if database.kind == "sqlite" else ([], files)
    assert result.made == [*made, *TABLE_CHECKS]
    assert sorted(result.left_out) == sorted(left_out)
    assert (result.runs, result.sealed) == (2, 2)
    assert result.seal
    assert found(database.location, seal=result.seal) == []


@BOTH
def test_a_run_that_goes_on_is_sealed_again_and_its_old_seal_is_no_complaint(
    ledger: Ledger, database: Database
) -> None:
    night(ledger)
    first = ledger.check().seal
    ledger.resume_run("r2")
    sent(ledger, sub("A4"), OrderOutcome.CREATED, run_id="r2")
    assert found(database.location) == []
    ledger.finish_run("r2", state=RunState.FINISHED, exit_code=0, ended_at=NOW, totals="{}")
    result = ledger.check(seal=first or "")
    assert result.complaints == []
    assert (result.sealed, result.seal != first) == (2, True)


PLANTED: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "a refusal made a success": (
        "UPDATE run_order SET outcome = 'created' WHERE order_number = 'A3'",
        [
            ("totals", "its report counted 2 orders created, the table has 3", "run r1"),
            ("totals", "its report counted 1 orders refused, the table has 0", "run r1"),
            ("orders", "order A3 was created in run r1, and is not among the known ones",
             "table known_order"),
            ("seals", "it is not as it was when it ended (2026-11-20T12:00:00.000+00:00)", "run r1"),
        ],
    ),
    "a run that never was": (
        "UPDATE run SET exit_code = 0 WHERE id = 'r1'",
        [("seals", "it is not as it was when it ended (2026-11-20T12:00:00.000+00:00)", "run r1")],
    ),
    "an order of a run taken out": (
        "DELETE FROM run_order WHERE order_number = 'A2'",
        [
            ("totals", "its report counted 2 orders created, the table has 1", "run r1"),
            ("seals", "it is not as it was when it ended (2026-11-20T12:00:00.000+00:00, 3 orders "
             "then and 2 now)", "run r1"),
        ],
    ),
    "a hash changed so that the order looks unchanged": (
        "UPDATE known_order SET content_sha256 = 'h9' WHERE order_number = 'A1'",
        [("orders", "order A1 is held to be in parcelLab as it was sent last, but in run r2 another "
          "payload", "table known_order")],
    ),
    "an order forgotten": (
        "DELETE FROM known_order WHERE order_number = 'A2'",
        [("orders", "order A2 was created in run r1, and is not among the known ones",
          "table known_order")],
    ),
    "a word that nobody writes": (
        "UPDATE run_order SET outcome = 'done' WHERE order_number = 'A4'",
        [("words", "1 rows have outcome 'done', which there is none of", "table run_order"),
         ("seals", "it is not as it was when it ended (2026-11-20T12:00:00.000+00:00)", "run r2")],
    ),
    "a run declared finished": (
        "UPDATE run SET state = 'finished' WHERE id = 'r2'",
        [("runs", "it is finished, and 1 of its orders are sending, such as A4", "run r2"),
         ("seals", "it is not as it was when it ended (2026-11-20T12:00:00.000+00:00)", "run r2")],
    ),
    "a partition that was never planned": (
        "DELETE FROM run_partition WHERE run = 1",
        [("partitions", "3 orders are in partition 0, which was never planned", "run r1")],
    ),
    "an open item closed by hand in the file": (
        "UPDATE open_item SET closed_at = '2026', closed_run = 2",
        [("items", "order A3 is closed, its last entry says again, or another cause or count",
          "table open_item")],
    ),
    "an item that was missing less often than before": (
        "UPDATE item_event SET runs = 0 WHERE kind = 'again'",
        [("items", "order A3 is open, its last entry says again, or another cause or count",
          "table open_item"),
         ("entries", "open item 1 was missing in fewer runs at entry 2 than before",
          "table item_event")],
    ),
    "a seal made again": (
        "UPDATE seal SET digest = 'd' WHERE n = 1",
        [("chain", "seal 1, of run r1, does not follow from the one before", "table seal"),
         ("seals", "it is not as it was when it ended (2026-11-20T12:00:00.000+00:00)", "run r1")],
    ),
    "a seal taken out": (
        "DELETE FROM seal WHERE n = 1", [("chain", "seal 1 is gone", "table seal")],
    ),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("how", PLANTED)
def test_planted_damage_is_found(ledger: Ledger, database: Database, how: str) -> None:
    night(ledger)
    statement, complaints = PLANTED[how]
    do(ledger, statement)
    ledger.close()
    assert found(database.location) == complaints
    with Ledger.read(database.location, clock=clock) as reader:
        assert all(each.fix for each in reader.check().complaints)


@BOTH
def test_a_chain_made_again_from_its_beginning_is_told_by_a_seal_kept_elsewhere(
    ledger: Ledger, database: Database
) -> None:
    night(ledger)
    kept = ledger.check().seal
    assert kept is not None
    do(ledger, "DELETE FROM seal")
    ledger.resume_run("r2")
    ledger.finish_run("r2", state=RunState.INTERRUPTED, exit_code=5, ended_at=NOW, totals="{}")
    assert found(database.location) == []
    assert found(database.location, seal=kept) == [
        ("chain", f"the seal {kept} is not among those of the ledger", "table seal")
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


def test_a_hole_in_the_history_is_found(path: Path) -> None:
    with Ledger.open(path, clock=clock) as opened:
        night(opened)
        opened.enter("r2", figures=None)
        do(opened, "DELETE FROM item_event WHERE entry = 2")
        do(opened, "DELETE FROM entry WHERE id = 2")
        do(opened, "UPDATE open_item SET runs = 1")
    assert found(path) == [("entries", "of 3 rows that were written 1 are gone", "table entry")]


def test_while_a_run_is_at_work_it_says_what_it_leaves_out(path: Path) -> None:
    with Ledger.open(path, clock=clock) as opened:
        night(opened)
        begin(opened, "r3", "h")
        opened.plan_partition("r3", 0, plan({"order_number": "A9"}), "d")
        opened.journal("r3", 0).commit(sending=[sub("A9")])
        with Ledger.read(path, clock=clock) as reader:
            result = reader.check()
    assert result.complaints == []
    assert result.left_out == {"journal": "a run is at work"}
    assert result.notes == ["a run is at work: it is judged when it has ended"]


def test_l1_a_page_that_was_destroyed(path: Path) -> None:
    with Ledger.open(path, clock=clock) as opened:
        night(opened)
    destroy(path, root_page(path, "run_problem"))
    before = path.read_bytes()
    with Ledger.read(path, clock=clock) as reader:
        result = reader.check()
    assert result.complaints[0].check == "pages"
    assert "malformed" in result.complaints[0].what or "Tree" in result.complaints[0].what
    assert result.left_out == dict.fromkeys(TABLE_CHECKS, "the file is damaged")
    assert path.read_bytes() == before


def test_l1_a_flipped_byte_of_a_value_which_sqlite_cannot_see(path: Path) -> None:
    with Ledger.open(path, clock=clock) as opened:
        night(opened)
    data = path.read_bytes()
    at = data.rindex(b"created")  # of an order
    path.write_bytes(data[:at] + b"C" + data[at + 1 :])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    checks = {check for check, _, _ in found(path)}
    assert {"words", "seals"} <= checks


@pytest.mark.parametrize("size", [0, 10_000])
def test_l1_a_truncated_file(path: Path, size: int) -> None:
    with Ledger.open(path, clock=clock) as opened:
        night(opened)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(LedgerUnusable, match="ledger damaged"):
        found(path)


def test_l2_a_journal_that_was_deleted(path: Path, tmp_path: Path) -> None:
    with Ledger.open(path, clock=clock) as opened:
        night(opened)
    with Ledger.open(path, clock=clock) as opened:
        begin(opened, "r3", "h")
        cut = as_killed(path, tmp_path / "cut")
    assert found(cut) == []
    cut.with_name("ledger.db-wal").unlink()
    ((check, what, _),) = found(cut)
    assert check == "journal"
    assert "run r3 was cut off, and the journal ledger.db-wal with its last commits is gone" in what


def test_another_database_s_journal_is_not_taken_for_ours(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "ledger.db"
    with Ledger.open(other, clock=clock) as opened:
        begin(opened, "elsewhere")
        for number in range(40):
            begin(opened, f"elsewhere-{number}")
        foreign = as_killed(other, tmp_path / "cut").with_name("ledger.db-wal").read_bytes()
    with Ledger.open(path, clock=clock) as opened:
        night(opened)
    path.with_name("ledger.db-wal").write_bytes(foreign)
    assert found(path) != []


@BOTH
def test_an_order_that_verify_did_not_find_is_forgotten_on_purpose(
    ledger: Ledger, database: Database
) -> None:
    night(ledger)
    missing = Difference("A2", "", Found.MISSING)
    told = ReadBack(at=NOW, share=1.0, arrived=2, chosen=2, compared=1, differing=0, missing=1,
                    unread=0, differences=[missing])  # fmt: skip
    ledger.put_read_back("r1", told)
    do(ledger, "DELETE FROM known_order WHERE order_number = 'A2'")
    assert found(database.location) == []
