"""The sections of a proposed mapping: which column becomes which field, and what stays a comment.

A target is taken where its column's name says so and its values do not speak against it. With several
columns that are equally good, or with doubt, it is a comment with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.model.field import Kind
from pipeline.run.drafting import values
from pipeline.run.drafting.facts import OWN, Claim, Facts
from pipeline.run.drafting.flow import bare
from pipeline.run.drafting.grain import Grain
from pipeline.run.drafting.private import Private
from pipeline.run.drafting.values import Tables, Value
from pipeline.run.sheet import Line

_SAID_LITTLE = "its name says little"


@dataclass
class Draft:
    """A mapping in the making; `hits` are its targets with the columns of each, for the page of hits."""

    facts: Facts
    tables: Tables = field(default_factory=Tables)
    hits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    suggested: dict[str, tuple[str, ...]] = field(default_factory=dict)
    derived: list[Line] = field(default_factory=list)
    usual: str | None = None
    creates: bool = False
    grain: Grain = Grain.ORDER
    tested: set[str] = field(default_factory=set)  # orders that are tests

    @cached_property
    def private(self) -> Private:
        """What of the file may be a person's."""
        return Private.of(self.facts.sample.rows, self.facts.looks)

    def put(
        self,
        section: str,
        indent: str,
        name: str,
        made: Value,
        remark: str = "",
        *,
        active: bool = True,
    ) -> Line:
        """Write a target; a comment where its value is in doubt."""
        active = active and not made.doubt
        told = "; ".join(filter(None, (made.doubt, remark or made.remark)))
        target = f"{section}.{name}"
        if active:
            self.facts.used.update(made.columns)
            self.hits.setdefault(target, made.columns)
        else:
            self.facts.told.update(made.columns)
            self.suggested.setdefault(target, made.columns)
        return Line(f"{indent}{name}: {made.text}", told, active=active)

    def one(self, claims: Sequence[Claim]) -> tuple[Claim | None, str]:
        """The best column, and why it is in doubt where others are as good."""
        if not claims:
            return None, ""
        best = claims[0]
        if best.doubt:
            return best, best.doubt
        if best.meaning.strength == 1:
            return best, _SAID_LITTLE
        rivals = [
            each for each in claims[1:]
            if not each.doubt and (each.meaning.role, each.meaning.strength) == (best.meaning.role, best.meaning.strength)
            and self.facts.looks[each.column].filled and not self._same(best.column, each.column)
        ]  # fmt: skip
        if rivals:
            listed = ", ".join(bare(each.column) for each in (best, *rivals))
            return best, f"{len(rivals) + 1} candidates: {listed}"
        return best, ""

    def _same(self, one: str, other: str) -> bool:
        rows = self.facts.sample.rows
        return bool((rows[one] == rows[other]).all())

    def simple(
        self,
        section: str,
        indent: str,
        name: str,
        concept: str,
        roles: Sequence[str] = OWN,
        *,
        why: str = "",
        settled: bool = False,
        weakest: int = 2,
    ) -> list[Line]:
        """A target that is a column as it is."""
        claim, doubt = self.one(self.facts.claims(concept, roles, weakest=weakest))
        if claim is None or claim.column == self.facts.key:
            return []
        doubt = doubt or why
        if settled and not doubt and not self.facts.agrees(claim.column):
            doubt = self.facts.disagreement(claim.column)
        return [
            self.put(
                section,
                indent,
                name,
                Value(
                    values.cell(self.facts, claim.column),
                    (claim.column,),
                    self.facts.filled(claim.column),
                    doubt,
                ),
            )
        ]

    def number(
        self,
        section: str,
        indent: str,
        name: str,
        concept: str,
        roles: Sequence[str],
        *,
        settled: bool = False,
        weakest: int = 2,
        doubt: str = "",
    ) -> list[Line]:
        """A target that is an amount."""
        claim, unsure = self.one(self.facts.claims(concept, roles, weakest=weakest))
        if claim is None or claim.column == self.facts.key:
            return []
        unsure = unsure or doubt
        if claim.meaning.unit == "cents" and not unsure:
            unsure = "cents, by its name: {sql: … / 100}, docs/cookbook.md"
        if settled and not unsure and not self.facts.agrees(claim.column):
            unsure = f"{self.facts.disagreement(claim.column)}: `aggregate: sum`, or `first`?"
        made = values.amount(self.facts, claim)
        return [
            self.put(
                section,
                indent,
                name,
                Value(made.text, made.columns, made.remark, made.doubt or unsure),
            )
        ]

    def dated(
        self,
        section: str,
        indent: str,
        name: str,
        concept: str,
        roles: Sequence[str],
        kind: Kind,
        *,
        settled: bool = False,
        why: str = "",
    ) -> list[Line]:
        """A target that is a day or a moment."""
        claim, doubt = self.one(self.facts.claims(concept, roles, weakest=1))
        if claim is None:
            return []
        doubt = doubt or why
        made = values.date(self.facts, claim, kind, self.usual)
        if settled and not doubt and not self.facts.agrees(claim.column):
            doubt = f"{self.facts.disagreement(claim.column)}: `aggregate: min` takes the earliest"
        return [
            self.put(
                section,
                indent,
                name,
                Value(made.text, made.columns, made.remark, made.doubt or doubt),
            )
        ]

    def set_aside(self, section: str, lines: Sequence[Line]) -> list[Line]:
        """Make a section a comment as a whole."""
        for target in [each for each in self.hits if each.split(".")[0] == section]:
            columns = self.hits.pop(target)
            self.suggested.setdefault(target, columns)
            kept = {name for each in self.hits.values() for name in each}
            self.facts.used.difference_update(set(columns) - kept)
            self.facts.told.update(columns)
        return [Line(each.text, each.comment, active=False) for each in lines]
