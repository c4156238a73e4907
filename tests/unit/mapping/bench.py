"""Rows through a mapping: what becomes of cells, without any file."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from pipeline.convert import convert
from pipeline.mapping.compile import Compiled, compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.model.origin import ORIGIN_SCHEMA
from pipeline.model.tables import RawTable

Row = dict[str, str]


def mapping(order: str = "", source: str = "", **sections: str) -> str:
    """A mapping that updates orders, with some more fields and sections."""
    more = "".join(f"{name}: {text}\n" for name, text in sections.items())
    fields = f", {order}" if order else ""
    return f"version: 1\nname: m\nmode: update_only\nsource: {{{source}}}\n{more}order: {{order_number: Nr{fields}}}\n"


def compiled(text: str, header: Sequence[str] | None = None, **files: bytes) -> Compiled:
    """Compile; `files` are lookup files by the first part of their name."""
    return compile_mapping(
        text, "m.yaml", header=header, load=lambda name: files[name.split(".")[0]]
    )


def codes(text: str, header: Sequence[str] | None = None, **files: bytes) -> list[str]:
    """The codes of a mapping's mistakes; none when it compiles."""
    try:
        compiled(text, header, **files)
    except MappingRefused as refused:
        return [mistake.code for mistake in refused.mistakes]
    return []


def raw(rows: Sequence[Row], names: Sequence[str]) -> RawTable:
    """Rows as `read` would make them; a row without number gets its position."""
    data: dict[str, list[Any]] = {"_file": [], "_line": [], "_segment": []}
    for line, _ in enumerate(rows, start=2):
        for name, value in zip(ORIGIN_SCHEMA, (0, line, 0), strict=True):
            data[name].append(value)
    frame = pl.DataFrame(data, schema=ORIGIN_SCHEMA)
    cells = [
        pl.Series(
            name,
            [row.get(name, str(i) if name == "Nr" else "") for i, row in enumerate(rows)],
            pl.String,
        )
        for name in names
    ]
    return RawTable(frame.with_columns(cells))


def through(
    text: str, *rows: Row, **files: bytes
) -> tuple[dict[str, list[Any]], list[tuple[Any, ...]]]:
    """The columns of the FieldTable, and the findings as (line, code, column, value)."""
    plan = compiled(text, None, **files).plan
    made = convert(raw(rows, plan.reads), plan)
    found = made.findings.rows.select("_line", "code", "column", "value").rows()
    return made.table.rows.to_dict(as_series=False), found


def one(value: str, cell: str, source: str = "", field: str = "channel", **sections: str) -> Any:  # noqa: ANN401
    """What one cell of column A becomes in a field: its value, or the code of its finding."""
    table, found = through(mapping(f"{field}: {value}", source, **sections), {"A": cell})
    return found[0][1] if found else table[f"order.{field}"][0]
