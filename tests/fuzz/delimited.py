"""Damages delimited files at random and reads them: `python -m tests.fuzz.delimited --minutes 10`.

What must hold of every mutant:

- it is read without an exception but SourceUnusable, in less than a few seconds;
- how it is cut into windows changes nothing;
- records are conserved: each line with something in it is in exactly one record, accepted or quarantined,
  and an accepted record has as many lines as its cells have line ends, and one;
- an accepted record has the cells that Python's csv module finds in the very lines it is said to stand in;
- where the csv module, read strictly, finds a table in the whole file, nothing is quarantined, and lines and cells
  are its.

With `--atheris` (a fuzzer guided by coverage; `pip install atheris`, not a dependency of ours) the mutants are
made by libFuzzer. Without it they are made here, by lines and marks, the same for the same seed.
"""

import argparse
import codecs
import contextlib
import csv
import faulthandler
import io
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, FunctionType

from pipeline.mapping.plan import Repair, Source
from pipeline.model.origin import LINE, ORIGIN
from pipeline.model.stops import SourceUnusable
from pipeline.read import read_batches
from pipeline.read.header import load_header
from tests.pollock.kinds import every

SECONDS_MAX = 5.0
HANG_S = 60  # of a loop that no signal can interrupt: the process ends with its stack
WINDOWS = (1, 7, 40, 200, 1 << 22)
SPECIAL = (
    '"',
    "'",
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\ufeff",
    " ",
    "ä",
    "€",
    "東",
    "\u2028",
    "\x85",
    "\\",
    '""',
    "+",
    "+|",
    "~",
    "&|\r\n",
    "#",
    "T",
)
DIALECTS = (
    Source(trim=False),
    Source(trim=False, delimiter=";", encoding="cp1252"),
    Source(trim=False, delimiter="\t", quote=None),
    Source(trim=False, quote="'"),
    Source(trim=False, delimiter="|", encoding="utf-16"),
    Source(trim=False, delimiter=";", encoding="latin-1"),
    Source(trim=False, encoding="shift-jis"),
)
# What the csv module cannot read: of these nothing but crashes, hangs and windows is looked at.
OTHERS = (
    Source(trim=False, delimiter="+|", quote=None),
    Source(trim=False, delimiter="||"),
    Source(trim=False, delimiter=";", escape="\\"),
    Source(trim=False, quote=None, escape="\\"),
    Source(trim=False, record_end="~"),
    Source(trim=False, delimiter="+|", record_end="&|\r\n", encoding="utf-16"),
    Source(trim=False, names=("a", "b", "c", "d", "e", "f", "g", "h", "i"), skip_lines=1),
    Source(find_header=("SKU",), comment="#", footer="[0-9]+ records|W"),
    Source(delimiter=";", repair=Repair(too_many=True, too_few=True)),
    Source(repair=Repair(join=("TEXT",), fits={"SKU": "WH-[0-9]+"})),
    Source(trim=False, trailer="T", encoding="utf-8", fallbacks=("cp1252",)),
)
# Encodings in which a broken byte spoils its own line only, so that lines can be counted all the same.
_BY_BYTES = ("utf-8", "cp1252", "latin-1")
_LINE_END = re.compile("\r\n|\n|\r")


@dataclass(frozen=True)
class Mutant:
    """A damaged file, how it is declared, and how it came about."""

    kind: str
    data: bytes
    source: Source


@dataclass(frozen=True)
class Outcome:
    """What was read: cells by line, codes of quarantined records by line; or why nothing was."""

    columns: tuple[str, ...] = ()
    whole: bool = True  # all columns could be told apart, so that all cells were read
    accepted: tuple[tuple[int, tuple[str, ...]], ...] = ()
    quarantined: tuple[tuple[int, str], ...] = ()
    refused: str = ""


class Slow(Exception):  # noqa: N818 - it is no error of the program that is tested
    """Reading took longer than it may."""


def read(data: bytes, source: Source, window: int) -> Outcome:
    """Read bytes as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.csv"
        path.write_bytes(data)
        try:
            header = load_header(path, source, path.name)
            names = header.cells
            single = tuple(name for name in names if name and names.count(name) == 1)
            accepted: list[tuple[int, tuple[str, ...]]] = []
            quarantined: list[tuple[int, str]] = []
            for batch in read_batches(path, source, file=0, columns=single, batch_bytes=window):
                rows = batch.raw.rows
                cells = rows.drop(ORIGIN).rows() if single else [()] * rows.height
                accepted += zip(rows.get_column(LINE).to_list(), cells, strict=True)
                told = batch.findings.rows.join(batch.faulty.rows, on=ORIGIN, how="semi")
                quarantined += told.select(LINE, "code").rows()
        except SourceUnusable as refused:
            return Outcome(refused=refused.message)
    return Outcome(single, len(single) == len(names), tuple(accepted), tuple(quarantined))


# -- what must hold -------------------------------------------------------------------------------


def wrong_with(mutant: Mutant, window: int) -> str:
    """Say what does not hold of a mutant, or ""."""
    got = read(mutant.data, mutant.source, window)
    if got != read(mutant.data, mutant.source, 1 << 20):
        return f"a window of {window} bytes reads otherwise"
    if mutant.source in OTHERS:
        begins = [line for line, _ in (*got.accepted, *got.quarantined)]
        return "a line begins two records" if len(set(begins)) < len(begins) else ""
    text = _text(mutant.data, mutant.source.encoding)
    if text is None:
        return ""
    table = _strict_table(text, mutant.source)
    lines = _LINE_END.split(text)
    if got.refused:
        something = any(line.strip(mutant.source.delimiter) for line in lines)
        if table is not None and something and "\ufffd" not in text and "\0" not in text:
            return f"refused a sound table: {got.refused}"
        return ""
    return _unsound(got, lines, mutant.source) or _unlike(got, table, text, mutant.source)


def _text(data: bytes, encoding: str) -> str | None:
    """The text as it is meant, with a mark for each broken byte; None where lines cannot be known."""
    if encoding == "utf-16" and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None  # which way round is not guessed
    errors = "replace" if encoding in _BY_BYTES else "strict"
    try:
        return data.decode(encoding, errors).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None


def _unsound(got: Outcome, lines: Sequence[str], source: Source) -> str:
    """What is wrong with the lines of the records, or with their cells as these lines have them."""
    if not got.whole:
        return ""
    header = next((at for at, line in enumerate(lines, 1) if line.strip(source.delimiter)), 0)
    header_ends = header + sum(len(_LINE_END.findall(name)) for name in got.columns)
    taken: Counter[int] = Counter(range(header, header_ends + 1))
    starts = sorted([line for line, _ in (*got.accepted, *got.quarantined)])
    for line, code in got.quarantined:
        # a record with a broken byte, a zero or a lone carriage return may have line ends all the same
        behind = next((start for start in starts if start > line), len(lines) + 1)
        several = (
            code in ("R102", "R105", "R106")
            and len(_rows("\n".join(lines[line - 1 : behind - 1]), source)) == 1
        )
        taken.update(range(line, behind if several else line + 1))
    for line, cells in got.accepted:
        ends = line + sum(len(_LINE_END.findall(cell)) for cell in cells)
        taken.update(range(line, ends + 1))
        own = _rows("\n".join(lines[line - 1 : ends]), source)
        if [[_plain(cell) for cell in row] for row in own] != [[_plain(cell) for cell in cells]]:
            return f"line {line} was read as {cells!r}, and has {own!r}"
    twice = [line for line, times in taken.items() if times > 1]
    if twice:
        return f"line {min(twice)} is in two records"
    first = lines[header - 1] if header else ""
    lost = [
        at
        for at, line in enumerate(lines, 1)
        if not _is_left_out(line, first, source) and at >= header and at not in taken
    ]
    return f"line {lost[0]} is in no record" if lost else ""


def _is_left_out(line: str, header: str, source: Source) -> bool:
    """Nothing but delimiters, or the header again."""
    again = source.delimiter in header and line.removeprefix("\ufeff") == header
    return not line.strip(source.delimiter) or again


def _unlike(
    got: Outcome, table: list[tuple[int, list[str]]] | None, text: str, source: Source
) -> str:
    """How a sound table was read otherwise than the csv module reads it."""
    if table is None or not got.whole or "\0" in text or "\ufffd" in text:
        return ""
    lines = _LINE_END.split(text)
    alone = "\r" in text.replace("\r\n", "")
    sound = [
        each for each in got.quarantined if each[1] != "R107" and not (each[1] == "R106" and alone)
    ]
    if sound:
        return f"quarantined {sound[:3]} of a sound table"
    if got.quarantined:  # two stray quotes, or a carriage return of which nobody knows what it does
        return ""
    rows = [each for each in table if lines[each[0] - 1].strip(source.delimiter)]
    header = lines[rows[0][0] - 1] if rows else ""
    expected = tuple(
        (line, tuple(row))
        for line, row in rows[1:]
        if not _is_left_out(lines[line - 1], header, source)
    )
    if got.accepted != expected:
        pairs = zip(got.accepted, expected, strict=False)
        first = next((pair for pair in pairs if pair[0] != pair[1]), None)
        return f"{len(got.accepted)} records for {len(expected)}, the first that differs: {first!r}"
    return ""


def _plain(cell: str) -> str:
    return _LINE_END.sub("\n", cell)


def _rows(text: str, source: Source) -> list[list[str]]:
    """Records as the csv module reads them, strictly; none where it finds fault."""
    return [row for _, row in _numbered(text, source)]


def _strict_table(text: str, source: Source) -> list[tuple[int, list[str]]] | None:
    """The records of a file that is a table in the eyes of the csv module, with their lines."""
    table = _numbered(text, source)
    widths = {len(row) for _, row in table}
    # of one column the csv module cannot tell an empty cell from an empty line
    return table if len(widths) == 1 and widths != {1} else None


def _numbered(text: str, source: Source) -> list[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=source.delimiter, strict=True,
        quotechar=source.quote, quoting=csv.QUOTE_NONE if source.quote is None else csv.QUOTE_MINIMAL,
    )  # fmt: skip
    found: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in reader:
            if row:
                if (
                    source.quote
                    and any(source.quote in cell for cell in row)
                    and _loose(text, source)
                ):
                    return []
                found.append((before + 1, row))
            before = reader.line_num
    except csv.Error:
        return []
    return found


def _loose(text: str, source: Source) -> bool:
    """Whether a quote stands inside of an unquoted cell, which the csv module lets pass even strictly."""
    quote, delimiter = re.escape(source.quote or ""), re.escape(source.delimiter)
    quoted = f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}"
    plain = f"[^{quote}{delimiter}\r\n]*"
    cell = f"(?:{quoted}|{plain})"
    record = f"{cell}(?:{delimiter}{cell})*"
    return re.fullmatch(f"(?:{record}(?:\r\n|\n|\r))*(?:{record})?", text) is None


# -- mutants --------------------------------------------------------------------------------------


class Damage:
    """Makes mutants, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - damage need not be secret
        self._samples = [
            each.text.decode(each.dialect.encoding) for each in every()
            if not each.kind.endswith("in a row") and len(each.header) < 20
        ]  # fmt: skip

    def next(self) -> Mutant:
        """The next mutant."""
        rng = self._random
        source = rng.choice((*DIALECTS, *OTHERS))
        text = rng.choice(self._samples)
        lines = text.splitlines(keepends=True)
        text = "".join(lines[: rng.randint(1, 6)])
        if rng.random() < 0.8:
            text = text.replace(",", source.delimiter).replace('"', source.quote or "")
            if source.record_end is not None:
                text = text.replace("\r\n", source.record_end)
        kinds = []
        for _ in range(rng.randint(0, 5)):
            kind = rng.choice(("insert", "insert", "delete", "double", "swap", "truncate", "blank"))
            text = self._changed(kind, text)
            kinds.append(kind)
        data = text.encode(source.encoding, "replace")
        if rng.random() < 0.2 and data:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
            kinds.append("byte")
        return Mutant("+".join(sorted(set(kinds))) or "none", data, source)

    def _changed(self, kind: str, text: str) -> str:
        rng = self._random
        at = rng.randrange(len(text) + 1)
        lines = text.splitlines(keepends=True) or [""]
        line = rng.randrange(len(lines))
        match kind:
            case "insert":
                return text[:at] + "".join(rng.choices(SPECIAL, k=rng.randint(1, 3))) + text[at:]
            case "delete":
                return text[:at] + text[at + rng.randint(1, 9) :]
            case "double":
                return "".join([*lines[: line + 1], *lines[line:]])
            case "swap":
                lines[line], lines[0] = lines[0], lines[line]
                return "".join(lines)
            case "blank":
                return "".join(
                    [*lines[:line], rng.choice(("\n", "\r\n", "\r", " \n")), *lines[line:]]
                )
            case _:
                return text[:at]

    def window(self) -> int:
        """A window to read the next mutant with."""
        return self._random.choice(WINDOWS)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Let what takes longer raise Slow; a loop that no signal interrupts ends the process."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Slow(f"took more than {seconds:g} s of work")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of work: a busy machine is no hang
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def judged(mutant: Mutant, window: int) -> str:
    """Say what does not hold of a mutant, an exception and the time it takes included."""
    try:
        with limited(SECONDS_MAX):
            return wrong_with(mutant, window)
    except Exception as error:  # noqa: BLE001 - any exception is a finding here
        return f"{type(error).__name__}: {error}"


def fuzz(
    *, seed: int, seconds: float | None = None, count: int | None = None
) -> tuple[list[str], Counter[str], float]:
    """Read mutants for so long, or so many: what did not hold, what became of them, the slowest in s."""
    damage = Damage(seed)
    wrong: list[str] = []
    kinds: Counter[str] = Counter()
    slowest = 0.0
    end = time.monotonic() + seconds if seconds is not None else None
    number = 0
    while (end is None or time.monotonic() < end) and (count is None or number < count):
        mutant, window = damage.next(), damage.window()
        begun = time.perf_counter()
        said = judged(mutant, window)
        slowest = max(slowest, time.perf_counter() - begun)
        kinds["wrong" if said else "sound"] += 1
        if said:
            wrong.append(
                f"mutant {number} of seed {seed} ({mutant.kind}; {mutant.source}; "
                f"window {window}): {said}\n  {mutant.data!r}"
            )
        number += 1
    return wrong, kinds, slowest


def guided(seconds: float) -> None:
    """Let libFuzzer make the mutants; it ends the process when one is wrong."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    def one(data: bytes) -> None:
        if len(data) < 2:
            return
        source = (*DIALECTS, *OTHERS)[data[0] % len((*DIALECTS, *OTHERS))]
        mutant = Mutant("guided", data[2:], source)
        said = judged(mutant, WINDOWS[data[1] % len(WINDOWS)])
        if said:
            raise AssertionError(said)

    with tempfile.TemporaryDirectory() as corpus:
        for at, each in enumerate(every()):
            if not each.kind.endswith("in a row") and len(each.text) < 1 << 12:
                (Path(corpus) / str(at)).write_bytes(bytes([at % 256, at % 256]) + each.text)
        for function in _functions_of_the_reader():
            atheris.instrument_func(function)
        atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", "-timeout=30", corpus], one)
        atheris.Fuzz()


def _functions_of_the_reader() -> Iterator[FunctionType]:
    modules = [each for name, each in sys.modules.items() if name.startswith("pipeline.read")]
    for module in modules:
        for each in vars(module).values():
            if isinstance(each, FunctionType) and each.__module__ == module.__name__:
                yield each


def main() -> int:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--atheris", action="store_true")
    chosen = options.parse_args()
    csv.field_size_limit(1 << 30)
    if chosen.atheris:
        guided(chosen.minutes * 60)
        return 0
    wrong, kinds, slowest = fuzz(seed=chosen.seed, seconds=chosen.minutes * 60)
    for each in wrong[:20]:
        sys.stdout.write(each + "\n")
    sys.stdout.write(
        f"{kinds.total():,} mutants of seed {chosen.seed} in {chosen.minutes:g} min, slowest "
        f"{slowest * 1000:.0f} ms: {len(wrong)} wrong\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
