"""The nights before on a report, and the page of all runs, in a real browser."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.ledger import OpenCount
from pipeline.ledger import RunState as LedgerState
from pipeline.report.index import lay_out_index
from pipeline.report.render import render, render_index
from tests.pages.conftest import Open
from tests.unit.report.nights import TONIGHT, Nights
from tests.unit.report.test_index import AT_EIGHT, DAILY, ZONE
from tests.unit.report.test_past import told

LOOKS = [
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"viewport": {"width": 390, "height": 800}},
]


@pytest.fixture(scope="module")
def report() -> str:
    """A report of a night after others: one without a run, one with many missing orders."""
    nights = Nights()
    for number, missing in ((13, 4), (12, 31), (10, 1204), (9, 0), (7, 22), (6, 120)):
        nights.run(number, missing=missing, orders=8710)
    return render(told(nights, nights_of={"R301": 4, "A401": 1}))


@pytest.fixture(scope="module")
def index() -> str:
    nights = Nights()
    for number in range(40, -1, -1):
        if number not in (3, 4, 17):
            nights.run(
                number, mappings=["orders", "parcels"], rows=700 if number == 7 else 2000,
                reported=number != 9, verdict="ALL IMPORTED" if number % 2 else "PARTLY IMPORTED",
            )  # fmt: skip
    stopped = next(run for run in nights.runs if run.figures is None)
    nights.runs[nights.runs.index(stopped)] = replace(
        stopped, state=LedgerState.NOT_SENT, stopped="a header lacks a column " + "x" * 90
    )
    nights.run(0, mappings=["stock"], hours=1, verdict="NOTHING NEW", missing=0)
    items = [OpenCount("https://api.parcellab.example", 1618, 41, TONIGHT, "prod")]
    links = {run.id: f"{run.id}/report.html" for run in nights.runs}
    return render_index(
        lay_out_index(nights.runs[::-1], links, items, zone=ZONE, now=AT_EIGHT, schedule=DAILY)
    )


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.thorough
def test_axe_finds_nothing(open_page: Open, report: str, index: str, look: dict[str, Any]) -> None:
    for html in (report, index):
        tab = open_page(html, **look)
        tab.page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert tab.violations() == []


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(
    open_page: Open, report: str, index: str, width: int
) -> None:
    for html in (report, index):
        tab = open_page(html, viewport={"width": width, "height": 800})
        tab.page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert tab.page.evaluate("document.documentElement.scrollWidth") == width


def test_badges_trend_and_missing_orders_need_no_script(open_page: Open, report: str) -> None:
    tab = open_page(report, java_script_enabled=False)
    assert tab.page.locator(".badge.again").first.inner_text() == "5 nights"
    assert "Still missing from earlier nights" in tab.text
    assert tab.page.locator("svg.trend text", has_text="no run").count() == 2
    assert "1.2k" in tab.page.locator("svg.trend").inner_html()


def test_the_page_of_all_runs_shows_the_missed_nights_and_asks_for_nothing(
    open_page: Open, index: str
) -> None:
    tab = open_page(index, java_script_enabled=False)
    assert "No run recorded for 2 nights, Mon 16 Nov to Tue 17 Nov 2026" in tab.text
    assert "No run recorded for Tue 3 Nov 2026" in tab.text
    assert "fewer rows than usual for a Friday" in tab.text
    assert len(tab.requests) == 1
    assert tab.complaints == []


def test_all_runs_are_filtered_without_a_script(open_page: Open, index: str) -> None:
    tab = open_page(index, java_script_enabled=False)
    runs, gaps = tab.page.locator("tr.one:visible"), tab.page.locator("tr.gap:visible")
    assert (runs.count(), gaps.count()) == (39, 2)
    tab.page.get_by_label("stock").check()
    assert (runs.count(), gaps.count()) == (1, 2)
    tab.page.keyboard.press("ArrowLeft")
    assert runs.count() == 38
    tab.page.get_by_label("all").check()
    assert runs.count() == 39
