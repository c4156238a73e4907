"""Segments of messages to the tree of their loops, and what stands where it should not.

All messages of one type in a piece are followed at once. Most tags have one place in a message, so
their slot is known without looking back; the others are followed from the segment before them, one
step for all at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.model.edi.envelope import Problem, place_of
from pipeline.model.edi.tags import TAG_IDS
from pipeline.read.edi.grammar import Grammar, Step
from pipeline.read.edi.problems import Limit
from pipeline.read.edi.segments import Bools, Ints, Segments

# Levels that name their parent themselves, and the elements with their own id and their parent's.
_NUMBERED = {"HL": (1, 2), "CPS": (1, 2)}
_SHOWN = 80
_ID_MAX = 1 << 31  # beyond it an id is compared as text
_STEPS_TOGETHER = 64  # below this many segments a step is not worth an array operation


@dataclass(frozen=True)
class Bodies:
    """The messages of one type in a piece, one behind the other.

    `at` are indices of their segments, header and trailer included; `begin` and `end` the first
    and last place in `at` of each message, `number` the message's number in the file. `slot` is
    each segment's place in the grammar.
    """

    segments: Segments
    grammar: Grammar
    at: Ints
    begin: Ints
    end: Ints
    number: Ints
    slot: NDArray[np.int16]
    step: NDArray[np.uint8]

    @cached_property
    def tag(self) -> NDArray[np.uint8]:
        """The tag ids of the segments."""
        return self.segments.tag[self.at]

    @cached_property
    def message(self) -> Ints:
        """The index in `begin` of each segment's message."""
        marks = np.zeros(len(self.at), np.int64)
        marks[self.begin[1:]] = 1
        return np.cumsum(marks)


@dataclass(frozen=True)
class Tree:
    """The levels of messages as nodes, parents before children.

    `first` is the place in `at` of a node's first segment, `parent` its parent's index, -1 for a
    message, `slot` the slot of its trigger, `message` the index of its message. `node` is the node
    of every segment in `at`.
    """

    bodies: Bodies
    first: Ints
    parent: Ints
    slot: NDArray[np.int16]
    message: Ints
    node: Ints


def follow(segments: Segments, grammar: Grammar, begin: Ints, end: Ints, number: Ints) -> Bodies:
    """Find the slot of every segment of messages that go from `begin` to `end` (indices, inclusive)."""
    size = end - begin + 1
    first = np.zeros(len(begin), np.int64)
    np.cumsum(size[:-1], out=first[1:])
    at = np.arange(int(size.sum())) + np.repeat(begin - first, size)
    tag = segments.tag[at]
    slot = grammar.fixed[tag]
    slot[first] = 0
    front = np.flatnonzero((slot < 0) & (np.append(-1, slot[:-1]) >= 0))
    while len(front) > _STEPS_TOGETHER:
        slot[front] = grammar.next[slot[front - 1], tag[front]]
        front += 1
        front = front[front < len(slot)]
        front = front[slot[front] < 0]
    for place in front.tolist():
        here = place
        while here < len(slot) and slot[here] < 0:
            slot[here] = grammar.next[slot[here - 1], tag[here]]
            here += 1
    step = np.zeros(len(at), np.uint8)
    step[1:] = grammar.step[slot[:-1], tag[1:]]
    step[first] = Step.FINE
    return Bodies(segments, grammar, at, first, first + size - 1, number, slot, step)


def tree(bodies: Bodies) -> tuple[Tree, list[Problem]]:
    """Build the levels; gives problems of numbered parents (E205, E206) too."""
    grammar = bodies.grammar
    is_level = np.zeros(len(grammar.slots), np.bool_)
    is_level[[0, *grammar.levels()]] = True
    is_node = is_level[bodies.slot] & (bodies.step != Step.UNDEFINED)
    is_node[bodies.begin] = True
    first = np.flatnonzero(is_node)
    slot = bodies.slot[first]
    message = bodies.message[first]
    node = np.cumsum(is_node) - 1
    owner = grammar.owner[bodies.slot]
    astray = np.flatnonzero(slot[node] != owner)
    for level in np.unique(owner[astray]).tolist():
        at = astray[owner[astray] == level]
        last = _last(slot == level)[node[at]]
        known = (last >= 0) & (message[np.maximum(last, 0)] == bodies.message[at])
        node[at[known]] = last[known]
    _keep_moved(bodies, is_node, owner, slot, node)
    parent, problems = _parents(bodies, first, slot, message)
    return Tree(bodies, first, parent, slot, message, node), problems


def _keep_moved(
    bodies: Bodies, is_node: Bools, owner: NDArray[np.int16], slot: NDArray[np.int16], node: Ints
) -> None:
    """Leave moved segments in the node in which they stand, not in the one that their slot belongs to.

    A reference behind CNI would else be one of the whole message, and of all other consignments.
    Behind an innermost level it goes outwards: what stands behind the lines of a carton is the
    carton's.
    """
    begins = is_node.copy()
    begins[1:] |= owner[1:] != owner[:-1]
    first = np.flatnonzero(begins)  # of each run of segments with one owner
    moved = (bodies.step[first] == Step.MOVED) & ~is_node[first]
    if not moved.any():
        return
    grammar = bodies.grammar
    rows = grammar.message.rows
    inner = [number for number in grammar.levels() if grammar.slots[number].loops[-1].name in rows]
    home = node[first[_last(~moved)]]
    stays = moved & ~np.isin(slot[home], inner)
    run = np.cumsum(begins) - 1
    here = np.flatnonzero(stays[run])
    node[here] = home[run[here]]


def _last(chosen: Bools) -> Ints:
    """For each place, the last chosen one up to it, or -1."""
    return np.maximum.accumulate(np.where(chosen, np.arange(len(chosen)), -1))


def _parents(
    bodies: Bodies, first: Ints, slot: NDArray[np.int16], message: Ints
) -> tuple[Ints, list[Problem]]:
    grammar = bodies.grammar
    message_node = np.flatnonzero(slot == 0)
    parent = message_node[message].copy()
    parent[message_node] = -1
    problems: list[Problem] = []
    for level in grammar.levels():
        mine = np.flatnonzero(slot == level)
        if not len(mine):
            continue
        around = int(grammar.outer[level])
        if around:
            last = _last(slot == around)[mine]
            other = _outer_of(grammar, level)
            if other:  # a moved one stands in whichever of them began last
                nearest = _last(np.isin(slot, [around, *other]))[mine]
                last = np.where(bodies.step[first[mine]] == Step.MOVED, nearest, last)
            known = (last >= 0) & (message[np.maximum(last, 0)] == message[mine])
            parent[mine[known]] = last[known]
        tag = grammar.slots[level].tag
        if tag in _NUMBERED:
            problems += _numbered(bodies, first, message, mine, tag, parent)
    return parent, problems


def _outer_of(grammar: Grammar, level: int) -> list[int]:
    """The levels around others of the same name: STS stands in EQD and in CNI."""
    tag = grammar.slots[level].tag
    same = (number for number in grammar.levels() if grammar.slots[number].tag == tag)
    return [
        int(grammar.outer[number]) for number in same if number != level and grammar.outer[number]
    ]


def _numbered(
    bodies: Bodies, first: Ints, message: Ints, mine: Ints, tag: str, parent: Ints
) -> list[Problem]:
    """Set parents that the segments name themselves; complain about what cannot be."""
    segments = bodies.segments
    own, above = _NUMBERED[tag]
    at = bodies.at[first[mine]]
    own_at, above_at = segments.bounds(at, own), segments.bounds(at, above)
    ids, wanted = segments.numbers(*own_at), segments.numbers(*above_at)
    has_parent = above_at[1] > above_at[0]
    if not _small(ids).all() or not _small(wanted[has_parent]).all():
        ids, wanted = _as_numbers(segments, own_at, above_at)
    # the usual file numbers its levels from 1, so the parent's place is its number
    base = np.searchsorted(message[mine], message[mine])
    place = np.arange(len(mine)) - base
    problems: list[Problem] = []
    if (ids == place + 1).all():
        found = base + wanted - 1
        good = has_parent & (wanted >= 1) & (found < np.arange(len(mine)))
        parent[mine[good]] = mine[found[good]]
    else:
        good = _looked_up(message[mine], ids, wanted, has_parent, mine, parent)
        key = message[mine] * (int(ids.max()) + 2) + ids
        twice = np.setdiff1d(np.arange(len(mine)), np.unique(key, return_index=True)[1])
        problems += _said(bodies, "E206", first[mine[twice]], own)
    lost = np.flatnonzero(has_parent & ~good)
    return problems + _said(bodies, "E205", first[mine[lost]], above)


def _small(ids: Ints) -> Bools:
    """Which ids are numbers that can be reckoned with; -1 is no number."""
    return (ids >= 0) & (ids < _ID_MAX)


def _said(bodies: Bodies, code: str, places: Ints, element: int) -> list[Problem]:
    limit = Limit()
    number = bodies.number[bodies.message[places]]
    chosen = limit.choose(code, bodies.segments, bodies.at[places], number)
    return [_at(bodies, place, code, element) for place in places[chosen].tolist()] + [
        *limit.rest()
    ]


def _looked_up(
    message: Ints, ids: Ints, wanted: Ints, has_parent: Bools, mine: Ints, parent: Ints
) -> Bools:
    high = max(int(ids.max()), int(wanted.max())) + 2
    key = message * high + ids
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    goal = message * high + wanted
    found = np.minimum(np.searchsorted(ordered, goal), len(ordered) - 1)
    hit = order[found]
    good: Bools = has_parent & (ordered[found] == goal) & (hit < np.arange(len(mine)))
    parent[mine[good]] = mine[hit[good]]
    return good


def _as_numbers(
    segments: Segments, own: tuple[Ints, Ints], above: tuple[Ints, Ints]
) -> tuple[Ints, Ints]:
    """Ids that are text as numbers: the same text is the same number."""
    texts = pl.concat([segments.texts(*own), segments.texts(*above)]).fill_null("")
    numbers = texts.rank("dense").to_numpy().astype(np.int64)
    return numbers[: len(own[0])], numbers[len(own[0]) :]


def problems_of(bodies: Bodies) -> list[Problem]:
    """Say what is missing, moved, undefined or too often (E201-E204)."""
    limit = Limit()
    often = _too_often(bodies)
    odd = {
        "E201": bodies.step == Step.SKIPPED,
        "E202": bodies.step == Step.UNDEFINED,
        "E203": bodies.step == Step.MOVED,
        "E204": often,
    }
    found: list[Problem] = []
    for code, which in odd.items():
        places = np.flatnonzero(which)
        number = bodies.number[bodies.message[places]]
        chosen = limit.choose(code, bodies.segments, bodies.at[places], number)
        for place in places[chosen].tolist():
            found += _problems_at(bodies, place, code)
    return [*found, *limit.rest()]


def _problems_at(bodies: Bodies, place: int, code: str) -> Iterator[Problem]:
    grammar = bodies.grammar
    here, before = int(bodies.slot[place]), int(bodies.slot[place - 1])
    text = bodies.segments.tag_text(int(bodies.at[place]))[:_SHOWN]
    match code:
        case "E201":
            for lacking in grammar.missing.get((before, int(bodies.tag[place])), ()):
                yield _problem(bodies, place, code, lacking)
        case "E202":
            yield _problem(bodies, place, code, text, grammar.message.type)
        case "E203":
            path = grammar.slots[here].path or grammar.message.type
            yield _problem(bodies, place, code, text, path)
        case _:
            yield _problem(bodies, place, code, text, str(grammar.most[here]))


def _too_often(bodies: Bodies) -> Bools:
    """Segments that stand in their slot, or begin their loop, once more than allowed."""
    often = np.zeros(len(bodies.slot), np.bool_)
    defined = np.flatnonzero(bodies.step != Step.UNDEFINED)
    slot, grammar = bodies.slot[defined], bodies.grammar
    changes = np.ones(len(slot), np.bool_)
    changes[1:] = slot[1:] != slot[:-1]
    changes[np.isin(defined, bodies.begin)] = True  # headers of messages may follow each other
    run = np.arange(len(slot)) - _last(changes)
    is_trigger = np.array([each.begins is not None for each in grammar.slots])
    often[defined] = (run == grammar.most[slot]) & ~is_trigger[slot]
    for trigger in np.flatnonzero(is_trigger).tolist():
        mine = np.flatnonzero(slot == trigger)
        if len(mine) <= grammar.most[trigger]:
            continue
        instance = np.searchsorted(np.flatnonzero(slot == grammar.around[trigger]), mine)
        rank = np.arange(len(mine)) - np.searchsorted(instance, instance)
        often[defined[mine[rank == grammar.most[trigger]]]] = True
    return often


def _problem(
    bodies: Bodies,
    place: int,
    code: str,
    value: str = "",
    detail: str = "",
    column: str | None = None,
) -> Problem:
    segments, at = bodies.segments, int(bodies.at[place])
    line = int(segments.lines(np.array([at]))[0])
    number = int(bodies.number[bodies.message[place]])
    return Problem(code, line, segments.ordinal + at, value, detail, column, number)


def _at(bodies: Bodies, place: int, code: str, element: int) -> Problem:
    segments, at = bodies.segments, int(bodies.at[place])
    column = place_of(segments.delimiters.syntax, segments.tag_text(at), element)
    return _problem(bodies, place, code, segments.text(at, element), column=column)


def count_of(bodies: Bodies, tag: str) -> Ints:
    """How many segments with a tag each message has."""
    hits = bodies.message[bodies.tag == TAG_IDS[tag]]
    return np.bincount(hits, minlength=len(bodies.begin))
