"""A run among its nights: what is new, what is back, what is gone, what is missing still."""

from datetime import date

import pytest

from pipeline.model.schedule import Schedule
from pipeline.report.history import History, NightState
from tests.unit.report.nights import DAY, Nights, ago


def badges(history: History) -> dict[str, str]:
    return {key.removeprefix("key "): each.words for key, each in history.lifecycles.items()}


def test_a_first_night_has_nothing_to_compare_with() -> None:
    nights = Nights()
    nights.run(0, "a")
    history = nights.tell("a")
    assert (history.lifecycles, history.before, history.new_causes) == ({}, None, None)
    assert len(history.trend) == 1


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ([""], "new"),
        (["a"], "2 nights"),
        (["", "a", "a", "a"], "4 nights"),
        (["a", ""], "back after 2 nights"),
        (["a", *[""] * 20], "back after 3 weeks"),
        (["a", *[""] * 80], "back after 2 months"),
        (["a", "", "a", "a"], "3 nights"),
    ],
)
def test_a_badge_says_how_long_a_cause_is_there(before: list[str], words: str) -> None:
    nights = Nights()
    for number, causes in enumerate(before):
        nights.run(len(before) - number, causes)
    nights.run(0, "a")
    assert badges(nights.tell("a")) == {"a": words}


def test_nights_without_a_run_neither_count_nor_end_a_series() -> None:
    nights = Nights()
    nights.run(9, "a")
    nights.run(5, "a")
    nights.run(3, reported=False)
    nights.run(0, "a")
    history = nights.tell("a")
    assert badges(history) == {"a": "3 nights"}
    assert history.lifecycles["key a"].since == ago(9)


def test_a_stopped_run_proves_nothing_by_what_it_has_not_found() -> None:
    nights = Nights()
    nights.run(2, "ab")
    nights.run(1, "b", state="stopped")
    nights.run(0, "a")
    history = nights.tell("ab")
    assert badges(history) == {"a": "2 nights", "b": "3 nights"}
    assert history.before == ago(2)


def test_a_retry_of_corrected_rows_is_no_night_of_its_own() -> None:
    nights = Nights()
    nights.run(2, "ab")
    nights.run(1, "c", retry=True)
    nights.run(0, "ac")
    history = nights.tell("ac")
    assert badges(history) == {"a": "2 nights", "c": "new"}
    assert [each.state for each in history.trend] == [
        NightState.RUN, NightState.NO_RUN, NightState.RUN,
    ]  # fmt: skip


def test_runs_of_another_export_are_not_compared_with() -> None:
    nights = Nights()
    nights.run(3, "a", mappings=["wms", "parcels"])
    nights.run(2, mappings=["stock"])
    nights.run(1, "a", mappings=["parcels"])
    nights.run(0, "a", mappings=["wms"])
    history = nights.tell("a")
    assert badges(history) == {"a": "2 nights"}
    states = [each.state for each in history.trend]
    assert states == [NightState.RUN, NightState.NO_RUN, NightState.NO_RUN, NightState.RUN]


def test_two_runs_of_one_night_are_one_night() -> None:
    nights = Nights()
    nights.run(1, "ab")
    nights.run(0, "ab", orders=100, missing=10)
    nights.run(0, "b", hours=8, orders=60, missing=1)
    history = nights.tell("b")
    assert badges(history) == {"b": "2 nights"}
    assert history.gone == ()  # "a" was there this night
    assert (history.trend[-1].orders, history.trend[-1].not_arrived) == (100, 10)


def test_exports_of_one_night_add_up_in_the_trend() -> None:
    nights = Nights()
    nights.run(0, mappings=["wms"], orders=100, missing=3, out_of_date=1, unclear=1)
    nights.run(0, mappings=["wms", "parcels"], hours=1, orders=40, missing=2)
    [night] = nights.tell().trend
    assert (night.orders, night.not_arrived) == (140, 7)


def test_a_cause_that_is_not_there_any_more_is_told_once() -> None:
    nights = Nights()
    nights.run(2, "abc")
    nights.run(1, "ab")
    nights.run(0, "a")
    (gone,) = nights.tell("a").gone
    assert (gone.code, gone.column, gone.rows, gone.orders) == ("R301", "Column b", 3, 2)


@pytest.mark.parametrize(("orders", "complete"), [(49, True), (100, False)])
def test_a_part_of_the_orders_does_not_show_that_a_cause_is_gone(
    *, orders: int, complete: bool
) -> None:
    nights = Nights()
    nights.run(1, "ab")
    nights.run(0, "a", orders=orders)
    assert nights.tell("a", complete=complete).gone == ()


def test_the_trend_shows_the_last_two_weeks_and_begins_with_the_first_run() -> None:
    nights = Nights()
    nights.run(30)
    nights.run(20, reported=False)
    nights.run(2, reported=False)
    nights.run(0, missing=5)
    trend = nights.tell().trend
    assert (len(trend), trend[0].day, trend[-1].day) == (14, ago(13), DAY)
    assert trend[-3].state is NightState.UNREPORTED
    assert {each.state for each in trend[:11]} == {NightState.NO_RUN}
    young = Nights()
    young.run(2)
    young.run(0)
    assert [each.day for each in young.tell().trend] == [ago(2), ago(1), DAY]


def test_a_night_on_which_no_run_is_expected_is_no_missed_one() -> None:
    nights = Nights()
    nights.run(7)
    nights.run(0)
    schedule = Schedule(profile="prod", days=frozenset(range(5)), skip=frozenset({ago(2)}))
    states = {each.day: each.state for each in nights.tell(schedule=schedule).trend}
    assert states[date(2026, 11, 14)] is states[ago(2)] is NightState.UNSCHEDULED
    assert states[ago(1)] is NightState.NO_RUN


def test_a_run_before_midnight_belongs_to_its_local_day() -> None:
    nights = Nights()
    nights.run(1, "a", hours=-3)  # 23:05 of the 18th in Berlin, 22:05 in UTC
    nights.run(0, "a")
    assert nights.tell("a").before == ago(2)


def test_items_of_earlier_nights_are_still_missing_and_those_of_this_night_are_not() -> None:
    nights = Nights()
    nights.run(9)
    last = nights.run(0)
    nights.item("A1", 9, last_run="r1")
    nights.item("A2", 3, last_run=last)  # its run is not known any more
    nights.item("A3", 0, last_run=last)
    missing = nights.tell().missing
    assert [(each.order_number, each.nights, each.again) for each in missing] == [
        ("A1", 9, False), ("A2", 3, True),
    ]  # fmt: skip
    assert missing[0].since == ago(9)


def test_resolved_items_arrived_or_have_a_reason() -> None:
    nights = Nights()
    nights.run(3)
    last = nights.run(0)
    nights.item("A1", 3, closed_run=last, reason="arrived")
    nights.item("A2", 3, reason="cancelled by phone")
    assert [(each.order_number, each.arrived, each.reason) for each in nights.tell().resolved] == [
        ("A1", True, ""), ("A2", False, "cancelled by phone"),
    ]  # fmt: skip


def test_an_order_closed_by_hand_and_missing_again_is_not_resolved() -> None:
    nights = Nights()
    nights.run(1, "a")
    last = nights.run(0, "a")
    nights.item("A1", 1, reason="cancelled by phone")
    nights.item("A1", 0, last_run=last)
    nights.item("A2", 1, reason="cancelled by phone")
    assert [each.order_number for each in nights.tell("a").resolved] == ["A2"]


def test_a_cause_that_was_away_for_long_is_found_far_back() -> None:
    nights = Nights()
    for number in range(300, 0, -1):
        nights.run(number, "a" if number > 295 else "")
    nights.run(0, "a")
    life = nights.tell("a").lifecycles["key a"]
    assert (life.away, life.since) == (296, DAY)
