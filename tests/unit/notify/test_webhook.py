"""Posts to a real web server."""

import json
import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.model.endpoint import Secret
from pipeline.model.notice import Notify, Shape, WebhookRoute
from pipeline.notify import Told, tell
from pipeline.notify.attempts import Done, Refused, TryAgain, attempt
from pipeline.notify.webhook import body_of, webhook
from tests.unit.notify.conftest import Tls
from tests.unit.notify.servers import LETTER, WebServer, web_server

AT = datetime(2026, 11, 20, 1, 31, tzinfo=UTC)


def route_to(server: WebServer, shape: Shape = Shape.JSON) -> WebhookRoute:
    return WebhookRoute(url=Secret(server.url), host="127.0.0.1", shape=shape)


def told_over(route: WebhookRoute, pauses: list[float] | None = None) -> Told:
    (found,) = tell(
        Notify(webhook=route), LETTER, at=AT, sleep=(pauses if pauses is not None else []).append
    )
    assert "s3cr3t" not in found.says
    return found


def test_a_document_arrives() -> None:
    with web_server() as server:
        found = told_over(route_to(server))
    assert found == Told("webhook", ok=True, says="sent to 127.0.0.1 (json)")
    ((path, headers, body),) = server.posts
    assert path == "/hook/s3cr3t-canary"
    assert headers["Content-Type"] == "application/json"
    assert body == LETTER.facts


def test_a_message_for_slack_has_no_markup_of_ours() -> None:
    with web_server() as server:
        told_over(route_to(server, Shape.SLACK))
    ((_, _, body),) = server.posts
    assert body["text"] == LETTER.subject
    said, link = body["blocks"]
    assert said["text"] == {"type": "plain_text", "text": "\n".join(LETTER.lines)}
    assert link["text"]["text"] == f"<{LETTER.url}|Open the report>"


def test_the_fallback_of_slack_is_escaped() -> None:
    letter = replace(LETTER, subject="<!channel> & <http://evil.example|x>", url="")
    body = body_of(letter, Shape.SLACK)
    assert body["text"] == "&lt;!channel&gt; &amp; &lt;http://evil.example|x&gt;"
    assert len(body["blocks"]) == 1  # type: ignore[arg-type]


def test_slack_takes_no_long_section() -> None:
    body = body_of(replace(LETTER, lines=("x" * 9000,)), Shape.SLACK)
    assert len(json.dumps(body)) < 4000


def test_a_card_for_teams() -> None:
    with web_server() as server:
        told_over(route_to(server, Shape.TEAMS))
    ((_, _, body),) = server.posts
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert [block["inlines"][0]["text"] for block in card["body"]] == list(LETTER.lines)
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert card["actions"][0]["url"] == LETTER.url


def test_a_card_without_an_address_has_no_button() -> None:
    card = body_of(replace(LETTER, url=""), Shape.TEAMS)
    assert "actions" not in json.dumps(card)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    pauses: list[float] = []
    with web_server((status, {}, 0.0), (status, {"Retry-After": "7"}, 0.0)) as server:
        found = told_over(route_to(server), pauses)
    assert found.ok
    assert len(server.posts) == 3
    assert pauses == [1.0, 7.0]


def test_a_server_that_wants_a_long_pause_gets_no_further_attempt() -> None:
    pauses: list[float] = []
    with web_server(*[(429, {"Retry-After": "3600"}, 0.0)] * 3) as server:
        found = told_over(route_to(server), pauses)
    assert found.says == "not sent to 127.0.0.1 (json): it answered with status 429"
    assert (len(server.posts), pauses) == (1, [])


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410])
def test_what_is_wrong_stays_wrong_and_nothing_is_followed(status: int) -> None:
    with web_server((status, {"Location": "/elsewhere"}, 0.0)) as server:
        found = told_over(route_to(server))
    assert found.says == f"not sent to 127.0.0.1 (json): it answered with status {status}"
    assert len(server.posts) == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/s3cr3t"
    found = told_over(WebhookRoute(url=Secret(url), host="127.0.0.1"))
    assert found.says == "not sent to 127.0.0.1 (json): no answer (ConnectError)"


def test_a_server_that_never_answers_is_left_after_a_while() -> None:
    with web_server(*[(200, {}, 30.0)] * 3) as server:
        found = attempt(webhook(LETTER, route_to(server)), lambda _s: None, within_s=0.1)
    assert found == TryAgain("no answer within 0.1 s")


def test_tls_is_checked(tls: Tls) -> None:
    with web_server(tls=tls.server) as server:
        route = route_to(server)
        assert webhook(LETTER, route, tls.client)() == Done()
        assert webhook(LETTER, route)() == Refused("its certificate is not trusted")
    assert len(server.posts) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with web_server() as server:
        assert told_over(route_to(server)).ok


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://127.0.0.1/s3cr3t", "http://[::/s3cr3t", "http://\x00/"]
)
def test_an_address_that_is_none(url: str) -> None:
    found = told_over(WebhookRoute(url=Secret(url)))
    assert found.says == "not sent to the webhook (json): its address is not usable"
