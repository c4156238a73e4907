"""The packed list of the page, unpacked again the way its script does it."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.outcomes import REJECTED_ROWS
from pipeline.report.blocks import BLOCK_ROWS, BUDGET, KINDS, VALUE, Blocks, pack
from pipeline.report.cases import Quoting
from pipeline.report.causes import PROBLEM_ORDERS
from pipeline.report.masking import PiiMode
from pipeline.report.summary import Summary, summarise
from tests.pages.nights import RANDOM_VALUES, night
from tests.unit.report.runs import (
    BAD_EMAIL,
    COUNTRY,
    PRICE,
    RunBuilder,
    all_imported,
    facts_of,
    partly_imported,
)

Record = dict[str, Any]


def blocks_of(summary: Summary, budget: int = BUDGET) -> Blocks:
    files = {each.index: each.name for each in summary.facts.files}
    return pack(summary.causes, Quoting(files, summary.pii, summary.facts.paths), budget=budget)


def summary_of(run: RunBuilder, pii: PiiMode = PiiMode.MASK) -> Summary:
    return summarise(facts_of(run), run.tables(), pii=pii)


def records_of(blocks: Blocks) -> list[Record]:
    records = [each for packed in blocks.packed for each in unpacked(packed)]
    kinds = [run for run in blocks.runs for _ in range(run.embedded)]
    assert len(kinds) == len(records)
    return [
        each | {"cause": run.cause, "kind": KINDS[run.kind].value}
        for each, run in zip(records, kinds, strict=True)
    ]


def unpacked(packed: str) -> Iterator[Record]:
    block = json.loads(gzip.decompress(base64.b64decode(packed)))
    count = block["n"]
    orders = list(counted_on(block["o"]))

    def each(name: str, *, steps: bool = False) -> list[Any]:
        given = block[name] if isinstance(block[name], list) else [block[name]] * count
        if not steps:
            return given
        sums, last = [], 0
        for step in given:
            last += step
            sums.append(last)
        return sums

    texts = {name: [block[name][at] for at in each(f"{name}i")] for name in ("v", "m", "a")}
    numbers = {
        "f": each("f"),
        "l": each("l", steps=True),
        "s": each("s", steps=True),
        "w": each("w"),
    }
    order_of = each("oi", steps=True)
    for at in range(count):
        yield {name: column[at] for name, column in {**texts, **numbers}.items()} | {
            "o": orders[order_of[at]]
        }


def counted_on(orders: list[str | int | None]) -> Iterator[str | None]:
    head, size, last = "", 0, 0
    for each in orders:
        if isinstance(each, int):
            last += each
            yield head + str(last).zfill(size)
            continue
        parts = re.fullmatch(r"(.*?)([0-9]{1,15})", each or "")
        if parts:
            head, size, last = parts[1], len(parts[2]), int(parts[2])
        yield each


def rejected_of(tables: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - RunTables
    rows = tables.rows.filter(pl.col("outcome").is_in(REJECTED_ROWS))
    orders = tables.orders.filter(pl.col("outcome").is_in(PROBLEM_ORDERS))
    return sorted(
        (name or "", file, line, outcome)
        for each in (rows, orders)
        for name, file, line, outcome in each.select(
            "order_number", "_file", "_line", "outcome"
        ).iter_rows()
    )


def told_of(records: list[Record]) -> list[tuple[Any, ...]]:
    return sorted((each["o"] or "", each["f"], each["l"], each["kind"]) for each in records)


def test_every_rejected_row_and_failed_order_is_in_it_once_under_its_cause() -> None:
    run = partly_imported()
    summary = summary_of(run)
    records = records_of(blocks_of(summary))
    assert told_of(records) == rejected_of(run.tables())
    for number, cause in enumerate(summary.causes.ranked):
        mine = [each for each in records if each["cause"] == number]
        assert len(mine) == cause.count + cause.held
        assert sum(each["kind"] == "held" for each in mine) == cause.held


def test_records_over_several_blocks_are_those_of_the_run() -> None:
    facts, tables = night(2 * BLOCK_ROWS + 1000)
    summary = summarise(facts, tables)
    blocks = blocks_of(summary)
    assert len(blocks.packed) == 3
    assert told_of(records_of(blocks)) == rejected_of(tables)
    assert blocks.size < 5 * blocks.whole


def test_what_a_record_says() -> None:
    run = RunBuilder()
    run.order("A7", "held_back", (COUNTRY, None))
    run.finding(run.rows[0], "R205", primary=False, column="Menge", target="quantity", value="two")
    refused = run.order("A8", "refused", status=400, attempts=2)
    for detail in ("unknown courier", "too long"):
        run.finding(refused, "A402", primary=detail[0] == "u", detail=detail, api_status=400)
    held, own, failed = sorted(
        records_of(blocks_of(summary_of(run))), key=lambda each: each["kind"]
    )
    assert (own["o"], own["l"], own["v"]) == ("A7", 2, "D")
    assert own["m"] == f'"{VALUE}" is not in lookups.countries'
    assert own["a"] == 'R205 Menge: "two" is not a whole number'
    assert (held["m"], held["w"], held["a"]) == ("", -1, "")
    assert (
        failed["m"] == "refused, HTTP 400, 2 attempts: parcelLab refused the order: unknown courier"
    )
    assert failed["a"] == "A402 parcelLab refused the order: too long"


def test_a_row_that_waits_for_one_of_another_file_names_it() -> None:
    run = RunBuilder()
    run.order("A7", "held_back", (COUNTRY,))
    run.row("A7", "held", "H001", file=1)
    run.orders[0]["rows"] = 2
    held = next(each for each in records_of(blocks_of(summary_of(run))) if each["kind"] == "held")
    assert held["m"] == "held back with orders_2026-11-19_DE.csv:2"
    assert held["w"] == 0


def test_values_are_masked_by_target_and_so_are_sentences() -> None:
    run = RunBuilder()
    run.order("A", "held_back", (BAD_EMAIL, {**COUNTRY, "code": "R303", "target": "recipient_name",
                                             "value": "Jana Canary", "detail": "Jan Canary"}))  # fmt: skip
    content = json.dumps(records_of(blocks_of(summary_of(run))), ensure_ascii=False)
    assert "j…@p….e…" in content
    assert "J… C…" in content
    assert "anary" not in content
    hidden = json.dumps(records_of(blocks_of(summary_of(run, PiiMode.NONE))), ensure_ascii=False)
    assert "j…@" not in hidden
    assert "(not shown)" in hidden


def test_nothing_rejected_is_nothing_packed() -> None:
    assert blocks_of(summary_of(all_imported())) == Blocks((), ())
    assert blocks_of(summary_of(RunBuilder())).whole == 0


def test_beyond_the_budget_small_causes_stay_whole_and_counts_exact() -> None:
    facts, tables = night(50_000, RANDOM_VALUES)
    summary = summarise(facts, tables)
    whole = blocks_of(summary)
    part = blocks_of(summary, budget=whole.size // 4)
    assert whole.embedded == whole.whole == part.whole
    assert whole.size // 8 < part.size <= whole.size // 4
    assert [each.whole for each in part.runs] == [each.whole for each in whole.runs]
    kept = max(each.embedded for each in part.runs)
    assert all(each.embedded >= min(each.whole, kept - 1) for each in part.runs)
    assert len(records_of(part)) == part.embedded


def test_the_same_run_gives_the_same_blocks() -> None:
    facts, tables = night(3000)
    assert blocks_of(summarise(facts, tables)) == blocks_of(summarise(facts, tables))


# Polars knows a newer Unicode than Python: what has no meaning in one may have one in the other.
NUMBERS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cn"]), min_size=1, max_size=12),
    st.from_regex(r"[A-Z]{0,2}[0-9]{1,18}", fullmatch=True),
)


@settings(max_examples=60)
@given(st.lists(NUMBERS, min_size=1, max_size=12, unique=True))
@pytest.mark.thorough
def test_any_order_number_comes_back_as_it_is_shown(numbers: list[str]) -> None:
    run = RunBuilder()
    for number in numbers:
        run.order(number, "held_back", (PRICE, None))
    records = records_of(blocks_of(summary_of(run, PiiMode.SHOW)))
    shown = {"".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in n) for n in numbers}
    assert {each["o"] for each in records} == shown
    assert len(records) == 2 * len(numbers)
