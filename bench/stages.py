"""How long files take from read to payloads, stage by stage, and how much memory that needs.

python bench/stages.py                                  # 0.3 M, 1 M and 5 M rows, in order and shuffled
python bench/stages.py --rows 300000 --repeats 3 --json
python bench/stages.py --file export.csv --mapping mappings/wms.yaml

Each measurement is a process of its own. Nothing is sent; the ledger knows no order. In the same run
`pl.read_csv` reads the same file as text, and a plain script (csv, dict, json) makes payloads of the
first 100,000 rows of it.
"""

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from generate import MAPPING, generate

STAGES = ("open", "read", "spool", "convert", "check", "group", "compare", "write")
SCRIPT_ROWS = 100_000


class Stopwatch:
    """Seconds per stage; a stage inside another one is taken off the outer one."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.inner = [0.0]

    def timed(self, stage: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any verb
            began = time.perf_counter()
            self.inner.append(0.0)
            try:
                return verb(*given, **named)
            finally:
                took = time.perf_counter() - began
                self.seconds[stage] += took - self.inner.pop()
                self.inner[-1] += took

        return run

    def iterated(
        self, stage: str, verb: Callable[..., Iterator[Any]]
    ) -> Callable[..., Iterator[Any]]:
        def run(*given: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401 - any verb
            following = self.timed(stage, lambda items: next(items, None))
            items = verb(*given, **named)
            while (item := following(items)) is not None:
                yield item

        return run


class Nothing:
    """A ledger that knows no order."""

    def known(self, order_numbers: Sequence[str]) -> Mapping[str, Any]:  # noqa: ARG002
        return {}

    def operations(self, order_numbers: Sequence[str]) -> Mapping[str, Any]:  # noqa: ARG002
        return {}


def product(path: Path, mapping: Path) -> dict[str, Any]:
    """Files to payloads that lie ready on disk, as `pipeline run` does before it sends."""
    # here, so that the other measurements do not carry the product in their memory
    from pipeline.run import prepare as preparing
    from pipeline.run import spool as spooling
    from pipeline.run.clock import clock
    from pipeline.run.folder import LASTING, TRANSIENT, RunFolder
    from pipeline.run.request import Options
    from pipeline.run.source import open_jobs

    watch = Stopwatch()
    for stage, verb in (("convert", "convert"), ("check", "check"), ("group", "group"),
                        ("compare", "compare"), ("write", "_write")):  # fmt: skip
        setattr(preparing, verb, watch.timed(stage, getattr(preparing, verb)))
    read = "read_batches"
    setattr(spooling, read, watch.iterated("read", getattr(spooling, read)))
    at_start = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=path.parent) as home:
        folder = RunFolder(Path(home) / "run")
        for part in (*TRANSIENT, *LASTING):
            (folder.path / part).mkdir(parents=True)
        jobs = watch.timed("open", open_jobs)([mapping], [str(path)], folder, lambda _: None).jobs
        spooled = watch.timed("spool", spooling.spool)(jobs, folder, lambda _: None)
        take = watch.timed("spool", spooled.take)
        spooled = spooling.Spooled(spooled.count, spooled.records, take)
        seen = preparing.prepare(
            jobs, spooled, folder, Nothing(), 1618, Options(), lambda *_: None, now=clock()
        )  # fmt: skip
    wall = time.perf_counter() - began
    return {
        **_used(wall, at_start), "rows": seen.rows, "orders": seen.to_send, "held": seen.held,
        "partitions": spooled.count, "stages": {k: round(v, 3) for k, v in watch.seconds.items()},
    }  # fmt: skip


def read_csv(path: Path, _: Path) -> dict[str, Any]:
    """All cells as text, nothing made of them."""
    import polars as pl

    at_start = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    frame = pl.read_csv(path, separator=";", encoding="cp1252", infer_schema=False,
                        quote_char=None, truncate_ragged_lines=True)  # fmt: skip
    return {**_used(time.perf_counter() - began, at_start), "rows": frame.height}


def script(path: Path, _: Path) -> dict[str, Any]:
    """What one would write first: rows to dicts, dicts to JSON, no check of any value."""
    at_start = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    orders: dict[str, dict[str, Any]] = {}
    rows = 0
    with path.open(encoding="cp1252", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            order = orders.get(row["AuftragsNr"])
            if order is None:
                order = orders[row["AuftragsNr"]] = {
                    "account": 1618, "order_number": row["AuftragsNr"],
                    "destination_country_iso3": row["Land"], "recipient_email": row["EMail"].lower(),
                    "shipping_address": {
                        "first_name": row["Vorname"], "last_name": row["Nachname"],
                        "address_line": f"{row['Strasse']} {row['HausNr']}",
                        "postal_code": row["PLZ"], "city": row["Ort"], "country_iso3": row["Land"],
                    },
                    "articles_order": [],
                }  # fmt: skip
            order["articles_order"].append(
                {"line_item_id": row["PosID"], "sku": row["SKU"], "article_name": row["Bezeichnung"],
                 "unit_price": row["Einzelpreis"].replace(",", "."), "quantity": row["Menge"]}
            )  # fmt: skip
            rows += 1
            if rows == SCRIPT_ROWS:
                break
    bodies = [json.dumps(order, ensure_ascii=False).encode() for order in orders.values()]
    used = _used(time.perf_counter() - began, at_start)
    return {**used, "rows": rows, "orders": len(bodies)}


def _used(wall: float, before: resource.struct_rusage) -> dict[str, float]:
    now = resource.getrusage(resource.RUSAGE_SELF)
    cpu = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3), "peak_mb": _peak_mb()}


def _peak_mb() -> int:
    """The most resident memory of this process; `ru_maxrss` would inherit the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


MEASURED = {"product": product, "read_csv": read_csv, "script": script}


def apart(what: str, path: Path, mapping: Path, repeats: int) -> dict[str, Any]:
    """The median run by wall time, and the largest peak, of so many processes."""
    command = [
        sys.executable,
        __file__,
        "--one",
        what,
        "--file",
        str(path),
        "--mapping",
        str(mapping),
    ]
    runs = [
        json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        for _ in range(repeats)
    ]
    middle = statistics.median_low(run["wall_s"] for run in runs)
    chosen: dict[str, Any] = next(run for run in runs if run["wall_s"] == middle)
    return chosen | {"peak_mb": max(run["peak_mb"] for run in runs)}


def measure(path: Path, mapping: Path, name: str, repeats: int, *, beside: bool) -> dict[str, Any]:
    """All that is measured of one file."""
    result = {"file": name, "mb": round(path.stat().st_size / 1e6),
              "product": apart("product", path, mapping, repeats)}  # fmt: skip
    if beside:
        result["read_csv"] = apart("read_csv", path, mapping, repeats)
        result["script"] = apart("script", path, mapping, repeats)
    return result


def table(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line per file."""
    yield (f"{'file':22}{'MB':>6}{'rows':>9}{'orders':>9}{'parts':>6}{'wall s':>8}{'CPU s':>8}"
           f"{'peak MB':>8}{'µs/row':>7} |" + "".join(f"{stage:>8}" for stage in STAGES)
           + f" |{'read_csv s':>11}{'peak MB':>8} |{'script s*':>10}")  # fmt: skip
    for each in results:
        made = each["product"]
        line = (f"{each['file']:22}{each['mb']:6}{made['rows']:9}{made['orders']:9}"
                f"{made['partitions']:6}{made['wall_s']:8.2f}{made['cpu_s']:8.2f}{made['peak_mb']:8}"
                f"{made['wall_s'] / made['rows'] * 1e6:7.1f} |"
                + "".join(f"{made['stages'][stage]:8.2f}" for stage in STAGES))  # fmt: skip
        if "read_csv" in each:
            plain, own = each["read_csv"], each["script"]
            whole = own["wall_s"] / own["rows"] * made["rows"]
            line += f" |{plain['wall_s']:11.2f}{plain['peak_mb']:8} |{whole:10.1f}"
        yield line
    yield f"* of its first {SCRIPT_ROWS:,} rows, multiplied to all rows; it checks and types nothing"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=int, nargs="*", default=[300_000, 1_000_000, 5_000_000])
    options.add_argument("--order", choices=["contiguous", "shuffled", "both"], default="both")
    options.add_argument("--faults", type=float, default=0.0, help="share of damaged rows")
    options.add_argument("--repeats", type=int, default=1)
    options.add_argument("--file", type=Path, help="measure this file instead of generated ones")
    options.add_argument("--mapping", type=Path, default=MAPPING)
    options.add_argument("--json", action="store_true")
    options.add_argument("--alone", action="store_true", help="leave read_csv and the script out")
    options.add_argument("--folder", type=Path, help="where the files are made (3 GB for all)")
    options.add_argument("--one", choices=list(MEASURED), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(MEASURED[chosen.one](chosen.file, chosen.mapping)))
        return
    results = []
    if chosen.file:
        results.append(
            measure(chosen.file, chosen.mapping, chosen.file.name, chosen.repeats, beside=False)
        )
    else:
        ways = ["contiguous", "shuffled"] if chosen.order == "both" else [chosen.order]
        for rows in chosen.rows:
            for way in ways:
                with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
                    path = Path(folder) / "orders.csv"
                    generate(path, rows, shuffled=way == "shuffled", faults=chosen.faults)
                    results.append(
                        measure(path, chosen.mapping, f"{rows:,} {way}", chosen.repeats,
                                beside=not chosen.alone)
                    )  # fmt: skip
    print(json.dumps(results, indent=1) if chosen.json else "\n".join(table(results)))


if __name__ == "__main__":
    main()
