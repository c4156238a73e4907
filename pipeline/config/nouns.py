"""The nouns of configuration: settings, where a value came from, and what a bad one is."""

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pipeline.model.edi.partner import Partner
from pipeline.model.endpoint import Endpoint, Pace
from pipeline.model.notice import Notify
from pipeline.model.schedule import Schedule
from pipeline.model.stops import StopRun

CONFIG_NAME = "pipeline.toml"


SANDBOX = "sandbox"


PRODUCTION = "prod"


PRESETS: Mapping[str, str] = {
    "product-api": "https://product-api.parcellab.com",
    "api": "https://api.parcellab.com",
    "eu": "https://api.eu.parcellab.com",
    "us": "https://api.us.parcellab.com",
}


SHOWN_MAX = 80  # characters of a bad value that a message quotes


class BadConfig(StopRun):
    """Options, environment or configuration file cannot be used as they are (exit 2)."""

    exit_code = 2


class Where(StrEnum):
    """Where a key may stand; an option (if there is one) and the environment are always allowed."""

    ANYWHERE = "file and profile"
    PROFILE = "profile only"
    COMMAND = "neither"


class From(StrEnum):
    """Where a value came from, strongest first."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    PROFILE = "profile"
    FILE = "file"
    DEFAULT = "default"


class Credentials(StrEnum):
    """Whether a missing token is a mistake. What only looks at local things needs none."""

    REQUIRED = "required"
    TOKEN = "token"  # the token alone  # noqa: S105 - a word
    NOTIFY = "notify"  # only the secrets of [notify], whatever it says of when
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from; `place` names the option, the variable or the file and line."""

    kind: From
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.place}".rstrip()


Reader = Callable[[object], object]  # raises Unfit("is not …")


class Unfit(ValueError):  # noqa: N818 - the rest of a sentence that begins with the value
    """A value that cannot be read; its text is the rest of a sentence that begins with the value.

    `hint` ends the sentence, behind what the value was for.
    """

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint

    @staticmethod
    def words(error: ValueError, of: str) -> str:
        """Write the rest of the sentence; `of` is what the value was for."""
        hint = error.hint if isinstance(error, Unfit) else ""
        return f"{error} for {of}{f'; {hint}' if hint else ''}"


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be set. `option` is the option's name where it is not that of the key."""

    name: str
    read: Reader
    where: Where
    says: str
    default: object = None
    option: str | None = None

    @property
    def flag(self) -> str:
        """The long option."""
        return "--" + (self.option or self.name).replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "PIPELINE_" + (self.option or self.name).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run needs to know of its surroundings."""

    profile: str
    endpoint: Endpoint
    pace: Pace
    home: Path
    reports: Path
    ledger: str  # a path or a SQLAlchemy URL
    timezone: str  # IANA; in which the report and the log write times
    owners: Mapping[str, str] = field(default_factory=dict)
    auto_approve: bool = False
    stable_s: float = 0.0  # how long a file must have been left alone before it is read
    archive: Path | None = None  # where files go when a run that has read them is over
    remote_archive: str | None = None  # the same for files on a server: a folder beside them
    s3_endpoint: str | None = None  # the store that s3:// means; None: what the chain of AWS says
    imported: str = "say"  # what to do about files that were imported before: say or skip
    marker: str | None = None  # the ending of a file that says that another one is finished
    profile_named: bool = False  # by an option, so that a printed command must name it too
    config: Path | None = None  # the file that an option named
    reports_named: bool = False  # by an option, too
    partners: tuple[Partner, ...] = ()  # none: EDI of every sender is taken
    metrics: Path | None = None  # where the last run's numbers are written for a monitoring
    acks: Path | None = None  # under which partners find their acknowledgements
    notify: Notify | None = None  # who is told how a run ended
    schedule: Schedule | None = None  # the nights on which a run is expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, where each value came from, and what should be said about them.

    `values` also holds the keys that belong to a command rather than to the settings; `origins` also
    the keys of sections, by their path ("notify.mail.host").
    """

    settings: Settings
    values: Mapping[str, object]
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...]
    path: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How output looks, known before any file is read."""

    json: bool = False
    log_format: str = "text"
    color: str = "auto"
    quiet: bool = False
    verbose: int = 0
    dumb: bool = False


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a typo, or "".

    >>> did_you_mean("ratte", ["rate", "limit"])
    'did you mean rate?'
    """
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


_SECTIONS: Mapping[str, str] = {
    "mail": "[notify.mail]",
    "notify": "[notify], for all profiles: `profiles` in it names those whose runs are told",
    "owners": "[owners] for all profiles, or [profile.NAME.owners] for one",
    "partner": "[partner.NAME], for all profiles",
    "profile": "[profile.NAME]",
    "schedule": "[schedule], for all profiles: `profile` in it names the one whose runs are expected",
    "webhook": "[notify.webhook]",
}


def where_it_belongs(name: str, value: object) -> str:
    """A hint for a section that stands in a wrong place, or "".

    >>> where_it_belongs("mail", {"host": "smtp.example.com"})
    'this section is written [notify.mail]'
    >>> where_it_belongs("prod", {"account": 1}), where_it_belongs("mail", "a@example.com")
    ('this section is written [profile.prod]', '')
    """
    if not isinstance(value, dict):
        return ""
    if name in (SANDBOX, PRODUCTION):
        return f"this section is written [profile.{name}]"
    return f"this section is written {_SECTIONS[name]}" if name in _SECTIONS else ""


def hidden(value: str) -> str:
    """Show the last four characters of a secret that is long enough to keep the rest.

    >>> hidden("0123456789abc9c1f"), hidden("short")
    ('…9c1f', '…')
    """
    return f"…{value[-4:]}" if len(value) >= 16 else "…"


def hidden_url(text: str) -> str:
    """Write a ledger's location without its password.

    >>> hidden_url("postgresql://me:secret@db.example/ledger")
    'postgresql://me:…@db.example/ledger'
    """
    return re.sub(r"(://[^/@:]*:)[^@]*@", r"\1…@", text)


def place_of(origin: Origin) -> str | None:
    """Where a person finds the value: file and line, variable or option."""
    if origin.kind is From.DEFAULT:
        return None
    if origin.kind in (From.PROFILE, From.FILE):
        return origin.place.partition(" ")[0]
    return f"{'environment variable ' if origin.kind is From.ENVIRONMENT else ''}{origin.place}"


def parts_of_url(url: str) -> SplitResult | None:
    """The parts of a URL, or None if it is none."""
    try:
        split = urlsplit(url)
        _ = split.port  # is checked when it is asked for
    except ValueError:
        return None
    return split


def loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
