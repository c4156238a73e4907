"""The rows of the catalogue fit together."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.model.catalogue import MUTATIONS, SHAPES, shape
from pipeline.model.catalogue.page import field_table
from pipeline.model.field import Field, Kind, Pii, Shape, Use

ROWS = [(each.name, field) for each in SHAPES.values() for field in each.fields]
PAGE = Path(__file__).parents[3] / "docs" / "fields.md"

TEXTUAL = {Kind.TEXT, Kind.EMAIL, Kind.COUNTRY, Kind.CURRENCY, Kind.LANGUAGE, Kind.REGION}
WITH_SHAPE = {Kind.OBJECT, Kind.OBJECTS, Kind.ATTRIBUTES}

# Words in a name that mean a person; the longest fitting word decides.
PERSONAL = {
    "first_name": Pii.NAME,
    "last_name": Pii.NAME,
    "company_name": Pii.NAME,
    "recipient_name": Pii.NAME,
    "contact_name": Pii.NAME,
    "email": Pii.EMAIL,
    "phone": Pii.PHONE,
    "address_line": Pii.STREET,
    "postal_code": Pii.POSTCODE,
    "city": Pii.CITY,
    "customer_number": Pii.CUSTOMER,
    "invoice_number": Pii.CUSTOMER,
    "collection_code": Pii.CUSTOMER,
    "additional_": Pii.FREE,
    "payments": Pii.FREE,
    "reason": Pii.FREE,
    "message": Pii.FREE,
    "delivery_location": Pii.FREE,
    "status_link": Pii.FREE,
    "review_link": Pii.FREE,
}
# They contain such a word but are one of four fixed words.
NOT_PERSONAL = {"order.cancelled_reason", "cancel_order.cancelled_reason"}
# These must stay readable in reports (REPORT §7).
READABLE = {"order_number", "sku", "line_item_id", "tracking_number", "courier", "order_currency"}


def members(field: Field) -> list[Shape]:
    names = field.shapes or ((field.shape,) if field.shape else ())
    return [SHAPES[name] for name in names]


def those(wrong: Callable[[str, Field], bool]) -> list[str]:
    """Names of the rows for which something is wrong."""
    return [f"{owner}.{field.name}" for owner, field in ROWS if wrong(owner, field)]


def personal(each: Shape) -> bool:
    return any(
        field.pii is not Pii.NONE or any(map(personal, members(field))) for field in each.fields
    )


def test_shapes_are_the_nouns_then_the_mutations() -> None:
    assert [*SHAPES] == [
        *("order", "address", "line_item", "article", "bundle", "attribute", "recipient"),
        *("tracking", "checkpoint"),
        *MUTATIONS,
    ]


def test_mutations_stand_in_the_order_of_the_api() -> None:
    assert MUTATIONS == (
        "add_tracking",
        "cancel_tracking",
        "cancel_order",
        "change_line_item_quantity",
        "add_line_item",
        "replace_line_item",
    )


def test_a_shape_is_found_by_its_name() -> None:
    assert shape("tracking") is SHAPES["tracking"]


def test_an_unknown_shape_is_named_together_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match="no shape 'parcel'; it has order, address, line_item"):
        shape("parcel")


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SHAPES["order"] = SHAPES["address"]  # type: ignore[index]


@pytest.mark.parametrize("name", SHAPES)
def test_names_are_unique_inside_a_shape_and_no_shape_is_empty(name: str) -> None:
    names = [field.name for field in SHAPES[name].fields]

    assert names
    assert len(names) == len(set(names))


def test_payloads_begin_with_account_and_order_number() -> None:
    assert [field.name for field in SHAPES["order"].writable][:2] == ["account", "order_number"]


def test_a_shape_goes_by_the_name_under_which_it_is_listed() -> None:
    assert {name: each.name for name, each in SHAPES.items() if each.name != name} == {}


def one_line(doc: str) -> bool:
    return doc == doc.strip() and doc.endswith(".") and "\n" not in doc and 15 <= len(doc) <= 160


def test_shapes_and_fields_are_described_in_one_line() -> None:
    assert [name for name, each in SHAPES.items() if not one_line(each.doc)] == []
    assert those(lambda _, field: not one_line(field.doc)) == []


def test_references_resolve_and_stand_only_where_there_are_members() -> None:
    def wrong(_: str, field: Field) -> bool:
        refers = bool(field.shape or field.shapes)
        unknown = {*field.shapes, field.shape} - {None, *SHAPES}
        both = bool(field.shape and field.shapes)
        return (field.kind in WITH_SHAPE) != refers or both or bool(unknown)

    assert those(wrong) == []


def test_limits_fit_the_kind() -> None:
    def wrong(_: str, field: Field) -> bool:
        length = (field.min_length, field.max_length)
        item_length = (field.item_min_length, field.item_max_length)
        return (
            (length != (None, None) and field.kind not in TEXTUAL)
            or (item_length != (None, None) and field.kind is not Kind.TEXTS)
            or (field.minimum is not None and field.kind not in {Kind.INTEGER, Kind.NUMBER})
            or any(
                low is not None and high is not None and low > high
                for low, high in (length, item_length)
            )
        )

    assert those(wrong) == []


def test_choices_stand_exactly_where_the_kind_asks_for_them() -> None:
    def wrong(_: str, field: Field) -> bool:
        asked = field.kind in {Kind.CHOICE, Kind.CHOICES}
        return asked != bool(field.choices) or len(field.choices) != len(set(field.choices))

    assert those(wrong) == []


def test_a_default_is_a_value_of_the_kind() -> None:
    def wrong(_: str, field: Field) -> bool:
        if field.default is None:
            return False
        if field.kind is Kind.BOOLEAN:
            return not isinstance(field.default, bool)
        return field.kind is not Kind.CHOICE or field.default not in field.choices

    assert those(wrong) == []


def test_decimals_have_a_pattern_and_every_pattern_runs_in_polars() -> None:
    def wrong(_: str, field: Field) -> bool:
        decimal = field.kind in {Kind.MONEY, Kind.AMOUNT}
        if field.pattern is None:
            return decimal
        matched = pl.Series(["x"]).str.contains(field.pattern)  # raises on look-around
        return not (decimal or field.kind in TEXTUAL) or matched.dtype != pl.Boolean

    assert those(wrong) == []


def test_names_tell_the_kind() -> None:
    endings = {
        "_iso3": {Kind.COUNTRY},
        "_iso2": {Kind.LANGUAGE},
        "timezone": {Kind.ZONE},
        "_currency": {Kind.CURRENCY},
        "region_code": {Kind.REGION},
        "email": {Kind.EMAIL},
        "_url": {Kind.URL},
        "_link": {Kind.URL},
        "quantity": {Kind.INTEGER},
        "_date": {Kind.DATE, Kind.DATETIME},
        "_price": {Kind.AMOUNT},
        "tags": {Kind.TEXTS},
        "operation_id": {Kind.UUID},
    }

    def wrong(_: str, field: Field) -> bool:
        return any(
            field.name.endswith(ending) and field.kind not in kinds
            for ending, kinds in endings.items()
        )

    assert those(wrong) == []


def test_what_concerns_a_person_has_its_class() -> None:
    def wrong(owner: str, field: Field) -> bool:
        words = [word for word in PERSONAL if word in field.name]
        if not words or f"{owner}.{field.name}" in NOT_PERSONAL:
            return False
        return field.pii is not PERSONAL[max(words, key=len)]

    assert those(wrong) == []


def test_what_a_report_must_show_has_no_class() -> None:
    def wrong(_: str, field: Field) -> bool:
        return field.name in READABLE and field.pii is not Pii.NONE

    assert those(wrong) == []


def test_an_object_with_personal_or_free_members_is_masked_as_a_whole() -> None:
    def wrong(_: str, field: Field) -> bool:
        free = field.kind in {Kind.ANY, Kind.FREE_OBJECT, Kind.FREE_OBJECTS}
        if not free and not members(field):
            return False
        expected = Pii.FREE if free or any(map(personal, members(field))) else Pii.NONE
        return field.pii is not expected

    assert those(wrong) == []


def test_use_is_told_where_it_can_hold() -> None:
    def wrong(owner: str, field: Field) -> bool:
        return (
            (field.use in {Use.ALWAYS, Use.CREATE} and owner != "order")
            or (field.use is Use.INSIDE and owner == "order")
            or (field.server_owned and field.use is not Use.OPTIONAL)
        )

    assert those(wrong) == []


def test_every_kind_is_used() -> None:
    assert {field.kind for _, field in ROWS} == set(Kind)


def test_every_use_and_every_class_of_personal_data_is_used() -> None:
    assert {field.use for _, field in ROWS} == set(Use)
    assert {field.pii for _, field in ROWS} == set(Pii)


def test_only_trackings_have_an_identity_number_with_courier_or_a_reference() -> None:
    marked = {(owner, field.name): field.identity for owner, field in ROWS if field.identity}

    assert marked == {
        ("tracking", "tracking_number"): "A",
        ("tracking", "courier"): "A",
        ("tracking", "external_reference"): "B",
    }


def test_recommended_are_the_fields_that_the_contract_recommends() -> None:
    line = ("product_id", "variant_id", "sku", "article_name", "quantity")
    order = (
        *("client_key", "language_iso2", "shipping_address", "recipient_name"),
        "articles_order",
    )
    tracking = ("recipient_postal_code", "destination_country_iso3", "articles")

    assert those(lambda _, field: field.use is Use.RECOMMENDED) == [
        *(f"order.{each}" for each in order),
        *(f"line_item.{each}" for each in line),
        *(f"article.{each}" for each in line),
        *(f"tracking.{each}" for each in tracking),
    ]


def test_an_article_is_an_order_line_without_status_and_history() -> None:
    extra = [field.name for field in SHAPES["line_item"].fields[len(SHAPES["article"].fields) :]]

    assert SHAPES["line_item"].fields[: -len(extra)] == SHAPES["article"].fields
    assert extra == ["status", "original_quantity", "change_reason", "updated_at"]


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_takes_its_type_as_the_only_choice(name: str) -> None:
    type_ = SHAPES[name].field("type")

    assert type_ is not None
    assert (type_.kind, type_.choices, type_.use) == (Kind.CHOICE, (name,), Use.INSIDE)


def test_the_order_takes_every_mutation() -> None:
    mutations = SHAPES["order"].field("mutations")

    assert mutations is not None
    assert mutations.shapes == MUTATIONS


@pytest.mark.parametrize("text", ["  ", "\t", "\u00a0"])
def test_blank_address_parts_do_not_fit_their_pattern(text: str) -> None:
    city = SHAPES["address"].field("city")

    assert city is not None
    assert city.pattern is not None
    assert pl.Series([text, f"{text}Ulm"]).str.contains(city.pattern).to_list() == [False, True]


def test_the_page_of_fields_is_the_generated_one() -> None:
    command = "python -m pipeline.model.catalogue.page > docs/fields.md"

    assert PAGE.read_text(encoding="utf-8") == field_table(), f"write it anew: {command}"


def test_the_page_shows_every_field_with_its_limits() -> None:
    page = field_table()

    missing = [
        f"{owner}.{field.name}" for owner, field in ROWS if f"| `{field.name}` |" not in page
    ]
    assert missing == []
    assert "| `city` | text | inside the object | 1 to 40 characters;" in page
    assert "| `is_bulky` | boolean |  | default `false` |" in page
    assert "| `external_id` | text | *server* |" in page
