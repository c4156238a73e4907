"""Trees of messages to rows: one per innermost level, each column looked up from there outwards.

Everything stays positions until the end: a path gives, for each node, where its values lie in the
text; a row takes those of the nearest node that has any; only then are texts cut out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipeline.mapping.plan import Condition, ExtractColumn, ExtractPath, ExtractPlan, SegmentPick
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Envelopes, Problem, place_of
from pipeline.model.edi.tags import TAG_IDS
from pipeline.model.origin import (
    COPIES_MAX,
    COPY_BITS,
    FILE,
    LINE,
    MESSAGE,
    ORIGIN_SCHEMA,
    SEGMENT,
)
from pipeline.read.edi.problems import Limit
from pipeline.read.edi.segments import Bools, Ints, Segments
from pipeline.read.edi.structure import Bodies, Tree

_INTERCHANGE_TAGS = frozenset({"ISA", "UNB"})
_GROUP_TAGS = frozenset({"GS", "UNG"})
# What is said of a party is taken from one: the name of one with the address of another is nobody's.
_PARTY_TAGS = frozenset({"N1", "NAD"})
_NOWHERE, _NOT_FURTHER = -1, -2  # a node without a value; one that nevertheless ends the search
_RANGE_MAX = COPIES_MAX
_PADDING_MAX = 80  # blanks of an element with a fixed length
_SHOWN = 200
_ALL = 40  # elements that `*` looks at in a segment without a list of its own


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of some messages: ORIGIN, MESSAGE and a String column per extract column, "" for nothing.

    `message` is the index of each row's message among the bodies' messages.
    """

    table: pl.DataFrame
    message: Ints
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Hits:
    """Where values lie, in file order: the node, the place in `at`, and the first and last byte.

    `low` and `high` are the end of a range of numbers, equal where there is none.
    """

    node: Ints
    place: Ints
    begin: Ints
    end: Ints
    low: Ints
    high: Ints


def extract(
    tree: Tree, plan: ExtractPlan, columns: Sequence[str], envelopes: Envelopes, file: int
) -> Rows:
    """Make the rows of the messages of a tree.

    `columns` are the extract columns that are wanted; `file` is the ordinal for ORIGIN.
    """
    return _Extraction(tree, plan, envelopes).rows(columns, file)


class _Extraction:
    def __init__(self, tree: Tree, plan: ExtractPlan, envelopes: Envelopes) -> None:
        self._tree = tree
        self._bodies: Bodies = tree.bodies
        self._segments: Segments = tree.bodies.segments
        self._plan = plan
        self._envelopes = envelopes
        self._problems: list[Problem] = []
        self._names: dict[str, Bools] = {}
        self._limit = Limit()

    def rows(self, columns: Sequence[str], file: int) -> Rows:
        nodes = self._row_nodes()
        wanted = [column for column in self._plan.columns if column.name in columns]
        table = pl.DataFrame({"node": nodes}).with_row_index("row")
        plain = {column.name: self._first_of(column, nodes) for column in wanted if not column.each}
        table = table.with_columns(
            pl.Series(name, values, pl.String) for name, values in plain.items()
        )
        copy = np.zeros(len(nodes), np.int64)
        for column in wanted:
            if column.each:
                values = self._each_of(column, nodes)
                table = table.join(values, on="node", how="left", maintain_order="left")
        if any(column.each for column in wanted):
            copy = table.select(pl.int_range(pl.len()).over("row")).to_series().to_numpy()
            nodes = table.get_column("node").to_numpy()
            over = np.flatnonzero(copy > COPIES_MAX)
            if len(over):
                self._say(
                    "E308",
                    self._tree.first[nodes[over[:1]]],
                    str(int(copy.max()) + 1),
                    str(COPIES_MAX + 1),
                )
                keep = copy <= COPIES_MAX
                table, nodes, copy = table.filter(pl.Series(keep)), nodes[keep], copy[keep]
        at = self._bodies.at[self._tree.first[nodes]]
        origin = pl.DataFrame(
            {
                FILE: np.full(len(nodes), file, np.uint32),
                LINE: self._segments.lines(at).astype(np.uint32),
                SEGMENT: ((self._segments.ordinal + at) | (copy << COPY_BITS)).astype(np.uint32),
            },
            schema=ORIGIN_SCHEMA,
        )
        cells = table.select(pl.col(name).fill_null("") for name in columns)
        problems = (*self._problems, *self._limit.rest())
        message = self._tree.message[nodes]
        number = pl.Series(MESSAGE, self._bodies.number[message].astype(np.uint32))
        return Rows(origin.hstack([number]).hstack(cells), message, problems)

    # -- rows -------------------------------------------------------------------------------

    def _row_nodes(self) -> Ints:
        """The innermost nodes; levels inside one that the mapping makes rows of do not count."""
        tree = self._tree
        chosen = np.zeros(len(tree.first), np.bool_)
        for name in self._plan.rows:
            chosen |= self._named(name)
        parent = tree.parent
        # each round looks twice as far up, so that a deep tree is no trap
        inside, above = np.zeros(len(parent), np.bool_), parent.copy()
        inside[parent >= 0] = chosen[parent[parent >= 0]]
        while (above >= 0).any():
            has = np.flatnonzero(above >= 0)
            inside[has] |= inside[above[has]]
            above[has] = above[above[has]]
        stays = chosen | ~inside
        # an item in an order in a pack: the order does not count, so the item is the pack's
        outer = parent.copy()
        while len(passed := np.flatnonzero((outer >= 0) & ~stays[outer])):
            outer[passed] = outer[outer[passed]]
        has_child = np.zeros(len(tree.first), np.bool_)
        has_child[outer[stays & (outer >= 0)]] = True
        return np.flatnonzero(stays & ~has_child)

    def _named(self, name: str) -> Bools:
        """Which nodes have a level's name: the loop's, or HL-03."""
        if name not in self._names:
            self._names[name] = self._with_name(name)
        return self._names[name]

    def _with_name(self, name: str) -> Bools:
        tree, grammar = self._tree, self._bodies.grammar
        named = np.zeros(len(tree.first), np.bool_)
        levels = grammar.levels()
        for slot in (0, *levels):
            begins = grammar.slots[slot].begins
            known = begins.name if begins is not None else grammar.slots[slot].tag
            if known == name:
                named |= tree.slot == slot
            elif grammar.slots[slot].tag == "HL":
                mine = np.flatnonzero(tree.slot == slot)
                at = self._bodies.at[tree.first[mine]]
                named[mine] |= self._segments.equal(
                    *self._trimmed(at, 3, 0, len(name.encode())), name.encode()
                )
        return named

    # -- values -----------------------------------------------------------------------------

    def _first_of(self, column: ExtractColumn, nodes: Ints) -> pl.Series:
        values: pl.Series | None = None
        for path in column.paths:
            if path.segment.tag in _INTERCHANGE_TAGS | _GROUP_TAGS:
                found = self._of_header(path, nodes)
            else:
                found = self._nearest(column, path, nodes)
            values = found if values is None else _filled(values, found)
            if not values.null_count():
                break
        return values if values is not None else pl.Series([None] * len(nodes), dtype=pl.String)

    def _nearest(self, column: ExtractColumn, path: ExtractPath, nodes: Ints) -> pl.Series:
        hits = self._hits(path)
        first = np.full(len(self._tree.first), _NOWHERE, np.int64)
        order = np.arange(len(hits.node))
        if _party_of(path).tag in _PARTY_TAGS and _party_of(path).conditions:
            hits, mine = self._of_one_party(path, hits, first)
            order = np.flatnonzero(mine)
        first[hits.node[order[::-1]]] = order[::-1]
        self._say_several(column, path, hits, first)
        found = self._up(first, nodes)
        if not len(hits.node):
            return pl.Series([None] * len(nodes), dtype=pl.String)
        # one text per place, then one reference per row: outer levels repeat for all their rows
        texts = self._segments.texts(hits.begin, hits.end)
        index = pl.Series(found)
        return texts.gather(index.set(index < 0, None))

    def _of_one_party(self, path: ExtractPath, hits: _Hits, first: Ints) -> tuple[_Hits, Bools]:
        """Hits of the party that counts in each node, and which of them are of its first segment.

        Of `[1=ST|CN]` that is the ST; the CN only where the node has no ST. A node that has a party
        ends the search in `first`: what its segments leave empty is not that of a party further out.
        """
        tree, bodies, pick = self._tree, self._bodies, _party_of(path)
        begins = np.flatnonzero(bodies.tag == TAG_IDS[pick.tag])
        starts, _ = self._meeting(begins, pick)
        if path.level:
            starts = starts[self._at_level(path)[tree.node[starts]]]
        rank = self._rank(starts, pick)
        node = tree.node[starts]
        order = np.lexsort((starts, rank, node))
        node, where = np.unique(node[order], return_index=True)
        chosen, best = (np.full(len(tree.first), -1, np.int64) for _ in range(2))
        chosen[node], best[node] = starts[order][where], rank[order][where]
        first[node] = _NOT_FURTHER
        # the segment that began the loop of each hit, or the hit itself
        own = begins[np.searchsorted(begins, hits.place, side="right") - 1]
        keep = np.flatnonzero(np.isin(own, starts))
        held = own[keep]
        keep = keep[best[tree.node[held]] == rank[np.searchsorted(starts, held)]]
        kept = _Hits(*(each[keep] for each in (
            hits.node, hits.place, hits.begin, hits.end, hits.low, hits.high)))  # fmt: skip
        return kept, chosen[tree.node[own[keep]]] == own[keep]

    def _rank(self, places: Ints, pick: SegmentPick) -> Ints:
        """Which value of the first condition with several each segment has, in the order of the path."""
        rank = np.zeros(len(places), np.int64)
        several = (each for each in pick.conditions if len(each.values) > 1 and not each.negated)
        condition = next(several, None)
        if condition is None or condition.element == 0:
            return rank
        for number, value in enumerate(condition.values):
            one = replace(condition, values=(value,))
            rank[self._holds(self._bodies.at[places], one, condition.element)] = number
        return rank

    def _up(self, first: Ints, nodes: Ints) -> Ints:
        """For each node, the entry of `first` of itself or the nearest node around it, or below 0."""
        found, above = first.copy(), self._tree.parent.copy()
        while True:  # each round looks twice as far up
            open_ = np.flatnonzero((found == _NOWHERE) & (above >= 0))
            if not len(open_):
                return found[nodes]
            found[open_] = found[above[open_]]
            above[open_] = above[above[open_]]

    def _each_of(self, column: ExtractColumn, nodes: Ints) -> pl.DataFrame:
        """Every value of a column: `node` (one of `nodes`) and the column, a row per value."""
        left = np.unique(nodes)
        frames = []
        for path in column.paths:
            hits = self._hits(path, every=True)
            holder = np.full(len(self._tree.first), -1, np.int64)
            holder[hits.node] = hits.node
            found = self._up(holder, left)
            values = self._expanded(hits, path).rename({"value": column.name})
            near = pl.DataFrame({"node": left, "holder": found}).filter(pl.col("holder") >= 0)
            frames.append(
                near.join(values, on="holder", how="inner", maintain_order="left_right").drop(
                    "holder"
                )
            )
            left = left[found < 0]
            if not len(left):
                break
        return pl.concat(frames).unique(maintain_order=True)

    def _expanded(self, hits: _Hits, path: ExtractPath) -> pl.DataFrame:
        """`holder` (node) and `value`; ranges written out."""
        texts = self._segments.texts(hits.begin, hits.end)
        frame = pl.DataFrame({"holder": hits.node, "value": texts})
        ranged = np.flatnonzero(hits.high > hits.low)
        if not len(ranged):
            return frame
        last = self._segments.texts(hits.low[ranged], hits.high[ranged]).to_list()
        lists: list[list[str | None]] = [[value] for value in texts.to_list()]
        for index, end in zip(ranged.tolist(), last, strict=True):
            begin = str(texts[index])
            numbers = expand(begin, end)
            if numbers is None:
                self._say("E308", hits.place[index : index + 1], f"{begin}..{end}", path.text)
            else:
                lists[index] = list(numbers)
        return frame.with_columns(pl.Series("value", lists, pl.List(pl.String))).explode("value")

    def _say_several(
        self, column: ExtractColumn, path: ExtractPath, hits: _Hits, first: Ints
    ) -> None:
        """E307 where a node has other values than the one that is used."""
        extra = np.flatnonzero(first[hits.node] != np.arange(len(hits.node)))
        ranged = np.flatnonzero(hits.high > hits.low)
        if len(extra):
            extra = extra[first[hits.node[extra]] >= 0]
            used = first[hits.node[extra]]
            one = self._segments.texts(hits.begin[extra], hits.end[extra])
            other = self._segments.texts(hits.begin[used], hits.end[used])
            extra = extra[(one != other).fill_null(value=True).to_numpy()]
        if len(extra):
            extra = extra[np.unique(hits.node[extra], return_index=True)[1]]
        spots = np.union1d(extra, ranged).astype(np.int64)
        place = hits.place[spots]
        number = self._bodies.number[self._bodies.message[place]]
        chosen = self._limit.choose("E307", self._segments, self._bodies.at[place], number)
        for index in spots[chosen].tolist():
            value = self._segments.plain(int(hits.begin[index]), int(hits.end[index]))
            self._say("E307", hits.place[index : index + 1], value, path.text, column.name)

    # -- where values lie ---------------------------------------------------------------------

    def _hits(self, path: ExtractPath, *, every: bool = False) -> _Hits:
        """Where the values of a path are; of a pair that `*` finds the first, or `every` one."""
        bodies = self._bodies
        places = np.flatnonzero(bodies.tag == TAG_IDS.get(path.segment.tag, 255))
        places, matched = self._meeting(places, path.segment)
        if every:
            places, matched = self._further(places, matched, path.segment)
        if path.within is not None:
            inside = self._inside(places, path.within)
            places, matched = places[inside], matched[inside]
        if path.level:
            at_level = self._at_level(path)[self._tree.node[places]]
            places, matched = places[at_level], matched[at_level]
        return self._values_of(path, places, matched)

    def _at_level(self, path: ExtractPath) -> Bools:
        """Which nodes are of the level that a path names, and meet its conditions."""
        named = self._named(path.level)
        if path.level_conditions:
            pick = SegmentPick(tag="", conditions=path.level_conditions)
            good, _ = self._meeting(self._tree.first, pick)
            met = np.zeros(len(self._bodies.at), np.bool_)
            met[good] = True
            named = named & met[self._tree.first]
        return named

    def _values_of(self, path: ExtractPath, places: Ints, matched: Ints) -> _Hits:
        at = self._bodies.at[places]
        base = matched + path.after if path.element == 0 else np.full(len(at), path.element)
        component = path.component or self._first_component
        pieces = []
        for step in range(path.last_element - path.element + 1):
            element = base + step
            there = np.flatnonzero(self._segments.elements[at] >= element)
            begin, end = self._segments.bounds_at(at[there], element[there], component)
            low = high = np.zeros(len(there), np.int64)
            if path.to_component:
                low, high = self._segments.bounds_at(at[there], element[there], path.to_component)
            elif path.to_element:
                last = path.to_element + (base[there] - path.after if path.after else 0)
                last = np.minimum(last, self._segments.elements[at[there]])
                low, high = self._segments.bounds_at(at[there], last, component)
                # a segment that ends before its range does holds one number
                high = np.where(last > element[there], high, low)
            full = np.flatnonzero(end > begin)
            pieces.append((places[there][full], np.full(len(full), step), begin[full], end[full],
                           low[full], high[full]))  # fmt: skip
        place, order, begin, end, low, high = (
            np.concatenate(each) for each in zip(*pieces, strict=True)
        )
        if len(pieces) > 1:
            by = np.lexsort((order, place))
            place, begin, end, low, high = place[by], begin[by], end[by], low[by], high[by]
        return _Hits(self._tree.node[place], place, begin, end, low, high)

    @property
    def _first_component(self) -> int:
        return 1 if self._segments.delimiters.syntax is Syntax.EDIFACT else 0

    def _meeting(self, places: Ints, pick: SegmentPick) -> tuple[Ints, Ints]:
        """The places whose segments meet all conditions, and the element that `*` found in each."""
        matched = np.zeros(len(places), np.int64)
        for condition in pick.conditions:
            at = self._bodies.at[places]
            if condition.element == 0:
                found = self._search(at, condition, pick.among)
                keep = found > 0
                matched = np.where(keep, found, matched)
            else:
                keep = self._holds(at, condition, condition.element)
            places, matched = places[keep], matched[keep]
        return places, matched

    def _further(self, places: Ints, matched: Ints, pick: SegmentPick) -> tuple[Ints, Ints]:
        """The places and elements of `_meeting`, and the further elements in which `*` holds."""
        sought = next((each for each in pick.conditions if each.element == 0), None)
        if sought is None or not len(places):
            return places, matched
        found = [(places, matched)]
        while len(places):
            beyond = self._search(self._bodies.at[places], sought, pick.among, matched)
            places, matched = places[beyond > 0], beyond[beyond > 0]
            found.append((places, matched))
        places, matched = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.lexsort((matched, places))
        return places[order], matched[order]

    def _search(
        self, at: Ints, condition: Condition, among: tuple[int, ...], beyond: Ints | None = None
    ) -> Ints:
        """The first element that holds a condition, 0 where none does; `beyond` are ones to step over."""
        found = np.zeros(len(at), np.int64)
        most = int(self._segments.elements[at].max()) if len(at) else 0
        for element in among or range(1, min(most, _ALL) + 1):
            if element > most:
                break
            open_ = np.flatnonzero((found == 0) & (True if beyond is None else beyond < element))
            holds = self._holds(at[open_], condition, element)
            holds &= self._segments.elements[at[open_]] >= element
            found[open_[holds]] = element
        return found

    def _holds(self, at: Ints, condition: Condition, element: int) -> Bools:
        least = min(len(value.encode()) for value in condition.values)
        component = condition.component or self._first_component
        begin, end = self._trimmed(at, element, component, least)
        same = np.zeros(len(at), np.bool_)
        for value in condition.values:
            same |= self._segments.equal(begin, end, value.encode())
        return ~same if condition.negated else same

    def _trimmed(self, at: Ints, element: int, component: int, least: int) -> tuple[Ints, Ints]:
        """An element's bounds without the blanks that fixed-length senders pad with.

        What is not longer than `least` bytes, the shortest text that is asked for, is left alone.
        """
        begin, end = self._segments.bounds(at, element, component)
        text = self._segments.octets
        longer = np.flatnonzero(end - begin > least)
        padded = longer[text[end[longer] - 1] == 0x20]
        for _ in range(_PADDING_MAX):
            if not len(padded):
                break
            end[padded] -= 1
            padded = padded[(end[padded] > begin[padded]) & (text[end[padded] - 1] == 0x20)]
        longer = longer[end[longer] > begin[longer]]
        padded = longer[text[begin[longer]] == 0x20]
        for _ in range(_PADDING_MAX):
            if not len(padded):
                break
            begin[padded] += 1
            padded = padded[(end[padded] > begin[padded]) & (text[begin[padded]] == 0x20)]
        return begin, end

    def _inside(self, places: Ints, within: SegmentPick) -> Bools:
        """Which places lie in a loop that a segment like `within` begins."""
        bodies, grammar = self._bodies, self._bodies.grammar
        # one loop may stand at several places of a message (NAD in the head and in a line): its
        # repetitions are found together, wherever they stand
        triggers: dict[int, list[int]] = {}
        for number, slot in enumerate(grammar.slots):
            if slot.begins is not None and slot.tag == within.tag:
                triggers.setdefault(id(slot.begins), []).append(number)
        inside = np.zeros(len(places), np.bool_)
        slots = bodies.slot[places]
        for numbers in triggers.values():
            begins = grammar.slots[numbers[0]].begins
            mine = np.array([any(each is begins for each in slot.loops) for slot in grammar.slots])
            some = np.flatnonzero(mine[slots])
            starts = np.flatnonzero(np.isin(bodies.slot, numbers))
            if not len(some) or not len(starts):
                continue
            good, _ = self._meeting(starts, within)
            last = np.searchsorted(starts, places[some], side="right") - 1
            own = starts[np.maximum(last, 0)]
            same_message = bodies.message[own] == bodies.message[places[some]]
            inside[some] = (last >= 0) & same_message & np.isin(own, good)
        return inside

    # -- headers ----------------------------------------------------------------------------

    def _of_header(self, path: ExtractPath, nodes: Ints) -> pl.Series:
        """A value of ISA, UNB, GS or UNG: the same for all rows of its messages."""
        numbers = self._bodies.number[self._tree.message[nodes]]
        kind = "interchange" if path.segment.tag in _INTERCHANGE_TAGS else "group"
        index = self._envelopes.messages.get_column(kind).to_numpy()[numbers]
        holders = self._envelopes.interchanges if kind == "interchange" else self._envelopes.groups
        texts = {-1: ""}
        for each in np.unique(index[index >= 0]).tolist():
            whole = [(value,) for value in holders[each].values]
            elements = holders[each].parts or whole
            parts = elements[path.element - 1] if path.element <= len(elements) else ()
            number = (path.component or 1) - 1
            texts[each] = parts[number].strip() if number < len(parts) else ""
        return pl.Series([texts[each] or None for each in index.tolist()], dtype=pl.String)

    def _say(
        self,
        code: str,
        place: Ints,
        value: str,
        detail: str,
        column: str = "",
    ) -> None:
        at = self._bodies.at[place]
        tag = self._segments.tag_text(int(at[0]))
        where = column or place_of(self._segments.delimiters.syntax, tag, 1)
        message = int(self._bodies.number[self._bodies.message[int(place[0])]])
        problem = Problem(
            code, int(self._segments.lines(at)[0]), self._segments.ordinal + int(at[0]),
            value[:_SHOWN], detail, where, message,
        )  # fmt: skip
        if code == "E307" or self._limit.admit(problem):
            self._problems.append(problem)


def _party_of(path: ExtractPath) -> SegmentPick:
    """The segment that says of which party a path speaks, if it speaks of one."""
    return path.within if path.within is not None else path.segment


def _filled(values: pl.Series, more: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(values, more)).to_series()


def expand(first: str, last: str | None) -> list[str] | None:
    """The numbers from one to another, the same text before their digits; None where it makes no sense.

    >>> expand("00340998", "00341001")
    ['00340998', '00340999', '00341000', '00341001']
    >>> expand("AB7", "AC9") is None, expand("9", "7") is None, expand("5", "")
    (True, True, ['5'])
    """
    if not last or first == last:
        return [first]
    if len(first) != len(last):
        return None
    size = len(first)
    while size and first[size - 1].isdecimal() and last[size - 1].isdecimal():
        size -= 1
    if first[:size] != last[:size] or size == len(first):
        return None
    begin, end, width = int(first[size:]), int(last[size:]), len(first) - size
    if not begin <= end or end - begin >= _RANGE_MAX:
        return None
    return [f"{first[:size]}{number:0{width}}" for number in range(begin, end + 1)]
