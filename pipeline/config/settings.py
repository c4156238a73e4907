"""Values to settings: endpoint, token, folders, and what must not be."""

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult
from zoneinfo import ZoneInfo

from pipeline.config.document import Document
from pipeline.config.keys import KEYS
from pipeline.config.nouns import (
    CONFIG_NAME,
    PRESETS,
    PRODUCTION,
    SANDBOX,
    BadConfig,
    Credentials,
    From,
    Origin,
    Settings,
    loopback,
    parts_of_url,
    place_of,
)
from pipeline.config.secrets import secret_of_command, secret_of_file
from pipeline.config.values import T, Value, want
from pipeline.model.endpoint import AuthScheme, Endpoint, Pace, Secret

SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but a sandbox


class Maker:
    """Puts the values of one profile together and judges what depends on more than one of them."""

    def __init__(
        self,
        profile: str,
        values: dict[str, Value],
        environ: Mapping[str, str],
        document: Document,
    ) -> None:
        self.profile = profile
        self.values = values
        self.environ = environ
        self.document = document
        self.warnings: list[str] = []
        self.token_origin: Origin | None = None

    def get(self, name: str, kind: type[T]) -> T:
        """The value of a key, which must be there."""
        return want(self.values[name], name, kind)

    def maybe(self, name: str, kind: type[T]) -> T | None:
        """The value of a key, or None."""
        return None if self.values[name].value is None else self.get(name, kind)

    def settings(self, owners: Mapping[str, str], credentials: Credentials) -> Settings:
        """All settings together."""
        home = self.get("home", Path)
        if self.values["ledger"].value is None:
            self.values["ledger"] = Value(str(home / "ledger.db"), Origin(From.DEFAULT))
        if self.values["timezone"].value is None:
            self.values["timezone"] = Value(system_timezone(self.environ), Origin(From.DEFAULT))
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
            stable_s=self.get("stable_s", float),
            archive=self.maybe("archive_dir", Path),
            remote_archive=self.maybe("remote_archive", str),
            s3_endpoint=self.maybe("s3_endpoint", str),
            imported=self.get("imported", str),
            marker=self.maybe("marker", str),
            acks=self.maybe("acks_dir", Path),
            metrics=self._metrics(),
        )

    def _metrics(self) -> Path | None:
        path = self.maybe("metrics", Path)
        if path is not None and path.suffix != ".prom":
            self.warnings.append(f"metrics: the node exporter reads only *.prom, not {path.name}")
        return path

    def _pace(self) -> Pace:
        return Pace(
            concurrency=self.get("concurrency", int),
            rate_per_s=self.maybe("rate", float),
            connect_s=self.get("connect_s", float),
            read_s=self.get("read_s", float),
            deadline_s=self.get("deadline_s", float),
            lease_s=self.get("lease_s", float),
            late_s=self.get("late_s", float),
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
            self.values["production"] = Value(production, Origin(From.DEFAULT))
        token = Secret("")
        if credentials in (Credentials.REQUIRED, Credentials.TOKEN):
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
        url = parts_of_url(self.get("base_url", str))
        local = url is not None and loopback(url.hostname or "")
        if url is None or not _allowed(url, local=local):
            shown = f"{url.scheme}://{url.hostname or ''}" if url else "it"
            raise BadConfig(
                f"base_url may only be https://….parcellab.com or this machine; {shown} is neither"
                if url is None or not (local or _ours(url))
                else f"base_url {shown} has a user, a path, a query or a fragment",
                help=f"use one of {', '.join(PRESETS)}, or http://127.0.0.1:PORT",
                code="C106",
                place=place_of(found.origin),
            )
        if local:
            return True
        if self.profile == SANDBOX or self.values["production"].value is False:
            raise BadConfig(
                f"profile {self.profile} would send to {url.hostname}, which is production",
                help="production is named: use --profile prod, and set base_url in [profile.prod]",
                code="C107",
                place=place_of(found.origin),
            )
        return False

    # -- the token ------------------------------------------------------------------------------

    def _token(self, account: int, *, local: bool, production: bool) -> str:
        text, origin = self._token_text(production=production)
        if text is None:
            if production:
                raise BadConfig(
                    f"there is no token for profile {self.profile} ({self.get('base_url', str)}, "
                    f"account {account}); nothing was sent",
                    help="set PARCELLAB_TOKEN or PARCELLAB_TOKEN_FILE, or token_command in "
                    f"[profile.{self.profile}]",
                    code="C108",
                )
            text, origin = SANDBOX_TOKEN, Origin(From.DEFAULT, "of the sandbox")
        self.token_origin = origin
        token = _checked_token(text, account, self.get("base_url", str), origin)
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
            text = secret_of_command(
                command.value, "token", command.origin, cwd=self.document.folder,
                environ=self.environ,
            )  # fmt: skip
            return text, command.origin
        return None, Origin(From.DEFAULT)

    def _token_file(self, path: Path, origin: Origin) -> str:
        text, warning = secret_of_file(path, "token", origin)
        self.warnings += [warning] if warning else []
        return text


def _checked_token(text: str, account: int, base_url: str, origin: Origin) -> str:
    """Give the bare token of either form that the portal shows; never repeats it in a message."""
    token = text.strip()

    def bad(what: str, help_text: str) -> BadConfig:
        said = f"the token for account {account} at {base_url} (from {origin}) {what}"
        return BadConfig(said, help=help_text, code="C109")

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
            f"belongs to account {once[0]}",
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


def _ours(url: SplitResult) -> bool:
    return url.scheme == "https" and (url.hostname or "").endswith(".parcellab.com")


def _allowed(url: SplitResult, *, local: bool) -> bool:
    plain = not (url.username or url.password or url.path.strip("/") or url.query or url.fragment)
    return plain and (_ours(url) or (local and url.scheme in ("http", "https")))


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
