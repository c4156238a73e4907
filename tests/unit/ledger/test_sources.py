"""What is usual of a source is kept: some nights of each, the same files once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipeline.ledger import Ledger, SourceNight
from pipeline.ledger.sources import NIGHTS_KEPT, SOURCES_KEPT
from tests.databases import BOTH, Database

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)


def night(day: int = 0) -> SourceNight:
    return SourceNight(
        at=NOW + timedelta(days=day), files=f"f{day}", rows=20 + day, orders=7,
        columns=("no", "e-mail"), empty={"no": 0.0, "e-mail": 0.25}, countries={"DEU": 5, "AUT": 2},
    )  # fmt: skip


@BOTH
def test_nights_of_a_source(database: Database) -> None:
    with Ledger.open(database.location, clock=lambda: NOW) as ledger:
        here = ledger.endpoint("https://api.parcellab.com", 1618)
        there = ledger.endpoint("https://api.parcellab.com", 1619)
        for day in (1, 0, 2):
            ledger.learn_source(here, "wms", "orders_#.csv", night(day))
        ledger.learn_source(here, "wms", "parcels_#.csv", night())
        ledger.learn_source(there, "wms", "orders_#.csv", night(9))

        known = ledger.source_nights(here, "wms")
        assert known.keys() == {"orders_#.csv", "parcels_#.csv"}
        assert known["orders_#.csv"][-1] == night(2)
        # of earlier nights the columns are not asked for
        assert known["orders_#.csv"][:-1] == tuple(
            replace(night(day), columns=()) for day in (0, 1)
        )
        assert ledger.source_nights(here, "other") == {}

        later = replace(night(1), at=NOW + timedelta(days=3))
        ledger.learn_source(here, "wms", "orders_#.csv", later)
        assert [n.files for n in ledger.source_nights(here, "wms")["orders_#.csv"]] == [
            "f0",
            "f2",
            "f1",
        ]


@BOTH
def test_old_nights_and_names_that_never_came_again_are_let_go(database: Database) -> None:
    with Ledger.open(database.location, clock=lambda: NOW) as ledger:
        here = ledger.endpoint("https://api.parcellab.com", 1618)
        for day in range(NIGHTS_KEPT + 5):
            ledger.learn_source(here, "wms", "orders.csv", night(day))
        kept = ledger.source_nights(here, "wms")["orders.csv"]
        assert [kept[0].files, kept[-1].files, len(kept)] == ["f5", "f64", NIGHTS_KEPT]

        for number in range(SOURCES_KEPT + 3):
            ledger.learn_source(here, "wms", f"x{number}.csv", night(100 + number))
        names = ledger.source_nights(here, "wms").keys()
        assert len(names) == SOURCES_KEPT
        assert "orders.csv" not in names
        assert f"x{SOURCES_KEPT + 2}.csv" in names
