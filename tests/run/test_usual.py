"""A night is compared with those before it: what is unlike them is named, and chance is not."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.ledger import SourceNight
from pipeline.run.oddity import Oddity
from pipeline.run.usual import Nights, Seen, Volume, oddities, source_name, volumes

FIRST = datetime(2026, 9, 7, 1, tzinfo=UTC)  # a Monday
COLUMNS = ("no", "mail", "phone", "country")
USUAL = {"DEU": 70, "AUT": 20, "CHE": 10}


def night(
    day: int, *, rows: int = 1000, orders: int = 400, empty: Mapping[str, float] | None = None,
    countries: Mapping[str, int] | None = None, columns: Sequence[str] = COLUMNS,
) -> SourceNight:  # fmt: skip
    shares = countries or USUAL
    whole = sum(shares.values())
    return SourceNight(
        at=FIRST + timedelta(days=day), files=f"night {day}", rows=rows, orders=orders,
        columns=tuple(columns), empty={"mail": 0.0, "phone": 0.5, **(empty or {})},
        countries={code: orders * share // whole for code, share in shares.items()},
    )  # fmt: skip


def seen(tonight: SourceNight) -> list[Seen]:
    return [Seen("wms", "orders_#.csv", 0, tonight)]


def before(nights: Sequence[SourceNight]) -> Callable[[str], Nights]:
    return lambda mapping: {"orders_#.csv": nights} if mapping == "wms" else {}


def unlike(nights: Sequence[SourceNight], tonight: SourceNight) -> list[Oddity]:
    return oddities(seen(tonight), before(nights), "UTC")


def usual_rows(nights: Sequence[SourceNight], tonight: SourceNight) -> list[Volume]:
    return volumes(seen(tonight), before(nights), "UTC")


BEFORE = [night(day, rows=1000 + 10 * (day % 3)) for day in range(10)]


def test_a_night_like_the_others_is_no_news() -> None:
    assert unlike(BEFORE, night(10)) == []


def test_a_column_under_another_name_is_named_under_both() -> None:
    found = unlike(BEFORE, night(10, columns=("no", "email", "phone", "country")))

    assert [(each.code, each.says) for each in found] == [("D101", "email"), ("D102", "mail")]


def test_a_column_that_is_emptied() -> None:
    [found] = unlike(BEFORE, night(10, empty={"mail": 0.6}))

    assert (found.code, found.column) == ("D103", "mail")
    assert found.says == "column mail: empty in 60% of the rows, usually in 0%"


def test_a_column_that_is_filled_of_a_sudden() -> None:
    [found] = unlike(BEFORE, night(10, empty={"phone": 0.1}))

    assert found.says == "column phone: empty in 10% of the rows, usually in 50%"


def test_half_of_the_rows() -> None:
    [found] = unlike(BEFORE, night(10, rows=500))

    assert (found.code, found.says) == ("D104", "500 rows, usually 1,000 to 1,020")


def test_rows_that_stand_there_thrice() -> None:
    [found] = unlike(BEFORE, night(10, rows=3000))

    assert (found.code, found.says) == ("D104", "3,000 rows, usually 1,000 to 1,020")


def test_a_country_that_was_never_there() -> None:
    [found] = unlike(BEFORE, night(10, countries={"DEU": 49, "AUT": 14, "CHE": 7, "POL": 30}))

    assert found.code == "D105"
    assert "POL is the destination of 30% of the orders, usually of 0%" in found.says


def test_the_file_of_another_country() -> None:
    [found] = unlike(BEFORE, night(10, countries={"FRA": 100}))

    assert found.says == (
        "FRA is the destination of 100% of the orders, usually of 0%;"
        " DEU is the destination of 0% of the orders, usually of 70%"
    )


@pytest.mark.parametrize("known", range(3))
def test_the_first_nights_only_learn(known: int) -> None:
    other = night(10, rows=10, empty={"mail": 1.0}, countries={"POL": 1}, columns=["x"])

    assert unlike(BEFORE[:known], other) == []
    assert usual_rows(BEFORE[:known], other) == []


def test_a_column_that_the_mapping_reads_since_yesterday_is_learned_first() -> None:
    nights = [*BEFORE, night(10, empty={"fax": 0.0})]

    assert unlike(nights, night(11, empty={"fax": 0.9})) == []


def test_some_orders_prove_nothing() -> None:
    few = night(10, rows=990, orders=40, empty={"mail": 0.6}, countries={"POL": 1})

    assert unlike(BEFORE, few) == []


def test_the_same_files_once_more_are_not_compared_with_themselves() -> None:
    again = replace(BEFORE[-1], rows=10)

    assert all(n.files != again.files for n in BEFORE[:-1])
    assert usual_rows(BEFORE[-3:], again) == []


@pytest.mark.parametrize("seed", range(12))
def test_fifty_nights_of_one_kind_alarm_nobody(seed: int) -> None:
    """Weekends are small, a tenth of the phones is missing, four countries: drawn anew each night."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    nights: list[SourceNight] = []
    level = draw.choice([60, 200, 1500])
    for day in range(50):
        weekend = (FIRST + timedelta(days=day)).weekday() >= 5
        mean = level * (0.35 if weekend else 1)
        orders = max(1, round(draw.gauss(mean, mean * 0.15)))
        going = draw.choices(["DEU", "AUT", "CHE", "FRA"], [70, 15, 10, 5], k=orders)
        of_order = [draw.randint(1, 5) for _ in range(orders)]
        without = sum(lines for lines in of_order if draw.random() < 0.1)
        tonight = SourceNight(
            at=FIRST + timedelta(days=day), files=str(day), rows=sum(of_order), orders=orders,
            columns=COLUMNS, empty={"mail": 0.0, "phone": without / sum(of_order)},
            countries={code: going.count(code) for code in set(going)},
        )  # fmt: skip
        assert unlike(nights, tonight) == []
        assert all(each.drop <= 0.8 for each in usual_rows(nights, tonight))
        nights.append(tonight)


def test_what_is_usual_is_the_median_of_the_last_eight_runs() -> None:
    nights = [night(day, rows=rows) for day, rows in enumerate([9, 9, 9, 1, 2, 3, 100, 5, 6, 7, 8])]

    [volume] = usual_rows(nights, night(14 * 7, rows=1))

    assert (volume.usual, volume.nights, volume.days) == (5.5, 8, "")
    assert round(volume.drop, 2) == 0.82


def test_sundays_are_compared_with_sundays() -> None:
    nights = [night(day, rows=100 if day % 7 == 6 else 1000) for day in range(24)]

    [sunday] = usual_rows(nights, night(27, rows=90))
    [monday] = usual_rows(nights, night(28, rows=90))

    assert (sunday.usual, sunday.days, sunday.drop < 0.2) == (100, "Sundays", True)
    assert (monday.usual, monday.days, monday.drop > 0.9) == (1000, "Mondays", True)
    assert monday.words == "orders_#.csv has 90 rows, usually 1,000 (median of its last 4 Mondays)"


def test_one_small_sunday_is_enough_not_to_stop_the_next() -> None:
    nights = [night(day, rows=100 if day == 6 else 1000) for day in range(8)]

    [sunday] = usual_rows(nights, night(13, rows=90))

    assert sunday.drop < 0.2


def hourly(rows: Sequence[int]) -> list[SourceNight]:
    return [
        replace(night(0, rows=n), at=FIRST + timedelta(hours=hour), files=f"hour {hour}")
        for hour, n in enumerate(rows)
    ]


def test_a_source_of_every_hour_may_rest_at_night() -> None:
    *day, evening = hourly([150, 30, 200, 210, 190, 220, 205, 180, 190, 25])

    [volume] = usual_rows(day, evening)

    assert volume.words == "orders_#.csv has 25 rows, usually at least 30 (in its last 9 runs)"
    assert volume.drop < 0.2
    assert unlike(day, evening) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("orders.csv", "orders.csv"),
        ("orders_2026-11-20.csv", "orders_#.csv"),
        ("orders_DE_20261120_0205.csv", "orders_DE_#.csv"),
        ("orders_AT_20261121_0204.csv", "orders_AT_#.csv"),
        ("9b2f1c04-77aa-4f10-9d3e-0a1b2c3d4e5f.csv", "#.csv"),
    ],
)  # fmt: skip
def test_a_source_keeps_its_name_from_night_to_night(file: str, source: str) -> None:
    assert source_name(file) == source
