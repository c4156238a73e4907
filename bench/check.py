"""How long `pipeline mapping check` takes as a whole process, beside the imports that it cannot do without.

Run from the top of the checkout, on a machine that does nothing else:

    python bench/check.py [MAPPING] [--runs 20]

Without MAPPING it is the largest one of the repository. Both commands are run in turn, so that a busy
moment hits both; the least of each counts.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT_S = 0.5
IMPORTS = [sys.executable, "-c", "import polars, pydantic"]


def seconds(command: list[str]) -> float:
    """Wall clock of one whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> int:
    """Print least, median and most of both; 1 where the check takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mapping", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    asked = parser.parse_args()
    mapping = asked.mapping or max(
        Path("mappings").rglob("*.yaml"), key=lambda path: path.stat().st_size
    )
    check = [sys.executable, "-m", "pipeline", "mapping", "check", str(mapping)]
    for command in (check, IMPORTS):
        seconds(command)  # the first run compiles modules and fills the cache of the disk
    took: dict[str, list[float]] = {"mapping check": [], "import polars, pydantic": []}
    for _ in range(asked.runs):
        took["mapping check"].append(seconds(check))
        took["import polars, pydantic"].append(seconds(IMPORTS))
    print(f"{mapping}, {mapping.stat().st_size:,} bytes, {asked.runs} runs")
    for name, times in took.items():
        least, middle, most = min(times), statistics.median(times), max(times)
        print(f"{name:26} least {least:.3f} s, median {middle:.3f} s, most {most:.3f} s")
    return 0 if min(took["mapping check"]) < LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
