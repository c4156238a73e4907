"""When a sender has finished with a file."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.intake import STILL_WRITTEN, Readiness, find_files

NOW = 1_800_000_000.0


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    for name, age_s in (("old.csv", 60), ("fresh.csv", 2), ("future.csv", -30)):
        (tmp_path / name).write_text("a\n")
        os.utime(tmp_path / name, (NOW - age_s, NOW - age_s))
    return tmp_path


def watched(
    inbox: Path, meanwhile: Callable[[], object] = lambda: None
) -> tuple[dict[str, str], list[float]]:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        meanwhile()

    ready = Readiness(5.0, None, lambda: NOW, wait)
    found = find_files([str(inbox)], ["*.csv"], ready)
    return {file.name: reason for file, reason in found.unfinished.items()}, waited


def test_fresh_files_are_watched_together_for_as_long_as_the_freshest_needs(inbox: Path) -> None:
    assert watched(inbox) == ({}, [5.0])
    (inbox / "future.csv").unlink()
    assert watched(inbox) == ({}, [3.0])
    (inbox / "fresh.csv").unlink()
    assert watched(inbox) == ({}, [])


def test_a_file_that_grows_is_replaced_or_vanishes_meanwhile_is_left_alone(inbox: Path) -> None:
    def change() -> None:
        with (inbox / "fresh.csv").open("a") as file:
            file.write("b\n")
        (inbox / "future.csv").unlink()
        (inbox / "old.csv").rename(inbox / "future.csv")

    assert watched(inbox, change)[0] == {"fresh.csv": STILL_WRITTEN, "future.csv": STILL_WRITTEN}


def test_a_file_without_its_marker_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.csv", "a.csv.done", "b.csv", "b.done", "c.csv", "stray.done"):
        (tmp_path / name).write_text("x")

    found = find_files([str(tmp_path)], [None], Readiness(marker=".done"))

    assert [file.name for file in found.files] == ["a.csv", "b.csv"]
    assert found.unfinished == {tmp_path / "c.csv": "has no c.csv.done beside it"}
    assert found.left_alone == {}
