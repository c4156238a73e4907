"""The rules for bodies beyond the contract's examples: the path and the code of each refusal."""

from typing import Any

import pytest

from pipeline.sandbox import document
from pipeline.sandbox.validation import BodyRules, missing_on_create

RULES = BodyRules(["Standard"])

ADDRESS = {"address_line": "Weg 2", "postal_code": "12345", "city": "Berlin", "country_iso3": "DEU"}
PARCEL = {"courier": "ups", "tracking_number": "1Z"}
LINE = {"line_item_id": "L1"}


def on_tracking(**fields: object) -> dict[str, Any]:
    return {"mutations": [{"type": "add_tracking", "tracking": PARCEL | fields}]}


def on_address(**fields: object) -> dict[str, Any]:
    return {"shipping_address": ADDRESS | fields}


def on_line(**fields: object) -> dict[str, Any]:
    return {"articles_order": [LINE | fields]}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"account": "1618"}, "account", "invalid"),
    ({"order_number": 5}, "order_number", "invalid"),
    ({"recipient_email": "Max <max@example.com>"}, "recipient_email", "invalid"),
    ({"recipient_email": "max@localhost"}, "recipient_email", "invalid"),
    ({"recipient_email": "max@example.com "}, "recipient_email", "invalid"),
    ({"client_key": "x" * 513}, "client_key", "max_length"),
    ({"order_total_amount": "-"}, "order_total_amount", "invalid"),
    ({"order_total_amount": "."}, "order_total_amount", "invalid"),
    ({"order_total_amount": "1.00\n"}, "order_total_amount", "invalid"),
    ({"order_total_amount": "١٢"}, "order_total_amount", "invalid"),
    ({"order_date": "2026-11-20T12:00:00"}, "order_date", "invalid"),
    ({"order_date": "2026-11-20 12:00:00Z"}, "order_date", "invalid"),
    ({"order_date": "2026-11-20T25:00:00Z"}, "order_date", "invalid"),
    ({"has_multiple_shipments": "yes"}, "has_multiple_shipments", "invalid"),
    ({"destination_country_iso3": "deu"}, "destination_country_iso3", "invalid"),
    ({"language_iso2": "deu"}, "language_iso2", "invalid"),
    ({"language_iso2": "DE"}, "language_iso2", "invalid"),
    ({"order_currency": ""}, "order_currency", "invalid"),
    ({"timezone": ""}, "timezone", "invalid"),
    ({"timezone": "CET "}, "timezone", "invalid"),
    ({"tags": ["x" * 256]}, "tags.0", "max_length"),
    ({"shipping_address": None}, "shipping_address", "null"),
    ({"shipping_address": "Berlin"}, "shipping_address", "invalid"),
    ({"articles_order": None}, "articles_order", "null"),
    ({"mutations": [5]}, "mutations.0", "invalid"),
    ({"mutations": [{"type": {}}]}, "mutations.0.type", "invalid_choice"),
    (on_address(country_iso3="XXQ"), "shipping_address.country_iso3", "invalid"),
    (on_address(country_iso3="DEU", region_code="US-CA"), "shipping_address.region_code", "invalid"),
    (on_address(region_code="by"), "shipping_address.region_code", "invalid"),
    (on_address(region_code=""), "shipping_address.region_code", "blank"),
    (on_address(postal_code="\t \n"), "shipping_address.postal_code", "blank"),
    (on_address(city="\u00a0"), "shipping_address.city", "blank"),
    (on_address(phone="0" * 31), "shipping_address.phone", "max_length"),
    (on_line(origin_country_iso3="ZZZ"), "articles_order.0.origin_country_iso3", "invalid"),
    (on_line(unit_price="19,90"), "articles_order.0.unit_price", "invalid"),
    (on_line(unit_price=""), "articles_order.0.unit_price", "blank"),
    (on_line(quantity=True), "articles_order.0.quantity", "invalid"),
    (on_line(tags="a"), "articles_order.0.tags", "invalid"),
    (on_line(bundle={"group_id": "G", "role": "both"}), "articles_order.0.bundle.role", "invalid_choice"),
    (on_line(bundle=[]), "articles_order.0.bundle", "invalid"),
    (on_line(updated_at="now"), "articles_order.0.updated_at", "invalid"),
    (on_tracking(courier=" "), "mutations.0.tracking.courier", "required"),
    (on_tracking(tracking_number=""), "mutations.0.tracking.tracking_number", "required"),
    (on_tracking(courier="", tracking_number=""), "mutations.0.tracking", "required"),
    (on_tracking(destination_country_iso3="DE"), "mutations.0.tracking.destination_country_iso3", "invalid"),
    (on_tracking(timezone="Berlin"), "mutations.0.tracking.timezone", "invalid"),
    (on_tracking(language_iso2="xx"), "mutations.0.tracking.language_iso2", "invalid"),
    (on_tracking(delivery_method="Drone"), "mutations.0.tracking.delivery_method", "invalid_choice"),
    (on_tracking(shipping_address=ADDRESS | {"region_code": "ZZ9"}), "mutations.0.tracking.shipping_address.region_code", "invalid"),
    (on_tracking(shipping_address={"city": "B"}), "mutations.0.tracking.shipping_address.address_line", "required"),
    (on_tracking(articles=[{}]), "mutations.0.tracking.articles.0.line_item_id", "required"),
    (on_tracking(checkpoints=[{"status_code": "1"}]), "mutations.0.tracking.checkpoints.0.message", "required"),
    (on_tracking(announced_send_date="2026-13-01"), "mutations.0.tracking.announced_send_date", "invalid"),
    (on_tracking(cash_on_delivery_amount="5"), "mutations.0.tracking.cash_on_delivery_amount", "invalid"),
    (on_tracking(shipping_dimensions_unit="in"), "mutations.0.tracking.shipping_dimensions_unit", "invalid_choice"),
    (on_tracking(warehouse=None), "mutations.0.tracking.warehouse", "null"),
    ({"mutations": [{"type": "cancel_order", "cancelled_date": "x"}]}, "mutations.0.cancelled_date", "invalid"),
    ({"mutations": [{"type": "cancel_order", "cancelled_reason": "x"}]}, "mutations.0.cancelled_reason", "invalid_choice"),
    ({"mutations": [{"type": "cancel_order", "payload": {}}]}, "mutations.0.payload", "invalid"),
    ({"mutations": [{"type": "cancel_tracking"}]}, "mutations.0.tracking", "required"),
    ({"mutations": [{"type": "add_line_item", "line_item": {}}]}, "mutations.0.line_item.line_item_id", "required"),
    ({"mutations": [{"type": "replace_line_item", "new_line_item": LINE}]}, "mutations.0.old_line_item_id", "required"),
]  # fmt: skip

ACCEPTED: list[dict[str, Any]] = [
    {},
    {"destination_country_iso3": "XKX"},
    {"order_total_amount": "-0.5", "order_tax_amount": None, "order_net_amount": "12345678.99"},
    {"announced_delivery_date": None, "order_date": None, "cancelled_date": None},
    {"has_multiple_shipments": None},
    {"payments": [{"anything": [1, None]}]},
    {"timezone": "America/Argentina/Buenos_Aires"},
    {"order_currency": "JPY", "language_iso2": "sr"},
    {"additional_attributes": [{"key": "a"}, {"key": "b", "value": {"c": None}}]},
    {"anything": "else"},
    on_address(region_code="BY"),
    on_address(region_code="DE-BY"),
    on_address(country_iso3="XKX", region_code="anything"),
    on_address(country_iso3="GBR", region_code="NIR"),
    on_address(city="x" * 40, postal_code="AD500", address_line="x" * 256),
    {"billing_address": ADDRESS | {"region_code": "ZZ9"}},
    {"billing_address": {}},
    on_line(bundle=None),
    on_line(quantity=-1),
    {"articles_order": [LINE, LINE]},
    on_tracking(delivery_method="standard", shipping_weight_unit=None, shipping_address={}),
    on_tracking(additional_fields={"a": [1]}, recipient_email="no address", unknown=1),
    {"mutations": [{"type": "cancel_order", "cancelled_reason": None, "cancelled_date": None}]},
    {"mutations": [{"type": "cancel_tracking", "tracking": {"external_reference": "S1"}}]},
]


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    REFUSED,
    ids=[f"{place}-{row[1]}" for place, row in enumerate(REFUSED)],
)
def test_a_refusal_names_the_cell_and_the_kind(body: dict[str, Any], attr: str, code: str) -> None:
    found = [(error.attr, error.code) for error in RULES.judge(body)]

    assert (attr, code) in found
    assert all(error.detail for error in RULES.judge(body))


@pytest.mark.parametrize("body", ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_no_document_forbids_is_accepted(body: dict[str, Any]) -> None:
    assert RULES.judge(body) == []


def test_all_reasons_come_at_once_and_one_per_cell() -> None:
    body = {"recipient_email": "", "tags": ["", 5]} | on_address(city=None, postal_code="1")

    attrs = [error.attr for error in RULES.judge(body)]

    assert sorted(map(str, attrs)) == [
        "recipient_email",
        "shipping_address.city",
        "shipping_address.postal_code",
        "tags.0",
        "tags.1",
    ]


def test_the_words_of_a_refusal() -> None:
    body = {"order_number": "x" * 256, "timezone": "Europe/Berln", "cancelled_reason": "fraud"}

    assert [error.detail for error in RULES.judge(body)] == [
        "Ensure this field has no more than 255 characters.",
        "Not a time zone of the IANA database.",
        '"fraud" is not a valid choice.',
    ]


def test_a_new_order_needs_the_fields_the_document_requires_on_post() -> None:
    assert [error.attr for error in missing_on_create({"account": 1})] == [
        "destination_country_iso3",
        "order_number",
        "recipient_email",
    ]


def test_the_strict_schema_differs_from_the_published_one_only_where_prose_says_so() -> None:
    published = document.published()["components"]["schemas"]
    strict = document.strict_schema(document.PUT_BODY)["components"]["schemas"]

    changed = {
        f"{name}.{field}"
        for name, schema in published.items()
        for field, rule in schema.get("properties", {}).items()
        if strict[name]["properties"][field] != rule and name in REQUEST_SCHEMAS
    }

    assert published.keys() == strict.keys()
    assert {path.split(".")[1] for path in changed} == {
        "billing_address", "shipping_address", "address_line", "postal_code", "city",
        "country_iso3", "destination_country_iso3", "origin_country_iso3", "language_iso2",
        "timezone", "order_currency", "order_total_amount", "order_tax_amount",
        "order_net_amount", "order_discount_amount", "recipient_email", "mutations", "bundle",
        "shipping_weight_unit", "shipping_dimensions_unit", "cancelled_reason", "cancelled_date",
        "current_quantity", "reason",
    }  # fmt: skip


REQUEST_SCHEMAS = {
    "PatchedOrderRequest", "AddressSchema", "LineItemOrder", "LineItem", "BundleInfo",
    "TrackingSchema", *document.MUTATION_SCHEMAS.values(),
}  # fmt: skip
