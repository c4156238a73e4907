"""docs/init.md says how much `mapping init` finds, and it is so."""

import pytest

from bench.init_hits import PAGE, all_hits, filled


@pytest.mark.thorough
def test_of_ordinary_exports_nothing_is_wrong_and_little_is_missed() -> None:
    for hits in all_hits(["R304-too-long", "feature-update-only", "nightly/shipments"]):
        assert not hits.wrong, hits
        assert len(hits.found) >= 0.8 * hits.targets, hits


@pytest.mark.thorough
def test_the_page_has_the_figures() -> None:
    listed = all_hits()
    page = PAGE.read_text("utf-8")
    assert page == filled(page, listed), "python bench/init_hits.py --write"
