"""schemathesis against the running sandbox, by the published document.

The document cannot be used as it is: parts of it are defects, and parts of it are wider than the
prose that comes with it. Each change made to it here says which, and why.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from pipeline.sandbox import RunningSandbox, SandboxSettings, running_sandbox
from pipeline.sandbox.document import published
from pipeline.sandbox.settings import DEFAULT_TOKEN

pytestmark = pytest.mark.thorough

Document = dict[str, Any]

NOT_BLANK = {"pattern": r"\S"}
DIGIT_SOMEWHERE = r"^-?(?:\d{1,8}(?:\.\d{0,2})?|\.\d{1,2})$"
MONEY = ("order_total_amount", "order_tax_amount", "order_net_amount", "order_discount_amount")
REQUEST_BODIES = ("PatchedOrderRequest", "OrderRequest")


# Few of each: every value of an enumeration becomes requests of its own.
CODES = {
    "destination_country_iso3": ["DEU", "XKX"],
    "origin_country_iso3": ["CHN", "XKX"],
    "country_iso3": ["GBR", "XKX"],
    "language_iso2": ["de", "zu"],
    "order_currency": ["EUR", "XAU"],
    "timezone": ["Europe/Berlin", "UTC"],
}


def operations(document: Document) -> Iterator[Document]:
    for path in document["paths"].values():
        yield from path.values()


def schemas(document: Document) -> Document:
    found: Document = document["components"]["schemas"]
    return found


# --- defects of the document ----------------------------------------------------------------------


def one_legal_security_scheme(document: Document) -> None:
    document["components"]["securitySchemes"] = {
        "HeaderToken": {"type": "http", "scheme": "bearer"}
    }
    document["security"] = [{"HeaderToken": []}]


def nullable_as_31_writes_it(document: Document) -> None:
    for name in ("next", "previous"):
        link = schemas(document)["PaginatedOrderList"]["properties"][name]
        del link["nullable"]
        link["type"] = ["string", "null"]


def lookup_parameters_of_their_own(document: Document) -> None:
    lookup = document["paths"]["/v4/track/orders/{unique_id}/"]["get"]
    object_parameter = lookup["parameters"].pop()
    assert object_parameter["in"] == "query"
    for name, schema in schemas(document)["LookupOrderQueryRequest"]["properties"].items():
        lookup["parameters"].append({"in": "query", "name": name, "schema": schema})


def body_of_put_required(document: Document) -> None:
    document["paths"]["/v4/track/orders/"]["put"]["requestBody"]["required"] = True


def both_shapes_of_400_on_post(document: Document) -> None:
    orders = document["paths"]["/v4/track/orders/"]
    orders["post"]["responses"]["400"] = copy.deepcopy(orders["put"]["responses"]["400"])


# --- gaps the contract fills ----------------------------------------------------------------------


def only_json(document: Document) -> None:
    for operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        for media_type in [name for name in content if name != "application/json"]:
            del content[media_type]


def a_401_everywhere(document: Document) -> None:
    for operation in operations(document):
        operation["responses"]["401"] = copy.deepcopy(operation["responses"]["403"])
        operation["responses"]["401"]["content"]["application/json"]["schema"] = {
            "$ref": "#/components/schemas/Error400Response"
        }


def account_of_the_token(document: Document) -> None:
    for name in REQUEST_BODIES:
        schemas(document)[name]["properties"]["account"] = {"type": "integer", "enum": [1618]}


def create_fields_on_put(document: Document) -> None:
    required = schemas(document)["OrderRequest"]["required"]
    schemas(document)["PatchedOrderRequest"]["required"] = required


# --- prose the document does not express ----------------------------------------------------------


def code_lists(document: Document) -> None:
    for schema in schemas(document).values():
        for name in CODES.keys() & schema.get("properties", {}).keys():
            schema["properties"][name] = {"type": "string", "enum": CODES[name]}


def addresses_that_say_something(document: Document) -> None:
    address = schemas(document)["AddressSchema"]
    for name in ("address_line", "postal_code", "city"):
        address["properties"][name] |= NOT_BLANK


def no_region_codes(document: Document) -> None:
    del schemas(document)["AddressSchema"]["properties"]["region_code"]


def money_with_a_digit(document: Document) -> None:
    for name in REQUEST_BODIES:
        for field in MONEY:
            schemas(document)[name]["properties"][field]["pattern"] = DIGIT_SOMEWHERE


def mutations_with_a_type(document: Document) -> None:
    for name, schema in schemas(document).items():
        if name.endswith("Mutation"):
            schema["required"] = sorted({*schema.get("required", []), "type"})


def trackings_with_identity(document: Document) -> None:
    schemas(document)["TrackingSchema"]["anyOf"] = [
        {
            "required": ["tracking_number", "courier"],
            "properties": {"tracking_number": NOT_BLANK, "courier": NOT_BLANK},
        },
        {
            "required": ["external_reference"],
            "properties": {"external_reference": NOT_BLANK},
        },
    ]


def configured_delivery_methods(document: Document) -> None:
    methods = list(SandboxSettings().delivery_methods)
    tracking = schemas(document)["TrackingSchema"]["properties"]
    tracking["delivery_method"] = {"type": "string", "enum": methods}


# --- what the tool needs, without changing what the document says ---------------------------------


def one_type_at_a_time(document: Document) -> None:
    for name in REQUEST_BODIES:
        properties = schemas(document)[name]["properties"]
        for field, rule in properties.items():
            if isinstance(rule.get("type"), list):
                assert rule["type"][1:] == ["null"]
                text = rule | {"type": rule["type"][0]}
                properties[field] = {"anyOf": [text, {"type": "null"}]}


@dataclass(frozen=True)
class Repair:
    """A change to the published document and the reason for it."""

    change: Callable[[Document], None]
    reason: str


REPAIRS = (
    Repair(one_legal_security_scheme, "K41: a key with a space, and Bearer for another scheme"),
    Repair(nullable_as_31_writes_it, "K41: `nullable` means nothing in OpenAPI 3.1"),
    Repair(lookup_parameters_of_their_own, "K41: a query object named like the path parameter"),
    Repair(body_of_put_required, "K41: a PUT without body is 400"),
    Repair(
        both_shapes_of_400_on_post, "K27: POST's prose promises {detail}, its schema forgets it"
    ),
    Repair(only_json, "K40: form and multipart are 415 (choice)"),
    Repair(a_401_everywhere, "K28: 401 is in 000 and 004 only"),
    Repair(account_of_the_token, "K5, A06: the account must be the token's"),
    Repair(create_fields_on_put, "K4: the store is empty before each example, so a PUT creates"),
    Repair(code_lists, "002: country, language, currency and time zone are enforced"),
    Repair(addresses_that_say_something, "002: blank strings are not accepted (K9)"),
    Repair(no_region_codes, "K10: what is a region depends on the country; C11 and C12 test it"),
    Repair(money_with_a_digit, "B06: the published pattern takes an empty text"),
    Repair(mutations_with_a_type, "K44: without a type, {} would cancel the order"),
    Repair(trackings_with_identity, "002: tracking_number and courier, or external_reference"),
    Repair(configured_delivery_methods, "002: tracking-level delivery_method must be configured"),
    Repair(one_type_at_a_time, "schemathesis ignores `format` beside a list of types"),
)


def repaired() -> Document:
    document = published()
    for repair in REPAIRS:
        before = copy.deepcopy(document)
        repair.change(document)
        assert document != before, f"nothing left to repair: {repair.reason}"
    return document


@pytest.fixture(scope="module")
def emptied_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


schema = schemathesis.openapi.from_dict(
    repaired(),
    config=SchemathesisConfig.from_dict(
        {
            "headers": {"Authorization": f"Bearer {DEFAULT_TOKEN}"},
            "generation": {"deterministic": True},
        }
    ),
)


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_sandbox_keeps_to_the_document(
    case: schemathesis.Case[Any], emptied_sandbox: RunningSandbox
) -> None:
    emptied_sandbox.reset()
    case.call_and_validate(base_url=emptied_sandbox.base_url, timeout=5)
