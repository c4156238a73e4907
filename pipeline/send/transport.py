"""Which HTTP client carries the requests: the one line that docs/transport.md is about."""

import ssl
from enum import StrEnum

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from pipeline.model.endpoint import Pace

_KEEPALIVE_S = 30.0


class Kind(StrEnum):
    """The transports that the tests prove."""

    AIOHTTP = "aiohttp"
    PLAIN = "plain"  # httpx's own: its pool is quadratic in the requests in flight


def transport(kind: Kind, pace: Pace, tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    """Give a transport without redirects, cookies, proxies or retries of its own."""
    return _aiohttp(pace, tls) if kind is Kind.AIOHTTP else _plain(pace, tls)


def _plain(pace: Pace, tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(
        verify=tls,
        trust_env=False,
        retries=0,
        limits=httpx.Limits(
            max_connections=pace.concurrency,
            max_keepalive_connections=pace.concurrency,
            keepalive_expiry=_KEEPALIVE_S,
        ),
    )


def _aiohttp(pace: Pace, tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    def session() -> aiohttp.ClientSession:
        made = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=pace.concurrency,
                keepalive_timeout=_KEEPALIVE_S,
                ssl=tls,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )
        # aiohttp sends a PUT a second time by itself when a kept connection breaks after the
        # request went out. A line could be added twice and nobody would know; there is no public
        # switch (aiohttp 3.14), so a test proves that this one works.
        made._retry_connection = False  # noqa: SLF001
        return made

    return AiohttpTransport(verify=tls, trust_env=False, client=session)
