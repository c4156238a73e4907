"""Zip archives: which members are input files, and which are never unpacked."""

import struct
import tempfile
import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.intake import copy_archive, display_names, find_files, take_member
from pipeline.intake.packing import UNPACKED_MAX
from pipeline.model.stops import SourceUnusable

NIGHT = {"orders_1.csv": b"a\n1\n", "more/orders_2.csv": b"a\n2\n", "read.me": b"hello"}


def zipped(
    folder: Path, members: dict[str, bytes] = NIGHT, method: int = zipfile.ZIP_DEFLATED
) -> Path:
    path = folder / "night.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def contents(
    archive: Path, patterns: Sequence[str | None], unpacked_max: int = UNPACKED_MAX
) -> dict[str, bytes]:
    """What is read of an archive, by the name that messages use."""
    into = Path(tempfile.mkdtemp(prefix="copies", dir=archive.parent))
    found = find_files([str(archive)], patterns)
    for refused in found.refused.values():
        raise refused
    shown = display_names(found.files, found.least_parts)
    copy = copy_archive(archive, into, ordinal=0, unpacked_max=unpacked_max)
    taken = {}
    for ordinal, file in enumerate(found.files):
        taken[shown[file]] = take_member(
            copy, found.members[file], into, ordinal=ordinal, name=shown[file]
        ).path.read_bytes()
    return taken


def refused(archive: Path, patterns: Sequence[str | None] = (None,)) -> str:
    with pytest.raises(SourceUnusable) as caught:
        contents(archive, patterns)
    return caught.value.message


def test_each_member_that_a_mapping_means_is_a_file_of_its_own(tmp_path: Path) -> None:
    assert contents(zipped(tmp_path), ["orders_*.csv", None]) == {
        "night.zip/orders_1.csv": b"a\n1\n",
        "night.zip/more/orders_2.csv": b"a\n2\n",
    }


def test_the_only_member_needs_no_pattern(tmp_path: Path) -> None:
    one = zipped(tmp_path, {"export.csv": b"a\n", "__MACOSX/._export.csv": b"x", "d/": b""})
    assert contents(one, [None]) == {"night.zip": b"a\n"}
    # by the archive's name, as a .gz is
    assert contents(one, ["night"]) == {"night.zip": b"a\n"}
    assert contents(one, ["*.zip"]) == {"night.zip": b"a\n"}


def test_several_members_that_nobody_means_are_named(tmp_path: Path) -> None:
    [refused] = find_files([str(zipped(tmp_path))], [None]).refused.values()
    assert refused.message == (
        "night.zip has several files: more/orders_2.csv, orders_1.csv, read.me"
    )
    assert refused.help == "say in `source.files` of a mapping which of them it reads"


def test_an_archive_in_a_folder_of_which_nothing_is_meant_is_left_alone(tmp_path: Path) -> None:
    zipped(tmp_path)
    (tmp_path / "stock.csv").write_text("x")
    found = find_files([str(tmp_path)], ["stock*.csv"])
    assert [file.name for file in found.files] == ["stock.csv"]
    assert found.left_alone == {tmp_path / "night.zip": "is meant by no mapping's `source.files`"}


@pytest.mark.parametrize(
    "name", ["/etc/cron.d/x", "../orders.csv", "a/../../b.csv", "C:/b.csv", "a\\b"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(zipped(tmp_path, {name: b"a\n"})) == (
        f"night.zip has a member that leads out of it: {name}"
    )


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "night.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("orders.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(path) == "night.zip has a member that leads out of it: orders.csv"


def test_encrypted_nested_and_unusual_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"orders.csv": b"a\n"})
    whole = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = whole.index(mark) + at
        whole[where : where + 2] = struct.pack("<H", 1)
    path.write_bytes(whole)
    assert refused(path) == "night.zip is encrypted"
    assert refused(zipped(tmp_path, {"orders.csv.gz": b"x"})) == "night.zip is packed again"
    assert refused(zipped(tmp_path, {"orders.csv": b"x"}, zipfile.ZIP_LZMA)) == (
        "night.zip is packed in a way that is not unpacked here (method 14)"
    )


@pytest.mark.parametrize(("at", "value", "words"), [
    (6, 0x20, "compressed patched data (flag bit 5)"),
    (6, 0x40, "strong encryption (flag bit 6)"),
    (30, 0xFF, "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
])  # fmt: skip
def test_a_member_with_marks_that_zipfile_itself_does_not_know_is_refused(
    tmp_path: Path, at: int, value: int, words: str
) -> None:
    path = zipped(tmp_path, {"orders.csv": b"a\n"})
    whole = bytearray(path.read_bytes())
    whole[at] = value
    whole[7] |= 0x08  # its name is in UTF-8
    if at == 6:
        whole[whole.index(b"PK\x01\x02") + 8] = value
    path.write_bytes(whole)

    assert refused(path) == f"night.zip is not readable as zip: {words}"


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"orders.csv": b"a\n" * 1000}, zipfile.ZIP_STORED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert refused(path) == "night.zip is cut off: its zip data has no end"
    path.write_bytes(b"")
    assert refused(path) == "night.zip is cut off: its zip data has no end"
    path.write_bytes(b"a,b\n1,2\n")
    assert refused(path) == "night.zip is not readable as zip: File is not a zip file"
    path.write_bytes(whole.replace(b"a\na\n", b"a\nb\n", 1))
    assert refused(path) == "night.zip is not readable as zip: Bad CRC-32 for file 'orders.csv'"
    assert refused(zipped(tmp_path, {})) == "night.zip has no file in it"


def test_a_zip_bomb_is_refused_while_it_unpacks(tmp_path: Path) -> None:
    bomb = zipped(tmp_path, {f"{n}.csv": bytes(5 << 20) for n in range(2)})
    tracemalloc.start()
    assert refused(bomb, ["*.csv"]) == (
        "night.zip/1.csv unpacks to more than 200 times its size, which no export does"
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_the_limit_is_that_of_all_members_together(tmp_path: Path) -> None:
    path = zipped(tmp_path, {f"{n}.csv": b"%d\n" % n * 1000 for n in range(10)}, zipfile.ZIP_STORED)
    assert len(contents(path, ["*.csv"])) == 10
    with pytest.raises(
        SourceUnusable, match=r"^night\.zip/7\.csv unpacks to more than 15000 bytes$"
    ):
        contents(path, ["*.csv"], unpacked_max=15_000)


def test_a_list_of_members_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "night.zip"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 64 << 20, 0, 0)
    path.write_bytes(b"PK\x03\x04")
    with path.open("r+b") as file:
        file.truncate(64 << 20)
        file.seek(0, 2)
        file.write(end)
    assert refused(path) == "night.zip has more than 10000 members"
