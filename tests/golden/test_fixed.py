"""The table of docs/fixed.md is true: each of its samples is read, and gives what its row says."""

from pathlib import Path

import pytest

from tests.csv_traits import Trait
from tests.fixed_traits import TRAITS
from tests.golden.product import SAMPLES
from tests.golden.test_csv import happens_as_told

FOLDER = SAMPLES / "fixed"


@pytest.mark.parametrize("trait", TRAITS, ids=[each.sample for each in TRAITS])
def test_a_row_of_the_table_says_what_happens(trait: Trait, tmp_path: Path) -> None:
    happens_as_told(FOLDER / trait.sample, trait, tmp_path)


def test_each_row_has_its_sample_and_each_sample_its_row() -> None:
    assert sorted(each.sample for each in TRAITS) == sorted(path.name for path in FOLDER.iterdir())


def test_each_sample_has_a_row_of_the_trait_or_is_refused() -> None:
    """A trait without an accepted row beside it would not show that the others are left alone."""
    for each in TRAITS:
        lines = (FOLDER / each.sample / "accepted.csv").read_text("utf-8").splitlines()
        assert each.refused or len(lines) > 1, each.sample
