"""Copies of input files: private, whole, of one version."""

import bz2
import gzip
import hashlib
import lzma
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from pipeline.intake import Snapshot, SnapshotFailed, facts_of_file, take_snapshot
from pipeline.model.stops import SourceUnusable


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders ; rm.csv"
    path.write_bytes(b"a,b\n1,2\n")
    return path


def packed(folder: Path, content: bytes, kind: str = "gz") -> Path:
    path = folder / f"orders.csv.{kind}"
    path.write_bytes(content)
    return path


def refusal(original: Path, *, unpacked_max: int = 1 << 40, ratio_max: int = 200) -> str:
    """Give the sentence of a refusal, and see that no copy is left."""
    into = original.parent / "copies"
    with pytest.raises(SourceUnusable) as caught:
        take_snapshot(original, into, ordinal=1, unpacked_max=unpacked_max, ratio_max=ratio_max)
    assert not into.exists() or not list(into.iterdir())
    return caught.value.message


def test_a_copy_is_private_and_its_name_has_nothing_of_the_original(orders: Path) -> None:
    into = orders.parent / "run" / "copies"

    snapshot = take_snapshot(orders, into, ordinal=3)

    content = orders.read_bytes()
    assert snapshot == Snapshot(
        "orders ; rm.csv",
        orders,
        into / "000003.input",
        hashlib.sha256(content).hexdigest(),
        8,
        facts=facts_of_file(orders.stat()),
    )
    assert snapshot.path.read_bytes() == content
    assert stat.S_IMODE(snapshot.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(into.stat().st_mode) == 0o700


def while_copied(orders: Path, change: Callable[[], None]) -> str:
    """Change a file again and again while it is copied; gives the sentence of the refusal."""
    os.truncate(orders, 64 << 20)
    copied = threading.Event()

    def go_on() -> None:
        while not copied.is_set():
            change()

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        return refusal(orders)
    finally:
        copied.set()
        writer.join()


def test_a_file_that_grows_while_it_is_copied_is_refused_and_no_end_is_waited_for(
    orders: Path,
) -> None:
    def grow() -> None:
        with orders.open("ab") as file:
            file.write(bytes(1 << 20))

    assert while_copied(orders, grow) == "orders ; rm.csv changed while being read"


def test_a_file_that_is_replaced_while_it_is_copied_is_refused(orders: Path) -> None:
    def replace() -> None:
        other = orders.with_name("other")
        other.touch()
        os.truncate(other, 64 << 20)
        other.replace(orders)

    assert while_copied(orders, replace) == "orders ; rm.csv changed while being read"


def test_a_file_that_vanishes_while_it_is_copied_is_refused(orders: Path) -> None:
    os.truncate(orders, 64 << 20)
    assert while_copied(orders, lambda: orders.unlink(missing_ok=True)) in (
        "orders ; rm.csv changed while being read",
        "orders ; rm.csv does not exist",
    )


PACK: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "gz": (lambda content: gzip.compress(content, mtime=0), "gzip"),
    "bz2": (bz2.compress, "bzip2"),
    "xz": (lambda content: lzma.compress(content, preset=0), "xz"),
    "zst": (zstd.compress, "Zstandard"),
}
KINDS = sorted(PACK)


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_file_is_unpacked_part_by_part(tmp_path: Path, kind: str) -> None:
    pack, _ = PACK[kind]
    text = b"".join(b"%d,%d\n" % (n, n * n) for n in range(150_000))  # more than a piece of it
    original = tmp_path / f"orders.csv.{kind.upper()}"
    original.write_bytes(pack(b"a,b\n") + pack(text))

    snapshot = take_snapshot(original, tmp_path / "copies", ordinal=0)

    assert snapshot.path.read_bytes() == b"a,b\n" + text
    assert snapshot.sha256 == hashlib.sha256(original.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused_while_it_unpacks(tmp_path: Path, kind: str) -> None:
    pack, _ = PACK[kind]
    bomb = packed(tmp_path, pack(b"\n" * (10 << 20)), kind)

    assert refusal(bomb) == (
        f"orders.csv.{kind} unpacks to more than 200 times its size, which no export does"
    )
    assert refusal(bomb, ratio_max=1 << 30, unpacked_max=1 << 20) == (
        f"orders.csv.{kind} unpacks to more than 1048576 bytes"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_refused(tmp_path: Path, kind: str) -> None:
    pack, title = PACK[kind]
    whole = pack(b"".join(b"%d,%d\n" % (n, n * n) for n in range(5000)))

    cut = refusal(packed(tmp_path, whole[:-9], kind))
    assert cut == f"orders.csv.{kind} is cut off: its {title} data has no end"
    assert refusal(packed(tmp_path, b"", kind)) == cut
    for content in (b"a,b\n1,2\n" * 9, whole + b"rest of something"):
        assert refusal(packed(tmp_path, content, kind)).startswith(
            f"orders.csv.{kind} is not readable as {title}: "
        )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_packed_without_saying_so_or_twice_is_named(tmp_path: Path, kind: str) -> None:
    pack, title = PACK[kind]
    silent = tmp_path / "orders.csv"
    silent.write_bytes(pack(b"a,b\n"))

    assert refusal(silent) == f"orders.csv is packed with {title}, not an export"
    twice = packed(tmp_path, gzip.compress(pack(b"a,b\n")))
    assert refusal(twice) == f"orders.csv.gz: in it is packed with {title}, not an export"


@pytest.mark.parametrize(("content", "what"), [
    (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html><body>Please log in", "a web page"),
    (b"<HTML>\n", "a web page"),
    (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">', "a web page"),
    (b"<!-- served by proxy 3 -->\n<html><body>Forbidden", "a web page"),
    (b"PK\x03\x04 and more", "a zip archive or a workbook"),
    (b"%PDF-1.7\n", "a PDF document"),
])  # fmt: skip
def test_what_is_no_export_is_named(orders: Path, content: bytes, what: str) -> None:
    orders.write_bytes(content)
    assert refusal(orders) == f"orders ; rm.csv is {what}, not an export"


def test_an_empty_gz_is_an_empty_file(tmp_path: Path) -> None:
    snapshot = take_snapshot(
        packed(tmp_path, gzip.compress(b"", mtime=0)), tmp_path / "c", ordinal=1
    )

    assert snapshot.path.read_bytes() == b""


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.csv").symlink_to("/dev/null")
    (tmp_path / "old.tar").touch()

    assert refusal(tmp_path / "fifo") == "fifo is a FIFO"
    assert refusal(tmp_path / "in") == "in is a folder"
    assert refusal(tmp_path / "in" / "link.csv") == (
        "link.csv is a symbolic link that leaves its folder"
    )
    assert refusal(tmp_path / "gone.csv") == "gone.csv does not exist"
    assert refusal(tmp_path / "old.tar") == ("old.tar is an archive of a kind that is not unpacked")


def test_a_copy_never_overwrites_another(orders: Path) -> None:
    into = orders.parent / "copies"
    take_snapshot(orders, into, ordinal=1)

    with pytest.raises(SnapshotFailed, match=r"^no copy of orders ; rm\.csv can be written to"):
        take_snapshot(orders, into, ordinal=1)
    assert (into / "000001.input").read_bytes() == orders.read_bytes()
