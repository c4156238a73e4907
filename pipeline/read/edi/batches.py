"""An EDI file to batches of rows, as `read.delimited` gives them for delimited text.

The file is read twice: once for its envelopes, so that no row leaves an interchange that turns out
to be cut off, once for its messages. A file of one piece is taken apart once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.mapping.plan import ExtractPlan
from pipeline.model.edi.definition import Message
from pipeline.model.edi.envelope import Envelopes, Problem
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.findings import Findings
from pipeline.model.origin import (
    FILE,
    LINE,
    MESSAGE,
    ORIGIN,
    ORIGIN_SCHEMA,
    SEGMENT,
    SEGMENTS_MAX,
    place,
)
from pipeline.model.rules import RULES, Severity
from pipeline.model.stops import SourceUnusable
from pipeline.model.tables import RawTable
from pipeline.read.batch import Batch
from pipeline.read.decoding import text_encoding
from pipeline.read.edi.causes import one_per_cause
from pipeline.read.edi.elements import check_elements
from pipeline.read.edi.envelopes import EnvelopeReader
from pipeline.read.edi.extract import extract
from pipeline.read.edi.grammar import grammar_of
from pipeline.read.edi.pieces import WINDOW, Piece, Pieces
from pipeline.read.edi.structure import Bodies, follow, problems_of, tree
from pipeline.read.edi.totals import check_totals, line_totals
from pipeline.read.header import SourceEmpty, open_source

_LOOK = 400
# What files are that are no EDI, by their first bytes.
_OTHERS = (
    (b"\xff\xfe", "it is UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16: save it as UTF-8"),
    (b"PK\x03\x04", "it is a ZIP archive or an Excel file"),
    (b"\x1f\x8b", "it is packed with gzip"),
    (b"%PDF", "it is a PDF"),
    (b"-----BEGIN PGP", "it is encrypted with PGP"),
    (b"\xc9\xe2\xc1", "it is X12 in EBCDIC: have it sent in ASCII"),
    (b"\xe4\xd5\xc1", "it is EDIFACT in EBCDIC: have it sent in ASCII"),
    (b"\xe4\xd5\xc2", "it is EDIFACT in EBCDIC: have it sent in ASCII"),
)
_ONE_BYTE = bytes(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Reading:
    """An EDI file whose envelopes are known.

    `pieces` holds the only piece of a small file, so that it is not taken apart again.
    """

    path: Path
    name: str
    encoding: str
    window: int
    envelopes: Envelopes
    pieces: tuple[Piece, ...] | None

    def again(self) -> Iterator[Piece]:
        """The pieces of the file, from the beginning."""
        if self.pieces is not None:
            yield from self.pieces
            return
        with open_source(self.path, self.name) as file:
            yield from Pieces(file, self.encoding, self.window)


def open_edi(path: Path, name: str, *, encoding: str = "", window: int = WINDOW) -> Reading:
    """Read the envelopes of a file; `encoding` "" means: as each interchange declares.

    Raises:
        SourceEmpty: nothing is in the file.
        SourceUnusable: no interchange is found in it (E101), or it has more segments than an
            address can number.
    """
    if encoding:
        _ascii_based(encoding)
    reader = EnvelopeReader(name)
    kept: list[Piece] = []
    with open_source(path, name) as file:
        beginning = file.read(_LOOK)
        if not beginning:
            raise SourceEmpty(f"{name} is empty", help="ask for the file again", code="E101")
        file.seek(0)
        pieces = Pieces(file, encoding, window)
        for number, piece in enumerate(pieces):
            reader.take(piece)
            kept = [piece] if number == 0 else []
        envelopes = one_per_cause(reader.finish(pieces.rest()))
    if not envelopes.interchanges:
        raise _no_interchange(name, envelopes, beginning)
    if envelopes.segments > SEGMENTS_MAX:
        raise SourceUnusable(
            f"{name} has {envelopes.segments:,} segments; a file may have {SEGMENTS_MAX:,}",
            help="take it apart with `pipeline edi split`",
        )
    whole = tuple(kept) if kept else None
    return Reading(path, name, encoding, window, envelopes, whole)


def _no_interchange(name: str, envelopes: Envelopes, beginning: bytes) -> SourceUnusable:
    """Why nothing of a file can be read: its first error, in the words of its rule."""
    nothing = Problem("E101", 1, 0, detail=_looks_like(beginning))
    problem = next((each for each in envelopes.problems if is_error(each)), nothing)
    rule = RULES[problem.code]
    says = rule.says.format(value=problem.value, detail=problem.detail, column=problem.column)
    at = place(name, problem.line, problem.segment)
    return SourceUnusable(f"{at}: {says}", help=rule.fix, code=problem.code, place=at)


def _looks_like(beginning: bytes) -> str:
    """What a file is in which no interchange begins, as far as its first bytes tell."""
    looks = next((text for mark, text in _OTHERS if beginning.startswith(mark)), "")
    text = beginning.decode("latin-1").split()
    if looks:
        return looks
    if beginning[:64].count(0) * 3 > len(beginning[:64]):
        return "it looks like UTF-16 or UTF-32: save it as UTF-8"
    if not text:
        return "nothing but blanks is at its beginning"
    return f'it begins with "{" ".join(text)[:40]}"'


def _ascii_based(encoding: str) -> None:
    """Refuse encodings in which a separator's byte may be part of another character."""
    text_encoding(encoding)
    if encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        return
    if len(bytes(range(256)).decode(encoding, "replace")) != 256 or _ONE_BYTE.decode(encoding) != _ONE_BYTE.decode("ascii"):  # fmt: skip
        raise SourceUnusable(
            f'EDI cannot be read as "{encoding}"',
            help="set `source.encoding` to utf-8 or to a one-byte encoding such as iso-8859-1",
        )


@dataclass(frozen=True, slots=True)
class Portion:
    """What of an EDI file one mapping reads, where several read it.

    `mine` is a Boolean for each message of the file. So is `unread`: the messages that no mapping
    reads. It is None for all mappings but one, so that what concerns the file is said once.
    """

    mine: pl.Series
    unread: pl.Series | None


def messages_read(envelopes: Envelopes, plan: ExtractPlan) -> pl.Series:
    """Tell for each message of a file whether it is of the types that a mapping reads."""
    theirs = [i for i, each in enumerate(envelopes.interchanges) if each.syntax is not plan.syntax]
    read = pl.col("type").is_in(list(plan.messages)) & ~pl.col("interchange").is_in(theirs)
    return envelopes.messages.select(read.alias("mine")).to_series()


def read_edi_batches(
    reading: Reading,
    plan: ExtractPlan,
    *,
    file: int,
    columns: Sequence[str],
    portion: Portion | None = None,
) -> Iterator[Batch]:
    """Make batches of the messages that a mapping reads: a portion, or all of its types.

    Returns:
        Batches: rows of accepted messages in `raw`, of rejected ones in `faulty`, each with the
        error of its message; the findings also name what is odd elsewhere in the file.
    """
    envelopes = reading.envelopes
    if portion is None:
        mine = messages_read(envelopes, plan)
        portion = Portion(mine, ~mine)
    by_message = rejections(envelopes)
    if portion.unread is not None:
        yield _of_file(envelopes, portion.unread, file, columns)
    messages = envelopes.messages.with_columns(portion.mine.alias("mine"))
    begins = envelopes.messages.get_column("begin").to_numpy()
    for piece in reading.again():
        low = int(np.searchsorted(begins, piece.segments.ordinal))
        high = int(np.searchsorted(begins, piece.segments.ordinal + piece.segments.count))
        here = messages.slice(low, high - low).filter("mine")
        for bodies in _bodies(piece, here, plan):
            yield _batch(piece, bodies, plan, envelopes, by_message, file, columns)


def _bodies(piece: Piece, messages: pl.DataFrame, plan: ExtractPlan) -> Iterator[Bodies]:
    for kind in plan.messages:
        message = MESSAGES.get((plan.syntax, kind))
        if message is None or piece.segments.delimiters.syntax is not plan.syntax:
            continue
        mine = messages.filter(pl.col("type") == kind)
        if mine.height:
            yield bodies_of(piece, mine, message)


def bodies_of(piece: Piece, messages: pl.DataFrame, message: Message) -> Bodies:
    """Follow the messages of one type in a piece."""
    begin = messages.get_column("begin").to_numpy().astype(np.int64) - piece.segments.ordinal
    counted = messages.get_column("counted").to_numpy()
    number = messages.get_column("message").to_numpy().astype(np.int64)
    return follow(piece.segments, grammar_of(message), begin, begin + counted - 1, number)


def judge(piece: Piece, bodies: Bodies) -> list[Problem]:
    """Everything that is wrong inside the messages of one type, in file order."""
    found = problems_of(bodies)
    found += check_elements(bodies)
    found += check_totals(bodies)
    found += _undecodable(piece, bodies)
    return sorted(found, key=lambda problem: problem.segment)


def _undecodable(piece: Piece, bodies: Bodies) -> Iterator[Problem]:
    seen: set[int] = set()
    places = np.flatnonzero(np.isin(bodies.at, piece.undecodable))
    for spot in places.tolist():
        number = int(bodies.number[bodies.message[spot]])
        if number in seen:
            continue
        seen.add(number)
        at = int(bodies.at[spot])
        line = int(piece.segments.lines(np.array([at]))[0])
        stop = int(piece.segments.stop[at])
        text = piece.segments.plain(int(piece.segments.start[at]), stop)
        yield Problem("E118", line, piece.segments.ordinal + at, text[:80], piece.charset,
                      piece.segments.tag_text(at), number)  # fmt: skip


def rejections(envelopes: Envelopes) -> Mapping[int, Problem]:
    """The first error that the envelopes of each message have; messages without one are left out."""
    found: dict[int, Problem] = {}
    for problem in envelopes.problems:
        if problem.message >= 0 and is_error(problem):
            found.setdefault(problem.message, problem)
    groups = {i: _first_error(group.problems) for i, group in enumerate(envelopes.groups)}
    interchanges = {i: _first_error(each.problems) for i, each in enumerate(envelopes.interchanges)}
    bad_groups = [i for i, problem in groups.items() if problem is not None]
    bad_interchanges = [i for i, problem in interchanges.items() if problem is not None]
    concerned = envelopes.messages.filter(
        pl.col("group").is_in(bad_groups)
        | pl.col("interchange").is_in(bad_interchanges)
        | (pl.col("interchange") < 0)
    )
    for number, interchange, group in concerned.select(
        "message", "interchange", "group"
    ).iter_rows():
        cause = interchanges.get(interchange)
        cause = groups.get(group) if cause is None else cause
        found.setdefault(number, Problem("E115", 0, 0, message=number) if cause is None else cause)
    return found


def _first_error(problems: Iterable[Problem]) -> Problem | None:
    return next((problem for problem in problems if is_error(problem)), None)


def is_error(problem: Problem) -> bool:
    """Tell whether a problem rejects its message."""
    return RULES[problem.code].severity is Severity.ERROR


def _of_file(envelopes: Envelopes, unread: pl.Series, file: int, columns: Sequence[str]) -> Batch:
    """What is odd about the file as a whole, and the messages that nobody reads."""
    problems = list(envelopes.problems)
    others: Counter[str] = Counter()
    first: dict[str, Problem] = {}
    rows = envelopes.messages.filter(unread).select("type", "line", "begin", "reference")
    for kind, line, begin, reference in rows.iter_rows():
        others[kind] += 1
        first.setdefault(kind, Problem("E208", line, begin, kind, reference))
    problems += [replace(problem, detail=f"{others[kind]:,}") for kind, problem in first.items()]
    schema = ORIGIN_SCHEMA | {MESSAGE: pl.UInt32()} | dict.fromkeys(columns, pl.String())
    empty = pl.DataFrame(schema=schema)
    return Batch(RawTable(empty), RawTable(empty), findings_of(problems, file))


def _batch(
    piece: Piece, bodies: Bodies, plan: ExtractPlan, envelopes: Envelopes,
    by_message: Mapping[int, Problem], file: int, columns: Sequence[str],
) -> Batch:  # fmt: skip
    built, problems = tree(bodies)
    problems += judge(piece, bodies)
    made = extract(built, plan, columns, envelopes, file)
    problems += made.problems
    problems = [problem for problem in problems if problem.segment not in envelopes.cut]
    rejected: dict[int, Problem] = {
        number: by_message[number] for number in bodies.number.tolist() if number in by_message
    }
    for problem in problems:
        if is_error(problem):
            rejected.setdefault(problem.message, problem)
    findings = findings_of(problems, file)
    if not rejected:
        return Batch(
            RawTable(made.table), RawTable(made.table.clear()), findings, tuple(problems),
            line_totals(bodies),
        )  # fmt: skip
    number = bodies.number[made.message]
    bad = pl.Series(np.isin(number, list(rejected)))
    faulty = made.table.filter(bad)
    why = [rejected[each] for each in number[bad.to_numpy()].tolist()]
    held = _of_rows(faulty, why).join(findings.rows, on=[*ORIGIN, "code"], how="anti")
    return Batch(
        RawTable(made.table.filter(~bad)), RawTable(faulty), findings + Findings.of(held),
        tuple(problems), line_totals(bodies),
    )  # fmt: skip


def _of_rows(rows: pl.DataFrame, why: Sequence[Problem]) -> pl.DataFrame:
    """The error of its message as a finding of each row; the place of the error is in the words."""
    return rows.select(
        *ORIGIN,
        pl.Series("code", [problem.code for problem in why], pl.String),
        pl.Series("column", [problem.column for problem in why], pl.String),
        pl.Series("value", [problem.value for problem in why], pl.String),
        pl.Series("detail", [f"{each.detail}, segment {each.segment}" for each in why], pl.String),
    )


def findings_of(problems: Iterable[Problem], file: int) -> Findings:
    """Problems as findings, in file order."""
    ordered = sorted(problems, key=lambda problem: (problem.segment, problem.line))
    if not ordered:
        return Findings.none()
    return Findings.of(
        pl.DataFrame(
            {
                FILE: [file] * len(ordered),
                LINE: [problem.line for problem in ordered],
                SEGMENT: [problem.segment for problem in ordered],
                "code": [problem.code for problem in ordered],
                "column": [problem.column for problem in ordered],
                "value": [problem.value for problem in ordered],
                "detail": [problem.detail for problem in ordered],
            },
            schema_overrides=ORIGIN_SCHEMA | {"column": pl.String()},
        )
    )
