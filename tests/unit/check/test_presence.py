"""What must be there: fields of a new order, whole addresses, identities, parts of objects."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.check import REQUIRED_ON_CREATE, check
from pipeline.mapping.plan import Mode, Scope
from pipeline.model.findings import Findings
from pipeline.model.tables import FieldTable

if TYPE_CHECKING:
    from tests.unit.check.conftest import Bench


STREET = "order__shipping_address__address_line"
ZIP = "order__shipping_address__postal_code"
CITY = "order__shipping_address__city"
COUNTRY = "order__shipping_address__country_iso3"


def test_the_fields_that_creating_needs_are_those_of_the_catalogue() -> None:
    assert REQUIRED_ON_CREATE == ("destination_country_iso3", "recipient_email")


def test_a_new_order_needs_country_and_email_and_says_so_once(bench: "Bench") -> None:
    first = bench.fine(order__destination_country_iso3=None, order__recipient_email=None)
    second = {**first, "lines.line_item_id": "L2"}
    assert bench.said(first, second) == [
        (2, "R301", "Land", "destination_country_iso3"),
        (2, "R301", "Mail", "recipient_email"),
    ]


def test_a_value_on_any_row_of_the_order_is_enough(bench: "Bench") -> None:
    first = bench.fine(order__recipient_email=None)
    assert bench.said(first, bench.fine(lines__line_item_id="L2")) == []


def test_a_known_order_may_be_incomplete(bench: "Bench") -> None:
    row = bench.fine(order__recipient_email=None)
    other = {**row, "order.order_number": "1002"}
    assert bench.said(row, other, existing={"1001"}) == [(3, "R301", "Mail", "recipient_email")]


def test_a_mapping_that_only_updates_asks_for_nothing(bench: "Bench") -> None:
    updating = replace(bench, plan=replace(bench.plan, mode=Mode.UPDATE_ONLY))
    assert updating.said(bench.fine(order__recipient_email=None)) == []


def test_an_order_without_number_is_refused(bench: "Bench") -> None:
    row = bench.fine(order__order_number=None, _key="K1")
    assert bench.said(row) == [(2, "R315", "No", "order_number")]
    assert bench.said(row, existing={"1001"}) == [(2, "R315", "No", "order_number")]


def test_a_bad_cell_that_became_empty_is_not_called_missing(bench: "Bench") -> None:
    first = bench.fine(order__destination_country_iso3=None)
    second = {**first, "lines.line_item_id": "L2"}
    assert bench.said(first, second, known=bench.known("R203", "Land")) == []
    assert bench.said(first, second, known=bench.known("R203", "Land", line=3)) == []


def test_a_cell_dropped_with_a_warning_is_missing_all_the_same(bench: "Bench") -> None:
    row = bench.fine(order__recipient_email=None)
    found = bench.said(row, known=bench.known("R324", "Mail"))
    assert found == [(2, "R301", "Mail", "recipient_email")]


def test_rows_without_order_key_form_no_order(bench: "Bench") -> None:
    row = bench.fine(order__order_number=None, order__recipient_email=None)
    assert bench.said(row, known=bench.known("R209", "No")) == []


def test_an_address_that_lacks_parts_names_them_all(bench: "Bench") -> None:
    found = bench.findings(bench.fine(**{STREET: "Weg 1", COUNTRY: "DEU"})).rows
    assert found.select("_line", "code", "column", "target", "detail").rows() == [
        (2, "R313", "Zip", "shipping_address", "postal_code, city")
    ]


def test_names_and_country_alone_are_no_address(bench: "Bench") -> None:
    row = bench.fine(order__shipping_address__first_name="Jo", **{COUNTRY: "DEU"})
    assert bench.said(row) == []


def test_continuation_rows_may_leave_the_address_blank(bench: "Bench") -> None:
    whole = {STREET: "Weg 1", ZIP: "10115", CITY: "Berlin", COUNTRY: "DEU"}
    rest = bench.fine(lines__line_item_id="L2", **{CITY: "Berlin"})
    assert bench.said(bench.fine(**whole), rest) == []


def test_a_part_with_a_known_error_is_not_called_lacking(bench: "Bench") -> None:
    row = bench.fine(**{STREET: "Weg 1", ZIP: "10115", CITY: "Berlin"})
    assert bench.said(row, known=bench.known("R203", "Land")) == []


def test_a_known_error_in_one_part_does_not_hide_another_missing_part(bench: "Bench") -> None:
    row = bench.fine(**{STREET: "Weg 1", ZIP: "10115"})
    found = bench.findings(row, known=bench.known("R203", "Land")).rows
    assert found.select("code", "column", "detail").rows() == [("R313", "City", "city")]


def test_the_address_of_a_parcel_must_be_whole_too(bench: "Bench") -> None:
    target = "mutations.add_tracking.tracking.shipping_address"
    row = bench.fine(trackings__shipping_address__city="Berlin")
    assert bench.said(row) == [(2, "R313", "TStreet", target)]


def test_the_rows_of_one_parcel_fill_its_address_together(bench: "Bench") -> None:
    part = "trackings__shipping_address__"
    cells = {
        "address_line": "Weg 1",
        "postal_code": "10115",
        "city": "Berlin",
        "country_iso3": "DEU",
    }
    whole = bench.fine(**{part + name: value for name, value in cells.items()})
    rest = bench.fine(lines__line_item_id="L2", trackings__shipping_address__city="Berlin")
    assert bench.said(whole, rest) == []


def test_the_key_of_the_parcel_tells_its_rows_where_convert_made_it(bench: "Bench") -> None:
    part = "trackings.shipping_address."
    rows = [
        bench.fine(**{part + "address_line": "Weg 1", part + "postal_code": "10115"}),
        bench.fine(
            lines__line_item_id="L2",
            trackings__courier="dpd",
            **{part + "city": "Berlin", part + "country_iso3": "DEU"},
        ),
    ]
    table = bench.table(*rows)
    keyed = FieldTable(table.rows.with_columns(pl.lit("P1").alias("_key.trackings")))
    assert len(check(table, Findings.none(), bench.plan, existing=())) == 2
    assert len(check(keyed, Findings.none(), bench.plan, existing=())) == 0


@pytest.mark.parametrize(
    ("number", "courier", "reference", "column"),
    [
        ("T1", None, None, "Courier"),
        (None, "dhl", None, "Track"),
        (None, None, None, "Track"),
    ],
)
def test_a_tracking_without_identity_is_refused(
    bench: "Bench", number: str | None, courier: str | None, reference: str | None, column: str
) -> None:
    row = bench.fine(
        trackings__tracking_number=number,
        trackings__courier=courier,
        trackings__external_reference=reference,
    )
    assert bench.said(row) == [(2, "R314", column, "mutations.add_tracking.tracking")]


def test_an_external_reference_identifies_a_tracking_alone(bench: "Bench") -> None:
    row = bench.fine(trackings__tracking_number=None, trackings__external_reference="S1")
    assert bench.said(row) == []


def test_a_row_without_tracking_needs_no_identity(bench: "Bench") -> None:
    row = bench.fine(
        trackings__tracking_number=None, trackings__courier=None, _when__trackings=False
    )
    assert bench.said(row) == []


def test_a_courier_that_is_already_reported_is_not_called_missing(bench: "Bench") -> None:
    row = bench.fine(trackings__courier=None)
    assert bench.said(row, known=bench.known("R401", "Courier")) == []


def test_cancelling_a_tracking_needs_its_identity(bench: "Bench") -> None:
    row = bench.fine(_when__mutations__3=True, mutations__3__tracking__courier="dhl")
    assert bench.said(row) == [(2, "R314", "CTrack", "mutations.cancel_tracking.tracking")]


@pytest.mark.parametrize(
    ("cells", "column", "target"),
    [
        ({"lines__line_item_id": None}, "Line", "articles_order.line_item_id"),
        ({"lines__bundle__parent_sku": "P"}, "Group", "articles_order.bundle.group_id"),
        ({"lines__bundle__group_id": "G"}, "Role", "articles_order.bundle.role"),
        (
            {"trackings__articles__quantity": 1},
            "ALine",
            "mutations.add_tracking.tracking.articles.line_item_id",
        ),
        (
            {"_when.mutations.0": True, "mutations.0.line_item_id": "L1"},
            "MQty",
            "mutations.change_line_item_quantity.quantity",
        ),
        (
            {"_when.mutations.1": True},
            "NewLine",
            "mutations.add_line_item.line_item.line_item_id",
        ),
        (
            {"_when.mutations.2": True, "mutations.2.new_line_item.line_item_id": "N"},
            "OldLine",
            "mutations.replace_line_item.old_line_item_id",
        ),
    ],
)
def test_a_required_part_that_is_empty_is_reported(
    bench: "Bench", cells: dict[str, Any], column: str, target: str
) -> None:
    assert (2, "R315", column, target) in bench.said(bench.fine(**cells))


def test_fixed_text_alone_makes_no_bundle(bench: "Bench") -> None:
    row = bench.fine(lines__bundle__return_policy="parent_only")
    assert bench.said(row) == []


def test_a_checkpoint_needs_its_four_parts(bench: "Bench") -> None:
    found = bench.said(bench.fine(trackings__checkpoints__message="left the depot"))
    assert [(code, column) for _, code, column, _ in found] == [
        ("R315", "Code"),
        ("R315", "At"),
        ("R315", "CStatus"),
    ]


def test_a_row_without_line_needs_no_line_id(bench: "Bench") -> None:
    assert bench.said(bench.fine(lines__line_item_id=None, _when__lines=False)) == []


def test_what_all_rows_of_an_order_ask_for_may_stand_on_any_of_them(bench: "Bench") -> None:
    first, *rest = bench.plan.mutations
    plan = replace(bench.plan, mutations=(replace(first, scope=Scope.ANY), *rest))
    rows = [
        bench.fine(_when__mutations__0=True, mutations__0__line_item_id="L1"),
        bench.fine(_when__mutations__0=True, _when__lines=False, mutations__0__quantity=1),
    ]
    assert replace(bench, plan=plan).said(*rows) == []
