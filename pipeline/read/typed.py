"""Records of several types in one file: which each is, what its cells are called, what it belongs to.

A record says by a code which type it is; the mapping says what the cells of each type are (`source.records`). Of all
of them comes one table: a column for each name, empty where a type has none, and one with the type. A record
belongs to the nearest one above it of the type that its own is under, and cells of that one are repeated
on it. So the order of a line follows from nothing but its place in the file, and a mistake there would give
it to another customer's order. Therefore:

* a record below one that cannot be read, or below one whose type nobody knows (it may begin an order), is not
  read either (R116), until one comes that does;
* a record above which there is none that it could belong to is no part of the order before (R115): no
  other type that its own is under, directly or by another, may stand between;
* all of these have the cells of the one above all the same, as far as they are known: good for holding that order
  back, and for nothing else.

The table is made window by window; what the next one may belong to is kept between them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.mapping.plan import RecordType, RecordTypes, Source
from pipeline.read.cells import split_cells
from pipeline.read.decoding import shown
from pipeline.read.header import Header
from pipeline.read.outline import beginning_with
from pipeline.read.parted import good_cells
from pipeline.read.records import Fault, Records
from pipeline.read.spelling import Spelling

_UNKNOWN = -1  # among the numbers of types
_NONE = -1  # among places: nowhere
# Whatever is wrong with these, they are whole records of their type.
_WHOLE = (Fault.NONE, Fault.BYTE, Fault.NUL, Fault.LENGTH)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Told:
    """Records with what is wrong with them by their types, in file order, and their cells.

    `cells` has a row for each of `records`, good and faulty, with "" for what a type does not have.
    `problems` are value and detail of findings by the index of their record. `ignored` are the
    lines in the window of records that are no rows.
    """

    records: Records
    cells: pl.DataFrame
    problems: Mapping[int, tuple[str, str]]
    ignored: Ints


@dataclass(frozen=True, slots=True)
class _Above:
    """What records may still belong to: the last ones of each type, in file order.

    `bad` are those of which nothing may be said for certain, `line` is where each stands.
    """

    kind: NDArray[np.int16]
    bad: Bools
    line: Ints
    cells: pl.DataFrame


class TypedRecords:
    """Tells the records of one file apart; takes them in the order of the file."""

    def __init__(
        self, source: Source, types: RecordTypes, spelling: Spelling, columns: Sequence[str], name: str
    ) -> None:  # fmt: skip
        """Begin a file of which `columns` are wanted; `name` is how messages call it."""
        self._types = types
        self._spelling = spelling
        # a table needs a column to have rows
        self._columns = tuple(columns) or (types.column,)
        self._name = name
        self._numbers = {each.code: number for number, each in enumerate(types.types)}
        self._lengths = [_lengths(each, source) for each in types.types]
        self._trimmed = source.trimmed
        self._physical = Header(tuple("" for _ in range(self._widest())), 0, 1, 0, uneven=True)
        nothing = pl.DataFrame(schema=dict.fromkeys(self._columns, pl.String()))
        none = np.zeros(0, np.int64)
        self._above = _Above(none.astype(np.int16), none.astype(np.bool_), none, nothing)

    @property
    def width(self) -> int:
        """How many cells the longest type has."""
        return self._physical.width

    def _widest(self) -> int:
        if self._types.place is not None:
            return 1
        return max(self._types.cell, *(len(each.names) for each in self._types.types), 1)

    def tell(self, window: bytes, records: Records, line: int) -> Told:
        """Tell the records of a window, the line 0 of which is `line`, or some of them."""
        good = np.flatnonzero(records.fault == Fault.NONE)
        bad = np.flatnonzero(records.fault != Fault.NONE)
        read = self._read(window, records.where(good))
        guessed = self._guessed(window, records, bad)
        at = pl.Series("at", np.concatenate([good, bad]), pl.Int64)
        frame = pl.concat([read, guessed]).insert_column(0, at).sort("at").drop("at")
        kind = frame.get_column("kind").to_numpy()
        fault = records.fault.copy()
        # first, for whole orders may lie in a cell of a record that is ignored, or has another fault
        fault[self._swallowing(window, records)] = Fault.SWALLOWED
        records = replace(records, fault=fault)
        keep = ~self._left_out(kind, frame.get_column("code"), fault)
        if not keep.all():
            frame = frame.filter(pl.Series(keep))
            kind, ignored, records = kind[keep], records.line[~keep], records.where(keep)
        else:
            ignored = np.zeros(0, np.int64)
        problems: dict[int, tuple[str, str]] = {}
        fault = self._judged(records, frame, kind, problems)
        fault, cells = self._joined(records, kind, fault, frame, line, problems)
        return Told(replace(records, fault=fault), cells, problems, ignored)

    # -- what a record is by itself ---------------------------------------------------------------

    def _read(self, window: bytes, records: Records) -> pl.DataFrame:
        """The wanted cells of well-formed records, with their type and the number of their characters."""
        places = {str(at): at for at in range(self._physical.width)}
        if self._types.place is None:
            used = {self._types.cell - 1} | {
                at for each in self._types.types
                for at, name in enumerate(each.names) if name in self._columns
            }  # fmt: skip
            places = {str(at): at for at in sorted(used)}
        rows = good_cells(window, records, self._spelling, self._physical, places, self._name)
        return self._named(rows)

    def _named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Give cells their names by the type of each record."""
        code = self._code().str.strip_chars()
        codes, numbers = list(self._numbers), list(self._numbers.values())
        kind = code.replace_strict(codes, numbers, default=_UNKNOWN, return_dtype=pl.Int16())
        length = pl.col("0").str.len_chars() if self._types.place is not None else pl.lit(0)
        with_kind = rows.lazy().with_columns(
            kind.alias("kind"), code.alias("code"), length.alias("length").cast(pl.Int64)
        )
        last = (
            pl.col("0").str.ends_with(" ") if self._types.place is not None else pl.lit(value=False)
        )
        return with_kind.select(
            "kind", "code", "length", last.alias("blank"), *(self._cell(name).alias(f"c.{name}") for name in self._columns)
        ).collect()  # fmt: skip

    def _code(self) -> pl.Expr:
        place = self._types.place
        if place is None:
            return pl.col(str(self._types.cell - 1))
        return pl.col("0").str.slice(place.first - 1, (place.last or place.first) - place.first + 1)

    def _cell(self, name: str) -> pl.Expr:
        if name == self._types.column:
            return pl.col("code")
        made = pl.lit("")
        for number, each in enumerate(self._types.types):
            cell = _own_cell(each, name)
            if cell is not None:
                made = pl.when(pl.col("kind") == number).then(cell).otherwise(made)
        return made

    def _guessed(self, window: bytes, records: Records, at: Ints) -> pl.DataFrame:
        """The same of records with a fault, one by one, as well as can be."""
        wide = [str(number) for number in range(self._physical.width)]
        rows = []
        for start, stop in zip(records.start[at].tolist(), records.stop[at].tolist(), strict=True):
            text = self._spelling.worked(self._spelling.body(window[start:stop]))
            cells = [shown(each) for each in split_cells(text, self._spelling).values]
            if self._types.place is not None:
                cells = [shown(self._spelling.told(text))]
            rows.append([cells[each] if each < len(cells) else "" for each in range(len(wide))])
        return self._named(pl.DataFrame(rows, dict.fromkeys(wide, pl.String()), orient="row"))

    def _left_out(
        self, kind: NDArray[np.int16], code: pl.Series, fault: NDArray[np.uint8]
    ) -> Bools:
        """Which records are no rows: they are whole, and the mapping ignores their type.

        A type that differs from a declared one by capitals, or by what cannot be seen, is none of the others.
        """
        ignored = [number for number, each in enumerate(self._types.types) if each.ignored]
        out = np.isin(kind, ignored) & np.isin(fault, _WHOLE)
        if self._types.others_ignored:
            declared = _alike(pl.Series(list(self._numbers), dtype=pl.String))
            meant = _alike(code).is_in(declared.implode()).to_numpy()
            out |= (kind == _UNKNOWN) & (fault == Fault.NONE) & ~meant
        return out

    def _judged(
        self, records: Records, frame: pl.DataFrame, kind: NDArray[np.int16],
        problems: dict[int, tuple[str, str]],
    ) -> NDArray[np.uint8]:  # fmt: skip
        """Add the faults of records that are not as their type says."""
        fault = records.fault.copy()
        fine = fault == Fault.NONE
        fault[fine & (kind == _UNKNOWN)] = Fault.TYPE
        codes = frame.get_column("code")
        for at in np.flatnonzero(fault == Fault.TYPE).tolist():
            problems[at] = f'"{shown(codes[at])}"', ""
        length = frame.get_column("length").to_numpy()
        blank = frame.get_column("blank").to_numpy()
        for number, each in enumerate(self._types.types):
            mine = fine & (kind == number)
            if self._types.place is None:
                wrong = mine & (records.cells != len(each.names))
                fault[wrong] = Fault.CELLS
                for at in np.flatnonzero(wrong).tolist():
                    problems[at] = str(records.cells[at]), f"{len(each.names)} in type {each.code}"
                continue
            least, most = self._lengths[number]
            wrong = mine & (length < least) & (blank | (not self._trimmed))
            wrong |= mine & (length > (most if most is not None else length))
            fault[wrong] = Fault.LENGTH
            for at in np.flatnonzero(wrong).tolist():
                problems[at] = "", f"{length[at]:,} characters, those of type {each.code} {'at least ' if most is None else ''}{least:,}"  # fmt: skip
        return fault

    def _swallowing(self, window: bytes, records: Records) -> Bools:
        """Which records have a line in a quoted cell that looks like a whole record of a declared type.

        Two stray quotes make one record of all between them, and whole orders may be there.
        """
        found = np.zeros(len(records.line), np.bool_)
        several = records.next_line - records.line > 1
        if self._types.place is not None or not several.any():
            return found
        data = np.frombuffer(window, np.uint8)
        starts = np.flatnonzero(data == ord("\n")) + 1
        of = np.searchsorted(records.start, starts, side="right") - 1
        inner = (of >= 0) & (starts > records.start[of]) & (starts < records.stop[of])
        starts, of = starts[inner], of[inner]
        if not len(starts):
            return found
        ends = np.append(np.flatnonzero(data == ord("\n")), len(data))
        stops = ends[np.searchsorted(ends, starts)]
        stops -= data[stops - 1] == ord("\r")
        marks = np.flatnonzero(data == self._spelling.marks.delimiter)
        first = np.searchsorted(marks, starts)
        cells = np.searchsorted(marks, stops) - first + 1
        # where the cell with the type begins and ends, in lines that have as many
        told = cells >= self._types.cell
        starts, stops, of, cells, first = (each[told] for each in (starts, stops, of, cells, first))
        borders = np.append(marks, len(data))
        last = first + self._types.cell - 1
        begins = starts if self._types.cell == 1 else borders[last - 1] + 1
        sizes = np.minimum(borders[last], stops) - begins
        for each in self._types.types:
            code = each.code.encode()
            like = (sizes == len(code)) & beginning_with(code, window, begins, sizes)
            found[of[like & (cells == len(each.names))]] = True
        return found

    # -- what it belongs to -----------------------------------------------------------------------

    def _joined(
        self, records: Records, kind: NDArray[np.int16], fault: NDArray[np.uint8], frame: pl.DataFrame,
        line: int, problems: dict[int, tuple[str, str]],
    ) -> tuple[NDArray[np.uint8], pl.DataFrame]:  # fmt: skip
        """Add the faults of records that belong to nothing certain, and cells of those they belong to."""
        fault = fault.copy()
        above = self._above
        before = len(above.kind)
        own = frame.select(pl.col(f"c.{name}").alias(name) for name in self._columns)
        cells = pl.concat([above.cells, own])
        # in a cell of such a record there may be a header that nobody has seen
        kind = np.where(fault == Fault.SWALLOWED, np.int16(_UNKNOWN), kind)
        kinds = np.concatenate([above.kind, kind])
        bad = np.concatenate([above.bad, fault != Fault.NONE])
        lines = np.concatenate([above.line, records.line + line])
        new = np.arange(len(kinds)) >= before
        unknown = _last(kinds == _UNKNOWN)
        for number, each in enumerate(self._types.types):
            if each.under is None:
                continue
            at = np.flatnonzero((kinds == number) & new)
            home = _last(kinds == self._numbers[each.under])[at]
            cut = _last(np.isin(kinds, [*self._over(each.under)]))[at]
            nowhere = home <= cut
            unsure = unknown[at] > np.maximum(home, cut)
            lost = unsure | (~nowhere & bad[np.maximum(home, 0)])
            free = fault[at - before] == Fault.NONE
            for index, what in (
                (at[lost & free], Fault.BELOW),
                (at[nowhere & ~lost & free], Fault.ORPHAN),
            ):
                fault[index - before] = what
            blame = np.where(unsure, unknown[at], home)
            for index, on in zip(
                at[lost & free].tolist(), blame[lost & free].tolist(), strict=True
            ):
                problems[index - before] = each.code, f" (line {lines[on]})"
            for index in at[nowhere & ~lost & free].tolist():
                problems[index - before] = each.code, f" (one of type {each.under})"
            bad[at] |= lost | nowhere
            known = ~nowhere | (unsure & (home > _NONE))
            cells = self._with_inherited(cells, each.inherits, at[known], home[known])
            # the order that it stands under is not whole without it, so that one is held
            inside = nowhere & ~unsure & (cut > _NONE)
            cells = self._with_inherited(cells, each.inherits, at[inside], cut[inside])
        known_before = _last(kinds != _UNKNOWN)
        at = np.flatnonzero((kinds == _UNKNOWN) & new & (known_before > _NONE))
        shared = {name for each in self._types.types for name in each.inherits}
        cells = self._with_inherited(cells, sorted(shared), at, known_before[at])
        self._keep(kinds, bad, lines, cells)
        return fault, cells.slice(before)

    def _over(self, code: str | None) -> Iterator[int]:
        """The types that one stands under, directly or by another."""
        each = self._types.of(code or "")
        while each is not None and each.under is not None:
            yield self._numbers[each.under]
            each = self._types.of(each.under)

    def _with_inherited(
        self, cells: pl.DataFrame, names: Sequence[str], at: Ints, home: Ints
    ) -> pl.DataFrame:
        wanted = [name for name in names if name in self._columns]
        if not wanted or not len(at):
            return cells
        index = np.arange(cells.height)
        index[at] = home
        return cells.with_columns(pl.col(wanted).gather(pl.Series(index, dtype=pl.UInt32())))

    def _keep(self, kinds: NDArray[np.int16], bad: Bools, lines: Ints, cells: pl.DataFrame) -> None:
        """Keep the last record of each type to which those of the next window may belong."""
        last = {
            number: int(np.flatnonzero(kinds == number)[-1])
            for number in (_UNKNOWN, *range(len(self._types.types))) if (kinds == number).any()
        }  # fmt: skip
        left = sorted(
            at for number, at in last.items()
            if number == _UNKNOWN
            or all(at > last.get(over, _NONE) for over in self._over(self._types.types[number].code))
        )  # fmt: skip
        # a copy of these rows alone: the window is not to be kept with them
        kept = pl.DataFrame(cells[left].to_dict(as_series=False), schema=cells.schema)
        self._above = _Above(kinds[left], bad[left], lines[left], kept)


def _last(which: Bools) -> Ints:
    """Of each place the last one before or at it that is meant; -1 for none."""
    places = np.where(which, np.arange(len(which)), _NONE)
    found: Ints = np.maximum.accumulate(places) if len(places) else places
    return found


def _alike(codes: pl.Series) -> pl.Series:
    """Codes without capitals, and without blanks and what cannot be seen, such as byte order marks."""
    return codes.str.to_lowercase().str.replace_all(r"[\p{C}\s]", "")


def _own_cell(each: RecordType, name: str) -> pl.Expr | None:
    """A cell of a record by its name; None where its type does not have it."""
    if name in each.names:
        return pl.col(str(each.names.index(name))).fill_null("")
    place = next((position for position in each.positions if position.name == name), None)
    if place is None:
        return None
    size = None if place.last is None else place.last - place.first + 1
    return pl.col("0").str.slice(place.first - 1, size)


def _lengths(each: RecordType, source: Source) -> tuple[int, int | None]:
    """The fewest and the most characters that a line of a type has; None for any number."""
    ends = [place.first - 1 if place.last is None else place.last for place in each.positions]
    declared = each.length or source.length
    least = declared or max([*ends, *([source.records.place.last or 0] if source.records and source.records.place else [])], default=0)  # fmt: skip
    open_end = declared is None and any(place.last is None for place in each.positions)
    return least, None if open_end or each.ignored else least
