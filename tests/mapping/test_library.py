"""The mappings of `mappings/`: each checks, and says what is known of its format."""

import re
from functools import cache
from pathlib import Path

import pytest

from pipeline.mapping.compile import Compiled
from pipeline.run.source import read_mapping
from tests import library

PATHS = library.library()
NAMES = [path.stem for path in PATHS]
PAGE = (library.FOLDER.parent / "docs" / "library.md").read_text("utf-8")


@cache
def of(path: Path) -> Compiled:
    """The mapping, held against the header of the first of its own tests."""
    first = read_mapping(path)[0]
    source, rows = first.plan.source, first.trials[0].rows or ""
    if first.plans:
        headers = {
            plan.part: first.trials[0].texts[plan.part].splitlines()[0].split(plan.source.delimiter)
            for plan in first.plans
        }
        return read_mapping(path, headers=headers)[0]
    return read_mapping(path, rows.splitlines()[0].split(source.delimiter))[0]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_mapping_checks_without_a_warning_and_is_called_as_its_file(path: Path) -> None:
    compiled = of(path)
    assert compiled.warnings == ()
    for plan in compiled.plans or (compiled.plan,):
        assert plan.name == (f"{path.stem}.{plan.part}" if plan.part else path.stem)
        assert plan.source.files, "so that all of them can run together"


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_mapping_has_three_tests_and_says_which_cells_are_rejected(path: Path) -> None:
    trials = of(path).trials
    assert len(trials) >= 3
    rejected = [each for trial in trials for each in trial.rejected]
    assert rejected
    assert all(each.line and each.column for each in rejected)


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_mapping_says_what_is_known_of_its_format(path: Path) -> None:
    text = path.read_text("utf-8")
    assert library.marks(text)
    assert library.grain(text)
    assert library.before_use(text)
    told = set(re.findall(r"\[([A-Z])\]", library.head(text)))
    assert told <= set(library.MARKS)


def test_page_has_the_table_and_a_section_for_each_mapping() -> None:
    assert library.filled(PAGE) == PAGE, "python -m tests.docs --write"
    assert re.findall(r"^## ([a-z-]+)$", PAGE, re.MULTILINE) == NAMES
    for path in PATHS:
        section = PAGE.partition(f"\n## {path.stem}\n")[2].partition("\n## ")[0]
        assert f"<!-- before use: {path.stem} -->" in section
        told = set(re.findall(r"\[([A-Z])\]", section))
        assert told == set(library.marks(path.read_text("utf-8"))), path.stem
