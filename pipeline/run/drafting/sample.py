"""The first rows of a file, read as a run reads them: the evidence of a proposal."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipeline.mapping.plan import Source
from pipeline.model.stops import SourceUnusable
from pipeline.read import SourceEmpty, read_batches, read_header
from pipeline.report.visible import visible
from pipeline.run.drafting.dialect import Dialect

ROWS_MAX = 20_000
_BATCH_BYTES = 1 << 22
_CELLS_MAX = 4_000_000  # of wide files fewer rows are enough
_UNUSABLE = re.compile(r"_.*|\*|\^.*\$|.*[{}\n\r\0].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of one shape of file. `rows` has a String column per name, trimmed; "" is an empty cell.

    `left` are columns whose names no mapping can say. `more` tells that there are rows beyond these,
    `faulty` how many records cannot be read as rows.
    """

    dialect: Dialect
    names: tuple[str, ...]
    rows: pl.DataFrame
    more: bool
    faulty: int = 0
    left: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        """How the file is written."""
        return self.dialect.source


def take(path: Path, name: str, found: Dialect) -> Sample:
    """Read the first rows.

    Raises:
        SourceUnusable: the header cannot be read, or says nothing.
    """
    try:
        return _taken(path, name, found)
    except SourceUnusable as refused:
        if refused.code != "R104" or isinstance(refused, SourceEmpty):
            raise
        said = refused
    return _before_the_fault(path, name, found, said)


def _before_the_fault(path: Path, name: str, found: Dialect, said: SourceUnusable) -> Sample:
    """The rows before a quote that is never closed."""
    line = int((said.place or "0").rpartition(":")[2] or 0)
    text = path.read_bytes().decode(found.source.encoding, "replace")
    kept = "".join(re.split("(?<=\n)", text)[: max(line - 1, 0)])
    if not kept.strip():
        raise said
    with TemporaryDirectory() as folder:
        cut = Path(folder) / "cut"
        cut.write_bytes(kept.encode(found.source.encoding, "replace"))
        taken = _taken(cut, name, found)
    warning = f"{visible(name)}:{line}: {said.message}; this is from the rows before it"
    return replace(taken, warnings=(warning,))


def _taken(path: Path, name: str, found: Dialect) -> Sample:
    source = found.source
    names = read_header(path, source, name=name)
    twice = {each for each in names if names.count(each) > 1}
    usable = tuple(
        dict.fromkeys(n for n in names if n and n not in twice and not _UNUSABLE.fullmatch(n))
    )
    left = tuple(dict.fromkeys(n for n in names if n and n not in usable and n not in twice))
    if not usable:
        raise SourceUnusable(
            f"{name} has no header that names columns", help="write `source.names` by hand"
        )
    most = min(ROWS_MAX, max(200, _CELLS_MAX // len(usable)))
    frames: list[pl.DataFrame] = []
    rows = faulty = 0
    more = False
    for batch in read_batches(
        path, source, file=0, columns=usable, batch_bytes=_BATCH_BYTES, name=name
    ):
        frames.append(batch.raw.rows)
        rows += batch.raw.rows.height
        faulty += batch.faulty.rows.height
        if rows >= most:
            more = True
            break
    frame = pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(usable, pl.String))
    more = rows > most or (more and rows >= most and path.stat().st_size > _BATCH_BYTES)
    kept = frame.head(most).select(pl.col(usable).str.strip_chars())
    return Sample(found, usable, kept, more, faulty, left)
