"""A hostile server on loopback, a real ledger, and a clock that does not wait."""

import asyncio
import datetime as dt
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import orjson
import polars as pl
import pytest

from pipeline.ledger import PLANNED_SCHEMA, Ledger, RunStart
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.model.orders import Intent, Operation, Submission
from pipeline.sandbox import RunningSandbox, running_sandbox
from pipeline.send import Delivered, Gate, Kind, OrderClient, deliver
from tests.faults.site import Site, Trial

TOKEN = "tok-CANARY-9f8e7d"
NAME = "Canarina Mustermann"
RUN = "run-1"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    payload: dict[str, Any]
    at: float  # on the clock of the test

    @property
    def number(self) -> str:
        return str(self.payload.get("order_number", ""))


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]
Script = Callable[[Asked, int], Answer]


def raw(status: str, body: bytes = b"", /, **headers: str) -> Answer:
    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return answer


def json(status: str, content: object, **headers: str) -> Answer:
    return raw(status, orjson.dumps(content), Content_Type="application/json", **headers)


def stored(status: str = "200 OK", **more: object) -> Answer:
    """Answers as the API does: the order comes back, every mutation succeeded."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        mutations = [
            {**each, "result": {"success": True}} for each in asked.payload.get("mutations", [])
        ]
        content = {"order_number": asked.number, "external_id": "e-1", "mutations": mutations}
        await json(status, {**content, **more})(asked, writer)

    return answer


def bytes_then_close(sent: bytes) -> Answer:
    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    return answer


async def reset(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def stall(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drip(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@dataclass
class FakeClock:
    """Time that passes only while somebody sleeps, and then at once."""

    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.seconds + seconds
        await asyncio.sleep(0.002)
        self.seconds = max(self.seconds, until)


class Hostile:
    """Answers each request as the script says; keeps what was asked and what overlapped."""

    def __init__(self, script: Script, clock: FakeClock) -> None:
        self._script = script
        self._clock = clock
        self.asked: list[Asked] = []
        self.in_flight: dict[str, int] = {}
        self.overlaps = 0
        self.busiest = 0  # PUTs at one time
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    await self._one(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(method, path, headers, orjson.loads(body) if body else {}, self._clock.now())
        self.asked.append(asked)
        if asked.method in ("PUT", "POST"):
            self.overlaps += self.in_flight.get(asked.number, 0)
        self.in_flight[asked.number] = self.in_flight.get(asked.number, 0) + 1
        self.busiest = max(self.busiest, self.puts_now)
        try:
            await self._script(asked, len(self.asked) - 1)(asked, writer)
        finally:
            self.in_flight[asked.number] -= 1

    @property
    def puts_now(self) -> int:
        return sum(self.in_flight.values())

    def posts(self, number: str | None = None) -> list[Asked]:
        return [
            each for each in self.asked if each.method == "POST" and number in (None, each.number)
        ]

    def puts(self, number: str | None = None) -> list[Asked]:
        return [
            each for each in self.asked if each.method == "PUT" and number in (None, each.number)
        ]


def order(number: str, *operations: tuple[Operation, dict[str, Any]], **more: object) -> Submission:
    payload = {
        "account": 1618,
        "order_number": number,
        "recipient_name": NAME,
        "recipient_email": "canary@example.com",
        **more,
    }
    if operations:
        payload["mutations"] = [mutation for _, mutation in operations]
    body = orjson.dumps(payload)
    return Submission(
        number, hashlib.sha256(body).hexdigest(), body, tuple(each for each, _ in operations)
    )


def planned(submissions: Iterable[Submission]) -> pl.DataFrame:
    rows = [
        {
            "key": each.order_number,
            "order_number": each.order_number,
            "outcome": "not_attempted",
            "known": False,
            "content_sha256": each.content_sha256,
        }
        for each in submissions
    ]
    frame = pl.DataFrame(rows)
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in PLANNED_SCHEMA.items()
    )


def utc() -> dt.datetime:
    return dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@dataclass
class Delivery:
    """What a test looks at afterwards."""

    delivered: Delivered
    server: Hostile
    orders: dict[str, dict[str, Any]]
    problems: list[dict[str, Any]]
    mutations: list[dict[str, Any]]
    ledger_bytes: bytes

    def outcomes(self) -> dict[str, str]:
        return {number: row["outcome"] for number, row in self.orders.items()}


class World:
    """Delivers submissions to a hostile server, with a real ledger, and looks what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.kind = Kind.AIOHTTP
        self.pace = Pace(concurrency=4, deadline_s=2.0, read_s=2.0, connect_s=1.0)
        self.random = lambda: 1.0
        self.grace_s = 10.0
        self.intent = Intent.UPSERT
        self.planned = False
        self.gate: Gate

    def paced(self, **changes: float) -> Self:
        self.pace = replace(self.pace, **changes)  # type: ignore[arg-type]
        return self

    def deliver(
        self,
        script: Script,
        submissions: Sequence[Submission],
        *,
        stop_when: Callable[[Asked], bool] = lambda _: False,
    ) -> Delivery:
        return asyncio.run(self._deliver(script, submissions, stop_when))

    async def _deliver(
        self,
        script: Script,
        submissions: Sequence[Submission],
        stop_when: Callable[[Asked], bool],
    ) -> Delivery:
        stop = asyncio.Event()

        def watched(asked: Asked, n: int) -> Answer:
            if stop_when(asked):
                stop.set()
            return script(asked, n)

        async with Hostile(watched, self.clock) as server:
            with Ledger.open(self.folder / "state" / "ledger.db", clock=utc) as ledger:
                endpoint = ledger.endpoint("http://sandbox", 1618)
                if ledger.run(RUN) is None:
                    ledger.begin_run(
                        RunStart(
                            id=RUN,
                            endpoint=endpoint,
                            fingerprint="f",
                            profile="test",
                            started_at=utc(),
                        )
                    )
                unique = {each.order_number: each for each in submissions}
                if not self.planned:
                    ledger.plan_partition(RUN, 0, planned(unique.values()), "d")
                delivered = await self.send(server.url, ledger, submissions, stop)
                return Delivery(
                    delivered,
                    server,
                    {row["order_number"]: row for row in ledger.orders(RUN).to_dicts()},
                    ledger.problems(RUN).to_dicts(),
                    ledger.mutations(RUN).to_dicts(),
                    b"".join(each.read_bytes() for each in (self.folder / "state").iterdir()),
                )

    async def send(
        self, url: str, ledger: Ledger, submissions: Sequence[Submission], stop: asyncio.Event
    ) -> Delivered:
        where = Endpoint(base_url=url, account=1618, token=Secret(TOKEN))
        self.gate = gate = Gate(
            self.pace, clock=self.clock.now, sleep=self.clock.sleep, random=self.random
        )
        async with OrderClient(where, self.pace, kind=self.kind) as client:
            return await deliver(
                [submissions],
                client=client,
                journal=ledger.journal(RUN, 0),
                gate=gate,
                stop=stop,
                total=len(submissions),
                grace_s=self.grace_s,
                intent=self.intent,
            )


class Wire:
    """The vocabulary of the scripts, for tests that cannot import from a conftest."""

    raw = staticmethod(raw)
    json = staticmethod(json)
    stored = staticmethod(stored)
    bytes_then_close = staticmethod(bytes_then_close)
    reset = staticmethod(reset)
    stall = staticmethod(stall)
    drip = staticmethod(drip)
    order = staticmethod(order)
    hostile = Hostile
    token = TOKEN
    name = NAME


@pytest.fixture(params=list(Kind))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each of the transports in turn: what one survives the other has to survive, too."""
    made: Kind = request.param
    return made


@pytest.fixture
def world(tmp_path: Path, kind: Kind) -> World:
    made = World(tmp_path)
    made.kind = kind
    return made


def deliver_all(
    sandbox: RunningSandbox, ledger: Ledger, submissions: Sequence[Submission], *,
    pace: Pace, kind: Kind, random: Callable[[], float],
) -> dict[str, str]:  # fmt: skip
    """Send orders to the sandbox in run "r", waiting shortly between tries; gives their outcomes."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))

    endpoint = ledger.endpoint(sandbox.base_url, sandbox.account)
    start = RunStart(id="r", endpoint=endpoint, fingerprint="f", profile="s", started_at=utc())
    ledger.begin_run(start)
    ledger.plan_partition("r", 0, planned(submissions), "d")

    async def send() -> None:
        token = Secret(sandbox.token)
        where = Endpoint(base_url=sandbox.base_url, account=sandbox.account, token=token)
        gate = Gate(pace, clock=time.monotonic, sleep=sleep, random=random)
        async with OrderClient(where, pace, kind=kind) as client:
            ended = await deliver(
                [submissions],
                client=client,
                journal=ledger.journal("r", 0),
                gate=gate,
                stop=asyncio.Event(),
            )
        assert ended.stopped is None

    asyncio.run(send())
    return dict(ledger.orders("r").select("order_number", "outcome").iter_rows())


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def trial(tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """The command in this process over twenty orders; it gives up soon, for the tests' sake."""
    monkeypatch.delenv("PIPELINE_LEDGER", raising=False)
    quick = {"outage_stop_s": 2, "outage_probe_s": 0.5, "order_s": 5}
    site = Site(tmp_path, sandbox, orders=20, pace=quick)
    site.write()
    return Trial(site)
