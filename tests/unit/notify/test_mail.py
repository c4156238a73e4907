"""Mails over a real mail server."""

import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.model.endpoint import Secret
from pipeline.model.notice import MailRoute, Notify, Security
from pipeline.notify import Told, tell
from pipeline.notify.attempts import Answer, Done, Refused, TryAgain, attempt
from pipeline.notify.mail import mailer
from tests.unit.notify.conftest import Tls
from tests.unit.notify.servers import LETTER, PASSWORD, USER, mail_server

AT = datetime(2026, 11, 20, 1, 31, tzinfo=UTC)
ROUTE = MailRoute(
    host="127.0.0.1", port=0, sender="import@example.com",
    to=("ops@example.com", "jana.canary@example.com"), security=Security.NONE,
)  # fmt: skip


def told_over(route: MailRoute, pauses: list[float] | None = None) -> Told:
    (found,) = tell(
        Notify(mail=route), LETTER, at=AT, sleep=(pauses if pauses is not None else []).append
    )
    return found


def once(route: MailRoute, tls: Tls | None = None) -> Answer:
    return mailer(LETTER, route, AT, tls.client if tls else None)()


def test_a_mail_arrives_as_text_and_html() -> None:
    with mail_server() as server:
        found = told_over(replace(ROUTE, port=server.port))
    assert found == Told("mail", ok=True, says=f"sent to 2 recipients over 127.0.0.1:{server.port}")
    ((envelope, mail),) = server.mails
    assert envelope.mail_from == "import@example.com"
    assert envelope.rcpt_tos == ["ops@example.com", "jana.canary@example.com"]
    assert mail["Subject"] == LETTER.subject
    assert mail["From"] == "import@example.com"
    assert mail["Date"] == "Fri, 20 Nov 2026 01:31:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Pipeline-Run"] == LETTER.run_id
    assert mail["Message-ID"].endswith("@example.com>")
    text, html = mail.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content_type() == "text/html"
    assert html.get_content().strip() == LETTER.html


def test_a_letter_without_html_is_text_alone() -> None:
    with mail_server() as server:
        route = replace(ROUTE, port=server.port)
        assert mailer(replace(LETTER, html="", run_id=""), route, AT)() == Done()
    ((_, mail),) = server.mails
    assert mail.get_content_type() == "text/plain"
    assert "X-Pipeline-Run" not in mail


def test_no_subject_can_add_a_header() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mailer(replace(LETTER, subject="x\r\nBcc: all@example.com"), ROUTE, AT)


def test_a_busy_server_is_tried_again_with_the_same_mail() -> None:
    pauses: list[float] = []
    with mail_server("451 try later", "421 try later") as server:
        found = told_over(replace(ROUTE, port=server.port), pauses)
    assert found.ok
    assert server.attempts == 3
    assert len(server.mails) == 1
    assert pauses == [1.0, 5.0]


def test_after_three_attempts_it_is_given_up() -> None:
    with mail_server(*["451 4.3.0 jana.canary@example.com is away"] * 9) as server:
        found = told_over(replace(ROUTE, port=server.port))
    assert not found.ok
    assert found.says == (
        f"not sent to 2 recipients over 127.0.0.1:{server.port}: the mail refused (451)"
    )
    assert server.attempts == 3


def test_what_is_refused_for_ever_is_not_tried_again() -> None:
    with mail_server("554 5.7.1 jana.canary@example.com: rejected") as server:
        found = told_over(replace(ROUTE, port=server.port))
    assert found.says.endswith(": the mail refused (554)")
    assert server.attempts == 1


def test_one_of_two_recipients_may_be_refused() -> None:
    with mail_server(refuses=["jana.canary@example.com"]) as server:
        found = told_over(replace(ROUTE, port=server.port))
    assert not found.ok
    assert found.says.endswith(", but 1 of 2 recipients refused (550)")
    assert len(server.mails) == 1


def test_all_recipients_refused() -> None:
    with mail_server(refuses=ROUTE.to) as server:
        found = told_over(replace(ROUTE, port=server.port))
    assert found.says.endswith(": all recipients refused (550)")
    assert "canary" not in found.says


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pauses: list[float] = []
    found = told_over(replace(ROUTE, port=port), pauses)
    assert found.says.endswith(": cannot connect: Connection refused")
    assert len(pauses) == 2


def test_a_server_that_says_nothing_is_left_after_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        route = replace(ROUTE, port=silent.getsockname()[1])
        found = attempt(mailer(LETTER, route, AT), lambda _s: None, within_s=0.1)
    assert found == TryAgain("no answer within 0.1 s")


def test_a_server_that_is_no_mail_server() -> None:
    def answer(server: socket.socket) -> None:
        for _ in range(3):
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        found = told_over(replace(ROUTE, port=server.getsockname()[1]))
        thread.join()
    assert not found.ok


# --- secrets and TLS ----------------------------------------------------------------------------


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_mail_over_a_private_connection(tls: Tls, security: Security) -> None:
    kind = "starttls" if security is Security.STARTTLS else "tls"
    with mail_server(login=security is Security.STARTTLS, **{kind: tls.server}) as server:  # type: ignore[arg-type]
        route = replace(ROUTE, port=server.port, security=security)
        if security is Security.STARTTLS:
            route = replace(route, user=USER, password=Secret(PASSWORD))
        assert once(route, tls) == Done()
    assert len(server.mails) == 1


def test_a_wrong_password_is_told_once_and_without_the_password(tls: Tls) -> None:
    with mail_server(login=True, starttls=tls.server) as server:
        route = replace(
            ROUTE, port=server.port, security=Security.STARTTLS, user=USER,
            password=Secret("wrong-canary"),
        )  # fmt: skip
        assert once(route, tls) == Refused("user or password refused (535)")
    assert server.mails == []


def test_a_certificate_that_nobody_trusts_ends_it(tls: Tls) -> None:
    with mail_server(starttls=tls.server) as server:
        route = replace(ROUTE, port=server.port, security=Security.STARTTLS)
        assert once(route) == Refused("the server's certificate is not trusted")


def test_a_server_without_starttls_gets_neither_mail_nor_password() -> None:
    with mail_server() as server:
        route = replace(
            ROUTE, port=server.port, security=Security.STARTTLS, user=USER,
            password=Secret(PASSWORD),
        )  # fmt: skip
        found = once(route)
    assert isinstance(found, Refused)
    assert "does not offer" in found.words
    assert server.mails == []


def test_the_wrong_security_for_a_port() -> None:
    with mail_server() as server:
        found = once(replace(ROUTE, port=server.port, security=Security.TLS))
    assert found == Refused("no secure connection: is `security` right for this port?")


def test_a_route_without_its_password_is_not_tried() -> None:
    route = replace(ROUTE, unusable="there is no password: set PIPELINE_SMTP_PASSWORD")
    found = told_over(route)
    assert found.says == (
        "not sent to 2 recipients over 127.0.0.1:0: "
        "there is no password: set PIPELINE_SMTP_PASSWORD"
    )
