import gzip
import json
import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.report import files as files_module
from pipeline.report.files import ReportFiles, write_report
from pipeline.report.summary import summarise
from tests.unit.report.runs import RunBuilder, all_imported, facts_of, partly_imported


def written(run: RunBuilder, folder: Path, **facts: object) -> ReportFiles:
    tables = run.tables()
    summary = summarise(facts_of(run, **facts), tables)
    return write_report(folder, summary, tables, shown_path="reports/x/report.html")


def records_of(made: ReportFiles) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(made.rejections.read_bytes()).splitlines()]


def test_all_files_are_written_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "run"
    written(partly_imported(), folder)
    assert sorted(each.name for each in folder.iterdir()) == [
        "orders-missing.txt",
        "rejections.jsonl.gz",
        "report.html",
        "summary.html",
        "summary.json",
        "summary.txt",
    ]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b", "a"):
        written(partly_imported(), tmp_path / name)
    for each in (tmp_path / "a").iterdir():
        assert each.read_bytes() == (tmp_path / "b" / each.name).read_bytes(), each.name


def test_a_record_names_the_mapping_without_a_line_where_there_is_none(tmp_path: Path) -> None:
    found = records_of(written(partly_imported(), tmp_path))
    named = {each["mapping"] for each in found if each["rule"] == "R101"}
    assert named == {"wms.yaml"}


def test_every_rejected_row_and_failed_order_is_in_the_records(tmp_path: Path) -> None:
    found = records_of(written(partly_imported(), tmp_path))
    assert Counter(each["rule"] for each in found) == {
        "R301": 12,
        "R401": 14,
        "R201": 5,
        "R310": 3,
        "R101": 2,
        "H001": 22,
        "R205": 1,
        "A401": 5,
        "A201": 4,
        "U001": 2,
    }
    assert sum(each["primary"] for each in found if each["stage"] not in ("api", "network")) == 58


def test_a_record_says_all_there_is(tmp_path: Path) -> None:
    found = records_of(written(partly_imported(), tmp_path))
    assert next(each for each in found if each["rule"] == "R401") == {
        "run": "2026-11-20T0205-wms",
        "file": "orders_2026-11-19_AT.csv",
        "line": 92,
        "segment": 0,
        "order_number": "WH-4400000",
        "stage": "lookup",
        "rule": "R401",
        "column": "Land",
        "target": "destination_country_iso3",
        "raw": "D",
        "message": '"D" is not in lookups.countries',
        "suggestion": "add the value to the table in the mapping, or correct the cell",
        "owner": "Mapping",
        "api": None,
        "primary": True,
        "other_rules": [],
        "mapping": "wms.yaml:41",
        "path": None,
        "first_seen": None,
    }
    assert next(each for each in found if each["rule"] == "A401")["api"] == {
        "status": 400,
        "code": "invalid_choice",
        "attr": "shipping_address.region_code",
    }
    both = [each for each in found if each["line"] == 179 and "DE" in each["file"]]
    assert [(each["rule"], each["other_rules"]) for each in both] == [
        ("R310", ["R205"]),
        ("R205", ["R310"]),
    ]


def test_records_keep_raw_values_and_messages_show_what_is_invisible(tmp_path: Path) -> None:
    run = all_imported()
    raw = "1\x00\u202e" + "9" * 100
    run.order("A", "held_back", ({"code": "R205", "column": "Menge", "value": raw},))
    record = records_of(written(run, tmp_path))[0]
    assert record["raw"] == raw
    assert record["message"] == f'"1⟨U+0000⟩⟨U+202E⟩{"9" * 76}…" is not a whole number'


def test_records_are_the_same_however_they_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = records_of(written(partly_imported(), tmp_path / "whole"))
    monkeypatch.setattr(files_module, "CHUNK_ROWS", 3)
    assert records_of(written(partly_imported(), tmp_path / "cut")) == whole


def test_a_run_without_rejections_has_an_empty_list(tmp_path: Path) -> None:
    made = written(all_imported(), tmp_path)
    assert gzip.decompress(made.rejections.read_bytes()) == b""
    assert made.missing.read_text() == ""


def test_missing_orders_are_listed_and_those_out_of_date_are_not(tmp_path: Path) -> None:
    run = partly_imported()
    run.order("evil\n=1", "refused")
    lines = written(run, tmp_path).missing.read_text().splitlines()
    assert len(lines) == 30
    assert "WH-4300000" not in lines
    assert "WH-4300003" in lines
    assert "evil⟨U+000A⟩=1" in lines


def test_no_personal_value_leaves_the_one_private_file(tmp_path: Path) -> None:
    made = written(partly_imported(), tmp_path)
    for each in (made.page, made.text, made.document, made.missing):
        assert b"canary" not in each.read_bytes(), each.name
    assert b"canary" in gzip.decompress(made.rejections.read_bytes())


def test_the_document_has_the_numbers_of_the_page(tmp_path: Path) -> None:
    document = json.loads(written(partly_imported(), tmp_path).document.read_bytes())
    assert document["verdict"] == "PARTLY IMPORTED"
    assert document["balances"] is True
    assert document["rows"]["rejected"] == 58
    assert document["orders"]["missing"] == 29
    assert document["control_totals"][1]["in_files"] == "2646.70"
    assert all(
        each["left"]["count"] == sum(term["count"] for term in each["right"])
        for each in document["equations"]
    )
    assert document["run"]["started_at"] == "2026-11-20T02:05:01+01:00"


def test_a_failed_write_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = written(all_imported(), tmp_path)
    before = made.page.read_bytes()

    def fail(_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(files_module, "render", fail)
    with pytest.raises(OSError, match="no space left"):
        written(partly_imported(), tmp_path)
    assert made.page.read_bytes() == before
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_a_link_at_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("untouched")
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("report.html", ".report.html.part"):
        (folder / name).symlink_to(outside)
    written(all_imported(), folder)
    assert outside.read_text() == "untouched"
    assert not (folder / "report.html").is_symlink()


def test_lazy_tables_write_the_same_records(tmp_path: Path) -> None:
    run = partly_imported()
    tables = run.tables()
    summary = summarise(facts_of(run), tables)
    assert isinstance(tables.rows, pl.DataFrame)
    lazy = replace(tables, rows=tables.rows.lazy(), findings=tables.findings.lazy())
    eager_files = write_report(tmp_path / "a", summary, tables)
    lazy_files = write_report(tmp_path / "b", summary, lazy)
    assert eager_files.rejections.read_bytes() == lazy_files.rejections.read_bytes()
