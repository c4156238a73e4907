"""Changes that must not be made twice, and what a read-back may show of them (CONTRACT §6)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.model.orders import Operation, Replay
from pipeline.send import AuthRefused

if TYPE_CHECKING:
    from tests.faults.conftest import Answer, Asked, Delivery, Wire, World


def change(kind: str, **body: object) -> tuple[Operation, dict[str, Any]]:
    return (
        Operation(kind, f"{kind}|L9", "id-L9", Replay.READ_BACK),
        {"type": kind, "operation_id": "id-L9", **body},
    )


def add_line() -> tuple[Operation, dict[str, Any]]:
    return change("add_line_item", line_item={"line_item_id": "L9", "quantity": 1})


def delivered(
    world: World, wire: Wire, sent: tuple[Operation, dict[str, Any]], shown: Answer, **more: object
) -> Delivery:
    """One order whose first request has no usable answer, and that is then read back."""

    def script(asked: Asked, nth: int) -> Answer:
        if asked.method == "GET":
            return shown
        return wire.raw("502 Bad") if nth == 0 else wire.stored()

    return world.deliver(script, [wire.order("A0", sent, **more)])


@pytest.mark.parametrize(
    "page",
    [b"<html>not found", b"", b'{"message": "no Route matched with those values"}'],
    ids=["a proxy", "nothing", "a gateway"],
)
def test_a_404_that_is_not_the_api_s_does_not_mean_that_the_order_is_missing(
    world: World, wire: Wire, page: bytes
) -> None:
    done = delivered(world, wire, add_line(), wire.raw("404 Not Found", page))

    assert done.outcomes() == {"A0": "unknown"}
    assert len(done.server.puts()) == 1
    assert "not the Order API" in done.problems[0]["detail"]


def test_what_is_read_back_may_be_of_any_form(world: World, wire: Wire) -> None:
    strange = {"order_number": "A0", "articles_order": 7, "trackings": {"a": 1}}

    done = delivered(world, wire, add_line(), wire.json("200 OK", strange))

    assert done.outcomes() == {"A0": "updated"}


def test_a_text_that_looks_like_a_huge_number_is_a_text(world: World, wire: Wire) -> None:
    line = {"line_item_id": "L1", "sku": "12E4567890"}
    other = {"order_number": "A0", "articles_order": [{**line, "sku": "12E4567891"}]}

    done = delivered(world, wire, add_line(), wire.json("200 OK", other), articles_order=[line])

    assert done.outcomes() == {"A0": "updated"}


def test_a_line_that_is_there_in_another_quantity_is_neither_repeated_nor_believed(
    world: World, wire: Wire
) -> None:
    older = {"order_number": "A0", "articles_order": [{"line_item_id": "L9", "quantity": 5}]}
    shown = wire.json("200 OK", older)

    done = delivered(world, wire, add_line(), shown)

    assert done.outcomes() == {"A0": "partly_applied"}
    assert [row["outcome"] for row in done.mutations] == ["unknown"]
    assert "another quantity" in done.problems[0]["detail"]
    assert sum("mutations" in each.payload for each in done.server.puts()) == 1
    # nor by the next one who tries
    again = world.deliver(
        lambda asked, _: shown if asked.method == "GET" else wire.stored(),
        [wire.order("A0", add_line())],
    )
    assert not any("mutations" in each.payload for each in again.server.puts())


def test_a_line_that_was_cut_since_it_was_added_is_the_one_that_was_added(
    world: World, wire: Wire
) -> None:
    line = {"line_item_id": "L9", "quantity": 0, "original_quantity": 1}
    shown = wire.json("200 OK", {"order_number": "A0", "articles_order": [line]})

    done = delivered(world, wire, add_line(), shown)

    assert done.outcomes() == {"A0": "updated"}
    assert sum("mutations" in each.payload for each in done.server.puts()) == 1


def test_a_line_that_is_to_take_its_own_place_is_there_before(world: World, wire: Wire) -> None:
    """The way to cancel a line that one of the documents has (CONTRACT K23, E21)."""
    cancel = change(
        "replace_line_item",
        old_line_item_id="L9",
        new_line_item={"line_item_id": "L9", "quantity": 0},
    )
    before = {"order_number": "A0", "articles_order": [{"line_item_id": "L9", "quantity": 5}]}

    done = delivered(world, wire, cancel, wire.json("200 OK", before))

    assert done.outcomes() == {"A0": "updated"}
    assert sum("mutations" in each.payload for each in done.server.puts()) == 2


@pytest.mark.parametrize("status", ["429 Too Many", "503 Away"])
def test_g6_a_read_back_waits_as_the_server_asks(world: World, wire: Wire, status: str) -> None:
    def script(asked: Asked, nth: int) -> Answer:
        if asked.method == "GET":
            return wire.raw(status, Retry_After="60") if nth == 1 else found
        return wire.raw("502 Bad") if nth == 0 else wire.stored()

    found = wire.json("200 OK", {"order_number": "A0", "articles_order": []})

    done = world.deliver(script, [wire.order("A0", add_line())])

    assert done.outcomes() == {"A0": "updated"}
    first, second = (each.at for each in done.server.asked[1:3])
    assert second >= first + 60


def test_g6_a_token_that_is_refused_for_a_read_back_stops_the_run(world: World, wire: Wire) -> None:
    def script(asked: Asked, _: int) -> Answer:
        return wire.raw("401 No") if asked.method == "GET" else wire.raw("502 Bad")

    done = world.deliver(script, [wire.order(f"A{n}", add_line()) for n in range(30)])

    assert isinstance(done.delivered.stopped, AuthRefused)
    gets = [each for each in done.server.asked if each.method == "GET"]
    assert len(gets) <= world.pace.concurrency


def test_the_rate_is_that_of_all_requests(world: World, wire: Wire) -> None:
    world.paced(rate_per_s=1.0)
    found = wire.json("200 OK", {"order_number": "A0", "articles_order": []})

    done = delivered(world, wire, add_line(), found)

    asked = [each.at for each in done.server.asked]
    assert all(later - before > 0.99 for before, later in pairwise(asked))
    assert len(asked) == 5


@pytest.mark.parametrize("status", ["409 Conflict", "425 Too Early", "408 Late"])
def test_n5_an_order_that_is_always_in_conflict_does_not_hold_the_others_back(
    world: World, wire: Wire, status: str
) -> None:
    no = wire.json(status, {"detail": "being changed"})
    done = world.deliver(
        lambda asked, _: no if asked.number == "A3" else wire.stored(),
        [wire.order(f"A{n}") for n in range(60)],
    )

    outcomes = done.outcomes()
    gave_up = {"409 Conflict": "refused", "425 Too Early": "not_attempted", "408 Late": "unknown"}
    assert outcomes.pop("A3") == gave_up[status]
    assert ("being changed" in done.problems[0]["detail"]) == (status == "409 Conflict")
    assert set(outcomes.values()) == {"updated"}
    assert done.delivered.stopped is None
    assert len(done.server.puts("A3")) == world.pace.attempts
