"""How the values of some rows come about: raw cells, stages, value, payload (`mapping show`).

The rows are read and taken through the stages of a run up to `compare`; beside that, the stages of
each value are evaluated on them (`run/stories.py`). Nothing is sent, and nothing stays on the disk.

    FILE ─find row or order─▶ keys ─spool─▶ rows of these orders ─▶ story of each value
                                                                └▶ findings, outcome, payload
"""

import difflib
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.convert import SKIPPED, convert, keys, orders_of, seen
from pipeline.group.payload import scalar
from pipeline.intake import Snapshot
from pipeline.mapping.plan import FieldPlan, Plan, numbered
from pipeline.mapping_file import read_mapping
from pipeline.model.findings import Findings, sentence
from pipeline.model.origin import COPY_BITS, KEY, LINE, ORIGIN, SEGMENT, SEGMENTS_MAX, place
from pipeline.model.outcomes import OrderOutcome, RowOutcome
from pipeline.model.rules import RULES, Severity
from pipeline.model.stops import StopRun
from pipeline.model.tables import (
    WHEN_LINES,
    WHEN_TRACKINGS,
    RawTable,
    SourceFile,
    when_mutation,
)
from pipeline.read import Batch, open_edi, read_header, settled
from pipeline.run.folder import RunFolder
from pipeline.run.guesses import Guesses
from pipeline.run.source import Job, as_read, fitting
from pipeline.run.spool import PARTITION_BYTES, Share, batches_of, spool
from pipeline.run.stories import Stories, Story, plain
from pipeline.run.trial import OF_THE_RUN, sent_of

_COMPARED_MAX = 10_000  # order numbers that are compared with one that is not there
Address = tuple[int, int, int]


class NoSuchRow(StopRun):
    """No row of the file begins on that line (exit 2)."""

    exit_code = 2


class SeveralSources(StopRun):
    """The mapping reads several files for one order (exit 2)."""

    exit_code = 2


class NoSuchOrder(StopRun):
    """No row of the file has that order number (exit 2)."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of a row: code, `error` or `warning`, and its sentence."""

    code: str
    weight: str
    text: str


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One value of a row.

    `section` is `derive`, `order`, `lines`, `trackings` or `mutations.0`; `target` the member of the
    payload, or the derived column. `value` is JSON as the payload has it, of a derived column its
    text; None where there is none. `codes` are findings about it, `line` the line of the mapping.
    """

    section: str
    target: str
    story: Story
    value: str | None
    codes: tuple[str, ...]
    line: int
    aggregate: str = ""


@dataclass(frozen=True, slots=True)
class Off:
    """A section that the row takes no part in, and why."""

    section: str
    why: str
    line: int


@dataclass(frozen=True, slots=True)
class RowShown:
    """One row: `outcome` says what became of it, in a word, and `why` in a sentence or ""."""

    place: str
    line: int
    order_number: str | None
    outcome: str
    why: str
    cells: dict[str, str | None] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)  # of EDI: where each column is from
    fields: tuple[FieldShown, ...] = ()
    off: tuple[Off, ...] = ()
    findings: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """Rows of a file, and what would be sent of their orders, by number."""

    mapping: str
    file: str
    rows: tuple[RowShown, ...]
    payloads: dict[str, dict[str, Any]]
    outcomes: dict[str, str]


def show_row(mapping: Path, file: Path, line: int, segment: int | None, *, existing: bool) -> Shown:
    """Show the row that begins on a line, of EDI also by the number of its segment.

    Raises:
        NoSuchRow: none does.
        SeveralSources: the mapping has `sources`.
        StopRun: the mapping or the file cannot be used.
    """
    with _job(mapping, file) as job:
        found = _Located(job.plan)
        for batch in _batches(job):
            at = pl.col(LINE) == line
            if segment is not None:
                at = at & (pl.col(SEGMENT) & SEGMENTS_MAX == segment)
            found.note(batch, at)
            found.near(batch, line)
            if found.addresses and job.plan.extract is None:
                break
        if not found.addresses:
            raise _no_row(job.files[0][0].name, line, segment, found)
        return _shown(job, found, existing=existing, only=found.addresses)


def show_order(mapping: Path, file: Path, number: str, *, existing: bool) -> Shown:
    """Show all rows of an order.

    Raises:
        NoSuchOrder: the file has none of this number.
        SeveralSources: the mapping has `sources`.
        StopRun: the mapping or the file cannot be used.
    """
    with _job(mapping, file) as job:
        found = _Located(job.plan)
        for batch in _batches(job):
            named = (pl.col(KEY) == number) | (pl.col("order_number") == number)
            found.note(batch, named.fill_null(value=False))
            found.numbers(batch)
        if not found.addresses:
            raise _no_order(job.files[0][0].name, number, found)
        return _shown(job, found, existing=existing, only=None)


# -- reading ----------------------------------------------------------------------------------


@contextmanager
def _job(mapping: Path, file: Path) -> Iterator[Job]:
    """One mapping with one file, as a run reads it; not copied, for nothing is sent of it."""
    compiled, _ = read_mapping(mapping)
    if compiled.plans:
        parts = ", ".join(plan.part for plan in compiled.plans)
        raise SeveralSources(
            f"{mapping} brings several files together ({parts}), and `mapping show` reads one",
            code="C101",
            help=f"`pipeline plan -m {mapping} FOLDER --sample 5 --pii show` prints what is made of them; a test "
            "with the rows of one order, and `mapping test --accept`, shows it, too",
        )
    plan = compiled.plan
    with as_read(file, plan.source) as (path, name, written):
        source = SourceFile(0, name, "", 0, plan.name)
        snapshot = Snapshot(name, file, path, "", 0)
        job = Job(mapping, plan, "", ((source, snapshot),))
        if plan.extract is None:
            form = settled(path, written, name)
            header = read_header(path, form, name=name)
            fitted, _ = fitting(mapping, plan, header, name)
            yield replace(job, plan=fitted.plan, forms={0: form}, headers={0: tuple(header)})
        else:
            reading = open_edi(path, name, encoding=plan.source.encoding)
            yield replace(job, readings={0: reading})


def _batches(job: Job) -> Iterator[Batch]:
    source, snapshot = job.files[0]
    return batches_of(job, source, snapshot)


@dataclass(slots=True)
class _Located:
    """The rows that are asked for, where they are; and what comes near, for those who mistype.

    `alone` are readable rows without a key, `faulty` the records that could not be read, each with
    its findings.
    """

    plan: Plan
    addresses: list[Address] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    alone: list[pl.DataFrame] = field(default_factory=list)
    faulty: list[pl.DataFrame] = field(default_factory=list)
    findings: list[pl.DataFrame] = field(default_factory=list)
    before: int | None = None
    after: int | None = None
    known: dict[str, None] = field(default_factory=dict)
    _guesses: Guesses | None = None

    def note(self, batch: Batch, wanted: pl.Expr) -> None:
        """Take what is wanted of a batch; the condition sees ORIGIN, `_key` and order_number."""
        if self._guesses is None:
            self._guesses = Guesses(self.plan)
        rows = batch.raw.rows
        numbered = rows.select(ORIGIN).hstack(orders_of(batch.raw, self.plan))
        mine = numbered.filter(wanted)
        guessed = self._guesses.of(batch).filter(wanted)
        self.addresses += [*_addresses(mine), *_addresses(guessed)]
        self.keys |= set(mine.get_column(KEY).drop_nulls())
        self.alone.append(rows.join(mine.filter(pl.col(KEY).is_null()), on=ORIGIN, how="semi"))
        self.faulty.append(guessed)
        self.findings.append(batch.findings.rows.join(guessed, on=ORIGIN, how="semi"))

    def near(self, batch: Batch, line: int) -> None:
        """Note where the rows around a line begin."""
        lines = [*batch.raw.rows.get_column(LINE), *batch.faulty.rows.get_column(LINE)]
        before, after = [n for n in lines if n < line], [n for n in lines if n > line]
        if before:
            self.before = max(before)
        if after and self.after is None:
            self.after = min(after)

    def numbers(self, batch: Batch) -> None:
        """Note the order numbers that there are, some of them."""
        if len(self.known) < _COMPARED_MAX:
            found = orders_of(batch.raw, self.plan).get_column("order_number")
            self.known |= dict.fromkeys(found.drop_nulls().unique(maintain_order=True))


def _addresses(rows: pl.DataFrame) -> list[Address]:
    return [(row[0], row[1], row[2]) for row in rows.select(ORIGIN).rows()]


def _no_row(name: str, line: int, segment: int | None, found: _Located) -> NoSuchRow:
    at = f"line {line}" + (f", segment {segment}" if segment is not None else "")
    if found.before is not None and found.after is not None:
        help_text = f"the rows around it begin on line {found.before} and on line {found.after}"
    elif found.before is not None:
        help_text = f"its last row begins on line {found.before}"
    else:
        first = found.after
        help_text = "it has no rows" if first is None else f"its first row begins on line {first}"
    return NoSuchRow(f"no row of {name} begins on {at}", code="C144", help=help_text)


def _no_order(name: str, number: str, found: _Located) -> NoSuchOrder:
    near = difflib.get_close_matches(number, list(found.known), n=1, cutoff=0.6)
    some = ", ".join(list(found.known)[:3])
    otherwise = f"it has orders such as {some}" if some else "it has no orders"
    return NoSuchOrder(
        f"no row of {name} is of order {number}", code="C119",
        help=f"did you mean {near[0]}?" if near else otherwise,
    )  # fmt: skip


# -- the rows of the orders -------------------------------------------------------------------


def _shown(job: Job, found: _Located, *, existing: bool, only: Sequence[Address] | None) -> Shown:
    """Take the orders of the rows through the stages; with `only`, show no other of their rows."""
    name = job.files[0][0].name
    rows: list[tuple[Address, RowShown]] = []
    payloads: dict[str, dict[str, Any]] = {}
    outcomes: dict[str, str] = {}
    shares = list(_shares(job, found)) if found.keys else []
    alone = pl.concat(found.alone)
    if alone.height:
        none = pl.DataFrame(schema={**dict(found.faulty[0].schema)})
        shares.append(Share(job.plan, RawTable(alone), none, Findings.none()))
    for share in shares:
        numbers = orders_of(share.raw, share.plan).get_column("order_number").drop_nulls()
        made = sent_of([share], [name], set(numbers) if existing else ())
        findings = _by_address(made.grouped.findings)
        of_rows = {_address(row): row for row in made.grouped.rows.to_dicts()}
        rows += _of_share(share, name, job, of_rows, findings, only)
        rows += _unread(_not_apart(share, found), share.findings.rows, job.plan, name, only)
        for order in made.ready.to_dicts():
            outcomes[order["order_number"]] = _sending(order["outcome"])
            if order["body"] is not None:
                body = json.loads(order["body"])
                payloads[order["order_number"]] = _without_ids(body)
        for held in made.grouped.held.to_dicts():
            outcomes[held["order_number"] or ""] = "held back"
    rows += _unread(pl.concat(found.faulty), pl.concat(found.findings), job.plan, name, only)
    rows.sort(key=lambda each: each[0])
    return Shown(str(job.path), name, tuple(row for _, row in rows), payloads, outcomes)


def _sending(outcome: str) -> str:
    return {
        OrderOutcome.NOT_ATTEMPTED.value: "would be sent",
        OrderOutcome.NOTHING_TO_SEND.value: "nothing to send: it says no more than its number",
    }.get(outcome, outcome.replace("_", " "))


def _without_ids(data: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out what a run adds: the account, and the ids of operations, which depend on it."""
    if isinstance(data, dict):
        return {k: _without_ids(v) for k, v in data.items() if k not in OF_THE_RUN}
    return [_without_ids(each) for each in data] if isinstance(data, list) else data


def _shares(job: Job, found: _Located) -> Iterator[Share]:
    """All rows of the orders, from the whole file, as a run brings them together."""
    with tempfile.TemporaryDirectory() as made:
        spooled = spool([job], RunFolder(Path(made)), lambda _rows: None, PARTITION_BYTES,
                        only=found.keys)  # fmt: skip
        for partition in range(spooled.count):
            for share in spooled.take(partition):
                mine = _of_keys(share, found.keys)
                if mine.raw.rows.height or mine.faulty.height:
                    yield mine


def _of_keys(share: Share, wanted: set[str]) -> Share:
    """Of EDI all messages are read; leave out what belongs to other orders."""
    named = pl.Series(sorted(wanted), dtype=pl.String).implode()
    rows = share.raw.rows.filter(keys(share.raw, share.plan).is_in(named).fill_null(value=False))
    faulty = share.faulty.filter(pl.col(KEY).is_in(named).fill_null(value=False))
    addresses = pl.concat([rows.select(ORIGIN), faulty.select(ORIGIN)])
    findings = share.findings.rows.join(addresses, on=ORIGIN, how="semi", maintain_order="left")
    return Share(share.plan, RawTable(rows), faulty, Findings(findings))


def _address(row: dict[str, Any]) -> Address:
    return row["_file"], row["_line"], row["_segment"]


def _whole(at: Address) -> Address:
    """The address of the row that a piece is of; of others it is their own."""
    file, line, segment = at
    return file, line, segment if segment & SEGMENTS_MAX else 0


def _item(at: Address, plan: Plan) -> str:
    """Which item of its row a piece is; "" for rows."""
    if plan.pieces is None or at == _whole(at):
        return ""
    return f" (item {(at[2] >> COPY_BITS) - plan.pieces.numbered})"


def _of_item(found: Sequence[dict[str, Any]], at: Address, plan: Plan) -> Sequence[dict[str, Any]]:
    """What is told of a row without what is told of its other items."""
    pieces = plan.pieces
    if pieces is None or at == _whole(at):
        return found
    number = at[2] >> COPY_BITS
    others = {
        column
        for each in pieces.columns if pieces.numbered
        for nth, column in numbered(each.source, plan.reads).items() if nth != number - 1
    }  # fmt: skip
    of = [re.search(r"\(item (\d+) of \d+\)$", each["detail"] or "") for each in found]
    return [
        each
        for each, item in zip(found, of, strict=True)
        if each["column"] not in others and (item is None or int(item[1]) == number)
    ]


def _by_address(findings: pl.DataFrame) -> dict[Address, list[dict[str, Any]]]:
    found: dict[Address, list[dict[str, Any]]] = defaultdict(list)
    for row in findings.to_dicts():
        found[_address(row)].append(row)
    return found


def _of_share(
    share: Share, name: str, job: Job, of_rows: dict[Address, dict[str, Any]],
    findings: dict[Address, list[dict[str, Any]]], only: Sequence[Address] | None,
) -> Iterator[tuple[Address, RowShown]]:  # fmt: skip
    plan = share.plan
    table = convert(share.raw, plan).table.rows
    zone = plan.source.timezone
    leaves = plan.fields()
    values: dict[Address, list[dict[str, Any]]] = defaultdict(list)
    texts = table.select(*ORIGIN, *(scalar(pl.col(leaf.slot), leaf.kind, zone).alias(leaf.slot)
                                    for leaf in leaves))  # fmt: skip
    for row in texts.to_dicts():
        values[_address(row)].append(row)
    raw = {_address(row): row for row in share.raw.rows.to_dicts()}
    numbers = dict(zip(raw, orders_of(share.raw, plan).get_column("order_number"), strict=False))
    rows = seen(share.raw, plan)
    cells = [
        {name: text for name, text in raw[_address(row)].items() if name in plan.reads}
        for row in rows.to_dicts()
    ]
    stories = Stories(plan)
    for column in plan.derived:
        if column.trail is not None:
            stories.add(f"derive.{column.name}", column.trail)
    for leaf in leaves:
        if leaf.trail is not None:
            stories.add(leaf.slot, leaf.trail)
    for row, own, told in zip(rows.to_dicts(), cells, stories.of(rows, cells), strict=True):
        at = _address(row)
        if only is not None and _whole(at) not in only:
            continue
        made = values[at].pop(0) if values[at] else None
        # what is told of items is told of their row
        found = findings.get(_whole(at), [])
        outcome, why = _outcome(of_rows.get(_whole(at)), found, row, plan, job.path)
        yield at, RowShown(
            place(name, at[1], at[2]) + _item(at, plan), at[1], numbers.get(at), outcome,
            why, {key: plain(value, None) for key, value in own.items()}, _paths(plan),
            tuple(_fields(plan, row, told, made, _of_item(found, at, plan)))
            if not row[SKIPPED] else (),
            tuple(_sections_off(plan, row)) if not row[SKIPPED] else (),
            tuple(_found(each) for each in found if each["code"] != "H001"),
        )  # fmt: skip


def _paths(plan: Plan) -> dict[str, str]:
    if plan.extract is None:
        return {}
    return {name: path for name in plan.reads if (path := plan.extract.shown(name))}


_ROWS = {
    RowOutcome.ACCEPTED.value: "goes on",
    RowOutcome.OWN_PROBLEM.value: "rejected",
    RowOutcome.HELD.value: "held back",
    RowOutcome.FILTERED.value: "left out",
    RowOutcome.DUPLICATE.value: "passed over",
}


def _outcome(
    of_row: dict[str, Any] | None, found: Sequence[dict[str, Any]], row: dict[str, Any],
    plan: Plan, mapping: Path,
) -> tuple[str, str]:  # fmt: skip
    word = _ROWS.get((of_row or {}).get("outcome", ""), "goes on")
    if row[SKIPPED] and "rows.skip" in plan.clauses:
        clause = plan.clauses["rows.skip"]
        said = " ".join(clause.said.split())
        return word, f'rows.skip "{said}" is true ({mapping.name}:{clause.line})'
    if word == "held back":
        cause = next((each["detail"] for each in found if each["code"] == "H001"), None)
        return word, f"because of {cause}" if cause else "with its order"
    if word == "passed over":
        return word, "it repeats an earlier row"
    return word, ""


def _found(row: dict[str, Any]) -> Found:
    weight = "error" if RULES[row["code"]].severity is Severity.ERROR else "warning"
    return Found(row["code"], weight, sentence(row))


def _not_apart(share: Share, found: _Located) -> pl.DataFrame:
    """Rows whose items are not written as the mapping says; the others of `faulty` are shown as read."""
    if share.plan.pieces is None:
        return share.faulty.clear()
    read = pl.concat(found.faulty).select(ORIGIN)
    return share.faulty.join(read, on=ORIGIN, how="anti", maintain_order="left")


def _unread(
    faulty: pl.DataFrame, findings: pl.DataFrame, plan: Plan, name: str,
    only: Sequence[Address] | None,
) -> Iterator[tuple[Address, RowShown]]:  # fmt: skip
    """The records that could not be read: what is known of them are their findings."""
    # of EDI it may be its message that is not in order
    word = "could not be read" if plan.extract is None else "rejected"
    told = _by_address(findings)
    for row in faulty.to_dicts():
        at = _address(row)
        if only is None or at in only:
            said = tuple(_found(each) for each in told.get(at, []))
            yield at, RowShown(
                place(name, at[1], at[2]), at[1], row["order_number"], word, "",
                findings=said,
            )  # fmt: skip


# -- the values of a row ----------------------------------------------------------------------


def _fields(
    plan: Plan, row: dict[str, Any], told: dict[str, Story], made: dict[str, Any] | None,
    found: Sequence[dict[str, Any]],
) -> Iterator[FieldShown]:  # fmt: skip
    zone = plan.source.timezone
    for column in plan.derived:
        name = f"derive.{column.name}"
        if name in told:
            value = plain(row[column.name], zone)
            codes = _codes(found, "", column.columns) if value is None else ()
            yield FieldShown("derive", column.name, told[name], value, codes, column.line)
    for leaf in plan.fields():
        section = _section(leaf.slot)
        gate = _GATES.get(section) or (
            when_mutation(int(section.rpartition(".")[2])) if section != "order" else ""
        )
        if leaf.slot in told and (not gate or row[gate]):
            yield _field(leaf, section, told[leaf.slot], made, found)


def _field(
    leaf: FieldPlan, section: str, story: Story, made: dict[str, Any] | None,
    found: Sequence[dict[str, Any]],
) -> FieldShown:  # fmt: skip
    value = made[leaf.slot] if made is not None else None
    codes = _codes(found, leaf.target, leaf.columns if value is None else ())
    aggregate = leaf.aggregate.value if leaf.aggregate is not None else ""
    return FieldShown(section, leaf.target, story, value, codes, leaf.line, aggregate)


_GATES = {"lines": WHEN_LINES, "trackings": WHEN_TRACKINGS}


def _section(slot: str) -> str:
    parts = slot.split(".")
    return ".".join(parts[:2]) if parts[0] == "mutations" else parts[0]


def _codes(found: Sequence[dict[str, Any]], target: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The findings about a target, or about a cell that it is made of."""
    mine = (
        each["code"] for each in found
        if each["code"] != "H001"
        and ((target and each["target"] == target) or each["column"] in columns)
    )  # fmt: skip
    return tuple(dict.fromkeys(mine))


def _sections_off(plan: Plan, row: dict[str, Any]) -> Iterator[Off]:
    sections = [("lines", WHEN_LINES, "lines.when")] if plan.lines is not None else []
    if plan.trackings is not None:
        sections.append(("trackings", WHEN_TRACKINGS, "trackings.when"))
    for mutation in plan.mutations:
        word = {"row": "when", "all": "when_all", "any": "when_any"}[mutation.scope.value]
        name = f"mutations.{mutation.index}"
        sections.append((f"{name} ({mutation.type})", when_mutation(mutation.index),
                         f"{name}.{word}"))  # fmt: skip
    for name, gate, clause in sections:
        if not row[gate] and clause in plan.clauses:
            said = plan.clauses[clause]
            word = clause.rpartition(".")[2]
            text = f'{word} "{" ".join(said.said.split())}" is false'
            yield Off(name, text, said.line)
