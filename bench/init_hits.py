"""How many of the true targets `mapping init` finds: the truth is the mapping beside each sample.

A target is found where the proposal writes it from a column that the mapping has it from, hinted at
where that is a comment, missed otherwise. It is wrong where the proposal writes it from another column,
or writes something of a column that the mapping has for something else.

    python bench/init_hits.py [-v] [--write] [SAMPLE…]

`--write` puts the table into docs/init.md.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from pipeline.mapping.plan import FieldPlan, ListPlan, Member, Plan  # noqa: E402
from pipeline.model.stops import StopRun  # noqa: E402
from pipeline.read import read_header  # noqa: E402
from pipeline.run.drafting import draft  # noqa: E402
from pipeline.run.source import as_read, read_mapping  # noqa: E402

SAMPLES = ROOT / "samples"
PAGE = ROOT / "docs" / "init.md"
NIGHTLY = {
    "orders.yaml": "auftraege_2026-11-20.csv",
    "shipments.yaml": "sendungen_2026-11-20.csv",
}
_FREE = (
    "tags",
    "additional_attributes",
    "payments",
    "additional_recipients",
    "bundle",
    "checkpoints",
    "flags",
    "additional_fields",
)


@dataclass(frozen=True, slots=True)
class Hits:
    """The targets of one export, by what became of them."""

    name: str
    found: tuple[str, ...]
    hinted: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    refused: str = ""

    @property
    def targets(self) -> int:
        """How many the mapping has."""
        return len(self.found) + len(self.hinted) + len(self.missed)


def exports(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The mappings and inputs of the samples and, written into a folder, the rows in the library's tests.

    Of files that no run can read there is no truth.
    """
    for mapping in sorted((ROOT / "mappings").glob("*.yaml")):
        compiled = read_mapping(mapping)[0]
        rows = max((each.rows for each in compiled.trials if each.rows), key=len, default=None)
        if rows is not None and compiled.plan.extract is None:
            file = folder / f"{mapping.stem}.csv"
            file.write_bytes(rows.encode(compiled.plan.source.encoding))
            yield mapping, file
    for sample in sorted(SAMPLES.glob("*/")):
        if (sample / "input.csv").is_file():
            yield sample / "mapping.yaml", sample / "input.csv"
    for name, export in NIGHTLY.items():
        yield SAMPLES / "nightly" / name, SAMPLES / "nightly" / export


def hits(mapping: Path, file: Path) -> Hits:
    """Hold the proposal for a file against its mapping."""
    name = (
        mapping.parent.name
        if mapping.name == "mapping.yaml"
        else f"{mapping.parent.name}/{mapping.stem}"
    )
    plan = _plan(mapping, file)
    numbered = {each: f"column_{n}" for n, each in enumerate(plan.source.names, 1)}
    true = {
        slot: tuple(numbered.get(each, each) for each in columns)
        for slot, columns in _targets(plan).items()
    }
    try:
        (made, *_) = draft([(file, file.name)], timezone=plan.source.timezone or "Europe/Berlin")
    except StopRun as refused:
        return Hits(name, (), (), tuple(true), (), refused.message)
    key = tuple(numbered.get(each, each) for each in plan.key_columns)
    found = {slot for slot, columns in true.items() if _shares(columns, made.hits.get(slot), key)}
    hinted = {
        slot for slot, columns in true.items() if _shares(columns, made.suggested.get(slot), key)
    } - found
    elsewhere = {each for columns in true.values() for each in columns}
    wrong = [
        slot for slot, columns in made.hits.items()
        if columns and slot not in found and (slot in true or ((set(columns) - set(key)) & elsewhere and not _kin(slot, columns, true)))
    ]  # fmt: skip
    missed = [slot for slot in true if slot not in found and slot not in hinted]
    return Hits(name, tuple(sorted(found)), tuple(sorted(hinted)), tuple(missed), tuple(wrong))


def _shares(true: Sequence[str], made: Sequence[str] | None, key: Sequence[str]) -> bool:
    """Whether two values are made of the same column, the order number aside where there is more."""
    if made is None:
        return False
    own = set(true) - set(key) or set(true)
    return bool(own & set(made))


def _kin(slot: str, columns: Sequence[str], true: dict[str, tuple[str, ...]]) -> bool:
    """Whether the mapping has a column for the same thing elsewhere: a town of the bill and of the parcel."""
    last = _thing(slot)
    return any(
        _thing(other) == last and set(columns) & set(listed) for other, listed in true.items()
    )


def _thing(slot: str) -> str:
    name = slot.rpartition(".")[2]
    return {
        "destination_country_iso3": "country_iso3", "recipient_postal_code": "postal_code", "recipient_name": "last_name",
        "first_name": "last_name", "shipping_weight_total": "weight", "shipping_weight_unit": "weight_unit",
        "company_name": "last_name",
    }.get(name, name)  # fmt: skip


def _plan(mapping: Path, file: Path) -> Plan:
    source = read_mapping(mapping)[0].plan.source
    with as_read(file, source) as (path, name, form):
        header = read_header(path, form, name=name)
    return read_mapping(mapping, header)[0].plan


def _targets(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The targets of a mapping that come from columns, by their slot."""
    members: list[tuple[str, Member]] = [("order", each) for each in plan.order.members]
    if plan.lines is not None:
        members += [("lines", each) for each in plan.lines.item.members]
    if plan.trackings is not None:
        members += [("trackings", each) for each in plan.trackings.tracking.members]
        if plan.trackings.articles is not None:
            members += [("trackings.articles", each) for each in plan.trackings.articles.members]
    return dict(_leaves(members))


def _leaves(members: Sequence[tuple[str, Member]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for section, member in members:
        if isinstance(member, ListPlan) or member.name in _FREE:
            continue
        if isinstance(member, FieldPlan):
            if member.columns:
                yield f"{section}.{member.name}", member.columns
        else:
            yield from _leaves([(f"{section}.{member.name}", each) for each in member.members])


def table(listed: Sequence[Hits]) -> str:
    """The figures as a table of Markdown: exports of which something was not found, and all together."""
    rows = [
        "| export | targets | found | as a comment | missed | wrong |",
        "|---|---|---|---|---|---|",
    ]
    whole = [each for each in listed if not (each.hinted or each.missed or each.wrong)]
    rows += [_row(f"`{each.name}`", [each]) for each in listed if each not in whole]
    if whole:
        rows.append(_row(f"{len(whole)} others, found whole", whole))
    rows.append(_row(f"**all {len(listed)}**", listed))
    return "\n".join(rows)


def _row(name: str, listed: Sequence[Hits]) -> str:
    kinds = ("found", "hinted", "missed", "wrong")
    numbers = [
        sum(each.targets for each in listed),
        *(sum(len(getattr(each, kind)) for each in listed) for kind in kinds),
    ]
    return f"| {name} | " + " | ".join(map(str, numbers)) + " |"


def filled(page: str, listed: Sequence[Hits]) -> str:
    """The page with the table between its marks."""
    before, begin, rest = page.partition("<!-- table: hits -->\n")
    _, end, after = rest.partition("<!-- end -->")
    return f"{before}{begin}\n{table(listed)}\n\n{end}{after}"


def all_hits(wanted: Sequence[str] = ()) -> list[Hits]:
    """The figures of all exports, or of those whose path has one of some texts."""
    with TemporaryDirectory() as folder:
        return [
            hits(mapping, file) for mapping, file in exports(Path(folder))
            if not wanted or any(each in str(mapping) for each in wanted)
        ]  # fmt: skip


def main() -> int:
    """Print the table, with `-v` the names of what was not found."""
    wanted = [each for each in sys.argv[1:] if not each.startswith("-")]
    listed = all_hits(wanted)
    if "--write" in sys.argv:
        PAGE.write_text(filled(PAGE.read_text("utf-8"), listed), "utf-8")
    if "-v" in sys.argv:
        for each in listed:
            for kind in ("hinted", "missed", "wrong"):
                if getattr(each, kind):
                    print(f"{each.name}: {kind}: {', '.join(getattr(each, kind))}")
            if each.refused:
                print(f"{each.name}: {each.refused}")
    print(table(listed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
