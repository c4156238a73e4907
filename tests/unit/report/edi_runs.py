"""A run over one EDI file for the tests of the report: messages, their rows, findings at segments."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.model.tables import SourceFile
from pipeline.report.facts import RunFacts, RunTables
from pipeline.report.interchanges import KEPT_MESSAGE_SCHEMA, Group, Interchange
from tests.unit.report.runs import RunBuilder, facts_of

SEGMENTS = 20  # of each message
PATHS = {("asn-856", "qty"): "I/SN1.2", ("asn-856", "name"): "S/N1[1=ST]>N4.3"}


@dataclass(slots=True)
class EdiRun(RunBuilder):
    """Messages of SEGMENTS segments in one interchange; line and segment are the same number."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    def message(
        self, orders: tuple[str, ...] = (), error: dict[str, Any] | None = None, rows: int = 2,
        *, read: bool = True, code: str | None = None, at: int | None = None, **more: object,
    ) -> int:  # fmt: skip
        """Add a message with rows for each order; `error` lies at segment `at`, rows tell of it."""
        number = len(self.messages)
        begin = 3 + number * SEGMENTS
        self.messages.append(
            {"_file": 0, "message": number, "interchange": 0, "type": "856",
             "reference": f"{number + 1:04}", "begin": begin, "declared": SEGMENTS,
             "counted": SEGMENTS, "read": read, "code": code} | more
        )  # fmt: skip
        at = begin + SEGMENTS - 1 if at is None else at
        for position, order in enumerate(orders):
            self.lines[0] = begin + position * rows
            problem = None
            if error is not None:
                told = f"{error.get('detail', '')}, segment {at}"
                problem = {**error, "detail": told}
            outcome = "created" if problem is None else "held_back"
            first = len(self.rows)
            before = len(self.findings)
            self.order(order, outcome, (problem,) * rows)
            for each in (*self.rows[first:], *self.findings[before:], self.orders[-1]):
                each["_segment"] = each["_line"]
        return begin

    def at(self, segment: int, code: str, **more: str) -> None:
        """Add a finding that belongs to no row."""
        here = {
            "_file": 0,
            "_line": segment,
            "_segment": segment,
            "key": None,
            "order_number": None,
        }
        self.finding(here, code, primary=True, **more)

    def tables(self) -> RunTables:
        made = RunBuilder.tables(self)
        frame = pl.DataFrame(self.messages, schema=KEPT_MESSAGE_SCHEMA)
        return RunTables(made.rows, made.orders, made.mutations, made.findings, frame)


def edi_facts(run: EdiRun, **changes: object) -> RunFacts:
    """The facts of such a run."""
    count = len(run.messages)
    one = Interchange(
        file=0, syntax="x12", sender="WAREHOUSE", receiver="SHOP", reference="000000001",
        segment=1, counts="groups", declared=1, counted=1, messages=count,
        groups=(Group(reference="1", declared=count, counted=count),),
    )  # fmt: skip
    files = (SourceFile(0, "night.edi", "ab" * 32, 5_092, "asn-856"),)
    return facts_of(
        run, **{"files": files, "interchanges": (one,), "paths": PATHS,
                "records": {0: len(run.rows)}} | changes,
    )  # fmt: skip


SEGMENT_TOTAL: dict[str, Any] = {"code": "E110", "column": "SE*01", "value": "18", "detail": "20"}
