"""Which hosts may get the token, and how it is written (CONTRACT K1, K2, §3; FAULTS S1, S2)."""

import asyncio
import contextlib
import ipaddress
from base64 import b64encode
from urllib.parse import SplitResult, urlsplit

from pipeline.model.endpoint import AuthScheme, Endpoint
from pipeline.send.stops import ApiAway, WrongEndpoint

_SUFFIX = ".parcellab.com"


def checked_base_url(base_url: str) -> str:
    """Give the base URL without a trailing slash if its host may get orders and the token.

    Raises:
        WrongEndpoint: not https to parcellab.com, nor http(s) to this machine.
    """
    url = urlsplit(base_url)
    if (
        not _allowed(url)
        or url.username is not None
        or url.password is not None
        or url.path.strip("/")
        or url.query
        or url.fragment
    ):
        raise WrongEndpoint(
            f"the base URL may only be https://….parcellab.com or this machine, "
            f"not {url.scheme}://{url.hostname or ''}",
            help="set base_url to one of the presets, without path, user or query",
        )
    return f"{url.scheme}://{url.netloc}"


def is_parcellab(base_url: str) -> bool:
    """Tell whether an API is parcelLab's own and not one on this machine."""
    return (urlsplit(base_url).hostname or "").endswith(_SUFFIX)


async def listening(base_url: str) -> None:
    """Make sure that somebody listens, where that can be known at once: on this machine.

    A remote API that does not answer is waited for; a sandbox that was never started is not.

    Raises:
        ApiAway: nothing listens at that port of this machine.
    """
    url = urlsplit(base_url)
    host = url.hostname or ""
    if not _loopback(host):
        return
    try:
        _, writer = await asyncio.open_connection(
            host, url.port or (443 if url.scheme == "https" else 80)
        )
    except ConnectionRefusedError:
        raise ApiAway(
            f"nothing listens at {base_url}",
            help="start the sandbox in another terminal with `pipeline sandbox`",
        ) from None
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _allowed(url: SplitResult) -> bool:
    host = url.hostname or ""
    if url.scheme == "https" and host.endswith(_SUFFIX):
        return True
    return url.scheme in ("http", "https") and _loopback(host)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def authorization(endpoint: Endpoint) -> tuple[str, tuple[str, ...]]:
    """Give the Authorization header and the texts that must never be shown.

    Raises:
        WrongEndpoint: the token is empty or has characters no header takes; its text is not shown.
    """
    token = endpoint.token.reveal().strip()
    # httpx prints the whole header when it finds an illegal character in it (FAULTS S1).
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise WrongEndpoint(
            "the token is empty or contains characters that no token has",
            help="copy the token again, exactly as the portal shows it",
        )
    encoded = b64encode(f"{endpoint.account}:{token}".encode()).decode()
    header = {
        AuthScheme.PARCELLAB_RAW: f"Parcellab-API-Token {token}",
        AuthScheme.PARCELLAB_ENCODED: f"Parcellab-API-Token {encoded}",
        AuthScheme.BEARER: f"Bearer {token}",
    }[endpoint.auth]
    return header, (token, encoded)
