"""Damages EDI interchanges at random and reads them: `python -m tests.fuzz_edi --count 100000 --seed 1`.

What must hold of every mutant:

- it is read without an exception, in less than a few seconds;
- segments, messages, their counts and all findings about envelopes are those of the second reader
  (`tests.edi.oracle`), in windows of any size;
- nothing is lost without a word: where there is no finding at all, there are as many segments as
  in the original, and where only whole segments were dropped, doubled or cut off, it is unchanged;
- of every eighth: texts are those of the second reader, findings the same in a window of any size.

Two halves of different files may make a whole one that nothing is wrong with. A flipped letter in a name, or two references in another order, cannot be noticed by anybody.
"""

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass

from pipeline.model.stops import StopRun
from pipeline.read.edi.batches import is_error
from tests.edi import oracle
from tests.edi.reading import Read, differences, differing_texts, inside, read
from tests.edi.samples import all_samples

WINDOWS = (48, 64, 150, 400, 1 << 22)
SECONDS_MAX = 5.0
SPECIAL = b"*+:~'?>^|\n\r \x00\x1d\x1c0AISUNBZE\xc3\xa9\xff"
KINDS = frozenset({"850", "856", "945", "DESADV", "IFTSTA", "ORDERS"})
WHOLE = frozenset({"drop", "double", "truncate"})


@dataclass(frozen=True)
class Mutant:
    """A damaged interchange and how it came about."""

    kind: str
    data: bytes
    original: bytes


class Damage:
    """Makes mutants of the samples, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - damage need not be secret
        self._samples = [(data, self._spans(data)) for data in all_samples()]

    @staticmethod
    def _spans(data: bytes) -> list[tuple[int, int]]:
        starts = [each.start for each in oracle.read(data).segments]
        return list(zip(starts, [*starts[1:], len(data)], strict=True))

    def next(self) -> Mutant:
        """The next mutant."""
        data, spans = self._random.choice(self._samples)
        kind = self._random.choice(("flip", "flip", "drop", "double", "swap", "truncate", "insert",
                                    "delete", "splice", "several"))  # fmt: skip
        if kind != "several":
            return Mutant(kind, self._changed(kind, data, spans), data)
        changed = data
        for _ in range(self._random.randint(2, 5)):
            step = self._random.choice(("flip", "truncate", "insert", "delete", "drop"))
            changed = self._changed(
                step, changed, [e for e in spans if e[1] <= len(changed)] or [(0, 0)]
            )
        return Mutant(kind, changed, data)

    def _changed(self, kind: str, data: bytes, spans: list[tuple[int, int]]) -> bytes:
        rng = self._random
        begin, end = rng.choice(spans)
        at = rng.randrange(len(data) + 1)
        match kind:
            case "flip":
                at = min(at, len(data) - 1)
                byte = rng.choice(SPECIAL) if rng.random() < 0.5 else rng.randrange(256)
                return data[:at] + bytes([byte]) + data[at + 1 :] if data else data
            case "drop":
                return data[:begin] + data[end:]
            case "double":
                return data[:end] + data[begin:end] + data[end:]
            case "swap":
                low, high = sorted((rng.choice(spans), (begin, end)))
                if low[1] > high[0]:
                    return data
                return data[: low[0]] + data[high[0] : high[1]] + data[low[1] : high[0]] + data[low[0] : low[1]] + data[high[1] :]  # fmt: skip
            case "truncate":
                return data[:at]
            case "insert":
                return data[:at] + bytes(rng.choices(SPECIAL, k=rng.randint(1, 4))) + data[at:]
            case "delete":
                return data[:at] + data[at + rng.randint(1, 12) :]
            case _:
                other, _ = rng.choice(self._samples)
                return data[:at] + other[rng.randrange(len(other)) :]

    def window(self) -> int:
        """A window to read the next mutant with."""
        return self._random.choice(WINDOWS)


def texts(data: bytes) -> list[list[list[bytes]]]:
    """The elements of all segments."""
    return [each.elements for each in oracle.read(data).segments]


def _said(result: Read) -> list[str]:
    """All findings of a file, whatever their order."""
    return sorted(map(repr, [*result.envelopes.problems, *inside(result)]))


def wrong_with(mutant: Mutant, window: int, *, thorough: bool) -> str:
    """What does not hold of a mutant, or ""."""
    expected = oracle.read(mutant.data)
    try:
        result = read(mutant.data, window)
    except StopRun as stop:
        return "" if not expected.interchanges else f"refused: {stop.message}"
    found = differences(result, expected)
    if thorough and not found:
        found = differing_texts(result, expected)
        if _said(result) != _said(read(mutant.data)):
            found.append("what is said depends on the window")
    if found:
        return "; ".join(found)
    problems = list(result.envelopes.problems)
    if thorough or not any(is_error(each) for each in problems):
        problems += inside(result)
    kinds = result.envelopes.messages.get_column("type").to_list()
    if problems or not expected.interchanges or not KINDS.issuperset(kinds):
        return ""  # a type that is not read is said by the mapping's reader (E208)
    before = oracle.read(mutant.original)
    if mutant.kind in ("truncate", "several") and expected.interchanges < before.interchanges:
        return ""  # cut off between two interchanges
    if mutant.kind != "splice" and len(before.segments) != len(expected.segments):
        return f"{len(before.segments)} segments became {len(expected.segments)} without a word"
    if mutant.kind in WHOLE and texts(mutant.original) != texts(mutant.data):
        return "segments changed without a word"
    return ""


def fuzz(count: int, seed: int) -> tuple[list[str], Counter[str], float]:
    """Read so many mutants: what did not hold, how many of each kind, the slowest in seconds."""
    damage = Damage(seed)
    wrong: list[str] = []
    kinds: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        mutant, window = damage.next(), damage.window()
        kinds[mutant.kind] += 1
        begun = time.perf_counter()
        try:
            said = wrong_with(mutant, window, thorough=number % 8 == 0)
        except Exception as error:  # noqa: BLE001 - any exception is a finding here
            said = f"{type(error).__name__}: {error}"
        took = time.perf_counter() - begun
        slowest = max(slowest, took)
        if took > SECONDS_MAX:
            said = said or f"took {took:.1f} s"
        if said:
            wrong.append(f"mutant {number} ({mutant.kind}, window {window}): {said}\n  {mutant.data!r}")  # fmt: skip
    return wrong, kinds, slowest


def main() -> int:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--count", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    begun = time.perf_counter()
    wrong, kinds, slowest = fuzz(chosen.count, chosen.seed)
    took = time.perf_counter() - begun
    for each in wrong[:20]:
        sys.stdout.write(each + "\n")
    sys.stdout.write(
        f"{chosen.count:,} mutants of seed {chosen.seed} in {took:.0f} s "
        f"({chosen.count / took:,.0f} a second, slowest {slowest * 1000:.0f} ms): "
        f"{len(wrong)} wrong; {', '.join(f'{kind} {number:,}' for kind, number in sorted(kinds.items()))}\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
