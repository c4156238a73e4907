"""What happens to a connection below HTTP: resets, cuts, drips and silence.

uvicorn gives an application no way to its sockets, so its protocol class is extended to keep a
register of open connections; an answer of this module finds its own by the client's address.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_INTERIM = 2000


class Wire:
    """One open connection."""

    __slots__ = ("lost", "transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.lost = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether either side has ended the connection."""
        return self.transport.is_closing() or self.lost.is_set()

    async def reset(self) -> None:
        """Drop the connection so that the client's kernel reports a reset."""
        sock: socket.socket = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()
        await self.lost.wait()

    async def close(self) -> None:
        """Send what is still buffered, then end the connection in good order."""
        self.transport.close()
        await self.lost.wait()

    async def hold(self, seconds: float) -> bool:
        """Wait so long or until the client leaves; tell whether it is still there."""
        try:
            await asyncio.wait_for(self.lost.wait(), seconds)
        except TimeoutError:
            return True
        return False


class Wires:
    """The register of open connections of one server."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Wire] = {}

    def of(self, scope: Scope) -> Wire:
        """Return the connection a request came by."""
        host, port = scope["client"]
        return self._open[host, port]

    def protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's protocol class, extended to keep this register."""
        wires = self._open

        class RegisteredProtocol(H11Protocol):
            """A connection that is in the register while it is open."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client is not None:
                    wires[self.client] = Wire(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                if self.client is not None and (wire := wires.pop(self.client, None)):
                    wire.lost.set()

        return RegisteredProtocol

    def abort(self) -> None:
        """Drop every connection, the silent ones too."""
        for wire in list(self._open.values()):
            wire.transport.abort()


class WireAnswer(Response):
    """An answer that is played on the connection instead of being sent."""

    def __init__(self, wires: Wires, play: Callable[[Wire], Awaitable[None]]) -> None:
        super().__init__()
        self._wires = wires
        self._play = play

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Play the answer; the connection is over afterwards."""
        await self._play(self._wires.of(scope))


async def reset(wire: Wire) -> None:
    """Reset the connection."""
    await wire.reset()


async def close(wire: Wire) -> None:
    """Close the connection without a word."""
    await wire.close()


async def garbage(wire: Wire) -> None:
    """Say what is not HTTP, and leave."""
    wire.transport.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    await wire.close()


async def stall(wire: Wire) -> None:
    """Say nothing until the client gives up."""
    await wire.lost.wait()


def cut(answer: Response) -> Callable[[Wire], Awaitable[None]]:
    """Return a play that stops in the middle of the answer's body."""

    async def play(wire: Wire) -> None:
        body = bytes(answer.body)
        wire.transport.write(raw_head(answer, len(body)) + body[: len(body) // 2])
        await wire.close()

    return play


def two_lengths(answer: Response) -> Callable[[Wire], Awaitable[None]]:
    """Return a play that says two lengths of one body."""

    async def play(wire: Wire) -> None:
        body = bytes(answer.body)
        head = raw_head(answer, len(body))
        lie = b"Content-Length: %d\r\n\r\n" % (len(body) + 2)
        wire.transport.write(head.removesuffix(b"\r\n") + lie + body)
        await wire.close()

    return play


def interim_flood(answer: Response) -> Callable[[Wire], Awaitable[None]]:
    """Return a play that says `102 Processing` very often before it answers."""

    async def play(wire: Wire) -> None:
        wire.transport.write(b"HTTP/1.1 102 Processing\r\n\r\n" * _INTERIM)
        wire.transport.write(raw_head(answer, len(answer.body)) + bytes(answer.body))
        await wire.close()

    return play


def drip(answer: Response, delay_s: float) -> Callable[[Wire], Awaitable[None]]:
    """Return a play that sends the whole answer byte by byte."""

    async def play(wire: Wire) -> None:
        *bytes_before, last = raw_head(answer, len(answer.body)) + bytes(answer.body)
        for byte in bytes_before:
            wire.transport.write(bytes([byte]))
            if not await wire.hold(delay_s):
                return
        # No pause after the last byte: the client may repeat at once, and is in its right.
        wire.transport.write(bytes([last]))
        await wire.close()

    return play


async def endless(wire: Wire) -> None:
    """Send chunks of an answer that never ends."""
    wire.transport.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async for chunk in _blanks():
        wire.transport.write(chunk)
        if not await wire.hold(0.005):
            return


async def _blanks() -> AsyncIterator[bytes]:
    while True:
        yield b"1000\r\n" + b" " * 0x1000 + b"\r\n"


def raw_head(answer: Response, content_length: int) -> bytes:
    """Return status line and headers of an answer as they go over the wire."""
    headers: Mapping[str, Any] = answer.headers
    lines = [f"HTTP/1.1 {answer.status_code} Faulted", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name != "content-length"]
    lines.append(f"Content-Length: {content_length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
