"""What rows of one order owe each other."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.mapping.plan import Sending

if TYPE_CHECKING:
    from tests.unit.check.conftest import Bench


def change(bench: "Bench", **cells: object) -> dict[str, Any]:
    """A row that changes the quantity of line L1 to 2, with its own line id."""
    base = {"_when.mutations.0": True, "mutations.0.line_item_id": "L1", "mutations.0.quantity": 2}
    return dict(bench.fine(_when__lines=False, **{**base, **cells}))


def test_a_line_id_used_twice_is_reported_on_every_row_but_the_first(bench: "Bench") -> None:
    rows = [bench.fine() for _ in range(3)]
    found = bench.findings(*rows).rows
    assert found.select("_line", "code", "column", "value", "detail").rows() == [
        (3, "R302", "Line", "L1", "3"),
        (4, "R302", "Line", "L1", "3"),
    ]


def test_two_orders_may_use_the_same_line_id(bench: "Bench") -> None:
    assert bench.said(bench.fine(), bench.fine(order__order_number="1002")) == []


def test_a_row_that_is_no_line_does_not_repeat_one(bench: "Bench") -> None:
    assert bench.said(bench.fine(), bench.fine(_when__lines=False)) == []


def article(bench: "Bench", order: str = "1001", **cells: object) -> dict[str, Any]:
    """A row that puts line L1 into the parcel of an order, and is no line itself."""
    told = {"line_item_id": "L1", **cells}
    slots = {f"trackings__articles__{name}": value for name, value in told.items()}
    # its lines are those that parcelLab has
    return dict(bench.fine(_when__lines=False, order__order_number=order, **slots))


def test_one_line_id_for_two_articles_of_an_order_is_reported(bench: "Bench") -> None:
    rows = [article(bench, sku="A"), article(bench, sku="A", quantity=7), article(bench, sku="B")]
    found = bench.findings(*rows, existing={"1001"}).rows
    assert found.select("_line", "code", "column", "value", "detail").rows() == [
        (4, "R302", "ALine", "L1", "3")
    ]


def test_a_line_in_several_parcels_or_lots_is_one_line(bench: "Bench") -> None:
    rows = [article(bench, sku="A"), article(bench, sku="A", quantity=7), article(bench),
            article(bench, "1002", sku="B")]  # fmt: skip
    assert bench.said(*rows, existing={"1001", "1002"}) == []


def test_two_different_changes_of_a_line_are_reported_on_the_later_row(bench: "Bench") -> None:
    later = change(bench, **{"mutations.0.quantity": 1})
    found = bench.findings(change(bench), later).rows
    assert found.select("_line", "code", "column", "target", "value").rows() == [
        (3, "R318", "MLine", "mutations.change_line_item_quantity", "L1")
    ]


def test_the_same_change_twice_is_no_contradiction(bench: "Bench") -> None:
    assert bench.said(change(bench), change(bench)) == []


def test_changes_of_two_lines_or_two_orders_do_not_contradict(bench: "Bench") -> None:
    other_line = change(bench, **{"mutations.0.line_item_id": "L2", "mutations.0.quantity": 1})
    other_order = change(bench, order__order_number="1002", **{"mutations.0.quantity": 0})
    assert bench.said(change(bench), other_line, other_order) == []


def test_a_line_replaced_by_two_different_lines_is_a_contradiction(bench: "Bench") -> None:
    def row(new: str) -> dict[str, Any]:
        cells = {
            "mutations.2.old_line_item_id": "L1",
            "mutations.2.new_line_item.line_item_id": new,
        }
        return dict(bench.fine(_when__lines=False, **{"_when.mutations.2": True}, **cells))

    target = "mutations.replace_line_item"
    assert bench.said(row("N1"), row("N2")) == [(3, "R318", "OldLine", target)]


def test_two_entries_of_the_mapping_can_contradict_each_other_on_one_row(bench: "Bench") -> None:
    first = bench.plan.mutations[0]
    members = tuple(
        replace(made, slot=made.slot.replace("mutations.0", "mutations.1"))
        for made in first.body.leaves()
    )
    second = replace(first, index=1, body=replace(first.body, members=members))
    both = replace(bench.plan, mutations=(first, second, *bench.plan.mutations[2:]))
    cells = {"mutations.1.line_item_id": "L1", "mutations.1.quantity": 5, "_when.mutations.1": True}
    found = replace(bench, plan=both).said(change(bench, **cells))
    assert found == [(2, "R318", "MLine", "mutations.change_line_item_quantity")]


def test_a_parcel_with_a_line_that_the_order_lacks_is_reported(bench: "Bench") -> None:
    found = bench.findings(bench.fine(trackings__articles__line_item_id="L9")).rows
    assert found.select("_line", "code", "column", "value").rows() == [(2, "R321", "ALine", "L9")]


def test_a_parcel_may_hold_a_line_of_any_row_of_its_order(bench: "Bench") -> None:
    first = bench.fine(trackings__articles__line_item_id="L2")
    second = bench.fine(lines__line_item_id="L2", trackings__articles__line_item_id="L1")
    assert bench.said(first, second) == []


def test_a_parcel_may_hold_a_line_that_a_mutation_adds(bench: "Bench") -> None:
    cells = {"_when.mutations.1": True, "mutations.1.line_item.line_item_id": "L9"}
    assert bench.said(bench.fine(trackings__articles__line_item_id="L9", **cells)) == []


def test_lines_that_are_always_sent_bind_the_parcels_of_a_stored_order(bench: "Bench") -> None:
    assert bench.plan.lines is not None
    always = replace(bench.plan, lines=replace(bench.plan.lines, send=Sending.ALWAYS))
    row = bench.fine(trackings__articles__line_item_id="L9")
    target = "mutations.add_tracking.tracking.articles.line_item_id"
    found = replace(bench, plan=always).said(row, existing={"1001"})
    assert found == [(2, "R321", "ALine", target)]


def test_the_lines_of_a_stored_order_are_known_to_parcellab_only(bench: "Bench") -> None:
    assert bench.plan.lines is not None
    assert bench.plan.lines.send is Sending.ON_CREATE
    row = bench.fine(trackings__articles__line_item_id="L9")
    assert bench.said(row, existing={"1001"}) == []


def test_a_span_that_ends_before_it_starts_is_a_warning(bench: "Bench") -> None:
    row = bench.fine(
        order__announced_delivery_date_min=date(2026, 11, 21),
        order__announced_delivery_date_max=date(2026, 11, 20),
        trackings__announced_delivery_date_min=date(2026, 11, 20),
        trackings__announced_delivery_date_max=date(2026, 11, 20),
    )
    found = bench.findings(row)
    assert found.rows.select("code", "column", "target", "value", "detail").rows() == [
        ("R322", "From", "announced_delivery_date_min", "2026-11-21",
         "announced_delivery_date_max 2026-11-20")
    ]  # fmt: skip
    assert len(found.errors()) == 0


def test_the_dates_of_a_parcel_are_compared_too(bench: "Bench") -> None:
    row = bench.fine(
        trackings__announced_delivery_date_min=date(2026, 11, 21),
        trackings__announced_delivery_date_max=date(2026, 11, 20),
    )
    target = "mutations.add_tracking.tracking.announced_delivery_date_min"
    assert bench.said(row) == [(2, "R322", "TFrom", target)]
