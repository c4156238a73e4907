"""What a run looks at before it sends: the nights before, orders of long ago, and whom a backfill reaches."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.ledger import Ledger, SourceNight
from pipeline.run import spool as spooling
from pipeline.run.source import HeaderUnfit
from tests.databases import BOTH
from tests.run.conftest import PARCELS_YAML, Warehouse, order_row

DATED_YAML = """\
version: 1
name: dated
source: {files: "*.csv", delimiter: ";", timezone: UTC}
rows: {key: no}
order:
  order_number: no
  destination_country_iso3: country
  recipient_email: {from: mail, default: _unset}
  order_date: {from: day, format: "%Y-%m-%d"}
trackings:
  key: parcel
  when: "parcel IS NOT NULL"
  fields: {tracking_number: parcel, courier: {value: dhl-germany}}
"""
NOW = datetime.now(UTC)  # noqa: TID251 - files of today and of long ago


def nights(warehouse: Warehouse, mapping: str = "orders") -> dict[str, tuple[SourceNight, ...]]:
    with Ledger.read(warehouse.settings.ledger, clock=lambda: NOW) as ledger:
        return ledger.source_nights(1, mapping)


def seed(warehouse: Warehouse, *known: SourceNight, source: str = "orders.csv") -> None:
    """Let the ledger know nights of the last weeks."""
    warehouse.settings.home.mkdir(exist_ok=True)
    endpoint = warehouse.settings.endpoint
    with Ledger.open(warehouse.settings.ledger, clock=lambda: NOW) as ledger:
        here = ledger.endpoint(endpoint.base_url, endpoint.account)
        for each in known:
            ledger.learn_source(here, "orders", source, each)


def usual(*, rows: int = 60, ago: int = 1, **shares: float) -> SourceNight:
    """A night like that of `sixty` orders."""
    return SourceNight(
        at=NOW - timedelta(days=ago), files=f"night {ago}", rows=rows, orders=60,
        columns=("no", "pos", "sku", "qty", "country", "mail", "name", "cut"),
        empty={"no": 0.0, "mail": 0.0, "name": 0.0, "cut": 1.0, **shares}, countries={"DEU": 60},
    )  # fmt: skip


def sixty(warehouse: Warehouse, **cells: str) -> None:
    warehouse.orders(*(order_row(f"A{n}", 1, **cells) for n in range(60)))


def warned(warehouse: Warehouse) -> list[str]:
    return [str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"]


# -- what is learned -------------------------------------------------------------------------------


@BOTH
def test_a_finished_run_teaches_what_its_source_is_like(warehouse: Warehouse) -> None:
    warehouse.orders(
        order_row("A1"), order_row("A1", 2), order_row("A2", country="AT", name=""),
        order_row("A3", mail="nonsense"), name="orders_20261120.csv",
    )  # fmt: skip

    warehouse.run()

    [(source, [learned])] = nights(warehouse).items()
    assert source == "orders_#.csv"
    assert (learned.rows, learned.orders) == (4, 3)
    assert learned.columns == ("no", "pos", "sku", "qty", "country", "mail", "name", "cut")
    assert learned.empty == {
        "no": 0.0, "pos": 0.0, "sku": 0.0, "qty": 0.0, "country": 0.0, "mail": 0.0, "name": 0.25,
        "cut": 1.0,
    }  # fmt: skip
    # an order that is held back goes nowhere
    assert learned.countries == {"DEU": 1, "AUT": 1}
    assert "example.com" not in str(learned.plain())


def test_several_files_of_a_source_are_one_night(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "PARTITION_BYTES", 100)
    warehouse.orders(order_row("A1"), order_row("A2"), name="orders_1.csv")
    warehouse.orders(order_row("A3", name=""), name="orders_2.csv")

    warehouse.run()

    [(source, [learned])] = nights(warehouse).items()
    assert (source, learned.rows, learned.orders) == ("orders_#.csv", 3, 3)
    assert learned.empty["name"] == 0.3333
    assert learned.countries == {"DEU": 3}


@pytest.mark.thorough
def test_what_is_no_night_of_its_own_teaches_nothing(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run(limit=1)
    warehouse.run(only_orders=("A2",))
    warehouse.run(backfill=True)
    assert warehouse.run(min_rows=100).exit_code == 7
    assert nights(warehouse) == {}

    warehouse.run()
    warehouse.run()

    assert [len(each) for each in nights(warehouse).values()] == [1]


# -- fewer rows than usual -------------------------------------------------------------------------


def test_far_fewer_rows_than_usual_stop_the_run_before_it_sends(warehouse: Warehouse) -> None:
    seed(warehouse, *(usual(rows=190 + ago, ago=ago) for ago in (1, 10, 20)))
    warehouse.orders(order_row("A1"))

    stopped = warehouse.run()

    assert stopped.exit_code == 7
    assert stopped.stopped is not None
    assert stopped.stopped.code == "C124"
    assert stopped.stopped.message == (
        "orders.csv has 1 row, usually 200 (median of its last 3 runs);"
        " at most 80% fewer are allowed"
    )
    assert "--max-row-drop off" in stopped.stopped.help
    assert warehouse.sandbox.puts() == []
    assert len(nights(warehouse)["orders.csv"]) == 3
    assert warehouse.run(max_row_drop=None).exit_code == 0
    assert len(warehouse.sandbox.puts()) == 1


@pytest.mark.parametrize("options", [{"limit": 1}, {"only_orders": ("A1",)}, {"backfill": True}])
def test_a_choice_and_a_backfill_are_not_compared(
    warehouse: Warehouse, options: dict[str, object]
) -> None:
    seed(warehouse, *(usual(rows=200, ago=ago) for ago in (1, 10, 20)))
    warehouse.orders(order_row("A1"))

    assert warehouse.run(**options).exit_code == 0


def test_a_retry_is_not_compared(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1", mail="nonsense"))
    first = warehouse.run()
    [file] = warehouse.corrected(first).values()
    file.write_text(file.read_text(encoding="utf-8-sig").replace("nonsense", "jo@example.com"))
    for source in ("orders.csv", file.name):
        seed(warehouse, *(usual(rows=200, ago=ago) for ago in (1, 10, 20)), source=source)

    assert warehouse.retry(file).exit_code == 0
    assert len(warehouse.sandbox.puts()) == 1


def test_small_sources_are_left_alone_unless_a_share_is_set(warehouse: Warehouse) -> None:
    seed(warehouse, *(usual(rows=50, ago=ago) for ago in (1, 10, 20)))
    warehouse.orders(order_row("A1"))

    assert warehouse.run(max_row_drop=0.8, row_drop_from=1).exit_code == 7
    assert warehouse.run().exit_code == 0


def test_a_plan_says_that_a_run_of_it_would_stop(warehouse: Warehouse) -> None:
    seed(warehouse, *(usual(rows=200, ago=ago) for ago in (1, 10, 20)))
    warehouse.orders(order_row("A1"))

    planned = warehouse.plan()

    assert planned.exit_code == 0
    assert "! a run would stop: orders.csv has 1 row, usually 200" in planned.text
    assert "\nSend it:" not in planned.text
    assert (
        "\nIt would stop, as said above. When that is settled, send it:  pipeline run "
        in planned.text
    )
    assert planned.plan is not None
    assert warehouse.run_plan(planned.plan).exit_code == 7
    assert warehouse.run_plan(planned.plan, max_row_drop=None).exit_code == 0


# -- unlike the nights before ----------------------------------------------------------------------


def unlike_files(warehouse: Warehouse) -> None:
    """Sixty orders of another country without names, in a file with another column."""
    seed(warehouse, *(usual(ago=ago) for ago in range(1, 6)))
    sixty(warehouse, country="PL", name="")
    path = warehouse.folder / "orders.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{head};note", *(f"{row};x" for row in rows), ""]))


SAID = (
    "new columns: columns that the last file did not have: note [D101]",
    "column filled unlike usual: column name: empty in 100% of the rows, usually in 0% [D103]",
    "countries unlike usual: POL is the destination of 100% of the orders, usually of 0%;"
    " DEU is the destination of 0% of the orders, usually of 100% [D105]",
)


def test_what_is_unlike_stands_in_terminal_report_and_mail(warehouse: Warehouse) -> None:
    unlike_files(warehouse)

    result = warehouse.run()

    assert (result.exit_code, result.text.split(":")[0]) == (0, "IMPORTED WITH WARNINGS")
    for said in SAID:
        assert f"  orders.csv: {said}\n" in result.text
    assert warned(warehouse) == [f"orders.csv: {each}" for each in _as_logged(SAID)]
    assert result.report is not None
    page = result.report.read_text(encoding="utf-8")
    mail = result.report.with_name("summary.html").read_text(encoding="utf-8")
    for words in ("Countries unlike usual", "POL is the destination of 100% of the orders"):
        assert words in page
        assert words.lower() in mail.lower()
    # next time it is what the file was like the last time
    assert nights(warehouse)["orders.csv"][-1].columns[-1] == "note"


def _as_logged(said: Sequence[str]) -> list[str]:
    return [each.replace("columns that the last file did not have: ", "") for each in said]


@pytest.mark.thorough
def test_a_run_may_be_told_to_stop_when_files_are_unlike(warehouse: Warehouse) -> None:
    unlike_files(warehouse)

    stopped = warehouse.run(drift="stop")

    assert stopped.exit_code == 7
    assert stopped.stopped is not None
    assert stopped.stopped.code == "C125"
    assert stopped.stopped.message == (
        "unlike the nights before: orders.csv: new columns: note [D101], and 2 more"
    )
    assert warehouse.sandbox.puts() == []
    assert warehouse.run(drift="warn").exit_code == 0


def test_nobody_hears_of_it_who_does_not_want_to(warehouse: Warehouse) -> None:
    unlike_files(warehouse)

    result = warehouse.run(drift="off")

    assert result.text.startswith("ALL IMPORTED")
    assert warned(warehouse) == []


def test_a_renamed_column_that_is_mapped_stops_the_file(warehouse: Warehouse) -> None:
    sixty(warehouse)
    path = warehouse.folder / "orders.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("country", "land", 1))

    with pytest.raises(HeaderUnfit) as refused:
        warehouse.run()
    assert refused.value.exit_code == 4
    assert "does not have the columns" in refused.value.message


# -- orders of long ago ----------------------------------------------------------------------------


def dated(warehouse: Warehouse, *rows: str) -> None:
    (warehouse.folder / "orders.yaml").write_text(DATED_YAML, encoding="utf-8")
    (warehouse.folder / "dated.csv").write_text(
        "no;country;mail;day;parcel\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8"
    )


def dated_row(number: int, days: int, mail: str = "jo@example.com", parcel: str = "") -> str:
    return f"A{number};DE;{mail};{NOW - timedelta(days=days):%Y-%m-%d};{parcel}"


@pytest.mark.thorough
def test_many_new_orders_of_long_ago_stop_a_run_that_is_no_backfill(warehouse: Warehouse) -> None:
    dated(warehouse, *(dated_row(n, 400 if n < 21 else 2) for n in range(40)))

    stopped = warehouse.run(old_orders="stop")

    assert stopped.exit_code == 7
    assert stopped.stopped is not None
    assert stopped.stopped.code == "C126"
    assert stopped.stopped.message == (
        "21 of 40 orders to send are new, older than 30 days and carry an e-mail address:"
        " parcelLab may write to these customers"
    )
    assert "--backfill" in stopped.stopped.help
    assert warehouse.sandbox.puts() == []
    assert warehouse.run(old_orders="stop", backfill=True).exit_code == 0
    # what is known is updated as ever: parcelLab has these orders already
    dated(warehouse, *(dated_row(n, 401 if n < 21 else 2) for n in range(40)))
    assert warehouse.run(old_orders="stop").exit_code == 0
    assert len(warehouse.sandbox.puts()) == 61


def test_old_orders_that_go_out_all_the_same_are_warned_of(warehouse: Warehouse) -> None:
    dated(warehouse, *(dated_row(n, 31) for n in range(20)))

    result = warehouse.run(old_orders="warn")

    assert (result.exit_code, len(warehouse.sandbox.puts())) == (0, 20)
    said = "20 new orders of this file to send are older than 30 days and carry an e-mail address"
    assert f"dated.csv: old orders with e-mail addresses: {said} [D106]" in result.text
    (told,) = [each for each in warned(warehouse) if "20 of 20 orders to send are new" in each]
    assert told.endswith("; import orders of the past with `--backfill`")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "rows",
    [
        [dated_row(n, 400) for n in range(19)],  # some
        [dated_row(n, 29) for n in range(40)],  # young
        [dated_row(n, 400, mail="") for n in range(40)],  # nobody to write to
        [dated_row(n, 400 if n < 20 else 2) for n in range(100)],  # a fifth
    ],
    ids=["few", "young", "unset", "a fifth"],
)
def test_what_is_no_import_of_the_past(warehouse: Warehouse, rows: list[str]) -> None:
    dated(warehouse, *rows)

    assert warehouse.run(old_orders="stop").exit_code == 0


# -- backfill --------------------------------------------------------------------------------------


def test_a_backfill_silences_every_parcel_and_says_whom_it_cannot_silence(
    warehouse: Warehouse,
) -> None:
    dated(
        warehouse, dated_row(1, 400, parcel="P1"), dated_row(1, 400, parcel="P2"),
        dated_row(2, 400, mail="", parcel="P3"), dated_row(3, 400), dated_row(4, 400, mail=""),
    )  # fmt: skip
    loud = "{value: dhl-germany}, notifications_inactive: {value: false}}"
    text = DATED_YAML.replace("{value: dhl-germany}}", loud)
    (warehouse.folder / "orders.yaml").write_text(text, encoding="utf-8")
    planned = warehouse.plan(backfill=True)
    said = (
        "2 of 4 orders to send carry a real e-mail address;"
        " 2 have no tracking, and nothing in these keeps parcelLab silent"
    )
    assert f"! caution: {said}\n" in planned.text

    warehouse.run(backfill=True)

    assert warned(warehouse) == [said]
    assert len(warehouse.told.questions) == 1
    stored = {
        each["tracking_number"]: each["notifications_inactive"]
        for order in warehouse.sandbox.orders()
        for each in order["trackings"]
    }
    assert stored == {"P1": True, "P2": True, "P3": True}
    for put in warehouse.sandbox.puts():
        body = json.loads(put.body)
        told = [each["tracking"] for each in body.get("mutations", ()) if "tracking" in each]
        assert all(
            each["notifications_inactive"] is True for each in [*told, *body.get("trackings", ())]
        )


@pytest.mark.thorough
def test_the_night_after_a_backfill_does_not_tell_its_parcels_again_and_loud(
    warehouse: Warehouse,
) -> None:
    dated(warehouse, dated_row(1, 400, parcel="P1"), dated_row(2, 400, parcel="P2"))
    warehouse.run(backfill=True)
    told = len(warehouse.sandbox.puts())

    warehouse.run()
    assert len(warehouse.sandbox.puts()) == told
    dated(
        warehouse,
        dated_row(1, 400, parcel="P1", mail="new@example.com"),
        dated_row(2, 400, parcel="P2"),
    )
    warehouse.run()

    (put,) = warehouse.sandbox.puts()[told:]
    assert "mutations" not in json.loads(put.body)


@pytest.mark.parametrize(
    "partition_bytes", [64 << 20, pytest.param(600, marks=pytest.mark.thorough)]
)
def test_a_backfill_goes_out_in_the_same_order_every_time(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partition_bytes: int
) -> None:
    monkeypatch.setattr(spooling, "PARTITION_BYTES", partition_bytes)
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML, encoding="utf-8")
    warehouse.orders(*(order_row(f"A{n * 7919 % 60}") for n in range(60)))
    warehouse.parcels(*((f"A{n}", f"P{n}", "dhl-germany") for n in reversed(range(60))))
    warehouse.paced(concurrency=1)
    sent = []
    for time in range(2):
        warehouse.sandbox.reset()
        home = tmp_path / f"home {time}"
        warehouse.settings = replace(warehouse.settings, home=home, ledger=str(home / "ledger.db"))
        planned = warehouse.plan(backfill=True).plan
        assert planned is not None
        assert warehouse.run_plan(planned).exit_code == 0
        sent.append([put.order_number for put in warehouse.sandbox.puts()])

    assert sent[0] == sent[1]
    assert len(sent[0]) == 60
    if partition_bytes > 600:  # the order of the file
        assert sent[0] == [f"A{n * 7919 % 60}" for n in range(60)]
