"""A file read by the reader, in the shape of the oracle's result."""

import io
from dataclasses import dataclass

import numpy as np

from pipeline.model.edi.envelope import Envelopes, Problem
from pipeline.model.edi.messages import MESSAGES
from pipeline.read.edi.batches import bodies_of, judge
from pipeline.read.edi.envelopes import EnvelopeReader
from pipeline.read.edi.pieces import WINDOW, Piece, Pieces
from pipeline.read.edi.segments import Ints
from pipeline.read.edi.structure import tree
from tests.edi.oracle import Result


@dataclass
class Read:
    """The pieces of a file and its envelopes."""

    pieces: list[Piece]
    envelopes: Envelopes


def read(data: bytes, window: int = WINDOW) -> Read:
    """Read bytes as a file, in windows of some size."""
    reader = EnvelopeReader()
    source = Pieces(io.BytesIO(data), window=window)
    pieces = []
    for piece in source:
        reader.take(piece)
        pieces.append(piece)
    return Read(pieces, reader.finish(source.rest()))


def faults(problems: tuple[Problem, ...]) -> list[tuple[str, int, int, int]]:
    """Problems of envelopes as the oracle has them."""
    return sorted(
        (each.code, each.line, each.segment, each.message)
        for each in problems
        if each.code not in {"E118", "E125"}
    )


def differences(read_: Read, expected: Result) -> list[str]:
    """Where the reader and the oracle disagree, without the segments' texts."""
    found = []
    if read_.envelopes.segments != len(expected.segments):
        found.append(f"{read_.envelopes.segments} segments, {len(expected.segments)} expected")
    if len(read_.envelopes.interchanges) != expected.interchanges:
        found.append(f"{len(read_.envelopes.interchanges)} interchanges, {expected.interchanges}")
    if len(read_.envelopes.groups) != expected.groups:
        found.append(f"{len(read_.envelopes.groups)} groups, {expected.groups} expected")
    mine = read_.envelopes.messages.select(
        "message", "interchange", "group", "begin", "end", "declared", "counted"
    ).rows()
    theirs = [
        (each.number, each.interchange, each.group, each.begin, each.end, each.declared,
         each.counted) for each in expected.messages
    ]  # fmt: skip
    if mine != theirs:
        found.append(f"messages {mine}, expected {theirs}")
    ours = faults(read_.envelopes.problems)
    if ours != expected.capped():
        more = [each for each in ours if each not in expected.capped()]
        fewer = [each for each in expected.capped() if each not in ours]
        found.append(f"said but not expected {more}; expected but not said {fewer}")
    return found


def differing_texts(read_: Read, expected: Result) -> list[str]:
    """Where elements, components, lines or positions of segments differ."""
    found = []
    at = 0
    for piece in read_.pieces:
        segments = piece.segments
        odd = set(piece.undecodable.tolist())
        for index in range(segments.count):
            seg = expected.segments[at]
            at += 1
            charset = piece.charset
            mine: list[object] = [segments.ordinal + index, int(segments.lines(index_of(index))[0])]
            theirs: list[object] = [seg.number, seg.line]
            if index not in odd:
                mine.append([
                    [segments.text(index, number, part + 1) for part in range(len(parts))]
                    for number, parts in enumerate(seg.elements[1:], start=1)
                ])  # fmt: skip
                theirs.append(
                    [[part.decode(charset) for part in parts] for parts in seg.elements[1:]]
                )
                mine.append([int(segments.components(index_of(index), number)[0])
                             for number in range(1, len(seg.elements) + 1)])  # fmt: skip
                theirs.append([*(len(parts) for parts in seg.elements[1:]), 0])
            mine.append(int(segments.elements[index]))
            theirs.append(len(seg.elements) - 1)
            if mine != theirs:
                found.append(f"{mine}, expected {theirs}")
    return found


def index_of(index: int) -> Ints:
    return np.array([index])


Said = tuple[str, int, int, str, str, str | None]


def inside(result: Read) -> list[Problem]:
    """What is said about the insides of messages, those of unknown types left out."""
    found: list[Problem] = []
    messages = result.envelopes.messages
    begins, kinds = messages.get_column("begin").to_numpy(), messages.get_column("type").to_list()
    for piece in result.pieces:
        low, high = np.searchsorted(
            begins, [piece.segments.ordinal, piece.segments.ordinal + piece.segments.count]
        )
        for kind in dict.fromkeys(kinds[low:high]):
            message = MESSAGES.get((piece.segments.delimiters.syntax, kind))
            if message is not None:
                rows = [row for row in range(low, high) if kinds[row] == kind]
                bodies = bodies_of(piece, messages[rows], message)
                found += tree(bodies)[1] + judge(piece, bodies)
    return found


def said(data: str | bytes, window: int = WINDOW) -> list[Said]:
    """Everything that is said about a file: code, line, segment, value, detail, column."""
    raw = data.encode() if isinstance(data, str) else data
    result = read(raw, window)
    problems = [*result.envelopes.problems, *inside(result)]
    ordered = sorted(problems, key=lambda each: (each.segment, each.line, each.code))
    return [(p.code, p.line, p.segment, p.value, p.detail, p.column) for p in ordered]
