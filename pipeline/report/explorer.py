"""The list of every rejected row and failed order: its blocks, its filters, and what it says of causes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.model.outcomes import OrderOutcome, RowOutcome
from pipeline.report.blocks import BLOCK_ROWS, KINDS, Run, pack, packed_json
from pipeline.report.cases import Quoting
from pipeline.report.causes import Cause
from pipeline.report.masking import PiiMode
from pipeline.report.past import Badge, badges
from pipeline.report.pieces import begun
from pipeline.report.summary import Summary, counted, subject_of
from pipeline.report.visible import visible

_KIND_WORDS: dict[RowOutcome | OrderOutcome, str] = {
    RowOutcome.OWN_PROBLEM: "rows with a problem of their own",
    RowOutcome.HELD: "rows held with another row",
    OrderOutcome.REFUSED: "orders refused by parcelLab",
    OrderOutcome.PARTLY_APPLIED: "orders stored, but a change failed",
    OrderOutcome.UNKNOWN: "orders unclear, no answer",
    OrderOutcome.NOT_ATTEMPTED: "orders not tried",
}
_VALUES = {
    PiiMode.MASK: "Personal data is masked here.",
    PiiMode.SHOW: "Values are shown as they are, cut at 80 characters.",
    PiiMode.NONE: "Values of cells are not shown here.",
}
_OPTION_CUT = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """What the page needs for its list; the filters are pairs of a value and a text.

    `values` tells how values are shown; `left_out` says what the page does not hold for its size, ""
    where it holds everything. `meta` says what the blocks are about, packed like them: a document with

    - `run` its name, `size` records in a block, `files` names by ordinal
    - `causes` as `Causes.ranked` has them, with their words on the page
    - `runs` of records that have one `cause` and one `kind`: the first stands at `start`, `embedded` of
      `whole` are in the blocks
    """

    title: str
    values: str
    meta: str
    blocks: tuple[str, ...]
    owners: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]
    left_out: str


def explorer(summary: Summary, budget: int) -> Explorer | None:
    """Lay out the list in `budget` bytes; None where nothing was rejected and no order failed."""
    facts, causes = summary.facts, summary.causes.ranked
    files = {each.index: each.name for each in facts.files}
    blocks = pack(summary.causes, Quoting(files, summary.pii, facts.paths), budget=budget)
    if not blocks.runs:
        return None
    sums: Counter[int] = Counter()
    for run in blocks.runs:
        sums[run.kind] += run.whole
    first = sorted(set(facts.first_ordinals.values()))
    known = badges(summary.causes, facts.history)
    meta = {
        "run": visible(facts.run_id),
        "size": BLOCK_ROWS,
        "files": [visible(files.get(at, f"file {at}")) for at in range(max(files, default=-1) + 1)],
        "causes": [_cause(each, known.get(each.anchor)) for each in causes],
        "runs": _runs(blocks.runs),
    }
    return Explorer(
        title=_title(blocks.runs),
        values=_VALUES[summary.pii],
        meta=packed_json(meta),
        blocks=blocks.packed,
        owners=tuple((each, each) for each in dict.fromkeys(visible(c.owner) for c in causes)),
        kinds=tuple(
            (KINDS[kind].value, f"{_KIND_WORDS[KINDS[kind]]} ({number:,})")
            for kind, number in sorted(sums.items())
        ),
        files=tuple((str(at), visible(files[at])) for at in first),
        left_out=_left_out(blocks.embedded, blocks.whole),
    )


def _title(runs: Sequence[Run]) -> str:
    rows, orders = (any((each.kind > 1) is late for each in runs) for late in (False, True))
    if rows and orders:
        return "Every rejected row and failed order"
    return "Every rejected row" if rows else "Every failed order"


def _runs(runs: Sequence[Run]) -> list[dict[str, object]]:
    told, start = [], 0
    for each in runs:
        kind = KINDS[each.kind]
        unit = "row" if isinstance(kind, RowOutcome) else "order"
        told.append({"cause": each.cause, "kind": kind.value, "words": _KIND_WORDS[kind], "unit": unit,
                     "start": start, "embedded": each.embedded, "whole": each.whole})  # fmt: skip
        start += each.embedded
    return told


def _cause(cause: Cause, badge: Badge | None) -> dict[str, str]:
    return {
        "id": cause.anchor,
        "title": cause.title,
        "about": subject_of(cause),
        "code": cause.code or "various",
        "column": cause.column,
        "owner": visible(cause.owner),
        "amount": _amount(cause),
        "fix": begun(cause.fix),
        "option": _option(cause),
        "badge": badge.words if badge else "",
        "tone": badge.tone if badge else "",
    }


def _amount(cause: Cause) -> str:
    amount = counted(cause.count, cause.unit.value[:-1])
    if not cause.held:
        return amount
    return f"{amount} + {cause.held:,} held with {'it' if cause.count == 1 else 'them'}"


def _option(cause: Cause) -> str:
    about = subject_of(cause)
    text = f"{cause.code or 'various'} {cause.title}{': ' if about else ''}{about}"
    return f"{visible(text, limit=_OPTION_CUT)} ({_amount(cause)})"


def _left_out(embedded: int, whole: int) -> str:
    if embedded == whole:
        return ""
    return (
        f"This page holds {embedded:,} of {whole:,}, of every cause as many as fit. "
        "All counts are exact"
    )
