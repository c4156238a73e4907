"""How many PUTs a second the sandbox takes: `python -m tests.sandbox.measure_puts`.

Runs the sandbox as a process with a database on disk, creates 5,000 orders and updates them, 64
requests in flight. Not a test: figures depend on the machine.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import aiohttp

ORDERS = 5_000
IN_FLIGHT = 64


def body(place: int) -> bytes:
    """A typical order: address, two lines, one tracking mutation; about 1.2 kB."""
    line = {"article_name": "Running shoes, blue", "unit_price": "19.90", "weight_unit": "g"}
    return json.dumps(
        {
            "account": 1618,
            "order_number": f"A{place}",
            "destination_country_iso3": "DEU",
            "language_iso2": "de",
            "recipient_email": "max@example.com",
            "recipient_name": "Max Mustermann",
            "order_currency": "EUR",
            "order_total_amount": "119.40",
            "order_date": "2026-11-20T12:08:55+01:00",
            "timezone": "Europe/Berlin",
            "shipping_address": {
                "first_name": "Max",
                "last_name": "Mustermann",
                "address_line": "Kapellenweg 2",
                "company_name": "Mustermann und Söhne GmbH",
                "phone": "+49 30 1234567",
                "postal_code": "12345",
                "city": "Berlin",
                "country_iso3": "DEU",
                "region_code": "BE",
            },
            "articles_order": [
                line | {"line_item_id": "L1", "sku": "AP-1", "quantity": 6},
                line | {"line_item_id": "L2", "sku": "AP-2", "quantity": 1},
            ],
            "customer_number": f"C{place}",
            "delivery_method": "Standard",
            "channel": "web",
            "tags": ["vip"],
            "mutations": [
                {
                    "type": "add_tracking",
                    "tracking": {
                        "courier": "dhl-germany",
                        "tracking_number": f"0034{place:012d}",
                        "recipient_postal_code": "12345",
                        "warehouse": "W1",
                        "articles": [{"line_item_id": "L1", "quantity": 6}],
                    },
                }
            ],
        }
    ).encode()


async def work(http: aiohttp.ClientSession, url: str, waiting: Iterator[bytes]) -> None:
    """Send orders one after the other until none is waiting."""
    for sent in waiting:
        async with http.put(url, data=sent) as reply:
            reply.raise_for_status()
            await reply.read()


async def load(ready: dict[str, str]) -> None:
    """Send every order twice and write down how long each round took."""
    headers = {
        "Authorization": f"Parcellab-API-Token {ready['token']}",
        "Content-Type": "application/json",
    }
    url = f"{ready['base_url']}/v4/track/orders/"
    bodies = [body(place) for place in range(ORDERS)]
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as http:
        for name in ("create", "update"):
            waiting = iter(bodies)
            started = time.perf_counter()
            await asyncio.gather(*(work(http, url, waiting) for _ in range(IN_FLIGHT)))
            rate = ORDERS / (time.perf_counter() - started)
            sys.stdout.write(f"{name}: {rate:.0f} PUT/s, {len(bodies[0])} bytes each\n")


def main() -> None:
    """Start the sandbox, load it, stop it, and say what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pipeline.sandbox", "--port", "0", "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as sandbox:
            assert sandbox.stdout is not None
            asyncio.run(load(json.loads(sandbox.stdout.readline())))
            sandbox.terminate()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_ms = (used.ru_utime + used.ru_stime) / (2 * ORDERS) * 1000
    sys.stdout.write(f"sandbox: {cpu_ms:.2f} CPU-ms per PUT, start included\n")


if __name__ == "__main__":
    main()
