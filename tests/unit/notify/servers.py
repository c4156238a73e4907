"""A mail server and a web server on loopback that keep what they get and answer as they are told."""
# ruff: noqa: ARG001, ARG002 - aiosmtpd hands its functions more than they need

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pipeline.model.notice import Letter

USER, PASSWORD = "import", "pa55-canary-w0rd"

LETTER = Letter(
    run_id="2026-11-20T0205-wms",
    subject="✖ wms 20 Nov: 169 of 871 orders missing, 3 new causes",
    text="169 of 871 orders are missing in parcelLab.\n",
    html="<!doctype html><p>169 of 871 orders are missing in parcelLab.</p>",
    lines=("✖ wms 20 Nov: 169 of 871 orders missing", "88 rows: <b>E-mail</b> *missing* [R301]"),
    facts={"version": 1, "verdict": "PARTLY IMPORTED", "orders": {"missing": 169}},
    problem=True,
    url="https://reports.example.com/2026-11-20T0205-wms/report.html",
)


@dataclass
class MailServer:
    """Keeps mails; `answers` are given to the first of them, instead of taking them."""

    answers: list[str] = field(default_factory=list)
    refuses: Sequence[str] = ()
    mails: list[tuple[Envelope, EmailMessage]] = field(default_factory=list)
    port: int = 0
    attempts: int = 0

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:  # fmt: skip
        if address in self.refuses:
            return f"550 5.1.1 <{address}>: no such person"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.attempts += 1
        if self.answers:
            return self.answers.pop(0)
        content = cast("bytes", envelope.original_content)
        mail = message_from_bytes(content, policy=policy.default)
        self.mails.append((envelope, mail))
        return "250 OK"


def _authenticated(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(), PASSWORD.encode(),
    )  # fmt: skip
    return AuthResult(success=right, handled=right)


@contextmanager
def mail_server(
    *answers: str,
    refuses: Sequence[str] = (),
    login: bool = False,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[MailServer]:
    """Run a mail server on a free port."""
    kept = MailServer(list(answers), refuses)
    with socket.create_server(("127.0.0.1", 0)) as free:
        kept.port = free.getsockname()[1]
    controller = Controller(
        kept, hostname="127.0.0.1", port=kept.port, ssl_context=tls, tls_context=starttls,
        require_starttls=starttls is not None, auth_required=login,
        auth_require_tls=starttls is not None, authenticator=_authenticated,
    )  # fmt: skip
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()


@dataclass
class WebServer:
    """Keeps the documents posted to it; `answers` are status, headers and pause of the first."""

    answers: list[tuple[int, dict[str, str], float]] = field(default_factory=list)
    posts: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def web_server(
    *answers: tuple[int, dict[str, str], float], tls: ssl.SSLContext | None = None
) -> Iterator[WebServer]:
    """Run a web server on a free port."""
    kept = WebServer(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.posts.append((self.path, dict(self.headers), json.loads(body)))
            status, headers, pause_s = kept.answers.pop(0) if kept.answers else (200, {}, 0.0)
            kept.released.wait(pause_s)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    kept.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/hook/s3cr3t-canary"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        kept.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
