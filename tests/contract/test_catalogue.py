"""The catalogue says what the published OpenAPI file says, except where CONTRACT is stricter.

Both sides are brought to the same facets and compared field by field. Every difference must stand
in EXCEPTIONS with both values and the reason, and every exception must still be needed.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.catalogue import MUTATIONS, SHAPES
from pipeline.model.catalogue.patterns import ALPHA_3, AMOUNT, MONEY, NOT_BLANK
from pipeline.model.field import Field, Kind, Shape, Use

OPENAPI = Path(__file__).parent / "openapi" / "order-api.openapi.json"

PUBLISHED_AMOUNT = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"
PUBLISHED_MONEY = r"^-?\d{0,8}(?:\.\d{0,2})?$"

# Shape of the catalogue -> schema of a request; the order's read-only fields stand in its answers.
SCHEMA_OF = {
    "order": "PatchedOrderRequest",
    "address": "AddressSchema",
    "line_item": "LineItemOrder",
    "article": "LineItem",
    "bundle": "BundleInfo",
    "attribute": "AdditionalAttribute",
    "recipient": "AdditionalRecipient",
    "tracking": "TrackingSchema",
    "checkpoint": "CheckpointSchema",
    "add_tracking": "AddOrUpdateTrackingMutation",
    "cancel_tracking": "CancelTrackingMutation",
    "cancel_order": "CancelOrderMutation",
    "change_line_item_quantity": "ChangeLineItemQuantityMutation",
    "add_line_item": "AddLineItemMutation",
    "replace_line_item": "ReplaceLineItemMutation",
}
ANSWER_OF = {"order": "OrderDetails"}

Difference = tuple[str, str, str]


@dataclass(frozen=True)
class Allowed:
    """A difference CONTRACT asks for: what the API publishes, what the row says, and why."""

    published: object
    ours: object
    why: str


def _allow(
    fields: Iterable[str], facet: str, published: object, ours: object, why: str
) -> dict[Difference, Allowed]:
    """The same exception for several fields, each written `shape.field`."""
    places = (each.split(".") for each in fields)
    return {(shape, field, facet): Allowed(published, ours, why) for shape, field in places}


_AMOUNTS = [
    *(
        f"{shape}.{field}"
        for shape in ("line_item", "article")
        for field in ("unit_price", "unit_price_original", "amount_invoiced", "tax_amount")
    ),
    *("bundle.allocated_unit_price", "bundle.allocated_amount_invoiced"),
    *("tracking.shipping_cost_total", "tracking.shipping_cost_net"),
    "tracking.shipping_cost_discount",
]
_MONEY = [f"order.order_{each}_amount" for each in ("total", "tax", "net", "discount")]
_COUNTRIES = [
    *("order.destination_country_iso3", "address.country_iso3"),
    *("line_item.origin_country_iso3", "article.origin_country_iso3"),
    *("tracking.destination_country_iso3", "tracking.origin_country_iso3"),
]
_LANGUAGES = ["order.language_iso2", "tracking.language_iso2"]
_LINKS = [
    *("line_item.article_store_url", "line_item.article_image_url"),
    *("article.article_store_url", "article.article_image_url"),
    *("tracking.review_link", "tracking.status_link"),
]
_TAGS = ["line_item.tags", "article.tags", "tracking.tags"]
_TYPES_WITH_DEFAULT = [f"{each}.type" for each in MUTATIONS if each != "cancel_tracking"]
_BLANKS = ["address.address_line", "address.postal_code", "address.city"]
_RESULTS = [f"{each}.result" for each in MUTATIONS]

EXCEPTIONS: dict[Difference, Allowed] = {
    # required
    **_allow(
        ["order.account"],
        "required",
        published=False,
        ours=True,
        why="K5: always sent; the PUT schema lists nothing as required",
    ),
    **_allow(
        ["order.order_number"],
        "required",
        published=False,
        ours=True,
        why="K6: account and order_number are the key we always send",
    ),
    **_allow(
        ["order.destination_country_iso3", "order.recipient_email"],
        "required",
        published=False,
        ours=True,
        why="K4: required on create, as the POST schema says",
    ),
    **_allow(
        _TYPES_WITH_DEFAULT,
        "required",
        published=False,
        ours=True,
        why="K44: without `type` the server may read another mutation",
    ),
    # codes and addresses
    **_allow(
        _COUNTRIES,
        "format",
        published=None,
        ours="country",
        why="K36: prose enforces a real alpha-3",
    ),
    **_allow(
        ["order.destination_country_iso3"],
        "min_length",
        published=1,
        ours=3,
        why="K36: an alpha-3 code has three letters",
    ),
    **_allow(
        _LANGUAGES, "format", published=None, ours="language", why="K35: prose says ISO 639-1"
    ),
    **_allow(_LANGUAGES, "max_length", published=3, ours=2, why="K35: ISO 639-1 has two letters"),
    **_allow(
        _LANGUAGES, "min_length", published=None, ours=2, why="K35: ISO 639-1 has two letters"
    ),
    **_allow(
        ["order.order_currency"],
        "format",
        published=None,
        ours="currency",
        why="§1 rule 2, §5.1: prose enforces ISO 4217",
    ),
    **_allow(
        ["order.order_currency"],
        "min_length",
        published=None,
        ours=3,
        why="§1 rule 2, §5.1: prose enforces ISO 4217, three letters",
    ),
    **_allow(
        ["order.timezone", "tracking.timezone"],
        "format",
        published=None,
        ours="zone",
        why="§1 rule 2, §5.1: prose enforces an IANA name, which no schema can say",
    ),
    **_allow(
        ["address.region_code"],
        "format",
        published=None,
        ours="region",
        why="K10: prose checks ISO 3166-2 strictly on shipping and tracking",
    ),
    **_allow(
        _BLANKS,
        "pattern",
        published=None,
        ours=NOT_BLANK,
        why="K9: prose refuses blank parts, the schema counts spaces",
    ),
    **_allow(
        ["order.shipping_address", "order.billing_address", "tracking.shipping_address"],
        "shapes",
        published=("AddressSchema", "Empty"),
        ours=("AddressSchema",),
        why="K9: never `{}`; omit the address unless complete",
    ),
    # texts with a form
    **_allow(
        ["tracking.recipient_email", "tracking.courier_contact_email", "recipient.email"],
        "format",
        published=None,
        ours="email",
        why="§5.4 (no K-number): no format published, validate as an address anyway",
    ),
    **_allow(
        _LINKS,
        "format",
        published=None,
        ours="url",
        why="§9 (no K-number): the schema lets `javascript:` through, the client must check",
    ),
    **_allow(
        ["tracking.courier"],
        "min_length",
        published=None,
        ours=1,
        why="K31: a courier key is never empty",
    ),
    # numbers
    **_allow(
        _MONEY,
        "pattern",
        published=PUBLISHED_MONEY,
        ours=MONEY,
        why="K13: at least one digit, exactly two decimals; the published pattern takes `-` and ``",
    ),
    **_allow(
        _AMOUNTS,
        "pattern",
        published=PUBLISHED_AMOUNT,
        ours=AMOUNT,
        why="K13, §9: one canonical form; the published pattern takes `+5`, `.5`, `1.`",
    ),
    **_allow(
        ["line_item.quantity", "article.quantity"],
        "minimum",
        published=None,
        ours=0,
        why="K14: integer from 0; the schema sets no minimum",
    ),
    # lists and free objects
    **_allow(_TAGS, "item_min_length", published=None, ours=1, why="K18: 1 to 255 everywhere"),
    **_allow(_TAGS, "item_max_length", published=None, ours=255, why="K18: 1 to 255 everywhere"),
    **_allow(
        ["tracking.additional_fields"],
        "type",
        published="any",
        ours="object",
        why="K19: an object with text keys",
    ),
    **_allow(
        ["tracking.additional_fields"],
        "nullable",
        published=True,
        ours=False,
        why="K19: an object with text keys, so not null",
    ),
    # what only the server writes
    **_allow(
        ["order.external_id"],
        "presence",
        published="in answers",
        ours="server-owned",
        why="K6, §5.1: minted by the server; not in the request schema",
    ),
    **_allow(
        ["order.trackings"],
        "presence",
        published="in answers",
        ours="server-owned",
        why="K24, §5.1: in answers to a read only; parcels travel in add_tracking",
    ),
    **_allow(
        ["order.trackings"],
        "shapes",
        published=("TrackingDetailsSchema",),
        ours=("TrackingSchema",),
        why="§5.1: the answer's extra members are never sent, so they are no rows",
    ),
    **_allow(
        _RESULTS,
        "shapes",
        published=("MutationResult",),
        ours=(),
        why="K39, K42, §6: answers only and read tolerantly, so its members are no rows",
    ),
}


# --- the published side -------------------------------------------------------------------------

_KEYWORDS = {
    *("type", "format", "pattern", "minLength", "maxLength", "exclusiveMinimum", "enum", "const"),
    *("default", "items", "anyOf", "allOf", "$ref", "readOnly", "additionalProperties"),
    *("properties", "required"),
}


def published(name: str, schemas: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    """Facets of every property of a schema, in the schema's order."""
    schema = schemas[name]
    required = schema.get("required", [])
    return {
        field: {**_published_facets(value, schemas), "required": field in required}
        for field, value in schema["properties"].items()
    }


def _published_facets(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, object]:
    branches, refs, nullable = _branches(schema, schemas)
    literals = tuple(each["const"] for each in branches if "const" in each and len(branches) > 1)
    main = next(each for each in branches if not ("const" in each and len(branches) > 1))
    merged = {**main, **{key: schema[key] for key in schema if key not in ("anyOf", "allOf")}}
    item: Mapping[str, Any] = merged.get("items", {})
    items, item_refs, _ = _branches(item, schemas) if item else ([{}], (), False)
    words = items[0] if item and not item_refs else merged
    if item_refs and "enum" in items[0]:
        words, item_refs = items[0], ()
    unknown = ({*merged} | {*item}) - _KEYWORDS
    exclusive = merged.get("exclusiveMinimum")
    types = merged.get("type", "any")
    types = [types] if isinstance(types, str) else types
    type_ = next(each for each in types if each != "null")
    return {
        "presence": "in requests",
        "keywords": tuple(sorted(unknown)),
        "type": f"array of {items[0].get('type', 'any')}" if type_ == "array" else type_,
        "format": merged.get("format"),
        "min_length": merged.get("minLength"),
        "max_length": merged.get("maxLength"),
        "item_min_length": item.get("minLength"),
        "item_max_length": item.get("maxLength"),
        "pattern": merged.get("pattern"),
        "minimum": None if exclusive is None else exclusive + 1,
        "choices": (words["const"],) if "const" in words else tuple(words.get("enum", ())),
        "literals": literals,
        "shapes": refs or item_refs,
        "nullable": nullable or "null" in types or type_ == "any",
        "default": merged.get("default"),
    }


def _branches(
    schema: Mapping[str, Any], schemas: Mapping[str, Any]
) -> tuple[list[Mapping[str, Any]], tuple[str, ...], bool]:
    """What a schema may be: its alternatives without null, the objects it names, null or not."""
    options = schema.get("anyOf") or schema.get("allOf") or [schema]
    if schema.get("allOf") and len(options) != 1:
        pytest.fail("allOf with several members: teach the comparison what it means")
    names = [each["$ref"].rsplit("/", 1)[-1] if "$ref" in each else "" for each in options]
    branches = [schemas[name] if name else each for name, each in zip(names, options, strict=True)]
    objects = tuple(n for n, b in zip(names, branches, strict=True) if n and b["type"] == "object")
    some = [branch for branch in branches if branch.get("type") != "null"]
    return some, objects, len(some) < len(branches)


# --- the catalogue's side -----------------------------------------------------------------------

_TYPES = {
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.ANY: "any",
    Kind.TEXTS: "array of string",
    Kind.CHOICES: "array of string",
    Kind.OBJECT: "object",
    Kind.OBJECTS: "array of object",
    Kind.ATTRIBUTES: "array of object",
    Kind.FREE_OBJECT: "object",
    Kind.FREE_OBJECTS: "array of object",
}
_FORMATS = {
    Kind.MONEY: "decimal",
    Kind.DATE: "date",
    Kind.DATETIME: "date-time",
    Kind.UUID: "uuid",
    Kind.EMAIL: "email",
    # no format on the published side, but the row asks for more than text
    **{
        kind: kind.value
        for kind in (
            *(Kind.COUNTRY, Kind.CURRENCY, Kind.LANGUAGE, Kind.ZONE, Kind.REGION),
            Kind.URL,
        )
    },
}


def described(field: Field) -> dict[str, object]:
    """Facets of a row of the catalogue."""
    shapes = field.shapes or ((field.shape,) if field.shape else ())
    return {
        "presence": "in requests",
        "keywords": (),
        "type": _TYPES.get(field.kind, "string"),
        "format": _FORMATS.get(field.kind),
        "min_length": field.min_length,
        "max_length": field.max_length,
        "item_min_length": field.item_min_length,
        "item_max_length": field.item_max_length,
        "pattern": field.pattern,
        "minimum": field.minimum,
        "choices": field.choices,
        "literals": field.literals,
        "shapes": tuple(SCHEMA_OF[each] for each in shapes),
        "nullable": field.nullable,
        "default": field.default,
        "required": field.use in (Use.ALWAYS, Use.CREATE, Use.INSIDE),
    }


# --- the comparison -----------------------------------------------------------------------------


def differences(
    shapes: Mapping[str, Shape], schemas: Mapping[str, Any]
) -> dict[Difference, tuple[object, object]]:
    """Every facet in which catalogue and file differ: what the file says, what the row says."""
    found: dict[Difference, tuple[object, object]] = {}
    for name, schema in SCHEMA_OF.items():
        requests = published(schema, schemas)
        answers = published(ANSWER_OF[name], schemas) if name in ANSWER_OF else {}
        rows = {field.name: field for field in shapes[name].fields}
        for field in requests.keys() - rows.keys():
            found[name, field, "presence"] = ("in requests", "no row")
        for field, row in rows.items():
            theirs = requests.get(field)
            ours = described(row)
            if theirs is None and field in answers:
                theirs = {**answers[field], "presence": "in answers", "required": False}
                ours["presence"] = "server-owned" if row.server_owned else "in requests"
            if theirs is None:
                found[name, field, "presence"] = ("nowhere", "a row")
                continue
            for facet in ours:
                if not _same(theirs[facet], ours[facet]):
                    found[name, field, facet] = (theirs[facet], ours[facet])
    return found


def _same(theirs: object, ours: object) -> bool:
    """Equal in value and in type: 0 is not False, 1 is not True."""
    return theirs == ours and type(theirs) is type(ours)


def unexplained(found: Mapping[Difference, tuple[object, object]]) -> list[str]:
    """Sentences about differences that no exception allows in exactly this form."""
    return [
        f"{shape}.{field}: {facet} is {theirs!r} in the OpenAPI file, {ours!r} in the catalogue"
        for (shape, field, facet), (theirs, ours) in sorted(found.items())
        if (allowed := EXCEPTIONS.get((shape, field, facet))) is None
        or not _same(allowed.published, theirs)
        or not _same(allowed.ours, ours)
    ]


def news(shapes: Mapping[str, Shape], changed: Mapping[str, Any]) -> list[str]:
    """Sentences that tampering adds to those that catalogue and file give as they are."""
    before = unexplained(differences(SHAPES, load()))
    return [each for each in unexplained(differences(shapes, changed)) if each not in before]


def load() -> dict[str, Any]:
    components: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]
    schemas: dict[str, Any] = components["schemas"]
    return schemas


@pytest.fixture
def schemas() -> dict[str, Any]:
    return load()


def tampered(shape: str, field: str, changes: Mapping[str, Any]) -> dict[str, Shape]:
    """The catalogue with one row changed."""
    rows = tuple(
        replace(row, **changes) if row.name == field else row for row in SHAPES[shape].fields
    )
    return {**SHAPES, shape: replace(SHAPES[shape], fields=rows)}


def test_the_catalogue_equals_the_openapi_file_but_for_listed_exceptions(
    schemas: dict[str, Any],
) -> None:
    assert unexplained(differences(SHAPES, schemas)) == []


def test_every_exception_is_still_needed(schemas: dict[str, Any]) -> None:
    assert sorted(EXCEPTIONS.keys() - differences(SHAPES, schemas).keys()) == []


def test_every_exception_cites_the_contract() -> None:
    vague = [place for place, each in EXCEPTIONS.items() if not re.match(r"K\d|§\d", each.why)]

    assert vague == []


def test_every_shape_has_a_schema_and_every_mutation_of_the_file_a_shape(
    schemas: dict[str, Any],
) -> None:
    listed = schemas["PatchedOrderRequest"]["properties"]["mutations"]["items"]["anyOf"]
    names = [each["$ref"].rsplit("/", 1)[-1] for each in listed]

    assert SCHEMA_OF.keys() == SHAPES.keys()
    assert [SCHEMA_OF[each] for each in MUTATIONS] == names


@pytest.mark.parametrize("name", SHAPES)
def test_fields_stand_in_the_order_of_the_api(name: str, schemas: dict[str, Any]) -> None:
    rows = [field.name for field in SHAPES[name].fields]

    assert rows == [*schemas[ANSWER_OF.get(name, SCHEMA_OF[name])]["properties"]]


def test_required_on_create_is_what_the_post_schema_requires(schemas: dict[str, Any]) -> None:
    needed = [
        field.name for field in SHAPES["order"].fields if field.use in (Use.ALWAYS, Use.CREATE)
    ]

    assert sorted(needed) == sorted(schemas["OrderRequest"]["required"])


def test_server_owned_fields_are_those_the_contract_lists() -> None:
    owned = {
        (name, field.name)
        for name, shape in SHAPES.items()
        for field in shape.fields
        if field.server_owned
    }

    assert owned == {
        ("order", "external_id"),
        ("order", "trackings"),
        *(("line_item", each) for each in ("original_quantity", "change_reason", "updated_at")),
        *((each, "result") for each in MUTATIONS),
    }


def test_null_is_allowed_where_the_contract_lists_it() -> None:
    nullable = {
        f"{name}.{field.name}"
        for name, shape in SHAPES.items()
        for field in shape.fields
        if field.nullable
    }

    assert nullable == {
        *_MONEY,
        *("order.order_date", "order.announced_delivery_date", "order.has_multiple_shipments"),
        *("order.announced_delivery_date_min", "order.announced_delivery_date_max"),
        "order.cancelled_date",
        *("line_item.bundle", "article.bundle"),
        *("tracking.shipping_weight_unit", "tracking.shipping_dimensions_unit"),
        *("cancel_order.cancelled_reason", "cancel_order.cancelled_date"),
        *("change_line_item_quantity.current_quantity", "change_line_item_quantity.reason"),
        "replace_line_item.reason",
        "attribute.value",  # missing in CONTRACT §4.3, but §5.3 gives it the default null
    }


def test_a_published_default_of_null_stands_where_the_row_takes_null(
    schemas: dict[str, Any],
) -> None:
    # a row cannot tell "default null" from "no default", and to a sender they are the same
    odd = [
        f"{name}.{field}"
        for name, schema in SCHEMA_OF.items()
        for field, value in schemas[schema]["properties"].items()
        if "default" in value and value["default"] is None
        if (row := SHAPES[name].field(field)) is None or not row.nullable
    ]

    assert odd == []


# --- the comparison can fail --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "field", "changes", "sentence"),
    [
        (
            "address",
            "city",
            {"max_length": 41},
            "address.city: max_length is 40 in the OpenAPI file, 41 in the catalogue",
        ),
        (
            "line_item",
            "weight_unit",
            {"choices": ("kg", "g", "lb", "oz")},
            "line_item.weight_unit: choices is ('kg', 'g', 'lbs', 'oz') in the OpenAPI file, "
            "('kg', 'g', 'lb', 'oz') in the catalogue",
        ),
        (
            "line_item",
            "is_bulky",
            {"default": None},
            "line_item.is_bulky: default is False in the OpenAPI file, None in the catalogue",
        ),
        (
            "order",
            "order_date",
            {"kind": Kind.DATE},
            "order.order_date: format is 'date-time' in the OpenAPI file, 'date' in the catalogue",
        ),
        (
            "order",
            "cancelled_date",
            {"nullable": False},
            "order.cancelled_date: nullable is True in the OpenAPI file, False in the catalogue",
        ),
        (
            "tracking",
            "articles",
            {"shape": "line_item"},
            "tracking.articles: shapes is ('LineItem',) in the OpenAPI file, "
            "('LineItemOrder',) in the catalogue",
        ),
        (
            "order",
            "recipient_email",
            {"literals": ()},
            "order.recipient_email: literals is ('_unset',) in the OpenAPI file, () in the catalogue",
        ),
        (
            "line_item",
            "quantity",
            {"minimum": 1},
            "line_item.quantity: minimum is None in the OpenAPI file, 1 in the catalogue",
        ),
    ],
)
def test_a_tampered_row_is_named(
    shape: str, field: str, changes: dict[str, Any], sentence: str, schemas: dict[str, Any]
) -> None:
    assert news(tampered(shape, field, changes), schemas) == [sentence]


@pytest.mark.parametrize(
    ("schema", "field", "changes", "sentence"),
    [
        (
            "TrackingSchema",
            "origin_region",
            {"maxLength": 25},
            "tracking.origin_region: max_length is 25 in the OpenAPI file, 20 in the catalogue",
        ),
        (
            "LineItem",
            "product_id",
            {"type": "integer"},
            "article.product_id: type is 'integer' in the OpenAPI file, 'string' in the catalogue",
        ),
        (
            "ChangeLineItemQuantityMutation",
            "quantity",
            {"exclusiveMinimum": 0},
            "change_line_item_quantity.quantity: minimum is 1 in the OpenAPI file, "
            "0 in the catalogue",
        ),
        (
            "CancelOrderMutation",
            "type",
            {"const": "cancel"},
            "cancel_order.type: choices is ('cancel',) in the OpenAPI file, "
            "('cancel_order',) in the catalogue",
        ),
        (
            "BundleInfo",
            "group_id",
            {"maxItems": 3},
            "bundle.group_id: keywords is ('maxItems',) in the OpenAPI file, () in the catalogue",
        ),
        (
            "PatchedOrderRequest",
            "tags",
            {"items": {"type": "string", "minLength": 1, "maxLength": 64}},
            "order.tags: item_max_length is 64 in the OpenAPI file, 255 in the catalogue",
        ),
        (
            "AdditionalRecipient",
            "nickname",
            {"type": "string"},
            "recipient.nickname: presence is 'in requests' in the OpenAPI file, "
            "'no row' in the catalogue",
        ),
        (
            # the exception pins both values, so a drift behind it is seen as well
            "LineItemOrder",
            "tax_amount",
            {"pattern": r"^\d+$"},
            r"line_item.tax_amount: pattern is '^\\d+$' in the OpenAPI file, "
            f"{AMOUNT!r} in the catalogue",
        ),
    ],
)
def test_a_tampered_file_is_named(
    schema: str, field: str, changes: dict[str, Any], sentence: str, schemas: dict[str, Any]
) -> None:
    changed = copy.deepcopy(schemas)
    changed[schema]["properties"].setdefault(field, {}).update(changes)

    assert news(SHAPES, changed) == [sentence]


def test_a_field_taken_from_the_file_is_named(schemas: dict[str, Any]) -> None:
    changed = copy.deepcopy(schemas)
    del changed["CheckpointSchema"]["properties"]["exception"]

    assert news(SHAPES, changed) == [
        "checkpoint.exception: presence is 'nowhere' in the OpenAPI file, 'a row' in the catalogue"
    ]


def test_a_changed_enum_and_a_changed_required_list_are_named(schemas: dict[str, Any]) -> None:
    changed = copy.deepcopy(schemas)
    changed["TrackingFlagEnum"]["enum"].append("express")
    changed["AddressSchema"]["required"].remove("city")

    assert [each.split(":")[0] for each in news(SHAPES, changed)] == [
        "address.city",
        "tracking.flags",
    ]


def test_an_exception_that_is_no_longer_needed_is_named(schemas: dict[str, Any]) -> None:
    changed = copy.deepcopy(schemas)
    changed["LineItemOrder"]["properties"]["quantity"]["exclusiveMinimum"] = -1

    still_needed = differences(SHAPES, schemas).keys()
    needless = still_needed - differences(SHAPES, changed).keys()

    assert needless == {("line_item", "quantity", "minimum")}
    assert needless <= EXCEPTIONS.keys()


# --- our patterns are stricter, never other -----------------------------------------------------


@given(st.from_regex(MONEY, fullmatch=True))
def test_every_money_we_send_fits_the_published_pattern(value: str) -> None:
    assert re.search(PUBLISHED_MONEY, value)


@given(st.from_regex(AMOUNT, fullmatch=True))
def test_every_amount_we_send_fits_the_published_pattern(value: str) -> None:
    assert re.search(PUBLISHED_AMOUNT, value)


def test_the_country_pattern_is_the_published_one(schemas: dict[str, Any]) -> None:
    assert schemas["AddressSchema"]["properties"]["country_iso3"]["pattern"] == ALPHA_3
