"""The table of docs/csv.md is true: each of its samples is read, and gives what its row says."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.intake import take_snapshot
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from pipeline.model.origin import LINE
from pipeline.model.stops import StopRun
from pipeline.read import read_batches, read_header
from tests.csv_traits import TRAITS, Trait
from tests.golden.product import SAMPLES

FOLDER = SAMPLES / "csv"
COLUMNS = ("No", "Name", "Country")

Rows = Sequence[tuple[str, ...]]


def read(folder: Path, scratch: Path) -> tuple[Rows, dict[int, str], str]:
    """Read a sample as a run does: accepted rows with their lines, codes by line, why it is refused."""
    text = (folder / "mapping.yaml").read_text("utf-8")
    source = compile_mapping(text, "mapping.yaml").plan.source
    accepted: list[tuple[str, ...]] = []
    quarantined: dict[int, str] = {}
    try:
        copy = take_snapshot(next(folder.glob("input.*")), scratch, ordinal=0)
        compile_mapping(text, "mapping.yaml", header=read_header(copy.path, source, name=copy.name))
        for batch in read_batches(copy.path, source, file=0, columns=COLUMNS, name=copy.name):
            rows = batch.raw.rows.select(LINE, *COLUMNS).rows()
            accepted += [(str(line), *cells) for line, *cells in rows]
            quarantined |= dict(batch.findings.errors().rows.select(LINE, "code").rows())
    except MappingRefused as refused:  # the header does not have what the mapping names
        return [], {}, "; ".join(f"{each.message}; {each.help}" for each in refused.mistakes)
    except StopRun as refused:
        return [], {}, f"{refused.message}; {refused.help}"
    return accepted, quarantined, ""


@pytest.mark.parametrize("trait", TRAITS, ids=[each.sample for each in TRAITS])
def test_a_row_of_the_table_says_what_happens(trait: Trait, tmp_path: Path) -> None:
    happens_as_told(FOLDER / trait.sample, trait, tmp_path)


def happens_as_told(folder: Path, trait: Trait, scratch: Path) -> None:
    """Compare what becomes of a sample with what its row says."""
    accepted, quarantined, refused = read(folder, scratch)

    with (folder / "accepted.csv").open(encoding="utf-8", newline="") as opened:
        expected = [tuple(row) for row in csv.reader(opened)][1:]
    assert trait.refused in refused
    assert bool(refused) == bool(trait.refused), refused
    assert (accepted, quarantined) == (expected, dict(trait.quarantined))


def test_each_row_has_its_sample_and_each_sample_its_row() -> None:
    assert sorted(each.sample for each in TRAITS) == sorted(path.name for path in FOLDER.iterdir())
    assert len(TRAITS) >= 25


def test_each_sample_has_a_row_of_the_trait_or_is_refused() -> None:
    """A trait without an accepted row beside it would not show that the others are left alone."""
    for each in TRAITS:
        lines = (FOLDER / each.sample / "accepted.csv").read_text("utf-8").splitlines()
        assert each.refused or len(lines) > 1 or each.sample == "header-only", each.sample


def test_the_page_links_to_samples_that_are_there() -> None:
    page = (SAMPLES.parent / "docs" / "csv.md").read_text("utf-8")

    linked = re.findall(r"\(\.\./samples/csv/([^)]+)\)", page)
    assert sorted(linked) == sorted(each.sample for each in TRAITS)
