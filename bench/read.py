"""How fast files are read: ours, plain `pl.read_csv`, and `csv.reader` with a DataFrame of its rows.

Plain files go the fast way and should reach 60 % of `pl.read_csv`; all others go the careful way and
should be four times as fast as the standard library. Text of fixed width is compared with slices of each
line in Python. The ratios are of one run, best of several each.

python bench/read.py --rows 500000 --columns 30
python bench/read.py --memory          # peak memory by size of the file, each in its own process
"""

import argparse
import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from pipeline.mapping.plan import Position, Source
from pipeline.read import read_batches

WORDS = (
    "Straße 12",
    "München",
    "ACME GmbH",
    "12345",
    "DE",
    "2026-01-01",
    "",
    "99.95",
    "DHL",
    "shirt",
)
FIXED = "fixed width"
CELL = 12  # characters of each cell of fixed width
KINDS = (
    "plain", "quoted 10 %", "multi-line", "faulty 5 %", "crlf", "cp1252", "utf-16", FIXED,
)  # fmt: skip


def lines(kind: str, rows: int, columns: int) -> Iterator[str]:
    """Make the lines of one kind of file; seeded, so that every run reads the same."""
    chance = random.Random(20261120)
    if kind != FIXED:
        yield ",".join(f"column_{index}" for index in range(columns))
    pool = [
        [f"A{chance.randrange(10**6)}", *chance.choices(WORDS, k=columns - 1)] for _ in range(997)
    ]
    for row in range(rows):
        cells = list(pool[row % len(pool)])
        if kind == "quoted 10 %":
            for index in range(3, columns, 10):
                cells[index] = f'"{cells[index]}, 2nd ""floor"""'
        elif kind == "multi-line":
            cells[3] = '"Rear\nbuilding"'
        elif kind == "faulty 5 %" and row % 20 == 0:
            cells[5] = 'a "stray" quote' if row % 40 else "one, too many"
        yield "".join(cell.ljust(CELL) for cell in cells) if kind == FIXED else ",".join(cells)


def ours(path: Path, source: Source, columns: int) -> int:
    names = [f"column_{index}" for index in range(columns)]
    return sum(
        batch.raw.rows.height + batch.faulty.rows.height
        for batch in read_batches(path, source, file=0, columns=names)
    )


def plain_polars(path: Path, source: Source) -> int:
    encoding = "utf8" if source.encoding == "utf-8" else source.encoding
    return pl.read_csv(path, infer_schema=False, encoding=encoding).height


def python_csv(path: Path, source: Source) -> int:
    """What the standard library takes to get a table: `csv.reader`, then a DataFrame of its rows."""
    with path.open(encoding=source.encoding, newline="") as file:
        header, *rows = csv.reader(file)
    width = len(header)
    whole = [row for row in rows if len(row) == width]
    return pl.DataFrame(whole, dict.fromkeys(header, pl.String()), orient="row").height


def python_slices(path: Path, columns: int) -> int:
    """What one would write first for fixed width: a slice for each cell of each line."""
    places = [slice(at * CELL, (at + 1) * CELL) for at in range(columns)]
    with path.open(encoding="utf-8") as file:
        rows = [[line[place] for place in places] for line in file]
    names = [f"column_{index}" for index in range(columns)]
    return pl.DataFrame(rows, dict.fromkeys(names, pl.String()), orient="row").height


def speeds(readers: Sequence[Callable[[], int]], size: int, repeats: int) -> list[tuple[str, int]]:
    """Give of each reader the best speed in MB/s, or why there is none, and the rows read.

    They take turns, so that what else the machine does slows all of them.
    """
    best = [float("inf")] * len(readers)
    rows = [0] * len(readers)
    failed = [""] * len(readers)
    for _ in range(repeats):
        for at, read in enumerate(readers):
            began = time.perf_counter()
            try:
                rows[at] = read()
            except (pl.exceptions.PolarsError, UnicodeError) as error:
                failed[at] = type(error).__name__
            best[at] = min(best[at], time.perf_counter() - began)
    return [
        (why or f"{size / seconds / 1e6:.0f}", count)
        for why, seconds, count in zip(failed, best, rows, strict=True)
    ]


def compare(rows: int, columns: int, repeats: int) -> None:
    print(f"{rows} rows x {columns} columns, MB/s, best of {repeats}")
    print(
        f"{'file':14}{'MB':>6}{'ours':>8}{'read_csv':>14}{'csv+frame':>11}{'of read_csv':>13}{'x csv':>7}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            source = Source(encoding=kind if kind in {"cp1252", "utf-16"} else "utf-8")
            if kind == FIXED:
                places = (
                    Position(f"column_{at}", at * CELL + 1, (at + 1) * CELL)
                    for at in range(columns)
                )
                source = replace(source, format="fixed", positions=tuple(places))
            path = Path(folder) / "file.csv"
            text = ("\r\n" if kind == "crlf" else "\n").join(lines(kind, rows, columns)) + "\n"
            path.write_bytes(text.encode(source.encoding))
            size = path.stat().st_size
            readers = [partial(ours, path, source, columns), partial(plain_polars, path, source)]
            (mine, found), *others = speeds(readers[: 1 + (kind != FIXED)], size, repeats)
            theirs = others[0][0] if others else ""
            script = partial(python_csv, path, source)
            if kind == FIXED:
                script = partial(python_slices, path, columns)
            python, _ = speeds((script,), size, 1)[0]
            share = f"{float(mine) / float(theirs):.0%}" if theirs.isdecimal() else ""
            times = f"{float(mine) / float(python):.1f}" if python.isdecimal() else ""
            print(
                f"{kind:14}{size / 1e6:6.0f}{mine:>8}{theirs[:13]:>14}{python:>11}{share:>13}{times:>7}"
                f"   {found} records"
            )


def memory(columns: int) -> None:
    """Print the peak memory of reading files of growing size, each in a process of its own."""
    print("   MB   peak MB")
    with tempfile.TemporaryDirectory() as folder:
        for rows in (0, 250_000, 1_000_000, 4_000_000):
            path = Path(folder) / "file.csv"
            with path.open("w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines("quoted 10 %", rows, columns))
            command = [sys.executable, __file__, "--peak-of", str(path), "--columns", str(columns)]
            peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{path.stat().st_size / 1e6:5.0f}   {peak.strip():>7}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=500_000)
    options.add_argument("--columns", type=int, default=30)
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--memory", action="store_true")
    options.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.peak_of:
        ours(chosen.peak_of, Source(), chosen.columns)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    elif chosen.memory:
        memory(chosen.columns)
    else:
        compare(chosen.rows, chosen.columns, chosen.repeats)


if __name__ == "__main__":
    main()
