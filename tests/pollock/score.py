"""Pollock's measures, of what our reader makes of a file.

Ten numbers between 0 and 1 per file: success, and precision, recall and F1 of header, records and
cells as multisets against the clean table. Their means over all files, added up, are the simple
score (0 to 10); the weighted one weighs each file by how often its pollution was found in the wild
(PVLDB 16(8), 2023, section 5). Cells are compared as text: the benchmark forgives other ways of writing a
date or a number, and we change none.

The benchmark knows right and wrong. Here a quarantined record is neither: it is named with its line
and text and sent to a person, so it lowers recall as in the benchmark, and is counted by itself.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.mapping.plan import Source
from pipeline.model.origin import LINE, ORIGIN
from pipeline.model.stops import SourceUnusable
from pipeline.read import SourceEmpty, read_batches
from pipeline.read.header import load_header
from tests.pollock.kinds import Row

MEASURES = (
    "success",
    *(f"{part} {kind}" for part in ("header", "record", "cell") for kind in ("precision", "recall", "F1")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What our reader made of a file; `refused` says why where it took nothing of it.

    `accepted` are the records by physical line, `quarantined` the codes of the others, by line.
    """

    columns: Row = ()
    accepted: Mapping[int, Row] = field(default_factory=dict)
    quarantined: Mapping[int, str] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A file's measures, in the order of MEASURES, and what became of its records.

    `wrong` are accepted records that the clean table does not have.
    """

    name: str
    measures: tuple[float, ...]
    weight: float
    right: int
    wrong: int
    quarantined: int
    missing: int
    refused: str


def declared(parameters: Mapping[str, Any]) -> Source:
    """Give the source section that a mapping would have for these parameters of the benchmark.

    Raises:
        SourceUnusable: the dialect cannot be declared.
    """
    quote = parameters["quotechar"] or None
    escape = parameters["escapechar"]
    footer = parameters.get(
        "footer"
    )  # ours: how these lines begin; the benchmark has their number alone
    if parameters["footnote_lines"] and footer is None:
        raise SourceUnusable(
            "cannot be declared: a footnote of which only the number of lines is known"
        )
    lines, before = parameters["header_lines"], parameters["preamble_lines"]
    # a header that is no single line is left out, and its names are declared
    names = tuple(parameters["column_names"]) if lines != 1 else ()
    return Source(
        encoding={"ascii": "utf-8"}.get(parameters["encoding"].lower(), parameters["encoding"]),
        delimiter=parameters["delimiter"], quote=quote,
        escape=escape if escape not in ("", quote) else None, names=names,
        skip_lines=before + (lines if names else 0), footer=footer, trim=False,
    )  # fmt: skip


def load(path: Path, parameters: Mapping[str, Any]) -> Loaded:
    """Read a file as its parameters declare it, all columns that can be told apart."""
    try:
        source = declared(parameters)
        names = load_header(path, source, path.name).names
        single = [name for name, times in Counter(names).items() if name and times == 1]
        accepted: dict[int, Row] = {}
        quarantined: dict[int, str] = {}
        for batch in read_batches(path, source, file=0, columns=single):
            rows = batch.raw.rows
            cells = rows.drop(ORIGIN).rows()
            accepted |= dict(zip(rows.get_column(LINE).to_list(), cells, strict=True))
            found = batch.findings.rows.join(batch.faulty.rows, on=ORIGIN, how="semi")
            quarantined |= dict(found.select(LINE, "code").iter_rows())
    except SourceEmpty:
        return Loaded()
    except SourceUnusable as refused:
        return Loaded(refused=refused.message)
    return Loaded(columns=single, accepted=accepted, quarantined=quarantined)


def scored(name: str, clean: Sequence[Row], loaded: Loaded, weight: float = 1.0) -> Score:
    """Measure a loaded file against its clean table, whose first row is the header."""
    header, records = (clean[0], clean[1:]) if clean else ((), ())
    taken = list(loaded.accepted.values())
    right = _common(seen(header, records, loaded.columns), [tuple(each) for each in taken])
    lost = len(records) - right
    quarantined = min(len(loaded.quarantined), lost)
    if loaded.refused:
        measures = (0.0,) * len(MEASURES)
    elif not clean:
        measures = (1.0,) * len(MEASURES)
    else:
        measures = (
            1.0,
            *_measured(header, loaded.columns),
            *_measured([tuple(each) for each in records], [tuple(each) for each in taken]),
            *_measured([c for row in clean for c in row],
                       [*loaded.columns, *(cell for row in taken for cell in row)]),
        )  # fmt: skip
    return Score(
        name=name, measures=measures, weight=weight, right=right, wrong=len(taken) - right,
        quarantined=len(loaded.quarantined), missing=lost - quarantined, refused=loaded.refused,
    )  # fmt: skip


def seen(header: Row, records: Iterable[Row], columns: Row) -> list[Row]:
    """Give the cells of clean records that were asked for: names that stand twice cannot be."""
    if not set(columns) <= set(header):
        return [tuple(each) for each in records]
    at = [header.index(name) for name in columns]
    return [tuple(each[place] for place in at) for each in records]


def _common(clean: Sequence[Any], loaded: Sequence[Any]) -> int:
    return (Counter(clean) & Counter(loaded)).total()


def _measured(clean: Sequence[Any], loaded: Sequence[Any]) -> tuple[float, float, float]:
    """Precision, recall and F1; of a clean table that has nothing, as the benchmark: 1."""
    if not clean:
        return 1.0, 1.0, 1.0
    common = _common(clean, loaded)
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / len(loaded), common / len(clean)
    return precision, recall, 2 * precision * recall / (precision + recall)


def means(scores: Sequence[Score], *, weighted: bool = False) -> tuple[float, ...]:
    """The mean of each measure over files."""
    weights = [each.weight if weighted else 1.0 for each in scores]
    return tuple(
        sum(each.measures[at] * weight for each, weight in zip(scores, weights, strict=True)) / sum(weights)
        for at in range(len(MEASURES))
    )  # fmt: skip
