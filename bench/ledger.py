"""What a large ledger costs: start of a run, lookups, bytes per order, and the verbs that read all of it.

    python bench/ledger.py                    # 1 M orders, each known and each in a run
    python bench/ledger.py --rows 10000000    # some minutes and 10 GB of disk
    python bench/ledger.py --folder DIR       # keeps the ledger in DIR and takes it from there again

From the root of the repository. Every order has a row in `known_order`, with marks of 20 fields, and one in
`run_order`; a run has 100,000 orders. Beside each lookup stands plain `sqlite3` that reads the same rows in the same
file: with lists of 500 as we do, and through a temporary table. Seconds are those of the wall; "cold" is after the
file has been dropped from the page cache (posix_fadvise), where the system does that.
"""

import argparse
import datetime as dt
import hashlib
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.ledger import Ledger, RunState

RUN = 100_000  # orders
LOOKUP = 100_000
ENDPOINT = 1
_AT = "2026-11-20T02:05:00.000+00:00"
_MARKS = "abc0123" * 20


def number(n: int) -> str:
    """Order numbers as shops have them; they do not come in the order of the ledger."""
    return f"WH-{(n * 7_919) % 100_000_007:09d}"


def fill(path: Path, rows: int) -> float:
    """Make a ledger with as many known orders, each of them in one run; gives the seconds."""
    began = time.perf_counter()
    with Ledger.open(path, clock=lambda: dt.datetime.now(dt.UTC)) as ledger:
        assert ledger.endpoint("https://api.parcellab.com", 1618) == ENDPOINT
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA synchronous = OFF")
    raw.execute("PRAGMA cache_size = -1000000")
    numbers = sorted(number(n) for n in range(rows))
    raw.execute("BEGIN")
    raw.executemany(
        "INSERT INTO known_order (endpoint, order_number, content_sha256, fully_applied, external_id,"
        " updated_at, marks) VALUES (1, ?, ?, 1, ?, ?, ?)",
        ((each, digest(each), f"00000000-0000-4000-8000-{each[3:]}abc", _AT, _MARKS) for each in numbers),
    )  # fmt: skip
    raw.execute("COMMIT")
    random.Random(1).shuffle(numbers)
    for run, start in enumerate(range(0, rows, RUN), 1):
        mine = sorted(numbers[start : start + RUN])
        raw.execute("BEGIN")
        raw.execute(
            "INSERT INTO run (seq, id, endpoint, fingerprint, profile, state, started_at, ended_at,"
            " exit_code, totals, options, mappings, files) VALUES"
            " (?, ?, 1, ?, 'prod', 'finished', ?, ?, 0, ?, '{}', '{}', '[]')",
            (run, f"run-{run}", str(run), _AT, _AT,
             json.dumps({"version": 1, "orders": {"seen": len(mine), "created": len(mine)}})),
        )  # fmt: skip
        raw.execute("INSERT INTO run_partition VALUES (?, 0, 'd')", (run,))
        raw.executemany(
            'INSERT INTO run_order (run, "partition", "key", version, _file, _line, _segment, order_number,'
            ' outcome, known, rows, lines, quantity, value, currency, trackings, status, attempts,'
            " warnings, content_sha256) VALUES"
            " (?, 0, ?, 0, 0, ?, 0, ?, 'created', 0, 3, 3, 7, '59.90', 'EUR', 1, 200, 1, 0, ?)",
            ((run, each, line, each, digest(each)) for line, each in enumerate(mine, 2)),
        )  # fmt: skip
        raw.execute("COMMIT")
    raw.close()
    return time.perf_counter() - began


def digest(text: str) -> str:
    """The hash of a payload."""
    return hashlib.sha256(text.encode()).hexdigest()


# --- what is measured -----------------------------------------------------------------------------

Figure = dict[str, object]


def timed(name: str, act: Callable[[], object]) -> Figure:
    """Do it once: seconds of the wall and of the processor."""
    began, cpu = time.perf_counter(), time.process_time()
    act()
    wall = time.perf_counter() - began
    return {"what": name, "s": round(wall, 3), "cpu_s": round(time.process_time() - cpu, 3)}


def cold(path: Path) -> None:
    """Ask the system to forget the pages of the file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def clock() -> dt.datetime:
    """The present moment."""
    return dt.datetime.now(dt.UTC)


def start(path: Path) -> None:
    """What a run asks of the ledger before it reads its files."""
    with Ledger.open(path, clock=clock) as ledger:
        endpoint = ledger.endpoint("https://api.parcellab.com", 1618)
        ledger.unfinished_runs(endpoint)
        ledger.unfinished(endpoint, "of this input")
        ledger.last_run()


def measure(path: Path, *, check: bool) -> Iterator[Figure]:
    """Measure a ledger that is there."""
    plain = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    latest = plain.execute("SELECT max(seq) FROM run").fetchone()[0]
    wanted = [
        row[0]
        for row in plain.execute("SELECT order_number FROM run_order WHERE run = ?", (latest,))
    ]
    wanted.sort()
    new = [f"NEW-{n:09d}" for n in range(len(wanted))]
    cold(path)
    yield timed("start of a run, cold", lambda: start(path))
    yield timed("start of a run", lambda: start(path))
    yield timed(
        "quick_check of all of it", lambda: plain.execute("PRAGMA quick_check(1)").fetchall()
    )
    with Ledger.open(path, clock=clock) as ledger:
        many = f"{len(wanted):,} orders"
        cold(path)
        yield timed(f"unchanged? {many}, cold", lambda: ledger.known(ENDPOINT, wanted))
        yield timed(f"unchanged? {many}", lambda: ledger.known(ENDPOINT, wanted))
        yield timed("  plain sqlite3, lists of 500", lambda: by_lists(plain, wanted))
        yield timed("  plain sqlite3, temporary table", lambda: by_join(plain, wanted))
        yield timed(f"unknown? {many}", lambda: ledger.known(ENDPOINT, new))
        yield timed(f"acknowledged changes of {many}", lambda: ledger.operations(ENDPOINT, wanted))
        run = f"run-{latest}"
        yield timed(
            f"end of a run, with the seal of {many}",
            lambda: ledger.finish_run(
                run, state=RunState.FINISHED, exit_code=0, ended_at=clock(), totals="{}"
            ),
        )
        size = ledger.sizes(since=clock() - dt.timedelta(days=30))
        yield {
            "what": "bytes", "all": size.size_bytes, "per_known_order": size.bytes_per_known_order,
            "per_order_of_a_run": size.bytes_per_sent_order,
        }  # fmt: skip
    if check:
        with Ledger.read(path, clock=clock) as ledger:
            yield timed("ledger check", ledger.check)
            yield timed(
                "ledger export", lambda: sum(1 for _ in ledger.exported(ENDPOINT, None, ()))
            )
    plain.close()


COLUMNS = "order_number, content_sha256, fully_applied, external_id, updated_at"


def by_lists(plain: sqlite3.Connection, wanted: list[str]) -> list[object]:
    """The same rows as one would ask for them first."""
    found: list[object] = []
    for at in range(0, len(wanted), 500):
        some = wanted[at : at + 500]
        marks = ",".join("?" * len(some))
        found += plain.execute(
            f"SELECT {COLUMNS} FROM known_order WHERE endpoint = 1 AND order_number IN ({marks})", some
        )  # fmt: skip
    return found


def by_join(plain: sqlite3.Connection, wanted: list[str]) -> list[object]:
    """The same rows through a table of what is wanted."""
    plain.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (n TEXT PRIMARY KEY) WITHOUT ROWID")
    plain.execute("DELETE FROM wanted")
    plain.executemany("INSERT INTO wanted VALUES (?)", ((each,) for each in wanted))
    return plain.execute(
        f"SELECT {COLUMNS} FROM wanted CROSS JOIN known_order ON endpoint = 1 AND order_number = n"
    ).fetchall()


def main() -> int:
    """Make the ledger, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="also `ledger check` and `ledger export`"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="pipeline-ledger-"))
    path = folder / "ledger.db"
    try:
        if not path.exists():
            took = fill(path, asked.rows)
            sys.stderr.write(f"{asked.rows:,} orders made in {took:,.0f} s\n")
        for figure in measure(path, check=asked.check):
            if asked.json:
                sys.stdout.write(json.dumps(figure) + "\n")
            elif "s" in figure:
                sys.stdout.write(
                    f"{figure['what']:<44} {figure['s']:>9} s  {figure['cpu_s']:>9} CPU\n"
                )
            else:
                sys.stdout.write(f"{figure}\n")
            sys.stdout.flush()
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
