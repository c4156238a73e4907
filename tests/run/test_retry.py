"""Rows to correct: written at the end of a run, corrected by a person, imported by `retry`."""

import csv
import gzip
import io
import json
import re
import shutil
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from pipeline.model.stops import StopRun
from pipeline.run import Result, report, run
from pipeline.run.request import Options
from pipeline.run.retry import RetryRefused
from pipeline.sandbox import FaultSchedule
from tests.databases import BOTH
from tests.run.conftest import HEADER, ORDERS_YAML, PARCELS_YAML, Warehouse, at, order_row
from tests.run.inbox import PARCELS_945, Inbox, interchange, order, parcel
from tests.run.test_import import outcomes

pytestmark = BOTH

OURS = [
    "_import_file", "_import_line", "_import_rule", "_import_problem", "_import_fix", "_import_check",
    "_import_run",
]  # fmt: skip


def rows_of(path: Path) -> list[dict[str, str]]:
    text = path.read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def correct(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts of a file, each of which must be there."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def save(path: Path, rows: list[dict[str, str]], *, without: tuple[str, ...] = ()) -> None:
    """Write rows again as a spreadsheet does, and as older versions did without some columns."""
    names = [name for name in rows[0] if name not in without]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=";", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def only(files: dict[str, Path]) -> Path:
    [path] = files.values()
    return path


def page(result: Result) -> str:
    assert result.report is not None
    return result.report.read_text(encoding="utf-8")


def bodies(warehouse: Warehouse) -> dict[str, dict[str, object]]:
    return {put.order_number: json.loads(put.body) for put in warehouse.sandbox.puts()}


def test_the_file_has_all_rows_of_each_order_and_says_what_is_wrong(warehouse: Warehouse) -> None:
    warehouse.orders(
        order_row("A1"), order_row("A1", 2, qty="two"), order_row("A2"), order_row("A3", mail="x"),
        order_row("A1", 3), ";1;S;1;DE;jo@example.com;Jo;\n",
    )  # fmt: skip

    result = warehouse.run()

    path = only(warehouse.corrected(result))
    assert path.name == "orders.rejected.csv"
    rows = rows_of(path)
    assert list(rows[0]) == ["no", "pos", "sku", "qty", "country", "mail", "name", "cut", *OURS]
    told = [(r["no"], r["pos"], r["_import_line"], r["_import_rule"]) for r in rows]
    assert told == [
        ("A1", "1", "2", "H001"), ("A1", "2", "3", "R201"), ("A3", "1", "5", "R310"),
        ("A1", "3", "6", "H001"), ("", "1", "7", "R209"),
    ]  # fmt: skip
    assert {row["_import_run"] for row in rows} == {result.run_id}
    assert rows[1]["_import_problem"].startswith('qty: "two" is not a number')
    assert "correct the cell" in rows[1]["_import_fix"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_page_text_and_document_name_the_file_with_a_link_that_leads_there(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", qty="two"), order_row("A2"))

    result = warehouse.run()

    path = only(warehouse.corrected(result))
    assert re.findall(r'href="(rejected/[^"]*)"', page(result)) == [f"rejected/{path.name}"]
    assert "1 row of 1 order" in page(result)
    assert f"pipeline retry {path}" in result.text
    listed = result.summary["corrected"][0]  # type: ignore[index]
    assert (listed["name"], listed["units"], listed["orders"]) == (path.name, 1, 1)
    clean = warehouse.run_files(str(warehouse.folder / "orders.csv"))
    assert "A2" in bodies(warehouse)
    assert clean.run_id != result.run_id


def test_a_corrected_file_closes_the_open_item_and_the_next_report_says_so(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"), order_row("A1", 2, qty="two"), order_row("A3", mail="x"))
    first = warehouse.run()
    assert warehouse.open_items() == {"A1": "R201", "A3": "R310"}
    path = only(warehouse.corrected(first))
    correct(path, ("A1;2;SKU-2;two;", "A1;2;SKU-2;2;"))

    result = warehouse.retry(path)

    assert result.exit_code == 3  # A3 is as it was
    assert outcomes(result.summary)["created"] == 1
    assert warehouse.open_items() == {"A3": "R310"}
    lines = bodies(warehouse)["A1"]["articles_order"]
    assert [line["quantity"] for line in lines] == [2, 2]  # type: ignore[attr-defined]
    said = f"Retry of run {first.run_id}: 3 rows in 1 file."
    assert said in page(result)
    assert f"\n  {said}\n" in result.text
    assert f"orders.rejected.csv: 3 rows of run {first.run_id}." in page(result)
    resolved = page(result).partition('aria-label="Resolved since the last run"')[2]
    assert '<th scope="row" class="key">A1</th>' in resolved.partition("</table>")[0]
    again = only(warehouse.corrected(result))
    assert again.name == "orders.rejected.csv"
    [row] = rows_of(again)
    assert (row["no"], row["_import_line"], row["_import_run"]) == ("A3", "4", result.run_id)

    correct(again, ("A3;1;SKU-1;2;DE;x;", "A3;1;SKU-1;2;DE;jo@example.com;"))
    assert warehouse.retry(again).exit_code == 0
    assert warehouse.open_items() == {}


def test_a_report_made_again_needs_no_snapshot_and_is_the_same(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="two"), order_row("A2"))
    result = warehouse.run()
    before = page(result)
    path = only(warehouse.corrected(result))
    assert not (warehouse.settings.home / "runs" / result.run_id / "snapshots").exists()

    again = report(warehouse.settings, result.run_id, "mask", warehouse.told)

    assert again.read_text(encoding="utf-8") == before
    assert path.is_file()
    elsewhere = replace(warehouse.settings, reports=warehouse.settings.reports / "x")
    assert "rejected/" not in re.findall(
        r'href="([^"]*)"',
        report(elsewhere, result.run_id, "mask", warehouse.told).read_text(encoding="utf-8"),
    )


def test_a_removed_row_is_said_and_an_order_that_is_left_out_stays_open(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(
        order_row("A1"), order_row("A1", 2, qty="two"), order_row("A3", mail="x"), order_row("A4", qty="x")
    )  # fmt: skip
    path = only(warehouse.corrected(warehouse.run()))
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if "two" not in line and "A3" not in line]  # fmt: skip
    path.write_text(
        "\n".join(kept).replace("A4;1;SKU-1;x", "A4;1;SKU-1;1") + "\n", encoding="utf-8"
    )

    result = warehouse.retry(path)

    assert outcomes(result.summary)["created"] == 2
    left_out = "orders.csv:3 (A1), orders.csv:4 (A3)"
    assert f"Left out: {left_out}." in page(result)
    assert "2 rows in 1 file, 2 left out, not retried and still open: A3.\n" in result.text
    warned = [
        str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"
    ]
    assert warned == [f"2 rows left out: {left_out}"]
    assert left_out not in result.text
    assert list(warehouse.open_items()) == ["A3"]


def test_a_corrected_order_number_closes_the_item_of_the_wrong_one(warehouse: Warehouse) -> None:
    long = "A" * 300
    warehouse.orders(order_row(long), order_row("B1"))
    first = warehouse.run()
    assert list(warehouse.open_items()) == [long]
    path = only(warehouse.corrected(first))
    correct(path, (f"{long};1;", "A1;1;"))

    result = warehouse.retry(path)

    assert (result.exit_code, "A1" in bodies(warehouse)) == (0, True)
    assert warehouse.open_items() == {}


def test_formulas_arrive_as_they_were_and_stand_defused_in_the_file(warehouse: Warehouse) -> None:
    formula = "=HYPERLINK(1)"
    warehouse.orders(order_row("A1", name=formula, qty="x"), order_row("A2", name="'+1-2", qty="x"))
    path = only(warehouse.corrected(warehouse.run()))
    assert [row["name"] for row in rows_of(path)] == [f"'{formula}", "''+1-2"]
    correct(path, (";x;DE", ";1;DE"))

    assert warehouse.retry(path).exit_code == 0

    names = {number: body["recipient_name"] for number, body in bodies(warehouse).items()}
    assert names == {"A1": formula, "A2": "'+1-2"}


@pytest.mark.thorough
def test_what_a_spreadsheet_saves_in_its_own_form_is_read(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", name="Jö, Doe", qty="x"))
    path = only(warehouse.corrected(warehouse.run()))
    rows = list(
        csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), delimiter=";")
    )
    rows[1][3] = "1"
    with path.open("w", encoding="utf-16", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows)

    assert warehouse.retry(path).exit_code == 0

    assert bodies(warehouse)["A1"]["recipient_name"] == "Jö, Doe"


def test_a_record_with_too_few_cells_is_refused_until_they_are_put_in(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), "A2;1;SKU-1\n")
    path = only(warehouse.corrected(warehouse.run()))
    assert "A2;1;SKU-1;orders.csv;3;R101;" in path.read_text(encoding="utf-8")

    untouched = warehouse.retry(path)
    assert (untouched.exit_code, outcomes(untouched.summary).get("created")) == (3, None)
    correct(path, ("A2;1;SKU-1;orders", "A2;1;SKU-1;2;DE;jo@example.com;Jo;;orders"))

    assert warehouse.retry(path).exit_code == 0
    assert warehouse.open_items() == {}


def test_an_order_of_several_files_needs_all_of_them(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1", qty="x"), order_row("A2"))
    warehouse.parcels(("A1", "P1", "dhl-germany"), ("A2", "P2", "dhl-germany"))
    first = warehouse.run()
    files = warehouse.corrected(first)
    assert set(files) == {"orders.rejected.csv", "parcels.rejected.csv"}
    typed = f"pipeline retry {files['orders.rejected.csv']} {files['parcels.rejected.csv']}"
    assert f"Correct 1 row (the 2 files have all 2 of its order), then: {typed}\n" in first.text
    assert f"<code>{typed}</code>" in page(first)
    correct(files["orders.rejected.csv"], (";x;DE", ";1;DE"))

    with pytest.raises(RetryRefused, match=r"order A1 .* has rows in parcels\.csv too") as refused:
        warehouse.retry(files["orders.rejected.csv"])
    assert refused.value.code == "C142"
    assert refused.value.help == f"name these files too: {files['parcels.rejected.csv']}"
    assert "A1" not in bodies(warehouse)
    assert refused.value.message.startswith("order A1 of run")

    result = warehouse.retry(*files.values())

    assert (result.exit_code, warehouse.open_items()) == (0, {})
    assert len(bodies(warehouse)["A1"]["mutations"]) == 1  # type: ignore[arg-type]


def test_several_halves_of_orders_are_told_in_the_plural(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1", qty="x"), order_row("A2", qty="x"), order_row("A3", qty="x"))
    warehouse.parcels(*((number, f"P{number}", "dhl-germany") for number in ("A1", "A2", "A3")))
    files = warehouse.corrected(warehouse.run())

    with pytest.raises(
        RetryRefused, match=r"^order A1 and 2 more orders of run \S+ have rows in parcels"
    ):
        warehouse.retry(files["orders.rejected.csv"])


def test_a_renamed_file_finds_its_mapping_by_its_columns(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1", qty="x"), order_row("A2"))
    warehouse.parcels(("A2", "P2", "dhl-germany"))
    path = only(warehouse.corrected(warehouse.run()))
    mine = path.with_name("mine.csv")
    path.rename(mine)
    correct(mine, (";x;DE", ";1;DE"))

    assert warehouse.retry(mine).exit_code == 0
    assert warehouse.open_items() == {}


def test_what_the_api_refused_can_be_corrected_too(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A1", 2), order_row("A2"))
    rule = {"fault": "http_400_a", "order_number": "A1", "attr": "articles_order.1.sku", "detail": "is odd"}  # fmt: skip
    warehouse.sandbox.play(FaultSchedule.of([rule]))
    path = only(warehouse.corrected(warehouse.run()))
    told = [(row["_import_line"], row["_import_rule"]) for row in rows_of(path)]
    assert told == [("2", ""), ("3", "A401")]
    warehouse.sandbox.play(FaultSchedule.of([]))
    correct(path, ("A1;2;SKU-2", "A1;2;SKU-3"))

    assert warehouse.retry(path).exit_code == 0
    assert warehouse.open_items() == {}


@pytest.mark.thorough
def test_an_edited_file_is_never_written_over(warehouse: Warehouse) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(6)), order_row("B", qty="x"))
    first = warehouse.run(until=at("2020-01-01T00:00:00+00:00"))
    assert first.exit_code == 5
    path = only(warehouse.corrected(first))
    correct(path, (";x;DE", ";1;DE"))
    edited = path.read_bytes()

    second = warehouse.resume()

    files = warehouse.corrected(second)
    assert set(files) == {"orders.rejected.csv", "orders-2.rejected.csv"}
    assert path.read_bytes() == edited
    assert 'href="rejected/orders-2.rejected.csv"' in page(second)
    assert warehouse.retry(path).exit_code == 0


def test_a_plan_that_is_sent_has_its_rows_to_correct(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2", qty="x"))
    planned = warehouse.plan()
    assert planned.plan is not None
    assert not (planned.plan / "rejected").exists()

    result = warehouse.run_plan(planned.plan)

    assert [row["no"] for row in rows_of(only(warehouse.corrected(result)))] == ["A2"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no;pos\nA1;1\n", "C140"),
        (b"", "C140"),
        (b"PK\x03\x04workbook", "C140"),
        (b"no;_import_line;_import_run\nA1;1;\n", "C140"),
        (b"no;_import_line;_import_run\nA1;1;2020-01-01T0000-x\n", "C132"),
    ],
)
def test_a_file_of_no_run_is_refused_in_words(
    warehouse: Warehouse, tmp_path: Path, content: bytes, code: str
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    path = tmp_path / "x.csv"
    path.write_bytes(content)

    with pytest.raises(StopRun) as refused:
        warehouse.retry(path)

    assert refused.value.code == code
    assert refused.value.help


@pytest.mark.parametrize("mapping_named", [False, True])
def test_a_workbook_is_refused_with_how_to_save_it(
    warehouse: Warehouse, tmp_path: Path, *, mapping_named: bool
) -> None:
    path = tmp_path / "my orders.rejected.xlsx"
    path.write_bytes(b"PK\x03\x04workbook")

    with pytest.raises(RetryRefused, match="is a workbook, and retry takes CSV") as refused:
        warehouse.retry(path, mapping=warehouse.mappings[0] if mapping_named else None)

    assert "CSV UTF-8" in refused.value.help
    assert refused.value.help.endswith(f"Then: pipeline retry '{path.with_suffix('.csv')}'")


@pytest.mark.parametrize("mapping_named", [False, True])
def test_a_folder_is_refused_with_the_files_in_it(
    warehouse: Warehouse, *, mapping_named: bool
) -> None:
    warehouse.orders(order_row("A1", qty="x"))
    path = only(warehouse.corrected(warehouse.run()))
    mapping = warehouse.mappings[0] if mapping_named else None

    for folder in (path.parent, path.parent.parent):
        with pytest.raises(RetryRefused, match="is a folder, and retry takes files") as refused:
            warehouse.retry(folder, mapping=mapping)
        assert refused.value.code == "C140"
        assert refused.value.help == f"name the files in it: pipeline retry {path}"

    with pytest.raises(RetryRefused, match="is a folder") as refused:
        warehouse.retry(warehouse.settings.home, mapping=mapping)
    assert "rejected/" in refused.value.help


@pytest.mark.parametrize("mapping_named", [False, True])
def test_a_list_of_messages_is_refused_with_whom_to_ask(
    warehouse: Warehouse, *, mapping_named: bool
) -> None:
    inbox = Inbox(warehouse)
    inbox.send(interchange(("850", order("A1")), ("850", order("A2", country="XX"))))
    path = only(warehouse.corrected(inbox.run()))

    with pytest.raises(RetryRefused, match="lists EDI messages") as refused:
        warehouse.retry(path, mapping=warehouse.mappings[0] if mapping_named else None)

    assert refused.value.code == "C140"
    assert refused.value.help.startswith("ask the sender for these messages again")


def test_rows_of_a_run_elsewhere_are_refused(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="x"))
    path = only(warehouse.corrected(warehouse.run()))
    endpoint = replace(warehouse.settings.endpoint, account=99)
    warehouse.settings = replace(warehouse.settings, endpoint=endpoint, profile="other")

    with pytest.raises(RetryRefused, match="endpoint of profile sandbox") as refused:
        warehouse.retry(path)

    assert "--profile sandbox" in refused.value.help
    assert "account = 1618 in [profile.sandbox]" in refused.value.help


def test_a_profile_whose_endpoint_was_changed_is_told_by_its_keys(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="x"))
    path = only(warehouse.corrected(warehouse.run()))
    before = warehouse.settings.endpoint
    endpoint = replace(before, base_url="http://127.0.0.1:9", account=99)
    warehouse.settings = replace(warehouse.settings, endpoint=endpoint)

    with pytest.raises(RetryRefused) as refused:
        warehouse.retry(path)

    assert refused.value.message.endswith(
        f"belongs to account 1618 at {before.base_url}; profile sandbox has account 99 at http://127.0.0.1:9"
    )
    assert refused.value.help == (
        f'set base_url = "{before.base_url}" and account = 1618 in [profile.sandbox] of pipeline.toml, '
        "or import the files again with `pipeline run`"
    )


def test_without_the_folder_of_its_run_a_mapping_has_to_be_named(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="x"))
    first = warehouse.run()
    path = only(warehouse.corrected(first))
    correct(path, (";x;DE", ";1;DE"))
    shutil.rmtree(warehouse.settings.home / "runs" / first.run_id)

    with pytest.raises(RetryRefused) as refused:
        warehouse.retry(path)
    assert refused.value.code == "C134"

    assert warehouse.retry(path, mapping=warehouse.mappings[0]).exit_code == 0
    assert warehouse.open_items() == {}


def test_rows_of_a_backfill_stay_a_backfill(warehouse: Warehouse) -> None:
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(order_row("A1", qty="x"))
    warehouse.parcels(("A1", "P1", "dhl-germany"))
    files = warehouse.corrected(warehouse.run(backfill=True))
    correct(files["orders.rejected.csv"], (";x;DE", ";1;DE"))

    assert warehouse.retry(*files.values()).exit_code == 0

    mutation = bodies(warehouse)["A1"]["mutations"][0]  # type: ignore[index]
    assert mutation["tracking"]["notifications_inactive"] is True


def test_rows_of_a_backfill_whose_folder_is_gone_stay_a_backfill(warehouse: Warehouse) -> None:
    parcels = "trackings:\n  key: sku\n  fields: {tracking_number: sku, courier: {value: gls}}\n"
    (warehouse.folder / "orders.yaml").write_text(ORDERS_YAML + parcels, encoding="utf-8")
    warehouse.orders(order_row("A1", qty="x"))
    first = warehouse.run(backfill=True)
    path = only(warehouse.corrected(first))
    correct(path, (";x;DE", ";1;DE"))
    shutil.rmtree(warehouse.settings.home / "runs" / first.run_id)

    assert warehouse.retry(path, mapping=warehouse.mappings[0]).exit_code == 0

    mutation = bodies(warehouse)["A1"]["mutations"][0]  # type: ignore[index]
    assert mutation["tracking"]["notifications_inactive"] is True


def test_messages_of_edi_files_are_listed_with_place_path_and_fix(warehouse: Warehouse) -> None:
    inbox = Inbox(warehouse)
    text = interchange(
        ("850", order("A1")), ("850", order("A2", country="XX")), ("850", order("A3"))
    )
    assert "SE*7*0003" in text
    inbox.send(text.replace("SE*7*0003", "SE*9*0003"))

    result = inbox.run()

    path = only(warehouse.corrected(result))
    assert path.name == "in.messages.txt"
    text = path.read_text(encoding="utf-8")
    assert "Message 0002 (850), from segment 12\n  orders A2\n  segment 16, line 1  R203  " in text
    assert "Message 0003 (850), from segment 21\n  orders A3\n  segment 27, line 1  E" in text
    assert text.count("what to do: ") == 2
    assert 'N1[1=ST]>N4.4: "XX" is not an ISO 3166-1 country code' in text
    assert "what to do: ask the sender to correct the value" in text
    assert "cell" not in text
    assert "A1" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert 'href="rejected/in.messages.txt"' in page(result)
    assert "2 messages of 2 orders" in page(result)


@pytest.mark.thorough
def test_rows_beside_an_edi_file_are_retried_and_half_an_order_of_it_is_refused(
    warehouse: Warehouse,
) -> None:
    inbox = Inbox(warehouse)
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    inbox.send(interchange(("850", order("A1")), ("850", order("A2"))))
    inbox.run_with("orders.yaml", "parcels.yaml")
    warehouse.parcels(("A1", "P1", ""))
    inbox.send(interchange(("850", order("A2")), ("850", order("A3")), reference="000000906"))
    path = warehouse.corrected(inbox.run_with("orders.yaml", "parcels.yaml"))[
        "parcels.rejected.csv"
    ]
    correct(path, ("A1;P1;;", "A1;P1;ups;"))
    assert (warehouse.retry(path).exit_code, warehouse.open_items()) == (0, {})

    warehouse.parcels(("A4", "P4", ""))
    inbox.send(interchange(("850", order("A4")), reference="000000907"))
    path = warehouse.corrected(inbox.run_with("orders.yaml", "parcels.yaml"))[
        "parcels.rejected.csv"
    ]
    correct(path, ("A4;P4;;", "A4;P4;ups;"))
    with pytest.raises(RetryRefused, match=r"has rows in in\.edi too") as refused:
        warehouse.retry(path)
    assert "together with `pipeline run`" in refused.value.help


@pytest.mark.thorough
def test_what_is_to_be_typed_is_not_what_is_refused_for_an_edi_file(warehouse: Warehouse) -> None:
    inbox = Inbox(warehouse)
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.parcels(("A1", "P1", ""))
    inbox.send(interchange(("850", order("A1"))))

    all_beside = inbox.run_with("orders.yaml", "parcels.yaml")

    assert (
        "\nCorrect 1 row, then import it together with the EDI file, in which order A1 has rows too: "
        "`pipeline run` takes both together, `pipeline retry` is refused\n"
    ) in all_beside.text
    assert "<code>pipeline run</code> takes both" in page(all_beside)
    assert "pipeline retry /" not in all_beside.text + page(all_beside)
    path = warehouse.corrected(all_beside)["parcels.rejected.csv"]
    correct(path, ("A1;P1;;", "A1;P1;ups;"))
    named = [str(path), str(warehouse.folder / "in.edi")]
    both = run(warehouse.settings, warehouse.mappings, named, Options(), warehouse.told)
    assert (both.exit_code, warehouse.open_items()) == (0, {})

    warehouse.parcels(("A2", "P2", ""), ("A3", "P3", ""), ("A4", "P4", ""), ("A4", "P5", ""))
    inbox.send(interchange(("850", order("A2")), ("850", order("A3")), reference="000000906"))
    mixed = inbox.run_with("orders.yaml", "parcels.yaml")
    path = warehouse.corrected(mixed)["parcels.rejected.csv"]
    says = (
        "first take out the 2 rows of orders A2, A3, which have rows in an EDI file too: "
        "`pipeline run` takes both together, `pipeline retry` is refused"
    )
    assert f"\nCorrect 2 rows, then: pipeline retry {path}\n  {says}\n" in mixed.text
    assert "irst take out the 2 rows of orders A2, A3, which" in page(mixed)

    # and so it is: not with them, but without
    with pytest.raises(RetryRefused, match=r"ha(s|ve) rows in in\.edi too"):
        warehouse.retry(path)
    rows = [row | {"carrier": "ups"} for row in rows_of(path)]
    save(path, [row for row in rows if row["no"] == "A4"])
    retried = warehouse.retry(path)
    assert (
        outcomes(retried.summary)["seen"] == 1
    )  # refused by the API: an update of an order that is not there
    assert sorted(warehouse.open_items()) == ["A2", "A3", "A4"]


@pytest.mark.thorough
def test_a_packed_file_in_another_encoding_comes_back_in_its_own_form(warehouse: Warehouse) -> None:
    mapping = warehouse.mappings[0]
    text = mapping.read_text(encoding="utf-8").replace(
        'delimiter: ";"', 'delimiter: "\\t"\n  quote: none\n  encoding: cp1252'
    )
    mapping.write_text(text, encoding="utf-8")
    header = HEADER.replace(";", "\t").replace("\n", "\r\n")
    rows = [order_row("A1", name='Jö "Doe"', qty="x"), order_row("A2", name="M\x81ller")]
    content = (header + "".join(rows).replace(";", "\t").replace("\n", "\r\n")).encode("latin-1")
    packed = warehouse.folder / "orders.csv.gz"
    packed.write_bytes(gzip.compress(content))

    path = only(warehouse.corrected(warehouse.run()))

    assert path.name == "orders.rejected.csv"
    written = path.read_bytes()
    lines = written.split(b"\r\n")
    assert lines[1].startswith(content.split(b"\r\n")[1] + b"\torders.csv.gz\t2\tR201\t")
    assert lines[2].startswith(content.split(b"\r\n")[2] + b"\torders.csv.gz\t3\tR102\t")
    assert (len(lines), lines[3]) == (4, b"")
    # untouched, the byte is refused again: it is not replaced by anything
    correct_bytes = written.replace(b"\tx\tDE", b"\t1\tDE")
    path.write_bytes(correct_bytes)
    again = warehouse.retry(path)
    assert (again.exit_code, list(warehouse.open_items())) == (3, ["A2"])
    spoilt = "\ufeff" + correct_bytes.replace(b"\x81", b"?").decode("cp1252").replace(
        "M?", "M\ufffd"
    )
    path.write_text(spoilt, encoding="utf-8")  # as some programs save it
    again = warehouse.retry(path)
    assert (again.exit_code, list(warehouse.open_items())) == (3, ["A2"])
    path.write_bytes(correct_bytes.replace(b"M\x81ller", "Müller".encode("cp1252")))
    assert warehouse.retry(path).exit_code == 0
    names = {number: body["recipient_name"] for number, body in bodies(warehouse).items()}
    assert names == {"A1": 'Jö "Doe"', "A2": "Müller"}


@pytest.mark.thorough
def test_files_of_one_name_and_odd_names_get_names_of_their_own(warehouse: Warehouse) -> None:
    names = ["de/orders.csv", "at/orders.csv", "orders =1+1 <b>'.csv", "orders…ÄÖ 漢字.csv"]
    for number, name in enumerate(names):
        (warehouse.folder / name).parent.mkdir(exist_ok=True)
        warehouse.orders(order_row(f"A{number}", qty="x"), name=name)

    result = warehouse.run_files(*(str(warehouse.folder / name) for name in names))

    files = warehouse.corrected(result)
    assert set(files) == {
        "de-orders.rejected.csv", "at-orders.rejected.csv", "orders-1-1-b.rejected.csv",
        "orders-ÄÖ-漢字.rejected.csv",
    }  # fmt: skip
    links = re.findall(r'href="(rejected/[^"]*)"', page(result))
    assert {unquote(link) for link in links} == {f"rejected/{name}" for name in files}
    for path in files.values():
        correct(path, (";x;DE", ";1;DE"))
    assert warehouse.retry(*files.values()).exit_code == 0
    assert warehouse.open_items() == {}


def test_a_safety_stop_has_its_rows_to_correct_and_closes_nothing(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="x"), order_row("A2"))

    stopped = warehouse.run(max_reject_rate=0.1, reject_rate_from=1)

    assert stopped.exit_code == 7
    path = only(warehouse.corrected(stopped))
    correct(path, (";x;DE", ";1;DE"))
    assert warehouse.retry(path).exit_code == 0
    assert list(bodies(warehouse)) == ["A1"]


def test_a_workbook_has_the_same_cells_as_text_and_saved_as_csv_it_is_retried(
    warehouse: Warehouse,
) -> None:
    pytest.importorskip("xlsxwriter")
    warehouse.orders(
        order_row("0107", name="=1+1 ä", qty="x"), order_row("A2", name="a\u2028\x01b")
    )

    result = warehouse.run(xlsx=True)

    files = warehouse.corrected(result)
    assert set(files) == {"orders.rejected.csv", "orders.rejected.xlsx"}
    book = files["orders.rejected.xlsx"]
    assert stat.S_IMODE(book.stat().st_mode) == 0o600
    with zipfile.ZipFile(book) as packed:
        sheet = ET.fromstring(packed.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    cells = list(sheet.iter(f"{name}c"))
    assert {cell.get("t") for cell in cells} == {"inlineStr"}
    assert not list(sheet.iter(f"{name}f"))
    shown = ["".join(cell.itertext()) for cell in cells]
    rows = [*csv.reader(io.StringIO(files["orders.rejected.csv"].read_text(encoding="utf-8"), newline=""), delimiter=";")]  # fmt: skip
    assert shown == [cell for row in rows for cell in row if cell]
    assert {"0107", "'=1+1 ä"} <= set(shown)
    assert len(re.findall(r'href="rejected/', page(result))) == 2
    assert result.text.count("pipeline retry") == 1

    rows[1][3] = "1"
    with files["orders.rejected.csv"].open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=",").writerows(rows)
    assert warehouse.retry(files["orders.rejected.csv"]).exit_code == 0
    assert bodies(warehouse)["0107"]["recipient_name"] == "=1+1 ä"


def test_what_does_not_fit_into_a_workbook_is_said(warehouse: Warehouse) -> None:
    pytest.importorskip("xlsxwriter")
    warehouse.orders(order_row("A1", name="x" * 40_000, qty="x"))

    result = warehouse.run(xlsx=True)

    assert set(warehouse.corrected(result)) == {"orders.rejected.csv"}
    warned = [
        str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"
    ]
    assert any("no workbook" in text and "32,767 characters" in text for text in warned)


def test_what_cannot_be_written_is_said_and_the_run_has_its_report(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", qty="x"), order_row("A2"))
    removing = warehouse.told

    def gone(done: int) -> None:  # noqa: ARG001 - called while the only order is sent
        for copy in warehouse.settings.home.glob("runs/*/snapshots/*"):
            copy.unlink()

    removing.on_send = gone

    result = warehouse.run()

    assert result.exit_code == 3
    assert warehouse.corrected(result) == {}
    assert "rejected/" not in "".join(re.findall(r'href="[^"]*"', page(result)))
    warned = [str(fields["text"]) for level, _, fields in removing.events if level == "warning"]
    assert any("the rows to correct of orders.csv cannot be written" in text for text in warned)


def test_an_edi_file_of_several_mappings_has_one_list(warehouse: Warehouse) -> None:
    inbox = Inbox(warehouse)
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_945, encoding="utf-8")
    inbox.send(
        interchange(
            ("850", order("A1", country="XX")),
            ("945", parcel("A2", "P" * 300)),
            ("850", order("A3")),
        )
    )

    result = inbox.run()

    text = only(warehouse.corrected(result)).read_text(encoding="utf-8")
    told = re.findall(r"Message (\d+) \((\d+)\), from segment \d+\n  orders (\S+)\n  segment", text)
    assert told == [("0001", "850", "A1"), ("0002", "945", "A2")]
    assert "A3" not in text


def test_corrected_rows_never_replace_an_order_that_arrived_without_them(
    warehouse: Warehouse,
) -> None:
    mapping = warehouse.folder / "orders.yaml"
    mapping.write_text(mapping.read_text().replace("lines:\n", "lines:\n  send: always\n"))
    warehouse.orders(order_row("A1"), order_row("", 2), order_row("A1", 3))
    path = only(warehouse.corrected(warehouse.run()))
    correct(path, (";2;SKU-2", "A1;2;SKU-2"))

    with pytest.raises(RetryRefused, match="A1 has arrived without these rows"):
        warehouse.retry(path)

    assert len(warehouse.sandbox.puts()) == 1


def test_several_orders_that_arrived_without_their_rows_are_told_in_the_plural(
    warehouse: Warehouse,
) -> None:
    mapping = warehouse.folder / "orders.yaml"
    mapping.write_text(mapping.read_text().replace("lines:\n", "lines:\n  send: always\n"))
    warehouse.orders(
        order_row("A1"), order_row("", 2), order_row("B1"), order_row("", 4), order_row("B1", 5)
    )
    path = only(warehouse.corrected(warehouse.run()))
    correct(path, (";2;SKU-2", "A1;2;SKU-2"), (";4;SKU-4", "B1;4;SKU-4"))

    with pytest.raises(RetryRefused, match=r"^order A1 and 1 more order have arrived") as refused:
        warehouse.retry(path)

    assert refused.value.help == "remove their rows; import the whole orders with `pipeline run`"


def test_corrected_rows_never_go_over_a_newer_version(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="two", mail="old@example.com"))
    path = only(warehouse.corrected(warehouse.run()))
    warehouse.orders(order_row("A1", qty=7, mail="new@example.com"))
    warehouse.run()
    correct(path, ("two", "2"))

    with pytest.raises(RetryRefused, match="A1 has arrived without these rows"):
        warehouse.retry(path)

    assert bodies(warehouse)["A1"]["recipient_email"] == "new@example.com"


def test_a_renamed_file_names_its_input_and_without_that_it_is_refused(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", qty="two"), name="orders-a.csv")
    warehouse.orders(order_row("B1", qty="two"), name="orders-b.csv")
    path = warehouse.corrected(warehouse.run())["orders-b.rejected.csv"]
    renamed = warehouse.folder.parent / "fixed.csv"
    renamed.write_bytes(path.read_bytes())
    correct(renamed, ("two", "2"))
    save(renamed, rows_of(renamed), without=("_import_file", "_import_check"))

    with pytest.raises(RetryRefused, match="is not known by its name"):
        warehouse.retry(renamed)

    assert sorted(warehouse.open_items()) == ["A1", "B1"]
    correct(path, ("two", "2"))
    path.rename(renamed)
    assert warehouse.retry(renamed).exit_code == 0
    assert sorted(warehouse.open_items()) == ["A1"]


@pytest.mark.thorough
def test_rows_pasted_into_another_file_stay_rows_of_their_own(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("B2"), order_row("A1", qty="two"), order_row("A2", qty="two"), name="orders-a.csv")  # fmt: skip
    warehouse.orders(order_row("B1", qty="two"), order_row("B2", 2, qty="two"), order_row("B3", qty="two"), name="orders-b.csv")  # fmt: skip
    files = warehouse.corrected(warehouse.run())
    a, b = files["orders-a.rejected.csv"], files["orders-b.rejected.csv"]
    rows_a, rows_b = rows_of(a), rows_of(b)
    assert [(r["_import_file"], r["_import_line"], r["no"]) for r in rows_a] == [
        ("orders-a.csv", "2", "B2"), ("orders-a.csv", "3", "A1"), ("orders-a.csv", "4", "A2"),
    ]  # fmt: skip
    fixed = [row | {"qty": "2"} for row in (rows_a[1], rows_b[0], rows_b[2])]
    save(b, fixed)

    result = warehouse.retry(b)

    assert outcomes(result.summary)["created"] == 3
    assert "Left out: orders-b.csv:3 (B2)." in page(result)
    assert list(warehouse.open_items()) == ["A2", "B2"]

    # half of an order whose other row is in a file that is not among these
    save(b, [rows_a[1], rows_b[1]])
    with pytest.raises(RetryRefused, match=r"order B2 .* has rows in orders-a\.csv too"):
        warehouse.retry(b)
    # and a row that was pasted but not cut
    save(b, [rows_a[1], rows_b[1]])
    with pytest.raises(
        RetryRefused, match=r"line 3 of orders-a\.csv .* stands in orders-a\S+ and orders-b"
    ) as twice:
        warehouse.retry(a, b)
    assert twice.value.code == "C142"
    save(b, [rows_a[0] | {"qty": "2"}, rows_b[1] | {"qty": "2"}])
    assert warehouse.retry(b).exit_code == 0
    assert list(warehouse.open_items()) == ["A2"]


def test_a_row_of_a_file_that_the_run_never_read_is_refused(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="two"))
    path = only(warehouse.corrected(warehouse.run()))
    correct(path, (";orders.csv;", ";other.csv;"), ("two", "2"))

    with pytest.raises(RetryRefused, match=r"names no file that run \S+ has read") as refused:
        warehouse.retry(path)

    assert (refused.value.code, refused.value.place) == ("C140", "orders.rejected.csv:2")
    assert "orders.csv" in refused.value.help
    # a cell of the order that stands there by mistake is kept nowhere
    assert "other.csv" not in refused.value.message
    assert "other.csv" not in (warehouse.settings.reports / "index.html").read_text()


def test_files_of_older_versions_name_no_input_and_are_retried(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="two"), "A2;1;SKU-1\n")
    first = warehouse.run()
    path = only(warehouse.corrected(first))
    old = f"no;pos;sku;qty;country;mail;name;cut;_import_line;_import_rule;_import_problem;_import_fix;_import_run\nA1;1;SKU-1;2;DE;jo@example.com;Jo;;2;R201;p;f;{first.run_id}\nA2;1;SKU-1;3;R101;p;f;{first.run_id}\n"  # fmt: skip
    path.write_text(old, encoding="utf-8")

    result = warehouse.retry(path)

    assert (result.exit_code, list(warehouse.open_items())) == (3, ["A2"])
    assert "2 rows in 1 file.\n" in result.text


@pytest.mark.thorough
def test_rows_without_their_line_are_imported_and_none_is_said_to_be_left_out(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", qty="two"), order_row("A2", qty="two"))
    path = only(warehouse.corrected(warehouse.run()))
    save(path, [row | {"qty": "2"} for row in rows_of(path)], without=("_import_line",))

    result = warehouse.retry(path)

    assert (result.exit_code, warehouse.open_items()) == (0, {})
    assert "left out," not in result.text
    assert "still open" not in result.text
    says = (
        "2 rows of run .* have no number in _import_line: whether rows were left out is not known"
    )
    assert re.search(says, page(result))
    assert any(re.search(says, str(fields)) for _, _, fields in warehouse.told.events)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("2", "33"), "1 row of run .* has a number in _import_line that no row to correct had"),
        (("33", "44"), "2 rows of run .* have a number in _import_line that no row to correct had"),
        (("2", "2"), "1 row of run .* has the number of another row in _import_line"),
        (
            ("x", "44"),
            "1 row of run .* has no number in _import_line, 1 row a number in _import_line that no row",
        ),
    ],
)
def test_rows_with_a_wrong_line_are_imported_and_none_is_said_to_be_left_out(
    warehouse: Warehouse, lines: tuple[str, str], says: str
) -> None:
    warehouse.orders(order_row("A1", qty="two"), order_row("A2", qty="two"))
    path = only(warehouse.corrected(warehouse.run()))
    rows = zip(rows_of(path), lines, strict=True)
    save(path, [row | {"qty": "2", "_import_line": line} for row, line in rows])

    result = warehouse.retry(path)

    assert (result.exit_code, warehouse.open_items()) == (0, {})
    assert "left out," not in result.text
    assert "still open" not in result.text
    assert re.search(f"{says}.*: whether rows were left out is not known", page(result))


def test_a_copied_row_is_no_wrong_line_where_no_row_is_missing(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="two"), order_row("A2", qty="two"))
    path = only(warehouse.corrected(warehouse.run()))
    first, second = (row | {"qty": "2"} for row in rows_of(path))
    save(path, [first, second, second | {"pos": "2"}])

    result = warehouse.retry(path)

    assert (result.exit_code, warehouse.open_items()) == (0, {})
    assert "is not known" not in page(result)


def test_of_merged_files_the_removed_rows_of_each_are_named(warehouse: Warehouse) -> None:
    bad = [order_row(number, qty="two") for number in ("A1", "A2", "A3", "B1", "B2")]
    warehouse.orders(*bad[:3], name="orders-a.csv")
    warehouse.orders(*bad[3:], name="orders-b.csv")
    files = warehouse.corrected(warehouse.run())
    a, b = (rows_of(files[f"orders-{each}.rejected.csv"]) for each in "ab")
    merged = files["orders-a.rejected.csv"].with_name("mine.csv")
    save(merged, [row | {"qty": "2"} for row in (a[0], a[1], b[0])])

    result = warehouse.retry(merged)

    assert "Left out: orders-a.csv:4 (A3), orders-b.csv:3 (B2)." in page(result)
    assert "not retried and still open: A3, B2" in result.text
    assert list(warehouse.open_items()) == ["A3", "B2"]


@pytest.mark.thorough
def test_a_name_that_the_file_could_not_have_is_known_again_in_another_form(
    warehouse: Warehouse,
) -> None:
    mapping = warehouse.mappings[0]
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace('delimiter: ";"', 'delimiter: ";"\n  encoding: cp1252'))
    warehouse.orders(order_row("A1", qty="two"), name="orders-漢.csv")
    warehouse.orders(order_row("A2", qty="two"), name="orders-b.csv")
    warehouse.run()
    result = warehouse.run()
    path = warehouse.corrected(result)["orders-漢.rejected.csv"]
    rows = rows_of(path)
    assert rows[0]["_import_file"] == "orders-?.csv"
    save(path, [rows[0] | {"qty": "2"}])
    saved = path.with_name("saved.csv")
    saved.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")

    assert warehouse.retry(saved).exit_code == 0
    assert list(warehouse.open_items()) == ["A2"]


def test_orders_that_arrived_meanwhile_are_not_called_open(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", qty="two"), order_row("A2", qty="two"), order_row("A3", qty="two"))  # fmt: skip
    path = only(warehouse.corrected(warehouse.run()))
    warehouse.orders(order_row("A2"))
    warehouse.run()
    rows = rows_of(path)
    save(path, [rows[0] | {"qty": "2"}])

    result = warehouse.retry(path)

    assert "2 left out, not retried and still open: A3.\n" in result.text


@pytest.mark.thorough
def test_a_row_whose_quotes_were_wrong_is_held_until_somebody_touched_it(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", qty="two"), 'A2;1;"The "large" oak";2;DE;jo@example.com;Jo;01067\n')  # fmt: skip
    path = only(warehouse.corrected(warehouse.run()))
    rows = rows_of(path)
    assert [row["_import_rule"] for row in rows] == ["R201", "R103"]
    assert "empty _import_rule" in rows[1]["_import_fix"]
    # what a spreadsheet does to rows that nobody touches
    save(path, [rows[0] | {"qty": "2"}, rows[1] | {"cut": "1067"}])

    untouched = warehouse.retry(path)

    assert (untouched.exit_code, list(bodies(warehouse))) == (3, ["A1"])
    assert warehouse.open_items() == {"A2": "R103"}
    again = only(warehouse.corrected(untouched))
    [held] = rows_of(again)
    assert (held["sku"], held["_import_rule"]) == (rows[1]["sku"], "R103")
    assert (
        "nobody has confirmed the row: correct it, or empty its _import_rule"
        in held["_import_problem"]
    )
    assert warehouse.retry(again).exit_code == 3

    save(again, [held | {"sku": "The large oak", "cut": ""}])
    assert warehouse.retry(again).exit_code == 0
    assert bodies(warehouse)["A2"]["articles_order"][0]["sku"] == "The large oak"  # type: ignore[index]
    assert warehouse.open_items() == {}


def test_an_empty_rule_says_that_a_guess_is_right(warehouse: Warehouse) -> None:
    warehouse.orders('A2;1;Frame 14" oak;2;DE;jo@example.com;Jo;\n')
    path = only(warehouse.corrected(warehouse.run()))
    [row] = rows_of(path)
    save(path, [row], without=("_import_check",))
    assert warehouse.retry(path).exit_code == 3  # nothing tells whether somebody has changed it
    save(path, [row | {"_import_rule": ""}])

    assert warehouse.retry(path).exit_code == 0

    assert bodies(warehouse)["A2"]["articles_order"][0]["sku"] == 'Frame 14" oak'  # type: ignore[index]


@pytest.mark.thorough
def test_a_damaged_byte_that_a_program_drops_is_no_correction(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", name="J\0o"))
    path = only(warehouse.corrected(warehouse.run()))
    assert "\0" in path.read_text(encoding="utf-8")
    correct(path, ("\0", ""))

    [row] = rows_of(path)
    assert "taking it out alone is no correction" in row["_import_fix"]
    again = warehouse.retry(path)
    assert again.exit_code == 3
    assert warehouse.open_items() == {"A1": "R105"}
    [row] = rows_of(only(warehouse.corrected(again)))
    assert (
        "nobody has confirmed the row without it: if it is right, empty its _import_rule"
        in row["_import_problem"]
    )

    correct(path, ("Jo;", "Joe;"))
    assert warehouse.retry(path).exit_code == 0


def test_a_row_without_its_byte_zero_is_confirmed_by_an_empty_rule(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", name="J\0o"))
    path = only(warehouse.corrected(warehouse.run()))
    correct(path, ("\0", ""), ("R105;", ";"))

    assert warehouse.retry(path).exit_code == 0


def test_an_order_with_a_removed_row_has_not_arrived_under_another_number(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"), order_row("A1", 2, qty="two"))
    path = only(warehouse.corrected(warehouse.run()))
    header, first, _ = path.read_text().splitlines(keepends=True)
    path.write_text(header + first.replace("A1", "A9"))
    warehouse.retry(path)

    assert "A1" in warehouse.open_items()
