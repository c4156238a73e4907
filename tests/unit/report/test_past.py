"""What page, text and JSON say of the nights before."""

import re

import orjson
import pytest

from pipeline.report.document import as_json
from pipeline.report.history import History
from pipeline.report.render import render
from pipeline.report.summary import Summary, summarise, with_history
from pipeline.report.text import as_text
from tests.unit.report.nights import Nights
from tests.unit.report.runs import all_imported, facts_of, partly_imported
from tests.unit.report.test_page import HOSTILE, Outline


def told(history: Nights, *, nights_of: dict[str, int] | None = None) -> Summary:
    """A partly imported run, its causes by code known for so many nights before."""
    run = partly_imported()
    summary = summarise(facts_of(run), run.tables())
    names = {f"{number:x}": each.key for number, each in enumerate(summary.causes.ranked)}
    codes = {f"{number:x}": each.code for number, each in enumerate(summary.causes.ranked)}
    for night in range(5, 0, -1):
        known = [name for name, code in codes.items() if (nights_of or {}).get(code, 0) >= night]
        history.run(night, "".join(known) + ("z" if night == 1 else ""), missing=40 * (night == 3))
    last = history.run(0, missing=29, out_of_date=3, unclear=2, orders=133)
    history.item("WH-3900001", 5, last_run="r1", code="R301")
    history.item("WH-3900002", 2, last_run=last, code="A401")
    history.item("WH-3900003", 3, closed_run=last, reason="arrived")
    history.item("WH-3900004", 3, reason="sold in the shop")
    return with_history(summary, history.tell(names))


@pytest.fixture
def summary() -> Summary:
    return told(Nights(), nights_of={"R301": 4, "A401": 1})


def test_causes_and_cards_have_badges(summary: Summary) -> None:
    page = render(summary)
    assert page.count('<span class="badge again">5 nights</span>') == 2  # card and cause
    assert page.count('<span class="badge again">2 nights</span>') == 2
    assert '<span class="badge new">new</span>' in page
    assert "biggest cause: Required for a new order: E-Mail (for recipient_email), 5 nights" in page


def test_what_is_still_missing_is_listed_with_its_age(summary: Summary) -> None:
    text = Outline(render(summary)).text
    assert (
        "2 orders still missing from earlier nights, the oldest for 5 nights; "
        "2 orders resolved since the last run." in text
    )
    assert (
        "WH-3900001 5 nights since Sun 15 Nov Required for a new order [R301] not in these files"
        in text
    )
    assert "WH-3900002 2 nights since Wed 18 Nov Field refused [A401] again in these files" in text
    assert "WH-3900003 missing since Tue 17 Nov arrived" in text
    assert "WH-3900004 missing since Tue 17 Nov closed: sold in the shop" in text
    assert "1 cause of Thu 19 Nov not there any more" in text
    assert "Required for a new order: Column z R301 was 3 rows in 2 orders" in text


def test_the_trend_is_a_picture_with_all_of_its_text(summary: Summary) -> None:
    page = render(summary)
    outline = Outline(page)
    (label,) = [
        a["aria-label"] for tag, a in outline.tags if tag == "svg" and a.get("role") == "img"
    ]
    assert label is not None
    assert label.split("; ")[2:] == [
        "Tue 17 Nov: 40 of 100 orders did not arrive",
        "Wed 18 Nov: 0 of 100 orders did not arrive",
        "Thu 19 Nov: 0 of 100 orders did not arrive",
        "Fri 20 Nov: 34 of 133 orders did not arrive",
    ]
    heights = [
        int(found)
        for found in re.findall(
            r'<rect class="fill" x="\d+" y="\d+" width="18" height="(\d+)"', page
        )
    ]
    assert heights == [3, 3, 64, 3, 3, 54]
    assert (
        "Orders that did not arrive: 34 of 133 this night, 0 to 40 on the nights before."
        in outline.text
    )


def test_nights_without_a_run_can_be_seen() -> None:
    nights = Nights()
    for number in (13, 12, 8, 1, 0):
        nights.run(number)
    run = all_imported()
    page = render(with_history(summarise(facts_of(run), run.tables()), nights.tell()))
    text = Outline(page).text
    assert page.count(">no run</text>") == 9
    assert "No run on 6 more nights and Mon 16 Nov, Tue 17 Nov, Wed 18 Nov." in text


def test_the_text_of_the_terminal_says_how_long(summary: Summary) -> None:
    lines = as_text(summary, "r").splitlines()
    assert lines[1].endswith("Data source       5 nights")
    assert lines[2].endswith("Mapping           new")
    assert lines[-2] == (
        "  2 orders still missing from earlier nights, the oldest for 5 nights; "
        "2 orders resolved since the last run"
    )


def test_the_numbers_are_in_the_document_and_no_order_number(summary: Summary) -> None:
    packed = as_json(summary)
    assert b"WH-39" not in packed
    document = orjson.loads(packed)
    history = document["history"]
    assert history["still_missing"] == {"orders": 2, "seen_again": 1, "oldest": "2026-11-15"}
    assert history["resolved"] == {"arrived": 1, "closed": 1}
    assert history["new_causes"] == len(document["causes"]) - 2
    assert [cause["lifecycle"] for cause in document["causes"][:2]] == ["5 nights", "new"]
    assert len(history["nights"]) == 6


def test_a_plan_and_a_first_night_say_nothing_of_nights() -> None:
    run = all_imported()
    summary = summarise(facts_of(run), run.tables())
    nights = Nights()
    nights.run(0)
    for each in (summary, with_history(summary, nights.tell())):
        page = render(each)
        assert "Night by night" not in page
        assert 'class="badge' not in page
    assert orjson.loads(as_json(summary))["history"] is None


def test_many_missing_orders_are_listed_up_to_a_limit() -> None:
    nights = Nights()
    nights.run(2)
    nights.run(0)
    for number in range(5000):
        nights.item(f"A{number}", 2)
    run = all_imported()
    page = render(with_history(summarise(facts_of(run), run.tables()), nights.tell()))
    assert "5,000 orders still missing from earlier nights" in page
    assert "and 4,900 more; `pipeline open-items list` lists all that are open" in page
    assert page.count("not in these files") == 100
    assert len(page.encode()) < 100_000


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_order_numbers_and_reasons_stay_text(hostile: str) -> None:
    nights = Nights()
    nights.run(2)
    last = nights.run(0)
    nights.item(hostile, 2, last_run=last, code=hostile)
    nights.item(hostile, 2, reason=hostile)
    run = all_imported()
    outline = Outline(render(with_history(summarise(facts_of(run), run.tables()), nights.tell())))
    assert outline.open == []
    assert not {tag for tag, _ in outline.tags} & {"script", "img"}
    assert not [names for _, names in outline.tags if any(name.startswith("on") for name in names)]
    assert not {"\u202e", "\x00", "\x1b"} & set(outline.text)
    assert "x" * 1000 not in outline.text


def test_new_causes_are_counted(summary: Summary) -> None:
    assert isinstance(summary.facts.history, History)
    assert summary.facts.history.new_causes == 6
