"""How a VALUE comes about: the stages between cell and value, noted while it is compiled.

A run evaluates nothing of this: its expressions are descriptions that cost nothing until somebody
selects them. `mapping show` does, for a row, and `mapping test --coverage` for the rows of tests; so
both tell of the very expressions that a run evaluates.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A condition: as it is written, as an expression (null is false), the columns it names."""

    said: str
    test: pl.Expr
    names: tuple[str, ...] = ()
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is done to a value, in the words of the mapping, and the value after it."""

    word: str
    value: pl.Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A table, the text that is looked up in it, and its rows; patterns match whole texts."""

    table: str
    text: pl.Expr
    rows: Mapping[str, str] = dataclasses.field(default_factory=dict)
    patterns: bool = False
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One of `cases` or of `first_of`.

    `clause` is None where there is no condition; `there` says whether it has a value or a fault.
    """

    clause: Clause | None
    trail: "Trail"
    there: pl.Expr
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The way of one VALUE: what it is picked from, then its stages in order.

    `origin` is the key that says where it comes from (`from`, `value`, `template`, `sql`, `cases`,
    `first_of`), `said` what stands there, `names` the columns it names. `picked` is what is picked.
    `default` is the text that takes the place of nothing, and `filled` whether it did.
    """

    origin: str
    said: str
    picked: pl.Expr
    names: tuple[str, ...] = ()
    branches: tuple[Branch, ...] = ()
    stages: tuple[Stage, ...] = ()
    lookup: Lookup | None = None
    default: str | None = None
    filled: pl.Expr | None = None
    clause: Clause | None = None
    line: int = 1

    def then(self, *stages: Stage) -> "Trail":
        """The way with more stages at its end."""
        return replace(self, stages=(*self.stages, *stages))
