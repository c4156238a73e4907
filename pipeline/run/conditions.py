"""Conditions of a mapping that are true for no row of a file: what hangs on them is never made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.convert import SKIPPED
from pipeline.mapping.plan import Plan
from pipeline.mapping.trail import Clause, Trail


@dataclass(frozen=True, slots=True)
class Never:
    """A condition that no row meets, of `rows`; `name` says where it stands, `word` is its key."""

    name: str
    word: str
    clause: Clause
    rows: int


def never_true(rows: pl.DataFrame, plan: Plan) -> list[Never]:
    """The conditions of sections, mutations, values and cases that none of the rows meets.

    `rows` are as `seen` gives them; those that are skipped count for `rows.skip` alone.
    """
    taken = rows.filter(~pl.col(SKIPPED))
    found = []
    for name, word, clause in _conditions(plan):
        if name == "rows" and word == "skip":
            met, count = bool(rows.get_column(SKIPPED).any()), rows.height
        else:
            met, count = bool(taken.select(clause.test.any()).item()), taken.height
        if not met and count:
            found.append(Never(name, word, clause, count))
    return found


def _conditions(plan: Plan) -> Iterator[tuple[str, str, Clause]]:
    told = set()
    for each in _all(plan):
        at = (each[1], each[2].said, each[2].line)
        if at not in told:
            told.add(at)
            yield each


def _all(plan: Plan) -> Iterator[tuple[str, str, Clause]]:
    for at, clause in plan.clauses.items():
        name, _, word = at.rpartition(".")
        yield name, word, clause
    for column in plan.derived:
        if column.trail is not None:
            yield from _of_trail(f"derive.{column.name}", [column.trail])
    for leaf in plan.fields():
        if leaf.trail is not None:
            yield from _of_trail(leaf.slot, [leaf.trail])


def _of_trail(name: str, trails: Sequence[Trail]) -> Iterator[tuple[str, str, Clause]]:
    for trail in trails:
        if trail.clause is not None:
            yield name, "when", trail.clause
        for number, branch in enumerate(trail.branches, 1):
            if branch.clause is not None:
                yield f"case {number} of {name}", "when", branch.clause
            yield from _of_trail(name, [branch.trail])
