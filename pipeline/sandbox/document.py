"""The published OpenAPI document, and the stricter schema its prose describes.

Nothing here repeats a limit of the document: the strict schema is derived from it by the few rules
below, each of which cites the sentence that sets it. Paths of errors matter as much as verdicts, so
every `anyOf` that has a discriminating value becomes `if`/`then`: a validator can then descend and
name the cell instead of the whole object.
"""

import copy
import json
from functools import cache
from importlib.resources import files
from typing import Any

Schema = dict[str, Any]

DOCUMENT_NAME = "order-api.openapi.json"
PUT_BODY = "PatchedOrderRequest"
POST_BODY = "OrderRequest"

MUTATION_SCHEMAS: dict[str, str] = {
    "add_tracking": "AddOrUpdateTrackingMutation",
    "cancel_tracking": "CancelTrackingMutation",
    "cancel_order": "CancelOrderMutation",
    "change_line_item_quantity": "ChangeLineItemQuantityMutation",
    "add_line_item": "AddLineItemMutation",
    "replace_line_item": "ReplaceLineItemMutation",
}

# 002: "Country, language, currency, timezone ... validations are enforced at the request boundary."
_FORMAT_BY_PROPERTY = {
    "destination_country_iso3": "iso-3166-alpha3",
    "origin_country_iso3": "iso-3166-alpha3",
    "country_iso3": "iso-3166-alpha3",
    "language_iso2": "iso-639-1",
    "order_currency": "iso-4217",
    "timezone": "iana-time-zone",
}
_REF = "#/components/schemas/"


@cache
def published_text() -> bytes:
    """Return the document byte for byte as it ships with the package."""
    return (files(__package__) / DOCUMENT_NAME).read_bytes()


def published() -> Schema:
    """Return a fresh copy of the published OpenAPI document."""
    document: Schema = json.loads(published_text())
    return document


@cache
def order_fields() -> frozenset[str]:
    """Return the names of the order fields a PUT body may set, identity and mutations excluded."""
    properties = published()["components"]["schemas"][PUT_BODY]["properties"]
    return frozenset(properties) - {"account", "order_number", "mutations"}


@cache
def tracking_fields() -> frozenset[str]:
    """Return the names of the tracking fields a mutation may carry."""
    return frozenset(published()["components"]["schemas"]["TrackingSchema"]["properties"])


@cache
def mutation_fields(mutation_type: str) -> frozenset[str]:
    """Return the names a mutation of this type may carry, its result excluded."""
    schema = published()["components"]["schemas"][MUTATION_SCHEMAS[mutation_type]]
    return frozenset(schema["properties"]) - {"result"}


@cache
def create_fields() -> tuple[str, ...]:
    """Return the fields 002 requires on create, in the document's order (K4)."""
    return tuple(published()["components"]["schemas"][POST_BODY]["required"])


def strict_schema(name: str) -> Schema:
    """Return the schema of a request body with the rules of the prose added.

    Args:
        name: a request body of the published document, for example `PatchedOrderRequest`.
    """
    schemas = copy.deepcopy(published()["components"]["schemas"])
    for schema in schemas.values():
        _tighten_properties(schema)
    _demand_content(schemas["AddressSchema"])
    _demand_mutation_type(schemas)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": _REF + name,
        "components": {"schemas": schemas},
    }


def _tighten_properties(schema: Schema) -> None:
    properties: Schema = schema.get("properties", {})
    for name, rule in properties.items():
        if name in _FORMAT_BY_PROPERTY:
            rule["format"] = _FORMAT_BY_PROPERTY[name]
        if rule.get("format") == "decimal":
            # The pattern takes "", "-" and "."; a decimal field cannot (B06).
            rule["format"] = "decimal-with-digit"
        properties[name] = _branch(rule)


def _branch(rule: Schema) -> Schema:
    """Turn a choice between a schema and `{}`, null or one literal into a condition."""
    choices = rule.get("anyOf", [])
    if {"$ref": _REF + "Empty"} in choices:
        full = next(choice for choice in choices if choice != {"$ref": _REF + "Empty"})
        return {"type": "object", "if": {"type": "object", "maxProperties": 0}, "else": full}
    if {"type": "null"} in choices:
        full = next(choice for choice in choices if choice != {"type": "null"})
        return {"if": {"type": "null"}, "else": full}
    literal = next((choice for choice in choices if "const" in choice), None)
    if literal is not None:
        full = next(choice for choice in choices if choice is not literal)
        rest = {name: value for name, value in rule.items() if name != "anyOf"}
        return rest | {"if": {"const": literal["const"]}, "else": full}
    return rule


def _demand_content(address: Schema) -> None:
    # 002: "blank strings and `null` values are not accepted for these fields."
    for name in address["required"]:
        address["properties"][name].setdefault("allOf", []).append({"pattern": r"\S"})


def _demand_mutation_type(schemas: Schema) -> None:
    # 002: "Mutation payloads must use a supported `type`." Every member of the published union has
    # a default for it, so without this rule `{}` would be a valid cancel_order (K44).
    items: Schema = {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": list(MUTATION_SCHEMAS)},
            # 004's {type, payload}; no member of the union has such a key (K20).
            "payload": False,
        },
        "allOf": [
            {
                "if": {"required": ["type"], "properties": {"type": {"const": mutation_type}}},
                "then": {"$ref": _REF + name},
            }
            for mutation_type, name in MUTATION_SCHEMAS.items()
        ],
    }
    for body in (PUT_BODY, POST_BODY):
        schemas[body]["properties"]["mutations"]["items"] = items
