"""Stops that cannot wait, streams that end late, and servers that speak no TLS."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.ledger import Begun
from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.model.orders import Operation, Replay
from pipeline.send import Gate, Kind, NotTheApi, OrderClient, deliver
from tests.faults.conftest import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from pipeline.ledger import FailedAttempt
    from pipeline.model.orders import Outcome, Submission
    from tests.faults.conftest import Answer, Asked, Wire, World


class Memory:
    """A journal in memory, which notes the order of things."""

    def __init__(self) -> None:
        self.sending: list[str] = []
        self.settled: list[Outcome] = []
        self.doubtful: frozenset[str] = frozenset()
        self.due = False
        self.valid = True

    def commit(
        self,
        *,
        sending: Sequence[Submission] = (),
        settled: Sequence[tuple[Submission, Outcome]] = (),
        failed: Sequence[FailedAttempt] = (),
    ) -> Begun:
        assert not failed or self.sending
        self.sending += [each.order_number for each in sending]
        self.settled += [outcome for _, outcome in settled]
        return Begun(doubtful=self.doubtful & {each.order_number for each in sending})


def gate(pace: Pace) -> Gate:
    return Gate(pace, clock=time.monotonic, sleep=asyncio.sleep, random=lambda: 0.1)


def test_p3_what_does_not_end_within_the_grace_is_unknown(world: World, wire: Wire) -> None:
    world.grace_s = 0.2
    world.paced(deadline_s=30.0, read_s=30.0)
    done = world.deliver(
        lambda asked, _: wire.stall if asked.number == "A2" else wire.stored(),
        [wire.order(f"A{n}") for n in range(60)],
        stop_when=lambda asked: asked.number == "A2",
    )
    outcomes = done.outcomes()
    assert outcomes["A2"] == "unknown"
    assert Counter(outcomes.values())["unknown"] == 1
    assert done.problems[-1]["code"] in ("U001", "N001")


def test_an_async_stream_is_sent_as_it_comes(world: World, wire: Wire) -> None:
    pace = Pace(concurrency=2)
    journal = Memory()
    seen: list[int] = []

    async def stream() -> AsyncIterator[list[Submission]]:
        for n in range(0, 6, 2):
            await asyncio.sleep(0.02)
            yield [wire.order(f"A{n}"), wire.order(f"A{n + 1}")]

    async def send() -> None:
        async with wire.hostile(lambda *_: wire.stored(), world.clock) as server:
            where = Endpoint(base_url=server.url, account=1, token=Secret("t"))
            async with OrderClient(where, pace, kind=world.kind) as client:
                ended = await deliver(
                    stream(),
                    client=client,
                    journal=journal,
                    gate=gate(pace),
                    stop=asyncio.Event(),
                    total=6,
                    on_progress=lambda progress: seen.append(progress.done),
                )
        assert (ended.settled, ended.requests, ended.stopped) == (6, 6, None)

    asyncio.run(send())
    assert journal.sending == [f"A{n}" for n in range(6)]
    assert {each.outcome.value for each in journal.settled} == {"updated"}
    assert seen[-1] == 6


def test_n14_a_server_without_tls_gets_nothing(wire: Wire, kind: Kind) -> None:
    pace = Pace(concurrency=1)
    journal = Memory()
    received: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(2000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def send() -> None:
        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            where = Endpoint(
                base_url=f"https://127.0.0.1:{port}", account=1, token=Secret(wire.token)
            )
            async with OrderClient(where, pace, kind=kind) as client:
                ended = await deliver(
                    [[wire.order("A1")]],
                    client=client,
                    journal=journal,
                    gate=gate(pace),
                    stop=asyncio.Event(),
                )
        assert isinstance(ended.stopped, NotTheApi)
        assert "no trusted connection" in str(ended.stopped)

    asyncio.run(send())
    assert [each.outcome.value for each in journal.settled] == ["not_attempted"]
    assert wire.token.encode() not in b"".join(received)


def test_p1_after_a_crash_an_unsafe_operation_is_read_back_before_it_is_sent(
    wire: Wire, kind: Kind
) -> None:
    pace = Pace(concurrency=1)
    journal = Memory()
    journal.doubtful = frozenset({"A1"})
    line = {"line_item_id": "L1"}
    operation = Operation("add_line_item", "add_line_item|L1", "id-1", Replay.READ_BACK)
    submission = wire.order("A1", (operation, {"type": "add_line_item", "line_item": line}))

    async def send() -> list[tuple[str, bool]]:
        def script(asked: Asked, _: int) -> Answer:
            if asked.method == "GET":
                found = {"order_number": "A1", "articles_order": [line]}
                answer: Answer = wire.json("200 OK", found)
                return answer
            return wire.stored()

        async with wire.hostile(script, FakeClock()) as server:
            where = Endpoint(base_url=server.url, account=1, token=Secret("t"))
            async with OrderClient(where, pace, kind=kind) as client:
                await deliver(
                    [[submission]],
                    client=client,
                    journal=journal,
                    gate=gate(pace),
                    stop=asyncio.Event(),
                )
            return [(each.method, "mutations" in each.payload) for each in server.asked]

    assert asyncio.run(send()) == [("GET", False), ("PUT", False)]
    (outcome,) = journal.settled
    assert outcome.outcome.value == "updated"
    assert [each.value for each in outcome.mutations] == ["succeeded"]
