"""The section [notify]: who is told how a run ended, over which mail server and webhook.

A secret that is not there is no mistake of the file and stops no import: the route is marked as
unusable, and that is told as a warning.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.config.document import Document
from pipeline.config.nouns import (
    SHOWN_MAX,
    BadConfig,
    Credentials,
    From,
    Origin,
    Unfit,
    did_you_mean,
    loopback,
    parts_of_url,
    where_it_belongs,
)
from pipeline.config.readers import as_choice, as_command, as_path, as_text, as_whole, as_words
from pipeline.config.secrets import secret_of_command, secret_of_file
from pipeline.model.endpoint import Secret
from pipeline.model.notice import MailRoute, Notify, Security, Shape, WebhookRoute, When

SECTION = "notify"

KEYS_OF_NOTIFY: Mapping[str, str] = {
    "when": "problems, always or never",
    "profiles": "profiles whose runs are told; without it, those of production",
    "report_url": "where the folder of the reports is served, for a link instead of a path",
    "mail": "section [notify.mail]",
    "webhook": "section [notify.webhook]",
}
KEYS_OF_MAIL: Mapping[str, str] = {
    "host": "the mail server",
    "port": "its port; 587, 465 or 25 as `security` says",
    "security": "starttls, tls, or none",
    "from": "the sender's address",
    "to": "the addresses of those who are told",
    "user": "the user name, if the server asks for one",
    "password_file": "file that holds the password",
    "password_command": "command that prints the password",
}
KEYS_OF_WEBHOOK: Mapping[str, str] = {
    "shape": "json, slack or teams",
    "url_file": "file that holds the address",
    "url_command": "command that prints the address",
}
PASSWORD_VARIABLE = "PIPELINE_SMTP_PASSWORD"  # noqa: S105 - a name
URL_VARIABLE = "PIPELINE_WEBHOOK_URL"
_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_ADDRESS = re.compile(r"[!#-'*+/-9=?A-Z^-~.-]+@[A-Za-z0-9.-]+")  # RFC 5322 without its curiosities
_SECRET_MAX = 4096

T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the routes depend on besides the file."""

    profile: str
    production: bool
    when: str | None  # of an option or the environment
    environ: Mapping[str, str]
    credentials: Credentials


def read_notify(document: Document, around: Surroundings, warnings: list[str]) -> Notify | None:
    """Read the section; None where there is none. `warnings` gets what should be said.

    Raises:
        BadConfig: with the place of the first mistake.
    """
    if SECTION not in document.data:
        return None
    section = _Section(document, (SECTION,), KEYS_OF_NOTIFY)
    profiles = section.get("profiles", as_words, None)
    concerned = around.production if profiles is None else around.profile in profiles
    when = section.get("when", _as_when, When.PROBLEMS)
    if around.when is not None:
        when = When(around.when)
    elif not concerned:
        when = When.NEVER
    report_url = section.get("report_url", _as_page_url, "")
    secrets = _Secrets(document, around, warnings, wanted=when is not When.NEVER)
    mail = _mail(document, secrets) if "mail" in section.table else None
    webhook = _webhook(document, secrets) if "webhook" in section.table else None
    if mail is None and webhook is None:
        raise BadConfig(
            f"[{SECTION}] names nobody", help="write [notify.mail] or [notify.webhook]", code="C101",
            place=document.place(SECTION),
        )  # fmt: skip
    return Notify(when=when, report_url=report_url, mail=mail, webhook=webhook)


def _mail(document: Document, secrets: "_Secrets") -> MailRoute:
    section = _Section(document, (SECTION, "mail"), KEYS_OF_MAIL)
    security = section.get("security", _as_security, Security.STARTTLS)
    host = section.required("host", _as_host)
    user = section.get("user", as_text, None)
    if user and security is Security.NONE and not loopback(host):
        raise section.bad(
            "security",
            "the password would cross the network unprotected",
            "use starttls or tls, or leave out `user`",
        )
    password, unusable = "", ""
    if user:
        password, unusable = secrets.read(section, "password", PASSWORD_VARIABLE, "mail")
    return MailRoute(
        host=host,
        port=section.get("port", _as_port, _PORTS[security]),
        security=security,
        sender=section.required("from", _as_address),
        to=section.required("to", _as_addresses),
        user=user,
        password=Secret(password),
        unusable=unusable,
    )


def _webhook(document: Document, secrets: "_Secrets") -> WebhookRoute:
    section = _Section(document, (SECTION, "webhook"), KEYS_OF_WEBHOOK)
    shape = section.get("shape", _as_shape, Shape.JSON)
    url, unusable = secrets.read(section, "url", URL_VARIABLE, "webhook")
    host = ""
    if url:
        host, unusable = _judged_url(url)
        if unusable:
            secrets.warn("webhook", unusable)
    return WebhookRoute(url=Secret(url), host=host, shape=shape, unusable=unusable)


def _judged_url(url: str) -> tuple[str, str]:
    """Give the host of a webhook's address, and why it cannot be used, or ""; never the rest."""
    parts = parts_of_url(url)
    host = parts.hostname if parts else None
    if parts is None or not host:
        return "", "its address is no URL"
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(host)):
        return host, "its address is not https"
    if parts.username or parts.password or _link_local(host):
        return host, "its address has a user, or a host that no webhook has"
    return host, ""


def _link_local(host: str) -> bool:
    """Whether a host is where clouds keep the secrets of a machine (FAULTS S15)."""
    try:
        return ipaddress.ip_address(host).is_link_local
    except ValueError:
        return False


class _Section:
    """One section: its keys are known, and a mistake has its line."""

    def __init__(self, document: Document, at: tuple[str, ...], known: Mapping[str, str]) -> None:
        self.document, self.at, self.known = document, at, known
        table: object = document.data
        for name in at:
            table = table.get(name) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            raise BadConfig(f"{'.'.join(at)} is not a section", help=f"write [{'.'.join(at)}]",
                            code="C101", place=document.place(*at))  # fmt: skip
        self.table: dict[str, object] = table
        for name in table:
            if name not in known:
                secret = name in ("url", "password")
                raise BadConfig(
                    f"unknown key {name} in [{'.'.join(at)}]",
                    help=f"a secret does not stand in this file: use {name}_file or {name}_command"
                    if secret
                    else where_it_belongs(name, table[name])
                    or did_you_mean(name, known)
                    or f"known are: {', '.join(sorted(known))}",
                    code="C102",
                    place=document.place(*at, name),
                )

    def get(self, name: str, read: Callable[[object], T], default: D) -> T | D:
        """The value of a key, or the default."""
        return self._read(name, read) if name in self.table else default

    def required(self, name: str, read: Callable[[object], T]) -> T:
        """The value of a key that must be there."""
        if name not in self.table:
            raise BadConfig(
                f"[{'.'.join(self.at)}] has no {name}", help=f"{name}: {self.known[name]}",
                code="C105", place=self.document.place(*self.at),
            )  # fmt: skip
        return self._read(name, read)

    def _read(self, name: str, read: Callable[[object], T]) -> T:
        try:
            return read(self.table[name])
        except ValueError as error:
            shown, section = str(self.table[name])[:SHOWN_MAX], ".".join(self.at)
            raise self.bad(
                name, f"'{shown}' {Unfit.words(error, f'{name} of [{section}]')}",
                f"{name}: {self.known[name]}",
            ) from None  # fmt: skip

    def bad(self, name: str, what: str, help_text: str) -> BadConfig:
        """A mistake at a key."""
        return BadConfig(
            what, help=help_text, code="C101", place=self.document.place(*self.at, name)
        )


class _Secrets:
    """Reads the secrets of the routes, where they are wanted; a missing one is a warning."""

    def __init__(
        self, document: Document, around: Surroundings, warnings: list[str], *, wanted: bool
    ) -> None:
        self.document, self.environ, self.warnings = document, around.environ, warnings
        asked = around.credentials
        self.wanted = asked is Credentials.NOTIFY or (asked is Credentials.REQUIRED and wanted)

    def read(self, section: _Section, name: str, variable: str, route: str) -> tuple[str, str]:
        """Give the secret, and why there is none, or ""."""
        file = section.get(f"{name}_file", as_path, None)
        command = section.get(f"{name}_command", as_command, None)
        if not self.wanted:
            return "", ""
        try:
            text = self._text(section, name, variable, file, command).strip()
        except BadConfig as error:
            return "", self.warn(route, error.message)
        if not text:
            return "", self.warn(route, f"there is no {name}: set {variable} or {name}_file")
        if not text.isascii() or not text.isprintable() or len(text) > _SECRET_MAX:
            return "", self.warn(route, f"its {name} has characters that none has")
        return text, ""

    def warn(self, route: str, why: str) -> str:
        """Say at the beginning that nothing will be sent; gives the reason again."""
        self.warnings.append(f"no {route} can be sent: {why}")
        return why

    def _text(
        self, section: _Section, name: str, variable: str, file: object, command: object
    ) -> str:
        if self.environ.get(variable, "").strip():
            return self.environ[variable]
        if named := self.environ.get(f"{variable}_FILE", "").strip():
            return self._file(Path(named).expanduser(), name, Origin(From.ENVIRONMENT, variable))
        origin = Origin(From.FILE, self.document.place(*section.at))
        if isinstance(file, Path):
            return self._file(self.document.folder / file, name, origin)
        if isinstance(command, tuple):
            return secret_of_command(
                command, name, origin, cwd=self.document.folder, environ=self.environ
            )
        return ""

    def _file(self, path: Path, name: str, origin: Origin) -> str:
        text, warning = secret_of_file(path, name, origin)
        self.warnings += [warning] if warning else []
        return text


def _as_when(value: object) -> When:
    return When(str(as_choice(*When)(value)))


def _as_security(value: object) -> Security:
    return Security(str(as_choice(*Security)(value)))


def _as_shape(value: object) -> Shape:
    return Shape(str(as_choice(*Shape)(value)))


def _as_port(value: object) -> int:
    return int(str(as_whole(1, 65535)(value)))


def _as_host(value: object) -> str:
    host = as_text(value)
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise Unfit("is not the name of a server")
    return host


def _as_address(value: object) -> str:
    address = as_text(value)
    if not _ADDRESS.fullmatch(address):
        raise Unfit("is not an e-mail address such as ops@example.com")
    return address


def _as_addresses(value: object) -> tuple[str, ...]:
    found = tuple(_as_address(each) for each in as_words(value))
    if not found:
        raise Unfit("names nobody")
    return found


def _as_page_url(value: object) -> str:
    text = as_text(value)
    parts = parts_of_url(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unfit("is not an http or https address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Unfit("has a user, a query or a fragment")
    return text
