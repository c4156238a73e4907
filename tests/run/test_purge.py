"""One order is erased from everything that runs have left, and everything else stays."""

import gzip
import hashlib
import json
import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipeline.ledger import Ledger, LedgerLocked
from pipeline.run import Result, purge, retry
from pipeline.run.clock import clock
from pipeline.run.purge import OrderNotPurged
from pipeline.run.request import Options
from pipeline.sandbox import FaultSchedule
from tests.run.conftest import PARCELS_YAML, Warehouse, order_row
from tests.run.inbox import Inbox, interchange, order
from tests.run.test_answers import play


def all_text(root: Path, *, but: tuple[str, ...] = ("inbox",)) -> dict[str, str]:
    """What every file says, tables and packed files too."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not path.is_file() or name.startswith(but):
            continue
        if path.suffix == ".parquet":
            table = pl.read_parquet(path)
            found[name] = "\n".join(map(str, table.iter_rows()))
        elif path.suffix == ".gz":
            found[name] = gzip.decompress(path.read_bytes()).decode()
        else:
            found[name] = path.read_bytes().decode("utf-8", "replace")
    return found


def places(root: Path, word: str) -> list[str]:
    return [name for name, text in all_text(root).items() if word in text]


@pytest.fixture
def night(warehouse: Warehouse) -> Result:
    """A night on which the orders A2 and A3 are held back; A2 has two rows, one of them fine."""
    warehouse.orders(
        order_row("A1"),
        order_row("A2", mail="jana.canary@@privat", name='"Canarina ""V""\nVogelsang"'),
        order_row("A3", mail="other.person@@privat"),
        order_row("A2", 2, mail="jana.canary@@privat", name="Canarina"),
    )
    return warehouse.run()


def test_nothing_of_the_order_is_left_but_its_number(
    warehouse: Warehouse, tmp_path: Path, night: Result
) -> None:
    assert night.report is not None
    assert len(places(tmp_path, "jana.canary")) >= 3  # table, records, rows to correct
    warehouse.plan()
    others = places(tmp_path, "other.person")
    done = purge(warehouse.settings, "A2", warehouse.told)
    assert done.runs == [night.run_id]
    assert places(tmp_path, "canary") == []
    assert places(tmp_path, "Canarina") == []
    assert [path.parent.name for path in done.removed] == ["plans"]
    # the other order is where it was, but for the plan that had both
    assert places(tmp_path, "other.person") == [each for each in others if "plans" not in each]


def test_the_rows_of_other_orders_stay_to_the_byte(warehouse: Warehouse, night: Result) -> None:
    assert night.report is not None
    [path] = night.report.parent.glob("rejected/*.csv")
    before = path.read_bytes()
    purge(warehouse.settings, "A2", warehouse.told)
    after = path.read_bytes()
    assert b"A2" not in after
    facts = json.loads((warehouse.settings.home / "runs" / night.run_id / "run.json").read_text())
    [entry] = facts["corrected"]
    assert (entry["units"], entry["orders"]) == (1, 1)
    assert entry["sha256"] == hashlib.sha256(after).hexdigest()
    assert after.splitlines(keepends=True) == [
        before.splitlines(keepends=True)[0],
        next(line for line in before.splitlines(keepends=True) if b"other.person" in line),
    ]


@pytest.mark.thorough
def test_a_number_that_stands_in_other_cells_too_takes_no_other_order_along(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(
        order_row("1", mail="jana.canary@@privat"), order_row("3", mail="other.person@@privat")
    )
    result = warehouse.run(max_reject_rate=None)
    assert result.report is not None
    purge(warehouse.settings, "1", warehouse.told)
    [path] = result.report.parent.glob("rejected/*.csv")
    assert "other.person" in path.read_text()
    assert "jana.canary" not in path.read_text()


def test_what_parcellab_said_of_a_cell_is_erased_too(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.orders(order_row("A1"), order_row("A2", mail="jana.canary@example.com"))
    refusal = {"fault": "http_400_a", "order_number": "A2", "attr": "recipient_email",
               "detail": "jana.canary@example.com is unknown"}  # fmt: skip
    warehouse.sandbox.play(FaultSchedule.of([refusal]))
    warehouse.run(max_reject_rate=None)
    assert places(tmp_path, "jana.canary")
    purge(warehouse.settings, "A2", warehouse.told)
    assert places(tmp_path, "jana.canary") == []


def test_the_totals_stay_true_and_the_page_is_made_again(
    warehouse: Warehouse, night: Result
) -> None:
    assert night.report is not None
    folder = night.report.parent
    before = json.loads((folder / "summary.json").read_text())
    purge(warehouse.settings, "A2", warehouse.told)
    after = json.loads((folder / "summary.json").read_text())
    assert after["balances"] is True
    assert (after["orders"], after["rows"]) == (before["orders"], before["rows"])
    records = [
        json.loads(line)
        for line in gzip.decompress((folder / "rejections.jsonl.gz").read_bytes()).splitlines()
    ]
    mine = [each for each in records if each["order_number"] == "A2" and each["rule"] == "R310"]
    assert {each["raw"] for each in mine} == {"(erased)"}
    assert (folder / "orders-missing.txt").read_text() == "A2\nA3\n"


def test_the_rest_can_still_be_corrected(warehouse: Warehouse, night: Result) -> None:
    assert night.report is not None
    purge(warehouse.settings, "A2", warehouse.told)
    [path] = night.report.parent.glob("rejected/*.csv")
    path.write_bytes(
        path.read_bytes().replace(b"other.person@@privat", b"other.person@example.com")
    )
    again = retry(warehouse.settings, [path], [], Options(max_reject_rate=None), warehouse.told)
    assert again.exit_code == 0
    assert "A3" in {put.order_number for put in warehouse.sandbox.puts()}


def test_a_file_without_another_order_is_removed(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2", mail="jana.canary@@privat"))
    result = warehouse.run(max_reject_rate=None)
    assert result.report is not None
    purge(warehouse.settings, "A2", warehouse.told)
    assert list(result.report.parent.glob("rejected/*")) == []


def test_rows_that_were_pasted_into_another_file_go_by_their_own_file(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", mail="x@@y"), name="orders-a.csv")
    warehouse.orders(order_row("B1", mail="x@@y"), name="orders-b.csv")
    result = warehouse.run(max_reject_rate=None)
    assert result.report is not None
    [a, b] = sorted(result.report.parent.glob("rejected/*.csv"))
    header, of_b = b.read_text().splitlines(keepends=True)
    b.write_text(header + of_b + a.read_text().splitlines(keepends=True)[1])
    a.unlink()
    purge(warehouse.settings, "A1", warehouse.told)
    assert b.read_text() == header + of_b


def test_a_file_that_somebody_has_changed_beyond_recognition_is_left_to_the_person(
    warehouse: Warehouse, night: Result, tmp_path: Path
) -> None:
    assert night.report is not None
    [path] = night.report.parent.glob("rejected/*.csv")
    path.write_text("jana.canary@@privat;A2\n")
    copy = path.with_name("my copy.csv")
    copy.write_text("A2;jana.canary@@privat\n")
    done = purge(warehouse.settings, "A2", warehouse.told)
    assert sorted(done.look_at) == sorted([path, copy])
    named = sorted(str(each.relative_to(tmp_path)) for each in (path, copy))
    assert sorted(places(tmp_path, "canary")) == named


@pytest.mark.parametrize("more", ["", "A2;2;S;1;DE;b@example.com;Jo;;;;;;\n"])
def test_rows_of_others_stay_beside_records_that_could_not_be_read(
    warehouse: Warehouse, more: str
) -> None:
    warehouse.orders(
        order_row("A1", qty="two"), order_row("A2", qty="two"), "A3;1;S\n",
        "A4;1;S;1;DE;a@example.com;x;;9;2;11;12;13;14;15\n",
    )  # fmt: skip
    result = warehouse.run()
    [path] = warehouse.corrected(result).values()
    path.write_text(path.read_text() + more)  # a row that a person has added

    done = purge(warehouse.settings, "A1", warehouse.told)

    assert path in done.changed
    assert path not in done.removed
    text = path.read_text()
    assert [each for each in ("A1;", "A2;", "A3;", "A4;") if each in text] == ["A2;", "A3;", "A4;"]


def test_to_look_changes_nothing(warehouse: Warehouse, tmp_path: Path, night: Result) -> None:
    warehouse.plan()
    before = all_text(tmp_path)
    done = purge(warehouse.settings, "A2", warehouse.told, only_look=True)
    assert done.runs == [night.run_id]
    assert done.removed
    assert done.changed
    after = all_text(tmp_path)
    assert [
        name for name in before if before[name] != after.get(name) and "ledger" not in name
    ] == []


def test_again_finishes_what_was_begun(warehouse: Warehouse, night: Result) -> None:
    assert purge(warehouse.settings, "A2", warehouse.told).runs == [night.run_id]
    assert purge(warehouse.settings, "A2", warehouse.told).runs == [night.run_id]


def test_an_order_that_arrived_is_not_sent_again(warehouse: Warehouse, night: Result) -> None:
    assert night.run_id
    purge(warehouse.settings, "A1", warehouse.told)
    sent = len(warehouse.sandbox.puts())
    warehouse.run()
    assert len(warehouse.sandbox.puts()) == sent


def test_an_unknown_order(warehouse: Warehouse, night: Result) -> None:
    assert night.run_id
    with pytest.raises(OrderNotPurged, match="nothing is kept of an order A99"):
        purge(warehouse.settings, "A99", warehouse.told)


def test_a_run_that_can_be_resumed_is_finished_first(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.orders(order_row("A1"), order_row("A2", mail="jana.canary@@privat"))
    warehouse.sandbox.play(_always_unauthorised())
    stopped = warehouse.run(max_reject_rate=None)
    assert stopped.exit_code == 6
    before = places(tmp_path, "jana.canary")
    with pytest.raises(OrderNotPurged, match="can be resumed; nothing was erased"):
        purge(warehouse.settings, "A2", warehouse.told)
    assert places(tmp_path, "jana.canary") == before


def _always_unauthorised() -> FaultSchedule:
    return FaultSchedule.of([{"fault": "http_401"}])


def test_not_while_a_run_is_at_work(warehouse: Warehouse, night: Result) -> None:
    assert night.run_id
    with Ledger.open(warehouse.settings.ledger, clock=clock), pytest.raises(LedgerLocked):
        purge(warehouse.settings, "A2", warehouse.told)


def test_an_order_of_edi(warehouse: Warehouse, tmp_path: Path) -> None:
    inbox = Inbox(warehouse)
    body = "BEG*00*SA*{}**20261120~N1*ST*{}~N4*Berlin**10115*{}~PO1*1*{}*EA*1**SK*S1~CTT*1~"
    inbox.send(
        interchange(
            ("850", body.format("A1", "Jo", "DE", "2")),
            ("850", body.format("A2", "Canarina", "DECANARY", "canary")),
            ("850", body.format("A3", "Other", "DEOTHER", "2")),
        )
    )
    result = inbox.run(max_reject_rate=None)
    assert result.exit_code == 3
    assert places(tmp_path, "CANARY")
    purge(warehouse.settings, "A2", warehouse.told)
    assert [each for each in places(tmp_path, "CANARY") if "acks" not in each] == []
    assert [each for each in places(tmp_path, "canary") if "acks" not in each] == []
    assert places(tmp_path, "DEOTHER")


def test_the_cells_behind_refusals_are_erased_too(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.orders(
        order_row("A1", mail="jana.canary@privat.example"),
        order_row("A2", mail="other@privat.example"),
    )
    play(warehouse, {"fault": "http_400_a", "attr": "recipient_email", "detail": "no"})
    night = warehouse.run()
    assert any("answers" in name for name in places(tmp_path, "jana.canary"))

    purge(warehouse.settings, "A1", warehouse.told)

    assert places(tmp_path, "jana.canary") == []
    assert any("answers" in name for name in places(tmp_path, "other@privat"))
    assert night.exit_code == 3


def test_the_workbook_of_the_rows_goes_with_the_order(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.orders(
        order_row("A1"), order_row("A2", mail="jana.canary@@privat"),
        order_row("A3", mail="other.person@@privat"),
    )  # fmt: skip
    result = warehouse.run(max_reject_rate=None, xlsx=True)
    assert result.report is not None
    [book] = result.report.parent.glob("rejected/*.xlsx")
    assert b"jana.canary" in zipfile.ZipFile(book).read("xl/worksheets/sheet1.xml")

    done = purge(warehouse.settings, "A2", warehouse.told)

    assert book in done.removed
    assert not book.exists()
    assert places(tmp_path, "jana.canary") == []
    assert [path.suffix for path in warehouse.corrected(result).values()] == [".csv"]
    assert ".xlsx" not in result.report.read_text()  # no link leads to it


def test_the_files_of_the_ledger_keep_no_old_value(
    warehouse: Warehouse, night: Result, tmp_path: Path
) -> None:
    # as an earlier version of the program has left it: replaced, but not overwritten
    old = sqlite3.connect(warehouse.settings.ledger)
    old.execute("PRAGMA secure_delete = OFF")
    for totals in ("jana.canary " * 9000, None):
        with old:
            old.execute("UPDATE run SET totals = ? WHERE id = ?", (totals, night.run_id))
    old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    old.close()
    files = [Path(f"{warehouse.settings.ledger}{end}") for end in ("", "-wal", "-shm")]
    assert any(b"jana.canary" in path.read_bytes() for path in files if path.exists())

    # somebody who only looks keeps the journal from being removed
    with Ledger.read(warehouse.settings.ledger, clock=clock) as reader:
        assert reader.last_run() is not None
        purge(warehouse.settings, "A2", warehouse.told)
        assert files[1].exists()
        assert not any(b"jana.canary" in path.read_bytes() for path in files if path.exists())
    assert places(tmp_path, "jana.canary") == []


@pytest.mark.thorough
def test_a_report_that_was_written_elsewhere_is_cleaned_too(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    usual = warehouse.settings
    warehouse.settings = replace(usual, reports=tmp_path / "far" / "away")
    warehouse.orders(
        order_row("A1"), order_row("A2", mail="jana.canary@@privat"),
        order_row("A3", mail="other.person@@privat"),
    )  # fmt: skip
    result = warehouse.run(max_reject_rate=None)
    assert len(places(tmp_path / "far", "jana.canary")) == 2

    purge(usual, "A2", warehouse.told)

    assert places(tmp_path, "jana.canary") == []
    assert len(places(tmp_path / "far", "other.person")) == 2
    assert result.report is not None
    assert "1 row" in result.report.read_text()
    assert not usual.reports.exists()


def test_copies_of_inputs_with_refused_orders_are_listed_and_only_those_that_have_the_order_go(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"), name="orders-a.csv")
    warehouse.orders(order_row("B1"), name="orders-b.csv")
    play(warehouse, {"fault": "http_400_a", "attr": "recipient_email", "detail": "no"})
    run = warehouse.settings.home / "runs" / warehouse.run().run_id
    copies = sorted((run / "refused").iterdir())
    assert len(copies) == 2
    [mine] = [each for each in copies if b"A1" in each.read_bytes()]

    looked = purge(warehouse.settings, "A1", warehouse.told, only_look=True)

    assert looked.removed == [mine]
    assert sorted((run / "refused").iterdir()) == copies
    done = purge(warehouse.settings, "A1", warehouse.told)
    assert done.removed == [mine]
    assert [*(run / "refused").iterdir()] == [each for each in copies if each != mine]
    # the copy of the last one takes the folder along
    [other] = [each for each in copies if each != mine]
    assert other in purge(warehouse.settings, "B1", warehouse.told).removed
    assert not (run / "refused").exists()


def test_an_order_of_rows_and_edi_is_not_named_as_such_any_more(warehouse: Warehouse) -> None:
    inbox = Inbox(warehouse)
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.parcels(("A1", "P1", ""), ("A4", "P4", ""))
    inbox.send(interchange(("850", order("A1"))))
    night = inbox.run_with("orders.yaml", "parcels.yaml")
    assert night.report is not None
    assert "take out the 1 row of order A1" in night.report.read_text()
    purge(warehouse.settings, "A1", warehouse.told)
    assert "take out the" not in night.report.read_text()
    assert "parcels.rejected.csv</code>" in night.report.read_text()
