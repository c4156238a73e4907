"""How fast EDI is read, and with how much memory: ours beside what else reads EDI, in one run.

    python bench/edi.py                    # ours, on an 856 and a DESADV of 50 MB
    python bench/edi.py --peers            # beside pyx12, pydifact, bots and node-edifact
    python bench/edi.py --memory           # peak memory of files of 10, 50 and 200 MB

`--peers` installs them with pip and npm under the folder of the files, in an environment of their
own; what cannot be installed is left out, and said so. Each measurement is a process of its own and
must find exactly the segments, messages and rows that the generator wrote. Slow peers read a
smaller file of the same kind (`--peer-mb`); speeds are in MB/s, so that they compare.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edi_files import KINDS, generate

HERE = Path(__file__).parent
# the two examples of the mapping's documentation; of each only `extract` is used here
MAPPINGS = {
    "856": HERE.parent / "tests/unit/mapping/asn-856.yaml",
    "DESADV": HERE.parent / "tests/unit/mapping/desadv.yaml",
}
PIP = ("pyx12==4.0.0", "pydifact==0.2.3", "Django==3.2.25")
PIP_ALONE = ("bots-ediint==3.3.1",)  # its lexer needs of its dependencies only Django
NPM = ("edifact@1.2.12",)


# -- ours -------------------------------------------------------------------------------------


def envelopes(path: Path, _: str) -> dict[str, float]:
    """Separators, segments, and all that headers and trailers declare."""
    # imports in here: the peers' interpreter runs this file too, and has none of ours
    from pipeline.read.edi.batches import open_edi

    began = used()
    found = open_edi(path, path.name).envelopes
    took = used(began)
    return took | {"segments": found.segments, "messages": found.messages.height,
                   "problems": len(found.problems)}  # fmt: skip


def checks(path: Path, kind: str) -> dict[str, float]:
    """As `envelopes`, then every segment's place and every element against the tables."""
    import polars as pl

    from pipeline.model.edi.definition import Syntax
    from pipeline.model.edi.messages import MESSAGES
    from pipeline.read.edi.batches import bodies_of, judge, open_edi
    from pipeline.read.edi.structure import tree

    began = used()
    message = MESSAGES[Syntax.X12 if kind == "856" else Syntax.EDIFACT, kind]
    reading = open_edi(path, path.name)
    found = reading.envelopes
    problems, segments = len(found.problems), 0
    for piece in reading.again():
        low = piece.segments.ordinal
        mine = found.messages.filter(
            pl.col("begin").is_between(low, low + piece.segments.count, closed="left"),
            pl.col("type") == kind,
        )
        bodies = bodies_of(piece, mine, message)
        _, odd = tree(bodies)
        problems += len(odd) + len(judge(piece, bodies))
        segments += piece.segments.count
    took = used(began)
    return took | {"segments": segments, "messages": found.messages.height, "problems": problems}


def rows(path: Path, kind: str) -> dict[str, float]:
    """All of it: envelopes, checks, and the rows with the columns of MAPPING's examples."""
    from pipeline.mapping.compile import compile_mapping
    from pipeline.read.edi.batches import open_edi, read_edi_batches

    mapping = MAPPINGS[kind]
    plan = compile_mapping(mapping.read_text(encoding="utf-8"), mapping.name).plan
    if plan is None or plan.extract is None:
        raise SystemExit(f"{mapping} is no mapping of EDI")
    columns = [column.name for column in plan.extract.columns]
    began = used()
    reading = open_edi(path, path.name)
    made = held = problems = 0
    for batch in read_edi_batches(reading, plan.extract, file=0, columns=columns):
        made += batch.raw.rows.height
        held += batch.faulty.rows.height
        problems += len(batch.findings)
    took = used(began)
    return took | {"segments": reading.envelopes.segments, "rows": made, "held": held,
                   "messages": reading.envelopes.messages.height, "problems": problems}  # fmt: skip


# -- peers ------------------------------------------------------------------------------------


def pyx12(path: Path, _: str) -> dict[str, float]:
    """Its reader: segments and elements as objects, envelopes and HL checked."""
    import pyx12.x12file

    began = used()
    segments = elements = messages = problems = 0
    with path.open(encoding="ascii") as file:
        reader = pyx12.x12file.X12Reader(file)
        for segment in reader:
            segments += 1
            elements += len(segment)
            messages += segment.get_seg_id() == "ST"
            problems += len(reader.pop_errors())
    return used(began) | {"segments": segments, "elements": elements, "messages": messages,
                          "problems": problems}  # fmt: skip


def pydifact(path: Path, _: str) -> dict[str, float]:
    """Its parser: segments with elements and components as lists, nothing checked."""
    from pydifact.parser import Parser

    began = used()
    segments = elements = messages = 0
    for segment in Parser().parse(path.read_text(encoding="iso-8859-1")):
        if segment.tag == "UNA":
            continue
        segments += 1
        elements += sum(len(x) if isinstance(x, list) else 1 for x in segment.elements)
        messages += segment.tag == "UNH"
    return used(began) | {"segments": segments, "elements": elements, "messages": messages}


def bots(path: Path, kind: str) -> dict[str, float]:
    """The lexer of its reader alone: fields with line and position; nothing checked."""
    from bots import inmessage
    from bots.botsconfig import SFIELD, VALUE

    base = inmessage.x12 if kind == "856" else inmessage.edifact

    class Lexer(base):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            """Without the grammars and settings that only its parser needs."""

    began = used()
    text = path.read_text(encoding="iso-8859-1")
    marks = ("~", "*", ">", "") if kind == "856" else ("'", "+", ":", "?")
    text = text if kind == "856" else text[9:]
    lexer = Lexer()
    lexer.ta_info = dict(
        zip(("record_sep", "field_sep", "sfield_sep", "escape"), marks, strict=True)
    )
    lexer.ta_info |= {"record_tag_sep": "", "reserve": "", "quote_char": "", "skip_char": "\r\n"}
    lexer.lex_records = []
    lexer.rawinput = text
    lexer._lex()  # noqa: SLF001 - the lexer without the parser around it
    took = used(began)
    header = "ST" if kind == "856" else "UNH"
    return took | {
        "segments": len(lexer.lex_records),
        # ISA16 is a component separator, so it makes components
        "elements": sum(
            kind != "856" or not field[SFIELD]
            for record in lexer.lex_records
            for field in record[1:]
        ),
        "messages": sum(record[0][VALUE] == header for record in lexer.lex_records),
    }


# -- measuring --------------------------------------------------------------------------------


def used(before: Mapping[str, float] | None = None) -> dict[str, float]:
    """Wall and CPU seconds, since `before` if given, and the most memory of this process in MB."""
    of_process = resource.getrusage(resource.RUSAGE_SELF)
    now = {"wall_s": time.perf_counter(), "cpu_s": of_process.ru_utime + of_process.ru_stime}
    if before is not None:
        now = {name: value - before[name] for name, value in now.items()}
    return now | {"peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most resident memory of this process; `ru_maxrss` would inherit the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


READERS: Mapping[str, Callable[[Path, str], dict[str, float]]] = {
    "envelopes": envelopes, "checks": checks, "rows": rows,
    "pyx12": pyx12, "pydifact": pydifact, "bots": bots,
}  # fmt: skip
OURS = ("envelopes", "checks", "rows")
WHAT = {
    "envelopes": "ours: envelopes checked",
    "checks": "ours: and structure, elements",
    "rows": "ours: and rows of 9 columns",
    "pyx12": "pyx12 X12Reader",
    "pydifact": "pydifact Parser",
    "bots": "bots, its lexer",
    "node bare": "node-edifact, parser alone",
    "node checked": "node-edifact, with Validator",
}
PEERS = {"856": ("pyx12", "bots"), "DESADV": ("pydifact", "bots", "node bare", "node checked")}
FAST = {*OURS, "node bare", "node checked"}  # they read the whole file


@dataclass(frozen=True)
class Interpreters:
    """What runs the peers; None where it could not be made."""

    python: Path | None = None
    node_modules: Path | None = None


def install(folder: Path) -> Interpreters:
    """Make an environment for the peers, or take the one that is there."""
    python, node_modules = folder / "venv/bin/python", folder / "node_modules"
    if not python.exists():
        step([sys.executable, "-m", "venv", str(folder / "venv")], folder)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for packages in (*((each,) for each in PIP), ("--no-deps", *PIP_ALONE)):
            step([*pip, *packages], folder)
    if not node_modules.exists() and shutil.which("npm"):
        step(["npm", "install", "--silent", "--prefix", str(folder), *NPM], folder)
    return Interpreters(
        python if python.exists() else None, node_modules if node_modules.exists() else None
    )


def step(command: Sequence[str], folder: Path) -> None:
    """Run one command of the installation; what fails is said, the rest goes on."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"not installed ({' '.join(command[-2:])}): {last}", file=sys.stderr)


def command_of(reader: str, kind: str, path: Path, found: Interpreters) -> list[str] | None:
    """The command that measures one reader, None where it is not there."""
    if reader.startswith("node"):
        if found.node_modules is None:
            return None
        return ["node", str(HERE / "edi_node.js"), str(path), str(found.node_modules), reader]
    python = sys.executable if reader in OURS else found.python
    if python is None:
        return None
    return [str(python), __file__, "--one", reader, "--kind", kind, "--file", str(path)]


def measure(
    reader: str, kind: str, path: Path, expected: Mapping[str, int], found: Interpreters,
    repeats: int,
) -> dict[str, Any] | None:  # fmt: skip
    """The median of some processes, or None where a peer cannot be run."""
    command = command_of(reader, kind, path, found)
    if command is None:
        return None
    runs = []
    for _ in range(repeats):
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False)  # fmt: skip
        if done.returncode:
            if reader in OURS:
                raise SystemExit(done.stderr)
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"{WHAT[reader]} does not run: {last}", file=sys.stderr)
            return None
        run = json.loads(done.stdout)
        differs = {name: (run[name], count) for name, count in expected.items()
                   if name in run and run[name] != count}  # fmt: skip
        if differs or run.get("problems") or run.get("held"):
            raise SystemExit(f"{WHAT[reader]} reads {path.name} wrongly: {differs or run}")
        runs.append(run)
    size = path.stat().st_size / 1e6
    wall, cpu = (statistics.median(run[name] for run in runs) for name in ("wall_s", "cpu_s"))
    return {
        "reader": reader, "kind": kind, "mb": round(size, 1), "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3), "wall_mb_s": size / wall, "cpu_mb_s": size / cpu,
        "peak_mb": round(max(run["peak_mb"] for run in runs)),
    }  # fmt: skip


def compare(chosen: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Measure all readers of both kinds of files."""
    found = install(folder) if chosen.peers else Interpreters()
    results = []
    for kind in chosen.kinds:
        big, small = folder / f"{kind}.edi", folder / f"{kind}-small.edi"
        of_big = asdict(generate(kind, big, chosen.mb))
        of_small = asdict(generate(kind, small, min(chosen.mb, chosen.peer_mb)))
        print(f"{KINDS[kind]}: {big.stat().st_size / 1e6:.1f} MB, "
              + ", ".join(f"{count:,} {name}" for name, count in of_big.items()))  # fmt: skip
        for reader in (*OURS, *(PEERS[kind] if chosen.peers else ())):
            path, counted = (big, of_big) if reader in FAST else (small, of_small)
            result = measure(reader, kind, path, counted, found, chosen.repeats)
            if result is not None:
                results.append(result)
                print(line(result, [each for each in results if each["kind"] == kind]), flush=True)
    return results


def line(result: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    """One line of the table: speeds, memory, and for a peer how many times faster we are."""
    text = (f"  {WHAT[result['reader']]:32}{result['mb']:6} MB{result['wall_s']:9.2f} s wall"
            f"{result['cpu_s']:8.2f} s CPU{result['wall_mb_s']:8.1f} MB/s wall"
            f"{result['cpu_mb_s']:8.1f} MB/s CPU{result['peak_mb']:6} MB peak")  # fmt: skip
    ours = next((each for each in others if each["reader"] == "envelopes"), None)
    if result["reader"] in OURS or ours is None:
        return text
    times = [ours[name] / result[name] for name in ("wall_mb_s", "cpu_mb_s")]
    return f"{text}   we: x{times[0]:.1f} wall, x{times[1]:.1f} CPU"


def memory(chosen: argparse.Namespace, folder: Path) -> None:
    """Print the peak memory of files of growing size."""
    for kind in chosen.kinds:
        for size in chosen.sizes:
            path = folder / f"{kind}.edi"
            counted = asdict(generate(kind, path, size))
            for reader in OURS:
                result = measure(reader, kind, path, counted, Interpreters(), 1)
                if result is not None:
                    print(f"{kind:8}{size:6.0f} MB  {WHAT[reader]:32}{result['peak_mb']:5} MB peak")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--mb", type=float, default=50, help="size of the files")
    options.add_argument("--peer-mb", type=float, default=4, help="size for slow peers")
    options.add_argument("--repeats", type=int, default=3, help="processes; the median counts")
    options.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    options.add_argument("--peers", action="store_true", help="install and measure others too")
    options.add_argument("--memory", action="store_true", help="peak memory by size of the file")
    options.add_argument("--sizes", type=float, nargs="+", default=[10, 50, 200])
    options.add_argument("--json", type=Path, help="write the figures to this file too")
    options.add_argument("--folder", type=Path, help="keep files and peers here")
    options.add_argument("--one", choices=list(READERS), help=argparse.SUPPRESS)
    options.add_argument("--kind", help=argparse.SUPPRESS)
    options.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(READERS[chosen.one](chosen.file, chosen.kind)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if chosen.memory:
            memory(chosen, folder)
            return
        results = compare(chosen, folder)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
