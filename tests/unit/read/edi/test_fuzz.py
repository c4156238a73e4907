"""A few mutants of the fuzzer on every run; `python -m tests.fuzz_edi` makes as many as one wants."""

import pytest

from tests.fuzz_edi import fuzz


@pytest.mark.parametrize("seed", [20260314, 7])
def test_damaged_interchanges_are_read_as_the_second_reader_reads_them(seed: int) -> None:
    wrong, kinds, _ = fuzz(250, seed)

    assert wrong == []
    assert len(kinds) == 9
