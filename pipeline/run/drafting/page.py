"""A proposed mapping as text: its head, how the file is written, its sections, and what is left over."""

import json
import re
from collections.abc import Sequence

from pipeline.mapping.plan import Source
from pipeline.report.visible import visible
from pipeline.run.drafting.choosing import Draft
from pipeline.run.drafting.flow import bare
from pipeline.run.drafting.grain import Grain
from pipeline.run.drafting.order import country_claim
from pipeline.run.sheet import Line, counted

_WIDE = 100
_ZONES = ("Europe/Berlin", "Europe/Paris", "Europe/London", "Europe/Luxembourg")


def head(draft: Draft, files: Sequence[str], name: str) -> list[Line]:
    """What the proposal is made of, and what it does."""
    facts = draft.facts
    sample, orders = facts.sample, facts.orders
    rows = (
        f"the first {sample.rows.height:,} rows"
        if sample.more
        else counted(sample.rows.height, "row")
    )
    faulty = (
        f"; {counted(sample.faulty, 'record')} could not be read as rows" if sample.faulty else ""
    )
    repeated = ""
    if orders.several:
        repeated = f": {orders.several:,} of {counted(orders.count, 'order')} {'has' if orders.several == 1 else 'have'} several rows"
    lines = [
        Line(
            f"# Proposed by `pipeline mapping init` from {', '.join(map(visible, files))}: {rows}{faulty}."
        ),
        Line(f"# {_grain(draft)}, by {bare(facts.key)}{repeated}."),
        *(Line(f"# {each}") for each in sample.warnings),
        *(Line(f"# {each}") for each in _behaviour(draft)),
        Line("# What the file leaves open is a comment. Read it line by line, then try it with"),
        Line("# `pipeline mapping check`, `mapping test` and `pipeline plan`, which send nothing."),
        Line("version: 1"),
        Line(f"name: {name}"),
    ]
    if draft.creates:
        return [*lines, Line("mode: create_or_update")]
    return [*lines, Line("mode: update_only", _why_update(draft))]


def _grain(draft: Draft) -> str:
    if draft.facts.orders.several == 0 and draft.grain is Grain.LINE:
        return "One row per order line; no order has two rows here"
    return draft.grain.value.capitalize()


def _behaviour(draft: Draft) -> list[str]:
    """Whether what belongs to the order stands on each of its rows."""
    facts = draft.facts
    partly = [
        name for name, within in facts.orders.columns.items()
        if within.partly and not within.differing and within.partly >= 0.5 * facts.orders.several and name in facts.used
    ]  # fmt: skip
    if not partly:
        return []
    shown = ", ".join(map(bare, partly[:6])) + (
        f" and {len(partly) - 6} more" if len(partly) > 6 else ""
    )
    return [f"Blank on the further rows of an order: {shown}. The value that is there counts."]


def _why_update(draft: Draft) -> str:
    claim, doubt = country_claim(draft)
    if claim is not None and (doubt or claim.doubt):
        return f"no sure column of countries, which a new order needs: {bare(claim.column)}? {doubt or claim.doubt}"
    if claim is None:
        return "no column of countries, which a new order needs: {value: DEU} if all go to one"
    return "a list of parcels: orders that the ledger does not know are not created"


def source(draft: Draft, files: Sequence[str], *, is_sheet: bool) -> list[Line]:
    """How the file is written, with what shows it."""
    given, why = draft.facts.sample.source, draft.facts.sample.dialect.why
    lines = [Line("source:")]
    if given.format == "fixed":
        lines.append(Line("  format: fixed", why.get("format", "")))
    says = "which files of a folder this mapping reads"
    lines.append(Line(f"  files: {json.dumps(_glob(files[0]))}", says, active=False))
    if given.encoding != "utf-8" and not is_sheet:
        lines.append(Line(f"  encoding: {given.encoding}", why.get("encoding", "")))
    if not is_sheet and given.format == "csv":
        lines += _marks(given, why)
    lines += _columns(given, why) + _notation(draft) + _nothing(draft)
    if draft.facts.sample.faulty and given.format == "csv":
        says = f"{counted(draft.facts.sample.faulty, 'record')} with another number of cells, or damaged: docs/mapping.md#source"
        lines.append(Line("  repair: {too_many: drop_empty, join: [Street]}", says, active=False))
    if any(line.active for line in lines[1:]):
        return lines
    return [Line("source: {}", "comma-separated utf-8"), *lines[1:]]


def _columns(given: Source, why: dict[str, str]) -> list[Line]:
    """Where the columns are, and what they are called."""
    lines: list[Line] = []
    if given.positions:
        lines.append(Line("  positions:", why.get("positions", "")))
        lines += [Line(f"    {bare(p.name)}: {p.first}-{p.last or ''}") for p in given.positions]
    for key, names in (("names", given.names), ("find_header", given.find_header)):
        if names:
            lines.append(Line(f"  {key}: [{', '.join(map(bare, names))}]", why.get(key, "")))
    if given.footer:
        lines.append(Line(f"  footer: {json.dumps(given.footer)}", why.get("footer", "")))
    if given.comment:
        lines.append(Line(f"  comment: {json.dumps(given.comment)}", why.get("comment", "")))
    return lines


def _notation(draft: Draft) -> list[Line]:
    """How numbers, dates and times are written."""
    facts, notation = draft.facts, draft.facts.notation
    lines: list[Line] = []
    if "decimal" in notation.why or notation.decimal == ",":
        lines.append(Line(f'  decimal: "{notation.decimal}"', notation.why.get("decimal", "")))
    if notation.thousands:
        lines.append(Line(f"  thousands: {json.dumps(notation.thousands, ensure_ascii=False)}"))
    if "open" in notation.why:
        lines.append(Line('  decimal: ","', notation.why["open"], active=False))
    if draft.usual is not None:
        lines.append(Line(f'  dates: "{draft.usual}"', _dates_remark(draft)))
    if facts.timezone:
        lines.append(Line(f"  timezone: {facts.timezone}"))
    elif any(target.endswith("order_date") for target in draft.suggested):
        says = "of times without an offset; the file does not say it"
        # one that is no town of the file: the last look would blot it out
        zone = next((each for each in _ZONES if not draft.private.found_in(each)), "UTC")
        lines.append(Line(f"  timezone: {zone}", says, active=False))
    return lines


def _nothing(draft: Draft) -> list[Line]:
    """The words for nothing."""
    nulls = draft.facts.nulls
    if not nulls:
        return _namibia(draft)
    listed = ", ".join(json.dumps(each, ensure_ascii=False) for each in ("", *nulls))
    return [Line(f"  null_values: [{listed}]", _nulls_remark(draft)), *_namibia(draft)]


def _marks(given: Source, why: dict[str, str]) -> list[Line]:
    lines = [Line(f"  delimiter: {json.dumps(given.delimiter)}", why.get("delimiter", ""))]
    if given.quote is None:
        lines.append(Line("  quote: none", why.get("quote", "")))
    elif given.quote != '"':
        lines.append(Line(f"  quote: {json.dumps(given.quote)}", why.get("quote", "")))
    if given.escape:
        lines.append(Line(f"  escape: {json.dumps(given.escape)}", why.get("escape", "")))
    if given.record_end:
        lines.append(
            Line(f"  record_end: {json.dumps(given.record_end)}", why.get("record_end", ""))
        )
    return lines


def _dates_remark(draft: Draft) -> str:
    return next(
        (each for each in draft.facts.notation.told if each.endswith(f"are {draft.usual}")), ""
    )


def _nulls_remark(draft: Draft) -> str:
    counts: dict[str, int] = {}
    for found in draft.facts.looks.values():
        for text, number in found.nulls.items():
            counts[text] = counts.get(text, 0) + number
    return "; ".join(f"{text}: {counted(number, 'cell')}" for text, number in counts.items())


def _namibia(draft: Draft) -> list[Line]:
    columns = [
        name
        for name, found in draft.facts.looks.items()
        if any(text == "NA" for text, _ in found.top)
    ]
    if not columns:
        return []
    return [
        Line(
            '  null_values: ["", "NA"]',
            f"{', '.join(map(bare, columns[:4]))} has NA: nothing, or Namibia?",
            active=False,
        )
    ]


def _glob(name: str) -> str:
    """The pattern of a file's name, with a star for its date or number.

    >>> _glob("auftraege_2026-11-20.csv"), _glob("orders.csv")
    ('auftraege_*.csv', 'orders.csv')
    """
    stem, dot, ending = name.rpartition(".")
    return re.sub(r"\d{4,}(?:[-_.T]?\d{2,})*", "*", stem) + dot + ending


def left_over(draft: Draft) -> list[Line]:
    """Columns that nothing above reads, in one comment."""
    facts = draft.facts
    left = [
        name
        for name in facts.sample.names
        if name not in facts.used and name not in facts.told and "#" not in name
    ]
    empty = [name for name in left if not facts.looks[name].filled]
    lines: list[Line] = []
    if [each for each in left if each not in empty]:
        lines += _wrapped("# Not used: ", [bare(each) for each in left if each not in empty])
    if empty:
        lines += _wrapped("# Without values in this file: ", [bare(each) for each in empty])
    if facts.sample.left:
        lines += _wrapped(
            "# Names that no mapping can say: ",
            [json.dumps(visible(each), ensure_ascii=False) for each in facts.sample.left],
        )
    return lines


def _wrapped(begin: str, names: Sequence[str]) -> list[Line]:
    lines, text = [], begin
    for i, name in enumerate(names):
        piece = name + ("," if i + 1 < len(names) else "")
        if len(text) + len(piece) > _WIDE and text.strip() != "#":
            lines.append(Line(text.rstrip()))
            text = "#   "
        text += piece + " "
    return [*lines, Line(text.rstrip())]


def mapping_name(file: str) -> str:
    """A name for the mapping, from that of the file.

    >>> mapping_name("auftraege_2026-11-20.csv"), mapping_name("Export (1).csv"), mapping_name("20261120.txt")
    ('auftraege', 'export-1', 'export')
    """
    stem = re.sub(r"(?:\.(?:csv|txt|tsv|xlsx?|gz|zip|zst|bz2|xz))+$", "", file, flags=re.IGNORECASE)
    stem = re.sub(r"\d{4,}(?:[-_.T]?\d{2,})*", "", stem)
    made = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-").lower()[:60]
    return made or "export"
