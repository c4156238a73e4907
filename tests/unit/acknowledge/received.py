"""Interchanges as a partner sends them, read by our own reader, and the answers to them."""

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.acknowledge import Acknowledgement, Kind, acknowledge
from pipeline.model.edi.envelope import Delimiters, Envelopes, Problem
from pipeline.model.edi.messages import MESSAGES
from pipeline.read.edi.batches import Reading, bodies_of, judge, open_edi
from pipeline.read.edi.structure import tree

NOW = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
FIRST_NUMBER = 42


@dataclass(frozen=True)
class Received:
    """A file with everything that its reader says of it."""

    envelopes: Envelopes
    problems: list[Problem]

    def answers(
        self,
        *kinds: Kind,
        partner: Collection[Problem] = (),
        delimiters: Delimiters | None = None,
        interchanges: Collection[int] | None = None,
    ) -> list[Acknowledgement]:
        numbers = itertools.count(FIRST_NUMBER)
        return acknowledge(
            self.envelopes, [*self.problems, *partner], kinds=kinds, now=NOW,
            control=lambda _: next(numbers), delimiters=delimiters, interchanges=interchanges,
        )  # fmt: skip

    def answer(self, kind: Kind, **options: object) -> list[str]:
        """The segments of the only answer, without their terminators."""
        (only,) = self.answers(kind, **options)  # type: ignore[arg-type]
        return segments_of(only.text)


def segments_of(text: bytes) -> list[str]:
    mark = "'" if b"UNB" in text[:20] else "~"
    return text.decode().rstrip(mark).split(mark)


def receive(text: str | bytes, folder: Path) -> Received:
    """Read an interchange; line breaks in the text are for its reader here only."""
    data = text if isinstance(text, bytes) else text.replace("\n", "").encode()
    path = folder / "received.edi"
    path.write_bytes(data)
    reading = open_edi(path, path.name)
    return Received(reading.envelopes, list(_problems(reading)))


def _problems(reading: Reading) -> Iterator[Problem]:
    begins = reading.envelopes.messages.get_column("begin").to_numpy()
    for piece in reading.again():
        first = piece.segments.ordinal
        low, high = np.searchsorted(begins, [first, first + piece.segments.count]).tolist()
        here = reading.envelopes.messages.slice(low, high - low)
        for (syntax, kind), message in MESSAGES.items():
            mine = here.filter(pl.col("type") == kind)
            if mine.height and syntax is piece.segments.delimiters.syntax:
                bodies = bodies_of(piece, mine, message)
                yield from tree(bodies)[1]
                yield from judge(piece, bodies)


ISA = "ISA*00*          *00*          *ZZ*ACME           *12*5551234        *260308*2301*U*00401*000000905*0*P*>~"
GS = "GS*PO*ACME*WE*20260308*2301*17*X*004010~"


def purchase_order(reference: str = "0001", lines: str = "PO1*1*2*EA*9.5**SK*A1~") -> str:
    """An 850; `lines` must be terminated."""
    body = f"BEG*00*SA*P{reference}**20260301~{lines}"
    count = body.count("~") + 2
    return f"ST*850*{reference}~{body}SE*{count}*{reference}~"


def x12(*messages: str, isa: str = ISA, gs: str = GS) -> str:
    """One interchange with one group."""
    return f"{isa}{gs}{''.join(messages)}GE*{len(messages)}*17~IEA*1*000000905~"


UNB = "UNB+UNOC:3+4012345000009:14:ACMEIN+5412345000013:14+260308:2301+REF7'"


def orders(reference: str = "M1", lines: str = "LIN+1++4000862141404:EN'QTY+21:2'") -> str:
    """An ORDERS; `lines` must be terminated."""
    body = f"BGM+220+{reference}+9'DTM+137:20260301:102'{lines}UNS+S'"
    count = body.count("'") + 2
    return f"UNH+{reference}+ORDERS:D:96A:UN:EAN008'{body}UNT+{count}+{reference}'"


def edifact(*messages: str, unb: str = UNB) -> str:
    """One interchange without groups."""
    return f"{unb}{''.join(messages)}UNZ+{len(messages)}+REF7'"
