"""A message's definition as a table: from each place, by the next tag, to the next place.

The walk is the standard one (X12.6 §3, ISO 9735 annex on message structure): onward in the
present loop, again from its beginning, then onward in the loop around it. Real files keep less
order than standards want, so a tag that is not found this way is taken where it stands earlier in
the loop, or anywhere in the message, and the table says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.model.edi.definition import Loop, Message, Syntax, Use
from pipeline.model.edi.tags import TAG_IDS, TAGS


class Step(IntEnum):
    """How a segment relates to the one before."""

    FINE = 0
    SKIPPED = 1  # a mandatory segment is missing before it
    MOVED = 2  # it stands in another place than the standard's
    UNDEFINED = 3  # the message has no such segment


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a segment in a message.

    `loops` are the loops around it, outermost first; `begins` the loop whose trigger it is.
    """

    tag: str
    must: bool
    most: int
    loops: tuple[Loop, ...]
    begins: Loop | None

    @property
    def path(self) -> str:
        """The loops around the place: "LX/N1"."""
        return "/".join(each.name for each in self.loops)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The tables of one message; slot 0 is its header (ST, UNH), the last one its trailer.

    `next` and `step` are indexed by slot and tag id. `fixed` is the one slot of a tag, or -1 where
    the tag has several. `owner` is the slot of the trigger of the innermost level loop around a
    slot, 0 for the message itself; `outer` the owner around that. `around` is, for the
    trigger of a loop, that of the loop around it, 0 for the message.
    """

    message: Message
    slots: tuple[Slot, ...]
    next: NDArray[np.int16]
    step: NDArray[np.uint8]
    fixed: NDArray[np.int16]
    most: NDArray[np.int64]
    owner: NDArray[np.int16]
    outer: NDArray[np.int16]
    around: NDArray[np.int16]
    missing: dict[tuple[int, int], tuple[str, ...]] = field(repr=False)

    @property
    def end(self) -> int:
        """The slot of the trailer."""
        return len(self.slots) - 1

    def levels(self) -> tuple[int, ...]:
        """The slots that begin levels."""
        return tuple(
            number for number, slot in enumerate(self.slots)
            if slot.begins is not None and slot.begins.level
        )  # fmt: skip


ENVELOPE = {Syntax.X12: ("ST", "SE"), Syntax.EDIFACT: ("UNH", "UNT")}


@cache
def grammar_of(message: Message) -> Grammar:
    """Compile a message's definition."""
    return _Compiler(message).grammar()


@dataclass(frozen=True, slots=True)
class _Place:
    """A part of a loop with its first slot and the tag that leads there."""

    slot: int
    tag: str
    must: bool


class _Compiler:
    def __init__(self, message: Message) -> None:
        self._message = message
        header, trailer = ENVELOPE[message.syntax]
        self._slots: list[Slot] = [Slot(header, must=True, most=1, loops=(), begins=None)]
        self._inside: dict[int, list[_Place]] = {}  # parts of a loop, by the slot of its trigger
        self._around: list[tuple[int, ...]] = [()]  # trigger slots of the loops around a slot
        root = [_Place(0, header, must=True)]
        root += list(self._placed(message.parts, (), ()))
        root.append(_Place(len(self._slots), trailer, must=True))
        self._slots.append(Slot(trailer, must=True, most=1, loops=(), begins=None))
        self._around.append(())
        self._inside[-1] = root
        self._index = {
            place.slot: number for parts in self._inside.values()
            for number, place in enumerate(parts) if number or place.slot == 0
        }  # fmt: skip
        self._firsts: dict[str, int] = {}
        for number, slot in enumerate(self._slots):
            self._firsts.setdefault(slot.tag, number)

    def _placed(
        self, parts: tuple[Use | Loop, ...], loops: tuple[Loop, ...], around: tuple[int, ...]
    ) -> Iterator[_Place]:
        for part in parts:
            number = len(self._slots)
            if isinstance(part, Use):
                self._slots.append(Slot(part.tag, part.must, part.most, loops, None))
                self._around.append(around)
                yield _Place(number, part.tag, part.must)
                continue
            trigger = part.parts[0]
            if isinstance(trigger, Loop):
                message = f"the loop {part.name} of {self._message.type} begins with a loop"
                raise TypeError(message)
            inner, deeper = (*loops, part), (*around, number)
            self._slots.append(Slot(trigger.tag, part.must, part.most, inner, part))
            self._around.append(deeper)
            self._inside[number] = [_Place(number, trigger.tag, trigger.must)]
            self._inside[number] += list(self._placed(part.parts[1:], inner, deeper))
            yield _Place(number, trigger.tag, part.must)

    def grammar(self) -> Grammar:
        size, tags = len(self._slots), len(TAGS)
        following = np.repeat(np.arange(size, dtype=np.int16)[:, None], tags, axis=1)
        step = np.full((size, tags), Step.UNDEFINED, np.uint8)
        missing: dict[tuple[int, int], tuple[str, ...]] = {}
        used = sorted({slot.tag for slot in self._slots[1:]})
        for here in range(size):
            for tag in used:
                number = TAG_IDS[tag]
                there, how, lacking = self._walk(here, tag)
                following[here, number] = there
                step[here, number] = how
                if lacking:
                    missing[here, number] = lacking
        places: dict[str, list[int]] = {}
        for number, slot in enumerate(self._slots):
            places.setdefault(slot.tag, []).append(number)
        fixed = np.full(tags, -1, np.int16)
        for tag, slots in places.items():
            if len(slots) == 1:
                fixed[TAG_IDS[tag]] = slots[0]
        owner = [self._owner(around) for around in self._around]
        return Grammar(
            self._message, tuple(self._slots), following, step, fixed,
            np.array([slot.most for slot in self._slots], np.int64),
            np.array(owner, np.int16),
            np.array([self._owner(around[: around.index(own)]) if own else 0
                      for own, around in zip(owner, self._around, strict=True)], np.int16),
            np.array([([0, *around])[-2] if around else 0 for around in self._around], np.int16),
            missing,
        )  # fmt: skip

    def _owner(self, around: tuple[int, ...]) -> int:
        levels = [number for number in around if self._begun(number).level]
        return levels[-1] if levels else 0

    def _begun(self, number: int) -> Loop:
        loop = self._slots[number].begins
        if loop is None:
            message = f"slot {number} of {self._message.type} begins no loop"
            raise TypeError(message)
        return loop

    def _walk(self, here: int, tag: str) -> tuple[int, Step, tuple[str, ...]]:
        """The next slot for a tag, how it was found, and the mandatory tags passed over."""
        chain = (-1, *self._around[here])
        lacking: list[str] = []
        inner = here
        for depth in range(len(chain) - 1, -1, -1):
            parts = self._inside[chain[depth]]
            index = 0 if inner == chain[depth] else self._index[inner]
            repeats = inner == here and parts[index].tag == tag
            if repeats and (index > 0 or depth == 0):
                return here, Step.FINE, ()
            skipped: list[str] = []
            for place in parts[index + 1 :]:
                if place.tag == tag:
                    lacking += skipped
                    earlier = self._earlier(here, tag, chain) if lacking else None
                    if earlier is not None:  # a moved segment is likelier than a lost one
                        return earlier, Step.MOVED, ()
                    return place.slot, Step.SKIPPED if lacking else Step.FINE, tuple(lacking)
                if place.must:
                    skipped.append(place.tag)
            lacking += skipped
            if depth and parts[0].tag == tag:
                return chain[depth], Step.SKIPPED if lacking else Step.FINE, tuple(lacking)
            inner = chain[depth]
        return self._elsewhere(tag, chain), Step.MOVED, ()

    def _earlier(self, here: int, tag: str, chain: tuple[int, ...]) -> int | None:
        """A place before this one in the loops around it, innermost first."""
        for depth in range(len(chain) - 1, -1, -1):
            for place in self._inside[chain[depth]]:
                if place.tag == tag and place.slot < here:
                    return place.slot
        return None

    def _elsewhere(self, tag: str, chain: tuple[int, ...]) -> int:
        for depth in range(len(chain) - 1, -1, -1):
            for place in self._inside[chain[depth]]:
                if place.tag == tag:
                    return place.slot
        return self._firsts[tag]
