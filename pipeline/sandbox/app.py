"""The HTTP face of the sandbox: routes, authentication, faults, and who is in flight."""

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pipeline.sandbox import errors, fault_answers, orders
from pipeline.sandbox.auth import Doors
from pipeline.sandbox.clerk import Accepted, Clerk, Written, query_of
from pipeline.sandbox.errors import FieldError, Refusal
from pipeline.sandbox.fault_answers import Scene, json_response
from pipeline.sandbox.faults import FaultDraw, FaultRule, FaultSchedule
from pipeline.sandbox.orders import Order
from pipeline.sandbox.payloads import read_body
from pipeline.sandbox.settings import SandboxSettings
from pipeline.sandbox.storage import Page, Storage
from pipeline.sandbox.traffic import Flight, RequestRecord, Traffic
from pipeline.sandbox.validation import BodyRules
from pipeline.sandbox.wire import WireAnswer, Wires

ORDERS_PATH = "/v4/track/orders/"
_LATE_S = 0.5
# Turns of the event loop in which requests that have already arrived come to be known.
_TURNS = 3

# Longer ones are no accounts, and reading them takes Python quadratic time.
_INTEGER = re.compile(r"-?[0-9]{1,4000}")

# How long a fault asks everybody to wait; None: as long as its rule says.
_WAITS = {"http_429": None, "http_429_date": None, "maintenance": None, "http_429_long": 86400.0}

Make = Callable[[FaultRule | None], Response]


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through: what came, who sent it, and the note kept of it."""

    request: Request
    accounts: frozenset[int]
    record: RequestRecord


class Sandbox:
    """One stand-in for the API: its storage, its faults, its traffic and its ASGI application."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.storage = Storage.open(settings.data)
        self.wires = Wires()
        self.traffic = Traffic()
        self.app = Starlette(
            routes=[
                Route("/", self._index, methods=["GET"]),
                Route(ORDERS_PATH, self._orders, methods=["PUT", "POST", "GET"]),
                Route(ORDERS_PATH + "{unique_id}/", self._order, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _no_such_endpoint},
        )
        # /v4/track/orders without its slash is not the endpoint (K3).
        self.app.router.redirect_slashes = False
        self._doors = Doors(settings.tokens)
        self._clerk = Clerk(
            self.storage,
            BodyRules(settings.delivery_methods),
            conflict=settings.tracking_conflict,
            now=_now,
            mint=lambda: str(uuid.uuid4()),
        )
        self._faults = FaultDraw(settings.faults)
        self._started_s = time.monotonic()
        self._late: set[asyncio.TimerHandle] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the storage; orders that were still to be applied late are lost."""
        for handle in self._late:
            handle.cancel()
        self.storage.close()

    def play(self, schedule: FaultSchedule) -> None:
        """Start this fault schedule from its beginning."""
        self._faults = FaultDraw(schedule)
        self._started_s = time.monotonic()

    def reset(self) -> None:
        """Forget orders, logs and violations, and start the fault schedule again."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        self.storage.reset()
        self.traffic = Traffic()
        self.play(self._faults.schedule)

    def all_orders(self) -> list[dict[str, Any]]:
        """Return every order as a look-up would show it, oldest first."""
        return [self._details(order) for order in self.storage.orders()]

    def one_order(self, account: int, order_number: str) -> dict[str, Any] | None:
        """Return an order as a look-up would show it."""
        order = self.storage.find(account, order_number)
        return None if order is None else self._details(order)

    def _details(self, order: Order) -> dict[str, Any]:
        return orders.details(order, self.storage.mutations(order.external_id))

    # --- routes -----------------------------------------------------------------------------------

    async def _index(self, _request: Request) -> Response:
        return json_response(
            200,
            {
                "what": "sandbox of the Order API; nothing here reaches parcelLab",
                "orders_path": ORDERS_PATH,
                "holds": self.storage.counts(),
                "requests": len(self.traffic.log),
                "violations": len(self.traffic.violations),
            },
        )

    async def _orders(self, request: Request) -> Response:
        call = self._admit(request)
        if isinstance(call, Response):
            return call
        if request.method in ("PUT", "POST"):
            return await self._write(call)
        return await self._read(call, request.query_params.get("order_number"), self._list)

    async def _order(self, request: Request) -> Response:
        call = self._admit(request)
        if isinstance(call, Response):
            return call
        return await self._read(call, request.path_params["unique_id"], self._retrieve)

    def _admit(self, request: Request) -> Call | Response:
        record = self.traffic.arrive(request.method, self._elapsed_s())
        accounts = self._doors.admit(request.headers.get("authorization"))
        if isinstance(accounts, Refusal):
            return _note(record, _refused(accounts))
        return Call(request, accounts, record)

    # --- writing ----------------------------------------------------------------------------------

    async def _write(self, call: Call) -> Response:
        request, record = call.request, call.record
        rule = self._faults.at_head(request.method, record.ordinal, self._elapsed_s())
        if rule is not None:
            record.fault = rule.fault
            if rule.fault == "reset_mid_body":
                await anext(request.stream())
            return fault_answers.instead(self._scene(rule, call, f"#{record.ordinal}"))
        raw = await request.body()
        body = read_body(request.headers.get("content-type", ""), raw)
        if isinstance(body, Refusal):
            return _note(record, _refused(body))
        order_number = body.get("order_number")
        if not isinstance(order_number, str):
            return _note(record, self._accept(call, Written(body, raw), None))
        record.order_number = order_number
        account = body.get("account")
        key = (account if isinstance(account, int) else str(account), order_number)
        flight = self.traffic.take_off(key, record, self.wires.of(request.scope))
        try:
            answer = await self._answer_write(call, Written(body, raw), flight)
        except BaseException:
            self.traffic.land(flight)
            raise
        return _Landing(answer, self.traffic, flight, self._elapsed_s)

    async def _answer_write(self, call: Call, written: Written, flight: Flight) -> Response:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self.settings.latency_s:
            await asyncio.sleep(self.settings.latency_s)
        self.traffic.judge(flight)
        return await self._meet_fault(
            call,
            flight.key[1],
            self.traffic.attempt(flight.key),
            lambda rule: self._accept(call, written, rule),
        )

    def _accept(self, call: Call, written: Written, rule: FaultRule | None) -> Response:
        if call.request.method == "POST":
            return _answer(self._clerk.post(call.accounts, written.body))
        return _answer(self._clerk.put(call.accounts, written, rule))

    # --- reading ----------------------------------------------------------------------------------

    async def _read(
        self, call: Call, order_number: str | None, make: Callable[[Call], Response]
    ) -> Response:
        call.record.order_number = order_number
        attempt = self.traffic.attempt((call.request.method, order_number or ""))
        return await self._meet_fault(call, order_number, attempt, lambda _rule: make(call))

    def _list(self, call: Call) -> Response:
        parameters = call.request.query_params
        wanted = _integers(parameters.getlist("account"))
        if wanted is None:
            return _refused(_not_an_integer("account"))
        refusal = _beyond(call.accounts, wanted)
        if refusal is not None:
            return _refused(refusal)
        accounts = sorted(wanted or call.accounts)
        page = self._clerk.page(query_of(parameters, accounts, self.settings.page_size))
        if isinstance(page, Refusal):
            return _refused(page)
        return json_response(200, self._page(call.request, page))

    def _page(self, request: Request, page: Page) -> dict[str, Any]:
        def link(cursor: str | None) -> str | None:
            if cursor is None:
                return None
            others = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
            return str(request.url.replace(query=urlencode([*others, ("cursor", cursor)])))

        return {
            "next": link(page.next),
            "previous": link(page.previous),
            "results": self._clerk.show(page.orders),
        }

    def _retrieve(self, call: Call) -> Response:
        unique_id: str = call.request.path_params["unique_id"]
        if unique_id.startswith("info") or "." in unique_id:
            # The published pattern of the path: ^(?!info)[^/.]+$ (K30).
            return _refused(errors.not_found("No order can be looked up by this path."))
        parameters = call.request.query_params
        lookup_by = parameters.get("lookup_by", "external-id")
        if lookup_by not in ("external-id", "order-number"):
            detail = f'"{lookup_by[:80]}" is not a valid choice.'
            return _refused(errors.invalid([FieldError("lookup_by", "invalid_choice", detail)]))
        wanted = _integers(parameters.getlist("account"))
        if wanted is None or len(wanted) > 1:
            return _refused(_not_an_integer("account"))
        refusal = _beyond(call.accounts, wanted)
        if refusal is not None:
            return _refused(refusal)
        accounts = frozenset(wanted) or call.accounts
        return _answer(
            self._clerk.retrieve(accounts, unique_id, by_number=lookup_by == "order-number")
        )

    # --- faults -----------------------------------------------------------------------------------

    async def _meet_fault(
        self, call: Call, order_number: str | None, attempt: int, make: Make
    ) -> Response:
        record = call.record
        rule = self._faults.at_body(call.request.method, order_number, attempt, self._elapsed_s())
        if rule is None:
            return _note(record, make(None))
        record.fault = rule.fault
        scene = self._scene(rule, call, f"{order_number}/{attempt}")
        if rule.kind.applied:
            return _note(record, await fault_answers.spoil(scene, make(rule)))
        if rule.fault in _WAITS:
            record.retry_after_s = _WAITS[rule.fault] or rule.retry_after
        if rule.fault == "late_apply":
            self._apply_later(lambda: make(rule), rule)
        return _note(record, fault_answers.instead(scene))

    def _apply_later(self, apply: Callable[[], object], rule: FaultRule) -> None:
        handles = self._late

        def strike() -> None:
            handles.discard(handle)
            apply()

        delay_s = _LATE_S if rule.delay_s is None else rule.delay_s
        handle = asyncio.get_running_loop().call_later(delay_s, strike)
        handles.add(handle)

    def _scene(self, rule: FaultRule, call: Call, about: str) -> Scene:
        return Scene(rule, self.wires, self.wires.of(call.request.scope), about)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started_s


class _Landing(Response):
    """An answer whose write is in flight until the last byte is out."""

    def __init__(
        self, answer: Response, traffic: Traffic, flight: Flight, now_s: Callable[[], float]
    ) -> None:
        super().__init__()
        self._now_s = now_s
        self._answer = answer
        self._traffic = traffic
        self._flight = flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        finally:
            self._flight.record.answered_s = self._now_s()
            self._traffic.land(self._flight)


def _answer(result: Accepted | Refusal) -> Response:
    if isinstance(result, Refusal):
        return _refused(result)
    return json_response(result.status, result.body)


def _refused(refusal: Refusal) -> Response:
    challenge = {"WWW-Authenticate": "Parcellab-API-Token"} if refusal.challenge else None
    return json_response(refusal.status, refusal.body, challenge)


def _note(record: RequestRecord, answer: Response) -> Response:
    if not isinstance(answer, WireAnswer):
        record.status = answer.status_code
    return answer


def _beyond(accounts: frozenset[int], wanted: set[int]) -> Refusal | None:
    if wanted <= accounts:
        return None
    return errors.forbidden("The token does not allow this account.")


def _integers(texts: list[str]) -> set[int] | None:
    # Both account=1&account=2 and account=1,2 are in use for lists.
    parts = [part.strip() for text in texts for part in text.split(",")]
    if not all(_INTEGER.fullmatch(part) for part in parts):
        return None
    return {int(part) for part in parts}


def _not_an_integer(name: str) -> Refusal:
    detail = "Not a valid value: an integer is expected."
    return errors.invalid([FieldError(name, "invalid", detail)])


async def _no_such_endpoint(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    if error.status_code == 404:
        return _refused(errors.not_found("Not found."))
    body = errors.list_shape([FieldError(None, "method_not_allowed", error.detail)])
    return json_response(error.status_code, body, dict(error.headers or {}))


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
