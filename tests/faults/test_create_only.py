"""`--create-only`: POST is not idempotent, so what may have arrived is looked up before anything else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.model.orders import Intent, Operation, Replay

if TYPE_CHECKING:
    from pipeline.model.orders import Submission
    from tests.faults.conftest import Answer, Asked, Wire, World

EXISTS = {"type": "client_error", "errors": [
    {"attr": "order_number", "code": "unique", "detail": "Order already exists."}]}  # fmt: skip


@pytest.fixture
def creating(world: World) -> World:
    world.intent = Intent.CREATE
    return world


class Shop:
    """Creates each order once; `lost`: how often the answer of its creation gets lost."""

    def __init__(
        self, wire: Wire, there: dict[str, dict[str, Any]] | None = None, *, lost: int = 0
    ) -> None:
        self.wire = wire
        self.orders = {
            name: {"order_number": name, **order} for name, order in (there or {}).items()
        }
        self.left = lost
        self.created: list[str] = []
        self.refused = 0
        self.with_trackings = True

    def __call__(self, asked: Asked, _n: int) -> Answer:
        if asked.method == "GET":
            return self._read(asked.path.split("?")[0].rstrip("/").rpartition("/")[2])
        assert asked.method == "POST"
        answer: Answer
        if asked.number in self.orders:
            self.refused += 1
            answer = self.wire.json("400 Bad Request", EXISTS)
            return answer
        added = [each["tracking"] for each in asked.payload.get("mutations", [])]
        self.orders[asked.number] = asked.payload | (
            {"trackings": added} if self.with_trackings else {}
        )
        self.created.append(asked.number)
        if self.left:
            self.left -= 1
            answer = self.wire.reset
        else:
            answer = self.wire.stored("201 Created")
        return answer

    def _read(self, number: str) -> Answer:
        found = self.orders.get(number)
        missing = {
            "type": "client_error",
            "errors": [{"attr": None, "code": "not_found", "detail": "no"}],
        }
        answer: Answer = (
            self.wire.json("200 OK", found) if found else self.wire.json("404 Not Found", missing)
        )
        return answer


def orders(wire: Wire, count: int) -> list[Submission]:
    return [wire.order(f"A{n}") for n in range(count)]


def tracked(wire: Wire, number: str) -> Submission:
    tracking = {"courier": "dhl", "tracking_number": f"T-{number}"}
    mutation = {"type": "add_tracking", "tracking": tracking}
    made: Submission = wire.order(
        number, (Operation("add_tracking", f"add_tracking|{number}", "id", Replay.SAFE), mutation)
    )
    return made


def test_orders_are_created_with_post_and_nothing_else(creating: World, wire: Wire) -> None:
    shop = Shop(wire)
    done = creating.deliver(shop, orders(wire, 20))
    assert set(done.outcomes().values()) == {"created"}
    assert len(done.server.asked) == len(done.server.posts()) == 20


def test_an_order_that_exists_is_left_alone_and_no_failure(creating: World, wire: Wire) -> None:
    theirs = {"recipient_name": "Somebody Else"}
    shop = Shop(wire, {"A1": theirs, "A2": theirs})
    done = creating.deliver(shop, orders(wire, 4))
    assert done.outcomes() == {
        "A0": "created", "A1": "left_alone", "A2": "left_alone", "A3": "created",
    }  # fmt: skip
    assert {(each["code"], each["detail"]) for each in done.problems} == {
        ("A405", "not sent again")
    }
    assert done.orders["A1"]["code"] is None
    assert shop.orders["A1"]["recipient_name"] == "Somebody Else"
    assert done.server.puts() == []


def test_fifty_orders_that_exist_are_no_wrong_mapping(creating: World, wire: Wire) -> None:
    shop = Shop(wire, {f"A{n}": {} for n in range(70)})
    done = creating.deliver(shop, orders(wire, 70))
    assert done.delivered.stopped is None
    assert set(done.outcomes().values()) == {"left_alone"}


def test_an_order_that_is_refused_and_not_there_is_refused(creating: World, wire: Wire) -> None:
    def script(asked: Asked, n: int) -> Answer:
        if asked.method == "GET":
            return Shop(wire)(asked, n)
        answer: Answer = wire.json("400 Bad Request", {"detail": "no such country"})
        return answer

    done = creating.deliver(script, orders(wire, 1))
    assert done.outcomes() == {"A0": "refused"}
    assert done.problems[0]["detail"] == "no such country"


def test_a_conflict_is_looked_up_too(creating: World, wire: Wire) -> None:
    shop = Shop(wire, {"A0": {}})

    def script(asked: Asked, n: int) -> Answer:
        answer: Answer = wire.raw("409 Conflict") if asked.method == "POST" else shop(asked, n)
        return answer

    done = creating.deliver(script, orders(wire, 1))
    assert done.outcomes() == {"A0": "left_alone"}
    assert len(done.server.asked) == 2


def test_a_lost_answer_is_read_back_and_the_order_is_not_sent_again(
    creating: World, wire: Wire
) -> None:
    shop = Shop(wire, lost=3)
    done = creating.deliver(shop, [tracked(wire, f"A{n}") for n in range(6)])
    assert set(done.outcomes().values()) == {"created"}
    assert sorted(shop.created) == [f"A{n}" for n in range(6)]
    assert len(done.server.posts()) == 6
    assert shop.refused == 0
    assert {each["outcome"] for each in done.mutations} == {"succeeded"}


def test_an_attempt_that_did_not_arrive_is_made_again_after_three_reads(
    creating: World, wire: Wire
) -> None:
    shop = Shop(wire)

    def script(asked: Asked, n: int) -> Answer:
        answer: Answer = wire.raw("502 Bad") if n == 0 else shop(asked, n)
        return answer

    done = creating.deliver(script, orders(wire, 1))
    assert done.outcomes() == {"A0": "created"}
    assert [each.method for each in done.server.asked] == ["POST", "GET", "GET", "GET", "POST"]


def test_a_change_that_cannot_be_seen_after_a_lost_answer_needs_attention(
    creating: World, wire: Wire
) -> None:
    shop = Shop(wire, lost=1)
    shop.with_trackings = False
    done = creating.deliver(shop, [tracked(wire, "A0")])
    assert done.outcomes() == {"A0": "partly_applied"}
    assert [each["outcome"] for each in done.mutations] == ["unknown"]
    assert done.problems[0]["code"] == "A201"
    assert len(done.server.posts()) == 1


def test_a_later_run_does_not_call_ours_what_somebody_else_made(
    creating: World, wire: Wire
) -> None:
    creating.paced(attempts=1)
    submissions = orders(wire, 3)
    first = creating.deliver(lambda *_: wire.reset, submissions)
    assert set(first.outcomes().values()) == {"unknown"}

    creating.planned = True  # the run goes on: nobody plans it anew
    shop = Shop(wire, {"A0": {"recipient_name": "Somebody Else"}})
    shop.orders["A1"] = {"order_number": "A1", "account": 1618, "recipient_name": wire.name,
                         "recipient_email": "canary@example.com"}  # fmt: skip
    done = creating.deliver(shop, submissions)
    assert done.outcomes() == {"A0": "left_alone", "A1": "created", "A2": "created"}
    assert shop.created == ["A2"]
    (problem,) = done.problems
    assert "recipient_name" in problem["detail"]
    assert wire.name.encode() not in done.ledger_bytes


def test_what_cannot_be_read_back_is_not_sent_again(creating: World, wire: Wire) -> None:
    def script(asked: Asked, _: int) -> Answer:
        answer: Answer = wire.raw("403 Forbidden") if asked.method == "GET" else wire.reset
        return answer

    done = creating.deliver(script, orders(wire, 1))
    assert done.outcomes() == {"A0": "unknown"}
    assert len(done.server.posts()) == 1


def test_a_stop_leaves_open_what_may_exist_and_could_not_be_looked_up(
    creating: World, wire: Wire
) -> None:
    shop = Shop(wire, {"A0": {}})

    async def soon(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)  # the stop is heard before the answer
        await shop(asked, 0)(asked, writer)

    done = creating.deliver(
        lambda *_: soon, orders(wire, 1), stop_when=lambda asked: asked.method == "POST"
    )

    assert done.outcomes() == {"A0": "not_attempted"}  # not refused: the next run finds out
    assert len(done.server.asked) == 1
