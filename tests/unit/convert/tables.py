"""Little tables through the real stages: a mapping as text, rows as dicts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.check import check
from pipeline.compare import compare
from pipeline.convert import Converted, convert
from pipeline.group import Grouped, Part, group
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.plan import Plan
from pipeline.model.findings import Findings
from pipeline.model.origin import ORIGIN, ORIGIN_SCHEMA
from pipeline.model.tables import RawTable

Row = Mapping[str, str]

HEAD = """\
version: 1
name: {name}
source: {{decimal: ",", thousands: ".", dates: "%d.%m.%Y", timezone: Europe/Berlin}}
"""
IDENTITY = """\
  order_number: No
  destination_country_iso3: {value: DEU}
  recipient_email: {value: jo@example.com}
"""


def planned(text: str, name: str = "little") -> Plan:
    """The plan of a mapping; `version`, `name` and `source` stand before it where it has none."""
    whole = text if text.startswith("version") else HEAD.format(name=name) + text
    return compile_mapping(whole, f"{name}.yaml").plan


def raw(plan: Plan, rows: Sequence[Row], file: int = 0, first: int = 2) -> RawTable:
    """The rows as the reader gives them, the first on line 2; cells not given are empty."""
    lines = range(first, first + len(rows))
    origin = {
        name: pl.Series(values, dtype=ORIGIN_SCHEMA[name])
        for name, values in zip(ORIGIN, ([file] * len(rows), lines, [0] * len(rows)), strict=True)
    }
    cells = {
        name: pl.Series([row.get(name, "") for row in rows], dtype=pl.String) for name in plan.reads
    }
    return RawTable(pl.DataFrame(origin | cells))


def converted(text: str, *rows: Row) -> Converted:
    """What `convert` makes of the rows."""
    plan = planned(text)
    return convert(raw(plan, rows), plan)


def told(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The findings: line, code, column, quoted value."""
    return frame.select("_line", "code", "column", "value").rows()


def unreadable(rows: Sequence[tuple[int, str | None]]) -> tuple[pl.DataFrame, Findings]:
    """Records that the reader could not read, by line and the key and number they seem to have."""
    frame = pl.DataFrame(
        [(0, line, 0, key, key) for line, key in rows],
        schema={**ORIGIN_SCHEMA, "_key": pl.String(), "order_number": pl.String()}, orient="row",
    )  # fmt: skip
    return frame, Findings.of(frame.select(*ORIGIN, pl.lit("R101").alias("code")))


def grouped(
    *parts: tuple[str, Sequence[Row]], backfill: bool = False, known: Sequence[str] = (),
    unread: Sequence[tuple[int, str | None]] = (),
) -> Grouped:  # fmt: skip
    """Rows of one or several mappings to orders; each mapping reads a file of its own."""
    made = []
    for ordinal, (text, rows) in enumerate(parts):
        plan = planned(text, f"part{ordinal}")
        each = convert(raw(plan, rows, ordinal), plan)
        odd, why = unreadable(unread if ordinal == 0 else ())
        found = why + each.findings
        found = found + check(each.table, found, plan, existing=known)
        made.append(Part(plan, each.table, found, each.filtered, each.repeated, odd))
    return group(made, [f"file{n}.csv" for n in range(len(parts))], backfill=backfill)


def payloads(orders: pl.DataFrame) -> list[dict[str, Any]]:
    """The payloads of orders that nobody knows yet, parsed."""
    sent = compare(orders, 1618, {}, {})
    return [json.loads(body) for body in sent.get_column("body").drop_nulls().to_list()]
