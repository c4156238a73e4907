"""What an EDI file has of the columns that its messages may have: counted, not guessed.

Every candidate path becomes a column of a mapping that is compiled and read like any other, so what
is counted here is what an import would see.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.paths import read_path
from pipeline.mapping.plan import ExtractPlan
from pipeline.model.edi.candidates import CANDIDATES, Candidate, Candidates, Purpose
from pipeline.model.edi.definition import Message, Syntax
from pipeline.model.edi.envelope import Problem
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.origin import SEGMENT, SEGMENTS_MAX
from pipeline.read import Reading, is_error, messages_read, read_edi_batches, rejections
from pipeline.read.edi.qualifiers import Place, count_qualifiers

# Segments that say by a qualifier what they hold, and the elements where it stands.
_PLACES: Mapping[Syntax, tuple[Place, ...]] = {
    Syntax.X12: (
        Place("REF", (1,)), Place("N9", (1,)), Place("L11", (2,)), Place("DTM", (1,)),
        Place("G62", (1,)), Place("MAN", (1, 4)), Place("N1", (1,)),
        Place("PO1", tuple(range(6, 25, 2))), Place("POC", tuple(range(8, 27, 2))),
        Place("LIN", tuple(range(2, 31, 2))), Place("W01", (4, 6, 15)), Place("W12", (7, 17, 21)),
    ),
    Syntax.EDIFACT: (
        Place("RFF", (1,), 1), Place("DTM", (1,), 1), Place("NAD", (1,), 1),
        Place("GIN", (1,), 1), Place("QTY", (1,), 1), Place("PIA", (2, 3, 4, 5, 6), 2),
    ),
}  # fmt: skip
# Where the value stands beside its qualifier.
_VALUES: Mapping[str, str] = {
    "L11": "L11[2={}].1", "RFF": "RFF[1.1={}].1.2", "DTM": "DTM[1.1={}].1.2",
    "QTY": "QTY[1.1={}].1.2", "PIA": "PIA[*.2={}].*.1", "GIN": "GIN[1={}].2-6",
    **{tag: tag + "[*={}].+1" for tag in ("PO1", "POC", "LIN", "W01", "W12")},
}  # fmt: skip
_RANGE = re.compile(r"^(?P<head>.*?\.\d+)(?:-\d+|\.\.\d+)(?:\.\d+\.\.\d+)?$")
_PLAIN = re.compile(r"[A-Za-z0-9]{1,6}")
_CODES_MAX = 1000  # different values that are counted one by one
_FORMS = ("6", "8", "12", "14")  # digits of dates, and of dates with a time
# What a line may be called by, best first.
LINE_KEYS = ("line_no", "sku", "barcode")
# What may tell the lines of an order apart, best first; FIRST is the first of LINE_KEYS that is there.
FIRST = ("line",)
LINE_IDS = (*((name,) for name in LINE_KEYS), FIRST, ("line_no", "sku"), ("line_no", "barcode"))
_ARTICLE = ("sku", "barcode")
# Columns whose values identify nobody, also not through an order or a parcel.
_NOBODY = frozenset({
    "line_no", "sku", "barcode", "case_code", "article", "qty", "qty_left", "qty_of_pack", "unit",
    "price", "currency", "carrier", "function", "line_action", "country", "region", "event",
    "event_at", "event_date", "event_time", "event_zone", "weight", "weight_unit", "ordered",
    "shipped", "expected", "wanted", "item_level", "above_pack",
})  # fmt: skip
_KEPT_ROWS = 2000
_ADDRESS = ("street", "city", "zip")


@dataclass(slots=True)
class Way:
    """What a file has of one path.

    `first` counts the rows in which no path before it has a value (of an unsure one: no sure path),
    `several` the nodes with more than one value.
    """

    path: str
    unsure: str = ""
    rows: int = 0
    first: int = 0
    several: int = 0
    example: str = ""


@dataclass(slots=True)
class Column:
    """What a file has of one column, over the paths that are sure.

    `forms` counts values by their number of digits ("8"), "other" for those that are not all
    digits; `codes` counts the values themselves, where the candidate asks for it.
    """

    candidate: Candidate
    ways: list[Way]
    rows: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    points: int = 0
    commas: int = 0

    @property
    def several(self) -> bool:
        """Whether a node has several values that would each be a row."""
        return self.candidate.several and any(
            way.several for way in self.ways if way.first and not way.unsure
        )


@dataclass(slots=True)
class Evidence:
    """What a file has of one type of message.

    `faulty` counts the rows of messages that have an error; they are among `rows`. `address_rows`
    have a part of an address, `incomplete` of them lack another. `lines` counts rows with a line
    or article number, `packs_below` those whose pack lies below its item. `others` are paths that
    no candidate has, with the number of their segments. `errors` are those of the file's envelopes
    and of these messages, in file order; `rejected` messages have one. `kept` are values of the
    first rows that identify neither a person nor a parcel.

    `clashes` counts for each of LINE_IDS how often it does not tell two lines of a message apart:
    where orders are made, rows beyond the first with one id; elsewhere, where a line may come
    again, ids of several articles. Rejected messages count only where there are no others.
    """

    message: Message
    candidates: Candidates
    messages: int
    columns: dict[str, Column]
    party: str = ""
    rows: int = 0
    faulty: int = 0
    address_rows: int = 0
    incomplete: int = 0
    lines: int = 0
    clashes: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    packs_below: int = 0
    others: tuple[tuple[str, int], ...] = ()
    errors: tuple[Problem, ...] = ()
    rejected: frozenset[int] = frozenset()
    kept: set[str] = field(default_factory=set)


def gather(reading: Reading, message: Message) -> Evidence:
    """Read the messages of one type, and count what they have of each candidate path."""
    begins = reading.envelopes.messages.get_column("begin")
    counting = _Counting(message, CANDIDATES[message.syntax, message.type], begins)
    problems = list(reading.envelopes.problems)
    for batch in read_edi_batches(reading, counting.plan, file=0, columns=counting.names):
        counting.take(batch.raw.rows, faulty=False)
        counting.take(batch.faulty.rows, faulty=True)
        counting.several(batch.findings.rows)
        problems += batch.problems
    made = counting.evidence()
    mine = reading.envelopes.messages.filter(
        messages_read(reading.envelopes, counting.plan)
    ).get_column("message")
    made.messages = mine.len()
    concerned = {-1, *mine.to_list()}
    errors = dict.fromkeys(
        each for each in problems if is_error(each) and each.message in concerned
    )
    made.errors = tuple(sorted(errors, key=lambda each: (each.segment, each.line)))
    bad = {*rejections(reading.envelopes), *(each.message for each in errors)}
    made.rejected = frozenset(bad & concerned - {-1})
    made.others = tuple(_others(reading, made))
    return made


def readable_types(reading: Reading) -> list[Message]:
    """The messages in a file for which there are candidates, in the order of the file."""
    pairs = reading.envelopes.messages.select("interchange", "type").unique(maintain_order=True)
    interchanges = reading.envelopes.interchanges
    kinds = dict.fromkeys(
        (interchanges[number].syntax, kind) for number, kind in pairs.iter_rows() if number >= 0
    )
    return [MESSAGES[kind] for kind in kinds if kind in CANDIDATES]


class _Counting:
    def __init__(self, message: Message, candidates: Candidates, begins: pl.Series) -> None:
        self._begins = begins.to_numpy()
        self._clashes: dict[bool, Counter[tuple[str, ...]]] = {}  # by "of rejected messages"
        self._candidates = candidates
        self._message = message
        self._parties = candidates.parties or ("",)
        self._columns = {party: self._of(party) for party in self._parties}
        every = (
            way
            for columns in self._columns.values()
            for each in columns.values()
            for way in each.ways
        )
        paths = dict.fromkeys(path for way in every for path in (way.path, simple(way.path)))
        self._probes = {path: f"p{number}" for number, path in enumerate(paths)}
        self.plan = _plan(message, self._probes)
        self._found = {path: Way(path) for path in paths}
        self._made = {
            party: Evidence(message, candidates, 0, columns, party)
            for party, columns in self._columns.items()
        }

    @property
    def names(self) -> list[str]:
        return list(self._probes.values())

    def _of(self, party: str) -> dict[str, Column]:
        return {
            each.name: Column(
                each, [Way(way.path.replace("{party}", party), way.unsure) for way in each.ways]
            )
            for each in self._candidates.columns
        }

    def take(self, rows: pl.DataFrame, *, faulty: bool) -> None:
        """Count the rows of a batch."""
        if not rows.height:
            return
        cells = rows.select(
            pl.col(name).str.strip_chars().replace("", None).alias(path)
            for path, name in self._probes.items()
        )
        counts = cells.select(pl.all().count()).row(0, named=True)
        for path, way in self._found.items():
            way.rows += counts[path]
            if counts[path] and not way.example:
                way.example = str(cells.get_column(path).drop_nulls()[0])
        for made in self._made.values():
            made.rows += rows.height
            made.faulty += rows.height if faulty else 0
            _count(made, cells)
            if not faulty and made.rows <= _KEPT_ROWS:
                made.kept.update(_of_nobody(made, cells))
        # what a line is called by does not depend on the party
        segments = rows.get_column(SEGMENT).to_numpy() & SEGMENTS_MAX
        numbers = pl.Series("message", np.searchsorted(self._begins, segments, side="right"))
        columns = self._columns[self._parties[0]]
        clashes = _clashes(columns, cells.with_columns(numbers), self._candidates.purpose)
        self._clashes.setdefault(faulty, Counter()).update(dict(clashes))

    def several(self, findings: pl.DataFrame) -> None:
        """Note where a node has several values of a path (E307)."""
        told = findings.filter(pl.col("code") == "E307").get_column("column")
        counted = dict(told.value_counts(name="count").iter_rows())
        for path, name in self._probes.items():
            self._found[path].several += counted.get(name, 0)

    def evidence(self) -> Evidence:
        """Choose the party to which the goods go: the first with an address, else with a name."""
        with_address = [party for party in self._parties if self._made[party].address_rows]
        named = [
            party
            for party, columns in self._columns.items()
            if (column := columns.get("recipient")) is not None and column.rows
        ]
        made = self._made[(*with_address, *named, self._parties[0])[0]]
        made.clashes = self._clashes.get(False) or self._clashes.get(True) or {}
        for column in made.columns.values():
            for way in column.ways:
                plain = simple(way.path)
                # without several values anywhere, the plain path says the same
                found = self._found[way.path]
                way.rows, way.several, way.example = found.rows, found.several, found.example
                if not way.several and self._found[plain].rows == way.rows:
                    way.path = plain
        return made


def simple(path: str) -> str:
    """A path without its ranges: the first of its values.

    >>> simple("MAN[1=CP].2..3"), simple("GIN[1=BJ].2-6.1..2"), simple("N1[1=ST]>N4.3")
    ('MAN[1=CP].2', 'GIN[1=BJ].2', 'N1[1=ST]>N4.3')
    """
    found = _RANGE.match(path)
    return path if found is None else found["head"]


def _plan(message: Message, probes: Mapping[str, str]) -> ExtractPlan:
    """Compile a mapping whose columns are all the paths."""
    word = "transaction" if message.syntax is Syntax.X12 else "message"
    lines = [
        "version: 1", "name: probe", "mode: update_only",
        f'source: {{format: {message.syntax}, {word}: "{message.type}"}}',
        "extract:", "  columns:",
        *(f"    {name}: {json.dumps(path)}" for path, name in probes.items()),
        "order: {order_number: p0}",
    ]  # fmt: skip
    extract = compile_mapping("\n".join(lines), "probe").plan.extract
    if extract is None:
        raise TypeError(f"{message.type} makes no rows")
    return extract


def _count(made: Evidence, cells: pl.DataFrame) -> None:
    values = cells.select(_first(column).alias(name) for name, column in made.columns.items())
    for name, column in made.columns.items():
        texts = values.get_column(name).drop_nulls()
        if texts.len():
            _count_column(column, texts)
        _count_first(column, cells)
    names = set(made.columns)
    if set(_ADDRESS) <= names:
        parts = [pl.col(name).is_not_null() for name in (*_ADDRESS, "country")]
        any_, all_ = values.select(
            pl.any_horizontal(parts[:-1]).sum().alias("any"),
            pl.all_horizontal(parts).sum().alias("all"),
        ).row(0)
        made.address_rows += any_
        made.incomplete += any_ - all_
    if "line_no" in names:
        keys = [pl.col(name).is_not_null() for name in LINE_KEYS if name in names]
        made.lines += values.select(pl.any_horizontal(keys).sum()).item()
    if "above_pack" in names:
        below = pl.col("above_pack") == pl.col("item_level")
        made.packs_below += values.select(below.sum()).item()


def _of_nobody(made: Evidence, cells: pl.DataFrame) -> Iterator[str]:
    head = cells.head(_KEPT_ROWS)
    for name, column in made.columns.items():
        if name in _NOBODY:
            for way in column.ways:
                yield from head.get_column(way.path).drop_nulls()


def _clashes(
    columns: Mapping[str, Column], cells: pl.DataFrame, purpose: Purpose
) -> Iterator[tuple[tuple[str, ...], int]]:
    """How often each of LINE_IDS does not tell two lines of a message apart."""
    keys = [name for name in LINE_KEYS if name in columns]
    if "line_no" not in keys:
        return
    named = [_first(columns[name]).alias(name) for name in ("order_no", *keys)]
    values = cells.select("message", *named).with_columns(pl.coalesce(keys).alias(*FIRST))
    articles = [name for name in _ARTICLE if name in keys]
    for key in LINE_IDS:
        if not {*key} <= {*keys, *FIRST}:
            continue
        line = ["message", "order_no", *key]
        told = values.drop_nulls(line)
        if purpose is Purpose.CREATE:
            yield key, told.height - told.select(line).n_unique()
            continue
        others = [name for name in articles if name not in key]
        several = told.group_by(line).agg(pl.col(others).drop_nulls().n_unique() > 1)
        yield key, several.filter(pl.any_horizontal(pl.lit(value=False), *others)).height


def _first(column: Column) -> pl.Expr:
    sure = [pl.col(way.path) for way in column.ways if not way.unsure]
    return pl.coalesce(sure) if sure else pl.lit(None, pl.String)


def _count_first(column: Column, cells: pl.DataFrame) -> None:
    """Count the rows in which each path is the one that is used."""
    open_ = pl.Series([True]).new_from_index(0, cells.height)
    for way in sorted(column.ways, key=lambda way: bool(way.unsure)):
        there = cells.get_column(way.path).is_not_null()
        way.first += int((open_ & there).sum())
        if not way.unsure:
            open_ &= ~there


def _count_column(column: Column, texts: pl.Series) -> None:
    column.rows += texts.len()
    form = (
        pl.when(pl.col("text").str.contains(r"^[0-9]+$"))
        .then(pl.col("text").str.len_chars().cast(pl.String))
        .otherwise(pl.lit("other"))
    )
    frame = pl.DataFrame({"text": texts})
    for text, count in frame.select(form.value_counts(name="count").struct.unnest()).iter_rows():
        column.forms[text if text in _FORMS or text == "4" else "other"] += count
    commas, points = frame.select(
        pl.col("text").str.contains(",", literal=True).sum().alias("commas"),
        pl.col("text").str.contains(".", literal=True).sum().alias("points"),
    ).row(0)
    column.commas += commas
    column.points += points
    if column.candidate.codes:
        upper = texts.str.to_uppercase().value_counts(name="count", sort=True)
        for text, count in upper.head(_CODES_MAX).iter_rows():
            column.codes[text] += count


def _others(reading: Reading, made: Evidence) -> Iterator[tuple[str, int]]:
    """Paths by qualifiers that no column looks for."""
    known = {
        key
        for column in made.columns.values()
        for way in column.ways
        for key in _looked_for(way.path)
    }
    tags = _tags(made.message.parts)
    places = [place for place in _PLACES[made.message.syntax] if place.tag in tags]
    counted = count_qualifiers(reading, made.message, places)
    for (tag, qualifier), count in counted.items():
        if (tag, qualifier) not in known and _PLAIN.fullmatch(qualifier):
            yield _VALUES.get(tag, tag + "[1={}].2").format(qualifier), count


def _tags(parts: Sequence[object]) -> set[str]:
    found: set[str] = set()
    for part in parts:
        tag, inside = getattr(part, "tag", None), getattr(part, "parts", None)
        found |= {tag} if tag is not None else _tags(inside or ())
    return found


def _looked_for(path: str) -> Iterator[tuple[str, str]]:
    read, _ = read_path(path)
    for pick in (read.segment, read.within):
        if pick is not None:
            for condition in pick.conditions:
                yield from ((pick.tag, value) for value in condition.values)
