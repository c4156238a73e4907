"""New, changed, unchanged; what goes out of each, and under which ids."""

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.compare import COMPARED_SCHEMA, compare, operation_id, trace
from tests.unit.convert.tables import IDENTITY, grouped

ORDER = f"order:\n{IDENTITY}  customer_number: C\n"
LINES = "lines: {fields: {line_item_id: L, sku: S, quantity: Q}}\n"
ALWAYS = LINES.replace("{fields", "{send: always, fields")
PARCELS = "trackings:\n  key: P\n  when: P IS NOT NULL\n  fields: {tracking_number: P, courier: {value: gls}}\n"
CHANGES = (
    "mutations:\n  - {type: change_line_item_quantity, when: \"T = 'q'\", "
    "fields: {line_item_id: L, quantity: Q}}\n"
)
ROW = {"No": "A1", "C": "c", "L": "1", "S": "s", "Q": "2"}


@dataclass(frozen=True, slots=True)
class Known:
    content_sha256: str
    fully_applied: bool = True


@dataclass(frozen=True, slots=True)
class Acked:
    operation_id: str
    generation: int = 1


def orders(text: str, *rows: dict[str, str]) -> pl.DataFrame:
    return grouped((text, rows or (ROW,))).orders


def first(frame: pl.DataFrame, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as `compare` takes it
    """The first order compared; its body parsed."""
    known, operations = more.get("known", {}), more.get("operations", {})
    made = compare(frame, 1618, known, operations, silent=more.get("silent", False))
    assert made.schema == pl.Schema(COMPARED_SCHEMA)
    row = made.row(0, named=True)
    return row | {"body": json.loads(row["body"]) if row["body"] is not None else None}


def test_new_order_goes_out_whole() -> None:
    made = first(orders(ORDER + LINES))

    assert (made["outcome"], made["known"]) == ("not_attempted", False)
    assert made["body"]["articles_order"] == [{"line_item_id": "1", "sku": "s", "quantity": 2}]


def test_no_address_is_told_of_a_new_order_and_never_takes_one_away() -> None:
    text = ORDER.replace("{value: jo@example.com}", "{from: M, default: _unset}")
    frame = orders(text, ROW | {"C": 'a,"recipient_email":"_unset"'})

    new, known = first(frame), first(frame, known={"A1": Known("was")})

    assert new["body"]["recipient_email"] == "_unset"
    assert "recipient_email" not in known["body"]
    assert known["body"] == {k: v for k, v in new["body"].items() if k != "recipient_email"}
    assert known["content_sha256"] == new["content_sha256"]


def test_a_known_order_that_says_only_that_it_has_no_address_says_nothing() -> None:
    text = "order:\n  order_number: No\n  recipient_email: {value: _unset}\n"
    frame = orders(f"mode: update_only\n{text}", {"No": "A,1"})

    assert first(frame, known={"A,1": Known("was")})["outcome"] == "nothing_to_send"
    assert first(frame)["outcome"] == "not_attempted"


def test_payload_that_was_acknowledged_is_unchanged() -> None:
    frame = orders(ORDER + LINES)
    known = {"A1": Known(first(frame)["content_sha256"])}

    made = first(frame, known=known)

    assert (made["outcome"], made["body"], made["operations"]) == ("unchanged", None, None)


def test_payload_that_was_not_fully_applied_goes_out_again() -> None:
    frame = orders(ORDER + LINES)
    known = {"A1": Known(first(frame)["content_sha256"], fully_applied=False)}

    assert first(frame, known=known)["outcome"] == "not_attempted"


def test_known_order_goes_out_without_its_lines() -> None:
    made = first(orders(ORDER + LINES), known={"A1": Known("other")})

    assert made["known"]
    assert made["body"]["customer_number"] == "c"
    assert "articles_order" not in made["body"]


def test_lines_of_a_known_order_go_out_where_the_mapping_says_always() -> None:
    made = first(orders(ORDER + ALWAYS), known={"A1": Known("other")})

    assert len(made["body"]["articles_order"]) == 1


def test_change_of_a_line_changes_the_hash_though_the_body_leaves_lines_out() -> None:
    before, after = orders(ORDER + LINES), orders(ORDER + LINES, ROW | {"Q": "3"})
    known = {"A1": Known(first(before)["content_sha256"])}

    assert first(before, known=known)["outcome"] == "unchanged"
    assert first(after, known=known)["outcome"] == "not_attempted"


def acked(made: dict[str, Any], generation: int = 1) -> dict[str, dict[str, Acked]]:
    return {"A1": {o["subject"]: Acked(o["operation_id"], generation) for o in made["operations"]}}


def test_acknowledged_change_is_left_out_and_a_new_one_goes() -> None:
    before = first(orders(ORDER + PARCELS, ROW | {"P": "p1"}))
    frame = orders(ORDER + PARCELS, ROW | {"P": "p1"}, ROW | {"P": "p2"})

    made = first(frame, known={"A1": Known(before["content_sha256"])}, operations=acked(before))

    assert [m["tracking"]["tracking_number"] for m in made["body"]["mutations"]] == ["p2"]
    assert made["change_at"] == [1]
    assert [o["subject"] for o in made["operations"]] == ["add_tracking|gls|p2"]


def test_operations_follow_the_mutations_of_the_body() -> None:
    made = first(orders(ORDER + PARCELS, ROW | {"P": "p1"}, ROW | {"P": "p2"}))

    assert [o["operation_id"] for o in made["operations"]] == [
        m["operation_id"] for m in made["body"]["mutations"]
    ]
    assert made["change_at"] == [0, 1]


UPDATE = "mode: update_only\norder:\n  order_number: No\n" + CHANGES


def quantity(value: str) -> pl.DataFrame:
    return orders(UPDATE, {"No": "A1", "L": "1", "T": "q", "Q": value})


def test_change_that_comes_back_is_a_new_one() -> None:
    two = first(quantity("2"))
    known = {"A1": Known("other")}
    three = first(quantity("3"), known=known, operations=acked(two, 1))
    again = first(quantity("2"), known=known, operations=acked(three, 2))

    ids = [each["operations"][0]["operation_id"] for each in (two, three, again)]
    assert len(set(ids)) == 3
    assert ids[2] == operation_id(
        1618, "A1", "change_line_item_quantity|1", '"line_item_id":"1","quantity":2', 3
    )


def test_latest_change_of_a_subject_is_not_told_twice() -> None:
    three = first(quantity("3"), known={"A1": Known("x")}, operations={"A1": {
        "change_line_item_quantity|1": Acked("some-other", 1)}})  # fmt: skip

    made = first(quantity("3"), known={"A1": Known("x")}, operations=acked(three, 2))

    assert (made["outcome"], made["body"]) == ("nothing_to_send", None)


def test_order_that_says_nothing_but_its_number_is_not_sent() -> None:
    made = first(orders(UPDATE, {"No": "A1", "L": "1", "T": "x", "Q": "1"}))

    assert (made["outcome"], made["known"], made["body"]) == ("nothing_to_send", False, None)


def test_ids_are_those_of_the_one_who_writes_them_down() -> None:
    frame = orders(ORDER + PARCELS, *({"No": f"Ä{n}", "P": f'p{n} "x"'} for n in range(40)))

    made = compare(frame, 7, {}, {})

    for number, operations, body in made.select("order_number", "operations", "body").iter_rows():
        (operation,) = operations
        inner = body.decode().split('"add_tracking",', 1)[1].removesuffix("}]}")
        assert operation["operation_id"] == operation_id(7, number, operation["subject"], inner, 1)


def test_ids_stay_the_same_from_run_to_run_and_differ_by_account() -> None:
    frame = orders(ORDER + PARCELS, ROW | {"P": "p1"})
    here, there = compare(frame, 1, {}, {}), compare(frame, 2, {}, {})

    assert here.equals(compare(frame, 1, {}, {}))
    assert here["operations"][0][0]["operation_id"] != there["operations"][0][0]["operation_id"]


def test_each_order_is_compared_with_its_own_past() -> None:
    rows = [ROW | {"No": f"A{n}"} for n in range(6)]
    frame = orders(ORDER + LINES, *rows)
    hashes = dict(compare(frame, 1618, {}, {}).select("order_number", "content_sha256").iter_rows())
    known = {
        "A1": Known(hashes["A1"]),
        "A3": Known("other"),
        "A5": Known(hashes["A5"], fully_applied=False),
    }

    made = compare(frame, 1618, known, {})

    assert made["order_number"].to_list() == [f"A{n}" for n in range(6)]
    assert made["known"].to_list() == [False, True, False, True, False, True]
    assert [n for n, o in zip(range(6), made["outcome"], strict=True) if o == "unchanged"] == [1]


def test_no_orders_compare_to_none() -> None:
    frame = orders(ORDER + LINES).clear()

    assert compare(frame, 1618, {}, {}).height == 0
    assert trace(frame, compare(frame, 1618, {}, {})).height == 0


def test_trace_leads_from_each_sent_change_to_its_row() -> None:
    before = first(orders(ORDER + PARCELS, ROW | {"P": "p1"}))
    frame = orders(
        ORDER + LINES + PARCELS, ROW | {"P": "p1"}, ROW | {"P": "p2", "L": "2"}, ROW | {"No": "A2"}
    )
    compared = compare(frame, 1618, {"A1": Known("x")}, acked(before))

    made = trace(frame, compared).row(0, named=True)

    assert [row["_line"] for row in made["line_rows"]] == [2, 3]
    assert [row["_line"] for row in made["change_rows"]] == [3]
    assert made["change_types"] == ["add_tracking"]


def test_the_list_of_lines_does_not_undo_a_change_that_was_told_before() -> None:
    """Sending the list replaces it, so a line that was cut would be back (CONTRACT K43)."""
    text, cut = ORDER + ALWAYS + CHANGES, ROW | {"T": "q"}
    new = first(orders(text, cut))
    assert (len(new["body"]["articles_order"]), len(new["body"]["mutations"])) == (1, 1)

    later = first(orders(text, cut | {"C": "other"}), **_after(new))

    assert later["body"]["customer_number"] == "other"
    assert {"articles_order", "mutations"}.isdisjoint(later["body"])
    assert not later["lines_kept_back"]
    assert first(orders(text, cut | {"S": "other"}), **_after(new))["lines_kept_back"]


def _after(told: dict[str, Any]) -> dict[str, Any]:
    """What is known once an order was acknowledged."""
    operations = {each["subject"]: Acked(each["operation_id"]) for each in told["operations"]}
    return {"known": {"A1": Known(told["content_sha256"])}, "operations": {"A1": operations}}


def test_what_was_told_silently_is_not_told_again_and_loud() -> None:
    frame = orders(ORDER + PARCELS, ROW | {"P": "p1"})
    silently = first(frame, silent=True)
    (change,) = silently["body"]["mutations"]
    assert change["tracking"] == {
        "tracking_number": "p1", "courier": "gls", "notifications_inactive": True,
    }  # fmt: skip

    assert first(frame, silent=True, **_after(silently))["outcome"] == "unchanged"
    assert first(frame, **_after(silently))["outcome"] == "unchanged"
    # the order changes later: its parcel stays as it was told
    changed = orders(ORDER + PARCELS, ROW | {"P": "p1", "C": "other"})
    later = first(changed, **_after(silently))
    assert later["body"]["customer_number"] == "other"
    assert "mutations" not in later["body"]


def test_what_was_told_loud_can_be_silenced() -> None:
    frame = orders(ORDER + PARCELS, ROW | {"P": "p1"})

    made = first(frame, silent=True, **_after(first(frame)))

    (change,) = made["body"]["mutations"]
    assert change["tracking"]["notifications_inactive"] is True


def test_an_order_without_parcels_has_nothing_to_silence() -> None:
    frame = orders(ORDER)
    (loud, silent) = first(frame), first(frame, silent=True)

    assert loud == silent
