"""What a mapping expects of its files (`source.expect`) is held against every run before it sends."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from pipeline.run import Result, letter_of
from tests.run.conftest import ORDERS_YAML, Warehouse, order_row
from tests.run.test_again import refuse, retry_run

NOW = datetime.now(UTC)  # noqa: TID251 - files of today and of yesterday
TODAY = f"orders_{NOW:%Y%m%d}.csv"
YESTERDAY = f"orders_{NOW - timedelta(days=1):%Y%m%d}.csv"
NAMED = 'name: "orders_{date:%Y%m%d}.csv"'


@pytest.fixture(autouse=True)
def in_utc(warehouse: Warehouse) -> None:
    assert warehouse.settings.timezone == "UTC"


def expect(warehouse: Warehouse, *keys: str, mapping: str = ORDERS_YAML) -> None:
    said = f"source:\n  expect: {{{', '.join(keys)}}}\n"
    text = mapping.replace("source:\n", said, 1)
    if NAMED in keys:  # the form of the names also says which files are read
        text = text.replace('  files: "orders*.csv"\n', "")
    (warehouse.folder / "orders.yaml").write_text(text, encoding="utf-8")
    (warehouse.folder / "parcels.yaml").unlink(missing_ok=True)


def said(result: Result) -> str:
    assert result.stopped is not None
    return result.stopped.message


def test_what_is_as_expected_is_imported_without_a_word(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED, "min_rows: 2", "max_age: 26h")
    warehouse.orders(order_row("A1"), order_row("A2"), name=TODAY)

    result = warehouse.run()

    assert (result.exit_code, result.stopped) == (0, None)
    assert " [F1" not in result.text


def test_too_few_rows_stop_the_run(warehouse: Warehouse) -> None:
    expect(warehouse, "min_rows: 3")
    warehouse.orders(order_row("A1"), order_row("A2"))

    result = warehouse.run()

    assert result.exit_code == 7
    assert said(result) == (
        "not as the mapping expects: orders.csv: 2 rows, at least 3 are expected [F101]"
    )
    assert "fewer rows than expected: 2 rows" in result.text


def test_rows_of_several_files_count_together_quarantined_ones_too(warehouse: Warehouse) -> None:
    expect(warehouse, "min_rows: 3")
    warehouse.orders(order_row("A1"), name="orders_1.csv")
    warehouse.orders(order_row("A2"), "A3;1;cut\n", name="orders_2.csv")

    assert warehouse.run().exit_code == 3


def test_no_file_at_all_has_too_few_rows(warehouse: Warehouse) -> None:
    expect(warehouse, "min_rows: 3")

    result = warehouse.run()

    assert result.exit_code == 7
    assert said(result) == (
        "not as the mapping expects: there is no file of orders, at least 3 rows are expected [F101]"
    )
    assert "orders*.csv: fewer rows than expected: there is no file of orders" in result.text
    assert warehouse.run(backfill=True).exit_code == 7


def test_a_file_that_cannot_be_used_is_not_said_to_be_missing(warehouse: Warehouse) -> None:
    expect(warehouse, "min_rows: 3")
    (warehouse.folder / "others.yaml").write_text(
        ORDERS_YAML.replace("orders*.csv", "others.csv").replace("name: orders", "name: others")
    )
    warehouse.orders(order_row("A1"), name="others.csv")
    (warehouse.folder / "orders.csv").write_text("<!DOCTYPE html>\n<html></html>\n")

    result = warehouse.run()

    assert result.exit_code == 4
    assert "[F101]" not in result.text


@pytest.mark.thorough
def test_a_file_that_is_skipped_because_it_was_imported_is_not_said_to_be_missing(
    warehouse: Warehouse,
) -> None:
    expect(warehouse, "min_rows: 1")
    warehouse.orders(order_row("A1"))
    warehouse.settings = replace(warehouse.settings, imported="skip")
    warehouse.run()

    assert warehouse.run().exit_code == 0


@pytest.mark.thorough
def test_the_same_command_goes_on_where_it_is_told_to(warehouse: Warehouse) -> None:
    expect(warehouse, "min_rows: 3")
    warehouse.orders(order_row("A1"))

    stopped = warehouse.run()
    result = warehouse.run(expectations="warn")

    assert stopped.stopped is not None
    assert stopped.stopped.code == "C127"
    assert result.exit_code == 0
    assert (
        "orders.csv: fewer rows than expected: 1 row, at least 3 are expected [F101]" in result.text
    )


@pytest.mark.thorough
def test_on_broken_warn_sends_and_says_so(warehouse: Warehouse) -> None:
    expect(warehouse, "min_rows: 3", "on_broken: warn")
    warehouse.orders(order_row("A1"))

    result = warehouse.run()

    assert result.exit_code == 0
    assert "IMPORTED WITH WARNINGS" in result.text
    assert "[F101]" in result.text
    letter = letter_of(warehouse.settings, result.run_id)
    assert "[F101]" in letter.text
    assert "[F101]" in letter.html
    assert warehouse.run(expectations="stop").exit_code == 7


def test_a_plan_says_that_a_run_would_stop(warehouse: Warehouse) -> None:
    expect(warehouse, "min_rows: 3")
    warehouse.orders(order_row("A1"))

    text = warehouse.plan().text

    assert "! a run would stop: not as the mapping expects: orders.csv: 1 row" in text
    assert "fewer rows than expected" in text


def test_a_plan_that_is_sent_is_stopped_too(warehouse: Warehouse, tmp_path: Path) -> None:
    expect(warehouse, "min_rows: 3")
    warehouse.orders(order_row("A1"))
    warehouse.plan_to(tmp_path / "plan")

    assert warehouse.run_plan(tmp_path / "plan").exit_code == 7
    assert warehouse.run_plan(tmp_path / "plan", expectations="warn").exit_code == 0


def test_a_missing_file_is_named_with_its_day(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED)

    result = warehouse.run()

    assert result.exit_code == 7
    assert said(result) == (
        f"not as the mapping expects: no file of orders for {NOW.day} {NOW:%b %Y}: {TODAY} is not there [F105]"
    )
    assert result.stopped is not None
    assert result.stopped.help is not None
    assert result.stopped.help.startswith("ask its sender for the file")
    assert result.report is not None
    assert f"{TODAY} is not there" in result.report.read_text("utf-8")


@pytest.mark.thorough
def test_on_missing_warn_lets_the_others_be_imported(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED, "on_missing: warn")
    (warehouse.folder / "others.yaml").write_text(
        ORDERS_YAML.replace("orders*.csv", "others.csv").replace("name: orders", "name: others")
    )
    warehouse.orders(order_row("A1"), name="others.csv")

    result = warehouse.run()

    assert result.exit_code == 0
    assert f"{TODAY}: expected file missing: no file of orders for" in result.text


def test_a_missing_file_is_told_even_where_nothing_stops_and_nothing_is_new(
    warehouse: Warehouse,
) -> None:
    expect(warehouse, NAMED, "on_missing: warn")

    result = warehouse.run()

    assert result.exit_code == 0
    assert "NOTHING NEW" in result.text
    letter = letter_of(warehouse.settings, result.run_id)
    assert letter.problem
    assert "[F105]" in letter.text


def test_a_file_of_another_day_is_not_that_of_tonight(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED)
    warehouse.orders(order_row("A1"), name=YESTERDAY)

    result = warehouse.run(expectations="warn")

    assert "[F103]" in result.text
    assert "[F105]" in result.text


def test_yesterday_is_the_day_of_a_run_after_midnight(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED, "day: yesterday")
    warehouse.orders(order_row("A1"), name=YESTERDAY)

    assert warehouse.run().exit_code == 0


@pytest.mark.thorough
def test_a_file_that_an_earlier_run_has_read_is_not_missed(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED, "min_rows: 1")
    warehouse.orders(order_row("A1"), name=TODAY)
    warehouse.run()
    (warehouse.folder / TODAY).unlink()

    assert warehouse.run().exit_code == 0


def test_a_day_without_a_file_expects_none(warehouse: Warehouse) -> None:
    others = [
        day
        for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        if day != f"{NOW:%a}".lower()
    ]
    expect(warehouse, NAMED, "min_rows: 3", f"days: [{', '.join(others)}]")

    assert warehouse.run().exit_code == 0


def test_a_packed_file_is_called_as_what_is_in_it(warehouse: Warehouse) -> None:
    import gzip

    expect(warehouse, NAMED)
    warehouse.orders(order_row("A1"), name=TODAY)
    plain = warehouse.folder / TODAY
    (warehouse.folder / f"{TODAY}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()

    assert warehouse.run().exit_code == 0


def test_a_file_in_an_archive_is_called_by_its_own_name(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED, "max_age: 26h")
    warehouse.orders(order_row("A1"), name=TODAY)
    plain = warehouse.folder / TODAY
    with ZipFile(warehouse.folder / "night.zip", "w") as archive:
        archive.write(plain, TODAY)
    plain.unlink()

    assert warehouse.run().exit_code == 0


def test_a_name_of_another_form(warehouse: Warehouse) -> None:
    expect(warehouse, 'name: "orders_{date:%Y%m%d}.csv"', "on_missing: warn")
    text = (warehouse.folder / "orders.yaml").read_text()
    (warehouse.folder / "orders.yaml").write_text(
        text.replace("source:\n", 'source:\n  files: "*.csv"\n')
    )
    warehouse.orders(order_row("A1"), name="orders_20261319.csv")  # there is no month 13

    assert said(warehouse.run()).startswith(
        "not as the mapping expects: orders_20261319.csv: its name is not of the form "
        "orders_{date:%Y%m%d}.csv [F102]"
    )


def test_an_old_file(warehouse: Warehouse) -> None:
    expect(warehouse, "max_age: 26h")
    warehouse.orders(order_row("A1"))
    old = NOW.timestamp() - 3 * 86400 - 60
    os.utime(warehouse.folder / "orders.csv", (old, old))

    assert "it was last written to 3 days ago" in said(warehouse.run())


def test_a_backfill_is_not_of_a_day(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED, "max_age: 26h", "min_rows: 2")
    warehouse.orders(order_row("A1"), name=YESTERDAY)
    old = NOW.timestamp() - 3 * 86400
    os.utime(warehouse.folder / YESTERDAY, (old, old))

    assert said(warehouse.run(backfill=True)).endswith("1 row, at least 2 are expected [F101]")


@pytest.mark.thorough
def test_nothing_is_expected_of_corrected_rows(warehouse: Warehouse) -> None:
    expect(warehouse, NAMED, "min_rows: 2")
    warehouse.orders(order_row("A1"), order_row("A2", mail="nonsense"), name=TODAY)
    first = warehouse.run()
    corrected = next(p for n, p in warehouse.corrected(first).items() if n.endswith(".csv"))
    corrected.write_text(corrected.read_text().replace("nonsense", "jo@example.com"))

    assert warehouse.retry(corrected).exit_code == 0


# -- the trailer -------------------------------------------------------------------------------


TRAILER = "trailer: {first_cell: T, rows: 2, totals: {qty: 3}}"


def trailed(warehouse: Warehouse, *rows: str, trailer: str) -> None:
    expect(warehouse, TRAILER)
    warehouse.orders(*rows, trailer)


def test_a_trailer_is_no_row_and_is_reported_as_checked(warehouse: Warehouse) -> None:
    trailed(warehouse, order_row("A1"), order_row("A2", qty=5), trailer="T;2;7\n\n")

    result = warehouse.run()

    assert result.exit_code == 0
    assert "  orders.csv: trailer in line 4 checked: 2 rows, qty 7\n" in result.text
    assert result.report is not None
    assert "trailer in line 4 checked: 2 rows, qty 7" in result.report.read_text("utf-8")
    assert result.summary["checked"] == ["orders.csv: trailer in line 4 checked: 2 rows, qty 7"]


@pytest.mark.parametrize(
    ("trailer", "says"),
    [
        ("T;3;7\n", "the trailer counts 3, the file has 2 rows [F107]"),
        ("T;2;8\n", "the trailer has 8 for qty, the rows add up to 7 [F108]"),
        ("T;two;7\n", "cell 2 of the trailer, the number of rows, is no number [F109]"),
        ("T;2\n", "cell 3 of the trailer, the total of qty, is not there [F109]"),
        ("", 'its last record does not begin with "T": the file may be cut off [F106]'),
    ],
)
def test_a_trailer_that_does_not_hold_stops_the_run(
    warehouse: Warehouse, trailer: str, says: str
) -> None:
    trailed(warehouse, order_row("A1"), order_row("A2", qty=5), trailer=trailer)

    assert said(warehouse.run()) == f"not as the mapping expects: orders.csv: {says}"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_file_whose_last_line_ends_is_as_its_sender_writes_it(
    warehouse: Warehouse, end: str
) -> None:
    expect(warehouse, "last_line_end: true")
    warehouse.orders(order_row("A1"), order_row("A2").rstrip("\n"), end)

    assert warehouse.run().exit_code == 0


def test_a_file_that_ends_within_a_line_is_not_sent_where_its_sender_ends_every_line(
    warehouse: Warehouse,
) -> None:
    expect(warehouse, "last_line_end: true")
    warehouse.orders(order_row("A1"), order_row("A2").rstrip("\n"))

    assert said(warehouse.run()) == (
        "not as the mapping expects: orders.csv: it ends within line 3, without a line end: it seems to be "
        "cut off [F110]"
    )


@pytest.mark.thorough
def test_quarantined_rows_count_and_leave_the_total_unchecked(warehouse: Warehouse) -> None:
    trailed(warehouse, order_row("A1"), "A2;1;cut\n", trailer="T;2;7\n")

    assert "checked: 2 rows, qty not checked, 1 row cannot be read" in warehouse.run().text


def test_only_the_last_record_is_a_trailer(warehouse: Warehouse) -> None:
    trailed(warehouse, "T;1;7\n", order_row("A1"), trailer="T;2;2\n")

    text = warehouse.run().text

    assert "R101" in text  # the first of the two
    assert "[F1" not in text


@pytest.mark.thorough
def test_a_trailer_is_no_row_either_when_refused_orders_are_sent_again(
    warehouse: Warehouse,
) -> None:
    trailed(warehouse, order_row("A1"), order_row("A2"), trailer="T;2;4\n")
    refuse(warehouse, "A2")
    run = warehouse.run().run_id
    refuse(warehouse)

    result = retry_run(warehouse, run)

    assert result.exit_code == 0
    assert [put.order_number for put in warehouse.sandbox.puts()] == ["A1", "A2"]  # one in each run
