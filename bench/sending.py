"""How fast orders go up, beside what the transport alone can do, in one run on one machine.

    python bench/sending.py [--orders 20000] [--concurrency 64] [--repeat 3] [--postgresql URL]

A bare server (asyncio protocol, a process of its own) answers every PUT with 200 and the order
number. Against it: wrk (if installed), aiohttp alone, httpx with the chosen transport alone, plain
httpx with 8 in flight, and `deliver` with a ledger on disk and with one on PostgreSQL. CPU time is that
of the client only. Without a URL a server of its own is started, where PostgreSQL is installed; it
flushes to disk as every server does.
"""

import argparse
import asyncio
import datetime as dt
import gc
import hashlib
import importlib.util
import itertools
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import random

import aiohttp
import httpx
import orjson
import polars as pl
import psycopg

from pipeline.ledger import PLANNED_SCHEMA, Ledger, RunStart
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.model.orders import Submission
from pipeline.send import Gate, Kind, OrderClient, deliver

sys.path.append(str(Path(__file__).parents[1]))  # the server of the tests
from tests.databases import missing, running_server

HEADERS = {"Authorization": "Parcellab-API-Token bench", "Content-Type": "application/json"}
PATH = "/v4/track/orders/"


class Echo(asyncio.Protocol):
    """Answers each request with 200 and its order number; parses only what it must."""

    def __init__(self) -> None:
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head = self.rest[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.rest) < end + 4 + size:
                return
            body = self.rest[end + 4 : end + 4 + size]
            self.rest = self.rest[end + 4 + size :]
            start = body.find(b'"order_number":"') + 16
            number = body[start : body.find(b'"', start)]
            answer = (
                b'{"order_number":"%b","external_id":"0b9c8a4e-3f0a-4d7e-9a51-7f8d9c0b1a2e"}'
                % number
            )
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (len(answer), answer)
            )


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def body(number: str) -> bytes:
    payload = {
        "account": 1,
        "order_number": number,
        "destination_country_iso3": "DEU",
        "recipient_email": "max@example.com",
        "articles_order": [
            {
                "line_item_id": f"L{n}",
                "sku": f"SKU-{n:05}",
                "article_name": "Sneakers low, white",
                "quantity": 2,
                "unit_price": "19.90",
            }
            for n in range(9)
        ],
    }
    return orjson.dumps(payload)


def submissions(count: int) -> list[Submission]:
    return [
        Submission(number, hashlib.sha256(sent).hexdigest(), sent)
        for number in (f"ORDER-{n:07}" for n in range(count))
        for sent in (body(number),)
    ]


async def in_flight(count: int, concurrency: int, one: Callable[[bytes], Awaitable[None]]) -> None:
    bodies = iter([body(f"ORDER-{n:07}") for n in range(count)])

    async def worker() -> None:
        for each in bodies:
            await one(each)

    await asyncio.gather(*(worker() for _ in range(concurrency)))


async def with_aiohttp(url: str, count: int, concurrency: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def one(sent: bytes) -> None:
            async with session.put(url + PATH, data=sent, headers=HEADERS) as answer:
                await answer.read()

        await in_flight(count, concurrency, one)


async def with_httpx(
    url: str, count: int, concurrency: int, transport: httpx.AsyncBaseTransport
) -> None:
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:

        async def one(sent: bytes) -> None:
            answer = await client.put(url + PATH, content=sent, headers=HEADERS)
            answer.raise_for_status()

        await in_flight(count, concurrency, one)


async def with_chosen(url: str, count: int, concurrency: int) -> None:
    from pipeline.send.transport import transport

    pace = Pace(concurrency=concurrency)
    tls = httpx.create_ssl_context()
    await with_httpx(url, count, concurrency, transport(Kind.AIOHTTP, pace, tls))


async def with_pyreqwest(url: str, count: int, concurrency: int) -> None:
    candidate = importlib.import_module("pyreqwest.compatibility.httpx").HttpxTransport()
    await with_httpx(url, count, concurrency, candidate)


async def with_httpx2(url: str, count: int, concurrency: int) -> None:
    httpx2 = importlib.import_module("httpx2")
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(trust_env=False, limits=limits) as client:

        async def one(sent: bytes) -> None:
            answer = await client.put(url + PATH, content=sent, headers=HEADERS)
            answer.raise_for_status()

        await in_flight(count, concurrency, one)


def candidates() -> dict[str, Callable[[str, int, int], Awaitable[None]]]:
    """Other transports, where somebody installed them outside this project's environment."""
    known = {"pyreqwest": with_pyreqwest, "httpx2": with_httpx2}
    return {
        f"{name} (candidate)": run
        for name, run in known.items()
        if importlib.util.find_spec(name) is not None
    }


async def with_plain(url: str, count: int, _concurrency: int) -> None:
    await with_httpx(url, count, 8, httpx.AsyncHTTPTransport())


async def with_deliver(
    url: str, orders: list[Submission], concurrency: int, location: str | Path
) -> None:
    pace = Pace(concurrency=concurrency)
    endpoint = Endpoint(base_url=url, account=1, token=Secret("bench"))
    now = lambda: dt.datetime.now(dt.UTC)  # noqa: E731
    with Ledger.open(location, clock=now, shared=True) as ledger:
        known = ledger.endpoint(url, 1)
        ledger.hold(known)
        ledger.begin_run(
            RunStart(id="bench", endpoint=known, fingerprint="b", profile="b", started_at=now())
        )
        ledger.plan_partition("bench", 0, planned(orders), "digest")
        started = time.monotonic()
        cpu = cpu_s()
        async with OrderClient(endpoint, pace) as client:
            gate = Gate(pace, clock=time.monotonic, sleep=asyncio.sleep, random=random)
            ended = await deliver(
                [orders],
                client=client,
                journal=ledger.journal("bench", 0),
                gate=gate,
                stop=asyncio.Event(),
                total=len(orders),
            )
        TIMES[:] = [time.monotonic() - started, cpu_s() - cpu]
        found = dict(ledger.orders("bench")["outcome"].value_counts().iter_rows())
        if ended.stopped or found != {"updated": len(orders)}:
            raise SystemExit(f"deliver did not deliver: {ended} {found}")


TIMES: list[float] = []


def planned(orders: list[Submission]) -> pl.DataFrame:
    numbers = [each.order_number for each in orders]
    return pl.DataFrame(
        {
            "key": numbers,
            "order_number": numbers,
            "outcome": ["not_attempted"] * len(orders),
            "content_sha256": [each.content_sha256 for each in orders],
        },
    ).select(
        (
            pl.col(name)
            if name in ("key", "order_number", "outcome", "content_sha256")
            else pl.lit(None, dtype=dtype)
        ).alias(name)
        for name, dtype in PLANNED_SCHEMA.items()
    )


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def with_wrk(url: str, concurrency: int) -> tuple[float, float] | None:
    if shutil.which("wrk") is None:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "PUT"\nwrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = {orjson.dumps(body('ORDER-0000001').decode()).decode()}\n"
        )
        script.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run(
            ["wrk", "-t1", f"-c{concurrency}", "-d3s", "-s", script.name, url + PATH],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = int(re.search(r"(\d+) requests in", said)[1])
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), used / total * 1000


def measured(run: Callable[[], Awaitable[None]], count: int) -> tuple[float, float]:
    gc.collect()
    TIMES.clear()
    started, cpu = time.monotonic(), cpu_s()
    asyncio.run(run())
    lasted, used = TIMES or (time.monotonic() - started, cpu_s() - cpu)
    return count / lasted, used / count * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--postgresql", metavar="URL", help="a ledger there; a schema of its own is made in it"
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve())
        return
    with databases(chosen.postgresql) as database:
        compare(chosen, database)


@contextmanager
def databases(url: str | None) -> Iterator[Callable[[], str] | None]:
    """Give what gives an empty place for a ledger; None without any PostgreSQL."""
    if url is not None:
        schemas = (f"bench{n}" for n in itertools.count(int(time.time())))
        yield lambda: f"{url}?options=-csearch_path%3D{made(url, next(schemas))}"
    elif missing() is not None:
        print(f"without PostgreSQL: {missing()}")
        yield None
    else:
        with running_server(durable=True) as server:
            yield lambda: server.url(schema=server.new_schema())


def made(url: str, schema: str) -> str:
    """Make a schema, and give its name."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return schema


def compare(chosen: argparse.Namespace, database: Callable[[], str] | None) -> None:
    orders = submissions(chosen.orders)
    print(
        f"{chosen.orders} orders, {len(orders[0].body)} byte bodies, "
        f"{chosen.concurrency} in flight, medians of {chosen.repeat}"
    )
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    )
    results: dict[str, list[tuple[float, float]]] = {}
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        for _ in range(chosen.repeat):
            if wrk := with_wrk(url, chosen.concurrency):
                results.setdefault("wrk", []).append(wrk)
            for name, run in {
                "aiohttp alone": with_aiohttp,
                "httpx + aiohttp transport alone": with_chosen,
                "plain httpx, 8 in flight": with_plain,
                **candidates(),
            }.items():
                count = chosen.orders // 10 if name.startswith("plain") else chosen.orders
                results.setdefault(name, []).append(
                    measured(partial(run, url, count, chosen.concurrency), count)
                )
            with tempfile.TemporaryDirectory(dir=".") as folder:
                results.setdefault("deliver + ledger (FULL)", []).append(
                    measured(
                        partial(
                            with_deliver, url, orders, chosen.concurrency, Path(folder, "ledger.db")
                        ),
                        chosen.orders,
                    )
                )
            if database is not None:
                results.setdefault("deliver + ledger (PostgreSQL)", []).append(
                    measured(
                        partial(with_deliver, url, orders, chosen.concurrency, database()),
                        chosen.orders,
                    )
                )
    finally:
        server.terminate()
        server.wait()
    base = statistics.median(rate for rate, _ in results["httpx + aiohttp transport alone"])
    print(f"{'':34}{'PUT/s':>9}{'CPU-ms/PUT':>12}{'of transport':>14}")
    for name, runs in results.items():
        rate = statistics.median(each for each, _ in runs)
        cpu = statistics.median(each for _, each in runs)
        print(f"{name:34}{rate:9,.0f}{cpu:12.2f}{rate / base:14.0%}")


if __name__ == "__main__":
    main()
