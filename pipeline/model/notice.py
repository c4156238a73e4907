"""Who is told how a run ended, and what: values that `config` and `report` make and `notify` sends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.model.endpoint import Secret


class When(StrEnum):
    """Which runs are told."""

    PROBLEMS = "problems"
    ALWAYS = "always"
    NEVER = "never"


class Security(StrEnum):
    """How the connection to a mail server is kept private."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Shape(StrEnum):
    """What a webhook expects: our own document, or the message of a chat."""

    JSON = "json"
    SLACK = "slack"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRoute:
    """A mail server and who gets mail over it. `unusable` says why nothing can be sent."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    security: Security = Security.STARTTLS
    user: str | None = None
    password: Secret = field(default_factory=lambda: Secret(""))
    unusable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRoute:
    """An address that takes a POST; all of it but its host is a secret."""

    url: Secret
    host: str = ""
    shape: Shape = Shape.JSON
    unusable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Who is told, and about which runs. `report_url` is where `report_dir` is served, or ""."""

    when: When = When.PROBLEMS
    report_url: str = ""
    mail: MailRoute | None = None
    webhook: WebhookRoute | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is told of a run, in every form that a route may need; no value of a file is in it.

    `lines` are the same in a few sentences, `facts` for programs. `html` is "" for text only, `url`
    where the report has no address. `problem` is whether a person should look.
    """

    run_id: str
    subject: str
    text: str
    html: str
    lines: tuple[str, ...]
    facts: Mapping[str, object]
    problem: bool
    url: str = ""
