"""One sandbox for the whole suite, emptied before each test, and a small client of it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from pipeline.sandbox import FaultRule, FaultSchedule, RunningSandbox, running_sandbox

Parameter = str | int | Sequence[str | int]

ORDERS = "/v4/track/orders/"


class Api:
    """HTTP as a client of the Order API sees it; no retries, no cleverness."""

    def __init__(self, sandbox: RunningSandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http
        self.account = sandbox.account

    def put(self, body: object, **headers: str) -> httpx.Response:
        return self.put_raw(json.dumps(body).encode(), **headers)

    def put_raw(self, raw: bytes, **headers: str) -> httpx.Response:
        sent = {"content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.http.put(ORDERS, content=raw, headers=sent)

    def post(self, body: object) -> httpx.Response:
        return self.http.post(ORDERS, json=body)

    def lookup(self, order_number: str, **parameters: Parameter) -> httpx.Response:
        sent: dict[str, Parameter] = {"lookup_by": "order-number", "account": self.account}
        return self.http.get(f"{ORDERS}{order_number}/", params=sent | parameters)

    def list(self, **parameters: Parameter) -> httpx.Response:
        return self.http.get(ORDERS, params=parameters)

    def minimal(self, order_number: str = "A1", **fields: object) -> dict[str, Any]:
        return {
            "account": self.account,
            "order_number": order_number,
            "destination_country_iso3": "DEU",
            "recipient_email": "max@example.com",
        } | fields

    def key(self, order_number: str = "A1", **fields: object) -> dict[str, Any]:
        return {"account": self.account, "order_number": order_number} | fields

    def play(self, *rules: dict[str, Any] | FaultRule) -> None:
        self.sandbox.play(FaultSchedule.of(rules))


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def api(shared_sandbox: RunningSandbox) -> Iterator[Api]:
    shared_sandbox.play(FaultSchedule())
    shared_sandbox.reset()
    headers = {"Authorization": f"Parcellab-API-Token {shared_sandbox.token}"}
    with httpx.Client(
        base_url=shared_sandbox.base_url, headers=headers, timeout=5, trust_env=False
    ) as http:
        yield Api(shared_sandbox, http)
