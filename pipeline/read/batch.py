"""What every reader yields: some records of a file, good and faulty."""

from dataclasses import dataclass

from pipeline.model.edi.envelope import LineTotals, Problem
from pipeline.model.findings import Findings
from pipeline.model.tables import RawTable

_NO_LINES = LineTotals()


@dataclass(frozen=True, slots=True)
class TrailerRecord:
    """A trailer as it stands in the file; `line` is the physical line where it begins."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a file in file order; every record is in `raw` or in `faulty`, never in both.

    `faulty` has the columns of `raw`, with the cells as best known: good for finding the orders
    that these records seem to belong to, never for sending. `findings` has a row per faulty record,
    and may have more that belong to no record (an interchange's trailer). `problems` is what was
    found inside of EDI messages, for their acknowledgement, `lines` what these declare of their lines.
    `trailer` is the last record of the file where the mapping declares one; it is no row. `open_end`
    is the last line of a file that does not end with a line end (or `record_end`).
    """

    raw: RawTable
    faulty: RawTable
    findings: Findings
    problems: tuple[Problem, ...] = ()
    lines: LineTotals = _NO_LINES
    trailer: TrailerRecord | None = None
    open_end: int | None = None
