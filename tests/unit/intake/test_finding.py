"""Which files arguments mean, and which are left alone or refused."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.intake import find_files
from pipeline.intake.finding import EMPTY
from pipeline.model.stops import SourceUnusable


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with one of everything, as the current folder's `in`."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("b.csv", "a.csv", ".hidden", "c.csv.part", "d.TMP", "e.filepart", "f.csv~"):
        (folder / name).write_text("x")
    (folder / "deep").mkdir()
    (folder / "deep" / "g.csv").write_text("x")
    (tmp_path / "secret").write_text("x")
    (folder / "inside.csv").symlink_to("a.csv")
    (folder / "outside.csv").symlink_to("../secret")
    (folder / "nothing.csv").symlink_to("gone")
    (folder / "circle.csv").symlink_to("circle.csv")
    os.mkfifo(folder / "fifo")
    return folder


def refused(*arguments: str) -> tuple[str, str]:
    """Give message and help of a refusal."""
    with pytest.raises(SourceUnusable) as caught:
        find_files(arguments)
    return caught.value.message, caught.value.help


def test_a_folder_gives_its_regular_files_sorted_and_lists_the_others(inbox: Path) -> None:
    found = find_files([str(inbox)])

    assert [path.name for path in found.files] == ["a.csv", "b.csv"]
    reasons = {path.name: reason for path, reason in found.left_alone.items()}
    assert reasons.pop("circle.csv").startswith("cannot be looked at: ")
    assert {path.name: reason for path, reason in found.unfinished.items()} == dict.fromkeys(
        ("c.csv.part", "d.TMP", "e.filepart", "f.csv~"), "looks unfinished"
    )
    assert reasons == {
        ".hidden": "is hidden",
        "deep": "is a folder",
        "fifo": "is a FIFO",
        "nothing.csv": "is a link to nothing",
        "outside.csv": "is a symbolic link that leaves its folder",
    }


@pytest.mark.usefixtures("inbox")
def test_no_file_is_found_twice() -> None:
    found = find_files(["in/b.csv", "in", "in/*.csv", "./in/b.csv", "in/inside.csv"])

    assert [path.name for path in found.files] == ["a.csv", "b.csv"]


@pytest.mark.usefixtures("inbox")
def test_of_a_folder_only_the_files_that_a_mapping_reads_are_taken() -> None:
    found = find_files(["in"], ["a*.csv", "zzz"])

    assert [path.name for path in found.files] == ["a.csv"]
    assert found.left_alone[Path("in/b.csv")] == "is meant by no mapping's `source.files`"
    assert [path.name for path in find_files(["in"], ["a*", None]).files] == ["a.csv", "b.csv"]
    assert [path.name for path in find_files(["in/b.csv"], ["a*"]).files] == ["b.csv"]


def test_empty_files_are_left_alone_beside_others(inbox: Path) -> None:
    (inbox / "b.csv").write_bytes(b"")

    found = find_files(["in"])
    assert [path.name for path in found.files] == ["a.csv"]
    assert found.unfinished[Path("in/b.csv")] == EMPTY
    assert [path.name for path in find_files(["in/a.csv", "in/b.csv"]).files] == ["a.csv"]
    # alone, so that its reader says what is wrong with it
    assert [path.name for path in find_files(["in/b.csv"]).files] == ["b.csv"]
    assert [path.name for path in find_files(["in"], ["b*"]).files] == ["b.csv"]


@pytest.mark.usefixtures("inbox")
def test_named_files_that_are_no_regular_files_are_refused() -> None:
    found = find_files(["in/fifo", "in/a.csv", "in/outside.csv", "/dev/null"])
    assert [file.name for file in found.files] == ["a.csv"]
    assert {file.name: refused.message for file, refused in found.refused.items()} == {
        "fifo": "in/fifo is a FIFO",
        "outside.csv": "in/outside.csv is a symbolic link that leaves its folder",
        "null": "/dev/null is a device",
    }


@pytest.mark.usefixtures("inbox")
def test_what_a_mapping_means_and_is_no_regular_file_is_refused_and_not_only_left_alone() -> None:
    found = find_files(["in"], ["f*", "outside.csv", "d*"])

    assert [file.name for file in found.refused] == ["fifo", "outside.csv"]
    assert found.left_alone[Path("in/deep")] == "is a folder"


@pytest.mark.usefixtures("inbox")
def test_a_missing_file_is_told_with_the_nearest_name() -> None:
    assert refused("in/aa.csv") == ("in/aa.csv does not exist", "did you mean in/a.csv?")
    assert refused("in/qqqqqqqq") == (
        "in/qqqqqqqq does not exist",
        "nothing in in has a similar name",
    )
    assert refused("no/a.csv") == ("no/a.csv does not exist", "there is no folder no")
    assert refused("in/*.txt") == ("no file matches in/*.txt", "check the folder and the pattern")


@pytest.mark.usefixtures("inbox")
def test_an_unfinished_file_is_left_alone_even_when_named() -> None:
    found = find_files(["in/c.csv.part"])

    assert found.files == ()
    assert found.unfinished == {Path("in/c.csv.part"): "looks unfinished"}


def test_what_cannot_be_looked_at_is_refused_and_the_others_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, closed, long = tmp_path / "a.csv", tmp_path / "closed", tmp_path / f"{'x' * 300}.csv"
    there.write_text("no\n1\n", encoding="utf-8")
    closed.mkdir()

    def denied(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    found = find_files([str(there), str(closed), str(long)])

    assert found.files == (there,)
    assert {file: refused.message for file, refused in found.refused.items()} == {
        closed: f"{closed} cannot be looked at: Permission denied",
        long: f"{long} cannot be looked at: File name too long",
    }
