import re
from datetime import date
from pathlib import Path

import pytest

from pipeline.report.facts import MappingUsed, RunState
from pipeline.report.files import write_report
from pipeline.report.history import History, Lifecycle, Phase
from pipeline.report.mail import MAIL_BYTES, ORDERS_SHOWN, lay_out_mail, page_url, subject_line
from pipeline.report.masking import PiiMode
from pipeline.report.render import render_mail
from pipeline.report.summary import Summary, summarise, with_history
from tests.unit.report.runs import RunBuilder, all_imported, facts_of, partly_imported


def summary_of(run: RunBuilder, **facts: object) -> Summary:
    return summarise(facts_of(run, **facts), run.tables())


def mail_of(run: RunBuilder, folder: Path, pii: PiiMode = PiiMode.MASK, **facts: object) -> str:
    tables = run.tables()
    summary = summarise(facts_of(run, **facts), tables, pii=pii)
    files = write_report(folder, summary, tables, shown_path="reports/x/report.html")
    return files.mail.read_text(encoding="utf-8")


def test_the_subject_says_what_is_missing_and_what_is_new() -> None:
    summary = summary_of(partly_imported())
    assert summary.causes.ranked
    history = History(
        night=date(2026, 11, 20), before=date(2026, 11, 19),
        lifecycles={
            each.key: Lifecycle(Phase.NEW, 1, date(2026, 11, 20)) for each in summary.causes.ranked[:3]
        },
    )  # fmt: skip
    assert subject_line(with_history(summary, history)) == (
        "✖ wms.yaml 20 Nov: 32 of 133 orders not imported, 3 new causes"
    )
    assert subject_line(summary) == "✖ wms.yaml 20 Nov: 32 of 133 orders not imported"


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        ({}, "✔ wms.yaml 20 Nov: 8 orders arrived"),
        ({"production": False}, "✔ wms.yaml (sandbox) 20 Nov: 8 orders arrived"),
        (
            {"state": RunState.STOPPED, "stop_reason": "the API is away"},
            "⏸ wms.yaml 20 Nov: stopped early, 8 of 8 orders arrived",
        ),
        (
            {"mappings": (MappingUsed("wms\r\nBcc: all@example.com", "ab"),)},
            "✔ wms⟨U+000D⟩⟨U+000A⟩Bcc: all@example.com 20 Nov: 8 orders arrived",
        ),
    ],
)
def test_the_subject_of_other_ends(facts: dict[str, object], ending: str) -> None:
    assert subject_line(summary_of(all_imported(), **facts)) == ending


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        ({"unknown": 2, "created": 1}, "2 of 3 orders unclear"),
        ({"partly_applied": 1, "created": 3}, "1 of 4 orders without all of their changes"),
        ({"unchanged": 3}, "all 3 orders were already delivered"),
        ({}, "no order in the files"),
    ],
)
def test_the_subject_without_a_missing_order(outcomes: dict[str, int], says: str) -> None:
    run = RunBuilder()
    for outcome, number in outcomes.items():
        for each in range(number):
            run.order(f"{outcome}-{each}", outcome)
    assert subject_line(summary_of(run)).endswith(f": {says}")


def test_many_exports_are_counted_in_the_subject() -> None:
    mappings = tuple(MappingUsed(name, "ab") for name in ("a", "b", "c", "d"))
    assert subject_line(summary_of(all_imported(), mappings=mappings)).startswith(
        "✔ a, b and 2 more 20 Nov: "
    )


def test_numbers_that_contradict_each_other_stand_in_the_subject() -> None:
    run = all_imported()
    summary = summarise(facts_of(run, records={0: 999, 1: 0}), run.tables())
    assert subject_line(summary).endswith(": the numbers contradict each other")
    mail = render_mail(lay_out_mail(summary, [], "report.html"))
    assert "DOES NOT BALANCE" in mail
    assert "✖ 999 rows read ≠ 16 accepted" in mail


def test_the_mail_has_what_the_morning_asks(tmp_path: Path) -> None:
    mail = mail_of(partly_imported(), tmp_path)
    summary = summary_of(partly_imported())
    assert summary.headline in mail
    for cause in summary.causes.ranked[:5]:
        assert f"{cause.title}" in mail
        assert f"[{cause.code}]" in mail
    assert "more cause" in mail
    for balance in summary.totals.main_balances:
        assert f"✔ {balance.left:,} {balance.label} =" in mail
    assert "Report: reports/x/report.html" in mail


def test_causes_count_orders_first() -> None:
    summary = summarise(facts_of(partly_imported()), partly_imported().tables())
    amounts = [each.amount for each in lay_out_mail(summary, [], "report.html", "").causes]
    assert amounts[:3] == ["12 orders (12 rows)", "7 orders (14 rows)", "5 orders"]


def test_a_mail_program_gets_nothing_that_it_would_drop(tmp_path: Path) -> None:
    mail = mail_of(partly_imported(), tmp_path)
    assert not re.search(r"<(script|style|svg|img|link|iframe|form)\b", mail)
    assert not re.search(r"\bon\w+=|url\(", mail)


def test_not_more_than_twenty_orders_are_named(tmp_path: Path) -> None:
    mail = mail_of(partly_imported(), tmp_path)
    missing = (tmp_path / "orders-missing.txt").read_text().splitlines()
    assert [number for number in missing if number in mail] == missing[:ORDERS_SHOWN]
    assert f"and {len(missing) - ORDERS_SHOWN} more in orders-missing.txt" in mail


def test_a_green_night_is_short(tmp_path: Path) -> None:
    mail = mail_of(all_imported(), tmp_path)
    assert "Who needs to fix what" not in mail
    assert "Problems by cause" not in mail
    assert len(mail.encode()) < 5_000


@pytest.mark.parametrize("pii", list(PiiMode))
def test_no_value_of_a_file_stands_in_the_mail(tmp_path: Path, pii: PiiMode) -> None:
    run = partly_imported()
    mail = mail_of(run, tmp_path, pii)
    values = {str(each["value"]) for each in run.findings if each.get("value")}
    details = {str(each["detail"]) for each in run.findings if each.get("detail")}
    assert "jana.canary@privat.example" in values
    assert [each for each in values | details if len(each) > 3 and each in mail] == []


def test_hostile_names_are_text_and_the_mail_stays_small(tmp_path: Path) -> None:
    run = RunBuilder()
    for number in range(40):
        hostile = "<img src=x onerror=alert(1)>&&&&\u202e\x00" * 40
        problem = {"code": "R301", "column": f"{number}{hostile}", "target": "recipient_email"}
        run.order(f"{number:02}{hostile}", "held_back", [problem])
    mail = mail_of(
        run, tmp_path, title="<b>&" * 400, state=RunState.STOPPED, stop_reason="<i>&" * 4000
    )
    assert len(mail.encode()) < MAIL_BYTES
    assert "<img" not in mail
    assert "\u202e" not in mail
    assert "\x00" not in mail


def test_the_page_is_linked_where_it_is_served() -> None:
    summary = summary_of(all_imported())
    url = page_url("https://reports.example.com/imports", summary.facts.run_id)
    mail = render_mail(lay_out_mail(summary, [], "/srv/x/report.html", url))
    assert f'<a href="{url}"' in mail
    assert "/srv/x" not in mail


def test_only_an_address_of_the_web_becomes_a_link() -> None:
    assert page_url("javascript:alert(1)//", "run") == ""
    assert page_url("", "run") == ""
