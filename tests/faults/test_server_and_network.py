"""FAULTS §4.5, row by row, over real sockets and with both transports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.ledger import Begun, Journal, LedgerUnusable
from pipeline.model.orders import Operation, Replay
from pipeline.send import ApiAway, AuthRefused, EveryOrderRefused, NotTheApi

if TYPE_CHECKING:
    from pipeline.model.orders import Submission
    from tests.faults.conftest import Answer, Asked, Wire, World

DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
LATER = "Fri, 20 Nov 2026 12:00:07 GMT"


def orders(wire: Wire, count: int) -> list[Submission]:
    return [wire.order(f"A{n}") for n in range(count)]


def add_line(line: str) -> tuple[Operation, dict[str, Any]]:
    return (
        Operation("add_line_item", f"add_line_item|{line}", f"id-{line}", Replay.READ_BACK),
        {"type": "add_line_item", "line_item": {"line_item_id": line, "quantity": 1}},
    )


def test_every_order_arrives_and_no_order_is_ever_twice_in_flight(world: World, wire: Wire) -> None:
    done = world.deliver(lambda *_: wire.stored("201 Created"), orders(wire, 60) * 2)
    assert set(done.outcomes().values()) == {"created"}
    assert len(done.server.puts()) == 120
    assert done.server.overlaps == 0
    assert done.delivered.stopped is None


@pytest.mark.parametrize(
    "headers",
    [{"Retry_After": "7"}, {"Retry_After": LATER, "Date": DATE}],
    ids=["seconds", "date"],
)
def test_n1_after_429_no_request_goes_out_before_the_time(
    world: World, wire: Wire, headers: dict[str, str]
) -> None:
    busy = wire.raw("429 Too Many Requests", **headers)
    world.paced(concurrency=1)
    done = world.deliver(lambda _, n: busy if n == 2 else wire.stored(), orders(wire, 6))
    assert set(done.outcomes().values()) == {"updated"}
    assert done.server.asked[3].at >= done.server.asked[2].at + 7


def test_n1_429_without_a_time_holds_everybody_back(world: World, wire: Wire) -> None:
    busy = wire.raw("429 Too Many Requests")
    done = world.deliver(lambda _, n: busy if n < 30 else wire.stored(), orders(wire, 8))
    assert set(done.outcomes().values()) == {"updated"}
    assert world.clock.slept


def test_n1_a_server_that_always_asks_to_wait_no_time_is_not_flooded(
    world: World, wire: Wire
) -> None:
    busy = wire.raw("429 Too Many Requests", Retry_After="0")
    done = world.deliver(lambda *_: busy, orders(wire, 100))
    assert isinstance(done.delivered.stopped, ApiAway)
    assert len(done.server.asked) < 300  # in ten minutes
    assert set(done.outcomes().values()) == {"not_attempted"}


def test_n2_a_very_long_retry_after_stops_the_run(world: World, wire: Wire) -> None:
    busy = wire.raw("429 Too Many Requests", Retry_After="86400")
    done = world.deliver(lambda _, n: busy if n == 3 else wire.stored(), orders(wire, 40))
    assert isinstance(done.delivered.stopped, ApiAway)
    assert done.delivered.stopped.exit_code == 5
    assert set(done.outcomes().values()) == {"updated", "not_attempted"}
    assert len(done.server.asked) <= 3 + 2 * world.pace.concurrency


@pytest.mark.parametrize("status", ["500 Error", "502 Bad", "503 Away", "504 Late"])
def test_n3_a_burst_of_5xx_is_retried(world: World, wire: Wire, status: str) -> None:
    page = wire.raw(status, b"<html>" + wire.name.encode(), Content_Type="text/html")
    done = world.deliver(lambda _, n: page if n < 10 else wire.stored(), orders(wire, 12))
    assert set(done.outcomes().values()) == {"updated"}
    assert wire.name.encode() not in done.ledger_bytes


def test_n4_an_outage_costs_few_requests_and_stops_the_run(world: World, wire: Wire) -> None:
    world.paced(concurrency=16)
    done = world.deliver(lambda *_: wire.raw("503 Away"), orders(wire, 300))
    assert isinstance(done.delivered.stopped, ApiAway)
    assert len(done.server.asked) <= 60
    assert set(done.outcomes().values()) == {"unknown", "not_attempted"}
    assert list(done.outcomes().values()).count("unknown") <= 3 * 16


def test_n4_after_an_outage_everything_arrives(world: World, wire: Wire) -> None:
    away = wire.raw("503 Away")
    done = world.deliver(
        lambda asked, _: away if asked.at < 1200 else wire.stored(), orders(wire, 100)
    )
    assert set(done.outcomes().values()) == {"updated"}


def test_n5_a_poison_order_does_not_block_the_others(world: World, wire: Wire) -> None:
    poison = wire.raw("500 Error")
    done = world.deliver(
        lambda asked, _: poison if asked.number == "A3" else wire.stored(), orders(wire, 30)
    )
    outcomes = done.outcomes()
    assert outcomes.pop("A3") == "unknown"
    assert set(outcomes.values()) == {"updated"}
    assert len(done.server.puts("A3")) == 6
    assert done.orders["A3"]["attempts"] == 6
    (problem,) = done.problems
    assert problem["code"] == "U001"
    assert problem["detail"] == "status 500; gave up after 6 attempts"


CUT = b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"order_number"'
BROKEN = {
    "n6 reset": lambda wire: wire.reset,
    "n7 closed without answer": lambda wire: wire.bytes_then_close(b""),
    "n8 cut": lambda wire: wire.bytes_then_close(CUT),
    "n8 bad json": lambda wire: wire.raw("200 OK", b'{"order_number": "A'),
    "n11 web page": lambda wire: wire.raw("200 OK", b"<html>", Content_Type="text/html"),
    "n11 list": lambda wire: wire.raw("200 OK", b"[]"),
    "n11 gzip lie": lambda wire: wire.raw("200 OK", b"{}", Content_Encoding="gzip"),
    "n12 empty": lambda wire: wire.raw("204 No Content"),
    "n22 huge": lambda wire: wire.stored(padding="x" * 1024 * 1024),  # a whole order otherwise
    "n23 garbage": lambda wire: wire.bytes_then_close(b"\x00\x01 not http\r\n\r\n"),
    "n23 length lies": lambda wire: wire.bytes_then_close(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}"
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_answer_is_ambiguous_and_the_order_is_sent_again(
    world: World, wire: Wire, fault: str
) -> None:
    broken = BROKEN[fault](wire)

    def script(asked: Asked, _: int) -> Answer:
        if asked.method == "GET":
            return wire.raw("404 Not Found")
        first = not any(each.number == asked.number for each in seen)
        seen.append(asked)
        return broken if first and asked.number in ("A2", "A5") else wire.stored()

    seen: list[Any] = []
    done = world.deliver(script, orders(wire, 8))
    assert set(done.outcomes().values()) == {"updated"}
    # Exactly once more: a transport that repeats by itself would be seen here.
    assert len(done.server.puts("A2")) == 2
    assert len(done.server.puts("A5")) == 2
    assert [done.orders[each]["attempts"] for each in ("A2", "A5")] == [2, 2]
    assert done.server.overlaps == 0


def test_n7_a_kept_connection_that_breaks_is_not_used_again_in_silence(
    world: World, wire: Wire
) -> None:
    """By itself aiohttp would send the same PUT once more, and nobody would know of the first."""
    world.paced(concurrency=1)

    def script(asked: Asked, nth: int) -> Answer:
        return wire.bytes_then_close(b"") if asked.number == "A1" and nth == 1 else wire.stored()

    done = world.deliver(script, orders(wire, 3))

    assert done.outcomes() == {"A0": "updated", "A1": "updated", "A2": "updated"}
    assert len(done.server.puts("A1")) == done.orders["A1"]["attempts"] == 2


@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_n9_a_request_ends_at_its_total_deadline(world: World, wire: Wire, fault: str) -> None:
    world.paced(deadline_s=0.3, read_s=0.2 if fault == "stall" else 5.0)
    slow = getattr(wire, fault)
    done = world.deliver(lambda _, n: slow if n == 1 else wire.stored(), orders(wire, 4))
    assert set(done.outcomes().values()) == {"updated"}
    assert len(done.server.puts()) == 5


def test_n11_what_is_never_the_api_stops_the_run(world: World, wire: Wire) -> None:
    page = wire.raw("200 OK", b"<html>log in</html>", Content_Type="text/html")
    done = world.deliver(lambda *_: page, orders(wire, 50))
    assert isinstance(done.delivered.stopped, NotTheApi)
    assert str(done.delivered.stopped) == "the answer is not from the Order API (text/html)"
    assert done.delivered.stopped.exit_code == 6
    assert "updated" not in done.outcomes().values()


def test_n12_an_empty_answer_counts_only_after_reading_back(world: World, wire: Wire) -> None:
    def script(asked: Asked, _: int) -> Answer:
        if asked.method == "PUT":
            return wire.raw("200 OK")
        number = asked.path.split("/")[-2]
        stored = {
            "order_number": number,
            "account": 1618,
            "recipient_name": wire.name,
            "recipient_email": "canary@example.com" if number == "A0" else "old@example.com",
        }
        return wire.json("200 OK", stored)

    done = world.deliver(script, orders(wire, 2))
    assert done.outcomes() == {"A0": "updated", "A1": "unknown"}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_n13_a_redirect_is_not_followed(world: World, wire: Wire, status: str) -> None:
    away = wire.raw(status, Location="https://elsewhere.example/steal?x=1")
    done = world.deliver(lambda *_: away, orders(wire, 30))
    assert isinstance(done.delivered.stopped, NotTheApi)
    assert "https://elsewhere.example/steal" in str(done.delivered.stopped)
    assert len(done.server.asked) <= world.pace.concurrency
    assert set(done.outcomes().values()) == {"not_attempted"}


def test_n13_a_redirect_that_quotes_the_token_does_not_spread_it(world: World, wire: Wire) -> None:
    away = wire.raw("302 Found", Location=f"https://elsewhere.example/{wire.token}/orders")
    done = world.deliver(lambda *_: away, orders(wire, 1))
    assert "https://elsewhere.example/•••/orders" in str(done.delivered.stopped)
    assert wire.token not in str(done.delivered.stopped)


@pytest.mark.parametrize(
    "wish", ["Fri, 20 Nov 2026 12:00:05 -0000", "Fri, 99 Nov 99999 12:00:00 GMT", "soon"]
)
def test_n1_a_wish_of_any_form_crashes_nothing(world: World, wire: Wire, wish: str) -> None:
    def script(_asked: Asked, nth: int) -> Answer:
        busy = wire.raw("429 Too Many", Retry_After=wish, Date="Fri, 20 Nov 2026 12:00:00 GMT")
        return busy if nth == 1 else wire.stored()

    done = world.deliver(script, orders(wire, 2))
    assert done.delivered.stopped is None
    assert set(done.outcomes().values()) == {"updated"}


def test_n15_nobody_listens(world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused() -> int:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return port

    port = asyncio.run(refused())
    send = world.send
    monkeypatch.setattr(world, "send", lambda _, *rest: send(f"http://127.0.0.1:{port}", *rest))
    done = world.deliver(lambda *_: wire.stored(), orders(wire, 40))
    assert isinstance(done.delivered.stopped, ApiAway)
    assert set(done.outcomes().values()) == {"not_attempted"}
    assert "cannot connect" in done.problems[0]["detail"]


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_n16_a_refused_token_stops_the_run_at_once(world: World, wire: Wire, status: str) -> None:
    no = wire.json(status, {"detail": f"bad token {wire.token}"})
    done = world.deliver(lambda _, n: no if n >= 10 else wire.stored(), orders(wire, 60))
    assert isinstance(done.delivered.stopped, AuthRefused)
    assert done.delivered.stopped.exit_code == 6
    assert wire.token not in str(done.delivered.stopped)
    assert "parcellab-raw" in str(done.delivered.stopped)
    assert len(done.server.asked) <= 10 + world.pace.concurrency
    assert set(done.outcomes().values()) == {"updated", "not_attempted"}
    assert wire.token.encode() not in done.ledger_bytes


def test_n17_refused_in_words_that_quote_the_customer(world: World, wire: Wire) -> None:
    words = f"\x1b[31m{wire.name} / CANARY@example.com is no good, token {wire.token}"
    no = wire.json(
        "400 Bad Request",
        {
            "type": "client_error",
            "errors": [{"attr": "recipient_name", "code": "x", "detail": words}],
        },
    )
    done = world.deliver(lambda *_: no, orders(wire, 3))
    assert set(done.outcomes().values()) == {"refused"}
    assert {row["code"] for row in done.orders.values()} == {"A401"}
    assert done.problems[0]["detail"] == (
        "⟨U+001B⟩[31mXxxxxxxx Xxxxxxxxxx / XXXXXX@xxxxxxx.xxx is no good, token •••"
    )
    for secret in (wire.name, "Mustermann", "canary@example.com", wire.token):
        assert secret.encode() not in done.ledger_bytes


def test_n18_a_failed_mutation_is_no_success_and_is_not_repeated(world: World, wire: Wire) -> None:
    submission = wire.order("A0", add_line("L1"), add_line("L2"))
    results = [
        {"result": {"success": True}},
        {"result": {"success": False, "message": "no", "errors": {"line_item_id": "exists"}}},
    ]
    done = world.deliver(lambda *_: wire.stored(mutations=results), [submission])
    assert done.outcomes() == {"A0": "partly_applied"}
    assert [row["outcome"] for row in done.mutations] == ["succeeded", "failed"]
    assert done.problems[0]["detail"] == "no: exists"
    assert len(done.server.puts()) == 1


def test_n19_warnings_are_kept(world: World, wire: Wire) -> None:
    submission = wire.order("A0", add_line("L1"))
    results = [{"result": {"success": True, "warnings": ["dropped colour"]}}]
    done = world.deliver(lambda *_: wire.stored(mutations=results), [submission])
    assert done.outcomes() == {"A0": "updated"}
    assert done.orders["A0"]["warnings"] == 1
    assert done.orders["A0"]["code"] is None


def test_n20_404_at_first_is_the_wrong_url(world: World, wire: Wire) -> None:
    done = world.deliver(lambda *_: wire.json("404 Not Found", {}), orders(wire, 50))
    assert str(done.delivered.stopped) == "there is no Order API at the base URL (404)"
    assert set(done.outcomes().values()) == {"not_attempted"}


def test_n20_404_later_concerns_one_order(world: World, wire: Wire) -> None:
    world.paced(concurrency=1)
    no = wire.json("404 Not Found", {"detail": "unknown"})
    done = world.deliver(lambda _, n: no if n == 1 else wire.stored(), orders(wire, 3))
    assert done.outcomes() == {"A0": "updated", "A1": "refused", "A2": "updated"}
    assert done.orders["A1"]["code"] == "A404"


def test_n21_the_same_refusal_fifty_times_stops_the_run(world: World, wire: Wire) -> None:
    no = wire.json("400 Bad Request", {"detail": "account not allowed"})
    done = world.deliver(lambda *_: no, orders(wire, 400))
    assert isinstance(done.delivered.stopped, EveryOrderRefused)
    assert 50 <= len(done.server.asked) <= 50 + world.pace.concurrency


def test_n24_crossed_answers_stop_the_run_and_nothing_in_flight_is_believed(
    world: World, wire: Wire
) -> None:
    crossed = wire.json("200 OK", {"order_number": "OTHER", "external_id": "x"})
    world.paced(concurrency=2)

    async def soon(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)  # as if all were well
        await wire.stored()(asked, writer)

    def script(asked: Asked, _: int) -> Answer:
        return {"A0": wire.stored(), "A1": crossed}.get(asked.number, soon)

    done = world.deliver(script, orders(wire, 20))

    assert "answers are crossed" in str(done.delivered.stopped)
    outcomes = done.outcomes()
    sent = {each.number for each in done.server.puts()}
    assert len(sent) > 2
    assert {outcomes[each] for each in sent - {"A0"}} == {"unknown"}
    assert {each for each, became in outcomes.items() if became == "updated"} <= {"A0"}


def test_n25_and_s2_nothing_of_the_environment_is_used(
    world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    done = world.deliver(lambda *_: wire.stored(Set_Cookie="a=b"), orders(wire, 3))
    assert set(done.outcomes().values()) == {"updated"}
    headers = done.server.asked[-1].headers
    assert headers["authorization"] == f"Parcellab-API-Token {wire.token}"
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers


def test_a_line_that_arrived_with_a_lost_answer_is_not_added_twice(
    world: World, wire: Wire
) -> None:
    lines: dict[str, list[dict[str, Any]]] = {}

    def script(asked: Asked, _: int) -> Answer:
        if asked.method == "GET":
            number = asked.path.split("/")[-2]
            return wire.json("200 OK", {"order_number": number, "articles_order": lines[number]})
        added = [each["line_item"] for each in asked.payload.get("mutations", [])]
        first = asked.number not in lines
        lines.setdefault(asked.number, []).extend(added)
        return wire.reset if first else wire.stored()

    done = world.deliver(
        script, [wire.order(f"A{n}", add_line("L1"), add_line("L2")) for n in range(4)]
    )
    assert set(done.outcomes().values()) == {"updated"}
    assert {number: len(each) for number, each in lines.items()} == {f"A{n}": 2 for n in range(4)}
    assert {row["outcome"] for row in done.mutations} == {"succeeded"}


def test_without_the_right_to_read_back_the_order_is_unknown(world: World, wire: Wire) -> None:
    def script(asked: Asked, _: int) -> Answer:
        return wire.raw("403 Forbidden") if asked.method == "GET" else wire.raw("502 Bad")

    done = world.deliver(script, [wire.order("A0", add_line("L1"))])
    assert done.outcomes() == {"A0": "unknown"}
    assert len(done.server.puts()) == 1
    assert "might be done twice" in done.problems[0]["detail"]


def test_an_order_number_that_fits_no_path_is_read_through_the_list(
    world: World, wire: Wire
) -> None:
    number = "A/1 ü&+#?"

    def script(asked: Asked, n: int) -> Answer:
        if asked.method == "GET":
            found = {"order_number": number, "articles_order": []}
            return wire.json("200 OK", {"results": [found]})
        return wire.raw("502 Bad") if n == 0 else wire.stored()

    done = world.deliver(script, [wire.order(number, add_line("L1"))])
    assert done.outcomes() == {number: "updated"}
    gets = [urlsplit(each.path) for each in done.server.asked if each.method == "GET"]
    assert {each.path for each in gets} == {"/v4/track/orders/"}
    assert parse_qs(gets[0].query) == {"account": ["1618"], "order_number": [number]}
    assert len(gets) == 3  # not there: believed only after three reads


def test_p3_a_stop_lets_what_is_in_flight_end_and_sends_nothing_new(
    world: World, wire: Wire
) -> None:
    done = world.deliver(
        lambda *_: wire.stored(), orders(wire, 200), stop_when=lambda asked: asked.number == "A20"
    )
    assert done.delivered.stopped is None
    assert len(done.server.asked) <= 21 + 2 * world.pace.concurrency
    outcomes = list(done.outcomes().values())
    assert outcomes.count("updated") == len(done.server.asked)
    assert outcomes.count("not_attempted") == 200 - len(done.server.asked)


def test_the_rate_is_kept(world: World, wire: Wire) -> None:
    world.paced(rate_per_s=5.0)
    done = world.deliver(lambda *_: wire.stored(), orders(wire, 21))
    assert world.clock.now() - 1000 >= 20 / 5 - 0.001
    assert set(done.outcomes().values()) == {"updated"}


def test_p7_when_the_ledger_cannot_be_written_nothing_more_is_sent(
    world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, commits = Journal.commit, []

    def full(self: Journal, **step: object) -> Begun:
        commits.append(step)
        if len(commits) > 5:
            raise LedgerUnusable("disk full writing the ledger at X")
        return commit(self, **step)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "commit", full)
    done = world.deliver(lambda *_: wire.stored(), orders(wire, 500))
    assert isinstance(done.delivered.stopped, LedgerUnusable)
    assert done.delivered.stopped.exit_code == 11
    assert len(done.server.asked) < 60
