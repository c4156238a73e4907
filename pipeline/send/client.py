"""One request, one reply: headers, time limits, size limit, and what a failure means.

A failed request says only one thing that matters: could the server have got it? Both transports
hide that behind their exception types (httpx-aiohttp calls a reset after sending a
`ConnectTimeout`), so the cause underneath decides, and in doubt the answer is yes.
"""

import asyncio
import ssl
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp
import httpx

from pipeline.model.endpoint import Endpoint, Pace
from pipeline.send.hosts import authorization, checked_base_url
from pipeline.send.reply import NoReply, Reply
from pipeline.send.stops import NotTheApi
from pipeline.send.transport import Kind, transport

ORDERS_PATH = "/v4/track/orders/"
ANSWER_MAX = 1024 * 1024  # bytes of an answer, unpacked
_KEPT_HEADERS = frozenset((b"retry-after", b"date", b"location", b"content-type"))
_SECRET_MIN = 8  # a shorter one stands in every answer by chance
_HIDDEN = "•••".encode()


class OrderClient:
    """Talks to one account at one API. Open it with `async with` inside the event loop.

    Args:
        endpoint: Where and as whom.
        pace: Its concurrency limits the connections, its times each request.
        kind: The transport.
        tls: Trusted authorities other than the usual ones.

    Raises:
        WrongEndpoint: the host is not allowed, or the token cannot be a token.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        pace: Pace,
        *,
        kind: Kind = Kind.AIOHTTP,
        tls: ssl.SSLContext | None = None,
        user_agent: str = "pipeline",
    ) -> None:
        base_url = checked_base_url(endpoint.base_url)
        header, secrets = authorization(endpoint)
        self.account = endpoint.account
        self.auth_form = endpoint.auth.value
        self.base_url = base_url
        self._secrets = tuple(secret.encode() for secret in secrets if len(secret) >= _SECRET_MIN)
        self._deadline_s = pace.deadline_s
        self._orders = httpx.URL(base_url + ORDERS_PATH)
        self._headers = httpx.Headers(
            {
                "Host": self._orders.netloc.decode(),
                "Authorization": header,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": user_agent,
            }
        )
        self._put_headers = httpx.Headers({**self._headers, "Content-Type": "application/json"})
        self._extensions = {
            "timeout": {
                "connect": pace.connect_s,
                "read": pace.read_s,
                "write": pace.read_s,
                "pool": None,
            }
        }
        # The transport itself, not an AsyncClient around it: what that adds is redirects, cookies,
        # netrc and environment, none of which may happen here, for a third of the CPU time.
        self._transport = transport(kind, pace, tls or ssl.create_default_context())

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def put(self, body: bytes) -> Reply | NoReply:
        """Send one order, to be created or updated."""
        return await self._write("PUT", body)

    async def post(self, body: bytes) -> Reply | NoReply:
        """Send one order, to be created; one that exists is refused with 400 (CONTRACT F09)."""
        return await self._write("POST", body)

    async def _write(self, method: str, body: bytes) -> Reply | NoReply:
        return await self._ask(
            httpx.Request(
                method,
                self._orders,
                headers=self._put_headers,
                content=body,
                extensions=self._extensions,
            )
        )

    async def get(self, order_number: str) -> Reply | NoReply:
        """Read one order back: as an object, or as a list where its number fits no path (K30)."""
        number = quote(order_number, safe="")
        if "/" in order_number or "." in order_number or order_number.startswith("info"):
            url = f"{self._orders}?account={self.account}&order_number={number}"
        else:
            url = f"{self._orders}{number}/?lookup_by=order-number&account={self.account}"
        return await self._ask(
            httpx.Request("GET", url, headers=self._headers, extensions=self._extensions)
        )

    async def _ask(self, request: httpx.Request) -> Reply | NoReply:
        try:
            # The total deadline: a dripping server never trips a read timeout (FAULTS N9).
            async with asyncio.timeout(self._deadline_s):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            return NoReply(f"no whole answer within {self._deadline_s:g} s", sent=True, late=True)
        except _TooLarge:
            return NoReply(f"the answer is larger than {ANSWER_MAX} bytes", sent=True)
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            return _no_reply(error)
        body = self._hide(body)
        headers = {
            name.lower().decode("latin-1"): self._hide(value).decode("utf-8", "replace")
            for name, value in response.headers.raw
            if name.lower() in _KEPT_HEADERS
        }
        return Reply(response.status_code, body, headers)

    def _hide(self, text: bytes) -> bytes:
        """Take out the token, should a server send it back: its words go into the report."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _HIDDEN)
        return text


class _TooLarge(Exception):  # noqa: N818 - never leaves this module
    pass


async def _read(response: httpx.Response) -> bytes:
    body = b""
    async for part in response.aiter_bytes():
        body = body + part if body else part
        if len(body) > ANSWER_MAX:
            raise _TooLarge
    return body


def _no_reply(error: BaseException) -> NoReply:
    causes = _causes(error)
    words = _tls_words(causes)
    if words:
        return NoReply(words, sent=False, stop=_tls(words))
    # not httpx's own names for it: httpx-aiohttp calls a reset a ConnectTimeout
    late = any(isinstance(cause, TimeoutError) for cause in causes)
    if _never_connected(error, causes):
        return NoReply(_connect_words(causes), sent=False, late=late)
    # The type is enough: the text of an exception may quote headers or the answer.
    return NoReply(f"connection broke ({type(causes[-1]).__name__})", sent=True, late=late)


def _tls_words(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(
            cause, (ssl.SSLCertVerificationError, aiohttp.ClientConnectorCertificateError)
        ):
            # aiohttp keeps the reason in an attribute of its own
            inner = getattr(cause, "certificate_error", cause)
            return f"certificate refused: {getattr(inner, 'verify_message', '') or 'not trusted'}"
    refused = any(isinstance(cause, aiohttp.ClientConnectorSSLError) for cause in causes)
    if refused or (
        isinstance(causes[0], httpx.ConnectError)
        and any(isinstance(cause, ssl.SSLError) for cause in causes)
    ):
        return "no secure connection"
    return ""


def _never_connected(error: BaseException, causes: list[BaseException]) -> bool:
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)):
        # httpx-aiohttp uses these names for broken connections too; then aiohttp's own type says.
        below = [cause for cause in causes if isinstance(cause, aiohttp.ClientError)]
        return all(
            isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
            for cause in below
        )
    return False


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found


def _connect_words(causes: list[BaseException]) -> str:
    reasons = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    if any(isinstance(cause, TimeoutError) for cause in causes) and not reasons:
        return "no connection in time"
    return f"cannot connect: {reasons[-1]}" if reasons else "cannot connect"


def _tls(words: str) -> NotTheApi:
    return NotTheApi(
        f"no trusted connection to the Order API: {words}",
        help="check base_url, the clock of this machine and its list of trusted authorities",
    )
