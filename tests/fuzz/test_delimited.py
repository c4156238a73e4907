"""The fuzzer of delimited files: a short run, and that it would notice what must not be."""

import csv
import time
from dataclasses import replace

import pytest

from pipeline.mapping.plan import Source
from tests.fuzz import delimited
from tests.fuzz.delimited import Mutant, Outcome, Slow, fuzz, limited, read, wrong_with

SOURCE = Source(trim=False)
TEXT = 'a,b\n1,"x\ny"\n\n2,z\nfew\n'
LINES = TEXT.split("\n")
READ = Outcome(
    columns=("a", "b"), accepted=((2, ("1", "x\ny")), (5, ("2", "z"))), quarantined=((6, "R101"),)
)


@pytest.mark.thorough
def test_some_mutants_hold() -> None:
    wrong, kinds, _ = fuzz(seed=20261121, count=150)

    assert wrong == []
    assert kinds == {"sound": 150}


def test_what_is_read_is_what_the_other_tests_take_it_for() -> None:
    assert read(TEXT.encode(), SOURCE, 7) == READ
    assert wrong_with(Mutant("none", TEXT.encode(), SOURCE), 7) == ""


@pytest.mark.parametrize(
    ("got", "says"),
    [
        (replace(READ, accepted=READ.accepted[:1]), "line 5 is in no record"),
        (replace(READ, quarantined=()), "line 6 is in no record"),
        (replace(READ, quarantined=((5, "R101"), *READ.quarantined)), "line 5 is in two records"),
        (replace(READ, accepted=((2, ("1", "x\ny")), (6, ("2", "z")))), "line 6 was read as ('2', 'z'), and has"),
        (replace(READ, accepted=((2, ("1", "x")), (5, ("2", "z")))), "line 2 was read as ('1', 'x'), and has"),
        (replace(READ, accepted=((2, ("x\ny", "1")), (5, ("2", "z")))), "line 2 was read as ('x\\ny', '1'), and"),
    ],
)  # fmt: skip
def test_lost_doubled_moved_and_changed_records_are_noticed(got: Outcome, says: str) -> None:
    assert delimited._unsound(READ, LINES, SOURCE) == ""
    assert delimited._unsound(got, LINES, SOURCE).startswith(says)


def test_a_sound_table_that_is_quarantined_is_noticed() -> None:
    text = "a,b\n1,2\n3,4\n"
    table = delimited._strict_table(text, SOURCE)
    right = Outcome(columns=("a", "b"), accepted=((2, ("1", "2")), (3, ("3", "4"))))

    assert delimited._unlike(right, table, text, SOURCE) == ""
    assert delimited._unlike(replace(right, quarantined=((3, "R101"),)), table, text, SOURCE)
    assert delimited._unlike(replace(right, accepted=right.accepted[:1]), table, text, SOURCE)


def test_what_the_csv_module_lets_pass_is_no_sound_table() -> None:
    assert delimited._strict_table('a,b\n1,x"y\n', SOURCE) is None
    assert delimited._strict_table('a,b\n1,"x" y\n', SOURCE) is None
    assert delimited._strict_table('a,b\n1,"x\n', SOURCE) is None
    assert delimited._strict_table('a,b\n1,"x""\n,y"\n', SOURCE) == [
        (1, ["a", "b"]),
        (2, ["1", 'x"\n,y']),
    ]
    assert csv.field_size_limit() >= 1 << 17


def _work_for_a_second() -> None:
    end = time.process_time() + 1
    while time.process_time() < end:
        pass


def test_what_takes_too_long_is_noticed() -> None:
    with pytest.raises(Slow, match=r"more than 0\.05 s"), limited(0.05):
        _work_for_a_second()
