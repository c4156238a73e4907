"""How well messy files are read, by the measures of the Pollock benchmark.

    python bench/pollock.py              # our own polluted files (tests/pollock/kinds.py)
    python bench/pollock.py FOLDER       # the benchmark's: a folder with csv/, clean/ and parameters/

Gerardo Vitagliano, Mazhar Hameed, Lan Jiang, Lucas Reisener, Eugene Wu and Felix Naumann: "Pollock: A
Data Loading Benchmark", PVLDB 16(8): 1870-1882, 2023. Its files are at
github.com/HPI-Information-Systems/Pollock, in `polluted_files` (Git LFS) and `survey_sample`. Weights are taken
from a `pollock_weights.json` in the folder or beside it; without one only the simple score is given.

Each file is read with the dialect that its parameters declare, as a mapping would declare it. What is
quarantined is counted by itself: it is not loaded, and nobody is told a wrong thing.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.pollock.page import own_scores
from tests.pollock.score import MEASURES, Score, load, means, scored

SHOWN = 12


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--files", action="store_true", help="print the score of each file")
    asked = parser.parse_args()
    if asked.folder is None:
        groups = own()
        weighted = True
    else:
        weights = _weights(asked.folder)
        groups = {"all files": list(benchmark(asked.folder, weights))}
        weighted = bool(weights)
    _print(groups, weighted=weighted, each=asked.files)


def own() -> dict[str, list[Score]]:
    """Score our own files, those of the benchmark's kinds apart from the others."""
    groups: dict[str, list[Score]] = {"the benchmark's kinds": [], "beyond them": []}
    with TemporaryDirectory() as folder:
        for kind, score in own_scores(Path(folder)).values():
            groups["beyond them" if kind.endswith("(beyond)") else "the benchmark's kinds"].append(
                score
            )
    return groups


def benchmark(folder: Path, weights: dict[str, float]) -> Iterator[Score]:
    """Score the benchmark's files."""
    files = sorted((folder / "csv").glob("*.csv"))
    if not files:
        sys.exit(f"{folder / 'csv'} has no .csv files; after a git clone, run `git lfs pull`")
    for path in files:
        parameters = json.loads(
            (folder / "parameters" / f"{path.name}_parameters.json").read_text()
        )
        with (folder / "clean" / path.name).open(encoding="utf-8-sig", newline="") as opened:
            clean = list(csv.reader(opened))
        yield scored(path.name, clean, load(path, parameters), weights.get(path.name, 1.0))


def _weights(folder: Path) -> dict[str, float]:
    for place in (folder, folder.parent):
        file = place / "pollock_weights.json"
        if file.exists():
            read: dict[str, float] = json.loads(file.read_text())
            return read
    return {}


def _print(groups: dict[str, list[Score]], *, weighted: bool, each: bool) -> None:
    for name, scores in groups.items():
        print(f"{name}: {len(scores):,} files")
        simple = means(scores)
        print(
            "  "
            + "  ".join(f"{what} {value:.3f}" for what, value in zip(MEASURES, simple, strict=True))
        )
        print(f"  Pollock score (simple)   {sum(simple):.3f} of 10")
        if weighted:
            print(f"  Pollock score (weighted) {sum(means(scores, weighted=True)):.3f} of 10")
        records = {
            what: sum(getattr(s, what) for s in scores)
            for what in ("right", "wrong", "quarantined", "missing")
        }
        print("  records: " + ", ".join(f"{number:,} {what}" for what, number in records.items()))
        _print_some("refused", [f"{s.name}: {s.refused}" for s in scores if s.refused])
        _print_some("wrong records in", [f"{s.name}: {s.wrong}" for s in scores if s.wrong])
        for score in scores if each else ():
            print(f"    {sum(score.measures):6.3f}  {score.name}")


def _print_some(what: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"  {what} {len(lines):,}:")
        print("".join(f"    {line}\n" for line in lines[:SHOWN]), end="")
        if len(lines) > SHOWN:
            print(f"    and {len(lines) - SHOWN:,} more")


if __name__ == "__main__":
    main()
