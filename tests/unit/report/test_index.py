"""All runs on one page: verdicts, missed nights, odd volumes, and what it says at the top."""

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from pipeline.ledger import OpenCount
from pipeline.ledger import RunState as LedgerState
from pipeline.model.schedule import Schedule
from pipeline.report.index import (
    RUNS_MAX,
    GapLine,
    IndexPage,
    RunLine,
    lay_out_index,
    missed_nights,
    unusual_volumes,
)
from pipeline.report.render import render_index
from tests.unit.report.nights import TONIGHT, Nights, ago
from tests.unit.report.test_page import HOSTILE, Outline

ZONE = "Europe/Berlin"
AT_EIGHT = TONIGHT.replace(hour=8)
DAILY = Schedule(profile="prod", days=frozenset(range(7)), by=time(6))


def page(
    nights: Nights, *, now: datetime = AT_EIGHT, schedule: Schedule | None = DAILY
) -> IndexPage:
    runs = nights.runs[::-1]
    links = {run.id: f"{run.id}/report.html" for run in runs}
    return lay_out_index(runs, links, [], zone=ZONE, now=now, schedule=schedule)


def missed(nights: Nights, schedule: Schedule = DAILY, now: datetime = AT_EIGHT) -> list[str]:
    gaps = missed_nights(nights.runs[::-1], schedule, ZONE, now)
    return [f"{days[0]:%d}-{days[-1]:%d} {name}".rstrip() for days, name in gaps]


def test_a_run_is_a_line_with_its_verdict_and_numbers() -> None:
    nights = Nights()
    nights.run(1, verdict="ALL IMPORTED", missing=0, arrived=100)
    nights.run(0, orders=871, arrived=694, missing=169, unclear=8, new_causes=3)
    last, before = page(nights).lines
    assert isinstance(last, RunLine)
    assert isinstance(before, RunLine)
    assert (last.when, last.verdict, last.tone) == (
        "Fri 20 Nov 2026 02:05",
        "PARTLY IMPORTED",
        "bad",
    )
    assert (last.orders, last.arrived, last.missing, last.new_causes) == ("871", "694", "177", "3")
    assert (last.took, last.link) == ("26 min", "r2/report.html")
    assert (before.symbol, before.new_causes) == ("✔ ", "")


def test_nights_without_a_run_are_named_between_the_runs() -> None:
    nights = Nights()
    nights.run(8)
    nights.run(4)
    nights.run(1)
    nights.run(0)
    lines = page(nights).lines
    words = [each.words if isinstance(each, GapLine) else each.run_id for each in lines]
    assert words == [
        "r4", "r3", "No run recorded for 2 nights, Tue 17 Nov to Wed 18 Nov 2026", "r2",
        "No run recorded for 3 nights, Fri 13 Nov to Sun 15 Nov 2026", "r1",
    ]  # fmt: skip
    assert not [each for each in page(nights, schedule=None).lines if isinstance(each, GapLine)]


def test_only_nights_that_are_expected_and_over_are_missed() -> None:
    nights = Nights()
    nights.run(9)
    assert missed(nights) == ["12-20"]
    assert missed(nights, now=TONIGHT) == ["12-19"]  # it is not six yet
    assert missed(nights, replace(DAILY, by=None)) == ["12-19"]
    workdays = replace(DAILY, days=frozenset(range(5)), skip=frozenset({ago(2)}))
    assert missed(nights, workdays) == ["12-20"]
    nights.run(3)
    assert missed(nights, workdays) == ["12-16", "19-20"]
    assert missed(nights, replace(DAILY, profile="eu")) == ["20-20"]  # since when, nobody knows


def test_each_mapping_can_be_expected_on_its_own() -> None:
    nights = Nights()
    nights.run(2, mappings=["orders", "parcels"])
    nights.run(1, mappings=["orders"])
    nights.run(0, mappings=["orders"])
    nights.run(0, mappings=["parcels"], hours=1)
    each = replace(DAILY, mappings=("orders", "parcels"))
    assert missed(nights) == []
    assert missed(nights, each) == ["19-19 parcels"]
    (gap,) = [line for line in page(nights, schedule=each).lines if isinstance(line, GapLine)]
    assert gap.words == "No run of parcels recorded for Thu 19 Nov 2026"
    assert gap.marks == "m1"


def test_the_first_thing_to_read_is_the_missing_run_of_tonight() -> None:
    nights = Nights()
    nights.run(1)
    assert page(nights).headline == "✖ No run recorded for tonight, Fri 20 Nov"
    nights.run(0)
    found = page(nights)
    assert found.headline == "✖ PARTLY IMPORTED: last run Fri 20 Nov 2026 02:05"
    assert found.details == ("wms: 2 of 100 orders did not arrive",)


def test_the_first_night_that_never_ran_is_missed() -> None:
    found = page(Nights())
    assert (found.headline, found.tone) == ("✖ No run recorded for tonight, Fri 20 Nov", "bad")
    assert [each.words for each in found.lines if isinstance(each, GapLine)] == [
        "No run recorded for Fri 20 Nov 2026"
    ]
    at_the_end = page(Nights(), schedule=replace(DAILY, by=None))  # tonight may still come
    assert (at_the_end.headline, at_the_end.tone) == (
        "✖ No run recorded for Thu 19 Nov 2026",
        "bad",
    )
    assert len(at_the_end.lines) == 1
    assert page(Nights(), schedule=None).headline == "No run yet"
    assert page(Nights(), schedule=replace(DAILY, days=frozenset())).headline == "No run yet"


def test_the_headline_is_that_of_the_worst_export_of_the_last_night() -> None:
    nights = Nights()
    nights.run(1, verdict="NOTHING IMPORTED")
    nights.run(0, mappings=["orders"], verdict="PARTLY IMPORTED", missing=60, orders=871)
    nights.run(0, mappings=["stock"], hours=1, verdict="ALL IMPORTED", missing=0, arrived=100)
    found = page(nights)
    assert found.headline == "✖ PARTLY IMPORTED: last run Fri 20 Nov 2026 02:05"
    assert found.details == (
        "stock: 100 of 100 orders arrived", "orders: 60 of 871 orders did not arrive",
    )  # fmt: skip
    nights.run(0, mappings=["orders"], hours=2, verdict="ALL IMPORTED", missing=0, orders=60)
    assert page(nights).headline == found.headline  # the corrected rows are not all of them
    nights.run(0, mappings=["orders"], hours=3, verdict="ALL IMPORTED", missing=0, orders=871)
    assert page(nights).tone == "good"  # run again, and all arrived


def test_a_retry_is_a_line_and_no_night() -> None:
    nights = Nights()
    nights.run(2, verdict="PARTLY IMPORTED")
    nights.run(1, verdict="ALL IMPORTED", rows=3, missing=0, retry=True)
    found = page(nights)
    lines = [each.retry if isinstance(each, RunLine) else each.words for each in found.lines]
    assert lines == [
        "No run recorded for 2 nights, Thu 19 Nov to Fri 20 Nov 2026", True, False,
    ]  # fmt: skip
    assert Outline(render_index(found)).text.count("retry") == 1
    assert (
        page(nights, schedule=None).headline == "✖ PARTLY IMPORTED: last run Wed 18 Nov 2026 02:05"
    )
    nights.run(0, verdict="PARTLY IMPORTED")
    nights.run(0, verdict="ALL IMPORTED", hours=1, missing=0, retry=True)
    assert page(nights).headline.startswith("✖ PARTLY IMPORTED")


def test_a_retry_that_failed_is_never_the_headline() -> None:
    nights = Nights()
    nights.run(0, hours=5, retry=True, reported=False, mappings=[])
    assert page(nights, schedule=None).headline == "Only retries yet"
    nights.run(0, verdict="ALL IMPORTED", missing=0, arrived=100)
    found = page(nights)
    assert (found.headline, found.tone) == (
        "✔ ALL IMPORTED: last run Fri 20 Nov 2026 02:05",
        "good",
    )
    assert found.details == ("wms: 100 of 100 orders arrived",)


def weeks(*rows: int, nightly: int = 0) -> Nights:
    """Runs on Fridays, the last one tonight; with `nightly` also on all other nights."""
    nights = Nights()
    for number, each in enumerate(rows):
        week = 7 * (len(rows) - 1 - number)
        nights.run(week, rows=each)
        for other in range(1, 7 if week else 0):
            if nightly:
                nights.run(week - other, rows=nightly)
    return nights


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((2000, 2100, 2051, 1200), "41% fewer rows than usual for a Friday: 1,200, usually 2,051"),
        ((2000, 2100, 2051, 1300), ""),
        ((2000, 2000, 2000, 4000), "many more rows than usual for a Friday: 4,000, usually 2,000"),
        ((2000, 2000, 1000), ""),  # two weeks say little
        ((10, 10, 10, 5), ""),  # so do a handful of rows
        ((0,), "no rows in the files"),
        ((2000, 2000, 2000, 0), "no rows in the files"),
    ],
)
def test_a_volume_is_compared_with_its_weekday(rows: tuple[int, ...], words: str) -> None:
    nights = weeks(*rows)
    assert unusual_volumes(nights.runs[::-1], ZONE).get(nights.runs[-1].id, "") == words


def test_other_weekdays_and_corrected_files_are_not_compared() -> None:
    nights = weeks(2000, 2000, 2000, 1900, nightly=50)
    nights.run(0, hours=6, rows=3)  # the corrected rows of tonight
    assert unusual_volumes(nights.runs[::-1], ZONE) == {}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (LedgerState.RUNNING, "NO VERDICT YET"),
        (LedgerState.INTERRUPTED, "BROKEN OFF, CAN RESUME"),
        (LedgerState.ABANDONED, "ABANDONED"),
        (LedgerState.NOT_SENT, "STOPPED BEFORE SENDING"),
    ],
)
def test_a_run_without_a_report_says_how_it_ended(state: LedgerState, words: str) -> None:
    nights = Nights()
    nights.run(0, reported=False)
    nights.runs[0] = replace(nights.runs[0], state=state, stopped="orders.csv is missing")
    (line,) = page(nights).lines
    assert isinstance(line, RunLine)
    assert (line.verdict, line.orders) == (words, "")
    assert "orders.csv is missing" in line.notes
    assert words in page(nights).headline


def test_open_items_are_counted_per_account() -> None:
    items = [OpenCount("https://x", 1618, 41, TONIGHT - timedelta(days=9), "prod")]
    found = lay_out_index([], {}, items, zone=ZONE, now=AT_EIGHT)
    assert found.open_items == (
        "41 open items of profile prod (account 1618), the oldest since Wed 11 Nov 2026",
    )


def test_the_page_filters_without_a_script_and_is_locked() -> None:
    nights = Nights()
    nights.run(1, mappings=["orders"])
    nights.run(0, mappings=["orders", "parcels"])
    html = render_index(page(nights))
    outline = Outline(html)
    assert set(outline.open) <= {"input"}  # which has no end
    assert not {tag for tag, _ in outline.tags} & {"script", "img", "link", "iframe", "form"}
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in html.replace("&#39;", "'")
    assert "body:has(#m1:checked) .one:not(.m1) { display: none; }" in style[1]
    marks = [a["class"] for tag, a in outline.tags if tag == "tr" and "class" in a]
    assert marks == ["one m0 m1 p0", "one m0 p0"]
    assert [a["id"] for tag, a in outline.tags if tag == "input"] == ["mall", "m0", "m1"]
    assert "r2/report.html" in {a.get("href") for tag, a in outline.tags if tag == "a"}


def test_the_page_shows_at_most_so_many_runs() -> None:
    nights = Nights()
    for number in range(RUNS_MAX + 1, -1, -1):
        nights.run(number)
    found = page(nights)
    assert len(found.lines) == RUNS_MAX
    assert found.shown == "The latest 400 runs"
    assert len(render_index(found).encode()) < 400_000


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_stay_text(hostile: str) -> None:
    nights = Nights()
    nights.run(1, mappings=["plain"])
    nights.run(0, mappings=[hostile])
    nights.runs[-1] = replace(nights.runs[-1], profile=hostile, stopped=hostile)
    html = render_index(page(nights))
    outline = Outline(html)
    assert not {tag for tag, _ in outline.tags} & {"script", "img", "svg"}
    assert not [names for _, names in outline.tags if any(name.startswith("on") for name in names)]
    assert not {"\u202e", "\x00", "\x1b"} & set(html)
    assert "x" * 1000 not in html
