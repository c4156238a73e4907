"""ledger check, stats, export, purge on the command line."""

import re
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

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
    assert said.out.startswith(
        "ok    journal     no last commits of a run that was cut off are gone\n"
    )
    assert len([line for line in said.out.splitlines() if line.startswith("ok    ")]) == 13
    assert said.out.endswith("the ledger is in order\n")
    document = call("ledger", "check", "--json").json()
    assert (document["complaints"], document["sealed"], document["runs"]) == ([], 1, 1)
    assert call("ledger", "check", "--seal", document["seal"]).code == 0
    said = call("ledger", "check", "--seal", "f00")
    assert said.code == 11
    assert "FAIL  chain: the seal f00 is not among those of the ledger" in said.out


@pytest.mark.thorough
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


@pytest.mark.thorough
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


def test_stats(call: Call, files: Path, api: RunningSandbox) -> None:
    assert api.base_url
    assert call("ledger", "stats").code == 2
    orders(files, "A1,DE,a@example.com", "A2,Nowhere,jana@canary")
    run(call)
    document = call("ledger", "stats", "--json").json()
    sizes = {each["name"]: each for each in document["tables"]}
    assert (sizes["run_order"]["rows"], sizes["known_order"]["rows"]) == (2, 1)
    pages = [each["size_bytes"] for each in document["tables"]]
    assert all(size % 4096 == 0 and size > 0 for size in pages)
    assert sum(pages) <= document["size_bytes"] == sizes_on_disk(files)
    (endpoint,) = document["endpoints"]
    assert (endpoint["orders_known"], endpoint["runs"], endpoint["open_items"]) == (1, 1, 1)
    (day,) = document["growth"]
    assert (day["runs"], day["orders"], day["created"]) == (1, 2, 1)
    said = call("ledger", "stats")
    assert said.code == 0
    assert "1 orders known, 1 open items, 1 runs, first 20" in said.out


def sizes_on_disk(files: Path) -> int:
    return (files / ".pipeline" / "ledger.db").stat().st_size


def test_export_is_a_csv_that_anybody_can_compare(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    orders(files, "=A1,DE,a@example.com", "A2,Nowhere,jana@canary", "A3,AT,c@example.com")
    name = run(call)
    said = call("ledger", "export")
    assert said.code == 0
    header, *rows = (line.split(",") for line in said.out.splitlines())
    assert header == ["order_number", "content_sha256", "version", "outcome", "status", "run",
                      "updated_at", "external_id"]  # fmt: skip
    told = {row[0]: row for row in rows}
    assert set(told) == {"'=A1", "A2", "A3"}  # no spreadsheet runs it
    assert told["A2"][2:] == ["0", "held_back", "", name, "", ""]
    assert told["A3"][2:4] == ["0", "created"]
    assert told["A3"][4] in ("200", "201")
    assert re.fullmatch(r"[0-9a-f]{64}\.[0-9a-f]{16}", told["A3"][1])
    there = {order["order_number"]: order["external_id"] for order in api.orders()}
    assert told["A3"][7] == str(there["A3"])

    out = files / "out.csv"
    said = call("ledger", "export", "--run", name, "--outcome", "created", "--out", "out.csv", "--json")  # fmt: skip
    assert said.json()["file"] == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [line.split(",")[0] for line in out.read_text().splitlines()[1:]] == ["'=A1", "A3"]
    said = call("ledger", "export", "--out", "out.csv")
    assert (said.code, said.err.splitlines()[0]) == (2, f"error[C114]: {Path('out.csv')} exists already")  # fmt: skip


def test_export_of_what_there_is_not(call: Call, files: Path, api: RunningSandbox) -> None:
    assert (files.is_dir(), api.puts()) == (True, [])
    assert call("ledger", "export").code == 2
    run(call)
    said = call("ledger", "export", "--run", "nope")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error[C132]: there is no run nope")
    said = call("ledger", "export", "--outcome", "refusd")
    assert said.code == 2
    assert "there is no outcome 'refusd'" in said.err
    assert "refused" in said.err
    assert call("ledger", "export", "--json").json()["error"]["code"] == "C101"
    said = call("ledger", "export", "--outcome", "refused")
    assert said.out.count("\n") == 1


@pytest.mark.thorough
def test_purge_removes_the_rows_of_old_runs_and_nothing_that_keeps_an_order_from_going_twice(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert files.is_dir()
    first = run(call)
    sent = len(api.puts())
    older = ("ledger", "purge", "--older-than", "0d")
    said = call(*older)
    assert (
        f"kept: the rows of run {first}: its folder is there; `pipeline report prune`" in said.out
    )
    assert call("report", "prune", "--older-than", "0d").code == 0

    dry = call(*older)
    assert dry.out.startswith(f"would be removed: 3 rows of run {first}, which ended 20")
    assert dry.out.endswith("nothing is removed yet: add --yes\n")
    assert call("ledger", "export").out.count("\n") == 3
    done = call(*older, "--yes", "--json").json()
    assert (done["removed"], [each["run"] for each in done["gone"]]) == (True, [first])
    assert call("ledger", "export").out.count("\n") == 1
    assert call(*older).out == "nothing that old may go\n"

    assert call("ledger", "check").code == 0
    assert call("run", "-m", "small.yaml", "orders.csv").code == 0
    assert len(api.puts()) == sent  # known to be there as they are
    assert call("ledger", "check").code == 0
    said = call("report", "build", first)
    assert (said.code, said.err.splitlines()[0]) == (
        2, f"error[C134]: the orders of run {first} were removed from the ledger by `ledger purge`",
    )  # fmt: skip
    assert call("report", "index").code == 0
    assert first in call("status").out


def test_purge_keeps_what_an_older_run_that_goes_on_must_see(
    call: Call, files: Path, api: RunningSandbox
) -> None:
    assert api.base_url
    stopped = run(call)
    tamper(files, "UPDATE run SET state = 'interrupted'")
    orders(files, "A1,FR,a@example.com")
    newer = run(call)
    shutil.rmtree(files / ".pipeline" / "runs")
    said = call("ledger", "purge", "--older-than", "0d", "--yes")
    assert said.out == (
        "nothing that old may go\n"
        f"kept: the rows of run {newer}: an older run keeps its own, {stopped}, and must not undo "
        "what this one sent\n"
    )


def test_purge_keeps_the_run_of_an_open_item(call: Call, files: Path, api: RunningSandbox) -> None:
    assert api.base_url
    orders(files, "A1,DE,a@example.com", "A2,Nowhere,jana@canary")
    run(call)
    shutil.rmtree(files / ".pipeline" / "runs")
    said = call("ledger", "purge", "--older-than", "0d")
    assert "orders that are open items were missing in it last\n" in said.out
    call("open-items", "close", "A2", "--reason", "x")
    assert call("ledger", "purge", "--older-than", "0d").out.startswith("would be removed: ")
