"""Orders of which no row could be read: they have their number, and are waited for."""

import pytest

from pipeline.ledger import Ledger
from pipeline.run import spool as spooling
from pipeline.run.clock import clock
from tests.run.conftest import Warehouse, order_row
from tests.run.test_edi import inbox, interchange, night, notice

__all__ = ["inbox"]


def waited_for(warehouse: Warehouse) -> list[tuple[str, str]]:
    with Ledger.open(warehouse.settings.ledger, clock=clock) as ledger:
        return sorted((item.order_number, item.code) for item in ledger.open_items(1))


def numbers(warehouse: Warehouse) -> list[object]:
    return [record["order_number"] for record in warehouse.rejections(warehouse.plan())]


def torn(number: str) -> str:
    """A row with a cell too many, behind the order number."""
    return order_row(number).replace("Jo Doe", "Jo; Doe")


@pytest.mark.parametrize("partition_bytes", [spooling.PARTITION_BYTES, 60])
def test_an_order_of_unreadable_rows_is_named_and_waited_for(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, partition_bytes: int
) -> None:
    monkeypatch.setattr(spooling, "PARTITION_BYTES", partition_bytes)
    warehouse.orders(order_row("A1"), torn("A2"), torn("A3"), order_row("A3", 2))
    result = warehouse.run()

    named = [(each["rule"], each["order_number"]) for each in warehouse.rejections(result)]
    assert named == [("R101", "A2"), ("R101", "A3"), ("H001", "A3")]
    assert waited_for(warehouse) == [("A2", "R101"), ("A3", "R101")]


@pytest.mark.thorough
def test_an_order_of_a_rejected_message_is_waited_for_until_it_arrives(inbox: Warehouse) -> None:
    night(inbox, interchange(1, notice(1, "WH-1"), notice(2, "WH-6", count=40)))
    held = inbox.run()

    # the error itself lies on no row
    assert {each["order_number"] for each in inbox.rejections(held)} == {"WH-6", None}
    assert waited_for(inbox) == [("WH-6", "E110")]
    night(inbox, interchange(2, notice(3, "WH-6")))
    inbox.run()
    assert waited_for(inbox) == []


def test_an_order_that_exists_is_out_of_date_and_not_missing(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.run()
    warehouse.orders(torn("A1"))
    result = warehouse.run()

    assert result.text.startswith("NOTHING IMPORTED: 0 of 1 order arrived, 1 out of date.")
    assert result.summary["orders"]["out_of_date"] == 1  # type: ignore[index]


def test_a_number_is_made_as_the_mapping_says(warehouse: Warehouse) -> None:
    mapping = warehouse.folder / "orders.yaml"
    text = mapping.read_text(encoding="utf-8")
    made = text.replace("order_number: no", 'order_number: {template: "DE-{no}"}')
    mapping.write_text(made, encoding="utf-8")
    warehouse.orders(torn("A2"))

    assert numbers(warehouse) == ["DE-A2"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ("Hinterhaus;Berlin;jo@example.com\n", None),  # the rest of a cell with a line break
        ("20095;Hamburg;jo@example.com\n", None),
        ("jo@example.com;x\n", None),
        ("A\x007;1;S;2;DE;jo@example.com;Jo;\n", None),  # the number itself is spoilt
        ("A7;1;S;2;DE;jo@example.com;J\x00o;\n", "A7"),
        ("A" + "7" * 255 + ";1\n", None),  # longer than a number may be
        ("A8;1;S\n", "A8"),
    ],
)
def test_what_stands_in_the_place_of_a_number_is_none_if_it_looks_like_none(
    warehouse: Warehouse, row: str, shown: str | None
) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"), row)

    assert numbers(warehouse) == [shown]
    warehouse.run()
    assert [number for number, _ in waited_for(warehouse)] == ([shown] if shown else [])


@pytest.mark.parametrize("partition_bytes", [spooling.PARTITION_BYTES, 60])
def test_a_guess_is_the_same_for_partitions_of_any_size(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, partition_bytes: int
) -> None:
    """What numbers look like is asked of the first rows of the files, not of those of a partition."""
    monkeypatch.setattr(spooling, "PARTITION_BYTES", partition_bytes)
    rows = [order_row("A1"), order_row("B-22"), "20095;Hamburg;jo@example.com\n", torn("B-23")]
    warehouse.orders(*rows)

    assert numbers(warehouse) == [None, "B-23"]
