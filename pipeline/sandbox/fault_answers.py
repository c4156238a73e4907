"""The answers that faults give: instead of the API's, or made out of it."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from starlette.responses import Response

from pipeline.sandbox import errors, wire
from pipeline.sandbox.faults import FaultRule, draw
from pipeline.sandbox.payloads import encode
from pipeline.sandbox.wire import Wire, WireAnswer, Wires

_GATEWAY_STATUSES = (500, 502, 503)
_BLANKS = b" " * 2_000_000
_PORTAL = "<!DOCTYPE html><html><title>Welcome</title><p>Log in to use this network.</p></html>"


@dataclass(frozen=True, slots=True)
class Scene:
    """A request that meets a fault, as far as the fault needs to know it."""

    rule: FaultRule
    wires: Wires
    wire: Wire
    about: str


def json_response(status: int, body: object, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(encode(body), status, headers, media_type="application/json")


def instead(scene: Scene) -> Response:
    """Return the answer of a fault that stores nothing."""
    return _INSTEAD[scene.rule.fault](scene)


async def spoil(scene: Scene, natural: Response) -> Response:
    """Return what a fault makes of the API's own answer; a refusal keeps its body."""
    fault = scene.rule.fault
    if fault in _SPOILT_WIRE:
        return await _SPOILT_WIRE[fault](scene, natural)
    if natural.status_code >= 400 or fault not in _SPOILT_SUCCESS:
        return natural
    return _SPOILT_SUCCESS[fault](natural)


# --- instead of the API's answer ------------------------------------------------------------------


def _html(status: int, text: str) -> Response:
    page = f"<!DOCTYPE html><html><title>{status}</title><h1>{status} {text}</h1></html>"
    return Response(page, status, media_type="text/html")


def _too_many(retry_after: str | None) -> Response:
    body = errors.list_shape([errors.FieldError(None, "throttled", "Request was throttled.")])
    return json_response(429, body, {} if retry_after is None else {"Retry-After": retry_after})


def _listed(status: int, code: str) -> Callable[[Scene], Response]:
    def answer(scene: Scene) -> Response:
        body = errors.list_shape([errors.FieldError(None, code, scene.rule.detail)])
        return json_response(status, body)

    return answer


def _gateway(scene: Scene) -> Response:
    rule = scene.rule
    place = int(draw(rule.seed, "status", scene.about) * len(_GATEWAY_STATUSES))
    return _html(rule.status or _GATEWAY_STATUSES[place], "Server Error")


def _maintenance(scene: Scene) -> Response:
    page = _html(503, "Service Unavailable")
    page.headers["Retry-After"] = _retry_after(scene)
    return page


def _refused_field(scene: Scene) -> Response:
    rule = scene.rule
    return json_response(
        400, errors.list_shape([errors.FieldError(rule.attr, "invalid", rule.detail)])
    )


def _refused_message(scene: Scene) -> Response:
    rule = scene.rule
    return json_response(400, errors.message_shape("Bad request", {rule.attr: [rule.detail]}))


def _redirect(status: int) -> Callable[[Scene], Response]:
    return lambda scene: Response(status_code=status, headers={"Location": scene.rule.location})


def _retry_after(scene: Scene) -> str:
    return f"{scene.rule.retry_after:g}"


def _retry_date(scene: Scene) -> str:
    return formatdate(time.time() + scene.rule.retry_after, usegmt=True)


_INSTEAD: dict[str, Callable[[Scene], Response]] = {
    "http_429": lambda scene: _too_many(_retry_after(scene)),
    "http_429_date": lambda scene: _too_many(_retry_date(scene)),
    "http_429_bare": lambda _: _too_many(None),
    "http_429_long": lambda _: _too_many("86400"),
    "http_5xx": _gateway,
    "maintenance": _maintenance,
    "late_apply": lambda _: _html(504, "Gateway Timeout"),
    "http_401": _listed(401, "authentication_failed"),
    "http_403": _listed(403, "permission_denied"),
    "http_404": _listed(404, "not_found"),
    "http_408": _listed(408, "request_timeout"),
    "http_413": _listed(413, "request_too_large"),
    "http_400_a": _refused_field,
    "http_400_b": lambda scene: json_response(400, errors.detail_shape(scene.rule.detail)),
    "http_400_c": _refused_message,
    "http_400_html": lambda _: _html(400, "Bad Request"),
    "redirect_301": _redirect(301),
    "redirect_302": _redirect(302),
    "redirect_307": _redirect(307),
    "redirect_308": _redirect(308),
    "captive_200": lambda _: Response(_PORTAL, media_type="text/html"),
    "list_200": lambda _: json_response(200, []),
    "reset_early": lambda scene: WireAnswer(scene.wires, wire.reset),
    "reset_mid_body": lambda scene: WireAnswer(scene.wires, wire.reset),
    "fin_no_answer": lambda scene: WireAnswer(scene.wires, wire.close),
    "stall": lambda scene: WireAnswer(scene.wires, wire.stall),
    "garbage": lambda scene: WireAnswer(scene.wires, wire.garbage),
}


# --- out of the API's answer ----------------------------------------------------------------------


async def _timeout(_scene: Scene, _natural: Response) -> Response:
    return _html(504, "Gateway Timeout")


async def _reset(scene: Scene, _natural: Response) -> Response:
    return WireAnswer(scene.wires, wire.reset)


async def _cut(scene: Scene, natural: Response) -> Response:
    return WireAnswer(scene.wires, wire.cut(natural))


async def _length_lie(scene: Scene, natural: Response) -> Response:
    return WireAnswer(scene.wires, wire.two_lengths(natural))


async def _interim_flood(scene: Scene, natural: Response) -> Response:
    return WireAnswer(scene.wires, wire.interim_flood(natural))


async def _endless(scene: Scene, _natural: Response) -> Response:
    return WireAnswer(scene.wires, wire.endless)


async def _drip(scene: Scene, natural: Response) -> Response:
    delay_s = 0.05 if scene.rule.delay_s is None else scene.rule.delay_s
    return WireAnswer(scene.wires, wire.drip(natural, delay_s))


async def _slow(scene: Scene, natural: Response) -> Response:
    await scene.wire.hold(1.0 if scene.rule.delay_s is None else scene.rule.delay_s)
    await asyncio.sleep(0)
    return natural


def _empty(status: int) -> Callable[[Response], Response]:
    return lambda _natural: Response(status_code=status)


def _torn(natural: Response) -> Response:
    body = bytes(natural.body)
    return Response(body[: len(body) // 2], natural.status_code, media_type="application/json")


def _gzip_lie(natural: Response) -> Response:
    headers = {"Content-Encoding": "gzip"}
    return Response(natural.body, natural.status_code, headers, media_type="application/json")


def _huge(natural: Response) -> Response:
    body = _BLANKS + bytes(natural.body)
    return Response(body, natural.status_code, media_type="application/json")


def _changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Response], Response]:
    def answer(natural: Response) -> Response:
        order = json.loads(bytes(natural.body))
        change(order)
        return json_response(natural.status_code, order)

    return answer


def _rename(order: dict[str, Any]) -> None:
    order["order_number"] = f"{order.get('order_number')}-other"


def _drop_last_mutation(order: dict[str, Any]) -> None:
    order["mutations"] = order.get("mutations", [])[:-1]


_SPOILT_WIRE = {
    "http_504_applied": _timeout,
    "reset_applied": _reset,
    "cut_answer": _cut,
    "length_lie": _length_lie,
    "interim_flood": _interim_flood,
    "endless": _endless,
    "drip": _drip,
    "slow": _slow,
}
_SPOILT_SUCCESS: dict[str, Callable[[Response], Response]] = {
    "empty_200": _empty(200),
    "empty_204": _empty(204),
    "bad_json": _torn,
    "gzip_lie": _gzip_lie,
    "huge_answer": _huge,
    "other_order": _changed(_rename),
    "no_results": _changed(_drop_last_mutation),
}
