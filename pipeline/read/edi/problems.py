"""How much of what is odd about an EDI file is said."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pipeline.model.edi.envelope import Problem
from pipeline.read.edi.segments import Ints, Segments

SAME_MAX = 20  # of one code in one message, or of one code about the file as a whole
MORE = "E125"


class Limit:
    """Lets the first problems of a code and message through and counts the others.

    So a damaged or hostile file of a million mistakes makes no million findings.
    """

    def __init__(self, most: int = SAME_MAX) -> None:
        self._most = most
        self._said: Counter[tuple[str, int]] = Counter()
        self._over: Counter[tuple[str, int]] = Counter()
        self._first: dict[tuple[str, int], Problem] = {}

    def admit(self, problem: Problem) -> bool:
        """Tell whether a problem is to be said; counts it otherwise."""
        key = (problem.code, problem.message)
        self._said[key] += 1
        if self._said[key] <= self._most:
            return True
        self._left_out(key, 1, problem.line, problem.segment)
        return False

    def room(self, code: str, message: int = -1) -> int:
        """How many more are said."""
        return max(0, self._most - self._said[code, message])

    def leave_out(self, first: Problem, count: int) -> None:
        """Count problems that are like the first of them and are not said."""
        self._left_out((first.code, first.message), count, first.line, first.segment)

    def choose(self, code: str, segments: Segments, at: Ints, number: Ints) -> Ints:
        """Choose what is to be said of many: gives places in `at`, some of each message.

        `at` are the segments' indices, in file order, `number` the numbers of their messages.
        """
        rank = np.arange(len(at)) - np.searchsorted(number, number)
        over = np.flatnonzero(rank >= self._most)
        messages, first, counts = np.unique(number[over], return_index=True, return_counts=True)
        for message, index, count in zip(messages, over[first], counts, strict=True):
            line = int(segments.lines(at[index : index + 1])[0])
            self._left_out(
                (code, int(message)), int(count), line, segments.ordinal + int(at[index])
            )
        return np.flatnonzero(rank < self._most)

    def _left_out(self, key: tuple[str, int], count: int, line: int, segment: int) -> None:
        self._over[key] += count
        if key not in self._first:
            code, message = key
            self._first[key] = Problem(MORE, line, segment, detail=code, message=message)

    def rest(self) -> Iterator[Problem]:
        """What was not said, one problem for each code and message; begins anew."""
        for key, problem in self._first.items():
            yield replace(problem, value=f"{self._over[key]:,}")
        for counted in (self._said, self._over, self._first):
            counted.clear()
