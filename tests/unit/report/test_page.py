import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from typing import Any

import pytest

from pipeline.model.tables import SourceFile
from pipeline.report.facts import RunState
from pipeline.report.masking import PiiMode
from pipeline.report.render import render
from pipeline.report.summary import summarise
from pipeline.report.text import as_text
from tests.unit.report.runs import (
    BAD_EMAIL,
    EMPTY_EMAIL,
    RunBuilder,
    all_imported,
    facts_of,
    partly_imported,
)

HOSTILE = [
    "</script><img src=x onerror=xss()>",
    '"><svg onload=xss()>',
    '=HYPERLINK("http://evil.example")',
    "abc\u202egpj.exe",
    "nul\x00byte",
    "esc\x1b[31m",
    "x" * 10_000,
    "{{ 7 * 7 }}",
]


class Outline(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "wbr", "rect", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def page_of(run: RunBuilder, pii: PiiMode = PiiMode.MASK, **facts: object) -> str:
    return render(summarise(facts_of(run, **facts), run.tables(), pii=pii))


@pytest.mark.parametrize(
    ("run", "facts", "title"),
    [
        (all_imported(), {}, "✔ ALL IMPORTED: "),
        (partly_imported(), {}, "✖ PARTLY IMPORTED: "),
        (all_imported(), {"state": RunState.STOPPED}, "⏸ STOPPED, CAN RESUME: "),
        (all_imported(), {"state": RunState.PLANNED}, "◇ PLAN ONLY, NOTHING SENT: "),
        (RunBuilder(), {}, "✔ NOTHING NEW: "),
        (all_imported(), {"records": {0: 1}}, "✖ DOES NOT BALANCE: "),
    ],
)
def test_the_title_starts_with_the_verdict(
    run: RunBuilder, facts: dict[str, Any], title: str
) -> None:
    assert f"<title>{title}Nightly order import" in page_of(run, **facts)


def test_the_page_is_well_formed_and_accessible_in_its_bones() -> None:
    outline = Outline(page_of(partly_imported()))
    tags = [tag for tag, _ in outline.tags]
    assert outline.open == []
    assert tags.count("h1") == 1
    assert ("html", {"lang": "en"}) in outline.tags
    assert tags.count("caption") == tags.count("table")
    assert all("scope" in attributes for tag, attributes in outline.tags if tag == "th")
    anchors = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    links = {attributes["href"] for tag, attributes in outline.tags if tag == "a"}
    assert links <= {f"#{anchor}" for anchor in anchors}


def digest_of(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_the_page_loads_nothing_and_runs_one_script_of_ours() -> None:
    page = page_of(partly_imported())
    outline = Outline(page)
    assert not {tag for tag, _ in outline.tags} & {"img", "link", "iframe"}
    assert [sorted(names) for tag, names in outline.tags if tag == "form"] == [
        ["aria-label", "class", "id", "role"]  # the filters, which go nowhere
    ]
    run = [names for tag, names in outline.tags if tag == "script" and "type" not in names]
    assert len(run) == 1
    assert not run[0]
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None
    assert f"script-src '{digest_of(script[1])}'" in page
    assert page.count("'sha256-") == 2
    names = {name for _, attributes in outline.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("style", "src")}
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert f"style-src '{digest_of(style[1])}'" in page
    assert "url(" not in style[1]


def test_a_page_without_anything_to_list_runs_nothing() -> None:
    page = page_of(all_imported())
    assert "<script" not in page
    assert "script-src" not in page


def test_no_personal_value_is_in_the_page() -> None:
    page = page_of(partly_imported())
    assert "canary" not in page
    assert "j…@p….e…" in page


def test_unmasked_pages_say_so_in_red_and_hidden_ones_show_nothing() -> None:
    shown = page_of(partly_imported(), PiiMode.SHOW)
    assert "jana.canary@privat.example" in shown
    assert "shows personal data unmasked" in shown
    hidden = page_of(partly_imported(), PiiMode.NONE)
    assert "(not shown)" in hidden
    assert "Deutschl." not in hidden


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_texts_stay_text(hostile: str) -> None:
    run = all_imported()
    for target in ("articles_order.unit_price", None):
        run.order(
            f"O{target}{hostile}",
            "held_back",
            (
                {
                    "code": "R306",
                    "column": hostile,
                    "target": target,
                    "value": hostile,
                    "detail": hostile,
                },
            ),
        )
    refused = run.order("R", "refused", status=400)
    run.finding(refused, "A402", detail=hostile, api_status=400)
    page = page_of(
        run,
        PiiMode.SHOW,
        title=hostile,
        state=RunState.STOPPED,
        stop_reason=hostile,
        files=(SourceFile(0, hostile, "", 1, hostile),),
    )
    outline = Outline(page)
    assert outline.open == []
    kinds = [names.get("type") for tag, names in outline.tags if tag == "script"]
    assert kinds == ["text/plain", "text/plain", None]
    assert "img" not in {tag for tag, _ in outline.tags}
    assert not [names for _, names in outline.tags if any(name.startswith("on") for name in names)]
    assert "\u202e" not in page
    assert "\x00" not in page
    assert "\x1b" not in page
    assert "x" * 1000 not in page


def test_every_figure_of_the_totals_is_on_the_page_with_its_word() -> None:
    text = Outline(page_of(partly_imported())).text
    assert "323 rows read = 244 accepted + 58 rejected + 21 skipped" in text
    assert "133 orders in the files = 102 ready to send + 27 held back + 4 nothing to send" in text
    assert "133 orders = 94 arrived + 29 missing + 3 out of date + 2 unclear + 5 set aside" in text
    assert "Order value EUR 2,646.70 1,870.60 99.50 676.60" in text
    assert "Showing 36 of 36 rows with a problem of their own; 22 rows held with them." in text
    assert "PRODUCTION" in text
    assert "Fri 20 Nov 2026 02:05–02:31 Europe/Berlin (+01:00), took 26 min" in text
    assert "wms.yaml@4f2c1d" in text


def test_a_card_says_who_what_to_do_and_one_place_to_look_at() -> None:
    text = Outline(page_of(partly_imported())).text
    card = text[text.index("Who needs to fix what") : text.index("Does it balance?")]
    card = card.replace("Copy order numbers", "")
    assert "Data source corrects the export or its cells" in card
    assert (
        "12 orders (12 rows) Required for a new order E-Mail (for recipient_ email )"
        in " ".join(card.split())
    )
    assert re.search(r"Data source .*? \d+ orders \(\d+ rows\)", card)
    assert not re.search(r"\d rows? in \d", card)
    assert "for example orders_2026-11-19_DE.csv:146" in card
    assert "Add the value to the table in the mapping, or correct the cell" in card
    assert "Automatic nothing to do" in card
    assert (
        card.count("for example")
        == len(re.findall(r"\d+ orders?(?: \(\d+ rows?\))? [A-Z]", " ".join(card.split()))) - 1
    )


def test_no_word_of_the_control_totals_reads_like_the_open_items_of_the_status() -> None:
    page = page_of(partly_imported())
    text = Outline(page).text
    assert "Sum In the files Arrived Set aside Not arrived" in text
    assert ">Open<" not in page
    assert "Open item An order that this run or any earlier one held back" in text


def test_tables_that_may_scroll_show_an_edge_and_long_words_can_break() -> None:
    page = page_of(partly_imported())
    scroll = re.search(r"\.scroll \{(.*?)\}", page, re.DOTALL)
    assert scroll is not None
    assert "var(--edge)" in scroll[1]
    assert "add_<wbr>tracking" in page


def test_a_failed_equation_is_red_words() -> None:
    run = partly_imported()
    text = Outline(page_of(run, records={0: 500, 1: 113})).text
    assert "DOES NOT BALANCE: 613 ≠ 244 + 58 + 21" in text
    assert "The numbers of this run contradict each other" in text


def test_a_capped_table_says_so() -> None:
    run = RunBuilder()
    for number in range(1204):
        run.order(f"A{number}", "held_back", (EMPTY_EMAIL if number else BAD_EMAIL,))
    page = page_of(run)
    text = Outline(page).text
    assert "Showing 100 of 1,204 rows with a problem of their own." in text
    assert "All 1,204 rejected rows with their values are in rejections.jsonl.gz" in text
    assert "showing 99 of 1,203 rows" in text
    assert len(page.encode()) < 100_000


def test_the_text_of_a_partly_imported_run() -> None:
    run = partly_imported()
    assert as_text(summarise(facts_of(run), run.tables()), "reports/x/report.html") == (
        "PARTLY IMPORTED: 94 of 133 orders arrived (6 already delivered before, 4 without all of "
        "their changes), 29 missing, 3 out of date, 2 unclear, 4 had nothing to send, 1 overtaken "
        "by a newer run.\n"
        "  12 orders (12 rows)  R301  Required for a new order: E-Mail (for recipient_email)          Data source\n"
        "  7 orders (14 rows)   R401  Value not in lookup table: Land (for destination_country_iso3)  Mapping\n"
        "  5 orders             A401  Field refused: Region (for shipping_address.region_code)        Data source\n"
        "  5 orders (5 rows)    R201  Not a number: VK-Preis (for articles_order.unit_price)          Data source\n"
        "  4 orders             A201  Change not applied: Carrier (for mutations.tracking.courier)    parcelLab set-up\n"
        "  and 3 more causes in the report\n"
        "  1 warning: R319 Row stands there twice (1)\n"
        "Report: reports/x/report.html\n"
    )


def test_two_causes_that_read_the_same_are_told_apart_by_their_words() -> None:
    run = RunBuilder()
    for number, words in enumerate(("no answer within 30 s", "the run ended", "the run ended")):
        run.finding(run.order(f"A{number}", "unknown", attempts=1), "U001", detail=words)
    text = as_text(summarise(facts_of(run), run.tables()), "r")
    assert "  2 orders  U001  No readable answer (the run ended)         Automatic\n" in text
    assert "  1 order   U001  No readable answer (no answer within … s)  Automatic\n" in text


def test_the_text_of_a_run_that_does_not_balance_names_the_equation() -> None:
    run = all_imported()
    text = as_text(summarise(facts_of(run, records={0: 17}), run.tables()), "r")
    assert text.splitlines()[:2] == [
        "DOES NOT BALANCE: 8 of 8 orders arrived.",
        "  DOES NOT BALANCE: 17 ≠ 16 + 0 + 0 (rows read)",
    ]


def luminance(colour: str) -> float:
    long = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
    channels = [int(long[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, bright = sorted([luminance(one), luminance(other)])
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2])
def test_texts_have_contrast_in_light_dark_and_print(theme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", page_of(all_imported()), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", blocks[theme]))
    washes = [f"{tone}-wash" for tone in ("good", "bad", "warn", "plan")]
    pairs = [
        *((ink, ground) for ink in ("ink", "soft") for ground in ("page", "card", "code", *washes)),
        *((tone, f"{tone}-wash") for tone in ("good", "bad", "warn", "plan")),
        ("good", "card"),
        ("bad", "card"),
        ("card", "ink"),
    ]
    low = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert not {pair: round(ratio, 2) for pair, ratio in low.items() if ratio < 4.5}


def test_a_stopped_run_says_first_what_to_type_and_a_finished_one_does_not() -> None:
    command = "pipeline resume 2026-11-20T0205-wms --profile prod"
    stopped = page_of(partly_imported(), state=RunState.STOPPED, resume_command=command)
    banner = stopped[stopped.index('<div class="verdict') : stopped.index('<dl class="figures"')]
    assert f"<code>{command}</code>" in banner
    assert command not in page_of(partly_imported(), resume_command=command)


def test_a_plan_claims_nothing_about_what_arrives() -> None:
    run = RunBuilder()
    run.order("WH-1", "not_attempted")
    page = page_of(run, state=RunState.PLANNED)
    assert "1 order in the files = 1 ready to send" in page.replace("orders", "order")
    sums = page[page.index('<table class="data sums">') :]
    head = sums[: sums.index("</thead>")]
    assert "In the files" in head
    assert "Arrived" not in head
    assert "Not arrived" not in head
    assert "1 missing" not in page


def test_where_warnings_are_the_verdict_they_are_open() -> None:
    warned = all_imported()
    warned.finding(warned.rows[0], "R319", detail="orders.csv:5")
    assert "<details open>\n<summary>1 warning:" in page_of(warned)
    assert "<details open>" not in page_of(partly_imported())
