"""The sandbox under uvicorn: in a thread for tests, in the foreground for people."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, NoReturn, TypeVar

import uvicorn

from pipeline.sandbox.app import Sandbox
from pipeline.sandbox.faults import FaultSchedule
from pipeline.sandbox.settings import SandboxSettings
from pipeline.sandbox.storage import PutRecord
from pipeline.sandbox.traffic import RequestRecord, Violation

_LOOPBACK = "127.0.0.1"
_START_S = 30.0
# Longer than a test thinks between two requests: closed idle connections are a fault of their own.
_KEEP_ALIVE_S = 75
_BACKLOG = 2048

T = TypeVar("T")


class ExposedHostError(ValueError):
    """The sandbox was told to listen where other machines can reach it."""


class RunningSandbox:
    """A sandbox that answers right now; every method may be called from any thread."""

    def __init__(self, sandbox: Sandbox, server: "_Server", base_url: str) -> None:
        token, accounts = next(iter(sandbox.settings.tokens.items()))
        self.base_url = base_url
        self.token = token
        self.account = min(accounts)
        self._sandbox = sandbox
        self._server = server

    def orders(self) -> list[dict[str, Any]]:
        """Return every order with its trackings and mutations, oldest first."""
        return self._ask(self._sandbox.all_orders)

    def order(self, order_number: str) -> dict[str, Any] | None:
        """Return one order of the default account, or None."""
        return self._ask(lambda: self._sandbox.one_order(self.account, order_number))

    def puts(self) -> list[PutRecord]:
        """Return every PUT that was stored, in the order of storing."""
        return self._ask(self._sandbox.storage.puts)

    def requests(self) -> list[RequestRecord]:
        """Return every request that came in, stored or not, in the order of arrival."""
        return self._ask(lambda: list(self._sandbox.traffic.log))

    def violations(self) -> list[Violation]:
        """Return every CONCURRENT_SAME_ORDER seen."""
        return self._ask(lambda: list(self._sandbox.traffic.violations))

    def play(self, schedule: FaultSchedule) -> None:
        """Start this fault schedule from its beginning."""
        self._ask(lambda: self._sandbox.play(schedule))

    def reset(self) -> None:
        """Forget orders, logs and violations, and start the fault schedule again."""
        self._ask(self._sandbox.reset)

    def _ask(self, question: Callable[[], T]) -> T:
        # The storage belongs to the server's thread.
        async def ask() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(ask(), self._server.loop).result(_START_S)


@contextmanager
def running_sandbox(
    settings: SandboxSettings | None = None, *, port: int = 0
) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread of this process for the length of a `with` block.

    Args:
        settings: by default account 1618, token "sandbox-token", in memory, no faults.
        port: 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    with (
        _listen(_LOOPBACK, port) as sock,
        Sandbox(settings or SandboxSettings()) as sandbox,
    ):
        server = _Server(sandbox)
        thread = threading.Thread(target=server.run, args=([sock],), name="sandbox", daemon=True)
        thread.start()
        try:
            if not server.ready.wait(_START_S):
                raise RuntimeError("the sandbox did not start")
            yield RunningSandbox(sandbox, server, _base_url(sock))
        finally:
            server.should_exit = True
            thread.join()


def serve(
    settings: SandboxSettings | None = None,
    *,
    host: str = _LOOPBACK,
    port: int = 0,
    expose: bool = False,
    announce: Callable[[str], object] = sys.stdout.write,
) -> None:
    """Run a sandbox until SIGINT or SIGTERM; must be called from the main thread.

    Args:
        settings: as for `running_sandbox`.
        host: address to listen on.
        port: 0 takes a free one.
        expose: allow a host that other machines can reach.
        announce: gets one line of JSON with base_url, account, token and data (the folder that keeps
            the orders, or null) once requests are taken.

    Raises:
        ExposedHostError: `host` is not loopback and `expose` is not set.
        OSError: the port is taken.
    """
    if not expose and not _is_loopback(host):
        raise ExposedHostError(
            f"{host} is not a loopback address: other machines could write to the sandbox;"
            " allow it explicitly to go on"
        )
    with _listen(host, port) as sock, Sandbox(settings or SandboxSettings()) as sandbox:
        server = _Server(sandbox)
        running = RunningSandbox(sandbox, server, _base_url(sock))
        ready = {
            "base_url": running.base_url,
            "account": running.account,
            "token": running.token,
            "data": None if sandbox.settings.data is None else str(sandbox.settings.data),
        }
        server.on_ready = lambda: _say(announce, json.dumps(ready) + "\n")
        # uvicorn repeats the signal when it is done; without this the process would die by it
        # before the storage is closed.
        before = signal.signal(signal.SIGTERM, _leave)
        try:
            with contextlib.suppress(KeyboardInterrupt, _LeaveError):
                server.run([sock])
        finally:
            signal.signal(signal.SIGTERM, before)


class _LeaveError(Exception):
    """SIGTERM has come."""


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise _LeaveError


def _say(announce: Callable[[str], object], line: str) -> None:
    announce(line)
    sys.stdout.flush()


class _Server(uvicorn.Server):
    """uvicorn, with a sign that it is ready and an end that waits for no silent connection."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(
            uvicorn.Config(
                sandbox.app,
                http=sandbox.wires.protocol(),
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                # Connections are found by the client's real address.
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                backlog=_BACKLOG,
            )
        )
        self.ready = threading.Event()
        self.on_ready: Callable[[], object] | None = None
        self._wires = sandbox.wires

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()
        if self.on_ready is not None:
            self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._wires.abort()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only on sockets that name their protocol; with it, each
    # answer costs 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _base_url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
