"""People are told how a run ended: over real servers, and without anybody's data."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from pipeline.model.endpoint import Secret
from pipeline.model.notice import MailRoute, Notify, Security, Shape, WebhookRoute, When
from pipeline.model.stops import StopRun
from pipeline.run.notices import due
from tests.run.conftest import Warehouse, order_row
from tests.unit.notify.servers import MailServer, WebServer, mail_server, web_server

CANARIES = ("jana.canary", "Canarina", "Kanarienweg")


@pytest.fixture
def post() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.run.notices.time.sleep", lambda _s: None)


def subscribe(
    warehouse: Warehouse, post: MailServer | None = None, web: WebServer | None = None,
    when: When = When.PROBLEMS, report_url: str = "",
) -> None:  # fmt: skip
    mail = hook = None
    if post is not None:
        mail = MailRoute(
            host="127.0.0.1", port=post.port, sender="import@example.com",
            to=("ops@example.com",), security=Security.NONE,
        )  # fmt: skip
    if web is not None:
        hook = WebhookRoute(url=Secret(web.url), host="127.0.0.1", shape=Shape.JSON)
    notify = Notify(when=when, report_url=report_url, mail=mail, webhook=hook)
    warehouse.settings = replace(warehouse.settings, notify=notify)


def parts(mail: EmailMessage) -> list[str]:
    return [part.get_content() for part in mail.iter_parts()]


def test_a_night_with_problems_is_told_over_every_route(
    warehouse: Warehouse, post: MailServer, web: WebServer
) -> None:
    subscribe(warehouse, post, web, report_url="https://reports.example.com/imports/")
    warehouse.orders(order_row("A1"), order_row("A2", country="Nowhere"))
    result = warehouse.run()
    assert result.exit_code == 3
    ((_, mail),) = post.mails
    day = f"{int(result.run_id[8:10])} "
    assert mail["Subject"].startswith(f"✖ orders (sandbox) {day}")
    assert mail["Subject"].endswith(": 1 of 2 orders missing")
    text, html = parts(mail)
    url = f"https://reports.example.com/imports/{result.run_id}/report.html"
    assert url in text
    assert url in html
    assert result.report is not None
    page = result.report.with_name("summary.html").read_text()
    assert html.splitlines() == page.splitlines()
    ((_, _, document),) = web.posts
    assert document["exit"] == {"code": 3, "name": "partial"}
    assert document["orders"]["missing"] == 1
    assert document["report"] == url
    assert [each.ok for each in result.told] == [True, True]
    assert "warning" not in result.text


def test_no_value_of_the_files_leaves_by_a_notification(
    warehouse: Warehouse, post: MailServer, web: WebServer
) -> None:
    subscribe(warehouse, post, web)
    canary: dict[str, object] = {
        "mail": "jana.canary@",
        "name": "Canarina Kanarienweg",
        "qty": "Canarina",
    }
    warehouse.orders(order_row("A1", 1, **canary), order_row("A2", country="Kanarienweg 4"))
    result = warehouse.run(pii="show")
    assert result.report is not None
    assert "Canarina" in result.report.read_text()  # it was there to leak
    ((envelope, mail),) = post.mails
    told = [
        str(envelope.original_content),
        str(mail["Subject"]),
        *parts(mail),
        json.dumps(web.posts),
    ]
    assert [canary for canary in CANARIES if any(canary in text for text in told)] == []


@pytest.mark.parametrize(("when", "told"), [(When.PROBLEMS, 0), (When.ALWAYS, 1), (When.NEVER, 0)])
def test_a_green_night(warehouse: Warehouse, post: MailServer, when: When, told: int) -> None:
    subscribe(warehouse, post, when=when)
    warehouse.orders(order_row("A1"))
    assert warehouse.run().exit_code == 0
    assert len(post.mails) == told


def test_a_green_verdict_with_an_exit_code_is_a_problem(
    warehouse: Warehouse, post: MailServer
) -> None:
    subscribe(warehouse, post)
    warehouse.orders()
    assert warehouse.run(fail_on_empty=True).exit_code == 9
    assert len(post.mails) == 1


def test_a_plan_tells_nobody(warehouse: Warehouse, post: MailServer) -> None:
    subscribe(warehouse, post, when=When.ALWAYS)
    warehouse.orders(order_row("A1", country="Nowhere"))
    warehouse.plan()
    assert post.mails == []


def test_a_mail_that_cannot_be_sent_is_a_warning_and_nothing_else(warehouse: Warehouse) -> None:
    busy = ["451 jana.canary@example.com is busy"] * 9
    with mail_server(*busy) as post, web_server(*[(500, {}, 0.0)] * 9) as web:
        subscribe(warehouse, post, web, when=When.ALWAYS)
        warehouse.orders(order_row("A1"))
        result = warehouse.run()
    assert result.exit_code == 0
    assert result.text.endswith(
        f"  warning: mail not sent to 1 recipient over 127.0.0.1:{post.port}: the mail refused (451)\n"
        "  warning: webhook not sent to 127.0.0.1 (json): it answered with status 500\n"
    )
    warnings = [fields for level, _, fields in warehouse.told.events if level == "warning"]
    assert len(warnings) == 2
    log = (warehouse.settings.home / "runs" / result.run_id / "run.log").read_text()
    assert log.count("not notified") == 2


def test_an_interruption_while_telling_keeps_the_verdict(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, post: MailServer
) -> None:
    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.run.notices.tell", interrupted)
    subscribe(warehouse, post, when=When.ALWAYS)
    warehouse.orders(order_row("A1"))
    result = warehouse.run()
    assert result.exit_code == 0
    assert "warning: notification not sent: interrupted" in result.text


def test_a_run_that_its_input_stops_is_told_although_it_has_no_report(
    warehouse: Warehouse, post: MailServer, web: WebServer
) -> None:
    subscribe(warehouse, post, web)
    (warehouse.folder / "orders.csv").write_text("no;pos\n")
    with pytest.raises(StopRun) as stopped:
        warehouse.run()
    ((_, mail),) = post.mails
    assert mail["Subject"].endswith(": stopped without a report")
    assert "does not have the columns that" in mail.get_content()
    assert "does not have the columns that" in stopped.value.message
    ((_, _, document),) = web.posts
    assert document["exit"]["code"] == 4
    assert document["verdict"] is None


def test_a_bug_is_told_without_its_words(
    warehouse: Warehouse, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("jana.canary@example.com")

    monkeypatch.setattr("pipeline.run.flow.Flow.run", broken)
    subscribe(warehouse, post)
    with pytest.raises(ZeroDivisionError):
        warehouse.run()
    ((_, mail),) = post.mails
    assert "internal error: ZeroDivisionError" in mail.get_content()
    assert "canary" not in mail.get_content()


def test_secrets_of_the_routes_stand_in_no_file(warehouse: Warehouse, tmp_path: Path) -> None:
    with web_server((403, {}, 0.0)) as web, mail_server("554 no") as post:
        subscribe(warehouse, post, web, when=When.ALWAYS)
        warehouse.orders(order_row("A1", country="Nowhere"))
        result = warehouse.run()
    assert "s3cr3t" not in result.text + str(result) + str(warehouse.told.events)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"s3cr3t" not in content, path
            if path.suffix == ".gz":
                assert b"s3cr3t" not in gzip.decompress(content), path


@pytest.mark.parametrize(
    ("when", "problem", "expected"),
    [
        (When.PROBLEMS, True, True), (When.PROBLEMS, False, False), (When.ALWAYS, False, True),
        (When.NEVER, True, False),
    ],
)  # fmt: skip
def test_due(*, when: When, problem: bool, expected: bool) -> None:
    assert due(Notify(when=when), problem=problem) is expected
    assert not due(None, problem=problem)


def test_an_odd_name_of_a_mapping_file_is_quoted_in_the_subject(
    warehouse: Warehouse, post: MailServer
) -> None:
    subscribe(warehouse, post)
    (warehouse.folder / "orders.yaml").rename(warehouse.folder / "all: DE, 20 Nov.yaml")
    (warehouse.folder / "orders.csv").write_text("no;pos\n")
    with pytest.raises(StopRun):
        warehouse.run()
    ((_, mail),) = post.mails
    assert mail["Subject"].startswith("✖ “all: DE, 20 Nov” (sandbox) ")
