"""Several mappings that speak of one order: joined when they agree, held when they do not."""

import json

from tests.run.conftest import HEADER, ORDERS_YAML, Warehouse, order_row
from tests.run.test_answers import play
from tests.run.test_import import outcomes


def second_export(warehouse: Warehouse, *rows: str) -> None:
    """Another warehouse's export of order lines, with a mapping of its own."""
    text = ORDERS_YAML.replace("name: orders", "name: south").replace("orders*.csv", "south*.csv")
    (warehouse.folder / "south.yaml").write_text(text, encoding="utf-8")
    (warehouse.folder / "south.csv").write_text(HEADER + "".join(rows), encoding="utf-8")


def test_lines_of_two_mappings_are_all_sent(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    second_export(warehouse, order_row("A1", 2), order_row("A3"))

    result = warehouse.run()

    assert result.exit_code == 0
    assert outcomes(result.summary)["created"] == 3
    [body] = [json.loads(p.body) for p in warehouse.sandbox.puts() if p.order_number == "A1"]
    assert [line["line_item_id"] for line in body["articles_order"]] == ["A1-1", "A1-2"]


def test_mappings_that_contradict_each_other_hold_the_order(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A2"))
    second_export(warehouse, order_row("A1", 2, mail="other@example.com"), order_row("A2", 2))

    result = warehouse.run()

    assert outcomes(result.summary) == {
        "seen": 2, "held_back": 1, "ready": 1, "created": 1, "arrived": 1, "missing": 1,
    }  # fmt: skip
    [record] = [r for r in warehouse.rejections(result) if r["rule"] == "R303"]
    assert (record["file"], record["line"], record["column"]) == ("south.csv", 2, "mail")
    assert result.report is not None
    assert b"other@example.com" not in result.report.read_bytes()
    assert result.summary["balances"] is True


def test_an_answer_names_the_column_and_mapping_of_the_file_that_it_is_about(
    warehouse: Warehouse,
) -> None:
    text = ORDERS_YAML.replace("name: orders", "name: south").replace("orders*.csv", "south*.csv")
    named = text.replace("recipient_email: mail", "recipient_name: name\n  recipient_email: post")
    (warehouse.folder / "south.yaml").write_text(
        named.replace("  recipient_name: {from: name}\n", ""), encoding="utf-8"
    )
    south = HEADER.replace("mail", "post") + order_row("A2")
    (warehouse.folder / "south.csv").write_text(south, encoding="utf-8")
    warehouse.orders(order_row("A1"))
    play(warehouse, {"fault": "http_400_a", "attr": "recipient_email", "detail": "is not good"})

    result = warehouse.run()

    refused = {r["order_number"]: r for r in warehouse.rejections(result) if r["rule"] == "A401"}
    assert {number: r["column"] for number, r in refused.items()} == {"A1": "mail", "A2": "post"}
    assert [str(r["mapping"]).partition(":")[0] for r in refused.values()] == ["orders", "south"]
    causes = result.summary["causes"]
    assert sorted(each["mapping_place"] for each in causes) == ["orders:11", "south:12"]  # type: ignore[attr-defined]


def test_a_line_id_of_two_mappings_is_found(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    second_export(warehouse, order_row("A1"))

    result = warehouse.run()

    [record] = [r for r in warehouse.rejections(result) if r["rule"] == "R302"]
    assert (record["file"], record["line"], record["raw"]) == ("south.csv", 2, "A1-1")
    assert warehouse.sandbox.puts() == []
