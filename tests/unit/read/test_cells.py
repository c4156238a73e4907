"""One record taken apart, as well as can be."""

import pytest

from pipeline.mapping.plan import Source
from pipeline.read.cells import Cells, around, cell_at, split_cells
from pipeline.read.spelling import Spelling

PLAIN = Spelling.of(Source())


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", Cells([""])),
        (",", Cells(["", ""])),
        ('""', Cells([""])),
        ('a,"",b', Cells(["a", "", "b"])),
        ('"a,b"x,c', Cells(['"a,b"x', "c"], 5, 0)),
        ('"a,b,c', Cells(['"a', "b", "c"], 0, 0)),
        ('a,b""c,"d"e', Cells(["a", 'b""c', '"d"e'], 3, 1)),
        ('"a"",b', Cells(['"a""', "b"], 0, 0)),
    ],
)
def test_cells_and_the_first_misplaced_quote(text: str, cells: Cells) -> None:
    assert split_cells(text, PLAIN) == cells


def test_a_position_is_found_in_its_cell_also_behind_a_misplaced_quote() -> None:
    text = 'a,b"c,"d,e",f'

    assert [cell_at(text, at, PLAIN) for at in (0, 3, 8, 12)] == [0, 1, 2, 3]
    assert cell_at("a,b,c", 4, Spelling.of(Source(quote=None))) == 2


def test_a_message_shows_thirty_characters_at_most() -> None:
    assert around("short", 2) == "short"
    assert len(around("x" * 100, 99)) <= 30
    assert len(around("x" * 100, 50)) == 30
