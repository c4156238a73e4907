"""How the values of some rows come about: raw cells, stages, value, payload (`mapping show`).

The rows are read and taken through the stages of a run up to `compare`; beside that, the stages of
each value are evaluated on them (`run/stories.py`). Nothing is sent, and nothing stays on the disk.

    FILE ─find row or order─▶ keys ─spool─▶ rows of these orders ─▶ story of each value
                                                                └▶ findings, outcome, payload
"""

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.convert import SKIPPED, convert, keys, orders_of, seen
from pipeline.group.payload import scalar
from pipeline.mapping.compiler import KEY_JOINT
from pipeline.mapping.plan import FieldPlan, Plan, numbered
from pipeline.model.findings import Findings, sentence
from pipeline.model.origin import COPY_BITS, KEY, ORIGIN, SEGMENTS_MAX, place
from pipeline.model.outcomes import OrderOutcome, RowOutcome
from pipeline.model.rules import RULES, Severity
from pipeline.model.tables import WHEN_LINES, WHEN_TRACKINGS, RawTable, when_mutation
from pipeline.run.folder import RunFolder
from pipeline.run.locating import Address, Located, RowAsked, addresses, order_of, row_of
from pipeline.run.opening import given, opened
from pipeline.run.references import References, joined_at, named_by
from pipeline.run.sample_files import Named
from pipeline.run.source import Job
from pipeline.run.spool import PARTITION_BYTES, Share, Spooled, apart, spool
from pipeline.run.stories import Cell, Stories, Story, plain
from pipeline.run.trial import OF_THE_RUN, grouped_in_part, sent_of

_NAMING_MAX = 5  # rows that name a joined one, which are listed


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of a row: code, `error` or `warning`, and its sentence."""

    code: str
    weight: str
    text: str


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One value of a row.

    `section` is `derive`, `sources`, `order`, `lines`, `trackings` or `mutations.0`; `target` the member
    of the payload, the derived column, or of `sources` the key of the row (`lines.key`) and what is looked
    up in a joined file (`customers.on`). `value` is JSON as the payload has it, of a derived column its
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
    """One row: `outcome` says what became of it, in a word, and `why` in a sentence or "".

    `source` is the source that it is of; "" where the mapping has only one.
    """

    place: str
    source: str
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
    """Rows of files, and what would be sent of their orders, by number.

    `not_named` are sources without a file: what their rows say of the order is not looked at.
    """

    mapping: str
    files: tuple[str, ...]
    rows: tuple[RowShown, ...]
    payloads: dict[str, dict[str, Any]]
    outcomes: dict[str, str]
    not_named: tuple[str, ...] = ()


def show_row(mapping: Path, files: Sequence[Named], asked: RowAsked, *, existing: bool) -> Shown:
    """Show the row that begins on a line, of EDI also by the number of its segment.

    Of several sources the files that are joined to the row must be named, too; others may be.

    Raises:
        NoSuchRow: none does.
        FilesUnclear, FilesMissing: of `sources`, the files that were named do not say enough.
        StopRun: the mapping or a file cannot be used.
    """
    with opened(mapping, files) as every:
        jobs = given(mapping, every, whole=False)
        job, found = row_of(jobs, asked)
        if job.plan.is_reference:
            shown = _of_reference(jobs, job, found, mapping)
        else:
            shown = _shown(jobs, [found], mapping, existing=existing, only=found.addresses,
                           in_part=len(jobs) < len(every))  # fmt: skip
        return replace(shown, not_named=_not_named(every))


def show_order(mapping: Path, files: Sequence[Named], number: str, *, existing: bool) -> Shown:
    """Show all rows of an order.

    Raises:
        NoSuchOrder: the files have none of this number.
        FilesUnclear, FilesMissing: of `sources`, the files that were named do not say enough.
        StopRun: the mapping or a file cannot be used.
    """
    with opened(mapping, files) as every:
        jobs = given(mapping, every, whole=True)
        shown = _shown(jobs, order_of(jobs, number), mapping, existing=existing, only=None)
        return replace(shown, not_named=_not_named(every))


def _not_named(jobs: Sequence[Job]) -> tuple[str, ...]:
    return tuple(job.plan.part for job in jobs if not job.files)


# -- the rows of the orders -------------------------------------------------------------------


def _shown(
    jobs: Sequence[Job], found: Sequence[Located], mapping: Path, *, existing: bool,
    only: Sequence[Address] | None, in_part: bool = False,
) -> Shown:  # fmt: skip
    """Take the orders of the rows through the stages; with `only`, show no other of their rows.

    Where the orders are there `in_part`, nothing is said of what would be sent.
    """
    names = _names(jobs)
    wanted = {key for each in found for key in each.keys}
    rows: list[tuple[Address, RowShown]] = []
    payloads: dict[str, dict[str, Any]] = {}
    outcomes: dict[str, str] = {}
    located = {each.plan.name: each for each in found}
    for shares in _shares(jobs, located, wanted):
        made = (grouped_in_part if in_part else sent_of)(
            shares, names, _numbers(shares, wanted) if existing else ()
        )
        findings = _by_address(made.grouped.findings)
        of_rows = {_address(row): row for row in made.grouped.rows.to_dicts()}
        for share in shares:
            told = _Told(share, names, mapping, of_rows, findings)
            rows += told.rows(only)
            unread = _not_apart(share, located.get(share.plan.name))
            rows += _unread(unread, share.findings.rows, share.plan, names, only)
        for order in made.ready.to_dicts():
            outcomes[order["order_number"]] = _sending(order["outcome"])
            if order["body"] is not None:
                body = json.loads(order["body"])
                payloads[order["order_number"]] = _without_ids(body)
        for held in made.grouped.held.to_dicts() if not in_part else ():
            key = (held[KEY] or "").replace(KEY_JOINT, ", ")
            outcomes[held["order_number"] or key] = "held back"
    for each in found:
        for faulty, told_of in zip(each.faulty, each.findings, strict=True):
            rows += _unread(faulty, told_of, each.plan, names, only)
    rows.sort(key=lambda each: each[0])
    return Shown(str(mapping), tuple(names), tuple(row for _, row in rows), payloads, outcomes)


def _names(jobs: Sequence[Job]) -> list[str]:
    """The names of the files by their ordinals."""
    return [source.name for job in jobs for source, _ in job.files]


def _numbers(shares: Sequence[Share], keys: Collection[str]) -> set[str]:
    """The numbers that the orders of some rows may have; of rows of no order it is their key."""
    every = [orders_of(share.raw, share.plan).get_column("order_number") for share in shares]
    return {number for numbers in every for number in numbers.drop_nulls()} | set(keys)


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


def _shares(
    jobs: Sequence[Job], located: Mapping[str, Located], wanted: Collection[str]
) -> Iterator[list[Share]]:
    """All rows of the orders, from the whole files, as a run brings them together.

    Rows without a key come last: they are of no order.
    """
    if not wanted and not any(frame.height for each in located.values() for frame in each.alone):
        return
    with _spooled(jobs, wanted) as spooled:
        for partition in range(spooled.count):
            shares = [_of_keys(share, wanted) for share in spooled.take(partition)]
            if any(share.raw.rows.height or share.faulty.height for share in shares):
                yield shares
        alone = [
            _alone(located[job.plan.name], spooled.references)
            for job in jobs
            if job.plan.name in located
            and any(each.height for each in located[job.plan.name].alone)
        ]
        if alone:
            yield alone


@contextmanager
def _spooled(jobs: Sequence[Job], only: Collection[str] | None) -> Iterator[Spooled]:
    with tempfile.TemporaryDirectory() as made:
        yield spool(jobs, RunFolder(Path(made)), lambda _rows: None, PARTITION_BYTES, only=only)


def _alone(found: Located, references: References) -> Share:
    raw = references.joined(pl.concat(found.alone), found.plan)
    none = pl.DataFrame(schema={**dict(found.faulty[0].schema)})
    return apart(Share(found.plan, RawTable(raw), none, Findings.none()))


def _of_keys(share: Share, wanted: Collection[str]) -> Share:
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


@dataclass(frozen=True, slots=True)
class _Told:
    """The readable rows of a share, beside what a run would make of them."""

    share: Share
    names: Sequence[str]
    mapping: Path
    of_rows: Mapping[Address, dict[str, Any]]
    findings: Mapping[Address, list[dict[str, Any]]]

    def rows(self, only: Sequence[Address] | None) -> Iterator[tuple[Address, RowShown]]:
        plan = self.share.plan
        values = self._values()
        raw = {_address(row): row for row in self.share.raw.rows.to_dicts()}
        numbers = orders_of(self.share.raw, plan).get_column("order_number")
        number_of = dict(zip(raw, numbers, strict=False))
        rows = seen(self.share.raw, plan)
        cells = [_cells(raw[_address(row)], plan, self.names) for row in rows.to_dicts()]
        stories = _stories(plan)
        for row, own, told in zip(rows.to_dicts(), cells, stories.of(rows, cells), strict=True):
            at = _address(row)
            if only is not None and _whole(at) not in only:
                continue
            made = values[at].pop(0) if values[at] else None
            # what is told of items is told of their row
            found = self.findings.get(_whole(at), [])
            of_row = self.of_rows.get(_whole(at))
            outcome, why = _outcome(of_row, found, row, plan, self.mapping)
            number = number_of.get(at) or (of_row or {}).get("order_number")
            yield at, RowShown(
                place(self.names[at[0]], at[1], at[2]) + _item(at, plan), plan.part, at[1], number,
                outcome, why, {name: cell.text for name, cell in own.items()}, _paths(plan),
                tuple(_fields(plan, row, told, made, _of_item(found, at, plan)))
                if not row[SKIPPED] else (),
                tuple(_sections_off(plan, row)) if not row[SKIPPED] else (),
                tuple(_found(each) for each in found if each["code"] != "H001"),
            )  # fmt: skip

    def _values(self) -> dict[Address, list[dict[str, Any]]]:
        """The members of the payload, as JSON."""
        plan = self.share.plan
        table = convert(self.share.raw, plan).table.rows
        texts = table.select(
            *ORIGIN, *(scalar(pl.col(leaf.slot), leaf.kind, plan.source.timezone).alias(leaf.slot)
                       for leaf in plan.fields())
        )  # fmt: skip
        values: dict[Address, list[dict[str, Any]]] = defaultdict(list)
        for row in texts.to_dicts():
            values[_address(row)].append(row)
        return values


def _stories(plan: Plan) -> Stories:
    stories = Stories(plan)
    for column in plan.derived:
        if column.trail is not None:
            stories.add(f"derive.{column.name}", column.trail)
    for leaf in plan.fields():
        if leaf.trail is not None:
            stories.add(leaf.slot, leaf.trail)
    return stories


def _cells(raw: dict[str, Any], plan: Plan, names: Sequence[str]) -> dict[str, Cell]:
    """The cells that are read of a row, those that are joined with their place."""
    joined = joined_at(raw, plan, names)
    return {
        name: Cell(name, plain(text, None), joined.get(name, ""))
        for name, text in raw.items() if name in plan.reads
    }  # fmt: skip


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


def _not_apart(share: Share, found: Located | None) -> pl.DataFrame:
    """Rows whose items are not written as the mapping says; the others of `faulty` are shown as read."""
    if share.plan.pieces is None or found is None:
        return share.faulty.clear()
    read = pl.concat(found.faulty).select(ORIGIN)
    return share.faulty.join(read, on=ORIGIN, how="anti", maintain_order="left")


def _unread(
    faulty: pl.DataFrame, findings: pl.DataFrame, plan: Plan, names: Sequence[str],
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
                place(names[at[0]], at[1], at[2]), plan.part, at[1], row["order_number"], word, "",
                findings=said,
            )  # fmt: skip


# -- the values of a row ----------------------------------------------------------------------


def _fields(
    plan: Plan, row: dict[str, Any], told: dict[str, Story], made: dict[str, Any] | None,
    found: Sequence[dict[str, Any]],
) -> Iterator[FieldShown]:  # fmt: skip
    zone = plan.source.timezone
    # what only finds a row stands behind what the mapping calls derived
    for column in sorted(plan.derived, key=lambda each: plan.called(each) is not None):
        name = f"derive.{column.name}"
        if name in told:
            value = plain(row[column.name], zone)
            codes = _codes(found, "", column.columns, plan) if value is None else ()
            called = plan.called(column)
            section = "derive" if called is None else "sources"
            yield FieldShown(section, called or column.name, told[name], value, codes, column.line)
    for leaf in plan.fields():
        section = _section(leaf.slot)
        gate = _GATES.get(section) or (
            when_mutation(int(section.rpartition(".")[2])) if section != "order" else ""
        )
        if leaf.slot in told and (not gate or row[gate]):
            yield _field(leaf, section, told[leaf.slot], made, found, plan)


def _field(
    leaf: FieldPlan, section: str, story: Story, made: dict[str, Any] | None,
    found: Sequence[dict[str, Any]], plan: Plan,
) -> FieldShown:  # fmt: skip
    value = made[leaf.slot] if made is not None else None
    codes = _codes(found, leaf.target, leaf.columns if value is None else (), plan)
    aggregate = leaf.aggregate.value if leaf.aggregate is not None else ""
    return FieldShown(section, leaf.target, story, value, codes, leaf.line, aggregate)


_GATES = {"lines": WHEN_LINES, "trackings": WHEN_TRACKINGS}


def _section(slot: str) -> str:
    parts = slot.split(".")
    return ".".join(parts[:2]) if parts[0] == "mutations" else parts[0]


def _codes(
    found: Sequence[dict[str, Any]], target: str, columns: Sequence[str], plan: Plan
) -> tuple[str, ...]:
    """The findings about a target, or about a cell that it is made of or found by."""
    columns = [*columns, *(
        ", ".join(join.on_columns) for join in plan.joins
        if any(join.named(name) in columns for name in join.columns)
    )]  # fmt: skip
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


# -- a row that is joined to others -----------------------------------------------------------

_JOINED = {
    RowOutcome.JOINED.value: "joined to",
    RowOutcome.NOT_NEEDED.value: "not needed",
    **_ROWS,
}  # fmt: skip


def _of_reference(jobs: Sequence[Job], job: Job, found: Located, mapping: Path) -> Shown:
    """Tell of a row of a joined file which rows name it, and what is wrong with its cells."""
    names = _names(jobs)
    (at,) = found.addresses
    naming: dict[str, None] = {}
    told: list[dict[str, Any]] = []
    with _spooled(jobs, None) as spooled:
        for partition in range(spooled.count):
            shares = spooled.take(partition)
            of_keys: set[str] = set()
            for share in shares:
                rows = named_by(share.raw.rows, share.plan, job.plan, at)
                whole = [_whole(each) for each in addresses(rows)]
                naming |= {place(names[file], line, nth): None for file, line, nth in whole}
                of_keys |= set(keys(RawTable(rows), share.plan).drop_nulls())
            if of_keys:
                mine = [_of_keys(share, of_keys) for share in shares]
                told += grouped_in_part(mine, names, ()).grouped.findings.to_dicts()
        accounts, said = spooled.references.accounts()
    told = [each for each in [*said.rows.to_dicts(), *told] if _address(each) == at]
    (of_row,) = (row for row in accounts.to_dicts() if _address(row) == at)
    outcome, why = _of_joined(of_row["outcome"], list(naming), [each.plan for each in jobs])
    raw = pl.concat(found.alone)
    cells = [
        {name: text for name, text in row.items() if name in job.plan.reads}
        for row in raw.to_dicts()
    ]
    row = RowShown(
        place(names[at[0]], at[1], at[2]), job.plan.part, at[1], None, outcome, why,
        cells[0] if cells else {}, fields=tuple(_found_by(raw, job.plan, told)),
        findings=tuple(_found(each) for each in told),
    )  # fmt: skip
    return Shown(str(mapping), tuple(names), (row,), {}, {})


def _of_joined(outcome: str, naming: Sequence[str], plans: Sequence[Plan]) -> tuple[str, str]:
    if outcome == RowOutcome.NOT_NEEDED.value and not any(plan.joins for plan in plans):
        return "not joined", "no file is named whose rows may name it"
    if outcome == RowOutcome.JOINED.value and not naming:
        return _JOINED[outcome], "rows that could not be taken apart"
    more = f" and {len(naming) - _NAMING_MAX:,} more" if len(naming) > _NAMING_MAX else ""
    return _JOINED[outcome], f"{', '.join(naming[:_NAMING_MAX])}{more}" if naming else ""


def _found_by(
    raw: pl.DataFrame, plan: Plan, found: Sequence[dict[str, Any]]
) -> Iterator[FieldShown]:
    """The key by which a row is found."""
    rows = seen(RawTable(raw), plan)
    cells = [_cells(row, plan, ()) for row in raw.to_dicts()]
    for row, told in zip(rows.to_dicts(), _stories(plan).of(rows, cells), strict=True):
        yield from _fields(plan, row, told, None, found)
