"""What a file costs from its first byte to a plan: seconds and peak memory, in a process of its own.

python bench/intake.py --gb 2      # a generated file of 2 GB, planned: the goal is 2 GB of memory
python bench/intake.py --hostile   # 10 million blank lines, and one line of 1 GB, beside a good file
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
GOAL_MB = 2048
SMALL = """\
version: 1
name: small
source: {files: "*.csv"}
rows: {key: no}
order: {order_number: no, destination_country_iso3: country, recipient_email: mail}
"""
HEADER = b"no,country,mail\n"


def planned(mapping: Path, files: list[Path], folder: Path) -> tuple[float, float, int, str]:
    """Plan files; gives seconds, peak memory in MB, the exit code and what was said."""
    words = ["-m", "pipeline", "plan", "-m", str(mapping), *map(str, files), "--out", "plan"]
    with (folder / "said").open("wb") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, stdout=said, stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    text = (folder / "said").read_text(encoding="utf-8", errors="replace")
    return seconds, usage.ru_maxrss / 1024, process.returncode, text


def tell(what: str, size: int, seconds: float, peak_mb: float, code: int) -> None:
    print(
        f"{what:<24} {size / 1e6:>8,.0f} MB {seconds:>7.1f} s {peak_mb:>7,.0f} MB peak  exit {code}"
    )


def large(gb: float, folder: Path) -> int:
    """Plan a generated file of a size; 1 where that takes more memory than the goal."""
    file = folder / "orders.csv"
    sample = folder / "sample.csv"
    made(20_000, sample)
    rows = int(gb * 1e9 / sample.stat().st_size * 20_000)
    sample.unlink()
    made(rows, file)
    seconds, peak_mb, code, text = planned(HERE / "orders.yaml", [file], folder)
    tell(f"{rows:,} rows", file.stat().st_size, seconds, peak_mb, code)
    if code not in (0, 3):
        print(text[-2000:])
        return 1
    fine = peak_mb <= GOAL_MB
    print(f"goal: at most {GOAL_MB:,} MB: {'reached' if fine else 'NOT reached'}")
    return 0 if fine else 1


def made(rows: int, file: Path) -> None:
    """Write a file of so many rows."""
    words = [str(HERE / "generate.py"), "--rows", str(rows), str(file)]
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def hostile(folder: Path) -> int:
    """Plan what nobody sends, beside a good file."""
    mapping = folder / "small.yaml"
    mapping.write_text(SMALL)
    good = folder / "good.csv"
    good.write_bytes(HEADER + b"A1,DE,jo@example.com\n")
    blank = folder / "blank.csv"
    blank.write_bytes(HEADER + b"\n" * 10_000_000 + b"A2,DE,jo@example.com\n")
    line = folder / "line.csv"
    with line.open("wb") as file:
        file.write(HEADER)
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
    only = folder / "only.csv"
    line_at_first = folder / "first.csv"
    with line_at_first.open("wb") as file:
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
    only.write_bytes(b"\n" * 10_000_000)
    for what, path in (
        ("10 M blank lines", blank), ("nothing but those", only), ("a line of 1 GB", line),
        ("a header of 1 GB", line_at_first),
    ):  # fmt: skip
        for files in ([good, path], [path]):
            seconds, peak_mb, code, text = planned(mapping, files, folder)
            beside = " and a good file" if len(files) > 1 else ""
            tell(what + beside, path.stat().st_size, seconds, peak_mb, code)
            told = [row.strip() for row in text.splitlines() if path.name in row or "error" in row]
            print("    " + (told[0][:200] if told else text.strip().splitlines()[0][:200]))
            subprocess.run(["rm", "-rf", str(folder / "plan")], check=True)
    return 0


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--gb", type=float, default=2.0)
    asked.add_argument("--hostile", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return hostile(Path(folder)) if given.hostile else large(given.gb, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
