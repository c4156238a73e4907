"""Read the orders of a run back and compare them with what they were told. Sends nothing, ever."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import polars as pl

from pipeline import __version__
from pipeline.config import Settings
from pipeline.ledger import (
    Difference,
    Found,
    Ledger,
    LedgerLocked,
    ReadBack,
    RunRecord,
    RunState,
    ToldOrder,
)
from pipeline.model.marks import Marker
from pipeline.model.outcomes import ARRIVED_ORDERS
from pipeline.model.stops import StopRun
from pipeline.report.readback import as_document, as_expected, in_words, lines
from pipeline.run.clock import clock
from pipeline.run.compared import OF_CHANGES, differences
from pipeline.run.halt import Halt, listening
from pipeline.run.look import no_ledger, report
from pipeline.run.plans import run_of
from pipeline.run.request import Events, Result, RunUnknown, typed
from pipeline.run.sending import random_share
from pipeline.run.verdict import NAMES
from pipeline.send import Gate, OrderClient, Stored, Unreadable, read_orders
from pipeline.send import listening as listening_there

_MISMATCH, _UNFINISHED = 8, 5
_LOOKED_AT = 60  # latest runs, to find the last one in which an order arrived
# What was told a moment ago may be shown later: three reads over 10 s (CONTRACT §8).
_MORE_READS, PAUSE_S = 2, 5.0
_FRESH = timedelta(minutes=10)
_SHOWN = 10  # differences that the terminal lists


@dataclass(slots=True)
class _Seen:
    """What was read so far."""

    told: Mapping[str, ToldOrder]
    lines: Mapping[str, int | None]
    marker: Marker
    compared: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)
    found: dict[str, list[Difference]] = field(default_factory=dict)

    def take(self, number: str, read: Stored | Unreadable) -> None:
        if isinstance(read, Unreadable):
            self.unread.append((number, read.words))
            return
        self.compared += 1
        self._compare(number, read)

    def take_again(self, number: str, read: Stored | Unreadable) -> None:
        """What counts is how an order is there at last."""
        if isinstance(read, Stored):
            self.found.pop(number, None)
            self._compare(number, read)

    def _compare(self, number: str, read: Stored) -> None:
        known = self.told.get(number)
        if known is None:  # it arrived, but was never acknowledged to this ledger
            found = [Difference(number, "", Found.MISSING)] if read.order is None else []
        else:
            found = differences(known, read.order, self.marker, self.lines.get(number))
        if found:
            self.found[number] = found

    def fresh(self, now: datetime) -> list[str]:
        """The orders that differ and were told a moment ago: parcelLab may not show it yet."""
        return [
            number
            for number in self.found
            if number in self.told and now - self.told[number].at < _FRESH
        ]


def verify(
    settings: Settings, name: str | None, share: float, events: Events, *, pii: str = "mask",
    forget: bool = False,
) -> Result:  # fmt: skip
    """Compare a share of the orders that arrived in a run with what parcelLab has.

    `name` is the id of a run or the folder of a plan that was sent; None is the last run in which
    an order arrived. The same share of the same run is the same orders, every time.
    With `forget` the next import of the orders that are not as they were told sends them again.

    Raises:
        RunUnknown: there is no such run, or it is of another endpoint.
        LedgerLocked: a run is at work; it may be changing the very orders.
        StopRun: the API cannot be asked at all.
    """
    halt = Halt(gentle=True)
    with listening(halt):
        record, arrived, seen = _prepared(settings, name)
        chosen = sample(record.id, arrived, share)
        events.say("info", "verify", run=record.id, arrived=len(arrived), orders=len(chosen))
        stopped = asyncio.run(_read(settings, chosen, seen, halt, events)) if chosen else None
    read = set(chosen)
    told = ReadBack(
        at=clock(), share=share, arrived=len(arrived), chosen=len(chosen), compared=seen.compared,
        differing=0, missing=0, unread=len(chosen) - seen.compared,
        unmarked=sum(each.marks is None for number, each in seen.told.items() if number in read),
    )  # fmt: skip
    told, note = _recorded(settings, record, seen, told, forget=forget)
    code = _code(told, stopped, halt)
    page = _reported(settings, record, pii, events) if note is None else None
    text = _text(
        settings, record, told, seen, _why(stopped, halt), note or page,
        forgotten=forget and note is None,
    )  # fmt: skip
    return Result(
        run_id=record.id, exit_code=code, text=text, report=page, stopped=stopped,
        summary={
            "run": record.id, "read_back": as_document(told),
            "report": str(page) if page else None,
            "exit": {"code": code, "name": NAMES[code]},
        },
    )  # fmt: skip


def _prepared(settings: Settings, name: str | None) -> tuple[RunRecord, list[str], _Seen]:
    """The run, the orders that arrived in it, and what they were told."""
    if no_ledger(settings):
        raise RunUnknown(
            "there is no run yet", code="C132", help="`pipeline run` makes the first one"
        )
    # opened for writing and let go again: a run at work would change what is compared
    with Ledger.open(settings.ledger, clock=clock) as ledger:
        endpoint = ledger.endpoint(settings.endpoint.base_url, settings.endpoint.account)
        record = _last_arrival(ledger, endpoint) if name is None else run_of(ledger, name)
        if record is None:
            raise RunUnknown("no run has sent anything yet", code="C132",
                             help="`pipeline status` shows the last runs")  # fmt: skip
        if record.endpoint != endpoint:
            raise RunUnknown(
                f"run {record.id} belongs to another endpoint", code="C133",
                help=typed(settings, "verify", record.id, profile=record.profile),
            )  # fmt: skip
        if record.state is RunState.NOT_SENT:
            raise RunUnknown(f"run {record.id} was stopped before sending: there is nothing to read back",
                             code="C132", help="name another run; `pipeline status` shows the last ones")  # fmt: skip
        came = ledger.orders(record.id).filter(
            pl.col("outcome").is_in([each.value for each in ARRIVED_ORDERS])
        )
        lines = dict(came.select("order_number", "lines").iter_rows())
        told = ledger.told(endpoint, list(lines))
        marker = ledger.marker() or Marker(b"")  # without a key nothing has marks
    return record, list(lines), _Seen(told, lines, marker)


def _last_arrival(ledger: Ledger, endpoint: int) -> RunRecord | None:
    """The latest run of the endpoint in which an order arrived; else the latest that sent something."""
    arrived = {each.value for each in ARRIVED_ORDERS}
    mine = (
        each
        for each in ledger.runs(_LOOKED_AT)
        if each.endpoint == endpoint and each.state is not RunState.NOT_SENT
    )
    found = (each for each in mine if arrived & ledger.outcome_counts(each.id).keys())
    return next(found, None) or ledger.last_sent()


def sample(run: str, order_numbers: Sequence[str], share: float) -> list[str]:
    """Choose a share of the orders, rounded up: by the hash of run and number, so always the same.

    >>> sample("r1", ["A1", "A2", "A3", "A4"], 0.5) == sample("r1", ["A4", "A3", "A2", "A1"], 0.5)
    True
    """
    wanted = math.ceil(len(order_numbers) * share)

    def drawn(number: str) -> bytes:
        return blake2b(f"{run}\x1f{number}".encode(), digest_size=8).digest()

    return sorted(sorted(order_numbers, key=drawn)[:wanted])


async def _read(
    settings: Settings, numbers: Sequence[str], seen: _Seen, halt: Halt, events: Events
) -> StopRun | None:
    stop = halt.watch(asyncio.get_running_loop())
    gate = Gate(settings.pace, clock=time.monotonic, sleep=asyncio.sleep, random=random_share)
    try:
        await listening_there(settings.endpoint.base_url)
        async with OrderClient(
            settings.endpoint, settings.pace, user_agent=f"pipeline/{__version__}"
        ) as client:
            reading = await read_orders(
                numbers, client=client, gate=gate, stop=stop, on_order=seen.take,
                on_progress=lambda done, total, note: events.stage("verify", done, total, note),
            )  # fmt: skip
            for _ in range(_MORE_READS):
                fresh = seen.fresh(clock())
                if not fresh or reading.stopped is not None or stop.is_set():
                    break
                events.say("info", "looking again", orders=len(fresh))
                await gate.pause(PAUSE_S, stop)
                reading = await read_orders(
                    fresh, client=client, gate=gate, stop=stop, on_order=seen.take_again,
                    on_progress=lambda *_: None,
                )  # fmt: skip
    finally:
        halt.over()
    return reading.stopped


def _recorded(
    settings: Settings, record: RunRecord, seen: _Seen, told: ReadBack, *, forget: bool
) -> tuple[ReadBack, str | None]:
    """Keep what was found, without the orders that a run has changed meanwhile."""
    try:
        with Ledger.open(settings.ledger, clock=clock) as ledger:
            now = ledger.told(record.endpoint, list(seen.found))
            changed = {
                n for n, before in seen.told.items() if n in seen.found and now.get(n) != before
            }
            told = _counted(told, seen, changed)
            ledger.put_read_back(record.id, told)
            if forget:
                ledger.distrust(record.endpoint, *_distrusted(told))
            return told, None
    except LedgerLocked:
        told = _counted(told, seen, set())
        return (
            told,
            "not kept for the report: a run has begun meanwhile, and may have changed orders",
        )


def _distrusted(told: ReadBack) -> tuple[list[str], list[str], list[str]]:
    """The orders that are missing, those that differ, and those of these with changes to send again."""
    missing = [each.order_number for each in told.differences if not each.field]
    differing = dict.fromkeys(each.order_number for each in told.differences if each.field)
    changes = dict.fromkeys(
        each.order_number for each in told.differences if each.field.startswith(OF_CHANGES)
    )
    return missing, list(differing), list(changes)


def _counted(told: ReadBack, seen: _Seen, changed: set[str]) -> ReadBack:
    listed = [
        each
        for number, found in sorted(seen.found.items())
        if number not in changed
        for each in found
    ]
    missing = sum(not each.field for each in listed)
    return replace(
        told, missing=missing, differing=len({each.order_number for each in listed}) - missing,
        differences=tuple(listed),
    )  # fmt: skip


def _reported(settings: Settings, record: RunRecord, pii: str, events: Events) -> Path | None:
    """Write the report of the run again, with what was found; None where its folder is gone."""
    try:
        return report(settings, record.id, pii, events)
    except RunUnknown:  # pruned: the numbers are in the ledger all the same
        return None


def _code(told: ReadBack, stopped: StopRun | None, halt: Halt) -> int:
    if stopped is not None:
        return stopped.exit_code
    if halt.signal is not None and told.unread:
        return 128 + halt.signal
    if told.differing or told.missing:
        return _MISMATCH
    return _UNFINISHED if told.unread else 0


def _why(stopped: StopRun | None, halt: Halt) -> str:
    if stopped is not None:
        return stopped.message
    return f"interrupted by {halt.reason}" if halt.reason else ""


def _text(
    settings: Settings, record: RunRecord, told: ReadBack, seen: _Seen, why: str,
    kept: Path | str | None, *, forgotten: bool,
) -> str:  # fmt: skip
    """What the terminal says, down to the next command."""
    verdict = "AS TOLD" if as_expected(told) else "DIFFERENCES"
    if why or (told.unread and as_expected(told)):
        verdict = f"{verdict} SO FAR"
    if not told.chosen:
        verdict, words = "NOTHING TO READ BACK", "no order arrived in this run"
    else:
        words = in_words(told)
    said = [f"{verdict}: run {record.id}: {words}.", *lines(told.differences)]
    said += [f"  {number}: {why_not}" for number, why_not in seen.unread[:_SHOWN]]
    if why:
        said.append(f"  stopped: {why}")
    if isinstance(kept, str):
        said.append(f"  {kept}")
    elif kept is not None:
        said.append(f"Report: {kept}")
    if told.differences:
        said.append(f"Look at one:  {typed(settings, 'trace', told.differences[0].order_number)}")
        said.append(
            "The next import of these orders sends them again."
            if forgotten
            else f"Have them sent again by the next import:  {typed(settings, 'verify', record.id, '--forget')}"
        )
    elif told.unread:
        said.append(f"Read again:  {typed(settings, 'verify', record.id)}")
    return "\n".join(said) + "\n"
