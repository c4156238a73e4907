"""Polluted files are read right, or refused, or quarantined record by record; nothing else."""

import csv
import io
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.pollock.kinds import RECORDS, Polluted, every
from tests.pollock.score import Loaded, load, means, scored, seen

EVERY = every()
# Nothing in the file tells the records of a second table of the same width from those of the first.
INDISTINCT = {"file_multitable_same.csv"}
OF_HEADER = re.compile(r"(?:row|quote|delimiter_|mark_)0_")
BENCH = Path(__file__).parents[2] / "bench" / "pollock.py"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Polluted, Loaded]]:
    folder = tmp_path_factory.mktemp("polluted")
    made = []
    for each in EVERY:
        path = folder / each.name
        path.write_bytes(each.text)
        made.append((each, load(path, each.parameters)))
    return made


def test_each_pollution_of_the_benchmark_is_there_as_often_as_a_table_of_this_size_has_it() -> None:
    kinds = Counter(each.kind for each in EVERY if not each.beyond)

    rows, columns = len(RECORDS) + 1, 9
    assert len({each.name for each in EVERY}) == len(EVERY)
    assert kinds == {
        "standard file": 1, "empty file": 1, "no newline at the end": 1,
        "two newlines at the end": 1, "no header": 1, "header of several rows": 2, "preamble": 1,
        "two tables": 3, "header only": 1, "one record": 1,
        "delimiter missing in a row": rows * (columns - 1),
        "delimiter too many in a row": rows * columns,
        "field delimiter": 4, "quotation": 1, "escape": 1, "no escape": 1, "record delimiter": 2,
        "quote too many in a row": rows * columns, "other field delimiter in a row": rows,
    }  # fmt: skip


def test_no_accepted_cell_differs_from_the_truth(loaded: list[tuple[Polluted, Loaded]]) -> None:
    damaged = [
        (each.name, line, row)
        for each, got in loaded
        if each.name not in INDISTINCT
        for line, row in got.accepted.items()
        if line not in each.truth
        or seen(each.header, [each.truth[line]], got.columns) != [tuple(row)]
    ]

    assert damaged == []


def test_every_record_is_accepted_or_quarantined_or_its_file_refused(
    loaded: list[tuple[Polluted, Loaded]],
) -> None:
    for each, got in loaded:
        if not got.refused:
            assert each.truth.keys() <= got.accepted.keys() | got.quarantined.keys(), each.name
        assert not got.accepted.keys() & got.quarantined.keys()


def test_a_pollution_of_one_row_costs_no_other_row(loaded: list[tuple[Polluted, Loaded]]) -> None:
    """A stray quote may run to the end of the next line, and never farther."""
    for each, got in loaded:
        if each.kind.endswith("in a row") and not got.refused and not OF_HEADER.search(each.name):
            lost = each.truth.keys() - got.accepted.keys()
            assert len(lost) <= (2 if "quote" in each.kind else 1), each.name


def test_the_score(loaded: list[tuple[Polluted, Loaded]]) -> None:
    scores = [
        scored(each.name, [each.header, *each.truth.values()] if each.header else [], got, each.weight)
        for each, got in loaded
        if not each.beyond
    ]  # fmt: skip

    assert sum(means(scores)) >= 9.28
    assert sum(means(scores, weighted=True)) >= 9.9
    assert {each.name: each.wrong for each in scores if each.wrong} == {
        "file_multitable_same.csv": 3
    }


def test_a_table_that_was_read_right_has_ten_points() -> None:
    table = [("A", "B"), ("1", "2"), ("1", "2")]

    score = scored("x", table, Loaded(columns=("A", "B"), accepted={2: ("1", "2"), 3: ("1", "2")}))

    assert sum(score.measures) == 10


def test_a_quarantined_record_is_no_wrong_one() -> None:
    table = [("A", "B"), ("1", "2"), ("3", "4")]
    quarantined = Loaded(columns=("A", "B"), accepted={2: ("1", "2")}, quarantined={3: "R101"})
    wrong = Loaded(columns=("A", "B"), accepted={2: ("1", "2"), 3: ("4", "3")})

    first, second = scored("x", table, quarantined), scored("x", table, wrong)

    assert (first.right, first.wrong, first.quarantined, first.missing) == (1, 0, 1, 0)
    assert (second.right, second.wrong, second.quarantined, second.missing) == (1, 1, 0, 1)
    assert first.measures[4:6] == (1.0, 0.5)  # records: precision, recall
    assert second.measures[4:6] == (0.5, 0.5)


@pytest.mark.thorough
def test_a_folder_in_the_form_of_the_benchmark_is_scored(tmp_path: Path) -> None:
    for name in ("csv", "clean", "parameters"):
        (tmp_path / name).mkdir()
    chosen = [
        each for each in EVERY if each.name in ("source.csv", "file_field_delimiter_0x3B.csv")
    ]
    for each in chosen:
        (tmp_path / "csv" / each.name).write_bytes(each.text)
        clean = io.StringIO()
        csv.writer(clean, quoting=csv.QUOTE_ALL).writerows([each.header, *each.truth.values()])
        (tmp_path / "clean" / each.name).write_text(clean.getvalue(), newline="")
        file = tmp_path / "parameters" / f"{each.name}_parameters.json"
        file.write_text(json.dumps(each.parameters))
    (tmp_path / "pollock_weights.json").write_text(
        json.dumps({each.name: each.weight for each in chosen})
    )

    told = subprocess.run(
        [sys.executable, str(BENCH), str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout

    assert "all files: 2 files" in told
    assert "Pollock score (simple)   10.000 of 10" in told
    assert "Pollock score (weighted) 10.000 of 10" in told
