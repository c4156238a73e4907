"""The check of cells that are a guess: what it takes for a change, and what it costs."""

import time

import pytest

from pipeline.read.guessed import check_of


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("1.234,50", "1234,5", True), ("-5", "- 5", True), ("+49 30 1", "49301", True),
        ("1e5", "1e6", True), ("123456789012", "1,23457E+11", True), (".5", "5", True),
        ("5", "-5", False), (".,' ", ".", False), ("+", "-", False), ("5x", "5", False),
        ("1e", "1", False),
    ],
)  # fmt: skip
def test_numbers_in_the_forms_of_spreadsheets_are_the_same(
    before: str, after: str, *, same: bool
) -> None:
    assert (check_of([before]) == check_of([after])) is same


@pytest.mark.parametrize("piece", ["1", "1 ", "1,", "1-", "jan"])
def test_a_long_cell_takes_no_time(piece: str) -> None:
    begun = time.perf_counter()
    check_of([piece * 20_000 + "x"])
    assert time.perf_counter() - begun < 1
