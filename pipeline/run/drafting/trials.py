"""Two orders of a file as the tests of its mapping, with what the mapping makes of them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipeline.mapping.compile import Compiled
from pipeline.mapping.trials import Trial
from pipeline.model.stops import StopRun
from pipeline.report.visible import visible
from pipeline.run.drafting.choosing import Draft
from pipeline.run.drafting.flow import bare
from pipeline.run.drafting.grain import Grain
from pipeline.run.drafting.invented import Invented, written
from pipeline.run.payload_text import as_yaml, without_run
from pipeline.run.sheet import Line
from pipeline.run.trial import come_of

_ROWS_MAX = 6  # of an order that is fit to be read in a mapping
_TRIED = 5


def tests(draft: Draft, text: str, compiled: Compiled, files: Sequence[str]) -> list[Line]:
    """The section, empty where no order of the file goes through."""
    if draft.facts.sample.source.format != "csv":
        return []
    lines: list[Line] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "proposed.yaml"
        path.write_text(text, encoding="utf-8")
        for what, keys in _candidates(draft):
            lines += _first_that_goes(draft, path, compiled, what, keys)
    if not lines:
        return []
    rebuilt = f"# Rows of {', '.join(map(visible, files[:3]))}, rebuilt: people, streets, order and parcel numbers are invented."
    return [Line("tests:"), Line(f"  {rebuilt}"), *lines]


def _candidates(draft: Draft) -> Iterator[tuple[str, list[str]]]:
    """Orders to try: those with several rows, then others."""
    facts = draft.facts
    rows = facts.sample.rows.filter(~pl.col(facts.key).is_in(["", *facts.nulls]))
    counts = rows.group_by(facts.key, maintain_order=True).len()
    unit = {Grain.LINE: "lines", Grain.PARCEL: "parcels", Grain.ORDER: "rows"}[draft.grain]
    several = (
        counts.filter((pl.col("len") > 1) & (pl.col("len") <= _ROWS_MAX))
        .get_column(facts.key)
        .head(_TRIED)
        .to_list()
    )
    single = counts.filter(pl.col("len") == 1).get_column(facts.key).head(_TRIED).to_list()
    if several:
        yield f"an order with several {unit}", several
        yield "another order", single or several[1:]
    else:
        yield "an order", single[: _TRIED // 2]
        yield "another order", single[1:]


def _first_that_goes(
    draft: Draft, path: Path, compiled: Compiled, what: str, keys: Sequence[str]
) -> list[Line]:
    """The first order whose rows make a payload, else the first whose rows are rejected, with the reasons."""
    held: list[Line] = []
    idle: list[Line] = []
    for key in keys:
        example = _example(draft, key) if key not in draft.tested else None
        if example is None:
            continue
        orders, rejected = _come_of(
            path, compiled, _text(example, draft.facts.sample.source.record_end)
        )
        made = [
            Line(f"  - name: {what}"),
            *_rows(example, draft.facts.sample.source.record_end),
            Line("    expect:"),
        ]
        if orders:
            draft.tested.add(key)
            return [
                *made,
                Line("      orders:"),
                *(Line(f"        {each}") for each in as_yaml(orders)),
            ]
        if rejected and not held:
            made[0] = Line(f"  - name: {what}, held")
            held = [*made, Line("      orders: []", "what is sent when this is settled?"), Line("      rejected:"),
                    *(Line(f"        - {each}") for each in rejected)]  # fmt: skip
        elif not idle:
            idle = [
                *made,
                Line("      orders: []", "nothing above says more of an order than its number"),
            ]
    return held or idle


def _rows(example: Sequence[str], end: str | None) -> list[Line]:
    """The text of a file as a block, or as one text where a block would lose something."""
    whole = all(each and each == each.lstrip(" \t") and each.replace("\t", "").isprintable() for each in example)  # fmt: skip
    if end in (None, "\n") and whole:
        return [Line("    rows: |"), *(Line(f"      {each}") for each in example)]
    return [Line(f"    rows: {json.dumps(_text(example, end), ensure_ascii=False)}")]


def _text(example: Sequence[str], end: str | None) -> str:
    return "".join(each + (end or "\n") for each in example)


def _example(draft: Draft, key: str) -> list[str] | None:
    """The lines of a file with the rows of one order; None where they cannot be written down."""
    facts = draft.facts
    source = facts.sample.source
    invented = Invented(facts, draft.hits, draft.private)
    rows = [
        invented.row(each) for each in facts.sample.rows.filter(pl.col(facts.key) == key).to_dicts()
    ]
    names = [
        each for each in facts.sample.names if "#" not in each or each in facts.sample.rows.columns
    ]
    lines = [] if source.names else [written(names, source.delimiter, source.quote, source.escape)]
    lines += [
        written(
            [row[name] for name in names],
            source.delimiter,
            source.quote,
            source.escape,
        )
        for row in rows
    ]
    made = [each for each in lines if each is not None]
    if len(made) < len(lines) or any(not each.strip() for each in made):
        return None
    # the last look: what is left in the cells must be nobody's
    own = (*names, *invented.made)
    text = "\n".join(made)
    return None if draft.private.without(text, own) != text else made


def _come_of(path: Path, compiled: Compiled, rows: str) -> tuple[list[object], list[str]]:
    """The payloads of some rows without what belongs to a run, or why there are none."""
    trial = Trial("", rows, None, (), None, (), exact=False, line=1)
    try:
        payloads, rejected = come_of(path, compiled, trial)
    except StopRun:
        return [], []
    reasons = [
        f"{{line: {each.line}, column: {bare(each.column)}, code: {each.code}}}" if each.column
        else f"{{line: {each.line}, code: {each.code}}}"
        for each in rejected
    ]  # fmt: skip
    return ([] if rejected else [without_run(each) for each in payloads]), list(
        dict.fromkeys(reasons)
    )
