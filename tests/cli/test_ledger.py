"""ledger check, stats, export, purge on the command line."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call, orders


def run(call: Call) -> str:
    return str(call("run", "-m", "small.yaml", "orders.csv", "--json").json()["run"])


def tamper(files: Path, statement: str) -> None:
    with closing(sqlite3.connect(files / ".pipeline" / "ledger.db")) as ledger, ledger:
        ledger.execute(statement)


def test_check_of_a_ledger_in_order(call: Call, files: Path, api: RunningSandbox) -> None:
    assert api.base_url
    orders(files, "A1,DE,a@example.com", "A2,Nowhere,jana@canary")
    run(call)
    said = call("ledger", "check")
    assert said.code == 0
    assert said.out.startswith("ok    journal\nok    pages\n")
    assert said.out.endswith("the ledger is in order\n")
    document = call("ledger", "check", "--json").json()
    assert (document["complaints"], document["sealed"], document["runs"]) == ([], 1, 1)
    assert call("ledger", "check", "--seal", document["seal"]).code == 0
    said = call("ledger", "check", "--seal", "f00")
    assert said.code == 11
    assert "FAIL  chain: the seal f00 is not among those of the ledger" in said.out


def test_check_finds_what_was_changed_and_says_how_to_go_on(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert api.base_url
    name = run(call)
    tamper(files, "UPDATE run_order SET outcome = 'refused' WHERE order_number = 'A2'")
    said = call("ledger", "check")
    assert said.code == 11
    assert "FAIL  totals: its report counted 2 orders created, the table has 1\n" in said.out
    assert f"        where  run {name}\n        fix    find out who has changed" in said.out
    document = call("ledger", "check", "--json").json()
    assert document["exit"] == {"code": 11, "name": "ledger"}
    assert {each["check"] for each in document["complaints"]} == {"totals", "orders", "seals"}


def test_check_knows_a_ledger_that_is_older_than_its_runs(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert api.base_url
    run(call)
    ledger = files / ".pipeline" / "ledger.db"
    shutil.copy(ledger, files / "copy.db")
    orders(files, "A3,DE,a@example.com")
    name = run(call)
    shutil.copy(files / "copy.db", ledger)
    said = call("ledger", "check")
    assert said.code == 11
    assert f"FAIL  folders: run {name} has begun, and the ledger does not know it" in said.out


def test_check_of_no_ledger_and_of_garbage(call: Call, folder: Path) -> None:
    said = call("ledger", "check")
    assert said.code == 2
    assert said.err.startswith("error[C132]: there is no ledger at ")
    (folder / ".pipeline").mkdir()
    (folder / ".pipeline" / "ledger.db").write_bytes(b"not a ledger" * 999)
    said = call("ledger", "check")
    assert said.code == 11
    assert "file is not a database" in said.err
