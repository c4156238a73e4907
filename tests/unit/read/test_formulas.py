"""Cells that a spreadsheet would run: every character that cannot be seen is looked through."""

import sys
import unicodedata

from pipeline.read.formulas import defuse, restore, runs

UNSEEN = ("Cc", "Cf", "Zs", "Zl", "Zp")


def test_every_character_that_cannot_be_seen_is_looked_through() -> None:
    unseen = [
        chr(each) for each in range(sys.maxunicode + 1)
        if unicodedata.category(chr(each)) in UNSEEN
    ]  # fmt: skip

    assert len(unseen) > 200
    assert [each for each in unseen if not runs(f"{each}=1+1")] == []
    assert [each for each in unseen if restore(defuse(f"{each}=1+1")) != f"{each}=1+1"] == []
