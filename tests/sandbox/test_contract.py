"""The contract's examples A01 to F16, each a test of its id.

A row says what was there before, what is sent, and what must come back. `{N}` stands for the order
number of the test. Levels: must (a document says it), should (its prose implies it), choice (ours).
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from .conftest import ORDERS, Api

N = "N-1"
UUID = re.compile(r"[0-9a-fA-F-]{36}")
ABSENT = object()

ADDRESS = {
    "first_name": "Max",
    "last_name": "Mustermann",
    "address_line": "Kapellenweg 2",
    "postal_code": "12345",
    "city": "Berlin",
    "country_iso3": "DEU",
}
L1 = {
    "line_item_id": "L1",
    "sku": "AP-1",
    "article_name": "Sneakers",
    "quantity": 6,
    "unit_price": "19.90",
}
L2 = {"line_item_id": "L2", "sku": "AP-2", "quantity": 1}
T1 = {"courier": "dhl-germany", "tracking_number": "00340434161094000001"}


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def new(**fields: object) -> dict[str, Any]:
    """The four fields a new order needs, and more."""
    return {
        "account": 1618,
        "order_number": N,
        "destination_country_iso3": "DEU",
        "recipient_email": "max@example.com",
    } | fields


def known(**fields: object) -> dict[str, Any]:
    """Account and order number only, and more."""
    return {"account": 1618, "order_number": N} | fields


def mutate(*mutations: dict[str, Any], **fields: object) -> dict[str, Any]:
    return known(mutations=list(mutations), **fields)


def add(**tracking: object) -> dict[str, Any]:
    return {"type": "add_tracking", "tracking": T1 | tracking}


def change(line_item_id: str, quantity: int, **more: object) -> dict[str, Any]:
    kind = "change_line_item_quantity"
    return {"type": kind, "line_item_id": line_item_id, "quantity": quantity} | more


CREATE = [new()]
LINES = [new(articles_order=[L1, L2])]


@dataclass(frozen=True)
class Example:
    """One row: id, level, what it shows, the request, what is stored before, what is expected."""

    id: str
    level: str
    title: str
    body: dict[str, Any]
    status: int | tuple[int, ...] = 201
    before: Sequence[dict[str, Any]] = ()
    attr: str | None = None
    shape: str | None = None
    answer: Sequence[tuple[str, object]] = ()


def refused(
    id_: str, level: str, title: str, body: dict[str, Any], attr: str, *before: dict[str, Any]
) -> Example:
    """A row whose request is a 400 in the list shape that names `attr` or a path below it."""
    return Example(id_, level, title, body, 400, before, attr, "list")


def done(
    id_: str,
    level: str,
    title: str,
    body: dict[str, Any],
    before: Sequence[dict[str, Any]],
    *answer: tuple[str, object],
) -> Example:
    """A row whose request updates a stored order."""
    return Example(id_, level, title, body, 200, before, answer=answer)


def created(
    id_: str, level: str, title: str, body: dict[str, Any], *answer: tuple[str, object]
) -> Example:
    """A row whose request makes a new order."""
    return Example(id_, level, title, body, 201, answer=answer)


def addressed(**changes: object) -> dict[str, Any]:
    return new(shipping_address=ADDRESS | changes)


def lined(**changes: object) -> dict[str, Any]:
    return new(articles_order=[L1 | changes])


OK0 = ("mutations.0.result.success", True)
FAILED0 = ("mutations.0.result.success", False)
SHIPPED_4 = [*LINES, mutate(add(articles=[{"line_item_id": "L1", "quantity": 4}]))]
FIXED_OPERATION = "0b8f3d0e-6f0a-4c57-9b7c-6a2d9d5f1a11"

EXAMPLES = [
    created("A01", "must", "four fields make an order", new(), ("external_id", UUID), ("destination_country_iso3", "DEU")),
    done("A03", "must", "what is not sent stays", known(recipient_name="Maxi"), [new(recipient_name="Max", customer_number="C1")], ("recipient_name", "Maxi"), ("customer_number", "C1"), ("recipient_email", "max@example.com")),
    Example("A04", "must", "no identity", _without(new(), "order_number"), 400, shape="detail"),
    Example("A05", "should", "no account", _without(new(), "account"), 400),
    Example("A06", "must", "an account of others", new(account=999999999), (400, 403), shape="detail"),
    refused("A07", "must", "new without country", _without(new(), "destination_country_iso3"), "destination_country_iso3"),
    refused("A08", "must", "new without e-mail", _without(new(), "recipient_email"), "recipient_email"),
    created("A09", "must", "the literal _unset", new(recipient_email="_unset"), ("recipient_email", "_unset")),
    refused("A10", "must", "not an address", new(recipient_email="not-an-address"), "recipient_email"),
    refused("A11", "must", "an empty e-mail", new(recipient_email=""), "recipient_email"),
    refused("A12", "must", "256 characters", new(order_number="x" * 256), "order_number"),
    Example("A13", "must", "an empty order number", new(order_number=""), 400),
    created("A14", "choice", "an unknown key is not kept", new(reference="REF-1"), ("reference", ABSENT)),
    created("A15", "must", "external_reference is", new(external_reference="REF-1"), ("external_reference", "REF-1")),
    created("B01", "must", "money is text", new(order_total_amount="12.50"), ("order_total_amount", re.compile(r"12\.50?"))),
    refused("B02", "must", "three decimals", new(order_total_amount="12.505"), "order_total_amount"),
    refused("B03", "must", "nine digits", new(order_total_amount="123456789.00"), "order_total_amount"),
    Example("B04", "should", "money as a number", new(order_total_amount=12.5), (400, 201)),
    refused("B05", "must", "a decimal comma", new(order_total_amount="12,50"), "order_total_amount"),
    refused("B06", "choice", "empty money", new(order_total_amount=""), "order_total_amount"),
    done("B07", "must", "null clears money", known(order_total_amount=None), [new(order_total_amount="5.00")], ("order_total_amount", None)),
    created("B08", "must", "a time with its offset", new(order_date="2026-11-20T12:08:55+01:00")),
    refused("B09", "choice", "a date is no time", new(order_date="2026-11-20"), "order_date"),
    refused("B10", "must", "a German date", new(order_date="20.11.2026"), "order_date"),
    refused("B11", "must", "a time is no date", new(announced_delivery_date="2026-11-24T00:00:00Z"), "announced_delivery_date"),
    refused("B12", "must", "30 February", new(announced_delivery_date="2026-02-30"), "announced_delivery_date"),
    refused("B13", "must", "a fifth reason", new(cancelled_reason="fraud"), "cancelled_reason"),
    refused("B14", "should", "no country", new(destination_country_iso3="XXQ"), "destination_country_iso3"),
    refused("B15", "should", "two letters", new(destination_country_iso3="DE"), "destination_country_iso3"),
    refused("B16", "must", "a name", new(destination_country_iso3="Germany"), "destination_country_iso3"),
    refused("B17", "should", "four letters", new(order_currency="EURO"), "order_currency"),
    refused("B18", "should", "no currency", new(order_currency="EUX"), "order_currency"),
    refused("B19", "should", "a misspelt zone", new(timezone="Europe/Berln"), "timezone"),
    refused("B20", "should", "no language", new(language_iso2="xx"), "language_iso2"),
    refused("B21", "must", "null for text", new(recipient_name=None), "recipient_name"),
    refused("B22", "must", "text for a list", new(tags="vip"), "tags"),
    refused("B23", "must", "an empty tag", new(tags=["vip", ""]), "tags.1"),
    refused("B24", "must", "attributes as an object", new(additional_attributes={"a": 1}), "additional_attributes"),
    refused("B25", "must", "an attribute without key", new(additional_attributes=[{"value": 1}]), "additional_attributes.0.key"),
    created("C01", "must", "a full address", addressed(), ("shipping_address.city", "Berlin")),
    refused("C02", "must", "no city", new(shipping_address=_without(ADDRESS, "city")), "shipping_address.city"),
    refused("C03", "must", "an empty street", addressed(address_line=""), "shipping_address.address_line"),
    refused("C04", "should", "a street of blanks", addressed(address_line="   "), "shipping_address.address_line"),
    refused("C05", "must", "null city", addressed(city=None), "shipping_address.city"),
    refused("C06", "must", "a long postcode", addressed(postal_code="12345-67890"), "shipping_address.postal_code"),
    refused("C07", "must", "a short postcode", addressed(postal_code="1"), "shipping_address.postal_code"),
    refused("C08", "must", "a long city", addressed(city="Llanfairpwllgwyngyllgogerychwyrndrobwllll"), "shipping_address.city"),
    refused("C09", "must", "other keys", new(shipping_address={"name": "Max", "street": "Weg", "house_no": "2", "city": "Berlin", "postal_code": "12345", "country_iso3": "DEU"}), "shipping_address.address_line"),
    created("C10", "must", "an empty address", new(shipping_address={})),
    refused("C11", "should", "no such region", addressed(region_code="ZZ9"), "shipping_address.region_code"),
    created("C12", "should", "billing forgives it", new(billing_address=ADDRESS | {"region_code": "ZZ9"}), ("billing_address.region_code", ABSENT), ("billing_address.city", "Berlin")),
    refused("C13", "must", "billing needs four fields", new(billing_address={"city": "Berlin"}), "billing_address"),
    refused("D01", "must", "a line without id", new(articles_order=[{"sku": "A"}]), "articles_order.0.line_item_id"),
    Example("D02", "must", "a price as a number", lined(unit_price=19.9), (400, 201)),
    Example("D03", "must", "a quantity as text", lined(quantity="6"), (400, 201)),
    refused("D04", "must", "one and a half", lined(quantity=1.5), "articles_order.0.quantity"),
    refused("D05", "must", "millimetres", lined(length_unit="mm"), "articles_order.0.length_unit"),
    refused("D06", "must", "lb", lined(weight=1, weight_unit="lb"), "articles_order.0.weight_unit"),
    created("D07", "choice", "misspelt line keys", new(articles_order=[{"line_item_id": "L1", "SKU": "A", "article_iamge_url": "https://x/y.png"}])),
    refused("D08", "must", "an unknown status", lined(status="backorder"), "articles_order.0.status"),
    done("D09", "should", "lines are replaced whole", known(articles_order=[L2]), LINES, ("articles_order", [L2])),
    refused("D10", "must", "half a bundle", lined(bundle={"role": "parent"}), "articles_order.0.bundle.group_id"),
    refused("D11", "must", "version 3", lined(version="v3"), "articles_order.0.version"),
    done("E01", "must", "a tracking", mutate(add()), CREATE, OK0, ("mutations.0.operation_id", UUID)),
    refused("E03", "must", "half an identity", mutate({"type": "add_tracking", "tracking": {"tracking_number": "X"}}), "mutations.0.tracking.courier", *CREATE),
    done("E04", "must", "a reference is enough", mutate({"type": "add_tracking", "tracking": {"external_reference": f"{N}-S1"}}), CREATE, OK0),
    done("E05", "must", "an unknown tracking key warns", mutate(add(weight="1kg")), CREATE, OK0, ("mutations.0.result.warnings", 1)),
    refused("E06", "must", "a seventh mutation", mutate({"type": "cancel_line_item", "line_item_id": "L1"}), "mutations.0.type", *CREATE),
    refused("E07", "choice", "no type", mutate({}), "mutations.0.type", *CREATE),
    refused("E08", "must", "type and payload", mutate({"type": "change_line_item_quantity", "payload": {"line_item_id": "L1", "quantity": 4}}), "mutations.0.payload", *LINES),
    done("E09", "must", "an absolute quantity", mutate(change("L1", 4)), LINES, OK0, ("articles_order.0.quantity", 4), ("articles_order.0.original_quantity", 6)),
    done("E10", "must", "twice the same", mutate(change("L1", 4)), [*LINES, mutate(change("L1", 4))], OK0, ("articles_order.0.quantity", 4)),
    done("E11", "must", "zero cancels", mutate(change("L1", 0, reason="customer")), LINES, OK0, ("articles_order.0.quantity", 0), ("articles_order.0.status", "cancelled"), ("articles_order.0.change_reason", "customer")),
    refused("E12", "must", "less than nothing", mutate(change("L1", -1)), "mutations.0.quantity", *LINES),
    refused("E13", "must", "quantity_to_cancel", mutate({"type": "change_line_item_quantity", "line_items": [{"line_item_id": "L1", "quantity_to_cancel": 2}]}), "mutations.0.quantity", *LINES),
    done("E14", "must", "a guard that differs", mutate(change("L1", 4, current_quantity=5)), LINES, FAILED0, ("articles_order.0.quantity", 6)),
    done("E15", "should", "a guard, repeated", mutate(change("L1", 4, current_quantity=6)), [*LINES, mutate(change("L1", 4, current_quantity=6))], FAILED0, ("articles_order.0.quantity", 4)),
    done("E16", "should", "less than shipped", mutate(change("L1", 2)), SHIPPED_4, FAILED0, ("articles_order.0.quantity", 6)),
    done("E17", "choice", "no such line", mutate(change("NOPE", 1)), LINES, FAILED0),
    done("E18", "must", "one more line", mutate({"type": "add_line_item", "line_item": {"line_item_id": "L3", "quantity": 1}}), LINES, OK0, ("articles_order", 3)),
    done("E19", "choice", "a line twice", mutate({"type": "add_line_item", "line_item": {"line_item_id": "L2", "quantity": 1}}), LINES, FAILED0, ("articles_order", 2)),
    done("E20", "must", "one line for another", mutate({"type": "replace_line_item", "old_line_item_id": "L2", "new_line_item": {"line_item_id": "L2b", "quantity": 1}}), LINES, OK0, ("articles_order", 3), ("articles_order.1.status", "cancelled")),
    done("E21", "choice", "replaced by nothing", mutate({"type": "replace_line_item", "old_line_item_id": "L2", "new_line_item": {"line_item_id": "L2", "quantity": 0}}), LINES, OK0, ("articles_order.1.status", "cancelled")),
    done("E22", "must", "cancelled", mutate({"type": "cancel_order", "cancelled_reason": "customer"}), CREATE, OK0, ("order_status", "Cancelled"), ("cancelled_reason", "customer"), ("cancelled_date", re.compile("20.*"))),
    done("E24", "must", "a tracking cancelled", mutate({"type": "cancel_tracking", "tracking": T1}), [*CREATE, mutate(add())], OK0),
    done("E25", "choice", "an unknown tracking cancelled", mutate({"type": "cancel_tracking", "tracking": T1}), CREATE, FAILED0),
    done("E26", "must", "one good, one bad", mutate(change("L1", 5), change("L1", 1, current_quantity=99)), LINES, OK0, ("mutations.1.result.success", False), ("articles_order.0.quantity", 5)),
    created("E27", "must", "all in one", new(articles_order=[L1], mutations=[add()]), OK0),
    refused("E28", "must", "ounces", mutate(add(shipping_weight_total=1, shipping_weight_unit="oz")), "mutations.0.tracking.shipping_weight_unit", *CREATE),
    refused("E29", "must", "an unknown flag", mutate(add(flags=["express"])), "mutations.0.tracking.flags.0", *CREATE),
    refused("E30", "should", "no such method", mutate(add(delivery_method="no-such-method")), "mutations.0.tracking.delivery_method", *CREATE),
    refused("E31", "must", "no UUID", mutate({"type": "cancel_order", "operation_id": "abc"}), "mutations.0.operation_id", *CREATE),
    done("E32", "must", "the operation's id", mutate(add() | {"operation_id": FIXED_OPERATION}), CREATE, ("mutations.0.operation_id", FIXED_OPERATION)),
    done("E33", "should", "lines and mutations", mutate(add(), articles_order=[L1]), LINES, OK0, ("mutations.0.result.warnings", 1)),
    created("F16", "choice", "any script", new(recipient_name="Zoë 😀 é 李"), ("recipient_name", "Zoë 😀 é 李")),
]  # fmt: skip


def at(document: object, path: str) -> object:
    """The value at a dotted path, or ABSENT."""
    for step in path.split("."):
        if isinstance(document, list):
            document = document[int(step)]
        else:
            assert isinstance(document, dict)
            document = document.get(step, ABSENT)
    return document


def expect(document: object, path: str, wanted: object) -> None:
    """Assert the value at a path: equal, matching, absent, or a list of this length."""
    found = at(document, path)
    if isinstance(wanted, re.Pattern):
        assert wanted.fullmatch(str(found)), f"{path}: {found!r}"
    elif isinstance(found, list) and isinstance(wanted, int):
        assert len(found) == wanted, f"{path}: {found!r}"
    else:
        assert found == wanted, f"{path}: {found!r}"


def assert_refusal(reply: httpx.Response, shape: str | None, attr: str | None) -> None:
    body = reply.json()
    if shape == "detail":
        assert set(body) == {"detail"}
    if shape == "list":
        assert body["type"] == "client_error"
        assert all(set(error) == {"code", "detail", "attr"} for error in body["errors"])
        attrs = [error["attr"] for error in body["errors"]]
        assert any(a == attr or a.startswith(f"{attr}.") for a in attrs), attrs


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_example(api: Api, example: Example) -> None:
    for body in example.before:
        assert api.put(body).status_code in (200, 201)

    reply = api.put(example.body)

    allowed = example.status if isinstance(example.status, tuple) else (example.status,)
    assert reply.status_code in allowed, reply.text
    if reply.status_code >= 400:
        assert_refusal(reply, example.shape, example.attr)
    for path, wanted in example.answer:
        expect(reply.json(), path, wanted)


# --- examples of more than one answer -------------------------------------------------------------


def test_a02_the_same_put_again_makes_no_second_order(api: Api) -> None:
    first, second = api.put(new()), api.put(new())

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["external_id"] == second.json()["external_id"]
    assert len(api.list(account=1618, order_number=N).json()["results"]) == 1


def test_a16_a_refused_request_leaves_nothing_behind(api: Api) -> None:
    api.put(new(recipient_name="Old"))
    bad = known(recipient_name="New", order_total_amount="abc", mutations=[add()])
    assert api.put(bad).status_code == 400

    reply = api.put(known())

    assert reply.json()["recipient_name"] == "Old"
    assert api.lookup(N).json()["trackings"] == []
    assert api.lookup(N).json()["mutations"] == []
    assert [put.status for put in api.sandbox.puts()] == [201, 200]


def test_e02_the_same_tracking_twice_is_one_tracking(api: Api) -> None:
    for body in (new(), mutate(add()), mutate(add(warehouse="W1"))):
        api.put(body)

    order = api.lookup(N).json()

    assert len(order["trackings"]) == 1
    assert order["trackings"][0]["warehouse"] == "W1"


def test_e23_a_second_cancel_keeps_the_first_date(api: Api) -> None:
    api.put(new())
    first = api.put(mutate({"type": "cancel_order"})).json()["cancelled_date"]

    again = api.put(mutate({"type": "cancel_order", "cancelled_date": "2030-01-01T00:00:00Z"}))

    assert again.status_code == 200
    assert (again.json()["order_status"], again.json()["cancelled_date"]) == ("Cancelled", first)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        pytest.param(None, 401, id="F01"),
        pytest.param("Parcellab-API-Token wrong", 401, id="F02"),
        pytest.param("Parcellab-API-Token sandbox-token", 201, id="F03"),
        pytest.param("Parcellab-API-Token " + encoded("1618:sandbox-token"), 201, id="F04"),
        pytest.param("Bearer sandbox-token", 201, id="F05"),
        pytest.param("Parcellab-API-Token " + encoded("1619:sandbox-token"), 401, id="account"),
        pytest.param("Parcellab-API-Token " + encoded(encoded("1618:sandbox-token")), 401, id="2x"),
        pytest.param("Basic sandbox-token", 401, id="scheme"),
        pytest.param("Bearer", 401, id="empty"),
        pytest.param("Parcellab-API-Token", 401, id="bare"),
    ],
)
def test_authorization(api: Api, authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"authorization": authorization}

    reply = httpx.put(api.sandbox.base_url + ORDERS, json=new(), headers=headers, trust_env=False)

    assert reply.status_code == status
    assert status == 201 or "www-authenticate" in reply.headers
    assert "sandbox-token" not in reply.text


@pytest.mark.parametrize(
    ("raw", "content_type", "statuses"),
    [
        pytest.param(b'{"account": 1612197. "order_number: PK1004"', "application/json", {400}, id="F06"),
        pytest.param(b"{}", "text/plain", {415, 400}, id="F07"),
        pytest.param(json.dumps(new())[:-1].encode() + b', "order_total_amount": NaN}', "application/json", {400}, id="F15-nan"),
        pytest.param(json.dumps(new())[:-1].encode() + b', "account": 1618}', "application/json", {400}, id="F15-twice"),
        pytest.param(json.dumps(new())[:-1].encode() + b', "order_total_amount": 1e999}', "application/json", {400}, id="infinite"),
        pytest.param(json.dumps(new(recipient_name="\ud800")).encode(), "application/json", {400}, id="surrogate"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(new()).encode(), "application/json", {400}, id="bom"),
        pytest.param(b'{"a":"\xff"}', "application/json", {400}, id="not-utf8"),
        pytest.param(b"[" * 100_000, "application/json", {400}, id="deep"),
        pytest.param(b"[]", "application/json", {400}, id="list"),
        pytest.param(b"", "application/json", {400}, id="empty"),
        pytest.param(b"account=1618", "application/x-www-form-urlencoded", {415}, id="form"),
        pytest.param(json.dumps(new()).encode(), "application/json; charset=utf-8", {201}, id="charset"),
        pytest.param(json.dumps(new()).encode(), "application/json; charset=latin-1", {415}, id="latin"),
    ],
)  # fmt: skip
def test_body_that_may_not_be_json(
    api: Api, raw: bytes, content_type: str, statuses: set[int]
) -> None:
    reply = api.put_raw(raw, content_type=content_type)

    assert reply.status_code in statuses, reply.text


def test_f08_the_path_without_its_slash_is_not_the_endpoint(api: Api) -> None:
    assert api.http.put(ORDERS.rstrip("/"), json=new()).status_code == 404


def test_f09_a_post_of_a_known_order_is_refused(api: Api) -> None:
    api.put(new())

    reply = api.post(new())

    assert reply.status_code == 400
    assert_refusal(reply, "list", "order_number")


def test_f10_a_post_creates(api: Api) -> None:
    assert api.post(new()).status_code == 201
    assert api.sandbox.puts() == []


def test_f11_lookup_by_order_number_and_by_external_id(api: Api) -> None:
    external_id = api.put(new()).json()["external_id"]

    by_number = api.lookup(N)
    by_id = api.http.get(f"{ORDERS}{external_id}/")

    assert by_number.json()["order_number"] == N
    assert by_number.json() == by_id.json()


def test_f12_an_unknown_order_is_404(api: Api) -> None:
    reply = api.lookup(f"nope-{N}")

    assert reply.status_code == 404
    assert reply.json()["errors"][0]["code"] == "not_found"


def test_f13_the_list_says_next_previous_results(api: Api) -> None:
    api.put(new())

    page = api.list(account=1618, order_number=N).json()

    assert set(page) == {"next", "previous", "results"}
    assert [order["order_number"] for order in page["results"]] == [N]


@pytest.mark.parametrize("number", [f"{N}.A", f"{N}/1", "info-1", f"{N}.A/1"])
def test_f14_a_number_the_path_cannot_hold_is_found_in_the_list(api: Api, number: str) -> None:
    api.put(new(order_number=number))

    listed = api.list(account=1618, order_number=number).json()["results"]

    assert len(listed) == 1
    assert api.lookup(number.replace("/", "%2F")).status_code == 404


def test_each_example_of_the_contract_has_its_test() -> None:
    elsewhere = {"A02", "A16", "E02", "E23"} | {f"F{place:02}" for place in range(1, 16)}
    sizes: dict[str, int] = {"A": 16, "B": 25, "C": 13, "D": 11, "E": 33, "F": 16}
    wanted = {f"{part}{place:02}" for part, size in sizes.items() for place in range(1, size + 1)}

    assert {example.id for example in EXAMPLES} | elsewhere == wanted
    assert len(wanted) == 114
