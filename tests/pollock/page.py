"""The table of polluted files in docs/csv.md, made by reading them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.pollock.kinds import every
from tests.pollock.score import Score, load, means, scored


def own_scores(folder: Path) -> dict[str, tuple[str, Score]]:
    """Score our own files; gives kind and score by name, those beyond the benchmark's kinds marked."""
    made = {}
    for each in every():
        path = folder / each.name
        path.write_bytes(each.text)
        clean = [each.header, *each.truth.values()] if each.header else []
        score = scored(each.name, clean, load(path, each.parameters), each.weight)
        made[each.name] = (f"{each.kind} (beyond)" if each.beyond else each.kind, score)
    return made


def kinds_table() -> str:
    """Give a row per kind of pollution: what became of its files and records, and its score."""
    with TemporaryDirectory() as folder:
        made = own_scores(Path(folder))
    kinds: dict[str, list[Score]] = {}
    for kind, score in made.values():
        kinds.setdefault(kind, []).append(score)
    lines = [
        "| pollution | files | refused | records right | quarantined | wrong | score |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, scores in kinds.items():
        refused = sum(bool(each.refused) for each in scores)
        records = [
            sum(getattr(e, name) for e in scores) for name in ("right", "quarantined", "wrong")
        ]
        cells = (
            kind,
            str(len(scores)),
            str(refused),
            *(f"{n:,}" for n in records),
            f"{sum(means(scores)):.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    benchmark = [score for kind, score in made.values() if not kind.endswith("(beyond)")]
    simple, weighted = sum(means(benchmark)), sum(means(benchmark, weighted=True))
    lines.append("")
    lines.append(
        f"Of the benchmark's kinds together: {simple:.2f} of 10 (simple), {weighted:.2f} (weighted)."
    )
    return "\n".join(lines) + "\n"
