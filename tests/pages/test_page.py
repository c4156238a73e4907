"""The report in a real browser (REPORT §9), with the run of a night like that of REPORT §4."""

import base64
import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.report.document import as_json
from pipeline.report.facts import RunState
from pipeline.report.index import lay_out_index
from pipeline.report.mail import lay_out_mail
from pipeline.report.masking import PiiMode
from pipeline.report.render import render, render_index, render_mail
from pipeline.report.summary import Summary, summarise
from tests.pages.conftest import Open
from tests.picture import verdicts
from tests.unit.report.nights import TONIGHT, Nights
from tests.unit.report.runs import BAD_EMAIL, RunBuilder, all_imported, facts_of, partly_imported
from tests.unit.report.test_past import told

HOSTILE = [
    "</script><img src=x onerror=xss()>",
    "<img src=x onerror=xss()>",
    '"><svg onload=xss()>',
    '=HYPERLINK("http://evil.example")',
    "@SUM(1)",
    "abc\u202egpj.exe",
    "nul\x00byte",
    "esc\x1b[31m",
    "x" * 10_000,
    "${alert(1)} {{ 7 * 7 }} `code`",
    "$& $1 $$",
]


def summary_of(run: RunBuilder, pii: PiiMode = PiiMode.MASK, **facts: object) -> Summary:
    return summarise(facts_of(run, **facts), run.tables(), pii=pii)


@pytest.fixture(scope="module")
def night() -> str:
    return render(night_summary())


def night_summary() -> Summary:
    """The night with those before it."""
    return told(Nights(), nights_of={"R301": 4, "A401": 1})


def hostile_run() -> RunBuilder:
    run = RunBuilder()
    for number, text in enumerate(HOSTILE):
        faulty = {
            "code": "R306",
            "column": text,
            "target": "client_note",
            "value": text,
            "detail": text,
        }
        run.order(f"{text}#{number}", "held_back", (faulty, None))
        refused = run.order(f"R{number}{text}", "refused", status=400)
        run.finding(refused, "A402", detail=text, value=text, api_status=400)
    return run


# -- what it says ------------------------------------------------------------------------------


def test_printed_equations_balance_and_are_those_of_the_document(open_page: Open) -> None:
    summary = summary_of(partly_imported())
    tab = open_page(render(summary))
    printed = tab.page.locator(".eqs li").all_text_contents()
    document = json.loads(as_json(summary))
    assert len(printed) == len(document["equations"])
    found = set()
    for line in printed:
        left, right = line.replace(",", "").split("=")
        numbers = [int(each) for each in re.findall(r"(?<![\w-])\d+(?= )", right)] or [0]
        total = int(re.search(r"\d+", left)[0])  # type: ignore[index]
        assert total == sum(numbers), line
        found.add(total)
    assert found == {each["left"]["count"] for each in document["equations"]}


def test_tampered_totals_are_a_red_banner(open_page: Open) -> None:
    tab = open_page(render(summary_of(partly_imported(), records={0: 500, 1: 113})))
    assert tab.page.title().startswith("✖ DOES NOT BALANCE: ")
    assert "DOES NOT BALANCE" in tab.page.inner_text("h1")
    assert tab.page.locator(".verdict.bad").count() == 1
    assert "613 ≠ 244 + 58 + 21" in tab.text


@pytest.mark.parametrize(
    ("run", "facts", "symbol", "words", "tone"),
    [
        (all_imported(), {}, "✔", "ALL IMPORTED", "good"),
        (partly_imported(), {}, "✖", "PARTLY IMPORTED", "bad"),
        (partly_imported(), {"state": RunState.STOPPED, "stop_reason": "401"}, "⏸", "STOPPED, CAN RESUME", "warn"),
        (partly_imported(), {"state": RunState.NOT_SENT}, "⏸", "STOPPED BEFORE SENDING", "warn"),
        (all_imported(), {"state": RunState.PLANNED}, "◇", "PLAN ONLY, NOTHING SENT", "plan"),
        (RunBuilder(), {"files": (), "records": {}}, "✔", "NOTHING NEW", "good"),
    ],
)  # fmt: skip
def test_each_verdict_has_its_sign_words_and_tone(
    open_page: Open, run: RunBuilder, facts: dict[str, Any], symbol: str, words: str, tone: str
) -> None:
    tab = open_page(render(summary_of(run, **facts)))
    assert tab.page.title().startswith(f"{symbol} {words}: ")
    assert words in tab.page.inner_text("h1")
    assert tab.page.locator(f".verdict.{tone} h1 svg path").count() == 1
    assert tab.complaints == []
    assert len(tab.requests) == 1


@pytest.mark.thorough
def test_the_pages_of_the_pictures_are_the_six_verdicts(open_page: Open) -> None:
    told = {
        "all-imported": ("✔ ALL IMPORTED", "good"),
        "with-warnings": ("⚠ IMPORTED WITH WARNINGS", "warn"),
        "partly-imported": ("✖ PARTLY IMPORTED", "bad"),
        "nothing-imported": ("✖ NOTHING IMPORTED", "bad"),
        "stopped": ("⏸ STOPPED, CAN RESUME", "warn"),
        "plan-only": ("◇ PLAN ONLY, NOTHING SENT", "plan"),
    }
    found = {}
    for name, html in verdicts():
        tab = open_page(html)
        title, tone = tab.page.title().partition(":")[0], tab.page.locator(".verdict")
        found[name] = (title, (tone.get_attribute("class") or "").removeprefix("verdict "))
        assert tab.complaints == []
    assert found == told


def test_numbers_are_written_one_way_and_times_carry_their_zone(open_page: Open) -> None:
    run = RunBuilder()
    for number in range(1204):
        run.order(f"WH-{number}", "held_back", (BAD_EMAIL,))
    tab = open_page(render(summary_of(run)))
    tab.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    prose = re.sub(
        r"WH-\d+|SHA-256|\b[0-9a-f]{12}…|[\w.-]+\.csv\S*|\d{4}-\d\d-\d\dT\d+\S*", "", tab.text
    )
    assert "1,204 orders" in prose
    assert not re.findall(r"\b1204\b|\b\d{1,3}\.\d{3}\b", prose)
    times = re.findall(r"\d\d:\d\d(?:–\d\d:\d\d)?(?! *(?:–|\)))[^\n]{0,24}", prose)
    assert times
    assert all("Europe/Berlin (+01:00)" in each for each in times)


def test_it_asks_for_nothing_and_its_policy_is_kept(open_page: Open, night: str) -> None:
    tab = open_page(night)
    tab.page.fill("#find", "wh-45")
    tab.shows("5 rows match")
    tab.page.keyboard.press("Enter")
    tab.page.click("#copy")
    policy = tab.page.get_attribute("meta[http-equiv]", "content") or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert tab.requests == [tab.page.url.partition("#")[0]]
    assert tab.complaints == []


def test_red_words_say_that_values_are_not_masked(open_page: Open) -> None:
    tab = open_page(render(summary_of(partly_imported(), PiiMode.SHOW)))
    note = tab.page.locator(".note").first
    assert "shows personal data unmasked" in note.inner_text()
    assert note.evaluate("each => getComputedStyle(each).color") == "rgb(179, 48, 42)"
    assert "jana.canary@privat.example" in tab.text
    assert "masked here" not in tab.text


def test_no_personal_value_is_in_its_bytes_nor_in_its_blocks(night: str) -> None:
    blocks = re.findall(r'<script type="text/plain"[^>]*>(.*?)</script>', night)
    decoded = [gzip.decompress(base64.b64decode(each)).decode() for each in blocks]
    assert len(blocks) == 2
    assert "WH-4300000" in decoded[1]
    assert "j…@p….e…" in decoded[1]
    for text in (night, *decoded):
        assert "canary" not in text
        assert "privat" not in text


def test_the_same_run_gives_the_same_bytes(night: str) -> None:
    assert render(night_summary()) == night


# -- the list ----------------------------------------------------------------------------------


def test_the_records_of_all_causes_are_the_rejected_rows_and_failed_orders(
    open_page: Open, night: str
) -> None:
    summary = summary_of(partly_imported())
    tab = open_page(night)
    tab.shows("58 rows and 11 orders match")
    rows = orders = 0
    for cause in summary.causes.ranked:
        tab.page.select_option("#cause", cause.anchor)
        whole = cause.count + cause.held
        tab.shows(f"{whole} {'order' if cause.anchor[0] == 'a' else 'row'}")
        assert len(tab.orders) == whole
        rows += whole if cause.anchor[0] == "c" else 0
        orders += whole if cause.anchor[0] == "a" else 0
    assert rows == summary.totals.rows.rejected
    assert orders == summary.totals.crosschecks.orders_with_problem


@pytest.mark.thorough
def test_every_number_with_a_link_opens_a_list_of_as_many(open_page: Open, night: str) -> None:
    tab = open_page(night)
    links = tab.page.locator("[data-show]:visible")
    assert links.count() > 15
    for at in range(links.count()):
        said = links.nth(at).inner_text()
        links.nth(at).click()
        rows = re.search(r"\((\d+) rows?\)", said)  # of orders with rows the list has the rows
        unit = "order" if said.endswith(("order", "orders")) else "row"
        number = rows[1] if rows else re.search(r"\d+", said)[0]  # type: ignore[index]
        tab.shows(f"{number} {'' if said.isdigit() else unit}")
    assert tab.complaints == []


def test_an_address_restores_all_filters(open_page: Open, night: str) -> None:
    tab = open_page(night, "#cause=c2&owner=Mapping&what=own_problem&file=1&q=deutschl&page=7")
    tab.shows("4 rows match")
    values = {name: tab.page.input_value(f"#{name}") for name in ("cause", "owner", "what", "file")}
    assert values == {"cause": "c2", "owner": "Mapping", "what": "own_problem", "file": "1"}
    assert tab.page.input_value("#find") == "deutschl"
    tab.page.click("#clear")
    tab.shows("58 rows and 11 orders")
    tab.page.go_back()
    tab.shows("4 rows match")


def test_an_address_with_names_of_another_page_shows_everything(
    open_page: Open, night: str
) -> None:
    tab = open_page(night, "#cause=c99&file=7&page=x")
    tab.shows("58 rows and 11 orders")
    assert tab.complaints == []


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("wh-4400003", "3 rows"),
        ("DEUTSCHL.", "4 rows"),
        ("146", "1 row "),
        ("_de.csv:146", "1 row "),
        ("number written", "5 rows"),
        ("menge", "1 row "),
        ("not set up", "4 orders"),
    ],
)
def test_search_finds_orders_values_lines_and_words(
    open_page: Open, night: str, typed: str, count: str
) -> None:
    tab = open_page(night)
    tab.page.fill("#find", typed)
    tab.shows(count)


def test_nothing_found_says_so(open_page: Open, night: str) -> None:
    tab = open_page(night)
    tab.page.fill("#find", "no such thing")
    tab.shows("0 rows match")
    assert tab.page.is_visible("text=Nothing matches these filters.")
    assert not tab.page.is_visible("#found")


@pytest.mark.parametrize("at", ["", "http://reports.internal/nightly/report.html"])
def test_copied_order_numbers_are_those_that_match_each_once(
    open_page: Open, night: str, at: str
) -> None:
    tab = open_page(night, "#cause=c2", at=at)
    if at:
        assert tab.page.evaluate("navigator.clipboard === undefined")
    tab.page.click("#copy")
    tab.page.wait_for_function("() => document.getElementById('said').textContent !== ''")
    assert tab.page.inner_text("#said") == "7 order numbers copied"
    tab.page.evaluate("document.body.prepend(document.createElement('textarea'))")
    tab.page.focus("textarea")
    tab.page.keyboard.press("Control+V")
    assert tab.page.input_value("textarea").split("\n") == [f"WH-44{n:05}" for n in range(7)]


def test_the_card_of_an_owner_copies_its_order_numbers(open_page: Open, night: str) -> None:
    tab = open_page(night)
    tab.page.click(".card:has-text('parcelLab set-up') button")
    tab.page.wait_for_selector("text=4 order numbers copied")
    assert tab.count == "58 rows and 11 orders match"


def test_the_csv_has_what_matches_and_no_formula(open_page: Open, tmp_path: Path) -> None:
    run = hostile_run()
    tab = open_page(render(summary_of(run, PiiMode.SHOW)))
    with tab.page.expect_download() as begun:
        tab.page.click("#download")
    assert begun.value.suggested_filename == "rejected-2026-11-20T0205-wms.csv"
    begun.value.save_as(tmp_path / "list.csv")
    content = (tmp_path / "list.csv").read_bytes()
    assert content.startswith(b'\xef\xbb\xbf"Order";"File";"Line";')
    text = content.decode("utf-8-sig")
    assert text.count("\r\n") == 1 + 3 * len(HOSTILE)
    cells = re.findall(r'(?:^|;)"((?:[^"]|"")*)"', text, re.MULTILINE)
    assert len(cells) == 12 * (1 + 3 * len(HOSTILE))
    assert not [each for each in cells if re.match(r"[=+\-@\t\r]", each)]
    assert '\'=HYPERLINK(""http://evil.example"")' in cells
    assert (
        tab.page.inner_text("#said")
        == f"{3 * len(HOSTILE)} lines written to {begun.value.suggested_filename}"
    )


def test_hostile_texts_are_inert_and_visible(open_page: Open) -> None:
    html = render(
        summary_of(
            hostile_run(),
            PiiMode.SHOW,
            title=HOSTILE[0],
            state=RunState.STOPPED,
            stop_reason=HOSTILE[0],
        )
    )
    tab = open_page(html, bypass_csp=True)
    assert tab.complaints == []
    assert tab.page.locator("img").count() == 0
    assert tab.page.locator("#found svg").count() == 0
    assert len(tab.requests) == 1
    shown = tab.page.inner_text("#found")
    for text in (
        *HOSTILE[:5],
        "abc⟨U+202E⟩gpj.exe",
        "nul⟨U+0000⟩byte",
        "esc⟨U+001B⟩[31m",
        *HOSTILE[-2:],
    ):
        assert text in shown
    assert "x" * 501 not in tab.page.content()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_names_in_other_scripts_keep_their_places(open_page: Open) -> None:
    run = RunBuilder()
    names = ("订单-一", "طلب-٢", "הזמנה-3", "x" * 299)
    for name in names:
        run.order(
            name,
            "held_back",
            ({"code": "R306", "column": name, "target": "client_note", "value": name},),
        )
    tab = open_page(render(summary_of(run, PiiMode.SHOW)))
    assert sorted(tab.orders) == sorted(names)
    region = tab.page.locator("#view")
    assert region.evaluate("each => each.scrollWidth <= each.clientWidth")
    tab.page.fill("#find", "טל")
    tab.shows("0 rows")
    tab.page.fill("#find", "הזמנה")
    tab.shows("1 row ")


RIGHT_TO_LEFT = ("طلب-٢", "הזמנה-3")


@pytest.mark.parametrize("script", [True, False])
def test_no_name_turns_what_stands_beside_it(open_page: Open, *, script: bool) -> None:
    run = RunBuilder()
    for name in ("订单-一", *RIGHT_TO_LEFT):
        fault = {"code": "R306", "column": name, "target": "client_note", "value": f"{name} (7)"}
        run.order(name, "held_back", (fault, None))
        refused = run.order(f"{name}/1", "refused", status=400)
        run.finding(refused, "A401", detail=f"{name} is unknown", target="courier", column=name,
                    value=name, api_status=400)  # fmt: skip
    summary = summary_of(run, PiiMode.SHOW, title=RIGHT_TO_LEFT[0])
    tab = open_page(render(summary), java_script_enabled=script)
    assert tab.turned() == []
    assert tab.text.count(RIGHT_TO_LEFT[0]) > 8


def test_no_name_turns_the_mail_or_the_page_of_all_runs(open_page: Open) -> None:
    nights = Nights()
    for name in RIGHT_TO_LEFT:
        nights.run(0, mappings=[name, "orders"])
    nights.runs[-1] = replace(
        nights.runs[-1], profile=RIGHT_TO_LEFT[1], stopped=f"{RIGHT_TO_LEFT[0]}: 3"
    )
    index = lay_out_index(nights.runs[::-1], {}, [], zone="Europe/Berlin", now=TONIGHT)
    mail = lay_out_mail(night_summary(), list(RIGHT_TO_LEFT), "report.html", "")
    for html in (render_index(index), render_mail(mail)):
        tab = open_page(html, java_script_enabled=False)
        assert tab.turned() == []
        assert RIGHT_TO_LEFT[0] in tab.text


def many_causes(of_rows: int, of_orders: int = 0) -> RunBuilder:
    """Orders of which each has a cause of its own."""
    run = RunBuilder()
    for number in range(of_rows):
        fault = {
            **BAD_EMAIL, "column": f"column {number} of the order export",
            "mapping": "wms-orders.yaml", "mapping_line": number,
        }  # fmt: skip
        run.order(f"O{number}", "held_back", (fault, None))
    for number in range(of_orders):
        order = run.order(f"R{number}", "refused", status=400)
        words = f"This is no valid choice, see the documentation of {'xyz'[number % 3]}."
        run.finding(order, "A401", detail=words, target=f"shipping_address.field_{number:x}",
                    column=f"column {number}", value="x", api_status=400)  # fmt: skip
    return run


@pytest.mark.parametrize(("of_rows", "of_orders"), [(300, 0), (290, 200)])
def test_three_hundred_causes_take_150_kilobytes_and_add_up(
    open_page: Open, of_rows: int, of_orders: int
) -> None:
    summary = summary_of(many_causes(of_rows, of_orders))
    html = render(summary)
    static = re.sub(r'<script type="text/plain".*?</script>', "", html)
    assert len(static.encode()) <= 150_000

    tab = open_page(html, java_script_enabled=False)
    table = tab.page.locator("table.causes").first
    assert table.locator("tbody tr").count() == min(len(summary.causes.ranked), 200) + (
        of_orders > 0
    )
    cells = [each.replace(",", "") for each in table.locator("td:nth-child(2)").all_inner_texts()]

    def told(pattern: str) -> int:
        return sum(int(each) for cell in cells for each in re.findall(pattern, cell))

    assert told(r"(\d+) rows?(?! held)") == summary.totals.rows.own_problem
    assert told(r"(\d+) (?:rows? held|more held)") == summary.totals.rows.held
    failed = [each for each in cells if "row" not in each]
    rest = told(r"(\d+) failed orders?")
    assert sum(int(each.partition(" ")[0]) for each in failed) + rest == of_orders
    text = table.inner_text()
    assert "column 24 of the order export" in text
    assert "or leave" not in text
    assert text.count("may say default: _unset") <= 26  # told once for all that have a line


def test_three_hundred_causes_stay_readable(open_page: Open) -> None:
    html = render(summary_of(many_causes(300)))
    tab = open_page(html, viewport={"width": 390, "height": 800})
    tab.shows("600 rows match")
    tab.page.select_option(
        "#cause", label="various Other problems (101 kinds) (101 rows + 101 held with them)"
    )
    tab.shows("202 rows match")
    assert "R310 column " in tab.page.inner_text("#found")
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_heads_of_the_list_say_how_long_a_cause_has_been_there(
    open_page: Open, night: str
) -> None:
    tab = open_page(night)
    heads = tab.page.locator("#found .grouphead")
    assert heads.first.locator(".badge.again").inner_text() == "5 nights"
    assert heads.locator(".badge.new").count() > 0


def test_a_run_of_one_row_speaks_in_the_singular(open_page: Open) -> None:
    run = RunBuilder()
    run.order("ONE", "held_back", (BAD_EMAIL,))
    tab = open_page(render(summary_of(run)))
    assert tab.count == "1 row matches"
    assert tab.page.inner_text("#list") == "Every rejected row"
    assert not tab.page.is_visible("#pager")


# -- other ways to look at it ------------------------------------------------------------------


def says_the_morning(text: str) -> None:
    assert "PARTLY IMPORTED" in text
    assert "32 of 133 orders not imported: 29 missing, 3 exist but are out of date." in text
    assert "Data source" in text
    assert "323 rows read = 244 accepted + 58 rejected + 21 skipped" in text
    assert "Value not in lookup table" in text
    assert "orders_2026-11-19_DE.csv:146" in text
    assert "WH-4600001" in text


def test_without_script_everything_but_the_list_is_there(open_page: Open, night: str) -> None:
    tab = open_page(night, java_script_enabled=False)
    says_the_morning(tab.text)
    assert "Copy order numbers" not in tab.text
    assert "Orders refused, unclear or not wholly applied" in tab.text
    assert "partly applied HTTP 200" in tab.text


def test_the_policy_of_jenkins_takes_style_and_script_but_no_word(
    open_page: Open, night: str
) -> None:
    policy = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"
    tab = open_page(
        night,
        at="http://jenkins.internal/job/report.html",
        headers={"Content-Security-Policy": policy},
    )
    says_the_morning(tab.text)
    assert "Orders refused, unclear or not wholly applied" in tab.text
    assert "partly applied HTTP 200" in tab.text


@pytest.mark.parametrize(
    "look",
    [
        {"color_scheme": "light"},
        pytest.param({"color_scheme": "dark"}, marks=pytest.mark.thorough),
        pytest.param({"viewport": {"width": 390, "height": 800}}, marks=pytest.mark.thorough),
    ],
)
def test_axe_finds_nothing(open_page: Open, night: str, look: dict[str, Any]) -> None:
    tab = open_page(night, **look)
    tab.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert tab.violations() == []


@pytest.mark.thorough
def test_axe_finds_nothing_on_paper(open_page: Open, night: str) -> None:
    tab = open_page(night, color_scheme="dark")
    tab.page.emulate_media(media="print")
    assert tab.violations() == []


def test_the_keyboard_reaches_and_uses_every_control(open_page: Open, night: str) -> None:
    tab = open_page(night)
    reached = []
    for _ in range(120):
        tab.page.keyboard.press("Tab")
        focused = tab.page.evaluate(
            "(each => [each.id, each.tagName, parseFloat(getComputedStyle(each).outlineWidth), each.className])"
            "(document.activeElement)"
        )
        if focused[1] == "BODY":
            break
        assert focused[2] >= 3 or focused[3] == "skip", focused
        reached.append(focused[0] or focused[1])
    controls = ["cause", "owner", "what", "file", "find", "copy", "download", "view"]
    assert [each for each in reached if each in controls] == controls
    assert reached.count("SUMMARY") == tab.page.locator("summary").count()
    tab.page.focus("#what")
    tab.page.keyboard.type("orders ref")
    tab.shows("5 orders")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.type("BAY3")
    tab.shows("1 order ")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    tab.shows("58 rows and 11 orders")


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(open_page: Open, night: str, width: int) -> None:
    tab = open_page(night, viewport={"width": width, "height": 800})
    tab.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert tab.page.evaluate("document.documentElement.scrollWidth") == width


def test_on_a_phone_a_place_takes_the_width_it_has(open_page: Open, night: str) -> None:
    tab = open_page(night, viewport={"width": 390, "height": 800})
    place, order = tab.page.evaluate(
        """[...document.querySelectorAll('#found tbody tr:not(.grouphead) .place')].slice(0, 1)
        .flatMap(each => [each.clientWidth, each.parentElement.clientWidth])"""
    )
    assert place > 0.8 * order
