"""Files that a run sets aside: they cannot be used, or are not finished; the others go on (FAULTS I4)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.intake import claims, finished_name
from pipeline.mapping.mistakes import MappingRefused
from pipeline.mapping.plan import Mode, Orphans, Plan, Sending
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.model.tables import SourceFile
from pipeline.run.oddity import Oddity

UNUSABLE, UNFINISHED, IMPORTED = "R120", "R121", "R122"


@dataclass(frozen=True, slots=True)
class Aside:
    """A file of which nothing is imported; `says` in words, beside its `code`."""

    source: SourceFile
    original: Path
    code: str
    says: str
    facts: tuple[int, ...] = ()

    @property
    def oddity(self) -> Oddity:
        """What a finding says of it."""
        return Oddity(self.code, self.source.name, self.source.index, self.says)

    def as_fact(self) -> dict[str, Any]:
        """What run.json keeps of it, among the files."""
        return {
            "index": self.source.index, "name": self.source.name, "sha256": "",
            "size_bytes": self.source.size_bytes, "mapping": self.source.mapping, "records": 0,
            "path": str(self.original.absolute()), "snapshot": "", "form": {}, "aside": self.code,
            "stat": list(self.facts),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imported:
    """The files of finished runs, by their hash: the latest run of each, and all mappings that read it.

    With `skip` a file is not read again by the mapping that has read it, as it was then.
    """

    runs: Mapping[str, str] = field(default_factory=dict)
    mappings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    skip: bool = False

    def skips(self, file_sha256: str, mapping_sha256: str) -> bool:
        """Whether a file is not to be read by a mapping."""
        return self.skip and mapping_sha256 in self.mappings.get(file_sha256, ())


@dataclass(slots=True)
class Refusals:
    """What stops single files; with `strict` the first one stops the run."""

    strict: bool
    of_files: dict[Path, StopRun] = field(default_factory=dict)
    skipped: dict[Path, str] = field(
        default_factory=dict
    )  # hashes of files that are not read again

    @contextmanager
    def of(self, original: Path) -> Iterator[None]:
        """Let a file that cannot be used be set aside."""
        try:
            yield
        except StopRun as refused:
            if self.strict or refused.exit_code != SourceUnusable.exit_code:
                raise
            self.of_files.setdefault(original, refused)


def refuse_orders_without_lines(plans: Sequence[tuple[Plan, bool]], aside: Sequence[Aside]) -> None:
    """Stop a run that would make orders whose lines are in a file that is set aside.

    Lines go out when an order is made (`lines.send: on_create`) and never after, so the order would
    stay without them. `plans` are those of the run, each with whether any of its files is read.

    Raises:
        SourceUnusable: the file, and what it has.
    """
    makers = [
        plan.name for plan, reads in plans
        if reads and plan.lines is None and plan.mode is not Mode.UPDATE_ONLY
        and plan.belongs is None and not plan.is_reference
    ]  # fmt: skip
    for each in aside if makers else ():
        if each.code in (UNUSABLE, UNFINISHED) and any(
            _reads(plan, each) and plan.lines is not None and plan.lines.send is Sending.ON_CREATE
            for plan, _ in plans
        ):
            raise SourceUnusable(
                f"{each.source.name} cannot be used now ({each.says}). It has the line items of orders "
                f"that {', '.join(makers)} would make, and lines are not sent after an order is made",
                help="run again when the file is there, or name only the files that do not need it",
            )


def refuse_missing_sources(
    plans: Sequence[tuple[Plan, bool]], aside: Sequence[Aside], *, retry: bool
) -> None:
    """Stop where a source of a mapping has no file, and the rows of the others mean nothing without it.

    All lines would be rows of no order, or all orders without lines: one sentence says it, not as many
    findings as there are rows. `plans` as in `refuse_orders_without_lines`. Of a `retry` only what is
    joined must be there: some of the rows of a night are all of their order.

    Raises:
        SourceUnusable: the source, and what lies there unused.
    """
    for plan, why in sources_missing(plans, joined=retry):
        raise _missing(plan, aside, why)


def sources_missing(plans: Sequence[tuple[Plan, bool]], *, joined: bool) -> list[tuple[Plan, str]]:
    """The sources that have no file, though the rows of the others mean nothing without it, and why.

    With `joined` only those whose columns are joined to rows. `plans` as above.
    """
    there = {plan.name for plan, reads in plans if reads}
    known = {plan.name: plan for plan, _ in plans}
    missing: dict[str, str] = {}
    for plan, reads in plans:
        for join in plan.joins if reads else ():
            if join.reference not in there:
                why = f"its columns are joined to the rows of {plan.part}"
                missing.setdefault(join.reference, why)
        belongs = plan.belongs
        if belongs is None or joined:
            continue
        if reads and belongs.to not in there and belongs.orphans is Orphans.REJECT:
            missing.setdefault(belongs.to, f"all rows of {plan.part} would be of no order")
        if not reads and belongs.to in there and belongs.required:
            why = (
                "each order needs a row of it, and lines are not sent after an order was made"
                if plan.lines is not None
                else "each order needs a row of it (`required`)"
            )
            missing.setdefault(plan.name, why)
    return [(known[name], why) for name, why in missing.items()]


def _missing(plan: Plan, aside: Sequence[Aside], why: str) -> SourceUnusable:
    there = [each for each in aside if each.code != IMPORTED and _reads(plan, each)]
    said = f" ({there[0].source.name} {there[0].says.partition('; ')[0]})" if there else ""
    pattern = f", {plan.source.files}," if plan.source.files else ""
    return SourceUnusable(
        f"no file of the source {plan.name}{pattern} can be read{said}, and {why}",
        help="run again when the file is there; if it has another name, correct `files` in the mapping",
    )


def _reads(plan: Plan, aside: Aside) -> bool:
    if aside.source.mapping:
        return aside.source.mapping == plan.name
    return plan.source.files is not None and claims(
        plan.source.files, finished_name(aside.original)
    )


def is_of(plan: Plan, aside: Aside) -> bool:
    """Tell whether a file that is set aside is one that a mapping reads, as far as is known."""
    anything = not aside.source.mapping and plan.source.files is None
    return anything or _reads(plan, aside)


def words_of(refused: StopRun, name: str, *names: str) -> str:
    """Say why a file cannot be used, without any of its names, with all that helps.

    >>> words_of(SourceUnusable("a.csv is empty", help="ask again"), "a.csv")
    'is empty; ask again'
    """
    words = refused.message
    for known in (refused.place or name, name, *names):
        words = words.removeprefix(f"{known}: ").removeprefix(f"{known} ")
    _, _, line = (refused.place or "").rpartition(":")
    if isinstance(refused, MappingRefused):
        told = (
            f"{each.message} ({each.help})" if each.help else each.message
            for each in refused.mistakes
        )
        words = f"{words}: {'; '.join(told)}"
    elif line.isdecimal():
        words = f"line {line}: {words}"
    code = f" [{refused.code}]" if refused.code else ""
    return f"{words}{code}; {refused.help}" if refused.help else f"{words}{code}"


def size_of(file: Path) -> int:
    """The size of a file; 0 where it cannot be told."""
    try:
        return file.stat().st_size
    except OSError:
        return 0
