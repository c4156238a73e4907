"""Options, environment and `pipeline.toml` to `Settings`; the only reader of the environment.

Precedence: option > environment > profile > file > default (CLI §6). Each value remembers where it
came from, so that a bad one can be traced and `config show --origin` can say it.
"""

import base64
import binascii
import difflib
import ipaddress
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pipeline.model.endpoint import AuthScheme, Endpoint, Pace, Secret
from pipeline.model.stops import StopRun

CONFIG_NAME = "pipeline.toml"
SANDBOX = "sandbox"
PRODUCTION = "prod"
SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but a sandbox
PRESETS: Mapping[str, str] = {
    "product-api": "https://product-api.parcellab.com",
    "api": "https://api.parcellab.com",
    "eu": "https://api.eu.parcellab.com",
    "us": "https://api.us.parcellab.com",
}
# The secrets and the ways of the terminal that other programs share with us.
FOREIGN_VARIABLES: Mapping[str, str] = {
    "PARCELLAB_TOKEN": "the token of the account; only used for production",
    "PARCELLAB_TOKEN_FILE": "a file that holds the token, such as a systemd or Docker secret",
    "NO_COLOR": "no colours when set",
    "FORCE_COLOR": "colours also when piped, when set",
    "TERM": "`dumb` means plain lines instead of progress bars",
}
_TOKEN_MAX = 1 << 16  # bytes of a token file
_COMMAND_S = 30  # seconds a token_command may take
_SHOWN_MAX = 80  # characters of a bad value that a message quotes


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
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from; `place` names the option, the variable or the file and line."""

    kind: From
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.place}".rstrip()


Reader = Callable[[object], object]  # raises _Unfit("is not …")


class _Unfit(ValueError):  # noqa: N818 - the rest of a sentence that begins with the value
    pass


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, where each value came from, and what should be said about them.

    `values` also holds the keys that belong to a command rather than to the settings.
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


# --- readers: one value each, from TOML or text ------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Unfit("is not a text")
    return value.strip()


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


def _whole(least: int, most: int = 2**31 - 1) -> Reader:
    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,12}\s*", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _Unfit("is not a whole number")
        if not least <= value <= most:
            raise _Unfit(f"is not between {least} and {most}")
        return value

    return read


def _number(value: object) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _Unfit("is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unfit("is not a number")
    if not 0 < value < 1e9:
        raise _Unfit("is not a number above 0")
    return float(value)


def _rate(value: object) -> float | None:
    if isinstance(value, str):
        if value.strip().lower() == "off":
            return None
        value = value.strip().removesuffix("/s")
    return _number(value)


def _share(value: object) -> float | None:
    text = str(value).strip().lower()
    if text == "off":
        return None
    percent = text.endswith("%")
    try:
        share = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        raise _Unfit("is not a share such as 20%") from None
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise _Unfit("is not a share from 0% to 100%")
    return share


def _yes_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise _Unfit("is neither true nor false")


def _choice(*words: str) -> Reader:
    def read(value: object) -> str:
        word = str(value).strip().lower()
        if word not in words:
            near = did_you_mean(word, words)
            raise _Unfit(f"is not one of {', '.join(words)}" + (f"; {near}" if near else ""))
        return word

    return read


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise _Unfit("is not a list of texts")
    return tuple(each.strip() for each in value if each.strip())


def _paths(value: object) -> tuple[Path, ...]:
    parts = value.split(os.pathsep) if isinstance(value, str) else value
    return tuple(Path(each).expanduser() for each in _words(parts))


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            raise _Unfit("is not a command: a quote is not closed") from None
    words = _words(value)
    if not words:
        raise _Unfit("is not a command")
    return words


def _moment(value: object) -> time | datetime:
    """Read 06:00 (the next one) or a date and time with or without offset."""
    text = str(value).strip()
    for read in (time.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    raise _Unfit("is neither a time such as 06:00 nor a date with time")


def _zone(value: object) -> str:
    name = _text(value)
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        near = did_you_mean(name, available_timezones())
        raise _Unfit("is not a time zone" + (f"; {near}" if near else "")) from None
    return name


def _url(value: object) -> str:
    text = _text(value).rstrip("/")
    return PRESETS.get(text, text)


_ANY, _PROFILE, _COMMAND = Where.ANYWHERE, Where.PROFILE, Where.COMMAND
_PACE = Pace()

KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("base_url", _url, _PROFILE,
            "where orders go: product-api, api, eu, us, or a URL on this machine"),
        Key("account", _whole(1), _PROFILE, "number of the parcelLab account"),
        Key("auth_scheme", _choice(*AuthScheme), _PROFILE,
            "form of the Authorization header: parcellab-raw, parcellab-encoded or bearer",
            default=AuthScheme.PARCELLAB_RAW.value),
        Key("production", _yes_no, _PROFILE,
            "ask before sending; only a URL on this machine may say false"),
        Key("token_file", _path, _PROFILE, "file that holds the token"),
        Key("token_command", _command, _PROFILE, "command that prints the token"),
        Key("auto_approve", _yes_no, _PROFILE, "send without asking", default=False, option="yes"),
        Key("home", _path, _ANY, "folder for plans, logs and the ledger", default=Path(".pipeline")),
        Key("report_dir", _path, _ANY, "folder for reports", default=Path("reports")),
        Key("ledger", _text, _ANY, "path of the ledger, or a postgresql:// URL"),
        Key("timezone", _zone, _ANY, "time zone of reports and of --until"),
        Key("rate", _rate, _ANY, "at most so many requests per second; off for no limit"),
        Key("concurrency", _whole(1, 256), _ANY, "requests in flight", default=_PACE.concurrency),
        Key("connect_s", _number, _ANY, "seconds to wait for a connection",
            default=_PACE.connect_s),
        Key("read_s", _number, _ANY, "seconds to wait for more of an answer", default=_PACE.read_s),
        Key("deadline_s", _number, _ANY, "seconds for one request in total",
            default=_PACE.deadline_s),
        Key("attempts", _whole(1, 100), _ANY, "attempts per order", default=_PACE.attempts),
        Key("order_s", _number, _ANY, "seconds for all attempts of one order",
            default=_PACE.order_s),
        Key("outage_failures", _whole(1), _ANY, "straight failures after which sending pauses",
            default=_PACE.outage_failures),
        Key("outage_probe_s", _number, _ANY, "seconds between two tries during a pause",
            default=_PACE.outage_probe_s),
        Key("outage_stop_s", _number, _ANY, "seconds of pause after which the run stops",
            default=_PACE.outage_stop_s),
        Key("wait_max_s", _number, _ANY, "longest wait the API may ask for before the run stops",
            default=_PACE.wait_max_s),
        Key("max_reject_rate", _share, _ANY,
            "stop when more than this share of the rows is rejected; off for never", default=0.2),
        Key("max_orders", _whole(1), _ANY, "stop when there are more orders than this"),
        Key("min_rows", _whole(1), _ANY, "stop when there are fewer rows than this"),
        Key("partial_ok", _yes_no, _ANY, "exit 0 instead of 3", default=False),
        Key("fail_on_empty", _yes_no, _ANY, "exit 9 when there is nothing to import",
            default=False),
        Key("pii", _choice("mask", "show", "none"), _ANY,
            "personal data in the report: mask, show or none", default="mask"),
        Key("mapping", _paths, _COMMAND, "mapping file; give it again for several exports",
            default=()),
        Key("limit", _whole(1), _COMMAND, "only the first N orders"),
        Key("only_orders", _words, _COMMAND, "only this order number; may be given again",
            default=(), option="only_order"),
        Key("backfill", _yes_no, _COMMAND,
            "old orders: trackings get notifications_inactive=true", default=False),
        Key("until", _moment, _COMMAND, "stop at this time; `resume` goes on"),
        Key("out", _path, _COMMAND, "folder of the plan"),
        Key("new_ledger", _yes_no, _COMMAND,
            "move a damaged ledger aside and begin a new one: every order is sent again",
            default=False),
    )
}  # fmt: skip

# Read by `look` and by the search for the file, before the keys above.
LOOKS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("config", _path, _COMMAND, "configuration file"),
        Key("profile", _text, _COMMAND, "section [profile.NAME] to use", default=SANDBOX),
        Key("json", _yes_no, _COMMAND, "one JSON object on stdout", default=False),
        Key("log_format", _choice("text", "json"), _COMMAND, "form of the log on stderr",
            default="text"),
        Key("color", _choice("auto", "always", "never"), _COMMAND, "colours", default="auto"),
        Key("quiet", _yes_no, _COMMAND, "result and errors only", default=False),
        Key("verbose", _whole(0, 3), _COMMAND, "more log; twice for tracebacks", default=0),
    )
}  # fmt: skip


def environment() -> dict[str, str]:
    """Give a copy of the process's environment; nothing else in the package looks at it."""
    return dict(os.environ)


def look(overrides: Mapping[str, object], environ: Mapping[str, str]) -> Look:
    """Read how output should look; `overrides` are options as given.

    Raises:
        BadConfig: a value cannot be used.
    """

    def get(name: str, kind: type[T]) -> T:
        return _want(_given(LOOKS[name], overrides, environ) or _default(LOOKS[name]), name, kind)

    color = get("color", str)
    if color == "auto" and environ.get("NO_COLOR"):
        color = "never"
    elif color == "auto" and environ.get("FORCE_COLOR"):
        color = "always"
    return Look(
        json=get("json", bool),
        log_format=get("log_format", str),
        color=color,
        quiet=get("quiet", bool),
        verbose=get("verbose", int),
        dumb=environ.get("TERM") == "dumb",
    )


def load(
    config_path: Path | None,
    profile: str | None,
    overrides: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
    *,
    credentials: Credentials = Credentials.REQUIRED,
) -> Loaded:
    """Find the configuration and make the settings of one profile.

    Args:
        config_path: the file named by an option; None searches.
        profile: the profile named by an option.
        overrides: options as the command line gave them, by key; None, () and False mean not given.
        environ: the environment.
        cwd: where the search starts and to which paths of options are relative.
        credentials: whether the token is read and must be there.

    Raises:
        BadConfig: with the place of the first mistake.
    """
    path = find_config(config_path, environ, cwd)
    document = _Document.read(path, cwd) if path is not None else _Document(None, "", {}, cwd)
    document.refuse_unknown()
    name = profile or environ.get(LOOKS["profile"].variable, "").strip() or SANDBOX
    section = document.profile(name)
    values: dict[str, _Value] = {}
    for key in KEYS.values():
        found = (
            _given(key, overrides, environ)
            or document.value(key, section)
            or _builtin(key, name)
            or _default(key)
        )
        values[key.name] = _placed(key, found, cwd=cwd, folder=document.folder)
    owners = document.owners(section)
    maker = _Maker(name, values, environ, document)
    settings = maker.settings(owners, credentials)
    return Loaded(
        settings=settings,
        values={name: value.value for name, value in values.items()},
        origins={name: value.origin for name, value in values.items()}
        | ({"token": maker.token_origin} if maker.token_origin else {}),
        warnings=(*_unknown_variables(environ), *maker.warnings),
        path=path,
    )


def find_config(config_path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Find the configuration file: named, upward to the repository's root, or the user's own.

    Outside of a repository only the present folder counts: a file of somebody else further up
    could name a `token_command`.

    Raises:
        BadConfig: a file is named and not there.
    """
    named = config_path or (
        Path(text).expanduser() if (text := environ.get(LOOKS["config"].variable)) else None
    )
    if named is not None:
        path = cwd / named
        if not path.is_file():
            by = "" if config_path else f" (from environment variable {LOOKS['config'].variable})"
            raise missing_file("configuration file", named, cwd, by=by)
        return path
    above = [cwd, *cwd.parents]
    root = next((n for n, folder in enumerate(above) if (folder / ".git").exists()), 0)
    for folder in above[: root + 1]:
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    own = user_config(environ)
    return own if own is not None and own.is_file() else None


def user_config(environ: Mapping[str, str]) -> Path | None:
    """Where the user's own configuration would be."""
    base = environ.get("XDG_CONFIG_HOME") or (
        f"{environ['HOME']}/.config" if environ.get("HOME") else None
    )
    return Path(base) / "pipeline" / "config.toml" if base else None


def missing_file(what: str, path: Path, cwd: Path, *, by: str = "") -> BadConfig:
    """Say that a file is not there, and which one of its folder may be meant."""
    folder = (cwd / path).parent
    try:
        near = difflib.get_close_matches(path.name, [p.name for p in folder.iterdir()], n=1)
    except OSError:
        near = []
    shown = path.parent if str(path.parent) != "." else "."
    help_text = f"did you mean {near[0]}? (in {shown})" if near else "check the path"
    return BadConfig(f"{what} {path} does not exist{by}", help=help_text, code="C103")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a typo, or "".

    >>> did_you_mean("ratte", ["rate", "limit"])
    'did you mean rate?'
    """
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


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


# --- one value from one place ------------------------------------------------------------------


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Value:
    value: object
    origin: Origin


def _want(found: _Value, name: str, kind: type[T]) -> T:
    if not isinstance(found.value, kind):  # a reader and its use disagree
        raise TypeError(f"{name} is {type(found.value).__name__}, not {kind.__name__}")
    return found.value


def _default(key: Key) -> _Value:
    return _Value(key.default, Origin(From.DEFAULT))


def _builtin(key: Key, profile: str) -> _Value | None:
    if profile != SANDBOX:
        return None
    value = {"base_url": "http://127.0.0.1:8765", "account": 1618}.get(key.name)
    return None if value is None else _Value(value, Origin(From.DEFAULT, "profile sandbox"))


def _given(key: Key, overrides: Mapping[str, object], environ: Mapping[str, str]) -> _Value | None:
    """Read a key from its option, else from its environment variable."""
    given = overrides.get(key.name)
    if given not in (None, (), False):
        return _read(key, given, Origin(From.OPTION, key.flag), key.flag)
    text = environ.get(key.variable, "")
    if text.strip():
        called = key.flag if key.where is not Where.PROFILE or key.option else key.name
        return _read(key, text, Origin(From.ENVIRONMENT, key.variable), called)
    return None


def _read(key: Key, raw: object, origin: Origin, called: str) -> _Value:
    try:
        return _Value(key.read(raw), origin)
    except ValueError as error:
        source, place = "", None
        if origin.kind is From.ENVIRONMENT:
            source = f" (from environment variable {origin.place})"
        elif origin.kind is not From.OPTION:
            place = origin.place.partition(" ")[0]
            source = f" (from {origin.place})"
        raise BadConfig(
            f"{_quoted(key, raw)} {error} for {called}{source}",
            help=f"{called}: {key.says}",
            code="C101",
            place=place,
        ) from None


def _quoted(key: Key, raw: object) -> str:
    if key.name in ("ledger", "base_url"):  # either may carry a password
        return "the value"
    text = raw if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else str(raw)
    return f"'{text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + '…'}'"


def _placed(key: Key, found: _Value, *, cwd: Path, folder: Path) -> _Value:
    """Make a path absolute: of an option against the present folder, of a file against the file's."""
    base = cwd if found.origin.kind in (From.OPTION, From.ENVIRONMENT) else folder
    if isinstance(found.value, Path):
        return _Value(base / found.value, found.origin)
    if key.name == "ledger" and isinstance(found.value, str) and "://" not in found.value:
        return _Value(str(base / Path(found.value).expanduser()), found.origin)
    return found


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Warn of typos. Other names stay unmentioned: CI systems have PIPELINE_… variables too."""
    prefix = "PIPELINE_"
    known = [key.variable.removeprefix(prefix) for key in (*KEYS.values(), *LOOKS.values())]
    told = []
    for name in sorted(environ):
        ending = name.removeprefix(prefix)
        if ending == name or ending in known:
            continue
        near = difflib.get_close_matches(ending, known, n=1, cutoff=0.75)
        if near:
            told.append(
                f"environment variable {name} is not known; did you mean {prefix}{near[0]}?"
            )
    return told


# --- the file ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Document:
    path: Path | None
    text: str
    data: dict[str, object]
    folder: Path  # to which its paths, and the default ones, are relative
    name: str = ""

    @classmethod
    def read(cls, path: Path, cwd: Path) -> "_Document":
        try:
            name = str(path.relative_to(cwd))
        except ValueError:
            name = os.path.relpath(path, cwd) if path.name == CONFIG_NAME else str(path)
        try:
            text = path.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            at = re.search(r"at line (\d+), column (\d+)", str(error))
            words = re.sub(r" \(at .*\)$", "", str(error))
            place = f"{name}:{at[1]}:{at[2]}" if at else name
            raise BadConfig(
                f"{name} is not readable as TOML: {words}",
                help="correct the place",
                code="C100",
                place=place,
            ) from None
        except (OSError, UnicodeError) as error:
            words = getattr(error, "strerror", None) or "it is not UTF-8"
            raise BadConfig(f"{name} cannot be read: {words}", code="C100", place=name) from None
        folder = path.parent if path.name == CONFIG_NAME else cwd
        return cls(path, text, data, folder, name)

    def place(self, *keys: str) -> str:
        """Name the line of a key by a scan of the text: tomllib keeps no positions."""
        line = _line_of(self.text, keys)
        return f"{self.name}:{line}" if line else self.name

    def refuse_unknown(self) -> None:
        anywhere = [key.name for key in KEYS.values() if key.where is Where.ANYWHERE]
        profile = [key.name for key in KEYS.values() if key.where is not Where.COMMAND]
        self._refuse_keys(self.data, (), [*anywhere, "owners", "profile"])
        profiles = self._table(self.data.get("profile", {}), ("profile",))
        for name, section in profiles.items():
            table = self._table(section, ("profile", name))
            self._refuse_keys(table, ("profile", name), [*profile, "owners"])

    def _refuse_keys(
        self, table: Mapping[str, object], at: tuple[str, ...], known: list[str]
    ) -> None:
        for name in table:
            if name in known:
                continue
            section = f" in [{'.'.join(at)}]" if at else ""
            help_text = did_you_mean(name, known) or f"known are: {', '.join(sorted(known))}"
            if name in KEYS and not at and KEYS[name].where is Where.PROFILE:
                help_text = "it belongs into a profile: [profile.prod]"
            elif name in KEYS:
                help_text = f"it can only be given as {KEYS[name].flag}"
            raise BadConfig(
                f"unknown key {name}{section}",
                help=help_text,
                code="C102",
                place=self.place(*at, name),
            )

    def _table(self, value: object, at: tuple[str, ...]) -> dict[str, object]:
        if not isinstance(value, dict):
            raise BadConfig(
                f"{'.'.join(at)} is not a section",
                help=f"write [{'.'.join([*at, 'NAME'][:2])}]",
                code="C101",
                place=self.place(*at),
            )
        return value

    def profile(self, name: str) -> tuple[str, ...]:
        """Give the path of a profile's section.

        Raises:
            BadConfig: there is no such profile.
        """
        profiles = self._table(self.data.get("profile", {}), ("profile",))
        known = sorted({SANDBOX, PRODUCTION, *profiles})
        if name not in known:
            help_text = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise BadConfig(f"there is no profile {name}", help=help_text, code="C116")
        return ("profile", name)

    def value(self, key: Key, section: tuple[str, ...]) -> _Value | None:
        """Read a key from the profile's section, else from the top of the file."""
        for at, kind in ((section, From.PROFILE), ((), From.FILE)):
            table = self._at(at)
            if key.where is Where.COMMAND or key.name not in table:
                continue
            section_name = f" [{'.'.join(at)}]" if at else ""
            words = self.place(*at, key.name) + section_name
            return _read(key, table[key.name], Origin(kind, words), key.name)
        return None

    def owners(self, section: tuple[str, ...]) -> dict[str, str]:
        """Give who fixes what, the profile's own words over those of the file."""
        merged: dict[str, str] = {}
        for at in ((), section):
            table = self._table(self._at(at).get("owners", {}), (*at, "owners"))
            for code, owner in table.items():
                if not isinstance(owner, str) or not owner.strip():
                    raise BadConfig(
                        f"the owner of {code} is not a text",
                        help='write a name: R301 = "Warehouse"',
                        code="C101",
                        place=self.place(*at, "owners", code),
                    )
                merged[code] = owner.strip()
        return merged

    def _at(self, keys: tuple[str, ...]) -> dict[str, object]:
        table: object = self.data
        for key in keys:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        return table if isinstance(table, dict) else {}


_HEADER = re.compile(r"\s*\[+\s*([^\[\]]+?)\s*\]+")
_ASSIGNMENT = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"([^"]*)"|'([^']*)'""")


def _line_of(text: str, keys: tuple[str, ...]) -> int | None:
    r"""Find the line on which a key or a section is written, counted from 1.

    >>> _line_of('rate = 5\n[profile.prod]\naccount = 1', ("profile", "prod", "account"))
    3
    """
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = found = _parts(header[1])
        elif assignment := _ASSIGNMENT.match(line):
            found = (*section, *_parts(assignment[1]))
        else:
            continue
        if found[: len(keys)] == keys:
            return number
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(m[1] or m[2] or m[0] for m in _PART.finditer(dotted))


# --- values to settings ------------------------------------------------------------------------


class _Maker:
    """Puts the values of one profile together and judges what depends on more than one of them."""

    def __init__(
        self,
        profile: str,
        values: dict[str, _Value],
        environ: Mapping[str, str],
        document: _Document,
    ) -> None:
        self.profile = profile
        self.values = values
        self.environ = environ
        self.document = document
        self.warnings: list[str] = []
        self.token_origin: Origin | None = None

    def get(self, name: str, kind: type[T]) -> T:
        return _want(self.values[name], name, kind)

    def maybe(self, name: str, kind: type[T]) -> T | None:
        return None if self.values[name].value is None else self.get(name, kind)

    def settings(self, owners: Mapping[str, str], credentials: Credentials) -> Settings:
        home = self.get("home", Path)
        if self.values["ledger"].value is None:
            self.values["ledger"] = _Value(str(home / "ledger.db"), Origin(From.DEFAULT))
        if self.values["timezone"].value is None:
            self.values["timezone"] = _Value(system_timezone(self.environ), Origin(From.DEFAULT))
        return Settings(
            profile=self.profile,
            endpoint=self._endpoint(credentials),
            pace=self._pace(),
            home=home,
            reports=self.get("report_dir", Path),
            ledger=self.get("ledger", str),
            timezone=self.get("timezone", str),
            owners=owners,
            auto_approve=self.get("auto_approve", bool),
        )

    def _pace(self) -> Pace:
        return Pace(
            concurrency=self.get("concurrency", int),
            rate_per_s=self.maybe("rate", float),
            connect_s=self.get("connect_s", float),
            read_s=self.get("read_s", float),
            deadline_s=self.get("deadline_s", float),
            attempts=self.get("attempts", int),
            order_s=self.get("order_s", float),
            outage_failures=self.get("outage_failures", int),
            outage_probe_s=self.get("outage_probe_s", float),
            outage_stop_s=self.get("outage_stop_s", float),
            wait_max_s=self.get("wait_max_s", float),
        )

    def _endpoint(self, credentials: Credentials) -> Endpoint:
        for name in ("base_url", "account"):
            if self.values[name].value is None:
                said = f"{KEYS[name].says}; set it in [profile.{self.profile}] of {CONFIG_NAME}"
                raise BadConfig(
                    f"profile {self.profile} has no {name}",
                    help=said,
                    code="C105",
                    place=self.document.place("profile", self.profile)
                    if self.document.path
                    else None,
                )
        local = self._checked_host()
        account = self.get("account", int)
        production = self.maybe("production", bool)
        if production is None:
            production = self.profile == PRODUCTION or not local
            self.values["production"] = _Value(production, Origin(From.DEFAULT))
        token = Secret("")
        if credentials is Credentials.REQUIRED:
            token = Secret(self._token(account, local=local, production=production))
        return Endpoint(
            base_url=self.get("base_url", str),
            account=account,
            token=token,
            auth=AuthScheme(self.get("auth_scheme", str)),
            production=production,
        )

    def _checked_host(self) -> bool:
        """Tell whether the API is on this machine; refuse every host that may not get the token."""
        found = self.values["base_url"]
        url = _split(self.get("base_url", str))
        local = url is not None and _loopback(url.hostname or "")
        if url is None or not _allowed(url, local=local):
            shown = f"{url.scheme}://{url.hostname or ''}" if url else "it"
            raise BadConfig(
                f"base_url may only be https://….parcellab.com or this machine; {shown} is neither"
                if url is None or not (local or _ours(url))
                else f"base_url {shown} has a user, a path, a query or a fragment",
                help=f"use one of {', '.join(PRESETS)}, or http://127.0.0.1:PORT",
                code="C106",
                place=_place_of(found.origin),
            )
        if local:
            return True
        if self.profile == SANDBOX or self.values["production"].value is False:
            raise BadConfig(
                f"profile {self.profile} would send to {url.hostname}, which is production",
                help="production is named: use --profile prod, and set base_url in [profile.prod]",
                code="C107",
                place=_place_of(found.origin),
            )
        return False

    # -- the token ------------------------------------------------------------------------------

    def _token(self, account: int, *, local: bool, production: bool) -> str:
        text, origin = self._token_text(production=production)
        if text is None:
            if production:
                raise BadConfig(
                    f"there is no token for profile {self.profile}; nothing was sent",
                    help="set PARCELLAB_TOKEN or PARCELLAB_TOKEN_FILE, or token_command in "
                    f"[profile.{self.profile}]",
                    code="C108",
                )
            text, origin = SANDBOX_TOKEN, Origin(From.DEFAULT, "of the sandbox")
        self.token_origin = origin
        token = _checked_token(text, account, origin)
        if token == SANDBOX_TOKEN and not local:
            raise BadConfig(
                "the token of the sandbox opens no account at parcelLab",
                help="use the token that the portal shows",
                code="C109",
            )
        return token

    def _token_text(self, *, production: bool) -> tuple[str | None, Origin]:
        # A token of production never goes to a sandbox only because it happens to be exported (S2).
        if production:
            if self.environ.get("PARCELLAB_TOKEN", "").strip():
                return self.environ["PARCELLAB_TOKEN"], Origin(From.ENVIRONMENT, "PARCELLAB_TOKEN")
            if named := self.environ.get("PARCELLAB_TOKEN_FILE", "").strip():
                origin = Origin(From.ENVIRONMENT, "PARCELLAB_TOKEN_FILE")
                return self._token_file(Path(named).expanduser(), origin), origin
        file = self.maybe("token_file", Path)
        if file is not None:
            origin = self.values["token_file"].origin
            return self._token_file(file, origin), origin
        command = self.values["token_command"]
        if isinstance(command.value, tuple):
            return self._token_command(command.value, command.origin), command.origin
        return None, Origin(From.DEFAULT)

    def _token_file(self, path: Path, origin: Origin) -> str:
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(_TOKEN_MAX).decode("utf-8")
        except (OSError, UnicodeError) as error:
            words = getattr(error, "strerror", None) or "it is not text"
            raise BadConfig(
                f"the token file {path} cannot be read: {words}",
                help="check the path and the rights of this user",
                code="C108",
                place=_place_of(origin),
            ) from None
        if mode & 0o077:
            self.warnings.append(
                f"the token file {path} can be read by other users; chmod 600 closes it"
            )
        return text

    def _token_command(self, command: tuple[str, ...], origin: Origin) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the user's own configuration names it; no shell
                command,
                capture_output=True,
                timeout=_COMMAND_S,
                check=False,
                cwd=self.document.folder,
                env=dict(self.environ),
                text=True,
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeError) as error:
            words = getattr(error, "strerror", None) or "it did not end or printed no text"
            raise _command_failed(command[0], words, origin) from None
        if done.returncode != 0:
            # its words stay out: they may hold what must not be shown
            raise _command_failed(command[0], f"exit code {done.returncode}", origin)
        return done.stdout


def _command_failed(name: str, words: str, origin: Origin) -> BadConfig:
    return BadConfig(
        f"token_command {name} failed: {words}",
        help="run it by hand; it must print the token and nothing else",
        code="C108",
        place=_place_of(origin),
    )


def _checked_token(text: str, account: int, origin: Origin) -> str:
    """Give the bare token of either form that the portal shows; never repeats it in a message."""
    token = text.strip()

    def bad(what: str, help_text: str) -> BadConfig:
        return BadConfig(f"the token (from {origin}) {what}", help=help_text, code="C109")

    again = "copy the token again, exactly as the portal shows it"
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise bad("is empty or has characters that no token has", again)
    once = _encoded(token)
    if once is None:
        twice = _decoded(token)
        if twice is not None and _encoded(twice) is not None:
            raise bad("looks like base64 twice", again)
        return token
    if _encoded(once[1]) is not None:
        raise bad("looks like base64 twice", again)
    if once[0] != account:
        raise bad(
            f"belongs to account {once[0]}, the profile names account {account}",
            "use the token of that account, or correct account in the profile",
        )
    return once[1]


def _encoded(token: str) -> tuple[int, str] | None:
    """Take base64(account:token) apart, or give None if it is not that."""
    text = _decoded(token)
    match = re.fullmatch(r"([0-9]{1,10}):(.+)", text) if text else None
    return (int(match[1]), match[2]) if match else None


def _decoded(token: str) -> str | None:
    try:
        text = base64.b64decode(token, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return text if text.isprintable() else None


def _place_of(origin: Origin) -> str | None:
    if origin.kind is From.DEFAULT:
        return None
    if origin.kind in (From.PROFILE, From.FILE):
        return origin.place.partition(" ")[0]
    return f"{'environment variable ' if origin.kind is From.ENVIRONMENT else ''}{origin.place}"


def _split(url: str) -> SplitResult | None:
    try:
        split = urlsplit(url)
        _ = split.port  # is checked when it is asked for
    except ValueError:
        return None
    return split


def _ours(url: SplitResult) -> bool:
    return url.scheme == "https" and (url.hostname or "").endswith(".parcellab.com")


def _allowed(url: SplitResult, *, local: bool) -> bool:
    plain = not (url.username or url.password or url.path.strip("/") or url.query or url.fragment)
    return plain and (_ours(url) or (local and url.scheme in ("http", "https")))


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def system_timezone(environ: Mapping[str, str]) -> str:
    """Name the machine's time zone, or UTC when it does not say."""
    candidates = [environ.get("TZ", "").lstrip(":")]
    with suppress(OSError):
        candidates.append(str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2])
    for name in candidates:
        try:
            if name:
                return ZoneInfo(name).key
        except (OSError, ValueError, KeyError):
            continue
    return "UTC"
