"""Each file goes to one mapping."""

import os
from pathlib import Path

import pytest

from pipeline.intake import assign, display_names
from pipeline.model.stops import SourceUnusable

ORDERS, STOCK, ODD = Path("in/orders_1.csv"), Path("in/stock.csv.gz"), Path("in/odd.txt")


def test_each_file_goes_to_the_mapping_that_claims_it_and_the_rest_to_the_one_without_a_pattern() -> (
    None
):
    patterns = {"wms": "orders_*.csv", "rest": None, "stock": "stock.csv", "none": "nothing"}

    assert assign([ORDERS, STOCK, ODD], patterns) == {
        "wms": [ORDERS],
        "rest": [ODD],
        "stock": [STOCK],
        "none": [],
    }


def test_files_of_nobody_and_of_several_are_all_named() -> None:
    with pytest.raises(SourceUnusable) as caught:
        assign([ORDERS, ODD], {"maps/wms.yaml": "orders_*", "maps/b2b.yaml": "*.csv"})
    assert caught.value.message == (
        "orders_1.csv is meant by several mappings: maps/wms.yaml, maps/b2b.yaml; "
        "odd.txt is meant by no mapping's `source.files`"
    )
    assert caught.value.help == (
        'maps/wms.yaml reads "orders_*", maps/b2b.yaml reads "*.csv": '
        "correct `source.files` there, or name other files or mappings"
    )


def test_two_mappings_without_a_pattern_claim_the_same_files() -> None:
    with pytest.raises(SourceUnusable, match=r"^odd\.txt is meant by several mappings: a, b$"):
        assign([ODD], {"a": None, "b": None})


def test_files_with_the_same_name_are_told_apart_by_as_few_folders_as_needed() -> None:
    files = [Path("/x/de/1/o.csv"), Path("/x/at/1/o.csv"), Path("/x/at/2/o.csv"), Path("/x/p.csv")]

    assert list(display_names(files).values()) == ["de/1/o.csv", "at/1/o.csv", "2/o.csv", "p.csv"]
    assert display_names([Path("/o.csv")]) == {Path("/o.csv"): "o.csv"}


def test_a_name_that_is_no_text_or_would_be_several_lines_is_shown_in_one(tmp_path: Path) -> None:
    latin, other, lines = (
        tmp_path / os.fsdecode(name)
        for name in (b"auftr\xe4ge.csv", b"auftr\xe5ge.csv", b"a\n\x1bb.csv")
    )

    shown = display_names([latin, other, lines])

    assert shown == {latin: r"auftr\xe4ge.csv", other: r"auftr\xe5ge.csv", lines: r"a\n\x1bb.csv"}
