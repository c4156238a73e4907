"""What the tests of a mapping reach: the plan's own expressions, evaluated on the rows of the tests.

Nothing is read from the text of the mapping: the conditions, branches and lookups are those that a
run evaluates, as the compiler noted them (`pipeline.mapping.trail`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import polars as pl

from pipeline.convert import SKIPPED, convert, seen
from pipeline.mapping.compile import Compiled
from pipeline.mapping.plan import FieldPlan, MutationPlan, ObjectPlan, Plan
from pipeline.mapping.trail import Clause, Lookup, Trail
from pipeline.mapping.trials import Trial
from pipeline.model.origin import KEY
from pipeline.model.stops import StopRun
from pipeline.model.tables import WHEN_LINES, WHEN_TRACKINGS, when_mutation
from pipeline.run.spool import Share
from pipeline.run.trial import Plans, TestFile, files_of, rows_of, sent_of

_YES = pl.lit(value=True)
_SKIP = "rows.skip"
_SAID_MAX = 60  # characters of a condition that are quoted


class Part(StrEnum):
    """What of a mapping a test can reach."""

    TARGET = "target"
    SECTION = "section"
    BRANCH = "branch"
    CONDITION = "condition"
    DEFAULT = "default"
    LOOKUP = "lookup key"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that no test reaches.

    `name` says where it stands (`order.channel`), `text` what of it is not reached, `line` the line
    of the mapping. `keys` are those of a lookup table.
    """

    part: Part
    name: str
    text: str
    line: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a mapping its tests reach, by part: reached and all; and every gap, by line."""

    counts: Mapping[Part, tuple[int, int]]
    gaps: tuple[Gap, ...]
    unread: tuple[str, ...] = ()  # names of tests whose rows could not be read at all


@dataclass(slots=True)
class _Counted:
    """What there is to reach, and what was reached so far; the gap of each is by its place.

    `texts` are those that came to each lookup table.
    """

    gaps: dict[tuple[str, ...], Gap] = field(default_factory=dict)
    reached: set[tuple[str, ...]] = field(default_factory=set)
    texts: dict[str, set[str]] = field(default_factory=dict)

    def note(self, gap: Gap, *, reached: bool) -> None:
        at = (gap.part.value, gap.name, str(gap.line), gap.text)
        self.gaps.setdefault(at, gap)
        if reached:
            self.reached.add(at)


@dataclass(frozen=True, slots=True)
class _Probe:
    """An expression that is true for a row that reaches a part."""

    gap: Gap
    hit: pl.Expr


@dataclass(frozen=True, slots=True)
class _Used:
    """A use of a lookup table, and the rows that come to it."""

    lookup: Lookup
    gate: pl.Expr


def covered(path: Path, compiled: Compiled) -> Coverage:
    """What the tests of a mapping reach, payloads included.

    Rows of orders that are held count for conditions, branches and lookups, and not for targets and
    sections: what was not sent was not tested.
    """
    return _of_tests(path, compiled, payloads=True)


def unreached(path: Path, compiled: Compiled) -> tuple[Gap, ...]:
    """The branches and conditions that no test reaches; quicker, for no payload is made."""
    found = _of_tests(path, compiled, payloads=False).gaps
    return tuple(gap for gap in found if gap.part in {Part.BRANCH, Part.CONDITION})


def _of_tests(path: Path, compiled: Compiled, *, payloads: bool) -> Coverage:
    counted = _Counted()
    unread = []
    plans: Plans = {}
    # so that also what no test comes near is known
    every = compiled.plans or (compiled.plan,)
    for plan in every:
        _reach(plan, None, counted)
        if payloads:
            _send(plan, None, counted)
    for trial in compiled.trials:
        try:
            for shares in rows_of(path, compiled, trial, plans):
                for share in shares:
                    _reach(share.plan, share, counted)
                if payloads and not all(share.plan.is_reference for share in shares):
                    _told(shares, trial, files_of(path, compiled, trial), counted)
        except StopRun:
            unread.append(trial.name)
    tables = {name: each for plan in every for name, each in _tables(plan).items()}
    return _summed(counted, tables, unread)


def _summed(counted: _Counted, tables: Mapping[str, Lookup], unread: Sequence[str]) -> Coverage:
    gaps = [gap for at, gap in counted.gaps.items() if at not in counted.reached]
    missed = {name: _missed(each, counted.texts.get(name, set())) for name, each in tables.items()}
    for name, keys in missed.items():
        if keys:
            text = f"{len(keys):,} of {len(tables[name].rows):,} keys never looked up"
            gaps.append(Gap(Part.LOOKUP, f"lookups.{name}", text, tables[name].line, keys))
    every = Counter(gap.part for gap in counted.gaps.values())
    done = Counter(gap.part for at, gap in counted.gaps.items() if at in counted.reached)
    every[Part.LOOKUP] = sum(len(each.rows) for each in tables.values())
    done[Part.LOOKUP] = every[Part.LOOKUP] - sum(map(len, missed.values()))
    return Coverage(
        {part: (done[part], every[part]) for part in Part if every[part]},
        tuple(sorted(gaps, key=lambda gap: (gap.line, gap.name))),
        tuple(unread),
    )


# -- rows: conditions, branches, defaults, lookups ---------------------------------------------


def _reach(plan: Plan, share: Share | None, counted: _Counted) -> None:
    """Evaluate what the rows of a test come to; without rows, nothing is reached."""
    probes, used = _of_plan(plan)
    if share is None:
        for probe in probes:
            counted.note(probe.gap, reached=False)
        return
    rows = seen(share.raw, plan)
    if not rows.height:
        return
    taken = rows.filter(~pl.col(SKIPPED))
    if _SKIP in plan.clauses:
        _skipping(plan, rows, counted)
    if not taken.height:
        return
    hits = [probe.hit.fill_null(value=False).any() for probe in probes]
    found = taken.select(hit.alias(str(i)) for i, hit in enumerate(hits)).row(0) if hits else ()
    for probe, reached in zip(probes, found, strict=True):
        counted.note(probe.gap, reached=reached)
    for each in used:
        texts = taken.select(pl.when(each.gate).then(each.lookup.text).alias("text"))
        counted.texts.setdefault(each.lookup.table, set()).update(
            texts.get_column("text").drop_nulls().unique().to_list()
        )


def _skipping(plan: Plan, rows: pl.DataFrame, counted: _Counted) -> None:
    clause, skipped = plan.clauses[_SKIP], rows.get_column(SKIPPED)
    for gap, reached in zip(
        _either(f"{_in_source(plan)}rows", clause, "skip"),
        (bool(skipped.any()), not skipped.all()),
        strict=True,
    ):
        counted.note(gap, reached=reached)


def _in_source(plan: Plan) -> str:
    """What stands before the sections that each source has of its own."""
    return f"sources.{plan.part}." if plan.part else ""


def _of_plan(plan: Plan) -> tuple[list[_Probe], list[_Used]]:
    """Everything that a row can reach in the expressions of a plan."""
    probes: list[_Probe] = []
    used: list[_Used] = []
    never = pl.lit(value=False)
    for at, clause in plan.clauses.items():
        name, _, word = at.rpartition(".")
        name = f"{_in_source(plan)}rows" if at == _SKIP else name
        gaps = _either(name, clause, word)
        tests = (never, never) if at == _SKIP else (clause.test, ~clause.test)
        probes += [_Probe(gap, test) for gap, test in zip(gaps, tests, strict=True)]
    for column in plan.derived:
        if column.trail is not None:
            called = plan.called(column)
            name = f"sources.{called}" if called else f"{_in_source(plan)}derive.{column.name}"
            _walk(name, column.trail, _YES, probes, used)
    gates = _gates(plan)
    for leaf in plan.fields():
        if leaf.trail is not None:
            gate = pl.col(gates[leaf.slot]) if leaf.slot in gates else _YES
            _walk(leaf.slot, leaf.trail, gate, probes, used)
    return probes, used


def _walk(
    name: str, trail: Trail, gate: pl.Expr, probes: list[_Probe], used: list[_Used],
    outer: str = "",
) -> None:  # fmt: skip
    """Follow a way in the order in which a run takes it; `gate` is true for rows that come here.

    `outer` numbers the case that the way is in: `2.`.
    """
    if trail.clause is not None:
        tests = (gate & trail.clause.test, gate & ~trail.clause.test)
        probes += [
            _Probe(gap, test) for gap, test in zip(_either(name, trail.clause), tests, strict=True)
        ]
        gate = gate & trail.clause.test
    free = gate
    for number, branch in enumerate(trail.branches, 1):
        test = branch.clause.test if branch.clause is not None else _YES
        if trail.origin == "cases":
            taken = here = free & test
            said = f"({_quoted(branch.clause)})" if branch.clause is not None else "(otherwise)"
            text = f"case {outer}{number} {said} is never taken"
            free = free & ~test
        else:
            here, taken = free, free & branch.there
            text = f"number {outer}{number} of first_of is never taken"
            free = free & ~branch.there
        probes.append(_Probe(Gap(Part.BRANCH, name, text, branch.line), taken))
        _walk(name, branch.trail, here, probes, used, f"{outer}{number}.")
    if trail.lookup is not None:
        used.append(_Used(trail.lookup, gate))
    if trail.filled is not None:
        text = f'the default "{trail.default}" is never needed'
        probes.append(_Probe(Gap(Part.DEFAULT, name, text, trail.line), gate & trail.filled))


def _either(name: str, clause: Clause, word: str = "when") -> tuple[Gap, Gap]:
    """That a condition is never true, and that it is never false."""
    said = f"{word} {_quoted(clause)}"
    return (
        Gap(Part.CONDITION, name, f"{said} is never true", clause.line),
        Gap(Part.CONDITION, name, f"{said} is never false", clause.line),
    )


def _quoted(clause: Clause) -> str:
    said = " ".join(clause.said.split())
    return f'"{said if len(said) <= _SAID_MAX else said[: _SAID_MAX - 1] + "…"}"'


def _gates(plan: Plan) -> dict[str, str]:
    """Slot → the Boolean column of `seen` that says whether the row takes part in its section."""
    gates: dict[str, str] = {}
    for name, parts in _sections(plan).items():
        gates |= {leaf.slot: name for part in parts for leaf in part.leaves()}
    return gates


def _sections(plan: Plan) -> dict[str, list[ObjectPlan]]:
    """The objects of each section but the order's own, by its Boolean column."""
    found: dict[str, list[ObjectPlan]] = {}
    if plan.lines is not None:
        found[WHEN_LINES] = [plan.lines.item]
    if plan.trackings is not None:
        parts = (plan.trackings.tracking, plan.trackings.articles, plan.trackings.checkpoints)
        found[WHEN_TRACKINGS] = [part for part in parts if part is not None]
    for mutation in plan.mutations:
        found[when_mutation(mutation.index)] = [mutation.body]
    return found


def _tables(plan: Plan) -> dict[str, Lookup]:
    """The tables that values use, by name."""
    return {each.lookup.table: each.lookup for each in _of_plan(plan)[1]}


def _missed(lookup: Lookup, texts: set[str]) -> tuple[str, ...]:
    """The keys of a table that no text is; of patterns, those that match none."""
    if not lookup.patterns:
        return tuple(key for key in lookup.rows if key not in texts)
    found = pl.Series(sorted(texts), dtype=pl.String)
    return tuple(
        pattern for pattern in lookup.rows if not found.str.contains(f"^(?:{pattern})$").any()
    )


# -- payloads: targets, sections ---------------------------------------------------------------


def _told(
    shares: Sequence[Share], trial: Trial, files: Sequence[TestFile], counted: _Counted
) -> None:
    """Note the fields that have a value in a payload of a test, and the sections that are in one."""
    made = sent_of(shares, [file.name for file in files], trial.existing)
    sent = made.ready.filter(pl.col("body").is_not_null())
    keys = made.grouped.orders.filter(
        pl.col("order_number").is_in(sent.get_column("order_number").implode())
    ).get_column(KEY)  # fmt: skip
    lined = made.grouped.orders.filter(
        pl.col("order_number").is_in(
            sent.filter(pl.col("body").cast(pl.String).str.contains('"articles_order":', literal=True))
            .get_column("order_number").implode()
        )
    ).get_column(KEY)  # fmt: skip
    for share in shares:
        table = convert(share.raw, share.plan).table.rows
        _send(share.plan, _Sent(table.filter(pl.col(KEY).is_in(keys.implode())),
                                table.filter(pl.col(KEY).is_in(lined.implode()))), counted)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sent:
    """The converted rows of the orders that are sent, and of those that are sent with lines."""

    rows: pl.DataFrame
    lined: pl.DataFrame


def _send(plan: Plan, sent: _Sent | None, counted: _Counted) -> None:
    for name, line, gate in _named_sections(plan):
        rows = None if sent is None else sent.lined if gate == WHEN_LINES else sent.rows
        reached = rows is not None and bool(rows.get_column(gate).any())
        counted.note(Gap(Part.SECTION, name, "is in no payload", line), reached=reached)
    for leaf in plan.fields():
        if plan.belongs is not None and leaf.target == "order_number":
            continue  # it is made by another source
        rows = None if sent is None else sent.rows
        if sent is not None and leaf.slot.startswith("lines."):
            rows = sent.lined
        reached = rows is not None and bool(rows.get_column(leaf.slot).is_not_null().any())
        counted.note(_target(leaf), reached=reached)


def _target(leaf: FieldPlan) -> Gap:
    return Gap(Part.TARGET, leaf.slot, "never has a value", leaf.line)


def _named_sections(plan: Plan) -> Iterator[tuple[str, int, str]]:
    """The name, the line and the Boolean column of each section."""
    if plan.lines is not None:
        yield "lines", plan.lines.item.line, WHEN_LINES
    if plan.trackings is not None:
        yield "trackings", plan.trackings.line, WHEN_TRACKINGS
    for mutation in plan.mutations:
        yield _called(mutation), mutation.line, when_mutation(mutation.index)


def _called(mutation: MutationPlan) -> str:
    return f"mutations.{mutation.index} ({mutation.type})"
